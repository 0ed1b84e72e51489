//! Changes of devices: registered in a form, given a manifest, restarted, cut off, deleted; each shown before it is sent,
//! asked with as much as it needs, sent once, recorded, and seen happening.

use std::time::Duration;

use edgedeck::audit::State;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Console, GATEWAY, Opening, Stage, intent};
use crate::outside::Answer;

/// The guide's manifest, wherever the test runs.
fn guide() -> String {
    format!("{}/examples/deployment.manifest.json", env!("CARGO_MANIFEST_DIR"))
}

/// On the page of a change: asks, types `name` when it is asked for, and presses the button.
async fn confirms(console: &mut Console, name: Option<&str>) {
    console.sees("REQUEST").await;
    console.press("s").await;
    console.sees("[ Cancel ]").await;
    console.past_type_ahead();
    if let Some(name) = name {
        console.sees("to enable sending").await;
        console.types(name).await;
        console.no_longer_sees("to enable sending").await;
    }
    console.press("tab enter").await;
}

/// Whether a row with `name` in it has `word` too.
fn row_has(screen: &str, name: &str, word: &str) -> bool {
    screen.lines().any(|row| row.contains(name) && row.contains(word))
}

/// What the right of the two panes on top says, without blanks: words that are longer than the pane go over its lines.
fn right_pane(screen: &str) -> String {
    let right = screen.lines().filter_map(|row| row.split_once("||")).map(|(_, right)| right.trim_end_matches('|'));
    right.flat_map(str::split_whitespace).collect()
}

/// A device's identity as the hub has it.
async fn device(stage: &Stage, id: &str) -> Answer {
    let path = format!("/devices/{id}?api-version=2021-04-12");
    stage.outside.send(Method::GET, &path, &[], &Value::Null).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_is_looked_at_confirmed_by_name_and_seen_running() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.command(&format!("device {GATEWAY}")).await;
    console.sees("debugShell").await;
    console.press("a").await;
    console.sees("Apply a manifest to edge-gateway-001").await;
    console.types("nowhere.json").await;
    console.press("enter").await;
    console.sees("could not read nowhere.json").await;
    console.press("esc").await;
    console.sees("nowhere.json").await;
    for _ in 0.."nowhere.json".len() {
        console.press("backspace").await;
    }
    console.pastes(&guide()).await;
    console.press("enter").await;
    console.sees("- debugShell").await;
    console.sees("DISAPPEARS").await;
    assert!(console.row("temperatureFilter ").contains("\"0.9.0\" -> \"1.0.0\""), "{}", console.screen());
    assert!(console.wiretap.writes().is_empty(), "looking sends nothing");

    confirms(&mut console, Some(GATEWAY)).await;
    console.sees("the hub accepted the manifest for edge-gateway-001").await;
    console.sees("devices > edge-gateway-001").await;
    stage.clock.push(Duration::from_secs(120));
    console.no_longer_sees("debugShell").await;
    console.sees("erature-filter:1.0.0").await;
    assert!(console.row("temperatureFilter").contains("running"), "{}", console.screen());

    let writes = console.wiretap.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].path, "/devices/edge-gateway-001/applyConfigurationContent");
    let audited = stage.audited();
    let wrote = intent(&audited[0]);
    assert_eq!((wrote.verb.as_str(), wrote.object.as_str(), wrote.level), ("device.apply", GATEWAY, 3));
    assert_eq!(audited[0].state(), State::Applied);
    let inverse = wrote.inverse.as_ref().expect("a way back");
    assert!(inverse.pointer("/modulesContent/$edgeAgent/properties.desired/modules/debugShell").is_some());
    assert!(!serde_json::to_string(wrote).expect("text").contains("REPLACE-WITH-PULL-TOKEN-PASSWORD"), "masked");
}

/// What happens between is shown as much as how it ends: a pull that fails, and why, while the old image runs on; the one
/// that comes through; and a module that crashes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_is_seen_on_its_way_failing_coming_through_and_crashing() {
    const IMAGE: &str = "acrproduction001.azurecr.io/temperature-filter:1.0.0";
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees(GATEWAY).await;
    console.command(&format!("sim image {IMAGE} missing")).await;
    console.sees("from now on: missing").await;
    console.command(&format!("apply {GATEWAY} {}", guide())).await;
    console.sees("DISAPPEARS").await;
    confirms(&mut console, Some(GATEWAY)).await;
    console.sees("the hub accepted the manifest for edge-gateway-001").await;
    console.sees("devices > edge-gateway-001").await;
    // Accepted is not running.
    console.sees("edgeAgent has not taken up v4").await;
    console.press("esc").await;
    console.shows("the device applying", |screen| row_has(screen, GATEWAY, "applying")).await;

    stage.clock.push(Duration::from_secs(60));
    console.shows("the device failed", |screen| row_has(screen, GATEWAY, "failed")).await;
    console.command(&format!("device {GATEWAY}")).await;
    console.sees("500  part of the manifest could not be carried").await;
    let says = |screen: &str| right_pane(screen).contains(&format!("pullimage\"{IMAGE}\""));
    console.shows("which image could not be pulled", says).await;
    let old_one =
        |screen: &str| row_has(screen, "temperatureFilter ", "other image") && screen.contains("filter:0.9.0");
    console.shows("the old one running", old_one).await;

    console.command(&format!("sim image {IMAGE} ok")).await;
    console.sees("from now on: ok").await;
    stage.clock.push(Duration::from_secs(600));
    console.sees("erature-filter:1.0.0").await;
    console.shows("the new one running", |screen| row_has(screen, "temperatureFilter ", "running  ")).await;
    console.sees("200  the manifest was accepted").await;

    console.command(&format!("sim fault {GATEWAY} crash temperatureFilter 3")).await;
    console.sees("has a fault: crash temperatureFilter 3").await;
    stage.clock.push(Duration::from_secs(30));
    console.shows("the module in backoff", |screen| row_has(screen, "temperatureFilter ", "backoff")).await;
    console.press("esc").await;
    console.shows("the device in backoff", |screen| row_has(screen, GATEWAY, "backoff")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_registered_in_a_form_and_comes_up_when_it_is_provisioned() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees(GATEWAY).await;
    console.press("+").await;
    console.sees("Register a device").await;
    console.types("gw new").await;
    console.press("enter").await;
    console.sees("' ' is not allowed in an id").await;
    for _ in 0..4 {
        console.press("backspace").await;
    }
    console.types("-new").await;
    console.press("enter").await;
    console.sees("an IoT Edge device, with $edgeAgent and $edgeHub").await;
    confirms(&mut console, None).await;
    console.sees("gw-new is registered").await;
    console.sees("devices > gw-new").await;
    console.sees("never").await;
    console.command("sim provision gw-new").await;
    console.sees("the runtime was installed for gw-new").await;
    stage.clock.push(Duration::from_secs(60));
    console.sees("the device has no manifest").await;
    console.sees("running").await;
    assert!(console.row("$edgeAgent  ").contains("running"), "{}", console.screen());
    // Its first manifest: edgeHub and the modules come up.
    console.command(&format!("apply gw-new {}", guide())).await;
    console.sees("+ temperatureFilter").await;
    confirms(&mut console, None).await;
    console.sees("the hub accepted the manifest for gw-new").await;
    stage.clock.push(Duration::from_secs(120));
    console.sees("erature-filter:1.0.0").await;
    for module in ["$edgeHub  ", "SimulatedTemperatureSensor ", "temperatureFilter "] {
        assert!(console.row(module).contains("running"), "{}", console.screen());
    }
    let got = device(&stage, "gw-new").await;
    assert_eq!((got.status, &got.body["capabilities"]["iotEdge"]), (200, &json!(true)));
    let audited = stage.audited();
    assert_eq!(intent(&audited[0]).verb, "device.create");
    // Asked again, it says that it is there.
    console.press("esc +").await;
    console.types("gw-new").await;
    console.press("enter").await;
    console.sees("gw-new is registered already").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_is_restarted_once_and_nothing_takes_it_back() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.command("restart edge-gateway-001/temperatureFilter").await;
    console.sees("edgeAgent stops and starts temperatureFilter").await;
    confirms(&mut console, None).await;
    console.sees("edge-gateway-001/temperatureFilter is restarted: it answered 200").await;
    let writes = console.wiretap.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].body["methodName"], "RestartModule");
    let audited = stage.audited();
    assert_eq!((intent(&audited[0]).verb.as_str(), &intent(&audited[0]).inverse), ("module.restart", &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_cut_off_let_in_again_and_deleted_by_its_name() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.command("disable edge-gateway-001").await;
    console.sees("Disable edge-gateway-001").await;
    console.types("stolen").await;
    console.press("enter").await;
    console.sees("enabled -> disabled").await;
    confirms(&mut console, Some(GATEWAY)).await;
    console.sees("edge-gateway-001 is disabled").await;
    let now = device(&stage, GATEWAY).await.body;
    assert_eq!((&now["status"], &now["statusReason"]), (&json!("disabled"), &json!("stolen")));
    let key = now["authentication"]["symmetricKey"]["primaryKey"].clone();
    assert!(key.as_str().is_some_and(|key| !key.is_empty()));

    console.command("enable edge-gateway-001").await;
    console.sees("disabled -> enabled").await;
    confirms(&mut console, None).await;
    console.sees("edge-gateway-001 is enabled").await;
    let now = device(&stage, GATEWAY).await.body;
    assert_eq!((&now["status"], &now["authentication"]["symmetricKey"]["primaryKey"]), (&json!("enabled"), &key));

    console.command("delete edge-gateway-001").await;
    console.sees("nothing brings its keys back").await;
    console.sees("debugShell").await;
    confirms(&mut console, Some(GATEWAY)).await;
    console.sees("edge-gateway-001 is deleted").await;
    assert_eq!(device(&stage, GATEWAY).await.status, 404);
    let verbs: Vec<String> = stage.audited().iter().map(|entry| intent(entry).verb.clone()).collect();
    assert_eq!(verbs, ["device.disable", "device.enable", "device.delete"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_change_keeps_a_manifest_from_being_applied() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening::reading_twins_once());
    console.command(&format!("apply {GATEWAY} {}", guide())).await;
    console.sees("DISAPPEARS").await;
    stage.outside.set_desired("edge-gateway-001/temperatureFilter", json!({"temperatureThreshold": 99.0})).await;
    confirms(&mut console, Some(GATEWAY)).await;
    console.sees("412").await;
    assert!(console.wiretap.writes().is_empty(), "nothing left");
    let twin = stage.outside.twin("edge-gateway-001/temperatureFilter").await;
    assert_eq!(twin["properties"]["desired"]["temperatureThreshold"], json!(99.0));
    // Looked at anew, what would be lost is named.
    console.press("ctrl-r").await;
    console.sees("99.0 -> 25.0").await;
    console.sees("desired values that were set before are written over").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_console_begins_no_change() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening { read_only: true, ..Opening::default() });
    console.sees(GATEWAY).await;
    for (line, what) in [("register", "register"), ("delete edge-gateway-001", "delete"), ("deploy", "new deployment")]
    {
        console.command(line).await;
        console.sees(&format!("{what} needs read-write")).await;
    }
    console.press("a").await;
    console.sees("apply needs read-write").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_hidden_until_its_device_is_named_and_goes_by_itself() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    let key = device(&stage, GATEWAY).await.body["authentication"]["symmetricKey"]["primaryKey"].clone();
    let key = key.as_str().expect("a key").to_owned();
    console.command("connection-string edge-gateway-001").await;
    console.sees("SharedAccessKey=********").await;
    console.press("R").await;
    console.sees("Show the key of edge-gateway-001").await;
    console.past_type_ahead();
    console.types(GATEWAY).await;
    console.press("tab enter").await;
    console.sees(&key).await;
    stage.clock.push(Duration::from_secs(61));
    console.no_longer_sees(&key).await;
    console.press("esc").await;
    let (_, frames) = console.ends("ctrl-c").await;
    assert!(frames.iter().filter(|frame| frame.contains(&key)).count() < 20, "a minute, and not longer");
    let notes = stage.audited();
    let note = notes.iter().find(|entry| format!("{:?}", entry.first.body).contains("Revealed")).expect("remembered");
    assert!(!format!("{note:?}").contains(&key));
}

/// The list is read seldom, and the fleet not at all while another view is open: what was just registered is there all the
/// same when one comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_just_registered_is_in_the_list() {
    let stage = Stage::set().await;
    let mut opening = Opening::default();
    opening.sync.fleet = Duration::from_secs(3_600);
    let mut console = stage.console_with(opening);
    console.sees("26 of 26").await;
    console.press("+").await;
    console.types("gw-zz").await;
    console.press("enter").await;
    confirms(&mut console, None).await;
    console.sees("devices > gw-zz").await;
    console.press("esc").await;
    console.sees("27 of 27").await;
    assert!(console.row("gw-zz").contains("new"), "{}", console.row("gw-zz"));
}
