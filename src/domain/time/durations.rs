//! Durations as people write them: `30s`, `10m`, `1h30m`, `7d`, `500ms`.

use std::time::Duration;

/// The units, longest first, in milliseconds. `ms` stands before `m` and `s` because it starts like one.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

/// What a duration may look like, for messages.
pub const SPELLING: &str = "a number and a unit: 500ms, 30s, 10m, 2h, 7d, 1h30m";

/// Reads a duration; `None` for anything but numbers each followed by a unit, and for what does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let (unit, tail) = UNITS.iter().find_map(|(name, unit)| tail.strip_prefix(name).map(|tail| (unit, tail)))?;
        total = total.checked_add(number.checked_mul(*unit)?)?;
        rest = tail;
    }
    Some(Duration::from_millis(total))
}

/// Writes a duration the way [`parse`] reads it, to the millisecond.
#[must_use]
pub fn print(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (name, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let count: u64 = rest / unit;
        rest %= unit;
        if count > 0 {
            out.push_str(&format!("{count}{name}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            (" 7d ", Some(604_800_000)),
            ("0s", Some(0)),
            ("30", None),
            ("s", None),
            ("", None),
            ("1.5h", None),
            ("-3s", None),
            ("3 s", None),
            ("99999999999999999999s", None),
            ("999999999999999999d", None),
            ("3µs", None),
        ] {
            assert_eq!(parse(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(ms in 0u64..10_000_000_000) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&print(duration)), Some(duration));
        }

        #[test]
        fn nothing_typed_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
