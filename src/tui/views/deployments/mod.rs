//! The deployments of the hub, or those that match one device: what they are for, and how far the hub says they got.
//! State and actions here; `row.rs` knows what a row says, `bar.rs` its figures as a bar, `draw.rs` how the list looks,
//! `preview.rs` the one under the cursor.

mod bar;
mod draw;
mod preview;
pub mod row;

use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

use row::{DeploymentColumn, Row};

use super::form::FormKind;
use super::sieve::{Sieve, Sifted};
use super::{PageKind, Place, Step, View};
use crate::domain::deployment::{Listed, Other, OtherKind};
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::domain::twin::{ConfigurationStatus, Twin};
use crate::ops::Order;
use crate::store::{Fetched, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::filter::FilterError;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

/// The view's state.
#[derive(Debug, Clone)]
pub struct DeploymentsView {
    /// The device whose deployments are listed; all of the hub when there is none.
    of: Option<DeviceId>,
    list: List<DeploymentId>,
    sieve: Sieve<DeploymentColumn>,
    /// Cells each column could use; measured when the list changes, never while drawing.
    widths: [u16; DeploymentColumn::ALL.len()],
}

impl DeploymentsView {
    /// The view on what is known, the highest priority first: that is who wins.
    #[must_use]
    pub fn new(of: Option<DeviceId>, shell: &Shell) -> Self {
        let mut view = Self {
            of,
            list: List::default(),
            sieve: Sieve::sorted_by(DeploymentColumn::Priority, false),
            widths: [0; DeploymentColumn::ALL.len()],
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
        shell.count_evidence();
        let order = self.order(shell);
        let lost = self.list.take_over(order, shell.now);
        if self.list.keep_first() {
            return;
        }
        if let Some(lost) = lost {
            let gone = shell.deployments.get(&lost).is_none();
            let why = if gone { "is gone at the hub" } else { "is no longer listed here" };
            shell.warn(format!("selection changed: {} {why}", lost.shown()));
        }
    }

    /// What is known already, narrowed or ordered another way.
    fn list_again(&mut self, shell: &Shell) {
        let order = self.order(shell);
        self.list.replace(order);
    }

    /// The ids that pass, in order; how wide their columns are is measured on the way.
    fn order(&mut self, shell: &Shell) -> Vec<DeploymentId> {
        let mut scratch = String::new();
        let mut rows = self.rows(shell);
        rows.retain(|row| self.sieve.admits(row, || row.is_fault(), &mut scratch));
        let (column, descending) = self.sieve.sort();
        rows.sort_by(|a, b| {
            let order = row::compare(a, b, column);
            if descending { order.reverse() } else { order }
        });
        self.widths = DeploymentColumn::ALL.map(|column| {
            let cells = rows.iter().map(|row| row.cell(column).1.chars().count()).max().unwrap_or(0);
            u16::try_from(cells).unwrap_or(u16::MAX)
        });
        rows.into_iter().map(|row| row.listed.id().clone()).collect()
    }

    /// Whether only deployments somebody should look at are shown.
    #[must_use]
    pub fn faults_only(&self) -> bool {
        self.sieve.faults_only()
    }

    fn open(&self, shell: &mut Shell, place: impl FnOnce(DeploymentId) -> Place) -> Step {
        let Some(id) = self.list.selected() else { return Step::done() };
        if self.list.is_settling(shell.now) {
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

    /// The columns there are at this width.
    fn shown(&self, width: u16) -> Vec<DeploymentColumn> {
        DeploymentColumn::ALL.into_iter().filter(|column| self.has(*column, width)).collect()
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
        if self.sieve.set_filter(text) {
            self.list_again(shell);
        }
        true
    }

    fn filter_state(&self) -> Option<(&str, Option<&FilterError>)> {
        Some(self.sieve.filter_state())
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
            self.list.step(step, height);
            return Step::done();
        }
        match self.sieve.act(action, &self.shown(shell.size.0)) {
            Sifted::Not => {}
            Sifted::Drawn => return Step::done(),
            Sifted::Narrowed | Sifted::Sorted => {
                self.list_again(shell);
                return Step::done();
            }
        }
        match action {
            ActionId::Open => self.open(shell, Place::Deployment),
            ActionId::DeploymentAmend => self.open(shell, |id| Place::Form(FormKind::Amend(id))),
            ActionId::DeploymentDelete => self.open(shell, |id| Place::Change(Box::new(Order::DeleteDeployment(id)))),
            ActionId::RawJson => self.open(shell, |id| Place::Page(PageKind::DeploymentJson(id))),
            ActionId::CopyId => {
                let Some(id) = self.list.selected() else { return Step::done() };
                shell.info(format!("{} sent to the terminal's clipboard (it does not confirm)", id.shown()));
                Step::effect(Effect::Copy(id.shown().into()))
            }
            _ => Step::unused(),
        }
    }

    fn location(&self, shell: &Shell) -> Vec<Piece> {
        self.whereabouts(shell)
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
