//! What can go wrong, F1 to F21 of the reference, each as an operator sees it through the hub alone. F22, a sensor that is
//! silent and well, is in `modules`, F23, a twin that is lost, in `updates`.
//!
//! A row sets something up on a healthy device with a worker and a sensor, waits, and says what the twins show.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::{Access, Condition, Operation, Pull};

const SENSOR: (&str, &str) = ("sensor", "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0");
const WORKER: (&str, &str) = ("worker", "acr.azurecr.io/worker:1");
const NEWER: (&str, &str) = ("worker", "acr.azurecr.io/worker:2");

fn healthy() -> Manifest {
    Manifest::running(&[SENSOR, WORKER])
}

fn crashes(after: u64) -> Condition {
    Condition::Crashes { module: "worker".to_owned(), code: 1, after: Duration::from_secs(after), says: String::new() }
}

fn refuses(operation: Operation, times: Option<u32>) -> Condition {
    Condition::Refuses { module: "worker".to_owned(), operation, times }
}

/// One scenario.
struct Row {
    f: &'static str,
    happens: fn(&Stage),
    /// Seconds until it can be seen.
    after: u64,
    /// edgeAgent's code, and whether it stands for the version that is desired.
    agent: (i64, bool),
    /// The whole description.
    says: &'static str,
    /// `runtimeStatus` of the worker.
    worker: &'static str,
    /// What else can be seen.
    also: fn(&Stage),
}

const NOTHING: fn(&Stage) = |_| {};

const ROWS: &[Row] = &[
    Row {
        f: "F1 pull refused, update",
        happens: |stage| {
            stage.hub().change_registry(|registry| registry.restrict("acr.azurecr.io", Access::Nobody));
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
        },
        after: 30,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module worker: registry operation error: pull image \"acr.azurecr.io/worker:2\")",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.module("worker")["settings"]["image"], WORKER.1, "the old image runs on");
            // Four tries later the password is right again.
            stage.pass(140);
            assert_eq!(stage.status().0, 500);
            stage.hub().change_registry(|registry| registry.restrict("acr.azurecr.io", Access::Credentials));
            stage.until(330, "the next try", |stage| stage.status().0 == 200);
            stage.pass(10);
            assert_eq!(stage.module("worker")["settings"]["image"], NEWER.1);
        },
    },
    Row {
        f: "F1 no credentials, new module",
        happens: |stage| {
            let manifest = healthy().module("other", "private.azurecr.io/other:1").module("free", "alpine:3");
            stage.apply(&manifest.0);
        },
        after: 60,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module other: registry operation error: pull image \"private.azurecr.io/other:1\")",
        worker: "running",
        also: |stage| {
            assert_eq!((stage.runs("other"), stage.runs("free")), ("absent".to_owned(), "running".to_owned()));
        },
    },
    Row {
        f: "F2 no such tag, and another error beside it",
        happens: |stage| {
            stage.hub().change_registry(|registry| registry.rule(NEWER.1, Pull::NotFound));
            let sensor = "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:9";
            stage.apply(&Manifest::running(&[("sensor", sensor), NEWER]).0);
        },
        after: 30,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module sensor: registry operation error: pull image \"mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:9\") (Error calling prepare update for module worker: registry operation error: pull image \"acr.azurecr.io/worker:2\")",
        worker: "running",
        also: NOTHING,
    },
    Row {
        f: "F3 slow pull",
        happens: |stage| {
            stage.hub().change_registry(|registry| registry.rule(NEWER.1, Pull::Ready(Duration::from_secs(700))));
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
            stage.pass(200);
            assert_eq!(stage.status(), (200, 2), "nothing new while it pulls");
        },
        after: 120,
        agent: (500, true),
        says: "One or more errors occurred. (The operation was canceled.)",
        worker: "running",
        also: |stage| {
            // What was fetched stays, so the third try gets there.
            stage.pass(600);
            assert_eq!(stage.status().0, 200);
            assert_eq!(stage.module("worker")["settings"]["image"], NEWER.1);
        },
    },
    Row {
        f: "F4 crash loop",
        happens: |stage| stage.afflict(&crashes(1), true),
        after: 300,
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
        f: "F5 slow crash",
        happens: |stage| stage.afflict(&crashes(700), true),
        after: 706,
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
        f: "F6 createOptions is no JSON",
        happens: |stage| {
            let manifest = healthy().agent("/modules/worker/settings/createOptions", json!("{\"HostConfig\":"));
            stage.apply(&manifest.0);
        },
        after: 20,
        agent: (400, false),
        says: "Agent configuration format is invalid.",
        worker: "running",
        also: NOTHING,
    },
    Row {
        f: "F7 the engine refuses to make the container",
        happens: |stage| {
            stage.afflict(&refuses(Operation::Create, None), true);
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
        },
        after: 60,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling Create module worker: runtime operation error: create module \"worker\")",
        worker: "absent",
        also: |stage| assert_eq!(stage.runs("sensor"), "running"),
    },
    Row {
        f: "F7 the engine refuses to start the container",
        happens: |stage| {
            stage.afflict(&refuses(Operation::Start, None), true);
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).agent("/modules/worker/restartPolicy", json!("never")).0);
        },
        after: 60,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling start module worker: runtime operation error: start module \"worker\")",
        worker: "stopped",
        also: NOTHING,
    },
    Row {
        f: "F8 a route with a syntax error",
        happens: |stage| stage.apply(&healthy().hub("/routes/up", json!("FROM /messages/* WERE x INTO $upstream")).0),
        after: 20,
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
        },
    },
    Row {
        f: "F9 a schema version edgeAgent does not take",
        happens: |stage| stage.apply(&healthy().agent("/schemaVersion", json!("1.4")).0),
        after: 20,
        agent: (412, false),
        says: "The desired properties schema version 1.4 is not compatible with the expected version 1.1.0",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.reported("$edgeHub")["lastDesiredStatus"]["code"], 200, "either can occur alone");
            stage.apply(&healthy().hub("/schemaVersion", json!("1.4")).0);
            stage.pass(20);
            assert_eq!(stage.status(), (200, 4));
            let status = &stage.reported("$edgeHub")["lastDesiredStatus"];
            let text =
                "Error while parsing desired properties - EdgeHub config contains unsupported SchemaVersion: 1.4";
            assert_eq!(status, &json!({"code": 400, "description": text}));
        },
    },
    Row {
        f: "F10 nothing is desired any more",
        happens: |stage| stage.apply(&json!({"modulesContent": {"$edgeAgent": {"properties.desired": {}}}})),
        after: 20,
        agent: (417, false),
        says: "This device has an empty configuration for the edge agent. Please set a deployment manifest.",
        worker: "running",
        also: NOTHING,
    },
    Row {
        f: "F11 two mechanisms fight",
        happens: |stage| {
            for _ in 0..3 {
                stage.apply(&Manifest::running(&[SENSOR]).0);
                stage.pass(60);
                assert_eq!((stage.status().0, stage.runs("worker")), (200, "absent".to_owned()));
                stage.apply(&healthy().0);
                stage.pass(60);
            }
        },
        after: 0,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| assert_eq!(stage.status(), (200, 8), "two versions a round"),
    },
    Row {
        f: "F12 a layer is dropped",
        happens: |stage| stage.apply(&Manifest::running(&[SENSOR]).0),
        after: 60,
        agent: (200, true),
        says: "",
        worker: "absent",
        also: NOTHING,
    },
    Row {
        f: "F13 the report is too large",
        happens: |stage| {
            let env =
                |n: usize| json!({"A": {"value": "x".repeat(3_000)}, "B": {"value": format!("{n}").repeat(2_000)}});
            let manifest = (0..8).fold(healthy(), |manifest, n| {
                manifest.module(&format!("m{n}"), "alpine:3").agent(&format!("/modules/m{n}/env"), env(n))
            });
            stage.apply(&manifest.0);
        },
        after: 120,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.runs("m0"), "absent", "everything is frozen at an old state");
            assert_eq!(stage.connection("m0"), "Connected", "while the device works");
        },
    },
    Row {
        f: "F14 disk full",
        happens: |stage| {
            stage.afflict(&Condition::DiskFull, true);
            stage.apply(&healthy().module("late", "alpine:3").0);
        },
        after: 60,
        agent: (500, true),
        says: "One or more errors occurred. (Error calling prepare update for module late: registry operation error: pull image \"alpine:3\")",
        worker: "running",
        also: |stage| {
            stage.until(60, "edgeHub's end", |stage| stage.runs("edgeHub") == "backoff");
            assert_eq!(stage.runs("late"), "absent");
            assert_eq!(stage.module("edgeHub")["exitCode"], 139);
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
        },
    },
    Row {
        f: "F15 edgeHub's certificate expired",
        happens: |stage| stage.afflict(&Condition::CertificatesExpired, true),
        after: 10,
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
            stage.afflict(&Condition::CertificatesExpired, false);
            stage.pass(10);
            assert_eq!(stage.connection("worker"), "Connected");
        },
    },
    Row {
        f: "F16 wrong clock",
        happens: |stage| {
            stage.afflict(&Condition::ClockWrong(SignedDuration::from_hours(-24 * 365)), true);
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
            stage.pass(300);
            assert_eq!(stage.status(), (200, 2), "the hub takes it for expired, and hears nothing");
            // A restart in the wrong time, as the operator would try.
            stage.hub().stop(D, true).unwrap();
            stage.hub().start(D).unwrap();
            stage.pass(60);
            stage.afflict(&Condition::ClockWrong(SignedDuration::ZERO), false);
        },
        after: 120,
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
        f: "F17 two machines with one identity",
        happens: |stage| stage.hub().copy(D).unwrap(),
        after: 240,
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
        f: "F18 power loss",
        happens: |stage| {
            stage.hub().stop(D, false).unwrap();
            let ping = stage.method(Some("$edgeAgent"), "ping", &Value::Null);
            assert_eq!((ping.status, ping.header("iothub-errorcode")), (404, Some("DeviceNotOnline")));
            stage.pass(200);
            assert_eq!(stage.connection("worker"), "Connected", "the hub has not noticed");
        },
        after: 24 * 3_600,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]),
    },
    Row {
        f: "F18 network loss",
        happens: |stage| {
            stage.afflict(&Condition::NetworkOff, true);
            stage.afflict(&crashes(1), true);
        },
        after: 600,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| {
            assert_eq!(stage.connection("$edgeHub"), "Disconnected");
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
            stage.pass(60);
            assert_eq!(stage.status(), (200, 2));
            stage.afflict(&Condition::NetworkOff, false);
            stage.until(40, "what happened meanwhile is told", |stage| stage.runs("worker") == "backoff");
            stage.afflict(&crashes(1), false);
            stage.pass(60);
            assert_eq!(stage.status(), (200, 3));
            assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Connected"; 2]);
        },
    },
    Row {
        f: "F19 orderly stop",
        happens: |stage| stage.hub().stop(D, true).unwrap(),
        after: 3_600,
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
            stage.hub().start(D).unwrap();
            stage.pass(90);
            assert_eq!((stage.status(), stage.runs("worker")), ((200, 2), "running".to_owned()));
        },
    },
    Row {
        f: "F20 edgeAgent hangs",
        happens: |stage| {
            stage.afflict(&Condition::AgentHung, true);
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).hub("/routes/other", json!("FROM /* INTO $upstream")).0);
        },
        after: 600,
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
        f: "F21 a benign 500",
        happens: |stage| {
            stage.afflict(&refuses(Operation::Stop, Some(1)), true);
            stage.apply(&Manifest::running(&[SENSOR, NEWER]).0);
            stage.until(60, "the 500", |stage| stage.status() == (500, 3));
            assert_eq!(
                stage.description(),
                "One or more errors occurred. (Error calling stop module worker: runtime operation error: stop module \"worker\")"
            );
        },
        after: 60,
        agent: (200, true),
        says: "",
        worker: "running",
        also: |stage| assert_eq!(stage.module("worker")["settings"]["image"], NEWER.1),
    },
];

#[test]
fn what_the_twins_show_of_each_fault() {
    let wrong: Vec<&str> =
        ROWS.iter().filter(|row| std::panic::catch_unwind(|| check(row)).is_err()).map(|row| row.f).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check(row: &Row) {
    let stage = Stage::with(&healthy().0);
    stage.pass(60);
    assert_eq!((stage.status(), stage.runs("worker")), ((200, 2), "running".to_owned()), "{}", row.f);
    (row.happens)(&stage);
    stage.pass(row.after);
    let (code, version) = stage.status();
    assert_eq!((code, version == stage.desired_version()), row.agent, "{}: {}", row.f, stage.description());
    assert_eq!(stage.description(), row.says, "{}", row.f);
    assert_eq!(stage.runs("worker"), row.worker, "{}", row.f);
    (row.also)(&stage);
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
