//! Reads what a change of a deployment does to the fleet: all deployments, ids and tags of the edge devices, and what was
//! given by hand to those that get their first base.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::domain::deployment::{Configuration, Listed, Other, OtherKind};
use crate::domain::effective::{Deployments, Radius, first_based};
use crate::domain::fault::Fault;
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::hub::HubRead;
use crate::ops::look::existing;
use crate::ops::request::Effects;

/// Edge devices whose tags are read, at some messages a hundred; of a larger fleet only the hub can tell.
const MOST_DEVICES: usize = 2_000;
/// Devices whose `$edgeAgent` twins are read, at a message or more each.
const MOST_BY_HAND: usize = 20;

const COUNT: &str = "SELECT COUNT() AS devices FROM devices WHERE capabilities.iotEdge = true";
const TAGS: &str = "SELECT deviceId, tags FROM devices WHERE capabilities.iotEdge = true";

/// What happens to devices when the deployment `subject` becomes `wanted`, or goes. That it could not be worked out keeps
/// nobody from the change; it is said.
pub(super) async fn effects(read: &HubRead, subject: &DeploymentId, wanted: Option<&Configuration>) -> Effects {
    match radius(read, subject, wanted).await {
        Ok(radius) => Effects::Known(Box::new(radius)),
        Err(why) => Effects::Unknown(why),
    }
}

async fn radius(read: &HubRead, subject: &DeploymentId, wanted: Option<&Configuration>) -> Result<Radius, String> {
    let said = |fault: Fault| fault.to_string();
    let mut before = Vec::new();
    let mut unread = Vec::new();
    for listed in read.configurations().await.map_err(said)? {
        match listed {
            Listed::Edge(deployed) => before.push(deployed.configuration),
            Listed::Other(Other { id, kind: OtherKind::Unread(_), .. }) => unread.push(id),
            Listed::Other(_) => {}
        }
    }
    let after = before.iter().filter(|configuration| configuration.id != *subject).chain(wanted).cloned();
    let after = Deployments::new(after.collect::<Vec<_>>());
    let before = Deployments::new(before);
    let devices = devices(read).await?;

    let (mut was, mut is, weighed) = (before.clone(), after.clone(), devices.clone());
    let first = weigh(move || first_based(&mut was, &mut is, &weighed)).await?;
    let mut by_hand = BTreeMap::new();
    if first.len() <= MOST_BY_HAND {
        for device in first {
            let agent = agent(read, &device).await.map_err(said)?;
            by_hand.insert(device, agent);
        }
    }
    let (subject, mut was, mut is) = (subject.clone(), before, after);
    let mut radius = weigh(move || Radius::of(&subject, &mut was, &mut is, &devices, &by_hand)).await?;
    radius.undecided.extend(unread);
    Ok(radius)
}

/// The edge devices as documents with id, tags and capabilities.
async fn devices(read: &HubRead) -> Result<Vec<Value>, String> {
    let said = |fault: Fault| Fault { doing: "list the edge devices".into(), ..fault }.to_string();
    // A large fleet costs one message here, and not the twenty pages it would be given up after.
    let count = read.query(COUNT, Some(1)).await.map_err(said)?;
    let count = count.first().and_then(|row| row.get("devices")).and_then(Value::as_u64).unwrap_or(0);
    if usize::try_from(count).map_or(true, |count| count > MOST_DEVICES) {
        return Err(format!("the hub has {count} edge devices, and this is done for {MOST_DEVICES} at most"));
    }
    let mut rows = read.query(TAGS, Some(MOST_DEVICES)).await.map_err(said)?;
    for row in &mut rows {
        if let Value::Object(row) = row {
            row.insert("capabilities".to_owned(), json!({ "iotEdge": true }));
        }
    }
    Ok(rows)
}

/// What somebody gave a device: the desired properties of its agent. A device without one was given nothing.
async fn agent(read: &HubRead, device: &DeviceId) -> Result<Map<String, Value>, Fault> {
    let id = TwinId::module(device.clone(), ModuleId::edge_agent());
    Ok(existing(read.twin(&id).await)?.map(|twin| twin.desired.values).unwrap_or_default())
}

/// Thousands of devices under a hundred conditions take a moment; nobody's keys wait for it.
async fn weigh<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::domain::deployment::TargetCondition;
    use crate::domain::manifest::Manifest;
    use crate::domain::time::{Clock, ManualClock};
    use crate::hub::transport::header::HeaderMap;
    use crate::hub::transport::{HttpReply, HttpRequest, TransportFailure};
    use crate::hub::{ConnectionString, Hub, HubSettings, Transport};

    /// A hub without deployments, with so many edge devices that somebody set by hand.
    #[derive(Debug)]
    struct ByHand {
        devices: usize,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait::async_trait]
    impl Transport for ByHand {
        async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
            let body = String::from_utf8(request.body.unwrap_or_default().to_vec()).unwrap();
            let path = request.path_and_query;
            let answer = if path.starts_with("/configurations") {
                json!([])
            } else if path.starts_with("/twins/") {
                json!({"deviceId": "gw", "moduleId": "$edgeAgent", "etag": "e", "version": 2, "properties": {
                    "desired": {"modules": {"shell": {}}, "$version": 1}, "reported": {"$version": 1}}})
            } else if body.contains("COUNT()") {
                json!([{"devices": self.devices}])
            } else {
                (0..self.devices).map(|n| json!({"deviceId": format!("gw-{n}"), "tags": {}})).collect()
            };
            self.asked.lock().unwrap().push(format!("{path} {body}"));
            Ok(HttpReply { status: 200, headers: HeaderMap::new(), body: answer.to_string().into_bytes() })
        }
    }

    /// What is known of a first base for such a hub, and what was asked for it.
    async fn first_base(devices: usize) -> (Effects, Vec<String>) {
        let hub = Arc::new(ByHand { devices, asked: Mutex::default() });
        let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap());
        let text = "HostName=h.azure-devices.net;SharedAccessKeyName=p;SharedAccessKey=a2V5";
        let (endpoint, credential) = ConnectionString::parse(text).unwrap().into_parts();
        let mut settings = HubSettings::new(endpoint, credential);
        settings.sku = crate::hub::Sku::S3;
        let wanted = Configuration {
            id: DeploymentId::from_wire("first"),
            priority: 1,
            created: clock.now().wall,
            target: TargetCondition::from_wire("*"),
            content: Arc::new(
                Manifest::read(&json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {}}}}}))
                    .unwrap(),
            ),
            labels: BTreeMap::new(),
            metrics: BTreeMap::new(),
        };
        let read = Hub::with_transport(settings, clock, hub.clone()).read;
        let effects = effects(&read, &wanted.id, Some(&wanted)).await;
        let asked = hub.asked.lock().unwrap().clone();
        (effects, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_devices_set_by_hand_are_looked_into_and_many_are_named() {
        let twins = |asked: &[String]| asked.iter().filter(|asked| asked.starts_with("/twins/")).count();
        let (Effects::Known(radius), asked) = first_base(MOST_BY_HAND).await else { panic!("it is known") };
        assert_eq!((twins(&asked), radius.by_hand.len(), radius.unseen.len()), (MOST_BY_HAND, MOST_BY_HAND, 0));
        assert!(radius.takes_away(), "the shell goes: {radius:?}");
        let (Effects::Known(radius), asked) = first_base(MOST_BY_HAND + 1).await else { panic!("it is known") };
        assert_eq!((twins(&asked), radius.by_hand.len(), radius.unseen.len()), (0, 0, MOST_BY_HAND + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_fleet_costs_one_question_and_is_said_to_be_too_large() {
        let (effects, asked) = first_base(MOST_DEVICES + 1).await;
        let Effects::Unknown(why) = effects else { panic!("{effects:?}") };
        assert_eq!(why, "the hub has 2001 edge devices, and this is done for 2000 at most");
        assert_eq!(asked.iter().filter(|asked| asked.starts_with("/devices/query")).count(), 1, "{asked:?}");
    }
}
