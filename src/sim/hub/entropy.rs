//! Where the simulated service takes keys, request ids and first entity tags from: a seeded stream, so that a
//! scenario with a fixed seed is the same in every run.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a hub's keys, ids and first entity tags are made from. Whoever knows it knows the keys, so it does not
/// print.
#[derive(Clone, Copy)]
pub struct Seed([u8; 16]);

impl Seed {
    /// Another one at every call, from the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// Always the same, for tests and for pictures that must not change.
    #[must_use]
    pub fn fixed(number: u8) -> Self {
        Self([number; 16])
    }

    /// Always the same for the same number, which whoever knows can make the keys from.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(number.to_be_bytes().into_iter().cycle()) {
            *to = from;
        }
        Self(bytes)
    }

    /// A number of its own for a purpose, which does not give the seed away.
    pub(super) fn number(self, purpose: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(purpose);
        hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(********)")
    }
}

/// A stream of 32-byte blocks, `SHA-256(seed ‖ counter)`.
pub(super) struct Entropy {
    seed: Seed,
    counter: u64,
}

impl Entropy {
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.0);
        hash.update(self.counter.to_be_bytes());
        hash.finalize().into()
    }

    /// A symmetric key: base64 of 32 bytes.
    pub(super) fn key(&mut self) -> String {
        STANDARD.encode(self.block())
    }

    /// A GUID.
    pub(super) fn guid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(self.block()) {
            *to = from;
        }
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A time between two, to the millisecond.
    pub(super) fn between(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
        least + Duration::from_millis(self.first_etag() % span.max(1))
    }

    /// The number an identity's tag starts at; all recorded ones are below 2^30.
    pub(super) fn first_etag(&mut self) -> u64 {
        let number = self.block().iter().take(4).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        number % (1 << 30)
    }
}
