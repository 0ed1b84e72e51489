//! The hub's refusals as [`Fault`]s: three body shapes, one header that tells them apart, and hints where the hub's own
//! words mislead. Shapes and codes are those of iot-hub-api 2.1 and 2.2.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::text::Untrusted;

use super::retry::THROTTLED_BASE;
use super::transport::{HttpReply, TransportFailure};

/// Beyond this difference between our clock and the hub's, a signed token is likely refused for its time.
const CLOCK_TOLERANCE_SECONDS: i64 = 300;
/// Text of a body that is no IoT Hub error is quoted this far.
const QUOTED_CHARS: usize = 120;

/// A failed call, with what the retry policy wants to know beyond the fault.
#[derive(Debug)]
pub(super) struct Failure {
    pub fault: Fault,
    pub retry_after: Option<Duration>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, retry_after: None }
    }
}

/// What an error body says, in any of its shapes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    number: Option<u64>,
    name: Option<String>,
    text: Option<String>,
    tracking_id: Option<String>,
}

/// The fault for an answer that is not a success. `doing` completes "could not …"; `now` is our wall clock.
pub(super) fn from_reply(doing: &str, reply: &HttpReply, now: Timestamp) -> Failure {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let said = body.as_ref().map(read_body).unwrap_or_default();
    let header = reply.header("iothub-errorcode").map(str::to_owned);
    let speaks_iot_hub = header.is_some() || said.number.is_some() || said.name.is_some();
    let retry_after = reply.header("retry-after").and_then(|value| parse_retry_after(value, now));
    let name = header.or(said.name);
    let kind = kind_of(reply.status, said.number, name.as_deref(), speaks_iot_hub, retry_after);

    let mut message = said.text.filter(|text| !text.is_empty()).unwrap_or_else(|| status_line(reply, body.is_some()));
    if kind == FaultKind::Unauthorized
        && let Some(hint) = clock_hint(reply, now)
    {
        message.push_str(&hint);
    }
    let mut fault = Fault::new(kind, doing, message);
    fault.status = Some(reply.status);
    fault.code = name.or_else(|| said.number.map(|number| number.to_string())).map(Untrusted::from);
    fault.tracking_id = said.tracking_id.map(Untrusted::from);
    fault.request_id = reply.header("x-ms-request-id").map(Untrusted::from);
    Failure { fault, retry_after }
}

/// The fault for a request without an answer.
pub(super) fn from_transport(doing: &str, failure: &TransportFailure) -> Failure {
    let kind = match failure {
        TransportFailure::NotConnected(_) | TransportFailure::Unreachable(_) => FaultKind::Unreachable,
        TransportFailure::TimedOut(_) => FaultKind::TimedOut,
        TransportFailure::Unreadable(_) => FaultKind::Protocol,
    };
    let mut fault = Fault::new(kind, doing, failure.to_string());
    fault.never_sent = matches!(failure, TransportFailure::NotConnected(_));
    fault.into()
}

fn read_body(body: &Value) -> Said {
    // Shape C: the object itself.
    if body.get("errorCode").is_some() {
        return read_coded(body);
    }
    let tracking_id = body.get("ExceptionMessage").and_then(Value::as_str).and_then(|text| {
        let id = text.strip_prefix("Tracking ID:").unwrap_or(text).trim();
        (!id.is_empty()).then(|| id.to_owned())
    });
    let Some(message) = body.get("Message").or_else(|| body.get("message")).and_then(Value::as_str) else {
        return Said { tracking_id, ..Said::default() };
    };
    // Shape B: the object, as a string.
    if let Ok(inner @ Value::Object(_)) = serde_json::from_str::<Value>(message) {
        let coded = read_coded(&inner);
        return Said { tracking_id: coded.tracking_id.or(tracking_id), ..coded };
    }
    // Shape A: `ErrorCode:Name;text`.
    match message.strip_prefix("ErrorCode:") {
        Some(rest) => {
            let (name, text) = rest.split_once(';').unwrap_or((rest, ""));
            Said { name: Some(name.to_owned()), text: Some(text.trim().to_owned()), tracking_id, number: None }
        }
        None => Said { text: Some(message.to_owned()), tracking_id, ..Said::default() },
    }
}

fn read_coded(object: &Value) -> Said {
    let text_of = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let (number, name) = match object.get("errorCode") {
        Some(Value::Number(number)) => (number.as_u64(), None),
        Some(Value::String(text)) => {
            text.parse().map_or_else(|_| (None, Some(text.clone())), |number| (Some(number), None))
        }
        _ => (None, None),
    };
    Said { number, name, text: text_of("message"), tracking_id: text_of("trackingId") }
}

fn kind_of(
    status: u16,
    number: Option<u64>,
    name: Option<&str>,
    speaks_iot_hub: bool,
    retry_after: Option<Duration>,
) -> FaultKind {
    let is =
        |code: u64, spelled: &str| number == Some(code) || name.is_some_and(|name| name.eq_ignore_ascii_case(spelled));
    match status {
        400 if is(400_027, "ConnectionForcefullyClosedOnNewConnection") => FaultKind::DeviceOffline,
        401 if is(401_100, "SystemModuleModifyUnauthorizedAccess") => FaultKind::SystemModule,
        401 => FaultKind::Unauthorized,
        403 if is(403_002, "IotHubQuotaExceeded") => FaultKind::QuotaExceeded,
        403 if is(403_800, "DeviceMaximumInflightMethodExceeded") => {
            FaultKind::Throttled(retry_after.unwrap_or(Duration::from_secs(1)))
        }
        403 if is(403_003, "JobQuotaExceeded")
            || is(403_010, "OperationNotAvailableInCurrentTier")
            || is(403_012, "DeviceDisabled") =>
        {
            FaultKind::Rejected
        }
        403 => FaultKind::Unauthorized,
        404 if is(404_103, "DeviceNotOnline") || is(404_104, "DeviceConnectionClosedRemotely") => {
            FaultKind::DeviceOffline
        }
        404 if is(404_012, "IotHubFailingOver") => FaultKind::Server,
        404 if speaks_iot_hub => FaultKind::NotFound,
        409 if is(409_001, "DeviceAlreadyExists")
            || is(409_301, "ModuleAlreadyExistsOnDevice")
            || is(409_401, "ConfigurationAlreadyExists")
            || is(409_103, "DeviceJobAlreadyExists")
            || is(409_104, "JobAlreadyExists") =>
        {
            FaultKind::AlreadyExists
        }
        412 if is(412_002, "DeviceMessageLockLost") || is(412_003, "JobRunPreconditionFailed") => FaultKind::Rejected,
        412 => FaultKind::PreconditionFailed,
        429 => FaultKind::Throttled(retry_after.unwrap_or(THROTTLED_BASE)),
        408 => FaultKind::TimedOut,
        504 if is(504_101, "GatewayTimeout") => FaultKind::TimedOut,
        500..=599 => FaultKind::Server,
        400 | 405 | 409 | 413 | 415 => FaultKind::Rejected,
        402..=499 if speaks_iot_hub => FaultKind::Rejected,
        _ => FaultKind::Protocol,
    }
}

/// What to say when the body does not: the status, and the start of whatever came.
fn status_line(reply: &HttpReply, is_json: bool) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let start: String = text.trim().chars().take(QUOTED_CHARS).collect();
    if (300..400).contains(&reply.status) {
        return format!("the host redirects to {}", reply.header("location").unwrap_or("nowhere"));
    }
    if is_json || start.is_empty() {
        "the answer gives no reason".to_owned()
    } else {
        format!("not an IoT Hub's answer: {start}")
    }
}

/// A signed token is refused when the clocks disagree; the hub's words never say so, its `Date` header does.
fn clock_hint(reply: &HttpReply, now: Timestamp) -> Option<String> {
    let theirs = reply.header("date").and_then(parse_http_date)?;
    let ahead = now.as_second().saturating_sub(theirs.as_second());
    if ahead.abs() <= CLOCK_TOLERANCE_SECONDS {
        return None;
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    Some(format!(" (this machine's clock is {} min {direction} the hub's; set the clock)", ahead.abs() / 60))
}

/// `Retry-After` in seconds or as an HTTP date.
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = parse_http_date(value)?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn parse_http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    const NOW: &str = "2026-03-04T10:00:00Z";

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> HttpReply {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        HttpReply { status, headers, body: body.as_bytes().to_vec() }
    }

    fn fault(reply: &HttpReply) -> Fault {
        from_reply("read it", reply, NOW.parse().unwrap()).fault
    }

    const SHAPE_A: &str = include_str!("../../tests/fixtures/wire/error-a-unauthorized.json");
    const SHAPE_B: &str = include_str!("../../tests/fixtures/wire/error-b-device-offline.json");
    const SHAPE_C: &str = include_str!("../../tests/fixtures/wire/error-c-module-exists.json");
    const QUOTA: &str = include_str!("../../tests/fixtures/wire/error-b-quota.json");

    #[test]
    fn the_three_shapes_are_read() {
        let a = fault(&reply(
            401,
            &[("iothub-errorcode", "IotHubUnauthorizedAccess"), ("x-ms-request-id", "r-1")],
            SHAPE_A,
        ));
        assert_eq!(a.kind, FaultKind::Unauthorized);
        assert_eq!(a.to_string(), "could not read it: 401 IotHubUnauthorizedAccess, Unauthorized");
        assert_eq!(a.tracking_id, Some("0123456789abcdef0123456789abcdef-G:9-TimeStamp:10/15/2018 03:54:24".into()));
        assert_eq!(a.request_id, Some("r-1".into()));

        let b = fault(&reply(404, &[], SHAPE_B));
        assert_eq!((b.kind, b.code), (FaultKind::DeviceOffline, Some("404103".into())));
        assert_eq!(b.message, "Timed out waiting for device to connect.".into());
        assert_eq!(b.tracking_id, Some("fedcba9876543210fedcba9876543210-G:0-TimeStamp:08/24/2018 17:49:33".into()));

        let c = fault(&reply(409, &[("iothub-errorcode", "ModuleAlreadyExistsOnDevice")], SHAPE_C));
        assert_eq!((c.kind, c.code), (FaultKind::AlreadyExists, Some("ModuleAlreadyExistsOnDevice".into())));
        assert_eq!(c.message, "Device d1 in IotHub h already contains Module m.".into());

        assert_eq!(
            fault(&reply(403, &[("iothub-errorcode", "IotHubQuotaExceeded")], QUOTA)).kind,
            FaultKind::QuotaExceeded
        );
    }

    #[test]
    fn codes_lead_to_decisions() {
        use FaultKind as K;
        let a = |name: &str| format!(r#"{{"Message":"ErrorCode:{name};text","ExceptionMessage":"Tracking ID:x"}}"#);
        for (status, name, kind) in [
            (400, "ArgumentInvalid", K::Rejected),
            (401, "SystemModuleModifyUnauthorizedAccess", K::SystemModule),
            (401, "IotHubUnauthorizedAccess", K::Unauthorized),
            (403, "IotHubQuotaExceeded", K::QuotaExceeded),
            (403, "OperationNotAvailableInCurrentTier", K::Rejected),
            (403, "SomethingNew", K::Unauthorized),
            (404, "DeviceNotFound", K::NotFound),
            (404, "DeviceNotOnline", K::DeviceOffline),
            (404, "IotHubFailingOver", K::Server),
            (409, "DeviceAlreadyExists", K::AlreadyExists),
            (409, "DeviceLocked", K::Rejected),
            (412, "PreconditionFailed", K::PreconditionFailed),
            (412, "JobRunPreconditionFailed", K::Rejected),
            (413, "TooManyDevices", K::Rejected),
            (429, "ThrottlingBacklogTimeout", K::Throttled(Duration::from_secs(10))),
            (503, "ServiceUnavailable", K::Server),
            (504, "GatewayTimeout", K::TimedOut),
        ] {
            assert_eq!(fault(&reply(status, &[], &a(name))).kind, kind, "{status} {name}");
        }
    }

    #[test]
    fn what_is_no_iot_hub_says_so() {
        let html = fault(&reply(404, &[], "<html>Not Found</html>"));
        assert_eq!(html.kind, FaultKind::Protocol);
        assert_eq!(html.message, "not an IoT Hub's answer: <html>Not Found</html>".into());
        let redirect = fault(&reply(302, &[("location", "https://portal.example/")], ""));
        assert_eq!(redirect.kind, FaultKind::Protocol);
        assert_eq!(redirect.message, "the host redirects to https://portal.example/".into());
        assert_eq!(fault(&reply(502, &[], "")).message, "the answer gives no reason".into());
    }

    #[test]
    fn retry_after_is_read_in_both_spellings() {
        let now: Timestamp = NOW.parse().unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            (" 30 ", Some(30)),
            ("Wed, 04 Mar 2026 10:00:25 GMT", Some(25)),
            ("Wed, 04 Mar 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
        ] {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
        let throttled = fault(&reply(429, &[("retry-after", "21")], ""));
        assert_eq!(throttled.kind, FaultKind::Throttled(Duration::from_secs(21)));
    }

    #[test]
    fn a_refused_token_with_a_wrong_clock_says_which_way() {
        for (date, hint) in [
            ("Wed, 04 Mar 2026 09:30:00 GMT", Some("30 min ahead of")),
            ("Wed, 04 Mar 2026 11:00:00 GMT", Some("60 min behind")),
            ("Wed, 04 Mar 2026 10:04:00 GMT", None),
        ] {
            let message = fault(&reply(401, &[("date", date)], SHAPE_A)).message;
            match hint {
                Some(hint) => assert!(message.raw().contains(hint), "{message:?}"),
                None => assert_eq!(message, "Unauthorized".into()),
            }
        }
    }

    #[test]
    fn no_body_whatsoever_breaks_the_reader() {
        for body in [
            "null",
            "[]",
            "7",
            "\"x\"",
            "{}",
            r#"{"Message":null}"#,
            r#"{"Message":"{\"errorCode\":{}}"}"#,
            "{\"errorCode\":[]}",
            "\u{0}",
        ] {
            assert_eq!(fault(&reply(500, &[], body)).kind, FaultKind::Server, "{body}");
        }
    }
}
