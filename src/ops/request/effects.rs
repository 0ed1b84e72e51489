//! What a change of a deployment does to devices, in lines: what is taken away first.

use super::Line;
use crate::domain::change::ChangeKind;
use crate::domain::effective::{Fate, Moved, Radius, Touched, Turned};
use crate::domain::ids::{DeploymentId, DeviceId};
use crate::domain::secret::shown;
use crate::domain::text::Untrusted;

/// Names of devices in a line; more are counted.
const NAMED: usize = 3;
/// More devices than this are many.
const MANY: usize = 50;

/// What is known of a change's effects on devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effects {
    /// It reaches no device: labels and metrics alone.
    None,
    /// Worked out.
    Known(Box<Radius>),
    /// Not worked out, and why.
    Unknown(String),
}

impl Effects {
    /// Whether it takes modules from devices or changes many, as far as is known; what is not known may.
    pub(super) fn is_far(&self, subject: &DeploymentId) -> bool {
        match self {
            Self::None => false,
            Self::Unknown(_) => true,
            Self::Known(radius) => {
                radius.takes_away()
                    || radius.changed.len() > MANY
                    || !radius.unseen.is_empty()
                    || radius.undecided.contains(subject)
            }
        }
    }

    /// Devices the deployment matches afterwards, as far as that was worked out.
    #[must_use]
    pub fn matches(&self, subject: &DeploymentId) -> Option<u64> {
        match self {
            Self::Known(radius) if !radius.undecided.contains(subject) => u64::try_from(radius.matches).ok(),
            Self::None | Self::Known(_) | Self::Unknown(_) => None,
        }
    }

    pub(super) fn lines(&self, subject: &DeploymentId) -> Vec<Line> {
        match self {
            Self::None => Vec::new(),
            Self::Unknown(why) => {
                vec![Line::remark(format!("which modules appear, change or disappear was not worked out: {why}"))]
            }
            Self::Known(radius) => {
                let mut lines: Vec<Line> = changes(radius).collect();
                // What goes stands first, also where a base goes with it.
                lines.sort_by_key(|line| line.kind);
                lines.extend(remarks(radius, subject).into_iter().map(Line::remark));
                lines
            }
        }
    }
}

fn changes(radius: &Radius) -> impl Iterator<Item = Line> {
    let modules = radius.modules.iter().map(module);
    modules.chain(radius.bases.iter().map(base)).chain(radius.layers.iter().map(layer))
}

fn module(Touched { fate, devices }: &Touched) -> Line {
    let name = fate.module.shown();
    let (sign, what) = match fate.kind {
        ChangeKind::Remove => ('-', "disappears from"),
        ChangeKind::Replace => ('~', "changes on"),
        ChangeKind::Add => ('+', "appears on"),
    };
    Line::new(fate.kind, format!("{sign} {name} {what} {}{}: {}", count(devices), how(fate), named(devices)))
}

/// What is another about a module, in parentheses.
fn how(fate: &Fate) -> String {
    let mut parts = Vec::new();
    match (&fate.images, fate.kind) {
        ((Some(was), Some(is)), _) if was != is => parts.push(images(was, is)),
        ((_, Some(image)), ChangeKind::Add) => parts.push(last(image.raw())),
        (_, ChangeKind::Replace) if fate.settings && fate.lacks.is_empty() => parts.push("settings".to_owned()),
        _ => {}
    }
    if fate.desired && fate.kind == ChangeKind::Replace {
        parts.push("desired properties".to_owned());
    }
    if !fate.lacks.is_empty() {
        parts.push(format!("what is left of it has no {}, and no agent takes it so", fate.lacks.join(" and no ")));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Two images: by name and tag where both come from one place.
fn images(was: &Untrusted, is: &Untrusted) -> String {
    let place = |image: &Untrusted| image.raw().rsplit_once('/').map(|(place, _)| place.to_owned());
    if place(was) == place(is) {
        return format!("{} -> {}", last(was.raw()), last(is.raw()));
    }
    format!("{} -> {}", shown(was.raw()), shown(is.raw()))
}

fn last(image: &str) -> String {
    shown(image.rsplit('/').next().unwrap_or(image)).into()
}

fn base(Moved { from, to, devices }: &Moved) -> Line {
    let names = named(devices);
    let one = devices.len() == 1;
    match (from, to) {
        (from, None) => {
            let from = from.as_ref().map(|from| from.shown().to_string()).unwrap_or_default();
            let words =
                if one { "loses its base and keeps what it has" } else { "lose their base and keep what they have" };
            Line::new(ChangeKind::Remove, format!("- {} {words}, {from}: {names}", count(devices)))
        }
        (None, Some(to)) => {
            let words = if one { "gets its first base" } else { "get their first base" };
            Line::new(ChangeKind::Replace, format!("~ {} {words}, {}: {names}", count(devices), to.shown()))
        }
        (Some(from), Some(to)) => {
            let words = if one { "changes its base" } else { "change their base" };
            let (from, to) = (from.shown(), to.shown());
            Line::new(ChangeKind::Replace, format!("~ {} {words} from {from} to {to}: {names}", count(devices)))
        }
    }
}

fn layer(Turned { layer, applies, devices }: &Turned) -> Line {
    let words = if *applies { "begins to apply on" } else { "no longer applies on" };
    let text = format!("~ the layer {} {words} {}: {}", layer.shown(), count(devices), named(devices));
    Line::new(ChangeKind::Replace, text)
}

fn remarks(radius: &Radius, subject: &DeploymentId) -> Vec<String> {
    let mut remarks = Vec::new();
    for (outcome, n) in &radius.idle {
        remarks.push(format!("it does not apply on {n} of the {} its condition matches: {outcome}", radius.matches));
    }
    let all = if radius.devices == 1 { "1 edge device".to_owned() } else { format!("{} edge devices", radius.devices) };
    remarks.push(match radius.changed.len() {
        0 if !radius.unseen.is_empty() => format!("on no other of the {all} any module changes"),
        0 => format!("no module changes on any of the {all}"),
        1 => format!("modules change on 1 of {all}"),
        n => format!("modules change on {n} of {all}"),
    });
    if !radius.unseen.is_empty() {
        remarks.push(format!(
            "{} set by hand until now, which was not looked into: whatever the base does not have disappears there: {}",
            were(&radius.unseen),
            named(&radius.unseen)
        ));
    }
    if !radius.by_hand.is_empty() {
        remarks.push(format!(
            "set by hand until now, and the desired properties of its modules were not looked into: {}",
            named(&radius.by_hand)
        ));
    }
    if radius.undecided.contains(subject) {
        remarks.push("which devices it reaches is not known: only the hub can evaluate its condition".to_owned());
    }
    let others: Vec<String> =
        radius.undecided.iter().filter(|id| *id != subject).map(|id| id.shown().to_string()).collect();
    if !others.is_empty() {
        remarks.push(format!("not known, because only the hub can evaluate it: where {} apply", others.join(", ")));
    }
    remarks
}

fn were(devices: &[DeviceId]) -> String {
    if devices.len() == 1 { "1 device was".to_owned() } else { format!("{} devices were", devices.len()) }
}

fn count(devices: &[DeviceId]) -> String {
    if devices.len() == 1 { "1 device".to_owned() } else { format!("{} devices", devices.len()) }
}

/// The first few by name; "and 1 more" would be as long as the name.
fn named(devices: &[DeviceId]) -> String {
    let shown = if devices.len() == NAMED + 1 { devices.len() } else { NAMED };
    let names: Vec<String> = devices.iter().take(shown).map(|device| device.shown().into()).collect();
    let more = devices.len().saturating_sub(shown);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ModuleId;

    fn devices(n: usize) -> Vec<DeviceId> {
        (1..=n).map(|n| DeviceId::from_wire(format!("gw-{n}"))).collect()
    }

    fn touched(kind: ChangeKind, images: (Option<&str>, Option<&str>), n: usize) -> Touched {
        let images = (images.0.map(Untrusted::from), images.1.map(Untrusted::from));
        let module = ModuleId::from_wire("ml");
        let fate = Fate { module, kind, images, settings: true, desired: false, lacks: Vec::new() };
        Touched { fate, devices: devices(n) }
    }

    fn id(text: &str) -> DeploymentId {
        DeploymentId::from_wire(text)
    }

    fn texts(radius: Radius) -> Vec<String> {
        Effects::Known(Box::new(radius)).lines(&id("own")).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn what_goes_stands_first_and_who_is_meant_is_named() {
        let mut left = touched(ChangeKind::Replace, (Some("r/ml:2"), None), 1);
        left.fate.lacks = vec!["type"];
        let found = texts(Radius {
            devices: 26,
            changed: devices(25).into_iter().collect(),
            modules: vec![
                touched(ChangeKind::Remove, (Some("r/ml:1"), None), 21),
                touched(ChangeKind::Replace, (Some("r/ml:1"), Some("r/ml:2")), 4),
                left,
                touched(ChangeKind::Add, (None, Some("r/ml:1")), 5),
            ],
            bases: vec![
                Moved { from: Some(id("old")), to: None, devices: devices(2) },
                Moved { from: None, to: Some(id("own")), devices: devices(1) },
                Moved { from: Some(id("old")), to: Some(id("own")), devices: devices(2) },
            ],
            layers: vec![Turned { layer: id("layer"), applies: false, devices: devices(1) }],
            matches: 25,
            idle: vec![(crate::domain::effective::Outcome::LowerBase, 3)],
            by_hand: devices(1),
            undecided: [id("own"), id("strange")].into(),
            ..Radius::default()
        });
        assert_eq!(
            found,
            [
                "- ml disappears from 21 devices: gw-1, gw-2, gw-3 and 18 more",
                "- 2 devices lose their base and keep what they have, old: gw-1, gw-2",
                "~ ml changes on 4 devices (ml:1 -> ml:2): gw-1, gw-2, gw-3, gw-4",
                "~ ml changes on 1 device (what is left of it has no type, and no agent takes it so): gw-1",
                "~ 1 device gets its first base, own: gw-1",
                "~ 2 devices change their base from old to own: gw-1, gw-2",
                "~ the layer layer no longer applies on 1 device: gw-1",
                "+ ml appears on 5 devices (ml:1): gw-1, gw-2, gw-3 and 2 more",
                "it does not apply on 3 of the 25 its condition matches: base of lower priority",
                "modules change on 25 of 26 edge devices",
                "set by hand until now, and the desired properties of its modules were not looked into: gw-1",
                "which devices it reaches is not known: only the hub can evaluate its condition",
                "not known, because only the hub can evaluate it: where strange apply",
            ]
        );
        assert_eq!(
            texts(Radius { devices: 3, unseen: devices(2), ..Radius::default() }),
            [
                "on no other of the 3 edge devices any module changes",
                "2 devices were set by hand until now, which was not looked into: whatever the base does not have disappears there: gw-1, gw-2",
            ]
        );
        assert_eq!(
            texts(Radius { devices: 3, ..Radius::default() }),
            ["no module changes on any of the 3 edge devices"]
        );
    }

    #[test]
    fn far_is_what_takes_away_what_reaches_many_and_what_is_not_known() {
        let known = |radius: Radius| Effects::Known(Box::new(radius)).is_far(&id("own"));
        assert!(!Effects::None.is_far(&id("own")) && Effects::Unknown(String::new()).is_far(&id("own")));
        assert!(!known(Radius { changed: devices(50).into_iter().collect(), ..Radius::default() }));
        assert!(known(Radius { changed: devices(51).into_iter().collect(), ..Radius::default() }));
        let with = |kind| Radius { modules: vec![touched(kind, (None, None), 1)], ..Radius::default() };
        assert!(known(with(ChangeKind::Remove)) && !known(with(ChangeKind::Add)));
        assert!(known(Radius { unseen: devices(1), ..Radius::default() }));
        assert!(known(Radius { undecided: [id("own")].into(), ..Radius::default() }));
        assert!(!known(Radius { undecided: [id("other")].into(), ..Radius::default() }));
    }
}
