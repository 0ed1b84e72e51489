//! edgeAgent's account of a device: whether the configuration was taken up, and the verdict over all modules.

use serde_json::{Map, Value};

use super::module::words;
use super::{DeviceVerdict, EdgeHubLink, ModuleState, ModuleVerdict, ReportedModule, RuntimeStatus, WantedModule};
use crate::domain::ids::ModuleId;
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;
use crate::domain::twin::{Twin, modules_of};

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
    /// Reads an `$edgeAgent` twin.
    #[must_use]
    pub fn of(twin: &Twin) -> Self {
        let (desired, reported) = (&twin.desired, &twin.reported);
        Self::read(&desired.values, desired.version, &reported.values, reported.last_updated())
    }

    /// The modules edgeAgent has reported: what was never reported runs nothing.
    pub fn into_reported(self) -> impl Iterator<Item = ModuleId> {
        self.modules.into_iter().filter(|module| module.reported.is_some()).map(|module| module.id)
    }

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
    /// edgeAgent moves `lastDesiredVersion` with every code but 400, 406, 412 and 417, so that with those an old version
    /// says nothing. An agent that was shut down, 406, takes nothing up, whatever is wanted by now; an empty manifest
    /// alone explains 417.
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
    let wanted = modules_of(desired).map(|(id, module)| (id, Some(WantedModule::read(module))));
    let mut modules: Vec<_> = wanted.map(|(id, wanted)| ModuleState { id, wanted, reported: None }).collect();
    for (id, module) in modules_of(reported) {
        let reported = Some(ReportedModule::read(module)).filter(|seen| !seen.is_placeholder());
        match modules.iter_mut().find(|known| known.id == id) {
            Some(known) => known.reported = reported,
            None if reported.is_some() => modules.push(ModuleState { id, wanted: None, reported }),
            None => {}
        }
    }
    modules.sort_by_key(|module| !module.id.is_system());
    modules
}
