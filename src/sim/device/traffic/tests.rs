//! Whole devices: containers, routes and an outage, in one step or in many.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::manifest::{Env, Image};
use crate::sim::device::log::Frame;
use crate::sim::device::program::testing::{FILTER, SENSOR, at, env, members};

const EDGE_HUB: &str = "mcr.microsoft.com/azureiotedge-hub:1.5";
const PRINTED: &str = "acr.example/temperature-filter:1.0.0-printed";
const WORKLOAD: &str = "acr.example/sim-workload:1";

fn begin() -> Timestamp {
    at("2026-01-02T03:04:05.678Z")
}

fn routes() -> HubConfig {
    let desired = json!({"schemaVersion": "1.1", "routes": {
        "sensorToFilter": "FROM /messages/modules/sensor/* INTO BrokeredEndpoint(\"/modules/filter/inputs/input1\")",
        "alerts": {"route": "FROM /messages/modules/filter/outputs/alertOutput INTO $upstream", "priority": 0, "timeToLiveSecs": 600},
    }, "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}});
    HubConfig::read(&desired).unwrap()
}

fn start_with(traffic: &mut Traffic, module: &str, image: &str, env: &Env) {
    let image = Image::parse(image).unwrap();
    let desired = Map::new();
    let start = Start {
        image: &image,
        env,
        desired: &desired,
        device: "edge-1",
        module,
        architecture: "x86_64",
        seed: 3,
        at: traffic.now(),
    };
    traffic.start(&start);
}

fn run(traffic: &mut Traffic, module: &str, image: &str, pairs: &[(&str, &str)]) {
    traffic.create(module);
    start_with(traffic, module, image, &env(pairs));
}

/// The tutorial's device, a few seconds old.
fn tutorial() -> Traffic {
    let mut traffic = Traffic::new("edge-1", LogCaps::default(), begin());
    run(&mut traffic, "edgeHub", EDGE_HUB, &[]);
    traffic.configure(routes());
    run(&mut traffic, "sensor", SENSOR, &[("MessageCount", "-1")]);
    run(&mut traffic, "filter", FILTER, &[("TEMPERATURE_THRESHOLD", "22")]);
    traffic
}

fn advance(traffic: &mut Traffic, seconds: i64) {
    assert_eq!(traffic.run_until(traffic.now() + SignedDuration::from_secs(seconds)), None);
}

fn lines(traffic: &Traffic, module: &str) -> Vec<String> {
    traffic.log(module).unwrap().frames().map(|frame| frame.text.to_string()).collect()
}

fn count(traffic: &Traffic, module: &str, what: &str) -> usize {
    lines(traffic, module).iter().filter(|line| line.contains(what)).count()
}

#[test]
fn the_tutorials_device_does_what_the_tutorial_says() {
    let mut traffic = tutorial();
    advance(&mut traffic, 600);
    assert!(lines(&traffic, "filter")[0].starts_with("Temperature filter module started. Threshold: 22.0"));
    let sent = count(&traffic, "sensor", "Sending message: ");
    let (alerts, filtered) =
        (count(&traffic, "filter", "Alert sent: "), count(&traffic, "filter", "Normal reading filtered: "));
    assert!((115..=120).contains(&sent), "{sent}");
    assert_eq!(alerts + filtered, sent);
    assert!(alerts > 100 && filtered > 0);
    let counts = traffic.counts();
    assert_eq!((counts.sent, counts.delivered), ((sent + alerts) as u64, (sent + alerts) as u64));
    assert_eq!(counts.queued + counts.no_route + counts.refused, 0);
    assert!(count(&traffic, "edgeHub", "New device connection for device edge-1/sensor") == 1);
    assert!(traffic.is_connected("filter") && !traffic.is_connected("edgeHub"));
    // The threshold is changed in the twin.
    let patch = members(json!({"temperatureThreshold": 500}));
    traffic.desired("filter", &patch, &patch);
    assert_eq!(lines(&traffic, "filter").last().map(String::as_str), Some("Threshold updated to: 500.0"));
    let reports = traffic.take_reports();
    let last = reports.last().unwrap();
    assert_eq!((last.module.as_str(), &last.patch), ("filter", &members(json!({"temperatureThreshold": 500.0}))));
    advance(&mut traffic, 60);
    assert_eq!(count(&traffic, "filter", "Alert sent: "), alerts);
    let reset = traffic.method("sensor", "reset", &Value::Null);
    assert_eq!(reset, MethodOutcome::Answered { status: 200, payload: Value::Null });
    assert_eq!(traffic.method("sensor", "nonsense", &Value::Null), MethodOutcome::Unknown);
    assert_eq!(traffic.method("nobody", "reset", &Value::Null), MethodOutcome::NotConnected);
}

#[test]
fn an_outage_keeps_alerts_for_their_time_and_sends_them_afterwards() {
    let mut traffic = tutorial();
    advance(&mut traffic, 600);
    let before = traffic.counts();
    traffic.set_link(false);
    advance(&mut traffic, 300);
    let during = traffic.counts();
    assert_eq!(during.expired, 0);
    assert!((55..=60).contains(&during.queued), "{during:?}");
    assert_eq!(count(&traffic, "edgeHub", "Entering disconnected state"), 1);
    advance(&mut traffic, 900);
    let long = traffic.counts();
    assert!((115..=120).contains(&long.queued) && (115..=122).contains(&long.expired), "{long:?}");
    traffic.set_link(true);
    advance(&mut traffic, 60);
    let after = traffic.counts();
    // One more may have grown too old while the link came up.
    assert!(after.queued == 0 && after.expired - long.expired <= 1, "{after:?}");
    assert!(after.delivered + 1 > before.delivered + long.queued);
    assert!(traffic.reaches_hub());
    assert_eq!(count(&traffic, "edgeHub", "Exiting disconnected state"), 2);
}

#[test]
fn a_crash_loop_is_reported_exit_by_exit_and_its_messages_wait() {
    let mut traffic = tutorial();
    advance(&mut traffic, 60);
    let came = traffic.take_connections();
    assert_eq!(came.iter().map(|client| client.module.as_str()).collect::<Vec<_>>(), ["filter", "sensor"]);
    assert!(came.iter().all(|client| client.connected && client.at < begin() + SignedDuration::from_secs(6)));
    assert_eq!(traffic.stop("filter"), Some(0));
    assert_eq!(traffic.stop("filter"), None);
    let gone = Connection { module: "filter".to_owned(), at: traffic.now(), connected: false };
    assert_eq!(traffic.take_connections(), [gone]);
    run(&mut traffic, "filter", PRINTED, &[]);
    let mut exits = Vec::new();
    let end = traffic.now() + SignedDuration::from_secs(100);
    while let Some(exit) = traffic.run_until(end) {
        assert_eq!((exit.module.as_str(), exit.code, exit.at), ("filter", 1, traffic.now()));
        assert!(!traffic.runs("filter"));
        exits.push(exit.at);
        let again = (traffic.now() + SignedDuration::from_secs(10)).min(end);
        assert_eq!(traffic.run_until(again), None);
        start_with(&mut traffic, "filter", PRINTED, &env(&[]));
    }
    assert_eq!(traffic.now(), end);
    assert!((9..=10).contains(&exits.len()), "{exits:?}");
    assert!(exits.is_sorted());
    // The log of a container goes on over its starts.
    assert_eq!(count(&traffic, "filter", "SyntaxError"), exits.len());
    assert_eq!(count(&traffic, "filter", "Alert sent"), 0);
    let waiting = traffic.counts().queued;
    assert!((18..=20).contains(&waiting), "{waiting}");
    assert!(count(&traffic, "edgeHub", "Module edge-1/filter is not connected") >= 1);
    // The repaired one gets them all.
    run(&mut traffic, "filter", FILTER, &[("TEMPERATURE_THRESHOLD", "500")]);
    advance(&mut traffic, 4);
    assert_eq!(traffic.counts().queued, 0);
    assert!(count(&traffic, "filter", "Normal reading filtered") as u64 >= waiting);
}

#[test]
fn a_sensor_waits_for_edge_hub_and_goes_on_where_it_was() {
    let mut traffic = tutorial();
    advance(&mut traffic, 60);
    let sent = count(&traffic, "sensor", "Sending message: ");
    assert_eq!(traffic.stop("edgeHub"), Some(0));
    assert!(lines(&traffic, "edgeHub").iter().any(|line| line.ends_with("Shutdown complete.")));
    advance(&mut traffic, 600);
    assert_eq!(count(&traffic, "sensor", "Sending message: "), sent);
    assert_eq!(traffic.method("sensor", "reset", &Value::Null), MethodOutcome::NotConnected);
    start_with(&mut traffic, "edgeHub", EDGE_HUB, &env(&[]));
    traffic.configure(routes());
    advance(&mut traffic, 28);
    assert_eq!(count(&traffic, "sensor", "Sending message: "), sent + 5);
    let counts = traffic.counts();
    assert_eq!(counts.refused + counts.no_route, 0);
}

#[test]
fn without_routes_messages_are_dropped_and_without_containers_nothing_happens() {
    let mut traffic = Traffic::new("edge-1", LogCaps::default(), begin());
    assert_eq!(traffic.wakes_at(), None);
    start_with(&mut traffic, "sensor", SENSOR, &env(&[]));
    assert!(!traffic.runs("sensor"));
    run(&mut traffic, "edgeHub", EDGE_HUB, &[]);
    run(&mut traffic, "sensor", SENSOR, &[]);
    advance(&mut traffic, 60);
    let counts = traffic.counts();
    assert!(counts.no_route > 9 && counts.no_route == counts.sent);
    traffic.power_off();
    let written = traffic.log("sensor").unwrap().written();
    advance(&mut traffic, 3_600);
    assert_eq!(traffic.log("sensor").unwrap().written(), written);
    // A container made anew has a new log.
    run(&mut traffic, "sensor", SENSOR, &[]);
    assert_eq!(lines(&traffic, "sensor").len(), 4);
    traffic.set_log_fault("sensor", Some(LogFault::Truncated));
    assert_eq!(traffic.log("sensor").unwrap().fault(), Some(LogFault::Truncated));
    traffic.remove("sensor");
    assert!(traffic.log("sensor").is_none());
    assert_eq!(traffic.logs().len(), 1);
}

#[test]
fn messages_outlive_edge_hub_but_not_its_store() {
    let mut traffic = tutorial();
    advance(&mut traffic, 120);
    traffic.set_link(false);
    advance(&mut traffic, 60);
    let queued = traffic.counts().queued;
    assert!(queued > 9);
    traffic.stop("edgeHub");
    start_with(&mut traffic, "edgeHub", EDGE_HUB, &env(&[]));
    traffic.configure(routes());
    assert_eq!(traffic.counts().queued, queued);
    traffic.stop("edgeHub");
    traffic.create("edgeHub");
    traffic.lose_store();
    assert_eq!((traffic.counts().queued, traffic.counts().lost), (0, queued));
    assert_eq!(traffic.endpoints().len(), 0);
}

#[test]
fn eight_hours_are_one_step() {
    let mut traffic = tutorial();
    run(&mut traffic, "chatty", WORKLOAD, &[("LINES_PER_SECOND", "100000"), ("BURST_LINES", "50")]);
    advance(&mut traffic, 8 * 3_600);
    let counts = traffic.counts();
    assert!(counts.sent > 11_000 && counts.delivered == counts.sent, "{counts:?}");
    // Every line is counted; those that are kept end with the last one.
    assert_eq!(traffic.log("chatty").unwrap().written(), 1 + 8 * 3_600 * 100_000);
    let last = lines(&traffic, "chatty").pop().unwrap();
    assert!(last.contains("seq=2879999999"), "{last}");
}

/// Everything an outsider can see of a device.
#[derive(Debug, PartialEq)]
struct Picture {
    counts: Counts,
    endpoints: Vec<EndpointState>,
    /// Per container how many lines were written, and the end of them.
    logs: Vec<(u64, Vec<Frame>)>,
}

fn picture(traffic: &mut Traffic) -> Picture {
    let logs = traffic.logs().into_iter().map(|(_, log)| (log.written(), log.frames().cloned().collect())).collect();
    Picture { counts: traffic.counts(), endpoints: traffic.endpoints(), logs }
}

#[derive(Debug, Clone)]
enum Event {
    Link(bool),
    StopFilter,
    StartFilter,
    RestartHub,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However often somebody looks in between, the device is the same.
    #[test]
    fn many_steps_are_as_good_as_one(
        events in prop::collection::vec((1..400_i64, prop_oneof![
            any::<bool>().prop_map(Event::Link), Just(Event::StopFilter), Just(Event::StartFilter), Just(Event::RestartHub),
        ]), 0..6),
        looks in prop::collection::vec(1..2_000_i64, 0..20),
        rate in prop::sample::select(vec!["0.5", "30", "3000"]),
    ) {
        let caps = LogCaps { file_bytes: Some(20_000), files: 2 };
        let run = |looks: &[i64]| {
            let mut traffic = Traffic::new("edge-1", caps, begin());
            run(&mut traffic, "edgeHub", EDGE_HUB, &[]);
            traffic.configure(routes());
            run(&mut traffic, "sensor", SENSOR, &[("MessageDelay", "00:00:01")]);
            run(&mut traffic, "filter", FILTER, &[]);
            run(&mut traffic, "chatty", WORKLOAD, &[("LINES_PER_SECOND", rate), ("BURST_LINES", "3"), ("MESSAGES_PER_SECOND", "0.2")]);
            let mut looks: Vec<Timestamp> = looks.iter().map(|seconds| begin() + SignedDuration::from_secs(*seconds)).collect();
            looks.sort();
            let mut looks = looks.into_iter().peekable();
            let mut until = |traffic: &mut Traffic, end: Timestamp| {
                while let Some(look) = looks.next_if(|look| *look < end) {
                    assert_eq!(traffic.run_until(look), None);
                    traffic.counts();
                }
                assert_eq!(traffic.run_until(end), None);
            };
            let mut now = begin();
            for (wait, event) in &events {
                now += SignedDuration::from_secs(*wait);
                until(&mut traffic, now);
                match event {
                    Event::Link(on) => traffic.set_link(*on),
                    Event::StopFilter => drop(traffic.stop("filter")),
                    Event::StartFilter => start_with(&mut traffic, "filter", FILTER, &env(&[])),
                    Event::RestartHub => {
                        traffic.stop("edgeHub");
                        start_with(&mut traffic, "edgeHub", EDGE_HUB, &env(&[]));
                        traffic.configure(routes());
                    }
                }
            }
            until(&mut traffic, now + SignedDuration::from_secs(100));
            let counts = traffic.counts();
            assert_eq!(
                counts.copies,
                counts.delivered + counts.queued + counts.expired + counts.no_route + counts.refused + counts.lost
            );
            picture(&mut traffic)
        };
        prop_assert_eq!(run(&looks), run(&[]));
    }
}
