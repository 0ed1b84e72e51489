//! What one module's entry sets: the whole desired section (a base) or paths below it (a layer). The keys decide, not
//! a flag: the service has none.

use serde_json::{Map, Value};

use crate::domain::json::Path;

/// The key that sets a whole desired section, and begins every other.
pub const DESIRED: &str = "properties.desired";

/// Whether a configuration is a base or a layer over one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `$edgeAgent` gets a whole desired section: the complete set of modules.
    Base,
    /// `$edgeAgent` gets paths, or nothing (`{}`): something on top of a base.
    Layer,
}

/// One key of an entry: a value and where in the desired section it goes.
#[derive(Clone, PartialEq)]
pub struct Assignment {
    /// The place below `properties.desired`; the root for the whole section.
    pub path: Path,
    /// What stands there afterwards; it replaces what lower deployments had there.
    pub value: Value,
}

impl Assignment {
    /// The key as it is written: `properties.desired.modules.name`.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = DESIRED.to_owned();
        for part in self.path.keys() {
            key.push('.');
            key.push_str(part);
        }
        key
    }
}

impl std::fmt::Debug for Assignment {
    /// The place only: values hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignment").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Everything one configuration sets in one module's twin, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// Each key's place and value. Two keys of one entry may overlap; what is deeper comes later in effect.
    pub assignments: Vec<Assignment>,
}

impl Content {
    /// Reads an entry's keys.
    ///
    /// # Errors
    /// The first key that sets no desired property.
    pub fn read(entry: &Map<String, Value>) -> Result<Self, String> {
        let mut assignments = Vec::with_capacity(entry.len());
        for (key, value) in entry {
            let below = key.strip_prefix(DESIRED).ok_or_else(|| key.clone())?;
            let mut path = Path::root();
            if !below.is_empty() {
                let below = below.strip_prefix('.').ok_or_else(|| key.clone())?;
                for part in below.split('.') {
                    if part.is_empty() {
                        return Err(key.clone());
                    }
                    path = path.child(part);
                }
            }
            assignments.push(Assignment { path, value: value.clone() });
        }
        Ok(Self { assignments })
    }

    /// The whole desired section, when a key sets it.
    #[must_use]
    pub fn whole(&self) -> Option<&Value> {
        self.assignments.iter().find(|set| set.path.keys().is_empty()).map(|set| &set.value)
    }

    /// What the entry makes its configuration when it is that of `$edgeAgent`.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.whole().is_some() { Kind::Base } else { Kind::Layer }
    }

    /// The assignments in the order they take effect: outer places before inner ones, else as in the file.
    #[must_use]
    pub fn in_effect(&self) -> Vec<&Assignment> {
        let mut ordered: Vec<&Assignment> = self.assignments.iter().collect();
        ordered.sort_by_key(|set| set.path.keys().len());
        ordered
    }

    /// Every leaf the entry sets, with its place below `properties.desired`. A leaf is what the hub keeps as one
    /// value: a primitive, an array, or an object without members.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Path, &Value)> {
        let mut found = Vec::new();
        for set in &self.assignments {
            leaves_below(&set.path, &set.value, &mut found);
        }
        found
    }

    /// The entry as it is written.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.assignments.iter().map(|set| (set.key(), set.value.clone())).collect())
    }
}

fn leaves_below<'a>(at: &Path, value: &'a Value, found: &mut Vec<(Path, &'a Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, child) in map {
                leaves_below(&at.child(key), child, found);
            }
        }
        _ => found.push((at.clone(), value)),
    }
}
