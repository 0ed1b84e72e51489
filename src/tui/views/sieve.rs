//! How a list of objects is narrowed and ordered: the filter, faults only, the column it is sorted by, and whether all
//! columns are wanted. The view has the rows; this says which of them to show, and how to say so.

use crate::domain::text::Untrusted;
use crate::tui::actions::ActionId;
use crate::tui::canvas::Piece;
use crate::tui::filter::{Filter, FilterError, Filterable};
use crate::tui::theme::Role;
use crate::tui::theme::signs::{Glyphs, Sign};
use crate::tui::widgets::states::Blank;

/// The columns of a list.
pub trait Columns: Copy + PartialEq + 'static {
    /// From left to right.
    const ALL: &'static [Self];
    /// The names that `name:text` may use in a filter.
    const FILTERS: &'static [&'static str];

    /// Its head.
    fn title(self) -> &'static str;

    /// The column an action sorts by.
    fn of(action: ActionId) -> Option<Self>;

    /// What its order is called, where an arrow would say the opposite to somebody.
    fn order(self, _descending: bool) -> Option<&'static str> {
        None
    }
}

/// What a list shows, and in which order.
#[derive(Debug, Clone)]
pub struct Sieve<C> {
    text: String,
    filter: Filter,
    error: Option<FilterError>,
    faults_only: bool,
    sort: (C, bool),
    /// The column `O` would sort by.
    chosen: C,
    wide: bool,
}

/// What an action did to a sieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sifted {
    /// Nothing: it is about something else.
    Not,
    /// It is drawn another way.
    Drawn,
    /// Other rows are shown.
    Narrowed,
    /// The rows are in another order.
    Sorted,
}

impl<C: Columns> Sieve<C> {
    /// Lets everything through, in the order of a column.
    #[must_use]
    pub fn sorted_by(column: C, descending: bool) -> Self {
        Self {
            text: String::new(),
            filter: Filter::All,
            error: None,
            faults_only: false,
            sort: (column, descending),
            chosen: column,
            wide: false,
        }
    }

    /// Filters by what was typed; `None` lets everything through again. Says whether the rows are others: a filter that
    /// cannot be read keeps the last result.
    pub fn set_filter(&mut self, text: Option<&str>) -> bool {
        self.text = text.unwrap_or_default().to_owned();
        match Filter::parse(&self.text, C::FILTERS) {
            Ok(filter) => {
                (self.filter, self.error) = (filter, None);
                true
            }
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }

    /// Carries out an action on it; `shown` are the columns there are at this width.
    pub fn act(&mut self, action: ActionId, shown: &[C]) -> Sifted {
        match action {
            ActionId::Faults => {
                self.faults_only = !self.faults_only;
                Sifted::Narrowed
            }
            ActionId::Back if self.is_narrowed() => {
                self.faults_only = false;
                self.set_filter(None);
                Sifted::Narrowed
            }
            ActionId::Wide => {
                self.wide = !self.wide;
                Sifted::Drawn
            }
            ActionId::SortNext | ActionId::SortPrevious => {
                let step = if action == ActionId::SortNext { 1 } else { shown.len().saturating_sub(1) };
                let at = shown.iter().position(|column| *column == self.chosen).unwrap_or(0);
                self.chosen = shown.get((at + step) % shown.len().max(1)).copied().unwrap_or(self.chosen);
                Sifted::Drawn
            }
            ActionId::SortToggle => self.sort_by(self.chosen),
            _ => C::of(action).map_or(Sifted::Not, |column| self.sort_by(column)),
        }
    }

    /// Sorts by a column, or the other way round by the one it is sorted by.
    fn sort_by(&mut self, column: C) -> Sifted {
        self.sort = (column, self.sort.0 == column && !self.sort.1);
        self.chosen = column;
        Sifted::Sorted
    }

    /// Whether a row is shown.
    pub fn admits(&self, row: &impl Filterable, is_fault: impl FnOnce() -> bool, scratch: &mut String) -> bool {
        (!self.faults_only || is_fault()) && self.filter.admits(row, scratch)
    }

    /// The column it is sorted by, and whether the largest comes first.
    #[must_use]
    pub fn sort(&self) -> (C, bool) {
        self.sort
    }

    /// Whether only what is not well is shown.
    #[must_use]
    pub fn faults_only(&self) -> bool {
        self.faults_only
    }

    /// Whether every column is wanted.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.wide
    }

    /// Whether something may be hidden.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !self.text.is_empty() || self.faults_only
    }

    /// What was typed into the filter, and why it cannot be read.
    #[must_use]
    pub fn filter_state(&self) -> (&str, Option<&FilterError>) {
        (&self.text, self.error.as_ref())
    }

    /// What hides rows, for the line that says where we are.
    #[must_use]
    pub fn narrowing(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.text.is_empty() {
            let (role, kind) = match &self.error {
                Some(_) => (Role::PromptError, "cannot be read"),
                None => (Role::Match, self.filter.kind()),
            };
            pieces.push((Role::TextDim, " > ".to_owned()));
            pieces.push((role, format!("/{} {kind}", self.shown_text())));
        }
        if self.faults_only {
            pieces.push((Role::StatusWarn, "   faults only".to_owned()));
        }
        pieces
    }

    /// The order, and the one `O` would make.
    #[must_use]
    pub fn ordering(&self) -> Vec<Piece> {
        let (column, descending) = self.sort;
        let sign = if descending { Sign::Descending } else { Sign::Ascending }.glyph(Glyphs::Ascii);
        let order = column.order(descending).unwrap_or(sign);
        let mut pieces = vec![(Role::TextDim, format!("   sort {}{order}", column.title()))];
        if self.chosen != column {
            pieces.push((Role::TextFaint, format!(" (O: {})", self.chosen.title())));
        }
        pieces
    }

    /// What to say where none of `total` rows is let through.
    #[must_use]
    pub fn blank(&self, total: usize) -> Blank<'static> {
        Blank::Filtered { total, filter: self.shown_text(), faults_only: self.faults_only }
    }

    fn shown_text(&self) -> String {
        Untrusted::new(self.text.as_str()).shown().into()
    }
}
