//! What lies over the views: dialogs. A dialog holds what it will do, fixed when the question was asked; nothing in
//! it looks at what is selected.

use std::time::Duration;

use crate::domain::ids::TwinId;
use crate::domain::json;
use crate::domain::time::Now;
use crate::ops::{Level, WriteIntent};
use crate::store::{Fetched, LinkHealth};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::change;
use crate::tui::widgets::dialog::Dialog;
use crate::tui::widgets::editor::Editor;

/// A question.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What is asked.
    pub question: Question,
    /// The button that enter presses; 0 is the harmless one.
    pub focus: usize,
    /// When it was asked: keys of the first moments were meant for the view below.
    pub opened: Now,
    /// What was typed to confirm, when the level asks for it.
    pub typed: Editor,
}

/// What can be asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// Send this write?
    Send(Box<WriteIntent>),
    /// Throw this draft away?
    Discard(TwinId),
    /// Go to the shell although writes are open?
    Suspend,
    /// Quit although writes are open?
    Quit,
}

/// Keys this soon after opening are type-ahead.
const TYPE_AHEAD: Duration = Duration::from_millis(300);
/// A question older than this must be asked again: the figures behind it are old.
const STALE: Duration = Duration::from_secs(120);

impl Layer {
    /// Asks.
    #[must_use]
    pub fn ask(question: Question, now: Now) -> Self {
        Self { question, focus: 0, opened: now, typed: Editor::line("") }
    }

    /// Whether keys are still taken for type-ahead.
    #[must_use]
    pub fn is_settling(&self, now: Now) -> bool {
        now.since(self.opened) < TYPE_AHEAD
    }

    /// Whether the name has to be typed.
    #[must_use]
    pub fn wants_name(&self) -> bool {
        matches!(&self.question, Question::Send(intent) if intent.level == Level::TypedName)
    }

    /// What has to be typed.
    fn name(intent: &WriteIntent) -> &str {
        match &intent.target.module {
            Some(module) => module.as_str(),
            None => intent.target.device.as_str(),
        }
    }

    /// Why the last button cannot be pressed now.
    #[must_use]
    pub fn blocked(&self, shell: &Shell) -> Option<String> {
        if shell.now.since(self.opened) > STALE {
            return Some("asked too long ago: esc, and look at it again".to_owned());
        }
        let Question::Send(intent) = &self.question else { return None };
        if matches!(shell.link.health, LinkHealth::Offline) {
            return Some("the hub does not answer: sending now would leave the outcome unknown".to_owned());
        }
        let current = shell.details.twin(&intent.target);
        let read = shell.details.twins.get(&intent.target).and_then(Fetched::as_of);
        if shell.continued.is_some_and(|since| read.is_none_or(|read| read.mono < since.mono)) {
            return Some("the console was stopped, and this twin is being read again: wait for it".to_owned());
        }
        if let Some(twin) = current.filter(|twin| twin.etag != intent.if_match && twin.version > intent.base.version) {
            return Some(format!(
                "somebody changed it meanwhile (version {} -> {}): esc, then s shows both changes",
                intent.base.version, twin.version
            ));
        }
        if self.wants_name() && self.typed.text() != Self::name(intent) {
            return Some(format!("type {} to enable sending", json::compact(&Self::name(intent).into())));
        }
        None
    }

    /// How it looks.
    #[must_use]
    pub fn dialog(&self, shell: &Shell) -> Dialog {
        let (title, lines, buttons, danger) = match &self.question {
            Question::Send(intent) => (
                format!("Change {}", intent.target.shown()),
                send_lines(intent, shell),
                vec!["Cancel".to_owned(), format!("Send to {}", target_word(intent))],
                true,
            ),
            Question::Discard(twin) => (
                format!("Discard the draft of {}", twin.shown()),
                vec![(Role::Fg, "What was typed is thrown away. The hub is not touched.".to_owned())],
                vec!["Keep the draft".to_owned(), "Discard the draft".to_owned()],
                true,
            ),
            Question::Suspend => (
                "Changes are in flight".to_owned(),
                vec![
                    in_flight(shell),
                    (
                        Role::TextDim,
                        "While edgedeck is stopped nobody sees how they end, and none is read back.".to_owned(),
                    ),
                ],
                vec!["Stay".to_owned(), "Stop for now".to_owned()],
                true,
            ),
            Question::Quit => (
                "Changes are in flight".to_owned(),
                vec![
                    in_flight(shell),
                    (Role::TextDim, "Leaving does not take them back; the audit will say UNKNOWN.".to_owned()),
                ],
                vec!["Stay".to_owned(), "Leave now".to_owned()],
                true,
            ),
        };
        let field = self.wants_name().then(|| ("name: ".to_owned(), self.typed.text()));
        Dialog { title, lines, field, buttons, focus: self.focus, danger, blocked: self.blocked(shell) }
    }
}

fn target_word(intent: &WriteIntent) -> String {
    intent.target.module.as_ref().map_or_else(|| intent.target.device.shown().into(), |module| module.shown().into())
}

fn in_flight(shell: &Shell) -> Piece {
    let sent = match shell.ops.open() {
        1 => "1 change was".to_owned(),
        n => format!("{n} changes were"),
    };
    (Role::Fg, format!("{sent} sent, and the answer is not here yet."))
}

fn send_lines(intent: &WriteIntent, shell: &Shell) -> Vec<Piece> {
    let changes = intent.changes();
    let mut lines = vec![
        (Role::TextDim, format!("hub      {}", shell.session.hub)),
        (Role::TextDim, format!("as       {}", shell.session.identity)),
        (Role::Fg, format!("effect   1 twin, {} of its {}", paths(changes.len()), section_word(intent))),
    ];
    for change in changes.iter().take(6) {
        lines.push(change::line(change));
    }
    if changes.len() > 6 {
        lines.push((Role::TextDim, format!("and {} more, all on the review page", changes.len() - 6)));
    }
    lines.push((
        Role::TextDim,
        format!("guard    If-Match \"{}\", {}", intent.if_match.shown(), guard_age(intent, shell)),
    ));
    lines.push((Role::TextDim, "undo     its inverse is on the review page, and in :audit".to_owned()));
    lines
}

/// How old the guard is; that the twin has another by now is no age of this one.
fn guard_age(intent: &WriteIntent, shell: &Shell) -> String {
    let read = shell.details.twins.get(&intent.target);
    if read.and_then(|twin| twin.get()).is_some_and(|twin| twin.etag != intent.if_match) {
        return "which is no longer the twin's".to_owned();
    }
    let at = read.and_then(|twin| twin.as_of()).unwrap_or(intent.asked_at);
    format!("read {} ago", crate::domain::time::age_text(shell.now.since(at)))
}

fn section_word(intent: &WriteIntent) -> &'static str {
    match intent.patch.section {
        crate::domain::limits::SectionKind::Tags => "tags",
        crate::domain::limits::SectionKind::Desired => "desired properties",
    }
}

fn paths(n: usize) -> String {
    if n == 1 { "1 path".to_owned() } else { format!("{n} paths") }
}
