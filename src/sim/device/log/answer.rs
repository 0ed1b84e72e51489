//! `GetModuleLogs` from the payload to the answer: which modules, what the engine hands out, what edgeAgent filters of
//! it and how it packs the rest. `UploadModuleLogs` as far as it is the same.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::daemon::{self, Window};
use super::prefix;
use super::request::{self, Content, Encoding, Filter, Item, Request};
use super::store::{ContainerLog, Frame, LogFault};
use super::wire;
use crate::sim::device::instants;
use crate::sim::device::program::runtime::Said;

/// More than this edgeAgent does not send: compressed bytes before base64, else .NET's characters before escaping.
const MOST: usize = 127_000;

/// Why a direct method failed, as its caller gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct MethodError {
    /// 400 for what is wrong with the request, 500 for everything else.
    pub status: i64,
    /// In the payload, as `{"message": …}`.
    pub message: String,
}

impl MethodError {
    /// The request cannot be carried out as it is.
    pub(in crate::sim) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into() }
    }

    /// Anything else.
    pub(in crate::sim) fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into() }
    }

    /// The answer's payload.
    pub(in crate::sim) fn payload(&self) -> Value {
        json!({"message": self.message})
    }
}

/// Where a request is answered.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Device<'a> {
    /// `h.azure-devices.net`, which stands in every JSON entry.
    pub iothub: &'a str,
    /// The device's id.
    pub device: &'a str,
    /// The device's clock, which `since` and `until` are counted back from.
    pub now: Timestamp,
    /// Every container the daemon knows, with its log, in the order of the answer.
    pub logs: Vec<(&'a str, &'a ContainerLog)>,
}

/// Answers a `GetModuleLogs`. What edgeAgent writes into its own log meanwhile is added to `said`; the lines around it,
/// which all methods have in common, are not.
///
/// # Errors
/// [`MethodError`] with edgeAgent's status and text.
pub(in crate::sim) fn answer(payload: &Value, device: &Device<'_>, said: &mut Vec<Said>) -> Result<Value, MethodError> {
    let request = Request::read(payload)?;
    check_version(&request.schema_version, said)?;
    said.push(Said::info(format!("Processing request to get logs for {}", request.to_json())));
    let asked = modules(&request.items, device)?;
    let mut size = 0;
    let mut entries = Vec::new();
    for (name, log, filter) in &asked {
        let window = window(filter, device.now)?;
        said.push(Said::info(format!("Initiating streaming logs for {name}")));
        let text = content(&request, name, log, filter, window, device)?;
        entries.push(match request.encoding {
            Encoding::None => {
                size += wire::units(&text);
                said.push(received(text.len(), name));
                json!({"id": name, "payloadBytes": null, "payload": text})
            }
            Encoding::Gzip => {
                let packed = gzip(text.as_bytes())?;
                size += packed.len();
                said.push(received(packed.len(), name));
                json!({"id": name, "payloadBytes": STANDARD.encode(packed), "payload": null})
            }
        });
    }
    if size > MOST {
        let message = too_large(size, &request, asked.iter().map(|(_, _, filter)| *filter));
        said.push(Said::warning(message.clone()));
        return Err(MethodError::bad_request(message));
    }
    Ok(Value::Array(entries))
}

/// Reads an `UploadModuleLogs`, a `GetModuleLogs` with the address to upload to, and says which address that is. Which
/// modules are meant is found out at once; what they wrote is read by the upload.
///
/// # Errors
/// [`MethodError`] with edgeAgent's status and text.
pub(in crate::sim) fn upload(
    payload: &Value,
    device: &Device<'_>,
    said: &mut Vec<Said>,
) -> Result<String, MethodError> {
    let (request, address) = Request::read_upload(payload)?;
    check_version(&request.schema_version, said)?;
    said.push(Said::info(format!("Processing request to upload logs for {}", request.to_json())));
    modules(&request.items, device)?;
    Ok(address)
}

fn received(bytes: usize, name: &str) -> Said {
    Said::info(format!("Received {bytes} bytes of logs for {name}"))
}

/// `1.0` is expected; another minor number is mentioned, another major one refused.
fn check_version(version: &str, said: &mut Vec<Said>) -> Result<(), MethodError> {
    const WHAT: &str = "logs upload request schema";
    let parts: Option<Vec<i32>> = version.trim().split('.').map(|part| part.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some([1, 0]) => Ok(()),
        Some([1, rest @ ..]) if (1..=3).contains(&rest.len()) && rest.iter().all(|part| *part >= 0) => {
            said.push(Said::warning(format!(
                "Logs upload request schema version {version} does not match expected schema version 1.0. \
                 Some settings may not be supported."
            )));
            Ok(())
        }
        Some([_, rest @ ..]) if (1..=3).contains(&rest.len()) => Err(MethodError::internal(format!(
            "The {WHAT} version {version} is not compatible with the expected version 1.0"
        ))),
        _ => Err(MethodError::internal(format!("Invalid {WHAT} version {version}"))),
    }
}

type Asked<'a> = Vec<(&'a str, &'a ContainerLog, &'a Filter)>;

/// The modules asked for, each with the filter of the first item that names it.
fn modules<'a>(items: &'a [Item], device: &Device<'a>) -> Result<Asked<'a>, MethodError> {
    let mut out: Asked<'a> = Vec::new();
    for Item { id, filter } in items {
        let expression = match id.eq_ignore_ascii_case("all") {
            true => None,
            false => Some(request::module_expression(id).map_err(MethodError::bad_request)?),
        };
        for (name, log) in &device.logs {
            let wanted = expression.as_ref().is_none_or(|expression| expression.is_match(name));
            if wanted && !out.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name)) {
                out.push((name, log, filter));
            }
        }
    }
    Ok(out)
}

/// What the engine is asked for: `tail` goes to it unless the window is closed on both sides.
fn window(filter: &Filter, now: Timestamp) -> Result<Window, MethodError> {
    let refused = |name: &str| {
        MethodError::bad_request(format!(
            r#"Request Returned Status Code BadRequest with Message {{"message":"invalid parameter: {name}"}}"#
        ))
    };
    let closed = filter.since.is_some() && filter.until.is_some();
    let second = |text: &Option<String>, name: &str| match text {
        Some(text) => daemon::second(text, now).map(Some).ok_or_else(|| refused(name)),
        None => Ok(None),
    };
    let tail = match filter.tail {
        Some(tail) if !closed => Some(u64::try_from(tail).map_err(|_negative| refused("tail"))?),
        _ => None,
    };
    Ok(Window { tail, since: second(&filter.since, "since")?, until: second(&filter.until, "until")? })
}

/// The lines of one module, as text or JSON.
fn content(
    request: &Request,
    name: &str,
    log: &ContainerLog,
    filter: &Filter,
    window: Window,
    device: &Device<'_>,
) -> Result<String, MethodError> {
    match log.fault() {
        Some(LogFault::Truncated) => {
            return Err(MethodError::internal("Stream finished but there was a truncated final frame in the buffer"));
        }
        Some(LogFault::Unreadable) => {
            let text = "error from daemon in stream: Error grabbing logs: invalid character '\\x00' looking for \
                        beginning of value\n";
            return Ok(lines(request, name, filter, vec![(None, "stderr", text.to_owned())], device));
        }
        None => {}
    }
    // JSON entries take their stamps from what the engine puts before each line.
    let stamps = request.content == Content::Json || filter.stamps;
    let frames = daemon::frames(log, window);
    let raw = frames.into_iter().map(|frame| (Some(frame.at), frame.stream.word(), raw(frame, stamps))).collect();
    Ok(lines(request, name, filter, raw, device))
}

/// A record as the engine hands it out.
fn raw(frame: &Frame, stamps: bool) -> String {
    let stamp = if stamps { format!("{} ", instants::of_engine(frame.at)) } else { String::new() };
    let end = if frame.ends { "\n" } else { "" };
    format!("{stamp}{}{end}", frame.text)
}

fn lines(
    request: &Request,
    name: &str,
    filter: &Filter,
    raw: Vec<(Option<Timestamp>, &str, String)>,
    device: &Device<'_>,
) -> String {
    let is_wanted = |raw: &str| {
        if filter.level.is_none() && filter.regex.is_none() {
            return true;
        }
        let parsed = prefix::parse(raw);
        filter.level.is_none_or(|level| level == i32::from(parsed.level))
            && filter.regex.as_ref().is_none_or(|(_, regex)| regex.is_match(parsed.text))
    };
    let mut kept: Vec<_> = raw.into_iter().filter(|(.., raw)| is_wanted(raw)).collect();
    if let Some(tail) = filter.tail {
        // Below zero everything is skipped.
        let tail = usize::try_from(tail).unwrap_or(0);
        kept.drain(..kept.len().saturating_sub(tail));
    }
    match request.content {
        Content::Text => kept.into_iter().map(|(.., raw)| raw).collect(),
        Content::Json => {
            let mut out = String::from("[");
            for (index, (at, stream, raw)) in kept.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                entry(&mut out, device, name, (*at, stream, raw));
            }
            out.push(']');
            out
        }
    }
}

fn entry(out: &mut String, device: &Device<'_>, name: &str, (at, stream, raw): (Option<Timestamp>, &str, &str)) {
    let parsed = prefix::parse(raw);
    for (member, value) in
        [("{\"iothub\":", device.iothub), (",\"device\":", device.device), (",\"id\":", name), (",\"stream\":", stream)]
    {
        out.push_str(member);
        wire::quote(out, value);
    }
    out.push_str(&format!(",\"loglevel\":{},\"text\":", parsed.level));
    wire::quote(out, parsed.text);
    out.push_str(",\"timestamp\":");
    match at {
        Some(at) => wire::quote(out, &instants::in_json(at)),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, MethodError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| MethodError::internal(format!("The logs could not be compressed: {error}")))
}

/// What edgeAgent says when there is too much, the options it worked with included.
fn too_large<'a>(size: usize, request: &Request, filters: impl Iterator<Item = &'a Filter>) -> String {
    let options: Vec<Value> = filters
        .map(|filter| {
            json!({
                "ContentEncoding": request.encoding.number(),
                "ContentType": request.content.number(),
                "Filter": filter.to_json(),
                "OutputFraming": 0,
                "OutputGroupingConfig": {"HasValue": false},
                "Follow": false,
            })
        })
        .collect();
    let options = serde_json::to_string_pretty(&options).unwrap_or_default();
    format!(
        "The payload is too large for a direct method. GetModuleLogs supports up to {MOST} bytes of logs. The current \
         request returned {size} bytes.\nTry reducing the size of the logs by setting the 'tail', 'since' and 'from' \
         fields in log options filter. For more information, see https://aka.ms/iotedge-log-pull \nCurrent options \
         settings are:\n{options}"
    )
}
