//! What passes between the log view and whoever follows logs for it: which one is wanted, what is known of it, and what
//! is to be written to a file.

use std::sync::Arc;

use crate::domain::ids::DeviceId;
use crate::logs::print::Layout;
use crate::logs::ring::{Filter, LineId, Picture};
use crate::logs::tail::{TailPicture, Wanted};

/// A log that should be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWant {
    /// Whose.
    pub device: DeviceId,
    /// Which modules, and how.
    pub wanted: Wanted,
}

/// The log that is followed: one at a time, since each holds megabytes and costs messages.
#[derive(Debug, Clone, Default)]
pub struct LogBoard {
    /// Counts the logs that were followed so far: pictures of an earlier one are not this one's.
    pub run: u64,
    /// Whose it is; `None` before the first.
    pub device: Option<DeviceId>,
    /// What is known of it.
    pub tail: Arc<TailPicture>,
}

/// Lines for a file. It holds a picture and no text, so that making it takes no time; who writes the file makes the text.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// What the file is called after: device and modules.
    pub about: String,
    /// The lines.
    pub picture: Picture,
    /// Which of them.
    pub filter: Filter,
    /// Only those after this one.
    pub after: Option<LineId>,
    /// What stands before each.
    pub layout: Layout,
}

impl LogFile {
    /// The lines of the file, in order.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let rows = self.picture.all(self.filter).filter(|row| self.after.is_none_or(|after| row.id > after));
        rows.map(|row| crate::logs::print::line(&self.picture, row, self.layout))
    }
}
