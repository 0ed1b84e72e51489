//! What configurations do to twins, and when.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn agent(caller: &Caller, id: &str) -> Value {
    caller.get(&format!("/twins/{id}/modules/$edgeAgent"))
}

fn statuses(twin: &Value) -> Vec<(String, String)> {
    let entries = twin.get("configurations").and_then(Value::as_object).into_iter().flatten();
    let mut found: Vec<(String, String)> =
        entries.map(|(id, entry)| (id.clone(), entry["status"].as_str().unwrap().to_owned())).collect();
    found.sort();
    found
}

#[track_caller]
fn has(twin: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect();
    assert_eq!(statuses(twin), expected);
}

/// Names in `modules` of `$edgeAgent` desired.
fn modules(twin: &Value) -> Vec<&str> {
    let modules = twin["properties"]["desired"]["modules"].as_object();
    modules.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn layer(name: &str, priority: u64) -> Value {
    let key = format!("properties.desired.modules.{name}");
    json!({
        "content": {"modulesContent": {"$edgeAgent": {key: module("acr/l:1")}}},
        "targetCondition": "*",
        "priority": priority,
    })
}

#[test]
fn a_new_base_is_written_after_two_to_four_seconds_and_stamped_then() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    edge(&caller, "e2", "b2");
    put(&caller, "base", &base("m", "b1", 10));
    clock.advance(Duration::from_millis(1_999));
    assert_eq!(agent(&caller, "e1").get("configurations"), None, "too early");
    // Nobody asks for a while; the work is as of its instant all the same.
    seconds(&clock, 100);
    let twin = agent(&caller, "e1");
    has(&twin, &[("base", "Applied")]);
    let desired = &twin["properties"]["desired"];
    assert_eq!((&desired["$version"], &twin["etag"], &twin["version"]), (&json!(2), &json!("AAAAAAAAAAI="), &json!(3)));
    let stamp: jiff::Timestamp = desired["$metadata"]["$lastUpdated"].as_str().unwrap().parse().unwrap();
    let created: jiff::Timestamp = NOW.parse().unwrap();
    assert!((2..=4).contains(&stamp.duration_since(created).as_secs()), "{stamp}");
    let image = &desired["$metadata"]["modules"]["m"]["settings"]["image"];
    assert_eq!(
        (&image["$lastUpdatedBy"], &image["$lastUpdatedByDigest"]),
        (&json!("base"), &json!("637746781245192495"))
    );
    assert_eq!(desired["$metadata"]["modules"]["m"].get("$lastUpdatedBy"), None, "only leaves");
    for (module, value) in [("$edgeHub", json!({})), ("m", Value::Null)] {
        let twin = caller.get(&format!("/twins/e1/modules/{module}"));
        has(&twin, &[("base", "Applied")]);
        assert_eq!(twin["properties"]["desired"].get("routes").unwrap_or(&Value::Null), &value, "{module}");
    }
    assert_eq!(caller.get("/twins/e1/modules/m")["properties"]["desired"]["threshold"], 25);
    let identity = caller.get("/devices/e1/modules/m");
    assert_eq!((&identity["managedBy"], &identity["authentication"]["type"]), (&json!("iotEdge"), &json!("none")));
    assert_eq!(caller.get("/twins/e1").get("configurations"), None, "the device's own twin is another matter");

    assert_eq!(agent(&caller, "e2").get("configurations"), None, "another site");
    assert_eq!(caller.get("/devices/e2/modules").as_array().unwrap().len(), 2);
    seconds(&clock, 36_000);
    assert_eq!(agent(&caller, "e1"), twin, "a beat without a change writes nothing");
}

#[test]
fn layers_come_and_go_on_top_of_their_base() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "base", &base("m", "b1", 10));
    put(&caller, "low", &layer("low", 10));
    put(&caller, "top", &layer("top", 20));
    seconds(&clock, 4);
    let twin = agent(&caller, "e1");
    assert_eq!(modules(&twin), ["m", "top"], "a layer at the base's own priority is dropped");
    has(&twin, &[("base", "Applied"), ("low", "Targeted"), ("top", "Applied")]);
    assert!(twin["properties"]["desired"]["$version"].as_u64() <= Some(4), "one version a change");
    let by = |twin: &Value, module: &str| {
        let metadata = &twin["properties"]["desired"]["$metadata"]["modules"];
        metadata[module]["settings"]["image"]["$lastUpdatedBy"].clone()
    };
    assert_eq!((by(&twin, "m"), by(&twin, "top")), (json!("base"), json!("top")));
    assert!(caller.get("/devices/e1/modules").to_string().contains("\"top\""));

    let mut narrowed = layer("top", 20);
    narrowed["targetCondition"] = json!("");
    put_over(&caller, "top", &narrowed);
    seconds(&clock, 4);
    let twin = agent(&caller, "e1");
    assert_eq!(modules(&twin), ["m"]);
    has(&twin, &[("base", "Applied"), ("low", "Targeted")]);
    assert!(caller.get("/devices/e1/modules").to_string().contains("\"top\""), "identities are the device's to remove");

    let before = twin["properties"]["desired"].clone();
    delete(&caller, "base");
    seconds(&clock, 4);
    let twin = agent(&caller, "e1");
    has(&twin, &[("low", "Targeted")]);
    assert_eq!(twin["properties"]["desired"], before, "what was written stays");
}

#[test]
fn the_next_base_takes_over() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "old", &base("old", "b1", 10));
    seconds(&clock, 4);
    put(&caller, "new", &base("new", "b1", 11));
    seconds(&clock, 4);
    let twin = agent(&caller, "e1");
    assert_eq!(modules(&twin), ["new"]);
    has(&twin, &[("new", "Applied"), ("old", "Targeted")]);
    delete(&caller, "new");
    seconds(&clock, 4);
    let twin = agent(&caller, "e1");
    assert_eq!(modules(&twin), ["old"]);
    has(&twin, &[("old", "Applied")]);
    assert_eq!(twin["properties"]["desired"]["$version"], 4);
}

/// Of two of one priority the newer counts, whatever they are called.
#[test]
fn ties_go_to_what_was_created_later() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "a-older", &base("old", "b1", 10));
    seconds(&clock, 1);
    put(&caller, "b-newer", &base("new", "b1", 10));
    seconds(&clock, 10);
    let twin = agent(&caller, "e1");
    assert_eq!(modules(&twin), ["new"]);
    has(&twin, &[("a-older", "Targeted"), ("b-newer", "Applied")]);

    let over = |image: &str| {
        let mut layer = layer("l", 20);
        let agent = &mut layer["content"]["modulesContent"]["$edgeAgent"];
        agent["properties.desired.modules.l"] = module(image);
        layer
    };
    put(&caller, "c-older", &over("acr/l:1"));
    seconds(&clock, 1);
    put(&caller, "d-newer", &over("acr/l:2"));
    seconds(&clock, 10);
    let twin = agent(&caller, "e1");
    let desired = &twin["properties"]["desired"];
    assert_eq!(desired["modules"]["l"]["settings"]["image"], "acr/l:2");
    assert_eq!(desired["$metadata"]["modules"]["l"]["settings"]["image"]["$lastUpdatedBy"], "d-newer");
    has(&twin, &[("a-older", "Targeted"), ("b-newer", "Applied"), ("c-older", "Targeted"), ("d-newer", "Applied")]);
}

#[test]
fn a_change_of_the_device_waits_for_the_beat() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b2");
    put(&caller, "base", &base("m", "b1", 10));
    seconds(&clock, 10);
    tag(&caller, "e1", "b1");
    seconds(&clock, 280);
    assert_eq!(agent(&caller, "e1").get("configurations"), None, "nothing in minutes");
    seconds(&clock, 10);
    has(&agent(&caller, "e1"), &[("base", "Applied")]);

    caller.hub.set_beat(Duration::from_secs(10));
    tag(&caller, "e1", "b2");
    seconds(&clock, 10);
    let twin = agent(&caller, "e1");
    has(&twin, &[]);
    assert_eq!(modules(&twin), ["m"], "it keeps what it has");
}

#[test]
fn content_that_is_applied_by_hand_stays_until_a_deployment_is_evaluated_again() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    let apply = |body: Value| caller.send("POST", "/devices/e1/applyConfigurationContent", &[], &body);
    let by_hand = json!({"modulesContent": {
        "$edgeAgent": {"properties.desired": {"modules": {"mine": module("acr/mine:1")}}},
        "m": {"properties.desired.window": 5},
    }});
    let answer = apply(by_hand.clone());
    assert_eq!((answer.status, &answer.body, answer.header("Content-Type")), (204, &Value::Null, None));
    let twin = agent(&caller, "e1");
    assert_eq!((modules(&twin), &twin["properties"]["desired"]["$version"]), (vec!["mine"], &json!(2)));
    assert!(!twin["properties"]["desired"].to_string().contains("$lastUpdatedBy"));
    assert_eq!(twin.get("configurations"), None);
    assert_eq!(caller.get("/devices/e1/modules").as_array().unwrap().len(), 4, "named modules exist at once");
    apply(by_hand.clone());
    assert_eq!(agent(&caller, "e1")["properties"]["desired"]["$version"], 3, "the same again is a write");
    assert_eq!(caller.get("/twins/e1/modules/m")["properties"]["desired"]["window"], 5);

    put(&caller, "base", &base("m", "b1", 10));
    seconds(&clock, 20);
    assert_eq!(modules(&agent(&caller, "e1")), ["m"]);
    apply(by_hand.clone());
    seconds(&clock, 60);
    assert_eq!(modules(&agent(&caller, "e1")), ["mine"]);
    put_over(&caller, "base", &base("m", "b1", 11));
    seconds(&clock, 4);
    assert_eq!(modules(&agent(&caller, "e1")), ["m"], "an update takes it back at once");
    apply(by_hand);
    seconds(&clock, 300);
    assert_eq!(modules(&agent(&caller, "e1")), ["m"], "and the beat in time");
}

#[test]
fn content_that_cannot_be_applied() {
    let (caller, _) = hub();
    edge(&caller, "e1", "b1");
    caller.send("PUT", "/devices/plain", &[], &json!({"deviceId": "plain"}));
    let layered = json!({"modulesContent": {"$edgeAgent": {}, "m": {"properties.desired.big": "x".repeat(4_000)}}});
    for (device, body, status, code) in [
        ("nobody", layered.clone(), 404, "DeviceNotFound"),
        ("plain", layered.clone(), 400, "ArgumentInvalid"),
        ("e1", json!({"deviceContent": {"properties.desired.x": 1}}), 400, "InvalidConfigurationContent"),
        ("e1", json!({"modulesContent": {"m": {"properties.desired.x": 1}}}), 400, "InvalidConfigurationContent"),
        ("e1", json!([]), 400, "IotHubFormatError"),
    ] {
        let answer = caller.send("POST", &format!("/devices/{device}/applyConfigurationContent"), &[], &body);
        assert_eq!((answer.status, answer.header("iothub-errorcode")), (status, Some(code)), "{device} {body}");
    }
    let plain = caller.send("POST", "/devices/plain/applyConfigurationContent", &[], &layered);
    assert!(plain.body.to_string().contains("Not an Azure IoT Edge device"));
    // Together with what is there the section gets too large; then nothing of the call happens.
    for key in 0..8 {
        let body = json!({"modulesContent": {"$edgeAgent": {}, "m": {format!("properties.desired.k{key}"): "x".repeat(4_000)}}});
        assert_eq!(caller.send("POST", "/devices/e1/applyConfigurationContent", &[], &body).status, 204);
    }
    let mut body = layered;
    body["modulesContent"]["new"] = json!({"properties.desired.x": 1});
    let answer = caller.send("POST", "/devices/e1/applyConfigurationContent", &[], &body);
    assert_eq!(answer.header("iothub-errorcode"), Some("DeviceModelMaxPropertiesExceeded"));
    assert!(!caller.get("/devices/e1/modules").to_string().contains("\"new\""));
}

#[test]
fn device_configurations_lead_and_follow_as_recorded() {
    let (caller, clock) = hub();
    put(&caller, "second", &device_content("second", 5));
    put(&caller, "first", &device_content("first", 9));
    put(&caller, "third", &device_content("third", 1));
    caller.send("PUT", "/devices/d", &[], &json!({"deviceId": "d"}));
    caller.send("PATCH", "/twins/d", &[], &json!({"properties": {"desired": {"own": 1}}}));
    seconds(&clock, 4);
    let twin = caller.get("/twins/d");
    has(&twin, &[("first", "Applied"), ("second", "Targeted"), ("third", "Targeted")]);
    let desired = &twin["properties"]["desired"];
    assert_eq!((&desired["key"], &desired["own"]), (&json!("first"), &json!(1)));
    let leaf = &desired["$metadata"]["key"];
    assert_eq!(
        (&leaf["$lastUpdatedBy"], &leaf["$lastUpdatedByDigest"]),
        (&json!("first"), &json!("637746781245192495"))
    );
    assert_eq!(desired["$metadata"]["own"].get("$lastUpdatedBy"), None);
    assert!(desired["$version"].as_u64() <= Some(4));
    delete(&caller, "first");
    seconds(&clock, 4);
    let twin = caller.get("/twins/d");
    has(&twin, &[("second", "Applied"), ("third", "Targeted")]);
    assert_eq!(twin["properties"]["desired"]["key"], "second");
    delete(&caller, "second");
    delete(&caller, "third");
    seconds(&clock, 4);
    let twin = caller.get("/twins/d");
    assert_eq!(twin.get("configurations"), None);
    assert_eq!(twin["properties"]["desired"]["key"], "second", "deleting leaves what was written");
}

#[test]
fn module_configurations_reach_modules_and_not_the_runtime() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "base", &base("m", "b1", 10));
    seconds(&clock, 4);
    let body = json!({
        "content": {"moduleContent": {"properties.desired.window": 7}},
        "targetCondition": "from devices.modules where deviceId = 'e1'",
        "priority": 1,
    });
    put(&caller, "mods", &body);
    seconds(&clock, 4);
    let twin = caller.get("/twins/e1/modules/m");
    has(&twin, &[("base", "Applied"), ("mods", "Applied")]);
    let desired = &twin["properties"]["desired"];
    assert_eq!((&desired["window"], &desired["threshold"]), (&json!(7), &json!(25)));
    has(&agent(&caller, "e1"), &[("base", "Applied")]);
    seconds(&clock, 900);
    assert_eq!(caller.get("/twins/e1/modules/m"), twin, "two that write to one twin do not fight over it");
}

#[test]
fn a_layer_that_leaves_the_agent_alone_is_applied_elsewhere() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "base", &base("m", "b1", 10));
    let body = json!({
        "content": {"modulesContent": {"$edgeAgent": {}, "m": {"properties.desired.extra": true}}},
        "targetCondition": "*",
        "priority": 20,
    });
    put(&caller, "tune", &body);
    seconds(&clock, 30);
    has(&agent(&caller, "e1"), &[("base", "Applied"), ("tune", "Targeted")]);
    let twin = caller.get("/twins/e1/modules/m");
    has(&twin, &[("base", "Applied"), ("tune", "Applied")]);
    assert_eq!(twin["properties"]["desired"]["extra"], true);
    let results = caller.get("/configurations/tune")["systemMetrics"]["results"].clone();
    assert_eq!((&results["targetedCount"], &results["appliedCount"]), (&json!(1), &json!(0)));
}

#[test]
fn what_would_be_too_large_is_not_applied() {
    let (caller, clock) = hub();
    edge(&caller, "e1", "b1");
    put(&caller, "base", &base("m", "b1", 10));
    for number in 0..2 {
        let fill: serde_json::Map<String, Value> =
            (0..4).map(|n| (format!("k{number}{n}"), json!("x".repeat(4_000)))).collect();
        let key = format!("properties.desired.fill{number}");
        let body = json!({
            "content": {"modulesContent": {"$edgeAgent": {}, "m": {key: fill}}},
            "targetCondition": "*",
            "priority": 20 + number,
        });
        assert_eq!(put(&caller, &format!("fill{number}"), &body).status, 200);
    }
    let over = json!({
        "content": {"modulesContent": {"$edgeAgent": {}, "m": {"properties.desired.over": "x".repeat(1_000)}}},
        "targetCondition": "*",
        "priority": 30,
    });
    seconds(&clock, 4);
    put(&caller, "over", &over);
    seconds(&clock, 4);
    let twin = caller.get("/twins/e1/modules/m");
    assert_eq!(twin["properties"]["desired"].get("over"), None);
    assert!(statuses(&twin).iter().all(|(_, status)| status == "Targeted"), "{:?}", statuses(&twin));
    has(
        &agent(&caller, "e1"),
        &[("base", "Applied"), ("fill0", "Targeted"), ("fill1", "Targeted"), ("over", "Targeted")],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is deployed, edited and deleted: once it has been evaluated, no later beat writes anything.
    #[test]
    fn evaluations_come_to_rest(
        steps in prop::collection::vec((0..6_u64, 0..4_u64, prop::sample::select(vec!["a", "b", "m"])), 1..8)
    ) {
        let (caller, clock) = hub();
        edge(&caller, "e1", "b1");
        for (number, (what, priority, name)) in steps.into_iter().enumerate() {
            let id = format!("c{priority}");
            match what {
                0 => drop(caller.send("DELETE", &format!("/configurations/{id}"), &[], &Value::Null)),
                1 => drop(caller.send("PATCH", "/twins/e1/modules/m", &[], &json!({"properties": {"desired": {"threshold": number, "own": name}}}))),
                2 => drop(put(&caller, &format!("{id}-{name}"), &layer(name, priority))),
                3 => drop(put(&caller, &format!("t{number}"), &json!({
                    "content": {"modulesContent": {"$edgeAgent": {}, name: {"properties.desired.threshold": number}}},
                    "targetCondition": "*", "priority": priority}))),
                4 => drop(put(&caller, &format!("d{number}"), &json!({
                    "content": {"moduleContent": {"properties.desired.threshold": number}},
                    "targetCondition": "from devices.modules where deviceId = 'e1'", "priority": priority}))),
                _ => drop(put(&caller, &id, &base(name, "b1", priority))),
            }
            if number % 2 == 0 {
                seconds(&clock, 5);
            }
        }
        seconds(&clock, 700);
        let before = caller.query("SELECT * FROM devices.modules");
        seconds(&clock, 700);
        prop_assert_eq!(before, caller.query("SELECT * FROM devices.modules"));
    }
}
