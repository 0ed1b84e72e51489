//! What runs inside the containers, seen through twins, methods and logs: the demo's modules on a live device.

use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::{Condition, MachineSpec};

const SENSOR: (&str, &str) = ("sensor", "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0");
const INTO_FILTER: &str =
    "FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint(\"/modules/filter/inputs/input1\")";

/// A sensor that sends for ever into a filter of this version.
fn manifest(version: &str) -> Manifest {
    let filter = format!("acrproduction001.azurecr.io/temperature-filter:{version}");
    let credentials = json!({"acr": {"address": "acrproduction001.azurecr.io", "username": "u", "password": "p"}});
    Manifest::running(&[SENSOR, ("filter", &filter)])
        .agent("/runtime/settings/registryCredentials", credentials)
        .agent("/modules/sensor/env", json!({"MessageCount": {"value": "-1"}}))
        .hub("/routes/up", json!({"route": "FROM /messages/modules/filter/outputs/* INTO $upstream"}))
        .hub("/routes/filter", json!({ "route": INTO_FILTER }))
        .twin("filter", &json!({"temperatureThreshold": 25.0}))
}

#[test]
fn readings_go_from_the_sensor_through_the_filter_and_logs_say_so() {
    let stage = Stage::with(&manifest("1.1.0").0);
    stage.pass(600);
    assert_eq!(stage.reported("filter")["temperatureThreshold"], 25.0, "what is in force is reported");
    let sensor = stage.log("sensor", 3);
    assert!(sensor.iter().all(|line| line.contains("Sending message: ")), "{sensor:#?}");
    let filter = stage.log("filter", 500);
    assert!(filter.iter().any(|line| line.starts_with("Normal reading filtered: temperature=2")), "{filter:#?}");
    assert!(filter.last().unwrap().starts_with("Alert sent: temperature="), "{filter:#?}");
    let agent = stage.log("edgeAgent", 500).join("\n");
    for line in [
        "Plan execution started for deployment 2",
        "Executing command: \"Command Group: (\\n  [Prepare module filter]\\n  [Create module filter]\\n  [Start module filter]\\n)\"",
        "Updated reported properties",
        "Received request GetModuleLogs with payload",
    ] {
        assert!(agent.contains(line), "{line} is not in\n{agent}");
    }
    assert!(stage.log("edgeHub", 500).join("\n").contains("edge-1/filter"), "edgeHub says who connected");
    let messages = stage.hub().messages(D).unwrap();
    assert!(messages.counts.sent > 150 && messages.counts.queued == 0, "{messages:?}");
}

#[test]
fn a_change_of_a_modules_twin_reaches_its_program_and_comes_back() {
    let stage = Stage::with(&manifest("1.1.0").0);
    stage.pass(60);
    let patch = json!({"properties": {"desired": {"temperatureThreshold": 30}}});
    assert_eq!(stage.caller.send("PATCH", &format!("/twins/{D}/modules/filter"), &[], &patch).status, 200);
    assert_eq!(stage.reported("filter")["temperatureThreshold"], 25.0, "not at once");
    stage.pass(2);
    assert_eq!(stage.reported("filter")["temperatureThreshold"], 30.0);
    assert!(stage.log("filter", 20).iter().any(|line| line == "Threshold updated to: 30.0"));

    // While there is no network, edgeHub has only what it was told; the rest follows.
    stage.afflict(&Condition::NetworkOff, true);
    let patch = json!({"properties": {"desired": {"temperatureThreshold": 35}}});
    stage.caller.send("PATCH", &format!("/twins/{D}/modules/filter"), &[], &patch);
    stage.pass(60);
    assert_eq!(stage.reported("filter")["temperatureThreshold"], 30.0);
    stage.afflict(&Condition::NetworkOff, false);
    stage.pass(15);
    assert_eq!(stage.reported("filter")["temperatureThreshold"], 35.0);
}

#[test]
fn messages_wait_for_the_network_and_are_sent_afterwards() {
    let stage = Stage::with(&manifest("1.1.0").0);
    // Until readings are above the threshold.
    stage.pass(600);
    stage.afflict(&Condition::NetworkOff, true);
    stage.pass(300);
    let waiting = stage.hub().messages(D).unwrap();
    assert!(waiting.counts.queued > 40, "{waiting:?}");
    stage.afflict(&Condition::NetworkOff, false);
    stage.pass(60);
    let after = stage.hub().messages(D).unwrap();
    assert_eq!((after.counts.queued, after.counts.expired), (0, 0), "{after:?}");
    assert!(after.counts.delivered > waiting.counts.delivered + waiting.counts.queued, "{after:?}");
}

/// The guide to the letter does not compile, and 1.1.1 runs on one kind of machine only: seen in twins and logs.
#[test]
fn images_crash_as_their_authors_made_them() {
    for (version, architecture, crashes, says) in [
        ("1.0.0-printed", "x86_64", true, "SyntaxError: no binding for nonlocal 'TEMPERATURE_THRESHOLD' found"),
        ("1.1.1", "aarch64", true, "exec format error"),
        ("1.1.1", "x86_64", false, "Temperature filter module started."),
    ] {
        let stage = Stage::empty();
        stage.register(D);
        stage.apply(&manifest(version).0);
        let spec = MachineSpec { architecture: architecture.to_owned(), ..MachineSpec::default() };
        stage.hub().provision(D, spec).unwrap();
        stage.pass(240);
        let filter = stage.module("filter");
        let runs = if crashes { "backoff" } else { "running" };
        assert_eq!((stage.status(), &filter["runtimeStatus"]), ((200, 2), &json!(runs)), "{version} {architecture}");
        assert_eq!(filter["restartCount"].as_u64() > Some(1), crashes, "{version} {architecture}");
        assert_eq!(stage.connection("filter"), if crashes { "Disconnected" } else { "Connected" });
        let log = stage.log("filter", 200).join("\n");
        assert!(log.contains(says), "{version} {architecture}: {log}");
    }
}

/// A module's own methods go over the hub and edgeHub to its program, and its answer comes back.
#[test]
fn methods_reach_the_programs_of_modules() {
    let stage = Stage::with(&manifest("1.1.0").0);
    stage.pass(600);
    let reset = || stage.method(Some("sensor"), "reset", &Value::Null);
    let temperature = |line: &str| {
        let (_, body) = line.split_once("Body: [").unwrap();
        let body: Value = serde_json::from_str(body.trim_end_matches(']')).unwrap();
        body["machine"]["temperature"].as_f64().unwrap()
    };
    let before = stage.log("sensor", 1);
    assert!(temperature(&before[0]) > 40.0, "it has warmed up: {before:?}");
    assert_eq!(reset().body, json!({"status": 200, "payload": null}));
    stage.pass(6);
    let lines = stage.log("sensor", 10);
    let said = lines.iter().position(|line| line == "Received direct method call to reset temperature sensor...");
    let next = said.and_then(|said| lines.get(said + 1)).unwrap();
    assert!((20.0..22.5).contains(&temperature(next)), "{lines:#?}");
    for (module, method) in [("sensor", "Reset"), ("filter", "reset")] {
        let unknown = stage.method(Some(module), method, &Value::Null);
        assert_eq!(
            (unknown.status, &unknown.body),
            (200, &json!({"status": 501, "payload": null})),
            "{module} {method}"
        );
    }
    stage.afflict(&Condition::NetworkOff, true);
    let away = reset();
    assert_eq!((away.status, away.code()), (404, 404_103));
    stage.afflict(&Condition::NetworkOff, false);
    stage.pass(60);
    let heard = |line: &&String| line.starts_with("Received direct method call");
    assert_eq!(stage.log("sensor", 50).iter().filter(heard).count(), 1, "what was refused was not carried out");
}

#[test]
fn a_month_nobody_looked_at_is_caught_up_with_at_once() {
    let stage = Stage::with(&manifest("1.1.0").0);
    stage.pass(30 * 24 * 3_600);
    let lines = stage.log("sensor", 5);
    let number = |line: &str| -> u64 {
        let (_, rest) = line.split_once("Sending message: ").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    assert!(number(&lines[4]) > 500_000, "{}", lines[4]);
    assert_eq!(number(&lines[4]), number(&lines[0]) + 4);
    let sent = stage.hub().messages(D).unwrap().counts.sent;
    assert!(sent < 10_000, "{sent} messages were really made");
}

#[test]
fn what_cannot_be_read_of_a_log_is_refused_in_the_daemons_words() {
    let stage = Stage::with(&manifest("1.1.0").0);
    stage.pass(60);
    let fault = crate::sim::device::LogFault::Truncated;
    stage.afflict(&Condition::LogBroken { module: "filter".to_owned(), fault }, true);
    let request = json!({"schemaVersion": "1.0", "items": [{"id": "filter"}]});
    let answer = stage.method(Some("$edgeAgent"), "GetModuleLogs", &request).body;
    let text = "Stream finished but there was a truncated final frame in the buffer";
    assert_eq!(answer, json!({"status": 500, "payload": {"message": text}}));
    stage.hub().heal(D).unwrap();
    assert_eq!(stage.method(Some("$edgeAgent"), "GetModuleLogs", &request).body["status"], 200);
    let nobody = json!({"schemaVersion": "1.0", "items": [{"id": "nobody"}]});
    let answer: Value = stage.method(Some("$edgeAgent"), "GetModuleLogs", &nobody).body;
    assert_eq!(answer, json!({"status": 200, "payload": []}));
}
