//! How jobs begin, carry on and end, and what is left of them.

use serde_json::{Value, json};

use crate::sim::device::{Condition, MachineSpec};

use super::{Stage, calling, tagging};

#[test]
fn twins_are_written_ten_in_a_second_from_the_start_on() {
    let names: Vec<String> = (10..35).map(|n| format!("d{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = Stage::with(&names);
    let mut body = tagging("tags.n > 5");
    body["startTime"] = json!("2026-03-04T05:07:00Z");
    body["updateTwin"]["properties"] = json!({"desired": {"level": 2, "$version": 7}});
    body["updateTwin"]["tags"]["n"] = Value::Null;
    let answer = stage.put("j", &body);
    assert_eq!(answer.body, json!({"jobId": "j", "type": "scheduleUpdateTwin", "status": "queued"}));
    assert_eq!(stage.status("j"), "queued");
    stage.pass(52_900);
    let waits = stage.job("j");
    assert_eq!(
        (&waits["status"], waits.get("deviceJobStatistics"), waits.get("endTime")),
        (&json!("scheduled"), None, None)
    );
    assert_eq!(stage.rows("jobId = 'j'"), json!([]), "nobody knows yet for whom it is");
    // Who comes before it begins is in, who comes afterwards is not.
    assert_eq!(stage.send("PATCH", "/twins/d10", &json!({"tags": {"n": 99}})).status, 200);
    stage.pass(1_000);
    assert_eq!(stage.send("PATCH", "/twins/d11", &json!({"tags": {"n": 99}})).status, 200);
    assert_eq!((stage.status("j").as_str(), stage.figures("j")), ("running", [21, 0, 10, 0, 11]));
    stage.pass(1_100);
    assert_eq!((stage.status("j").as_str(), stage.figures("j")), ("completed", [21, 0, 21, 0, 0]));
    assert_eq!(
        stage.job("j"),
        json!({
            "jobId": "j", "queryCondition": "tags.n > 5", "createdTime": "2026-03-04T05:06:07Z",
            "startTime": "2026-03-04T05:07:00Z", "endTime": "2026-03-04T05:07:02Z", "maxExecutionTimeInSeconds": 60,
            "type": "scheduleUpdateTwin",
            "updateTwin": {"deviceId": null, "etag": "*", "tags": {"ring": "canary", "n": null},
                "properties": {"desired": {"level": 2, "$version": 7}}},
            "status": "completed",
            "deviceJobStatistics": {"deviceCount": 21, "failedCount": 0, "succeededCount": 21, "runningCount": 0, "pendingCount": 0},
        })
    );
    let twin = stage.caller.get("/twins/d34");
    assert_eq!((&twin["tags"], &twin["version"]), (&json!({"ring": "canary"}), &json!(4)), "null removes");
    assert_eq!(twin["properties"]["desired"]["$metadata"]["level"]["$lastUpdated"], "2026-03-04T05:07:02Z");
    assert_eq!(stage.caller.get("/twins/d11")["tags"], json!({"n": 99}));
    assert_eq!(
        stage.rows("devices.jobs.jobId = 'j' AND devices.jobs.deviceId = 'd10'"),
        json!([{
            "deviceId": "d10", "jobId": "j", "jobType": "scheduleUpdateTwin", "status": "completed",
            "startTimeUtc": "2026-03-04T05:07:00Z", "endTimeUtc": "2026-03-04T05:07:00Z",
            "createdDateTimeUtc": "2026-03-04T05:06:07Z", "lastUpdatedDateTimeUtc": "2026-03-04T05:07:00Z",
            "outcome": {"deviceMethodResponse": null},
        }])
    );
    stage.pass(30 * 24 * 3_600 * 1_000);
    assert_eq!(stage.status("j"), "unknown", "nobody remembers");
}

#[test]
fn a_condition_that_is_none_is_taken_and_fails() {
    let stage = Stage::with(&["a"]);
    for (id, condition, reason) in [
        ("select", "SELECT * FROM devices", "SQL query parse failed"),
        ("desired", "properties.desired.x = 1", "cannot select by properties.desired.x"),
        ("module", "moduleId = 'm'", "cannot select by moduleId"),
        ("twins", "FROM devices.modules WHERE moduleId = '$edgeAgent'", "modules"),
        ("jobs", "from devices.jobs where jobId = 'x'", "devices or modules"),
    ] {
        stage.begin(id, &tagging(condition));
        let job = stage.job(id);
        assert_eq!(job["status"], "failed", "{condition}");
        assert!(job["failureReason"].as_str().unwrap().contains(reason), "{job}");
    }
    stage.begin("nobody", &tagging("deviceId = 'nobody'"));
    assert_eq!((stage.status("nobody").as_str(), stage.figures("nobody")), ("completed", [0; 5]));
    assert_eq!(stage.caller.get("/twins/a")["tags"], json!({"n": 1}));
}

#[test]
fn each_device_fails_by_itself() {
    let stage = Stage::with(&["a", "b", "c"]);
    let big = |n: u32| json!({"tags": {format!("x{n}"): "x".repeat(4_000)}});
    assert_eq!(stage.send("PATCH", "/twins/a", &big(1)).status, 200);
    assert_eq!(stage.send("PATCH", "/twins/a", &big(2)).status, 200);
    let mut body = tagging("*");
    body["updateTwin"]["tags"] = big(3)["tags"].clone();
    let answer = stage.put("j", &body);
    assert_eq!(answer.status, 200);
    // The three have their turns; one of them is gone by then.
    while stage.status("j") != "running" {
        stage.pass(20);
    }
    assert_eq!(stage.caller.send("DELETE", "/devices/c", &[("If-Match", "*")], &Value::Null).status, 204);
    stage.pass(1_000);
    assert_eq!((stage.status("j").as_str(), stage.figures("j")), ("completed", [3, 2, 1, 0, 0]));
    let rows = stage.rows("status = 'failed'");
    assert_eq!(rows[0]["error"]["code"], "ArgumentInvalid");
    assert_eq!(rows[1]["error"], json!({"code": "DeviceNotFound", "description": "c"}));
    assert_eq!(rows[0].get("outcome"), None);
}

#[test]
fn modules_are_called_and_devices_that_are_away_fail() {
    let stage = Stage::with(&["a", "b"]);
    stage.caller.hub.provision("a", MachineSpec::default()).unwrap();
    stage.pass(60_000);
    let agents = "FROM devices.modules WHERE moduleId = '$edgeAgent'";
    stage.begin("ping", &calling(agents, "ping", 0));
    stage.pass(200);
    assert_eq!((stage.status("ping").as_str(), stage.figures("ping")), ("completed", [2, 1, 1, 0, 0]));
    let rows = stage.rows("jobId = 'ping'");
    assert_eq!(
        (&rows[0]["moduleId"], &rows[0]["outcome"]["deviceMethodResponse"]["status"]),
        (&json!("$edgeAgent"), &json!(200))
    );
    assert_eq!((&rows[1]["deviceId"], &rows[1]["error"]["code"]), (&json!("b"), &json!("DeviceNotOnline")));
    // As methods are called themselves: an edge device has no link of its own.
    stage.begin("devices", &calling("deviceId IN ['a']", "ping", 0));
    assert_eq!((stage.status("devices").as_str(), stage.figures("devices")), ("completed", [1, 1, 0, 0, 0]));

    // Who is away is waited for while others have their turns.
    stage.caller.hub.afflict("a", &Condition::AgentHung, true).unwrap();
    stage.begin("hung", &calling(agents, "ping", 20));
    stage.pass(10_000);
    assert_eq!((stage.status("hung").as_str(), stage.figures("hung")), ("running", [2, 0, 0, 2, 0]));
    stage.caller.hub.afflict("a", &Condition::AgentHung, false).unwrap();
    stage.pass(1_000);
    assert_eq!((stage.status("hung").as_str(), stage.figures("hung")), ("running", [2, 0, 1, 1, 0]));
    stage.pass(10_000);
    assert_eq!((stage.status("hung").as_str(), stage.figures("hung")), ("completed", [2, 1, 1, 0, 0]));
}

#[test]
fn a_job_that_takes_too_long_fails_with_who_is_left() {
    let stage = Stage::with(&["a", "b", "c", "d"]);
    let mut body = calling("*", "ping", 30);
    body["maxExecutionTimeInSeconds"] = json!(10);
    stage.begin("j", &body);
    stage.pass(9_000);
    assert_eq!(stage.figures("j"), [4, 0, 0, 4, 0]);
    stage.pass(1_000);
    assert_eq!((stage.status("j").as_str(), stage.figures("j")), ("failed", [4, 4, 0, 0, 0]));
    assert_eq!(stage.rows("jobId = 'j'")[0]["error"]["code"], "GenericTimeout");
    stage.begin("next", &tagging("*"));
    stage.pass(500);
    assert_eq!(stage.status("next"), "completed", "it holds no place any more");
}

#[test]
fn lists_are_filtered_and_paged_while_jobs_come() {
    let stage = Stage::with(&["a"]);
    for id in ["one", "two", "three"] {
        stage.begin(id, &if id == "two" { calling("*", "x", 0) } else { tagging("*") });
        stage.pass(100);
    }
    let ids = |answer: &Value| -> Vec<String> {
        answer.as_array().unwrap().iter().map(|job| job["jobId"].as_str().unwrap().to_owned()).collect()
    };
    for (parameters, expected) in [
        ("", vec!["one", "two", "three"]),
        ("?jobType=&jobStatus=", vec!["one", "two", "three"]),
        ("?jobType=ScheduleUpdateTwin&jobStatus=Completed", vec!["one", "three"]),
        ("?jobType=scheduleDeviceMethod", vec!["two"]),
        ("?jobType=import", vec![]),
        ("?jobStatus=running", vec![]),
    ] {
        assert_eq!(ids(&stage.caller.get(&format!("/jobs/v2/query{parameters}"))), expected, "{parameters}");
    }
    assert_eq!(stage.send("GET", "/jobs/v2/query?jobStatus=done", &Value::Null).status, 400);

    let page = |headers: &[(&str, &str)]| stage.caller.send("GET", "/jobs/v2/query", headers, &Value::Null);
    let first = page(&[("x-ms-max-item-count", "2")]);
    assert_eq!(
        (ids(&first.body), first.header("x-ms-item-type")),
        (vec!["one".to_owned(), "two".to_owned()], Some("JobResponse"))
    );
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    stage.begin("four", &tagging("*"));
    let second = page(&[("x-ms-max-item-count", "2"), ("x-ms-continuation", &token)]);
    assert_eq!(
        (ids(&second.body), second.header("x-ms-continuation")),
        (vec!["three".to_owned(), "four".to_owned()], None)
    );
    let elsewhere =
        stage.caller.send("GET", "/jobs/v2/query?jobType=import", &[("x-ms-continuation", &token)], &Value::Null);
    assert_eq!(elsewhere.status, 400, "a token of another list");

    // Rows of devices go on inside a job, whatever is made meanwhile.
    let ask = |headers: &[(&str, &str)]| {
        stage.caller.send("POST", "/devices/query", headers, &json!({"query": "SELECT TOP 5 * FROM devices.jobs"}))
    };
    let mut token = String::new();
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let answer = ask(&[("x-ms-max-item-count", "1"), ("x-ms-continuation", &token)]);
        assert_eq!((answer.status, answer.header("x-ms-item-type")), (200, Some("DeviceJob")));
        seen.extend(ids(&answer.body));
        match answer.header("x-ms-continuation") {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["one", "two", "three", "four"]);
}

#[test]
fn in_one_leap_of_time_jobs_and_configurations_take_their_turns() {
    let stage = Stage::with(&["a", "b"]);
    let content = json!({
        "content": {"deviceContent": {"properties.desired.level": 3}}, "targetCondition": "tags.ring = 'canary'", "priority": 1,
    });
    assert_eq!(stage.send("PUT", "/configurations/canary", &content).status, 200);
    let mut body = tagging("deviceId = 'a'");
    // Behind the evaluation that follows the write, and before the beat.
    body["startTime"] = json!("2026-03-04T05:08:00Z");
    assert_eq!(stage.put("j", &body).status, 200);
    stage.pass(400_000);
    let twin = stage.caller.get("/twins/a");
    assert_eq!(
        (&twin["tags"]["ring"], &twin["configurations"]["canary"]["status"]),
        (&json!("canary"), &json!("Applied"))
    );
    let stamp = |path: &str| twin.pointer(path).unwrap().as_str().unwrap().to_owned();
    let written = stamp("/properties/desired/$metadata/level/$lastUpdated");
    assert!(written.starts_with("2026-03-04T05:11:"), "on the beat after it, not at the end of the leap: {written}");
    assert_eq!(stage.caller.get("/twins/b").get("configurations"), None);
    assert_eq!(stage.job("j")["endTime"], "2026-03-04T05:08:00Z");
}
