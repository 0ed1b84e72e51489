//! Talking to whoever runs the command: messages on standard error, questions only when a person can answer.

use std::io::{self, BufRead, IsTerminal, Write};

/// Standard error, and standard input for answers.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Whether standard input and standard error are terminals: a question then has somebody to answer it.
    pub interactive: bool,
}

impl Asker {
    /// The asker of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { interactive: io::stdin().is_terminal() && io::stderr().is_terminal() }
    }

    /// A message; lost when nobody holds the other end of standard error.
    pub fn say(self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Asks, and waits for a line. The end of the input is no answer.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn ask(self, question: &str) -> io::Result<String> {
        write!(io::stderr(), "{question} ")?;
        io::stderr().flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
