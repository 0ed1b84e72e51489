//! Everything the console keeps for itself: drafts, where the operator was, what was typed. One writer thread;
//! nobody who saves ever waits for the disk.
//!
//! Files are versioned JSON, replaced as a whole, 0600, with secrets removed. A file of an unknown version is left
//! alone, a broken one is moved aside; both are reported, neither is overwritten.

mod disk_format;
mod draft;
mod form;
mod mailbox;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod writer;

pub use draft::{Draft, DraftKey, LoadedDraft, Opened};
pub use form::FilledIn;
pub use mailbox::{SaveFailure, Status};
pub use store::{Loaded, LocalStore, Options, Unsaved};
pub use view::{LastView, SortOrder, ViewState};

use std::path::PathBuf;

use crate::disk::DiskError;

/// What was found on opening, or why something was not kept.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file was written by a newer edgedeck.
    #[error("{} was written by a newer edgedeck (version {found} of its format); it is left alone and \
             not replaced, use that edgedeck or move the file away", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file is not what edgedeck writes; it was moved aside.
    #[error("{} could not be read ({why}); it was moved to {}", .path.display(), .aside.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Where its bytes are now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A draft was too old to keep.
    #[error("the draft of {object} from {saved} was removed: drafts are kept for {kept}")]
    Expired {
        /// Of what, sanitised.
        object: String,
        /// When it was saved.
        saved: jiff::Timestamp,
        /// How long drafts are kept.
        kept: String,
    },
    /// The draft is open in another process.
    #[error(
        "the draft of {object} is open in another edgedeck ({holder}); changes here are not kept until that one closes it"
    )]
    OpenElsewhere {
        /// Of what, sanitised.
        object: String,
        /// Who has it, sanitised.
        holder: String,
    },
    /// A value that has no JSON form.
    #[error("{what} could not be written as JSON: {source}; please report this")]
    Encode {
        /// What was to be written.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// More changes than the writer takes while the disk does not answer.
    #[error("the disk does not answer and {0} changes wait already; this one is not kept")]
    Full(usize),
    /// The writer thread could not be started.
    #[error("the thread that writes drafts could not be started: {0}; drafts are not kept")]
    Thread(#[source] std::io::Error),
    /// The writer thread is gone.
    #[error("the thread that writes drafts has ended; what is typed now is not kept, restart edgedeck")]
    Stopped,
}
