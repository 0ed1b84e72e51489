//! What an Edge device should run, what it says it runs, and what that means in words.
//!
//! Source: the `$edgeAgent` module twin. Desired: `systemModules` and `modules` of the manifest; reported: edgeAgent's
//! own account. A crash loop leaves `lastDesiredStatus` at 200, so the verdict looks at every module.

use std::time::Duration;

use serde_json::{Map, Value};

use super::ids::ModuleId;
use super::secret::redact;
use super::text::Untrusted;
use super::time::HubTime;

/// How a verdict is to be taken; the screen turns it into a sign, a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// As it should be.
    Ok,
    /// On its way.
    Progress,
    /// Not well, still trying.
    Warn,
    /// Broken.
    Bad,
    /// Not running, on purpose or with code 0.
    Paused,
    /// Nobody knows.
    Unknown,
}

/// `runtimeStatus` as edgeAgent reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeStatus {
    /// The container runs.
    Running,
    /// Created, paused, or ended with code 0.
    Stopped,
    /// Ended, and edgeAgent will start it again after a growing wait.
    Backoff,
    /// Ended with an error and will not be started again.
    Failed,
    /// In the contract, never seen from current agents.
    Unhealthy,
    /// The engine calls the container dead.
    Dead,
    /// edgeAgent stopped in order, or does not know.
    Unknown,
    /// A word that came after us; shown as it is.
    Other(Untrusted),
}

impl RuntimeStatus {
    fn parse(text: &str) -> Self {
        match text {
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            "backoff" => Self::Backoff,
            "failed" => Self::Failed,
            "unhealthy" => Self::Unhealthy,
            "dead" => Self::Dead,
            "unknown" => Self::Unknown,
            other => Self::Other(other.into()),
        }
    }
}

/// What the manifest wants of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedModule {
    /// `running` or `stopped`; edgeAgent itself has none and always runs.
    pub running: bool,
    /// The image as written in the manifest.
    pub image: Untrusted,
    /// `always`, `on-failure`, `on-unhealthy`, `never`.
    pub restart_policy: Option<Untrusted>,
}

/// What edgeAgent says of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedModule {
    /// Its state.
    pub runtime: RuntimeStatus,
    /// The image that runs.
    pub image: Untrusted,
    /// Restarts in a row; back to 0 after ten quiet minutes.
    pub restart_count: Option<u64>,
    /// Exit code of the last end.
    pub exit_code: Option<i64>,
    /// When the container last started.
    pub last_start: Option<HubTime>,
    /// When it last ended.
    pub last_exit: Option<HubTime>,
    /// `statusDescription`; only agents before 1.2 send it.
    pub description: Option<Untrusted>,
}

/// One module of a device: wanted, reported, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleState {
    /// Its id; `$edgeAgent` and `$edgeHub` for the runtime's own.
    pub id: ModuleId,
    /// In the manifest.
    pub wanted: Option<WantedModule>,
    /// In the agent's report.
    pub reported: Option<ReportedModule>,
}

/// The verdict on one module, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModuleVerdict {
    /// Ended with an error; stays down.
    Failed,
    /// The engine calls it dead.
    Dead,
    /// In the manifest, and edgeAgent does not have it (its image could not be pulled, or it is on its way).
    Missing,
    /// In a crash loop.
    Backoff,
    /// Reported unhealthy.
    Unhealthy,
    /// Should run and does not.
    StoppedUnwanted,
    /// The agent does not know.
    Unknown,
    /// Not there yet: edgeAgent has not taken up the manifest that wants it.
    Pending,
    /// Runs another image than the manifest wants.
    OtherImage,
    /// Still there, no longer in the manifest.
    Leftover,
    /// Should be stopped, and runs.
    RunsUnwanted,
    /// Stopped, as wanted.
    Stopped,
    /// Runs, as wanted.
    Running,
}

impl ModuleVerdict {
    /// One or two words for a column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Missing => "missing",
            Self::Backoff => "backoff",
            Self::Unhealthy => "unhealthy",
            Self::StoppedUnwanted | Self::Stopped => "stopped",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::OtherImage => "other image",
            Self::Leftover => "leftover",
            Self::RunsUnwanted | Self::Running => "running",
        }
    }

    /// How to take it.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Failed | Self::Dead | Self::Missing => Tone::Bad,
            Self::Backoff | Self::Unhealthy | Self::StoppedUnwanted | Self::RunsUnwanted => Tone::Warn,
            Self::Unknown => Tone::Unknown,
            Self::Pending | Self::OtherImage | Self::Leftover => Tone::Progress,
            Self::Stopped => Tone::Paused,
            Self::Running => Tone::Ok,
        }
    }
}

impl ModuleState {
    /// Wanted and reported, weighed.
    #[must_use]
    pub fn verdict(&self) -> ModuleVerdict {
        let Some(reported) = &self.reported else { return ModuleVerdict::Missing };
        let wants_running = self.wanted.as_ref().is_none_or(|wanted| wanted.running);
        match &reported.runtime {
            // `stopped` on purpose ends with 137 or 143 and is then reported as failed; that is no failure.
            RuntimeStatus::Failed if !wants_running => ModuleVerdict::Stopped,
            RuntimeStatus::Failed => ModuleVerdict::Failed,
            RuntimeStatus::Dead => ModuleVerdict::Dead,
            RuntimeStatus::Backoff => ModuleVerdict::Backoff,
            RuntimeStatus::Unhealthy => ModuleVerdict::Unhealthy,
            RuntimeStatus::Unknown | RuntimeStatus::Other(_) => ModuleVerdict::Unknown,
            RuntimeStatus::Stopped if wants_running => ModuleVerdict::StoppedUnwanted,
            RuntimeStatus::Stopped => ModuleVerdict::Stopped,
            RuntimeStatus::Running => match &self.wanted {
                // Nobody removes edgeAgent: without a manifest it runs all the same.
                None if self.id == ModuleId::edge_agent() => ModuleVerdict::Running,
                None => ModuleVerdict::Leftover,
                Some(wanted) if !wanted.running => ModuleVerdict::RunsUnwanted,
                Some(wanted) if !same_image(wanted.image.raw(), reported.image.raw()) => ModuleVerdict::OtherImage,
                Some(_) => ModuleVerdict::Running,
            },
        }
    }
}

impl ReportedModule {
    /// What edgeAgent reports of edgeHub before there is one: an entry about nothing.
    fn is_placeholder(&self) -> bool {
        self.runtime == RuntimeStatus::Unknown && self.image.raw().is_empty()
    }
}

/// Image names compared as edgeAgent does: no tag means `:latest`.
#[must_use]
pub fn same_image(a: &str, b: &str) -> bool {
    fn tagged(image: &str) -> String {
        let name = image.rsplit('/').next().unwrap_or(image);
        if name.contains(':') || name.contains('@') { image.to_owned() } else { format!("{image}:latest") }
    }
    tagged(a) == tagged(b)
}

/// edgeAgent's own account of its configuration, and all modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentReport {
    /// `properties.desired.$version`.
    pub desired_version: u64,
    /// The version edgeAgent last parsed; `None` when it never reported.
    pub last_desired_version: Option<u64>,
    /// `lastDesiredStatus.code`.
    pub code: Option<i64>,
    /// `lastDesiredStatus.description`.
    pub description: Untrusted,
    /// edgeAgent's product version.
    pub version: Option<Untrusted>,
    /// `os/architecture`.
    pub platform: Option<Untrusted>,
    /// System modules first, then the rest in the manifest's order, then leftovers.
    pub modules: Vec<ModuleState>,
    /// When anything reported last changed. Not a heartbeat: a quiet device changes nothing.
    pub reported_at: Option<HubTime>,
}

impl AgentReport {
    /// Reads desired and reported properties of an `$edgeAgent` twin (or of a query row that carries both).
    #[must_use]
    pub fn read(
        desired: &Map<String, Value>,
        desired_version: u64,
        reported: &Map<String, Value>,
        reported_at: Option<HubTime>,
    ) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(Untrusted::from);
        let status = reported.get("lastDesiredStatus");
        let platform = reported.get("runtime").and_then(|r| r.get("platform"));
        let platform = platform.and_then(|p| {
            let part = |name: &str| p.get(name).and_then(Value::as_str);
            Some(Untrusted::new(format!("{}/{}", part("os")?, part("architecture")?)))
        });
        Self {
            desired_version,
            last_desired_version: reported.get("lastDesiredVersion").and_then(Value::as_u64),
            code: status.and_then(|s| s.get("code")).and_then(Value::as_i64),
            description: words(status.and_then(|s| s.get("description"))).unwrap_or_default(),
            version: text(reported.get("version").and_then(|v| v.get("version"))),
            platform,
            modules: read_modules(desired, reported),
            reported_at,
        }
    }

    /// Whether edgeAgent ever wrote anything.
    #[must_use]
    pub fn ever_reported(&self) -> bool {
        self.code.is_some()
    }

    /// Whether the code is about the manifest that is wanted now, and not about one before it.
    ///
    /// edgeAgent moves `lastDesiredVersion` with every code but 400, 412 and 417, so that with those an old version says
    /// nothing; an empty manifest alone explains 417.
    #[must_use]
    pub fn code_is_current(&self) -> bool {
        match self.code {
            Some(417) => self.modules.iter().all(|module| module.wanted.is_none()),
            Some(400 | 406 | 412) => true,
            Some(_) => self.last_desired_version == Some(self.desired_version),
            None => false,
        }
    }

    /// The verdict on one of its modules; of an agent that never reported there is none.
    #[must_use]
    pub fn verdict_of(&self, module: &ModuleState) -> ModuleVerdict {
        if !self.ever_reported() {
            return ModuleVerdict::Unknown;
        }
        match module.verdict() {
            ModuleVerdict::Missing if !self.code_is_current() => ModuleVerdict::Pending,
            verdict => verdict,
        }
    }

    /// Modules that should run, and those of them that do.
    #[must_use]
    pub fn running_of_wanted(&self) -> (usize, usize) {
        let wanted = self.modules.iter().filter(|m| m.wanted.as_ref().is_some_and(|w| w.running));
        let (mut running, mut all) = (0, 0);
        for module in wanted {
            all += 1;
            if module.reported.as_ref().is_some_and(|r| r.runtime == RuntimeStatus::Running) {
                running += 1;
            }
        }
        (running, all)
    }

    /// The module with the worst verdict, unless all are as wanted.
    #[must_use]
    pub fn worst(&self) -> Option<(&ModuleState, ModuleVerdict)> {
        self.modules
            .iter()
            .map(|module| (module, self.verdict_of(module)))
            .filter(|(_, verdict)| *verdict < ModuleVerdict::Stopped)
            .min_by_key(|(_, verdict)| *verdict)
    }

    /// The verdict on the device, from the report and from whether edgeHub holds a link to the hub.
    #[must_use]
    pub fn verdict(&self, link: EdgeHubLink) -> DeviceVerdict {
        let Some(code) = self.code else {
            return DeviceVerdict::NeverReported;
        };
        let by_code = match code {
            200 => None,
            _ if !self.code_is_current() => Some(DeviceVerdict::Applying),
            400 | 412 => Some(DeviceVerdict::Rejected),
            406 => Some(DeviceVerdict::AgentStopped),
            417 => Some(DeviceVerdict::EmptyConfiguration),
            _ => Some(DeviceVerdict::Failed),
        };
        let by_module = self.worst().map(|(_, verdict)| match verdict {
            ModuleVerdict::Failed | ModuleVerdict::Dead => DeviceVerdict::Failed,
            // A missing module under a current 200 means that the pass is not over.
            ModuleVerdict::Missing if code == 200 => DeviceVerdict::Applying,
            ModuleVerdict::Missing => DeviceVerdict::Failed,
            ModuleVerdict::Backoff => DeviceVerdict::Backoff,
            ModuleVerdict::Unhealthy => DeviceVerdict::Unhealthy,
            ModuleVerdict::StoppedUnwanted => DeviceVerdict::Stopped,
            ModuleVerdict::Unknown => DeviceVerdict::Unknown,
            ModuleVerdict::Pending
            | ModuleVerdict::OtherImage
            | ModuleVerdict::Leftover
            | ModuleVerdict::RunsUnwanted
            | ModuleVerdict::Stopped
            | ModuleVerdict::Running => DeviceVerdict::Applying,
        });
        let silent = (link == EdgeHubLink::Down).then_some(DeviceVerdict::Silent);
        let behind = (self.last_desired_version != Some(self.desired_version)).then_some(DeviceVerdict::Applying);
        [by_code, by_module, silent, behind].into_iter().flatten().min().unwrap_or(DeviceVerdict::Running)
    }
}

fn read_modules(desired: &Map<String, Value>, reported: &Map<String, Value>) -> Vec<ModuleState> {
    let mut modules = Vec::new();
    for section in ["systemModules", "modules"] {
        let of = |half: &Map<String, Value>| half.get(section).and_then(Value::as_object).cloned().unwrap_or_default();
        let (wanted, seen) = (of(desired), of(reported));
        let leftovers = seen.keys().filter(|name| !wanted.contains_key(*name));
        for name in wanted.keys().chain(leftovers) {
            let id = if section == "systemModules" { format!("${name}") } else { name.clone() };
            let state = ModuleState {
                id: ModuleId::from_wire(id),
                wanted: wanted.get(name).map(read_wanted),
                reported: seen.get(name).map(read_reported).filter(|seen| !seen.is_placeholder()),
            };
            if state.wanted.is_some() || state.reported.is_some() {
                modules.push(state);
            }
        }
    }
    modules
}

/// Free text of the device: what an engine complains about may quote a command line with its secrets.
fn words(value: Option<&Value>) -> Option<Untrusted> {
    value.and_then(Value::as_str).map(|text| Untrusted::new(redact(text)))
}

fn image(module: &Value) -> Untrusted {
    module.get("settings").and_then(|s| s.get("image")).and_then(Value::as_str).unwrap_or_default().into()
}

fn read_wanted(module: &Value) -> WantedModule {
    WantedModule {
        running: module.get("status").and_then(Value::as_str).is_none_or(|status| status == "running"),
        image: image(module),
        restart_policy: module.get("restartPolicy").and_then(Value::as_str).map(Untrusted::from),
    }
}

fn read_reported(module: &Value) -> ReportedModule {
    let time = |name: &str| module.get(name).and_then(Value::as_str).and_then(HubTime::parse);
    ReportedModule {
        runtime: RuntimeStatus::parse(module.get("runtimeStatus").and_then(Value::as_str).unwrap_or("unknown")),
        image: image(module),
        restart_count: module.get("restartCount").and_then(Value::as_u64),
        exit_code: module.get("exitCode").and_then(Value::as_i64),
        last_start: time("lastStartTimeUtc"),
        last_exit: time("lastExitTimeUtc"),
        description: words(module.get("statusDescription")),
    }
}

/// Whether edgeHub holds its link to the hub: the `$edgeHub` module's connection state. It lags by minutes; the
/// device's own `connectionState` is `Disconnected` on healthy edge devices and is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeHubLink {
    /// Connected.
    Up,
    /// Not connected, after having been.
    Down,
    /// Never connected, or not known.
    Unknown,
}

/// The verdict on one device, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceVerdict {
    /// Something failed and stays failed.
    Failed,
    /// edgeAgent refuses the manifest; the old one runs on.
    Rejected,
    /// edgeHub lost its link: all else is the past.
    Silent,
    /// edgeAgent stopped in order and took the modules with it.
    AgentStopped,
    /// A module crash-loops.
    Backoff,
    /// A module says it is unhealthy.
    Unhealthy,
    /// A module that should run does not.
    Stopped,
    /// A module's state is unknown.
    Unknown,
    /// No manifest at all (417).
    EmptyConfiguration,
    /// Registered; edgeAgent never reported.
    NeverReported,
    /// The manifest is not fully in place yet.
    Applying,
    /// Everything runs as wanted.
    Running,
}

impl DeviceVerdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 12] = [
        Self::Failed,
        Self::Rejected,
        Self::Silent,
        Self::AgentStopped,
        Self::Backoff,
        Self::Unhealthy,
        Self::Stopped,
        Self::Unknown,
        Self::EmptyConfiguration,
        Self::NeverReported,
        Self::Applying,
        Self::Running,
    ];

    /// One word for a column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Silent => "silent",
            Self::AgentStopped => "shut down",
            Self::Backoff => "backoff",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
            Self::EmptyConfiguration => "no manifest",
            Self::NeverReported => "new",
            Self::Applying => "applying",
            Self::Running => "running",
        }
    }

    /// How to take it.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Failed | Self::Rejected => Tone::Bad,
            Self::Silent | Self::Unknown | Self::NeverReported => Tone::Unknown,
            Self::Backoff | Self::Unhealthy | Self::Stopped => Tone::Warn,
            Self::AgentStopped | Self::EmptyConfiguration => Tone::Paused,
            Self::Applying => Tone::Progress,
            Self::Running => Tone::Ok,
        }
    }

    /// Whether somebody should look at it.
    #[must_use]
    pub fn is_fault(self) -> bool {
        self < Self::EmptyConfiguration
    }
}

/// What `lastDesiredStatus.code` means, in words (edgeAgent's `DeploymentStatusCode`).
#[must_use]
pub fn agent_code_words(code: i64) -> &'static str {
    match code {
        200 => "the manifest was accepted and carried out (modules may still crash later)",
        400 => "edgeAgent cannot read the manifest; the previous one keeps running",
        406 => "edgeAgent was shut down in order, or never came up; modules are stopped",
        412 => "the manifest's schemaVersion is not one edgeAgent knows (1.0 to 1.1); the previous one keeps running",
        417 => "the device has no manifest: nobody deployed one, or it was emptied",
        500 => "part of the manifest could not be carried out; edgeAgent retries with growing waits",
        _ => "a code this console does not know",
    }
}

/// What a container's exit code usually means.
#[must_use]
pub fn exit_code_words(code: i64) -> &'static str {
    match code {
        0 => "ended without an error",
        1 => "the program ended with an error of its own; its log says which",
        125 => "the engine could not start the container",
        126 => "the command in the image cannot be executed",
        127 => "the command is not in the image",
        134 => "aborted (SIGABRT)",
        137 => "killed (SIGKILL), often for memory",
        139 => "segmentation fault (SIGSEGV)",
        143 => "asked to stop (SIGTERM)",
        255 => "ended with an error, code out of range",
        code if code > 128 => "ended by a signal",
        _ => "the program ended with an error of its own",
    }
}

/// edgeAgent's wait before the next start after `restart_count` restarts in a row: 10, 20, 40 s … at most 300.
#[must_use]
pub fn backoff_wait(restart_count: u64) -> Duration {
    let factor = 1_u64.checked_shl(u32::try_from(restart_count).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    Duration::from_secs(10_u64.saturating_mul(factor).min(300))
}

/// After this many restarts edgeAgent gives up and the module is `failed`.
pub const MAX_RESTARTS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn module(wanted: Option<(&str, &str)>, reported: Option<(&str, &str)>) -> ModuleVerdict {
        let desired =
            wanted.map_or(json!({}), |(status, image)| json!({"m": {"status": status, "settings": {"image": image}}}));
        let seen = reported
            .map_or(json!({}), |(status, image)| json!({"m": {"runtimeStatus": status, "settings": {"image": image}}}));
        report(&json!({"modules": desired}), &json!({"modules": seen, "lastDesiredStatus": {"code": 200}})).modules[0]
            .verdict()
    }

    fn report(desired: &Value, reported: &Value) -> AgentReport {
        AgentReport::read(desired.as_object().unwrap(), 3, reported.as_object().unwrap(), None)
    }

    #[test]
    fn a_modules_verdict_weighs_wanted_and_reported() {
        for (wanted, reported, verdict) in [
            (Some(("running", "a:1")), Some(("running", "a:1")), ModuleVerdict::Running),
            (Some(("running", "a")), Some(("running", "a:latest")), ModuleVerdict::Running),
            (Some(("running", "r:5000/a")), Some(("running", "r:5000/a:latest")), ModuleVerdict::Running),
            (Some(("running", "a:2")), Some(("running", "a:1")), ModuleVerdict::OtherImage),
            (Some(("running", "a:1")), None, ModuleVerdict::Missing),
            (None, Some(("running", "a:1")), ModuleVerdict::Leftover),
            (Some(("running", "a:1")), Some(("backoff", "a:1")), ModuleVerdict::Backoff),
            (Some(("running", "a:1")), Some(("failed", "a:1")), ModuleVerdict::Failed),
            (Some(("stopped", "a:1")), Some(("failed", "a:1")), ModuleVerdict::Stopped),
            (Some(("stopped", "a:1")), Some(("stopped", "a:1")), ModuleVerdict::Stopped),
            (Some(("stopped", "a:1")), Some(("running", "a:1")), ModuleVerdict::RunsUnwanted),
            (Some(("running", "a:1")), Some(("stopped", "a:1")), ModuleVerdict::StoppedUnwanted),
            (Some(("running", "a:1")), Some(("quiescent", "a:1")), ModuleVerdict::Unknown),
        ] {
            assert_eq!(module(wanted, reported), verdict, "{wanted:?} {reported:?}");
        }
    }

    #[test]
    fn a_devices_verdict() {
        let desired = json!({"modules": {"m": {"status": "running", "settings": {"image": "a:1"}}}});
        let with = |code: i64, version: u64, status: &str| {
            json!({"lastDesiredVersion": version, "lastDesiredStatus": {"code": code, "description": "x"},
                   "modules": {"m": {"runtimeStatus": status, "settings": {"image": "a:1"}}}})
        };
        for (reported, link, verdict) in [
            (with(200, 3, "running"), EdgeHubLink::Up, DeviceVerdict::Running),
            (with(200, 3, "running"), EdgeHubLink::Unknown, DeviceVerdict::Running),
            (with(200, 3, "running"), EdgeHubLink::Down, DeviceVerdict::Silent),
            (with(200, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
            (with(200, 3, "backoff"), EdgeHubLink::Up, DeviceVerdict::Backoff),
            (with(500, 3, "running"), EdgeHubLink::Up, DeviceVerdict::Failed),
            (with(400, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Rejected),
            (with(406, 3, "unknown"), EdgeHubLink::Down, DeviceVerdict::Silent),
            // Of an empty manifest, while there is one by now; and of versions before the one that is wanted.
            (with(417, 0, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
            (with(500, 2, "running"), EdgeHubLink::Up, DeviceVerdict::Applying),
            (
                json!({"lastDesiredVersion": 2, "lastDesiredStatus": {"code": 500}}),
                EdgeHubLink::Up,
                DeviceVerdict::Applying,
            ),
            (
                json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 500}}),
                EdgeHubLink::Up,
                DeviceVerdict::Failed,
            ),
            (json!({}), EdgeHubLink::Unknown, DeviceVerdict::NeverReported),
            (
                json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 200}}),
                EdgeHubLink::Up,
                DeviceVerdict::Applying,
            ),
        ] {
            assert_eq!(report(&desired, &reported).verdict(link), verdict, "{reported} {link:?}");
        }
        let emptied = report(&json!({}), &with(417, 2, "running"));
        assert_eq!(emptied.verdict(EdgeHubLink::Up), DeviceVerdict::EmptyConfiguration);
    }

    #[test]
    fn what_is_not_there_yet_is_missing_only_once_its_manifest_was_taken_up() {
        let desired = json!({"modules": {"m": {"status": "running", "settings": {"image": "a:1"}}}});
        for (version, code, verdict) in [
            (2, 200, ModuleVerdict::Pending),
            (2, 500, ModuleVerdict::Pending),
            (0, 417, ModuleVerdict::Pending),
            (3, 200, ModuleVerdict::Missing),
            (3, 500, ModuleVerdict::Missing),
            (2, 400, ModuleVerdict::Missing),
        ] {
            let agent = report(&desired, &json!({"lastDesiredVersion": version, "lastDesiredStatus": {"code": code}}));
            assert_eq!(agent.verdict_of(&agent.modules[0]), verdict, "{version} {code}");
        }
        let silent = report(&desired, &json!({}));
        assert_eq!(silent.verdict_of(&silent.modules[0]), ModuleVerdict::Unknown);
    }

    #[test]
    fn counts_and_order_of_modules() {
        let agent = report(
            &json!({"systemModules": {"edgeAgent": {"settings": {"image": "e"}}, "edgeHub": {"status": "running", "settings": {"image": "h"}}},
                    "modules": {"b": {"status": "running", "settings": {"image": "b"}}, "a": {"status": "stopped", "settings": {"image": "a"}}}}),
            &json!({"lastDesiredVersion": 3, "lastDesiredStatus": {"code": 200},
                    "systemModules": {"edgeAgent": {"runtimeStatus": "running"}, "edgeHub": {"runtimeStatus": "running"}},
                    "modules": {"b": {"runtimeStatus": "backoff", "exitCode": 1, "restartCount": 7}, "old": {"runtimeStatus": "running"}}}),
        );
        let ids: Vec<&str> = agent.modules.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids, ["$edgeAgent", "$edgeHub", "b", "a", "old"]);
        assert_eq!(agent.running_of_wanted(), (2, 3));
        assert_eq!(agent.worst().map(|(m, v)| (m.id.as_str(), v)), Some(("a", ModuleVerdict::Missing)));
    }

    #[test]
    fn waits_grow_to_a_cap() {
        let waits: Vec<u64> = [0, 1, 4, 5, 20, 200].iter().map(|n| backoff_wait(*n).as_secs()).collect();
        assert_eq!(waits, [10, 20, 160, 300, 300, 300]);
    }
}
