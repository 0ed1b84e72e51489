//! One module of a device: what the manifest wants of it, what edgeAgent says of it, and the verdict.

use serde_json::Value;

use super::Tone;
use crate::domain::ids::ModuleId;
use crate::domain::secret::redact;
use crate::domain::text::Untrusted;
use crate::domain::time::HubTime;
use crate::domain::twin::image_of;

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

impl WantedModule {
    /// One entry of the manifest's modules.
    pub(super) fn read(module: &Value) -> Self {
        Self {
            running: module.get("status").and_then(Value::as_str).is_none_or(|status| status == "running"),
            image: image_of(module).unwrap_or_default().into(),
            restart_policy: module.get("restartPolicy").and_then(Value::as_str).map(Untrusted::from),
        }
    }
}

impl ReportedModule {
    /// One entry of the modules edgeAgent reports.
    pub(super) fn read(module: &Value) -> Self {
        let time = |name: &str| module.get(name).and_then(Value::as_str).and_then(HubTime::parse);
        Self {
            runtime: RuntimeStatus::parse(module.get("runtimeStatus").and_then(Value::as_str).unwrap_or("unknown")),
            image: image_of(module).unwrap_or_default().into(),
            restart_count: module.get("restartCount").and_then(Value::as_u64),
            exit_code: module.get("exitCode").and_then(Value::as_i64),
            last_start: time("lastStartTimeUtc"),
            last_exit: time("lastExitTimeUtc"),
            description: words(module.get("statusDescription")),
        }
    }

    /// What edgeAgent reports of edgeHub before there is one: an entry about nothing.
    pub(super) fn is_placeholder(&self) -> bool {
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

/// Free text of the device: what an engine complains about may quote a command line with its secrets.
pub(super) fn words(value: Option<&Value>) -> Option<Untrusted> {
    value.and_then(Value::as_str).map(|text| Untrusted::new(redact(text)))
}
