//! Contents on top of each other. An assignment replaces everything at its place, so that a whole section wipes what
//! lower deployments set, and a path below only its own subtree; `null` deletes.

use serde_json::{Map, Value};

use super::Merged;
use crate::domain::json::Path;
use crate::domain::manifest::Manifest;
use crate::domain::patch::without_nulls;

/// What deployments give one module's twin.
#[derive(Clone, PartialEq, Default)]
pub struct MergedTwin {
    /// The desired properties they set, without what somebody else put beside them.
    pub desired: Map<String, Value>,
    /// Every assignment, in the order of its effect.
    writes: Vec<Write>,
}

#[derive(Debug, Clone, PartialEq)]
struct Write {
    path: Path,
    configuration: usize,
}

impl MergedTwin {
    /// Whether a deployment sets the whole section, so that nothing else remains in the twin.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.writes.iter().any(|write| write.path.keys().is_empty())
    }

    /// The places deployments own, the outermost only: what is set there by hand is taken back. The root alone when a
    /// deployment sets the whole section.
    #[must_use]
    pub fn owned(&self) -> Vec<&Path> {
        let mut owned: Vec<&Path> = self.writes.iter().map(|write| &write.path).collect();
        owned.sort();
        owned.dedup();
        // An outer place sorts before what is below it, though not right before.
        let outer = owned.clone();
        owned.retain(|path| !outer.iter().any(|other| *other != *path && path.keys().starts_with(other.keys())));
        owned
    }

    /// Every leaf of the result with its place: primitives, arrays, and objects without members.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Path, &Value)> {
        let mut found = Vec::new();
        leaves_below(&Path::root(), &self.desired, &mut found);
        found
    }

    /// The configuration that set the value at a place: the last one whose assignment covers it.
    pub(super) fn origin(&self, place: &Path) -> Option<usize> {
        let covers = |write: &&Write| place.keys().starts_with(write.path.keys());
        self.writes.iter().rev().find(covers).map(|write| write.configuration)
    }

    /// The configuration that had the last word about a place: above it, at it, or below it.
    pub(super) fn last_word(&self, place: &Path) -> Option<usize> {
        let touches =
            |write: &&Write| place.keys().starts_with(write.path.keys()) || write.path.keys().starts_with(place.keys());
        self.writes.iter().rev().find(touches).map(|write| write.configuration)
    }

    /// Whether a leaf that the configuration set is still there.
    pub(super) fn shows(&self, configuration: usize) -> bool {
        self.leaves().iter().any(|(place, _)| self.origin(place) == Some(configuration))
    }

    fn write(&mut self, path: &Path, value: &Value, configuration: usize) {
        match (path.keys(), value) {
            ([], value) => self.desired = without_nulls(value).as_object().cloned().unwrap_or_default(),
            (keys, Value::Null) => remove(&mut self.desired, keys),
            (keys, value) => place(&mut self.desired, keys, without_nulls(value)),
        }
        self.writes.push(Write { path: path.clone(), configuration });
    }
}

impl std::fmt::Debug for MergedTwin {
    /// The places only: values hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.writes).finish()
    }
}

fn leaves_below<'a>(at: &Path, map: &'a Map<String, Value>, found: &mut Vec<(Path, &'a Value)>) {
    for (key, value) in map {
        let at = at.child(key);
        match value {
            Value::Object(inner) if !inner.is_empty() => leaves_below(&at, inner, found),
            _ => found.push((at, value)),
        }
    }
}

/// Merges contents, the first lowest.
pub(super) fn merge<'a>(contents: impl IntoIterator<Item = (usize, &'a Manifest)>) -> Merged {
    let mut merged = Merged::new();
    for (configuration, manifest) in contents {
        for (module, content) in &manifest.modules {
            // An empty entry names a module without writing to it.
            for set in content.in_effect() {
                merged.entry(module.clone()).or_default().write(&set.path, &set.value, configuration);
            }
        }
    }
    merged
}

/// What one content alone gives, as `applyConfigurationContent` writes it to one device.
#[must_use]
pub fn merge_one(content: &Manifest) -> Vec<(crate::domain::ids::ModuleId, MergedTwin)> {
    merge([(0, content)]).into_iter().collect()
}

/// Puts `value` at a place; whatever stands in the way is replaced by objects.
pub(super) fn place(map: &mut Map<String, Value>, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [last] => {
            map.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let child = map.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Value::Object(child) = child {
                place(child, rest, value);
            }
        }
    }
}

/// Removes what stands at a place; an object that loses its last member stays, as in every twin.
pub(super) fn remove(map: &mut Map<String, Value>, keys: &[String]) {
    match keys {
        [] => map.clear(),
        [last] => {
            map.shift_remove(last);
        }
        [first, rest @ ..] => {
            if let Some(Value::Object(child)) = map.get_mut(first) {
                remove(child, rest);
            }
        }
    }
}
