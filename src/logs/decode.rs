//! The answer to a `GetModuleLogs`, out of its wrappings: a method's status and payload, one element per module, gzip in
//! base64 or a string, and in it a list of lines. What is odd about it (iot-edge 4) is straightened here, what cannot be
//! read is counted, and nothing is unpacked beyond a bound.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::ModuleId;
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;

use super::entry::{Entry, Stream};
use super::parse;
use super::request::container;

/// No answer is unpacked further. 127,000 bytes of gzip may hold a thousand times as much; logs compress to a tenth.
const MOST_UNPACKED: u64 = 16 * 1024 * 1024;

/// How edgeAgent begins when there is more than an answer can hold; the number of bytes follows later in the text.
const TOO_LARGE: &str = "The payload is too large for a direct method";

/// Why there are no lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// More than an answer holds was asked for; `bytes` is what it would have been, where that was said.
    TooLarge {
        /// In the units of [`ANSWER_LIMIT`](super::request::ANSWER_LIMIT).
        bytes: Option<u64>,
    },
    /// The device runs no module of that name.
    NoSuchModule,
    /// edgeAgent, or the container engine through it, said no.
    Agent {
        /// The method's own status: 400 for the request, 500 for everything else, 200 for what the engine said.
        status: i64,
        /// Its words.
        message: Untrusted,
    },
    /// The answer is not what edgeAgent sends.
    Unreadable(Untrusted),
    /// No answer of edgeAgent's: the device is not connected (404103), it did not answer in time (504101), or the hub
    /// and the way to it.
    Hub(Fault),
}

impl Failure {
    /// Whether fewer lines may be answered: edgeAgent said so, or nothing came back. Between what edgeAgent lets pass and
    /// what the hub carries, once it is base64, an answer is lost on its way and looks like silence.
    #[must_use]
    pub fn may_be_too_large(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            Self::Hub(fault) => fault.kind == FaultKind::TimedOut && fault.status == Some(504),
            Self::NoSuchModule | Self::Agent { .. } | Self::Unreadable(_) => false,
        }
    }
}

/// The lines of one module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// In the order they were written.
    pub entries: Vec<Entry>,
    /// Lines that were there and could not be read.
    pub unreadable: usize,
    /// How much of [`ANSWER_LIMIT`](super::request::ANSWER_LIMIT) it took.
    pub bytes: usize,
}

impl Decoded {
    /// Lines that were there.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.entries.len().saturating_add(self.unreadable)
    }
}

/// An answer: one part per module, in no promised order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    parts: Vec<(String, Result<Decoded, Failure>)>,
}

impl Answer {
    /// Takes out what was said about `module`.
    ///
    /// # Errors
    /// [`Failure::NoSuchModule`] when nothing was, and what is wrong with its own part.
    pub fn take(&mut self, module: &ModuleId) -> Result<Decoded, Failure> {
        let name = container(module);
        let place = self.parts.iter().position(|(id, _)| id == name).ok_or(Failure::NoSuchModule)?;
        self.parts.swap_remove(place).1
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart {
    id: String,
    payload_bytes: Option<String>,
    payload: Option<String>,
}

#[derive(Deserialize)]
struct WireEntry {
    stream: Option<String>,
    loglevel: Option<i64>,
    text: String,
    timestamp: Option<String>,
}

/// Reads what the method answered: its own status and payload, not HTTP's.
///
/// # Errors
/// [`Failure::TooLarge`] and [`Failure::Agent`] for a status that is not 200, [`Failure::Unreadable`] for a payload that
/// is no list of modules.
pub fn answer(status: i64, payload: &Value) -> Result<Answer, Failure> {
    if status != 200 {
        let message = payload.get("message").and_then(Value::as_str);
        return Err(refusal(status, message.unwrap_or("edgeAgent gives no reason")));
    }
    let parts = Vec::<WirePart>::deserialize(payload).map_err(|error| unreadable(&error))?;
    let parts = parts.into_iter().map(|part| (part.id.clone(), unpack(&part))).collect();
    Ok(Answer { parts })
}

fn refusal(status: i64, message: &str) -> Failure {
    if message.starts_with(TOO_LARGE) {
        let number = message.split_once("request returned ").map_or("", |(_, rest)| rest);
        let bytes = number.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        return Failure::TooLarge { bytes };
    }
    Failure::Agent { status, message: message.into() }
}

fn unreadable(why: &dyn std::fmt::Display) -> Failure {
    Failure::Unreadable(format!("the answer is not what edgeAgent sends: {why}").into())
}

fn unpack(part: &WirePart) -> Result<Decoded, Failure> {
    match (&part.payload_bytes, &part.payload) {
        (Some(packed), _) => {
            let packed = STANDARD.decode(packed.trim()).map_err(|error| unreadable(&error))?;
            let mut text = Vec::new();
            let mut unpacking = MultiGzDecoder::new(packed.as_slice()).take(MOST_UNPACKED + 1);
            unpacking.read_to_end(&mut text).map_err(|error| unreadable(&error))?;
            if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST_UNPACKED {
                // As good as too large: fewer lines are asked for, and nobody's memory is filled.
                return Err(Failure::TooLarge { bytes: None });
            }
            let text = String::from_utf8(text).map_err(|error| unreadable(&error))?;
            lines(&text, packed.len())
        }
        // .NET counts UTF-16 units.
        (None, Some(text)) => lines(text, text.chars().map(char::len_utf16).sum()),
        (None, None) => Ok(Decoded::default()),
    }
}

fn lines(text: &str, bytes: usize) -> Result<Decoded, Failure> {
    let mut decoded = Decoded { bytes, ..Decoded::default() };
    if text.trim().is_empty() {
        return Ok(decoded);
    }
    match serde_json::from_str::<Vec<WireEntry>>(text) {
        Ok(entries) => {
            decoded.entries.reserve_exact(entries.len());
            for wire in entries {
                decoded.entries.push(read(wire)?);
            }
        }
        Err(_some_entry_is_odd) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(values) => {
                for value in values {
                    match tolerated(value) {
                        Some(wire) => decoded.entries.push(read(wire)?),
                        None => decoded.unreadable += 1,
                    }
                }
            }
            // Some agents put what should have been a refusal where the lines should be.
            Err(_no_list) if text.starts_with(TOO_LARGE) || parse::is_engine_failure(text) => {
                return Err(refusal(200, text));
            }
            Err(error) => return Err(unreadable(&error)),
        },
    }
    Ok(decoded)
}

/// An entry that does not have the types it should: its text is what counts.
fn tolerated(mut value: Value) -> Option<WireEntry> {
    let members = value.as_object_mut()?;
    let mut take = |name: &str| match members.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let text = take("text")?;
    let (stream, timestamp) = (take("stream"), take("timestamp"));
    Some(WireEntry { stream, loglevel: value.get("loglevel").and_then(Value::as_i64), text, timestamp })
}

fn read(wire: WireEntry) -> Result<Entry, Failure> {
    let time = wire.timestamp.as_deref().and_then(HubTime::parse).and_then(HubTime::instant);
    if time.is_none() && parse::is_engine_failure(&wire.text) {
        // What follows is not in the answer, so that it is no end of the log; and no line of the module's.
        return Err(Failure::Agent { status: 200, message: wire.text.into() });
    }
    let stream = match wire.stream.as_deref() {
        Some("stdout") => Stream::Out,
        Some("stderr") => Stream::Err,
        _ => Stream::Unknown,
    };
    let digit = wire.loglevel.and_then(|digit| u8::try_from(digit).ok());
    let text = straighten(wire.text, time.is_some());
    Ok(Entry { time, stream, severity: parse::severity(digit, &text), text: text.into() })
}

/// Without the end of the line; and of a line that is empty after its prefix edgeAgent gives the raw one, the container
/// engine's stamp included.
fn straighten(mut text: String, has_time: bool) -> String {
    if text.ends_with(['\n', '\r']) {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    if has_time && text.ends_with(['Z', ' ', '>', '\t']) {
        let parsed = parse::line(&text);
        if parsed.engine.is_some() && parsed.text.is_empty() {
            text.clear();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::{Level, Severity};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;
    use std::io::Write;

    const ANSWER: &str = include_str!("../../tests/fixtures/wire/method-logs.json");
    const REFUSED: &str = include_str!("../../tests/fixtures/wire/method-logs-too-large.json");

    fn gzip(text: &[u8]) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    fn of_lines(lines: &Value) -> Result<Decoded, Failure> {
        of_text(&lines.to_string())
    }

    fn of_text(text: &str) -> Result<Decoded, Failure> {
        let payload = json!([{"id": "m", "payloadBytes": null, "payload": text}]);
        answer(200, &payload).unwrap().take(&ModuleId::from_wire("m"))
    }

    #[test]
    fn an_answer_as_documented() {
        let method: Value = serde_json::from_str(ANSWER).unwrap();
        let mut answer = answer(200, &method["payload"]).unwrap();
        let plain = answer.take(&ModuleId::from_wire("temperatureFilter")).unwrap();
        let texts: Vec<&str> = plain.entries.iter().map(|entry| entry.text.raw()).collect();
        assert_eq!(texts, ["threshold 25.0", "allocation failed", ""]);
        assert_eq!(plain.entries[0].time, "2026-01-02T03:04:05.1234567Z".parse().ok());
        assert_eq!(plain.entries[0].severity, Severity::Unsaid);
        assert_eq!((plain.entries[1].severity, plain.entries[1].stream), (Severity::Said(Level::ERROR), Stream::Err));
        let packed = answer.take(&ModuleId::edge_agent()).unwrap();
        assert_eq!(packed.entries.len(), 1);
        assert_eq!(packed.entries[0].severity, Severity::Said(Level::INFO), "the text says so");
        assert_eq!(answer.take(&ModuleId::edge_hub()), Err(Failure::NoSuchModule));
    }

    #[test]
    fn refusals_lead_to_decisions() {
        let method: Value = serde_json::from_str(REFUSED).unwrap();
        let status = method["status"].as_i64().unwrap();
        assert_eq!(answer(status, &method["payload"]), Err(Failure::TooLarge { bytes: Some(245_681) }));
        let agent = |status, message: &str| Err(Failure::Agent { status, message: message.into() });
        for (status, payload, expected) in [
            (
                400,
                json!({"message": "Error parsing command payload because of error - x"}),
                agent(400, "Error parsing command payload because of error - x"),
            ),
            (500, json!({"message": "Stream finished"}), agent(500, "Stream finished")),
            (500, Value::Null, agent(500, "edgeAgent gives no reason")),
        ] {
            assert_eq!(answer(status, &payload), expected);
        }
        for payload in [json!({}), json!("x"), json!([7]), json!([{"payload": "[]"}])] {
            assert!(matches!(answer(200, &payload), Err(Failure::Unreadable(_))), "{payload}");
        }
        assert_eq!(answer(200, &json!([])).unwrap().take(&ModuleId::edge_agent()), Err(Failure::NoSuchModule));
    }

    #[test]
    fn odd_lines_are_straightened_or_counted() {
        let at = "2026-01-02T03:04:05.1234567";
        let decoded = of_lines(&json!([
            {"stream": "stdout", "loglevel": 6, "text": "no Z", "timestamp": at},
            {"stream": "stdout", "loglevel": 6, "text": "2026-01-02T03:04:05.123456789Z \n", "timestamp": format!("{at}+00:00")},
            {"stream": "stdout", "loglevel": 3, "text": "2026-01-02T03:04:05.123456789Z <3>\n", "timestamp": format!("{at}Z")},
            {"stream": "stdout", "loglevel": 6, "text": "the module itself wrote 2026-01-02T03:04:05.123456789Z\r", "timestamp": at},
            {"text": "nothing but text"},
            {"stream": 7, "loglevel": "x", "text": "of the wrong types", "timestamp": {}},
            {"stream": "stdout", "loglevel": 6, "text": null, "timestamp": at},
            17, null, [],
        ]))
        .unwrap();
        let texts: Vec<&str> = decoded.entries.iter().map(|entry| entry.text.raw()).collect();
        let own = "the module itself wrote 2026-01-02T03:04:05.123456789Z";
        assert_eq!(texts, ["no Z", "", "", own, "nothing but text", "of the wrong types"]);
        assert_eq!((decoded.unreadable, decoded.lines()), (4, 10));
        let utc = "2026-01-02T03:04:05.1234567Z".parse().ok();
        assert!(decoded.entries[..4].iter().all(|entry| entry.time == utc));
        assert_eq!(decoded.entries[2].severity, Severity::Said(Level::ERROR));
        assert_eq!((decoded.entries[4].time, decoded.entries[5].stream), (None, Stream::Unknown));
    }

    #[test]
    fn what_the_engine_says_is_no_line_and_no_end_of_the_log() {
        let text = "error from daemon in stream: Error grabbing logs: invalid character";
        let said = Err(Failure::Agent { status: 200, message: text.into() });
        assert_eq!(
            of_lines(
                &json!([{"text": "good", "timestamp": "2026-01-02T03:04:05Z"}, {"text": text, "timestamp": null}])
            ),
            said
        );
        assert_eq!(of_text(text), said);
        let older = format!(
            "{TOO_LARGE}. GetModuleLogs supports up to 127000 bytes of logs. The current request returned 130000 bytes."
        );
        assert_eq!(of_text(&older), Err(Failure::TooLarge { bytes: Some(130_000) }));
        assert!(matches!(of_text("<6> plain text"), Err(Failure::Unreadable(_))));
        assert_eq!(of_text(""), Ok(Decoded::default()));
    }

    #[test]
    fn nothing_is_unpacked_without_end() {
        let bomb = vec![b' '; usize::try_from(MOST_UNPACKED).unwrap() + 1];
        let payload = json!([{"id": "m", "payloadBytes": gzip(&bomb), "payload": null}, {"id": "n", "payloadBytes": "AAAA", "payload": null}]);
        let mut answer = answer(200, &payload).unwrap();
        assert_eq!(answer.take(&ModuleId::from_wire("m")), Err(Failure::TooLarge { bytes: None }));
        assert!(matches!(answer.take(&ModuleId::from_wire("n")), Err(Failure::Unreadable(_))));
    }

    #[test]
    fn the_limit_is_counted_as_the_agent_counts_it() {
        assert_eq!(of_text("[] ").unwrap().bytes, 3);
        let wide = json!([{"text": "\u{1f600}\u{e9}"}]).to_string();
        assert_eq!(of_text(&wide).unwrap().bytes, wide.encode_utf16().count());
        let packed = gzip(b"[]");
        let payload = json!([{"id": "m", "payloadBytes": packed, "payload": null}]);
        let decoded = answer(200, &payload).unwrap().take(&ModuleId::from_wire("m")).unwrap();
        assert_eq!(decoded.bytes, STANDARD.decode(&packed).unwrap().len());
    }
}
