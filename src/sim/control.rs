//! The commands after `:sim`: what each does, in words for the status line. Those about
//! single requests are in `requests`, those about devices in `machines`.

mod machines;
mod requests;

use std::time::Duration;

use super::SimStatus;
use super::http::Shared;
use super::hub::NoMachine;

/// What is possible, for refusals.
const POSSIBLE: &str =
    "possible are: status, hub on|off, latency 300ms|2s|0, beat 30s|5m, edition free|paid, touch DEVICE[/MODULE]";

/// Latencies above this are typing mistakes: every client has given up by then.
const MAX_LATENCY: Duration = Duration::from_secs(120);

/// Beats at which deployments can look at their devices.
const MIN_BEAT: Duration = Duration::from_secs(1);
const MAX_BEAT: Duration = Duration::from_secs(60 * 60);

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is about something that does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It is no command, or not possible with what it is about.
    #[error("{0}")]
    Refused(String),
}

impl From<NoMachine> for CommandError {
    fn from(error: NoMachine) -> Self {
        let text = error.to_string();
        match error {
            NoMachine::Device(_) | NoMachine::Module { .. } => Self::NotFound(text),
            NoMachine::NotEdge(_) | NoMachine::Machine(_) => Self::Refused(text),
        }
    }
}

pub(super) fn run(shared: &Shared, text: &str) -> Result<String, CommandError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let faults = &shared.faults;
    match words.as_slice() {
        [] | ["status"] => Ok(describe(&shared.status())),
        ["hub", "off"] => {
            faults.change(|state| state.hub_on = false);
            Ok("the hub is off: connections hang without an answer until `:sim hub on`".to_owned())
        }
        ["hub", "on"] => {
            faults.change(|state| state.hub_on = true);
            Ok("the hub is on".to_owned())
        }
        ["latency", amount] => {
            let latency = parse_latency(amount).map_err(CommandError::Refused)?;
            faults.change(|state| state.latency = latency);
            Ok(match latency {
                Duration::ZERO => "answers come at once".to_owned(),
                latency => format!("every answer takes {} ms longer", latency.as_millis()),
            })
        }
        ["beat", every] => {
            let beat = parse_beat(every).map_err(CommandError::Refused)?;
            shared.hub.set_beat(beat);
            Ok(format!("deployments look at their devices every {} s", beat.as_secs()))
        }
        ["edition", edition @ ("free" | "paid")] => {
            shared.hub.set_free(*edition == "free");
            Ok(format!("the hub takes as many deployments as a {edition} one"))
        }
        ["touch", target] => {
            let (device, module) = match target.split_once('/') {
                Some((device, module)) => (device, Some(module)),
                None => (*target, None),
            };
            shared.hub.touch(device, module)?;
            Ok(format!("somebody else wrote tags.touched of {target}; its ETag has moved"))
        }
        [of @ ("drop" | "answer"), rest @ ..] => requests::run(faults, of, rest),
        words => machines::run(&shared.hub, words)?.ok_or_else(|| {
            let text = text.trim().escape_debug();
            let (of_requests, of_machines) = (requests::POSSIBLE, machines::POSSIBLE);
            CommandError::Refused(format!("`:sim {text}` is unknown; {POSSIBLE}, {of_requests}, {of_machines}"))
        }),
    }
}

fn describe(status: &SimStatus) -> String {
    let reach = if status.faults.hub_on { "on" } else { "off" };
    format!(
        "{}, scenario {}, at {}, hub {reach}, latency {} ms, {} devices, {} requests served{}",
        status.hub,
        status.scenario,
        status.endpoint,
        status.faults.latency.as_millis(),
        status.devices,
        status.served,
        requests::in_force(&status.faults).map(|fault| format!("; {fault}")).collect::<String>()
    )
}

/// `300ms`, `2s`, or `0`.
fn parse_latency(text: &str) -> Result<Duration, String> {
    let parsed = if text == "0" {
        Some(Duration::ZERO)
    } else if let Some(millis) = text.strip_suffix("ms") {
        millis.parse().ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs)
    };
    match parsed {
        Some(latency) if latency <= MAX_LATENCY => Ok(latency),
        Some(_) => Err(format!("a latency of {text} is more than {} s", MAX_LATENCY.as_secs())),
        None => Err(format!("`{text}` is no latency; write 300ms, 2s or 0")),
    }
}

/// `30s` or `5m`.
fn parse_beat(text: &str) -> Result<Duration, String> {
    let units = |suffix: char, seconds: u64| {
        let count: u64 = text.strip_suffix(suffix)?.parse().ok()?;
        count.checked_mul(seconds).map(Duration::from_secs)
    };
    match units('s', 1).or_else(|| units('m', 60)) {
        Some(beat) if (MIN_BEAT..=MAX_BEAT).contains(&beat) => Ok(beat),
        Some(_) => Err(format!("a beat lies between {} s and {} min", MIN_BEAT.as_secs(), MAX_BEAT.as_secs() / 60)),
        None => Err(format!("`{text}` is no beat; write 30s or 5m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_a_unit_and_a_limit() {
        for (text, expected) in [
            ("0", Ok(Duration::ZERO)),
            ("300ms", Ok(Duration::from_millis(300))),
            ("2s", Ok(Duration::from_secs(2))),
            ("121s", Err("a latency of 121s is more than 120 s".to_owned())),
            ("300", Err("`300` is no latency; write 300ms, 2s or 0".to_owned())),
            ("-1s", Err("`-1s` is no latency; write 300ms, 2s or 0".to_owned())),
        ] {
            assert_eq!(parse_latency(text), expected, "{text}");
        }
    }

    #[test]
    fn beats_are_seconds_or_minutes() {
        for (text, expected) in [
            ("1s", Ok(Duration::from_secs(1))),
            ("5m", Ok(Duration::from_secs(300))),
            ("60m", Ok(Duration::from_secs(3_600))),
            ("0s", Err("a beat lies between 1 s and 60 min".to_owned())),
            ("61m", Err("a beat lies between 1 s and 60 min".to_owned())),
            ("99999999999999999999m", Err("`99999999999999999999m` is no beat; write 30s or 5m".to_owned())),
            ("5", Err("`5` is no beat; write 30s or 5m".to_owned())),
        ] {
            assert_eq!(parse_beat(text), expected, "{text}");
        }
    }
}
