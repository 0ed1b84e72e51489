//! Signals, from a thread of their own so that a stuck UI or runtime cannot swallow them (console-ux W-23).
//!
//! The first request to end is delivered to the UI, which has [`GRACE`] to flush and leave; then, or at a second
//! one, the terminal is given back and the process ends on the spot. The handlers stay for the life of the process:
//! after the console has left the terminal they still bound how long its last flush may take.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::kill_current_process_group;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level;
use tokio::sync::mpsc;

use super::{guard, suspend};

/// How long the console may take to end after the first request.
pub const GRACE: Duration = Duration::from_secs(2);

/// More than the kinds of signals; a UI that leaves sixteen unread is stuck and the watchdog's business.
const CAPACITY: usize = 16;

/// What the world outside asks of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGTERM: stop accepting writes, flush, leave.
    Terminate,
    /// The terminal is gone: SIGHUP, a hung-up descriptor, or a write that failed. As [`Signal::Terminate`].
    Hangup,
    /// SIGINT from outside; Ctrl-C arrives as a key.
    Interrupt,
    /// SIGQUIT: leave, and write a crash report with the state of the tasks.
    Quit,
    /// SIGTSTP: somebody wants the console suspended.
    Suspend,
    /// SIGCONT: the console runs again; reclaim the terminal and repaint.
    Continue,
    /// SIGWINCH: read the size again.
    Resize,
}

impl Signal {
    const ALL: [(Signal, i32); 7] = [
        (Self::Terminate, SIGTERM),
        (Self::Hangup, SIGHUP),
        (Self::Interrupt, SIGINT),
        (Self::Quit, SIGQUIT),
        (Self::Suspend, SIGTSTP),
        (Self::Continue, SIGCONT),
        (Self::Resize, SIGWINCH),
    ];

    /// The exit code of a process this signal ends: 143, 129, 130 or 131; `None` for signals that do not end it.
    #[must_use]
    pub fn exit_code(self) -> Option<u8> {
        match self {
            Self::Terminate => Some(143),
            Self::Hangup => Some(129),
            Self::Interrupt => Some(130),
            Self::Quit => Some(131),
            Self::Suspend | Self::Continue | Self::Resize => None,
        }
    }
}

/// Where signals go; replaced when the terminal is entered again.
static LISTENER: Mutex<Option<mpsc::Sender<Signal>>> = Mutex::new(None);
static INSTALLED: Mutex<bool> = Mutex::new(false);
/// A program we started has the terminal.
static LENT: AtomicBool = AtomicBool::new(false);
/// How many programs had the terminal a moment ago: their Ctrl-C may still be under way.
static DEAF: AtomicU32 = AtomicU32::new(0);
static ENDING: AtomicBool = AtomicBool::new(false);
/// How often the process was continued.
static CONTINUED: Mutex<u64> = Mutex::new(0);
static CONTINUING: Condvar = Condvar::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to listen, replacing an earlier listener. The handlers are installed once per process.
///
/// # Errors
/// When a handler or its thread cannot be installed.
pub(super) fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    *lock(&LISTENER) = Some(sender);
    let mut installed = lock(&INSTALLED);
    if !*installed {
        let pipes = Signal::ALL
            .into_iter()
            .map(|(signal, number)| {
                let (wake, handler_end) = UnixStream::pair()?;
                wake.set_nonblocking(true)?;
                low_level::pipe::register(number, handler_end)?;
                Ok((signal, wake))
            })
            .collect::<io::Result<Vec<_>>>()?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || dispatch(&pipes))?;
        *installed = true;
    }
    Ok(receiver)
}

/// A program we started gets the terminal, with a process group of its own in the foreground. A Ctrl-C or Ctrl-\ meant
/// for it can still reach us in the moment between its end and our raw mode, and is ignored; SIGTSTP, which then
/// comes from elsewhere, stops the whole job at once, since the UI is waiting for the program.
pub(super) fn lend() {
    DEAF.fetch_add(1, Ordering::SeqCst);
    LENT.store(true, Ordering::SeqCst);
}

/// The program has ended. The Ctrl-C that ended it may reach us after it, so Ctrl-C is ignored until
/// [`listen_again`].
pub(super) fn take_back() {
    LENT.store(false, Ordering::SeqCst);
}

/// Ends what [`lend`] began; call it a moment after [`take_back`].
pub(super) fn listen_again() {
    DEAF.fetch_sub(1, Ordering::SeqCst);
}

/// Waits for handlers to write to their pipes; the only thing a handler may do.
fn dispatch(pipes: &[(Signal, UnixStream)]) {
    let mut fds: Vec<_> = pipes.iter().map(|(_, wake)| PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN)).collect();
    loop {
        // EINTR and everything else mean: look again.
        let _ = poll(&mut fds, None);
        for (signal, wake) in pipes {
            let count = pending(wake);
            if count > 0 {
                deliver(*signal);
            }
            // Two of a kind that came while nobody looked are still two.
            if count > 1 && signal.exit_code().is_some() {
                deliver(*signal);
            }
        }
    }
}

/// Takes the bytes a handler left; one per signal.
fn pending(mut wake: &UnixStream) -> usize {
    let mut bytes = [0; 64];
    wake.read(&mut bytes).unwrap_or(0)
}

/// How often the process was continued so far.
pub(super) fn continued() -> u64 {
    *lock(&CONTINUED)
}

/// Blocks until the process was continued more often than `before`.
pub(super) fn wait_for_continue(before: u64) {
    let count = CONTINUING.wait_while(lock(&CONTINUED), |count| *count <= before);
    drop(count);
}

/// Hands a signal to the UI and, when it asks for the end, makes sure that the end comes.
pub(super) fn deliver(signal: Signal) {
    if signal == Signal::Continue {
        *lock(&CONTINUED) += 1;
        CONTINUING.notify_all();
    }
    let meant_for_another = match signal {
        Signal::Interrupt | Signal::Quit => DEAF.load(Ordering::SeqCst) > 0,
        Signal::Suspend => LENT.load(Ordering::SeqCst),
        Signal::Terminate | Signal::Hangup | Signal::Continue | Signal::Resize => false,
    };
    if meant_for_another {
        if signal == Signal::Suspend && suspend::allowed().is_ok() {
            // When it fails nothing has happened, and the program still has the terminal.
            let _ = kill_current_process_group(rustix::process::Signal::STOP);
        }
        return;
    }
    if let Some(listener) = lock(&LISTENER).as_ref() {
        // A UI that is stuck, or already leaving, is the watchdog's business.
        let _ = listener.try_send(signal);
    }
    let Some(code) = signal.exit_code() else { return };
    let asked_before = ENDING.swap(true, Ordering::SeqCst);
    if !asked_before {
        start_watchdog(code);
    } else if is_impatient(signal) {
        end(code);
    }
}

/// A second request from a person does not wait. A hang-up that follows another request does: one closed window is
/// reported twice, as SIGHUP and by the descriptor.
fn is_impatient(signal: Signal) -> bool {
    signal.exit_code().is_some() && signal != Signal::Hangup
}

fn start_watchdog(code: u8) {
    // A channel nobody sends on: waiting for it is a timer that needs no runtime.
    let (keep, never): (_, Receiver<()>) = sync_channel(0);
    let started = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        let _keep = keep;
        if never.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            end(code);
        }
    });
    if started.is_err() {
        end(code);
    }
}

/// Gives the terminal back and ends the process without running anything else: a thread inside crossterm's reader
/// cannot be stopped, and destructors may wait for it.
fn end(code: u8) -> ! {
    // The process ends whatever the terminal says.
    let _ = guard::restore();
    low_level::exit(i32::from(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_shell() {
        for (signal, number) in Signal::ALL {
            match signal.exit_code() {
                Some(code) => assert_eq!(i32::from(code), 128 + number, "{signal:?}"),
                None => assert!([SIGTSTP, SIGCONT, SIGWINCH].contains(&number), "{signal:?}"),
            }
        }
    }

    #[test]
    fn only_people_are_impatient() {
        for (signal, impatient) in [
            (Signal::Terminate, true),
            (Signal::Interrupt, true),
            (Signal::Quit, true),
            (Signal::Hangup, false),
            (Signal::Resize, false),
        ] {
            assert_eq!(is_impatient(signal), impatient, "{signal:?}");
        }
    }
}
