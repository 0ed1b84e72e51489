//! Following the logs of one device's modules: the task that asks, and what it publishes.
//!
//! There is one request in flight per device. A round asks for all modules at once, since a request costs a message
//! however little comes back; when that is too large, they are asked for in halves until it fits. The newest picture is
//! on a `watch` channel, where no slow reader holds the task, and old lines leave by the ring's caps: nothing here grows.

mod cost;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, ModuleId};
use crate::domain::time::{Now, SharedClock};
use crate::hub::{HubRead, MethodTimeouts};

use super::continuity::Following;
use super::decode::Failure;
use super::merge::WINDOW;
use super::ring::{Caps, Picture, Source};

pub use cost::Cost;

/// How a device is followed.
#[derive(Debug, Clone, Copy)]
pub struct TailSettings {
    /// Between two rounds while somebody looks.
    pub in_view: Duration,
    /// While nobody does.
    pub background: Duration,
    /// And no longer than this while nobody answers, unless the budget says so: each try costs as much as an answer.
    pub longest_backoff: Duration,
    /// How long to wait for the device.
    pub timeouts: MethodTimeouts,
    /// How long to wait for our own budget before saying so.
    pub patience: Duration,
    /// How much is kept.
    pub caps: Caps,
    /// How far from the newest line lines are still put in their place.
    pub window: Duration,
}

impl Default for TailSettings {
    fn default() -> Self {
        Self {
            in_view: Duration::from_secs(2),
            background: Duration::from_secs(15),
            longest_backoff: Duration::from_secs(60),
            timeouts: MethodTimeouts { connect: Duration::ZERO, response: Duration::from_secs(20) },
            patience: Duration::from_secs(10),
            caps: Caps::default(),
            window: WINDOW,
        }
    }
}

/// How often somebody wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// The log is on the screen.
    InView,
    /// It is not.
    Background,
    /// Nothing is asked.
    Paused,
}

/// What is wanted; replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The modules. What one of them wrote stays when it is no longer followed, and what it writes meanwhile comes, as far
    /// as its log still has it, when it is followed again.
    pub modules: Vec<ModuleId>,
    /// How each of them is followed; another way begins anew, with nothing kept.
    pub following: Following,
    /// How often.
    pub attention: Attention,
}

/// What is known of a device's logs. A failure never removes a line.
#[derive(Debug, Clone, Default)]
pub struct TailPicture {
    /// The lines.
    pub log: Picture,
    /// How often following began anew, with nothing kept: rows from before are not those of now.
    pub anew: u64,
    /// The modules that are followed.
    pub modules: BTreeMap<ModuleId, ModuleState>,
    /// When a request that is still open was sent.
    pub asked: Option<Now>,
    /// When edgeAgent last answered, whatever it said.
    pub answered: Option<Now>,
    /// Why the last request has no answer of edgeAgent's, if it has none (404103, 504101, 429, our own budget …), and
    /// since when none has.
    pub fault: Option<(Fault, Now)>,
    /// From the beginning of one round to that of the next, as things are.
    pub every: Duration,
    /// The same where answers come soon and messages are left to spare.
    pub usual: Duration,
    /// Why it is not so.
    pub slowed: Option<Slowed>,
    /// When the next round begins; `None` while one is under way, and while paused.
    pub next: Option<Now>,
    /// How much of the answers' limit the last round took, in bytes of 127,000 for each request.
    pub bytes: usize,
    /// Requests of the last round.
    pub requests: u32,
    /// What following costs.
    pub cost: Cost,
    /// How far the device's clock was ahead of ours at least: behind, when negative, by at most that and the time
    /// its newest line was old. `None` until a line was new.
    pub ahead: Option<SignedDuration>,
}

/// Why rounds are further apart than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slowed {
    /// Nobody answers, or the day's messages would not last.
    Messages,
    /// Answers take longer than what would lie between them.
    Answers,
}

/// How one module is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleState {
    /// Its letter; `None` when the ring knows too many others.
    pub source: Option<Source>,
    /// The time of its newest line.
    pub newest: Option<Timestamp>,
    /// Why the last answer had nothing of it.
    pub failure: Option<Failure>,
    /// It begins with so many lines in place of all of the time that was wanted: that was more than an answer holds.
    pub shortened: Option<usize>,
    /// Lines of the last answer that could not be read.
    pub unreadable: usize,
}

/// A device that is followed, until this is dropped.
#[derive(Debug)]
pub struct LogTail {
    wanted: watch::Sender<Wanted>,
    wake: Arc<Notify>,
    picture: watch::Receiver<Arc<TailPicture>>,
    _end: DropGuard,
}

impl LogTail {
    /// Starts to follow on the present runtime.
    #[must_use]
    pub fn start(
        hub: &HubRead,
        clock: SharedClock,
        settings: TailSettings,
        device: DeviceId,
        wanted: Wanted,
        cancel: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (wanted, asked_for) = watch::channel(wanted);
        let (published, picture) = watch::channel(Arc::default());
        let wake = Arc::new(Notify::new());
        // A method has a time limit of its own.
        let hub = hub.polling(settings.timeouts.response, settings.patience);
        let reader = reader::Reader::new(hub, clock, settings, device, published);
        let end = cancel.child_token();
        let run = Box::pin(reader.run(asked_for, Arc::clone(&wake)));
        tasks.spawn(end.clone().run_until_cancelled_owned(run));
        Self { wanted, wake, picture, _end: end.drop_guard() }
    }

    /// Says what is wanted now. A module that is new is asked for at once.
    pub fn want(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|present| {
            let changed = *present != wanted;
            *present = wanted;
            changed
        });
    }

    /// Asks now, within the budget.
    pub fn now(&self) {
        self.wake.notify_one();
    }

    /// The newest picture, and the next ones.
    #[must_use]
    pub fn picture(&self) -> watch::Receiver<Arc<TailPicture>> {
        self.picture.clone()
    }
}
