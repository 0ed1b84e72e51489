//! A hub with edge devices under a clock that is turned by hand, and manifests to give them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::time::{Clock as _, ManualClock, SharedClock};
use crate::sim::device::{Condition, Counts, MachineSpec, World};
use crate::sim::hub::testing::{Answer, Caller};
use crate::sim::hub::{Seed, SimHub};
use crate::sim::scenario::Scenario;

/// The device most tests have.
pub(super) const D: &str = "edge-1";

pub(super) struct Stage {
    pub(super) clock: Arc<ManualClock>,
    pub(super) caller: Caller,
    /// The device that is looked at.
    pub(super) device: &'static str,
}

/// The present of every test.
const NOW: &str = "2026-03-04T05:06:07Z";

impl Stage {
    /// An empty hub.
    pub(super) fn empty() -> Self {
        let clock = ManualClock::at(NOW.parse().unwrap());
        let shared: SharedClock = clock.clone();
        let hub = SimHub::new("hub", Seed::fixed(7), Arc::clone(&shared), shared);
        Self { clock, caller: Caller::new(hub), device: D }
    }

    /// A scenario that comes along, and one of its devices.
    pub(super) fn of(scenario: &str, device: &'static str) -> Self {
        let clock = ManualClock::at(NOW.parse().unwrap());
        let shared: SharedClock = clock.clone();
        let hub = Scenario::open(scenario).unwrap().build(Seed::fixed(7), Arc::clone(&shared), shared);
        Self { clock, caller: Caller::new(hub), device }
    }

    /// A device with a machine and a manifest, a minute after both.
    pub(super) fn with(manifest: &Value) -> Self {
        let stage = Self::empty();
        stage.register(D);
        stage.apply(manifest);
        stage.hub().provision(D, MachineSpec::default()).unwrap();
        stage.pass(60);
        stage
    }

    pub(super) fn hub(&self) -> &SimHub {
        &self.caller.hub
    }

    pub(super) fn register(&self, device: &str) {
        let body = json!({"deviceId": device, "capabilities": {"iotEdge": true}});
        assert_eq!(self.caller.send("PUT", &format!("/devices/{device}"), &[], &body).status, 200);
    }

    pub(super) fn apply(&self, manifest: &Value) {
        self.hub().set_modules(self.device, manifest);
    }

    /// Time goes on by so many seconds.
    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The world's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    pub(super) fn afflict(&self, condition: &Condition, on: bool) {
        self.hub().afflict(self.device, condition, on).unwrap();
    }

    pub(super) fn machines<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        self.hub().machines(act)
    }

    /// A module twin.
    pub(super) fn twin(&self, module: &str) -> Value {
        self.caller.get(&format!("/twins/{}/modules/{}", self.device, module.replace('$', "%24")))
    }

    /// What a module reports.
    pub(super) fn reported(&self, module: &str) -> Value {
        self.twin(module)["properties"]["reported"].clone()
    }

    /// What edgeAgent reports of one module; `null` when it knows none.
    pub(super) fn module(&self, name: &str) -> Value {
        let reported = self.reported("$edgeAgent");
        let section = if matches!(name, "edgeAgent" | "edgeHub") { "systemModules" } else { "modules" };
        reported[section][name].clone()
    }

    /// edgeAgent's code and the version it stands for.
    pub(super) fn status(&self) -> (i64, u64) {
        let reported = self.reported("$edgeAgent");
        let code = reported["lastDesiredStatus"]["code"].as_i64().unwrap_or(0);
        (code, reported["lastDesiredVersion"].as_u64().unwrap_or(0))
    }

    pub(super) fn description(&self) -> String {
        self.reported("$edgeAgent")["lastDesiredStatus"]["description"].as_str().unwrap_or_default().to_owned()
    }

    /// The version edgeAgent should stand for.
    pub(super) fn desired_version(&self) -> u64 {
        self.twin("$edgeAgent")["properties"]["desired"]["$version"].as_u64().unwrap()
    }

    /// `runtimeStatus` of a module, or `absent`.
    pub(super) fn runs(&self, name: &str) -> String {
        self.module(name)["runtimeStatus"].as_str().unwrap_or("absent").to_owned()
    }

    /// Waits in steps of a second until something is so; fails after `patience` seconds.
    pub(super) fn until(&self, patience: u64, what: &str, so: impl Fn(&Self) -> bool) -> u64 {
        for second in 0..=patience {
            if so(self) {
                return second;
            }
            self.pass(1);
        }
        panic!("not within {patience} s: {what}\n{:#}", self.reported("$edgeAgent"));
    }

    /// The ids of the device's modules in the registry.
    pub(super) fn identities(&self) -> Vec<String> {
        let listed = self.caller.get(&format!("/devices/{}/modules", self.device));
        listed.as_array().unwrap().iter().map(|module| module["moduleId"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn connection(&self, module: &str) -> String {
        self.twin(module)["connectionState"].as_str().unwrap().to_owned()
    }

    /// The last lines of a module's log, by asking edgeAgent.
    pub(super) fn log(&self, module: &str, tail: u64) -> Vec<String> {
        let request = json!({"schemaVersion": "1.0", "contentType": "text",
            "items": [{"id": format!("^{module}$"), "filter": {"tail": tail}}]});
        let answer = self.method(Some("$edgeAgent"), "GetModuleLogs", &request).body;
        assert_eq!((&answer["status"], &answer["payload"][0]["id"]), (&json!(200), &json!(module)), "{answer}");
        answer["payload"][0]["payload"].as_str().unwrap().lines().map(str::to_owned).collect()
    }

    /// What became of the messages of the device's modules.
    pub(super) fn counts(&self) -> Counts {
        self.hub().messages(self.device).unwrap().counts
    }

    pub(super) fn method(&self, module: Option<&str>, name: &str, payload: &Value) -> Answer {
        let path = match module {
            Some(module) => format!("/twins/{}/modules/{}/methods", self.device, module.replace('$', "%24")),
            None => format!("/twins/{}/methods", self.device),
        };
        self.caller.send("POST", &path, &[], &json!({"methodName": name, "payload": payload}))
    }
}

/// A manifest under construction.
#[derive(Clone)]
pub(super) struct Manifest(pub(super) Value);

impl Manifest {
    /// The runtime, one route, no modules.
    pub(super) fn new() -> Self {
        Self(json!({"modulesContent": {
            "$edgeAgent": {"properties.desired": {
                "schemaVersion": "1.1",
                "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "loggingOptions": "",
                    "registryCredentials": {"acr": {"address": "acr.azurecr.io", "username": "u", "password": "p"}}}},
                "systemModules": {
                    "edgeAgent": {"type": "docker", "imagePullPolicy": "on-create", "env": {},
                        "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5", "createOptions": "{}"}},
                    "edgeHub": {"type": "docker", "status": "running", "restartPolicy": "always", "startupOrder": 0,
                        "imagePullPolicy": "on-create", "env": {},
                        "settings": {"image": "mcr.microsoft.com/azureiotedge-hub:1.5", "createOptions": "{}"}},
                },
                "modules": {},
            }},
            "$edgeHub": {"properties.desired": {
                "schemaVersion": "1.1",
                "routes": {"up": {"route": "FROM /messages/* INTO $upstream"}},
                "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
            }},
        }}))
    }

    /// With modules that should run always, by name and image.
    pub(super) fn running(modules: &[(&str, &str)]) -> Self {
        modules.iter().fold(Self::new(), |manifest, (name, image)| manifest.module(name, image))
    }

    pub(super) fn module(self, name: &str, image: &str) -> Self {
        let spec = json!({"version": "1.0", "type": "docker", "status": "running", "restartPolicy": "always",
            "imagePullPolicy": "on-create", "env": {}, "settings": {"image": image, "createOptions": "{}"}});
        self.agent(&format!("/modules/{name}"), spec)
    }

    /// With something else at a place of `$edgeAgent`'s desired properties; `null` takes it away.
    pub(super) fn agent(self, place: &str, value: Value) -> Self {
        self.at("$edgeAgent", place, value)
    }

    pub(super) fn hub(self, place: &str, value: Value) -> Self {
        self.at("$edgeHub", place, value)
    }

    /// With desired properties of a module's own.
    pub(super) fn twin(mut self, module: &str, desired: &Value) -> Self {
        self.0["modulesContent"][module] = json!({ "properties.desired": desired });
        self
    }

    fn at(mut self, module: &str, place: &str, value: Value) -> Self {
        let (parents, last) = place.rsplit_once('/').unwrap();
        let desired = &mut self.0["modulesContent"][module]["properties.desired"];
        let parent: &mut Map<String, Value> = desired.pointer_mut(parents).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.shift_remove(last);
        } else {
            parent.insert(last.to_owned(), value);
        }
        self
    }
}
