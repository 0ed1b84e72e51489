//! What can stand after `:sim`, as far as it can be completed. The words are the simulator's; here is which of them follow
//! which.

/// The simulated hub's switches.
pub(super) const HUB: [&str; 40] = [
    "hub off",
    "hub on",
    "latency 300ms",
    "latency 0",
    "beat 30s",
    "beat 5m",
    "edition F1",
    "edition S1",
    "edition S2",
    "temper real",
    "temper off",
    "throttle on",
    "throttle off",
    "meter on",
    "meter off",
    "lag index 5s",
    "lag links 60s",
    "lag metrics 10s",
    "skew 10m",
    "drop request 1",
    "drop request all",
    "drop request off",
    "drop reply 1",
    "drop reply all",
    "drop reply off",
    "answer 429 1",
    "answer 429 all",
    "answer 500 1",
    "answer 503 1",
    "answer 503 all",
    "answer 504 1",
    "answer quota",
    "reset 1",
    "reset off",
    "foreign 1",
    "foreign off",
    "answer ok",
    "image",
    "registry",
    "status",
];
/// Those that are about a device.
pub(super) const DEVICE: [&str; 11] =
    ["net off", "net on", "provision", "stop", "start", "power off", "power on", "fault", "heal", "messages", "copy"];

/// Requests by what they do.
const REQUESTS: &[&str] = &["reads", "writes", "methods"];
/// What follows a switch and one word of whoever types.
const AFTER: [(&str, &[&str]); 10] = [
    ("drop request", REQUESTS),
    ("drop reply", REQUESTS),
    ("reset", REQUESTS),
    ("answer 429", REQUESTS),
    ("answer 500", REQUESTS),
    ("answer 503", REQUESTS),
    ("answer 504", REQUESTS),
    ("image", &["ok", "missing", "refused", "hangs", "slow"]),
    ("registry", &["open", "closed"]),
    (
        "fault",
        &[
            "agent-hung",
            "disk-full",
            "certificates-expired",
            "clock",
            "crash",
            "dead",
            "log-truncated",
            "log-unreadable",
            "refuse-create",
            "refuse-start",
            "refuse-stop",
        ],
    ),
];

/// What is typed before the last word (`image alpine`), the beginning of that word, and what it can be; nothing where it
/// is not one of a few.
pub(super) fn last_word(typed: &str) -> Option<(&str, &str, &'static [&'static str])> {
    AFTER.iter().find_map(|(switch, words)| {
        let rest = typed.strip_prefix(switch)?.strip_prefix(' ')?;
        let (own, begun) = rest.split_once(' ')?;
        let head = typed.get(..switch.len() + 1 + own.len())?;
        (!own.is_empty() && own != "off").then_some((head, begun.trim_start(), *words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_ones_own_stands_before_those_that_are_known() {
        for (typed, expected) in [
            ("image alpine ref", Some(("image alpine", "ref"))),
            ("image alpine ", Some(("image alpine", ""))),
            ("drop reply 3  wr", Some(("drop reply 3", "wr"))),
            ("fault gw-1 ", Some(("fault gw-1", ""))),
            ("image alpine", None),
            ("image  missing", None),
            ("drop reply off ", None),
            ("images alpine ", None),
            ("answer quota ", None),
        ] {
            assert_eq!(last_word(typed).map(|(head, begun, _)| (head, begun)), expected, "{typed:?}");
        }
        for (switch, _) in AFTER {
            let offered = HUB.iter().chain(&DEVICE).any(|known| known.starts_with(switch));
            assert!(offered, "{switch} is offered before it is continued");
        }
    }
}
