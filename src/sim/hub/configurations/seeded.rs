//! Configurations of a world that is being made: created in the past, and settled as if the hub had always had them.

use jiff::Timestamp;
use serde_json::Value;

use crate::sim::hub::errors::HubError;
use crate::sim::hub::seed::ConfigurationSeed;
use crate::sim::hub::state::State;

use super::{Body, MetricsBody};

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
