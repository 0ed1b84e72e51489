//! Performs writes: one task per write, a few at a time, each step on the board.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::{OpState, OpsBoard, Outcome};
use super::gate;
use super::intent::{Level, WriteIntent};
use crate::audit::{AuditError, AuditLog, Intent, Note, NoteKind, Origin, Outcome as Recorded, Verdict};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::json;
use crate::domain::patch;
use crate::domain::secret::{mask_json, names_a_secret};
use crate::domain::text::Untrusted;
use crate::domain::time::{Now, SharedClock};
use crate::domain::twin::Twin;
use crate::hub::{HubRead, HubWrite};

/// Writes at one time; the rest is refused as "busy" rather than queued out of sight.
const AT_ONCE: usize = 8;
/// How far apart two read-backs must be to believe that a lost request will not arrive any more.
const SETTLED: Duration = Duration::from_secs(5);
/// The longest pause between two read-backs while the hub is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether a write was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It is on the board.
    Taken,
    /// Too many are open; nothing was sent.
    Busy,
}

/// The write path. Cheap to clone; all clones share one board.
#[derive(Debug, Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
    /// Every write and how it stands.
    pub board: watch::Receiver<Arc<OpsBoard>>,
}

#[derive(Debug)]
struct Inner {
    /// `None` in read-only mode: there is nothing to write with.
    write: Option<HubWrite>,
    read: HubRead,
    audit: AuditLog,
    origin: Origin,
    clock: SharedClock,
    slots: Arc<Semaphore>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    state: Mutex<OpsBoard>,
    published: watch::Sender<Arc<OpsBoard>>,
}

impl Gateway {
    /// A write path over `write` (none in read-only mode), recorded in `audit`.
    #[must_use]
    pub fn new(
        write: Option<HubWrite>,
        read: HubRead,
        audit: AuditLog,
        origin: Origin,
        clock: SharedClock,
        cancel: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let (published, board) = watch::channel(Arc::default());
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let state = Mutex::default();
        Self {
            inner: Arc::new(Inner { write, read, audit, origin, clock, slots, cancel, tasks, state, published }),
            board,
        }
    }

    /// Takes a write and returns at once; what becomes of it is on the board.
    #[must_use]
    pub fn submit(&self, intent: WriteIntent) -> Submitted {
        let Ok(slot) = self.inner.slots.clone().try_acquire_owned() else {
            return Submitted::Busy;
        };
        let intent = Arc::new(intent);
        self.inner.set(&intent, OpState::Accepted);
        let inner = self.inner.clone();
        self.inner.tasks.spawn(async move {
            inner.perform(&intent).await;
            drop(slot);
        });
        Submitted::Taken
    }

    /// Takes a write and waits for its end; for the command line.
    pub async fn perform(&self, intent: WriteIntent) -> Option<Outcome> {
        let op = intent.op.clone();
        if self.submit(intent) == Submitted::Busy {
            return None;
        }
        let mut board = self.board.clone();
        let done =
            board.wait_for(|board| board.get(&op).is_some_and(|entry| matches!(entry.state, OpState::Done(..)))).await;
        let entry = done.ok()?.get(&op).cloned()?;
        match entry.state {
            OpState::Done(outcome, _) => Some(outcome),
            OpState::Accepted | OpState::Sending | OpState::Unknown(_) => None,
        }
    }
}

impl Inner {
    fn set(&self, intent: &Arc<WriteIntent>, state: OpState) {
        let mut board = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        board.set(intent, state);
        self.published.send_replace(Arc::new(board.clone()));
    }

    /// Keeps what the hub said, for whoever has to decide on it; published with the state that follows.
    fn fault(&self, intent: &Arc<WriteIntent>, fault: &Fault) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).set_fault(&intent.op, fault);
    }

    fn done(&self, intent: &Arc<WriteIntent>, outcome: Outcome) {
        self.set(intent, OpState::Done(outcome, self.clock.now()));
    }

    async fn perform(&self, intent: &Arc<WriteIntent>) {
        let refusal = gate::check(intent, self.write.is_none()).err();
        let (Some(write), None) = (&self.write, &refusal) else {
            let refusal = refusal.unwrap_or(gate::Refusal::ReadOnly);
            if refusal.is_policy() {
                self.note_refusal(intent, &refusal).await;
            }
            return self.done(intent, Outcome::Refused(refusal.to_string().into()));
        };
        // No audit, no write.
        if let Err(error) = self.audit.intent(self.record(intent)).await {
            let text = format!("not sent, because the audit record could not be written: {error}");
            return self.done(intent, Outcome::Refused(text.into()));
        }
        self.set(intent, OpState::Sending);
        let sent = self.clock.now();
        let result = write.patch_twin(&intent.target, &intent.patch.body(), &intent.if_match).await;
        match result {
            Ok(twin) => {
                let verdict = Verdict::Applied { etag: Some(twin.etag.clone()), version: Some(twin.version) };
                self.outcome(intent, verdict, sent).await;
                self.done(intent, Outcome::Applied(Arc::new(twin)));
            }
            Err(fault) if fault.kind == FaultKind::PreconditionFailed => {
                self.outcome(intent, Verdict::Conflict, sent).await;
                let theirs = self.read.twin(&intent.target).await.ok().map(Arc::new);
                self.done(intent, Outcome::Conflict(theirs));
            }
            Err(fault) if fault.may_have_happened() => {
                self.outcome(intent, Verdict::Unknown { why: fault.to_string() }, sent).await;
                self.set(intent, OpState::Unknown(fault.clone()));
                self.read_back(intent, fault, sent).await;
            }
            Err(fault) => {
                self.outcome(intent, refused(&fault), sent).await;
                self.fault(intent, &fault);
                self.done(intent, Outcome::Refused(format!("{fault}; {}", fault.advice()).into()));
            }
        }
    }

    /// Finds out whether a write without an answer took effect. Never sends it again.
    async fn read_back(&self, intent: &Arc<WriteIntent>, fault: Fault, sent: Now) {
        let mut pause = Duration::from_secs(1);
        let mut unchanged_since = None::<Now>;
        loop {
            let wait = tokio::time::sleep(pause);
            if self.cancel.run_until_cancelled(wait).await.is_none() {
                return; // The board says unknown, and so does the audit: that is the truth.
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            let Ok(twin) = self.read.twin(&intent.target).await else { continue };
            let now = self.clock.now();
            let outcome = match weigh(intent, &twin) {
                ReadBack::Happened => Outcome::Applied(Arc::new(twin)),
                ReadBack::SomebodyElse => Outcome::Conflict(Some(Arc::new(twin))),
                ReadBack::Unchanged => {
                    let since = *unchanged_since.get_or_insert(now);
                    if now.since(since) < SETTLED {
                        pause = SETTLED;
                        continue;
                    }
                    Outcome::NotApplied(fault)
                }
            };
            let happened = matches!(outcome, Outcome::Applied(_));
            let found = if happened { "the twin holds the change" } else { "the twin does not hold the change" };
            self.outcome(intent, Verdict::Resolved { happened, found: found.to_owned() }, sent).await;
            return self.done(intent, outcome);
        }
    }

    fn record(&self, intent: &WriteIntent) -> Intent {
        let mut body = intent.patch.body();
        mask_json(&mut body);
        Intent {
            op: intent.op.clone(),
            origin: self.origin.clone(),
            verb: "twin.patch".to_owned(),
            object: intent.target.shown().into(),
            reason: intent.reason.clone(),
            ticket: None,
            request: serde_json::json!({ "method": "PATCH", "path": intent.path().as_str(), "body": body }),
            diff: intent.changes().iter().map(diff_line).collect(),
            detail: None,
            base_etag: Some(intent.if_match.clone()),
            plan_hash: None,
            level: match intent.level {
                Level::Dialog => 2,
                Level::TypedName => 3,
            },
            typed: intent.typed.clone(),
        }
    }

    async fn outcome(&self, intent: &WriteIntent, result: Verdict, sent: Now) {
        let duration = self.clock.now().since(sent);
        let record = Recorded {
            op: intent.op.clone(),
            result,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            attempts: 1,
        };
        report(self.audit.outcome(record).await.map(|_| ()));
    }

    async fn note_refusal(&self, intent: &WriteIntent, refusal: &gate::Refusal) {
        let what = match refusal {
            gate::Refusal::NotConfirmed(_) => NoteKind::ConfirmationFailed,
            _ => NoteKind::PolicyRefused,
        };
        let note =
            Note { origin: self.origin.clone(), what, object: intent.target.shown().into(), text: refusal.to_string() };
        report(self.audit.note(note).await.map(|_| ()));
    }
}

/// An outcome that cannot be recorded must not undo what happened: the intent is on disk and stays open, which
/// the audit view shows as UNKNOWN.
fn report(result: Result<(), AuditError>) {
    if let Err(error) = result {
        tracing::error!(%error, "the outcome of a write could not be recorded");
    }
}

fn refused(fault: &Fault) -> Verdict {
    let text = |text: &Untrusted| String::from(text.shown());
    Verdict::Refused {
        status: fault.status,
        code: fault.code.as_ref().map(text),
        text: text(&fault.message),
        tracking_id: fault.tracking_id.as_ref().map(text),
    }
}

/// One change as a line that may be drawn, secrets hidden; the audit keeps the same lines.
#[must_use]
pub fn diff_line(change: &patch::Change) -> String {
    let secret = change.path.keys().iter().any(|key| names_a_secret(key));
    let text = |value: &Value| {
        let mut value = value.clone();
        mask_json(&mut value);
        json::compact(&value)
    };
    match (&change.old, &change.new) {
        (_, Some(_)) if secret => format!("~ {} (changed, hidden)", change.path.shown()),
        (Some(old), Some(new)) => format!("~ {} {} -> {}", change.path.shown(), text(old), text(new)),
        (None, Some(new)) => format!("+ {} {}", change.path.shown(), text(new)),
        (Some(_), None) | (None, None) => format!("- {}", change.path.shown()),
    }
}

/// What a read-back says of a write.
#[derive(Debug, PartialEq, Eq)]
enum ReadBack {
    /// Every path holds what was sent, under another tag.
    Happened,
    /// The tag is the one that was guarded with.
    Unchanged,
    /// The tag moved, and not by this write.
    SomebodyElse,
}

fn weigh(intent: &WriteIntent, twin: &Twin) -> ReadBack {
    if twin.etag == intent.if_match {
        return ReadBack::Unchanged;
    }
    let section: &Map<String, Value> = intent.patch.of(twin);
    let mut again = section.clone();
    patch::apply(&mut again, &intent.patch.merge);
    if again == *section { ReadBack::Happened } else { ReadBack::SomebodyElse }
}
