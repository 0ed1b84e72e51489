//! What a simulated fleet costs: worlds of 1 000, 10 000 and 100 000 devices with two hours behind them, made, asked for a
//! page over HTTPS as the console asks, and asked again after the hub has looked at its deployments.
//!
//! `cargo bench --bench worlds`. Memory is the whole process's, the worlds before it given back.

#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints its table, stops on a failure, and needs the system's clock"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgedeck::app::SystemClock;
use edgedeck::domain::time::{ManualClock, SharedClock};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use edgedeck::sim::{self, Scenario, SimOptions};

/// Longer than the hub waits between two looks at its deployments, and than it takes to count after one.
const PAST_A_BEAT: Duration = Duration::from_secs(320);
const PAGE: &str = "SELECT * FROM devices.modules WHERE moduleId = '$edgeAgent'";

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it compiles and starts.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    println!("{:>9}{:>14}{:>14}{:>14}{:>20}", "devices", "made in", "memory", "a page in", "and after a beat");
    for count in [1_000, 10_000, 100_000] {
        measure(count).await;
    }
}

async fn measure(count: usize) {
    let scenario = Scenario::read("worlds.toml", &fleet(count), Path::new("examples")).expect("a scenario");
    let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().expect("a time"));
    let world: SharedClock = clock.clone();
    let real: SharedClock = Arc::new(SystemClock::start());
    let begun = Instant::now();
    let options = SimOptions { clock: world, ..SimOptions::of(scenario, Arc::clone(&real)) };
    let sim = sim::start(options).await.expect("a simulator");
    assert_eq!(sim.status().devices, count, "the whole fleet is there");
    let made = begun.elapsed();
    let memory = resident();
    let parsed = ConnectionString::parse(sim.connection_string().expose()).expect("a connection string");
    let (endpoint, credential) = parsed.into_parts();
    let mut settings = HubSettings::new(endpoint, credential);
    settings.trust = Trust::Only(sim.ca_pem().as_bytes().to_vec());
    let hub = Hub::connect(settings, real).expect("a hub");
    let page = || async {
        let begun = Instant::now();
        let rows = hub.read.query_page(PAGE, 100, None).await.expect("a page").rows;
        assert_eq!(rows.len(), 100, "a full page");
        begun.elapsed()
    };
    // The first also shakes hands.
    page().await;
    let first = page().await;
    clock.advance(PAST_A_BEAT);
    let after = page().await;
    println!("{count:>9}{:>14}{:>11} MiB{:>14}{:>20}", millis(made), memory / 1024, millis(first), millis(after));
    sim.shutdown().await;
}

/// A fleet at three sites under two deployments, one of its devices in trouble.
fn fleet(count: usize) -> String {
    format!(
        r#"
        age = "2h"
        [manifests.base]
        file = "deployment.manifest.json"
        [manifests.layer]
        file = "ml-module-layer.json"
        [[devices]]
        id = "gw-{{000001..{count:06}}}"
        tags = {{ site = "S{{1..3}}", ring = {{ weighted = {{ stable = 9, canary = 1 }} }} }}
        installed = ["-110m", "-100m"]
        [[deployments]]
        id = "deploy-base"
        manifest = "base"
        priority = 10
        condition = "tags.site != 'S3'"
        [[deployments]]
        id = "deploy-ml"
        manifest = "layer"
        priority = 20
        condition = "tags.ring = 'canary'"
        [[troubles]]
        what = "crash temperatureFilter 2"
        devices = "gw-000100"
        at = "-10m"
        "#
    )
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

/// Memory of this process in KiB, as Linux counts it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the resident set");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
