//! The files of one audit folder: their names, how a later one says why it exists, and where the next line goes.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::chain::{Head, head_of, sha256};
use crate::disk::{Access, DiskError, open_to_read};

/// A new file is started when the current one has this many bytes.
pub(super) const SEGMENT_LIMIT: u64 = 8 * 1024 * 1024;
/// A line has at most this many bytes (console-ux X-44).
pub(super) const LINE_LIMIT: usize = 64 * 1024;
/// Enough of a file's end for a whole line and an unfinished one.
const WINDOW: u64 = 3 * 64 * 1024;

/// Why a file is not the continuation of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Reason {
    /// The one before is full.
    Size,
    /// The one before ends in an unfinished line: a crash while writing.
    Torn {
        /// Length of the unfinished line.
        bytes: u64,
        /// Its SHA-256, so that a later change to it shows.
        sha256: String,
    },
    /// The end of the one before is not what was written.
    Damaged {
        /// What was noticed.
        why: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => f.write_str("the last file is full; a new one goes on"),
            Self::Torn { bytes, .. } => {
                write!(
                    f,
                    "the last file ends in an unfinished line of {bytes} bytes, as after a crash; a new one goes on"
                )
            }
            Self::Damaged { why } => write!(f, "the last file is not as it was written ({why}); a new one goes on"),
        }
    }
}

/// The first line of every file but the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Why this file was started.
    pub reason: Reason,
}

/// The path of file `number`.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("audit-{number:06}.jsonl"))
}

/// The files of a folder, oldest first; none when there is no folder yet.
pub(super) fn list(dir: &Path) -> Result<Vec<(u32, PathBuf)>, DiskError> {
    let failed = |source| DiskError::Io { doing: "list the folder", path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("audit-"))
            .and_then(|name| name.strip_suffix(".jsonl"))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            found.push((number, dir.join(name)));
        }
    }
    found.sort();
    Ok(found)
}

/// Where the next line goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Number of the file.
    pub(super) number: u32,
    /// The record it continues.
    pub(super) head: Head,
    /// Why that file has to be started; its first line says so.
    pub(super) start: Option<Reason>,
}

/// The end of one file.
struct End {
    /// The last finished line, or what is wrong with it.
    last: Option<Result<Head, (Head, String)>>,
    torn: Option<Reason>,
    size: u64,
}

/// Looks at the ends of the newest files. Call it with the lock held when something is to be written.
pub(super) fn tail(dir: &Path) -> Result<Tail, DiskError> {
    let files = list(dir)?;
    let mut number = files.last().map_or(1, |(number, _)| *number);
    let mut start = None;
    let mut newest = true;
    let mut head = Head::genesis();
    for (at, file) in files.iter().rev() {
        let Some(file) = open_to_read(file, Access::Own)? else { continue };
        let end = end_of(file).map_err(|source| DiskError::Io { doing: "read", path: path(dir, *at), source })?;
        if end.size == 0 {
            // Made just before a crash, or just now: its reason is the state of the one before it.
            continue;
        }
        if newest {
            newest = false;
            start = end.torn;
            if let Some(Err((_, why))) = &end.last {
                start = Some(Reason::Damaged { why: why.clone() });
            }
            // An empty newer file is there to be started, whatever the reason was.
            if start.is_none() && (end.size >= SEGMENT_LIMIT || *at != number) {
                start = Some(Reason::Size);
            }
            if start.is_some() && *at == number {
                number = number.saturating_add(1);
            }
        }
        if let Some(last) = end.last {
            head = last.unwrap_or_else(|(head, _)| head);
            break;
        }
    }
    Ok(Tail { number, head, start })
}

fn end_of(mut file: File) -> io::Result<End> {
    let size = file.metadata()?.len();
    let from = size.saturating_sub(WINDOW);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(WINDOW).read_to_end(&mut bytes)?;
    let mut pieces = bytes.rsplit(|byte| *byte == b'\n');
    let rest = pieces.next().unwrap_or_default();
    let torn = (!rest.is_empty())
        .then(|| Reason::Torn { bytes: u64::try_from(rest.len()).unwrap_or(u64::MAX), sha256: sha256(rest) });
    let last = pieces.next().map(|line| {
        std::str::from_utf8(line).map_err(|error| error.to_string()).and_then(head_of).map_err(|why| {
            // Continue the numbers from what can be read of it; the mark says that it is damaged.
            let seq = serde_json::from_slice::<serde_json::Value>(line)
                .ok()
                .and_then(|value| value.get("seq").and_then(serde_json::Value::as_u64))
                .unwrap_or(0);
            (Head { seq, hash: sha256(line) }, why)
        })
    });
    Ok(End { last, torn, size })
}
