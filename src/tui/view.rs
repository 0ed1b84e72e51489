//! Drawing is a function: `view(model) -> buffer`. It reads the model, changes nothing, and asks nobody.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::domain::text::Untrusted;
use crate::tui::canvas::{Canvas, fit};
use crate::tui::model::Model;
use crate::tui::prompt::{Prompt, PromptKind, SHOWN};
use crate::tui::theme::Role;
use crate::tui::update::names;
use crate::tui::views::Screen;
use crate::tui::views::frame;
use crate::tui::widgets::dialog;
use crate::tui::widgets::table::cursor_row;

/// Draws the model into `buffer`; returns where the terminal's cursor belongs.
pub fn view(model: &Model, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let mut canvas = Canvas::new(buffer, &model.theme, model.shell.glyphs);
    let area = canvas.area();
    if area.width < frame::SMALLEST.0 || area.height < frame::SMALLEST.1 {
        frame::too_small(model, &mut canvas);
        return None;
    }
    let row = |y: u16| Rect { x: 0, y, width: area.width, height: 1 };
    let body = Rect { x: 0, y: 2, width: area.width, height: area.height - 4 };
    frame::title(model, &mut canvas, row(0));
    frame::location(model, &mut canvas, row(1));
    let mut cursor = model.screen().and_then(|screen| screen.draw(&model.shell, &mut canvas, body));
    match &model.prompt {
        Some(prompt) => cursor = draw_prompt(model, prompt, &mut canvas, row(area.height - 2), body),
        None => frame::message(model, &mut canvas, row(area.height - 2)),
    }
    frame::hints(model, &mut canvas, row(area.height - 1));
    if let Some(layer) = &model.layer {
        cursor = dialog::draw(&mut canvas, body, &layer.dialog(&model.shell));
    }
    cursor
}

fn draw_prompt(model: &Model, prompt: &Prompt, canvas: &mut Canvas<'_>, row: Rect, body: Rect) -> Option<(u16, u16)> {
    let sign = match prompt.kind {
        PromptKind::Command => ":",
        PromptKind::Filter => "/",
    };
    canvas.clear(row);
    let used = canvas.text(row.x + 1, row.y, 1, Role::Prompt, sign);
    let input = Rect { x: row.x + 1 + used, width: row.width.saturating_sub(2 + used), ..row };
    let cursor = prompt.input.draw(canvas, input, None);
    match prompt.kind {
        PromptKind::Filter => draw_filter_note(model, canvas, row),
        PromptKind::Command => draw_candidates(model, prompt, canvas, row, body),
    }
    cursor
}

/// What is wrong with the filter, or how it is taken, at the right end of its line.
fn draw_filter_note(model: &Model, canvas: &mut Canvas<'_>, row: Rect) {
    let (role, text) = match (model.screen(), model.screen().and_then(|screen| screen.filter_state())) {
        (Some(Screen::Logs(view)), _) => view.search_note(),
        (_, Some((_, Some(error)))) => (Role::PromptError, format!("{} (the last result stays)", error.message)),
        (_, Some(("", None))) => (Role::TextDim, "text  !text  ~regex  -f fuzzy  -l tag=value  column:text".to_owned()),
        (_, Some((_, None))) => (Role::TextDim, "enter keeps it, esc takes it back".to_owned()),
        (_, None) => return,
    };
    let room = row.width / 2;
    canvas.text_right(row.right().saturating_sub(1), row.y, room, role, &fit(&text, usize::from(room)));
}

/// The candidates, above the line; and after the cursor, faintly, what tab would add.
fn draw_candidates(model: &Model, prompt: &Prompt, canvas: &mut Canvas<'_>, row: Rect, body: Rect) {
    let candidates = prompt.candidates(&model.shell, &names(model));
    let typed = prompt.input.text();
    if let Some(first) = candidates.first().filter(|first| !typed.is_empty() && first.line.starts_with(&typed)) {
        let ghost = Untrusted::new(first.line.get(typed.len()..).unwrap_or_default()).shown();
        let x = row.x + 2 + u16::try_from(typed.width()).unwrap_or(u16::MAX).min(row.width);
        canvas.text(x, row.y, row.right().saturating_sub(x), Role::PromptGhost, ghost.as_str());
        // The cursor stands on the first letter that is not typed yet.
        canvas.tint(Rect { x, width: 1, ..row }, Role::EditorCursor);
    }
    let shown = candidates.len().min(SHOWN).min(usize::from(body.height.saturating_sub(4)));
    if shown == 0 {
        return;
    }
    let first = prompt.chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(shown));
    let height = u16::try_from(shown).unwrap_or(u16::MAX) + 2;
    let area = Rect { x: body.x, y: body.bottom() - height, width: body.width, height };
    canvas.ground(area, Role::Dialog);
    let note = format!("{} of {}, tab completes", shown, candidates.len());
    let inside = canvas.frame(area, "Commands", &note, false);
    let line_width = (inside.width / 3).clamp(16, 36);
    for (offset, (index, candidate)) in candidates.iter().enumerate().skip(first).take(shown).enumerate() {
        let y = inside.y + u16::try_from(offset).unwrap_or(0);
        let mut x = inside.x + 2;
        x += 8.max(canvas.text(x, y, 8, Role::TextDim, candidate.kind)) + 1;
        let line = Untrusted::new(candidate.line.as_str()).shown();
        canvas.text(x, y, line_width, Role::Fg, line.fit(usize::from(line_width)).as_str());
        x += line_width + 1;
        let note_width = 16.min(inside.right().saturating_sub(x));
        let doc_width = inside.right().saturating_sub(x + note_width + 1);
        canvas.text(x, y, doc_width, Role::TextDim, &fit(&candidate.doc, usize::from(doc_width)));
        canvas.text_right(inside.right().saturating_sub(1), y, note_width, Role::HintKey, &candidate.note);
        if prompt.chosen == Some(index) {
            cursor_row(canvas, inside, y, false);
        }
    }
}
