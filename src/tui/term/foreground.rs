//! A program of somebody else, such as an editor, in the foreground of our terminal (console-ux W-27): in a process
//! group of its own, so that its Ctrl-C, its Ctrl-\ and its end are not ours.
//!
//! As a shell does for a job: the group gets the terminal, and we get it back however the program ends. When it is
//! stopped (Ctrl-Z) the whole job stops with it, since our shell would otherwise wait for us and we for it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpgrp, kill_process_group, waitpid};

use super::modes::Tty;
use super::suspend;

/// Runs a program with the terminal as its input until it ends. The terminal has to be in the state the program
/// expects: [`super::Term::outside`].
///
/// # Errors
/// When the program cannot be started, the terminal cannot be given to it, or the system loses sight of it.
pub fn run(command: &mut Command) -> io::Result<ExitStatus> {
    let tty = Tty::open()?;
    // Where our own input is something else, keys come from the controlling terminal, for the program as for us.
    command.stdin(tty.keys()?);
    if !tty.has_foreground() {
        return command.status();
    }
    let child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let ended = attend(&tty, group);
    let back = tty.give_to(getpgrp());
    ended.and_then(|ended| back.map(|()| ended))
}

/// Waits for the end of the group's leader, with a rest for each time it is stopped.
fn attend(tty: &Tty, group: Pid) -> io::Result<ExitStatus> {
    loop {
        if let Err(error) = tty.give_to(group) {
            // Without the terminal it could only be stopped for reaching for it, again and again. One that ended
            // before it got the terminal has no group any more, and its end is all there is to tell.
            let _ = kill_process_group(group, Signal::HUP);
            let _ = kill_process_group(group, Signal::CONT);
            let status = next_change(group)?;
            return if status.exited() { Ok(exit_status(status)) } else { Err(error) };
        }
        // It may have reached for the terminal before it was given, and have been stopped for that.
        // That it has ended meanwhile is seen below.
        let _ = kill_process_group(group, Signal::CONT);
        let status = next_change(group)?;
        let Some(by) = status.stopping_signal() else { return Ok(exit_status(status)) };
        // One that was stopped for reaching for the terminal only wants it. Where no shell could continue us, a
        // Ctrl-Z must not freeze the terminal: the program goes on at once.
        if [Signal::TSTP, Signal::STOP].map(Signal::as_raw).contains(&by) && suspend::allowed().is_ok() {
            tty.give_to(getpgrp())?;
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
