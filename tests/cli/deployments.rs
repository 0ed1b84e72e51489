//! `edgedeck deployment`: the hub's deployments for people and programs, and the devices behind their figures.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{World, steady};

const BASE: &str = "deploy-base-sites";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_say_who_wins_and_how_far_each_got() {
    let world = World::start().await;
    for (name, args) in [
        ("deployment_list", &["deployment", "list"][..]),
        ("deployment_show", &["deployment", "show", BASE]),
        ("deployment_show_layer", &["deployment", "show", "deploy-ml-canary"]),
        ("deployment_devices", &["deployment", "devices", BASE, "--metric", "rejected"]),
    ] {
        let table = world.run(args);
        assert_eq!((table.code, table.err.as_str()), (0, ""), "{name}");
        assert!(table.out.lines().all(|line| !line.ends_with(' ')), "no trailing blanks: {name}");
        steady(|| insta::assert_snapshot!(name, table.out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_one_shape_and_no_passwords() {
    let world = World::start().await;
    for (name, args) in [
        ("deployment_list_json", &["deployment", "list"][..]),
        ("deployment_show_json", &["deployment", "show", BASE]),
        ("deployment_devices_json", &["deployment", "devices", BASE, "--metric", "reportedFailedCount"]),
    ] {
        let answer = world.run(&[args, &["-o", "json"]].concat());
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{name}");
        steady(|| insta::assert_snapshot!(name, answer.out));
    }
    let shown = world.run(&["deployment", "show", BASE, "-o", "json"]).items("Deployment").remove(0);
    let registries = "/content/modulesContent/$edgeAgent/properties.desired/runtime/settings/registryCredentials";
    let registries = shown.pointer(registries).and_then(Value::as_object).unwrap();
    assert!(!registries.is_empty() && registries.values().all(|one| one["password"] == "********"), "{registries:?}");
}

/// What the hub counted is what its queries find, as long as nothing happens in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_each_figure_are_as_many_devices() {
    let world = World::start().await;
    let list = world.run(&["deployment", "list", "-o", "json"]).items("DeploymentList");
    assert_eq!(list.len(), 3);
    for item in &list {
        let id = item["id"].as_str().unwrap();
        for (metric, figure) in item["figures"].as_object().unwrap() {
            let found = world.run(&["deployment", "devices", id, "--metric", metric, "-o", "json"]);
            let found = found.items("DeploymentDevices");
            assert_eq!(found.len() as u64, figure.as_u64().unwrap(), "{id} {metric}");
        }
    }
    let few = world.run(&["deployment", "devices", BASE, "--limit", "2", "-o", "json"]).items("DeploymentDevices");
    assert_eq!(few[0], json!({"deviceId": "edge-gateway-101", "moduleId": null, "row": null}));
    assert_eq!(few.len(), 2);
}

/// A metric of one's own: the hub counts it at its next look, and behind it are the devices its query finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_of_ones_own_is_counted_and_listed() {
    let world = World::start().await;
    let metric = "b1=SELECT deviceId FROM devices WHERE tags.location.building = 'B1'";
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deployment.manifest.json");
    let args = ["deployment", "create", "counted", "-k", manifest, "-t", "tags.role = 'nobody'", "--metric", metric];
    let created = world.run(&[&args[..], &["--confirm", "counted"]].concat());
    assert_eq!(created.code, 0, "{}", created.err);
    world.clock.advance(Duration::from_secs(20));
    let shown = world.run(&["deployment", "show", "counted", "-o", "json"]).items("Deployment").remove(0);
    let figure = shown["metrics"]["results"]["b1"].as_u64().unwrap();
    let found = world.run(&["deployment", "devices", "counted", "--metric", "b1", "-o", "json"]);
    let found = found.items("DeploymentDevices");
    assert_eq!(found.len() as u64, figure);
    // Whomever it targets, and edge devices or not: the query alone decides.
    assert_eq!(shown["systemMetrics"]["results"]["targetedCount"], 0);
    let ids: Vec<&str> = found.iter().map(|item| item["deviceId"].as_str().unwrap()).collect();
    assert!(ids.contains(&"edge-gateway-101") && ids.contains(&"sensor-vibration-101"), "{ids:?}");
    assert!(
        ids.iter().all(|id| id.rsplit_once("-1").is_some_and(|(_, rest)| rest.len() == 2)),
        "one building: {ids:?}"
    );
    let text = world.run(&["deployment", "show", "counted"]).out;
    let told = |line: &str| line.contains("b1") && line.split_whitespace().any(|word| word == figure.to_string());
    assert!(text.lines().any(told), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_code_3_and_what_cannot_exist_is_code_2() {
    let world = World::start().await;
    let missing = world.run(&["deployment", "show", "nobody"]);
    assert_eq!((missing.code, missing.out.as_str()), (3, ""), "{}", missing.err);
    let metric = world.run(&["deployment", "devices", BASE, "--metric", "hot"]);
    assert_eq!((metric.code, metric.out.as_str()), (3, ""));
    assert_eq!(
        metric.err,
        "edgedeck: deploy-base-sites has no metric hot; it has targeted, applied, accepted, rejected\n"
    );
    for args in [&["deployment", "show", "Capital"][..], &["deployment"], &["deployment", "devices"]] {
        let wrong = world.run(args);
        assert_eq!(wrong.code, 2, "{args:?}: {}", wrong.err);
    }
}
