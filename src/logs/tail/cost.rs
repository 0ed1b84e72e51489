//! What following costs, from what it did cost.

use std::collections::VecDeque;
use std::time::Duration;

/// Rounds that are looked back at: enough to level one burst, few enough that another pace shows soon.
const ROUNDS: usize = 8;

/// Messages of the hub's daily quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Since following began.
    pub spent: u64,
    /// In an hour, at the pace and with the answers of the last rounds.
    pub per_hour: u64,
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When rounds ended, and what was spent by then.
    rounds: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// A round ended at `now`; `spent` messages were spent in all, and the next one follows after `every`.
    pub fn round(&mut self, now: Duration, spent: u64, every: Duration) -> Cost {
        self.rounds.push_back((now, spent));
        if self.rounds.len() > ROUNDS {
            self.rounds.pop_front();
        }
        let (since, before) = self.rounds.front().copied().unwrap_or_default();
        let (messages, time) = match now.checked_sub(since) {
            Some(time) if self.rounds.len() > 1 && !time.is_zero() => (spent.saturating_sub(before), time),
            // Of the first round it is known what it cost, and when the next one comes.
            _ => (spent, every),
        };
        let hour = u128::from(messages).saturating_mul(3_600_000) / time.as_millis().max(1);
        Cost { spent, per_hour: u64::try_from(hour).unwrap_or(u64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_what_the_last_rounds_make_of_it() {
        let mut meter = Meter::default();
        let two = Duration::from_secs(2);
        assert_eq!(meter.round(Duration::from_secs(100), 20, two), Cost { spent: 20, per_hour: 36_000 });
        let mut last = Cost::default();
        for round in 1..=20 {
            last = meter.round(Duration::from_secs(100 + 2 * round), 20 + 2 * round, two);
        }
        assert_eq!(last, Cost { spent: 60, per_hour: 3_600 }, "the opening is no pace");
        for round in 1..=8 {
            last = meter.round(Duration::from_secs(140 + 30 * round), 60 + 2 * round, two);
        }
        assert_eq!(last.per_hour, 240);
        assert_eq!(Meter::default().round(Duration::ZERO, 0, Duration::ZERO), Cost::default());
    }
}
