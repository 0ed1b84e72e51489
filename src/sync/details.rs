//! The detail reader: the twins and identities of the open view, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::link::Reader;
use super::pace::reserve;
use super::{Pace, Wake};
use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::store::{DetailBoard, Needs};

/// Twins that are kept after their view was left, so that going back shows them at once (with their age).
const KEPT: usize = 16;

pub(super) async fn run(
    reader: Reader,
    wake: Arc<Wake>,
    mut needs: watch::Receiver<Needs>,
    published: watch::Sender<Arc<DetailBoard>>,
) {
    let mut pace = Pace::new(reader.settings.details);
    let mut this = DetailReader { reader, board: DetailBoard::default(), published };
    loop {
        let now = needs.borrow_and_update().clone();
        let before = this.reader.hub.budget().spent_today;
        let result = if now.paused { Ok(()) } else { this.round(&now).await };
        match result {
            Ok(()) => pace.succeeded(this.reader.hub.budget().spent_today.saturating_sub(before)),
            Err(_shown_on_the_board) => pace.failed(),
        }
        let idle = now.paused || (now.device.is_none() && now.twin.is_none());
        let budget = this.reader.hub.budget();
        let wait = if idle { Duration::from_secs(3_600) } else { pace.wait(reserve(&budget), budget.allowed_today) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wake.details.notified() => {}
            changed = needs.changed() => if changed.is_err() { return },
        }
    }
}

struct DetailReader {
    reader: Reader,
    board: DetailBoard,
    published: watch::Sender<Arc<DetailBoard>>,
}

impl DetailReader {
    async fn round(&mut self, needs: &Needs) -> Result<(), Fault> {
        let mut result = Ok(());
        if let Some(device) = &needs.device {
            // The agent's twin first: it is what the view is about.
            let agent = TwinId::module(device.clone(), ModuleId::edge_agent());
            for id in [agent, TwinId::device(device.clone())] {
                result = result.and(self.twin(&id).await);
            }
            result = result.and(self.identity(device).await);
        }
        if let Some(twin) = &needs.twin {
            result = result.and(self.twin(twin).await);
        }
        self.board.prune(KEPT);
        result
    }

    async fn twin(&mut self, id: &TwinId) -> Result<(), Fault> {
        self.board.twins.entry(id.clone()).or_default().ask(self.reader.clock.now());
        self.publish();
        let read = self.reader.call("read the twin", self.reader.settings.patience, self.reader.hub.twin(id)).await;
        let now = self.reader.clock.now();
        let result = read.as_ref().map(|_| ()).map_err(Clone::clone);
        self.board.twins.entry(id.clone()).or_default().settle(read.map(Arc::new), now);
        self.publish();
        result
    }

    async fn identity(&mut self, id: &DeviceId) -> Result<(), Fault> {
        let patience = self.reader.settings.patience;
        let now = self.reader.clock.now();
        self.board.identities.entry(id.clone()).or_default().ask(now);
        self.board.modules.entry(id.clone()).or_default().ask(now);
        let device = self.reader.call("read the device identity", patience, self.reader.hub.device(id)).await;
        let modules = self.reader.call("list the modules", patience, self.reader.hub.modules(id)).await;
        let now = self.reader.clock.now();
        let result = device.as_ref().map(|_| ()).and(modules.as_ref().map(|_| ())).map_err(Clone::clone);
        self.board.identities.entry(id.clone()).or_default().settle(device.map(Arc::new), now);
        self.board.modules.entry(id.clone()).or_default().settle(modules.map(Into::into), now);
        self.publish();
        result
    }

    fn publish(&mut self) {
        self.board.generation += 1;
        self.published.send_replace(Arc::new(self.board.clone()));
    }
}
