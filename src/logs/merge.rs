//! The lines of all modules of a device in one order: by the device's time; where that is equal, module by module in the
//! order they were named, each in its own order. Which answer came first decides nothing.
//!
//! Answers come module by module, so that lines arrive for places above lines that are shown already. They are put in
//! their place as long as that lies within a window of the newest line; what is older than that is on screens and in
//! heads, and stays as it is. A line for a place above the window is *late*: it stands at the window's beginning, and
//! says so. Within a module the log's own order holds whatever its stamps say.
//!
//! When a device's clock is set back, the stamps jump and the order must not: the difference is added to the times that
//! are sorted by (never to those that are shown), for each module from the line on where its follower noticed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::continuity::{Found, Mark};
use super::entry::{Entry, Level};
use super::parse::Joiner;
use super::ring::{Content, LineId, Row, Source};

/// How far from the newest line lines still find their place: the answers of one round of polls lie within seconds, and
/// a module that is asked for the second time half a minute later is told apart by its mark.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Finds rows their place.
#[derive(Debug)]
pub struct Merge {
    window: i64,
    /// The latest time sorted by.
    newest: i64,
    /// Whether everything may still be put anywhere.
    open: bool,
    arrivals: u64,
    /// Added to stamps since the clock was last seen to be set back.
    shift: i64,
    lanes: BTreeMap<Source, Lane>,
}

/// One module.
#[derive(Debug, Default)]
struct Lane {
    /// The time its last line is sorted by; none before the first.
    last: Option<i64>,
    /// Whether any of its lines had a time.
    timed: bool,
    shift: i64,
    joiner: Joiner,
    /// The level of the line that others continue.
    level: Option<Level>,
    /// To be put before its next line.
    marks: Vec<Mark>,
}

impl Merge {
    /// Open, with nothing in it.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        let window = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
        Self { window, newest: i64::MIN, open: true, arrivals: 0, shift: 0, lanes: BTreeMap::new() }
    }

    /// Lets lines in anywhere until [`settle`](Merge::settle): a module was added, and its log belongs among what is
    /// there.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// From now on, what lies above the window stays as it is.
    pub fn settle(&mut self) {
        self.open = false;
    }

    /// Gives what a module's follower found its place, as rows to be added to a ring: none for a mark, which waits for
    /// the line it stands before, and then both.
    pub fn place(&mut self, source: Source, found: Found, arrived: Timestamp) -> Vec<Row> {
        let (entry, continues) = match found {
            Found::Mark(mark) => {
                self.lane(source).mark(mark);
                return Vec::new();
            }
            Found::Line(entry) => {
                let continues = self.lane(source).joiner.continues(&entry);
                (entry, continues)
            }
        };
        let wanted = self.wanted(source, &entry, continues, arrived);
        let floor = if self.open { i64::MIN } else { self.newest.saturating_sub(self.window) };
        let at = wanted.max(floor);
        self.newest = self.newest.max(at);
        let lane = self.lane(source);
        lane.last = Some(at);
        let own = entry.severity.level();
        let level = if continues { lane.level.unwrap_or(own) } else { own };
        lane.level = Some(level);
        let marks = std::mem::take(&mut lane.marks);
        let contents = marks.into_iter().map(Content::Mark).chain([Content::Line { entry, continues }]);
        contents
            .map(|content| {
                self.arrivals += 1;
                let id = LineId { at, source, arrival: self.arrivals };
                Row { id, source, arrived, late: at > wanted, level, polling: false, content }
            })
            .collect()
    }

    /// The time a line is to be sorted by, if that is still to be had.
    fn wanted(&mut self, source: Source, entry: &Entry, continues: bool, arrived: Timestamp) -> i64 {
        let (open, shared, window, newest) = (self.open, self.shift, self.window, self.newest);
        let lane = self.lane(source);
        let last = lane.last.unwrap_or(i64::MIN);
        let Some(stamp) = entry.time.filter(|_| !continues).map(nanoseconds) else {
            // What has no time belongs to the line above; of a module that never has one, nothing is known but that it
            // came now.
            let now = if newest == i64::MIN { nanoseconds(arrived) } else { newest };
            return if lane.timed || continues { last } else { last.max(now) };
        };
        lane.timed = true;
        let floor = if open { i64::MIN } else { newest.saturating_sub(window) };
        let moved = stamp.saturating_add(shared);
        if lane.marks.iter().any(|mark| matches!(mark, Mark::ClockBack { .. })) {
            // The clock is the device's: the next module to notice moves by as much as the first one did.
            let near = last.saturating_sub(window)..=last.saturating_add(window);
            let same = shared != lane.shift && near.contains(&moved);
            // Just after what it had, and with that after what others had then.
            lane.shift = if same { shared } else { last.saturating_sub(stamp).saturating_add(1) };
        } else if shared > lane.shift && stamp.saturating_add(lane.shift) < floor && moved >= floor {
            // A module that was silent meanwhile noticed nothing.
            lane.shift = shared;
        }
        let shift = lane.shift;
        self.shift = self.shift.max(shift);
        stamp.saturating_add(shift).max(last)
    }

    fn lane(&mut self, source: Source) -> &mut Lane {
        self.lanes.entry(source).or_default()
    }
}

impl Lane {
    fn mark(&mut self, mark: Mark) {
        if !matches!(mark, Mark::ClockBack { .. }) {
            self.joiner.interrupt();
        }
        self.marks.push(mark);
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ModuleId;
    use crate::logs::entry::{Severity, Stream};
    use crate::logs::ring::{Caps, Filter, Ring};
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    fn time(at: i64) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(at)).unwrap()
    }

    fn line(at: i64, text: &str) -> Found {
        let severity = crate::logs::parse::severity(None, text);
        Found::Line(Entry { time: Some(time(at)), stream: Stream::Out, severity, text: text.into() })
    }

    struct Log {
        merge: Merge,
        ring: Ring,
    }

    impl Log {
        fn new() -> Self {
            Self { merge: Merge::new(WINDOW), ring: Ring::new(Caps::default()) }
        }

        fn add(&mut self, module: &str, found: Found) {
            let source = self.ring.source(&ModuleId::from_wire(module)).unwrap();
            self.merge.place(source, found, Timestamp::UNIX_EPOCH).into_iter().for_each(|row| self.ring.add(row));
        }

        fn line(&mut self, module: &str, at: i64, text: &str) {
            self.add(module, line(at * SECOND, text));
        }

        fn texts(&self) -> Vec<String> {
            let shown = |row: &Row| match &row.content {
                Content::Line { .. } if row.late => format!("late {}", row.text()),
                Content::Line { continues: true, .. } => format!("+{}", row.text()),
                Content::Line { .. } => row.text().to_owned(),
                Content::Mark(_) => "--".to_owned(),
            };
            self.ring.picture().all(Filter::default()).map(shown).collect()
        }
    }

    #[test]
    fn histories_are_merged_and_then_only_the_window_moves() {
        let mut log = Log::new();
        for at in [10, 20, 30] {
            log.line("a", at, &format!("a{at}"));
        }
        for at in [5, 20, 29] {
            log.line("b", at, &format!("b{at}"));
        }
        assert_eq!(log.texts(), ["b5", "a10", "a20", "b20", "b29", "a30"]);
        log.merge.settle();
        log.line("c", 1, "c1");
        log.line("c", 25, "c25");
        assert_eq!(log.texts(), ["b5", "a10", "a20", "b20", "late c1", "c25", "b29", "a30"]);
        log.merge.open();
        log.line("d", 1, "d1");
        assert_eq!(log.texts()[0], "d1");
    }

    /// A device stamps a sensor's message and what a filter made of it alike. Which of the two logs was answered first says
    /// nothing about which was first.
    #[test]
    fn equal_times_stand_in_the_order_of_the_modules_whoever_came_first() {
        let mut log = Log::new();
        for module in ["sensor", "filter"] {
            log.ring.source(&ModuleId::from_wire(module));
        }
        log.merge.settle();
        for (at, order) in [(10, ["sensor", "filter"]), (15, ["filter", "sensor"]), (20, ["filter", "sensor"])] {
            for module in order {
                log.line(module, at, &format!("{module}{at}"));
                log.line(module, at, &format!("{module}{at} again"));
            }
        }
        let expected: Vec<String> = [10, 15, 20]
            .iter()
            .flat_map(|at| ["sensor", "filter"].map(|module| (module, at)))
            .flat_map(|(module, at)| [format!("{module}{at}"), format!("{module}{at} again")])
            .collect();
        assert_eq!(log.texts(), expected);
    }

    #[test]
    fn blocks_move_as_one_and_marks_stand_before_their_line() {
        let mut log = Log::new();
        log.merge.settle();
        log.line("a", 10, "[ERR] - no");
        log.add("a", line(10 * SECOND + 300_000_000, "   at Main()"));
        log.add("b", line(10 * SECOND + 100_000_000, "b"));
        log.add(
            "a",
            Found::Mark(Mark::Gap(crate::logs::continuity::Gap {
                after: None,
                before: None,
                cause: crate::logs::continuity::GapCause::Anew,
            })),
        );
        assert_eq!(log.texts(), ["[ERR] - no", "+   at Main()", "b"]);
        log.line("b", 11, "b11");
        log.line("a", 12, "   alone");
        assert_eq!(log.texts(), ["[ERR] - no", "+   at Main()", "b", "b11", "--", "   alone"]);
        let picture = log.ring.picture();
        let errors = Filter::down_to(Level::ERROR);
        assert_eq!(
            picture.all(errors).filter(|row| !row.text().is_empty()).count(),
            2,
            "the stack belongs to its error"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_line_out_of_its_order() {
        let mut log = Log::new();
        for module in ["a", "b", "c"] {
            log.line(module, 10_000, module);
        }
        log.merge.settle();
        let back = |to| Found::Mark(Mark::ClockBack { from: time(10_000 * SECOND), to: time(to * SECOND) });
        log.add("a", back(6_400));
        log.line("a", 6_400, "a1");
        log.line("a", 6_402, "a2");
        log.add("b", back(6_401));
        log.line("b", 6_401, "b1");
        // c had nothing to say meanwhile, and sees no clock go back: its last line was older than what comes.
        log.merge.lanes.values_mut().last().unwrap().last = Some(0);
        log.line("c", 6_403, "c1");
        assert_eq!(log.texts(), ["a", "b", "c", "--", "a1", "--", "b1", "a2", "c1"]);
    }

    #[test]
    fn lines_without_a_time_stand_where_they_came() {
        let mut log = Log::new();
        let bare = |text: &str| {
            Found::Line(Entry { time: None, stream: Stream::Out, severity: Severity::Unsaid, text: text.into() })
        };
        log.line("a", 100, "a100");
        log.add("a", bare("of a"));
        log.add("b", bare("b"));
        log.line("a", 101, "a101");
        log.merge.settle();
        log.line("a", 200, "a200");
        log.add("b", bare("b too"));
        assert_eq!(log.texts(), ["a100", "of a", "b", "a101", "a200", "b too"]);
    }

    /// Arrivals: which module, how far its clock moved on (or back, and whether its follower says so).
    fn arrivals() -> impl Strategy<Value = Vec<(u8, i64, bool)>> {
        let moved = prop_oneof![4 => 0_i64..3 * SECOND, 1 => 0..60 * SECOND, 1 => -40 * SECOND..0];
        proptest::collection::vec((0_u8..4, moved, any::<bool>()), 1..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// What is older than the window stays as it is, whatever comes; and each module's lines stay in their order.
        #[test]
        fn nothing_moves_above_the_window(arrivals in arrivals()) {
            let mut log = Log::new();
            log.merge.settle();
            let mut clocks = [1_000 * SECOND; 4];
            let mut frozen: Vec<LineId> = Vec::new();
            for (number, (module, moved, told)) in arrivals.into_iter().enumerate() {
                let clock = &mut clocks[usize::from(module)];
                let from = *clock;
                *clock += moved;
                let to = *clock;
                if moved < -SECOND && told {
                    log.add(&module.to_string(), Found::Mark(Mark::ClockBack { from: time(from), to: time(to) }));
                }
                log.add(&module.to_string(), line(to, &number.to_string()));
                let picture = log.ring.picture();
                let ids: Vec<LineId> = picture.all(Filter::default()).map(|row| row.id).collect();
                prop_assert!(ids.starts_with(&frozen));
                let floor = log.merge.newest - log.merge.window;
                frozen = ids.into_iter().filter(|id| id.at < floor).collect();
                for source in 0..picture.sources().len() {
                    let numbers: Vec<usize> = picture
                        .all(Filter::default())
                        .filter(|row| row.source.index() == source && !row.text().is_empty())
                        .map(|row| row.text().parse().unwrap())
                        .collect();
                    prop_assert!(numbers.is_sorted());
                }
            }
        }

        /// What comes within the window stands by its time, and is not late.
        #[test]
        fn within_the_window_the_time_decides(times in proptest::collection::vec((0_u8..4, 0_i64..9 * SECOND), 1..60)) {
            let mut log = Log::new();
            log.merge.settle();
            let mut base = 1_000 * SECOND;
            let mut last = [0; 4];
            let mut expected: Vec<(i64, Option<Source>, usize)> = Vec::new();
            for (number, (module, behind)) in times.into_iter().enumerate() {
                base += SECOND / 3;
                let at = (base - behind).max(last[usize::from(module)]);
                last[usize::from(module)] = at;
                log.add(&module.to_string(), line(at, &number.to_string()));
                expected.push((at, log.ring.source(&ModuleId::from_wire(module.to_string())), number));
            }
            expected.sort_unstable();
            let expected: Vec<String> = expected.into_iter().map(|(.., number)| number.to_string()).collect();
            prop_assert_eq!(log.texts(), expected);
        }
    }
}
