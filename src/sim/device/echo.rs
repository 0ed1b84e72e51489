//! Devices that are in all but their names what another one is, in fleets too large for a machine each: such a device's
//! machine is made when something happens to it, out of a picture of the other's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::World;
use super::machine::Machine;

/// Devices whose machine is not made yet.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    of_device: BTreeMap<String, Arc<Machine>>,
    /// Machines as they were when devices were likened to them, by the device they belong to.
    pictures: BTreeMap<String, Arc<Machine>>,
}

impl Echoes {
    pub(super) fn has(&self, device: &str) -> bool {
        self.of_device.contains_key(device)
    }

    pub(super) fn count(&self) -> usize {
        self.of_device.len()
    }

    pub(super) fn take(&mut self, device: &str) -> Option<Arc<Machine>> {
        self.of_device.remove(device)
    }
}

impl World {
    /// Likens a new device to one that has a machine. Both must be looked at in the same instant of the world.
    pub(in crate::sim) fn echo(&mut self, device: &str, model: &str) {
        let machine = self.of_device.get(model).and_then(|ids| self.machines.get(ids.first()?));
        let Some(machine) = machine else { return };
        let is_busy = machine.due().is_some();
        let picture = self.echoes.pictures.entry(model.to_owned()).or_insert_with(|| Arc::new(machine.clone()));
        self.echoes.of_device.insert(device.to_owned(), Arc::clone(picture));
        // It would miss what is about to happen.
        if is_busy {
            self.rouse(device);
        }
    }

    /// Makes the machine of a device that has none yet; nothing when it has, or will never have one.
    pub(super) fn rouse(&mut self, device: &str) {
        let Some(picture) = self.echoes.take(device) else { return };
        let machine = picture.namesake(device, self.seed);
        self.queue.set(self.next, machine.due());
        self.machines.insert(self.next, machine);
        self.of_device.insert(device.to_owned(), vec![self.next]);
        self.next += 1;
    }

    /// How many machines there are.
    #[cfg(test)]
    pub(in crate::sim) fn made(&self) -> usize {
        self.machines.len()
    }
}
