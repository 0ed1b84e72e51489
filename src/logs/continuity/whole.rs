//! The whole log, by its tail: how many lines to ask for.
//!
//! Usually half more than the log has written between two answers of late, and some to spare. When an answer does not
//! reach back to what was seen, four times as many are asked for at once; when edgeAgent refuses for the size, half as
//! many, or half way between what was refused and what did not reach back. If nothing in between reaches back, the
//! best is taken and a gap is drawn. Each answer that is taken lets the tail grow again.

use std::time::Duration;

use super::super::decode::{Decoded, Failure};
use super::super::entry::Entry;
use super::super::request::Window;
use super::overlap::{Overlap, Seen, Trace};
use super::{GapCause, Opening, Step};

/// Lines that are asked for beyond what is expected: they are the overlap.
const SPARE: u32 = 8;
/// No more lines are asked for.
const MOST_LINES: u32 = 5_000;
/// An answer of this size leaves room below the limit, and below the hub's own once it is base64.
const FILL: usize = 90_000;
/// Requests in one go that look for the overlap.
const TRIES: u32 = 8;
/// The opening when all of a time would be too large.
const OPENING_LINES: u32 = 500;
/// An opening whose answers are lost is not made shorter than this: silence has other reasons, too.
const SHORTEST_OPENING: u32 = 20;

#[derive(Debug, Clone)]
pub(super) struct Whole {
    opening: Opening,
    /// The time it should have begun with, where that was too much.
    shortened: Option<Duration>,
    seen: Seen,
    asked: Option<Window>,
    /// New lines between two answers, of late.
    busy: u32,
    /// The longest tail that may fit, after refusals; grows with each answer that is taken.
    fit: u32,
    /// The longest tail that should fit, going by the size of the lines that were read last.
    predicted: u32,
    /// While the overlap is looked for: the tail to ask for, the longest that did not reach back, and the shortest that
    /// was refused.
    wider: Option<u32>,
    missed: Option<u32>,
    refused: Option<u32>,
    tries: u32,
}

impl Whole {
    pub fn new(opening: Opening) -> Self {
        Self {
            opening,
            shortened: None,
            seen: Seen::default(),
            asked: None,
            busy: 0,
            fit: MOST_LINES,
            predicted: MOST_LINES,
            wider: None,
            missed: None,
            refused: None,
            tries: 0,
        }
    }

    pub fn asked(&self) -> Option<Window> {
        self.asked
    }

    pub fn window(&mut self) -> Window {
        let window = match self.opening {
            Opening::Last(age) if self.seen.is_empty() => Window::Last(age),
            Opening::Tail(lines) if self.seen.is_empty() => Window::tail(lines.min(self.most())),
            _ => Window::tail(self.wider.unwrap_or_else(|| self.usual().min(self.most()))),
        };
        self.asked = Some(window);
        window
    }

    fn usual(&self) -> u32 {
        let run = count(self.seen.run());
        SPARE.saturating_add(run).saturating_add(self.busy).saturating_add(self.busy / 2)
    }

    fn most(&self) -> u32 {
        self.fit.min(self.predicted).max(1)
    }

    pub fn answered(&mut self, answer: Result<Decoded, Failure>) -> Step {
        match answer {
            Ok(decoded) => self.read(decoded),
            Err(failure @ Failure::TooLarge { .. }) => self.refused(failure),
            // It may be more than the hub carries, and would be lost again: fewer lines are asked for next. Not once lines
            // were seen: it may be mere silence, after which as many lines as before reach back and fewer do not.
            Err(failure) if failure.may_be_too_large() && self.seen.is_empty() => {
                self.shorten();
                Step { failure: Some(failure), ..Step::default() }
            }
            // Whatever it was, the log is where it was.
            Err(failure) => Step { failure: Some(failure), ..Step::default() },
        }
    }

    fn read(&mut self, decoded: Decoded) -> Step {
        let lines = decoded.lines();
        let asked = match self.asked {
            Some(Window::Tail(asked)) => Some(asked.get()),
            _ => None,
        };
        let whole = asked.is_some_and(|asked| count(lines) < asked);
        if lines > 0 {
            self.predicted = count(FILL.saturating_mul(lines) / decoded.bytes.max(1)).clamp(1, MOST_LINES);
        }
        let mut entries = decoded.entries;
        if self.seen.is_empty() {
            self.settle(0);
            let found = match self.shortened.filter(|_| !whole) {
                Some(wanted) => self.seen.begin_short(entries, wanted),
                None => self.seen.begin(entries, whole),
            };
            return Step { found, ..Step::default() };
        }
        let (at, cause) = match self.seen.overlap(&Trace::all(&entries), whole) {
            Overlap::Proven(at) => (at, None),
            Overlap::Doubtful(at) => (at, Some(GapCause::Unproven)),
            Overlap::None => (0, Some(if whole { GapCause::Anew } else { GapCause::TooMuch })),
        };
        if cause.is_some()
            && !whole
            && let Some(wider) = asked.and_then(|asked| self.wider_than(asked))
        {
            self.wider = Some(wider);
            self.missed = asked;
            self.tries += 1;
            return Step { again: true, ..Step::default() };
        }
        let new: Vec<Entry> = entries.split_off(at);
        self.settle(count(new.len()));
        let found = match cause {
            None => self.seen.follow(new),
            Some(cause) => self.seen.leap(new, cause, whole && at == 0),
        };
        Step { found, ..Step::default() }
    }

    /// Begins with the last lines in place of all of a time, or with half as many of them.
    fn shorten(&mut self) {
        self.opening = match self.opening {
            Opening::Last(wanted) => {
                self.shortened = Some(wanted);
                Opening::Tail(OPENING_LINES)
            }
            Opening::Tail(lines) => Opening::Tail((lines / 2).max(SHORTEST_OPENING.min(lines))),
        };
    }

    /// A tail that is worth asking for after one of `asked` did not reach back.
    fn wider_than(&self, asked: u32) -> Option<u32> {
        let wider = match self.refused {
            Some(refused) => asked.midpoint(refused),
            None => asked.saturating_mul(4).min(self.most()),
        };
        (self.tries < TRIES && is_wider(wider, asked)).then_some(wider)
    }

    fn refused(&mut self, failure: Failure) -> Step {
        let Some(Window::Tail(asked)) = self.asked else {
            self.shorten();
            return Step { again: true, ..Step::default() };
        };
        let asked = asked.get();
        // What did not reach back may not fit any more either: lines were written meanwhile.
        self.missed = self.missed.filter(|missed| is_wider(asked, *missed));
        self.fit = self.missed.map_or(asked / 2, |missed| missed.midpoint(asked)).max(1);
        self.wider = self.wider.map(|_| self.fit);
        self.refused = Some(asked);
        self.tries += 1;
        if asked > 1 && self.tries < TRIES {
            return Step { again: true, ..Step::default() };
        }
        // The next poll goes on from here.
        self.rest();
        Step { failure: Some(failure), ..Step::default() }
    }

    /// An answer is taken, with `new` lines.
    fn settle(&mut self, new: u32) {
        self.busy = new.max(self.busy.saturating_mul(3) / 4);
        self.fit = self.fit.saturating_mul(2).min(MOST_LINES);
        self.rest();
    }

    /// The overlap is no longer looked for.
    fn rest(&mut self) {
        self.wider = None;
        self.missed = None;
        self.refused = None;
        self.tries = 0;
    }
}

/// Whether a tail is longer by enough to be worth a request.
fn is_wider(tail: u32, than: u32) -> bool {
    tail > than.saturating_add(than / 8)
}

fn count(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}
