//! What edgeAgent's steps come to on the machine: how long each takes, whether it succeeds, and what is different
//! afterwards.

use std::time::Duration;

use crate::domain::manifest::{AgentConfig, ModuleSpec};
use crate::sim::device::condition::{Condition, Operation};
use crate::sim::device::instants::after;
use crate::sim::device::machine::{Machine, Moment};
use crate::sim::device::program::agent as lines;
use crate::sim::device::registry::Pull;

use super::failure::Failure;
use super::plan::Step;

/// A step begun: how long it takes, and how it will end.
type Begun = (Duration, Result<(), Failure>);

/// The code of a program that had to be killed.
const KILLED: i64 = 137;
/// How long the engine waits before it does that.
const PATIENCE: Duration = Duration::from_secs(10);

const REFUSED: Failure = Failure::Refused("the container engine refused");

impl Machine {
    /// Begins a step.
    pub(super) fn begin_step(&mut self, step: &Step, config: &AgentConfig, moment: &mut Moment<'_>) -> Begun {
        match step {
            Step::Pull(spec) => self.begin_pull(spec, config, moment),
            Step::Create(spec) | Step::Update(spec) => {
                let lasts = self.dice.millis(300, 900);
                let there = self.engine.held.contains(spec.image.as_str());
                let refused = self.conditions.refuses(&spec.name, Operation::Create) || !there;
                (lasts, if refused { Err(REFUSED) } else { Ok(()) })
            }
            Step::ReplaceAgent(_) => (self.dice.millis(300, 900), Ok(())),
            Step::Start(name) => {
                let lasts = self.dice.millis(300, 900);
                let refused = self.conditions.refuses(name, Operation::Start) || self.engine.get(name).is_none();
                (lasts, if refused { Err(REFUSED) } else { Ok(()) })
            }
            Step::Stop(name) => {
                if self.conditions.refuses(name, Operation::Stop) || self.engine.get(name).is_none() {
                    return (self.dice.millis(50, 200), Err(REFUSED));
                }
                if !self.engine.is_running(name) {
                    return (Duration::from_millis(50), Ok(()));
                }
                let code = self.stop_program(name, moment);
                if let Some(run) = self.engine.run_mut(name) {
                    (run.ends_at, run.stops_with) = (None, code);
                }
                // Who does not listen to the signal is killed in the end.
                let lasts = if code == KILLED { PATIENCE } else { self.dice.millis(700, 1_600) };
                (lasts, Ok(()))
            }
            Step::Remove(_) => (self.dice.millis(200, 400), Ok(())),
            Step::Count(_) | Step::Forget(_) => (Duration::ZERO, Ok(())),
        }
    }

    fn begin_pull(&mut self, spec: &ModuleSpec, config: &AgentConfig, moment: &Moment<'_>) -> Begun {
        let (quick, patience) = (self.dice.millis(400, 1_500), self.agent_settings().patience);
        if self.conditions.has(&Condition::NetworkOff) {
            return (quick, Err(Failure::Refused("dial tcp: lookup of the registry: no such host")));
        }
        if self.conditions.has(&Condition::DiskFull) {
            return (quick, Err(Failure::Refused("write: no space left on device")));
        }
        let image = spec.image.as_str();
        match moment.registry.pull(&spec.image, config.runtime.credential_for(&spec.image)) {
            Pull::Unauthorized => (quick, Err(Failure::Refused("unauthorized: authentication required"))),
            Pull::NotFound => (quick, Err(Failure::Refused("manifest unknown: manifest tagged by this is not found"))),
            Pull::Hangs => (patience, Err(Failure::GivenUp)),
            Pull::Ready(_) if self.engine.held.contains(image) => (quick, Ok(())),
            Pull::Ready(whole) => {
                let fetched = self.engine.fetched.entry(image.to_owned()).or_default();
                let left = whole.saturating_sub(*fetched);
                if left > patience {
                    *fetched += patience;
                    (patience, Err(Failure::GivenUp))
                } else {
                    (left.max(quick), Ok(()))
                }
            }
        }
    }

    /// A step's time is over, and it went well so far.
    pub(super) fn take_effect(&mut self, step: &Step, moment: &mut Moment<'_>) -> Result<(), Failure> {
        match step {
            Step::Pull(_) if self.conditions.has(&Condition::NetworkOff) => {
                return Err(Failure::Refused("read: connection reset by peer"));
            }
            Step::Pull(spec) => {
                self.engine.fetched.remove(spec.image.as_str());
                self.engine.held.insert(spec.image.as_str().to_owned());
            }
            Step::Create(spec) | Step::Update(spec) => {
                self.catch_up(moment);
                self.create_container(spec.as_ref().clone());
            }
            Step::ReplaceAgent(spec) => self.replace_agent(spec, moment),
            Step::Start(name) if self.engine.is_running(name) => {}
            Step::Start(name) => self.start_container(name, moment),
            Step::Stop(name) => {
                let code = self.engine.run_mut(name).map_or(0, |run| run.stops_with);
                self.ended(name, code, moment.at, moment);
            }
            Step::Remove(name) => {
                self.catch_up(moment);
                self.remove_container(name);
            }
            Step::Count(name) => self.count_restart(name, moment.at),
            Step::Forget(name) => {
                if self.engine.is_running(name) {
                    let care = self.agent_settings().care;
                    self.says(&lines::restarts_forgotten(name, care), moment.at);
                }
                self.forget_restarts(name);
            }
        }
        Ok(())
    }

    /// edgeAgent ends in order, and the daemon makes a new one of it.
    fn replace_agent(&mut self, spec: &ModuleSpec, moment: &mut Moment<'_>) {
        self.agent_shutdown(moment);
        self.create_container(spec.clone());
        self.agent.boots_at = Some(after(moment.at, self.dice.millis(4_000, 7_000)));
    }

    /// edgeAgent's container is restarted: it ends in order and comes back.
    pub(super) fn restart_agent(&mut self, moment: &mut Moment<'_>) {
        self.agent_shutdown(moment);
        self.agent.boots_at = Some(after(moment.at, self.dice.millis(2_000, 4_000)));
    }
}
