//! Gives one edge device a manifest (`applyConfigurationContent`, what `set-modules` does).
//!
//! The hub has no tag for it: whoever writes last wins. What guards it are the twins that were looked at, each read again
//! right before sending.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::applied::{Applied, ModuleFate, desired_after};
use crate::domain::change::ChangeKind;
use crate::domain::ids::{DeviceId, ModuleId};
use crate::domain::manifest::Manifest;
use crate::domain::secret::stand_in;
use crate::domain::text::{Shown, Untrusted};
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
    /// The twins of every module that the manifest writes to and that exists.
    pub seen: Vec<Seen>,
}

impl ManifestWrite {
    /// What becomes of the device.
    #[must_use]
    pub fn applied(&self) -> Applied {
        Applied::of(&self.manifest, &self.seen)
    }

    /// Weighs the same twins as they are now; a module that had none may have one.
    pub(in crate::ops) fn weigh(&self, found: &[Seen]) -> ReadBack {
        let same = |twin: &Seen| found.iter().any(|now| now.id == twin.id && now.etag == twin.etag);
        if found.iter().all(|now| desired_after(&self.manifest, now).is_none_or(|after| after == now.desired.values))
            && found.len() >= self.seen.len()
            && !self.applied().is_nothing()
        {
            return ReadBack::Happened;
        }
        if self.seen.iter().all(same) {
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
        if let Value::Object(content) = self.manifest.to_value()
            && let Some(path) = stand_in(&content)
        {
            return Some(Refusal::StandIn(path.shown().into()));
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

fn shown(text: &str) -> Shown {
    Untrusted::from(text).shown()
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
