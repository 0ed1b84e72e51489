//! What keeps a write from being sent: no audit record, a read-only console, a key that was typed too early.

use std::time::Duration;

use crate::harness::{FILTER, Opening, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_audit_record_nothing_is_sent() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    // The folder is gone, and what stands in its place is none: permissions would not stop the administrator.
    let _there_may_be_none_yet = std::fs::remove_dir_all(stage.audit());
    std::fs::write(stage.audit(), "in the way").expect("a file");
    console.confirms().await;
    console.sees("not sent, because the audit record could not be written").await;
    console.sees("EDITING").await;
    assert!(console.wiretap.writes().is_empty());
    let twin = stage.outside.twin(FILTER).await;
    assert_eq!(twin["properties"]["desired"]["temperatureThreshold"], serde_json::json!(25.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_console_sends_nothing() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening { read_only: true, ..Opening::default() });
    console.opens_the_filters_twin().await;
    console.sees("READ-ONLY").await;
    // A draft is nobody's business but the operator's.
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    console.sees("REVIEW").await;
    for key in ["s", "enter"] {
        console.press(key).await;
        console.sees("send needs read-write").await;
        assert!(!console.screen().contains("Send to temperatureFilter"), "{}", console.screen());
    }
    assert!(console.wiretap.writes().is_empty());
    assert!(stage.audited().is_empty());
}

/// With Entra ID the way of signing in is known from the first token on, long after the console was put together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_says_who_writes() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s s").await;
    console.sees("Send to temperatureFilter").await;
    assert!(console.row("as  ").contains("policy iothubowner"), "{}", console.screen());
}

/// Keys typed before the question could be read were meant for the view below, however long the console had been
/// waiting for a key when it was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn type_ahead_answers_no_question() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    stage.clock.push(Duration::from_secs(5));
    console.press("s").await;
    console.press("tab tab enter").await;
    console.sees("Send to temperatureFilter").await;
    console.flush();
    assert!(console.wiretap.writes().is_empty());
    assert!(stage.audited().is_empty());
    console.past_type_ahead();
    console.press("tab enter").await;
    console.sees("is applied: desired v2 -> v3").await;
}
