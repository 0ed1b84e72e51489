//! Refusals that somebody ordered for requests that would be served: too many of them, a service that is unwell, a day
//! whose messages are used up. Also what a request is, as far as that decides over it.

use super::edition::Edition;
use super::errors::{Code, HubError};
use super::message::Request;
use super::router::{Operation, Target};

/// The count overshoots: it is looked at now and then.
const OVERSHOT: u64 = 448;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// It changes nothing: `GET`, queries.
    Read,
    /// It changes identities, twins or configurations.
    Write,
    /// It is a direct method, whatever that does.
    Method,
}

impl RequestKind {
    /// `read`, `write`, `method`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Method => "method",
        }
    }
}

/// A request, as far as faults tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Asked {
    /// What it does.
    pub(in crate::sim) kind: RequestKind,
    /// Whether it costs messages of the day.
    pub(in crate::sim) metered: bool,
    /// Whether it writes to a twin.
    pub(in crate::sim) twin: bool,
}

impl Asked {
    /// What a request asks for; what is no operation at all is told by its verb.
    pub(in crate::sim) fn of(request: &Request) -> Self {
        let target = Target::of(request);
        let operation = target.as_ref().and_then(|target| Operation::of(&request.method, &target.segments));
        match operation {
            Some(operation) => Self {
                kind: operation.kind(),
                metered: operation.is_metered(),
                twin: matches!(operation, Operation::WriteTwin(..)),
            },
            None if request.method == "GET" => Self { kind: RequestKind::Read, metered: false, twin: false },
            None => Self { kind: RequestKind::Write, metered: false, twin: false },
        }
    }
}

/// A refusal in place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 429: too many requests of this kind.
    Throttled,
    /// 500
    ServerError,
    /// 503
    Unavailable,
    /// 504
    GatewayTimeout,
    /// 403002: the day's messages are used up. For requests that cost some; the others are served.
    QuotaExceeded,
}

impl Refusal {
    /// Its code in words of `:sim`: `429`, `quota`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "429",
            Self::ServerError => "500",
            Self::Unavailable => "503",
            Self::GatewayTimeout => "504",
            Self::QuotaExceeded => "quota",
        }
    }

    /// The service's words. Of 429 and 403002 they are quoted; the others are known by code and number only.
    pub(super) fn error(self, operation: Option<&Operation<'_>>, hub: &str, edition: Edition) -> HubError {
        match self {
            Self::Throttled => HubError::new(
                Code::ThrottlingBacklogTimeout,
                format!(
                    "The request has been throttled. Wait 10 seconds and try again. Operation type: {}",
                    operation.map_or("Unknown", Operation::throttled_as)
                ),
            ),
            Self::ServerError => HubError::new(Code::ServerError, "The service failed to process the request."),
            Self::Unavailable => HubError::new(Code::ServiceUnavailable, "The service is unavailable."),
            Self::GatewayTimeout => match operation {
                Some(Operation::Method(..)) => HubError::method_timed_out(),
                _ => HubError::new(Code::GatewayTimeout, "The operation timed out."),
            },
            Self::QuotaExceeded => {
                let most = edition.messages_a_day();
                HubError::quota_exceeded(hub, most, most.saturating_add(OVERSHOT))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_what_they_do() {
        use RequestKind::{Method, Read, Write};
        for (method, path, kind, metered) in [
            ("GET", "/twins/d", Read, true),
            ("GET", "/devices/d", Read, false),
            ("GET", "/configurations", Read, false),
            ("POST", "/devices/query", Read, true),
            ("POST", "/configurations/testQueries", Read, false),
            ("PATCH", "/twins/d/modules/m", Write, true),
            ("POST", "/devices", Write, false),
            ("POST", "/devices/d/applyConfigurationContent", Write, true),
            ("PUT", "/configurations/c", Write, false),
            ("POST", "/twins/d/modules/m/methods", Method, true),
            ("GET", "/nothing", Read, false),
            ("POST", "/devices/%ff", Write, false),
        ] {
            let request = Request { method: method.to_owned(), path_and_query: path.to_owned(), ..Request::default() };
            let twin = method == "PATCH";
            assert_eq!(Asked::of(&request), Asked { kind, metered, twin }, "{method} {path}");
        }
    }
}
