//! The four queries the hub makes for a deployment, in its exact words: people look for them, and clients show them.

use super::target::TargetCondition;
use crate::domain::ids::DeploymentId;

/// Name and query of each system metric, in the hub's order. The condition is put in as it was written, without
/// parentheses; a deployment for nobody counts with no query at all.
#[must_use]
pub fn system_metrics(id: &DeploymentId, target: &TargetCondition) -> [(&'static str, String); 4] {
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
        ("targetedCount", targeted),
        ("appliedCount", applied),
        ("reportedSuccessfulCount", successful),
        ("reportedFailedCount", failed),
    ]
}
