//! The simulated hub through real sockets, real TLS and a client that knows only its authority and its
//! connection string: what unmodified official clients rely on.
#![expect(clippy::expect_used, reason = "helpers of tests fail the test they help")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgedeck::domain::time::{ManualClock, SharedClock};
use edgedeck::sim::{Scenario, Seed, Sim, SimError, SimOptions, start};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, StatusCode, Version};
use serde_json::{Value, json};
use sha2::Sha256;

/// The sim's present, and an expiry an hour later.
const NOW: &str = "2026-03-04T05:06:07Z";
const NOW_SECONDS: i64 = 1_772_600_767;

async fn sim(scenario: Scenario) -> Sim {
    let clock: SharedClock = ManualClock::at(NOW.parse().expect("instant"));
    start(SimOptions { scenario, seed: Seed::fixed(3), ..SimOptions::new(clock) }).await.expect("a simulator")
}

/// A client, as any program outside would write it.
struct Outside {
    http: Client,
    base: String,
    resource: String,
    policy: String,
    key: Vec<u8>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
    version: Version,
}

impl Outside {
    fn new(sim: &Sim) -> Self {
        Self::with(sim, sim.connection_string().expose())
    }

    fn with(sim: &Sim, connection_string: &str) -> Self {
        let field = |name: &str| {
            let fields = connection_string.split(';').filter_map(|pair| pair.split_once('='));
            fields.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next().expect("field")
        };
        let ca = Certificate::from_pem(sim.ca_pem().as_bytes()).expect("PEM");
        let http = Client::builder().tls_certs_only([ca]).no_proxy().build().expect("client");
        let host = field("HostName");
        Self {
            http,
            base: format!("https://{host}"),
            resource: utf8_percent_encode(&host, NON_ALPHANUMERIC).to_string(),
            policy: field("SharedAccessKeyName"),
            key: STANDARD.decode(field("SharedAccessKey")).expect("base64"),
        }
    }

    fn token(&self, expiry: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("key");
        mac.update(format!("{}\n{expiry}", self.resource).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
        format!("SharedAccessSignature sr={}&sig={signature}&se={expiry}&skn={}", self.resource, self.policy)
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(method, format!("{}{path}?api-version=2021-04-12", self.base))
            .header("Authorization", self.token(NOW_SECONDS + 3_600));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_null() { request } else { request.json(body) }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let response = self.request(method, path, headers, &body).send().await.expect("an answer");
        let (status, headers, version) = (response.status(), response.headers().clone(), response.version());
        let text = response.text().await.expect("text");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, headers, body, version }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Value::Null).await
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[tokio::test]
async fn tokens_open_the_door_and_nothing_else_does() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    let listed = outside.get("/devices/edge-gateway-001").await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    assert_eq!(listed.version, Version::HTTP_2, "ALPN offers HTTP/2");
    assert_eq!(listed.header("etag"), Some(format!("\"{}\"", listed.body["etag"].as_str().unwrap()).as_str()));
    assert_eq!(listed.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(listed.header("server"), Some("Microsoft-HTTPAPI/2.0"));
    assert_eq!(listed.header("date"), Some("Wed, 04 Mar 2026 05:06:07 GMT"), "the world's time");

    let url = format!("{}/devices?api-version=2021-04-12", outside.base);
    for token in
        [None, Some(outside.token(NOW_SECONDS - 1)), Some(outside.token(NOW_SECONDS + 60).replace("sig=", "sig=A"))]
    {
        let mut request = outside.http.get(&url);
        if let Some(token) = &token {
            request = request.header("Authorization", token);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{token:?}");
        assert_eq!(answer.headers()["iothub-errorcode"], "IotHubUnauthorizedAccess");
        let body: Value = answer.json().await.expect("JSON");
        assert!(body["Message"].as_str().unwrap().starts_with("ErrorCode:IotHubUnauthorizedAccess;"), "{body}");
    }

    let service = Outside::with(&sim, sim.connection_string_of("service").expect("policy").expose());
    assert_eq!(service.get("/twins/edge-gateway-001").await.status, 200);
    assert_eq!(service.get("/devices/edge-gateway-001").await.status, 401);
    sim.shutdown().await;
}

#[tokio::test]
async fn both_versions_of_http_and_all_host_names_work() {
    let sim = sim(Scenario::Tutorial).await;
    let outside = Outside::new(&sim);
    let ca = Certificate::from_pem(sim.ca_pem().as_bytes()).expect("PEM");
    let address: SocketAddr = sim.host().parse().expect("address");
    let name = "iothub-production-001.azure-devices.net";
    let old =
        Client::builder().tls_certs_only([ca]).no_proxy().http1_only().resolve(name, address).build().expect("client");
    for host in ["localhost", name] {
        let url = format!("https://{host}:{}/devices/?api-version=2020-03-13&top=3", address.port());
        let answer =
            old.get(url).header("Authorization", outside.token(NOW_SECONDS + 60)).send().await.expect("answer");
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11), "{host}");
    }
    let stranger = Client::builder().no_proxy().build().expect("client");
    assert!(stranger.get(format!("{}/devices", outside.base)).send().await.is_err(), "an unknown authority is refused");
    sim.shutdown().await;
}

#[tokio::test]
async fn a_twin_is_patched_under_its_tag() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    let path = "/twins/edge-gateway-001/modules/temperatureFilter";
    let before = outside.get(path).await;
    assert_eq!((before.status, before.header("etag")), (StatusCode::OK, None));
    let quoted = format!("\"{}\"", before.body["etag"].as_str().unwrap());
    let patch = json!({"properties": {"desired": {"temperatureThreshold": 30, "window": {"seconds": 5}}}});
    let after = outside.send(Method::PATCH, path, &[("If-Match", &quoted)], patch.clone()).await;
    assert_eq!(after.status, 200, "{}", after.body);
    let desired = &after.body["properties"]["desired"];
    let version = before.body["properties"]["desired"]["$version"].as_u64().unwrap() + 1;
    assert_eq!((&desired["temperatureThreshold"], &desired["$version"]), (&json!(30), &json!(version)));
    assert_eq!(
        desired["$metadata"]["window"]["seconds"],
        json!({"$lastUpdated": NOW, "$lastUpdatedVersion": version}),
        "metadata reaches every leaf"
    );
    let stale = outside.send(Method::PATCH, path, &[("If-Match", &quoted)], patch).await;
    assert_eq!(
        (stale.status, stale.header("iothub-errorcode")),
        (StatusCode::PRECONDITION_FAILED, Some("PreconditionFailed"))
    );

    let removed = json!({"properties": {"desired": {"window": {"seconds": null}}}});
    let removed = outside.send(Method::PATCH, path, &[], removed).await;
    assert_eq!(removed.body["properties"]["desired"]["window"], json!({}), "an emptied object stays");

    let etag = removed.body["etag"].clone();
    assert!(sim.command("touch edge-gateway-001/temperatureFilter").is_ok());
    assert_ne!(outside.get(path).await.body["etag"], etag);
    let system = "/twins/edge-gateway-001/modules/%24edgeAgent";
    let refused = outside.send(Method::PATCH, system, &[], json!({"tags": {"a": 1}})).await;
    assert_eq!(refused.header("iothub-errorcode"), Some("SystemModuleModifyUnauthorizedAccess"));
    sim.shutdown().await;
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_services_words() {
    let sim = sim(Scenario::Tutorial).await;
    let outside = Outside::new(&sim);
    let device = outside.get("/devices/nobody").await;
    assert_eq!((device.status, device.header("iothub-errorcode")), (StatusCode::NOT_FOUND, Some("DeviceNotFound")));
    assert_eq!(device.body["Message"], "ErrorCode:DeviceNotFound;nobody");
    assert!(device.body["ExceptionMessage"].as_str().unwrap().starts_with("Tracking ID:"), "{}", device.body);
    let twin = outside.get("/twins/nobody").await;
    let inner: Value = serde_json::from_str(twin.body["Message"].as_str().unwrap()).expect("JSON in JSON");
    assert_eq!((twin.status, &inner["errorCode"]), (StatusCode::NOT_FOUND, &json!(404_001)));
    sim.shutdown().await;
}

#[tokio::test]
async fn queries_come_in_pages() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    let query = json!({"query": "SELECT * FROM devices WHERE capabilities.iotEdge = true"});
    let (mut ids, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut headers = vec![("x-ms-max-item-count", "10")];
        if let Some(token) = &token {
            headers.push(("x-ms-continuation", token));
        }
        let page = outside.send(Method::POST, "/devices/query", &headers, query.clone()).await;
        assert_eq!((page.status, page.header("x-ms-item-type")), (StatusCode::OK, Some("Twin")));
        let rows = page.body.as_array().unwrap();
        assert!(rows.len() <= 10);
        ids.extend(rows.iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()));
        match page.header("x-ms-continuation") {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    let count = json!({"query": "SELECT COUNT() AS n FROM devices WHERE capabilities.iotEdge = true"});
    let count = outside.send(Method::POST, "/devices/query", &[], count).await;
    assert_eq!((count.header("x-ms-item-type"), &count.body), (Some("Raw"), &json!([{ "n": ids.len() }])));
    ids.dedup();
    assert_eq!(ids.len(), 26);
    let bad = outside.send(Method::POST, "/devices/query", &[], json!({"query": "select"})).await;
    assert_eq!(bad.body["Message"], "ErrorCode:ArgumentInvalid;BadRequest");
    sim.shutdown().await;
}

#[tokio::test]
async fn a_hub_that_is_off_never_answers_and_comes_back() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    assert_eq!(outside.get("/devices/edge-gateway-001").await.status, 200);
    assert!(sim.command("hub off").expect("switch").contains("off"));
    let short = Duration::from_millis(150);
    // Over the connection that is open, and over a new one.
    for client in [&outside, &Outside::new(&sim)] {
        let request = client.request(Method::GET, "/devices/edge-gateway-001", &[], &Value::Null).timeout(short);
        assert!(request.send().await.expect_err("no answer").is_timeout());
    }
    let waiting = outside.get("/devices/edge-gateway-001");
    let (answer, switched) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        sim.command("hub on")
    });
    assert!(switched.is_ok());
    assert_eq!(answer.status, 200, "a request that waited is answered");
    assert!(sim.command("hub off").is_ok());
    let hanging = outside.request(Method::GET, "/devices", &[], &Value::Null).send();
    let (answer, ()) = tokio::join!(hanging, sim.shutdown());
    assert!(answer.map_or(true, |answer| !answer.status().is_success()), "shutdown frees whoever hangs");
}

/// Real time, and only from below: at least the delay that was ordered, for reads and writes, until it is taken back.
#[tokio::test]
async fn latency_holds_every_answer_back_and_ends() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    let path = "/twins/edge-gateway-001";
    let ordered = Duration::from_millis(200);
    assert!(sim.command("latency 200ms").is_ok());
    for (method, body) in [(Method::GET, Value::Null), (Method::PATCH, json!({"tags": {"shift": "night"}}))] {
        let began = tokio::time::Instant::now();
        let answer = outside.send(method.clone(), path, &[], body).await;
        assert_eq!(answer.status, 200, "late, and otherwise as ever: {method}");
        assert!(began.elapsed() >= ordered, "{method} after {:?}", began.elapsed());
    }
    // So long that an answer that still waited for it would never come before the deadline.
    assert!(sim.command("latency 120s").is_ok());
    assert!(sim.command("latency 0").is_ok());
    let request = outside.request(Method::GET, path, &[], &Value::Null).timeout(Duration::from_secs(30));
    assert_eq!(request.send().await.expect("an answer, at once").status(), 200);
    sim.shutdown().await;
}

#[tokio::test]
async fn commands_say_what_they_did_or_what_is_possible() {
    let sim = sim(Scenario::Default).await;
    assert!(sim.command("latency 20ms").expect("latency").contains("20 ms"));
    let status = sim.status();
    assert_eq!((status.faults.latency, status.faults.hub_on, status.devices), (Duration::from_millis(20), true, 27));
    assert_eq!(sim.command("").expect("status"), sim.command("status").expect("status"));
    assert!(sim.command("").expect("status").contains(&sim.host()));
    for (text, part) in [
        ("explode", "possible are: status, hub on|off"),
        ("drop reply 0", "drop request|reply [N|all]"),
        ("latency soon", "300ms"),
        ("touch nobody", "no device nobody"),
    ] {
        assert!(sim.command(text).expect_err(text).to_string().contains(part), "{text}");
    }
    sim.shutdown().await;
}

#[tokio::test]
async fn an_address_in_use_is_an_error_with_advice() {
    let first = sim(Scenario::Tutorial).await;
    let clock: SharedClock = ManualClock::at(NOW.parse().expect("instant"));
    let listen = first.host().parse().expect("address");
    let error = start(SimOptions { listen, ..SimOptions::new(Arc::clone(&clock)) }).await.expect_err("taken");
    assert!(matches!(error, SimError::Listen { .. }));
    assert!(error.to_string().contains("choose another"), "{error}");
    first.shutdown().await;
}

#[tokio::test]
async fn methods_reach_devices_and_wait_for_those_that_are_away() {
    let clock = ManualClock::at(NOW.parse().expect("instant"));
    let shared: SharedClock = clock.clone();
    let options = SimOptions { scenario: Scenario::Default, seed: Seed::fixed(3), ..SimOptions::new(shared) };
    let sim = start(options).await.expect("a simulator");
    let outside = Outside::new(&sim);
    let path = |device: &str| format!("/twins/{device}/modules/%24edgeAgent/methods");
    let ping = json!({"methodName": "ping", "connectTimeoutInSeconds": 30});
    let here = outside.send(Method::POST, &path("edge-gateway-101"), &[], ping.clone()).await;
    assert_eq!((here.status, here.body), (StatusCode::OK, json!({"status": 200, "payload": null})));

    let dark = json!({"methodName": "ping"});
    let dark = outside.send(Method::POST, &path("edge-gateway-209"), &[], dark).await;
    assert_eq!((dark.status, dark.header("iothub-errorcode")), (StatusCode::NOT_FOUND, Some("DeviceNotOnline")));
    let inner: Value = serde_json::from_str(dark.body["Message"].as_str().unwrap()).expect("JSON in JSON");
    assert_eq!((&inner["errorCode"], &inner["info"]), (&json!(404_103), &Value::Null));

    // It is away when it is called, and comes back while the caller waits.
    assert!(sim.command("net off edge-gateway-102").is_ok());
    let target = path("edge-gateway-102");
    let waiting = outside.send(Method::POST, &target, &[], ping);
    let (answer, ()) = tokio::join!(waiting, async {
        while sim.status().served < 3 {
            tokio::task::yield_now().await;
        }
        assert!(sim.command("net on edge-gateway-102").is_ok());
        clock.advance(Duration::from_secs(15));
    });
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!(200)));
    sim.shutdown().await;
}

/// Over HTTP/2, and over HTTP/1.1 as most of the official clients speak it.
fn both(sim: &Sim) -> [Outside; 2] {
    let ca = Certificate::from_pem(sim.ca_pem().as_bytes()).expect("PEM");
    let old = Client::builder().tls_certs_only([ca]).no_proxy().http1_only().build().expect("client");
    [Outside::new(sim), Outside { http: old, ..Outside::new(sim) }]
}

/// A write that happened and one that did not look the same to whoever sent it.
#[tokio::test]
async fn a_lost_reply_comes_after_the_deed_and_a_lost_request_before_it() {
    let sim = sim(Scenario::Default).await;
    let path = "/twins/edge-gateway-001/modules/temperatureFilter";
    for (more, outside) in [0.0, 5.0].into_iter().zip(both(&sim)) {
        let threshold = async || outside.get(path).await.body["properties"]["desired"]["temperatureThreshold"].clone();
        let before = threshold().await;
        let served = sim.status().served;
        for (fault, to) in [("drop request writes", 41.0), ("drop reply writes", 42.0)] {
            assert!(sim.command(fault).is_ok());
            let wanted = json!({"properties": {"desired": {"temperatureThreshold": to + more}}});
            let error = outside.request(Method::PATCH, path, &[], &wanted).send().await.expect_err("no answer");
            assert!(!error.is_timeout() && !error.is_connect(), "cut, and not silent: {error:?}");
            let expected = if fault.starts_with("drop reply") { json!(to + more) } else { before.clone() };
            assert_eq!(threshold().await, expected, "{fault}: reads are not meant, and a new connection is served");
        }
        assert_eq!(sim.status().served, served + 3, "one write and two looks at it");
    }
    assert_eq!(sim.status().faults, edgedeck::sim::FaultState::default(), "each was for one request");
    sim.shutdown().await;
}

#[tokio::test]
async fn refusals_are_in_the_services_words_and_counted() {
    let sim = sim(Scenario::Default).await;
    let [new, old] = both(&sim);
    let twin = "/twins/edge-gateway-001";
    assert!(sim.command("answer 429 2 reads").is_ok());
    let written = new.send(Method::PATCH, twin, &[], json!({"tags": {"shift": "night"}})).await;
    assert_eq!(written.status, 200, "a write is no read");
    for (client, closes) in [(&new, None), (&old, Some("close"))] {
        let slow = client.get(twin).await;
        assert_eq!(
            (slow.status, slow.header("iothub-errorcode")),
            (StatusCode::TOO_MANY_REQUESTS, Some("ThrottlingBacklogTimeout"))
        );
        let text = "ErrorCode:ThrottlingBacklogTimeout;The request has been throttled. Wait 10 seconds and try again. Operation type: TwinRead";
        assert_eq!(slow.body["Message"], text);
        assert!(slow.body["ExceptionMessage"].as_str().unwrap().starts_with("Tracking ID:"));
        assert_eq!((slow.header("retry-after"), slow.header("connection")), (None, closes), "as the service sends it");
    }
    assert_eq!(new.get(twin).await.status, 200, "two, and no more");

    for (code, path, name) in [
        ("500", twin, "ServerError"),
        ("503", "/statistics/devices", "ServiceUnavailable"),
        ("504", "/configurations", "GatewayTimeout"),
    ] {
        assert!(sim.command(&format!("answer {code} all")).is_ok());
        let answer = new.get(path).await;
        assert_eq!((answer.status.as_str(), answer.header("iothub-errorcode")), (code, Some(name)));
        assert!(answer.body["Message"].as_str().unwrap().starts_with(&format!("ErrorCode:{name};")), "{}", answer.body);
        let stranger =
            new.http.get(format!("{}{path}?api-version=2021-04-12", new.base)).send().await.expect("an answer");
        assert_eq!(stranger.status(), 401, "who may not ask learns nothing of the hub's state");
    }
    let ping = json!({"methodName": "ping"});
    let method = new.send(Method::POST, "/twins/edge-gateway-101/modules/%24edgeAgent/methods", &[], ping).await;
    let inner: Value = serde_json::from_str(method.body["Message"].as_str().unwrap()).expect("JSON in JSON");
    assert_eq!((method.status, &inner["errorCode"]), (StatusCode::GATEWAY_TIMEOUT, &json!(504_101)));
    assert!(sim.command("answer ok").is_ok());
    assert_eq!(new.get(twin).await.status, 200);
    sim.shutdown().await;
}

/// Registry and deployments cost no messages: a deployment can still be rolled back.
#[tokio::test]
async fn a_day_that_is_used_up_stops_what_is_metered() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    assert!(sim.command("answer quota").is_ok());
    for (edition, most, count) in [("paid", "400000", "400448"), ("free", "8000", "8448")] {
        assert!(sim.command(&format!("edition {edition}")).is_ok());
        let twin = outside.get("/twins/edge-gateway-001").await;
        assert_eq!(
            (twin.status, twin.header("iothub-errorcode")),
            (StatusCode::FORBIDDEN, Some("IotHubQuotaExceeded"))
        );
        let inner: Value = serde_json::from_str(twin.body["Message"].as_str().unwrap()).expect("JSON in JSON");
        assert_eq!(inner["errorCode"], 403_002);
        let text = format!("Max allowed message count : '{most}', current message count : '{count}'.");
        assert!(inner["message"].as_str().unwrap().contains(&text), "{inner}");
    }
    let query = outside.send(Method::POST, "/devices/query", &[], json!({"query": "SELECT * FROM devices"})).await;
    assert_eq!(query.status, 403);
    for free in ["/devices/edge-gateway-001", "/configurations", "/statistics/devices"] {
        assert_eq!(outside.get(free).await.status, 200, "{free}");
    }
    assert!(sim.command("status").expect("status").contains("403002"));
    assert!(sim.command("answer ok").is_ok());
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 200);
    sim.shutdown().await;
}

/// The service's temper over the wire: what comes too fast is late and then refused, and the connection of a refusal is
/// closed; a clock that is ahead takes tokens for expired; and the words say so.
#[tokio::test]
async fn a_real_temper_is_late_and_then_refuses() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    let query = || outside.send(Method::POST, "/devices/query", &[], json!({"query": "SELECT deviceId FROM devices"}));
    for _ in 0..30 {
        assert_eq!(query().await.status, 200, "a kind hub serves at any rate");
    }
    assert!(sim.command("temper real").is_ok());
    for _ in 0..20 {
        assert_eq!(query().await.status, 200, "a burst is served");
    }
    let began = tokio::time::Instant::now();
    let (late, later, latest, refused) = tokio::join!(query(), query(), query(), query());
    assert!(began.elapsed() >= Duration::from_secs(9), "three wait for three, six and nine seconds");
    let mut statuses = [&late, &later, &latest, &refused].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let refused = [late, later, latest, refused].into_iter().find(|answer| answer.status == 429).expect("one");
    assert_eq!(refused.header("iothub-errorcode"), Some("ThrottlingBacklogTimeout"));
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 200);
    let status = sim.command("status").expect("status");
    assert!(status.contains("queries 115 % used, 3 late, 1 refused"), "{status}");
    assert!(sim.command("throttle off").is_ok());
    assert_eq!(query().await.status, 200);
    assert!(sim.command("skew 2h").is_ok());
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 401, "its tokens hold for an hour");
    assert!(sim.command("skew 0").is_ok());
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 200);
    sim.shutdown().await;
}

/// The kernel says that the connection is no more, and the hub has heard of nothing.
#[tokio::test]
async fn a_reset_is_one() {
    let sim = sim(Scenario::Default).await;
    let outside = Outside::new(&sim);
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 200);
    let served = sim.status().served;
    assert!(sim.command("reset").is_ok());
    let request = outside.request(Method::GET, "/twins/edge-gateway-001", &[], &Value::Null);
    let error = request.send().await.expect_err("no answer");
    let mut causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let is_reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(causes.any(|error| error.downcast_ref().is_some_and(is_reset)), "{error:?}");
    assert_eq!(sim.status().served, served);
    assert_eq!(outside.get("/twins/edge-gateway-001").await.status, 200);
    sim.shutdown().await;
}

/// A world that is faster says so, its stamps are its own, and tokens are as good as by the clock of whoever made them.
#[tokio::test]
async fn a_fast_world_says_so_and_takes_tokens_by_real_time() {
    let clock = ManualClock::at(NOW.parse().expect("instant"));
    let options = SimOptions { scenario: Scenario::Tutorial, seed: Seed::fixed(3), ..SimOptions::new(clock.clone()) };
    let sim = start(options.at_speed(60)).await.expect("a simulator");
    let outside = Outside::new(&sim);
    clock.advance(Duration::from_secs(120));
    let answer = outside.get("/devices").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-edgedeck-sim-speed")), (200, Some("60")));
    assert_eq!(answer.header("date"), Some("Wed, 04 Mar 2026 07:06:07 GMT"), "two hours later, and the token held one");
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(outside.get("/devices").await.status, 401, "an hour of ours");
    sim.shutdown().await;
}
