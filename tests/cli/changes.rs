//! What scripts change beside twins: devices registered, cut off, let in, tagged, deleted; manifests applied; modules
//! restarted. Each without a terminal to ask on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::World;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deployment.manifest.json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_from_its_registration_to_its_end() {
    let world = World::start().await;
    let refused = world.run(&["device", "create", "gw-9", "--edge-enabled"]);
    assert_eq!(refused.code, 10, "{}", refused.err);
    let made = world.run(&["device", "create", "gw-9", "--edge-enabled", "--yes", "-o", "json"]);
    let item = made.items("DeviceChange").remove(0);
    assert_eq!((&item["name"], &item["outcome"]), (&json!("gw-9"), &json!("applied")));
    let again = world.run(&["device", "create", "gw-9", "--edge-enabled", "--yes"]);
    assert!(again.code == 10 && again.err.contains("gw-9 is registered already"), "{}", again.err);
    let modules = world.run(&["modules", "list", "gw-9"]);
    assert_eq!(modules.code, 0, "{}", modules.err);

    let masked = world.run(&["device", "connection-string", "gw-9"]);
    assert!(masked.out.starts_with("HostName=") && masked.out.contains(";DeviceId=gw-9;SharedAccessKey=********"));
    for wrong in [&["--reveal"][..], &["--reveal", "--confirm", "gw-8"]] {
        let ran = world.run(&[&["device", "connection-string", "gw-9"], wrong].concat());
        assert_eq!((ran.code, ran.out.as_str()), (10, ""), "{}", ran.err);
    }
    let shown = world.run(&["device", "connection-string", "gw-9", "--reveal", "--confirm", "gw-9"]);
    let key = shown.out.trim().rsplit_once("SharedAccessKey=").unwrap().1.to_owned();
    assert!(key.len() >= 20 && !key.contains('*'), "{}", shown.out);

    let off = world.run(&["device", "disable", "gw-9", "--status-reason", "stolen", "--confirm", "gw-9"]);
    assert_eq!(off.code, 0, "{}", off.err);
    let device = world.run(&["device", "show", "gw-9"]);
    assert!(device.code == 0 && device.out.contains("disabled (stolen)"), "{}{}", device.out, device.err);
    let modules = world.run(&["modules", "list", "gw-9"]);
    assert!(modules.code == 0 && modules.out.contains("the device is disabled"), "{}{}", modules.out, modules.err);
    assert_eq!(world.run(&["device", "enable", "gw-9", "--yes"]).code, 0);
    let kept = world.run(&["device", "connection-string", "gw-9", "--reveal", "--confirm", "gw-9"]);
    assert!(kept.out.contains(&key), "an update must not make new keys");

    let tags = world.run(&["device", "set-tags", "gw-9", "location.building=B1", "role=gateway", "--yes"]);
    assert_eq!(tags.code, 0, "{}", tags.err);
    let twin = world.run(&["twin", "get", "gw-9", "-o", "json"]).items("Twin").remove(0);
    assert_eq!(twin["tags"], json!({"location": {"building": "B1"}, "role": "gateway"}));

    let kept = world.run(&["device", "delete", "gw-9", "--yes"]);
    assert!(kept.code == 10 && kept.err.contains("--confirm gw-9"), "{}", kept.err);
    assert_eq!(world.run(&["device", "delete", "gw-9", "--confirm", "gw-9"]).code, 0);
    assert_eq!(world.run(&["device", "show", "gw-9"]).code, 3);

    let list = world.run(&["audit", "list", "-o", "json"]).items("AuditList");
    let mut verbs: Vec<&str> = list.iter().filter_map(|entry| entry["verb"].as_str()).collect();
    verbs.reverse();
    let expected = ["device.create", "device.disable", "device.enable", "twin.patch", "device.delete"];
    assert_eq!(verbs.iter().filter(|verb| !verb.starts_with("secret")).copied().collect::<Vec<_>>(), expected);
    let text = std::fs::read_dir(world.home().join(".local/state/edgedeck/audit")).unwrap();
    let text: String = text.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default()).collect();
    assert!(!text.contains(&key), "the record never holds a key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_says_what_it_removes_before_it_is_sent() {
    let world = World::start().await;
    let look = world.run(&["apply", "--device", "edge-gateway-001", GUIDE, "--dry-run"]);
    assert_eq!(look.code, 0, "{}", look.err);
    assert!(look.out.contains("- debugShell") && look.out.contains("DISAPPEARS"), "{}", look.out);
    assert!(!look.out.contains("REPLACE-WITH-PULL-TOKEN-PASSWORD"), "masked: {}", look.out);
    let yes = world.run(&["apply", "--device", "edge-gateway-001", GUIDE, "--yes"]);
    assert!(yes.code == 10 && yes.err.contains("--confirm edge-gateway-001"), "{}", yes.err);
    let sent = world.run(&["apply", "--device", "edge-gateway-001", GUIDE, "--confirm", "edge-gateway-001"]);
    assert_eq!(sent.code, 0, "{}", sent.err);
    let agent = world.run(&["twin", "get", "edge-gateway-001/$edgeAgent", "-o", "json"]).items("Twin").remove(0);
    let modules = agent["properties"]["desired"]["modules"].as_object().unwrap().clone();
    assert_eq!(
        modules.keys().map(String::as_str).collect::<Vec<_>>(),
        ["SimulatedTemperatureSensor", "temperatureFilter"]
    );
    // Accepted is not running: edgeAgent pulls and starts, and then it is.
    let filter = || {
        let list = world.run(&["modules", "list", "edge-gateway-001", "-o", "json"]).items("ModuleList");
        list.into_iter().find(|module| module["moduleId"] == "temperatureFilter").unwrap()
    };
    assert_ne!(filter()["reported"]["image"], "acrproduction001.azurecr.io/temperature-filter:1.0.0");
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(
        (&filter()["status"], &filter()["reported"]["image"]),
        (&json!("running"), &json!("acrproduction001.azurecr.io/temperature-filter:1.0.0"))
    );
    let table = world.run(&["modules", "list", "edge-gateway-001"]).out;
    assert!(!table.contains("debugShell") && table.lines().count() == 5, "what was removed is gone: {table}");
    let again = world.run(&["apply", "--device", "edge-gateway-001", GUIDE, "--yes"]);
    assert!(again.code == 0 && again.out.contains("has all of it already"), "{}{}", again.out, again.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_manifest_and_no_edge_device_is_said_before_anything_is_sent() {
    let world = World::start().await;
    let wrong = world.file("wrong.json", "{\"modulesContent\": {\"$edgeAgent\": 3}}", 0o644).display().to_string();
    let ran = world.run(&["apply", "--device", "edge-gateway-001", &wrong, "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("/modulesContent/$edgeAgent"), "{} {}", ran.code, ran.err);
    let template = world.file(
        "t.json",
        "{\"modulesContent\": {\"$edgeAgent\": {\"properties.desired\": {\"a\": \"${X}\"}}}}",
        0o644,
    );
    let ran = world.run(&["apply", "--device", "edge-gateway-001", &template.display().to_string(), "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("never filled in"), "{} {}", ran.code, ran.err);
    let ran = world.run(&["apply", "--device", "nobody", GUIDE, "--yes"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        world.run(&["audit", "list", "-o", "json"]).items("AuditList").iter().all(|entry| entry["state"] != "applied")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_is_restarted_and_what_its_agent_refuses_is_said() {
    let world = World::start().await;
    assert_eq!(world.run(&["restart", "edge-gateway-001", "--yes"]).code, 2);
    let ran = world.run(&["restart", "edge-gateway-001/temperatureFilter", "--yes", "-o", "json"]);
    assert_eq!(ran.items("ModuleRestart")[0]["outcome"], Value::from("applied"));
    let ran = world.run(&["restart", "edge-gateway-001/nobody", "--yes"]);
    assert!(ran.code != 0 && ran.err.contains("was not restarted"), "{} {}", ran.code, ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_says_what_happens_to_devices_before_it_is_sent() {
    let world = World::start().await;
    let look = |args: &[&str]| {
        let ran = world.run(&[&["deployment"], args, &["--dry-run"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    let deleted = look(&["delete", "deploy-ml-gateways"]);
    for line in [
        "- mlInference disappears from 20 devices: edge-gateway-101, edge-gateway-102, edge-gateway-103 and 17 more",
        "~ mlInference changes on 1 device (what is left of it has no type, and no agent takes it so): edge-gateway-203",
        "modules change on 21 of 26 edge devices",
    ] {
        assert!(deleted.contains(line), "{line} in {deleted}");
    }
    assert!(!deleted.contains("they fall back"), "it is known who does: {deleted}");

    let created = look(&["create", "newbase", "-k", GUIDE, "-t", "*", "--priority", "50"]);
    for line in [
        "- mlInference disappears from 21 devices: edge-gateway-101, ",
        "- debugShell disappears from 1 device: edge-gateway-001",
        "~ 1 device gets its first base, newbase: edge-gateway-001",
        "~ 25 devices change their base from deploy-base-sites to newbase: ",
        "~ the layer deploy-ml-gateways no longer applies on 21 devices: ",
        "~ the layer deploy-ml-canary no longer applies on 1 device: edge-gateway-203",
    ] {
        assert!(created.contains(line), "{line} in {created}");
    }
    let order = |first: &str, second: &str| created.find(first) < created.find(second);
    assert!(order("- mlInference", "~ 25 devices"), "what goes stands first: {created}");

    let raised = look(&["set", "deploy-ml-canary", "--priority", "15"]);
    assert!(
        raised.contains("~ mlInference changes on 1 device (ml-inference:2.1.o -> ml-inference:2.0.3)"),
        "{raised}"
    );
    let metric = |query: &str| {
        let metric = format!("hot={query}");
        let args = ["deployment", "create", "hot", "-k", GUIDE, "-t", "*", "--metric", &metric, "--dry-run"];
        world.run(&args)
    };
    let wrong = metric("SELECT deviceId FORM devices");
    assert_eq!(wrong.code, 10);
    let why = "the query of the metric hot cannot be read: expected FROM, but FORM stands here (at character 17)";
    assert!(wrong.err.contains(why), "{}", wrong.err);
    assert_eq!(metric("SELECT deviceId FROM devices WHERE tags.hot = true").code, 0);
    let labelled = look(&["set", "deploy-ml-canary", "--label", "a=b"]);
    assert!(!labelled.contains("edge devices"), "labels reach nobody: {labelled}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_from_its_creation_to_its_end() {
    let world = World::start().await;
    let create = |id: &str, extra: &[&str]| {
        let args = ["deployment", "create", id, "-k", GUIDE, "-t", "tags.location.building = 'B1'", "--priority", "30"];
        world.run(&[&args[..], extra].concat())
    };
    let look = create("guide-b1", &["--dry-run"]);
    assert!(look.code == 0 && look.out.contains("its condition matches 13 devices now"), "{}{}", look.out, look.err);
    assert!(!look.out.contains("REPLACE-WITH-PULL-TOKEN-PASSWORD"), "masked: {}", look.out);
    let yes = create("guide-b1", &["--yes"]);
    assert!(yes.code == 10 && yes.err.contains("--confirm 127.0.0.1/guide-b1"), "it takes modules away: {}", yes.err);
    assert_eq!(create("guide-b1", &["--confirm", "127.0.0.1/guide-b1", "--label", "by=guide"]).code, 0);
    let again = create("guide-b1", &["--confirm", "guide-b1"]);
    assert!(again.code == 10 && again.err.contains("there is a deployment guide-b1 already"), "{}", again.err);
    assert_eq!(create("Guide", &["--yes"]).code, 2);
    let shown = world.run(&["deployment", "show", "guide-b1", "-o", "json"]);
    assert!(shown.out.contains("\"by\": \"guide\"") && shown.out.contains("\"priority\": 30"), "{}", shown.out);

    let set = |args: &[&str]| world.run(&[&["deployment", "set", "guide-b1"], args].concat());
    assert_eq!(set(&[]).code, 2, "nothing is named");
    let unreadable = set(&["-t", "tags.a IN ['x']", "--confirm", "guide-b1"]);
    assert!(unreadable.code == 10 && unreadable.err.contains("IN"), "{} {}", unreadable.code, unreadable.err);
    let moved = set(&["--priority", "5", "--confirm", "guide-b1"]);
    assert_eq!(moved.code, 0, "{}", moved.err);
    let same = set(&["--priority", "5", "--confirm", "guide-b1"]);
    assert!(same.code == 0 && same.out.contains("so already"), "{}{}", same.out, same.err);
    assert_eq!(set(&["--no-labels", "--yes"]).code, 0, "labels reach no device");

    let delete = |phrase: &str| world.run(&["deployment", "delete", "guide-b1", "--confirm", phrase]);
    let short = delete("guide-b1");
    let full = if short.code == 0 { short } else { delete("127.0.0.1/guide-b1") };
    assert_eq!(full.code, 0, "{}", full.err);
    assert_eq!(world.run(&["deployment", "show", "guide-b1"]).code, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_modules_says_what_is_wrong_with_it() {
    let world = World::start().await;
    let broken = world.run(&["modules", "list", "edge-gateway-203"]);
    assert!(broken.code == 0 && broken.out.contains("edgeAgent answers 500"), "{}", broken.out);
    let leaf = world.run(&["modules", "list", "sensor-vibration-101"]);
    assert!(leaf.code == 3 && leaf.err.contains("is no IoT Edge device"), "{} {}", leaf.code, leaf.err);
    let pipe = world.home().join("pipe");
    assert!(std::process::Command::new("/usr/bin/mkfifo").arg(&pipe).status().unwrap().success());
    let ran = world.run(&["apply", "--device", "edge-gateway-001", &pipe.display().to_string(), "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("no regular file"), "{} {}", ran.code, ran.err);
}
