//! How we stand with the hub: reached when, failing since when and why, and what the budget has left.

use std::time::Duration;

use crate::domain::device::RegistryStatistics;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::time::Now;

/// How it stands in one word.
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
    /// Our own share of the hub's limits is used up; the hub was not asked.
    Budget,
    /// No answer.
    Offline,
}

/// Who reads what. Rights and rates differ between them, so one may be refused while the others go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Registry statistics, the heartbeat.
    Heartbeat,
    /// The fleet's queries.
    Fleet,
    /// Whole twins.
    Twins,
    /// Identities of a device and its modules.
    Identities,
    /// The list of deployments.
    Deployments,
    /// Rows behind a deployment's figure.
    Behind,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Heartbeat, Self::Fleet, Self::Twins, Self::Identities, Self::Deployments, Self::Behind];
}

/// How one source stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceState {
    /// In one word.
    pub health: LinkHealth,
    /// When the present trouble began, and the newest failure.
    pub trouble: Option<(Now, Fault)>,
    /// When its reader tries again.
    pub retry_at: Option<Now>,
}

/// What keeps data from being fresh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trouble<'a> {
    /// In one word.
    pub health: LinkHealth,
    /// Since when.
    pub since: Now,
    /// The newest failure.
    pub fault: &'a Fault,
    /// The next try.
    pub retry_at: Option<Now>,
}

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkState {
    /// Whether the hub answers at all: connecting, online (a refusal is an answer too) or offline.
    pub health: LinkHealth,
    /// The last good answer.
    pub last_ok: Option<Now>,
    /// Since when nothing is answered, and the newest failure.
    silence: Option<(Now, Fault)>,
    sources: [SourceState; 6],
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
    /// How often the twins on screen are read at present.
    pub details_every: Duration,
    /// How often the deployments are read at present.
    pub deployments_every: Duration,
    /// How often the rows behind a figure are read at present.
    pub behind_every: Duration,
}

impl BudgetSummary {
    /// How often the data of a source is read at present.
    #[must_use]
    pub fn every(mut self, source: Source) -> Duration {
        *self.every_mut(source)
    }

    /// The same, for whoever sets the pace.
    pub fn every_mut(&mut self, source: Source) -> &mut Duration {
        match source {
            Source::Twins | Source::Identities => &mut self.details_every,
            Source::Deployments => &mut self.deployments_every,
            Source::Behind => &mut self.behind_every,
            Source::Heartbeat | Source::Fleet => &mut self.fleet_every,
        }
    }
}

impl LinkState {
    /// How a source stands by itself.
    #[must_use]
    pub fn of(&self, source: Source) -> &SourceState {
        let [heartbeat, fleet, twins, identities, deployments, behind] = &self.sources;
        match source {
            Source::Heartbeat => heartbeat,
            Source::Fleet => fleet,
            Source::Twins => twins,
            Source::Identities => identities,
            Source::Deployments => deployments,
            Source::Behind => behind,
        }
    }

    fn of_mut(&mut self, source: Source) -> &mut SourceState {
        let [heartbeat, fleet, twins, identities, deployments, behind] = &mut self.sources;
        match source {
            Source::Heartbeat => heartbeat,
            Source::Fleet => fleet,
            Source::Twins => twins,
            Source::Identities => identities,
            Source::Deployments => deployments,
            Source::Behind => behind,
        }
    }

    /// What keeps the data of `source` from being fresh: the hub's silence, or a trouble of its own. That another
    /// source is refused is none of its business.
    #[must_use]
    pub fn trouble(&self, source: Source) -> Option<Trouble<'_>> {
        let own = self.of(source);
        if let Some((since, fault)) = &self.silence {
            // Whoever tries first ends the silence.
            let tries = self.sources.iter().filter(|state| state.health == LinkHealth::Offline);
            let retry_at = tries.filter_map(|state| state.retry_at).min_by_key(|at| at.mono);
            return Some(Trouble { health: LinkHealth::Offline, since: *since, fault, retry_at });
        }
        let (since, fault) = own.trouble.as_ref()?;
        Some(Trouble { health: own.health, since: *since, fault, retry_at: own.retry_at })
    }

    /// A good answer came; says whether it ended the hub's silence.
    pub fn succeeded(&mut self, source: Source, now: Now) -> bool {
        self.last_ok = Some(now);
        *self.of_mut(source) = SourceState { health: LinkHealth::Online, ..SourceState::default() };
        self.answered()
    }

    /// The hub said something, if only that it refuses.
    fn answered(&mut self) -> bool {
        self.health = LinkHealth::Online;
        self.silence.take().is_some()
    }

    /// A call failed; says whether the failure was an answer that ended the hub's silence. Failures that say nothing
    /// about the link (a 404, a 412) count as a good answer.
    pub fn failed(&mut self, source: Source, fault: &Fault, now: Now) -> bool {
        let health = match fault.kind {
            FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::Server | FaultKind::Protocol => {
                LinkHealth::Offline
            }
            FaultKind::Throttled(_) => LinkHealth::Throttled,
            FaultKind::Unauthorized => LinkHealth::Forbidden,
            FaultKind::QuotaExceeded => LinkHealth::QuotaExceeded,
            FaultKind::SystemModule
            | FaultKind::NotFound
            | FaultKind::Declined
            | FaultKind::DeviceOffline
            | FaultKind::AlreadyExists
            | FaultKind::PreconditionFailed
            | FaultKind::Rejected => return self.succeeded(source, now),
            FaultKind::Budget => LinkHealth::Budget,
        };
        let own = self.of_mut(source);
        let before = own.health;
        if health == LinkHealth::Budget && !matches!(before, LinkHealth::Connecting | LinkHealth::Online) {
            // Nobody was asked: what the hub said last still holds, and is why the budget refuses.
            if before != LinkHealth::Budget {
                return false;
            }
        }
        let since = own.trouble.as_ref().filter(|_| before == health).map_or(now, |(since, _)| *since);
        own.health = health;
        own.trouble = Some((since, fault.clone()));
        match (health, &mut self.silence) {
            (LinkHealth::Offline, Some((_, newest))) => *newest = fault.clone(),
            // One source may fail for long while others are answered: only a new failure makes the hub silent.
            (LinkHealth::Offline, None) if before != LinkHealth::Offline => {
                self.silence = Some((now, fault.clone()));
                self.health = LinkHealth::Offline;
            }
            (LinkHealth::Offline | LinkHealth::Budget, _) => {}
            _ => return self.answered(),
        }
        false
    }

    /// The reader of a source tries again at `at`.
    pub fn retrying(&mut self, source: Source, at: Now) {
        self.of_mut(source).retry_at = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Clock, ManualClock};

    fn fault(kind: FaultKind) -> Fault {
        Fault::new(kind, "read", "no")
    }

    fn shown(link: &LinkState, source: Source) -> Option<LinkHealth> {
        link.trouble(source).map(|trouble| trouble.health)
    }

    #[test]
    fn trouble_keeps_its_beginning_until_an_answer_comes() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut link = LinkState::default();
        link.succeeded(Source::Fleet, clock.now());
        clock.advance(Duration::from_secs(5));
        let began = clock.now();
        link.failed(Source::Fleet, &fault(FaultKind::TimedOut), began);
        clock.advance(Duration::from_secs(30));
        link.failed(Source::Fleet, &fault(FaultKind::TimedOut), clock.now());
        assert_eq!(link.health, LinkHealth::Offline);
        assert_eq!(link.trouble(Source::Twins).map(|trouble| trouble.since), Some(began), "silence is everybody's");
        assert!(link.failed(Source::Fleet, &fault(FaultKind::NotFound), clock.now()));
        assert_eq!((link.health, link.trouble(Source::Fleet)), (LinkHealth::Online, None));
    }

    #[test]
    fn a_refused_source_says_nothing_of_the_others() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut link = LinkState::default();
        link.failed(Source::Heartbeat, &fault(FaultKind::Unauthorized), clock.now());
        assert!(!link.succeeded(Source::Fleet, clock.now()), "a refusal was never silence");
        link.failed(Source::Heartbeat, &fault(FaultKind::Unauthorized), clock.now());
        assert_eq!((link.health, shown(&link, Source::Fleet)), (LinkHealth::Online, None));
        assert_eq!(shown(&link, Source::Heartbeat), Some(LinkHealth::Forbidden));
    }

    #[test]
    fn silence_ends_once_and_one_failing_source_does_not_begin_it_again() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut link = LinkState::default();
        for source in [Source::Heartbeat, Source::Fleet] {
            link.failed(source, &fault(FaultKind::Server), clock.now());
        }
        assert!(link.failed(Source::Twins, &fault(FaultKind::Unauthorized), clock.now()), "a refusal is an answer");
        assert!(!link.succeeded(Source::Fleet, clock.now()));
        link.failed(Source::Heartbeat, &fault(FaultKind::Server), clock.now());
        assert_eq!((link.health, shown(&link, Source::Fleet)), (LinkHealth::Online, None));
        assert_eq!(shown(&link, Source::Heartbeat), Some(LinkHealth::Offline));
        link.failed(Source::Fleet, &fault(FaultKind::TimedOut), clock.now());
        assert_eq!(shown(&link, Source::Twins), Some(LinkHealth::Offline), "now nobody is answered");
    }

    #[test]
    fn our_own_budget_is_not_the_hubs_silence() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut link = LinkState::default();
        link.succeeded(Source::Heartbeat, clock.now());
        link.failed(Source::Fleet, &fault(FaultKind::Budget), clock.now());
        assert_eq!((link.health, shown(&link, Source::Fleet)), (LinkHealth::Online, Some(LinkHealth::Budget)));
        link.failed(Source::Fleet, &fault(FaultKind::Throttled(Duration::from_secs(9))), clock.now());
        link.failed(Source::Fleet, &fault(FaultKind::Budget), clock.now());
        assert_eq!(shown(&link, Source::Fleet), Some(LinkHealth::Throttled), "the budget refuses because the hub did");
    }
}
