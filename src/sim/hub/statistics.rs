//! Registry statistics: `GET /statistics/devices` and `/statistics/service`.

use jiff::Timestamp;
use serde_json::json;

use super::message::Response;
use super::state::State;

pub(super) fn devices(state: &State) -> Response {
    let total = state.devices.len();
    let enabled = state.devices.values().filter(|device| device.enabled).count();
    Response::json(&json!({
        "totalDeviceCount": total,
        "enabledDeviceCount": enabled,
        "disabledDeviceCount": total - enabled,
    }))
}

pub(super) fn service(state: &State, now: Timestamp) -> Response {
    let connected = state.devices.values().filter(|device| device.identity.seems_connected(now)).count();
    Response::json(&json!({ "connectedDeviceCount": connected }))
}
