//! A [`Plan`] as a list of happenings, counted back and forth from the world's present: what the hub lives through.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::sim::hub::seed::{ConfigurationSeed, DeviceSeed, Fate, Happening, TwinSeed, What};

use super::cast::{Cast, Member};
use super::tags::{Which, lot};
use super::{Deed, Group, Plan, Span, Trouble};

/// Somebody who registers a device sets its manifest a little later.
const SET_AFTER: Duration = Duration::from_secs(5);

impl Plan {
    /// The world's first instant.
    pub(in crate::sim) fn begin(&self, now: Timestamp) -> Timestamp {
        let registered = self.groups.iter().map(|group| group.registered);
        let created = self.deployments.iter().map(|deployment| deployment.created);
        registered.chain(created).chain([self.age]).min().unwrap_or(self.age).instant(now)
    }

    /// What happens. The hub puts it in order; what happens at the same time stands in the order of the file.
    pub(in crate::sim) fn happenings(&self, cast: &Cast, now: Timestamp) -> Vec<Happening> {
        let mut out = Vec::new();
        for event in self.events.iter().filter(|event| event.devices.is_empty()) {
            let what = match &event.deed {
                Deed::Pulls(name, pull) => What::Pulls(name.clone(), *pull),
                Deed::Access(host, access) => What::Access(host.clone(), *access),
                Deed::Delete(id) => What::Deleted(id.clone()),
                Deed::Apply(_) | Deed::Edit(..) | Deed::Suffer(_) => continue,
            };
            out.push(Happening { at: event.at.from.instant(now), what });
        }
        for device in &cast.living {
            out.extend(self.groups.get(device.group).map(|group| group.registration(device, now)));
        }
        for deployment in &self.deployments {
            let created = deployment.created.instant(now);
            let seed = ConfigurationSeed { created, ..deployment.seed.clone() };
            out.push(Happening { at: created, what: What::Deployed(Box::new(seed)) });
        }
        for device in &cast.living {
            if let Some(group) = self.groups.get(device.group) {
                group.installation(device, now, &mut out);
            }
        }
        for (number, event) in self.events.iter().enumerate() {
            for id in &event.devices {
                let at = event.at.instant_of(id, &format!("event {number}"), now);
                let mut happens = |at, fate| out.push(Happening { at, what: What::Device(id.clone(), fate) });
                match &event.deed {
                    Deed::Apply(content) => happens(at, Fate::Applied(content.clone())),
                    Deed::Edit(module, patch) => happens(at, Fate::Edited(module.clone(), patch.clone())),
                    Deed::Suffer(trouble) => {
                        let (begins, ends) = trouble.fates();
                        happens(at, begins);
                        if let (Some(until), Some(ends)) = (event.until, ends) {
                            happens(until.instant(now), ends);
                        }
                    }
                    Deed::Pulls(..) | Deed::Access(..) | Deed::Delete(_) => {}
                }
            }
        }
        out
    }
}

impl Span {
    /// The instant of one of the devices that are spread over it, off the full second like everything in life. `purpose`
    /// keeps what happens to a device first from deciding what happens to it next.
    fn instant_of(self, id: &str, purpose: &str, now: Timestamp) -> Timestamp {
        let length = u64::try_from(self.to.0.saturating_sub(self.from.0).as_micros()).unwrap_or(0);
        let drawn = lot(id, purpose) % length.saturating_add(1);
        let from = self.from.instant(now);
        from.saturating_add(Duration::from_micros(drawn)).unwrap_or(from)
    }
}

impl Group {
    /// The tags of one of its devices.
    pub(super) fn tags(&self, device: &Member) -> Map<String, Value> {
        let which = Which { id: &device.id, index: device.index, count: self.ids.count() };
        self.tags.iter().map(|(name, tag)| (name.clone(), tag.value(which))).collect()
    }

    fn registration(&self, device: &Member, now: Timestamp) -> Happening {
        let created = self.registered.instant(now);
        let twin = TwinSeed { tags: self.tags(device), ..TwinSeed::default() };
        let seed = DeviceSeed {
            id: device.id.clone(),
            created,
            edge: self.edge,
            enabled: true,
            twin,
            modules: BTreeMap::new(),
        };
        Happening { at: created, what: What::Registered(Box::new(seed)) }
    }

    fn installation(&self, device: &Member, now: Timestamp, out: &mut Vec<Happening>) {
        let id = &device.id;
        if let Some(content) = &self.manifest {
            let registered = self.registered.instant(now);
            let at = registered.saturating_add(SET_AFTER).unwrap_or(registered);
            out.push(Happening { at, what: What::Device(id.clone(), Fate::Applied(content.clone())) });
        }
        if let Some(installed) = self.installed {
            let at = installed.instant_of(id, "installed", now);
            out.push(Happening { at, what: What::Device(id.clone(), Fate::Provisioned(self.spec.clone())) });
        }
    }
}

impl Trouble {
    /// How it begins, and how it ends when it does.
    fn fates(&self) -> (Fate, Option<Fate>) {
        match self {
            Self::Condition(condition) => (Fate::Afflicted(condition.clone()), Some(Fate::Relieved(condition.clone()))),
            Self::Stopped => (Fate::Stopped, Some(Fate::Started)),
            Self::Dark => (Fate::Dark, Some(Fate::Started)),
            Self::Copied => (Fate::Copied, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What is drawn of a device for one purpose says nothing about what is drawn for another: two tags, or when it was
    /// installed and when the first event reaches it.
    #[test]
    fn the_draws_of_a_device_have_nothing_to_do_with_each_other() {
        let text = r#"
            age = "3h"
            [manifests.m]
            modules = {}
            [[devices]]
            id = "gw-{001..400}"
            tags = { a = { weighted = { x = 1, y = 1 } }, b = { c = { weighted = { x = 1, y = 1 } } } }
            installed = ["-110m", "-100m"]
            [[troubles]]
            what = "stop"
            devices = "gw-{001..400}"
            at = ["-60m", "-50m"]
        "#;
        let plan = Plan::read("w.toml", text, Path::new(".")).unwrap();
        let cast = plan.cast();
        let mut pairs: BTreeMap<String, usize> = BTreeMap::new();
        for member in &cast.living {
            let tags = plan.groups[0].tags(member);
            *pairs.entry(format!("{} {}", tags["a"], tags["b"]["c"])).or_default() += 1;
        }
        assert!(pairs.len() == 4 && pairs.values().all(|count| *count > 50), "{pairs:?}");

        let mut begun: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut alike = 0;
        for happening in plan.happenings(&cast, "2026-03-04T05:06:07Z".parse().unwrap()) {
            match happening.what {
                What::Device(id, Fate::Provisioned(_)) => drop(begun.insert(id, happening.at)),
                What::Device(id, Fate::Stopped) => {
                    alike += usize::from(happening.at.duration_since(begun[&id]).as_millis() == 50 * 60_000);
                }
                _ => {}
            }
        }
        assert_eq!(begun.len(), 400);
        assert!(alike < 5, "{alike} of 400 were stopped exactly fifty minutes after they were installed");
    }
}
