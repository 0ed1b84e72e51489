//! The one write of the client against the simulated hub: merge, null deletes, versions, metadata and tags, as both
//! sides see them.

use std::time::Duration;

use edgedeck::domain::time::{Clock, HubTime};
use serde_json::json;

use crate::stage::{Stage, twin};

const FILTER: &str = "edge-gateway-001/temperatureFilter";

#[tokio::test]
async fn a_patch_merges_and_moves_what_it_touches() {
    let stage = Stage::set().await;
    let before = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
    stage.theirs.advance(Duration::from_secs(60));
    let patch = json!({"properties": {"desired": {"window": {"seconds": 5, "mode": "mean"}}}});
    let after = stage.write().patch_twin(&twin(FILTER), &patch, &before.etag).await.expect("written");
    assert_eq!(after.desired.values["temperatureThreshold"], json!(25.0), "the rest stays");
    assert_eq!(after.desired.values["window"], json!({"seconds": 5, "mode": "mean"}));
    assert_eq!(after.desired.version, before.desired.version + 1);
    assert_eq!((after.version, after.reported.version), (before.version + 1, before.reported.version));
    assert_ne!(after.etag, before.etag);
    assert_eq!(after.desired.last_updated(), Some(HubTime::At(stage.theirs.now().wall)), "stamped by the hub");
    assert_eq!(after, stage.hub.read.twin(&twin(FILTER)).await.expect("a twin"), "the answer is the twin");
    let raw = stage.outside.twin(FILTER).await;
    let metadata = &raw["properties"]["desired"]["$metadata"];
    assert_ne!(metadata["window"]["$lastUpdated"], metadata["temperatureThreshold"]["$lastUpdated"]);
    assert_eq!(metadata["window"]["seconds"]["$lastUpdatedVersion"], json!(after.desired.version));
}

#[tokio::test]
async fn null_deletes_and_empty_objects_stay() {
    let stage = Stage::set().await;
    let write = |patch: serde_json::Value| {
        let (stage, id) = (&stage, twin(FILTER));
        async move {
            let tag = stage.hub.read.twin(&id).await.expect("a twin").etag;
            let patch = json!({"properties": {"desired": patch}});
            stage.write().patch_twin(&id, &patch, &tag).await.expect("written")
        }
    };
    write(json!({"window": {"seconds": 5, "mode": "mean"}, "list": [1, 2, 3]})).await;
    let after = write(json!({"window": {"mode": null}, "list": [4], "temperatureThreshold": null})).await;
    assert_eq!(json!(after.desired.values), json!({"window": {"seconds": 5}, "list": [4]}));
    let after = write(json!({"window": {"seconds": null}, "list": null})).await;
    assert_eq!(json!(after.desired.values), json!({"window": {}}));
    let metadata = stage.outside.twin(FILTER).await["properties"]["desired"]["$metadata"].clone();
    assert!(metadata.get("list").is_none() && metadata.get("temperatureThreshold").is_none(), "{metadata}");
}

#[tokio::test]
async fn tags_move_the_twin_and_not_the_desired_version() {
    let stage = Stage::set().await;
    let id = twin("edge-gateway-001");
    let before = stage.hub.read.twin(&id).await.expect("a twin");
    let patch = json!({"tags": {"location": {"building": "B1"}}});
    let after = stage.write().patch_twin(&id, &patch, &before.etag).await.expect("written");
    assert_eq!(json!(after.tags), json!({"location": {"building": "B1"}}));
    assert_eq!((after.version, after.desired.version), (before.version + 1, before.desired.version));
    assert_ne!(after.etag, before.etag, "tags are guarded by the same tag");
    let query = "SELECT deviceId FROM devices WHERE tags.location.building = 'B1' AND deviceId = 'edge-gateway-001'";
    assert_eq!(stage.hub.read.query(query, None).await.expect("rows").len(), 1);
    let patch = json!({"tags": {"location": null}});
    let after = stage.write().patch_twin(&id, &patch, &after.etag).await.expect("written");
    assert!(after.tags.is_empty());
}

/// Numbers arrive as they were written: 30.0 is not 30, and the largest integer the hub takes is exact.
#[tokio::test]
async fn numbers_keep_their_spelling() {
    let stage = Stage::set().await;
    let before = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
    let desired = json!({"temperatureThreshold": 30.0, "whole": 30, "large": 4_503_599_627_370_495_i64, "small": 1e-7});
    let patch = json!({"properties": {"desired": desired}});
    let after = stage.write().patch_twin(&twin(FILTER), &patch, &before.etag).await.expect("written");
    assert_eq!(json!(after.desired.values).to_string(), desired.to_string());
}
