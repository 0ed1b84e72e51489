//! Devices of a large fleet that are in all but name, keys and tags what another one is. They share what their twins hold
//! with it until somebody writes to one of them.

use serde_json::{Map, Value};

use crate::sim::device::renamed;

use super::SimHub;
use super::state::{Authentication, Device, State};

/// A device that is as another one.
#[derive(Debug, Clone)]
pub(in crate::sim) struct EchoSeed {
    pub id: String,
    /// The device it is likened to.
    pub model: String,
    pub tags: Map<String, Value>,
}

impl SimHub {
    /// Registers devices that have been through what others have, as of now.
    pub(in crate::sim) fn echo(&self, seeds: impl Iterator<Item = EchoSeed>) {
        let (mut state, _now) = self.made_up_to_now();
        for seed in seeds {
            state.echo(seed);
        }
    }
}

impl State {
    fn echo(&mut self, EchoSeed { id, model, tags }: EchoSeed) {
        let Some(known) = self.devices.get(&model) else { return };
        let entropy = &mut self.entropy;
        let mut fresh = |authentication: &mut Authentication| {
            if matches!(authentication, Authentication::Sas { .. }) {
                *authentication = Authentication::fresh(entropy);
            }
        };
        let mut device = known.clone();
        fresh(&mut device.identity.authentication);
        device.scope = device.scope.map(|_models| Device::scope_at_creation(&id, device.identity.created));
        device.twin.tags = Some(tags).filter(|tags| !tags.is_empty());
        for (name, module) in &mut device.modules {
            fresh(&mut module.identity.authentication);
            if name == "$edgeHub" {
                module.twin.reported.rename_below("clients", |client| renamed(client, &model, &id));
            }
        }
        self.configurations.echo(&id, &model);
        self.world.echo(&id, &model);
        self.devices.insert(id, device);
    }
}
