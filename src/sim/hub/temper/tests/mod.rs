//! The temper from outside, on a clock that stands until it is turned.

mod lags;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::hub::edition::Sku;
use crate::sim::hub::message::Wait;
use crate::sim::hub::testing::{Answer, Caller};
use crate::sim::hub::{Seed, SimHub};

fn hub(sku: Sku, temper: Temper) -> (Caller, Arc<ManualClock>) {
    let clock = ManualClock::at("2026-03-04T23:50:00Z".parse().unwrap());
    let shared: SharedClock = clock.clone();
    let hub = SimHub::new("hub", Seed::fixed(1), Arc::clone(&shared), shared);
    hub.on_terms(Terms { edition: Edition::new(sku, 1).unwrap(), temper, ..Terms::default() });
    let caller = Caller::new(hub);
    assert_eq!(caller.send("PUT", "/devices/d", &[], &json!({"deviceId": "d"})).status, 200);
    (caller, clock)
}

fn ask(caller: &Caller) -> Answer {
    caller.send("POST", "/devices/query", &[], &json!({"query": "SELECT deviceId FROM devices"}))
}

fn twin(caller: &Caller) -> Answer {
    caller.send("GET", "/twins/d", &[], &Value::Null)
}

/// A throttled request waits first, in order; a full queue refuses, with the service's body and headers; and it is over as
/// time passes.
#[test]
fn queries_are_shaped_before_they_are_refused() {
    let (caller, clock) = hub(Sku::S1, Temper::REAL);
    let answers: Vec<Answer> = (0..24).map(|_| ask(&caller)).collect();
    let at_once = answers.iter().filter(|answer| answer.status == 200).count();
    let late: Vec<u64> = answers
        .iter()
        .filter_map(|answer| match answer.wait {
            Wait::Turn(after) => Some(after.as_secs()),
            _ => None,
        })
        .collect();
    assert_eq!((at_once, late), (20, vec![3, 6, 9]));
    let refused = answers.last().unwrap();
    assert_eq!((refused.status, refused.wait), (429, Wait::None));
    assert_eq!(refused.header("iothub-errorcode"), Some("ThrottlingBacklogTimeout"));
    assert_eq!((refused.header("Connection"), refused.header("Retry-After")), (Some("close"), None));
    let said = "The request has been throttled. Wait 10 seconds and try again. Operation type: Query";
    assert!(refused.body["Message"].as_str().unwrap().ends_with(said), "{}", refused.body);
    assert_eq!(twin(&caller).status, 200, "other classes go on");
    clock.advance(Duration::from_secs(12));
    assert_eq!(ask(&caller).status, 200);
}

/// Whoever waits for a turn has done nothing yet, and pays once.
#[test]
fn what_waits_is_done_when_its_turn_comes_and_not_before() {
    let (caller, _) = hub(Sku::S1, Temper::REAL);
    let write = |value: u32, queued| {
        let body = json!({"tags": {"n": value}});
        caller.send_again("PATCH", "/twins/d", &[], &body, queued)
    };
    let mut last = 0;
    let waits = loop {
        last += 1;
        let answer = write(last, false);
        if let Wait::Turn(_) = answer.wait {
            break answer;
        }
        assert_eq!((answer.status, last < 3_100), (200, true));
    };
    assert_eq!(waits.status, 429);
    assert_eq!(last, 3_001, "a minute's worth of fifty a second");
    assert_eq!(twin(&caller).body["tags"]["n"], 3_000);
    assert_eq!(write(last, true).status, 200);
    assert_eq!(twin(&caller).body["tags"]["n"], 3_001);
    let status = caller.hub.temper();
    let writes = status.classes.iter().find(|class| class.class == Class::TwinWrite).unwrap();
    assert_eq!(writes.turns, Turns { at_once: 3_000, late: 1, refused: 0 });
}

#[test]
fn a_bulk_of_more_than_is_left_is_refused() {
    let (caller, _) = hub(Sku::S1, Temper::REAL);
    let bulk = |from: u32, count: u32| {
        let items: Vec<Value> =
            (from..from + count).map(|n| json!({"id": format!("b{n}"), "importMode": "create"})).collect();
        caller.send("POST", "/devices", &[], &Value::Array(items))
    };
    let statuses = [bulk(0, 100), bulk(100, 100), bulk(200, 50), bulk(200, 49)].map(|answer| answer.status);
    assert_eq!(statuses, [200, 200, 429, 200], "250 in a burst, and one was taken before");
}

/// The meter: what costs, how much, what its end stops, and that midnight begins it anew.
#[test]
fn a_day_is_used_up_message_by_message_until_midnight() {
    let (caller, clock) = hub(Sku::F1, Temper { meter: true, ..Temper::default() });
    let used = || caller.hub.temper().used;
    let costs = |act: &dyn Fn() -> Answer| {
        let before = used();
        let answer = act();
        (answer.status, used() - before)
    };
    let big = json!({"tags": {"text": "x".repeat(1_200)}});
    let list = || caller.send("GET", "/devices", &[], &Value::Null);
    assert_eq!(costs(&list), (200, 0));
    assert_eq!(costs(&|| ask(&caller)), (200, 1));
    assert_eq!(costs(&|| caller.send("PATCH", "/twins/d", &[], &big)), (200, 3), "three blocks of half a KB");
    let (status, read) = costs(&|| twin(&caller));
    assert_eq!((status, read > 3), (200, true), "the whole twin in blocks: {read}");
    let jobs = json!({"query": "SELECT * FROM devices.jobs"});
    assert_eq!(costs(&|| caller.send("POST", "/devices/query", &[], &jobs)), (200, 0));
    let configuration = json!({"content": {"deviceContent": {"properties.desired.a": 1}}, "targetCondition": "*"});
    assert_eq!(costs(&|| caller.send("PUT", "/configurations/c", &[], &configuration)), (200, 0));
    let ping = json!({"methodName": "ping", "payload": "x".repeat(600)});
    let away = || caller.send("POST", "/twins/d/methods", &[], &ping);
    assert_eq!(costs(&away), (404, 3), "offline: the request and one");

    caller.hub.set_used(7_999);
    assert_eq!(twin(&caller).status, 200, "the last one may overshoot");
    let over = twin(&caller);
    assert_eq!((over.status, over.header("iothub-errorcode")), (403, Some("IotHubQuotaExceeded")));
    assert_eq!(over.code(), 403_002);
    assert!(over.body.to_string().contains("Max allowed message count : '8000', current message count : '80"));
    assert_eq!((ask(&caller).status, list().status), (403, 200), "what is free is served");
    assert_eq!(caller.hub.temper().over_quota, 2);
    clock.advance(Duration::from_secs(600));
    assert_eq!((twin(&caller).status, caller.hub.temper().over_quota), (200, 0), "midnight UTC");
}

/// Counted or not: a kind hub refuses nothing, and knows what was used when somebody asks.
#[test]
fn a_kind_hub_counts_and_refuses_nothing() {
    let (caller, _) = hub(Sku::F1, Temper::default());
    caller.hub.set_used(8_000);
    assert!((0..60).all(|_| ask(&caller).status == 200));
    assert_eq!(caller.hub.temper().used, 8_060);
    caller.hub.behave(|temper| temper.meter = true);
    assert_eq!(ask(&caller).status, 403);
    caller.hub.buy(Edition::new(Sku::S1, 1).unwrap());
    assert_eq!(ask(&caller).status, 200, "a larger day lifts it at once");
}

#[test]
fn a_basic_hub_has_registry_and_queries_and_no_more() {
    let (caller, _) = hub(Sku::B1, Temper::default());
    assert_eq!(ask(&caller).status, 200);
    for (method, path) in [("GET", "/twins/d"), ("GET", "/configurations"), ("POST", "/twins/d/methods")] {
        let answer = caller.send(method, path, &[], &json!({}));
        let code = answer.header("iothub-errorcode");
        assert_eq!((answer.status, code), (403, Some("OperationNotAvailableInCurrentTier")), "{path}");
    }
}

/// What twins say is the world's time, and not that of a clock that is wrong.
#[test]
fn a_skewed_clock_shows_in_date_alone() {
    let (caller, _) = hub(Sku::S1, Temper::default());
    let before = twin(&caller).body;
    caller.hub.set_skew(SignedDuration::from_mins(20));
    let answer = twin(&caller);
    assert_eq!((answer.header("Date"), &answer.body), (Some("Thu, 05 Mar 2026 00:10:00 GMT"), &before));
}
