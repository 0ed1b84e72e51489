//! Questions, which need a terminal: asked on one, answered on one.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;

use crate::harness::{TWIN, World};

/// The binary on a terminal of its own.
struct OnTerminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    pieces: Receiver<Vec<u8>>,
    seen: String,
    _master: Box<dyn MasterPty + Send>,
}

impl OnTerminal {
    fn patch(world: &World) -> Self {
        let pty = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_edgedeck"));
        command.env_clear();
        command.env("HOME", world.home());
        command.args(["twin", "patch", TWIN, "--desired", r#"{"temperatureThreshold": 30.5}"#]);
        command.args(world.access());
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (send, pieces) = sync_channel(64);
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 4096];
            while let Ok(read) = reader.read(&mut buffer) {
                if read == 0 || send.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pty.master.take_writer().unwrap();
        Self { child, keys, pieces, seen: String::new(), _master: pty.master }
    }

    fn wait_for(&mut self, text: &str) {
        // A program that waits for an answer says nothing more, so silence is the end of patience.
        let patience = Duration::from_secs(30);
        while !self.seen.contains(text) {
            let piece = self.pieces.recv_timeout(patience).unwrap_or_else(|_| panic!("no {text:?} in {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    fn answer(&mut self, line: &str) -> u32 {
        self.keys.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.child.wait().unwrap().exit_code()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yes_sends_and_anything_else_does_not() {
    let world = World::start().await;
    for (line, code, threshold) in [("", 10, 25.0), ("no", 10, 25.0), ("y", 0, 30.5)] {
        let mut run = OnTerminal::patch(&world);
        run.wait_for("[y/N]");
        assert!(run.seen.contains("If-Match"), "what is asked about is on screen: {}", run.seen);
        assert_eq!(run.answer(line), code, "{line:?}");
        assert_eq!(world.desired()["temperatureThreshold"], json!(threshold), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_writes_while_it_asks_is_not_overwritten() {
    let world = World::start().await;
    let mut run = OnTerminal::patch(&world);
    run.wait_for("[y/N]");
    world.sim.command(&format!("touch {TWIN}")).unwrap();
    assert_eq!(run.answer("y"), 5);
    run.wait_for("nothing was overwritten");
    assert_eq!(world.desired()["temperatureThreshold"], json!(25.0));
}
