//! A hub with the service's temper, and a console that lives with it: the fleet is on screen, and the hub never has to
//! refuse it.

use std::time::Duration;

use edgedeck::hub::Sku;
use edgedeck::sim::{Temper, TemperStatus, Terms};

use crate::harness::{Opening, Stage};

/// Requests that were refused, or had to wait for their turn.
fn too_fast(status: &TemperStatus) -> u64 {
    status.classes.iter().map(|class| class.turns.refused + class.turns.late).sum()
}

/// On one unit of S1, 20 queries a minute: whoever presses for news every second for two minutes gets no 429, does not even wait for a turn, and the
/// rows stay. A console that thinks it is on an S3 waits here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttling_hub_has_nothing_to_refuse_to_a_console() {
    let stage = Stage::set_on(Some(Terms { temper: Temper::REAL, ..Terms::default() })).await;
    let mut console = stage.console_with(Opening { sku: Sku::S1, ..Opening::default() });
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    for _ in 0..120 {
        stage.clock.push(Duration::from_secs(1));
        let asked = console.wiretap.asked().len();
        console.press("ctrl-r").await;
        console.until_asked("news", |all| all.len() > asked).await;
    }
    let status = stage.sim.status().temper;
    assert_eq!(too_fast(&status), 0, "{status:?}");
    assert!(status.used > 0 && status.over_quota == 0, "{status:?}");
    let frames = console.all_frames();
    assert!(frames.iter().all(|frame| !frame.contains("THROTTLED") && !frame.contains("OFFLINE")));
    assert!(console.screen().contains("26 of 26"), "{}", console.screen());
    console.command("sim").await;
    console.sees("S1, 1 unit (:sim edition S1 2)").await;
    console.sees("(:sim throttle off)").await;
    console.sees("messages, 0 requests refused").await;
}

/// Somebody else used the day up: it is said, and the rows that were read stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_others_used_up_is_said_and_takes_no_row() {
    let stage = Stage::set_on(Some(Terms { temper: Temper::REAL, ..Terms::default() })).await;
    let mut console = stage.console_with(Opening { sku: Sku::S3, ..Opening::default() });
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    console.command("sim meter 400000").await;
    console.sees("400000 of the day's 400000 messages are used").await;
    console.command("messages").await;
    console.sees("403 IotHubQuotaExceeded").await;
    console.press("esc").await;
    console.sees("26 of 26").await;
}
