//! Panics: one hook for the process (console-ux W-25).
//!
//! A panic on the UI thread gives the terminal back, then prints. A panic on any other thread is an error of that
//! task: its report is kept for the UI to show, and the screen stays. The one exception is the writer thread,
//! without which nothing can be shown any more. Every report goes to a file, readable by the owner only.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::domain::text::Shown;
use crate::domain::time::SharedClock;

use super::guard;
use super::signals::{self, Signal};

/// Reports kept for the UI. When panics come faster than anybody reads, the oldest go first; all are in files.
const KEPT: usize = 16;

static REPORTS: Mutex<VecDeque<PanicReport>> = Mutex::new(VecDeque::new());
static SERIAL: AtomicU32 = AtomicU32::new(1);

/// What a thread is to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It owns the screen.
    Ui,
    /// It writes frames.
    Writer,
    /// Anything else: runtime workers, helpers.
    Other,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Other) };
}

/// Declares what the current thread is.
pub(super) fn set_role(role: Role) {
    ROLE.set(role);
}

/// One panic. All texts are sanitised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanicReport {
    /// What the panic said.
    pub message: Shown,
    /// `file:line:column`.
    pub location: Shown,
    /// The thread's name.
    pub thread: Shown,
    /// Where the full report with its backtrace was written; `None` when it could not be, or no directory is set.
    pub file: Option<PathBuf>,
}

impl std::fmt::Display for PanicReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "internal error in thread `{}` at {}: {}", self.thread, self.location, self.message)?;
        match &self.file {
            Some(path) => write!(f, "; the report is in {}", Shown::sanitise(&path.to_string_lossy())),
            None => write!(f, "; no report file was written"),
        }
    }
}

/// Installs the hook; once, by the composition root, before the terminal is entered. Reports are written to
/// `directory` (made with mode 0700) and stamped by `clock`.
pub fn install_panic_hook(directory: Option<PathBuf>, clock: SharedClock) {
    panic::set_hook(Box::new(move |info| {
        let report = record(info, directory.as_deref(), &clock);
        match ROLE.get() {
            Role::Ui => give_back_and_print(&report),
            Role::Writer => {
                give_back_and_print(&report);
                signals::deliver(Signal::Hangup);
            }
            Role::Other if guard::is_held() => keep(report),
            // The command line, or the console before it has the terminal and after.
            Role::Other => give_back_and_print(&report),
        }
    }));
}

/// Takes the reports of panics outside the UI thread, oldest first. The UI looks after each wake-up; what is left
/// when the terminal has been given back is for the composition root to print.
#[must_use]
pub fn take_reports() -> Vec<PanicReport> {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// Writes a crash report that is no panic, for instance the state of tasks at SIGQUIT. Returns the file's path.
///
/// # Errors
/// What the file system answered.
pub fn write_report(directory: &Path, text: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let pid = std::process::id();
    loop {
        let path = directory.join(format!("crash-{pid}-{}.txt", SERIAL.fetch_add(1, Ordering::Relaxed)));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            // An earlier process had our id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn record(info: &PanicHookInfo<'_>, directory: Option<&Path>, clock: &SharedClock) -> PanicReport {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    let thread = std::thread::current();
    let mut report = PanicReport {
        message: Shown::sanitise(message),
        location: Shown::sanitise(&info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)),
        thread: Shown::sanitise(thread.name().unwrap_or("unnamed")),
        file: None,
    };
    report.file = directory.and_then(|directory| {
        let text = format!(
            "edgedeck {} {}\nthread {}\n{}\n{}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            clock.now().wall,
            report.thread,
            report.location,
            report.message,
            Backtrace::force_capture(),
        );
        write_report(directory, &text).ok()
    });
    report
}

fn give_back_and_print(report: &PanicReport) {
    // A terminal that takes no output would hold the exit; the report's file tells the same.
    if guard::restore().is_ok() {
        let _ = writeln!(io::stderr(), "edgedeck: {report}");
    }
}

fn keep(report: PanicReport) {
    let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
    if reports.len() == KEPT {
        reports.pop_front();
    }
    reports.push_back(report);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn reports_are_private_and_never_overwrite_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("state");
        let first = write_report(&place, "one").unwrap();
        let second = write_report(&place, "two").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "one");
        assert_eq!(first.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_report_says_what_where_and_what_to_read() {
        let report = PanicReport {
            message: Shown::sanitise("bad \u{1b}[2J"),
            location: Shown::sanitise("src/x.rs:1:2"),
            thread: Shown::sanitise("poller"),
            file: Some(PathBuf::from("/tmp/crash-1-1.txt")),
        };
        assert_eq!(
            report.to_string(),
            "internal error in thread `poller` at src/x.rs:1:2: bad ^[[2J; the report is in /tmp/crash-1-1.txt"
        );
    }
}
