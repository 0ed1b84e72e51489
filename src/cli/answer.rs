//! What a subcommand gives back: an answer in both forms, or a failure with its exit code; and how either is printed.

use std::fmt;
use std::io::{self, Write};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Exit;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::json::pretty;
use crate::domain::secret::mask_json;
use crate::domain::time::HubTime;

/// The version of the JSON that commands print; changes within it only add members.
const API_VERSION: &str = "edgedeck/v1";

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people; may change between versions
    #[default]
    #[value(alias = "text")]
    Table,
    /// For programs; one object with a stable shape
    Json,
}

/// What a subcommand found or did, in both forms: which one is printed is not its business.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the items are: `DeviceList`, `Twin`.
    pub kind: &'static str,
    /// When it was read, at the latest.
    pub as_of: Timestamp,
    /// The items for programs; secrets are masked when they are printed.
    pub items: Vec<Value>,
    /// Whether secrets were asked for and stay as they are.
    pub revealed: bool,
    /// Finished, sanitised lines for people.
    pub table: String,
    /// Whether everything was printed while it ran, and nothing is left to print.
    pub streamed: bool,
    /// How the run ends.
    pub exit: Exit,
}

impl Answer {
    /// A successful answer.
    #[must_use]
    pub fn new(kind: &'static str, as_of: Timestamp, items: Vec<Value>, table: String) -> Self {
        Self { kind, as_of, items, revealed: false, table, streamed: false, exit: Exit::Success }
    }

    /// The text for standard output.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        match format {
            _ if self.streamed => String::new(),
            Format::Table => self.table.clone(),
            Format::Json => {
                let mut items = Value::Array(self.items.clone());
                if !self.revealed {
                    mask_json(&mut items);
                }
                let as_of = instant(self.as_of);
                let envelope = json!({ "apiVersion": API_VERSION, "kind": self.kind, "asOf": as_of, "items": items });
                let mut text = pretty(&envelope);
                text.push('\n');
                text
            }
        }
    }
}

/// Why a subcommand did not do what it was asked, in words for standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the run ends.
    pub exit: Exit,
    /// What happened, to what, why, and what to do next; sanitised, lines may follow.
    pub text: String,
}

impl Failure {
    /// A failure with our own words.
    #[must_use]
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// Something on the command line is wrong.
    #[must_use]
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        let mut text = format!("{fault}; {}", next_step(fault));
        if let Some(id) = &fault.tracking_id {
            text.push_str(&format!(" (tracking id {})", id.shown().as_str()));
        }
        Self::new(Exit::from(fault), text)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::from(&fault)
    }
}

impl From<crate::audit::AuditError> for Failure {
    fn from(error: crate::audit::AuditError) -> Self {
        Self::new(Exit::Failure, error.to_string())
    }
}

/// What to do about a fault here, where nobody keeps trying after the command has ended.
fn next_step(fault: &Fault) -> &'static str {
    match fault.kind {
        FaultKind::Unreachable => "check network, proxy and host name, and run it again",
        FaultKind::TimedOut => "the hub did not answer in time; run it again",
        FaultKind::Throttled(_) => "the hub asks to slow down; run it again in a minute",
        FaultKind::Server => "a fault at the hub; run it again",
        FaultKind::PreconditionFailed => "somebody changed it since it was read; read it again and compare",
        _ => fault.advice(),
    }
}

/// Writes `text` to `out`; a reader that went away ends the run quietly, as a shell expects it.
///
/// # Errors
/// A [`Failure`]; with the code of SIGPIPE and without a text when the reader went away.
pub fn put(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Signal(141), "")),
        Err(error) => Err(Failure::new(Exit::Failure, format!("could not write to standard output: {error}"))),
    }
}

/// An instant as JSON and tables print it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A hub's stamp as JSON: null when it is not known or never happened, as a year 1 would be taken for a date.
#[must_use]
pub fn stamp(at: Option<HubTime>) -> Value {
    match at {
        None | Some(HubTime::Never) => Value::Null,
        Some(HubTime::At(at)) => Value::from(instant(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        let at = "2026-03-04T10:00:00.1234567Z".parse().unwrap();
        let items = vec![json!({"id": "a\u{9b}\u{202e}b", "age": null, "apiToken": "hunter2"})];
        Answer::new("Thing", at, items, "ID\n".to_owned())
    }

    #[test]
    fn json_is_one_object_without_secrets_and_without_what_a_terminal_must_not_get() {
        let expected = "{\n  \"apiVersion\": \"edgedeck/v1\",\n  \"kind\": \"Thing\",\n  \"asOf\": \"2026-03-04T10:00:00.123Z\",\n  \
                        \"items\": [\n    {\n      \"id\": \"a\\u009b\\u202eb\",\n      \"age\": null,\n      \"apiToken\": \"********\"\n    }\n  ]\n}\n";
        assert_eq!(answer().text(Format::Json), expected);
        assert_eq!(answer().text(Format::Table), "ID\n");
        let revealed = Answer { revealed: true, ..answer() };
        assert!(revealed.text(Format::Json).contains("hunter2"));
    }

    #[test]
    fn a_fault_becomes_a_sentence_with_a_next_step_that_holds_here() {
        let mut fault = Fault::new(FaultKind::Unreachable, "read the twin of d", "connection refused");
        fault.tracking_id = Some("T-1".into());
        let failure = Failure::from(fault);
        assert_eq!(failure.exit, Exit::Unreachable);
        assert_eq!(
            failure.to_string(),
            "could not read the twin of d: connection refused; check network, proxy and host name, and run it again \
             (tracking id T-1)"
        );
    }

    /// Takes nothing, for a reason.
    struct Gone(io::ErrorKind);

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_quiet_and_a_full_disk_is_not() {
        let gone = put(&mut Gone(io::ErrorKind::BrokenPipe), "x").unwrap_err();
        assert_eq!((gone.exit.code(), gone.text.as_str()), (141, ""));
        let full = put(&mut Gone(io::ErrorKind::StorageFull), "x").unwrap_err();
        assert_eq!(full.exit, Exit::Failure);
        assert!(full.text.starts_with("could not write"), "{full}");
    }

    #[test]
    fn never_is_not_printed_as_a_date() {
        assert_eq!(stamp(None), Value::Null);
        assert_eq!(stamp(Some(HubTime::Never)), Value::Null);
    }
}
