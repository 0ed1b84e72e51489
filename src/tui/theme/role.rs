//! What things mean on the screen. Widgets name roles, themes give them colours (console-ux T-3).

use ratatui::style::{Color, Style};

macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// A meaning a theme gives a look to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// Every role, in the order of the reference table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The dotted name in theme files and snapshots: `status.bad`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What wears the role, in a few words.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }
        }
    };
}

roles! {
    Bg "bg" "The ground of everything.",
    Fg "fg" "Plain text.",
    TextDim "text.dim" "Text of lesser weight, still read.",
    TextFaint "text.faint" "Text that repeats what stands elsewhere; never the sole carrier of anything.",
    Border "border" "Frames.",
    BorderFocus "border.focus" "The frame of the pane that has the keys.",
    Title "title" "Titles of frames, and the program's name.",
    Header "header" "Column heads.",
    Accent "accent" "What should draw the eye without being good or bad.",
    CursorRow "cursor.row" "The row under the cursor.",
    CursorRowUnfocused "cursor.row.unfocused" "The row under the cursor of a pane without the keys.",
    Mark "mark" "A marked row's sign.",
    Match "match" "What a filter or search matched.",
    MatchCurrent "match.current" "The hit the cursor is on.",
    Changed "changed" "A cell that changed in the last two polls.",
    Sort "sort" "The sort indicator.",
    StatusOk "status.ok" "Running, done, as wanted.",
    StatusProgress "status.progress" "Applying, pulling.",
    StatusWarn "status.warn" "Degraded: backoff, unhealthy.",
    StatusBad "status.bad" "Failed, dead, rejected.",
    StatusPaused "status.paused" "Stopped or paused on purpose.",
    StatusUnknown "status.unknown" "Nobody knows.",
    StatusNone "status.none" "Nothing to have a status.",
    SevCrit "sev.crit" "An alert that cannot wait.",
    SevWarn "sev.warn" "An alert that can wait a little.",
    SevInfo "sev.info" "Worth knowing.",
    LogBad "log.bad" "Log lines of errors.",
    LogWarn "log.warn" "Log lines of warnings.",
    LogNormal "log.normal" "Ordinary log lines.",
    LogDebug "log.debug" "Log lines of detail.",
    LogGap "log.gap" "Where lines of a log may be missing.",
    Source1 "source.1" "The first of several log sources.",
    Source2 "source.2" "The second source.",
    Source3 "source.3" "The third source.",
    Source4 "source.4" "The fourth source.",
    Source5 "source.5" "The fifth source.",
    Source6 "source.6" "The sixth source.",
    Source7 "source.7" "The seventh source.",
    Source8 "source.8" "The eighth source.",
    DiffAdd "diff.add" "A value that would appear.",
    DiffDel "diff.del" "A value that would go.",
    DiffChange "diff.change" "A value that would change.",
    DiffContext "diff.context" "What stays, around a difference.",
    DiffConflict "diff.conflict" "A value both sides changed.",
    ModeReadonly "mode.readonly" "The READ-ONLY badge.",
    ModeReadwrite "mode.readwrite" "The READ-WRITE badge.",
    ModeProduction "mode.production" "The PROD badge.",
    ModeSim "mode.sim" "The SIM badge.",
    ModePaused "mode.paused" "The PAUSED badge.",
    Fresh "fresh" "Data as young as its poll interval promises.",
    Stale "stale" "Data older than two polls.",
    Dead "dead" "Data nobody renews any more.",
    Prompt "prompt" "The input line.",
    PromptGhost "prompt.ghost" "The completion offered after the cursor.",
    PromptError "prompt.error" "What is wrong with the input.",
    EditorLine "editor.line" "The line the editor's cursor is on.",
    EditorCursor "editor.cursor" "The editor's cursor.",
    EditorSelection "editor.selection" "Selected text in the editor.",
    HintKey "hint.key" "A key in the hint bar and help.",
    HintText "hint.text" "What the key does.",
    ToastInfo "toast.info" "A message.",
    ToastWarn "toast.warn" "A warning message.",
    ToastError "toast.error" "An error message.",
    Dialog "dialog" "A dialog's ground and text.",
    DialogDanger "dialog.danger" "The dangerous part of a dialog.",
    Button "button" "A button without focus.",
    ButtonFocus "button.focus" "The button that enter presses.",
    Escape "escape" "The sanitiser's stand-ins in text from outside.",
    Secret "secret" "What stands where a secret is.",
    Link "link" "Something enter leads to.",
    Chart1 "chart.1" "The first series of a chart.",
    Chart2 "chart.2" "The second series.",
    Chart3 "chart.3" "The third series.",
    Chart4 "chart.4" "The fourth series.",
    Chart5 "chart.5" "The fifth series.",
    Chart6 "chart.6" "The sixth series.",
    Spark "spark" "A sparkline.",
    BarOk "bar.ok" "The good part of a bar.",
    BarWarn "bar.warn" "The degraded part of a bar.",
    BarBad "bar.bad" "The failed part of a bar.",
    BarRest "bar.rest" "The part of a bar nothing is known of yet.",
}

/// Green and blue of the colours that stand for roles in snapshots; red is the role's number.
const TAG: (u8, u8) = (0xed, 0xdc);

impl Role {
    /// The role with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// The role's own name, then each name to the left of a dot: where a theme may set it, nearest first.
    pub fn fallbacks(self) -> impl Iterator<Item = &'static str> {
        std::iter::successors(Some(self.name()), |name| name.rsplit_once('.').map(|(left, _)| left))
    }

    /// Whether the role is a ground that others are drawn on, and so sets a background.
    #[must_use]
    pub fn is_ground(self) -> bool {
        matches!(
            self,
            Self::Bg
                | Self::CursorRow
                | Self::CursorRowUnfocused
                | Self::MatchCurrent
                | Self::EditorLine
                | Self::EditorCursor
                | Self::EditorSelection
                | Self::Dialog
                | Self::DialogDanger
                | Self::Button
                | Self::ButtonFocus
        )
    }

    /// The role a style of [`Theme::roles_only`](super::Theme::roles_only) stands for: the one written last.
    #[must_use]
    pub fn from_style(style: Style) -> Option<Self> {
        style.fg.and_then(Self::from_tag)
    }

    /// The ground under a style of [`Theme::roles_only`](super::Theme::roles_only): cursor row, dialog, button.
    #[must_use]
    pub fn ground_from_style(style: Style) -> Option<Self> {
        style.bg.and_then(Self::from_tag)
    }

    pub(super) fn tag(self) -> Color {
        Color::Rgb(self as u8, TAG.0, TAG.1)
    }

    fn from_tag(color: Color) -> Option<Self> {
        match color {
            Color::Rgb(number, green, blue) if (green, blue) == TAG => Self::ALL.get(usize::from(number)).copied(),
            _ => None,
        }
    }
}
