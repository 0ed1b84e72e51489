//! Gateways as a hub's queries show them: rows for [`FleetBuilder`], so that a screen shows what the product would
//! make of them, and the `$edgeAgent` twins that the same gateways have.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::time::Now;
use crate::store::{FeedState, FleetBuilder, FleetSnapshot};

/// When these tests happen.
pub(crate) fn start() -> Timestamp {
    "2026-11-24T02:14:05Z".parse().unwrap()
}

/// The hub's stamp of an instant so many seconds before [`start`].
pub(super) fn ago(seconds: u64) -> String {
    start().saturating_sub(Duration::from_secs(seconds)).unwrap().to_string()
}

const NEVER: &str = "0001-01-01T00:00:00Z";

/// How edgeHub's link stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Link {
    /// Held.
    Up,
    /// Lost so many seconds ago.
    Down(u64),
    /// Never held.
    Never,
}

/// A module: what is wanted and what is reported, as in an `$edgeAgent` twin.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    name: String,
    wanted: Option<Value>,
    seen: Option<Value>,
}

impl Module {
    /// A module that runs as wanted, since a day.
    pub(crate) fn new(name: &str, image: &str) -> Self {
        Self {
            name: name.to_owned(),
            wanted: Some(json!({
                "version": "1.0", "type": "docker", "status": "running", "restartPolicy": "always",
                "env": {}, "settings": {"image": image, "createOptions": "{}"},
            })),
            seen: Some(json!({
                "runtimeStatus": "running", "exitCode": 0, "restartCount": 0, "statusDescription": "",
                "lastStartTimeUtc": ago(86_400), "lastExitTimeUtc": NEVER,
                "settings": {"image": image}, "env": {},
            })),
        }
    }

    /// Changes what is wanted of it.
    pub(crate) fn wanted(mut self, change: Value) -> Self {
        merge(&mut self.wanted, change);
        self
    }

    /// Changes what is reported of it.
    pub(crate) fn seen(mut self, change: Value) -> Self {
        merge(&mut self.seen, change);
        self
    }

    /// It crashed with `code` after `restarts` restarts, twenty seconds ago, and waits.
    pub(crate) fn backoff(self, code: i64, restarts: u64) -> Self {
        self.seen(json!({
            "runtimeStatus": "backoff", "exitCode": code, "restartCount": restarts,
            "lastStartTimeUtc": ago(23), "lastExitTimeUtc": ago(20),
        }))
    }

    /// In the manifest, and edgeAgent has nothing of it.
    pub(crate) fn missing(mut self) -> Self {
        self.seen = None;
        self
    }

    /// Not in the manifest any more.
    pub(crate) fn leftover(mut self) -> Self {
        self.wanted = None;
        self
    }
}

fn merge(side: &mut Option<Value>, change: Value) {
    let (Some(Value::Object(side)), Value::Object(change)) = (side.as_mut(), change) else { panic!("objects only") };
    side.extend(change);
}

/// A device as the hub holds it.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub id: String,
    pub tags: Value,
    pub enabled: bool,
    pub link: Link,
    /// Without edgeAgent and edgeHub, which are always there once something was reported.
    pub modules: Vec<Module>,
    /// `lastDesiredStatus`; `None` when edgeAgent never reported.
    pub status: Option<(i64, String)>,
    /// Whether edgeAgent has yet to see the newest desired version.
    pub behind: bool,
    /// Deployments and their status on the device.
    pub deployments: Vec<(String, &'static str)>,
    /// Age of the report in seconds.
    pub reported: u64,
    /// Whether the agent's row was read.
    pub read: bool,
}

impl Gateway {
    /// A healthy gateway.
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            tags: json!({}),
            enabled: true,
            link: Link::Up,
            modules: vec![
                Module::new(
                    "SimulatedTemperatureSensor",
                    "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0",
                ),
                Module::new("temperatureFilter", "acrproduction001.azurecr.io/temperature-filter:1.0.0"),
            ],
            status: Some((200, String::new())),
            behind: false,
            deployments: vec![],
            reported: 180,
            read: true,
        }
    }

    /// A healthy gateway of a site.
    fn at(building: &str, number: u64) -> Self {
        Self {
            tags: json!({"location": {"building": building, "floor": number % 3 + 1}, "role": "gateway"}),
            deployments: vec![("deploy-base-sites".into(), "Applied"), ("deploy-ml-gateways".into(), "Applied")],
            reported: number * 61,
            ..Self::new(&format!("edge-gateway-{number}"))
        }
    }

    /// Changes it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Changes its temperature filter.
    pub(crate) fn filter(mut self, change: impl FnOnce(Module) -> Module) -> Self {
        let filter = self.modules.pop().unwrap();
        self.modules.push(change(filter));
        self
    }

    /// Desired properties of its `$edgeAgent`.
    pub(super) fn desired(&self) -> Value {
        if matches!(self.status, Some((417, _))) {
            return json!({});
        }
        let modules: Map<String, Value> =
            self.modules.iter().filter_map(|module| Some((module.name.clone(), module.wanted.clone()?))).collect();
        json!({
            "schemaVersion": "1.1",
            "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "registryCredentials": {
                "acr": {"address": "acrproduction001.azurecr.io", "username": "edge-pull", "password": "PLANTED-registry"},
            }}},
            "systemModules": {
                "edgeAgent": {"type": "docker", "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5"}},
                "edgeHub": {"type": "docker", "status": "running", "restartPolicy": "always",
                    "settings": {"image": "mcr.microsoft.com/azureiotedge-hub:1.5"}},
            },
            "modules": modules,
        })
    }

    /// Reported properties of its `$edgeAgent`.
    pub(super) fn reported(&self) -> Value {
        let Some((code, description)) = &self.status else { return json!({}) };
        let modules: Map<String, Value> =
            self.modules.iter().filter_map(|module| Some((module.name.clone(), module.seen.clone()?))).collect();
        let system = |image: &str| {
            json!({"runtimeStatus": "running", "exitCode": 0, "restartCount": 0, "lastStartTimeUtc": ago(90_000),
                "lastExitTimeUtc": NEVER, "settings": {"image": image}})
        };
        json!({
            "schemaVersion": "1.1",
            "version": {"version": "1.5.21", "build": "1", "commit": "c"},
            "lastDesiredVersion": if self.behind { 7 } else { 8 },
            "lastDesiredStatus": {"code": code, "description": description},
            "runtime": {"type": "docker", "platform": {"os": "linux", "architecture": "x86_64", "version": "1.5.21"}},
            "systemModules": {
                "edgeAgent": system("mcr.microsoft.com/azureiotedge-agent:1.5"),
                "edgeHub": system("mcr.microsoft.com/azureiotedge-hub:1.5"),
            },
            "modules": modules,
        })
    }

    /// Its deployments as a twin's `configurations`.
    pub(super) fn configurations(&self) -> Value {
        self.deployments
            .iter()
            .map(|(id, status)| (id.clone(), json!({"status": status})))
            .collect::<Map<_, _>>()
            .into()
    }

    fn device_row(&self) -> Value {
        json!({
            "deviceId": self.id, "status": if self.enabled { "enabled" } else { "disabled" },
            "tags": self.tags, "lastActivityTime": NEVER,
        })
    }

    fn digest_rows(&self) -> [Value; 2] {
        let (state, activity) = match self.link {
            Link::Up => ("Connected", ago(30)),
            Link::Down(seconds) => ("Disconnected", ago(seconds)),
            Link::Never => ("Disconnected", NEVER.to_owned()),
        };
        [
            json!({"deviceId": self.id, "moduleId": "$edgeAgent", "version": 5, "connectionState": "Disconnected"}),
            json!({"deviceId": self.id, "moduleId": "$edgeHub", "version": 5, "connectionState": state,
                "lastActivityTime": activity}),
        ]
    }

    fn agent_row(&self) -> Value {
        let (desired, reported) = (self.desired(), self.reported());
        let mut row = json!({
            "deviceId": self.id, "version": 5, "desiredVersion": 8, "configurations": self.configurations(),
            "wantedSystem": desired["systemModules"], "wanted": desired["modules"],
            "reportedAt": ago(self.reported),
        });
        for (name, member) in [
            ("lastDesiredVersion", "lastDesiredVersion"),
            ("lastDesiredStatus", "lastDesiredStatus"),
            ("seenSystem", "systemModules"),
            ("seen", "modules"),
        ] {
            if let Some(value) = reported.get(member) {
                row[name] = value.clone();
            }
        }
        row
    }
}

/// The fleet as the three queries, all answered at `now`, show it.
pub(crate) fn fleet(gateways: &[Gateway], now: Now) -> FleetSnapshot {
    let devices: Vec<Value> = gateways.iter().map(Gateway::device_row).collect();
    let digest: Vec<Value> = gateways.iter().flat_map(Gateway::digest_rows).collect();
    let agents: Vec<Value> = gateways.iter().filter(|gateway| gateway.read).map(Gateway::agent_row).collect();
    let mut picture = from_rows(&devices, &digest, &agents);
    let read = FeedState { as_of: Some(now), ..FeedState::default() };
    (picture.devices, picture.digest, picture.agents) = (read.clone(), read.clone(), read);
    picture
}

/// The fleet that rows of the three queries make; no query counts as answered in full.
pub(crate) fn from_rows(devices: &[Value], digest: &[Value], agents: &[Value]) -> FleetSnapshot {
    let mut builder = FleetBuilder::default();
    builder.devices(devices);
    let mut digests = BTreeMap::new();
    FleetBuilder::read_digest(&mut digests, digest);
    builder.digest(&digests);
    builder.agents(agents);
    (*builder.snapshot()).clone()
}

/// Two sites with one of everything that can be wrong.
pub(crate) fn site() -> Vec<Gateway> {
    let mut out = vec![Gateway::new("edge-gateway-001")];
    out.extend([101, 102, 103].map(|number| Gateway::at("B1", number)));
    out.push(Gateway::at("B1", 104).filter(|filter| filter.backoff(139, 7)));
    out.push(Gateway::at("B1", 113).with(|it| {
        it.status = None;
        it.link = Link::Never;
    }));
    out.push(Gateway::at("B2", 201));
    out.push(Gateway::at("B2", 203).filter(Module::missing).with(|it| {
        it.status = Some((500, "pull of acrproduction001.azurecr.io/temperature-filter:1.1.O failed".into()));
    }));
    out.push(Gateway::at("B2", 204).with(|it| it.behind = true));
    out.push(Gateway::at("B2", 205).with(|it| {
        it.status = Some((417, String::new()));
        it.modules.clear();
        it.deployments.clear();
    }));
    out.push(Gateway::at("B2", 206).filter(|filter| filter.seen(json!({"runtimeStatus": "unhealthy"}))));
    out.push(Gateway::at("B2", 207).with(|it| it.enabled = false));
    out.push(Gateway::at("B2", 208).filter(|filter| filter.seen(json!({"runtimeStatus": "stopped"}))));
    out.push(Gateway::at("B2", 209).with(|it| {
        it.link = Link::Down(5 * 3_600);
        it.reported = 6 * 3_600;
    }));
    out.push(Gateway::at("B2", 210).with(|it| it.read = false));
    out.push(Gateway::at("B2", 211).with(|it| it.status = Some((400, "unexpected end of input".into()))));
    out
}
