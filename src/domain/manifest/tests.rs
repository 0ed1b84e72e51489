//! The forms of manifests, both runtime modules' readers with the exact texts of their refusals, and the laws of
//! `createOptions`.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::json::Path;
use crate::domain::routes::{MessageSource, RoutedMessage};

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

#[test]
fn the_agent_reads_what_it_runs() {
    let config = AgentConfig::read(&with(agent(), "", "$version", json!(4))).unwrap();
    let (edge_agent, edge_hub) = (config.edge_agent.as_ref().unwrap(), config.edge_hub.as_ref().unwrap());
    assert_eq!((edge_agent.startup_order, edge_agent.restart_policy), (0, RestartPolicy::Always));
    assert_eq!((edge_hub.startup_order, edge_hub.restart_policy), (0, RestartPolicy::Always));
    let filter = config.module("filter").unwrap();
    assert_eq!(filter.image.as_str(), "acr.example/filter:latest");
    assert_eq!(filter.create_options.to_text(), r#"{"HostConfig":{"Privileged":true}}"#);
    assert_eq!(filter.env.iter().collect::<Vec<_>>(), [("API_KEY", "k"), ("LIMIT", "25"), ("ON", "true")]);
    assert_eq!((filter.version.as_str(), filter.startup_order), ("1.0", u32::MAX));
    let cache = config.module("cache").unwrap();
    assert_eq!((cache.status, cache.restart_policy), (DesiredStatus::Stopped, RestartPolicy::OnUnhealthy));
    assert_eq!(cache.image_pull_policy, ImagePullPolicy::OnCreate);
    assert_eq!(
        config.all().map(|module| module.name.as_str()).collect::<Vec<_>>(),
        ["edgeAgent", "edgeHub", "filter", "cache"]
    );
    let credential = |image: &str| {
        config.runtime.credential_for(&Image::parse(image).unwrap()).map(|credential| credential.name.as_str())
    };
    assert_eq!(credential("Acr.Example/a/b:1"), Some("main"));
    assert_eq!(credential("acr.example:5000/a"), Some("port"));
    assert_eq!(credential("user/a"), None);
    assert_eq!(credential("a"), None);
    let printed = format!("{config:?}");
    assert!(!printed.contains("pw-1") && !printed.contains("Privileged") && !printed.contains("\"k\""), "{printed}");
}

#[test]
fn the_agent_refuses_in_its_own_words() {
    const FORMAT: &str = "Agent configuration format is invalid.";
    let module = "/modules/filter";
    for (document, code, description, at) in [
        (
            json!({}),
            417,
            "This device has an empty configuration for the edge agent. Please set a deployment manifest.",
            "/",
        ),
        (
            json!({"$metadata": {}, "$version": 9}),
            417,
            "This device has an empty configuration for the edge agent. Please set a deployment manifest.",
            "/",
        ),
        (
            set(agent(), "/schemaVersion", json!("1.2")),
            412,
            "The desired properties schema version 1.2 is not compatible with the expected version 1.1.0",
            "/schemaVersion",
        ),
        (
            set(agent(), "/schemaVersion", json!("1.1.1")),
            412,
            "The desired properties schema version 1.1.1 is not compatible with the expected version 1.1.0",
            "/schemaVersion",
        ),
        (
            set(agent(), "/schemaVersion", json!("0.9")),
            412,
            "The desired properties schema version 0.9 is not compatible with the expected version 1.1.0",
            "/schemaVersion",
        ),
        (
            set(agent(), "/schemaVersion", json!("1")),
            412,
            "Invalid desired properties schema version 1",
            "/schemaVersion",
        ),
        (
            set(agent(), "/schemaVersion", json!("")),
            412,
            "Invalid desired properties schema version ",
            "/schemaVersion",
        ),
        (without(agent(), "", "schemaVersion"), 400, FORMAT, "/schemaVersion"),
        (without(agent(), "", "runtime"), 400, FORMAT, "/runtime"),
        (without(agent(), "", "systemModules"), 400, FORMAT, "/systemModules"),
        // What cannot be read comes before the version.
        (set(without(agent(), "", "runtime"), "/schemaVersion", json!("9.9")), 400, FORMAT, "/runtime"),
        (set(agent(), "/runtime/type", json!("Docker")), 400, FORMAT, "/runtime/type"),
        (
            set(agent(), "/runtime/settings/registryCredentials/main/password", json!(" ")),
            400,
            FORMAT,
            "/runtime/settings/registryCredentials/main/password",
        ),
        (
            without(agent(), "/runtime/settings/registryCredentials/main", "address"),
            400,
            FORMAT,
            "/runtime/settings/registryCredentials/main/address",
        ),
        (without(agent(), "/systemModules/edgeHub", "status"), 400, FORMAT, "/systemModules/edgeHub/status"),
        (without(agent(), module, "type"), 400, FORMAT, "/modules/filter/type"),
        (without(agent(), module, "status"), 400, FORMAT, "/modules/filter/status"),
        (without(agent(), module, "settings"), 400, FORMAT, "/modules/filter/settings"),
        (
            set(agent(), "/modules/filter/restartPolicy", json!("on-failured")),
            400,
            FORMAT,
            "/modules/filter/restartPolicy",
        ),
        (with(agent(), module, "imagePullPolicy", json!("always")), 400, FORMAT, "/modules/filter/imagePullPolicy"),
        (with(agent(), module, "startupOrder", json!(-1)), 400, FORMAT, "/modules/filter/startupOrder"),
        (with(agent(), module, "startupOrder", json!(4_294_967_296_u64)), 400, FORMAT, "/modules/filter/startupOrder"),
        (
            set(agent(), "/modules/filter/env/LIMIT", json!({"value": {"a": 1}})),
            400,
            FORMAT,
            "/modules/filter/env/LIMIT/value",
        ),
        (set(agent(), "/modules/filter/env/LIMIT", json!("25")), 400, FORMAT, "/modules/filter/env/LIMIT"),
        (set(agent(), "/modules/filter/settings/image", json!("")), 400, FORMAT, "/modules/filter/settings/image"),
        (set(agent(), "/modules/filter/settings/image", json!("a:1:2")), 400, FORMAT, "/modules/filter/settings/image"),
        (
            without(agent(), "/modules/filter/settings", "createOptions01"),
            400,
            FORMAT,
            "/modules/filter/settings/createOptions",
        ),
        (
            without(agent(), "/modules/filter/settings", "createOptions"),
            400,
            FORMAT,
            "/modules/filter/settings/createOptions",
        ),
        (
            set(agent(), "/modules/filter/settings/createOptions02", json!("")),
            400,
            FORMAT,
            "/modules/filter/settings/createOptions",
        ),
        (with(agent(), "/modules", " ", json!({})), 400, FORMAT, "/modules/ "),
    ] {
        let refusal = AgentConfig::read(&document).unwrap_err();
        assert_eq!((refusal.code.number(), refusal.description.as_str()), (code, description), "{refusal}");
        assert_eq!(refusal.at.shown().as_str(), at, "{refusal}");
    }
}

#[test]
fn the_agent_is_lenient_where_the_runtime_is() {
    for document in [
        set(agent(), "/schemaVersion", json!(1.1)),
        set(agent(), "/schemaVersion", json!("1.1.0")),
        set(agent(), "/systemModules", json!({})),
        without(agent(), "", "modules"),
        without(agent(), "/runtime", "settings"),
        set(agent(), "/modules/filter/restartPolicy", json!("OnFailure")),
        set(agent(), "/modules/filter/status", json!("Running")),
        set(agent(), "/modules/filter/env/LIMIT", json!({})),
        set(agent(), "/modules/filter/settings", json!({"Image": "a", "createOptions": {"HostConfig": {}}})),
        set(agent(), "/modules/filter/settings", json!({"image": "a", "CREATEOPTIONS": "{", "createOptions1": "}"})),
        set(agent(), "/modules/filter/settings", json!({"image": "a", "createOptions": "NULL"})),
        with(agent(), "/modules/filter", "startupOrder", json!("3")),
    ] {
        if let Err(refusal) = AgentConfig::read(&document) {
            panic!("{refusal}: {document}");
        }
    }
}

#[test]
fn a_change_of_status_alone_recreates_nothing() {
    let base = AgentConfig::read(&agent()).unwrap();
    let module = |document: &Value, name: &str| AgentConfig::read(document).unwrap().module(name).unwrap().clone();
    let change = |document: Value| base.module("filter").unwrap().change_to(&module(&document, "filter"));
    assert_eq!(change(agent()), Change::None);
    assert_eq!(
        change(set(agent(), "/modules/filter/status", json!("stopped"))),
        Change::Status(DesiredStatus::Stopped)
    );
    assert_eq!(change(set(agent(), "/modules/filter/version", json!("2"))), Change::Recreate(vec![Field::Version]));
    let both = set(set(agent(), "/modules/filter/status", json!("stopped")), "/modules/filter/env", json!({}));
    assert_eq!(change(both), Change::Recreate(vec![Field::Status, Field::Env]));
    assert_eq!(
        change(set(agent(), "/modules/filter/settings/image", json!("acr.example/filter:latest"))),
        Change::None
    );
    assert_eq!(
        change(set(
            agent(),
            "/modules/filter/settings",
            json!({"image": "acr.example/filter",
            "createOptions": "{ \"HostConfig\": {\"Privileged\": true}, \"User\": null }"})
        )),
        Change::None
    );
    let agent_change = |document: Value| base.edge_agent.as_ref().unwrap().change_to(&module(&document, "edgeAgent"));
    let agents = "/systemModules/edgeAgent";
    assert_eq!(agent_change(with(agent(), agents, "imagePullPolicy", json!("never"))), Change::None);
    assert_eq!(
        agent_change(with(agent(), agents, "env", json!({"A": {"value": "1"}}))),
        Change::Recreate(vec![Field::Env])
    );
    let options = |text: &str| CreateOptions::parse(text).unwrap();
    assert_eq!(options(r#"{"Labels":{"a":"1","normalizedCreateOptions":"x"}}"#), options(r#"{"Labels":{"a":"1"}}"#));
    assert_ne!(options(r#"{"Labels":{"a":"1"}}"#), options(r#"{"Labels":{"a":"2"}}"#));
}

#[test]
fn images_as_the_agent_reads_them() {
    for (text, expected) in [
        ("redis", Ok("redis:latest")),
        ("a/b/c:1.0", Ok("a/b/c:1.0")),
        ("host:5000/a", Ok("host:5000/a:latest")),
        ("a@sha256:0123", Ok("a@sha256:0123")),
        ("/a", Ok("/a:latest")),
        ("$upstream:443/azureiotedge-agent:1.5", Ok("$upstream:443/azureiotedge-agent:1.5")),
        ("  ", Err(ImageError::Blank)),
        ("$upstream/a", Err(ImageError::Variable)),
        ("$upstream:0/a", Err(ImageError::Variable)),
        ("$CONTAINER/a", Err(ImageError::Variable)),
        ("a:", Err(ImageError::Form)),
        ("a/", Err(ImageError::Form)),
        ("a:1@sha256:0", Err(ImageError::Form)),
        (":1", Err(ImageError::Form)),
    ] {
        assert_eq!(Image::parse(text).as_ref().map(Image::as_str).map_err(|error| *error), expected, "{text}");
    }
    let nested = Image::parse("$upstream:443/a:1").unwrap();
    assert!(nested.is_upstream());
    assert_eq!(nested.registry(), Some("$upstream:443"));
    assert_eq!(nested.through("parent").as_str(), "parent:443/a:1");
    assert_eq!(Image::parse("host:5000/a").unwrap().tag(), "latest");
}

fn hub() -> Value {
    json!({"schemaVersion": "1.1", "routes": {
        "up": "FROM /messages/* INTO $upstream",
        "alarm": {"route": "FROM /messages/modules/a/* INTO $upstream", "priority": 0, "timeToLiveSecs": 60}},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200, "storeLimits": {"maxSizeBytes": 1000}}})
}

#[test]
fn the_hub_reads_its_routes_and_times() {
    let config = HubConfig::read(&hub()).unwrap();
    let [up, alarm] = config.routes.as_slice() else { panic!("{config:?}") };
    assert_eq!((up.name.as_str(), up.priority, alarm.priority), ("up", DEFAULT_PRIORITY, 0));
    assert_eq!(config.time_to_live_of(up), Some(Duration::from_hours(2)));
    assert_eq!(config.time_to_live_of(alarm), Some(Duration::from_mins(1)));
    assert_eq!(config.max_store_bytes, Some(1000));
    let store =
        |store: Value| HubConfig::read(&set(hub(), "/storeAndForwardConfiguration", store)).unwrap().time_to_live;
    assert_eq!(store(json!({})), Some(Duration::ZERO));
    assert_eq!(store(json!({"timeToLiveSecs": -1})), None);
    assert_eq!(store(json!({"timeToLiveSecs": "30"})), Some(Duration::from_secs(30)));
    let old = json!({"schemaVersion": "1.0", "routes": {"blank": " ", "a": "FROM /* INTO $upstream"},
                     "storeAndForwardConfiguration": {}});
    assert_eq!(HubConfig::read(&old).unwrap().routes.len(), 1);
    assert!(HubConfig::read(&without(old, "", "routes")).unwrap().routes.is_empty());
    assert!(HubConfig::read(&set(hub(), "/schemaVersion", json!("1.3"))).is_ok());
}

#[test]
fn a_condition_edge_hub_cannot_compile_is_reported_as_200() {
    let condition = "FROM /* WHERE temperature > 30 INTO $upstream";
    let config = HubConfig::read(&set(hub(), "/routes/alarm/route", json!(condition))).unwrap();
    let (route, error) = config.unusable().unwrap();
    assert_eq!((route.name.as_str(), error.reported_for("alarm")), ("alarm", None));
    assert!(HubConfig::read(&hub()).unwrap().unusable().is_none());
}

#[test]
fn messages_take_the_routes_of_the_configuration() {
    let config = HubConfig::read(&hub()).unwrap();
    let message = |module: &str| RoutedMessage {
        source: MessageSource::Module { module: module.to_owned(), output: None },
        properties: BTreeMap::new(),
        system: BTreeMap::new(),
        body: Vec::new(),
    };
    let taken = |module: &str| {
        config
            .choose(&message(module))
            .iter()
            .map(|route| (route.name.to_owned(), route.time_to_live))
            .collect::<Vec<_>>()
    };
    assert_eq!(taken("a"), [("alarm".to_owned(), Some(Duration::from_mins(1)))]);
    assert_eq!(taken("b"), [("up".to_owned(), Some(Duration::from_hours(2)))]);
}

#[test]
fn the_hub_refuses_in_its_own_words() {
    let old = || set(hub(), "/schemaVersion", json!("1.0"));
    for (document, reason, at) in [
        (without(hub(), "", "schemaVersion"), "EdgeHub config missing SchemaVersion", "/schemaVersion"),
        (json!({"$version": 1}), "EdgeHub config missing SchemaVersion", "/schemaVersion"),
        (
            set(hub(), "/schemaVersion", json!("1.4")),
            "EdgeHub config contains unsupported SchemaVersion: 1.4",
            "/schemaVersion",
        ),
        (
            set(hub(), "/schemaVersion", json!("2.00")),
            "EdgeHub config contains unsupported SchemaVersion: 2.0",
            "/schemaVersion",
        ),
        (
            set(hub(), "/schemaVersion", json!("1")),
            "Error parsing schema version string: 1, Exception: Version string portion was too short or too long. (Parameter 'input')",
            "/schemaVersion",
        ),
        (
            set(hub(), "/schemaVersion", json!("1.x")),
            "Error parsing schema version string: 1.x, Exception: The input string 'x' was not in a correct format.",
            "/schemaVersion",
        ),
        (
            without(hub(), "", "storeAndForwardConfiguration"),
            "Value cannot be null. (Parameter 'storeAndForwardConfiguration')",
            "/storeAndForwardConfiguration",
        ),
        (without(hub(), "", "routes"), "Value cannot be null. (Parameter 'routes')", "/routes"),
        (old(), "Unexpected character encountered while parsing value: {. Path 'routes.alarm'", "/routes/alarm"),
        (set(hub(), "/routes/up", json!(" ")), "route is null or whitespace.", "/routes/up"),
        (set(hub(), "/routes/up", json!({"priority": 1})), "route is null or whitespace.", "/routes/up"),
        (set(hub(), "/routes/up", json!(5)), "Malformed route specification: \"up\": 5", "/routes/up"),
        (
            set(hub(), "/routes/alarm/priority", json!(10)),
            "Invalid priority for route: FROM /messages/modules/a/* INTO $upstream, priority can only be between 0-9 (Parameter 'priority')\nActual value was 10.",
            "/routes/alarm/priority",
        ),
        (
            set(hub(), "/routes/up", json!("FROM /* INTO")),
            "Error parsing route up - Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown.",
            "/routes/up",
        ),
        (
            set(hub(), "/routes/alarm/route", json!("FROM /* INTO $cloud")),
            "Error parsing route alarm - System endpoint type '$cloud' not supported.",
            "/routes/alarm",
        ),
        // From 1.1 on the shape is read before the routes, in 1.0 after them.
        (
            without(set(hub(), "/routes/up", json!("x")), "", "storeAndForwardConfiguration"),
            "Value cannot be null. (Parameter 'storeAndForwardConfiguration')",
            "/storeAndForwardConfiguration",
        ),
        (
            json!({"schemaVersion": "1.0", "routes": {"a": "FROM /* INTO $x"}}),
            "Error parsing route a - System endpoint type '$x' not supported.",
            "/routes/a",
        ),
        (
            json!({"schemaVersion": "1.0"}),
            "Value cannot be null. (Parameter 'storeAndForwardConfiguration')",
            "/storeAndForwardConfiguration",
        ),
    ] {
        let refusal = HubConfig::read(&document).unwrap_err();
        assert_eq!(refusal.description, format!("Error while parsing desired properties - {reason}"), "{document}");
        assert_eq!(refusal.at.shown().as_str(), at, "{document}");
    }
    // Numbers out of range only promise where and what, not the words.
    for (pointer, value) in [
        ("/routes/alarm/priority", json!(-1)),
        ("/routes/alarm/timeToLiveSecs", json!(1.5)),
        ("/storeAndForwardConfiguration/timeToLiveSecs", json!(9_999_999_999_u64)),
    ] {
        assert_eq!(HubConfig::read(&set(hub(), pointer, value)).unwrap_err().at.shown().as_str(), pointer);
    }
}

#[test]
fn options_that_do_not_fit_are_split_and_the_rest_is_left_as_found() {
    let found = json!({"image": "a", "createOptions": "{", "createOptions01": "}", "digest": "d"});
    assert_eq!(Value::Object(fit(found.as_object().unwrap()).unwrap()), found);
    let large = format!("{{\"User\":\"{}\"}}", "x".repeat(5_000));
    let settings = json!({"image": "a", "createOptions": large, "digest": "d"});
    let fitted = fit(settings.as_object().unwrap()).unwrap();
    assert_eq!(join(&fitted).unwrap(), large);
    assert_eq!(fitted.keys().next_back().map(String::as_str), Some("digest"));
    assert_eq!(fitted.keys().nth(1).map(String::as_str), Some("createOptions"));
    assert_eq!(fitted.keys().nth(10).map(String::as_str), Some("createOptions09"));
    assert_eq!(split(&"x".repeat(51_201)), Err(CreateOptionsError::TooLong(101)));
    assert_eq!(split(&"x".repeat(51_200)).unwrap().len(), AGENT_CHUNKS);
    for (settings, error) in [
        (json!({"createOptions01": "{}"}), CreateOptionsError::First("createOptions01".to_owned())),
        (
            json!({"createOptions": "", "createOptions02": ""}),
            CreateOptionsError::Gap { expected: 1, found: "createOptions02".to_owned() },
        ),
        // Without leading zeros, 10 comes before 2.
        (
            (0..12)
                .map(|n| (if n == 0 { "createOptions".to_owned() } else { format!("createOptions{n}") }, json!("")))
                .collect(),
            CreateOptionsError::Gap { expected: 2, found: "createOptions10".to_owned() },
        ),
        (
            json!({"createOptions": "", "my_createOptions": ""}),
            CreateOptionsError::Gap { expected: 1, found: "my_createOptions".to_owned() },
        ),
    ] {
        assert_eq!(join(settings.as_object().unwrap()), Err(error), "{settings}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_split_joins_to_the_same(text in "(\\PC|[a-z\"{}🦀]){0,9000}", shift in any::<u64>()) {
        let Ok(mut pieces) = split(&text) else { return Ok(()) };
        for (_, piece) in &pieces {
            prop_assert!(piece.len() <= 4096);
            prop_assert!(pieces.len() == 1 || piece.encode_utf16().count() <= CHUNK_UNITS);
        }
        // Twins keep no order of members.
        let middle = usize::try_from(shift % pieces.len() as u64).unwrap();
        pieces.rotate_left(middle);
        let settings: Map<String, Value> =
            pieces.into_iter().map(|(key, piece)| (key, Value::String(piece))).collect();
        prop_assert_eq!(join(&settings), Ok(text));
        prop_assert_eq!(fit(&settings).unwrap(), settings);
    }

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
