//! Workloads: every line and message is counted for.

use super::super::testing::{Bench, Turned, at};
use super::super::{Effect, LogCaps};
use super::body;

/// The numbers of a workload's lines, in their order.
fn numbers(turned: &Turned) -> Vec<u64> {
    turned
        .lines()
        .iter()
        .filter_map(|line| line.split_once("seq=").and_then(|(_, rest)| rest.get(..10)?.parse().ok()))
        .collect()
}

#[test]
fn a_workload_numbers_every_line() {
    let mut chatty = Bench::new(
        "acr.example/sim-workload:1",
        &[
            ("LINES_PER_SECOND", "20"),
            ("BURST_LINES", "4"),
            ("LINE_BYTES", "150"),
            ("LEVELS", "INF=8, WRN=1, ERR=1"),
            ("SPLIT_STREAMS", "true"),
            ("MESSAGES_PER_SECOND", "0.5"),
            ("MESSAGE_OUTPUT", "out"),
        ],
    )
    .start();
    chatty.seconds(100);
    assert_eq!(numbers(&chatty), (0..2_000).collect::<Vec<_>>());
    let lines = chatty.lines();
    assert!(lines[1..].iter().all(|line| line.len() == 150));
    let share = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
    assert!((1_500..1_700).contains(&share("[INF]")), "{}", share("[INF]"));
    assert_eq!(chatty.errors().len(), share("[WRN]") + share("[ERR]"));
    assert!(lines.iter().any(|line| line.starts_with("<3> ") && line.contains("[ERR]")));
    assert_eq!(chatty.sent().len(), 50);
    assert!(chatty.sent().iter().enumerate().all(|(n, (output, message))| {
        *output == "out" && body(message)["seq"] == n && body(message)["score"].is_f64()
    }));
}

#[test]
fn a_workload_skips_what_nobody_will_read() {
    let caps = LogCaps { file_bytes: Some(10_000), files: 2 };
    let bench = Bench::new(
        "acr.example/sim-workload:1",
        &[
            ("LINES_PER_SECOND", "1000"),
            ("BURST_LINES", "7"),
            ("MESSAGES_PER_SECOND", "0.01"),
            ("CRASH_AFTER_SECONDS", "3600"),
        ],
    );
    let mut hasty = bench.start();
    let until = at("2026-01-02T09:00:00Z");
    let skipped = hasty.program.skip(until, caps).unwrap();
    assert_eq!(hasty.program.skip(until, caps), None);
    hasty.until(until);
    // It crashed within the hour: what it wrote last is there, the rest is counted, no message is missing.
    let numbers = numbers(&hasty);
    assert_eq!(numbers.first(), Some(&skipped.lines));
    let last = 3_600 * 1_000 / 7 * 7 - 1;
    assert_eq!((numbers.last(), hasty.exit()), (Some(&last), Some(1)));
    assert_eq!(numbers.len() as u64, last + 1 - skipped.lines);
    assert!(numbers.len() as u64 >= caps.most_lines(skipped.line_bytes).unwrap() && numbers.len() < 400);
    assert!(hasty.lines()[1..].iter().all(|line| !line.contains("seq=") || line.len() as u64 == skipped.line_bytes));
    assert_eq!(hasty.sent().len(), 36);
    // Little to write, no limit, or lines of many lengths: nothing is skipped.
    assert_eq!(bench.start().program.skip(at("2026-01-02T03:04:05.8Z"), caps), None);
    assert_eq!(bench.start().program.skip(until, LogCaps { file_bytes: None, files: 2 }), None);
    let mut hostile = Bench::new("acr.example/sim-workload:hostile", &[]).start();
    assert_eq!(hostile.program.skip(until, caps), None);
}

#[test]
fn a_workload_crashes_when_and_how_it_is_told() {
    let mut crash =
        Bench::new("acr.example/sim-workload:1", &[("CRASH_AFTER_SECONDS", "10.5"), ("CRASH_CODE", "42")]).start();
    crash.seconds(60);
    assert_eq!(crash.exit(), Some(42));
    assert_eq!(numbers(&crash).len(), 10);
    let mut slow = Bench::new("acr.example/sim-workload:slow-crash", &[]).start();
    slow.seconds(890);
    assert_eq!(slow.exit(), None);
    slow.seconds(20);
    assert_eq!(slow.exit(), Some(139));
    let mut silent = Bench::new("acr.example/sim-workload:quiet", &[("LEVELS", "nonsense")]).start();
    silent.seconds(60);
    assert_eq!(silent.lines().len(), 1);
}

#[test]
fn hostile_lines_carry_their_number_too() {
    let mut hostile = Bench::new("acr.example/sim-workload:hostile", &[]).start();
    hostile.seconds(60);
    assert_eq!(numbers(&hostile), (0..120).collect::<Vec<_>>());
    let raw: Vec<&[u8]> = hostile
        .out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Log { line, .. } => Some(line.as_slice()),
            _ => None,
        })
        .collect();
    for needle in [&b"\x1b[2J"[..], "\u{202e}".as_bytes(), b"\0", b"\xff\xfe", b"\xed\xa0\x80", "\u{9b}".as_bytes()] {
        assert!(raw.iter().any(|line| line.windows(needle.len()).any(|part| part == needle)), "{needle:?}");
    }
    assert!(raw.iter().any(|line| line.len() > 100_000));
    assert!(raw.iter().all(|line| !line.contains(&b'\n')));
}

#[test]
fn inference_sends_what_its_route_expects() {
    let mut inference = Bench::new("acr.example/ml-inference:2.0.3", &[("MODEL", "vibration-v7")]).start();
    inference.seconds(100);
    assert_eq!(inference.sent().len(), 10);
    assert_eq!(inference.sent()[0].0, "inference");
    assert_eq!(body(inference.sent()[0].1)["model"], "vibration-v7");
}
