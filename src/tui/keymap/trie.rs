//! Key sequences of one scope. A node is an action or a branch, never both, so that no key waits for a clock.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Chord, Key};
use crate::tui::actions::ActionId;

/// What a sequence leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Action(ActionId),
    Branch(Trie),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trie(BTreeMap<Key, Node>);

/// Why a chord cannot be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Clash {
    /// The same keys, or keys the chord begins with, belong to this action.
    Taken(ActionId),
    /// The chord is how longer ones begin.
    Begins(ActionId),
}

impl Trie {
    /// Adds a chord; the trie stays as it was when the chord clashes with one that is there.
    pub(super) fn insert(&mut self, chord: &Chord, action: ActionId) -> Result<(), Clash> {
        self.insert_keys(chord.keys(), action)
    }

    fn insert_keys(&mut self, keys: &[Key], action: ActionId) -> Result<(), Clash> {
        let Some((first, rest)) = keys.split_first() else { return Ok(()) };
        match (self.0.entry(*first), rest) {
            (Entry::Vacant(slot), []) => {
                slot.insert(Node::Action(action));
                Ok(())
            }
            (Entry::Vacant(slot), rest) => {
                let mut branch = Self::default();
                branch.insert_keys(rest, action)?;
                slot.insert(Node::Branch(branch));
                Ok(())
            }
            (Entry::Occupied(slot), rest) => match (slot.into_mut(), rest) {
                (Node::Action(other), _) => Err(Clash::Taken(*other)),
                (Node::Branch(branch), []) => Err(branch.any_action().map_or(Clash::Taken(action), Clash::Begins)),
                (Node::Branch(branch), rest) => branch.insert_keys(rest, action),
            },
        }
    }

    pub(super) fn get(&self, keys: &[Key]) -> Option<&Node> {
        let (first, rest) = keys.split_first()?;
        match (self.0.get(first)?, rest) {
            (node, []) => Some(node),
            (Node::Branch(branch), rest) => branch.get(rest),
            (Node::Action(_), _) => None,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.0.iter()
    }

    fn any_action(&self) -> Option<ActionId> {
        self.0.values().find_map(|node| match node {
            Node::Action(action) => Some(*action),
            Node::Branch(branch) => branch.any_action(),
        })
    }
}
