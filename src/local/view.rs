//! Where the operator was: the last view of each context, with its order and filter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The last view of every context.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ViewState {
    /// By the context's name.
    pub contexts: BTreeMap<String, LastView>,
}

/// One context's last view.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastView {
    /// The view's name: `devices`.
    pub view: String,
    /// How its rows were ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortOrder>,
    /// Its filter as typed; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
}

/// An order of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortOrder {
    /// The column's name.
    pub column: String,
    /// Largest first.
    pub descending: bool,
}
