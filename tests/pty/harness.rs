//! A pseudo-terminal with a terminal emulator behind it. Every wait has a deadline and shows the screen when it
//! passes; nothing sleeps.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::launch::Launch;

/// Long enough for a debug build on a busy machine, and for the console to notice that a hub fell silent; a passing
/// test of anything else never comes near it.
const DEADLINE: Duration = Duration::from_secs(60);

/// What does not come over the terminal, such as a file, is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Chunks that may wait for the test; when full, the reader waits, and so does the program.
const CHUNKS: usize = 4096;

enum Event {
    Output(Vec<u8>),
    /// The reader is gone: the program closed the terminal, or the test made the terminal vanish.
    Closed,
    Exited(ExitStatus),
}

/// What the reading thread does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Read,
    Hold,
    End,
}

/// Answers the queries a program may send, as a terminal would.
#[derive(Default)]
struct Answers(Vec<u8>);

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        i1: Option<u8>,
        _i2: Option<u8>,
        params: &[&[u16]],
        c: char,
    ) {
        match (i1, params, c) {
            (None, [] | [[0]], 'c') => self.0.extend_from_slice(b"\x1b[?62;22c"),
            (None, [[6]], 'n') => {
                let (row, column) = screen.cursor_position();
                self.0.extend_from_slice(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
            _ => {}
        }
    }
}

/// A program in a terminal.
pub struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    events: Receiver<Event>,
    flow: Arc<(Mutex<Flow>, Condvar)>,
    emulator: vt100::Parser<Answers>,
    log: Vec<u8>,
    closed: bool,
    exited: Option<ExitStatus>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    pid: Pid,
    line_discipline_before: String,
    home: Arc<tempfile::TempDir>,
}

impl Pty {
    /// Starts `launch` in a terminal of its own.
    pub fn start(launch: &Launch) -> Self {
        let (columns, rows) = launch.terminal_size();
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let line_discipline_before = line_discipline(&*pair.master);
        let mut command = CommandBuilder::new(launch.program());
        command.args(launch.arguments());
        command.env_clear();
        command.cwd(launch.home());
        for (name, value) in launch.environment() {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).expect("the program starts");
        // Only the program holds the terminal now, so that its end can be seen.
        drop(pair.slave);
        let killer = child.clone_killer();
        let pid = child.process_id().and_then(|pid| Pid::from_raw(pid.try_into().unwrap())).expect("a process id");
        let (sender, events) = sync_channel(CHUNKS);
        let flow = Arc::new((Mutex::new(Flow::Read), Condvar::new()));
        let reader = pair.master.try_clone_reader().expect("the terminal's output");
        let keyboard = pair.master.take_writer().expect("the terminal's input");
        std::thread::spawn({
            let (sender, flow) = (sender.clone(), Arc::clone(&flow));
            move || read_output(reader, &sender, &flow)
        });
        std::thread::spawn(move || {
            let status = child.wait().expect("the program can be waited for");
            // The test may have ended before the program.
            let _ = sender.send(Event::Exited(status));
        });
        let emulator = vt100::Parser::new_with_callbacks(
            NonZeroU16::new(rows).unwrap(),
            NonZeroU16::new(columns).unwrap(),
            0,
            Answers::default(),
        );
        Self {
            master: Some(pair.master),
            keyboard: Some(keyboard),
            events,
            flow,
            emulator,
            log: Vec::new(),
            closed: false,
            exited: None,
            killer,
            pid,
            line_discipline_before,
            home: launch.shared_home(),
        }
    }

    /// The program's home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What is on the screen, as text.
    pub fn screen(&self) -> String {
        self.emulator.screen().contents()
    }

    /// The screen with its colours and marks.
    pub fn emulated(&self) -> &vt100::Screen {
        self.emulator.screen()
    }

    /// All bytes the program has sent.
    pub fn log(&self) -> &[u8] {
        &self.log
    }

    /// Waits until `text` is on the screen.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` on the screen"), |pty| pty.screen().contains(text));
    }

    /// Waits until `text` is no longer on the screen.
    pub fn wait_gone(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` gone from the screen"), |pty| !pty.screen().contains(text));
    }

    /// Waits until `done` holds.
    pub fn wait_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        if !self.holds_within(DEADLINE, done) {
            self.fail(&format!("not within {DEADLINE:?}: {what}"));
        }
    }

    /// Whether `done` holds before `patience` is over. Looks again whenever the program sent something, and a few dozen
    /// times a second, for what does not come over the terminal.
    pub fn holds_within(&mut self, patience: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if done(self) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(LOOK_AGAIN)) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return false,
                Err(RecvTimeoutError::Timeout) => {}
                // The program has ended and everything it sent was seen; only files can still change.
                Err(RecvTimeoutError::Disconnected) => return done(self),
            }
        }
    }

    /// Presses `key` until `text` is on the screen, for keys that are not taken at first.
    pub fn press_until(&mut self, key: &str, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            self.send(key);
            if self.holds_within(Duration::from_millis(250), |pty| pty.screen().contains(text)) {
                return;
            }
        }
        self.fail(&format!("`{}` never brought `{text}`", key.escape_debug()));
    }

    /// Presses `key` until `text` has left the screen.
    pub fn press_until_gone(&mut self, key: &str, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            self.send(key);
            if self.holds_within(Duration::from_millis(250), |pty| !pty.screen().contains(text)) {
                return;
            }
        }
        self.fail(&format!("`{}` never took `{text}` away", key.escape_debug()));
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("the terminal is still there");
        keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
        keyboard.flush().expect("the terminal takes keys");
    }

    /// Sends a signal to the program, or to another process it started.
    pub fn signal(&self, to: Pid, signal: Signal) {
        kill_process(to, signal).expect("the process is there");
    }

    /// Changes the size of the terminal; the kernel tells the program.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("the terminal is still there").resize(size).expect("a new size");
        self.emulator.screen_mut().set_size(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(columns).unwrap());
    }

    /// Stops reading, as a terminal does after Ctrl-S or over a dead link.
    pub fn hold(&mut self) {
        self.set_flow(Flow::Hold);
    }

    /// Makes the terminal vanish, as a closed window or a killed tmux server does. `wake` are keys that make the
    /// program send something, since the reader lets go only between two reads.
    pub fn vanish(&mut self, wake: &str) {
        self.set_flow(Flow::End);
        self.send(wake);
        self.wait_until("the reader to let go", |pty| pty.closed);
        self.keyboard = None;
        self.master = None;
    }

    /// Waits for the end of the program and for all it sent; gives its exit code, or says which signal killed it.
    pub fn exit_code(&mut self) -> u32 {
        self.wait_until("the program to end", |pty| pty.exited.is_some());
        if *self.flow.0.lock().unwrap() == Flow::Read {
            self.wait_until("the rest of the output", |pty| pty.closed);
        }
        let status = self.exited.clone().expect("just waited for");
        if let Some(signal) = status.signal() {
            self.fail(&format!("the program was killed: {signal}"));
        }
        status.exit_code()
    }

    /// As [`Pty::exit_code`], for an end that must not take longer than `patience`.
    pub fn exit_code_within(&mut self, patience: Duration) -> u32 {
        if !self.holds_within(patience, |pty| pty.exited.is_some()) {
            self.fail(&format!("still running after {patience:?}"));
        }
        self.exit_code()
    }

    /// Kills the program as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(self.pid, Signal::KILL);
        self.wait_until("the program to be gone", |pty| pty.exited.is_some());
    }

    /// The terminal is as it was before the program: every mode off, every entry left, the line discipline back.
    pub fn assert_restored(&self) {
        let screen = self.emulator.screen();
        let plain = screen.fgcolor() == vt100::Color::Default && !screen.bold() && !screen.inverse();
        for (ok, what) in [
            (!screen.alternate_screen(), "the alternate screen was not left"),
            (!screen.hide_cursor(), "the cursor is still hidden"),
            (!screen.bracketed_paste(), "bracketed paste is still on"),
            (screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None, "the mouse is still captured"),
            (plain, "colours or marks are still set"),
            (self.count("\x1b[?1049h") == self.count("\x1b[?1049l"), "entries and leaves differ"),
        ] {
            if !ok {
                self.fail(what);
            }
        }
        let now = line_discipline(&**self.master.as_ref().expect("the terminal is still there"));
        assert_eq!(now, self.line_discipline_before, "the line discipline");
    }

    /// The terminal is in the console's hands.
    pub fn assert_entered(&self) {
        let screen = self.emulator.screen();
        if !(screen.alternate_screen() && screen.bracketed_paste()) {
            self.fail("the console does not have the terminal");
        }
        let now = line_discipline(&**self.master.as_ref().expect("the terminal is still there"));
        assert_ne!(now, self.line_discipline_before, "raw mode is not set");
    }

    /// How often `sequence` was sent.
    pub fn count(&self, sequence: &str) -> usize {
        String::from_utf8_lossy(&self.log).matches(sequence).count()
    }

    fn set_flow(&self, to: Flow) {
        *self.flow.0.lock().unwrap() = to;
        self.flow.1.notify_all();
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Output(bytes) => {
                self.emulator.process(&bytes);
                self.log.extend_from_slice(&bytes);
                let answers = std::mem::take(&mut self.emulator.callbacks_mut().0);
                if let (false, Some(keyboard)) = (answers.is_empty(), self.keyboard.as_mut()) {
                    keyboard.write_all(&answers).expect("the program takes answers");
                }
            }
            Event::Closed => self.closed = true,
            Event::Exited(status) => self.exited = Some(status),
        }
    }

    fn fail(&self, what: &str) -> ! {
        let tail = self.log.len().saturating_sub(400);
        panic!(
            "{what}\n--- screen ---\n{}\n--- last bytes ---\n{}\n--- exit: {:?}",
            self.screen(),
            self.log.get(tail..).unwrap_or_default().escape_ascii(),
            self.exited,
        );
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.exited.is_none() {
            // It may have ended by itself meanwhile.
            let _ = self.killer.kill();
        }
        self.set_flow(Flow::End);
    }
}

fn read_output(mut reader: Box<dyn Read + Send>, events: &SyncSender<Event>, flow: &(Mutex<Flow>, Condvar)) {
    let mut bytes = [0; 8192];
    loop {
        let held = flow.1.wait_while(flow.0.lock().unwrap(), |flow| *flow == Flow::Hold).unwrap();
        if *held == Flow::End {
            break;
        }
        drop(held);
        // An error is how Linux reports that the last holder of the other side is gone.
        let Ok(count @ 1..) = reader.read(&mut bytes) else { break };
        if events.send(Event::Output(bytes.get(..count).unwrap_or_default().to_vec())).is_err() {
            return;
        }
    }
    drop(reader);
    // The test may have ended.
    let _ = events.send(Event::Closed);
}

/// The line discipline in a form that can be compared; the master side shows the slave's.
fn line_discipline(master: &dyn MasterPty) -> String {
    let termios = master.get_termios().expect("a line discipline");
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        termios.input_flags, termios.output_flags, termios.control_flags, termios.local_flags, termios.control_chars
    )
}
