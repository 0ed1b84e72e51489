//! What edgeAgent reads at the beginning of a line: the engine's stamp, a level, the module's own stamp. All of it is
//! optional, and what is not there takes nothing away.

/// A raw line as edgeAgent sees it, its line feed included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    /// `<3>` says 3; without it 6.
    pub(super) level: u8,
    /// What follows, up to the line feed. When nothing does, the whole raw line, which is edgeAgent's slip.
    pub(super) text: &'a str,
}

/// The shapes of the two stamps: `0` is a digit, `?` anything but a line feed, `_` a blank, `+` a sign.
const ENGINE: &str = "0000-00-00T00:00:00.000000000Z";
const MODULE: &str = "0000-00-00_00:00:00?000_+00:00";

/// Takes a raw line apart.
pub(super) fn parse(raw: &str) -> Parsed<'_> {
    let rest = without(raw, ENGINE).unwrap_or(raw).trim_start();
    let (level, rest) = level(rest);
    let rest = rest.trim_start();
    // The module's own stamp counts only with a blank behind it.
    let rest = match without(rest, MODULE) {
        Some(after) if after.starts_with(char::is_whitespace) => after.trim_start(),
        _ => rest,
    };
    let text = rest.split('\n').next().unwrap_or_default();
    Parsed { level, text: if text.is_empty() { raw } else { text } }
}

fn level(rest: &str) -> (u8, &str) {
    digit(rest).unwrap_or((6, rest))
}

fn digit(text: &str) -> Option<(u8, &str)> {
    let mut chars = text.strip_prefix('<')?.chars();
    let digit = chars.next().filter(char::is_ascii_digit)?.to_digit(10)?;
    Some((u8::try_from(digit).ok()?, chars.as_str().strip_prefix('>')?))
}

/// `text` without its beginning, when that has the shape.
fn without<'a>(text: &'a str, shape: &str) -> Option<&'a str> {
    let mut chars = text.chars();
    for expected in shape.chars() {
        let c = chars.next()?;
        let fits = match expected {
            '0' => c.is_ascii_digit(),
            '_' => c.is_whitespace(),
            '+' => c == '+' || c == '-',
            '?' => c != '\n',
            _ => c == expected,
        };
        if !fits {
            return None;
        }
    }
    Some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    /// The expression edgeAgent runs.
    const PATTERN: &str = r"^((?<engine>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z))?\s*(<(?<level>\d)>)?\s*((?<stamp>\d{4}-\d{2}-\d{2}\s\d{2}:\d{2}:\d{2}.\d{3}\s[+-]\d{2}:\d{2})\s)?\s*(?<text>.*)";

    #[test]
    fn prefixes_are_cut_off() {
        for (raw, level, text) in [
            ("<6> 2026-01-02 03:04:05.678 +00:00 [INF] - started\n", 6, "[INF] - started"),
            ("2026-01-02T03:04:05.123456700Z <3> 2026-01-02 03:04:05.678 +00:00 [ERR] - no\n", 3, "[ERR] - no"),
            ("2026-01-02 03:04:05.678 +00:00 Edge Agent Main()\n", 6, "Edge Agent Main()"),
            ("2026-01-02 03:04:05 +00:00 Starting Edge Agent\n", 6, "2026-01-02 03:04:05 +00:00 Starting Edge Agent"),
            ("   at X()\n", 6, "at X()"),
            ("<12> x\n", 6, "<12> x"),
            ("<9>x", 9, "x"),
            ("\n", 6, "\n"),
            ("2026-01-02T03:04:05.123456700Z \n", 6, "2026-01-02T03:04:05.123456700Z \n"),
            ("<4> \n", 4, "<4> \n"),
            ("a\rb\n", 6, "a\rb"),
        ] {
            assert_eq!(parse(raw), Parsed { level, text }, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn the_reader_is_the_expression(raw in r"(2026-01-02T03:04:05\.123456700Z)?[ \n]{0,2}(<[0-9]>)?[ \t]{0,2}(2026-01-02 03:04:05[.,x]678 [+-]00:00)?[ \n]?[<>0-9a-z \n]{0,6}") {
            let expression = Regex::new(PATTERN).unwrap();
            let found = expression.captures(&raw).unwrap();
            let level = found.name("level").map_or(6, |level| level.as_str().parse().unwrap());
            let text = found.name("text").unwrap().as_str();
            let text = if text.is_empty() { raw.as_str() } else { text };
            prop_assert_eq!(parse(&raw), Parsed { level, text });
        }
    }
}
