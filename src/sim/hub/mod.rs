//! The simulated service itself, without sockets: a request in, a response out, state behind one lock.
//!
//! One file per resource; `state` is what they share, `router` finds the right one, `errors` has every
//! refusal. Wire types, patch rules and limits are the simulator's own: it checks the console from outside.

mod auth;
mod bulk;
mod configurations;
mod echo;
mod edition;
mod entropy;
mod errors;
mod jobs;
mod limits;
mod message;
mod methods;
mod modules;
mod page;
mod query;
mod refusal;
mod registry;
mod router;
pub(super) mod seed;
pub(super) mod stamp;
mod state;
mod statistics;
mod steer;
mod temper;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod twin;
mod twins;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::secret::Secret;
use crate::domain::time::SharedClock;
use crate::sim::device::World;

use auth::Policy;
use configurations::Configurations;
pub(super) use configurations::content::check as check_content;
pub(super) use configurations::seeded::Targets;
pub(super) use configurations::seeded::check as check_deployment;
pub(super) use echo::EchoSeed;
pub use edition::{Class, Edition, Sku};
use entropy::Entropy;
pub use entropy::Seed;
use errors::{Code, HubError};
use jobs::Jobs;
pub use message::{Request, Response, Wait};
pub(super) use refusal::Asked;
pub use refusal::{Refusal, RequestKind};
use router::Target;
use state::State;
pub use temper::{ClassStatus, Temper, TemperStatus, Terms, Turns};
pub(super) use world::NoMachine;

/// A simulated IoT Hub with the machines behind its edge devices. Safe to share; a call holds the lock for its whole
/// length, lets the machines live up to the clock's present first, and waits for nothing but the lock and, the first time,
/// for the world to be made.
pub struct SimHub {
    name: String,
    /// The world's time: stamps, metadata, the `Date` header.
    clock: SharedClock,
    /// Real time: SAS tokens are made by clients that know nothing of the world's.
    real_clock: SharedClock,
    /// How many times faster than the real one the world's clock goes.
    speed: u32,
    hosts: Vec<String>,
    policies: [Policy; 5],
    state: Mutex<State>,
    /// What fills the hub before anybody sees it.
    beginning: Mutex<Option<Beginning>>,
    begun: Once,
    served: AtomicU64,
}

/// Says in each answer how many times faster than ours the world's time goes, unless it is the same: whoever compares stamps
/// with a clock of its own has to know.
const SPEED: &str = "x-edgedeck-sim-speed";

/// Puts a world into a hub that nobody has seen yet. It may use the hub's seeding calls and no others.
pub(super) type Beginning = Box<dyn FnOnce(&SimHub) + Send>;

impl fmt::Debug for SimHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHub").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SimHub {
    /// An empty hub called `name` (without `.azure-devices.net`). `seed` decides keys, ids and first entity tags;
    /// `clock` is the world's time, `real_clock` the one tokens expire by.
    #[must_use]
    pub fn new(name: &str, seed: Seed, clock: SharedClock, real_clock: SharedClock) -> Self {
        let mut entropy = Entropy::new(seed);
        let policies = auth::default_policies(&mut entropy);
        let host = format!("{name}.azure-devices.net");
        let world = World::new(&host, seed.number("machines"));
        let now = clock.now().wall;
        let configurations = Configurations::new(now);
        Self {
            hosts: vec![host, "localhost".to_owned(), "127.0.0.1".to_owned()],
            name: name.to_owned(),
            clock,
            real_clock,
            speed: 1,
            policies,
            state: Mutex::new(State {
                devices: BTreeMap::new(),
                configurations,
                jobs: Jobs::default(),
                entropy,
                index: temper::Index::default(),
                service: temper::Service::new(Terms::default(), now),
                world,
                ahead: seed::Ahead::default(),
            }),
            beginning: Mutex::default(),
            begun: Once::new(),
            served: AtomicU64::new(0),
        }
    }

    /// The hub will hold what `beginning` puts into it, made when somebody first looks or [`SimHub::make`] is called: a
    /// world with weeks behind it takes longer than whoever starts it needs to draw a first screen.
    #[must_use]
    pub(super) fn beginning_with(self, beginning: Beginning) -> Self {
        *self.beginning.lock().unwrap_or_else(PoisonError::into_inner) = Some(beginning);
        self
    }

    /// Makes the world, unless that was done; whoever comes meanwhile waits.
    pub(super) fn make(&self) {
        self.begun.call_once(|| {
            let beginning = self.beginning.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(beginning) = beginning {
                beginning(self);
            }
        });
    }

    /// Answers one request, as the service would; see [`Wait`] for when.
    pub fn handle(&self, request: &Request) -> Response {
        self.answer(request, None)
    }

    /// Refuses one request instead of serving it. Who may not ask for it, or asks wrongly, is told that.
    pub(super) fn refuse(&self, request: &Request, refusal: Refusal) -> Response {
        self.answer(request, Some(refusal))
    }

    fn answer(&self, request: &Request, refusal: Option<Refusal>) -> Response {
        if request.waited.is_zero() && !request.queued {
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        let (mut state, now) = self.present();
        let request_id = state.entropy.guid();
        let response = router::route(self, &mut state, request, refusal, now)
            .unwrap_or_else(|error| error.response(request_id, now));
        let date = now.saturating_add(state.service.skew).unwrap_or(now);
        drop(state);
        let mut response = response;
        if let Wait::Turn(after) = response.wait {
            // Rates are the world's, and whoever waits for a turn waits in ours.
            response.wait = Wait::Turn(after / self.speed);
        }
        if self.speed != 1 {
            response = response.header(SPEED, self.speed.to_string());
        }
        response
            .header("Server", "Microsoft-HTTPAPI/2.0")
            .header("Vary", "Origin")
            .header("Date", stamp::http_date(date))
            .header("x-ms-request-id", request_id.to_string())
    }

    /// The name, without the domain.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many requests were answered.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// How many devices are registered.
    #[must_use]
    pub fn device_count(&self) -> usize {
        self.state().devices.len()
    }

    /// The owner's connection string at `host`, which may carry a port.
    #[must_use]
    pub fn connection_string(&self, host: &str) -> Secret {
        let [owner, ..] = &self.policies;
        owner.connection_string(host)
    }

    /// The names of its policies, the owner's first.
    pub fn policies(&self) -> impl Iterator<Item = &'static str> {
        self.policies.iter().map(|policy| policy.name)
    }

    /// The connection string of another policy (`service`, `device`, `registryRead`, `registryReadWrite`);
    /// nothing for any other name.
    #[must_use]
    pub fn connection_string_of(&self, policy: &str, host: &str) -> Option<Secret> {
        self.policies.iter().find(|known| known.name == policy).map(|policy| policy.connection_string(host))
    }

    /// Whether whoever asks may steer the simulator: the owner, and whoever else may write to the registry.
    pub(super) fn lets_steer(&self, request: &Request, path: &str) -> bool {
        let needed = &[auth::Permission::RegistryWrite];
        let now = self.real_clock.now().wall;
        auth::authorize(request, path, needed, &self.policies, &self.hosts, now).is_ok()
    }

    /// The world's clock goes so many times as fast as the real one.
    #[must_use]
    pub(super) fn at_speed(mut self, speed: u32) -> Self {
        self.speed = speed.max(1);
        self
    }

    /// The hub answers to another host name or address too.
    #[must_use]
    pub(super) fn also_at(mut self, host: String) -> Self {
        self.hosts.push(host);
        self
    }

    /// The state as it is now: the machines have lived up to this instant.
    fn present(&self) -> (MutexGuard<'_, State>, Timestamp) {
        self.make();
        self.made_up_to_now()
    }

    /// The same while the world is being made.
    fn made_up_to_now(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let mut state = self.unmade();
        // Read under the lock, so that time never goes back between two calls.
        let now = self.clock.now().wall;
        state.live_until(now);
        state.index.catch_up(now);
        (state, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.make();
        self.unmade()
    }

    /// The state whether or not the world was made; for what makes it.
    fn unmade(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held poisons it; the state is written in whole steps, so it is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: &serde_json::Error) -> HubError {
    HubError::new(Code::IotHubFormatError, format!("The body could not be read: {error}."))
}

/// One request being answered.
struct Call<'a> {
    request: &'a Request,
    target: &'a Target,
    now: Timestamp,
}

impl Call<'_> {
    /// A query parameter, decoded.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.target.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    fn json<T: DeserializeOwned>(&self) -> Result<T, HubError> {
        serde_json::from_slice(&self.request.body).map_err(|error| unreadable(&error))
    }

    /// The body as a JSON object; `serde` alone would also take an array of its members.
    fn object<T: DeserializeOwned>(&self) -> Result<T, HubError> {
        let map: serde_json::Map<String, Value> = self.json()?;
        serde_json::from_value(Value::Object(map)).map_err(|error| unreadable(&error))
    }

    /// Whether answers carry `modelId`: since api-version 2020-09-30.
    fn has_model_id(&self) -> bool {
        self.parameter("api-version").is_some_and(|version| version >= "2020-09-30")
    }
}
