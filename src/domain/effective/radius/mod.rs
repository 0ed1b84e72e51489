//! What becomes of a hub's edge devices when its deployments become others: modules that appear, change and disappear,
//! bases that change, layers that come and go, and what cannot be told from here.
//!
//! Devices are known by id and tags. What a device has now is what the deployments before give it; a device without a
//! base has what somebody gave it alone, which is another's to read. Whatever a deployment takes or leaves is decided by
//! [`Effective::desired_after`], as everywhere.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Deployments, Effective, Matching, Outcome};
use crate::domain::change::ChangeKind;
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, natural_cmp};
use crate::domain::text::Untrusted;
use crate::domain::twin::{image_of, modules_of};

/// What a change of one deployment does to the devices of a hub. Devices in lists stand in natural
/// order, those in sets in plain order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Radius {
    /// Edge devices that were weighed.
    pub devices: usize,
    /// Devices on which a module appears, changes or disappears.
    pub changed: BTreeSet<DeviceId>,
    /// What becomes of modules, by name; what differs in kind or image stands apart.
    pub modules: Vec<Touched>,
    /// Devices that get another base, or lose theirs.
    pub bases: Vec<Moved>,
    /// Other deployments' layers that begin or cease to apply.
    pub layers: Vec<Turned>,
    /// Devices the deployment matches afterwards.
    pub matches: usize,
    /// Devices that it matches without applying there, by the reason.
    pub idle: Vec<(Outcome, usize)>,
    /// Devices that get their first base, and what somebody gave each of them alone was not read.
    pub unseen: Vec<DeviceId>,
    /// Devices that get their first base, and of which only `$edgeAgent` was read.
    pub by_hand: Vec<DeviceId>,
    /// Deployments whose conditions only the hub can evaluate; the rest is worked out without them.
    pub undecided: BTreeSet<DeploymentId>,
}

/// What becomes of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// What happens.
    pub fate: Fate,
    /// To whom.
    pub devices: Vec<DeviceId>,
}

/// What happens to a module of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The module; edgeAgent and edgeHub with their `$`.
    pub module: ModuleId,
    /// Appears, changes or disappears.
    pub kind: ChangeKind,
    /// The image before and after, where it has one; none of a module that goes.
    pub images: (Option<Untrusted>, Option<Untrusted>),
    /// Whether its description changes.
    pub settings: bool,
    /// Whether its own desired properties change.
    pub desired: bool,
    /// Members that its description lacks afterwards and had before, without which no agent takes it.
    pub lacks: Vec<&'static str>,
}

/// A base that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The base before.
    pub from: Option<DeploymentId>,
    /// The base after; without one a device keeps what it has.
    pub to: Option<DeploymentId>,
    /// On which devices.
    pub devices: Vec<DeviceId>,
}

/// A layer that begins or ceases to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Which one.
    pub layer: DeploymentId,
    /// Whether it applies afterwards.
    pub applies: bool,
    /// On which devices.
    pub devices: Vec<DeviceId>,
}

/// Devices that have no base and get one: what they have was given to each of them alone, and goes.
#[must_use]
pub fn first_based(before: &mut Deployments, after: &mut Deployments, devices: &[Value]) -> Vec<DeviceId> {
    let mut found = Vec::new();
    for group in grouped(before, after, devices) {
        if group.before.base().is_none() && group.after.base().is_some() {
            found.extend(group.devices);
        }
    }
    found.sort_by(|a, b| natural_cmp(a.as_str(), b.as_str()));
    found
}

impl Radius {
    /// Weighs `devices`, twin documents with id, tags and capabilities, under the deployments of a hub before and after a
    /// change of `subject`. `by_hand` has the desired properties of `$edgeAgent` on [`first_based`] devices, as far as
    /// they were read.
    #[must_use]
    pub fn of(
        subject: &DeploymentId,
        before: &mut Deployments,
        after: &mut Deployments,
        devices: &[Value],
        by_hand: &BTreeMap<DeviceId, Map<String, Value>>,
    ) -> Self {
        let mut radius = Self::default();
        for group in grouped(before, after, devices) {
            radius.take(subject, group, by_hand);
        }
        radius.sort();
        radius
    }

    /// Whether a module goes from any device, or stays without what no agent takes it without.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        let takes = |touched: &Touched| touched.fate.kind == ChangeKind::Remove || !touched.fate.lacks.is_empty();
        self.modules.iter().any(takes)
    }

    /// Whether nothing happens to any device, as far as can be told.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.changed.is_empty() && self.bases.is_empty() && self.layers.is_empty() && self.unseen.is_empty()
    }

    fn take(&mut self, subject: &DeploymentId, group: Group, by_hand: &BTreeMap<DeviceId, Map<String, Value>>) {
        let Group { before, after, devices } = group;
        self.devices += devices.len();
        let undecided = before.undecided().into_iter().chain(after.undecided());
        self.undecided.extend(undecided.map(|configuration| configuration.id.clone()));
        let own = after.verdicts().into_iter().find(|verdict| verdict.configuration.id == *subject);
        if let Some(own) = own {
            self.matches += devices.len();
            if !own.outcome.applies() {
                match self.idle.iter_mut().find(|(outcome, _)| *outcome == own.outcome) {
                    Some((_, count)) => *count += devices.len(),
                    None => self.idle.push((own.outcome, devices.len())),
                }
            }
        }
        let [from, to] = [&before, &after].map(|side| side.base().map(|base| base.id.clone()));
        if from != to {
            let moved = self.bases.iter_mut().find(|moved| moved.from == from && moved.to == to);
            match moved {
                Some(moved) => moved.devices.extend(devices.iter().cloned()),
                None => self.bases.push(Moved { from: from.clone(), to: to.clone(), devices: devices.clone() }),
            }
        }
        let [had, has] = [&before, &after].map(|side| layers(side, subject));
        for layer in had.symmetric_difference(&has) {
            let applies = has.contains(layer);
            match self.layers.iter_mut().find(|turned| turned.layer == *layer && turned.applies == applies) {
                Some(turned) => turned.devices.extend(devices.iter().cloned()),
                None => {
                    self.layers.push(Turned { layer: layer.clone(), applies, devices: devices.clone() });
                }
            }
        }
        match (from, to) {
            // Whatever it has stays.
            (_, None) => {}
            (None, Some(_)) => {
                for device in devices {
                    let Some(agent) = by_hand.get(&device) else {
                        self.unseen.push(device);
                        continue;
                    };
                    let fates = fates(&Desired::from([(ModuleId::edge_agent(), agent.clone())]), None, &after);
                    self.touch(fates, std::slice::from_ref(&device));
                    self.by_hand.push(device);
                }
            }
            (Some(_), Some(_)) => {
                let had = before.twins().map(|(module, twin)| (module.clone(), twin.desired.clone())).collect();
                self.touch(fates(&had, Some(&before), &after), &devices);
            }
        }
    }

    fn touch(&mut self, fates: Vec<Fate>, devices: &[DeviceId]) {
        if !fates.is_empty() {
            self.changed.extend(devices.iter().cloned());
        }
        for fate in fates {
            match self.modules.iter_mut().find(|touched| touched.fate == fate) {
                Some(touched) => touched.devices.extend(devices.iter().cloned()),
                None => self.modules.push(Touched { fate, devices: devices.to_vec() }),
            }
        }
    }

    fn sort(&mut self) {
        let lists = self.modules.iter_mut().map(|touched| &mut touched.devices);
        let lists = lists.chain(self.bases.iter_mut().map(|moved| &mut moved.devices));
        let lists = lists.chain(self.layers.iter_mut().map(|turned| &mut turned.devices));
        for list in lists.chain([&mut self.unseen, &mut self.by_hand]) {
            list.sort_by(|a, b| natural_cmp(a.as_str(), b.as_str()));
        }
        let key = |touched: &Touched| (touched.fate.kind, std::cmp::Reverse(touched.devices.len()));
        self.modules.sort_by(|a, b| {
            key(a)
                .cmp(&key(b))
                .then_with(|| a.fate.module.cmp(&b.fate.module))
                .then_with(|| a.fate.images.cmp(&b.fate.images))
                .then_with(|| a.devices.cmp(&b.devices))
        });
        self.bases.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        self.layers.sort_by(|a, b| (a.applies, &a.layer).cmp(&(b.applies, &b.layer)));
        self.idle.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
}

/// Devices that the same deployments match, before and after: the same happens to all of them.
struct Group {
    before: Arc<Effective>,
    after: Arc<Effective>,
    devices: Vec<DeviceId>,
}

fn grouped(before: &mut Deployments, after: &mut Deployments, devices: &[Value]) -> Vec<Group> {
    let mut groups: HashMap<(Matching, Matching), Vec<DeviceId>> = HashMap::new();
    for device in devices {
        let Some(id) = device.get("deviceId").and_then(Value::as_str) else { continue };
        let matching = (before.matching_by_tags(device), after.matching_by_tags(device));
        groups.entry(matching).or_default().push(DeviceId::from_wire(id));
    }
    let groups = groups.into_iter();
    groups
        .map(|((was, is), devices)| Group { before: before.effective(&was), after: after.effective(&is), devices })
        .collect()
}

/// The layers that apply, without `subject`, whose own matches are counted apart.
fn layers(effective: &Effective, subject: &DeploymentId) -> BTreeSet<DeploymentId> {
    let layers = effective.verdicts().into_iter().filter(|verdict| verdict.outcome == Outcome::Layer);
    layers.map(|verdict| verdict.configuration.id.clone()).filter(|id| id != subject).collect()
}

/// Desired properties by module.
type Desired = BTreeMap<ModuleId, Map<String, Value>>;

/// What becomes of the modules of a device that has `had`. Of a device that no deployment applied to, only `$edgeAgent` is
/// known: nothing is said of its other twins.
fn fates(had: &Desired, before: Option<&Effective>, after: &Effective) -> Vec<Fate> {
    let none = Map::new();
    let side = |module: &ModuleId| {
        let old = had.get(module.as_str()).unwrap_or(&none);
        (old.clone(), after.desired_after(before, module.as_str(), old))
    };
    let agent = side(&ModuleId::edge_agent());
    let (old, new) = (described(&agent.0), described(&agent.1));
    let twins: BTreeSet<&ModuleId> = match before {
        Some(_) => had.keys().chain(after.twins().map(|(module, _)| module)).collect(),
        None => BTreeSet::new(),
    };
    let names: BTreeSet<&ModuleId> = old.keys().chain(new.keys()).chain(twins.iter().copied()).collect();
    let mut fates = Vec::new();
    for module in names {
        let (was, is) = (old.get(module), new.get(module));
        let settings = was != is;
        let is_agent = *module == ModuleId::edge_agent();
        let desired = !is_agent && twins.contains(module) && {
            let (was, is) = side(module);
            was != is
        };
        let kind = match (was, is) {
            (None, Some(_)) => ChangeKind::Add,
            (Some(_), None) => ChangeKind::Remove,
            _ if settings || desired => ChangeKind::Replace,
            _ => continue,
        };
        let lacks = match (was, is) {
            (Some(was), Some(is)) => missing(was, is),
            _ => Vec::new(),
        };
        // It goes, whatever it ran.
        let image = |side: Option<&Value>| side.and_then(image_of).map(Untrusted::new);
        let images = if kind == ChangeKind::Remove { (None, None) } else { (image(was), image(is)) };
        fates.push(Fate { module: module.clone(), kind, images, settings, desired, lacks });
    }
    fates
}

/// The descriptions in an `$edgeAgent` twin, by module; what is said to the agent beside them is its own.
fn described(agent: &Map<String, Value>) -> BTreeMap<ModuleId, Value> {
    let mut found = BTreeMap::new();
    for (id, module) in modules_of(agent) {
        found.entry(id).or_insert_with(|| module.clone());
    }
    let beside = agent.iter().filter(|(name, _)| !matches!(name.as_str(), "modules" | "systemModules"));
    let beside: Map<String, Value> = beside.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !beside.is_empty() || found.contains_key(&ModuleId::edge_agent()) {
        let own = found.remove(&ModuleId::edge_agent()).unwrap_or_default();
        let image = own.pointer("/settings/image").cloned().unwrap_or_default();
        let whole = serde_json::json!({ "beside": beside, "own": own, "settings": { "image": image } });
        found.insert(ModuleId::edge_agent(), whole);
    }
    found
}

/// What a description had, and what it is refused without.
fn missing(was: &Value, is: &Value) -> Vec<&'static str> {
    let needed = [("type", "/type"), ("image", "/settings/image")];
    let gone = needed.into_iter().filter(|(_, place)| was.pointer(place).is_some() && is.pointer(place).is_none());
    gone.map(|(name, _)| name).collect()
}
