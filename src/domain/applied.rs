//! What a manifest does to one device when it is applied to that device alone (`applyConfigurationContent`): modules that
//! appear, change and disappear, and the desired values it writes over.
//!
//! The twins are those that were read; a module without a twin is one that does not exist yet. The service is not asked:
//! this is what its rules make of the two, so that it can be looked at before anything is sent.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::change::ChangeKind;
use super::effective::merge_one;
use super::ids::{DeploymentId, ModuleId};
use super::manifest::Manifest;
use super::patch::{self, Change};
use super::twin::{ConfigurationStatus, Twin, image_of};

/// What becomes of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Its modules, the runtime's own among them: those that disappear first, then changed, then new, then the rest.
    pub modules: Vec<ModuleFate>,
    /// What is written beside the modules themselves, and changes something.
    pub twins: Vec<TwinFate>,
    /// Desired values that go with modules that disappear.
    pub lost: Vec<(ModuleId, Change)>,
    /// Deployments that apply to the device now: they take back what they own at their next evaluation.
    pub owners: Vec<DeploymentId>,
}

/// What becomes of one module.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleFate {
    /// Its name in `$edgeAgent`: `edgeHub` without the `$`.
    pub name: String,
    /// Added, replaced or removed; `None` when it stays as it is.
    pub kind: Option<ChangeKind>,
    /// What changes in its description; empty for a module that appears or disappears.
    pub changes: Vec<Change>,
    /// The image it will run, or ran when it disappears.
    pub image: Option<String>,
}

/// What is written to one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinFate {
    /// Whose.
    pub module: ModuleId,
    /// Whether the module has a twin already.
    pub exists: bool,
    /// Path by path.
    pub changes: Vec<Change>,
}

impl Applied {
    /// Weighs a manifest against the twins that were read.
    #[must_use]
    pub fn of(manifest: &Manifest, seen: &[Arc<Twin>]) -> Self {
        let find = |module: &str| seen.iter().find(|twin| module_of(twin) == Some(module));
        let mut modules = Vec::new();
        let mut twins = Vec::new();
        for (module, merged) in merge_one(manifest) {
            let twin = find(module.as_str());
            let before = twin.map(|twin| twin.desired.values.clone()).unwrap_or_default();
            let after = merged.applied_to(&before);
            let mut changes = patch::changes(&before, &patch::diff(&before, &after));
            if module == ModuleId::edge_agent() {
                modules = fates(&before, &after);
                changes.retain(|change| {
                    !matches!(change.path.keys().first().map(String::as_str), Some("modules" | "systemModules"))
                });
            }
            if !changes.is_empty() {
                twins.push(TwinFate { module, exists: twin.is_some(), changes });
            }
        }
        let owners = find("$edgeAgent").map(|twin| owners(twin)).unwrap_or_default();
        let lost = modules
            .iter()
            .filter(|module: &&ModuleFate| module.kind == Some(ChangeKind::Remove))
            .filter_map(|module| find(&module.name))
            .flat_map(|twin| {
                let values = &twin.desired.values;
                let gone = patch::changes(values, &patch::diff(values, &Map::new()));
                let module = twin.id.module.clone();
                gone.into_iter().filter_map(move |change| Some((module.clone()?, change)))
            })
            .collect();
        Self { modules, twins, lost, owners }
    }

    /// The modules this happens to.
    pub fn modules_that(&self, kind: ChangeKind) -> impl Iterator<Item = &ModuleFate> {
        self.modules.iter().filter(move |module| module.kind == Some(kind))
    }

    /// Desired values of the operator's modules that stand there now and will be another or gone, those of modules that
    /// disappear included: whoever set them by hand loses them. The runtime's own twins are a manifest's business.
    pub fn overwritten(&self) -> impl Iterator<Item = (&ModuleId, &Change)> {
        let by_hand = self.twins.iter().filter(|twin| twin.exists && !twin.module.is_system());
        let written = by_hand.flat_map(|twin| twin.changes.iter().map(move |change| (&twin.module, change)));
        let lost = self.lost.iter().map(|(module, change)| (module, change));
        written.filter(|(_, change)| change.old.is_some()).chain(lost)
    }

    /// Whether anything changes at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.twins.is_empty() && self.modules.iter().all(|module| module.kind.is_none())
    }
}

/// The desired properties of a twin after the manifest was applied; `None` when the manifest writes nothing to it.
#[must_use]
pub fn desired_after(manifest: &Manifest, twin: &Twin) -> Option<Map<String, Value>> {
    let module = module_of(twin)?;
    let merged = merge_one(manifest).into_iter().find(|(id, _)| id.as_str() == module)?.1;
    Some(merged.applied_to(&twin.desired.values))
}

fn module_of(twin: &Twin) -> Option<&str> {
    twin.id.module.as_ref().map(ModuleId::as_str)
}

fn owners(agent: &Twin) -> Vec<DeploymentId> {
    let applies = agent.configurations.iter().filter(|(_, status)| *status == ConfigurationStatus::Applied);
    applies.map(|(id, _)| id.clone()).collect()
}

fn fates(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<ModuleFate> {
    let mut fates = Vec::new();
    for section in ["systemModules", "modules"] {
        let of = |map: &Map<String, Value>| map.get(section).and_then(Value::as_object).cloned().unwrap_or_default();
        let (old, new) = (of(before), of(after));
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        for name in gone.chain(new.keys()) {
            fates.push(fate(name, old.get(name), new.get(name)));
        }
    }
    fates.sort_by_key(|fate| (fate.kind.is_none(), fate.kind));
    fates
}

fn fate(name: &str, old: Option<&Value>, new: Option<&Value>) -> ModuleFate {
    let (kind, changes) = match (old, new) {
        (Some(old), Some(new)) => {
            let (old, new) = (wrapped(old), wrapped(new));
            let changes = patch::changes(&old, &patch::diff(&old, &new));
            ((!changes.is_empty()).then_some(ChangeKind::Replace), changes)
        }
        (None, _) => (Some(ChangeKind::Add), Vec::new()),
        (Some(_), None) => (Some(ChangeKind::Remove), Vec::new()),
    };
    let image = new.or(old).and_then(image_of).map(str::to_owned);
    ModuleFate { name: name.to_owned(), kind, changes, image }
}

fn wrapped(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{DeviceId, ETag, TwinId};
    use crate::domain::twin::Section;
    use serde_json::json;

    fn twin(module: &str, desired: &Value) -> Arc<Twin> {
        Arc::new(Twin {
            id: TwinId::module(DeviceId::from_wire("d"), ModuleId::from_wire(module)),
            etag: ETag::from_wire("e"),
            version: 3,
            status: "enabled".into(),
            connection_state: "Connected".into(),
            last_activity: None,
            tags: Map::new(),
            desired: Section { values: desired.as_object().cloned().unwrap(), ..Section::default() },
            reported: Section::default(),
            configurations: vec![
                (DeploymentId::from_wire("base"), ConfigurationStatus::Applied),
                (DeploymentId::from_wire("loser"), ConfigurationStatus::Targeted),
            ],
        })
    }

    fn module(image: &str) -> Value {
        json!({"type": "docker", "status": "running", "settings": {"image": image, "createOptions": "{}"}})
    }

    #[test]
    fn what_appears_changes_and_disappears() {
        let before = json!({
            "schemaVersion": "1.0",
            "systemModules": {"edgeHub": module("hub:1.4")},
            "modules": {"filter": module("f:0.9"), "debug": module("alpine:3"), "sensor": module("s:1")},
        });
        let seen = [
            twin("$edgeAgent", &before),
            twin("filter", &json!({"threshold": 30.0, "kept": 1, "extra": {"a": 1}})),
            twin("debug", &json!({"verbose": true})),
        ];
        let manifest = Manifest::read(&json!({"modulesContent": {
            "$edgeAgent": {"properties.desired": {
                "schemaVersion": "1.1",
                "systemModules": {"edgeHub": module("hub:1.5")},
                "modules": {"filter": module("f:1.0"), "sensor": module("s:1"), "ml": module("m:2")},
            }},
            "filter": {"properties.desired": {"threshold": 25.0, "kept": 1}},
            "ml": {"properties.desired": {"model": "a"}},
        }}))
        .unwrap();
        let applied = Applied::of(&manifest, &seen);
        let fates: Vec<_> =
            applied.modules.iter().map(|m| (m.name.as_str(), m.kind, m.image.as_deref().unwrap())).collect();
        assert_eq!(
            fates,
            [
                ("debug", Some(ChangeKind::Remove), "alpine:3"),
                ("edgeHub", Some(ChangeKind::Replace), "hub:1.5"),
                ("filter", Some(ChangeKind::Replace), "f:1.0"),
                ("ml", Some(ChangeKind::Add), "m:2"),
                ("sensor", None, "s:1"),
            ]
        );
        let lost: Vec<String> =
            applied.overwritten().map(|(module, change)| format!("{module:?} {}", change.path.shown())).collect();
        assert_eq!(
            lost,
            ["\"filter\" /threshold", "\"filter\" /extra", "\"debug\" /verbose"],
            "kept is the same, ml is new, debug goes with its twin"
        );
        let twins: Vec<_> =
            applied.twins.iter().map(|twin| (twin.module.as_str(), twin.exists, twin.changes.len())).collect();
        assert_eq!(twins, [("$edgeAgent", true, 1), ("filter", true, 2), ("ml", false, 1)]);
        assert_eq!(applied.owners, [DeploymentId::from_wire("base")]);
        assert!(!applied.is_nothing());
        let after = desired_after(&manifest, &seen[1]).unwrap();
        assert_eq!(Value::Object(after), json!({"threshold": 25.0, "kept": 1}));
    }

    #[test]
    fn a_layer_leaves_the_rest() {
        let seen =
            [twin("$edgeAgent", &json!({"modules": {"filter": module("f:1")}})), twin("filter", &json!({"a": 1}))];
        let manifest = Manifest::read(&json!({"modulesContent": {
            "$edgeAgent": {"properties.desired.modules.ml": module("m:1")},
            "filter": {"properties.desired.a": 1},
        }}))
        .unwrap();
        let applied = Applied::of(&manifest, &seen);
        let fates: Vec<_> = applied.modules.iter().map(|module| (module.name.as_str(), module.kind)).collect();
        assert_eq!(fates, [("ml", Some(ChangeKind::Add)), ("filter", None)]);
        assert!(applied.twins.is_empty() && applied.overwritten().next().is_none());
        let same = Manifest::read(
            &json!({"modulesContent": {"$edgeAgent": {"properties.desired.modules.filter": module("f:1")}}}),
        );
        assert!(Applied::of(&same.unwrap(), &seen).is_nothing());
    }
}
