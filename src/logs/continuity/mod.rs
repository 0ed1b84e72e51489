//! Following one module's log by asking again and again: which lines of an answer are new, and where lines may be
//! missing. Pure: a [`Follower`] says what to ask next and judges what came.
//!
//! **What proves that nothing is missing** is that an answer begins among lines that were seen before; what follows them
//! in the answer then follows them in the log. Answers therefore overlap on purpose. A gap is drawn wherever the overlap
//! is not found: too much was written between two answers, the log was rotated away or began anew with its container.
//! Lines are recognised by the container engine's time (steps of 100 ns), stream and text, in their order.
//!
//! **What is asked** is the last lines (`tail`), as many as the log's own pace makes it take to reach back, and not what
//! was written `since` the last time that was seen: the engine compares stamps with `since`, so that after a clock was
//! set back, new lines are older than it and are left out; once the clock has caught up, an answer looks complete and is
//! not. A tail knows no clock, and does not make the engine read the whole log from its beginning. Only a log that is
//! narrowed by a regular expression is asked for by time, because a tail is cut before the expression is applied.

mod narrowed;
mod overlap;
#[cfg(test)]
pub(super) mod tests;
mod whole;

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::ids::ModuleId;

use super::decode::{Decoded, Failure};
use super::entry::Entry;
use super::request::{Item, Window};

use narrowed::Narrowed;
use whole::Whole;

/// Where following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// With the last so many lines.
    Tail(u32),
    /// With what was written in this time, by the device's own clock.
    Last(Duration),
}

/// How one log is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// The beginning. A narrowed log begins with a time in any case: 15 minutes where [`Opening::Tail`] is given.
    pub opening: Opening,
    /// A .NET regular expression; only lines whose text matches are read at all. Such a log is asked for by time: lines
    /// that match while the device's clock was set back by less than the time between two answers may be missing
    /// without a gap, and nothing in the answers could tell.
    pub regex: Option<String>,
}

impl Default for Following {
    fn default() -> Self {
        Self { opening: Opening::Tail(500), regex: None }
    }
}

/// What is said between lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Following begins here.
    Begins {
        /// Whether there may be older lines that were not asked for.
        older: bool,
    },
    /// Following begins here, and should have begun earlier: all of a time was more than an answer holds.
    Shortened {
        /// The time that was wanted, by the device's clock.
        wanted: Duration,
        /// How many lines it begins with instead.
        lines: usize,
    },
    /// Lines may be missing here.
    Gap(Gap),
    /// From here on the device's clock shows less than before; nothing is missing.
    ClockBack {
        /// The newest time before.
        from: Timestamp,
        /// The time of the line after.
        to: Timestamp,
    },
}

/// A place where lines may be missing, between two lines that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The time of the last line before it.
    pub after: Option<Timestamp>,
    /// The time of the first line after it; less than `after` when the clock was set back meanwhile.
    pub before: Option<Timestamp>,
    /// Why.
    pub cause: GapCause,
}

/// Why lines may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapCause {
    /// More was written than an answer can hold.
    TooMuch,
    /// The log does not hold any more what was seen last: its container was created anew, or it was rotated.
    Anew,
    /// A narrowed log, asked for by time, and the device's clock was set back.
    ClockBack,
    /// The answers overlap in lines of one single instant, which may have been others of the same text.
    Unproven,
}

/// A line or a mark, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A line that was not there before.
    Line(Entry),
    /// What is to be said before the next line.
    Mark(Mark),
}

/// What an answer meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// What is new, in the order of the log.
    pub found: Vec<Found>,
    /// Whether to ask again at once: the answer did not reach back, or was refused for its size.
    pub again: bool,
    /// Why there is nothing, when asking again at once would not help.
    pub failure: Option<Failure>,
    /// Lines of this answer that could not be read; the next one may count the same lines again.
    pub unreadable: usize,
}

/// Belongs to one request; its answer is taken once.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What to ask now.
#[derive(Debug, PartialEq, Eq)]
pub struct Ask {
    /// To be handed back with the answer.
    pub ticket: Ticket,
    /// What to ask.
    pub item: Item,
}

/// Follows the log of one module.
#[derive(Debug, Clone)]
pub struct Follower {
    module: ModuleId,
    regex: Option<String>,
    way: Way,
    asked: u64,
    /// The ticket that is out.
    open: Option<u64>,
}

#[derive(Debug, Clone)]
enum Way {
    Whole(Whole),
    Narrowed(Narrowed),
}

impl Follower {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(module: ModuleId, following: Following) -> Self {
        let Following { opening, regex } = following;
        let way = if regex.is_some() { Way::Narrowed(Narrowed::new(opening)) } else { Way::Whole(Whole::new(opening)) };
        Self { module, regex, way, asked: 0, open: None }
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &ModuleId {
        &self.module
    }

    /// What to ask now. An answer that is still out is no longer waited for: it would be judged by what is known then.
    pub fn next_request(&mut self) -> Ask {
        let window = match &mut self.way {
            Way::Whole(whole) => whole.window(),
            Way::Narrowed(narrowed) => narrowed.window(),
        };
        self.asked += 1;
        self.open = Some(self.asked);
        let item = Item { module: self.module.clone(), window, regex: self.regex.clone() };
        Ask { ticket: Ticket(self.asked), item }
    }

    /// Judges an answer. One to an older request than the last says nothing.
    pub fn answered(&mut self, ticket: &Ticket, answer: Result<Decoded, Failure>) -> Step {
        if self.open != Some(ticket.0) {
            return Step::default();
        }
        self.open = None;
        let unreadable = answer.as_ref().map_or(0, |decoded| decoded.unreadable);
        let step = match &mut self.way {
            Way::Whole(whole) => whole.answered(answer),
            Way::Narrowed(narrowed) => narrowed.answered(answer),
        };
        Step { unreadable, ..step }
    }

    /// The window of the last request, for whoever shows what is read.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        match &self.way {
            Way::Whole(whole) => whole.asked(),
            Way::Narrowed(narrowed) => Some(narrowed.asked()),
        }
    }
}
