//! The terminal: what it can do, entering and leaving it, frames to it, keys and signals from it.
//!
//! The order of a life:
//!
//! 1. [`caps::Caps::decide`], before a byte is sent; it may refuse.
//! 2. [`crash::install_panic_hook`], so that a panic from here on gives the terminal back.
//! 3. [`Term::enter`], when configuration, log file and first data exist.
//! 4. The loop: wait for [`Term::input`] and [`Term::signals`], update, draw into a buffer of [`Term::size`],
//!    [`Term::present`]. Nothing in it waits for the terminal.
//! 5. [`Term::leave`], or a drop: what was printed before is on the screen again. Then print, then exit.
//!
//! Signals, panics and a lost link end the same way without the loop's help; see `guard` and `signals`.
//!
//! ```text
//! UI ──present──► one slot ──► writer thread ──gate──► terminal
//! UI ◄──input (256)── reading task ◄──────────────────── terminal
//! UI ◄──signals (16)── signal thread, hang-up thread ──2 s──► restore, _exit
//! ```

pub mod caps;
pub mod crash;
pub mod encode;
mod escape;
pub mod foreground;
mod glyphs;
pub mod guard;
mod hangup;
pub mod input;
mod modes;
mod pen;
pub mod signals;
mod suspend;
pub mod writer;

use std::io;
use std::time::Duration;

use ratatui::buffer::Buffer;
use tokio::sync::mpsc;

use crate::domain::time::SharedClock;

use caps::Caps;
use crash::Role;
use encode::Encoder;
use guard::Guard;
use input::{Input, InputEvent};
use modes::Tty;
use signals::Signal;
use writer::Screen;

/// How long after a program's end its Ctrl-C may still arrive here, on a busy machine.
const LATE_SIGNALS: Duration = Duration::from_millis(250);

/// How the terminal is entered.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the terminal can do.
    pub caps: Caps,
    /// How long an Esc is held to see whether a sequence follows: 25 ms, 50 ms over SSH.
    pub escape_hold: Duration,
    /// Measures how long frames take to drain.
    pub clock: SharedClock,
}

/// The terminal while the console has it. One per process; made and used on the UI thread.
#[derive(Debug)]
pub struct Term {
    /// What the operator does. Falls silent when the terminal fails, which [`Signal::Hangup`] reports.
    pub input: mpsc::Receiver<InputEvent>,
    /// What the world outside asks.
    pub signals: mpsc::Receiver<Signal>,
    screen: Screen,
    reader: Input,
    guard: Guard,
}

impl Term {
    /// Takes the terminal: raw mode, alternate screen, hidden cursor, bracketed paste; starts the writer, the
    /// reader and the watchers. The calling thread becomes the UI thread: its panic ends the console, that of any
    /// other thread does not. Needs a tokio runtime; run the loop in its `block_on`, since a spawned task may move
    /// to another thread.
    ///
    /// # Errors
    /// What the terminal or the system answered; the terminal is as it was then.
    pub fn enter(options: Options) -> io::Result<Self> {
        let Options { caps, escape_hold, clock } = options;
        let tty = Tty::open()?;
        let (drawing, watched) = (tty.try_clone()?, tty.try_clone()?);
        // First, so that a signal that comes half-way through finds its handler.
        let signals = signals::listen()?;
        let guard = Guard::enter(tty, caps.alternate_screen)?;
        // crossterm decodes LF as Enter or as Ctrl-J by what it believes the mode to be. It finds raw mode set
        // already, and is never asked to undo it.
        crossterm::terminal::enable_raw_mode()?;
        let screen = Screen::start(drawing, Encoder::new(caps.glyphs, caps.color), guard.gate(), clock)?;
        hangup::watch(watched)?;
        crash::set_role(Role::Ui);
        let (reader, input) = Input::start(escape_hold);
        Ok(Self { input, signals, screen, reader, guard })
    }

    /// Where frames go; for those who only read its figures.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Hands a frame to the writer; see [`Screen::present`].
    pub fn present(&self, frame: &Buffer, cursor: Option<(u16, u16)>) {
        self.screen.present(frame, cursor);
    }

    /// Columns and rows of the terminal now, 80 by 24 when it does not tell. Read it once per frame.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.guard.size()
    }

    /// Takes the terminal back from whoever used it while the console was stopped from outside; call it at
    /// [`Signal::Continue`]. Everything is painted anew. A terminal that cannot be taken back is gone: the kernel
    /// sends SIGCONT with the SIGHUP of a hang-up, and either may be seen first.
    pub fn reclaim(&self) {
        match self.guard.reassert() {
            Ok(()) => self.screen.repaint(),
            Err(_) => signals::deliver(Signal::Hangup),
        }
    }

    /// Gives the terminal to the shell until the job is continued, then paints everything anew. Whether that is
    /// acceptable now (gates, writes in flight) is the caller's decision.
    ///
    /// # Errors
    /// A refusal when no shell could continue the process; otherwise what the terminal answered.
    pub async fn suspend(&mut self) -> io::Result<()> {
        suspend::allowed()?;
        self.step_aside(suspend::stop).await?
    }

    /// Gives the terminal to `run`, for instance to start an external editor with [`foreground::run`], and takes it
    /// back however that ended. SIGTERM and a hang-up still end the console meanwhile.
    ///
    /// # Errors
    /// When the terminal took no output, and `run` was not run; or when it could not be taken back.
    pub async fn outside<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        signals::lend();
        let outcome = self.step_aside(run).await;
        signals::take_back();
        tokio::spawn(async {
            tokio::time::sleep(LATE_SIGNALS).await;
            signals::listen_again();
        });
        outcome
    }

    async fn step_aside<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        self.reader.pause().await;
        let outcome = self.guard.leave().map(|()| run());
        self.guard.reenter()?;
        self.reader.resume();
        self.screen.repaint();
        outcome
    }

    /// Gives the terminal back. Ends within half a second even when the terminal takes no output.
    ///
    /// # Errors
    /// When the terminal is gone or takes no output. Do not print then: it would block.
    pub async fn leave(mut self) -> io::Result<()> {
        self.reader.pause().await;
        self.guard.leave()
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.screen.close();
        crash::set_role(Role::Other);
    }
}
