//! Configurations as a hub has them: with their tag, the figures it counted, and whatever else stands in its list.

use std::collections::BTreeMap;
use std::fmt;

use super::Configuration;
use crate::domain::ids::{DeploymentId, ETag};
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;

/// One entry of a hub's list (`GET /configurations`, api-version 2021-04-12).
#[derive(Debug, Clone, PartialEq)]
pub enum Listed {
    /// An IoT Edge deployment.
    Edge(Box<Deployed>),
    /// Anything else: it takes one of the hub's places all the same, and cannot be edited here.
    Other(Other),
}

/// An IoT Edge deployment as the hub had it when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The deployment.
    pub configuration: Configuration,
    /// The tag to send in `If-Match`; moves with every write, and begins anew when an id is created again.
    pub etag: ETag,
    /// When it was last written.
    pub updated: Option<HubTime>,
    /// `schemaVersion`, which means nothing to the hub; sent back as it came.
    pub schema_version: Option<Untrusted>,
    /// What the hub counted; lags minutes behind the twins.
    pub figures: Figures,
}

/// The hub's figures of a deployment, in devices. `None` is "not counted yet", as after every write; it is not 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Edge devices the condition matches.
    pub targeted: Option<u64>,
    /// Devices whose `$edgeAgent` got something from it.
    pub applied: Option<u64>,
    /// Of those, devices whose agent took the present version with code 200; says nothing about modules.
    pub successful: Option<u64>,
    /// Of those, devices whose agent took the present version with another code.
    pub failed: Option<u64>,
    /// Rows of the metrics of one's own, by name.
    pub custom: BTreeMap<String, u64>,
}

/// A configuration that is no IoT Edge deployment, or none that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its id.
    pub id: DeploymentId,
    /// Its tag.
    pub etag: ETag,
    /// What it is.
    pub kind: OtherKind,
    /// Its target condition, as sent.
    pub target: Untrusted,
}

/// What a configuration is when it is no IoT Edge deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherKind {
    /// An automatic device configuration: writes to device twins.
    Device,
    /// An automatic module configuration: writes to module twins, edge modules among them.
    Module,
    /// Something we cannot read, and why.
    Unread(Untrusted),
}

impl Listed {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &DeploymentId {
        match self {
            Self::Edge(deployed) => &deployed.configuration.id,
            Self::Other(other) => &other.id,
        }
    }

    /// The tag to send in `If-Match`.
    #[must_use]
    pub fn etag(&self) -> &ETag {
        match self {
            Self::Edge(deployed) => &deployed.etag,
            Self::Other(other) => &other.etag,
        }
    }
}

/// A part of a deployment, as a write sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What it gives to devices; fixed when it is created.
    Content,
    /// The target condition.
    Target,
    /// The priority.
    Priority,
    /// The labels.
    Labels,
    /// The metrics of one's own.
    Metrics,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "content",
            Self::Target => "target condition",
            Self::Priority => "priority",
            Self::Labels => "labels",
            Self::Metrics => "metrics",
        })
    }
}

impl Configuration {
    /// The parts in which two states of one deployment differ. Contents are compared by value: how they were wrapped
    /// and what stood beside them does not count.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Part> {
        let parts = [
            (Part::Content, self.content.to_value() == other.content.to_value()),
            (Part::Target, self.target.as_str() == other.target.as_str()),
            (Part::Priority, self.priority == other.priority),
            (Part::Labels, self.labels == other.labels),
            (Part::Metrics, self.metrics == other.metrics),
        ];
        parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
    }
}

/// What the hub says about a target condition and metrics that are not created yet. No mistakes: all of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial {
    /// What is wrong with the condition, in the hub's words, which seldom say.
    pub target: Option<Untrusted>,
    /// What is wrong with queries, by the metric's name.
    pub metrics: BTreeMap<String, Untrusted>,
}
