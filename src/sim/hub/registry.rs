//! Device identities: `GET`, `PUT`, `DELETE /devices/{id}` and the list.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Call;
use super::entropy::Entropy;
use super::errors::{Code, HubError};
use super::message::{IfMatch, Response};
use super::stamp;
use super::state::{Authentication, Device, Identity, State, thumbprints};

/// What `GET /devices` returns at most, whatever is asked.
const MAX_LIST: usize = 1_000;
const MAX_STATUS_REASON_CHARS: usize = 128;

/// The members of a device that a caller can set; everything else in the body is ignored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeviceBody {
    pub(super) device_id: Option<String>,
    pub(super) status: Option<String>,
    pub(super) status_reason: Option<String>,
    pub(super) authentication: Option<AuthenticationBody>,
    pub(super) capabilities: Option<CapabilitiesBody>,
    pub(super) device_scope: Option<String>,
    pub(super) parent_scopes: Option<Vec<String>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CapabilitiesBody {
    iot_edge: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AuthenticationBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    symmetric_key: Option<KeysBody>,
    x509_thumbprint: Option<ThumbprintBody>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KeysBody {
    primary_key: Option<String>,
    secondary_key: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ThumbprintBody {
    primary_thumbprint: Option<String>,
    secondary_thumbprint: Option<String>,
}

impl AuthenticationBody {
    /// The authentication that is stored: left-out keys are generated.
    pub(super) fn resolve(body: Option<Self>, entropy: &mut Entropy) -> Result<Authentication, HubError> {
        let Some(body) = body else { return Ok(Authentication::fresh(entropy)) };
        let thumbprint = body.x509_thumbprint.unwrap_or_default();
        let has_thumbprint = thumbprint.primary_thumbprint.is_some() || thumbprint.secondary_thumbprint.is_some();
        let kind = body.kind.unwrap_or_else(|| if has_thumbprint { "selfSigned" } else { "sas" }.to_owned());
        match kind.to_ascii_lowercase().as_str() {
            "sas" => {
                let keys = body.symmetric_key.unwrap_or_default();
                Ok(Authentication::Sas {
                    primary: key(keys.primary_key, entropy)?,
                    secondary: key(keys.secondary_key, entropy)?,
                })
            }
            "selfsigned" => Ok(Authentication::SelfSigned {
                primary: thumbprint.primary_thumbprint,
                secondary: thumbprint.secondary_thumbprint,
            }),
            "certificateauthority" => Ok(Authentication::CertificateAuthority),
            "none" => Ok(Authentication::None),
            _ => Err(HubError::argument(format!("authentication.type '{kind}' is unknown."))),
        }
    }
}

fn key(given: Option<String>, entropy: &mut Entropy) -> Result<String, HubError> {
    use base64::Engine as _;
    match given.filter(|key| !key.is_empty()) {
        None => Ok(entropy.key()),
        Some(key) => match base64::engine::general_purpose::STANDARD.decode(&key) {
            Ok(bytes) if (16..=64).contains(&bytes.len()) => Ok(key),
            _ => Err(HubError::argument("A symmetric key must be 16 to 64 bytes in base64.")),
        },
    }
}

/// The keys and thumbprints of an identity, as `authentication` writes them.
pub(super) fn authentication_value(authentication: &Authentication) -> Value {
    let (primary, secondary) = match authentication {
        Authentication::Sas { primary, secondary } => (json!(primary), json!(secondary)),
        _ => (Value::Null, Value::Null),
    };
    json!({
        "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary},
        "x509Thumbprint": thumbprints(authentication),
        "type": authentication.name(),
    })
}

/// The device as JSON, members in the order of the wire. Only the creating answer leaves the `Z` out.
fn device_value(id: &str, device: &Device, creating: bool, now: Timestamp) -> Value {
    let time = |at: Option<Timestamp>| match at {
        None if creating => stamp::ZERO_TIME_AT_CREATION.to_owned(),
        at => stamp::instant_or_never(at),
    };
    let identity = &device.identity;
    let mut value = json!({
        "deviceId": id,
        "generationId": stamp::ticks(identity.created),
        "etag": stamp::identity_etag(identity.etag),
        "connectionState": identity.connection_state(now),
        "status": device.status(),
        "statusReason": device.status_reason,
        "connectionStateUpdatedTime": time(identity.seems_so_since(now)),
        "statusUpdatedTime": time(device.status_updated),
        "lastActivityTime": time(identity.last_activity(now)),
        "cloudToDeviceMessageCount": 0,
        "authentication": authentication_value(&identity.authentication),
        "capabilities": {"iotEdge": device.edge},
    });
    if let Value::Object(map) = &mut value {
        add_scopes(map, device);
    }
    value
}

/// `deviceScope` and `parentScopes`, where they exist; the same in identities and twins.
pub(super) fn add_scopes(map: &mut Map<String, Value>, device: &Device) {
    if let Some(scope) = &device.scope {
        map.insert("deviceScope".to_owned(), json!(scope));
        map.insert("parentScopes".to_owned(), json!(device.parent_scopes));
    }
}

/// Changes what the body sets. `creating` tells a new device from an update, whose scope is fixed.
pub(super) fn apply(
    id: &str,
    device: &mut Device,
    body: DeviceBody,
    creating: bool,
    now: Timestamp,
    entropy: &mut Entropy,
) -> Result<(), HubError> {
    let enabled = match body.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("enabled") => true,
        Some("disabled") => false,
        Some(other) => return Err(HubError::argument(format!("status '{other}' is neither enabled nor disabled."))),
    };
    if body.status_reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_STATUS_REASON_CHARS) {
        return Err(HubError::argument(format!("statusReason has more than {MAX_STATUS_REASON_CHARS} characters.")));
    }
    if device.edge && !creating && body.device_scope.as_deref() != device.scope.as_deref() {
        return Err(HubError::new(Code::InvalidDeviceScope, "Device scope is immutable"));
    }
    let authentication = AuthenticationBody::resolve(body.authentication, entropy)?;
    if authentication == Authentication::None {
        return Err(HubError::argument("authentication.type 'none' is not allowed for a device."));
    }
    device.identity.authentication = authentication;
    if device.enabled != enabled {
        device.enabled = enabled;
        device.status_updated = (!creating).then_some(now);
    }
    device.status_reason = body.status_reason;
    let wants_edge = body.capabilities.is_some_and(|capabilities| capabilities.iot_edge);
    if wants_edge && !device.edge {
        device.become_edge(id, creating, now, entropy);
    } else if !device.edge {
        // A leaf names its parent's scope; the service copies it into the parents.
        device.scope = body.device_scope.filter(|scope| !scope.is_empty());
        device.parent_scopes = device.scope.clone().into_iter().collect();
    }
    if device.edge {
        device.parent_scopes = body.parent_scopes.unwrap_or_default();
    }
    Ok(())
}

/// Whether the service takes an id: 1 to 128 characters of its set.
pub(super) fn valid_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-:.+%_#*?!(),=@;$'".contains(c))
}

pub(super) fn list(state: &State, call: &Call<'_>) -> Result<Response, HubError> {
    let top = call.parameter("top").and_then(|top| top.parse().ok()).filter(|top| (1..=MAX_LIST).contains(top));
    let devices = state.devices.iter().take(top.unwrap_or(MAX_LIST));
    Ok(Response::json(&devices.map(|(id, device)| device_value(id, device, false, call.now)).collect()))
}

pub(super) fn get(state: &State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let device = state.device(id).ok_or_else(|| HubError::device_not_found(id))?;
    Ok(Response::json(&device_value(id, device, false, call.now)).etag(&stamp::identity_etag(device.identity.etag)))
}

pub(super) fn put(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let body: DeviceBody = call.object()?;
    if !valid_id(id) || body.device_id.as_deref().is_some_and(|given| given != id) {
        return Err(HubError::argument(format!("deviceId must be '{id}', as in the path, and a valid id.")));
    }
    let if_match = IfMatch::of(call.request);
    let (device, creating) = match (state.devices.get(id), if_match.identity()) {
        (Some(_), Err(_)) => return Err(HubError::device_exists(id)),
        (None, Ok(_)) => return Err(HubError::device_not_found(id)),
        (Some(device), Ok(tag)) => {
            check_tag(&device.identity, tag)?;
            let mut device = device.clone();
            apply(id, &mut device, body, false, call.now, &mut state.entropy)?;
            device.identity.etag += 1;
            (device, false)
        }
        (None, Err(_)) => (create(id, body, call.now, &mut state.entropy)?, true),
    };
    let response = Response::json(&device_value(id, &device, creating, call.now))
        .etag(&stamp::identity_etag(device.identity.etag));
    state.put_device(id, device, call.now);
    Ok(response)
}

/// A new device from a body.
pub(super) fn create(id: &str, body: DeviceBody, now: Timestamp, entropy: &mut Entropy) -> Result<Device, HubError> {
    let identity = Identity::new(Authentication::None, entropy.first_etag(), now);
    let mut device = Device::new(identity);
    apply(id, &mut device, body, true, now, entropy)?;
    Ok(device)
}

pub(super) fn check_tag(identity: &Identity, tag: Option<&str>) -> Result<(), HubError> {
    match tag {
        Some(tag) if tag != stamp::identity_etag(identity.etag) => {
            Err(HubError::identity_precondition(identity.etag, tag))
        }
        _ => Ok(()),
    }
}

pub(super) fn delete(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let device = state.device(id).ok_or_else(|| HubError::device_not_found(id))?;
    let if_match = IfMatch::of(call.request);
    let Ok(tag) = if_match.identity() else {
        return Err(HubError::new(Code::PreconditionFailed, "Etag missing"));
    };
    check_tag(&device.identity, tag)?;
    state.remove_device(id, call.now);
    Ok(Response::no_content())
}

/// `DELETE /devices/{id}/commands`: takes what waits for a device out of its queue. Messages to devices go over AMQP, which
/// is not simulated, so that nothing ever waits.
pub(super) fn purge_commands(state: &State, id: &str) -> Result<Response, HubError> {
    state.device(id).ok_or_else(|| HubError::device_not_found(id))?;
    Ok(Response::json(&json!({"totalMessagesPurged": 0, "deviceId": id})))
}
