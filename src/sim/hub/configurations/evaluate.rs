//! What an evaluation does: merges what matches into the twins and says on each how far every configuration got.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::effective::{ConfigurationStatus, Deployments, Effective, Matching, MergedTwin};
use crate::sim::hub::entropy::Entropy;
use crate::sim::hub::registry::valid_id;
use crate::sim::hub::state::{Authentication, Device, Identity, Module, State};
use crate::sim::hub::twin::Twin;
use crate::sim::hub::twins::{Form, Part, document};

use super::content::{Kind, Writes, module_names};
use super::write::{Claim, Owner, settle};
use super::{Configuration, Configurations, Outcome};

/// Whose twins are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Devices the configuration with this id matches, or that it matched when they were looked at last.
    Touched(&'a str),
    /// All devices.
    Everything,
}

/// Owners by the keys from the section's root.
type Owners = HashMap<Vec<String>, Owner>;
/// Configurations and how far they got.
type Statuses = Vec<(String, String)>;

/// Evaluates as of `now`.
pub(super) fn run(state: &mut State, scope: Scope<'_>, now: Timestamp) {
    let State { devices, entropy, configurations, jobs: _, world: _, ahead: _, service: _, index } = state;
    let Configurations { known, made, .. } = configurations;
    let mut plan = Plan::new(known, now);
    made.retain(|id, _| devices.contains_key(id));
    // The machines learn of it when all twins are written.
    let mut written = Vec::new();
    for (id, device) in devices.iter_mut() {
        let Some(twin) = document(id, device, None, plan.form) else { continue };
        if plan.concerns(scope, id, device, &twin) {
            let known = made.get(id);
            if plan.is_steady() && known.is_some_and(|known| known.print == plan.print(device, &twin)) {
                continue;
            }
            index.note(id, Some(device), false, now, entropy);
            let before: BTreeMap<String, u64> = desired_versions(device).collect();
            let effective = plan.deploy(id, device, &twin, known.map(|known| known.effective.as_ref()), entropy);
            made.insert(id.clone(), Outcome { effective, print: plan.print(device, &twin) });
            let changed = desired_versions(device).filter(|(module, version)| before.get(module) != Some(version));
            written.extend(changed.map(|(module, _)| (id.clone(), module)));
        }
    }
    for (device, module) in written {
        state.desired_changed(&device, &module, now);
    }
}

fn desired_versions(device: &Device) -> impl Iterator<Item = (String, u64)> {
    device.modules.iter().map(|(id, module)| (id.clone(), module.twin.desired.version))
}

/// What a set of matching deployments makes of a device, worked out once for all devices they match.
struct Made {
    effective: Arc<Effective>,
    /// By module.
    owners: BTreeMap<String, Owners>,
    statuses: BTreeMap<String, Statuses>,
}

impl Made {
    fn of(effective: Arc<Effective>, digests: &HashMap<&str, Owner>) -> Self {
        let owner = |id: &str| digests.get(id).cloned();
        let owners = effective
            .twins()
            .map(|(module, _)| {
                let leaves = effective.explain(module.as_str()).into_iter();
                let owners = leaves
                    .filter_map(|leaf| Some((leaf.path.keys().to_vec(), owner(leaf.from.id.as_str())?)))
                    .collect();
                (module.as_str().to_owned(), owners)
            })
            .collect();
        let mut named: Vec<&str> = effective.modules().into_iter().map(|module| module.as_str()).collect();
        named.push("$edgeAgent");
        let word = |status| match status {
            ConfigurationStatus::Applied => APPLIED,
            ConfigurationStatus::Targeted | ConfigurationStatus::Other => TARGETED,
        };
        let statuses = named
            .into_iter()
            .map(|module| {
                let statuses = effective.statuses(module).into_iter();
                let statuses = statuses
                    .map(|(configuration, status)| (configuration.id.as_str().to_owned(), word(status).to_owned()));
                (module.to_owned(), statuses.collect())
            })
            .collect();
        Self { effective, owners, statuses }
    }
}

const APPLIED: &str = "Applied";
const TARGETED: &str = "Targeted";

/// All configurations, ready to be put on devices.
struct Plan<'a> {
    known: &'a [Configuration],
    deployments: Deployments,
    made: HashMap<Matching, Rc<Made>>,
    owners: HashMap<&'a str, Owner>,
    /// Device and module configurations, those that lead first.
    automatic: Vec<&'a Configuration>,
    /// As much of a twin as the conditions look at.
    form: Form,
    now: Timestamp,
}

impl<'a> Plan<'a> {
    fn new(known: &'a [Configuration], now: Timestamp) -> Self {
        let reads = known.iter().any(|known| known.target.reads_properties());
        let properties = if reads { Part::Whole } else { Part::Nothing };
        let mut automatic: Vec<&Configuration> =
            known.iter().filter(|known| known.content.kind != Kind::Edge).collect();
        automatic
            .sort_by(|a, b| b.priority.cmp(&a.priority).then(b.created.cmp(&a.created)).then_with(|| a.id.cmp(&b.id)));
        Self {
            known,
            deployments: Deployments::new(known.iter().filter_map(Configuration::to_domain)),
            made: HashMap::new(),
            owners: known.iter().map(|known| (known.id.as_str(), known.owner())).collect(),
            automatic,
            form: Form { model_id: false, row: true, properties, now },
            now,
        }
    }

    /// Whether what becomes of a device is decided by its twin without properties: nobody asks for what is reported, and
    /// no module has a condition of its own.
    fn is_steady(&self) -> bool {
        self.form.properties == Part::Nothing && self.automatic.iter().all(|known| known.content.kind == Kind::Device)
    }

    /// A fingerprint of everything that decides what becomes of a device: the configurations, which of them match, and what
    /// its twins are by now.
    fn print(&self, device: &Device, twin: &Value) -> u64 {
        let mut hasher = DefaultHasher::new();
        for known in self.known {
            (&known.id, known.created, known.etag).hash(&mut hasher);
        }
        self.deployments.matching(twin).hash(&mut hasher);
        for known in &self.automatic {
            known.target.meets(twin).hash(&mut hasher);
        }
        (device.twin.etag, device.twin.desired.version).hash(&mut hasher);
        for (name, module) in &device.modules {
            // A module that was deleted and made again begins to count anew, with another tag.
            (name, module.identity.etag, module.twin.etag, module.twin.desired.version).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn concerns(&self, scope: Scope<'_>, id: &str, device: &Device, twin: &Value) -> bool {
        let Scope::Touched(wanted) = scope else { return true };
        let names = |twin: &Twin| twin.configurations.iter().any(|(id, _)| id == wanted);
        if names(&device.twin) || device.modules.values().any(|module| names(&module.twin)) {
            return true;
        }
        let Some(configuration) = self.known.iter().find(|known| known.id == wanted) else { return false };
        match configuration.content.kind {
            Kind::Device => configuration.target.meets(twin),
            Kind::Edge => device.edge && configuration.target.meets(twin),
            Kind::Module => device.modules.keys().any(|module| {
                document(id, device, Some(module), self.form).is_some_and(|twin| configuration.target.meets(&twin))
            }),
        }
    }

    /// Brings a device's twins to what the configurations want.
    fn deploy(
        &mut self,
        id: &str,
        device: &mut Device,
        twin: &Value,
        before: Option<&Effective>,
        entropy: &mut Entropy,
    ) -> Arc<Effective> {
        let made = self.made_of(twin);
        let (statuses, content) = self.automatic(Kind::Device, twin);
        let mut change = Change::of(&device.twin);
        change.add(statuses, content);
        change.carry_out(&mut device.twin, self.now);

        if let Some(agent) = made.effective.twin("$edgeAgent") {
            let named = made.effective.twins().map(|(module, _)| module.as_str().to_owned());
            create_modules(device, module_names(&agent.desired).into_iter().chain(named), entropy, self.now);
        }
        let names: Vec<String> = device.modules.keys().cloned().collect();
        let for_modules = self.automatic.iter().any(|known| known.content.kind == Kind::Module);
        for name in names {
            // The runtime's own twins are for deployments alone.
            let looked_at = for_modules && !name.starts_with('$');
            let row = if looked_at { document(id, device, Some(&name), self.form) } else { None };
            let Some(module) = device.modules.get_mut(&name) else { continue };
            let mut change = Change::of(&module.twin);
            change.statuses.extend(made.statuses.get(&name).cloned().unwrap_or_default());
            if let Some(owners) = made.owners.get(&name) {
                change.wanted = made.effective.desired_after(before, &name, &change.wanted);
                change.owners = owners.clone();
            }
            if let Some(row) = row {
                let (statuses, content) = self.automatic(Kind::Module, &row);
                change.add(statuses, content);
            }
            change.carry_out(&mut module.twin, self.now);
        }
        Arc::clone(&made.effective)
    }

    fn made_of(&mut self, twin: &Value) -> Rc<Made> {
        let matching = self.deployments.matching(twin);
        if let Some(made) = self.made.get(&matching) {
            return Rc::clone(made);
        }
        let made = Rc::new(Made::of(self.deployments.effective(&matching), &self.owners));
        self.made.insert(matching, Rc::clone(&made));
        made
    }

    /// The configurations of a kind that match a twin, and the one that leads.
    fn automatic(&self, kind: Kind, twin: &Value) -> (Statuses, Option<(&'a MergedTwin, Owner)>) {
        let matching = self.automatic.iter().filter(|known| known.content.kind == kind && known.target.meets(twin));
        let mut leads = None;
        let statuses = matching
            .map(|known| {
                let first = leads.is_none();
                if let (true, Writes::Twin(content)) = (first, &known.content.writes) {
                    leads = Some((content.as_ref(), known.owner()));
                }
                (known.id.clone(), if first { APPLIED } else { TARGETED }.to_owned())
            })
            .collect();
        (statuses, leads)
    }
}

/// Makes the identities of modules that a deployment names. The service does so before any device has connected;
/// those no longer named it leaves to the device.
pub(super) fn create_modules(
    device: &mut Device,
    names: impl IntoIterator<Item = String>,
    entropy: &mut Entropy,
    now: Timestamp,
) {
    for name in names {
        if valid_id(&name) && !device.modules.contains_key(&name) {
            let identity = Identity::new(Authentication::None, entropy.first_etag(), now);
            device.modules.insert(name, Module::new(identity, Some("iotEdge".to_owned())));
        }
    }
}

/// What becomes of one twin.
struct Change {
    wanted: Map<String, Value>,
    owners: Owners,
    statuses: Statuses,
}

impl Change {
    fn of(twin: &Twin) -> Self {
        Self { wanted: Map::clone(&twin.desired.values), owners: Owners::new(), statuses: Statuses::new() }
    }

    /// Puts an automatic configuration's content on top.
    fn add(&mut self, statuses: Statuses, content: Option<(&MergedTwin, Owner)>) {
        self.statuses.extend(statuses);
        if let Some((content, owner)) = content {
            self.wanted = content.applied_to(&self.wanted);
            self.owners.extend(content.leaves().into_iter().map(|(place, _)| (place.keys().to_vec(), owner.clone())));
        }
    }

    /// Writes; what would be larger than a twin may be is not written, and then nothing is applied.
    fn carry_out(mut self, twin: &mut Twin, now: Timestamp) {
        let owners = self.owners;
        let claim = |place: &[String]| owners.get(place).map_or(Claim::Nobody, Claim::Configuration);
        if settle(twin, self.wanted, &claim, now).is_err() {
            self.statuses.iter_mut().for_each(|(_, status)| TARGETED.clone_into(status));
        }
        let known = |one: &Statuses, other: &Statuses| one.iter().all(|entry| other.contains(entry));
        if !known(&self.statuses, &twin.configurations) || !known(&twin.configurations, &self.statuses) {
            twin.configurations = self.statuses;
        }
    }
}
