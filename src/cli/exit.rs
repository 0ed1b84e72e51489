//! Exit codes (console-ux C-6): what a script can decide on without reading text.

use crate::domain::fault::{Fault, FaultKind};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It worked; an empty list is a success.
    Success,
    /// `diff`: the two sides differ.
    Different,
    /// It failed for a reason not listed here.
    Failure,
    /// A wrong flag, or an environment in which it cannot work.
    Usage,
    /// The object does not exist.
    NotFound,
    /// Not signed in, or a right is missing.
    Forbidden,
    /// 412: it changed since it was read.
    Precondition,
    /// The hub asked to slow down for longer than we wait.
    Throttled,
    /// The hub cannot be reached, or did not answer in time.
    Unreachable,
    /// Refused by read-only mode, policy or a missing confirmation.
    Refused,
    /// Ended by a signal, with the shell's code for it.
    Signal(u8),
}

impl Exit {
    /// The code for the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Different | Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Forbidden => 4,
            Self::Precondition => 5,
            Self::Throttled => 6,
            Self::Unreachable => 7,
            Self::Refused => 10,
            Self::Signal(code) => code,
        }
    }
}

impl From<&Fault> for Exit {
    fn from(fault: &Fault) -> Self {
        match fault.kind {
            FaultKind::NotFound => Self::NotFound,
            FaultKind::Unauthorized | FaultKind::SystemModule => Self::Forbidden,
            FaultKind::PreconditionFailed => Self::Precondition,
            FaultKind::Throttled(_) | FaultKind::QuotaExceeded | FaultKind::Budget => Self::Throttled,
            FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::DeviceOffline => Self::Unreachable,
            FaultKind::AlreadyExists
            | FaultKind::Declined
            | FaultKind::Rejected
            | FaultKind::Server
            | FaultKind::Protocol => Self::Failure,
        }
    }
}
