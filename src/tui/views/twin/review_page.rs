//! The page of a review: every byte of the request that would be sent, and what takes it back.

use ratatui::layout::Rect;

use super::review::Review;
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::Move;
use crate::tui::widgets::{request, text_page};

/// Draws the page from line `top` on.
pub(super) fn draw(review: &Review, top: usize, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
    let title = format!("Patch for {}", review.intent.request.target.shown());
    let count = review.intent.request.changes().len();
    let note = format!("{count} {}", if count == 1 { "change" } else { "changes" });
    text_page::draw(canvas, area, &title, note, &lines(review, shell, area.width), top);
}

/// Where the page stands after a movement.
pub(super) fn moved(review: &Review, top: usize, to: Move, shell: &Shell) -> usize {
    text_page::moved(to, top, lines(review, shell, shell.size.0).len(), shell)
}

fn lines(review: &Review, shell: &Shell, columns: u16) -> Vec<Piece> {
    let mut lines = request::progress(review.sent.as_ref(), shell);
    if !lines.is_empty() {
        lines.push((Role::Fg, String::new()));
    }
    lines.extend(request::lines(&review.intent));
    lines.push((Role::Fg, String::new()));
    lines.push((
        Role::TextDim,
        "If the twin changed meanwhile, the hub answers 412 and nothing is overwritten: both changes are then shown."
            .to_owned(),
    ));
    request::wrapped(lines, text_page::width(columns))
}
