//! Deployments: the client's reads and writes against the simulated hub, and what becomes of twins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use edgedeck::domain::deployment::{Configuration, Deployed, Figures, Listed, TargetCondition, system_metrics};
use edgedeck::domain::fault::{FaultKind, Right};
use edgedeck::domain::ids::{DeploymentId, ETag, ModuleId};
use edgedeck::domain::manifest::Manifest;
use edgedeck::domain::twin::ConfigurationStatus;
use edgedeck::hub::{OpClass, Stored};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{GATEWAY, Stage, device, twin};

fn manifest(content: &Value) -> Arc<Manifest> {
    Arc::new(Manifest::read(&json!({ "modulesContent": content })).expect("a manifest"))
}

/// A base for one device, with a module and a value for it.
fn deployment(id: &str, priority: u32) -> Configuration {
    let run =
        json!({"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": "acr/w:1"}});
    Configuration {
        id: DeploymentId::from_wire(id),
        priority,
        // The hub's business; what is sent says nothing about it.
        created: Timestamp::UNIX_EPOCH,
        target: TargetCondition::parse(&format!("deviceId = '{GATEWAY}'")).expect("a condition"),
        content: manifest(&json!({
            "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": {"watcher": run}}},
            "$edgeHub": {"properties.desired": {"schemaVersion": "1.1", "routes": {}}},
            "watcher": {"properties.desired": {"interval": 5}},
        })),
        labels: BTreeMap::from([("made-by".to_owned(), "edgedeck".to_owned())]),
        metrics: BTreeMap::from([(
            "watchers".to_owned(),
            "SELECT deviceId FROM devices.modules WHERE moduleId = 'watcher'".to_owned(),
        )]),
    }
}

async fn read(stage: &Stage, id: &DeploymentId) -> Deployed {
    let deployed = match stage.hub.read.configuration(id).await.expect("a configuration") {
        Listed::Edge(deployed) => Some(*deployed),
        Listed::Other(_) => None,
    };
    deployed.expect("a deployment")
}

/// Lets the budget's minute pass: the class allows few calls.
fn a_minute(stage: &Stage) {
    stage.ours.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn a_deployment_is_created_takes_effect_and_is_counted() {
    let stage = Stage::set().await;
    let wanted = deployment("watch-1", 7);
    let created = stage.write().create_deployment(&wanted).await.expect("created");
    assert_eq!(created.configuration.differences(&wanted), [], "what was sent is what is there");
    assert_ne!(created.configuration.created, wanted.created, "the hub says when");
    assert_eq!((created.etag.as_str(), &created.figures), ("MQ==", &Figures::default()));
    assert_eq!(created, read(&stage, &wanted.id).await);
    let listed = stage.hub.read.configurations().await.expect("a list");
    assert!(listed.contains(&Listed::Edge(Box::new(created.clone()))));

    let agent = twin(&format!("{GATEWAY}/$edgeAgent"));
    let before = stage.hub.read.twin(&agent).await.expect("a twin");
    stage.theirs.advance(Duration::from_secs(4));
    let after = stage.hub.read.twin(&agent).await.expect("a twin");
    assert_eq!(after.configurations, [(wanted.id.clone(), ConfigurationStatus::Applied)]);
    assert_eq!(after.desired.version, before.desired.version + 1);
    let applied = wanted.content.desired("$edgeAgent").expect("a section");
    assert_eq!(after.desired.to_value(), *applied);
    assert!(
        stage.hub.read.modules(&device(GATEWAY)).await.expect("modules").iter().any(|m| m.id.as_str() == "watcher")
    );

    stage.theirs.advance(Duration::from_secs(20));
    let figures = read(&stage, &wanted.id).await.figures;
    assert_eq!((figures.targeted, figures.applied), (Some(1), Some(1)));
    assert_eq!((figures.successful, figures.failed), (Some(0), Some(0)), "the device has not answered");
    assert_eq!(figures.custom, BTreeMap::from([("watchers".to_owned(), 1)]));
}

/// Two texts written apart, and found by exact words: ours and the simulated service's.
#[tokio::test]
async fn both_sides_make_the_same_queries() {
    let stage = Stage::set().await;
    for condition in ["*", "", "tags.site = 'b1' OR deviceId = 'x'"] {
        let wanted = Configuration {
            target: TargetCondition::parse(condition).expect("a condition"),
            ..deployment("watch-1", 7)
        };
        stage.write().create_deployment(&wanted).await.expect("created");
        let path = "/configurations/watch-1?api-version=2021-04-12";
        let raw = stage.outside.send(Method::GET, path, &[], &Value::Null).await.body;
        let theirs = raw["systemMetrics"]["queries"].as_object().expect("queries");
        let ours = system_metrics(&wanted.id, &wanted.target).map(|(metric, query)| (metric.name(), query));
        assert_eq!(
            theirs.iter().map(|(n, q)| (n.as_str(), q.as_str().expect("text").to_owned())).collect::<Vec<_>>(),
            ours
        );
        stage.outside.send(Method::DELETE, path, &[], &Value::Null).await;
    }
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_change_and_notices_what_is_not_kept() {
    let stage = Stage::set().await;
    let id = DeploymentId::from_wire("watch-1");
    let path = "/configurations/watch-1?api-version=2021-04-12";
    let mut body = json!({
        "schemaVersion": "2.0",
        "content": deployment("watch-1", 7).content.to_value(),
        "targetCondition": "*",
        "priority": 7,
    });
    stage.outside.send(Method::PUT, path, &[], &body).await;
    let base = read(&stage, &id).await;
    let mut wanted = base.configuration.clone();
    wanted.priority = 8;
    wanted.labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let updated = stage.write().update_deployment(&base, &wanted).await.expect("updated");
    assert_eq!((updated.stored, updated.deployed.etag.as_str()), (Stored::AsSent, "Mg=="));
    let raw = stage.outside.send(Method::GET, path, &[], &Value::Null).await.body;
    assert_eq!(
        (&raw["schemaVersion"], &raw["priority"], &raw["labels"]),
        (&json!("2.0"), &json!(8), &json!({"a": "b"}))
    );

    let stale = stage.write().update_deployment(&base, &wanted).await.expect_err("stale");
    assert_eq!((stale.kind, stale.status), (FaultKind::PreconditionFailed, Some(412)));

    // Why another content is never sent: the hub says 200 and keeps the old one.
    body["content"] = json!({"modulesContent": {"$edgeAgent": {}}});
    let answer = stage.outside.send(Method::PUT, path, &[("If-Match", "*")], &body).await;
    assert_eq!((answer.status, &answer.body["content"]), (200, &raw["content"]));
    let now = read(&stage, &id).await;
    let mut other = now.configuration.clone();
    other.content = manifest(&json!({"$edgeAgent": {}}));
    let refused = stage.write().update_deployment(&now, &other).await.expect_err("not sent");
    assert_eq!((refused.kind, refused.status), (FaultKind::Rejected, None));

    a_minute(&stage);
    let stale = stage.write().delete_configuration(&id, &base.etag).await.expect_err("stale");
    assert_eq!(stale.kind, FaultKind::PreconditionFailed);
    stage.write().delete_configuration(&id, &now.etag).await.expect("deleted");
    for fault in [
        stage.hub.read.configuration(&id).await.expect_err("gone"),
        stage.write().delete_configuration(&id, &now.etag).await.expect_err("gone"),
        stage.write().update_deployment(&now, &now.configuration).await.expect_err("gone"),
    ] {
        assert_eq!((fault.kind, fault.status), (FaultKind::NotFound, Some(404)));
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let stage = Stage::set().await;
    let wanted = deployment("watch-1", 7);
    stage.write().create_deployment(&wanted).await.expect("created");
    let unread = Configuration { target: TargetCondition::from_wire("tags.a IN ['b']"), ..deployment("watch-2", 7) };
    let query = BTreeMap::from([("m".to_owned(), "SELECT".to_owned())]);
    let metrics = Configuration { metrics: query, ..deployment("watch-2", 7) };
    let long =
        manifest(&json!({"$edgeAgent": {"properties.desired.modules.m.settings.createOptions": "x".repeat(5_000)}}));
    for (configuration, kind, code) in [
        (wanted.clone(), FaultKind::AlreadyExists, "ConfigurationAlreadyExists"),
        (unread, FaultKind::Rejected, "InvalidConfigurationTargetCondition"),
        (metrics, FaultKind::Rejected, "InvalidConfigurationCustomMetricsQuery"),
        (Configuration { content: long, ..deployment("watch-2", 7) }, FaultKind::Rejected, "ArgumentInvalid"),
        (deployment("Watch-2", 7), FaultKind::Rejected, "ArgumentInvalid"),
    ] {
        let fault = stage.write().create_deployment(&configuration).await.expect_err("refused");
        assert_eq!((fault.kind.clone(), fault.code.as_ref().map(|code| code.raw())), (kind, Some(code)), "{fault}");
    }
    a_minute(&stage);
    let reader = stage.as_policy("registryRead");
    assert!(reader.read.configurations().await.is_ok());
    let fault = reader.write.expect("not read-only").create_deployment(&wanted).await.expect_err("no right");
    assert_eq!((fault.kind, fault.needs), (FaultKind::Unauthorized, Some(Right::DeploymentWrite)));

    assert!(stage.sim.command("edition free").is_ok());
    for number in 0..10 {
        let body = json!({"content": {"deviceContent": {"properties.desired.x": 1}}});
        stage.outside.send(Method::PUT, &format!("/configurations/d{number}?api-version=2021-04-12"), &[], &body).await;
    }
    let fault = stage.write().create_deployment(&deployment("watch-3", 7)).await.expect_err("no room");
    let code = fault.code.as_ref().map(|code| code.raw());
    assert_eq!((fault.kind.clone(), code), (FaultKind::Rejected, Some("ConfigurationCountLimitExceeded")));
}

#[tokio::test]
async fn conditions_and_metrics_are_tested_without_being_created() {
    let stage = Stage::set().await;
    let metrics = BTreeMap::from([
        ("good".to_owned(), "SELECT deviceId FROM devices".to_owned()),
        ("bad".to_owned(), "SELECT".to_owned()),
    ]);
    let trial =
        stage.hub.read.test_queries(&TargetCondition::from_wire("status = 'x'"), &metrics).await.expect("tested");
    assert!(trial.target.is_some_and(|error| error.raw().contains("It contains: status")));
    assert_eq!(trial.metrics.keys().collect::<Vec<_>>(), ["bad"]);
    let trial = stage.hub.read.test_queries(&TargetCondition::from_wire("*"), &BTreeMap::new()).await.expect("tested");
    assert_eq!((trial.target, trial.metrics.len()), (None, 0), "everyone is a condition of deployments only");
}

#[tokio::test]
async fn a_manifest_reaches_a_device_over_twins_that_were_seen() {
    let stage = Stage::set().await;
    let content = deployment("x", 0).content;
    let tag = |module: &'static str| {
        let (stage, id) = (&stage, twin(&format!("{GATEWAY}/{module}")));
        async move { (ModuleId::from_wire(module), stage.hub.read.twin(&id).await.expect("a twin").etag) }
    };
    let seen = vec![tag("$edgeAgent").await, tag("$edgeHub").await];
    let spent = stage.hub.read.budget().spent_today;
    stage.write().apply_content(&device(GATEWAY), &content, &seen).await.expect("applied");
    assert!(stage.hub.read.budget().spent_today > spent + 2, "looks and the manifest are metered");
    let after = stage.hub.read.twin(&twin(&format!("{GATEWAY}/watcher"))).await.expect("made by the hub");
    assert_eq!(json!(after.desired.values), json!({"interval": 5}));

    let moved = stage.write().apply_content(&device(GATEWAY), &content, &seen).await.expect_err("it has moved");
    assert_eq!((moved.kind.clone(), moved.status), (FaultKind::PreconditionFailed, None), "{moved}");
    let unseen = stage.write().apply_content(&device(GATEWAY), &content, &[]).await.expect_err("not looked at");
    assert_eq!(unseen.kind, FaultKind::Rejected);
    let plain = stage.write().apply_content(&device("sensor-vibration-101"), &content, &[]).await.expect_err("no edge");
    assert_eq!((plain.status, plain.message.raw()), (Some(400), "Not an Azure IoT Edge device"));
    let nobody = stage.write().apply_content(&device("nobody"), &content, &[]).await.expect_err("nobody");
    assert_eq!(nobody.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn deployments_cost_calls_and_no_messages() {
    let stage = Stage::set().await;
    let created = stage.write().create_deployment(&deployment("watch-1", 7)).await.expect("created");
    stage.write().update_deployment(&created, &created.configuration).await.expect("updated");
    stage.hub.read.configurations().await.expect("a list");
    let tag = ETag::from_wire("Mg==");
    stage.write().delete_configuration(&created.configuration.id, &tag).await.expect("deleted");
    let view = stage.hub.read.budget();
    let calls = |class| view.classes.iter().find(|lane| lane.class == class).expect("a class").calls;
    assert_eq!((view.spent_today, calls(OpClass::Configuration)), (0, 5), "an update is read back");
}
