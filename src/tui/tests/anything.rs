//! Whatever a hub says and whoever types whatever: no panic, no cell outside, and nothing on a frame that a terminal
//! would take for more than a character.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::domain::deployment::Listed;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::TwinId;
use crate::domain::text::{Untrusted, is_unsafe_char};
use crate::logs::continuity::GapCause;
use crate::logs::decode::Failure;
use crate::ops::{self, OpState, OpsBoard, Outcome, WriteIntent};
use crate::store::{Behind, Extent, Found};
use crate::tui::actions::ActionId;
use crate::tui::keymap::{Key, Keymaps};
use crate::tui::msg::{Effect, Msg};
use crate::tui::notices::Severity;
use crate::tui::testkit::{
    Console, Deploy, Gateway, Link, Log, Maker, Module, details, device_configuration, module_twin, session, site,
};
use crate::tui::theme::signs::Glyphs;
use crate::tui::theme::{Depth, Themes};

/// What has broken terminals and programs before.
const VECTORS: [&str; 30] = [
    "\u{1b}[2J",
    "\u{1b}]52;c;QUJD\u{7}",
    "\u{1b}]0;x\u{7}",
    "\u{1b}P$qm\u{1b}\\",
    "\u{1b}_x\u{1b}\\",
    "\u{9b}31m",
    "\u{9d}0;x\u{9c}",
    "seen\rover",
    "\u{8}\u{8}\u{8}\u{8}",
    "two\nlines",
    "tab\there",
    "\u{202e}desrever",
    "\u{2066}unbalanced",
    "mod\u{200b}ule",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
    "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{301}\u{301}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{feff}bom",
    "\u{fffd}\u{d7ff}\u{e000}",
    "漢字漢字漢字漢字",
    "ﾞﾟ",
    "]]>\"'`$(x)",
    "..%2f..%2fetc",
    "a:b*?",
    "--flag",
    "{\"deep\": [[[[1]]]]}",
    "раypal",
    "\u{fdfd}\u{12219}",
    "",
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&VECTORS[..]).prop_map(str::to_owned),
        2 => (select(&VECTORS[..]), select(&VECTORS[..])).prop_map(|(a, b)| format!("edge-{a}-gateway{b}")),
        1 => proptest::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
        1 => Just("x".repeat(128)),
        1 => select(&VECTORS[..]).prop_map(|vector| vector.repeat(60)),
        3 => select(&["edge-gateway-001", "B1", "running", "temperatureFilter", "password"][..]).prop_map(str::to_owned),
    ]
}

/// Strings for every field of the world; they are taken in turn.
#[derive(Debug)]
struct Words(Vec<String>, usize);

impl Words {
    fn next(&mut self) -> String {
        self.1 += 1;
        self.0[self.1 % self.0.len()].clone()
    }

    fn value(&mut self, depth: usize) -> Value {
        self.1 += 1;
        match self.1 % 7 {
            0 | 1 if depth > 0 => {
                Value::Object((0..3).map(|_| (self.next(), self.value(depth - 1))).collect::<Map<_, _>>())
            }
            2 if depth > 0 => json!([self.next(), self.value(depth - 1), null]),
            3 => json!(25.5),
            4 => json!(-(1_i64 << 52)),
            5 => Value::Null,
            _ => self.next().into(),
        }
    }

    fn object(&mut self) -> Value {
        Value::Object((0..5).map(|_| (self.next(), self.value(3))).collect::<Map<_, _>>())
    }

    fn gateway(&mut self) -> Gateway {
        Gateway::new(&self.next()).with(|it| {
            it.tags = self.object();
            it.deployments = vec![(self.next(), "Applied"), (self.next(), "Targeted")];
            it.status = Some((500, self.next()));
            it.link = if self.1.is_multiple_of(2) { Link::Down(9) } else { Link::Up };
            it.behind = self.1.is_multiple_of(3);
            it.modules = (0..4)
                .map(|_| {
                    Module::new(&self.next(), &self.next())
                        .wanted(json!({"restartPolicy": self.next()}))
                        .seen(json!({"runtimeStatus": self.next(), "statusDescription": self.next(), "exitCode": 139}))
                })
                .collect();
        })
    }

    fn deployment(&mut self) -> Listed {
        let (id, name, route) = (self.next(), self.next(), self.next());
        let content = json!({
            "$edgeAgent": {"properties.desired": {
                "runtime": {"settings": {"registryCredentials": {(self.next()): {"address": self.next(), "username": self.next()}}}},
                "modules": {(name.clone()): {"version": self.next(), "status": self.next(), "restartPolicy": self.next(),
                    "env": {(self.next()): {"value": self.next()}}, "settings": {"image": self.next()}}}}},
            "$edgeHub": {"properties.desired": {"routes": {(self.next()): route}}},
            (name): {"properties.desired": self.object()},
        });
        Deploy::base(&id, 10)
            .content(&content)
            .target(&self.next())
            .with(|deployed| {
                deployed.configuration.labels.insert(self.next(), self.next());
                deployed.configuration.metrics.insert(self.next(), self.next());
                let count = self.1 as u64;
                deployed.figures.targeted = Some(count);
                deployed.figures.applied = (!count.is_multiple_of(3)).then_some(u64::MAX);
                deployed.figures.failed = Some(count % 2);
                deployed.schema_version = Some(self.next().into());
            })
            .listed()
    }

    fn fault(&mut self, kind: FaultKind) -> Fault {
        let mut fault = Fault::new(kind, self.next(), self.next());
        fault.status = Some(500);
        fault.code = Some(self.next().into());
        fault
    }

    fn shown(&mut self) -> String {
        Untrusted::new(self.next()).shown().into()
    }

    fn twin(&mut self, id: TwinId, etag: &str) -> crate::domain::twin::Twin {
        let mut twin =
            Maker::of(id).desired(self.object(), 3).reported(self.object(), 4).tags(self.object()).moved(etag).done();
        twin.status = self.next();
        twin.connection_state = self.next();
        twin
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// A key that is bound to something.
    Bound(Key),
    /// A key that types.
    Type(char),
    Line(&'static str),
    /// All the way to a write, which random keys seldom find.
    Send,
    Paste(String),
    Resize(u16, u16),
    Wait(u64),
    /// The next picture: of the fleet, of twins, of the link, of a write.
    Fleet,
    Details,
    Deployments,
    Logs,
    Link(u8),
    Write(u8),
    Say,
}

/// Lines that lead to every view.
const LINES: [&str; 19] = [
    ":devices\n",
    ":device edge-gateway-001\n",
    ":twin edge-gateway-001/temperatureFilter\n",
    ":twin edge-gateway-001\n",
    ":deployments\n",
    ":deployments \t\n",
    ":dep\n\n\n",
    ":dep\ny",
    ":dep\n/state:a\n",
    ":logs edge-gateway-001/temperatureFilter\n",
    ":logs edge-gateway-001\n",
    ":audit\n",
    ":keys\n",
    ":sim\n",
    ":keymap vim\n",
    ":keymap k9s\n",
    ":theme mono\n",
    "/~B[12]\n",
    ":device ",
];

fn event(keys: Vec<Key>) -> impl Strategy<Value = Event> {
    let size = prop_oneof![
        4 => (60_u16..=220, 16_u16..=70),
        1 => (0_u16..=220, 0_u16..=70),
        1 => (0_u16..=3, 0_u16..=3),
    ];
    prop_oneof![
        60 => select(keys).prop_map(Event::Bound),
        10 => proptest::char::range(' ', '~').prop_map(Event::Type),
        3 => any::<char>().prop_map(Event::Type),
        8 => select(&LINES[..]).prop_map(Event::Line),
        3 => Just(Event::Send),
        4 => hostile().prop_map(Event::Paste),
        6 => size.prop_map(|(columns, rows)| Event::Resize(columns, rows)),
        6 => select(&[10_u64, 500, 3_000, 130_000][..]).prop_map(Event::Wait),
        4 => Just(Event::Fleet),
        6 => Just(Event::Details),
        6 => Just(Event::Deployments),
        6 => Just(Event::Logs),
        3 => (0_u8..6).prop_map(Event::Link),
        4 => (0_u8..10).prop_map(Event::Write),
        2 => Just(Event::Say),
    ]
}

fn bound_keys() -> Vec<Key> {
    ["k9s", "vim"]
        .into_iter()
        .flat_map(|name| {
            let keymap = Keymaps::shipped().load(name).unwrap().0;
            let chords: Vec<_> = ActionId::ALL.iter().flat_map(|id| keymap.keys_for(*id).to_vec()).collect();
            chords.into_iter().flat_map(|chord| chord.keys().to_vec())
        })
        .chain(["down", "end", "backspace", "enter", "tab", "e"].map(|key| key.parse().unwrap()))
        .collect()
}

/// A console over a hostile world.
struct Run {
    console: Console,
    words: Words,
    sent: Option<WriteIntent>,
}

impl Run {
    fn new(words: Vec<String>, theme: &str, depth: Depth, glyphs: Glyphs) -> Self {
        let mut words = Words(words, 0);
        let mut session = session();
        // What the composition root puts there has passed the sanitiser.
        (session.context, session.hub, session.identity) = (words.shown(), words.shown(), words.shown());
        let count = words.0.len();
        (session.simulated, session.production) = (count.is_multiple_of(2), count.is_multiple_of(3));
        session.read_only = count.is_multiple_of(5);
        let theme = Themes::shipped().load(theme, depth).unwrap().0;
        let console = Console::looking(session, theme, depth, glyphs);
        let mut run = Self { console, words, sent: None };
        run.next(&Event::Fleet);
        run.next(&Event::Details);
        run.next(&Event::Deployments);
        run
    }

    fn tell(&mut self, message: Msg) {
        for effect in self.console.tell(message) {
            if let Effect::Submit(intent) = effect {
                self.sent = Some(*intent);
            }
        }
    }

    fn next(&mut self, event: &Event) {
        let now = self.console.now();
        match event {
            Event::Bound(key) => self.tell(Msg::Key(key.event())),
            Event::Type(c) => self.tell(Msg::Key(KeyEvent::new(KeyCode::Char(*c), KeyModifiers::NONE))),
            Event::Line(line) => {
                for c in line.chars() {
                    let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
                    self.tell(Msg::Key(code.into()));
                }
            }
            Event::Send => {
                let key = |name: &str| Event::Bound(name.parse().unwrap());
                let mut steps = vec![key("esc"), key("esc"), key("esc")];
                steps.push(Event::Line(":twin edge-gateway-001/temperatureFilter\n"));
                steps.extend([key("e"), key("end"), Event::Paste("\"changed\": 1,".into()), key("ctrl-s"), key("s")]);
                steps.extend([Event::Wait(500), key("tab"), key("enter")]);
                for step in &steps {
                    self.next(step);
                }
            }
            Event::Paste(text) => self.tell(Msg::Paste(text.clone())),
            Event::Resize(columns, rows) => self.tell(Msg::Resize(*columns, *rows)),
            Event::Wait(millis) => {
                self.console.wait(Duration::from_millis(*millis));
            }
            Event::Fleet => {
                let mut gateways = site();
                gateways.extend((0..4).map(|_| self.words.gateway()));
                self.console.show(&gateways);
            }
            Event::Details => {
                let mut gateway = self.words.gateway();
                gateway.id = "edge-gateway-001".into();
                let board = details(&gateway, now);
                let etag = self.words.next();
                let filter = self.words.twin(module_twin("edge-gateway-001", "temperatureFilter"), &etag);
                self.console.tell(Msg::Details(Arc::new(board)));
                self.console.read_twin(filter);
            }
            Event::Deployments => {
                let words = &mut self.words;
                let mut list: Vec<Listed> = (0..4).map(|_| words.deployment()).collect();
                let names = ["edge-gateway-001".to_owned(), words.next(), words.next()];
                self.console.deploy(|board, now| {
                    let queries: Vec<String> = list
                        .iter()
                        .filter_map(|listed| match listed {
                            Listed::Edge(deployed) => Some(deployed.metrics()),
                            Listed::Other(_) => None,
                        })
                        .flatten()
                        .map(|metric| metric.query)
                        .collect();
                    list.push(device_configuration(&names[1]));
                    board.list.settle(Ok(list.into()), now);
                    let rows = |name: &String| Found::read(&json!({ "deviceId": name }));
                    let found: Vec<Found> = names.iter().map(rows).chain([Found::read(&json!(names))]).collect();
                    for query in queries {
                        let behind = Behind { found: Found::sorted(found.clone()), extent: Extent::Pages(1) };
                        board.behind.entry(query.into()).or_default().settle(Ok(Arc::new(behind)), now);
                    }
                });
            }
            Event::Logs => {
                let mut log = Log::of("edge-gateway-001", &["temperatureFilter", "$edgeAgent"]);
                for number in 0..self.words.0.len() {
                    let millis = i64::try_from(number).unwrap() * 700 - 9_000;
                    let word = self.words.next();
                    log.line("temperatureFilter", millis, &word).line(&self.words.next(), millis, &word);
                    if number % 5 == 0 {
                        log.gap("temperatureFilter", millis, millis + 700, GapCause::Unproven);
                    }
                }
                log.refused("$edgeAgent", Failure::Agent { status: 500, message: self.words.next().into() });
                log.run = u64::try_from(self.words.1).unwrap();
                log.answered(now);
                if self.words.1.is_multiple_of(3) {
                    let fault = self.words.fault(FaultKind::DeviceOffline);
                    log.failed(fault, now, Duration::from_secs(9));
                }
                self.console.tell(Msg::Logs(log.board()));
            }
            Event::Link(kind) => {
                let kind = match kind {
                    0 => FaultKind::Unreachable,
                    1 => FaultKind::Unauthorized,
                    2 => FaultKind::Throttled(Duration::from_secs(3)),
                    3 => FaultKind::QuotaExceeded,
                    4 => FaultKind::Server,
                    _ => {
                        self.console.recover();
                        return;
                    }
                };
                let fault = self.words.fault(kind);
                self.console.fail(&fault);
            }
            Event::Write(kind) => {
                let Some(intent) = self.sent.clone() else { return };
                let done = |outcome| OpState::Done(outcome, now);
                let Some(id) = intent.twin().map(|write| write.target.clone()) else { return };
                let theirs = ops::Found::Twin(Arc::new(self.words.twin(id, "theirs")));
                let state = match kind {
                    0 => OpState::Accepted,
                    1 => OpState::Sending,
                    2 => OpState::Unknown(self.words.fault(FaultKind::TimedOut)),
                    3 => done(Outcome::Applied(theirs)),
                    4 => done(Outcome::Conflict(Some(theirs))),
                    5 => done(Outcome::Refused(self.words.next().into())),
                    6 => done(Outcome::Overtaken(theirs)),
                    7 => done(Outcome::Undecidable { why: "the twin is gone", now: None }),
                    8 => done(Outcome::Undecidable { why: "it was written again", now: Some(theirs) }),
                    _ => done(Outcome::NotApplied(self.words.fault(FaultKind::Server))),
                };
                self.tell(Msg::Ops(OpsBoard::of([(intent, state)])));
            }
            Event::Say => {
                let text = self.words.shown();
                self.tell(Msg::Say(Severity::Warning, text.clone()));
                self.tell(Msg::Simulator(vec![text]));
            }
        }
    }

    fn look(&self) -> Result<(), TestCaseError> {
        let (width, height) = self.console.model.shell.size;
        let (buffer, cursor) = self.console.draw();
        prop_assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        prop_assert_eq!(buffer.content.len(), usize::from(width) * usize::from(height));
        for (index, cell) in buffer.content.iter().enumerate() {
            if let Some(c) = cell.symbol().chars().find(|c| is_unsafe_char(*c)) {
                let at = (index % usize::from(width), index / usize::from(width));
                return Err(TestCaseError::fail(format!("U+{:04X} at {at:?}\n{}", u32::from(c), self.console.text())));
            }
        }
        if let Some((x, y)) = cursor {
            prop_assert!(x < width && y < height, "cursor at {x},{y} of {width}x{height}");
        }
        Ok(())
    }
}

fn few() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig { cases: if asked { default.cases } else { 24 }, ..default }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn no_world_and_no_keys_break_a_frame(
        words in proptest::collection::vec(hostile(), 11..40),
        theme in select(Themes::shipped().names()),
        depth in select(&[Depth::None, Depth::Ansi16, Depth::Indexed256, Depth::True][..]),
        glyphs in select(&[Glyphs::Unicode, Glyphs::Ascii][..]),
        events in proptest::collection::vec(event(bound_keys()), 50..200),
    ) {
        let mut run = Run::new(words, &theme, depth, glyphs);
        run.look()?;
        for event in &events {
            run.next(event);
            run.look()?;
        }
    }
}
