//! A copy of a hub: read once, kept without secrets, and a hub again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{World, ran};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_is_copied_and_the_copy_is_a_hub() {
    let world = World::start().await;
    let file = world.home().join("hub.json");
    let path = file.to_str().unwrap();
    let taken = world.run(&["snapshot", "--out", path, "-o", "json"]).items("HubSnapshot");
    assert_eq!((&taken[0]["devices"], &taken[0]["deployments"]), (&27.into(), &3.into()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("simulated-registry-password") && !text.contains("simulated-model-key"));

    // By the clock of now: the copy's machines live in the present of whoever uses it.
    let on_copy = |args: &[&str]| ran(&mut world.command(&[&["--sim", "--from", path], args].concat()));
    let devices = on_copy(&["devices", "-o", "json"]).items("DeviceList");
    let status = |id: &str| {
        let row = devices.iter().find(|row| row["deviceId"] == id);
        row.unwrap_or_else(|| panic!("{id} is missing"))["status"].clone()
    };
    assert_eq!(devices.len(), 26);
    assert_eq!([status("edge-gateway-104"), status("edge-gateway-203")], ["backoff", "failed"]);
    assert_eq!([status("edge-gateway-105"), status("edge-gateway-113")], ["running", "new"]);
    let figures = on_copy(&["deployment", "show", "deploy-ml-gateways", "-o", "json"]).items("Deployment");
    assert_eq!(figures[0]["systemMetrics"]["results"]["targetedCount"], 21, "{}", figures[0]);

    let again = world.run(&["snapshot", "--out", path]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("hub.json") && again.err.contains("exists"), "{}", again.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "what was there is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_copy_is_refused_and_half_a_copy_is_none() {
    let world = World::start().await;
    let file = world.home().join("other.json");
    fs::write(&file, "{\"kind\": \"DeviceList\"}").unwrap();
    for (args, code, said) in [
        (&["--sim", "--from", file.to_str().unwrap(), "devices"][..], 2, "its `kind` is not HubSnapshot"),
        (&["--sim", "--from", "/nowhere/hub.json", "devices"], 2, "could not be read"),
        (&["--from", "hub.json", "devices"], 2, "--from is about the simulated hub"),
        (&["--sim", "--from", "hub.json", "--scenario", "f04", "devices"], 2, "cannot be used with"),
    ] {
        let refused = ran(&mut world.command(args));
        assert_eq!(refused.code, code, "{}", refused.err);
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    let begun = world.home().join("begun.json");
    world.sim.command("answer 503 all").unwrap();
    let failed = world.run(&["snapshot", "--out", begun.to_str().unwrap()]);
    assert_eq!(failed.code, 1, "{}", failed.err);
    assert!(!begun.exists(), "nobody takes half a copy for a whole one");
}
