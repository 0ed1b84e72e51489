//! What is wrong with the way to the hub: switched off like a dead network, or slow.

use std::time::Duration;

use tokio::sync::watch;

/// The faults in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultState {
    /// Whether the hub answers. Switched off it looks like a dead network: connections open and requests are
    /// sent, but nothing ever comes back.
    pub hub_on: bool,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for FaultState {
    fn default() -> Self {
        Self { hub_on: true, latency: Duration::ZERO }
    }
}

/// The switches, shared by whoever turns them and every connection.
#[derive(Debug)]
pub(super) struct Faults(watch::Sender<FaultState>);

impl Faults {
    pub(super) fn new(state: FaultState) -> Self {
        Self(watch::Sender::new(state))
    }

    pub(super) fn state(&self) -> FaultState {
        *self.0.borrow()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut FaultState)) {
        self.0.send_modify(change);
    }

    /// Returns as soon as the hub is on.
    pub(super) async fn reachable(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        drop(self.0.subscribe().wait_for(|state| state.hub_on).await);
    }

    /// Waits for the latency in force.
    pub(super) async fn delay(&self) {
        let latency = self.state().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }
}
