//! What becomes of every message: laws for any course of events, then the words and times of an outage.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sim::device::program::runtime::Level;

fn begin() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn config(routes: &Value, seconds: i64) -> HubConfig {
    let desired = json!({"schemaVersion": "1.1", "routes": routes,
        "storeAndForwardConfiguration": {"timeToLiveSecs": seconds}});
    HubConfig::read(&desired).unwrap()
}

/// One route of each kind: with a time of its own, by the global one, to a module, to two endpoints, conditional.
fn routes() -> Value {
    json!({
        "urgent": {"route": "FROM /messages/modules/a/* INTO $upstream", "priority": 1, "timeToLiveSecs": 30},
        "usual": "FROM /messages/modules/b/* INTO $upstream",
        "aside": {"route": "FROM /messages/modules/b/* INTO BrokeredEndpoint(\"/modules/m/inputs/i\")", "timeToLiveSecs": 45},
        "same": {"route": "FROM /messages/modules/c/* INTO $upstream", "timeToLiveSecs": 10},
        "hot": "FROM /messages/modules/d/* WHERE $body.x > 5 INTO BrokeredEndpoint(\"/modules/m/inputs/i\")",
    })
}

fn message(module: &str, n: u64, body: &Value) -> RoutedMessage {
    let system = [
        ("connectionDeviceId", "edge-1"),
        ("connectionModuleId", module),
        ("contentType", "application/json"),
        ("contentEncoding", "utf-8"),
    ];
    RoutedMessage {
        source: MessageSource::Module { module: module.to_owned(), output: Some("o".to_owned()) },
        properties: BTreeMap::from([("n".to_owned(), n.to_string())]),
        system: system.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: body.to_string().into_bytes(),
    }
}

fn number(message: &RoutedMessage) -> u64 {
    message.properties["n"].parse().unwrap()
}

/// An edgeHub that is turned by hand, and what it handed out: endpoint, number, instant.
struct Bench {
    hub: EdgeHub,
    now: Timestamp,
    listens: bool,
    out: Vec<(Sink, u64, Timestamp)>,
    said: Vec<(Timestamp, Said)>,
    sent: u64,
}

impl Bench {
    fn new(config: HubConfig) -> Self {
        let mut bench =
            Self { hub: EdgeHub::new("edge-1"), now: begin(), listens: true, out: vec![], said: vec![], sent: 0 };
        bench.hub.start(begin(), false);
        bench.hub.configure(begin(), config);
        bench.advance(5);
        bench.said.clear();
        bench
    }

    fn settle(&mut self) {
        let listens = self.listens;
        while let Some((sink, message)) = self.hub.next(self.now, |_| listens) {
            self.out.push((sink, number(&message), self.now));
        }
        self.said.extend(self.hub.take_said());
    }

    fn advance(&mut self, seconds: i64) {
        let until = self.now + SignedDuration::from_secs(seconds);
        while let Some(at) = self.hub.wakes_at().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.hub.wake(self.now);
            self.settle();
        }
        self.now = until;
    }

    fn send(&mut self, module: &str, x: i64) -> u64 {
        let n = self.sent;
        self.sent += 1;
        self.hub.accept(self.now, message(module, n, &json!({"x": x})));
        self.settle();
        n
    }

    fn set_link(&mut self, on: bool) {
        self.hub.set_link(self.now, on);
        self.settle();
    }

    fn counts(&mut self) -> Counts {
        self.hub.counts(self.now)
    }

    fn upstream(&self) -> Vec<u64> {
        self.out.iter().filter(|(sink, ..)| *sink == Sink::Upstream).map(|(_, n, _)| *n).collect()
    }

    fn texts(&self) -> Vec<&str> {
        self.said.iter().map(|(_, said)| said.text.as_str()).collect()
    }
}

fn module_input() -> Sink {
    Sink::Module { module: "m".to_owned(), input: "i".to_owned() }
}

#[derive(Debug, Clone)]
enum Step {
    Send { module: &'static str, x: i64 },
    Wait(i64),
    Link(bool),
    Listen(bool),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (prop::sample::select(vec!["a", "b", "c", "d", "e"]), 0..10_i64).prop_map(|(module, x)| Step::Send { module, x }),
        4 => prop_oneof![0..3_i64, 0..90_i64, 0..4_000_i64].prop_map(Step::Wait),
        2 => any::<bool>().prop_map(Step::Link),
        2 => any::<bool>().prop_map(Step::Listen),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..80)
}

/// A copy as it should fare: endpoint, priority, when it came, when it is too old.
type Expected = (Sink, u32, u64, Timestamp, Option<Timestamp>);

fn copies(module: &str, x: i64, n: u64, now: Timestamp, global: i64) -> Vec<Expected> {
    let global = u64::try_from(global).ok();
    let usual = 2_000_000_000;
    let copy = |sink, priority, seconds: Option<u64>| {
        let deadline = seconds.map(|seconds| now + SignedDuration::from_secs(i64::try_from(seconds).unwrap()));
        (sink, priority, n, now, deadline)
    };
    match module {
        "a" => vec![copy(Sink::Upstream, 1, Some(30))],
        "b" => vec![copy(Sink::Upstream, usual, global), copy(module_input(), usual, Some(45))],
        "c" => vec![copy(Sink::Upstream, usual, Some(10))],
        "d" if x > 5 => vec![copy(module_input(), usual, global)],
        _ => vec![],
    }
}

proptest! {
    /// Nothing is lost or made up, nothing overtakes within its endpoint and priority, nothing expires early, and
    /// nothing is delivered at its deadline or later, unless it is the instant it came.
    #[test]
    fn every_copy_has_one_fate(steps in steps(), global in prop_oneof![Just(-1), Just(0), 1..200_i64]) {
        let mut bench = Bench::new(config(&routes(), global));
        let mut expected: Vec<Expected> = Vec::new();
        let (mut no_route, mut refused) = (0, 0);
        for step in steps {
            match step {
                Step::Send { module, x } => {
                    let is_up = bench.hub.is_up();
                    let n = bench.send(module, x);
                    let made = copies(module, x, n, bench.now, global);
                    match (is_up, made.is_empty()) {
                        // Down it has not looked at routes.
                        (false, _) => refused += 1,
                        (true, true) => no_route += 1,
                        (true, false) => expected.extend(made),
                    }
                }
                Step::Wait(seconds) => bench.advance(seconds),
                Step::Link(on) => bench.set_link(on),
                Step::Listen(listens) => {
                    bench.listens = listens;
                    bench.settle();
                }
                Step::Restart => {
                    bench.hub.stop(bench.now, true);
                    bench.hub.start(bench.now, false);
                    bench.hub.configure(bench.now, config(&routes(), global));
                }
            }
            let now = bench.now;
            let counts = bench.counts();
            prop_assert_eq!(counts.copies, counts.delivered + counts.queued + counts.expired + counts.no_route + counts.refused + counts.lost);
            prop_assert_eq!((counts.no_route, counts.refused, counts.lost), (no_route, refused, 0));
            prop_assert_eq!(counts.sent, bench.sent);
            prop_assert_eq!(counts.delivered, bench.out.len() as u64);
            let delivered = |copy: &Expected| bench.out.iter().find(|(sink, n, _)| *sink == copy.0 && *n == copy.2);
            let late = expected.iter().filter(|copy| delivered(copy).is_none()).filter(|(.., at, deadline)| deadline.is_some_and(|deadline| deadline <= now && *at < now));
            prop_assert_eq!(counts.expired, late.count() as u64);
        }
        let mut last: BTreeMap<(Sink, u32), u64> = BTreeMap::new();
        for (sink, n, at) in &bench.out {
            let copy = expected.iter().find(|copy| copy.0 == *sink && copy.2 == *n);
            let (_, priority, _, came, deadline) = copy.unwrap();
            prop_assert!(deadline.is_none_or(|deadline| *at < deadline || at == came), "{} too late", n);
            let before = last.insert((sink.clone(), *priority), *n);
            prop_assert!(before.is_none_or(|before| before < *n), "{} overtakes {:?}", n, before);
        }
    }
}

#[test]
fn an_outage_is_noticed_survived_and_over() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    assert_eq!(bench.send("b", 0), 0);
    bench.set_link(false);
    bench.advance(60);
    // Nothing was sent, so nothing was noticed.
    assert!(bench.texts().is_empty());
    for _ in 0..3 {
        bench.send("b", 0);
        bench.advance(5);
    }
    bench.send("a", 0);
    bench.advance(5);
    assert_eq!(bench.texts(), ["Exiting connected state", "Entering unreachable state"]);
    bench.advance(20);
    assert_eq!(bench.texts()[2], "Entering disconnected state");
    assert_eq!(bench.texts()[3], "Could not get an active Iot Hub connection for client edge-1/a");
    assert_eq!(bench.said[3].1.level, Level::Warning);
    assert_eq!(bench.upstream(), [0]);
    assert_eq!((bench.counts().queued, bench.hub.reaches_hub()), (4, false));
    // A minute later it says so again, about what waits longest by then: the urgent one expired.
    bench.advance(60);
    assert_eq!(bench.texts()[4..], ["Could not get an active Iot Hub connection for client edge-1/b"]);
    bench.set_link(true);
    bench.advance(4);
    assert_eq!(bench.upstream(), [0]);
    bench.advance(1);
    assert_eq!(bench.upstream(), [0, 1, 2, 3]);
    assert_eq!(bench.texts()[8..], ["Exiting disconnected state", "Entering connected state"]);
    let counts = bench.counts();
    assert_eq!((counts.queued, counts.expired), (0, 1));
}

#[test]
fn a_short_outage_leaves_no_trace() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    bench.set_link(false);
    bench.send("b", 0);
    bench.advance(10);
    bench.set_link(true);
    bench.advance(2);
    assert_eq!((bench.upstream(), bench.texts().len()), (vec![0], 0));
}

#[test]
fn an_idle_link_is_tested_every_five_minutes() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    let up = bench.now - SignedDuration::from_secs(2);
    bench.advance(1_000);
    bench.set_link(false);
    bench.advance(400);
    let noticed: Vec<i64> = bench.said.iter().map(|(at, _)| at.duration_since(up).as_secs()).collect();
    // The next test after 1,000 s is at 1,200 s; it and the one after it hang for 20 s each.
    assert_eq!(noticed, [1_220, 1_220, 1_240]);
}

#[test]
fn higher_priorities_go_first_when_the_link_is_back() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    bench.set_link(false);
    for module in ["b", "a", "c", "a", "b"] {
        bench.send(module, 0);
    }
    bench.set_link(true);
    bench.advance(2);
    assert_eq!(bench.upstream(), [1, 3, 0, 2, 4]);
    let endpoints: Vec<(u32, u64)> =
        bench.hub.endpoints(bench.now).iter().map(|state| (state.priority, state.delivered)).collect();
    assert_eq!(endpoints, [(1, 2), (2_000_000_000, 3), (2_000_000_000, 2)]);
}

#[test]
fn a_module_that_is_away_gets_its_messages_later() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    bench.listens = false;
    bench.send("d", 9);
    bench.send("d", 1);
    bench.advance(61);
    assert_eq!(bench.texts(), ["Module edge-1/m is not connected"; 2]);
    assert_eq!(bench.counts().no_route, 1);
    bench.listens = true;
    bench.advance(60);
    assert_eq!(bench.out, [(module_input(), 0, bench.out[0].2)]);
    bench.advance(600);
    assert_eq!(bench.texts().len(), 2);
}

#[test]
fn what_no_route_names_any_more_is_dropped_on_a_change_but_not_on_a_start() {
    let only = |route: &str| config(&json!({"r": route}), 7_200);
    let mut bench = Bench::new(config(&routes(), 7_200));
    bench.listens = false;
    bench.set_link(false);
    bench.send("b", 0);
    bench.hub.configure(bench.now, only("FROM /messages/* INTO $upstream"));
    let counts = bench.counts();
    assert_eq!((counts.queued, counts.lost), (1, 1));
    bench.hub.stop(bench.now, true);
    bench.hub.start(bench.now, false);
    bench.hub.configure(bench.now, only("FROM /messages/* INTO BrokeredEndpoint(\"/modules/m/inputs/i\")"));
    bench.set_link(true);
    bench.advance(30);
    assert_eq!((bench.counts().queued, bench.upstream()), (1, vec![]));
    bench.hub.stop(bench.now, true);
    bench.hub.start(bench.now, false);
    bench.hub.configure(bench.now, only("FROM /messages/* INTO $upstream"));
    bench.advance(30);
    assert_eq!(bench.upstream(), [0]);
}

#[test]
fn a_store_in_memory_has_a_limit_and_no_memory() {
    let mut config = config(&routes(), 7_200);
    config.max_store_bytes = Some(600);
    let mut bench = Bench::new(config.clone());
    bench.set_link(false);
    for _ in 0..10 {
        bench.send("a", 0);
    }
    // On disk the limit does not hold.
    assert_eq!(bench.counts().queued, 10);
    bench.hub.stop(bench.now, true);
    bench.hub.start(bench.now, true);
    bench.hub.configure(bench.now, config);
    bench.advance(40);
    for _ in 0..10 {
        bench.send("a", 0);
    }
    let counts = bench.counts();
    assert_eq!((counts.queued, counts.refused, counts.expired), (6, 4, 10));
    // What expires makes room.
    bench.advance(31);
    bench.send("a", 0);
    assert_eq!(bench.counts().queued, 1);
    bench.hub.stop(bench.now, true);
    assert_eq!((bench.counts().queued, bench.counts().lost), (0, 1));
}

#[test]
fn nothing_gets_in_that_is_too_large_or_comes_while_it_is_down() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    let huge = message("b", 0, &json!({"x": "y".repeat(300_000)}));
    bench.hub.accept(bench.now, huge);
    assert_eq!((bench.counts().refused, bench.counts().copies), (2, 2));
    bench.hub.stop(bench.now, false);
    bench.send("a", 0);
    assert_eq!(bench.counts().refused, 3);
    let notice = RoutedMessage { source: MessageSource::TwinChange, ..message("a", 1, &json!({})) };
    bench.hub.accept(bench.now, notice);
    assert_eq!(bench.counts().sent, 2);
}

#[test]
fn a_notice_of_a_twins_change_takes_its_route() {
    let notice = || RoutedMessage { source: MessageSource::TwinChange, ..message("a", 0, &json!({"x": 1})) };
    let mut bench = Bench::new(config(&json!({"r": "FROM /messages/* INTO $upstream"}), 60));
    bench.hub.accept(bench.now, notice());
    assert_eq!(bench.counts(), Counts::default());
    let mut bench = Bench::new(config(&json!({"r": "FROM /twinChangeNotifications INTO $upstream"}), 60));
    bench.hub.accept(bench.now, notice());
    bench.settle();
    assert_eq!(bench.upstream(), [0]);
}

#[test]
fn it_comes_up_and_is_configured_word_for_word() {
    let mut hub = EdgeHub::new("edge-1");
    hub.start(begin(), false);
    hub.configure(begin(), config(&json!({"up": "FROM /messages/* INTO $upstream"}), 7_200));
    let up = hub.wakes_at().unwrap();
    hub.wake(up);
    assert!(hub.is_up());
    hub.client_connected(up, "m");
    hub.wake(hub.wakes_at().unwrap());
    let texts: Vec<String> = hub.take_said().into_iter().map(|(_, said)| said.text).collect();
    assert_eq!(
        texts,
        [
            "Obtained edge hub config from module twin",
            "Set the following 1 route(s) in edge hub",
            "up: FROM /messages/* INTO $upstream",
            "Updated message store TTL to 7200 seconds",
            "Updated the edge hub store and forward configuration",
            "Initialized edge hub configuration",
            "Starting protocol heads - (MQTT, AMQP, HTTP)",
            "Starting MQTT head",
            "Starting AMQP head",
            "Starting HTTP head",
            "Started MQTT head",
            "Started AMQP head",
            "Started HTTP head",
            "Attempting to connect to IoT Hub for client edge-1/$edgeHub via AMQP...",
            "Created cloud proxy for client edge-1/$edgeHub via AMQP, with client operation timeout 20 seconds.",
            "Created cloud connection for client edge-1/$edgeHub",
            "Exiting disconnected state",
            "Entering connected state",
            "New device connection for device edge-1/m",
        ]
    );
    hub.configure(up, config(&json!({}), -1));
    hub.configure(up, config(&json!({}), -1));
    hub.client_gone(up, "m");
    hub.stop(up, true);
    let texts: Vec<String> = hub.take_said().into_iter().map(|(_, said)| said.text).collect();
    assert_eq!(
        texts,
        [
            "Obtained edge hub config patch update from module twin",
            "Updating edge hub configuration",
            "No routes set in the edge hub",
            "Updated message store TTL to -1 seconds",
            "Updated the edge hub store and forward configuration",
            "Obtained edge hub config patch update from module twin",
            "Updating edge hub configuration",
            "Device connection removed for device edge-1/m",
            "Stopping the protocol heads...",
            "Protocol heads stopped.",
            "Shutdown complete.",
        ]
    );
}

#[test]
fn every_half_hour_it_cleans_up() {
    let mut bench = Bench::new(config(&routes(), 7_200));
    bench.send("a", 0);
    bench.send("b", 0);
    bench.advance(1_800);
    let texts = bench.texts();
    assert_eq!(texts.len(), 6);
    assert!(texts.contains(&"Started task to cleanup processed and stale messages for endpoint iothub_Pri1"));
    assert!(texts.contains(&"Cleaned up 1 messages from queue for endpoint iothub and 1 messages from message store."));
    assert!(
        texts.contains(&"Cleaned up 1 messages from queue for endpoint edge-1/m/i and 1 messages from message store.")
    );
}
