//! A simulated IoT Hub with a fleet behind it: demo, tutorial, test double, rehearsal stage.
//!
//! [`hub`] is the service without sockets, `device` the machines behind its edge devices, `http` and `tls` put it behind
//! real HTTPS, `scenario` fills it with a world, `control` and `faults` are the switches behind `:sim`. It shares time,
//! secrets, the query language and the meaning of manifests and routes with the console and nothing else, so that each
//! checks the other.

mod clock;
mod control;
mod device;
mod faults;
mod http;
pub mod hub;
mod scenario;
mod tls;
mod words;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::domain::secret::Secret;
use crate::domain::time::SharedClock;

pub use faults::FaultState;
pub use scenario::{Mistake, Scenario, ScenarioError};
pub use tls::TlsError;

use faults::Faults;
use http::Shared;
pub use hub::Seed;
use hub::SimHub;

/// How long [`Sim::shutdown`] waits for answers under way.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// The world it starts with.
    pub scenario: Scenario,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The world's time: stamps, metadata, the `Date` header.
    pub clock: SharedClock,
    /// Real time, by which SAS tokens expire. The same as `clock` unless the world runs at another speed.
    pub real_clock: SharedClock,
    /// What keys, ids and first entity tags are made from; a fixed one makes every start the same.
    pub seed: Seed,
}

impl SimOptions {
    /// The default scenario on a free loopback port, with new keys at every start.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self {
            scenario: Scenario::Default,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            real_clock: Arc::clone(&clock),
            clock,
            seed: Seed::random(),
        }
    }

    /// A scenario on a free loopback port, at the time and with the seed it wants.
    #[must_use]
    pub fn of(scenario: Scenario, real_clock: SharedClock) -> Self {
        let clock = scenario.clock(&real_clock);
        let seed = scenario.seed().unwrap_or_else(Seed::random);
        Self { scenario, seed, real_clock, ..Self::new(clock) }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}: {source}; choose another address or port")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// No certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running simulator. Dropping it stops it at once; [`Sim::shutdown`] lets answers under way finish.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    ca_pem: String,
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
}

/// What `:sim` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimStatus {
    /// The hub's name, without the domain.
    pub hub: String,
    /// Where it answers: `https://127.0.0.1:PORT`.
    pub endpoint: String,
    /// Devices in the registry.
    pub devices: usize,
    /// Requests answered since the start.
    pub served: u64,
    /// The faults in force.
    pub faults: FaultState,
}

/// Fills a hub with the scenario's world and serves it over HTTPS until it is shut down.
///
/// # Errors
/// [`SimError`] when the address is taken or no certificate can be made.
pub async fn start(options: SimOptions) -> Result<Sim, SimError> {
    let SimOptions { scenario, listen, clock, real_clock, seed } = options;
    let faults = scenario.faults();
    let hub = scenario.build(seed, clock, real_clock);
    let tls = tls::generate(&format!("{}.azure-devices.net", hub.name()))?;
    let failed = |source| SimError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shared = Arc::new(Shared { hub, faults: Faults::new(faults), stop: CancellationToken::new() });
    let server = tokio::spawn(http::serve(listener, TlsAcceptor::from(tls.server), Arc::clone(&shared)));
    Ok(Sim { address, ca_pem: tls.ca_pem, shared, server })
}

impl Sim {
    /// `127.0.0.1:PORT`, as it stands in connection strings.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The certificate of the authority that clients must trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The connection string of `iothubowner`.
    #[must_use]
    pub fn connection_string(&self) -> Secret {
        self.shared.hub.connection_string(&self.host())
    }

    /// The connection string of any of the hub's policies, to try what a right allows; nothing for another name.
    #[must_use]
    pub fn connection_string_of(&self, policy: &str) -> Option<Secret> {
        self.shared.hub.connection_string_of(policy, &self.host())
    }

    /// The service behind the sockets, to ask it in memory.
    #[must_use]
    pub fn hub(&self) -> &SimHub {
        &self.shared.hub
    }

    /// Carries out what follows `:sim`, such as `hub off` or `latency 300ms`, and says what it did.
    ///
    /// # Errors
    /// A sentence that lists what is possible, when the text is nothing the simulator knows.
    pub fn command(&self, text: &str) -> Result<String, String> {
        control::run(self, text)
    }

    /// The state of the simulator at this moment.
    #[must_use]
    pub fn status(&self) -> SimStatus {
        SimStatus {
            hub: self.shared.hub.name().to_owned(),
            endpoint: format!("https://{}", self.address),
            devices: self.shared.hub.device_count(),
            served: self.shared.hub.served(),
            faults: self.shared.faults.state(),
        }
    }

    /// Stops listening, lets answers under way finish for a short while, and ends.
    pub async fn shutdown(mut self) {
        self.shared.stop.cancel();
        match tokio::time::timeout(SHUTDOWN_PATIENCE, &mut self.server).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the simulated hub ended with an error"),
            Ok(Err(error)) => tracing::warn!(%error, "the simulated hub ended abnormally"),
            Err(_elapsed) => tracing::debug!("clients kept the simulated hub's connections open; closing them"),
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.server.abort();
    }
}
