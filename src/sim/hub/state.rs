//! What the simulated service remembers: devices, their modules, the twins of both, configurations
//! and jobs. No wire shapes here;
//! how each is written is its resource's business.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::sim::device::World;

use super::configurations::Configurations;
use super::entropy::Entropy;
use super::jobs::Jobs;
use super::seed::Ahead;
use super::stamp;
use super::temper::{Index, Service};
use super::twin::Twin;

/// Everything behind the hub's lock.
pub(super) struct State {
    pub(super) devices: BTreeMap<String, Device>,
    pub(super) configurations: Configurations,
    pub(super) jobs: Jobs,
    pub(super) entropy: Entropy,
    /// What queries see otherwise than it is.
    pub(super) index: Index,
    /// On which terms it serves, and what was taken.
    pub(super) service: Service,
    /// The machines behind the edge devices.
    pub(super) world: World,
    /// What a scenario has yet to let happen.
    pub(super) ahead: Ahead,
}

/// A device identity and its twin.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) identity: Identity,
    pub(super) enabled: bool,
    pub(super) status_reason: Option<String>,
    pub(super) status_updated: Option<Timestamp>,
    pub(super) edge: bool,
    pub(super) scope: Option<String>,
    pub(super) parent_scopes: Vec<String>,
    pub(super) twin: Twin,
    pub(super) modules: BTreeMap<String, Module>,
}

/// A module identity and its twin.
#[derive(Clone)]
pub(super) struct Module {
    pub(super) identity: Identity,
    pub(super) managed_by: Option<String>,
    pub(super) twin: Twin,
}

/// What device and module identities have in common.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) created: Timestamp,
    /// The number inside the entity tag.
    pub(super) etag: u64,
    pub(super) authentication: Authentication,
    pub(super) connected: bool,
    pub(super) connection_updated: Option<Timestamp>,
    pub(super) last_activity: Option<Timestamp>,
    /// The hub has yet to notice the last change of the link.
    unnoticed: Option<Unnoticed>,
}

/// A change of a link that is not shown yet.
#[derive(Clone)]
struct Unnoticed {
    until: Timestamp,
    /// When the state that is still shown began.
    since: Option<Timestamp>,
}

/// How an identity proves itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Authentication {
    /// Two symmetric keys.
    Sas { primary: String, secondary: String },
    /// Two thumbprints of its own certificates.
    SelfSigned { primary: Option<String>, secondary: Option<String> },
    /// A certificate of a known authority.
    CertificateAuthority,
    /// A module the runtime has not provisioned yet.
    None,
}

impl Authentication {
    pub(super) fn fresh(entropy: &mut Entropy) -> Self {
        Self::Sas { primary: entropy.key(), secondary: entropy.key() }
    }

    /// `authenticationType` in twins, `type` in identities.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sas { .. } => "sas",
            Self::SelfSigned { .. } => "selfSigned",
            Self::CertificateAuthority => "certificateAuthority",
            Self::None => "none",
        }
    }
}

impl Identity {
    pub(super) fn new(authentication: Authentication, etag: u64, now: Timestamp) -> Self {
        Self {
            created: now,
            etag,
            authentication,
            connected: false,
            connection_updated: None,
            last_activity: None,
            unnoticed: None,
        }
    }

    /// When it was last heard of. The service notes what comes over a link only now and again.
    pub(super) fn last_activity(&self, now: Timestamp) -> Option<Timestamp> {
        const NOTED_EVERY: i64 = 300;
        let Some(since) = self.connection_updated.filter(|_| self.connected) else { return self.last_activity };
        let noted = now.duration_since(since).as_secs() / NOTED_EVERY * NOTED_EVERY;
        since.checked_add(SignedDuration::from_secs(noted)).ok().max(self.last_activity)
    }

    /// The link came or went, which the hub notices after `lag`.
    pub(super) fn link(&mut self, connected: bool, lag: Duration, at: Timestamp) {
        if self.connected == connected {
            return;
        }
        let since = self.connection_updated;
        // Who was away for less than that was never away.
        self.unnoticed = match self.unnoticed.take() {
            Some(unnoticed) if at < unnoticed.until => None,
            _ => Some(Unnoticed { until: at.saturating_add(lag).unwrap_or(at), since }).filter(|_| !lag.is_zero()),
        };
        self.connected = connected;
        self.connection_updated = Some(at);
        if connected {
            self.last_activity = Some(at);
        }
    }

    fn unnoticed(&self, now: Timestamp) -> Option<&Unnoticed> {
        self.unnoticed.as_ref().filter(|unnoticed| now < unnoticed.until)
    }

    /// Whether the hub takes it for connected.
    pub(super) fn seems_connected(&self, now: Timestamp) -> bool {
        self.connected != self.unnoticed(now).is_some()
    }

    /// Since when the hub takes it for that.
    pub(super) fn seems_so_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.unnoticed(now).map_or(self.connection_updated, |unnoticed| unnoticed.since)
    }

    pub(super) fn connection_state(&self, now: Timestamp) -> &'static str {
        if self.seems_connected(now) { "Connected" } else { "Disconnected" }
    }
}

impl Device {
    /// A new device that is no edge device, with an empty twin stamped with its creation.
    pub(super) fn new(identity: Identity) -> Self {
        let created = identity.created;
        Self {
            identity,
            enabled: true,
            status_reason: None,
            status_updated: None,
            edge: false,
            scope: None,
            parent_scopes: Vec::new(),
            twin: Twin::new(&stamp::instant(created)),
            modules: BTreeMap::new(),
        }
    }

    /// The scope of an edge device that was one from the first.
    pub(super) fn scope_at_creation(id: &str, created: Timestamp) -> String {
        format!("ms-azure-iot-edge://{id}-{}", stamp::ticks(created))
    }

    pub(super) fn status(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }

    /// Makes it an edge device: the runtime's two modules exist at once, and a new device gets a scope of its
    /// own with its creation as suffix; one that is turned into an edge device later gets none.
    pub(super) fn become_edge(&mut self, id: &str, at_creation: bool, now: Timestamp, entropy: &mut Entropy) {
        self.edge = true;
        let scope = Self::scope_at_creation(id, self.identity.created);
        self.scope = Some(if at_creation { scope } else { format!("ms-azure-iot-edge://{id}-") });
        for name in ["$edgeAgent", "$edgeHub"] {
            if !self.modules.contains_key(name) {
                let identity = Identity::new(Authentication::None, entropy.first_etag(), now);
                self.modules.insert(name.to_owned(), Module::new(identity, Some("iotEdge".to_owned())));
            }
        }
    }
}

impl Module {
    /// A new module; its twin's stamps are the zero time.
    pub(super) fn new(identity: Identity, managed_by: Option<String>) -> Self {
        Self { identity, managed_by, twin: Twin::new(stamp::ZERO_TIME) }
    }
}

impl State {
    /// A device by its exact id.
    pub(super) fn device(&self, id: &str) -> Option<&Device> {
        self.devices.get(id)
    }
}

/// `x509Thumbprint` of identities: both members always there, `null` without certificates of its own.
pub(super) fn thumbprints(authentication: &Authentication) -> Map<String, Value> {
    let (primary, secondary) = match authentication {
        Authentication::SelfSigned { primary, secondary } => (primary.clone(), secondary.clone()),
        Authentication::Sas { .. } | Authentication::CertificateAuthority | Authentication::None => (None, None),
    };
    let mut out = Map::new();
    out.insert("primaryThumbprint".to_owned(), primary.map_or(Value::Null, Value::String));
    out.insert("secondaryThumbprint".to_owned(), secondary.map_or(Value::Null, Value::String));
    out
}
