//! From what somebody wants to a request: reads the objects it is about as they are now, so that the request is guarded
//! with what was read, and can be looked at before anything is sent. Console and command line prepare alike. Devices are
//! here, `manifest` and `deployment` have a file each, and `radius` reads what a deployment does to the fleet.

mod deployment;
mod manifest;
mod radius;

use std::sync::Arc;

use super::look::existing;
use super::order::Order;
use super::request::{DeviceChange, DeviceWrite, MethodCall, Request};
use crate::domain::fault::Fault;
use crate::domain::ids::DeviceId;
use crate::domain::time::Now;
use crate::hub::HubRead;

/// A request that can be looked at and sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What would be sent.
    pub request: Request,
    /// What is worth knowing and hinders nothing.
    pub warnings: Vec<String>,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprepared {
    /// What it is about could not be read.
    #[error("{fault}; {advice}", fault = .0, advice = .0.advice())]
    Hub(Fault),
    /// The document cannot be used.
    #[error("{0}")]
    Document(String),
    /// What was asked for cannot be, whoever asks.
    #[error("{0}")]
    Unusable(String),
    /// All of it is so already.
    #[error("{0}; nothing was sent")]
    Nothing(String),
}

impl From<Fault> for Unprepared {
    fn from(fault: Fault) -> Self {
        Self::Hub(fault)
    }
}

/// Reads what `order` is about and makes its request.
///
/// # Errors
/// [`Unprepared`]: the hub's faults, a document that is none, and what there is no need or no way to do.
pub async fn prepare(read: &HubRead, order: &Order, now: Now) -> Result<Prepared, Unprepared> {
    let plain = |request| Ok(Prepared { request, warnings: Vec::new() });
    match order {
        Order::Register { device, edge, enabled } => {
            let change = DeviceChange::Create { edge: *edge, enabled: *enabled };
            match existing(read.device(device).await)? {
                None => plain(device_write(device, change)),
                Some(_) => Err(Unprepared::Unusable(format!("{} is registered already", device.shown()))),
            }
        }
        Order::Enable(device) => {
            let base = Arc::new(read.device(device).await?);
            if base.enabled {
                return Err(Unprepared::Nothing(format!("{} is enabled already", device.shown())));
            }
            plain(device_write(device, DeviceChange::Enable(base)))
        }
        Order::Disable { device, reason } => {
            let base = Arc::new(read.device(device).await?);
            if !base.enabled {
                return Err(Unprepared::Nothing(format!("{} is disabled already", device.shown())));
            }
            plain(device_write(device, DeviceChange::Disable { base, reason: reason.clone() }))
        }
        Order::DeleteDevice(device) => {
            let base = Arc::new(read.device(device).await?);
            // A disabled device does not show its modules to a policy; that is no reason to keep it.
            let modules = match read.modules(device).await {
                Ok(modules) => modules.into_iter().map(|module| module.id).collect(),
                Err(_) if !base.enabled => Vec::new(),
                Err(fault) => return Err(fault.into()),
            };
            plain(device_write(device, DeviceChange::Delete { base, modules }))
        }
        Order::Restart { device, module } => {
            plain(Request::Method(MethodCall { device: device.clone(), module: module.clone() }))
        }
        Order::Apply { device, manifest } => manifest::apply(read, device, manifest).await,
        Order::Create(new) => deployment::create(read, new, now).await,
        Order::Amend(id, amendment) => deployment::amend(read, id, amendment).await,
        Order::DeleteDeployment(id) => deployment::delete(read, id).await,
    }
}

fn device_write(device: &DeviceId, change: DeviceChange) -> Request {
    Request::Device(DeviceWrite { id: device.clone(), change })
}
