//! Manifests as documents: their wrappers, base and layer, what is found in them, and that none makes a reader panic.
//! `agent` and `hub` hold the two runtime modules' readers with the exact texts of their refusals, `create_options` the
//! laws of options that are split.

mod agent;
mod create_options;
mod hub;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::json::Path;

fn agent() -> Value {
    json!({
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "registryCredentials": {
            "main": {"address": "acr.example", "username": "u", "password": "pw-1"},
            "port": {"address": "ACR.example:5000", "username": "v", "password": "pw-2"}}}},
        "systemModules": {
            "edgeAgent": {"type": "docker", "startupOrder": 7, "settings": {"image": "mcr.example/agent:1.5"}},
            "edgeHub": {"type": "docker", "status": "running", "startupOrder": 0,
                        "settings": {"image": "mcr.example/hub:1.5", "createOptions": "{\"a\":1}"}}},
        "modules": {
            "filter": {"version": 1.0, "type": "docker", "status": "running", "restartPolicy": "always",
                       "env": {"LIMIT": {"value": 25}, "ON": {"value": true}, "API_KEY": {"value": "k"}},
                       "settings": {"image": " acr.example/filter ", "createOptions": "{\"HostConfig\":",
                                    "createOptions01": "{\"Privileged\":true}", "createOptions02": "}"}},
            "cache": {"type": "docker", "status": "stopped", "settings": {"image": "redis", "createOptions": ""}}}})
}

fn set(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

fn without(mut document: Value, parent: &str, key: &str) -> Value {
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(key).unwrap();
    document
}

fn with(mut document: Value, parent: &str, key: &str, value: Value) -> Value {
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    document
}

fn hub() -> Value {
    json!({"schemaVersion": "1.1", "routes": {
        "up": "FROM /messages/* INTO $upstream",
        "alarm": {"route": "FROM /messages/modules/a/* INTO $upstream", "priority": 0, "timeToLiveSecs": 60}},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200, "storeLimits": {"maxSizeBytes": 1000}}})
}

#[test]
fn every_wrapper_becomes_one_manifest() {
    let entries = json!({"$edgeAgent": {"properties.desired": {"a": 1}}, "m": {"properties.desired.x.y": 2}});
    for (document, form, old) in [
        (json!({"modulesContent": entries}), Form::ModulesContent, false),
        (json!({"content": {"modulesContent": entries}, "metrics": {"queries": {}}}), Form::Content, false),
        (json!({"content": {"moduleContent": entries}}), Form::Content, true),
        (json!({"moduleContent": entries}), Form::ModulesContent, true),
        (
            json!({"id": "a", "priority": 3, "content": {"deviceContent": {}, "modulesContent": entries}}),
            Form::Configuration,
            false,
        ),
        (json!({"content": {"modulesContent": {}, "moduleContent": entries}}), Form::Content, true),
    ] {
        let manifest = Manifest::read(&document).unwrap_or_else(|error| panic!("{document}: {error}"));
        assert_eq!((manifest.form, manifest.old_spelling), (form, old), "{document}");
        assert_eq!(manifest.to_value(), json!({"modulesContent": entries}), "{document}");
        assert_eq!(manifest.kind(), Some(Kind::Base));
        assert_eq!(manifest.desired("$edgeAgent"), Some(&json!({"a": 1})));
        let names: Vec<&str> = manifest.modules.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["$edgeAgent", "m"]);
        assert!(!manifest.beside.contains_key("content") && !manifest.beside.contains_key("modulesContent"));
    }
}

#[test]
fn what_is_no_manifest_is_refused_with_its_place() {
    for (document, at, part) in [
        (json!([1]), "/", "a list stands"),
        (json!({}), "/", "no modulesContent"),
        (json!({"content": {"modulesContent": {}}}), "/content", "no modulesContent"),
        (json!({"content": 5}), "/content", "a number stands"),
        (json!({"$schema-template": "4.0.0", "modulesContent": {}}), "/$schema-template", "expand it first"),
        (
            json!({"content": {"deviceContent": {"properties.desired.a": 1}}}),
            "/content/deviceContent",
            "automatic device",
        ),
        (
            json!({"content": {"moduleContent": {"properties.desired.a": 1}}}),
            "/content/moduleContent",
            "automatic module",
        ),
        (json!({"modulesContent": {"m": {"desired": {}}}}), "/modulesContent/m/desired", "neither properties.desired"),
        (
            json!({"modulesContent": {"m": {"properties.desiredx": {}}}}),
            "/modulesContent/m/properties.desiredx",
            "neither",
        ),
        (
            json!({"modulesContent": {"m": {"properties.desired.": 1}}}),
            "/modulesContent/m/properties.desired.",
            "neither",
        ),
        (
            json!({"modulesContent": {"m": {"properties.desired": "x"}}}),
            "/modulesContent/m/properties.desired",
            "a text",
        ),
        (json!({"modulesContent": {"m": null}}), "/modulesContent/m", "null stands"),
    ] {
        let error = Manifest::read(&document).unwrap_err();
        assert_eq!(error.at.shown().as_str(), at, "{document}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let text = "{\"modulesContent\": {\"m\": {\"properties.desired\": {\"n\": ${N}}}}}";
    assert!(matches!(Manifest::parse(text).unwrap_err().problem, Problem::TemplateText(_)));
    assert!(matches!(Manifest::parse("{").unwrap_err().problem, Problem::NotJson(_)));
}

#[test]
fn the_keys_of_the_agent_decide_between_base_and_layer() {
    for (entry, kind) in [
        (json!({"properties.desired": {}}), Kind::Base),
        (json!({"properties.desired": {}, "properties.desired.modules.a": {}}), Kind::Base),
        (json!({"properties.desired.modules.a": {}}), Kind::Layer),
        (json!({}), Kind::Layer),
    ] {
        let manifest = Manifest::read(&json!({"modulesContent": {"$edgeAgent": entry}})).unwrap();
        assert_eq!(manifest.kind(), Some(kind), "{entry}");
    }
    assert_eq!(Manifest::read(&json!({"modulesContent": {"m": {}}})).unwrap().kind(), None);
    let content = Content::read(
        json!({"properties.desired.a.b": {"c": [1], "d": {}}, "properties.desired": {"a": {"e": 2}}})
            .as_object()
            .unwrap(),
    )
    .unwrap();
    let leaves: Vec<String> =
        content.leaves().iter().map(|(at, value)| format!("{} {value}", at.shown().as_str())).collect();
    assert_eq!(leaves, ["/a/b/c [1]", "/a/b/d {}", "/a/e 2"]);
    let order: Vec<String> = content.in_effect().iter().map(|set| set.key()).collect();
    assert_eq!(order, ["properties.desired", "properties.desired.a.b"]);
}

#[test]
fn placeholders_and_objects_are_found_where_they_stand() {
    let pieces: Map<String, Value> = (0..9)
        .map(|n| if n == 0 { "createOptions".to_owned() } else { format!("createOptions{n:02}") })
        .map(|key| (key, json!("")))
        .chain([("image".to_owned(), json!("i"))])
        .collect();
    let manifest = Manifest::read(&json!({"content": {"modulesContent": {
        "$edgeAgent": {
            "properties.desired.modules.a": {"settings": {"image": "${MODULES.a}", "createOptions": {"x": ["${V}"]}}},
            "properties.desired.modules.b.settings": pieces,
            "properties.desired.modules.c.settings.createOptions": {},
            "properties.desired.systemModules.edgeHub.env": {"A": {"value": "$upstream ${ 1 ${9 $HOME"}},
        },
        "a": {"properties.desired": {"createOptions": {"ok": true}, "settings": {"createOptions": {}}}},
    }}}))
    .unwrap();
    let found: Vec<String> = manifest.findings().iter().map(ToString::to_string).collect();
    let root = "/content/modulesContent/$edgeAgent/properties.desired";
    assert_eq!(
        found,
        [
            format!("{root}.modules.a/settings/image: ${{MODULES.a}} was never filled in; expand the template first"),
            format!(
                "{root}.modules.a/settings/createOptions: createOptions is an object where a text belongs; expand the template first"
            ),
            format!(
                "{root}.modules.a/settings/createOptions/x/0: ${{V}} was never filled in; expand the template first"
            ),
            format!(
                "{root}.modules.b.settings/createOptions: createOptions comes in 9 pieces; other tools read only 8"
            ),
            format!(
                "{root}.modules.c.settings.createOptions: createOptions is an object where a text belongs; expand the template first"
            ),
            format!("{root}.systemModules.edgeHub.env: a layer sets systemModules, which belong to the base"),
        ]
    );
    let refused: Vec<bool> = manifest.findings().iter().map(Finding::refused).collect();
    assert_eq!(refused, [true, true, true, false, true, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_document_makes_a_reader_panic(document in crate::domain::json::tests::any_json(), key in "(modules|systemModules|runtime|routes|schemaVersion)") {
        let placed = with(agent(), "", &key, document.clone());
        drop(AgentConfig::read(&placed));
        drop(HubConfig::read(&with(hub(), "", &key, document.clone())));
        drop(Manifest::read(&document));
        let entry = json!({"modulesContent": {"$edgeAgent": {"properties.desired": placed, "properties.desired.modules": document}}});
        let manifest = Manifest::read(&entry).unwrap();
        drop(manifest.findings());
        prop_assert_eq!(manifest.to_value(), entry);
    }

    #[test]
    fn leaves_make_the_document_again(document in crate::domain::json::tests::any_json()) {
        prop_assume!(document.is_object());
        let entry = json!({"properties.desired": document});
        let content = Content::read(entry.as_object().unwrap()).unwrap();
        for (at, value) in content.leaves() {
            prop_assert_eq!(at.of(&document), Some(value), "{}", Path::shown(&at).as_str());
        }
    }
}
