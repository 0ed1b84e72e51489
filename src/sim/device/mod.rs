//! The simulated IoT Edge devices: machines with the runtime on them, each living by itself and meeting the hub through
//! [`Cloud`].
//!
//! Time is a queue of wake-ups. Whoever holds the [`World`] advances it before looking at it; a machine is woken when
//! something happens that a twin would show, and a steady one sleeps. What its modules merely send and log is brought up to
//! date when somebody looks.
//!
//! `machine` is one machine, `link` its link to the hub, `engine` its containers as the engine knows them, `containers`
//! what happens in them, `agent` edgeAgent, `hub_module` edgeHub's twin, `method` direct methods, `registry` where images
//! come from, `condition` what is wrong. What runs inside containers is `program`, what it wrote `log`, where its
//! messages go `edge_hub`, and `traffic` turns the clock for the three of them; `tally` counts over all machines.

mod agent;
mod cloud;
mod condition;
mod containers;
mod dice;
mod echo;
mod edge_hub;
mod engine;
mod hub_module;
mod instants;
mod link;
mod log;
mod machine;
mod method;
mod moment;
mod patch;
mod program;
mod queue;
mod registry;
mod runtime;
mod tally;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

pub(in crate::sim) use cloud::Cloud;
pub(in crate::sim) use condition::{Condition, Operation};
pub use edge_hub::Counts;
pub(in crate::sim) use log::LogFault;
pub(in crate::sim) use machine::MachineSpec;
pub(in crate::sim) use method::MethodOutcome;
pub(in crate::sim) use registry::{Access, Pull, Registry};
pub use tally::{Dark, Tally};

use dice::Dice;
use echo::Echoes;
pub(in crate::sim) use hub_module::renamed;
use instants::after;
use machine::{Machine, Moment};
use queue::Queue;

/// What became of a device's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct Messages {
    /// All of them.
    pub(in crate::sim) counts: edge_hub::Counts,
    /// By endpoint and priority.
    pub(in crate::sim) queues: Vec<edge_hub::EndpointState>,
}

/// Machines that have the same identity: the hub lets in one, and pushes out the other.
#[derive(Debug)]
struct Rivalry {
    device: String,
    /// Whose turn it is.
    holder: usize,
    dice: Dice,
}

/// All machines.
#[derive(Debug)]
pub(in crate::sim) struct World {
    seed: u64,
    /// `h.azure-devices.net`.
    iothub: String,
    machines: BTreeMap<u32, Machine>,
    /// The machines of a device; more than one when its identity was copied.
    of_device: BTreeMap<String, Vec<u32>>,
    /// Devices whose machine is made when something happens to it.
    echoes: Echoes,
    next: u32,
    queue: Queue,
    /// Where images come from.
    pub(in crate::sim) registry: Registry,
    /// Devices whose identity several machines have, by the number they have in the queue.
    rivalries: BTreeMap<u32, Rivalry>,
    /// How often a machine was woken.
    woken: u64,
}

/// How long one of several machines with the same identity keeps the link before the next takes it.
const TURN: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(40));
/// A machine that wants to be woken again at the instant it was woken would hold up the world.
const STEP: Duration = Duration::from_micros(100);

impl World {
    /// No machines yet. `iothub` is the hub's host name, as machines are configured with it.
    pub(in crate::sim) fn new(iothub: &str, seed: u64) -> Self {
        Self {
            seed,
            iothub: iothub.to_owned(),
            machines: BTreeMap::new(),
            of_device: BTreeMap::new(),
            echoes: Echoes::default(),
            next: 0,
            queue: Queue::default(),
            registry: Registry::new(),
            rivalries: BTreeMap::new(),
            woken: 0,
        }
    }

    /// Lets everything happen that happens up to `now`.
    pub(in crate::sim) fn advance(&mut self, now: Timestamp, cloud: &mut dyn Cloud) {
        while let Some((at, id)) = self.queue.next(now) {
            self.woken += 1;
            if self.rivalries.contains_key(&id) {
                self.next_turn(id, at, cloud);
            } else {
                self.with(id, at, cloud, Machine::wake);
            }
        }
    }

    /// Does something with a machine, and sees to its next wake-up.
    fn with<T>(
        &mut self,
        id: u32,
        at: Timestamp,
        cloud: &mut dyn Cloud,
        act: impl FnOnce(&mut Machine, &mut Moment<'_>) -> T,
    ) -> Option<T> {
        let machine = self.machines.get_mut(&id)?;
        let result = act(machine, &mut Moment { at, cloud, registry: &self.registry });
        let due = machine.due().map(|due| due.max(after(at, STEP)));
        self.queue.set(id, due);
        Some(result)
    }

    /// Does something with every machine of a device; says whether there are any.
    fn with_all(
        &mut self,
        device: &str,
        at: Timestamp,
        cloud: &mut dyn Cloud,
        mut act: impl FnMut(&mut Machine, &mut Moment<'_>),
    ) -> bool {
        self.rouse(device);
        let ids = self.of_device.get(device).cloned().unwrap_or_default();
        for id in &ids {
            self.with(*id, at, cloud, &mut act);
        }
        !ids.is_empty()
    }

    /// Installs the runtime on a new machine and configures it for a device. A machine the device had is gone.
    pub(in crate::sim) fn provision(&mut self, device: &str, spec: MachineSpec, at: Timestamp, cloud: &mut dyn Cloud) {
        self.forget(device);
        let mut moment = Moment { at, cloud, registry: &self.registry };
        let machine = Machine::provision(device, &self.iothub, spec, self.seed, &mut moment);
        self.queue.set(self.next, machine.due());
        self.machines.insert(self.next, machine);
        self.of_device.insert(device.to_owned(), vec![self.next]);
        self.next += 1;
    }

    /// Whether a device has a machine.
    pub(in crate::sim) fn is_provisioned(&self, device: &str) -> bool {
        self.of_device.contains_key(device) || self.echoes.has(device)
    }

    /// The device is gone from the hub, and nobody will ever hear of its machines again.
    pub(in crate::sim) fn forget(&mut self, device: &str) {
        self.echoes.take(device);
        for id in self.of_device.remove(device).unwrap_or_default() {
            self.machines.remove(&id);
            self.queue.set(id, None);
        }
        let over: Vec<u32> = self.rivalries.iter().filter(|(_, r)| r.device == device).map(|(id, _)| *id).collect();
        for id in over {
            self.rivalries.remove(&id);
            self.queue.set(id, None);
        }
    }

    /// A second machine is made from the disk of a device's first; says whether the device has a machine.
    pub(in crate::sim) fn copy(&mut self, device: &str, at: Timestamp, cloud: &mut dyn Cloud) -> bool {
        if !self.is_provisioned(device) {
            return false;
        }
        self.rouse(device);
        let (id, rivalry) = (self.next, self.next + 1);
        self.next += 2;
        let seed = self.seed.wrapping_add(u64::from(id));
        let mut moment = Moment { at, cloud, registry: &self.registry };
        let mut machine = Machine::provision(device, &self.iothub, MachineSpec::default(), seed, &mut moment);
        machine.take_turn(false, &mut moment);
        self.queue.set(id, machine.due());
        self.machines.insert(id, machine);
        self.of_device.entry(device.to_owned()).or_default().push(id);
        if !self.rivalries.values().any(|known| known.device == device) {
            let dice = Dice::new(seed, device);
            self.rivalries.insert(rivalry, Rivalry { device: device.to_owned(), holder: 0, dice });
            self.queue.set(rivalry, Some(after(at, STEP)));
        }
        true
    }

    /// The next of several machines with one identity pushes the others out.
    fn next_turn(&mut self, rivalry: u32, at: Timestamp, cloud: &mut dyn Cloud) {
        let Some(Rivalry { device, holder, dice }) = self.rivalries.get_mut(&rivalry) else { return };
        let ids = self.of_device.get(device).cloned().unwrap_or_default();
        *holder = (*holder + 1) % ids.len().max(1);
        let (holder, lasts) = (*holder, dice.within(TURN.0, TURN.1));
        for (index, id) in ids.into_iter().enumerate() {
            self.with(id, at, cloud, |machine, moment| machine.take_turn(index == holder, moment));
        }
        self.queue.set(rivalry, Some(after(at, lasts)));
    }

    /// The desired properties of a module changed.
    pub(in crate::sim) fn desired_changed(&mut self, device: &str, module: &str, at: Timestamp, cloud: &mut dyn Cloud) {
        self.with_all(device, at, cloud, |machine, moment| match module {
            agent::MODULE => machine.agent_notified(moment),
            module => machine.twin_changed(module, moment),
        });
    }

    /// A device identity changed: it may have been enabled or disabled.
    pub(in crate::sim) fn identity_changed(&mut self, device: &str, at: Timestamp, cloud: &mut dyn Cloud) {
        self.with_all(device, at, cloud, |machine, moment| machine.relink(moment, true));
    }

    /// Something is wrong with a device from now on, or no longer; says whether the device has a machine.
    pub(in crate::sim) fn afflict(
        &mut self,
        device: &str,
        condition: &Condition,
        on: bool,
        at: Timestamp,
        cloud: &mut dyn Cloud,
    ) -> bool {
        self.with_all(device, at, cloud, |machine, moment| machine.afflict(condition, on, moment))
    }

    /// Nothing is wrong with a device any more; says whether the device has a machine.
    pub(in crate::sim) fn heal(&mut self, device: &str, at: Timestamp, cloud: &mut dyn Cloud) -> bool {
        self.with_all(device, at, cloud, Machine::heal)
    }

    /// What became of the messages of a device's modules, up to now; nothing when the device has no machine.
    pub(in crate::sim) fn messages(&mut self, device: &str, at: Timestamp, cloud: &mut dyn Cloud) -> Option<Messages> {
        let mut found = None;
        self.with_all(device, at, cloud, |machine, moment| {
            machine.catch_up(moment);
            let (counts, queues) = (machine.traffic.counts(), machine.traffic.endpoints());
            found.get_or_insert(Messages { counts, queues });
        });
        found
    }

    /// Stops the runtime as one should, or cuts the power; says whether the device has a machine.
    pub(in crate::sim) fn stop(&mut self, device: &str, orderly: bool, at: Timestamp, cloud: &mut dyn Cloud) -> bool {
        self.with_all(device, at, cloud, |machine, moment| {
            if orderly { machine.stop_in_order(moment) } else { machine.cut_power(moment) }
        })
    }

    /// Starts the runtime again; says whether the device has a machine.
    pub(in crate::sim) fn start(&mut self, device: &str, at: Timestamp, cloud: &mut dyn Cloud) -> bool {
        self.with_all(device, at, cloud, Machine::start_again)
    }
}
