//! Requests of all kinds for the properties: what a client would send, the same with something wrong in it, and nonsense.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// One request, without its token.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) policy: &'static str,
}

/// What is done to a hub.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Ask(Ask),
    /// Milliseconds.
    Pass(u64),
}

pub(super) fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_ask().prop_map(Step::Ask),
        1 => (1..400_000_u64).prop_map(Step::Pass),
    ]
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let sound =
        any_route().prop_flat_map(|(method, path, bodies)| (Just(method.to_owned()), Just(path), changed(bodies)));
    let route = any_route().prop_map(|(_, path, _)| path);
    let strange = (select(vec!["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "BREW"]), route, any_body());
    let nonsense = ("[A-Z]{0,6}", "(/[a-z0-9%.$/]{0,8}){0,5}\\??[a-z=&%-]{0,12}", any_body());
    let what = prop_oneof![
        12 => sound,
        2 => strange.prop_map(|(method, path, body)| (method.to_owned(), path, body)),
        1 => nonsense,
    ];
    let policy = prop_oneof![9 => Just("iothubowner"), 1 => select(vec!["service", "device", "registryRead"])];
    (what, any_headers(), policy).prop_map(|((method, path, body), headers, policy)| Ask {
        method,
        path,
        headers,
        body,
        policy,
    })
}

/// Ids that exist, ids that could, and ids that cannot.
fn any_id() -> impl Strategy<Value = String> {
    let known = select(vec!["edge", "plain", "off", "new", "m", "base", "job", "%24edgeAgent", "$edgeHub"]);
    let strange = select(vec!["query", "", ".", "a%20b", "%ff", "a%2Fb", "%C3%A4", "A", "*", "%00", "%"]);
    prop_oneof![
        8 => known.prop_map(str::to_owned),
        1 => strange.prop_map(str::to_owned),
        1 => (120..140_usize).prop_map(|length| "x".repeat(length)),
    ]
}

type Route = (&'static str, String, Vec<Value>);

/// Every operation, with bodies it takes.
fn any_route() -> impl Strategy<Value = Route> {
    (0..34_usize, any_id(), any_id()).prop_map(|(which, id, other)| {
        let none = vec![Value::Null];
        match which {
            0 => ("GET", "/devices".to_owned(), none),
            1 => ("GET", format!("/devices/{id}"), none),
            2..=4 => ("PUT", format!("/devices/{id}"), devices()),
            5 => ("DELETE", format!("/devices/{id}"), none),
            6 => ("POST", "/devices".to_owned(), bulks()),
            7..=9 => ("POST", "/devices/query".to_owned(), queries()),
            10 => ("GET", format!("/devices/{id}/modules"), none),
            11 => ("GET", format!("/devices/{id}/modules/{other}"), none),
            12 | 13 => ("PUT", format!("/devices/{id}/modules/{other}"), modules()),
            14 => ("DELETE", format!("/devices/{id}/modules/{other}"), none),
            15 => ("GET", format!("/twins/{id}"), none),
            16 => ("GET", format!("/twins/{id}/modules/{other}"), none),
            17 | 18 => ("PATCH", format!("/twins/{id}"), twins()),
            19 => ("PUT", format!("/twins/{id}"), twins()),
            20 => ("PATCH", format!("/twins/{id}/modules/{other}"), twins()),
            21 => ("PUT", format!("/twins/{id}/modules/{other}"), twins()),
            22 => ("POST", format!("/twins/{id}/methods"), methods()),
            23 => ("POST", format!("/twins/{id}/modules/{other}/methods"), methods()),
            24 => ("GET", "/configurations?top=2".to_owned(), none),
            25 => ("POST", "/configurations/testQueries".to_owned(), trials()),
            26 => ("GET", format!("/configurations/{id}"), none),
            27 | 28 => ("PUT", format!("/configurations/{id}"), configurations()),
            29 => ("DELETE", format!("/configurations/{id}"), none),
            30 => ("POST", format!("/devices/{id}/applyConfigurationContent"), contents()),
            31 => ("GET", format!("/statistics/{id}"), none),
            32 => ("PUT", format!("/jobs/v2/{id}"), jobs()),
            _ if other == "m" => ("POST", format!("/jobs/v2/{id}/cancel"), none),
            _ if other == "edge" => ("GET", format!("/jobs/v2/{id}"), none),
            _ => ("GET", "/jobs/v2/query?jobStatus=completed".to_owned(), none),
        }
    })
}

fn devices() -> Vec<Value> {
    vec![
        json!({}),
        json!({"deviceId": "new", "status": "disabled", "statusReason": "r"}),
        json!({"capabilities": {"iotEdge": true}, "authentication": {"type": "sas", "symmetricKey": {"primaryKey": ""}}}),
        json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "A"}}, "parentScopes": []}),
    ]
}

fn bulks() -> Vec<Value> {
    vec![json!([
        {"id": "new", "importMode": "create", "tags": {"a": 1}, "properties": {"desired": {"b": {}}}},
        {"id": "plain", "importMode": "updateTwin", "tags": {"a": null}},
        {"id": "off", "importMode": "deleteIfMatchETag", "eTag": "MQ=="},
    ])]
}

fn queries() -> Vec<Value> {
    [
        "SELECT * FROM devices WHERE tags.n >= 1 AND NOT IS_DEFINED(tags.x)",
        "SELECT TOP 3 deviceId AS id, tags.n FROM devices.modules WHERE STARTSWITH(moduleId, '$')",
        "SELECT * FROM devices.jobs WHERE devices.jobs.status IN ['completed', 'failed']",
        "SELECT COUNT() AS n, status FROM devices GROUP BY status",
        "SELECT AVG(tags.n) AS n FROM devices WHERE configurations.[[base]].status = 'Applied'",
    ]
    .iter()
    .map(|text| json!({ "query": text }))
    .collect()
}

fn modules() -> Vec<Value> {
    vec![json!({}), json!({"moduleId": "m", "managedBy": "me", "authentication": {"type": "sas"}})]
}

fn twins() -> Vec<Value> {
    vec![
        json!({"tags": {"n": 2, "o": {"p": null}}}),
        json!({"properties": {"desired": {"a": {"b": [1, {"c": 2}]}, "$version": 4}}, "etag": "x"}),
        json!({"tags": null, "properties": {"desired": {"x": "y".repeat(4_000)}}}),
    ]
}

fn methods() -> Vec<Value> {
    vec![
        json!({"methodName": "ping", "payload": null}),
        json!({"methodName": "RestartModule", "payload": {"schemaVersion": "1.0", "id": "m"}, "responseTimeoutInSeconds": 20, "connectTimeoutInSeconds": 20}),
    ]
}

fn contents() -> Vec<Value> {
    let system = json!({"properties.desired": {"schemaVersion": "1.1", "modules": {}}});
    vec![json!({"modulesContent": {"$edgeAgent": system, "$edgeHub": {"properties.desired": {"routes": {}}}}})]
}

fn configurations() -> Vec<Value> {
    let with = |content: &Value| {
        json!({"content": content, "targetCondition": "tags.n > 0", "priority": 3, "labels": {"a": "b"},
               "metrics": {"queries": {"q": "SELECT deviceId FROM devices"}}})
    };
    let mut all: Vec<Value> = contents().iter().map(with).collect();
    all.push(with(&json!({"deviceContent": {"properties.desired.x": 1}})));
    all.push(json!({"content": {"moduleContent": {"properties.desired.x": 1}}, "targetCondition": "from devices.modules where moduleId = 'm'"}));
    all
}

fn trials() -> Vec<Value> {
    vec![json!({"targetCondition": "tags.a = 'b'", "customMetricQueries": {"q": "SELECT * FROM devices"}})]
}

fn jobs() -> Vec<Value> {
    vec![
        json!({"type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"j": 1}}, "queryCondition": "*", "startTime": "2026-03-04T05:10:00Z"}),
        json!({"type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "properties": {"desired": {"j": 1}}}, "queryCondition": "tags.n > 1 OR deviceId IN ['edge']"}),
        json!({"type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": "ping"}, "queryCondition": "FROM devices.modules WHERE moduleId = '$edgeAgent'", "maxExecutionTimeInSeconds": 5}),
    ]
}

/// One of these bodies, mostly as it is, else with a few places changed.
fn changed(bodies: Vec<Value>) -> impl Strategy<Value = Vec<u8>> {
    let edits = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec((any::<u16>(), prop::option::of(any_json())), 1..3),
    ];
    (select(bodies), edits).prop_map(|(mut body, edits)| {
        for (place, value) in edits {
            edit(&mut body, &mut usize::from(place % 24), &value);
        }
        if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..40),
        "[\\[{\"a:0,}\\]]{0,20}".prop_map(String::into_bytes),
    ]
}

/// Sets, or without a value removes, the member that many places further on; says whether it was reached.
fn edit(value: &mut Value, place: &mut usize, new: &Option<Value>) -> bool {
    if *place == 0 {
        *value = new.clone().unwrap_or(Value::Null);
        return true;
    }
    *place -= 1;
    match value {
        Value::Object(map) => {
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                if *place == 0 && new.is_none() {
                    map.shift_remove(&name);
                    return true;
                }
                if edit(&mut map[&name], place, new) {
                    return true;
                }
            }
            false
        }
        Value::Array(items) => items.iter_mut().any(|item| edit(item, place, new)),
        _ => false,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let number = select(vec![json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!(i64::MIN), json!(1e300)]);
    let text = select(vec!["", "*", "a", "create", "$edgeAgent", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        text.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        (0..5_000_usize).prop_map(|length| Value::from("z".repeat(length))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = prop_oneof!["[a-z]{1,3}", Just("$version".to_owned()), Just("a.b".to_owned()), "\\PC{0,3}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}

fn any_headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let tag =
        select(vec!["*", "\"*\"", "\"\"", "\"AAAAAAAAAAE=\"", "AAAAAAAAAAE=", "\"MQ==\"", "MQ==", "\"", "W/\"x\""]);
    let size = select(vec!["1", "2", "0", "-1", "many", "99999999999999999999"]);
    let token = prop_oneof![
        Just(String::new()),
        "[A-Za-z0-9+/=]{0,20}",
        select(vec![r#"{"of":"","after":["a",null],"left":null}"#, "{}", "[1]"]).prop_map(|json| STANDARD.encode(json)),
    ];
    let (tag, size) = (prop::option::weighted(0.4, tag), prop::option::weighted(0.2, size));
    (tag, size, prop::option::weighted(0.1, token)).prop_map(|(tag, size, token)| {
        let tag = tag.map(|tag| ("If-Match", tag.to_owned()));
        let size = size.map(|size| ("x-ms-max-item-count", size.to_owned()));
        tag.into_iter().chain(size).chain(token.map(|token| ("x-ms-continuation", token))).collect()
    })
}
