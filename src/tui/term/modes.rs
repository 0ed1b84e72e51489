//! The terminal itself: its descriptor, its line discipline, and the byte strings that enter and leave the console
//! (console-ux W-20, W-21). What has been set and whether it still has to be undone is `guard`'s business.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, tcsetpgrp};

use super::caps::usable_size;

/// Alternate screen, hidden cursor, bracketed paste.
pub(super) const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";

/// What may have been lost while somebody else used the terminal, without a second `?1049h`: on the alternate
/// screen it would overwrite the cursor position saved for the shell.
pub(super) const REASSERT: &[u8] = b"\x1b[?25l\x1b[?2004h";

/// Everything undone, set or not, in reversed order: synchronised output, mouse, focus, paste, SGR, wrap, cursor.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1004l\x1b[?2004l\
\x1b[0m\x1b[?7h\x1b[?25h";

const LEAVE_ALTERNATE_SCREEN: &[u8] = b"\x1b[?1049l";
const CLEAR_AND_HOME: &[u8] = b"\x1b[2J\x1b[H";

/// The bytes that give the terminal back.
#[must_use]
pub(super) fn leave_bytes(alternate_screen: bool) -> Vec<u8> {
    let last: &[u8] = if alternate_screen { b"" } else { CLEAR_AND_HOME };
    [LEAVE, LEAVE_ALTERNATE_SCREEN, last].concat()
}

/// The terminal the console draws on and reads keys from.
#[derive(Debug)]
pub(super) struct Tty {
    /// A duplicate of standard output; drawing goes here.
    out: OwnedFd,
    /// Where keys come from, the same device crossterm reads: standard input, or `/dev/tty`.
    keys: OwnedFd,
}

impl Tty {
    /// Takes standard output and the source of keys.
    ///
    /// # Errors
    /// When a descriptor cannot be duplicated, or neither standard input nor `/dev/tty` is a terminal.
    pub fn open() -> io::Result<Self> {
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        let stdin = io::stdin();
        let keys = if stdin.is_terminal() {
            stdin.as_fd().try_clone_to_owned()?
        } else {
            OpenOptions::new().read(true).write(true).open("/dev/tty")?.into()
        };
        Ok(Self { out, keys })
    }

    /// A second handle on the same terminal.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { out: self.out.try_clone()?, keys: self.keys.try_clone()? })
    }

    /// Where keys come from, for a program that gets the terminal.
    pub fn keys(&self) -> io::Result<OwnedFd> {
        self.keys.try_clone()
    }

    /// Whether it is our session's terminal: only there some group is in the foreground, and the others are stopped
    /// when they reach for it.
    pub fn has_foreground(&self) -> bool {
        tcgetpgrp(&self.keys).is_ok()
    }

    /// Puts a process group into the foreground. From the background the system stops whoever asks for it, unless the
    /// signal is blocked.
    pub fn give_to(&self, group: Pid) -> io::Result<()> {
        let mut block = SigSet::empty();
        block.add(Signal::SIGTTOU);
        block.thread_block()?;
        let given = tcsetpgrp(&self.keys, group);
        block.thread_unblock()?;
        Ok(given?)
    }

    /// The line discipline as it is now.
    pub fn attributes(&self) -> io::Result<Termios> {
        Ok(tcgetattr(&self.keys)?)
    }

    /// Sets the line discipline at once, without waiting for output that may never drain. In the background the
    /// kernel stops the process here until it is brought to the foreground.
    pub fn set_attributes(&self, termios: &Termios) -> io::Result<()> {
        loop {
            match tcsetattr(&self.keys, OptionalActions::Now, termios) {
                Err(Errno::INTR) => {}
                done => return Ok(done?),
            }
        }
    }

    /// Columns and rows; 80 by 24 when the terminal does not tell.
    pub fn size(&self) -> (u16, u16) {
        usable_size(tcgetwinsize(&self.out).ok().map(|size| (size.ws_col, size.ws_row)))
    }

    /// Writes all of `bytes` unless the terminal takes nothing for `patience`. For the restore path, which must end
    /// even when the terminal is stopped or its link is dead.
    pub fn write_or_give_up(&self, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
        while !bytes.is_empty() {
            if !ready(self.out.as_fd(), PollFlags::OUT, Some(patience))?.contains(PollFlags::OUT) {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the terminal takes no output"));
            }
            match rustix::io::write(&self.out, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Blocks until the terminal has hung up. An empty event mask still reports hang-up and error, and never wakes
    /// for input (console-ux W-24).
    pub fn wait_for_hangup(&self) -> io::Result<()> {
        while ready(self.keys.as_fd(), PollFlags::empty(), None)?.is_empty() {}
        Ok(())
    }
}

/// Drawing: waits in the kernel when the terminal is slow, which only the writer thread may do.
impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.out, bytes) {
                // Somebody who shares the terminal made it non-blocking.
                Err(Errno::AGAIN) => {
                    ready(self.out.as_fd(), PollFlags::OUT, None)?;
                }
                done => return Ok(done?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Polls one descriptor; an empty answer means `patience` ran out or a signal came.
fn ready(fd: BorrowedFd<'_>, events: PollFlags, patience: Option<Duration>) -> io::Result<PollFlags> {
    let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut fds = [PollFd::from_borrowed_fd(fd, events)];
    loop {
        match poll(&mut fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(fds.iter().fold(PollFlags::empty(), |all, fd| all | fd.revents())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_all_that_entering_set() {
        let leave = leave_bytes(true);
        let leave = String::from_utf8(leave).unwrap();
        for undone in ["?2004l", "?25h", "?1049l", "?1000l", "?1004l", "?2026l", "[0m", "?7h"] {
            assert!(leave.contains(undone), "{undone}");
        }
        assert!(leave.ends_with("\x1b[?1049l"), "the alternate screen is left last");
        assert!(leave_bytes(false).ends_with(b"\x1b[2J\x1b[H"), "no alternate screen: clear and home");
    }
}
