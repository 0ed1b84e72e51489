//! What becomes of a small fleet by example, and the laws of any: the same deployments change nothing, and what a change
//! takes, its opposite gives back.

use proptest::prelude::*;
use serde_json::json;

use super::super::tests::{any_configurations, configuration};
use super::*;
use crate::domain::effective::Configuration;
use crate::domain::manifest::Manifest;

/// Four gateways of two sites, the last of them without tags.
fn fleet() -> Vec<Value> {
    let device = |id: &str, tags: Value| json!({"deviceId": id, "tags": tags, "capabilities": {"iotEdge": true}});
    vec![
        device("gw-10", json!({"site": "a", "ml": true})),
        device("gw-9", json!({"site": "a", "ml": true})),
        device("gw-11", json!({"site": "b"})),
        device("hand", json!({})),
    ]
}

fn module(image: &str) -> Value {
    json!({"type": "docker", "settings": {"image": image}})
}

fn base(id: &str, priority: u32, condition: &str, modules: &Value) -> Configuration {
    let whole = json!({"properties.desired": {"schemaVersion": "1.1", "modules": modules}});
    configuration(id, priority, 1, condition, &json!({ "$edgeAgent": whole }))
}

fn sites() -> Configuration {
    base("sites", 10, "is_defined(tags.site)", &json!({"filter": module("r/f:1")}))
}

fn ml() -> Configuration {
    let content = json!({"$edgeAgent": {"properties.desired.modules.ml": module("r/ml:1")}, "ml": {"properties.desired.model": 7}});
    configuration("ml", 20, 1, "tags.ml = true", &content)
}

/// A part of the layer's module for one device.
fn canary() -> Configuration {
    let content = json!({"$edgeAgent": {"properties.desired.modules.ml.settings.image": "r/ml:2"}});
    configuration("canary", 30, 1, "deviceId = 'gw-9'", &content)
}

fn radius(subject: &str, before: Vec<Configuration>, after: Vec<Configuration>, by_hand: &[(&str, Value)]) -> Radius {
    let by_hand = by_hand.iter().map(|(id, agent)| (DeviceId::from_wire(*id), agent.as_object().cloned().unwrap()));
    let (mut before, mut after) = (Deployments::new(before), Deployments::new(after));
    Radius::of(&DeploymentId::from_wire(subject), &mut before, &mut after, &fleet(), &by_hand.collect())
}

/// A radius in short lines.
fn lines(radius: &Radius) -> Vec<String> {
    let names = |devices: &[DeviceId]| devices.iter().map(DeviceId::as_str).collect::<Vec<_>>().join(" ");
    let image = |image: &Option<Untrusted>| image.as_ref().map_or("-".to_owned(), |image| image.raw().to_owned());
    let mut lines = Vec::new();
    for Touched { fate, devices } in &radius.modules {
        let what = match (fate.settings, fate.desired) {
            (true, true) => "both",
            (true, false) => "settings",
            (false, _) => "desired",
        };
        let (was, is) = (image(&fate.images.0), image(&fate.images.1));
        let kind = fate.kind;
        lines.push(format!(
            "{kind:?} {:?} {was} {is} {what} {:?} on {}",
            fate.module.as_str(),
            fate.lacks,
            names(devices)
        ));
    }
    let id = |id: &Option<DeploymentId>| id.as_ref().map_or("-".to_owned(), |id| id.as_str().to_owned());
    for moved in &radius.bases {
        lines.push(format!("base {} -> {} on {}", id(&moved.from), id(&moved.to), names(&moved.devices)));
    }
    for turned in &radius.layers {
        lines.push(format!("layer {} {} on {}", turned.layer.as_str(), turned.applies, names(&turned.devices)));
    }
    lines
}

#[test]
fn a_layer_that_goes_takes_its_module_and_leaves_a_part_of_it_under_another_layer() {
    let found = radius("ml", vec![sites(), ml(), canary()], vec![sites(), canary()], &[]);
    assert_eq!(
        lines(&found),
        ["Remove \"ml\" - - settings [] on gw-10", "Replace \"ml\" r/ml:2 r/ml:2 settings [\"type\"] on gw-9",]
    );
    assert_eq!((found.devices, found.changed.len(), found.matches), (4, 2, 0));
    assert!(found.takes_away());
}

#[test]
fn a_base_of_higher_priority_replaces_everything_and_idles_the_layers_below() {
    let wanted = base("new", 50, "*", &json!({"filter": module("r/f:2"), "probe": module("r/p:1")}));
    let hand = json!({"modules": {"filter": module("r/f:0"), "shell": module("r/s:1")}});
    let found = radius("new", vec![sites(), ml()], vec![sites(), ml(), wanted.clone()], &[("hand", hand)]);
    assert_eq!(
        lines(&found),
        [
            "Remove \"ml\" - - settings [] on gw-9 gw-10",
            "Remove \"shell\" - - settings [] on hand",
            "Replace \"filter\" r/f:1 r/f:2 settings [] on gw-9 gw-10 gw-11",
            "Replace \"filter\" r/f:0 r/f:2 settings [] on hand",
            "Add \"probe\" - r/p:1 settings [] on gw-9 gw-10 gw-11 hand",
            "Add \"$edgeAgent\" - - settings [] on hand",
            "base - -> new on hand",
            "base sites -> new on gw-9 gw-10 gw-11",
            "layer ml false on gw-9 gw-10",
        ]
    );
    assert_eq!((found.matches, found.changed.len()), (4, 4));
    // What was not read is named, and nothing is said of its modules.
    let found = radius("new", vec![sites()], vec![sites(), wanted], &[]);
    assert_eq!(found.unseen, [DeviceId::from_wire("hand")]);
    assert!(lines(&found).iter().all(|line| line.starts_with("base") || !line.contains("hand")), "{found:?}");
}

#[test]
fn the_first_base_of_a_device_is_known_before_anything_is_read() {
    let wanted = base("new", 50, "*", &json!({}));
    let mut after = Deployments::new([sites(), wanted]);
    let found = first_based(&mut Deployments::new([sites()]), &mut after, &fleet());
    assert_eq!(found, [DeviceId::from_wire("hand")]);
}

#[test]
fn without_a_base_devices_keep_what_they_have() {
    let found = radius("sites", vec![sites(), ml()], vec![ml()], &[]);
    assert_eq!(lines(&found), ["base sites -> - on gw-9 gw-10 gw-11", "layer ml false on gw-9 gw-10"]);
    assert!(!found.takes_away() && found.changed.is_empty() && !found.is_nothing());
}

#[test]
fn a_layer_that_lies_too_low_says_why_it_does_nothing() {
    let low = Configuration { priority: 10, ..canary() };
    let found = radius("canary", vec![sites(), ml()], vec![sites(), ml(), low], &[]);
    assert!(found.is_nothing(), "{found:?}");
    assert_eq!((found.matches, found.idle), (1, vec![(Outcome::LayerAtBase, 1)]));
}

#[test]
fn desired_properties_alone_are_a_change_of_their_module() {
    let content = json!({"$edgeAgent": {}, "filter": {"properties.desired.threshold": 30}});
    let threshold = configuration("hot", 20, 1, "tags.site = 'b'", &content);
    let found = radius("hot", vec![sites()], vec![sites(), threshold], &[]);
    assert_eq!(lines(&found), ["Replace \"filter\" r/f:1 r/f:1 desired [] on gw-11"]);
}

#[test]
fn a_condition_on_reports_is_not_evaluated_on_nothing() {
    let reports = Configuration {
        target: crate::domain::effective::TargetCondition::from_wire("properties.reported.a != 1"),
        ..ml()
    };
    let found = radius("ml", vec![sites()], vec![sites(), reports], &[]);
    assert!(found.is_nothing());
    assert_eq!(found.undecided, [DeploymentId::from_wire("ml")].into());
}

/// Any deployments whose content is often about modules.
fn any_with_modules() -> impl Strategy<Value = Vec<Configuration>> {
    any_configurations().prop_map(|all| {
        let of_modules = |configuration: Configuration| {
            let text = configuration.content.to_value().to_string();
            let text =
                text.replace("properties.desired.a", "properties.desired.modules").replace("\"a\"", "\"modules\"");
            let content = Manifest::read(&serde_json::from_str(&text).unwrap()).unwrap();
            Configuration { content: Arc::new(content), ..configuration }
        };
        all.into_iter().map(of_modules).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_deployments_change_nothing(all in any_with_modules()) {
        let found = radius("c0", all.clone(), all, &[]);
        prop_assert!(found.is_nothing(), "{:?}", found);
        prop_assert!(found.modules.is_empty());
    }

    #[test]
    fn what_a_change_takes_its_opposite_gives_back(before in any_with_modules(), after in any_with_modules()) {
        let there = radius("c0", before.clone(), after.clone(), &[]);
        let back = radius("c0", after, before, &[]);
        let of = |radius: &Radius, kind: ChangeKind| -> BTreeSet<(ModuleId, DeviceId)> {
            let touched = radius.modules.iter().filter(|touched| touched.fate.kind == kind);
            touched
                .flat_map(|touched| touched.devices.iter().map(|device| (touched.fate.module.clone(), device.clone())))
                .collect()
        };
        prop_assert_eq!(of(&there, ChangeKind::Remove), of(&back, ChangeKind::Add));
        prop_assert_eq!(of(&there, ChangeKind::Add), of(&back, ChangeKind::Remove));
        for radius in [&there, &back] {
            let named: BTreeSet<DeviceId> =
                radius.modules.iter().flat_map(|touched| touched.devices.iter().cloned()).collect();
            prop_assert_eq!(&named, &radius.changed);
        }
    }
}
