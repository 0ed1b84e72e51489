//! Direct methods: `POST /twins/{id}[/modules/{mid}]/methods`. The hub checks the call, asks the device, and waits no
//! longer than the caller said.
//!
//! Nothing here waits itself: while there is no answer yet, the response says when to ask again ([`Response::wait`]).

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sim::device::MethodOutcome;

use super::Call;
use super::errors::{Code, HubError};
use super::message::Response;
use super::state::State;

/// Request and response payloads, in bytes.
pub(super) const MAX_PAYLOAD: usize = 128 * 1_024;
/// Seconds.
const MAX_TIMEOUT: u64 = 300;
const MIN_RESPONSE_TIMEOUT: u64 = 5;
const DEFAULT_RESPONSE_TIMEOUT: u64 = 30;
/// How often a device that is away, or does not answer, is asked again.
pub(super) const AGAIN: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    method_name: Option<String>,
    #[serde(default)]
    payload: Value,
    response_timeout_in_seconds: Option<u64>,
    connect_timeout_in_seconds: Option<u64>,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) name: String,
    pub(super) payload: Value,
    /// How long the device may take to be there.
    pub(super) connect: Duration,
    /// How long all of it may take.
    pub(super) overall: Duration,
}

impl Invocation {
    pub(super) fn of(body: Body) -> Result<Self, HubError> {
        let bad = |text: &str| Err(HubError::method_argument(text));
        let name = body.method_name.unwrap_or_default();
        let allowed = |c: char| c.is_ascii_graphic() && !"$()<>@,;:\\\"/[]?={}".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            return bad("methodName must be of printable US-ASCII without separators.");
        }
        let overall = body.response_timeout_in_seconds.unwrap_or(DEFAULT_RESPONSE_TIMEOUT);
        let connect = body.connect_timeout_in_seconds.unwrap_or(0);
        if !(MIN_RESPONSE_TIMEOUT..=MAX_TIMEOUT).contains(&overall) {
            return bad("responseTimeoutInSeconds must be within [5; 300].");
        }
        if connect > MAX_TIMEOUT {
            return bad("connectTimeoutInSeconds must be within [0; 300].");
        }
        if connect > overall {
            let span = |seconds: u64| format!("00:{:02}:{:02}", seconds / 60, seconds % 60);
            let (connect, overall) = (span(connect), span(overall));
            let text =
                format!("Device connection timeout {connect} cannot be longer than an overall call timeout {overall}");
            return bad(&text);
        }
        if body.payload.to_string().len() > MAX_PAYLOAD {
            return Err(HubError::new(Code::MessageTooLarge, "The payload of a method is at most 128 KB."));
        }
        let (connect, overall) = (Duration::from_secs(connect), Duration::from_secs(overall));
        Ok(Self { name, payload: body.payload, connect, overall })
    }
}

pub(super) fn invoke(
    state: &mut State,
    call: &Call<'_>,
    device: &str,
    module: Option<&str>,
) -> Result<Response, HubError> {
    let invocation = Invocation::of(call.object()?)?;
    let known =
        state.device(device).filter(|known| known.enabled).ok_or_else(|| HubError::no_such_target(device, None))?;
    if let Some(module) = module.filter(|module| !known.modules.contains_key(*module)) {
        return Err(HubError::no_such_target(device, Some(module)));
    }
    let Invocation { name, payload, connect, overall } = invocation;
    let outcome = state.world(|world, side| world.method(device, module, &name, &payload, call.now, side));
    let waited = call.request.waited;
    let until = |most: Duration| Some(most.saturating_sub(waited).min(AGAIN)).filter(|wait| !wait.is_zero());
    match outcome {
        MethodOutcome::Answer(status, payload) => {
            if payload.to_string().len() > MAX_PAYLOAD {
                // The hub cannot pass it on, and the caller hears of no answer.
                return Err(HubError::method_timed_out());
            }
            Ok(Response::json(&json!({"status": status, "payload": payload})))
        }
        MethodOutcome::NotOnline => Err(HubError::not_online().asked_again(until(connect))),
        MethodOutcome::Silent => Err(HubError::method_timed_out().asked_again(until(overall))),
        MethodOutcome::Lost => {
            // It was carried out, and must not be a second time; the caller waits for an answer that never comes.
            Err(HubError::method_timed_out().late(overall.saturating_sub(waited)))
        }
    }
}
