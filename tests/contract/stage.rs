//! The two sides: a simulated hub with the default fleet, and a client that trusts its authority alone. Both clocks
//! stand still until they are moved.

use std::sync::Arc;
use std::time::Duration;

use edgedeck::domain::ids::{DeviceId, ModuleId, TwinId};
use edgedeck::domain::time::ManualClock;
use edgedeck::hub::{ConnectionString, Hub, HubSettings, HubWrite, Sku, Trust};
use edgedeck::sim::{Scenario, Seed, Sim, SimOptions, start};

use crate::outside::Outside;

pub const GATEWAY: &str = "edge-gateway-001";

/// Both sides.
#[derive(Debug)]
pub struct Stage {
    pub sim: Sim,
    pub hub: Hub,
    pub outside: Outside,
    /// The hub's time.
    pub theirs: Arc<ManualClock>,
    /// The client's time.
    pub ours: Arc<ManualClock>,
}

impl Stage {
    pub async fn set() -> Self {
        let now = "2026-03-04T05:06:07Z".parse().expect("instant");
        let (theirs, ours) = (ManualClock::at(now), ManualClock::at(now));
        let options =
            SimOptions { scenario: Scenario::Default, seed: Seed::fixed(5), ..SimOptions::new(theirs.clone()) };
        let sim = start(options).await.expect("a simulated hub");
        let hub = client(&sim, sim.connection_string().expose(), ours.clone());
        Self { outside: Outside::new(&sim), hub, sim, theirs, ours }
    }

    /// The half that writes.
    pub fn write(&self) -> &HubWrite {
        self.hub.write.as_ref().expect("not read-only")
    }

    /// A client with the connection string of another policy.
    pub fn as_policy(&self, policy: &str) -> Hub {
        let secret = self.sim.connection_string_of(policy).expect("a policy");
        client(&self.sim, secret.expose(), self.ours.clone())
    }
}

/// A client that gives up soon: nothing here takes long but what never comes.
pub fn client(sim: &Sim, connection_string: &str, clock: Arc<ManualClock>) -> Hub {
    let (endpoint, credential) = ConnectionString::parse(connection_string).expect("a string").into_parts();
    let mut settings = HubSettings {
        sku: Sku::S3,
        rate_share: 1.0,
        trust: Trust::Only(sim.ca_pem().as_bytes().to_vec()),
        ..HubSettings::new(endpoint, credential)
    };
    settings.timeouts.request = Duration::from_secs(10);
    Hub::connect(settings, clock).expect("a client")
}

pub fn device(id: &str) -> DeviceId {
    DeviceId::from_wire(id)
}

/// A twin's id, written as on screen: `edge-gateway-001/temperatureFilter`.
pub fn twin(id: &str) -> TwinId {
    match id.split_once('/') {
        Some((device, module)) => TwinId::module(DeviceId::from_wire(device), ModuleId::from_wire(module)),
        None => TwinId::device(DeviceId::from_wire(id)),
    }
}
