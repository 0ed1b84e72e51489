//! Bulk calls as whoever sends them meets them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::hub::testing::Caller;
use crate::sim::hub::{Seed, SimHub};

fn hub() -> Caller {
    let clock: SharedClock = ManualClock::at("2026-03-04T05:06:07.5Z".parse().unwrap());
    Caller::new(SimHub::new("hub", Seed::fixed(1), Arc::clone(&clock), clock))
}

#[test]
fn bulk_calls_report_each_failure() {
    let caller = hub();
    let good = json!([{"id": "a", "importMode": "create", "properties": {"desired": {"u": 1}}, "tags": {"t": 1}}, {"id": "b", "importMode": "Create"}]);
    let answer = caller.send("POST", "/devices", &[], &good);
    assert_eq!((answer.status, &answer.body), (200, &json!({"isSuccessful": true, "errors": [], "warnings": []})));
    let twin = caller.get("/twins/a");
    assert_eq!(
        twin["properties"]["desired"]["$metadata"]["u"],
        json!({"$lastUpdated": "0001-01-01T00:00:00Z", "$lastUpdatedVersion": 1})
    );
    assert_eq!((&twin["version"], &twin["properties"]["desired"]["$version"]), (&json!(2), &json!(1)));
    let mixed = json!([{"id": "a", "importMode": "create"}, {"id": "b", "eTag": "stale", "importMode": "delete"}, {"id": "c", "importMode": "updateTwin"}]);
    let answer = caller.send("POST", "/devices", &[], &mixed);
    assert_eq!((answer.status, &answer.body["isSuccessful"]), (400, &json!(false)));
    let codes: Vec<&Value> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| &error["errorCode"]).collect();
    assert_eq!(codes, ["DeviceAlreadyExists", "DeviceNotFound"]);
    assert_eq!(
        caller.get("/statistics/devices"),
        json!({"totalDeviceCount": 1, "enabledDeviceCount": 1, "disabledDeviceCount": 0})
    );
    assert_eq!(caller.get("/statistics/service"), json!({"connectedDeviceCount": 0}));
}

#[test]
fn bulk_calls_take_each_subject_once_or_do_nothing() {
    let caller = hub();
    let device = json!({"id": "a", "importMode": "create"});
    let of_module = json!({"id": "a", "moduleId": "m", "importMode": "create"});
    let twice = json!([device, of_module, {"id": "b", "importMode": "create"}, {"id": "a", "importMode": "delete"}]);
    let answer = caller.send("POST", "/devices", &[], &twice);
    assert_eq!(answer.status, 400);
    let said: Vec<(&str, &str)> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["operation"].as_str().unwrap(), error["errorCode"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("create", "DeviceDefinedMultipleTimes"), ("delete", "DeviceDefinedMultipleTimes")]);
    assert_eq!(caller.get("/statistics/devices")["totalDeviceCount"], 0);
    // A device and its module are two.
    assert_eq!(caller.send("POST", "/devices", &[], &json!([device, of_module])).status, 200);
    assert_eq!(caller.get("/devices/a/modules/m")["authentication"]["type"], "sas");
}

#[test]
fn bulk_calls_change_modules_as_single_ones_do() {
    let caller = hub();
    let edge = json!([{"id": "e", "importMode": "create", "capabilities": {"iotEdge": true}}]);
    assert_eq!(caller.send("POST", "/devices", &[], &edge).status, 200);
    let one = |module: &str, members: Value| {
        let mut item = json!({"id": "e", "moduleId": module});
        item.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let answer = caller.send("POST", "/devices", &[], &json!([item]));
        let error = &answer.body["errors"][0];
        assert!(error.is_null() || error["moduleId"] == module, "{error}");
        error["errorCode"].as_str().unwrap_or("done").to_owned()
    };
    let tags = json!({"t": 1});
    for (module, members, said) in [
        ("$edgeAgent", json!({"importMode": "create"}), "SystemModuleModifyUnauthorizedAccess"),
        ("$edgeAgent", json!({"importMode": "updateTwin", "tags": tags}), "SystemModuleModifyUnauthorizedAccess"),
        ("$edgeHub", json!({"importMode": "delete"}), "SystemModuleModifyUnauthorizedAccess"),
        ("$own", json!({"importMode": "create"}), "ArgumentInvalid"),
        ("m", json!({"importMode": "update"}), "ModuleNotFound"),
        ("m", json!({"importMode": "create", "tags": tags}), "done"),
        ("m", json!({"importMode": "create"}), "ModuleAlreadyExistsOnDevice"),
        ("m", json!({"importMode": "UpdateTwinIfMatchETag", "twinETag": "x", "tags": {}}), "PreconditionFailed"),
        ("m", json!({"importMode": "UpdateTwin", "tags": {"t": null, "u": 2}}), "done"),
        ("m", json!({"importMode": "UpdateIfMatchETag", "eTag": "MQ=="}), "PreconditionFailed"),
        ("m", json!({"importMode": "Update", "eTag": "MQ=="}), "done"),
    ] {
        assert_eq!(one(module, members.clone()), said, "{module} {members}");
    }
    let twin = caller.get("/twins/e/modules/m");
    assert_eq!((&twin["tags"], &twin["version"]), (&json!({"u": 2}), &json!(3)));
    assert_eq!(one("m", json!({"importMode": "delete"})), "done");
    let left = caller.get("/devices/e/modules");
    assert_eq!(left.as_array().unwrap().len(), 2);
    let nobody = json!([{"id": "nobody", "moduleId": "m", "importMode": "create"}]);
    assert_eq!(caller.send("POST", "/devices", &[], &nobody).body["errors"][0]["errorCode"], "DeviceNotFound");
}
