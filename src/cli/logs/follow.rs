//! `--follow`: lines as they come, until somebody ends it or nobody reads them. Trouble is told once and outlived, as on
//! the screen; only what no waiting mends ends the run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{LogsArgs, Out, Refusals, ended, named};
use crate::cli::answer::{Answer, Failure, Format, put};
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::domain::fault::FaultKind;
use crate::domain::ids::ModuleId;
use crate::domain::json::compact;
use crate::domain::time::age_text;
use crate::logs::continuity::{Following, Mark, Opening};
use crate::logs::decode::Failure as LogFailure;
use crate::logs::print::failure_in_words;
use crate::logs::ring::{Content, Picture, Row, Source};
use crate::logs::tail::{Attention, LogTail, Slowed, TailPicture, TailSettings, Wanted};

/// No more lines are read at first, unless more are wanted.
const MOST_OPENING: u32 = 5_000;
/// Rounds after which it shows what following costs.
const PACE_AFTER: u32 = 3;

/// Follows until ctrl-c, or until whoever read our output went away.
pub(super) async fn run(site: &Site, out: &Out<'_>, modules: Vec<ModuleId>) -> Result<Answer, Failure> {
    let args = out.args;
    let now = site.clock.now().wall;
    let opening = match args.since {
        Some(since) => Opening::Last(since.age(now).max(Duration::from_secs(1))),
        None => Opening::Tail(opening_lines(args, &modules)),
    };
    let following = Following { opening, regex: args.regex.clone() };
    let mut printer = Printer::new(out, modules.clone());
    let wanted = Wanted { modules, following, attention: Attention::InView };
    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (hub, clock) = (&site.hub.read, site.clock.clone());
    let tail = LogTail::start(hub, clock, TailSettings::default(), args.device.clone(), wanted, &cancel, &tasks);
    let mut pictures = tail.picture();
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let picture = tokio::select! {
            _ = &mut interrupted => return Ok(printer.ended(&pictures.borrow())),
            changed = pictures.changed() => {
                if changed.is_err() {
                    return Err(Failure::new(Exit::Failure, "following the log has ended by itself; run it again"));
                }
                pictures.borrow_and_update().clone()
            }
        };
        printer.tell(&picture)?;
        let text = printer.news(&picture);
        // Whoever reads us may have stopped reading: that must not keep ctrl-c from ending us.
        let written = tokio::task::spawn_blocking(move || {
            if text.is_empty() && is_abandoned() {
                Err(Failure::new(Exit::Signal(141), ""))
            } else {
                put(&mut std::io::stdout(), &text)
            }
        });
        tokio::select! {
            _ = &mut interrupted => return Ok(printer.ended(&picture)),
            written = written => match written {
                Ok(written) => written?,
                Err(_) => return Err(Failure::new(Exit::Failure, "printing the log has failed; run it again")),
            },
        }
    }
}

/// How many lines following begins with: more than are printed, so that the next answer surely joins them, and many more
/// where most of them are left out.
fn opening_lines(args: &LogsArgs, modules: &[ModuleId]) -> u32 {
    let lines = args.tail.unwrap_or(super::USUAL_LINES);
    if modules.iter().any(|module| args.leaves_out_of(module)) {
        lines.saturating_mul(8).clamp(500, MOST_OPENING).max(lines)
    } else {
        lines.max(super::USUAL_LINES)
    }
}

/// Whether our output is a pipe that nobody reads any more; a quiet log would not notice.
fn is_abandoned() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = std::io::stdout();
    let mut ends = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut ends, Some(&at_once)).is_ok() && ends.iter().any(|end| end.revents().contains(PollFlags::ERR))
}

/// What was printed and told so far.
struct Printer<'a> {
    out: &'a Out<'a>,
    modules: Vec<ModuleId>,
    /// Rows that were here, by arrival.
    printed: u64,
    /// Modules whose first lines were here: of those only the last ones are printed.
    opened: BTreeSet<Source>,
    /// Whether it was said that there is nothing yet, or there was something.
    begun: bool,
    refusals: Refusals,
    silent: bool,
    /// Whether it was told that it goes slower.
    slow: bool,
    /// Messages that were spent, and how often that changed.
    spent: u64,
    rounds: u32,
}

impl<'a> Printer<'a> {
    fn new(out: &'a Out<'a>, modules: Vec<ModuleId>) -> Self {
        Self {
            out,
            modules,
            printed: 0,
            opened: BTreeSet::new(),
            begun: false,
            refusals: Refusals::new(),
            silent: false,
            slow: false,
            spent: 0,
            rounds: 0,
        }
    }

    /// The lines that are new, ready to print; marks between them are told on the way.
    fn news(&mut self, picture: &TailPicture) -> String {
        let out = self.out;
        let log = &picture.log;
        let all: Vec<&Row> = log.all(crate::logs::ring::Filter::default()).collect();
        let new = |row: &&&Row| row.id.arrival() > self.printed;
        let newest = all.iter().map(|row| row.id.arrival()).max().unwrap_or(self.printed);
        let arrived = u64::try_from(all.iter().filter(new).count()).unwrap_or(u64::MAX);
        let missed = newest.saturating_sub(self.printed).saturating_sub(arrived);
        if missed > 0 {
            out.say(&format!("gap: {missed} lines were dropped here: they came faster than they were read"));
        }
        let rows: Vec<&Row> = all.iter().copied().filter(|row| new(&row)).collect();
        let rows = self.beginning(log, rows);
        self.printed = newest.max(self.printed);
        let mut text = String::new();
        for row in rows {
            let line = match out.format {
                Format::Table => out.text(log, row),
                Format::Json => out.item(log, row).map(|item| compact(&item)),
            };
            match line {
                Some(line) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                None => out.mark(log, row),
            }
        }
        text
    }

    /// The rows that are printed: of a module's first ones, as many lines as are wanted, and no mark before them but that
    /// there should be more.
    fn beginning<'r>(&mut self, log: &Picture, rows: Vec<&'r Row>) -> Vec<&'r Row> {
        let out = self.out;
        let shown = out.filter();
        let new: BTreeSet<Source> =
            rows.iter().map(|row| row.source).filter(|source| !self.opened.contains(source)).collect();
        let mut surplus: BTreeMap<Source, usize> = BTreeMap::new();
        for source in &new {
            let own = || rows.iter().filter(|row| row.source == *source && matches!(row.content, Content::Line { .. }));
            let (read, printed) = (own().count(), own().filter(|row| shown.takes(row)).count());
            let Some(most) = out.args.most() else { continue };
            surplus.insert(*source, printed.saturating_sub(most));
            let older = rows.iter().any(|row| row.source == *source && begins_late(row));
            if let Some(module) =
                log.module(*source).filter(|module| printed < most && older && out.args.leaves_out_of(module))
            {
                out.fewer(module, printed, read);
            }
        }
        self.opened.extend(new);
        rows.into_iter()
            .filter(|row| shown.takes(row))
            .filter(|row| match surplus.get_mut(&row.source) {
                Some(left) if *left > 0 && matches!(row.content, Content::Line { .. }) => {
                    *left -= 1;
                    false
                }
                _ => true,
            })
            .collect()
    }

    /// Says what is news about following itself.
    fn tell(&mut self, picture: &TailPicture) -> Result<(), Failure> {
        let out = self.out;
        match &picture.fault {
            Some((fault, _)) if !self.silent => {
                let hopeless =
                    matches!(fault.kind, FaultKind::NotFound | FaultKind::Unauthorized | FaultKind::Rejected);
                if picture.answered.is_none() && hopeless {
                    return Err(Failure::from(fault));
                }
                out.say(&format!("{fault}; {}; trying on", fault.advice()));
                self.silent = true;
            }
            None if self.silent => {
                out.say("edgeAgent answers again");
                self.silent = false;
            }
            Some(_) | None => {}
        }
        for (module, state) in &picture.modules {
            match &state.failure {
                // The silence was told.
                Some(LogFailure::Hub(_)) => {}
                Some(failure) if self.refusals.get(module) != Some(failure) => {
                    if picture.modules.len() == 1 && picture.log.rows() == 0 && *failure == LogFailure::NoSuchModule {
                        return Err(ended(&out.args.device, module, failure));
                    }
                    out.say(&format!("{}: {}", named(module), failure_in_words(failure)));
                    self.refusals.insert(module.clone(), failure.clone());
                }
                Some(_) => {}
                None => {
                    self.refusals.remove(module);
                }
            }
        }
        self.begun |= picture.log.rows() > 0;
        if !self.begun && picture.answered.is_some() && picture.modules.values().all(|state| state.failure.is_none()) {
            out.nothing(&self.modules, "; lines are printed as they come");
            self.begun = true;
        }
        if picture.cost.spent > self.spent {
            self.spent = picture.cost.spent;
            self.rounds += 1;
            // The opening is no pace: what comes after it is.
            if self.rounds == PACE_AFTER {
                out.say(&format!("following costs about {} messages an hour", picture.cost.per_hour));
            }
        }
        if picture.slowed == Some(Slowed::Messages) && picture.fault.is_none() && !self.slow {
            let every = age_text(picture.every);
            out.say(&format!(
                "asking every {every} from now on, and ever more seldom: the day's messages have to last"
            ));
            self.slow = true;
        }
        Ok(())
    }

    /// The end that somebody wanted.
    fn ended(&self, picture: &TailPicture) -> Answer {
        self.out.say(&format!("following has cost {} messages", picture.cost.spent));
        let at = picture.answered.map(|at| at.wall).unwrap_or_default();
        Answer { exit: Exit::Signal(130), streamed: true, ..Answer::new("LogLines", at, Vec::new(), String::new()) }
    }
}

/// Whether it says that there may be lines before a module's first ones.
fn begins_late(row: &Row) -> bool {
    matches!(row.content, Content::Mark(Mark::Begins { older: true } | Mark::Shortened { .. }))
}
