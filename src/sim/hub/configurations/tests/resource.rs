//! The resource: shapes as recorded, tags, refusals, limits.

use serde_json::{Value, json};

use super::*;
use crate::sim::hub::{Edition, Sku};

/// As recorded, but for its times: what the service answered to the creation of a device configuration.
const RECORDED: &str = r#"{"id":"configlifecycle2010458887","schemaVersion":null,"labels":{"HostPlatform":"SomeValue"},"content":{"deviceContent":{"properties.desired.deviceContent_key":"deviceContent_value-configlifecycle2010458887"}},"targetCondition":"*","createdTimeUtc":"2021-12-09T20:22:04.5192495Z","lastUpdatedTimeUtc":"2021-12-09T20:22:04.5192495Z","priority":789463540,"systemMetrics":{"results":{},"queries":{"targetedCount":"select deviceId from devices","appliedCount":"select deviceId from devices where configurations.[[configlifecycle2010458887]].status = 'Applied'"}},"metrics":{"results":{},"queries":{}},"etag":"MQ=="}"#;

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    assert_eq!((answer.status, answer.header("iothub-errorcode")), (status, Some(code)), "{}", answer.body);
    let message = answer.body["Message"].as_str().unwrap();
    assert!(message.starts_with(&format!("ErrorCode:{code};")) && message.contains(text), "{message} lacks {text}");
    assert_eq!(answer.header("ETag"), None);
}

#[test]
fn a_life_as_recorded() {
    let (caller, clock) = hub();
    let id = "configlifecycle2010458887";
    let mut sent: Value = serde_json::from_str(RECORDED).unwrap();
    for (member, ours) in [("etag", json!("ours")), ("systemMetrics", json!(7)), ("createdTimeUtc", json!("never"))] {
        sent[member] = ours;
    }
    sent["content"]["modulesContent"] = json!({});
    sent["content"]["moduleContent"] = Value::Null;
    sent["content"]["$schema"] = json!("of no interest");
    let path = format!("/configurations/{id}");
    let created = caller.send("PUT", &path, &[("If-Match", "\"\"")], &sent);
    assert_eq!((created.status, created.header("ETag")), (200, Some("\"MQ==\"")));
    assert_eq!(created.body.to_string(), RECORDED, "unused contents and read-only members are not kept");
    assert_eq!(caller.get(&path).to_string(), RECORDED);

    clock.advance(Duration::from_millis(1_171));
    let mut body = created.body;
    body["priority"] = json!(1_500_054_980);
    let updated = caller.send("PUT", &path, &[("If-Match", "*")], &body);
    assert_eq!((updated.status, updated.header("ETag")), (200, Some("\"Mg==\"")));
    let mut expected: Value = serde_json::from_str(RECORDED).unwrap();
    expected["priority"] = json!(1_500_054_980);
    expected["lastUpdatedTimeUtc"] = json!("2021-12-09T20:22:05.6902495Z");
    expected["etag"] = json!("Mg==");
    assert_eq!(updated.body.to_string(), expected.to_string());

    let deleted = caller.send("DELETE", &path, &[("If-Match", "*")], &Value::Null);
    assert_eq!((deleted.status, deleted.header("Content-Type"), &deleted.body), (204, None, &Value::Null));
    refused(&caller.send("GET", &path, &[], &Value::Null), 404, "ConfigurationNotFound", id);
    let again = put(&caller, id, &body);
    assert_eq!(again.body["etag"], "MQ==", "an id that comes back starts anew");
}

#[test]
fn a_list_is_in_the_order_of_creation_and_unpaged() {
    let (caller, _) = hub();
    for id in ["zeta", "alpha", "mid"] {
        put(&caller, id, &device_content(id, 1));
    }
    let listed = caller.send("GET", "/configurations/?top=1", &[], &Value::Null);
    let ids: Vec<&str> = listed.body.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((ids.as_slice(), listed.header("ETag")), (&["zeta", "alpha", "mid"][..], None));
    assert_eq!(listed.body[1], caller.get("/configurations/alpha"));
}

#[test]
fn tags_are_honoured_in_quotes_only() {
    let (caller, _) = hub();
    let body = device_content("a", 1);
    let send = |method: &str, tag: &str| caller.send(method, "/configurations/c", &[("If-Match", tag)], &body);
    for tag in ["\"MQ==\"", "*", "\"*\""] {
        refused(&send("PUT", tag), 404, "ConfigurationNotFound", "'c'");
    }
    assert_eq!(put(&caller, "c", &body).status, 200);
    for tag in ["MQ==", "\"\"", ""] {
        refused(
            &send("PUT", tag),
            409,
            "ConfigurationAlreadyExists",
            "Configuration with id 'c' already exist on IotHub.",
        );
    }
    refused(&send("PUT", "\"Mg==\""), 412, "PreconditionFailed", "ETag may be invalid");
    assert_eq!(send("PUT", "\"MQ==\"").body["etag"], "Mg==");
    assert_eq!(send("PUT", "\"*\"").body["etag"], "Mw==");
    refused(&send("DELETE", "\"MQ==\""), 412, "PreconditionFailed", "");
    assert_eq!(send("DELETE", "MQ==").status, 204, "an unquoted one is as good as none");
    refused(&send("DELETE", "*"), 404, "ConfigurationNotFound", "'c'");
}

#[test]
fn content_is_sent_every_time_and_never_changes() {
    let (caller, _) = hub();
    put(&caller, "c", &base("m", "b1", 10));
    let mut other = base("other", "b2", 20);
    other["labels"] = json!({"release": "2"});
    other["schemaVersion"] = json!("1.0");
    other["metrics"] = json!({"queries": {"all": "SELECT deviceId FROM devices"}});
    let answer = put_over(&caller, "c", &other);
    assert_eq!(answer.status, 200);
    let stored = caller.get("/configurations/c");
    assert_eq!(stored["content"], base("m", "b1", 10)["content"], "200, and the old content");
    assert_eq!((&stored["priority"], &stored["targetCondition"]), (&json!(20), &json!("tags.site = 'b2'")));
    assert_eq!((&stored["labels"], &stored["schemaVersion"]), (&json!({"release": "2"}), &json!("1.0")));
    assert_eq!(stored["metrics"], json!({"results": {}, "queries": {"all": "SELECT deviceId FROM devices"}}));
    let without = json!({"targetCondition": "", "priority": 1});
    refused(&put_over(&caller, "c", &without), 400, "InvalidConfigurationContent", "Please check and try again");
    let kind = device_content("x", 1);
    assert_eq!(put_over(&caller, "c", &kind).body["content"], stored["content"], "not even its kind");
}

#[test]
fn contents_that_are_refused() {
    let (caller, _) = hub();
    let long = "x".repeat(4_097);
    let many: Value = (0..51).map(|n| (format!("m{n}"), json!({}))).collect::<serde_json::Map<_, _>>().into();
    let large: Value =
        (0..9).map(|n| (format!("k{n}"), json!("x".repeat(4_000)))).collect::<serde_json::Map<_, _>>().into();
    for (content, code) in [
        (json!({}), "InvalidConfigurationContent"),
        (json!({"modulesContent": {}}), "InvalidConfigurationContent"),
        (json!({"modulesContent": {"$edgeHub": {"properties.desired": {}}}}), "InvalidConfigurationContent"),
        (json!({"modulesContent": {"$edgeAgent": {"modules": {}}}}), "InvalidConfigurationContent"),
        (json!({"modulesContent": {"$edgeAgent": {"properties.desired": 7}}}), "InvalidConfigurationContent"),
        (
            json!({"modulesContent": {"$edgeAgent": {"properties.desired.modules": many}}}),
            "InvalidConfigurationContent",
        ),
        (json!({"deviceContent": {"tags.x": 1}}), "InvalidConfigurationContent"),
        (
            json!({"deviceContent": {"properties.desired.x": 1}, "modulesContent": {"$edgeAgent": {}}}),
            "InvalidConfigurationContent",
        ),
        (json!({"deviceContent": [1]}), "InvalidConfigurationContent"),
        (json!({"deviceContent": {"properties.desired.x": long}}), "ArgumentInvalid"),
        (json!({"deviceContent": {"properties.desired": {"a$b": 1}}}), "ArgumentInvalid"),
        (
            json!({"modulesContent": {"$edgeAgent": {}, "m": {"properties.desired": {"i": 1_u64 << 53}}}}),
            "ArgumentInvalid",
        ),
        (
            json!({"modulesContent": {"$edgeAgent": {}, "m": {"properties.desired": large}}}),
            "DeviceModelMaxPropertiesExceeded",
        ),
    ] {
        let answer = put(&caller, "c", &json!({"content": content}));
        assert_eq!(answer.header("iothub-errorcode"), Some(code), "{content}");
        assert_eq!(answer.status, if code.starts_with("Device") { 403 } else { 400 });
    }
    for content in [
        json!({"modulesContent": {"$edgeAgent": {}, "$edgeHub": {"properties.desired.routes.up": "FROM /* INTO $upstream"}}}),
        json!({"deviceContent": {"properties.desired": {"x": {}}, "properties.desired.y": null}}),
    ] {
        assert_eq!(put(&caller, "c", &json!({"content": content})).body["content"], content);
        delete(&caller, "c");
    }
}

#[test]
fn everything_else_that_is_refused() {
    let (caller, _) = hub();
    let with = |member: &str, value: Value| {
        let mut body = device_content("a", 1);
        body[member] = value;
        body
    };
    let six: serde_json::Map<_, _> = (0..6).map(|n| (n.to_string(), json!("SELECT deviceId FROM devices"))).collect();
    for (body, code, part) in [
        (with("id", json!("d")), "ArgumentInvalid", "as in the path"),
        (with("priority", json!(-1)), "ArgumentInvalid", "priority"),
        (with("priority", json!(1.5)), "ArgumentInvalid", "priority"),
        (with("labels", json!({"a": 1})), "ArgumentInvalid", "labels"),
        (with("labels", json!([])), "IotHubFormatError", "could not be read"),
        (with("targetCondition", json!("tags.a IN ['b']")), "InvalidConfigurationTargetCondition", "BadRequest"),
        (with("targetCondition", json!("status = 'on'")), "InvalidConfigurationTargetCondition", "It contains: status"),
        (with("metrics", json!({"queries": {"m": "SELECT"}})), "InvalidConfigurationCustomMetricsQuery", "'m'"),
        (
            with("metrics", json!({"queries": {"m": "SELECT * FROM devices.jobs"}})),
            "InvalidConfigurationCustomMetricsQuery",
            "'m'",
        ),
        (with("metrics", json!({"queries": six})), "InvalidConfigurationCustomMetricsQuery", "at most 5"),
    ] {
        refused(&put(&caller, "c", &body), 400, code, part);
    }
    for id in ["Base", "a.b", "a%20b", &"a".repeat(129)] {
        refused(&put(&caller, id, &device_content("a", 1)), 400, "ArgumentInvalid", "valid id");
    }
    assert_eq!(put(&caller, "a-+%25_*!'9", &device_content("a", 1)).status, 200);
    let bare = put(&caller, "bare", &json!({"content": {"deviceContent": {"properties.desired.a": 1}}})).body;
    assert_eq!((&bare["priority"], &bare["targetCondition"], &bare["labels"]), (&json!(0), &json!(""), &Value::Null));
}

#[test]
fn a_hub_takes_so_many() {
    let (caller, _) = hub();
    let body = device_content("a", 1);
    for number in 0..100 {
        assert_eq!(put(&caller, &format!("c{number}"), &body).status, 200);
    }
    refused(&put(&caller, "more", &body), 413, "ConfigurationCountLimitExceeded", "RequestEntityTooLarge");
    assert_eq!(put_over(&caller, "c99", &body).status, 200, "an update is none more");
    for number in 9..100 {
        delete(&caller, &format!("c{number}"));
    }
    caller.hub.buy(Edition::new(Sku::F1, 1).unwrap());
    assert_eq!(put(&caller, "tenth", &body).status, 200);
    refused(&put(&caller, "eleventh", &body), 413, "ConfigurationCountLimitExceeded", "");
}

#[test]
fn rights() {
    let (mut caller, _) = hub();
    put(&caller, "c", &device_content("a", 1));
    for (policy, reads, writes) in
        [("iothubowner", 200, 200), ("registryRead", 200, 401), ("registryReadWrite", 200, 200), ("service", 401, 401)]
    {
        caller.policy = policy;
        assert_eq!(caller.send("GET", "/configurations", &[], &Value::Null).status, reads, "{policy}");
        assert_eq!(caller.send("GET", "/configurations/c", &[], &Value::Null).status, reads, "{policy}");
        assert_eq!(put_over(&caller, "c", &device_content("a", 1)).status, writes, "{policy}");
    }
}

#[test]
fn queries_are_tested_without_a_trace() {
    let (caller, _) = hub();
    let test = |body: Value| {
        let answer = caller.send("POST", "/configurations/testQueries", &[], &body);
        assert_eq!(answer.status, 200, "the errors are in the body");
        answer.body
    };
    assert_eq!(
        test(json!({"targetCondition": "tags.a = 1", "customMetricQueries": {"m": "SELECT deviceId FROM devices"}})),
        json!({"targetConditionError": null, "customMetricQueryErrors": {}})
    );
    let bad =
        test(json!({"targetCondition": "*", "customMetricQueries": {"m": "SELECT", "n": "SELECT * FROM devices"}}));
    assert_eq!(bad, json!({"targetConditionError": "BadRequest", "customMetricQueryErrors": {"m": "BadRequest"}}));
    assert_eq!(caller.get("/configurations"), json!([]));
}
