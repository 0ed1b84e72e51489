//! Time is passed in. Nothing outside the composition root asks the operating system what time it is.
//!
//! [`Now`] carries two readings of one instant: wall time to print, and a monotonic reading to measure ages
//! with, so that a clock jump cannot make old data look fresh.

pub mod durations;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One instant, read both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall time, UTC; for display, SAS expiry and comparison with the hub's stamps.
    pub wall: Timestamp,
    /// Time since an arbitrary origin of the same clock; never goes back. For ages and intervals.
    pub mono: Duration,
}

impl Now {
    /// How long before `self` the instant `earlier` was; zero when it was not.
    #[must_use]
    pub fn since(&self, earlier: Now) -> Duration {
        self.mono.saturating_sub(earlier.mono)
    }
}

/// Where time comes from: the system's in the product, one that tests turn by hand elsewhere.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Now;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(Mutex<Now>);

impl ManualClock {
    /// A clock that stands at `wall`.
    #[must_use]
    pub fn at(wall: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Now { wall, mono: Duration::from_secs(1_000) })))
    }

    /// Moves both readings forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.mono += by;
        now.wall = now.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An instant as the hub writes it: up to seven digits of fraction, with or without `Z`, and year 1 for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HubTime {
    /// `0001-01-01T00:00:00`: it never happened.
    Never,
    /// It happened then.
    At(Timestamp),
}

/// `0001-01-01T00:00:00Z` in Unix seconds.
const YEAR_ONE: i64 = -62_135_596_800;

impl HubTime {
    /// Reads the hub's and edgeAgent's spellings; `None` for anything else. A missing offset means UTC
    /// (answers from before 2019 and agents before 1.4.8 leave the `Z` out).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let parsed: Timestamp = match text.parse() {
            Ok(stamp) => stamp,
            Err(_) => format!("{text}Z").parse().ok()?,
        };
        Some(if parsed.as_second() == YEAR_ONE { Self::Never } else { Self::At(parsed) })
    }

    /// The instant, unless it never happened.
    #[must_use]
    pub fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::At(stamp) => Some(stamp),
        }
    }
}

/// How long before `now` the hub's stamp `then` was; zero for the future (the hub's clock may be ahead of ours).
#[must_use]
pub fn wall_age(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

/// An age in the steps the screen ticks in: seconds below 10 s, five seconds below a minute, minutes below an
/// hour, hours below two days, then days. Coarse steps keep an idle screen from sending bytes.
#[must_use]
pub fn age_text(age: Duration) -> String {
    let s = age.as_secs();
    match s {
        0..10 => format!("{s} s"),
        10..60 => format!("{} s", s / 5 * 5),
        60..3_600 => format!("{} m", s / 60),
        3_600..172_800 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_spellings_of_time() {
        assert_eq!(HubTime::parse("0001-01-01T00:00:00"), Some(HubTime::Never));
        assert_eq!(HubTime::parse("0001-01-01T00:00:00Z"), Some(HubTime::Never));
        let at = "2021-07-07T20:45:23.9479543Z".parse().map(HubTime::At).ok();
        assert_eq!(HubTime::parse("2021-07-07T20:45:23.9479543Z"), at);
        assert_eq!(HubTime::parse("2021-07-07T20:45:23.9479543"), at);
        assert_eq!(HubTime::parse("yesterday"), None);
    }

    #[test]
    fn ages_tick_in_steps() {
        for (seconds, text) in [
            (0, "0 s"),
            (9, "9 s"),
            (14, "10 s"),
            (59, "55 s"),
            (60, "1 m"),
            (3_599, "59 m"),
            (7_200, "2 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(age_text(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap());
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().since(before), Duration::from_secs(90));
        assert_eq!(clock.now().wall.to_string(), "2026-01-02T03:05:35Z");
        assert_eq!(before.since(clock.now()), Duration::ZERO);
    }
}
