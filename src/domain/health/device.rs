//! The verdict on a whole device, and the one link of it the hub can see.

use super::Tone;

/// Whether edgeHub holds its link to the hub: the `$edgeHub` module's connection state. It lags by minutes; the
/// device's own `connectionState` is `Disconnected` on healthy edge devices and is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeHubLink {
    /// Connected.
    Up,
    /// Not connected, after having been.
    Down,
    /// Never connected, or not known.
    Unknown,
}

/// The verdict on one device, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceVerdict {
    /// Something failed and stays failed.
    Failed,
    /// edgeAgent refuses the manifest; the old one runs on.
    Rejected,
    /// edgeHub lost its link: all else is the past.
    Silent,
    /// edgeAgent stopped in order and took the modules with it.
    AgentStopped,
    /// A module crash-loops.
    Backoff,
    /// A module says it is unhealthy.
    Unhealthy,
    /// A module that should run does not.
    Stopped,
    /// A module's state is unknown.
    Unknown,
    /// No manifest at all (417).
    EmptyConfiguration,
    /// Registered; edgeAgent never reported.
    NeverReported,
    /// The manifest is not fully in place yet.
    Applying,
    /// Everything runs as wanted.
    Running,
}

impl DeviceVerdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 12] = [
        Self::Failed,
        Self::Rejected,
        Self::Silent,
        Self::AgentStopped,
        Self::Backoff,
        Self::Unhealthy,
        Self::Stopped,
        Self::Unknown,
        Self::EmptyConfiguration,
        Self::NeverReported,
        Self::Applying,
        Self::Running,
    ];

    /// One word for a column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Silent => "silent",
            Self::AgentStopped => "shut down",
            Self::Backoff => "backoff",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
            Self::EmptyConfiguration => "no manifest",
            Self::NeverReported => "new",
            Self::Applying => "applying",
            Self::Running => "running",
        }
    }

    /// How to take it.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Failed | Self::Rejected => Tone::Bad,
            Self::Silent | Self::Unknown | Self::NeverReported => Tone::Unknown,
            Self::Backoff | Self::Unhealthy | Self::Stopped => Tone::Warn,
            Self::AgentStopped | Self::EmptyConfiguration => Tone::Paused,
            Self::Applying => Tone::Progress,
            Self::Running => Tone::Ok,
        }
    }

    /// Whether somebody should look at it.
    #[must_use]
    pub fn is_fault(self) -> bool {
        self < Self::EmptyConfiguration
    }
}
