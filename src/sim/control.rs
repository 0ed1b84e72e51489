//! The commands after `:sim`: what each does, in words for the status line. Those about devices are in `machines`.

mod machines;

use std::time::Duration;

use super::{Sim, SimStatus};

/// What is possible, for refusals.
const POSSIBLE: &str = "possible are: status, hub on|off, latency 300ms|2s|0, touch DEVICE[/MODULE]";

/// Latencies above this are typing mistakes: every client has given up by then.
const MAX_LATENCY: Duration = Duration::from_secs(120);

pub(super) fn run(sim: &Sim, text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let faults = &sim.shared.faults;
    match words.as_slice() {
        [] | ["status"] => Ok(describe(&sim.status())),
        ["hub", "off"] => {
            faults.change(|state| state.hub_on = false);
            Ok("the hub is off: connections hang without an answer until `:sim hub on`".to_owned())
        }
        ["hub", "on"] => {
            faults.change(|state| state.hub_on = true);
            Ok("the hub is on".to_owned())
        }
        ["latency", amount] => {
            let latency = parse_latency(amount)?;
            faults.change(|state| state.latency = latency);
            Ok(match latency {
                Duration::ZERO => "answers come at once".to_owned(),
                latency => format!("every answer takes {} ms longer", latency.as_millis()),
            })
        }
        ["touch", target] => {
            let (device, module) = match target.split_once('/') {
                Some((device, module)) => (device, Some(module)),
                None => (*target, None),
            };
            sim.shared.hub.touch(device, module)?;
            Ok(format!("somebody else wrote tags.touched of {target}; its ETag has moved"))
        }
        words => machines::run(&sim.shared.hub, words)
            .unwrap_or_else(|| Err(format!("`:sim {}` is unknown; {POSSIBLE}, {}", text.trim(), machines::POSSIBLE))),
    }
}

fn describe(status: &SimStatus) -> String {
    let reach = if status.faults.hub_on { "on" } else { "off" };
    format!(
        "{} at {}, hub {reach}, latency {} ms, {} devices, {} requests served",
        status.hub,
        status.endpoint,
        status.faults.latency.as_millis(),
        status.devices,
        status.served
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
}
