//! edgeHub as the hub sees it: what it makes of its own twin, who is linked to it, and what it reports of both. Routing
//! and storing of messages is not here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::manifest::{HubConfig, HubRefusal};

use super::instants::after;
use super::machine::{Machine, Moment};
use super::moment::sooner;
use super::patch::diff;
use super::program::runtime::Said;
use super::runtime::RuntimeVersion;

const MODULE: &str = "$edgeHub";
const CONTAINER: &str = "edgeHub";

/// edgeHub.
#[derive(Debug, Clone)]
pub(super) struct HubModule {
    /// Its program takes connections.
    pub(super) ready: bool,
    /// Devices that are no edge devices and talk through it.
    pub(super) leaves: Vec<String>,
    read_at: Option<Timestamp>,
    leaves_at: Option<Timestamp>,
    /// The version of its desired properties it read last, and what came of it.
    answer: Option<(u64, u16, String)>,
    /// The configuration it took last. Kept on disk.
    config: Option<HubConfig>,
    clients: BTreeMap<String, Client>,
    /// What modules reported while there was no link, oldest first.
    pub(super) pending: Vec<(String, Map<String, Value>)>,
}

/// The name of a device's module under the device's other name; another device keeps its own.
pub(in crate::sim) fn renamed(client: &str, before: &str, after: &str) -> String {
    match client.split_once('/') {
        Some((device, module)) if device == before => format!("{after}/{module}"),
        _ => client.to_owned(),
    }
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
            read_at: None,
            leaves_at: None,
            answer: None,
            config: None,
            clients: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// The device is called differently, and always was.
    pub(super) fn rename(&mut self, before: &str, after: &str) {
        let clients = std::mem::take(&mut self.clients).into_iter();
        self.clients = clients.map(|(name, client)| (renamed(&name, before, after), client)).collect();
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        sooner(self.read_at, self.leaves_at)
    }

    /// Its program is gone, and what it knew of its twin. What it stored stays.
    pub(super) fn down(&mut self) {
        self.ready = false;
        self.answer = None;
        (self.read_at, self.leaves_at) = (None, None);
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
    /// Its program takes connections, and knows of none.
    pub(super) fn hub_ready(&mut self, moment: &mut Moment<'_>) {
        self.hub.ready = true;
        self.hub.clients.clear();
        if let Some(config) = self.hub.config.clone() {
            self.traffic.configure(config);
        }
        if !self.hub.leaves.is_empty() {
            self.hub.leaves_at = Some(after(moment.at, self.dice.millis(3_000, 8_000)));
        }
        if self.link.up.is_some() {
            self.hub_linked(moment);
        }
    }

    pub(super) fn hub_wake(&mut self, moment: &mut Moment<'_>) {
        let now = moment.at;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let (read, leaves) = (due(self.hub.read_at), due(self.hub.leaves_at));
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
        for name in self.linked_modules() {
            self.twin_changed(&name, moment);
        }
    }

    /// The modules whose links edgeHub holds, itself included.
    pub(super) fn linked_modules(&self) -> Vec<String> {
        if !self.hub.ready {
            return Vec::new();
        }
        let clients = self.hub.clients.iter().filter(|(id, _)| !self.hub.leaves.contains(id));
        let connected = clients.filter(|(_, client)| client.disconnected.is_none());
        connected.map(|(id, _)| id.clone()).chain([MODULE.to_owned()]).collect()
    }

    /// Its twin changed, or a module's did.
    pub(super) fn twin_changed(&mut self, module: &str, moment: &Moment<'_>) {
        if self.link.up.is_none() || !self.hub.ready {
            return;
        }
        let at = Some(after(moment.at, self.dice.millis(150, 600)));
        if module == MODULE {
            self.hub.read_at = at;
        } else if self.traffic.is_connected(module)
            && self.is_untold(module, moment)
            && let Some(run) = self.engine.run_mut(module)
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
                    self.catch_up(moment);
                    self.traffic.configure(config.clone());
                    self.hub.config = Some(config);
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
        let (Some((known, _)), Some(wanted)) = (known, self.hub.reported(&self.device, &version)) else { return };
        let patch = diff(known, &wanted);
        if !patch.is_empty()
            && let Err(refusal) = moment.cloud.report(&self.device, MODULE, patch, moment.at)
        {
            let text = format!("Error updating edge hub reported properties: {refusal}");
            self.traffic.say(CONTAINER, moment.at, &Said::warning(text));
        }
    }

    fn hub_version(&self) -> RuntimeVersion {
        let container = self.engine.get(CONTAINER);
        container.and_then(|container| RuntimeVersion::of_image(&container.spec.image)).unwrap_or(self.daemon.clone())
    }

    /// Its run ended, and every link with it.
    pub(super) fn hub_ended(&mut self, moment: &mut Moment<'_>) {
        let linked = self.linked_modules();
        self.hub.down();
        if self.link.up.is_some() {
            for module in linked {
                moment.cloud.link(&self.device, Some(&module), false, moment.at);
            }
            for leaf in &self.hub.leaves {
                moment.cloud.link(leaf, None, false, moment.at);
            }
        }
    }

    /// A module connected.
    pub(super) fn client_came(&mut self, name: &str, at: Timestamp, moment: &mut Moment<'_>) {
        self.note_client(name, at);
        if self.link.up.is_some() {
            moment.cloud.link(&self.device, Some(name), true, at);
            self.twin_changed(name, moment);
        }
        self.hub_report(moment);
    }

    fn note_client(&mut self, id: &str, at: Timestamp) {
        let at = self.clock.shows(at);
        self.hub.clients.insert(id.to_owned(), Client { connected: at, disconnected: None });
    }

    /// A module's connection is over.
    pub(super) fn client_gone(&mut self, name: &str, at: Timestamp, moment: &mut Moment<'_>) {
        let shown = self.clock.shows(at);
        if let Some(client) = self.hub.clients.get_mut(name) {
            client.disconnected = Some(shown);
        }
        if self.link.up.is_some() {
            moment.cloud.heard(&self.device, Some(name), at);
            moment.cloud.link(&self.device, Some(name), false, at);
        }
        self.hub_report(moment);
    }

    /// Sends what modules reported, if there is a link.
    pub(super) fn send_pending(&mut self, moment: &mut Moment<'_>) {
        if self.link.up.is_none() || !self.hub.ready {
            return;
        }
        for (name, patch) in std::mem::take(&mut self.hub.pending) {
            if let Err(refusal) = moment.cloud.report(&self.device, &name, patch, moment.at) {
                let text = format!("Error updating reported properties of {name}: {refusal}");
                self.traffic.say(CONTAINER, moment.at, &Said::warning(text));
            }
        }
    }
}
