//! What happens in a machine's containers: runs begin and end, programs are woken and told, and what they do goes where
//! it belongs.
//!
//! Two times are kept apart. What a twin shows (ends, links, reports) happens at its instant. What programs merely send
//! and log is brought up to date when somebody looks ([`Machine::catch_up`]), so that a fleet nobody looks at costs
//! nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::machine::{Machine, Moment};
use super::moment::after;
use super::patch::diff;
use super::program::{self, Effect, Start};

/// Messages and lines older than this are never made; nobody looked for so long.
const LOOK_BACK: Duration = Duration::from_hours(6);

impl Machine {
    /// Ends, links and reports that are due.
    pub(super) fn containers_wake(&mut self, moment: &mut Moment<'_>) {
        let due = |machine: &Self, at: Timestamp| {
            let mut runs = machine.engine.containers.iter().filter_map(|(name, c)| Some((name, c.run.as_ref()?)));
            runs.find(|(_, run)| run.shows_at().is_some_and(|due| due <= at)).map(|(name, _)| name.clone())
        };
        while let Some(name) = due(self, moment.at) {
            self.catch_up(moment);
            let Some(run) = self.engine.run_mut(&name) else { continue };
            if let Some((_, code)) = run.doom.filter(|(at, _)| *at <= moment.at) {
                self.ended(&name, code, moment);
            } else if run.connects_at.is_some_and(|at| at <= moment.at) {
                run.connects_at = None;
                self.connect_client(&name, moment);
            } else if run.twin_at.is_some_and(|at| at <= moment.at) {
                run.twin_at = None;
                self.hand_out(&name, moment);
            } else {
                // A program that promised something and did not wake for it.
                run.told = after(moment.at, Duration::from_millis(1));
            }
        }
    }

    /// Brings all programs up to the moment, in the order of time.
    pub(super) fn catch_up(&mut self, moment: &mut Moment<'_>) {
        let oldest = moment.at.saturating_sub(LOOK_BACK).unwrap_or(moment.at);
        let next = |machine: &Self| {
            let runs = machine.engine.containers.iter().filter_map(|(name, c)| Some((name, c.run.as_ref()?)));
            let due = runs.filter_map(|(name, run)| Some((run.wakes_at()?, name)));
            due.min().filter(|(at, _)| *at <= moment.at).map(|(at, name)| (at, name.clone()))
        };
        let now = moment.at;
        while let Some((at, name)) = next(self) {
            let at = at.max(oldest);
            let Some(run) = self.engine.run_mut(&name) else { return };
            let (shown, mut effects) = (run.clock.shows(at), Vec::new());
            if let Some(program) = &mut run.program {
                program.wake(shown, &mut effects);
            }
            // A program that wants to be woken again at once would hold up the world.
            run.told = after(at, Duration::from_millis(1));
            let mut then = Moment { at: at.min(now), cloud: &mut *moment.cloud, registry: moment.registry };
            self.apply(&name, effects, &mut then);
        }
    }

    /// Carries out what a module's program did.
    pub(super) fn apply(&mut self, name: &str, effects: Vec<Effect>, moment: &mut Moment<'_>) {
        for effect in effects {
            match effect {
                Effect::Log { stream, line } => {
                    self.outlet.log(name, self.clock.shows(moment.at), stream, line);
                }
                Effect::Send { output, message } => self.outlet.send(name, moment.at, &output, message),
                Effect::Report(patch) => self.report_of(name, patch, moment),
                Effect::Exit(code) => {
                    self.ended(name, code, moment);
                    return;
                }
            }
        }
    }

    /// Begins a run of a container.
    pub(super) fn start_container(&mut self, name: &str, moment: &mut Moment<'_>) {
        self.engine.start(name, moment.at, self.clock);
        let doom = self.conditions.doom_of(name).map(|(lasts, code)| (after(moment.at, lasts), code));
        let soon = after(moment.at, self.dice.millis(1_500, 3_000));
        let (seed, hub_ready) = (self.dice.number(), self.hub.ready);
        if let Some(run) = self.engine.run_mut(name) {
            run.doom = doom;
            run.connects_at = (hub_ready && !is_system(name)).then_some(soon);
        }
        match name {
            "edgeAgent" => self.agent_booted(moment),
            "edgeHub" => self.hub_started(moment),
            _ => self.start_program(name, seed, moment),
        }
        self.agent.poke(moment.at);
    }

    fn start_program(&mut self, name: &str, seed: u64, moment: &mut Moment<'_>) {
        let desired = self.desired_of(name, moment);
        let Some(container) = self.engine.containers.get_mut(name) else { return };
        let Some(run) = &mut container.run else { return };
        let mut effects = Vec::new();
        let start = Start {
            image: &container.spec.image,
            env: &container.spec.env,
            desired: &desired,
            device: &self.device,
            module: name,
            architecture: &self.architecture,
            seed,
            at: run.clock.shows(moment.at),
        };
        run.program = Some(program::of_image(&start, &mut effects));
        self.handed.insert(name.to_owned(), desired);
        self.apply(name, effects, moment);
    }

    /// A module's desired properties: the hub's, or those edgeHub kept.
    fn desired_of(&self, name: &str, moment: &Moment<'_>) -> Map<String, Value> {
        let cloud = self.link.up.and_then(|_| moment.cloud.desired(&self.device, name));
        cloud.map(|(desired, _)| desired).or_else(|| self.handed.get(name)).cloned().unwrap_or_default()
    }

    /// Tells a module what changed in its desired properties since it was told last.
    pub(super) fn hand_out(&mut self, name: &str, moment: &mut Moment<'_>) {
        let desired = self.desired_of(name, moment);
        let told = self.handed.get(name).cloned().unwrap_or_default();
        let patch = diff(&told, &desired);
        if patch.is_empty() {
            return;
        }
        let mut effects = Vec::new();
        if let Some(run) = self.engine.run_mut(name) {
            let shown = run.clock.shows(moment.at);
            run.told = run.told.max(moment.at);
            if let Some(program) = &mut run.program {
                program.desired(shown, &patch, &desired, &mut effects);
            }
        }
        self.handed.insert(name.to_owned(), desired);
        self.apply(name, effects, moment);
    }

    /// A container's run is over.
    pub(super) fn ended(&mut self, name: &str, code: i64, moment: &mut Moment<'_>) {
        let Some(connected) = self.engine.end(name, code, moment.at, self.clock) else { return };
        match name {
            "edgeHub" => self.hub_ended(moment),
            "edgeAgent" => self.agent.down(),
            _ if connected => self.client_gone(name, moment),
            _ => self.hub.forget_reports(name),
        }
        self.agent.poke(moment.at);
    }
}

/// Whether a container is one of the runtime's own two.
pub(super) fn is_system(name: &str) -> bool {
    matches!(name, "edgeAgent" | "edgeHub")
}
