//! The detail reader: the twins and identities of the open view, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Wake;
use super::link::Reader;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::hub::Pace;
use crate::store::{DetailBoard, Needs, Source};

/// Twins that are kept after their view was left, so that going back shows them at once (with their age).
const KEPT: usize = 16;

/// Rights change seldom: where identities are refused they are not asked for every few seconds.
const REFUSED_FOR: Duration = Duration::from_secs(60);

pub(super) async fn run(
    reader: Reader,
    wake: Arc<Wake>,
    mut needs: watch::Receiver<Needs>,
    published: watch::Sender<Arc<DetailBoard>>,
) {
    let mut pace = Pace::new(reader.settings.details);
    let mut this = DetailReader { reader, board: DetailBoard::default(), published, refused: None };
    loop {
        let now = needs.borrow_and_update().clone();
        let before = this.reader.hub.spent();
        let result = if now.paused { Ok(()) } else { this.round(&now).await };
        let every = this.reader.paced(&mut pace, Source::Twins, before, &result);
        let idle = now.paused || (now.device.is_none() && now.twin.is_none());
        let wait = if idle { Duration::from_secs(3_600) } else { every };
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
    /// When the hub last refused to show identities.
    refused: Option<Now>,
}

impl DetailReader {
    async fn round(&mut self, needs: &Needs) -> Result<(), Fault> {
        let mut result = Ok(());
        if let Some(device) = &needs.device {
            // The agent's twin first: it is what the view is about.
            let agent = TwinId::module(device.clone(), ModuleId::edge_agent());
            for id in [agent, TwinId::device(device.clone())] {
                result = result.and(self.twin(&id).await);
                if asks_to_slow_down(&result) {
                    return result;
                }
            }
            let now = self.reader.clock.now();
            if self.refused.is_none_or(|at| now.since(at) >= REFUSED_FOR) {
                let identity = self.identity(device).await;
                self.refused =
                    identity.as_ref().err().filter(|fault| fault.kind == FaultKind::Unauthorized).map(|_| now);
                // A policy without RegistryRead reads twins all the same: they keep their pace.
                if self.refused.is_none() {
                    result = result.and(identity);
                }
            }
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
        let read = self.reader.call(Source::Twins, self.reader.hub.twin(id)).await;
        let now = self.reader.clock.now();
        let result = read.as_ref().map(|_| ()).map_err(Clone::clone);
        self.board.twins.entry(id.clone()).or_default().settle(read.map(Arc::new), now);
        self.publish();
        result
    }

    async fn identity(&mut self, id: &DeviceId) -> Result<(), Fault> {
        let now = self.reader.clock.now();
        self.board.identities.entry(id.clone()).or_default().ask(now);
        self.board.modules.entry(id.clone()).or_default().ask(now);
        let device = self.reader.call(Source::Identities, self.reader.hub.device(id)).await;
        let modules = self.reader.call(Source::Identities, self.reader.hub.modules(id)).await;
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

/// Whether the round ends here: the next call would wait for the rest the hub asked for.
fn asks_to_slow_down(result: &Result<(), Fault>) -> bool {
    result.as_ref().is_err_and(|fault| matches!(fault.kind, FaultKind::Throttled(_)))
}
