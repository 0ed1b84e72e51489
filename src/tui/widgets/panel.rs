//! A part of a view with a title: framed where there is room, under a head line where there is not.

use ratatui::layout::Rect;

use crate::tui::canvas::{Canvas, fit};
use crate::tui::theme::Role;

/// Below this width panes are stacked without frames.
pub const FRAMED: u16 = 100;

/// Draws the panel's edges; what is left for its content.
#[must_use]
pub fn panel(canvas: &mut Canvas<'_>, area: Rect, title: &str, note: &str, focus: bool) -> Rect {
    if area.width >= FRAMED / 2 && canvas.area().width >= FRAMED {
        return canvas.frame(area, title, note, focus);
    }
    // Narrow: a head line instead of a frame.
    let head = if note.is_empty() { title.to_owned() } else { format!("{title}   {note}") };
    canvas.text(
        area.x + 1,
        area.y,
        area.width.saturating_sub(2),
        Role::Header,
        &fit(&head, usize::from(area.width.saturating_sub(2))),
    );
    Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area }
}

/// Draws one line of a panel, cut where it is too long; below the panel's end nothing.
pub fn line(canvas: &mut Canvas<'_>, area: Rect, offset: usize, role: Role, text: &str) {
    let Ok(offset) = u16::try_from(offset) else { return };
    if offset < area.height {
        let room = area.width.saturating_sub(2);
        canvas.text(area.x + 1, area.y + offset, room, role, &fit(text, usize::from(room)));
    }
}
