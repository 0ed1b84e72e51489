//! Sends a request. The only caller of [`HubWrite`] in the crate; a test holds that.

use std::sync::Arc;

use super::request::{DeploymentChange, DeviceChange, Found, MethodCall, Request};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::ETag;
use crate::domain::json::compact;
use crate::domain::secret::mask_json;
use crate::hub::{HubWrite, MethodReply, MethodTimeouts, Stored};

/// Sends `request` once; what the hub showed of the object afterwards.
///
/// # Errors
/// The fault of the call. What the hub took and did not keep, and what a device answered with a refusal, are faults too.
pub(super) async fn send(write: &HubWrite, request: &Request) -> Result<Found, Fault> {
    match request {
        Request::Twin(change) => {
            let twin = write.patch_twin(&change.target, &change.patch.body(), &change.if_match).await?;
            Ok(Found::Twin(Arc::new(twin)))
        }
        Request::Device(change) => {
            let id = &change.id;
            let device = match &change.change {
                DeviceChange::Create { edge, enabled } => write.create_device(id, *edge, *enabled).await?,
                DeviceChange::Enable(base) => write.set_device_status(id, true, None, &base.etag).await?,
                DeviceChange::Disable { base, reason } => {
                    write.set_device_status(id, false, reason.as_deref(), &base.etag).await?
                }
                DeviceChange::Delete { base, .. } => {
                    write.delete_device(id, &base.etag).await?;
                    return Ok(Found::Absent);
                }
            };
            Ok(Found::Device(Arc::new(device)))
        }
        Request::Deployment(change) => match &change.change {
            DeploymentChange::Create { wanted, .. } => {
                Ok(Found::Deployment(Arc::new(write.create_deployment(wanted).await?)))
            }
            DeploymentChange::Update { base, wanted } => {
                let updated = write.update_deployment(base, wanted).await?;
                if let Stored::NotKept(parts) = updated.stored {
                    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                    let why = format!("the hub answered 200 and kept its own {}", parts.join(", "));
                    let doing = format!("change the deployment {}", change.id.shown());
                    return Err(Fault { status: Some(200), ..Fault::new(FaultKind::Rejected, doing, why) });
                }
                Ok(Found::Deployment(Arc::new(updated.deployed)))
            }
            DeploymentChange::Delete(base) => {
                write.delete_configuration(&change.id, &base.etag).await?;
                Ok(Found::Absent)
            }
        },
        Request::Manifest(change) => {
            let seen: Vec<(_, ETag)> =
                change.seen.iter().filter_map(|twin| Some((twin.id.module.clone()?, twin.etag.clone()))).collect();
            write.apply_content(&change.device, &change.manifest, &seen).await?;
            Ok(Found::Taken)
        }
        Request::Method(call) => {
            let timeouts = MethodTimeouts::default();
            let reply = write.invoke_method(&call.to(), MethodCall::NAME, &call.payload(), timeouts).await?;
            answered(MethodCall::NAME, reply)
        }
    }
}

/// A method's own refusal came back as an answer of 200 around it.
fn answered(name: &str, reply: MethodReply) -> Result<Found, Fault> {
    if (200..300).contains(&reply.status) {
        return Ok(Found::Reply(reply));
    }
    let mut payload = reply.payload;
    mask_json(&mut payload);
    let why = match payload.pointer("/message").and_then(serde_json::Value::as_str) {
        Some(message) => format!("it answered {}: {message}", reply.status),
        None if payload.is_null() => format!("it answered {}", reply.status),
        None => format!("it answered {}: {}", reply.status, compact(&payload)),
    };
    Err(Fault::new(FaultKind::Declined, format!("call {name}"), why))
}
