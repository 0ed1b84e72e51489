//! Registers, enables, disables and deletes devices.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::change::ChangeKind;
use crate::domain::device::DeviceIdentity;
use crate::domain::ids::{DeviceId, ModuleId};
use crate::domain::text::{Shown, Untrusted};
use crate::ops::gate::{Refusal, guards};
use crate::ops::intent::Level;

const MADE_ANEW: &str = "the device was deleted and made anew since it was read";

/// A change of the registry of devices.
#[derive(Debug, Clone)]
pub struct DeviceWrite {
    /// Which device.
    pub id: DeviceId,
    /// What happens to it.
    pub change: DeviceChange,
}

/// What can happen to a device's identity. What exists is guarded with the tag of the identity that was read.
#[derive(Debug, Clone)]
pub enum DeviceChange {
    /// It is registered; the hub makes its keys.
    Create {
        /// Whether it is an IoT Edge device, with edgeAgent and edgeHub.
        edge: bool,
        /// Whether it may connect.
        enabled: bool,
    },
    /// It may connect again.
    Enable(Arc<DeviceIdentity>),
    /// It may not connect any more; methods and twins of it fail from then on.
    Disable {
        /// As it was read.
        base: Arc<DeviceIdentity>,
        /// Why, kept at the hub.
        reason: Option<String>,
    },
    /// It goes, with its modules, twins and keys.
    Delete {
        /// As it was read.
        base: Arc<DeviceIdentity>,
        /// Its modules as they were read.
        modules: Vec<ModuleId>,
    },
}

impl DeviceWrite {
    fn base(&self) -> Option<&DeviceIdentity> {
        match &self.change {
            DeviceChange::Create { .. } => None,
            DeviceChange::Enable(base) | DeviceChange::Disable { base, .. } | DeviceChange::Delete { base, .. } => {
                Some(base)
            }
        }
    }

    /// Weighs what was read back; `None` when there is no such device. An id that was free and is now as asked counts as
    /// done: whoever did it, it is what was wanted.
    pub(in crate::ops) fn weigh(&self, found: Option<&DeviceIdentity>) -> ReadBack {
        match (&self.change, self.base(), found) {
            (DeviceChange::Create { .. }, _, None) => ReadBack::Unchanged,
            (DeviceChange::Create { edge, enabled }, _, Some(found)) => {
                if (found.edge, found.enabled) == (*edge, *enabled) { ReadBack::Happened } else { ReadBack::Overtaken }
            }
            (DeviceChange::Delete { .. }, _, None) => ReadBack::Happened,
            (_, _, None) => ReadBack::Undecidable("the device is gone"),
            (_, Some(base), Some(found)) if found.etag == base.etag => ReadBack::Unchanged,
            (_, Some(base), Some(found)) if found.generation_id != base.generation_id => {
                ReadBack::Undecidable(MADE_ANEW)
            }
            (DeviceChange::Enable(_), _, Some(found)) if found.enabled => ReadBack::Happened,
            (DeviceChange::Disable { .. }, _, Some(found)) if !found.enabled => ReadBack::Happened,
            _ => ReadBack::Overtaken,
        }
    }
}

impl Write for DeviceWrite {
    fn target(&self) -> Target {
        Target::Device(self.id.clone())
    }

    fn verb(&self) -> &'static str {
        match self.change {
            DeviceChange::Create { .. } => "device.create",
            DeviceChange::Enable(_) => "device.enable",
            DeviceChange::Disable { .. } => "device.disable",
            DeviceChange::Delete { .. } => "device.delete",
        }
    }

    fn words(&self) -> Words {
        match self.change {
            DeviceChange::Create { .. } => Words { act: "Register", done: "registered" },
            DeviceChange::Enable(_) => Words { act: "Enable", done: "enabled" },
            DeviceChange::Disable { .. } => Words { act: "Disable", done: "disabled" },
            DeviceChange::Delete { .. } => Words { act: "Delete", done: "deleted" },
        }
    }

    fn least(&self) -> Level {
        match self.change {
            DeviceChange::Create { .. } | DeviceChange::Enable(_) => Level::Dialog,
            DeviceChange::Disable { .. } | DeviceChange::Delete { .. } => Level::TypedName,
        }
    }

    fn http(&self) -> Http {
        let (method, body) = match &self.change {
            DeviceChange::Create { edge, enabled } => {
                let status = if *enabled { "enabled" } else { "disabled" };
                let body = json!({ "deviceId": self.id, "status": status, "capabilities": { "iotEdge": edge } });
                ("PUT", Some(body))
            }
            // The rest of the identity is sent back as it is read right before, its keys included.
            DeviceChange::Enable(_) => ("PUT", Some(json!({ "status": "enabled", "statusReason": null }))),
            DeviceChange::Disable { reason, .. } => {
                ("PUT", Some(json!({ "status": "disabled", "statusReason": reason })))
            }
            DeviceChange::Delete { .. } => ("DELETE", None),
        };
        let path = Shown::composed(format!("/devices/{}", self.id.shown().as_str()));
        Http { method, path, if_match: self.base().map(|base| base.etag.clone()), body }
    }

    fn lines(&self) -> Vec<Line> {
        match &self.change {
            DeviceChange::Create { edge, enabled } => {
                let kind = if *edge { "an IoT Edge device, with $edgeAgent and $edgeHub" } else { "a device" };
                let status = if *enabled { "it may connect" } else { "it may not connect yet" };
                vec![
                    Line::new(ChangeKind::Add, format!("+ {kind}")),
                    Line::new(ChangeKind::Add, format!("+ keys that the hub makes; {status}")),
                ]
            }
            DeviceChange::Enable(_) => {
                vec![Line::new(ChangeKind::Replace, "~ status   disabled -> enabled: it may connect again")]
            }
            DeviceChange::Disable { reason, .. } => {
                let mut lines =
                    vec![Line::new(ChangeKind::Replace, "~ status   enabled -> disabled: the hub cuts it off")];
                if let Some(reason) = reason {
                    let reason = Untrusted::from(reason.as_str()).shown();
                    lines.push(Line::new(ChangeKind::Replace, format!("~ statusReason   {reason}")));
                }
                lines
            }
            DeviceChange::Delete { modules, .. } => {
                let count = match modules.len() {
                    0 => "no modules".to_owned(),
                    1 => "1 module".to_owned(),
                    n => format!("{n} modules"),
                };
                let mut lines =
                    vec![Line::new(ChangeKind::Remove, format!("- the device, its twin, its keys and {count}"))];
                for module in modules.iter().take(12) {
                    lines.push(Line::new(ChangeKind::Remove, format!("-   {}", module.shown())));
                }
                lines.push(Line::remark(
                    "nothing brings its keys back: registered again, it needs new ones on the machine",
                ));
                lines
            }
        }
    }

    fn inverse(&self) -> Option<Value> {
        match &self.change {
            DeviceChange::Create { .. } => Some(json!({ "delete": self.id })),
            DeviceChange::Enable(base) => {
                let reason = base.status_reason.as_ref().map(Untrusted::raw);
                Some(json!({ "status": "disabled", "statusReason": reason }))
            }
            DeviceChange::Disable { .. } => Some(json!({ "status": "enabled", "statusReason": null })),
            DeviceChange::Delete { .. } => None,
        }
    }

    fn az(&self, hub: &str) -> String {
        let tail = format!("-n {} -d {}", quote(hub), quote(self.id.as_str()));
        match &self.change {
            DeviceChange::Create { edge, enabled } => {
                let edge = if *edge { " --edge-enabled" } else { "" };
                let status = if *enabled { "" } else { " --status disabled" };
                format!("az iot hub device-identity create {tail}{edge}{status}")
            }
            DeviceChange::Enable(base) => {
                format!(
                    "az iot hub device-identity update {tail} --status enabled --etag {}",
                    quote(base.etag.as_str())
                )
            }
            DeviceChange::Disable { base, reason } => {
                let reason =
                    reason.as_ref().map(|reason| format!(" --status-reason {}", quote(reason))).unwrap_or_default();
                let etag = quote(base.etag.as_str());
                format!("az iot hub device-identity update {tail} --status disabled{reason} --etag {etag}")
            }
            DeviceChange::Delete { base, .. } => {
                format!("az iot hub device-identity delete {tail} --etag {}", quote(base.etag.as_str()))
            }
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        if let Err(error) = DeviceId::parse(self.id.as_str()) {
            return Some(Refusal::Limit(error.to_string()));
        }
        if self.base().is_some_and(|base| !guards(&base.etag)) {
            return Some(Refusal::Unguarded);
        }
        match &self.change {
            DeviceChange::Enable(base) if base.enabled => Some(Refusal::Empty),
            DeviceChange::Disable { base, .. } if !base.enabled => Some(Refusal::Empty),
            DeviceChange::Disable { reason: Some(reason), .. } if reason.chars().count() > 128 => {
                Some(Refusal::Limit("a reason has at most 128 characters".to_owned()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ETag;

    fn identity(etag: &str, generation: &str, enabled: bool) -> Arc<DeviceIdentity> {
        Arc::new(DeviceIdentity {
            id: DeviceId::from_wire("d"),
            etag: ETag::from_wire(etag),
            generation_id: generation.into(),
            enabled,
            status_reason: None,
            edge: true,
            connection_state: "Disconnected".into(),
            last_activity: None,
            authentication: "sas".into(),
            device_scope: None,
            parent_scopes: vec![],
        })
    }

    fn write(change: DeviceChange) -> DeviceWrite {
        DeviceWrite { id: DeviceId::from_wire("d"), change }
    }

    #[test]
    fn what_a_reading_tells_of_each_change() {
        let base = identity("e1", "g1", true);
        let create = || write(DeviceChange::Create { edge: true, enabled: true });
        let disable = || write(DeviceChange::Disable { base: base.clone(), reason: None });
        let delete = || write(DeviceChange::Delete { base: base.clone(), modules: vec![] });
        let (same, off, anew) = (identity("e1", "g1", true), identity("e2", "g1", false), identity("e9", "g2", true));
        let other = identity("e2", "g1", true);
        for (write, found, expected) in [
            (create(), None, ReadBack::Unchanged),
            (create(), Some(&same), ReadBack::Happened),
            (create(), Some(&off), ReadBack::Overtaken),
            (disable(), Some(&same), ReadBack::Unchanged),
            (disable(), Some(&off), ReadBack::Happened),
            (disable(), Some(&other), ReadBack::Overtaken),
            (disable(), Some(&anew), ReadBack::Undecidable(MADE_ANEW)),
            (disable(), None, ReadBack::Undecidable("the device is gone")),
            (delete(), None, ReadBack::Happened),
            (delete(), Some(&same), ReadBack::Unchanged),
            (delete(), Some(&other), ReadBack::Overtaken),
            (delete(), Some(&anew), ReadBack::Undecidable(MADE_ANEW)),
        ] {
            assert_eq!(write.weigh(found.map(|found| &**found)), expected, "{} {found:?}", write.verb());
        }
    }

    #[test]
    fn what_is_refused_and_what_it_takes() {
        let (on, off) = (identity("e1", "g", true), identity("e1", "g", false));
        assert_eq!(write(DeviceChange::Enable(on.clone())).refusal(), Some(Refusal::Empty));
        assert_eq!(write(DeviceChange::Enable(off.clone())).refusal(), None);
        let long = write(DeviceChange::Disable { base: on.clone(), reason: Some("x".repeat(129)) });
        assert!(matches!(long.refusal(), Some(Refusal::Limit(_))));
        let unguarded = write(DeviceChange::Delete { base: identity("*", "g", true), modules: vec![] });
        assert_eq!(unguarded.refusal(), Some(Refusal::Unguarded));
        let bad =
            DeviceWrite { id: DeviceId::from_wire("a b"), change: DeviceChange::Create { edge: true, enabled: true } };
        assert!(matches!(bad.refusal(), Some(Refusal::Limit(_))));
        assert_eq!(write(DeviceChange::Enable(off)).least(), Level::Dialog);
        assert_eq!(write(DeviceChange::Delete { base: on, modules: vec![] }).least(), Level::TypedName);
    }

    #[test]
    fn the_az_commands() {
        let base = identity("e1", "g", true);
        let of = |change| write(change).az("h");
        assert_eq!(
            of(DeviceChange::Create { edge: true, enabled: false }),
            "az iot hub device-identity create -n 'h' -d 'd' --edge-enabled --status disabled"
        );
        assert_eq!(
            of(DeviceChange::Disable { base: base.clone(), reason: Some("it's".into()) }),
            r"az iot hub device-identity update -n 'h' -d 'd' --status disabled --status-reason 'it'\''s' --etag 'e1'"
        );
        assert_eq!(
            of(DeviceChange::Delete { base, modules: vec![] }),
            "az iot hub device-identity delete -n 'h' -d 'd' --etag 'e1'"
        );
    }
}
