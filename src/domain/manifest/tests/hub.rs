//! What edgeHub reads of a manifest, and the exact texts of its refusals.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::routes::{MessageSource, RoutedMessage};

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
