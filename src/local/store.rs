//! The handle everybody has, and what is read when the console starts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::disk_format::read;
use super::form::FormState;
use super::mailbox::{Ask, DraftChange, Mailbox};
use super::writer::{Files, Writer, lock_of};
use super::{Draft, DraftKey, FilledIn, LastView, LoadedDraft, LocalError, Opened, Status, ViewState};
use crate::disk::{DiskError, FileLock, LockAttempt, ensure_dir, remove};
use crate::domain::text::Untrusted;
use crate::domain::time::{SharedClock, age_text, wall_age};

/// A temporary file older than this was left by a crash.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// How to keep things.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state folder; made when the first thing is saved.
    pub state: PathBuf,
    /// How long drafts are kept.
    pub keep_drafts: Duration,
    /// How long changes may settle before they are written; with the time of one write, this is the most typing
    /// that a crash costs.
    pub settle: Duration,
    /// What other processes are told about us: `pid 4711 pts/3 ana@jump-1`.
    pub me: String,
}

impl Options {
    /// Drafts for 7 days, and 300 ms for changes to settle.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>, me: impl Into<String>) -> Self {
        Self {
            state: state.into(),
            keep_drafts: Duration::from_secs(7 * 24 * 3_600),
            settle: Duration::from_millis(300),
            me: me.into(),
        }
    }
}

/// What was kept from last time.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Drafts, newest first.
    pub drafts: Vec<LoadedDraft>,
    /// Where the operator was.
    pub view: ViewState,
    /// What was filled into forms and not sent: by hub, then by the form's name.
    pub forms: BTreeMap<String, BTreeMap<String, FilledIn>>,
    /// What was typed, oldest first.
    pub history: Vec<String>,
    /// What was wrong, and what was removed because of its age.
    pub findings: Vec<LocalError>,
}

/// What was not written in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{count} changes were not saved{}", if .why.is_empty() { String::new() } else { format!(": {}", .why.join("; ")) })]
pub struct Unsaved {
    /// How many.
    pub count: usize,
    /// The reasons known; none when the disk does not answer.
    pub why: Vec<String>,
}

/// The store. Clones share it; when the last one is gone, the writer tries what is left and ends.
#[derive(Debug, Clone)]
pub struct LocalStore {
    handle: Arc<Handle>,
    status: watch::Receiver<Status>,
}

/// Closes the mailbox when the last clone goes.
#[derive(Debug)]
struct Handle(Arc<Mailbox>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl LocalStore {
    /// Reads what was kept and starts the writer. Makes nothing on the disk. Blocks on the disk.
    ///
    /// # Errors
    /// [`LocalError::Disk`] when the state folder is not ours or cannot be read; [`LocalError::Thread`]. What is
    /// wrong with single files is among the findings.
    pub fn open(options: Options, clock: SharedClock) -> Result<(Self, Loaded), LocalError> {
        let files = Files { state: options.state };
        let loaded = load(&files, options.keep_drafts, &options.me, clock.now().wall)?;
        let mailbox = Arc::new(Mailbox::default());
        let (sender, status) = watch::channel(Status::default());
        let writer = Writer {
            files,
            me: options.me,
            settle: options.settle,
            clock,
            mailbox: Arc::clone(&mailbox),
            status: sender,
            locks: std::collections::BTreeMap::new(),
        };
        std::thread::Builder::new()
            .name("edgedeck-local".to_owned())
            .spawn(move || writer.run())
            .map_err(LocalError::Thread)?;
        Ok((Self { handle: Arc::new(Handle(mailbox)), status }, loaded))
    }

    /// Opens a draft for editing: ours until it is closed or discarded, or a copy of what another process has.
    ///
    /// # Errors
    /// [`LocalError`] when the draft cannot be read or locked.
    pub async fn open_draft(&self, key: DraftKey) -> Result<Opened, LocalError> {
        let (answer, opened) = oneshot::channel();
        self.handle.0.ask(Ask { key, answer })?;
        opened.await.unwrap_or(Err(LocalError::Stopped))
    }

    /// Saves a draft soon; replaces a save of the same draft that still waits. Never blocks. A draft that was not
    /// opened before is taken if nobody else has it.
    ///
    /// # Errors
    /// [`LocalError::Full`] or [`LocalError::Stopped`]. Failures of the disk come through [`LocalStore::status`].
    pub fn save_draft(&self, draft: Draft) -> Result<(), LocalError> {
        self.handle.0.draft(draft.key.clone(), Some(DraftChange::Save(Box::new(draft))))
    }

    /// Removes a draft and gives it free: after a successful send, or because the operator said so. Never blocks.
    ///
    /// # Errors
    /// As [`LocalStore::save_draft`].
    pub fn discard_draft(&self, key: &DraftKey) -> Result<(), LocalError> {
        self.handle.0.draft(key.clone(), Some(DraftChange::Discard))
    }

    /// Keeps a draft and gives it free for other processes. Never blocks.
    ///
    /// # Errors
    /// As [`LocalStore::save_draft`].
    pub fn close_draft(&self, key: &DraftKey) -> Result<(), LocalError> {
        self.handle.0.draft(key.clone(), None)
    }

    /// Remembers where the operator is in one context; other contexts, and other processes', stay. Never blocks.
    ///
    /// # Errors
    /// As [`LocalStore::save_draft`].
    pub fn save_view(&self, context: impl Into<String>, view: LastView) -> Result<(), LocalError> {
        self.handle.0.view(context.into(), view)
    }

    /// Keeps what was filled into a form of a hub, until `None` empties it or it is as old as drafts may get. Never
    /// blocks.
    ///
    /// # Errors
    /// As [`LocalStore::save_draft`].
    pub fn save_form(
        &self,
        hub: impl Into<String>,
        form: impl Into<String>,
        fields: Option<FilledIn>,
    ) -> Result<(), LocalError> {
        self.handle.0.form(hub.into(), form.into(), fields)
    }

    /// Adds a typed line to the history, unless it repeats the last one. Never blocks.
    ///
    /// # Errors
    /// [`LocalError::Stopped`].
    pub fn push_history(&self, line: impl Into<String>) -> Result<(), LocalError> {
        self.handle.0.line(line.into())
    }

    /// How saving stands; changes whenever something was saved or failed.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// How many changes are not on the disk yet. Stays above zero while the disk does not answer.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.handle.0.unsaved()
    }

    /// Writes everything now and waits for it at most `timeout`: for the shutdown, also without a runtime. Blocks.
    ///
    /// # Errors
    /// [`Unsaved`] says how much is not on the disk, and why.
    pub fn flush(&self, timeout: Duration) -> Result<(), Unsaved> {
        match self.handle.0.flush(timeout) {
            0 => Ok(()),
            count => {
                let failures = &self.status.borrow().failures;
                Err(Unsaved { count, why: failures.values().map(|failure| failure.error.to_string()).collect() })
            }
        }
    }
}

fn load(files: &Files, keep: Duration, me: &str, now: Timestamp) -> Result<Loaded, LocalError> {
    let mut loaded = Loaded::default();
    if !files.state.is_symlink() && !files.state.exists() {
        return Ok(loaded);
    }
    ensure_dir(&files.state)?;
    loaded.view = found(read(&files.view(), "view", now), &mut loaded.findings).unwrap_or_default();
    let forms = found(read::<FormState>(&files.forms(), "forms", now), &mut loaded.findings).unwrap_or_default();
    for (hub, forms) in forms.hubs {
        let young = forms.into_iter().filter(|(_, kept)| wall_age(now, kept.saved_at) <= keep);
        loaded.forms.insert(hub, young.map(|(form, kept)| (form, kept.fields)).collect());
    }
    loaded.history = found(read(&files.history(), "history", now), &mut loaded.findings).unwrap_or_default();
    // What is wrong with the folder of drafts costs the drafts, not the rest.
    let drafts = found(list(&files.drafts()).map(Some), &mut loaded.findings).unwrap_or_default();
    for path in drafts {
        if path.extension().is_some_and(|extension| extension == "tmp") {
            sweep(&path, now);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            match draft(&path, keep, me, now) {
                Ok(Some(draft)) => loaded.drafts.push(draft),
                Ok(None) => {}
                Err(error) => loaded.findings.push(error),
            }
        }
    }
    loaded.drafts.sort_by_key(|loaded| std::cmp::Reverse(loaded.draft.saved_at));
    Ok(loaded)
}

fn found<T>(result: Result<Option<T>, LocalError>, findings: &mut Vec<LocalError>) -> Option<T> {
    result.unwrap_or_else(|error| {
        findings.push(error);
        None
    })
}

fn draft(path: &Path, keep: Duration, me: &str, now: Timestamp) -> Result<Option<LoadedDraft>, LocalError> {
    let Some(draft) = read::<Draft>(path, "draft", now)? else { return Ok(None) };
    let held_by = FileLock::holder(&lock_of(path))?.map(|holder| Untrusted::from(holder).shown().into());
    if held_by.is_none() && wall_age(now, draft.saved_at) > keep {
        // Only with the lock: it may be opened elsewhere at this very moment.
        if let LockAttempt::Held(_lock) = FileLock::try_acquire(&lock_of(path), me)? {
            remove(path)?;
        }
        let object = draft.key.target.shown().into();
        return Err(LocalError::Expired { object, saved: draft.saved_at, kept: age_text(keep) });
    }
    Ok(Some(LoadedDraft { draft, held_by }))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let failed = |source| DiskError::Io { doing: "list the folder", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error).into()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Removes a temporary file that a crash left behind; a young one may be another process's at work.
fn sweep(path: &Path, now: Timestamp) {
    let modified = fs::symlink_metadata(path).and_then(|meta| meta.modified()).ok();
    let Some(modified) = modified.and_then(|time| Timestamp::try_from(time).ok()) else { return };
    if wall_age(now, modified) > ABANDONED {
        // It is only litter: if it cannot be removed, the next start tries again.
        let _ = remove(path);
    }
}
