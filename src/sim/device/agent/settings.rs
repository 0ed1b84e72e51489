//! The knobs of edgeAgent that its own environment turns.

use std::time::Duration;

use crate::domain::manifest::Env;

/// What edgeAgent goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `MaxRestartCount`: restarts of a module, and tries of a command, before edgeAgent gives up.
    pub(super) max_tries: u32,
    /// `CoolOffTimeUnitInSeconds`: the first wait; each further one is twice as long.
    pub(super) cool_off: Duration,
    /// `IntensiveCareTimeInMinutes`: after so long without an end a module's restarts are forgotten.
    pub(super) care: Duration,
    /// `ManagementApiTimeoutSecs`: how long it waits for one answer of the daemon.
    pub(super) patience: Duration,
    /// `ModuleUpdateMode=WaitForAllPulls`: nothing is touched before all images are there.
    pub(super) pulls_first: bool,
}

impl Settings {
    pub(super) fn of(env: &Env) -> Self {
        let number =
            |name: &str, default: u32| env.get(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default);
        let seconds = |name, default| Duration::from_secs(u64::from(number(name, default)));
        Self {
            max_tries: number("MaxRestartCount", 20).max(1),
            cool_off: seconds("CoolOffTimeUnitInSeconds", 10),
            care: seconds("IntensiveCareTimeInMinutes", 10) * 60,
            patience: seconds("ManagementApiTimeoutSecs", 300),
            pulls_first: env.get("ModuleUpdateMode").is_some_and(|mode| mode.eq_ignore_ascii_case("WaitForAllPulls")),
        }
    }

    /// How long edgeAgent waits after a module's end before its next start.
    pub(super) fn restart_wait(&self, restarts: u32) -> Duration {
        const MOST: Duration = Duration::from_secs(300);
        self.doubled(restarts).min(MOST)
    }

    /// How long edgeAgent waits after so many failures of a command before it tries again; there is no most.
    pub(super) fn command_wait(&self, failures: u32) -> Duration {
        self.doubled(failures)
    }

    fn doubled(&self, times: u32) -> Duration {
        self.cool_off.saturating_mul(2_u32.saturating_pow(times))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::manifest::AgentConfig;

    fn env(pairs: &serde_json::Value) -> Env {
        let config =
            AgentConfig::read(&json!({"schemaVersion": "1.1", "runtime": {"type": "docker"}, "systemModules": {
            "edgeAgent": {"type": "docker", "env": pairs, "settings": {"image": "a:1"}}}}));
        config.unwrap().edge_agent.unwrap().env
    }

    #[test]
    fn waits_double_and_restarts_stop_at_five_minutes() {
        let settings = Settings::of(&Env::default());
        let restarts: Vec<u64> = (0..7).map(|n| settings.restart_wait(n).as_secs()).collect();
        assert_eq!(restarts, [10, 20, 40, 80, 160, 300, 300]);
        let commands: Vec<u64> = (1..7).map(|n| settings.command_wait(n).as_secs()).collect();
        assert_eq!(commands, [20, 40, 80, 160, 320, 640]);
        assert!(settings.command_wait(200) > Duration::from_secs(1_000_000), "no overflow");
    }

    #[test]
    fn the_environment_overrides() {
        let settings =
            Settings::of(&env(&json!({"MaxRestartCount": {"value": 3}, "CoolOffTimeUnitInSeconds": {"value": "1"},
            "IntensiveCareTimeInMinutes": {"value": "2"}, "ModuleUpdateMode": {"value": "waitforallpulls"}})));
        assert_eq!((settings.max_tries, settings.cool_off.as_secs(), settings.care.as_secs()), (3, 1, 120));
        assert!(settings.pulls_first);
        assert_eq!(Settings::of(&env(&json!({"MaxRestartCount": {"value": "many"}}))).max_tries, 20);
    }
}
