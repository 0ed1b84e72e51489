//! The one writer of records: one line, one `write`, fsync, under a lock that all edgedeck processes of this folder
//! share.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::chain::{Head, head_of, seal, sha256};
use super::record::{Body, Detail, Intent, Note, Outcome};
use super::segment::{self, LINE_LIMIT, Mark, Reason};
use super::{AuditError, Record};
use crate::disk::{self, DiskError, FileLock, LockAttempt};
use crate::domain::mask::mask_text;
use crate::domain::secret::mask_json;
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;

/// How long to wait for another process's append.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// How often to try within that time.
const LOCK_RETRY: Duration = Duration::from_millis(20);
/// Longest text of an outcome or note; the rest is cut, since a hub's answer has no bound.
const TEXT_LIMIT: usize = 4 * 1024;

/// The audit record of one folder. Clones share it; appends happen one after the other.
#[derive(Clone)]
pub struct AuditLog {
    dir: Arc<Path>,
    clock: SharedClock,
    /// The newest record this process wrote, to notice when it is gone.
    written: Arc<Mutex<Option<Head>>>,
    found: Option<Reason>,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Looks at the record in `dir`; makes nothing until something is written. Blocks on the disk.
    ///
    /// # Errors
    /// [`AuditError::Disk`] when the folder or its newest file is not ours, a link, or cannot be read.
    pub fn open(dir: impl Into<PathBuf>, clock: SharedClock) -> Result<Self, AuditError> {
        let dir = dir.into();
        if dir.is_symlink() || dir.exists() {
            disk::ensure_dir(&dir)?;
        }
        let found = segment::tail(&dir)?.start.filter(|reason| *reason != Reason::Size);
        Ok(Self { dir: dir.into(), clock, written: Arc::new(Mutex::new(None)), found })
    }

    /// What the end of the record looked like at the start, when it was not as it should be: an unfinished line
    /// after a crash, or a changed one. The next append starts a marked file; nothing is lost.
    #[must_use]
    pub fn found_at_start(&self) -> Option<&Reason> {
        self.found.as_ref()
    }

    /// Records what is about to be done; returns when it is on the disk. A write whose intent failed is not sent.
    /// Dropping the future does not undo a record that is already being written.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn intent(&self, intent: Intent) -> Result<Record, AuditError> {
        self.append(Body::Intent(Box::new(intent))).await
    }

    /// Records what came of it; returns when it is on the disk.
    ///
    /// # Errors
    /// [`AuditError`]. The write has happened all the same, and the record shows it as unknown.
    pub async fn outcome(&self, outcome: Outcome) -> Result<Record, AuditError> {
        self.append(Body::Outcome(outcome)).await
    }

    /// Records something besides writes; returns when it is on the disk.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn note(&self, note: Note) -> Result<Record, AuditError> {
        self.append(Body::Note(Box::new(note))).await
    }

    async fn append(&self, body: Body) -> Result<Record, AuditError> {
        let mut body = members(&body)?;
        let mut guard = Arc::clone(&self.written).lock_owned().await;
        let mut waited = Duration::ZERO;
        loop {
            let attempt = Attempt { dir: Arc::clone(&self.dir), time: stamp(self.clock.now().wall), body, guard };
            // The guard travels with the work: if the caller goes away, the next append still waits for this one.
            match tokio::task::spawn_blocking(move || attempt.run()).await? {
                Tried::Done(record) => return record.map(|record| *record),
                Tried::Busy { holder, .. } if waited >= LOCK_PATIENCE => {
                    let holder = Untrusted::from(holder).shown().to_string();
                    return Err(AuditError::Busy { holder, seconds: waited.as_secs() });
                }
                Tried::Busy { attempt, .. } => (body, guard) = (attempt.body, attempt.guard),
            }
            tokio::time::sleep(LOCK_RETRY).await;
            waited += LOCK_RETRY;
        }
    }
}

/// A record's time has milliseconds.
fn stamp(now: Timestamp) -> Timestamp {
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// The members of a body, with secrets masked once more: whoever built it should have done so, this is the net.
fn members(body: &Body) -> Result<Map<String, Value>, AuditError> {
    let mut value = serde_json::to_value(body)?;
    if let Some(Value::Array(diff)) = value.get_mut("diff") {
        // A diff is JSON cut into lines; together they tell which line belongs to a secret.
        let text = diff.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
        *diff = mask_text(&text).lines().map(Value::from).collect();
    }
    mask_json(&mut value);
    if !matches!(body, Body::Intent(_)) {
        clip(&mut value);
    }
    match value {
        Value::Object(members) => Ok(members),
        other => Ok(Map::from_iter([("kind".to_owned(), other)])),
    }
}

fn clip(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_LIMIT => {
            let mut end = TEXT_LIMIT;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push('…');
        }
        Value::Object(members) => members.values_mut().for_each(clip),
        Value::Array(items) => items.iter_mut().for_each(clip),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One try at appending one record, off the async threads.
struct Attempt {
    dir: Arc<Path>,
    time: Timestamp,
    body: Map<String, Value>,
    guard: OwnedMutexGuard<Option<Head>>,
}

enum Tried {
    Done(Result<Box<Record>, AuditError>),
    Busy { holder: String, attempt: Box<Attempt> },
}

impl Attempt {
    fn run(mut self) -> Tried {
        let holder = format!("pid {}", std::process::id());
        match FileLock::try_acquire(&self.dir.join("audit.lock"), &holder) {
            Ok(LockAttempt::Held(_lock)) => Tried::Done(self.append().map(Box::new)),
            Ok(LockAttempt::Busy(holder)) => Tried::Busy { holder, attempt: Box::new(self) },
            Err(error) => Tried::Done(Err(error.into())),
        }
    }

    /// Appends with the lock held.
    fn append(&mut self) -> Result<Record, AuditError> {
        let mut tail = segment::tail(&self.dir)?;
        if let Some(written) = &*self.guard {
            // Another process may have gone on; nobody may have gone back.
            if tail.head.seq < written.seq {
                let why = format!("records {} to {} were here and are gone", tail.head.seq + 1, written.seq);
                let occupied = segment::path(&self.dir, tail.number).exists() && tail.start.is_none();
                tail.number = if occupied { tail.number.saturating_add(1) } else { tail.number };
                tail.head = written.clone();
                tail.start = Some(Reason::Damaged { why });
            }
        }
        let mut text = String::new();
        let mut head = tail.head;
        let starts = tail.start.is_some();
        if let Some(reason) = tail.start {
            let mark = members(&Body::Segment(Mark { reason }))?;
            head = push(&mut text, &head, self.time, mark)?;
        }
        let body = self.fit(&head)?;
        let before = text.len();
        head = push(&mut text, &head, self.time, body)?;
        let record = serde_json::from_str(text.get(before..).unwrap_or_default())?;

        let path = segment::path(&self.dir, tail.number);
        let is_new = starts || !path.exists();
        let mut file = disk::append_to(&path)?;
        let failed = |doing| {
            let path = path.clone();
            move |source| DiskError::Io { doing, path, source }
        };
        // One call: on a full disk the kernel may still cut it, which the next append finds and marks as torn.
        file.write_all(text.as_bytes()).map_err(failed("write"))?;
        file.sync_all().map_err(failed("make durable"))?;
        if is_new {
            disk::sync_dir(&self.dir)?;
        }
        *self.guard = Some(head);
        Ok(record)
    }

    /// The body, with request, diff and inverse moved to a side file when the line would be too long.
    fn fit(&mut self, head: &Head) -> Result<Map<String, Value>, AuditError> {
        let body = std::mem::take(&mut self.body);
        if seal(head, self.time, body.clone())?.len() <= LINE_LIMIT {
            return Ok(body);
        }
        let mut body = body;
        let mut moved = Map::new();
        for (member, empty) in [("request", Value::Null), ("diff", Value::Array(Vec::new())), ("inverse", Value::Null)]
        {
            if let Some(value) = body.get_mut(member) {
                moved.insert(member.to_owned(), std::mem::replace(value, empty));
            }
        }
        if !moved.is_empty() {
            let text = serde_json::to_string(&moved)?;
            let detail =
                Detail { sha256: sha256(text.as_bytes()), bytes: u64::try_from(text.len()).unwrap_or(u64::MAX) };
            disk::replace(&detail_path(&self.dir, &detail), text.as_bytes())?;
            body.insert("detail".to_owned(), serde_json::to_value(&detail)?);
        }
        let bytes = seal(head, self.time, body.clone())?.len();
        if bytes > LINE_LIMIT {
            return Err(AuditError::TooLong { bytes, limit: LINE_LIMIT });
        }
        Ok(body)
    }
}

fn push(text: &mut String, head: &Head, time: Timestamp, body: Map<String, Value>) -> Result<Head, AuditError> {
    let line = seal(head, time, body)?;
    let next = head_of(&line).unwrap_or_else(|_| Head { seq: head.seq + 1, hash: sha256(line.as_bytes()) });
    text.push_str(&line);
    text.push('\n');
    Ok(next)
}

/// Where a side file is.
pub(super) fn detail_path(dir: &Path, detail: &Detail) -> PathBuf {
    dir.join(format!("detail-{}.json", detail.sha256))
}
