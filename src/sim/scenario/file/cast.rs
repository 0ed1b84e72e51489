//! Who of a large fleet is simulated. Up to [`LIVING`] devices every one is; of more, those to whom something of their own
//! happens, and some of each kind of the others, to whom the rest is likened.

use std::collections::{HashMap, HashSet};

use crate::sim::hub::{EchoSeed, Targets};

use super::Plan;

/// Worlds of so many devices are simulated one by one.
const LIVING: u64 = 1_000;
/// Devices of a kind that are simulated, for the others to be likened to.
const MODELS: usize = 40;

/// A device among those of its entry.
#[derive(Debug)]
pub(in crate::sim) struct Member {
    pub(super) group: usize,
    /// From 0.
    pub(super) index: u64,
    pub(super) id: String,
}

/// The devices of a world.
#[derive(Debug, Default)]
pub(in crate::sim) struct Cast {
    /// Those that are simulated.
    pub(super) living: Vec<Member>,
    /// The others, each with the number of one that is.
    echoes: Vec<(Member, usize)>,
}

impl Plan {
    /// Decides who is simulated.
    pub(in crate::sim) fn cast(&self) -> Cast {
        let count: u64 = self.groups.iter().map(|group| group.ids.count()).sum();
        let targets =
            Targets::of(self.deployments.iter().map(|deployment| &deployment.seed)).filter(|_| count > LIVING);
        let singled_out: HashSet<&String> = self.events.iter().flat_map(|event| &event.devices).collect();
        let mut cast = Cast::default();
        // What may be likened to what: devices of an entry for which the same deployments are.
        let mut kinds: HashMap<(usize, Vec<bool>), (Vec<usize>, usize)> = HashMap::new();
        for (number, group) in self.groups.iter().enumerate() {
            for (index, id) in (0..).zip(group.ids.all()) {
                let member = Member { group: number, index, id };
                let alike = match &targets {
                    // A leaf talks through one machine only.
                    Some(targets) if !singled_out.contains(&member.id) && group.spec.leaves.is_empty() => {
                        Some(targets.meeting(&member.id, &group.tags(&member)))
                    }
                    _ => None,
                };
                let Some(alike) = alike else {
                    cast.living.push(member);
                    continue;
                };
                let (models, turn) = kinds.entry((number, alike)).or_default();
                if models.len() < MODELS {
                    models.push(cast.living.len());
                    cast.living.push(member);
                } else if let Some(model) = models.get(*turn % models.len()) {
                    *turn += 1;
                    cast.echoes.push((member, *model));
                }
            }
        }
        cast
    }

    /// Those who are likened to others.
    pub(in crate::sim) fn echoes<'a>(&'a self, cast: &'a Cast) -> impl Iterator<Item = EchoSeed> + 'a {
        cast.echoes.iter().filter_map(|(member, model)| {
            let (group, model) = (self.groups.get(member.group)?, cast.living.get(*model)?);
            Some(EchoSeed { id: member.id.clone(), model: model.id.clone(), tags: group.tags(member) })
        })
    }
}
