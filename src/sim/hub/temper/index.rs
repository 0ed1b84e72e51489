//! What queries see: not the registry and its twins, but an index that comes behind. What was just created is not in it yet,
//! what was deleted still is, and twins are what they were. Whatever is read by its id is as it is.
//!
//! Recorded: a new device is missing for up to five seconds, ten of one bulk show up piece by piece, a deleted one was still
//! listed a second later; somebody met such ghosts after 25 minutes. So each device comes behind by a time of its own, up to
//! the lag, and one in eight of what is deleted haunts for up to three hundred times as long.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;
use std::time::Duration;

use jiff::Timestamp;

use crate::sim::hub::entropy::Entropy;
use crate::sim::hub::state::{Device, State};

/// The shortest time is such a part of the lag.
const SHORTEST: u32 = 5;
/// One in so many of what is deleted haunts …
const HAUNTS: u64 = 8;
/// … for up to so many times the lag.
const HAUNTED: u32 = 300;

/// Devices that the index shows otherwise than they are.
#[derive(Default)]
pub(in crate::sim::hub) struct Index {
    lag: Duration,
    /// What happened before was long ago when somebody looked first.
    since: Timestamp,
    behind: BTreeMap<String, Behind>,
}

/// One of them.
struct Behind {
    /// As the index shows it; nothing when it shows none.
    shown: Option<Device>,
    until: Timestamp,
}

impl Index {
    /// Another lag from now on; none shows everything as it is.
    pub(in crate::sim::hub) fn set(&mut self, lag: Duration, now: Timestamp) {
        self.lag = lag;
        self.since = now;
        if lag.is_zero() {
            self.behind.clear();
        }
    }

    /// Forgets what has caught up by `now`.
    pub(in crate::sim::hub) fn catch_up(&mut self, now: Timestamp) {
        if !self.behind.is_empty() {
            self.behind.retain(|_, behind| behind.until > now);
        }
    }

    /// How many devices it shows otherwise than they are.
    pub(in crate::sim::hub) fn behind(&self) -> usize {
        self.behind.len()
    }

    /// A device is about to change, be made, or be deleted; `before` is what it is.
    pub(in crate::sim::hub) fn note(
        &mut self,
        id: &str,
        before: Option<&Device>,
        deleted: bool,
        at: Timestamp,
        entropy: &mut Entropy,
    ) {
        if self.lag.is_zero() || at < self.since {
            return;
        }
        let known = self.behind.get_mut(id).filter(|behind| behind.until > at);
        if known.is_some() && !deleted {
            return;
        }
        let haunts = deleted && entropy.first_etag().is_multiple_of(HAUNTS);
        let span = if haunts { (self.lag, self.lag * HAUNTED) } else { (self.lag / SHORTEST, self.lag) };
        let until = at.saturating_add(entropy.between(span)).unwrap_or(at);
        match known {
            Some(behind) => behind.until = behind.until.max(until),
            None => drop(self.behind.insert(id.to_owned(), Behind { shown: before.cloned(), until })),
        }
    }
}

impl State {
    /// A device is about to change, or to be made.
    pub(in crate::sim::hub) fn will_change(&mut self, id: &str, at: Timestamp) {
        self.index.note(id, self.devices.get(id), false, at, &mut self.entropy);
    }

    /// A device is about to be deleted.
    pub(in crate::sim::hub) fn will_be_deleted(&mut self, id: &str, at: Timestamp) {
        self.index.note(id, self.devices.get(id), true, at, &mut self.entropy);
    }

    /// A device as the index shows it.
    pub(in crate::sim::hub) fn indexed(&self, id: &str) -> Option<&Device> {
        match self.index.behind.get(id) {
            Some(behind) => behind.shown.as_ref(),
            None => self.devices.get(id),
        }
    }

    /// The devices of the index by id, from `start` on.
    pub(in crate::sim::hub) fn indexed_from(&self, start: Bound<String>) -> impl Iterator<Item = (&String, &Device)> {
        let mut living = self.devices.range((start.clone(), Bound::Unbounded)).peekable();
        let gone = self.index.behind.range((start, Bound::Unbounded));
        let gone = gone.filter(|(id, _)| !self.devices.contains_key(*id));
        let mut ghosts = gone.filter_map(|(id, behind)| Some((id, behind.shown.as_ref()?))).peekable();
        iter::from_fn(move || {
            loop {
                let haunts = match (living.peek(), ghosts.peek()) {
                    (Some((living, _)), Some((ghost, _))) => ghost < living,
                    (living, _) => living.is_none(),
                };
                if haunts {
                    return ghosts.next();
                }
                let (id, device) = living.next()?;
                match self.index.behind.get(id) {
                    None => return Some((id, device)),
                    Some(Behind { shown: Some(shown), .. }) => return Some((id, shown)),
                    Some(Behind { shown: None, .. }) => {}
                }
            }
        })
    }
}
