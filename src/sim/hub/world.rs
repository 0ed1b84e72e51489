//! Where the hub and the simulated devices meet: what a machine's runtime does to identities and twins, and what the
//! hub tells the machines.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::sim::device::{Cloud, Condition, MachineSpec, Messages, Registry, Tally, World};

use super::SimHub;
use super::entropy::Entropy;
use super::limits;
use super::state::{Authentication, Device, Identity, Module, State};
use super::temper::{Index, Service};

/// Modules a device can have, the runtime's two included.
const MAX_MODULES: usize = 50;
/// Figures of this age are not brought up to date again.
const FRESH: Duration = Duration::from_secs(2);

/// The hub as the machines see it: everything but the machines themselves.
pub(super) struct Side<'a> {
    devices: &'a mut BTreeMap<String, Device>,
    entropy: &'a mut Entropy,
    service: &'a mut Service,
    index: &'a mut Index,
}

impl Side<'_> {
    fn will_change(&mut self, device: &str, at: Timestamp) {
        self.index.note(device, self.devices.get(device), false, at, self.entropy);
    }

    fn module(&self, device: &str, module: &str) -> Option<&Module> {
        self.devices.get(device)?.modules.get(module)
    }

    fn identity(&mut self, device: &str, module: Option<&str>) -> Option<&mut Identity> {
        let device = self.devices.get_mut(device)?;
        match module {
            None => Some(&mut device.identity),
            Some(module) => device.modules.get_mut(module).map(|module| &mut module.identity),
        }
    }
}

impl Cloud for Side<'_> {
    fn admits(&self, device: &str) -> bool {
        self.devices.get(device).is_some_and(|device| device.enabled && device.edge)
    }

    fn desired(&self, device: &str, module: &str) -> Option<(&Map<String, Value>, u64)> {
        self.module(device, module).map(|module| (module.twin.desired.values.as_ref(), module.twin.desired.version))
    }

    fn reported(&self, device: &str, module: &str) -> Option<(&Map<String, Value>, u64)> {
        self.module(device, module).map(|module| (module.twin.reported.values.as_ref(), module.twin.reported.version))
    }

    fn report(&mut self, device: &str, module: &str, patch: Map<String, Value>, at: Timestamp) -> Result<(), String> {
        self.will_change(device, at);
        let missing = || format!("Module {module} on device {device} is not registered.");
        let owner = self.devices.get_mut(device).ok_or_else(missing)?;
        let found = owner.modules.get_mut(module).ok_or_else(missing)?;
        // A module's activity is its device's too.
        owner.identity.last_activity = Some(at);
        found.identity.last_activity = Some(at);
        self.service.charge(limits::object_size(&patch), at);
        found.twin.report(patch, at).map_err(|limit| format!("403100: {limit}"))
    }

    fn modules(&self, device: &str) -> Vec<String> {
        self.devices.get(device).map(|device| device.modules.keys().cloned().collect()).unwrap_or_default()
    }

    fn adopt(&mut self, device: &str, module: &str, at: Timestamp) -> bool {
        self.will_change(device, at);
        let Some(found) = self.devices.get_mut(device) else { return false };
        let count = found.modules.len();
        match found.modules.get_mut(module) {
            Some(known) if known.identity.authentication == Authentication::None => {
                known.identity.authentication = Authentication::fresh(self.entropy);
                known.identity.etag += 1;
                true
            }
            Some(_) => true,
            None if count >= MAX_MODULES => false,
            None => {
                let identity = Identity::new(Authentication::fresh(self.entropy), self.entropy.first_etag(), at);
                // The runtime's own spelling; the service writes `iotEdge`.
                found.modules.insert(module.to_owned(), Module::new(identity, Some("IotEdge".to_owned())));
                true
            }
        }
    }

    fn dismiss(&mut self, device: &str, module: &str) {
        let Some(found) = self.devices.get_mut(device) else { return };
        let managed = found.modules.get(module).and_then(|module| module.managed_by.as_deref());
        if managed.is_some_and(|by| by.eq_ignore_ascii_case("iotEdge")) {
            found.modules.remove(module);
        }
    }

    fn link(&mut self, device: &str, module: Option<&str>, connected: bool, at: Timestamp) {
        let lag = self.service.temper.links;
        if let Some(identity) = self.identity(device, module) {
            identity.link(connected, lag, at);
        }
    }

    fn heard(&mut self, device: &str, module: Option<&str>, at: Timestamp) {
        if let Some(identity) = self.identity(device, module) {
            identity.last_activity = Some(at);
        }
    }
}

impl State {
    /// Does something with the machines, which do something with the rest.
    pub(super) fn world<T>(&mut self, act: impl FnOnce(&mut World, &mut Side<'_>) -> T) -> T {
        let Self { devices, entropy, service, index, world, .. } = self;
        act(world, &mut Side { devices, entropy, service, index })
    }

    /// Lets the machines live up to `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.world(|world, side| world.advance(now, side));
    }

    /// The desired properties of a module were written.
    pub(super) fn desired_changed(&mut self, device: &str, module: &str, now: Timestamp) {
        let listens = |known: &Device| known.modules.get(module).is_some_and(|module| module.identity.connected);
        if self.device(device).is_some_and(listens) {
            // What was changed is not known here any more; it is seldom more than one block.
            self.service.charge(0, now);
        }
        self.world(|world, side| world.desired_changed(device, module, now, side));
    }

    /// Registers a device, or changes one.
    pub(super) fn put_device(&mut self, id: &str, device: Device, now: Timestamp) {
        self.will_change(id, now);
        self.devices.insert(id.to_owned(), device);
        self.world(|world, side| world.identity_changed(id, now, side));
    }

    /// Takes a device out of the registry.
    pub(super) fn remove_device(&mut self, id: &str, now: Timestamp) {
        self.will_be_deleted(id, now);
        self.devices.remove(id);
        self.world.forget(id);
    }
}

/// Why nothing was done to a device's machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::sim) enum NoMachine {
    /// Nobody is registered by that id.
    #[error("there is no device {0}")]
    Device(String),
    /// The device has no such module.
    #[error("there is no module {module} on {device}")]
    Module {
        /// The device.
        device: String,
        /// What it does not have.
        module: String,
    },
    /// The runtime can be installed for edge devices only.
    #[error("{0} is no edge device")]
    NotEdge(String),
    /// The runtime was not installed.
    #[error("{0} has no machine yet; `:sim provision {0}` installs one")]
    Machine(String),
}

impl SimHub {
    /// Installs the runtime on a new machine for an edge device.
    ///
    /// # Errors
    /// [`NoMachine`] when there is no such device or it is no edge device.
    pub(in crate::sim) fn provision(&self, device: &str, spec: MachineSpec) -> Result<(), NoMachine> {
        let (mut state, now) = self.present();
        match state.device(device) {
            None => Err(NoMachine::Device(device.to_owned())),
            Some(known) if !known.edge => Err(NoMachine::NotEdge(device.to_owned())),
            Some(_) => {
                state.world(|world, side| world.provision(device, spec, now, side));
                Ok(())
            }
        }
    }

    /// Something is wrong with a device's machine from now on, or no longer.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn afflict(&self, device: &str, condition: &Condition, on: bool) -> Result<(), NoMachine> {
        self.with_machine(device, |world, side, now| world.afflict(device, condition, on, now, side))
    }

    /// Stops a device's runtime as one should, or cuts its power.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn stop(&self, device: &str, orderly: bool) -> Result<(), NoMachine> {
        self.with_machine(device, |world, side, now| world.stop(device, orderly, now, side))
    }

    /// Starts a device's runtime again.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn start(&self, device: &str) -> Result<(), NoMachine> {
        self.with_machine(device, |world, side, now| world.start(device, now, side))
    }

    /// Nothing is wrong with a device's machine any more.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn heal(&self, device: &str) -> Result<(), NoMachine> {
        self.with_machine(device, |world, side, now| world.heal(device, now, side))
    }

    /// A second machine gets the identity of a device.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn copy(&self, device: &str) -> Result<(), NoMachine> {
        self.with_machine(device, |world, side, now| world.copy(device, now, side))
    }

    /// What became of the messages of a device's modules.
    ///
    /// # Errors
    /// [`NoMachine`] when the device has none.
    pub(in crate::sim) fn messages(&self, device: &str) -> Result<Messages, NoMachine> {
        let mut found = None;
        self.with_machine(device, |world, side, now| {
            found = world.messages(device, now, side);
            found.is_some()
        })?;
        found.ok_or_else(|| NoMachine::Machine(device.to_owned()))
    }

    /// What became of the messages of all machines. Figures are brought up to date for `patience` of real time, the
    /// oldest first; others are let in between two machines.
    pub(in crate::sim) fn tally(&self, patience: Duration) -> Tally {
        let began = self.real_clock.now();
        loop {
            let (mut state, now) = self.present();
            let more = state.world(|world, side| world.look_at_one(FRESH, now, side));
            if !more || self.real_clock.now().since(began) >= patience {
                return state.world.tally(now);
            }
        }
    }

    /// A twin that exists, for examples: a module's that is not the runtime's where there is one, or else a device's;
    /// nothing on an empty hub.
    pub(in crate::sim) fn some_twin(&self) -> Option<String> {
        let state = self.state();
        let module = |fits: fn(&str) -> bool| {
            state.devices.iter().find_map(|(id, device)| {
                let module = device.modules.keys().find(|name| fits(name))?;
                Some(format!("{id}/{module}"))
            })
        };
        // The tutorial's module comes first: people know what its twin is for.
        let of_modules = module(|name| name == "temperatureFilter").or_else(|| module(|name| !name.starts_with('$')));
        of_modules.or_else(|| state.devices.keys().next().cloned())
    }

    /// Changes where images come from.
    pub(in crate::sim) fn change_registry(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.present().0.world.registry);
    }

    fn with_machine(
        &self,
        device: &str,
        act: impl FnOnce(&mut World, &mut Side<'_>, Timestamp) -> bool,
    ) -> Result<(), NoMachine> {
        let (mut state, now) = self.present();
        if state.world(|world, side| act(world, side, now)) {
            Ok(())
        } else if state.device(device).is_some() {
            Err(NoMachine::Machine(device.to_owned()))
        } else {
            Err(NoMachine::Device(device.to_owned()))
        }
    }
}

#[cfg(test)]
impl SimHub {
    /// Sets a manifest for one device, as `set-modules` would: each module that has a `properties.desired` gets that and
    /// nothing else, and an identity when it has none.
    pub(in crate::sim) fn set_modules(&self, device: &str, manifest: &Value) {
        let (mut state, now) = self.present();
        let modules = manifest["modulesContent"].as_object().unwrap();
        for (module, content) in modules {
            let desired = content["properties.desired"].as_object().unwrap().clone();
            let State { devices, entropy, .. } = &mut *state;
            let known = devices.get_mut(device).unwrap().modules.entry(module.clone());
            let fresh = || {
                let identity = Identity::new(Authentication::None, entropy.first_etag(), now);
                Module::new(identity, Some("iotEdge".to_owned()))
            };
            known.or_insert_with(fresh).twin.set_desired(desired, now);
            state.desired_changed(device, module, now);
        }
    }

    /// Does something with the machines, after they have lived up to now.
    pub(in crate::sim) fn machines<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let (mut state, now) = self.present();
        act(&mut state.world, now)
    }
}
