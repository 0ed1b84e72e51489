//! One folder or file per view. A view has its own state, says which keys mean something in it and what it needs
//! kept fresh, and draws itself from that state and the shell.

pub mod behind;
pub mod change;
pub mod deployment;
pub mod deployments;
pub mod device;
pub mod fleet;
pub mod form;
pub mod frame;
pub mod key;
pub mod logs;
pub mod page;
pub mod twin;

use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::deployment::MetricName;
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::ops::Order;
use crate::store::{Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::filter::FilterError;
use crate::tui::layers::Question;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;

use behind::BehindView;
use change::ChangeView;
use deployment::DeploymentView;
use deployments::DeploymentsView;
use device::DeviceView;
use fleet::FleetView;
use form::{FormKind, FormView};
use key::KeyView;
use logs::LogView;
use page::Page;
use twin::TwinView;

/// A place one can go to; what history remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The list of devices.
    Fleet,
    /// One device.
    Device(DeviceId),
    /// One twin.
    Twin(TwinId),
    /// What a device signs in with.
    Key(DeviceId),
    /// What a change needs to be told.
    Form(FormKind),
    /// A change before and while it is sent.
    Change(Box<Order>),
    /// The list of deployments; of those that match a device when one is named.
    Deployments(Option<DeviceId>),
    /// One deployment.
    Deployment(DeploymentId),
    /// The devices behind a deployment's figure.
    Behind(DeploymentId, MetricName),
    /// The log of one module, or of all modules of a device.
    Logs(DeviceId, Option<ModuleId>),
    /// A page of text.
    Page(PageKind),
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageKind {
    /// The keys that work in these scopes.
    Help(Vec<Scope>),
    /// Every action with its keys.
    Keys,
    /// Past messages.
    Messages,
    /// Writes of this run.
    Activity,
    /// The simulated hub.
    Simulator,
    /// A twin as the hub sent it.
    Json(TwinId),
    /// A deployment as the hub sent it.
    DeploymentJson(DeploymentId),
}

/// A view with its state.
#[derive(Debug, Clone)]
pub enum Screen {
    /// The list of devices.
    Fleet(Box<FleetView>),
    /// One device.
    Device(DeviceView),
    /// One twin.
    Twin(Box<TwinView>),
    /// What a device signs in with.
    Key(KeyView),
    /// What a change needs to be told.
    Form(Box<FormView>),
    /// A change before and while it is sent.
    Change(Box<ChangeView>),
    /// The list of deployments.
    Deployments(Box<DeploymentsView>),
    /// One deployment.
    Deployment(Box<DeploymentView>),
    /// The devices behind a deployment's figure.
    Behind(Box<BehindView>),
    /// A log.
    Logs(Box<LogView>),
    /// A page of text.
    Page(Page),
}

/// What a view wants after an action.
#[derive(Debug, Default)]
pub struct Step {
    /// What is wanted of the world.
    pub effects: Vec<Effect>,
    /// Where to go.
    pub go: Option<Place>,
    /// Whether to leave the view.
    pub leave: bool,
    /// What to ask first.
    pub ask: Option<Question>,
    /// Whether the action meant anything here.
    pub unused: bool,
}

impl Step {
    /// Nothing further.
    #[must_use]
    pub fn done() -> Self {
        Self::default()
    }

    /// The action means nothing here.
    #[must_use]
    pub fn unused() -> Self {
        Self { unused: true, ..Self::default() }
    }

    /// Goes somewhere.
    #[must_use]
    pub fn go(place: Place) -> Self {
        Self { go: Some(place), ..Self::default() }
    }

    /// Wants one thing of the world.
    #[must_use]
    pub fn effect(effect: Effect) -> Self {
        Self { effects: vec![effect], ..Self::default() }
    }
}

impl Screen {
    /// Opens a place on what is known.
    #[must_use]
    pub fn open(place: &Place, shell: &Shell) -> Self {
        match place {
            Place::Fleet => Self::Fleet(Box::new(FleetView::new(shell))),
            Place::Device(id) => Self::Device(DeviceView::new(id.clone(), shell)),
            Place::Twin(id) => Self::Twin(Box::new(TwinView::new(id.clone(), shell))),
            Place::Key(device) => Self::Key(KeyView::new(device.clone())),
            Place::Form(kind) => Self::Form(Box::new(FormView::new(kind.clone(), shell))),
            Place::Change(order) => Self::Change(Box::new(ChangeView::new((**order).clone()))),
            Place::Deployments(of) => Self::Deployments(Box::new(DeploymentsView::new(of.clone(), shell))),
            Place::Deployment(id) => Self::Deployment(Box::new(DeploymentView::new(id.clone(), shell))),
            Place::Behind(id, metric) => Self::Behind(Box::new(BehindView::new(id.clone(), metric.clone(), shell))),
            Place::Logs(device, module) => Self::Logs(Box::new(LogView::new(device.clone(), module.clone(), shell))),
            Place::Page(kind) => Self::Page(Page::new(kind.clone())),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Fleet(_) => Place::Fleet,
            Self::Device(view) => Place::Device(view.id().clone()),
            Self::Twin(view) => Place::Twin(view.id().clone()),
            Self::Key(view) => Place::Key(view.device().clone()),
            Self::Form(view) => Place::Form(view.kind().clone()),
            Self::Change(view) => Place::Change(Box::new(view.order().clone())),
            Self::Deployments(view) => Place::Deployments(view.of().cloned()),
            Self::Deployment(view) => Place::Deployment(view.id().clone()),
            Self::Behind(view) => Place::Behind(view.id().clone(), view.metric().clone()),
            Self::Logs(view) => view.place(),
            Self::Page(page) => Place::Page(page.kind().clone()),
        }
    }

    /// Where keys mean something, innermost first, without the global scope.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        match self {
            Self::Fleet(_) => vec![Scope::Fleet, Scope::List, Scope::Device, Scope::Object, Scope::Table],
            Self::Device(_) => vec![Scope::Device, Scope::Object, Scope::Table],
            Self::Twin(view) => view.scopes(),
            Self::Key(_) => vec![Scope::Key],
            Self::Form(_) => vec![Scope::Form],
            Self::Change(_) => vec![Scope::Review, Scope::Table],
            Self::Deployments(_) => vec![Scope::List, Scope::Deployment, Scope::Object, Scope::Table],
            Self::Deployment(_) => vec![Scope::Deployment, Scope::Object, Scope::Table],
            Self::Behind(_) => vec![Scope::Device, Scope::Object, Scope::Table],
            Self::Logs(_) => vec![Scope::Logs, Scope::Table],
            Self::Page(_) => vec![Scope::Table],
        }
    }

    /// Whether a key for the action would do anything now; the hint bar leaves out what would not.
    #[must_use]
    pub fn offers(&self, action: ActionId, shell: &Shell) -> bool {
        match self {
            Self::Fleet(view) => view.offers(action),
            Self::Device(view) => view.offers(action),
            Self::Twin(view) => view.offers(action, shell),
            Self::Change(view) => view.offers(action),
            Self::Deployments(view) => view.offers(action),
            Self::Deployment(view) => view.offers(action, shell),
            Self::Behind(view) => view.offers(action),
            Self::Logs(view) => view.offers(action),
            Self::Key(_) | Self::Form(_) | Self::Page(_) => true,
        }
    }

    /// What the view needs kept fresh.
    #[must_use]
    pub fn needs(&self, shell: &Shell) -> Needs {
        let paused = shell.paused.is_some();
        match self {
            Self::Fleet(_) => Needs { fleet: true, paused, ..Needs::default() },
            Self::Device(view) => Needs { device: Some(view.id().clone()), paused, ..Needs::default() },
            Self::Twin(view) => Needs { twin: Some(view.id().clone()), paused, ..Needs::default() },
            Self::Key(_) | Self::Form(_) | Self::Change(_) => Needs { paused, ..Needs::default() },
            Self::Deployments(view) => {
                Needs { deployments: true, device: view.of().cloned(), paused, ..Needs::default() }
            }
            Self::Deployment(_) => Needs { deployments: true, paused, ..Needs::default() },
            // The fleet as well: a list of names would not say how the devices are.
            Self::Behind(view) => {
                Needs { deployments: true, behind: view.query(shell), fleet: true, paused, ..Needs::default() }
            }
            Self::Page(page) => Needs {
                twin: page.twin().cloned(),
                deployments: matches!(page.kind(), PageKind::DeploymentJson(_)),
                paused,
                ..Needs::default()
            },
            Self::Logs(view) => Needs { twin: view.reads(), paused, ..Needs::default() },
        }
    }

    /// When the oldest data the view shows was read; `None` when nothing was, or when it shows none.
    #[must_use]
    pub fn as_of(&self, shell: &Shell) -> Option<Now> {
        match self {
            Self::Fleet(_) => shell.fleet.as_of(),
            Self::Device(view) => view.as_of(shell),
            Self::Twin(view) => shell.details.twins.get(view.id()).and_then(|twin| twin.as_of()),
            Self::Key(_) | Self::Form(_) => None,
            Self::Change(view) => view.as_of(),
            Self::Deployments(view) => view.as_of(shell),
            Self::Deployment(_) => shell.deployments.list.as_of(),
            Self::Behind(view) => view.as_of(shell),
            Self::Logs(view) => view.as_of(shell),
            Self::Page(page) => match page.kind() {
                PageKind::DeploymentJson(_) => shell.deployments.list.as_of(),
                PageKind::Json(id) => shell.details.twins.get(id).and_then(|twin| twin.as_of()),
                PageKind::Simulator => shell.simulator.as_of(),
                PageKind::Help(_) | PageKind::Keys | PageKind::Messages | PageKind::Activity => None,
            },
        }
    }

    /// Where the view's data comes from: how fresh it can be, and whose trouble is the view's.
    #[must_use]
    pub fn source(&self) -> Source {
        match self {
            Self::Fleet(_) => Source::Fleet,
            Self::Device(_) | Self::Twin(_) => Source::Twins,
            Self::Deployments(_) | Self::Deployment(_) => Source::Deployments,
            Self::Behind(_) => Source::Behind,
            Self::Page(page) if page.twin().is_some() => Source::Twins,
            Self::Page(page) if matches!(page.kind(), PageKind::DeploymentJson(_)) => Source::Deployments,
            // Whether the device answers is told in the view itself; only the hub's silence is everybody's.
            Self::Key(_) | Self::Form(_) | Self::Change(_) | Self::Logs(_) | Self::Page(_) => Source::Heartbeat,
        }
    }

    /// How often the view's data is read, where that is not the pace of its source.
    #[must_use]
    pub fn every(&self, shell: &Shell) -> Option<Duration> {
        match self {
            Self::Logs(view) => view.every(shell),
            _ => None,
        }
    }

    /// Does an action.
    pub fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        match self {
            Self::Fleet(view) => view.act(action, shell),
            Self::Device(view) => view.act(action, shell),
            Self::Twin(view) => view.act(action, shell),
            Self::Key(view) => view.act(action, shell),
            Self::Form(view) => view.act(action, shell),
            Self::Change(view) => view.act(action, shell),
            Self::Deployments(view) => view.act(action, shell),
            Self::Deployment(view) => view.act(action, shell),
            Self::Behind(view) => view.act(action, shell),
            Self::Logs(view) => view.act(action, shell),
            Self::Page(page) => page.act(action, shell),
        }
    }

    /// Takes over new data.
    pub fn refresh(&mut self, shell: &mut Shell) -> Step {
        match self {
            Self::Fleet(view) => view.refresh(shell),
            Self::Device(view) => view.refresh(shell),
            Self::Twin(view) => return view.refresh(shell),
            Self::Change(view) => return view.refresh(shell),
            Self::Deployments(view) => view.refresh(shell),
            Self::Deployment(view) => view.refresh(shell),
            Self::Behind(view) => view.refresh(shell),
            Self::Logs(view) => view.refresh(shell),
            Self::Key(_) | Self::Form(_) | Self::Page(_) => {}
        }
        Step::done()
    }

    /// Applies a filter as typed; `None` ends filtering. Says whether the view can be filtered at all.
    pub fn filter(&mut self, text: Option<&str>, shell: &mut Shell) -> bool {
        match self {
            Self::Fleet(view) => {
                view.set_filter(text, shell);
                true
            }
            Self::Deployments(view) => {
                view.set_filter(text, shell);
                true
            }
            Self::Logs(view) => {
                view.search(text, shell);
                true
            }
            Self::Device(_)
            | Self::Twin(_)
            | Self::Key(_)
            | Self::Form(_)
            | Self::Change(_)
            | Self::Deployment(_)
            | Self::Behind(_)
            | Self::Page(_) => false,
        }
    }

    /// The filter as typed and what is wrong with it, where the view can be filtered.
    #[must_use]
    pub fn filter_state(&self) -> Option<(&str, Option<&FilterError>)> {
        match self {
            Self::Fleet(view) => Some(view.filter_state()),
            Self::Deployments(view) => Some(view.filter_state()),
            Self::Device(_)
            | Self::Twin(_)
            | Self::Key(_)
            | Self::Form(_)
            | Self::Change(_)
            | Self::Deployment(_)
            | Self::Behind(_)
            | Self::Logs(_)
            | Self::Page(_) => None,
        }
    }

    /// Where we are, for the second band.
    #[must_use]
    pub fn location(&self, shell: &Shell) -> Vec<Piece> {
        match self {
            Self::Fleet(view) => view.location(shell),
            Self::Device(view) => view.location(),
            Self::Twin(view) => view.location(shell),
            Self::Key(view) => view.location(),
            Self::Form(view) => view.location(),
            Self::Change(view) => view.location(),
            Self::Deployments(view) => view.location(shell),
            Self::Deployment(view) => view.location(),
            Self::Behind(view) => view.location(shell),
            Self::Logs(view) => view.location(shell),
            Self::Page(page) => page.location(),
        }
    }

    /// Draws the body; returns where a cursor belongs.
    pub fn draw(
        &self,
        shell: &Shell,
        canvas: &mut Canvas<'_>,
        area: Rect,
        pages: &page::Sources<'_>,
    ) -> Option<(u16, u16)> {
        match self {
            Self::Fleet(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Device(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Twin(view) => view.draw(shell, canvas, area),
            Self::Key(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Form(view) => view.draw(canvas, area),
            Self::Change(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Deployments(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Deployment(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Behind(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Logs(view) => {
                view.draw(shell, canvas, area);
                None
            }
            Self::Page(page) => {
                page.draw(shell, canvas, area, pages);
                None
            }
        }
    }
}
