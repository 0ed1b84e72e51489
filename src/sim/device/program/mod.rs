//! What runs inside a container: programs as state machines on the device's clock. A program is woken, given messages,
//! twin changes and method calls; what it does goes out through [`Effect`]s. It knows no hub and no other module.

#![expect(dead_code, reason = "the only program so far is one that stays up")]

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::manifest::{Env, Image};
use crate::domain::routes::RoutedMessage;

/// What a program is started with.
pub(in crate::sim) struct Start<'a> {
    /// Its image.
    pub(in crate::sim) image: &'a Image,
    /// Its environment.
    pub(in crate::sim) env: &'a Env,
    /// The module twin's desired properties as its edgeHub would hand them out at the start.
    pub(in crate::sim) desired: &'a Map<String, Value>,
    /// The device it runs on.
    pub(in crate::sim) device: &'a str,
    /// The module it is.
    pub(in crate::sim) module: &'a str,
    /// The machine: `x86_64`, `aarch64`. An image may crash on one of them.
    pub(in crate::sim) architecture: &'a str,
    /// For its random walk; the same seed, start and inputs make the same program.
    pub(in crate::sim) seed: u64,
    /// The device's clock.
    pub(in crate::sim) at: Timestamp,
}

/// What a program does: collected by whoever runs it, in order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) enum Effect {
    /// A line of its log, without line end.
    Log {
        /// Which of its two streams.
        stream: Stream,
        /// The bytes it wrote.
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

/// Which of a container's two streams a line is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A message as a module sends it; edgeHub adds source, sender and time.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) struct OutMessage {
    /// The bytes.
    pub(in crate::sim) body: Vec<u8>,
    /// `contentType`.
    pub(in crate::sim) content_type: Option<String>,
    /// `contentEncoding`.
    pub(in crate::sim) content_encoding: Option<String>,
    /// What the sender set.
    pub(in crate::sim) properties: Vec<(String, String)>,
}

/// A program. All instants are the device's clock.
pub(in crate::sim) trait Program: Send {
    /// When it next wants to be woken; `None`: only by what comes from outside.
    fn wakes_at(&self) -> Option<Timestamp>;

    /// When it may next do by itself something that a twin shows: end, or report. What it merely sends and logs can
    /// wait until somebody looks. A program that only sends says `None`, and costs nothing while nobody looks.
    fn shows_at(&self) -> Option<Timestamp> {
        self.wakes_at()
    }

    /// Time has come. `at` is never before the last instant it was told.
    fn wake(&mut self, at: Timestamp, out: &mut Vec<Effect>);

    /// A desired-property patch arrived; `desired` is the whole section after it.
    fn desired(
        &mut self,
        at: Timestamp,
        patch: &Map<String, Value>,
        desired: &Map<String, Value>,
        out: &mut Vec<Effect>,
    );

    /// A message on an input.
    fn message(&mut self, at: Timestamp, input: &str, message: &RoutedMessage, out: &mut Vec<Effect>);

    /// A direct method: status and payload; `None`: the module has no such method (the hub's caller sees 501).
    fn method(&mut self, at: Timestamp, name: &str, payload: &Value, out: &mut Vec<Effect>) -> Option<(i64, Value)>;
}

/// The program of an image. Images nobody knows run a quiet program that logs that it started and stays up.
pub(in crate::sim) fn of_image(start: &Start<'_>, out: &mut Vec<Effect>) -> Box<dyn Program> {
    out.push(Effect::Log { stream: Stream::Stdout, line: format!("{} started", start.module).into_bytes() });
    Box::new(Quiet)
}

/// Starts, and stays up.
struct Quiet;

impl Program for Quiet {
    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _at: Timestamp, _out: &mut Vec<Effect>) {}

    fn desired(
        &mut self,
        _at: Timestamp,
        _patch: &Map<String, Value>,
        _desired: &Map<String, Value>,
        _out: &mut Vec<Effect>,
    ) {
    }

    fn message(&mut self, _at: Timestamp, _input: &str, _message: &RoutedMessage, _out: &mut Vec<Effect>) {}

    fn method(
        &mut self,
        _at: Timestamp,
        _name: &str,
        _payload: &Value,
        _out: &mut Vec<Effect>,
    ) -> Option<(i64, Value)> {
        None
    }
}
