//! A caller for tests: signs and sends requests in memory, as a client with the owner's rights would.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Request, Response, SimHub, Wait};

/// A hub, and the policy to call it with.
pub(in crate::sim) struct Caller {
    pub(in crate::sim) hub: SimHub,
    pub(in crate::sim) policy: &'static str,
}

impl Caller {
    pub(in crate::sim) fn new(hub: SimHub) -> Self {
        Self { hub, policy: "iothubowner" }
    }

    fn token(&self) -> String {
        let policy = self.hub.policies.iter().find(|policy| policy.name == self.policy).unwrap();
        let key = STANDARD.decode(&policy.primary).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(b"localhost\n253402300799");
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
        format!("SharedAccessSignature sr=localhost&sig={signature}&se=253402300799&skn={}", self.policy)
    }

    /// Sends a request; `api-version` and the token are added. A `null` body is none.
    pub(in crate::sim) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send_again(method, path, headers, body, false)
    }

    /// The same; `queued` says whether it has waited for its turn.
    pub(in crate::sim) fn send_again(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
        queued: bool,
    ) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request { queued, ..self.request(method, path, headers, body) };
        Answer::of(&self.hub.handle(&request))
    }

    /// The same, to be sent; with any body.
    pub(in crate::sim) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut all = vec![("Authorization".to_owned(), self.token())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Request {
            method: method.to_owned(),
            path_and_query: format!("{path}{join}api-version=2021-04-12"),
            headers: all,
            body,
            waited: Duration::ZERO,
            queued: false,
        }
    }

    /// The body of a GET that must succeed.
    pub(in crate::sim) fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, &[], &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// All rows of a query that must succeed, over all pages.
    pub(in crate::sim) fn query(&self, text: &str) -> Value {
        let mut rows = Vec::new();
        let mut token = String::new();
        loop {
            let answer =
                self.send("POST", "/devices/query", &[("x-ms-continuation", &token)], &json!({ "query": text }));
            assert_eq!(answer.status, 200, "{text}: {}", answer.body);
            rows.extend(answer.body.as_array().unwrap().iter().cloned());
            match answer.header("x-ms-continuation") {
                Some(next) => token = next.to_owned(),
                None => return Value::Array(rows),
            }
        }
    }
}

/// A response with its body read.
pub(in crate::sim) struct Answer {
    pub(in crate::sim) status: u16,
    pub(in crate::sim) headers: Vec<(String, String)>,
    pub(in crate::sim) body: Value,
    pub(in crate::sim) wait: Wait,
}

impl Answer {
    pub(in crate::sim) fn of(response: &Response) -> Self {
        let body = if response.body.is_empty() { Value::Null } else { serde_json::from_slice(&response.body).unwrap() };
        Self { status: response.status, headers: response.headers.clone(), body, wait: response.wait }
    }

    /// The number of an error whose details are a text inside `Message`, as those of direct methods are.
    pub(in crate::sim) fn code(&self) -> u64 {
        let inner: Value = serde_json::from_str(self.body["Message"].as_str().unwrap()).unwrap();
        inner["errorCode"].as_u64().unwrap()
    }

    /// A header by its exact name.
    pub(in crate::sim) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
