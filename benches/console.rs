//! The release binary in a real pseudo-terminal, on its simulated hub: how soon it shows what, how long a key takes while
//! data changes, what it sends when nothing happens, and whether every ending gives the terminal back.
//!
//! `cargo build --release && cargo bench --bench console`. Times are of this machine; `BENCHMARKS.md` says which.
//! `EDGEDECK_BENCH_IDLE` sets the seconds of the idle measurement (60).

#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bench prints its table, stops on a failure, and needs the system's clock"
)]

#[path = "../tests/pty/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;
#[path = "../tests/pty/launch.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod launch;
#[path = "../tests/pty/product.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod product;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edgedeck::app::SystemClock;
use edgedeck::domain::ids::{DeviceId, TwinId};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use rustix::process::Signal;

use harness::Pty;
use launch::Launch;
use product::sim_file;

const STARTS: usize = 20;
const KEYS: usize = 1_000;
const STORM: u16 = 200;

fn main() {
    // `cargo test --benches` only wants to know that it compiles and starts.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    row("what", "median", "p95", "p99", "max");
    starts();
    keys();
    idle();
    storm();
    endings();
}

/// The release binary in a terminal of 120 by 36, in 256 colours.
fn edgedeck(args: &[&str]) -> Launch {
    Launch::new(Path::new(env!("CARGO_BIN_EXE_edgedeck"))).args(args).size(120, 36).env("COLORTERM", "")
}

fn row(what: &str, median: &str, p95: &str, p99: &str, max: &str) {
    println!("{what:<58}{median:>12}{p95:>12}{p99:>12}{max:>12}");
}

/// Prints the distribution of `values` with a unit.
fn spread(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |per_mille: usize| {
        let index = (values.len() * per_mille / 1_000).min(values.len() - 1);
        format!("{:.1} {unit}", values.get(index).copied().unwrap_or_default())
    };
    row(what, &at(500), &at(950), &at(990), &at(1_000));
}

fn single(what: &str, value: &str) {
    row(what, value, "", "", "");
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("a small number"))
}

/// The whole fleet is there: the first device in the order of names, and the verdict of the worst.
fn fleet_visible(pty: &Pty) -> bool {
    let screen = pty.screen();
    screen.contains("edge-gateway-001") && screen.contains("failed")
}

/// Lets time go on, taking what the program sends.
fn pass(pty: &mut Pty, time: Duration) {
    pty.holds_within(time, |_| false);
}

fn with_fleet() -> Pty {
    let mut pty = edgedeck(&["--sim"]).start();
    pty.wait_until("the fleet", fleet_visible);
    pty
}

/// From the start of the process: the first byte, the first whole frame, the fleet; each time a home never used before.
fn starts() {
    let (mut byte, mut frame, mut fleet, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut pty = edgedeck(&["--sim"]).start();
        pty.wait_until("a byte", |pty| !pty.log().is_empty());
        byte.push(millis(begun.elapsed()));
        pty.wait_until("a frame", |pty| pty.screen().contains("help"));
        frame.push(millis(begun.elapsed()));
        bytes.push(count(pty.log().len()));
        pty.wait_until("the fleet", fleet_visible);
        fleet.push(millis(begun.elapsed()));
        pty.send("q");
        pty.exit_code();
    }
    spread("start to first byte", "ms", byte);
    spread("start to first frame (M-1)", "ms", frame);
    spread("bytes up to the first frame, 256 colours (M-10)", "B", bytes);
    spread("start to the fleet on screen, --sim", "ms", fleet);
}

/// Presses keys while somebody else writes twins as fast as the hub answers: at leisure, and each as soon as the frame of
/// the one before is there, where the limit of 30 frames a second shows.
fn keys() {
    let mut pty = with_fleet();
    let writer = Writer::start(&pty);
    for (pace, pause) in [("60 ms apart", Duration::from_millis(60)), ("without a pause", Duration::from_millis(1))] {
        let mut moves = ["j", "k", "G", "g", "\x06", "\x02"].iter().cycle();
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        for _ in 0..KEYS {
            pass(&mut pty, pause);
            let sent = pty.log().len();
            let pressed = Instant::now();
            pty.send(moves.next().expect("a cycle"));
            // Every key here moves the cursor, so every key is answered by a frame.
            pty.wait_until("an answer", |pty| pty.log().len() > sent);
            times.push(millis(pressed.elapsed()));
            bytes.push(count(pty.log().len() - sent));
        }
        spread(&format!("key to frame, twins changing, keys {pace} (M-4)"), "ms", times);
        spread(&format!("bytes per key: row, ends, page, keys {pace}"), "B", bytes);
    }
    single("twins written meanwhile", &writer.stop().to_string());
    single("memory, 26 devices and the simulated hub", &format!("{:.1} MiB", resident(&pty)));
    pty.send("q");
    pty.exit_code();
}

/// Somebody else who writes tags over HTTPS until told to stop.
struct Writer {
    go: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Writer {
    fn start(pty: &Pty) -> Self {
        let text = std::fs::read_to_string(sim_file(pty, "connection-string")).expect("the access");
        let (endpoint, credential) = ConnectionString::parse(text.trim()).expect("a connection string").into_parts();
        let mut settings = HubSettings::new(endpoint, credential);
        settings.trust = Trust::Only(std::fs::read(sim_file(pty, "ca.pem")).expect("the authority"));
        // Ten units at full rate: the writer is not what is measured.
        (settings.units, settings.rate_share, settings.message_share) = (10, 1.0, 1.0);
        let (go, written) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (go, written) = (Arc::clone(&go), Arc::clone(&written));
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let hub = Hub::connect(settings, Arc::new(SystemClock::start())).expect("a hub");
                    let write = hub.write.expect("a right to write");
                    let devices = ["edge-gateway-101", "edge-gateway-102", "edge-gateway-201", "edge-gateway-202"];
                    for name in devices.iter().cycle() {
                        if !go.load(Ordering::Relaxed) {
                            return;
                        }
                        let id = TwinId::device(DeviceId::parse(name).expect("an id"));
                        let count = written.load(Ordering::Relaxed);
                        let Ok(twin) = hub.read.twin(&id).await else { continue };
                        let patch = serde_json::json!({"tags": {"count": count}});
                        if write.patch_twin(&id, &patch, &twin.etag).await.is_ok() {
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        Self { go, written, thread }
    }

    fn stop(self) -> u64 {
        self.go.store(false, Ordering::Relaxed);
        self.thread.join().expect("the writer ended well");
        self.written.load(Ordering::Relaxed)
    }
}

/// Nobody presses anything.
fn idle() {
    let seconds = std::env::var("EDGEDECK_BENCH_IDLE").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let time = Duration::from_secs(seconds);
    let mut pty = with_fleet();
    pass(&mut pty, Duration::from_secs(2));
    let (bytes, cpu) = (pty.log().len(), cpu_time(&pty));
    pass(&mut pty, time);
    let bytes = count(pty.log().len() - bytes) / time.as_secs_f64();
    let cpu = (cpu_time(&pty) - cpu) / time.as_secs_f64() * 100.0;
    single("idle output, ages ticking, simulated hub polled (M-20)", &format!("{bytes:.1} B/s"));
    single("idle processor time, simulated hub included (M-22)", &format!("{cpu:.2} %"));
    pty.send("q");
    pty.exit_code();
}

/// Seconds of processor time so far.
fn cpu_time(pty: &Pty) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid().as_raw_nonzero())).expect("the process");
    // The name is in parentheses and may hold blanks; user and system ticks are the 12th and 13th after it.
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let ticks = rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("ticks"));
    // Linux reports hundredths of a second to programs, whatever it counts in.
    f64::from(ticks.sum::<u32>()) / 100.0
}

/// Mebibytes of memory in use.
fn resident(pty: &Pty) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pty.pid().as_raw_nonzero())).expect("the process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u32>().ok()).map_or(0.0, |kib| f64::from(kib) / 1_024.0)
}

/// A window being dragged: many sizes in two seconds, and how soon the last one is on screen.
fn storm() {
    let mut pty = with_fleet();
    let sent = pty.log().len();
    for step in 0..STORM {
        pty.resize(80 + step % 60, 20 + step % 30);
        pass(&mut pty, Duration::from_millis(10));
    }
    pty.resize(120, 36);
    let begun = Instant::now();
    pty.wait_until("the last size", |pty| {
        let screen = pty.screen();
        screen.lines().count() == 36 && screen.lines().nth(2).is_some_and(|line| line.chars().count() == 120)
    });
    single("200 sizes in 2 s: last size on screen after (M-44)", &format!("{:.1} ms", millis(begun.elapsed())));
    single("200 sizes in 2 s: bytes", &format!("{} B", pty.log().len() - sent));
    pty.send("q");
    pty.exit_code();
}

/// Every way to end, ten times each: was the terminal given back, and how long did it take.
fn endings() {
    const TIMES: usize = 10;
    for (name, signal, code) in [
        ("SIGTERM", Signal::TERM, 143),
        ("SIGHUP", Signal::HUP, 129),
        ("SIGINT", Signal::INT, 130),
        ("SIGQUIT", Signal::QUIT, 131),
    ] {
        ending(&format!("{name}: to exit, restored {TIMES} of {TIMES} (M-40)"), TIMES, code, with_fleet, |pty| {
            pty.signal(pty.pid(), signal);
        });
    }
    ending(&format!("q: to exit, restored {TIMES} of {TIMES}"), TIMES, 0, with_fleet, |pty| pty.send("q"));
    let hub_off = || {
        let mut pty = with_fleet();
        pty.send(":sim hub off\r");
        pty.wait_for("the hub is off");
        pty.send("\x12");
        pty.wait_for("reading again");
        pty
    };
    ending(&format!("q, hub went silent: to exit, restored {TIMES} of {TIMES}"), TIMES, 0, hub_off, |pty| {
        pty.send("q");
    });
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("a port").port();
    let never = || {
        let launch = edgedeck(&[]);
        let file = launch.home().join("hub.cs");
        let text = format!("HostName=127.0.0.1:{port};SharedAccessKeyName=owner;SharedAccessKey=a2V5");
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let mut pty = launch.args(&["--connection-string-file", file.to_str().expect("a path")]).start();
        pty.wait_for("help");
        pass(&mut pty, Duration::from_millis(200));
        pty
    };
    ending(&format!("q, hub never answered: to exit, restored {TIMES} of {TIMES}"), TIMES, 0, never, |pty| {
        pty.send("q");
    });
}

/// Ends a console `times` over and prints how long it took. A terminal that is not given back stops the bench.
fn ending(what: &str, times: usize, code: u32, start: impl Fn() -> Pty, end: impl Fn(&mut Pty)) {
    let mut took = Vec::new();
    for _ in 0..times {
        let mut pty = start();
        let begun = Instant::now();
        end(&mut pty);
        assert_eq!(pty.exit_code(), code, "{what}");
        took.push(millis(begun.elapsed()));
        pty.assert_restored();
    }
    spread(what, "ms", took);
}
