//! Laws that hold for every request, sensible or not: the hub never fails itself, and what it refuses or only reads it does
//! not change.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::device::MachineSpec;
use crate::sim::hub::testing::{Answer, Caller};
use crate::sim::hub::{Refusal, Seed, SimHub};

use super::asks::{Ask, Step, any_step};
use super::digest::Digest;

/// A hub with something of everything.
fn hub() -> (Caller, Arc<ManualClock>) {
    let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
    let shared: SharedClock = clock.clone();
    let caller = Caller::new(SimHub::new("hub", Seed::fixed(1), Arc::clone(&shared), shared));
    let put = |path: &str, body: Value| assert_eq!(caller.send("PUT", path, &[], &body).status, 200, "{path}");
    put("/devices/edge", json!({"capabilities": {"iotEdge": true}}));
    put("/devices/edge/modules/m", json!({}));
    put("/devices/plain", json!({}));
    put("/devices/off", json!({"status": "disabled"}));
    put("/twins/edge", json!({"tags": {"n": 1}, "properties": {"desired": {"a": {"b": 1}}}}));
    put(
        "/configurations/base",
        json!({"content": {"deviceContent": {"properties.desired.x": 1}}, "targetCondition": "tags.n = 1"}),
    );
    caller.hub.provision("edge", MachineSpec::default()).unwrap();
    clock.advance(Duration::from_secs(60));
    (caller, clock)
}

/// Whether a request was refused as a whole; a bulk of which a part was done says 400 too.
fn is_refusal(answer: &Answer) -> bool {
    answer.status >= 400 && answer.body.get("isSuccessful").is_none()
}

fn only_reads(ask: &Ask) -> bool {
    let path = ask.path.split('?').next().unwrap_or_default().trim_matches('/');
    ask.method == "GET" || (ask.method == "POST" && matches!(path, "devices/query" | "configurations/testQueries"))
}

fn check(caller: &Caller, ask: &Ask) -> TestCaseResult {
    let before = Digest::of(&caller.hub);
    let headers: Vec<(&str, &str)> = ask.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request = caller.request(&ask.method, &ask.path, &headers, ask.body.clone());
    for refusal in [Refusal::Throttled, Refusal::Unavailable] {
        let refused = Answer::of(&caller.hub.refuse(&request, refusal));
        prop_assert!(refused.status >= 400);
    }
    let answer = Answer::of(&caller.hub.handle(&request));
    let of_method = ask.path.contains("/methods");
    // 504 is a device's silence.
    prop_assert!(
        answer.status < 500 || (of_method && answer.status == 504),
        "{} {:?}: {}",
        answer.status,
        ask,
        answer.body
    );
    prop_assert!(answer.header("x-ms-request-id").is_some());
    if is_refusal(&answer) {
        let code = answer.header("iothub-errorcode");
        prop_assert!(code.is_some_and(|code| !code.is_empty()) && answer.body.is_object(), "{:?}", ask);
    }
    if is_refusal(&answer) || only_reads(ask) {
        let after = Digest::of(&caller.hub);
        let changed = after.changes_since(&before);
        prop_assert!(changed.is_empty(), "{} to {:?} changed {:#?}", answer.status, ask, changed);
        // Whoever is asked for a method is brought up to date first.
        prop_assert!(
            of_method || after.machines == before.machines,
            "{} to {:?} reached a machine",
            answer.status,
            ask
        );
    }
    Ok(())
}

/// As many as `PROPTEST_CASES` says; without it few, since each is a hub's life.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig { max_shrink_iters: 500, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases: 16, ..usual } }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_request_makes_the_hub_fail_and_none_that_is_refused_changes_it(
        steps in prop::collection::vec(any_step(), 1..24)
    ) {
        let (mut caller, clock) = hub();
        for step in &steps {
            match step {
                Step::Pass(time) => clock.advance(Duration::from_millis(*time)),
                Step::Ask(ask) => {
                    caller.policy = ask.policy;
                    check(&caller, ask)?;
                }
            }
        }
    }
}
