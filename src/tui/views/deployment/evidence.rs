//! What the twins of the fleet, as far as they were read, say of a deployment: who has it, and who has something else
//! instead. Evidence beside the hub's figures, with an age of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::deployment::Deployed;
use crate::domain::effective::{Configuration, Deployments, Outcome};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::time::age_text;
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::deployments::row::shown;

/// Counts of devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Whose agents' twins were read.
    pub read: usize,
    /// That have it.
    pub applied: usize,
    /// That it matches, and that do not have it.
    pub lost: usize,
    /// What those have instead, by id.
    pub instead: BTreeMap<Arc<str>, usize>,
    /// It says nothing to `$edgeAgent`, so that its status there stays "targeted" for ever.
    pub silent: bool,
}

impl Evidence {
    /// Counts the present fleet, once for all deployments.
    #[must_use]
    pub fn count(shell: &Shell) -> BTreeMap<DeploymentId, Self> {
        let mut found = BTreeMap::new();
        let mut bases: BTreeSet<&str> = BTreeSet::new();
        for configuration in shell.deployments.edge().map(|deployed| &deployed.configuration) {
            let agent = configuration.content.module("$edgeAgent");
            let silent = agent.is_some_and(|agent| agent.assignments.is_empty());
            found.insert(configuration.id.clone(), Self { silent, ..Self::default() });
            if configuration.kind() == Some(Kind::Base) {
                bases.insert(configuration.id.as_str());
            }
        }
        let mut read = 0;
        for agent in shell.fleet.rows.iter().filter_map(|row| row.agent.as_ref()) {
            read += 1;
            for id in agent.applied.iter() {
                if let Some(evidence) = found.get_mut(&**id) {
                    evidence.applied += 1;
                }
            }
            for id in agent.lost.iter() {
                let Some(evidence) = found.get_mut(&**id) else { continue };
                evidence.lost += 1;
                // A base decides: over a base that loses to it, and over layers of its own priority or below.
                for base in agent.applied.iter().filter(|other| bases.contains(&***other)) {
                    *evidence.instead.entry(Arc::clone(base)).or_default() += 1;
                }
            }
        }
        found.values_mut().for_each(|evidence| evidence.read = read);
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
                self.instead.iter().map(|(id, count)| format!("{} on {count}", shown(id))).collect();
            let instead = if instead.is_empty() { "no base is applied there".to_owned() } else { instead.join(", ") };
            lines.push((Role::StatusWarn, format!("overruled on {}: {instead}", self.lost)));
        }
        lines
    }
}

/// How a deployment fares against another one where both match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rivalry {
    /// It does not apply, and why.
    Yields(Outcome),
    /// Both have one priority, so that a rule of ties decides.
    Tied,
}

/// The deployments that keep this one from applying wherever both match, or make it a matter of luck.
#[must_use]
pub(super) fn rivals(deployed: &Deployed, shell: &Shell) -> Vec<(DeploymentId, u32, Rivalry)> {
    let own = &deployed.configuration;
    let mut found = Vec::new();
    for other in shell.deployments.edge().map(|other| &other.configuration).filter(|other| other.id != own.id) {
        let yields = (other.kind() == Some(Kind::Base)).then(|| against(own, other)).flatten();
        if let Some(outcome) = yields {
            found.push((other.id.clone(), other.priority, Rivalry::Yields(outcome)));
        } else if other.priority == own.priority {
            found.push((other.id.clone(), other.priority, Rivalry::Tied));
        }
    }
    found
}

/// What becomes of `own` on a device that `base` matches too; nothing when it applies.
fn against(own: &Configuration, base: &Configuration) -> Option<Outcome> {
    let mut both = Deployments::new([own.clone(), base.clone()]);
    let matching = both.matching_ids([&own.id, &base.id]);
    let result = both.effective(&matching);
    let outcome = result.verdicts().iter().find(|verdict| verdict.configuration.id == own.id)?.outcome;
    (!outcome.applies()).then_some(outcome)
}
