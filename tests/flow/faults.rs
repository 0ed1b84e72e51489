//! The simulator's faults by command, and a console that tells the truth about each: what is lost in doubt, what is
//! refused with its reason, and when it is over.

use edgedeck::audit::State;
use serde_json::json;

use crate::harness::{FILTER, GATEWAY, Opening, Stage};

/// The hub does it and its answer never arrives: the console neither sends again nor says that it failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_reply_is_dropped_is_found_by_reading_back_and_was_sent_once() {
    let stage = Stage::set().await;
    let mut console = stage.console_with(Opening::reading_twins_once());
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    assert!(stage.sim.command("drop reply writes").is_ok());
    console.confirms().await;
    console.sees("it may have happened. Reading back").await;
    console.sees(&format!("{FILTER} is applied: desired v2 -> v3")).await;
    assert_eq!(console.wiretap.writes().len(), 1, "nothing is sent twice");
    assert_eq!(stage.outside.twin(FILTER).await["properties"]["desired"]["$version"], json!(3));
    assert_eq!(stage.audited()[0].state(), State::Resolved);
    for claimed in ["did not take effect", "UNDECIDABLE"] {
        assert!(!console.all_frames().iter().any(|frame| frame.contains(claimed)), "{claimed:?} is not true");
    }
    assert!(stage.sim.status().faults.drop_reply.is_none());
}

/// The hub says how long to stay away, in its own words, and is left alone for as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_429_is_said_and_backed_off_from() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    console.command("sim answer 429 all reads").await;
    console.sees("THROTTLED next").await;
    console.command("messages").await;
    console.sees("429 ThrottlingBacklogTimeout").await;
    let asked = console.wiretap.asked().len();
    console.command("sim answer ok").await;
    console.sees("the hub does what it is asked").await;
    for _ in 0..50 {
        console.press("ctrl-r").await;
    }
    let queries = console.wiretap.queries_since(asked);
    assert!(queries.len() <= 2, "it stays away, whoever asks: {queries:#?}");
    console.press("esc").await;
    console.sees("THROTTLED").await;
    console.no_longer_sees("THROTTLED").await;
    console.sees("as of 0 s").await;
    assert!(console.all_frames().iter().all(|frame| !frame.contains("OFFLINE")), "a hub that answers is not silent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_5xx_is_shown_and_passes() {
    for (code, name) in [("500", "ServerError"), ("503", "ServiceUnavailable"), ("504", "GatewayTimeout")] {
        let stage = Stage::set().await;
        let mut console = stage.console();
        console.sees("26 of 26").await;
        console.no_longer_sees("not read").await;
        console.command(&format!("sim answer {code} all")).await;
        console.sees("OFFLINE").await;
        assert!(console.screen().contains("26 of 26"), "the last picture stays");
        console.command("messages").await;
        console.sees(&format!("{code} {name}")).await;
        console.command("sim answer ok").await;
        console.press("esc").await;
        console.no_longer_sees("OFFLINE").await;
        console.sees("as of 0 s").await;
    }
}

/// Slow is not silent: answers that take as long as this hold up no key, take away no row and are no outage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_hub_is_waited_for_and_not_called_silent() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    console.press("N g").await;
    let asked = console.wiretap.asked().len();
    console.command("sim latency 900ms").await;
    console.sees("every answer takes 900 ms longer").await;
    for _ in 0..20 {
        console.press("j k").await;
    }
    assert!(console.cursor_row().contains(GATEWAY), "every key was handled: {}", console.cursor_row());
    // Several rounds of reading, each of them slow: whoever does not wait for one never sees the next begin.
    console.until_asked("readings that were slow", |all| all.len() >= asked + 12).await;
    console.sees("26 of 26").await;
    let told = |frame: &String| frame.contains("OFFLINE") || frame.contains("not read");
    let frames = console.all_frames();
    let since = frames.iter().rposition(|frame| !frame.contains("26 of 26")).map_or(0, |last| last + 1);
    assert!(frames[since..].iter().any(|frame| frame.contains("900 ms longer")), "the picture stays from the first");
    assert!(!frames[since..].iter().any(told), "{}", console.screen());
    console.command("sim latency 0").await;
    console.sees("answers come at once").await;
}
