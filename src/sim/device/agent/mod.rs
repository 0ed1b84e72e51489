//! edgeAgent: reads what is wanted, compares it with what is there, runs commands over it, and reports.
//!
//! `settings` are its knobs, `observe` is what it sees, `plan` makes commands of the difference, `pass` runs them and
//! reports, `work` is what they do to the machine, `reported` is what it writes, `failure` its words for what went
//! wrong, `methods` what it can be asked for. Here is what it remembers, and how it comes and goes.

mod failure;
mod methods;
mod observe;
mod pass;
mod plan;
mod reported;
mod settings;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::manifest::{AgentConfig, AgentRefusal, Env, Image, RefusalCode};

use super::condition::Condition;
use super::instants::after;
use super::machine::{Machine, Moment};
use super::moment::sooner;
use super::patch::diff;
use super::program::agent as lines;
use super::program::runtime::Said;
use super::runtime::RuntimeVersion;
use methods::Tasks;
use observe::{Observed, Restarts};
use pass::{Attempt, Pass};
use settings::Settings;

/// Its module's id in the hub.
pub(super) const MODULE: &str = "$edgeAgent";
/// The name of its container.
const CONTAINER: &str = "edgeAgent";
/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// `lastDesiredStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Status {
    code: u16,
    description: String,
}

impl Status {
    fn new(code: u16, description: &str) -> Self {
        Self { code, description: description.to_owned() }
    }

    fn to_value(&self) -> Value {
        json!({"code": self.code, "description": self.description})
    }
}

/// What it read from its twin last.
#[derive(Debug, Clone)]
enum Desired {
    /// A configuration, and its version.
    Config(u64, Arc<AgentConfig>),
    /// Nothing it can run.
    Refused(AgentRefusal),
}

/// edgeAgent.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    /// What the daemon makes its container from when there is none.
    image: Option<Image>,
    /// When the daemon starts its container.
    pub(super) boots_at: Option<Timestamp>,
    /// When it reads its twin.
    read_at: Option<Timestamp>,
    /// When it looks next; it looks only when there may be something to see.
    next_pass: Option<Timestamp>,
    /// An instant it looked at; it looks every [`EVERY`] after it.
    anchor: Timestamp,
    desired: Option<Desired>,
    /// The deployment executed last, with its version. Kept on disk.
    executed: Option<(u64, Arc<AgentConfig>)>,
    /// Modules that were restarted. Kept on disk.
    restarts: BTreeMap<String, Restarts>,
    /// Commands that failed, since the deployment of this version came.
    attempts: BTreeMap<String, Attempt>,
    attempts_of: Option<u64>,
    status: Status,
    pass: Option<Pass>,
    tasks: Tasks,
}

impl Agent {
    pub(super) fn new(image: Option<Image>, boots_at: Timestamp) -> Self {
        Self {
            image,
            boots_at: Some(boots_at),
            read_at: None,
            next_pass: None,
            anchor: boots_at,
            desired: None,
            executed: None,
            restarts: BTreeMap::new(),
            attempts: BTreeMap::new(),
            attempts_of: None,
            status: Status::new(406, ""),
            pass: None,
            tasks: Tasks::new(),
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        // A pass that runs is not interrupted by the next.
        let pass = self.pass.as_ref().map_or(self.next_pass, |pass| Some(pass.until));
        sooner(self.boots_at, sooner(self.read_at, pass))
    }

    /// Its program is gone, and what it had in memory.
    pub(super) fn down(&mut self) {
        (self.boots_at, self.read_at, self.next_pass) = (None, None, None);
        (self.desired, self.pass, self.attempts_of) = (None, None, None);
        self.attempts.clear();
        self.tasks.clear();
        self.status = Status::new(406, "");
    }

    /// Something may have changed: it sees it when it looks next.
    pub(super) fn poke(&mut self, at: Timestamp) {
        self.next_pass = sooner(self.next_pass, Some(self.look_after(at)));
    }

    /// The first of its looks after an instant.
    fn look_after(&self, at: Timestamp) -> Timestamp {
        let every = EVERY.as_nanos();
        let since = u128::try_from(at.duration_since(self.anchor).as_nanos()).unwrap_or(0);
        let looks = u32::try_from(since / every + 1).unwrap_or(u32::MAX);
        after(self.anchor, EVERY.saturating_mul(looks))
    }
}

impl Machine {
    pub(super) fn agent_wake(&mut self, moment: &mut Moment<'_>) {
        let now = moment.at;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if due(self.agent.boots_at) {
            self.agent.boots_at = None;
            self.boot_agent(moment);
        }
        if !self.engine.is_running(CONTAINER) {
            return;
        }
        if due(self.agent.read_at) {
            self.agent.read_at = None;
            self.agent_read(moment);
        }
        if self.agent.pass.is_some() {
            self.agent_work(moment);
        } else if due(self.agent.next_pass) {
            self.agent_pass(moment);
        }
    }

    /// The daemon starts edgeAgent's container, and makes it first when there is none.
    fn boot_agent(&mut self, moment: &mut Moment<'_>) {
        if self.engine.get(CONTAINER).is_none()
            && let Some(image) = self.agent.image.clone()
        {
            self.engine.held.insert(image.as_str().to_owned());
            self.create_container(reported::bootstrap(image));
        }
        self.start_container(CONTAINER, moment);
    }

    /// Its container runs. It knows only what it wrote to disk.
    pub(super) fn agent_booted(&mut self, moment: &mut Moment<'_>) {
        self.agent.down();
        // A new process does not hang.
        self.conditions.clear(&Condition::AgentHung);
        self.agent.anchor = moment.at;
        let backup = self.agent.executed.as_ref();
        self.agent.desired = backup.map(|(version, config)| Desired::Config(*version, Arc::clone(config)));
        self.says(&lines::connecting(), moment.at);
        if self.link.up.is_some() {
            self.agent_linked(moment);
        }
    }

    /// The machine has a link: edgeAgent reads its whole twin.
    pub(super) fn agent_linked(&mut self, moment: &mut Moment<'_>) {
        if self.engine.is_running(CONTAINER) {
            moment.cloud.adopt(&self.device, MODULE, moment.at);
            self.says(&lines::connected(), moment.at);
            self.agent.read_at = Some(after(moment.at, self.dice.millis(300, 900)));
        }
    }

    /// Its desired properties changed.
    pub(super) fn agent_notified(&mut self, moment: &Moment<'_>) {
        if self.link.up.is_some() && self.engine.is_running(CONTAINER) {
            self.agent.read_at = Some(after(moment.at, self.dice.millis(200, 600)));
        }
    }

    fn agent_read(&mut self, moment: &mut Moment<'_>) {
        if self.link.up.is_none() {
            return;
        }
        let Some((desired, version)) = moment.cloud.desired(&self.device, MODULE) else { return };
        self.agent.desired = Some(match AgentConfig::read(&Value::Object(desired.clone())) {
            Ok(config) => Desired::Config(version, Arc::new(config)),
            Err(refusal) => Desired::Refused(refusal),
        });
        let reported = moment.cloud.reported(&self.device, MODULE).map_or(0, |(_, version)| version);
        self.says(&lines::twin_read(version, reported), moment.at);
        if matches!(&self.agent.desired, Some(Desired::Refused(refusal)) if refusal.code == RefusalCode::Empty) {
            self.says(&lines::nothing_desired(), moment.at);
        }
        self.agent.poke(moment.at);
    }

    /// edgeAgent ends in order: it says so, and stops all other modules.
    pub(super) fn agent_shutdown(&mut self, moment: &mut Moment<'_>) {
        lines::shutting_down().iter().for_each(|said| self.says(said, moment.at));
        if self.link.up.is_some() && self.engine.is_running(CONTAINER) {
            let down = Status::new(406, "Agent is not running");
            let known = moment.cloud.reported(&self.device, MODULE).filter(|(known, _)| !known.is_empty());
            let patch = known.map(|(known, _)| diff(known, &reported::shut_down(known, &down)));
            if let Some(patch) = patch {
                self.send_report(patch, moment);
            }
        }
        for name in self.engine.running().into_iter().filter(|name| name != CONTAINER) {
            let code = self.stop_program(&name, moment);
            self.ended(&name, code, moment.at, moment);
        }
        lines::shut_down().iter().for_each(|said| self.says(said, moment.at));
        let code = self.stop_program(CONTAINER, moment);
        self.ended(CONTAINER, code, moment.at, moment);
    }

    /// Its knobs, as its container was made with them.
    fn agent_settings(&self) -> Settings {
        let container = self.engine.get(CONTAINER);
        container.map_or_else(|| Settings::of(&Env::default()), |container| Settings::of(&container.spec.env))
    }

    fn agent_version(&self) -> RuntimeVersion {
        let container = self.engine.get(CONTAINER);
        container.and_then(|container| RuntimeVersion::of_image(&container.spec.image)).unwrap_or(self.daemon.clone())
    }

    fn observe(&self) -> Vec<Observed> {
        let settings = self.agent_settings();
        let executed = self.agent.executed.as_ref().map(|(_, config)| config.as_ref());
        let restarts = |name: &str| self.agent.restarts.get(name).copied();
        let containers = self.engine.containers.iter();
        containers.map(|(name, c)| Observed::of(c, executed, restarts(name), &settings)).collect()
    }

    /// Writes a line into edgeAgent's log.
    fn says(&mut self, said: &Said, at: Timestamp) {
        self.traffic.say(CONTAINER, at, said);
    }
}
