//! How a scenario puts a world with a past into the hub: identities and twins as a list of writes with dates, so that
//! versions, entity tags and metadata come out as if the writes had been made one by one; and what happened to the
//! machines since, which they live through.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::sim::device::{Access, Condition, MachineSpec, Pull};

use super::SimHub;
use super::configurations::{apply, seeded};
use super::stamp;
use super::state::{Authentication, Device, Identity, Module, State};
use super::twin::{Twin, TwinWrite};
use super::twins;

/// A device with its past.
#[derive(Debug, Clone)]
pub(in crate::sim) struct DeviceSeed {
    pub id: String,
    pub created: Timestamp,
    pub edge: bool,
    /// Whether it may connect.
    pub enabled: bool,
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
    /// Names and texts.
    pub labels: Map<String, Value>,
    /// Names and queries of its author's metrics.
    pub metrics: Map<String, Value>,
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

/// Something that happened, or that is to happen.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Happening {
    pub at: Timestamp,
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(in crate::sim) enum What {
    /// A device was registered.
    Registered(Box<DeviceSeed>),
    /// A deployment was created.
    Deployed(Box<ConfigurationSeed>),
    /// A deployment was deleted.
    Deleted(String),
    /// From then on pulling an image came to this.
    Pulls(String, Pull),
    /// From then on these could pull from a registry.
    Access(String, Access),
    /// Something happened to a device that is registered.
    Device(String, Fate),
}

/// What happened to a device.
#[derive(Debug, Clone)]
pub(in crate::sim) enum Fate {
    /// The runtime was installed on a new machine.
    Provisioned(MachineSpec),
    /// The desired properties of a module were written.
    Desired(String, DesiredSeed),
    /// Somebody set a manifest by hand.
    Applied(Arc<Map<String, Value>>),
    /// Somebody patched the device's twin or a module's.
    Edited(Option<String>, Value),
    /// Something went wrong.
    Afflicted(Condition),
    /// It was put right.
    Relieved(Condition),
    /// The power failed.
    Dark,
    /// The runtime was stopped as one should.
    Stopped,
    /// The runtime was started again, or the power came back.
    Started,
    /// A second machine got the identity.
    Copied,
}

impl What {
    /// Whether deployments may have something to do because of it.
    fn concerns_deployments(&self) -> bool {
        match self {
            Self::Registered(_) | Self::Deployed(_) | Self::Deleted(_) => true,
            Self::Device(_, fate) => matches!(fate, Fate::Applied(_) | Fate::Edited(..) | Fate::Desired(..)),
            Self::Pulls(..) | Self::Access(..) => false,
        }
    }
}

/// What is yet to happen, the next first, and until when deployments have to be looked at on the way there.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    happenings: VecDeque<Happening>,
    restless: Option<Timestamp>,
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
        self.unmade().seed(seed);
    }

    /// Lets things happen one after the other, and the machines live through them up to the present. What is yet to come
    /// happens when its time comes.
    pub(in crate::sim) fn play(&self, happenings: Vec<Happening>) {
        let mut state = self.unmade();
        state.ahead.happenings.extend(happenings);
        state.ahead.happenings.make_contiguous().sort_by_key(|happening| happening.at);
        drop(state);
        drop(self.made_up_to_now());
    }

    /// The world begins at an instant in the past: the hub looks at its deployments from then on, on its usual
    /// beat or another.
    pub(in crate::sim) fn begin(&self, at: Timestamp, beat: Option<Duration>) {
        self.unmade().configurations.begin(at, beat);
    }

    /// Stores the configurations of a world whose devices are there, in the order of their creation, and settles what
    /// they do to twins: nothing, where the twins hold it already.
    pub(in crate::sim) fn deploy(&self, seeds: Vec<ConfigurationSeed>) {
        let now = self.clock.now().wall;
        let mut state = self.unmade();
        for seed in seeds {
            state.store(seed);
        }
        seeded::settle(&mut state, now);
    }
}

impl State {
    /// Lets happen what is due by `now`.
    pub(super) fn happen_due(&mut self, now: Timestamp) {
        while let Some(next) = self.ahead.happenings.pop_front() {
            if next.at > now {
                self.ahead.happenings.push_front(next);
                return;
            }
            // A hub that has nothing new to look at need not be asked at every step through a long past.
            if let Some(until) = self.ahead.restless {
                self.evaluate_due(until.min(next.at));
                if until <= next.at {
                    self.ahead.restless = None;
                }
            }
            if next.what.concerns_deployments() {
                // Beats that came before it have not seen it.
                self.evaluate_due(next.at);
                self.ahead.restless = Some(self.configurations.settled_after(next.at));
            }
            self.advance(next.at);
            self.happen(next);
        }
    }

    fn store(&mut self, seed: ConfigurationSeed) {
        let id = seed.id.clone();
        if let Err(error) = seeded::store(self, seed) {
            tracing::error!(id, error = error.text, "the world's deployment is refused");
        }
    }

    fn seed(&mut self, seed: DeviceSeed) {
        let entropy = &mut self.entropy;
        let identity = Identity::new(Authentication::fresh(entropy), entropy.first_etag(), seed.created);
        let mut device = Device::new(identity);
        if seed.edge {
            device.become_edge(&seed.id, true, seed.created, entropy);
        }
        device.enabled = seed.enabled;
        seed.twin.write_into(&mut device.twin);
        for (id, module_seed) in seed.modules {
            let mut module = device.modules.remove(&id).unwrap_or_else(|| {
                let identity = Identity::new(Authentication::None, entropy.first_etag(), module_seed.created);
                Module::new(identity, Some("iotEdge".to_owned()))
            });
            module_seed.twin.write_into(&mut module.twin);
            device.modules.insert(id, module);
        }
        self.devices.insert(seed.id, device);
    }

    fn happen(&mut self, Happening { at, what }: Happening) {
        match what {
            What::Registered(seed) => self.seed(*seed),
            What::Deployed(seed) => {
                let id = seed.id.clone();
                self.store(*seed);
                seeded::changed(self, &id, at);
            }
            What::Deleted(id) => seeded::delete(self, &id, at),
            What::Pulls(name, pull) => self.world.registry.rule(&name, pull),
            What::Access(host, access) => self.world.registry.restrict(&host, access),
            What::Device(device, fate) => self.befall(&device, fate, at),
        }
    }

    fn befall(&mut self, device: &str, fate: Fate, at: Timestamp) {
        match fate {
            Fate::Provisioned(spec) => self.world(|world, side| world.provision(device, spec, at, side)),
            Fate::Desired(module, write) => {
                let found = self.devices.get_mut(device).and_then(|device| device.modules.get_mut(&module));
                if let Some(found) = found {
                    write.write_into(&mut found.twin);
                    self.desired_changed(device, &module, at);
                }
            }
            Fate::Applied(content) => {
                if let Err(error) = apply::apply(self, device, &content, at) {
                    tracing::warn!(device, error = error.text, "the hub refuses the scenario's manifest");
                }
            }
            Fate::Edited(module, patch) => {
                if let Err(why) = self.edit(device, module.as_deref(), &patch, at) {
                    tracing::warn!(device, why, "the hub refuses the scenario's change of a twin");
                }
            }
            Fate::Afflicted(condition) => {
                self.world(|world, side| world.afflict(device, &condition, true, at, side));
            }
            Fate::Relieved(condition) => {
                self.world(|world, side| world.afflict(device, &condition, false, at, side));
            }
            Fate::Dark => {
                self.world(|world, side| world.stop(device, false, at, side));
            }
            Fate::Stopped => {
                self.world(|world, side| world.stop(device, true, at, side));
            }
            Fate::Started => {
                self.world(|world, side| world.start(device, at, side));
            }
            Fate::Copied => {
                self.world(|world, side| world.copy(device, at, side));
            }
        }
    }

    fn edit(&mut self, device: &str, module: Option<&str>, patch: &Value, at: Timestamp) -> Result<(), String> {
        let twin = twins::find_twin(self, device, module, at).ok_or("there is no such twin")?;
        twin.patch(TwinWrite::of(patch)?, at).map_err(|limit| limit.to_string())?;
        if let Some(module) = module {
            self.desired_changed(device, module, at);
        }
        Ok(())
    }
}
