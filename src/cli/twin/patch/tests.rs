//! What a conflict and a preview say, and what becomes of a write that nobody answers.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::audit::{AuditReader, State, Who};
use crate::cli::exit::Exit;
use crate::domain::ids::OpId;
use crate::domain::time::{Clock, ManualClock};
use crate::hub::transport::header::HeaderMap;
use crate::hub::transport::{HttpReply, HttpRequest, Method, TransportFailure};
use crate::hub::{ConnectionString, Hub, HubSettings, Transport, twin_from_json};
use crate::ops::Level;

fn twin(etag: &str, desired: &Value) -> Arc<Twin> {
    let wire = json!({"deviceId": "d", "moduleId": "m", "etag": etag, "properties": {"desired": desired}});
    Arc::new(twin_from_json(&wire).unwrap())
}

fn intent(base: &Arc<Twin>, wanted: &Value) -> WriteIntent<TwinWrite> {
    let now = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap()).now();
    let op = OpId(uuid::Uuid::nil());
    let wanted = wanted.as_object().unwrap();
    let request = TwinWrite::new(base, SectionKind::Desired, wanted).unwrap();
    WriteIntent::new(op, "h", request, Level::Dialog, now)
}

#[test]
fn a_conflict_lists_both_changes_and_marks_where_they_meet() {
    let base = twin("e1", &json!({"t": 25.0, "w": 1, "password": "old"}));
    let intent = intent(&base, &json!({"t": 30.0, "w": 1, "password": "hunter2"}));
    let theirs = twin("e2", &json!({"t": 28.0, "w": 2, "password": "old"}));
    assert_eq!(
        conflict("d/m was not changed", &intent, Some(&Found::Twin(theirs))),
        "d/m was not changed\n\
         your change:\n  ~ /t   25.0 -> 30.0\n  ~ /password   (changed, hidden)\n\
         theirs:\n  ~ /t   25.0 -> 28.0  <- both of you\n  ~ /w   1 -> 2\n\
         it has ETag e2 now; compare, and send again"
    );
    assert!(conflict("", &intent, None).contains("could not be read"));
}

#[test]
fn a_preview_shows_the_request_without_its_secrets() {
    let base = twin("e1", &json!({"a": 1}));
    let text = write::preview(&intent(&base, &json!({"apiToken": "hunter2"})), None);
    assert_eq!(
        text,
        "d/m\n  + /apiToken   (added, hidden)\n  - /a   1   (null deletes the key)\n\nPATCH /twins/d/modules/m\nIf-Match: \"e1\"\n\n\
         {\n  \"properties\": {\n    \"desired\": {\n      \"apiToken\": \"********\",\n      \"a\": null\n    }\n  }\n}\n"
    );
    let change = Change { path: crate::domain::json::Path::root().child("apiToken"), old: None, new: Some(json!("x")) };
    assert_eq!(change_item(&change), json!({"path": "/apiToken", "old": null, "new": "********"}));
}

/// What the hub does with the one `PATCH` it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Takes it; the answer is lost.
    TakenUnanswered,
    /// Takes it; the answer is lost, and somebody else writes over it before anybody looks.
    TakenAndWrittenOver,
    /// The request is lost, and somebody else writes.
    Overtaken,
    /// The request is lost, and the device is deleted.
    Deleted,
    /// There is no connection to send it on.
    NotConnected,
    /// Refuses it with 412: somebody wrote before.
    Refused,
    /// The request is lost.
    Lost,
    /// The request is lost, and everything after it.
    Gone,
}

/// Its twin after so many writes.
fn small_twin(writes: u64, t: u64) -> Value {
    json!({
        "deviceId": "d", "etag": format!("e{writes}"), "version": writes + 1,
        "properties": {"desired": {"t": t, "$version": writes}, "reported": {"$version": 1}},
    })
}

/// A hub of one twin. Every call takes it five seconds.
#[derive(Debug)]
struct SmallHub {
    fate: Fate,
    clock: Arc<ManualClock>,
    state: Mutex<(Value, u32)>,
}

#[async_trait::async_trait]
impl Transport for SmallHub {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, TransportFailure> {
        self.clock.advance(Duration::from_secs(5));
        let mut state = self.state.lock().unwrap();
        let (twin, patches) = &mut *state;
        if request.method == Method::PATCH {
            *patches += 1;
            match self.fate {
                Fate::TakenUnanswered => *twin = small_twin(2, 30),
                Fate::TakenAndWrittenOver => *twin = small_twin(3, 28),
                Fate::Overtaken | Fate::Refused => *twin = small_twin(2, 28),
                Fate::Deleted => *twin = Value::Null,
                Fate::NotConnected => return Err(TransportFailure::NotConnected("connection refused".to_owned())),
                Fate::Lost | Fate::Gone => {}
            }
            if self.fate == Fate::Refused {
                return Ok(HttpReply { status: 412, headers: HeaderMap::new(), body: Vec::new() });
            }
            return Err(TransportFailure::TimedOut("no answer".to_owned()));
        }
        if self.fate == Fate::Gone && *patches > 0 {
            return Err(TransportFailure::Unreachable("connection refused".to_owned()));
        }
        let gone = json!({"Message": "ErrorCode:DeviceNotFound;gone"});
        let (status, body) = if twin.is_null() { (404, &gone) } else { (200, &*twin) };
        Ok(HttpReply { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() })
    }
}

/// Patches `t` from 25 to 30; the answer, how often it was sent, and how the record has it.
async fn patch(fate: Fate) -> (Result<Answer, Failure>, u32, State) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap());
    let twin = small_twin(1, 25);
    let hub = Arc::new(SmallHub { fate, clock: clock.clone(), state: Mutex::new((twin, 0)) });
    let text = "HostName=h.azure-devices.net;SharedAccessKeyName=p;SharedAccessKey=a2V5";
    let (endpoint, credential) = ConnectionString::parse(text).unwrap().into_parts();
    let settings = HubSettings::new(endpoint, credential);
    let site = Site {
        hub: Hub::with_transport(settings, clock.clone(), hub.clone()),
        context: "test".to_owned(),
        name: "h".to_owned(),
        production: false,
        clock,
        audit: folder.path().join("audit"),
        who: Who::default(),
    };
    let args = PatchArgs {
        twin: twin_id("d").unwrap(),
        desired: Some(r#"{"t": 30}"#.to_owned()),
        desired_file: None,
        tags: None,
        etag: None,
        write: WriteArgs { yes: true, ..WriteArgs::default() },
    };
    let ended = run(&site, &args, Asker { interactive: false }).await;
    let entries = AuditReader::new(&site.audit).newest(9).unwrap().entries;
    assert_eq!(entries.len(), 1);
    let sent = hub.state.lock().unwrap().1;
    (ended, sent, entries[0].state())
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_read_back_and_not_sent_again() {
    let (ended, sent, record) = patch(Fate::TakenUnanswered).await;
    let answer = ended.unwrap();
    assert_eq!((&answer.items[0]["outcome"], &answer.items[0]["version"]), (&json!("applied"), &json!(3)));
    assert_eq!((sent, record), (1, State::Resolved));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_lost_itself_is_a_time_out_that_changed_nothing() {
    let (ended, sent, record) = patch(Fate::Lost).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.exit, Exit::Unreachable);
    assert!(failure.text.contains("d was not changed: it was read back"), "{failure}");
    assert_eq!((sent, record), (1, State::Resolved));
}

#[tokio::test(start_paused = true)]
async fn a_412_says_so_and_nothing_else_does() {
    let (ended, sent, record) = patch(Fate::Refused).await;
    let failure = ended.unwrap_err();
    assert_eq!((failure.exit, sent, record), (Exit::Precondition, 1, State::Refused));
    assert!(failure.text.starts_with("d was not changed: 412, it is no longer what it was at ETag e1;"), "{failure}");
    assert!(failure.text.contains("theirs:\n  ~ /t   25 -> 28  <- both of you"), "{failure}");

    let (ended, sent, record) = patch(Fate::Overtaken).await;
    let failure = ended.unwrap_err();
    assert_eq!((failure.exit, sent, record), (Exit::Precondition, 1, State::Resolved));
    assert!(failure.text.starts_with("d was not changed: no usable answer came, and reading back"), "{failure}");
    assert!(!failure.text.contains(" 412") && failure.text.contains("theirs:\n  ~ /t   25 -> 28"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_tell_any_more_is_said_so_and_ends_the_command() {
    for (fate, why) in [
        (Fate::TakenAndWrittenOver, "the twin was written more than once, or made anew, since it was read"),
        (Fate::Deleted, "the twin is gone"),
    ] {
        let (ended, sent, record) = patch(fate).await;
        let failure = ended.unwrap_err();
        assert_eq!((failure.exit, sent, record), (Exit::Failure, 1, State::Unknown));
        assert!(failure.text.starts_with("nobody can tell whether d was changed"), "{failure}");
        assert!(failure.text.contains(why) && !failure.text.contains(" 412"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_nothing_was_sent_and_nothing_is_in_doubt() {
    let (ended, _, record) = patch(Fate::NotConnected).await;
    let failure = ended.unwrap_err();
    assert_eq!((failure.exit, record), (Exit::Unreachable, State::Refused));
    assert!(failure.text.contains("nothing was sent"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn when_the_hub_stays_away_the_command_ends_and_says_that_nobody_knows() {
    let before = tokio::time::Instant::now();
    let (ended, sent, record) = patch(Fate::Gone).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.exit, Exit::Unreachable);
    assert!(failure.text.starts_with("nobody knows whether d was changed"), "{failure}");
    assert_eq!((sent, record), (1, State::Unknown));
    assert!(before.elapsed() < write::READ_BACK * 2);
}
