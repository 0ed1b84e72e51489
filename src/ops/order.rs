//! What somebody wants, before anything was read for it: the words of a command line, a form or a key. `prepare` reads
//! what it needs and makes the request of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::request::Target;
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::domain::text::{Shown, Untrusted};

/// Where a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// A file of the operator's.
    File(PathBuf),
    /// Its text, from standard input.
    Text(String),
}

impl Document {
    /// More bytes than any manifest has: 50 modules with twins of 32 KB each.
    pub const MOST_BYTES: u64 = 4 * 1024 * 1024;

    /// What it is called, as it may be drawn.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self {
            Self::File(path) => Untrusted::from(path.to_string_lossy().into_owned()).shown(),
            Self::Text(_) => Shown::from_static("standard input"),
        }
    }
}

/// A deployment as somebody describes it; what is left out comes from the file, when it is a whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its content.
    pub content: Document,
    /// Which devices it is for.
    pub target: Option<String>,
    /// Larger wins.
    pub priority: Option<u32>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Metrics of one's own: name to query.
    pub metrics: BTreeMap<String, String>,
}

/// What shall be another about a deployment; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amendment {
    /// Which devices it is for.
    pub target: Option<String>,
    /// Larger wins.
    pub priority: Option<u32>,
    /// All labels anew.
    pub labels: Option<BTreeMap<String, String>>,
    /// All metrics of one's own anew.
    pub metrics: Option<BTreeMap<String, String>>,
}

/// What somebody wants to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A device is registered.
    Register {
        /// Its id.
        device: DeviceId,
        /// Whether it is an IoT Edge device.
        edge: bool,
        /// Whether it may connect.
        enabled: bool,
    },
    /// A device may connect again.
    Enable(DeviceId),
    /// A device is cut off.
    Disable {
        /// Which.
        device: DeviceId,
        /// Why, kept at the hub.
        reason: Option<String>,
    },
    /// A device goes.
    DeleteDevice(DeviceId),
    /// edgeAgent restarts a module.
    Restart {
        /// Of which device.
        device: DeviceId,
        /// Which.
        module: ModuleId,
    },
    /// A device is given a manifest.
    Apply {
        /// Which device.
        device: DeviceId,
        /// What it is given.
        manifest: Document,
    },
    /// A deployment is created.
    Create(Box<NewDeployment>),
    /// A deployment is changed, its content excepted.
    Amend(DeploymentId, Amendment),
    /// A deployment goes.
    DeleteDeployment(DeploymentId),
}

impl Order {
    /// What it is done to.
    #[must_use]
    pub fn target(&self) -> Target {
        match self {
            Self::Register { device, .. }
            | Self::Enable(device)
            | Self::Disable { device, .. }
            | Self::DeleteDevice(device)
            | Self::Apply { device, .. } => Target::Device(device.clone()),
            Self::Restart { device, module } => Target::Twin(TwinId::module(device.clone(), module.clone())),
            Self::Create(new) => Target::Deployment(new.id.clone()),
            Self::Amend(id, _) | Self::DeleteDeployment(id) => Target::Deployment(id.clone()),
        }
    }

    /// What it is, for a title.
    #[must_use]
    pub fn title(&self) -> String {
        let target = self.target().shown();
        match self {
            Self::Register { edge: true, .. } => format!("register the IoT Edge device {target}"),
            Self::Register { edge: false, .. } => format!("register the device {target}"),
            Self::Enable(_) => format!("enable {target}"),
            Self::Disable { .. } => format!("disable {target}"),
            Self::DeleteDevice(_) => format!("delete the device {target}"),
            Self::Restart { .. } => format!("restart {target}"),
            Self::Apply { manifest, .. } => format!("apply {} to {target}", manifest.shown()),
            Self::Create(_) => format!("create the deployment {target}"),
            Self::Amend(..) => format!("change the deployment {target}"),
            Self::DeleteDeployment(_) => format!("delete the deployment {target}"),
        }
    }
}
