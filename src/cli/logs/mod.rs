//! `edgedeck logs`: what modules wrote, read through edgeAgent; once, or as it comes. Lines to standard output, and what is
//! to be known about them (gaps, refusals, what it costs) to standard error. Secrets in lines are masked, always: a log is
//! piped, pasted and attached.

mod follow;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Format};
use super::ask::Asker;
use super::exit::Exit;
use super::site::Site;
use super::target::{device_id, module_id};
use crate::domain::health::AgentReport;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::text::Untrusted;
use crate::domain::time::durations;
use crate::logs::continuity::Mark;
use crate::logs::decode::Failure as LogFailure;
use crate::logs::print::{Layout, failure_in_words, in_words, length, line};
use crate::logs::request::container;
use crate::logs::ring::{Content, Filter, Picture, Row};
use crate::logs::{Severity, Stream};

/// Lines that are read when nobody says how many, or since when.
const USUAL_LINES: u32 = 100;

/// What `logs` takes.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// The device
    #[arg(value_name = "DEVICE", value_parser = device_id)]
    pub device: DeviceId,
    /// The module, as the hub or the device calls it: $edgeAgent or edgeAgent
    #[arg(value_name = "MODULE", value_parser = module_id, conflicts_with = "all")]
    pub module: Option<ModuleId>,
    /// Every module of the device, merged by the device's time
    #[arg(long)]
    pub all: bool,
    /// Print the last so many lines, of each module [default: 100, where no time is given]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub tail: Option<u32>,
    /// Print lines as they come, until ctrl-c
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// From then on: 10m ago, or an instant (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub since: Option<Moment>,
    /// Until then: 10m ago, or an instant (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with = "follow")]
    pub until: Option<Moment>,
    /// Only lines that match; a .NET expression, applied on the device. Searches one day unless --since says more
    #[arg(long, value_name = "RE")]
    pub regex: Option<String>,
    /// Put the device's time before each line, as --all does
    #[arg(long)]
    pub timestamps: bool,
    /// Also what edgeAgent writes about being asked for logs
    #[arg(long)]
    pub polling: bool,
}

impl LogsArgs {
    /// Why it cannot be said whose log is meant.
    pub(super) fn without_module(&self) -> Option<String> {
        (self.module.is_none() && !self.all).then(|| {
            let device = self.device.shown();
            format!(
                "whose log? Name a MODULE (`edgedeck modules list {device}` shows them), or --all for those of all modules"
            )
        })
    }

    /// How many lines of each module are printed at most.
    fn most(&self) -> Option<usize> {
        let by_time = self.since.is_some() || self.until.is_some() || self.regex.is_some();
        let lines = self.tail.or((!by_time).then_some(USUAL_LINES))?;
        usize::try_from(lines).ok()
    }

    /// Whether lines of this module's log are left out: edgeAgent writes several about each time it is asked.
    fn leaves_out_of(&self, module: &ModuleId) -> bool {
        !self.polling && container(module) == container(&ModuleId::edge_agent())
    }

    /// The time the log begins with, in words.
    fn since_when(&self) -> Option<String> {
        Some(match self.since? {
            Moment::Ago(age) => format!("in the last {}", length(age)),
            Moment::At(at) => format!("since {at}"),
        })
    }
}

/// A point in time as somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long before now; by the device's clock where it is asked.
    Ago(Duration),
    /// This instant.
    At(Timestamp),
}

impl Moment {
    fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(age) => now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH),
            Self::At(at) => at,
        }
    }

    fn age(self, now: Timestamp) -> Duration {
        match self {
            Self::Ago(age) => age,
            Self::At(at) => Duration::try_from(now.duration_since(at)).unwrap_or_default(),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Some(age) = durations::parse(text) {
        return Ok(Moment::Ago(age));
    }
    text.parse()
        .map(Moment::At)
        .map_err(|_error| format!("not a time: {}, or an instant such as 2026-01-02T03:04:05Z", durations::SPELLING))
}

/// Prints logs.
///
/// # Errors
/// The hub's, a module that does not run, and a reader of our output that went away.
pub async fn run(site: &Site, args: &LogsArgs, format: Format, asker: Asker) -> Result<Answer, Failure> {
    let modules = match &args.module {
        Some(module) => vec![module.clone()],
        None => modules(site, &args.device).await?,
    };
    let out = Out { args, format, asker, width: modules.iter().map(|module| module.shown().width()).max() };
    if args.follow {
        return follow::run(site, &out, modules).await;
    }
    read::run(site, &out, &modules).await
}

/// The modules that run, as edgeAgent last reported them.
async fn modules(site: &Site, device: &DeviceId) -> Result<Vec<ModuleId>, Failure> {
    let twin = site.hub.read.twin(&TwinId::module(device.clone(), ModuleId::edge_agent())).await?;
    let running: Vec<ModuleId> = AgentReport::of(&twin).into_reported().collect();
    if running.is_empty() {
        let text = format!("edgeAgent of {} has reported no modules: there is no log to read", device.shown());
        return Err(Failure::new(Exit::NotFound, text));
    }
    Ok(running)
}

/// How lines are printed, and where the rest goes.
struct Out<'a> {
    args: &'a LogsArgs,
    format: Format,
    asker: Asker,
    /// Columns of the longest module's name.
    width: Option<usize>,
}

impl Out<'_> {
    /// What is printed of all that was read.
    fn filter(&self) -> Filter {
        if self.args.polling { Filter::default() } else { Filter::default().without_polling() }
    }

    /// A row's line for people. A mark has none: it goes to standard error. Lines of several modules carry their times:
    /// what was before what is why they are read together.
    fn text(&self, log: &Picture, row: &Row) -> Option<String> {
        let layout =
            Layout { stamps: self.args.timestamps || self.args.all, module: self.width.filter(|_| self.args.all) };
        matches!(row.content, Content::Line { .. }).then(|| line(log, row, layout))
    }

    /// A row for programs.
    fn item(&self, log: &Picture, row: &Row) -> Option<Value> {
        let Content::Line { entry, continues } = &row.content else { return None };
        let level = match entry.severity {
            Severity::Said(level) => Some(level.digit()),
            Severity::Unsaid => None,
        };
        let stream = match entry.stream {
            Stream::Out => Some("stdout"),
            Stream::Err => Some("stderr"),
            Stream::Unknown => None,
        };
        Some(json!({
            "device": self.args.device.as_str(),
            "module": log.module(row.source).map(ModuleId::as_str),
            "timestamp": entry.time.map(|at| at.to_string()),
            "level": level,
            "stream": stream,
            "continues": continues,
            "text": entry.text.raw(),
        }))
    }

    /// Says what a mark says.
    fn mark(&self, log: &Picture, row: &Row) {
        // Where reading began is no news to whoever said so.
        if let Content::Mark(mark) = &row.content
            && !matches!(mark, Mark::Begins { .. })
        {
            let whose = log.module(row.source).map(|module| String::from(module.shown())).unwrap_or_default();
            self.say(&format!("{whose}: {}", in_words(mark, |at| format!("{at:.3}"))));
        }
    }

    /// Says that there is nothing to print, and why: no line is also what a broken pipe looks like.
    fn nothing(&self, modules: &[ModuleId], next: &str) {
        let whose = match modules {
            [module] => TwinId::module(self.args.device.clone(), module.clone()).shown().to_string(),
            _ => format!("{}, all modules", self.args.device.shown()),
        };
        let what = match &self.args.regex {
            Some(_) => "no line matches",
            None => "nothing was written",
        };
        let when = self.args.since_when();
        let when = when.as_deref().unwrap_or("that the log still holds");
        self.say(&format!("{whose}: {what} {when}{next}"));
    }

    /// Says that fewer lines are printed than were wanted, because most of those that were read are left out.
    fn fewer(&self, module: &ModuleId, printed: usize, read: usize) {
        self.say(&format!(
            "{}: {printed} of the last {read} lines are not about being asked for logs; --polling prints all, --since \
             reads further back",
            named(module)
        ));
    }

    fn say(&self, text: &str) {
        self.asker.say(&format!("edgedeck: {text}"));
    }
}

/// A module's failure as the end of a run that was about it alone.
fn ended(device: &DeviceId, module: &ModuleId, failure: &LogFailure) -> Failure {
    let whose = TwinId::module(device.clone(), module.clone()).shown();
    match failure {
        LogFailure::Hub(fault) => Failure::from(fault),
        LogFailure::NoSuchModule => Failure::new(
            Exit::NotFound,
            format!("{whose}: {}; `edgedeck modules list` shows what runs", failure_in_words(failure)),
        ),
        LogFailure::TooLarge { .. } | LogFailure::Agent { .. } | LogFailure::Unreadable(_) => {
            Failure::new(Exit::Failure, format!("could not read the log of {whose}: {}", failure_in_words(failure)))
        }
    }
}

/// Failures by module, those that are none left out.
type Refusals = BTreeMap<ModuleId, LogFailure>;

/// A module's name for messages.
fn named(module: &ModuleId) -> String {
    Untrusted::new(module.as_str()).shown().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: &[&str]) -> LogsArgs {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            logs: LogsArgs,
        }
        let line = ["logs", "gw-1"].iter().chain(more);
        <Line as clap::Parser>::try_parse_from(line).unwrap().logs
    }

    #[test]
    fn lines_are_counted_where_somebody_counts_or_nobody_says_since_when() {
        for (more, most) in [
            (&["m"][..], Some(100)),
            (&["m", "--tail", "3"], Some(3)),
            (&["m", "--since", "1h"], None),
            (&["m", "--regex", "x"], None),
            (&["m", "--since", "1h", "--tail", "3"], Some(3)),
        ] {
            assert_eq!(args(more).most(), most, "{more:?}");
        }
        let agent = ModuleId::edge_agent();
        assert!(args(&["edgeAgent"]).leaves_out_of(&agent) && !args(&["edgeAgent", "--polling"]).leaves_out_of(&agent));
        assert!(!args(&["--all"]).leaves_out_of(&ModuleId::edge_hub()));
    }

    #[test]
    fn whose_log_is_asked_for_where_nobody_said() {
        let asked = args(&[]).without_module().unwrap();
        assert!(asked.contains("--all") && asked.contains("`edgedeck modules list gw-1`"), "{asked}");
        assert_eq!((args(&["m"]).without_module(), args(&["--all"]).without_module()), (None, None));
    }

    #[test]
    fn times_are_ages_or_instants() {
        assert_eq!(moment("10m"), Ok(Moment::Ago(Duration::from_secs(600))));
        assert_eq!(moment("1h30m"), Ok(Moment::Ago(Duration::from_secs(5_400))));
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(moment("2026-01-02T03:04:05Z"), Ok(Moment::At(at)));
        assert!(moment("yesterday").unwrap_err().contains("10m"));
        let now = "2026-01-02T03:14:05Z".parse().unwrap();
        assert_eq!(Moment::At(at).age(now), Duration::from_secs(600));
        assert_eq!(Moment::At(now).age(at), Duration::ZERO);
        assert_eq!(Moment::Ago(Duration::from_secs(600)).instant(now), at);
    }
}
