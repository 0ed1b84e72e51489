//! The default world, asked the questions an operator asks.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::query;
use crate::domain::time::{ManualClock, SharedClock, wall_age};
use crate::sim::hub::testing::Caller;

use super::*;

fn world() -> (Caller, Timestamp) {
    let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let clock: SharedClock = ManualClock::at(now);
    (Caller::new(Scenario::Default.build(Seed::fixed(7), Arc::clone(&clock), clock)), now)
}

fn device_ids(caller: &Caller, query: &str) -> Vec<String> {
    query::parse(query).unwrap();
    let rows = caller.query(query);
    let ids = rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn three_things_are_wrong_and_one_is_not_there_yet() {
    let (caller, now) = world();
    let agents = "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeAgent'";
    for (condition, expected) in [
        ("properties.reported.lastDesiredStatus.code != 200", vec!["edge-gateway-203"]),
        ("properties.reported.modules.temperatureFilter.runtimeStatus = 'backoff'", vec!["edge-gateway-104"]),
        ("NOT IS_DEFINED(properties.reported.lastDesiredStatus)", vec!["edge-gateway-113"]),
        ("properties.desired.$version != properties.reported.lastDesiredVersion", vec![]),
        ("NOT IS_DEFINED(configurations)", vec!["edge-gateway-001"]),
    ] {
        assert_eq!(device_ids(&caller, &format!("{agents} AND {condition}")), expected, "{condition}");
    }
    let dark = "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeHub' AND connectionState = 'Disconnected' AND IS_DEFINED(properties.reported.version)";
    assert_eq!(device_ids(&caller, dark), ["edge-gateway-209"]);

    for row in caller.query("SELECT * FROM devices.modules WHERE moduleId = '$edgeAgent'").as_array().unwrap() {
        let stamp: Timestamp =
            row["properties"]["reported"]["$metadata"]["$lastUpdated"].as_str().unwrap().parse().unwrap();
        let age = wall_age(now, stamp).as_secs();
        match row["deviceId"].as_str().unwrap() {
            "edge-gateway-209" => assert!((5 * HOUR..6 * HOUR).contains(&age), "{age} s"),
            "edge-gateway-104" => {
                let filter = &row["properties"]["reported"]["modules"]["temperatureFilter"];
                assert_eq!((&filter["restartCount"], &filter["exitCode"]), (&json!(7), &json!(1)));
                assert!(age < 90, "{age} s");
            }
            "edge-gateway-113" => {
                assert_eq!(row["properties"]["reported"]["$version"], 1);
                assert_eq!(row["properties"]["desired"]["$version"], 3, "it is deployed to all the same");
            }
            id => assert!((HOUR..15 * DAY).contains(&age), "{id}: {age} s"),
        }
    }
}

/// Whatever the seed, which decides fractions of waits: seven restarts, and minutes until the next.
#[test]
fn the_crash_loop_is_at_its_seventh_restart_with_any_seed() {
    for seed in 0..6 {
        let clock: SharedClock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
        let caller = Caller::new(Scenario::Default.build(Seed::fixed(seed), Arc::clone(&clock), clock));
        let agent = caller.get("/twins/edge-gateway-104/modules/%24edgeAgent");
        let filter = &agent["properties"]["reported"]["modules"]["temperatureFilter"];
        assert_eq!((&filter["restartCount"], &filter["runtimeStatus"]), (&json!(7), &json!("backoff")), "seed {seed}");
    }
}

/// For as long as a console's tests look at it, nobody reports anything new.
#[test]
fn the_default_world_stands_still_for_minutes() {
    let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
    let shared: SharedClock = clock.clone();
    let caller = Caller::new(Scenario::Default.build(Seed::fixed(7), Arc::clone(&shared), shared));
    let agents = "SELECT deviceId, version FROM devices.modules WHERE moduleId IN ['$edgeAgent', '$edgeHub']";
    let before = caller.query(agents);
    clock.advance(Duration::from_secs(2 * MINUTE));
    assert_eq!(caller.query(agents), before);
}

#[test]
fn the_sites_are_two_dozen_under_one_base() {
    let (caller, _) = world();
    let by_building = "SELECT tags.location.building AS b, COUNT() AS n FROM devices WHERE capabilities.iotEdge = true GROUP BY tags.location.building";
    assert_eq!(caller.query(by_building), json!([{"n": 1}, {"b": "B1", "n": 13}, {"b": "B2", "n": 12}]));
    for (id, targeted) in [("deploy-base-sites", 25), ("deploy-ml-gateways", 21), ("deploy-ml-canary", 1)] {
        let text = format!(
            "select count() as n from devices.modules where moduleId = '$edgeAgent' and configurations.[[{id}]].status = 'Applied'"
        );
        assert_eq!(caller.query(&text), json!([{ "n": targeted }]), "{id}");
    }
}

#[test]
fn the_hand_set_gateway_is_where_the_tutorial_starts() {
    let (caller, _) = world();
    let twin = caller.get("/twins/edge-gateway-001/modules/$edgeAgent");
    let modules = &twin["properties"]["reported"]["modules"];
    let names: Vec<&String> = modules.as_object().unwrap().keys().collect();
    assert_eq!(names, ["SimulatedTemperatureSensor", "temperatureFilter", "debugShell"]);
    assert_eq!(
        modules["temperatureFilter"]["settings"]["image"],
        "acrproduction001.azurecr.io/temperature-filter:0.9.0"
    );
    let filter = caller.get("/twins/edge-gateway-001/modules/temperatureFilter");
    for section in ["desired", "reported"] {
        assert_eq!(filter["properties"][section]["temperatureThreshold"], 25.0, "{section}");
    }
    let device = caller.get("/twins/edge-gateway-001");
    assert_eq!(device.get("tags"), None);
    assert_eq!(device.get("configurations"), None);
}

#[test]
fn provenance_is_in_the_metadata_of_the_leaves() {
    let (caller, _) = world();
    let twin = caller.get("/twins/edge-gateway-203/modules/%24edgeAgent");
    let by =
        |path: &str| twin.pointer(&format!("/properties/desired/$metadata/modules/{path}/$lastUpdatedBy")).cloned();
    assert_eq!(by("temperatureFilter/settings/image"), Some(json!("deploy-base-sites")));
    assert_eq!(by("mlInference/settings/image"), Some(json!("deploy-ml-canary")));
    assert_eq!(
        twin["properties"]["reported"]["lastDesiredStatus"],
        json!({"code": 500, "description": "One or more errors occurred. (Error calling prepare update for module mlInference: registry operation error: pull image \"acrproduction001.azurecr.io/ml-inference:2.1.o\")"})
    );
    let image = twin.pointer("/properties/reported/modules/mlInference/settings/image").and_then(Value::as_str);
    assert_eq!(image, Some("acrproduction001.azurecr.io/ml-inference:2.0.3"));
}

#[test]
fn every_stamp_lies_in_the_past_and_every_twin_within_the_limits() {
    let (caller, now) = world();
    let rows = caller.query("SELECT * FROM devices.modules");
    fn stamps(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                Value::String(text) if key == "$lastUpdated" || key.ends_with("TimeUtc") => out.push(text.clone()),
                value => stamps(value, out),
            }),
            Value::Array(items) => items.iter().for_each(|item| stamps(item, out)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    stamps(&rows, &mut found);
    assert!(found.len() > 1_000, "{}", found.len());
    for text in found {
        assert!(text.parse::<Timestamp>().unwrap() <= now, "{text}");
    }
    assert!(rows.as_array().unwrap().iter().all(|row| row["properties"].to_string().len() < 60_000));
}

#[test]
fn a_fixed_seed_makes_the_same_world() {
    let everything = |caller: &Caller| (caller.get("/devices"), caller.query("SELECT * FROM devices.modules"));
    assert_eq!(everything(&world().0), everything(&world().0));
}

#[test]
fn scenarios_have_names() {
    for name in Scenario::names() {
        assert_eq!(Scenario::open(name).unwrap().name(), name);
    }
    assert_eq!(Scenario::open("f04").unwrap().name(), "f04-crash-loop");
    for (name, part) in [
        ("demo", "is no scenario; there are default, tutorial, f01-pull-refused"),
        ("no/such.toml", "no/such.toml: could not be read"),
        (".", "is no file"),
    ] {
        let error = Scenario::open(name).expect_err(name).to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_deployments_are_there_and_counted_and_have_nothing_left_to_do() {
    let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let clock = ManualClock::at(now);
    let caller = Caller::new(Scenario::Default.build(Seed::fixed(7), clock.clone(), clock.clone()));
    let twins =
        |caller: &Caller| (caller.query("SELECT * FROM devices"), caller.query("SELECT * FROM devices.modules"));
    let before = twins(&caller);
    // The same world without deployments: all they add is the modules of the gateway that was never installed.
    let bare = SimHub::new(HUB, Seed::fixed(7), clock.clone(), clock.clone());
    let (devices, happenings) = default::world(&World { now });
    devices.into_iter().for_each(|device| bare.seed(device));
    bare.play(happenings);
    let (devices, mut modules) = twins(&Caller::new(bare));
    let made = caller
        .query("SELECT * FROM devices.modules WHERE deviceId = 'edge-gateway-113' AND NOT STARTSWITH(moduleId, '$')");
    assert_eq!(made.as_array().unwrap().len(), 3);
    modules.as_array_mut().unwrap().extend(made.as_array().unwrap().iter().cloned());
    let sorted = |rows: &Value| {
        let mut rows = rows.as_array().unwrap().clone();
        rows.sort_by_key(|row| (row["deviceId"].to_string(), row["moduleId"].to_string()));
        rows
    };
    assert_eq!((before.0.clone(), sorted(&before.1)), (devices, sorted(&modules)), "what the twins hold already");
    let count = |targeted: u64, successful: u64, failed: u64| json!({"targetedCount": targeted, "appliedCount": targeted, "reportedSuccessfulCount": successful, "reportedFailedCount": failed});
    let listed = caller.get("/configurations");
    let shown: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["id"].as_str().unwrap(), one["priority"].as_u64().unwrap(), one["systemMetrics"]["results"].clone())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("deploy-base-sites", 10, count(25, 23, 1)),
            ("deploy-ml-gateways", 20, count(21, 19, 1)),
            ("deploy-ml-canary", 30, count(1, 0, 1)),
        ]
    );
    // Tags, desired properties and deployments of every twin; what machines report goes on.
    let written = |twins: &(Value, Value)| -> Vec<Value> {
        let rows = twins.0.as_array().unwrap().iter().chain(twins.1.as_array().unwrap());
        rows.map(|row| json!([row["deviceId"], row["moduleId"], row["etag"], row["configurations"]])).collect()
    };
    clock.advance(Duration::from_secs(HOUR));
    assert_eq!(written(&twins(&caller)), written(&before), "an evaluation writes nothing");
    assert_eq!(caller.get("/configurations"), listed);
}

fn copied(caller: &Caller, now: Timestamp) -> HubSnapshot {
    let rows = |value: Value| value.as_array().unwrap().clone();
    HubSnapshot {
        taken_at: now,
        hub: "h1.azure-devices.net".to_owned(),
        devices: rows(caller.query("SELECT * FROM devices")),
        modules: rows(caller.query("SELECT * FROM devices.modules")),
        configurations: rows(caller.get("/configurations?top=100")),
    }
}

fn begun_as(copy: &HubSnapshot, clock: &Arc<ManualClock>) -> Caller {
    let copy = Arc::new(HubSnapshot::read(&copy.to_text()).unwrap());
    let clock: SharedClock = clock.clone();
    let scenario = Scenario::Copied(Copied { name: "hub.json".to_owned(), copy });
    Caller::new(scenario.build(Seed::fixed(8), Arc::clone(&clock), clock))
}

/// A copy answers as the hub did, but for how long ago things happened: what was wrong is wrong, and no deployment has
/// anything left to do.
#[test]
fn a_copy_of_a_world_is_as_the_world_is() {
    let (caller, now) = world();
    let copy = copied(&caller, now);
    assert!(!copy.to_text().contains("simulated-shell-token"), "without its secrets");
    let clock = ManualClock::at(now);
    let again = begun_as(&copy, &clock);
    let agents = "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeAgent'";
    for condition in [
        "properties.reported.lastDesiredStatus.code = 200",
        "properties.reported.lastDesiredStatus.code = 500",
        "properties.reported.modules.temperatureFilter.runtimeStatus = 'backoff'",
        "properties.reported.modules.mlInference.settings.image = 'acrproduction001.azurecr.io/ml-inference:2.0.3'",
        "properties.desired.modules.mlInference.version = '2.1.0'",
        "NOT IS_DEFINED(properties.reported.lastDesiredStatus)",
        "properties.desired.$version != properties.reported.lastDesiredVersion",
        "NOT IS_DEFINED(configurations)",
    ] {
        let query = format!("{agents} AND {condition}");
        assert_eq!(device_ids(&again, &query), device_ids(&caller, &query), "{condition}");
    }
    let unlinked =
        "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeHub' AND connectionState = 'Disconnected'";
    assert_eq!(device_ids(&again, unlinked), device_ids(&caller, unlinked));

    let second = copied(&again, now);
    let told = |copy: &HubSnapshot| {
        let masked = HubSnapshot::read(&copy.to_text()).unwrap();
        let of = |row: &Value| {
            let mut desired = row["properties"]["desired"].clone();
            desired.as_object_mut().unwrap().retain(|key, _| !key.starts_with('$'));
            (format!("{}/{}", row["deviceId"], row["moduleId"]), desired)
        };
        masked.devices.iter().chain(&masked.modules).map(of).collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(told(&second), told(&copy));
    let who = |copy: &HubSnapshot| {
        let of = |row: &Value| json!([row["deviceId"], row["status"], row["capabilities"], row["tags"]]);
        copy.devices.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(who(&second), who(&copy));
    let deployed = |copy: &HubSnapshot| {
        let of = |row: &Value| {
            let members = ["id", "priority", "targetCondition", "labels", "createdTimeUtc"].map(|key| row[key].clone());
            json!([members, row["systemMetrics"]["results"]])
        };
        copy.configurations.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(deployed(&second), deployed(&copy));

    clock.advance(Duration::from_secs(20 * MINUTE));
    let versions = |copy: &HubSnapshot| {
        let of = |row: &Value| row["properties"]["desired"]["$version"].clone();
        copy.modules.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(versions(&copied(&again, now)), versions(&second), "the hub goes on and finds nothing to write");
}

#[test]
fn what_was_disabled_or_never_reported_is_so_in_a_copy() {
    let (caller, now) = world();
    let mut copy = copied(&caller, now);
    copy.devices.iter_mut().find(|row| row["deviceId"] == "edge-gateway-105").unwrap()["status"] = "disabled".into();
    copy.modules.retain(|row| row["deviceId"] != "edge-gateway-106" || row["moduleId"] == "$edgeAgent");
    let clock = ManualClock::at(now);
    let again = begun_as(&copy, &clock);
    assert_eq!(again.get("/devices/edge-gateway-105")["status"], "disabled");
    assert_eq!(
        again.get("/twins/edge-gateway-106/modules/%24edgeHub")["connectionState"],
        "Connected",
        "it has a machine"
    );
    let never = again.get("/twins/edge-gateway-113/modules/%24edgeAgent");
    assert_eq!(never["properties"]["reported"].get("lastDesiredStatus"), None);
    assert_eq!(again.hub.name(), "h1");
}
