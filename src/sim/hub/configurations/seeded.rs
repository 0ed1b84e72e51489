//! Configurations of a world that is being made: created in the past, and settled as if the hub had always had them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::hub::errors::HubError;
use crate::sim::hub::seed::ConfigurationSeed;
use crate::sim::hub::state::State;

use super::content::Kind;
use super::target::Target;
use super::{Body, Configuration, MetricsBody};

/// Stores a configuration as created at its instant.
///
/// # Errors
/// What the service would say to it.
pub(in crate::sim::hub) fn store(state: &mut State, seed: ConfigurationSeed) -> Result<(), HubError> {
    let (id, created) = (seed.id.clone(), seed.created);
    let configuration = read(seed)?.read(&id, created)?;
    state.configurations.known.push(configuration);
    Ok(())
}

/// What the service would say to a configuration, and nothing else.
///
/// # Errors
/// Its words.
pub(in crate::sim) fn check(seed: &ConfigurationSeed) -> Result<(), String> {
    let body = read(seed.clone()).and_then(|body| body.read(&seed.id, seed.created));
    body.map(|_configuration| ()).map_err(|error| error.text)
}

fn read(seed: ConfigurationSeed) -> Result<Body, HubError> {
    let ConfigurationSeed { id: _, created: _, priority, target, content, labels, metrics } = seed;
    let Value::Object(content) = content else { return Err(super::content::refused()) };
    Ok(Body {
        content: Some(content),
        target_condition: Some(target),
        priority: Some(priority.into()),
        labels: Some(labels).filter(|labels| !labels.is_empty()),
        metrics: Some(MetricsBody { queries: Some(metrics) }),
        ..Body::default()
    })
}

/// Whom configurations are for, to be asked before there are any devices.
pub(in crate::sim) struct Targets(Vec<Target>);

impl Targets {
    /// Those of the seeds; nothing when one of them looks at more than a device's id and tags, or is none.
    pub(in crate::sim) fn of<'a>(seeds: impl Iterator<Item = &'a ConfigurationSeed>) -> Option<Self> {
        let target = |seed: &ConfigurationSeed| {
            let Configuration { target, content, .. } = read(seed.clone()).ok()?.read(&seed.id, seed.created).ok()?;
            (content.kind != Kind::Module && !target.reads_properties()).then_some(target)
        };
        seeds.map(target).collect::<Option<_>>().map(Self)
    }

    /// Which of them are for a device.
    pub(in crate::sim) fn meeting(&self, device: &str, tags: &Map<String, Value>) -> Vec<bool> {
        let document = json!({"deviceId": device, "tags": tags});
        self.0.iter().map(|target| target.meets(&document)).collect()
    }
}

/// A configuration was created in the past, and the hub does with it what it does with one that was just written.
pub(in crate::sim::hub) fn changed(state: &mut State, id: &str, at: Timestamp) {
    state.configurations.due.written(id, at, &mut state.entropy);
}

/// A configuration was deleted in the past.
pub(in crate::sim::hub) fn delete(state: &mut State, id: &str, at: Timestamp) {
    state.configurations.known.retain(|known| known.id != id);
    changed(state, id, at);
}

/// Has everything evaluated and counted as of `now` before the first request is answered, so that the first beat finds
/// nothing new, and nobody waits for it who has not asked anything yet.
pub(in crate::sim::hub) fn settle(state: &mut State, now: Timestamp) {
    state.configurations.due.everything(now);
}
