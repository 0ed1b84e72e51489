//! The messages of the day: what was counted since midnight UTC of the world's clock.

use jiff::Timestamp;

/// How many there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Meter {
    /// Days since 1970.
    day: i64,
    used: u64,
    /// Requests that were refused because of it, today.
    refused: u64,
}

impl Meter {
    /// Turns the page when a day has begun.
    fn turn(&mut self, at: Timestamp) -> bool {
        let day = at.as_second().div_euclid(86_400);
        if day > self.day {
            *self = Self { day, ..Self::default() };
        }
        day == self.day
    }

    /// Counts messages; what happened on a day that is over does not count any more.
    pub(super) fn charge(&mut self, messages: u64, at: Timestamp) {
        if self.turn(at) {
            self.used = self.used.saturating_add(messages);
        }
    }

    /// As if so many had been used today.
    pub(super) fn set(&mut self, used: u64, now: Timestamp) {
        self.turn(now);
        self.used = used;
    }

    /// Messages used today.
    pub(super) fn used(&mut self, now: Timestamp) -> u64 {
        self.turn(now);
        self.used
    }

    /// A request was refused.
    pub(super) fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Requests refused today.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc_with_nothing_used() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let mut meter = Meter::default();
        meter.charge(3, at("2026-03-04T00:00:00Z"));
        meter.charge(4, at("2026-03-04T23:59:59.9Z"));
        meter.charge(5, at("2026-03-03T23:59:59Z"));
        assert_eq!(meter.used(at("2026-03-04T23:59:59.99Z")), 7, "yesterday is over");
        meter.refuse();
        assert_eq!((meter.used(at("2026-03-05T00:00:00Z")), meter.refused()), (0, 0));
        meter.charge(1, at("2026-03-04T12:00:00Z"));
        assert_eq!(meter.used(at("2026-03-05T00:00:01Z")), 0);
    }
}
