//! Following a device over a hub that carries methods to a model of edgeAgent, on tokio's paused time: requests are
//! counted, not waited for.

mod pace;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::domain::fault::FaultKind;
use crate::domain::secret::Secret;
use crate::hub::fake::TokioClock;
use crate::hub::transport::header::{HeaderMap, HeaderName, HeaderValue};
use crate::hub::transport::{HttpReply, HttpRequest, TransportFailure};
use crate::hub::{Credential, Endpoint, Hub, HubSettings, Sku, Transport};
use crate::logs::continuity::Opening;
use crate::logs::continuity::tests::model::{self, Event, SECOND};
use crate::logs::ring::{Content, Filter};

/// The hub carries no larger answer of a method, and whoever asked hears nothing; once it is base64, edgeAgent lets
/// larger ones pass.
const MOST_CARRIED: usize = 128 * 1024;

/// How the hub answers the next requests.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Good,
    Refuses(u16, &'static str),
    /// The agent's answer is lost on the way.
    Loses,
}

/// A hub with one device, whose agent reads the logs of a model. An answer takes a tenth of a second, until told otherwise.
#[derive(Debug)]
struct Agent {
    logs: Mutex<BTreeMap<&'static str, model::Device>>,
    mood: Mutex<Mood>,
    /// How long an answer takes.
    takes: Mutex<Duration>,
    /// Answers that were more than the hub carries.
    lost: AtomicUsize,
    /// A module whose log cannot be read; whoever asks for it among others gets nothing.
    broken: Mutex<Option<&'static str>>,
    asked: Mutex<Vec<(Duration, Value)>>,
    started: tokio::time::Instant,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Agent {
    fn takes(&self, takes: Duration) {
        *self.takes.lock().unwrap() = takes;
    }

    fn answer(&self, body: &Value) -> HttpReply {
        assert_eq!(body["methodName"], "GetModuleLogs");
        let ids: Vec<String> =
            body["payload"]["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect();
        let broken = self.broken.lock().unwrap().is_some_and(|broken| ids.iter().any(|id| id.contains(broken)));
        let (status, payload) = if broken {
            (500, json!({"message": "Stream finished but there was a truncated final frame in the buffer"}))
        } else {
            let logs = self.logs.lock().unwrap();
            let logs: Vec<_> = logs.iter().map(|(name, log)| (*name, log)).collect();
            model::answer(&logs, &body["payload"])
        };
        if payload.to_string().len() > MOST_CARRIED {
            self.lost.fetch_add(1, Ordering::SeqCst);
            return refusal(504, "GatewayTimeout");
        }
        let body = json!({"status": status, "payload": payload}).to_string();
        HttpReply { status: 200, headers: HeaderMap::new(), body: body.into_bytes() }
    }
}

fn refusal(status: u16, code: &'static str) -> HttpReply {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("iothub-errorcode"), HeaderValue::from_static(code));
    let body = format!(r#"{{"Message":"ErrorCode:{code};text","ExceptionMessage":"Tracking ID:t"}}"#);
    HttpReply { status, headers, body: body.into_bytes() }
}

#[async_trait]
impl Transport for Agent {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        assert!(request.path_and_query.starts_with("/twins/edge-01/modules/%24edgeAgent/methods?"));
        let body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        self.asked.lock().unwrap().push((self.started.elapsed(), body.clone()));
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let takes = *self.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Good => Ok(self.answer(&body)),
            Mood::Loses => {
                self.answer(&body);
                Err(TransportFailure::Unreachable("connection reset".into()))
            }
            Mood::Refuses(status, code) => Ok(refusal(status, code)),
        }
    }
}

struct Bench {
    agent: Arc<Agent>,
    tail: LogTail,
    tasks: TaskTracker,
    _end: DropGuard,
}

fn module(name: &str) -> ModuleId {
    ModuleId::from_wire(name)
}

fn wanted(modules: &[&str]) -> Wanted {
    let following = Following { opening: Opening::Tail(100), regex: None };
    Wanted { modules: modules.iter().map(|name| module(name)).collect(), following, attention: Attention::InView }
}

impl Bench {
    fn new(modules: &[&'static str]) -> Self {
        Self::of(Sku::S3, modules)
    }

    fn of(sku: Sku, modules: &[&'static str]) -> Self {
        let agent = Arc::new(Agent {
            logs: Mutex::new(modules.iter().map(|name| (name.trim_start_matches('$'), model::Device::new())).collect()),
            mood: Mutex::new(Mood::Good),
            takes: Mutex::new(Duration::from_millis(100)),
            lost: AtomicUsize::new(0),
            broken: Mutex::default(),
            asked: Mutex::default(),
            started: tokio::time::Instant::now(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        });
        let key = Secret::new("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
        let credential = Credential::Policy { name: "service".into(), key };
        let settings = HubSettings {
            sku,
            read_only: true,
            ..HubSettings::new(Endpoint::parse("h.azure-devices.net").unwrap(), credential)
        };
        let clock: SharedClock = TokioClock::at("2026-01-02T03:04:05Z");
        let hub = Hub::with_transport(settings, clock.clone(), agent.clone());
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let device = DeviceId::from_wire("edge-01");
        let tail = LogTail::start(&hub.read, clock, TailSettings::default(), device, wanted(modules), &cancel, &tasks);
        Self { agent, tail, tasks, _end: cancel.drop_guard() }
    }

    fn happen(&self, name: &'static str, event: &Event) {
        self.agent.logs.lock().unwrap().get_mut(name).unwrap().happen(event);
    }

    /// Lines a hundredth of a second apart, of a text that gzip cannot do much about.
    fn write(&self, name: &'static str, lines: usize, length: usize) {
        self.write_every(SECOND / 100, name, lines, length);
    }

    fn write_every(&self, ticks: i64, name: &'static str, lines: usize, length: usize) {
        let mut logs = self.agent.logs.lock().unwrap();
        let log = logs.get_mut(name).unwrap();
        for _ in 0..lines {
            log.clock += ticks;
            let noise: String = (0..length / 32 + 1).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
            let text = format!("{name} {noise:.length$}");
            log.written.push(model::Written { ticks: log.clock, err: false, text });
        }
    }

    fn mood(&self, mood: Mood) {
        *self.agent.mood.lock().unwrap() = mood;
    }

    /// Lets time pass, for the devices as well.
    async fn pass(&self, seconds: u64) {
        for log in self.agent.logs.lock().unwrap().values_mut() {
            log.clock += i64::try_from(seconds).unwrap() * SECOND;
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn picture(&self) -> Arc<TailPicture> {
        self.tail.picture().borrow().clone()
    }

    fn requests(&self) -> usize {
        self.agent.asked.lock().unwrap().len()
    }

    /// Every module's lines are there, in order and without a gap.
    fn check(&self) {
        let picture = self.picture();
        for (name, log) in self.agent.logs.lock().unwrap().iter() {
            let lines: Vec<&str> = picture
                .log
                .all(Filter::default())
                .filter(|row| {
                    picture.log.module(row.source).is_some_and(|id| id.as_str().trim_start_matches('$') == *name)
                })
                .filter_map(|row| match &row.content {
                    Content::Line { entry, .. } => Some(entry.text.raw()),
                    Content::Mark(mark) => {
                        assert!(matches!(mark, crate::logs::continuity::Mark::Begins { .. }), "{mark:?}");
                        None
                    }
                })
                .collect();
            let written: Vec<&str> = log.written.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(lines, written, "{name}");
        }
        assert_eq!(self.agent.most_in_flight.load(Ordering::SeqCst), 1, "one request at a time");
    }

    /// The last lines of the only module are there, without a gap; how many.
    fn check_end(&self) -> usize {
        let picture = self.picture();
        let mut lines = Vec::new();
        for row in picture.log.all(Filter::default()) {
            match &row.content {
                Content::Line { entry, .. } => lines.push(entry.text.raw()),
                Content::Mark(mark) => assert!(!matches!(mark, crate::logs::continuity::Mark::Gap(_)), "{mark:?}"),
            }
        }
        let logs = self.agent.logs.lock().unwrap();
        let written: Vec<&str> = logs.values().next().unwrap().written.iter().map(|line| line.text.as_str()).collect();
        assert!(written.ends_with(&lines), "{} of {} lines", lines.len(), written.len());
        lines.len()
    }
}

#[tokio::test(start_paused = true)]
async fn modules_are_asked_for_together_every_two_seconds_and_merged() {
    let bench = Bench::new(&["$edgeAgent", "filter", "ml"]);
    for _ in 0..10 {
        for name in ["edgeAgent", "filter", "ml"] {
            bench.write(name, 3, 40);
        }
        bench.pass(2).await;
    }
    bench.pass(2).await;
    bench.check();
    let requests = bench.requests();
    assert!((10..=12).contains(&requests), "one request a round: {requests}");
    let picture = bench.picture();
    let times: Vec<_> = picture.log.all(Filter::default()).map(|row| row.id).collect();
    assert!(times.is_sorted() && picture.log.all(Filter::default()).all(|row| !row.late));
    assert_eq!((picture.every, picture.requests), (Duration::from_secs(2), 1));
    assert!(picture.answered.is_some() && picture.fault.is_none() && picture.bytes > 0);
    assert_eq!(picture.modules[&module("filter")].source, picture.log.source(&module("filter")));
    let asked = bench.agent.asked.lock().unwrap()[0].1.clone();
    assert_eq!(
        (&asked["payload"]["encoding"], &asked["payload"]["items"][1]["id"]),
        (&json!("gzip"), &json!("^filter$"))
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_look_asks_seldom_and_who_pauses_not_at_all() {
    let bench = Bench::new(&["filter"]);
    bench.pass(1).await;
    let mut want = wanted(&["filter"]);
    want.attention = Attention::Background;
    bench.tail.want(want.clone());
    bench.pass(61).await;
    let background = bench.requests();
    assert!((5..=7).contains(&background), "{background}");
    want.attention = Attention::Paused;
    bench.tail.want(want.clone());
    bench.write("filter", 5, 20);
    bench.pass(600).await;
    assert_eq!((bench.requests(), bench.picture().next), (background, None));
    want.attention = Attention::InView;
    bench.tail.want(want);
    bench.pass(1).await;
    bench.check();
    bench.tail.now();
    bench.pass(1).await;
    assert_eq!(bench.requests(), background + 2, "once when it was wanted again, and once when told");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_together_is_asked_for_in_halves_and_together_again_later() {
    let bench = Bench::new(&["a", "b", "c", "d"]);
    bench.pass(3).await;
    for name in ["a", "b", "c", "d"] {
        bench.write(name, 40, 2_000);
    }
    bench.pass(2).await;
    bench.check();
    let apart = bench.picture().requests;
    assert!(apart > 2, "{apart}");
    for _ in 0..30 {
        for name in ["a", "b", "c", "d"] {
            bench.write(name, 2, 20);
        }
        bench.pass(2).await;
    }
    bench.check();
    assert_eq!(bench.picture().requests, 1);
}

#[tokio::test(start_paused = true)]
async fn one_broken_log_does_not_keep_the_others() {
    let bench = Bench::new(&["a", "b", "c"]);
    *bench.agent.broken.lock().unwrap() = Some("b");
    for _ in 0..10 {
        bench.write("a", 2, 20);
        bench.write("c", 2, 20);
        bench.pass(2).await;
    }
    bench.pass(2).await;
    bench.check();
    let picture = bench.picture();
    assert!(matches!(&picture.modules[&module("b")].failure, Some(Failure::Agent { status: 500, .. })), "{picture:?}");
    assert_eq!((picture.modules[&module("a")].failure.clone(), picture.every), (None, Duration::from_secs(2)));
    *bench.agent.broken.lock().unwrap() = None;
    bench.write("b", 2, 20);
    bench.pass(4).await;
    bench.check();
    assert_eq!(bench.picture().requests, 1);
}

#[tokio::test(start_paused = true)]
async fn silence_and_refusals_are_backed_off_from_and_lose_nothing() {
    for (mood, kind) in [
        (Mood::Refuses(404, "DeviceNotOnline"), FaultKind::DeviceOffline),
        (Mood::Refuses(504, "GatewayTimeout"), FaultKind::TimedOut),
        (Mood::Loses, FaultKind::Unreachable),
    ] {
        let bench = Bench::new(&["filter"]);
        bench.write("filter", 5, 20);
        bench.pass(3).await;
        bench.mood(mood);
        let before = bench.requests();
        for _ in 0..60 {
            bench.write("filter", 1, 20);
            bench.pass(2).await;
        }
        let tries = bench.requests() - before;
        assert!(
            (5..=12).contains(&tries),
            "two minutes: 2, 4, 8, 16, 32 and then 60 s apart, a poll's hiccup twice: {tries}"
        );
        let picture = bench.picture();
        assert_eq!(picture.fault.as_ref().map(|(fault, _)| fault.kind.clone()), Some(kind));
        assert!(picture.log.rows() > 0);
        bench.mood(Mood::Good);
        bench.pass(61).await;
        bench.check();
        assert_eq!((bench.picture().fault.clone(), bench.picture().every), (None, Duration::from_secs(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_asks_to_slow_down_is_left_alone() {
    let bench = Bench::new(&["filter"]);
    bench.pass(1).await;
    bench.mood(Mood::Refuses(429, "ThrottlingException"));
    bench.pass(3).await;
    let before = bench.requests();
    bench.pass(8).await;
    assert_eq!(bench.requests(), before, "the ten seconds the hub wants are kept");
    bench.mood(Mood::Good);
    bench.pass(10).await;
    assert_eq!(bench.picture().fault, None);
}

#[tokio::test(start_paused = true)]
async fn a_module_that_is_added_brings_its_history_and_one_that_is_not_there_is_told() {
    let bench = Bench::new(&["a", "b"]);
    bench.tail.want(wanted(&["a", "c"]));
    bench.write("a", 5, 20);
    bench.write("b", 5, 20);
    bench.pass(60).await;
    bench.write("a", 5, 20);
    bench.pass(3).await;
    let picture = bench.picture();
    assert_eq!(picture.modules[&module("c")].failure, Some(Failure::NoSuchModule));
    assert_eq!(picture.modules.keys().map(ModuleId::as_str).collect::<Vec<_>>(), ["a", "c"]);
    bench.tail.want(wanted(&["a", "b"]));
    bench.pass(3).await;
    bench.check();
    let picture = bench.picture();
    assert!(picture.log.all(Filter::default()).all(|row| !row.late), "its lines stand among the older ones");
    let ids: Vec<_> = picture.log.all(Filter::default()).map(|row| row.source.index()).collect();
    assert!(!ids.is_sorted());
}

/// A view that switches from all modules to one and back must not see lines twice, nor lose those written meanwhile.
#[tokio::test(start_paused = true)]
async fn a_module_that_is_followed_again_goes_on_where_it_was_left() {
    let bench = Bench::new(&["a", "b"]);
    for want in [["a", "b"].as_slice(), &["a"], &["a", "b"], &["b"], &["a", "b"]] {
        bench.tail.want(wanted(want));
        for _ in 0..3 {
            bench.write("a", 5, 20);
            bench.write("b", 7, 20);
            bench.pass(3).await;
        }
    }
    bench.check();
    assert_eq!(bench.picture().anew, 1, "it began once");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_masked_and_lines_about_polling_are_told_apart() {
    let bench = Bench::new(&["$edgeAgent", "filter"]);
    {
        let mut logs = bench.agent.logs.lock().unwrap();
        for (module, text) in [
            ("filter", "password=PLANTED-one"),
            ("filter", "-----BEGIN PRIVATE KEY-----"),
            ("filter", "PLANTEDtwo"),
            ("filter", "-----END PRIVATE KEY-----"),
            ("filter", "asked for GetModuleLogs"),
            ("edgeAgent", "[INF] - Received request GetModuleLogs with payload"),
            ("edgeAgent", "[INF] - Updated reported properties"),
        ] {
            logs.get_mut(module).unwrap().say(text);
        }
    }
    bench.pass(4).await;
    let log = bench.picture().log.clone();
    let texts: Vec<String> = log.all(Filter::default()).map(|row| row.text().to_owned()).collect();
    assert!(texts.len() > 7 && !texts.concat().contains("PLANTED"), "{texts:?}");
    let without = Filter::default().without_polling();
    assert_eq!((log.polling(), log.all(Filter::default()).count() - log.all(without).count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_silence_is_told_from_its_beginning() {
    let bench = Bench::new(&["filter"]);
    bench.pass(3).await;
    bench.mood(Mood::Refuses(404, "DeviceNotOnline"));
    bench.pass(5).await;
    let began = bench.picture().fault.clone().unwrap().1;
    bench.pass(60).await;
    assert_eq!(bench.picture().fault.clone().unwrap().1, began);
    bench.mood(Mood::Good);
    bench.pass(60).await;
    assert_eq!(bench.picture().fault, None);
}

/// Between what edgeAgent lets pass and what the hub carries, an answer is lost, and would be lost again.
#[tokio::test(start_paused = true)]
async fn a_time_whose_answer_is_lost_is_not_asked_for_again_and_again() {
    let bench = Bench::new(&["filter"]);
    bench.mood(Mood::Refuses(504, "GatewayTimeout"));
    let mut want = wanted(&["filter"]);
    want.following.opening = Opening::Last(Duration::from_secs(3_600));
    bench.tail.want(want);
    bench.write("filter", 5, 20);
    bench.pass(1).await;
    bench.mood(Mood::Good);
    bench.pass(30).await;
    bench.check();
    let asked = bench.agent.asked.lock().unwrap().clone();
    let filters: Vec<&Value> = asked.iter().map(|(_, body)| &body["payload"]["items"][0]["filter"]).collect();
    assert_eq!(filters.iter().filter(|filter| filter["since"] == "3600s").count(), 1, "{filters:?}");
}

/// The same for what is too much together: each half is carried.
#[tokio::test(start_paused = true)]
async fn modules_whose_answer_together_is_lost_are_asked_for_apart() {
    let bench = Bench::new(&["a", "b", "c", "d"]);
    for name in ["a", "b", "c", "d"] {
        bench.write(name, 100, 450);
    }
    bench.pass(30).await;
    assert!(bench.agent.lost.load(Ordering::SeqCst) > 0, "the answer is between the two limits");
    bench.check();
    assert_eq!(bench.picture().fault, None);
    for _ in 0..10 {
        bench.write("a", 2, 20);
        bench.pass(2).await;
    }
    bench.check();
    assert_eq!((bench.picture().requests, bench.agent.lost.load(Ordering::SeqCst)), (1, 1), "together again");
}

/// The default opening: the same five hundred lines would be lost every time.
#[tokio::test(start_paused = true)]
async fn last_lines_whose_answer_is_lost_are_fewer_next_time() {
    for regex in [None, Some("filter".to_owned())] {
        let bench = Bench::new(&["filter"]);
        // Ten minutes of them: a log that is narrowed is asked for by time.
        bench.write_every(SECOND, "filter", 500, 360);
        let narrowed = regex.is_some();
        let following = Following { regex, ..Following::default() };
        bench.tail.want(Wanted { following, ..wanted(&["filter"]) });
        bench.pass(60).await;
        assert!(bench.agent.lost.load(Ordering::SeqCst) > 0, "the answer is between the two limits");
        let lines = bench.check_end();
        assert!(lines >= 100, "{lines} lines");
        for _ in 0..10 {
            bench.write("filter", 2, 20);
            bench.pass(2).await;
        }
        bench.pass(2).await;
        assert_eq!((bench.check_end(), bench.picture().fault.clone()), (lines + 20, None), "narrowed: {narrowed}");
    }
}

/// Silence looks the same, and the opening it leaves is not a line or two.
#[tokio::test(start_paused = true)]
async fn a_silence_before_the_first_line_leaves_an_opening_worth_reading() {
    for regex in [None, Some("filter".to_owned())] {
        let bench = Bench::new(&["filter"]);
        bench.mood(Mood::Refuses(504, "GatewayTimeout"));
        let following = Following { regex, ..Following::default() };
        bench.tail.want(Wanted { following, ..wanted(&["filter"]) });
        bench.pass(600).await;
        bench.write_every(SECOND / 4, "filter", 200, 20);
        bench.mood(Mood::Good);
        bench.tail.now();
        bench.pass(1).await;
        assert!(bench.check_end() >= 20);
    }
}

/// Many modules, and nobody answers: halving comes to an end, once.
#[tokio::test(start_paused = true)]
async fn silence_is_not_asked_about_module_by_module() {
    let modules = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let bench = Bench::new(&modules);
    bench.pass(3).await;
    bench.mood(Mood::Refuses(504, "GatewayTimeout"));
    let before = bench.requests();
    bench.pass(120).await;
    let tries = bench.requests() - before;
    assert!((5..=12 + 3).contains(&tries), "as often as one module, and three halvings: {tries}");
    bench.write("h", 5, 20);
    bench.mood(Mood::Good);
    bench.pass(61).await;
    bench.check();
}

#[tokio::test(start_paused = true)]
async fn another_way_of_following_begins_anew() {
    let bench = Bench::new(&["filter"]);
    bench.happen("filter", &Event::Write { lines: 10, every: SECOND / 10, length: 3, plain: false });
    bench.pass(3).await;
    let mut want = wanted(&["filter"]);
    want.following.regex = Some("line [02468]".into());
    bench.tail.want(want);
    bench.pass(3).await;
    let picture = bench.picture();
    let lines = picture.log.all(Filter::default()).filter(|row| !row.text().is_empty()).count();
    assert_eq!(lines, 5);
    assert!(bench.agent.asked.lock().unwrap().last().unwrap().1["payload"]["items"][0]["filter"]["regex"].is_string());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_somebody_who_left() {
    let Bench { agent, tail, tasks, _end } = Bench::new(&["filter"]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut pictures = tail.picture();
    drop(tail);
    tasks.close();
    tasks.wait().await;
    assert!(pictures.changed().await.is_ok() || pictures.has_changed().is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(agent.asked.lock().unwrap().len(), 1);
}

/// Lost answers, refusals and bursts in any order: every line of every module is there once, in its order.
#[tokio::test(start_paused = true)]
async fn through_trouble_of_all_kinds_nothing_is_lost() {
    let moods = [Mood::Good, Mood::Loses, Mood::Refuses(404, "DeviceNotOnline"), Mood::Refuses(504, "GatewayTimeout")];
    let bench = Bench::new(&["a", "b", "c"]);
    for step in 0_usize..300 {
        bench.mood(if step % 3 == 0 { moods[step / 3 % 4] } else { Mood::Good });
        bench.write("a", step % 4, 60);
        bench.write("b", if step % 17 == 0 { 60 } else { 0 }, 600);
        bench.write("c", usize::from(step % 40 == 0), 20);
        bench.pass(1 + u64::try_from(step % 5).unwrap()).await;
    }
    bench.mood(Mood::Good);
    bench.pass(60).await;
    bench.check();
}
