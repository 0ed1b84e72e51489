//! `createOptions`: Docker's container body as a text, in one value or in numbered pieces. Read as edgeAgent reads
//! it, written as it was found unless a value is more than the hub takes.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::limits::VALUE_BYTES;
use crate::domain::patch::without_nulls;
use crate::domain::text::Untrusted;

/// The most pieces edgeAgent reads.
pub const AGENT_CHUNKS: usize = 100;
/// The most pieces the template tools read back.
pub const USUAL_CHUNKS: usize = 8;
/// How long a piece is, in UTF-16 code units, as every writer splits.
pub const CHUNK_UNITS: usize = 512;

const NAME: &str = "createOptions";
/// A label edgeAgent leaves out when it compares.
const NORMALISED: &str = "normalizedCreateOptions";

/// Why `createOptions` cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateOptionsError {
    /// The first piece has a number.
    #[error("the first piece is {0}; it must be createOptions, without a number")]
    First(String),
    /// A number is missing or does not follow.
    #[error("piece {expected} is expected, but {found} stands there")]
    Gap {
        /// The number that should come.
        expected: usize,
        /// The key that comes.
        found: String,
    },
    /// The joined text is no JSON object. The text is not quoted: it may hold secrets.
    #[error("the text is no JSON object ({0})")]
    NotAnObject(String),
    /// The text needs more pieces than edgeAgent reads.
    #[error("the text needs {0} pieces; edgeAgent reads {AGENT_CHUNKS}")]
    TooLong(usize),
}

/// Whether a key of `settings` counts as a piece: edgeAgent looks for the name anywhere in it, in any case.
pub(super) fn is_chunk(key: &str) -> bool {
    number_of(key).is_some()
}

/// The digits after the name, when the name stands in the key.
fn number_of(key: &str) -> Option<&str> {
    let start = key.to_ascii_lowercase().find("createoptions")? + NAME.len();
    let rest = key.get(start..)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)
}

/// Joins the pieces in `settings`, in the order and with the checks of edgeAgent. An object is taken as its JSON.
///
/// # Errors
/// [`CreateOptionsError`] where edgeAgent refuses the whole configuration (400).
pub fn join(settings: &Map<String, Value>) -> Result<String, CreateOptionsError> {
    let mut pieces: Vec<(&String, &str, &Value)> =
        settings.iter().filter_map(|(key, value)| number_of(key).map(|number| (key, number, value))).collect();
    // .NET's order without case: by capital letters.
    pieces.sort_by_cached_key(|(key, ..)| key.to_uppercase());
    let mut text = String::new();
    // What comes after the last piece it reads is never looked at.
    for (expected, (key, number, value)) in pieces.into_iter().take(AGENT_CHUNKS).enumerate() {
        if expected == 0 && !number.is_empty() {
            return Err(CreateOptionsError::First(shown(key)));
        }
        if expected > 0 && number.parse() != Ok(expected) {
            return Err(CreateOptionsError::Gap { expected, found: shown(key) });
        }
        match value {
            Value::Null => {}
            Value::String(piece) => text.push_str(piece),
            other => text.push_str(&other.to_string()),
        }
    }
    Ok(text)
}

fn shown(key: &str) -> String {
    Untrusted::new(key).shown().as_str().to_owned()
}

/// Splits a text as edgeAgent's own writer does: `createOptions`, `createOptions01`, … of [`CHUNK_UNITS`] each. A
/// text that fits in one value stays whole.
///
/// # Errors
/// [`CreateOptionsError::TooLong`] when edgeAgent would not read all of it back.
pub fn split(text: &str) -> Result<Vec<(String, String)>, CreateOptionsError> {
    if text.len() <= VALUE_BYTES {
        return Ok(vec![(NAME.to_owned(), text.to_owned())]);
    }
    let mut pieces = vec![String::new()];
    let mut units = 0;
    for c in text.chars() {
        if units + c.len_utf16() > CHUNK_UNITS {
            pieces.push(String::new());
            units = 0;
        }
        units += c.len_utf16();
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    if pieces.len() > AGENT_CHUNKS {
        return Err(CreateOptionsError::TooLong(pieces.len()));
    }
    let name = |index: usize| if index == 0 { NAME.to_owned() } else { format!("{NAME}{index:02}") };
    Ok(pieces.into_iter().enumerate().map(|(index, piece)| (name(index), piece)).collect())
}

/// `settings` as they may be sent: unchanged when every piece is a value the hub takes, else joined and split anew,
/// at the place of the first piece.
///
/// # Errors
/// [`CreateOptionsError`] when the pieces cannot be joined, or need too many.
pub fn fit(settings: &Map<String, Value>) -> Result<Map<String, Value>, CreateOptionsError> {
    let over = |value: &Value| value.as_str().is_some_and(|text| text.len() > VALUE_BYTES);
    if !settings.iter().any(|(key, value)| is_chunk(key) && over(value)) {
        return Ok(settings.clone());
    }
    let mut pieces = Some(split(&join(settings)?)?);
    let mut out = Map::new();
    for (key, value) in settings {
        if !is_chunk(key) {
            out.insert(key.clone(), value.clone());
        } else if let Some(pieces) = pieces.take() {
            out.extend(pieces.into_iter().map(|(key, piece)| (key, Value::String(piece))));
        }
    }
    Ok(out)
}

/// A container's options, parsed. Equal when they mean the same to edgeAgent.
#[derive(Clone, Default)]
pub struct CreateOptions(Map<String, Value>);

impl CreateOptions {
    /// Reads a joined text; blank and `null` mean none.
    ///
    /// # Errors
    /// [`CreateOptionsError::NotAnObject`].
    pub fn parse(text: &str) -> Result<Self, CreateOptionsError> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("null") {
            return Ok(Self::default());
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(CreateOptionsError::NotAnObject("it is JSON of another kind".to_owned())),
            Err(error) => Err(CreateOptionsError::NotAnObject(error.to_string())),
        }
    }

    /// The options as JSON; may hold secrets.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The options as one line of JSON, as edgeAgent reports them; may hold secrets.
    #[must_use]
    pub fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn compared(&self) -> Value {
        let mut options = without_nulls(&Value::Object(self.0.clone()));
        if let Some(Value::Object(labels)) = options.get_mut("Labels") {
            labels.shift_remove(NORMALISED);
        }
        options
    }
}

impl PartialEq for CreateOptions {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.compared() == other.compared()
    }
}

impl fmt::Debug for CreateOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
