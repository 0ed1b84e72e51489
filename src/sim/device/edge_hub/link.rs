//! How edgeHub notices that IoT Hub is away and back: a call that is not answered, a second one to be sure, then
//! attempts until one succeeds. Between the network's change and edgeHub's knowledge of it, messages wait.

use std::time::Duration;

use jiff::Timestamp;

use super::lines;
use crate::sim::device::instants::after;
use crate::sim::device::program::runtime::Said;

/// How long a call hangs before it is given up.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Between two calls that only test the link.
const CHECK: Duration = Duration::from_secs(300);

/// The link between edgeHub and IoT Hub.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// Whether the network carries anything.
    on: bool,
    /// When the last call succeeded.
    last: Timestamp,
    state: State,
}

/// What edgeHub knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected,
    /// A call hangs.
    Calling {
        until: Timestamp,
    },
    /// It hung, and so does the one after it.
    Testing {
        until: Timestamp,
    },
    Disconnected,
    /// The network is back; the next attempt succeeds then.
    Returning {
        at: Timestamp,
        from: Stage,
    },
}

/// How far it had got before the network came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Calling,
    Testing,
    Disconnected,
}

impl Default for Link {
    fn default() -> Self {
        Self { on: true, last: Timestamp::MIN, state: State::Disconnected }
    }
}

impl Link {
    /// The process is up: it knows nothing yet, and its first call tells.
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.last = at;
        self.state = if self.on { State::Returning { at, from: Stage::Disconnected } } else { State::Disconnected };
    }

    /// The process is gone, and its knowledge with it.
    pub(super) fn forget(&mut self) {
        self.state = State::Disconnected;
    }

    /// The network changes.
    pub(super) fn set(&mut self, at: Timestamp, on: bool) {
        if on == self.on {
            return;
        }
        self.on = on;
        let back = |seconds, from| State::Returning { at: after(at, Duration::from_secs(seconds)), from };
        self.state = match self.state {
            State::Calling { .. } if on => back(1, Stage::Calling),
            State::Testing { .. } if on => back(2, Stage::Testing),
            State::Disconnected if on => back(5, Stage::Disconnected),
            State::Returning { from, .. } if !on => match from {
                Stage::Calling => State::Calling { until: after(at, TIMEOUT) },
                Stage::Testing => State::Testing { until: after(at, TIMEOUT) },
                Stage::Disconnected => State::Disconnected,
            },
            State::Connected if !on => {
                // The tests in between succeeded, and left no trace.
                let quiet = at.as_nanosecond() - self.last.as_nanosecond();
                let since_test = u64::try_from(quiet.rem_euclid(i128::try_from(CHECK.as_nanos()).unwrap_or(1)));
                let back = Duration::from_nanos(since_test.unwrap_or(0));
                self.last = at.saturating_sub(back).unwrap_or(at);
                State::Connected
            }
            same => same,
        };
    }

    /// A message is about to go upstream.
    pub(super) fn attempt(&mut self, at: Timestamp) {
        if !self.on && self.state == State::Connected {
            self.state = State::Calling { until: after(at, TIMEOUT) };
        }
    }

    /// A message went upstream.
    pub(super) fn succeeded(&mut self, at: Timestamp) {
        self.last = at;
    }

    /// Whether messages go upstream.
    pub(super) fn delivers(&self) -> bool {
        self.on && self.state == State::Connected
    }

    /// Whether edgeHub knows that they do not.
    pub(super) fn is_disconnected(&self) -> bool {
        self.state == State::Disconnected
    }

    /// When it next learns something.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Connected => (!self.on).then(|| after(self.last, CHECK)),
            State::Calling { until } | State::Testing { until } => Some(until),
            State::Returning { at, .. } => Some(at),
            State::Disconnected => None,
        }
    }

    /// Time has come.
    pub(super) fn wake(&mut self, now: Timestamp, device: &str, said: &mut Vec<(Timestamp, Said)>) {
        if self.wakes_at().is_none_or(|due| due > now) {
            return;
        }
        let mut say = |lines: &[Said]| said.extend(lines.iter().cloned().map(|said| (now, said)));
        self.state = match self.state {
            State::Connected => State::Calling { until: after(now, TIMEOUT) },
            State::Calling { .. } => {
                say(&[lines::leaving_connected(), lines::entering_unreachable()]);
                State::Testing { until: after(now, TIMEOUT) }
            }
            State::Testing { .. } => {
                say(&[lines::entering_disconnected()]);
                State::Disconnected
            }
            State::Returning { from, .. } => {
                match from {
                    Stage::Calling => {}
                    Stage::Testing => say(&[lines::entering_connected()]),
                    Stage::Disconnected => {
                        say(&lines::connecting(device));
                        say(&[lines::leaving_disconnected(), lines::entering_connected()]);
                    }
                }
                self.last = now;
                State::Connected
            }
            State::Disconnected => State::Disconnected,
        };
    }
}
