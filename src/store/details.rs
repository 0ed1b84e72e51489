//! Whole twins and identities, for what is on screen only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::device::{DeviceIdentity, ModuleIdentity};
use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::time::Now;
use crate::domain::twin::Twin;

/// Something read from the hub: the last good value with its age, and the last failure. A failure never removes
/// the value, and "not read yet" is not "empty".
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched<T> {
    /// The last good value and when it was read.
    pub value: Option<(T, Now)>,
    /// The failure of the newest attempt, if it failed.
    pub fault: Option<(Fault, Now)>,
    /// When a read that is still open was sent.
    pub asked: Option<Now>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { value: None, fault: None, asked: None }
    }
}

impl<T> Fetched<T> {
    /// The last good value.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, _)| value)
    }

    /// When the last good value was read.
    #[must_use]
    pub fn as_of(&self) -> Option<Now> {
        self.value.as_ref().map(|(_, at)| *at)
    }

    /// A read was sent.
    pub fn ask(&mut self, now: Now) {
        self.asked = Some(now);
    }

    /// A read ended.
    pub fn settle(&mut self, result: Result<T, Fault>, now: Now) {
        self.asked = None;
        match result {
            Ok(value) => {
                self.value = Some((value, now));
                self.fault = None;
            }
            Err(fault) => self.fault = Some((fault, now)),
        }
    }
}

/// Everything read in full, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetailBoard {
    /// Counts changes.
    pub generation: u64,
    /// Twins.
    pub twins: BTreeMap<TwinId, Fetched<Arc<Twin>>>,
    /// Device identities.
    pub identities: BTreeMap<DeviceId, Fetched<Arc<DeviceIdentity>>>,
    /// Module identities of a device.
    pub modules: BTreeMap<DeviceId, Fetched<Arc<[ModuleIdentity]>>>,
}

impl DetailBoard {
    /// The twin's last good value.
    #[must_use]
    pub fn twin(&self, id: &TwinId) -> Option<&Arc<Twin>> {
        self.twins.get(id).and_then(Fetched::get)
    }

    /// Forgets what no screen needs, keeping the `keep` most recently read twins so that going back is instant.
    pub fn prune(&mut self, keep: usize) {
        let mut by_age: Vec<_> =
            self.twins.iter().map(|(id, twin)| (twin.as_of().map(|now| now.mono), id.clone())).collect();
        by_age.sort_by_key(|(read, _)| std::cmp::Reverse(*read));
        for (_, id) in by_age.into_iter().skip(keep) {
            self.twins.remove(&id);
        }
        let devices: Vec<DeviceId> = self.identities.keys().chain(self.modules.keys()).cloned().collect();
        for device in devices {
            if !self.twins.keys().any(|id| id.device == device) {
                self.identities.remove(&device);
                self.modules.remove(&device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::FaultKind;
    use crate::domain::time::{Clock, ManualClock};
    use std::time::Duration;

    #[test]
    fn a_failure_keeps_the_value_and_its_age() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut read = Fetched::default();
        read.ask(clock.now());
        assert!(read.get().is_none() && read.asked.is_some());
        read.settle(Ok(7), clock.now());
        let first = clock.now();
        clock.advance(Duration::from_secs(60));
        read.settle(Err(Fault::new(FaultKind::TimedOut, "read", "no answer")), clock.now());
        assert_eq!((read.get(), read.as_of(), read.asked), (Some(&7), Some(first), None));
        assert!(read.fault.is_some());
        read.settle(Ok(8), clock.now());
        assert_eq!((read.get(), read.fault.is_none()), (Some(&8), true));
    }
}
