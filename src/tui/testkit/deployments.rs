//! Deployments as a hub lists them, and the rows behind their figures.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::start;
use crate::domain::deployment::{Configuration, Deployed, Figures, Listed, Other, OtherKind, TargetCondition};
use crate::domain::ids::{DeploymentId, ETag};
use crate::domain::manifest::Manifest;
use crate::domain::time::{HubTime, Now};
use crate::store::{Behind, DeploymentBoard, Extent, Found};

/// Makes a deployment.
#[derive(Debug)]
pub(crate) struct Deploy(Deployed);

fn ago(seconds: u64) -> jiff::Timestamp {
    start().saturating_sub(Duration::from_secs(seconds)).unwrap()
}

fn manifest(content: &Value) -> Arc<Manifest> {
    Arc::new(Manifest::read(&json!({ "modulesContent": content })).unwrap())
}

impl Deploy {
    /// A base for production, created 41 days ago and never changed, that every device took.
    pub(crate) fn base(id: &str, priority: u32) -> Self {
        let created = ago(41 * 86_400);
        Self(Deployed {
            configuration: Configuration {
                id: DeploymentId::from_wire(id),
                priority,
                created,
                target: TargetCondition::from_wire("tags.environment = 'production'"),
                content: manifest(&base_content()),
                labels: Default::default(),
                metrics: Default::default(),
            },
            etag: ETag::from_wire("MQ=="),
            updated: Some(HubTime::At(created)),
            schema_version: Some("1.1".into()),
            figures: Figures::default(),
        })
        .figures(25, 25, 25, 0)
    }

    /// A layer of gateways, created 12 days ago.
    pub(crate) fn layer(id: &str, priority: u32) -> Self {
        let image = "acrproduction001.azurecr.io/ml-inference:2.0.3";
        let module = json!({"version": "2.0.3", "type": "docker", "status": "running", "restartPolicy": "always",
            "env": {"MODEL": {"value": "m"}}, "settings": {"image": image, "createOptions": "{\"HostConfig\":{}}"}});
        Self::base(id, priority)
            .content(&json!({"$edgeAgent": {"properties.desired.modules.mlInference": module}}))
            .target("tags.role = 'gateway'")
            .created(12 * 86_400)
            .figures(21, 21, 21, 0)
    }

    pub(crate) fn content(mut self, content: &Value) -> Self {
        self.0.configuration.content = manifest(content);
        self
    }

    pub(crate) fn target(mut self, condition: &str) -> Self {
        self.0.configuration.target = TargetCondition::from_wire(condition);
        self
    }

    /// Created so many seconds ago, and never changed.
    pub(crate) fn created(mut self, seconds: u64) -> Self {
        self.0.configuration.created = ago(seconds);
        self.0.updated = Some(HubTime::At(ago(seconds)));
        self
    }

    /// The hub's four figures.
    pub(crate) fn figures(mut self, targeted: u64, applied: u64, accepted: u64, rejected: u64) -> Self {
        let figures = &mut self.0.figures;
        (figures.targeted, figures.applied) = (Some(targeted), Some(applied));
        (figures.successful, figures.failed) = (Some(accepted), Some(rejected));
        self
    }

    /// Written so many seconds ago, and not counted since.
    pub(crate) fn not_counted(mut self, seconds: u64) -> Self {
        self.0.updated = Some(HubTime::At(ago(seconds)));
        self.0.figures = Figures::default();
        self
    }

    /// Changes it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Deployed)) -> Self {
        change(&mut self.0);
        self
    }

    /// As the hub lists it.
    pub(crate) fn listed(self) -> Listed {
        Listed::Edge(Box::new(self.0))
    }
}

fn base_content() -> Value {
    let module = |image: &str| {
        json!({"version": "1.0", "type": "docker", "status": "running", "restartPolicy": "always",
            "env": {"TZ": {"value": "UTC"}, "ACR_PASSWORD": {"value": "PLANTED-env"}}, "settings": {"image": image, "createOptions": "{}"}})
    };
    json!({
        "$edgeAgent": {"properties.desired": {
            "schemaVersion": "1.1",
            "runtime": {"type": "docker", "settings": {"registryCredentials": {"acr": {
                "address": "acrproduction001.azurecr.io", "username": "edge-pull", "password": "PLANTED-registry"}}}},
            "systemModules": {
                "edgeAgent": {"type": "docker", "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5"}},
                "edgeHub": module("mcr.microsoft.com/azureiotedge-hub:1.5"),
            },
            "modules": {
                "SimulatedTemperatureSensor": module("mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0"),
                "temperatureFilter": module("acrproduction001.azurecr.io/temperature-filter:1.0.0"),
            },
        }},
        "$edgeHub": {"properties.desired": {
            "routes": {"filterToCloud": "FROM /messages/modules/temperatureFilter/outputs/alertOutput INTO $upstream"},
            "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
        }},
        "temperatureFilter": {"properties.desired": {"temperatureThreshold": 25.0, "apiToken": "PLANTED-token"}},
    })
}

/// A configuration that is no deployment.
pub(crate) fn device_configuration(id: &str) -> Listed {
    Listed::Other(Other {
        id: DeploymentId::from_wire(id),
        etag: ETag::from_wire("MQ=="),
        kind: OtherKind::Device,
        target: "tags.kind = 'thermostat'".into(),
    })
}

/// A hub with one deployment of each standing, and the two devices behind the base's rejections.
pub(crate) fn hub_with_deployments(board: &mut DeploymentBoard, now: Now) {
    let unread = Other {
        id: DeploymentId::from_wire("of-the-future"),
        etag: ETag::from_wire("MQ=="),
        kind: OtherKind::Unread("no content of a kind known here".into()),
        target: "".into(),
    };
    let base = Deploy::base("deploy-base-sites", 10).figures(25, 25, 22, 2).with(|deployed| {
        deployed.configuration.labels.insert("release".into(), "7".into());
        deployed.configuration.labels.insert("apiToken".into(), "PLANTED-label".into());
        let query = "SELECT deviceId FROM devices WHERE tags.temperature = 'hot'";
        deployed.configuration.metrics.insert("hot".into(), query.into());
        deployed.figures.custom.insert("hot".into(), 3);
    });
    let list: Vec<Listed> = vec![
        base.listed(),
        Deploy::base("deploy-before-the-first", 10).created(80 * 86_400).figures(25, 0, 0, 0).listed(),
        Deploy::base("deploy-late", 3).not_counted(900).listed(),
        Deploy::layer("deploy-debug-shell", 5).target("").figures(0, 0, 0, 0).listed(),
        Deploy::layer("deploy-fresh", 40).created(30).not_counted(30).listed(),
        Deploy::layer("deploy-log-level-of-everything-there-is", 25).figures(21, 21, 17, 0).listed(),
        Deploy::layer("deploy-ml-gateways", 20).listed(),
        Listed::Other(unread),
        device_configuration("thermostats"),
    ];
    let rejected = match list.first() {
        Some(Listed::Edge(deployed)) => deployed.metric("rejected").unwrap().query,
        _ => panic!("the base comes first"),
    };
    board.list.settle(Ok(list.into()), now);
    let found = ["edge-gateway-203", "edge-gateway-211"].map(|id| Found::read(&json!({ "deviceId": id })));
    let behind = Behind { found: found.to_vec(), extent: Extent::Whole };
    board.behind.entry(rejected.into()).or_default().settle(Ok(Arc::new(behind)), now);
}
