//! Every write of this run and how it stands; closing a dialog never loses an outcome.

use std::collections::VecDeque;
use std::sync::Arc;

use super::intent::WriteIntent;
use super::request::Found;
use crate::domain::fault::Fault;
use crate::domain::ids::OpId;
use crate::domain::text::Untrusted;
use crate::domain::time::Now;

/// How a write ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The hub took it; the object as it is now.
    Applied(Found),
    /// 412: somebody else wrote first, nothing was overwritten; the object as it is now, if it could be read.
    Conflict(Option<Found>),
    /// The hub or the gate said no; nothing was changed.
    Refused(Untrusted),
    /// It was sent, and reading back shows that it never took effect.
    NotApplied(Fault),
    /// It was sent, no usable answer came, and reading back shows that somebody else wrote instead: it did not take
    /// effect, and cannot any more. The object as it is now.
    Overtaken(Found),
    /// It was sent, no usable answer came, and nobody can tell any more whether it took effect.
    Undecidable {
        /// Why, as a clause: `the twin is gone`.
        why: &'static str,
        /// The object as it is now, if there is one to read.
        now: Option<Found>,
    },
}

/// Where a write is.
#[derive(Debug, Clone)]
pub enum OpState {
    /// Taken, its audit record is being written.
    Accepted,
    /// On the wire.
    Sending,
    /// No usable answer: it may have happened. Being read back.
    Unknown(Fault),
    /// Over.
    Done(Outcome, Now),
}

/// One write.
#[derive(Debug, Clone)]
pub struct OpEntry {
    /// What was asked.
    pub intent: Arc<WriteIntent>,
    /// Where it is.
    pub state: OpState,
    /// The hub's refusal, when it was the hub that refused: its kind decides what a script is told.
    pub fault: Option<Fault>,
}

/// All writes of this run, newest last; open ones are always kept.
#[derive(Debug, Clone, Default)]
pub struct OpsBoard {
    entries: VecDeque<OpEntry>,
}

/// Closed entries that are kept for the activity view.
const KEPT: usize = 500;

impl OpsBoard {
    /// A board on which these writes stand like this; for tests of what looks at boards.
    #[cfg(test)]
    pub(crate) fn of(entries: impl IntoIterator<Item = (impl Into<WriteIntent>, OpState)>) -> Arc<Self> {
        let mut board = Self::default();
        for (intent, state) in entries {
            board.set(&Arc::new(intent.into()), state);
        }
        Arc::new(board)
    }

    /// Oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &OpEntry> {
        self.entries.iter()
    }

    /// The entry of one write.
    #[must_use]
    pub fn get(&self, op: &OpId) -> Option<&OpEntry> {
        self.entries.iter().find(|entry| entry.intent.op == *op)
    }

    /// Writes that are not over.
    #[must_use]
    pub fn open(&self) -> usize {
        self.entries.iter().filter(|entry| !matches!(entry.state, OpState::Done(..))).count()
    }

    /// Sets what the hub said about a write.
    pub(super) fn set_fault(&mut self, op: &OpId, fault: &Fault) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.intent.op == *op) {
            entry.fault = Some(fault.clone());
        }
    }

    /// Sets where a write is, adding it when it is new.
    pub(super) fn set(&mut self, intent: &Arc<WriteIntent>, state: OpState) {
        match self.entries.iter_mut().find(|entry| entry.intent.op == intent.op) {
            Some(entry) => entry.state = state,
            None => self.entries.push_back(OpEntry { intent: intent.clone(), state, fault: None }),
        }
        while self.entries.len() > KEPT {
            match self.entries.iter().position(|entry| matches!(entry.state, OpState::Done(..))) {
                Some(oldest) => self.entries.remove(oldest),
                None => break,
            };
        }
    }
}
