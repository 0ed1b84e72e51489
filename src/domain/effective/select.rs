//! Which configurations match a device, which of them apply, and why the others do not.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::{Configuration, Deployments, TargetCondition};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;

/// Which configurations match a device: all that decides what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Matching {
    /// Indexes, ascending.
    matched: Vec<usize>,
    /// Indexes of those whose condition only the hub can read.
    pub(super) undecided: Vec<usize>,
}

impl Deployments {
    /// Which configurations match a device with this twin document.
    #[must_use]
    pub fn matching(&self, twin: &Value) -> Matching {
        self.matched(twin, |target| target.meets(twin))
    }

    /// The same where only id, tags and capabilities of the device were read: of a condition on what devices report
    /// nothing is known.
    #[must_use]
    pub fn matching_by_tags(&self, twin: &Value) -> Matching {
        self.matched(twin, |target| if target.sees_reports() { None } else { target.meets(twin) })
    }

    fn matched(&self, twin: &Value, meets: impl Fn(&TargetCondition) -> Option<bool>) -> Matching {
        let mut matching = Matching::default();
        if twin.pointer("/capabilities/iotEdge") != Some(&Value::Bool(true)) {
            return matching;
        }
        for (index, configuration) in self.configurations.iter().enumerate() {
            match meets(&configuration.target) {
                Some(true) => matching.matched.push(index),
                Some(false) => {}
                None => matching.undecided.push(index),
            }
        }
        matching
    }

    /// A device that exactly these configurations match, for example because its twin says so; ids that are not
    /// there are left out.
    #[must_use]
    pub fn matching_ids<'i>(&self, ids: impl IntoIterator<Item = &'i DeploymentId>) -> Matching {
        let find = |id: &DeploymentId| self.configurations.binary_search_by(|known| known.id.cmp(id)).ok();
        let mut matched: Vec<usize> = ids.into_iter().filter_map(find).collect();
        matched.sort_unstable();
        matched.dedup();
        Matching { matched, undecided: Vec::new() }
    }
}

/// What became of a configuration that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The base.
    Base,
    /// A layer above the base.
    Layer,
    /// A base of lower priority than the one that applies.
    LowerBase,
    /// A base of the same priority, created earlier.
    OlderBase,
    /// A layer of lower priority than the base.
    LayerBelowBase,
    /// A layer of the base's own priority, which is dropped.
    LayerAtBase,
    /// A layer on a device without a base.
    LayerWithoutBase,
    /// Its content has no `$edgeAgent`; the hub would not have created it.
    NoAgent,
}

impl Outcome {
    /// Whether the configuration takes part in the result.
    #[must_use]
    pub fn applies(self) -> bool {
        matches!(self, Self::Base | Self::Layer)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "the base",
            Self::Layer => "layer on top of the base",
            Self::LowerBase => "base of lower priority",
            Self::OlderBase => "base of the same priority, created earlier",
            Self::LayerBelowBase => "layer of lower priority than the base",
            Self::LayerAtBase => "layer at the base's own priority",
            Self::LayerWithoutBase => "layer, and no base matches",
            Self::NoAgent => "content without $edgeAgent",
        })
    }
}

/// A configuration that matches, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict<'a> {
    /// Which one.
    pub configuration: &'a Configuration,
    /// What became of it.
    pub outcome: Outcome,
}

/// Matching configurations and their outcomes: layers from the top, the base, then the rest by priority.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked(pub(super) Vec<(usize, Outcome)>);

impl Ranked {
    pub(super) fn base(&self) -> Option<usize> {
        self.0.iter().find(|(_, outcome)| *outcome == Outcome::Base).map(|(index, _)| *index)
    }

    /// What applies, in the order of its effect: the base first, the highest layer last.
    pub(super) fn stack(&self) -> Vec<usize> {
        self.0.iter().rev().filter(|(_, outcome)| outcome.applies()).map(|(index, _)| *index).collect()
    }

    pub(super) fn outcome(&self, index: usize) -> Option<Outcome> {
        self.0.iter().find(|(other, _)| *other == index).map(|(_, outcome)| *outcome)
    }
}

/// Which of two goes first. The id last, so that equal times have an order at all.
pub(super) fn precedence(a: &Configuration, b: &Configuration) -> Ordering {
    b.priority.cmp(&a.priority).then(b.created.cmp(&a.created)).then_with(|| a.id.cmp(&b.id))
}

pub(super) fn rank(configurations: &[Configuration], matching: &Matching) -> Ranked {
    let mut found: Vec<(usize, &Configuration)> =
        matching.matched.iter().filter_map(|index| Some((*index, configurations.get(*index)?))).collect();
    found.sort_by(|(_, a), (_, b)| precedence(a, b));
    let base = found.iter().find(|(_, configuration)| configuration.kind() == Some(Kind::Base)).copied();
    let outcome = |index: usize, configuration: &Configuration| match (configuration.kind(), base) {
        (None, _) => Outcome::NoAgent,
        (Some(Kind::Layer), None) => Outcome::LayerWithoutBase,
        (Some(Kind::Base), Some((chosen, _))) if chosen == index => Outcome::Base,
        (Some(Kind::Base), Some((_, base))) if configuration.priority == base.priority => Outcome::OlderBase,
        (Some(Kind::Base), _) => Outcome::LowerBase,
        (Some(Kind::Layer), Some((_, base))) => match configuration.priority.cmp(&base.priority) {
            Ordering::Greater => Outcome::Layer,
            Ordering::Equal => Outcome::LayerAtBase,
            Ordering::Less => Outcome::LayerBelowBase,
        },
    };
    let mut ranked: Vec<(usize, Outcome)> =
        found.into_iter().map(|(index, configuration)| (index, outcome(index, configuration))).collect();
    ranked.sort_by_key(|(_, outcome)| match outcome {
        Outcome::Layer => 0,
        Outcome::Base => 1,
        _ => 2,
    });
    Ranked(ranked)
}

/// Where the result depends on a rule of ties: documented for bases, seen to fail for layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ambiguity<'a> {
    /// Two bases of one priority: the newer applies.
    Bases {
        /// The base that applies.
        base: &'a Configuration,
        /// The other one.
        other: &'a Configuration,
    },
    /// A layer of the base's own priority: dropped here, and reported to apply until the base changes.
    LayerAtBase {
        /// The base that applies.
        base: &'a Configuration,
        /// The layer.
        layer: &'a Configuration,
    },
    /// Two layers of one priority: the newer on top here, and reported to leave devices out of step.
    Layers {
        /// The layer on top.
        upper: &'a Configuration,
        /// The other one.
        lower: &'a Configuration,
    },
}

impl fmt::Display for Ambiguity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b, what) = match self {
            Self::Bases { base, other } => (base, other, "bases"),
            Self::LayerAtBase { base, layer } => (base, layer, "a base and a layer"),
            Self::Layers { upper, lower } => (upper, lower, "layers"),
        };
        let (first, second) = (a.id.shown(), b.id.shown());
        write!(f, "{} and {} are {what} of one priority, {}; ", first.as_str(), second.as_str(), a.priority)?;
        f.write_str("which one wins is not to be relied on, give them different priorities")
    }
}

pub(super) fn ambiguities<'a>(verdicts: &[Verdict<'a>]) -> Vec<Ambiguity<'a>> {
    let mut found = Vec::new();
    let base = verdicts.iter().find(|verdict| verdict.outcome == Outcome::Base).map(|verdict| verdict.configuration);
    for (verdict, next) in verdicts.iter().zip(verdicts.iter().skip(1)) {
        let (upper, lower) = (verdict.configuration, next.configuration);
        let layers = verdict.outcome == Outcome::Layer && next.outcome == Outcome::Layer;
        if layers && upper.priority == lower.priority {
            found.push(Ambiguity::Layers { upper, lower });
        }
    }
    for verdict in verdicts {
        match (verdict.outcome, base) {
            (Outcome::OlderBase, Some(base)) => found.push(Ambiguity::Bases { base, other: verdict.configuration }),
            (Outcome::LayerAtBase, Some(base)) => {
                found.push(Ambiguity::LayerAtBase { base, layer: verdict.configuration });
            }
            _ => {}
        }
    }
    found
}
