//! The one seam to the network: [`Transport`] sends one request and returns one answer, whatever its status. The product
//! uses [`HttpsTransport`]; tests and rehearsals hand in their own.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
pub use reqwest::{Method, header};

use super::endpoint::Endpoint;
use super::{Timeouts, Trust};

/// Answers larger than this are not read to the end: no answer of an IoT Hub comes near it.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A request, ready to be sent to the hub's authority.
#[derive(Clone)]
pub struct HttpRequest {
    /// The verb.
    pub method: Method,
    /// Encoded path and query, from the first `/` on.
    pub path_and_query: String,
    /// Headers, authorization included (marked sensitive).
    pub headers: HeaderMap,
    /// The body, when there is one.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies may hold credentials (createOptions, env); their length is enough for a log.
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path_and_query", &self.path_and_query)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.as_ref().map(Vec::len))
            .finish()
    }
}

/// An answer, of any status.
#[derive(Clone)]
pub struct HttpReply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// A header's value, when it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl fmt::Debug for HttpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Identity answers carry device keys.
        f.debug_struct("HttpReply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why there is no answer; each with the whole chain of causes as one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportFailure {
    /// DNS, TCP, TLS or proxy: there was no connection, so nothing was sent.
    #[error("{0}")]
    NotConnected(String),
    /// The connection broke before the answer was complete.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("{0}")]
    TimedOut(String),
    /// An answer that is not read any further.
    #[error("{0}")]
    Unreadable(String),
}

/// Sends one request. No retries, no redirects, no judgement of the status; dropping the future abandons the request.
/// Time limits are the caller's, which wraps every call.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// [`TransportFailure`] when no complete answer came.
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure>;
}

/// HTTPS through reqwest and rustls, to one hub.
#[derive(Debug, Clone)]
pub struct HttpsTransport {
    client: reqwest::Client,
    base: String,
}

impl HttpsTransport {
    /// A client for `endpoint`; opens no connection yet.
    ///
    /// # Errors
    /// A sentence when a certificate file is not PEM, or the system has no certificates at all.
    pub fn new(endpoint: &Endpoint, trust: &Trust, timeouts: Timeouts) -> Result<Self, String> {
        let mut builder = trusting(reqwest::Client::builder(), trust)?;
        if endpoint.is_loopback() {
            // A jump host's HTTPS_PROXY knows no way back to the simulated hub on the jump host itself.
            builder = builder.no_proxy();
        }
        let client = builder
            .https_only(true)
            .connect_timeout(timeouts.connect)
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { client, base: format!("https://{}", endpoint.authority()) })
    }
}

/// What every client of ours has in common: our certificates, our name, no redirects and no retries of its own.
pub(super) fn trusting(builder: reqwest::ClientBuilder, trust: &Trust) -> Result<reqwest::ClientBuilder, String> {
    let builder = builder
        .user_agent(concat!("edgedeck/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    let certificates = |pem: &[u8]| {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| format!("the CA file is not a PEM certificate bundle: {}", chain(&error)))?;
        if certificates.is_empty() {
            return Err("the CA file holds no certificate (no `-----BEGIN CERTIFICATE-----`)".to_owned());
        }
        Ok(certificates)
    };
    Ok(match trust {
        Trust::System => builder,
        Trust::Only(pem) => builder.tls_certs_only(certificates(pem)?),
        Trust::Also(pem) => builder.tls_certs_merge(certificates(pem)?),
    })
}

#[async_trait]
impl Transport for HttpsTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        let url = format!("{}{}", self.base, request.path_and_query);
        let mut builder = self.client.request(request.method, url).headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(TransportFailure::Unreadable(format!("the answer is longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpReply { status, headers, body })
    }
}

fn failure(error: &reqwest::Error) -> TransportFailure {
    let text = chain(error);
    if error.is_connect() {
        TransportFailure::NotConnected(text)
    } else if error.is_timeout() {
        TransportFailure::TimedOut(text)
    } else if error.is_decode() {
        TransportFailure::Unreadable(text)
    } else {
        TransportFailure::Unreachable(text)
    }
}

/// The causes below reqwest's own words, which only repeat the URL: `UnknownIssuer` is three levels down.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // hyper-util's layer says no more than "client error (Connect)".
        let is_label = text.starts_with("client error (") && cause.source().is_some();
        if !is_label && parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(trust: &Trust) -> Result<HttpsTransport, String> {
        let endpoint = Endpoint::parse("localhost:1").unwrap();
        HttpsTransport::new(&endpoint, trust, Timeouts::default())
    }

    #[test]
    fn a_ca_file_that_is_none_is_refused_in_words() {
        for (pem, expected) in [(&b""[..], "holds no certificate"), (b"hello", "holds no certificate")] {
            for trust in [Trust::Only(pem.to_vec()), Trust::Also(pem.to_vec())] {
                let error = connect(&trust).unwrap_err();
                assert!(error.contains(expected), "{error}");
            }
        }
    }

    /// A port that nobody listens on: whatever was to be sent was not.
    #[tokio::test]
    async fn a_refused_connection_sent_nothing() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let endpoint = Endpoint::parse(&format!("localhost:{free}")).unwrap();
        let transport = HttpsTransport::new(&endpoint, &Trust::System, Timeouts::default()).unwrap();
        let request = HttpRequest {
            method: Method::PATCH,
            path_and_query: "/twins/d".into(),
            headers: HeaderMap::new(),
            body: Some(b"{}".to_vec()),
        };
        let failure = transport.send(request).await.unwrap_err();
        assert!(matches!(failure, TransportFailure::NotConnected(_)), "{failure:?}");
        let fault = super::super::error::from_transport("change the twin of d", &failure).fault;
        assert_eq!((fault.kind, fault.never_sent), (crate::domain::fault::FaultKind::Unreachable, true));
    }

    #[test]
    fn debug_shows_neither_bodies_nor_authorization() {
        let mut authorization = header::HeaderValue::from_static("SharedAccessSignature sig=abc");
        authorization.set_sensitive(true);
        let request = HttpRequest {
            method: Method::GET,
            path_and_query: "/devices/d".into(),
            headers: HeaderMap::from_iter([(header::AUTHORIZATION, authorization)]),
            body: Some(b"hunter2".to_vec()),
        };
        let reply = HttpReply { status: 200, headers: HeaderMap::new(), body: b"primaryKey".to_vec() };
        let shown = format!("{request:?} {reply:?}");
        for secret in ["abc", "hunter2", "primaryKey"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
