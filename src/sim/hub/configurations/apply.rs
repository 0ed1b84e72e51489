//! `POST /devices/{id}/applyConfigurationContent`: one manifest to one edge device, at once and by nobody's name. What
//! a deployment owns there it takes back at its next evaluation.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::effective::merge_one;
use crate::sim::hub::Call;
use crate::sim::hub::errors::HubError;
use crate::sim::hub::message::Response;
use crate::sim::hub::state::State;

use super::content::{Content, Writes, module_names, refused, too_large};
use super::evaluate::create_modules;
use super::write::{Claim, settle};

pub(in crate::sim::hub) fn run(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let body: Map<String, Value> = call.json()?;
    apply(state, id, &body, call.now)?;
    Ok(Response::no_content())
}

/// Writes a manifest to one device.
///
/// # Errors
/// What the service would say to it.
pub(in crate::sim::hub) fn apply(
    state: &mut State,
    id: &str,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Result<(), HubError> {
    let mut device = state.devices.get(id).cloned().ok_or_else(|| HubError::device_not_found(id))?;
    if !device.edge {
        return Err(HubError::argument("Not an Azure IoT Edge device"));
    }
    let Writes::Edge(manifest) = Content::of(Some(body))?.writes else { return Err(refused()) };
    let twins = merge_one(&manifest);
    let agent = twins.iter().find(|(module, _)| module.as_str() == "$edgeAgent");
    let run_by_agent = agent.map(|(_, twin)| module_names(&twin.desired)).unwrap_or_default();
    let named = twins.iter().map(|(module, _)| module.as_str().to_owned());
    create_modules(&mut device, run_by_agent.into_iter().chain(named), &mut state.entropy, now);
    for (module, merged) in &twins {
        let Some(module) = device.modules.get_mut(module.as_str()) else { continue };
        let written: Vec<Vec<String>> = merged.leaves().into_iter().map(|(place, _)| place.keys().to_vec()).collect();
        let claim = |place: &[String]| {
            if written.iter().any(|known| known == place) { Claim::Hand } else { Claim::Nobody }
        };
        let wanted = merged.applied_to(&module.twin.desired.values);
        settle(&mut module.twin, wanted, &claim, now).map_err(|_named_by_the_code| too_large())?;
    }
    state.will_change(id, now);
    state.devices.insert(id.to_owned(), device);
    for (module, _) in &twins {
        state.desired_changed(id, module.as_str(), now);
    }
    Ok(())
}
