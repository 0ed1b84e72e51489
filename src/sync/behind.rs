//! The reader of what stands behind a deployment's figure: a query, page by page, which costs messages. It reads only
//! while somebody looks, and seldom.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::deployments::change;
use super::link::Reader;
use super::{Wake, until};
use crate::domain::fault::Fault;
use crate::hub::Pace;
use crate::store::{Behind, DeploymentBoard, Extent, Found, Needs, Source};

/// Rows asked for per page.
const PAGE: u32 = 100;
/// Rows that are kept of one answer: whoever looks for one device among more filters the fleet.
const ROWS: usize = 2_000;
/// Queries whose rows are kept after their view was left, so that going back shows them at once.
const KEPT: usize = 8;

pub(super) async fn run(
    reader: Reader,
    wake: Arc<Wake>,
    mut needs: watch::Receiver<Needs>,
    published: watch::Sender<Arc<DeploymentBoard>>,
) {
    let wanted = |needs: &Needs| needs.behind.clone().filter(|_| !needs.paused);
    let mut pace = Pace::new(reader.settings.behind);
    // When which query is due again: going to and fro between two does not pay for either before.
    let mut due: BTreeMap<Arc<str>, Duration> = BTreeMap::new();
    loop {
        if until(&mut needs, |needs| wanted(needs).is_some()).await.is_err() {
            return;
        }
        let Some(query) = wanted(&needs.borrow()) else { continue };
        // What was forgotten is due, whenever it was read.
        let kept = published.borrow().behind.contains_key(&query);
        let at = due.get(&query).filter(|_| kept).copied().unwrap_or(Duration::ZERO);
        let other = |needs: &Needs| wanted(needs).as_ref() != Some(&query);
        tokio::select! {
            () = tokio::time::sleep(at.saturating_sub(reader.clock.now().mono)) => {}
            () = wake.behind.notified() => {}
            left = until(&mut needs, other) => match left {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let before = reader.hub.spent();
        // Whoever leaves does not pay for the pages that would have followed.
        let result = tokio::select! {
            result = read(&reader, &published, &query) => result,
            left = until(&mut needs, other) => {
                if left.is_err() {
                    return;
                }
                change(&published, |board| if let Some(read) = board.behind.get_mut(&query) { read.asked = None });
                continue;
            }
        };
        let wait = reader.paced(&mut pace, Source::Behind, before, &result);
        let now = reader.clock.now().mono;
        due.retain(|_, at| *at > now);
        due.insert(query, now + wait);
    }
}

async fn read(reader: &Reader, published: &watch::Sender<Arc<DeploymentBoard>>, query: &Arc<str>) -> Result<(), Fault> {
    change(published, |board| {
        board.behind.entry(Arc::clone(query)).or_default().ask(reader.clock.now());
        board.prune(KEPT, query);
    });
    let mut found = Vec::new();
    let mut token = None;
    let mut pages = 0;
    loop {
        let call = async {
            let page = reader.hub.query_page(query, PAGE, token.as_ref()).await;
            page.map_err(|fault| Fault { doing: "find the devices behind the figure".into(), ..fault })
        };
        let page = match reader.call(Source::Behind, call).await {
            Ok(page) => page,
            Err(fault) => {
                let now = reader.clock.now();
                change(published, |board| {
                    board.behind.entry(Arc::clone(query)).or_default().settle(Err(fault.clone()), now);
                });
                return Err(fault);
            }
        };
        pages += 1;
        found.extend(page.rows.iter().map(Found::read));
        token = page.next;
        let extent = match (&token, found.len() >= ROWS) {
            (None, _) => Extent::Whole,
            (Some(_), true) => Extent::Cut,
            (Some(_), false) => Extent::Pages(pages),
        };
        let now = reader.clock.now();
        let behind = Arc::new(Behind { found: Found::sorted(found.clone()), extent });
        change(published, |board| {
            let read = board.behind.entry(Arc::clone(query)).or_default();
            match extent {
                // What was read before is better than its beginning.
                Extent::Pages(_) if read.get().is_some_and(|known| !matches!(known.extent, Extent::Pages(_))) => {}
                Extent::Pages(_) => read.value = Some((behind, now)),
                Extent::Whole | Extent::Cut => read.settle(Ok(behind), now),
            }
        });
        if !matches!(extent, Extent::Pages(_)) {
            return Ok(());
        }
    }
}
