//! What edgeAgent reports, in the names and forms of its serialiser.

use serde_json::{Map, Value, json};

use crate::domain::manifest::{AgentConfig, CreateOptions, DesiredStatus, Env, ModuleSpec, RestartPolicy};
use crate::sim::device::engine::ContainerState;
use crate::sim::device::runtime::RuntimeVersion;

use super::Status;
use super::observe::Observed;

/// The version it reports whatever is desired.
pub(super) const SCHEMA_VERSION: &str = "1.0";
/// Writers split options into pieces of so many UTF-16 units.
const CHUNK: usize = 512;

/// Everything a report is made from.
pub(super) struct Report<'a> {
    /// The daemon's version.
    pub(super) daemon: &'a RuntimeVersion,
    /// edgeAgent's own.
    pub(super) agent: &'a RuntimeVersion,
    pub(super) architecture: &'a str,
    pub(super) status: &'a Status,
    /// Of the deployment executed last.
    pub(super) version: u64,
    pub(super) executed: Option<&'a AgentConfig>,
    pub(super) observed: &'a [Observed],
}

impl Report<'_> {
    /// The whole section; what is sent is its difference from what the hub has.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        let find = |name: &str| self.observed.iter().find(|seen| seen.spec.name == name);
        let system = json!({
            "edgeAgent": find("edgeAgent").map_or_else(unknown_agent, |seen| self.module(seen)),
            "edgeHub": find("edgeHub").map_or_else(unknown_hub, |seen| self.module(seen)),
        });
        let mut modules = Map::new();
        // In the order of the deployment; what it does not know comes last.
        let listed = self.executed.iter().flat_map(|config| &config.modules).filter_map(|spec| find(&spec.name));
        let strangers = self.observed.iter().filter(|seen| !seen.known);
        for seen in listed.chain(strangers).filter(|seen| !is_system(&seen.spec.name)) {
            modules.insert(seen.spec.name.clone(), self.module(seen));
        }
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        put("schemaVersion", json!(SCHEMA_VERSION));
        put("version", self.agent.reported());
        put("lastDesiredVersion", json!(self.version));
        put("lastDesiredStatus", self.status.to_value());
        put("runtime", self.runtime());
        put("systemModules", system);
        put("modules", Value::Object(modules));
        out
    }

    fn runtime(&self) -> Value {
        let os = if self.daemon.is_terse() { "Linux" } else { "linux" };
        let platform = json!({"os": os, "architecture": self.architecture, "version": self.daemon.as_str()});
        let Some(config) = self.executed else { return json!({"platform": platform, "Type": "Unknown"}) };
        let runtime = &config.runtime;
        let credentials = runtime.registry_credentials.iter().map(|credential| {
            let entry = json!({
                "address": credential.address,
                "username": credential.username,
                "password": credential.password.expose(),
            });
            (credential.name.clone(), entry)
        });
        json!({
            "type": "docker",
            "platform": platform,
            "settings": {
                "minDockerVersion": runtime.min_docker_version,
                "loggingOptions": runtime.logging_options,
                "registryCredentials": credentials.collect::<Map<String, Value>>(),
            },
        })
    }

    /// A module's entry. Of edgeAgent some members are missing, of edgeHub the version.
    fn module(&self, seen: &Observed) -> Value {
        let spec = &seen.spec;
        let (agent, system) = (spec.name == "edgeAgent", is_system(&spec.name));
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        if !system {
            put("version", json!(if seen.known { spec.version.as_str() } else { "" }));
        }
        put("type", json!("docker"));
        if !agent {
            put("status", json!(if seen.known { spec.status.word() } else { "unknown" }));
            put("restartPolicy", json!(if seen.known { spec.restart_policy.word() } else { "unknown" }));
        }
        put("imagePullPolicy", json!(if seen.known { spec.image_pull_policy.word() } else { "on-create" }));
        let order = if seen.known { spec.startup_order } else { 0 };
        if order != u32::MAX {
            put("startupOrder", json!(order));
        }
        put("exitCode", json!(seen.exit_code));
        if !self.daemon.is_terse() {
            put("statusDescription", json!(describe(seen)));
        }
        put("lastStartTimeUtc", json!(self.agent.stamp(seen.started)));
        put("lastExitTimeUtc", json!(self.agent.stamp(seen.exited)));
        if !agent {
            put("restartCount", json!(seen.restart_count()));
            put("lastRestartTimeUtc", json!(self.agent.stamp(seen.last_restart())));
        }
        put("runtimeStatus", json!(seen.status.word()));
        put("env", if seen.known { env_value(&spec.env) } else { json!({}) });
        let mut settings = Map::new();
        settings.insert("image".to_owned(), json!(spec.image.as_str()));
        settings.insert("imageHash".to_owned(), json!(seen.image_hash));
        let options = match (agent, seen.known) {
            (true, _) => labels(spec),
            (false, true) => spec.create_options.to_text(),
            (false, false) => "{}".to_owned(),
        };
        settings.extend(chunks(&options));
        if let Some(digest) = spec.digest.as_ref().filter(|_| seen.known) {
            settings.insert("digest".to_owned(), json!(digest));
        }
        put("settings", Value::Object(settings));
        Value::Object(out)
    }
}

fn is_system(name: &str) -> bool {
    matches!(name, "edgeAgent" | "edgeHub")
}

/// What a daemon before 1.2 says of a container.
fn describe(seen: &Observed) -> &'static str {
    match seen.state {
        ContainerState::Running => "running",
        ContainerState::Created => "created",
        ContainerState::Exited if seen.exit_code == 0 => "exited",
        ContainerState::Exited => "failed",
        ContainerState::Dead => "dead",
    }
}

fn unknown_agent() -> Value {
    json!({"type": "Unknown", "startupOrder": 0, "env": {}})
}

fn unknown_hub() -> Value {
    json!({
        "type": "Unknown",
        "status": "unknown",
        "restartPolicy": RestartPolicy::Never.word(),
        "imagePullPolicy": "on-create",
        "env": {},
    })
}

fn env_value(env: &Env) -> Value {
    Value::Object(env.iter().map(|(name, value)| (name.to_owned(), json!({ "value": value }))).collect())
}

/// The options of edgeAgent's own container: what it was made from is in its labels.
fn labels(spec: &ModuleSpec) -> String {
    json!({"Labels": {
        "net.azure-devices.edge.create-options": spec.create_options.to_text(),
        "net.azure-devices.edge.env": env_value(&spec.env).to_string(),
        "net.azure-devices.edge.original-image": spec.image.to_string(),
        "net.azure-devices.edge.owner": "Microsoft.Azure.Devices.Edge.Agent",
    }})
    .to_string()
}

/// A text as `createOptions`, `createOptions01`, …
fn chunks(text: &str) -> Vec<(String, Value)> {
    let mut pieces = vec![String::new()];
    let mut units = 0;
    for c in text.chars() {
        if units + c.len_utf16() > CHUNK {
            pieces.push(String::new());
            units = 0;
        }
        units += c.len_utf16();
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    let name = |index: usize| match index {
        0 => "createOptions".to_owned(),
        index => format!("createOptions{index:02}"),
    };
    pieces.into_iter().enumerate().map(|(index, piece)| (name(index), Value::String(piece))).collect()
}

/// What an orderly shutdown makes of the last report: another status, and nobody knows of any module.
pub(super) fn shut_down(reported: &Map<String, Value>, status: &Status) -> Map<String, Value> {
    let mut out = reported.clone();
    out.insert("lastDesiredStatus".to_owned(), status.to_value());
    for section in ["systemModules", "modules"] {
        let Some(Value::Object(modules)) = out.get_mut(section) else { continue };
        for module in modules.values_mut().filter_map(Value::as_object_mut) {
            if let Some(status) = module.get_mut("runtimeStatus") {
                *status = json!("unknown");
            }
        }
    }
    out
}

/// What the runtime is made of before any deployment.
pub(in crate::sim::device) fn bootstrap(image: crate::domain::manifest::Image) -> ModuleSpec {
    ModuleSpec {
        name: "edgeAgent".to_owned(),
        version: String::new(),
        status: DesiredStatus::Running,
        restart_policy: RestartPolicy::Always,
        image_pull_policy: crate::domain::manifest::ImagePullPolicy::OnCreate,
        startup_order: 0,
        env: Env::default(),
        image,
        create_options: CreateOptions::default(),
        digest: None,
        configuration: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_split_at_512_units_wherever_that_is() {
        let text = format!("{}\u{1F600}{}", "a".repeat(511), "b".repeat(600));
        let pieces = chunks(&text);
        let names: Vec<&str> = pieces.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["createOptions", "createOptions01", "createOptions02"]);
        assert_eq!(pieces[0].1, json!("a".repeat(511)), "a pair of units is not torn apart");
        assert_eq!(pieces.iter().map(|(_, piece)| piece.as_str().unwrap()).collect::<String>(), text);
        assert_eq!(chunks("{}"), [("createOptions".to_owned(), json!("{}"))]);
    }

    #[test]
    fn a_shutdown_knows_of_no_module() {
        let reported = json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 200, "description": ""},
            "systemModules": {"edgeHub": {"type": "Unknown"}, "edgeAgent": {"runtimeStatus": "running"}},
            "modules": {"m": {"runtimeStatus": "backoff", "exitCode": 1}}});
        let down = shut_down(reported.as_object().unwrap(), &Status::new(406, "Agent is not running"));
        assert_eq!(
            Value::Object(down),
            json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 406, "description": "Agent is not running"},
                "systemModules": {"edgeHub": {"type": "Unknown"}, "edgeAgent": {"runtimeStatus": "unknown"}},
                "modules": {"m": {"runtimeStatus": "unknown", "exitCode": 1}}})
        );
    }
}
