//! What a test starts: program, arguments, environment, size and home, as a value that can be started more than once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::harness::Pty;

/// A program to start, and the terminal it gets. Its environment holds a usual terminal, a home of its own, and what is
/// added here; nothing of the test's.
#[derive(Clone)]
pub struct Launch {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    size: (u16, u16),
    home: Arc<tempfile::TempDir>,
}

impl Launch {
    /// `program` in a terminal of 80 by 24.
    pub fn new(program: &Path) -> Self {
        let home = Arc::new(tempfile::tempdir().expect("a home for the program"));
        let place = home.path().to_str().expect("a path in UTF-8").to_owned();
        let launch = Self { program: program.to_owned(), args: Vec::new(), env: Vec::new(), size: (80, 24), home };
        // Temporary files go into the home too, so that nothing outlives a program that was killed.
        launch
            .env("HOME", &place)
            .env("TMPDIR", &place)
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("LANG", "C.UTF-8")
    }

    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets a variable; an empty value takes it away.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.env.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets columns and rows.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// The home the program gets; it lives as long as the last launch or terminal that uses it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program, its arguments and its environment, for a run without a terminal.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir(self.home());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same as a job of a shell that says what became of it and continues it after a line.
    pub fn in_shell(&self) -> Self {
        let script = "set -m; \"$@\"; echo \"shell: stopped $?\"; read -r line; fg; echo \"shell: ended $?\"";
        self.through(script)
    }

    /// The same with standard input from elsewhere: keys then come from the controlling terminal.
    pub fn with_other_input(&self) -> Self {
        self.through("\"$@\" < /dev/null; exit $?")
    }

    /// The same in a session without a controlling terminal, where no SIGHUP ever comes.
    pub fn detached(&self) -> Self {
        self.through("trap '' HUP; setsid --wait \"$@\"; exit $?")
    }

    fn through(&self, script: &str) -> Self {
        let mut args = vec!["-c".to_owned(), script.to_owned(), "bash".to_owned()];
        args.push(self.program.to_str().expect("a path in UTF-8").to_owned());
        args.extend(self.args.iter().cloned());
        Self { program: "/bin/bash".into(), args, ..self.clone() }
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.args
    }

    /// Its environment, all of it.
    pub fn environment(&self) -> &[(String, String)] {
        &self.env
    }

    /// Columns and rows.
    pub fn terminal_size(&self) -> (u16, u16) {
        self.size
    }

    /// The home, to be kept while a terminal uses it.
    pub fn shared_home(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.home)
    }

    /// Starts it.
    pub fn start(&self) -> Pty {
        Pty::start(self)
    }
}
