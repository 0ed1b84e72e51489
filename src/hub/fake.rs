//! Test doubles: a transport that answers from a script and keeps what it was sent, and a clock on tokio's time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::time::{Clock, Now};

use super::transport::{HttpReply, HttpRequest, Transport, TransportFailure};

/// What the script holds for one request.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Reply(HttpReply),
    Fail(TransportFailure),
    /// No answer, ever.
    Hang,
}

/// An answer with headers and a body.
pub(super) fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Turn {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    Turn::Reply(HttpReply { status, headers, body: body.as_bytes().to_vec() })
}

/// A refusal of shape A, with the header that names it.
pub(super) fn refusal(status: u16, code: &str) -> Turn {
    let body = format!(r#"{{"Message":"ErrorCode:{code};text","ExceptionMessage":"Tracking ID:t"}}"#);
    reply(status, &[("iothub-errorcode", code)], &body)
}

/// Answers in order; panics when asked for more.
#[derive(Debug)]
pub(super) struct Script {
    turns: Mutex<VecDeque<Turn>>,
    requests: Mutex<Vec<HttpRequest>>,
}

impl Script {
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::new(turns.into_iter().collect()), requests: Mutex::default() })
    }

    /// What was sent so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// How many turns nobody asked for.
    pub fn left(&self) -> usize {
        self.turns.lock().unwrap().len()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        self.requests.lock().unwrap().push(request.clone());
        let turn = self.turns.lock().unwrap().pop_front();
        match turn.unwrap_or_else(|| panic!("nothing in the script for {request:?}")) {
            Turn::Reply(reply) => Ok(reply),
            Turn::Fail(failure) => Err(failure),
            Turn::Hang => std::future::pending().await,
        }
    }
}

/// A clock that follows tokio's (paused) time.
#[derive(Debug)]
pub(crate) struct TokioClock {
    wall: jiff::Timestamp,
    origin: tokio::time::Instant,
}

impl TokioClock {
    pub fn at(wall: &str) -> Arc<Self> {
        Arc::new(Self { wall: wall.parse().unwrap(), origin: tokio::time::Instant::now() })
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let mono = self.origin.elapsed();
        Now { wall: self.wall.saturating_add(mono).unwrap(), mono }
    }
}
