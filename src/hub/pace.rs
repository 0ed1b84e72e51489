//! How long to wait between two reads: the setting at best, longer while it fails, longer when the day's messages
//! would not last.

use std::time::Duration;

use crate::domain::fault::{Fault, FaultKind};

use super::budget::BudgetView;

impl BudgetView {
    /// The part of the burst that is left, 0 to 1. The burst is a tenth of the day's share.
    #[must_use]
    pub fn reserve(&self) -> f64 {
        let burst = f64::from(u32::try_from(self.allowed_today / 10).unwrap_or(u32::MAX)).max(1.0);
        (f64::from(self.available_now) / burst).clamp(0.0, 1.0)
    }
}

/// The pace of one reader.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    base: Duration,
    longest_backoff: Duration,
    failures: u32,
    /// What the hub asked for when it last refused.
    rest: Duration,
    cost: f64,
    /// What the last failure cost.
    lost: f64,
}

/// No failure makes a reader wait longer than this; it lives as long as the process.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// And no budget makes it wait longer than this.
const LONGEST_STRETCH: Duration = Duration::from_secs(900);

impl Pace {
    /// A reader that wants to read every `base`.
    #[must_use]
    pub fn new(base: Duration) -> Self {
        let longest_backoff = LONGEST_BACKOFF;
        Self { base, longest_backoff, failures: 0, rest: Duration::ZERO, cost: 0.0, lost: 0.0 }
    }

    /// Failures make it wait as long as this: for a reader whose failures cost as much as its answers.
    #[must_use]
    pub fn backing_off_to(self, longest: Duration) -> Self {
        Self { longest_backoff: longest, ..self }
    }

    /// From now on it wants to read every `base`.
    pub fn every(&mut self, base: Duration) {
        self.base = base;
    }

    /// A read succeeded and cost `messages`. The cost is averaged, so that one big first read does not slow down
    /// the small ones that follow.
    pub fn succeeded(&mut self, messages: u64) {
        self.failures = 0;
        let messages = count(messages);
        self.cost = if self.cost == 0.0 { messages } else { self.cost * 0.5 + messages * 0.5 };
    }

    /// A read failed. A hub that asks to slow down is left alone for as long as it says.
    pub fn failed(&mut self, fault: &Fault) {
        self.failed_at(fault, 0);
    }

    /// A read failed and cost `messages`, which have to last the day as much as those of answers.
    pub fn failed_at(&mut self, fault: &Fault, messages: u64) {
        self.lost = count(messages);
        self.failures = self.failures.saturating_add(1);
        self.rest = match fault.kind {
            FaultKind::Throttled(rest) => rest.min(LONGEST_STRETCH),
            _ => Duration::ZERO,
        };
    }

    /// How long to wait now. `reserve` is the part of the budget's burst that is left, 0 to 1; `per_day` the
    /// messages allowed in a day. With a full reserve the setting rules; as it runs down, the wait grows towards
    /// what lasts the whole day.
    #[must_use]
    pub fn wait(&self, reserve: f64, per_day: u64) -> Duration {
        if self.failures > 0 {
            let factor = 1_u32.checked_shl(self.failures - 1).unwrap_or(u32::MAX);
            let backoff = self.base.min(Duration::from_secs(2)).saturating_mul(factor).min(self.longest_backoff);
            return stretched(backoff, self.lost, reserve, per_day).max(self.rest);
        }
        stretched(self.base, self.cost, reserve, per_day)
    }
}

/// `base`, or longer where reads of `cost` messages would not last the day.
fn stretched(base: Duration, cost: f64, reserve: f64, per_day: u64) -> Duration {
    // A tenth is there at once; what comes back over the day is the rest.
    let back = count(per_day.max(1)) * 0.9;
    let lasting = Duration::from_secs_f64((cost * 86_400.0 / back).min(LONGEST_STRETCH.as_secs_f64()));
    if lasting <= base || reserve >= 0.5 {
        return base;
    }
    let share = (1.0 - reserve.max(0.0) * 2.0).clamp(0.0, 1.0);
    base + (lasting - base).mul_f64(share)
}

fn count(messages: u64) -> f64 {
    f64::from(u32::try_from(messages).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pace_stretches_as_the_reserve_runs_down() {
        let mut pace = Pace::new(Duration::from_secs(10));
        pace.succeeded(10);
        for (reserve, seconds) in [(1.0, 10), (0.5, 10), (0.25, 29), (0.0, 48)] {
            assert_eq!(pace.wait(reserve, 20_000).as_secs(), seconds, "{reserve}");
        }
        assert_eq!(pace.wait(0.0, 1_000_000).as_secs(), 10);
    }

    #[test]
    fn a_hub_that_asks_to_slow_down_is_left_alone_for_as_long_as_it_says() {
        let mut pace = Pace::new(Duration::from_secs(5));
        pace.failed(&Fault::new(FaultKind::Throttled(Duration::from_secs(40)), "read", "slow down"));
        assert_eq!(pace.wait(1.0, 1_000).as_secs(), 40);
        pace.failed(&Fault::new(FaultKind::TimedOut, "read", "no answer"));
        assert_eq!(pace.wait(1.0, 1_000).as_secs(), 4);
    }

    #[test]
    fn failures_that_cost_messages_are_spread_over_the_day_too() {
        let mut pace = Pace::new(Duration::from_secs(2)).backing_off_to(Duration::from_secs(60));
        let fault = Fault::new(FaultKind::DeviceOffline, "read", "not online");
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            pace.failed_at(&fault, 2);
            assert_eq!(pace.wait(1.0, 400).as_secs(), seconds);
        }
        assert_eq!((pace.wait(0.0, 400).as_secs(), pace.wait(0.0, 20_000).as_secs()), (480, 60));
        pace.failed(&fault);
        assert_eq!(pace.wait(0.0, 400).as_secs(), 60, "what costs nothing needs not last");
    }

    proptest! {
        #[test]
        fn waits_are_bounded(base in 1_u64..60, failures in 0_u32..80, cost in 0_u64..1_000_000, reserve in -1.0..2.0, per_day in 0_u64..10_000_000) {
            let mut pace = Pace::new(Duration::from_secs(base));
            pace.succeeded(cost);
            let quiet = pace.wait(reserve, per_day);
            prop_assert!(quiet >= Duration::from_secs(base) && quiet <= LONGEST_STRETCH.max(Duration::from_secs(base)));
            let mut last = Duration::ZERO;
            for _ in 0..failures {
                pace.failed(&Fault::new(FaultKind::TimedOut, "read", "no answer"));
                let wait = pace.wait(reserve, per_day);
                prop_assert!(wait >= last && wait > Duration::ZERO && wait <= LONGEST_BACKOFF);
                last = wait;
            }
        }
    }
}
