//! Everything that can happen to the console, and everything it can ask for. `update` takes the one and gives the
//! other; neither carries a closure, so both can be logged and compared in tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::secret::Secret;
use crate::domain::time::Now;
use crate::local::{Draft, DraftKey, FilledIn, LastView};
use crate::ops::{OpsBoard, Order, Prepared, Unprepared, WriteIntent};
use crate::store::{DeploymentBoard, DetailBoard, FleetSnapshot, LinkState, Needs};
use crate::tui::following::{LogBoard, LogFile, LogWant};
use crate::tui::notices::Severity;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// Pasted text.
    Paste(String),
    /// The terminal's size, columns and rows.
    Resize(u16, u16),
    /// Time went on; sent before every batch of other messages.
    Tick(Now),
    /// A new picture of the fleet.
    Fleet(Arc<FleetSnapshot>),
    /// New twins.
    Details(Arc<DetailBoard>),
    /// New deployments, or devices behind their figures.
    Deployments(Arc<DeploymentBoard>),
    /// A new state of the link.
    Link(Arc<LinkState>),
    /// Writes moved on.
    Ops(Arc<OpsBoard>),
    /// New lines of the log that is followed, or news of how it is.
    Logs(Arc<LogBoard>),
    /// What was filled into forms before, by their names.
    Forms(BTreeMap<String, FilledIn>),
    /// Drafts that were on disk at start.
    Drafts(Vec<Draft>),
    /// A draft was taken for editing; with what the disk holds of it.
    DraftOpened(DraftKey, Option<Box<Draft>>),
    /// A draft was asked for and cannot be kept on disk, and why: another console has it, or the disk fails.
    DraftRefused(DraftKey, String),
    /// The simulated hub's state, for its page.
    Simulator(Vec<String>),
    /// What could not be kept on disk and still is not, as the local store names it, and why.
    Unsaved(BTreeMap<String, String>),
    /// The console was stopped for a while, and goes on.
    Continued,
    /// The external editor came back, with the text or with what went wrong.
    EditedOutside(TwinId, Result<String, String>),
    /// How we are signed in, once that is known or when it changes.
    SignedIn(String),
    /// What came of preparing a change.
    Prepared(Box<Order>, Result<Box<Prepared>, Unprepared>),
    /// The connection string of a device that was to be shown, or why there is none.
    Revealed(DeviceId, Result<Secret, String>),
    /// Something outside the model has something to say.
    Say(Severity, String),
}

/// Something is wanted of the world.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Hand a write to the gateway.
    Submit(Box<WriteIntent>),
    /// Read what a change is about, and make its request; [`Msg::Prepared`] follows.
    Prepare(Box<Order>),
    /// Record that a device's connection string is shown, and read it; [`Msg::Revealed`] follows.
    Reveal(DeviceId),
    /// Keep these things fresh.
    Need(Needs),
    /// Follow this log and no other.
    Follow(Option<LogWant>),
    /// Write a log into a file of its own.
    SaveLog(Box<LogFile>),
    /// Read again now.
    PollNow,
    /// A draft is being edited: take it, and say when another console has it.
    OpenDraft(DraftKey),
    /// Keep a draft on disk.
    SaveDraft(Box<Draft>),
    /// A draft is not edited here any more: other consoles may.
    CloseDraft(DraftKey),
    /// Remove a draft from the disk.
    DiscardDraft(DraftKey),
    /// Keep what was filled into a form, by its name; `None` empties it.
    SaveForm(String, Option<FilledIn>),
    /// Remember how a view was left.
    SaveView(LastView),
    /// Remember a command line.
    PushHistory(String),
    /// A switch of the simulated hub: the text after `:sim`.
    Sim(String),
    /// Hand text to the terminal's clipboard.
    Copy(String),
    /// Edit text in the editor of the environment.
    EditOutside(TwinId, String),
    /// Go to the shell; [`Msg::Continued`] follows when we are back.
    Suspend,
    /// Paint everything anew.
    Repaint,
    /// Leave.
    Quit,
}
