//! Paths into a message's body, and reading the body they need: JSON that says so, in an encoding that says so.

use serde_json::Value;

use super::message::RoutedMessage;

/// A path of member names and indexes: `body.machine.readings[0].temperature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPath {
    text: String,
    steps: Vec<Step>,
}

const PREFIX: &str = "body.";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
}

impl BodyPath {
    /// Whether a name is meant as a path into the body: `body.` in any case begins it.
    pub(super) fn begins(text: &str) -> bool {
        text.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
    }

    /// Reads what follows `$`, `body.` included; nothing for what edgeHub cannot compile.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let path = text.get(PREFIX.len()..).filter(|_| Self::begins(text))?;
        for part in path.split('.') {
            let (name, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
            // A name of digits alone is an index to edgeHub, and an index needs brackets.
            if name.is_empty() || name.contains(']') || name.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            while !indexes.is_empty() {
                let (index, rest) = indexes.strip_prefix('[')?.split_once(']')?;
                if !index.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                steps.push(Step::Index(index.parse().ok()?));
                indexes = rest;
            }
        }
        Some(Self { text: text.to_owned(), steps })
    }

    /// As written, without the `$`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands at the path.
    #[must_use]
    pub fn of<'a>(&self, body: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(body, |node, step| match step {
            Step::Member(name) => node.as_object()?.get(name),
            Step::Index(index) => node.as_array()?.get(*index),
        })
    }
}

/// The body as edgeHub sees it; nothing unless the message says `application/json` and one of three encodings, and
/// holds an object.
pub(super) fn read(message: &RoutedMessage) -> Option<Value> {
    let system = |name: &str| message.system.get(name);
    if !system("contentType")?.eq_ignore_ascii_case("application/json") {
        return None;
    }
    let body = message.body.as_slice();
    let value = match system("contentEncoding")?.to_ascii_lowercase().as_str() {
        "utf-8" => serde_json::from_slice(body).ok(),
        "utf-16" => {
            let units: Vec<u16> = body.chunks(2).map(|pair| u16::try_from(little_endian(pair)).unwrap_or(0)).collect();
            serde_json::from_str(&String::from_utf16(&units).ok()?).ok()
        }
        "utf-32" => {
            let text: Option<String> = body.chunks(4).map(|four| char::from_u32(little_endian(four))).collect();
            serde_json::from_str(&text?).ok()
        }
        _ => None,
    };
    value.filter(Value::is_object)
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// Whether edgeHub's JSON reader takes a text for a date, which is then no text and compares with nothing.
pub(super) fn is_date(text: &str) -> bool {
    let Some((moment, rest)) = text.split_at_checked(19).filter(|_| (19..=40).contains(&text.len())) else {
        return false;
    };
    if !moment.contains('T') || moment.parse::<jiff::civil::DateTime>().is_err() {
        return false;
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let is_offset = |text: &str| {
        text.len() == 6 && text.starts_with(['+', '-']) && text.bytes().filter(u8::is_ascii_digit).count() == 4
    };
    rest.is_empty() || rest == "Z" || is_offset(rest)
}
