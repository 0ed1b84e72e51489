//! Verdicts by tables: of modules, of devices, and how edgeAgent waits.

use serde_json::{Value, json};

use super::*;

fn module(wanted: Option<(&str, &str)>, reported: Option<(&str, &str)>) -> ModuleVerdict {
    let desired =
        wanted.map_or(json!({}), |(status, image)| json!({"m": {"status": status, "settings": {"image": image}}}));
    let seen = reported
        .map_or(json!({}), |(status, image)| json!({"m": {"runtimeStatus": status, "settings": {"image": image}}}));
    report(&json!({"modules": desired}), &json!({"modules": seen, "lastDesiredStatus": {"code": 200}})).modules[0]
        .verdict()
}

fn report(desired: &Value, reported: &Value) -> AgentReport {
    AgentReport::read(desired.as_object().unwrap(), 3, reported.as_object().unwrap(), None)
}

#[test]
fn a_modules_verdict_weighs_wanted_and_reported() {
    for (wanted, reported, verdict) in [
        (Some(("running", "a:1")), Some(("running", "a:1")), ModuleVerdict::Running),
        (Some(("running", "a")), Some(("running", "a:latest")), ModuleVerdict::Running),
        (Some(("running", "r:5000/a")), Some(("running", "r:5000/a:latest")), ModuleVerdict::Running),
        (Some(("running", "a:2")), Some(("running", "a:1")), ModuleVerdict::OtherImage),
        (Some(("running", "a:1")), None, ModuleVerdict::Missing),
        (None, Some(("running", "a:1")), ModuleVerdict::Leftover),
        (Some(("running", "a:1")), Some(("backoff", "a:1")), ModuleVerdict::Backoff),
        (Some(("running", "a:1")), Some(("failed", "a:1")), ModuleVerdict::Failed),
        (Some(("stopped", "a:1")), Some(("failed", "a:1")), ModuleVerdict::Stopped),
        (Some(("stopped", "a:1")), Some(("stopped", "a:1")), ModuleVerdict::Stopped),
        (Some(("stopped", "a:1")), Some(("running", "a:1")), ModuleVerdict::RunsUnwanted),
        (Some(("running", "a:1")), Some(("stopped", "a:1")), ModuleVerdict::StoppedUnwanted),
        (Some(("running", "a:1")), Some(("quiescent", "a:1")), ModuleVerdict::Unknown),
    ] {
        assert_eq!(module(wanted, reported), verdict, "{wanted:?} {reported:?}");
    }
}

#[test]
fn a_devices_verdict() {
    let desired = json!({"modules": {"m": {"status": "running", "settings": {"image": "a:1"}}}});
    let with = |code: i64, version: u64, status: &str| {
        json!({"lastDesiredVersion": version, "lastDesiredStatus": {"code": code, "description": "x"},
               "modules": {"m": {"runtimeStatus": status, "settings": {"image": "a:1"}}}})
    };
    for (reported, link, verdict) in [
        (with(200, 3, "running"), EdgeHubLink::Up, DeviceVerdict::Running),
        (with(200, 3, "running"), EdgeHubLink::Unknown, DeviceVerdict::Running),
        (with(200, 3, "running"), EdgeHubLink::Down, DeviceVerdict::Silent),
        (with(200, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
        (with(200, 3, "backoff"), EdgeHubLink::Up, DeviceVerdict::Backoff),
        (with(500, 3, "running"), EdgeHubLink::Up, DeviceVerdict::Failed),
        (with(400, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Rejected),
        (with(406, 3, "unknown"), EdgeHubLink::Down, DeviceVerdict::Silent),
        // Of an empty manifest, while there is one by now; and of versions before the one that is wanted.
        (with(417, 0, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
        (with(500, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
        (
            json!({"lastDesiredVersion": 2, "lastDesiredStatus": {"code": 500}}),
            EdgeHubLink::Up,
            DeviceVerdict::Applying,
        ),
        (json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 500}}), EdgeHubLink::Up, DeviceVerdict::Failed),
        (json!({}), EdgeHubLink::Unknown, DeviceVerdict::NeverReported),
        (
            json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 200}}),
            EdgeHubLink::Up,
            DeviceVerdict::Applying,
        ),
    ] {
        assert_eq!(report(&desired, &reported).verdict(link), verdict, "{reported} {link:?}");
    }
    let emptied = report(&json!({}), &with(417, 2, "running"));
    assert_eq!(emptied.verdict(EdgeHubLink::Up), DeviceVerdict::EmptyConfiguration);
}

#[test]
fn what_is_not_there_yet_is_missing_only_once_its_manifest_was_taken_up() {
    let desired = json!({"modules": {"m": {"status": "running", "settings": {"image": "a:1"}}}});
    for (version, code, verdict) in [
        (2, 200, ModuleVerdict::Pending),
        (2, 500, ModuleVerdict::Pending),
        (0, 417, ModuleVerdict::Pending),
        (3, 200, ModuleVerdict::Missing),
        (3, 500, ModuleVerdict::Missing),
        (2, 400, ModuleVerdict::Missing),
    ] {
        let agent = report(&desired, &json!({"lastDesiredVersion": version, "lastDesiredStatus": {"code": code}}));
        assert_eq!(agent.verdict_of(&agent.modules[0]), verdict, "{version} {code}");
    }
    let silent = report(&desired, &json!({}));
    assert_eq!(silent.verdict_of(&silent.modules[0]), ModuleVerdict::Unknown);
}

#[test]
fn counts_and_order_of_modules() {
    let agent = report(
        &json!({"systemModules": {"edgeAgent": {"settings": {"image": "e"}}, "edgeHub": {"status": "running", "settings": {"image": "h"}}},
                "modules": {"b": {"status": "running", "settings": {"image": "b"}}, "a": {"status": "stopped", "settings": {"image": "a"}}}}),
        &json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 200},
                "systemModules": {"edgeAgent": {"runtimeStatus": "running"}, "edgeHub": {"runtimeStatus": "running"}},
                "modules": {"b": {"runtimeStatus": "backoff", "exitCode": 1, "restartCount": 7}, "old": {"runtimeStatus": "running"}}}),
    );
    let ids: Vec<&str> = agent.modules.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["$edgeAgent", "$edgeHub", "b", "a", "old"]);
    assert_eq!(agent.running_of_wanted(), (2, 3));
    assert_eq!(agent.worst().map(|(m, v)| (m.id.as_str(), v)), Some(("a", ModuleVerdict::Missing)));
}

#[test]
fn waits_grow_to_a_cap() {
    let waits: Vec<u64> = [0, 1, 4, 5, 20, 200].iter().map(|n| backoff_wait(*n).as_secs()).collect();
    assert_eq!(waits, [10, 20, 160, 300, 300, 300]);
}
