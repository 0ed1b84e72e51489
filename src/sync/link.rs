//! The link's state, shared by all readers, and what each of them reads through.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{SyncSettings, Wake};
use crate::domain::device::RegistryStatistics;
use crate::domain::fault::Fault;
use crate::domain::time::SharedClock;
use crate::hub::{HubRead, Pace};
use crate::store::{LinkState, Source};

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

    /// A call ended. The answer that ends the hub's silence wakes the other readers, once: what they wait for is over.
    /// No other trouble is shared; a refusal or a 429 is waited out by whom it met.
    fn ended(&self, source: Source, result: Result<(), &Fault>) {
        let now = self.clock.now();
        let mut broke_the_silence = false;
        self.change(|link| {
            broke_the_silence = match result {
                Ok(()) => link.succeeded(source, now),
                Err(fault) => link.failed(source, fault, now),
            };
        });
        if broke_the_silence {
            self.wake.others(source);
        }
    }

    /// The reader of `source` tries again after `wait`.
    pub(super) fn retrying(&self, source: Source, wait: Duration) {
        let mut at = self.clock.now();
        at.mono += wait;
        at.wall = at.wall.saturating_add(wait).unwrap_or(at.wall);
        self.change(|link| link.retrying(source, at));
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

    fn every(&self, source: Source, every: Duration) {
        self.change(|link| *link.budget.every_mut(source) = every);
    }
}

/// What a reader has: the hub, the time, and the link to report to.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Polls: hears of trouble at once, and keeps its own account of messages.
    pub(super) hub: HubRead,
    pub(super) clock: SharedClock,
    pub(super) settings: SyncSettings,
    pub(super) link: Arc<LinkBoard>,
}

impl Reader {
    /// The same with its own account and limits: for one try, and for our own budget to admit a call.
    pub(super) fn within(&self, limit: Duration, patience: Duration) -> Self {
        Self { hub: self.hub.polling(limit, patience), ..self.clone() }
    }

    /// One call; tells the link how it went. The hub's client sets the limits: for one try, because a try is what the
    /// hub may leave unanswered. Waiting for our own budget is not the hub's silence.
    pub(super) async fn call<T>(
        &self,
        source: Source,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let result = call.await;
        self.link.ended(source, result.as_ref().map(|_| ()));
        let budget = self.hub.budget();
        self.link.budget(budget.spent_today, budget.allowed_today);
        result
    }

    /// A round ended that began when `before` messages were spent; says how long to wait for the next.
    pub(super) fn paced<T>(&self, pace: &mut Pace, source: Source, before: u64, result: &Result<T, Fault>) -> Duration {
        match result {
            Ok(_) => pace.succeeded(self.hub.spent().saturating_sub(before)),
            Err(fault) => pace.failed(fault),
        }
        let budget = self.hub.budget();
        let wait = pace.wait(budget.reserve(), budget.allowed_today);
        match result {
            Ok(_) => self.link.every(source, wait),
            // No measure of freshness: the same age would look younger the longer the reader fails.
            Err(_) => self.link.retrying(source, wait),
        }
        wait
    }
}
