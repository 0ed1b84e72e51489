//! The hub's REST data plane (api-version 2021-04-12) as a client: endpoint, sign-in, wire types, errors, one retry
//! policy, one budget.
//!
//! [`Hub::connect`] gives a [`HubRead`] and, unless read-only, a [`HubWrite`]; both send through a [`Transport`], which is
//! reqwest in the product and a script or the simulator's router in tests. Every failure is a
//! [`Fault`].

mod auth;
mod bucket;
mod budget;
mod client;
mod deploy;
mod door;
mod endpoint;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod method;
mod pace;
mod read;
mod registry;
mod retry;
mod route;
mod sku;
#[cfg(test)]
mod tests;
pub mod transport;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::time::SharedClock;

use auth::Authorizer;
use client::Client;
use transport::HttpsTransport;

pub use auth::{Credential, EntraEnvironment, EntraSettings, ManagedIdentity, authorization};
pub use budget::{Admission, Budget, BudgetView, ClassView, Permit};
pub use deploy::{Stored, Updated};
pub use door::{DoorAnswer, SimDoor};
pub use endpoint::{ConnectionString, Endpoint, EndpointError};
pub use method::{MethodReply, MethodTimeouts};
pub use pace::Pace;
pub use read::{Continuation, HubRead, QueryPage};
pub use sku::{Limit, OpClass, Sku};
pub use transport::Transport;
pub use wire::{configuration_body as configuration_json, twin_from_json};
pub use write::HubWrite;

/// Everything needed to talk to one hub.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Who we are.
    pub credential: Credential,
    /// Its edition; the data plane does not tell.
    pub sku: Sku,
    /// Its units, at least 1.
    pub units: u32,
    /// Our share of its rates, 0.5 by default.
    pub rate_share: f64,
    /// Our share of its messages a day, 0.05 by default.
    pub message_share: f64,
    /// Whose certificates we believe.
    pub trust: Trust,
    /// Whether no [`HubWrite`] is made.
    pub read_only: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl HubSettings {
    /// Settings with the defaults: S1, one unit, half of the rates, 5 % of the day, the system's certificates, writes
    /// allowed.
    #[must_use]
    pub fn new(endpoint: Endpoint, credential: Credential) -> Self {
        Self {
            endpoint,
            credential,
            sku: Sku::S1,
            units: 1,
            rate_share: 0.5,
            message_share: 0.05,
            trust: Trust::System,
            read_only: false,
            timeouts: Timeouts::default(),
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The system's authorities.
    System,
    /// This PEM bundle and nobody else: the simulated hub's own authority.
    Only(Vec<u8>),
    /// The system's and this PEM bundle: a company's inspecting proxy.
    Also(Vec<u8>),
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For TCP and TLS.
    pub connect: Duration,
    /// For one try, from sending to the answer's last byte.
    pub request: Duration,
    /// For the budget to admit a call; after that the caller gets [`FaultKind::Budget`].
    pub patience: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), request: Duration::from_secs(30), patience: Duration::from_secs(60) }
    }
}

/// One hub. The two halves share connection, token and budget.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Reads.
    pub read: HubRead,
    /// Writes; `None` in read-only mode.
    pub write: Option<HubWrite>,
}

impl Hub {
    /// Prepares to talk HTTPS to the hub; sends nothing yet. `clock` must tell real time: tokens are signed against it,
    /// also for a simulated hub whose own time runs faster.
    ///
    /// # Errors
    /// [`Fault`] when the certificates cannot be used; a key that cannot sign shows at the first call.
    pub fn connect(settings: HubSettings, clock: SharedClock) -> Result<Self, Fault> {
        let transport = HttpsTransport::new(&settings.endpoint, &settings.trust, settings.timeouts).map_err(|why| {
            Fault::new(FaultKind::Unreachable, format!("prepare to reach {}", settings.endpoint), why)
        })?;
        Ok(Self::with_transport(settings, clock, Arc::new(transport)))
    }

    /// The same over a transport of the caller's.
    #[must_use]
    pub fn with_transport(settings: HubSettings, clock: SharedClock, transport: Arc<dyn Transport>) -> Self {
        let HubSettings { endpoint, credential, sku, units, rate_share, message_share, trust, read_only, timeouts } =
            settings;
        let client = Arc::new(Client {
            authorizer: Authorizer::new(credential, &endpoint, &trust, Arc::clone(&clock)),
            budget: Budget::new(sku, units, rate_share, message_share, Arc::clone(&clock)),
            host: endpoint.authority(),
            request_limit: timeouts.request,
            patience: timeouts.patience,
            transport,
            clock,
            sku,
        });
        let write = (!read_only).then(|| HubWrite(Arc::clone(&client)));
        Self { read: HubRead(client, read::Manner::Patient), write }
    }
}
