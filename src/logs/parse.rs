//! What a line of text says about itself: the prefix edgeAgent looks for, the runtime's words for levels, and which lines
//! belong to the one above. The rules are those of iot-edge 4.2.

use std::time::Duration;

use jiff::Timestamp;

use super::entry::{Entry, Level, Severity, Stream};

/// A raw line in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The container engine's stamp, where the line begins with one.
    pub engine: Option<Timestamp>,
    /// What the prefix `<3>` or, without one, the runtime's word `[ERR]` says.
    pub severity: Severity,
    /// The time the module itself wrote: `2026-01-02 03:04:05.678 +00:00`.
    pub stamp: Option<&'a str>,
    /// What is left.
    pub text: &'a str,
}

/// Takes a raw line apart. What follows a line feed is no part of it.
#[must_use]
pub fn line(raw: &str) -> Parsed<'_> {
    let (engine, rest) = split(raw, ENGINE);
    let engine = engine.and_then(|stamp| stamp.parse().ok());
    let rest = rest.trim_start();
    let (prefix, rest) = split(rest, "<0>");
    let digit = prefix.and_then(|prefix| prefix.as_bytes().get(1)).map(|digit| digit - b'0');
    let rest = rest.trim_start();
    let (stamp, rest) = match split(rest, STAMP) {
        (Some(stamp), after) if after.starts_with(char::is_whitespace) => (Some(stamp), after.trim_start()),
        _ => (None, rest),
    };
    let text = rest.split('\n').next().unwrap_or_default();
    Parsed { engine, severity: severity(digit, text), stamp, text }
}

/// The shapes of the prefix's parts: `0` stands for a digit, a space for one of any kind, `?` for any character and
/// `+` for a sign. Digits are ASCII's; .NET would take others as well, and nobody writes them.
const ENGINE: &str = "0000-00-00T00:00:00.000000000Z";
const STAMP: &str = "0000-00-00 00:00:00?000 +00:00";

/// Splits off the beginning of `text` that has `shape`.
fn split<'a>(text: &'a str, shape: &str) -> (Option<&'a str>, &'a str) {
    let mut chars = text.char_indices();
    for expected in shape.chars() {
        let fits = chars.next().is_some_and(|(_, c)| match expected {
            '0' => c.is_ascii_digit(),
            ' ' => c.is_whitespace(),
            '?' => c != '\n',
            '+' => matches!(c, '+' | '-'),
            _ => c == expected,
        });
        if !fits {
            return (None, text);
        }
    }
    let (before, after) = text.split_at(chars.offset());
    (Some(before), after)
}

/// What a digit and the text together say. edgeAgent gives 6 to lines without a prefix, so that 6 alone says nothing.
pub(super) fn severity(digit: Option<u8>, text: &str) -> Severity {
    match digit.and_then(Level::new) {
        Some(level) if level != Level::INFO => Severity::Said(level),
        _ => word(text).map_or(Severity::Unsaid, Severity::Said),
    }
}

/// The level the text begins with, in the words of the runtime's own modules: `[WRN] [Microsoft.Azure…] - …`.
#[must_use]
pub fn word(text: &str) -> Option<Level> {
    let word = text.strip_prefix('[')?.split_once(']')?.0;
    Some(match word {
        "FTL" => Level::FATAL,
        "ERR" => Level::ERROR,
        "WRN" => Level::WARNING,
        "INF" => Level::INFO,
        "DBG" | "VRB" => Level::DEBUG,
        _ => return None,
    })
}

/// Whether a line of edgeAgent's is about being asked for logs: each request makes it write half a dozen, so that whoever
/// follows its log would follow himself.
#[must_use]
pub fn is_about_polling(text: &str) -> bool {
    ["GetModuleLogs", "get logs for", "streaming logs for", "bytes of logs for"].iter().any(|said| text.contains(said))
}

/// What the container engine says in place of lines it cannot read.
pub(super) fn is_engine_failure(text: &str) -> bool {
    text.contains("error from daemon in stream: ") || text.starts_with("Error grabbing logs: ")
}

/// Lines of one block are not further apart than this.
const JOIN_WITHIN: Duration = Duration::from_secs(1);
/// And not more than so many: a block is moved as a whole.
const BLOCK_LINES: u32 = 500;

/// Tells which lines of one module continue the line above: the stack of an exception follows without a prefix.
///
/// A line belongs to the one above if it says nothing of a level, came to the same stream within a second, and either is
/// indented or follows a line in the runtime's words, whose every line begins with one.
#[derive(Debug, Clone, Default)]
pub struct Joiner {
    above: Option<Above>,
}

#[derive(Debug, Clone)]
struct Above {
    stream: Stream,
    time: Option<Timestamp>,
    worded: bool,
    lines: u32,
}

impl Joiner {
    /// Whether `entry`, the module's next line, continues the block above. The first line after a gap does not.
    pub fn continues(&mut self, entry: &Entry) -> bool {
        let text = entry.text.raw();
        if let Some(above) = &mut self.above {
            let near = match (above.time, entry.time) {
                (Some(above), Some(time)) => time.duration_since(above).unsigned_abs() <= JOIN_WITHIN,
                _ => true,
            };
            let follows = above.worded || text.starts_with([' ', '\t']);
            if entry.severity == Severity::Unsaid
                && follows
                && near
                && above.stream == entry.stream
                && above.lines < BLOCK_LINES
            {
                above.time = entry.time.or(above.time);
                above.lines += 1;
                return true;
            }
        }
        let worded = word(text).is_some();
        self.above = Some(Above { stream: entry.stream, time: entry.time, worded, lines: 1 });
        false
    }

    /// Something is missing here: what comes continues nothing.
    pub fn interrupt(&mut self) {
        self.above = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    #[test]
    fn prefixes_of_all_kinds() {
        let said = |digit| Severity::Said(Level::new(digit).unwrap());
        for (raw, severity, stamp, text) in [
            (
                "<6> 2026-01-02 03:04:05.678 +00:00 [INF] - started",
                said(6),
                Some("2026-01-02 03:04:05.678 +00:00"),
                "[INF] - started",
            ),
            (
                "<3> 2026-01-02 03:04:05.678 +00:00 [ERR] - no",
                said(3),
                Some("2026-01-02 03:04:05.678 +00:00"),
                "[ERR] - no",
            ),
            ("<3> allocation failed", said(3), None, "allocation failed"),
            ("<6> threshold 25.0", Severity::Unsaid, None, "threshold 25.0"),
            ("[WRN] [EdgeHub] - slow", said(4), None, "[WRN] [EdgeHub] - slow"),
            ("[VRB] [A.B] - x", said(7), None, "[VRB] [A.B] - x"),
            ("<9> x", Severity::Unsaid, None, "x"),
            ("<3>", said(3), None, ""),
            ("  <4>x", said(4), None, "x"),
            ("<12> x", Severity::Unsaid, None, "<12> x"),
            (
                "2026-01-02 03:04:05 Starting Edge Agent",
                Severity::Unsaid,
                None,
                "2026-01-02 03:04:05 Starting Edge Agent",
            ),
            ("2026-01-02 03:04:05.678 +00:00", Severity::Unsaid, None, "2026-01-02 03:04:05.678 +00:00"),
            ("   at Main() in x.cs", Severity::Unsaid, None, "at Main() in x.cs"),
            ("a\nb", Severity::Unsaid, None, "a"),
            ("", Severity::Unsaid, None, ""),
            ("é", Severity::Unsaid, None, "é"),
        ] {
            let parsed = line(raw);
            assert_eq!((parsed.severity, parsed.stamp, parsed.text), (severity, stamp, text), "{raw}");
        }
        let engine = line("2026-01-02T03:04:05.123456789Z <4> x\n");
        assert_eq!(engine.engine, "2026-01-02T03:04:05.123456789Z".parse().ok());
        assert_eq!((engine.severity, engine.text), (said(4), "x"));
    }

    fn entry(at: f64, text: &str) -> Entry {
        let time = Timestamp::UNIX_EPOCH + Duration::from_secs_f64(at);
        Entry { time: Some(time), stream: Stream::Out, severity: severity(None, text), text: text.into() }
    }

    #[test]
    fn stacks_belong_to_the_line_above_and_lines_of_their_own_do_not() {
        let agent = [
            (0.0, "Starting Edge Agent", false),
            (0.1, "[ERR] - Step failed", false),
            (0.1, "System.AggregateException: One or more", true),
            (0.2, "   at Microsoft.Azure.X()", true),
            (0.3, "[INF] - next", false),
            (9.0, "long after", false),
        ];
        let module = [
            (0.0, "threshold 25.0", false),
            (0.1, "fatal: signal 11", false),
            (0.1, "  at filter.c:118", true),
            (0.1, "\tat main.c:40", true),
            (0.2, "threshold 26.0", false),
            (5.0, "  indented, and alone", false),
        ];
        for lines in [agent, module] {
            let mut joiner = Joiner::default();
            for (at, text, expected) in lines {
                assert_eq!(joiner.continues(&entry(at, text)), expected, "{text}");
            }
        }
        let mut joiner = Joiner::default();
        joiner.continues(&entry(0.0, "[ERR] - x"));
        let other = Entry { stream: Stream::Err, ..entry(0.0, "   elsewhere") };
        assert!(!joiner.continues(&other));
        joiner.continues(&entry(0.0, "[ERR] - x"));
        joiner.interrupt();
        assert!(!joiner.continues(&entry(0.0, "   after the gap")));
    }

    #[test]
    fn no_block_is_endless() {
        let mut joiner = Joiner::default();
        let joined = (0..2_000).filter(|_| joiner.continues(&entry(0.0, " x"))).count();
        assert_eq!(joined, 2_000 - 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// The agent's own expression is the judge.
        #[test]
        fn parts_are_those_of_the_agents_expression(
            engine in "(2026-01-02T03:04:05\\.123456789Z)?",
            space in "[ \t]{0,2}",
            digit in "(<[0-9]>|<1|<12>)?",
            stamp in "([ ]{0,2}2026-01-02[ \t]03:04:05.678[ ][+-]0[0-9]:00 ?)?",
            text in "[ -~é\t]{0,12}\n?",
        ) {
            let expression = Regex::new(
                r"^((?<engine>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z))?\s*(<(?<level>\d)>)?\s*((?<stamp>\d{4}-\d{2}-\d{2}\s\d{2}:\d{2}:\d{2}.\d{3}\s[+-]\d{2}:\d{2})\s)?\s*(?<text>.*)",
            ).unwrap();
            let raw = format!("{engine}{space}{digit}{stamp}{text}");
            let expected = expression.captures(&raw).unwrap();
            let part = |name| expected.name(name).map(|part| part.as_str());
            let parsed = line(&raw);
            prop_assert_eq!(parsed.engine.is_some(), part("engine").is_some());
            prop_assert_eq!(parsed.stamp, part("stamp"));
            prop_assert_eq!(Some(parsed.text), part("text"));
            let digit: Option<u8> = part("level").and_then(|digit| digit.parse().ok());
            prop_assert_eq!(parsed.severity, severity(digit, parsed.text));
        }
    }
}
