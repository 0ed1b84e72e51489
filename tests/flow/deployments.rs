//! Deployments: from the list over a figure to the device behind it, and back from a device to what it was given.

use crate::harness::{Console, Stage};

async fn lists(console: &mut Console) {
    console.sees("26 of 26").await;
    console.command("deployments").await;
    console.sees("deploy-base-sites").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_list_to_the_device_that_rejected_it() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    lists(&mut console).await;
    console.sees("3: 1 base, 2 layered").await;
    assert!(console.cursor_row().contains("deploy-ml-canary"), "the highest priority: {}", console.cursor_row());
    let base = console.row("deploy-base-sites");
    for word in ["10 B", "rejected", "25", "23", "tags.environment"] {
        assert!(base.contains(word), "{word}: {base}");
    }
    console.press("G enter").await;
    console.sees("deployments > deploy-base-sites").await;
    console.sees("1 applied, no answer yet").await;
    assert!(console.row("temperatureFilter").contains("temperature-filter:1.0.0"));
    assert!(console.cursor_row().contains("REJECTED"), "where the trouble is: {}", console.cursor_row());

    let queries = console.wiretap.asked().len();
    console.press("enter").await;
    console.sees("> REJECTED   1").await;
    console.sees("the hub counted 1").await;
    assert!(console.cursor_row().contains("edge-gateway-203"), "{}", console.cursor_row());
    assert!(console.cursor_row().contains("applied"), "{}", console.cursor_row());
    let asked = console.wiretap.queries_since(queries);
    assert!(asked.iter().any(|query| query.contains("lastDesiredStatus.code != 200")), "{asked:#?}");

    console.press("enter").await;
    console.sees("devices > edge-gateway-203").await;
    console.sees("part of the manifest could not be carried").await;
    console.press("o").await;
    console.sees("Deployments that match edge-gateway-203").await;
    console.sees("ON THE DEVICE").await;
    for deployment in ["deploy-base-sites", "deploy-ml-gateways", "deploy-ml-canary"] {
        assert!(console.row(deployment).contains("applied"), "{}", console.row(deployment));
    }
    console.press("esc esc esc").await;
    console.sees("deployments > deploy-base-sites").await;
    console.press("y").await;
    console.sees("\"id\": \"deploy-base-sites\"").await;
    assert!(console.wiretap.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_without_the_right_sees_its_name_and_the_fleet_all_the_same() {
    let stage = Stage::set().await;
    let opening = crate::harness::Opening { policy: Some("service"), ..Default::default() };
    let mut console = stage.console_with(opening);
    console.sees("26 of 26").await;
    console.command("deployments").await;
    console.sees("FORBIDDEN").await;
    console.sees("RegistryRead").await;
    console.press("esc").await;
    console.sees("26 of 26").await;
    console.no_longer_sees("FORBIDDEN").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_hub_is_away_the_deployments_stay_and_come_back_fresh() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    lists(&mut console).await;
    stage.sim.command("hub off").expect("a switch");
    console.sees("OFFLINE").await;
    assert!(console.row("deploy-base-sites").contains("25"), "{}", console.screen());
    stage.sim.command("hub on").expect("a switch");
    console.no_longer_sees("OFFLINE").await;
}
