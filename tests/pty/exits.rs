//! The matrix of ways a console can end, on the terminal layer: each gives the terminal back and exits with its code.

use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal};

use crate::child::{probe_console, start, start_as};
use crate::harness::Pty;
use crate::product::edgedeck;

#[test]
fn quit_shows_the_screen_from_before() {
    let mut pty = start();
    pty.wait_for("last: nothing yet");
    pty.assert_entered();
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
    assert!(pty.screen().contains("running 1 test"), "what was there before");
    assert!(pty.screen().contains("bye 0"), "what was printed afterwards");
}

#[test]
fn signals_end_it_with_their_code() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = start();
        pty.wait_for("probe pid");
        pty.signal(pty.pid(), signal);
        assert_eq!(pty.exit_code(), code, "{signal:?}");
        pty.assert_restored();
        assert!(pty.screen().contains(&format!("bye {code}")), "{signal:?}: it left in order");
    }
}

#[test]
fn a_ui_that_hangs_is_ended_by_the_second_request() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("h");
    pty.wait_for("last: hanging");
    pty.signal(pty.pid(), Signal::TERM);
    pty.signal(pty.pid(), Signal::INT);
    let code = pty.exit_code();
    assert!(code == 130 || code == 143, "{code}");
    pty.assert_restored();
    assert!(!pty.screen().contains("bye"), "the UI had no part in it");
}

#[test]
fn a_ui_that_hangs_is_ended_by_the_watchdog() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("h");
    pty.wait_for("last: hanging");
    pty.signal(pty.pid(), Signal::TERM);
    let code = pty.exit_code();
    assert_eq!(code, 143);
    pty.assert_restored();
}

#[test]
fn a_panic_of_the_ui_is_printed_on_the_screen_from_before() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("p");
    assert_eq!(pty.exit_code(), 101);
    pty.assert_restored();
    let screen = pty.screen().replace('\n', "");
    assert!(screen.contains("internal error in thread") && screen.contains("the UI failed"), "{screen}");
    assert_eq!(pty.count("\x1b[?1049l"), 1, "restored exactly once");
    let reports: Vec<_> = std::fs::read_dir(pty.home().join("state")).unwrap().map(|entry| entry.unwrap()).collect();
    let [report] = reports.as_slice() else { panic!("one report, not {}", reports.len()) };
    assert_eq!(report.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(report.path()).unwrap();
    assert!(text.contains("the UI failed") && text.contains("2026-01-02T03:04:05Z"), "{text}");
}

#[test]
fn a_panic_before_the_terminal_is_entered_is_printed() {
    let mut pty = start_as("early-panic");
    assert_eq!(pty.exit_code(), 101);
    assert!(pty.screen().replace('\n', "").contains("failed before the screen"), "{}", pty.screen());
    assert_eq!(pty.count("\x1b["), 0, "no sequence was sent");
}

#[test]
fn a_panic_of_a_worker_leaves_the_screen_alone() {
    let mut pty = start();
    pty.wait_for("panics: []");
    pty.send("w");
    pty.wait_for("panics: [\"a worker failed\"]");
    pty.assert_entered();
    assert_eq!(pty.count("\x1b[?1049l"), 0);
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.vanish("x");
    assert_eq!(pty.exit_code(), 129);
}

#[test]
fn a_terminal_that_vanishes_under_a_hanging_ui_ends_it_too() {
    let mut pty = start();
    pty.wait_for("probe pid");
    // `x` wakes the reader, `h` is the last key the program ever reads.
    pty.vanish("xh");
    assert_eq!(pty.exit_code(), 129);
}

#[test]
fn a_terminal_that_vanishes_without_sighup_ends_it_as_well() {
    let mut pty = probe_console().detached().start();
    pty.wait_for("probe pid");
    pty.vanish("x");
    assert_eq!(pty.exit_code(), 129);
}

#[test]
fn a_terminal_that_takes_no_output_does_not_hold_the_exit() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.hold();
    // Nobody reads from here on; the keys are handled nevertheless.
    pty.send("f7");
    assert_eq!(pty.exit_code(), 7);
}

/// The process the small console says it is.
fn shown_pid(pty: &Pty) -> Pid {
    let screen = pty.screen();
    let digits = screen.split("pid=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    Pid::from_raw(digits.parse().unwrap()).unwrap()
}

#[test]
fn suspended_by_key_or_signal_it_gives_the_terminal_to_the_shell_and_takes_it_back() {
    for by_key in [true, false] {
        let mut pty = probe_console().in_shell().start();
        pty.wait_for("last: nothing yet");
        pty.assert_entered();
        if by_key {
            pty.send("\x1a");
        } else {
            pty.signal(shown_pid(&pty), Signal::TSTP);
        }
        pty.wait_for("shell: stopped");
        pty.assert_restored();
        pty.send("\n");
        pty.wait_for("last: Continue");
        pty.assert_entered();
        pty.send("x");
        pty.wait_for("last: key Char('x')");
        pty.send("q");
        assert_eq!(pty.exit_code(), 0);
        pty.assert_restored();
        assert!(pty.screen().contains("shell: ended 0"));
    }
}

#[test]
fn without_a_shell_it_refuses_to_stop() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("\x1a");
    pty.wait_for("not suspended: edgedeck was not started by a shell");
    pty.assert_entered();
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

#[test]
fn an_external_editor_gets_terminal_and_keys_and_hands_them_back() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("e");
    pty.wait_for("editor? ");
    pty.assert_restored();
    pty.send("every letter\n");
    pty.wait_for("last: edited \"every letter\"");
    pty.assert_entered();
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn ctrl_c_in_a_pager_ends_the_pager_only() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("c");
    pty.wait_for("last: pager signal: 2");
    pty.send("x");
    pty.wait_for("last: key Char('x')");
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

#[test]
fn an_external_editor_gets_the_terminal_whatever_our_input_or_session_is() {
    for launch in [probe_console().with_other_input(), probe_console().detached()] {
        let mut pty = launch.start();
        pty.wait_for("probe pid");
        pty.send("e");
        pty.wait_for("editor? ");
        pty.send("from the terminal\n");
        pty.wait_for("last: edited \"from the terminal\"");
        pty.send("q");
        assert_eq!(pty.exit_code(), 0);
    }
}

#[test]
fn what_kills_the_editor_does_not_reach_the_console() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("k");
    pty.wait_for("last: killed signal: 9 (SIGKILL)");
    pty.assert_entered();
    pty.send("x");
    pty.wait_for("last: key Char('x')");
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn ctrl_z_in_the_editor_goes_to_the_shell_and_fg_back_to_the_editor() {
    let mut pty = probe_console().in_shell().start();
    pty.wait_for("probe pid");
    pty.send("e");
    pty.wait_for("editor? ");
    pty.send("\x1a");
    pty.wait_for("shell: stopped");
    pty.assert_restored();
    pty.send("\n");
    pty.send("after the shell\n");
    // The console hears that it was continued when the editor has ended.
    pty.wait_for("last: Continue");
    assert_eq!(std::fs::read_to_string(pty.home().join("edited")).unwrap(), "after the shell");
    pty.assert_entered();
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

#[test]
fn ctrl_z_in_the_editor_is_nothing_where_no_shell_could_continue_it() {
    let mut pty = start();
    pty.wait_for("probe pid");
    pty.send("e");
    pty.wait_for("editor? ");
    pty.send("\x1a");
    pty.send("still here\n");
    pty.wait_for("still here\"");
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

#[test]
fn keys_pastes_and_sizes_arrive_as_they_were_meant() {
    let mut pty = start();
    pty.wait_for("size=80x24");
    for (bytes, shown) in [
        ("j", "key Char('j') KeyModifiers(0x0)"),
        ("\x1b[A", "key Up KeyModifiers(0x0)"),
        ("\n", "key Char('j') KeyModifiers(CONTROL)"),
        ("\r", "key Enter KeyModifiers(0x0)"),
        ("\x03", "key Char('c') KeyModifiers(CONTROL)"),
        ("\x1b[200~two\rlines\x1b[201~", "Paste(\"two\\rlines\")"),
        ("\x1b", "key Esc KeyModifiers(0x0)"),
    ] {
        pty.send(bytes);
        pty.wait_for(&format!("last: {shown}"));
    }
    pty.wait_gone("nothing yet");
    pty.resize(100, 30);
    pty.wait_for("size=100x30");
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

/// A key that comes together with a new size is read with it, and does not wait for the key after it.
#[test]
fn keys_that_come_while_the_size_changes_are_read_at_once() {
    let mut pty = start_as("counting");
    pty.wait_for("size=80x24");
    for round in 1..=120_u16 {
        pty.resize(80 + round % 7 + 1, 24 + round % 5 + 1);
        pty.send("x");
        pty.wait_for(&format!("keys: {round}."));
    }
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

#[test]
fn an_idle_console_sends_nothing() {
    let mut pty = start();
    pty.wait_for("last: nothing yet");
    pty.send("x");
    pty.wait_for("last: key Char('x')");
    let sent = pty.log().len();
    // The same key again draws the same frame; the third is the proof that the second was handled.
    pty.send("xy");
    pty.wait_for("last: key Char('y')");
    assert_eq!(String::from_utf8_lossy(pty.log().get(sent..).unwrap()), "\x1b[21Dy", "one cell and no more");
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
}

/// Whoever mistypes a scenario reads where, in the scrollback and not on a screen that is gone.
#[test]
fn a_scenario_with_a_mistake_ends_it_before_the_terminal_is_touched() {
    let launch = edgedeck(&["--sim", "--scenario", "bad.toml"]);
    std::fs::write(launch.home().join("bad.toml"), "[hub]\nnam = \"x\"\n").unwrap();
    let mut pty = launch.start();
    assert_eq!(pty.exit_code(), 2);
    assert!(pty.screen().contains("bad.toml:2:1: \"nam\" is not known in hub; did you mean name?"), "{}", pty.screen());
    assert_eq!(pty.count("\u{1b}["), 0, "nothing was sent but the sentence");
}
