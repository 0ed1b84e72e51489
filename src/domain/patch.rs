//! Twin patches: the smallest merge patch between two documents, what it changes path by path, its inverse, and
//! the three-way comparison after somebody else wrote first.
//!
//! Merge rules are the hub's (RFC 7396 with its own nulls): objects merge, everything else replaces, `null`
//! deletes, arrays are values as a whole, an object that loses its last member stays as `{}`.

use serde_json::{Map, Value};

use super::json::Path;

/// The smallest patch that turns `base` into `wanted`. `null` members of `wanted` mean "delete this key". An empty
/// object means there is nothing to send.
#[must_use]
pub fn diff(base: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, new) in wanted {
        match (base.get(key), new) {
            (Some(_), Value::Null) => {
                patch.insert(key.clone(), Value::Null);
            }
            (None, Value::Null) => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = diff(old, new);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(old), new) if *old == without_nulls(new) => {}
            (_, new) => {
                patch.insert(key.clone(), without_nulls(new));
            }
        }
    }
    for key in base.keys().filter(|key| !wanted.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// The document with every `null` member left out, at any depth; nulls inside arrays stay (and are refused later).
#[must_use]
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect(),
        ),
        other => other.clone(),
    }
}

/// Applies `patch` to `target` by the hub's rules.
pub fn apply(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, change) in patch {
        match change {
            Value::Null => {
                target.shift_remove(key);
            }
            Value::Object(inner) => match target.get_mut(key) {
                Some(Value::Object(child)) => apply(child, inner),
                _ => {
                    let mut child = Map::new();
                    apply(&mut child, inner);
                    target.insert(key.clone(), Value::Object(child));
                }
            },
            other => {
                target.insert(key.clone(), other.clone());
            }
        }
    }
}

/// The patch that takes `patch` back again once it was applied to `base`. The one thing a merge patch cannot say
/// is "this object was not there": an added object is deleted by the inverse, so the round trip holds.
#[must_use]
pub fn inverse(base: &Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut after = base.clone();
    apply(&mut after, patch);
    diff(&after, base)
}

/// One path that a patch changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where.
    pub path: Path,
    /// What stood there; `None` when the path is new.
    pub old: Option<Value>,
    /// What will stand there; `None` when the path is deleted.
    pub new: Option<Value>,
}

impl Change {
    /// Whether the change replaces an array, which the hub can only do as a whole.
    #[must_use]
    pub fn replaces_array(&self) -> bool {
        matches!((&self.old, &self.new), (Some(Value::Array(_)), Some(Value::Array(_))))
    }
}

/// What `patch` does to `base`, leaf by leaf, in the patch's order.
#[must_use]
pub fn changes(base: &Map<String, Value>, patch: &Map<String, Value>) -> Vec<Change> {
    let mut found = Vec::new();
    collect(base, patch, &Path::root(), &mut found);
    found
}

fn collect(base: &Map<String, Value>, patch: &Map<String, Value>, at: &Path, found: &mut Vec<Change>) {
    for (key, change) in patch {
        let path = at.child(key);
        let old = base.get(key);
        match (old, change) {
            (None, Value::Null) => {}
            (Some(Value::Object(old)), Value::Object(inner)) => collect(old, inner, &path, found),
            (old, Value::Null) => found.push(Change { path, old: old.cloned(), new: None }),
            (old, new) => found.push(Change { path, old: old.cloned(), new: Some(without_nulls(new)) }),
        }
    }
}

/// Which of two writers touched a path since the document both started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Only I did.
    Mine,
    /// Only they did.
    Theirs,
    /// Both did, to the same value.
    Agreed,
    /// Both did, to different values: somebody has to choose.
    Clash,
}

/// One path at which mine or theirs left the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Where.
    pub path: Path,
    /// What stood there when both started.
    pub base: Option<Value>,
    /// What stands at the hub now.
    pub theirs: Option<Value>,
    /// What I typed.
    pub mine: Option<Value>,
    /// Who touched it.
    pub touched: Touched,
}

/// Compares my edit and theirs against the base, path by path.
#[must_use]
pub fn three_way(base: &Map<String, Value>, theirs: &Map<String, Value>, mine: &Map<String, Value>) -> Vec<Divergence> {
    let mut found = Vec::new();
    compare(&Path::root(), base, theirs, mine, &mut found);
    found
}

fn compare(
    at: &Path,
    base: &Map<String, Value>,
    theirs: &Map<String, Value>,
    mine: &Map<String, Value>,
    found: &mut Vec<Divergence>,
) {
    let mut keys: Vec<&String> = base.keys().collect();
    for key in theirs.keys().chain(mine.keys()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for key in keys {
        let (b, t, m) = (base.get(key), theirs.get(key), mine.get(key));
        if b == t && b == m {
            continue;
        }
        let path = at.child(key);
        // Descend where both present sides are objects: two people adding different members must not clash.
        if let (Some(Value::Object(t)), Some(Value::Object(m))) = (t, m) {
            let empty = Map::new();
            let b = b.and_then(Value::as_object).unwrap_or(&empty);
            let before = found.len();
            compare(&path, b, t, m, found);
            if found.len() > before {
                continue;
            }
        }
        let touched = if t == m {
            Touched::Agreed
        } else if b == m {
            Touched::Theirs
        } else if b == t {
            Touched::Mine
        } else {
            Touched::Clash
        };
        found.push(Divergence { path, base: b.cloned(), theirs: t.cloned(), mine: m.cloned(), touched });
    }
}

/// What I want now, starting from theirs: every path only I touched, and of the clashes those in `mine_wins`
/// (same order as `divergences`; anything else keeps theirs).
#[must_use]
pub fn resolve(theirs: &Map<String, Value>, divergences: &[Divergence], mine_wins: &[bool]) -> Map<String, Value> {
    let mut wanted = theirs.clone();
    for (divergence, wins) in divergences.iter().zip(mine_wins) {
        let take = match divergence.touched {
            Touched::Mine | Touched::Clash => *wins,
            Touched::Theirs | Touched::Agreed => false,
        };
        if take {
            set(&mut wanted, divergence.path.keys(), divergence.mine.as_ref());
        }
    }
    wanted
}

fn set(target: &mut Map<String, Value>, keys: &[String], value: Option<&Value>) {
    match (keys, value) {
        ([], _) => {}
        ([last], Some(value)) => {
            target.insert(last.clone(), value.clone());
        }
        ([last], None) => {
            target.shift_remove(last);
        }
        ([first, rest @ ..], value) => {
            let child = target.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Value::Object(child) = child {
                set(child, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn the_smallest_patch() {
        for (base, wanted, patch) in [
            (json!({"t": 25.0}), json!({"t": 30.0}), json!({"t": 30.0})),
            (json!({"t": 25.0}), json!({"t": 25.0}), json!({})),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 1, "c": 3}}), json!({"a": {"c": 3}})),
            (json!({"a": 1, "b": 2}), json!({"b": 2}), json!({"a": null})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({}), json!({"a": null}), json!({})),
            (json!({"a": {"b": 1}}), json!({"a": {}}), json!({"a": {"b": null}})),
            (json!({"a": [1, 2]}), json!({"a": [1, 3]}), json!({"a": [1, 3]})),
            (json!({"a": 1}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
            (json!({"a": {"b": 1}}), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": {"b": 1}}), json!({"a": {"b": null}}), json!({"a": {"b": null}})),
        ] {
            assert_eq!(Value::Object(diff(&map(base.clone()), &map(wanted.clone()))), patch, "{base} -> {wanted}");
        }
    }

    #[test]
    fn changes_are_listed_leaf_by_leaf() {
        let base = map(json!({"t": 25.0, "w": {"s": 30, "k": [1]}, "old": true}));
        let patch = map(json!({"t": 30.0, "w": {"k": [1, 2], "n": {"x": 1}}, "old": null, "never": null}));
        let listed: Vec<String> = changes(&base, &patch)
            .iter()
            .map(|c| format!("{} {:?} {:?} {}", c.path.shown(), c.old.is_some(), c.new.is_some(), c.replaces_array()))
            .collect();
        assert_eq!(
            listed,
            ["/t true true false", "/w/k true true true", "/w/n false true false", "/old true false false"]
        );
    }

    #[test]
    fn three_ways_and_a_choice() {
        let base = map(json!({"t": 25.0, "w": {"a": 1, "b": 1}, "gone": 1}));
        let theirs = map(json!({"t": 28.0, "w": {"a": 2, "b": 1}, "gone": 1, "new": 1}));
        let mine = map(json!({"t": 30.0, "w": {"a": 1, "b": 2}, "new": 1}));
        let found = three_way(&base, &theirs, &mine);
        let listed: Vec<(String, Touched)> = found.iter().map(|d| (d.path.shown().into(), d.touched)).collect();
        assert_eq!(
            listed,
            [
                ("/t".to_owned(), Touched::Clash),
                ("/w/a".to_owned(), Touched::Theirs),
                ("/w/b".to_owned(), Touched::Mine),
                ("/gone".to_owned(), Touched::Mine),
                ("/new".to_owned(), Touched::Agreed),
            ]
        );
        assert_eq!(
            Value::Object(resolve(&theirs, &found, &[true, true, true, true, true])),
            json!({"t": 30.0, "w": {"a": 2, "b": 2}, "new": 1})
        );
        assert_eq!(
            Value::Object(resolve(&theirs, &found, &[false, false, true, false, false])),
            json!({"t": 28.0, "w": {"a": 2, "b": 2}, "gone": 1, "new": 1})
        );
    }

    fn document() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..4_i32).prop_map(Value::from),
            prop::collection::vec(0..3_i32, 0..3).prop_map(Value::from),
        ];
        let node = leaf.prop_recursive(3, 16, 4, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        });
        prop::collection::btree_map("[abcd]", node, 0..4).prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_diff_applied_gives_what_was_wanted(base in document(), wanted in document()) {
            let patch = diff(&base, &wanted);
            let mut result = base.clone();
            apply(&mut result, &patch);
            prop_assert_eq!(&result, &wanted);
            let mut back = result;
            apply(&mut back, &inverse(&base, &patch));
            prop_assert_eq!(&back, &base);
            prop_assert_eq!(changes(&base, &patch).is_empty(), patch.is_empty());
        }

        #[test]
        fn taking_all_of_mine_keeps_what_only_they_changed(base in document(), theirs in document(), mine in document()) {
            let found = three_way(&base, &theirs, &mine);
            let wanted = resolve(&theirs, &found, &vec![true; found.len()]);
            for divergence in &found {
                let now = divergence.path.of(&Value::Object(wanted.clone())).cloned();
                let expected = match divergence.touched {
                    Touched::Mine | Touched::Clash => divergence.mine.clone(),
                    Touched::Theirs | Touched::Agreed => divergence.theirs.clone(),
                };
                prop_assert_eq!(now, expected, "{}", divergence.path.shown());
            }
        }
    }
}
