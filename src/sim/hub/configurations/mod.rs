//! Configurations: IoT Edge deployments and automatic device and module configurations under `/configurations/{id}`.
//!
//! Here is the resource itself: what is stored, its four operations, and how it is written out. `content` and `target`
//! read and refuse what is sent, `due` says when the hub looks again, `evaluate` puts configurations on twins through
//! `write`, `metrics` counts. `apply` and `trial` are the two calls beside it, `seeded` is for worlds with a past. How
//! deployments are chosen and merged is [`crate::domain::effective`], which the console shares.

pub(super) mod apply;
pub(in crate::sim) mod content;
mod due;
mod evaluate;
mod metrics;
pub(in crate::sim) mod seeded;
mod target;
#[cfg(test)]
mod tests;
pub(super) mod trial;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::effective::{self, Effective, TargetCondition};
use crate::domain::ids::DeploymentId;

use super::Call;
use super::errors::{Code, HubError};
use super::message::{IfMatch, NoCondition, Response};
use super::stamp;
use super::state::State;

pub(super) use due::LAG;

use content::{Content, Writes};
use due::Due;
use metrics::{Figures, system_queries};
use target::Target;
use write::Owner;

/// Configurations of a paid and of a free hub, of all kinds together.
const MOST: usize = 100;
const MOST_ON_FREE: usize = 10;
/// Custom metrics of one configuration.
const MOST_METRICS: usize = 5;

/// All configurations of the hub, and what has become of them.
pub(super) struct Configurations {
    /// In the order of their creation, which is that of the list.
    known: Vec<Configuration>,
    /// What became of each device when it was looked at last, by device id.
    made: BTreeMap<String, Outcome>,
    due: Due,
}

/// What became of a device when it was looked at.
#[derive(Clone)]
struct Outcome {
    /// What deployments made of it.
    effective: Arc<Effective>,
    /// Of everything this came from; while it stays the same, there is nothing to do.
    print: u64,
}

/// One configuration.
#[derive(Clone)]
struct Configuration {
    id: String,
    schema_version: Option<String>,
    labels: Option<Map<String, Value>>,
    content: Content,
    target: Target,
    priority: u32,
    created: Timestamp,
    updated: Timestamp,
    /// The number inside the entity tag.
    etag: u64,
    /// Custom metrics, name and query.
    queries: Vec<(String, String)>,
    /// Nothing until counted since the last write.
    figures: Option<Figures>,
}

/// What a caller can set; everything else in the body is ignored, `etag` and `systemMetrics` included.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    id: Option<String>,
    schema_version: Option<String>,
    labels: Option<Map<String, Value>>,
    content: Option<Map<String, Value>>,
    target_condition: Option<String>,
    priority: Option<Value>,
    metrics: Option<MetricsBody>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetricsBody {
    queries: Option<Map<String, Value>>,
}

impl Configurations {
    /// None yet; the first beat comes its time after `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { known: Vec::new(), made: BTreeMap::new(), due: Due::new(now) }
    }

    fn find(&self, id: &str) -> Option<&Configuration> {
        self.known.iter().find(|known| known.id == id)
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Configuration> {
        self.known.iter_mut().find(|known| known.id == id)
    }

    /// Another beat for what changes on the side of the devices.
    pub(super) fn set_beat(&mut self, beat: Duration, now: Timestamp) {
        self.due.set_beat(beat, now);
    }

    /// How long after they were looked at there are figures, more or less.
    pub(super) fn set_metric_lag(&mut self, lag: Duration) {
        self.due.set_lag(lag);
    }

    /// The hub has been looking at them since an instant in the past.
    pub(super) fn begin(&mut self, at: Timestamp, beat: Option<Duration>) {
        self.due = self.due.begun(at);
        if let Some(beat) = beat {
            self.due.set_beat(beat, at);
        }
    }

    /// A new device was given what another one has.
    pub(super) fn echo(&mut self, device: &str, model: &str) {
        if let Some(made) = self.made.get(model).cloned() {
            self.made.insert(device.to_owned(), made);
        }
    }

    /// When everything has been looked at that changed at `at`.
    pub(super) fn settled_after(&self, at: Timestamp) -> Timestamp {
        self.due.settled_after(at)
    }
}

impl Body {
    /// The configuration this body makes at `now`.
    fn read(self, id: &str, now: Timestamp) -> Result<Configuration, HubError> {
        if !valid_id(id) || self.id.as_deref().is_some_and(|given| given != id) {
            return Err(HubError::argument(format!("id must be '{id}', as in the path, and a valid id.")));
        }
        let priority = match self.priority {
            None | Some(Value::Null) => Some(0),
            Some(value) => value.as_u64().and_then(|priority| u32::try_from(priority).ok()),
        };
        let priority = priority.ok_or_else(|| HubError::argument("priority must be a whole number from 0 on."))?;
        if self.labels.iter().flatten().any(|(_, label)| !label.is_string()) {
            return Err(HubError::argument("labels must be texts."));
        }
        let content = Content::of(self.content.as_ref())?;
        let target = Target::of(self.target_condition.as_deref().unwrap_or_default(), content.kind)?;
        let queries = metric_queries(self.metrics.and_then(|metrics| metrics.queries).unwrap_or_default())?;
        Ok(Configuration {
            id: id.to_owned(),
            schema_version: self.schema_version,
            labels: self.labels,
            content,
            target,
            priority,
            created: now,
            updated: now,
            etag: 1,
            queries,
            figures: None,
        })
    }
}

fn metric_queries(sent: Map<String, Value>) -> Result<Vec<(String, String)>, HubError> {
    let refused = |text: String| HubError::new(Code::InvalidConfigurationCustomMetricsQuery, text);
    if sent.len() > MOST_METRICS {
        return Err(refused(format!("{} metrics; at most {MOST_METRICS} are allowed.", sent.len())));
    }
    sent.into_iter()
        .map(|(name, query)| match query {
            Value::String(query) if trial::is_metric(&query) => Ok((name, query)),
            _ => Err(refused(format!("The query of metric '{name}' cannot be read."))),
        })
        .collect()
}

impl Configuration {
    fn to_value(&self) -> Value {
        let queries: Map<String, Value> =
            self.queries.iter().map(|(name, query)| (name.clone(), json!(query))).collect();
        let system: Map<String, Value> = system_queries(&self.id, self.content.kind, &self.target.text)
            .into_iter()
            .map(|(name, query)| (name.to_owned(), json!(query)))
            .collect();
        let figures = self.figures.clone().unwrap_or_default();
        let system_results: Map<String, Value> =
            figures.system.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
        let results: Map<String, Value> =
            figures.custom.into_iter().map(|(name, count)| (name, count.into())).collect();
        json!({
            "id": self.id,
            "schemaVersion": self.schema_version,
            "labels": self.labels,
            "content": self.content.to_value(),
            "targetCondition": self.target.text,
            "createdTimeUtc": stamp::instant(self.created),
            "lastUpdatedTimeUtc": stamp::instant(self.updated),
            "priority": self.priority,
            "systemMetrics": {"results": system_results, "queries": system},
            "metrics": {"results": results, "queries": queries},
            "etag": stamp::identity_etag(self.etag),
        })
    }

    fn response(&self) -> Response {
        Response::json(&self.to_value()).etag(&stamp::identity_etag(self.etag))
    }

    /// As stamps in twins name it.
    fn owner(&self) -> Owner {
        Owner { id: self.id.clone(), digest: stamp::ticks(self.created) }
    }

    /// A deployment as those know it who choose and merge; nothing for the other kinds.
    fn to_domain(&self) -> Option<effective::Configuration> {
        let Writes::Edge(manifest) = &self.content.writes else { return None };
        Some(effective::Configuration {
            id: DeploymentId::from_wire(self.id.as_str()),
            priority: self.priority,
            created: self.created,
            target: TargetCondition::from_wire(&self.target.text),
            content: Arc::clone(manifest),
            labels: BTreeMap::new(),
            metrics: BTreeMap::new(),
        })
    }
}

/// Whether the service takes an id: small letters, digits and a little punctuation, no dot.
fn valid_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-+%_*!'".contains(c))
}

fn not_found(id: &str) -> HubError {
    HubError::new(Code::ConfigurationNotFound, format!("Configuration with id '{id}' does not exist on IotHub."))
}

fn check_tag(configuration: &Configuration, tag: Option<&str>) -> Result<(), HubError> {
    match tag {
        Some(tag) if tag != stamp::identity_etag(configuration.etag) => Err(HubError::precondition()),
        _ => Ok(()),
    }
}

/// `GET /configurations`; `top` is ignored, as the service does.
pub(super) fn list(state: &State) -> Response {
    Response::json(&state.configurations.known.iter().map(Configuration::to_value).collect())
}

pub(super) fn get(state: &State, id: &str) -> Result<Response, HubError> {
    state.configurations.find(id).map(Configuration::response).ok_or_else(|| not_found(id))
}

/// Without a tag it creates, with one it updates. Content never changes: another one is answered 200 and not stored.
pub(super) fn put(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let sent = call.object::<Body>()?.read(id, call.now)?;
    let if_match = IfMatch::of(call.request);
    let most = if state.service.edition().is_free() { MOST_ON_FREE } else { MOST };
    let configurations = &mut state.configurations;
    let count = configurations.known.len();
    let stored = match (configurations.find_mut(id), if_match.configuration()) {
        (Some(_), Err(NoCondition)) => {
            let text = format!("Configuration with id '{id}' already exist on IotHub.");
            return Err(HubError::new(Code::ConfigurationAlreadyExists, text));
        }
        (None, Ok(_)) => return Err(not_found(id)),
        (None, Err(NoCondition)) if count >= most => {
            return Err(HubError::new(Code::ConfigurationCountLimitExceeded, "RequestEntityTooLarge"));
        }
        (None, Err(NoCondition)) => {
            configurations.known.push(sent.clone());
            sent
        }
        (Some(known), Ok(tag)) => {
            check_tag(known, tag)?;
            // It was read for the kind that was sent.
            let target = Target::of(&sent.target.text, known.content.kind)?;
            let (content, created, etag) = (known.content.clone(), known.created, known.etag + 1);
            *known = Configuration { content, target, created, etag, ..sent };
            known.clone()
        }
    };
    configurations.due.written(id, call.now, &mut state.entropy);
    Ok(stored.response())
}

/// Deleting leaves the desired values that were written.
pub(super) fn delete(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let known = state.configurations.find(id).ok_or_else(|| not_found(id))?;
    if let Ok(tag) = IfMatch::of(call.request).configuration() {
        check_tag(known, tag)?;
    }
    state.configurations.known.retain(|known| known.id != id);
    state.configurations.due.written(id, call.now, &mut state.entropy);
    Ok(Response::no_content())
}
