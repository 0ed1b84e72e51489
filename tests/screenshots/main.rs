//! The pictures in `screenshots/`: the default simulated world, drawn by the real views, written as SVG.
//!
//! A plain run compares them with the committed files, so that no picture can go stale. To make them again:
//! `EDGEDECK_UPDATE_SCREENSHOTS=1 cargo test --test screenshots`. Nothing in them depends on the machine or the day: the
//! clock stands still, the world has a fixed seed, and data is taken over when all of it is there.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a generator whose failure is a failed test"
)]

mod svg;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edgedeck::domain::ids::{DeviceId, ModuleId, TwinId};
use edgedeck::domain::time::{Clock, ManualClock, SharedClock};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use edgedeck::sim::{Seed, Sim, SimOptions};
use edgedeck::store::{DetailBoard, Needs};
use edgedeck::sync::{Sync, SyncSettings};
use edgedeck::tui::keymap::Keymaps;
use edgedeck::tui::model::{Model, Setup};
use edgedeck::tui::msg::{Effect, Msg};
use edgedeck::tui::shell::{Session, Shell};
use edgedeck::tui::theme::signs::Glyphs;
use edgedeck::tui::theme::{Depth, Themes};
use edgedeck::tui::update::update;
use edgedeck::tui::view::view;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SIZE: (u16, u16) = (120, 36);
/// Nothing is read twice while a picture is taken: every message spent is on screen.
const NEVER: Duration = Duration::from_secs(86_400);
/// For data that comes over HTTPS from the same process.
const DEADLINE: Duration = Duration::from_secs(60);

/// A console on a world that stands still.
struct Stage {
    clock: Arc<ManualClock>,
    sim: Sim,
    hub: Hub,
    sync: Sync,
    model: Model,
    /// Ends the readers with the stage.
    _ending: tokio_util::sync::DropGuard,
}

impl Stage {
    async fn set() -> Self {
        let clock = ManualClock::at("2026-11-24T03:12:00Z".parse().unwrap());
        let shared: SharedClock = clock.clone();
        let options = SimOptions { seed: Seed::fixed(7), ..SimOptions::new(shared.clone()) };
        let sim = edgedeck::sim::start(options).await.unwrap();
        let (endpoint, credential) = ConnectionString::parse(sim.connection_string().expose()).unwrap().into_parts();
        let settings = HubSettings {
            trust: Trust::Only(sim.ca_pem().as_bytes().to_vec()),
            ..HubSettings::new(endpoint, credential)
        };
        let hub = Hub::connect(settings, shared.clone()).unwrap();
        let settings = SyncSettings {
            heartbeat: NEVER,
            fleet: NEVER,
            details: NEVER,
            deployments: NEVER,
            behind: NEVER,
            patience: DEADLINE,
        };
        let needs = Needs { fleet: true, ..Needs::default() };
        let ending = CancellationToken::new();
        let sync = Sync::start(hub.read.clone(), shared, settings, needs, &ending, &TaskTracker::new());
        let session = Session {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            context: "sim".to_owned(),
            hub: sim.status().hub,
            identity: hub.read.identity(),
            simulated: true,
            production: false,
            read_only: false,
            seed: uuid::Uuid::nil(),
        };
        let themes = Themes::shipped();
        let model = Model::new(Setup {
            shell: Shell::new(session, Keymaps::shipped().load_or_default("k9s").0, Glyphs::Unicode, clock.now(), SIZE),
            keymaps: Keymaps::shipped(),
            theme: themes.load("dark", Depth::True).unwrap().0,
            themes,
            depth: Depth::True,
            history: Vec::new(),
        });
        let mut stage = Self { clock, sim, hub, sync, model, _ending: ending.drop_guard() };
        let fleet = stage.sync.fleet.clone().wait_for(|fleet| fleet.agents.as_of.is_some()).await.unwrap().clone();
        stage.tell(Msg::Fleet(fleet));
        stage.link().await;
        stage.pass(Duration::from_secs(2));
        stage
    }

    /// Takes over the link's state once the statistics are there, with the product's poll interval.
    async fn link(&mut self) {
        let link = self.sync.link.clone().wait_for(|link| link.statistics.is_some()).await.unwrap().clone();
        let mut link = (*link).clone();
        link.budget.fleet_every = SyncSettings::default().fleet;
        link.budget.details_every = SyncSettings::default().details;
        link.budget.deployments_every = SyncSettings::default().deployments;
        link.budget.spent = self.hub.read.budget().spent_today;
        self.tell(Msg::Link(Arc::new(link)));
    }

    fn tell(&mut self, message: Msg) {
        for effect in update(&mut self.model, message) {
            if let Effect::Need(needs) = effect {
                self.sync.need(needs);
            }
        }
    }

    /// Time goes on.
    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.tell(Msg::Tick(self.clock.now()));
    }

    fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE);
    }

    fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.tell(Msg::Key(KeyEvent::new(code, modifiers)));
    }

    fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    /// Types a command line and runs it.
    fn command(&mut self, line: &str) {
        self.type_text(&format!(":{line}"));
        self.press(KeyCode::Enter);
    }

    /// Takes over details once they are `complete`.
    async fn details(&mut self, complete: impl FnMut(&Arc<DetailBoard>) -> bool) {
        let details = self.sync.details.clone().wait_for(complete).await.unwrap().clone();
        self.tell(Msg::Details(details));
        self.link().await;
    }

    async fn open_twin(&mut self) {
        self.command("twin edge-gateway-001/temperatureFilter");
        self.details(|board| board.twin(&filter_twin()).is_some()).await;
        self.pass(Duration::from_secs(2));
    }

    /// In the editor, with the threshold at 30.
    fn edit(&mut self) {
        self.press(KeyCode::Char('e'));
        self.press(KeyCode::Down);
        self.press(KeyCode::End);
        (0..4).for_each(|_| self.press(KeyCode::Backspace));
        self.type_text("30.0");
        self.pass(Duration::from_secs(1));
    }

    /// Compares the screen with its committed picture, or writes that anew.
    fn take(&self, name: &str, title: &str) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        view(&self.model, &mut buffer);
        let picture = svg::picture(&buffer, title);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots").join(name);
        if std::env::var_os("EDGEDECK_UPDATE_SCREENSHOTS").is_some_and(|value| value == "1") {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, picture).unwrap();
            return;
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        let differs = committed.lines().zip(picture.lines()).find(|(old, new)| old != new);
        assert!(
            committed == picture,
            "screenshots/{name} is stale; first difference: {differs:?}; make the pictures again with \
             EDGEDECK_UPDATE_SCREENSHOTS=1 cargo test --test screenshots"
        );
    }
}

fn gateway() -> DeviceId {
    DeviceId::parse("edge-gateway-001").unwrap()
}

fn filter_twin() -> TwinId {
    TwinId::module(gateway(), ModuleId::parse("temperatureFilter").unwrap())
}

/// Runs a scene on real time and real sockets, within the deadline.
fn scene(play: impl AsyncFnOnce(&mut Stage)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let all = async {
            let mut stage = Stage::set().await;
            play(&mut stage).await;
            stage.sim.shutdown().await;
        };
        tokio::time::timeout(DEADLINE, all).await.expect("the scene's data came in time");
    });
}

#[test]
fn fleet() {
    scene(async |stage| {
        stage.press(KeyCode::Char('g'));
        stage.take("fleet.svg", "The fleet, the worst first: three of 26 edge devices have something wrong");
    });
}

#[test]
fn device() {
    scene(async |stage| {
        // The one whose module crashes in a loop.
        stage.command("device edge-gateway-104");
        let device = DeviceId::parse("edge-gateway-104").unwrap();
        let agent = TwinId::module(device.clone(), ModuleId::edge_agent());
        stage
            .details(|board| {
                board.twin(&agent).is_some()
                    && board.twin(&TwinId::device(device.clone())).is_some()
                    && board.identities.get(&device).is_some_and(|identity| identity.get().is_some())
                    && board.modules.get(&device).is_some_and(|modules| modules.get().is_some())
            })
            .await;
        stage.pass(Duration::from_secs(2));
        (0..3).for_each(|_| stage.press(KeyCode::Char('j')));
        stage.take("device.svg", "A device: its modules as wanted and as they are, and what their codes mean");
    });
}

#[test]
fn deployments() {
    scene(async |stage| {
        stage.command("deployments");
        let board = stage.sync.deployments.clone().wait_for(|board| board.list.get().is_some()).await.unwrap().clone();
        stage.tell(Msg::Deployments(board));
        stage.link().await;
        stage.pass(Duration::from_secs(2));
        stage.press(KeyCode::Char('G'));
        stage.take(
            "deployments.svg",
            "The deployments, who wins first: whom each is for, and how far the hub says it got",
        );
    });
}

#[test]
fn twin_edit() {
    scene(async |stage| {
        stage.open_twin().await;
        stage.edit();
        stage.take("twin-edit.svg", "A module twin in the editor, with the patch that would be sent");
    });
}

#[test]
fn confirm() {
    scene(async |stage| {
        stage.open_twin().await;
        stage.edit();
        stage.press_with(KeyCode::Char('s'), KeyModifiers::CONTROL);
        stage.press(KeyCode::Char('s'));
        stage.pass(Duration::from_secs(1));
        stage.take("confirm.svg", "The review of a patch, and the question before it is sent");
    });
}

#[test]
fn conflict() {
    scene(async |stage| {
        stage.open_twin().await;
        stage.edit();
        let before = stage.hub.read.twin(&filter_twin()).await.unwrap();
        let write = stage.hub.write.clone().unwrap();
        let patch = serde_json::json!({"properties": {"desired": {"temperatureThreshold": 28.0, "unit": "C"}}});
        write.patch_twin(&filter_twin(), &patch, &before.etag).await.unwrap();
        stage.sync.now();
        stage.details(|board| board.twin(&filter_twin()).is_some_and(|twin| twin.etag != before.etag)).await;
        stage.press_with(KeyCode::Char('s'), KeyModifiers::CONTROL);
        stage.pass(Duration::from_secs(1));
        stage.take("conflict.svg", "Somebody else changed the twin meanwhile: both changes, a choice per path");
    });
}
