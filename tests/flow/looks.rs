//! Looking: the fleet opens from HTTPS replies, is moved over, filtered, sorted and marked, and a device says in words
//! what its codes mean.

use crate::harness::{Console, GATEWAY, Stage};

/// From the fleet: opens a device, found by its name.
async fn open(console: &mut Console, device: &str) {
    console.sees("edge-gateway-001").await;
    console.press("/").await;
    console.types(device).await;
    console.press("enter enter").await;
    console.sees(&format!("devices > {device}")).await;
    console.sees("$edgeAgent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_opens_on_the_fleet() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("26 of 26 edge, 27 registered").await;
    console.sees("5/5").await;
    console.no_longer_sees("not read").await;
    console.sees("edgeHub link 24 of 26").await;
    console.sees("SIM   READ-WRITE").await;
    assert!(
        console.wiretap.asked().iter().any(|asked| asked.query().is_some_and(|text| text.contains("FROM devices")))
    );
    assert!(stage.sim.status().served > 3, "what is shown came from the hub");
    for wrong in ["edge-gateway-104", "edge-gateway-203", "edge-gateway-209"] {
        assert!(!console.row(wrong).contains("running"), "{}", console.row(wrong));
    }
    assert!(console.row(GATEWAY).contains("running"), "{}", console.row(GATEWAY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn move_sort_mark_and_filter_by_keys() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.sees("5/5").await;
    console.no_longer_sees("not read").await;
    console.sees("26 of 26").await;
    console.press("N g").await;
    console.sees("sort DEVICE").await;
    assert!(console.cursor_row().contains("edge-gateway-001"), "{}", console.cursor_row());
    console.press("j j").await;
    assert!(console.cursor_row().contains("edge-gateway-102"), "{}", console.cursor_row());
    console.press("k j space").await;
    console.sees("marks 1").await;
    assert!(console.cursor_row().contains("edge-gateway-103"), "marking goes on to the next: {}", console.cursor_row());

    console.press("S").await;
    console.sees("sort STATUS").await;
    assert!(console.cursor_row().contains("edge-gateway-103"), "the cursor stays with its device");

    console.press("/").await;
    console.types("building:B2").await;
    console.press("ctrl-u").await;
    console.types("-l building=B2").await;
    console.sees("12 of 26").await;
    console.sees("marks 1 (1 hidden)").await;
    assert!(console.cursor_row().contains("edge-gateway-2"), "{}", console.cursor_row());
    console.press("esc").await;
    console.sees("26 of 26").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_shows_its_modules_wanted_and_reported() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    open(&mut console, GATEWAY).await;
    for module in ["$edgeHub", "SimulatedTemperatureSensor", "temperatureFilter", "debugShell"] {
        assert!(console.row(module).contains("running"), "{}", console.row(module));
    }
    console.press("g j j j").await;
    assert!(console.cursor_row().contains("temperatureFilter"), "{}", console.cursor_row());
    console.sees("acrproduction001.azurecr.io/temperature-filter:0.9.0").await;
    console.sees("no deployment; set for this device alone").await;
    console.sees("200").await;
    console.sees("the manifest was accepted").await;
    console.sees("tags     none").await;
    console.sees("IoT Edge 1.5.21").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loop_is_told_in_words() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    open(&mut console, "edge-gateway-104").await;
    console.press("g").await;
    while !console.cursor_row().contains("temperatureFilter") {
        console.press("j").await;
    }
    assert!(console.row("temperatureFilter").contains("backoff"), "{}", console.row("temperatureFilter"));
    console.sees("code 1, ").await;
    console.sees("the program ended with an error of its own; its log says which").await;
    console.sees("7 in a row; edgeAgent gives up after 20").await;
    console.sees("edgeAgent waits 300 s before the next start").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_pull_and_a_device_that_never_reported_say_so() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    open(&mut console, "edge-gateway-203").await;
    console.sees("500").await;
    console.sees("part of the manifest could not be carried").await;
    console.sees("deploy-base-sites").await;
    console.press("esc esc").await;
    open(&mut console, "edge-gateway-113").await;
    console.sees("never reported").await;
}
