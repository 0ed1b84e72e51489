//! Keymaps and themes are chosen by name: some are shipped, compiled in; an operator's own go before a shipped one of the
//! same name, and may inherit it. Reading folders belongs to whoever has a file system.

use std::collections::BTreeMap;

use crate::domain::text::Shown;

/// Names on the way from a file to what it inherits, each with whether it was the operator's.
pub(super) type Trail = Vec<(String, bool)>;

/// Nothing has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {what} {}; there are {}", Shown::sanitise(.name), .known.join(", "))]
pub struct UnknownName {
    /// `keymap` or `theme`.
    pub what: &'static str,
    /// The name that was asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

/// The texts of one kind of file, by name.
#[derive(Debug, Clone)]
pub(super) struct NamedTexts {
    what: &'static str,
    shipped: &'static [(&'static str, &'static str)],
    own: BTreeMap<String, String>,
}

impl NamedTexts {
    /// Only the shipped ones: names and texts.
    pub fn shipped(what: &'static str, shipped: &'static [(&'static str, &'static str)]) -> Self {
        Self { what, shipped, own: BTreeMap::new() }
    }

    /// Adds the text of a file of the operator's.
    pub fn add(&mut self, name: String, text: String) {
        self.own.insert(name, text);
    }

    /// All names, shipped ones first.
    pub fn names(&self) -> Vec<String> {
        let own = self.own.keys().filter(|name| self.shipped_text(name).is_none()).cloned();
        self.shipped.iter().map(|(name, _)| (*name).to_owned()).chain(own).collect()
    }

    /// That nothing is called `name`.
    pub fn unknown(&self, name: &str) -> UnknownName {
        UnknownName { what: self.what, name: name.to_owned(), known: self.names() }
    }

    /// The text under a name that is not yet on the trail, the operator's before the shipped, and whether it is theirs.
    pub fn text(&self, name: &str, trail: &Trail) -> Option<(&str, bool)> {
        let own = self.own.get(name).map(|text| (text.as_str(), true));
        let candidates = own.into_iter().chain(self.shipped_text(name).map(|text| (text, false)));
        let seen = |is_own: bool| trail.iter().any(|(known, from)| known == name && *from == is_own);
        candidates.into_iter().find(|(_, is_own)| !seen(*is_own))
    }

    /// A shipped text, whatever the operator has under that name.
    pub fn shipped_text(&self, name: &str) -> Option<&'static str> {
        self.shipped.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}
