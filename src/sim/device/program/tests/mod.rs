//! What the programs write, send, report and end with, word for word. Here: what several of them have in common.

mod filter;
mod sensor;
mod workload;

use serde_json::Value;

use super::testing::{Bench, SENSOR};
use super::*;

fn body(message: &OutMessage) -> Value {
    serde_json::from_slice(&message.body).unwrap()
}

/// Without the prefix of a runtime's line.
fn text(line: &str) -> &str {
    line.split_once("] - ").map_or(line, |(_, text)| text)
}

#[test]
fn images_nobody_knows_are_quiet_and_stay_up() {
    for (image, lines) in [("acr.example/debug-shell:0.4", 0), ("busybox", 1), ("acr.example:5000/x/y@sha256:00", 1)] {
        let mut program = Bench::new(image, &[]).start();
        program.seconds(3_600);
        assert_eq!((program.lines().len(), program.exit(), program.program.listens()), (lines, None, true), "{image}");
    }
}

#[test]
fn the_runtime_comes_up_with_a_banner() {
    let mut agent = Bench::new("mcr.microsoft.com/azureiotedge-agent:1.5", &[]).start();
    agent.seconds(5);
    let lines = agent.lines();
    assert_eq!(lines[0], "2026-01-02 03:04:05 +00:00 Starting Edge Agent");
    assert!(lines[3].ends_with(" +00:00 Edge Agent Main()"));
    assert_eq!(text(&lines[4]), "Initializing Edge Agent.");
    assert!(lines[6].starts_with("<6> ") && lines[6].lines().count() == 7);
    let mut hub = Bench::new("mcr.microsoft.com/azureiotedge-hub:1.5", &[("OptimizeForPerformance", "false")]).start();
    hub.seconds(5);
    let lines = hub.lines();
    assert_eq!(lines[0], "2026-01-02 03:04:05 +00:00 Starting Edge Hub");
    assert!(lines.iter().any(|line| text(line) == "OptimizeForPerformance=False"));
    assert!(
        lines.iter().any(|line| text(line)
            == "Loaded server certificate with expiration date of \"2026-02-01T03:04:05.0000000+00:00\"")
    );
}

#[test]
fn the_same_seed_makes_the_same_program_and_another_another() {
    let run = |seed| {
        let mut bench = Bench::new(SENSOR, &[]);
        bench.seed = seed;
        let mut sensor = bench.start();
        sensor.seconds(60);
        sensor.out
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
