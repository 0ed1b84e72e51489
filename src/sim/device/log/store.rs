//! One container's log as the engine's json-file driver keeps it: records in a few files of limited size, the oldest
//! file dropped when a new one begins. It outlives the container's starts and stops, and goes with the container.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::sim::device::instants;
use crate::sim::device::program::Stream;

/// How much of a log is kept: the driver's `max-size` and `max-file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct LogCaps {
    /// A file that holds so many bytes is followed by a new one; `None`: it never is.
    pub file_bytes: Option<u64>,
    /// How many files there are at most, the one being written among them.
    pub files: usize,
}

impl Default for LogCaps {
    /// Enough for some hours of a sensor, little enough for a fleet in memory.
    fn default() -> Self {
        Self { file_bytes: Some(512 * 1_024), files: 2 }
    }
}

impl LogCaps {
    /// The most lines of `line_bytes` that can be there at once; more of them push out everything older. `None` when
    /// nothing ever is.
    pub(in crate::sim) fn most_lines(&self, line_bytes: u64) -> Option<u64> {
        let per_file = self.file_bytes?.div_ceil(line_bytes + RECORD) + 1;
        per_file.checked_mul(u64::try_from(self.files.max(1)).ok()? + 1)
    }
}

/// What a record has around its text: `{"log":"…\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}`.
const RECORD: u64 = 71;
/// The engine reads what a container writes through a buffer of this many bytes; longer lines become several records.
const BUFFER: usize = 16 * 1_024;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct Frame {
    /// When it was written, in steps of 100 ns. The parts of one long line share it.
    pub at: Timestamp,
    /// To which stream.
    pub stream: Stream,
    /// The text without its line feed; what was no UTF-8 is U+FFFD, byte by byte.
    pub text: Box<str>,
    /// Whether a line ends here; the first parts of a long line do not.
    pub ends: bool,
}

impl Frame {
    fn bytes(&self) -> u64 {
        u64::try_from(self.text.len()).unwrap_or(u64::MAX).saturating_add(RECORD)
    }
}

#[derive(Debug, Clone, Default)]
struct File {
    bytes: u64,
    frames: Vec<Frame>,
}

/// Why a log cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum LogFault {
    /// The last record is cut off, as after a power loss.
    Truncated,
    /// The driver keeps no logs, or the file is damaged.
    Unreadable,
}

/// A container's log.
#[derive(Debug, Clone)]
pub(in crate::sim) struct ContainerLog {
    caps: LogCaps,
    /// Oldest first; there is always one.
    files: VecDeque<File>,
    written: u64,
    fault: Option<LogFault>,
}

impl ContainerLog {
    /// An empty log.
    pub(in crate::sim) fn new(caps: LogCaps) -> Self {
        Self { caps, files: VecDeque::from([File::default()]), written: 0, fault: None }
    }

    /// Writes what a container wrote and ended with a line feed; with line feeds in it, several lines.
    pub(in crate::sim) fn write(&mut self, at: Timestamp, stream: Stream, text: &[u8]) {
        let at = instants::in_ticks(at);
        for line in text.split(|byte| *byte == b'\n') {
            self.written = self.written.saturating_add(1);
            let mut rest = line;
            // A line that fills the buffer exactly is followed by an empty record that ends it.
            while let Some((part, after)) = rest.split_at_checked(BUFFER) {
                self.push(Frame { at, stream, text: lossy(part), ends: false });
                rest = after;
            }
            self.push(Frame { at, stream, text: lossy(rest), ends: true });
        }
    }

    fn push(&mut self, frame: Frame) {
        self.rotate();
        if let Some(file) = self.files.back_mut() {
            file.bytes = file.bytes.saturating_add(frame.bytes());
            file.frames.push(frame);
        }
    }

    fn rotate(&mut self) {
        let full = self.caps.file_bytes.is_some_and(|most| self.files.back().is_some_and(|file| file.bytes >= most));
        if full {
            self.files.push_back(File::default());
            while self.files.len() > self.caps.files.max(1) {
                self.files.pop_front();
            }
        }
    }

    /// Counts `lines` of `line_bytes` each as if they had been written, without keeping them. Files fill and are
    /// dropped as they would have been, so that the log is the same once [`LogCaps::most_lines`] followed.
    pub(in crate::sim) fn pass(&mut self, lines: u64, line_bytes: u64) {
        self.written = self.written.saturating_add(lines);
        let record = line_bytes.saturating_add(RECORD);
        let mut left = lines;
        while left > 0 {
            self.rotate();
            let Some(file) = self.files.back_mut() else { return };
            let fits = match self.caps.file_bytes {
                Some(most) => most.saturating_sub(file.bytes).div_ceil(record).max(1).min(left),
                None => left,
            };
            file.bytes = file.bytes.saturating_add(record.saturating_mul(fits));
            left -= fits;
        }
    }

    /// The device is called differently, and always was.
    pub(in crate::sim) fn rename(&mut self, before: &str, after: &str) {
        // As it stands before the name of a module.
        let (before, after) = (format!("{before}/"), format!("{after}/"));
        for frame in self.files.iter_mut().flat_map(|file| &mut file.frames) {
            if frame.text.contains(&before) {
                frame.text = frame.text.replace(&before, &after).into();
            }
        }
    }

    /// The records that are still there, oldest first.
    pub(in crate::sim) fn frames(&self) -> impl DoubleEndedIterator<Item = &Frame> {
        self.files.iter().flat_map(|file| &file.frames)
    }

    /// How many lines were ever written.
    #[cfg(test)]
    pub(in crate::sim) fn written(&self) -> u64 {
        self.written
    }

    /// When the newest record was written.
    pub(in crate::sim) fn last_at(&self) -> Option<Timestamp> {
        self.frames().next_back().map(|frame| frame.at)
    }

    /// Makes the log unreadable, or readable again.
    pub(in crate::sim) fn set_fault(&mut self, fault: Option<LogFault>) {
        self.fault = fault;
    }

    /// Why it cannot be read.
    pub(in crate::sim) fn fault(&self) -> Option<LogFault> {
        self.fault
    }
}

/// Bytes as the engine keeps them: each that begins no character becomes U+FFFD.
fn lossy(bytes: &[u8]) -> Box<str> {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
    }
    out.into_boxed_str()
}
