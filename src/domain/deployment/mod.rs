//! IoT Edge deployments: the configurations of a hub that carry `modulesContent`, their ids, limits, target conditions,
//! the queries behind their figures, how they stand by them, and how a hub lists them. What they make of a device is
//! [`super::effective`]'s business.

mod document;
mod id;
mod listed;
mod metrics;
mod standing;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::ids::DeploymentId;
use super::manifest::{Kind, Manifest};
use super::secret::{mask_json, shown};

pub use id::DeploymentIdError;
pub use listed::{Deployed, Figures, Listed, Other, OtherKind, Part, Trial};
pub use metrics::{Metric, MetricName, SystemMetric, system_metrics};
pub use standing::{BEAT, Standing};
pub use target::{TargetCondition, TargetConditionError};

/// The most configurations of a paid hub, layers and device configurations included.
pub const MAX_CONFIGURATIONS: usize = 100;
/// The same on a free hub.
pub const MAX_CONFIGURATIONS_FREE: usize = 10;
/// The most modules of one deployment.
pub const MAX_MODULES: usize = 50;
/// The most metrics of one's own in a configuration.
pub const MAX_CUSTOM_METRICS: usize = 5;

/// One deployment. Its content never changes; the target condition, priority, labels and metrics may.
#[derive(Clone, PartialEq)]
pub struct Configuration {
    /// Its id.
    pub id: DeploymentId,
    /// Larger wins; 0 when none was given.
    pub priority: u32,
    /// When it was created; of two equal priorities the newer wins.
    pub created: Timestamp,
    /// Which devices it is for.
    pub target: TargetCondition,
    /// What it gives them.
    pub content: Arc<Manifest>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Metrics of one's own: name to query.
    pub metrics: BTreeMap<String, String>,
}

impl Configuration {
    /// Whether it is a base or a layer; nothing without `$edgeAgent`, which the hub refuses to create.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.content.kind()
    }

    /// Its labels as `name=value` to be drawn, secrets masked.
    #[must_use]
    pub fn shown_labels(&self) -> Vec<String> {
        let mut labels: Value =
            self.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        mask_json(&mut labels);
        let members = labels.as_object().into_iter().flatten();
        members.map(|(name, value)| format!("{}={}", shown(name), shown(value.as_str().unwrap_or_default()))).collect()
    }

    /// The modules it sets in `$edgeAgent`, without edgeAgent and edgeHub.
    #[must_use]
    pub fn modules(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        let Some(agent) = self.content.module("$edgeAgent") else { return names };
        for set in &agent.assignments {
            let below = match set.path.keys() {
                [] => set.value.get("modules"),
                [first] if first == "modules" => Some(&set.value),
                [first, name, ..] if first == "modules" => {
                    names.insert(name.as_str());
                    None
                }
                _ => None,
            };
            names.extend(
                below.and_then(|modules| modules.as_object()).into_iter().flatten().map(|(name, _)| name.as_str()),
            );
        }
        names
    }

    /// What the hub would refuse about it, apart from its id and target condition, which cannot be made wrong.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut found = Vec::new();
        if self.kind().is_none() {
            found.push(Refusal::NoAgent);
        }
        let modules = self.modules().len();
        if modules > MAX_MODULES {
            found.push(Refusal::Modules(modules));
        }
        if self.metrics.len() > MAX_CUSTOM_METRICS {
            found.push(Refusal::Metrics(self.metrics.len()));
        }
        found
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("id", &self.id)
            .field("priority", &self.priority)
            .field("created", &self.created)
            .field("target", &self.target)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Why the hub would refuse a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400 `InvalidConfigurationContent`.
    #[error("the content has no $edgeAgent; a layer that only changes twins needs \"$edgeAgent\": {{}}")]
    NoAgent,
    /// More modules than a deployment may have.
    #[error("{0} modules; a deployment has at most {MAX_MODULES}")]
    Modules(usize),
    /// More metrics than a configuration may have.
    #[error("{0} metrics; a configuration has at most {MAX_CUSTOM_METRICS}")]
    Metrics(usize),
}
