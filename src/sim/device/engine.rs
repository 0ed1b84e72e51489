//! A machine's containers as its engine knows them: what they are made of, and when their runs began and ended. What runs
//! in them is the business of `traffic`; what each change means for edgeAgent and edgeHub is not decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::manifest::ModuleSpec;

use super::moment::{MachineClock, sooner};
use super::registry::image_hash;

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContainerState {
    /// Made, and never run.
    Created,
    /// Its program runs.
    Running,
    /// Its program ended with [`Container::exit_code`].
    Exited,
    /// The engine failed to take it away; it can only be removed.
    Dead,
}

/// A container. Its times are the machine's own, which may be wrong.
#[derive(Debug, Clone)]
pub(super) struct Container {
    /// What it was created from.
    pub(super) spec: ModuleSpec,
    pub(super) image_hash: String,
    pub(super) state: ContainerState,
    pub(super) started: Option<Timestamp>,
    /// The end of its last run; stays when it runs again.
    pub(super) exited: Option<Timestamp>,
    /// 0 while it runs.
    pub(super) exit_code: i64,
    /// The run under way.
    pub(super) run: Option<Run>,
}

/// One run of a container, in the world's time.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    /// Something outside the program ends the run then.
    pub(super) ends_at: Option<Timestamp>,
    /// When a change of its twin arrives.
    pub(super) twin_at: Option<Timestamp>,
    /// The code it ends with, once it was told to.
    pub(super) stops_with: i64,
}

/// All containers of a machine, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Engine {
    pub(super) containers: BTreeMap<String, Container>,
    /// How much of an image was fetched by pulls that were given up.
    pub(super) fetched: BTreeMap<String, Duration>,
    /// The images that are there.
    pub(super) held: BTreeSet<String>,
}

impl Engine {
    pub(super) fn get(&self, name: &str) -> Option<&Container> {
        self.containers.get(name)
    }

    pub(super) fn run_mut(&mut self, name: &str) -> Option<&mut Run> {
        self.containers.get_mut(name).and_then(|container| container.run.as_mut())
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        self.get(name).is_some_and(|container| container.run.is_some())
    }

    /// Makes a container, in place of one of the same name.
    pub(super) fn create(&mut self, spec: ModuleSpec) {
        let container = Container {
            image_hash: image_hash(&spec.image),
            state: ContainerState::Created,
            started: None,
            exited: None,
            exit_code: 0,
            run: None,
            spec,
        };
        self.containers.insert(container.spec.name.clone(), container);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.containers.remove(name);
    }

    /// Begins a run.
    pub(super) fn start(&mut self, name: &str, at: Timestamp, clock: MachineClock) {
        if let Some(container) = self.containers.get_mut(name) {
            container.state = ContainerState::Running;
            container.started = Some(clock.shows(at));
            container.exit_code = 0;
            container.run = Some(Run::default());
        }
    }

    /// Ends the run under way; false when there is none.
    pub(super) fn end(&mut self, name: &str, code: i64, at: Timestamp, clock: MachineClock) -> bool {
        let Some(container) = self.containers.get_mut(name) else { return false };
        if container.run.take().is_none() {
            return false;
        }
        container.state = ContainerState::Exited;
        container.exited = Some(clock.shows(at));
        container.exit_code = code;
        true
    }

    /// The engine fails on a container: it cannot be run any more.
    pub(super) fn kill(&mut self, name: &str) {
        if let Some(container) = self.containers.get_mut(name) {
            container.state = ContainerState::Dead;
        }
    }

    /// When the next thing happens to a container from outside.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let runs = self.containers.values().filter_map(|container| container.run.as_ref());
        runs.filter_map(|run| sooner(run.ends_at, run.twin_at)).min()
    }

    /// Names of the containers that run.
    pub(super) fn running(&self) -> Vec<String> {
        self.containers.iter().filter(|(_, c)| c.run.is_some()).map(|(name, _)| name.clone()).collect()
    }
}
