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
use crate::tui::widgets::panel::panel;
use crate::tui::widgets::request;
use crate::tui::widgets::states::{self, Blank};

/// Cells that are no text, left and right together.
const MARGINS: u16 = 4;
/// Lines that are no text, above and below together.
const EDGES: usize = 2;

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
        let lines = lines(ready, shell, usize::from(area.width.saturating_sub(MARGINS)));
        let rows = usize::from(area.height).saturating_sub(EDGES);
        let first = self.top.min(lines.len().saturating_sub(rows));
        let read = format!("read {} ago", age_text(shell.now.since(ready.read)));
        let note = if lines.len() > rows {
            format!("{read}   lines {}-{} of {}", first + 1, first + rows, lines.len())
        } else {
            read
        };
        let inside = panel(canvas, area, "What would be sent", &note, true);
        for (offset, (role, text)) in lines.iter().skip(first).take(usize::from(inside.height)).enumerate() {
            let y = inside.y + u16::try_from(offset).unwrap_or(u16::MAX);
            canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), *role, text);
        }
    }
}

/// Where the page stands after a movement; never beyond its end, so that every step back is seen.
pub(super) fn moved(view: &ChangeView, to: Move, shell: &Shell) -> usize {
    let State::Ready(ready) = &view.state else { return 0 };
    let rows = shell.body_rows().saturating_sub(EDGES);
    let count = lines(ready, shell, usize::from(shell.size.0.saturating_sub(MARGINS))).len();
    to.scroll(view.top, rows, count)
}

fn lines(ready: &Ready, shell: &Shell, width: usize) -> Vec<Piece> {
    let mut lines: Vec<Piece> = Vec::new();
    match (ready.op_state(shell), &ready.sent) {
        (Some(OpState::Accepted), _) => lines.push((Role::StatusProgress, "writing the audit record".to_owned())),
        (Some(OpState::Sending), _) | (None, Some(_)) => {
            lines.push((Role::StatusProgress, "being sent, waiting for the hub's answer".to_owned()));
        }
        (Some(OpState::Unknown(fault)), _) => {
            let text =
                "no usable answer: it may have happened. Reading back until that is known; nothing is sent again.";
            lines.push((Role::StatusWarn, text.to_owned()));
            lines.push((Role::TextDim, fault.to_string()));
        }
        (Some(OpState::Done(outcome, _)), _) => {
            let done = ready.intent.request.words().done;
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
            lines.push((Role::StatusWarn, said));
            lines.push((Role::TextDim, "ctrl-r looks at it anew; below is what was asked".to_owned()));
        }
        (None, None) => {}
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
    request::wrapped(lines, width)
}
