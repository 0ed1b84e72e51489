//! Somebody else at the hub: a plain HTTPS client that knows its connection string and signs for itself. It shares no
//! code with the console's own client, so that each checks the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgedeck::sim::Sim;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};
use sha2::Sha256;

/// An expiry that no clock of a test reaches.
const NEVER: i64 = 253_402_300_799;

/// A client of the simulated hub.
#[derive(Debug)]
pub struct Outside {
    http: Client,
    base: String,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// `iothub-errorcode`, of a refusal.
    pub code: Option<String>,
}

impl Outside {
    /// A client with the owner's rights.
    pub fn new(sim: &Sim) -> Self {
        let secret = sim.connection_string();
        let text = secret.expose();
        let field = |name: &str| {
            let fields = text.split(';').filter_map(|pair| pair.split_once('='));
            fields.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next().expect("field")
        };
        let (host, key) = (field("HostName"), STANDARD.decode(field("SharedAccessKey")).expect("base64"));
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("key");
        mac.update(format!("{}\n{NEVER}", encode(&host)).as_bytes());
        let signature = encode(&STANDARD.encode(mac.finalize().into_bytes()));
        let policy = field("SharedAccessKeyName");
        let ca = Certificate::from_pem(sim.ca_pem().as_bytes()).expect("PEM");
        Self {
            http: Client::builder().tls_certs_only([ca]).no_proxy().build().expect("client"),
            base: format!("https://{host}"),
            token: format!("SharedAccessSignature sr={}&sig={signature}&se={NEVER}&skn={policy}", encode(&host)),
        }
    }

    /// Sends a request as it is; `path` carries its own query.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).header("Authorization", &self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = if body.is_null() { request } else { request.json(body) };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let code = response.headers().get("iothub-errorcode").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response.text().await.expect("text");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, body, code }
    }

    /// A twin as the hub has it: `edge-gateway-001` or `edge-gateway-001/temperatureFilter`.
    pub async fn twin(&self, id: &str) -> Value {
        let answer = self.send(Method::GET, &twin_path(id), &[], &Value::Null).await;
        assert_eq!(answer.status, 200, "{:?} {}", answer.code, answer.body);
        answer.body
    }

    /// Changes a twin's desired properties, whoever else is at it; says the new twin.
    pub async fn set_desired(&self, id: &str, patch: Value) -> Value {
        let body = json!({"properties": {"desired": patch}});
        let answer = self.send(Method::PATCH, &twin_path(id), &[], &body).await;
        assert_eq!(answer.status, 200, "{:?} {}", answer.code, answer.body);
        answer.body
    }
}

/// The path of a twin, with the version of the API.
pub fn twin_path(id: &str) -> String {
    let id = id.replacen('/', "/modules/", 1);
    format!("/twins/{id}?api-version=2021-04-12")
}
