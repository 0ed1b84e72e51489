//! The writer thread: the only place where frames reach the terminal (console-ux W-3, W-4).
//!
//! A one-slot mailbox stands between it and the UI: the newest frame replaces the one that waits, and each frame is
//! encoded against the last one that was really written. However slow the terminal, the UI never waits and memory
//! stays at three frames.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use ratatui::buffer::Buffer;

use crate::domain::time::SharedClock;

use super::crash::{self, Role};
use super::encode::Encoder;
use super::guard::Gate;
use super::signals::{self, Signal};

/// What the writer has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames written; frames without a change are not written and not counted.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Calls of `write`; more than `frames` only when the terminal took a frame in parts.
    pub writes: u64,
    /// Frames replaced by a newer one before they were written.
    pub dropped: u64,
    /// Cell symbols that held a forbidden character (console-ux X-2); anything but zero is a defect.
    pub replaced: u64,
    /// How long the terminal took for the last frame; over 300 ms repeatedly means a slow link (W-9).
    pub last_drain: Duration,
}

/// What terminals take at most (74,994 bytes), before base64.
const CLIPBOARD_BYTES: usize = 74_994 / 4 * 3;

#[derive(Debug)]
struct Frame {
    buffer: Buffer,
    cursor: Option<(u16, u16)>,
}

#[derive(Debug, Default)]
struct Mailbox {
    frame: Option<Frame>,
    /// A retired buffer, so that a steady screen allocates nothing.
    spare: Option<Buffer>,
    repaint: bool,
    /// Text for the terminal's clipboard; goes out with the next frame.
    clipboard: Option<String>,
    closed: bool,
    lost: bool,
    stats: Stats,
}

#[derive(Debug, Default)]
struct Shared {
    mailbox: Mutex<Mailbox>,
    news: Condvar,
}

impl Shared {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the UI puts its frames. Cheap to clone; no method waits for the terminal.
#[derive(Debug, Clone)]
pub struct Screen(Arc<Shared>);

impl Screen {
    /// Starts the writer thread on `out`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start<W>(out: W, encoder: Encoder, gate: Arc<Gate>, clock: SharedClock) -> io::Result<Self>
    where
        W: Write + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let writer = Writer { shared: Arc::clone(&shared), out, encoder, gate, clock, cursor: None, stale: false };
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// Hands over a frame with the cursor at `cursor` (column, row), or hidden. Copies the buffer, so the caller
    /// keeps its own. A frame that still waits is replaced.
    pub fn present(&self, frame: &Buffer, cursor: Option<(u16, u16)>) {
        let spare = self.0.mailbox().spare.take();
        let buffer = match spare {
            Some(mut buffer) => {
                // `Buffer::clone_from` would allocate anew.
                buffer.area = frame.area;
                buffer.content.clone_from(&frame.content);
                buffer
            }
            None => frame.clone(),
        };
        let mut mailbox = self.0.mailbox();
        if mailbox.closed || mailbox.lost {
            return;
        }
        if let Some(late) = mailbox.frame.replace(Frame { buffer, cursor }) {
            mailbox.stats.dropped += 1;
            mailbox.spare = Some(late.buffer);
        }
        self.0.news.notify_one();
    }

    /// Asks for everything to be sent again: after `ctrl-l`, a resize, SIGCONT, an external editor.
    pub fn repaint(&self) {
        self.0.mailbox().repaint = true;
        self.0.news.notify_one();
    }

    /// Hands text to the terminal's clipboard (OSC 52) with the next frame. The terminal does not say whether it took
    /// it; more than a terminal takes is refused.
    #[must_use]
    pub fn copy(&self, text: &str) -> bool {
        let fits = text.len() <= CLIPBOARD_BYTES;
        if fits {
            self.0.mailbox().clipboard = Some(text.to_owned());
        }
        fits
    }

    /// What was written so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.mailbox().stats
    }

    /// The terminal is gone or its writer died: frames are thrown away.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.mailbox().lost
    }

    /// Lets the writer end after the frame that waits.
    pub(super) fn close(&self) {
        self.0.mailbox().closed = true;
        self.0.news.notify_one();
    }
}

struct Writer<W> {
    shared: Arc<Shared>,
    out: W,
    encoder: Encoder,
    gate: Arc<Gate>,
    clock: SharedClock,
    cursor: Option<(u16, u16)>,
    /// The encoder's base was not written, because the terminal was not ours at that moment.
    stale: bool,
}

enum Work {
    Frame(Frame),
    Repaint(Option<Frame>),
    End,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        crash::set_role(Role::Writer);
        let _lost = LostWhenDropped(Arc::clone(&self.shared));
        loop {
            let frame = match self.wait() {
                Work::End => return,
                Work::Frame(frame) if !self.stale => frame,
                Work::Frame(frame) => {
                    self.encoder.forget();
                    frame
                }
                Work::Repaint(newest) => {
                    let shown = self.encoder.forget().map(|buffer| Frame { buffer, cursor: self.cursor });
                    match newest.or(shown) {
                        Some(frame) => frame,
                        None => continue,
                    }
                }
            };
            if self.show(frame).is_err() {
                signals::deliver(Signal::Hangup);
                return;
            }
        }
    }

    fn wait(&self) -> Work {
        let idle = |mailbox: &mut Mailbox| mailbox.frame.is_none() && !mailbox.repaint && !mailbox.closed;
        let mut mailbox =
            self.shared.news.wait_while(self.shared.mailbox(), idle).unwrap_or_else(PoisonError::into_inner);
        let frame = mailbox.frame.take();
        match (std::mem::take(&mut mailbox.repaint), frame) {
            (true, frame) => Work::Repaint(frame),
            (false, Some(frame)) => Work::Frame(frame),
            (false, None) => Work::End,
        }
    }

    fn show(&mut self, frame: Frame) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(8 * 1024);
        self.cursor = frame.cursor;
        let retired = self.encoder.encode(frame.buffer, frame.cursor, &mut bytes);
        if let Some(text) = self.shared.mailbox().clipboard.take() {
            queue!(bytes, CopyToClipboard::to_clipboard_from(text))?;
        }
        let (mut writes, mut drain) = (0, Duration::ZERO);
        if !bytes.is_empty() {
            let Some(_permit) = self.gate.pass() else {
                // Kept as the encoder's base: the repaint that follows the return sends it.
                self.stale = true;
                return Ok(());
            };
            self.stale = false;
            let before = self.clock.now();
            writes = write_whole(&mut self.out, &bytes)?;
            drain = self.clock.now().since(before);
        }
        let mut mailbox = self.shared.mailbox();
        if mailbox.spare.is_none() {
            mailbox.spare = retired;
        }
        mailbox.stats.replaced = self.encoder.replaced();
        if writes > 0 {
            mailbox.stats.frames += 1;
            mailbox.stats.writes += writes;
            mailbox.stats.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            mailbox.stats.last_drain = drain;
        }
        Ok(())
    }
}

/// Writes `bytes` with one call where the terminal allows; returns the number of calls.
fn write_whole(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<u64> {
    let mut calls = 0;
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                calls += 1;
                bytes = bytes.get(written..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(calls)
}

/// However the thread ends, by a panic too, nobody goes on drawing into the void unknowingly.
struct LostWhenDropped(Arc<Shared>);

impl Drop for LostWhenDropped {
    fn drop(&mut self) {
        self.0.mailbox().lost = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::domain::time::ManualClock;
    use crate::tui::theme::Depth;
    use crate::tui::theme::signs::Glyphs;

    /// A terminal that takes a write only when the test allows it, and says what it got.
    struct Slow {
        entered: SyncSender<()>,
        allow: Receiver<io::Result<()>>,
        got: SyncSender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.entered.send(()).map_err(io::Error::other)?;
            self.allow.recv().map_err(io::Error::other)??;
            self.got.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Bench {
        screen: Screen,
        gate: Arc<Gate>,
        entered: Receiver<()>,
        allow: SyncSender<io::Result<()>>,
        got: Receiver<Vec<u8>>,
    }

    fn bench() -> Bench {
        let (entered_tx, entered) = sync_channel(16);
        let (allow, allow_rx) = sync_channel(16);
        let (got_tx, got) = sync_channel(16);
        let gate = Arc::new(Gate::default());
        gate.open();
        let out = Slow { entered: entered_tx, allow: allow_rx, got: got_tx };
        let encoder = Encoder::new(Glyphs::Unicode, Depth::Ansi16);
        let clock = ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap());
        let screen = Screen::start(out, encoder, Arc::clone(&gate), clock).unwrap();
        Bench { screen, gate, entered, allow, got }
    }

    fn frame(text: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, Style::new());
        buffer
    }

    impl Bench {
        fn take(&self) -> String {
            self.allow.send(Ok(())).unwrap();
            String::from_utf8(self.got.recv().unwrap()).unwrap()
        }

        /// Blocks until the writer has ended and dropped its side.
        fn end(&self) {
            self.screen.close();
            assert!(self.entered.recv().is_err(), "no further write");
        }
    }

    #[test]
    fn one_write_per_frame_and_none_without_a_change() {
        let bench = bench();
        bench.screen.present(&frame("one"), None);
        bench.entered.recv().unwrap();
        assert!(bench.take().contains("one"));
        bench.screen.present(&frame("one"), None);
        bench.screen.present(&frame("one"), None);
        bench.end();
        let stats = bench.screen.stats();
        assert_eq!((stats.frames, stats.writes), (1, 1));
    }

    #[test]
    fn a_slow_terminal_gets_the_newest_frame_against_what_it_shows() {
        let bench = bench();
        bench.screen.present(&frame("aaaa"), None);
        bench.entered.recv().unwrap();
        // The terminal is stuck in the first frame; the UI goes on.
        bench.screen.present(&frame("bbbb"), None);
        bench.screen.present(&frame("aaac"), None);
        assert!(bench.take().contains("aaaa"));
        bench.entered.recv().unwrap();
        assert_eq!(bench.take(), "\x08c", "only what differs from `aaaa`");
        bench.end();
        assert_eq!(bench.screen.stats().dropped, 1);
    }

    #[test]
    fn a_repaint_sends_the_last_frame_again() {
        let bench = bench();
        bench.screen.present(&frame("hello"), Some((1, 1)));
        bench.entered.recv().unwrap();
        let first = bench.take();
        bench.screen.repaint();
        bench.entered.recv().unwrap();
        assert_eq!(bench.take(), first);
        bench.end();
    }

    #[test]
    fn nothing_is_written_while_the_terminal_is_not_ours() {
        let bench = bench();
        bench.gate.close(Duration::ZERO);
        bench.screen.present(&frame("hidden"), None);
        bench.end();
        assert_eq!(bench.screen.stats().writes, 0);
    }
}
