//! The guide of the README, from an empty hub to a layered deployment, command by command.

use std::time::Duration;

use edgedeck::sim::Scenario;
use serde_json::{Value, json};

use crate::harness::World;

const GATEWAY: &str = "edge-gateway-001";

fn example(name: &str) -> String {
    format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command that must go well.
fn well(world: &World, args: &[&str]) -> String {
    let ran = world.run(args);
    assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.out, ran.err);
    ran.out
}

/// Name and status of what the device runs, or should.
fn modules(world: &World) -> Vec<(String, String)> {
    let table = well(world, &["modules", "list", GATEWAY]);
    let word = |words: &mut std::str::SplitWhitespace| words.next().unwrap().to_owned();
    let rows = table.lines().skip(1).take_while(|row| !row.is_empty());
    rows.map(|row| row.split_whitespace()).map(|mut words| (word(&mut words), word(&mut words))).collect()
}

fn running(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), "running".to_owned())).collect()
}

fn figures(world: &World, deployment: &str) -> Value {
    let list = world.run(&["deployment", "list", "-o", "json"]).items("DeploymentList");
    list.iter().find(|item| item["id"] == deployment).unwrap()["figures"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_from_an_empty_hub_to_a_layer() {
    let world = World::of(Scenario::Tutorial).await;
    let (base, layer) = (example("deployment.manifest.json"), example("ml-module-layer.json"));
    assert!(world.run(&["devices", "-o", "json"]).items("DeviceList").is_empty());
    well(&world, &["device", "create", GATEWAY, "--edge-enabled", "--yes"]);
    let string = well(&world, &["device", "connection-string", GATEWAY]);
    assert!(string.contains(";DeviceId=edge-gateway-001;SharedAccessKey=********"), "{string}");
    let registered = well(&world, &["modules", "list", GATEWAY]);
    assert!(registered.contains("edgeAgent has not reported yet"), "empty until it is provisioned: {registered}");

    assert!(world.sim.command(&format!("provision {GATEWAY}")).is_ok());
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(modules(&world)[..1], running(&["edgeAgent"]), "and it waits for a manifest");
    well(&world, &["apply", "--device", GATEWAY, &base, "--yes"]);
    world.clock.advance(Duration::from_secs(120));
    let guide = ["edgeAgent", "edgeHub", "SimulatedTemperatureSensor", "temperatureFilter"];
    assert_eq!(modules(&world), running(&guide));
    let log = well(&world, &["logs", GATEWAY, "temperatureFilter", "--tail", "20"]);
    assert!(log.lines().last().unwrap().contains("temperature="), "readings arrive: {log}");

    let patch = r#"{"temperatureThreshold": 30.0}"#;
    well(&world, &["twin", "patch", "edge-gateway-001/temperatureFilter", "--desired", patch, "--yes"]);
    world.clock.advance(Duration::from_secs(30));
    let log = well(&world, &["logs", GATEWAY, "temperatureFilter", "--tail", "20"]);
    assert!(log.contains("Threshold updated to: 30.0"), "{log}");

    well(&world, &["device", "set-tags", GATEWAY, "location.building=B1", "role=gateway", "--yes"]);
    let create = |id: &str, manifest: &str, condition: &str, priority: &str| {
        let args = ["deployment", "create", id, "-k", manifest, "-t", condition, "--priority", priority];
        well(&world, &[&args[..], &["--confirm", id]].concat())
    };
    create("deploy-tempfilter-building-b1", &base, "tags.location.building = 'B1'", "10");
    create("deploy-ml-gateways", &layer, "tags.role = 'gateway'", "20");
    // The hub looks at its devices every five minutes, and the device then has a module to pull.
    world.clock.advance(Duration::from_secs(400));
    world.clock.advance(Duration::from_secs(400));
    assert_eq!(modules(&world), running(&[&guide[..], &["mlInference"]].concat()));
    for deployment in ["deploy-tempfilter-building-b1", "deploy-ml-gateways"] {
        let figures = figures(&world, deployment);
        for name in ["targeted", "applied", "accepted"] {
            assert_eq!(figures[name], json!(1), "{deployment} {name}: {figures}");
        }
    }
    let off = world.sim.command(&format!("net off {GATEWAY}"));
    assert!(off.is_ok());
    world.clock.advance(Duration::from_secs(600));
    let modules = well(&world, &["modules", "list", GATEWAY]);
    assert!(modules.contains("edgeHub has lost its link"), "{modules}");
}
