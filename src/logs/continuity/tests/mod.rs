//! The log as it was followed is the log as it was written, but for what lies in a drawn gap.

pub(in crate::logs) mod model;
mod properties;

use jiff::Timestamp;

use super::*;
use crate::domain::fault::{Fault, FaultKind};
use crate::logs::decode;
use crate::logs::request::{Encoding, LogsRequest};

use model::{Device, Event, SECOND, Written};

/// What becomes of a request and its answer.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Delivered,
    /// The request never reaches the device.
    NotSent,
    /// The device answers, and nobody hears it.
    Lost,
    /// Nobody hears it in time; it comes after the next request was sent.
    Stale,
}

/// A follower at a device, and what it was told.
struct Bench {
    device: Device,
    follower: Follower,
    found: Vec<Found>,
    requests: usize,
    stale: Option<(Ticket, Result<Decoded, Failure>)>,
}

impl Bench {
    fn new(following: Following) -> Self {
        let follower = Follower::new(ModuleId::from_wire("filter"), following);
        Self { device: Device::new(), follower, found: Vec::new(), requests: 0, stale: None }
    }

    /// Asks until there is no reason to ask again at once; `meanwhile` happens between the device's answer and us.
    fn poll(&mut self, fate: Fate, meanwhile: &[Event]) -> Step {
        let silence = || Err(Failure::Hub(Fault::new(FaultKind::TimedOut, "read logs", "no answer")));
        for _ in 0..12 {
            let Ask { ticket, item } = self.follower.next_request();
            self.requests += 1;
            let request = LogsRequest { items: vec![item], encoding: Encoding::Plain };
            let step = if matches!(fate, Fate::NotSent) {
                self.follower.answered(&ticket, silence())
            } else {
                let (status, payload) = self.device.answer(&request.to_json());
                let answer =
                    decode::answer(status, &payload).and_then(|mut answer| answer.take(self.follower.module()));
                if let Some((ticket, answer)) = self.stale.take() {
                    assert_eq!(self.follower.answered(&ticket, answer), Step::default());
                }
                meanwhile.iter().for_each(|event| self.device.happen(event));
                match fate {
                    Fate::Delivered => self.follower.answered(&ticket, answer),
                    Fate::Stale => {
                        self.stale = Some((ticket, answer));
                        return Step::default();
                    }
                    Fate::Lost | Fate::NotSent => self.follower.answered(&ticket, silence()),
                }
            };
            self.found.extend(step.found.iter().cloned());
            if !step.again {
                return step;
            }
        }
        panic!("asks again and again")
    }

    fn ask(&mut self) -> Step {
        self.poll(Fate::Delivered, &[])
    }

    fn write(&mut self, lines: u16, length: u16) {
        self.device.happen(&Event::Write { lines, every: SECOND / 100, length, plain: false });
    }

    fn gaps(&self) -> Vec<GapCause> {
        let cause = |found: &Found| match found {
            Found::Mark(Mark::Gap(gap)) => Some(gap.cause),
            _ => None,
        };
        self.found.iter().filter_map(cause).collect()
    }

    /// Holds what was followed against what was written: line by line in order, and only where a mark stands may lines
    /// be missing.
    fn check(&self, regex: Option<&str>) -> Result<(), String> {
        let regex = regex.map(|regex| regex::Regex::new(regex).unwrap());
        let written: Vec<&Written> = self
            .device
            .written
            .iter()
            .filter(|line| regex.as_ref().is_none_or(|regex| regex.is_match(&line.text)))
            .collect();
        let same = |line: &Written, entry: &Entry| {
            Some(line.time()) == entry.time
                && line.text == entry.text.raw()
                && line.err == (entry.stream == super::super::Stream::Err)
        };
        let mut stretches: Vec<Vec<&Entry>> = Vec::new();
        let mut last: Option<Timestamp> = None;
        for (place, found) in self.found.iter().enumerate() {
            match found {
                Found::Line(entry) => {
                    stretches.last_mut().ok_or("lines before a beginning")?.push(entry);
                    last = entry.time;
                }
                Found::Mark(Mark::Begins { .. } | Mark::Shortened { .. }) if stretches.is_empty() => {
                    stretches.push(Vec::new());
                }
                Found::Mark(Mark::Begins { .. } | Mark::Shortened { .. }) => return Err("begins twice".into()),
                Found::Mark(Mark::Gap(gap)) => {
                    let next = self.found.iter().skip(place).find_map(|found| match found {
                        Found::Line(entry) => entry.time,
                        Found::Mark(_) => None,
                    });
                    if (gap.after, gap.before) != (last, next) || next.is_none() {
                        return Err(format!("the gap {gap:?} stands between {last:?} and {next:?}"));
                    }
                    stretches.push(Vec::new());
                }
                Found::Mark(Mark::ClockBack { from, to }) if to < from => {}
                Found::Mark(Mark::ClockBack { .. }) => return Err("the clock went forward".into()),
            }
        }
        let mut from = 0;
        for (number, stretch) in stretches.iter().enumerate() {
            let is_last = number + 1 == stretches.len();
            // An answer by time begins with a second. What was written to the other output a little later and stamped a
            // little earlier is in the gap before it, by its stamp.
            let begin =
                stretch.first().filter(|_| regex.is_some()).and_then(|entry| entry.time).map(Timestamp::as_second);
            let skipped = |line: &Written| {
                begin.is_some_and(|begin| (begin * SECOND - SECOND / 10..begin * SECOND).contains(&line.ticks))
            };
            let end = |at: usize| {
                let mut lines = written.iter().enumerate().skip(at);
                let mut end = at;
                for entry in stretch {
                    let (place, _) = lines.find(|(_, line)| same(line, entry) || !skipped(line))?;
                    if !same(written[place], entry) {
                        return None;
                    }
                    end = place + 1;
                }
                Some(end).filter(|end| !is_last || *end == written.len())
            };
            let stands = (from..=written.len()).find_map(end);
            from = stands
                .ok_or_else(|| format!("stretch {number} of {} lines is not in the log like this", stretch.len()))?;
        }
        Ok(())
    }
}

fn tail(lines: u32) -> Following {
    Following { opening: Opening::Tail(lines), regex: None }
}

#[test]
fn quiet_and_busy_logs_are_followed_without_a_hole_and_with_few_requests() {
    let mut bench = Bench::new(tail(100));
    bench.write(30, 20);
    assert_eq!(bench.ask().found.first(), Some(&Found::Mark(Mark::Begins { older: false })));
    assert_eq!(bench.follower.window(), Some(Window::tail(100)));
    for lines in [0, 5, 5, 0, 0, 40, 40, 40, 3, 0] {
        bench.write(lines, 20);
        bench.ask();
    }
    assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]));
    assert_eq!(bench.requests, 11 + 1, "the first burst did not fit, and only that was asked for once more");
    (0..20).for_each(|_| drop(bench.ask()));
    let Some(Window::Tail(quiet)) = bench.follower.window() else { panic!("a tail") };
    assert!(quiet.get() <= 20, "a quiet log costs {quiet} lines a poll");
}

#[test]
fn more_than_an_answer_holds_is_a_gap_and_following_recovers() {
    let mut bench = Bench::new(tail(100));
    bench.write(10, 20);
    bench.ask();
    bench.write(2_000, 2_000);
    let step = bench.ask();
    let lines = step.found.iter().filter(|found| matches!(found, Found::Line(_))).count();
    assert!((40..=57).contains(&lines), "{lines} lines of two thousand characters");
    assert_eq!((bench.gaps(), bench.check(None)), (vec![GapCause::TooMuch], Ok(())));
    for _ in 0..8 {
        bench.write(5, 20);
        bench.ask();
    }
    bench.write(300, 20);
    bench.ask();
    assert_eq!((bench.gaps().len(), bench.check(None)), (1, Ok(())), "small lines fit by the hundred again");
}

#[test]
fn a_line_that_fits_in_no_answer_is_told_and_not_asked_for_without_end() {
    let mut bench = Bench::new(tail(100));
    bench.device.written.push(Written { ticks: bench.device.clock, err: false, text: "x".repeat(130_000) });
    let before = bench.requests;
    let failures: Vec<_> = (0..3).map(|_| bench.ask().failure).collect();
    assert!(matches!(failures[2], Some(Failure::TooLarge { bytes: Some(130_000..) })), "{failures:?}");
    assert!(bench.requests - before <= 20, "{}", bench.requests);
    bench.device.happen(&Event::Pass(SECOND));
    bench.write(1, 10);
    assert_eq!(bench.ask().failure, None);
}

/// The reason not to ask `since`: a clock set back by little, and running past the old time again before the next poll.
#[test]
fn a_clock_that_is_set_back_between_two_polls_hides_nothing() {
    for back in [2, 30, 3_600] {
        let mut bench = Bench::new(tail(100));
        bench.write(10, 20);
        bench.ask();
        bench.device.happen(&Event::Back(back * SECOND));
        bench.write(1, 20);
        bench.device.happen(&Event::Pass(back * SECOND + SECOND));
        bench.write(1, 20);
        let step = bench.ask();
        assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]));
        assert!(matches!(step.found[0], Found::Mark(Mark::ClockBack { .. })), "{:?}", step.found[0]);
        assert_eq!(step.found.len(), 3);
    }
}

#[test]
fn a_container_created_anew_is_a_gap() {
    let mut bench = Bench::new(tail(100));
    bench.write(10, 20);
    bench.ask();
    bench.write(3, 20);
    bench.device.happen(&Event::Recreate);
    assert_eq!(bench.ask(), Step::default(), "nothing is known of what comes");
    bench.write(2, 20);
    let step = bench.ask();
    assert!(matches!(step.found[0], Found::Mark(Mark::Gap(Gap { cause: GapCause::Anew, .. }))));
    bench.write(2, 20);
    bench.ask();
    assert_eq!((bench.check(None), bench.gaps().len()), (Ok(()), 1));
}

#[test]
fn a_module_that_is_away_and_comes_back_with_its_log_leaves_no_gap() {
    let mut bench = Bench::new(tail(100));
    bench.write(10, 20);
    bench.ask();
    bench.write(2, 20);
    bench.device.happen(&Event::Vanish);
    assert_eq!(bench.ask().failure, Some(Failure::NoSuchModule));
    bench.device.happen(&Event::Return);
    bench.ask();
    assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]));
}

#[test]
fn one_line_and_another_are_no_gap() {
    let mut bench = Bench::new(tail(100));
    for _ in 0..3 {
        bench.ask();
        bench.device.happen(&Event::Write { lines: 1, every: SECOND, length: 3, plain: true });
    }
    bench.ask();
    assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]));
}

#[test]
fn the_opening_may_be_a_time() {
    let mut bench = Bench::new(Following { opening: Opening::Last(Duration::from_secs(900)), regex: None });
    bench.write(10, 20);
    bench.device.happen(&Event::Pass(1_000 * SECOND));
    bench.write(10, 20);
    assert_eq!(bench.ask().found.len(), 11);
    bench.write(2_000, 2_000);
    let mut late = Bench::new(Following { opening: Opening::Last(Duration::from_secs(900)), regex: None });
    std::mem::swap(&mut late.device, &mut bench.device);
    let step = late.ask();
    let lines = step.found.len() - 1;
    assert!(lines > 30, "what is too large is read by its tail");
    assert_eq!(late.check(None), Ok(()));
    let short = Mark::Shortened { wanted: Duration::from_secs(900), lines };
    assert_eq!(step.found[0], Found::Mark(short), "and that is told");
}

/// However little it began with: one line of a log that has others before it is as good a place to go on from as many.
#[test]
fn an_opening_of_one_line_is_no_reason_for_a_gap() {
    for opening in [Opening::Tail(1), Opening::Last(Duration::from_secs(1))] {
        let mut bench = Bench::new(Following { opening, regex: None });
        bench.device.happen(&Event::Write { lines: 30, every: 5 * SECOND, length: 20, plain: true });
        assert_eq!(bench.ask().found.len(), 2, "{opening:?}");
        for _ in 0..5 {
            bench.device.happen(&Event::Write { lines: 1, every: 5 * SECOND, length: 20, plain: true });
            bench.ask();
        }
        assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]), "{opening:?}");
        assert_eq!(bench.requests, 6, "and none to ask more often");
    }
}

/// The log of a container that has just begun: there is nothing before its only line to tell it by, and nothing is needed.
#[test]
fn the_first_line_of_a_log_is_no_reason_for_a_gap_when_it_was_read_by_time() {
    let mut bench = Bench::new(Following { opening: Opening::Last(Duration::from_secs(3)), regex: None });
    bench.ask();
    for _ in 0..3 {
        bench.device.happen(&Event::Write { lines: 1, every: 2 * SECOND, length: 3, plain: false });
        bench.ask();
    }
    assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![]));
}

/// Two lines of one text in one instant, of which one was seen: nobody can say which.
#[test]
fn equal_lines_of_the_instant_it_began_with_stay_in_doubt() {
    let mut bench = Bench::new(tail(1));
    bench.device.happen(&Event::Write { lines: 5, every: SECOND, length: 3, plain: false });
    bench.device.happen(&Event::Write { lines: 2, every: 0, length: 3, plain: true });
    bench.ask();
    bench.device.happen(&Event::Write { lines: 2, every: 0, length: 3, plain: true });
    bench.device.happen(&Event::Write { lines: 1, every: SECOND, length: 3, plain: false });
    bench.ask();
    assert_eq!((bench.check(None), bench.gaps()), (Ok(()), vec![GapCause::Unproven]));
}

fn narrowed() -> Following {
    Following { opening: Opening::Tail(1), regex: Some("[02468] x".into()) }
}

#[test]
fn a_narrowed_log_is_asked_for_by_time() {
    let mut bench = Bench::new(narrowed());
    assert_eq!((bench.ask(), bench.follower.window()), (Step::default(), Some(Window::Last(Duration::from_secs(900)))));
    for lines in [7, 0, 0, 9, 100, 1, 1] {
        bench.write(lines, 20);
        bench.ask();
    }
    assert!(matches!(bench.follower.window(), Some(Window::Since(_))));
    assert_eq!((bench.check(narrowed().regex.as_deref()), bench.gaps()), (Ok(()), vec![]));
}

#[test]
fn a_narrowed_log_halves_the_time_when_there_is_too_much() {
    let mut bench = Bench::new(narrowed());
    bench.write(10, 20);
    bench.ask();
    bench.write(20_000, 1_000);
    bench.ask();
    bench.write(10, 20);
    bench.ask();
    assert_eq!((bench.gaps(), bench.check(narrowed().regex.as_deref())), (vec![GapCause::TooMuch], Ok(())));
}

#[test]
fn a_narrowed_log_that_begins_later_than_was_wanted_says_so() {
    let mut bench = Bench::new(Following { opening: Opening::Last(Duration::from_secs(900)), ..narrowed() });
    bench.write(20_000, 1_000);
    let step = bench.ask();
    let wanted = Duration::from_secs(900);
    assert!(matches!(step.found[0], Found::Mark(Mark::Shortened { wanted: told, .. }) if told == wanted), "{step:?}");
}

#[test]
fn a_narrowed_log_shows_a_clock_that_was_set_back() {
    let mut bench = Bench::new(narrowed());
    bench.write(10, 20);
    bench.ask();
    bench.device.happen(&Event::Back(3_600 * SECOND));
    for _ in 0..6 {
        bench.device.happen(&Event::Pass(2 * SECOND));
        bench.write(4, 20);
        bench.ask();
    }
    assert_eq!((bench.gaps(), bench.check(narrowed().regex.as_deref())), (vec![GapCause::ClockBack], Ok(())));
}

/// An outage longer than what is looked back over: the first answer after it must not be the one that looks back.
#[test]
fn a_narrowed_log_misses_nothing_of_an_outage() {
    let mut bench = Bench::new(narrowed());
    bench.write(10, 20);
    bench.ask();
    bench.ask();
    assert!(matches!(bench.follower.window(), Some(Window::Since(_))));
    for _ in 0..20 {
        bench.write(2, 20);
        bench.device.happen(&Event::Pass(60 * SECOND));
    }
    bench.ask();
    assert_eq!((bench.gaps(), bench.check(narrowed().regex.as_deref())), (vec![], Ok(())));
}

/// Standard error may be stamped earlier than what was written to standard output before it, and lie outside of the time
/// that is asked for although the older line lies in it.
#[test]
fn a_narrowed_log_knows_its_lines_again_when_their_stamps_are_out_of_order() {
    let mut bench = Bench::new(Following { regex: Some("x".into()), ..tail(1) });
    let second = bench.device.clock.div_euclid(SECOND);
    let line = |ticks, err, length| Written { ticks, err, text: "x".repeat(length) };
    let begin = second * SECOND;
    bench.device.written.extend((0..50).map(|n| line(begin + n * 1_000, false, 2_000)));
    bench.device.written.push(line(begin + SECOND + 1_000, false, 1));
    bench.device.written.push(line(begin + SECOND - 1_000, true, 1));
    bench.device.clock += SECOND + 2_000;
    assert_eq!(bench.ask().found.len(), 53);
    bench.device.happen(&Event::Pass(60 * SECOND));
    bench.device.written.extend((0..15).map(|n| line(bench.device.clock + n, false, 2_000)));
    bench.device.clock += 100;
    bench.ask();
    assert_eq!(bench.follower.window(), Some(Window::Last(Duration::from_secs(60))));
    let lines = bench.found.iter().filter(|found| matches!(found, Found::Line(_))).count();
    assert_eq!((lines, bench.check(Some("x"))), (52 + 15, Ok(())));
}
