//! `POST /devices`: up to a hundred devices at once, answered by 200 or 400 in a shape of its own.

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

#[derive(Deserialize)]
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
}

pub(super) fn run(state: &mut State, call: &Call<'_>) -> Result<Response, HubError> {
    let items: Vec<Item> = call.json()?;
    if items.len() > MAX_ITEMS {
        return Err(HubError::new(
            Code::TooManyDevices,
            format!("{} devices; at most {MAX_ITEMS} are allowed.", items.len()),
        ));
    }
    let mut errors = Vec::new();
    for item in items {
        let (id, module, operation) = (item.id.clone(), item.module_id.clone(), item.import_mode.clone());
        if let Err(error) = one(state, call, item) {
            errors.push(json!({
                "deviceId": id,
                "errorCode": error.code.name(),
                "errorStatus": error.text,
                "moduleId": module,
                "operation": operation,
            }));
        }
    }
    let status = if errors.is_empty() { 200 } else { 400 };
    Ok(Response::with_status(status, &json!({"isSuccessful": errors.is_empty(), "errors": errors, "warnings": []})))
}

fn one(state: &mut State, call: &Call<'_>, mut item: Item) -> Result<(), HubError> {
    let id = item.id.clone();
    if item.module_id.is_some() {
        return Err(HubError::argument(
            "Modules in bulk calls are not simulated; use PUT /devices/{id}/modules/{mid}.",
        ));
    }
    let mode = item.import_mode.to_ascii_lowercase();
    match mode.as_str() {
        "create" | "" => {
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
        "update" | "updateifmatchetag" | "delete" | "deleteifmatchetag" | "updatetwin" | "updatetwinifmatchetag" => {}
        _ => return Err(HubError::argument(format!("importMode '{}' is unknown.", item.import_mode))),
    }
    let mut device = state.device(&id).cloned().ok_or_else(|| HubError::device_not_found(&id))?;
    match mode.as_str() {
        "updatetwin" | "updatetwinifmatchetag" => {
            let stale = item.twin_etag.as_ref().is_some_and(|tag| *tag != stamp::twin_etag(device.twin.etag));
            if mode.ends_with("ifmatchetag") && stale {
                return Err(HubError::precondition());
            }
            let write = item.twin_write()?;
            device.twin.patch(write, call.now).map_err(|limit| HubError::argument(limit.to_string()))?;
        }
        _ => {
            if mode.ends_with("ifmatchetag") {
                check_tag(&device.identity, item.etag.as_deref())?;
            }
            if mode.starts_with("delete") {
                state.remove_device(&id, call.now);
                return Ok(());
            }
            registry::apply(&id, &mut device, item.body(), false, call.now, &mut state.entropy)?;
            device.identity.etag += 1;
        }
    }
    state.put_device(&id, device, call.now);
    Ok(())
}
