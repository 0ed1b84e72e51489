//! One container: its log, and its program while it runs.

use jiff::Timestamp;

use super::super::instants::after;
use super::super::log::{ContainerLog, LogCaps};
use super::super::program::{Program, Stream};
use super::{BETWEEN_LINES, HUB};

/// A container, running or not.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub(super) log: ContainerLog,
    pub(super) program: Option<Box<dyn Program>>,
    /// Whether edgeHub knows its client.
    pub(super) connected: bool,
}

impl Container {
    pub(super) fn new(caps: LogCaps) -> Self {
        Self { log: ContainerLog::new(caps), program: None, connected: false }
    }

    /// When it wants to be woken; never while it would talk to an edgeHub that is not up.
    pub(super) fn wakes_at(&self, hub_is_up: bool) -> Option<Timestamp> {
        let program = self.program.as_ref()?;
        program.wakes_at().filter(|_| hub_is_up || !program.needs_hub())
    }

    /// When it may do something by itself that a twin shows.
    pub(super) fn shows_at(&self, hub_is_up: bool) -> Option<Timestamp> {
        let program = self.program.as_ref()?;
        program.shows_at().filter(|_| hub_is_up || !program.needs_hub())
    }

    /// Whether messages can be handed to it.
    pub(super) fn listens(&self) -> bool {
        self.program.as_ref().is_some_and(|program| program.listens())
    }

    /// Writes a line, a moment after the one before when that was just now.
    pub(super) fn write(&mut self, at: Timestamp, stream: Stream, line: &[u8]) {
        let at = match self.log.last_at() {
            Some(last) if last >= at => after(last, BETWEEN_LINES),
            _ => at,
        };
        self.log.write(at, stream, line);
    }
}

/// Whether a container is part of the runtime, which is no client of edgeHub.
pub(super) fn is_silent(name: &str) -> bool {
    name == HUB || name == "edgeAgent"
}
