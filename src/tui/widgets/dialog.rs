//! A dialog: what will happen to what, buttons that are verbs, the focus on the harmless one.

use ratatui::layout::Rect;

use super::text::wrap;
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::theme::Role;

/// What a dialog looks like; what it does is its owner's.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// The question's head.
    pub title: String,
    /// The effect, line by line.
    pub lines: Vec<Piece>,
    /// A field to type into, with its label, when the level asks for it.
    pub field: Option<(String, String)>,
    /// Buttons from left to right: verbs.
    pub buttons: Vec<String>,
    /// The button that enter presses.
    pub focus: usize,
    /// Whether the last button is dangerous.
    pub danger: bool,
    /// Why the last button cannot be pressed now.
    pub blocked: Option<String>,
}

/// A margin narrower than this shows nothing of the view that could be read.
const NARROW_MARGIN: u16 = 8;

/// Draws the dialog in the middle of `area`; returns where a cursor belongs.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, dialog: &Dialog) -> Option<(u16, u16)> {
    let width = area.width.saturating_sub(4).min(92);
    let inner_width = usize::from(width.saturating_sub(4));
    let mut body: Vec<Piece> = Vec::new();
    for (role, text) in &dialog.lines {
        body.extend(wrap(text, inner_width).into_iter().map(|line| (*role, line)));
    }
    let field_rows = if dialog.field.is_some() { 2 } else { 0 };
    let blocked = dialog.blocked.as_deref().map(|why| wrap(why, inner_width)).unwrap_or_default();
    let blocked_rows = u16::try_from(blocked.len()).unwrap_or(u16::MAX).min(3);
    let chrome = 2 + 2 + field_rows + blocked_rows;
    let rows = u16::try_from(body.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(chrome));
    let height = (rows + chrome).min(area.height);
    let rect = Rect {
        x: area.x + (area.width.saturating_sub(width)) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 2,
        width,
        height,
    };
    if rect.x < area.x + NARROW_MARGIN {
        // Scraps of the view left and right of it would only be noise.
        canvas.clear(Rect { x: area.x, width: area.width, ..rect });
    }
    canvas.ground(rect, Role::Dialog);
    let inside = canvas.frame(rect, &dialog.title, "", true);
    let mut y = inside.y;
    for (role, text) in body.iter().take(usize::from(rows)) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), *role, text);
        y += 1;
    }
    let mut cursor = None;
    if let Some((label, typed)) = &dialog.field {
        y += 1;
        let used = canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), Role::Fg, label);
        let used =
            used + canvas.text(inside.x + 1 + used, y, inside.width.saturating_sub(2 + used), Role::Prompt, typed);
        cursor = Some((inside.x + 1 + used, y));
        y += 1;
    }
    for why in blocked.iter().take(usize::from(blocked_rows)) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), Role::StatusWarn, why);
        y += 1;
    }
    y += 1;
    let mut x = inside.x + 1;
    let last = dialog.buttons.len().saturating_sub(1);
    for (index, label) in dialog.buttons.iter().enumerate() {
        let role = match (index == dialog.focus, dialog.danger && index == last) {
            (true, _) => Role::ButtonFocus,
            (false, true) => Role::DialogDanger,
            (false, false) => Role::Button,
        };
        // The focused button is told by its brackets too, not by colour alone.
        let text = if index == dialog.focus { format!("[ {label} ]") } else { format!("  {label}  ") };
        x += canvas.text(x, y, inside.right().saturating_sub(x), role, &text) + 2;
    }
    cursor
}
