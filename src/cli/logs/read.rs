//! Reading what is there: one request where it fits into an answer, and more where it does not. By time, a part that is too
//! large is read in halves, down to a second; the last lines are halved until they fit. What is left out is said.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{LogsArgs, Moment, Out, Refusals, ended, named};
use crate::cli::answer::{Answer, Failure};
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::domain::ids::ModuleId;
use crate::domain::time::Now;
use crate::hub::MethodTimeouts;
use crate::logs::Entry;
use crate::logs::continuity::Found;
use crate::logs::decode::{self, Decoded, Failure as LogFailure};
use crate::logs::merge::{Merge, WINDOW};
use crate::logs::parse::is_about_polling;
use crate::logs::print::failure_in_words;
use crate::logs::request::{Encoding, Item, LogsRequest, Window, container};
use crate::logs::ring::{Caps, Ring};
use crate::logs::veil::Veil;

/// An expression searches so far back where nobody says how far: as far as the tool on the device does.
const DAY: Duration = Duration::from_secs(86_400);
/// Requests for one module: each is a message or more of the hub's day.
const MOST_REQUESTS: u32 = 64;
/// So many times as many lines are asked for when too few of them are printed,
const WIDER: u32 = 8;
/// up to this.
const MOST_LINES: u32 = 5_000;
/// Answers that may be lost in a row before that is taken for silence.
const MOST_LOST: u32 = 4;
/// How long the device may take.
const TIMEOUTS: MethodTimeouts = MethodTimeouts { connect: Duration::from_secs(10), response: Duration::from_secs(30) };

/// Reads, and answers with everything.
pub(super) async fn run(site: &Site, out: &Out<'_>, modules: &[ModuleId]) -> Result<Answer, Failure> {
    let now = site.clock.now();
    let source = Source { site, args: out.args, now, there: OnceCell::new() };
    let mut page = Page::default();
    let mut refusals = Refusals::new();
    for (module, read) in source.all(modules).await {
        match read {
            Ok(Read { entries, left_out, unreadable, fewer_of }) => {
                if let Some(read) = fewer_of {
                    out.fewer(&module, source.printed(&module, &entries), read);
                }
                for text in left_out {
                    out.say(&format!("{}: {text}", named(&module)));
                }
                if unreadable > 0 {
                    out.say(&format!("{}: {unreadable} lines could not be read", named(&module)));
                }
                page.add(&module, entries, now);
            }
            Err(failure) => {
                refusals.insert(module, failure);
            }
        }
    }
    if let ([module], Some((_, failure))) = (modules, refusals.first_key_value()) {
        return Err(ended(&out.args.device, module, failure));
    }
    if let (Some((module, failure)), true) = (refusals.first_key_value(), refusals.len() == modules.len()) {
        return Err(ended(&out.args.device, module, failure));
    }
    for (module, failure) in &refusals {
        out.say(&format!("{}: {}", named(module), failure_in_words(failure)));
    }
    let log = page.ring.picture();
    if log.dropped() > 0 {
        out.say(&format!("{} older lines were left out: more than is kept at once", log.dropped()));
    }
    let shown = out.filter();
    let mut table = String::new();
    for text in log.all(shown).filter_map(|row| out.text(&log, row)) {
        table.push_str(&text);
        table.push('\n');
    }
    let items: Vec<_> = log.all(shown).filter_map(|row| out.item(&log, row)).collect();
    if log.polling() > 0 && !out.args.polling {
        out.say(&format!("{} lines of edgeAgent's about being asked for logs left out (--polling)", log.polling()));
    }
    if log.rows() == 0 {
        let silent: Vec<ModuleId> = modules.iter().filter(|module| !refusals.contains_key(*module)).cloned().collect();
        out.nothing(&silent, "");
    }
    // A module that is not there has no log; one that refuses has one that is missing here.
    let is_whole = refusals.values().all(|failure| matches!(failure, LogFailure::NoSuchModule));
    let exit = if is_whole { Exit::Success } else { Exit::Failure };
    Ok(Answer { exit, ..Answer::new("LogLines", now.wall, items, table) })
}

/// The lines of one module, and what is to be known about them.
#[derive(Debug, Default)]
struct Read {
    entries: Vec<Entry>,
    left_out: Vec<String>,
    unreadable: usize,
    /// The lines that were looked through, where fewer of them are printed than were wanted.
    fewer_of: Option<usize>,
}

struct Source<'a> {
    site: &'a Site,
    args: &'a LogsArgs,
    now: Now,
    /// The device's time, once it was needed.
    there: OnceCell<Timestamp>,
}

impl Source<'_> {
    /// What is asked first.
    async fn window(&self) -> Window {
        let LogsArgs { since, until, regex, tail, .. } = self.args;
        let by_time = since.is_some() || until.is_some() || regex.is_some();
        match (since, until) {
            _ if !by_time => Window::tail(tail.unwrap_or(super::USUAL_LINES)),
            (Some(Moment::Ago(age)), None) => Window::Last(*age),
            (None, None) => Window::Last(DAY),
            (since, until) => {
                let (since, until) = self.span(*since, *until).await;
                Window::Between { since, until, tail: None }
            }
        }
    }

    /// The device's time, as near as it shows: edgeAgent's log ends with our request for it (or with
    /// an older line, on a device that logs warnings only). Ours where that has no answer.
    async fn there(&self) -> Timestamp {
        let ask = async || self.one(&ModuleId::edge_agent(), Window::tail(1)).await.ok()?.entries.pop()?.time;
        *self.there.get_or_init(async || ask().await.unwrap_or(self.now.wall)).await
    }

    /// Seconds since 1970; ages by the device's clock.
    async fn span(&self, since: Option<Moment>, until: Option<Moment>) -> (i64, i64) {
        let now = self.there().await;
        let until = until.map(|until| until.instant(now));
        let from = since.map(|since| since.instant(now));
        let from = from.or_else(|| until.unwrap_or(now).checked_sub(DAY).ok());
        (from.map_or(0, |from| from.as_second()), until.map_or(i64::MAX, |until| until.as_second()))
    }

    /// Everything, with as few requests as may be.
    async fn all(&self, modules: &[ModuleId]) -> Vec<(ModuleId, Result<Read, LogFailure>)> {
        let window = self.window().await;
        let mut first = self.ask(modules, window).await;
        let mut all = Vec::with_capacity(modules.len());
        for module in modules {
            let part = match &mut first {
                Ok(answer) => answer.take(module),
                // Together it is too large, or one of them spoils it for all.
                Err(failure)
                    if modules.len() > 1
                        && (failure.may_be_too_large() || matches!(failure, LogFailure::Agent { .. })) =>
                {
                    self.one(module, window).await
                }
                Err(failure) => Err(failure.clone()),
            };
            let read = match part {
                Ok(decoded) => Ok(Read::of(decoded)),
                Err(failure) if failure.may_be_too_large() => self.in_parts(module, window, failure).await,
                Err(failure) => Err(failure),
            };
            let read = match read {
                Ok(read) => Ok(self.last_of(module, self.further_back(module, window, read).await)),
                Err(failure) => Err(failure),
            };
            all.push((module.clone(), read));
        }
        all
    }

    /// How many of these lines are printed.
    fn printed(&self, module: &ModuleId, entries: &[Entry]) -> usize {
        let hides = self.args.leaves_out_of(module);
        entries.iter().filter(|entry| !(hides && is_about_polling(entry.text.raw()))).count()
    }

    /// The last lines, as many as are wanted of those that are printed.
    fn last_of(&self, module: &ModuleId, mut read: Read) -> Read {
        if let Some(most) = self.args.most() {
            let hides = self.args.leaves_out_of(module);
            let counts = |entry: &Entry| !(hides && is_about_polling(entry.text.raw()));
            let mut printed = read.entries.iter().enumerate().rev().filter(|(_, entry)| counts(entry));
            let first = printed.nth(most.saturating_sub(1)).map_or(0, |(place, _)| place);
            read.entries.drain(..first);
        }
        read
    }

    /// More of a log whose last lines are mostly left out, until as many as are wanted are not; or as far as a few requests
    /// go.
    async fn further_back(&self, module: &ModuleId, window: Window, mut read: Read) -> Read {
        let (Window::Tail(asked), Some(most)) = (window, self.args.most()) else { return read };
        if !self.args.leaves_out_of(module) || !read.left_out.is_empty() {
            return read;
        }
        let mut asked = asked.get();
        while self.printed(module, &read.entries) < most {
            if u32::try_from(read.entries.len()).is_ok_and(|lines| lines < asked) {
                // That is all there is.
                return read;
            }
            let wider = asked.saturating_mul(WIDER).clamp(super::USUAL_LINES, MOST_LINES);
            let more = if wider > asked { self.one(module, Window::tail(wider)).await.ok() } else { None };
            // Too much for an answer, or for patience: what there is has to do.
            let Some(more) = more else {
                read.fewer_of = Some(read.entries.len());
                return read;
            };
            (asked, read) = (wider, Read::of(more));
        }
        read
    }

    async fn in_parts(&self, module: &ModuleId, window: Window, refusal: LogFailure) -> Result<Read, LogFailure> {
        match window {
            Window::Tail(lines) => self.fewer(module, lines, refusal).await,
            Window::Since(since) => self.halves(module, since, i64::MAX).await,
            Window::Last(age) => {
                let since = self.there().await.checked_sub(age).map_or(0, |since| since.as_second());
                self.halves(module, since, i64::MAX).await
            }
            Window::Between { since, until, .. } => self.halves(module, since, until).await,
        }
    }

    /// Half as many lines until they fit.
    async fn fewer(&self, module: &ModuleId, asked: NonZeroU32, mut refusal: LogFailure) -> Result<Read, LogFailure> {
        let mut lines = asked.get();
        let mut lost = 0;
        while lines > 1 {
            // A lost answer cost half a minute: then the next one should arrive.
            lines = (lines / if matches!(refusal, LogFailure::Hub(_)) { 4 } else { 2 }).max(1);
            match self.one(module, Window::tail(lines)).await {
                Ok(decoded) => {
                    let text = format!(
                        "only the last {lines} of {asked} lines fit into an answer (127,000 bytes); --since reads a log in parts"
                    );
                    return Ok(Read { left_out: vec![text], ..Read::of(decoded) });
                }
                Err(failure) if Self::goes_on(&failure, &mut lost) => refusal = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(refusal)
    }

    /// Each half by itself, as deep as it takes.
    async fn halves(&self, module: &ModuleId, since: i64, until: i64) -> Result<Read, LogFailure> {
        let mut whole = Read::default();
        let (mut asked, mut lost) = (0, 0);
        // What was refused already is not asked again.
        let mut parts: Vec<(i64, i64)> = self.split(since, until).await.into_iter().flatten().rev().collect();
        if parts.is_empty() {
            parts.push((since, until));
        }
        while let Some((since, until)) = parts.pop() {
            asked += 1;
            if asked > MOST_REQUESTS {
                whole.left_out.push(format!(
                    "everything from {} on was left out: that is {MOST_REQUESTS} requests",
                    second(since)
                ));
                break;
            }
            match self.one(module, Window::Between { since, until, tail: None }).await {
                Ok(decoded) => {
                    whole.append(since, decoded);
                    lost = 0;
                }
                Err(failure) if Self::goes_on(&failure, &mut lost) => match self.split(since, until).await {
                    Some([first, later]) => parts.extend([later, first]),
                    None => whole.left_out.push(format!(
                        "gap: the lines of {} were left out: more was written in a second than an answer holds",
                        second(since)
                    )),
                },
                Err(failure) => return Err(failure),
            }
        }
        Ok(whole)
    }

    /// Two halves of a time, the earlier first.
    async fn split(&self, since: i64, until: i64) -> Option<[(i64, i64); 2]> {
        // An open end is thought of as now, and stays open.
        let end = until.min(self.there().await.as_second());
        let middle = since.midpoint(end.max(since));
        (middle > since && middle < until).then_some([(since, middle), (middle, until)])
    }

    /// Whether less is asked for after this. A device that never answers is not asked for ever.
    fn goes_on(failure: &LogFailure, lost: &mut u32) -> bool {
        *lost += u32::from(matches!(failure, LogFailure::Hub(_)));
        failure.may_be_too_large() && *lost <= MOST_LOST
    }

    async fn one(&self, module: &ModuleId, window: Window) -> Result<Decoded, LogFailure> {
        self.ask(std::slice::from_ref(module), window).await?.take(module)
    }

    async fn ask(&self, modules: &[ModuleId], window: Window) -> Result<decode::Answer, LogFailure> {
        let item = |module: &ModuleId| Item { module: module.clone(), window, regex: self.args.regex.clone() };
        let request = LogsRequest { items: modules.iter().map(item).collect(), encoding: Encoding::Gzip };
        let reply = self.site.hub.read.module_logs(&self.args.device, &request.to_json(), TIMEOUTS).await;
        reply.map_err(LogFailure::Hub).and_then(|reply| decode::answer(reply.status, &reply.payload))
    }
}

impl Read {
    fn of(decoded: Decoded) -> Self {
        Self { entries: decoded.entries, unreadable: decoded.unreadable, ..Self::default() }
    }

    /// The part that begins with the second `since`. Both ends of a part belong to it, so that a line stamped with the
    /// very instant between two is in both.
    fn append(&mut self, since: i64, decoded: Decoded) {
        self.unreadable += decoded.unreadable;
        let known: Vec<Entry> = self.entries.iter().rev().take_while(|entry| is_at(entry, since)).cloned().collect();
        let news = decoded.entries.into_iter().filter(|entry| !(is_at(entry, since) && known.contains(entry)));
        self.entries.extend(news);
    }
}

/// Whether a line is stamped with the very beginning of a second.
fn is_at(entry: &Entry, second: i64) -> bool {
    entry.time.is_some_and(|time| time.as_second() == second && time.subsec_nanosecond() == 0)
}

fn second(at: i64) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// Lines of all modules in one order.
struct Page {
    merge: Merge,
    ring: Ring,
}

impl Default for Page {
    fn default() -> Self {
        Self { merge: Merge::new(WINDOW), ring: Ring::new(Caps::default()) }
    }
}

impl Page {
    fn add(&mut self, module: &ModuleId, entries: Vec<Entry>, now: Now) {
        let Some(source) = self.ring.source(module) else { return };
        let is_agent = container(module) == container(&ModuleId::edge_agent());
        let mut veil = Veil::default();
        for mut entry in entries {
            veil.hide(&mut entry);
            for mut row in self.merge.place(source, Found::Line(entry), now.wall) {
                row.polling = is_agent && is_about_polling(row.text());
                self.ring.add(row);
            }
        }
    }
}
