//! Signs that say without colour what a role says with it, in Unicode and in ASCII (console-ux T-30).
//!
//! Every sign is one cell wide everywhere: none is East Asian Ambiguous, none has an emoji form.

use ratatui::symbols::border;

use super::Role;

/// Which characters the terminal can be trusted with (console-ux W-65).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// A UTF-8 locale.
    #[default]
    Unicode,
    /// Anything else, and terminals that draw boxes two cells wide.
    Ascii,
}

/// A sign with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Running, done.
    Ok,
    /// Applying, pulling.
    Progress,
    /// Backoff, unhealthy.
    Degraded,
    /// Failed, dead, rejected.
    Bad,
    /// Stopped or paused on purpose.
    Stopped,
    /// Nobody knows.
    Unknown,
    /// Nothing to have a status.
    Nothing,
    /// A marked row.
    Marked,
    /// The row under the cursor.
    Cursor,
    /// Connected, by evidence.
    Connected,
    /// Not connected.
    Disconnected,
    /// Sorted from low to high.
    Ascending,
    /// Sorted from high to low.
    Descending,
}

impl Sign {
    /// Every sign.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::Progress,
        Self::Degraded,
        Self::Bad,
        Self::Stopped,
        Self::Unknown,
        Self::Nothing,
        Self::Marked,
        Self::Cursor,
        Self::Connected,
        Self::Disconnected,
        Self::Ascending,
        Self::Descending,
    ];

    /// The character, one cell wide.
    #[must_use]
    pub fn glyph(self, glyphs: Glyphs) -> &'static str {
        match (self, glyphs) {
            (Self::Ok, Glyphs::Unicode) => "\u{2713}",
            (Self::Ok, Glyphs::Ascii) => "+",
            (Self::Progress, Glyphs::Unicode) => "\u{25cc}",
            (Self::Progress, Glyphs::Ascii) => "~",
            (Self::Bad, Glyphs::Unicode) => "\u{2717}",
            (Self::Bad, Glyphs::Ascii) => "x",
            (Self::Cursor, Glyphs::Unicode) => "\u{276f}",
            (Self::Cursor, Glyphs::Ascii) => ">",
            (Self::Degraded, _) => "!",
            (Self::Stopped, _) => "=",
            (Self::Unknown, _) => "?",
            (Self::Nothing | Self::Disconnected, _) => "-",
            (Self::Marked, _) => "*",
            (Self::Connected, _) => "C",
            (Self::Ascending, _) => "^",
            (Self::Descending, _) => "v",
        }
    }

    /// The role the sign wears.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Ok | Self::Connected => Role::StatusOk,
            Self::Progress => Role::StatusProgress,
            Self::Degraded => Role::StatusWarn,
            Self::Bad => Role::StatusBad,
            Self::Stopped => Role::StatusPaused,
            Self::Unknown => Role::StatusUnknown,
            Self::Nothing | Self::Disconnected => Role::StatusNone,
            Self::Marked => Role::Mark,
            Self::Cursor => Role::Accent,
            Self::Ascending | Self::Descending => Role::Sort,
        }
    }

    /// What the sign says, for the legend in the help.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Progress => "in progress",
            Self::Degraded => "degraded",
            Self::Bad => "failed",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
            Self::Nothing => "none",
            Self::Marked => "marked",
            Self::Cursor => "cursor",
            Self::Connected => "connected",
            Self::Disconnected => "not connected",
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        }
    }
}

/// The characters frames are drawn with.
#[must_use]
pub fn borders(glyphs: Glyphs) -> border::Set<'static> {
    match glyphs {
        Glyphs::Unicode => border::PLAIN,
        Glyphs::Ascii => border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Shown;

    #[test]
    fn signs_are_one_cell_and_pass_the_sanitiser() {
        for sign in Sign::ALL {
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let shown = Shown::from_static(sign.glyph(glyphs));
                assert_eq!((shown.as_str(), shown.width()), (sign.glyph(glyphs), 1), "{sign:?}");
            }
            assert!(sign.glyph(Glyphs::Ascii).is_ascii());
        }
    }

    #[test]
    fn statuses_differ_without_colour() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let statuses: std::collections::BTreeSet<_> =
                Sign::ALL.iter().take(7).map(|sign| sign.glyph(glyphs)).collect();
            assert_eq!(statuses.len(), 7);
        }
    }
}
