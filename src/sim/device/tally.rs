//! What became of the messages of all machines, and which of them have no network. Nobody counts while nobody looks, and a
//! look at a large fleet is taken in steps: one machine at a time, whoever was not looked at for longest first.

use std::time::Duration;

use jiff::Timestamp;

use super::World;
use super::cloud::Cloud;
use super::edge_hub::Counts;

/// Those without a network are looked at first when their figures are this old: somebody waits for them to grow.
const OLD: Duration = Duration::from_secs(5);

/// A machine whose network is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dark {
    /// Its device.
    pub device: String,
    /// For how long.
    pub dark_for: Duration,
    /// Messages that waited on it when it was looked at.
    pub queued: u64,
    /// How long ago that was.
    pub age: Duration,
}

/// All machines together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// What became of their messages.
    pub counts: Counts,
    /// How many machines were counted.
    pub machines: usize,
    /// Devices whose machine is not made, because nothing has happened to it yet: nobody counts their messages.
    pub asleep: usize,
    /// How old the oldest of the figures is.
    pub age: Duration,
    /// Those without a network, by device.
    pub dark: Vec<Dark>,
}

impl World {
    /// Brings the machine up to now that was not looked at for longest; says whether any was older than `fresh`.
    pub(in crate::sim) fn look_at_one(&mut self, fresh: Duration, at: Timestamp, cloud: &mut dyn Cloud) -> bool {
        let looks = self.machines.iter().map(|(id, machine)| {
            let age = between(machine.traffic.now(), at);
            (machine.link.cut_at.is_some() && age >= OLD, age, *id)
        });
        let Some((_, age, id)) = looks.max() else { return false };
        if age <= fresh {
            return false;
        }
        self.with(id, at, cloud, |machine, moment| machine.catch_up(moment)).is_some()
    }

    /// The figures as they are known.
    pub(in crate::sim) fn tally(&mut self, at: Timestamp) -> Tally {
        let mut tally = Tally { machines: self.machines.len(), asleep: self.echoes.count(), ..Tally::default() };
        for machine in self.machines.values_mut() {
            let counts = machine.traffic.counts();
            tally.counts.add(counts);
            let age = between(machine.traffic.now(), at);
            tally.age = tally.age.max(age);
            if let Some(since) = machine.link.cut_at {
                let dark_for = between(since, at);
                tally.dark.push(Dark { device: machine.device.clone(), dark_for, queued: counts.queued, age });
            }
        }
        tally.dark.sort_by(|a, b| a.device.cmp(&b.device));
        tally
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
