//! The fleet: what is wrong, where, since when. State and actions here; `row.rs` knows what a row says, `draw.rs`
//! how it looks.

mod draw;
pub mod row;

use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::sync::Arc;

use row::{FleetColumn, Totals};

use super::device::leads;
use super::sieve::{Sieve, Sifted};
use super::{PageKind, Place, Step, View};
use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::time::Now;
use crate::local::{LastView, SortOrder};
use crate::store::{DeviceRow, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::filter::FilterError;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

/// The view's state.
#[derive(Debug, Clone)]
pub struct FleetView {
    list: List<DeviceId>,
    sieve: Sieve<FleetColumn>,
    /// What is known of the list as a whole; counted when it changes, never while drawing.
    totals: Totals,
    /// Where a range of marks begins.
    anchor: Option<DeviceId>,
}

impl FleetView {
    /// The view over the present picture, the worst first.
    #[must_use]
    pub fn new(shell: &Shell) -> Self {
        let last = shell.last_view.as_ref().and_then(|last| last.sort.as_ref());
        let column = last.and_then(|sort| FleetColumn::ALL.into_iter().find(|column| column.name() == sort.column));
        let sieve = match (column, last) {
            (Some(column), Some(sort)) => Sieve::sorted_by(column, sort.descending),
            _ => Sieve::sorted_by(FleetColumn::Status, false),
        };
        let mut view = Self { list: List::default(), sieve, totals: Totals::default(), anchor: None };
        view.list_again(shell);
        view
    }

    /// Takes over a new picture: the cursor and the marks stay with their devices.
    fn take_over(&mut self, shell: &mut Shell) {
        let order = self.order(shell);
        let lost = self.list.take_over(order, shell.now);
        if self.list.keep_first() {
            // The first complete picture ends it: from then on the cursor belongs to its device.
            if shell.fleet.agents.as_of.is_some() {
                self.list.hold();
            }
            return;
        }
        if let Some(lost) = lost {
            // Gone from the hub, or only from the filtered list: the message says which.
            let gone = shell.fleet.row(&lost).is_none();
            let why = if gone { "is gone at the hub" } else { "no longer passes the filter" };
            shell.warn(format!("selection changed: {} {why}", lost.shown()));
        }
        if shell.fleet.devices.as_of.is_some() {
            let gone: Vec<DeviceId> = shell.marks.iter().filter(|id| shell.fleet.row(id).is_none()).cloned().collect();
            for id in gone {
                shell.marks.remove(&id);
                shell.warn(format!("the mark of {} is dropped: the device is gone at the hub", id.shown()));
            }
        }
    }

    /// What is known already, narrowed or ordered another way.
    fn list_again(&mut self, shell: &Shell) {
        let order = self.order(shell);
        self.list.replace(order);
    }

    fn passes(&self, row: &DeviceRow, scratch: &mut String) -> bool {
        self.sieve.admits(row, || row.verdict.is_some_and(|verdict| verdict.is_fault()), scratch)
    }

    /// Whether the device is among those listed.
    fn lists(&self, id: &DeviceId, shell: &Shell) -> bool {
        shell.fleet.row(id).is_some_and(|row| self.passes(row, &mut String::new()))
    }

    /// The ids that pass, in order; what there is to say of all of them is counted on the way. Rows of a snapshot come in
    /// the natural order of their ids.
    fn order(&mut self, shell: &Shell) -> Vec<DeviceId> {
        let mut scratch = String::new();
        let mut rows: Vec<&Arc<DeviceRow>> =
            shell.fleet.rows.iter().filter(|row| self.passes(row, &mut scratch)).collect();
        let (column, descending) = self.sieve.sort();
        if (column, descending) != (FleetColumn::Device, false) {
            rows.sort_by(|a, b| row::compare(a, b, column, descending));
        }
        self.totals = Totals::of(rows.iter().copied());
        rows.into_iter().map(|row| row.id.clone()).collect()
    }

    /// Whether only devices that are not well are shown.
    #[must_use]
    pub fn faults_only(&self) -> bool {
        self.sieve.faults_only()
    }

    fn open(&self, shell: &mut Shell, place: impl FnOnce(DeviceId) -> Place) -> Step {
        match self.list.selected() {
            Some(_) if self.list.is_settling(shell.now) => {
                shell.warn("the device under the cursor just changed; press again");
                Step::done()
            }
            Some(id) => Step::go(place(id.clone())),
            None => Step::done(),
        }
    }

    /// Lets the order be remembered. A filter is not: devices must not be hidden by what somebody typed yesterday.
    fn remember(&self) -> Step {
        let (column, descending) = self.sieve.sort();
        let sort = SortOrder { column: column.name().to_owned(), descending };
        Step::effect(Effect::SaveView(LastView { view: "devices".to_owned(), sort: Some(sort), filter: String::new() }))
    }

    fn mark(&mut self, shell: &mut Shell, height: usize) {
        if self.may_not_mark(shell) {
            return;
        }
        let Some(id) = self.list.selected().cloned() else { return };
        if !shell.marks.remove(&id) {
            shell.marks.insert(id.clone());
        }
        self.anchor = Some(id);
        self.list.go(Move::Down, height);
    }

    /// Whether a mark could hit what nobody meant; says why.
    fn may_not_mark(&self, shell: &mut Shell) -> bool {
        if self.sieve.filter_state().1.is_some() {
            shell.warn("the filter cannot be read, so marking is off: esc clears it");
        } else if self.list.is_settling(shell.now) {
            shell.warn("the device under the cursor just changed; press again");
        } else {
            return false;
        }
        true
    }

    fn mark_range(&mut self, shell: &mut Shell) {
        if self.may_not_mark(shell) {
            return;
        }
        let place = |id: &DeviceId| self.list.order().iter().position(|other| other == id);
        let Some(from) = self.anchor.as_ref().and_then(place) else {
            shell.warn("mark one row first: the range goes from the last mark to the cursor");
            return;
        };
        let to = self.list.index();
        let (first, last) = (from.min(to), from.max(to));
        shell.marks.extend(self.list.order().iter().skip(first).take(last - first + 1).cloned());
    }

    /// The row under the cursor.
    #[must_use]
    pub fn selected<'a>(&self, shell: &'a Shell) -> Option<&'a Arc<DeviceRow>> {
        self.list.selected().and_then(|id| shell.fleet.row(id))
    }
}

impl View for FleetView {
    fn place(&self) -> Place {
        Place::Fleet
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Fleet, Scope::List, Scope::Device, Scope::Object, Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { fleet: true, ..Needs::default() }
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        shell.fleet.as_of()
    }

    fn source(&self) -> Source {
        Source::Fleet
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        self.take_over(shell);
        Step::done()
    }

    fn filter(&mut self, text: Option<&str>, shell: &mut Shell) -> bool {
        if self.sieve.set_filter(text) {
            self.list_again(shell);
        }
        true
    }

    fn filter_state(&self) -> Option<(&str, Option<&FilterError>)> {
        Some(self.sieve.filter_state())
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        let about_rows = matches!(
            action,
            ActionId::Open
                | ActionId::Twin
                | ActionId::Apply
                | ActionId::DeviceDelete
                | ActionId::DeviceDeployments
                | ActionId::Logs
                | ActionId::RawJson
                | ActionId::CopyId
                | ActionId::MarkToggle
                | ActionId::SortStatus
        );
        // A device is restarted by nobody; its modules are, where they are seen.
        action != ActionId::Restart && !(self.list.order().is_empty() && about_rows)
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let height = self.table_rows(shell);
        if let Some(step) = Move::of(action) {
            self.list.step(step, height);
            return Step::done();
        }
        match self.sieve.act(action, &FleetColumn::ALL) {
            Sifted::Not => {}
            Sifted::Drawn => return Step::done(),
            Sifted::Narrowed => {
                self.list_again(shell);
                return Step::done();
            }
            Sifted::Sorted => {
                self.list_again(shell);
                return self.remember();
            }
        }
        if let Some(place) = self.list.selected().and_then(|id| leads(action, id.clone())) {
            return self.open(shell, |_| place);
        }
        match action {
            ActionId::Open => {
                self.list.hold();
                return self.open(shell, Place::Device);
            }
            ActionId::Twin => return self.open(shell, |id| Place::Twin(TwinId::device(id))),
            ActionId::Logs => return self.open(shell, |id| Place::Logs(id, None)),
            ActionId::RawJson => return self.open(shell, |id| Place::Page(PageKind::Json(TwinId::device(id)))),
            ActionId::CopyId => {
                let Some(id) = self.list.selected() else { return Step::done() };
                shell.info(format!("{} sent to the terminal's clipboard (it does not confirm)", id.shown()));
                return Step::effect(Effect::Copy(id.shown().into()));
            }
            ActionId::MarkToggle => {
                self.list.hold();
                self.mark(shell, height);
            }
            ActionId::MarkRange => self.mark_range(shell),
            ActionId::MarkClear => {
                shell.marks.clear();
                self.anchor = None;
            }
            _ => return Step::unused(),
        }
        Step::done()
    }

    fn location(&self, shell: &Shell) -> Vec<Piece> {
        self.whereabouts(shell)
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
