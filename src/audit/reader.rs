//! Reading the record back: the newest entries with what came of them, one write in full, and whether the chain
//! holds. Every call blocks on the disk.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::chain::{ChainFinding, Head, Problem, Verifier, sha256};
use super::record::{Body, Detail, Record, Verdict};
use super::segment;
use super::writer::detail_path;
use super::{AuditError, Intent};
use crate::disk::{Access, DiskError, open_to_read};
use crate::domain::ids::OpId;

/// The most that is read of one file; eight times what the writer fills.
const READ_LIMIT: u64 = 8 * segment::SEGMENT_LIMIT;

/// A reader of one audit folder.
#[derive(Debug, Clone)]
pub struct AuditReader {
    dir: PathBuf,
}

/// One thing that was done, with everything the record says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The intent, or the note.
    pub first: Record,
    /// What came of the intent, oldest first; a read-back may follow an *unknown*.
    pub outcomes: Vec<Record>,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A note: nothing follows.
    Recorded,
    /// The hub accepted it.
    Applied,
    /// The hub refused, or somebody was faster.
    Refused,
    /// No outcome, or one that says nobody knows: look at the subject by hand.
    Unknown,
    /// It was unknown; a read-back told.
    Resolved,
}

impl Entry {
    /// How it stands. An intent without outcome is unknown, even if its process may still be at it.
    #[must_use]
    pub fn state(&self) -> State {
        if !matches!(self.first.body, Body::Intent(_)) {
            return State::Recorded;
        }
        match self.outcomes.last().map(|record| &record.body) {
            Some(Body::Outcome(outcome)) => match outcome.result {
                Verdict::Applied { .. } => State::Applied,
                Verdict::Conflict | Verdict::Refused { .. } => State::Refused,
                Verdict::Unknown { .. } | Verdict::Undecidable { .. } => State::Unknown,
                Verdict::Resolved { .. } => State::Resolved,
            },
            _ => State::Unknown,
        }
    }
}

/// A line that no reader understands; `verify` says more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// The newest entries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Lines passed over on the way.
    pub unreadable: Vec<Unreadable>,
    /// Whether older entries exist.
    pub more: bool,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many lines there are.
    pub records: u64,
    /// The newest record; note it down to notice later that the end was cut off.
    pub head: Option<Head>,
    /// Everything found, in order.
    pub findings: Vec<ChainFinding>,
}

impl Verification {
    /// Whether nothing speaks of tampering or loss.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.findings.iter().any(ChainFinding::is_fault)
    }
}

impl AuditReader {
    /// A reader of the record in `dir`; a missing folder reads as empty.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The newest `count` entries.
    ///
    /// # Errors
    /// [`AuditError::Disk`] when a file is not ours or cannot be read.
    pub fn newest(&self, count: usize) -> Result<Listing, AuditError> {
        self.collect(count, |_| true)
    }

    /// Everything about one write; `None` when the record does not know it.
    ///
    /// # Errors
    /// [`AuditError::Disk`].
    pub fn show(&self, op: &OpId) -> Result<Option<Entry>, AuditError> {
        Ok(self.collect(1, |record| record.op() == Some(op))?.entries.pop())
    }

    /// An intent's request, diff and inverse, from the side file when they did not fit the line.
    ///
    /// # Errors
    /// [`AuditError::Disk`], or [`AuditError::Encode`] when the side file is not what was written.
    pub fn full(&self, intent: &Intent) -> Result<Intent, AuditError> {
        #[derive(serde::Deserialize)]
        struct Moved {
            request: serde_json::Value,
            diff: Vec<String>,
            #[serde(default)]
            inverse: Option<serde_json::Value>,
        }
        let mut full = intent.clone();
        if let Some(detail) = &intent.detail {
            let bytes = read(&detail_path(&self.dir, detail))?;
            let moved: Moved = serde_json::from_slice(&bytes)?;
            (full.request, full.diff) = (moved.request, moved.diff);
            full.inverse = moved.inverse.or(full.inverse);
        }
        Ok(full)
    }

    /// Checks every line of every file, and the side files they name.
    ///
    /// # Errors
    /// [`AuditError::Disk`] when a file is not ours or cannot be read; what is wrong inside is a finding.
    pub fn verify(&self) -> Result<Verification, AuditError> {
        let mut verifier = Verifier::new();
        for (_, path) in segment::list(&self.dir)? {
            let (name, bytes) = (name_of(&path), read(&path)?);
            verifier.file(&name, &bytes);
            for (number, record) in records(&bytes) {
                if let Some(Record { body: Body::Intent(intent), .. }) = record
                    && let Some(detail) = &intent.detail
                    && let Some(why) = self.detail_fault(detail)?
                {
                    verifier.report(&name, number, Problem::Detail(why));
                }
            }
        }
        let (records, head, findings) = verifier.finish();
        Ok(Verification { records, head, findings })
    }

    fn detail_fault(&self, detail: &Detail) -> Result<Option<String>, AuditError> {
        let bytes = read(&detail_path(&self.dir, detail))?;
        Ok(if bytes.is_empty() {
            Some(format!("detail-{}.json is missing", detail.sha256))
        } else if sha256(&bytes) != detail.sha256 {
            Some(format!("detail-{}.json was changed", detail.sha256))
        } else {
            None
        })
    }

    /// Walks backwards, so that an outcome is met before its intent.
    fn collect(&self, count: usize, wanted: impl Fn(&Record) -> bool) -> Result<Listing, AuditError> {
        let mut listing = Listing::default();
        let mut outcomes: HashMap<OpId, Vec<Record>> = HashMap::new();
        for (_, path) in segment::list(&self.dir)?.iter().rev() {
            let bytes = read(path)?;
            for (line, record) in records(&bytes).into_iter().rev() {
                let Some(record) = record else {
                    listing.unreadable.push(Unreadable { file: name_of(path), line });
                    continue;
                };
                if !wanted(&record) {
                    continue;
                }
                let outcomes = match &record.body {
                    Body::Segment(_) => continue,
                    Body::Outcome(outcome) => {
                        outcomes.entry(outcome.op.clone()).or_default().push(record);
                        continue;
                    }
                    Body::Intent(intent) => outcomes.remove(&intent.op).unwrap_or_default(),
                    Body::Note(_) => Vec::new(),
                };
                if listing.entries.len() == count {
                    listing.more = true;
                    return Ok(listing);
                }
                listing.entries.push(Entry { first: record, outcomes: outcomes.into_iter().rev().collect() });
            }
        }
        Ok(listing)
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The finished lines of a file with their numbers; `None` for what is not a record.
fn records(bytes: &[u8]) -> Vec<(usize, Option<Record>)> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last newline was never finished.
    lines.pop();
    lines.iter().enumerate().map(|(index, line)| (index + 1, serde_json::from_slice(line).ok())).collect()
}

/// The bytes of a file, none when it is missing.
fn read(path: &Path) -> Result<Vec<u8>, DiskError> {
    let mut bytes = Vec::new();
    if let Some(file) = open_to_read(path, Access::Own)? {
        let read = file.take(READ_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|source| DiskError::Io { doing: "read", path: path.to_owned(), source })?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > READ_LIMIT {
            return Err(DiskError::TooLarge { path: path.to_owned(), limit: READ_LIMIT });
        }
    }
    Ok(bytes)
}
