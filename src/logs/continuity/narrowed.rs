//! A log narrowed by a regular expression, by time: from which second on to ask.
//!
//! From the whole second of the newest line that was seen; the lines of that second are known and must come again, or the
//! log is not what it was. While nothing new comes, every second request looks back over the last minutes by the device's
//! own clock instead: a clock that was set back shows there, and nowhere else. When there is too much, the time is cut in
//! halves until it fits, and a gap is drawn.

use std::time::Duration;

use super::super::decode::{Decoded, Failure};
use super::super::entry::Entry;
use super::super::request::Window;
use super::overlap::{Overlap, Seen, Trace};
use super::{GapCause, Opening, Step};

/// Where nothing else is said.
const OPENING: Duration = Duration::from_secs(900);
/// How far back to look for a clock that was set back.
const LOOK_BACK: Duration = Duration::from_secs(120);
/// The first try when there is too much.
const SHORTER: Duration = Duration::from_secs(60);
/// An opening whose answers are lost is not made shorter than this: silence has other reasons, too.
const SHORTEST_OPENING: Duration = Duration::from_secs(30);
/// The two outputs of a container may be stamped out of order by this much: a line this much older than the newest one
/// may still come.
const OUT_OF_ORDER: Duration = Duration::from_millis(100);

#[derive(Debug, Clone)]
pub(super) struct Narrowed {
    /// The time it begins with.
    opening: Duration,
    seen: Seen,
    asked: Asked,
    /// The second to ask from, and the lines from there on that are known.
    from: Option<i64>,
    known: Vec<Trace>,
    /// Answers without anything new, since the last one that had something.
    quiet: u32,
    /// The time to ask for, while there is too much of it or nothing was seen yet.
    shorter: Option<Duration>,
    /// Whether lines were given up because there was too much.
    too_much: bool,
}

/// What was asked last, and what for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// What was written in this time, whatever it is.
    Recent(Duration),
    /// What was written since what was seen.
    Next(i64),
    /// Whether the clock was set back.
    LookBack,
}

impl Narrowed {
    pub fn new(opening: Opening) -> Self {
        let opening = match opening {
            Opening::Tail(_) => OPENING,
            Opening::Last(age) => age,
        };
        Self {
            opening,
            seen: Seen::by_time(),
            asked: Asked::Recent(opening),
            from: None,
            known: Vec::new(),
            quiet: 0,
            shorter: Some(opening),
            too_much: false,
        }
    }

    pub fn asked(&self) -> Window {
        match self.asked {
            Asked::Recent(age) => Window::Last(age),
            Asked::Next(second) => Window::Since(second),
            Asked::LookBack => Window::Last(LOOK_BACK),
        }
    }

    pub fn window(&mut self) -> Window {
        self.asked = match (self.shorter, self.from) {
            (Some(age), _) => Asked::Recent(age),
            (None, Some(from)) if self.quiet.is_multiple_of(2) => Asked::Next(from),
            (None, Some(_)) => Asked::LookBack,
            // Lines without a time, as agents before 1.2 give them: only the recent ones can be asked for.
            (None, None) => Asked::Recent(LOOK_BACK),
        };
        self.asked()
    }

    pub fn answered(&mut self, answer: Result<Decoded, Failure>) -> Step {
        match answer {
            Ok(decoded) => self.read(decoded.entries),
            Err(failure @ Failure::TooLarge { .. }) => self.refused(failure),
            Err(failure) => {
                if failure.may_be_too_large() && self.seen.is_empty() {
                    self.shorten();
                }
                Step { failure: Some(failure), ..Step::default() }
            }
        }
    }

    /// Begins with half the time: what was asked for may be more than the hub carries, and would be lost again.
    fn shorten(&mut self) {
        let Asked::Recent(age) = self.asked else { return };
        let shorter = (age / 2).max(SHORTEST_OPENING);
        if shorter < age {
            self.too_much = true;
            self.shorter = Some(shorter);
        }
    }

    fn read(&mut self, mut entries: Vec<Entry>) -> Step {
        let traces = Trace::all(&entries);
        if self.seen.is_empty() {
            let found = match self.too_much {
                true => self.seen.begin_short(entries, self.opening),
                false => self.seen.begin(entries, false),
            };
            self.too_much &= found.is_empty();
            self.aim(traces);
            return Step { found, ..Step::default() };
        }
        let overlap = match self.asked {
            Asked::Next(_) if traces.starts_with(&self.known) => Overlap::Proven(self.known.len()),
            _ => self.seen.overlap(&traces, false),
        };
        let (at, mut cause) = match overlap {
            Overlap::Proven(at) => (at, None),
            Overlap::Doubtful(at) => (at, Some(GapCause::Unproven)),
            Overlap::None => (0, Some(GapCause::Anew)),
        };
        entries.drain(..at);
        if entries.is_empty() {
            self.quiet += 1;
            return Step::default();
        }
        self.quiet = 0;
        if matches!(self.asked, Asked::LookBack) {
            let is_next = |entry: &Entry| entry.time.is_none_or(|time| Some(time.as_second()) >= self.from);
            if entries.iter().all(is_next) {
                // They are simply new: all of them are asked for, and not only those of the last minutes.
                return Step { again: true, ..Step::default() };
            }
            cause = Some(GapCause::ClockBack);
        }
        if cause.is_some() && self.too_much {
            cause = Some(GapCause::TooMuch);
        }
        self.too_much = false;
        let found = match cause {
            None => self.seen.follow(entries),
            Some(cause) => self.seen.leap(entries, cause, false),
        };
        self.aim(traces.into_iter().skip(at).collect());
        Step { found, ..Step::default() }
    }

    /// Moves on to the lines that were read last.
    fn aim(&mut self, new: Vec<Trace>) {
        let Some(newest) = self.seen.latest() else { return };
        let from = newest.checked_sub(OUT_OF_ORDER).unwrap_or(newest).as_second();
        self.from = Some(from);
        self.shorter = None;
        self.known.extend(new);
        self.known.retain(|trace| trace.time.is_some_and(|time| time.as_second() >= from));
    }

    fn refused(&mut self, failure: Failure) -> Step {
        let next = match self.asked {
            Asked::Recent(age) => age / 2,
            Asked::Next(_) => SHORTER,
            Asked::LookBack => {
                self.quiet += 1;
                return Step::default();
            }
        };
        if next < Duration::from_secs(1) {
            return Step { failure: Some(failure), ..Step::default() };
        }
        self.too_much = true;
        self.shorter = Some(next);
        Step { again: true, ..Step::default() }
    }
}
