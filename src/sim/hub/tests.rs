//! The hub in memory: status codes, headers, counters and refusals of every resource. Laws that hold for all requests,
//! paths, tokens and twins stand in files of their own.

mod asks;
mod digest;
mod pages;
mod parsing;
mod requests;
mod twins;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};

use super::testing::{Answer, Caller};
use super::*;

const NOW: &str = "2026-03-04T05:06:07.5Z";

fn hub() -> (Caller, Arc<ManualClock>) {
    let clock = ManualClock::at(NOW.parse().unwrap());
    let shared: SharedClock = clock.clone();
    (Caller::new(SimHub::new("hub", Seed::fixed(1), Arc::clone(&shared), shared)), clock)
}

fn put(caller: &Caller, path: &str, body: &Value) -> Answer {
    caller.send("PUT", path, &[], body)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    assert_eq!((answer.status, answer.header("iothub-errorcode")), (status, Some(code)), "{}", answer.body);
    assert!(answer.body.to_string().contains(text), "{} lacks {text}", answer.body);
    assert_eq!(answer.header("ETag"), None);
}

#[test]
fn every_answer_has_the_services_headers() {
    let (caller, _) = hub();
    for answer in
        [caller.send("GET", "/devices", &[], &Value::Null), caller.send("GET", "/devices/x", &[], &Value::Null)]
    {
        assert_eq!(answer.header("Server"), Some("Microsoft-HTTPAPI/2.0"));
        assert_eq!(answer.header("Vary"), Some("Origin"));
        assert_eq!(answer.header("Date"), Some("Wed, 04 Mar 2026 05:06:07 GMT"));
        assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
        assert!(answer.header("x-ms-request-id").unwrap().parse::<uuid::Uuid>().is_ok());
    }
}

#[test]
fn a_device_is_created_updated_and_deleted() {
    let (caller, clock) = hub();
    let created = put(&caller, "/devices/d1", &json!({"deviceId": "d1"}));
    assert_eq!(created.status, 200);
    assert_eq!(created.body["connectionStateUpdatedTime"], "0001-01-01T00:00:00", "no Z in the creating answer only");
    let members: Vec<&String> = created.body.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "deviceId",
            "generationId",
            "etag",
            "connectionState",
            "status",
            "statusReason",
            "connectionStateUpdatedTime",
            "statusUpdatedTime",
            "lastActivityTime",
            "cloudToDeviceMessageCount",
            "authentication",
            "capabilities"
        ]
    );
    let etag = created.body["etag"].as_str().unwrap().to_owned();
    assert_eq!(created.header("ETag"), Some(format!("\"{etag}\"").as_str()));
    refused(
        &put(&caller, "/devices/d1", &json!({})),
        409,
        "DeviceAlreadyExists",
        "A device with ID 'd1' is already registered.",
    );

    clock.advance(Duration::from_secs(1));
    let quoted = format!("\"{etag}\"");
    let keys = created.body["authentication"].clone();
    let body = json!({"deviceId": "d1", "status": "disabled", "authentication": keys, "etag": "ignored"});
    let updated = caller.send("PUT", "/devices/d1", &[("If-Match", &quoted)], &body);
    assert_eq!((updated.status, &updated.body["statusUpdatedTime"]), (200, &json!("2026-03-04T05:06:08.5Z")));
    assert_eq!(updated.body["lastActivityTime"], "0001-01-01T00:00:00Z");
    assert_eq!(updated.body["authentication"], keys);
    let stale = caller.send("PUT", "/devices/d1", &[("If-Match", &etag)], &body);
    refused(&stale, 412, "PreconditionFailed", "Device version did not match, existingVersion:");
    let minted = caller.send("PUT", "/devices/d1", &[("If-Match", "\"*\"")], &json!({}));
    assert_ne!(minted.body["authentication"], keys, "left-out authentication mints new keys");

    refused(&caller.send("DELETE", "/devices/d1", &[], &Value::Null), 412, "PreconditionFailed", "Etag missing");
    let deleted = caller.send("DELETE", "/devices/d1", &[("If-Match", "*")], &Value::Null);
    assert_eq!((deleted.status, deleted.header("Content-Type"), &deleted.body), (204, None, &Value::Null));
    let gone = caller.send("GET", "/devices/d1", &[], &Value::Null);
    refused(&gone, 404, "DeviceNotFound", "ErrorCode:DeviceNotFound;d1\"");
    refused(&caller.send("PUT", "/devices/d1", &[("If-Match", "*")], &json!({})), 404, "DeviceNotFound", "d1");
}

#[test]
fn devices_that_cannot_be() {
    let (caller, _) = hub();
    for (path, body, part) in [
        ("/devices/a%20b", json!({}), "valid id"),
        ("/devices/a", json!({"deviceId": "b"}), "as in the path"),
        ("/devices/a", json!({"status": "sleepy"}), "sleepy"),
        ("/devices/a", json!({"statusReason": "x".repeat(129)}), "128"),
        ("/devices/a", json!({"authentication": {"type": "none"}}), "none"),
        ("/devices/a", json!({"authentication": {"type": "sas", "symmetricKey": {"primaryKey": "AA=="}}}), "16 to 64"),
    ] {
        refused(&put(&caller, path, &body), 400, "ArgumentInvalid", part);
    }
    refused(&put(&caller, "/devices/a", &json!([])), 400, "IotHubFormatError", "could not be read");
}

#[test]
fn edge_devices_bring_their_two_modules_and_keep_their_scope() {
    let (caller, _) = hub();
    let edge = put(&caller, "/devices/e", &json!({"capabilities": {"iotEdge": true}})).body;
    let scope = format!("ms-azure-iot-edge://e-{}", edge["generationId"].as_str().unwrap());
    assert_eq!((&edge["deviceScope"], &edge["parentScopes"]), (&json!(scope), &json!([])));
    let modules = caller.get("/devices/e/modules");
    let names: Vec<&Value> = modules.as_array().unwrap().iter().map(|module| &module["moduleId"]).collect();
    assert_eq!(names, ["$edgeAgent", "$edgeHub"]);
    assert_eq!(modules[0]["managedBy"], "iotEdge");
    assert_eq!(modules[0]["authentication"]["type"], "none");
    assert_eq!(modules[0]["authentication"]["symmetricKey"]["primaryKey"], Value::Null);
    let twin = caller.get("/twins/e/modules/%24edgeAgent");
    assert_eq!(
        twin["properties"]["desired"],
        json!({"$metadata": {"$lastUpdated": "0001-01-01T00:00:00Z"}, "$version": 1})
    );
    assert_eq!(twin.get("capabilities"), None);

    let any = [("If-Match", "*")];
    let without = caller.send("PUT", "/devices/e", &any, &json!({"capabilities": {"iotEdge": true}}));
    refused(&without, 400, "InvalidDeviceScope", "Device scope is immutable");
    let with = json!({"capabilities": {"iotEdge": true}, "deviceScope": scope, "parentScopes": ["p"]});
    assert_eq!(caller.send("PUT", "/devices/e", &any, &with).body["parentScopes"], json!(["p"]));

    put(&caller, "/devices/leaf", &json!({"deviceScope": scope}));
    assert_eq!(caller.get("/twins/leaf")["parentScopes"], json!([scope]));
    let turned = json!({"capabilities": {"iotEdge": true}, "deviceScope": scope});
    assert_eq!(caller.send("PUT", "/devices/leaf", &any, &turned).body["deviceScope"], "ms-azure-iot-edge://leaf-");
}

#[test]
fn module_identities_have_their_own_rules() {
    let (caller, _) = hub();
    put(&caller, "/devices/e", &json!({"capabilities": {"iotEdge": true}}));
    let made = put(&caller, "/devices/e/modules/m", &json!({"moduleId": "m", "managedBy": "me"}));
    assert_eq!((made.status, made.header("ETag"), &made.body["authentication"]["type"]), (200, None, &json!("sas")));
    let again = put(&caller, "/devices/e/modules/m", &json!({}));
    assert_eq!((again.status, &again.body["errorCode"]), (409, &json!(409_301)));
    assert_eq!(again.body["message"], "Device e in IotHub hub already contains Module m.");
    let any = [("If-Match", "*")];
    assert_eq!(caller.send("PUT", "/devices/e/modules/m", &any, &json!({})).body["managedBy"], Value::Null);
    refused(&put(&caller, "/devices/e/modules/$x", &json!({})), 400, "ArgumentInvalid", "reserved");
    let system = put(&caller, "/devices/e/modules/$edgeHub", &json!({}));
    refused(&system, 401, "SystemModuleModifyUnauthorizedAccess", "Unauthorized to modify reserved module.");
    let missing = caller.send("GET", "/devices/e/modules/none", &[], &Value::Null);
    refused(&missing, 404, "ModuleNotFound", "none");
    let elsewhere = caller.send("GET", "/devices/none/modules", &[], &Value::Null);
    refused(&elsewhere, 401, "IotHubUnauthorizedAccess", "Unauthorized");
    refused(
        &caller.send("DELETE", "/devices/e/modules/m", &[], &Value::Null),
        412,
        "PreconditionFailed",
        "Etag missing",
    );
    assert_eq!(caller.send("DELETE", "/devices/e/modules/m", &any, &Value::Null).status, 204);
    for n in 2..50 {
        assert_eq!(put(&caller, &format!("/devices/e/modules/m{n}"), &json!({})).status, 200);
    }
    assert_eq!(put(&caller, "/devices/e/modules/m50", &json!({})).status, 413);
}

#[test]
fn a_disabled_device_hides_its_modules_but_not_their_twins() {
    let (caller, _) = hub();
    put(&caller, "/devices/d", &json!({"status": "disabled", "statusReason": "lost"}));
    let modules = caller.send("GET", "/devices/d/modules", &[], &Value::Null);
    refused(&modules, 401, "IotHubUnauthorizedAccess", "Unauthorized");
    let twin = caller.get("/twins/d");
    assert_eq!((&twin["status"], &twin["statusReason"]), (&json!("disabled"), &json!("lost")));
    let enabled = caller.send("PUT", "/devices/d", &[("If-Match", "*")], &json!({"status": "enabled"}));
    assert_eq!((enabled.status, &enabled.body["statusReason"]), (200, &Value::Null));
    assert_eq!(caller.send("PUT", "/devices/d/modules/m", &[("If-Match", "\"\"")], &json!({})).status, 200);
    assert_eq!(caller.get("/twins/d/modules/m")["properties"]["desired"]["$version"], 1);
}

#[test]
fn twins_are_patched_under_their_tag() {
    let (caller, _) = hub();
    let device = put(&caller, "/devices/d", &json!({})).body;
    let fresh = caller.send("GET", "/twins/d", &[], &Value::Null);
    assert_eq!(fresh.header("ETag"), None);
    assert_eq!((&fresh.body["etag"], &fresh.body["version"]), (&json!("AAAAAAAAAAE="), &json!(2)));
    assert_eq!(fresh.body["deviceEtag"], device["etag"]);
    assert_eq!(fresh.body["modelId"], "");

    let mut whole = fresh.body.clone();
    whole["tags"] = json!({"site": "x"});
    let patched = caller.send("PATCH", "/twins/d", &[("If-Match", "\"AAAAAAAAAAE=\"")], &whole);
    assert_eq!(
        (patched.status, &patched.body["etag"], &patched.body["version"]),
        (200, &json!("AAAAAAAAAAI="), &json!(3))
    );
    assert_eq!(patched.body["properties"], fresh.body["properties"]);
    let stale = caller.send("PATCH", "/twins/d", &[("If-Match", "\"AAAAAAAAAAE=\"")], &whole);
    refused(&stale, 412, "PreconditionFailed", "PreconditionFailed, ETag may be invalid.");
    for header in ["AAAAAAAAAAE=", "*", "\"*\""] {
        assert_eq!(
            caller.send("PATCH", "/twins/d", &[("If-Match", header)], &json!({"tags": {}})).status,
            200,
            "{header}"
        );
    }
    let bad = caller.send("PATCH", "/twins/d", &[], &json!({"properties": {"desired": {"a": {"b.c": 1}}}}));
    refused(&bad, 400, "ArgumentInvalid", "properties.desired.a");

    let missing = caller.send("GET", "/twins/none", &[], &Value::Null);
    refused(&missing, 404, "DeviceNotFound", "404001");
    assert_eq!(missing.body["ExceptionMessage"], "");
    refused(&caller.send("GET", "/twins/d/modules/none", &[], &Value::Null), 404, "DeviceNotFound", "none");
    put(&caller, "/devices/e", &json!({"capabilities": {"iotEdge": true}}));
    let reserved =
        caller.send("PATCH", "/twins/e/modules/$edgeAgent", &[], &json!({"properties": {"desired": {"x": 1}}}));
    refused(
        &reserved,
        401,
        "SystemModuleModifyUnauthorizedAccess",
        "ErrorCode:SystemModuleModifyUnauthorizedAccess;Unauthorized to modify reserved module.",
    );
}

#[test]
fn pages_survive_devices_that_come_and_go() {
    let (caller, _) = hub();
    for n in 0..5 {
        put(&caller, &format!("/devices/d{n}"), &json!({}));
    }
    let text = json!({"query": "select deviceId from devices"});
    let first = caller.send("POST", "/devices/query", &[("x-ms-max-item-count", "2")], &text);
    assert_eq!(first.body, json!([{"deviceId": "d0"}, {"deviceId": "d1"}]));
    assert_eq!(first.header("x-ms-item-type"), Some("Raw"));
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    caller.send("DELETE", "/devices/d1", &[("If-Match", "*")], &Value::Null);
    caller.send("DELETE", "/devices/d2", &[("If-Match", "*")], &Value::Null);
    put(&caller, "/devices/d0a", &json!({}));
    let rest = [("x-ms-max-item-count", "2"), ("x-ms-continuation", token.as_str())];
    let second = caller.send("POST", "/devices/query", &rest, &text);
    assert_eq!(second.body, json!([{"deviceId": "d3"}, {"deviceId": "d4"}]));
    assert_eq!(second.header("x-ms-continuation"), None, "the last page carries no token");
    let other = json!({"query": "select * from devices"});
    refused(&caller.send("POST", "/devices/query", &rest, &other), 400, "ArgumentInvalid", "BadRequest");
    let broken = json!({"query": "select * from device"});
    refused(
        &caller.send("POST", "/devices/query", &[], &broken),
        400,
        "ArgumentInvalid",
        "ErrorCode:ArgumentInvalid;BadRequest",
    );
}

#[test]
fn top_counts_over_pages_and_modules_continue_inside_a_device() {
    let (caller, _) = hub();
    for name in ["a", "b"] {
        put(&caller, &format!("/devices/{name}"), &json!({"capabilities": {"iotEdge": true}}));
    }
    let all = |text: &str| {
        let (mut rows, mut token) = (Vec::new(), String::new());
        loop {
            let headers = [("x-ms-max-item-count", "1"), ("x-ms-continuation", token.as_str())];
            let answer = caller.send("POST", "/devices/query", &headers, &json!({ "query": text }));
            rows.extend(answer.body.as_array().unwrap().clone());
            match answer.header("x-ms-continuation").map(str::to_owned) {
                Some(next) => token = next,
                None => return Value::Array(rows),
            }
        }
    };
    let rows = all("select deviceId, moduleId from devices.modules");
    assert_eq!(
        rows,
        json!([
            {"deviceId": "a", "moduleId": "$edgeAgent"}, {"deviceId": "a", "moduleId": "$edgeHub"},
            {"deviceId": "b", "moduleId": "$edgeAgent"}, {"deviceId": "b", "moduleId": "$edgeHub"},
        ])
    );
    assert_eq!(all("select top 3 moduleId from devices.modules").as_array().unwrap().len(), 3);
    let whole = caller.send("POST", "/devices/query", &[], &json!({"query": "select * from devices.modules"}));
    assert_eq!(whole.header("x-ms-item-type"), Some("Twin"));
    assert_eq!(whole.body[0]["capabilities"], json!({"iotEdge": true}));
    assert_eq!(caller.query("select count() as n from devices where deviceId = 'none'"), json!([{"n": 0}]));
}

#[test]
fn the_queue_of_a_device_is_purged_by_who_may_send_to_it() {
    let (mut caller, _) = hub();
    put(&caller, "/devices/d", &json!({"deviceId": "d"}));
    caller.policy = "service";
    let purge = |path: &str| caller.send("DELETE", path, &[], &Value::Null);
    let answer = purge("/devices/d/commands");
    assert_eq!((answer.status, &answer.body), (200, &json!({"totalMessagesPurged": 0, "deviceId": "d"})));
    refused(&purge("/devices/none/commands"), 404, "DeviceNotFound", "none");
    caller.policy = "registryReadWrite";
    let answer = caller.send("DELETE", "/devices/d/commands", &[], &Value::Null);
    refused(&answer, 401, "IotHubUnauthorizedAccess", "ServiceConnect");
}

#[test]
fn rights_versions_and_paths_are_checked() {
    let (mut caller, _) = hub();
    refused(
        &caller.send("GET", "/nothing/here", &[], &Value::Null),
        404,
        "GenericNotFound",
        "No operation GET /nothing/here",
    );
    for (policy, path, status) in [
        ("service", "/devices", 401),
        ("service", "/twins/none", 404),
        ("registryRead", "/devices", 200),
        ("registryReadWrite", "/twins/none", 401),
        ("device", "/devices", 401),
    ] {
        caller.policy = policy;
        assert_eq!(caller.send("GET", path, &[], &Value::Null).status, status, "{policy} {path}");
    }
    let unversioned = Request { method: "GET".to_owned(), path_and_query: "/devices".to_owned(), ..Request::default() };
    assert_eq!(caller.hub.handle(&unversioned).status, 400);
    let unsigned = Request { path_and_query: "/devices?api-version=2024-03-31".to_owned(), ..unversioned };
    let answer = caller.hub.handle(&unsigned);
    assert_eq!(answer.status, 401);
    assert!(String::from_utf8_lossy(&answer.body).contains("Authorization header missing"));
}
