//! What a configuration writes: one of three kinds of content, as the service takes and refuses it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::domain::effective::{MergedTwin, merge_one};
use crate::domain::ids::ModuleId;
use crate::domain::manifest::{self, Manifest};
use crate::sim::hub::errors::{Code, HubError};
use crate::sim::hub::limits;

/// Modules one deployment may have.
const MAX_MODULES: usize = 50;

/// The kinds, by the member of `content` that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An IoT Edge deployment, base or layer.
    Edge,
    /// An automatic device configuration.
    Device,
    /// An automatic module configuration.
    Module,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Edge, Self::Device, Self::Module];

    fn member(self) -> &'static str {
        match self {
            Self::Edge => "modulesContent",
            Self::Device => "deviceContent",
            Self::Module => "moduleContent",
        }
    }
}

/// A configuration's content. Never changes once it is stored.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) kind: Kind,
    /// The one member that is used, as it was sent.
    sent: Map<String, Value>,
    pub(super) writes: Writes,
}

/// What the content writes, read.
#[derive(Clone)]
pub(super) enum Writes {
    /// Desired properties of the runtime and of modules.
    Edge(Arc<Manifest>),
    /// Desired properties of one twin: a device's or a module's.
    Twin(Box<MergedTwin>),
}

/// 400 without a word about what is wrong: the service does not say.
pub(super) fn refused() -> HubError {
    HubError::new(
        Code::InvalidConfigurationContent,
        "The content provided for configuration is invalid. Please check and try again",
    )
}

/// What the service would say to a content, and nothing else.
///
/// # Errors
/// Its words.
pub(in crate::sim) fn check(content: &Map<String, Value>) -> Result<(), String> {
    Content::of(Some(content)).map(|_content| ()).map_err(|error| error.text)
}

impl Content {
    /// Reads `content`, which must use exactly one member; clients write the others as `{}` or `null`. Members the
    /// service does not know are dropped.
    pub(super) fn of(sent: Option<&Map<String, Value>>) -> Result<Self, HubError> {
        let mut used = None;
        for kind in Kind::ALL {
            match sent.and_then(|content| content.get(kind.member())) {
                None | Some(Value::Null) => {}
                Some(Value::Object(entries)) if entries.is_empty() => {}
                Some(Value::Object(entries)) if used.is_none() => used = Some((kind, entries)),
                Some(_) => return Err(refused()),
            }
        }
        let (kind, entries) = used.ok_or_else(refused)?;
        let writes = match kind {
            Kind::Edge => Writes::Edge(Arc::new(edge(entries)?)),
            Kind::Device | Kind::Module => Writes::Twin(Box::new(twin(entries)?)),
        };
        Ok(Self { kind, sent: entries.clone(), writes })
    }

    /// `content` as the service hands it out.
    pub(super) fn to_value(&self) -> Value {
        json!({ self.kind.member(): self.sent })
    }
}

fn edge(entries: &Map<String, Value>) -> Result<Manifest, HubError> {
    let manifest = Manifest::read(&json!({ "modulesContent": entries })).map_err(|_told_to_nobody| refused())?;
    if manifest.module("$edgeAgent").is_none() {
        return Err(refused());
    }
    for (_, twin) in merge_one(&manifest) {
        within_limits(&twin)?;
    }
    if modules_of(&manifest).len() > MAX_MODULES {
        return Err(refused());
    }
    Ok(manifest)
}

/// The modules a manifest alone puts on a device: those it sets in `$edgeAgent`.
fn modules_of(manifest: &Manifest) -> BTreeSet<String> {
    let agent = merge_one(manifest).into_iter().find(|(module, _)| module.as_str() == "$edgeAgent");
    agent.map(|(_, twin)| module_names(&twin.desired)).unwrap_or_default()
}

/// The names in `modules` of a `$edgeAgent` section.
pub(super) fn module_names(desired: &Map<String, Value>) -> BTreeSet<String> {
    let modules = desired.get("modules").and_then(Value::as_object);
    modules.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn twin(entries: &Map<String, Value>) -> Result<MergedTwin, HubError> {
    let content = manifest::Content::read(entries).map_err(|_told_to_nobody| refused())?;
    if content.whole().is_some_and(|whole| !whole.is_object()) {
        return Err(refused());
    }
    // The id is a key and nothing more.
    let entry = Manifest::from_modules(vec![(ModuleId::from_wire("twin"), content)]);
    let (_, twin) = merge_one(&entry).pop().ok_or_else(refused)?;
    within_limits(&twin)?;
    Ok(twin)
}

/// Values, names and size of what one twin would hold if nothing else wrote to it.
fn within_limits(twin: &MergedTwin) -> Result<(), HubError> {
    limits::check_values("properties.desired", &twin.desired).map_err(|limit| HubError::argument(limit.to_string()))?;
    limits::check_size("properties.desired", Some(&twin.desired)).map_err(|_named_by_the_code| too_large())
}

/// 403 for a desired section that would be larger than a twin may be.
pub(super) fn too_large() -> HubError {
    HubError::new(Code::DeviceModelMaxPropertiesExceeded, "'Properties.Desired' size should be less than 32768 bytes.")
}
