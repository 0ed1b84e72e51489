//! Gives the terminal back exactly once per entry, whichever path ends it first: quit, error, panic, signal,
//! hang-up or suspend (console-ux W-20 to W-26).
//!
//! There is one entry per process. `Guard` is its owner; [`restore`] is for paths that do not own it (the panic
//! hook, the watchdog). Restoring never waits longer than a few hundred milliseconds, not even for a terminal that
//! takes no output.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::termios::Termios;

use super::modes::{self, Tty};

/// How long the restore path waits for a frame in flight, and then for the terminal to take its bytes.
const PATIENCE: Duration = Duration::from_millis(200);

/// The entry in force, for paths that do not own it.
static CURRENT: Mutex<Option<Arc<Entry>>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Entry {
    tty: Tty,
    leave: Vec<u8>,
    /// The line discipline to go back to. Taken anew at each entry, since a shell may change it in between.
    saved: Mutex<Termios>,
    entered: AtomicBool,
    /// Held while the terminal is given back: who comes second may be about to end the process, and must find it done.
    restoring: Mutex<()>,
    gate: Arc<Gate>,
}

impl Entry {
    fn enter(&self, bytes: &[u8]) -> io::Result<()> {
        let found = self.tty.attributes()?;
        let mut raw = found.clone();
        raw.make_raw();
        *lock(&self.saved) = found;
        // Before anything is changed: a signal between the two still finds something to restore.
        self.entered.store(true, Ordering::SeqCst);
        self.tty.set_attributes(&raw)?;
        self.tty.write_or_give_up(bytes, PATIENCE)?;
        self.gate.open();
        Ok(())
    }

    /// Does nothing unless entered; of several calls the first restores and the others wait for it, at most as long as
    /// a stuck terminal takes to be given up.
    fn restore(&self) -> io::Result<()> {
        let _one_at_a_time = lock(&self.restoring);
        if !self.entered.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        self.gate.close(PATIENCE);
        let written = self.tty.write_or_give_up(&self.leave, PATIENCE);
        // Whatever became of the bytes: without echo a shell is unusable.
        self.tty.set_attributes(&lock(&self.saved))?;
        written
    }
}

/// Gives the terminal back if the console holds it. Safe from any thread and any path, as often as one likes.
///
/// # Errors
/// When the terminal is gone or takes no output; printing to it would block then.
pub fn restore() -> io::Result<()> {
    let entry = lock(&CURRENT).clone();
    entry.map_or(Ok(()), |entry| entry.restore())
}

/// The console has the terminal, or lent it to an editor or the shell: printing is not allowed.
pub(super) fn is_held() -> bool {
    lock(&CURRENT).is_some()
}

/// The owner of the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub(super) struct Guard(Arc<Entry>);

impl Guard {
    /// Saves the line discipline, sets raw mode, and enters the alternate screen.
    ///
    /// # Errors
    /// `AlreadyExists` when the process has entered already; otherwise what the terminal answered, after it was
    /// given back.
    pub fn enter(tty: Tty, alternate_screen: bool) -> io::Result<Self> {
        let entry = Arc::new(Entry {
            leave: modes::leave_bytes(alternate_screen),
            saved: Mutex::new(tty.attributes()?),
            entered: AtomicBool::new(false),
            restoring: Mutex::new(()),
            gate: Arc::default(),
            tty,
        });
        {
            let mut current = lock(&CURRENT);
            if current.is_some() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the terminal is in use by this process"));
            }
            *current = Some(Arc::clone(&entry));
        }
        let guard = Self(entry);
        guard.0.enter(modes::ENTER)?;
        Ok(guard)
    }

    /// The gate every frame has to pass.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.0.gate)
    }

    /// Gives the terminal back, for good or for a while: quit, suspend, external editor.
    ///
    /// # Errors
    /// As [`restore`].
    pub fn leave(&self) -> io::Result<()> {
        self.0.restore()
    }

    /// Takes the terminal again after [`Guard::leave`].
    ///
    /// # Errors
    /// What the terminal answered, for instance because it is gone.
    pub fn reenter(&self) -> io::Result<()> {
        self.0.enter(modes::ENTER)
    }

    /// Sets raw mode and the modes again while inside, for a console that was stopped from outside (`kill -STOP`)
    /// and whose shell has used the terminal since. What was saved at entry is kept.
    ///
    /// # Errors
    /// What the terminal answered.
    pub fn reassert(&self) -> io::Result<()> {
        let mut raw = self.0.tty.attributes()?;
        raw.make_raw();
        self.0.tty.set_attributes(&raw)?;
        self.0.tty.write_or_give_up(modes::REASSERT, PATIENCE)
    }

    /// Columns and rows of the terminal.
    pub fn size(&self) -> (u16, u16) {
        self.0.tty.size()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.0.restore();
        lock(&CURRENT).take();
    }
}

/// Keeps frames and the restore sequence apart: no frame is written after the terminal was given back, and the
/// restore sequence does not land inside a frame.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    writing: bool,
}

impl Gate {
    /// Permission to write one frame; `None` while the terminal is not ours.
    pub fn pass(&self) -> Option<Permit<'_>> {
        let mut state = lock(&self.state);
        state.open.then(|| {
            state.writing = true;
            Permit(self)
        })
    }

    pub(super) fn open(&self) {
        lock(&self.state).open = true;
    }

    /// Refuses frames from now on and waits for the one in flight, at most `patience`: a writer that is stuck in a
    /// stopped terminal must not hold the exit.
    pub(super) fn close(&self, patience: Duration) {
        let mut state = lock(&self.state);
        state.open = false;
        let waited = self.idle.wait_timeout_while(state, patience, |state| state.writing);
        drop(waited);
    }
}

/// One frame's permission; ends when dropped, by a panic too.
#[derive(Debug)]
pub(super) struct Permit<'gate>(&'gate Gate);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).writing = false;
        self.0.idle.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_gate_lets_no_frame_through() {
        let gate = Gate::default();
        assert!(gate.pass().is_none(), "closed before the terminal is entered");
        gate.open();
        drop(gate.pass().unwrap());
        gate.close(PATIENCE);
        assert!(gate.pass().is_none());
        gate.open();
        assert!(gate.pass().is_some(), "and open again after a suspend");
    }

    #[test]
    fn closing_does_not_wait_for_ever_for_a_stuck_writer() {
        let gate = Gate::default();
        gate.open();
        let stuck = gate.pass().unwrap();
        gate.close(Duration::from_millis(1));
        drop(stuck);
        assert!(gate.pass().is_none());
    }

    #[test]
    fn restoring_what_was_never_entered_does_nothing() {
        assert!(restore().is_ok());
        assert!(!is_held());
    }
}
