//! How a change looks before and while it is sent.

use ratatui::layout::Rect;

use super::{ChangeView, Ready, State};
use crate::domain::text::Shown;
use crate::domain::time::age_text;
use crate::ops::{OpState, Outcome, Unprepared, Write};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::Move;
use crate::tui::widgets::states::{self, Blank};
use crate::tui::widgets::{request, text_page};

impl ChangeView {
    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let ready = match &self.state {
            State::New | State::Reading(_) => {
                let since = if let State::Reading(since) = self.state { Some(since) } else { None };
                let what = format!("what it takes to {}", self.order.title());
                return states::draw(canvas, area, &Blank::Loading { what, since, leave: "esc goes back" }, shell.now);
            }
            State::Failed(Unprepared::Hub(fault)) => {
                return states::draw(canvas, area, &Blank::Failed(fault), shell.now);
            }
            State::Failed(why) => {
                let why = Shown::sanitise(&why.to_string()).into();
                let next = "esc goes back, with what was typed; ctrl-r looks again".to_owned();
                return states::draw(canvas, area, &Blank::Empty { why, next }, shell.now);
            }
            State::Ready(ready) => ready,
        };
        let read = format!("read {} ago", age_text(shell.now.since(ready.read)));
        text_page::draw(canvas, area, "What would be sent", read, &lines(ready, shell, area.width), self.top);
    }
}

/// Where the page stands after a movement.
pub(super) fn moved(view: &ChangeView, to: Move, shell: &Shell) -> usize {
    let State::Ready(ready) = &view.state else { return 0 };
    text_page::moved(to, view.top, lines(ready, shell, shell.size.0).len(), shell)
}

fn lines(ready: &Ready, shell: &Shell, columns: u16) -> Vec<Piece> {
    let mut lines = request::progress(ready.sent.as_ref(), shell);
    if let Some(OpState::Done(outcome, _)) = ready.op_state(shell) {
        lines.extend(ended(outcome, ready.intent.request.words().done));
    }
    lines.extend(ready.warnings.iter().map(|text| (Role::StatusWarn, Shown::sanitise(text).into())));
    if !lines.is_empty() {
        lines.push((Role::Fg, String::new()));
    }
    lines.extend(request::lines(&ready.intent));
    if ready.is_manifest() {
        lines.push((Role::Fg, String::new()));
        let text = "The hub has no ETag for this: every twin named above is read again right before it is sent, and \
                    nothing is sent when one has changed.";
        lines.push((Role::TextDim, text.to_owned()));
    }
    request::wrapped(lines, text_page::width(columns))
}

/// How it ended.
fn ended(outcome: &Outcome, done: &str) -> [Piece; 2] {
    let said = match outcome {
        Outcome::Applied(_) => format!("it is {done}"),
        Outcome::Conflict(_) => {
            "412: it was changed by somebody else after it was read; nothing was sent over it".to_owned()
        }
        Outcome::Refused(why) => format!("not {done}: {}", why.shown()),
        Outcome::NotApplied(_) => {
            format!("not {done}: no answer came, and reading back shows that it did not take effect")
        }
        Outcome::Overtaken(_) => format!("not {done}: no answer came, and somebody else wrote instead"),
        Outcome::Undecidable { why, .. } => format!("nobody can tell whether it was {done}: {why}"),
    };
    [(Role::StatusWarn, said), (Role::TextDim, "ctrl-r looks at it anew; below is what was asked".to_owned())]
}
