//! What is wrong with the way to the hub, and with the hub's answers: switched off like a dead network, slow, requests or
//! replies that are lost, connections that are reset, refusals in place of answers, somebody else who is quicker. Which request meets which is decided here, once per request.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

use super::hub::{Asked, Refusal, RequestKind};

/// The faults in force. A request meets at most one of the last five: it is lost, or else its connection is reset, or else
/// it is refused, or else overtaken, or else its reply is lost; the others have to wait for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultState {
    /// Whether the hub answers. Switched off it looks like a dead network: connections open and requests are
    /// sent, but nothing ever comes back.
    pub hub_on: bool,
    /// Added to every answer.
    pub latency: Duration,
    /// Requests that never reach the hub: the connection they came over is cut.
    pub drop_request: Option<Next>,
    /// Requests that reach the hub, which does what they ask; then the connection they came over is cut.
    pub drop_reply: Option<Next>,
    /// Requests whose connection is reset, before the hub hears of them.
    pub reset: Option<Next>,
    /// Writes of twins that somebody else is quicker than: the twin is another one when they arrive.
    pub foreign: Option<Next>,
    /// Requests that are refused, and nothing is done.
    pub answer: Option<(Refusal, Next)>,
}

impl Default for FaultState {
    fn default() -> Self {
        Self {
            hub_on: true,
            latency: Duration::ZERO,
            drop_request: None,
            drop_reply: None,
            reset: None,
            foreign: None,
            answer: None,
        }
    }
}

/// The requests a fault is for. `Display` names them: `the next 3 writes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// How many more; nothing for all, until somebody ends it.
    pub left: Option<u32>,
    /// Of which kind; nothing for all kinds.
    pub kind: Option<RequestKind>,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = self.kind.map_or("request", RequestKind::word);
        match self.left {
            None => write!(f, "every {noun}"),
            Some(1) => write!(f, "the next {noun}"),
            Some(left) => write!(f, "the next {left} {noun}s"),
        }
    }
}

impl Next {
    fn is_for(self, kind: RequestKind) -> bool {
        self.left != Some(0) && self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// What is left of it after one request.
    fn after_one(self) -> Option<Self> {
        match self.left {
            None => Some(self),
            Some(left) => left.checked_sub(1).filter(|left| *left > 0).map(|left| Self { left: Some(left), ..self }),
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is served.
    Served,
    /// It never reaches the hub.
    RequestDropped,
    /// It never reaches the hub, and the connection is reset.
    Reset,
    /// Somebody else writes to the same twin right before it is served.
    Overtaken,
    /// It is served, and nobody hears of it.
    ReplyDropped,
    /// It is refused.
    Refused(Refusal),
}

impl FaultState {
    /// Decides over one request, and counts it.
    fn befall(&mut self, asked: Asked) -> Fate {
        let Asked { kind, metered, twin } = asked;
        if let Some(next) = self.drop_request.filter(|next| next.is_for(kind)) {
            self.drop_request = next.after_one();
            return Fate::RequestDropped;
        }
        if let Some(next) = self.reset.filter(|next| next.is_for(kind)) {
            self.reset = next.after_one();
            return Fate::Reset;
        }
        if let Some((refusal, next)) = self.answer.filter(|(_, next)| next.is_for(kind))
            && (metered || refusal != Refusal::QuotaExceeded)
        {
            self.answer = next.after_one().map(|next| (refusal, next));
            return Fate::Refused(refusal);
        }
        if let Some(next) = self.foreign.filter(|next| next.is_for(kind) && twin) {
            self.foreign = next.after_one();
            return Fate::Overtaken;
        }
        if let Some(next) = self.drop_reply.filter(|next| next.is_for(kind)) {
            self.drop_reply = next.after_one();
            return Fate::ReplyDropped;
        }
        Fate::Served
    }
}

/// The switches, shared by whoever turns them and every connection.
#[derive(Debug)]
pub(super) struct Faults(watch::Sender<FaultState>);

impl Faults {
    pub(super) fn new(state: FaultState) -> Self {
        Self(watch::Sender::new(state))
    }

    pub(super) fn state(&self) -> FaultState {
        *self.0.borrow()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut FaultState)) {
        self.0.send_modify(change);
    }

    /// What becomes of a request that has arrived.
    pub(super) fn befall(&self, asked: Asked) -> Fate {
        let mut fate = Fate::Served;
        self.0.send_if_modified(|state| {
            fate = state.befall(asked);
            fate != Fate::Served
        });
        fate
    }

    /// Returns as soon as the hub is on.
    pub(super) async fn reachable(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        drop(self.0.subscribe().wait_for(|state| state.hub_on).await);
    }

    /// Waits for the latency in force.
    pub(super) async fn delay(&self) {
        let latency = self.state().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [RequestKind; 3] = [RequestKind::Read, RequestKind::Write, RequestKind::Method];

    fn next(left: Option<u32>, kind: Option<RequestKind>) -> Next {
        Next { left, kind }
    }

    #[test]
    fn a_request_meets_one_fault_and_the_others_wait() {
        let mut state = FaultState {
            drop_request: Some(next(Some(1), None)),
            answer: Some((Refusal::Throttled, next(Some(2), Some(RequestKind::Read)))),
            drop_reply: Some(next(Some(1), None)),
            reset: Some(next(Some(1), None)),
            foreign: Some(next(Some(1), None)),
            ..FaultState::default()
        };
        let read = Asked { kind: RequestKind::Read, metered: true, twin: false };
        let mut fates: Vec<Fate> = (0..6).map(|_| state.befall(read)).collect();
        fates.push(state.befall(Asked { kind: RequestKind::Write, metered: true, twin: true }));
        let throttled = Fate::Refused(Refusal::Throttled);
        let (served, dropped) = (Fate::Served, Fate::RequestDropped);
        let expected = [dropped, Fate::Reset, throttled, throttled, Fate::ReplyDropped, served, Fate::Overtaken];
        assert_eq!(fates, expected, "only who writes a twin is overtaken");
        assert_eq!(state, FaultState::default(), "what is used up is gone");
    }

    #[test]
    fn the_quota_stops_what_is_metered_and_nothing_else() {
        let answer = Some((Refusal::QuotaExceeded, next(None, None)));
        let mut state = FaultState { answer, ..FaultState::default() };
        let asked = |metered| Asked { kind: RequestKind::Write, metered, twin: true };
        assert_eq!(state.befall(asked(false)), Fate::Served);
        assert_eq!(state.befall(asked(true)), Fate::Refused(Refusal::QuotaExceeded));
        assert_eq!(state.answer, answer);
    }

    #[test]
    fn requests_are_named() {
        for (left, kind, text) in [
            (Some(1), None, "the next request"),
            (Some(3), Some(RequestKind::Write), "the next 3 writes"),
            (None, Some(RequestKind::Method), "every method"),
        ] {
            assert_eq!(next(left, kind).to_string(), text);
        }
    }

    proptest! {
        /// Exactly as many requests of the kind meet the fault as were asked for, whatever comes between them.
        #[test]
        fn as_many_as_were_asked_for(
            count in 1_u32..20,
            wanted in proptest::option::of(proptest::sample::select(&KINDS[..])),
            kinds in proptest::collection::vec(proptest::sample::select(&KINDS[..]), 0..80),
        ) {
            let mut state = FaultState { drop_reply: Some(next(Some(count), wanted)), ..FaultState::default() };
            let fits = |kind: &RequestKind| wanted.is_none_or(|wanted| wanted == *kind);
            let mut met = 0_usize;
            for kind in &kinds {
                let fate = state.befall(Asked { kind: *kind, metered: false, twin: false });
                prop_assert!(fate == Fate::Served || fits(kind));
                met += usize::from(fate == Fate::ReplyDropped);
            }
            let most = usize::try_from(count).expect("small");
            prop_assert_eq!(met, kinds.iter().filter(|kind| fits(kind)).count().min(most));
            prop_assert_eq!(state.drop_reply.is_none(), met == most);
        }
    }
}
