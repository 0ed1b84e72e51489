//! All queues of a store, by endpoint and priority.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::queue::{Entry, Queue};
use crate::domain::routes::{RoutedMessage, Sink};

/// A queue as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct EndpointState {
    /// Where it leads.
    pub endpoint: Sink,
    /// 0 comes first.
    pub priority: u32,
    /// Messages that wait.
    pub queued: u64,
    /// Messages delivered since the queue began.
    pub delivered: u64,
    /// Messages expired since the queue began.
    pub expired: u64,
}

/// The queues. Of one endpoint, lower priorities come first, as the order of the keys has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    queues: BTreeMap<(Sink, u32), Queue>,
    next: u64,
}

impl Store {
    /// Appends a message; returns how many of its queue had expired before.
    pub(super) fn push(&mut self, now: Timestamp, sink: Sink, priority: u32, entry: Entry) -> u64 {
        let queue = self.queues.entry((sink, priority)).or_default();
        let expired = queue.expire(now);
        queue.push(self.next, entry);
        self.next += 1;
        expired
    }

    /// Takes the first message of an endpoint that is ready, and says how many were found expired on the way.
    pub(super) fn pop(
        &mut self,
        now: Timestamp,
        is_ready: impl Fn(&Sink) -> bool,
    ) -> (Option<(Sink, Arc<RoutedMessage>)>, u64) {
        let mut expired = 0;
        for ((sink, _), queue) in &mut self.queues {
            if queue.len() == 0 || !is_ready(sink) {
                continue;
            }
            expired += queue.expire(now);
            if let Some(entry) = queue.deliver() {
                return (Some((sink.clone(), entry.message)), expired);
            }
        }
        (None, expired)
    }

    /// The first waiting message of each endpoint.
    pub(super) fn heads(&self) -> impl Iterator<Item = (Sink, Arc<RoutedMessage>)> {
        // Of several priorities the first wins when collected in reverse.
        self.queues
            .iter()
            .rev()
            .filter_map(|((sink, _), queue)| queue.head().map(|entry| (sink.clone(), Arc::clone(&entry.message))))
    }

    /// Drops what is too old, everywhere.
    pub(super) fn expire(&mut self, now: Timestamp) -> u64 {
        self.queues.values_mut().map(|queue| queue.expire(now)).sum()
    }

    /// Drops everything, and says how many messages that was.
    pub(super) fn clear(&mut self) -> u64 {
        let lost = self.queued();
        self.queues.clear();
        lost
    }

    /// Drops the queues of all other endpoints, and says how many messages were in them.
    pub(super) fn keep_only(&mut self, endpoints: &BTreeSet<Sink>) -> u64 {
        let before = self.queued();
        self.queues.retain(|(sink, _), _| endpoints.contains(sink));
        before - self.queued()
    }

    /// How many messages each queue lost since this was last asked, delivered or expired.
    pub(super) fn clean_up(&mut self) -> Vec<(Sink, u32, u64)> {
        let cleaned = self
            .queues
            .iter_mut()
            .map(|((sink, priority), queue)| (sink.clone(), *priority, std::mem::take(&mut queue.removed)));
        cleaned.collect()
    }

    /// How many messages wait.
    pub(super) fn queued(&self) -> u64 {
        self.queues.values().map(Queue::len).sum()
    }

    /// How large they are together.
    pub(super) fn bytes(&self) -> u64 {
        self.queues.values().map(Queue::bytes).sum()
    }

    /// The queues as they are shown.
    pub(super) fn endpoints(&self) -> Vec<EndpointState> {
        let state = |((sink, priority), queue): (&(Sink, u32), &Queue)| EndpointState {
            endpoint: sink.clone(),
            priority: *priority,
            queued: queue.len(),
            delivered: queue.delivered,
            expired: queue.expired,
        };
        self.queues.iter().map(state).collect()
    }
}
