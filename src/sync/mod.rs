//! When to read what. Views declare their [`Needs`], the budget decides how often, and the newest picture is
//! handed over on `watch` channels, where no slow reader can hold a poller.
//!
//! Five tasks, each with one request in flight and all of them alive as long as the process:
//! - the heartbeat (`heartbeat.rs`) asks for registry statistics, which cost no messages, and so notices within
//!   seconds that the hub is gone, and that it is back;
//! - the fleet reader (`fleet.rs`) keeps the table fresh;
//! - the detail reader (`details.rs`) keeps the twins on screen fresh;
//! - the reader of deployments (`deployments.rs`) keeps their list fresh, which costs no messages;
//! - the reader behind figures (`behind.rs`) finds the devices that a deployment's figure counts, while they are looked at.

mod behind;
mod deployments;
mod details;
mod fleet;
mod heartbeat;
mod link;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::time::SharedClock;
use crate::hub::HubRead;
use crate::store::{DeploymentBoard, DetailBoard, FleetSnapshot, LinkState, Needs, Source};

/// How often to read at best; the budget may make it seldomer, a failure backs off.
#[derive(Debug, Clone, Copy)]
pub struct SyncSettings {
    /// The heartbeat.
    pub heartbeat: Duration,
    /// The fleet's digest.
    pub fleet: Duration,
    /// The twins of the open view.
    pub details: Duration,
    /// The list of deployments.
    pub deployments: Duration,
    /// The devices behind a deployment's figure.
    pub behind: Duration,
    /// The longest the hub may take for an answer before it counts as silent.
    pub patience: Duration,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            fleet: Duration::from_secs(10),
            details: Duration::from_secs(5),
            deployments: Duration::from_secs(30),
            behind: Duration::from_secs(60),
            patience: Duration::from_secs(10),
        }
    }
}

/// The running readers, seen from outside.
#[derive(Debug, Clone)]
pub struct Sync {
    needs: watch::Sender<Needs>,
    wake: Arc<Wake>,
    /// The fleet.
    pub fleet: watch::Receiver<Arc<FleetSnapshot>>,
    /// Whole twins of the open views.
    pub details: watch::Receiver<Arc<DetailBoard>>,
    /// Deployments, and devices behind their figures.
    pub deployments: watch::Receiver<Arc<DeploymentBoard>>,
    /// The link.
    pub link: watch::Receiver<Arc<LinkState>>,
}

/// "Read now", for each reader: a permit is kept when the reader is busy, and two make one.
#[derive(Debug, Default)]
struct Wake {
    heartbeat: Notify,
    fleet: Notify,
    details: Notify,
    deployments: Notify,
    behind: Notify,
}

impl Wake {
    /// Everybody but the reader that was just answered.
    fn others(&self, answered: Source) {
        if answered != Source::Heartbeat {
            self.heartbeat.notify_one();
        }
        if answered != Source::Fleet {
            self.fleet.notify_one();
        }
        if !matches!(answered, Source::Twins | Source::Identities) {
            self.details.notify_one();
        }
        if answered != Source::Deployments {
            self.deployments.notify_one();
        }
        if answered != Source::Behind {
            self.behind.notify_one();
        }
    }

    fn all(&self) {
        self.heartbeat.notify_one();
        self.fleet.notify_one();
        self.details.notify_one();
        self.deployments.notify_one();
        self.behind.notify_one();
    }
}

impl Sync {
    /// Starts the readers on the present runtime; they end with `cancel`.
    #[must_use]
    pub fn start(
        hub: HubRead,
        clock: SharedClock,
        settings: SyncSettings,
        needs: Needs,
        cancel: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (needs_tx, needs_rx) = watch::channel(needs);
        let (fleet_tx, fleet) = watch::channel(Arc::default());
        let (details_tx, details) = watch::channel(Arc::default());
        let (deployments_tx, deployments) = watch::channel(Arc::default());
        let wake = Arc::new(Wake::default());
        let (link_board, link) = link::LinkBoard::new(clock.clone(), wake.clone());
        let reader = link::Reader { hub, clock, settings, link: Arc::new(link_board) };
        // The heartbeat's limit is short, so that an outage shows within seconds. Only the fleet's many pages are worth
        // a long wait for the budget; whoever opens another view does not wait for the budget of the last one.
        let heart = reader.within(settings.heartbeat.min(settings.patience), settings.patience);
        let fleet_reader = reader.within(settings.patience, Duration::MAX);
        let detail_reader = reader.within(settings.patience, settings.patience);
        let deployment_reader = reader.within(settings.patience, settings.patience);
        let behind_reader = reader.within(settings.patience, Duration::MAX);
        let run = |future| tasks.spawn(cancel.clone().run_until_cancelled_owned(future));
        run(heartbeat::run(heart, wake.clone()).boxed_reader());
        run(fleet::run(fleet_reader, wake.clone(), needs_rx.clone(), fleet_tx).boxed_reader());
        run(details::run(detail_reader, wake.clone(), needs_rx.clone(), details_tx).boxed_reader());
        let board = deployments_tx.clone();
        run(deployments::run(deployment_reader, wake.clone(), needs_rx.clone(), board).boxed_reader());
        run(behind::run(behind_reader, wake.clone(), needs_rx, deployments_tx).boxed_reader());
        Self { needs: needs_tx, wake, fleet, details, deployments, link }
    }

    /// Says what is on screen now. A new need is read at once.
    pub fn need(&self, needs: Needs) {
        self.needs.send_if_modified(|present| {
            let changed = *present != needs;
            *present = needs;
            changed
        });
    }

    /// Reads everything that is needed now, within the budget.
    pub fn now(&self) {
        self.wake.all();
    }
}

/// Resolves when what is on screen fulfils a condition; fails when there will be no more screens.
async fn until(
    needs: &mut watch::Receiver<Needs>,
    holds: impl FnMut(&Needs) -> bool,
) -> Result<(), watch::error::RecvError> {
    needs.wait_for(holds).await.map(|_| ())
}

/// The readers never end by themselves; one type for all of them.
trait BoxedReader: Future<Output = ()> + Send + Sized + 'static {
    fn boxed_reader(self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self)
    }
}

impl<F: Future<Output = ()> + Send + 'static> BoxedReader for F {}
