//! The shapes of an IoT Edge device in its twins: `$edgeAgent` and `$edgeHub`, desired and reported, as runtime
//! 1.5 writes them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::sim::hub::stamp::instant;

/// The version of the runtime on every simulated device.
pub(super) const RUNTIME_VERSION: &str = "1.5.21";
const AGENT_IMAGE: &str = "mcr.microsoft.com/azureiotedge-agent:1.5";
const HUB_IMAGE: &str = "mcr.microsoft.com/azureiotedge-hub:1.5";
const NEVER: &str = "0001-01-01T00:00:00Z";
const HUB_CREATE_OPTIONS: &str = r#"{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}],"5671/tcp":[{"HostPort":"5671"}],"8883/tcp":[{"HostPort":"8883"}]}}}"#;

/// A module as a manifest describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModuleSpec {
    pub name: &'static str,
    pub version: &'static str,
    pub image: &'static str,
    pub env: &'static [(&'static str, &'static str)],
}

/// What runs of a module.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// Up since then.
    Running { since: Timestamp },
    /// Exits again and again, and waits for its next start.
    Backoff { started: Timestamp, exited: Timestamp, exit_code: i64, restarts: u64 },
}

/// A module on a device: what is wanted, the image that really runs, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed {
    pub spec: ModuleSpec,
    /// Differs from the wanted one while a pull fails.
    pub running_image: &'static str,
    pub run: Run,
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

fn image_hash(image: &str) -> String {
    let digest = Sha256::digest(image);
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
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

/// `runtime`, desired and reported alike but for the platform; the agent reports the password back.
fn runtime_settings() -> Value {
    json!({
        "minDockerVersion": "v1.25",
        "loggingOptions": "",
        "registryCredentials": {"acrproduction001": {
            "address": "acrproduction001.azurecr.io",
            "username": "edge-pull",
            "password": "simulated-registry-password",
        }},
    })
}

/// A whole `$edgeAgent` desired section.
pub(super) fn agent_desired(modules: &[ModuleSpec]) -> Map<String, Value> {
    let modules: Map<String, Value> = modules.iter().map(|spec| (spec.name.to_owned(), desired_module(spec))).collect();
    members(json!({
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": runtime_settings()},
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

fn version() -> Value {
    json!({"version": RUNTIME_VERSION, "build": "90153471", "commit": "8f4c2f0f9d7a4b1c8d5e6f7081a2b3c4d5e6f708"})
}

/// A whole `$edgeAgent` reported section of a runtime that started at `since` and executed the deployment
/// `desired_version` with the outcome `status`.
pub(super) fn agent_reported(
    architecture: &str,
    since: Timestamp,
    desired_version: u64,
    status: (i64, &str),
    modules: &[Installed],
) -> Map<String, Value> {
    let modules: Map<String, Value> =
        modules.iter().map(|module| (module.spec.name.to_owned(), reported_module(module))).collect();
    let labels = json!({"Labels": {
        "net.azure-devices.edge.create-options": "{}",
        "net.azure-devices.edge.env": "{}",
        "net.azure-devices.edge.owner": "Microsoft.Azure.Devices.Edge.Agent",
    }});
    members(json!({
        "schemaVersion": "1.0",
        "version": version(),
        "lastDesiredVersion": desired_version,
        "lastDesiredStatus": {"code": status.0, "description": status.1},
        "runtime": {
            "type": "docker",
            "platform": {"os": "Linux", "architecture": architecture, "version": RUNTIME_VERSION},
            "settings": runtime_settings(),
        },
        "systemModules": {
            "edgeAgent": {
                "type": "docker",
                "startupOrder": 0,
                "imagePullPolicy": "on-create",
                "exitCode": 0,
                "lastStartTimeUtc": instant(since),
                "lastExitTimeUtc": NEVER,
                "runtimeStatus": "running",
                "env": {},
                "settings": {"image": AGENT_IMAGE, "imageHash": image_hash(AGENT_IMAGE), "createOptions": labels.to_string()},
            },
            "edgeHub": {
                "type": "docker",
                "status": "running",
                "restartPolicy": "always",
                "startupOrder": 0,
                "imagePullPolicy": "on-create",
                "exitCode": 0,
                "lastStartTimeUtc": instant(since),
                "lastExitTimeUtc": NEVER,
                "restartCount": 0,
                "lastRestartTimeUtc": NEVER,
                "runtimeStatus": "running",
                "env": {"OptimizeForPerformance": {"value": "false"}},
                "settings": {"image": HUB_IMAGE, "imageHash": image_hash(HUB_IMAGE), "createOptions": HUB_CREATE_OPTIONS},
            },
        },
        "modules": modules,
    }))
}

/// A module's entry in `$edgeAgent` reported. Version, env and policy echo the deployment executed last; image,
/// exit code, times and runtime status come from the container.
fn reported_module(module: &Installed) -> Value {
    let (status, exit_code, started, exited, restarts) = match module.run {
        Run::Running { since } => ("running", 0, instant(since), NEVER.to_owned(), 0),
        Run::Backoff { started, exited, exit_code, restarts } => {
            ("backoff", exit_code, instant(started), instant(exited), restarts)
        }
    };
    json!({
        "version": module.spec.version,
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "imagePullPolicy": "on-create",
        "exitCode": exit_code,
        "lastStartTimeUtc": started,
        "lastExitTimeUtc": exited,
        "restartCount": restarts,
        "lastRestartTimeUtc": exited,
        "runtimeStatus": status,
        "env": env(module.spec.env),
        "settings": {
            "image": module.running_image,
            "imageHash": image_hash(module.running_image),
            "createOptions": "{}",
        },
    })
}

/// A client of edgeHub, as `$edgeHub` reports it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// `device/module`, or the id of a leaf device.
    pub id: String,
    pub connected: Timestamp,
    /// When it went away, if it did.
    pub disconnected: Option<Timestamp>,
}

/// A whole `$edgeHub` reported section.
pub(super) fn hub_reported(desired_version: u64, clients: &[Client]) -> Map<String, Value> {
    let client = |client: &Client| {
        let mut entry = members(json!({
            "status": if client.disconnected.is_some() { "Disconnected" } else { "Connected" },
            "lastConnectedTimeUtc": instant(client.connected),
        }));
        if let Some(at) = client.disconnected {
            entry.insert("lastDisconnectedTimeUtc".to_owned(), Value::String(instant(at)));
        }
        // The hub refuses these characters in names of properties, so edgeHub escapes them.
        (client.id.replace('.', "%2E").replace('$', "%24").replace(' ', "%20"), Value::Object(entry))
    };
    members(json!({
        "schemaVersion": "1.0",
        "version": version(),
        "lastDesiredVersion": desired_version,
        "lastDesiredStatus": {"code": 200, "description": ""},
        "clients": clients.iter().map(client).collect::<Map<String, Value>>(),
    }))
}

/// The text of a failed image pull, as runtime 1.4 and later write it.
pub(super) fn pull_failure(module: &str, image: &str) -> String {
    format!(
        "One or more errors occurred. (Error calling prepare update for module {module}: registry operation error: pull image \"{image}\")"
    )
}
