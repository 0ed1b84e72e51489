//! The operator's evening, key by key in the real binary: find the device, read it, change its twin, meet somebody
//! else's change, lose the hub and get it back.

use std::time::Duration;

use serde_json::json;

use crate::harness::Pty;
use crate::product::{Colleague, GATEWAY, command, filter_twin, simulated};

const END: &str = "\x1b[F";
const DOWN: &str = "\x1b[B";

/// Opens the twin of the guide's module by keys, from the fleet.
fn open_twin(pty: &mut Pty) {
    pty.send(&format!("/{GATEWAY}"));
    pty.wait_gone("edge-gateway-101");
    pty.send("\r\r");
    pty.wait_for("debugShell");
    pty.press_until("j", "❯ temperatureFilter");
    pty.send("t");
    pty.wait_for("REPORTED");
    pty.wait_for("temperatureThreshold");
}

/// Replaces the number behind the threshold, in the editor.
fn type_threshold(pty: &mut Pty, value: &str) {
    pty.send("e");
    pty.wait_for("EDITING");
    pty.send(&format!("{DOWN}{END}\x7f\x7f\x7f\x7f{value}"));
    pty.wait_for(&format!("\"temperatureThreshold\": {value}"));
}

/// From the editor through the review to the question, with the sending button chosen.
fn ask_to_send(pty: &mut Pty) {
    pty.send("\x13");
    pty.wait_for("TAKES IT BACK");
    pty.send("s");
    pty.wait_for("[ Cancel ]");
    pty.press_until("\t", "[ Send to temperatureFilter ]");
}

#[test]
fn from_the_fleet_to_a_changed_twin() {
    let mut pty = simulated();
    let colleague = Colleague::of(&pty);
    let before = colleague.twin(&filter_twin());
    open_twin(&mut pty);
    type_threshold(&mut pty, "30.0");
    ask_to_send(&mut pty);
    let screen = pty.screen();
    assert!(screen.contains(&format!("If-Match \"{}\"", before.etag.as_str())), "{screen}");
    assert!(screen.contains("temperatureThreshold   25.0 -> 30.0"), "{screen}");
    assert_eq!(colleague.twin(&filter_twin()).etag, before.etag, "nothing is sent before enter");
    // The first moments take no answer.
    pty.press_until_gone("\r", "[ Send to temperatureFilter ]");
    pty.wait_for("is applied: desired v2 -> v3");
    let after = colleague.twin(&filter_twin());
    assert_eq!(after.desired.values.get("temperatureThreshold"), Some(&json!(30.0)));
    assert_eq!(after.desired.version, before.desired.version + 1);
    let both = |line: &str| line.contains("temperatureThreshold") && line.contains("30.0") && line.contains("25.0");
    pty.wait_until("what is wanted now beside what is reported", |pty| pty.screen().lines().any(both));
    pty.send("q");
    pty.wait_for("debugShell");
    pty.send("qq");
    assert_eq!(pty.exit_code(), 0, "q goes back view by view and quits at the root, filter or not");
    pty.assert_restored();
}

#[test]
fn somebody_else_was_faster() {
    let mut pty = simulated();
    let colleague = Colleague::of(&pty);
    open_twin(&mut pty);
    // Paused, so that only the hub can know of the other change when mine is sent.
    pty.send("P");
    pty.wait_for("PAUSED");
    type_threshold(&mut pty, "30.0");
    ask_to_send(&mut pty);
    let theirs = colleague.write(&filter_twin(), &json!({"temperatureThreshold": 28.0}));
    pty.press_until_gone("\r", "[ Send to temperatureFilter ]");
    pty.wait_for("Both changed it");
    let screen = pty.screen();
    let row = screen.lines().find(|line| line.contains("temperatureThreshold")).unwrap();
    for value in ["25.0", "28.0", "30.0"] {
        assert!(row.contains(value), "what it was, theirs and mine: {row}");
    }
    assert_eq!(colleague.twin(&filter_twin()).etag, theirs.etag, "nothing was overwritten");
    pty.send("m");
    pty.wait_for("mine");
    pty.send("s");
    pty.wait_for("TAKES IT BACK");
    assert!(pty.screen().contains("28.0 -> 30.0"), "the review is against their twin:\n{}", pty.screen());
    pty.send("s");
    pty.wait_for("[ Cancel ]");
    pty.press_until("\t", "[ Send to temperatureFilter ]");
    pty.press_until_gone("\r", "[ Send to temperatureFilter ]");
    pty.wait_for("Desired and reported");
    let after = colleague.twin(&filter_twin());
    assert_eq!(after.desired.values.get("temperatureThreshold"), Some(&json!(30.0)));
    assert_eq!(after.desired.version, theirs.desired.version + 1, "one write, on top of theirs");
    pty.send("P");
    pty.wait_for("30.0");
}

#[test]
fn the_hub_goes_silent_and_comes_back() {
    let mut pty = simulated();
    command(&mut pty, "sim hub off");
    pty.wait_for("the hub is off");
    pty.wait_for("OFFLINE");
    let rows = |pty: &Pty| pty.screen().lines().filter(|line| line.contains("edge-gateway-")).count();
    assert_eq!(rows(&pty), 26, "every row keeps its last values:\n{}", pty.screen());
    assert!(pty.screen().contains("as of "), "and its age:\n{}", pty.screen());
    // Keys work as ever.
    pty.send("/203");
    pty.wait_until("the filter to apply", |pty| rows(pty) == 1);
    pty.send("\x1b");
    pty.wait_until("the filter to be taken back", |pty| rows(pty) == 26);
    command(&mut pty, "sim hub on");
    pty.wait_for("the hub is on");
    pty.wait_gone("OFFLINE");
    pty.send("q");
    assert_eq!(pty.exit_code_within(Duration::from_secs(5)), 0);
    pty.assert_restored();
}
