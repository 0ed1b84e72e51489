//! Twins and what is read beside them, as a detail reader would put them on its board.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fleet::ago;
use super::{Gateway, Link, module_twin};
use crate::domain::device::{DeviceIdentity, ModuleIdentity};
use crate::domain::ids::{DeploymentId, DeviceId, ETag, ModuleId, OpId, TwinId};
use crate::domain::limits::SectionKind;
use crate::domain::time::{HubTime, Now};
use crate::domain::twin::{ConfigurationStatus, Section, Twin};
use crate::ops::{Level, TwinWrite, WriteIntent};
use crate::store::{DetailBoard, Fetched};

/// Makes a twin.
#[derive(Debug)]
pub(crate) struct Maker(Twin);

impl Maker {
    /// A twin without properties.
    pub(crate) fn of(id: TwinId) -> Self {
        Self(Twin {
            id,
            etag: ETag::from_wire("AAAAAAAAAAM="),
            version: 12,
            status: "enabled".into(),
            connection_state: "Connected".into(),
            last_activity: None,
            tags: Map::new(),
            desired: Section::default(),
            reported: Section::default(),
            configurations: vec![],
        })
    }

    /// The temperature filter of `edge-gateway-001`, desired and reported as the guide leaves them.
    pub(crate) fn filter() -> Self {
        Self::of(module_twin("edge-gateway-001", "temperatureFilter"))
            .desired(json!({"temperatureThreshold": 25.0, "window": {"seconds": 30, "mode": "mean"}}), 3)
            .reported(
                json!({"temperatureThreshold": 25.0, "window": {"seconds": 30}, "firmware": "1.0.0", "messages": 5321}),
                9,
            )
    }

    /// Sets the desired properties, two hours ago.
    pub(crate) fn desired(mut self, values: Value, version: u64) -> Self {
        self.0.desired = section(values, version, 7_200);
        self
    }

    /// Sets the reported properties, three minutes ago.
    pub(crate) fn reported(mut self, values: Value, version: u64) -> Self {
        self.0.reported = section(values, version, 180);
        self
    }

    /// Sets the tags.
    pub(crate) fn tags(mut self, tags: Value) -> Self {
        self.0.tags = object(tags);
        self
    }

    /// Somebody wrote to it since.
    pub(crate) fn moved(mut self, etag: &str) -> Self {
        self.0.etag = ETag::from_wire(etag);
        self.0.version += 1;
        self.0.desired.version += 1;
        self
    }

    /// The twin.
    pub(crate) fn done(self) -> Twin {
        self.0
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn section(values: Value, version: u64, seconds: u64) -> Section {
    let values = object(values);
    Section { metadata: stamps(&values, &ago(seconds)), values, version }
}

/// `$metadata` as the hub keeps it: a stamp at every place.
fn stamps(values: &Map<String, Value>, at: &str) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("$lastUpdated".into(), at.into());
    for (key, value) in values {
        let inner = value.as_object().map_or_else(|| stamps(&Map::new(), at), |map| stamps(map, at));
        out.insert(key.clone(), Value::Object(inner));
    }
    out
}

/// Everything that is read for the view of `gateway`.
pub(crate) fn details(gateway: &Gateway, now: Now) -> DetailBoard {
    let id = DeviceId::from_wire(gateway.id.as_str());
    let agent_id = TwinId::module(id.clone(), ModuleId::edge_agent());
    let mut agent = Maker::of(agent_id.clone()).desired(gateway.desired(), 8).reported(gateway.reported(), 41).done();
    agent.configurations = object(gateway.configurations())
        .into_iter()
        .map(|(id, entry)| {
            let status = match entry["status"].as_str() {
                Some("Applied") => ConfigurationStatus::Applied,
                Some("Targeted") => ConfigurationStatus::Targeted,
                _ => ConfigurationStatus::Other,
            };
            (DeploymentId::from_wire(id), status)
        })
        .collect();
    let device = Maker::of(TwinId::device(id.clone())).tags(gateway.tags.clone()).done();
    let (state, activity) = match gateway.link {
        Link::Up => ("Connected", HubTime::parse(&ago(30))),
        Link::Down(seconds) => ("Disconnected", HubTime::parse(&ago(seconds))),
        Link::Never => ("Disconnected", Some(HubTime::Never)),
    };
    let identity = DeviceIdentity {
        id: id.clone(),
        etag: ETag::from_wire("NzY1"),
        generation_id: "638000000000000000".into(),
        enabled: gateway.enabled,
        status_reason: None,
        edge: true,
        connection_state: "Disconnected".into(),
        last_activity: None,
        authentication: "sas".into(),
        device_scope: None,
        parent_scopes: vec![],
    };
    let modules = [ModuleIdentity {
        device: id.clone(),
        id: ModuleId::edge_hub(),
        etag: ETag::from_wire("MQ=="),
        managed_by: Some("iotEdge".into()),
        connection_state: state.into(),
        last_activity: activity,
    }];
    let mut board = DetailBoard { generation: 1, ..DetailBoard::default() };
    board.twins.insert(agent_id, read(Arc::new(agent), now));
    board.twins.insert(TwinId::device(id.clone()), read(Arc::new(device), now));
    board.identities.insert(id.clone(), read(Arc::new(identity), now));
    board.modules.insert(id, read(modules.into(), now));
    board
}

fn read<T>(value: T, now: Now) -> Fetched<T> {
    Fetched { value: Some((value, now)), fault: None, asked: None }
}

/// A write of desired properties over `base`, as a console would ask for it.
pub(crate) fn intent(base: &Arc<Twin>, wanted: Value, number: u128, now: Now) -> WriteIntent<TwinWrite> {
    let write = TwinWrite::new(base, SectionKind::Desired, &object(wanted)).unwrap();
    let op = OpId(uuid::Uuid::from_u128(number));
    WriteIntent::new(op, "iothub-production-001.azure-devices.net", write, Level::Dialog, now)
}
