//! The deployments of the hub, or those that match one device: what they are for, and how far the hub says they got.
//! State and actions here; `row.rs` knows what a row says, `bar.rs` its figures as a bar, `draw.rs` how the list looks,
//! `preview.rs` the one under the cursor.

mod bar;
mod draw;
mod preview;
pub mod row;

use super::page::Sources;
use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

use row::{DeploymentColumn, FILTER_COLUMNS, Row};

use super::deployment::evidence::Evidence;
use super::fleet::LOST_FOR;
use super::form::FormKind;
use super::{PageKind, Place, Step, View};
use crate::domain::deployment::{Listed, Other, OtherKind};
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::domain::twin::{ConfigurationStatus, Twin};
use crate::ops::Order;
use crate::store::{Fetched, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::filter::{Filter, FilterError};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

/// The view's state.
#[derive(Debug, Clone)]
pub struct DeploymentsView {
    /// The device whose deployments are listed; all of the hub when there is none.
    of: Option<DeviceId>,
    list: List<DeploymentId>,
    /// Whether the operator moved: before, the cursor belongs to the first row, whatever comes in.
    moved: bool,
    sort: (DeploymentColumn, bool),
    /// The column `O` would sort by.
    column: usize,
    filter_text: String,
    filter: Filter,
    filter_error: Option<FilterError>,
    faults_only: bool,
    wide: bool,
    /// Cells each column could use; measured when the list changes, never while drawing.
    widths: [u16; DeploymentColumn::ALL.len()],
    /// What the fleet's twins say; counted when they change, never while drawing.
    evidence: BTreeMap<DeploymentId, Evidence>,
    /// A deployment that vanished from under the cursor: opening is refused for a moment.
    lost: Option<(DeploymentId, Now)>,
}

impl DeploymentsView {
    /// The view on what is known, the highest priority first: that is who wins.
    #[must_use]
    pub fn new(of: Option<DeviceId>, shell: &Shell) -> Self {
        let mut view = Self {
            of,
            list: List::default(),
            moved: false,
            sort: (DeploymentColumn::Priority, false),
            column: 0,
            filter_text: String::new(),
            filter: Filter::All,
            filter_error: None,
            faults_only: false,
            wide: false,
            widths: [0; DeploymentColumn::ALL.len()],
            evidence: Evidence::count(shell),
            lost: None,
        };
        view.list_again(shell);
        view
    }

    /// The device whose deployments are listed.
    #[must_use]
    pub fn of(&self) -> Option<&DeviceId> {
        self.of.as_ref()
    }

    /// The twin that says which deployments match the device.
    fn twin<'a>(&self, shell: &'a Shell) -> Option<&'a Fetched<std::sync::Arc<Twin>>> {
        let agent = TwinId::module(self.of.clone()?, ModuleId::edge_agent());
        shell.details.twins.get(&agent)
    }

    /// What each deployment is on the device; `None` when the list is about none.
    fn here(&self, shell: &Shell) -> Option<BTreeMap<DeploymentId, ConfigurationStatus>> {
        self.of.as_ref()?;
        let twin = self.twin(shell).and_then(Fetched::get);
        Some(twin.into_iter().flat_map(|twin| twin.configurations.iter().cloned()).collect())
    }

    /// Every configuration the list is about, in natural order of the ids.
    fn rows<'a>(&self, shell: &'a Shell) -> Vec<Row<'a>> {
        let list: &[Listed] = shell.deployments.list.get().map(|list| &**list).unwrap_or_default();
        let here = self.here(shell);
        let mut priorities: BTreeMap<u32, usize> = BTreeMap::new();
        for deployed in shell.deployments.edge() {
            *priorities.entry(deployed.configuration.priority).or_default() += 1;
        }
        list.iter()
            .filter(|listed| here.as_ref().is_none_or(|here| here.contains_key(listed.id())))
            .map(|listed| Row {
                listed,
                here: here.as_ref().and_then(|here| here.get(listed.id()).copied()),
                tied: match listed {
                    Listed::Edge(deployed) => {
                        priorities.get(&deployed.configuration.priority).is_some_and(|count| *count > 1)
                    }
                    Listed::Other(_) => false,
                },
                now: shell.now.wall,
            })
            .collect()
    }

    /// Takes over new deployments: the cursor stays with its own.
    fn take_over(&mut self, shell: &mut Shell) {
        self.evidence = Evidence::count(shell);
        let lost = self.list_again(shell);
        if !self.moved {
            self.list.go(Move::First, 1);
            return;
        }
        if let Some(lost) = lost {
            let gone = shell.deployments.get(&lost).is_none();
            let why = if gone { "is gone at the hub" } else { "is no longer listed here" };
            shell.warn(format!("selection changed: {} {why}", lost.shown()));
            self.lost = Some((lost, shell.now));
        }
    }

    /// Takes over a new order; gives the id that vanished from under the cursor.
    fn list_again(&mut self, shell: &Shell) -> Option<DeploymentId> {
        let mut scratch = String::new();
        let mut rows = self.rows(shell);
        rows.retain(|row| (!self.faults_only || row.is_fault()) && self.filter.admits(row, &mut scratch));
        let (column, descending) = self.sort;
        rows.sort_by(|a, b| {
            let order = row::compare(a, b, column);
            if descending { order.reverse() } else { order }
        });
        self.widths = DeploymentColumn::ALL.map(|column| {
            let cells = rows.iter().map(|row| row.cell(column).1.chars().count()).max().unwrap_or(0);
            u16::try_from(cells).unwrap_or(u16::MAX)
        });
        self.list.replace(rows.into_iter().map(|row| row.listed.id().clone()).collect())
    }

    fn is_settling(&self, now: Now) -> bool {
        self.lost.as_ref().is_some_and(|(_, at)| now.since(*at) < LOST_FOR)
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

    /// Whether only deployments somebody should look at are shown.
    #[must_use]
    pub fn faults_only(&self) -> bool {
        self.faults_only
    }

    fn open(&self, shell: &mut Shell, place: impl FnOnce(DeploymentId) -> Place) -> Step {
        let Some(id) = self.list.selected() else { return Step::done() };
        if self.is_settling(shell.now) {
            shell.warn("the deployment under the cursor just changed; press again");
            return Step::done();
        }
        match shell.deployments.get(id) {
            Some(Listed::Other(Other { kind: OtherKind::Unread(why), .. })) => {
                let text = format!("{} cannot be read here: {}", id.shown(), why.shown());
                shell.warn(text);
                Step::done()
            }
            Some(Listed::Other(_)) => {
                let text = format!("{} is no IoT Edge deployment; there is no view of its kind yet", id.shown());
                shell.info(text);
                Step::done()
            }
            Some(Listed::Edge(_)) | None => Step::go(place(id.clone())),
        }
    }

    /// Goes on to the next column that is shown at this width.
    fn choose(&mut self, step: usize, shell: &Shell) {
        let all = DeploymentColumn::ALL.len();
        for _ in 0..all {
            self.column = (self.column + step) % all;
            if DeploymentColumn::ALL.get(self.column).is_some_and(|column| self.has(*column, shell.size.0)) {
                return;
            }
        }
    }

    fn sort_by(&mut self, column: DeploymentColumn, shell: &Shell) {
        self.sort = (column, self.sort.0 == column && !self.sort.1);
        self.column = DeploymentColumn::ALL.iter().position(|other| *other == column).unwrap_or(self.column);
        self.list_again(shell);
    }

    /// The row under the cursor.
    fn selected<'a>(&self, shell: &'a Shell) -> Option<Row<'a>> {
        let id = self.list.selected()?;
        self.rows(shell).into_iter().find(|row| row.listed.id() == id)
    }
}

impl View for DeploymentsView {
    fn place(&self) -> Place {
        Place::Deployments(self.of.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::List, Scope::Deployment, Scope::Object, Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { deployments: true, device: self.of.clone(), ..Needs::default() }
    }

    fn source(&self) -> Source {
        Source::Deployments
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

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        let list = shell.deployments.list.as_of()?;
        match self.of {
            Some(_) => Some(list).into_iter().chain(self.twin(shell).and_then(Fetched::as_of)).min_by_key(|at| at.mono),
            None => Some(list),
        }
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        let about_rows = matches!(
            action,
            ActionId::Open
                | ActionId::RawJson
                | ActionId::CopyId
                | ActionId::SortStatus
                | ActionId::DeploymentAmend
                | ActionId::DeploymentDelete
        );
        !(self.list.order().is_empty() && about_rows)
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let height = self.table_rows(shell);
        if let Some(step) = Move::of(action) {
            self.moved = true;
            self.list.go(step, height);
            return Step::done();
        }
        match action {
            ActionId::Open => return self.open(shell, Place::Deployment),
            ActionId::DeploymentAmend => return self.open(shell, |id| Place::Form(FormKind::Amend(id))),
            ActionId::DeploymentDelete => {
                return self.open(shell, |id| Place::Change(Box::new(Order::DeleteDeployment(id))));
            }
            ActionId::RawJson => return self.open(shell, |id| Place::Page(PageKind::DeploymentJson(id))),
            ActionId::CopyId => {
                let Some(id) = self.list.selected() else { return Step::done() };
                shell.info(format!("{} sent to the terminal's clipboard (it does not confirm)", id.shown()));
                return Step::effect(Effect::Copy(id.shown().into()));
            }
            ActionId::Faults => {
                self.faults_only = !self.faults_only;
                self.list_again(shell);
            }
            ActionId::SortName => self.sort_by(DeploymentColumn::Id, shell),
            ActionId::SortStatus => self.sort_by(DeploymentColumn::State, shell),
            ActionId::SortAge => self.sort_by(DeploymentColumn::Created, shell),
            ActionId::SortNext => self.choose(1, shell),
            ActionId::SortPrevious => self.choose(DeploymentColumn::ALL.len() - 1, shell),
            ActionId::SortToggle => {
                if let Some(column) = DeploymentColumn::ALL.get(self.column) {
                    self.sort_by(*column, shell);
                }
            }
            ActionId::Wide => self.wide = !self.wide,
            ActionId::Back if self.faults_only || !self.filter_text.is_empty() => {
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
