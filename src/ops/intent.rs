//! What somebody asked to change, fixed at the moment of asking.

use super::request::{Request, TwinWrite, Write};
use crate::domain::ids::OpId;
use crate::domain::time::Now;

/// How much asking a change needs (console-ux 2.11). A production context asks one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A dialog with the focus on Cancel: one twin of one module.
    Dialog,
    /// A dialog in which the object's name is typed: what takes something away.
    TypedName,
    /// A dialog in which hub and name are typed, `hub/name`: what takes something away from many.
    TypedHub,
}

impl Level {
    /// The next one.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Dialog => Self::TypedName,
            Self::TypedName | Self::TypedHub => Self::TypedHub,
        }
    }

    /// The least that a request needs in this kind of context.
    #[must_use]
    pub fn of(request: &impl Write, production: bool) -> Self {
        let least = request.least();
        if production { least.raised() } else { least }
    }
}

/// One write with everything it needs: what it asks of the hub, and who asked it, when and how. `R` is the kind of
/// request where only one is meant; the gateway takes any.
#[derive(Debug, Clone)]
pub struct WriteIntent<R = Request> {
    /// Its number.
    pub op: OpId,
    /// The hub's host name at the time of asking.
    pub hub: String,
    /// What is asked of the hub.
    pub request: R,
    /// How it was confirmed.
    pub level: Level,
    /// What was typed to confirm it, above [`Level::Dialog`].
    pub typed: Option<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// When it was asked.
    pub asked_at: Now,
}

impl<R: Write> WriteIntent<R> {
    /// An intent that nobody confirmed yet.
    #[must_use]
    pub fn new(op: OpId, hub: &str, request: R, level: Level, asked_at: Now) -> Self {
        Self { op, hub: hub.to_owned(), request, level, typed: None, reason: None, asked_at }
    }

    /// What has to be typed; `None` where a button is enough.
    #[must_use]
    pub fn phrase(&self) -> Option<String> {
        let target = self.request.target();
        match self.level {
            Level::Dialog => None,
            Level::TypedName => Some(target.name().to_owned()),
            Level::TypedHub => Some(format!("{}/{}", self.hub_name(), target.name())),
        }
    }

    /// The hub's name: the first label of its host, or the whole of it where it is an address, without its port.
    #[must_use]
    pub fn hub_name(&self) -> &str {
        let host = self.hub.rsplit_once(':').map_or(self.hub.as_str(), |(host, _port)| host);
        match host.split_once('.') {
            Some((label, _)) if !label.chars().all(|c| c.is_ascii_digit()) => label,
            _ => host,
        }
    }

    /// The same change as commands of the Azure CLI, for the hand-over note.
    #[must_use]
    pub fn az_equivalent(&self) -> String {
        self.request.az(self.hub_name())
    }
}

impl WriteIntent {
    /// The change of a twin, where it is one.
    #[must_use]
    pub fn twin(&self) -> Option<&TwinWrite> {
        match &self.request {
            Request::Twin(write) => Some(write),
            _ => None,
        }
    }
}

impl From<WriteIntent<TwinWrite>> for WriteIntent {
    fn from(intent: WriteIntent<TwinWrite>) -> Self {
        let WriteIntent { op, hub, request, level, typed, reason, asked_at } = intent;
        Self { op, hub, request: Request::Twin(request), level, typed, reason, asked_at }
    }
}
