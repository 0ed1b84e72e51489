//! Configurations in memory: `resource` is what a caller sees of them, `effects` what becomes of twins and when,
//! `figures` what is counted.

mod effects;
mod figures;
mod resource;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::hub::testing::{Answer, Caller};
use crate::sim::hub::{Seed, SimHub};

use super::{Configuration, Configurations};

impl Configurations {
    /// All there is to them, for tests that nothing has changed.
    pub(in crate::sim::hub) fn digest(&self) -> String {
        let Self { known, made, due } = self;
        let known: Vec<Value> = known.iter().map(Configuration::to_value).collect();
        let made: Vec<(&String, u64)> = made.iter().map(|(id, outcome)| (id, outcome.print)).collect();
        format!("{} {made:?} {due:?}", json!(known))
    }
}

const NOW: &str = "2021-12-09T20:22:04.5192495Z";

fn hub() -> (Caller, Arc<ManualClock>) {
    let clock = ManualClock::at(NOW.parse().unwrap());
    let shared: SharedClock = clock.clone();
    (Caller::new(SimHub::new("hub", Seed::fixed(1), Arc::clone(&shared), shared)), clock)
}

fn seconds(clock: &ManualClock, count: u64) {
    clock.advance(Duration::from_secs(count));
}

fn put(caller: &Caller, id: &str, body: &Value) -> Answer {
    caller.send("PUT", &format!("/configurations/{id}"), &[], body)
}

fn put_over(caller: &Caller, id: &str, body: &Value) -> Answer {
    caller.send("PUT", &format!("/configurations/{id}"), &[("If-Match", "*")], body)
}

fn delete(caller: &Caller, id: &str) {
    assert_eq!(caller.send("DELETE", &format!("/configurations/{id}"), &[], &Value::Null).status, 204, "{id}");
}

/// An edge device with a site in its tags.
fn edge(caller: &Caller, id: &str, site: &str) {
    let body = json!({"deviceId": id, "capabilities": {"iotEdge": true}});
    assert_eq!(caller.send("PUT", &format!("/devices/{id}"), &[], &body).status, 200);
    tag(caller, id, site);
}

fn tag(caller: &Caller, id: &str, site: &str) {
    let body = json!({"tags": {"site": site}});
    assert_eq!(caller.send("PATCH", &format!("/twins/{id}"), &[], &body).status, 200);
}

fn module(image: &str) -> Value {
    json!({"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": image}})
}

/// A base for a site that runs one module and sets a threshold in its twin.
fn base(name: &str, site: &str, priority: u64) -> Value {
    json!({
        "content": {"modulesContent": {
            "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": {name: module("acr/a:1")}}},
            "$edgeHub": {"properties.desired": {"schemaVersion": "1.1", "routes": {}}},
            name: {"properties.desired": {"threshold": 25}},
        }},
        "targetCondition": format!("tags.site = '{site}'"),
        "priority": priority,
    })
}

fn device_content(value: &str, priority: u64) -> Value {
    json!({
        "content": {"deviceContent": {"properties.desired.key": value}},
        "targetCondition": "*",
        "priority": priority,
    })
}
