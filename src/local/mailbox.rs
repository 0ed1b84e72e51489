//! The mailbox between those who save and the one who writes: one slot per thing, the latest wins, and nobody waits
//! for more than a short lock. Its size is bounded by the number of things, not by the number of changes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{Draft, DraftKey, FilledIn, LastView, LocalError, Opened};

/// The most drafts, the most contexts and the most forms with a change that waits.
const SLOTS: usize = 64;
/// The most typed lines that wait; older ones give way.
const LINES: usize = 200;
/// The most questions that wait.
const ASKS: usize = 16;
/// How long to wait before writing again what could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// How saving stands, for the status line.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// When each draft was last saved.
    pub saved: BTreeMap<DraftKey, Timestamp>,
    /// What could not be saved and still is not, by what it is: `draft of edge-gateway-001`, `views`, `forms`, `history`.
    pub failures: BTreeMap<String, SaveFailure>,
}

/// Something that could not be saved.
#[derive(Debug, Clone)]
pub struct SaveFailure {
    /// Why. [`LocalError::Disk`] is tried again every few seconds; the others wait for the operator.
    pub error: Arc<LocalError>,
    /// When it was last tried.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// What waits for one draft.
#[derive(Debug, Default)]
pub(super) struct DraftSlot {
    pub(super) change: Option<DraftChange>,
    /// Give the lock back afterwards.
    pub(super) close: bool,
}

#[derive(Debug)]
pub(super) enum DraftChange {
    Save(Box<Draft>),
    Discard,
}

/// A question for the writer.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) key: DraftKey,
    pub(super) answer: oneshot::Sender<Result<Opened, LocalError>>,
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) drafts: BTreeMap<DraftKey, DraftSlot>,
    pub(super) views: BTreeMap<String, LastView>,
    /// By hub and form; `None` empties it.
    pub(super) forms: BTreeMap<(String, String), Option<FilledIn>>,
    pub(super) history: Vec<String>,
    pub(super) asks: VecDeque<Ask>,
}

impl Batch {
    fn len(&self) -> usize {
        self.drafts.len() + self.views.len() + self.forms.len() + self.history.len()
    }
}

#[derive(Debug, Default)]
struct Slots {
    waiting: Batch,
    /// How many things the writer has in its hands.
    in_hand: usize,
    /// Counts what was put in; a change is done when `done` has reached its number.
    submitted: u64,
    taken: u64,
    done: u64,
    /// Somebody waits for everything to be written.
    flushing: u32,
    /// Nobody puts anything in any more.
    closed: bool,
    /// The writer has ended.
    ended: bool,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    slots: Mutex<Slots>,
    changed: Condvar,
    written: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, change: impl FnOnce(&mut Batch) -> Result<(), LocalError>) -> Result<(), LocalError> {
        let mut slots = self.lock();
        if slots.ended {
            return Err(LocalError::Stopped);
        }
        change(&mut slots.waiting)?;
        slots.submitted += 1;
        drop(slots);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn draft(&self, key: DraftKey, change: Option<DraftChange>) -> Result<(), LocalError> {
        self.put(|batch| {
            if batch.drafts.len() >= SLOTS && !batch.drafts.contains_key(&key) {
                return Err(LocalError::Full(batch.drafts.len()));
            }
            let slot = batch.drafts.entry(key).or_default();
            slot.close = !matches!(change, Some(DraftChange::Save(_)));
            if change.is_some() {
                slot.change = change;
            }
            Ok(())
        })
    }

    pub(super) fn view(&self, context: String, view: LastView) -> Result<(), LocalError> {
        self.put(|batch| {
            if batch.views.len() >= SLOTS && !batch.views.contains_key(&context) {
                return Err(LocalError::Full(batch.views.len()));
            }
            batch.views.insert(context, view);
            Ok(())
        })
    }

    pub(super) fn form(&self, hub: String, form: String, fields: Option<FilledIn>) -> Result<(), LocalError> {
        self.put(|batch| {
            let key = (hub, form);
            if batch.forms.len() >= SLOTS && !batch.forms.contains_key(&key) {
                return Err(LocalError::Full(batch.forms.len()));
            }
            batch.forms.insert(key, fields);
            Ok(())
        })
    }

    pub(super) fn line(&self, line: String) -> Result<(), LocalError> {
        self.put(|batch| {
            push_line(&mut batch.history, line, LINES);
            Ok(())
        })
    }

    pub(super) fn ask(&self, ask: Ask) -> Result<(), LocalError> {
        self.put(|batch| {
            if batch.asks.len() >= ASKS {
                return Err(LocalError::Full(batch.asks.len()));
            }
            batch.asks.push_back(ask);
            Ok(())
        })
    }

    /// How many changes are not on the disk yet.
    pub(super) fn unsaved(&self) -> usize {
        let slots = self.lock();
        slots.waiting.len() + slots.in_hand
    }

    /// Waits until everything put in before was tried, or `timeout` passed; the number of changes still not written.
    pub(super) fn flush(&self, timeout: Duration) -> usize {
        let mut slots = self.lock();
        // A mark of its own, so that what failed before is tried once more.
        slots.submitted += 1;
        let mark = slots.submitted;
        slots.flushing += 1;
        self.changed.notify_one();
        let waited = self.written.wait_timeout_while(slots, timeout, |slots| slots.done < mark && !slots.ended);
        let (mut slots, _) = waited.unwrap_or_else(PoisonError::into_inner);
        slots.flushing -= 1;
        slots.waiting.len() + slots.in_hand
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// The next things to write, after letting changes settle; `None` when there will be no more.
    pub(super) fn take(&self, settle: Duration) -> Option<Batch> {
        let mut slots = self.lock();
        while slots.submitted == slots.taken && !slots.closed {
            if slots.waiting.len() == 0 {
                slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.changed.wait_timeout(slots, RETRY);
                let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                slots = again;
                if timeout.timed_out() {
                    break;
                }
            }
        }
        if slots.closed && slots.submitted == slots.taken {
            return None;
        }
        let calm = |slots: &mut Slots| slots.flushing == 0 && !slots.closed && slots.waiting.asks.is_empty();
        let waited = self.changed.wait_timeout_while(slots, settle, calm);
        let (mut slots, _) = waited.unwrap_or_else(PoisonError::into_inner);
        slots.taken = slots.submitted;
        slots.in_hand = slots.waiting.len();
        Some(std::mem::take(&mut slots.waiting))
    }

    /// The batch was tried; `failed` is what to try again, unless something newer took its slot meanwhile.
    pub(super) fn done(&self, failed: Batch) {
        let mut slots = self.lock();
        for (key, old) in failed.drafts {
            match slots.waiting.drafts.entry(key) {
                Entry::Vacant(entry) => drop(entry.insert(old)),
                // A close that came meanwhile says nothing about the text: what failed is tried before it.
                Entry::Occupied(mut entry) if entry.get().change.is_none() => entry.get_mut().change = old.change,
                Entry::Occupied(_) => {}
            }
        }
        for (context, view) in failed.views {
            slots.waiting.views.entry(context).or_insert(view);
        }
        for (key, fields) in failed.forms {
            slots.waiting.forms.entry(key).or_insert(fields);
        }
        let newer = std::mem::replace(&mut slots.waiting.history, failed.history);
        for line in newer {
            push_line(&mut slots.waiting.history, line, LINES);
        }
        slots.in_hand = 0;
        slots.done = slots.taken;
        drop(slots);
        self.written.notify_all();
    }

    /// The writer ends, in whatever way: nobody shall wait for it.
    pub(super) fn end(&self) {
        let mut slots = self.lock();
        slots.ended = true;
        slots.waiting.asks.clear();
        drop(slots);
        self.written.notify_all();
    }
}

/// Adds a line unless it repeats the last one; the oldest gives way.
pub(super) fn push_line(lines: &mut Vec<String>, line: String, most: usize) {
    if line.trim().is_empty() || lines.last() == Some(&line) {
        return;
    }
    lines.push(line);
    let extra = lines.len().saturating_sub(most);
    lines.drain(..extra);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{DeviceId, ETag, TwinId};

    fn view(name: &str) -> LastView {
        LastView { view: name.to_owned(), ..LastView::default() }
    }

    #[test]
    fn a_disk_that_does_not_answer_stops_neither_those_who_save_nor_the_shutdown() {
        let mailbox = Mailbox::default();
        mailbox.view("a".into(), view("1")).unwrap();
        let in_hand = mailbox.take(Duration::ZERO).unwrap();
        // The writer never comes back with it.
        mailbox.view("a".into(), view("2")).unwrap();
        mailbox.line(":devices".into()).unwrap();
        assert_eq!((in_hand.views.len(), mailbox.unsaved()), (1, 3));
        assert_eq!(mailbox.flush(Duration::ZERO), 3);
    }

    #[test]
    fn what_failed_comes_back_unless_something_newer_is_there() {
        let mailbox = Mailbox::default();
        for (context, name) in [("a", "1"), ("b", "1")] {
            mailbox.view(context.into(), view(name)).unwrap();
        }
        mailbox.line("first".into()).unwrap();
        let failed = mailbox.take(Duration::ZERO).unwrap();
        mailbox.view("a".into(), view("2")).unwrap();
        mailbox.line("second".into()).unwrap();
        mailbox.done(failed);
        let again = mailbox.take(Duration::ZERO).unwrap();
        assert_eq!((again.views["a"].view.as_str(), again.views["b"].view.as_str()), ("2", "1"));
        assert_eq!(again.history, ["first", "second"], "in the order they were typed");
    }

    #[test]
    fn a_close_does_not_drop_the_save_that_failed_before_it() {
        let target = TwinId::device(DeviceId::from_wire("d"));
        let key = DraftKey { context: "c".into(), hub: "h".into(), target };
        let save = |text: &str| {
            DraftChange::Save(Box::new(Draft {
                key: key.clone(),
                base_etag: ETag::from_wire("A"),
                base: serde_json::Value::Null,
                text: text.into(),
                cursor: (0, 0),
                saved_at: Timestamp::UNIX_EPOCH,
                program_version: "0".into(),
            }))
        };
        let after_failing = |newer: Option<DraftChange>| {
            let mailbox = Mailbox::default();
            mailbox.draft(key.clone(), Some(save("first"))).unwrap();
            let failed = mailbox.take(Duration::ZERO).unwrap();
            mailbox.draft(key.clone(), newer).unwrap();
            mailbox.done(failed);
            let slot = mailbox.take(Duration::ZERO).unwrap().drafts.remove(&key).unwrap();
            let text = match slot.change {
                Some(DraftChange::Save(draft)) => Some(draft.text),
                Some(DraftChange::Discard) | None => None,
            };
            (text, slot.close)
        };
        assert_eq!(after_failing(None), (Some("first".into()), true));
        assert_eq!(after_failing(Some(save("second"))), (Some("second".into()), false));
        assert_eq!(after_failing(Some(DraftChange::Discard)), (None, true));
    }

    #[test]
    fn when_the_writer_has_ended_nobody_waits_for_it() {
        let mailbox = Mailbox::default();
        mailbox.line(":devices".into()).unwrap();
        mailbox.end();
        assert_eq!(mailbox.flush(Duration::from_secs(3_600)), 1);
        assert!(matches!(mailbox.line(":jobs".into()), Err(LocalError::Stopped)));
    }

    #[test]
    fn a_closed_mailbox_gives_what_is_left_once() {
        let mailbox = Mailbox::default();
        mailbox.line(":devices".into()).unwrap();
        mailbox.close();
        let last = mailbox.take(Duration::from_secs(3_600)).unwrap();
        mailbox.done(last);
        assert!(mailbox.take(Duration::from_secs(3_600)).is_none(), "what failed last is not tried for ever");
    }
}
