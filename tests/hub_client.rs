//! The hub client through its public interface, over a transport that plays a small hub: what a caller outside the crate
//! can do, and that nothing unguarded or secret leaves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail as its assertions do")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use edgedeck::domain::fault::FaultKind;
use edgedeck::domain::ids::{DeviceId, ETag, TwinId};
use edgedeck::domain::time::ManualClock;
use edgedeck::hub::transport::{HttpReply, HttpRequest, Method, Transport, TransportFailure, header::HeaderMap};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, OpClass, Sku, twin_from_json};
use serde_json::{Value, json};

const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

/// Device twins with the hub's rule for tags: a quoted tag that matches, or 412. An unquoted one it would ignore.
#[derive(Debug, Default)]
struct SmallHub {
    twins: Mutex<HashMap<String, (u64, Value)>>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl SmallHub {
    fn with(ids: &[&str]) -> Arc<Self> {
        let hub = Self::default();
        for id in ids {
            hub.twins.lock().unwrap().insert((*id).to_owned(), (1, json!({})));
        }
        Arc::new(hub)
    }

    fn twin(id: &str, (number, tags): &(u64, Value)) -> Value {
        json!({"deviceId": id, "etag": format!("tag-{number}"), "version": number + 1, "tags": tags,
            "properties": {"desired": {"$metadata": {}, "$version": 1}, "reported": {"$metadata": {}, "$version": 1}}})
    }

    fn refuse(status: u16, code: &str) -> HttpReply {
        let body = json!({"Message": format!("ErrorCode:{code};no"), "ExceptionMessage": ""});
        Self::answer(status, &body)
    }

    fn answer(status: u16, body: &Value) -> HttpReply {
        HttpReply { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
    }
}

#[async_trait]
impl Transport for SmallHub {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        self.sent.lock().unwrap().push(request.clone());
        let path = request.path_and_query.strip_suffix("?api-version=2021-04-12").unwrap();
        let mut twins = self.twins.lock().unwrap();
        if path == "/devices/query" {
            let rows: Vec<Value> = twins.iter().map(|(id, twin)| Self::twin(id, twin)).collect();
            return Ok(Self::answer(200, &Value::Array(rows)));
        }
        let id = path.strip_prefix("/twins/").unwrap();
        let Some(twin) = twins.get_mut(id) else { return Ok(Self::refuse(404, "DeviceNotFound")) };
        if request.method == Method::PATCH {
            if request.headers["if-match"] != format!("\"tag-{}\"", twin.0) {
                return Ok(Self::refuse(412, "PreconditionFailed"));
            }
            let patch: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
            *twin = (twin.0 + 1, patch["tags"].clone());
        }
        Ok(Self::answer(200, &Self::twin(id, twin)))
    }
}

fn connect(small: &Arc<SmallHub>, change: impl Fn(&mut HubSettings)) -> Hub {
    let text = format!("HostName=small.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey={KEY}");
    let (endpoint, credential) = ConnectionString::parse(&text).unwrap().into_parts();
    let mut settings = HubSettings::new(endpoint, credential);
    change(&mut settings);
    Hub::with_transport(settings, ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap()), small.clone())
}

#[tokio::test]
async fn read_patch_and_lose_the_race() {
    let small = SmallHub::with(&["d1"]);
    let hub = connect(&small, |_| {});
    let id = TwinId::device(DeviceId::parse("d1").unwrap());
    let before = hub.read.twin(&id).await.unwrap();
    let write = hub.write.as_ref().unwrap();
    let after = write.patch_twin(&id, &json!({"tags": {"role": "gateway"}}), &before.etag).await.unwrap();
    assert_eq!((after.tags["role"].as_str(), after.etag.as_str()), (Some("gateway"), "tag-2"));

    let late = write.patch_twin(&id, &json!({"tags": {"role": "other"}}), &before.etag).await.unwrap_err();
    assert_eq!(late.kind, FaultKind::PreconditionFailed);
    assert_eq!(hub.read.twin(&id).await.unwrap(), after, "nothing was written over");
}

#[tokio::test]
async fn rows_are_twins_and_messages_are_counted() {
    let small = SmallHub::with(&["d1", "d2"]);
    let hub = connect(&small, |settings| settings.sku = Sku::F1);
    let rows = hub.read.query("SELECT * FROM devices", None).await.unwrap();
    let mut ids: Vec<String> = rows.iter().map(|row| twin_from_json(row).unwrap().id.shown().into()).collect();
    ids.sort();
    assert_eq!(ids, ["d1", "d2"]);
    let view = hub.read.budget();
    let queries = view.classes.iter().find(|lane| lane.class == OpClass::Query).unwrap();
    assert_eq!((view.spent_today, queries.messages_today, queries.calls), (1, 1, 1));
    assert_eq!(view.allowed_today, 400);
}

#[tokio::test]
async fn nothing_unguarded_and_nothing_secret_leaves() {
    let small = SmallHub::with(&["d1"]);
    let hub = connect(&small, |_| {});
    let id = TwinId::device(DeviceId::parse("d1").unwrap());
    let missing = TwinId::device(DeviceId::parse("nobody").unwrap());
    let fault = hub.read.twin(&missing).await.unwrap_err();
    assert_eq!(fault.to_string(), "could not read the twin of nobody: 404 DeviceNotFound, no");
    let write = hub.write.as_ref().unwrap();
    for tag in ["*", "", "tag-9", "tag-1"] {
        let _refused_or_not = write.patch_twin(&id, &json!({"tags": {}}), &ETag::from_wire(tag)).await;
    }
    let sent = small.sent.lock().unwrap();
    let guards: Vec<_> =
        sent.iter().filter(|request| request.method == Method::PATCH).map(|r| r.headers["if-match"].clone()).collect();
    assert_eq!(guards, ["\"tag-9\"", "\"tag-1\""]);
    let shown = format!("{hub:?} {sent:?}");
    assert!(!shown.contains(KEY) && !shown.contains("sig="), "{shown}");
}

#[tokio::test]
async fn read_only_cannot_write_and_a_resting_budget_says_when() {
    let small = SmallHub::with(&["d1"]);
    let hub = connect(&small, |settings| {
        settings.read_only = true;
        settings.timeouts.patience = Duration::ZERO;
    });
    assert!(hub.write.is_none());
    let mut faults = Vec::new();
    for _ in 0..6 {
        faults.extend(hub.read.query("SELECT deviceId FROM devices", None).await.err());
    }
    assert_eq!(faults.len(), 1, "five at once, then ten a minute");
    assert_eq!(faults[0].kind, FaultKind::Budget);
    assert_eq!(
        faults[0].to_string(),
        "could not run a query: our share of the hub's rate for queries is used up; the next is due in 6 s"
    );
}
