//! What looking costs: requests are counted, because the hub is shared and metered.

use std::collections::BTreeSet;

use edgedeck::hub::Sku;
use reqwest::Method;

use crate::harness::{Console, GATEWAY, Opening, Stage};

fn is_digest(query: &str) -> bool {
    query.contains("moduleId IN ['$edgeAgent', '$edgeHub']")
}

fn is_agents(query: &str) -> bool {
    query.contains("properties.reported")
}

/// Waits until the picture is complete and a round has gone by; says how many requests there were until then.
async fn quiet(console: &mut Console) -> usize {
    console.sees("26 of 26").await;
    console.sees("5/5").await;
    console.no_longer_sees("not read").await;
    let from = console.wiretap.asked().len();
    digests(console, from, 1).await;
    console.wiretap.asked().len()
}

async fn digests(console: &Console, from: usize, count: usize) {
    let asked_for = |asked: &[crate::wiretap::Asked]| {
        asked.iter().skip(from).filter_map(|asked| asked.query()).filter(|query| is_digest(query)).count() >= count
    };
    console.until_asked("digests", asked_for).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_fleet_costs_one_small_query_per_poll() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    let from = quiet(&mut console).await;
    digests(&console, from, 6).await;
    let queries = console.wiretap.queries_since(from);
    assert_eq!(queries.iter().filter(|query| is_agents(query)).count(), 0, "{queries:#?}");
    let listings = queries.iter().filter(|query| !is_digest(query)).count();
    assert!(listings <= 1, "devices are listed every seventh time: {queries:#?}");
    assert!(!console.wiretap.asked().iter().any(|asked| asked.path.starts_with("/twins")), "no twin is read");

    // One agent moves, and it alone is asked about.
    let from = console.wiretap.asked().len();
    stage.sim.command("touch edge-gateway-104/$edgeAgent").expect("a touch");
    digests(&console, from, 3).await;
    let agents: Vec<String> =
        console.wiretap.queries_since(from).into_iter().filter(|query| is_agents(query)).collect();
    assert_eq!(agents.len(), 1, "{agents:#?}");
    assert!(agents[0].ends_with("deviceId IN ['edge-gateway-104']"), "{}", agents[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_reads_its_own_twins_and_no_others() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    quiet(&mut console).await;
    let read = |console: &Console, from: usize| -> BTreeSet<String> {
        let asked = console.wiretap.asked();
        asked.iter().skip(from).filter(|asked| asked.method == Method::GET).map(|asked| asked.path.clone()).collect()
    };
    let from = console.wiretap.asked().len();
    console.press("/").await;
    console.types("gateway-001").await;
    console.press("enter enter").await;
    console
        .until_asked("three rounds", |asked| {
            asked.iter().skip(from).filter(|asked| asked.path.ends_with("/modules/$edgeAgent")).count() >= 3
        })
        .await;
    let expected = [
        format!("/devices/{GATEWAY}"),
        format!("/devices/{GATEWAY}/modules"),
        "/statistics/devices".to_owned(),
        format!("/twins/{GATEWAY}"),
        format!("/twins/{GATEWAY}/modules/$edgeAgent"),
    ];
    let paths = read(&console, from);
    assert!(paths.is_subset(&BTreeSet::from(expected)), "{paths:?}");
    assert_eq!(paths.iter().filter(|path| path.starts_with("/twins")).count(), 2, "{paths:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_stretches_when_the_days_messages_would_not_last() {
    let stage = Stage::set().await;
    let mut rich = stage.console();
    rich.sees("poll 0 s").await;
    // A free hub: 400 messages are our share of the day, and reading the fleet once takes most of them.
    let mut poor = stage.console_with(Opening { sku: Sku::F1, message_share: 0.05, ..Opening::default() });
    poor.sees("26 of 26").await;
    poor.sees("5/5").await;
    poor.no_longer_sees("not read").await;
    poor.sees("poll 15 m").await;
}
