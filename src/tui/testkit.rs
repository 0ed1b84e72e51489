//! A console without a terminal, a disk or a hub: messages in, effects and frames out, on a clock that is turned by
//! hand. `fleet`, `twins` and `deployments` make the pictures it looks at, `print` turns a frame into text and role names.

mod deployments;
mod fleet;
mod logs;
mod print;
mod twins;

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(crate) use deployments::{Deploy, device_configuration, hub_with_deployments};
pub(crate) use fleet::{Gateway, Link, Module, fleet, from_rows, site, start};
pub(crate) use logs::Log;
pub(crate) use print::{print, text};
pub(crate) use twins::{Maker, details, intent};

use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::{Clock, ManualClock, Now};
use crate::ops::{OpState, OpsBoard, WriteIntent};
use crate::store::{BudgetSummary, DeploymentBoard, DetailBoard, Fetched, FleetSnapshot, LinkState, Source};
use crate::tui::keymap::{Key, Keymaps};
use crate::tui::model::{Model, Setup};
use crate::tui::msg::{Effect, Msg};
use crate::tui::shell::{Session, Shell};
use crate::tui::theme::signs::Glyphs;
use crate::tui::theme::{Depth, Theme, Themes};
use crate::tui::update::update;
use crate::tui::view::view;

/// How often the fleet is read in these tests; data is stale after two, old after ten of them.
pub(crate) const POLL: Duration = Duration::from_secs(15);

/// The console under test.
#[derive(Debug)]
pub(crate) struct Console {
    /// Its state.
    pub model: Model,
    clock: Arc<ManualClock>,
}

/// Who and where we are in these tests.
pub(crate) fn session() -> Session {
    Session {
        version: "0.1.0".to_owned(),
        context: "workshop".to_owned(),
        hub: "iothub-production-001.azure-devices.net".to_owned(),
        identity: "policy iothubowner".to_owned(),
        simulated: false,
        production: false,
        read_only: false,
        seed: uuid::Uuid::from_u128(7),
    }
}

impl Console {
    /// A console that has just been opened: nothing was read yet.
    pub(crate) fn new() -> Self {
        Self::with(session())
    }

    /// The same with another session.
    pub(crate) fn with(session: Session) -> Self {
        Self::looking(session, Theme::roles_only(), Depth::True, Glyphs::Unicode)
    }

    /// The same with another look.
    pub(crate) fn looking(session: Session, theme: Theme, depth: Depth, glyphs: Glyphs) -> Self {
        let clock = ManualClock::at(start());
        let (keymap, findings) = Keymaps::shipped().load("k9s").unwrap();
        assert_eq!(findings, []);
        let model = Model::new(Setup {
            shell: Shell::new(session, keymap, glyphs, clock.now(), (120, 36)),
            keymaps: Keymaps::shipped(),
            theme,
            themes: Themes::shipped(),
            depth,
            history: vec!["devices".to_owned(), "twin edge-gateway-001/temperatureFilter".to_owned()],
        });
        Self { model, clock }
    }

    /// A console that is online and shows the two sites of [`site`].
    pub(crate) fn online() -> Self {
        Self::online_with(session())
    }

    /// The same with another session.
    pub(crate) fn online_with(session: Session) -> Self {
        let mut console = Self::with(session);
        console.recover();
        console.show(&site());
        console
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// Hands a message over.
    pub(crate) fn tell(&mut self, message: Msg) -> Vec<Effect> {
        update(&mut self.model, message)
    }

    /// Presses keys as one batch, the way the loop hands them over: time first. `keys` are names as in keymap files,
    /// with blanks between.
    pub(crate) fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = self.tell(Msg::Tick(self.now()));
        for key in keys.split_whitespace() {
            let key: Key = key.parse().unwrap_or_else(|error| panic!("{key}: {error}"));
            effects.extend(self.tell(Msg::Key(key.event())));
        }
        effects
    }

    /// Types text, character by character, as one batch.
    pub(crate) fn type_in(&mut self, text: &str) -> Vec<Effect> {
        use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
        let mut effects = self.tell(Msg::Tick(self.now()));
        for c in text.chars() {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            effects.extend(self.tell(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
        }
        effects
    }

    /// Types a command line and runs it.
    pub(crate) fn run(&mut self, line: &str) -> Vec<Effect> {
        let mut effects = self.press(":");
        effects.extend(self.type_in(line));
        effects.extend(self.press("enter"));
        effects
    }

    /// Lets time go on, and says so.
    pub(crate) fn wait(&mut self, by: Duration) -> Vec<Effect> {
        self.clock.advance(by);
        self.tell(Msg::Tick(self.now()))
    }

    /// Shows a fleet that was read just now.
    pub(crate) fn show(&mut self, gateways: &[Gateway]) -> Vec<Effect> {
        let mut picture = fleet(gateways, self.now());
        picture.generation = self.model.shell.fleet.generation + 1;
        self.tell(Msg::Fleet(Arc::new(picture)))
    }

    /// Shows the present fleet with a change.
    pub(crate) fn reshow(&mut self, change: impl FnOnce(&mut FleetSnapshot)) -> Vec<Effect> {
        let mut picture = (*self.model.shell.fleet).clone();
        picture.generation += 1;
        change(&mut picture);
        self.tell(Msg::Fleet(Arc::new(picture)))
    }

    /// The present link with a change.
    pub(crate) fn link(&self, change: impl FnOnce(&mut LinkState)) -> Arc<LinkState> {
        let mut link = (*self.model.shell.link).clone();
        link.budget = BudgetSummary {
            spent: 137,
            allowed: 20_000,
            fleet_every: POLL,
            details_every: POLL,
            deployments_every: POLL,
            behind_every: POLL,
        };
        change(&mut link);
        Arc::new(link)
    }

    /// Everything that is asked is answered.
    pub(crate) fn recover(&mut self) -> Vec<Effect> {
        let now = self.now();
        let link = self.link(|link| {
            for source in Source::ALL {
                link.succeeded(source, now);
            }
        });
        self.tell(Msg::Link(link))
    }

    /// The link fails with this.
    pub(crate) fn fail(&mut self, fault: &Fault) -> Vec<Effect> {
        let link = self.link(|link| {
            let now = self.now();
            for source in Source::ALL {
                link.failed(source, fault, now);
                link.retrying(source, Now { mono: now.mono + Duration::from_secs(4), ..now });
            }
        });
        assert!(link.trouble(Source::Fleet).is_some(), "{fault} says nothing about the link");
        self.tell(Msg::Link(link))
    }

    /// Shows what was read in full, with a change.
    pub(crate) fn read(&mut self, change: impl FnOnce(&mut DetailBoard, Now)) -> Vec<Effect> {
        let mut board = (*self.model.shell.details).clone();
        board.generation += 1;
        change(&mut board, self.now());
        self.tell(Msg::Details(Arc::new(board)))
    }

    /// Shows deployments, with a change.
    pub(crate) fn deploy(&mut self, change: impl FnOnce(&mut DeploymentBoard, Now)) -> Vec<Effect> {
        let mut board = (*self.model.shell.deployments).clone();
        board.generation += 1;
        change(&mut board, self.now());
        self.tell(Msg::Deployments(Arc::new(board)))
    }

    /// Shows a twin that was read just now.
    pub(crate) fn read_twin(&mut self, twin: crate::domain::twin::Twin) -> Vec<Effect> {
        self.read(|board, now| {
            let id = twin.id.clone();
            board.twins.insert(id, Fetched { value: Some((Arc::new(twin), now)), fault: None, asked: None });
        })
    }

    /// Shows how one write stands.
    pub(crate) fn write_stands(&mut self, intent: &(impl Clone + Into<WriteIntent>), state: OpState) -> Vec<Effect> {
        self.tell(Msg::Ops(OpsBoard::of([(intent.clone(), state)])))
    }

    /// The frame at the present size, and where its cursor is.
    pub(crate) fn draw(&self) -> (Buffer, Option<(u16, u16)>) {
        let (width, height) = self.model.shell.size;
        let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
        let cursor = view(&self.model, &mut buffer);
        (buffer, cursor)
    }

    /// The characters of the frame at the present size.
    pub(crate) fn text(&self) -> String {
        text(&self.draw().0)
    }

    /// The frame at another size, as text and as role names.
    pub(crate) fn screen(&mut self, columns: u16, rows: u16) -> String {
        self.tell(Msg::Resize(columns, rows));
        let (buffer, cursor) = self.draw();
        print(&buffer, cursor)
    }

    /// What the message line has to say.
    pub(crate) fn notice(&self) -> String {
        self.model.shell.notices.current(self.model.shell.now).map(|notice| notice.text.clone()).unwrap_or_default()
    }

    /// The second band: where we are.
    pub(crate) fn location(&self) -> String {
        let pieces = self.model.screen().map(|screen| screen.location(&self.model.shell)).unwrap_or_default();
        pieces.into_iter().map(|(_, text)| text).collect()
    }

    /// The device under the cursor of the fleet.
    pub(crate) fn under_cursor(&self) -> Option<String> {
        match self.model.screen() {
            Some(crate::tui::views::Screen::Fleet(view)) => {
                view.selected(&self.model.shell).map(|row| row.id.as_str().to_owned())
            }
            _ => None,
        }
    }
}

/// The id of a module's twin.
pub(crate) fn module_twin(device: &str, module: &str) -> TwinId {
    TwinId::module(DeviceId::from_wire(device), ModuleId::from_wire(module))
}
