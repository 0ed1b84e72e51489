//! Instants on a simulated machine: arithmetic that cannot fail, and a machine's own clock, which may be wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// From `earlier` to `later`; zero when it is the other way round.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// The earlier of two instants that may never come.
pub(super) fn sooner(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How far a machine's clock is from the world's. What a machine writes down is its own time, when it acts is the
/// world's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MachineClock {
    /// Added to the world's time.
    pub(super) offset: SignedDuration,
}

/// Tokens a machine signs are good for an hour; further off, the hub takes them for expired or not yet begun.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

impl MachineClock {
    /// What the machine's clock shows.
    pub(super) fn shows(self, at: Timestamp) -> Timestamp {
        at.saturating_add(self.offset).unwrap_or(at)
    }

    /// When the machine's clock shows `shown`.
    pub(super) fn when(self, shown: Timestamp) -> Timestamp {
        shown.saturating_sub(self.offset).unwrap_or(shown)
    }

    /// Whether the hub takes the machine's tokens.
    pub(super) fn is_trusted(self) -> bool {
        self.offset.abs() < TOKEN_LIFE
    }
}
