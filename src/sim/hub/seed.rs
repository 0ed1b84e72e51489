//! How a scenario puts a world with a past into the hub: identities and twins as a list of writes with dates, so that
//! versions, entity tags and metadata come out as if the writes had been made one by one; and what happened to the
//! machines since, which they live through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::sim::device::{Condition, MachineSpec};

use super::SimHub;
use super::configurations::seeded;
use super::stamp;
use super::state::{Authentication, Device, Identity, Module, State};
use super::twin::Twin;

/// A device with its past.
#[derive(Debug, Clone)]
pub(in crate::sim) struct DeviceSeed {
    pub id: String,
    pub created: Timestamp,
    pub edge: bool,
    pub twin: TwinSeed,
    /// By module id; `$edgeAgent` and `$edgeHub` of an edge device need not be named.
    pub modules: BTreeMap<String, ModuleSeed>,
}

/// A deployment or another configuration with its past: created once, never updated.
#[derive(Debug, Clone)]
pub(in crate::sim) struct ConfigurationSeed {
    pub id: String,
    pub created: Timestamp,
    pub priority: u32,
    pub target: String,
    /// The member `content`.
    pub content: Value,
}

/// A module with its past.
#[derive(Debug, Clone)]
pub(in crate::sim) struct ModuleSeed {
    pub created: Timestamp,
    pub twin: TwinSeed,
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

/// One write to a desired section.
#[derive(Debug, Clone)]
pub(in crate::sim) struct DesiredSeed {
    pub at: Timestamp,
    pub values: Map<String, Value>,
    /// The configuration that wrote it, and when that was created; what it writes is merged. Set-modules by hand has
    /// none and replaces.
    pub by: Option<(String, Timestamp)>,
}

/// Something that happened to a device, once it was registered.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Happening {
    pub at: Timestamp,
    pub device: String,
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(in crate::sim) enum What {
    /// The runtime was installed on a new machine.
    Provisioned(MachineSpec),
    /// The desired properties of a module were written.
    Desired(String, DesiredSeed),
    /// Something went wrong.
    Afflicted(Condition),
    /// The power failed.
    Dark,
}

impl DesiredSeed {
    fn write_into(self, twin: &mut Twin) {
        match self.by {
            Some((id, created)) => twin.configure(self.values, Some((&id, &stamp::ticks(created))), self.at),
            None => twin.set_desired(self.values, self.at),
        }
    }
}

impl TwinSeed {
    fn write_into(self, twin: &mut Twin) {
        if !self.tags.is_empty() {
            twin.tags = Some(self.tags);
            twin.etag += 1;
        }
        for write in self.desired {
            write.write_into(twin);
        }
        for (at, values) in self.reported {
            if let Err(limit) = twin.report(values, at) {
                tracing::warn!(%limit, "the scenario reports more than a twin holds");
            }
        }
        twin.configurations = self.configurations;
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
        seed.twin.write_into(&mut device.twin);
        for (id, module_seed) in seed.modules {
            let mut module = device.modules.remove(&id).unwrap_or_else(|| {
                let identity = Identity::new(Authentication::None, entropy.first_etag(), module_seed.created);
                Module::new(identity, Some("iotEdge".to_owned()))
            });
            module_seed.twin.write_into(&mut module.twin);
            device.modules.insert(id, module);
        }
        state.devices.insert(seed.id, device);
    }

    /// Lets things happen one after the other, and the machines live through them up to the present.
    pub(in crate::sim) fn play(&self, mut happenings: Vec<Happening>) {
        happenings.sort_by_key(|happening| happening.at);
        let mut state = self.state();
        for happening in happenings {
            state.advance(happening.at);
            state.happen(happening);
        }
        drop(state);
        drop(self.present());
    }

    /// Stores the configurations of a world whose devices are there, in the order of their creation, and settles what
    /// they do to twins: nothing, where the twins hold it already.
    pub(in crate::sim) fn deploy(&self, seeds: Vec<ConfigurationSeed>) {
        let now = self.clock.now().wall;
        let mut state = self.state();
        for seed in seeds {
            let id = seed.id.clone();
            if let Err(error) = seeded::store(&mut state, seed) {
                tracing::error!(id, error = error.text, "the world's deployment is refused");
            }
        }
        seeded::settle(&mut state, now);
    }
}

impl State {
    fn happen(&mut self, Happening { at, device, what }: Happening) {
        match what {
            What::Provisioned(spec) => self.world(|world, side| world.provision(&device, spec, at, side)),
            What::Desired(module, write) => {
                let found = self.devices.get_mut(&device).and_then(|device| device.modules.get_mut(&module));
                if let Some(found) = found {
                    write.write_into(&mut found.twin);
                    self.desired_changed(&device, &module, at);
                }
            }
            What::Afflicted(condition) => {
                self.world(|world, side| world.afflict(&device, &condition, true, at, side));
            }
            What::Dark => {
                self.world(|world, side| world.stop(&device, false, at, side));
            }
        }
    }
}
