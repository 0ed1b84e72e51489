//! Gives one edge device a manifest (`applyConfigurationContent`, what `set-modules` does).
//!
//! The hub has no tag for it: whoever writes last wins. What guards it are the twins that were looked at, each read again
//! right before sending.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::applied::{Applied, ModuleFate, desired_after};
use crate::domain::change::ChangeKind;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::json;
use crate::domain::manifest::Manifest;
use crate::domain::secret::shown;
use crate::domain::text::Shown;
use crate::domain::twin::Twin;
use crate::ops::gate::Refusal;
use crate::ops::intent::Level;

/// A twin of the device as it was read.
pub type Seen = Arc<Twin>;

/// A manifest for one device.
#[derive(Debug, Clone)]
pub struct ManifestWrite {
    /// The device.
    pub device: DeviceId,
    /// What it is given.
    pub manifest: Arc<Manifest>,
    /// The twins of every module that the manifest writes to or takes away, as far as they exist.
    pub seen: Vec<Seen>,
}

impl ManifestWrite {
    /// What becomes of the device.
    #[must_use]
    pub fn applied(&self) -> Applied {
        Applied::of(&self.manifest, &self.seen)
    }

    /// The twins that tell what became of it: those it writes to, and those that were there before.
    pub(in crate::ops) fn twins(&self) -> BTreeSet<TwinId> {
        let written = self.manifest.modules.iter().map(|(module, _)| self.twin(module));
        written.chain(self.seen.iter().map(|twin| twin.id.clone())).collect()
    }

    fn twin(&self, module: &ModuleId) -> TwinId {
        TwinId::module(self.device.clone(), module.clone())
    }

    /// Weighs these twins as they are now. What it writes to must be there and be what was written, whoever asked for it;
    /// a module that disappears may have taken its twin along or not yet.
    pub(in crate::ops) fn weigh(&self, found: &[Seen]) -> ReadBack {
        let now = |id: &TwinId| found.iter().find(|twin| twin.id == *id);
        let is_written = |(module, _): &(ModuleId, _)| {
            now(&self.twin(module)).is_some_and(|twin| {
                desired_after(&self.manifest, twin).is_none_or(|after| json::same_members(&after, &twin.desired.values))
            })
        };
        if self.manifest.modules.iter().all(is_written) && !self.applied().is_nothing() {
            return ReadBack::Happened;
        }
        if self.seen.iter().all(|twin| now(&twin.id).is_some_and(|now| now.etag == twin.etag)) {
            return ReadBack::Unchanged;
        }
        ReadBack::Undecidable("the twins of its modules changed since they were read, and are not what was applied")
    }
}

impl Write for ManifestWrite {
    fn target(&self) -> Target {
        Target::Device(self.device.clone())
    }

    fn verb(&self) -> &'static str {
        "device.apply"
    }

    /// What takes something away is confirmed as a deletion is.
    fn words(&self) -> Words {
        Words { act: "Apply to", done: "given the manifest" }
    }

    fn least(&self) -> Level {
        let takes = self.applied().modules_that(ChangeKind::Remove).next().is_some();
        if takes { Level::TypedName } else { Level::Dialog }
    }

    fn http(&self) -> Http {
        let path = Shown::composed(format!("/devices/{}/applyConfigurationContent", self.device.shown().as_str()));
        Http { method: "POST", path, if_match: None, body: Some(self.manifest.to_value()) }
    }

    fn lines(&self) -> Vec<Line> {
        let applied = self.applied();
        let width = applied.modules.iter().map(|module| module.name.chars().count()).max().unwrap_or(0).min(32);
        let mut lines = Vec::new();
        for module in &applied.modules {
            lines.extend(module_lines(module, width));
        }
        for twin in &applied.twins {
            for change in &twin.changes {
                // A manifest replaces whole sections: what goes is not deleted by a null.
                let line = change.in_words();
                let line = line.strip_suffix("   (null deletes the key)").unwrap_or(&line);
                let (sign, rest) = line.split_at(line.char_indices().nth(1).map_or(line.len(), |(at, _)| at));
                lines.push(Line::new(change.kind(), format!("{sign} {}{}", twin.module.shown(), rest.trim_start())));
            }
        }
        lines.extend(remarks(&applied));
        lines
    }

    /// Modules by what becomes of them, and how much else.
    fn summary(&self) -> Vec<Line> {
        let applied = self.applied();
        let mut lines = Vec::new();
        for (kind, head) in [
            (ChangeKind::Remove, "- DISAPPEAR   "),
            (ChangeKind::Replace, "~ change      "),
            (ChangeKind::Add, "+ appear      "),
        ] {
            let names: Vec<String> = applied.modules_that(kind).map(|module| shown(&module.name).into()).collect();
            if !names.is_empty() {
                lines.push(Line::new(kind, format!("{head}{}", names.join(", "))));
            }
        }
        let values: usize = applied.twins.iter().map(|twin| twin.changes.len()).sum();
        if values > 0 {
            let text = if values == 1 { "1 other value".to_owned() } else { format!("{values} other values") };
            lines.push(Line::new(ChangeKind::Replace, format!("~ and {text} of its twins")));
        }
        lines.extend(remarks(&applied));
        lines
    }

    /// The manifest of what stands there now. Twins of modules that the manifest adds stay behind, without a module.
    fn inverse(&self) -> Option<Value> {
        let agent = self.seen.iter().find(|twin| twin.id.module == Some(ModuleId::edge_agent()))?;
        if agent.desired.values.is_empty() {
            return None;
        }
        let modules: Map<String, Value> = self
            .seen
            .iter()
            .filter_map(|twin| {
                let module = twin.id.module.as_ref()?;
                Some((module.as_str().to_owned(), json!({ "properties.desired": twin.desired.to_value() })))
            })
            .collect();
        Some(json!({ "modulesContent": modules }))
    }

    fn az(&self, hub: &str) -> String {
        let device = quote(self.device.as_str());
        format!("az iot edge set-modules -n {} -d {device} -k './deployment.json'", quote(hub))
    }

    fn refusal(&self) -> Option<Refusal> {
        if let Some(finding) = self.manifest.findings().into_iter().find(|finding| finding.refused()) {
            return Some(Refusal::Limit(finding.to_string()));
        }
        if self.manifest.kind().is_none() {
            return Some(Refusal::Limit("the manifest has no $edgeAgent".to_owned()));
        }
        self.applied().is_nothing().then_some(Refusal::Empty)
    }
}

/// What a look at the lines alone would not tell.
fn remarks(applied: &Applied) -> Vec<Line> {
    let mut lines = Vec::new();
    let by_hand: Vec<String> =
        applied.overwritten().map(|(module, change)| format!("{}{}", module.shown(), change.path.shown())).collect();
    if let [first, rest @ ..] = by_hand.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        lines.push(Line::remark(format!("desired values that were set before are written over: {first}{more}")));
    }
    for owner in &applied.owners {
        lines.push(Line::remark(format!(
            "the deployment {} applies to this device and takes back what it owns within minutes",
            owner.shown()
        )));
    }
    lines
}

fn module_lines(module: &ModuleFate, width: usize) -> Vec<Line> {
    let name = shown(&module.name);
    let image = module.image.as_deref().map(shown).unwrap_or_default();
    match module.kind {
        None => vec![],
        Some(ChangeKind::Add) => vec![Line::new(ChangeKind::Add, format!("+ {name:<width$}   appears: {image}"))],
        Some(ChangeKind::Remove) => {
            vec![Line::new(ChangeKind::Remove, format!("- {name:<width$}   DISAPPEARS, its twin with it: {image}"))]
        }
        Some(ChangeKind::Replace) => module
            .changes
            .iter()
            .map(|change| {
                let line = change.in_words();
                let line = line.strip_suffix("   (null deletes the key)").unwrap_or(&line);
                let rest = line.get(2..).unwrap_or(line);
                let sign = line.get(..1).unwrap_or("~");
                Line::new(change.kind(), format!("{sign} {name:<width$}   {rest}"))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ETag;
    use crate::domain::twin::Section;

    fn twin(module: &str, etag: &str, desired: &Value) -> Seen {
        Arc::new(Twin {
            id: TwinId::module(DeviceId::from_wire("d"), ModuleId::from_wire(module)),
            etag: ETag::from_wire(etag),
            version: 1,
            status: "enabled".into(),
            connection_state: "Connected".into(),
            last_activity: None,
            tags: Map::new(),
            desired: Section { values: desired.as_object().cloned().unwrap(), ..Section::default() },
            reported: Section::default(),
            configurations: vec![],
        })
    }

    fn agent(modules: &[&str]) -> Value {
        let entry = |name: &&str| ((*name).to_owned(), json!({ "settings": { "image": format!("r/{name}:1") } }));
        json!({ "schemaVersion": "1.1", "modules": modules.iter().map(entry).collect::<Map<_, _>>() })
    }

    /// A manifest that takes `shell` away and sets a threshold, for a device that has both.
    fn write() -> ManifestWrite {
        let content = json!({ "modulesContent": {
            "$edgeAgent": { "properties.desired": agent(&["filter"]) },
            "filter": { "properties.desired": { "limit": 30 } },
        } });
        ManifestWrite {
            device: DeviceId::from_wire("d"),
            manifest: Arc::new(Manifest::read(&content).unwrap()),
            seen: vec![
                twin("$edgeAgent", "a1", &agent(&["filter", "shell"])),
                twin("filter", "f1", &json!({ "limit": 25 })),
                twin("shell", "s1", &json!({ "open": true })),
            ],
        }
    }

    #[test]
    fn what_a_reading_tells_of_a_manifest() {
        let write = write();
        let names: Vec<String> =
            write.twins().iter().filter_map(|id| Some(id.module.as_ref()?.as_str().to_owned())).collect();
        assert_eq!(names, ["$edgeAgent", "filter", "shell"], "what disappears tells too");
        let after = [twin("$edgeAgent", "a2", &agent(&["filter"])), twin("filter", "f2", &json!({ "limit": 30.0 }))];
        let shell = write.seen[2].clone();
        let with = |more: &[Seen]| after.iter().chain(more).cloned().collect::<Vec<_>>();
        let overtaken = twin("filter", "f3", &json!({ "limit": 99 }));
        let lost = |found: &[Seen]| matches!(write.weigh(found), ReadBack::Undecidable(_));
        assert_eq!(write.weigh(&write.seen), ReadBack::Unchanged);
        assert_eq!(write.weigh(&after), ReadBack::Happened, "the twin of what disappears is gone");
        assert_eq!(write.weigh(&with(std::slice::from_ref(&shell))), ReadBack::Happened, "or not yet");
        assert!(lost(&[after[0].clone(), overtaken, shell]));
        assert!(lost(&write.seen[..2]), "nothing was written, and somebody took the module away");
        assert!(lost(&after[..1]), "a twin it writes to is missing");
        assert!(lost(&[]));
    }
}
