//! How .NET modules read their environment and print numbers.

use std::time::Duration;

use serde_json::Value;

use super::decimal::Layout;
use crate::domain::manifest::Env;

/// A double in the JSON of Newtonsoft's library: `21.0`, `1E+15`.
pub(super) fn double(number: f64) -> String {
    Layout { exponent_from: 15, mark: 'E' }.print(number)
}

/// A double as it stands in a text: `5`, `0.5`.
pub(super) fn plain_double(number: f64) -> String {
    let text = double(number);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// An environment variable; .NET's configuration ignores the case of names.
pub(super) fn variable<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    env.get(name).or_else(|| env.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A `TimeSpan`: `[-][d.]hh:mm[:ss[.fffffff]]`, or days alone. Nothing for what .NET refuses.
pub(super) fn time_span(text: &str) -> Option<Span> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let number = |digits: &str, below: u64| {
        let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|number| fits && *number < below)
    };
    let length = if let Some((front, minutes)) = text.split_once(':') {
        let (days, hours) = front.split_once('.').unwrap_or(("0", front));
        let (minutes, seconds) = minutes.split_once(':').unwrap_or((minutes, "0"));
        let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let ticks = number(fraction, 10_000_000).filter(|_| fraction.len() <= 7)?;
        let shift = 10_u64.pow(u32::try_from(7 - fraction.len()).ok()?);
        let whole = ((number(days, 10_675_200)? * 24 + number(hours, 24)?) * 60 + number(minutes, 60)?) * 60
            + number(seconds, 60)?;
        Duration::from_secs(whole) + Duration::from_nanos(ticks * shift * 100)
    } else {
        Duration::from_secs(number(text, 10_675_200)? * 86_400)
    };
    Some(Span { negative: negative && !length.is_zero(), length })
}

/// A length of time that may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Below zero.
    pub(super) negative: bool,
    /// Its size.
    pub(super) length: Duration,
}

impl Span {
    /// Whole seconds.
    pub(super) fn seconds(seconds: i32) -> Self {
        Self { negative: seconds < 0, length: Duration::from_secs(u64::from(seconds.unsigned_abs())) }
    }

    /// In seconds.
    pub(super) fn total_seconds(self) -> f64 {
        let size = self.length.as_secs_f64();
        if self.negative { -size } else { size }
    }

    /// As a delay; nothing for what `Task.Delay` refuses: below zero, or more than 2^32 - 2 milliseconds.
    pub(super) fn delay(self) -> Option<Duration> {
        let fits = !self.negative && self.length <= Duration::from_millis(u64::from(u32::MAX) - 1);
        fits.then_some(self.length)
    }
}

/// A value of a twin cast to a whole number: numbers are rounded to even, texts are read.
pub(super) fn whole(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => i32::try_from(whole).ok(),
            None => format!("{:.0}", number.as_f64()?.round_ties_even()).parse().ok(),
        },
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(truth) => Some(i32::from(*truth)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value of a twin cast to a truth.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn time_spans_are_read_as_dotnet_reads_them() {
        let seconds = |text: &str| time_span(text).map(Span::total_seconds);
        for (text, expected) in [
            ("00:00:05", Some(5.0)),
            (" 00:00:00.5 ", Some(0.5)),
            ("1:30", Some(5_400.0)),
            ("1.02:03:04", Some(93_784.0)),
            ("5", Some(432_000.0)),
            ("-00:00:01", Some(-1.0)),
            ("00:00:60", None),
            ("24:00", None),
            ("00:00:05s", None),
            ("", None),
            ("abc", None),
            ("00:00:00.12345678", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(Span::seconds(-1).delay(), None);
        assert_eq!(Span::seconds(0).delay(), Some(Duration::ZERO));
        assert_eq!(Span::seconds(4_294_968).delay(), None);
    }

    #[test]
    fn values_of_twins_are_cast() {
        assert_eq!(whole(&json!(5)), Some(5));
        assert_eq!(whole(&json!(2.5)), Some(2));
        assert_eq!(whole(&json!("7")), Some(7));
        assert_eq!(whole(&json!(3_000_000_000_i64)), None);
        assert_eq!(whole(&json!([1])), None);
        assert_eq!(truth(&json!("True")), Some(true));
        assert_eq!(truth(&json!(0)), Some(false));
        assert_eq!(truth(&json!(null)), None);
        assert_eq!(plain_double(5.0), "5");
        assert_eq!(plain_double(0.5), "0.5");
    }
}
