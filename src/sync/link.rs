//! The link's state, shared by the three readers, and what each of them reads through.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{SyncSettings, Wake};
use crate::domain::device::RegistryStatistics;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::time::SharedClock;
use crate::hub::HubRead;
use crate::store::{LinkHealth, LinkState};

/// The one place where the link's state is kept.
#[derive(Debug)]
pub(super) struct LinkBoard {
    clock: SharedClock,
    state: Mutex<LinkState>,
    published: watch::Sender<Arc<LinkState>>,
    wake: Arc<Wake>,
}

impl LinkBoard {
    pub(super) fn new(clock: SharedClock, wake: Arc<Wake>) -> (Self, watch::Receiver<Arc<LinkState>>) {
        let (published, receiver) = watch::channel(Arc::default());
        (Self { clock, state: Mutex::default(), published, wake }, receiver)
    }

    fn change(&self, change: impl FnOnce(&mut LinkState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.published.send_replace(Arc::new(state.clone()));
    }

    /// A call was answered. The first answer after trouble wakes every reader: what they wait for is over.
    pub(super) fn succeeded(&self) {
        let now = self.clock.now();
        let mut recovered = false;
        self.change(|link| {
            recovered = matches!(link.health, LinkHealth::Offline | LinkHealth::Throttled | LinkHealth::Forbidden);
            link.succeeded(now);
        });
        if recovered {
            self.wake.all();
        }
    }

    pub(super) fn failed(&self, fault: &Fault) {
        let now = self.clock.now();
        self.change(|link| link.failed(fault, now));
    }

    /// The heartbeat tries again after `wait`.
    pub(super) fn retrying(&self, wait: Duration) {
        let mut at = self.clock.now();
        at.mono += wait;
        at.wall = at.wall.saturating_add(wait).unwrap_or(at.wall);
        self.change(|link| link.retry_at = Some(at));
    }

    pub(super) fn statistics(&self, statistics: RegistryStatistics) {
        self.change(|link| link.statistics = Some(statistics));
    }

    pub(super) fn budget(&self, spent: u64, allowed: u64) {
        self.change(|link| {
            link.budget.spent = spent;
            link.budget.allowed = allowed;
        });
    }

    pub(super) fn fleet_every(&self, every: Duration) {
        self.change(|link| link.budget.fleet_every = every);
    }
}

/// What a reader has: the hub, the time, and the link to report to.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) hub: HubRead,
    pub(super) clock: SharedClock,
    pub(super) settings: SyncSettings,
    pub(super) link: Arc<LinkBoard>,
}

impl Reader {
    /// One call, cut off after `patience`; tells the link how it went.
    pub(super) async fn call<T>(
        &self,
        doing: &'static str,
        patience: Duration,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let result = match tokio::time::timeout(patience, call).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Fault::new(
                FaultKind::TimedOut,
                doing,
                format!("the hub did not answer within {} s", patience.as_secs()),
            )),
        };
        match &result {
            Ok(_) => self.link.succeeded(),
            Err(fault) => self.link.failed(fault),
        }
        let budget = self.hub.budget();
        self.link.budget(budget.spent_today, budget.allowed_today);
        result
    }
}
