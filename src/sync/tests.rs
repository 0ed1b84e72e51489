//! The readers over a hub that answers by rule, on tokio's paused time: requests are counted, not waited for.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::secret::Secret;
use crate::hub::fake::TokioClock;
use crate::hub::transport::header::{HeaderMap, HeaderName, HeaderValue};
use crate::hub::transport::{HttpReply, HttpRequest, TransportFailure};
use crate::hub::{Credential, Endpoint, Hub, HubSettings, Sku, Transport};
use crate::store::LinkHealth;

const TWIN: &str = include_str!("../../tests/fixtures/wire/twin-module.json");

/// What a path is answered with.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Good,
    Refused(u16, &'static str),
    Silence,
}

/// Answers by the beginning of the path, the newest rule first, and keeps what was asked and when.
#[derive(Debug, Default)]
struct Rules {
    rules: Mutex<Vec<(&'static str, Answer)>>,
    asked: Mutex<Vec<(String, tokio::time::Instant)>>,
}

impl Rules {
    fn set(&self, path: &'static str, answer: Answer) {
        self.rules.lock().unwrap().insert(0, (path, answer));
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, _)| asked.starts_with(path)).count()
    }
}

#[async_trait]
impl Transport for Rules {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        let path = request.path_and_query;
        self.asked.lock().unwrap().push((path.clone(), tokio::time::Instant::now()));
        let rule = self.rules.lock().unwrap().iter().find(|(prefix, _)| path.starts_with(prefix)).map(|(_, a)| *a);
        match rule.unwrap_or(Answer::Good) {
            Answer::Silence => std::future::pending().await,
            Answer::Refused(status, code) => {
                let mut headers = HeaderMap::new();
                headers.insert(HeaderName::from_static("iothub-errorcode"), HeaderValue::from_static(code));
                let body = format!(r#"{{"Message":"ErrorCode:{code};text","ExceptionMessage":"Tracking ID:t"}}"#);
                Ok(HttpReply { status, headers, body: body.into_bytes() })
            }
            Answer::Good => {
                let body = if path.starts_with("/statistics") {
                    r#"{"totalDeviceCount":1,"enabledDeviceCount":1,"disabledDeviceCount":0}"#
                } else if path.starts_with("/twins") {
                    TWIN
                } else {
                    "[]"
                };
                Ok(HttpReply { status: 200, headers: HeaderMap::new(), body: body.into() })
            }
        }
    }
}

struct Bench {
    rules: Arc<Rules>,
    sync: Sync,
    _end: tokio_util::sync::DropGuard,
}

impl Bench {
    fn new(needs: Needs, rules: &[(&'static str, Answer)]) -> Self {
        Self::of(Sku::S3, needs, rules)
    }

    fn of(sku: Sku, needs: Needs, rules: &[(&'static str, Answer)]) -> Self {
        let transport = Arc::new(Rules::default());
        for (path, answer) in rules {
            transport.set(path, *answer);
        }
        let key = Secret::new("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
        let credential = Credential::Policy { name: "service".into(), key };
        let settings =
            HubSettings { sku, ..HubSettings::new(Endpoint::parse("h.azure-devices.net").unwrap(), credential) };
        let clock: SharedClock = TokioClock::at("2026-03-04T10:00:00Z");
        let hub = Hub::with_transport(settings, clock.clone(), transport.clone());
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let sync = Sync::start(hub.read, clock, SyncSettings::default(), needs, &cancel, &tasks);
        Self { rules: transport, sync, _end: cancel.drop_guard() }
    }

    fn fleet(rules: &[(&'static str, Answer)]) -> Self {
        Self::new(Needs { fleet: true, ..Needs::default() }, rules)
    }

    /// Lets virtual time pass: the readers run whenever nothing else can.
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn health(&self, source: Source) -> Option<LinkHealth> {
        self.sync.link.borrow().trouble(source).map(|trouble| trouble.health)
    }
}

const NO_RIGHT: Answer = Answer::Refused(401, "IotHubUnauthorizedAccess");
const SLOW_DOWN: Answer = Answer::Refused(429, "ThrottlingException");

#[tokio::test(start_paused = true)]
async fn a_refused_heartbeat_does_not_hurry_the_queries() {
    let whole = Bench::fleet(&[]);
    whole.pass(61).await;
    let usual = whole.rules.asked("/devices/query");
    let bench = Bench::fleet(&[("/statistics", NO_RIGHT)]);
    bench.pass(61).await;
    assert!(bench.rules.asked("/statistics") >= 3);
    // One listing and a digest every ten seconds, either way.
    assert_eq!((bench.rules.asked("/devices/query"), usual), (8, 8));
    assert_eq!((bench.health(Source::Fleet), bench.health(Source::Heartbeat)), (None, Some(LinkHealth::Forbidden)));
}

#[tokio::test(start_paused = true)]
async fn a_429_is_throttling_and_is_waited_out_by_whom_it_met() {
    let bench = Bench::fleet(&[("/devices/query", SLOW_DOWN)]);
    bench.pass(9).await;
    assert_eq!(bench.rules.asked("/devices/query"), 1, "the rest the hub asked for is kept");
    assert_eq!((bench.health(Source::Fleet), bench.health(Source::Heartbeat)), (Some(LinkHealth::Throttled), None));
    let link = bench.sync.link.borrow().clone();
    let next = link.trouble(Source::Fleet).and_then(|trouble| trouble.retry_at).expect("the next try is known");
    assert_eq!((link.health, next.mono.as_secs()), (LinkHealth::Online, 10));
    bench.rules.set("/devices/query", Answer::Good);
    bench.pass(2).await;
    assert_eq!((bench.rules.asked("/devices/query"), bench.health(Source::Fleet)), (3, None));
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_after_silence_wakes_the_others_once() {
    let bench = Bench::fleet(&[]);
    bench.pass(1).await;
    bench.rules.set("/", Answer::Silence);
    bench.pass(180).await;
    assert_eq!(bench.health(Source::Fleet), Some(LinkHealth::Offline));
    bench.rules.set("/", Answer::Good);
    let before = bench.rules.asked("/devices/query");
    // Whoever tries first ends it; a heartbeat waits half a minute at most.
    bench.sync.link.clone().wait_for(|link| link.health == LinkHealth::Online).await.unwrap();
    bench.pass(8).await;
    // A round of listing and digest at most; the heartbeat's recovery and the fleet's own did not add up.
    let queries = bench.rules.asked("/devices/query") - before;
    assert!((1..=2).contains(&queries), "{queries}");
    assert_eq!(bench.health(Source::Fleet), None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_hub_is_noticed_within_one_try() {
    let bench = Bench::fleet(&[("/", Answer::Silence)]);
    bench.pass(6).await;
    assert_eq!(bench.health(Source::Twins), Some(LinkHealth::Offline));
}

#[tokio::test(start_paused = true)]
async fn twins_keep_their_pace_where_identities_are_refused() {
    let device = DeviceId::from_wire("edge-01");
    let needs = Needs { device: Some(device.clone()), ..Needs::default() };
    let bench = Bench::new(needs, &[("/devices/edge-01", NO_RIGHT)]);
    bench.pass(31).await;
    assert_eq!(bench.rules.asked("/twins/edge-01/modules"), 7, "every five seconds");
    let identities = bench.rules.asked("/devices/edge-01");
    assert!(identities <= 6, "asked once, with a new token once each: {identities}");
    assert_eq!(bench.health(Source::Twins), None);
    let every = bench.sync.link.borrow().budget.every(Source::Twins);
    assert_eq!(every, SyncSettings::default().details);
    let board = bench.sync.details.borrow().clone();
    assert!(board.twins.contains_key(&TwinId::module(device, ModuleId::edge_agent())));
}

/// A free hub: forty messages at once, then one every four minutes. The readers wait, and the hub is not blamed.
#[tokio::test(start_paused = true)]
async fn a_spent_budget_is_our_own_doing() {
    let twin = TwinId::module(DeviceId::from_wire("edge-01"), ModuleId::from_wire("m"));
    let bench = Bench::of(Sku::F1, Needs { twin: Some(twin), ..Needs::default() }, &[]);
    // Left alone it slows down in time; somebody who wants to know again and again does not.
    for _ in 0..60 {
        bench.sync.now();
        bench.pass(11).await;
        if bench.health(Source::Twins).is_some() {
            break;
        }
    }
    let spent = bench.sync.link.borrow().clone();
    assert_eq!(spent.trouble(Source::Twins).map(|trouble| trouble.health), Some(LinkHealth::Budget));
    assert_eq!((spent.health, bench.health(Source::Heartbeat)), (LinkHealth::Online, None));
}

/// The interval that ages are judged by is the one that was meant, not the back-off of a reader that fails.
#[tokio::test(start_paused = true)]
async fn failing_makes_old_data_look_no_younger() {
    let bench = Bench::fleet(&[]);
    bench.pass(1).await;
    bench.rules.set("/", Answer::Silence);
    bench.pass(300).await;
    assert_eq!(bench.sync.link.borrow().budget.every(Source::Fleet), SyncSettings::default().fleet);
}

/// The class of configurations allows few calls: one list in half a minute, and none for coming back before that.
#[tokio::test(start_paused = true)]
async fn deployments_are_listed_seldom_and_only_while_somebody_looks() {
    let looking = Needs { deployments: true, ..Needs::default() };
    let bench = Bench::new(Needs::default(), &[]);
    bench.pass(60).await;
    assert_eq!(bench.rules.asked("/configurations"), 0, "nobody looked");
    for _ in 0..10 {
        bench.sync.need(looking.clone());
        bench.pass(1).await;
        bench.sync.need(Needs::default());
        bench.pass(1).await;
    }
    assert_eq!(bench.rules.asked("/configurations"), 1, "coming back shows what was read");
    bench.sync.need(looking.clone());
    bench.pass(60).await;
    assert_eq!(bench.rules.asked("/configurations"), 3);
    bench.sync.now();
    bench.pass(1).await;
    assert_eq!(bench.rules.asked("/configurations"), 4, "asked for, it is read at once");
    bench.sync.need(Needs { paused: true, ..looking });
    bench.pass(120).await;
    assert_eq!(bench.rules.asked("/configurations"), 4, "frozen");
    let board = bench.sync.deployments.borrow().clone();
    assert!(board.list.get().is_some_and(|list| list.is_empty()) && board.list.asked.is_none());
}

#[tokio::test(start_paused = true)]
async fn refused_deployments_are_nobody_elses_trouble_and_what_was_read_stays() {
    let bench = Bench::new(Needs { deployments: true, ..Needs::default() }, &[]);
    bench.pass(1).await;
    bench.rules.set("/configurations", NO_RIGHT);
    bench.pass(60).await;
    assert_eq!(bench.health(Source::Deployments), Some(LinkHealth::Forbidden));
    assert_eq!((bench.health(Source::Behind), bench.health(Source::Heartbeat)), (None, None));
    let board = bench.sync.deployments.borrow().clone();
    assert!(board.list.get().is_some() && board.list.fault.is_some());
}

/// Pages cost messages: whoever has left does not pay for those that would have followed.
#[tokio::test(start_paused = true)]
async fn the_rows_behind_a_figure_are_paged_until_somebody_leaves() {
    let behind = |query: &str| Needs { behind: Some(query.into()), ..Needs::default() };
    let bench = Bench::new(Needs::default(), &[("/devices/query", Answer::Silence)]);
    bench.sync.need(behind("select deviceId from devices"));
    bench.pass(1).await;
    bench.sync.need(Needs::default());
    bench.pass(1).await;
    let board = bench.sync.deployments.borrow().clone();
    let read = board.behind.values().next().expect("it was asked for");
    assert!(read.asked.is_none() && read.get().is_none() && read.fault.is_none(), "and given up, which is no failure");
    bench.rules.set("/devices/query", Answer::Good);
    bench.pass(120).await;
    assert_eq!(bench.rules.asked("/devices/query"), 1, "nobody looks");
    bench.sync.need(behind("select deviceId from devices"));
    bench.pass(61).await;
    assert_eq!(bench.rules.asked("/devices/query"), 3, "once a minute");
    bench.sync.need(behind("select deviceId from devices where tags.a = 1"));
    bench.pass(1).await;
    assert_eq!(bench.rules.asked("/devices/query"), 4, "another figure is read at once");
    let known: Vec<_> = bench.sync.deployments.borrow().behind.values().map(|read| read.get().is_some()).collect();
    assert_eq!(known, [true, true]);
}

/// Queries are few and cost messages: going to and fro between two figures pays for each once a minute.
#[tokio::test(start_paused = true)]
async fn going_back_to_a_figure_does_not_pay_for_it_again() {
    let behind = |query: &str| Needs { behind: Some(query.into()), ..Needs::default() };
    let bench = Bench::new(Needs::default(), &[]);
    for _ in 0..5 {
        for query in ["select deviceId from devices", "select deviceId from devices where tags.a = 1"] {
            bench.sync.need(behind(query));
            bench.pass(2).await;
        }
    }
    assert_eq!(bench.rules.asked("/devices/query"), 2, "each once");
    bench.sync.now();
    bench.pass(1).await;
    assert_eq!(bench.rules.asked("/devices/query"), 3, "asked for, it is read at once");
}

/// Eight figures are kept; the one that is looked at is always among them, also before its first answer.
#[tokio::test(start_paused = true)]
async fn the_figure_that_is_looked_at_is_never_forgotten() {
    let query = |n: usize| format!("select deviceId from devices where tags.a = {n}");
    let behind = |n: usize| Needs { behind: Some(query(n).into()), ..Needs::default() };
    let bench = Bench::new(Needs::default(), &[]);
    for n in 0..9 {
        bench.sync.need(behind(n));
        bench.pass(1).await;
    }
    let known = || bench.sync.deployments.borrow().behind.keys().map(|query| query.to_string()).collect::<Vec<_>>();
    let kept: Vec<String> = (1..9).map(query).collect();
    assert_eq!(known(), kept, "the oldest went");
    bench.rules.set("/devices/query", Answer::Silence);
    bench.sync.need(behind(9));
    bench.pass(1).await;
    let asked = bench.sync.deployments.borrow().behind.get(query(9).as_str()).map(|read| read.asked.is_some());
    assert_eq!((asked, known().len()), (Some(true), 8), "and it says that it was asked for");
    bench.rules.set("/devices/query", Answer::Good);
    let before = bench.rules.asked("/devices/query");
    bench.sync.need(behind(0));
    bench.pass(1).await;
    assert_eq!(bench.rules.asked("/devices/query"), before + 1, "what was forgotten is read at once");
}
