//! Items of a bulk call that are about a module of a device.

use crate::sim::hub::Call;
use crate::sim::hub::errors::HubError;
use crate::sim::hub::modules;
use crate::sim::hub::registry::check_tag;
use crate::sim::hub::state::{Identity, Module, State};

use super::{Item, Mode};

/// Does what one item asks of a module. Unlike the calls for one module, it says of a missing device that it is missing:
/// what the service says to whoever comes with a shared key is not recorded.
pub(super) fn one(state: &mut State, call: &Call<'_>, hub: &str, mut item: Item) -> Result<(), HubError> {
    let (id, module) = (item.id.clone(), item.module_id.clone().unwrap_or_default());
    let (id, module) = (id.as_str(), module.as_str());
    let mode = item.mode()?;
    let device = state.devices.get(id).ok_or_else(|| HubError::device_not_found(id))?;
    if let Mode::Create = mode {
        modules::check_id(device, module)?;
        if device.modules.contains_key(module) {
            return Err(HubError::module_exists(hub, id, module));
        }
        modules::check_room(id, device)?;
        let authentication = modules::authentication(item.authentication.take(), &mut state.entropy)?;
        let identity = Identity::new(authentication, state.entropy.first_etag(), call.now);
        let mut made = Module::new(identity, None);
        made.twin.seed(item.twin_write()?).map_err(|limit| HubError::argument(limit.to_string()))?;
        put(state, id, module, made);
        return Ok(());
    }
    let mut known = device.modules.get(module).cloned().ok_or_else(|| HubError::module_not_found(id, module))?;
    if module.starts_with('$') {
        return Err(HubError::reserved_module());
    }
    match mode {
        Mode::Create => {}
        Mode::UpdateTwin { guarded } => {
            item.check_twin_tag(guarded, known.twin.etag)?;
            let write = item.twin_write()?;
            known.twin.patch(write, call.now).map_err(|limit| HubError::argument(limit.to_string()))?;
            put(state, id, module, known);
            state.desired_changed(id, module, call.now);
        }
        Mode::Update { guarded } => {
            check_tag(&known.identity, item.etag.as_deref().filter(|_| guarded))?;
            known.identity.authentication = modules::authentication(item.authentication.take(), &mut state.entropy)?;
            known.identity.etag += 1;
            put(state, id, module, known);
        }
        Mode::Delete { guarded } => {
            check_tag(&known.identity, item.etag.as_deref().filter(|_| guarded))?;
            if let Some(device) = state.devices.get_mut(id) {
                device.modules.remove(module);
            }
        }
    }
    Ok(())
}

fn put(state: &mut State, id: &str, name: &str, module: Module) {
    if let Some(device) = state.devices.get_mut(id) {
        device.modules.insert(name.to_owned(), module);
    }
}
