//! Everything that changes nothing at the hub.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::domain::deployment::{Listed, TargetCondition, Trial};
use crate::domain::device::{DeviceIdentity, ModuleIdentity, RegistryStatistics};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeploymentId, DeviceId, TwinId};
use crate::domain::twin::Twin;

use super::budget::BudgetView;
use super::client::{Call, Client, Limits, Meter};
use super::deploy::configuration_route;
use super::retry::Effect;
use super::route::Route;
use super::sku::OpClass;
use super::transport::{HttpReply, Method};
use super::wire;

const MAX_ITEM_COUNT: HeaderName = HeaderName::from_static("x-ms-max-item-count");
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");
/// The service's documented maximum for a page.
const PAGE_SIZE: u32 = 100;
/// The service's limit on a query's text.
const MAX_QUERY_CHARS: usize = 8_192;

/// Reads from one hub; cheap to clone.
#[derive(Debug, Clone)]
pub struct HubRead(pub(super) Arc<Client>, pub(super) Manner);

/// For whom it reads.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// Whoever asks once and wants the answer: waits out what passes.
    Patient,
    /// A poller.
    Polling {
        limits: Limits,
        /// Messages this poller caused.
        account: Arc<AtomicU64>,
    },
}

/// Where a query's next page begins: opaque, passed back as it came, with the same query and page size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation(HeaderValue);

/// One page of a query's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryPage {
    /// The rows; may be few or none although more pages follow.
    pub rows: Vec<Value>,
    /// The next page; `None` after the last.
    pub next: Option<Continuation>,
    /// `Twin`, `Raw`, `DeviceJob` …, as sent; empty when the hub left it out.
    pub item_type: String,
}

impl HubRead {
    /// The same hub for a reader that asks again and again: a try takes at most `limit`, trouble is told at once instead
    /// of waited out, and after a 429 [`FaultKind::Throttled`] says how long to stay away. The budget is still waited
    /// for, at most `patience`: that is our own doing, and no silence of the hub.
    #[must_use]
    pub fn polling(&self, limit: Duration, patience: Duration) -> Self {
        let limits = Limits { request: limit.min(self.0.request_limit), patience: patience.min(self.0.patience) };
        Self(Arc::clone(&self.0), Manner::Polling { limits, account: Arc::default() })
    }

    /// Messages that a [polling](HubRead::polling) reader and its clones caused so far; 0 for others.
    #[must_use]
    pub fn spent(&self) -> u64 {
        match &self.1 {
            Manner::Patient => 0,
            Manner::Polling { account, .. } => account.load(Ordering::Relaxed),
        }
    }

    /// A device's identity, without its keys. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when there is none, and the faults of every call.
    pub async fn device(&self, id: &DeviceId) -> Result<DeviceIdentity, Fault> {
        let doing = format!("read the device {}", id.shown());
        let reply = self.get(&doing, OpClass::Registry, Meter::Free, Route::new("/devices/{}", &[id.as_str()])).await?;
        wire::device(&doing, &reply.body)
    }

    /// The identities of a device's modules, without their keys. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when the device does not exist, and the faults of every call. With a shared access policy
    /// the hub answers 401 here for a device that is missing or disabled; that is looked up and said instead.
    pub async fn modules(&self, id: &DeviceId) -> Result<Vec<ModuleIdentity>, Fault> {
        let doing = format!("list the modules of {}", id.shown());
        let route = Route::new("/devices/{}/modules", &[id.as_str()]);
        let refusal = match self.get(&doing, OpClass::Registry, Meter::Free, route).await {
            Ok(reply) => return wire::modules(&doing, &reply.body),
            Err(fault) => fault,
        };
        if refusal.status != Some(401) || !self.0.authorizer.is_shared_access() {
            return Err(refusal);
        }
        match self.device(id).await {
            Err(missing) if missing.kind == FaultKind::NotFound => Err(Fault { doing: doing.into(), ..missing }),
            Ok(device) if !device.enabled => Err(Fault {
                kind: FaultKind::Rejected,
                message: "the device is disabled, and with a shared access policy IoT Hub then refuses its modules; enable it or sign in with Entra ID".into(),
                ..refusal
            }),
            Ok(_) | Err(_) => Err(refusal),
        }
    }

    /// The twin of a device or a module; always current. Costs its size in blocks.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when there is none, and the faults of every call.
    pub async fn twin(&self, id: &TwinId) -> Result<Twin, Fault> {
        let doing = format!("read the twin of {}", id.shown());
        let reply = self.get(&doing, OpClass::TwinRead, Meter::Answer, twin_route(id)).await?;
        wire::twin(&doing, &reply.body)
    }

    /// Counts of devices; lags behind the registry. Free of messages.
    ///
    /// # Errors
    /// The faults of every call.
    pub async fn statistics(&self) -> Result<RegistryStatistics, Fault> {
        let doing = "count the devices";
        let reply = self.get(doing, OpClass::Registry, Meter::Free, Route::new("/statistics/devices", &[])).await?;
        wire::statistics(doing, &reply.body)
    }

    /// All configurations of the hub, deployments and others, in no order. Free of messages; the class allows few calls.
    ///
    /// # Errors
    /// The faults of every call.
    pub async fn configurations(&self) -> Result<Vec<Listed>, Fault> {
        let doing = "list the deployments";
        let route = Route::new("/configurations", &[]);
        let reply = self.get(doing, OpClass::Configuration, Meter::Free, route).await?;
        wire::configurations(doing, &reply.body)
    }

    /// One configuration. Free of messages.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when there is none, and the faults of every call.
    pub async fn configuration(&self, id: &DeploymentId) -> Result<Listed, Fault> {
        let doing = format!("read the deployment {}", id.shown());
        let reply = self.get(&doing, OpClass::Configuration, Meter::Free, configuration_route(id)).await?;
        wire::configuration(&doing, &reply.body)
    }

    /// What the hub says about a target condition and metrics, without creating anything. Free of messages.
    ///
    /// # Errors
    /// The faults of every call; mistakes in what is tested are no fault, they are the answer.
    pub async fn test_queries(
        &self,
        target: &TargetCondition,
        metrics: &BTreeMap<String, String>,
    ) -> Result<Trial, Fault> {
        let doing = "test a target condition";
        let body = wire::trial_body(target, metrics);
        let route = Route::new("/configurations/testQueries", &[]);
        let call = self.call(doing, OpClass::Configuration, Meter::Free, Method::POST, route);
        let reply = self.0.call(call.with_body(&body)).await?;
        wire::trial(doing, &reply.body)
    }

    /// One page of a query's rows, at most `page_size` of them. The index it reads lags seconds to minutes behind.
    /// Costs the answer's size in blocks, every page at least one.
    ///
    /// # Errors
    /// [`FaultKind::Rejected`] when the text is too long or the hub does not take it (it never says why), and the faults
    /// of every call.
    pub async fn query_page(
        &self,
        query: &str,
        page_size: u32,
        token: Option<&Continuation>,
    ) -> Result<QueryPage, Fault> {
        let doing = "run a query";
        let length = query.chars().count();
        if length > MAX_QUERY_CHARS {
            let text = format!("the query has {length} characters; IoT Hub takes {MAX_QUERY_CHARS}");
            return Err(Fault::new(FaultKind::Rejected, doing, text));
        }
        let mut headers = HeaderMap::new();
        headers.insert(MAX_ITEM_COUNT, HeaderValue::from(page_size.max(1)));
        if let Some(Continuation(token)) = token {
            headers.insert(CONTINUATION, token.clone());
        }
        let call = self.call(doing, OpClass::Query, Meter::Answer, Method::POST, Route::new("/devices/query", &[]));
        let reply = self.0.call(Call { headers, ..call.with_body(&json!({ "query": query })) }).await?;
        Ok(QueryPage {
            rows: wire::rows(doing, &reply.body)?,
            // An empty header would be the first page again, for ever.
            next: reply.headers.get(CONTINUATION).filter(|token| !token.is_empty()).cloned().map(Continuation),
            item_type: reply.header("x-ms-item-type").unwrap_or_default().to_owned(),
        })
    }

    /// All rows of a query, or the first `limit`: pages until the last, and starts over once when the hub no longer knows
    /// the continuation.
    ///
    /// # Errors
    /// Those of [`HubRead::query_page`]; rows read before are dropped.
    pub async fn query(&self, query: &str, limit: Option<usize>) -> Result<Vec<Value>, Fault> {
        let limit = limit.unwrap_or(usize::MAX);
        let page_size = u32::try_from(limit).unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE);
        let mut restarted = false;
        let mut rows: Vec<Value> = Vec::new();
        let mut token: Option<Continuation> = None;
        loop {
            let page = match self.query_page(query, page_size, token.as_ref()).await {
                Ok(page) => page,
                Err(fault) if token.is_some() && fault.status == Some(400) && !restarted => {
                    restarted = true;
                    rows.clear();
                    token = None;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            rows.extend(page.rows);
            if rows.len() >= limit {
                rows.truncate(limit);
                return Ok(rows);
            }
            match page.next {
                None => return Ok(rows),
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(Fault::new(
                        FaultKind::Protocol,
                        "run a query",
                        "the hub sends the same page again and again",
                    ));
                }
                Some(next) => token = Some(next),
            }
        }
    }

    /// The budget's present state.
    #[must_use]
    pub fn budget(&self) -> BudgetView {
        self.0.budget.view()
    }

    /// The hub's host, with a port where it is not 443.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Who we are to the hub: `policy iothubowner`, or `Entra ID (Azure CLI)` once a token was had.
    #[must_use]
    pub fn identity(&self) -> String {
        self.0.authorizer.identity()
    }

    async fn get(&self, doing: &str, class: OpClass, meter: Meter, route: Option<Route>) -> Result<HttpReply, Fault> {
        self.0.call(self.call(doing, class, meter, Method::GET, route)).await
    }

    /// A call without a body, in this reader's manner.
    pub(super) fn call(&self, doing: &str, class: OpClass, meter: Meter, method: Method, route: Option<Route>) -> Call {
        let (effect, limits, account) = match &self.1 {
            Manner::Patient => (Effect::Reads, None, None),
            Manner::Polling { limits, account } => (Effect::Polls, Some(*limits), Some(Arc::clone(account))),
        };
        let (doing, headers) = (doing.to_owned(), HeaderMap::new());
        Call { doing, class, meter, effect, limits, account, method, route, headers, body: None }
    }
}

pub(super) fn twin_route(id: &TwinId) -> Option<Route> {
    match &id.module {
        Some(module) => Route::new("/twins/{}/modules/{}", &[id.device.as_str(), module.as_str()]),
        None => Route::new("/twins/{}", &[id.device.as_str()]),
    }
}
