//! The words for what can go wrong, shared by `:sim`, scenario files and `edgedeck sim do`: what is learnt in one place
//! holds in the others.

use std::time::Duration;

use jiff::SignedDuration;

use crate::domain::time::durations;

use super::device::{Condition, LogFault, Operation, Pull};
use super::faults::{FaultState, Next};
use super::hub::{Refusal, RequestKind};

/// What can be wrong with a machine, for refusals.
pub(super) const FAULTS: &str = "agent-hung, disk-full, certificates-expired, clock HOURS, crash MODULE SECONDS, \
    dead MODULE, log-truncated MODULE, log-unreadable MODULE, refuse-create MODULE [TIMES], \
    refuse-start MODULE [TIMES], refuse-stop MODULE [TIMES]";

/// What can be wrong with single requests, for refusals.
pub(super) const HUB_FAULTS: &str = "drop request|reply [N|all] [reads|writes|methods], \
    answer 429|500|503|504 [N|all] [reads|writes|methods], answer quota, \
    reset [N|all] [reads|writes|methods], foreign [N|all]";

/// What a pull can come to, for refusals.
pub(super) const PULLS: &str = "ok, missing, refused, hangs, slow";

/// An image that takes longer than edgeAgent waits for one answer.
const SLOW: Duration = Duration::from_secs(700);
/// An image that is simply there.
const QUICK: Duration = Duration::from_secs(8);
/// No clock is further off than a century, so that stamps stay stamps.
const MOST_HOURS: i64 = 876_000;

/// Latencies above this are typing mistakes: every client has given up by then.
const MAX_LATENCY: Duration = Duration::from_secs(120);

/// Beats at which deployments can look at their devices.
const MIN_BEAT: Duration = Duration::from_secs(1);
const MAX_BEAT: Duration = Duration::from_secs(60 * 60);

/// `30s`, `1h30m`, `500ms`, and `0`, which needs no unit; nothing for anything else, and for what does not fit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if text == "0" { Some(Duration::ZERO) } else { durations::parse(text) }
}

/// How much longer each answer takes: `300ms`, `2s`, or `0`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn latency(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Some(latency) if latency <= MAX_LATENCY => Ok(latency),
        Some(_) => Err(format!("a latency of {text} is more than {} s", MAX_LATENCY.as_secs())),
        None => Err(format!("`{text}` is no latency; write 300ms, 2s or 0")),
    }
}

/// How often deployments look at their devices: `30s` or `5m`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn beat(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Some(beat) if (MIN_BEAT..=MAX_BEAT).contains(&beat) => Ok(beat),
        Some(_) => Err(format!("a beat lies between {} s and {} min", MIN_BEAT.as_secs(), MAX_BEAT.as_secs() / 60)),
        None => Err(format!("`{text}` is no beat; write 30s or 5m")),
    }
}

/// How many messages: `399990`, or `399_990`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn messages(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_no_number| format!("`{}` is no number of messages; write 399990", text.escape_debug()))
}

/// How far something comes behind: `5s`, `1m`, or `0`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn lag(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Some(lag) if lag <= MAX_BEAT => Ok(lag),
        Some(_) => Err(format!("a lag of {text} is more than {} min", MAX_BEAT.as_secs() / 60)),
        None => Err(format!("`{}` is no lag; write 5s, 1m or 0", text.escape_debug())),
    }
}

/// How far a clock is ahead: `10m`, `+10m`, `-10m`, or `0`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn skew(text: &str) -> Result<SignedDuration, String> {
    let (back, amount) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let Some(amount) = duration(amount).and_then(|amount| SignedDuration::try_from(amount).ok()) else {
        return Err(format!("`{}` is no skew; write 10m, -10m or 0", text.escape_debug()));
    };
    if amount > SignedDuration::from_hours(MOST_HOURS) {
        return Err(format!("a skew of {} is more than a century", text.escape_debug()));
    }
    Ok(if back { -amount } else { amount })
}

/// A skew in words: `10m ahead`.
pub(super) fn ahead(skew: SignedDuration) -> String {
    let way = if skew.is_negative() { "behind" } else { "ahead" };
    format!("{} {way}", durations::print(skew.unsigned_abs()))
}

/// What a pull comes to.
pub(super) fn pull(word: &str) -> Option<Pull> {
    Some(match word {
        "ok" => Pull::Ready(QUICK),
        "missing" => Pull::NotFound,
        "refused" => Pull::Unauthorized,
        "hangs" => Pull::Hangs,
        "slow" => Pull::Ready(SLOW),
        _ => return None,
    })
}

/// Something that is wrong with single requests from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HubFault {
    /// They never arrive.
    DropRequest(Next),
    /// Their replies never arrive.
    DropReply(Next),
    /// Their connections are reset.
    Reset(Next),
    /// Somebody else writes to the twin first.
    Foreign(Next),
    /// They are refused.
    Answer(Refusal, Next),
}

impl HubFault {
    /// Puts it among the faults in force, in place of one of its kind.
    pub(super) fn put(self, state: &mut FaultState) {
        match self {
            Self::DropRequest(next) => state.drop_request = Some(next),
            Self::DropReply(next) => state.drop_reply = Some(next),
            Self::Reset(next) => state.reset = Some(next),
            Self::Foreign(next) => state.foreign = Some(next),
            Self::Answer(refusal, next) => state.answer = Some((refusal, next)),
        }
    }
}

/// What is wrong with single requests.
pub(super) fn hub_fault(words: &[&str]) -> Option<HubFault> {
    Some(match words {
        ["drop", "request", rest @ ..] => HubFault::DropRequest(next(rest)?),
        ["drop", "reply", rest @ ..] => HubFault::DropReply(next(rest)?),
        ["reset", rest @ ..] => HubFault::Reset(next(rest)?),
        // Only writes can be overtaken.
        ["foreign", rest @ ..] => HubFault::Foreign(next(rest).filter(|next| next.kind.is_none())?),
        // A day does not end after so many requests.
        ["answer", "quota"] => HubFault::Answer(Refusal::QuotaExceeded, Next { left: None, kind: None }),
        ["answer", code, rest @ ..] => {
            let known = [Refusal::Throttled, Refusal::ServerError, Refusal::Unavailable, Refusal::GatewayTimeout];
            HubFault::Answer(known.into_iter().find(|refusal| refusal.word() == *code)?, next(rest)?)
        }
        _ => return None,
    })
}

/// How many of the next requests, one when it is not said, and of which kind.
fn next(words: &[&str]) -> Option<Next> {
    let kinds = [("reads", RequestKind::Read), ("writes", RequestKind::Write), ("methods", RequestKind::Method)];
    let (kind, count) = match words.split_last() {
        Some((last, rest)) => match kinds.iter().find(|(name, _)| name == last) {
            Some((_, kind)) => (Some(*kind), rest),
            None => (None, words),
        },
        None => (None, words),
    };
    let left = match count {
        [] => Some(1),
        ["all"] => None,
        [number] => Some(number.parse().ok().filter(|number| *number > 0)?),
        _ => return None,
    };
    Some(Next { left, kind })
}

/// What is wrong with a machine.
pub(super) fn condition(words: &[&str]) -> Option<Condition> {
    let log_broken = |module: &str, fault| Condition::LogBroken { module: module.to_owned(), fault };
    Some(match words {
        ["agent-hung"] => Condition::AgentHung,
        ["disk-full"] => Condition::DiskFull,
        ["certificates-expired"] => Condition::CertificatesExpired,
        ["clock", hours] => match hours.trim_start_matches('+').parse() {
            Ok(hours) if (-MOST_HOURS..=MOST_HOURS).contains(&hours) => {
                Condition::ClockWrong(SignedDuration::from_hours(hours))
            }
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
        ["refuse-create", rest @ ..] => refusal(Operation::Create, rest)?,
        ["refuse-start", rest @ ..] => refusal(Operation::Start, rest)?,
        ["refuse-stop", rest @ ..] => refusal(Operation::Stop, rest)?,
        _ => return None,
    })
}

fn refusal(operation: Operation, words: &[&str]) -> Option<Condition> {
    let (module, times) = match words {
        [module] => (module, None),
        [module, times] => (module, Some(times.parse().ok()?)),
        _ => return None,
    };
    Some(Condition::Refuses { module: (*module).to_owned(), operation, times })
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
        assert!(matches!(words("refuse-stop m 2"), Some(Condition::Refuses { times: Some(2), .. })));
        assert!(matches!(words("refuse-stop m"), Some(Condition::Refuses { times: None, .. })));
        let wrong = ["clock 999999999999", "clock soon", "crash m -1", "crash m", "fire", "refuse-stop", "dead", ""];
        for wrong in wrong {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn requests_are_counted_and_told_apart_in_words() {
        use RequestKind::{Method, Read, Write};
        let words = |text: &str| hub_fault(&text.split_whitespace().collect::<Vec<_>>());
        let next = |left, kind| Next { left, kind };
        for (text, expected) in [
            ("drop reply", HubFault::DropReply(next(Some(1), None))),
            ("drop reply writes", HubFault::DropReply(next(Some(1), Some(Write)))),
            ("drop request 3 reads", HubFault::DropRequest(next(Some(3), Some(Read)))),
            ("drop request all", HubFault::DropRequest(next(None, None))),
            ("answer 429 2 methods", HubFault::Answer(Refusal::Throttled, next(Some(2), Some(Method)))),
            ("answer 503", HubFault::Answer(Refusal::Unavailable, next(Some(1), None))),
            ("reset 2 reads", HubFault::Reset(next(Some(2), Some(Read)))),
            ("foreign", HubFault::Foreign(next(Some(1), None))),
            ("foreign all", HubFault::Foreign(next(None, None))),
            ("answer quota", HubFault::Answer(Refusal::QuotaExceeded, next(None, None))),
        ] {
            assert_eq!(words(text), Some(expected), "{text}");
        }
        let wrong = [
            "drop",
            "drop reply 0",
            "drop reply -1",
            "drop reply 1 2",
            "drop reply writes 1",
            "drop reply 99999999999",
            "answer",
            "answer 418",
            "answer 200 1",
            "answer quota 2",
            "foreign reads",
            "reset 0",
        ];
        for wrong in wrong {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_numbers_with_units() {
        let millis = |text: &str| duration(text).map(|found| found.as_millis());
        for (text, expected) in
            [("0", Some(0)), ("500ms", Some(500)), ("1h30m", Some(5_400_000)), ("2d", Some(172_800_000))]
        {
            assert_eq!(millis(text), expected, "{text}");
        }
        for wrong in ["", "5", "s", "-5s", "5 s", "1h30", "5w", "99999999999999999999d"] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

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
            assert_eq!(latency(text), expected, "{text}");
        }
    }

    #[test]
    fn beats_have_a_unit_and_limits() {
        for (text, expected) in [
            ("1s", Ok(Duration::from_secs(1))),
            ("5m", Ok(Duration::from_secs(300))),
            ("60m", Ok(Duration::from_secs(3_600))),
            ("0s", Err("a beat lies between 1 s and 60 min".to_owned())),
            ("61m", Err("a beat lies between 1 s and 60 min".to_owned())),
            ("99999999999999999999m", Err("`99999999999999999999m` is no beat; write 30s or 5m".to_owned())),
            ("5", Err("`5` is no beat; write 30s or 5m".to_owned())),
        ] {
            assert_eq!(beat(text), expected, "{text}");
        }
    }
}
