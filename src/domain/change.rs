//! A change of a document in words: what editor, review, dialog, audit and command line show alike, secrets hidden.

use serde_json::Value;

use super::json;
use super::patch::Change;
use super::secret::{mask_at, names_a_secret};

/// What happens at a path, in the order it is told: what is lost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It goes.
    Remove,
    /// There was something else.
    Replace,
    /// There was nothing.
    Add,
}

impl Change {
    /// What happens.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (None, Some(_)) => ChangeKind::Add,
            (Some(_), Some(_)) => ChangeKind::Replace,
            (Some(_) | None, None) => ChangeKind::Remove,
        }
    }

    /// One line that may be drawn and kept: `~ /temperatureThreshold   25.0 -> 30.0`. Secrets are hidden.
    #[must_use]
    pub fn in_words(&self) -> String {
        let path = self.path.shown();
        let secret = self.path.keys().iter().any(|key| names_a_secret(key));
        let text = |value: &Value| {
            let mut value = value.clone();
            mask_at(self.path.keys(), &mut value);
            json::compact(&value)
        };
        match (&self.old, &self.new) {
            (Some(_), Some(_)) if secret => format!("~ {path}   (changed, hidden)"),
            (None, Some(_)) if secret => format!("+ {path}   (added, hidden)"),
            (Some(_), None) if secret => format!("- {path}   (hidden; null deletes the key)"),
            (Some(old), Some(new)) => {
                let note = if self.replaces_array() { "   (arrays are replaced as a whole)" } else { "" };
                format!("~ {path}   {} -> {}{note}", text(old), text(new))
            }
            (None, Some(new)) => format!("+ {path}   {}", text(new)),
            (Some(old), None) => format!("- {path}   {}   (null deletes the key)", text(old)),
            (None, None) => format!("- {path}   (there is none)"),
        }
    }
}
