//! The patch that makes one JSON object of another, as edgeAgent and edgeHub compute what they report.

use serde_json::{Map, Value};

/// What has to be merged into `old` so that it becomes `new`: `null` for what is gone, arrays whole. Empty when they are
/// equal.
pub(super) fn diff(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in new {
        match (old.get(key), value) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                let inner = diff(before, after);
                if !inner.is_empty() {
                    out.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(before), after) if before == after => {}
            (_, after) => {
                out.insert(key.clone(), after.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        out.insert(key.clone(), Value::Null);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merge(values: &mut Map<String, Value>, patch: Map<String, Value>) {
        for (key, new) in patch {
            match (values.get_mut(&key), new) {
                (_, Value::Null) => {
                    values.shift_remove(&key);
                }
                (Some(Value::Object(old)), Value::Object(inner)) => merge(old, inner),
                (_, new) => {
                    values.insert(key, new);
                }
            }
        }
    }

    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (0..3_i64).prop_map(Value::from),
            Just(json!([1, {"a": 1}]))
        ];
        let value = leaf.prop_recursive(3, 16, 3, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        prop::collection::btree_map("[abcd]", value, 0..4).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn merging_the_patch_makes_the_new_one_of_the_old(old in any_object(), new in any_object()) {
            let mut merged = old.clone();
            merge(&mut merged, diff(&old, &new));
            prop_assert_eq!(&merged, &new);
            prop_assert!(diff(&new, &merged).is_empty());
        }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let old = object(json!({"a": {"x": 1, "y": 2}, "b": 1, "c": {"d": 1}}));
        let new = object(json!({"a": {"x": 1, "y": 3}, "b": 1, "e": []}));
        assert_eq!(Value::Object(diff(&old, &new)), json!({"a": {"y": 3}, "e": [], "c": null}));
    }
}
