//! How the product ends: in every way the terminal comes back with the right exit code, no hub holds it, and what was
//! typed is there next time.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::harness::Pty;
use crate::product::{
    Colleague, command, edgedeck, everything_below, filter_twin, sim_file, simulated, state, with_fleet,
};

/// Longer than any ordered end takes, far shorter than any time-out of a request.
const PROMPTLY: Duration = Duration::from_secs(4);

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn quitting_and_signals_give_the_terminal_back() {
    let mut pty = simulated();
    pty.assert_entered();
    pty.send("q");
    assert_eq!(pty.exit_code_within(PROMPTLY), 0);
    pty.assert_restored();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = simulated();
        pty.signal(pty.pid(), signal);
        assert_eq!(pty.exit_code_within(PROMPTLY), code, "{signal:?}");
        pty.assert_restored();
        let left: Vec<_> =
            everything_below(pty.home()).into_iter().filter(|path| path.ends_with("connection-string")).collect();
        assert!(left.is_empty(), "{signal:?}: the simulated hub's keys stay behind");
    }
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let mut pty = simulated();
    pty.vanish("j");
    assert_eq!(pty.exit_code_within(PROMPTLY), 129);
    let mut pty = with_fleet(&edgedeck(&["--sim"]).detached());
    pty.vanish("j");
    assert_eq!(pty.exit_code_within(PROMPTLY), 129, "without a SIGHUP too");
}

/// The console's process, when the terminal's own process is a shell.
fn child_of(shell: Pid) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", shell.as_raw_nonzero());
    let text = std::fs::read_to_string(children).unwrap();
    Pid::from_raw(text.split_whitespace().next().unwrap().parse().unwrap()).unwrap()
}

#[test]
fn suspended_it_gives_the_terminal_to_the_shell_and_takes_it_back() {
    for by_key in [true, false] {
        let mut pty = with_fleet(&edgedeck(&["--sim"]).in_shell());
        if by_key {
            pty.send("\x1a");
        } else {
            pty.signal(child_of(pty.pid()), Signal::TSTP);
        }
        pty.wait_for("shell: stopped");
        pty.assert_restored();
        pty.send("\n");
        pty.wait_gone("shell: stopped");
        pty.wait_for("edge-gateway-212");
        pty.assert_entered();
        // It is continued once, by whatever way it hears of it.
        pty.wait_for("going on: everything is read again");
        pty.send("M");
        pty.wait_for("newest first");
        assert!(!pty.screen().contains("times)"), "{}", pty.screen());
        pty.send("qq");
        assert_eq!(pty.exit_code_within(PROMPTLY), 0);
        pty.assert_restored();
        assert!(pty.screen().contains("shell: ended 0"), "{}", pty.screen());
    }
}

#[cfg(debug_assertions)]
#[test]
fn drill_a_panic_of_the_ui_gives_the_terminal_back_and_says_where_the_report_is() {
    let mut pty = with_fleet(&edgedeck(&["--sim"]).env("EDGEDECK_TEST_PANIC", "ui"));
    pty.send("\x0c");
    assert_eq!(pty.exit_code_within(PROMPTLY), 101);
    pty.assert_restored();
    let said = pty.screen().replace('\n', "");
    assert!(said.contains("a drill in the UI") && said.contains("crash-"), "{said}");
    let reports = everything_below(&state(&pty).join("crash"));
    let [report] = reports.as_slice() else { panic!("one report: {reports:?}") };
    assert_eq!(mode(report), 0o600);
}

#[cfg(debug_assertions)]
#[test]
fn drill_a_panic_of_a_worker_is_an_error_on_screen_and_the_rest_goes_on() {
    let mut pty = with_fleet(&edgedeck(&["--sim"]).env("EDGEDECK_TEST_PANIC", "worker"));
    pty.send("\x0c");
    pty.wait_for("a part of edgedeck failed");
    pty.assert_entered();
    pty.send("?");
    pty.wait_gone("edge-gateway");
    pty.send("qq");
    assert_eq!(pty.exit_code_within(PROMPTLY), 0);
    pty.assert_restored();
}

#[test]
fn q_never_waits_for_a_hub() {
    let mut pty = simulated();
    command(&mut pty, "sim hub off");
    pty.wait_for("the hub is off");
    // A read is under way from here on.
    pty.send("\x12");
    pty.wait_for("reading again");
    pty.send("q");
    assert_eq!(pty.exit_code_within(PROMPTLY), 0);
    pty.assert_restored();
}

#[test]
fn q_never_waits_for_a_hub_that_never_answered() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let launch = edgedeck(&[]);
    let file = launch.home().join("hub.cs");
    let port = silent.local_addr().unwrap().port();
    std::fs::write(&file, format!("HostName=127.0.0.1:{port};SharedAccessKeyName=owner;SharedAccessKey=a2V5")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut pty = launch.args(&["--connection-string-file", file.to_str().unwrap()]).start();
    pty.wait_for("127.0.0.1");
    pty.assert_entered();
    // The console has connected, and is waiting for the handshake that never comes.
    let (_held, _) = silent.accept().unwrap();
    pty.send("q");
    assert_eq!(pty.exit_code_within(PROMPTLY), 0);
    pty.assert_restored();
    assert!(!String::from_utf8_lossy(pty.log()).contains("a2V5"), "the key is never shown");
}

/// Types a change of the guide's module into the editor and waits until it is on disk.
fn type_a_draft(pty: &mut Pty) {
    command(pty, "twin edge-gateway-001/temperatureFilter");
    pty.wait_for("25.0");
    pty.send("e");
    pty.wait_for("EDITING");
    pty.send("\x1b[B\x1b[F\x7f\x7f\x7f\x7f31.5");
    pty.wait_for("31.5");
    // Not what is written beside it first: killed before the rename, that is no draft.
    let is_whole = |path: &&std::path::PathBuf| {
        !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".edgedeck-"))
    };
    pty.wait_until("the draft on disk", |pty| {
        everything_below(&state(pty))
            .iter()
            .filter(is_whole)
            .any(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("31.5")))
    });
}

#[test]
fn what_was_typed_survives_kill_9() {
    let launch = edgedeck(&["--sim"]);
    let mut pty = with_fleet(&launch);
    type_a_draft(&mut pty);
    pty.kill();
    // A killed console cannot take its simulated hub's folder with it.
    std::fs::remove_dir_all(sim_file(&pty, "ca.pem").parent().unwrap()).unwrap();
    let mut pty = launch.start();
    pty.wait_for("a draft from before waits");
    pty.wait_for("edge-gateway-001");
    command(&mut pty, "twin edge-gateway-001/temperatureFilter");
    pty.wait_for("25.0");
    pty.send("e");
    pty.wait_for("EDITING");
    pty.wait_for("\"temperatureThreshold\": 31.5");
    let untouched = Colleague::of(&pty).twin(&filter_twin());
    assert_eq!(untouched.desired.values.get("temperatureThreshold"), Some(&serde_json::json!(25.0)));
}

#[test]
fn files_are_the_operators_alone() {
    let mut pty = simulated();
    command(&mut pty, "sim");
    pty.wait_for("connection-string");
    let access = sim_file(&pty, "connection-string");
    assert!(pty.screen().contains(access.to_str().unwrap()), "`:sim` says where it is:\n{}", pty.screen());
    assert_eq!(mode(&access), 0o600);
    assert_eq!(mode(access.parent().unwrap()), 0o700);
    let text = std::fs::read_to_string(&access).unwrap();
    let key = text.split("SharedAccessKey=").nth(1).unwrap().trim().to_owned();
    pty.send("q");
    pty.wait_for("edge-gateway");
    type_a_draft(&mut pty);
    pty.send("\x1b");
    pty.wait_gone("EDITING");
    pty.send("qq");
    assert_eq!(pty.exit_code(), 0);
    let mut all = everything_below(&state(&pty));
    all.push(state(&pty));
    let (folders, files): (Vec<_>, Vec<_>) = all.iter().partition(|path| path.is_dir());
    assert!(files.len() >= 2, "a draft and the history at least: {files:?}");
    assert!(folders.iter().all(|path| mode(path) == 0o700), "{folders:?}");
    for file in files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
        let bytes = std::fs::read(file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&key), "{} holds the key", file.display());
    }
    assert!(!String::from_utf8_lossy(pty.log()).contains(&key), "the key was shown");
}
