//! Lines of text in a panel over the whole body. Nothing on it is cut: what is too wide was wrapped to [`width`], what is
//! too long is scrolled, and the head says which lines are shown.

use ratatui::layout::Rect;

use super::list::Move;
use super::panel::{FRAMED, line, panel};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::shell::Shell;

/// Cells of a line inside the panel, on a screen of `columns`.
#[must_use]
pub fn width(columns: u16) -> usize {
    usize::from(columns.saturating_sub(if columns >= FRAMED { 4 } else { 2 }))
}

/// Lines inside the panel.
fn rows(columns: u16, height: usize) -> usize {
    height.saturating_sub(if columns >= FRAMED { 2 } else { 1 })
}

/// Draws the page from line `top` on; `note` stands beside the title.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, title: &str, note: String, lines: &[Piece], top: usize) {
    let rows = rows(area.width, usize::from(area.height));
    let first = top.min(lines.len().saturating_sub(rows));
    let note = if lines.len() > rows {
        format!("{note}   lines {}-{} of {}", first + 1, first + rows, lines.len())
    } else {
        note
    };
    let inside = panel(canvas, area, title, &note, true);
    for (offset, (role, text)) in lines.iter().skip(first).enumerate() {
        line(canvas, inside, offset, *role, text);
    }
}

/// Where a page of `lines` lines stands after a movement from line `top`; never beyond its end, so that every step back
/// is seen.
#[must_use]
pub fn moved(to: Move, top: usize, lines: usize, shell: &Shell) -> usize {
    to.scroll(top, rows(shell.size.0, shell.body_rows()), lines)
}
