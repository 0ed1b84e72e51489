//! A seeded stream of numbers (SplitMix64): cheap, the same on every machine, and of no use for secrets.

use std::time::Duration;

use super::Start;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of one start of one module: two starts of one seed differ.
    pub(super) fn of(start: &Start<'_>) -> Self {
        let mut state = start.seed ^ u64::from_ne_bytes(start.at.as_microsecond().to_ne_bytes());
        for byte in start.device.bytes().chain(start.module.bytes()) {
            state = mixed(state ^ u64::from(byte));
        }
        Self(state)
    }

    /// Any number.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mixed(self.0)
    }

    /// From 0 to below 1.
    pub(super) fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A delay between two lengths, as machines are never on the dot.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        let micros = from * 1_000 + self.below((to - from) * 1_000);
        Duration::from_micros(micros)
    }

    /// A GUID.
    pub(super) fn guid(&mut self) -> String {
        let mut bytes = [0; 16];
        for (to, from) in
            bytes.iter_mut().zip(self.number().to_le_bytes().into_iter().chain(self.number().to_le_bytes()))
        {
            *to = from;
        }
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// A number that looks like chance and depends on nothing but the two given: for the n-th of something, without the
/// ones before it.
pub(super) fn nth(seed: u64, n: u64) -> u64 {
    mixed(seed.wrapping_add(n.wrapping_mul(GAMMA)))
}

fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
