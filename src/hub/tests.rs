//! The client as a whole over a scripted transport: what is sent, when again, and what it costs.

mod deployments;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::fake::{Script, TokioClock, Turn, refusal, reply};
use super::transport::TransportFailure;
use super::*;
use crate::domain::fault::Right;
use crate::domain::ids::{DeviceId, ETag, ModuleId, TwinId};
use crate::domain::secret::Secret;
use crate::domain::time::Clock;

const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const TWIN: &str = include_str!("../../tests/fixtures/wire/twin-module.json");
const DEVICE: &str = include_str!("../../tests/fixtures/wire/device-edge.json");
const MODULES: &str = include_str!("../../tests/fixtures/wire/modules.json");

struct Bench {
    hub: Hub,
    script: Arc<Script>,
    clock: Arc<TokioClock>,
    started: crate::domain::time::Now,
}

impl Bench {
    fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::with(turns, |_| {})
    }

    fn with(turns: impl IntoIterator<Item = Turn>, change: impl Fn(&mut HubSettings)) -> Self {
        let credential = Credential::Policy { name: "iothubowner".into(), key: Secret::new(KEY) };
        let mut settings = HubSettings::new(Endpoint::parse("h.azure-devices.net").unwrap(), credential);
        change(&mut settings);
        let clock = TokioClock::at("2026-03-04T10:00:00Z");
        let script = Script::new(turns);
        let hub = Hub::with_transport(settings, clock.clone(), script.clone());
        let started = clock.now();
        Self { hub, script, clock, started }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.started)
    }

    fn spent(&self) -> u64 {
        self.hub.read.budget().spent_today
    }

    async fn patch(&self) -> Result<crate::domain::twin::Twin, Fault> {
        let patch = json!({"properties": {"desired": {"temperatureThreshold": 30}}});
        self.hub.write.as_ref().unwrap().patch_twin(&filter(), &patch, &ETag::from_wire("AAAAAAAAAAM=")).await
    }
}

fn edge() -> DeviceId {
    DeviceId::from_wire("edge-01")
}

fn filter() -> TwinId {
    TwinId::module(edge(), ModuleId::from_wire("temperatureFilter"))
}

fn ok(body: &str) -> Turn {
    reply(200, &[], body)
}

fn page(rows: &str, next: Option<&str>) -> Turn {
    match next {
        Some(next) => reply(200, &[("x-ms-item-type", "Raw"), ("x-ms-continuation", next)], rows),
        None => reply(200, &[("x-ms-item-type", "Raw")], rows),
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_as_the_hub_wants_it() {
    let bench = Bench::new([ok(TWIN)]);
    let agent = TwinId::module(edge(), ModuleId::edge_agent());
    bench.hub.read.twin(&agent).await.unwrap();
    let request = &bench.script.requests()[0];
    assert_eq!(request.method, "GET");
    assert_eq!(request.path_and_query, "/twins/edge-01/modules/%24edgeAgent?api-version=2021-04-12");
    assert_eq!(request.headers["user-agent"], format!("edgedeck/{}", env!("CARGO_PKG_VERSION")));
    let id = request.headers["x-ms-client-request-id"].to_str().unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok());
    let authorization = &request.headers["authorization"];
    assert!(authorization.is_sensitive());
    assert!(authorization.to_str().unwrap().starts_with("SharedAccessSignature sr=h.azure-devices.net&sig="));
    assert!(request.body.is_none() && !request.headers.contains_key("if-match"));
    assert_eq!(bench.hub.read.identity(), "policy iothubowner");
    assert_eq!(bench.hub.read.host(), "h.azure-devices.net");
}

#[tokio::test(start_paused = true)]
async fn a_write_is_guarded_by_the_quoted_tag() {
    let bench = Bench::new([ok(TWIN)]);
    bench.patch().await.unwrap();
    let request = &bench.script.requests()[0];
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.headers["if-match"], "\"AAAAAAAAAAM=\"");
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(request.body.as_deref(), Some(&br#"{"properties":{"desired":{"temperatureThreshold":30}}}"#[..]));
    assert_eq!(bench.spent(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_star_and_no_empty_tag_is_ever_sent() {
    let bench = Bench::new([]);
    let write = bench.hub.write.as_ref().unwrap();
    for tag in ["*", "\"*\"", "", "\"AAA=\""] {
        let fault = write.patch_twin(&filter(), &json!({"tags": {}}), &ETag::from_wire(tag)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Rejected, "{tag}");
    }
    assert!(bench.script.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn read_only_has_no_write() {
    assert!(Bench::with([], |settings| settings.read_only = true).hub.write.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_id_of_dots_is_not_sent_somewhere_else() {
    let bench = Bench::new([]);
    let fault = bench.hub.read.device(&DeviceId::from_wire("..")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Rejected);
    assert!(bench.script.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_401_is_met_with_one_new_token() {
    let bench = Bench::new([refusal(401, "IotHubUnauthorizedAccess"), ok(TWIN)]);
    assert!(bench.hub.read.twin(&filter()).await.is_ok());
    assert_eq!((bench.script.requests().len(), bench.elapsed()), (2, Duration::ZERO));

    let bench = Bench::new([refusal(401, "IotHubUnauthorizedAccess"), refusal(401, "IotHubUnauthorizedAccess")]);
    let fault = bench.patch().await.unwrap_err();
    assert_eq!((fault.kind, bench.script.left()), (FaultKind::Unauthorized, 0));
    assert_eq!(fault.needs, Some(Right::TwinWrite));
    assert_eq!(bench.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_module_is_no_matter_of_tokens() {
    let bench = Bench::new([refusal(401, "SystemModuleModifyUnauthorizedAccess")]);
    assert_eq!(bench.patch().await.unwrap_err().kind, FaultKind::SystemModule);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_its_class_and_is_tried_again() {
    let bench = Bench::new([refusal(429, "ThrottlingBacklogTimeout"), ok(TWIN)]);
    bench.hub.read.twin(&filter()).await.unwrap();
    assert!((10..=20).contains(&bench.elapsed().as_secs()), "{:?}", bench.elapsed());

    let bench = Bench::new([refusal(429, "ThrottlingBacklogTimeout"), ok(TWIN)]);
    assert_eq!(bench.patch().await.unwrap_err().kind, FaultKind::Throttled(Duration::from_secs(10)));
    assert_eq!((bench.elapsed(), bench.script.requests().len()), (Duration::ZERO, 1), "a write is told at once");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_met_a_401_is_not_sent_a_third_time() {
    let bench = Bench::new([refusal(401, "IotHubUnauthorizedAccess"), refusal(429, "ThrottlingBacklogTimeout")]);
    assert!(matches!(bench.patch().await.unwrap_err().kind, FaultKind::Throttled(_)));
}

#[tokio::test(start_paused = true)]
async fn a_long_retry_after_is_told_and_not_waited_for() {
    let bench = Bench::new([reply(429, &[("retry-after", "300")], "")]);
    let fault = bench.hub.read.twin(&filter()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled(Duration::from_secs(300)));
    assert_eq!(bench.elapsed(), Duration::ZERO);
    let resting =
        |hub: &Hub| hub.read.budget().classes.iter().find_map(|c| c.throttled_for.map(|rest| (c.class, rest)));
    assert_eq!(resting(&bench.hub), Some((OpClass::TwinRead, Duration::from_secs(300))));
    let fault = bench.hub.read.twin(&filter()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Budget, "the class rests");
    assert_eq!(fault.message, "the hub asked to slow down; twin reads rest for 5 m".into());
}

#[tokio::test(start_paused = true)]
async fn server_faults_are_waited_out_for_reads_only() {
    let down = || refusal(503, "ServerBusy");
    let bench = Bench::new([down(), down(), down(), ok(TWIN)]);
    assert!(bench.hub.read.twin(&filter()).await.is_ok());

    let bench = Bench::new([down(), down(), down(), down()]);
    assert_eq!(bench.hub.read.twin(&filter()).await.unwrap_err().kind, FaultKind::Server);

    let bench = Bench::new([down()]);
    let fault = bench.patch().await.unwrap_err();
    assert!(fault.may_have_happened(), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn every_call_has_a_time_limit() {
    let bench = Bench::new([Turn::Hang]);
    let fault = bench.patch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert!(fault.may_have_happened());
    assert_eq!(bench.elapsed(), Duration::from_secs(30));

    let bench = Bench::new([Turn::Hang, ok(TWIN)]);
    assert!(bench.hub.read.twin(&filter()).await.is_ok(), "a read is tried once more");
}

#[tokio::test(start_paused = true)]
async fn no_connection_says_why() {
    let broken = || Turn::Fail(TransportFailure::Unreachable("tls: UnknownIssuer".into()));
    let bench = Bench::new([broken(), broken()]);
    let fault = bench.hub.read.statistics().await.unwrap_err();
    assert_eq!(fault.to_string(), "could not count the devices: tls: UnknownIssuer");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(bench.spent(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_costs() {
    let big = format!(r#"[{{"x":"{}"}}]"#, "a".repeat(9_000));
    let bench = Bench::new([ok(TWIN), ok(DEVICE), ok(MODULES), page(&big, None), refusal(404, "DeviceNotFound")]);
    let read = &bench.hub.read;
    read.twin(&filter()).await.unwrap();
    assert_eq!(bench.spent(), 1);
    read.device(&edge()).await.unwrap();
    read.modules(&edge()).await.unwrap();
    assert_eq!(bench.spent(), 1, "the registry is free");
    read.query("SELECT x FROM devices", None).await.unwrap();
    assert_eq!(bench.spent(), 4);
    read.twin(&filter()).await.unwrap_err();
    assert_eq!(bench.spent(), 5, "a refusal counts as one");

    let bench = Bench::with([ok(TWIN)], |settings| settings.sku = Sku::F1);
    bench.hub.read.twin(&filter()).await.unwrap();
    assert_eq!(bench.spent(), u64::from(Sku::F1.messages(TWIN.len())), "half a kilobyte each on F1");
    assert!(bench.spent() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_hub_stops_polls_and_leaves_the_registry() {
    let bench = Bench::new([refusal(403, "IotHubQuotaExceeded"), ok(DEVICE)]);
    assert_eq!(bench.hub.read.twin(&filter()).await.unwrap_err().kind, FaultKind::QuotaExceeded);
    assert_eq!(bench.hub.read.twin(&filter()).await.unwrap_err().kind, FaultKind::Budget);
    assert!(bench.hub.read.device(&edge()).await.is_ok());
    assert!(bench.hub.read.budget().quota_exceeded);
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_with_the_same_query_and_size() {
    let bench = Bench::new([page("[1,2]", Some(r#"{"a":"b=="}"#)), page("[]", Some("t2")), page("[3]", None)]);
    assert_eq!(
        bench.hub.read.query("SELECT deviceId FROM devices", None).await.unwrap(),
        [json!(1), json!(2), json!(3)]
    );
    let requests = bench.script.requests();
    let tokens: Vec<_> =
        requests.iter().map(|r| r.headers.get("x-ms-continuation").map(|token| token.to_str().unwrap())).collect();
    assert_eq!(tokens, [None, Some(r#"{"a":"b=="}"#), Some("t2")]);
    for request in &requests {
        assert_eq!(request.method, "POST");
        assert_eq!(request.path_and_query, "/devices/query?api-version=2021-04-12");
        assert_eq!(request.headers["x-ms-max-item-count"], "100");
        assert_eq!(request.body.as_deref(), Some(&br#"{"query":"SELECT deviceId FROM devices"}"#[..]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_ends_the_paging() {
    let bench = Bench::new([page("[1,2]", Some("t"))]);
    assert_eq!(bench.hub.read.query("q", Some(2)).await.unwrap().len(), 2);
    assert_eq!(bench.script.requests()[0].headers["x-ms-max-item-count"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_continuation_starts_over_once() {
    let bad = || refusal(400, "ArgumentInvalid");
    let bench = Bench::new([page("[1]", Some("t")), bad(), page("[1]", Some("u")), page("[2]", None)]);
    assert_eq!(bench.hub.read.query("q", None).await.unwrap(), [json!(1), json!(2)]);

    let bench = Bench::new([page("[1]", Some("t")), bad(), page("[1]", Some("u")), bad()]);
    assert_eq!(bench.hub.read.query("q", None).await.unwrap_err().kind, FaultKind::Rejected);

    let bench = Bench::new([bad()]);
    assert_eq!(bench.hub.read.query("q", None).await.unwrap_err().kind, FaultKind::Rejected, "a bad query is one call");
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_repeats_itself_or_sends_an_empty_token_does_not_loop() {
    let bench = Bench::new([page("[1]", Some("t")), page("[1]", Some("t"))]);
    assert_eq!(bench.hub.read.query("q", None).await.unwrap_err().kind, FaultKind::Protocol);
    let bench = Bench::new([page("[1]", Some(""))]);
    assert_eq!(bench.hub.read.query("q", None).await.unwrap(), [json!(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_query_over_the_limit_is_not_sent() {
    let bench = Bench::new([]);
    let fault = bench.hub.read.query_page(&"x".repeat(8_193), 10, None).await.unwrap_err();
    assert_eq!(fault.message, "the query has 8193 characters; IoT Hub takes 8192".into());
}

#[tokio::test(start_paused = true)]
async fn a_401_for_modules_is_looked_into() {
    let no = || refusal(401, "IotHubUnauthorizedAccess");
    let bench = Bench::new([no(), no(), refusal(404, "DeviceNotFound")]);
    let fault = bench.hub.read.modules(&edge()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.doing, "list the modules of edge-01".into());

    let disabled = DEVICE.replace(r#""status":"enabled""#, r#""status":"disabled""#);
    let bench = Bench::new([no(), no(), ok(&disabled)]);
    let fault = bench.hub.read.modules(&edge()).await.unwrap_err();
    assert!(fault.message.raw().starts_with("the device is disabled"), "{fault}");

    let bench = Bench::new([no(), no(), ok(DEVICE)]);
    assert_eq!(bench.hub.read.modules(&edge()).await.unwrap_err().kind, FaultKind::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn a_stale_tag_is_told_and_not_tried_again() {
    let bench = Bench::new([refusal(412, "PreconditionFailed")]);
    let fault = bench.patch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PreconditionFailed);
    assert!(!fault.may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_twin_may_still_be_a_write() {
    let bench = Bench::new([ok("<html>")]);
    let fault = bench.patch().await.unwrap_err();
    assert!(fault.may_have_happened(), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_write_is_known_not_to_have_happened() {
    let bench = Bench::with([], |settings| {
        settings.credential = Credential::Policy { name: "p".into(), key: Secret::new("not base64!") };
    });
    let fault = bench.patch().await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "could not change the twin of edge-01/temperatureFilter: the policy's key is not base64"
    );
    assert!(!fault.may_have_happened());
    assert_eq!((bench.spent(), bench.script.requests().len()), (0, 0));
}

/// A sign-in that the network keeps from happening.
#[derive(Debug)]
struct NoWayToSignIn;

#[async_trait::async_trait]
impl auth::TokenSource for NoWayToSignIn {
    async fn fetch(&self, _now: jiff::Timestamp) -> Result<auth::Token, Fault> {
        Err(Fault::new(FaultKind::Unreachable, "sign in", "no route to the sign-in service"))
    }

    fn identity(&self) -> String {
        "nobody".into()
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_sign_in_is_an_outage_for_reads_and_no_doubt_for_writes() {
    let clock = TokioClock::at("2026-03-04T10:00:00Z");
    let client = Arc::new(Client {
        transport: Script::new([]),
        authorizer: Authorizer::over(Box::new(NoWayToSignIn), clock.clone(), false),
        budget: Budget::new(Sku::S1, 1, 0.5, 0.05, clock.clone()),
        clock,
        sku: Sku::S1,
        host: "h".into(),
        request_limit: Duration::from_secs(1),
        patience: Duration::from_secs(1),
    });
    let fault = HubRead(client.clone(), read::Manner::Patient).twin(&filter()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(
        fault.to_string(),
        "could not read the twin of edge-01/temperatureFilter: no route to the sign-in service"
    );
    let patch = json!({"tags": {"a": 1}});
    let fault = HubWrite(client).patch_twin(&filter(), &patch, &ETag::from_wire("AAA=")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unauthorized);
    assert!(!fault.may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_share_the_budget_and_the_token() {
    let bench = Bench::new((0..8).map(|_| page("[]", None)));
    let calls = (0..8).map(|_| bench.hub.read.query("SELECT deviceId FROM devices", None));
    let all = futures_util::future::join_all(calls).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(bench.elapsed(), Duration::from_secs(18), "five at once and three more, one every six seconds");
    let tokens: std::collections::HashSet<_> =
        bench.script.requests().iter().map(|r| r.headers["authorization"].clone()).collect();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_signed_anew_after_three_quarters_of_its_hour() {
    let bench = Bench::new((0..3).map(|_| ok(TWIN)));
    for wait in [0, 2_699, 1] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        bench.hub.read.twin(&filter()).await.unwrap();
    }
    let sent: Vec<_> = bench.script.requests().iter().map(|r| r.headers["authorization"].clone()).collect();
    assert_eq!(sent[0], sent[1]);
    assert_ne!(sent[1], sent[2]);
}

/// A poller hears of a 429 at once and is told how long to stay away; the class rests all the same.
#[tokio::test(start_paused = true)]
async fn a_poll_hears_of_trouble_at_once() {
    let bench = Bench::new([refusal(429, "ThrottlingException"), Turn::Hang, ok(TWIN)]);
    let polls = bench.hub.read.polling(Duration::from_secs(2), Duration::from_secs(60));
    let fault = polls.twin(&filter()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled(Duration::from_secs(10)));
    assert_eq!((bench.elapsed(), bench.script.requests().len()), (Duration::ZERO, 1));
    let fault = polls.twin(&filter()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TimedOut, "the budget is waited for, and the hub two seconds");
    assert_eq!((bench.elapsed().as_secs(), bench.script.requests().len()), (12, 2));
    let before = bench.spent();
    polls.twin(&filter()).await.unwrap();
    assert!(polls.spent() >= bench.spent() - before && bench.hub.read.spent() == 0);
    let hurried = bench.hub.read.polling(Duration::from_secs(2), Duration::ZERO);
    assert_eq!(hurried.spent(), 0, "everybody pays for itself");
}
