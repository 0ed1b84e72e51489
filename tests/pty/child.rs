//! The other side: a small console on the terminal layer, run by starting this test binary again. It shows what it
//! received and obeys a few keys.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use edgedeck::domain::time::ManualClock;
use edgedeck::tui::term::caps::Caps;
use edgedeck::tui::term::input::InputEvent;
use edgedeck::tui::term::signals::Signal;
use edgedeck::tui::term::{Options, Term, crash, foreground};
use edgedeck::tui::theme::Depth;
use edgedeck::tui::theme::signs::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::harness::Pty;
use crate::launch::Launch;

/// Set in the environment of the program under test only.
const CHILD: &str = "EDGEDECK_PTY_CHILD";

const ARGS: [&str; 4] = ["--exact", "child::probe", "--nocapture", "--test-threads=1"];

/// The small console.
pub fn probe_console() -> Launch {
    Launch::new(&std::env::current_exe().unwrap()).args(&ARGS).env(CHILD, "console")
}

/// Starts the small console, as its session's own command.
pub fn start() -> Pty {
    probe_console().start()
}

/// Starts it in another `role`: `early-panic` fails before the terminal is entered, `counting` says how many keys came.
pub fn start_as(role: &str) -> Pty {
    probe_console().env(CHILD, role).start()
}

/// Does nothing in an ordinary test run.
#[test]
fn probe() {
    if let Some(role) = std::env::var_os(CHILD) {
        std::process::exit(console(&role.to_string_lossy()));
    }
}

/// What the loop does after an event.
enum Next {
    Draw,
    Exit(i32),
}

fn console(role: &str) -> i32 {
    let clock = ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap());
    let home = std::env::var_os("HOME").unwrap();
    crash::install_panic_hook(Some(std::path::Path::new(&home).join("state")), clock.clone());
    assert!(role != "early-panic", "failed before the screen");
    let caps = Caps { color: Depth::True, glyphs: Glyphs::Unicode, alternate_screen: true };
    let options = Options { caps, escape_hold: Duration::from_millis(25), clock };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut term = Term::enter(options).unwrap();
        let mut last = "nothing yet".to_owned();
        let mut panics = Vec::new();
        // Drawn only where somebody counts: it changes with every key.
        let mut keys = (role == "counting").then_some(0);
        loop {
            panics.extend(crash::take_reports().into_iter().map(|report| report.message.to_string()));
            draw(&term, &last, keys, &panics);
            let next = tokio::select! {
                Some(event) = term.input.recv() => {
                    last = format!("{event:?}");
                    keys = keys.map(|keys| keys + u32::from(matches!(event, InputEvent::Key(_))));
                    obey(&mut term, event, &mut last).await
                }
                Some(signal) = term.signals.recv() => {
                    last = format!("{signal:?}");
                    heed(&mut term, signal).await
                }
            };
            if let Next::Exit(code) = next {
                if term.leave().await.is_ok() {
                    // The terminal may have vanished since.
                    let _ = writeln!(std::io::stdout(), "bye {code}");
                }
                return code;
            }
        }
    })
}

fn draw(term: &Term, last: &str, keys: Option<u32>, panics: &[String]) {
    let (columns, rows) = term.size();
    let mut frame = Buffer::empty(Rect::new(0, 0, columns, rows));
    let lines = [
        format!("probe pid={} size={columns}x{rows}", std::process::id()),
        format!("last: {last}"),
        format!("panics: {panics:?}"),
        format!("lost: {}", term.screen().is_lost()),
        keys.map_or_else(String::new, |keys| format!("keys: {keys}.")),
    ];
    for (y, line) in (0..).zip(&lines) {
        if y < rows {
            frame.set_stringn(0, y, line, usize::from(columns), Style::new().fg(Color::Green));
        }
    }
    term.present(&frame, None);
}

async fn obey(term: &mut Term, event: InputEvent, last: &mut String) -> Next {
    let InputEvent::Key(key) = event else { return Next::Draw };
    *last = format!("key {:?} {:?}", key.code, key.modifiers);
    match key.code {
        KeyCode::Char('z') if key.modifiers == KeyModifiers::CONTROL => suspend(term, last).await,
        KeyCode::Char('q') => return Next::Exit(0),
        KeyCode::Char('7') => return Next::Exit(7),
        KeyCode::Char('p') => panic!("the UI failed"),
        KeyCode::Char('w') => {
            let failed = tokio::spawn(async { panic!("a worker failed") }).await;
            assert!(failed.is_err());
        }
        KeyCode::Char('h') => {
            draw(term, "hanging", None, &[]);
            loop {
                std::thread::park();
            }
        }
        KeyCode::Char('f') => flood(term),
        KeyCode::Char('e') => {
            let script = "printf 'editor? '; read -r line; printf %s \"$line\" > \"$HOME/edited\"";
            let editor = || foreground::run(Command::new("sh").args(["-c", script]));
            assert!(term.outside(editor).await.unwrap().unwrap().success());
            let home = std::env::var_os("HOME").unwrap();
            *last =
                format!("edited {:?}", std::fs::read_to_string(std::path::Path::new(&home).join("edited")).unwrap());
        }
        KeyCode::Char('k') => {
            let killed = || foreground::run(Command::new("sh").args(["-c", "kill -KILL 0"]));
            *last = format!("killed {}", term.outside(killed).await.unwrap().unwrap());
        }
        KeyCode::Char('c') if key.modifiers.is_empty() => {
            let pager = || foreground::run(Command::new("sh").args(["-c", "kill -INT 0"]));
            *last = format!("pager {}", term.outside(pager).await.unwrap().unwrap());
        }
        _ => {}
    }
    Next::Draw
}

async fn heed(term: &mut Term, signal: Signal) -> Next {
    match signal {
        Signal::Suspend => suspend(term, &mut String::new()).await,
        Signal::Continue => term.reclaim(),
        Signal::Terminate | Signal::Hangup | Signal::Interrupt | Signal::Quit | Signal::Resize => {}
    }
    signal.exit_code().map_or(Next::Draw, |code| Next::Exit(code.into()))
}

async fn suspend(term: &mut Term, last: &mut String) {
    match term.suspend().await {
        Ok(()) => "continued".clone_into(last),
        Err(refusal) => *last = refusal.to_string(),
    }
}

/// More frames, and larger ones, than a terminal that is not read can hold.
fn flood(term: &Term) {
    let (columns, rows) = term.size();
    for n in 0..500_u16 {
        let mut frame = Buffer::empty(Rect::new(0, 0, columns, rows));
        for y in 0..rows {
            frame.set_string(
                0,
                y,
                format!("{n:04} {y:04}").repeat(8),
                Style::new().fg(Color::Rgb(n.to_be_bytes()[1], 1, 2)),
            );
        }
        term.present(&frame, None);
    }
}
