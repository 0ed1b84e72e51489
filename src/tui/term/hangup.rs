//! The link is gone: noticed by a thread that watches the terminal itself, because crossterm's reader does not say
//! so; it spins (console-ux W-24). SIGHUP may be ignored (`nohup`) or never sent (`setsid`).

use std::io;

use super::modes::Tty;
use super::signals::{self, Signal};

/// Watches `tty` for the life of the process; delivers [`Signal::Hangup`] once, which also starts the two-second
/// watchdog.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn watch(tty: Tty) -> io::Result<()> {
    std::thread::Builder::new().name("hangup".to_owned()).spawn(move || {
        // A terminal that cannot be polled is as good as gone.
        let _ = tty.wait_for_hangup();
        signals::deliver(Signal::Hangup);
    })?;
    Ok(())
}
