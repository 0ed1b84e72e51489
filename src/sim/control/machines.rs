//! The commands after `:sim` that are about one device's machine, and about the registries its images come from.

use std::time::Duration;

use jiff::SignedDuration;

use crate::domain::routes::Sink;
use crate::sim::device::{Access, Condition, LogFault, MachineSpec, Messages, Operation, Pull};
use crate::sim::hub::SimHub;

/// What is possible, for refusals.
pub(super) const POSSIBLE: &str = "net on|off DEVICE, provision DEVICE, stop|start DEVICE, power on|off DEVICE, \
    fault DEVICE WHAT, heal DEVICE, copy DEVICE, messages DEVICE, image NAME ok|missing|hangs|slow, registry HOST open|closed";

/// What can be wrong with a machine, for refusals.
const FAULTS: &str = "possible are: agent-hung, disk-full, certificates-expired, clock HOURS, crash MODULE SECONDS, \
    dead MODULE, log-truncated MODULE, log-unreadable MODULE, refuse-create MODULE, refuse-start MODULE, \
    refuse-stop MODULE";

/// An image that takes longer than edgeAgent waits for one answer.
const SLOW: Duration = Duration::from_secs(700);

/// Carries out one of these commands; nothing when it is none.
pub(super) fn run(hub: &SimHub, words: &[&str]) -> Option<Result<String, String>> {
    Some(match words {
        ["net", "off", device] => hub
            .afflict(device, &Condition::NetworkOff, true)
            .map(|()| format!("{device} has no network until `:sim net on {device}`; its modules run on")),
        ["net", "on", device] => hub
            .afflict(device, &Condition::NetworkOff, false)
            .map(|()| format!("{device} has its network back and is linked within seconds")),
        ["provision", device] => hub
            .provision(device, MachineSpec::default())
            .map(|()| format!("the runtime was installed for {device}; edgeAgent starts within seconds")),
        ["stop", device] => hub
            .stop(device, true)
            .map(|()| format!("the runtime of {device} was stopped in order until `:sim start {device}`")),
        ["power", "off", device] => hub
            .stop(device, false)
            .map(|()| format!("the power of {device} was cut, and nobody could say so; `:sim power on {device}`")),
        ["start", device] | ["power", "on", device] => {
            hub.start(device).map(|()| format!("the runtime of {device} starts; edgeAgent follows within seconds"))
        }
        ["fault", device, what @ ..] => match condition(what) {
            Some(condition) => hub
                .afflict(device, &condition, true)
                .map(|()| format!("{device} has a fault: {}; `:sim heal {device}` takes it away", what.join(" "))),
            None => Err(format!("`{}` is no fault; {FAULTS}", what.join(" "))),
        },
        ["heal", device] => hub.heal(device).map(|()| format!("nothing is wrong with {device} any more")),
        ["messages", device] => hub.messages(device).map(|messages| describe(device, &messages)),
        ["copy", device] => hub
            .copy(device)
            .map(|()| format!("a second machine has the identity of {device}; the two push each other out")),
        ["image", name, what] => match pull(what) {
            Some(pull) => {
                hub.change_registry(|registry| registry.rule(name, pull));
                Ok(format!("pulls of {name} from now on: {what}"))
            }
            None => Err(format!("`{what}` is nothing a pull can come to; possible are: ok, missing, hangs, slow")),
        },
        ["registry", host, "open"] => {
            hub.change_registry(|registry| registry.restrict(host, Access::Open));
            Ok(format!("everybody may pull from {host}"))
        }
        ["registry", host, "closed"] => {
            hub.change_registry(|registry| registry.restrict(host, Access::Nobody));
            Ok(format!("{host} takes no password any more, as after a rotation"))
        }
        _ => return None,
    })
}

/// `sent`, then what became of the copies for each endpoint, then the queues in which some wait.
fn describe(device: &str, messages: &Messages) -> String {
    let Messages { counts, queues } = messages;
    let fates = [
        ("delivered", counts.delivered),
        ("queued", counts.queued),
        ("expired", counts.expired),
        ("without a route", counts.no_route),
        ("refused", counts.refused),
        ("lost", counts.lost),
    ];
    let fates: Vec<String> = fates.iter().map(|(fate, count)| format!("{count} {fate}")).collect();
    let waiting = queues.iter().filter(|queue| queue.queued > 0).map(|queue| {
        let endpoint = match &queue.endpoint {
            Sink::Upstream => "$upstream".to_owned(),
            Sink::Module { module, input } => format!("{module}/{input}"),
        };
        format!(
            "; {} wait for {endpoint} ({} expired there, {} delivered)",
            queue.queued, queue.expired, queue.delivered
        )
    });
    format!("{device}: {} messages sent, {}{}", counts.sent, fates.join(", "), waiting.collect::<String>())
}

fn pull(word: &str) -> Option<Pull> {
    Some(match word {
        "ok" => Pull::Ready(Duration::from_secs(8)),
        "missing" => Pull::NotFound,
        "hangs" => Pull::Hangs,
        "slow" => Pull::Ready(SLOW),
        _ => return None,
    })
}

fn condition(words: &[&str]) -> Option<Condition> {
    let refuses = |module: &str, operation| Condition::Refuses { module: module.to_owned(), operation, times: None };
    let log_broken = |module: &str, fault| Condition::LogBroken { module: module.to_owned(), fault };
    Some(match words {
        ["agent-hung"] => Condition::AgentHung,
        ["disk-full"] => Condition::DiskFull,
        ["certificates-expired"] => Condition::CertificatesExpired,
        // No further than a century, so that stamps stay stamps.
        ["clock", hours] => match hours.trim_start_matches('+').parse() {
            Ok(hours @ -876_000..=876_000) => Condition::ClockWrong(SignedDuration::from_hours(hours)),
            _ => return None,
        },
        ["crash", module, seconds] => Condition::Crashes {
            module: (*module).to_owned(),
            code: 1,
            after: Duration::from_secs(seconds.parse::<u32>().ok()?.into()),
            says: "Unhandled exception. It was told to crash.".to_owned(),
        },
        ["log-truncated", module] => log_broken(module, LogFault::Truncated),
        ["log-unreadable", module] => log_broken(module, LogFault::Unreadable),
        ["dead", module] => Condition::Dead { module: (*module).to_owned() },
        ["refuse-create", module] => refuses(module, Operation::Create),
        ["refuse-start", module] => refuses(module, Operation::Start),
        ["refuse-stop", module] => refuses(module, Operation::Stop),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_words() {
        let words = |text: &str| condition(&text.split(' ').collect::<Vec<_>>());
        assert_eq!(words("clock -48"), Some(Condition::ClockWrong(SignedDuration::from_hours(-48))));
        assert_eq!(words("clock +1"), Some(Condition::ClockWrong(SignedDuration::from_hours(1))));
        assert!(matches!(words("crash m 30"), Some(Condition::Crashes { module, .. }) if module == "m"));
        for wrong in ["clock 999999999999", "clock soon", "crash m -1", "crash m", "fire"] {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }
}
