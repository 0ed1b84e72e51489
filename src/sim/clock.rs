//! A clock that runs as another one does, and shows another time.

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

impl Clock for ShiftedClock {
    fn now(&self) -> Now {
        let now = self.real.now();
        Now { wall: now.wall.saturating_add(self.offset).unwrap_or(now.wall), mono: now.mono }
    }
}
