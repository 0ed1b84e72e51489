//! Goldens of the `:` line and its candidates.

use super::golden;
use crate::tui::testkit::Console;

#[test]
fn every_command() {
    let mut console = Console::online();
    console.press(":");
    golden(&mut console, "palette-open");
}

#[test]
fn some_commands() {
    let mut console = Console::online();
    console.press(":");
    console.type_in("de");
    golden(&mut console, "palette-commands");
    console.press("down down");
    golden(&mut console, "palette-chosen");
}

#[test]
fn arguments() {
    let mut console = Console::online();
    console.press(":");
    console.type_in("device edge-gateway-20");
    golden(&mut console, "palette-arguments");
}

#[test]
fn switches_of_the_simulated_hub_are_completed_to_their_device() {
    let mut console = Console::online();
    console.press(":");
    console.type_in("sim net off edge-gateway-20");
    golden(&mut console, "palette-sim-device");
}

#[test]
fn switches_of_the_simulated_hub_are_completed_to_their_last_word() {
    let mut console = Console::online();
    for (typed, golden_of) in [("sim drop re", "palette-sim-drop"), ("sim image alpine:3 r", "palette-sim-image")] {
        console.press(":");
        console.type_in(typed);
        golden(&mut console, golden_of);
        console.press("esc");
    }
}

#[test]
fn nothing_to_offer() {
    let mut console = Console::online();
    console.press(":");
    console.type_in("zzz");
    golden(&mut console, "palette-none");
    console.press("enter");
    golden(&mut console, "palette-unknown-command");
}
