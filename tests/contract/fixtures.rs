//! The documents in `tests/fixtures/wire`: the client reads each, and the simulated hub writes documents of the same
//! shape.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use edgedeck::domain::fault::FaultKind;
use edgedeck::domain::ids::{DeploymentId, ModuleId};
use edgedeck::domain::time::ManualClock;
use edgedeck::hub::transport::{HttpReply, HttpRequest, Transport, TransportFailure, header::HeaderMap};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, MethodTimeouts, twin_from_json};
use edgedeck::logs::decode::{self, Failure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, device, twin};

const DEVICE: &str = include_str!("../fixtures/wire/device-edge.json");
const MODULES: &str = include_str!("../fixtures/wire/modules.json");
const TWIN: &str = include_str!("../fixtures/wire/twin-module.json");
const DEPLOYMENT: &str = include_str!("../fixtures/wire/configuration-edge.json");
const CONFIGURATIONS: &str = include_str!("../fixtures/wire/configurations.json");
const LOGS: &str = include_str!("../fixtures/wire/method-logs.json");
const LOGS_TOO_LARGE: &str = include_str!("../fixtures/wire/method-logs-too-large.json");
const UNAUTHORIZED: &str = include_str!("../fixtures/wire/error-a-unauthorized.json");
const OFFLINE: &str = include_str!("../fixtures/wire/error-b-device-offline.json");
const QUOTA: &str = include_str!("../fixtures/wire/error-b-quota.json");
const EXISTS: &str = include_str!("../fixtures/wire/error-c-module-exists.json");

/// A hub that says one thing.
#[derive(Debug)]
struct Canned(u16, &'static str);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        Ok(HttpReply { status: self.0, headers: HeaderMap::new(), body: self.1.as_bytes().to_vec() })
    }
}

fn client(status: u16, body: &'static str) -> Hub {
    let text = "HostName=h.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=a2tr";
    let (endpoint, credential) = ConnectionString::parse(text).expect("a string").into_parts();
    let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().expect("instant"));
    Hub::with_transport(HubSettings::new(endpoint, credential), clock, Arc::new(Canned(status, body)))
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn the_client_reads_each() {
    let read = client(200, DEVICE).read.device(&device("edge-01")).await.expect("a device");
    assert_eq!((read.id.as_str(), read.edge), ("edge-01", true));
    let modules = client(200, MODULES).read.modules(&device("edge-01")).await.expect("modules");
    assert_eq!(modules.len(), json_of(MODULES).as_array().expect("a list").len());
    let read = client(200, TWIN).read.twin(&twin("edge-01/temperatureFilter")).await.expect("a twin");
    assert_eq!(read, twin_from_json(&json_of(TWIN)).expect("a twin"));
    assert_eq!((read.etag.as_str(), read.version), ("AAAAAAAAAAM=", 7));
    let listed = client(200, CONFIGURATIONS).read.configurations().await.expect("configurations");
    assert_eq!(listed.len(), json_of(CONFIGURATIONS).as_array().expect("a list").len());
    let id = DeploymentId::from_wire("base-sites");
    let read = client(200, DEPLOYMENT).read.configuration(&id).await.expect("a deployment");
    assert_eq!((read.id(), read.etag().as_str(), Some(&read)), (&id, "Mw==", listed.first()));
    for (status, body, kind) in [
        (401, UNAUTHORIZED, FaultKind::Unauthorized),
        (404, OFFLINE, FaultKind::DeviceOffline),
        (403, QUOTA, FaultKind::QuotaExceeded),
        (409, EXISTS, FaultKind::AlreadyExists),
    ] {
        let fault = client(status, body).read.twin(&twin("d")).await.expect_err("a refusal");
        assert_eq!((fault.kind.clone(), fault.status), (kind, Some(status)), "{fault}");
        assert!(fault.tracking_id.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn the_client_reads_what_edge_agent_answers() {
    let ask = |body| async move {
        let hub = client(200, body);
        hub.read.module_logs(&device("edge-01"), &json!({}), MethodTimeouts::default()).await.expect("an answer")
    };
    let reply = ask(LOGS).await;
    let mut logs = decode::answer(reply.status, &reply.payload).expect("logs");
    assert_eq!(logs.take(&ModuleId::from_wire("temperatureFilter")).expect("a log").lines(), 3);
    assert_eq!(logs.take(&ModuleId::edge_agent()).expect("a log").lines(), 1);
    let reply = ask(LOGS_TOO_LARGE).await;
    assert_eq!(decode::answer(reply.status, &reply.payload), Err(Failure::TooLarge { bytes: Some(245_681) }));
}

#[tokio::test]
async fn the_simulated_hub_writes_documents_of_the_same_shape() {
    let stage = Stage::set().await;
    let get = |path: &'static str| {
        let outside = &stage.outside;
        async move { outside.send(Method::GET, path, &[], &Value::Null).await.body }
    };
    let device = get("/devices/edge-gateway-001?api-version=2021-04-12").await;
    same_shape("device", &json_of(DEVICE), &device);
    let modules = get("/devices/edge-gateway-001/modules?api-version=2021-04-12").await;
    // The second module of the fixture is of a hub of the future, for the client alone.
    let agent = |modules: &Value| {
        let modules = modules.as_array().expect("a list");
        modules.iter().find(|module| module["moduleId"] == "$edgeAgent").cloned().expect("an agent")
    };
    same_shape("$edgeAgent", &agent(&json_of(MODULES)), &agent(&modules));
    let (mut recorded, mut ours) = (json_of(TWIN), stage.outside.twin("edge-gateway-101/temperatureFilter").await);
    // What is in a twin is the module's; what is around it is the service's.
    for twin in [&mut recorded, &mut ours] {
        for section in ["desired", "reported"] {
            let keys = twin["properties"][section].as_object_mut().expect("a section");
            keys.retain(|key, _| key.starts_with('$'));
            keys["$metadata"].as_object_mut().expect("metadata").retain(|key, _| key.starts_with('$'));
        }
        let twin = twin.as_object_mut().expect("a twin");
        twin.remove("tags");
        twin.remove("configurations");
    }
    same_shape("twin", &recorded, &ours);
}

#[tokio::test]
async fn the_simulated_hub_writes_configurations_of_the_same_shape() {
    let stage = Stage::set().await;
    let recorded = json_of(CONFIGURATIONS);
    let recorded = recorded.as_array().expect("a list");
    for number in [0, 2] {
        let recorded = recorded.get(number).expect("a deployment and a device configuration");
        let path = format!("/configurations/{}?api-version=2021-04-12", recorded["id"].as_str().expect("an id"));
        let put = stage.outside.send(Method::PUT, &path, &[], recorded).await;
        assert_eq!(put.status, 200, "{}", put.body);
        stage.theirs.advance(Duration::from_secs(20));
        let mut ours = stage.outside.send(Method::GET, &path, &[], &Value::Null).await.body;
        same_shape("a configuration", recorded, &ours);
        let mut sent = recorded.clone();
        for document in [&mut ours, &mut sent] {
            for member in ["createdTimeUtc", "lastUpdatedTimeUtc", "etag"] {
                document[member].take();
            }
            document["systemMetrics"]["results"].take();
            document["metrics"]["results"].take();
        }
        assert_eq!(ours.to_string(), sent.to_string(), "member by member, in order");
    }
}

#[tokio::test]
async fn the_simulated_hub_refuses_in_the_same_shapes() {
    let stage = Stage::set().await;
    let stranger = stage.sim.connection_string_of("device").expect("a policy");
    let fault = crate::stage::client(&stage.sim, stranger.expose(), stage.ours.clone());
    assert_eq!(fault.read.twin(&twin("edge-gateway-001")).await.expect_err("no right").kind, FaultKind::Unauthorized);
    let bad =
        stage.outside.send(Method::POST, "/devices/query?api-version=2021-04-12", &[], &json!({"query": "?"})).await;
    same_shape("A", &json_of(UNAUTHORIZED), &bad.body);

    let missing = stage.outside.send(Method::GET, "/twins/nobody?api-version=2021-04-12", &[], &Value::Null).await;
    same_shape("B", &json_of(QUOTA), &missing.body);
    let inner = |body: &Value| json_of(body["Message"].as_str().expect("text"));
    same_shape("B, inside", &inner(&json_of(QUOTA)), &inner(&missing.body));

    let path = "/devices/edge-gateway-001/modules/temperatureFilter?api-version=2021-04-12";
    let body = json!({"deviceId": "edge-gateway-001", "moduleId": "temperatureFilter"});
    let exists = stage.outside.send(Method::PUT, path, &[], &body).await;
    assert_eq!((exists.status, exists.code.as_deref()), (409, Some("ModuleAlreadyExistsOnDevice")));
    same_shape("C", &json_of(EXISTS), &exists.body);
    let path = "/devices/edge-gateway-001?api-version=2021-04-12";
    let exists = stage.outside.send(Method::PUT, path, &[], &json!({"deviceId": "edge-gateway-001"})).await;
    assert_eq!((exists.status, exists.code.as_deref()), (409, Some("DeviceAlreadyExists")));
    same_shape("A", &json_of(UNAUTHORIZED), &exists.body);
}

/// The same members with values of the same types; `null` stands for any, and lists are compared by their first.
fn same_shape(at: &str, recorded: &Value, ours: &Value) {
    match (recorded, ours) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(recorded), Value::Object(ours)) => {
            let names = |map: &serde_json::Map<String, Value>| {
                let mut names: Vec<String> = map.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(names(recorded), names(ours), "members of {at}");
            for (name, value) in recorded {
                same_shape(&format!("{at}.{name}"), value, ours.get(name).expect("the names are the same"));
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            if let (Some(recorded), Some(ours)) = (recorded.first(), ours.first()) {
                same_shape(&format!("{at}[]"), recorded, ours);
            }
        }
        _ => assert_eq!(std::mem::discriminant(recorded), std::mem::discriminant(ours), "{at}: {recorded} and {ours}"),
    }
}
