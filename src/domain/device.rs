//! Identities from the registry: devices and modules, without their keys.

use super::ids::{DeviceId, ETag, ModuleId};
use super::text::Untrusted;
use super::time::HubTime;

/// A device identity (`GET /devices/{id}`). Keys are not kept; whoever needs one asks for it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The id.
    pub id: DeviceId,
    /// The identity's own tag (another counter than the twin's).
    pub etag: ETag,
    /// `generationId`: the creation instant in ticks; tells a recreated device from the old one.
    pub generation_id: Untrusted,
    /// Whether the hub lets it connect.
    pub enabled: bool,
    /// Why it is disabled, in the words of whoever did it.
    pub status_reason: Option<Untrusted>,
    /// Whether it is an IoT Edge device.
    pub edge: bool,
    /// The hub's view of the connection; lags, and says `Disconnected` for healthy edge devices.
    pub connection_state: Untrusted,
    /// When the hub last saw activity.
    pub last_activity: Option<HubTime>,
    /// `sas`, `selfSigned`, `certificateAuthority`.
    pub authentication: Untrusted,
    /// Its own scope, when it has one.
    pub device_scope: Option<Untrusted>,
    /// The scopes of its parents.
    pub parent_scopes: Vec<Untrusted>,
}

/// A module identity (`GET /devices/{id}/modules`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleIdentity {
    /// The device it belongs to.
    pub device: DeviceId,
    /// The module's id.
    pub id: ModuleId,
    /// The identity's tag.
    pub etag: ETag,
    /// `iotEdge` for modules that a deployment made; compared without case.
    pub managed_by: Option<Untrusted>,
    /// The hub's view of the connection through edgeHub.
    pub connection_state: Untrusted,
    /// When the hub last saw activity.
    pub last_activity: Option<HubTime>,
}

/// `GET /statistics/devices`: free of messages, lags behind the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryStatistics {
    /// All devices.
    pub total: u64,
    /// Devices that may connect.
    pub enabled: u64,
    /// Devices that may not.
    pub disabled: u64,
}
