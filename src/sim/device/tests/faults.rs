//! What can go wrong, F1 to F23 of the reference, each as an operator sees it through the hub alone: the scenarios that
//! come along, read by the product's own reader.
//!
//! A row names the scenario and one of its devices, and says what the twins show when it has been loaded.

use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::{Access, Condition};

const SENSOR: (&str, &str) = ("sensor", "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0");
/// The images of the worker in all these scenarios, before and after an update.
const OLD: &str = "acr.azurecr.io/worker:1";
const NEW: &str = "acr.azurecr.io/worker:2";

const FIRST: &str = "edge-gateway-001";
const SECOND: &str = "edge-gateway-002";

/// One scenario.
struct Row {
    scenario: &'static str,
    device: &'static str,
    /// edgeAgent's code, and whether it stands for the version that is desired.
    agent: (i64, bool),
    /// The whole description.
    says: &'static str,
    /// `runtimeStatus` of the worker.
    worker: &'static str,
    /// What else can be seen, and what comes next.
    also: fn(&Stage),
}

const NOTHING: fn(&Stage) = |_| {};

const ROWS: &[Row] = &[
    Row {
        scenario: "f01",
        device: FIRST,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module worker: registry operation error: pull image \"acr.azurecr.io/worker:2\")",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.module("worker")["settings"]["image"], OLD, "the old image runs on");
            // Four tries later the password is right again.
            stage.pass(140);
            assert_eq!(stage.status().0, 500);
            stage.hub().change_registry(|registry| registry.restrict("acr.azurecr.io", Access::Credentials));
            stage.until(330, "the next try", |stage| stage.status().0 == 200);
            stage.pass(10);
            assert_eq!(stage.module("worker")["settings"]["image"], NEW);
        },
    },
    Row {
        scenario: "f01",
        device: SECOND,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module other: registry operation error: pull image \"private.azurecr.io/other:1\")",
        worker: "running",
        also: |stage| {
            assert_eq!((stage.runs("other"), stage.runs("free")), ("absent".to_owned(), "running".to_owned()));
        },
    },
    Row {
        scenario: "f02",
        device: FIRST,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module sensor: registry operation error: pull image \"mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:9\") (Error calling prepare update for module worker: registry operation error: pull image \"acr.azurecr.io/worker:2\")",
        worker: "running",
        also: NOTHING,
    },
    Row {
        scenario: "f03",
        device: FIRST,
        agent: (200, false),
        says: "",
        worker: "running",
        also: |stage| {
            stage.pass(120);
            assert_eq!(
                (stage.status().0, stage.description().as_str()),
                (500, "One or more errors occurred. (The operation was canceled.)")
            );
            stage.pass(600);
            assert_eq!(stage.status().0, 200);
            assert_eq!(stage.module("worker")["settings"]["image"], NEW);
        },
    },
    Row {
        scenario: "f04",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "backoff",
        also: |stage| {
            let worker = stage.module("worker");
            assert_eq!((&worker["exitCode"], &worker["restartCount"]), (&json!(1), &json!(4)));
            stage.pass(6_000);
            let worker = stage.module("worker");
            assert_eq!((&worker["runtimeStatus"], &worker["restartCount"]), (&json!("failed"), &json!(20)));
            assert_eq!(stage.status(), (200, 2), "edgeAgent is content");
            stage.pass(24 * 3_600);
            assert_eq!(stage.module("worker"), worker, "and has given up");
        },
    },
    Row {
        scenario: "f05",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "backoff",
        also: |stage| {
            stage.until(30, "the restart", |stage| stage.module("worker")["restartCount"] == 1);
            let mut exits = Vec::new();
            for _ in 0..3 {
                stage.pass(610);
                let worker = stage.module("worker");
                assert_eq!((&worker["restartCount"], &worker["runtimeStatus"]), (&json!(0), &json!("running")));
                exits.push(worker["lastExitTimeUtc"].as_str().unwrap().to_owned());
                stage.until(200, "the next crash", |stage| stage.module("worker")["restartCount"] == 1);
            }
            assert!(exits.is_sorted_by(|a, b| a < b), "{exits:?}");
        },
    },
    Row {
        scenario: "f06",
        device: FIRST,
        agent: (400, false),
        says: "Agent configuration format is invalid.",
        worker: "running",
        also: |stage| {
            stage.pass(3_600);
            assert_eq!(stage.status(), (400, 2));
        },
    },
    Row {
        scenario: "f07",
        device: FIRST,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling Create module worker: runtime operation error: create module \"worker\")",
        worker: "absent",
        also: |stage| assert_eq!(stage.runs("sensor"), "running"),
    },
    Row {
        scenario: "f07",
        device: SECOND,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling start module worker: runtime operation error: start module \"worker\")",
        worker: "stopped",
        also: NOTHING,
    },
    Row {
        scenario: "f08",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let hub = stage.reported("$edgeHub");
            assert_eq!(
                hub["lastDesiredStatus"],
                json!({"code": 400, "description": "Error while parsing desired properties - Error parsing route up - Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown."})
            );
            assert_eq!(hub["lastDesiredVersion"], 3, "edgeHub advances even so");
            let before = stage.counts();
            stage.pass(60);
            let after = stage.counts();
            assert!(after.delivered > before.delivered, "the route it had is in force: {before:?} {after:?}");
            assert_eq!(after.no_route, before.no_route, "and takes everything");
        },
    },
    Row {
        scenario: "f09",
        device: FIRST,
        agent: (412, false),
        says: "The desired properties schema version 1.4 is not compatible with the expected version 1.1.0",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.status(), (412, 2));
            assert_eq!(stage.reported("$edgeHub")["lastDesiredStatus"]["code"], 200, "either can occur alone");
        },
    },
    Row {
        scenario: "f09",
        device: SECOND,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let status = &stage.reported("$edgeHub")["lastDesiredStatus"];
            let text =
                "Error while parsing desired properties - EdgeHub config contains unsupported SchemaVersion: 1.4";
            assert_eq!(status, &json!({"code": 400, "description": text}));
        },
    },
    Row {
        scenario: "f10",
        device: FIRST,
        agent: (417, false),
        says: "This device has an empty configuration for the edge agent. Please set a deployment manifest.",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.status(), (417, 2));
            assert_eq!(stage.connection("worker"), "Connected");
        },
    },
    Row {
        scenario: "f11",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.runs("debugShell"), "running", "set by hand");
            let (_, by_hand) = stage.status();
            stage.until(360, "the deployment takes it back", |stage| stage.runs("debugShell") == "absent");
            assert_eq!(stage.status(), (200, by_hand + 1));
            assert_eq!(stage.twin("$edgeAgent")["configurations"], json!({"deploy-base": {"status": "Applied"}}));
        },
    },
    Row {
        scenario: "f12",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "absent",
        also: |stage| {
            let said = json!({"deploy-base": {"status": "Applied"}, "deploy-worker": {"status": "Targeted"}});
            assert_eq!(stage.twin("$edgeAgent")["configurations"], said);
        },
    },
    Row {
        scenario: "f13",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.runs("probe-01"), "absent", "everything is frozen at an old state");
            assert_eq!(stage.connection("probe-01"), "Connected", "while the device works");
            let refused = "Updating reported properties failed with error 403100: ";
            let log = stage.log("edgeAgent", 500);
            assert!(log.iter().any(|line| line.contains(refused)), "only its log says why: {log:#?}");
            let before = stage.reported("$edgeAgent")["$version"].clone();
            stage.pass(24 * 3_600);
            assert_eq!(stage.reported("$edgeAgent")["$version"], before);
        },
    },
    Row {
        scenario: "f14",
        device: FIRST,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module late: registry operation error: pull image \"alpine:3\")",
        worker: "running",
        also: |stage| {
            stage.until(60, "edgeHub's end", |stage| stage.runs("edgeHub") == "backoff");
            assert_eq!(stage.runs("late"), "absent");
            assert_eq!(stage.module("edgeHub")["exitCode"], 139);
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
            let log = stage.log("edgeHub", 50);
            assert!(log.iter().any(|line| line.contains("No space left on device")), "{log:#?}");
        },
    },
    Row {
        scenario: "f15",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let clients = stage.reported("$edgeHub")["clients"].clone();
            assert!(
                clients.as_object().unwrap().values().all(|client| client["status"] == "Disconnected"),
                "{clients}"
            );
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Connected", "Disconnected"]);
            let before = stage.counts();
            stage.pass(60);
            assert_eq!(stage.counts(), before, "no telemetry flows");
            stage.afflict(&Condition::CertificatesExpired, false);
            stage.pass(10);
            assert_eq!(stage.connection("worker"), "Connected");
            stage.pass(30);
            assert!(stage.counts().delivered > before.delivered, "{:?}", stage.counts());
        },
    },
    Row {
        scenario: "f16",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let started = |module: &str| stage.module(module)["lastStartTimeUtc"].as_str().unwrap().to_owned();
            assert!(started("sensor").starts_with("2025-"), "{}", started("sensor"));
            assert!(started("worker").starts_with("2026-"), "it was made anew since");
        },
    },
    Row {
        scenario: "f17",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let mut starts = Vec::new();
            for _ in 0..40 {
                stage.pass(8);
                starts.push(stage.module("edgeAgent")["lastStartTimeUtc"].to_string());
            }
            let changes = starts.windows(2).filter(|pair| pair[0] != pair[1]).count();
            starts.sort();
            starts.dedup();
            assert_eq!(starts.len(), 2, "two sets take turns");
            assert!(changes >= 4, "{changes} changes in five minutes");
        },
    },
    Row {
        scenario: "f18",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
            let ping = stage.method(Some("$edgeAgent"), "ping", &Value::Null);
            assert_eq!((ping.status, ping.header("iothub-errorcode")), (404, Some("DeviceNotOnline")));
        },
    },
    Row {
        scenario: "f18",
        device: SECOND,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.connection("$edgeHub"), "Disconnected");
            stage.pass(60);
            assert_eq!(stage.status(), (200, 2));
            stage.afflict(&Condition::NetworkOff, false);
            stage.until(40, "what happened meanwhile is told", |stage| stage.runs("worker") == "backoff");
            stage.hub().heal(SECOND).unwrap();
            stage.until(600, "the next start", |stage| stage.runs("worker") == "running");
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Connected"; 2]);
        },
    },
    Row {
        scenario: "f19",
        device: FIRST,
        agent: (406, true),
        says: "Agent is not running",
        worker: "unknown",
        also: |stage| {
            let agent = stage.reported("$edgeAgent");
            for (section, module) in
                [("systemModules", "edgeAgent"), ("systemModules", "edgeHub"), ("modules", "sensor")]
            {
                assert_eq!(agent[section][module]["runtimeStatus"], "unknown", "{module}");
            }
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
            stage.hub().start(FIRST).unwrap();
            stage.pass(90);
            assert_eq!((stage.status(), stage.runs("worker")), ((200, 2), "running".to_owned()));
        },
    },
    Row {
        scenario: "f20",
        device: FIRST,
        agent: (200, false),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.reported("$edgeHub")["lastDesiredVersion"], 3, "edgeHub is well");
            assert_eq!(stage.method(Some("$edgeAgent"), "ping", &Value::Null).status, 504);
            assert_eq!(stage.method(Some("$edgeHub"), "x", &Value::Null).status, 200);
        },
    },
    Row {
        scenario: "f21",
        device: FIRST,
        agent: (200, false),
        says: "",
        worker: "running",
        also: |stage| {
            stage.until(60, "the 500", |stage| stage.status() == (500, 3));
            assert_eq!(
                stage.description(),
                "One or more errors occurred. (Error calling stop module worker: runtime operation error: stop module \"worker\")"
            );
            stage.pass(60);
            assert_eq!(stage.status(), (200, 3));
            assert_eq!(stage.module("worker")["settings"]["image"], NEW);
        },
    },
    Row {
        scenario: "f22",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(
                (stage.runs("sensor"), stage.connection("sensor")),
                ("running".to_owned(), "Connected".to_owned())
            );
            let sent = stage.counts().sent;
            stage.pass(3_600);
            assert_eq!(stage.counts().sent, sent, "nothing comes from it");
            let other = stage.module("worker")["restartCount"].clone();
            assert_eq!(other, 0);
        },
    },
    Row {
        scenario: "f23",
        device: FIRST,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            let twin = stage.twin("worker");
            assert_eq!((twin.get("tags"), twin["properties"]["desired"].get("threshold")), (None, None));
            let kept = stage.caller.get(&format!("/twins/{SECOND}/modules/worker"));
            assert_eq!(
                (&kept["tags"]["owner"], &kept["properties"]["desired"]["threshold"]),
                (&json!("ana"), &json!(30))
            );
        },
    },
];

#[test]
fn what_the_twins_show_of_each_fault() {
    let wrong: Vec<&str> =
        ROWS.iter().filter(|row| std::panic::catch_unwind(|| check(row)).is_err()).map(|row| row.scenario).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let rows: std::collections::BTreeSet<&str> = ROWS.iter().map(|row| row.scenario).collect();
    assert_eq!(rows.len(), 23, "one scenario for each fault of the reference");
}

fn check(row: &Row) {
    let stage = Stage::of(row.scenario, row.device);
    let (code, version) = stage.status();
    let agent = (code, version == stage.desired_version());
    assert_eq!(agent, row.agent, "{}: {}", row.scenario, stage.description());
    assert_eq!(stage.description(), row.says, "{}", row.scenario);
    assert_eq!(stage.runs("worker"), row.worker, "{}", row.scenario);
    (row.also)(&stage);
}

/// In each scenario there is a device to which nothing happens.
#[test]
fn the_third_device_is_well() {
    for number in 1..=23 {
        let stage = Stage::of(&format!("f{number:02}"), "edge-gateway-003");
        let well = (stage.status().0, stage.runs("sensor"), stage.runs("edgeHub"));
        assert_eq!(well, (200, "running".to_owned(), "running".to_owned()), "f{number:02}");
    }
}

/// F16 while it lasts: the hub takes no token of a machine whose clock is a year behind, and hears nothing.
#[test]
fn a_machine_with_a_wrong_clock_is_not_heard() {
    let stage = Stage::with(&Manifest::running(&[SENSOR, ("worker", OLD)]).0);
    stage.pass(60);
    let version = |stage: &Stage| stage.reported("$edgeAgent")["$version"].clone();
    let before = version(&stage);
    let clock = Condition::ClockWrong(jiff::SignedDuration::from_hours(-8_760));
    stage.afflict(&clock, true);
    stage.pass(400);
    assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
    stage.apply(&Manifest::running(&[SENSOR, ("worker", NEW)]).0);
    stage.pass(60);
    let ping = stage.method(Some("$edgeAgent"), "ping", &Value::Null);
    assert_eq!((ping.status, ping.code()), (404, 404_103));
    assert_eq!((version(&stage), stage.status()), (before, (200, 2)));
    assert_eq!(stage.module("worker")["settings"]["image"], OLD);
    stage.afflict(&clock, false);
    stage.pass(90);
    assert_eq!((stage.status(), stage.connection("$edgeHub").as_str()), ((200, 3), "Connected"));
}

/// An end that has yet to come is not waited for.
#[test]
fn a_clock_put_back_after_a_crash_restarts_the_module_at_once() {
    let stage = Stage::with(&Manifest::running(&[SENSOR, ("worker", OLD)]).0);
    stage.pass(60);
    let crash = Condition::Crashes {
        module: "worker".to_owned(),
        code: 1,
        after: std::time::Duration::from_secs(1),
        says: String::new(),
    };
    stage.afflict(&crash, true);
    stage.until(300, "a restart that is waited for long", |stage| {
        let worker = stage.module("worker");
        (&worker["runtimeStatus"], &worker["restartCount"]) == (&json!("backoff"), &json!(4))
    });
    stage.afflict(&crash, false);
    stage.afflict(&Condition::ClockWrong(jiff::SignedDuration::from_mins(-30)), true);
    let waited = stage.until(160, "the restart", |stage| stage.module("worker")["restartCount"] == 5);
    assert!(waited <= 15, "after {waited} s instead of at the next look");
    assert_eq!(stage.runs("worker"), "running");
}

#[test]
fn daemons_before_1_2_nest_the_causes_and_describe_states() {
    let stage = Stage::empty();
    stage.register(D);
    stage.apply(&Manifest::running(&[SENSOR]).module("worker", "private.azurecr.io/worker:1").0);
    let spec = crate::sim::device::MachineSpec {
        runtime: "1.1.15".to_owned(),
        agent_image: "mcr.microsoft.com/azureiotedge-agent:1.1".to_owned(),
        ..crate::sim::device::MachineSpec::default()
    };
    let manifest = Manifest::running(&[SENSOR])
        .module("worker", "private.azurecr.io/worker:1")
        .agent("/systemModules/edgeAgent/settings/image", json!("mcr.microsoft.com/azureiotedge-agent:1.1"))
        .agent("/systemModules/edgeHub/settings/image", json!("mcr.microsoft.com/azureiotedge-hub:1.1"));
    stage.apply(&manifest.0);
    stage.hub().provision(D, spec).unwrap();
    stage.pass(90);
    assert_eq!(
        stage.description(),
        "One or more errors occurred. (Error calling prepare update for module worker: Could not prepare update for module \"worker\"\n\tcaused by: Could not pull image private.azurecr.io/worker:1\n\tcaused by: unauthorized: authentication required)"
    );
    let agent = stage.reported("$edgeAgent");
    assert_eq!(agent["runtime"]["platform"], json!({"os": "linux", "architecture": "x86_64", "version": "1.1.15"}));
    let sensor = &agent["modules"]["sensor"];
    assert_eq!(
        (&sensor["statusDescription"], &sensor["lastExitTimeUtc"]),
        (&json!("running"), &json!("0001-01-01T00:00:00"))
    );
    assert_eq!(agent["version"]["version"], "1.1.15");
}
