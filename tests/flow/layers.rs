//! The guide's base deployment and the layer over it, from their forms to the devices: created, seen to take hold,
//! changed, and deleted, after which the devices fall back.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Console, Stage, intent};

const HUB: &str = "iothub-production-001";

fn example(name: &str) -> String {
    format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Fills in the form for a deployment and looks at what would be sent.
async fn describes(console: &mut Console, fields: [&str; 3], priority: &str) {
    fills(console, fields, priority).await;
    console.sees("REQUEST").await;
}

async fn fills(console: &mut Console, fields: [&str; 3], priority: &str) {
    console.command("deploy").await;
    console.sees("Create a deployment").await;
    for field in fields {
        console.pastes(field).await;
        console.press("tab").await;
    }
    for _ in 0..2 {
        console.press("backspace").await;
    }
    console.types(priority).await;
    console.press("enter").await;
}

async fn confirms(console: &mut Console, phrase: &str) {
    console.press("s").await;
    console.sees("to enable sending").await;
    console.past_type_ahead();
    console.types(phrase).await;
    console.no_longer_sees("to enable sending").await;
    console.press("tab enter").await;
}

/// What a device's edgeAgent should run.
async fn modules(stage: &Stage, device: &str) -> Vec<String> {
    let twin = stage.outside.twin(&format!("{device}/$edgeAgent")).await;
    let modules = twin.pointer("/properties/desired/modules").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut names: Vec<String> = modules.keys().cloned().collect();
    names.sort();
    names
}

/// Waits until the figures of the deployment on screen are these: targeted, applied, accepted.
async fn reads(console: &mut Console, figures: [usize; 3]) {
    let figure = |screen: &str, name: &str| {
        let row = screen.lines().find(|row| row.contains(&format!("figure   {name} ")))?;
        row.split_whitespace().find_map(|word| word.parse().ok())
    };
    let all = |screen: &str| ["TARGETED", "APPLIED", "ACCEPTED"].map(|name| figure(screen, name)) == figures.map(Some);
    console.shows(&format!("{figures:?} devices in its figures"), all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn base_and_layer_take_hold_and_devices_fall_back() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    let before = modules(&stage, "edge-gateway-101").await;
    let base = ["deploy-tempfilter-building-b1", &example("deployment.manifest.json"), "tags.location.building = 'B1'"];
    describes(&mut console, base, "30").await;
    console.sees("+ a base deployment: the complete set of modules").await;
    console.sees("its condition matches 13 devices now").await;
    console.sees("- mlInference disappears from 13 devices: edge-gateway-101, edge-gateway-102").await;
    console.sees("~ 13 devices change their base from deploy-base-sites to").await;
    confirms(&mut console, &format!("{HUB}/{}", base[0])).await;
    console.sees("deploy-tempfilter-building-b1 is created").await;
    console.sees("deployments > deploy-tempfilter-building-b1").await;
    stage.clock.push(Duration::from_secs(10));
    stage.clock.push(Duration::from_secs(400));
    console.press("ctrl-r").await;
    // One of them was registered and never installed.
    reads(&mut console, [13, 13, 12]).await;
    console.sees("1 applied, no answer yet").await;
    console.command("sim provision edge-gateway-113").await;
    console.sees("the runtime was installed for edge-gateway-113").await;
    stage.clock.push(Duration::from_secs(120));
    stage.clock.push(Duration::from_secs(400));
    reads(&mut console, [13, 13, 13]).await;
    let guide = ["SimulatedTemperatureSensor", "temperatureFilter"].map(str::to_owned);
    assert_eq!(modules(&stage, "edge-gateway-101").await, guide, "was {before:?}");

    let layer = ["deploy-ml-gateways", &example("ml-module-layer.json"), "tags.role = 'gateway'"];
    // There is one of that name in the default fleet already.
    fills(&mut console, layer, "40").await;
    console.sees("there is a deployment deploy-ml-gateways already").await;
    // The form is as it was left: another id is enough.
    console.press("esc").await;
    console.sees("Create a deployment").await;
    console.press("shift-tab shift-tab shift-tab").await;
    console.types("-2").await;
    console.press("enter").await;
    let layer = ["deploy-ml-gateways-2", layer[1], layer[2]];
    console.sees("REQUEST").await;
    console.sees("+ a layer: on top of the base that applies").await;
    confirms(&mut console, layer[0]).await;
    console.sees("deploy-ml-gateways-2 is created").await;
    stage.clock.push(Duration::from_secs(10));
    stage.clock.push(Duration::from_secs(400));
    let with_layer = modules(&stage, "edge-gateway-101").await;
    assert!(with_layer.len() > guide.len(), "{with_layer:?}");

    // Lowered, it no longer lies above the base.
    console.press("e").await;
    console.sees("Change the deployment deploy-ml-gateways-2").await;
    console.press("tab").await;
    console.press("backspace backspace").await;
    console.types("5").await;
    console.press("enter").await;
    console.sees("~ priority   40 -> 5").await;
    console.sees("- mlInference disappears from").await;
    confirms(&mut console, &format!("{HUB}/{}", layer[0])).await;
    console.sees("deploy-ml-gateways-2 is changed").await;
    stage.clock.push(Duration::from_secs(400));
    assert_eq!(modules(&stage, "edge-gateway-101").await, guide);

    console.command("deployments deploy-tempfilter-building-b1").await;
    console.sees("deployments > deploy-tempfilter-building-b1").await;
    console.press("ctrl-d").await;
    console.sees("~ 13 devices change their base from deploy-tempfilter-building-b1 to deploy-base-sites").await;
    console.sees("+ mlInference appears on 13 devices").await;
    confirms(&mut console, &format!("{HUB}/deploy-tempfilter-building-b1")).await;
    console.sees("deploy-tempfilter-building-b1 is deleted").await;
    stage.clock.push(Duration::from_secs(400));
    assert_eq!(modules(&stage, "edge-gateway-101").await, before, "they fall back");
    // And on the device itself: what its base had taken away runs again.
    console.command("device edge-gateway-101").await;
    console.sees("mlInference").await;
    let runs = |screen: &str| screen.lines().any(|row| row.contains("mlInference ") && row.contains("running  "));
    console.shows("mlInference running", runs).await;
    assert!(console.row("mlInference ").contains("ml-inference:2.0.3"), "{}", console.screen());

    let audited = stage.audited();
    let verbs: Vec<(&str, u8)> =
        audited.iter().map(|entry| (intent(entry).verb.as_str(), intent(entry).level)).collect();
    assert_eq!(
        verbs,
        [("deployment.create", 4), ("deployment.create", 3), ("deployment.update", 4), ("deployment.delete", 4)]
    );
    let deleted = intent(&audited[3]).inverse.as_ref().expect("it can be made again");
    assert_eq!(deleted["priority"], 30);
}
