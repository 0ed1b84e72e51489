//! One simulated machine with the IoT Edge runtime: what it is made of, and how it is woken. It sleeps until the next
//! instant at which something happens that a twin would show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::Image;

use super::agent::Agent;
use super::cloud::Cloud;
use super::condition::{Condition, Conditions};
use super::dice::Dice;
use super::engine::Engine;
use super::hub_module::HubModule;
use super::instants::after;
use super::link::Link;
use super::log::LogCaps;
use super::moment::{MachineClock, sooner};
use super::registry::Registry;
use super::runtime::RuntimeVersion;
use super::traffic::Traffic;

/// One instant in a machine's life, and what is around it.
pub(super) struct Moment<'a> {
    /// The world's time.
    pub(super) at: Timestamp,
    pub(super) cloud: &'a mut dyn Cloud,
    pub(super) registry: &'a Registry,
}

/// A machine as it is set up.
#[derive(Debug, Clone)]
pub(in crate::sim) struct MachineSpec {
    /// `x86_64`, `aarch64`.
    pub(in crate::sim) architecture: String,
    /// The version of the daemon: `1.5.21`.
    pub(in crate::sim) runtime: String,
    /// What the daemon starts edgeAgent from before any deployment.
    pub(in crate::sim) agent_image: String,
    /// Devices that are no edge devices and talk through this one.
    pub(in crate::sim) leaves: Vec<String>,
}

impl Default for MachineSpec {
    fn default() -> Self {
        Self {
            architecture: "x86_64".to_owned(),
            runtime: "1.5.21".to_owned(),
            agent_image: "mcr.microsoft.com/azureiotedge-agent:1.5".to_owned(),
            leaves: Vec::new(),
        }
    }
}

/// Whether the runtime is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Power {
    /// It runs.
    On,
    /// It was stopped in order, or its power was cut.
    Off,
}

/// A machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) device: String,
    /// `h.azure-devices.net`, which it was configured with.
    pub(super) iothub: String,
    pub(super) architecture: String,
    pub(super) daemon: RuntimeVersion,
    pub(super) dice: Dice,
    pub(super) conditions: Conditions,
    pub(super) clock: MachineClock,
    pub(super) power: Power,
    pub(super) link: Link,
    pub(super) engine: Engine,
    pub(super) agent: Agent,
    pub(super) hub: HubModule,
    pub(super) traffic: Traffic,
    /// The desired properties each module was told last; edgeHub keeps them for times without a link.
    pub(super) handed: BTreeMap<String, Map<String, Value>>,
}

impl Machine {
    /// A machine on which the runtime was just installed and configured for a device.
    pub(super) fn provision(device: &str, iothub: &str, spec: MachineSpec, seed: u64, moment: &mut Moment<'_>) -> Self {
        let mut dice = Dice::new(seed, device);
        let image = Image::parse(&spec.agent_image).ok();
        let agent = Agent::new(image, after(moment.at, dice.millis(6_000, 11_000)));
        let mut machine = Self {
            device: device.to_owned(),
            iothub: iothub.to_owned(),
            architecture: spec.architecture,
            daemon: RuntimeVersion::new(&spec.runtime),
            conditions: Conditions::default(),
            clock: MachineClock::default(),
            power: Power::On,
            link: Link::new(),
            engine: Engine::default(),
            agent,
            hub: HubModule::new(spec.leaves),
            traffic: Traffic::new(device, LogCaps::default(), moment.at),
            handed: BTreeMap::new(),
            dice,
        };
        machine.relink(moment, false);
        machine
    }

    /// A machine of its own that has been through what this one has, under another name. From here on the two differ.
    pub(super) fn namesake(&self, device: &str, seed: u64) -> Self {
        let mut machine = self.clone();
        machine.dice = Dice::new(seed, device);
        machine.hub.rename(&self.device, device);
        machine.traffic.rename(device);
        device.clone_into(&mut machine.device);
        machine
    }

    /// When it next has something to do.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if self.power == Power::Off {
            return self.link.due();
        }
        let agent = if self.conditions.has(&Condition::AgentHung) { None } else { self.agent.due() };
        let containers = sooner(self.engine.due(), self.traffic.shows_at());
        sooner(sooner(self.link.due(), containers), sooner(self.hub.due(), agent))
    }

    /// Does everything that is due at the moment.
    pub(super) fn wake(&mut self, moment: &mut Moment<'_>) {
        self.link_wake(moment);
        if self.power == Power::Off {
            return;
        }
        self.containers_wake(moment);
        self.hub_wake(moment);
        if !self.conditions.has(&Condition::AgentHung) {
            self.agent_wake(moment);
        }
    }

    /// Something is wrong from now on, or no longer.
    pub(super) fn afflict(&mut self, condition: &Condition, on: bool, moment: &mut Moment<'_>) {
        self.catch_up(moment);
        if on {
            self.conditions.set(condition.clone());
        } else {
            self.conditions.clear(condition);
        }
        self.clock.offset = self.conditions.clock_offset();
        match condition {
            Condition::NetworkOff => {
                self.link.cut_at = on.then(|| self.link.cut_at.unwrap_or(moment.at));
                self.relink(moment, false);
            }
            Condition::ClockWrong(_) => self.relink(moment, false),
            Condition::CertificatesExpired => {
                self.traffic.set_trusted(!on);
                self.take_news(moment);
            }
            Condition::LogBroken { module, fault } => self.traffic.set_log_fault(module, on.then_some(*fault)),
            Condition::DiskFull => self.doom("edgeHub", moment.at),
            Condition::Crashes { module, .. } => self.doom(module, moment.at),
            Condition::Dead { module } => {
                self.traffic.kill(module, "");
                self.ended(module, 0, moment.at, moment);
                self.take_news(moment);
                self.engine.kill(module);
                self.conditions.clear(condition);
            }
            Condition::AgentHung | Condition::Refuses { .. } => {}
        }
        self.agent.poke(moment.at);
    }

    /// Nothing is wrong any more.
    pub(super) fn heal(&mut self, moment: &mut Moment<'_>) {
        for condition in self.conditions.all() {
            self.afflict(&condition, false, moment);
        }
    }

    /// Decides when the run under way is ended from outside.
    fn doom(&mut self, module: &str, at: Timestamp) {
        let ends_at = self.conditions.doom_of(module).map(|(lasts, ..)| after(at, lasts));
        if let Some(run) = self.engine.run_mut(module) {
            run.ends_at = ends_at;
        }
    }

    /// The power fails: nobody writes anything.
    pub(super) fn cut_power(&mut self, moment: &mut Moment<'_>) {
        self.catch_up(moment);
        self.power = Power::Off;
        self.relink(moment, false);
        self.traffic.power_off();
        for name in self.engine.running() {
            self.engine.end(&name, 255, moment.at, self.clock);
        }
        self.hub.down();
        self.agent.down();
    }

    /// The runtime is stopped as one should: edgeAgent says so, stops the modules and ends.
    pub(super) fn stop_in_order(&mut self, moment: &mut Moment<'_>) {
        if self.power == Power::Off {
            return;
        }
        self.agent_shutdown(moment);
        self.power = Power::Off;
        self.relink(moment, true);
        self.hub.down();
        self.agent.down();
    }

    /// The daemon starts again, and edgeAgent with it.
    pub(super) fn start_again(&mut self, moment: &mut Moment<'_>) {
        if self.power == Power::On {
            return;
        }
        self.power = Power::On;
        self.agent.boots_at = Some(after(moment.at, self.dice.millis(4_000, 7_000)));
        self.relink(moment, false);
    }

    /// Another machine took the identity, or gave it back.
    pub(super) fn take_turn(&mut self, its_turn: bool, moment: &mut Moment<'_>) {
        self.link.its_turn = its_turn;
        self.relink(moment, false);
    }
}
