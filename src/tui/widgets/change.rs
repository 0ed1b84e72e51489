//! One change of a document as a line with its colour.

use crate::domain::change::ChangeKind;
use crate::domain::patch::Change;
use crate::ops::Line;
use crate::tui::theme::Role;

/// The line and its role; secrets are hidden.
#[must_use]
pub fn line(change: &Change) -> (Role, String) {
    (role(change.kind()), change.in_words())
}

/// A line of a request and its role; remarks stand back.
#[must_use]
pub fn request_line(line: Line) -> (Role, String) {
    (line.kind.map_or(Role::TextDim, role), line.text)
}

fn role(kind: ChangeKind) -> Role {
    match kind {
        ChangeKind::Add => Role::DiffAdd,
        ChangeKind::Replace => Role::DiffChange,
        ChangeKind::Remove => Role::DiffDel,
    }
}
