//! Programs that do nothing: images nobody knows, and the debug shell that waits for somebody to come in.

use jiff::Timestamp;

use super::{Effect, Program, Start};
use crate::sim::device::instants;

/// Stays up and is silent.
#[derive(Debug, Clone)]
pub(super) struct Quiet;

impl Quiet {
    /// An image nobody knows says that it started.
    pub(super) fn unknown(start: &Start<'_>, out: &mut Vec<Effect>) -> Self {
        let line = format!("{} {} started", instants::in_line(start.at), start.module);
        out.push(Effect::say(line));
        Self
    }
}

impl Program for Quiet {
    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _at: Timestamp, _out: &mut Vec<Effect>) {}
}
