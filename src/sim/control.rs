//! The commands after `:sim`: what each does, in words for the status line. Those about
//! single requests are in `requests`, those about the service in `service`, those about devices in `machines`.

mod machines;
mod requests;
mod service;

use std::time::Duration;

use crate::domain::time::durations;

use super::SimStatus;
use super::http::Shared;
use super::hub::NoMachine;
use super::words;

/// What is possible, for refusals.
const POSSIBLE: &str = "possible are: status, hub on|off, latency 300ms|2s|0, beat 30s|5m, touch DEVICE[/MODULE]";

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
            let latency = words::latency(amount).map_err(CommandError::Refused)?;
            faults.change(|state| state.latency = latency);
            Ok(match latency {
                Duration::ZERO => "answers come at once".to_owned(),
                latency => format!("every answer takes {} ms longer", latency.as_millis()),
            })
        }
        ["beat", every] => {
            let beat = words::beat(every).map_err(CommandError::Refused)?;
            shared.hub.set_beat(beat);
            Ok(format!("deployments look at their devices every {}", durations::print(beat)))
        }
        ["touch", target] => {
            let (device, module) = match target.split_once('/') {
                Some((device, module)) => (device, Some(module)),
                None => (*target, None),
            };
            shared.hub.touch(device, module)?;
            Ok(format!("somebody else wrote tags.touched of {target}; its ETag has moved"))
        }
        [of @ ("drop" | "answer" | "reset" | "foreign"), rest @ ..] => requests::run(faults, of, rest),
        words => {
            if let Some(said) = service::run(&shared.hub, words)? {
                return Ok(said);
            }
            machines::run(&shared.hub, words)?.ok_or_else(|| {
                let text = text.trim().escape_debug();
                let (of_requests, of_machines) = (requests::possible(), machines::POSSIBLE);
                CommandError::Refused(format!(
                    "`:sim {text}` is unknown; {POSSIBLE}, {}, {of_requests}, {of_machines}",
                    service::POSSIBLE
                ))
            })
        }
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
        service::in_force(&status.temper)
            .into_iter()
            .chain(requests::in_force(&status.faults))
            .map(|clause| format!("; {clause}"))
            .collect::<String>()
    )
}
