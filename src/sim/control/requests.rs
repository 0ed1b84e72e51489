//! The commands after `:sim` that are about single requests: those that are lost, those whose replies are, those whose
//! connection is reset, those that are refused, and those that somebody else is quicker than.

use crate::sim::faults::{FaultState, Faults, Next};
use crate::sim::hub::Refusal;
use crate::sim::words::{self, HubFault};

use super::CommandError;

/// What is possible, for refusals.
pub(super) fn possible() -> String {
    format!("{}, drop request|reply off, reset off, foreign off, answer ok", words::HUB_FAULTS)
}

/// Carries out `drop …`, `reset …`, `foreign …` or `answer …` and says what it did.
///
/// # Errors
/// [`CommandError`].
pub(super) fn run(faults: &Faults, of: &str, rest: &[&str]) -> Result<String, CommandError> {
    match (of, rest) {
        ("drop", ["request", "off"]) => {
            faults.change(|state| state.drop_request = None);
            Ok("requests reach the hub".to_owned())
        }
        ("drop", ["reply", "off"]) => {
            faults.change(|state| state.drop_reply = None);
            Ok("replies arrive".to_owned())
        }
        ("reset", ["off"]) => {
            faults.change(|state| state.reset = None);
            Ok("connections last".to_owned())
        }
        ("foreign", ["off"]) => {
            faults.change(|state| state.foreign = None);
            Ok("nobody else writes to twins".to_owned())
        }
        ("answer", ["ok"]) => {
            faults.change(|state| state.answer = None);
            Ok("the hub does what it is asked".to_owned())
        }
        _ => {
            let words: Vec<&str> = std::iter::once(of).chain(rest.iter().copied()).collect();
            let fault = words::hub_fault(&words).ok_or_else(|| {
                let text = words.join(" ");
                CommandError::Refused(format!(
                    "`:sim {}` is unknown; possible are: {}",
                    text.escape_debug(),
                    possible()
                ))
            })?;
            faults.change(|state| fault.put(state));
            let end = match fault {
                HubFault::DropRequest(_) => "drop request off",
                HubFault::DropReply(_) => "drop reply off",
                HubFault::Reset(_) => "reset off",
                HubFault::Foreign(_) => "foreign off",
                HubFault::Answer(..) => "answer ok",
            };
            Ok(format!("{}; `:sim {end}` ends it", describe(fault)))
        }
    }
}

/// What is in force, each in a clause.
pub(super) fn in_force(state: &FaultState) -> impl Iterator<Item = String> {
    let faults = [
        state.drop_request.map(HubFault::DropRequest),
        state.reset.map(HubFault::Reset),
        state.foreign.map(HubFault::Foreign),
        state.answer.map(|(refusal, next)| HubFault::Answer(refusal, next)),
        state.drop_reply.map(HubFault::DropReply),
    ];
    faults.into_iter().flatten().map(describe)
}

fn describe(fault: HubFault) -> String {
    let is = |next: Next| if next.left.is_some_and(|left| left > 1) { "are" } else { "is" };
    match fault {
        HubFault::DropRequest(next) => {
            format!("{next} {} lost on the way: the connection is cut before the hub hears of it", is(next))
        }
        HubFault::DropReply(next) => {
            format!("the reply to {next} is lost: the hub does what it is asked, then the connection is cut")
        }
        HubFault::Reset(next) => {
            format!("the connection of {next} is reset before the hub hears of it")
        }
        HubFault::Foreign(Next { left, .. }) => {
            let which = match left {
                None => "every write".to_owned(),
                Some(1) => "the next write".to_owned(),
                Some(left) => format!("the next {left} writes"),
            };
            format!("somebody else writes to the same twin right before {which} of one")
        }
        HubFault::Answer(Refusal::QuotaExceeded, _) => {
            "the day's messages are used up: what costs some is refused with 403002, the rest is served".to_owned()
        }
        HubFault::Answer(refusal, next) => {
            format!("{next} {} answered {} and nothing is done", is(next), refusal.word())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_it_did_and_the_status_says_what_is_in_force() {
        let faults = Faults::new(FaultState::default());
        let said = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            run(&faults, words[0], &words[1..]).unwrap_or_else(|error| error.to_string())
        };
        for (text, part) in [
            ("drop reply", "the reply to the next request is lost: the hub does what it is asked"),
            ("drop request 2 writes", "the next 2 writes are lost on the way"),
            ("answer 429 3 reads", "the next 3 reads are answered 429 and nothing is done; `:sim answer ok` ends it"),
            ("answer 503 all", "every request is answered 503"),
            ("reset 2", "the connection of the next 2 requests is reset"),
            ("foreign 3", "somebody else writes to the same twin right before the next 3 writes of one"),
            ("answer quota", "403002"),
            ("answer teapot", "`:sim answer teapot` is unknown; possible are: drop request|reply"),
        ] {
            assert!(said(text).contains(part), "{text}: {}", said(text));
        }
        assert_eq!(in_force(&faults.state()).count(), 5);
        for text in ["drop reply off", "drop request off", "reset off", "foreign off", "answer ok"] {
            said(text);
        }
        assert_eq!(faults.state(), FaultState::default());
    }
}
