//! Where a machine takes its small irregularities from: a stream of numbers that the same seed and name make the same
//! in every run.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// A stream of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The stream of `name` in the world of `seed`.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(name);
        Self(hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A time from `low` to `high`, in the steps of 100 ns that engines and .NET count in.
    pub(super) fn within(&mut self, low: Duration, high: Duration) -> Duration {
        let ticks = high.saturating_sub(low).as_nanos() / 100;
        let span = u64::try_from(ticks).unwrap_or(u64::MAX).max(1);
        low + Duration::from_nanos((self.number() % span).saturating_mul(100))
    }

    /// A time of so many milliseconds.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> Duration {
        self.within(Duration::from_millis(low), Duration::from_millis(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_seeds_have_streams_of_their_own() {
        let draw = |seed, name| -> Vec<u64> {
            let mut dice = Dice::new(seed, name);
            (0..3).map(|_| dice.number()).collect()
        };
        assert_eq!(draw(7, "a"), draw(7, "a"));
        assert_ne!(draw(7, "a"), draw(7, "b"));
        assert_ne!(draw(7, "a"), draw(8, "a"));
    }

    #[test]
    fn times_lie_in_their_range() {
        let mut dice = Dice::new(1, "d");
        for _ in 0..1_000 {
            let time = dice.millis(200, 900);
            assert!(time >= Duration::from_millis(200) && time < Duration::from_millis(900), "{time:?}");
            assert_eq!(time.as_nanos() % 100, 0);
        }
        assert_eq!(dice.millis(5, 5), Duration::from_millis(5));
    }
}
