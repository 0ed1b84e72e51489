//! The record through its public face: writing, reading back, crashes, tampering, two writers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::audit::{AuditError, AuditLog, AuditReader, Body, Intent, Note, NoteKind, Origin, Outcome, Problem};
use crate::audit::{Reason, State, Verdict};
use crate::disk::{FileLock, LockAttempt};
use crate::domain::ids::{ETag, OpId};
use crate::domain::time::ManualClock;

fn clock() -> std::sync::Arc<ManualClock> {
    ManualClock::at("2026-01-02T13:58:43.1019Z".parse().unwrap())
}

fn op(n: u128) -> OpId {
    OpId(uuid::Uuid::from_u128(n))
}

fn intent(n: u128) -> Intent {
    Intent {
        op: op(n),
        origin: Origin { context: "prod-weu".into(), hub: "h.azure-devices.net".into(), ..Origin::default() },
        verb: "twin.patch".into(),
        object: "edge-gateway-001/temperatureFilter".into(),
        reason: None,
        ticket: None,
        request: json!({"properties": {"desired": {"temperatureThreshold": 26}}}),
        diff: vec!["-temperatureThreshold 25".into(), "+temperatureThreshold 26".into()],
        detail: None,
        inverse: Some(json!({"properties": {"desired": {"temperatureThreshold": 25}}})),
        base_desired_version: Some(3),
        base_etag: Some(ETag::from_wire("AAAAAAAAAAE=")),
        plan_hash: None,
        level: 1,
        typed: None,
    }
}

fn outcome(n: u128, result: Verdict) -> Outcome {
    Outcome { op: op(n), result, duration_ms: 1_200 }
}

fn applied() -> Verdict {
    Verdict::Applied { etag: Some(ETag::from_wire("AAAAAAAAAAI=")), version: Some(7) }
}

fn first_file(dir: &Path) -> std::path::PathBuf {
    dir.join("audit-000001.jsonl")
}

#[tokio::test]
async fn intent_and_outcome_come_back_as_one_entry() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("audit");
    let log = AuditLog::open(&dir, clock()).unwrap();
    assert!(!dir.exists(), "nothing is made before something is written");
    assert_eq!(AuditReader::new(&dir).newest(5).unwrap().entries, []);

    let written = log.intent(intent(1)).await.unwrap();
    assert_eq!((written.seq, written.time.to_string().as_str()), (1, "2026-01-02T13:58:43.102Z"));
    log.intent(intent(2)).await.unwrap();
    log.outcome(outcome(1, applied())).await.unwrap();
    log.outcome(outcome(2, Verdict::Unknown { why: "no answer in 30 s".into() })).await.unwrap();
    let note =
        Note { origin: Origin::default(), what: NoteKind::ReadWrite, object: "prod-weu".into(), text: "on".into() };
    log.note(note).await.unwrap();
    log.intent(intent(3)).await.unwrap();

    let reader = AuditReader::new(&dir);
    let listing = reader.newest(10).unwrap();
    let states: Vec<_> = listing.entries.iter().map(|entry| (entry.first.seq, entry.state())).collect();
    assert_eq!(states, [(6, State::Unknown), (5, State::Recorded), (2, State::Unknown), (1, State::Applied)]);
    assert!(!listing.more);
    assert!(reader.newest(2).unwrap().more);

    log.outcome(outcome(2, Verdict::Resolved { happened: true, found: "version 8 holds the patch".into() }))
        .await
        .unwrap();
    let entry = reader.show(&op(2)).unwrap().unwrap();
    assert_eq!((entry.state(), entry.outcomes.len()), (State::Resolved, 2));
    assert_eq!(entry.first.body, Body::Intent(Box::new(intent(2))));
    assert!(reader.show(&op(9)).unwrap().is_none());
    let verification = reader.verify().unwrap();
    assert_eq!((verification.records, verification.holds()), (7, true));
}

/// A record of the version before has neither an inverse nor a version it was based on; it is read all the same.
#[test]
fn intents_of_before_are_still_read() {
    let mut old = serde_json::to_value(intent(1)).unwrap();
    let members = old.as_object_mut().unwrap();
    assert!(members.remove("inverse").is_some() && members.remove("base_desired_version").is_some());
    let read: Intent = serde_json::from_value(old).unwrap();
    assert_eq!(read, Intent { inverse: None, base_desired_version: None, ..intent(1) });
}

#[tokio::test]
async fn secrets_are_masked_once_more() {
    let temp = tempfile::tempdir().unwrap();
    let log = AuditLog::open(temp.path(), clock()).unwrap();
    let mut leaky = intent(1);
    leaky.request = json!({"registryCredentials": {"acr": {"password": "hunter2"}}});
    leaky.diff = vec!["+ HostName=h;SharedAccessKey=hunter2".into()];
    leaky
        .diff
        .extend(["-\"A_TOKEN\": {", "-  \"value\": \"hunter2\"", "-}", "+\"password\": \"hunter2\""].map(String::from));
    leaky.inverse = Some(json!({"properties": {"desired": {"password": "hunter2"}}}));
    leaky.reason = Some("Bearer hunter2".into());
    log.intent(leaky).await.unwrap();
    let text = "sr=h&sig=hunter2&se=1".to_owned();
    log.outcome(outcome(1, Verdict::Refused { status: Some(401), code: None, text, tracking_id: None })).await.unwrap();
    let file = fs::read_to_string(first_file(temp.path())).unwrap();
    assert!(!file.contains("hunter2"), "{file}");
    assert!(AuditReader::new(temp.path()).verify().unwrap().holds());
}

#[tokio::test]
async fn a_torn_line_is_kept_reported_and_continued_after() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    AuditLog::open(dir, clock()).unwrap().intent(intent(1)).await.unwrap();
    let mut torn = fs::read_to_string(first_file(dir)).unwrap();
    torn.push_str(r#"{"seq":2,"time":"2026-"#);
    fs::write(first_file(dir), &torn).unwrap();

    let log = AuditLog::open(dir, clock()).unwrap();
    assert!(matches!(log.found_at_start(), Some(Reason::Torn { bytes: 22, .. })));
    log.intent(intent(2)).await.unwrap();
    log.outcome(outcome(2, applied())).await.unwrap();
    assert_eq!(fs::read_to_string(first_file(dir)).unwrap(), torn, "nothing is deleted");

    let reader = AuditReader::new(dir);
    let verification = reader.verify().unwrap();
    assert!(verification.holds(), "{:?}", verification.findings);
    assert!(matches!(verification.findings[..], [ref f] if f.problem == Problem::Torn { bytes: 22, explained: true }));
    let states: Vec<_> = reader.newest(9).unwrap().entries.iter().map(crate::audit::Entry::state).collect();
    assert_eq!(states, [State::Applied, State::Unknown]);

    // Growing the unfinished line afterwards shows: the mark holds its hash.
    fs::write(first_file(dir), torn + "x").unwrap();
    assert!(!reader.verify().unwrap().holds());
}

#[tokio::test]
async fn a_file_torn_before_its_first_line_and_an_empty_one_are_survived() {
    for text in ["", "{\"seq\":1"] {
        let temp = tempfile::tempdir().unwrap();
        fs::write(first_file(temp.path()), text).unwrap();
        let log = AuditLog::open(temp.path(), clock()).unwrap();
        log.intent(intent(1)).await.unwrap();
        log.outcome(outcome(1, applied())).await.unwrap();
        let reader = AuditReader::new(temp.path());
        assert!(reader.verify().unwrap().holds(), "{text:?}: {:?}", reader.verify());
        assert_eq!(reader.newest(9).unwrap().entries.len(), 1);
    }
}

#[tokio::test]
async fn tampering_is_found_and_does_not_stop_the_record() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let log = AuditLog::open(dir, clock()).unwrap();
    for n in 1..=3 {
        log.intent(intent(n)).await.unwrap();
    }
    let whole = fs::read_to_string(first_file(dir)).unwrap();
    fs::write(first_file(dir), whole.replace("prod-weu", "test-weu")).unwrap();
    let reader = AuditReader::new(dir);
    assert!(!reader.verify().unwrap().holds());

    // The last line is not what was written: go on in a file that says so.
    log.intent(intent(4)).await.unwrap();
    let findings = reader.verify().unwrap().findings;
    assert!(findings.iter().any(|finding| matches!(finding.problem, Problem::Continued(_))), "{findings:?}");
    assert_eq!(reader.newest(1).unwrap().entries[0].first.seq, 5, "the mark is a record of its own");
}

#[tokio::test]
async fn records_that_vanish_under_a_running_console_are_noticed() {
    for keep in [0, 1] {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path();
        let log = AuditLog::open(dir, clock()).unwrap();
        for n in 1..=3 {
            log.intent(intent(n)).await.unwrap();
        }
        let whole = fs::read_to_string(first_file(dir)).unwrap();
        fs::write(first_file(dir), whole.lines().take(keep).map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
        let record = log.intent(intent(4)).await.unwrap();
        assert_eq!(record.seq, 5);
        assert!(!AuditReader::new(dir).verify().unwrap().holds(), "kept {keep}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_keep_one_chain() {
    let temp = tempfile::tempdir().unwrap();
    // Two logs do not share a mutex: between them is only what is between two processes.
    let (a, b) = (AuditLog::open(temp.path(), clock()).unwrap(), AuditLog::open(temp.path(), clock()).unwrap());
    let write = |log: AuditLog, from: u128| async move {
        for n in from..from + 12 {
            log.intent(intent(n)).await.unwrap();
            log.outcome(outcome(n, applied())).await.unwrap();
        }
    };
    let (a, b) = tokio::join!(tokio::spawn(write(a, 100)), tokio::spawn(write(b, 200)));
    a.unwrap();
    b.unwrap();
    let reader = AuditReader::new(temp.path());
    let verification = reader.verify().unwrap();
    assert_eq!((verification.records, verification.findings.as_slice()), (48, [].as_slice()));
    assert!(reader.newest(99).unwrap().entries.iter().all(|entry| entry.state() == State::Applied));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_released_is_an_error_that_names_its_holder() {
    let temp = tempfile::tempdir().unwrap();
    let log = AuditLog::open(temp.path(), clock()).unwrap();
    let LockAttempt::Held(_held) = FileLock::try_acquire(&temp.path().join("audit.lock"), "pid 42").unwrap() else {
        panic!("busy")
    };
    let error = log.intent(intent(1)).await.unwrap_err();
    assert!(matches!(&error, AuditError::Busy { holder, seconds: 5 } if holder == "pid 42"), "{error}");
}

#[tokio::test]
async fn a_large_diff_moves_to_a_side_file_that_is_verified_too() {
    let temp = tempfile::tempdir().unwrap();
    let log = AuditLog::open(temp.path(), clock()).unwrap();
    let mut large = intent(1);
    large.diff = (0..5_000).map(|n| format!("+ line number {n}")).collect();
    large.inverse = Some((0..9_000).map(|n| json!(format!("was {n}"))).collect());
    let record = log.intent(large.clone()).await.unwrap();
    let Body::Intent(short) = record.body else { panic!("{record:?}") };
    let detail = short.detail.clone().unwrap();
    let reader = AuditReader::new(temp.path());
    let full = reader.full(&short).unwrap();
    assert_eq!((full.diff, full.request, full.inverse), (large.diff, large.request, large.inverse));
    assert!(reader.verify().unwrap().holds());
    let path = temp.path().join(format!("detail-{}.json", detail.sha256));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("number 7", "number 8")).unwrap();
    assert!(matches!(reader.verify().unwrap().findings[0].problem, Problem::Detail(_)));

    let mut endless = intent(2);
    endless.object = "x".repeat(70_000);
    assert!(matches!(log.intent(endless).await, Err(AuditError::TooLong { .. })));
    log.outcome(outcome(2, Verdict::Unknown { why: "ä".repeat(70_000) })).await.unwrap();
}

#[tokio::test]
async fn a_full_file_is_followed_by_one_that_says_so() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let log = AuditLog::open(dir, clock()).unwrap();
    log.intent(intent(1)).await.unwrap();
    // Fill the file with real records until it is full.
    let mut long = intent(2);
    long.reason = Some("x".repeat(60_000));
    let mut n = 2;
    while !dir.join("audit-000002.jsonl").exists() {
        n += 1;
        long.op = op(n);
        log.intent(long.clone()).await.unwrap();
        assert!(n < 400, "no second file");
    }
    let reader = AuditReader::new(dir);
    let verification = reader.verify().unwrap();
    assert_eq!(verification.findings, []);
    assert!(AuditLog::open(dir, clock()).unwrap().found_at_start().is_none());
    log.outcome(outcome(1, applied())).await.unwrap();
    assert_eq!(reader.show(&op(1)).unwrap().unwrap().state(), State::Applied, "across files");
}

#[tokio::test]
async fn links_and_open_folders_are_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let temp = tempfile::tempdir().unwrap();
    let real = temp.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, temp.path().join("link")).unwrap();
    assert!(matches!(AuditLog::open(temp.path().join("link"), clock()), Err(AuditError::Disk(_))));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(AuditLog::open(&real, clock()), Err(AuditError::Disk(_))));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(temp.path().join("elsewhere"), first_file(&real)).unwrap();
    assert!(matches!(AuditLog::open(&real, clock()), Err(AuditError::Disk(_))));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_record_or_none() {
    let temp = tempfile::tempdir().unwrap();
    let log = AuditLog::open(temp.path(), clock()).unwrap();
    for n in 0..20 {
        let budget = Duration::from_micros(u64::try_from(n).unwrap() * 40);
        let _ = tokio::time::timeout(budget, log.intent(intent(n))).await;
    }
    log.intent(intent(99)).await.unwrap();
    assert_eq!(AuditReader::new(temp.path()).verify().unwrap().findings, []);
}
