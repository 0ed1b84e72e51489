//! Requests and responses as the simulated hub sees them, with or without a socket underneath.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::stamp;

/// One request, as it came off the wire. `Debug` leaves headers and body out: they carry tokens and keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT`, `PATCH`, `POST`, `DELETE`.
    pub method: String,
    /// The path, still percent-encoded, with its query: `/twins/d?api-version=2021-04-12`.
    pub path_and_query: String,
    /// Header names in any case, values.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// How long the caller has waited for an answer to this request already, see [`Response::wait`].
    pub waited: Duration,
    /// Whether it has waited for its turn, see [`Wait::Turn`].
    pub queued: bool,
}

impl Request {
    /// The value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.path_and_query)
    }
}

/// One answer. `Debug` leaves the body out: it may carry keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// JSON, or empty.
    pub body: Vec<u8>,
    /// What the caller has to wait for.
    pub wait: Wait,
}

/// Whether a response is ready to be sent. The hub itself never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// It is.
    #[default]
    None,
    /// It is sent after this time.
    Late(Duration),
    /// It is what the caller gets when nothing changes in time; until then the same request is made again after this
    /// time, with [`Request::waited`] as much longer.
    Again(Duration),
    /// Too much has come before it: nothing is done yet. After this time the same request is made again, with
    /// [`Request::queued`]; whoever does not come back was never there.
    Turn(Duration),
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Response {
    /// 200 with a JSON body.
    pub(super) fn json(body: &Value) -> Self {
        Self::with_status(200, body)
    }

    /// Any status with a JSON body.
    pub(super) fn with_status(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes(), wait: Wait::None }
    }

    /// 204: done, nothing to say.
    pub(super) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Vec::new(), wait: Wait::None }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds `ETag`, quoted.
    pub(super) fn etag(self, etag: &str) -> Self {
        self.header("ETag", format!("\"{etag}\""))
    }
}

/// What an `If-Match` header asks for. Which spellings are honoured differs by resource, so all are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// No header.
    Absent,
    /// `""`: create.
    Empty,
    /// `*` or `"*"`.
    Any,
    /// `"tag"`.
    Quoted(String),
    /// `tag`: honoured by identities, ignored by twins.
    Unquoted(String),
}

impl IfMatch {
    pub(super) fn of(request: &Request) -> Self {
        let Some(text) = request.header("If-Match").map(str::trim) else { return Self::Absent };
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some("") => Self::Empty,
            Some("*") => Self::Any,
            Some(tag) => Self::Quoted(tag.to_owned()),
            None if text == "*" => Self::Any,
            None if text.is_empty() => Self::Absent,
            None => Self::Unquoted(text.to_owned()),
        }
    }

    /// For identities: the tag to compare, `None` for any; `Err` when the header does not ask for an update.
    pub(super) fn identity(&self) -> Result<Option<&str>, NoCondition> {
        match self {
            Self::Absent | Self::Empty => Err(NoCondition),
            Self::Any => Ok(None),
            Self::Quoted(tag) | Self::Unquoted(tag) => Ok(Some(tag)),
        }
    }

    /// For configurations, as [`IfMatch::identity`]; an unquoted tag is as good as none.
    pub(super) fn configuration(&self) -> Result<Option<&str>, NoCondition> {
        match self {
            Self::Unquoted(_) => Err(NoCondition),
            other => other.identity(),
        }
    }

    /// For twins: whether the twin's counter satisfies the header.
    pub(super) fn allows_twin(&self, counter: u64) -> bool {
        match self {
            Self::Quoted(tag) => *tag == stamp::twin_etag(counter),
            Self::Absent | Self::Empty | Self::Any | Self::Unquoted(_) => true,
        }
    }
}

/// No `If-Match` that means "update".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoCondition;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_if_match() {
        for (text, expected) in [
            (None, IfMatch::Absent),
            (Some("\"\""), IfMatch::Empty),
            (Some("*"), IfMatch::Any),
            (Some("\"*\""), IfMatch::Any),
            (Some("\"AAE=\""), IfMatch::Quoted("AAE=".to_owned())),
            (Some("AAE="), IfMatch::Unquoted("AAE=".to_owned())),
        ] {
            let headers = text.map(|text| ("if-match".to_owned(), text.to_owned())).into_iter().collect();
            assert_eq!(IfMatch::of(&Request { headers, ..Request::default() }), expected, "{text:?}");
        }
    }
}
