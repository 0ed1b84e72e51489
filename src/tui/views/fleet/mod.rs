//! The fleet: what is wrong, where, since when. State and actions here; `row.rs` knows what a row says, `draw.rs`
//! how it looks.

mod draw;
pub mod row;

use super::page::Sources;
use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::Duration;

use row::{FILTER_COLUMNS, FleetColumn, Totals};

use super::device::leads;
use super::{PageKind, Place, Step, View};
use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::time::Now;
use crate::local::{LastView, SortOrder};
use crate::store::{DeviceRow, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::filter::{Filter, FilterError};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

/// The view's state.
#[derive(Debug, Clone)]
pub struct FleetView {
    list: List<DeviceId>,
    /// Whether the operator moved, or the picture was complete once: before, the cursor belongs to the first row,
    /// whatever comes in.
    moved: bool,
    sort: (FleetColumn, bool),
    /// The column `O` would sort by.
    column: usize,
    filter_text: String,
    filter: Filter,
    filter_error: Option<FilterError>,
    faults_only: bool,
    wide: bool,
    /// What is known of the list as a whole; counted when it changes, never while drawing.
    totals: Totals,
    /// Where a range of marks begins.
    anchor: Option<DeviceId>,
    /// A device that vanished from under the cursor: what changes things is refused for a moment.
    lost: Option<(DeviceId, Now)>,
}

/// How long changing keys are refused after the cursor's object vanished (console-ux G-40).
pub const LOST_FOR: Duration = Duration::from_secs(1);

impl FleetView {
    /// The view over the present picture, the worst first.
    #[must_use]
    pub fn new(shell: &Shell) -> Self {
        let mut view = Self {
            list: List::default(),
            moved: false,
            sort: (FleetColumn::Status, false),
            column: 0,
            filter_text: String::new(),
            filter: Filter::All,
            filter_error: None,
            faults_only: false,
            wide: false,
            totals: Totals::default(),
            anchor: None,
            lost: None,
        };
        let last = shell.last_view.as_ref().and_then(|last| last.sort.as_ref());
        let column = last.and_then(|sort| FleetColumn::ALL.into_iter().find(|column| column.name() == sort.column));
        if let (Some(column), Some(sort)) = (column, last) {
            view.sort = (column, sort.descending);
        }
        view.choose_column();
        view.list_again(shell);
        view
    }

    /// Takes over a new picture: the cursor and the marks stay with their devices.
    fn take_over(&mut self, shell: &mut Shell) {
        let lost = self.list_again(shell);
        if !self.moved {
            self.list.go(Move::First, 1);
            // The first complete picture ends it: from then on the cursor belongs to its device.
            self.moved = shell.fleet.agents.as_of.is_some();
            return;
        }
        if let Some(lost) = lost {
            // Gone from the hub, or only from the filtered list: the message says which.
            let gone = shell.fleet.row(&lost).is_none();
            let why = if gone { "is gone at the hub" } else { "no longer passes the filter" };
            shell.warn(format!("selection changed: {} {why}", lost.shown()));
            self.lost = Some((lost, shell.now));
        }
        if shell.fleet.devices.as_of.is_some() {
            let gone: Vec<DeviceId> = shell.marks.iter().filter(|id| shell.fleet.row(id).is_none()).cloned().collect();
            for id in gone {
                shell.marks.remove(&id);
                shell.warn(format!("the mark of {} is dropped: the device is gone at the hub", id.shown()));
            }
        }
    }

    /// Takes over a new order; gives the id that vanished from under the cursor.
    fn list_again(&mut self, shell: &Shell) -> Option<DeviceId> {
        let (order, totals) = self.order(shell);
        self.totals = totals;
        self.list.replace(order)
    }

    /// Whether the cursor's object vanished a moment ago.
    fn is_settling(&self, now: Now) -> bool {
        self.lost.as_ref().is_some_and(|(_, at)| now.since(*at) < LOST_FOR)
    }

    fn passes(&self, row: &DeviceRow, scratch: &mut String) -> bool {
        let faulty = || row.verdict.is_some_and(|verdict| verdict.is_fault());
        (!self.faults_only || faulty()) && self.filter.admits(row, scratch)
    }

    /// Whether the device is among those listed.
    fn lists(&self, id: &DeviceId, shell: &Shell) -> bool {
        shell.fleet.row(id).is_some_and(|row| self.passes(row, &mut String::new()))
    }

    /// The ids that pass, in order, and what there is to say of all of them. Rows of a snapshot come in the natural order of their ids.
    fn order(&self, shell: &Shell) -> (Vec<DeviceId>, Totals) {
        let mut scratch = String::new();
        let mut rows: Vec<&Arc<DeviceRow>> =
            shell.fleet.rows.iter().filter(|row| self.passes(row, &mut scratch)).collect();
        let (column, descending) = self.sort;
        if (column, descending) != (FleetColumn::Device, false) {
            rows.sort_by(|a, b| row::compare(a, b, column, descending));
        }
        let totals = Totals::of(rows.iter().copied());
        (rows.into_iter().map(|row| row.id.clone()).collect(), totals)
    }

    /// Filters by what was typed; `None` shows everything again. A filter that cannot be read keeps the last result.
    fn set_filter(&mut self, text: Option<&str>, shell: &Shell) {
        self.filter_text = text.unwrap_or_default().to_owned();
        match Filter::parse(&self.filter_text, &FILTER_COLUMNS) {
            Ok(filter) => {
                self.filter = filter;
                self.filter_error = None;
                self.list_again(shell);
            }
            Err(error) => self.filter_error = Some(error),
        }
    }

    /// Whether something is filtered away.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        !self.filter_text.is_empty() || self.faults_only
    }

    /// Whether only devices that are not well are shown.
    #[must_use]
    pub fn faults_only(&self) -> bool {
        self.faults_only
    }

    fn open(&self, shell: &mut Shell, place: impl FnOnce(DeviceId) -> Place) -> Step {
        match self.list.selected() {
            Some(_) if self.is_settling(shell.now) => {
                shell.warn("the device under the cursor just changed; press again");
                Step::done()
            }
            Some(id) => Step::go(place(id.clone())),
            None => Step::done(),
        }
    }

    /// Sorts, and lets the order be remembered. A filter is not: devices must not be hidden by what somebody typed
    /// yesterday.
    fn sort_by(&mut self, column: FleetColumn, shell: &Shell) -> Step {
        self.sort = if self.sort.0 == column { (column, !self.sort.1) } else { (column, false) };
        self.choose_column();
        self.list_again(shell);
        let sort = SortOrder { column: column.name().to_owned(), descending: self.sort.1 };
        Step::effect(Effect::SaveView(LastView { view: "devices".to_owned(), sort: Some(sort), filter: String::new() }))
    }

    fn choose_column(&mut self) {
        self.column = FleetColumn::ALL.iter().position(|other| *other == self.sort.0).unwrap_or(self.column);
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
        if self.filter_error.is_some() {
            shell.warn("the filter cannot be read, so marking is off: esc clears it");
        } else if self.is_settling(shell.now) {
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
        self.set_filter(text, shell);
        true
    }

    fn filter_state(&self) -> Option<(&str, Option<&FilterError>)> {
        Some((&self.filter_text, self.filter_error.as_ref()))
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
            self.moved = true;
            self.list.go(step, height);
            return Step::done();
        }
        if let Some(place) = self.list.selected().and_then(|id| leads(action, id.clone())) {
            return self.open(shell, |_| place);
        }
        match action {
            ActionId::Open => {
                self.moved = true;
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
                self.moved = true;
                self.mark(shell, height);
            }
            ActionId::MarkRange => self.mark_range(shell),
            ActionId::MarkClear => {
                shell.marks.clear();
                self.anchor = None;
            }
            ActionId::Faults => {
                self.faults_only = !self.faults_only;
                self.list_again(shell);
            }
            ActionId::SortName => return self.sort_by(FleetColumn::Device, shell),
            ActionId::SortStatus => return self.sort_by(FleetColumn::Status, shell),
            ActionId::SortAge => return self.sort_by(FleetColumn::Reported, shell),
            ActionId::SortNext => self.column = (self.column + 1) % FleetColumn::ALL.len(),
            ActionId::SortPrevious => self.column = (self.column + FleetColumn::ALL.len() - 1) % FleetColumn::ALL.len(),
            ActionId::SortToggle => {
                if let Some(column) = FleetColumn::ALL.get(self.column) {
                    return self.sort_by(*column, shell);
                }
            }
            ActionId::Wide => self.wide = !self.wide,
            ActionId::Back if self.is_filtered() => {
                self.faults_only = false;
                self.set_filter(None, shell);
            }
            _ => return Step::unused(),
        }
        Step::done()
    }

    fn location(&self, shell: &Shell) -> Vec<Piece> {
        self.whereabouts(shell)
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect, _: &Sources<'_>) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
