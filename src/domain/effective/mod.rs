//! Which deployments reach a device, and what they make of its twins together. Shared by the console (why is this
//! here, what would happen if), the rollout engine and the simulated hub, so that the three cannot disagree.
//!
//! `select` says which configurations match and which of them apply (one base, the layers above it), `merge` puts
//! their contents on top of each other, `explain` says for every path who set it and who lost, `contents` what one of
//! them alone sets, `overrule` what another one takes from it, `takeover` what becomes of a twin when it changes hands,
//! and `radius` what becomes of a whole fleet. The service is closed: the rules are those of its articles and of people
//! who were surprised by it; what is only inferred says so where it stands.

mod contents;
mod explain;
mod merge;
mod overrule;
mod radius;
mod select;
mod takeover;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::ids::ModuleId;

pub use super::deployment::{Configuration, TargetCondition};
pub use super::twin::ConfigurationStatus;
pub use contents::{Contents, ModulePart, RegistryPart, RoutePart, TwinPart};
pub use explain::{Dropped, Explained, Lost, Why};
pub use merge::{MergedTwin, merge_one};
pub use overrule::{Overruled, overruled};
pub use radius::{Fate, Moved, Radius, Touched, Turned, first_based};
pub use select::{Ambiguity, Matching, Outcome, Verdict};

/// All deployments of a hub, ready to be asked about many devices. Devices with the same matching deployments share
/// one result, and results that apply the same ones share their merged twins.
#[derive(Debug, Clone)]
pub struct Deployments {
    /// Sorted by id, so that nothing depends on the order they came in.
    configurations: Arc<[Configuration]>,
    results: HashMap<Matching, Arc<Effective>>,
    merged: HashMap<Vec<usize>, Arc<Merged>>,
}

/// How many results are kept. Fleets have a few dozen; conditions that single out every device must not fill the
/// memory.
const KEPT_RESULTS: usize = 4_096;

/// Merged twins by module.
type Merged = BTreeMap<ModuleId, MergedTwin>;

impl Deployments {
    /// Takes the configurations of a hub, in any order. Of two with one id the newer counts.
    #[must_use]
    pub fn new(configurations: impl IntoIterator<Item = Configuration>) -> Self {
        let mut sorted: Vec<Configuration> = configurations.into_iter().collect();
        sorted.sort_by(|a, b| a.id.cmp(&b.id).then(b.created.cmp(&a.created)));
        sorted.dedup_by(|later, earlier| later.id == earlier.id);
        Self { configurations: sorted.into(), results: HashMap::new(), merged: HashMap::new() }
    }

    /// The configurations, sorted by id.
    #[must_use]
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    /// What the deployments make of a device with this twin document, as the service hands it out:
    /// `capabilities.iotEdge` has to be true, or none reaches it.
    pub fn for_device(&mut self, twin: &Value) -> Arc<Effective> {
        let matching = self.matching(twin);
        self.effective(&matching)
    }

    /// What the deployments make of a device that these match.
    pub fn effective(&mut self, matching: &Matching) -> Arc<Effective> {
        if let Some(known) = self.results.get(matching) {
            return Arc::clone(known);
        }
        if self.results.len() >= KEPT_RESULTS {
            self.results.clear();
            self.merged.clear();
        }
        let ranked = select::rank(&self.configurations, matching);
        let stack = ranked.stack();
        let merged = self.merged.entry(stack).or_insert_with_key(|stack| {
            let layers = stack.iter().filter_map(|index| Some((*index, self.configurations.get(*index)?)));
            Arc::new(merge::merge(layers.map(|(index, configuration)| (index, &*configuration.content))))
        });
        let result = Arc::new(Effective {
            configurations: Arc::clone(&self.configurations),
            ranked,
            undecided: matching.undecided.clone(),
            merged: Arc::clone(merged),
        });
        self.results.insert(matching.clone(), Arc::clone(&result));
        result
    }
}

/// What the deployments make of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    configurations: Arc<[Configuration]>,
    ranked: select::Ranked,
    undecided: Vec<usize>,
    merged: Arc<Merged>,
}

impl Effective {
    /// The base that applies. Without one the device is not managed: its twins stay as they are, even when layers
    /// match.
    #[must_use]
    pub fn base(&self) -> Option<&Configuration> {
        self.configuration(self.ranked.base()?)
    }

    /// The base and the layers above it, in the order they take effect: the last one wins.
    #[must_use]
    pub fn applied(&self) -> Vec<&Configuration> {
        self.ranked.stack().into_iter().filter_map(|index| self.configuration(index)).collect()
    }

    /// Every configuration that matches, with what became of it: layers from the top, the base, then those that do
    /// not apply, by priority.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict<'_>> {
        let verdicts = self.ranked.0.iter();
        verdicts
            .filter_map(|(index, outcome)| {
                Some(Verdict { configuration: self.configuration(*index)?, outcome: *outcome })
            })
            .collect()
    }

    /// Configurations whose condition only the hub can read; the result is without them.
    #[must_use]
    pub fn undecided(&self) -> Vec<&Configuration> {
        self.undecided.iter().filter_map(|index| self.configuration(*index)).collect()
    }

    /// What the deployments together give a module; nothing when none that applies names it.
    #[must_use]
    pub fn twin(&self, module: &str) -> Option<&MergedTwin> {
        self.merged.get(module)
    }

    /// The twins deployments write, by module.
    pub fn twins(&self) -> impl Iterator<Item = (&ModuleId, &MergedTwin)> {
        self.merged.iter()
    }

    /// Every module that a matching configuration names, whether it applies or not; `$edgeAgent` when any matches.
    #[must_use]
    pub fn modules(&self) -> BTreeSet<&ModuleId> {
        let matching = self.ranked.0.iter().filter_map(|(index, _)| self.configuration(*index));
        matching.flat_map(|configuration| configuration.content.modules.iter().map(|(module, _)| module)).collect()
    }

    /// The `configurations` section of a module's twin, by id. `$edgeAgent` lists every configuration that matches,
    /// another module those that name it. A configuration is applied to a twin when something it wrote there is still
    /// there, or when it is the base; a layer with `"$edgeAgent": {}` therefore stays targeted on `$edgeAgent` for
    /// ever. That something must survive is inferred from reports.
    #[must_use]
    pub fn statuses(&self, module: &str) -> Vec<(&Configuration, ConfigurationStatus)> {
        let mut found: Vec<(usize, &Outcome)> =
            self.ranked.0.iter().map(|(index, outcome)| (*index, outcome)).collect();
        found.sort_unstable_by_key(|(index, _)| *index);
        let twin = self.twin(module);
        found
            .into_iter()
            .filter_map(|(index, outcome)| {
                let configuration = self.configuration(index)?;
                let section = configuration.content.module(module);
                if section.is_none() && module != "$edgeAgent" {
                    return None;
                }
                let writes = section.is_some_and(|section| !section.assignments.is_empty());
                let survives = match outcome {
                    Outcome::Base => true,
                    Outcome::Layer => twin.is_some_and(|twin| twin.shows(index)),
                    _ => false,
                };
                let status =
                    if writes && survives { ConfigurationStatus::Applied } else { ConfigurationStatus::Targeted };
                Some((configuration, status))
            })
            .collect()
    }

    /// What depends on a rule nobody should rely on.
    #[must_use]
    pub fn ambiguities(&self) -> Vec<Ambiguity<'_>> {
        select::ambiguities(&self.verdicts())
    }

    fn configuration(&self, index: usize) -> Option<&Configuration> {
        self.configurations.get(index)
    }
}
