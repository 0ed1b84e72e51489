//! What edgeAgent reads of a manifest, where it is lenient, and the exact texts of its refusals.

use serde_json::{Value, json};

use super::*;

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
