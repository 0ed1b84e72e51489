//! What edgeAgent sees on the machine: the containers, with what it executed last laid over them.
//!
//! Only image, exit code, times and state are the container's; everything else is echoed from the deployment executed
//! last, even when that failed for this module.

use jiff::Timestamp;

use crate::domain::manifest::{AgentConfig, DesiredStatus, ModuleSpec, RestartPolicy};
use crate::sim::device::engine::{Container, ContainerState};

use super::settings::Settings;

/// `runtimeStatus`, but for `unknown`, which only a shutdown writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim::device) enum RuntimeStatus {
    /// Its program runs.
    Running,
    /// It never ran, or ended with 0.
    Stopped,
    /// It ended with an error and stays down.
    Failed,
    /// It ended and will be started again.
    Backoff,
    /// The engine failed on it.
    Dead,
}

impl RuntimeStatus {
    /// The word in twins.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Backoff => "backoff",
            Self::Dead => "dead",
        }
    }
}

/// What edgeAgent remembers of a module's restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Restarts {
    pub(super) count: u32,
    /// By the machine's clock.
    pub(super) last: Timestamp,
}

/// One module as edgeAgent sees it.
#[derive(Debug, Clone)]
pub(in crate::sim::device) struct Observed {
    /// As executed last, with the image that is really there.
    pub(super) spec: ModuleSpec,
    /// Whether the deployment executed last has it.
    pub(super) known: bool,
    pub(super) image_hash: String,
    pub(super) state: ContainerState,
    pub(super) status: RuntimeStatus,
    pub(super) exit_code: i64,
    pub(super) started: Option<Timestamp>,
    pub(super) exited: Option<Timestamp>,
    pub(super) restarts: Option<Restarts>,
}

impl Observed {
    pub(super) fn of(
        container: &Container,
        executed: Option<&AgentConfig>,
        restarts: Option<Restarts>,
        settings: &Settings,
    ) -> Self {
        let name = container.spec.name.as_str();
        let listed = executed.and_then(|config| config.module(name));
        // What edgeAgent itself was made from is written on its container.
        let spec = match listed {
            Some(listed) if name != "edgeAgent" => ModuleSpec { image: container.spec.image.clone(), ..listed.clone() },
            _ => container.spec.clone(),
        };
        let known = listed.is_some() || name == "edgeAgent";
        let count = restarts.map_or(0, |restarts| restarts.count);
        let status = if known { status(container, &spec, count, settings) } else { plain(container) };
        Self {
            known,
            image_hash: container.image_hash.clone(),
            state: container.state,
            status,
            exit_code: container.exit_code,
            started: container.started,
            exited: container.exited,
            restarts,
            spec,
        }
    }

    pub(super) fn restart_count(&self) -> u32 {
        self.restarts.map_or(0, |restarts| restarts.count)
    }

    /// Without a stored count the last restart is the last end.
    pub(super) fn last_restart(&self) -> Option<Timestamp> {
        self.restarts.map(|restarts| restarts.last).or(self.exited)
    }

    /// When it is to be started again, by the machine's clock; nothing when it is not waiting for that.
    pub(super) fn restarts_at(&self, settings: &Settings) -> Option<Timestamp> {
        let wait = settings.restart_wait(self.restart_count());
        let exited = self.exited.unwrap_or(Timestamp::MIN);
        (self.status == RuntimeStatus::Backoff).then(|| exited.saturating_add(wait).unwrap_or(Timestamp::MAX))
    }

    /// When its restarts are forgotten, by the machine's clock; nothing when there are none or it does not run.
    pub(super) fn recovers_at(&self, settings: &Settings) -> Option<Timestamp> {
        let exited = self.exited.filter(|_| self.status == RuntimeStatus::Running && self.restarts.is_some())?;
        Some(exited.saturating_add(settings.care).unwrap_or(Timestamp::MAX))
    }
}

/// The engine's word alone.
fn plain(container: &Container) -> RuntimeStatus {
    match container.state {
        ContainerState::Running => RuntimeStatus::Running,
        ContainerState::Created => RuntimeStatus::Stopped,
        ContainerState::Exited if container.exit_code == 0 => RuntimeStatus::Stopped,
        ContainerState::Exited => RuntimeStatus::Failed,
        ContainerState::Dead => RuntimeStatus::Dead,
    }
}

/// The engine's word, and what the restart policy makes of it.
fn status(container: &Container, spec: &ModuleSpec, restarts: u32, settings: &Settings) -> RuntimeStatus {
    let status = plain(container);
    let down = matches!(status, RuntimeStatus::Stopped | RuntimeStatus::Failed);
    let comes_back = match spec.restart_policy {
        RestartPolicy::Never => false,
        RestartPolicy::Always => down,
        RestartPolicy::OnFailure | RestartPolicy::OnUnhealthy => status == RuntimeStatus::Failed,
    };
    if spec.status != DesiredStatus::Running || !comes_back {
        status
    } else if restarts >= settings.max_tries {
        RuntimeStatus::Failed
    } else {
        RuntimeStatus::Backoff
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::manifest::Env;
    use crate::sim::device::engine::Engine;
    use crate::sim::device::moment::MachineClock;

    fn spec(policy: &str, status: &str) -> AgentConfig {
        AgentConfig::read(
            &json!({"schemaVersion": "1.1", "runtime": {"type": "docker"}, "systemModules": {}, "modules": {
            "m": {"type": "docker", "status": status, "restartPolicy": policy, "settings": {"image": "i:1"}}}}),
        )
        .unwrap()
    }

    /// §3.1 and §3.3: what a policy makes of an end.
    #[test]
    fn what_each_policy_makes_of_each_end() {
        use RuntimeStatus::{Backoff, Failed, Stopped};
        let settings = Settings::of(&Env::default());
        let at = Timestamp::UNIX_EPOCH;
        for (policy, wanted, code, restarts, expected) in [
            ("always", "running", 0, 0, Backoff),
            ("always", "running", 1, 19, Backoff),
            ("always", "running", 1, 20, Failed),
            ("on-failure", "running", 0, 0, Stopped),
            ("on-failure", "running", 1, 0, Backoff),
            ("on-unhealthy", "running", 139, 20, Failed),
            ("never", "running", 0, 0, Stopped),
            ("never", "running", 1, 0, Failed),
            ("always", "stopped", 0, 0, Stopped),
            ("always", "stopped", 137, 0, Failed),
        ] {
            let config = spec(policy, wanted);
            let mut engine = Engine::default();
            engine.create(config.modules[0].clone());
            engine.start("m", at, MachineClock::default());
            let restarts = Some(Restarts { count: restarts, last: at });
            let running = Observed::of(engine.get("m").unwrap(), Some(&config), restarts, &settings);
            assert_eq!((running.status, running.exit_code), (RuntimeStatus::Running, 0));
            engine.end("m", code, at, MachineClock::default());
            let observed = Observed::of(engine.get("m").unwrap(), Some(&config), restarts, &settings);
            assert_eq!(observed.status, expected, "{policy} {wanted} {code}");
        }
    }

    #[test]
    fn what_was_executed_is_echoed_and_the_image_is_the_containers() {
        let (old, new) = (spec("always", "running"), spec("never", "stopped"));
        let mut engine = Engine::default();
        engine.create(old.modules[0].clone());
        let mut newer = new;
        newer.modules[0].image = crate::domain::manifest::Image::parse("i:2").unwrap();
        let settings = Settings::of(&Env::default());
        let observed = Observed::of(engine.get("m").unwrap(), Some(&newer), None, &settings);
        assert_eq!((observed.spec.image.as_str(), observed.spec.restart_policy), ("i:1", RestartPolicy::Never));
        let stranger = Observed::of(engine.get("m").unwrap(), None, None, &settings);
        assert_eq!((stranger.known, stranger.status), (false, RuntimeStatus::Stopped));
    }
}
