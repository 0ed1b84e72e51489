//! Ids as they are typed on the command line.

use crate::domain::deployment::DeploymentIdError;
use crate::domain::ids::{DeploymentId, DeviceId, IdError, ModuleId, TwinId};

/// A device's id.
///
/// # Errors
/// [`IdError`] when IoT Hub could not hold such an id.
pub fn device_id(text: &str) -> Result<DeviceId, IdError> {
    DeviceId::parse(text)
}

/// A deployment's id.
///
/// # Errors
/// [`DeploymentIdError`] when IoT Hub could not hold such an id.
pub fn deployment_id(text: &str) -> Result<DeploymentId, DeploymentIdError> {
    DeploymentId::parse(text)
}

/// A module's id. The runtime's own modules are also known by the names of their containers.
///
/// # Errors
/// [`IdError`] when IoT Hub could not hold such an id.
pub fn module_id(text: &str) -> Result<ModuleId, IdError> {
    match text {
        "edgeAgent" => Ok(ModuleId::edge_agent()),
        "edgeHub" => Ok(ModuleId::edge_hub()),
        _ => ModuleId::parse(text),
    }
}

/// `DEVICE`, or `DEVICE/MODULE`.
///
/// # Errors
/// [`IdError`] when IoT Hub could not hold such an id.
pub fn twin_id(text: &str) -> Result<TwinId, IdError> {
    match text.split_once('/') {
        None => Ok(TwinId::device(DeviceId::parse(text)?)),
        Some((device, module)) => Ok(TwinId::module(DeviceId::parse(device)?, ModuleId::parse(module)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_parts_device_and_module() {
        let module = |text: &str| twin_id(text).map(|id| id.module.map(|module| module.as_str().to_owned()));
        assert_eq!(module("d"), Ok(None));
        assert_eq!(module("d/$edgeAgent"), Ok(Some("$edgeAgent".to_owned())));
        assert_eq!(module("d/"), Err(IdError::Empty));
        assert_eq!(module("d/m/x"), Err(IdError::Character('/')));
    }
}
