//! Direct methods. Which of them change nothing is known here and nowhere else: reading logs and `ping` are calls of
//! [`HubRead`], so that they work in read-only mode; every other method is a call of [`HubWrite`], which read-only mode
//! does not have.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeviceId, ModuleId, TwinId};

use super::client::{Call, Limits, Meter};
use super::read::HubRead;
use super::route::Route;
use super::sku::OpClass;
use super::transport::Method;
use super::wire;
use super::write::HubWrite;

/// The service takes no more of a request's payload, and no more of an answer's.
const MOST_BYTES: usize = 128 * 1024;
/// What the hub is given on top of its own times before we stop waiting for its answer.
const GRACE: Duration = Duration::from_secs(10);

/// How long the hub waits for a device, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodTimeouts {
    /// For a device that is not connected to connect; zero asks only one that is. At most as long as `response`.
    pub connect: Duration,
    /// For everything; 5 to 300 s.
    pub response: Duration,
}

impl Default for MethodTimeouts {
    fn default() -> Self {
        Self { connect: Duration::ZERO, response: Duration::from_secs(30) }
    }
}

/// What a device or module answered. The hub's 200 says no more than that it did.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodReply {
    /// Its own status: 200 for success, as a rule.
    pub status: i64,
    /// Its payload; null where it sent none.
    pub payload: Value,
}

impl HubRead {
    /// Asks edgeAgent for logs (`GetModuleLogs`). Costs request and answer in blocks.
    ///
    /// # Errors
    /// [`FaultKind::DeviceOffline`] when edgeAgent is not connected, [`FaultKind::TimedOut`] when it does not answer in
    /// time, and the faults of every call. A refusal by edgeAgent is no fault: see [`MethodReply::status`].
    pub async fn module_logs(
        &self,
        device: &DeviceId,
        request: &Value,
        timeouts: MethodTimeouts,
    ) -> Result<MethodReply, Fault> {
        let doing = format!("read logs of {}", device.shown());
        self.ask_agent(doing, device, "GetModuleLogs", request, timeouts).await
    }

    /// Asks whether edgeAgent answers (`ping`). Costs two messages.
    ///
    /// # Errors
    /// Those of [`HubRead::module_logs`].
    pub async fn ping(&self, device: &DeviceId, timeouts: MethodTimeouts) -> Result<MethodReply, Fault> {
        let doing = format!("ping edgeAgent of {}", device.shown());
        self.ask_agent(doing, device, "ping", &Value::Null, timeouts).await
    }

    async fn ask_agent(
        &self,
        doing: String,
        device: &DeviceId,
        name: &str,
        payload: &Value,
        timeouts: MethodTimeouts,
    ) -> Result<MethodReply, Fault> {
        let target = TwinId::module(device.clone(), ModuleId::edge_agent());
        let call = self.call(&doing, OpClass::Method, Meter::Both, Method::POST, route(&target));
        let call = prepared(call, self.0.patience, name, payload, timeouts)?;
        let reply = self.0.call(call).await.map_err(|fault| or_disabled(fault, &target))?;
        wire::method(&doing, &reply.body)
    }
}

impl HubWrite {
    /// Calls a direct method that changes something, once: whether it did anything is for its caller to find out after
    /// [`Fault::may_have_happened`]. Costs request and answer in blocks; our share of the day's messages does not hold it
    /// back.
    ///
    /// # Errors
    /// [`FaultKind::Rejected`] for a name or payload the service does not take, [`FaultKind::DeviceOffline`] when nobody
    /// is there to ask, [`FaultKind::TimedOut`] when no answer came in time, and the faults of every call. A refusal by
    /// the device or module is no fault: see [`MethodReply::status`].
    pub async fn invoke_method(
        &self,
        target: &TwinId,
        name: &str,
        payload: &Value,
        timeouts: MethodTimeouts,
    ) -> Result<MethodReply, Fault> {
        let doing = format!("call a method of {}", target.shown());
        check_name(name).map_err(|why| Fault::new(FaultKind::Rejected, doing.as_str(), why))?;
        let doing = format!("call {name} of {}", target.shown());
        let call = Call::writes(&doing, OpClass::Method, Meter::Both, Method::POST, route(target));
        let call = prepared(call, self.0.patience, name, payload, timeouts)?;
        let reply = self.0.call(call).await.map_err(|fault| or_disabled(fault, target))?;
        wire::method(&doing, &reply.body)
    }
}

/// The hub says of a disabled device's methods what it says where there is no device (iot-hub-api 3.3), and its words
/// would send the reader looking for one that was deleted.
fn or_disabled(mut fault: Fault, target: &TwinId) -> Fault {
    if fault.kind == FaultKind::NotFound {
        fault.message = format!("{} is not registered, or is disabled", target.device.shown()).into();
    }
    fault
}

fn route(target: &TwinId) -> Option<Route> {
    match &target.module {
        Some(module) => Route::new("/twins/{}/modules/{}/methods", &[target.device.as_str(), module.as_str()]),
        None => Route::new("/twins/{}/methods", &[target.device.as_str()]),
    }
}

/// The call with its body, waiting for the hub longer than the hub for the device: who gives up first would not know what
/// the device did.
fn prepared(
    call: Call,
    patience: Duration,
    name: &str,
    payload: &Value,
    timeouts: MethodTimeouts,
) -> Result<Call, Fault> {
    let size = payload.to_string().len();
    if size > MOST_BYTES {
        let why = format!("the payload has {size} bytes; IoT Hub takes {MOST_BYTES}");
        return Err(Fault::new(FaultKind::Rejected, call.doing, why));
    }
    let response = timeouts.response.as_secs().clamp(5, 300);
    let connect = timeouts.connect.as_secs().min(response);
    let body = json!({
        "methodName": name,
        "responseTimeoutInSeconds": response,
        "connectTimeoutInSeconds": connect,
        "payload": payload,
    });
    let request = Duration::from_secs(response + connect) + GRACE;
    let patience = call.limits.map_or(patience, |limits| limits.patience);
    Ok(Call { limits: Some(Limits { request, patience }), ..call.with_body(&body) })
}

/// Other names are not refused by the service everywhere, and reach no device anywhere.
fn check_name(name: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_ascii_graphic() && !"$()<>@,;:\\\"/[]?={}".contains(c);
    if !name.is_empty() && name.len() <= 100 && name.chars().all(fits) {
        Ok(())
    } else {
        Err("a method's name has 1 to 100 printable ASCII characters without $()<>@,;:\\\"/[]?={} and spaces")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Right;
    use crate::domain::secret::Secret;
    use crate::domain::time::Clock;
    use crate::hub::fake::{Script, TokioClock, Turn, refusal, reply};
    use crate::hub::{Credential, Endpoint, Hub, HubSettings, Sku};
    use std::sync::Arc;

    const LOGS: &str = include_str!("../../tests/fixtures/wire/method-logs.json");
    const OFFLINE: &str = include_str!("../../tests/fixtures/wire/error-b-device-offline.json");

    fn hub(
        turns: impl IntoIterator<Item = Turn>,
        change: impl Fn(&mut HubSettings),
    ) -> (Hub, Arc<Script>, Arc<TokioClock>) {
        let key = Secret::new("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
        let credential = Credential::Policy { name: "service".into(), key };
        let mut settings = HubSettings::new(Endpoint::parse("h.azure-devices.net").unwrap(), credential);
        change(&mut settings);
        let clock = TokioClock::at("2026-03-04T10:00:00Z");
        let script = Script::new(turns);
        (Hub::with_transport(settings, clock.clone(), script.clone()), script, clock)
    }

    fn edge() -> DeviceId {
        DeviceId::from_wire("edge-01")
    }

    #[tokio::test(start_paused = true)]
    async fn logs_are_asked_for_as_the_service_wants_it_and_in_read_only_mode() {
        let (hub, script, _clock) =
            hub([reply(200, &[], LOGS), reply(200, &[], r#"{"status":200}"#)], |settings| settings.read_only = true);
        assert!(hub.write.is_none());
        let asked = json!({"schemaVersion": "1.0"});
        let answered = hub.read.module_logs(&edge(), &asked, MethodTimeouts::default()).await.unwrap();
        assert_eq!((answered.status, answered.payload.as_array().map(Vec::len)), (200, Some(2)));
        let pinged = hub.read.ping(&edge(), MethodTimeouts::default()).await.unwrap();
        assert_eq!(pinged, MethodReply { status: 200, payload: Value::Null });
        let [logs, ping] = script.requests().try_into().unwrap();
        assert_eq!(logs.method, "POST");
        assert_eq!(logs.path_and_query, "/twins/edge-01/modules/%24edgeAgent/methods?api-version=2021-04-12");
        let body: Value = serde_json::from_slice(&logs.body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"methodName": "GetModuleLogs", "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0, "payload": asked})
        );
        let body: Value = serde_json::from_slice(&ping.body.unwrap()).unwrap();
        assert_eq!((&body["methodName"], &body["payload"]), (&json!("ping"), &Value::Null));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_and_answers_are_paid_for() {
        let long = json!({"status": 200, "payload": "x".repeat(9_000)}).to_string();
        let offline = reply(404, &[], OFFLINE);
        let late = || refusal(504, "GatewayTimeout");
        let (hub, script, _clock) = hub([reply(200, &[], &long), offline, late()], |_| {});
        let polls = hub.read.polling(Duration::from_secs(5), Duration::ZERO);
        let asked = json!({"x": "y".repeat(5_000)});
        polls.module_logs(&edge(), &asked, MethodTimeouts::default()).await.unwrap();
        assert_eq!(polls.spent(), 2 + 3);
        let fault = polls.ping(&edge(), MethodTimeouts::default()).await.unwrap_err();
        assert_eq!(
            (fault.kind, polls.spent()),
            (FaultKind::DeviceOffline, 7),
            "an offline device costs as one that answers"
        );
        let fault = polls.ping(&edge(), MethodTimeouts::default()).await.unwrap_err();
        assert_eq!((fault.kind, polls.spent(), script.left()), (FaultKind::TimedOut, 9, 0));
        let view = hub.read.budget();
        let methods = view.classes.iter().find(|lane| lane.class == OpClass::Method).unwrap();
        assert_eq!((methods.calls, methods.messages_today, view.spent_today), (3, 9, 9));
    }

    /// The service's own time comes first: whoever gives up before it does not know what the device did.
    #[tokio::test(start_paused = true)]
    async fn the_hub_is_waited_for_longer_than_the_device() {
        let (hub, _script, clock) = hub([Turn::Hang], |_| {});
        let polls = hub.read.polling(Duration::from_secs(2), Duration::ZERO);
        let timeouts = MethodTimeouts { connect: Duration::from_secs(5), response: Duration::from_secs(20) };
        let started = clock.now();
        assert_eq!(polls.ping(&edge(), timeouts).await.unwrap_err().kind, FaultKind::TimedOut);
        assert_eq!(clock.now().since(started), Duration::from_secs(35));
    }

    #[tokio::test(start_paused = true)]
    async fn times_the_service_would_refuse_are_not_sent() {
        let seconds = Duration::from_secs;
        for (connect, response, sent) in [(0, 1, (0, 5)), (60, 20, (20, 20)), (0, 999, (0, 300)), (10, 30, (10, 30))] {
            let (hub, script, _clock) = hub([reply(200, &[], r#"{"status":200,"payload":null}"#)], |_| {});
            let timeouts = MethodTimeouts { connect: seconds(connect), response: seconds(response) };
            hub.read.ping(&edge(), timeouts).await.unwrap();
            let body: Value = serde_json::from_slice(script.requests()[0].body.as_ref().unwrap()).unwrap();
            let of = |name: &str| body[name].as_u64().unwrap();
            assert_eq!((of("connectTimeoutInSeconds"), of("responseTimeoutInSeconds")), sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_something_is_sent_once_and_not_held_back_by_our_share() {
        let target = TwinId::module(edge(), ModuleId::edge_agent());
        let late = refusal(504, "GatewayTimeout");
        let restart = |hub: Hub| async move {
            let write = hub.write.unwrap();
            let payload = json!({"schemaVersion": "1.0", "id": "m"});
            write
                .invoke_method(
                    &TwinId::module(edge(), ModuleId::edge_agent()),
                    "RestartModule",
                    &payload,
                    MethodTimeouts::default(),
                )
                .await
        };
        let (late_hub, script, _clock) = hub([late], |_| {});
        let fault = restart(late_hub).await.unwrap_err();
        assert!(fault.may_have_happened() && script.requests().len() == 1);
        assert_eq!(fault.doing, "call RestartModule of edge-01/$edgeAgent".into());

        // F1: 400 messages are our day, forty at once.
        let refused =
            reply(200, &[], r#"{"status":500,"payload":{"message":"Module m not found in the current environment"}}"#);
        let big = reply(200, &[], &format!(r#"{{"status":200,"payload":"{}"}}"#, "x".repeat(60_000)));
        let (poor, _script, _clock) = hub([big, refused], |settings| {
            settings.sku = Sku::F1;
            settings.timeouts.patience = Duration::ZERO;
        });
        poor.read.ping(&edge(), MethodTimeouts::default()).await.unwrap();
        assert_eq!(poor.read.ping(&edge(), MethodTimeouts::default()).await.unwrap_err().kind, FaultKind::Budget);
        let spent = poor.read.budget().spent_today;
        let read = poor.read.clone();
        assert_eq!(restart(poor).await.unwrap().status, 500);
        assert_eq!(read.budget().spent_today - spent, 2, "and it is counted all the same");

        let (other, script, _clock) = hub([], |_| {});
        let write = other.write.unwrap();
        for name in ["", "a b", "Restart/Module", "é", "$x"] {
            let fault = write.invoke_method(&target, name, &Value::Null, MethodTimeouts::default()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Rejected, "{name}");
        }
        let large = Value::from("x".repeat(MOST_BYTES));
        let fault = write.invoke_method(&target, "m", &large, MethodTimeouts::default()).await.unwrap_err();
        assert_eq!((fault.kind, script.requests().len()), (FaultKind::Rejected, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_that_is_not_found_may_be_disabled() {
        let no = || refusal(404, "DeviceNotFound");
        let (hub, _script, _clock) = hub([no(), no()], |_| {});
        let asked = hub.read.ping(&edge(), MethodTimeouts::default()).await.unwrap_err();
        let write = hub.write.unwrap();
        let target = TwinId::module(edge(), ModuleId::edge_agent());
        let told = write.invoke_method(&target, "m", &Value::Null, MethodTimeouts::default()).await.unwrap_err();
        for fault in [asked, told] {
            assert_eq!(
                (&fault.kind, fault.message.raw()),
                (&FaultKind::NotFound, "edge-01 is not registered, or is disabled")
            );
            assert!(fault.advice().contains("is disabled"), "{}", fault.advice());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_sign_in_names_the_right() {
        let no = || refusal(401, "IotHubUnauthorizedAccess");
        let (hub, _script, _clock) = hub([no(), no()], |_| {});
        let fault = hub.read.ping(&edge(), MethodTimeouts::default()).await.unwrap_err();
        assert_eq!((fault.kind, fault.needs), (FaultKind::Unauthorized, Some(Right::Invoke)));
    }
}
