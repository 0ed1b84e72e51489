//! Configurations on the wire: what `/configurations` answers and takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::deployment::{Configuration, Deployed, Figures, Listed, Other, OtherKind, TargetCondition, Trial};
use crate::domain::fault::Fault;
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Manifest;
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;

use super::{etag, parse, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireConfiguration {
    id: String,
    schema_version: Option<String>,
    labels: Option<Map<String, Value>>,
    content: Option<Map<String, Value>>,
    target_condition: Option<String>,
    created_time_utc: Option<String>,
    last_updated_time_utc: Option<String>,
    priority: Option<Value>,
    system_metrics: Option<WireMetrics>,
    metrics: Option<WireMetrics>,
    etag: Option<String>,
}

#[derive(Deserialize, Default)]
struct WireMetrics {
    queries: Option<Map<String, Value>>,
    results: Option<Map<String, Value>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireTrial {
    target_condition_error: Option<String>,
    custom_metric_query_errors: Option<Map<String, Value>>,
}

pub(in crate::hub) fn configuration(doing: &str, body: &[u8]) -> Result<Listed, Fault> {
    parse::<WireConfiguration>(doing, body).map(Listed::from)
}

pub(in crate::hub) fn configurations(doing: &str, body: &[u8]) -> Result<Vec<Listed>, Fault> {
    let listed = parse::<Vec<WireConfiguration>>(doing, body)?;
    Ok(listed.into_iter().map(Listed::from).collect())
}

pub(in crate::hub) fn trial(doing: &str, body: &[u8]) -> Result<Trial, Fault> {
    let trial = parse::<WireTrial>(doing, body)?;
    let errors = trial.custom_metric_query_errors.unwrap_or_default().into_iter();
    Ok(Trial {
        target: trial.target_condition_error.filter(|error| !error.is_empty()).map(Untrusted::from),
        metrics: errors.filter_map(|(name, error)| Some((name, error.as_str()?.to_owned().into()))).collect(),
    })
}

/// The body of a `PUT`: everything that can be set, for what is left out is cleared.
#[must_use]
pub fn configuration_body(configuration: &Configuration, schema_version: Option<&Untrusted>) -> Value {
    let mut body = json!({
        "id": configuration.id.as_str(),
        "content": configuration.content.to_value(),
        "targetCondition": configuration.target.as_str(),
        "priority": configuration.priority,
        "labels": configuration.labels,
        "metrics": {"queries": configuration.metrics},
    });
    if let (Some(version), Value::Object(members)) = (schema_version, &mut body) {
        members.insert("schemaVersion".to_owned(), version.raw().into());
    }
    body
}

/// The body of a trial. `*` is a target condition that the trial alone refuses, so it is left out.
pub(in crate::hub) fn trial_body(target: &TargetCondition, metrics: &BTreeMap<String, String>) -> Value {
    let mut body = json!({ "customMetricQueries": metrics });
    if let (false, Value::Object(members)) = (target.is_everyone(), &mut body) {
        members.insert("targetCondition".to_owned(), target.as_str().into());
    }
    body
}

impl From<WireConfiguration> for Listed {
    fn from(wire: WireConfiguration) -> Self {
        let id = DeploymentId::from_wire(wire.id.as_str());
        let tag = etag(wire.etag.as_deref().unwrap_or_default());
        let target = wire.target_condition.clone().unwrap_or_default();
        match wire.deployment(&id) {
            Ok(configuration) => Self::Edge(Box::new(Deployed {
                configuration,
                etag: tag,
                updated: time(wire.last_updated_time_utc.as_deref()),
                schema_version: wire.schema_version.map(Untrusted::from),
                figures: figures(wire.system_metrics, wire.metrics),
            })),
            Err(kind) => Self::Other(Other { id, etag: tag, kind, target: target.into() }),
        }
    }
}

impl WireConfiguration {
    fn deployment(&self, id: &DeploymentId) -> Result<Configuration, OtherKind> {
        let unread = |why: String| OtherKind::Unread(why.into());
        let used = |member: &str| {
            let content = self.content.as_ref()?.get(member)?;
            content.as_object().is_none_or(|entries| !entries.is_empty()).then_some(content).filter(|c| !c.is_null())
        };
        let Some(content) = used("modulesContent") else {
            return Err(match (used("deviceContent"), used("moduleContent")) {
                (Some(_), _) => OtherKind::Device,
                (None, Some(_)) => OtherKind::Module,
                (None, None) => unread("no content of a kind known here".to_owned()),
            });
        };
        // Unwrapped by hand: what this member is called has meant another thing before.
        let content =
            Manifest::read(&json!({ "modulesContent": content })).map_err(|error| unread(error.to_string()))?;
        let created = time(self.created_time_utc.as_deref())
            .and_then(HubTime::instant)
            .ok_or_else(|| unread("no time of creation, which decides between equal priorities".to_owned()))?;
        let priority = match &self.priority {
            None | Some(Value::Null) => Some(0),
            Some(priority) => priority.as_u64().and_then(|priority| u32::try_from(priority).ok()),
        };
        let queries = self.metrics.as_ref().and_then(|metrics| metrics.queries.as_ref());
        Ok(Configuration {
            id: id.clone(),
            priority: priority.ok_or_else(|| unread("a priority that is no whole number from 0 on".to_owned()))?,
            created,
            target: TargetCondition::from_wire(self.target_condition.as_deref().unwrap_or_default()),
            content: Arc::new(content),
            labels: texts(self.labels.as_ref()),
            metrics: texts(queries),
        })
    }
}

fn texts(map: Option<&Map<String, Value>>) -> BTreeMap<String, String> {
    let members = map.into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn figures(system: Option<WireMetrics>, own: Option<WireMetrics>) -> Figures {
    let results = |metrics: Option<WireMetrics>| metrics.and_then(|metrics| metrics.results).unwrap_or_default();
    let system = results(system);
    let count = |name: &str| system.get(name).and_then(Value::as_u64);
    Figures {
        targeted: count("targetedCount"),
        applied: count("appliedCount"),
        successful: count("reportedSuccessfulCount"),
        failed: count("reportedFailedCount"),
        custom: results(own).into_iter().filter_map(|(name, count)| Some((name, count.as_u64()?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = include_str!("../../../tests/fixtures/wire/configurations.json");

    fn list() -> Vec<Listed> {
        configurations("list the deployments", LIST.as_bytes()).unwrap()
    }

    fn edge(listed: &Listed) -> &Deployed {
        match listed {
            Listed::Edge(deployed) => deployed,
            Listed::Other(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_holds_deployments_and_others() {
        let list = list();
        let ids: Vec<&str> = list.iter().map(|listed| listed.id().as_str()).collect();
        assert_eq!(ids, ["base-sites", "fresh", "thermostat", "windows", "of-the-future", "without-a-time"]);
        let base = edge(&list[0]);
        assert_eq!((base.etag.as_str(), base.configuration.priority), ("Mw==", 10));
        assert_eq!(base.configuration.target.as_str(), "tags.environment = 'production'");
        assert_eq!(base.configuration.created.to_string(), "2026-01-22T05:06:07.1234567Z");
        assert_eq!(base.updated, HubTime::parse("2026-02-01T00:00:00Z"));
        assert_eq!(base.schema_version.as_ref().map(Untrusted::raw), Some("2.0"));
        assert_eq!(base.configuration.labels, BTreeMap::from([("release".to_owned(), "7".to_owned())]));
        assert_eq!(base.configuration.metrics.keys().collect::<Vec<_>>(), ["hot"]);
        assert!(base.configuration.modules().contains("temperatureFilter"));
        assert_eq!(
            base.figures,
            Figures {
                targeted: Some(25),
                applied: Some(24),
                successful: Some(22),
                failed: Some(0),
                custom: BTreeMap::from([("hot".to_owned(), 3)])
            }
        );
        assert_eq!(edge(&list[1]).figures, Figures::default(), "not counted is not zero");
        let kinds: Vec<&OtherKind> = list
            .iter()
            .filter_map(|listed| match listed {
                Listed::Other(other) => Some(&other.kind),
                Listed::Edge(_) => None,
            })
            .collect();
        assert!(
            matches!(
                kinds.as_slice(),
                [OtherKind::Device, OtherKind::Module, OtherKind::Unread(_), OtherKind::Unread(why)]
                    if why.raw().starts_with("no time of creation")
            ),
            "{kinds:?}"
        );
    }

    #[test]
    fn what_is_sent_is_what_was_read() {
        let wire: Vec<Value> = serde_json::from_str(LIST).unwrap();
        let list = list();
        let base = edge(&list[0]);
        let body = configuration_body(&base.configuration, base.schema_version.as_ref());
        for (name, value) in body.as_object().unwrap() {
            let sent = if name == "metrics" { &value["queries"] } else { value };
            let read = if name == "metrics" { &wire[0]["metrics"]["queries"] } else { &wire[0][name] };
            assert_eq!(sent, read, "{name}");
        }
        let text = body["content"].to_string();
        assert_eq!(text, wire[0]["content"].to_string(), "contents keep their order");
    }

    #[test]
    fn a_trial_leaves_out_what_only_it_refuses() {
        let metrics = BTreeMap::from([("m".to_owned(), "SELECT deviceId FROM devices".to_owned())]);
        let body = |text: &str| trial_body(&TargetCondition::from_wire(text), &metrics);
        assert_eq!(body("*"), json!({"customMetricQueries": {"m": "SELECT deviceId FROM devices"}}));
        assert_eq!(body("tags.a = 1")["targetCondition"], "tags.a = 1");
        let said = trial("t", br#"{"targetConditionError":"bad","customMetricQueryErrors":{"m":"worse"}}"#).unwrap();
        assert_eq!(said.target.as_ref().map(Untrusted::raw), Some("bad"));
        assert_eq!(said.metrics.get("m").map(Untrusted::raw), Some("worse"));
        assert_eq!(trial("t", br#"{"targetConditionError":null}"#), Ok(Trial::default()));
    }
}
