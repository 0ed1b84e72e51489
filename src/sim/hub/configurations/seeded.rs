//! Configurations of a world that is being made: created in the past, and settled as if the hub had always had them.

use jiff::Timestamp;
use serde_json::Value;

use crate::sim::hub::errors::HubError;
use crate::sim::hub::seed::ConfigurationSeed;
use crate::sim::hub::state::State;

use super::evaluate::{self, Scope};
use super::{Body, metrics};

/// Stores a configuration as created at its instant.
///
/// # Errors
/// What the service would say to it.
pub(in crate::sim::hub) fn store(state: &mut State, seed: ConfigurationSeed) -> Result<(), HubError> {
    let ConfigurationSeed { id, created, priority, target, content } = seed;
    let Value::Object(content) = content else { return Err(super::content::refused()) };
    let body = Body {
        content: Some(content),
        target_condition: Some(target),
        priority: Some(priority.into()),
        ..Body::default()
    };
    state.configurations.known.push(body.read(&id, created)?);
    Ok(())
}

/// Evaluates and counts everything as of `now`, so that the first beat finds nothing new.
pub(in crate::sim::hub) fn settle(state: &mut State, now: Timestamp) {
    evaluate::run(state, Scope::Everything, now);
    metrics::count(state, None);
}
