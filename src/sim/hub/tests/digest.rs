//! Everything the hub remembers, as text: two are the same when nothing was changed in between. A new field of a device or
//! of the state does not compile here until somebody says whether it counts.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::sim::hub::SimHub;
use crate::sim::hub::registry::authentication_value;
use crate::sim::hub::state::{Device, Identity, Module, State};

/// What the hub remembers, and what its machines do.
pub(super) struct Digest {
    hub: String,
    pub(super) machines: String,
}

impl Digest {
    pub(super) fn of(hub: &SimHub) -> Self {
        let (state, _now) = hub.present();
        // Every answer draws its id from the entropy, a scenario's future is not written by requests, the index follows by
        // itself, and what is refused counts against the rates all the same.
        let State { devices, configurations, jobs, entropy: _, world, ahead: _, index: _, service: _ } = &*state;
        let mut out = String::new();
        for (id, device) in devices {
            let Device { identity, enabled, status_reason, status_updated, edge, scope, parent_scopes, twin, modules } =
                device;
            writeln!(out, "{id}: {} {enabled} {status_reason:?} {status_updated:?}", text(identity)).unwrap();
            writeln!(out, "{edge} {scope:?} {parent_scopes:?} {twin:?}").unwrap();
            for (id, Module { identity, managed_by, twin }) in modules {
                writeln!(out, "- {id}: {} {managed_by:?} {twin:?}", text(identity)).unwrap();
            }
        }
        writeln!(out, "{}\n{jobs:?}", configurations.digest()).unwrap();
        Self { hub: out, machines: format!("{world:?}") }
    }

    /// What of the hub is not as it was.
    pub(super) fn changes_since(&self, before: &Self) -> Vec<&str> {
        let known: HashSet<&str> = before.hub.lines().collect();
        let gone = (self.hub.lines().count() < before.hub.lines().count()).then_some("something is gone");
        self.hub.lines().filter(|line| !known.contains(line)).chain(gone).collect()
    }
}

fn text(identity: &Identity) -> String {
    let Identity { created, etag, authentication, connected, connection_updated, last_activity, .. } = identity;
    let authentication = authentication_value(authentication);
    format!("{created} {etag} {authentication} {connected} {connection_updated:?} {last_activity:?}")
}
