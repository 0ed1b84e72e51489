//! A module's log is followed: lines come as they are written, whoever scrolls up stays where he is, and what an edit of a
//! twin does on the device is seen in its log.

use std::time::Duration;

use edgedeck::tui::run::Ended;

use crate::harness::{Console, FILTER, GATEWAY, Stage};

/// From anywhere: the log of the filter, by its row.
async fn opens_the_filters_log(console: &mut Console) {
    console.sees(GATEWAY).await;
    console.command(&format!("device {GATEWAY}")).await;
    console.sees("temperatureFilter").await;
    console.press("g").await;
    while !console.cursor_row().contains("temperatureFilter") {
        console.press("j").await;
    }
    console.press("l").await;
    console.sees("logs > temperatureFilter").await;
    console.sees("Alert sent").await;
}

fn log_requests(console: &Console) -> usize {
    let asked = console.wiretap.asked();
    asked.iter().filter(|asked| asked.body.get("methodName").is_some_and(|name| name == "GetModuleLogs")).count()
}

/// The lines of the log on screen.
fn lines(console: &Console) -> Vec<String> {
    console.screen().lines().filter(|line| line.contains(" - ")).map(str::to_owned).collect()
}

/// How many lines came below the reader, as he is told; nothing while he is not.
fn lines_below(screen: &str) -> Option<u64> {
    let (before, _) = screen.split_once(" new lines below, G follows")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_follow_and_whoever_scrolls_up_stays() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    opens_the_filters_log(&mut console).await;
    console.sees("FOLLOW").await;
    let before = lines(&console);
    stage.clock.push(Duration::from_secs(60));
    let last = before.last().expect("lines").clone();
    // A minute is a dozen lines: the last one is no longer the last.
    let is_newer = |screen: &str| screen.lines().rfind(|line| line.contains(" - ")) != Some(last.as_str());
    console.shows("newer lines", is_newer).await;

    console.press("k k k").await;
    console.sees("SCROLLED").await;
    let cursor = console.cursor_row();
    stage.clock.push(Duration::from_secs(60));
    console.shows("how many lines came", |screen| lines_below(screen).is_some_and(|news| news > 0)).await;
    assert_eq!(console.cursor_row(), cursor, "the reader stays on his line");
    console.press("G").await;
    console.sees("FOLLOW").await;
    console.no_longer_sees("below, G follows").await;

    console.press("esc").await;
    console.sees("Modules").await;
    let asked = log_requests(&console);
    stage.clock.push(Duration::from_secs(60));
    console.command("sim").await;
    console.sees("requests served").await;
    assert!(log_requests(&console) <= asked + 1, "nobody looks, nothing is asked for");
    console.ends("ctrl-c").await;
}

/// From the filter's log to its twin, through an edit and a review, and back to see the module take it up.
async fn the_threshold_becomes(stage: &Stage, console: &mut Console, value: &str) {
    console.command(&format!("twin {FILTER}")).await;
    console.sees("temperatureThreshold").await;
    console.edits_the_threshold(value).await;
    console.press("ctrl-s").await;
    console.sees("REVIEW").await;
    console.confirms().await;
    console.sees("is applied").await;
    console.press("esc").await;
    console.sees("logs > temperatureFilter").await;
    stage.clock.push(Duration::from_secs(10));
    console.sees(&format!("Threshold updated to: {value}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_the_twin_is_seen_in_the_log() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    opens_the_filters_log(&mut console).await;
    the_threshold_becomes(&stage, &mut console, "30.0").await;
    // Readings are near 100: above 30 they are alerts as before, below 500 none is one any more.
    let last_reading = |console: &Console| {
        let reading = |line: &String| line.contains("temperature=");
        lines(console).into_iter().rfind(reading).expect("a reading")
    };
    assert!(last_reading(&console).contains("Alert sent: temperature="), "{}", console.screen());
    the_threshold_becomes(&stage, &mut console, "500.0").await;
    stage.clock.push(Duration::from_secs(20));
    console.sees("Normal reading filtered: temperature=").await;
    assert!(last_reading(&console).contains("Normal reading filtered"), "{}", console.screen());
    let (ended, _) = console.ends("ctrl-c").await;
    assert_eq!(ended, Ended::Left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_goes_dark_keeps_its_lines_and_is_told() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    opens_the_filters_log(&mut console).await;
    let line = lines(&console).last().expect("lines").clone();
    console.command(&format!("sim net off {GATEWAY}")).await;
    console.sees("edgeAgent has not answered since").await;
    assert!(console.screen().contains(line.trim_end_matches(['|', ' '])), "{}", console.screen());
    console.command(&format!("sim net on {GATEWAY}")).await;
    stage.clock.push(Duration::from_secs(120));
    console.press("ctrl-r").await;
    console.no_longer_sees("has not answered").await;
    console.ends("ctrl-c").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_modules_are_read_in_one_request_and_what_is_saved_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let stage = Stage::set().await;
    let mut console = stage.console();
    opens_the_filters_log(&mut console).await;
    console.press("a").await;
    console.sees("logs > all modules").await;
    console.sees("of edgeAgent's polling hidden").await;
    console.sees("C $edgeHub").await;
    console.press("ctrl-s").await;
    console.sees("masked, in ").await;
    let folder = std::fs::read_dir(stage.state().join("saved")).expect("a folder");
    let files: Vec<_> = folder.map(|entry| entry.expect("a file")).collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().expect("a plain name");
    assert!(name.starts_with("edge-gateway-001-all-") && name.ends_with(".log"), "{name}");
    let mode = files[0].metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(files[0].path()).expect("text");
    assert!(text.contains("temperatureFilter") && text.contains("$edgeHub"), "{text}");
    assert!(!text.contains("GetModuleLogs"), "what is hidden is not saved");
    console.ends("ctrl-c").await;
}
