//! A draft: what somebody was typing, against which state of which object (console-ux W-32, W-33).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::ids::{ETag, TwinId};

/// Which draft: one per object, hub and context, so that nothing crosses contexts (console-ux G-87).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DraftKey {
    /// The context's name.
    pub context: String,
    /// The hub's host name.
    pub hub: String,
    /// The twin being edited.
    pub target: TwinId,
}

impl DraftKey {
    /// The part of a file name that stands for this key, before it is made harmless.
    pub(super) fn id(&self) -> String {
        let module = self.target.module.as_ref().map_or("", |module| module.as_str());
        // No part can contain a newline that would make two keys alike: ids exclude it, and so do host names.
        format!("{}\n{module}\n{}\n{}", self.target.device.as_str(), self.context, self.hub)
    }
}

/// What somebody was typing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Which one.
    pub key: DraftKey,
    /// The ETag of the state it started from; sent in `If-Match`.
    pub base_etag: ETag,
    /// That state, secrets masked; the middle of a three-way merge.
    pub base: Value,
    /// The text as typed. Secret-looking values are masked on the disk, so a typed password has to be typed again
    /// after a crash; placeholders of kept secrets stay.
    pub text: String,
    /// Line and column, from 0.
    pub cursor: (usize, usize),
    /// When it was saved; set by the store.
    pub saved_at: Timestamp,
    /// The edgedeck that wrote it.
    pub program_version: String,
}

/// Without what was typed: it may hold a secret that is masked only on its way to the disk.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("key", &self.key)
            .field("base_etag", &self.base_etag)
            .field("text_bytes", &self.text.len())
            .field("saved_at", &self.saved_at)
            .finish_non_exhaustive()
    }
}

/// A draft found at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedDraft {
    /// The draft.
    pub draft: Draft,
    /// The process that has it open, in its own words, sanitised; then this is a read-only copy.
    pub held_by: Option<String>,
}

/// What opening a draft for editing gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// It is ours until it is closed or discarded; with what was saved before.
    Ours(Option<Draft>),
    /// Another process edits it.
    Theirs {
        /// Which, in its own words (pid, terminal), sanitised.
        holder: String,
        /// What it saved last, to look at.
        copy: Option<Draft>,
    },
}
