//! Scheduled jobs over HTTPS: made by somebody else, carried out on the hub's time among everything the machines do, and
//! read row by row with the client's queries.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

const VERSION: &str = "api-version=2021-04-12";

async fn job(stage: &Stage, id: &str) -> Value {
    let path = format!("/jobs/v2/{id}?{VERSION}");
    stage.outside.send(Method::GET, &path, &[], &Value::Null).await.body
}

async fn put(stage: &Stage, id: &str, body: &Value) {
    let answer = stage.outside.send(Method::PUT, &format!("/jobs/v2/{id}?{VERSION}"), &[], body).await;
    assert_eq!((answer.status, answer.body.get("status")), (200, Some(&json!("queued"))), "{}", answer.body);
}

#[tokio::test]
async fn a_job_writes_the_twins_that_a_query_finds() {
    let stage = Stage::set().await;
    let condition = "tags.location.building = 'B2'";
    let find = format!("SELECT deviceId FROM devices WHERE {condition}");
    let found = stage.hub.read.query(&find, None).await.expect("rows").len();
    assert!(found > 2);
    let update = json!({
        "type": "scheduleUpdateTwin", "queryCondition": condition, "maxExecutionTimeInSeconds": 300,
        "updateTwin": {"etag": "*", "tags": {"wave": 1}},
    });
    put(&stage, "wave-1", &update).await;
    stage.theirs.advance(Duration::from_secs(30));
    let done = job(&stage, "wave-1").await;
    assert_eq!((&done["status"], &done["deviceJobStatistics"]["succeededCount"]), (&json!("completed"), &json!(found)));
    let written = stage.hub.read.query("SELECT * FROM devices WHERE tags.wave = 1", None).await.expect("rows");
    assert_eq!(written.len(), found);
}

#[tokio::test]
async fn a_job_asks_the_agents_that_are_there_and_says_of_each_what_came_of_it() {
    let stage = Stage::set().await;
    let call = json!({
        "type": "scheduleDeviceMethod", "queryCondition": "FROM devices.modules WHERE moduleId = '$edgeAgent'",
        "cloudToDeviceMethod": {"methodName": "ping", "payload": null}, "maxExecutionTimeInSeconds": 300,
    });
    put(&stage, "ping", &call).await;
    stage.theirs.advance(Duration::from_secs(200));
    let done = job(&stage, "ping").await;
    assert_eq!(done["status"], "completed");
    let figures = &done["deviceJobStatistics"];
    let page = stage.hub.read.query_page("SELECT * FROM devices.jobs WHERE jobId = 'ping'", 100, None).await;
    let page = page.expect("a page");
    assert_eq!((page.item_type.as_str(), &json!(page.rows.len())), ("DeviceJob", &figures["deviceCount"]));
    let answered = page.rows.iter().filter(|row| row["outcome"]["deviceMethodResponse"]["status"] == 200).count();
    let away = page.rows.iter().filter(|row| row["error"]["code"] == "DeviceNotOnline").count();
    assert!(answered > 0 && away > 0, "{figures}");
    assert_eq!(figures["succeededCount"], answered);
    assert!(figures["failedCount"].as_u64().is_some_and(|failed| usize::try_from(failed).is_ok_and(|n| n >= away)));
}
