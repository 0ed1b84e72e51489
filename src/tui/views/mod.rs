//! One folder or file per view. A view has its own state, says which keys mean something in it and what it needs
//! kept fresh, and draws itself from that state and the shell.

pub mod device;
pub mod fleet;
pub mod frame;
pub mod logs;
pub mod page;
pub mod twin;

use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::store::{Needs, Source};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::layers::Question;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;

use device::DeviceView;
use fleet::FleetView;
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
            Self::Logs(view) => view.place(),
            Self::Page(page) => Place::Page(page.kind().clone()),
        }
    }

    /// Where keys mean something, innermost first, without the global scope.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        match self {
            Self::Fleet(_) => vec![Scope::Fleet, Scope::Device, Scope::Object, Scope::Table],
            Self::Device(_) => vec![Scope::Device, Scope::Object, Scope::Table],
            Self::Twin(view) => view.scopes(),
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
            Self::Logs(view) => view.offers(action),
            Self::Page(_) => true,
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
            Self::Logs(view) => Needs { twin: view.reads(), paused, ..Needs::default() },
            Self::Page(page) => Needs { twin: page.twin().cloned(), paused, ..Needs::default() },
        }
    }

    /// When the oldest data the view shows was read; `None` when nothing was, or when it shows none.
    #[must_use]
    pub fn as_of(&self, shell: &Shell) -> Option<Now> {
        match self {
            Self::Fleet(_) => shell.fleet.as_of(),
            Self::Device(view) => view.as_of(shell),
            Self::Twin(view) => shell.details.twins.get(view.id()).and_then(|twin| twin.as_of()),
            Self::Logs(view) => view.as_of(shell),
            Self::Page(page) => match page.kind() {
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
            Self::Page(page) if page.twin().is_some() => Source::Twins,
            // Whether the device answers is told in the view itself; only the hub's silence is everybody's.
            Self::Logs(_) | Self::Page(_) => Source::Heartbeat,
        }
    }

    /// How often the view's data is read, where that is not the pace of its source.
    #[must_use]
    pub fn every(&self, shell: &Shell) -> Option<Duration> {
        match self {
            Self::Logs(view) => view.every(shell),
            Self::Fleet(_) | Self::Device(_) | Self::Twin(_) | Self::Page(_) => None,
        }
    }

    /// Does an action.
    pub fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        match self {
            Self::Fleet(view) => view.act(action, shell),
            Self::Device(view) => view.act(action, shell),
            Self::Twin(view) => view.act(action, shell),
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
            Self::Logs(view) => view.refresh(shell),
            Self::Page(_) => {}
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
            Self::Logs(view) => {
                view.search(text, shell);
                true
            }
            Self::Device(_) | Self::Twin(_) | Self::Page(_) => false,
        }
    }

    /// Where we are, for the second band.
    #[must_use]
    pub fn location(&self, shell: &Shell) -> Vec<Piece> {
        match self {
            Self::Fleet(view) => view.location(shell),
            Self::Device(view) => view.location(),
            Self::Twin(view) => view.location(shell),
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
