//! The twin patcher against an oracle that knows no trees: a twin is a list of paths with what stands there, in the order of
//! nothing, and a patch is read off the rules one path at a time. Limits are counted over in the same way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::sim::hub::twin::{Twin, TwinWrite};

type Place = Vec<String>;

/// Every place of a section: objects and leaves alike. An object's value is `{}`.
type Flat = BTreeMap<Place, Value>;

fn flatten(values: &Map<String, Value>, at: &Place, out: &mut Flat) {
    for (name, value) in values {
        let mut place = at.clone();
        place.push(name.clone());
        match value {
            Value::Object(inner) => {
                out.insert(place.clone(), json!({}));
                flatten(inner, &place, out);
            }
            leaf => {
                out.insert(place, leaf.clone());
            }
        }
    }
}

fn flat(values: &Map<String, Value>) -> Flat {
    let mut out = Flat::new();
    flatten(values, &Vec::new(), &mut out);
    out
}

/// What is to stand there after the patch.
fn patched(old: &Flat, patch: &Flat) -> Flat {
    let mut new = old.clone();
    // Shorter paths come first, so a place is settled before those below it.
    let mut places: Vec<(&Place, &Value)> = patch.iter().collect();
    places.sort_by_key(|(place, _)| place.len());
    for (place, value) in places {
        let stays = value.is_object() && new.get(place).is_some_and(Value::is_object);
        if !stays {
            new.retain(|known, _| !known.starts_with(place));
            if !value.is_null() {
                new.insert(place.clone(), value.clone());
            }
        }
    }
    new
}

/// Whether the service would store it, by the letter of its limits.
fn is_within(sent: &Flat, after: &Flat, most: usize) -> bool {
    fn has_null_or_large(value: &Value, inside: bool) -> bool {
        match value {
            Value::Null => inside,
            Value::String(text) => text.len() > 4_096,
            Value::Array(items) => items.iter().any(|item| has_null_or_large(item, true)),
            Value::Number(number) => number
                .as_i64()
                .map_or(!number.is_f64(), |n| !(-4_503_599_627_370_496..=4_503_599_627_370_495).contains(&n)),
            _ => false,
        }
    }
    let size = |value: &Value| -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Number(_) => 8,
            Value::Bool(_) => 4,
            Value::Array(items) => items.iter().map(|item| item.as_str().map_or(8, str::len)).sum(),
            _ => 0,
        }
    };
    let names = sent.keys().filter_map(|place| place.last());
    let names_fit = names.clone().all(|name| name.len() <= 1_024 && !name.contains(['.', '$', '#', ' ']));
    // Ten objects within each other, and a leaf in the last.
    let depth_fits = sent.iter().all(|(place, value)| place.len() <= if value.is_object() { 10 } else { 11 });
    let values_fit = sent.values().all(|value| !has_null_or_large(value, false));
    let total: usize = after.iter().map(|(place, value)| place.last().map_or(0, String::len) + size(value)).sum();
    names_fit && depth_fits && values_fit && total <= most
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        30 => "[abc]",
        1 => prop::sample::select(vec!["a.b", "$a", "a b", "#", ""]).prop_map(str::to_owned),
        1 => (1_023..1_026_usize).prop_map(|length| "k".repeat(length)),
    ]
}

fn any_section() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        4 => Just(Value::Null),
        4 => any::<bool>().prop_map(Value::Bool),
        4 => (0..9_i64).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(4_503_599_627_370_495_i64), json!(4_503_599_627_370_496_i64), json!(-4_503_599_627_370_496_i64), json!(u64::MAX), json!(1e99)]),
        2 => (4_000..4_100_usize).prop_map(|length| Value::from("x".repeat(length))),
        1 => Just(json!([1, "two"])),
        1 => Just(json!([null])),
    ];
    let value = leaf.prop_recursive(4, 16, 3, |inner| {
        prop::collection::btree_map(any_name(), inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
    });
    // Now and then far down.
    let value = (value, prop_oneof![8 => Just(0), 1 => 6..11_usize])
        .prop_map(|(value, down)| (0..down).fold(value, |inner, _| json!({ "d": inner })));
    prop::collection::btree_map(any_name(), value, 0..4).prop_map(|map| map.into_iter().collect())
}

type Sent = Option<Map<String, Value>>;

/// One write, of tags and desired properties: `true` replaces.
fn any_write() -> impl Strategy<Value = (bool, Sent, Sent)> {
    let section = || prop::option::weighted(0.7, any_section());
    (prop::bool::weighted(0.15), section(), section())
}

fn now(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// What a section holds after a write; nothing when nothing was sent of it.
fn expected(old: &Flat, sent: Option<&Map<String, Value>>, replaces: bool) -> Flat {
    let nothing = Flat::new();
    match sent {
        Some(sent) => patched(if replaces { &nothing } else { old }, &flat(sent)),
        None if replaces => nothing,
        None => old.clone(),
    }
}

proptest! {
    #[test]
    fn twins_are_written_as_the_rules_say(writes in prop::collection::vec(any_write(), 1..8)) {
        let mut twin = Twin::new("then");
        let (mut tags, mut desired) = (Flat::new(), Flat::new());
        let (mut etag, mut version) = (1, 1);
        for (second, (replaces, new_tags, new_desired)) in (1..).zip(writes) {
            // An empty section of desired properties is no write of them, but one of empty tags is.
            let sent_desired = new_desired.as_ref().filter(|sent| replaces || !sent.is_empty());
            let (next_tags, next_desired) =
                (expected(&tags, new_tags.as_ref(), replaces), expected(&desired, sent_desired, replaces));
            let sent = |section: Option<&Map<String, Value>>| section.map(flat).unwrap_or_default();
            let fits = is_within(&sent(new_tags.as_ref()), &next_tags, 8_192)
                && is_within(&sent(sent_desired), &next_desired, 32_768);
            let before = format!("{twin:?}");
            let write = TwinWrite::of(&json!({"tags": new_tags, "properties": {"desired": new_desired}})).unwrap();
            let result = if replaces { twin.replace(write, now(second)) } else { twin.patch(write, now(second)) };
            prop_assert_eq!(result.is_ok(), fits, "{:?}", result);
            if !fits {
                prop_assert_eq!(format!("{twin:?}"), before);
                continue;
            }
            let writes_desired = replaces || sent_desired.is_some();
            etag += u64::from(writes_desired || new_tags.is_some());
            version += u64::from(writes_desired);
            (tags, desired) = (next_tags, next_desired);
            prop_assert_eq!(flat(&twin.tags.clone().unwrap_or_default()), tags.clone());
            prop_assert_eq!(flat(&twin.desired.values), desired.clone());
            prop_assert_eq!((twin.etag, twin.desired.version, twin.version()), (etag, version, etag + 1));
        }
    }
}
