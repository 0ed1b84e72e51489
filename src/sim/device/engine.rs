//! A machine's container engine: its containers, what they are made of, and when their runs began and ended.
//! What each change means for edgeAgent and edgeHub is not decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::manifest::{Image, ModuleSpec};

use super::moment::{MachineClock, sooner};
use super::program::Program;
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
#[derive(Debug)]
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
pub(super) struct Run {
    pub(super) began: Timestamp,
    /// The clock its program lives by: the machine's as it was at the start.
    pub(super) clock: MachineClock,
    /// The runtime's own containers have none.
    pub(super) program: Option<Box<dyn Program>>,
    /// Its program was brought up to this instant.
    pub(super) told: Timestamp,
    /// Something outside the program ends the run then, with this code.
    pub(super) doom: Option<(Timestamp, i64)>,
    /// When it will have a link to edgeHub.
    pub(super) connects_at: Option<Timestamp>,
    /// It has one.
    pub(super) connected: bool,
    /// When a change of its twin arrives.
    pub(super) twin_at: Option<Timestamp>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("began", &self.began).field("doom", &self.doom).finish_non_exhaustive()
    }
}

impl Run {
    /// When the program wants to be woken, in the world's time.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.program.as_ref().and_then(|program| program.wakes_at()).map(|shown| self.clock.when(shown).max(self.told))
    }

    /// When the run may do something that a twin shows, in the world's time.
    pub(super) fn shows_at(&self) -> Option<Timestamp> {
        let program = self.program.as_ref().and_then(|program| program.shows_at());
        let program = program.map(|shown| self.clock.when(shown).max(self.told));
        sooner(sooner(program, self.doom.map(|(at, _)| at)), sooner(self.connects_at, self.twin_at))
    }
}

/// All containers of a machine, by name.
#[derive(Debug, Default)]
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

    pub(super) fn run_of(&self, name: &str) -> Option<&Run> {
        self.get(name).and_then(|container| container.run.as_ref())
    }

    pub(super) fn run_mut(&mut self, name: &str) -> Option<&mut Run> {
        self.containers.get_mut(name).and_then(|container| container.run.as_mut())
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        self.run_of(name).is_some()
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

    /// Begins a run. The program is put in by whoever knows what it is told at its start.
    pub(super) fn start(&mut self, name: &str, at: Timestamp, clock: MachineClock) {
        if let Some(container) = self.containers.get_mut(name) {
            container.state = ContainerState::Running;
            container.started = Some(clock.shows(at));
            container.exit_code = 0;
            container.run = Some(Run {
                began: at,
                clock,
                program: None,
                told: at,
                doom: None,
                connects_at: None,
                connected: false,
                twin_at: None,
            });
        }
    }

    /// Ends the run under way, if there is one; says whether its module had a link to edgeHub.
    pub(super) fn end(&mut self, name: &str, code: i64, at: Timestamp, clock: MachineClock) -> Option<bool> {
        let container = self.containers.get_mut(name)?;
        let run = container.run.take()?;
        container.state = ContainerState::Exited;
        container.exited = Some(clock.shows(at));
        container.exit_code = code;
        Some(run.connected)
    }

    /// The engine fails on a container: it cannot be run any more.
    pub(super) fn kill(&mut self, name: &str) {
        if let Some(container) = self.containers.get_mut(name) {
            container.state = ContainerState::Dead;
        }
    }

    /// When the next thing happens in a container that a twin shows.
    pub(super) fn shows_at(&self) -> Option<Timestamp> {
        self.containers.values().filter_map(|container| container.run.as_ref()?.shows_at()).min()
    }

    /// Names of the containers that run.
    pub(super) fn running(&self) -> Vec<String> {
        self.containers.iter().filter(|(_, c)| c.run.is_some()).map(|(name, _)| name.clone()).collect()
    }
}

/// How long a program takes to end when it is told to, and the code it ends with. The runtime's and Microsoft's
/// own images listen to the signal; an interpreter as first process does not, and is killed.
pub(super) fn ending(image: &Image) -> (Duration, i64) {
    if image.as_str().starts_with("mcr.microsoft.com/") {
        (Duration::from_millis(1_200), 0)
    } else {
        (Duration::from_secs(10), 137)
    }
}
