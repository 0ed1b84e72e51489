//! How a form looks: a label and an entry per line, and below the field that has the focus what belongs into it.

use ratatui::layout::Rect;

use super::{Entry, Field, FormView};
use crate::domain::text::Untrusted;
use crate::tui::canvas::Canvas;
use crate::tui::theme::Role;
use crate::tui::widgets::panel::panel;
use crate::tui::widgets::text::wrap;

/// Widest form.
const WIDTH: u16 = 96;
/// Cells of the labels' column.
const LABELS: u16 = 16;

impl FormView {
    /// Draws the form; returns where the cursor belongs.
    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        let inside = panel(canvas, area, &capital(&self.kind.title()), "", true);
        let width = inside.width.saturating_sub(4).min(WIDTH);
        let x = inside.x + 2;
        let entries = width.saturating_sub(LABELS);
        let mut y = inside.y + 1;
        let mut cursor = None;
        for (index, field) in self.fields.iter().enumerate() {
            let focus = index == self.focus;
            if y >= inside.bottom() {
                break;
            }
            canvas.text(x, y, LABELS, if focus { Role::HintKey } else { Role::TextDim }, field.label);
            let at = entry(field, focus, canvas, Rect { x: x + LABELS, y, width: entries, height: 1 });
            if focus {
                cursor = at;
            }
            y += 1;
            let wrong = self.wrong.as_ref().filter(|(field, _)| *field == index);
            let below = match wrong {
                Some((_, why)) => Some((Role::StatusBad, Untrusted::from(why.as_str()).shown().to_string())),
                None if focus => Some((Role::TextDim, field.help.to_owned())),
                None => None,
            };
            if let Some((role, text)) = below {
                for line in wrap(&text, usize::from(entries)) {
                    if y < inside.bottom() {
                        canvas.text(x + LABELS, y, entries, role, &line);
                    }
                    y += 1;
                }
            }
            y += 1;
        }
        let end = "enter shows exactly what would be sent; nothing is sent from here";
        if y < inside.bottom() {
            canvas.text(x, y, width, Role::TextDim, end);
        }
        cursor
    }
}

fn entry(field: &Field, focus: bool, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    match &field.entry {
        Entry::Text(editor) if focus => editor.draw(canvas, area, None),
        Entry::Text(editor) => {
            let text = editor.text();
            let text = if text.is_empty() { "-".to_owned() } else { Untrusted::from(text).shown().to_string() };
            canvas.text(area.x, area.y, area.width, Role::Fg, &text);
            None
        }
        Entry::Choice(on) => {
            let text = if *on { "[x] yes" } else { "[ ] no" };
            let used = canvas.text(area.x, area.y, area.width, Role::Fg, text);
            if focus {
                let hint = "   space changes it";
                canvas.text(area.x + used, area.y, area.width.saturating_sub(used), Role::TextDim, hint);
            }
            None
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
