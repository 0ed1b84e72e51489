//! The devices behind a deployment's figure: the figure's query run now, each device with what the fleet knows of it.

mod draw;

use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::sync::Arc;

use super::device::leads;
use super::{Place, Step, View};
use crate::domain::deployment::{Metric, MetricName};
use crate::domain::ids::{DeploymentId, DeviceId, TwinId};
use crate::domain::time::Now;
use crate::store::{Behind, Fetched, Found, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

/// The view's state.
#[derive(Debug, Clone)]
pub struct BehindView {
    id: DeploymentId,
    metric: MetricName,
    list: List<Found>,
}

impl BehindView {
    /// The view of a figure's rows on what is known of them.
    #[must_use]
    pub fn new(id: DeploymentId, metric: MetricName, shell: &Shell) -> Self {
        let mut view = Self { id, metric, list: List::default() };
        view.take(shell);
        view
    }

    /// The deployment.
    #[must_use]
    pub fn id(&self) -> &DeploymentId {
        &self.id
    }

    /// The figure.
    #[must_use]
    pub fn metric(&self) -> &MetricName {
        &self.metric
    }

    /// The figure as the hub has it.
    fn figure(&self, shell: &Shell) -> Option<Metric> {
        shell.deployments.deployed(&self.id)?.metrics().into_iter().find(|metric| metric.name == self.metric)
    }

    /// The query to read; nothing for a deployment that is for nobody, and before it is known.
    #[must_use]
    pub fn query(&self, shell: &Shell) -> Option<Arc<str>> {
        let query = self.figure(shell)?.query;
        (!query.is_empty()).then(|| query.into())
    }

    fn read<'a>(&self, shell: &'a Shell) -> Option<&'a Fetched<Arc<Behind>>> {
        shell.deployments.behind.get(&self.query(shell)?)
    }

    fn take(&mut self, shell: &Shell) -> Option<Found> {
        let behind = self.read(shell).and_then(Fetched::get)?;
        self.list.take_over(behind.found.clone(), shell.now)
    }

    /// Takes over new rows: the cursor stays with its own.
    fn take_over(&mut self, shell: &mut Shell) {
        let lost = self.take(shell);
        if self.list.keep_first() {
            return;
        }
        if let Some(device) = lost.and_then(|found| found.device) {
            shell.warn(format!("selection changed: {} is no longer behind the figure", device.shown()));
        }
    }

    fn selected(&self) -> Option<&DeviceId> {
        self.list.selected().and_then(|found| found.device.as_ref())
    }

    fn open(&self, shell: &mut Shell, place: impl FnOnce(DeviceId) -> Place) -> Step {
        if self.list.is_settling(shell.now) {
            shell.warn("the device under the cursor just changed; press again");
            return Step::done();
        }
        match self.selected() {
            Some(device) => Step::go(place(device.clone())),
            None if self.list.selected().is_some() => {
                shell.info("this row names no device");
                Step::done()
            }
            None => Step::done(),
        }
    }
}

impl View for BehindView {
    fn place(&self) -> Place {
        Place::Behind(self.id.clone(), self.metric.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Device, Scope::Object, Scope::Table]
    }

    fn needs(&self, shell: &Shell) -> Needs {
        // The fleet as well: a list of names would not say how the devices are.
        Needs { deployments: true, behind: self.query(shell), fleet: true, ..Needs::default() }
    }

    fn source(&self) -> Source {
        Source::Behind
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        self.take_over(shell);
        Step::done()
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        self.read(shell).and_then(Fetched::as_of)
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        match action {
            ActionId::Open
            | ActionId::Twin
            | ActionId::Logs
            | ActionId::CopyId
            | ActionId::Apply
            | ActionId::DeviceDelete
            | ActionId::DeviceDeployments => self.selected().is_some(),
            ActionId::RawJson | ActionId::Restart => false,
            _ => true,
        }
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let height = draw::table_rows(shell);
        if let Some(step) = Move::of(action) {
            self.list.step(step, height);
            return Step::done();
        }
        if let Some(place) = self.selected().and_then(|device| leads(action, device.clone())) {
            return self.open(shell, |_| place);
        }
        match action {
            ActionId::Open => self.open(shell, Place::Device),
            ActionId::Logs => {
                let module = self.list.selected().and_then(|found| found.module.clone());
                self.open(shell, |device| Place::Logs(device, module))
            }
            ActionId::Twin => {
                let module = self.list.selected().and_then(|found| found.module.clone());
                self.open(shell, |device| Place::Twin(TwinId { device, module }))
            }
            ActionId::CopyId => {
                let Some(device) = self.selected() else { return Step::done() };
                shell.info(format!("{} sent to the terminal's clipboard (it does not confirm)", device.shown()));
                Step::effect(Effect::Copy(device.shown().into()))
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
