//! A cursor over JSON that knows where it is and reads as edgeAgent and edgeHub do: members in any case, numbers and
//! booleans as text, `null` as if it were not there.

use serde_json::{Map, Value};

use crate::domain::json::Path;
use crate::domain::text::Untrusted;

/// What could not be read, and where; the sentence is ours and safe to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: Path,
    pub(super) reason: String,
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) at: Path,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, at: Path::root() }
    }

    pub(super) fn fault<T>(&self, reason: impl Into<String>) -> Result<T, Unreadable> {
        Err(Unreadable { at: self.at.clone(), reason: reason.into() })
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, Unreadable> {
        self.value.as_object().map_or_else(|| self.fault("is no object"), Ok)
    }

    /// The members, each with its place; nulls are not there.
    pub(super) fn members(&self) -> Result<Vec<(&'a str, Node<'a>)>, Unreadable> {
        let members = self.object()?.iter().filter(|(_, value)| !value.is_null());
        Ok(members.map(|(key, value)| (key.as_str(), Node { value, at: self.at.child(key) })).collect())
    }

    /// A member: by its exact name, else by the same letters in another case.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Node<'a>>, Unreadable> {
        let map = self.object()?;
        let found = map
            .get_key_value(name)
            .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
            .filter(|(_, value)| !value.is_null());
        Ok(found.map(|(key, value)| Node { value, at: self.at.child(key) }))
    }

    pub(super) fn required(&self, name: &str) -> Result<Node<'a>, Unreadable> {
        self.optional(name)?
            .map_or_else(|| Err(Unreadable { at: self.at.child(name), reason: "is missing".to_owned() }), Ok)
    }

    /// A text; numbers and booleans are taken as they are written.
    pub(super) fn text(&self) -> Result<String, Unreadable> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => self.fault("is no text"),
        }
    }

    /// A text with something in it. The text itself is not quoted: it may be a password.
    pub(super) fn filled_text(&self) -> Result<String, Unreadable> {
        let text = self.text()?;
        if text.trim().is_empty() { self.fault("is blank") } else { Ok(text) }
    }

    /// One of a few words, in any case.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Unreadable> {
        let text = self.text()?;
        // The runtime also knows the words without their dash.
        let same = |word: &str| text.eq_ignore_ascii_case(word) || text.eq_ignore_ascii_case(&word.replace('-', ""));
        if let Some((_, found)) = words.iter().find(|(word, _)| same(word)) {
            return Ok(*found);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.fault(format!("is {}, which is none of {}", Untrusted::new(text).shown().as_str(), known.join(", ")))
    }

    /// A whole number, also as a text or with a fraction of zero.
    pub(super) fn whole(&self) -> Option<i64> {
        match self.value {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.as_i64().or_else(|| {
                let text = number.to_string();
                text.strip_suffix(".0").and_then(|whole| whole.parse().ok())
            }),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}
