//! The hub's JSON as we read it: private shapes that tolerate what they do not know, turned into domain types at once.
//! Device keys are not among the members, so they go no further than the answer's bytes; [`primary_key`] alone takes one
//! out, and [`identity_to_send_back`] keeps them for the one request that would otherwise replace them.

mod configuration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::device::{DeviceIdentity, ModuleIdentity, RegistryStatistics};
use crate::domain::fault::{Fault, FaultKind, Right};
use crate::domain::ids::{DeploymentId, DeviceId, ETag, ModuleId, TwinId};
use crate::domain::secret::Secret;
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;
use crate::domain::twin::{ConfigurationStatus, Section, Twin};

use super::method::MethodReply;

pub use configuration::configuration_body;
pub(super) use configuration::{configuration, configurations, trial, trial_body};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTwin {
    device_id: String,
    module_id: Option<String>,
    etag: String,
    version: Option<u64>,
    status: Option<String>,
    connection_state: Option<String>,
    last_activity_time: Option<String>,
    tags: Option<Map<String, Value>>,
    properties: Option<WireProperties>,
    configurations: Option<Map<String, Value>>,
}

#[derive(Deserialize, Default)]
struct WireProperties {
    desired: Option<Map<String, Value>>,
    reported: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDevice {
    device_id: String,
    generation_id: Option<String>,
    etag: Option<String>,
    status: Option<String>,
    status_reason: Option<String>,
    connection_state: Option<String>,
    last_activity_time: Option<String>,
    authentication: Option<WireAuthentication>,
    capabilities: Option<WireCapabilities>,
    device_scope: Option<String>,
    parent_scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WireAuthentication {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCapabilities {
    iot_edge: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireModule {
    device_id: String,
    module_id: String,
    etag: Option<String>,
    managed_by: Option<String>,
    connection_state: Option<String>,
    last_activity_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatistics {
    total_device_count: u64,
    enabled_device_count: u64,
    disabled_device_count: u64,
}

#[derive(Deserialize)]
struct WireMethod {
    status: i64,
    #[serde(default)]
    payload: Value,
}

/// A twin as it stands in an answer to `GET /twins/…` or in a row of `SELECT *`.
///
/// # Errors
/// [`FaultKind::Protocol`] when it has no `deviceId` or `etag`, or a member of the wrong kind: a projection's row is no
/// twin.
pub fn twin_from_json(value: &Value) -> Result<Twin, Fault> {
    WireTwin::deserialize(value).map(Twin::from).map_err(|error| unreadable("read a twin", &error))
}

pub(super) fn twin(doing: &str, body: &[u8]) -> Result<Twin, Fault> {
    parse::<WireTwin>(doing, body).map(Twin::from)
}

pub(super) fn device(doing: &str, body: &[u8]) -> Result<DeviceIdentity, Fault> {
    parse::<WireDevice>(doing, body).map(DeviceIdentity::from)
}

/// The primary symmetric key of an identity; none where the hub sent none.
pub(super) fn primary_key(doing: &str, body: &[u8]) -> Result<Option<Secret>, Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keyed {
        authentication: Option<Authenticated>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Authenticated {
        symmetric_key: Option<Keys>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keys {
        primary_key: Option<String>,
    }
    let keyed = parse::<Keyed>(doing, body)?;
    let keys = keyed.authentication.and_then(|authentication| authentication.symmetric_key);
    Ok(keys.and_then(|keys| keys.primary_key).map(Secret::new))
}

/// An identity as it came, keys included, for a `PUT` that replaces it as a whole. Refused without its keys: the hub
/// would make new ones, and the device could not sign in any more.
pub(super) fn identity_to_send_back(doing: &str, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let identity = parse::<Map<String, Value>>(doing, body)?;
    let authentication = identity.get("authentication");
    let kind = authentication.and_then(|a| a.get("type")).and_then(Value::as_str).unwrap_or("sas");
    let key = authentication.and_then(|a| a.pointer("/symmetricKey/primaryKey")).and_then(Value::as_str);
    if authentication.is_none() || (kind == "sas" && key.is_none_or(str::is_empty)) {
        let why = "this sign-in does not see the device's keys, and without them the hub would make new ones";
        return Err(Fault { needs: Some(Right::RegistryWrite), ..Fault::new(FaultKind::Unauthorized, doing, why) });
    }
    Ok(identity)
}

pub(super) fn modules(doing: &str, body: &[u8]) -> Result<Vec<ModuleIdentity>, Fault> {
    let modules = parse::<Vec<WireModule>>(doing, body)?;
    Ok(modules.into_iter().map(ModuleIdentity::from).collect())
}

pub(super) fn statistics(doing: &str, body: &[u8]) -> Result<RegistryStatistics, Fault> {
    let counts = parse::<WireStatistics>(doing, body)?;
    Ok(RegistryStatistics {
        total: counts.total_device_count,
        enabled: counts.enabled_device_count,
        disabled: counts.disabled_device_count,
    })
}

pub(super) fn method(doing: &str, body: &[u8]) -> Result<MethodReply, Fault> {
    let WireMethod { status, payload } = parse(doing, body)?;
    Ok(MethodReply { status, payload })
}

pub(super) fn rows(doing: &str, body: &[u8]) -> Result<Vec<Value>, Fault> {
    parse(doing, body)
}

fn parse<'a, T: Deserialize<'a>>(doing: &str, body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| unreadable(doing, &error))
}

fn unreadable(doing: &str, error: &serde_json::Error) -> Fault {
    Fault::new(FaultKind::Protocol, doing, format!("the answer is not the JSON of IoT Hub: {error}"))
}

impl From<WireTwin> for Twin {
    fn from(wire: WireTwin) -> Self {
        let properties = wire.properties.unwrap_or_default();
        Self {
            id: TwinId {
                device: DeviceId::from_wire(wire.device_id),
                module: wire.module_id.filter(|id| !id.is_empty()).map(ModuleId::from_wire),
            },
            etag: etag(&wire.etag),
            version: wire.version.unwrap_or_default(),
            status: wire.status.unwrap_or_default(),
            connection_state: wire.connection_state.unwrap_or_default(),
            last_activity: time(wire.last_activity_time.as_deref()),
            tags: wire.tags.unwrap_or_default(),
            desired: section(properties.desired),
            reported: section(properties.reported),
            configurations: wire
                .configurations
                .unwrap_or_default()
                .into_iter()
                .map(|(id, entry)| (DeploymentId::from_wire(id), configuration_status(&entry)))
                .collect(),
        }
    }
}

impl From<WireDevice> for DeviceIdentity {
    fn from(wire: WireDevice) -> Self {
        Self {
            id: DeviceId::from_wire(wire.device_id),
            etag: etag(wire.etag.as_deref().unwrap_or_default()),
            generation_id: text(wire.generation_id),
            // Only the word that forbids it forbids it: a word of the future is no reason to call a device disabled.
            enabled: !wire.status.is_some_and(|status| status.eq_ignore_ascii_case("disabled")),
            status_reason: wire.status_reason.map(Untrusted::from),
            edge: wire.capabilities.and_then(|capabilities| capabilities.iot_edge).unwrap_or(false),
            connection_state: text(wire.connection_state),
            last_activity: time(wire.last_activity_time.as_deref()),
            authentication: text(wire.authentication.and_then(|authentication| authentication.kind)),
            device_scope: wire.device_scope.filter(|scope| !scope.is_empty()).map(Untrusted::from),
            parent_scopes: wire.parent_scopes.unwrap_or_default().into_iter().map(Untrusted::from).collect(),
        }
    }
}

impl From<WireModule> for ModuleIdentity {
    fn from(wire: WireModule) -> Self {
        Self {
            device: DeviceId::from_wire(wire.device_id),
            id: ModuleId::from_wire(wire.module_id),
            etag: etag(wire.etag.as_deref().unwrap_or_default()),
            managed_by: wire.managed_by.filter(|by| !by.is_empty()).map(Untrusted::from),
            connection_state: text(wire.connection_state),
            last_activity: time(wire.last_activity_time.as_deref()),
        }
    }
}

/// Bodies carry tags without quotes; a front end that adds them is forgiven, so that `If-Match` is never quoted twice.
fn etag(text: &str) -> ETag {
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    ETag::from_wire(bare)
}

fn text(text: Option<String>) -> Untrusted {
    text.unwrap_or_default().into()
}

fn time(text: Option<&str>) -> Option<HubTime> {
    text.and_then(HubTime::parse)
}

fn section(values: Option<Map<String, Value>>) -> Section {
    let mut values = values.unwrap_or_default();
    // `remove` would put the last member in the gap; the wire's order is kept for display.
    let metadata = match values.shift_remove("$metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    let version = values.shift_remove("$version").and_then(|version| version.as_u64()).unwrap_or_default();
    Section { values, metadata, version }
}

fn configuration_status(entry: &Value) -> ConfigurationStatus {
    match entry.get("status").and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("targeted") => ConfigurationStatus::Targeted,
        Some(word) if word.eq_ignore_ascii_case("applied") => ConfigurationStatus::Applied,
        _ => ConfigurationStatus::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TWIN: &str = include_str!("../../tests/fixtures/wire/twin-module.json");
    const DEVICE: &str = include_str!("../../tests/fixtures/wire/device-edge.json");
    const MODULES: &str = include_str!("../../tests/fixtures/wire/modules.json");

    #[test]
    fn a_module_twin() {
        let twin = twin("read it", TWIN.as_bytes()).unwrap();
        assert_eq!(twin.id, TwinId::module(DeviceId::from_wire("edge-01"), ModuleId::from_wire("temperatureFilter")));
        assert_eq!(twin.etag.as_str(), "AAAAAAAAAAM=");
        assert_eq!((twin.version, twin.desired.version, twin.reported.version), (7, 2, 4));
        assert_eq!(twin.desired.to_value(), json!({"zeta": 1, "temperatureThreshold": 25.5}));
        assert_eq!(twin.desired.values.keys().collect::<Vec<_>>(), ["zeta", "temperatureThreshold"], "wire order");
        assert_eq!(twin.desired.last_updated(), HubTime::parse("2026-03-01T08:00:00.5Z"));
        assert_eq!(
            twin.reported.updated_at(&["temperatureThreshold".to_owned()]),
            HubTime::parse("2026-03-01T08:00:03Z")
        );
        use ConfigurationStatus as C;
        let configurations: Vec<_> = twin.configurations.iter().map(|(id, status)| (id.as_str(), *status)).collect();
        assert_eq!(configurations, [("base-1", C::Applied), ("layer-1", C::Targeted), ("odd", C::Other)]);
    }

    #[test]
    fn a_row_and_an_answer_read_the_same() {
        let row: Value = serde_json::from_str(TWIN).unwrap();
        assert_eq!(twin_from_json(&row), twin("read it", TWIN.as_bytes()));
    }

    #[test]
    fn a_bare_twin_and_what_is_none() {
        let bare = twin_from_json(
            &json!({"deviceId": "d", "etag": "\"x\"", "moduleId": null, "tags": null, "properties": null}),
        );
        let bare = bare.unwrap();
        assert_eq!((bare.id, bare.etag.as_str()), (TwinId::device(DeviceId::from_wire("d")), "x"));
        assert!(bare.tags.is_empty() && bare.desired.values.is_empty() && bare.last_activity.is_none());
        for row in [json!({"deviceId": "d"}), json!([]), json!({"deviceId": "d", "etag": "e", "tags": 7})] {
            assert_eq!(twin_from_json(&row).map_err(|fault| fault.kind), Err(FaultKind::Protocol), "{row}");
        }
    }

    #[test]
    fn an_edge_device_without_its_keys() {
        let device = device("read it", DEVICE.as_bytes()).unwrap();
        assert!(device.edge && device.enabled);
        assert_eq!(device.etag.as_str(), "Nzk1MjE0NjM2");
        assert_eq!(device.last_activity, Some(HubTime::Never));
        assert_eq!(device.authentication, "sas".into());
        assert_eq!(device.device_scope, Some("ms-azure-iot-edge://edge-01-637121074930370650".into()));
        assert!(!format!("{device:?}").contains("cHJpbWFyeQ"));
    }

    #[test]
    fn modules_of_a_device() {
        let modules = modules("read them", MODULES.as_bytes()).unwrap();
        let shown: Vec<_> = modules
            .iter()
            .map(|m| (m.id.as_str(), m.managed_by.as_ref().map(Untrusted::raw), m.connection_state.raw()))
            .collect();
        assert_eq!(shown, [("$edgeAgent", Some("iotEdge"), "Disconnected"), ("temperatureFilter", None, "Connected")]);
        assert_eq!(modules[0].last_activity, Some(HubTime::Never));
    }

    #[test]
    fn unreadable_answers_name_what_was_being_done() {
        let fault = statistics("count the devices", br#"{"totalDeviceCount":"many"}"#).unwrap_err();
        assert!(fault.to_string().starts_with("could not count the devices: the answer is not the JSON of IoT Hub: "));
    }
}
