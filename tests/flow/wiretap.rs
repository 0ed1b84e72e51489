//! A transport that does what the product's does, writes down what was asked, and can play the network's tricks on one
//! write: lose it on the way, or lose its answer.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use edgedeck::hub::transport::header::HeaderMap;
use edgedeck::hub::transport::{HttpReply, HttpRequest, HttpsTransport, Method, Transport, TransportFailure};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A request as it left.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub if_match: Option<String>,
    pub body: Value,
}

impl Asked {
    /// Whether it changes an object, or calls a method that does something.
    fn is_write(&self) -> bool {
        let method = self.body.get("methodName").and_then(Value::as_str);
        match self.method {
            Method::POST => {
                self.path.ends_with("/applyConfigurationContent")
                    || method.is_some_and(|name| !matches!(name, "GetModuleLogs" | "ping"))
            }
            Method::PATCH | Method::PUT | Method::DELETE => true,
            _ => false,
        }
    }

    /// The query's text; nothing for other requests.
    pub fn query(&self) -> Option<&str> {
        self.body.get("query").and_then(Value::as_str)
    }
}

/// What becomes of the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// It reaches the hub, and the answer is lost.
    LoseAnswer,
    /// It never reaches the hub.
    LoseRequest,
    /// It reaches the hub, its answer is lost, and somebody else writes another threshold before anybody looks.
    LoseAnswerAndWriteOver,
    /// It never reaches the hub, and somebody else writes another threshold instead.
    WriteInstead,
    /// Somebody else changes tags just before it reaches the hub.
    TagsBefore,
}

/// The transport.
#[derive(Debug)]
pub struct Wiretap {
    line: HttpsTransport,
    asked: watch::Sender<Vec<Asked>>,
    trick: Mutex<Option<Trick>>,
    throttled: Mutex<Option<&'static str>>,
}

impl Wiretap {
    pub fn over(line: HttpsTransport) -> Self {
        Self { line, asked: watch::Sender::new(Vec::new()), trick: Mutex::default(), throttled: Mutex::default() }
    }

    /// What becomes of the next write.
    pub fn play(&self, trick: Trick) {
        *self.trick.lock().unwrap_or_else(PoisonError::into_inner) = Some(trick);
    }

    /// From now on requests for this path meet a 429.
    pub fn throttle(&self, path: &'static str) {
        *self.throttled.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }

    async fn forward(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        let throttled = *self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        if throttled.is_some_and(|path| request.path_and_query.starts_with(path)) {
            let body = br#"{"Message":"ErrorCode:ThrottlingException;slow down","ExceptionMessage":""}"#.to_vec();
            return Ok(HttpReply { status: 429, headers: HeaderMap::new(), body });
        }
        self.line.send(request).await
    }

    /// The same request with another body and without a guard, as from somebody else.
    async fn somebody_else(&self, like: &HttpRequest, body: &Value) -> Result<HttpReply, TransportFailure> {
        let mut theirs = HttpRequest { body: Some(body.to_string().into_bytes()), ..like.clone() };
        theirs.headers.remove("if-match");
        self.forward(theirs).await
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// The writes among it: what changes an object, and methods that do something.
    pub fn writes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(Asked::is_write).collect()
    }

    /// The queries among it from number `from` on.
    pub fn queries_since(&self, from: usize) -> Vec<String> {
        self.asked().iter().skip(from).filter_map(Asked::query).map(str::to_owned).collect()
    }

    /// News of requests.
    pub fn watch(&self) -> watch::Receiver<Vec<Asked>> {
        self.asked.subscribe()
    }
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

#[async_trait]
impl Transport for Wiretap {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        let body = request.body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let asked = Asked {
            method: request.method.clone(),
            path: decoded(request.path_and_query.split('?').next().unwrap_or_default()),
            if_match: header("if-match"),
            body,
        };
        self.asked.send_modify(|all| all.push(asked));
        let trick = if request.method == Method::PATCH {
            self.trick.lock().unwrap_or_else(PoisonError::into_inner).take()
        } else {
            None
        };
        let lost = || TransportFailure::TimedOut("the connection was lost".to_owned());
        let threshold = json!({"properties": {"desired": {"temperatureThreshold": 28.0}}});
        match trick {
            None => self.forward(request).await,
            Some(Trick::LoseRequest) => Err(lost()),
            Some(Trick::LoseAnswerAndWriteOver) => {
                self.forward(request.clone()).await?;
                self.somebody_else(&request, &threshold).await.and(Err(lost()))
            }
            Some(Trick::WriteInstead) => self.somebody_else(&request, &threshold).await.and(Err(lost())),
            Some(Trick::TagsBefore) => {
                self.somebody_else(&request, &json!({"tags": {"shift": "night"}})).await?;
                self.forward(request).await
            }
            Some(Trick::LoseAnswer) => self.forward(request).await.and(Err(lost())),
        }
    }
}
