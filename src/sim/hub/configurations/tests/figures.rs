//! What is counted, and when.

use serde_json::{Value, json};

use super::*;

fn results(caller: &Caller, id: &str) -> (Value, Value) {
    let found = caller.get(&format!("/configurations/{id}"));
    (found["systemMetrics"]["results"].clone(), found["metrics"]["results"].clone())
}

/// `$edgeAgent` answers as a device would.
fn report(caller: &Caller, id: &str, code: i64, description: &str) {
    let mut state = caller.hub.state();
    let twin = &mut state.devices.get_mut(id).unwrap().modules.get_mut("$edgeAgent").unwrap().twin;
    let version = twin.desired.version;
    let status = json!({"code": code, "description": description});
    let report = json!({"lastDesiredVersion": version, "lastDesiredStatus": status});
    twin.report(report.as_object().cloned().unwrap(), "2021-12-10T00:00:00Z".parse().unwrap()).unwrap();
}

#[test]
fn a_deployment_is_counted_after_a_second_after_its_evaluation_and_on_the_beat() {
    let (caller, clock) = hub();
    for (id, site) in [("e1", "b1"), ("e2", "b1"), ("e3", "b2")] {
        edge(&caller, id, site);
    }
    caller.send("PUT", "/devices/plain", &[], &json!({"deviceId": "plain"}));
    tag(&caller, "plain", "b1");
    let mut body = base("m", "b1", 10);
    body["metrics"] = json!({"queries": {"sites": "SELECT tags.site, COUNT() FROM devices GROUP BY tags.site", "one": "SELECT TOP 1 deviceId FROM devices"}});
    put(&caller, "c", &body);
    assert_eq!(results(&caller, "c"), (json!({}), json!({})));
    clock.advance(Duration::from_millis(1_500));
    let first = json!({"targetedCount": 2, "appliedCount": 0, "reportedSuccessfulCount": 0, "reportedFailedCount": 0});
    assert_eq!(results(&caller, "c"), (first.clone(), json!({"sites": 2, "one": 1})), "edge devices only");
    clock.advance(Duration::from_millis(2_500));
    assert_eq!(caller.get("/twins/e1/modules/$edgeAgent")["configurations"], json!({"c": {"status": "Applied"}}));
    assert_eq!(results(&caller, "c").0, first, "applied already, and not counted yet");
    report(&caller, "e1", 200, "");
    report(&caller, "e2", 500, "no such image");
    seconds(&clock, 16);
    let second = json!({"targetedCount": 2, "appliedCount": 2, "reportedSuccessfulCount": 1, "reportedFailedCount": 1});
    assert_eq!(results(&caller, "c").0, second);
    report(&caller, "e2", 200, "");
    seconds(&clock, 200);
    assert_eq!(results(&caller, "c").0, second, "figures stand still between counts");
    seconds(&clock, 100);
    assert_eq!(results(&caller, "c").0["reportedSuccessfulCount"], 2);

    body["priority"] = json!(11);
    assert_eq!(put_over(&caller, "c", &body).body["systemMetrics"]["results"], json!({}), "an update starts anew");
}

#[test]
fn the_texts_are_those_of_the_service_and_can_be_run() {
    let (caller, _) = hub();
    let texts = |id: &str, body: &Value| {
        let queries = put(&caller, id, body).body["systemMetrics"]["queries"].clone();
        for text in queries.as_object().unwrap().values().filter(|text| *text != "") {
            caller.query(text.as_str().unwrap());
        }
        queries
    };
    let applied = "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[besta]].status = 'Applied'";
    let reported = |comparison: &str| {
        format!(
            "{applied} and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code {comparison} 200"
        )
    };
    let mut body = base("m", "b1", 1);
    body["targetCondition"] = json!("*");
    assert_eq!(
        texts("besta", &body),
        json!({"targetedCount": "select deviceId from devices where capabilities.iotEdge = true",
            "appliedCount": applied, "reportedSuccessfulCount": reported("="), "reportedFailedCount": reported("!=")})
    );
    assert_eq!(
        texts("cond", &base("m", "b1", 1))["targetedCount"],
        "select deviceId from devices where capabilities.iotEdge = true and tags.site = 'b1'"
    );
    body["targetCondition"] = json!("");
    assert_eq!(texts("nobody", &body)["targetedCount"], "");
    let mut device = device_content("a", 1);
    device["targetCondition"] = json!("tags.environment='test'");
    assert_eq!(
        texts("my_config", &device),
        json!({"targetedCount": "select deviceId from devices where tags.environment='test'",
            "appliedCount": "select deviceId from devices where configurations.[[my_config]].status = 'Applied'"})
    );
    let module = json!({"content": {"moduleContent": {"properties.desired.x": 1}}, "targetCondition": "from devices.modules where moduleId = 'm'"});
    assert_eq!(
        texts("mods", &module)["targetedCount"],
        "select deviceId, moduleId from devices.modules where moduleId = 'm'"
    );
}

/// The condition stands in the text without parentheses, where it would mean something else.
#[test]
fn a_condition_with_or_targets_edge_devices_only() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    edge(&caller, "e2", "b2");
    caller.send("PUT", "/devices/plain", &[], &json!({"deviceId": "plain"}));
    tag(&caller, "plain", "b2");
    let mut body = base("m", "b1", 1);
    body["targetCondition"] = json!("tags.site = 'b1' OR tags.site = 'b2'");
    put(&caller, "c", &body);
    seconds(&clock, 20);
    assert_eq!(results(&caller, "c").0["targetedCount"], 2);
    assert_eq!(results(&caller, "c").0["appliedCount"], 2);
}

/// A link that stands is noted every five minutes, also where nobody but a figure looks.
#[test]
fn a_figure_counts_the_activity_of_a_link_that_stands() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    let since = NOW.parse().unwrap();
    let mut state = caller.hub.state();
    let identity = &mut state.devices.get_mut("e1").unwrap().identity;
    (identity.connected, identity.connection_updated, identity.last_activity) = (true, Some(since), Some(since));
    drop(state);
    let active = "SELECT deviceId FROM devices WHERE lastActivityTime > '2021-12-09T20:30:00Z'";
    let mut body = base("m", "b1", 10);
    body["metrics"] = json!({ "queries": { "active": active } });
    put(&caller, "c", &body);
    seconds(&clock, 16);
    assert_eq!(results(&caller, "c").1, json!({"active": 0}));
    seconds(&clock, 1_000);
    assert_eq!(caller.query(active).as_array().map(Vec::len), Some(1));
    assert_eq!(results(&caller, "c").1, json!({"active": 1}));
}
