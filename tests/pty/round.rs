//! The operator's round, key by key in the real binary: a device is registered and comes up, a log is followed, the
//! figures of a deployment are read, and a manifest is applied. Time is real here: what takes the device half a minute,
//! until the manifest is in place, is for the flow tests.

use crate::harness::Pty;
use crate::product::{GATEWAY, command, simulated};

/// On the page of a change: asks, types `phrase` when one is asked for, and presses the button that sends.
fn send(pty: &mut Pty, button: &str, phrase: Option<&str>) {
    pty.wait_for("REQUEST");
    pty.send("s");
    pty.wait_for("[ Cancel ]");
    if let Some(phrase) = phrase {
        pty.wait_for("to enable sending");
        // The first moments take no answer: a letter that arrives is one that is shown.
        let (first, rest) = phrase.split_at(1);
        pty.press_until(first, &format!("name: {first}"));
        pty.send(rest);
        pty.wait_gone("to enable sending");
    }
    let chosen = format!("[ {button} ]");
    pty.press_until("\t", &chosen);
    pty.press_until_gone("\r", &chosen);
}

/// Lines of the log so far: the number in its frame.
fn lines(pty: &Pty) -> Option<usize> {
    let screen = pty.screen();
    let title = screen.lines().find(|row| row.contains(&format!(" {GATEWAY}/temperatureFilter ")))?;
    title.split(" lines ").next()?.rsplit(' ').next()?.parse().ok()
}

fn row_has(pty: &Pty, name: &str, word: &str) -> bool {
    pty.screen().lines().any(|row| row.contains(name) && row.contains(word))
}

#[test]
fn a_device_comes_up_while_logs_figures_and_a_manifest_are_looked_after() {
    let mut pty = simulated();
    command(&mut pty, "register");
    pty.wait_for("Register a device");
    pty.send("gw-new");
    pty.wait_until("the id typed", |pty| row_has(pty, "device id", "gw-new"));
    pty.send("\r");
    pty.wait_for("an IoT Edge device, with $edgeAgent and $edgeHub");
    send(&mut pty, "Register gw-new", None);
    pty.wait_for("gw-new is registered");
    pty.wait_for("agent    never reported");
    command(&mut pty, "sim provision gw-new");
    pty.wait_for("the runtime was installed for gw-new");

    // Meanwhile: a log.
    command(&mut pty, &format!("device {GATEWAY}"));
    pty.wait_for("debugShell");
    pty.press_until("j", "❯ temperatureFilter");
    pty.send("l");
    pty.wait_for("FOLLOW");
    pty.wait_for("Alert sent: temperature=");
    let before = lines(&pty).unwrap();
    pty.wait_until("another line", |pty| lines(pty).is_some_and(|now| now > before));
    pty.send("k");
    pty.wait_for("SCROLLED");
    pty.wait_for("1 new line below, G follows");
    pty.send("\x1b");
    pty.wait_for("debugShell");

    // The figures.
    command(&mut pty, "deployments");
    pty.wait_for("deploy-base-sites");
    pty.send("G");
    pty.wait_until("the base under the cursor", |pty| row_has(pty, "❯", "deploy-base-sites"));
    pty.send("\r");
    pty.wait_for("deployments > deploy-base-sites");
    for (figure, number) in [("TARGETED", " 25 "), ("APPLIED", " 25 "), ("ACCEPTED", " 23 "), ("REJECTED", " 1 ")] {
        pty.wait_until(figure, |pty| row_has(pty, &format!("figure   {figure}"), number));
    }

    // What was registered is there, and waits for a manifest.
    command(&mut pty, "device gw-new");
    pty.wait_for("417  the device has no manifest");
    pty.wait_until("edgeAgent running", |pty| row_has(pty, "$edgeAgent ", "✓ running"));

    // The guide's manifest takes a module away from the one made by hand.
    command(&mut pty, &format!("device {GATEWAY}"));
    pty.wait_for("debugShell");
    pty.send("a");
    pty.wait_for(&format!("Apply a manifest to {GATEWAY}"));
    pty.send(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deployment.manifest.json"));
    pty.wait_for("deployment.manifest.json");
    pty.send("\r");
    pty.wait_for("DISAPPEARS");
    assert!(row_has(&pty, "- debugShell", "DISAPPEARS"), "{}", pty.screen());
    send(&mut pty, &format!("Apply to {GATEWAY}"), Some(GATEWAY));
    pty.wait_for(&format!("the hub accepted the manifest for {GATEWAY}"));
    pty.wait_until("what is left over", |pty| row_has(pty, "debugShell ", "leftover"));
    pty.wait_for("edgeAgent has not taken up v4");
    pty.send("\x03");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}
