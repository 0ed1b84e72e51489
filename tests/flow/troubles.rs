//! What is wrong in the default fleet is found without knowing where it is, and why; and a device without a network is
//! told by evidence, while its messages wait at its edgeHub.

use std::time::Duration;

use crate::harness::{Console, Stage};

/// The devices of the list, from its top.
fn devices(console: &Console) -> Vec<String> {
    let named = |row: &str| row.split_whitespace().find(|word| word.starts_with("edge-gateway-")).map(str::to_owned);
    console.screen().lines().filter(|row| row.starts_with('|')).filter_map(named).collect()
}

/// Opens the row under the cursor and comes back.
async fn opens(console: &mut Console, device: &str, why: &[&str]) {
    while !console.cursor_row().contains(device) {
        let before = console.cursor_row();
        console.press("j").await;
        assert_ne!(console.cursor_row(), before, "{device} is in the list:\n{}", console.screen());
    }
    console.press("enter").await;
    console.sees(&format!("devices > {device}")).await;
    for word in why {
        console.sees(word).await;
    }
    console.press("esc").await;
    console.sees("26 edge").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_that_are_broken_are_on_top_and_say_why() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("26 of 26").await;
    console.no_longer_sees("not read").await;
    // In the whole list, healthy devices below them.
    let broken = ["edge-gateway-203", "edge-gateway-209", "edge-gateway-104"];
    let all = devices(&console);
    assert_eq!((&all[..3], all.len()), (&broken.map(str::to_owned)[..], 26), "{}", console.screen());
    console.press("F").await;
    console.sees("3 of 26").await;
    assert_eq!(devices(&console), broken, "they, and nobody else:\n{}", console.screen());
    for (device, word) in
        [("edge-gateway-203", "failed"), ("edge-gateway-209", "silent"), ("edge-gateway-104", "backoff")]
    {
        assert!(console.row(device).contains(word), "{}", console.row(device));
    }
    console.press("g").await;
    opens(&mut console, "edge-gateway-203", &["part of the manifest could not be carried", "ml-inference:2.1.o"]).await;
    console.press("g").await;
    opens(&mut console, "edge-gateway-209", &["no edgeHub link for 5 h"]).await;
    console.press("g").await;
    opens(&mut console, "edge-gateway-104", &["temperatureFilter", "backoff"]).await;
    // The log says what the exit code does not.
    console.command("logs edge-gateway-104/temperatureFilter").await;
    console.sees("logs > temperatureFilter").await;
    console.sees("Traceback").await;
}

/// How many messages the simulator says a state of, in the answer on the message line.
fn count(console: &Console, state: &str) -> u64 {
    let screen = console.screen().replace('\n', " ");
    let (before, _) = screen.split_once(&format!(" {state},")).unwrap_or_else(|| panic!("no {state} in\n{screen}"));
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

async fn messages(console: &mut Console, device: &str) {
    console.command(&format!("sim messages {device}")).await;
    console.sees(&format!("{device}: ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_wait_at_edge_hub_while_there_is_no_network() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.command("device edge-gateway-101").await;
    console.sees("edgeHub linked").await;
    console.command("sim net off edge-gateway-101").await;
    console.sees("has no network until").await;
    // Whoever asks the device knows at once, and the device's page remembers.
    console.sees("edgeHub linked").await;
    console.press("l").await;
    console.sees("has not answered since").await;
    console.press("esc").await;
    console.sees("edgeAgent gave no answer").await;
    // The hub notices when it misses it, and the console says since when.
    stage.clock.push(Duration::from_secs(600));
    console.sees("no edgeHub link for").await;
    console.press("M").await;
    console.press("esc").await;
    messages(&mut console, "edge-gateway-101").await;
    let (queued, expired) = (count(&console, "queued"), count(&console, "expired"));
    assert!(queued > 60 && expired == 0, "ten minutes of readings: {queued} queued, {expired} expired");

    assert!(stage.sim.command("net on edge-gateway-101").is_ok());
    stage.clock.push(Duration::from_secs(60));
    console.press("l").await;
    console.sees("asked every").await;
    console.press("esc").await;
    console.sees("edgeHub linked").await;
    console.press("M esc").await;
    messages(&mut console, "edge-gateway-101").await;
    assert!(count(&console, "queued") < 5, "they were sent:\n{}", console.screen());
    console.command("logs edge-gateway-101/edgeHub").await;
    console.sees("Exiting disconnected state").await;

    // Longer away than the time to live, a day: what is older is gone. The simulator makes up for three hours at most
    // when nobody looks.
    assert!(stage.sim.command("net off edge-gateway-101").is_ok());
    for _ in 0..14 {
        stage.clock.push(Duration::from_secs(2 * 3_600));
        assert!(stage.sim.command("messages edge-gateway-101").is_ok());
    }
    console.command("device edge-gateway-101").await;
    console.sees("no edgeHub link for").await;
    console.press("M esc").await;
    messages(&mut console, "edge-gateway-101").await;
    assert!(count(&console, "expired") > 1_000, "{}", console.screen());
}
