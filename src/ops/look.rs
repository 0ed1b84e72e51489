//! Reads an object back after a write without an answer, and weighs what is there.

use std::sync::Arc;

use super::request::{Found, MethodCall, ReadBack, Request};
use crate::domain::deployment::Listed;
use crate::domain::fault::{Fault, FaultKind};
use crate::hub::HubRead;

const GONE: &str = "the twin is gone";

/// What the object says of the write now.
///
/// # Errors
/// The fault of the reading, except that something is not there, which is an answer.
pub(super) async fn look(read: &HubRead, request: &Request) -> Result<(ReadBack, Found), Fault> {
    match request {
        Request::Twin(change) => Ok(match existing(read.twin(&change.target).await)? {
            Some(twin) => (change.weigh(&twin), Found::Twin(Arc::new(twin))),
            None => (ReadBack::Undecidable(GONE), Found::Absent),
        }),
        Request::Device(change) => {
            let device = existing(read.device(&change.id).await)?;
            let weighed = change.weigh(device.as_ref());
            Ok((weighed, device.map_or(Found::Absent, |device| Found::Device(Arc::new(device)))))
        }
        Request::Deployment(change) => Ok(match existing(read.configuration(&change.id).await)? {
            Some(Listed::Edge(found)) => (change.weigh(Some(&found)), Found::Deployment(Arc::from(found))),
            Some(Listed::Other(_)) => (ReadBack::Overtaken, Found::Taken),
            None => (change.weigh(None), Found::Absent),
        }),
        Request::Manifest(change) => {
            let mut found = Vec::new();
            for id in change.twins() {
                found.extend(existing(read.twin(&id).await)?.map(Arc::new));
            }
            Ok((change.weigh(&found), Found::Taken))
        }
        Request::Method(_) => Ok((MethodCall::weigh(), Found::Absent)),
    }
}

/// The object after the hub refused because it changed: whatever can be read of it.
pub(super) async fn theirs(read: &HubRead, request: &Request) -> Option<Found> {
    look(read, request).await.ok().map(|(_, found)| found)
}

/// What was read; nothing, where there is none.
pub(super) fn existing<T>(read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}
