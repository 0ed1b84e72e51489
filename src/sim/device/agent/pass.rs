//! One look of edgeAgent: what is wanted against what is there, the commands that follow from it, one step after the
//! other, and the report at the end.
//!
//! A pass lasts as long as its steps. What it reports of the modules is what it saw at its beginning; what it made of
//! them is in the next report, five seconds later. A steady machine is not looked at again before something can have
//! changed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::{AgentConfig, RefusalCode};
use crate::sim::device::instants::after;
use crate::sim::device::machine::{Machine, Moment};
use crate::sim::device::moment::{between, sooner};
use crate::sim::device::patch::diff;
use crate::sim::device::program::agent as lines;

use super::failure::{Failure, together};
use super::observe::{Observed, Restarts};
use super::plan::{Command, Step, added_or_updated, plan, removed};
use super::reported::Report;
use super::settings::Settings;
use super::{Desired, EVERY, MODULE, Status};

/// After so long a pass begins no further command.
const LONGEST: Duration = Duration::from_secs(600);

/// A command that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    failures: u32,
    last: Timestamp,
    /// Whether it was said that it is tried no more.
    given_up: bool,
}

/// A pass that runs.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    version: u64,
    config: Arc<AgentConfig>,
    /// As it was at the beginning.
    observed: Vec<Observed>,
    /// What is still to be run.
    commands: VecDeque<Command>,
    /// The command that runs, and what is left of it.
    command: Command,
    steps: VecDeque<Step>,
    /// The step under way, and how it will end.
    under_way: Option<(Step, Result<(), Failure>)>,
    /// When it will.
    pub(super) until: Timestamp,
    began: Timestamp,
    failures: Vec<String>,
    /// Whether commands were left out that have to wait.
    skipped: bool,
    /// When the first of them is tried again.
    retry_at: Option<Timestamp>,
    /// Whether anything was run at all.
    ran: bool,
}

impl Machine {
    /// Looks.
    pub(super) fn agent_pass(&mut self, moment: &mut Moment<'_>) {
        self.agent.next_pass = None;
        self.agent.anchor = moment.at;
        let observed = self.observe();
        match self.agent.desired.clone() {
            // Never connected, and nothing on disk.
            None => {}
            Some(Desired::Refused(refusal)) => {
                self.agent.status = Status::new(refusal.code.number(), &refusal.description);
                match refusal.code {
                    RefusalCode::Format => self.says(&lines::bad_format(&refusal.description), moment.at),
                    RefusalCode::SchemaVersion => self.says(&lines::bad_schema(&refusal.description), moment.at),
                    RefusalCode::Empty => {}
                }
                self.agent_report(&observed, moment);
            }
            Some(Desired::Config(version, config)) => {
                let obtained = self.identities(&config, &observed, moment);
                let settings = self.agent_settings();
                self.tell_of_waits(&observed, &settings, moment.at);
                let commands = plan(&config, &observed, &obtained, &settings, self.clock.shows(moment.at));
                if commands.is_empty() {
                    if self.agent.executed.as_ref().is_none_or(|(executed, _)| *executed != version) {
                        self.agent.executed = Some((version, config));
                    }
                    self.agent.status = Status::new(200, "");
                    let sent = self.agent_report(&observed, moment);
                    self.rest(&observed, None, sent, moment.at);
                } else {
                    self.begin_pass(version, config, observed, commands, moment);
                }
            }
        }
    }

    /// Deletes the identities of modules that are to go and gets those of modules that are to come, all before the first
    /// command; says which it has.
    fn identities(&mut self, wanted: &AgentConfig, observed: &[Observed], moment: &mut Moment<'_>) -> BTreeSet<String> {
        let linked = self.link.up.is_some();
        for name in removed(wanted, observed).iter().filter(|_| linked) {
            moment.cloud.dismiss(&self.device, name);
        }
        let mut obtained = BTreeSet::new();
        for spec in added_or_updated(wanted, observed) {
            let id = match spec.name.as_str() {
                "edgeAgent" | "edgeHub" => format!("${}", spec.name),
                name => name.to_owned(),
            };
            if linked && moment.cloud.adopt(&self.device, &id, moment.at) {
                obtained.insert(spec.name.clone());
            } else {
                self.says(&lines::no_identity(&spec.name), moment.at);
            }
        }
        obtained
    }

    /// Says of each module that went down how long it will stay so.
    fn tell_of_waits(&mut self, observed: &[Observed], settings: &Settings, at: Timestamp) {
        let now = self.clock.shows(at);
        for seen in observed {
            if let Some(due) = seen.restarts_at(settings).filter(|due| *due > now) {
                let wait = settings.restart_wait(seen.restart_count());
                self.says(&lines::will_restart(&seen.spec.name, wait, between(now, due)), at);
            }
        }
    }

    fn begin_pass(
        &mut self,
        version: u64,
        config: Arc<AgentConfig>,
        observed: Vec<Observed>,
        commands: Vec<Command>,
        moment: &mut Moment<'_>,
    ) {
        if self.agent.attempts_of != Some(version) {
            self.agent.attempts.clear();
            self.agent.attempts_of = Some(version);
        }
        self.says(&lines::plan_started(version), moment.at);
        self.agent.pass = Some(Pass {
            version,
            config,
            observed,
            commands: commands.into(),
            command: Command::default(),
            steps: VecDeque::new(),
            under_way: None,
            until: moment.at,
            began: moment.at,
            failures: Vec::new(),
            skipped: false,
            retry_at: None,
            ran: false,
        });
        self.agent_work(moment);
    }

    /// Goes on with the pass under way as far as the moment allows.
    pub(super) fn agent_work(&mut self, moment: &mut Moment<'_>) {
        let Some(mut pass) = self.agent.pass.take() else { return };
        loop {
            if pass.until > moment.at {
                self.agent.pass = Some(pass);
                return;
            }
            if let Some((step, outcome)) = pass.under_way.take() {
                match outcome.and_then(|()| self.take_effect(&step, moment)) {
                    // It has just replaced itself; the new one begins afresh.
                    Ok(()) if matches!(step, Step::ReplaceAgent(_)) => return,
                    Ok(()) if pass.steps.is_empty() => {
                        self.agent.attempts.remove(&pass.command.show());
                    }
                    Ok(()) => {}
                    Err(failure) => self.step_failed(&mut pass, &step, &failure, moment),
                }
            } else if let Some(step) = pass.steps.pop_front() {
                let (lasts, outcome) = self.begin_step(&step, &pass.config, moment);
                pass.until = after(moment.at, lasts);
                pass.under_way = Some((step, outcome));
            } else if !self.next_command(&mut pass, moment) {
                self.finish_pass(pass, moment);
                return;
            }
        }
    }

    /// Takes the next command that may run; false when there is none.
    fn next_command(&mut self, pass: &mut Pass, moment: &Moment<'_>) -> bool {
        let settings = self.agent_settings();
        while let Some(command) = pass.commands.pop_front() {
            if between(pass.began, moment.at) > LONGEST {
                pass.skipped = true;
                return false;
            }
            let shown = command.show();
            if let Some(attempt) = self.agent.attempts.get_mut(&shown) {
                let again = after(attempt.last, settings.command_wait(attempt.failures));
                let given_up = attempt.failures >= settings.max_tries;
                let first = given_up && !std::mem::replace(&mut attempt.given_up, given_up);
                if first {
                    let said = lines::given_up(pass.version, &command.said(), settings.max_tries);
                    self.says(&said, moment.at);
                }
                if given_up || again >= moment.at {
                    pass.skipped = true;
                    if !given_up {
                        pass.retry_at = sooner(pass.retry_at, Some(again));
                    }
                    if command.prerequisite {
                        return false;
                    }
                    continue;
                }
            }
            self.says(&lines::executing(&command.said()), moment.at);
            pass.ran = true;
            pass.steps = command.steps.clone().into();
            pass.command = command;
            return true;
        }
        false
    }

    fn step_failed(&mut self, pass: &mut Pass, step: &Step, failure: &Failure, moment: &Moment<'_>) {
        if let Step::Update(spec) = step {
            // The old container was taken away before the new one was refused.
            self.remove_container(&spec.name);
        }
        pass.steps.clear();
        let shown = pass.command.show();
        let failures = self.agent.attempts.get(&shown).map_or(0, |attempt| attempt.failures) + 1;
        self.agent.attempts.insert(shown, Attempt { failures, last: moment.at, given_up: false });
        let text = if pass.command.prerequisite {
            pass.commands.clear();
            "Failed to execute ExecutionPrerequisite command".to_owned()
        } else {
            failure.text(step, &self.daemon)
        };
        let again_in = self.agent_settings().command_wait(failures);
        let exception =
            format!("Microsoft.Azure.Devices.Edge.Agent.Edgelet.EdgeletCommunicationException- Message:{text}");
        if let Some(command) = step.said() {
            self.says(&lines::failed(&command, &exception), moment.at);
        }
        self.says(&lines::step_failed(pass.version, &pass.command.said(), again_in), moment.at);
        pass.failures.push(text);
    }

    fn finish_pass(&mut self, pass: Pass, moment: &mut Moment<'_>) {
        self.says(&lines::plan_ended(pass.version), moment.at);
        self.agent.anchor = moment.at;
        self.agent.executed = Some((pass.version, pass.config));
        if !pass.failures.is_empty() {
            self.agent.status = Status::new(500, &together(&pass.failures));
        } else if !pass.skipped {
            self.agent.status = Status::new(200, "");
        }
        let sent = self.agent_report(&pass.observed, moment);
        self.rest(&pass.observed, pass.retry_at, sent || pass.ran, moment.at);
    }

    /// Decides when to look next.
    fn rest(&mut self, observed: &[Observed], retry_at: Option<Timestamp>, busy: bool, at: Timestamp) {
        let settings = self.agent_settings();
        let next = if busy {
            Some(after(at, EVERY))
        } else {
            let waits = |seen: &Observed| sooner(seen.restarts_at(&settings), seen.recovers_at(&settings));
            let waits = observed.iter().filter_map(waits).min().map(|shown| self.clock.when(shown));
            sooner(waits, retry_at).map(|due| self.agent.look_after(due.max(at)))
        };
        // Whatever happened during the pass is seen at the next look.
        let poked = self.agent.next_pass.map(|_| after(at, EVERY));
        self.agent.next_pass = sooner(next, poked);
    }

    /// Sends what differs from what the hub has; says whether anything did and was taken.
    fn agent_report(&mut self, observed: &[Observed], moment: &mut Moment<'_>) -> bool {
        let known = self.link.up.and_then(|_| moment.cloud.reported(&self.device, MODULE));
        let Some((known, _)) = known else { return false };
        let executed = self.agent.executed.as_ref();
        let last = || known.get("lastDesiredVersion").and_then(Value::as_u64).unwrap_or(0);
        let report = Report {
            daemon: &self.daemon,
            agent: &self.agent_version(),
            architecture: &self.architecture,
            status: &self.agent.status,
            version: executed.map_or_else(last, |(version, _)| *version),
            executed: executed.map(|(_, config)| config.as_ref()),
            observed,
        };
        let patch = diff(known, &report.to_map());
        self.send_report(patch, moment)
    }

    pub(super) fn send_report(&mut self, patch: Map<String, Value>, moment: &mut Moment<'_>) -> bool {
        if patch.is_empty() {
            return false;
        }
        match moment.cloud.report(&self.device, MODULE, patch, moment.at) {
            Ok(()) => {
                self.says(&lines::reported(), moment.at);
                true
            }
            Err(refusal) => {
                let kind = "Microsoft.Azure.Devices.Client.Exceptions.IotHubException";
                self.says(&lines::report_failed(&refusal, kind), moment.at);
                false
            }
        }
    }

    /// One restart more of a module.
    pub(super) fn count_restart(&mut self, name: &str, at: Timestamp) {
        let count = self.agent.restarts.get(name).map_or(0, |restarts| restarts.count) + 1;
        self.agent.restarts.insert(name.to_owned(), Restarts { count, last: self.clock.shows(at) });
    }

    pub(super) fn forget_restarts(&mut self, name: &str) {
        self.agent.restarts.remove(name);
    }
}
