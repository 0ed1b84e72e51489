//! The one retry policy: what may be sent again, how often, and how long to wait first. Pure; the jitter is passed in.

use std::time::Duration;

use crate::domain::fault::FaultKind;

/// No wait is longer. A hub that asks for more is not waited for inside a call: the class pauses and the caller hears.
pub(super) const CAP: Duration = Duration::from_secs(60);
/// What a 429 asks for in its text when it carries no `Retry-After`.
pub(super) const THROTTLED_BASE: Duration = Duration::from_secs(10);
const BASE: Duration = Duration::from_secs(1);

/// Whether sending a call again could do something twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// `GET` and queries.
    Reads,
    /// The same for a reader that asks again and again and paces itself: it wants to hear of trouble at once.
    Polls,
    /// Everything else.
    Writes,
}

/// How many times a failure of this kind may be answered by sending again.
fn retries(effect: Effect, kind: &FaultKind) -> u32 {
    match (effect, kind) {
        // A throttled write did not happen either, but waiting for the hub's leave is for whoever asked for it: they may
        // want something else by then.
        (Effect::Writes, _) => 0,
        (Effect::Reads, FaultKind::Throttled(_) | FaultKind::Server) => 3,
        // One more try meets a connection the other side closed while idle; an outage is the caller's to wait out.
        (Effect::Reads, FaultKind::Unreachable | FaultKind::TimedOut) => 1,
        (Effect::Reads, _) => 0,
        (Effect::Polls, FaultKind::Unreachable | FaultKind::Server) => 1,
        (Effect::Polls, _) => 0,
    }
}

/// How long to wait before try `attempt + 1` (the first try is 0), or `None` when the failure is final.
///
/// Exponential with full jitter above the base: `base ≤ delay ≤ 60 s`, factor 2, base 10 s after a 429 and 1 s
/// otherwise. A `Retry-After` replaces the base. `jitter` is drawn from `0.0..=1.0`.
pub(super) fn next_delay(
    effect: Effect,
    attempt: u32,
    kind: &FaultKind,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= retries(effect, kind) {
        return None;
    }
    let base = match (retry_after, kind) {
        (Some(asked), _) if asked > CAP => return None,
        (Some(asked), _) => asked.max(BASE),
        (None, FaultKind::Throttled(_)) => THROTTLED_BASE,
        (None, _) => BASE,
    };
    let ceiling = base.saturating_mul(2_u32.saturating_pow(attempt.saturating_add(1))).min(CAP);
    Some(base + (ceiling - base).mul_f64(jitter.clamp(0.0, 1.0)))
}

/// A draw from `0.0..=1.0`, from the same source as request ids.
pub(super) fn jitter() -> f64 {
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    u32::try_from(low & u64::from(u32::MAX)).map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> Vec<FaultKind> {
        use FaultKind as K;
        vec![
            K::Unreachable,
            K::TimedOut,
            K::Unauthorized,
            K::SystemModule,
            K::NotFound,
            K::DeviceOffline,
            K::AlreadyExists,
            K::PreconditionFailed,
            K::Rejected,
            K::Throttled(THROTTLED_BASE),
            K::QuotaExceeded,
            K::Server,
            K::Protocol,
            K::Budget,
        ]
    }

    #[test]
    fn only_failures_that_pass_are_tried_again() {
        let tries = |effect, kind: &FaultKind| {
            (0..9).take_while(|attempt| next_delay(effect, *attempt, kind, None, 0.0).is_some()).count()
        };
        for kind in kinds() {
            let reads = match kind {
                FaultKind::Throttled(_) | FaultKind::Server => 3,
                FaultKind::Unreachable | FaultKind::TimedOut => 1,
                _ => 0,
            };
            let polls = usize::from(matches!(kind, FaultKind::Unreachable | FaultKind::Server));
            assert_eq!(tries(Effect::Polls, &kind), polls, "{kind:?}");
            assert_eq!(tries(Effect::Reads, &kind), reads, "{kind:?}");
            assert_eq!(tries(Effect::Writes, &kind), 0, "{kind:?}");
        }
    }

    #[test]
    fn the_steps_double_up_to_the_cap() {
        let server: Vec<_> = (0..3).map(|n| next_delay(Effect::Reads, n, &FaultKind::Server, None, 1.0)).collect();
        assert_eq!(server, [2, 4, 8].map(|s| Some(Duration::from_secs(s))));
        let throttled = FaultKind::Throttled(THROTTLED_BASE);
        let slow: Vec<_> = (0..3).map(|n| next_delay(Effect::Reads, n, &throttled, None, 1.0)).collect();
        assert_eq!(slow, [20, 40, 60].map(|s| Some(Duration::from_secs(s))));
        assert_eq!(next_delay(Effect::Reads, 2, &throttled, None, 0.0), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_hub_that_asks_for_more_than_the_cap_is_not_waited_for() {
        let kind = FaultKind::Throttled(Duration::from_secs(61));
        assert_eq!(next_delay(Effect::Reads, 0, &kind, Some(Duration::from_secs(61)), 0.5), None);
        assert_eq!(
            next_delay(Effect::Reads, 0, &kind, Some(Duration::from_secs(30)), 0.0),
            Some(Duration::from_secs(30))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn base_to_cap(attempt in 0_u32..40, kind in proptest::sample::select(kinds()), asked in proptest::option::of(0_u64..100), jitter in 0.0..=1.0_f64) {
            let retry_after = asked.map(Duration::from_secs);
            for effect in [Effect::Reads, Effect::Polls, Effect::Writes] {
                if let Some(delay) = next_delay(effect, attempt, &kind, retry_after, jitter) {
                    let base = match (asked, &kind) {
                        (Some(asked), _) => Duration::from_secs(asked.max(1)),
                        (None, FaultKind::Throttled(_)) => THROTTLED_BASE,
                        (None, _) => BASE,
                    };
                    prop_assert!(base <= delay && delay <= CAP, "{delay:?}");
                }
            }
        }

        #[test]
        fn jitter_is_a_fraction(_n in 0..64) {
            prop_assert!((0.0..=1.0).contains(&jitter()));
        }
    }
}
