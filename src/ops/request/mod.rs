//! What can be asked of a hub: one file per kind of write. Each knows its target, what it sends and its guard, what
//! changes, what takes it back, how it is said as a command of the Azure CLI, what a hub would refuse about it, and what
//! reading the object again tells of a request without an answer.

mod deployment;
mod device;
mod effects;
mod manifest;
mod method;
mod twin;

use std::sync::Arc;

use serde_json::Value;

use super::gate::Refusal;
use super::intent::Level;
use crate::domain::change::ChangeKind;
use crate::domain::deployment::Deployed;
use crate::domain::device::DeviceIdentity;
use crate::domain::ids::{DeploymentId, DeviceId, ETag, TwinId};
use crate::domain::text::Shown;
use crate::domain::twin::Twin;
use crate::hub::MethodReply;

pub use deployment::{DeploymentChange, DeploymentWrite};
pub use device::{DeviceChange, DeviceWrite};
pub use effects::Effects;
pub use manifest::{ManifestWrite, Seen};
pub use method::MethodCall;
pub use twin::{TwinPatch, TwinWrite};

/// What a write is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A device's or module's twin, or the module itself.
    Twin(TwinId),
    /// A device.
    Device(DeviceId),
    /// A deployment.
    Deployment(DeploymentId),
}

impl Target {
    /// Its whole name, as it may be drawn.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self {
            Self::Twin(id) => id.shown(),
            Self::Device(id) => id.shown(),
            Self::Deployment(id) => id.shown(),
        }
    }

    /// The name that is typed to confirm: the module's, where there is one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Twin(id) => id.module.as_ref().map_or(id.device.as_str(), |module| module.as_str()),
            Self::Device(id) => id.as_str(),
            Self::Deployment(id) => id.as_str(),
        }
    }
}

/// A request as it is sent. The body may hold secrets: whoever draws or keeps it masks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// `PATCH`.
    pub method: &'static str,
    /// The path, as it may be drawn; on the wire it is encoded.
    pub path: Shown,
    /// The guard, sent quoted in `If-Match`, never `*`.
    pub if_match: Option<ETag>,
    /// What is sent.
    pub body: Option<Value>,
}

/// What a write is called where it is asked and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Before its target, in a title and on a button: `Change`, `Delete`.
    pub act: &'static str,
    /// After its target: `it was not changed`, `it is deleted`.
    pub done: &'static str,
}

/// One line of what changes, as it may be drawn and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What happens, for the colour; `None` is a remark.
    pub kind: Option<ChangeKind>,
    /// `~ /temperatureThreshold   25.0 -> 30.0`; secrets are hidden.
    pub text: String,
}

impl Line {
    fn new(kind: ChangeKind, text: impl Into<String>) -> Self {
        Self { kind: Some(kind), text: text.into() }
    }

    fn remark(text: impl Into<String>) -> Self {
        Self { kind: None, text: text.into() }
    }
}

/// What a hub showed of the object after a write.
#[derive(Debug, Clone)]
pub enum Found {
    /// A twin as it is now.
    Twin(Arc<Twin>),
    /// A device as it is now.
    Device(Arc<DeviceIdentity>),
    /// A deployment as it is now.
    Deployment(Arc<Deployed>),
    /// It is not there.
    Absent,
    /// The hub took it, and answers with nothing to look at.
    Taken,
    /// What a direct method answered.
    Reply(MethodReply),
}

impl Found {
    /// The twin, where it is one.
    #[must_use]
    pub fn twin(&self) -> Option<&Arc<Twin>> {
        match self {
            Self::Twin(twin) => Some(twin),
            _ => None,
        }
    }
}

/// What a read-back says of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadBack {
    /// What was asked for is there, and nobody else can have made it so.
    Happened,
    /// Nothing was written yet.
    Unchanged,
    /// Somebody else wrote, and mine was not among it; its guard holds it off from now on.
    Overtaken,
    /// Written so often, or made anew, that mine may have been among it.
    Undecidable(&'static str),
}

/// What every kind of write says about itself.
pub trait Write {
    /// What it is done to.
    fn target(&self) -> Target;

    /// What the audit record calls it: `twin.patch`.
    fn verb(&self) -> &'static str;

    /// What it is, in words.
    fn words(&self) -> Words;

    /// The least confirmation it needs outside production.
    fn least(&self) -> Level;

    /// The request as it is sent.
    fn http(&self) -> Http;

    /// What changes, secrets hidden.
    fn lines(&self) -> Vec<Line>;

    /// The same in few lines, for a question.
    fn summary(&self) -> Vec<Line> {
        self.lines()
    }

    /// What takes it back, as a request body; `None` where nothing does.
    fn inverse(&self) -> Option<Value>;

    /// The same as commands of the Azure CLI, for a hub of this name.
    fn az(&self, hub: &str) -> String;

    /// What would be refused about it, by the hub or by us.
    fn refusal(&self) -> Option<Refusal>;

    /// The version of the desired properties it is based on, where it is about some.
    fn base_desired_version(&self) -> Option<u64> {
        None
    }
}

/// Any write.
#[derive(Debug, Clone)]
pub enum Request {
    /// Changes one section of one twin.
    Twin(TwinWrite),
    /// Registers, enables, disables or deletes a device.
    Device(DeviceWrite),
    /// Creates, changes or deletes a deployment.
    Deployment(DeploymentWrite),
    /// Gives one edge device a manifest.
    Manifest(ManifestWrite),
    /// Calls a direct method that does something.
    Method(MethodCall),
}

impl Request {
    fn kind(&self) -> &dyn Write {
        match self {
            Self::Twin(write) => write,
            Self::Device(write) => write,
            Self::Deployment(write) => write,
            Self::Manifest(write) => write,
            Self::Method(call) => call,
        }
    }
}

impl Write for Request {
    fn target(&self) -> Target {
        self.kind().target()
    }

    fn verb(&self) -> &'static str {
        self.kind().verb()
    }

    fn words(&self) -> Words {
        self.kind().words()
    }

    fn least(&self) -> Level {
        self.kind().least()
    }

    fn http(&self) -> Http {
        self.kind().http()
    }

    fn lines(&self) -> Vec<Line> {
        self.kind().lines()
    }

    fn summary(&self) -> Vec<Line> {
        self.kind().summary()
    }

    fn inverse(&self) -> Option<Value> {
        self.kind().inverse()
    }

    fn az(&self, hub: &str) -> String {
        self.kind().az(hub)
    }

    fn refusal(&self) -> Option<Refusal> {
        self.kind().refusal()
    }

    fn base_desired_version(&self) -> Option<u64> {
        self.kind().base_desired_version()
    }
}

/// Text as one word of a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
