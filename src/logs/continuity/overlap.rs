//! Where two readings of one log overlap.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::Timestamp;

use super::super::entry::Entry;
use super::{Found, Gap, GapCause, Mark};

/// Lines that are remembered at least.
const MEMORY: usize = 128;
/// And at most, where many of them came in one instant.
const MOST_MEMORY: usize = 4_096;

/// Two outputs of a container may be stamped out of order by little; more than this is a clock that was set back.
const CLOCK_BACK: Duration = Duration::from_secs(1);

/// What a line is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Trace {
    pub time: Option<Timestamp>,
    rest: u64,
}

impl Trace {
    fn of(entry: &Entry) -> Self {
        let mut hasher = DefaultHasher::new();
        (entry.stream, entry.text.raw()).hash(&mut hasher);
        Self { time: entry.time, rest: hasher.finish() }
    }

    pub fn all(entries: &[Entry]) -> Vec<Self> {
        entries.iter().map(Self::of).collect()
    }
}

/// How an answer and what was seen overlap; with the place in the answer where the new lines begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// Certainly so.
    Proven(usize),
    /// As well as one can tell.
    Doubtful(usize),
    /// Not at all.
    None,
}

/// The end of a log, as it was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    traces: VecDeque<Trace>,
    /// Lines at the end that have the last one's time.
    run: usize,
    /// Whether `traces` is the whole log.
    from_start: bool,
    /// The newest time on the clock as it is now.
    latest: Option<Timestamp>,
    /// Whether the log is asked for by time.
    by_time: bool,
}

impl Seen {
    /// A log that is asked for by time: where the clock was set back, lines may have been left out.
    pub fn by_time() -> Self {
        Self { by_time: true, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Lines at the end that came in one instant.
    pub fn run(&self) -> usize {
        self.run
    }

    /// The newest time on the clock as it is now, however often it was set back.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// How `answer` continues what was seen. `whole` says that the log had no more lines than these.
    ///
    /// An overlap proves itself when it spans two instants. If it lies in one, its lines may be others of the same text
    /// and instant; unless both readings begin where the log does, or the answer has all of that instant and all that was
    /// seen, in one place only.
    pub fn overlap(&self, answer: &[Trace], whole: bool) -> Overlap {
        if whole
            && self.from_start
            && self.traces.len() <= answer.len()
            && self.traces.iter().eq(answer.iter().take(self.traces.len()))
        {
            return Overlap::Proven(self.traces.len());
        }
        // What is older than the answer's first second is not in an answer by time, wherever in the log it stands.
        let oldest = answer.iter().filter_map(|trace| trace.time).min().filter(|_| self.by_time);
        let is_in = |trace: &&Trace| {
            oldest.is_none_or(|oldest| trace.time.is_some_and(|time| time.as_second() >= oldest.as_second()))
        };
        let known = || self.traces.iter().rev().filter(is_in);
        if known().next().is_none() {
            return Overlap::None;
        }
        let fits = |at: &usize| known().zip(answer.iter().take(*at).rev()).all(|(known, answer)| known == answer);
        // The longest overlap first: it calls the fewest lines new.
        let Some(at) = (1..=answer.len()).rev().find(fits) else { return Overlap::None };
        let last = self.last();
        let other = |trace: &Trace| trace.time.is_some() && trace.time != last;
        let spans_two = || known().take(at).any(other);
        let is_alone = || {
            let before = at.checked_sub(self.traces.len());
            let has_all = |before: usize| whole || answer.iter().take(before).any(other);
            !self.by_time && before.is_some_and(has_all) && !(1..at).any(|at| fits(&at))
        };
        if last.is_some() && (spans_two() || is_alone()) { Overlap::Proven(at) } else { Overlap::Doubtful(at) }
    }

    /// These are the first lines; `whole` says that there are none before them.
    pub fn begin(&mut self, entries: Vec<Entry>, whole: bool) -> Vec<Found> {
        self.from_start = whole;
        self.advance(entries, Some(Mark::Begins { older: !whole }))
    }

    /// These are the first lines, and they should have been those of all of a time.
    pub fn begin_short(&mut self, entries: Vec<Entry>, wanted: Duration) -> Vec<Found> {
        let lines = entries.len();
        self.advance(entries, Some(Mark::Shortened { wanted, lines }))
    }

    /// These lines follow what was seen, by proof.
    pub fn follow(&mut self, entries: Vec<Entry>) -> Vec<Found> {
        self.advance(entries, None)
    }

    /// These lines come after what was seen, and between them others may be missing. `fresh` says that `entries` is all
    /// that the log holds.
    pub fn leap(&mut self, entries: Vec<Entry>, cause: GapCause, fresh: bool) -> Vec<Found> {
        let after = self.last();
        let before = entries.first().and_then(|entry| entry.time);
        if !entries.is_empty() {
            self.traces.clear();
            self.from_start = fresh;
        }
        self.advance(entries, Some(Mark::Gap(Gap { after, before, cause })))
    }

    fn advance(&mut self, entries: Vec<Entry>, first: Option<Mark>) -> Vec<Found> {
        if entries.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Found> = first.into_iter().map(Found::Mark).collect();
        found.reserve_exact(entries.len());
        for entry in entries {
            if let (Some(from), Some(to)) = (self.latest, entry.time)
                && from > to
                && from.duration_since(to).unsigned_abs() > CLOCK_BACK
            {
                let after = self.last();
                if self.by_time && !matches!(found.last(), Some(Found::Mark(Mark::Gap(_)))) {
                    let gap = Gap { after, before: Some(to), cause: GapCause::ClockBack };
                    found.push(Found::Mark(Mark::Gap(gap)));
                }
                found.push(Found::Mark(Mark::ClockBack { from, to }));
                self.latest = Some(to);
            }
            self.latest = self.latest.max(entry.time);
            self.push(Trace::of(&entry));
            found.push(Found::Line(entry));
        }
        found
    }

    /// The time of the last line.
    fn last(&self) -> Option<Timestamp> {
        self.traces.back().and_then(|trace| trace.time)
    }

    fn push(&mut self, trace: Trace) {
        let same = self.traces.back().is_some_and(|last| last.time == trace.time);
        self.run = if same { self.run + 1 } else { 1 };
        self.traces.push_back(trace);
        // One line of another instant is kept as long as it can be: without it no overlap proves itself.
        while self.traces.len() > (self.run + 1).clamp(MEMORY, MOST_MEMORY) {
            self.traces.pop_front();
            self.from_start = false;
        }
    }
}
