//! Module identities: `/devices/{id}/modules` and `/devices/{id}/modules/{mid}`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::entropy::Entropy;
use super::errors::{Code, HubError};
use super::message::{IfMatch, Response};
use super::registry::{AuthenticationBody, authentication_value, check_tag, valid_id};
use super::stamp;
use super::state::{Authentication, Device, Identity, Module, State};

/// Modules a device can have, the runtime's two included.
const MAX_MODULES: usize = 50;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ModuleBody {
    module_id: Option<String>,
    managed_by: Option<String>,
    authentication: Option<AuthenticationBody>,
}

fn module_value(device: &str, id: &str, module: &Module, creating: bool, now: Timestamp) -> Value {
    let time = |at| match at {
        None if creating => stamp::ZERO_TIME_AT_CREATION.to_owned(),
        at => stamp::instant_or_never(at),
    };
    let identity = &module.identity;
    json!({
        "moduleId": id,
        "managedBy": module.managed_by,
        "deviceId": device,
        "generationId": stamp::ticks(identity.created),
        "etag": stamp::identity_etag(identity.etag),
        "connectionState": identity.connection_state(now),
        "connectionStateUpdatedTime": time(identity.seems_so_since(now)),
        "lastActivityTime": time(identity.last_activity(now)),
        "cloudToDeviceMessageCount": 0,
        "authentication": authentication_value(&identity.authentication),
    })
}

/// The device, unless it is missing or disabled: under SAS the service answers 401 then, and so do we.
fn reachable<'a>(state: &'a State, device: &str) -> Result<&'a Device, HubError> {
    state.device(device).filter(|device| device.enabled).ok_or_else(|| HubError::unauthorized("Unauthorized"))
}

pub(super) fn list(state: &State, call: &Call<'_>, device_id: &str) -> Result<Response, HubError> {
    let device = reachable(state, device_id)?;
    Ok(Response::json(
        &device.modules.iter().map(|(id, module)| module_value(device_id, id, module, false, call.now)).collect(),
    ))
}

pub(super) fn get(state: &State, call: &Call<'_>, device_id: &str, id: &str) -> Result<Response, HubError> {
    let device = reachable(state, device_id)?;
    let module = device.modules.get(id).ok_or_else(|| HubError::module_not_found(device_id, id))?;
    Ok(Response::json(&module_value(device_id, id, module, false, call.now)))
}

/// What authentication a module is stored with: `none` is for the runtime's own, and becomes keys.
pub(super) fn authentication(
    body: Option<AuthenticationBody>,
    entropy: &mut Entropy,
) -> Result<Authentication, HubError> {
    Ok(match AuthenticationBody::resolve(body, entropy)? {
        Authentication::None => Authentication::fresh(entropy),
        authentication => authentication,
    })
}

/// Refuses an id that no module can have that somebody makes.
pub(super) fn check_id(device: &Device, id: &str) -> Result<(), HubError> {
    if !valid_id(id) {
        return Err(HubError::argument(format!("moduleId must be '{id}', as in the path, and a valid id.")));
    }
    match (id.starts_with('$'), device.modules.contains_key(id)) {
        (false, _) => Ok(()),
        (true, true) => Err(HubError::reserved_module()),
        (true, false) => Err(HubError::argument(format!("moduleId '{id}' is reserved; it must not start with '$'."))),
    }
}

/// Refuses one module more than a device can have.
pub(super) fn check_room(device_id: &str, device: &Device) -> Result<(), HubError> {
    let count = device.modules.len();
    if count < MAX_MODULES {
        return Ok(());
    }
    let text = format!("Device {device_id} has {count} modules; at most {MAX_MODULES} are allowed.");
    Err(HubError::new(Code::TooManyModulesOnDevice, text))
}

pub(super) fn put(
    state: &mut State,
    call: &Call<'_>,
    hub: &str,
    device_id: &str,
    id: &str,
) -> Result<Response, HubError> {
    let body: ModuleBody = call.object()?;
    let device = reachable(state, device_id)?;
    if body.module_id.as_deref().is_some_and(|given| given != id) {
        return Err(HubError::argument(format!("moduleId must be '{id}', as in the path, and a valid id.")));
    }
    check_id(device, id)?;
    let if_match = IfMatch::of(call.request);
    let (existing, room) = (device.modules.get(id).cloned(), check_room(device_id, device));
    let authentication = authentication(body.authentication, &mut state.entropy)?;
    let (module, creating) = match (existing, if_match.identity()) {
        (Some(_), Err(_)) => return Err(HubError::module_exists(hub, device_id, id)),
        (None, Ok(_)) => return Err(HubError::module_not_found(device_id, id)),
        (Some(mut module), Ok(tag)) => {
            check_tag(&module.identity, tag)?;
            module.identity.etag += 1;
            module.identity.authentication = authentication;
            module.managed_by = body.managed_by;
            (module, false)
        }
        (None, Err(_)) => {
            room?;
            let identity = Identity::new(authentication, state.entropy.first_etag(), call.now);
            (Module::new(identity, body.managed_by), true)
        }
    };
    let response = Response::json(&module_value(device_id, id, &module, creating, call.now));
    state.will_change(device_id, call.now);
    if let Some(device) = state.devices.get_mut(device_id) {
        device.modules.insert(id.to_owned(), module);
    }
    Ok(response)
}

pub(super) fn delete(state: &mut State, call: &Call<'_>, device_id: &str, id: &str) -> Result<Response, HubError> {
    let device = reachable(state, device_id)?;
    let module = device.modules.get(id).ok_or_else(|| HubError::module_not_found(device_id, id))?;
    if id.starts_with('$') {
        return Err(HubError::reserved_module());
    }
    let if_match = IfMatch::of(call.request);
    let Ok(tag) = if_match.identity() else {
        return Err(HubError::new(Code::PreconditionFailed, "Etag missing"));
    };
    check_tag(&module.identity, tag)?;
    state.will_change(device_id, call.now);
    if let Some(device) = state.devices.get_mut(device_id) {
        device.modules.remove(id);
    }
    Ok(Response::no_content())
}
