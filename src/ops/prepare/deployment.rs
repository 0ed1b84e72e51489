//! Deployments: what a new one, a change or a deletion amounts to, tried at the hub and weighed on its devices.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::manifest::{parsed, warnings};
use super::radius::effects;
use super::{Prepared, Unprepared};
use crate::domain::deployment::{Configuration, Deployed, Listed, Part, TargetCondition};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Manifest;
use crate::domain::query;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::Now;
use crate::hub::HubRead;
use crate::ops::look::existing;
use crate::ops::order::{Amendment, NewDeployment};
use crate::ops::request::{DeploymentWrite, Effects, Request};

pub(super) async fn create(read: &HubRead, new: &NewDeployment, now: Now) -> Result<Prepared, Unprepared> {
    let content = parsed(&new.content).await?;
    let beside = |member: &str| content.beside.get(member);
    let target = match &new.target {
        Some(target) => target.clone(),
        None => beside("targetCondition").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            Unprepared::Unusable(
                "no target condition: without one it would be for nobody, and a star is for every edge device"
                    .to_owned(),
            )
        })?,
    };
    let priority = new
        .priority
        .or_else(|| beside("priority").and_then(Value::as_u64).and_then(|priority| u32::try_from(priority).ok()));
    let texts = |value: Option<&Value>| {
        let members = value.and_then(Value::as_object).into_iter().flatten();
        members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let mut labels: BTreeMap<String, String> = texts(beside("labels"));
    labels.extend(new.labels.clone());
    let mut metrics: BTreeMap<String, String> = texts(beside("metrics").and_then(|metrics| metrics.get("queries")));
    metrics.extend(new.metrics.clone());
    let wanted = Configuration {
        id: new.id.clone(),
        priority: priority.unwrap_or(0),
        created: now.wall,
        target: target_condition(&target)?,
        content: Arc::new(Manifest::from_modules(content.modules)),
        labels,
        metrics,
    };
    readable(&wanted.metrics)?;
    if existing(read.configuration(&new.id).await)?.is_some() {
        let why = format!(
            "there is a deployment {} already; its content never changes, so create another with a higher priority",
            new.id.shown()
        );
        return Err(Unprepared::Unusable(why));
    }
    tested(read, &wanted).await?;
    let warnings = warnings(&wanted.content);
    let effects = effects(read, &wanted.id, Some(&wanted)).await;
    let reaches = reach(read, &wanted, &effects).await;
    Ok(Prepared { request: Request::Deployment(DeploymentWrite::create(wanted, reaches, effects)), warnings })
}

pub(super) async fn amend(read: &HubRead, id: &DeploymentId, amendment: &Amendment) -> Result<Prepared, Unprepared> {
    let base = deployed(read, id).await?;
    let wanted = amended(&base.configuration, amendment)?;
    let differences = base.configuration.differences(&wanted);
    if differences.is_empty() {
        return Err(Unprepared::Nothing(format!("{} is so already", id.shown())));
    }
    if differences.contains(&Part::Metrics) {
        readable(&wanted.metrics)?;
    }
    tested(read, &wanted).await?;
    let effects = if differences.iter().any(|part| matches!(part, Part::Target | Part::Priority)) {
        effects(read, id, Some(&wanted)).await
    } else {
        Effects::None
    };
    let reaches = if differences.contains(&Part::Target) { reach(read, &wanted, &effects).await } else { None };
    let request = Request::Deployment(DeploymentWrite::update(Arc::new(base), wanted, reaches, effects));
    Ok(Prepared { request, warnings: Vec::new() })
}

pub(super) async fn delete(read: &HubRead, id: &DeploymentId) -> Result<Prepared, Unprepared> {
    let base = deployed(read, id).await?;
    let effects = effects(read, id, None).await;
    let request = Request::Deployment(DeploymentWrite::delete(Arc::new(base), effects));
    Ok(Prepared { request, warnings: Vec::new() })
}

fn amended(base: &Configuration, amendment: &Amendment) -> Result<Configuration, Unprepared> {
    let mut wanted = base.clone();
    if let Some(target) = &amendment.target {
        wanted.target = target_condition(target)?;
    }
    if let Some(priority) = amendment.priority {
        wanted.priority = priority;
    }
    if let Some(labels) = &amendment.labels {
        wanted.labels.clone_from(labels);
    }
    if let Some(metrics) = &amendment.metrics {
        wanted.metrics.clone_from(metrics);
    }
    Ok(wanted)
}

fn target_condition(text: &str) -> Result<TargetCondition, Unprepared> {
    TargetCondition::parse(text).map_err(|error| {
        Unprepared::Unusable(format!("the target condition cannot be read: {}", Shown::sanitise(&error.to_string())))
    })
}

/// Says what is wrong with a metric's query, and where: the hub only says that something is.
fn readable(metrics: &BTreeMap<String, String>) -> Result<(), Unprepared> {
    for (name, text) in metrics {
        if let Err(error) = query::parse(text) {
            let (name, error) = (Shown::sanitise(name), Shown::sanitise(&error.to_string()));
            return Err(Unprepared::Unusable(format!("the query of the metric {name} cannot be read: {error}")));
        }
    }
    Ok(())
}

/// Has the hub look at condition and metrics, which costs nothing, before anything is created.
async fn tested(read: &HubRead, wanted: &Configuration) -> Result<(), Unprepared> {
    let trial = read.test_queries(&wanted.target, &wanted.metrics).await?;
    let refused = trial.target.iter().map(|why| ("the target condition".to_owned(), why));
    let metrics = trial.metrics.iter();
    let mut refused = refused.chain(metrics.map(|(name, why)| (format!("the metric {}", Shown::sanitise(name)), why)));
    match refused.next() {
        Some((what, why)) => Err(Unprepared::Unusable(refusal(&what, why))),
        None => Ok(()),
    }
}

/// The hub's refusal of something that can be read here. A code alone is no reason.
fn refusal(what: &str, why: &Untrusted) -> String {
    let shown = why.shown();
    if why.raw().trim().contains(char::is_whitespace) {
        return format!("the hub refuses {what}: {shown}");
    }
    format!(
        "the hub refuses {what} with {shown} and gives no reason; it can be read here, so compare its names and types"
    )
}

/// Edge devices that the condition matches, from what was worked out already, or asked of the hub: one aggregate, one
/// message. Nothing when the hub does not say.
async fn reach(read: &HubRead, wanted: &Configuration, effects: &Effects) -> Option<u64> {
    if let Some(matches) = effects.matches(&wanted.id) {
        return Some(matches);
    }
    let condition = match wanted.target.as_str().trim() {
        "" => return Some(0),
        _ if wanted.target.is_everyone() => String::new(),
        condition => format!(" AND ({condition})"),
    };
    let query = format!("SELECT COUNT() AS devices FROM devices WHERE capabilities.iotEdge = true{condition}");
    let rows = read.query(&query, Some(1)).await.ok()?;
    // No row is no device.
    Some(rows.first().and_then(|row| row.get("devices")).and_then(Value::as_u64).unwrap_or(0))
}

async fn deployed(read: &HubRead, id: &DeploymentId) -> Result<Deployed, Unprepared> {
    match read.configuration(id).await? {
        Listed::Edge(deployed) => Ok(*deployed),
        Listed::Other(_) => {
            Err(Unprepared::Unusable(format!("{} is no IoT Edge deployment; edgedeck leaves it alone", id.shown())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ModuleId;
    use crate::domain::time::{Clock, ManualClock};

    #[test]
    fn a_refusal_without_a_reason_says_that_there_is_none() {
        assert_eq!(refusal("the metric m", &"it has no rows".into()), "the hub refuses the metric m: it has no rows");
        let bare = refusal("the metric m", &"BadRequest".into());
        assert!(bare.contains("with BadRequest and gives no reason"), "{bare}");
        assert!(refusal("the metric m", &"".into()).contains("gives no reason"));
        let metrics = BTreeMap::from([("m".to_owned(), "SELECT * FROM device".to_owned())]);
        let Err(Unprepared::Unusable(why)) = readable(&metrics) else { panic!("taken") };
        assert!(why.contains("at character 15"), "{why}");
    }

    #[test]
    fn an_amendment_changes_what_it_names() {
        let base = Configuration {
            id: DeploymentId::from_wire("d"),
            priority: 10,
            created: ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now().wall,
            target: TargetCondition::from_wire("tags.a = 1"),
            content: Arc::new(Manifest::from_modules(vec![(ModuleId::edge_agent(), Default::default())])),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            metrics: Default::default(),
        };
        let of = |amendment: Amendment| amended(&base, &amendment);
        assert_eq!(of(Amendment::default()).unwrap(), base);
        let wanted = of(Amendment { priority: Some(20), ..Amendment::default() }).unwrap();
        assert_eq!((wanted.priority, wanted.target.as_str(), wanted.labels.len()), (20, "tags.a = 1", 1));
        let wanted = of(Amendment { labels: Some(Default::default()), ..Amendment::default() }).unwrap();
        assert_eq!((wanted.priority, wanted.labels.len()), (10, 0));
        assert!(matches!(
            of(Amendment { target: Some("tags.a IN ['x']".to_owned()), ..Amendment::default() }),
            Err(Unprepared::Unusable(_))
        ));
    }
}
