//! Writes to configurations, and manifests to single devices. `ops` is the only caller, as of everything in `write`.

use crate::domain::deployment::{Configuration, Deployed, Listed, Part};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeploymentId, DeviceId, ETag, ModuleId, TwinId};
use crate::domain::manifest::Manifest;

use super::client::{Call, Meter};
use super::route::Route;
use super::sku::OpClass;
use super::transport::Method;
use super::wire;
use super::write::HubWrite;

/// What became of an update that the hub answered with success.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The deployment as it was read back, or as the answer had it when that failed.
    pub deployed: Deployed,
    /// Whether what was sent is what is there.
    pub stored: Stored,
}

/// Whether an update is what the hub holds now. The hub answers 200 to what it does not store.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// It is.
    AsSent,
    /// The tag is still that of our write, and these parts are not what was sent.
    NotKept(Vec<Part>),
    /// Somebody wrote after us; what is there is theirs.
    ChangedSince,
    /// It could not be read back.
    Unread(Fault),
}

impl HubWrite {
    /// Creates a deployment. No tag is needed: without one the hub only creates, and refuses an id that exists. Free of
    /// messages; takes effect on twins seconds later.
    ///
    /// # Errors
    /// [`FaultKind::AlreadyExists`] when there is one with this id, [`FaultKind::Rejected`] for what the hub refuses or
    /// would refuse, and the faults of every call. After [`Fault::may_have_happened`], read it before anything else.
    pub async fn create_deployment(&self, configuration: &Configuration) -> Result<Deployed, Fault> {
        let doing = format!("create the deployment {}", configuration.id.shown());
        refuse(&doing, configuration)?;
        let body = wire::configuration_body(configuration, None);
        let reply = self.0.call(writing(&doing, Method::PUT, &configuration.id).with_body(&body)).await?;
        edge(&doing, wire::configuration(&doing, &reply.body)?)
    }

    /// Makes the deployment that was read as `base` what `wanted` says, if its tag is still the same. Everything but
    /// the content can change; one with another content is not sent, since the hub would answer 200 and keep the old
    /// one. Reads it back afterwards and compares. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when it changed since it was read, [`FaultKind::NotFound`] when it is gone,
    /// [`FaultKind::Rejected`] for what the hub refuses or would refuse, and the faults of every call. After
    /// [`Fault::may_have_happened`], read it before anything else.
    pub async fn update_deployment(&self, base: &Deployed, wanted: &Configuration) -> Result<Updated, Fault> {
        let id = &base.configuration.id;
        let doing = format!("change the deployment {}", id.shown());
        let refused = |why: &str| Fault::new(FaultKind::Rejected, doing.as_str(), why);
        if *id != wanted.id {
            return Err(refused("the id of a deployment never changes; create a new one"));
        }
        if base.configuration.differences(wanted).contains(&Part::Content) {
            return Err(refused(
                "the content of a deployment never changes; create a new one with another id and a higher priority",
            ));
        }
        refuse(&doing, wanted)?;
        let body = wire::configuration_body(wanted, base.schema_version.as_ref());
        let call = writing(&doing, Method::PUT, id).if_match(&base.etag)?.with_body(&body);
        let reply = self.0.call(call).await?;
        let answered = edge(&doing, wire::configuration(&doing, &reply.body)?)?;
        let read = match self.reader().configuration(id).await {
            Ok(listed) => edge(&doing, listed),
            Err(fault) => Err(fault),
        };
        Ok(match read {
            Err(fault) => Updated { deployed: answered, stored: Stored::Unread(fault) },
            Ok(deployed) => {
                let parts = deployed.configuration.differences(wanted);
                let stored = match (parts.is_empty(), deployed.etag == answered.etag) {
                    (_, false) => Stored::ChangedSince,
                    (true, true) => Stored::AsSent,
                    (false, true) => Stored::NotKept(parts),
                };
                Updated { deployed, stored }
            }
        })
    }

    /// Deletes a configuration of any kind, if its tag is still `if_match`. The hub keeps the values it wrote; devices
    /// fall back to the next deployment that matches them. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when it changed since it was read, [`FaultKind::NotFound`] when it is gone,
    /// and the faults of every call. After [`Fault::may_have_happened`], read it before anything else.
    pub async fn delete_configuration(&self, id: &DeploymentId, if_match: &ETag) -> Result<(), Fault> {
        let doing = format!("delete the deployment {}", id.shown());
        self.0.call(writing(&doing, Method::DELETE, id).if_match(if_match)?).await.map(|_empty| ())
    }

    /// Applies a manifest to one edge device, at once. Costs the manifest in blocks, and the twin reads below.
    ///
    /// The hub has no tag for this: whoever writes last wins. What guards it is done here, right before sending: every
    /// twin in `seen`, the ones the operator looked at, is read again, and nothing is sent when a tag has moved. Every
    /// module the manifest writes to must be among them, unless it does not exist yet. Between the reads and the write
    /// remains the time of one call, and a deployment that matches the device takes back what it owns within minutes;
    /// say so, and read back.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when a twin changed since it was seen, [`FaultKind::Rejected`] for a manifest
    /// without `$edgeAgent`, for a twin nobody looked at and for what the hub refuses, and the faults of every call.
    /// After [`Fault::may_have_happened`], read the twins before anything else.
    pub async fn apply_content(
        &self,
        device: &DeviceId,
        content: &Manifest,
        seen: &[(ModuleId, ETag)],
    ) -> Result<(), Fault> {
        let doing = format!("apply a manifest to {}", device.shown());
        if content.kind().is_none() {
            return Err(Fault::new(FaultKind::Rejected, doing.as_str(), "the manifest has no $edgeAgent"));
        }
        let written = content.modules.iter().filter(|(_, entry)| !entry.assignments.is_empty());
        let mut looked_at: Vec<(&ModuleId, Option<&ETag>)> = seen.iter().map(|(id, tag)| (id, Some(tag))).collect();
        looked_at
            .extend(written.map(|(id, _)| (id, None)).filter(|(id, _)| !seen.iter().any(|(known, _)| known == *id)));
        for (module, tag) in looked_at {
            self.unchanged(&doing, &TwinId::module(device.clone(), module.clone()), tag).await?;
        }
        let route = Route::new("/devices/{}/applyConfigurationContent", &[device.as_str()]);
        let call = Call::writes(&doing, OpClass::Configuration, Meter::Request, Method::POST, route);
        self.0.call(call.with_body(&content.to_value())).await.map(|_empty| ())
    }

    /// Whether a twin still has its tag; `None` when it was not there.
    async fn unchanged(&self, doing: &str, id: &TwinId, tag: Option<&ETag>) -> Result<(), Fault> {
        let told =
            |kind: FaultKind, why: &str| Err(Fault::new(kind, doing, format!("the twin of {} {why}", id.shown())));
        match (self.reader().twin(id).await, tag) {
            (Ok(twin), Some(tag)) if twin.etag == *tag => Ok(()),
            (Ok(_), Some(_)) => {
                told(FaultKind::PreconditionFailed, "changed since it was read; nothing was sent, look again")
            }
            (Ok(_), None) => told(FaultKind::Rejected, "would be written to, and was not looked at; read it first"),
            (Err(fault), None) if fault.kind == FaultKind::NotFound => Ok(()),
            (Err(fault), Some(_)) if fault.kind == FaultKind::NotFound => {
                told(FaultKind::PreconditionFailed, "is gone since it was read; nothing was sent, look again")
            }
            // Nothing was sent, so what kept the look from happening leaves no doubt about the write.
            (Err(fault), _) => Err(Fault { doing: doing.into(), never_sent: true, ..fault }),
        }
    }
}

fn writing(doing: &str, method: Method, id: &DeploymentId) -> Call {
    Call::writes(doing, OpClass::Configuration, Meter::Free, method, configuration_route(id))
}

pub(super) fn configuration_route(id: &DeploymentId) -> Option<Route> {
    Route::new("/configurations/{}", &[id.as_str()])
}

/// What the hub would refuse is not sent.
fn refuse(doing: &str, configuration: &Configuration) -> Result<(), Fault> {
    match configuration.refusals().first() {
        Some(refusal) => Err(Fault::new(FaultKind::Rejected, doing, refusal.to_string())),
        None => Ok(()),
    }
}

/// A deployment was written, so a deployment must come back.
fn edge(doing: &str, listed: Listed) -> Result<Deployed, Fault> {
    match listed {
        Listed::Edge(deployed) => Ok(*deployed),
        Listed::Other(_) => {
            Err(Fault::new(FaultKind::Protocol, doing, "the answer is no IoT Edge deployment that can be read"))
        }
    }
}
