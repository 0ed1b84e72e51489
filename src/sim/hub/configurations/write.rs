//! A desired section made what configurations want, in one write: what changes is stamped, leaves with who wants them,
//! and what stays keeps its stamps.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::sim::hub::limits::{self, Limit};
use crate::sim::hub::stamp;
use crate::sim::hub::twin::{Section, Stamp, Twin, put_stamp};

/// Who wants a leaf to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// Nobody here: it stood there before and stays as it is.
    Nobody,
    /// Whoever applies content to one device; stamped anew even when it is what it was, as every write by hand is.
    Hand,
    /// A configuration.
    Configuration(&'a Owner),
}

/// A configuration as the stamps name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) id: String,
    /// The instant of its creation in ticks: a configuration that is created again is another one.
    pub(super) digest: String,
}

impl Claim<'_> {
    fn by(&self) -> Option<(&str, &str)> {
        match self {
            Self::Nobody | Self::Hand => None,
            Self::Configuration(owner) => Some((&owner.id, &owner.digest)),
        }
    }

    /// Whether a leaf with this metadata may stay as it is when its value does.
    fn is_met(&self, metadata: &Map<String, Value>) -> bool {
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        match self {
            Self::Nobody => true,
            Self::Hand => false,
            Self::Configuration(owner) => {
                text("$lastUpdatedBy") == Some(&owner.id) && text("$lastUpdatedByDigest") == Some(&owner.digest)
            }
        }
    }
}

/// Makes the twin's desired section `wanted`; `claim` says who wants each leaf. Returns whether anything was written:
/// one version for all of it, or none when every leaf is there and its owner's already.
///
/// # Errors
/// [`Limit`] when the section would be larger than a twin's may be; the twin is then unchanged.
pub(super) fn settle<'a>(
    twin: &mut Twin,
    wanted: Map<String, Value>,
    claim: &dyn Fn(&[String]) -> Claim<'a>,
    now: Timestamp,
) -> Result<bool, Limit> {
    let now = stamp::instant(now);
    let version = twin.desired.version + 1;
    let mut rebuild = Rebuild { claim, now: &now, version, place: Vec::new() };
    let old = (twin.desired.values.as_ref(), twin.desired.metadata.as_ref());
    let (metadata, changed) = rebuild.object(Some(old), &wanted);
    if changed {
        limits::check_size("properties.desired", Some(&wanted))?;
        twin.desired = Section { values: Arc::new(wanted), metadata: Arc::new(metadata), version };
        twin.etag += 1;
    }
    Ok(changed)
}

struct Rebuild<'f, 'a> {
    claim: &'f dyn Fn(&[String]) -> Claim<'a>,
    now: &'f str,
    version: u64,
    /// Keys from the section's root.
    place: Vec<String>,
}

type Before<'v> = (&'v Map<String, Value>, &'v Map<String, Value>);

impl Rebuild<'_, '_> {
    /// The metadata of an object, and whether anything in it changed. `before` is what it was, with its metadata.
    fn object(&mut self, before: Option<Before<'_>>, wanted: &Map<String, Value>) -> (Map<String, Value>, bool) {
        let mut changed = before.is_none_or(|(values, _)| values.keys().any(|key| !wanted.contains_key(key)));
        let mut members = Map::new();
        for (key, value) in wanted {
            self.place.push(key.clone());
            let old = before.and_then(|(values, metadata)| Some((values.get(key)?, metadata.get(key)?.as_object()?)));
            let (member, moved) = match (value, old) {
                (Value::Object(inner), Some((Value::Object(values), metadata))) => {
                    self.object(Some((values, metadata)), inner)
                }
                (Value::Object(inner), _) => self.object(None, inner),
                (leaf, old) => self.leaf(old, leaf),
            };
            self.place.pop();
            changed |= moved;
            members.insert(key.clone(), Value::Object(member));
        }
        let mut metadata = match before {
            Some((_, metadata)) if !changed => metadata.clone(),
            _ => self.stamped(None),
        };
        metadata.retain(|key, _| key.starts_with('$'));
        metadata.extend(members);
        (metadata, changed)
    }

    fn leaf(&self, old: Option<(&Value, &Map<String, Value>)>, value: &Value) -> (Map<String, Value>, bool) {
        let claim = (self.claim)(&self.place);
        match old {
            Some((before, metadata)) if before == value && claim.is_met(metadata) => (metadata.clone(), false),
            _ => (self.stamped(claim.by()), true),
        }
    }

    fn stamped(&self, by: Option<(&str, &str)>) -> Map<String, Value> {
        let mut metadata = Map::new();
        put_stamp(&mut metadata, Stamp { at: self.now, version: Some(self.version), by }, true);
        metadata
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn members(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn owner(id: &str) -> Owner {
        Owner { id: id.to_owned(), digest: format!("{id}-ticks") }
    }

    #[test]
    fn what_changes_is_stamped_and_what_stays_is_not() {
        let mut twin = Twin::new(&stamp::instant(at(0)));
        let (base, layer) = (owner("base"), owner("layer"));
        let first = json!({"o": {"x": 1, "y": [2]}, "empty": {}, "n": 3});
        assert_eq!(settle(&mut twin, members(&first), &|_| Claim::Configuration(&base), at(1)), Ok(true));
        assert_eq!((twin.desired.version, twin.etag), (2, 2));
        assert_eq!(settle(&mut twin, members(&first), &|_| Claim::Configuration(&base), at(2)), Ok(false));
        assert_eq!((twin.desired.version, twin.etag), (2, 2), "nothing to say is no write");

        let by = |place: &[String]| Claim::Configuration(if place == ["o", "x"] { &layer } else { &base });
        let second = json!({"o": {"x": 1, "y": [2]}, "empty": {}});
        assert_eq!(settle(&mut twin, members(&second), &by, at(3)), Ok(true));
        let metadata = Value::Object(Map::clone(&twin.desired.metadata));
        assert_eq!(
            metadata,
            json!({"$lastUpdated": stamp::instant(at(3)), "$lastUpdatedVersion": 3,
                "o": {"$lastUpdated": stamp::instant(at(3)), "$lastUpdatedVersion": 3,
                    "x": {"$lastUpdated": stamp::instant(at(3)), "$lastUpdatedVersion": 3,
                        "$lastUpdatedBy": "layer", "$lastUpdatedByDigest": "layer-ticks"},
                    "y": {"$lastUpdated": stamp::instant(at(1)), "$lastUpdatedVersion": 2,
                        "$lastUpdatedBy": "base", "$lastUpdatedByDigest": "base-ticks"}},
                "empty": {"$lastUpdated": stamp::instant(at(1)), "$lastUpdatedVersion": 2}}),
            "the same value of another owner is a change; only leaves name it"
        );
    }

    #[test]
    fn a_hand_leaves_no_name_and_always_writes() {
        let mut twin = Twin::new(&stamp::instant(at(0)));
        let base = owner("base");
        let values = || members(&json!({"a": 1, "b": 2}));
        settle(&mut twin, values(), &|_| Claim::Configuration(&base), at(1)).unwrap();
        let by = |place: &[String]| if place == ["a"] { Claim::Hand } else { Claim::Nobody };
        assert_eq!(settle(&mut twin, values(), &by, at(2)), Ok(true));
        assert_eq!(twin.desired.metadata["a"].get("$lastUpdatedBy"), None);
        assert_eq!(twin.desired.metadata["b"]["$lastUpdatedBy"], "base");
    }

    #[test]
    fn a_section_over_the_limit_stays_as_it_was() {
        let mut twin = Twin::new(&stamp::instant(at(0)));
        let much: Map<String, Value> = (0..9).map(|n| (n.to_string(), json!("x".repeat(4_000)))).collect();
        assert!(settle(&mut twin, much, &|_| Claim::Nobody, at(1)).is_err());
        assert_eq!((twin.desired.version, twin.desired.values.len()), (1, 0));
    }

    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::Bool), (0..3_i64).prop_map(Value::from)];
        let value = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        prop::collection::btree_map("[abc]", value, 0..3).prop_map(|map| map.into_iter().collect())
    }

    fn shape(values: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
        metadata.contains_key("$lastUpdated")
            && metadata.keys().filter(|key| !key.starts_with('$')).eq(values.keys())
            && values.iter().all(|(key, value)| match (value, metadata.get(key)) {
                (Value::Object(values), Some(Value::Object(metadata))) => shape(values, metadata),
                (_, Some(Value::Object(metadata))) => metadata.contains_key("$lastUpdatedBy"),
                _ => false,
            })
    }

    proptest! {
        /// Whatever stood there: afterwards it is what is wanted, metadata mirrors it, and a second time is no write.
        #[test]
        fn the_wanted_is_reached_in_one_write(first in any_object(), second in any_object()) {
            let mut twin = Twin::new(&stamp::instant(at(0)));
            let (a, b) = (owner("a"), owner("b"));
            settle(&mut twin, first, &|_| Claim::Configuration(&a), at(1)).unwrap();
            let before = twin.desired.version;
            let wrote = settle(&mut twin, second.clone(), &|_| Claim::Configuration(&b), at(2)).unwrap();
            prop_assert_eq!(twin.desired.values.as_ref(), &second);
            prop_assert!(shape(&twin.desired.values, &twin.desired.metadata));
            prop_assert_eq!(twin.desired.version, before + u64::from(wrote));
            prop_assert!(!settle(&mut twin, second, &|_| Claim::Configuration(&b), at(3)).unwrap());
        }
    }
}
