//! The reader of deployments: the list is one free request, and its class allows few.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::link::Reader;
use super::{Wake, until};
use crate::domain::deployment::Listed;
use crate::domain::fault::Fault;
use crate::domain::ids::natural_cmp;
use crate::hub::Pace;
use crate::store::{DeploymentBoard, Needs, Source};

pub(super) async fn run(
    reader: Reader,
    wake: Arc<Wake>,
    mut needs: watch::Receiver<Needs>,
    published: watch::Sender<Arc<DeploymentBoard>>,
) {
    let wanted = |needs: &Needs| needs.deployments && !needs.paused;
    let mut pace = Pace::new(reader.settings.deployments);
    // When the next read is due; coming back to the view before that shows what was read, with its age.
    let mut due = Duration::ZERO;
    loop {
        if until(&mut needs, wanted).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(due.saturating_sub(reader.clock.now().mono)) => {}
            () = wake.deployments.notified() => {}
            left = until(&mut needs, |needs| !wanted(needs)) => match left {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let before = reader.hub.spent();
        let result = read(&reader, &published).await;
        due = reader.paced(&mut pace, Source::Deployments, before, &result) + reader.clock.now().mono;
    }
}

async fn read(reader: &Reader, published: &watch::Sender<Arc<DeploymentBoard>>) -> Result<(), Fault> {
    change(published, |board| board.list.ask(reader.clock.now()));
    let answer = reader.call(Source::Deployments, reader.hub.configurations()).await;
    let result = answer.as_ref().map(|_| ()).map_err(Clone::clone);
    let list = answer.map(|mut list: Vec<Listed>| {
        list.sort_by(|a, b| natural_cmp(a.id().as_str(), b.id().as_str()));
        list.into()
    });
    change(published, |board| board.list.settle(list, reader.clock.now()));
    result
}

/// Changes the picture that the readers of deployments share, and hands it over.
pub(super) fn change(published: &watch::Sender<Arc<DeploymentBoard>>, change: impl FnOnce(&mut DeploymentBoard)) {
    published.send_modify(|board| {
        let board = Arc::make_mut(board);
        board.generation += 1;
        change(board);
    });
}
