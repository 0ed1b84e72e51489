//! Somebody else writes to the same twin: nothing is overwritten, nothing typed is lost, both changes are on screen, and
//! the choice goes out under the new tag.

use edgedeck::audit::State;
use serde_json::json;

use crate::harness::{Console, FILTER, Opening, Stage};

/// My change is 30.0, sent without knowing of theirs: 28.0 and another property. Ends on the page with both changes.
async fn collide(stage: &Stage) -> (Console, String) {
    let before = stage.outside.twin(FILTER).await;
    let tag = before.get("etag").and_then(|tag| tag.as_str()).expect("a tag").to_owned();
    let mut console = stage.console_with(Opening::reading_twins_once());
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    stage.outside.set_desired(FILTER, json!({"temperatureThreshold": 28.0, "windowSeconds": 5})).await;
    console.confirms().await;
    console.sees("BOTH CHANGED IT").await;
    (console, tag)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_between_review_and_confirmation_is_not_overwritten() {
    let stage = Stage::set().await;
    let (mut console, tag) = collide(&stage).await;
    console.sees("412").await;
    let row = console.row("/temperatureThreshold");
    let at = |value: &str| row.find(value).unwrap_or_else(|| panic!("no {value} in {row}"));
    assert!(at("25.0") < at("28.0") && at("28.0") < at("30.0"), "was, theirs, mine: {row}");
    assert!(row.contains("choose: m or t"), "nobody wins until somebody chooses: {row}");
    assert!(console.row("/windowSeconds").contains("theirs (only)"));
    let theirs = stage.outside.twin(FILTER).await;
    assert_eq!(theirs["properties"]["desired"]["temperatureThreshold"], json!(28.0), "nothing was overwritten");
    console.flush();
    assert!(stage.drafts().concat().contains("30.0"), "nothing typed is lost");

    console.press("m").await;
    assert!(console.row("/temperatureThreshold").contains("mine"));
    console.press("s").await;
    console.sees("REVIEW").await;
    console.sees("~ /temperatureThreshold   28.0 -> 30.0").await;
    let new = theirs["etag"].as_str().expect("a tag");
    console.sees(&format!("If-Match: \"{new}\"")).await;
    console.confirms().await;
    console.sees("desired   v4").await;

    let after = stage.outside.twin(FILTER).await;
    assert_eq!(after["properties"]["desired"]["temperatureThreshold"], json!(30.0));
    assert_eq!(after["properties"]["desired"]["windowSeconds"], json!(5), "theirs stays where only they changed it");
    let writes = console.wiretap.writes();
    let guards: Vec<_> = writes.iter().filter_map(|write| write.if_match.clone()).collect();
    assert_eq!(guards, [format!("\"{tag}\""), format!("\"{new}\"")]);
    assert_eq!(writes[1].body, json!({"properties": {"desired": {"temperatureThreshold": 30.0}}}));
    let states: Vec<State> = stage.audited().iter().map(|entry| entry.state()).collect();
    assert_eq!(states, [State::Refused, State::Applied]);
    console.flush();
    assert!(stage.drafts().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_changes_come_back_after_a_step_back() {
    let stage = Stage::set().await;
    let (mut console, _) = collide(&stage).await;
    console.press("esc").await;
    console.sees("a draft of yours waits").await;
    console.press("e").await;
    console.sees("BOTH CHANGED IT").await;
    assert!(console.row("/temperatureThreshold").contains("30.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_between_reading_and_editing_meets_the_same_guard() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening::reading_twins_once());
    console.opens_the_filters_twin().await;
    stage.outside.set_desired(FILTER, json!({"temperatureThreshold": 28.0})).await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    console.confirms().await;
    console.sees("BOTH CHANGED IT").await;
    let theirs = stage.outside.twin(FILTER).await;
    assert_eq!(theirs["properties"]["desired"]["temperatureThreshold"], json!(28.0));
}

/// The readers bring their change before I confirm: the question says so and does not send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_seen_in_time_stops_the_question() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s s").await;
    console.sees("Send to temperatureFilter").await;
    stage.outside.set_desired(FILTER, json!({"temperatureThreshold": 28.0})).await;
    console.sees("somebody changed it meanwhile").await;
    console.past_type_ahead();
    console.press("tab enter").await;
    console.sees("Send to temperatureFilter").await;
    assert!(console.wiretap.writes().is_empty());
    console.press("esc s").await;
    console.sees("BOTH CHANGED IT").await;
    assert!(console.row("/temperatureThreshold").contains("30.0"));
}
