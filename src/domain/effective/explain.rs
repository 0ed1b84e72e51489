//! Who set what, who set it too and lost, and what is gone altogether.

use std::fmt;

use serde_json::Value;

use super::merge::merge;
use super::select::Outcome;
use super::{Configuration, Effective, MergedTwin};
use crate::domain::json::Path;

/// One leaf of a module's merged desired properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained<'a> {
    /// Where.
    pub path: Path,
    /// What stands there.
    pub value: &'a Value,
    /// Who set it.
    pub from: &'a Configuration,
    /// Who set it too, by precedence, and lost.
    pub lost: Vec<Lost<'a>>,
}

/// A configuration that sets a place and lost it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost<'a> {
    /// Which one.
    pub configuration: &'a Configuration,
    /// What it sets there.
    pub value: Value,
    /// Why it lost.
    pub why: Why,
}

/// A leaf that a matching configuration sets, and that is not in the result at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped<'a> {
    /// Where it would be.
    pub path: Path,
    /// Whose it is, and why it is gone.
    pub lost: Lost<'a>,
    /// Who had the last word about the place, when one that applies had.
    pub by: Option<&'a Configuration>,
}

/// Why a configuration did not get its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It applies, and one of higher priority set the same place.
    LowerPriority,
    /// It applies, and a newer one of the same priority set the same place.
    OlderLayer,
    /// It does not apply.
    NotApplied(Outcome),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LowerPriority => f.write_str("lower priority"),
            Self::OlderLayer => f.write_str("layer of the same priority, created earlier"),
            Self::NotApplied(outcome) => outcome.fmt(f),
        }
    }
}

impl Effective {
    /// Every leaf of a module's merged desired properties with who set it and who lost; exactly the leaves of
    /// [`MergedTwin::leaves`], in their order.
    #[must_use]
    pub fn explain(&self, module: &str) -> Vec<Explained<'_>> {
        let Some(twin) = self.twin(module) else { return Vec::new() };
        let contents = self.own_contents(module);
        let leaves = twin.leaves().into_iter();
        leaves
            .filter_map(|(path, value)| {
                let winner = twin.origin(&path)?;
                let from = self.configuration(winner)?;
                let others = contents.iter().filter(|(index, ..)| *index != winner);
                let lost = others.filter_map(|(index, configuration, own)| {
                    let value = path.of_map(&own.desired)?.clone();
                    Some(Lost { configuration, value, why: self.why(*index, from) })
                });
                Some(Explained { lost: lost.collect(), path, value, from })
            })
            .collect()
    }

    /// What matching configurations set for a module without it being in the result, by precedence.
    #[must_use]
    pub fn dropped(&self, module: &str) -> Vec<Dropped<'_>> {
        let twin = self.twin(module);
        let kept: Vec<Path> =
            twin.map(|twin| twin.leaves().into_iter().map(|(path, _)| path).collect()).unwrap_or_default();
        let mut found = Vec::new();
        for (index, configuration, own) in self.own_contents(module) {
            for (path, value) in own.leaves() {
                if kept.contains(&path) {
                    continue;
                }
                let by = twin.and_then(|twin| twin.last_word(&path)).filter(|by| *by != index);
                let by = by.and_then(|by| self.configuration(by));
                let why = self.why(index, by.unwrap_or(configuration));
                found.push(Dropped { lost: Lost { configuration, value: value.clone(), why }, path, by });
            }
        }
        found
    }

    /// What each matching configuration alone gives the module, by precedence.
    fn own_contents(&self, module: &str) -> Vec<(usize, &Configuration, MergedTwin)> {
        let ranked = self.ranked.0.iter();
        ranked
            .filter_map(|(index, _)| {
                let configuration = self.configuration(*index)?;
                let own = merge([(*index, &*configuration.content)]).remove(module)?;
                Some((*index, configuration, own))
            })
            .collect()
    }

    fn why(&self, loser: usize, winner: &Configuration) -> Why {
        let outcome = self.ranked.outcome(loser).unwrap_or(Outcome::NoAgent);
        let priority = self.configuration(loser).map(|loser| loser.priority);
        match outcome {
            Outcome::Layer if priority == Some(winner.priority) => Why::OlderLayer,
            Outcome::Base | Outcome::Layer => Why::LowerPriority,
            lost => Why::NotApplied(lost),
        }
    }
}
