//! Environment variables of a module: names to texts. Their values may be secrets and do not print.

use std::collections::BTreeMap;
use std::fmt;

use super::reader::{Node, Unreadable};

/// A module's environment, sorted by name; equal when names and values are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Unreadable> {
        let mut values = BTreeMap::new();
        for (name, entry) in node.members()? {
            let value = match entry.optional("value")? {
                Some(value) => value.text()?,
                None => String::new(),
            };
            values.insert(name.to_owned(), value);
        }
        Ok(Self(values))
    }

    /// The value of a variable; may be a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All variables, sorted by name; values may be secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
