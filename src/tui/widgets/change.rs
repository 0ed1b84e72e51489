//! One change of a document as a line with its colour.

use crate::domain::change::ChangeKind;
use crate::domain::patch::Change;
use crate::tui::theme::Role;

/// The line and its role; secrets are hidden.
#[must_use]
pub fn line(change: &Change) -> (Role, String) {
    let role = match change.kind() {
        ChangeKind::Add => Role::DiffAdd,
        ChangeKind::Replace => Role::DiffChange,
        ChangeKind::Remove => Role::DiffDel,
    };
    (role, change.in_words())
}
