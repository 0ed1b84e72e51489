//! Deployment manifests: what a file, a configuration or a twin says an edge device should run, read as its readers
//! read it. Shared by the console, the rollout engine and the simulated devices.
//!
//! `document` unwraps the forms a manifest is written in, `layer` tells a base from a layer and lists what a content
//! entry sets, `findings` are the things a console refuses before sending. `agent` and `hub` read the desired
//! properties of the two runtime modules with the refusals those would report; `module` is one module as edgeAgent
//! compares it, `image`, `env` and `create_options` its parts, `version` the schema version, `reader` the cursor.

mod agent;
mod create_options;
mod document;
mod env;
mod findings;
mod hub;
mod image;
mod layer;
mod module;
mod reader;
#[cfg(test)]
mod tests;
mod version;

pub use agent::{AgentConfig, AgentRefusal, RefusalCode, RegistryCredential, Runtime};
pub use create_options::{
    AGENT_CHUNKS, CHUNK_UNITS, CreateOptions, CreateOptionsError, USUAL_CHUNKS, fit, join, split,
};
pub use document::{Form, Manifest, ManifestError, Problem};
pub use env::Env;
pub use findings::{Finding, FindingKind};
pub use hub::{DEFAULT_PRIORITY, HubConfig, HubRefusal, HubRoute};
pub use image::{Image, ImageError};
pub use layer::{Assignment, Content, DESIRED, Kind};
pub use module::{Change, DesiredStatus, Field, ImagePullPolicy, ModuleSpec, RestartPolicy};
