//! The shape of what simulated devices report, beside bodies in the shape of the real ones (`tests/fixtures/samples`):
//! keys, types and nesting. A difference is either listed here with its reason, or a bug.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::MachineSpec;

/// A place, dotted, and the types that were seen there.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

/// Places whose members have names of their own: they are one place.
const NAMED: [&str; 5] = ["modules", "clients", "registryCredentials", "env", "routes"];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
        Value::String(text) => match text.trim_end_matches('Z').parse::<jiff::civil::DateTime>() {
            Ok(_) if text.ends_with('Z') => "time",
            Ok(_) => "time without a zone",
            Err(_) => "text",
        },
    }
}

fn shape_of(value: &Value, place: &str, out: &mut Shape) {
    out.entry(place.to_owned()).or_default().insert(kind(value));
    let Some(members) = value.as_object() else { return };
    let last = place.rsplit('.').next().unwrap();
    for (name, member) in members {
        // A name for all modules, and no metadata of them: it mirrors what it is about.
        let name = if NAMED.contains(&last) { "*" } else { name };
        if last == "$metadata" && !name.starts_with('$') {
            continue;
        }
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        shape_of(member, &place, out);
    }
}

fn shape(value: &Value) -> Shape {
    let mut out = Shape::new();
    shape_of(value, "", &mut out);
    out
}

/// One line for each place at which the two differ, without what lies below a place that only one of them has.
fn differences(real: &Value, ours: &Value) -> Vec<String> {
    let (real, ours) = (shape(real), shape(ours));
    let places: BTreeSet<&String> = real.keys().chain(ours.keys()).collect();
    let mut only: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    for place in places {
        if only.iter().any(|above| place.starts_with(&format!("{above}."))) {
            continue;
        }
        match (real.get(place), ours.get(place)) {
            (Some(_), None) => {
                only.push(place);
                out.push(format!("{place}: only there"));
            }
            (None, Some(_)) => {
                only.push(place);
                out.push(format!("{place}: only here"));
            }
            (Some(real), Some(ours)) if real.is_disjoint(ours) => {
                out.push(format!("{place}: {real:?} there, {ours:?} here"));
            }
            _ => {}
        }
    }
    out
}

/// One comparison.
struct Row {
    what: &'static str,
    real: &'static str,
    ours: fn() -> Value,
    /// Differences, and why each is one that may be.
    accepted: &'static [(&'static str, &'static str)],
}

const PART: &str = "the source shows a part only";
const OLD: &str = "the sample is of an older API";
const SET: &str = "our manifest says something there, the sample's did not";

const ROWS: &[Row] = &[
    Row {
        what: "what edgeAgent 1.4 reports",
        real: include_str!("../../../../tests/fixtures/samples/edgeagent-reported-1.4.json"),
        ours: || healthy().reported("$edgeAgent"),
        accepted: &[
            ("$metadata: only here", PART),
            ("$version: only here", PART),
            ("lastDesiredVersion: only here", PART),
            ("modules.*.exitCode: only here", PART),
            ("modules.*.lastExitTimeUtc: only here", PART),
            (
                "modules.*.lastRestartTimeUtc: {\"time without a zone\"} there, {\"time\"} here",
                "the Z came with 1.4.8, and the sample is of 1.4.2",
            ),
            ("modules.*.lastStartTimeUtc: only here", PART),
            ("modules.*.restartCount: only here", PART),
            ("systemModules: only here", PART),
        ],
    },
    Row {
        what: "what edgeAgent 1.1 reports when it is stopped",
        real: include_str!("../../../../tests/fixtures/samples/edgeagent-reported-406.json"),
        ours: || {
            let stage = old_runtime();
            stage.hub().stop(D, true).unwrap();
            stage.pass(5);
            stage.reported("$edgeAgent")
        },
        accepted: &[
            ("$metadata: only here", PART),
            ("modules.*.env.*: only here", SET),
            ("modules.*.startupOrder: only here", SET),
            ("runtime.settings.loggingOptions: only here", SET),
            ("runtime.settings.registryCredentials.*: only here", SET),
            ("systemModules.edgeAgent.env: only here", SET),
            ("systemModules.edgeHub.env: only here", SET),
            ("systemModules.edgeHub.imagePullPolicy: only here", SET),
            ("systemModules.edgeHub.startupOrder: only here", SET),
        ],
    },
    Row {
        what: "what an old edgeAgent reports of its modules and of the runtime's",
        real: include_str!("../../../../tests/fixtures/samples/edgeagent-modules.json"),
        ours: || old_runtime().reported("$edgeAgent"),
        accepted: &[
            ("$metadata: only here", PART),
            ("$version: only here", PART),
            ("lastDesiredStatus: only here", PART),
            ("lastDesiredVersion: only here", PART),
            ("modules.*.env.*: only here", SET),
            ("modules.*.lastRestartTimeUtc: only here", PART),
            ("modules.*.startupOrder: only here", SET),
            ("runtime: only here", PART),
            ("schemaVersion: only here", PART),
            ("systemModules.edgeAgent.env: only here", SET),
            ("systemModules.edgeAgent.restartPolicy: only there", "the service that showed it gives every module one"),
            ("systemModules.edgeHub.lastRestartTimeUtc: only here", PART),
            ("systemModules.edgeHub.startupOrder: only here", SET),
            ("version: only here", PART),
        ],
    },
    Row {
        what: "a twin of edgeHub",
        real: include_str!("../../../../tests/fixtures/samples/edgehub-twin.json"),
        ours: || {
            let stage = healthy();
            stage.apply(&manifest().agent("/modules/worker/status", json!("stopped")).0);
            stage.pass(60);
            stage.twin("$edgeHub")
        },
        accepted: &[
            ("modelId: only here", OLD),
            ("properties.desired: only here", PART),
            ("properties.reported.$metadata: only here", PART),
            ("properties.reported.lastDesiredStatus: only here", PART),
            ("properties.reported.version: only here", PART),
        ],
    },
    Row {
        what: "an old twin of edgeHub with its desired properties",
        real: include_str!("../../../../tests/fixtures/samples/edgehub-twin-old.json"),
        ours: || healthy().twin("$edgeHub"),
        accepted: &[
            ("lastActivityTime: {\"time without a zone\"} there, {\"time\"} here", OLD),
            ("modelId: only here", OLD),
            ("properties.desired.$version: only here", PART),
            (
                "properties.desired.routes.*: {\"text\"} there, {\"object\"} here",
                "schema 1.0 has routes as texts, 1.1 as objects too",
            ),
            ("properties.desired.routes.*.route: only here", "schema 1.0 has routes as texts, 1.1 as objects too"),
            ("properties.reported: only here", PART),
            ("statusUpdateTime: {\"time without a zone\"} there, {\"time\"} here", OLD),
        ],
    },
    Row {
        what: "an old twin of a module",
        real: include_str!("../../../../tests/fixtures/samples/module-twin-old.json"),
        ours: || {
            let stage = healthy();
            stage.apply(&manifest().twin("worker", &json!({"settings": {"image": "x", "createOptions": ""}})).0);
            stage.twin("worker")
        },
        accepted: &[
            ("lastActivityTime: {\"time without a zone\"} there, {\"time\"} here", OLD),
            ("modelId: only here", OLD),
            ("properties.desired.$version: only here", PART),
            ("properties.reported: only here", PART),
            ("statusUpdateTime: {\"time without a zone\"} there, {\"time\"} here", OLD),
        ],
    },
    Row {
        what: "the twins of a device that is registered, and no more",
        real: include_str!("../../../../tests/fixtures/samples/twins-fresh.json"),
        ours: || {
            let stage = Stage::empty();
            stage.register(D);
            json!({"twins": {"a": stage.twin("$edgeAgent"), "b": stage.twin("$edgeHub")}})
        },
        accepted: &[],
    },
    Row {
        what: "identities of modules",
        real: include_str!("../../../../tests/fixtures/samples/module-identities.json"),
        ours: || {
            let stage = Stage::empty();
            stage.register(D);
            let path = format!("/devices/{D}/modules/module1");
            let body = json!({"deviceId": D, "moduleId": "module1"});
            assert_eq!(stage.caller.send("PUT", &path, &[], &body).status, 200);
            stage.apply(&manifest().twin("sensor", &json!({"interval": 5})).0);
            let listed = stage.caller.get(&format!("/devices/{D}/modules"));
            let by_id = |module: &Value| (module["moduleId"].as_str().unwrap().to_owned(), module.clone());
            let modules: Map<String, Value> = listed.as_array().unwrap().iter().map(by_id).collect();
            json!({ "modules": modules })
        },
        accepted: &[
            ("modules.*.cloudToDeviceMessageCount: only here", PART),
            ("modules.*.connectionStateUpdatedTime: only here", PART),
            ("modules.*.deviceId: only here", PART),
            ("modules.*.etag: only here", PART),
            ("modules.*.generationId: only here", PART),
            ("modules.*.lastActivityTime: only here", PART),
            ("modules.*.moduleId: only here", PART),
        ],
    },
];

fn manifest() -> Manifest {
    Manifest::running(&[
        ("sensor", "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0"),
        ("worker", "acr.azurecr.io/worker:1"),
    ])
    .agent("/modules/worker/startupOrder", json!(3))
    .agent("/modules/worker/env", json!({"MODE": {"value": "x"}}))
}

fn healthy() -> Stage {
    let stage = Stage::with(&manifest().0);
    stage.pass(60);
    stage
}

fn old_runtime() -> Stage {
    let stage = Stage::empty();
    stage.register(D);
    let manifest = manifest()
        .agent("/systemModules/edgeAgent/settings/image", json!("mcr.microsoft.com/azureiotedge-agent:1.1"))
        .agent("/systemModules/edgeHub/settings/image", json!("mcr.microsoft.com/azureiotedge-hub:1.1"));
    stage.apply(&manifest.0);
    let spec = MachineSpec {
        runtime: "1.1.15".to_owned(),
        agent_image: "mcr.microsoft.com/azureiotedge-agent:1.1".to_owned(),
        ..MachineSpec::default()
    };
    stage.hub().provision(D, spec).unwrap();
    stage.pass(120);
    stage
}

#[test]
fn what_we_report_has_the_shape_of_what_is_reported() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let found = differences(&serde_json::from_str(row.real).unwrap(), &(row.ours)());
        let accepted: Vec<&str> = row.accepted.iter().map(|(difference, _)| *difference).collect();
        let new = found.iter().filter(|difference| !accepted.contains(&difference.as_str()));
        wrong.extend(new.map(|difference| format!("{}: {difference}", row.what)));
        let gone = accepted.iter().filter(|difference| !found.iter().any(|found| found == *difference));
        wrong.extend(gone.map(|difference| format!("{}: no difference any more: {difference}", row.what)));
        assert!(row.accepted.iter().all(|(_, reason)| !reason.is_empty()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_shape_is_places_and_types() {
    let real = json!({"modules": {"a": {"n": 1, "t": "2026-01-01T00:00:00"}}, "gone": {"x": 1}});
    let ours = json!({"modules": {"b": {"n": "1", "t": "2026-01-01T00:00:00Z"}}, "new": null});
    assert_eq!(
        differences(&real, &ours),
        [
            "gone: only there",
            "modules.*.n: {\"number\"} there, {\"text\"} here",
            "modules.*.t: {\"time without a zone\"} there, {\"time\"} here",
            "new: only here",
        ]
    );
}
