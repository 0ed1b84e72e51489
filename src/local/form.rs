//! What was filled into forms and not sent: per hub, by the command that opens the form.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The fields of a form: what was typed into each; `None` where it stands as it began.
pub type FilledIn = Vec<Option<String>>;

/// The forms of every hub.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct FormState {
    /// By the hub's name, then by the command.
    pub(super) hubs: BTreeMap<String, BTreeMap<String, KeptForm>>,
}

/// One form, as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptForm {
    /// When it was last typed into.
    pub(super) saved_at: Timestamp,
    /// Its fields.
    pub(super) fields: FilledIn,
}
