//! What the screens want kept fresh. They declare it, `sync` reads it, the budget decides how often.

use std::sync::Arc;

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
    /// The list of deployments.
    pub deployments: bool,
    /// The rows of one query: the devices behind a deployment's figure.
    pub behind: Option<Arc<str>>,
    /// Nothing is to be read but the heartbeat: the operator froze the picture.
    pub paused: bool,
}
