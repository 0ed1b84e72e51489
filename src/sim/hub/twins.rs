//! Twins on the wire: `GET`, `PATCH`, `PUT /twins/{id}[/modules/{mid}]`, and the document the query reads.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::query::Path;

use super::Call;
use super::errors::HubError;
use super::message::{IfMatch, Response};
use super::registry::add_scopes;
use super::stamp;
use super::state::{Authentication, Device, State, thumbprints};
use super::twin::{Twin, TwinWrite};

/// How a twin document differs by who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// `modelId` came with api-version 2020-09-30.
    pub(super) model_id: bool,
    /// Rows of `devices.modules` carry the device's `capabilities`; module twins read by id do not.
    pub(super) row: bool,
    /// How much of `properties` is written out; a query that looks at none of them is spared the work.
    pub(super) properties: Part,
    /// The present, which the last activity of a link that stands depends on.
    pub(super) now: Timestamp,
}

/// How much of a twin's properties is written out: they are by far its largest part, and their metadata the larger half of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// No `properties`.
    Nothing,
    /// Values and versions of one section or both, without metadata.
    Values { desired: bool, reported: bool },
    /// Everything.
    Whole,
}

impl Part {
    /// As much as whoever looks at these attributes can see.
    pub(super) fn seen_by(paths: &[&Path]) -> Self {
        let mut seen = (false, false);
        for path in paths {
            let segments: Vec<&str> = path.segments().iter().map(String::as_str).collect();
            match segments.as_slice() {
                ["properties", "desired", next, ..] if *next != "$metadata" => seen.0 = true,
                ["properties", "reported", next, ..] if *next != "$metadata" => seen.1 = true,
                ["properties", ..] => return Self::Whole,
                _ => {}
            }
        }
        if seen == (false, false) { Self::Nothing } else { Self::Values { desired: seen.0, reported: seen.1 } }
    }

    fn of(self, twin: &Twin) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::Values { desired, reported } => {
                let sections = [("desired", desired, &twin.desired), ("reported", reported, &twin.reported)];
                let wanted = sections.into_iter().filter(|(_, wanted, _)| *wanted);
                Some(wanted.map(|(name, _, section)| (name.to_owned(), section.values_alone())).collect())
            }
            Self::Whole => Some(json!({"desired": twin.desired.to_value(), "reported": twin.reported.to_value()})),
        }
    }
}

/// A device twin or one of the device's module twins; nothing when there is no such module.
pub(super) fn document(id: &str, device: &Device, module: Option<&str>, form: Form) -> Option<Value> {
    let (identity, twin) = match module {
        None => (&device.identity, &device.twin),
        Some(name) => device.modules.get(name).map(|module| (&module.identity, &module.twin))?,
    };
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("deviceId", json!(id));
    if let Some(module) = module {
        put("moduleId", json!(module));
    }
    put("etag", json!(stamp::twin_etag(twin.etag)));
    put("deviceEtag", json!(stamp::identity_etag(identity.etag)));
    if module.is_none() {
        put("status", json!(device.status()));
        if let Some(reason) = &device.status_reason {
            put("statusReason", json!(reason));
        }
        put("statusUpdateTime", json!(stamp::instant_or_never(device.status_updated)));
    } else {
        // A module cannot be disabled on its own.
        put("status", json!("enabled"));
        put("statusUpdateTime", json!(stamp::ZERO_TIME));
    }
    put("connectionState", json!(identity.connection_state(form.now)));
    put("lastActivityTime", json!(stamp::instant_or_never(identity.last_activity(form.now))));
    put("cloudToDeviceMessageCount", json!(0));
    put("authenticationType", json!(identity.authentication.name()));
    put("x509Thumbprint", x509_thumbprint(&identity.authentication));
    if form.model_id {
        put("modelId", json!(""));
    }
    put("version", json!(twin.version()));
    if let Some(tags) = &twin.tags {
        put("tags", Value::Object(tags.clone()));
    }
    if let Some(properties) = form.properties.of(twin) {
        put("properties", properties);
    }
    if !twin.configurations.is_empty() {
        let status = |(id, status): &(String, String)| (id.clone(), json!({ "status": status }));
        put("configurations", Value::Object(twin.configurations.iter().map(status).collect()));
    }
    if module.is_none() || form.row {
        put("capabilities", json!({"iotEdge": device.edge}));
    }
    if module.is_none() {
        add_scopes(&mut out, device);
    }
    Some(Value::Object(out))
}

/// In twins of X.509 devices the members start with a capital.
fn x509_thumbprint(authentication: &Authentication) -> Value {
    let plain = thumbprints(authentication);
    if !matches!(authentication, Authentication::SelfSigned { .. }) {
        return Value::Object(plain);
    }
    let capital = |(name, value): (String, Value)| (name.replacen('p', "P", 1), value);
    Value::Object(plain.into_iter().map(capital).collect())
}

pub(super) fn get(state: &State, call: &Call<'_>, device_id: &str, module: Option<&str>) -> Result<Response, HubError> {
    let form = Form { model_id: call.has_model_id(), row: false, properties: Part::Whole, now: call.now };
    state
        .device(device_id)
        .and_then(|device| document(device_id, device, module, form))
        .map(|document| Response::json(&document))
        .ok_or_else(|| HubError::twin_not_found(device_id, module))
}

/// `PATCH` merges, `PUT` replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteKind {
    Patch,
    Replace,
}

pub(super) fn write(
    state: &mut State,
    call: &Call<'_>,
    device_id: &str,
    module: Option<&str>,
    kind: WriteKind,
) -> Result<Response, HubError> {
    let body: Value = call.json()?;
    let write = TwinWrite::of(&body).map_err(HubError::argument)?;
    let twin =
        find_twin(state, device_id, module, call.now).ok_or_else(|| HubError::twin_not_found(device_id, module))?;
    if module.is_some_and(|module| module.starts_with('$')) {
        return Err(HubError::reserved_module());
    }
    if !IfMatch::of(call.request).allows_twin(twin.etag) {
        return Err(HubError::precondition());
    }
    match kind {
        WriteKind::Patch => twin.patch(write, call.now),
        WriteKind::Replace => twin.replace(write, call.now),
    }
    .map_err(|limit| HubError::argument(limit.to_string()))?;
    if let Some(module) = module {
        state.desired_changed(device_id, module, call.now);
    }
    get(state, call, device_id, module)
}

/// The twin of a device or of one of its modules, to write to at an instant.
pub(super) fn find_twin<'a>(
    state: &'a mut State,
    device: &str,
    module: Option<&str>,
    at: Timestamp,
) -> Option<&'a mut Twin> {
    state.will_change(device, at);
    let device = state.devices.get_mut(device)?;
    match module {
        None => Some(&mut device.twin),
        Some(module) => device.modules.get_mut(module).map(|module| &mut module.twin),
    }
}
