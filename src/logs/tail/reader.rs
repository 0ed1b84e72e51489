//! The task behind a [`LogTail`](super::LogTail): rounds of requests, one at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeviceId, ModuleId};
use crate::domain::time::SharedClock;
use crate::hub::{HubRead, Pace};

use super::super::continuity::{Ask, Follower, Following, Found, Mark, Step};
use super::super::decode::{self, Answer, Failure};
use super::super::merge::Merge;
use super::super::parse::is_about_polling;
use super::super::request::{ANSWER_LIMIT, Encoding, LogsRequest, container};
use super::super::ring::Ring;
use super::super::veil::Veil;
use super::cost::Meter;
use super::{Attention, ModuleState, Slowed, TailPicture, TailSettings, Wanted};

pub(super) struct Reader {
    hub: HubRead,
    clock: SharedClock,
    settings: TailSettings,
    device: DeviceId,
    following: Following,
    followers: BTreeMap<ModuleId, Follower>,
    /// Those of modules that are not followed at present: where their lines went on is still known.
    parked: BTreeMap<ModuleId, Follower>,
    veils: BTreeMap<ModuleId, Veil>,
    /// Modules that are asked for together: all of them, until that was too large.
    groups: Vec<Vec<ModuleId>>,
    merge: Merge,
    ring: Ring,
    picture: TailPicture,
    published: watch::Sender<Arc<TailPicture>>,
}

impl Reader {
    pub fn new(
        hub: HubRead,
        clock: SharedClock,
        settings: TailSettings,
        device: DeviceId,
        published: watch::Sender<Arc<TailPicture>>,
    ) -> Self {
        Self {
            hub,
            clock,
            settings,
            device,
            following: Following::default(),
            followers: BTreeMap::new(),
            parked: BTreeMap::new(),
            veils: BTreeMap::new(),
            groups: Vec::new(),
            merge: Merge::new(settings.window),
            ring: Ring::new(settings.caps),
            picture: TailPicture::default(),
            published,
        }
    }

    /// Ends when nobody wants anything any more, or is abandoned.
    pub async fn run(mut self, mut wanted: watch::Receiver<Wanted>, wake: Arc<Notify>) {
        let mut pace = Pace::new(self.settings.in_view).backing_off_to(self.settings.longest_backoff);
        let mut meter = Meter::default();
        loop {
            let now = wanted.borrow_and_update().clone();
            let usual = match now.attention {
                Attention::InView => self.settings.in_view,
                Attention::Background | Attention::Paused => self.settings.background,
            };
            pace.every(usual);
            self.follow(&now);
            let idle = now.attention == Attention::Paused || self.followers.is_empty();
            let mut took = Duration::ZERO;
            if !idle {
                let (began, before) = (self.clock.now(), self.hub.spent());
                let result = self.round().await;
                let messages = self.hub.spent().saturating_sub(before);
                match result {
                    Ok(()) => {
                        pace.succeeded(messages);
                        took = self.clock.now().since(began);
                    }
                    Err(fault) => pace.failed_at(&fault, messages),
                }
            }
            let budget = self.hub.budget();
            let every = pace.wait(budget.reserve(), budget.allowed_today);
            // From question to question, however long the answer took; but there is a rest.
            let wait = every.saturating_sub(took).max(every / 2);
            self.picture.usual = usual;
            self.picture.slowed = match every > usual {
                true => Some(Slowed::Messages),
                false => (took + wait > usual).then_some(Slowed::Answers),
            };
            if !idle {
                self.picture.cost = meter.round(self.clock.now().mono, self.hub.spent(), took + wait);
            }
            self.rest(took + wait, wait, idle);
            let wait = if idle { Duration::from_secs(3_600) } else { wait };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = wake.notified() => {}
                changed = wanted.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Takes up what is wanted.
    fn follow(&mut self, wanted: &Wanted) {
        if self.following != wanted.following {
            self.following = wanted.following.clone();
            self.picture.anew += 1;
            self.followers.clear();
            self.parked.clear();
            self.veils.clear();
            self.picture.modules.clear();
            self.merge = Merge::new(self.settings.window);
            self.ring = Ring::new(self.settings.caps);
        }
        self.parked.extend(self.followers.extract_if(.., |module, _| !wanted.modules.contains(module)));
        self.picture.modules.retain(|module, _| wanted.modules.contains(module));
        let mut changed = self.groups.iter().flatten().any(|module| !wanted.modules.contains(module));
        for module in &wanted.modules {
            if self.followers.contains_key(module) {
                continue;
            }
            changed = true;
            let source = self.ring.source(module);
            self.picture.modules.insert(module.clone(), ModuleState { source, ..ModuleState::default() });
            if source.is_some() {
                let anew = || Follower::new(module.clone(), self.following.clone());
                let follower = self.parked.remove(module).unwrap_or_else(anew);
                self.followers.insert(module.clone(), follower);
                // Its log belongs among what is there.
                self.merge.open();
            }
        }
        if changed {
            self.together();
        }
    }

    fn together(&mut self) {
        let all: Vec<ModuleId> = self.followers.keys().cloned().collect();
        self.groups = if all.is_empty() { Vec::new() } else { vec![all] };
    }

    /// Asks until there is no reason to ask again at once. Fails when nobody was answered, and when the hub said no.
    async fn round(&mut self) -> Result<(), Fault> {
        self.picture.next = None;
        self.picture.requests = 0;
        self.picture.bytes = 0;
        let mut groups = VecDeque::from(std::mem::take(&mut self.groups));
        let mut result = Ok(());
        let mut answered = false;
        while let Some(group) = groups.pop_front() {
            let (asks, answer) = self.ask(&group).await;
            match answer {
                Ok(answer) => {
                    let again = self.read(asks, answer);
                    answered = true;
                    groups.extend((!again.is_empty()).then_some(again));
                }
                // Too much together, or one of them spoils it for all: each half is asked for anew. Silence comes down to
                // one module, and ends the round there.
                Err(failure)
                    if group.len() > 1 && (failure.may_be_too_large() || matches!(failure, Failure::Agent { .. })) =>
                {
                    let (first, second) = group.split_at(group.len() / 2);
                    groups.push_front(second.to_vec());
                    groups.push_front(first.to_vec());
                    continue;
                }
                Err(failure) => {
                    for (module, ask) in asks {
                        if self.answered(&module, &ask, Err(failure.clone())).again {
                            groups.push_back(vec![module]);
                        }
                    }
                    if let Some(fault) = self.fault_of(&failure) {
                        result = Err(fault);
                    }
                    if matches!(failure, Failure::Hub(_)) {
                        self.groups.push(group);
                        break;
                    }
                }
            }
            self.groups.push(group);
        }
        // What was not asked for any more keeps its group.
        self.groups.extend(groups);
        self.regroup();
        if answered {
            self.merge.settle();
        }
        if answered && self.picture.fault.is_none() { Ok(()) } else { result }
    }

    /// One request, for a group of modules.
    async fn ask(&mut self, group: &[ModuleId]) -> (Vec<(ModuleId, Ask)>, Result<Answer, Failure>) {
        let mut asks = Vec::with_capacity(group.len());
        for module in group {
            if let Some(follower) = self.followers.get_mut(module) {
                asks.push((module.clone(), follower.next_request()));
            }
        }
        let items = asks.iter().map(|(_, ask)| ask.item.clone()).collect();
        let request = LogsRequest { items, encoding: Encoding::Gzip };
        self.picture.asked = Some(self.clock.now());
        self.picture.requests += 1;
        self.publish();
        let reply = self.hub.module_logs(&self.device, &request.to_json(), self.settings.timeouts).await;
        let now = self.clock.now();
        self.picture.asked = None;
        let since = self.picture.fault.as_ref().map_or(now, |(_, since)| *since);
        self.picture.fault = reply.as_ref().err().map(|fault| (fault.clone(), since));
        if reply.is_ok() {
            self.picture.answered = Some(now);
        }
        (asks, reply.map_err(Failure::Hub).and_then(|reply| decode::answer(reply.status, &reply.payload)))
    }

    /// Takes an answer; returns the modules to ask for again at once.
    fn read(&mut self, asks: Vec<(ModuleId, Ask)>, mut answer: Answer) -> Vec<ModuleId> {
        let mut again = Vec::new();
        for (module, ask) in asks {
            let part = answer.take(&module);
            self.picture.bytes += part.as_ref().map_or(0, |decoded| decoded.bytes);
            if self.answered(&module, &ask, part).again {
                again.push(module);
            }
        }
        self.publish();
        again
    }

    /// Gives a module's part of an answer to its follower, and what is new to the ring.
    fn answered(&mut self, module: &ModuleId, ask: &Ask, part: Result<decode::Decoded, Failure>) -> Step {
        let now = self.clock.now();
        let Some(follower) = self.followers.get_mut(module) else { return Step::default() };
        let mut step = follower.answered(&ask.ticket, part);
        let state = self.picture.modules.entry(module.clone()).or_default();
        state.failure = step.failure.take();
        state.unreadable = step.unreadable;
        let Some(source) = state.source else { return step };
        let is_agent = container(module) == container(&ModuleId::edge_agent());
        let veil = self.veils.entry(module.clone()).or_default();
        for mut found in step.found.drain(..) {
            match &mut found {
                Found::Line(entry) => {
                    // Here and nowhere later: what is kept, searched, shown and saved has no secrets in it.
                    veil.hide(entry);
                    if let Some(time) = entry.time {
                        state.newest = Some(time);
                        self.picture.ahead = self.picture.ahead.max(Some(time.duration_since(now.wall)));
                    }
                }
                Found::Mark(Mark::ClockBack { .. }) => self.picture.ahead = None,
                Found::Mark(Mark::Shortened { lines, .. }) => state.shortened = Some(*lines),
                Found::Mark(_) => {}
            }
            for mut row in self.merge.place(source, found, now.wall) {
                row.polling = is_agent && is_about_polling(row.text());
                self.ring.add(row);
            }
        }
        step
    }

    /// Asks for everything together again once that should fit, and for what was asked for twice only once.
    fn regroup(&mut self) {
        let fits = self.picture.bytes <= ANSWER_LIMIT / 2;
        let well =
            self.picture.modules.values().all(|state| matches!(state.failure, None | Some(Failure::NoSuchModule)));
        if self.groups.len() > 1 && fits && well {
            self.together();
            return;
        }
        let mut known: Vec<ModuleId> = Vec::new();
        for group in &mut self.groups {
            group.retain(|module| !known.contains(module));
            known.extend(group.iter().cloned());
        }
        self.groups.retain(|group| !group.is_empty());
    }

    /// A failure that makes us wait longer, unless somebody else was answered.
    fn fault_of(&self, failure: &Failure) -> Option<Fault> {
        let doing = || format!("read logs of {}", self.device.shown());
        match failure {
            Failure::Hub(fault) => Some(fault.clone()),
            Failure::Agent { message, .. } => Some(Fault::new(FaultKind::Server, doing(), message.clone())),
            Failure::Unreadable(why) => Some(Fault::new(FaultKind::Protocol, doing(), why.clone())),
            Failure::TooLarge { .. } | Failure::NoSuchModule => None,
        }
    }

    fn rest(&mut self, every: Duration, wait: Duration, idle: bool) {
        self.picture.every = every;
        let mut next = self.clock.now();
        next.mono = next.mono.saturating_add(wait);
        next.wall = next.wall.saturating_add(wait).unwrap_or(next.wall);
        self.picture.next = (!idle).then_some(next);
        self.publish();
    }

    fn publish(&mut self) {
        self.picture.log = self.ring.picture();
        self.published.send_replace(Arc::new(self.picture.clone()));
    }
}
