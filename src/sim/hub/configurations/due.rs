//! When the hub looks at its configurations again. There is no thread: work is due at an instant of the world's clock,
//! and is done before the next request is answered, in order and as of its instant.
//!
//! A written configuration is counted about a second later, evaluated after two to four, and counted once more;
//! whatever changes on the side of the devices is seen on a beat of five minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::sim::hub::entropy::Entropy;
use crate::sim::hub::state::State;

use super::evaluate::{self, Scope};
use super::metrics;

/// How often the service looks at everything.
pub(super) const BEAT: Duration = Duration::from_secs(300);
/// From a write to the first count; recorded lists hold counts after about a second.
fn first_count(lag: Duration) -> (Duration, Duration) {
    (lag * 7 / 100, lag * 15 / 100)
}
/// From a write to its effect on twins.
const EVALUATION: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));
/// From an evaluation to the count after it: long enough for a device that is awake to have answered.
fn count(lag: Duration) -> (Duration, Duration) {
    (lag * 8 / 10, lag * 12 / 10)
}

/// From an evaluation to its figures, more or less.
pub(in crate::sim::hub) const LAG: Duration = Duration::from_secs(10);

/// Between two pieces of work that follow each other at once.
const STEP: Duration = Duration::from_millis(1);

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    /// Count for one configuration.
    Count(String),
    /// Count for all.
    CountAll,
    /// Evaluate what one configuration touches.
    Evaluate(String),
    /// Evaluate everything.
    Beat,
}

/// What is due when. Each piece of work stands here once, so the list is no longer than there are configurations that
/// were just written.
#[derive(Debug)]
pub(super) struct Due {
    at: BTreeMap<Work, Timestamp>,
    beat: Duration,
    /// From an evaluation to its figures, more or less.
    lag: Duration,
}

impl Due {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { at: BTreeMap::from([(Work::Beat, after(now, BEAT))]), beat: BEAT, lag: LAG }
    }

    /// A configuration was written or deleted.
    pub(super) fn written(&mut self, id: &str, now: Timestamp, entropy: &mut Entropy) {
        let (first, evaluation) = (entropy.between(first_count(self.lag)), entropy.between(EVALUATION));
        self.at.insert(Work::Count(id.to_owned()), after(now, first));
        self.at.insert(Work::Evaluate(id.to_owned()), after(now, evaluation));
    }

    /// Everything is looked at now, and then counted.
    pub(super) fn everything(&mut self, now: Timestamp) {
        self.at.insert(Work::Beat, now.saturating_sub(STEP).unwrap_or(now));
        self.at.insert(Work::CountAll, now);
    }

    /// Another beat, the next one within its time from now.
    pub(super) fn set_beat(&mut self, beat: Duration, now: Timestamp) {
        self.beat = beat;
        self.at.insert(Work::Beat, after(now, beat));
    }

    /// Figures come so much later from now on.
    pub(super) fn set_lag(&mut self, lag: Duration) {
        self.lag = lag;
    }

    /// The same, as of another beginning.
    pub(super) fn begun(&self, at: Timestamp) -> Self {
        Self { lag: self.lag, ..Self::new(at) }
    }

    /// When a beat and the counts after it have passed since `at`.
    pub(super) fn settled_after(&self, at: Timestamp) -> Timestamp {
        after(at, self.beat + count(self.lag).1 + STEP)
    }

    /// The first piece of work that is due by `now`.
    fn next(&mut self, now: Timestamp) -> Option<(Work, Timestamp)> {
        let (work, at) = self.at.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at)?;
        let found = (work.clone(), *at);
        self.at.remove(&found.0);
        Some(found)
    }

    /// The beat after one at `at`. Between two requests nothing changes by itself, so of all that were missed the last
    /// one sees everything.
    fn beat_after(&self, at: Timestamp, now: Timestamp) -> Timestamp {
        let passed = Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let beats = passed.as_nanos() / self.beat.as_nanos().max(1);
        let skipped = self.beat.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX).max(1));
        after(at, skipped)
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

impl State {
    /// Does what is due by `now`.
    pub(in crate::sim::hub) fn evaluate_due(&mut self, now: Timestamp) {
        while let Some((work, at)) = self.configurations.due.next(now) {
            // What it looks at is what the machines have reported by then.
            self.advance(at);
            match work {
                Work::Count(id) => metrics::count(self, Some(&id), at),
                Work::CountAll => metrics::count(self, None, at),
                Work::Evaluate(id) => {
                    evaluate::run(self, Scope::Touched(&id), at);
                    let wait = self.entropy.between(count(self.configurations.due.lag));
                    self.configurations.due.at.insert(Work::Count(id), after(at, wait));
                }
                Work::Beat => {
                    evaluate::run(self, Scope::Everything, at);
                    let wait = self.entropy.between(count(self.configurations.due.lag));
                    let due = &mut self.configurations.due;
                    // A beat that is quicker than the count after it must not put it off for ever.
                    due.at.entry(Work::CountAll).or_insert(after(at, wait));
                    let next = due.beat_after(at, now);
                    due.at.insert(Work::Beat, next);
                }
            }
        }
    }
}
