//! What manifests of simulated worlds say, as desired properties of `$edgeAgent` and `$edgeHub`.

use serde_json::{Map, Value, json};

const AGENT_IMAGE: &str = "mcr.microsoft.com/azureiotedge-agent:1.5";
const HUB_IMAGE: &str = "mcr.microsoft.com/azureiotedge-hub:1.5";
const HUB_CREATE_OPTIONS: &str = r#"{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}],"5671/tcp":[{"HostPort":"5671"}],"8883/tcp":[{"HostPort":"8883"}]}}}"#;

/// A module as a manifest describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModuleSpec {
    pub name: &'static str,
    pub version: &'static str,
    pub image: &'static str,
    pub env: &'static [(&'static str, &'static str)],
}

/// Members of an object; anything else is none.
pub(super) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn env(pairs: &[(&str, &str)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect())
}

/// A module's entry in `$edgeAgent` desired.
pub(super) fn desired_module(spec: &ModuleSpec) -> Value {
    json!({
        "version": spec.version,
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "imagePullPolicy": "on-create",
        "env": env(spec.env),
        "settings": {"image": spec.image, "createOptions": "{}"},
    })
}

/// The entry of a registry; edgeAgent reports the password back.
pub(super) fn credential(address: &str) -> Value {
    json!({"address": address, "username": "edge-pull", "password": "simulated-registry-password"})
}

/// A whole `$edgeAgent` desired section.
pub(super) fn agent_desired(modules: &[ModuleSpec]) -> Map<String, Value> {
    let modules = modules.iter().map(|spec| (spec.name.to_owned(), desired_module(spec))).collect();
    let credentials = json!({"acrproduction001": credential("acrproduction001.azurecr.io")});
    agent_with(&modules, &credentials)
}

/// A whole `$edgeAgent` desired section of these modules and registries, each by its name.
pub(super) fn agent_with(modules: &Map<String, Value>, credentials: &Value) -> Map<String, Value> {
    members(json!({
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {
            "minDockerVersion": "v1.25",
            "loggingOptions": "",
            "registryCredentials": credentials,
        }},
        "systemModules": {
            "edgeAgent": {
                "type": "docker",
                "imagePullPolicy": "on-create",
                "env": {},
                "settings": {"image": AGENT_IMAGE, "createOptions": "{}"},
            },
            "edgeHub": {
                "type": "docker",
                "status": "running",
                "restartPolicy": "always",
                "startupOrder": 0,
                "imagePullPolicy": "on-create",
                "env": {"OptimizeForPerformance": {"value": "false"}},
                "settings": {"image": HUB_IMAGE, "createOptions": HUB_CREATE_OPTIONS},
            },
        },
        "modules": modules,
    }))
}

/// A whole `$edgeHub` desired section with the routes of the temperature filter.
pub(super) fn hub_desired() -> Map<String, Value> {
    members(json!({
        "schemaVersion": "1.1",
        "routes": {
            "sensorToFilter": {"route": "FROM /messages/modules/SimulatedTemperatureSensor/outputs/temperatureOutput INTO BrokeredEndpoint(\"/modules/temperatureFilter/inputs/input1\")"},
            "filterToCloud": {"route": "FROM /messages/modules/temperatureFilter/outputs/alertOutput INTO $upstream", "priority": 0, "timeToLiveSecs": 86400},
        },
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
    }))
}
