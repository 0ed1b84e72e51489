//! Choosing, merging and explaining by example, and the laws that hold for all deployments: nothing depends on the
//! order they come in, every leaf has its origin, and a merge never needs to be done twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::ids::DeploymentId;
use crate::domain::json::Path;
use crate::domain::manifest::Manifest;

pub(super) fn configuration(id: &str, priority: u32, created: i64, condition: &str, content: &Value) -> Configuration {
    Configuration {
        id: DeploymentId::from_wire(id),
        priority,
        created: Timestamp::from_second(created).unwrap(),
        target: TargetCondition::from_wire(condition),
        content: Arc::new(Manifest::read(&json!({"modulesContent": content})).unwrap()),
        labels: BTreeMap::new(),
        metrics: BTreeMap::new(),
    }
}

pub(super) fn base(id: &str, priority: u32, created: i64) -> Configuration {
    configuration(id, priority, created, "*", &json!({"$edgeAgent": {"properties.desired": {"modules": {id: {}}}}}))
}

pub(super) fn layer(id: &str, priority: u32, created: i64) -> Configuration {
    let key = format!("properties.desired.modules.{id}");
    configuration(id, priority, created, "*", &json!({"$edgeAgent": {key: {"v": 1}}}))
}

pub(super) fn device(tags: &Value) -> Value {
    json!({"deviceId": "d", "tags": tags, "capabilities": {"iotEdge": true}})
}

fn effective(configurations: Vec<Configuration>) -> Arc<Effective> {
    Deployments::new(configurations).for_device(&device(&json!({"site": "b1"})))
}

fn outcomes(result: &Effective) -> Vec<(String, Outcome)> {
    result.verdicts().iter().map(|v| (v.configuration.id.as_str().to_owned(), v.outcome)).collect()
}

fn statuses(result: &Effective, module: &str) -> Vec<(String, ConfigurationStatus)> {
    result.statuses(module).into_iter().map(|(c, status)| (c.id.as_str().to_owned(), status)).collect()
}

#[test]
fn one_base_and_the_layers_above_it_apply() {
    use Outcome::{Base, Layer, LayerAtBase, LayerBelowBase, LayerWithoutBase, LowerBase, NoAgent, OlderBase};
    let no_agent = configuration("x", 99, 1, "*", &json!({"m": {"properties.desired": {}}}));
    let elsewhere =
        configuration("away", 99, 1, "tags.site = 'b2'", &json!({"$edgeAgent": {"properties.desired": {}}}));
    let nobody = configuration("none", 99, 1, "", &json!({"$edgeAgent": {"properties.desired": {}}}));
    for (configurations, expected) in [
        (vec![], vec![]),
        (vec![base("a", 1, 5), base("b", 2, 1)], vec![("b", Base), ("a", LowerBase)]),
        (vec![base("a", 2, 5), base("b", 2, 9)], vec![("b", Base), ("a", OlderBase)]),
        // With equal times too, something has to decide.
        (vec![base("b", 2, 5), base("a", 2, 5)], vec![("a", Base), ("b", OlderBase)]),
        (
            vec![
                base("a", 10, 1),
                layer("l", 20, 1),
                layer("m", 11, 1),
                layer("n", 10, 9),
                layer("o", 9, 9),
                base("z", 1, 1),
            ],
            vec![("l", Layer), ("m", Layer), ("a", Base), ("n", LayerAtBase), ("o", LayerBelowBase), ("z", LowerBase)],
        ),
        (vec![base("a", 1, 1), layer("l", 5, 1), layer("m", 5, 2)], vec![("m", Layer), ("l", Layer), ("a", Base)]),
        (vec![layer("l", 5, 1)], vec![("l", LayerWithoutBase)]),
        (vec![base("a", 1, 1), no_agent, elsewhere, nobody], vec![("a", Base), ("x", NoAgent)]),
    ] {
        let result = effective(configurations);
        let expected: Vec<(String, Outcome)> = expected.into_iter().map(|(id, o)| (id.to_owned(), o)).collect();
        assert_eq!(outcomes(&result), expected);
        assert_eq!(result.base().is_some(), expected.iter().any(|(_, outcome)| *outcome == Base));
    }
}

#[test]
fn ties_are_named_because_nobody_should_rely_on_them() {
    let result = effective(vec![
        base("a", 5, 2),
        base("b", 5, 1),
        layer("l", 5, 1),
        layer("m", 7, 1),
        layer("n", 7, 2),
        layer("o", 8, 1),
    ]);
    let named: Vec<String> = result.ambiguities().iter().map(ToString::to_string).collect();
    let advice = "which one wins is not to be relied on, give them different priorities";
    assert_eq!(
        named,
        [
            format!("n and m are layers of one priority, 7; {advice}"),
            format!("a and b are bases of one priority, 5; {advice}"),
            format!("a and l are a base and a layer of one priority, 5; {advice}"),
        ]
    );
}

#[test]
fn only_edge_devices_are_reached_and_unreadable_conditions_are_said() {
    let strange = configuration("s", 50, 1, "tags.site IN ['b1']", &json!({"$edgeAgent": {}}));
    let mut deployments = Deployments::new([base("a", 1, 1), strange]);
    let leaf = json!({"deviceId": "d", "tags": {}, "capabilities": {"iotEdge": false}});
    assert!(deployments.for_device(&leaf).verdicts().is_empty());
    assert!(deployments.for_device(&json!({"deviceId": "d"})).undecided().is_empty());
    let result = deployments.for_device(&device(&json!({})));
    assert_eq!(result.undecided().iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["s"]);
    assert_eq!(outcomes(&result), [("a".to_owned(), Outcome::Base)]);
    // The hub's own word on what matches.
    let ids = ["s", "a", "gone"].map(DeploymentId::from_wire);
    let result = deployments.effective(&deployments.matching_ids(&ids));
    assert_eq!(outcomes(&result).len(), 2);
    assert!(result.undecided().is_empty());
}

/// The fleet of the examples below: a base, two layers on it, and configurations that lose.
fn stack() -> Arc<Effective> {
    effective(vec![
        configuration(
            "base",
            10,
            1,
            "*",
            &json!({
                "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": {"f": {"image": "f:1", "env": {"T": 25}}, "g": {}}}},
                "$edgeHub": {"properties.desired": {"routes": {"up": "r1"}}},
                "f": {"properties.desired": {"t": 25, "list": [1], "o": {"a": 1, "b": 2}}},
                "g": {"properties.desired": {"keep": 1}},
                "e": {},
            }),
        ),
        configuration(
            "low",
            11,
            1,
            "*",
            &json!({
                "$edgeAgent": {"properties.desired.modules.f.env.T": 30, "properties.desired.modules.h": {"image": "h:1"}},
                "$edgeHub": {"properties.desired.routes.h": "r2"},
                "f": {"properties.desired.o": {"a": 9}},
                "h": {"properties.desired": {"x": 1, "y": 1}},
            }),
        ),
        configuration(
            "high",
            20,
            1,
            "tags.site = 'b1'",
            &json!({
                "$edgeAgent": {},
                "f": {"properties.desired.t": null, "properties.desired.list.deep": 1},
                "h": {"properties.desired": {"x": 2}},
                "g": {},
            }),
        ),
        configuration(
            "older",
            10,
            0,
            "*",
            &json!({
                "$edgeAgent": {"properties.desired": {"modules": {"f": {"image": "f:0"}, "old": {"image": "o"}}}},
                "only": {"properties.desired": {"z": 1}},
            }),
        ),
        configuration("at", 10, 9, "*", &json!({"$edgeAgent": {"properties.desired.modules.f.image": "f:9"}})),
    ])
}

#[test]
fn contents_lie_on_top_of_each_other() {
    let result = stack();
    let desired = |module: &str| result.twin(module).map(|twin| Value::Object(twin.desired.clone()));
    assert_eq!(
        desired("$edgeAgent"),
        Some(
            json!({"schemaVersion": "1.1", "modules": {"f": {"image": "f:1", "env": {"T": 30}}, "g": {}, "h": {"image": "h:1"}}})
        )
    );
    assert_eq!(desired("$edgeHub"), Some(json!({"routes": {"up": "r1", "h": "r2"}})));
    // A path replaces its own subtree, null deletes, and objects replace what stands in the way.
    assert_eq!(desired("f"), Some(json!({"list": {"deep": 1}, "o": {"a": 9}})));
    // A whole section wipes what lower deployments set.
    assert_eq!(desired("h"), Some(json!({"x": 2})));
    assert_eq!(desired("only"), None);
    let owned = |module: &str| -> Vec<String> {
        result.twin(module).unwrap().owned().iter().map(|path| path.shown().as_str().to_owned()).collect()
    };
    assert_eq!(owned("f"), ["/"]);
    let modules: Vec<&str> = result.modules().into_iter().map(|module| module.as_str()).collect();
    assert_eq!(modules, ["$edgeAgent", "$edgeHub", "e", "f", "g", "h", "only"]);
    assert_eq!(result.applied().iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["base", "low", "high"]);
}

#[test]
fn a_configuration_is_applied_to_a_twin_when_something_of_it_is_there() {
    use ConfigurationStatus::{Applied, Targeted};
    let result = stack();
    for (module, expected) in [
        (
            "$edgeAgent",
            vec![("at", Targeted), ("base", Applied), ("high", Targeted), ("low", Applied), ("older", Targeted)],
        ),
        ("$edgeHub", vec![("base", Applied), ("low", Applied)]),
        ("f", vec![("base", Applied), ("high", Applied), ("low", Applied)]),
        ("g", vec![("base", Applied), ("high", Targeted)]),
        ("h", vec![("high", Applied), ("low", Targeted)]),
        ("only", vec![("older", Targeted)]),
        ("e", vec![("base", Targeted)]),
        ("nothing", vec![]),
    ] {
        let expected: Vec<(String, ConfigurationStatus)> =
            expected.into_iter().map(|(id, status)| (id.to_owned(), status)).collect();
        assert_eq!(statuses(&result, module), expected, "{module}");
    }
    // One layer sets the whole map of modules, and the layer below loses its own.
    let whole = configuration("whole", 9, 1, "*", &json!({"$edgeAgent": {"properties.desired.modules": {"w": {}}}}));
    let result = effective(vec![base("a", 1, 1), layer("l", 5, 1), whole]);
    assert_eq!(
        statuses(&result, "$edgeAgent"),
        [("a".to_owned(), Applied), ("l".to_owned(), Targeted), ("whole".to_owned(), Applied)]
    );
    let alone = effective(vec![layer("l", 5, 1)]);
    assert_eq!(statuses(&alone, "$edgeAgent"), [("l".to_owned(), Targeted)]);
    assert_eq!(alone.twins().count(), 0);
}

#[test]
fn every_leaf_says_who_set_it_and_who_lost() {
    let result = stack();
    let lines = |module: &str| -> Vec<String> {
        let mut lines: Vec<String> = result
            .explain(module)
            .iter()
            .map(|leaf| {
                let lost: Vec<String> = leaf
                    .lost
                    .iter()
                    .map(|l| format!("; {} {} ({})", l.configuration.id.as_str(), l.value, l.why))
                    .collect();
                format!("{} {} {}{}", leaf.path.shown().as_str(), leaf.value, leaf.from.id.as_str(), lost.concat())
            })
            .collect();
        lines.extend(result.dropped(module).iter().map(|gone| {
            let by = gone.by.map_or("nobody", |by| by.id.as_str());
            let lost = &gone.lost;
            format!(
                "- {} {} {} ({}) by {by}",
                gone.path.shown().as_str(),
                lost.value,
                lost.configuration.id.as_str(),
                lost.why
            )
        }));
        lines
    };
    assert_eq!(
        lines("$edgeAgent"),
        [
            "/schemaVersion \"1.1\" base",
            "/modules/f/image \"f:1\" base; at \"f:9\" (layer at the base's own priority); older \"f:0\" (base of the same priority, created earlier)",
            "/modules/f/env/T 30 low; base 25 (lower priority)",
            "/modules/g {} base",
            "/modules/h/image \"h:1\" low",
            "- /modules/old/image \"o\" older (base of the same priority, created earlier) by base",
        ]
    );
    assert_eq!(
        lines("f"),
        [
            "/list/deep 1 high",
            "/o/a 9 low; base 1 (lower priority)",
            "- /t 25 base (lower priority) by high",
            "- /list [1] base (lower priority) by high",
            "- /o/b 2 base (lower priority) by low",
        ]
    );
    assert_eq!(lines("h"), ["/x 2 high; low 1 (lower priority)", "- /y 1 low (lower priority) by high"]);
    assert_eq!(lines("only"), ["- /z 1 older (base of the same priority, created earlier) by nobody"]);
    let tied = effective(vec![base("a", 1, 1), layer("l", 5, 1), {
        configuration("m", 5, 2, "*", &json!({"$edgeAgent": {"properties.desired.modules.l": {"v": 2}}}))
    }]);
    let leaf = tied.explain("$edgeAgent").into_iter().find(|leaf| leaf.value == &json!(2)).unwrap();
    assert_eq!(leaf.lost[0].why, Why::OlderLayer);
}

#[test]
fn a_twin_changes_hands() {
    let map = |value: Value| value.as_object().cloned().unwrap();
    let with = |layers: &[(&str, Value)]| {
        let mut all = vec![base("base", 1, 1)];
        for (index, (id, section)) in layers.iter().enumerate() {
            let priority = 10 + u32::try_from(index).unwrap();
            all.push(configuration(id, priority, 1, "*", &json!({"$edgeAgent": {}, "m": section})));
        }
        effective(all)
    };
    let a = || ("a", json!({"properties.desired.tuning": {"window": 30}, "properties.desired.deep.x": 1}));
    let b = || ("b", json!({"properties.desired.tuning.rate": 5}));
    let whole = || ("w", json!({"properties.desired": {"only": true}}));
    let hand = json!({"mine": 1, "tuning": {"window": 1, "rate": 1, "mine": 2}, "deep": {"x": 0, "y": 2}});
    let set = json!({"mine": 1, "tuning": {"window": 30}, "deep": {"x": 1, "y": 2}});
    for (before, after, current, expected, case) in [
        (None, vec![a()], hand.clone(), set.clone(), "paths are set and the rest stays"),
        (Some(vec![a()]), vec![a()], set.clone(), set.clone(), "nothing to do"),
        (Some(vec![a()]), vec![a()], hand, set.clone(), "edits by hand are taken back where a deployment owns"),
        (
            Some(vec![a()]),
            vec![b()],
            set.clone(),
            json!({"mine": 1, "tuning": {"rate": 5}, "deep": {"y": 2}}),
            "paths that are owned no longer go",
        ),
        (Some(vec![a()]), vec![whole()], set.clone(), json!({"only": true}), "a whole section wipes the rest"),
        (
            Some(vec![whole()]),
            vec![b()],
            json!({"only": true, "mine": 1}),
            json!({"tuning": {"rate": 5}}),
            "and all of it goes with it",
        ),
        (Some(vec![a()]), vec![], set.clone(), set.clone(), "a module that is named no longer keeps what it has"),
        (
            None,
            vec![("n", json!({"properties.desired.deep": null}))],
            set.clone(),
            json!({"mine": 1, "tuning": {"window": 30}}),
            "null removes",
        ),
    ] {
        let before = before.map(|layers: Vec<(&str, Value)>| with(&layers));
        let result = with(&after).desired_after(before.as_deref(), "m", &map(current));
        assert_eq!(Value::Object(result), expected, "{case}");
    }
    // Without a base nothing changes, whatever was owned.
    let gone = effective(vec![layer("l", 5, 1)]);
    assert_eq!(gone.desired_after(Some(&with(&[a()])), "m", &map(set.clone())), map(set));
    let manifest = Manifest::read(&json!({"modulesContent": {"$edgeAgent": {}, "m": a().1}})).unwrap();
    let applied = merge_one(&manifest);
    assert_eq!(applied.len(), 1);
    assert_eq!(
        applied[0].1.applied_to(&map(json!({"k": 1}))),
        map(json!({"k": 1, "tuning": {"window": 30}, "deep": {"x": 1}}))
    );
}

#[test]
fn devices_with_the_same_deployments_share_one_result() {
    let sites = (0..90_u32).map(|n| {
        let condition = format!("tags.site = {n}");
        configuration(
            &format!("layer-{n:02}"),
            100 + n,
            1,
            &condition,
            &json!({"$edgeAgent": {"properties.desired.modules.x": {"n": n}}}),
        )
    });
    let bases = (0..10).map(|n| base(&format!("base-{n}"), n, 1));
    let mut deployments = Deployments::new(sites.chain(bases));
    let results: Vec<Arc<Effective>> =
        (0..2_000).map(|n| deployments.for_device(&device(&json!({"site": n % 100, "serial": n})))).collect();
    assert!(Arc::ptr_eq(&results[5], &results[105]));
    assert!(Arc::ptr_eq(&results[95], &results[99]), "no layer matches either");
    assert!(!Arc::ptr_eq(&results[5], &results[6]));
    assert_eq!((deployments.results.len(), deployments.merged.len()), (91, 91));
    assert_eq!(results[5].twin("$edgeAgent").unwrap().desired["modules"]["x"]["n"], json!(5));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![(0..3_i32).prop_map(Value::from), Just(json!([1])), Just(Value::Null), Just(json!({})),];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

fn any_section(whole: bool) -> impl Strategy<Value = Value> {
    let paths = prop::collection::btree_map("properties\\.desired(\\.[ab]){1,3}", any_value(), 0..3);
    let root = prop::collection::btree_map("[ab]", any_value(), 0..3);
    (paths, root, any::<bool>()).prop_map(move |(paths, root, also)| {
        let mut section: Map<String, Value> = paths.into_iter().collect();
        if whole || also {
            section.insert("properties.desired".to_owned(), Value::Object(root.into_iter().collect()));
        }
        Value::Object(section)
    })
}

pub(super) fn any_configurations() -> impl Strategy<Value = Vec<Configuration>> {
    let one = (
        0..4_u32,
        0..3_i64,
        any::<bool>(),
        any_section(true),
        any_section(false),
        prop::option::of(any_section(false)),
    );
    prop::collection::vec(one, 0..7).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(index, (priority, created, base, whole, paths, module))| {
                let agent = if base {
                    whole
                } else {
                    // A layer has no whole section.
                    let mut paths = paths;
                    paths.as_object_mut().unwrap().shift_remove("properties.desired");
                    paths
                };
                let mut content = json!({"$edgeAgent": agent});
                if let Some(module) = module {
                    content["m"] = module;
                }
                configuration(&format!("c{index}"), priority, created, "*", &content)
            })
            .collect()
    })
}

/// What one assignment puts at a place at or below it.
fn assigned<'a>(configuration: &'a Configuration, module: &str, place: &Path) -> Vec<&'a Value> {
    let sets = configuration.content.module(module).into_iter().flat_map(|section| section.in_effect());
    sets.filter_map(|set| {
        let below = place.keys().strip_prefix(set.path.keys())?;
        below.iter().try_fold(&set.value, |value, key| value.get(key))
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_they_come_in_means_nothing(configurations in any_configurations(), seed in any::<u64>()) {
        let mut shuffled = configurations.clone();
        // Any order will do that is not the first one.
        shuffled.sort_by_key(|c| (seed ^ u64::from(c.priority)).wrapping_mul(c.id.as_str().bytes().map(u64::from).sum::<u64>() | 1));
        shuffled.reverse();
        prop_assert_eq!(effective(configurations), effective(shuffled));
    }

    #[test]
    fn provenance_covers_exactly_the_leaves_of_the_result(configurations in any_configurations()) {
        let result = effective(configurations);
        for (module, twin) in result.twins() {
            let explained = result.explain(module.as_str());
            let leaves = twin.leaves();
            prop_assert_eq!(
                explained.iter().map(|leaf| (&leaf.path, leaf.value)).collect::<Vec<_>>(),
                leaves.iter().map(|(path, value)| (path, *value)).collect::<Vec<_>>()
            );
            for leaf in &explained {
                // The last thing its origin says about the place is what stands there, unless what was below it was
                // deleted and left an empty object.
                let said = assigned(leaf.from, module.as_str(), &leaf.path);
                let last = said.last().map(|value| crate::domain::patch::without_nulls(value));
                prop_assert!(last.as_ref() == Some(leaf.value) || *leaf.value == json!({}), "{:?}", leaf);
                // Nobody above it says anything there.
                let applied = result.applied();
                let from = applied.iter().position(|c| c.id == leaf.from.id).unwrap();
                for above in &applied[from + 1..] {
                    prop_assert_eq!(assigned(above, module.as_str(), &leaf.path), Vec::<&Value>::new(), "{:?}", leaf);
                }
                prop_assert!(leaf.lost.iter().all(|lost| lost.configuration.id != leaf.from.id));
            }
            for gone in result.dropped(module.as_str()) {
                prop_assert!(leaves.iter().all(|(path, _)| *path != gone.path));
            }
        }
    }

    #[test]
    fn evaluating_twice_changes_nothing_more(
        earlier in any_configurations(), configurations in any_configurations(), current in any_value(),
    ) {
        let current = crate::domain::patch::without_nulls(&current).as_object().cloned().unwrap_or_default();
        let (before, after) = (effective(earlier), effective(configurations));
        for module in ["$edgeAgent", "m"] {
            let once = after.desired_after(Some(&before), module, &current);
            prop_assert_eq!(&after.desired_after(Some(&after), module, &once), &once);
            if let Some(twin) = after.twin(module) {
                for path in twin.owned().into_iter().filter(|path| !path.keys().is_empty()) {
                    prop_assert_eq!(path.of_map(&once), path.of_map(&twin.desired));
                }
            }
        }
    }
}
