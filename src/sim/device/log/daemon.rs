//! What the container engine hands out of a log, and how the daemon in front of it reads a request: `tail`, `since`
//! and `until` with their quirks.

use std::time::Duration;

use jiff::Timestamp;

use super::store::{ContainerLog, Frame};

/// Which part of a log is asked of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window {
    /// The last so many records.
    pub(super) tail: Option<u64>,
    /// Seconds since 1970.
    pub(super) since: Option<i32>,
    /// Seconds since 1970; 0 is none.
    pub(super) until: Option<i32>,
}

/// The records the engine hands out: the last ones first, and of those what is not too old; it ends at the first that
/// is too new.
pub(super) fn frames(log: &ContainerLog, window: Window) -> Vec<&Frame> {
    let mut frames: Vec<&Frame> = match window.tail.map(usize::try_from) {
        Some(Ok(tail)) => log.frames().rev().take(tail).collect(),
        Some(Err(_)) | None => log.frames().rev().collect(),
    };
    frames.reverse();
    let instant = |second: i32| Timestamp::from_second(i64::from(second)).ok();
    let since = window.since.and_then(instant).unwrap_or(Timestamp::MIN);
    let until = window.until.filter(|second| *second != 0).and_then(instant).unwrap_or(Timestamp::MAX);
    frames.into_iter().filter(|frame| frame.at >= since).take_while(|frame| frame.at <= until).collect()
}

/// Seconds since 1970 that fit into 32 bits: written so, as an instant with an offset, or as a length of time before
/// `now`. What is finer than a second is dropped.
pub(super) fn second(text: &str, now: Timestamp) -> Option<i32> {
    // The shortest instant has its seconds and a `Z`.
    if text.len() >= 20
        && let Ok(at) = text.parse::<Timestamp>()
    {
        return i32::try_from(at.as_second()).ok();
    }
    if let Ok(second) = text.parse() {
        return Some(second);
    }
    let back = length(text)?;
    let at = now.checked_sub(jiff::SignedDuration::try_from(back).ok()?).ok()?;
    i32::try_from(at.as_nanosecond().div_euclid(1_000_000_000)).ok()
}

/// `90m`, `1 day`, `1h 20min`: numbers with units, added up.
fn length(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (word, after) = after.split_at_checked(letters)?;
        let number: u64 = number.parse().ok()?;
        let part = match unit(word)? {
            Unit::Nanoseconds(size) => Duration::from_nanos(number.checked_mul(size)?),
            Unit::Seconds(size) => Duration::from_secs(number.checked_mul(size)?),
        };
        total = total.checked_add(part)?;
        rest = after.trim_start();
    }
    Some(total)
}

enum Unit {
    Nanoseconds(u64),
    Seconds(u64),
}

fn unit(word: &str) -> Option<Unit> {
    const DAY: u64 = 86_400;
    Some(match word {
        "nanos" | "nsec" | "ns" => Unit::Nanoseconds(1),
        "usec" | "us" => Unit::Nanoseconds(1_000),
        "millis" | "msec" | "ms" => Unit::Nanoseconds(1_000_000),
        "seconds" | "second" | "secs" | "sec" | "s" => Unit::Seconds(1),
        "minutes" | "minute" | "mins" | "min" | "m" => Unit::Seconds(60),
        "hours" | "hour" | "hrs" | "hr" | "h" => Unit::Seconds(3_600),
        "days" | "day" | "d" => Unit::Seconds(DAY),
        "weeks" | "week" | "wks" | "wk" | "w" => Unit::Seconds(7 * DAY),
        // A twelfth of a year, and a year with its share of leap days.
        "months" | "month" | "M" => Unit::Seconds(2_630_016),
        "years" | "year" | "yrs" | "yr" | "y" => Unit::Seconds(31_557_600),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_the_daemon_reads_them() {
        let now: Timestamp = "2026-01-02T03:04:05.9Z".parse().unwrap();
        let at = i32::try_from(now.as_second()).unwrap();
        for (text, expected) in [
            ("1569600000", Some(1_569_600_000)),
            ("-5", Some(-5)),
            ("2019-09-27T16:00:00+00:00", Some(1_569_600_000)),
            ("2019-09-27T18:00:00.999+02:00", Some(1_569_600_000)),
            ("15m", Some(at - 900)),
            ("1 hour 20m", Some(at - 4_800)),
            ("1h20min", Some(at - 4_800)),
            ("1 day", Some(at - 86_400)),
            ("2weeks", Some(at - 14 * 86_400)),
            // Milliseconds since 1970 do not fit, and are no length without a unit.
            ("1767323045123", None),
            ("1569600000.5", None),
            ("2019-09-27T16:00:00", None),
            ("2040-01-01T00:00:00Z", None),
            ("15", Some(15)),
            ("m", None),
            ("15 parsecs", None),
            ("1h-20m", None),
            ("", None),
            (" ", None),
            ("yesterday", None),
        ] {
            assert_eq!(second(text, now), expected, "{text:?}");
        }
    }
}
