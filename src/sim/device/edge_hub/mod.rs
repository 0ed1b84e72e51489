//! The simulated edgeHub: takes messages, finds their endpoints, keeps them in order while an endpoint is away, and
//! counts what became of each. Its store outlives its process; its routes do not.
//!
//! `queue` is one endpoint's messages of one priority, `store` all of them, `link` how edgeHub notices that the hub is
//! away and back, `lines` what it says about all this, word for word.

mod lines;
mod link;
mod queue;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::manifest::HubConfig;
use crate::domain::routes::{MessageSource, RoutedMessage, Sink};

use super::instants::after;
use super::program::runtime::Said;
use link::Link;
use queue::Entry;
use store::Store;

pub(in crate::sim) use store::EndpointState;

/// From its start until it takes connections.
const STARTUP: Duration = Duration::from_secs(3);
/// Between two rounds of throwing away what was delivered or is too old.
const CLEANUP: Duration = Duration::from_secs(1_800);
/// Between two complaints about an endpoint that cannot be reached: where its retries end up.
const RETRY: Duration = Duration::from_secs(60);
/// The largest message, properties included.
const LARGEST: u64 = 256 * 1_024;

/// What became of messages. A message counts once in `sent`, and as a copy for each endpoint it was routed to, or as
/// one when there was none: `copies` is always the sum of the six after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that came in.
    pub sent: u64,
    /// Their copies.
    pub copies: u64,
    /// Taken by their endpoint.
    pub delivered: u64,
    /// Waiting.
    pub queued: u64,
    /// Kept until their time to live was over.
    pub expired: u64,
    /// No route wanted them.
    pub no_route: u64,
    /// Not taken: edgeHub was down, its store full, or the message too large.
    pub refused: u64,
    /// Gone with the store, or with the last route to their endpoint.
    pub lost: u64,
}

impl Counts {
    /// Adds those of another edgeHub.
    pub(in crate::sim) fn add(&mut self, other: Self) {
        let Self { sent, copies, delivered, queued, expired, no_route, refused, lost } = other;
        self.sent += sent;
        self.copies += copies;
        self.delivered += delivered;
        self.queued += queued;
        self.expired += expired;
        self.no_route += no_route;
        self.refused += refused;
        self.lost += lost;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    Down,
    Starting { until: Timestamp },
    Up,
}

/// An edgeHub and its store.
#[derive(Debug, Clone)]
pub(in crate::sim) struct EdgeHub {
    device: String,
    process: Process,
    /// Whether the store lives in the process's memory.
    in_memory: bool,
    config: Option<HubConfig>,
    /// The endpoints of the routes in place.
    active: BTreeSet<Sink>,
    store: Store,
    link: Link,
    counts: Counts,
    /// When to complain again about an endpoint that cannot be reached.
    complaints: BTreeMap<Sink, Timestamp>,
    cleanup_at: Option<Timestamp>,
    said: Vec<(Timestamp, Said)>,
}

impl EdgeHub {
    /// The edgeHub of a device, not running, with the network on.
    pub(in crate::sim) fn new(device: &str) -> Self {
        Self {
            device: device.to_owned(),
            process: Process::Down,
            in_memory: false,
            config: None,
            active: BTreeSet::new(),
            store: Store::default(),
            link: Link::default(),
            counts: Counts::default(),
            complaints: BTreeMap::new(),
            cleanup_at: None,
            said: Vec::new(),
        }
    }

    /// Its container starts. Until it is configured it has no routes. `in_memory` is `UsePersistentStorage=false`.
    pub(in crate::sim) fn start(&mut self, at: Timestamp, in_memory: bool) {
        self.process = Process::Starting { until: after(at, STARTUP) };
        self.in_memory = in_memory;
        self.config = None;
        self.active.clear();
    }

    /// Its container ends, in order or not.
    pub(in crate::sim) fn stop(&mut self, at: Timestamp, in_order: bool) {
        if in_order && self.is_up() {
            self.said.extend(lines::stopping().map(|said| (at, said)));
        }
        self.process = Process::Down;
        self.cleanup_at = None;
        self.complaints.clear();
        self.link.forget();
        if self.in_memory {
            self.lose(at);
        }
    }

    /// The store is gone: the container that held it was made anew.
    pub(in crate::sim) fn lose(&mut self, at: Timestamp) {
        self.expire(at);
        self.counts.lost += self.store.clear();
    }

    /// Whether it takes messages.
    pub(in crate::sim) fn is_up(&self) -> bool {
        self.process == Process::Up
    }

    /// Whether it is up and its link to IoT Hub works, as far as it knows.
    #[cfg(test)]
    pub(in crate::sim) fn reaches_hub(&self) -> bool {
        self.is_up() && self.link.delivers()
    }

    /// Routes and times to live take effect. On a change, what waits for an endpoint that no route names any more is
    /// dropped; on a fresh start it stays where it is.
    pub(in crate::sim) fn configure(&mut self, at: Timestamp, config: HubConfig) {
        let is_change = self.config.is_some();
        let is_same = self.config.as_ref() == Some(&config);
        self.said.extend(lines::configured(&config, is_change, is_same).into_iter().map(|said| (at, said)));
        let routes = config.routes.iter().filter_map(|route| route.route.as_ref().ok());
        self.active = routes.map(|route| route.sink.clone()).collect();
        if is_change {
            self.expire(at);
            self.counts.lost += self.store.keep_only(&self.active);
        }
        self.config = Some(config);
    }

    /// The device is called differently.
    pub(in crate::sim) fn rename(&mut self, device: &str) {
        device.clone_into(&mut self.device);
    }

    /// The network between device and hub goes on or off.
    pub(in crate::sim) fn set_link(&mut self, at: Timestamp, on: bool) {
        self.link.set(at, on);
    }

    /// A module's client connected.
    pub(in crate::sim) fn client_connected(&mut self, at: Timestamp, module: &str) {
        self.said.push((at, lines::client_connected(&self.device, module)));
    }

    /// A module's client is gone.
    pub(in crate::sim) fn client_gone(&mut self, at: Timestamp, module: &str) {
        self.said.push((at, lines::client_gone(&self.device, module)));
    }

    /// When it next has something to do by itself.
    pub(in crate::sim) fn wakes_at(&self) -> Option<Timestamp> {
        match self.process {
            Process::Down => None,
            Process::Starting { until } => Some(until),
            Process::Up => {
                let complaint = self.complaints.values().min().copied();
                [self.cleanup_at, self.link.wakes_at(), complaint].into_iter().flatten().min()
            }
        }
    }

    /// When it next does by itself something that a twin shows: its clients connect once it is up.
    pub(in crate::sim) fn shows_at(&self) -> Option<Timestamp> {
        match self.process {
            Process::Starting { until } => Some(until),
            Process::Down | Process::Up => None,
        }
    }

    /// Time has come. Whoever wakes it asks for [`EdgeHub::next`] afterwards.
    pub(in crate::sim) fn wake(&mut self, at: Timestamp) {
        match self.process {
            Process::Starting { until } if until <= at => {
                self.process = Process::Up;
                self.said.extend(lines::started().map(|said| (at, said)));
                self.link.begin(at);
                self.cleanup_at = Some(after(at, CLEANUP));
            }
            Process::Down | Process::Starting { .. } => return,
            Process::Up => {}
        }
        self.link.wake(at, &self.device, &mut self.said);
        if self.cleanup_at.is_some_and(|due| due <= at) {
            self.cleanup_at = Some(after(at, CLEANUP));
            self.expire(at);
            let device = &self.device;
            let cleaned = self.store.clean_up();
            self.said.extend(cleaned.into_iter().flat_map(|(sink, priority, count)| {
                lines::cleaned_up(&lines::queue_name(device, &sink, priority), count).map(|said| (at, said))
            }));
        }
    }

    /// A message from a module, or about a module's twin.
    pub(in crate::sim) fn accept(&mut self, at: Timestamp, message: RoutedMessage) {
        let chosen: Vec<_> = match &self.config {
            Some(config) if self.is_up() => config.choose(&message),
            _ => Vec::new(),
        }
        .into_iter()
        .map(|candidate| (candidate.route.sink.clone(), candidate.priority, candidate.time_to_live))
        .collect();
        // Nobody misses a notice of a twin's change that no route asked for.
        if chosen.is_empty() && message.source == MessageSource::TwinChange {
            return;
        }
        let bytes = size(&message);
        let copies = u64::try_from(chosen.len()).unwrap_or(u64::MAX).max(1);
        self.counts.sent += 1;
        self.counts.copies += copies;
        if !self.is_up() || bytes > LARGEST || self.is_full(at) {
            self.counts.refused += copies;
            return;
        }
        if chosen.is_empty() {
            self.counts.no_route += 1;
            return;
        }
        let message = Arc::new(message);
        for (sink, priority, time_to_live) in chosen {
            if sink == Sink::Upstream {
                self.link.attempt(at);
            }
            let deadline = time_to_live.and_then(|length| at.checked_add(length).ok());
            let entry = Entry { message: Arc::clone(&message), at, bytes, deadline };
            self.counts.expired += self.store.push(at, sink, priority, entry);
        }
    }

    /// Whether the store takes nothing more; only the one in memory has a limit.
    fn is_full(&mut self, at: Timestamp) -> bool {
        let most = self.config.as_ref().and_then(|config| config.max_store_bytes).filter(|_| self.in_memory);
        let Some(most) = most else { return false };
        self.expire(at);
        self.store.bytes() >= u64::try_from(most).unwrap_or(0)
    }

    /// Hands out the next message that can be delivered: for each endpoint by priority, within one in the order they
    /// came. A module gets its own while it `listens`; what goes upstream is delivered with this call.
    pub(in crate::sim) fn next(
        &mut self,
        at: Timestamp,
        listens: impl Fn(&str) -> bool,
    ) -> Option<(Sink, Arc<RoutedMessage>)> {
        if !self.is_up() {
            return None;
        }
        let is_ready = |sink: &Sink, link: &Link| match sink {
            Sink::Upstream => link.delivers(),
            Sink::Module { module, .. } => listens(module),
        };
        let (link, active) = (&self.link, &self.active);
        let (found, expired) = self.store.pop(at, |sink| active.contains(sink) && is_ready(sink, link));
        self.counts.expired += expired;
        if let Some((sink, message)) = found {
            self.counts.delivered += 1;
            if sink == Sink::Upstream {
                self.link.succeeded(at);
            }
            return Some((sink, message));
        }
        self.expire(at);
        let blocked: BTreeMap<Sink, Arc<RoutedMessage>> = self
            .store
            .heads()
            .filter(|(sink, _)| self.active.contains(sink) && !is_ready(sink, &self.link))
            .filter(|(sink, _)| *sink != Sink::Upstream || self.link.is_disconnected())
            .collect();
        self.complain(at, &blocked);
        None
    }

    /// Says which endpoints cannot be reached, at once and then now and again.
    fn complain(&mut self, at: Timestamp, blocked: &BTreeMap<Sink, Arc<RoutedMessage>>) {
        self.complaints.retain(|sink, _| blocked.contains_key(sink));
        for (sink, message) in blocked {
            if self.complaints.get(sink).is_none_or(|due| *due <= at) {
                self.complaints.insert(sink.clone(), after(at, RETRY));
                self.said.push((at, lines::unreachable(&self.device, sink, message)));
            }
        }
    }

    fn expire(&mut self, at: Timestamp) {
        self.counts.expired += self.store.expire(at);
    }

    /// What became of everything that ever came in.
    pub(in crate::sim) fn counts(&mut self, at: Timestamp) -> Counts {
        self.expire(at);
        Counts { queued: self.store.queued(), ..self.counts }
    }

    /// The queues, by endpoint and priority.
    pub(in crate::sim) fn endpoints(&mut self, at: Timestamp) -> Vec<EndpointState> {
        self.expire(at);
        self.store.endpoints()
    }

    /// What it said since this was last asked.
    pub(in crate::sim) fn take_said(&mut self) -> Vec<(Timestamp, Said)> {
        std::mem::take(&mut self.said)
    }
}

/// A message's size as edgeHub counts it.
fn size(message: &RoutedMessage) -> u64 {
    let properties = message.properties.iter().chain(&message.system);
    let length: usize = message.body.len() + properties.map(|(name, value)| name.len() + value.len()).sum::<usize>();
    u64::try_from(length).unwrap_or(u64::MAX)
}
