//! Tags of many devices from one formula: as it stands, going round, by blocks, or drawn with weights.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::ids::{Pattern, SPELLING};
use super::text::Field;

/// What decides a tag's value.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    Value(Value),
    /// A text with ranges: the first device gets the first, and so on, round and round.
    Range(Pattern),
    /// One after the other, round and round.
    Cycle(Vec<Formula>),
    /// The devices are cut into as many blocks as there are values.
    Split(Vec<Formula>),
    /// Drawn by the device's id, so that it is the same in every run, and by where the tag stands, so that two tags of a
    /// device have nothing to do with each other.
    Weighted {
        place: String,
        weights: Vec<(String, u64)>,
    },
    Object(Vec<(String, Formula)>),
}

/// One device among those of its entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) id: &'a str,
    /// From 0.
    pub(super) index: u64,
    pub(super) count: u64,
}

/// The largest weight.
const MOST: u64 = 1_000_000;

impl Formula {
    /// Reads a value of `tags`; what is wrong is noted.
    pub(super) fn read(field: &Field<'_>) -> Option<Self> {
        if field.as_text().is_some_and(|text| text.contains(['{', '}'])) {
            return field.read(SPELLING, Pattern::parse).map(Self::Range);
        }
        if !field.is_table() {
            return field.json().map(Self::Value);
        }
        let members = field.members();
        if let [(word @ ("cycle" | "split"), list)] = members.as_slice()
            && list.is_list()
        {
            let values: Vec<Self> = list.items().iter().filter_map(Self::read).collect();
            return match (values.is_empty(), *word) {
                (true, _) => list.wrong("an empty list has nothing to choose from"),
                (false, "cycle") => Some(Self::Cycle(values)),
                (false, _) => Some(Self::Split(values)),
            };
        }
        if let [("weighted", table)] = members.as_slice() {
            let weights = table.members().into_iter();
            let weights: Vec<(String, u64)> =
                weights.filter_map(|(name, field)| Some((name.to_owned(), field.whole(0..=MOST)?))).collect();
            let some = weights.iter().any(|(_, weight)| *weight > 0);
            return if some {
                Some(Self::Weighted { place: field.path.clone(), weights })
            } else {
                table.wrong("no value has a weight above 0")
            };
        }
        let members = members.into_iter().filter_map(|(name, field)| Some((name.to_owned(), Self::read(&field)?)));
        Some(Self::Object(members.collect()))
    }

    /// The value for one device.
    pub(super) fn value(&self, which: Which<'_>) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Range(pattern) => Value::from(pattern.at(which.index)),
            Self::Cycle(values) => {
                let length = u64::try_from(values.len()).unwrap_or(u64::MAX);
                chosen(values, which.index % length.max(1), which)
            }
            Self::Split(values) => {
                let length = u64::try_from(values.len()).unwrap_or(u64::MAX);
                chosen(values, which.index.saturating_mul(length) / which.count.max(1), which)
            }
            Self::Weighted { place, weights } => {
                let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
                let mut drawn = lot(which.id, place) % total.max(1);
                let found = weights.iter().find(|(_, weight)| {
                    let hit = drawn < *weight;
                    drawn = drawn.saturating_sub(*weight);
                    hit
                });
                found.map_or(Value::Null, |(name, _)| Value::from(name.as_str()))
            }
            Self::Object(members) => Value::Object(
                members.iter().map(|(name, formula)| (name.clone(), formula.value(which))).collect::<Map<_, _>>(),
            ),
        }
    }
}

fn chosen(values: &[Formula], at: u64, which: Which<'_>) -> Value {
    let found = usize::try_from(at).ok().and_then(|at| values.get(at));
    found.map_or(Value::Null, |formula| formula.value(which))
}

/// A number that only the id and the purpose decide.
pub(super) fn lot(id: &str, purpose: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(purpose);
    hash.update([0]);
    hash.update(id);
    hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
