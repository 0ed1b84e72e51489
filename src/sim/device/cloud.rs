//! What a machine sees of the hub once it has a link. Whether it has one is the machine's own business.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The hub, as a device's runtime meets it.
pub(in crate::sim) trait Cloud {
    /// Whether the hub lets the device in: it is registered and enabled.
    fn admits(&self, device: &str) -> bool;

    /// A module twin's desired properties and their `$version`; nothing when there is no such module.
    fn desired(&self, device: &str, module: &str) -> Option<(&Map<String, Value>, u64)>;

    /// A module twin's reported properties and their `$version`.
    fn reported(&self, device: &str, module: &str) -> Option<(&Map<String, Value>, u64)>;

    /// Merges a patch into a module twin's reported properties.
    ///
    /// # Errors
    /// The hub's sentence, when the twin is missing or would break a limit.
    fn report(&mut self, device: &str, module: &str, patch: Map<String, Value>, at: Timestamp) -> Result<(), String>;

    /// The ids of a device's modules, the runtime's two included.
    fn modules(&self, device: &str) -> Vec<String>;

    /// Creates a module identity for the runtime, or gives an existing one keys of the runtime's making; whether that
    /// worked.
    fn adopt(&mut self, device: &str, module: &str, at: Timestamp) -> bool;

    /// Deletes a module identity and its twin, if the runtime manages it.
    fn dismiss(&mut self, device: &str, module: &str);

    /// The link of a module, or of the device itself, begins or ends.
    fn link(&mut self, device: &str, module: Option<&str>, connected: bool, at: Timestamp);

    /// Something of a module, or of the device itself, was heard.
    fn heard(&mut self, device: &str, module: Option<&str>, at: Timestamp);
}
