//! What runs inside a container: programs as state machines on the device's clock. A program is woken, given messages,
//! twin changes and method calls; what it does goes out as [`Effect`]s. It knows no hub and no other module.
//!
//! `sensor` and `filter` are the demo modules, `workload` and `hostile` what logs are tried with, `quiet` everything
//! nobody knows. `runtime` formats the lines of edgeAgent and edgeHub, `agent` has edgeAgent's. `chance`, `dotnet` and
//! `python` are what programs share: a seeded stream, and how two languages print and read.

pub(in crate::sim) mod agent;
mod chance;
mod decimal;
mod dotnet;
mod filter;
mod hostile;
mod python;
mod quiet;
pub(in crate::sim) mod runtime;
mod sensor;
#[cfg(test)]
pub(in crate::sim) mod testing;
#[cfg(test)]
mod tests;
mod workload;

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::{Env, Image};
use crate::domain::routes::RoutedMessage;

use super::log::LogCaps;

/// What a program is started with. Environment and twin may hold secrets, so it does not print.
#[derive(Clone, Copy)]
pub(in crate::sim) struct Start<'a> {
    /// What the container was made of.
    pub image: &'a Image,
    /// The module's environment.
    pub env: &'a Env,
    /// The module twin's desired properties as its edgeHub would hand them out at the start.
    pub desired: &'a Map<String, Value>,
    /// The device's id.
    pub device: &'a str,
    /// The module's id, without the `$` for the runtime's own.
    pub module: &'a str,
    /// The machine: `x86_64`, `aarch64`. An image may crash on one of them.
    pub architecture: &'a str,
    /// For its random walk; the same seed, start and inputs make the same program.
    pub seed: u64,
    /// When the container starts.
    pub at: Timestamp,
}

/// What a program does: collected by whoever runs it, in order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) enum Effect {
    /// A line of its log, without line end; with line feeds in it, several.
    Log {
        /// Which of the two streams.
        stream: Stream,
        /// Any bytes.
        line: Vec<u8>,
    },
    /// A message to an output.
    Send {
        /// The output's name.
        output: String,
        /// The message.
        message: OutMessage,
    },
    /// A patch of its reported properties.
    Report(Map<String, Value>),
    /// It ends with this code; nothing it wants after this happens.
    Exit(i64),
}

impl Effect {
    /// A line on the standard output.
    pub(in crate::sim) fn say(line: impl Into<Vec<u8>>) -> Self {
        Self::Log { stream: Stream::Stdout, line: line.into() }
    }

    /// A line on the standard error.
    pub(in crate::sim) fn complain(line: impl Into<Vec<u8>>) -> Self {
        Self::Log { stream: Stream::Stderr, line: line.into() }
    }
}

/// A stream of a container's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub(in crate::sim) fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// What makes another program of one behind a trait; every program that can be cloned has it.
pub(in crate::sim) trait Copied {
    /// The same program in the same state.
    fn copied(&self) -> Box<dyn Program>;
}

impl<T: Program + Clone + 'static> Copied for T {
    fn copied(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.as_ref().copied()
    }
}

/// A message as a module sends it; edgeHub adds source, sender and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct OutMessage {
    /// Any bytes.
    pub body: Vec<u8>,
    /// Such as `application/json`.
    pub content_type: Option<String>,
    /// Such as `utf-8`.
    pub content_encoding: Option<String>,
    /// What the sender adds.
    pub properties: Vec<(String, String)>,
}

impl OutMessage {
    /// A JSON text in UTF-8, as conditions on bodies need it.
    fn json(body: String) -> Self {
        Self {
            body: body.into_bytes(),
            content_type: Some("application/json".to_owned()),
            content_encoding: Some("utf-8".to_owned()),
            properties: Vec::new(),
        }
    }
}

/// Lines of one length that a program did not write because nobody will ever read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Skipped {
    /// How many.
    pub lines: u64,
    /// The length of each in bytes, without line end.
    pub line_bytes: u64,
}

/// A program while it runs.
pub(in crate::sim) trait Program: fmt::Debug + Send + Sync + Copied {
    /// When it next wants to be woken; `None`: only by what comes from outside.
    fn wakes_at(&self) -> Option<Timestamp>;

    /// When it may next do by itself something that a twin shows: connect, end, report. What it merely sends and logs can
    /// wait until somebody looks; a program that does only that costs nothing meanwhile.
    fn shows_at(&self) -> Option<Timestamp> {
        self.wakes_at()
    }

    /// Nobody looked until then, and nobody will ever ask for what it did meanwhile: it is as if it had done it, without
    /// the lines and messages. Never over an instant of [`Program::shows_at`].
    fn rest(&mut self, _until: Timestamp) {}

    /// It runs on another device from now on: one that was as this one in all but its name.
    fn rename(&mut self, _device: &str) {}

    /// Time has come. `at` is never before the last instant it was told.
    fn wake(&mut self, at: Timestamp, out: &mut Vec<Effect>);

    /// A desired-property patch arrived; `desired` is the whole section after it.
    fn desired(
        &mut self,
        _at: Timestamp,
        _patch: &Map<String, Value>,
        _desired: &Map<String, Value>,
        _out: &mut Vec<Effect>,
    ) {
    }

    /// A message on an input.
    fn message(&mut self, _at: Timestamp, _input: &str, _message: &RoutedMessage, _out: &mut Vec<Effect>) {}

    /// A direct method: status and payload; `None`: the module has no such method (the hub's caller sees 501).
    fn method(
        &mut self,
        _at: Timestamp,
        _name: &str,
        _payload: &Value,
        _out: &mut Vec<Effect>,
    ) -> Option<(i64, Value)> {
        None
    }

    /// The engine asks it to stop. What it does about it, and the code it ends with: 137 when it had to be killed.
    fn stop(&mut self, _at: Timestamp, _out: &mut Vec<Effect>) -> i64 {
        137
    }

    /// Whether it is connected to edgeHub: only then it gets messages, twin changes and methods. A program that crashes
    /// while it starts never is.
    fn listens(&self) -> bool {
        true
    }

    /// Whether its next wake-up talks to edgeHub, and therefore waits while edgeHub does not run.
    fn needs_hub(&self) -> bool {
        false
    }

    /// Moves on without writing lines that a log of this size will have dropped by `until`, before which nobody reads
    /// it; `None` when there is nothing to gain.
    fn skip(&mut self, _until: Timestamp, _caps: LogCaps) -> Option<Skipped> {
        None
    }
}

/// The program of an image. Images nobody knows run a quiet program that logs that it started and stays up.
pub(in crate::sim) fn of_image(start: &Start<'_>, out: &mut Vec<Effect>) -> Box<dyn Program> {
    match (repository(start.image), start.image.tag()) {
        ("azureiotedge-simulated-temperature-sensor", _) => Box::new(sensor::Sensor::start(start, out)),
        ("temperature-filter", "1.0.0-printed") => Box::new(filter::Stillborn::printed(start)),
        ("temperature-filter", "1.1.1") if start.architecture == "aarch64" => {
            Box::new(filter::Stillborn::other_machine(start))
        }
        ("temperature-filter", tag) => filter::Filter::start(start, tag),
        ("azureiotedge-agent", _) => Box::new(runtime::Booting::agent(start, out)),
        ("azureiotedge-hub", _) => Box::new(runtime::Booting::hub(start, out)),
        ("sim-workload" | "ml-inference", _) => Box::new(workload::Workload::start(start, out)),
        ("debug-shell", _) => Box::new(quiet::Quiet),
        _ => Box::new(quiet::Quiet::unknown(start, out)),
    }
}

/// The last part of an image's name, without registry and tag.
fn repository(image: &Image) -> &str {
    let name = image.as_str().rsplit('/').next().unwrap_or_default();
    name.split([':', '@']).next().unwrap_or_default()
}
