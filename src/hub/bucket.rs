//! A token bucket in whole nanoseconds (GCRA): the state is one instant, the one at which the bucket will be full again.
//! It may go into debt, so a call whose cost is known only afterwards can still be charged in full.

use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The time in which one token comes back.
    step: Duration,
    burst: u32,
    full_at: Duration,
}

impl Bucket {
    /// A full bucket of `burst` tokens (at least one), of which one comes back every `step`.
    pub(super) fn new(burst: u32, step: Duration) -> Self {
        Self { step: step.max(Duration::from_nanos(1)), burst: burst.max(1), full_at: Duration::ZERO }
    }

    /// A full bucket that refills from empty in `time`.
    pub(super) fn holding_for(time: Duration, step: Duration) -> Self {
        let step = step.max(Duration::from_nanos(1));
        Self::new(whole(time, step), step)
    }

    /// How long until `tokens` can be taken. More than the bucket can ever hold asks for a full one.
    pub(super) fn wait(&self, now: Duration, tokens: u32) -> Duration {
        let room = self.step.saturating_mul(self.burst.saturating_sub(tokens.min(self.burst)));
        self.full_at.saturating_sub(now.saturating_add(room))
    }

    /// Takes `tokens`, into debt where there are fewer.
    pub(super) fn take(&mut self, now: Duration, tokens: u32) {
        self.full_at = self.full_at.max(now).saturating_add(self.step.saturating_mul(tokens));
    }

    /// Undoes an earlier `take`.
    pub(super) fn give_back(&mut self, tokens: u32) {
        self.full_at = self.full_at.saturating_sub(self.step.saturating_mul(tokens));
    }

    /// Fills it, whatever it lacks.
    pub(super) fn refill(&mut self) {
        self.full_at = Duration::ZERO;
    }

    /// Tokens that are there now.
    pub(super) fn available(&self, now: Duration) -> u32 {
        let missing = self.full_at.saturating_sub(now).as_nanos().div_ceil(self.step.as_nanos());
        self.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// Tokens that come back in `time`.
    pub(super) fn per(&self, time: Duration) -> u32 {
        // A step is cut to whole nanoseconds; half of one more makes 20 a minute 20 and not 19.
        whole(time.saturating_add(self.step / 2), self.step)
    }
}

fn whole(time: Duration, step: Duration) -> u32 {
    u32::try_from(time.as_nanos() / step.as_nanos().max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let mut bucket = Bucket::new(3, Duration::from_secs(2));
        let now = Duration::from_secs(100);
        assert_eq!(bucket.available(now), 3);
        bucket.take(now, 2);
        assert_eq!((bucket.available(now), bucket.wait(now, 1)), (1, Duration::ZERO));
        assert_eq!(bucket.wait(now, 3), Duration::from_secs(4));
        assert_eq!(bucket.available(now + Duration::from_secs(2)), 2);
        bucket.give_back(2);
        assert_eq!(bucket.available(now), 3);
    }

    #[test]
    fn a_debt_is_paid_before_the_next_token() {
        let mut bucket = Bucket::new(10, Duration::from_secs(1));
        bucket.take(Duration::ZERO, 50);
        assert_eq!(bucket.available(Duration::ZERO), 0);
        assert_eq!(bucket.wait(Duration::ZERO, 1), Duration::from_secs(41));
        assert_eq!(bucket.wait(Duration::ZERO, 1_000), Duration::from_secs(50), "more than it holds: a full one");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However the calls come, no window holds more than the burst and what came back in it.
        #[test]
        fn no_window_exceeds_burst_and_refill(
            burst in 1_u32..20,
            step in 1_u64..5_000,
            gaps in proptest::collection::vec((0_u64..4_000, 1_u32..4), 1..60),
        ) {
            let step = Duration::from_millis(step);
            let mut bucket = Bucket::new(burst, step);
            let mut now = Duration::from_secs(10);
            let mut taken: Vec<(Duration, u32)> = Vec::new();
            for (gap, tokens) in gaps {
                now += Duration::from_millis(gap);
                let tokens = tokens.min(burst);
                if bucket.wait(now, tokens).is_zero() {
                    bucket.take(now, tokens);
                    taken.push((now, tokens));
                }
            }
            for (index, (start, _)) in taken.iter().enumerate() {
                let mut sum = 0;
                for (at, tokens) in &taken[index..] {
                    sum += tokens;
                    prop_assert!(sum <= burst + whole(*at - *start, step) + 1);
                }
            }
        }

        /// After waiting as long as it says, the bucket lets the call through.
        #[test]
        fn the_wait_is_enough_and_not_more(burst in 1_u32..9, debt in 0_u32..30, tokens in 1_u32..12, step in 1_u64..1_000) {
            let mut bucket = Bucket::new(burst, Duration::from_millis(step));
            let now = Duration::from_secs(1);
            bucket.take(now, debt);
            let wait = bucket.wait(now, tokens);
            prop_assert!(bucket.wait(now + wait, tokens).is_zero());
            if !wait.is_zero() {
                prop_assert!(!bucket.wait(now + wait - Duration::from_nanos(1), tokens).is_zero());
            }
        }
    }
}
