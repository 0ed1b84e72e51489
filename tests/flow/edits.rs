//! The first loop: a module twin is edited, reviewed, confirmed and sent under the tag that was read, and everything
//! that must hold afterwards holds: at the hub, on screen, in the audit record, on disk.

use edgedeck::audit::{Body, State, Verdict};
use serde_json::json;

use crate::harness::{FILTER, Stage, intent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_is_changed_under_the_tag_that_was_read() {
    let stage = Stage::set().await;
    let before = stage.outside.twin(FILTER).await;
    let tag = before["etag"].as_str().expect("a tag").to_owned();
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.flush();
    assert!(stage.drafts().concat().contains("30.0"), "the draft is on the disk before anything is sent");

    console.press("ctrl-s").await;
    console.sees("REVIEW").await;
    console.sees("~ /temperatureThreshold   25.0 -> 30.0").await;
    console.sees(&format!("If-Match: \"{tag}\"")).await;
    assert!(console.wiretap.writes().is_empty(), "a review sends nothing");
    console.confirms().await;
    console.sees(&format!("{FILTER} is applied: desired v2 -> v3")).await;
    console.sees("desired   v3").await;
    assert!(console.row("temperatureThreshold ").contains("30.0"), "{}", console.row("temperatureThreshold "));

    let writes = console.wiretap.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].path, "/twins/edge-gateway-001/modules/temperatureFilter");
    assert_eq!(writes[0].body, json!({"properties": {"desired": {"temperatureThreshold": 30.0}}}));
    assert_eq!(writes[0].if_match, Some(format!("\"{tag}\"")), "quoted: unquoted tags are ignored for twins");

    let after = stage.outside.twin(FILTER).await;
    assert_eq!(after["properties"]["desired"]["temperatureThreshold"], json!(30.0));
    assert_eq!(after["properties"]["desired"]["$version"], json!(3));

    let audited = stage.audited();
    assert_eq!(audited.len(), 1);
    let (entry, wrote) = (&audited[0], intent(&audited[0]));
    assert_eq!((wrote.verb.as_str(), wrote.object.as_str(), wrote.level), ("twin.patch", FILTER, 2));
    assert_eq!(wrote.base_etag.as_ref().map(|tag| tag.as_str()), Some(tag.as_str()));
    assert_eq!(wrote.request["body"], writes[0].body);
    assert_eq!(wrote.origin.who.name, "ana");
    assert_eq!(entry.state(), State::Applied);
    assert_eq!(entry.outcomes.len(), 1);
    assert!(entry.first.seq < entry.outcomes[0].seq && entry.first.time <= entry.outcomes[0].time);
    match &entry.outcomes[0].body {
        Body::Outcome(outcome) => {
            let new = after["etag"].as_str();
            let Verdict::Applied { etag, .. } = &outcome.result else { panic!("{outcome:?}") };
            assert_eq!(etag.as_ref().map(|tag| tag.as_str()), new);
        }
        other => panic!("{other:?}"),
    }
    console.flush();
    assert!(stage.drafts().is_empty(), "what was sent is no draft any more");
}

/// The view is left before the answer comes: the outcome is told all the same, and the draft goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_left_alone_tells_its_outcome_and_takes_its_draft_along() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    console.flush();
    assert_eq!(stage.drafts().len(), 1);
    assert!(stage.sim.command("latency 600ms").is_ok());
    console.confirms().await;
    console.sees("SENDING").await;
    console.press("esc").await;
    console.no_longer_sees("SENDING").await;
    console.sees(&format!("{FILTER} is applied: desired v2 -> v3")).await;
    console.flush();
    assert!(stage.drafts().is_empty(), "a draft of what was sent would ask for the same change again");
}
