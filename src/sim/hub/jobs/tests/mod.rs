//! Jobs from outside: what is refused, how they pass through their states, and what they do to devices.

mod passing;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::hub::testing::{Answer, Caller};
use crate::sim::hub::{Seed, SimHub};

struct Stage {
    caller: Caller,
    clock: Arc<ManualClock>,
}

impl Stage {
    /// A hub with these devices, which have the tag `n` with their place from 1 on.
    fn with(devices: &[&str]) -> Self {
        let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
        let shared: SharedClock = clock.clone();
        let caller = Caller::new(SimHub::new("hub", Seed::fixed(1), Arc::clone(&shared), shared));
        let stage = Self { caller, clock };
        for (device, n) in devices.iter().zip(1..) {
            let edge = json!({"deviceId": device, "capabilities": {"iotEdge": true}});
            assert_eq!(stage.send("PUT", &format!("/devices/{device}"), &edge).status, 200);
            assert_eq!(stage.send("PATCH", &format!("/twins/{device}"), &json!({"tags": {"n": n}})).status, 200);
        }
        stage
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.caller.send(method, path, &[], body)
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }

    fn put(&self, id: &str, body: &Value) -> Answer {
        self.send("PUT", &format!("/jobs/v2/{id}"), body)
    }

    fn job(&self, id: &str) -> Value {
        self.caller.get(&format!("/jobs/v2/{id}"))
    }

    fn status(&self, id: &str) -> String {
        self.job(id)["status"].as_str().unwrap().to_owned()
    }

    /// Makes a job that must be taken, and lets it begin.
    fn begin(&self, id: &str, body: &Value) {
        let answer = self.put(id, body);
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("queued")), "{}", answer.body);
        self.pass(1_500);
    }

    /// Devices of a job: all, failed, succeeded, running, pending.
    fn figures(&self, id: &str) -> [u64; 5] {
        let figures = self.job(id)["deviceJobStatistics"].clone();
        ["deviceCount", "failedCount", "succeededCount", "runningCount", "pendingCount"]
            .map(|name| figures[name].as_u64().unwrap())
    }

    fn rows(&self, condition: &str) -> Value {
        self.caller.query(&format!("SELECT * FROM devices.jobs WHERE {condition}"))
    }
}

/// A job that writes a tag.
fn tagging(condition: &str) -> Value {
    json!({
        "type": "scheduleUpdateTwin",
        "updateTwin": {"etag": "*", "tags": {"ring": "canary"}},
        "queryCondition": condition,
        "maxExecutionTimeInSeconds": 60,
    })
}

/// A job that calls a method.
fn calling(condition: &str, name: &str, connect: u64) -> Value {
    json!({
        "type": "scheduleDeviceMethod",
        "cloudToDeviceMethod": {"methodName": name, "payload": null, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": connect},
        "queryCondition": condition,
        "maxExecutionTimeInSeconds": 60,
    })
}
