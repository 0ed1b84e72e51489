//! Keymaps: from key presses to actions, and from actions back to keys for hints and help.
//!
//! Shipped profiles are files in `keymaps/`, compiled in; an operator's file is laid over one of them. Chords wait for
//! their next key without a clock: no time-out ever fires an action.

mod file;
mod key;
#[cfg(test)]
mod tests;
mod trie;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crossterm::event::KeyEvent;

pub use key::{Key, KeyError};

use super::actions::{ActionId, Danger, Scope};
use super::finding::{Finding, Level};
pub use super::named::UnknownName;
use super::named::{NamedTexts, Trail};
use file::KeymapFile;
use trie::{Node, Trie};

/// The profile used when nobody chose one.
pub const DEFAULT: &str = "k9s";

const SHIPPED: [(&str, &str); 2] =
    [("k9s", include_str!("../../../keymaps/k9s.toml")), ("vim", include_str!("../../../keymaps/vim.toml"))];

/// One or more keys pressed one after the other; printed with a space between.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord(Vec<Key>);

impl Chord {
    /// Its keys, at least one.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }
}

impl From<Key> for Chord {
    fn from(key: Key) -> Self {
        Self(vec![key])
    }
}

impl FromStr for Chord {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let keys = text.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
        // No word at all is no key; the key's own error says it.
        if keys.is_empty() { text.parse().map(|key: Key| Self(vec![key])) } else { Ok(Self(keys)) }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

/// The keymaps there are: the shipped profiles, and the operator's by name.
#[derive(Debug, Clone)]
pub struct Keymaps(NamedTexts);

impl Keymaps {
    /// Only the shipped profiles.
    #[must_use]
    pub fn shipped() -> Self {
        Self(NamedTexts::shipped("keymap", &SHIPPED))
    }

    /// Adds the text of a keymap file of the operator's.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.add(name.into(), text.into());
    }

    /// All names, shipped ones first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// The keymap `name`, with what is wrong about its files. A file that names no parent builds on `k9s`. Whatever
    /// the files say, `esc`, `ctrl-c` and a key for help work.
    ///
    /// # Errors
    /// [`UnknownName`] when there is no such keymap.
    pub fn load(&self, name: &str) -> Result<(Keymap, Vec<Finding>), UnknownName> {
        let mut findings = Vec::new();
        let mut layers = Vec::new();
        let mut trail = Trail::new();
        let mut next = Some(name.to_owned());
        while let Some(wanted) = next.take() {
            let Some((text, is_own)) = self.0.text(&wanted, &trail) else { break };
            trail.push((wanted.clone(), is_own));
            let (file, found) = KeymapFile::read(&format!("{wanted}.toml"), text);
            findings.extend(found);
            next = match &file.inherits {
                Some((parent, _)) if parent == "none" => None,
                Some((parent, place)) if self.0.text(parent, &trail).is_none() => {
                    let message = format!("cannot inherit {parent}: there is no such keymap, or it inherits this one");
                    let (level, place) = (Level::Warning, place.clone());
                    findings.push(Finding { level, place, message: message.into() });
                    Some(DEFAULT.to_owned())
                }
                Some((parent, _)) => Some(parent.clone()),
                None => Some(DEFAULT.to_owned()),
            };
            layers.push((file, is_own));
        }
        if layers.is_empty() {
            return Err(self.0.unknown(name));
        }
        layers.reverse();
        let keymap = file::build(name, &layers, &mut findings);
        Ok((keymap, findings))
    }

    /// As [`Keymaps::load`], or the default keymap together with the reason.
    #[must_use]
    pub fn load_or_default(&self, name: &str) -> (Keymap, Vec<Finding>, Option<UnknownName>) {
        match self.load(name) {
            Ok((keymap, findings)) => (keymap, findings, None),
            Err(unknown) => {
                let text = self.0.shipped_text(DEFAULT).unwrap_or_default();
                let (file, mut findings) = KeymapFile::read(DEFAULT, text);
                let keymap = file::build(DEFAULT, &[(file, false)], &mut findings);
                (keymap, findings, Some(unknown))
            }
        }
    }
}

/// The keys of a chord that have been pressed so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending(Vec<Key>);

impl Pending {
    /// Whether no chord is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys so far.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }
}

/// One way a pending chord can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation {
    /// The next key.
    pub key: Key,
    /// What it does; `None` when still more keys follow.
    pub action: Option<ActionId>,
}

/// What a key press amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Do this.
    Action(ActionId),
    /// A chord has begun, or goes on; these keys can follow.
    Pending(Vec<Continuation>),
    /// `esc` ended a chord; nothing else happens.
    Cancelled,
    /// No action. In an input the key is text; elsewhere say that nothing is on it.
    None,
}

/// A keymap ready to use.
#[derive(Debug, Clone)]
pub struct Keymap {
    name: String,
    scopes: BTreeMap<Scope, Trie>,
    keys: BTreeMap<ActionId, Vec<Chord>>,
    own: BTreeSet<ActionId>,
}

impl Keymap {
    /// The keymap's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `event` means in `scopes`, innermost first. Keys of an unfinished chord stay in `pending`; a chord that
    /// leads nowhere is dropped as a whole.
    pub fn lookup(&self, scopes: &[Scope], pending: &mut Pending, event: KeyEvent) -> Lookup {
        let Some(key) = Key::from_event(event) else { return Lookup::None };
        if key == Key::ESC && !pending.is_empty() {
            pending.0.clear();
            return Lookup::Cancelled;
        }
        pending.0.push(key);
        let found = self.resolve(scopes, &pending.0);
        if !matches!(found, Lookup::Pending(_)) {
            pending.0.clear();
        }
        found
    }

    /// The keys of `action`, the one to show first; empty when it has none.
    #[must_use]
    pub fn keys_for(&self, action: ActionId) -> &[Chord] {
        self.keys.get(&action).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the operator's own file set the keys of `action`.
    #[must_use]
    pub fn is_own(&self, action: ActionId) -> bool {
        self.own.contains(&action)
    }

    /// The first key of `action` that reaches it from `scopes`: not hidden by an inner scope, not text in an input.
    #[must_use]
    pub fn reaching(&self, scopes: &[Scope], action: ActionId) -> Option<&Chord> {
        self.keys_for(action).iter().find(|chord| self.resolve(scopes, chord.keys()) == Lookup::Action(action))
    }

    /// What the hint bar shows in `scopes`, the weightiest first; actions that change the hub only when `can_write`.
    #[must_use]
    pub fn hints(&self, scopes: &[Scope], can_write: bool) -> Vec<(ActionId, &Chord)> {
        let mut hints: Vec<(ActionId, &Chord)> = ActionId::ALL
            .iter()
            .filter(|id| id.action().weight > 0 && (can_write || id.action().danger != Danger::Write))
            .filter_map(|id| Some((*id, self.reaching(scopes, *id)?)))
            .collect();
        hints.sort_by_key(|(id, _)| std::cmp::Reverse(id.action().weight));
        hints
    }

    /// The innermost scope that knows the keys decides; below one with a chord under way the outer ones add theirs.
    fn resolve(&self, scopes: &[Scope], keys: &[Key]) -> Lookup {
        let typing = keys.first().is_some_and(|key| key.is_typing());
        let mut continuations: Vec<Continuation> = Vec::new();
        let mut closed = false;
        for scope in scopes {
            match self.scopes.get(scope).and_then(|trie| trie.get(keys)) {
                Some(Node::Action(action))
                    if continuations.is_empty() && (!closed || action.action().everywhere && !typing) =>
                {
                    return Lookup::Action(*action);
                }
                Some(Node::Branch(branch)) if !closed => {
                    for (key, node) in branch.iter() {
                        if continuations.iter().all(|known| known.key != *key) {
                            let action = match node {
                                Node::Action(action) => Some(*action),
                                Node::Branch(_) => None,
                            };
                            continuations.push(Continuation { key: *key, action });
                        }
                    }
                }
                _ => {}
            }
            closed |= scope.is_closed();
        }
        if continuations.is_empty() { Lookup::None } else { Lookup::Pending(continuations) }
    }
}
