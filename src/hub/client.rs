//! One call, from budget to verdict: admission, token, send, time limit, trace, retry. `read` and `write` say what to send
//! and what the answer means; nothing else sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::fault::{Fault, FaultKind, Right};
use crate::domain::time::SharedClock;

use super::auth::{Authorizer, Token};
use super::budget::{Budget, Permit};
use super::error::{self, Failure};
use super::retry::{self, Effect};
use super::route::Route;
use super::sku::{OpClass, Sku};
use super::transport::{HttpReply, HttpRequest, Method, Transport};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// What a call is metered by, when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meter {
    /// Identities, statistics, configurations.
    Free,
    /// The request's body: twin writes, manifests for single devices.
    Request,
    /// The answer's body: twin reads, queries.
    Answer,
    /// Both: direct methods.
    Both,
}

/// One call as `read` and `write` describe it.
#[derive(Debug)]
pub(super) struct Call {
    /// Completes "could not …".
    pub doing: String,
    pub class: OpClass,
    pub meter: Meter,
    pub effect: Effect,
    pub method: Method,
    pub route: Option<Route>,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
    /// In place of [`Client::request_limit`] and [`Client::patience`], for whoever is in a hurry.
    pub limits: Option<Limits>,
    /// Whose calls these are: messages are added up here too.
    pub account: Option<Arc<AtomicU64>>,
}

impl Call {
    pub(super) fn with_body(self, body: &Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..self }
    }
}

/// How long a caller waits for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For one try.
    pub request: Duration,
    /// For the budget to admit a call.
    pub patience: Duration,
}

/// A first try that failed within this time met a connection the other side had closed, or a passing fault: a poll is
/// sent again. What took longer is told at once.
const HICCUP: Duration = Duration::from_secs(1);

/// What `HubRead` and `HubWrite` share.
#[derive(Debug)]
pub(super) struct Client {
    pub transport: Arc<dyn Transport>,
    pub authorizer: Authorizer,
    pub budget: Budget,
    pub clock: SharedClock,
    pub sku: Sku,
    pub host: String,
    /// For one try, from sending to the answer's last byte.
    pub request_limit: Duration,
    /// For the budget to admit a call.
    pub patience: Duration,
}

/// What a call needs, for the advice when it is refused.
fn needs(class: OpClass, effect: Effect) -> Option<Right> {
    match class {
        OpClass::Configuration if effect == Effect::Writes => Some(Right::DeploymentWrite),
        OpClass::Registry if effect == Effect::Writes => Some(Right::RegistryWrite),
        OpClass::Registry | OpClass::Configuration => Some(Right::RegistryRead),
        OpClass::Query | OpClass::TwinRead => Some(Right::ServiceConnect),
        OpClass::TwinWrite => Some(Right::TwinWrite),
        OpClass::Method => Some(Right::Invoke),
        OpClass::Jobs => None,
    }
}

impl Client {
    /// Makes `call` and returns the answer of a success.
    ///
    /// # Errors
    /// [`Fault`] of the last try. For a write, [`Fault::may_have_happened`] tells whether to read back.
    pub async fn call(&self, call: Call) -> Result<HttpReply, Fault> {
        let Some(route) = &call.route else {
            return Err(Fault::new(
                FaultKind::Rejected,
                call.doing.as_str(),
                "an id of nothing but one or two dots cannot be addressed over HTTP",
            ));
        };
        let limits = self.limits(&call);
        let charge = |permit: Permit, messages: u32| {
            permit.charge(messages);
            if let Some(account) = &call.account {
                account.fetch_add(u64::from(messages), Ordering::Relaxed);
            }
        };
        let mut attempt = 0;
        let mut refreshed = false;
        loop {
            let permit = self
                .budget
                .acquire(call.class, self.claim(&call), limits.patience)
                .await
                .map_err(|why| Fault::new(FaultKind::Budget, call.doing.as_str(), why))?;
            let token = match self.authorizer.token().await {
                Ok(token) => token,
                Err(fault) => {
                    charge(permit, 0);
                    // Not signed in means not sent: whatever kept the sign-in, a write's outcome is known.
                    let kind = if call.effect == Effect::Writes { FaultKind::Unauthorized } else { fault.kind.clone() };
                    return Err(Fault { doing: call.doing.as_str().into(), kind, ..fault });
                }
            };
            let sent_at = self.clock.now();
            let failure = match self.once(&call, route, &token, attempt).await {
                Ok(reply) => {
                    charge(permit, self.cost(&call, Some(&reply)));
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            charge(permit, self.cost_of_failure(&call, &failure.fault));
            // Nothing happened, whatever the call was: the token may have aged in a suspended laptop or been revoked.
            if !refreshed && failure.fault.kind == FaultKind::Unauthorized && failure.fault.status == Some(401) {
                self.authorizer.refused(&token).await;
                refreshed = true;
                continue;
            }
            let delay =
                retry::next_delay(call.effect, attempt, &failure.fault.kind, failure.retry_after, retry::jitter());
            let told = call.effect == Effect::Polls && self.clock.now().since(sent_at) > HICCUP;
            let delay = delay.filter(|_| !told);
            match (&failure.fault.kind, failure.fault.status) {
                (FaultKind::Throttled(rest), Some(429)) => self.budget.throttled(call.class, delay.unwrap_or(*rest)),
                (FaultKind::QuotaExceeded, _) => self.budget.quota_exceeded(),
                _ => {}
            }
            let Some(delay) = delay else { return Err(failure.fault) };
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// One try.
    async fn once(&self, call: &Call, route: &Route, token: &Token, attempt: u32) -> Result<HttpReply, Failure> {
        let request_id = Uuid::new_v4().to_string();
        let request = self.request(call, route, token, &request_id)?;
        let limit = self.limits(call).request;
        let sent_at = self.clock.now();
        let outcome = tokio::time::timeout(limit, self.transport.send(request)).await;
        let now = self.clock.now();
        let took = now.since(sent_at);
        let reply = match outcome {
            Ok(Ok(reply)) => reply,
            Ok(Err(failure)) => {
                tracing::debug!(method = %call.method, path = route.template, ?took, attempt, request_id, %failure, "no answer");
                return Err(error::from_transport(&call.doing, &failure));
            }
            Err(_elapsed) => {
                tracing::debug!(method = %call.method, path = route.template, ?took, attempt, request_id, "timed out");
                let text = format!("no answer within {} s", limit.as_secs_f64());
                return Err(Fault::new(FaultKind::TimedOut, call.doing.as_str(), text).into());
            }
        };
        tracing::debug!(
            method = %call.method, path = route.template, status = reply.status, ?took, attempt,
            bytes = reply.body.len(), request_id, "answered"
        );
        if (200..300).contains(&reply.status) {
            Ok(reply)
        } else {
            let mut failure = error::from_reply(&call.doing, &reply, now.wall);
            failure.fault.needs = needs(call.class, call.effect);
            Err(failure)
        }
    }

    fn limits(&self, call: &Call) -> Limits {
        call.limits.unwrap_or(Limits { request: self.request_limit, patience: self.patience })
    }

    fn request(&self, call: &Call, route: &Route, token: &Token, request_id: &str) -> Result<HttpRequest, Fault> {
        let unsendable = |what: &str| {
            Fault::new(
                FaultKind::Rejected,
                call.doing.as_str(),
                format!("{what} holds characters that HTTP cannot carry"),
            )
        };
        let mut headers = call.headers.clone();
        let mut authorization =
            HeaderValue::from_str(token.header.expose()).map_err(|_not_shown| unsendable("the sign-in token"))?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("edgedeck/", env!("CARGO_PKG_VERSION"))));
        headers.insert(
            CLIENT_REQUEST_ID,
            HeaderValue::from_str(request_id).map_err(|_a_uuid| unsendable("the request id"))?,
        );
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
        Ok(HttpRequest {
            method: call.method.clone(),
            path_and_query: route.path_and_query.clone(),
            headers,
            body: call.body.clone(),
        })
    }

    /// What the call costs at least; an answer's size is known only afterwards.
    fn estimate(&self, call: &Call) -> u32 {
        match call.meter {
            Meter::Answer => 1,
            Meter::Free | Meter::Request | Meter::Both => self.cost(call, None),
        }
    }

    /// What the budget is asked for. A method that changes something is somebody's decision: it is counted, and not held
    /// back by what the methods that read have used up.
    fn claim(&self, call: &Call) -> u32 {
        if call.class == OpClass::Method && call.effect == Effect::Writes { 0 } else { self.estimate(call) }
    }

    fn cost(&self, call: &Call, reply: Option<&HttpReply>) -> u32 {
        let request = || self.sku.messages(call.body.as_ref().map_or(0, Vec::len));
        let answer = || self.sku.messages(reply.map_or(0, |reply| reply.body.len()));
        match call.meter {
            Meter::Free => 0,
            Meter::Request => request(),
            Meter::Answer => answer(),
            Meter::Both => request().saturating_add(answer()),
        }
    }

    /// Whether the hub counts refused calls is written nowhere: they are taken as one message, and a call without an
    /// answer at its estimate. A method for a device that is not there is metered as one that was answered. What was
    /// refused for its rate, its token or the quota is not counted.
    fn cost_of_failure(&self, call: &Call, fault: &Fault) -> u32 {
        match fault.kind {
            FaultKind::Unreachable
            | FaultKind::Unauthorized
            | FaultKind::Throttled(_)
            | FaultKind::QuotaExceeded
            | FaultKind::Budget => 0,
            FaultKind::TimedOut | FaultKind::DeviceOffline => self.estimate(call),
            _ => self.estimate(call).min(1),
        }
    }
}
