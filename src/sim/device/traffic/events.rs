//! What whoever drives a device hears: exits, reported properties, clients, and answers to direct methods.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A program that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct Exit {
    /// Its container.
    pub module: String,
    /// When.
    pub at: Timestamp,
    /// Its code.
    pub code: i64,
}

/// Reported properties a module sent through edgeHub.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) struct Report {
    /// The module.
    pub module: String,
    /// When.
    pub at: Timestamp,
    /// What changes; `null` deletes.
    pub patch: Map<String, Value>,
}

/// A module's client connected to edgeHub, or is gone: for `clients` in `$edgeHub`'s twin. When edgeHub itself ends
/// it tells nobody, and begins with an empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct Connection {
    /// The module.
    pub module: String,
    /// When.
    pub at: Timestamp,
    /// Whether it came or went.
    pub connected: bool,
}

/// What became of a direct method.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) enum MethodOutcome {
    /// The module answered.
    Answered {
        /// Its status.
        status: i64,
        /// Its payload.
        payload: Value,
    },
    /// It has no such method: 501.
    Unknown,
    /// It is not connected.
    NotConnected,
}
