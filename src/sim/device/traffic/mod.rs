//! What happens on one device between two looks at it: programs are woken in the order of time, their messages routed
//! and delivered, their lines written. Whoever plays edgeAgent and the container engine starts and stops containers
//! here and hears of exits.
//!
//! Everything is driven from outside and nothing waits: [`Traffic::run_until`] brings the device up to an instant.
//! The same calls make the same device, in however many steps it is brought there. `container` is one container,
//! `messages` what edgeHub adds to a module's message, `events` what the caller hears.

mod container;
mod events;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::HubConfig;
use crate::domain::routes::Sink;

use super::edge_hub::{Counts, EdgeHub, EndpointState};
use super::log::{ContainerLog, LogCaps, LogFault};
use super::program::runtime::Said;
use super::program::{Effect, Start, Stream, of_image};
use container::{Container, is_silent};
use messages::{telemetry, twin_change};

pub(in crate::sim) use events::{Connection, Exit, MethodOutcome, Report};

/// The container of edgeHub.
const HUB: &str = "edgeHub";
/// Lines of one moment are so far apart in the log.
const BETWEEN_LINES: Duration = Duration::from_nanos(700);

/// The containers of one device and the edgeHub between them.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Traffic {
    device: String,
    caps: LogCaps,
    now: Timestamp,
    hub: EdgeHub,
    containers: BTreeMap<String, Container>,
    /// Whether clients trust edgeHub's certificate; who does not has no connection and sends nothing.
    trusted: bool,
    exits: VecDeque<Exit>,
    reports: Vec<Report>,
    connections: Vec<Connection>,
}

impl Traffic {
    /// A device without containers.
    pub(in crate::sim) fn new(device: &str, caps: LogCaps, at: Timestamp) -> Self {
        Self {
            device: device.to_owned(),
            caps,
            now: at,
            hub: EdgeHub::new(device),
            containers: BTreeMap::new(),
            trusted: true,
            exits: VecDeque::new(),
            reports: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// The device is called differently, and always was.
    pub(in crate::sim) fn rename(&mut self, device: &str) {
        for container in self.containers.values_mut() {
            container.log.rename(&self.device, device);
            if let Some(program) = &mut container.program {
                program.rename(device);
            }
        }
        self.hub.rename(device);
        device.clone_into(&mut self.device);
    }

    /// How far the device was brought.
    pub(in crate::sim) fn now(&self) -> Timestamp {
        self.now
    }

    /// Makes a container, with an empty log. One of the same name is removed first.
    pub(in crate::sim) fn create(&mut self, module: &str) {
        self.remove(module);
        self.containers.insert(module.to_owned(), Container::new(self.caps));
    }

    /// Removes a container and its log; a running program ends without a word. edgeHub's store stays, see
    /// [`Traffic::lose_store`].
    pub(in crate::sim) fn remove(&mut self, module: &str) {
        self.end(module);
        self.containers.remove(module);
    }

    /// edgeHub's store was inside its container, which is made anew.
    pub(in crate::sim) fn lose_store(&mut self) {
        self.hub.lose(self.now);
    }

    /// Starts a container that was made, now, whatever `start` says about that; it writes to the log it has. Nothing
    /// happens without one.
    pub(in crate::sim) fn start(&mut self, start: &Start<'_>) {
        let start = &Start { at: self.now, ..*start };
        if !self.containers.contains_key(start.module) {
            return;
        }
        self.end(start.module);
        let mut out = Vec::new();
        let program = of_image(start, &mut out);
        if let Some(container) = self.containers.get_mut(start.module) {
            container.program = Some(program);
        }
        if start.module == HUB {
            let setting = start.env.iter().find(|(name, _)| name.eq_ignore_ascii_case("UsePersistentStorage"));
            let in_memory = setting.is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("false"));
            self.hub.start(self.now, in_memory);
        }
        self.apply(start.module, out);
        self.settle();
    }

    /// Stops a container in order and says with which code it ended; nothing when it does not run.
    pub(in crate::sim) fn stop(&mut self, module: &str) -> Option<i64> {
        let program = self.containers.get_mut(module)?.program.as_mut()?;
        let mut out = Vec::new();
        let code = program.stop(self.now, &mut out);
        self.apply(module, out);
        if module == HUB {
            self.hub.stop(self.now, true);
            self.write_hub_lines();
        }
        self.end(module);
        self.write_hub_lines();
        Some(code)
    }

    /// Ends a container's program from outside, without asking it; with what it manages to say before.
    pub(in crate::sim) fn kill(&mut self, module: &str, last_words: &str) {
        if self.runs(module) && !last_words.is_empty() {
            self.write(module, Stream::Stderr, last_words.as_bytes());
        }
        self.end(module);
        self.write_hub_lines();
    }

    /// edgeHub's certificate expired, or was renewed.
    pub(in crate::sim) fn set_trusted(&mut self, trusted: bool) {
        self.trusted = trusted;
        self.settle();
    }

    /// The power fails: nothing runs any more, and nobody says so.
    pub(in crate::sim) fn power_off(&mut self) {
        let modules: Vec<String> = self.containers.keys().cloned().collect();
        self.hub.stop(self.now, false);
        for module in modules {
            self.end(&module);
        }
    }

    fn end(&mut self, module: &str) {
        let Some(container) = self.containers.get_mut(module) else { return };
        if container.program.take().is_none() {
            return;
        }
        if module == HUB {
            self.hub.stop(self.now, false);
        } else if std::mem::take(&mut container.connected) && self.hub.is_up() {
            self.hub.client_gone(self.now, module);
            self.connections.push(Connection { module: module.to_owned(), at: self.now, connected: false });
        }
    }

    /// edgeHub takes a configuration. It forgets it when it ends.
    pub(in crate::sim) fn configure(&mut self, config: HubConfig) {
        self.hub.configure(self.now, config);
        self.settle();
    }

    /// The network between device and hub goes on or off.
    pub(in crate::sim) fn set_link(&mut self, on: bool) {
        self.hub.set_link(self.now, on);
        self.settle();
    }

    /// A module's desired properties changed; `desired` is all of them after it.
    pub(in crate::sim) fn desired(&mut self, module: &str, patch: &Map<String, Value>, desired: &Map<String, Value>) {
        let Some(program) = self.containers.get_mut(module).and_then(|container| container.program.as_mut()) else {
            return;
        };
        let mut out = Vec::new();
        program.desired(self.now, patch, desired, &mut out);
        self.apply(module, out);
        self.settle();
    }

    /// A direct method that came through edgeHub.
    pub(in crate::sim) fn method(&mut self, module: &str, name: &str, payload: &Value) -> MethodOutcome {
        let is_up = self.hub.is_up() && self.trusted;
        let program = self.containers.get_mut(module).and_then(|container| container.program.as_mut());
        let Some(program) = program.filter(|program| is_up && program.listens()) else {
            return MethodOutcome::NotConnected;
        };
        let mut out = Vec::new();
        let answer = program.method(self.now, name, payload, &mut out);
        self.apply(module, out);
        self.settle();
        match answer {
            Some((status, payload)) => MethodOutcome::Answered { status, payload },
            None => MethodOutcome::Unknown,
        }
    }

    /// Writes into a container's log what somebody else says in its name: edgeAgent's lines.
    pub(in crate::sim) fn write(&mut self, module: &str, stream: Stream, line: &[u8]) {
        if let Some(container) = self.containers.get_mut(module) {
            container.write(self.now, stream, line);
        }
    }

    /// Writes into a container's log what somebody else says in its name, at an instant that may be later than how far
    /// the device was brought.
    pub(in crate::sim) fn say(&mut self, module: &str, at: Timestamp, said: &Said) {
        if let Some(container) = self.containers.get_mut(module) {
            container.write(at, Stream::Stdout, said.at(at).as_bytes());
        }
    }

    /// A container's log.
    #[cfg(test)]
    pub(in crate::sim) fn log(&self, module: &str) -> Option<&ContainerLog> {
        self.containers.get(module).map(|container| &container.log)
    }

    /// Damages a container's log, or repairs it.
    pub(in crate::sim) fn set_log_fault(&mut self, module: &str, fault: Option<LogFault>) {
        if let Some(container) = self.containers.get_mut(module) {
            container.log.set_fault(fault);
        }
    }

    /// Every container's log, by name.
    pub(in crate::sim) fn logs(&self) -> Vec<(&str, &ContainerLog)> {
        self.containers.iter().map(|(name, container)| (name.as_str(), &container.log)).collect()
    }

    /// Whether a container's program runs.
    pub(in crate::sim) fn runs(&self, module: &str) -> bool {
        self.containers.get(module).is_some_and(|container| container.program.is_some())
    }

    /// Whether edgeHub takes connections.
    pub(in crate::sim) fn is_hub_up(&self) -> bool {
        self.hub.is_up()
    }

    /// Whether edgeHub reaches the hub: only then twins and methods of modules do.
    #[cfg(test)]
    pub(in crate::sim) fn reaches_hub(&self) -> bool {
        self.hub.reaches_hub()
    }

    /// Whether a module's client is connected to edgeHub.
    pub(in crate::sim) fn is_connected(&self, module: &str) -> bool {
        self.hub.is_up() && self.containers.get(module).is_some_and(|container| container.connected)
    }

    /// What became of all messages so far.
    pub(in crate::sim) fn counts(&mut self) -> Counts {
        self.hub.counts(self.now)
    }

    /// edgeHub's queues.
    pub(in crate::sim) fn endpoints(&mut self) -> Vec<EndpointState> {
        self.hub.endpoints(self.now)
    }

    /// The reported properties that came since this was last asked, in the order of time.
    pub(in crate::sim) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// The clients that came and went since this was last asked, in the order of time.
    pub(in crate::sim) fn take_connections(&mut self) -> Vec<Connection> {
        std::mem::take(&mut self.connections)
    }

    /// When something next happens by itself; nothing ever when it is `None`.
    pub(in crate::sim) fn wakes_at(&self) -> Option<Timestamp> {
        let hub_is_up = self.hub.is_up();
        let programs = self.containers.values().filter_map(|container| container.wakes_at(hub_is_up)).min();
        [programs, self.hub.wakes_at()].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// When something next happens by itself that a twin shows. Until then the device need not be brought anywhere unless
    /// somebody looks at its logs and messages.
    pub(in crate::sim) fn shows_at(&self) -> Option<Timestamp> {
        let hub_is_up = self.hub.is_up();
        let programs = self.containers.values().filter_map(|container| container.shows_at(hub_is_up)).min();
        [programs, self.hub.shows_at()].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// Passes over the time until then, of which nobody will ever ask what was sent and logged. Never over an instant of
    /// [`Traffic::shows_at`].
    pub(in crate::sim) fn rest_until(&mut self, until: Timestamp) {
        if until > self.now {
            let programs = self.containers.values_mut().filter_map(|container| container.program.as_mut());
            programs.for_each(|program| program.rest(until));
            self.now = until;
        }
    }

    /// Brings the device up to `until`, or to the first exit on the way, which is then returned: whoever restarts
    /// containers decides what it means and calls again. The instant reached is [`Traffic::now`]. Who asks for `until`
    /// must not read logs at an earlier instant afterwards: lines that will be gone by then may be left out.
    pub(in crate::sim) fn run_until(&mut self, until: Timestamp) -> Option<Exit> {
        loop {
            if let Some(exit) = self.exits.pop_front() {
                return Some(exit);
            }
            let Some(at) = self.wakes_at().filter(|at| *at <= until) else { break };
            self.now = at;
            if self.hub.wakes_at().is_some_and(|due| due <= at) {
                self.hub.wake(at);
                self.settle();
            } else {
                self.wake_next(until);
            }
        }
        self.now = self.now.max(until);
        None
    }

    /// Wakes the first program whose time has come, or lets it skip what nobody will read.
    fn wake_next(&mut self, until: Timestamp) {
        let hub_is_up = self.hub.is_up();
        let (now, caps) = (self.now, self.caps);
        let due = self.containers.iter_mut().find_map(|(name, container)| {
            let due = container.wakes_at(hub_is_up).is_some_and(|due| due <= now);
            due.then(|| (name.clone(), container))
        });
        let Some((module, container)) = due else { return };
        let Some(program) = container.program.as_mut() else { return };
        if let Some(skipped) = program.skip(until, caps) {
            container.log.pass(skipped.lines, skipped.line_bytes);
            return;
        }
        let mut out = Vec::new();
        program.wake(now, &mut out);
        self.apply(&module, out);
        self.settle();
    }

    /// Carries out what a program did.
    fn apply(&mut self, module: &str, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Log { stream, line } => self.write(module, stream, &line),
                Effect::Send { .. } if !self.trusted => {}
                Effect::Send { output, message } => {
                    let message = telemetry(&self.device, module, output, message);
                    self.hub.accept(self.now, message);
                }
                Effect::Report(patch) => {
                    self.hub.accept(self.now, twin_change(&self.device, module, &patch));
                    self.reports.push(Report { module: module.to_owned(), at: self.now, patch });
                }
                Effect::Exit(code) => {
                    self.end(module);
                    self.exits.push_back(Exit { module: module.to_owned(), at: self.now, code });
                    break;
                }
            }
        }
        self.note_connections();
    }

    /// Tells edgeHub whose client connected.
    fn note_connections(&mut self) {
        if !self.hub.is_up() {
            for container in self.containers.values_mut() {
                container.connected = false;
            }
            return;
        }
        for (name, container) in &mut self.containers {
            let listens = self.trusted && !is_silent(name) && container.listens();
            if listens != container.connected {
                if listens {
                    self.hub.client_connected(self.now, name);
                } else {
                    self.hub.client_gone(self.now, name);
                }
                self.connections.push(Connection { module: name.clone(), at: self.now, connected: listens });
            }
            container.connected = listens;
        }
    }

    /// Delivers what can be delivered until nothing more can, and writes down what edgeHub said about it.
    fn settle(&mut self) {
        self.note_connections();
        loop {
            let (containers, trusted) = (&self.containers, self.trusted);
            let listens = |module: &str| trusted && containers.get(module).is_some_and(Container::listens);
            let Some((endpoint, message)) = self.hub.next(self.now, listens) else { break };
            let Sink::Module { module, input } = endpoint else { continue };
            let program = self.containers.get_mut(&module).and_then(|container| container.program.as_mut());
            if let Some(program) = program {
                let mut out = Vec::new();
                program.message(self.now, &input, &message, &mut out);
                self.apply(&module, out);
            }
        }
        self.write_hub_lines();
    }

    fn write_hub_lines(&mut self) {
        let said = self.hub.take_said();
        if let Some(container) = self.containers.get_mut(HUB) {
            for (at, said) in said {
                container.write(at, Stream::Stdout, said.at(at).as_bytes());
            }
        }
    }
}
