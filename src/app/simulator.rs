//! The simulated hub as the console sees it: what its page shows, and its switches.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::access::AccessFiles;
use crate::sim::{FaultState, Refusal, Sim};
use crate::tui::msg::Msg;
use crate::tui::notices::Severity;

/// The simulated hub and the files that lead to it. The files go with the last handle.
#[derive(Debug, Clone)]
pub struct Simulator {
    sim: Arc<Sim>,
    files: Option<Arc<AccessFiles>>,
}

impl Simulator {
    /// The hub without files: tests need none.
    #[must_use]
    pub fn new(sim: Arc<Sim>) -> Self {
        Self { sim, files: None }
    }

    /// The hub, its authority's certificate and its connection string in a private folder of their own below `runtime`.
    ///
    /// # Errors
    /// A sentence when they cannot be written.
    pub fn with_files(sim: Arc<Sim>, runtime: &Path, now: Timestamp) -> Result<Self, String> {
        let files = AccessFiles::write(&sim, runtime, now)?;
        Ok(Self { sim, files: Some(Arc::new(files)) })
    }

    /// Throws a switch, if the text names one, and says what the page shows afterwards. May take a while: the world
    /// is brought up to date first.
    #[must_use]
    pub fn run(&self, text: &str) -> Vec<Msg> {
        let mut messages = Vec::new();
        if !text.is_empty() {
            let first = |answer: &str| answer.lines().next().unwrap_or_default().to_owned();
            messages.push(match self.sim.command(text) {
                Ok(answer) => Msg::Say(Severity::Info, first(&answer)),
                Err(why) => Msg::Say(Severity::Warning, first(&why.to_string())),
            });
        }
        messages.push(Msg::Simulator(self.page()));
        messages
    }

    /// The page, line by line.
    fn page(&self) -> Vec<String> {
        let status = self.sim.status();
        let mut lines = vec![
            format!("hub  {}", status.hub),
            format!("endpoint  {}", status.endpoint),
            format!("devices  {}", status.devices),
            format!("requests served  {}", status.served),
            format!(
                "network  {}",
                if status.faults.hub_on { "on (:sim hub off)" } else { "OFF: requests hang (:sim hub on)" }
            ),
            format!("latency  {} ms added (:sim latency 300ms)", status.faults.latency.as_millis()),
        ];
        lines.extend(single_requests(&status.faults));
        lines.push(String::new());
        if let Some(files) = &self.files {
            lines.push(format!("authority (CA)  {}", files.authority().display()));
            lines.push(format!("connection string  {}", files.connection_string().display()));
            lines.push(String::new());
        }
        lines.push("Any client that speaks to IoT Hub can use it. To be somebody else who changes a twin:".to_owned());
        lines.push(":sim touch edge-gateway-001/temperatureFilter".to_owned());
        if let Some(files) = &self.files {
            let program =
                std::env::current_exe().map_or_else(|_| "edgedeck".to_owned(), |path| path.display().to_string());
            lines.extend([
                "or, in another terminal:".to_owned(),
                format!("'{program}' \\"),
                format!("--connection-string-file '{}' \\", files.connection_string().display()),
                format!("--ca-file '{}' \\", files.authority().display()),
                "twin patch edge-gateway-001/temperatureFilter \\".to_owned(),
                "--desired '{\"temperatureThreshold\": 28.0}' --yes".to_owned(),
                format!("What stands after :sim works there too: '{program}' sim do status"),
            ]);
        }
        lines
    }
}

/// What becomes of single requests, each with the words that begin or end it.
fn single_requests(faults: &FaultState) -> [String; 3] {
    let request = match faults.drop_request {
        None => "all arrive (:sim drop request 1 writes)".to_owned(),
        Some(next) => format!("LOST: {next} (:sim drop request off)"),
    };
    let reply = match faults.drop_reply {
        None => "all arrive (:sim drop reply 1 writes)".to_owned(),
        Some(next) => format!("LOST: those to {next} (:sim drop reply off)"),
    };
    let answer = match faults.answer {
        None => "as asked (:sim answer 429 3 reads)".to_owned(),
        Some((Refusal::QuotaExceeded, _)) => {
            "REFUSED: what costs messages, 403002, the day's are used up (:sim answer ok)".to_owned()
        }
        Some((refusal, next)) => format!("REFUSED: {next}, {} (:sim answer ok)", refusal.word()),
    };
    [format!("requests  {request}"), format!("replies  {reply}"), format!("answers  {answer}")]
}
