//! The writer: a thread that turns batches from the mailbox into files, and holds the locks of the open drafts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::disk_format::{read, write};
use super::form::{FormState, KeptForm};
use super::mailbox::{Batch, DraftChange, DraftSlot, Mailbox, push_line};
use super::{Draft, DraftKey, FilledIn, LastView, LocalError, Opened, SaveFailure, Status, ViewState};
use crate::disk::{FileLock, LockAttempt, file_name, remove};
use crate::domain::mask::mask_text;
use crate::domain::secret::{mask_json, redact};
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;

/// The most lines of history kept.
const HISTORY: usize = 500;

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) state: PathBuf,
}

impl Files {
    pub(super) fn drafts(&self) -> PathBuf {
        self.state.join("drafts")
    }

    pub(super) fn draft(&self, key: &DraftKey) -> PathBuf {
        self.drafts().join(format!("{}.json", file_name(&key.id())))
    }

    pub(super) fn view(&self) -> PathBuf {
        self.state.join("view.json")
    }

    pub(super) fn forms(&self) -> PathBuf {
        self.state.join("forms.json")
    }

    pub(super) fn history(&self) -> PathBuf {
        self.state.join("history.json")
    }

    /// Held while a file that all processes share is read, changed and written.
    fn shared_lock(&self) -> PathBuf {
        self.state.join("local.lock")
    }
}

/// The lock of the draft in that file.
pub(super) fn lock_of(draft: &Path) -> PathBuf {
    draft.with_extension("lock")
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) files: Files,
    pub(super) me: String,
    pub(super) settle: Duration,
    pub(super) clock: SharedClock,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) status: watch::Sender<Status>,
    pub(super) locks: BTreeMap<DraftKey, FileLock>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mailbox.end();
    }
}

impl Writer {
    /// Runs until the last handle is gone and everything was tried.
    pub(super) fn run(mut self) {
        let mailbox = Arc::clone(&self.mailbox);
        while let Some(batch) = mailbox.take(self.settle) {
            let failed = self.write(batch);
            mailbox.done(failed);
        }
    }

    /// Writes a batch; what is worth trying again comes back.
    fn write(&mut self, batch: Batch) -> Batch {
        let mut failed = Batch::default();
        for (key, slot) in batch.drafts {
            if let Some(slot) = self.draft(&key, slot) {
                failed.drafts.insert(key, slot);
            }
        }
        if !batch.views.is_empty() && !self.views(&batch.views) {
            failed.views = batch.views;
        }
        if !batch.forms.is_empty() && !self.forms(&batch.forms) {
            failed.forms = batch.forms;
        }
        if !batch.history.is_empty() && !self.history(&batch.history) {
            failed.history = batch.history;
        }
        // After the changes, so that closing and opening again finds the draft free and as it was left.
        for ask in batch.asks {
            let opened = self.open(&ask.key);
            // Whoever asked may have gone; then nobody edits.
            if ask.answer.send(opened).is_err() {
                self.locks.remove(&ask.key);
            }
        }
        failed
    }

    fn draft(&mut self, key: &DraftKey, slot: DraftSlot) -> Option<DraftSlot> {
        let DraftSlot { change, close } = slot;
        let name = draft_name(key);
        let done = match &change {
            None => Ok(None),
            Some(DraftChange::Save(draft)) => self.save(key, draft).map(Some),
            Some(DraftChange::Discard) => self.discard(key).map(|()| None),
        };
        let again = matches!(done, Err(LocalError::Disk(_)));
        let discarded = matches!(change, Some(DraftChange::Discard));
        match done {
            Ok(saved) => self.status.send_modify(|status| {
                status.failures.remove(&name);
                match saved {
                    Some(draft) => drop(status.saved.insert(key.clone(), draft.saved_at)),
                    None if discarded => drop(status.saved.remove(key)),
                    None => {}
                }
            }),
            Err(error) => self.report(name, error),
        }
        if again {
            return Some(DraftSlot { change, close });
        }
        if close {
            self.locks.remove(key);
        }
        None
    }

    fn save(&mut self, key: &DraftKey, draft: &Draft) -> Result<Draft, LocalError> {
        let path = self.files.draft(key);
        if let Some(holder) = self.claim(key)? {
            return Err(LocalError::OpenElsewhere { object: key.target.shown().into(), holder });
        }
        let mut draft = draft.clone();
        draft.saved_at = self.clock.now().wall;
        draft.text = mask_text(&draft.text);
        mask_base(&mut draft.base);
        write(&path, "draft", &draft)?;
        Ok(draft)
    }

    fn discard(&mut self, key: &DraftKey) -> Result<(), LocalError> {
        let path = self.files.draft(key);
        if path.exists() {
            if let Some(holder) = self.claim(key)? {
                return Err(LocalError::OpenElsewhere { object: key.target.shown().into(), holder });
            }
            remove(&path)?;
        }
        Ok(())
    }

    /// Takes the draft's lock; the holder when somebody else has it. A file of a newer edgedeck is not for us.
    fn claim(&mut self, key: &DraftKey) -> Result<Option<String>, LocalError> {
        if self.locks.contains_key(key) {
            return Ok(None);
        }
        let path = self.files.draft(key);
        match FileLock::try_acquire(&lock_of(&path), &self.me)? {
            LockAttempt::Busy(holder) => Ok(Some(Untrusted::from(holder).shown().into())),
            LockAttempt::Held(lock) => {
                match read::<Draft>(&path, "draft", self.clock.now().wall) {
                    Err(error @ LocalError::Newer { .. }) => return Err(error),
                    // Moved aside: said once, and editing starts from the twin.
                    Err(error @ LocalError::Broken { .. }) => self.report(draft_name(key), error),
                    _ => {}
                }
                self.locks.insert(key.clone(), lock);
                Ok(None)
            }
        }
    }

    fn open(&mut self, key: &DraftKey) -> Result<Opened, LocalError> {
        let holder = self.claim(key)?;
        let path = self.files.draft(key);
        let found = match read::<Draft>(&path, "draft", self.clock.now().wall) {
            Err(LocalError::Broken { .. }) => None,
            other => other?,
        };
        Ok(match holder {
            None => Opened::Ours(found),
            Some(holder) => Opened::Theirs { holder, copy: found },
        })
    }

    fn views(&mut self, views: &BTreeMap<String, LastView>) -> bool {
        self.shared("views", |files, now| {
            let mut state = or_new(read::<ViewState>(&files.view(), "view", now))?;
            for (context, view) in views {
                let mut view = view.clone();
                view.filter = redact(&view.filter);
                state.contexts.insert(context.clone(), view);
            }
            write(&files.view(), "view", &state)
        })
    }

    fn forms(&mut self, forms: &BTreeMap<(String, String), Option<FilledIn>>) -> bool {
        self.shared("forms", |files, now| {
            let mut state = or_new(read::<FormState>(&files.forms(), "forms", now))?;
            for ((hub, form), fields) in forms {
                let of_hub = state.hubs.entry(hub.clone()).or_default();
                match fields {
                    Some(fields) => {
                        let fields = fields.iter().map(|text| text.as_deref().map(redact)).collect();
                        of_hub.insert(form.clone(), KeptForm { saved_at: now, fields });
                    }
                    None => drop(of_hub.remove(form)),
                }
            }
            state.hubs.retain(|_, forms| !forms.is_empty());
            write(&files.forms(), "forms", &state)
        })
    }

    fn history(&mut self, lines: &[String]) -> bool {
        self.shared("history", |files, now| {
            let mut history = or_new(read::<Vec<String>>(&files.history(), "history", now))?;
            for line in lines {
                push_line(&mut history, redact(line), HISTORY);
            }
            write(&files.history(), "history", &history)
        })
    }

    /// Changes a file that all processes share. False when it should be tried again.
    fn shared(&mut self, name: &str, change: impl FnOnce(&Files, jiff::Timestamp) -> Result<(), LocalError>) -> bool {
        let done = match FileLock::try_acquire(&self.files.shared_lock(), &self.me) {
            // Another process is at it for a moment; that is no failure.
            Ok(LockAttempt::Busy(_)) => return false,
            Ok(LockAttempt::Held(_lock)) => change(&self.files, self.clock.now().wall),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => {
                self.status.send_if_modified(|status| status.failures.remove(name).is_some());
                true
            }
            Err(error) => {
                let again = matches!(error, LocalError::Disk(_));
                self.report(name.to_owned(), error);
                !again
            }
        }
    }

    fn report(&self, name: String, error: LocalError) {
        let at = self.clock.now().wall;
        self.status.send_modify(|status| {
            let attempts = status.failures.get(&name).map_or(0, |failure| failure.attempts) + 1;
            status.failures.insert(name, SaveFailure { error: Arc::new(error), at, attempts });
        });
    }
}

/// What a draft is called among the failures.
fn draft_name(key: &DraftKey) -> String {
    format!("draft of {}", key.target.shown())
}

/// The content of a shared file; a new one when there is none or when the broken one was moved aside.
fn or_new<T: Default>(found: Result<Option<T>, LocalError>) -> Result<T, LocalError> {
    match found {
        Ok(found) => Ok(found.unwrap_or_default()),
        Err(LocalError::Broken { .. }) => Ok(T::default()),
        Err(error) => Err(error),
    }
}

/// Masks the base once more, and leaves the placeholders that the text has too.
fn mask_base(base: &mut serde_json::Value) {
    match serde_json::from_str(&mask_text(&base.to_string())) {
        Ok(masked) => *base = masked,
        Err(_) => mask_json(base),
    }
}
