//! The stage of every story: a simulated hub behind real HTTPS, the product's own loop and hands over it, and in place
//! of the terminal a script that types keys and reads frames.
//!
//! Waiting is for a level (a text that is on screen, a request that was sent), with a deadline that only a failure
//! reaches. The clock runs with real time and can be pushed ahead, for ages and type-ahead guards.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use edgedeck::app::{Hands, Materials, Simulator, Wired, wire};
use edgedeck::audit::{AuditReader, Body, Entry, Who};
use edgedeck::domain::time::{Clock, Now, SharedClock};
use edgedeck::hub::transport::HttpsTransport;
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Sku, Trust};
use edgedeck::local::LocalStore;
use edgedeck::logs::tail::TailSettings;
use edgedeck::sim::{Scenario, Seed, Sim, SimOptions, Terms, start};
use edgedeck::sync::SyncSettings;
use edgedeck::tui::keymap::{Key, Keymaps};
use edgedeck::tui::model::{Model, Setup};
use edgedeck::tui::msg::{Effect, Msg};
use edgedeck::tui::run::{Ended, Outside as FromOutside, World, run};
use edgedeck::tui::shell::{Session, Shell};
use edgedeck::tui::term::input::InputEvent;
use edgedeck::tui::term::signals::Signal;
use edgedeck::tui::theme::signs::Glyphs;
use edgedeck::tui::theme::{Depth, Theme, Themes};
use edgedeck::tui::update::update;
use ratatui::buffer::Buffer;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::outside::Outside;
use crate::wiretap::{Asked, Wiretap};

/// How long anything may take before the story has failed.
const DEADLINE: Duration = Duration::from_secs(20);
/// The device and the module the stories are about.
pub const GATEWAY: &str = "edge-gateway-001";
pub const FILTER: &str = "edge-gateway-001/temperatureFilter";

/// Real time from a fixed instant on, and ahead of it by as much as it was pushed.
#[derive(Debug)]
pub struct Pushed {
    began: tokio::time::Instant,
    ahead: Mutex<Duration>,
}

impl Pushed {
    fn start() -> Arc<Self> {
        Arc::new(Self { began: tokio::time::Instant::now(), ahead: Mutex::default() })
    }

    /// Lets time pass at once.
    pub fn push(&self, by: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for Pushed {
    fn now(&self) -> Now {
        let passed = self.began.elapsed() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = "2026-03-04T05:06:07Z".parse::<jiff::Timestamp>().expect("instant") + passed;
        Now { wall, mono: Duration::from_secs(100_000) + passed }
    }
}

/// How a console is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    pub read_only: bool,
    pub sku: Sku,
    pub message_share: f64,
    pub sync: SyncSettings,
    /// Which of the hub's policies signs in; the owner by default.
    pub policy: Option<&'static str>,
}

impl Default for Opening {
    /// Reading fast, with a budget that is never in the way.
    fn default() -> Self {
        Self {
            read_only: false,
            sku: Sku::S3,
            message_share: 1.0,
            sync: SyncSettings {
                heartbeat: Duration::from_secs(1),
                fleet: Duration::from_millis(500),
                details: Duration::from_millis(200),
                deployments: Duration::from_millis(200),
                behind: Duration::from_millis(500),
                patience: Duration::from_secs(1),
            },
            policy: None,
        }
    }
}

impl Opening {
    /// Twins are read when their view opens and after a write, and not again by themselves.
    pub fn reading_twins_once() -> Self {
        let mut opening = Self::default();
        opening.sync.details = Duration::from_secs(3_600);
        opening
    }
}

/// A hub with its fleet, and a folder where consoles keep their files.
#[derive(Debug)]
pub struct Stage {
    pub sim: Arc<Sim>,
    pub clock: Arc<Pushed>,
    pub outside: Outside,
    pub files: TempDir,
}

impl Stage {
    pub async fn set() -> Self {
        Self::set_on(None).await
    }

    /// The same on terms of its own.
    pub async fn set_on(terms: Option<Terms>) -> Self {
        let clock = Pushed::start();
        let options =
            SimOptions { scenario: Scenario::Default, seed: Seed::fixed(7), terms, ..SimOptions::new(clock.clone()) };
        let sim = Arc::new(start(options).await.expect("a simulated hub"));
        let outside = Outside::new(&sim);
        Self { outside, sim, clock, files: tempfile::tempdir().expect("a folder") }
    }

    /// The state folder of consoles on this stage.
    pub fn state(&self) -> PathBuf {
        self.files.path().join("state")
    }

    /// The audit record's folder.
    pub fn audit(&self) -> PathBuf {
        self.files.path().join("audit")
    }

    /// Opens a console.
    pub fn console(&self) -> Console {
        self.console_with(Opening::default())
    }

    pub fn console_with(&self, opening: Opening) -> Console {
        self.console_on(&self.state(), opening)
    }

    /// Opens a console that keeps its files in `state`.
    pub fn console_on(&self, state: &Path, opening: Opening) -> Console {
        let string = match opening.policy {
            Some(policy) => self.sim.connection_string_of(policy).expect("a policy of the hub"),
            None => self.sim.connection_string(),
        };
        let (endpoint, credential) = ConnectionString::parse(string.expose()).expect("a string").into_parts();
        let settings = HubSettings {
            trust: Trust::Only(self.sim.ca_pem().as_bytes().to_vec()),
            sku: opening.sku,
            rate_share: 1.0,
            message_share: opening.message_share,
            read_only: opening.read_only,
            ..HubSettings::new(endpoint, credential)
        };
        let line = HttpsTransport::new(&settings.endpoint, &settings.trust, settings.timeouts).expect("a line");
        let wiretap = Arc::new(Wiretap::over(line));
        let clock: SharedClock = self.clock.clone();
        let hub = Hub::with_transport(settings, clock.clone(), wiretap.clone());
        let materials = Materials {
            hub,
            context: "sim".to_owned(),
            name: self.sim.status().hub,
            who: Who { pid: 4711, tty: Some("pts/3".to_owned()), ..who() },
            audit: self.audit(),
            state: state.to_owned(),
            keep_drafts: Duration::from_secs(7 * 24 * 3_600),
            sync: opening.sync,
            logs: TailSettings { in_view: Duration::from_millis(200), ..TailSettings::default() },
            simulator: Some(Simulator::new(self.sim.clone())),
        };
        let cancel = CancellationToken::new();
        let Wired { hands, pictures, history, last_view, greetings } =
            wire(materials, &clock, &cancel).expect("a console");
        let session = Session {
            version: "0.0.0".to_owned(),
            context: "sim".to_owned(),
            hub: self.sim.status().hub,
            // As with Entra ID: nobody knows at the start.
            identity: "nobody yet".to_owned(),
            simulated: true,
            production: false,
            read_only: opening.read_only,
            seed: uuid::Uuid::new_v4(),
        };
        let (keymap, _) = Keymaps::shipped().load("k9s").expect("the shipped keys");
        let mut shell = Shell::new(session, keymap, Glyphs::Ascii, clock.now(), (120, 36));
        shell.last_view = last_view;
        let mut model = Model::new(Setup {
            shell,
            keymaps: Keymaps::shipped(),
            theme: Theme::roles_only(),
            themes: Themes::shipped(),
            depth: Depth::None,
            history,
        });
        for greeting in greetings {
            update(&mut model, greeting);
        }
        let (keys, input) = mpsc::channel(512);
        let (screen, frames) = watch::channel(Frame::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let local = hands.local().cloned();
        let mut script =
            Script { input, hands, screen, handled: AtomicUsize::new(0), seen: seen.clone(), size: (120, 36) };
        let task = tokio::spawn(async move { run(&mut model, pictures, &mut script, &clock).await });
        Console {
            keys,
            frames,
            seen,
            sent: 0,
            task,
            local,
            cancel,
            state: state.to_owned(),
            wiretap,
            clock: self.clock.clone(),
        }
    }

    /// Everything in the audit record, oldest first, after its chain was verified.
    pub fn audited(&self) -> Vec<Entry> {
        let reader = AuditReader::new(self.audit());
        let verified = reader.verify().expect("a record");
        assert!(verified.holds(), "{:?}", verified.findings);
        let mut entries = reader.newest(1_000).expect("entries").entries;
        entries.reverse();
        entries
    }

    /// What the drafts on disk hold, as they are.
    pub fn drafts(&self) -> Vec<String> {
        drafts_in(&self.state())
    }
}

/// The files of drafts in a state folder.
pub fn drafts_in(state: &Path) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(state.join("drafts")) else { return Vec::new() };
    folder
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_draft = path.extension().is_some_and(|extension| extension == "json");
            is_draft.then(|| std::fs::read_to_string(&path).ok())?
        })
        .collect()
}

fn who() -> Who {
    Who {
        host: "jump-1".to_owned(),
        pid: 1,
        uid: 1000,
        name: "ana".to_owned(),
        loginuid: None,
        tty: None,
        claims: edgedeck::audit::Claims::default(),
    }
}

/// A frame, row by row, and how many keys had been handled when it was drawn.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    pub text: String,
    pub handled: usize,
}

/// In place of the terminal.
struct Script {
    input: mpsc::Receiver<InputEvent>,
    hands: Hands,
    screen: watch::Sender<Frame>,
    handled: AtomicUsize,
    seen: Arc<Mutex<Vec<String>>>,
    size: (u16, u16),
}

impl Script {
    fn took(&self, event: Option<InputEvent>) -> Option<InputEvent> {
        if event.is_some() {
            self.handled.fetch_add(1, Ordering::SeqCst);
        }
        event
    }
}

impl World for Script {
    async fn next(&mut self) -> FromOutside {
        tokio::select! {
            biased;
            event = self.input.recv() => FromOutside::Input(self.took(event)),
            message = self.hands.news() => FromOutside::News(message),
        }
    }

    fn try_input(&mut self) -> Option<InputEvent> {
        let event = self.input.try_recv().ok();
        self.took(event)
    }

    fn size(&self) -> (u16, u16) {
        self.size
    }

    fn present(&mut self, frame: &Buffer, _cursor: Option<(u16, u16)>) {
        let width = usize::from(frame.area.width.max(1));
        let rows = frame.content.chunks(width).map(|row| {
            let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        });
        let text = rows.collect::<Vec<_>>().join("\n");
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.last() != Some(&text) {
            seen.push(text.clone());
        }
        self.screen.send_replace(Frame { text, handled: self.handled.load(Ordering::SeqCst) });
    }

    async fn carry_out(&mut self, effect: Effect) -> Vec<Msg> {
        self.hands.carry_out(effect)
    }

    async fn attend(&mut self, _signal: Signal) -> Vec<Msg> {
        Vec::new()
    }
}

/// A running console.
#[derive(Debug)]
pub struct Console {
    keys: mpsc::Sender<InputEvent>,
    frames: watch::Receiver<Frame>,
    seen: Arc<Mutex<Vec<String>>>,
    sent: usize,
    task: JoinHandle<Ended>,
    local: Option<LocalStore>,
    cancel: CancellationToken,
    state: PathBuf,
    clock: Arc<Pushed>,
    pub wiretap: Arc<Wiretap>,
}

impl Console {
    /// Presses keys, written as in a keymap with blanks between them, and waits for the frame that shows it.
    pub async fn press(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            self.send(InputEvent::Key(key(name))).await;
        }
        self.drawn().await;
    }

    /// Types text, character by character.
    pub async fn types(&mut self, text: &str) {
        for character in text.chars() {
            self.send(InputEvent::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE))).await;
        }
        self.drawn().await;
    }

    /// Pastes text.
    pub async fn pastes(&mut self, text: &str) {
        self.send(InputEvent::Paste(text.to_owned())).await;
        self.drawn().await;
    }

    /// Gives a `:` command.
    pub async fn command(&mut self, line: &str) {
        self.press(":").await;
        self.types(line).await;
        self.press("enter").await;
    }

    async fn send(&mut self, event: InputEvent) {
        self.sent += 1;
        self.keys.send(event).await.expect("the console still runs");
    }

    /// Waits for a frame that was drawn after everything typed so far.
    async fn drawn(&mut self) {
        let sent = self.sent;
        self.until(|frame| frame.handled >= sent, "the keys to be handled").await;
    }

    async fn until(&mut self, holds: impl Fn(&Frame) -> bool, what: &str) {
        let waited = tokio::time::timeout(DEADLINE, self.frames.wait_for(|frame| holds(frame))).await;
        match waited.map(|found| found.map(|_frame| ())) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => panic!("the console ended while waiting for {what}"),
            Err(_) => panic!("waited in vain for {what}; on screen:\n{}", self.screen()),
        }
    }

    /// What is on screen.
    pub fn screen(&self) -> String {
        self.frames.borrow().text.clone()
    }

    /// Waits until the screen shows `text`.
    pub async fn sees(&mut self, text: &str) {
        self.until(|frame| frame.text.contains(text), &format!("{text:?}")).await;
    }

    /// Waits until the screen no longer shows `text`.
    pub async fn no_longer_sees(&mut self, text: &str) {
        self.until(|frame| !frame.text.contains(text), &format!("{text:?} to go")).await;
    }

    /// Waits until what is on screen fulfils a condition.
    pub async fn shows(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        self.until(|frame| holds(&frame.text), what).await;
    }

    /// The row with `text` in it, as it is now.
    pub fn row(&self, text: &str) -> String {
        let screen = self.screen();
        screen.lines().find(|row| row.contains(text)).unwrap_or_else(|| panic!("no {text:?} in\n{screen}")).to_owned()
    }

    /// The row under the cursor.
    pub fn cursor_row(&self) -> String {
        let screen = self.screen();
        let row = screen.lines().find(|row| row.trim_start_matches('|').starts_with('>'));
        row.unwrap_or_else(|| panic!("no cursor in\n{screen}")).to_owned()
    }

    /// Every frame there was.
    pub fn all_frames(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the requests so far fulfil a condition.
    pub async fn until_asked(&self, what: &str, holds: impl Fn(&[Asked]) -> bool) {
        let mut asked = self.wiretap.watch();
        let waited = tokio::time::timeout(DEADLINE, asked.wait_for(|asked| holds(asked))).await;
        assert!(waited.is_ok(), "waited in vain for {what}; on screen:\n{}", self.screen());
    }

    /// From anywhere: opens the twin of the filter module by its row, as an operator would.
    pub async fn opens_the_filters_twin(&mut self) {
        self.sees(GATEWAY).await;
        self.press("/").await;
        self.types("gateway-001").await;
        self.press("enter enter").await;
        self.sees("temperatureFilter").await;
        self.press("g").await;
        while !self.cursor_row().contains("temperatureFilter") {
            let before = self.cursor_row();
            self.press("j").await;
            assert_ne!(self.cursor_row(), before, "the filter module is in the list");
        }
        self.press("t").await;
        self.sees("temperatureThreshold").await;
    }

    /// In the twin of the filter module: opens the editor and types another threshold.
    pub async fn edits_the_threshold(&mut self, to: &str) {
        self.press("e").await;
        self.sees("EDITING").await;
        self.press("down end").await;
        for _ in 0.."25.0".len() {
            self.press("backspace").await;
        }
        self.types(to).await;
        self.sees(&format!("-> {to}")).await;
    }

    /// On the page of a request: asks to send and answers the question with yes.
    pub async fn confirms(&mut self) {
        self.asks_to_send().await;
        self.press("tab enter").await;
    }

    /// The same where what would happen wants `phrase` to be typed.
    pub async fn confirms_by(&mut self, phrase: &str) {
        self.asks_to_send().await;
        self.sees("to enable sending").await;
        self.types(phrase).await;
        self.no_longer_sees("to enable sending").await;
        self.press("tab enter").await;
    }

    async fn asks_to_send(&mut self) {
        self.sees("REQUEST").await;
        self.press("s").await;
        self.sees("[ Cancel ]").await;
        self.past_type_ahead();
    }

    /// Dialogs ignore keys that were typed before they could be read.
    pub fn past_type_ahead(&self) {
        self.clock.push(Duration::from_millis(400));
    }

    /// Waits until everything that is to be kept is on the disk.
    pub fn flush(&self) {
        let local = self.local.as_ref().expect("drafts are kept");
        local.flush(DEADLINE).expect("everything is on the disk");
    }

    /// Presses the last keys and waits for the console to end.
    pub async fn ends(mut self, keys: &str) -> (Ended, Vec<String>) {
        for name in keys.split_whitespace() {
            self.send(InputEvent::Key(key(name))).await;
        }
        let screen = self.frames.clone();
        let ended = tokio::time::timeout(DEADLINE, &mut self.task).await;
        let ended = ended.unwrap_or_else(|_| panic!("does not end; on screen:\n{}", screen.borrow().text));
        self.cancel.cancel();
        self.flush();
        let frames = self.all_frames();
        // The writer outlives its handles by a moment; a process that has ended holds no lock.
        drop(self.local.take());
        eventually("the drafts to be given free", || !holds_locks(&self.state)).await;
        (ended.expect("no panic"), frames)
    }

    /// Waits until this console, or any on its folder, has a draft to itself; or until none has.
    pub async fn until_locked(&self, locked: bool) {
        eventually("the lock of the draft", || holds_locks(&self.state) == locked).await;
    }

    /// Stops without a word to anybody: nothing is flushed.
    pub fn kill(self) {
        self.cancel.cancel();
        self.task.abort();
    }
}

fn holds_locks(state: &Path) -> bool {
    let Ok(folder) = std::fs::read_dir(state.join("drafts")) else { return false };
    folder.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "lock"))
}

/// Waits until something outside the console holds that announces itself to nobody.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let waited = tokio::time::timeout(DEADLINE, async {
        while !holds() {
            looks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain for {what}");
}

/// A key by its name in keymaps.
fn key(name: &str) -> KeyEvent {
    let (modifiers, plain) = match name.split_once('-') {
        Some(("ctrl", plain)) => (KeyModifiers::CONTROL, plain),
        Some(("shift", plain)) => (KeyModifiers::SHIFT, plain),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match plain {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "right" => KeyCode::Right,
        "end" => KeyCode::End,
        "home" => KeyCode::Home,
        _ => KeyCode::Char(plain.chars().next().expect("a key")),
    };
    let event = KeyEvent::new(code, modifiers);
    assert_eq!(Key::from_event(event), name.parse().ok(), "{name} is named as in keymaps");
    event
}

/// The intent of an entry of the audit record.
pub fn intent(entry: &Entry) -> &edgedeck::audit::Intent {
    match &entry.first.body {
        Body::Intent(intent) => intent,
        other => panic!("no intent: {other:?}"),
    }
}
