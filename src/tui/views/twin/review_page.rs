//! The page of a review: every byte of the request that would be sent, and what takes it back. Nothing on it is cut; what
//! is too wide is wrapped, what is too long is scrolled.

use ratatui::layout::Rect;

use super::review::Review;
use crate::ops::OpState;
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::Move;
use crate::tui::widgets::panel::{FRAMED, line, panel};
use crate::tui::widgets::request;

/// Draws the page from line `top` on.
pub(super) fn draw(review: &Review, top: usize, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = lines(review, shell, width(area.width));
    let title = format!("Patch for {}", review.intent.request.target.shown());
    let inside = panel(canvas, area, &title, &note(review, &lines, top, rows(area.width, area.height)), true);
    let first = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (offset, (role, text)) in lines.iter().skip(first).enumerate() {
        line(canvas, inside, offset, *role, text);
    }
}

/// Where the page stands after a movement; never beyond its end, so that every step back is seen.
pub(super) fn moved(review: &Review, top: usize, to: Move, shell: &Shell) -> usize {
    let body = u16::try_from(shell.body_rows()).unwrap_or(u16::MAX);
    let rows = usize::from(rows(shell.size.0, body));
    let count = lines(review, shell, width(shell.size.0)).len();
    to.scroll(top, rows, count)
}

/// Cells of a line inside the panel.
fn width(columns: u16) -> usize {
    usize::from(columns.saturating_sub(if columns >= FRAMED { 4 } else { 2 }))
}

/// Lines inside the panel.
fn rows(columns: u16, height: u16) -> u16 {
    height.saturating_sub(if columns >= FRAMED { 2 } else { 1 })
}

/// How much changes, and which lines of how many are shown.
fn note(review: &Review, lines: &[Piece], top: usize, rows: u16) -> String {
    let count = review.intent.request.changes().len();
    let changes = format!("{count} {}", if count == 1 { "change" } else { "changes" });
    let rows = usize::from(rows);
    if lines.len() <= rows {
        return changes;
    }
    let first = top.min(lines.len() - rows);
    format!("{changes}   lines {}-{} of {}", first + 1, first + rows, lines.len())
}

fn lines(review: &Review, shell: &Shell, width: usize) -> Vec<Piece> {
    let intent = &review.intent;
    let mut lines: Vec<Piece> = Vec::new();
    let state = review.sent.as_ref().and_then(|op| shell.ops.get(op)).map(|entry| &entry.state);
    match (state, &review.sent) {
        (Some(OpState::Accepted), _) => lines.push((Role::StatusProgress, "writing the audit record".to_owned())),
        (Some(OpState::Sending), _) | (None, Some(_)) => {
            lines.push((Role::StatusProgress, "being sent, waiting for the hub's answer".to_owned()));
        }
        (Some(OpState::Unknown(fault)), _) => {
            lines.push((
                Role::StatusWarn,
                "no usable answer: it may have happened. Reading back until that is known; nothing is sent again."
                    .to_owned(),
            ));
            lines.push((Role::TextDim, fault.to_string()));
        }
        (Some(OpState::Done(..)) | None, _) => {}
    }
    if !lines.is_empty() {
        lines.push((Role::Fg, String::new()));
    }
    lines.extend(request::lines(intent));
    lines.push((Role::Fg, String::new()));
    lines.push((
        Role::TextDim,
        "If the twin changed meanwhile, the hub answers 412 and nothing is overwritten: both changes are then shown."
            .to_owned(),
    ));
    request::wrapped(lines, width)
}
