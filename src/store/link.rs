//! How we stand with the hub: reached when, failing since when and why, and what the budget has left.

use std::time::Duration;

use crate::domain::device::RegistryStatistics;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::time::Now;

/// The link in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkHealth {
    /// No answer yet, and no failure either.
    #[default]
    Connecting,
    /// The newest answer was a good one.
    Online,
    /// The hub answers, and asks to slow down.
    Throttled,
    /// The hub answers, and does not let us in.
    Forbidden,
    /// The day's messages are used up; free calls still work.
    QuotaExceeded,
    /// No answer.
    Offline,
}

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkState {
    /// In one word.
    pub health: LinkHealth,
    /// The last good answer.
    pub last_ok: Option<Now>,
    /// When the present trouble began, and the newest failure.
    pub trouble: Option<(Now, Fault)>,
    /// When the heartbeat tries again.
    pub retry_at: Option<Now>,
    /// `GET /statistics/devices`, for the heartbeat and the registry's own count.
    pub statistics: Option<RegistryStatistics>,
    /// What the budget says.
    pub budget: BudgetSummary,
}

/// The budget in the figures a screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BudgetSummary {
    /// Messages this console caused since 00:00 UTC (or its start).
    pub spent: u64,
    /// Messages it allows itself a day.
    pub allowed: u64,
    /// How often the fleet is read at present.
    pub fleet_every: Duration,
}

impl LinkState {
    /// An answer came.
    pub fn succeeded(&mut self, now: Now) {
        self.health = LinkHealth::Online;
        self.last_ok = Some(now);
        self.trouble = None;
        self.retry_at = None;
    }

    /// A call failed. Failures that say nothing about the link (a 404, a 412) count as an answer.
    pub fn failed(&mut self, fault: &Fault, now: Now) {
        let health = match fault.kind {
            FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::Server | FaultKind::Protocol => {
                LinkHealth::Offline
            }
            FaultKind::Throttled(_) => LinkHealth::Throttled,
            FaultKind::Unauthorized => LinkHealth::Forbidden,
            FaultKind::QuotaExceeded => LinkHealth::QuotaExceeded,
            FaultKind::SystemModule
            | FaultKind::NotFound
            | FaultKind::DeviceOffline
            | FaultKind::AlreadyExists
            | FaultKind::PreconditionFailed
            | FaultKind::Rejected => return self.succeeded(now),
            // Our own budget: says nothing about the hub.
            FaultKind::Budget => return,
        };
        let since = self.trouble.as_ref().filter(|_| self.health == health).map_or(now, |(since, _)| *since);
        self.health = health;
        self.trouble = Some((since, fault.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Clock, ManualClock};

    #[test]
    fn trouble_keeps_its_beginning_until_an_answer_comes() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut link = LinkState::default();
        link.succeeded(clock.now());
        clock.advance(Duration::from_secs(5));
        let began = clock.now();
        let fault = Fault::new(FaultKind::TimedOut, "read", "no answer");
        link.failed(&fault, began);
        clock.advance(Duration::from_secs(30));
        link.failed(&fault, clock.now());
        assert_eq!(link.health, LinkHealth::Offline);
        assert_eq!(link.trouble.as_ref().map(|(since, _)| *since), Some(began));
        link.failed(&Fault::new(FaultKind::NotFound, "read", "gone"), clock.now());
        assert_eq!((link.health, link.trouble), (LinkHealth::Online, None));
    }
}
