//! What a job may not be, and what may not be done to one.

use serde_json::{Value, json};

use crate::sim::hub::testing::Answer;
use crate::sim::hub::{Edition, Sku};

use super::{Stage, calling, tagging};

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.header("iothub-errorcode")), (status, Some(code)), "{}", answer.body);
}

/// The body with one member set to something else, or without it.
fn but(mut body: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    body
}

#[test]
fn a_job_that_cannot_be_is_refused_and_not_made() {
    let stage = Stage::with(&["a"]);
    let (twin, method) = (tagging("*"), calling("*", "ping", 0));
    let argument = "ArgumentInvalid";
    for (body, path, value, code) in [
        (&twin, "/type", Some(json!("scheduleTwinUpdate")), "GenericBadRequest"),
        (&twin, "/type", Some(json!("export")), "GenericBadRequest"),
        (&twin, "/type", None, "GenericBadRequest"),
        (&twin, "/type", Some(json!("scheduleDeviceMethod")), argument),
        (&twin, "/jobId", Some(json!("other")), argument),
        (&twin, "/updateTwin/etag", None, argument),
        (&twin, "/updateTwin/etag", Some(json!("AAAAAAAAAAE=")), argument),
        (&twin, "/updateTwin/tags", None, argument),
        (&twin, "/updateTwin/tags", Some(json!({"a b": 1})), argument),
        (&twin, "/updateTwin/properties", Some(json!({"desired": 1})), argument),
        (&twin, "/cloudToDeviceMethod", Some(method["cloudToDeviceMethod"].clone()), argument),
        (&twin, "/queryCondition", None, argument),
        (&twin, "/queryCondition", Some(json!("")), argument),
        (&twin, "/queryCondition", Some(json!(1)), argument),
        (&twin, "/startTime", Some(Value::Null), argument),
        (&twin, "/startTime", Some(json!("tomorrow")), argument),
        (&twin, "/startTime", Some(json!("9999-12-31T23:59:59Z")), argument),
        (&twin, "/startTime", Some(json!("2026-03-11T05:06:08Z")), argument),
        (&twin, "/maxExecutionTimeInSeconds", Some(Value::Null), argument),
        (&twin, "/maxExecutionTimeInSeconds", Some(json!(0)), argument),
        (&twin, "/maxExecutionTimeInSeconds", Some(json!("60")), argument),
        (&method, "/cloudToDeviceMethod", None, argument),
        (&method, "/cloudToDeviceMethod/methodName", Some(json!("a b")), argument),
        (&method, "/cloudToDeviceMethod/responseTimeoutInSeconds", Some(json!(4)), argument),
        (&method, "/cloudToDeviceMethod/connectTimeoutInSeconds", Some(json!(31)), argument),
    ] {
        let body = but(body.clone(), path, value);
        refused(&stage.put("j", &body), 400, code);
        assert_eq!(stage.job("j"), json!({"type": "unknown", "status": "unknown"}), "{body}");
    }
    for id in ["a.b", "a_b", "a%20b", &"x".repeat(65)] {
        refused(&stage.put(id, &twin), 400, argument);
    }
    refused(&stage.put("j", &json!([])), 400, "IotHubFormatError");
    let long = tagging(&format!("deviceId = '{}'", "x".repeat(8_192)));
    refused(&stage.put("j", &long), 412, "JobRunPreconditionFailed");
    assert_eq!(stage.caller.get("/jobs/v2/query"), json!([]));
}

/// What was bought says how many jobs there may be, and how fast they go from device to device.
#[test]
fn a_larger_hub_has_more_jobs_at_once() {
    let stage = Stage::with(&["a"]);
    stage.caller.hub.buy(Edition::new(Sku::S2, 1).unwrap());
    let later = but(tagging("*"), "/startTime", Some(json!("2026-03-11T05:06:07Z")));
    for id in ["one", "two", "three", "four", "five"] {
        assert_eq!(stage.put(id, &later).status, 200, "{id}");
    }
    refused(&stage.put("six", &later), 429, "ThrottlingMaxActiveJobCountExceeded");
}

#[test]
fn one_job_is_under_way_or_waits_and_no_id_is_used_twice() {
    let stage = Stage::with(&["a"]);
    let later = but(tagging("*"), "/startTime", Some(json!("2026-03-11T05:06:07Z")));
    assert_eq!(stage.put("one", &later).status, 200);
    refused(&stage.put("one", &later), 409, "JobAlreadyExists");
    refused(&stage.put("two", &tagging("*")), 429, "ThrottlingMaxActiveJobCountExceeded");
    stage.pass(2_000);
    assert_eq!(stage.status("one"), "scheduled");
    refused(&stage.put("two", &tagging("*")), 429, "ThrottlingMaxActiveJobCountExceeded");
    let cancelled = stage.send("POST", "/jobs/v2/one/cancel", &Value::Null);
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")));
    assert_eq!(stage.status("one"), "scheduled", "for a while");
    stage.pass(1_000);
    assert_eq!(stage.status("one"), "cancelled");
    refused(&stage.put("one", &tagging("*")), 409, "JobAlreadyExists");
    stage.begin("two", &tagging("*"));
    stage.pass(200);
    assert_eq!((stage.status("two").as_str(), stage.status("one").as_str()), ("completed", "cancelled"));
}

#[test]
fn only_a_job_that_waits_can_be_cancelled() {
    let stage = Stage::with(&["a"]);
    refused(&stage.send("POST", "/jobs/v2/none/cancel", &Value::Null), 404, "JobNotFound");
    stage.begin("j", &calling("*", "ping", 20));
    assert_eq!(stage.status("j"), "running");
    refused(&stage.send("POST", "/jobs/v2/j/cancel", &Value::Null), 405, "OperationNotAllowedInCurrentState");
    stage.pass(20_000);
    assert_eq!(stage.status("j"), "completed");
    refused(&stage.send("POST", "/jobs/v2/j/cancel", &Value::Null), 405, "OperationNotAllowedInCurrentState");
}

#[test]
fn only_who_may_do_everything_may_have_jobs() {
    let mut stage = Stage::with(&[]);
    for policy in ["service", "registryReadWrite", "device"] {
        stage.caller.policy = policy;
        refused(&stage.put("j", &tagging("*")), 401, "IotHubUnauthorizedAccess");
        refused(&stage.send("GET", "/jobs/v2/query", &Value::Null), 401, "IotHubUnauthorizedAccess");
    }
}
