//! The way of a manifest into containers: what is reported when, in which order, and what goes with a module.

use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::domain::time::HubTime;
use crate::sim::device::MachineSpec;
use crate::sim::hub::NoMachine;

const SENSOR: (&str, &str) = ("sensor", "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0");
const WORKER: (&str, &str) = ("worker", "acr.azurecr.io/worker:1");

#[test]
fn a_new_edge_device_stays_empty_until_it_is_provisioned() {
    let stage = Stage::empty();
    stage.register(D);
    stage.apply(&Manifest::running(&[SENSOR]).0);
    stage.pass(3_600);
    for module in ["$edgeAgent", "$edgeHub"] {
        let twin = stage.twin(module);
        assert_eq!(twin["properties"]["reported"]["$version"], 1, "{module}");
        assert_eq!(twin["authenticationType"], "none");
    }
    assert_eq!(stage.hub().provision("nobody", MachineSpec::default()), Err(NoMachine::Device("nobody".to_owned())));
    stage.hub().provision(D, MachineSpec::default()).unwrap();
    stage.pass(120);
    assert_eq!(stage.status(), (200, 2));
    assert_eq!(stage.twin("$edgeAgent")["authenticationType"], "sas");
}

/// edgeAgent alone, and a report that knows of nothing else.
#[test]
fn a_machine_without_a_manifest_says_that_it_has_none() {
    let stage = Stage::empty();
    stage.register(D);
    stage.hub().provision(D, MachineSpec::default()).unwrap();
    stage.pass(60);
    let reported = stage.reported("$edgeAgent");
    assert_eq!(
        reported["lastDesiredStatus"],
        json!({"code": 417, "description": "This device has an empty configuration for the edge agent. Please set a deployment manifest."})
    );
    assert_eq!(reported["lastDesiredVersion"], 0);
    let platform = json!({"os": "Linux", "architecture": "x86_64", "version": "1.5.21"});
    assert_eq!(reported["runtime"], json!({"platform": platform, "Type": "Unknown"}));
    assert_eq!(
        reported["systemModules"]["edgeHub"],
        json!({"type": "Unknown", "status": "unknown", "restartPolicy": "never", "imagePullPolicy": "on-create", "env": {}})
    );
    let agent = &reported["systemModules"]["edgeAgent"];
    assert_eq!((&agent["type"], &agent["runtimeStatus"]), (&json!("docker"), &json!("running")));
    assert_eq!(reported["modules"], json!({}));
    assert_eq!([stage.connection("$edgeAgent"), stage.connection("$edgeHub")], ["Disconnected"; 2]);
}

#[test]
fn a_manifest_becomes_containers_and_the_twins_say_so() {
    let stage = Stage::with(&Manifest::running(&[SENSOR, WORKER]).0);
    stage.pass(60);
    let reported = stage.reported("$edgeAgent");
    assert_eq!((reported["schemaVersion"].as_str(), reported["lastDesiredVersion"].as_u64()), (Some("1.0"), Some(2)));
    assert_eq!(reported["lastDesiredStatus"], json!({"code": 200, "description": ""}));
    assert_eq!(reported["version"]["version"], "1.5.21");
    assert_eq!(
        reported["runtime"],
        json!({"type": "docker", "platform": {"os": "Linux", "architecture": "x86_64", "version": "1.5.21"},
            "settings": {"minDockerVersion": "v1.25", "loggingOptions": "",
                "registryCredentials": {"acr": {"address": "acr.azurecr.io", "username": "u", "password": "p"}}}})
    );
    let keys = |value: &Value| {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys.join(" ")
    };
    let container = "env exitCode imagePullPolicy lastExitTimeUtc";
    assert_eq!(
        keys(&reported["modules"]["worker"]),
        format!(
            "{container} lastRestartTimeUtc lastStartTimeUtc restartCount restartPolicy runtimeStatus settings status type version"
        )
    );
    assert_eq!(
        keys(&reported["systemModules"]["edgeHub"]),
        format!(
            "{container} lastRestartTimeUtc lastStartTimeUtc restartCount restartPolicy runtimeStatus settings startupOrder status type"
        )
    );
    assert_eq!(
        keys(&reported["systemModules"]["edgeAgent"]),
        format!("{container} lastStartTimeUtc runtimeStatus settings startupOrder type")
    );
    let worker = &reported["modules"]["worker"];
    assert_eq!(
        (&worker["status"], &worker["runtimeStatus"], &worker["restartCount"]),
        (&json!("running"), &json!("running"), &json!(0))
    );
    for never in ["lastExitTimeUtc", "lastRestartTimeUtc"] {
        assert_eq!(worker[never], "0001-01-01T00:00:00Z", "{never}");
    }
    let started = HubTime::parse(worker["lastStartTimeUtc"].as_str().unwrap()).unwrap().instant().unwrap();
    assert!(started < stage.now());
    assert!(worker["settings"]["imageHash"].as_str().unwrap().starts_with("sha256:"));

    assert_eq!(stage.identities(), ["$edgeAgent", "$edgeHub", "sensor", "worker"]);
    let identity = stage.caller.get(&format!("/devices/{D}/modules/worker"));
    assert_eq!((&identity["managedBy"], &identity["authentication"]["type"]), (&json!("IotEdge"), &json!("sas")));

    let hub = stage.reported("$edgeHub");
    assert_eq!(hub["lastDesiredStatus"], json!({"code": 200, "description": ""}));
    assert_eq!((&hub["schemaVersion"], &hub["lastDesiredVersion"]), (&json!("1.0"), &json!(2)));
    assert_eq!(keys(&hub["clients"]), "edge-1/sensor edge-1/worker");
    assert_eq!(keys(&hub["clients"]["edge-1/worker"]), "lastConnectedTimeUtc status");
    let states = ["$edgeAgent", "$edgeHub", "sensor", "worker"].map(|module| stage.connection(module));
    assert_eq!(states, ["Disconnected", "Connected", "Connected", "Connected"]);
    assert_eq!(stage.caller.get(&format!("/twins/{D}"))["connectionState"], "Disconnected");
}

#[test]
fn a_changed_image_replaces_the_container_and_only_that() {
    let stage = Stage::with(&Manifest::running(&[SENSOR, WORKER]).0);
    stage.pass(60);
    let (sensor, worker) = (stage.module("sensor"), stage.module("worker"));
    stage.apply(&Manifest::running(&[SENSOR, ("worker", "acr.azurecr.io/worker:2")]).0);
    assert_eq!(stage.status(), (200, 2), "nothing happens at once");
    stage.pass(90);
    assert_eq!(stage.status(), (200, 3));
    let after = stage.module("worker");
    assert_eq!(after["settings"]["image"], "acr.azurecr.io/worker:2");
    assert_ne!(after["lastStartTimeUtc"], worker["lastStartTimeUtc"]);
    assert_ne!(after["settings"]["imageHash"], worker["settings"]["imageHash"]);
    assert_eq!(after["lastExitTimeUtc"], "0001-01-01T00:00:00Z", "it is a new container");
    assert_eq!(stage.module("sensor"), sensor);
}

/// The version is reported with what was seen before the plan ran; what became of it follows with the next report.
#[test]
fn the_first_report_of_a_version_still_shows_the_old_modules() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    stage.apply(&Manifest::running(&[("worker", "acr.azurecr.io/worker:2")]).0);
    stage.until(90, "the version is reported", |stage| stage.status() == (200, 3));
    assert_eq!(stage.module("worker")["settings"]["image"], "acr.azurecr.io/worker:1");
    let later = stage
        .until(30, "the image is", |stage| stage.module("worker")["settings"]["image"] == "acr.azurecr.io/worker:2");
    assert!((4..=6).contains(&later), "{later} s");
}

#[test]
fn a_status_alone_stops_and_starts_the_same_container() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let hash = stage.module("worker")["settings"]["imageHash"].clone();
    stage.apply(&Manifest::running(&[WORKER]).agent("/modules/worker/status", json!("stopped")).0);
    stage.pass(60);
    let stopped = stage.module("worker");
    // It did not listen to the signal, and is reported failed with the code of its end.
    assert_eq!((&stopped["status"], &stopped["runtimeStatus"]), (&json!("stopped"), &json!("failed")));
    assert_eq!(stopped["exitCode"], 137);
    assert_eq!(stage.connection("worker"), "Disconnected");
    let client = &stage.reported("$edgeHub")["clients"]["edge-1/worker"];
    assert_eq!(client["status"], "Disconnected");
    assert!(client["lastDisconnectedTimeUtc"].is_string());
    stage.apply(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let started = stage.module("worker");
    assert_eq!((&started["runtimeStatus"], &started["exitCode"]), (&json!("running"), &json!(0)));
    assert_eq!((&started["restartCount"], &started["settings"]["imageHash"]), (&json!(0), &hash));
    assert_ne!(started["lastExitTimeUtc"], "0001-01-01T00:00:00Z", "the container is the same");
    assert_eq!(started["lastRestartTimeUtc"], started["lastExitTimeUtc"], "without a count");
}

/// a module that leaves takes its identity and its twin with it.
#[test]
fn a_module_that_leaves_loses_its_twin_and_comes_back_empty() {
    let with = Manifest::running(&[SENSOR, WORKER]).0;
    let stage = Stage::with(&with);
    stage.pass(60);
    let path = format!("/twins/{D}/modules/worker");
    let edit = json!({"tags": {"mine": 1}, "properties": {"desired": {"threshold": 30}}});
    assert_eq!(stage.caller.send("PATCH", &path, &[], &edit).status, 200);
    stage.apply(&Manifest::running(&[SENSOR]).0);
    stage.pass(60);
    assert_eq!((stage.runs("worker"), stage.status()), ("absent".to_owned(), (200, 3)));
    assert_eq!(stage.caller.send("GET", &path, &[], &Value::Null).status, 404);
    assert_eq!(stage.identities(), ["$edgeAgent", "$edgeHub", "sensor"]);
    stage.apply(&with);
    stage.pass(60);
    let twin = stage.twin("worker");
    assert_eq!((stage.runs("worker"), twin.get("tags")), ("running".to_owned(), None));
    assert_eq!(twin["properties"]["desired"].get("threshold"), None);
}

#[test]
fn startup_order_decides_who_starts_first() {
    let order = |stage: &Stage| {
        let modules = ["a", "b", "c"].map(|name| (stage.module(name)["lastStartTimeUtc"].to_string(), name));
        let mut modules = modules.to_vec();
        modules.sort();
        modules.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    let manifest =
        Manifest::running(&[("a", "acr.azurecr.io/a:1"), ("b", "acr.azurecr.io/b:1"), ("c", "acr.azurecr.io/c:1")]);
    let stage =
        Stage::with(&manifest.agent("/modules/c/startupOrder", json!(1)).agent("/modules/b/startupOrder", json!(2)).0);
    stage.pass(90);
    assert_eq!(order(&stage), ["c", "b", "a"]);
    assert_eq!(stage.module("c")["startupOrder"], 1);
    assert_eq!(stage.module("a").get("startupOrder"), None, "what was not set is not reported");
}

#[test]
fn a_steady_fleet_is_not_woken() {
    let stage = Stage::empty();
    let manifest = Manifest::running(&[SENSOR, WORKER]).0;
    for number in 0..200 {
        let device = format!("edge-{number}");
        stage.register(&device);
        stage.hub().set_modules(&device, &manifest);
        stage.hub().provision(&device, MachineSpec::default()).unwrap();
    }
    stage.pass(600);
    let woken = |stage: &Stage| stage.machines(|world, _| world.woken);
    let before = woken(&stage);
    assert!(before < 200 * 60, "{before} wake-ups for 200 installations");
    stage.pass(30 * 24 * 3_600);
    assert_eq!(woken(&stage), before, "a month in which nothing happens");
    let running = "SELECT COUNT() AS n FROM devices.modules WHERE moduleId = '$edgeAgent' AND properties.reported.modules.worker.runtimeStatus = 'running'";
    assert_eq!(stage.caller.query(running), json!([{"n": 200}]));
}
