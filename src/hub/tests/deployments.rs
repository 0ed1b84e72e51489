//! Configurations over a scripted transport: what is sent and under which guard, what a 200 is worth, what it costs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::domain::deployment::{Configuration, Deployed, Listed, Part, TargetCondition};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Manifest;

const BASE: &str = include_str!("../../../tests/fixtures/wire/configuration-edge.json");
const LIST: &str = include_str!("../../../tests/fixtures/wire/configurations.json");

fn id() -> DeploymentId {
    DeploymentId::from_wire("base-sites")
}

async fn base() -> Deployed {
    match Bench::new([ok(BASE)]).hub.read.configuration(&id()).await.unwrap() {
        Listed::Edge(deployed) => *deployed,
        Listed::Other(other) => panic!("{other:?}"),
    }
}

/// The fixture with other members.
fn answer(change: impl Fn(&mut Value)) -> Turn {
    let mut body: Value = serde_json::from_str(BASE).unwrap();
    change(&mut body);
    ok(&body.to_string())
}

fn body_of(bench: &Bench, number: usize) -> Value {
    serde_json::from_slice(bench.script.requests()[number].body.as_deref().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn reads_are_free_and_of_their_class() {
    let bench = Bench::new([ok(LIST), ok(BASE), ok(r#"{"targetConditionError":null,"customMetricQueryErrors":{}}"#)]);
    assert_eq!(bench.hub.read.configurations().await.unwrap().len(), 6);
    assert_eq!(*bench.hub.read.configuration(&id()).await.unwrap().id(), id());
    let metrics = BTreeMap::from([("m".to_owned(), "SELECT deviceId FROM devices".to_owned())]);
    let trial = bench.hub.read.test_queries(&TargetCondition::from_wire("tags.a = 1"), &metrics).await.unwrap();
    assert_eq!(trial, crate::domain::deployment::Trial::default());
    let requests = bench.script.requests();
    let sent: Vec<_> =
        requests.iter().map(|request| (request.method.as_str(), request.path_and_query.as_str())).collect();
    assert_eq!(
        sent,
        [
            ("GET", "/configurations?api-version=2021-04-12"),
            ("GET", "/configurations/base-sites?api-version=2021-04-12"),
            ("POST", "/configurations/testQueries?api-version=2021-04-12"),
        ]
    );
    let view = bench.hub.read.budget();
    let calls = |class| view.classes.iter().find(|lane| lane.class == class).unwrap().calls;
    assert_eq!((calls(OpClass::Configuration), bench.spent()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_creation_carries_no_tag_so_that_it_cannot_overwrite() {
    let bench = Bench::new([ok(BASE), refusal(409, "ConfigurationAlreadyExists"), Turn::Hang]);
    let write = bench.hub.write.as_ref().unwrap();
    let wanted = base().await.configuration;
    let created = write.create_deployment(&wanted).await.unwrap();
    assert_eq!(created.configuration, wanted);
    let request = &bench.script.requests()[0];
    assert_eq!((request.method.as_str(), request.headers.get("if-match")), ("PUT", None));
    assert_eq!(body_of(&bench, 0)["content"], wanted.content.to_value());
    let fault = write.create_deployment(&wanted).await.unwrap_err();
    assert_eq!((fault.kind.clone(), fault.may_have_happened()), (FaultKind::AlreadyExists, false));
    let fault = write.create_deployment(&wanted).await.unwrap_err();
    assert!(fault.may_have_happened() && bench.script.left() == 0, "sent once: {fault:?}");
    assert_eq!(bench.spent(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_update_is_guarded_and_read_back() {
    let read = base().await;
    let mut wanted = read.configuration.clone();
    wanted.priority = 11;
    let written = |body: &mut Value| (body["priority"], body["etag"]) = (json!(11), json!("NA=="));
    type Case = (&'static str, Turn, fn(&Stored) -> bool);
    let cases: [Case; 4] = [
        ("kept", answer(written), |stored| *stored == Stored::AsSent),
        ("not kept", answer(|body| (body["priority"], body["etag"]) = (json!(10), json!("NA=="))), |stored| {
            *stored == Stored::NotKept(vec![Part::Priority])
        }),
        ("written again", answer(|body| (body["priority"], body["etag"]) = (json!(12), json!("NQ=="))), |stored| {
            *stored == Stored::ChangedSince
        }),
        (
            "gone",
            refusal(404, "ConfigurationNotFound"),
            |stored| matches!(stored, Stored::Unread(fault) if fault.kind == FaultKind::NotFound),
        ),
    ];
    for (name, back, holds) in cases {
        let bench = Bench::new([answer(written), back]);
        let updated = bench.hub.write.as_ref().unwrap().update_deployment(&read, &wanted).await.unwrap();
        assert!(holds(&updated.stored), "{name}: {:?}", updated.stored);
        let requests = bench.script.requests();
        assert_eq!(requests[0].headers["if-match"], "\"Mw==\"");
        assert_eq!(requests[1].method, "GET", "{name}");
        let body = body_of(&bench, 0);
        assert_eq!(
            (&body["priority"], &body["schemaVersion"]),
            (&json!(11), &json!("2.0")),
            "what nobody changed goes back"
        );
        assert_eq!(body["metrics"]["queries"], json!(wanted.metrics));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_change_is_not_sent() {
    let bench = Bench::new([]);
    let write = bench.hub.write.as_ref().unwrap();
    let read = base().await;
    let with = |change: fn(&mut Configuration)| {
        let mut wanted = read.configuration.clone();
        change(&mut wanted);
        wanted
    };
    let manifest = |content: Value| Arc::new(Manifest::read(&json!({ "modulesContent": content })).unwrap());
    let mut other_content = read.configuration.clone();
    other_content.content = manifest(json!({"$edgeAgent": {}}));
    let many_metrics = with(|wanted| wanted.metrics = (0..6).map(|n| (n.to_string(), String::new())).collect());
    for (wanted, part) in [
        (with(|wanted| wanted.id = DeploymentId::from_wire("another")), "the id of a deployment never changes"),
        (other_content, "the content of a deployment never changes"),
        (many_metrics, "6 metrics"),
    ] {
        let fault = write.update_deployment(&read, &wanted).await.unwrap_err();
        assert!(fault.kind == FaultKind::Rejected && fault.message.raw().contains(part), "{fault}");
    }
    let mut no_agent = read.configuration.clone();
    no_agent.content = manifest(json!({"m": {"properties.desired": {}}}));
    assert!(write.create_deployment(&no_agent).await.unwrap_err().message.raw().contains("no $edgeAgent"));
    let untagged = Deployed { etag: ETag::from_wire(""), ..read.clone() };
    for fault in [
        write.update_deployment(&untagged, &read.configuration).await.unwrap_err(),
        write.delete_configuration(&id(), &ETag::from_wire("*")).await.unwrap_err(),
    ] {
        assert!(fault.message.raw().starts_with("without the tag"), "{fault}");
    }
    assert!(bench.script.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_guarded() {
    let bench = Bench::new([
        reply(204, &[], ""),
        refusal(412, "PreconditionFailed"),
        refusal(401, "IotHubUnauthorizedAccess"),
        refusal(401, "IotHubUnauthorizedAccess"),
    ]);
    let write = bench.hub.write.as_ref().unwrap();
    let tag = ETag::from_wire("Mw==");
    write.delete_configuration(&id(), &tag).await.unwrap();
    let request = &bench.script.requests()[0];
    assert_eq!((request.method.as_str(), &request.headers["if-match"]), ("DELETE", &"\"Mw==\"".parse().unwrap()));
    assert!(request.body.is_none());
    assert_eq!(write.delete_configuration(&id(), &tag).await.unwrap_err().kind, FaultKind::PreconditionFailed);
    let fault = write.delete_configuration(&id(), &tag).await.unwrap_err();
    assert_eq!(fault.needs, Some(Right::DeploymentWrite));
    assert_eq!(bench.spent(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_is_sent_only_over_twins_that_were_seen() {
    let manifest = Manifest::read(&json!({"modulesContent": {
        "$edgeAgent": {"properties.desired": {"modules": {}}}, "$edgeHub": {}, "temperatureFilter": {"properties.desired.x": 1}}}))
    .unwrap();
    let (agent, filter) = (ModuleId::edge_agent(), ModuleId::from_wire("temperatureFilter"));
    let tag = ETag::from_wire("AAAAAAAAAAM=");
    let both = [(agent.clone(), tag.clone()), (filter.clone(), tag.clone())];
    let apply = |bench: &Bench, seen: Vec<(ModuleId, ETag)>| {
        let (write, manifest) = (bench.hub.write.clone().unwrap(), manifest.clone());
        async move { write.apply_content(&edge(), &manifest, &seen).await }
    };

    let bench = Bench::new([ok(TWIN), ok(TWIN), reply(204, &[], "")]);
    apply(&bench, both.to_vec()).await.unwrap();
    let request = &bench.script.requests()[2];
    assert_eq!(request.path_and_query, "/devices/edge-01/applyConfigurationContent?api-version=2021-04-12");
    assert_eq!((request.method.as_str(), body_of(&bench, 2)), ("POST", manifest.to_value()));
    assert_eq!(bench.spent(), 3, "two reads, one block of manifest; the modules that get nothing are not read");

    let bench = Bench::new([ok(TWIN), refusal(404, "DeviceNotFound"), reply(204, &[], "")]);
    apply(&bench, vec![(agent.clone(), tag.clone())]).await.unwrap();

    for (name, turns, seen, kind) in [
        (
            "moved",
            vec![ok(TWIN)],
            vec![(agent.clone(), ETag::from_wire("AAAAAAAAAAI=")), both[1].clone()],
            FaultKind::PreconditionFailed,
        ),
        ("gone", vec![ok(TWIN), refusal(404, "DeviceNotFound")], both.to_vec(), FaultKind::PreconditionFailed),
        ("never seen", vec![ok(TWIN), ok(TWIN)], vec![both[1].clone()], FaultKind::Rejected),
        ("not looked at", vec![refusal(403, "IotHubQuotaExceeded")], both.to_vec(), FaultKind::QuotaExceeded),
    ] {
        let bench = Bench::new(turns);
        let fault = apply(&bench, seen).await.unwrap_err();
        assert_eq!((fault.kind.clone(), fault.may_have_happened()), (kind, false), "{name}: {fault}");
        assert!(fault.to_string().starts_with("could not apply a manifest to edge-01: "), "{fault}");
        assert!(bench.script.requests().iter().all(|request| request.method == "GET"), "{name}");
        assert_eq!(bench.script.left(), 0, "{name}");
    }
}
