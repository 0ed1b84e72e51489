//! The write path over a hub of the test's own: how each write ends, what the record says, and what is not sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::audit::{AuditLog, AuditReader, Body, Entry, Origin, State, Verdict};
use crate::disk::{FileLock, LockAttempt};
use crate::domain::device::DeviceIdentity;
use crate::domain::ids::{DeviceId, ETag, OpId};
use crate::domain::limits::SectionKind;
use crate::domain::time::{Clock, ManualClock};
use crate::domain::twin::Twin;
use crate::hub::transport::header::HeaderMap;
use crate::hub::transport::{HttpReply, HttpRequest, Method, TransportFailure};
use crate::hub::{ConnectionString, Hub, HubSettings, Transport, twin_from_json};

/// What the hub does with a `PATCH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Hangs,
    Panics,
}

/// A hub that does one thing to every write, and answers reads in order, the last one for ever.
#[derive(Debug)]
struct OddHub {
    fate: Mutex<Fate>,
    reads: Mutex<VecDeque<(u16, Value)>>,
    patches: Mutex<usize>,
    clock: Arc<ManualClock>,
}

#[async_trait::async_trait]
impl Transport for OddHub {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        self.clock.advance(Duration::from_secs(5));
        if request.method == Method::PATCH || request.method == Method::PUT {
            *self.patches.lock().unwrap() += 1;
            let fate = *self.fate.lock().unwrap();
            return match fate {
                Fate::Lost => Err(TransportFailure::TimedOut("no answer".to_owned())),
                Fate::Hangs => std::future::pending().await,
                Fate::Panics => panic!("a fault of ours"),
            };
        }
        let mut reads = self.reads.lock().unwrap();
        let (status, body) = if reads.len() > 1 { reads.pop_front() } else { reads.front().cloned() }.unwrap();
        Ok(HttpReply { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() })
    }
}

fn wire(writes: u64, t: u64) -> Value {
    json!({
        "deviceId": "d", "etag": format!("e{writes}"), "version": writes + 1,
        "properties": {"desired": {"t": t, "password": "hunter2", "$version": writes}, "reported": {"$version": 1}},
    })
}

fn twin(writes: u64, t: u64) -> Arc<Twin> {
    Arc::new(twin_from_json(&wire(writes, t)).unwrap())
}

/// A gateway over such a hub.
struct Bench {
    gateway: Gateway,
    hub: Arc<OddHub>,
    clock: Arc<ManualClock>,
    cancel: CancellationToken,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(fate: Fate, reads: &[(u16, Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap());
        let hub = Arc::new(OddHub {
            fate: Mutex::new(fate),
            reads: Mutex::new(reads.iter().cloned().collect()),
            patches: Mutex::default(),
            clock: clock.clone(),
        });
        let text = "HostName=h.azure-devices.net;SharedAccessKeyName=p;SharedAccessKey=a2V5";
        let (endpoint, credential) = ConnectionString::parse(text).unwrap().into_parts();
        let mut settings = HubSettings::new(endpoint, credential);
        settings.sku = crate::hub::Sku::S3;
        let Hub { read, write } = Hub::with_transport(settings, clock.clone(), hub.clone());
        let cancel = CancellationToken::new();
        let audit = AuditLog::open(folder.path().join("audit"), clock.clone()).unwrap();
        // As a console gathers it at its start, before anybody has signed in.
        let origin = Origin { identity: "Entra ID".to_owned(), ..Origin::default() };
        let gateway = Gateway::new(write, read, Some(audit), origin, clock.clone(), cancel.clone(), TaskTracker::new());
        Self { gateway, hub, clock, cancel, folder }
    }

    /// Brings `t` from 25 to 30.
    fn intent(&self, number: u128) -> WriteIntent<TwinWrite> {
        let base = twin(1, 25);
        let mut wanted = base.desired.values.clone();
        wanted.insert("t".to_owned(), json!(30));
        let op = OpId(uuid::Uuid::from_u128(number));
        let write = TwinWrite::new(&base, SectionKind::Desired, &wanted).unwrap();
        WriteIntent::new(op, "h", write, Level::Dialog, self.clock.now())
    }

    fn reader(&self) -> AuditReader {
        AuditReader::new(self.folder.path().join("audit"))
    }

    fn entry(&self, number: u128) -> Entry {
        self.reader().show(&OpId(uuid::Uuid::from_u128(number))).unwrap().unwrap()
    }

    fn verdicts(&self, number: u128) -> Vec<Verdict> {
        let verdict = |body: &Body| match body {
            Body::Outcome(outcome) => outcome.result.clone(),
            other => panic!("{other:?}"),
        };
        self.entry(number).outcomes.iter().map(|record| verdict(&record.body)).collect()
    }

    async fn until(&self, holds: impl Fn(&OpsBoard) -> bool) {
        let mut board = self.gateway.board.clone();
        board.wait_for(|board| holds(board)).await.unwrap();
    }

    fn sent(&self) -> usize {
        *self.hub.patches.lock().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_write_ends_as_what_the_twin_tells_of_it() {
    for (reads, expected) in [
        (vec![(200, wire(2, 30))], "applied"),
        (vec![(200, wire(1, 25))], "not applied"),
        (vec![(200, wire(2, 28))], "overtaken"),
        (vec![(200, wire(3, 28))], "undecidable"),
        // The last of two wrote the same as I did, which says nothing about the first.
        (vec![(200, wire(3, 30))], "undecidable"),
        (vec![(200, wire(1, 25)), (200, wire(3, 28))], "undecidable"),
    ] {
        let bench = Bench::new(Fate::Lost, &reads);
        let outcome = bench.gateway.perform(bench.intent(1)).await;
        let word = match &outcome {
            Outcome::Applied(_) => "applied",
            Outcome::NotApplied(_) => "not applied",
            Outcome::Overtaken(_) => "overtaken",
            Outcome::Undecidable { now: Some(_), .. } => "undecidable",
            other => panic!("{other:?}"),
        };
        assert_eq!(word, expected, "{reads:?}");
        let verdicts = bench.verdicts(1);
        let [Verdict::Unknown { .. }, last] = &verdicts[..] else { panic!("{verdicts:?}") };
        let recorded = match last {
            Verdict::Resolved { happened: true, .. } => "applied",
            Verdict::Resolved { happened: false, found } if found.contains("somebody else wrote") => "overtaken",
            Verdict::Resolved { happened: false, .. } => "not applied",
            Verdict::Undecidable { .. } => "undecidable",
            other => panic!("{other:?}"),
        };
        assert_eq!((recorded, bench.sent()), (expected, 1), "{reads:?}");
        let state = if expected == "undecidable" { State::Unknown } else { State::Resolved };
        assert_eq!(bench.entry(1).state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn reading_back_ends_when_the_hub_will_not_answer_otherwise() {
    let unauthorized = json!({"Message": "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"});
    for (status, body, expected) in [
        (404, json!({"Message": "ErrorCode:DeviceNotFound;gone"}), "the twin is gone"),
        (401, unauthorized.clone(), "the hub no longer lets this sign-in read it"),
        (403, unauthorized, "the hub no longer lets this sign-in read it"),
    ] {
        let bench = Bench::new(Fate::Lost, &[(status, body)]);
        match bench.gateway.perform(bench.intent(1)).await {
            Outcome::Undecidable { why, now: None } => assert_eq!(why, expected),
            other => panic!("{other:?}"),
        }
        assert!(matches!(bench.verdicts(1)[..], [Verdict::Unknown { .. }, Verdict::Undecidable { .. }]));
    }
}

#[tokio::test(start_paused = true)]
async fn writes_that_are_being_read_back_keep_nobody_waiting() {
    let bench = Bench::new(Fate::Lost, &[(500, json!({}))]);
    for number in 1..=20 {
        bench.gateway.submit(bench.intent(number));
        bench
            .until(|board| {
                let entry = board.get(&OpId(uuid::Uuid::from_u128(number))).unwrap();
                matches!(entry.state, OpState::Unknown(_))
            })
            .await;
    }
    assert_eq!((bench.sent(), bench.gateway.board.borrow().open()), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_write_for_which_there_is_no_room_ends_as_refused() {
    let bench = Bench::new(Fate::Hangs, &[(500, json!({}))]);
    for number in 1..=8 {
        bench.gateway.submit(bench.intent(number));
    }
    match bench.gateway.perform(bench.intent(9)).await {
        Outcome::Refused(why) => assert!(why.raw().contains("in flight already"), "{why:?}"),
        other => panic!("{other:?}"),
    }
    let board = bench.gateway.board.borrow().clone();
    let ninth = board.get(&OpId(uuid::Uuid::from_u128(9))).unwrap();
    assert!(matches!(ninth.state, OpState::Done(..)), "{ninth:?}");
    assert_eq!(board.open(), 8);
}

#[tokio::test(start_paused = true)]
async fn what_still_waits_for_the_record_at_the_end_is_not_sent() {
    let bench = Bench::new(Fate::Hangs, &[(500, json!({}))]);
    let folder = bench.folder.path().join("audit");
    crate::disk::ensure_dir(&folder).unwrap();
    let LockAttempt::Held(held) = FileLock::try_acquire(&folder.join("audit.lock"), "pid 42").unwrap() else {
        panic!("busy")
    };
    bench.gateway.submit(bench.intent(1));
    bench.cancel.cancel();
    drop(held);
    bench.until(|board| board.open() == 0).await;
    let board = bench.gateway.board.borrow().clone();
    let entry = board.entries().next().unwrap();
    let OpState::Done(Outcome::Refused(why), _) = &entry.state else { panic!("{entry:?}") };
    assert!(why.raw().contains("being closed"), "{why:?}");
    assert_eq!(bench.sent(), 0);
    assert_eq!(bench.entry(1).state(), State::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_our_own_leaves_no_write_open() {
    let bench = Bench::new(Fate::Panics, &[(500, json!({}))]);
    for number in 1..=9 {
        match bench.gateway.perform(bench.intent(number)).await {
            Outcome::Undecidable { why, now: None } => assert!(why.contains("edgedeck itself failed"), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(bench.entry(number).state(), State::Unknown);
        assert_eq!(bench.verdicts(number).len(), 1);
    }
    assert_eq!((bench.sent(), bench.gateway.board.borrow().open()), (9, 0), "and it gives its place free");
}

#[tokio::test(start_paused = true)]
async fn the_record_has_the_way_back_and_who_we_are_by_now() {
    let bench = Bench::new(Fate::Lost, &[(200, wire(2, 30))]);
    let mut intent = bench.intent(1);
    intent.request.inverse.merge.insert("password".to_owned(), json!("hunter2"));
    let _ = bench.gateway.perform(intent).await;
    let entry = bench.entry(1);
    let Body::Intent(intent) = &entry.first.body else { panic!("{entry:?}") };
    assert_eq!(intent.base_desired_version, Some(1));
    assert_eq!(intent.inverse, Some(json!({"properties": {"desired": {"t": 25, "password": "********"}}})));
    assert_eq!(intent.origin.identity, "policy p", "asked when it is recorded, not at the start");
}

/// A device's whole identity is read before it is sent back. What fails there leaves no doubt about the write, and is
/// advised on by what it is and not as an outage.
#[tokio::test(start_paused = true)]
async fn a_write_whose_reading_before_failed_is_refused_with_the_advice_for_that() {
    let keyless = json!({"deviceId": "d", "etag": "e1", "authentication": {"type": "sas", "symmetricKey": null}});
    for (read, advised, doubtful) in [
        ((200, keyless), "it needs RegistryWrite", false),
        ((200, json!("no identity")), "is this host an IoT Hub?", true),
        ((401, json!({"Message": "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"})), "it needs RegistryRead", false),
    ] {
        let bench = Bench::new(Fate::Lost, &[read]);
        let base = DeviceIdentity {
            id: DeviceId::from_wire("d"),
            etag: ETag::from_wire("e1"),
            generation_id: "g".into(),
            enabled: true,
            status_reason: None,
            edge: true,
            connection_state: "Disconnected".into(),
            last_activity: None,
            authentication: "sas".into(),
            device_scope: None,
            parent_scopes: vec![],
        };
        let change = DeviceChange::Disable { base: Arc::new(base), reason: None };
        let write = DeviceWrite { id: DeviceId::from_wire("d"), change };
        let op = OpId(uuid::Uuid::from_u128(1));
        let level = write.least();
        let mut intent = WriteIntent::new(op, "h", Request::Device(write), level, bench.clock.now());
        intent.typed = Some("d".to_owned());
        let why = match bench.gateway.perform(intent).await {
            Outcome::Refused(why) => String::from(why.shown()),
            other => panic!("{advised}: {other:?}"),
        };
        assert!(why.contains(advised) && !why.contains("network"), "{why}");
        assert_eq!(why.contains("nothing was sent"), doubtful, "{why}");
        assert!(matches!(bench.verdicts(1)[..], [Verdict::Refused { .. }]), "{:?}", bench.verdicts(1));
        assert_eq!(bench.sent(), 0);
    }
}
