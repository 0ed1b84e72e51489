//! A program of somebody else, such as an editor, in the foreground of our terminal (console-ux W-27): in a process
//! group of its own, so that its Ctrl-C, its Ctrl-\ and its end are not ours.
//!
//! As a shell does for a job: the group gets the terminal, and we get it back however the program ends. When it is
//! stopped (Ctrl-Z) the whole job stops with it, since our shell would otherwise wait for us and we for it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal as NixSignal};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpgrp, kill_process_group, waitpid};
use rustix::termios::tcsetpgrp;

use super::suspend;

/// Runs a program with the terminal until it ends. The terminal has to be given back to it first:
/// [`super::Term::outside`].
///
/// # Errors
/// When it cannot be started, or the system loses sight of it.
pub fn run(command: &mut Command) -> io::Result<ExitStatus> {
    let child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let ended = attend(group);
    give_terminal(getpgrp());
    ended
}

/// Waits for the end of the group's leader, with a rest for each time it is stopped.
fn attend(group: Pid) -> io::Result<ExitStatus> {
    loop {
        give_terminal(group);
        // It may have reached for the terminal before it was given, and have been stopped for that.
        // That it has ended meanwhile is seen below.
        let _ = kill_process_group(group, Signal::CONT);
        let status = next_change(group)?;
        let Some(by) = status.stopping_signal() else { return Ok(exit_status(status)) };
        // One that was stopped for reaching for the terminal only wants it. Where no shell could continue us, a
        // Ctrl-Z must not freeze the terminal: the program goes on at once.
        if [Signal::TSTP, Signal::STOP].map(Signal::as_raw).contains(&by) && suspend::allowed().is_ok() {
            give_terminal(getpgrp());
            suspend::stop()?;
        }
    }
}

/// The next end or stop of the group's leader.
fn next_change(leader: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(leader), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn exit_status(status: WaitStatus) -> ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(status.as_raw())
}

/// Puts a group into the foreground. From the background, where we are while the program has the terminal, the
/// system would stop us for it unless the signal is blocked.
fn give_terminal(group: Pid) {
    let mut block = SigSet::empty();
    block.add(NixSignal::SIGTTOU);
    let blocked = block.thread_block();
    // Without a terminal there is none to fight for; a terminal that has gone is reported by the hang-up.
    let _ = tcsetpgrp(rustix::stdio::stdin(), group);
    if blocked.is_ok() {
        let _ = block.thread_unblock();
    }
}
