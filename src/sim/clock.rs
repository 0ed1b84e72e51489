//! Clocks over another one: that runs as it does and shows another time, and that runs faster.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::time::{Clock, Now, SharedClock};

/// The time of a world that begins at an instant of its own.
#[derive(Debug)]
pub(super) struct ShiftedClock {
    real: SharedClock,
    offset: SignedDuration,
}

impl ShiftedClock {
    /// A clock over `real` that shows `start` at this moment.
    pub(super) fn to_begin_at(start: Timestamp, real: &SharedClock) -> SharedClock {
        let offset = start.duration_since(real.now().wall);
        Arc::new(Self { real: Arc::clone(real), offset })
    }
}

/// The time of a world that goes faster than ours. What it shows depends on nothing but how long it has run.
#[derive(Debug)]
pub(super) struct FastClock {
    real: SharedClock,
    began: Now,
    start: Timestamp,
    speed: u32,
}

impl FastClock {
    /// A clock over `real` that shows `start` at this moment and runs `speed` times as fast.
    pub(super) fn to_begin_at(start: Timestamp, speed: u32, real: &SharedClock) -> SharedClock {
        Arc::new(Self { real: Arc::clone(real), began: real.now(), start, speed })
    }
}

impl Clock for FastClock {
    fn now(&self) -> Now {
        let passed = self.real.now().since(self.began).saturating_mul(self.speed);
        let wall = self.start.saturating_add(passed).unwrap_or(Timestamp::MAX);
        Now { wall, mono: self.began.mono.saturating_add(passed) }
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Now {
        let now = self.real.now();
        Now { wall: now.wall.saturating_add(self.offset).unwrap_or(now.wall), mono: now.mono }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::time::ManualClock;

    #[test]
    fn a_fast_clock_begins_now_and_runs_faster() {
        let start: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let manual = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
        let real: SharedClock = manual.clone();
        let fast = FastClock::to_begin_at(start, 60, &real);
        assert_eq!(fast.now().wall, start);
        manual.advance(Duration::from_secs(90));
        assert_eq!(fast.now().wall, "2026-03-04T06:36:07Z".parse().unwrap());
        assert_eq!(fast.now().mono, Duration::from_secs(1_000 + 5_400));
    }
}
