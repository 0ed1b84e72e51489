//! The text editor and the one-line input: the one place that knows the editor crate.
//!
//! The crate brings a keymap of its own; ours is asked first, and what is left goes in as plain typing. Pasted text
//! loses what a document cannot hold (control characters), and is one step of undo.

use std::borrow::Cow;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use tui_textarea::{CursorMove, TextArea};

use crate::domain::text::is_unsafe_char;
use crate::tui::canvas::Canvas;
use crate::tui::theme::Role;

/// Steps of undo that are kept.
const UNDO_STEPS: usize = 2_000;
/// Lines that page up and page down move.
const PAGE: usize = 20;

/// A text being edited, over several lines or on one.
#[derive(Debug, Clone)]
pub struct Editor {
    area: TextArea<'static>,
    one_line: bool,
}

impl Editor {
    /// An editor over `text`, cursor at its start.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::new(drawable(text).split('\n').map(str::to_owned).collect());
        area.set_max_histories(UNDO_STEPS);
        area.set_tab_length(2);
        Self { area, one_line: false }
    }

    /// A line of input, cursor at its end.
    #[must_use]
    pub fn line(text: &str) -> Self {
        let mut editor = Self { one_line: true, ..Self::new(text) };
        editor.area.move_cursor(CursorMove::End);
        editor
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Line and character of the cursor, from 0.
    #[must_use]
    pub fn cursor(&self) -> (usize, usize) {
        self.area.cursor()
    }

    /// Puts the cursor at line and character, as far as they exist.
    pub fn set_cursor(&mut self, (line, character): (usize, usize)) {
        let clip = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(clip(line), clip(character)));
    }

    /// Types a key, or moves the cursor with it. Says whether the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let step = match key.code {
            KeyCode::Left if control => CursorMove::WordBack,
            KeyCode::Right if control => CursorMove::WordForward,
            KeyCode::Left => CursorMove::Back,
            KeyCode::Right => CursorMove::Forward,
            KeyCode::Up => CursorMove::Up,
            KeyCode::Down => CursorMove::Down,
            KeyCode::Home if control => CursorMove::Top,
            KeyCode::End if control => CursorMove::Bottom,
            KeyCode::Home => CursorMove::Head,
            KeyCode::End => CursorMove::End,
            KeyCode::Char('a') if control => CursorMove::Head,
            KeyCode::Char('e') if control => CursorMove::End,
            KeyCode::PageUp | KeyCode::PageDown => return self.page(key.code == KeyCode::PageDown),
            KeyCode::Char('k') if control => return self.area.delete_line_by_end(),
            KeyCode::Char('u') if control => return self.area.delete_line_by_head(),
            KeyCode::Char('w') if control => return self.area.delete_word(),
            // Other control and alt keys type nothing, and neither does what cannot be seen.
            KeyCode::Char(c) if is_unsafe_char(c) => return false,
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Enter if self.one_line => return false,
            _ => return self.area.input_without_shortcuts(key),
        };
        self.area.move_cursor(step);
        false
    }

    /// Moves by a screen's worth of lines; the text does not know the screen, so it is a fixed number.
    fn page(&mut self, down: bool) -> bool {
        for _ in 0..PAGE {
            self.area.move_cursor(if down { CursorMove::Down } else { CursorMove::Up });
        }
        false
    }

    /// Types text as one step: a paste. A one-line input takes the first line.
    pub fn paste(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = if self.one_line { text.lines().next().unwrap_or_default() } else { &text };
        let clean: String = text.replace('\t', "  ").chars().filter(|c| *c == '\n' || !is_unsafe_char(*c)).collect();
        self.area.insert_str(clean)
    }

    /// Replaces everything, as one step.
    pub fn replace(&mut self, text: &str) {
        self.area.select_all();
        self.area.insert_str(drawable(text));
    }

    /// Takes the last step back.
    pub fn undo(&mut self) -> bool {
        self.area.undo()
    }

    /// Takes the last undo back.
    pub fn redo(&mut self) -> bool {
        self.area.redo()
    }

    /// Deletes to the start of the line.
    pub fn delete_to_start(&mut self) -> bool {
        self.area.delete_line_by_head()
    }

    /// Deletes the word before the cursor.
    pub fn delete_word(&mut self) -> bool {
        self.area.delete_word()
    }

    /// Draws the text; `error_line` (from 0) is where it cannot be read. Returns where the terminal's cursor belongs.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, error_line: Option<usize>) -> Option<(u16, u16)> {
        let mut widget = self.area.clone();
        widget.set_style(canvas.style(Role::Fg));
        widget.set_cursor_style(canvas.style(Role::EditorCursor));
        widget.set_selection_style(canvas.style(Role::EditorSelection));
        if self.one_line {
            widget.set_cursor_line_style(canvas.style(Role::Prompt));
        } else {
            widget.set_cursor_line_style(canvas.style(Role::EditorLine));
            widget.set_line_number_style(canvas.style(Role::TextFaint));
            if let Some(line) = error_line {
                let end = self.area.lines().get(line).map_or(0, String::len);
                widget.custom_highlight(((line, 0), (line, end)), canvas.style(Role::PromptError), 1);
            }
        }
        (&widget).render(area, canvas.buffer());
        widget.rendered_cursor_position().map(|at| (at.x, at.y))
    }
}

/// The text with what a terminal must not get as `\u202e`: equal in value inside a JSON string, and visible
/// everywhere else. A draft from the disk, an outside editor or a hub's id may hold anything.
fn drawable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_unsafe_char(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unsafe_char(c) {
            out.push(c);
        } else {
            let mut units = [0_u16; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_one_step_without_control_characters() {
        let mut editor = Editor::new("{}");
        assert!(editor.paste("a\u{1b}[2J\r\n\tb\u{202e}"));
        assert_eq!(editor.text(), "a[2J\n  b{}");
        editor.undo();
        assert_eq!(editor.text(), "{}");
        let mut line = Editor::line("de");
        line.paste("v\nices");
        assert_eq!(line.text(), "dev");
        line.delete_to_start();
        assert_eq!(line.text(), "");
    }

    #[test]
    fn cursor_keys_move_and_others_type() {
        let mut editor = Editor::new("ab\ncd");
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        for code in [KeyCode::Down, KeyCode::End] {
            assert!(!editor.key(key(code)));
        }
        assert!(editor.key(key(KeyCode::Char('!'))));
        assert!(!editor.key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL)));
        editor.key(key(KeyCode::Home));
        assert!(editor.key(key(KeyCode::Enter)));
        assert_eq!((editor.text().as_str(), editor.cursor()), ("ab\n\ncd!", (2, 0)));
    }

    #[test]
    fn no_character_that_a_terminal_must_not_get_is_in_a_text() {
        let hostile = "{\"a\": \"\u{202e}\u{1b}[2J\u{e0067}\"}";
        let escaped = r#"{"a": "\u202e\u001b[2J\udb40\udc67"}"#;
        assert_eq!(Editor::new(hostile).text(), escaped);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(escaped).ok(),
            serde_json::from_str(&hostile.replace('\u{1b}', "\\u001b")).ok()
        );
        let mut editor = Editor::new("");
        editor.replace(hostile);
        assert_eq!(editor.text(), escaped);
        assert!(!editor.key(KeyEvent::new(KeyCode::Char('\u{202e}'), KeyModifiers::NONE)));
    }

    #[test]
    fn replacing_everything_can_be_taken_back() {
        let mut editor = Editor::new("one\ntwo");
        editor.replace("three");
        assert_eq!(editor.text(), "three");
        while editor.undo() {}
        assert_eq!(editor.text(), "one\ntwo");
    }
}
