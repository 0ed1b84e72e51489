//! A world out of a copy of a hub (`edgedeck snapshot`): its devices, twins and deployments as they were, and a machine
//! behind every edge device that had ever reported. A copy says how machines were, not why: the reasons here are the
//! plainest that look the same.
//!
//! Two hours before the present every machine is installed with what it last carried out; then it lives. What a device had
//! not carried out, it is told at once; an image that somebody waited for and nobody ran is one that no registry has; a
//! module that ended again and again ends again and again; a device whose link was down has no power. Passwords of
//! registries are masked in a copy and admit all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::snapshot::HubSnapshot;
use crate::sim::device::{Condition, MachineSpec, Pull};
use crate::sim::hub::seed::{ConfigurationSeed, DesiredSeed, DeviceSeed, Fate, Happening, ModuleSeed, TwinSeed, What};

use super::{HOUR, MINUTE, World};

const AGENT: &str = "$edgeAgent";
const HUB: &str = "$edgeHub";
/// How long ago machines were installed.
const INSTALLED: u64 = 2 * HOUR;
/// How long ago they were told what they had not carried out.
const TOLD: u64 = HOUR;
/// How long ago modules began to end, and machines lost their power.
const BEGAN: u64 = 30 * MINUTE;
/// How long a module runs that ends again and again.
const RUNS: Duration = Duration::from_secs(5);

/// Priority and creation of every deployment of the copy.
type Authors = BTreeMap<String, (u32, Timestamp)>;

/// What a world is made of.
pub(super) struct Parts {
    pub(super) devices: Vec<DeviceSeed>,
    pub(super) happenings: Vec<Happening>,
    pub(super) configurations: Vec<ConfigurationSeed>,
}

/// A row of the copy.
#[derive(Clone, Copy)]
struct Row<'a>(&'a Value);

impl<'a> Row<'a> {
    fn text(self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    fn members(self, pointer: &str) -> Map<String, Value> {
        self.0.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The values of a section, without what the hub adds.
    fn section(self, name: &str) -> Map<String, Value> {
        let mut values = self.members(&format!("/properties/{name}"));
        values.retain(|key, _| !key.starts_with('$'));
        values
    }

    fn updated(self, section: &str) -> Option<Timestamp> {
        self.text(&format!("/properties/{section}/$metadata/$lastUpdated"))?.parse().ok()
    }

    fn configurations(self) -> Vec<(String, String)> {
        let known = self.members("/configurations").into_iter();
        known.filter_map(|(id, entry)| Some((id, entry.get("status")?.as_str()?.to_owned()))).collect()
    }
}

/// The copy as a world whose present is `world`'s.
pub(super) fn parts(copy: &HubSnapshot, world: &World) -> Parts {
    let mut modules: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for row in copy.modules.iter().map(Row) {
        modules.entry(row.text("/deviceId").unwrap_or_default()).or_default().push(row);
    }
    let missing = missing_images(copy);
    let mut happenings: Vec<Happening> = Vec::new();
    let began = world.ago(INSTALLED + MINUTE, 0);
    happenings
        .extend(missing.iter().map(|image| Happening { at: began, what: What::Pulls(image.clone(), Pull::NotFound) }));
    let mut configurations: Vec<ConfigurationSeed> =
        copy.configurations.iter().map(Row).filter_map(|row| configuration(row, world)).collect();
    configurations.sort_by_key(|seed| seed.created);
    let authors: Authors = configurations.iter().map(|seed| (seed.id.clone(), (seed.priority, seed.created))).collect();
    let mut devices = Vec::new();
    for (salt, row) in (1..).zip(copy.devices.iter().map(Row)) {
        let Some(id) = row.text("/deviceId") else { continue };
        let modules = modules.get(id).map_or(&[][..], Vec::as_slice);
        let device = Copied { id, row, modules, authors: &authors, world, salt };
        devices.push(device.registered());
        happenings.extend(device.life());
    }
    Parts { devices, happenings, configurations }
}

fn configuration(row: Row<'_>, world: &World) -> Option<ConfigurationSeed> {
    let priority = row.0.get("priority").and_then(Value::as_u64).and_then(|priority| u32::try_from(priority).ok());
    Some(ConfigurationSeed {
        id: row.text("/id")?.to_owned(),
        created: row.text("/createdTimeUtc").and_then(|at| at.parse().ok()).unwrap_or(world.now).min(world.now),
        priority: priority?,
        target: row.text("/targetCondition").unwrap_or_default().to_owned(),
        content: row.0.get("content").cloned().unwrap_or_default(),
        labels: row.members("/labels"),
        metrics: row.members("/metrics/queries"),
    })
}

/// Images that an edgeAgent with code 500 was to run and did not, and that no device of the copy ran.
fn missing_images(copy: &HubSnapshot) -> BTreeSet<String> {
    let (mut waited_for, mut run) = (BTreeSet::new(), BTreeSet::new());
    for row in copy.modules.iter().map(Row).filter(|row| row.text("/moduleId") == Some(AGENT)) {
        let (desired, reported) = (row.section("desired"), row.section("reported"));
        run.extend(entries(&reported).filter_map(|(_, entry)| image(entry)).map(str::to_owned));
        let code = row.0.pointer("/properties/reported/lastDesiredStatus/code").and_then(Value::as_i64);
        if code == Some(500) {
            waited_for.extend(entries(&desired).filter_map(|(_, entry)| image(entry)).map(str::to_owned));
        }
    }
    waited_for.difference(&run).cloned().collect()
}

/// The modules of a section of `$edgeAgent`, the runtime's own among them.
fn entries(section: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let parts = ["systemModules", "modules"].into_iter();
    parts.filter_map(|part| section.get(part)).filter_map(Value::as_object).flatten()
}

fn image(entry: &Value) -> Option<&str> {
    entry.pointer("/settings/image").and_then(Value::as_str)
}

/// A device of the copy.
struct Copied<'a> {
    id: &'a str,
    row: Row<'a>,
    modules: &'a [Row<'a>],
    authors: &'a Authors,
    world: &'a World,
    salt: u64,
}

impl Copied<'_> {
    fn is_edge(&self) -> bool {
        self.row.0.pointer("/capabilities/iotEdge").and_then(Value::as_bool) == Some(true)
    }

    fn module(&self, id: &str) -> Option<Row<'_>> {
        self.modules.iter().copied().find(|row| row.text("/moduleId") == Some(id))
    }

    /// `$edgeAgent`, when it ever reported: then there is a machine.
    fn agent(&self) -> Option<Row<'_>> {
        self.module(AGENT).filter(|row| !row.section("reported").is_empty())
    }

    fn installed(&self) -> Timestamp {
        self.world.ago(INSTALLED, self.salt)
    }

    fn registered(&self) -> DeviceSeed {
        let created = self.world.ago(INSTALLED + MINUTE, self.salt);
        let modules = self.modules.iter().filter_map(|row| {
            let id = row.text("/moduleId")?;
            let mut twin = self.twin(*row);
            if id == AGENT && self.agent().is_some() {
                twin.desired = self.writes(*row, &self.carried_out(), self.installed());
            }
            if self.agent().is_some() && [AGENT, HUB].contains(&id) {
                // Their programs say it anew.
                twin.reported.clear();
            }
            Some((id.to_owned(), ModuleSeed { created, twin }))
        });
        DeviceSeed {
            id: self.id.to_owned(),
            created,
            edge: self.is_edge(),
            enabled: self.row.text("/status") != Some("disabled"),
            twin: self.twin(self.row),
            modules: modules.collect(),
        }
    }

    fn twin(&self, row: Row<'_>) -> TwinSeed {
        let written = |section: &str| row.updated(section).unwrap_or(self.installed()).min(self.installed());
        let reported = row.section("reported");
        TwinSeed {
            tags: row.members("/tags"),
            desired: self.writes(row, &row.section("desired"), written("desired")),
            reported: if reported.is_empty() { Vec::new() } else { vec![(written("reported"), reported)] },
            configurations: row.configurations(),
        }
    }

    /// Desired values as writes of those who wrote them: what was set by hand, then each deployment's own, in the order in
    /// which they lie on each other.
    fn writes(&self, row: Row<'_>, values: &Map<String, Value>, at: Timestamp) -> Vec<DesiredSeed> {
        let mut written = BTreeMap::new();
        by_author(values, &row.members("/properties/desired/$metadata"), &mut Vec::new(), &mut written);
        let order = |author: &Option<String>| author.as_ref().and_then(|id| self.authors.get(id)).copied();
        // What a deployment that is gone has left is nobody's, as what was set by hand.
        let mut writes: Vec<(Option<(u32, Timestamp)>, DesiredSeed)> = Vec::new();
        for (author, values) in written {
            let known = order(&author);
            let by = author.and_then(|id| Some((id, known?.1)));
            match writes.iter_mut().find(|(_, write)| by.is_none() && write.by.is_none()) {
                Some((_, write)) => merge(&mut write.values, values),
                None => writes.push((known, DesiredSeed { at, values, by })),
            }
        }
        writes.sort_by_key(|(known, _)| *known);
        writes.into_iter().map(|(_, write)| write).collect()
    }

    /// What edgeAgent was told, but for what it had not carried out: modules it did not run, and images others stood for.
    fn carried_out(&self) -> Map<String, Value> {
        let Some(agent) = self.agent() else { return Map::new() };
        let (mut desired, reported) = (agent.section("desired"), agent.section("reported"));
        let ran: BTreeMap<&String, &Value> = entries(&reported).collect();
        if let Some(modules) = desired.get_mut("modules").and_then(Value::as_object_mut) {
            modules.retain(|name, _| ran.contains_key(name));
            for (name, entry) in modules {
                let image = ran.get(name).and_then(|entry| image(entry));
                if let (Some(image), Some(settings)) = (image, entry.get_mut("settings").and_then(Value::as_object_mut))
                {
                    settings.insert("image".to_owned(), image.into());
                }
            }
        }
        desired
    }

    fn life(&self) -> Vec<Happening> {
        let Some(agent) = self.agent().filter(|_| self.is_edge()) else { return Vec::new() };
        let happened = |ago: u64, fate: Fate| Happening {
            at: self.world.ago(ago, self.salt),
            what: What::Device(self.id.to_owned(), fate),
        };
        let platform = "/properties/reported/runtime/platform";
        let mut spec = MachineSpec::default();
        if let Some(architecture) = agent.text(&format!("{platform}/architecture")) {
            architecture.clone_into(&mut spec.architecture);
        }
        if let Some(version) = agent.text("/properties/reported/version/version") {
            version.clone_into(&mut spec.runtime);
        }
        let mut out = vec![happened(INSTALLED, Fate::Provisioned(spec))];
        let (desired, reported) = (agent.section("desired"), agent.section("reported"));
        if desired != self.carried_out() {
            let writes = self.writes(agent, &desired, self.world.ago(TOLD, self.salt));
            out.extend(writes.into_iter().map(|write| happened(TOLD, Fate::Desired(AGENT.to_owned(), write))));
        }
        for (name, entry) in entries(&reported) {
            if !matches!(entry.get("runtimeStatus").and_then(Value::as_str), Some("backoff" | "failed")) {
                continue;
            }
            let code = entry.get("exitCode").and_then(Value::as_i64).filter(|code| *code != 0).unwrap_or(1);
            let crash = Condition::Crashes { module: name.clone(), code, after: RUNS, says: String::new() };
            out.push(happened(BEGAN, Fate::Afflicted(crash)));
        }
        if self.module(HUB).is_some_and(|hub| hub.text("/connectionState") == Some("Disconnected")) {
            out.push(happened(BEGAN, Fate::Dark));
        }
        out
    }
}

/// Takes values apart by who wrote them last, as the metadata beside them says.
fn by_author(
    values: &Map<String, Value>,
    metadata: &Map<String, Value>,
    path: &mut Vec<String>,
    out: &mut BTreeMap<Option<String>, Map<String, Value>>,
) {
    let nothing = Map::new();
    for (key, value) in values {
        let about = metadata.get(key).and_then(Value::as_object).unwrap_or(&nothing);
        path.push(key.clone());
        match value.as_object().filter(|members| !members.is_empty()) {
            Some(members) => by_author(members, about, path, out),
            None => {
                let author = about.get("$lastUpdatedBy").and_then(Value::as_str).map(str::to_owned);
                put(out.entry(author).or_default(), path, value.clone());
            }
        }
        path.pop();
    }
}

fn put(values: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = values;
    for key in above {
        let next = at.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Some(members) = next.as_object_mut() else { return };
        at = members;
    }
    at.insert(last.clone(), value);
}

fn merge(values: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        match (values.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (_, value) => drop(values.insert(key, value)),
        }
    }
}
