//! edgeHub as the hub sees it: what it makes of its own twin, who is linked to it, and what it reports of both. Routing
//! and storing of messages is not here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::manifest::{HubConfig, HubRefusal};

use super::condition::Condition;
use super::containers::is_system;
use super::machine::{Machine, Moment};
use super::moment::{after, sooner};
use super::patch::diff;
use super::runtime::RuntimeVersion;

const MODULE: &str = "$edgeHub";

/// edgeHub.
#[derive(Debug)]
pub(super) struct HubModule {
    /// Its program takes links.
    pub(super) ready: bool,
    /// Devices that are no edge devices and talk through it.
    pub(super) leaves: Vec<String>,
    ready_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    leaves_at: Option<Timestamp>,
    /// The version of its desired properties it read last, and what came of it.
    answer: Option<(u64, u16, String)>,
    clients: BTreeMap<String, Client>,
    /// What modules reported while there was no link, oldest first.
    pending: Vec<(String, Map<String, Value>)>,
}

/// Somebody who is or was linked. Instants are the machine's own.
#[derive(Debug, Clone, Copy)]
struct Client {
    connected: Timestamp,
    disconnected: Option<Timestamp>,
}

impl HubModule {
    pub(super) fn new(leaves: Vec<String>) -> Self {
        Self {
            ready: false,
            leaves,
            ready_at: None,
            read_at: None,
            leaves_at: None,
            answer: None,
            clients: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        sooner(self.ready_at, sooner(self.read_at, self.leaves_at))
    }

    /// Its program is gone. What it stored stays.
    pub(super) fn down(&mut self) {
        self.ready = false;
        (self.ready_at, self.read_at, self.leaves_at) = (None, None, None);
    }

    /// A module ended before it had a link: what it had to report is lost.
    pub(super) fn forget_reports(&mut self, module: &str) {
        self.pending.retain(|(name, _)| name != module);
    }

    /// Its whole reported section; nothing before it has read its twin.
    fn reported(&self, device: &str, version: &RuntimeVersion) -> Option<Map<String, Value>> {
        let (desired, code, description) = self.answer.as_ref()?;
        let client = |(id, client): (&String, &Client)| {
            let status = if client.disconnected.is_some() { "Disconnected" } else { "Connected" };
            let mut entry = Map::new();
            entry.insert("status".to_owned(), json!(status));
            entry.insert("lastConnectedTimeUtc".to_owned(), json!(version.stamp(Some(client.connected))));
            if let Some(at) = client.disconnected {
                entry.insert("lastDisconnectedTimeUtc".to_owned(), json!(version.stamp(Some(at))));
            }
            let name = if self.leaves.contains(id) { id.clone() } else { format!("{device}/{id}") };
            (escape(&name), Value::Object(entry))
        };
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        put("schemaVersion", json!("1.0"));
        put("version", version.reported());
        put("lastDesiredVersion", json!(desired));
        put("lastDesiredStatus", json!({"code": code, "description": description}));
        put("clients", Value::Object(self.clients.iter().map(client).collect()));
        Some(out)
    }
}

/// The hub refuses these characters in names of properties.
fn escape(name: &str) -> String {
    name.replace('.', "%2E").replace('$', "%24").replace(' ', "%20")
}

impl Machine {
    /// Its container runs; its program needs a moment.
    pub(super) fn hub_started(&mut self, moment: &Moment<'_>) {
        self.hub.down();
        self.hub.answer = None;
        self.hub.ready_at = Some(after(moment.at, self.dice.millis(3_000, 5_000)));
    }

    pub(super) fn hub_wake(&mut self, moment: &mut Moment<'_>) {
        let now = moment.at;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let (ready, read, leaves) = (due(self.hub.ready_at), due(self.hub.read_at), due(self.hub.leaves_at));
        if ready {
            self.hub.ready_at = None;
            self.hub.ready = true;
            self.hub.clients.clear();
            self.reconnect_clients(moment);
            if self.link.up.is_some() {
                self.hub_linked(moment);
            }
        }
        if read {
            self.hub.read_at = None;
            self.hub_read(moment);
        }
        if leaves {
            self.hub.leaves_at = None;
            for leaf in self.hub.leaves.clone() {
                self.note_client(&leaf, moment.at);
                if self.link.up.is_some() {
                    moment.cloud.link(&leaf, None, true, moment.at);
                }
            }
            self.hub_report(moment);
        }
    }

    /// The machine has a link, so edgeHub has one, and through it everybody who is linked to it.
    pub(super) fn hub_linked(&mut self, moment: &mut Moment<'_>) {
        if !self.hub.ready {
            return;
        }
        for module in self.linked_modules() {
            moment.cloud.link(&self.device, Some(&module), true, moment.at);
        }
        for leaf in self.hub.leaves.iter().filter(|leaf| self.hub.clients.contains_key(*leaf)) {
            moment.cloud.link(leaf, None, true, moment.at);
        }
        self.hub.read_at = Some(after(moment.at, self.dice.millis(200, 700)));
        self.send_pending(moment);
        for name in self.engine.running().into_iter().filter(|name| !is_system(name)) {
            self.twin_changed(&name, moment);
        }
    }

    /// Its twin changed, or a module's did.
    pub(super) fn twin_changed(&mut self, module: &str, moment: &Moment<'_>) {
        if self.link.up.is_none() || !self.hub.ready {
            return;
        }
        let at = Some(after(moment.at, self.dice.millis(150, 600)));
        if module == MODULE {
            self.hub.read_at = at;
        } else if let Some(run) = self.engine.run_mut(module)
            && run.connected
        {
            run.twin_at = at;
        }
    }

    /// Reads its desired properties. Whatever they are, their version is what it reports from then on.
    fn hub_read(&mut self, moment: &mut Moment<'_>) {
        if self.link.up.is_none() {
            return;
        }
        let Some((desired, version)) = moment.cloud.desired(&self.device, MODULE) else { return };
        match HubConfig::read(&Value::Object(desired.clone())) {
            Ok(config) => {
                self.hub.answer = Some((version, 200, String::new()));
                // What it cannot compile it notices only now, and says nowhere.
                if config.unusable().is_none() {
                    self.outlet.route_by(&config);
                }
            }
            Err(refusal) => self.hub.answer = Some((version, HubRefusal::CODE, refusal.description)),
        }
        self.hub_report(moment);
    }

    /// Sends what the hub does not have yet.
    fn hub_report(&mut self, moment: &mut Moment<'_>) {
        if self.link.up.is_none() || !self.hub.ready {
            return;
        }
        let version = self.hub_version();
        let known = moment.cloud.reported(&self.device, MODULE);
        let (Some(known), Some(wanted)) = (known, self.hub.reported(&self.device, &version)) else { return };
        let patch = diff(known, &wanted);
        if !patch.is_empty()
            && let Err(refusal) = moment.cloud.report(&self.device, MODULE, patch, moment.at)
        {
            let text = format!("Error updating reported properties of edgeHub: {refusal}");
            self.runtime_log("edgeHub", moment.at, 'W', &text);
        }
    }

    fn hub_version(&self) -> RuntimeVersion {
        let container = self.engine.get("edgeHub");
        container.and_then(|container| RuntimeVersion::of_image(&container.spec.image)).unwrap_or(self.daemon.clone())
    }

    /// Its run ended, and every link with it.
    pub(super) fn hub_ended(&mut self, moment: &mut Moment<'_>) {
        let linked = self.linked_modules();
        self.hub.down();
        for name in self.engine.running() {
            if let Some(run) = self.engine.run_mut(&name) {
                (run.connected, run.connects_at, run.twin_at) = (false, None, None);
            }
        }
        if self.link.up.is_some() {
            for module in linked {
                moment.cloud.link(&self.device, Some(&module), false, moment.at);
            }
            moment.cloud.link(&self.device, Some(MODULE), false, moment.at);
            for leaf in &self.hub.leaves {
                moment.cloud.link(leaf, None, false, moment.at);
            }
        }
    }

    /// All modules try to link anew; whoever does not trust edgeHub's certificate loses what it has.
    pub(super) fn reconnect_clients(&mut self, moment: &mut Moment<'_>) {
        let trusted = !self.conditions.has(&Condition::CertificatesExpired);
        for name in self.engine.running().into_iter().filter(|name| !is_system(name)) {
            let soon = after(moment.at, self.dice.millis(800, 3_000));
            let Some(run) = self.engine.run_mut(&name) else { continue };
            let lost = run.connected && !trusted;
            run.connects_at = (trusted && self.hub.ready && !run.connected).then_some(soon);
            if lost {
                run.connected = false;
                self.client_gone(&name, moment);
            }
        }
        if trusted && self.hub.ready && !self.hub.leaves.is_empty() {
            self.hub.leaves_at = Some(after(moment.at, self.dice.millis(3_000, 8_000)));
        }
    }

    /// A module's link to edgeHub is there.
    pub(super) fn connect_client(&mut self, name: &str, moment: &mut Moment<'_>) {
        if !self.hub.ready || self.conditions.has(&Condition::CertificatesExpired) {
            return;
        }
        let Some(run) = self.engine.run_mut(name) else { return };
        run.connected = true;
        self.note_client(name, moment.at);
        if self.link.up.is_some() {
            moment.cloud.link(&self.device, Some(name), true, moment.at);
            self.send_pending(moment);
            self.hand_out(name, moment);
        }
        self.hub_report(moment);
    }

    fn note_client(&mut self, id: &str, at: Timestamp) {
        let at = self.clock.shows(at);
        self.hub.clients.insert(id.to_owned(), Client { connected: at, disconnected: None });
    }

    /// A module's link to edgeHub is over.
    pub(super) fn client_gone(&mut self, name: &str, moment: &mut Moment<'_>) {
        let at = self.clock.shows(moment.at);
        if let Some(client) = self.hub.clients.get_mut(name) {
            client.disconnected = Some(at);
        }
        if self.link.up.is_some() {
            moment.cloud.heard(&self.device, Some(name), moment.at);
            moment.cloud.link(&self.device, Some(name), false, moment.at);
        }
        self.hub_report(moment);
    }

    /// A module reports; what cannot be sent waits.
    pub(super) fn report_of(&mut self, name: &str, patch: Map<String, Value>, moment: &mut Moment<'_>) {
        self.hub.pending.push((name.to_owned(), patch));
        self.send_pending(moment);
    }

    fn send_pending(&mut self, moment: &mut Moment<'_>) {
        if self.link.up.is_none() || !self.hub.ready {
            return;
        }
        for (name, patch) in std::mem::take(&mut self.hub.pending) {
            if !self.engine.run_of(&name).is_some_and(|run| run.connected) {
                self.hub.pending.push((name, patch));
            } else if let Err(refusal) = moment.cloud.report(&self.device, &name, patch, moment.at) {
                let text = format!("Reported properties of {name} were refused: {refusal}");
                self.runtime_log("edgeHub", moment.at, 'W', &text);
            }
        }
    }
}
