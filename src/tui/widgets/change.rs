//! One change of a document as a line: what the editor, the review, the dialog and the list of changes show alike.

use serde_json::Value;

use crate::domain::json;
use crate::domain::patch::Change;
use crate::domain::secret::{mask_at, names_a_secret};
use crate::tui::theme::Role;

/// One change as a line with its role; secrets are hidden.
#[must_use]
pub fn line(change: &Change) -> (Role, String) {
    let path = change.path.shown();
    let secret = change.path.keys().iter().any(|key| names_a_secret(key));
    let text = |value: &Value| {
        let mut value = value.clone();
        mask_at(change.path.keys(), &mut value);
        json::compact(&value)
    };
    match (&change.old, &change.new) {
        (Some(_), Some(_)) if secret => (Role::DiffChange, format!("~ {path}   (changed, hidden)")),
        (None, Some(_)) if secret => (Role::DiffAdd, format!("+ {path}   (added, hidden)")),
        (Some(old), Some(new)) => {
            let note = if change.replaces_array() { "   (arrays are replaced as a whole)" } else { "" };
            (Role::DiffChange, format!("~ {path}   {} -> {}{note}", text(old), text(new)))
        }
        (None, Some(new)) => (Role::DiffAdd, format!("+ {path}   {}", text(new))),
        (Some(_), None) if secret => (Role::DiffDel, format!("- {path}   (hidden; null deletes the key)")),
        (Some(old), None) => (Role::DiffDel, format!("- {path}   {}   (null deletes the key)", text(old))),
        (None, None) => (Role::DiffContext, format!("  {path}")),
    }
}
