//! One line of a module's log, as edgeAgent tells it.

use jiff::Timestamp;

use crate::domain::text::Untrusted;

/// A severity of syslog: 0 is the worst, 7 the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// 0, the runtime's `FTL`.
    pub const FATAL: Self = Self(0);
    /// 3.
    pub const ERROR: Self = Self(3);
    /// 4.
    pub const WARNING: Self = Self(4);
    /// 6; what edgeAgent says of a line that does not say itself.
    pub const INFO: Self = Self(6);
    /// 7, also for the runtime's `VRB`.
    pub const DEBUG: Self = Self(7);

    /// The level of a digit from 0 to 7.
    #[must_use]
    pub fn new(digit: u8) -> Option<Self> {
        (digit <= 7).then_some(Self(digit))
    }

    /// The digit.
    #[must_use]
    pub fn digit(self) -> u8 {
        self.0
    }
}

/// How bad a line is, and whether it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The line has a prefix or a word that tells.
    Said(Level),
    /// It has none, or says 6 and nothing else: edgeAgent's answer looks the same for both.
    Unsaid,
}

impl Severity {
    /// The level to filter by: what says nothing counts as information, as it does to edgeAgent.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::Said(level) => level,
            Self::Unsaid => Level::INFO,
        }
    }
}

/// Which of the container's outputs a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// The answer does not say.
    Unknown,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the container engine received it, by the device's clock, in steps of 100 ns. `None` when the answer does not
    /// say: agents before 1.2, and what the engine itself wrote between the lines.
    pub time: Option<Timestamp>,
    /// Where it was written to.
    pub stream: Stream,
    /// How bad it is.
    pub severity: Severity,
    /// The text without prefix and end of line.
    pub text: Untrusted,
}
