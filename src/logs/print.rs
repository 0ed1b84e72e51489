//! Rows as lines of text, for files, the clipboard and scripts: what the module wrote, sanitised; secrets are hidden
//! before ([`super::veil`]). Marks become sentences, the same everywhere.

use std::time::Duration;

use jiff::Timestamp;

use super::continuity::{Gap, GapCause, Mark};
use super::decode::Failure;
use super::entry::{Entry, Severity};
use super::parse::word;
use super::ring::{Content, Picture, Row};
use crate::domain::secret::redact;
use crate::domain::text::{LINE_CAP, Shown};

/// A piece of a line: even if it is all tabs, it fits into what one line on a screen may have.
const PIECE: usize = LINE_CAP / 4;

/// What stands before a line's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The device's time, RFC 3339 in UTC.
    pub stamps: bool,
    /// The module, over so many columns.
    pub module: Option<usize>,
}

/// A row as a line, without its end.
#[must_use]
pub fn line(picture: &Picture, row: &Row, layout: Layout) -> String {
    let mut out = String::new();
    let (time, text) = match &row.content {
        Content::Line { entry, .. } => (entry.time, said(entry)),
        Content::Mark(mark) => (mark_time(mark), format!("-- {} --", in_words(mark, stamp))),
    };
    if layout.stamps {
        out.push_str(&time.map_or_else(|| "-".repeat(24), stamp));
        out.push(' ');
    }
    if let Some(width) = layout.module {
        let name = picture.module(row.source).map(|module| module.shown()).unwrap_or_default();
        out.push_str(&format!("{:<width$}  ", name.as_str()));
    }
    out.push_str(&text);
    out
}

/// What a line says, with the level it was given where its text does not tell. However long it is, nothing is left out.
#[must_use]
pub fn said(entry: &Entry) -> String {
    let text = whole(entry.text.raw());
    match entry.severity {
        Severity::Said(level) if word(entry.text.raw()).is_none() => format!("<{}> {text}", level.digit()),
        Severity::Said(_) | Severity::Unsaid => text,
    }
}

/// Text without what a terminal must not get, in pieces of what one line on a screen may have.
fn whole(mut rest: &str) -> String {
    let mut out = String::with_capacity(rest.len());
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.floor_char_boundary(PIECE));
        out.push_str(plain(piece).as_str());
        rest = more;
    }
    out
}

/// Text without what a terminal must not get; a tab is four blanks, as a log's tabs only indent. As long as a line on a
/// screen may be, and cut beyond that.
#[must_use]
pub fn plain(raw: &str) -> Shown {
    if raw.contains('\t') { Shown::sanitise(&raw.replace('\t', "    ")) } else { Shown::sanitise(raw) }
}

/// Why a module's log could not be read, without the module's name.
#[must_use]
pub fn failure_in_words(failure: &Failure) -> String {
    match failure {
        Failure::TooLarge { .. } => "more was written than an answer holds (127,000 bytes)".to_owned(),
        Failure::NoSuchModule => "edgeAgent runs no container of that name".to_owned(),
        Failure::Agent { status, message } => {
            format!("edgeAgent refused: {status}, {}", redact(plain(message.raw()).as_str()))
        }
        Failure::Unreadable(why) => redact(why.shown().as_str()),
        Failure::Hub(fault) => fault.to_string(),
    }
}

/// A mark in words; `time` writes instants.
#[must_use]
pub fn in_words(mark: &Mark, time: impl Fn(Timestamp) -> String) -> String {
    match mark {
        Mark::Begins { older: true } => {
            "reading begins here; there may be older lines that were not asked for".to_owned()
        }
        Mark::Begins { older: false } => "the log begins here".to_owned(),
        Mark::Shortened { wanted, lines } => format!(
            "more was written in the last {} than an answer holds (127,000 bytes): reading begins here, with the last {lines} lines",
            length(*wanted)
        ),
        Mark::ClockBack { from, to } => {
            format!("the device's clock was set back here, from {} to {}; nothing is missing", time(*from), time(*to))
        }
        Mark::Gap(Gap { after, before, cause }) => {
            let between = match (after, before) {
                (Some(after), Some(before)) => format!(" between {} and {}", time(*after), time(*before)),
                (Some(after), None) => format!(" after {}", time(*after)),
                (None, Some(before)) => format!(" before {}", time(*before)),
                (None, None) => String::new(),
            };
            let why = match cause {
                GapCause::TooMuch => "more was written than an answer holds (127,000 bytes)",
                GapCause::Anew => "the container was created anew, or its log was rotated",
                GapCause::ClockBack => "the device's clock was set back while lines were asked for by time",
                GapCause::Unproven => "the answers overlap in a single instant, which proves nothing",
            };
            format!("gap: lines may be missing{between}: {why}")
        }
    }
}

fn mark_time(mark: &Mark) -> Option<Timestamp> {
    match mark {
        Mark::Begins { .. } | Mark::Shortened { .. } => None,
        Mark::Gap(gap) => gap.before.or(gap.after),
        Mark::ClockBack { to, .. } => Some(*to),
    }
}

/// How long that is, to the second, in the greatest unit that says it in a whole number.
#[must_use]
pub fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    let of = |unit: u64| seconds > 0 && seconds.is_multiple_of(unit);
    if of(86_400) {
        format!("{} d", seconds / 86_400)
    } else if of(3_600) {
        format!("{} h", seconds / 3_600)
    } else if of(60) {
        format!("{} min", seconds / 60)
    } else {
        format!("{seconds} s")
    }
}

/// RFC 3339, UTC, milliseconds.
fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::{Level, Stream};

    #[test]
    fn lines_say_their_level_once_and_carry_nothing_hostile() {
        let entry = |severity, text: &str| Entry { time: None, stream: Stream::Out, severity, text: text.into() };
        for (severity, text, said_) in [
            (Severity::Unsaid, "plain", "plain"),
            (Severity::Said(Level::ERROR), "no room", "<3> no room"),
            (Severity::Said(Level::ERROR), "[ERR] - no room", "[ERR] - no room"),
            (Severity::Unsaid, "\tat x\u{1b}[31m\u{202e}", "    at x^[[31m<U+202E>"),
        ] {
            assert_eq!(said(&entry(severity, text)), said_);
        }
    }

    #[test]
    fn a_gap_says_where_and_why() {
        let at = |text: &str| Some(text.parse().unwrap());
        let gap = Mark::Gap(Gap {
            after: at("2026-01-02T14:01:31.4Z"),
            before: at("2026-01-02T14:01:44Z"),
            cause: GapCause::TooMuch,
        });
        assert_eq!(
            in_words(&gap, stamp),
            "gap: lines may be missing between 2026-01-02T14:01:31.400Z and 2026-01-02T14:01:44.000Z: more was written \
             than an answer holds (127,000 bytes)"
        );
    }

    #[test]
    fn a_shortened_beginning_says_what_was_wanted() {
        for (seconds, words) in [(90, "90 s"), (300, "5 min"), (3_600, "1 h"), (172_800, "2 d"), (0, "0 s")] {
            let mark = Mark::Shortened { wanted: Duration::from_secs(seconds), lines: 487 };
            let expected = format!(
                "more was written in the last {words} than an answer holds (127,000 bytes): reading begins here, with the last 487 lines"
            );
            assert_eq!(in_words(&mark, stamp), expected);
        }
    }
}
