//! The record of every write: who, what, on which base, and what came of it (console-ux ).
//!
//! Append-only JSON lines, one hash chain per folder, fsynced before a request leaves. The chain shows tampering
//! after the fact, it does not prevent it: the user owns the file. Nothing in here deletes a record.

mod chain;
mod reader;
mod record;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use chain::{ChainFinding, Head, Problem};
pub use reader::{AuditReader, Entry, Listing, State, Unreadable, Verification};
pub use record::{Body, Claims, Detail, Intent, Note, NoteKind, Origin, Outcome, Record, Verdict, Who};
pub use segment::Reason;
pub use writer::AuditLog;

use crate::disk::DiskError;

/// Why a record was not written or read. A write whose intent meets one of these is not sent.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file system refused.
    #[error("the audit record is not available: {0}")]
    Disk(#[from] DiskError),
    /// Another process holds the audit lock for too long.
    #[error(
        "the audit record was not written: another edgedeck ({holder}) has held its lock for \
         {seconds} s; see whether that process hangs"
    )]
    Busy {
        /// What the holder says about itself, sanitised.
        holder: String,
        /// How long we tried.
        seconds: u64,
    },
    /// A record that does not fit a line even with its request and diff moved to a side file.
    #[error("the audit record of {bytes} bytes is longer than a line may be ({limit}); shorten reason and object")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The most a line may have.
        limit: usize,
    },
    /// A record that has no JSON form.
    #[error("the audit record could not be written as JSON: {0}; please report this")]
    Encode(#[from] serde_json::Error),
    /// The thread that writes ended without an answer.
    #[error("the audit writer stopped: {0}; restart edgedeck")]
    Stopped(#[from] tokio::task::JoinError),
}
