//! The envelope of every file: what it is, which version of its format, and its content. Reading tells a broken
//! file from one of a newer edgedeck, because the first may be moved aside and the second must not be touched.

use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LocalError;
use crate::disk::{Access, DiskError, move_aside, read_text, replace};

/// The version this edgedeck writes, of every kind of file.
const VERSION: u64 = 1;
/// The hub limits a twin to well under this; larger files are not ours.
const LIMIT: u64 = 4 * 1024 * 1024;

#[derive(Serialize)]
struct Written<'a, T> {
    kind: &'static str,
    version: u64,
    content: &'a T,
}

#[derive(Deserialize)]
struct Head {
    kind: String,
    version: u64,
    content: Value,
}

/// Writes `content` as a file of its kind.
pub(super) fn write<T: Serialize>(path: &Path, kind: &'static str, content: &T) -> Result<(), LocalError> {
    let mut text = serde_json::to_string(&Written { kind, version: VERSION, content })
        .map_err(|source| LocalError::Encode { what: kind, source })?;
    text.push('\n');
    Ok(replace(path, text.as_bytes())?)
}

/// Reads a file of that kind; `None` when there is none. A broken one is moved aside, named after `now`.
pub(super) fn read<T: DeserializeOwned>(
    path: &Path,
    kind: &'static str,
    now: Timestamp,
) -> Result<Option<T>, LocalError> {
    let text = match read_text(path, Access::Own, LIMIT) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        // Its bytes are odd, but it is ours: out of the way with it. Links and foreign files are not ours to move.
        Err(error @ (DiskError::NotText { .. } | DiskError::TooLarge { .. })) => {
            return Err(broken(path, error.to_string(), now));
        }
        Err(error) => return Err(error.into()),
    };
    let why = match serde_json::from_str::<Head>(&text) {
        Ok(head) if head.kind != kind => format!("it holds a {}, not a {kind}", head.kind),
        Ok(head) if head.version > VERSION => {
            return Err(LocalError::Newer { path: path.to_owned(), found: head.version });
        }
        Ok(head) => match serde_json::from_value(head.content) {
            Ok(content) => return Ok(Some(content)),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Err(broken(path, why, now))
}

fn broken(path: &Path, why: String, now: Timestamp) -> LocalError {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    match move_aside(path, &stamp) {
        Ok(aside) => LocalError::Broken { path: path.to_owned(), aside, why },
        Err(error) => error.into(),
    }
}
