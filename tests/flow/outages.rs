//! The hub stops answering: every number keeps its value and its age, keys are handled, leaving is at once, and the
//! console recovers by itself.

use std::time::Duration;

use edgedeck::audit::State;
use edgedeck::tui::run::Ended;

use crate::harness::{GATEWAY, Opening, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_outlives_the_hub_and_recovers_by_itself() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("5/5").await;
    console.no_longer_sees("not read").await;
    console.sees("as of 0 s").await;
    console.press("N g").await;
    let before = console.row(GATEWAY);
    console.command("sim hub off").await;
    console.sees("OFFLINE").await;
    console.press("esc").await;
    console.sees("26 of 26").await;
    stage.clock.push(Duration::from_secs(15));
    console.sees("STALE as of").await;
    stage.clock.push(Duration::from_secs(105));
    console.sees("OLD as of 2 m").await;
    let without_age = |row: &str| row.trim_end_matches(['|', ' ']).rsplit_once("  ").map(|(row, _)| row.to_owned());
    assert_eq!(without_age(&console.row(GATEWAY)), without_age(&before), "the last value stays");

    for _ in 0..20 {
        console.press("j k j k j k j k j k").await;
    }
    assert!(console.cursor_row().contains(GATEWAY), "200 keys, all of them handled: {}", console.cursor_row());
    console.press("j").await;
    assert!(console.cursor_row().contains("edge-gateway-101"));
    console.sees("OFFLINE").await;

    console.command("sim hub on").await;
    console.no_longer_sees("OFFLINE").await;
    console.press("esc").await;
    console.sees("as of 0 s").await;
}

/// The standard `service` policy reads queries and twins, and no statistics and identities: nothing that is shown is
/// forbidden, and nothing is read faster for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_may_not_count_the_registry_reads_the_fleet_in_peace() {
    let stage = Stage::set().await;
    let mut opening = Opening { policy: Some("service"), ..Opening::default() };
    opening.sync.fleet = Duration::from_secs(3_600);
    let mut console = stage.console_with(opening);
    console.sees("26 of 26").await;
    console.sees("5/5").await;
    console.no_longer_sees("not read").await;
    let refused =
        |asked: &[crate::wiretap::Asked]| asked.iter().filter(|asked| asked.path == "/statistics/devices").count() >= 6;
    console.until_asked("statistics, refused again and again", refused).await;
    let queries = console.wiretap.queries_since(0);
    let listings = queries.iter().filter(|query| query.contains("iotEdge = true")).count();
    assert_eq!(listings, 1, "the refused heartbeat wakes nobody: {queries:#?}");
    console.opens_the_filters_twin().await;
    assert!(console.all_frames().iter().all(|frame| !frame.contains("FORBIDDEN") && !frame.contains("OFFLINE")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_may_not_query_is_told_so_where_it_matters() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening { policy: Some("registryRead"), ..Opening::default() });
    console.sees("FORBIDDEN").await;
    console.sees("ServiceConnect").await;
    console.command("messages").await;
    console.no_longer_sees("FORBIDDEN").await;
}

/// A hub that says 429 answers: the badge says so, with the next try, and nothing else is held up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_asks_to_slow_down_is_not_called_silent() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    console.wiretap.throttle("/devices/query");
    console.sees("THROTTLED next").await;
    console.opens_the_filters_twin().await;
    console.no_longer_sees("THROTTLED").await;
    assert!(console.all_frames().iter().all(|frame| !frame.contains("OFFLINE")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_waits_for_no_hub() {
    let stage = Stage::set().await;
    assert!(stage.sim.command("hub off").is_ok());
    let mut opening = Opening::default();
    // Far longer than the story may take: whoever waits for the hub fails.
    opening.sync.patience = Duration::from_secs(600);
    let console = stage.console_with(opening);
    console.until_asked("a request that hangs", |asked| !asked.is_empty()).await;
    let (ended, _) = console.ends("q").await;
    assert_eq!(ended, Ended::Left);
}

/// With a write in flight leaving asks once, and the audit record keeps the truth: nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_with_a_write_in_flight_asks_and_leaves_it_unknown() {
    let stage = Stage::set().await;
    let mut opening = Opening::reading_twins_once();
    opening.sync.patience = Duration::from_secs(600);
    let mut console = stage.console_with(opening);
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    assert!(stage.sim.command("hub off").is_ok());
    console.confirms().await;
    console.until_asked("the write", |asked| asked.iter().any(|asked| asked.if_match.is_some())).await;
    console.press("ctrl-c").await;
    console.sees("Changes are in flight").await;
    console.past_type_ahead();
    let (ended, _) = console.ends("tab enter").await;
    assert_eq!(ended, Ended::Left);
    let audited = stage.audited();
    assert_eq!((audited.len(), audited[0].state()), (1, State::Unknown));
    assert!(audited[0].outcomes.is_empty());
}
