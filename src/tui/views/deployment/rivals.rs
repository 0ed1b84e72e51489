//! How a deployment fares against each other one of the hub, wherever both match.

use std::collections::BTreeMap;

use crate::domain::deployment::Deployed;
use crate::domain::effective::{Configuration, Deployments, Outcome, Overruled, overruled};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::secret::shown;
use crate::tui::shell::Shell;

/// Places of a module that are named where they are overruled; more are counted.
const PLACES: usize = 3;

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
        let more = keys.len().saturating_sub(PLACES);
        let mut keys: Vec<String> =
            keys.iter().take(PLACES).map(|key| String::from(shown(key))).filter(|key| !key.is_empty()).collect();
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
