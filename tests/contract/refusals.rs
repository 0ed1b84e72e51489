//! Every refusal the client tells apart, as the simulated hub words it.

use std::time::Duration;

use edgedeck::domain::fault::{Fault, FaultKind};
use edgedeck::domain::ids::ETag;
use edgedeck::hub::Hub;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{GATEWAY, Stage, client, device, twin};

const FILTER: &str = "edge-gateway-001/temperatureFilter";

fn told(fault: &Fault) -> (FaultKind, Option<u16>, &str) {
    (fault.kind.clone(), fault.status, fault.code.as_ref().map_or("", |code| code.raw()))
}

/// Sends a patch of desired properties under the present tag.
async fn patch(stage: &Stage, id: &str, desired: Value) -> Fault {
    let tag = stage.hub.read.twin(&twin(id)).await.expect("a twin").etag;
    let body = json!({"properties": {"desired": desired}});
    stage.write().patch_twin(&twin(id), &body, &tag).await.expect_err("refused")
}

#[tokio::test]
async fn another_key_is_401() {
    let stage = Stage::set().await;
    let string = stage.sim.connection_string();
    let (head, _) =
        string.expose().rsplit_once('=').and_then(|(head, _)| head.rsplit_once("SharedAccessKey")).expect("a key");
    let stranger = client(&stage.sim, &format!("{head}SharedAccessKey=c29tZWJvZHkgZWxzZQ=="), stage.ours.clone());
    let fault = stranger.read.twin(&twin(GATEWAY)).await.expect_err("refused");
    assert_eq!(told(&fault), (FaultKind::Unauthorized, Some(401), "IotHubUnauthorizedAccess"));
    assert!(fault.tracking_id.is_some() && fault.request_id.is_some(), "for a support case: {fault:?}");
    assert!(!fault.may_have_happened());
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_401_and_says_so() {
    let stage = Stage::set().await;
    stage.theirs.advance(Duration::from_secs(26 * 3_600));
    let fault = stage.hub.read.twin(&twin(GATEWAY)).await.expect_err("refused");
    assert_eq!(told(&fault), (FaultKind::Unauthorized, Some(401), "IotHubUnauthorizedAccess"));
    assert!(fault.message.raw().contains("clock is 1560 min behind the hub's"), "{fault}");
}

#[tokio::test]
async fn a_policy_without_the_right_is_401() {
    let stage = Stage::set().await;
    let service: Hub = stage.as_policy("service");
    assert!(service.read.twin(&twin(GATEWAY)).await.is_ok(), "ServiceConnect reads twins");
    let fault = service.read.device(&device(GATEWAY)).await.expect_err("refused");
    assert_eq!(told(&fault), (FaultKind::Unauthorized, Some(401), "IotHubUnauthorizedAccess"));
    let registry = stage.as_policy("registryRead");
    assert!(registry.read.device(&device(GATEWAY)).await.is_ok());
    let fault = registry.read.twin(&twin(GATEWAY)).await.expect_err("refused");
    assert_eq!(fault.kind, FaultKind::Unauthorized);
}

#[tokio::test]
async fn what_is_missing_is_404() {
    let stage = Stage::set().await;
    let fault = stage.hub.read.device(&device("nobody")).await.expect_err("missing");
    assert_eq!(told(&fault), (FaultKind::NotFound, Some(404), "DeviceNotFound"));
    for id in ["nobody", "edge-gateway-001/nobody"] {
        let fault = stage.hub.read.twin(&twin(id)).await.expect_err("missing");
        assert_eq!(told(&fault), (FaultKind::NotFound, Some(404), "DeviceNotFound"), "{id}");
        assert!(fault.message.raw().contains("is not registered"), "{fault}");
    }
    // The hub says 401 here; what is meant is looked up.
    let fault = stage.hub.read.modules(&device("nobody")).await.expect_err("missing");
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.doing.raw(), "list the modules of nobody");
    let body = json!({"tags": {"a": 1}});
    let fault = stage.write().patch_twin(&twin("nobody"), &body, &ETag::from_wire("AAAAAAAAAAE=")).await;
    assert_eq!(fault.expect_err("missing").kind, FaultKind::NotFound);
}

#[tokio::test]
async fn an_old_tag_is_412_and_nothing_changes() {
    let stage = Stage::set().await;
    let old = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin").etag;
    let theirs = stage.outside.set_desired(FILTER, json!({"temperatureThreshold": 28.0})).await;
    let body = json!({"properties": {"desired": {"temperatureThreshold": 30.0}}});
    let fault = stage.write().patch_twin(&twin(FILTER), &body, &old).await.expect_err("refused");
    assert_eq!(told(&fault), (FaultKind::PreconditionFailed, Some(412), "PreconditionFailed"));
    assert!(!fault.may_have_happened());
    assert_eq!(stage.outside.twin(FILTER).await, theirs);
}

#[tokio::test]
async fn the_runtimes_own_modules_are_401100() {
    let stage = Stage::set().await;
    for id in ["edge-gateway-001/$edgeAgent", "edge-gateway-001/$edgeHub"] {
        let before = stage.outside.twin(id).await;
        let fault = patch(&stage, id, json!({"a": 1})).await;
        assert_eq!(told(&fault), (FaultKind::SystemModule, Some(401), "SystemModuleModifyUnauthorizedAccess"), "{id}");
        assert_eq!(stage.outside.twin(id).await, before);
    }
}

#[tokio::test]
async fn what_breaks_a_limit_is_400() {
    let stage = Stage::set().await;
    let before = stage.outside.twin(FILTER).await;
    let deep = (0..12).fold(json!(1), |inner, _| json!({ "a": inner }));
    for (what, desired) in [
        ("a dot in a key", json!({"a.b": 1})),
        ("a dollar in a key", json!({"$a": 1})),
        ("a blank in a key", json!({"a b": 1})),
        ("eleven levels", deep),
        ("a string over 4 KB", json!({"a": "x".repeat(4_097)})),
        ("an integer over 2^52", json!({"a": 4_503_599_627_370_497_i64})),
        (
            "32 KB in all",
            json!({"a": "x".repeat(4_000), "b": "x".repeat(4_000), "c": "x".repeat(4_000),
            "d": "x".repeat(4_000), "e": "x".repeat(4_000), "f": "x".repeat(4_000), "g": "x".repeat(4_000),
            "h": "x".repeat(4_000), "i": "x".repeat(4_000)}),
        ),
    ] {
        let fault = patch(&stage, FILTER, desired).await;
        assert_eq!(told(&fault), (FaultKind::Rejected, Some(400), "ArgumentInvalid"), "{what}: {fault}");
        assert_eq!(stage.outside.twin(FILTER).await, before, "{what}");
    }
}

#[tokio::test]
async fn a_query_that_is_none_is_400_and_one_too_long_is_not_sent() {
    let stage = Stage::set().await;
    let fault = stage.hub.read.query("SELECT FROM WHERE", None).await.expect_err("refused");
    assert_eq!(told(&fault), (FaultKind::Rejected, Some(400), "ArgumentInvalid"));
    assert_eq!(fault.message.raw(), "BadRequest", "the service never says why");
    let served = stage.sim.status().served;
    let long = format!("SELECT * FROM devices WHERE deviceId IN ['{}']", "x".repeat(9_000));
    let fault = stage.hub.read.query(&long, None).await.expect_err("refused");
    assert_eq!((fault.kind, fault.status), (FaultKind::Rejected, None));
    assert_eq!(stage.sim.status().served, served);
}

#[tokio::test]
async fn an_unknown_version_of_the_api_is_400_and_an_unknown_path_404() {
    let stage = Stage::set().await;
    for (path, status, code) in [
        ("/devices/edge-gateway-001", 400, "InvalidProtocolVersion"),
        ("/devices/edge-gateway-001?api-version=latest", 400, "InvalidProtocolVersion"),
        ("/nothing/here?api-version=2021-04-12", 404, "GenericNotFound"),
    ] {
        let answer = stage.outside.send(Method::GET, path, &[], &Value::Null).await;
        assert_eq!((answer.status, answer.code.as_deref()), (status, Some(code)), "{path}: {}", answer.body);
    }
}

/// Nothing comes back: a read is a time-out, and a write one whose outcome nobody knows. It is sent once.
#[tokio::test]
async fn silence_is_a_time_out() {
    let stage = Stage::set().await;
    let tag = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin").etag;
    assert!(stage.sim.command("hub off").is_ok());
    let string = stage.sim.connection_string();
    let (endpoint, credential) =
        edgedeck::hub::ConnectionString::parse(string.expose()).expect("a string").into_parts();
    let mut settings = edgedeck::hub::HubSettings::new(endpoint, credential);
    settings.trust = edgedeck::hub::Trust::Only(stage.sim.ca_pem().as_bytes().to_vec());
    settings.timeouts.request = Duration::from_millis(200);
    let hasty = Hub::connect(settings, stage.ours.clone()).expect("a client");
    let body = json!({"properties": {"desired": {"temperatureThreshold": 30.0}}});
    let fault = hasty.write.expect("not read-only").patch_twin(&twin(FILTER), &body, &tag).await.expect_err("silence");
    assert_eq!((fault.kind.clone(), fault.may_have_happened()), (FaultKind::TimedOut, true));
    assert!(stage.sim.command("hub on").is_ok());
    assert_eq!(stage.outside.twin(FILTER).await["etag"], tag.as_str());
}
