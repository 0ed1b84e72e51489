//! What lies over the views: dialogs. A dialog holds what it will do, fixed when the question was asked; nothing in
//! it looks at what is selected.

use std::time::Duration;

use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::json;
use crate::domain::text::Untrusted;
use crate::domain::time::Now;
use crate::ops::{Line, Request, TwinWrite, Write, WriteIntent};
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
    /// Show the key of this device?
    Reveal(DeviceId),
    /// Go to the shell although writes are open?
    Suspend,
    /// Quit although writes are open?
    Quit,
}

/// Keys this soon after opening are type-ahead.
const TYPE_AHEAD: Duration = Duration::from_millis(300);
/// A question older than this must be asked again, and so must one about figures that are older.
pub const STALE: Duration = Duration::from_secs(120);

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
        self.phrase().is_some()
    }

    /// What has to be typed.
    fn phrase(&self) -> Option<String> {
        match &self.question {
            Question::Send(intent) => intent.phrase(),
            Question::Reveal(device) => Some(device.as_str().to_owned()),
            Question::Discard(_) | Question::Suspend | Question::Quit => None,
        }
    }

    /// Why what was typed is not it.
    fn unconfirmed(&self) -> Option<String> {
        let phrase = self.phrase().filter(|phrase| self.typed.text() != *phrase)?;
        let what = if matches!(self.question, Question::Reveal(_)) { "showing it" } else { "sending" };
        Some(format!("type {} to enable {what}", json::compact(&phrase.into())))
    }

    /// Why the last button cannot be pressed now.
    #[must_use]
    pub fn blocked(&self, shell: &Shell) -> Option<String> {
        if shell.now.since(self.opened) > STALE {
            return Some("asked too long ago: esc, and look at it again".to_owned());
        }
        let Question::Send(intent) = &self.question else { return self.unconfirmed() };
        if matches!(shell.link.health, LinkHealth::Offline) {
            return Some("the hub does not answer: sending now would leave the outcome unknown".to_owned());
        }
        if let Some(why) = moved_on(&intent.request, shell) {
            return Some(why);
        }
        self.unconfirmed()
    }

    /// How it looks.
    #[must_use]
    pub fn dialog(&self, shell: &Shell) -> Dialog {
        let (title, lines, buttons, danger) = match &self.question {
            Question::Send(intent) => (
                format!("{} {}", intent.request.words().act, intent.request.target().shown()),
                send_lines(intent, shell),
                vec!["Cancel".to_owned(), button(intent)],
                true,
            ),
            Question::Discard(twin) => (
                format!("Discard the draft of {}", twin.shown()),
                vec![(Role::Fg, "What was typed is thrown away. The hub is not touched.".to_owned())],
                vec!["Keep the draft".to_owned(), "Discard the draft".to_owned()],
                true,
            ),
            Question::Reveal(device) => (
                format!("Show the key of {}", device.shown()),
                vec![
                    (Role::Fg, "Whoever has the key is the device, until it is changed.".to_owned()),
                    (Role::TextDim, "The record keeps that it was shown, when, and to whom.".to_owned()),
                ],
                vec!["Keep it hidden".to_owned(), "Show the key".to_owned()],
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

/// The button says what it does, and to what.
fn button(intent: &WriteIntent) -> String {
    let name = Untrusted::from(intent.request.target().name()).shown();
    match &intent.request {
        Request::Twin(_) => format!("Send to {name}"),
        request => format!("{} {name}", request.words().act),
    }
}

/// Why a write can only be refused, or would be made blind: what it is about is another by now, or was not read since
/// the console was stopped.
fn moved_on(request: &Request, shell: &Shell) -> Option<String> {
    let since = shell.continued;
    let unread = |read: Option<Now>| since.is_some_and(|since| read.is_none_or(|read| read.mono < since.mono));
    let wait = || Some("the console was stopped, and this is being read again: wait for it".to_owned());
    match request {
        Request::Twin(write) => {
            let current = shell.details.twin(&write.target);
            let read = shell.details.twins.get(&write.target).and_then(Fetched::as_of);
            if unread(read) {
                return Some("the console was stopped, and this twin is being read again: wait for it".to_owned());
            }
            let newer = current.filter(|twin| twin.etag != write.if_match && twin.version > write.base.version)?;
            Some(format!(
                "somebody changed it meanwhile (version {} -> {}): esc, then s shows both changes",
                write.base.version, newer.version
            ))
        }
        Request::Device(write) => {
            let guard = write.http().if_match?;
            let read = shell.details.identities.get(&write.id)?;
            if unread(read.as_of()) {
                return wait();
            }
            let moved = read.get().is_some_and(|identity| identity.etag != guard);
            moved.then(|| "somebody changed the device meanwhile: esc, and look at it again".to_owned())
        }
        Request::Manifest(write) => {
            let moved = write.seen.iter().find(|seen| {
                shell.details.twin(&seen.id).is_some_and(|now| now.desired.version > seen.desired.version)
            })?;
            Some(format!("the twin of {} changed meanwhile: esc, and look at it again", moved.id.shown()))
        }
        Request::Deployment(_) | Request::Method(_) => None,
    }
}

fn in_flight(shell: &Shell) -> Piece {
    let sent = match shell.ops.open() {
        1 => "1 change was".to_owned(),
        n => format!("{n} changes were"),
    };
    (Role::Fg, format!("{sent} sent, and the answer is not here yet."))
}

/// Lines of a change that a dialog shows.
const SHOWN: usize = 8;

fn send_lines(intent: &WriteIntent, shell: &Shell) -> Vec<Piece> {
    let request = &intent.request;
    let mut lines = vec![
        (Role::TextDim, format!("hub      {}", shell.session.hub)),
        (Role::TextDim, format!("as       {}", shell.session.identity)),
    ];
    if let Request::Twin(write) = request {
        let changes = write.changes().len();
        lines.push((Role::Fg, format!("effect   1 twin, {} of its {}", paths(changes), section_word(write))));
    }
    let (changes, remarks): (Vec<Line>, Vec<Line>) =
        request.summary().into_iter().partition(|line| line.kind.is_some());
    let shown = if changes.len() > SHOWN { SHOWN - 2 } else { SHOWN };
    let more = changes.len().saturating_sub(shown);
    lines.extend(changes.into_iter().take(shown).map(change::request_line));
    if more > 0 {
        lines.push((Role::TextDim, format!("and {more} more, all on the review page")));
    }
    // What it means weighs more than what it is called.
    lines.extend(remarks.into_iter().map(|line| (Role::StatusWarn, line.text)));
    if let Some(guard) = request.http().if_match {
        lines.push((Role::TextDim, format!("guard    If-Match \"{}\"{}", guard.shown(), guard_age(intent, shell))));
    } else if let Request::Manifest(write) = request {
        let twins = write.seen.len();
        lines.push((Role::TextDim, format!("guard    {twins} twins, read again right before it is sent")));
    }
    lines.push((
        Role::TextDim,
        match request.inverse() {
            Some(_) => "undo     its inverse is on the review page, and in :audit".to_owned(),
            None => "undo     nothing takes it back".to_owned(),
        },
    ));
    lines
}

/// How old the guard is; that the twin has another by now is no age of this one.
fn guard_age(intent: &WriteIntent, shell: &Shell) -> String {
    let Request::Twin(write) = &intent.request else { return String::new() };
    let read = shell.details.twins.get(&write.target);
    if read.and_then(|twin| twin.get()).is_some_and(|twin| twin.etag != write.if_match) {
        return ", which is no longer the twin's".to_owned();
    }
    let at = read.and_then(|twin| twin.as_of()).unwrap_or(intent.asked_at);
    format!(", read {} ago", crate::domain::time::age_text(shell.now.since(at)))
}

fn section_word(write: &TwinWrite) -> &'static str {
    match write.patch.section {
        crate::domain::limits::SectionKind::Tags => "tags",
        crate::domain::limits::SectionKind::Desired => "desired properties",
    }
}

fn paths(n: usize) -> String {
    if n == 1 { "1 path".to_owned() } else { format!("{n} paths") }
}
