//! What the product sends to terminals of every kind: colours by depth, ASCII, sizes, and nothing at all where it cannot
//! open.

use std::collections::BTreeSet;
use std::process::Stdio;

use crate::harness::Pty;
use crate::product::{GATEWAY, edgedeck, simulated, with_fleet};

/// Kinds of colour that a stream of bytes may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Colour {
    /// Back to the terminal's own.
    Default,
    Ansi16,
    Indexed256,
    True,
}

/// Every kind of colour in `bytes`.
fn colours(bytes: &[u8]) -> BTreeSet<Colour> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = BTreeSet::new();
    for sequence in text.split("\x1b[").skip(1) {
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic() || "@`~".contains(c)) else { continue };
        let (parameters, rest) = sequence.split_at(end);
        if !rest.starts_with('m') {
            continue;
        }
        let mut parameters = parameters.split([';', ':']).map(|number| number.parse().unwrap_or(0_u16));
        while let Some(parameter) = parameters.next() {
            found.extend(match parameter {
                30..=37 | 40..=47 | 90..=97 | 100..=107 => Some(Colour::Ansi16),
                39 | 49 => Some(Colour::Default),
                38 | 48 | 58 => {
                    let indexed = parameters.next() == Some(5);
                    parameters.nth(if indexed { 0 } else { 2 });
                    Some(if indexed { Colour::Indexed256 } else { Colour::True })
                }
                _ => None,
            });
        }
    }
    found
}

/// The cells of the row that shows `text`, between the frames.
fn inverse_cells(pty: &Pty, text: &str) -> Vec<bool> {
    let screen = pty.emulated();
    let columns = screen.size().1.get();
    let row = screen.rows(0, columns).position(|row| row.contains(text)).unwrap();
    let cell = |column| screen.cell(row.try_into().unwrap(), column).unwrap().inverse();
    (1..columns - 1).map(cell).collect()
}

#[test]
fn sequences_are_told_apart() {
    let all = [Colour::Default, Colour::Ansi16, Colour::Indexed256, Colour::True];
    assert_eq!(colours(b"\x1b[1;39m \x1b[91m \x1b[38;5;31m \x1b[48;2;1;2;3;4m\x1b[5;31H"), all.into());
    assert_eq!(colours(b"\x1b[48;2;31;32;33m\x1b[7m\x1b[0;1m"), [Colour::True].into());
    assert_eq!(colours(b"\x1b[31;32H\x1b[0m30"), [].into());
}

#[test]
fn no_color_marks_without_colour() {
    let mut pty = with_fleet(&edgedeck(&["--sim", "--theme", "dark"]).env("NO_COLOR", "1"));
    pty.send("g");
    pty.wait_until("the cursor on the first row", |pty| {
        pty.screen().lines().any(|line| line.contains('❯') && line.contains("edge-gateway-203"))
    });
    assert_eq!(inverse_cells(&pty, "edge-gateway-203"), [true; 118], "the selected row, all of it");
    assert_eq!(inverse_cells(&pty, GATEWAY), [false; 118], "and no other");
    for keys in ["?", "q", ":theme light\r", "\r", "q", "/fail\r"] {
        pty.send(keys);
    }
    pty.wait_gone(GATEWAY);
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    assert_eq!(colours(pty.log()), [].into());
}

#[test]
fn colours_are_those_the_terminal_has() {
    for (term, colorterm, finest) in [
        ("xterm", "", Colour::Ansi16),
        ("xterm-256color", "", Colour::Indexed256),
        ("xterm-256color", "truecolor", Colour::True),
    ] {
        let launch = edgedeck(&["--sim", "--theme", "dark"]).env("TERM", term).env("COLORTERM", colorterm);
        let mut pty = with_fleet(&launch);
        for keys in ["j", "\r", "q", "?", "q", "q"] {
            pty.send(keys);
        }
        assert_eq!(pty.exit_code(), 0, "{term} {colorterm}");
        assert_eq!(colours(pty.log()).last(), Some(&finest), "{term} {colorterm}");
        pty.assert_restored();
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    for launch in [edgedeck(&["--sim", "--ascii"]), edgedeck(&["--sim"]).env("LANG", "C")] {
        let mut pty = with_fleet(&launch);
        pty.send("\r");
        pty.wait_for("edgeAgent");
        for keys in ["t", "q", "q", "?", "q", "q"] {
            pty.send(keys);
        }
        assert_eq!(pty.exit_code(), 0);
        let odd: Vec<u8> = pty.log().iter().copied().filter(|byte| !byte.is_ascii()).collect();
        assert!(odd.is_empty(), "{}", odd.escape_ascii());
    }
}

#[test]
fn every_size_is_drawn_and_a_storm_of_sizes_ends_right() {
    let mut pty = simulated();
    pty.resize(60, 16);
    pty.wait_until("a small table", |pty| {
        pty.screen().lines().filter(|line| line.contains("edge-gateway")).count() > 3
    });
    pty.resize(40, 10);
    pty.wait_gone("edge-gateway");
    pty.wait_for("60");
    pty.resize(1, 1);
    pty.resize(200, 60);
    pty.wait_until("a wide table", |pty| {
        pty.screen().lines().any(|line| line.contains(GATEWAY) && line.chars().count() > 190)
    });
    let frames_before = pty.log().len();
    for step in 0..200_u16 {
        pty.resize(60 + step % 90, 16 + step % 40);
    }
    pty.resize(120, 36);
    pty.wait_until("the last size drawn", |pty| {
        let lines: Vec<String> = pty.screen().lines().map(str::to_owned).collect();
        let table = lines.iter().filter(|line| line.contains("edge-gateway-")).count();
        let edges = lines.iter().filter(|line| line.starts_with('│') && line.chars().count() == 120).count();
        table == 26 && edges > 26 && lines.last().is_some_and(|line| line.contains("help"))
    });
    let sent = pty.log().len() - frames_before;
    assert!(sent < 200 * 3_000, "not every size of a storm is drawn: {sent} bytes");
    // What is on screen after the storm is what a terminal shows that is drawn from nothing.
    let stormy = table(&pty);
    pty.send("?");
    pty.wait_gone(GATEWAY);
    pty.send("\x0cq");
    pty.wait_until("the same table again", |pty| table(pty) == stormy);
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

/// Devices in their order; ages are left out.
fn table(pty: &Pty) -> Vec<String> {
    pty.screen()
        .lines()
        .filter(|line| line.contains("edge-gateway-"))
        .map(|line| line.chars().take(60).collect())
        .collect()
}

#[test]
fn without_an_audit_record_it_opens_for_looking_only() {
    let broken = |args: &[&str]| {
        let launch = edgedeck(args);
        let state = launch.home().join(".local/state/edgedeck");
        std::fs::create_dir_all(&state).unwrap();
        std::fs::write(state.join("audit"), "in the way of the folder").unwrap();
        launch
    };
    let mut refused = broken(&["--sim"]).start();
    assert_eq!(refused.exit_code(), 1);
    assert!(refused.screen().contains("--read-only"), "{}", refused.screen());
    let mut pty = with_fleet(&broken(&["--sim", "--read-only"]));
    pty.send("q");
    assert_eq!(pty.exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn a_look_that_is_not_there_ends_the_run_when_a_flag_asked_for_it() {
    for (flag, name, others) in [("--theme", "drak", "dark"), ("--keymap", "emacs", "vim"), ("--color", "8", "256")] {
        let mut pty = edgedeck(&["--sim", flag, name]).start();
        assert_eq!(pty.exit_code(), 2, "{flag} {name}");
        for says in [flag, name, others] {
            assert!(pty.screen().contains(says), "{says} in {}", pty.screen());
        }
    }
}

#[test]
fn where_it_cannot_open_it_says_so_and_sends_nothing_else() {
    for (name, value) in [("TERM", "dumb"), ("TERM", ""), ("CI", "1")] {
        let mut pty = edgedeck(&["--sim"]).env(name, value).start();
        assert_eq!(pty.exit_code(), 2, "{name}={value}");
        assert!(pty.screen().contains("the console cannot open"), "{}", pty.screen());
        assert_eq!(pty.count("\x1b"), 0, "{name}={value}: no sequence");
    }
    let output = edgedeck(&["--sim"]).command().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{}", output.stdout.escape_ascii());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("standard output is not a terminal") && !said.contains('\x1b'), "{said}");
}
