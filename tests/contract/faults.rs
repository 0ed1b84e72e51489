//! What the client makes of requests that are lost, of replies that are, and of a hub that refuses for a while: whether a
//! write may have happened is never guessed.

use std::time::Duration;

use edgedeck::domain::fault::FaultKind;
use serde_json::json;

use crate::stage::{GATEWAY, Stage, twin};

const FILTER: &str = "edge-gateway-001/temperatureFilter";

#[tokio::test]
async fn whatever_is_lost_leaves_a_write_in_doubt_and_is_not_sent_again() {
    let stage = Stage::set().await;
    for (fault, happened) in [("drop request writes", false), ("reset writes", false), ("drop reply writes", true)] {
        let before = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
        let served = stage.sim.status().served;
        assert!(stage.sim.command(fault).is_ok());
        let body = json!({"properties": {"desired": {"windowSeconds": served}}});
        let lost = stage.write().patch_twin(&twin(FILTER), &body, &before.etag).await.expect_err("no answer");
        assert_eq!((lost.kind.clone(), lost.status), (FaultKind::Unreachable, None), "{lost}");
        assert!(lost.may_have_happened(), "{fault}: the client cannot know: {lost}");
        assert_eq!(stage.sim.status().served, served + u64::from(happened), "{fault}: once, or not at all");
        let now = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
        assert_eq!(now.desired.version, before.desired.version + u64::from(happened), "{fault}");
    }
}

#[tokio::test]
async fn refusals_that_pass_are_told_from_those_that_do_not() {
    let stage = Stage::set().await;
    let tag = stage.hub.read.twin(&twin(GATEWAY)).await.expect("a twin").etag;
    for (order, status, code, kind) in [
        ("answer 429", 429, "ThrottlingBacklogTimeout", FaultKind::Throttled(Duration::from_secs(10))),
        ("answer 500", 500, "ServerError", FaultKind::Server),
        ("answer 503", 503, "ServiceUnavailable", FaultKind::Server),
        ("answer 504", 504, "GatewayTimeout", FaultKind::TimedOut),
        ("answer quota", 403, "IotHubQuotaExceeded", FaultKind::QuotaExceeded),
    ] {
        // A client that was throttled pauses; this one has nothing to wait for.
        let client = stage.as_policy("iothubowner");
        let write = client.write.as_ref().expect("not read-only");
        assert!(stage.sim.command(order).is_ok());
        let refused = write.patch_twin(&twin(GATEWAY), &json!({"tags": {"a": 1}}), &tag).await.expect_err("refused");
        let said = refused.code.as_ref().map_or("", |code| code.raw());
        assert_eq!((refused.status, said), (Some(status), code), "{refused}");
        assert_eq!(refused.may_have_happened(), status >= 500, "{refused}");
        assert!(refused.kind == kind && refused.tracking_id.is_some(), "{refused:?}");
    }
    assert!(stage.sim.command("answer ok").is_ok());
    let unchanged = stage.hub.read.twin(&twin(GATEWAY)).await.expect("a twin");
    assert_eq!(unchanged.etag, tag, "nothing was done");
}

/// Somebody else is quicker, between the reading and the write: the tag that was read is refused, and the next is not.
#[tokio::test]
async fn a_foreign_writer_moves_the_tag_under_a_write() {
    let stage = Stage::set().await;
    let before = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
    let body = json!({"properties": {"desired": {"windowSeconds": 7}}});
    assert!(stage.sim.command("foreign").is_ok());
    let refused = stage.write().patch_twin(&twin(FILTER), &body, &before.etag).await.expect_err("overtaken");
    assert_eq!((refused.status, refused.may_have_happened()), (Some(412), false), "{refused}");
    let now = stage.hub.read.twin(&twin(FILTER)).await.expect("a twin");
    assert!(now.etag != before.etag && now.desired.version == before.desired.version, "only its tags were written");
    assert!(stage.write().patch_twin(&twin(FILTER), &body, &now.etag).await.is_ok(), "once, and no more");
}
