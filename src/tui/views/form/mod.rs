//! A form: what a change needs to be told before it can be prepared. Each kind names its fields and makes an order of
//! what was typed; what is typed stays while the change it leads to is looked at.

mod draw;
mod kinds;

use super::page::Sources;
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::{Place, Step, View};
use crate::local::FilledIn;
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::editor::Editor;

pub use kinds::FormKind;

/// The view's state.
#[derive(Debug, Clone)]
pub struct FormView {
    kind: FormKind,
    fields: Vec<Field>,
    focus: usize,
    /// It holds what was typed an earlier time.
    as_left: bool,
    /// What cannot be used, and in which field.
    wrong: Option<(usize, String)>,
}

/// One field.
#[derive(Debug, Clone)]
struct Field {
    label: &'static str,
    /// One sentence, shown while the field has the focus.
    help: &'static str,
    entry: Entry,
    /// What stood in it when the form was opened.
    begin: String,
}

/// What stands in a field.
#[derive(Debug, Clone)]
enum Entry {
    /// A line of text.
    Text(Box<Editor>),
    /// Yes or no.
    Choice(bool),
}

impl Field {
    fn text(label: &'static str, help: &'static str, begin: &str) -> Self {
        // As the editor has it, which writes out what cannot be typed: else it would pass for something typed.
        let editor = Editor::line(begin);
        Self { label, help, begin: editor.text(), entry: Entry::Text(Box::new(editor)) }
    }

    fn choice(label: &'static str, help: &'static str, begin: bool) -> Self {
        Self { label, help, entry: Entry::Choice(begin), begin: begin.to_string() }
    }
}

impl Entry {
    fn text(&self) -> String {
        match self {
            Self::Text(editor) => editor.text(),
            Self::Choice(on) => on.to_string(),
        }
    }
}

impl FormView {
    /// The form as it was left, or as it begins. What was not typed into is as it is now: the hub's values go on
    /// meanwhile, and an old one of them must not look like something that was typed.
    #[must_use]
    pub fn new(kind: FormKind, shell: &Shell) -> Self {
        let mut fields = kind.fields(shell);
        let kept = shell.forms.get(&kind.name());
        for (field, kept) in fields.iter_mut().zip(kept.into_iter().flatten()) {
            if let Some(text) = kept {
                field.entry = match field.entry {
                    Entry::Text(_) => Entry::Text(Box::new(Editor::line(text))),
                    Entry::Choice(_) => Entry::Choice(text == "true"),
                };
            }
        }
        Self { kind, fields, focus: 0, wrong: None, as_left: kept.is_some() }
    }

    /// Keeps what was filled in, if that is not known yet: for the next time it is opened, and for a console that ends
    /// without a word.
    #[must_use]
    pub fn keep(&self, shell: &mut Shell) -> Option<Effect> {
        let name = self.name();
        let filled = self.filled_in();
        if shell.forms.get(&name) == filled.as_ref() {
            return None;
        }
        match &filled {
            Some(fields) => drop(shell.forms.insert(name.clone(), fields.clone())),
            None => drop(shell.forms.remove(&name)),
        }
        Some(Effect::SaveForm(name, filled))
    }

    /// What was typed into the fields; nothing when all are as they began.
    fn filled_in(&self) -> Option<FilledIn> {
        let typed = |field: &Field| Some(field.entry.text()).filter(|text| *text != field.begin);
        let fields: FilledIn = self.fields.iter().map(typed).collect();
        fields.iter().any(Option::is_some).then_some(fields)
    }

    /// What it is kept under.
    #[must_use]
    pub fn name(&self) -> String {
        self.kind.name()
    }

    /// Types a key into the field that has the focus. Says whether it meant anything.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let Some(field) = self.fields.get_mut(self.focus) else { return false };
        let changed = match &mut field.entry {
            Entry::Text(editor) => editor.key(key),
            Entry::Choice(on) if key.code == KeyCode::Char(' ') => {
                *on = !*on;
                true
            }
            Entry::Choice(_) => false,
        };
        if changed {
            self.wrong = None;
        }
        true
    }

    /// Types pasted text. Says whether it was taken.
    pub fn paste(&mut self, text: &str) -> bool {
        match self.fields.get_mut(self.focus).map(|field| &mut field.entry) {
            Some(Entry::Text(editor)) => {
                self.wrong = None;
                editor.paste(text);
                true
            }
            Some(Entry::Choice(_)) | None => false,
        }
    }
}

impl View for FormView {
    fn place(&self) -> Place {
        Place::Form(self.kind.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Form]
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        let mut pieces = vec![(Role::TextDim, "form > ".to_owned()), (Role::Fg, self.kind.title())];
        if self.as_left {
            pieces.push((Role::TextDim, ", as it was left".to_owned()));
        }
        pieces
    }

    fn act(&mut self, action: ActionId, _: &mut Shell) -> Step {
        let last = self.fields.len().saturating_sub(1);
        match action {
            ActionId::FormNext => self.focus = if self.focus >= last { 0 } else { self.focus + 1 },
            ActionId::FormPrevious => self.focus = self.focus.checked_sub(1).unwrap_or(last),
            ActionId::FormReview => match self.kind.order(&Values(&self.fields)) {
                Ok(order) => return Step::go(Place::Change(Box::new(order))),
                Err((field, why)) => {
                    self.focus = field.min(last);
                    self.wrong = Some((self.focus, why));
                }
            },
            _ => return Step::unused(),
        }
        Step::done()
    }

    fn draw(&self, _: &Shell, canvas: &mut Canvas<'_>, area: Rect, _: &Sources<'_>) -> Option<(u16, u16)> {
        self.paint(canvas, area)
    }
}

/// What stands in the fields, by their number.
struct Values<'a>(&'a [Field]);

impl Values<'_> {
    fn text(&self, field: usize) -> String {
        match self.0.get(field).map(|field| &field.entry) {
            Some(Entry::Text(editor)) => editor.text().trim().to_owned(),
            Some(Entry::Choice(_)) | None => String::new(),
        }
    }

    /// The text, when it is no longer what stood there at the beginning.
    fn changed(&self, field: usize) -> Option<String> {
        let text = self.text(field);
        (self.0.get(field).is_some_and(|field| field.begin.trim() != text)).then_some(text)
    }

    fn choice(&self, field: usize) -> bool {
        matches!(self.0.get(field).map(|field| &field.entry), Some(Entry::Choice(true)))
    }
}
