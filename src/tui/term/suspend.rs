//! Whether and how the process stops for the shell (console-ux W-26). Leaving and re-entering the terminal around
//! it is the façade's work, refusing while writes are in flight the UI's.

use std::io;

use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};

use super::signals;

/// Refuses when no shell would ever continue the process: only a shell with job control gives a process group of
/// its own to a job. Without one (`ssh -t host edgedeck`, a terminal's own command, a script under either) stopping
/// would freeze the terminal for good.
///
/// # Errors
/// The refusal, as a sentence for the operator.
pub(super) fn allowed() -> io::Result<()> {
    if getpgrp() != getsid(None)? {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "not suspended: edgedeck was not started by a shell that could continue it; open a second session instead",
    ))
}

/// Stops the whole job as SIGTSTP does by default; returns when it is continued. SIGSTOP, since our own handler
/// takes SIGTSTP; the group, since a script that waits for us has to stop as well or the shell waits on.
///
/// # Errors
/// What raising the signal answered.
pub(super) fn stop() -> io::Result<()> {
    let before = signals::continued();
    kill_current_process_group(Signal::STOP)?;
    // In a process with several threads the call may return before the stop arrives; going on then would take the
    // terminal from the shell. The stop is certain, and only SIGCONT ends it.
    signals::wait_for_continue(before);
    Ok(())
}
