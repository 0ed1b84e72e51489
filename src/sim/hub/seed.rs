//! How a scenario puts a world with a past into the hub: identities and twins as a list of writes with dates,
//! so that versions, entity tags and metadata come out as if the writes had been made one by one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::SimHub;
use super::stamp;
use super::state::{Authentication, Device, Identity, Module};
use super::twin::Twin;

/// A device with its past.
#[derive(Debug, Clone)]
pub(in crate::sim) struct DeviceSeed {
    pub id: String,
    pub created: Timestamp,
    pub edge: bool,
    pub connection: ConnectionSeed,
    pub twin: TwinSeed,
    /// By module id; `$edgeAgent` and `$edgeHub` of an edge device need not be named.
    pub modules: BTreeMap<String, ModuleSeed>,
}

/// A module with its past.
#[derive(Debug, Clone)]
pub(in crate::sim) struct ModuleSeed {
    pub created: Timestamp,
    pub connection: ConnectionSeed,
    pub twin: TwinSeed,
}

/// What the hub believes about a link.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sim) struct ConnectionSeed {
    pub connected: bool,
    pub since: Option<Timestamp>,
    pub last_activity: Option<Timestamp>,
}

/// The writes a twin has seen, each list in order of time.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct TwinSeed {
    pub tags: Map<String, Value>,
    pub desired: Vec<DesiredSeed>,
    pub reported: Vec<(Timestamp, Map<String, Value>)>,
    /// Configuration id and `Applied` or `Targeted`.
    pub configurations: Vec<(String, String)>,
}

/// One write to a desired section, merged into what is there.
#[derive(Debug, Clone)]
pub(in crate::sim) struct DesiredSeed {
    pub at: Timestamp,
    pub values: Map<String, Value>,
    /// The configuration that wrote it, and when that was created; set-modules by hand has none.
    pub by: Option<(String, Timestamp)>,
}

impl TwinSeed {
    fn write_into(self, twin: &mut Twin) {
        if !self.tags.is_empty() {
            twin.tags = Some(self.tags);
            twin.etag += 1;
        }
        for write in self.desired {
            let by = write.by.map(|(id, created)| (id, stamp::ticks(created)));
            let by = by.as_ref().map(|(id, digest)| (id.as_str(), digest.as_str()));
            match by {
                Some(_) => twin.configure(write.values, by, write.at),
                None => twin.set_desired(write.values, write.at),
            }
        }
        for (at, values) in self.reported {
            if let Err(limit) = twin.report(values, at) {
                tracing::warn!(%limit, "the scenario reports more than a twin holds");
            }
        }
        twin.configurations = self.configurations;
    }
}

impl ConnectionSeed {
    fn write_into(self, identity: &mut Identity) {
        identity.connected = self.connected;
        identity.connection_updated = self.since;
        identity.last_activity = self.last_activity;
    }
}

impl SimHub {
    /// Puts a device and its modules into the registry, over one of the same id.
    pub(in crate::sim) fn seed(&self, seed: DeviceSeed) {
        let mut state = self.state();
        let entropy = &mut state.entropy;
        let identity = Identity::new(Authentication::fresh(entropy), entropy.first_etag(), seed.created);
        let mut device = Device::new(identity);
        if seed.edge {
            device.become_edge(&seed.id, true, seed.created, entropy);
        }
        seed.connection.write_into(&mut device.identity);
        seed.twin.write_into(&mut device.twin);
        for (id, module_seed) in seed.modules {
            let mut module = device.modules.remove(&id).unwrap_or_else(|| {
                let identity = Identity::new(Authentication::None, entropy.first_etag(), module_seed.created);
                Module::new(identity, Some("iotEdge".to_owned()))
            });
            // The runtime has given it keys once it has ever reported or connected.
            if !module_seed.twin.reported.is_empty() || module_seed.connection.last_activity.is_some() {
                module.identity.authentication = Authentication::fresh(entropy);
            }
            module_seed.connection.write_into(&mut module.identity);
            module_seed.twin.write_into(&mut module.twin);
            device.modules.insert(id, module);
        }
        state.devices.insert(seed.id, device);
    }
}
