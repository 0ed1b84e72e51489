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
pub mod sieve;
pub mod twin;

use std::ops::{Deref, DerefMut};
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

/// What every view can be asked. What a view leaves out is as on a page of text that is read from nowhere.
pub trait View {
    /// Where it is; what history remembers.
    fn place(&self) -> Place;

    /// Where keys mean something, innermost first, without the global scope.
    fn scopes(&self) -> Vec<Scope>;

    /// Whether a key for the action would do anything now; the hint bar leaves out what would not.
    fn offers(&self, _: ActionId, _: &Shell) -> bool {
        true
    }

    /// What the view needs kept fresh.
    fn needs(&self, _: &Shell) -> Needs {
        Needs::default()
    }

    /// When the oldest data the view shows was read; `None` when nothing was, or when it shows none.
    fn as_of(&self, _: &Shell) -> Option<Now> {
        None
    }

    /// Where the view's data comes from: how fresh it can be, and whose trouble is the view's.
    fn source(&self) -> Source {
        Source::Heartbeat
    }

    /// How often the view's data is read, where that is not the pace of its source.
    fn every(&self, _: &Shell) -> Option<Duration> {
        None
    }

    /// Does an action.
    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step;

    /// Takes over new data.
    fn refresh(&mut self, _: &mut Shell) -> Step {
        Step::done()
    }

    /// Applies a filter as typed; `None` ends filtering. Says whether the view can be filtered at all.
    fn filter(&mut self, _: Option<&str>, _: &mut Shell) -> bool {
        false
    }

    /// The filter as typed and what is wrong with it, where the view can be filtered.
    fn filter_state(&self) -> Option<(&str, Option<&FilterError>)> {
        None
    }

    /// Where we are, for the second band.
    fn location(&self, shell: &Shell) -> Vec<Piece>;

    /// Draws the body; returns where a cursor belongs.
    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)>;
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
}

/// A screen is asked as the view it is.
impl Deref for Screen {
    type Target = dyn View;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Fleet(view) => &**view,
            Self::Device(view) => view,
            Self::Twin(view) => &**view,
            Self::Key(view) => view,
            Self::Form(view) => &**view,
            Self::Change(view) => &**view,
            Self::Deployments(view) => &**view,
            Self::Deployment(view) => &**view,
            Self::Behind(view) => &**view,
            Self::Logs(view) => &**view,
            Self::Page(page) => page,
        }
    }
}

impl DerefMut for Screen {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Fleet(view) => &mut **view,
            Self::Device(view) => view,
            Self::Twin(view) => &mut **view,
            Self::Key(view) => view,
            Self::Form(view) => &mut **view,
            Self::Change(view) => &mut **view,
            Self::Deployments(view) => &mut **view,
            Self::Deployment(view) => &mut **view,
            Self::Behind(view) => &mut **view,
            Self::Logs(view) => &mut **view,
            Self::Page(page) => page,
        }
    }
}
