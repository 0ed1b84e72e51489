//! What happens in a machine's containers: runs begin and end, twins are handed out, and what programs did is passed on.
//!
//! Two times are kept apart. What a twin shows (ends, connections, reports) happens at its instant: the machine is woken
//! for it. What programs merely send and log is brought up to date when somebody looks ([`Machine::catch_up`]), so that a
//! fleet nobody looks at costs nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::ModuleSpec;

use super::instants::after;
use super::machine::{Machine, Moment};
use super::patch::diff;
use super::program::Start;
use super::traffic::Connection;

/// What modules sent and logged before that is never made when nobody looked for so long: a look must not take longer
/// the longer it was put off.
const LOOK_BACK: Duration = Duration::from_hours(3);

impl Machine {
    /// Ends from outside and changes of twins that are due, after everything that happened by itself.
    pub(super) fn containers_wake(&mut self, moment: &mut Moment<'_>) {
        if self.traffic.shows_at().is_some_and(|at| at <= moment.at) {
            self.catch_up(moment);
        }
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= moment.at);
        let runs = self.engine.containers.iter().filter_map(|(name, c)| Some((name, c.run.as_ref()?)));
        let changed: Vec<(String, bool)> = runs
            .filter(|(_, run)| due(run.ends_at) || due(run.twin_at))
            .map(|(name, run)| (name.clone(), due(run.ends_at)))
            .collect();
        for (name, ends) in changed {
            self.catch_up(moment);
            if !self.engine.is_running(&name) {
                continue;
            }
            if ends {
                let (code, last_words) =
                    self.conditions.doom_of(&name).map_or((0, String::new()), |(_, code, words)| (code, words));
                self.traffic.kill(&name, &last_words);
                self.ended(&name, code, moment.at, moment);
                self.take_news(moment);
            } else {
                if let Some(run) = self.engine.run_mut(&name) {
                    run.twin_at = None;
                }
                self.hand_out(&name, moment);
            }
        }
    }

    /// Brings all programs up to the moment, and passes on what they did.
    pub(super) fn catch_up(&mut self, moment: &mut Moment<'_>) {
        let oldest = moment.at.saturating_sub(LOOK_BACK).unwrap_or(moment.at);
        if self.traffic.now() < oldest && self.traffic.shows_at().is_none_or(|at| at > oldest) {
            self.traffic.rest_until(oldest);
        }
        loop {
            let exit = self.traffic.run_until(moment.at);
            if let Some(exit) = &exit {
                self.ended(&exit.module, exit.code, exit.at, moment);
            }
            self.take_news(moment);
            if exit.is_none() {
                return;
            }
        }
    }

    /// Passes on who connected and what was reported.
    pub(super) fn take_news(&mut self, moment: &mut Moment<'_>) {
        if self.traffic.is_hub_up() && !self.hub.ready {
            self.hub_ready(moment);
        }
        for Connection { module, at, connected } in self.traffic.take_connections() {
            if connected {
                self.client_came(&module, at, moment);
            } else {
                self.client_gone(&module, at, moment);
            }
        }
        for report in self.traffic.take_reports() {
            self.hub.pending.push((report.module, report.patch));
            self.send_pending(moment);
        }
    }

    /// Makes a container with an empty log, in place of one of the same name.
    pub(super) fn create_container(&mut self, spec: ModuleSpec) {
        self.traffic.create(&spec.name);
        if spec.name == "edgeHub" && !keeps_its_files(&spec) {
            self.traffic.lose_store();
        }
        self.engine.create(spec);
    }

    pub(super) fn remove_container(&mut self, name: &str) {
        self.traffic.remove(name);
        self.engine.remove(name);
        self.handed.remove(name);
    }

    /// Begins a run of a container.
    pub(super) fn start_container(&mut self, name: &str, moment: &mut Moment<'_>) {
        self.catch_up(moment);
        let desired = self.desired_of(name, moment);
        let seed = self.dice.number();
        let doom = self.conditions.doom_of(name).map(|(lasts, ..)| after(moment.at, lasts));
        self.engine.start(name, moment.at, self.clock);
        let Some(container) = self.engine.containers.get_mut(name) else { return };
        if let Some(run) = &mut container.run {
            run.ends_at = doom;
        }
        self.traffic.start(&Start {
            image: &container.spec.image,
            env: &container.spec.env,
            desired: &desired,
            device: &self.device,
            module: name,
            architecture: &self.architecture,
            seed,
            at: moment.at,
        });
        self.handed.insert(name.to_owned(), desired);
        self.take_news(moment);
        match name {
            "edgeAgent" => self.agent_booted(moment),
            "edgeHub" => self.hub.down(),
            _ => {}
        }
        self.agent.poke(moment.at);
    }

    /// Asks a container's program to end; says with which code it will.
    pub(super) fn stop_program(&mut self, name: &str, moment: &mut Moment<'_>) -> i64 {
        self.catch_up(moment);
        let code = self.traffic.stop(name).unwrap_or(0);
        self.take_news(moment);
        code
    }

    /// Whether a module's desired properties are other ones than it was told.
    pub(super) fn is_untold(&self, name: &str, moment: &Moment<'_>) -> bool {
        let cloud = self.link.up.and_then(|_| moment.cloud.desired(&self.device, name));
        cloud.is_some_and(|(desired, _)| self.handed.get(name).is_none_or(|told| told != desired))
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
        self.catch_up(moment);
        self.traffic.desired(name, &patch, &desired);
        self.handed.insert(name.to_owned(), desired);
        self.take_news(moment);
    }

    /// A container's run is over.
    pub(super) fn ended(&mut self, name: &str, code: i64, at: Timestamp, moment: &mut Moment<'_>) {
        if !self.engine.end(name, code, at, self.clock) {
            return;
        }
        match name {
            "edgeHub" => self.hub_ended(moment),
            "edgeAgent" => self.agent.down(),
            _ => {}
        }
        self.agent.poke(moment.at);
    }
}

/// Whether something outside the container is mounted into it.
fn keeps_its_files(spec: &ModuleSpec) -> bool {
    let host = spec.create_options.as_map().get("HostConfig");
    let mounts = ["Binds", "Mounts"].into_iter().filter_map(|name| host?.get(name)?.as_array());
    mounts.into_iter().any(|mounts| !mounts.is_empty())
}
