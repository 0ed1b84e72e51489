//! Device and module twins as the service hands them out (`GET /twins/{id}`, api-version 2021-04-12), and where in an
//! `$edgeAgent` twin the modules stand.

use serde_json::{Map, Value};

use super::ids::{DeploymentId, ETag, ModuleId, TwinId};
use super::time::HubTime;

/// A whole twin, read once and never changed; edits are patches against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    /// Whose twin.
    pub id: TwinId,
    /// The tag to send in `If-Match`; moves with tags and desired properties, never with reported ones.
    pub etag: ETag,
    /// The twin's `version`: moves with every write, reported ones included.
    pub version: u64,
    /// `enabled` or `disabled`, as sent.
    pub status: String,
    /// The hub's own view; lags minutes, and is `Disconnected` for healthy edge devices.
    pub connection_state: String,
    /// When the hub last heard from it.
    pub last_activity: Option<HubTime>,
    /// Tags; empty when none were ever set.
    pub tags: Map<String, Value>,
    /// What somebody wants.
    pub desired: Section,
    /// What the device or module says.
    pub reported: Section,
    /// Which configurations name this twin, and how far they got.
    pub configurations: Vec<(DeploymentId, ConfigurationStatus)>,
}

/// One half of a twin: the user's values, with `$metadata` and `$version` taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// User values only, in wire order.
    pub values: Map<String, Value>,
    /// `$metadata` as sent; mirrors the values.
    pub metadata: Map<String, Value>,
    /// `$version`.
    pub version: u64,
}

impl Section {
    /// When anything in the section last changed; `None` when the hub did not say.
    #[must_use]
    pub fn last_updated(&self) -> Option<HubTime> {
        stamp(&self.metadata)
    }

    /// When the value at `path` last changed, from the nearest metadata at or above it.
    #[must_use]
    pub fn updated_at(&self, path: &[String]) -> Option<HubTime> {
        let mut node = &self.metadata;
        let mut found = stamp(node);
        for segment in path {
            match node.get(segment) {
                Some(Value::Object(child)) => {
                    node = child;
                    found = stamp(node).or(found);
                }
                _ => break,
            }
        }
        found
    }

    /// The values as one JSON object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.values.clone())
    }
}

fn stamp(metadata: &Map<String, Value>) -> Option<HubTime> {
    metadata.get("$lastUpdated").and_then(Value::as_str).and_then(HubTime::parse)
}

/// How far a configuration got on one twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigurationStatus {
    /// The condition matches, but something else won.
    Targeted,
    /// Part of what the twin holds.
    Applied,
    /// A word we do not know.
    Other,
}

/// The modules in a half of an `$edgeAgent` twin: the runtime's own, with the `$` they lack there, then the others.
pub fn modules_of(agent: &Map<String, Value>) -> impl Iterator<Item = (ModuleId, &Value)> {
    [("systemModules", "$"), ("modules", "")].into_iter().flat_map(|(section, sigil)| {
        let modules = agent.get(section).and_then(Value::as_object).into_iter().flatten();
        modules.map(move |(name, module)| (ModuleId::from_wire(format!("{sigil}{name}")), module))
    })
}

/// The image of one of them.
#[must_use]
pub fn image_of(module: &Value) -> Option<&str> {
    module.pointer("/settings/image").and_then(Value::as_str)
}
