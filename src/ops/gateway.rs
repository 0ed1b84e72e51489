//! Performs writes: one task per write, a few at a time, each step on the board.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::{OpState, OpsBoard, Outcome};
use super::gate;
use super::intent::{Level, WriteIntent};
use super::look::{look, theirs};
use super::request::{Found, ReadBack, Write};
use super::send::send;
use crate::audit::{AuditError, AuditLog, Intent, Note, NoteKind, Origin, Outcome as Recorded, Verdict};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{Now, SharedClock};
use crate::hub::{HubRead, HubWrite};

/// Writes at one time; the rest is refused as "busy" rather than queued out of sight.
const AT_ONCE: usize = 8;
/// How far apart two read-backs must be to believe that a lost request will not arrive any more.
const SETTLED: Duration = Duration::from_secs(5);
/// The longest pause between two read-backs while the hub is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why an outcome cannot be told, as clauses of [`Outcome::Undecidable`].
const CLOSED: &str = "the hub no longer lets this sign-in read it";
const FAILED: &str = "edgedeck itself failed while it was being sent";

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
    audit: Option<AuditLog>,
    origin: Origin,
    clock: SharedClock,
    slots: Arc<Semaphore>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    state: Mutex<OpsBoard>,
    published: watch::Sender<Arc<OpsBoard>>,
}

impl Gateway {
    /// A write path over `write` (none in read-only mode), recorded in `audit`; without a record nothing is sent.
    #[must_use]
    pub fn new(
        write: Option<HubWrite>,
        read: HubRead,
        audit: Option<AuditLog>,
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

    /// Who we are to the hub as of now; with Entra ID the way of signing in is known from the first token on.
    #[must_use]
    pub fn identity(&self) -> String {
        self.inner.read.identity()
    }

    /// Records something that is no write and has to be remembered.
    ///
    /// # Errors
    /// A sentence why it could not be recorded; then it must not happen.
    pub async fn note(&self, what: NoteKind, object: &Shown, text: &str) -> Result<(), String> {
        let Some(audit) = &self.inner.audit else { return Err("the audit record is not open".to_owned()) };
        let note = Note { origin: self.inner.origin(), what, object: object.to_string(), text: text.to_owned() };
        audit.note(note).await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Takes a write and returns at once; what becomes of it is on the board, also when there is no room for it.
    pub fn submit(&self, intent: impl Into<WriteIntent>) {
        let intent = Arc::new(intent.into());
        let Ok(slot) = self.inner.slots.clone().try_acquire_owned() else {
            let why = format!("not sent, because {AT_ONCE} changes are in flight already; try again in a moment");
            return self.inner.done(&intent, Outcome::Refused(why.into()));
        };
        self.inner.set(&intent, OpState::Accepted);
        let inner = self.inner.clone();
        self.inner.tasks.spawn(async move {
            let work = inner.tasks.spawn(inner.clone().perform(intent.clone(), slot));
            // Whatever fails in there, the write must not stay open for ever.
            if work.await.is_err_and(|error| error.is_panic()) {
                inner.broken(&intent).await;
            }
        });
    }

    /// Takes a write and waits for its end; for the command line.
    pub async fn perform(&self, intent: impl Into<WriteIntent>) -> Outcome {
        let intent = intent.into();
        let op = intent.op.clone();
        self.submit(intent);
        let mut board = self.board.clone();
        let mut ended = None;
        let waited = board.wait_for(|board| {
            if let Some(OpState::Done(outcome, _)) = board.get(&op).map(|entry| &entry.state) {
                ended = Some(outcome.clone());
            }
            ended.is_some()
        });
        // The board lives as long as this handle does, so the wait ends with an outcome.
        let _ = waited.await;
        ended.unwrap_or(Outcome::Undecidable { why: FAILED, now: None })
    }
}

impl Inner {
    fn board(&self) -> MutexGuard<'_, OpsBoard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, intent: &Arc<WriteIntent>, state: OpState) {
        let mut board = self.board();
        board.set(intent, state);
        self.published.send_replace(Arc::new(board.clone()));
    }

    /// Keeps what the hub said, for whoever has to decide on it; published with the state that follows.
    fn fault(&self, intent: &Arc<WriteIntent>, fault: &Fault) {
        self.board().set_fault(&intent.op, fault);
    }

    fn done(&self, intent: &Arc<WriteIntent>, outcome: Outcome) {
        self.set(intent, OpState::Done(outcome, self.clock.now()));
    }

    async fn perform(self: Arc<Self>, intent: Arc<WriteIntent>, slot: OwnedSemaphorePermit) {
        let intent = &intent;
        let refusal = gate::check(intent, self.write.is_none()).err();
        let (Some(write), None) = (&self.write, &refusal) else {
            let refusal = refusal.unwrap_or(gate::Refusal::ReadOnly);
            if refusal.is_policy() {
                self.note_refusal(intent, &refusal).await;
            }
            return self.done(intent, Outcome::Refused(refusal.to_string().into()));
        };
        // No audit, no write.
        let Some(audit) = &self.audit else {
            return self.done(intent, Outcome::Refused("not sent, because the audit record is not open".into()));
        };
        if let Err(error) = audit.intent(self.record(intent)).await {
            let text = format!("not sent, because the audit record could not be written: {error}");
            return self.done(intent, Outcome::Refused(text.into()));
        }
        let sent = self.clock.now();
        if self.cancel.is_cancelled() {
            // Whoever left, left with the word that it was in flight; it must not go out behind their back.
            let text = "not sent, because edgedeck was being closed";
            self.outcome(intent, unsent(text), sent).await;
            return self.done(intent, Outcome::Refused(text.into()));
        }
        self.set(intent, OpState::Sending);
        match send(write, &intent.request).await {
            Ok(found) => {
                self.outcome(intent, applied(&found), sent).await;
                self.done(intent, Outcome::Applied(found));
            }
            Err(fault) if fault.kind == FaultKind::PreconditionFailed => {
                self.outcome(intent, Verdict::Conflict, sent).await;
                let theirs = theirs(&self.read, &intent.request).await;
                self.done(intent, Outcome::Conflict(theirs));
            }
            Err(fault) if fault.may_have_happened() => {
                self.outcome(intent, Verdict::Unknown { why: fault.to_string() }, sent).await;
                self.set(intent, OpState::Unknown(fault.clone()));
                // Reading back may take as long as the outage does: that must not keep others from being sent.
                drop(slot);
                self.read_back(intent, fault, sent).await;
            }
            Err(fault) => {
                self.outcome(intent, refused(&fault), sent).await;
                self.fault(intent, &fault);
                let advice = match (fault.never_sent, &fault.kind) {
                    (true, FaultKind::Unreachable) => {
                        "nothing was sent; check network, proxy and host name, and send it again".to_owned()
                    }
                    // What was read before the write failed so; of the write itself these would leave a doubt.
                    (true, FaultKind::TimedOut | FaultKind::Server | FaultKind::Protocol) => {
                        format!("nothing was sent; {}", fault.advice())
                    }
                    _ => fault.advice().to_owned(),
                };
                self.done(intent, Outcome::Refused(format!("{fault}; {advice}").into()));
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
            let looked = look(&self.read, &intent.request).await;
            let now = self.clock.now();
            let outcome = match looked {
                Ok((ReadBack::Happened, found)) => Outcome::Applied(found),
                Ok((ReadBack::Overtaken, found)) => Outcome::Overtaken(found),
                Ok((ReadBack::Undecidable(why), found)) => {
                    Outcome::Undecidable { why, now: (!matches!(found, Found::Absent)).then_some(found) }
                }
                // This answer stays as it is however often one asks. A sign-in that fails before the hub is asked has
                // no status: it may be the same outage, and is waited out.
                Err(fault) if fault.kind == FaultKind::Unauthorized && fault.status.is_some() => {
                    Outcome::Undecidable { why: CLOSED, now: None }
                }
                Err(_) => continue,
                Ok((ReadBack::Unchanged, _)) => {
                    let since = *unchanged_since.get_or_insert(now);
                    if now.since(since) < SETTLED {
                        pause = SETTLED;
                        continue;
                    }
                    Outcome::NotApplied(fault)
                }
            };
            self.outcome(intent, found(&outcome), sent).await;
            return self.done(intent, outcome);
        }
    }

    /// Closes a write whose task failed: what it knew last is what is known.
    async fn broken(&self, intent: &Arc<WriteIntent>) {
        let state = self.board().get(&intent.op).map(|entry| entry.state.clone());
        let now = self.clock.now();
        match state {
            Some(OpState::Done(..)) => {}
            Some(OpState::Accepted) | None => {
                let text = "not sent, because edgedeck itself failed before";
                self.outcome(intent, unsent(text), now).await;
                self.done(intent, Outcome::Refused(text.into()));
            }
            Some(OpState::Sending | OpState::Unknown(_)) => {
                let outcome = Outcome::Undecidable { why: FAILED, now: None };
                self.outcome(intent, found(&outcome), now).await;
                self.done(intent, outcome);
            }
        }
    }

    /// Where a record comes from, as of now: how we signed in is known from the first token on, not at the start.
    fn origin(&self) -> Origin {
        Origin { identity: self.read.identity(), ..self.origin.clone() }
    }

    fn record(&self, intent: &WriteIntent) -> Intent {
        let request = &intent.request;
        let http = request.http();
        let masked = |body: Option<Value>| {
            body.map(|mut body| {
                mask_json(&mut body);
                body
            })
        };
        Intent {
            op: intent.op.clone(),
            origin: self.origin(),
            verb: request.verb().to_owned(),
            object: request.target().shown().into(),
            reason: intent.reason.clone(),
            ticket: None,
            request: serde_json::json!({
                "method": http.method,
                "path": http.path.as_str(),
                "body": masked(http.body),
            }),
            diff: request.lines().into_iter().map(|line| line.text).collect(),
            detail: None,
            inverse: masked(request.inverse()),
            base_desired_version: request.base_desired_version(),
            base_etag: http.if_match,
            plan_hash: None,
            level: match intent.level {
                Level::Dialog => 2,
                Level::TypedName => 3,
                Level::TypedHub => 4,
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
        };
        if let Some(audit) = &self.audit {
            report(audit.outcome(record).await.map(|_| ()));
        }
    }

    async fn note_refusal(&self, intent: &WriteIntent, refusal: &gate::Refusal) {
        let what = match refusal {
            gate::Refusal::NotConfirmed(_) => NoteKind::ConfirmationFailed,
            _ => NoteKind::PolicyRefused,
        };
        let note = Note {
            origin: self.origin(),
            what,
            object: intent.request.target().shown().into(),
            text: refusal.to_string(),
        };
        if let Some(audit) = &self.audit {
            report(audit.note(note).await.map(|_| ()));
        }
    }
}

/// An outcome that cannot be recorded must not undo what happened: the intent is on disk and stays open, which
/// the audit view shows as UNKNOWN.
fn report(result: Result<(), AuditError>) {
    if let Err(error) = result {
        tracing::error!(%error, "the outcome of a write could not be recorded");
    }
}

/// What a read-back found out, for the record.
fn found(outcome: &Outcome) -> Verdict {
    let (happened, found) = match outcome {
        Outcome::Undecidable { why, .. } => return Verdict::Undecidable { why: (*why).to_owned() },
        Outcome::Applied(_) => (true, "it holds the change"),
        Outcome::Overtaken(_) => (false, "somebody else wrote instead; it did not take effect"),
        Outcome::NotApplied(_) | Outcome::Conflict(_) | Outcome::Refused(_) => (false, "it does not hold the change"),
    };
    Verdict::Resolved { happened, found: found.to_owned() }
}

/// What the hub answered, for the record.
fn applied(found: &Found) -> Verdict {
    let (etag, version) = match found {
        Found::Twin(twin) => (Some(twin.etag.clone()), Some(twin.version)),
        Found::Device(device) => (Some(device.etag.clone()), None),
        Found::Deployment(deployed) => (Some(deployed.etag.clone()), None),
        Found::Absent | Found::Taken | Found::Reply(_) => (None, None),
    };
    Verdict::Applied { etag, version }
}

/// What did not leave, and why.
fn unsent(why: &str) -> Verdict {
    Verdict::Refused { status: None, code: None, text: why.to_owned(), tracking_id: None }
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
