//! Writes to device identities, and the one read that hands out their keys. `ops` is the only caller of the writes.

use serde_json::{Value, json};

use crate::domain::device::DeviceIdentity;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeviceId, ETag};
use crate::domain::secret::Secret;

use super::client::{Call, Meter};
use super::read::HubRead;
use super::route::Route;
use super::sku::OpClass;
use super::transport::Method;
use super::wire;
use super::write::HubWrite;

/// The most characters of a `statusReason`.
const MAX_STATUS_REASON: usize = 128;

impl HubRead {
    /// What a device signs in with: `HostName=…;DeviceId=…;SharedAccessKey=…` with its primary key, composed here as the
    /// service's own clients do. Free of messages; needs the registry's right to write where a policy grants it.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when there is no such device, [`FaultKind::Rejected`] when it does not sign in with a
    /// symmetric key, [`FaultKind::Unauthorized`] when the hub hands its keys out to others only, and the faults of every
    /// call.
    pub async fn device_connection_string(&self, id: &DeviceId) -> Result<Secret, Fault> {
        let doing = format!("read the key of {}", id.shown());
        let call = self.call(&doing, OpClass::Registry, Meter::Free, Method::GET, route(id));
        let reply = self.0.call(call).await?;
        let key = wire::primary_key(&doing, &reply.body)?;
        let Some(key) = key.filter(|key| !key.expose().is_empty()) else {
            let why = "the hub sent no symmetric key: it signs in with a certificate, or this sign-in may not see keys";
            return Err(Fault::new(FaultKind::Rejected, doing, why));
        };
        // As we reach it, its port included: a real hub has none but 443, and a simulated one is nowhere else.
        let host = self.host();
        Ok(Secret::new(format!("HostName={host};DeviceId={};SharedAccessKey={}", id.as_str(), key.expose())))
    }
}

impl HubWrite {
    /// Creates a device that signs in with keys the hub makes. Without a tag the hub only creates, and refuses an id that
    /// exists. An edge device gets the identities of edgeAgent and edgeHub with it. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::AlreadyExists`] when there is one with this id, and the faults of every call. After
    /// [`Fault::may_have_happened`], read it before anything else.
    pub async fn create_device(&self, id: &DeviceId, edge: bool, enabled: bool) -> Result<DeviceIdentity, Fault> {
        let doing = format!("register {}", id.shown());
        let body = json!({
            "deviceId": id.as_str(),
            "status": if enabled { "enabled" } else { "disabled" },
            "capabilities": { "iotEdge": edge },
        });
        let reply = self.0.call(writing(&doing, Method::PUT, id).with_body(&body)).await?;
        wire::device(&doing, &reply.body)
    }

    /// Lets a device connect, or no longer, if its identity is still the one with the tag `if_match`.
    ///
    /// The hub replaces the whole identity, and makes new keys when they are left out: so it is read right before, and sent
    /// back with the status changed. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when it changed since it was read, [`FaultKind::NotFound`] when it is gone,
    /// [`FaultKind::Unauthorized`] when this sign-in may not see the keys that have to be kept, [`FaultKind::Rejected`]
    /// for a reason of more than 128 characters, and the faults of every call. After [`Fault::may_have_happened`], read
    /// it before anything else.
    pub async fn set_device_status(
        &self,
        id: &DeviceId,
        enabled: bool,
        reason: Option<&str>,
        if_match: &ETag,
    ) -> Result<DeviceIdentity, Fault> {
        let doing = format!("{} {}", if enabled { "enable" } else { "disable" }, id.shown());
        let refused = |kind: FaultKind, why: &str| Fault::new(kind, doing.as_str(), why);
        if reason.is_some_and(|reason| reason.chars().count() > MAX_STATUS_REASON) {
            return Err(refused(FaultKind::Rejected, "a reason has at most 128 characters"));
        }
        let call = writing(&doing, Method::PUT, id).if_match(if_match)?;
        let look = self.reader().call(&doing, OpClass::Registry, Meter::Free, Method::GET, route(id));
        // Nothing was sent yet, so what keeps the identity from being read leaves no doubt about the write.
        let read = self.0.call(look).await.and_then(|reply| wire::identity_to_send_back(&doing, &reply.body));
        let mut body = read.map_err(|fault| Fault { never_sent: true, ..fault })?;
        if body.get("etag").and_then(Value::as_str) != Some(if_match.as_str()) {
            let why = "it changed since it was read; nothing was sent, look again";
            return Err(Fault { never_sent: true, ..refused(FaultKind::PreconditionFailed, why) });
        }
        body.insert("status".to_owned(), json!(if enabled { "enabled" } else { "disabled" }));
        body.insert("statusReason".to_owned(), json!(reason));
        let reply = self.0.call(call.with_body(&Value::Object(body))).await?;
        wire::device(&doing, &reply.body)
    }

    /// Deletes a device with its modules, twins and keys, if its identity is still the one with the tag `if_match`.
    /// Nothing brings the keys back. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when it changed since it was read, [`FaultKind::NotFound`] when it is gone, and
    /// the faults of every call. After [`Fault::may_have_happened`], read it before anything else.
    pub async fn delete_device(&self, id: &DeviceId, if_match: &ETag) -> Result<(), Fault> {
        let doing = format!("delete {}", id.shown());
        self.0.call(writing(&doing, Method::DELETE, id).if_match(if_match)?).await.map(|_empty| ())
    }
}

fn writing(doing: &str, method: Method, id: &DeviceId) -> Call {
    Call::writes(doing, OpClass::Registry, Meter::Free, method, route(id))
}

fn route(id: &DeviceId) -> Option<Route> {
    Route::new("/devices/{}", &[id.as_str()])
}
