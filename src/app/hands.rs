//! The console without its terminal: the parts wired together, and what carries out the effects that reach hub, disk
//! and simulator. The product puts a terminal in front of it, the flow tests a script; neither wires anything itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::follow::{self, Following};
use super::simulator::Simulator;
use crate::audit::{AuditLog, NoteKind, Origin, Who};
use crate::config::Platform;
use crate::domain::ids::DeviceId;
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;
use crate::hub::{Hub, HubRead};
use crate::local::{DraftKey, LastView, Loaded, LocalError, LocalStore, Opened, Options as LocalOptions, Status};
use crate::logs::tail::TailSettings;
use crate::ops::{Gateway, Order, prepare};
use crate::store::Needs;
use crate::sync::{Sync, SyncSettings};
use crate::tui::following::LogFile;
use crate::tui::msg::{Effect, Msg};
use crate::tui::notices::Severity;
use crate::tui::run::Pictures;

/// Messages from the background to the model; more than this many at once are dropped.
const NEWS: usize = 32;

/// What a console is wired from.
#[derive(Debug)]
pub struct Materials {
    /// The hub; without a write half the console is read-only.
    pub hub: Hub,
    /// The context's name.
    pub context: String,
    /// What the hub is called: its host name.
    pub name: String,
    /// Who is at the keyboard.
    pub who: Who,
    /// The audit record's folder.
    pub audit: PathBuf,
    /// The state folder: drafts, history.
    pub state: PathBuf,
    /// How long drafts are kept.
    pub keep_drafts: Duration,
    /// How often to read.
    pub sync: SyncSettings,
    /// How logs are followed.
    pub logs: TailSettings,
    /// The simulated hub behind it, when it is one.
    pub simulator: Option<Simulator>,
}

/// A wired console.
#[derive(Debug)]
pub struct Wired {
    /// Carries out effects.
    pub hands: Hands,
    /// What the loop looks at.
    pub pictures: Pictures,
    /// Command lines of before.
    pub history: Vec<String>,
    /// Where the operator was in this context.
    pub last_view: Option<LastView>,
    /// What the model should hear before the first frame.
    pub greetings: Vec<Msg>,
}

/// Wires the parts and starts reading; everything ends with `cancel`. Blocks on the disk.
///
/// # Errors
/// A sentence when the audit record cannot be opened and the console could write: no record, no write. Without drafts the console
/// works, and says so.
pub fn wire(materials: Materials, clock: &SharedClock, cancel: &CancellationToken) -> Result<Wired, String> {
    let Materials { hub, context, name, who, audit, state, keep_drafts, sync, logs, simulator } = materials;
    let mut greetings = Vec::new();
    let log = match AuditLog::open(audit, clock.clone()) {
        Ok(log) => Some(log),
        // Looking needs no record.
        Err(error) if hub.write.is_none() => {
            greetings.push(Msg::Say(Severity::Warning, error.to_string()));
            None
        }
        Err(error) => return Err(format!("{error}. Without it nothing could be written; --read-only needs none")),
    };
    if let Some(reason) = log.as_ref().and_then(AuditLog::found_at_start) {
        greetings.push(Msg::Say(Severity::Warning, format!("the audit record: {reason}")));
    }
    let me = format!("pid {} on {}", who.pid, who.tty.as_deref().unwrap_or("no terminal"));
    let saved = state.join("saved");
    let options = LocalOptions { keep_drafts, ..LocalOptions::new(state, me) };
    let (local, history, last_view) = open_local(options, clock, &context, &name, &mut greetings);
    let tasks = TaskTracker::new();
    let needs = Needs { fleet: true, ..Needs::default() };
    let sync = Sync::start(hub.read.clone(), clock.clone(), sync, needs, cancel, &tasks);
    let following = Following::new(hub.read.clone(), clock.clone(), logs, cancel.clone(), tasks.clone());
    let origin = Origin {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        context: context.clone(),
        hub: name.clone(),
        who,
        identity: hub.read.identity(),
    };
    let read = hub.read.clone();
    let gateway = Gateway::new(hub.write, hub.read, log, origin, clock.clone(), cancel.clone(), tasks);
    let pictures = Pictures {
        fleet: sync.fleet.clone(),
        details: sync.details.clone(),
        deployments: sync.deployments.clone(),
        link: sync.link.clone(),
        ops: gateway.board.clone(),
        logs: following.pictures(),
    };
    let (tell, news) = mpsc::channel(NEWS);
    let kept = local.as_ref().map(LocalStore::status);
    let hands = Hands {
        sync,
        gateway,
        read,
        following,
        saved,
        clock: clock.clone(),
        local,
        context,
        hub: name,
        kept,
        unsaved: BTreeMap::new(),
        simulator,
        identity: Mutex::default(),
        news,
        tell,
    };
    Ok(Wired { hands, pictures, history, last_view, greetings })
}

fn open_local(
    options: LocalOptions,
    clock: &SharedClock,
    context: &str,
    hub: &str,
    greetings: &mut Vec<Msg>,
) -> (Option<LocalStore>, Vec<String>, Option<LastView>) {
    match LocalStore::open(options, clock.clone()) {
        Ok((local, loaded)) => {
            let Loaded { drafts, mut view, mut forms, history, findings } = loaded;
            greetings.extend(findings.iter().map(|finding| Msg::Say(Severity::Warning, finding.to_string())));
            let (free, held): (Vec<_>, Vec<_>) = drafts
                .into_iter()
                .filter(|found| found.draft.key.context == context && found.draft.key.hub == hub)
                .partition(|found| found.held_by.is_none());
            for found in held {
                let holder = found.held_by.unwrap_or_default();
                let text =
                    format!("a draft of {} is open in another console ({holder})", found.draft.key.target.shown());
                greetings.push(Msg::Say(Severity::Warning, text));
            }
            greetings.push(Msg::Drafts(free.into_iter().map(|found| found.draft).collect()));
            greetings.push(Msg::Forms(forms.remove(hub).unwrap_or_default()));
            (Some(local), history, view.contexts.remove(context))
        }
        Err(error) => {
            greetings.push(Msg::Say(Severity::Error, format!("drafts are not kept: {error}")));
            (None, Vec::new(), None)
        }
    }
}

/// Carries out effects with the real parts. Nothing here waits for hub or disk.
#[derive(Debug)]
pub struct Hands {
    sync: Sync,
    gateway: Gateway,
    read: HubRead,
    following: Following,
    /// Where logs are written to.
    saved: PathBuf,
    clock: SharedClock,
    local: Option<LocalStore>,
    /// The context views are remembered under.
    context: String,
    /// The hub whose forms are kept.
    hub: String,
    kept: Option<watch::Receiver<Status>>,
    /// What the model was told of it.
    unsaved: BTreeMap<String, String>,
    simulator: Option<Simulator>,
    /// The identity the model was told last.
    identity: Mutex<String>,
    news: mpsc::Receiver<Msg>,
    tell: mpsc::Sender<Msg>,
}

impl Hands {
    /// Carries out an effect; what comes back is told to the model. Those of the terminal and of the loop are not ours
    /// and do nothing.
    pub fn carry_out(&self, effect: Effect) -> Vec<Msg> {
        let kept = match effect {
            Effect::Submit(intent) => {
                self.gateway.submit(*intent);
                return Vec::new();
            }
            Effect::Prepare(order) => {
                self.prepare(order);
                return Vec::new();
            }
            Effect::Reveal(device) => {
                self.reveal(device);
                return Vec::new();
            }
            Effect::Need(needs) => {
                self.sync.need(needs);
                // A view opened: by the time somebody writes in it, the dialog names who writes.
                return self.signed_in();
            }
            Effect::Follow(want) => {
                self.following.want(want);
                return Vec::new();
            }
            Effect::SaveLog(file) => {
                self.save_log(*file);
                return Vec::new();
            }
            Effect::PollNow => {
                self.read_again();
                return Vec::new();
            }
            Effect::OpenDraft(key) => {
                self.open_draft(key);
                return Vec::new();
            }
            Effect::Sim(text) => {
                self.simulate(text);
                return Vec::new();
            }
            Effect::SaveDraft(draft) => self.local.as_ref().map(|local| local.save_draft(*draft)),
            Effect::CloseDraft(key) => self.local.as_ref().map(|local| local.close_draft(&key)),
            Effect::DiscardDraft(key) => self.local.as_ref().map(|local| local.discard_draft(&key)),
            Effect::SaveView(view) => self.local.as_ref().map(|local| local.save_view(self.context.clone(), view)),
            Effect::SaveForm(form, fields) => {
                self.local.as_ref().map(|local| local.save_form(self.hub.clone(), form, fields))
            }
            Effect::PushHistory(line) => self.local.as_ref().map(|local| local.push_history(line)),
            Effect::Copy(_) | Effect::EditOutside(..) | Effect::Suspend | Effect::Repaint | Effect::Quit => None,
        };
        match kept {
            Some(Err(error)) => say(error.to_string()),
            Some(Ok(())) | None => Vec::new(),
        }
    }

    /// How we are signed in, when that is news.
    fn signed_in(&self) -> Vec<Msg> {
        let identity = String::from(Untrusted::new(self.gateway.identity()).shown());
        let mut told = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == identity {
            return Vec::new();
        }
        told.clone_from(&identity);
        vec![Msg::SignedIn(identity)]
    }

    /// The next thing the background has to say. May be dropped and called again.
    pub async fn news(&mut self) -> Msg {
        tokio::select! {
            biased;
            Some(message) = self.news.recv() => message,
            failures = unsaved(&mut self.kept, &self.unsaved) => {
                self.unsaved.clone_from(&failures);
                Msg::Unsaved(failures)
            }
        }
    }

    /// Says something to the model from wherever it is not at hand; dropped when too much waits already.
    pub fn tell(&self, message: Msg) {
        let _ = self.tell.try_send(message);
    }

    /// Reads everything on screen again.
    pub fn read_again(&self) {
        self.sync.now();
        self.following.now();
    }

    /// Drafts and history, when they are kept.
    #[must_use]
    pub fn local(&self) -> Option<&LocalStore> {
        self.local.as_ref()
    }

    /// Asks the simulated hub, away from the loop: bringing its world up to date may take a moment.
    fn simulate(&self, text: String) {
        let tell = self.tell.clone();
        let Some(simulator) = self.simulator.clone() else {
            let why = "this is not a simulated hub; start with `edgedeck --sim`".to_owned();
            self.tell(Msg::Say(Severity::Warning, why));
            return;
        };
        tokio::task::spawn_blocking(move || {
            for message in simulator.run(&text) {
                // Dropped when too much waits: the page is read again in a moment.
                let _ = tell.try_send(message);
            }
        });
    }

    /// Reads what a change is about, away from the loop, and tells what came of it.
    fn prepare(&self, order: Box<Order>) {
        let (tell, read, clock) = (self.tell.clone(), self.read.clone(), self.clock.clone());
        tokio::spawn(async move {
            let prepared = prepare(&read, &order, clock.now()).await.map(Box::new);
            // It waits for room, here and not in the loop: the view waits for the answer.
            let _ = tell.send(Msg::Prepared(order, prepared)).await;
        });
    }

    /// Writes a log to the disk, and says where it is.
    fn save_log(&self, file: LogFile) {
        let (folder, tell) = (self.saved.clone(), self.tell.clone());
        let stamp = self.clock.now().wall.strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        tokio::task::spawn_blocking(move || {
            let home = Platform::detect().map(|platform| platform.home);
            let message = match follow::save(&folder, home.as_deref(), &file, &stamp) {
                Ok(text) => Msg::Say(Severity::Outcome, text),
                Err(text) => Msg::Say(Severity::Error, text),
            };
            // It waits for room: whoever saved something wants to know where it is.
            let _ = tell.blocking_send(message);
        });
    }

    /// Records that a device's key is shown, then reads it; what is not recorded is not shown.
    fn reveal(&self, device: DeviceId) {
        let (tell, read, gateway) = (self.tell.clone(), self.read.clone(), self.gateway.clone());
        tokio::spawn(async move {
            let text = "the connection string of the device was shown";
            let result = match gateway.note(NoteKind::Revealed, &device.shown(), text).await {
                Ok(()) => {
                    let read = read.device_connection_string(&device).await;
                    read.map_err(|fault| format!("{fault}; {}", fault.advice()))
                }
                Err(why) => Err(format!("not shown: {why}")),
            };
            let _ = tell.send(Msg::Revealed(device, result)).await;
        });
    }

    /// Takes a draft, and tells what the disk holds of it or who has it, once the disk has answered.
    fn open_draft(&self, key: DraftKey) {
        let local = self.local.clone();
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let answer = match local {
                Some(local) => opened(key.clone(), local.open_draft(key).await),
                // Said once, at the start.
                None => Msg::DraftOpened(key, None),
            };
            // It waits for room, here and not in the loop: without the answer a draft would go unseen.
            let _ = tell.send(answer).await;
        });
    }
}

/// What the model hears when a draft was asked for.
fn opened(key: DraftKey, answer: Result<Opened, LocalError>) -> Msg {
    match answer {
        Ok(Opened::Ours(found)) => Msg::DraftOpened(key, found.map(Box::new)),
        Ok(Opened::Theirs { holder, .. }) => {
            let text = format!(
                "another console edits this twin too ({holder}); your draft is not kept on disk, sending is guarded as always"
            );
            Msg::DraftRefused(key, text)
        }
        Err(error) => {
            let text = format!("the draft of {} could not be taken: {error}", key.target.shown());
            Msg::DraftRefused(key, text)
        }
    }
}

fn say(text: String) -> Vec<Msg> {
    vec![Msg::Say(Severity::Error, text)]
}

/// What could not be kept on disk, whenever that changes; never returns when nothing is kept.
async fn unsaved(
    kept: &mut Option<watch::Receiver<Status>>,
    told: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let Some(status) = kept else { return std::future::pending().await };
    loop {
        if status.changed().await.is_err() {
            // The writer has ended, and with it the news about it.
            return std::future::pending().await;
        }
        let failures: BTreeMap<String, String> = status
            .borrow_and_update()
            .failures
            .iter()
            .map(|(what, failure)| (what.clone(), failure.error.to_string()))
            .collect();
        if failures != *told {
            return failures;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{DeviceId, TwinId};

    #[test]
    fn every_answer_of_the_disk_is_told() {
        let key = || DraftKey {
            context: "sim".into(),
            hub: "h".into(),
            target: TwinId::device(DeviceId::from_wire("edge-gateway-001")),
        };
        assert!(matches!(opened(key(), Ok(Opened::Ours(None))), Msg::DraftOpened(_, None)));
        let theirs = Opened::Theirs { holder: "pid 7 on pts/1".into(), copy: None };
        assert!(matches!(opened(key(), Ok(theirs)), Msg::DraftRefused(_, text) if text.contains("pid 7")));
        let failed = opened(key(), Err(LocalError::Stopped));
        assert!(matches!(failed, Msg::DraftRefused(_, text) if text.contains("edge-gateway-001")));
    }
}
