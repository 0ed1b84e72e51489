//! What a PUT of a job may say. Where the service's answer is not known, it is refused.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::sim::hub::errors::{Code, HubError};
use crate::sim::hub::methods::Invocation;
use crate::sim::hub::twin::{Twin, TwinWrite};

use super::{Work, work};

const MAX_ID_CHARS: usize = 64;
/// As long as a query.
const MAX_CONDITION_CHARS: usize = 8_192;
/// How far ahead a job may start.
const MAX_AHEAD: Duration = Duration::from_secs(168 * 3_600);
/// What every official client sends when it is not told: an hour.
const DEFAULT_LONGEST: u64 = 3_600;

/// A job that may be made.
pub(super) struct Sent {
    pub(super) work: Work,
    pub(super) condition: String,
    pub(super) start: Timestamp,
    pub(super) longest: Duration,
}

impl Sent {
    pub(super) fn read(body: &Map<String, Value>, id: &str, now: Timestamp) -> Result<Self, HubError> {
        let argument = |text: &str| HubError::argument(text);
        if !valid_id(id) || body.get("jobId").is_some_and(|given| !given.is_null() && given.as_str() != Some(id)) {
            return Err(argument("jobId must be as in the path: 1 to 64 letters, digits and dashes."));
        }
        let work = work_of(body, now)?;
        let Some(condition) = body.get("queryCondition").and_then(Value::as_str).filter(|text| !text.trim().is_empty())
        else {
            return Err(argument("queryCondition is required; * is all devices."));
        };
        if condition.chars().count() > MAX_CONDITION_CHARS {
            return Err(HubError::new(Code::JobRunPreconditionFailed, "PreconditionFailed"));
        }
        // Left out is now; `null` is refused, which an official client had to learn.
        let start = match body.get("startTime") {
            None => now,
            Some(text) => {
                let at = text.as_str().and_then(instant);
                at.ok_or_else(|| argument("startTime must be an instant, as in 2026-01-01T00:00:00Z."))?
            }
        };
        if start > work::after(now, MAX_AHEAD) {
            return Err(argument("startTime must be at most 168 hours ahead."));
        }
        let longest = match body.get("maxExecutionTimeInSeconds") {
            None => DEFAULT_LONGEST,
            Some(seconds) => seconds
                .as_u64()
                .filter(|seconds| (1..=u64::from(u32::MAX)).contains(seconds))
                .ok_or_else(|| argument("maxExecutionTimeInSeconds must be a whole number above 0."))?,
        };
        Ok(Self { work, condition: condition.to_owned(), start, longest: Duration::from_secs(longest) })
    }
}

/// Letters, digits, dashes and apostrophes.
fn valid_id(id: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '\'')
}

/// With or without an offset; UTC without.
fn instant(text: &str) -> Option<Timestamp> {
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let at = text.parse().ok().or_else(civil)?;
    // Far from both ends, where reckoning stops.
    let far = SignedDuration::from_hours(24 * 366);
    Timestamp::MAX.checked_sub(far).is_ok_and(|end| at < end).then_some(at)
}

fn work_of(body: &Map<String, Value>, now: Timestamp) -> Result<Work, HubError> {
    let member = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(HubError::argument(format!("{name} must be an object."))),
    };
    let (twin, method) = (member("updateTwin")?, member("cloudToDeviceMethod")?);
    match (body.get("type").and_then(Value::as_str), twin, method) {
        (Some("scheduleUpdateTwin"), Some(twin), None) => twin_update(twin, now),
        (Some("scheduleDeviceMethod"), None, Some(method)) => {
            let read = serde_json::from_value(Value::Object(method.clone()));
            let body = read.map_err(|error| HubError::argument(format!("cloudToDeviceMethod: {error}.")))?;
            // Jobs refuse in the first shape, as everything does but methods themselves.
            let invocation = Invocation::of(body).map_err(|error| HubError::argument(error.text))?;
            let known = ["methodName", "payload", "responseTimeoutInSeconds", "connectTimeoutInSeconds"];
            Ok(Work::Method(only(method, &known), invocation))
        }
        (Some("scheduleUpdateTwin" | "scheduleDeviceMethod"), ..) => {
            Err(HubError::argument("A job has either updateTwin or cloudToDeviceMethod, as its type says."))
        }
        _ => Err(HubError::new(Code::GenericBadRequest, "BadRequest")),
    }
}

fn twin_update(twin: &Map<String, Value>, now: Timestamp) -> Result<Work, HubError> {
    if twin.get("etag").and_then(Value::as_str) != Some("*") {
        return Err(HubError::argument("updateTwin.etag must be '*'."));
    }
    let write = TwinWrite::of(&Value::Object(twin.clone())).map_err(HubError::argument)?;
    if !write.counts() {
        return Err(HubError::argument("updateTwin must hold tags or properties.desired."));
    }
    // What no twin could take is refused at once; what this or that one cannot, when it is its turn.
    Twin::new("").patch(write, now).map_err(|limit| HubError::argument(limit.to_string()))?;
    Ok(Work::Twin(only(twin, &["etag", "tags", "properties"])))
}

fn only(map: &Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    known.iter().filter_map(|name| map.get(*name).map(|value| ((*name).to_owned(), value.clone()))).collect()
}
