//! What every view may look at: the session, the keys, the newest pictures, marks, drafts and what there is to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::{DeviceId, OpId, TwinId};
use crate::domain::time::Now;
use crate::local::{Draft, FilledIn, LastView};
use crate::ops::{Level, OpsBoard, Write, WriteIntent};
use crate::store::{DeploymentBoard, DetailBoard, Fetched, FleetSnapshot, LinkState};
use crate::tui::actions::Danger;
use crate::tui::evidence::EvidenceBoard;
use crate::tui::following::LogBoard;
use crate::tui::keymap::Keymap;
use crate::tui::notices::{Notices, Severity};
use crate::tui::theme::signs::Glyphs;

/// Who and where we are; fixed for a run.
#[derive(Debug, Clone)]
pub struct Session {
    /// The program's version.
    pub version: String,
    /// The context's name, sanitised.
    pub context: String,
    /// The hub's host name, sanitised.
    pub hub: String,
    /// What the hub sees of us: `policy iothubowner`.
    pub identity: String,
    /// Whether the hub is the embedded simulated one.
    pub simulated: bool,
    /// Whether the context is marked as production.
    pub production: bool,
    /// Whether nothing can be written.
    pub read_only: bool,
    /// Random per process; writes are numbered from it.
    pub seed: uuid::Uuid,
}

/// What views share.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The present instant, as of the newest tick.
    pub now: Now,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Who and where we are.
    pub session: Session,
    /// The keys.
    pub keymap: Keymap,
    /// Signs the terminal has.
    pub glyphs: Glyphs,
    /// The fleet.
    pub fleet: Arc<FleetSnapshot>,
    /// Whole twins.
    pub details: Arc<DetailBoard>,
    /// Deployments, and devices behind their figures.
    pub deployments: Arc<DeploymentBoard>,
    /// What the fleet's twins say of the deployments; as of [`Shell::count_evidence`].
    pub evidence: EvidenceBoard,
    /// The link.
    pub link: Arc<LinkState>,
    /// Writes.
    pub ops: Arc<OpsBoard>,
    /// The log that is followed.
    pub logs: Arc<LogBoard>,
    /// What there is to say.
    pub notices: Notices,
    /// Marked devices; identities, so they survive refresh, sort and filter.
    pub marks: BTreeSet<DeviceId>,
    /// How this context's list of devices was left last time.
    pub last_view: Option<LastView>,
    /// Drafts by twin.
    pub drafts: BTreeMap<TwinId, Draft>,
    /// Those of them that are as they were on the disk: another console may have gone on with them since.
    pub drafts_found: BTreeSet<TwinId>,
    /// Since when the picture is frozen.
    pub paused: Option<Now>,
    /// When the console last went on after having been stopped: what is on screen may be from before.
    pub continued: Option<Now>,
    /// The simulated hub's state, line by line.
    pub simulator: Fetched<Vec<String>>,
    /// What could not be kept on disk and still is not, and why.
    pub unsaved: BTreeMap<String, String>,
    ops_asked: u128,
    /// What was filled into forms and not sent, by their names: it is there again when they are opened.
    pub forms: BTreeMap<String, FilledIn>,
    /// Devices whose edgeAgent did not answer when it was last asked (404103), and when that was: sooner evidence than the
    /// link, which a hub gives up after minutes.
    pub unanswered: BTreeMap<DeviceId, Now>,
}

impl Shell {
    /// A shell with nothing read yet.
    #[must_use]
    pub fn new(session: Session, keymap: Keymap, glyphs: Glyphs, now: Now, size: (u16, u16)) -> Self {
        Self {
            now,
            size,
            session,
            keymap,
            glyphs,
            fleet: Arc::default(),
            details: Arc::default(),
            deployments: Arc::default(),
            evidence: EvidenceBoard::default(),
            link: Arc::default(),
            ops: Arc::default(),
            logs: Arc::default(),
            notices: Notices::default(),
            forms: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            marks: BTreeSet::new(),
            last_view: None,
            drafts: BTreeMap::new(),
            drafts_found: BTreeSet::new(),
            paused: None,
            continued: None,
            simulator: Fetched::default(),
            unsaved: BTreeMap::new(),
            ops_asked: 0,
        }
    }

    /// Counts what the fleet's twins say of the deployments, when that can have changed. Over a large fleet it takes tens of
    /// milliseconds, so that views that show it ask for it, and nobody else.
    pub fn count_evidence(&mut self) {
        self.evidence.keep_up(&self.fleet, &self.deployments);
    }

    /// Whether there is a draft of this twin that was typed here.
    #[must_use]
    pub fn has_typed(&self, id: &TwinId) -> bool {
        self.drafts.contains_key(id) && !self.drafts_found.contains(id)
    }

    /// Whether the disk does not hold what was typed for this twin.
    #[must_use]
    pub fn is_unsaved(&self, id: &TwinId) -> bool {
        self.unsaved.contains_key(&format!("draft of {}", id.shown()))
    }

    /// Takes over a draft as it is on the disk.
    pub fn take_found(&mut self, draft: Draft) {
        self.drafts_found.insert(draft.key.target.clone());
        self.drafts.insert(draft.key.target.clone(), draft);
    }

    /// Takes over a draft as it was typed here.
    pub fn take_typed(&mut self, draft: Draft) {
        self.drafts_found.remove(&draft.key.target);
        self.drafts.insert(draft.key.target.clone(), draft);
    }

    /// Forgets a draft; gives it back when there was one.
    pub fn drop_draft(&mut self, id: &TwinId) -> Option<Draft> {
        self.drafts_found.remove(id);
        self.drafts.remove(id)
    }

    /// The next write's number: unique between processes by the seed, and the same in every replay.
    pub fn next_op(&mut self) -> OpId {
        self.ops_asked += 1;
        OpId(uuid::Uuid::from_u128(self.session.seed.as_u128().wrapping_add(self.ops_asked)))
    }

    /// Why something of that danger, called `what`, is not done now.
    #[must_use]
    pub fn forbids(&self, danger: Danger, what: &str) -> Option<String> {
        if danger != Danger::Write {
            return None;
        }
        if self.session.read_only {
            return Some(format!("{what} needs read-write; this console was opened read-only"));
        }
        self.is_behind().then(|| format!("{what} waits: the console was stopped, and the hub has not been read since"))
    }

    /// A write of this session, asked for now, with the confirmation it needs here.
    pub fn intent<R: Write>(&mut self, request: R) -> WriteIntent<R> {
        let level = Level::of(&request, self.session.production);
        WriteIntent::new(self.next_op(), &self.session.hub, request, level, self.now)
    }

    /// Says something that went well.
    pub fn info(&mut self, text: impl Into<String>) {
        self.notices.say(Severity::Info, text, self.now);
    }

    /// Says that one's own change is through.
    pub fn outcome(&mut self, text: impl Into<String>) {
        self.notices.say(Severity::Outcome, text, self.now);
    }

    /// Says something that is in the way.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.notices.say(Severity::Warning, text, self.now);
    }

    /// Says something that failed.
    pub fn error(&mut self, text: impl Into<String>) {
        self.notices.say(Severity::Error, text, self.now);
    }

    /// Whether the console was stopped and nothing has been heard of the hub since: then nothing is written
    /// (console-ux W-26).
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.continued.is_some_and(|since| self.link.last_ok.is_none_or(|heard| heard.mono < since.mono))
    }

    /// Rows of the body: everything between the two upper and the two lower bands.
    #[must_use]
    pub fn body_rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(4))
    }
}
