//! A simulated IoT Hub with a fleet behind it: demo, tutorial, test double, rehearsal stage.
//!
//! [`hub`] is the service without sockets, `device` the machines behind its edge devices, `http` and `tls` put it behind
//! real HTTPS, `scenario` fills it with a world, `control` and `faults` are the switches behind `:sim`, `cut` the
//! connections they cut, `words` what they are called, `door` the way other programs get to them. It shares time, secrets, the query language and the meaning of manifests and routes with the console and nothing else, so that each
//! checks the other.

mod clock;
mod control;
mod cut;
mod device;
mod door;
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

pub use control::CommandError;
pub use device::{Counts, Dark, Tally};
pub use faults::{FaultState, Next};
pub use scenario::{Mistake, Scenario, ScenarioError};
pub use tls::TlsError;

use faults::Faults;
use http::{Behind, Shared};
use hub::SimHub;
pub use hub::{Class, ClassStatus, Edition, Refusal, RequestKind, Seed, Sku, Temper, TemperStatus, Terms, Turns};

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
    /// On which terms the hub serves; those of the scenario, without any.
    pub terms: Option<Terms>,
    /// How many times faster than `real_clock` the world's `clock` goes. Answers say so when it is not one.
    pub speed: u32,
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
            terms: None,
            speed: 1,
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

impl SimOptions {
    /// The same world, whose clock goes so many times as fast as the real one.
    #[must_use]
    pub fn at_speed(self, speed: u32) -> Self {
        if speed == 1 {
            return self;
        }
        Self { clock: self.scenario.fast_clock(speed, &self.real_clock), speed, ..self }
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
    door: SocketAddr,
    ca_pem: String,
    shared: Arc<Shared>,
    servers: [JoinHandle<io::Result<()>>; 2],
}

/// What `:sim` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimStatus {
    /// The hub's name, without the domain.
    pub hub: String,
    /// The scenario it began with: `default`, `f04-crash-loop`, a path.
    pub scenario: String,
    /// Where it answers: `https://127.0.0.1:PORT`.
    pub endpoint: String,
    /// Devices in the registry.
    pub devices: usize,
    /// Requests answered since the start.
    pub served: u64,
    /// The faults in force.
    pub faults: FaultState,
    /// On which terms it serves, and what was taken.
    pub temper: TemperStatus,
}

/// Serves a scenario's world over HTTPS until it is shut down. The world is made meanwhile.
///
/// # Errors
/// [`SimError`] when the address is taken or no certificate can be made.
pub async fn start(options: SimOptions) -> Result<Sim, SimError> {
    let SimOptions { scenario, listen, clock, real_clock, seed, terms, speed } = options;
    let faults = scenario.faults();
    let name = scenario.name().to_owned();
    let hub = scenario.build(seed, clock, real_clock);
    if let Some(terms) = terms {
        hub.on_terms(terms);
    }
    let tls = tls::generate(&format!("{}.azure-devices.net", hub.name()), listen.ip())?;
    let hub = hub.at_speed(speed).also_at(listen.ip().to_string());
    let (listener, address) = bind(listen).await?;
    let (door, door_address) = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    // Nobody can connect to "any address"; from this machine, loopback is one of them.
    let reached =
        if listen.ip().is_unspecified() { SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())) } else { address };
    let shared = Shared {
        hub,
        faults: Faults::new(faults),
        stop: CancellationToken::new(),
        host: reached.to_string(),
        scenario: name,
    };
    let (shared, acceptor) = (Arc::new(shared), TlsAcceptor::from(tls.server));
    let making = Arc::clone(&shared);
    // It goes on beside whoever starts us; whoever asks the hub something before it is done waits for it.
    tokio::task::spawn_blocking(move || making.hub.make());
    let servers = [(listener, Behind::Hub), (door, Behind::Door)]
        .map(|(listener, behind)| tokio::spawn(http::serve(listener, acceptor.clone(), Arc::clone(&shared), behind)));
    Ok(Sim { door: door_address, ca_pem: tls.ca_pem, shared, servers })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SimError> {
    let failed = |source| SimError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

impl Shared {
    /// The state of the simulator at this moment.
    fn status(&self) -> SimStatus {
        SimStatus {
            hub: self.hub.name().to_owned(),
            scenario: self.scenario.clone(),
            endpoint: format!("https://{}", self.host),
            devices: self.hub.device_count(),
            served: self.hub.served(),
            faults: self.faults.state(),
            temper: self.hub.temper(),
        }
    }
}

impl Sim {
    /// `127.0.0.1:PORT`, as it stands in connection strings.
    #[must_use]
    pub fn host(&self) -> String {
        self.shared.host.clone()
    }

    /// `127.0.0.1:PORT` of the door through which other programs steer it.
    #[must_use]
    pub fn door(&self) -> String {
        self.door.to_string()
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
    /// [`CommandError`], which lists what is possible when the text is nothing the simulator knows.
    pub fn command(&self, text: &str) -> Result<String, CommandError> {
        control::run(&self.shared, text)
    }

    /// What became of the messages of all machines, brought up to date for at most `patience`.
    #[must_use]
    pub fn tally(&self, patience: Duration) -> Tally {
        self.shared.hub.tally(patience)
    }

    /// A twin that exists, for examples: `edge-gateway-001/temperatureFilter`; nothing on an empty hub.
    #[must_use]
    pub fn some_twin(&self) -> Option<String> {
        self.shared.hub.some_twin()
    }

    /// The state of the simulator at this moment.
    #[must_use]
    pub fn status(&self) -> SimStatus {
        self.shared.status()
    }

    /// Stops listening, lets answers under way finish for a short while, and ends.
    pub async fn shutdown(mut self) {
        self.shared.stop.cancel();
        let ended = async {
            for server in &mut self.servers {
                match server.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "the simulated hub ended with an error"),
                    Err(error) => tracing::warn!(%error, "the simulated hub ended abnormally"),
                }
            }
        };
        if tokio::time::timeout(SHUTDOWN_PATIENCE, ended).await.is_err() {
            tracing::debug!("clients kept the simulated hub's connections open; closing them");
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.servers.iter().for_each(JoinHandle::abort);
    }
}
