//! The figures of a deployment, their names and the queries behind them: the four the hub makes, in its exact words,
//! since people look for them and clients show them, and those of the deployment's author.

use super::listed::{Deployed, Figures};
use super::target::TargetCondition;
use crate::domain::ids::DeploymentId;
use crate::domain::text::{Shown, Untrusted};

/// One of the four figures the hub keeps of every IoT Edge deployment, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemMetric {
    /// Edge devices the condition matches.
    Targeted,
    /// Devices whose `$edgeAgent` got something from it.
    Applied,
    /// Of those, devices whose agent took the present version with code 200; says nothing about modules.
    Accepted,
    /// Of those, devices whose agent took the present version with another code.
    Rejected,
}

impl SystemMetric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Targeted, Self::Applied, Self::Accepted, Self::Rejected];

    /// The hub's name: `targetedCount`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Targeted => "targetedCount",
            Self::Applied => "appliedCount",
            Self::Accepted => "reportedSuccessfulCount",
            Self::Rejected => "reportedFailedCount",
        }
    }

    /// Our word for it, which does not promise more than the figure says.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Targeted => "TARGETED",
            Self::Applied => "APPLIED",
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
        }
    }

    /// What it counts.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Targeted => "edge devices the target condition matches",
            Self::Applied => "devices whose $edgeAgent twin got something from it",
            Self::Accepted => "edgeAgent took the version it has now with code 200; modules may still fail",
            Self::Rejected => "edgeAgent answered the version it has now with another code than 200",
        }
    }

    /// The figure.
    #[must_use]
    pub fn figure(self, figures: &Figures) -> Option<u64> {
        match self {
            Self::Targeted => figures.targeted,
            Self::Applied => figures.applied,
            Self::Accepted => figures.successful,
            Self::Rejected => figures.failed,
        }
    }
}

/// Which figure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricName {
    /// One of the hub's.
    System(SystemMetric),
    /// One of the author's.
    Own(String),
}

impl MetricName {
    /// The name as it may be drawn: our word for one of the hub's, the author's own as it is.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self {
            Self::System(metric) => Shown::from_static(metric.word()),
            Self::Own(name) => Untrusted::new(name.as_str()).shown(),
        }
    }
}

/// A figure with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Which one.
    pub name: MetricName,
    /// What the hub counts the rows of; empty for a deployment that is for nobody.
    pub query: String,
    /// The rows at the last count; `None` is "not counted yet".
    pub figure: Option<u64>,
}

impl Deployed {
    /// Every figure: the hub's four, then the author's by name.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let configuration = &self.configuration;
        let queries = system_metrics(&configuration.id, &configuration.target);
        let system = queries.into_iter().map(|(metric, query)| Metric {
            name: MetricName::System(metric),
            query,
            figure: metric.figure(&self.figures),
        });
        let own = configuration.metrics.iter().map(|(name, query)| Metric {
            name: MetricName::Own(name.clone()),
            query: query.clone(),
            figure: self.figures.custom.get(name).copied(),
        });
        system.chain(own).collect()
    }

    /// The figure somebody calls `name`: an own metric by its exact name, else one of the hub's by its name or our word
    /// for it, in any case.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<Metric> {
        let mut metrics = self.metrics();
        let own = metrics.iter().position(|metric| matches!(&metric.name, MetricName::Own(own) if own == name));
        let at = own.or_else(|| {
            metrics.iter().position(|metric| match metric.name {
                MetricName::System(system) => {
                    system.name().eq_ignore_ascii_case(name) || system.word().eq_ignore_ascii_case(name)
                }
                MetricName::Own(_) => false,
            })
        })?;
        Some(metrics.swap_remove(at))
    }
}

/// Each system metric with its query, in the hub's order. The condition is put in as it was written, without
/// parentheses; a deployment for nobody counts with no query at all.
#[must_use]
pub fn system_metrics(id: &DeploymentId, target: &TargetCondition) -> [(SystemMetric, String); 4] {
    const EDGE: &str = "select deviceId from devices where capabilities.iotEdge = true";
    let targeted = match target.as_str() {
        "" => String::new(),
        "*" => EDGE.to_owned(),
        condition => format!("{EDGE} and {condition}"),
    };
    let applied = format!(
        "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[{}]].status = 'Applied'",
        id.as_str()
    );
    let reported = |comparison: &str| {
        format!(
            "{applied} and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code {comparison} 200"
        )
    };
    let (successful, failed) = (reported("="), reported("!="));
    [
        (SystemMetric::Targeted, targeted),
        (SystemMetric::Applied, applied),
        (SystemMetric::Accepted, successful),
        (SystemMetric::Rejected, failed),
    ]
}
