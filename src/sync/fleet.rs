//! The fleet reader: devices seldom, the digest often, agents when they moved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::link::Reader;
use super::{Wake, until};
use crate::domain::fault::Fault;
use crate::domain::ids::DeviceId;
use crate::domain::time::Now;
use crate::hub::Pace;
use crate::store::{
    Digest, Feed, FeedState, FleetBuilder, FleetSnapshot, Needs, QUERY_AGENTS, QUERY_DEVICES, QUERY_DIGEST, Source,
};

/// Rows asked for per page; the service gives what it likes up to that.
const PAGE: u32 = 100;
/// Every so many digests the devices are listed again, for tags and for devices that came or went.
const DIGESTS_PER_LISTING: u32 = 6;
/// Agents named in one `deviceId IN […]`; keeps the query far below the service's 8192 characters.
const AGENTS_PER_QUERY: usize = 40;
/// While a long answer comes in, the picture so far is handed over this often.
const PAGE_SHOWN_EVERY: Duration = Duration::from_millis(250);

struct FleetReader {
    reader: Reader,
    fleet: FleetBuilder,
    published: watch::Sender<Arc<FleetSnapshot>>,
    /// When a picture was last handed over.
    shown: Option<Now>,
}

pub(super) async fn run(
    reader: Reader,
    wake: Arc<Wake>,
    mut needs: watch::Receiver<Needs>,
    published: watch::Sender<Arc<FleetSnapshot>>,
) {
    let mut pace = Pace::new(reader.settings.fleet);
    let mut this = FleetReader { reader, fleet: FleetBuilder::default(), published, shown: None };
    let mut until_listing = 0_u32;
    loop {
        let wanted = {
            let needs = needs.borrow_and_update();
            needs.fleet && !needs.paused
        };
        if !wanted {
            // Nobody looks: the next look reads at once.
            tokio::select! {
                changed = needs.changed() => if changed.is_err() { return },
                // Somebody changed something, or asked: devices may have come or gone.
                () = wake.fleet.notified() => until_listing = 0,
            }
            continue;
        }
        let before = this.reader.hub.spent();
        let result = this.round(until_listing == 0).await;
        let wait = this.reader.paced(&mut pace, Source::Fleet, before, &result);
        if let Ok(strangers) = result {
            until_listing = if strangers { 0 } else { until_listing.checked_sub(1).unwrap_or(DIGESTS_PER_LISTING) };
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wake.fleet.notified() => until_listing = 0,
            // The view is left: the wait ends above.
            changed = until(&mut needs, |needs| !needs.fleet || needs.paused) => if changed.is_err() { return },
        }
    }
}

impl FleetReader {
    /// One round; says whether the digest names devices that are not in the list yet.
    async fn round(&mut self, list: bool) -> Result<bool, Fault> {
        if list {
            let mut seen = Vec::new();
            self.pages(Feed::Devices, QUERY_DEVICES.to_owned(), |fleet, page| seen.extend(fleet.devices(page))).await?;
            self.fleet.retain(&seen);
        }
        let mut digests: BTreeMap<DeviceId, Digest> = BTreeMap::new();
        self.pages(Feed::Digest, QUERY_DIGEST.to_owned(), |_, page| FleetBuilder::read_digest(&mut digests, page))
            .await?;
        let moved = self.fleet.digest(&digests);
        let strangers = self.fleet.has_strangers(&digests);
        self.publish();
        // When most of the fleet moved (the first time above all), one query over all is fewer requests than many.
        if moved.is_empty() {
            // What was read of the agents still holds: the digest says so.
            *self.fleet.state(Feed::Agents) =
                FeedState { as_of: self.fleet.state(Feed::Digest).as_of, ..FeedState::default() };
        } else if moved.len() > AGENTS_PER_QUERY {
            self.pages(Feed::Agents, QUERY_AGENTS.to_owned(), FleetBuilder::agents).await?;
        } else {
            let names: Vec<String> = moved.iter().map(|id| format!("'{}'", id.as_str().replace('\'', "\\'"))).collect();
            let query = format!("{QUERY_AGENTS} AND deviceId IN [{}]", names.join(", "));
            self.pages(Feed::Agents, query, FleetBuilder::agents).await?;
        }
        self.publish();
        Ok(strangers)
    }

    /// Reads all pages of a query into the fleet; every page is on screen as soon as it is here.
    async fn pages(
        &mut self,
        feed: Feed,
        query: String,
        mut take: impl FnMut(&mut FleetBuilder, &[Value]),
    ) -> Result<(), Fault> {
        let doing = match feed {
            Feed::Devices => "list the devices",
            Feed::Digest => "read the agents' versions",
            Feed::Agents => "read what the agents report",
        };
        let mut token = None;
        let mut pages = 0;
        loop {
            let page = {
                let page = self.reader.hub.query_page(&query, PAGE, token.as_ref());
                let call = async { page.await.map_err(|fault| Fault { doing: doing.into(), ..fault }) };
                self.reader.call(Source::Fleet, call).await
            };
            let now = self.reader.clock.now();
            match page {
                Ok(page) => {
                    take(&mut self.fleet, &page.rows);
                    pages += 1;
                    token = page.next;
                    let state = self.fleet.state(feed);
                    state.fault = None;
                    if token.is_none() {
                        state.pages = None;
                        state.as_of = Some(now);
                        return Ok(());
                    }
                    state.pages = Some(pages);
                    self.publish_page();
                }
                Err(fault) => {
                    let state = self.fleet.state(feed);
                    state.pages = None;
                    state.fault = Some((fault.clone(), now));
                    self.publish();
                    return Err(fault);
                }
            }
        }
    }

    /// Hands over the picture as it is.
    fn publish(&mut self) {
        self.shown = Some(self.reader.clock.now());
        self.published.send_replace(self.fleet.snapshot());
    }

    /// Hands over the picture while pages come in: the first page at once, then as often as anybody can look.
    fn publish_page(&mut self) {
        let now = self.reader.clock.now();
        if self.shown.is_none_or(|at| now.since(at) >= PAGE_SHOWN_EVERY) {
            self.publish();
        }
    }
}
