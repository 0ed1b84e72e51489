//! One deployment: whom it is for, how far it got, and what it sets. State and actions here; `rows.rs` knows the lines
//! one moves over, `facts.rs` what stands above them, `rivals.rs` how it fares against the others.

mod draw;
mod facts;
mod rivals;
mod rows;

use crate::store::{Needs, Source};
use ratatui::layout::Rect;
use std::collections::HashMap;

use rows::{Row, RowKey};

use super::form::FormKind;
use super::{PageKind, Place, Step, View};
use crate::domain::deployment::{Deployed, MetricName, SystemMetric};
use crate::domain::effective::Contents;
use crate::domain::ids::DeploymentId;
use crate::domain::time::Now;
use crate::ops::Order;
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::{List, Move};
use rivals::Rivalry;

/// The view's state.
#[derive(Debug, Clone)]
pub struct DeploymentView {
    id: DeploymentId,
    list: List<RowKey>,
    /// What the lines say; made when the deployment changes, never while drawing.
    rows: HashMap<RowKey, Row>,
    /// Deployments that keep it from applying where both match, or make it a matter of luck.
    rivals: Vec<(DeploymentId, u32, Rivalry)>,
    /// Whether the deployment was there once, so that its absence now means that it is gone.
    seen: bool,
}

impl DeploymentView {
    /// The view of `id` on what is known of it.
    #[must_use]
    pub fn new(id: DeploymentId, shell: &Shell) -> Self {
        let mut view = Self { id, list: List::default(), rows: HashMap::new(), rivals: Vec::new(), seen: false };
        view.take(shell);
        view
    }

    /// The deployment.
    #[must_use]
    pub fn id(&self) -> &DeploymentId {
        &self.id
    }

    fn deployed<'a>(&self, shell: &'a Shell) -> Option<&'a Deployed> {
        shell.deployments.deployed(&self.id)
    }

    /// Takes over what is known; gives the line that vanished from under the cursor.
    fn take(&mut self, shell: &Shell) -> Option<RowKey> {
        let deployed = self.deployed(shell)?;
        self.rivals = rivals::rivals(deployed, shell);
        let rows = rows::rows(deployed, &Contents::of(&deployed.configuration.content));
        let order = rows.iter().map(|(key, _)| key.clone()).collect();
        self.rows = rows.into_iter().collect();
        let lost = self.list.take_over(order, shell.now);
        if !self.seen {
            self.seen = true;
            // Where the trouble is.
            if deployed.figures.failed.is_some_and(|failed| failed > 0) {
                self.list.select(&RowKey::Metric(MetricName::System(SystemMetric::Rejected)));
            }
        }
        lost
    }

    /// Takes over new deployments: the cursor stays on its line.
    fn take_over(&mut self, shell: &mut Shell) {
        if self.take(shell).is_some() {
            shell.warn("selection changed: what was under the cursor is gone from the deployment");
        }
    }

    fn chosen(&self) -> Option<(&RowKey, &Row)> {
        let key = self.list.selected()?;
        Some((key, self.rows.get(key)?))
    }
}

impl View for DeploymentView {
    fn place(&self) -> Place {
        Place::Deployment(self.id.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Deployment, Scope::Object, Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { deployments: true, ..Needs::default() }
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        shell.deployments.list.as_of()
    }

    fn source(&self) -> Source {
        Source::Deployments
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        shell.count_evidence();
        self.take_over(shell);
        Step::done()
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        vec![(Role::TextDim, "deployments > ".to_owned()), (Role::Fg, self.id.shown().into())]
    }

    fn offers(&self, action: ActionId, shell: &Shell) -> bool {
        match action {
            ActionId::Open => self.deployed(shell).is_some() && matches!(self.list.selected(), Some(RowKey::Metric(_))),
            ActionId::RawJson | ActionId::DeploymentAmend | ActionId::DeploymentDelete => {
                self.deployed(shell).is_some()
            }
            _ => true,
        }
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let height = draw::table_rows(self, shell);
        if let Some(step) = Move::of(action) {
            self.list.go(step, height);
            return Step::done();
        }
        match action {
            ActionId::Open if self.list.is_settling(shell.now) => {
                shell.warn("the line under the cursor just changed; press again");
                Step::done()
            }
            ActionId::Open => match self.list.selected() {
                Some(RowKey::Metric(metric)) => Step::go(Place::Behind(self.id.clone(), metric.clone())),
                Some(_) => {
                    shell.info("a deployment's content never changes; y shows it whole, a figure leads to its devices");
                    Step::done()
                }
                None => Step::done(),
            },
            ActionId::DeploymentAmend if self.deployed(shell).is_some() => {
                Step::go(Place::Form(FormKind::Amend(self.id.clone())))
            }
            ActionId::DeploymentDelete => Step::go(Place::Change(Box::new(Order::DeleteDeployment(self.id.clone())))),
            ActionId::RawJson => Step::go(Place::Page(PageKind::DeploymentJson(self.id.clone()))),
            ActionId::CopyId => {
                shell.info(format!("{} sent to the terminal's clipboard (it does not confirm)", self.id.shown()));
                Step::effect(Effect::Copy(self.id.shown().into()))
            }
            _ => Step::unused(),
        }
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
