//! A module's log as it is followed is its log as it was produced: the console's own follower at the simulated device's own
//! log store, over the hub in memory, on tokio's paused time. `sim-workload` numbers its lines, so that each says where it
//! belongs; one that is missing lies where a gap is drawn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::stage::{D, Manifest};
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::SharedClock;
use crate::hub::fake::TokioClock;
use crate::hub::transport::header::{HeaderMap, HeaderName, HeaderValue};
use crate::hub::transport::{HttpReply, HttpRequest, TransportFailure};
use crate::hub::{ConnectionString, Hub, HubSettings, MethodTimeouts, Sku, Transport};
use crate::logs::continuity::{Following, Mark, Opening};
use crate::logs::ring::{Content, Filter};
use crate::logs::tail::{Attention, LogTail, TailSettings, Wanted};
use crate::sim::device::{Condition, MachineSpec};
use crate::sim::hub::testing::Caller;
use crate::sim::hub::{Request, Seed, SimHub, Wait};

const HOST: &str = "hub.azure-devices.net";
/// One writes little, the other more at once than an answer holds.
const MODULES: [&str; 2] = ["calm", "busy"];

/// The way to the hub: it takes its time, and loses an answer now and then.
struct Wire {
    caller: Caller,
    /// Draws, in turn: how long there and back, and whether the answer arrives.
    draws: Mutex<u64>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    fn draw(&self, below: u64) -> u64 {
        let mut state = self.draws.lock().unwrap();
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    /// Soon as a rule, and late sometimes.
    async fn pass(&self) {
        let most = if self.draw(8) == 0 { 4_000 } else { 150 };
        tokio::time::sleep(Duration::from_millis(self.draw(most))).await;
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        self.pass().await;
        let headers = request.headers.iter();
        let mut asked = Request {
            method: request.method.to_string(),
            path_and_query: request.path_and_query,
            headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
            body: request.body.unwrap_or_default(),
            waited: Duration::ZERO,
            queued: false,
        };
        let answer = loop {
            let answer = self.caller.hub.handle(&asked);
            match answer.wait {
                Wait::None | Wait::Turn(_) => break answer,
                Wait::Late(time) => {
                    tokio::time::sleep(time).await;
                    break answer;
                }
                Wait::Again(time) => {
                    tokio::time::sleep(time).await;
                    asked.waited += time;
                }
            }
        };
        self.pass().await;
        if self.draw(12) == 0 {
            return Err(TransportFailure::Unreachable("connection reset".into()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &answer.headers {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        Ok(HttpReply { status: answer.status, headers, body: answer.body })
    }
}

/// What happens while the log is followed.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// So many seconds pass.
    Pass(u64),
    /// Nobody looks for so long, and nothing is asked.
    Pause(u64),
    /// There is no network for so long.
    NetOff(u64),
    Restart(usize),
    /// The container is created anew.
    Recreate(usize),
}

/// How much is written.
#[derive(Debug, Clone, Copy)]
struct Rates {
    /// Lines a second of the calm one.
    calm: &'static str,
    /// Lines at once of the busy one, every twenty seconds, and bytes of each.
    burst: u32,
    bytes: u32,
}

/// A device with both modules, and somebody who follows them.
struct Scene {
    wire: Arc<Wire>,
    hub: Hub,
    tail: LogTail,
    rates: Rates,
    /// How often each container was created anew.
    made: [u32; 2],
}

impl Scene {
    fn set(seed: u64, rates: Rates, opening: Opening, cancel: &CancellationToken) -> Self {
        let clock: SharedClock = TokioClock::at("2026-03-04T05:06:07Z");
        let caller = Caller::new(SimHub::new("hub", Seed::numbered(seed), Arc::clone(&clock), Arc::clone(&clock)));
        let body = json!({"deviceId": D, "capabilities": {"iotEdge": true}});
        assert_eq!(caller.send("PUT", &format!("/devices/{D}"), &[], &body).status, 200);
        let text = caller.hub.connection_string(HOST);
        let wire = Arc::new(Wire { caller, draws: Mutex::new(seed) });
        let (endpoint, credential) = ConnectionString::parse(text.expose()).unwrap().into_parts();
        let settings = HubSettings { sku: Sku::S3, ..HubSettings::new(endpoint, credential) };
        let hub = Hub::with_transport(settings, Arc::clone(&clock), wire.clone());
        let device = DeviceId::from_wire(D);
        let wanted = wanted(opening, Attention::InView);
        let tail =
            LogTail::start(&hub.read, clock, TailSettings::default(), device, wanted, cancel, &TaskTracker::new());
        let scene = Self { wire, hub, tail, rates, made: [0; 2] };
        scene.apply("running");
        scene.wire.caller.hub.provision(D, MachineSpec::default()).unwrap();
        scene
    }

    /// Gives the device its manifest.
    fn apply(&self, status: &str) {
        let Rates { calm, burst, bytes } = self.rates;
        let image = "mcr.microsoft.com/sim-workload:1.0";
        let busy_rate = format!("{}", f64::from(burst) / 20.0);
        let env = |made: u32, rate: &str, burst: u32| {
            json!({"LINES_PER_SECOND": {"value": rate}, "BURST_LINES": {"value": burst.to_string()},
                "LINE_BYTES": {"value": bytes.to_string()}, "MADE": {"value": made.to_string()}})
        };
        let mut manifest = Manifest::running(&MODULES.map(|name| (name, image)))
            .agent("/modules/calm/env", env(self.made[0], calm, 1))
            .agent("/modules/busy/env", env(self.made[1], &busy_rate, burst));
        for name in MODULES {
            manifest = manifest.agent(&format!("/modules/{name}/status"), json!(status));
        }
        self.wire.caller.hub.set_modules(D, &manifest.0);
    }

    async fn happens(&mut self, turn: Turn, opening: Opening) {
        let seconds = |time| tokio::time::sleep(Duration::from_secs(time));
        let network = |off| self.wire.caller.hub.afflict(D, &Condition::NetworkOff, off).unwrap();
        match turn {
            Turn::Pass(time) => seconds(time).await,
            Turn::Pause(time) => {
                self.tail.want(wanted(opening, Attention::Paused));
                seconds(time).await;
                self.tail.want(wanted(opening, Attention::InView));
            }
            Turn::NetOff(time) => {
                network(true);
                seconds(time).await;
                network(false);
            }
            Turn::Restart(module) => {
                let agent = TwinId::module(DeviceId::from_wire(D), ModuleId::edge_agent());
                let asked = json!({"schemaVersion": "1.0", "id": MODULES[module]});
                let write = self.hub.write.as_ref().unwrap();
                // Without a network, or a module yet, it comes to nothing.
                let _ = write.invoke_method(&agent, "RestartModule", &asked, MethodTimeouts::default()).await;
            }
            Turn::Recreate(module) => {
                self.made[module] += 1;
                self.apply("running");
            }
        }
    }

    /// Ends the writing, and waits until it was read to the end.
    async fn ends(&self) {
        tokio::time::sleep(Duration::from_secs(90)).await;
        self.apply("stopped");
        tokio::time::sleep(Duration::from_secs(90)).await;
    }

    /// The last line the device has of a module.
    fn last(&self, module: &str) -> String {
        let payload = json!({"schemaVersion": "1.0", "contentType": "text",
            "items": [{"id": format!("^{module}$"), "filter": {"tail": 1}}]});
        let path = format!("/twins/{D}/modules/%24edgeAgent/methods");
        let body = json!({"methodName": "GetModuleLogs", "payload": payload});
        let answer = self.wire.caller.send("POST", &path, &[], &body).body;
        answer["payload"][0]["payload"].as_str().unwrap_or_default().trim_end().to_owned()
    }

    /// What was followed of a module: lines by their numbers, and `None` where lines may be missing.
    fn followed(&self, module: &str) -> Vec<Option<Line>> {
        let picture = self.tail.picture().borrow().clone();
        assert_eq!(picture.log.dropped(), 0, "the cap is another test's");
        let source = picture.log.source(&ModuleId::from_wire(module)).unwrap();
        let rows = picture.log.all(Filter::default()).filter(|row| row.source == source);
        rows.filter_map(|row| match &row.content {
            Content::Line { .. } => Some(Some(Line::read(row.text()))),
            Content::Mark(Mark::ClockBack { .. }) => None,
            Content::Mark(_) => Some(None),
        })
        .collect()
    }

    /// Line by line: each is the one that follows the line before it, or there is a gap between the two and it is a later
    /// one; and the last one is the device's last.
    fn check(&self, module: &str) -> Result<usize, TestCaseError> {
        let (mut before, mut gaps, mut is_gap) = (None, 0, false);
        for found in self.followed(module) {
            match found {
                None => {
                    gaps += usize::from(before.is_some());
                    is_gap = true;
                }
                Some(line) => {
                    if let Some(before) = before {
                        let joins = if is_gap { line.is_later_than(before) } else { line.follows(before) };
                        prop_assert!(joins, "{module}: {line:?} after {before:?}, gap: {is_gap}");
                    } else {
                        prop_assert!(is_gap, "{module}: lines before a beginning");
                    }
                    (before, is_gap) = (Some(line), false);
                }
            }
        }
        prop_assert_eq!(before, Some(Line::read(&self.last(module))), "{}", module);
        Ok(gaps)
    }
}

fn wanted(opening: Opening, attention: Attention) -> Wanted {
    let following = Following { opening, regex: None };
    Wanted { modules: MODULES.iter().map(|name| ModuleId::from_wire(*name)).collect(), following, attention }
}

/// A line by what it says: the run it is of, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    run: u64,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Started,
    Number(u64),
    Stopped,
}

impl Line {
    fn read(text: &str) -> Self {
        let (_, said) = text.split_once("run=").unwrap_or_else(|| panic!("{text:?}"));
        let mut words = said.split(' ');
        let run = words.next().unwrap().parse().unwrap();
        let place = match words.next().unwrap() {
            "started" => Place::Started,
            "stopped" => Place::Stopped,
            number => Place::Number(number.strip_prefix("seq=").unwrap().parse().unwrap()),
        };
        Self { run, place }
    }

    /// Whether nothing can be between the two.
    fn follows(self, before: Self) -> bool {
        match (before.place, self.place) {
            (Place::Started, Place::Number(0) | Place::Stopped) | (Place::Number(_), Place::Stopped) => {
                self.run == before.run
            }
            (Place::Number(before_it), Place::Number(number)) => self.run == before.run && number == before_it + 1,
            (Place::Stopped, Place::Started) => self.is_later_than(before),
            _ => false,
        }
    }

    /// Whether it was written later. A restart may be over within the second that a run is called after.
    fn is_later_than(self, before: Self) -> bool {
        self > before || (self.run == before.run && before.place == Place::Stopped)
    }
}

/// Lets it all happen on a runtime of its own, whose time stands still but for what waits.
fn play(seed: u64, rates: Rates, opening: Opening, turns: &[Turn]) -> Result<[usize; 2], TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let _end = cancel.clone().drop_guard();
        let mut scene = Scene::set(seed, rates, opening, &cancel);
        for turn in turns {
            scene.happens(*turn, opening).await;
        }
        scene.ends().await;
        Ok([scene.check(MODULES[0])?, scene.check(MODULES[1])?])
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        5 => (1_u64..60).prop_map(Turn::Pass),
        2 => (1_u64..90).prop_map(Turn::Pause),
        2 => (1_u64..90).prop_map(Turn::NetOff),
        3 => (0_usize..2).prop_map(Turn::Restart),
        1 => (0_usize..2).prop_map(Turn::Recreate),
    ]
}

fn rates() -> impl Strategy<Value = Rates> {
    let calm = prop_oneof![Just("0.2"), Just("1"), Just("15")];
    let burst = prop_oneof![2 => 1_u32..60, 1 => 1_500_u32..4_000];
    let bytes = prop_oneof![Just(60_u32), Just(120), Just(700)];
    (calm, burst, bytes).prop_map(|(calm, burst, bytes)| Rates { calm, burst, bytes })
}

fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![
        (1_u32..600).prop_map(Opening::Tail),
        (1_u64..600).prop_map(|seconds| Opening::Last(Duration::from_secs(seconds)))
    ]
}

/// As many as `PROPTEST_CASES` says; without it few, since each is some minutes of two modules' lives.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases: 8, ..usual } }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_log_as_followed_is_the_log_as_produced(
        seed in any::<u64>(), rates in rates(), opening in opening(), turns in proptest::collection::vec(turn(), 1..8)
    ) {
        let [calm, _] = play(seed, rates, opening, &turns)?;
        // Without a loss there is no gap: a restart, an outage and a lost answer are none.
        let recreated = turns.iter().any(|turn| matches!(turn, Turn::Recreate(0)));
        if rates.calm != "15" && !recreated {
            prop_assert_eq!(calm, 0);
        }
    }
}

/// The test's own eyes: more at once than an answer holds is a gap, and was one here.
#[test]
fn what_is_more_than_an_answer_holds_is_a_gap_between_two_lines() {
    let rates = Rates { calm: "1", burst: 4_000, bytes: 700 };
    let [calm, busy] = play(7, rates, Opening::Tail(100), &[Turn::Pass(60), Turn::Restart(1), Turn::Pass(30)]).unwrap();
    assert!(calm == 0 && busy > 0, "{calm} and {busy} gaps");
}

/// And it does not take one line for another.
#[test]
fn lines_follow_each_other_by_their_numbers() {
    let line = |text: &str| Line::read(&format!("<6> 2026-03-04 05:06:07.000 +00:00 [INF] - {text}"));
    let lines = ["run=5 started", "run=5 seq=0000000000 ...", "run=5 seq=0000000001", "run=5 stopped", "run=9 started"];
    let lines: Vec<Line> = lines.map(line).into();
    assert!(lines.is_sorted() && lines.windows(2).all(|pair| pair[1].follows(pair[0])));
    assert!(lines.windows(3).all(|three| !three[2].follows(three[0]) || three[2].place == Place::Stopped));
    assert!(!line("run=5 seq=0000000003").follows(lines[2]) && !lines[1].follows(lines[1]));
}
