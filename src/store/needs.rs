//! What the screens want kept fresh. They declare it, `sync` reads it, the budget decides how often.

use crate::domain::ids::{DeviceId, TwinId};

/// What is on screen now; replaced as a whole whenever the view changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The list of devices.
    pub fleet: bool,
    /// One device in full: identity, modules, device twin, `$edgeAgent` twin.
    pub device: Option<DeviceId>,
    /// One twin in full.
    pub twin: Option<TwinId>,
    /// Nothing is to be read but the heartbeat: the operator froze the picture.
    pub paused: bool,
}
