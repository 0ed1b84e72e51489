//! `[manifests.NAME]`: contents of devices and deployments, from a file, from JSON, or put together from modules.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::sim::hub::check_content;
use crate::sim::scenario::edge::{agent_with, credential, members};
use crate::sim::scenario::read_text;

use super::Content;
use super::ids::{Pattern, SPELLING};
use super::text::{Field, Section, nearest};

/// A manifest larger than this is none.
const MOST_BYTES: u64 = 1024 * 1024;

const KEYS: [&str; 7] = ["file", "json", "base", "modules", "routes", "credentials", "set"];
const MODULE_KEYS: [&str; 7] = ["image", "version", "env", "status", "restart", "order", "options"];

/// All contents by name, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Manifests(Vec<(String, Content)>);

impl Manifests {
    /// Reads the table `manifests`.
    pub(super) fn read(&mut self, field: &Field<'_>, folder: &Path) {
        for (name, entry) in field.members() {
            let Some(section) = entry.section(&KEYS) else { continue };
            let Some(content) = self.content(&section, folder) else { continue };
            match check_content(&content) {
                Ok(()) => self.0.push((name.to_owned(), Arc::new(content))),
                Err(why) => section.wrong(format!("no hub takes this content: {why}")),
            }
        }
    }

    /// The content a value names.
    pub(super) fn named(&self, field: &Field<'_>) -> Option<Content> {
        let name = field.string()?;
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, content)| Arc::clone(content)).or_else(|| self.unknown(field, name))
    }

    fn unknown<T>(&self, field: &Field<'_>, name: &str) -> Option<T> {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let meant = nearest(name, &names).map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
        let known = if names.is_empty() { "none is defined above".to_owned() } else { names.join(", ") };
        field.wrong(format!(
            "there is no manifest {name:?}{meant} (known: {known}; bases stand before what builds on them)"
        ))
    }

    fn content(&self, section: &Section<'_>, folder: &Path) -> Option<Map<String, Value>> {
        let sources = ["file", "json", "base", "modules"];
        let mut content = match sources.map(|key| section.get(key)) {
            [Some(file), None, None, None] => from_file(&file, folder)?,
            [None, Some(json), None, None] => from_json(&json, json.string()?)?,
            [None, None, Some(base), _] => self.named(&base)?.as_ref().clone(),
            [None, None, None, Some(_)] => members(json!({"modulesContent": {
                "$edgeAgent": {"properties.desired": agent_with(&Map::new(), &json!({}))},
                "$edgeHub": {"properties.desired": {
                    "schemaVersion": "1.1",
                    "routes": {"up": {"route": "FROM /messages/* INTO $upstream"}},
                    "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
                }},
            }})),
            _ => {
                section.wrong("says what it holds with exactly one of file, json, base and modules; modules may stand beside base");
                return None;
            }
        };
        if let Some(modules) = section.get("modules") {
            for (name, field) in modules.members() {
                let Some(module) = module(&field) else { continue };
                let Some(names) = Pattern::parse(name) else {
                    return field.wrong(format!("{name:?} is not {SPELLING}"));
                };
                for name in names.all() {
                    put(&mut content, &format!("$edgeAgent/modules/{name}"), module.clone(), &field)?;
                }
            }
        }
        if let Some(credentials) = section.get("credentials") {
            for host in credentials.one_or_more() {
                let address = host.string()?;
                let name: String = address.chars().take_while(char::is_ascii_alphanumeric).collect();
                let place = format!("$edgeAgent/runtime/settings/registryCredentials/{name}");
                put(&mut content, &place, credential(address), &host)?;
            }
        }
        if let Some(routes) = section.get("routes") {
            for (name, field) in routes.members() {
                let route = json!({ "route": field.string()? });
                put(&mut content, &format!("$edgeHub/routes/{name}"), route, &field)?;
            }
        }
        if let Some(set) = section.get("set") {
            for (place, field) in set.members() {
                put(&mut content, place, field.json()?, &field)?;
            }
        }
        Some(content)
    }
}

fn from_file(field: &Field<'_>, folder: &Path) -> Option<Map<String, Value>> {
    let path = folder.join(field.string()?);
    match read_text(&path, MOST_BYTES) {
        Ok(text) => from_json(field, &text),
        Err(why) => field.wrong(format!("{path:?} {why}")),
    }
}

fn from_json(field: &Field<'_>, text: &str) -> Option<Map<String, Value>> {
    let parsed: Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => return field.wrong(format!("is no JSON: {error}")),
    };
    let mut content = members(parsed);
    // As `az iot edge export-modules` and deployments at scale wrap it.
    if let Some(Value::Object(inner)) = content.get_mut("content") {
        content = std::mem::take(inner);
    }
    content.retain(|key, _| matches!(key.as_str(), "modulesContent" | "deviceContent" | "moduleContent"));
    if content.is_empty() { field.wrong("has no member modulesContent") } else { Some(content) }
}

/// A module's entry: its image, or a table.
fn module(field: &Field<'_>) -> Option<Value> {
    let mut entry = json!({
        "version": "1.0",
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "imagePullPolicy": "on-create",
        "env": {},
        "settings": {"image": "", "createOptions": "{}"},
    });
    let mut set = |pointer: &str, value: Value| {
        if let Some(place) = entry.pointer_mut(pointer) {
            *place = value;
        }
    };
    if let Some(image) = field.as_text() {
        set("/settings/image", image.into());
        return Some(entry);
    }
    let section = field.section(&MODULE_KEYS)?;
    set("/settings/image", section.need("image", "\"host/repository:tag\"")?.string()?.into());
    for (key, pointer) in [
        ("version", "/version"),
        ("status", "/status"),
        ("restart", "/restartPolicy"),
        ("options", "/settings/createOptions"),
    ] {
        if let Some(value) = section.get(key) {
            set(pointer, value.string()?.into());
        }
    }
    if let Some(env) = section.get("env") {
        let pairs = env.members().into_iter();
        let pairs = pairs.filter_map(|(name, value)| Some((name.to_owned(), json!({ "value": value.json()? }))));
        set("/env", Value::Object(pairs.collect()));
    }
    let order = section.get("order").map(|order| order.whole(0..=u64::from(u32::MAX)));
    if let (Some(Some(order)), Some(entry)) = (order, entry.as_object_mut()) {
        entry.insert("startupOrder".to_owned(), order.into());
    }
    Some(entry)
}

/// Puts a value at `MODULE/key/key` of the desired properties, making what is missing on the way.
fn put(content: &mut Map<String, Value>, place: &str, value: Value, field: &Field<'_>) -> Option<()> {
    let mut keys = place.split('/');
    let module = keys.next().unwrap_or_default();
    let wrong = || field.wrong(format!("{place:?} is no place; such as \"$edgeAgent/modules/NAME/env\""));
    let Some(modules) = content.entry("modulesContent").or_insert_with(|| json!({})).as_object_mut() else {
        return wrong();
    };
    let mut at = modules.entry(module).or_insert_with(|| json!({"properties.desired": {}}));
    for key in std::iter::once("properties.desired").chain(keys) {
        let Some(object) = at.as_object_mut().filter(|_| !key.is_empty()) else { return wrong() };
        at = object.entry(key).or_insert_with(|| json!({}));
    }
    *at = value;
    Some(())
}
