//! `$edgeAgent`'s desired properties as edgeAgent reads them, and what it reports when it cannot.

use serde_json::Value;

use super::image::Image;
use super::module::{ModuleSpec, Role};
use super::reader::{Node, Unreadable};
use super::version::SchemaVersion;
use crate::domain::json::Path;
use crate::domain::secret::Secret;

/// What the runtime itself gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    /// `settings.minDockerVersion`; empty when none is given.
    pub min_docker_version: String,
    /// `settings.loggingOptions`; empty when none are given.
    pub logging_options: String,
    /// Where images may be pulled from with a password, in the document's order.
    pub registry_credentials: Vec<RegistryCredential>,
}

impl Runtime {
    /// The credentials an image is pulled with: the first whose address is the image's host, in any case.
    #[must_use]
    pub fn credential_for(&self, image: &Image) -> Option<&RegistryCredential> {
        let host = image.registry()?;
        self.registry_credentials.iter().find(|credential| credential.address.eq_ignore_ascii_case(host))
    }
}

/// One registry and its password.
#[derive(Debug, Clone)]
pub struct RegistryCredential {
    /// The name in the manifest; means nothing.
    pub name: String,
    /// The registry's `host[:port]`.
    pub address: String,
    /// Who signs in.
    pub username: String,
    /// With what.
    pub password: Secret,
}

impl PartialEq for RegistryCredential {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.address == other.address
            && self.username == other.username
            && self.password.expose() == other.password.expose()
    }
}

/// A configuration edgeAgent can run.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentConfig {
    /// As written; what is reported is always `1.0`.
    pub schema_version: String,
    /// The runtime's own settings.
    pub runtime: Runtime,
    /// edgeAgent itself; may be missing.
    pub edge_agent: Option<ModuleSpec>,
    /// edgeHub; may be missing.
    pub edge_hub: Option<ModuleSpec>,
    /// All other modules, in the document's order.
    pub modules: Vec<ModuleSpec>,
}

/// The code edgeAgent puts into `lastDesiredStatus` when it cannot read its desired properties. The old
/// configuration stays, and so does `lastDesiredVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// 400: something is missing or has another form.
    Format,
    /// 412: a schema version edgeAgent does not know.
    SchemaVersion,
    /// 417: nothing is desired at all.
    Empty,
}

impl RefusalCode {
    /// The number in `lastDesiredStatus.code`.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Format => 400,
            Self::SchemaVersion => 412,
            Self::Empty => 417,
        }
    }
}

/// Why edgeAgent does not take the desired properties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}; edgeAgent will report {} and keep what it runs", at.shown(), code.number())]
pub struct AgentRefusal {
    /// The code it reports.
    pub code: RefusalCode,
    /// The exact text it reports; says nothing about the cause for 400.
    pub description: String,
    /// Where the cause is, below the desired properties.
    pub at: Path,
    /// The cause, as a sentence without its subject; safe to draw.
    pub reason: String,
}

/// The newest schema edgeAgent takes.
const EXPECTED: SchemaVersion = SchemaVersion::new(1, 1, 0);

impl AgentConfig {
    /// Reads desired properties, with or without the hub's `$metadata` and `$version`.
    ///
    /// # Errors
    /// [`AgentRefusal`] with what edgeAgent reports. What cannot be read (400) comes before a version that is not
    /// supported (412), as in edgeAgent.
    pub fn read(desired: &Value) -> Result<Self, AgentRefusal> {
        if desired.as_object().is_some_and(|map| map.keys().all(|key| key.starts_with('$'))) {
            return Err(AgentRefusal {
                code: RefusalCode::Empty,
                description:
                    "This device has an empty configuration for the edge agent. Please set a deployment manifest."
                        .to_owned(),
                at: Path::root(),
                reason: "nothing is desired".to_owned(),
            });
        }
        let config = read(&Node::root(desired)).map_err(|Unreadable { at, reason }| AgentRefusal {
            code: RefusalCode::Format,
            description: "Agent configuration format is invalid.".to_owned(),
            at,
            reason,
        })?;
        config.check_version()?;
        Ok(config)
    }

    /// All modules: edgeAgent, edgeHub, then the others in the document's order.
    pub fn all(&self) -> impl Iterator<Item = &ModuleSpec> {
        self.edge_agent.iter().chain(&self.edge_hub).chain(&self.modules)
    }

    /// The module of that name; `edgeAgent` and `edgeHub` are written without `$`.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&ModuleSpec> {
        self.all().find(|module| module.name == name)
    }

    fn check_version(&self) -> Result<(), AgentRefusal> {
        let written = &self.schema_version;
        let (description, reason) = match SchemaVersion::parse(written) {
            Ok(version) if version.major() == EXPECTED.major() && version <= EXPECTED => return Ok(()),
            Ok(_) => (
                format!(
                    "The desired properties schema version {written} is not compatible with the expected version {EXPECTED}"
                ),
                "is a version edgeAgent does not take; it takes 1.0 and 1.1",
            ),
            Err(_) => (
                format!("Invalid desired properties schema version {written}"),
                "is no version; edgeAgent takes 1.0 and 1.1",
            ),
        };
        Err(AgentRefusal {
            code: RefusalCode::SchemaVersion,
            description,
            at: Path::root().child("schemaVersion"),
            reason: reason.to_owned(),
        })
    }
}

fn read(root: &Node<'_>) -> Result<AgentConfig, Unreadable> {
    let schema_version = root.required("schemaVersion")?.text()?;
    let runtime = read_runtime(&root.required("runtime")?)?;
    let system = root.required("systemModules")?;
    let system_module = |name: &str, role| -> Result<Option<ModuleSpec>, Unreadable> {
        system.optional(name)?.map(|node| ModuleSpec::read(name, &node, role)).transpose()
    };
    let edge_agent = system_module("edgeAgent", Role::Agent)?;
    let edge_hub = system_module("edgeHub", Role::Hub)?;
    let mut modules = Vec::new();
    if let Some(listed) = root.optional("modules")? {
        for (name, node) in listed.members()? {
            if name.trim().is_empty() {
                return node.fault("has no name");
            }
            modules.push(ModuleSpec::read(name, &node, Role::Custom)?);
        }
    }
    Ok(AgentConfig { schema_version, runtime, edge_agent, edge_hub, modules })
}

fn read_runtime(node: &Node<'_>) -> Result<Runtime, Unreadable> {
    let kind = node.required("type")?;
    if kind.text()? != "docker" {
        return kind.fault("is not docker, the only runtime there is");
    }
    let mut runtime =
        Runtime { min_docker_version: String::new(), logging_options: String::new(), registry_credentials: Vec::new() };
    let Some(settings) = node.optional("settings")? else { return Ok(runtime) };
    if let Some(version) = settings.optional("minDockerVersion")? {
        runtime.min_docker_version = version.text()?;
    }
    if let Some(options) = settings.optional("loggingOptions")? {
        runtime.logging_options = options.text()?;
    }
    if let Some(credentials) = settings.optional("registryCredentials")? {
        for (name, entry) in credentials.members()? {
            runtime.registry_credentials.push(RegistryCredential {
                name: name.to_owned(),
                address: entry.required("address")?.filled_text()?,
                username: entry.required("username")?.filled_text()?,
                password: Secret::new(entry.required("password")?.filled_text()?),
            });
        }
    }
    Ok(runtime)
}
