//! The messages of one priority that wait for one endpoint, in the order they came, each until its deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::routes::RoutedMessage;

/// A message that waits.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) message: Arc<RoutedMessage>,
    /// When it came.
    pub(super) at: Timestamp,
    pub(super) bytes: u64,
    /// It is not delivered at this instant or later; `None`: it waits for ever.
    pub(super) deadline: Option<Timestamp>,
}

/// A queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    entries: BTreeMap<u64, Entry>,
    /// Routes of one endpoint may differ in their time to live, so that deadlines are not in the order of the queue.
    deadlines: BTreeSet<(Timestamp, u64)>,
    bytes: u64,
    /// Messages delivered since the queue began.
    pub(super) delivered: u64,
    /// Messages expired since the queue began.
    pub(super) expired: u64,
    /// Messages removed since the last cleanup.
    pub(super) removed: u64,
}

impl Queue {
    /// Appends a message; numbers rise.
    pub(super) fn push(&mut self, number: u64, entry: Entry) {
        self.bytes += entry.bytes;
        if let Some(deadline) = entry.deadline {
            self.deadlines.insert((deadline, number));
        }
        self.entries.insert(number, entry);
    }

    /// Drops what is too old, and says how many. What came this very instant is not: it has not been tried yet.
    pub(super) fn expire(&mut self, now: Timestamp) -> u64 {
        let mut count = 0;
        while let Some((_, number)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            if self.entries.get(&number).is_some_and(|entry| entry.at >= now) {
                break;
            }
            self.remove(number);
            count += 1;
        }
        self.expired += count;
        count
    }

    /// Takes the oldest message out, after what is too old was dropped.
    pub(super) fn deliver(&mut self) -> Option<Entry> {
        let number = *self.entries.first_key_value()?.0;
        self.delivered += 1;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(&(deadline, number));
        }
        self.removed += 1;
        Some(entry)
    }

    /// The oldest message.
    pub(super) fn head(&self) -> Option<&Entry> {
        self.entries.first_key_value().map(|(_, entry)| entry)
    }

    /// How many wait.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// How large they are together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
