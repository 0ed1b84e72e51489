//! The temperature filter in its versions.

use serde_json::json;

use super::super::testing::{Bench, FILTER};
use super::body;

fn reading(temperature: f64) -> Vec<u8> {
    json!({"machine": {"temperature": temperature, "pressure": 1.0}}).to_string().into_bytes()
}

#[test]
fn the_filter_alerts_above_its_threshold() {
    let mut filter = Bench::new(FILTER, &[("TEMPERATURE_THRESHOLD", "25")]).start();
    assert!(filter.program.needs_hub() && !filter.program.listens());
    filter.seconds(5);
    filter.message("input1", &reading(24.9));
    filter.message("any", &reading(25.0));
    filter.message("input1", &reading(30.5));
    filter.message("input1", b"{\"machine\":{\"temperature\":26}}");
    filter.message("input1", b"{\"temperature\":99}");
    filter.message("input1", b"not json");
    assert_eq!(
        filter.lines(),
        [
            "Temperature filter module started. Threshold: 25.0",
            "Normal reading filtered: temperature=24.9",
            "Normal reading filtered: temperature=25.0",
            "Alert sent: temperature=30.5",
            "Alert sent: temperature=26.0",
            "Error processing message: it has no machine.temperature",
            "Error processing message: Expecting value: line 1 column 2 (char 1)",
        ]
    );
    let (output, message) = filter.sent()[0];
    assert_eq!(output, "alertOutput");
    assert_eq!(
        String::from_utf8(message.body.clone()).unwrap(),
        r#"{"temperature": 30.5, "alert": true, "threshold": 25.0, "source": "edge-1"}"#
    );
    assert_eq!(filter.reported(), [json!({"temperatureThreshold": 25.0})]);
}

#[test]
fn the_filter_takes_its_threshold_from_the_twin() {
    let mut filter = Bench::new(FILTER, &[]).desired(json!({"temperatureThreshold": 30})).start();
    filter.seconds(5);
    filter.patch(json!({"temperatureThreshold": "hot"}));
    filter.patch(json!({"temperatureThreshold": 21.43}));
    filter.patch(json!({"other": 1}));
    filter.patch(json!({"temperatureThreshold": null}));
    assert_eq!(
        filter.lines(),
        [
            "Temperature filter module started. Threshold: 25.0",
            "Threshold updated to: 30.0",
            "Ignored temperatureThreshold='hot': not a number; still 30.0",
            "Threshold updated to: 21.43",
        ]
    );
    let threshold = |value: f64| json!({"temperatureThreshold": value});
    assert_eq!(filter.reported(), [threshold(30.0), threshold(30.0), threshold(21.43)]);
    let mut early = Bench::new(FILTER, &[]).start();
    early.patch(json!({"temperatureThreshold": 40}));
    early.seconds(5);
    assert_eq!(early.lines().last().map(String::as_str), Some("Threshold updated to: 40.0"));
}

#[test]
fn the_old_filter_looks_at_changes_only() {
    let mut filter =
        Bench::new("acr.example/temperature-filter:0.9.0", &[]).desired(json!({"temperatureThreshold": 30})).start();
    filter.seconds(5);
    filter.patch(json!({"temperatureThreshold": 35}));
    filter.message("input1", &reading(36.0));
    assert_eq!(
        filter.lines(),
        [
            "Temperature filter module started. Threshold: 25.0",
            "Threshold updated to: 35.0",
            "Alert sent: temperature=36.0",
        ]
    );
    assert!(filter.reported().is_empty());
    assert_eq!(body(filter.sent()[0].1)["source"], "unknown");
}

#[test]
fn the_guides_filter_to_the_letter_ends_at_once() {
    let mut printed = Bench::new("acr.example/temperature-filter:1.0.0-printed", &[]).start();
    printed.seconds(1);
    assert_eq!(
        printed.errors(),
        [
            "  File \"/app/temperature_filter.py\", line 47",
            "    nonlocal TEMPERATURE_THRESHOLD",
            "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
            "SyntaxError: no binding for nonlocal 'TEMPERATURE_THRESHOLD' found",
        ]
    );
    assert_eq!((printed.exit(), printed.program.listens()), (Some(1), false));
    let mut confused = Bench::new(FILTER, &[("TEMPERATURE_THRESHOLD", "warm")]).start();
    confused.seconds(5);
    assert_eq!(confused.errors().last().unwrap(), "ValueError: could not convert string to float: 'warm'");
    assert_eq!(confused.exit(), Some(1));
}

#[test]
fn one_version_runs_on_one_kind_of_machine() {
    for (image, architecture, exit) in [
        ("acr.example/temperature-filter:1.1.1", "x86_64", None),
        ("acr.example/temperature-filter:1.1.1", "aarch64", Some(1)),
        ("acr.example/temperature-filter:1.1.0", "aarch64", None),
    ] {
        let mut bench = Bench::new(image, &[]);
        bench.architecture = architecture;
        let mut filter = bench.start();
        filter.seconds(5);
        assert_eq!(filter.exit(), exit, "{image} on {architecture}");
    }
}
