//! From what is wanted and what is there to commands, in edgeAgent's order: per startup group removals, new modules,
//! updates, modules that went down, changes of the wanted status, and at last restarts that are forgotten.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::manifest::{AgentConfig, Change, DesiredStatus, ImagePullPolicy, ModuleSpec, RestartPolicy};

use crate::sim::device::program::agent as lines;

use super::observe::{Observed, RuntimeStatus};
use super::settings::Settings;

/// One thing the container engine or edgeAgent's own store is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim::device) enum Step {
    /// Pull the image.
    Pull(Box<ModuleSpec>),
    /// Make the container.
    Create(Box<ModuleSpec>),
    /// Take the container away and make a new one.
    Update(Box<ModuleSpec>),
    /// edgeAgent in place of itself.
    ReplaceAgent(Box<ModuleSpec>),
    Start(String),
    Stop(String),
    Remove(String),
    /// One restart more, in the store.
    Count(String),
    /// The restarts are forgotten.
    Forget(String),
}

impl Step {
    /// As edgeAgent's log names it; nothing for what only its store hears of.
    pub(super) fn said(&self) -> Option<lines::Command> {
        Some(match self {
            Self::Pull(spec) => lines::Command::Prepare(spec.name.clone()),
            Self::Create(spec) => lines::Command::Create(spec.name.clone()),
            Self::Update(spec) | Self::ReplaceAgent(spec) => lines::Command::Update(spec.name.clone()),
            Self::Start(name) => lines::Command::Start(name.clone()),
            Self::Stop(name) => lines::Command::Stop(name.clone()),
            Self::Remove(name) => lines::Command::Remove(name.clone()),
            Self::Count(_) | Self::Forget(_) => return None,
        })
    }
}

/// Steps that fail together, are tried again together, and count as one failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Command {
    pub(super) steps: Vec<Step>,
    /// When it fails, nothing after it runs.
    pub(super) prerequisite: bool,
}

impl Command {
    fn group(steps: Vec<Step>) -> Self {
        Self { steps, prerequisite: false }
    }

    fn one(step: Step) -> Self {
        Self::group(vec![step])
    }

    /// As edgeAgent's log names it.
    pub(super) fn said(&self) -> lines::Command {
        let mut steps: Vec<lines::Command> = self.steps.iter().filter_map(Step::said).collect();
        match (steps.pop(), steps.is_empty()) {
            (Some(only), true) => only,
            (last, _) => lines::Command::Group(steps.into_iter().chain(last).collect()),
        }
    }

    /// What it is known by from pass to pass.
    pub(super) fn show(&self) -> String {
        self.said().show()
    }
}

/// The wanted modules that are new, and those that have to be made anew: what needs an identity.
pub(super) fn added_or_updated<'a>(wanted: &'a AgentConfig, observed: &[Observed]) -> Vec<&'a ModuleSpec> {
    let differs = |spec: &&ModuleSpec| match find(observed, &spec.name) {
        None => true,
        Some(seen) => needs_update(seen, spec),
    };
    wanted.all().filter(differs).collect()
}

/// Names of the modules that are there and not wanted.
pub(super) fn removed(wanted: &AgentConfig, observed: &[Observed]) -> Vec<String> {
    let unwanted = |seen: &&Observed| wanted.module(&seen.spec.name).is_none() && seen.spec.name != "edgeAgent";
    observed.iter().filter(unwanted).map(|seen| seen.spec.name.clone()).collect()
}

/// All commands that are to be run, in order. `obtained` are the modules whose identity the hub gave; without one a
/// module is left as it is. `now` is by the machine's clock.
pub(super) fn plan(
    wanted: &AgentConfig,
    observed: &[Observed],
    obtained: &BTreeSet<String>,
    settings: &Settings,
    now: Timestamp,
) -> Vec<Command> {
    let order = |name: &str| match (wanted.module(name), find(observed, name)) {
        (Some(spec), _) => spec.startup_order,
        // What nobody knows goes first.
        (None, Some(seen)) if seen.known => seen.spec.startup_order,
        (None, _) => 0,
    };
    let names = wanted.all().map(|spec| spec.name.as_str()).chain(observed.iter().map(|seen| seen.spec.name.as_str()));
    let mut groups: Vec<(u32, Vec<&str>)> = Vec::new();
    for name in names {
        let order = order(name);
        match groups.iter_mut().find(|(known, _)| *known == order) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => groups.push((order, vec![name])),
        }
    }
    groups.sort_by_key(|(order, _)| *order);
    let mut commands = Vec::new();
    for (_, names) in groups {
        let mut group = Group::default();
        for name in names {
            group.add(wanted.module(name), find(observed, name), obtained, settings, now);
        }
        commands.extend(group.in_order());
    }
    if settings.pulls_first { pulls_in_front(commands) } else { commands }
}

fn find<'a>(observed: &'a [Observed], name: &str) -> Option<&'a Observed> {
    observed.iter().find(|seen| seen.spec.name == name)
}

fn needs_update(seen: &Observed, wanted: &ModuleSpec) -> bool {
    !seen.known || matches!(seen.spec.change_to(wanted), Change::Recreate(_))
}

/// One startup group, its commands by kind.
#[derive(Default)]
struct Group {
    agent: Vec<Command>,
    removals: Vec<Command>,
    forgotten: Vec<Command>,
    added: Vec<Command>,
    updated: Vec<Command>,
    stops: Vec<Command>,
    starts: Vec<Command>,
    restarts: Vec<Command>,
    status: Vec<Command>,
    recovered: Vec<Command>,
}

impl Group {
    fn add(
        &mut self,
        wanted: Option<&ModuleSpec>,
        seen: Option<&Observed>,
        obtained: &BTreeSet<String>,
        settings: &Settings,
        now: Timestamp,
    ) {
        match (wanted, seen) {
            (None, None) => {}
            (None, Some(seen)) if seen.spec.name == "edgeAgent" => {}
            (None, Some(seen)) => {
                let name = &seen.spec.name;
                self.removals.push(Command::one(Step::Stop(name.clone())));
                self.removals.push(Command::one(Step::Remove(name.clone())));
                self.forget(seen);
            }
            (Some(wanted), _) if wanted.name == "edgeAgent" => {
                if seen.is_some_and(|seen| needs_update(seen, wanted)) {
                    let mut steps = pull(wanted);
                    steps.push(Step::ReplaceAgent(Box::new(wanted.clone())));
                    self.agent.push(Command::group(steps));
                }
            }
            (Some(wanted), None) => {
                if obtained.contains(&wanted.name) {
                    let mut steps = pull(wanted);
                    steps.push(Step::Create(Box::new(wanted.clone())));
                    self.added.push(Command::group(with_start(steps, wanted)));
                }
            }
            (Some(wanted), Some(seen)) if needs_update(seen, wanted) => {
                self.forget(seen);
                if obtained.contains(&wanted.name) {
                    let mut steps = pull(wanted);
                    steps.push(Step::Stop(wanted.name.clone()));
                    steps.push(Step::Update(Box::new(wanted.clone())));
                    self.updated.push(Command::group(with_start(steps, wanted)));
                }
            }
            (Some(wanted), Some(seen)) => match seen.spec.change_to(wanted) {
                Change::Status(status) => self.change_status(seen, status),
                Change::None | Change::Recreate(_) => self.look_after(seen, settings, now),
            },
        }
    }

    fn change_status(&mut self, seen: &Observed, status: DesiredStatus) {
        let name = &seen.spec.name;
        let step = match (status, seen.status) {
            (DesiredStatus::Running, RuntimeStatus::Running) | (DesiredStatus::Stopped, RuntimeStatus::Stopped) => {
                return;
            }
            (DesiredStatus::Running, _) => Step::Start(name.clone()),
            (DesiredStatus::Stopped, _) => Step::Stop(name.clone()),
        };
        self.status.push(Command::one(step));
        self.forget(seen);
    }

    /// What is remembered of the module's restarts goes.
    fn forget(&mut self, seen: &Observed) {
        if seen.restarts.is_some() {
            self.forgotten.push(Command::one(Step::Forget(seen.spec.name.clone())));
        }
    }

    /// A module whose deployment did not change.
    fn look_after(&mut self, seen: &Observed, settings: &Settings, now: Timestamp) {
        let name = &seen.spec.name;
        match (seen.spec.status, seen.status) {
            (DesiredStatus::Running, RuntimeStatus::Running) => {
                if seen.recovers_at(settings).is_some_and(|at| now > at) {
                    self.recovered.push(Command::one(Step::Forget(name.clone())));
                }
            }
            (DesiredStatus::Running, RuntimeStatus::Backoff) => {
                // An end that has yet to come is a clock that was moved. One at this very instant is none: on a real machine
                // no two things happen at once, and here a run as long as a pass ends with each of them.
                let moved = seen.exited.is_some_and(|exited| exited > now);
                if moved || seen.restarts_at(settings).is_some_and(|at| now > at) {
                    let steps = vec![Step::Stop(name.clone()), Step::Start(name.clone()), Step::Count(name.clone())];
                    self.restarts.push(Command::group(steps));
                }
            }
            (DesiredStatus::Running, RuntimeStatus::Stopped) => {
                if seen.spec.restart_policy != RestartPolicy::Never || seen.started.is_none() {
                    self.starts.push(Command::one(Step::Start(name.clone())));
                }
            }
            (_, RuntimeStatus::Dead) => {
                self.removals.push(Command::one(Step::Remove(name.clone())));
            }
            (DesiredStatus::Stopped, RuntimeStatus::Running | RuntimeStatus::Backoff) => {
                self.stops.push(Command::one(Step::Stop(name.clone())));
            }
            // Given up; or down as wanted, if by a signal.
            (_, RuntimeStatus::Failed | RuntimeStatus::Stopped) => {}
        }
    }

    fn in_order(self) -> impl Iterator<Item = Command> {
        [
            self.agent,
            self.removals,
            self.forgotten,
            self.added,
            self.updated,
            self.stops,
            self.starts,
            self.restarts,
            self.status,
            self.recovered,
        ]
        .into_iter()
        .flatten()
    }
}

fn pull(spec: &ModuleSpec) -> Vec<Step> {
    match spec.image_pull_policy {
        ImagePullPolicy::OnCreate => vec![Step::Pull(Box::new(spec.clone()))],
        ImagePullPolicy::Never => Vec::new(),
    }
}

fn with_start(mut steps: Vec<Step>, spec: &ModuleSpec) -> Vec<Step> {
    if spec.status == DesiredStatus::Running {
        steps.push(Step::Start(spec.name.clone()));
    }
    steps
}

/// All pulls become one command that everything else waits for.
fn pulls_in_front(mut commands: Vec<Command>) -> Vec<Command> {
    let mut pulls = Vec::new();
    for command in &mut commands {
        let is_pull = |step: &Step| matches!(step, Step::Pull(_));
        pulls.extend(command.steps.iter().filter(|step| is_pull(step)).cloned());
        command.steps.retain(|step| !is_pull(step));
    }
    if !pulls.is_empty() {
        commands.insert(0, Command { steps: pulls, prerequisite: true });
    }
    commands
}
