//! Every read of the client against the simulated hub, compared with the document the hub sends a stranger.

use edgedeck::domain::time::HubTime;
use edgedeck::domain::twin::ConfigurationStatus;
use edgedeck::hub::{OpClass, twin_from_json};
use serde_json::json;

use crate::stage::{GATEWAY, Stage, device, twin};

#[tokio::test]
async fn identities_come_without_their_keys() {
    let stage = Stage::set().await;
    let read = stage.hub.read.device(&device(GATEWAY)).await.expect("a device");
    assert_eq!((read.id.as_str(), read.enabled, read.authentication.raw()), (GATEWAY, true, "sas"));
    assert!(read.edge, "{read:?}");
    let modules = stage.hub.read.modules(&device(GATEWAY)).await.expect("modules");
    let ids: Vec<&str> = modules.iter().map(|module| module.id.as_str()).collect();
    assert_eq!(ids, ["$edgeAgent", "$edgeHub", "SimulatedTemperatureSensor", "debugShell", "temperatureFilter"]);
    let hub = modules.iter().find(|module| module.id.as_str() == "$edgeHub").expect("a hub");
    assert_eq!(hub.connection_state.raw(), "Connected");
    assert!(matches!(hub.last_activity, Some(HubTime::At(_))), "{hub:?}");
    let path = format!("/devices/{GATEWAY}?api-version=2021-04-12");
    let raw = stage.outside.send(reqwest::Method::GET, &path, &[], &json!(null)).await.body;
    let key = raw["authentication"]["symmetricKey"]["primaryKey"].as_str().expect("the hub does send keys");
    assert!(!format!("{read:?} {modules:?}").contains(key));
}

#[tokio::test]
async fn twins_are_read_as_they_are() {
    let stage = Stage::set().await;
    for id in [GATEWAY, "edge-gateway-101", "edge-gateway-101/$edgeAgent", "edge-gateway-001/temperatureFilter"] {
        let read = stage.hub.read.twin(&twin(id)).await.expect("a twin");
        let raw = stage.outside.twin(id).await;
        assert_eq!(read, twin_from_json(&raw).expect("a twin"), "{id}");
        assert_eq!(read.id, twin(id));
        assert_eq!(read.etag.as_str(), raw["etag"], "{id}");
        assert_eq!(json!(read.version), raw["version"], "{id}");
        for (section, raw) in
            [(&read.desired, &raw["properties"]["desired"]), (&read.reported, &raw["properties"]["reported"])]
        {
            assert_eq!(json!(section.version), raw["$version"], "{id}");
            assert!(section.values.keys().all(|key| !key.starts_with('$')), "metadata is kept apart: {id}");
            let mut without = raw.as_object().cloned().expect("an object");
            without.retain(|key, _| !key.starts_with('$'));
            assert_eq!(section.values, without, "{id}");
        }
    }
    let agent = stage.hub.read.twin(&twin("edge-gateway-203/$edgeAgent")).await.expect("a twin");
    let applied: Vec<&str> = agent.configurations.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(applied.len(), 3, "{applied:?}");
    assert!(agent.configurations.iter().all(|(_, status)| *status == ConfigurationStatus::Applied));
    let filter = stage.hub.read.twin(&twin("edge-gateway-001/temperatureFilter")).await.expect("a twin");
    assert!(matches!(filter.desired.last_updated(), Some(HubTime::At(_))));
}

#[tokio::test]
async fn statistics_count_what_the_registry_holds() {
    let stage = Stage::set().await;
    let counted = stage.hub.read.statistics().await.expect("statistics");
    assert_eq!((counted.total, counted.enabled, counted.disabled), (27, 27, 0));
}

#[tokio::test]
async fn queries_come_in_pages_and_as_a_whole() {
    let stage = Stage::set().await;
    let query = "SELECT deviceId FROM devices WHERE capabilities.iotEdge = true";
    let (mut ids, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = stage.hub.read.query_page(query, 10, token.as_ref()).await.expect("a page");
        assert!(page.rows.len() <= 10);
        assert_eq!(page.item_type, "Raw");
        ids.extend(page.rows.iter().map(|row| row["deviceId"].as_str().expect("an id").to_owned()));
        pages += 1;
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((ids.len(), pages), (26, 3));
    let all = stage.hub.read.query(query, None).await.expect("rows");
    assert_eq!(all.iter().map(|row| row["deviceId"].as_str().expect("an id")).collect::<Vec<_>>(), ids);
    assert_eq!(stage.hub.read.query(query, Some(7)).await.expect("rows").len(), 7);

    let twins = stage.hub.read.query_page("SELECT * FROM devices", 100, None).await.expect("a page");
    assert_eq!((twins.item_type.as_str(), twins.rows.len()), ("Twin", 27));
    for row in &twins.rows {
        let read = twin_from_json(row).expect("a twin");
        assert_eq!(read, stage.hub.read.twin(&read.id).await.expect("a twin"), "a row is the twin");
    }
}

#[tokio::test]
async fn what_is_free_costs_nothing_and_what_is_metered_is_counted() {
    let stage = Stage::set().await;
    stage.hub.read.statistics().await.expect("statistics");
    stage.hub.read.device(&device(GATEWAY)).await.expect("a device");
    stage.hub.read.modules(&device(GATEWAY)).await.expect("modules");
    assert_eq!(stage.hub.read.budget().spent_today, 0);
    stage.hub.read.twin(&twin(&format!("{GATEWAY}/$edgeAgent"))).await.expect("a twin");
    let raw = stage.outside.twin(&format!("{GATEWAY}/$edgeAgent")).await.to_string();
    let view = stage.hub.read.budget();
    let blocks = u64::try_from(raw.len().div_ceil(4_096)).expect("small");
    assert_eq!(view.spent_today, blocks, "{} bytes", raw.len());
    let calls = |class| view.classes.iter().find(|lane| lane.class == class).expect("a class").calls;
    assert_eq!((calls(OpClass::Registry), calls(OpClass::TwinRead), calls(OpClass::Query)), (3, 1, 0));
}
