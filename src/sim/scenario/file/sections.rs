//! The sections of a scenario file, read into a [`Plan`]. Who is meant by a trouble is settled here, so that a mistyped
//! device is a mistake with a line and not a silence.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::domain::ids::DeviceId;
use crate::sim::device::{Access, Condition, MachineSpec};
use crate::sim::faults::FaultState;
use crate::sim::hub::seed::ConfigurationSeed;
use crate::sim::hub::{Edition, Sku, Temper, Terms, check_deployment};
use crate::sim::scenario;
use crate::sim::words;

use super::ids::{MOST, Pattern, SPELLING};
use super::manifests::Manifests;
use super::tags::{Formula, lot};
use super::text::{Field, Section, Text};
use super::{Deed, Deployment, Event, Group, Plan, Span, Trouble, When};

const ROOT: [&str; 11] = [
    "seed",
    "start",
    "age",
    "hub",
    "manifests",
    "devices",
    "deployments",
    "changes",
    "troubles",
    "registries",
    "images",
];
const HUB: [&str; 13] =
    ["name", "sku", "units", "temper", "throttle", "meter", "used", "lag", "skew", "beat", "off", "latency", "faults"];
const LAGS: [&str; 3] = ["index", "links", "metrics"];
const DEVICES: [&str; 9] =
    ["id", "edge", "registered", "tags", "manifest", "installed", "architecture", "runtime", "leaves"];
const DEPLOYMENTS: [&str; 7] = ["id", "manifest", "condition", "priority", "labels", "metrics", "created"];
const CHANGES: [&str; 7] = ["at", "devices", "manifest", "module", "desired", "tags", "delete"];
const TROUBLES: [&str; 5] = ["what", "devices", "share", "at", "until"];
const REGISTRIES: [&str; 3] = ["host", "access", "at"];
const IMAGES: [&str; 3] = ["name", "pull", "at"];

/// The world's age when it does not say.
const AGE: SignedDuration = SignedDuration::from_mins(20);
/// Nothing in a world is older.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 3_650);
const INSTANT: &str = "an instant: \"-20m\" is twenty minutes ago, \"+90s\" comes in 90 seconds, \"now\" is now";
const TROUBLE: &str = "net off, power off, stop, copy";

/// Everything in the file; nothing when it is no TOML.
pub(super) fn read(text: &Text<'_>, folder: &Path) -> Option<Plan> {
    let table = text.parse()?;
    let root = Section::root(text, &table, &ROOT);
    let age = root.get("age").and_then(|field| field.duration());
    let age = age.and_then(|age| SignedDuration::try_from(age).ok()).unwrap_or(AGE);
    let mut manifests = Manifests::default();
    if let Some(field) = root.get("manifests") {
        manifests.read(&field, folder);
    }
    let mut reader =
        Reader { manifests, age: When(-age), groups: Vec::new(), known: HashMap::new(), events: Vec::new() };
    each(&root, "devices", &DEVICES, |section| reader.devices(section));
    let mut deployments = Vec::new();
    each(&root, "deployments", &DEPLOYMENTS, |section| {
        deployments.push(reader.deployment(section)?);
        Some(())
    });
    each(&root, "registries", &REGISTRIES, |section| reader.registry(section));
    each(&root, "images", &IMAGES, |section| reader.image(section));
    each(&root, "changes", &CHANGES, |section| reader.change(section, &deployments));
    each(&root, "troubles", &TROUBLES, |section| reader.trouble(section));
    let mut plan = Plan {
        hub: scenario::HUB.to_owned(),
        seed: root.get("seed").and_then(|field| field.whole(0..=u64::from(u32::MAX))),
        start: root.get("start").and_then(|field| {
            field.read("an instant such as \"2026-03-04T05:06:07Z\"", |text| text.parse::<Timestamp>().ok())
        }),
        terms: Terms::default(),
        beat: None,
        faults: FaultState::default(),
        age: reader.age,
        groups: reader.groups,
        deployments,
        events: reader.events,
    };
    if let Some(section) = root.get("hub").as_ref().and_then(|field| field.section(&HUB)) {
        hub(&section, &mut plan);
    }
    Some(plan)
}

/// Reads each entry of a list of tables.
fn each(root: &Section<'_>, key: &str, keys: &[&str], mut read: impl FnMut(&Section<'_>) -> Option<()>) {
    for entry in root.get(key).iter().flat_map(Field::items) {
        // What is wrong has been noted; the rest of the file is read for what else is.
        let _read = entry.section(keys).and_then(|section| read(&section));
    }
}

fn hub(section: &Section<'_>, plan: &mut Plan) {
    let name = |text: &str| {
        let fits = (3..=50).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
        (fits && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).then(|| text.to_owned())
    };
    if let Some(field) = section.get("name") {
        plan.hub = field.read("a hub's name: 3 to 50 letters, digits and hyphens", name).unwrap_or_default();
    }
    if let Some(terms) = terms(section) {
        plan.terms = terms;
    }
    // Read as after `:sim`.
    let read = |key: &str, read: fn(&str) -> Result<Duration, String>| {
        let field = section.get(key)?;
        read(field.string()?).map_or_else(|why| field.wrong(why), Some)
    };
    plan.beat = read("beat", words::beat);
    let off = section.get("off").and_then(|field| field.flag()).unwrap_or_default();
    let latency = read("latency", words::latency).unwrap_or(Duration::ZERO);
    plan.faults = FaultState { hub_on: !off, latency, ..FaultState::default() };
    for field in section.get("faults").iter().flat_map(Field::one_or_more) {
        let wanted = format!("a fault of the hub; these are: {}", words::HUB_FAULTS);
        let read = |text: &str| words::hub_fault(&text.split_whitespace().collect::<Vec<_>>());
        if let Some(fault) = field.read(&wanted, read) {
            fault.put(&mut plan.faults);
        }
    }
}

/// What the hub was bought as and how it behaves; single habits go over the temper as a whole.
fn terms(section: &Section<'_>) -> Option<Terms> {
    let skus = Sku::ALL.map(|sku| (sku.name(), sku));
    let sku = section.get("sku").map_or(Some(Sku::S1), |field| field.choice(&skus))?;
    let field = section.get("units");
    let units = field.as_ref().map_or(Some(1), |field| field.whole(1..=200))?;
    let edition = match Edition::new(sku, u32::try_from(units).unwrap_or(u32::MAX)) {
        Ok(edition) => edition,
        Err(why) => field?.wrong(why)?,
    };
    let tempers = [("real", Temper::REAL), ("off", Temper::default())];
    let mut temper = section.get("temper").map_or(Some(Temper::default()), |field| field.choice(&tempers))?;
    if let Some(on) = section.get("throttle").and_then(|field| field.flag()) {
        temper.throttle = on;
    }
    if let Some(on) = section.get("meter").and_then(|field| field.flag()) {
        temper.meter = on;
    }
    if let Some(lags) = section.get("lag").as_ref().and_then(|field| field.section(&LAGS)) {
        let lag = |key: &str| {
            let field = lags.get(key)?;
            words::lag(field.string()?).map_or_else(|why| field.wrong(why), Some)
        };
        temper.index = lag("index").unwrap_or(temper.index);
        temper.links = lag("links").unwrap_or(temper.links);
        temper.metrics = lag("metrics").unwrap_or(temper.metrics);
    }
    let used = section.get("used").and_then(|field| field.whole(0..=u64::MAX));
    let skew =
        section.get("skew").and_then(|field| words::skew(field.string()?).map_or_else(|why| field.wrong(why), Some));
    Some(Terms { edition, temper, used, skew: skew.unwrap_or_default() })
}

struct Reader {
    manifests: Manifests,
    age: When,
    groups: Vec<Group>,
    /// Each device's group.
    known: HashMap<String, usize>,
    events: Vec<Event>,
}

/// An instant, counted from the present.
fn when(field: &Field<'_>) -> Option<When> {
    field.read(INSTANT, |text| {
        if text == "now" {
            return Some(When::NOW);
        }
        let (sign, rest) = text.split_at_checked(1)?;
        let amount = SignedDuration::try_from(words::duration(rest)?).ok().filter(|amount| *amount <= OLDEST)?;
        match sign {
            "-" => Some(When(-amount)),
            "+" => Some(When(amount)),
            _ => None,
        }
    })
}

/// An instant that is not yet to come.
fn past(field: &Field<'_>) -> Option<When> {
    when(field).filter(|at| *at <= When::NOW).or_else(|| field.wrong("is in the past: the world begins with it"))
}

/// An instant, or two between which many are spread.
fn span(field: &Field<'_>) -> Option<Span> {
    if !field.is_list() {
        return when(field).map(|at| Span { from: at, to: at });
    }
    match field.items().as_slice() {
        [from, to] => {
            let (from, to) = (when(from)?, when(to)?);
            if from <= to { Some(Span { from, to }) } else { field.wrong("the earlier instant comes first") }
        }
        _ => field.wrong("is one instant, or two between which the devices are spread"),
    }
}

impl Reader {
    fn devices(&mut self, section: &Section<'_>) -> Option<()> {
        let field = section.need("id", "\"edge-gateway-{001..020}\"")?;
        let ids = field.read(SPELLING, Pattern::parse)?;
        if u64::try_from(self.known.len()).unwrap_or(u64::MAX).saturating_add(ids.count()) > MOST {
            return field.wrong(format!("these would be more than {MOST} devices together"));
        }
        let edge = section.get("edge").and_then(|field| field.flag()).unwrap_or(true);
        let registered = section.get("registered").map_or(Some(self.age), |field| past(&field))?;
        let group = self.groups.len();
        for id in ids.all() {
            if let Err(error) = DeviceId::parse(&id) {
                return field.wrong(format!("{id:?} is no device's id: {error}"));
            }
            if self.known.contains_key(&id) {
                return field.wrong(format!("{id:?} stands twice in this file"));
            }
            self.known.insert(id, group);
        }
        let tags = match section.get("tags") {
            Some(tags) => {
                let members = tags.members().into_iter();
                members.filter_map(|(name, field)| Some((name.to_owned(), Formula::read(&field)?))).collect()
            }
            None => Vec::new(),
        };
        let only_edge = ["manifest", "installed", "architecture", "runtime", "leaves"];
        if let (false, Some(field)) = (edge, only_edge.iter().find_map(|key| section.get(key))) {
            return field.wrong("is for edge devices, and these have edge = false");
        }
        let manifest = section.get("manifest").and_then(|field| self.manifests.named(&field));
        let installed = match section.get("installed") {
            Some(field) => {
                let installed = span(&field)?;
                if installed.from < registered {
                    return field.wrong("is before the device was registered; `registered` says when that was");
                }
                Some(installed)
            }
            None => None,
        };
        let mut spec = MachineSpec::default();
        if let Some(field) = section.get("architecture") {
            let known = [("x86_64", "x86_64"), ("aarch64", "aarch64"), ("armv7l", "armv7l")];
            field.choice(&known)?.clone_into(&mut spec.architecture);
        }
        if let Some(field) = section.get("runtime") {
            let runtimes = [("1.1.15", "1.1"), ("1.4.33", "1.4"), ("1.5.21", "1.5")];
            let image = field.choice(&runtimes)?;
            field.string()?.clone_into(&mut spec.runtime);
            spec.agent_image = format!("mcr.microsoft.com/azureiotedge-agent:{image}");
        }
        for leaf in section.get("leaves").iter().flat_map(Field::one_or_more) {
            spec.leaves.push(leaf.string()?.to_owned());
        }
        self.groups.push(Group { ids, edge, registered, tags, manifest, installed, spec });
        Some(())
    }

    fn deployment(&self, section: &Section<'_>) -> Option<Deployment> {
        let id = section.need("id", "\"deploy-base\"")?.string()?.to_owned();
        let content = self.manifests.named(&section.need("manifest", "\"base\", one of [manifests]")?)?;
        let priority = section.get("priority").map_or(Some(0), |field| field.whole(0..=u64::from(u32::MAX)))?;
        let texts = |key: &str| -> Option<Map<String, Value>> {
            let Some(field) = section.get(key) else { return Some(Map::new()) };
            let members = field.members().into_iter();
            members.map(|(name, field)| Some((name.to_owned(), Value::from(field.string()?)))).collect()
        };
        let seed = ConfigurationSeed {
            id,
            created: Timestamp::UNIX_EPOCH,
            priority: u32::try_from(priority).unwrap_or(u32::MAX),
            target: section.get("condition").map_or(Some(""), |field| field.string())?.to_owned(),
            content: Value::Object(content.as_ref().clone()),
            labels: texts("labels")?,
            metrics: texts("metrics")?,
        };
        let created = section.get("created").map_or(Some(self.age), |field| when(&field))?;
        match check_deployment(&seed) {
            Ok(()) => Some(Deployment { created, seed }),
            Err(why) => {
                section.wrong(format!("no hub takes this deployment: {why}"));
                None
            }
        }
    }

    /// When something happens that no devices can be spread over; the world's beginning when it does not say.
    fn at(&self, section: &Section<'_>) -> Option<Span> {
        let at = section.get("at").map_or(Some(self.age), |field| when(&field))?;
        Some(Span { from: at, to: at })
    }

    fn registry(&mut self, section: &Section<'_>) -> Option<()> {
        let host = section.need("host", "\"acr.azurecr.io\"")?.string()?.to_owned();
        let access = [("open", Access::Open), ("credentials", Access::Credentials), ("closed", Access::Nobody)];
        let access = section.need("access", "\"closed\"")?.choice(&access)?;
        let at = self.at(section)?;
        self.events.push(Event { at, until: None, deed: Deed::Access(host, access), devices: Vec::new() });
        Some(())
    }

    fn image(&mut self, section: &Section<'_>) -> Option<()> {
        let name = section.need("name", "\"acr.azurecr.io/filter:2.0\"")?.string()?.to_owned();
        let field = section.need("pull", "\"missing\"")?;
        let wanted = format!("one of {}, or the time a pull takes, such as \"40s\"", words::PULLS);
        let read =
            |text: &str| words::pull(text).or_else(|| words::duration(text).map(crate::sim::device::Pull::Ready));
        let pull = field.read(&wanted, read)?;
        let at = self.at(section)?;
        self.events.push(Event { at, until: None, deed: Deed::Pulls(name, pull), devices: Vec::new() });
        Some(())
    }

    /// The devices a field names; each is in this file.
    fn named(&self, field: &Field<'_>) -> Option<Vec<String>> {
        let mut out = Vec::new();
        for one in field.one_or_more() {
            for id in one.read(SPELLING, Pattern::parse)?.all() {
                if !self.known.contains_key(&id) {
                    return one.wrong(format!("there is no device {id:?} in [[devices]]"));
                }
                out.push(id);
            }
        }
        Some(out)
    }

    fn change(&mut self, section: &Section<'_>, deployments: &[Deployment]) -> Option<()> {
        let at = section.need("at", "\"-5m\"")?;
        if let Some(field) = section.get("delete") {
            let id = field.string()?;
            if !deployments.iter().any(|known| known.seed.id == id) {
                return field.wrong(format!("there is no deployment {id:?} in [[deployments]]"));
            }
            let at = self.at(section)?;
            self.events.push(Event { at, until: None, deed: Deed::Delete(id.to_owned()), devices: Vec::new() });
            return Some(());
        }
        let at = span(&at)?;
        let devices = self.named(&section.need("devices", "\"edge-gateway-001\"")?)?;
        let deed = if let Some(field) = section.get("manifest") {
            Deed::Apply(self.manifests.named(&field)?)
        } else {
            let mut patch = Map::new();
            if let Some(tags) = section.get("tags") {
                patch.insert("tags".to_owned(), tags.json()?);
            }
            if let Some(desired) = section.get("desired") {
                patch.insert("properties".to_owned(), json!({ "desired": desired.json()? }));
            }
            if patch.is_empty() {
                section.wrong("changes nothing: say manifest, tags, desired or delete");
                return None;
            }
            let module = section.get("module").map(|field| field.string().map(str::to_owned));
            Deed::Edit(module.map_or(Some(None), |name| name.map(Some))?, Value::Object(patch))
        };
        self.events.push(Event { at, until: None, deed, devices });
        Some(())
    }

    fn trouble(&mut self, section: &Section<'_>) -> Option<()> {
        let field = section.need("what", "\"net off\"")?;
        let wanted = format!("a trouble; these are: {TROUBLE}, {}", words::FAULTS);
        let what = field.read(&wanted, trouble)?;
        let at = span(&section.need("at", "\"-5m\"")?)?;
        let until = match section.get("until") {
            Some(field) if matches!(what, Trouble::Copied) => return field.wrong("nobody takes a copy away"),
            Some(field) => match when(&field)? {
                until if until < at.to => return field.wrong("is before it begins"),
                until => Some(until),
            },
            None => None,
        };
        let installed = |id: &String| {
            let group = self.known.get(id).and_then(|group| self.groups.get(*group));
            group.is_some_and(|group| group.installed.is_some())
        };
        let mut devices = match section.get("devices") {
            Some(field) => {
                let named = self.named(&field)?;
                if let Some(id) = named.iter().find(|id| !installed(id)) {
                    return field
                        .wrong(format!("{id:?} has no machine to be in trouble; its entry has no `installed`"));
                }
                named
            }
            None if section.get("share").is_none() => {
                section.wrong("says whom it happens to: devices, share, or both");
                return None;
            }
            None => {
                let mut all: Vec<String> = self.known.keys().filter(|id| installed(id)).cloned().collect();
                all.sort();
                all
            }
        };
        if let Some(field) = section.get("share") {
            let tenths = field.read("a share such as \"2%\" or \"0.5%\"", per_mille)?;
            let count = devices.len().saturating_mul(tenths).div_ceil(1_000);
            let purpose = format!("trouble {}", self.events.len());
            devices.sort_by_cached_key(|id| lot(id, &purpose));
            devices.truncate(count);
        }
        self.events.push(Event { at, until, deed: Deed::Suffer(what), devices });
        Some(())
    }
}

/// `2%` and `0.5%`, in thousandths.
fn per_mille(text: &str) -> Option<usize> {
    let number = text.strip_suffix('%')?;
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| {
        (!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())).then(|| text.parse().ok()).flatten()
    };
    let (whole, tenth): (usize, usize) = (digits(whole)?, digits(tenth).filter(|_| tenth.len() == 1)?);
    Some(whole.checked_mul(10)? + tenth).filter(|share| (1..=1_000).contains(share))
}

fn trouble(text: &str) -> Option<Trouble> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(match words.as_slice() {
        ["net", "off"] => Trouble::Condition(Condition::NetworkOff),
        ["power", "off"] => Trouble::Dark,
        ["stop"] => Trouble::Stopped,
        ["copy"] => Trouble::Copied,
        words => Trouble::Condition(words::condition(words)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_a_decimal_at_most() {
        for (text, expected) in [("2%", Some(20)), ("0.5%", Some(5)), ("100%", Some(1_000)), ("12.3%", Some(123))] {
            assert_eq!(per_mille(text), expected, "{text}");
        }
        for wrong in ["0%", "101%", "2", "0.05%", "-1%", ".5%", "%"] {
            assert_eq!(per_mille(wrong), None, "{wrong}");
        }
    }
}
