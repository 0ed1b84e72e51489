//! How fast the hub serves: what comes too fast is served late at first, and refused when too much of it waits.
//!
//! The service says that a burst is served at once for "a minute or two", then what is too much waits in a queue that is
//! worked off at the rate that was bought, and is refused when that is full; nobody says how deep either is. A free hub took
//! 250 reads of its registry in ten seconds (2.4 minutes' worth), and 45 writes of configurations at about one a second with
//! one or two refused (a minute and a half's worth at once, the rest at its rate). Of the other classes nothing is known;
//! theirs is a minute's worth. A refusal says to wait ten seconds, and nothing here waits longer than that.

use std::time::Duration;

use jiff::Timestamp;

use crate::sim::hub::edition::{Class, Edition, Rate};

/// The longest that a request waits for its turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a class may be asked for all it allows, ahead of time, and be served at once.
fn burst(class: Class) -> Duration {
    Duration::from_secs(match class {
        Class::Registry => 150,
        Class::Configuration => 90,
        Class::Query | Class::TwinRead | Class::TwinWrite | Class::Method | Class::Job => 60,
    })
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is served at once.
    Now,
    /// It is served after this time.
    After(Duration),
    /// It is refused, and nothing is taken for it.
    Never,
}

/// What became of the requests of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    /// Served at once.
    pub at_once: u64,
    /// Served late.
    pub late: u64,
    /// Refused with 429.
    pub refused: u64,
}

/// One class: when all that was taken from it would have been served at its rate. Before that instant it is in debt.
#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    even: Option<Timestamp>,
    turns: Turns,
}

impl Lane {
    fn debt(&self, now: Timestamp) -> Duration {
        self.even.and_then(|even| Duration::try_from(even.duration_since(now)).ok()).unwrap_or_default()
    }
}

/// All classes.
#[derive(Debug, Default)]
pub(super) struct Rates([Lane; Class::ALL.len()]);

impl Rates {
    fn lane(&self, class: Class) -> Lane {
        let found = Class::ALL.iter().zip(&self.0).find(|(known, _)| **known == class);
        found.map(|(_, lane)| *lane).unwrap_or_default()
    }

    fn lane_mut(&mut self, class: Class) -> Option<&mut Lane> {
        Class::ALL.iter().zip(&mut self.0).find(|(known, _)| **known == class).map(|(_, lane)| lane)
    }

    /// Takes `cost` operations. What is asked for as a whole, the items of a bulk, does not wait: it is refused where the
    /// burst is not deep enough.
    pub(super) fn take(&mut self, edition: Edition, class: Class, cost: u32, whole: bool, now: Timestamp) -> Turn {
        let Rate { count, per } = edition.rate(class);
        let time = per.saturating_mul(cost) / count.max(1);
        let Some(lane) = self.lane_mut(class) else { return Turn::Now };
        let debt = lane.debt(now).saturating_add(time);
        let wait = debt.saturating_sub(burst(class));
        if wait > PATIENCE || (whole && !wait.is_zero()) {
            lane.turns.refused += 1;
            return Turn::Never;
        }
        lane.even = now.saturating_add(debt).ok();
        if wait.is_zero() {
            lane.turns.at_once += 1;
            Turn::Now
        } else {
            lane.turns.late += 1;
            Turn::After(wait)
        }
    }

    /// How much of its burst a class has used, in percent; more than a hundred while requests wait.
    pub(super) fn used(&self, class: Class, now: Timestamp) -> u32 {
        let debt = self.lane(class).debt(now);
        u32::try_from(debt.as_millis().saturating_mul(100) / burst(class).as_millis().max(1)).unwrap_or(u32::MAX)
    }

    /// What became of a class's requests.
    pub(super) fn turns(&self, class: Class) -> Turns {
        self.lane(class).turns
    }

    /// Nothing was taken yet; what became of requests stays counted.
    pub(super) fn rest(&mut self) {
        self.0.iter_mut().for_each(|lane| lane.even = None);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::sim::hub::edition::Sku;

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_served_then_there_is_a_queue_then_nothing() {
        let (mut rates, edition) = (Rates::default(), Edition::default());
        let mut turns: Vec<Turn> = Vec::new();
        for _ in 0..25 {
            turns.push(rates.take(edition, Class::Query, 1, false, at(0)));
        }
        assert!(turns[..20].iter().all(|turn| *turn == Turn::Now), "a minute's worth: {turns:?}");
        let waits = [3, 6, 9].map(|seconds| Turn::After(Duration::from_secs(seconds)));
        assert_eq!(turns[20..23], waits, "one every three seconds is what was bought");
        assert_eq!(turns[23..], [Turn::Never, Turn::Never], "and nobody waits more than ten seconds");
        assert_eq!(rates.used(Class::Query, at(0)), 115);
        assert_eq!(rates.turns(Class::Query), Turns { at_once: 20, late: 3, refused: 2 });
        assert_eq!(rates.take(edition, Class::TwinRead, 1, false, at(0)), Turn::Now, "each class is on its own");
        assert_eq!(rates.take(edition, Class::Query, 1, false, at(12_000)), Turn::Now, "what is refused costs nothing");
    }

    #[test]
    fn what_was_seen_on_a_free_hub_is_seen_here() {
        let edition = Edition::new(Sku::F1, 1).unwrap();
        let mut rates = Rates::default();
        let reads = (0..250).map(|n| rates.take(edition, Class::Registry, 1, false, at(n * 42)));
        assert_eq!(reads.filter(|turn| *turn == Turn::Never).count(), 0, "250 reads in 10.5 s all succeeded");
        // One after the other, as whoever waits for each answer sends them.
        let (mut now, mut waited) = (0, 0);
        for _ in 0..45 {
            if let Turn::After(wait) = rates.take(edition, Class::Configuration, 1, false, at(now)) {
                waited += 1;
                now += i64::try_from(wait.as_millis()).unwrap();
            }
            now += 100;
        }
        assert!((35_000..55_000).contains(&now) && waited > 10, "45 writes at about one a second: {now} ms");
    }

    #[test]
    fn a_bulk_is_taken_as_a_whole_or_refused() {
        let (mut rates, edition) = (Rates::default(), Edition::default());
        let turns = [100, 100, 51, 50].map(|cost| rates.take(edition, Class::Registry, cost, true, at(0)));
        assert_eq!(turns, [Turn::Now, Turn::Now, Turn::Never, Turn::Now]);
    }

    proptest! {
        /// Over any stretch no more is served than the burst and what the rate gives meanwhile, whatever comes when.
        #[test]
        fn never_more_than_was_bought(gaps in proptest::collection::vec(0_i64..4_000, 1..300)) {
            let (mut rates, edition) = (Rates::default(), Edition::default());
            let (mut now, mut served) = (0, 0_i64);
            for gap in gaps {
                now += gap;
                match rates.take(edition, Class::Query, 1, false, at(now)) {
                    Turn::Now => served += 1,
                    Turn::After(wait) => {
                        prop_assert!(wait <= PATIENCE);
                        served += 1;
                    }
                    Turn::Never => {}
                }
                // A burst of 20 and a queue of ten seconds at one every three.
                prop_assert!(served <= 20 + 4 + now / 3_000, "{served} by {now} ms");
            }
        }
    }
}
