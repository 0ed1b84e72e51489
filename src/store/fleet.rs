//! The fleet: one compact row per Edge device, built from three cheap queries.
//!
//! - [`QUERY_DEVICES`] names the devices and their tags: seldom, they change seldom.
//! - [`QUERY_DIGEST`] gives each `$edgeAgent` twin's version and whether edgeHub holds its link: often, it is small.
//! - [`QUERY_AGENTS`] gives what edgeAgent reports: only for agents whose version moved since.
//!
//! So a quiet fleet costs one message per few dozen devices and poll, not its twins over and over.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::intern::Interner;
use crate::domain::fault::Fault;
use crate::domain::health::{AgentReport, DeviceVerdict, EdgeHubLink, ModuleVerdict};
use crate::domain::ids::{DeviceId, natural_cmp};
use crate::domain::secret::{belongs_to_secret, mask_within};
use crate::domain::time::{HubTime, Now};

/// All Edge devices with their tags.
pub const QUERY_DEVICES: &str =
    "SELECT deviceId, status, tags, lastActivityTime FROM devices WHERE capabilities.iotEdge = true";

/// The version of every agent's twin, and every edgeHub's link.
pub const QUERY_DIGEST: &str = "SELECT deviceId, moduleId, version, connectionState, lastActivityTime \
     FROM devices.modules WHERE moduleId IN ['$edgeAgent', '$edgeHub']";

/// What agents were told and what they report; a `deviceId IN […]` is appended for some of them.
pub const QUERY_AGENTS: &str = "SELECT deviceId, version, configurations, \
     properties.desired.$version AS desiredVersion, \
     properties.desired.systemModules AS wantedSystem, properties.desired.modules AS wanted, \
     properties.reported.lastDesiredVersion AS lastDesiredVersion, \
     properties.reported.lastDesiredStatus AS lastDesiredStatus, \
     properties.reported.systemModules AS seenSystem, properties.reported.modules AS seen, \
     properties.reported.$metadata.$lastUpdated AS reportedAt \
     FROM devices.modules WHERE moduleId = '$edgeAgent'";

/// One tag: its path with dots, and its value.
pub type Tag = (Arc<str>, Arc<str>);

/// All tags of a device, shared between devices with equal ones.
pub type Tags = Arc<[Tag]>;

/// One device, as compact as a table of 100 000 wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRow {
    /// Its id.
    pub id: DeviceId,
    /// Whether the hub lets it connect.
    pub enabled: bool,
    /// Tags as `path=value`, flattened; shared between rows with equal tags.
    pub tags: Tags,
    /// The hub's last sign of the device itself.
    pub last_activity: Option<HubTime>,
    /// What edgeAgent reports; `None` until that was read.
    pub agent: Option<AgentSummary>,
    /// The digest says that the agent reported something else since.
    pub agent_due: bool,
    /// Whether edgeHub holds its link.
    pub link: EdgeHubLink,
    /// When the hub last saw edgeHub active.
    pub link_activity: Option<HubTime>,
    /// The verdict over all of it; `None` until the agent was read.
    pub verdict: Option<DeviceVerdict>,
}

/// The agent's report, boiled down.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSummary {
    /// The twin version it was read from.
    pub version: u64,
    /// Modules that run.
    pub running: usize,
    /// Modules that should.
    pub wanted: usize,
    /// The module that is worst off.
    pub worst: Option<(Arc<str>, ModuleVerdict)>,
    /// `lastDesiredStatus.code`.
    pub code: Option<i64>,
    /// Deployments that are part of what the device runs, by name.
    pub applied: Arc<[Arc<str>]>,
    /// Deployments that match the device and are no part of what it runs, by name: something else won.
    pub lost: Arc<[Arc<str>]>,
    /// When the report last changed.
    pub reported_at: Option<HubTime>,
    /// The verdict the agent's own words give for each state of the link: up or unknown, and down.
    verdicts: (DeviceVerdict, DeviceVerdict),
}

/// The three queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// [`QUERY_DEVICES`].
    Devices,
    /// [`QUERY_DIGEST`].
    Digest,
    /// [`QUERY_AGENTS`].
    Agents,
}

/// How one query stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedState {
    /// The last complete answer.
    pub as_of: Option<Now>,
    /// The newest attempt's failure.
    pub fault: Option<(Fault, Now)>,
    /// Pages so far of an answer that is still coming in.
    pub pages: Option<usize>,
}

/// The fleet at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FleetSnapshot {
    /// Counts snapshots; never repeats within a run.
    pub generation: u64,
    /// One row per Edge device, in natural order of the ids.
    pub rows: Arc<[Arc<DeviceRow>]>,
    /// How [`Feed::Devices`] stands.
    pub devices: FeedState,
    /// How [`Feed::Digest`] stands.
    pub digest: FeedState,
    /// How [`Feed::Agents`] stands.
    pub agents: FeedState,
}

impl FleetSnapshot {
    /// The row of `id`.
    #[must_use]
    pub fn row(&self, id: &DeviceId) -> Option<&Arc<DeviceRow>> {
        self.rows
            .binary_search_by(|row| natural_cmp(row.id.as_str(), id.as_str()))
            .ok()
            .and_then(|index| self.rows.get(index))
    }

    /// When the digest was read; `None` until list and digest both were once. The list is read once in several rounds,
    /// and the agents when the digest says so, on purpose: each counts from when it fails.
    #[must_use]
    pub fn as_of(&self) -> Option<Now> {
        let digest = self.digest.as_of.filter(|_| self.devices.as_of.is_some())?;
        let failing = [&self.devices, &self.agents].into_iter().filter(|feed| feed.fault.is_some());
        failing.filter_map(|feed| feed.as_of).chain([digest]).min_by_key(|at| at.mono)
    }

    /// Whether what `row` says of its agent is known to be out of date: it reported since, and that could not be read.
    #[must_use]
    pub fn is_overtaken(&self, row: &DeviceRow) -> bool {
        row.agent_due && row.agent.is_some() && self.agents.fault.is_some()
    }

    /// The newest failure among the queries.
    #[must_use]
    pub fn fault(&self) -> Option<&(Fault, Now)> {
        [&self.devices, &self.digest, &self.agents]
            .into_iter()
            .filter_map(|feed| feed.fault.as_ref())
            .max_by_key(|(_, at)| at.mono)
    }
}

/// What a digest said of one device.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Digest {
    agent_version: Option<u64>,
    link: Option<EdgeHubLink>,
    link_activity: Option<HubTime>,
}

/// An id in the order in which people read ids, so that the rows never have to be sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NaturalId(DeviceId);

impl Ord for NaturalId {
    fn cmp(&self, other: &Self) -> Ordering {
        natural_cmp(self.0.as_str(), other.0.as_str())
    }
}

impl PartialOrd for NaturalId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Builds snapshots; owned by the one task that reads the fleet.
#[derive(Debug, Default)]
pub struct FleetBuilder {
    interner: Interner,
    rows: BTreeMap<NaturalId, Arc<DeviceRow>>,
    tags: HashMap<Vec<Tag>, Tags>,
    states: [FeedState; 3],
    generation: u64,
}

impl FleetBuilder {
    /// Takes one page of [`QUERY_DEVICES`] and says which devices it named. When the answer is complete, all ids of its
    /// pages go to [`FleetBuilder::retain`].
    pub fn devices(&mut self, page: &[Value]) -> Vec<DeviceId> {
        let mut seen = Vec::with_capacity(page.len());
        for value in page {
            let Some(id) = value.get("deviceId").and_then(Value::as_str).map(DeviceId::from_wire) else { continue };
            let tags = self.flatten(value.get("tags"));
            let row = self.rows.entry(NaturalId(id.clone())).or_insert_with(|| {
                Arc::new(DeviceRow {
                    id: id.clone(),
                    enabled: true,
                    tags: Arc::from([]),
                    last_activity: None,
                    agent: None,
                    agent_due: false,
                    link: EdgeHubLink::Unknown,
                    link_activity: None,
                    verdict: None,
                })
            });
            // Rows that a snapshot still holds are copied, others changed in place.
            let row = Arc::make_mut(row);
            row.enabled = value.get("status").and_then(Value::as_str) != Some("disabled");
            row.tags = tags;
            row.last_activity = time(value.get("lastActivityTime"));
            seen.push(id);
        }
        seen
    }

    /// The answer to [`QUERY_DEVICES`] is complete: forgets every device that is not in `seen`.
    pub fn retain(&mut self, seen: &[DeviceId]) {
        let seen: std::collections::HashSet<&DeviceId> = seen.iter().collect();
        self.rows.retain(|id, _| seen.contains(&id.0));
        self.tags.retain(|_, shared| Arc::strong_count(shared) > 1);
        self.interner.sweep();
    }

    /// Takes one page of [`QUERY_DIGEST`] into `digests`.
    pub fn read_digest(digests: &mut BTreeMap<DeviceId, Digest>, page: &[Value]) {
        for value in page {
            let Some(id) = value.get("deviceId").and_then(Value::as_str) else { continue };
            let digest = digests.entry(DeviceId::from_wire(id)).or_default();
            if value.get("moduleId").and_then(Value::as_str) == Some("$edgeAgent") {
                digest.agent_version = value.get("version").and_then(Value::as_u64);
            } else {
                let activity = time(value.get("lastActivityTime"));
                digest.link = match value.get("connectionState").and_then(Value::as_str) {
                    Some("Connected") => Some(EdgeHubLink::Up),
                    // Never active means never connected: a new device, not a lost one.
                    Some("Disconnected") if activity.is_some_and(|at| at != HubTime::Never) => Some(EdgeHubLink::Down),
                    _ => None,
                };
                digest.link_activity = activity;
            }
        }
    }

    /// Takes a complete digest, and says which agents have to be read again.
    pub fn digest(&mut self, digests: &BTreeMap<DeviceId, Digest>) -> Vec<DeviceId> {
        let mut changed = Vec::new();
        for (NaturalId(id), row) in &mut self.rows {
            let digest = digests.get(id).copied().unwrap_or_default();
            let link = digest.link.unwrap_or(EdgeHubLink::Unknown);
            if (link, digest.link_activity) != (row.link, row.link_activity) {
                let row = Arc::make_mut(row);
                row.link = link;
                row.link_activity = digest.link_activity;
                row.settle();
            }
            let due = digest.agent_version.is_some() && digest.agent_version != row.agent.as_ref().map(|a| a.version);
            if due {
                changed.push(id.clone());
            }
            if due != row.agent_due {
                Arc::make_mut(row).agent_due = due;
            }
        }
        changed
    }

    /// Whether the digest names devices that are not in the fleet yet.
    #[must_use]
    pub fn has_strangers(&self, digests: &BTreeMap<DeviceId, Digest>) -> bool {
        digests.keys().any(|id| !self.rows.contains_key(&NaturalId(id.clone())))
    }

    /// Takes one page of [`QUERY_AGENTS`].
    pub fn agents(&mut self, page: &[Value]) {
        for value in page {
            let Some(id) = value.get("deviceId").and_then(Value::as_str) else { continue };
            let summary = self.summary(value);
            if let Some(row) = self.rows.get_mut(&NaturalId(DeviceId::from_wire(id))) {
                let row = Arc::make_mut(row);
                row.agent = Some(summary);
                row.agent_due = false;
                row.settle();
            }
        }
    }

    fn summary(&mut self, value: &Value) -> AgentSummary {
        let half = |system: &str, modules: &str, extra: &[&str]| {
            let mut half = Map::new();
            half.insert("systemModules".into(), value.get(system).cloned().unwrap_or_default());
            half.insert("modules".into(), value.get(modules).cloned().unwrap_or_default());
            for name in extra {
                if let Some(member) = value.get(*name) {
                    half.insert((*name).into(), member.clone());
                }
            }
            half
        };
        let wanted = half("wantedSystem", "wanted", &[]);
        let seen = half("seenSystem", "seen", &["lastDesiredVersion", "lastDesiredStatus"]);
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        let report = AgentReport::read(&wanted, number("desiredVersion"), &seen, time(value.get("reportedAt")));
        let (running, all) = report.running_of_wanted();
        let mut with_status = |wanted: &str| -> Arc<[Arc<str>]> {
            let named = value.get("configurations").and_then(Value::as_object).into_iter().flatten();
            let mut ids: Vec<Arc<str>> = named
                .filter(|(_, state)| {
                    let status = state.get("status").and_then(Value::as_str);
                    status.is_some_and(|status| status.eq_ignore_ascii_case(wanted))
                })
                .map(|(id, _)| self.interner.get(id))
                .collect();
            ids.sort();
            ids.into()
        };
        let (applied, lost) = (with_status("applied"), with_status("targeted"));
        AgentSummary {
            version: number("version"),
            running,
            wanted: all,
            worst: report
                .worst()
                .filter(|_| report.ever_reported())
                .map(|(module, verdict)| (self.interner.get(module.id.as_str()), verdict)),
            code: report.code,
            applied,
            lost,
            reported_at: report.reported_at,
            verdicts: (report.verdict(EdgeHubLink::Unknown), report.verdict(EdgeHubLink::Down)),
        }
    }

    fn flatten(&mut self, tags: Option<&Value>) -> Tags {
        let mut flat = Vec::new();
        if let Some(Value::Object(map)) = tags {
            flatten_into(&mut self.interner, &mut flat, "", false, map);
        }
        if let Some(shared) = self.tags.get(&flat) {
            return shared.clone();
        }
        let shared: Arc<[_]> = flat.clone().into();
        self.tags.insert(flat, shared.clone());
        shared
    }

    /// How a feed stands, to change.
    pub fn state(&mut self, feed: Feed) -> &mut FeedState {
        let [devices, digest, agents] = &mut self.states;
        match feed {
            Feed::Devices => devices,
            Feed::Digest => digest,
            Feed::Agents => agents,
        }
    }

    /// The picture as it stands, with the next generation number.
    pub fn snapshot(&mut self) -> Arc<FleetSnapshot> {
        self.generation += 1;
        let rows: Arc<[Arc<DeviceRow>]> = self.rows.values().cloned().collect();
        let [devices, digest, agents] = self.states.clone();
        Arc::new(FleetSnapshot { generation: self.generation, rows, devices, digest, agents })
    }
}

impl DeviceRow {
    fn settle(&mut self) {
        self.verdict = self
            .agent
            .as_ref()
            .map(|agent| if self.link == EdgeHubLink::Down { agent.verdicts.1 } else { agent.verdicts.0 });
    }

    /// A tag's value by its flattened path.
    #[must_use]
    pub fn tag(&self, path: &str) -> Option<&str> {
        self.tags.iter().find(|(key, _)| &**key == path).map(|(_, value)| &**value)
    }
}

fn flatten_into(interner: &mut Interner, flat: &mut Vec<Tag>, at: &str, secret: bool, map: &Map<String, Value>) {
    for (key, value) in map {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let secret = belongs_to_secret(secret, key);
        if let Value::Object(inner) = value {
            flatten_into(interner, flat, &path, secret, inner);
            continue;
        }
        let mut value = value.clone();
        mask_within(secret, &mut value);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        flat.push((interner.get(&path), interner.get(&text)));
    }
}

fn time(value: Option<&Value>) -> Option<HubTime> {
    value.and_then(Value::as_str).and_then(HubTime::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn agent(id: &str, version: u64, status: &str) -> Value {
        json!({
            "deviceId": id, "version": version, "desiredVersion": 3, "lastDesiredVersion": 3,
            "lastDesiredStatus": {"code": 200, "description": ""},
            "wantedSystem": {"edgeHub": {"status": "running", "settings": {"image": "h:1"}}},
            "wanted": {"m": {"status": "running", "settings": {"image": "m:1"}}},
            "seenSystem": {"edgeHub": {"runtimeStatus": "running", "settings": {"image": "h:1"}}},
            "seen": {"m": {"runtimeStatus": status, "settings": {"image": "m:1"}}},
            "configurations": {"layer": {"status": "Applied"}, "base": {"status": "Applied"}, "lost": {"status": "Targeted"}},
        })
    }

    fn digest(versions: &[(&str, u64, &str)]) -> BTreeMap<DeviceId, Digest> {
        let mut digests = BTreeMap::new();
        for (id, version, link) in versions {
            FleetBuilder::read_digest(
                &mut digests,
                &[
                    json!({"deviceId": id, "moduleId": "$edgeAgent", "version": version, "connectionState": "Disconnected"}),
                    json!({"deviceId": id, "moduleId": "$edgeHub", "connectionState": link, "lastActivityTime": "2026-01-01T00:00:00Z"}),
                ],
            );
        }
        digests
    }

    #[test]
    fn only_agents_whose_version_moved_are_read_again() {
        let mut fleet = FleetBuilder::default();
        let seen = fleet.devices(&[
            json!({"deviceId": "gw-10", "tags": {"location": {"building": "B1"}, "floor": 2}}),
            json!({"deviceId": "gw-9", "status": "disabled"}),
        ]);
        fleet.retain(&seen);
        let ids = |changed: Vec<DeviceId>| changed.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
        let first = digest(&[("gw-10", 5, "Connected"), ("gw-9", 7, "Connected"), ("stranger", 1, "Connected")]);
        assert!(fleet.has_strangers(&first));
        assert_eq!(ids(fleet.digest(&first)), ["gw-9", "gw-10"]);
        fleet.agents(&[agent("gw-10", 5, "running"), agent("gw-9", 7, "backoff")]);
        assert!(fleet.digest(&first).is_empty());
        assert_eq!(ids(fleet.digest(&digest(&[("gw-10", 6, "Disconnected"), ("gw-9", 7, "Connected")]))), ["gw-10"]);

        let picture = fleet.snapshot();
        let rows: Vec<_> = picture.rows.iter().map(|row| (row.id.as_str(), row.verdict, row.enabled)).collect();
        assert_eq!(rows, [("gw-9", Some(DeviceVerdict::Backoff), false), ("gw-10", Some(DeviceVerdict::Silent), true)]);
        let row = picture.row(&DeviceId::from_wire("gw-10")).unwrap();
        assert_eq!((row.tag("location.building"), row.tag("floor")), (Some("B1"), Some("2")));
        let agent = row.agent.as_ref().unwrap();
        assert_eq!((agent.running, agent.wanted), (2, 2));
        assert_eq!(agent.applied.iter().map(|id| &**id).collect::<Vec<_>>(), ["base", "layer"]);
    }

    #[test]
    fn agents_that_moved_and_cannot_be_read_make_the_picture_old() {
        use crate::domain::fault::FaultKind;
        use crate::domain::time::{Clock, ManualClock};
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut fleet = FleetBuilder::default();
        fleet.devices(&[json!({"deviceId": "a"}), json!({"deviceId": "b"})]);
        fleet.digest(&digest(&[("a", 1, "Connected"), ("b", 1, "Connected")]));
        fleet.agents(&[agent("a", 1, "running"), agent("b", 1, "running")]);
        let read = clock.now();
        for feed in [Feed::Devices, Feed::Digest, Feed::Agents] {
            fleet.state(feed).as_of = Some(read);
        }
        clock.advance(std::time::Duration::from_secs(60));
        for feed in [Feed::Devices, Feed::Digest] {
            fleet.state(feed).as_of = Some(clock.now());
        }
        assert_eq!(fleet.digest(&digest(&[("a", 2, "Connected"), ("b", 1, "Connected")])).len(), 1);
        let picture = fleet.snapshot();
        assert_eq!(picture.as_of(), Some(clock.now()), "about to be read");
        fleet.state(Feed::Devices).as_of = Some(read);
        assert_eq!(fleet.snapshot().as_of(), Some(clock.now()), "the list is read less often on purpose");
        assert!(!picture.is_overtaken(&picture.rows[0]));
        fleet.state(Feed::Agents).fault =
            Some((Fault::new(FaultKind::Throttled(std::time::Duration::from_secs(9)), "read", "no"), clock.now()));
        let picture = fleet.snapshot();
        assert_eq!(picture.as_of(), Some(read), "as old as the verdicts");
        let overtaken: Vec<_> = picture.rows.iter().map(|row| picture.is_overtaken(row)).collect();
        assert_eq!(overtaken, [true, false]);
        fleet.agents(&[agent("a", 2, "running")]);
        let picture = fleet.snapshot();
        assert!(!picture.is_overtaken(&picture.rows[0]));
    }

    #[test]
    fn devices_that_are_gone_leave_and_equal_tags_are_shared() {
        let mut fleet = FleetBuilder::default();
        let tags = json!({"a": "b"});
        fleet.devices(&[
            json!({"deviceId": "x", "tags": tags}),
            json!({"deviceId": "y", "tags": tags}),
            json!({"deviceId": "z"}),
        ]);
        fleet.retain(&[DeviceId::from_wire("x"), DeviceId::from_wire("y")]);
        let first = fleet.snapshot();
        assert_eq!(first.rows.len(), 2);
        assert!(Arc::ptr_eq(&first.rows[0].tags, &first.rows[1].tags));
        assert!(fleet.snapshot().generation > first.generation);
    }

    #[test]
    fn an_edge_hub_that_never_connected_is_not_a_lost_one() {
        let mut digests = BTreeMap::new();
        FleetBuilder::read_digest(
            &mut digests,
            &[
                json!({"deviceId": "new", "moduleId": "$edgeHub", "connectionState": "Disconnected", "lastActivityTime": "0001-01-01T00:00:00Z"}),
            ],
        );
        let mut fleet = FleetBuilder::default();
        fleet.devices(&[json!({"deviceId": "new"})]);
        fleet.digest(&digests);
        assert_eq!(fleet.snapshot().rows[0].link, EdgeHubLink::Unknown);
    }
}
