//! What one deployment alone sets, part by part, as people read it: modules, routes, twins, registries. Names, images
//! and places only; values of the environment and passwords are not in it.

use serde_json::{Map, Value};

use super::merge::merge_one;
use crate::domain::ids::ModuleId;
use crate::domain::manifest::Manifest;
use crate::domain::text::Untrusted;
use crate::domain::twin::{image_of, modules_of};

/// What a deployment sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Modules in `$edgeAgent`, the runtime's own first.
    pub modules: Vec<ModulePart>,
    /// Routes in `$edgeHub`.
    pub routes: Vec<RoutePart>,
    /// Twins of modules it writes to.
    pub twins: Vec<TwinPart>,
    /// Registries it gives credentials for.
    pub registries: Vec<RegistryPart>,
    /// How long edgeHub keeps messages it cannot send, in seconds.
    pub keeps_secs: Option<u64>,
}

/// What it sets of one module. Of a layer over another deployment's module that may be a single member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulePart {
    /// The module; edgeAgent and edgeHub with their `$`.
    pub id: ModuleId,
    /// `settings.image`
    pub image: Option<Untrusted>,
    /// `version`
    pub version: Option<Untrusted>,
    /// `status`
    pub status: Option<Untrusted>,
    /// `restartPolicy`
    pub restart: Option<Untrusted>,
    /// `startupOrder`
    pub order: Option<u64>,
    /// Names in `env`.
    pub env: Vec<Untrusted>,
    /// Whether `settings.createOptions` is a text that says anything: neither empty nor `{}`.
    pub options: bool,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePart {
    /// Its name.
    pub name: Untrusted,
    /// Its text.
    pub text: Untrusted,
    /// Its priority, 0 first.
    pub priority: Option<u64>,
}

/// Desired properties of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinPart {
    /// The module.
    pub id: ModuleId,
    /// Whether the whole section is set, so that nothing else remains in it.
    pub whole: bool,
    /// Every place it sets.
    pub paths: Vec<Untrusted>,
}

/// One registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPart {
    /// Its name in the manifest.
    pub name: Untrusted,
    /// Where it is.
    pub address: Untrusted,
    /// Who signs in.
    pub username: Untrusted,
}

impl Contents {
    /// Reads a deployment's content; what has another form than expected is left out, and still in the JSON.
    #[must_use]
    pub fn of(content: &Manifest) -> Self {
        let mut contents = Self::default();
        for (id, twin) in merge_one(content) {
            let desired = &twin.desired;
            match id.as_str() {
                "$edgeAgent" => contents.agent(desired),
                "$edgeHub" => contents.hub(desired),
                _ => {
                    let paths = twin.leaves().into_iter().map(|(path, _)| Untrusted::new(path.keys().join(".")));
                    contents.twins.push(TwinPart { id, whole: twin.is_whole(), paths: paths.collect() });
                }
            }
        }
        contents
    }

    fn agent(&mut self, desired: &Map<String, Value>) {
        self.modules = modules_of(desired).map(|(id, module)| module_part(id, module)).collect();
        let registries = desired.get("runtime").and_then(|runtime| runtime.pointer("/settings/registryCredentials"));
        self.registries = members(registries)
            .map(|(name, registry)| RegistryPart {
                name: Untrusted::new(name.as_str()),
                address: text(registry.get("address")).unwrap_or_default(),
                username: text(registry.get("username")).unwrap_or_default(),
            })
            .collect();
    }

    fn hub(&mut self, desired: &Map<String, Value>) {
        self.routes = members(desired.get("routes"))
            .filter_map(|(name, route)| {
                // The newer form is an object with the text in it.
                let text = text(Some(route)).or_else(|| text(route.get("route")))?;
                let priority = route.get("priority").and_then(Value::as_u64);
                Some(RoutePart { name: Untrusted::new(name.as_str()), text, priority })
            })
            .collect();
        self.keeps_secs = desired
            .get("storeAndForwardConfiguration")
            .and_then(|store| store.get("timeToLiveSecs"))
            .and_then(Value::as_u64);
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn text(value: Option<&Value>) -> Option<Untrusted> {
    value.and_then(Value::as_str).map(Untrusted::new)
}

fn module_part(id: ModuleId, module: &Value) -> ModulePart {
    let options = module.pointer("/settings/createOptions").and_then(Value::as_str).unwrap_or_default();
    ModulePart {
        id,
        image: image_of(module).map(Untrusted::new),
        version: text(module.get("version")),
        status: text(module.get("status")),
        restart: text(module.get("restartPolicy")),
        order: module.get("startupOrder").and_then(Value::as_u64),
        env: members(module.get("env")).map(|(name, _)| Untrusted::new(name.as_str())).collect(),
        options: !matches!(options.trim(), "" | "{}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contents(modules: &Value) -> Contents {
        Contents::of(&Manifest::read(&json!({ "modulesContent": modules })).unwrap())
    }

    #[test]
    fn a_base_is_told_in_parts_and_without_its_secrets() {
        let found = contents(&json!({
            "$edgeAgent": {"properties.desired": {
                "runtime": {"settings": {"registryCredentials": {
                    "acr": {"address": "acr.example", "username": "pull", "password": "hunter2"}}}},
                "systemModules": {"edgeHub": {"settings": {"image": "hub:1.5"}}},
                "modules": {"filter": {"version": "1.0", "status": "running", "restartPolicy": "always", "startupOrder": 3,
                    "env": {"DB_PASSWORD": {"value": "hunter3"}}, "settings": {"image": "f:1", "createOptions": "{}"}}},
            }},
            "$edgeHub": {"properties.desired": {
                "routes": {"a": "FROM /* INTO $upstream", "b": {"route": "FROM /x INTO $upstream", "priority": 2}},
                "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}},
            "filter": {"properties.desired": {"threshold": 25.0, "window": {"mode": "mean"}}},
        }));
        let ids: Vec<&str> = found.modules.iter().map(|module| module.id.as_str()).collect();
        assert_eq!(ids, ["$edgeHub", "filter"]);
        assert_eq!((found.modules[1].order, found.modules[1].options), (Some(3), false));
        assert_eq!(found.modules[1].env, [Untrusted::new("DB_PASSWORD")]);
        let routes: Vec<_> = found.routes.iter().map(|route| (route.text.raw(), route.priority)).collect();
        assert_eq!(routes, [("FROM /* INTO $upstream", None), ("FROM /x INTO $upstream", Some(2))]);
        assert_eq!(found.keeps_secs, Some(7_200));
        assert_eq!(found.twins[0].paths, [Untrusted::new("threshold"), Untrusted::new("window.mode")]);
        assert!(found.twins[0].whole);
        assert_eq!(found.registries[0].address.raw(), "acr.example");
        assert!(!format!("{found:?}").contains("hunter"), "{found:?}");
    }

    #[test]
    fn a_layer_may_set_a_single_member() {
        let found = contents(&json!({
            "$edgeAgent": {"properties.desired.modules.ml.settings.image": "ml:2"},
            "ml": {"properties.desired.rate": 3},
        }));
        let [module] = found.modules.as_slice() else { panic!("{found:?}") };
        assert_eq!((module.image.as_ref().map(Untrusted::raw), &module.status), (Some("ml:2"), &None));
        assert!(!found.twins[0].whole);
        assert_eq!(contents(&json!({"$edgeAgent": {}})), Contents::default());
    }
}
