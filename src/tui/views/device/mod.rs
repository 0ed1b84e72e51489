//! One device: what it should run, what it runs, and what the codes mean.

mod chosen;
mod draw;
mod facts;
mod modules;

use super::page::Sources;
use ratatui::layout::Rect;
use std::sync::Arc;

use super::form::FormKind;
use super::{PageKind, Place, Step, View};
use crate::domain::health::AgentReport;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::domain::twin::Twin;
use crate::ops::Order;
use crate::store::{Fetched, Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::{List, Move};

/// Where an action about a device as a whole leads, from wherever it is under the cursor; nothing for other actions.
#[must_use]
pub fn leads(action: ActionId, id: DeviceId) -> Option<Place> {
    let change = |order| Place::Change(Box::new(order));
    Some(match action {
        ActionId::Apply => Place::Form(FormKind::Apply(id)),
        ActionId::DeviceEnable => change(Order::Enable(id)),
        ActionId::DeviceDisable => Place::Form(FormKind::Disable(id)),
        ActionId::DeviceDelete => change(Order::DeleteDevice(id)),
        ActionId::DeviceKey => Place::Key(id),
        ActionId::DeviceDeployments => Place::Deployments(Some(id)),
        _ => return None,
    })
}

/// The view's state.
#[derive(Debug, Clone)]
pub struct DeviceView {
    id: DeviceId,
    modules: List<ModuleId>,
}

impl DeviceView {
    /// The view of `id` on what is known of it.
    #[must_use]
    pub fn new(id: DeviceId, shell: &Shell) -> Self {
        let mut view = Self { id, modules: List::default() };
        let order = view.order(shell);
        view.modules.replace(order);
        view.move_to_worst(shell);
        view
    }

    /// The device.
    #[must_use]
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    fn agent_id(&self) -> TwinId {
        TwinId::module(self.id.clone(), ModuleId::edge_agent())
    }

    fn agent_twin<'a>(&self, shell: &'a Shell) -> Option<&'a Fetched<Arc<Twin>>> {
        shell.details.twins.get(&self.agent_id())
    }

    fn report(&self, shell: &Shell) -> Option<AgentReport> {
        let twin = self.agent_twin(shell)?.get()?;
        let (desired, reported) = (&twin.desired, &twin.reported);
        Some(AgentReport::read(&desired.values, desired.version, &reported.values, reported.last_updated()))
    }

    fn order(&self, shell: &Shell) -> Vec<ModuleId> {
        self.report(shell)
            .map(|report| report.modules.into_iter().map(|module| module.id).collect())
            .unwrap_or_default()
    }

    /// Takes over new twins: the cursor stays on its module.
    fn take_over(&mut self, shell: &mut Shell) {
        if self.agent_twin(shell).is_none_or(|twin| twin.get().is_none()) {
            return;
        }
        let first = self.modules.order().is_empty();
        let order = self.order(shell);
        if let Some(lost) = self.modules.take_over(order, shell.now) {
            shell.warn(format!("selection changed: module {} is gone from the device", lost.shown()));
        }
        if first {
            self.move_to_worst(shell);
        }
    }

    /// Puts the cursor where the trouble is, once, when the modules are first here.
    fn move_to_worst(&mut self, shell: &Shell) {
        let report = self.report(shell).filter(AgentReport::ever_reported);
        if let Some((module, _)) = report.as_ref().and_then(AgentReport::worst) {
            self.modules.select(&module.id);
        }
    }

    fn selected_twin(&self) -> TwinId {
        match self.modules.selected() {
            Some(module) => TwinId::module(self.id.clone(), module.clone()),
            None => TwinId::device(self.id.clone()),
        }
    }
}

impl View for DeviceView {
    fn place(&self) -> Place {
        Place::Device(self.id.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Device, Scope::Object, Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { device: Some(self.id.clone()), ..Needs::default() }
    }

    fn source(&self) -> Source {
        Source::Twins
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        self.take_over(shell);
        Step::done()
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        self.agent_twin(shell).and_then(Fetched::as_of)
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        vec![(Role::TextDim, "devices > ".to_owned()), (Role::Fg, self.id.shown().into())]
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        // The device's own twin can always be opened; a module only when there is one.
        !matches!(action, ActionId::Open | ActionId::Restart) || self.modules.selected().is_some()
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let height = draw::module_rows(self, shell);
        if let Some(step) = Move::of(action) {
            self.modules.go(step, height);
            return Step::done();
        }
        if let Some(place) = leads(action, self.id.clone()) {
            return Step::go(place);
        }
        match action {
            ActionId::Open | ActionId::Twin | ActionId::Logs | ActionId::Restart
                if self.modules.is_settling(shell.now) =>
            {
                shell.warn("the module under the cursor just changed; press again");
                Step::done()
            }
            ActionId::Open | ActionId::Twin => Step::go(Place::Twin(self.selected_twin())),
            ActionId::Restart => match self.modules.selected().cloned() {
                Some(module) => Step::go(Place::Change(Box::new(Order::Restart { device: self.id.clone(), module }))),
                None => Step::done(),
            },
            ActionId::Logs => Step::go(Place::Logs(self.id.clone(), self.modules.selected().cloned())),
            ActionId::RawJson => Step::go(Place::Page(PageKind::Json(self.agent_id()))),
            ActionId::CopyId => {
                let text: String = self.selected_twin().shown().into();
                shell.info(format!("{text} sent to the terminal's clipboard (it does not confirm)"));
                Step::effect(Effect::Copy(text))
            }
            _ => Step::unused(),
        }
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect, _: &Sources<'_>) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
