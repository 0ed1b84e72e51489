//! What the twins of the fleet, as far as they were read, say of a deployment: who has it, who has something else
//! instead, what lies above it, and where it is rejected. Evidence beside the hub's figures, with an age of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::deployment::Deployed;
use crate::domain::effective::{Configuration, Deployments, Outcome, Overruled, overruled};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::secret::shown;
use crate::domain::time::age_text;
use crate::store::AgentSummary;
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;

/// Devices that are named where a deployment is rejected; more are counted.
const NAMED: usize = 3;

/// Counts of devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Whose agents' twins were read.
    pub read: usize,
    /// Whose were not.
    pub unread: usize,
    /// That have it.
    pub applied: usize,
    /// That it matches, and that do not have it.
    pub lost: usize,
    /// What those have instead, by id.
    pub instead: BTreeMap<DeploymentId, usize>,
    /// Layers above it that overrule something of it, and on how many devices.
    pub above: BTreeMap<DeploymentId, usize>,
    /// That have it and whose agent answered with another code than 200: how many, and the first few.
    pub rejected: (usize, Vec<String>),
    /// Deployments that apply wherever it is rejected, and nowhere where it was accepted.
    pub suspects: BTreeSet<DeploymentId>,
    /// It says nothing to `$edgeAgent`, so that its status there stays "targeted" for ever.
    pub silent: bool,
}

/// Devices that the same deployments reach.
#[derive(Debug, Default)]
struct Group {
    devices: usize,
    accepted: usize,
    rejected: usize,
    /// The first few that rejected it.
    names: Vec<String>,
}

/// What a twin says of its deployments: those that are applied, and those that only match.
type Reached<'a> = (&'a [Arc<str>], &'a [Arc<str>]);

impl Evidence {
    /// Counts the present fleet, once for all deployments.
    #[must_use]
    pub fn count(shell: &Shell) -> BTreeMap<DeploymentId, Self> {
        let all: Vec<Configuration> = shell.deployments.edge().map(|deployed| deployed.configuration.clone()).collect();
        let mut found: BTreeMap<DeploymentId, Self> = BTreeMap::new();
        for configuration in &all {
            let agent = configuration.content.module("$edgeAgent");
            let silent = agent.is_some_and(|agent| agent.assignments.is_empty());
            found.insert(configuration.id.clone(), Self { silent, ..Self::default() });
        }
        let mut deployments = Deployments::new(all);
        let mut rejections = Rejections::default();
        let mut overrules = Overrules::default();
        let groups = groups(shell);
        for ((applied, lost), group) in &groups {
            let ids = applied.iter().chain(*lost).map(|id| DeploymentId::from_wire(Arc::clone(id)));
            let ids: Vec<DeploymentId> = ids.collect();
            let matching = deployments.matching_ids(&ids);
            let effective = deployments.effective(&matching);
            let stack = effective.applied();
            for lower in &stack {
                let Some(evidence) = found.get_mut(&lower.id) else { continue };
                for upper in overrules.above(&stack, lower) {
                    *evidence.above.entry(upper).or_default() += group.devices;
                }
            }
            for (index, id) in ids.iter().enumerate() {
                let Some(evidence) = found.get_mut(id) else { continue };
                if index < applied.len() {
                    evidence.applied += group.devices;
                    rejections.take(id, &stack, group);
                    continue;
                }
                evidence.lost += group.devices;
                let mut instead: Vec<DeploymentId> = match stack.iter().find(|other| other.id == *id) {
                    // It applies, and nothing is left of it.
                    Some(own) => overrules.above(&stack, own),
                    // A base decides: over a base that loses to it, and over layers of its own priority or below.
                    None => Vec::new(),
                };
                if instead.is_empty() {
                    instead.extend(effective.base().filter(|base| base.id != *id).map(|base| base.id.clone()));
                }
                instead.into_iter().for_each(|other| *evidence.instead.entry(other).or_default() += group.devices);
            }
        }
        let read = groups.values().map(|group| group.devices).sum();
        for (id, evidence) in &mut found {
            (evidence.read, evidence.unread) = (read, shell.fleet.rows.len().saturating_sub(read));
            (evidence.rejected, evidence.suspects) = rejections.of(id);
        }
        found
    }

    /// In sentences.
    #[must_use]
    pub fn lines(&self, shell: &Shell) -> Vec<Piece> {
        let age = shell.fleet.as_of().map_or_else(String::new, |at| format!(" {} ago", age_text(shell.now.since(at))));
        if self.read == 0 {
            return vec![(Role::TextDim, "no twins of the fleet were read yet".to_owned())];
        }
        if self.silent {
            return vec![(
                Role::TextDim,
                "it says nothing to $edgeAgent, where figures are counted; look at the twins it writes to".to_owned(),
            )];
        }
        let mut lines = vec![(Role::Fg, format!("applied on {} of the {} devices read{age}", self.applied, self.read))];
        if self.lost > 0 {
            let instead: Vec<String> =
                self.instead.iter().map(|(id, count)| format!("{} on {count}", id.shown())).collect();
            let instead = if instead.is_empty() { "no base is applied there".to_owned() } else { instead.join(", ") };
            lines.push((Role::StatusWarn, format!("overruled on {}: {instead}", self.lost)));
        }
        let (rejected, names) = &self.rejected;
        if *rejected > 0 {
            let more = rejected.saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let suspects: Vec<String> = self.suspects.iter().map(|id| id.shown().into()).collect();
            let suspects = if suspects.is_empty() {
                String::new()
            } else {
                format!("; {} applies there, and nowhere it was accepted", suspects.join(" with "))
            };
            lines.push((Role::StatusBad, format!("rejected on {rejected}: {}{more}{suspects}", names.join(", "))));
        }
        lines
    }

    /// On how many devices a layer above overrules it, as far as that is known.
    #[must_use]
    pub(super) fn overruled_on(&self, upper: &DeploymentId) -> Piece {
        let count = self.above.get(upper).copied().unwrap_or(0);
        if self.read == 0 {
            return (Role::StatusWarn, "on how many devices is not known yet".to_owned());
        }
        let unread = if self.unread > 0 { format!(", {} not read", self.unread) } else { String::new() };
        let role = if count > 0 { Role::StatusWarn } else { Role::TextDim };
        (role, format!("on {count} of the {} devices read{unread}", self.read))
    }
}

/// The fleet by what reaches it: a hundred thousand devices have few kinds of that.
fn groups(shell: &Shell) -> HashMap<Reached<'_>, Group> {
    let mut groups: HashMap<Reached<'_>, Group> = HashMap::new();
    for row in shell.fleet.rows.iter() {
        let Some(agent) = &row.agent else { continue };
        let AgentSummary { applied, lost, code, .. } = agent;
        let group = groups.entry((&**applied, &**lost)).or_default();
        group.devices += 1;
        match code {
            Some(200) => group.accepted += 1,
            Some(_) => {
                group.rejected += 1;
                if group.names.len() < NAMED {
                    group.names.push(row.id.shown().into());
                }
            }
            None => {}
        }
    }
    groups
}

/// Which layers overrule anything of which deployment: worked out once for every two that meet.
#[derive(Debug, Default)]
struct Overrules(HashMap<(DeploymentId, DeploymentId), bool>);

impl Overrules {
    /// Those of the stack that lie above `lower` and overrule something of it.
    fn above(&mut self, stack: &[&Configuration], lower: &Configuration) -> Vec<DeploymentId> {
        let at = stack.iter().position(|other| other.id == lower.id);
        let mut found = Vec::new();
        for upper in stack.iter().skip(at.map_or(stack.len(), |at| at + 1)) {
            let pair = (lower.id.clone(), upper.id.clone());
            if *self.0.entry(pair).or_insert_with(|| !overruled(lower, upper).is_empty()) {
                found.push(upper.id.clone());
            }
        }
        found
    }
}

/// Where deployments are rejected, and what else applies there and elsewhere.
#[derive(Debug, Default)]
struct Rejections(BTreeMap<DeploymentId, Rejection>);

#[derive(Debug, Default)]
struct Rejection {
    devices: usize,
    names: Vec<String>,
    /// What applies wherever it is rejected.
    with: Option<BTreeSet<DeploymentId>>,
    /// What applies anywhere it was accepted; nothing before it was anywhere.
    accepted: Option<BTreeSet<DeploymentId>>,
}

impl Rejections {
    fn take(&mut self, id: &DeploymentId, stack: &[&Configuration], group: &Group) {
        let rejection = self.0.entry(id.clone()).or_default();
        let stack: BTreeSet<DeploymentId> = stack.iter().map(|other| other.id.clone()).collect();
        if group.accepted > 0 {
            rejection.accepted.get_or_insert_default().extend(stack.iter().cloned());
        }
        if group.rejected > 0 {
            rejection.devices += group.rejected;
            rejection.names.extend(group.names.iter().cloned());
            rejection.with = Some(match rejection.with.take() {
                Some(with) => with.intersection(&stack).cloned().collect(),
                None => stack,
            });
        }
    }

    /// How often and where it is rejected, and who is suspected of it.
    fn of(&mut self, id: &DeploymentId) -> ((usize, Vec<String>), BTreeSet<DeploymentId>) {
        let mut rejection = self.0.remove(id).unwrap_or_default();
        rejection.names.sort_by(|a, b| crate::domain::ids::natural_cmp(a, b));
        rejection.names.truncate(NAMED);
        let suspects = match (rejection.with, rejection.accepted) {
            (Some(with), Some(accepted)) => with.difference(&accepted).filter(|other| *other != id).cloned().collect(),
            _ => BTreeSet::new(),
        };
        ((rejection.devices, rejection.names), suspects)
    }
}

/// How a deployment fares against another one where both match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rivalry {
    /// It does not apply, and why.
    Yields(Outcome),
    /// Both have one priority, so that a rule of ties decides.
    Tied,
    /// The other one is a layer above it, and overrules these places.
    Overruled(Vec<Overruled>),
}

/// The deployments that keep this one from applying wherever both match, make it a matter of luck, or overrule some of it.
#[must_use]
pub(super) fn rivals(deployed: &Deployed, shell: &Shell) -> Vec<(DeploymentId, u32, Rivalry)> {
    let own = &deployed.configuration;
    let mut found = Vec::new();
    for other in shell.deployments.edge().map(|other| &other.configuration).filter(|other| other.id != own.id) {
        let yields = (other.kind() == Some(Kind::Base)).then(|| against(own, other)).flatten();
        let rivalry = if let Some(outcome) = yields {
            Rivalry::Yields(outcome)
        } else if other.priority == own.priority {
            Rivalry::Tied
        } else {
            let places = overruled(own, other);
            if places.is_empty() {
                continue;
            }
            Rivalry::Overruled(places)
        };
        found.push((other.id.clone(), other.priority, rivalry));
    }
    found
}

/// Places in a few words: `mlInference (version, settings.image)`.
#[must_use]
pub(super) fn places(overruled: &[Overruled]) -> String {
    let mut modules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Overruled { module, path } in overruled {
        let (module, keys) = match (module.as_str(), path.keys()) {
            ("$edgeAgent", [section, name, rest @ ..]) if section == "modules" => (name.clone(), rest),
            ("$edgeAgent", [section, name, rest @ ..]) if section == "systemModules" => (format!("${name}"), rest),
            ("$edgeAgent" | "$edgeHub", keys) => (module.as_str().to_owned(), keys),
            (module, keys) => (format!("the twin of {module}"), keys),
        };
        modules.entry(module).or_default().push(keys.join("."));
    }
    let parts = modules.into_iter().map(|(module, keys)| {
        let more = keys.len().saturating_sub(NAMED);
        let mut keys: Vec<String> =
            keys.iter().take(NAMED).map(|key| String::from(shown(key))).filter(|key| !key.is_empty()).collect();
        if more > 0 {
            keys.push(format!("{more} more"));
        }
        if keys.is_empty() { shown(&module).into() } else { format!("{} ({})", shown(&module), keys.join(", ")) }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What becomes of `own` on a device that `base` matches too; nothing when it applies.
fn against(own: &Configuration, base: &Configuration) -> Option<Outcome> {
    let mut both = Deployments::new([own.clone(), base.clone()]);
    let matching = both.matching_ids([&own.id, &base.id]);
    let result = both.effective(&matching);
    let outcome = result.verdicts().iter().find(|verdict| verdict.configuration.id == own.id)?.outcome;
    (!outcome.applies()).then_some(outcome)
}
