//! The default fleet's deployments as the hub holds them: what they contain is what [`super::default`] has long since
//! written into the twins, so that an evaluation finds nothing to do.

use serde_json::{Map, Value, json};

use crate::sim::hub::seed::ConfigurationSeed;

use super::default::{CANARY_INFERENCE, FILTER, INFERENCE, SENSOR};
use super::edge::{agent_desired, desired_module, hub_desired};
use super::{DAY, HOUR, World};

pub(super) const BASE: Deployment = Deployment { id: "deploy-base-sites", created: 41 * DAY };
pub(super) const LAYER: Deployment = Deployment { id: "deploy-ml-gateways", created: 12 * DAY };
pub(super) const CANARY: Deployment = Deployment { id: "deploy-ml-canary", created: 3 * HOUR };

/// A configuration, and how many seconds ago it was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deployment {
    pub(super) id: &'static str,
    pub(super) created: u64,
}

/// The base of both sites, the layer of their gateways, and the canary over one of them.
pub(super) fn deployments(world: &World) -> Vec<ConfigurationSeed> {
    let seed = |deployment: Deployment, priority: u32, target: &str, content: Value| ConfigurationSeed {
        id: deployment.id.to_owned(),
        created: world.ago(deployment.created, 1),
        priority,
        target: target.to_owned(),
        content: json!({ "modulesContent": content }),
        labels: Map::new(),
        metrics: Map::new(),
    };
    let module = format!("properties.desired.modules.{}", INFERENCE.name);
    let (version, image) = (format!("{module}.version"), format!("{module}.settings.image"));
    let whole = |desired: Map<String, Value>| json!({ "properties.desired": desired });
    vec![
        seed(
            BASE,
            10,
            "tags.environment = 'production'",
            json!({
                "$edgeAgent": whole(agent_desired(&[SENSOR, FILTER])),
                "$edgeHub": whole(hub_desired()),
                FILTER.name: {"properties.desired": {"temperatureThreshold": 25.0}},
            }),
        ),
        seed(LAYER, 20, "tags.role = 'gateway'", json!({"$edgeAgent": {module: desired_module(&INFERENCE)}})),
        seed(
            CANARY,
            30,
            "deviceId = 'edge-gateway-203'",
            json!({"$edgeAgent": {version: CANARY_INFERENCE.version, image: CANARY_INFERENCE.image}}),
        ),
    ]
}
