//! `POST /devices`: up to a hundred devices and modules at once, answered by 200 or 400 in a shape of its own. What items
//! about modules ask for is in `modules`.

mod modules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Call;
use super::errors::{Code, HubError};
use super::message::Response;
use super::registry::{self, AuthenticationBody, CapabilitiesBody, DeviceBody, check_tag, valid_id};
use super::stamp;
use super::state::State;
use super::twin::TwinWrite;

const MAX_ITEMS: usize = 100;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    module_id: Option<String>,
    #[serde(rename = "eTag")]
    etag: Option<String>,
    #[serde(default)]
    import_mode: String,
    status: Option<String>,
    status_reason: Option<String>,
    authentication: Option<AuthenticationBody>,
    capabilities: Option<CapabilitiesBody>,
    device_scope: Option<String>,
    parent_scopes: Option<Vec<String>>,
    tags: Option<Map<String, Value>>,
    properties: Option<Value>,
    #[serde(rename = "twinETag")]
    twin_etag: Option<String>,
}

impl Item {
    fn body(&mut self) -> DeviceBody {
        DeviceBody {
            status: self.status.take(),
            status_reason: self.status_reason.take(),
            authentication: self.authentication.take(),
            capabilities: self.capabilities.take(),
            device_scope: self.device_scope.take(),
            parent_scopes: self.parent_scopes.take(),
            ..DeviceBody::default()
        }
    }

    fn twin_write(&mut self) -> Result<TwinWrite, HubError> {
        let body = json!({ "tags": self.tags.take(), "properties": self.properties.take() });
        TwinWrite::of(&body).map_err(HubError::argument)
    }

    fn mode(&self) -> Result<Mode, HubError> {
        Ok(match self.import_mode.to_ascii_lowercase().as_str() {
            "create" | "" => Mode::Create,
            "update" => Mode::Update { guarded: false },
            "updateifmatchetag" => Mode::Update { guarded: true },
            "updatetwin" => Mode::UpdateTwin { guarded: false },
            "updatetwinifmatchetag" => Mode::UpdateTwin { guarded: true },
            "delete" => Mode::Delete { guarded: false },
            "deleteifmatchetag" => Mode::Delete { guarded: true },
            _ => return Err(HubError::argument(format!("importMode '{}' is unknown.", self.import_mode))),
        })
    }

    fn check_twin_tag(&self, guarded: bool, counter: u64) -> Result<(), HubError> {
        let stale = self.twin_etag.as_ref().is_some_and(|tag| *tag != stamp::twin_etag(counter));
        if guarded && stale { Err(HubError::precondition()) } else { Ok(()) }
    }

    /// Whose item it is: a device's, or a module's of a device.
    fn subject(&self) -> (String, Option<String>) {
        (self.id.clone(), self.module_id.clone())
    }

    fn failed(&self, error: &HubError) -> Value {
        json!({
            "deviceId": self.id,
            "errorCode": error.code.name(),
            "errorStatus": error.text,
            "moduleId": self.module_id,
            "operation": self.import_mode,
        })
    }
}

pub(super) fn run(state: &mut State, call: &Call<'_>, hub: &str) -> Result<Response, HubError> {
    let items: Vec<Item> = call.json()?;
    if items.len() > MAX_ITEMS {
        return Err(HubError::new(
            Code::TooManyDevices,
            format!("{} devices; at most {MAX_ITEMS} are allowed.", items.len()),
        ));
    }
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    items.iter().for_each(|item| *times.entry(item.subject()).or_default() += 1);
    let twice = |item: &&Item| times.get(&item.subject()).is_some_and(|times| *times > 1);
    let text = "A device can be specified only once.";
    let defined_twice = HubError::new(Code::DeviceDefinedMultipleTimes, text);
    // What the service does then is not recorded; the strictest is to do nothing of what was asked.
    let mut errors: Vec<Value> = items.iter().filter(twice).map(|item| item.failed(&defined_twice)).collect();
    if errors.is_empty() {
        for item in items {
            let failed = item.clone();
            if let Err(error) = one(state, call, hub, item) {
                errors.push(failed.failed(&error));
            }
        }
    }
    let status = if errors.is_empty() { 200 } else { 400 };
    Ok(Response::with_status(status, &json!({"isSuccessful": errors.is_empty(), "errors": errors, "warnings": []})))
}

/// What an item asks for. Clients write it in any case; `guarded` is with the entity tag that was read.
#[derive(Clone, Copy)]
enum Mode {
    Create,
    Update { guarded: bool },
    UpdateTwin { guarded: bool },
    Delete { guarded: bool },
}

fn one(state: &mut State, call: &Call<'_>, hub: &str, mut item: Item) -> Result<(), HubError> {
    let id = item.id.clone();
    if item.module_id.is_some() {
        return modules::one(state, call, hub, item);
    }
    let mode = item.mode()?;
    if let Mode::Create = mode {
        if !valid_id(&id) {
            return Err(HubError::argument(format!("'{id}' is not a valid device id.")));
        }
        if state.devices.contains_key(&id) {
            return Err(HubError::device_exists(&id));
        }
        let write = item.twin_write()?;
        let mut device = registry::create(&id, item.body(), call.now, &mut state.entropy)?;
        device.twin.seed(write).map_err(|limit| HubError::argument(limit.to_string()))?;
        state.put_device(&id, device, call.now);
        return Ok(());
    }
    let mut device = state.device(&id).cloned().ok_or_else(|| HubError::device_not_found(&id))?;
    match mode {
        Mode::Create => {}
        Mode::UpdateTwin { guarded } => {
            item.check_twin_tag(guarded, device.twin.etag)?;
            let write = item.twin_write()?;
            device.twin.patch(write, call.now).map_err(|limit| HubError::argument(limit.to_string()))?;
        }
        Mode::Update { guarded } => {
            check_tag(&device.identity, item.etag.as_deref().filter(|_| guarded))?;
            registry::apply(&id, &mut device, item.body(), false, call.now, &mut state.entropy)?;
            device.identity.etag += 1;
        }
        Mode::Delete { guarded } => {
            check_tag(&device.identity, item.etag.as_deref().filter(|_| guarded))?;
            state.remove_device(&id, call.now);
            return Ok(());
        }
    }
    state.put_device(&id, device, call.now);
    Ok(())
}
