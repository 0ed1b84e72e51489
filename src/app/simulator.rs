//! The simulated hub as the console sees it: what its page shows, and its switches.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::access::AccessFiles;
use crate::domain::text::Untrusted;
use crate::domain::time::{age_text, durations};
use crate::sim::{ClassStatus, FaultState, Refusal, Sim, Tally, TemperStatus};
use crate::tui::msg::Msg;
use crate::tui::notices::Severity;

/// How long messages are counted for one look at the page; the rest is counted for the next.
const PATIENCE: Duration = Duration::from_millis(250);
/// Figures of this age say so.
const STALE: Duration = Duration::from_secs(10);
/// Devices without a network that are named.
const NAMED: usize = 5;

/// The simulated hub and the files that lead to it. The files go with the last handle.
#[derive(Debug, Clone)]
pub struct Simulator {
    sim: Arc<Sim>,
    files: Option<Arc<AccessFiles>>,
}

impl Simulator {
    /// The hub without files: tests need none.
    #[must_use]
    pub fn new(sim: Arc<Sim>) -> Self {
        Self { sim, files: None }
    }

    /// The hub, its authority's certificate and its connection string in a private folder of their own below `runtime`.
    ///
    /// # Errors
    /// A sentence when they cannot be written.
    pub fn with_files(sim: Arc<Sim>, runtime: &Path, now: Timestamp) -> Result<Self, String> {
        let files = AccessFiles::write(&sim, runtime, now)?;
        Ok(Self { sim, files: Some(Arc::new(files)) })
    }

    /// Throws a switch, if the text names one, and says what the page shows afterwards. May take a while: the world
    /// is brought up to date first.
    #[must_use]
    pub fn run(&self, text: &str) -> Vec<Msg> {
        let mut messages = Vec::new();
        if !text.is_empty() {
            let first = |answer: &str| answer.lines().next().unwrap_or_default().to_owned();
            messages.push(match self.sim.command(text) {
                Ok(answer) => Msg::Say(Severity::Info, first(&answer)),
                Err(why) => Msg::Say(Severity::Warning, first(&why.to_string())),
            });
        }
        messages.push(Msg::Simulator(self.page()));
        messages
    }

    /// The page, line by line.
    fn page(&self) -> Vec<String> {
        let status = self.sim.status();
        let mut lines = vec![
            format!("hub  {}, scenario {}", status.hub, Untrusted::from(status.scenario).shown()),
            format!("endpoint  {}", status.endpoint),
            format!("devices  {}", status.devices),
            format!("requests served  {}", status.served),
            format!(
                "network  {}",
                if status.faults.hub_on { "on (:sim hub off)" } else { "OFF: requests hang (:sim hub on)" }
            ),
            format!("latency  {} ms added (:sim latency 300ms)", status.faults.latency.as_millis()),
        ];
        lines.extend(service(&status.temper));
        lines.extend(single_requests(&status.faults));
        lines.extend(machines(&self.sim.tally(PATIENCE)));
        lines.push(String::new());
        if let Some(files) = &self.files {
            lines.push(format!("authority (CA)  {}", files.authority().display()));
            lines.push(format!("connection string  {}", files.connection_string().display()));
            lines.push(String::new());
        }
        lines.push("Any client that speaks to IoT Hub can use it.".to_owned());
        let twin = self.sim.some_twin().map(|twin| Untrusted::from(twin).shown().to_string());
        match &twin {
            Some(twin) => {
                lines.push("To be somebody else who changes a twin:".to_owned());
                lines.push(format!(":sim touch {twin}"));
            }
            None => lines.push("It has no devices yet: :register makes one, :sim provision ID its machine.".to_owned()),
        }
        if let Some(files) = &self.files {
            let program =
                std::env::current_exe().map_or_else(|_| "edgedeck".to_owned(), |path| path.display().to_string());
            if let Some(twin) = &twin {
                lines.extend([
                    "or, in another terminal:".to_owned(),
                    format!("'{program}' \\"),
                    format!("--connection-string-file '{}' \\", files.connection_string().display()),
                    format!("--ca-file '{}' \\", files.authority().display()),
                    format!("twin patch '{twin}' \\"),
                    if twin.ends_with("/temperatureFilter") {
                        "--desired '{\"temperatureThreshold\": 28.0}' --yes".to_owned()
                    } else {
                        "--tags '{\"shift\": \"night\"}' --yes".to_owned()
                    },
                ]);
            }
            lines.push(format!("What stands after :sim works there too: '{program}' sim do status"));
        }
        lines
    }
}

/// On which terms the hub serves, how much of them is taken, and what was late or refused.
fn service(status: &TemperStatus) -> Vec<String> {
    let TemperStatus { edition, temper, classes, used, over_quota, skew, behind } = status;
    let units = edition.units();
    let (noun, sku) = (if units == 1 { "unit" } else { "units" }, edition.sku().name());
    let mut lines = vec![format!("edition  {sku}, {units} {noun} (:sim edition S1 2)")];
    if temper.throttle {
        let taken = classes.iter().filter(|class| class.used > 0 || class.turns.late + class.turns.refused > 0);
        let taken: Vec<String> = taken.map(class).collect();
        let taken = if taken.is_empty() { "nothing is used".to_owned() } else { taken.join("; ") };
        lines.push(format!("rates  {taken} (:sim throttle off)"));
    } else {
        lines.push("rates  without a limit (:sim temper real)".to_owned());
    }
    let most = edition.messages_a_day();
    let end = match (temper.meter, used >= &most) {
        (false, _) => " (:sim meter on)".to_owned(),
        (true, false) => format!(", {over_quota} requests refused (:sim meter {most})"),
        (true, true) => format!(", USED UP: {over_quota} requests refused, 403002 (:sim meter 0)"),
    };
    lines.push(format!("day  {used} of {most} messages{end}"));
    let lag = |lag: Duration| if lag.is_zero() { "none".to_owned() } else { durations::print(lag) };
    let (index, links, metrics) = (lag(temper.index), lag(temper.links), lag(temper.metrics));
    lines.push(format!(
        "lags  queries {index} ({behind} devices behind), links {links}, figures {metrics} (:sim lag index 5s)"
    ));
    if !skew.is_zero() {
        let way = if skew.is_negative() { "BEHIND" } else { "AHEAD" };
        lines.push(format!("clock  {} {way} (:sim skew 0)", durations::print(skew.unsigned_abs())));
    }
    lines
}

fn class(status: &ClassStatus) -> String {
    let ClassStatus { class, used, turns } = status;
    let mut text = format!("{} {used} %", class.name());
    if turns.late > 0 {
        text.push_str(&format!(", {} late", turns.late));
    }
    if turns.refused > 0 {
        text.push_str(&format!(", {} REFUSED", turns.refused));
    }
    text
}

/// What becomes of single requests, each with the words that begin or end it.
fn single_requests(faults: &FaultState) -> Vec<String> {
    let request = match faults.drop_request {
        None => "all arrive (:sim drop request 1 writes)".to_owned(),
        Some(next) => format!("LOST: {next} (:sim drop request off)"),
    };
    let reply = match faults.drop_reply {
        None => "all arrive (:sim drop reply 1 writes)".to_owned(),
        Some(next) => format!("LOST: those to {next} (:sim drop reply off)"),
    };
    let answer = match faults.answer {
        None => "as asked (:sim answer 429 3 reads)".to_owned(),
        Some((Refusal::QuotaExceeded, _)) => {
            "REFUSED: what costs messages, 403002, the day's are used up (:sim answer ok)".to_owned()
        }
        Some((refusal, next)) => format!("REFUSED: {next}, {} (:sim answer ok)", refusal.word()),
    };
    let mut lines = vec![format!("requests  {request}"), format!("replies  {reply}"), format!("answers  {answer}")];
    lines.extend(faults.reset.map(|next| format!("connections  RESET: those of {next} (:sim reset off)")));
    if let Some(next) = faults.foreign {
        let left = next.left.map_or_else(|| "each".to_owned(), |left| format!("the next {left}"));
        lines.push(format!("writes of twins  OVERTAKEN: {left}, by somebody else (:sim foreign off)"));
    }
    lines
}

/// What became of the machines' messages, and who has no network.
fn machines(tally: &Tally) -> Vec<String> {
    let Tally { counts, machines, asleep, age, dark } = tally;
    let mut messages = format!(
        "messages  {} sent by {machines} machines: {} delivered, {} queued, {} expired",
        counts.sent, counts.delivered, counts.queued, counts.expired
    );
    let others = [("without a route", counts.no_route), ("refused by edgeHub", counts.refused), ("lost", counts.lost)];
    for (fate, count) in others.into_iter().filter(|(_, count)| *count > 0) {
        messages.push_str(&format!(", {count} {fate}"));
    }
    if *asleep > 0 {
        messages.push_str(&format!("; {asleep} machines to which nothing has happened are not counted"));
    }
    if *age >= STALE {
        messages.push_str(&format!("; still counting, the oldest figures are {} old", age_text(*age)));
    }
    let mut lines = vec![messages];
    for dark in dark.iter().take(NAMED) {
        let device = Untrusted::from(dark.device.clone()).shown().to_string();
        let (time, queued) = (age_text(dark.dark_for), dark.queued);
        let noun = if queued == 1 { "message" } else { "messages" };
        let known = if dark.age < STALE { String::new() } else { format!(" {} ago", age_text(dark.age)) };
        lines.push(format!("no network  {device} for {time}, {queued} {noun} queued{known} (:sim net on {device})"));
    }
    if let Some(more) = dark.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("no network  {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Dark, Next, RequestKind};

    #[test]
    fn what_is_in_force_stands_with_what_ends_it() {
        let next = |left, kind| Next { left, kind };
        let faults = FaultState {
            drop_request: Some(next(Some(2), Some(RequestKind::Write))),
            drop_reply: Some(next(Some(1), None)),
            answer: Some((Refusal::Throttled, next(None, Some(RequestKind::Read)))),
            ..FaultState::default()
        };
        assert_eq!(
            single_requests(&faults),
            [
                "requests  LOST: the next 2 writes (:sim drop request off)",
                "replies  LOST: those to the next request (:sim drop reply off)",
                "answers  REFUSED: every read, 429 (:sim answer ok)",
            ]
        );
        let used_up = FaultState { answer: Some((Refusal::QuotaExceeded, next(None, None))), ..FaultState::default() };
        assert!(single_requests(&used_up).concat().contains("403002"));
        assert!(!single_requests(&FaultState::default()).concat().contains("LOST"));
    }

    #[test]
    fn only_a_few_of_those_without_a_network_are_named() {
        let dark = |number: u32| Dark {
            device: format!("gw-{number}"),
            dark_for: Duration::from_secs(300),
            queued: u64::from(number),
            age: if number == 2 { Duration::from_secs(20) } else { Duration::ZERO },
        };
        let tally = Tally { machines: 9, dark: (1..=7).map(dark).collect(), ..Tally::default() };
        let lines = machines(&tally);
        assert_eq!(lines[0], "messages  0 sent by 9 machines: 0 delivered, 0 queued, 0 expired");
        assert_eq!(lines[1], "no network  gw-1 for 5 m, 1 message queued (:sim net on gw-1)");
        assert_eq!(lines[2], "no network  gw-2 for 5 m, 2 messages queued 20 s ago (:sim net on gw-2)");
        assert_eq!((lines.len(), lines[6].as_str()), (7, "no network  2 more"));
        let large = Tally { asleep: 1_000, age: Duration::from_secs(60), ..Tally::default() };
        assert!(machines(&large)[0].contains("1000 machines to which nothing has happened are not counted; still"));
    }
}
