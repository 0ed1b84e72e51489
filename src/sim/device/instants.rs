//! Instants as the container engine, .NET and the runtime's loggers write them, and sums of them that cannot fail.

use std::time::Duration;

use jiff::Timestamp;

/// The instant `by` later.
pub(super) fn after(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The instant without what is finer than 100 ns, the precision of .NET and of the hub.
pub(super) fn in_ticks(at: Timestamp) -> Timestamp {
    let ticks = at.as_nanosecond().div_euclid(100);
    Timestamp::from_nanosecond(ticks * 100).unwrap_or(at)
}

/// `2026-01-02 03:04:05.678 +00:00`: at the beginning of a runtime module's line.
pub(super) fn in_line(at: Timestamp) -> String {
    let millis = nanos(at) / 1_000_000;
    format!("{}.{millis:03} +00:00", at.strftime("%Y-%m-%d %H:%M:%S"))
}

/// `2026-01-02 03:04:05 +00:00`: as the runtime's start scripts write it.
pub(super) fn in_script(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

/// `2026-01-02T03:04:05.123456700Z`: before each line the container engine hands out with stamps.
pub(super) fn of_engine(at: Timestamp) -> String {
    format!("{}.{:09}Z", at.strftime("%Y-%m-%dT%H:%M:%S"), nanos(at))
}

/// `2026-01-02T03:04:05.1234567+00:00`, trailing zeros cut: local time as edgeAgent's JSON has it.
pub(super) fn in_json(at: Timestamp) -> String {
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    let ticks = nanos(at) / 100;
    if ticks == 0 {
        return format!("{seconds}+00:00");
    }
    let fraction = format!("{ticks:07}");
    format!("{seconds}.{}+00:00", fraction.trim_end_matches('0'))
}

fn nanos(at: Timestamp) -> i128 {
    at.as_nanosecond().rem_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_every_spelling() {
        let at: Timestamp = "2026-01-02T03:04:05.120456789Z".parse().unwrap();
        assert_eq!(in_ticks(at).to_string(), "2026-01-02T03:04:05.1204567Z");
        assert_eq!(in_line(at), "2026-01-02 03:04:05.120 +00:00");
        assert_eq!(in_script(at), "2026-01-02 03:04:05 +00:00");
        assert_eq!(of_engine(in_ticks(at)), "2026-01-02T03:04:05.120456700Z");
        assert_eq!(in_json(at), "2026-01-02T03:04:05.1204567+00:00");
        let round: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(in_json(round), "2026-01-02T03:04:05+00:00");
        assert_eq!(of_engine(round), "2026-01-02T03:04:05.000000000Z");
        assert_eq!(in_json("2026-01-02T03:04:05.12Z".parse().unwrap()), "2026-01-02T03:04:05.12+00:00");
    }

    #[test]
    fn sums_stay_in_range() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
    }
}
