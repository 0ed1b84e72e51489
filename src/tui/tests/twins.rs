//! Goldens of a twin: looking, typing, reviewing, sending, and two changes side by side.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{golden, golden_at};
use crate::domain::fault::{Fault, FaultKind, Right};
use crate::domain::ids::{ETag, TwinId};
use crate::ops::{Found, OpState, Outcome};
use crate::store::{Fetched, Source};
use crate::tui::msg::Msg;
use crate::tui::testkit::{Console, Maker, module_twin};
use crate::tui::tests::write::{asked, editing, reviewing, sending};

/// The console on a twin that was read just now.
fn on(maker: Maker) -> Console {
    let mut console = Console::online();
    let twin = maker.done();
    console.run(&format!("twin {}", twin.id.shown()));
    console.read_twin(twin);
    console
}

#[test]
fn before_the_first_answer() {
    let mut console = Console::online();
    console.run("twin edge-gateway-001/temperatureFilter");
    golden(&mut console, "twin-loading");
}

/// A twin is judged by how often twins are read, not by how often the fleet is.
#[test]
fn a_twin_ages_by_its_own_clock() {
    let mut console = on(Maker::filter());
    let every = |console: &mut Console, fleet, details| {
        let link = console.link(|link| {
            link.budget.fleet_every = Duration::from_secs(fleet);
            link.budget.details_every = Duration::from_secs(details);
        });
        console.tell(Msg::Link(link));
    };
    console.wait(Duration::from_secs(40));
    every(&mut console, 10, 60);
    assert!(!console.text().contains("STALE as of 40 s") && console.text().contains("poll 1 m"), "{}", console.text());
    every(&mut console, 60, 5);
    assert!(console.text().contains("STALE as of 40 s") && console.text().contains("poll 5 s"), "{}", console.text());
    console.run("devices");
    assert!(console.text().contains("poll 1 m"));
}

#[test]
fn desired_and_reported_alike() {
    let values = json!({"temperatureThreshold": 25.0, "window": {"seconds": 30, "mode": "mean"}});
    golden(&mut on(Maker::filter().reported(values, 9)), "twin-matches");
}

#[test]
fn desired_and_reported_apart() {
    let maker = || {
        Maker::filter().reported(
            json!({"temperatureThreshold": 30.0, "window": {"seconds": 30}, "firmware": "1.0.0", "messages": 5321}),
            9,
        )
    };
    golden(&mut on(maker()), "twin-differs");
    golden_at(&mut on(maker()), "twin-differs", 200, 60);
}

#[test]
fn only_reported() {
    golden(&mut on(Maker::filter().desired(json!({}), 1)), "twin-only-reported");
}

#[test]
fn without_properties() {
    golden(&mut on(Maker::of(module_twin("edge-gateway-001", "temperatureFilter"))), "twin-empty");
}

#[test]
fn of_a_device_with_tags() {
    let device = TwinId::device(crate::domain::ids::DeviceId::from_wire("edge-gateway-101"));
    let tags = json!({"location": {"building": "B1", "floor": 2}, "role": "gateway", "owner": {"team": "line 4", "phone": "+49 30 1234567"}});
    golden(&mut on(Maker::of(device).tags(tags)), "twin-of-device");
}

#[test]
fn with_more_rows_than_room() {
    let many: serde_json::Map<_, _> = (0..60).map(|n| (format!("setting{n:02}"), json!(n))).collect();
    let mut console = on(Maker::filter().desired(json!({ "settings": many }), 3).reported(json!({}), 1));
    console.press("G");
    golden(&mut console, "twin-long");
}

/// A twin is one answer: it is here, or old, or not here, and never in part.
#[test]
fn failed_before_anything_was_read() {
    let id = || module_twin("edge-gateway-001", "temperatureFilter");
    let mut refused =
        Fault::new(FaultKind::Unauthorized, "read the twin of edge-gateway-001/temperatureFilter", "Unauthorized");
    (refused.status, refused.needs) = (Some(401), Some(Right::ServiceConnect));
    let slow = Fault::new(FaultKind::TimedOut, "read the twin of edge-gateway-001/temperatureFilter", "no answer");
    for (name, fault) in [("twin-forbidden", refused), ("twin-error-without-data", slow)] {
        let mut console = Console::online();
        console.run("twin edge-gateway-001/temperatureFilter");
        console.read(|board, now| {
            board.twins.insert(id(), Fetched { value: None, fault: Some((fault.clone(), now)), asked: None });
        });
        let link = console.link(|link| {
            link.failed(Source::Twins, &fault, console.now());
        });
        console.tell(Msg::Link(link));
        golden(&mut console, name);
    }
}

#[test]
fn grown_stale_and_out_of_reach() {
    let mut console = on(Maker::filter());
    console.wait(Duration::from_secs(75));
    golden(&mut console, "twin-stale");
    console.fail(&Fault::new(FaultKind::Unreachable, "read the twin", "connection refused"));
    console.wait(Duration::from_secs(40));
    golden(&mut console, "twin-offline");
}

#[test]
fn gone() {
    let mut console = on(Maker::filter());
    let fault = Fault::new(FaultKind::NotFound, "read the twin of edge-gateway-001/temperatureFilter", "not found");
    console.read(|board, now| {
        let id = module_twin("edge-gateway-001", "temperatureFilter");
        board.twins.insert(id, Fetched { value: None, fault: Some((fault, now)), asked: None });
    });
    golden(&mut console, "twin-gone");
}

#[test]
fn a_system_modules_twin_is_not_edited() {
    let mut console = on(Maker::of(module_twin("edge-gateway-001", "$edgeHub"))
        .desired(json!({"schemaVersion": "1.1", "routes": {"up": "FROM /* INTO $upstream"}}), 4));
    console.press("e");
    golden(&mut console, "twin-system-module");
}

#[test]
fn edited() {
    let mut console = on(Maker::filter());
    console.press("e");
    golden(&mut console, "twin-edit-unchanged");
    let mut console = editing("30.0");
    golden(&mut console, "twin-edit-changed");
    golden_at(&mut console, "twin-edit-changed", 200, 60);
}

#[test]
fn edited_into_what_cannot_be_read() {
    golden(&mut editing("30.0.0,"), "twin-edit-invalid");
}

#[test]
fn edited_beyond_the_limit() {
    golden(&mut editing(&format!("\"{}\"", "x".repeat(5_000))), "twin-edit-over-limit");
}

#[test]
fn edited_while_it_changes_at_the_hub() {
    let mut console = editing("30.0");
    console.read_twin(Maker::filter().moved("AAAAAAAAAAQ=").done());
    golden(&mut console, "twin-edit-changed-meanwhile");
}

#[test]
fn a_draft_waits() {
    let mut console = editing("30.0");
    console.press("esc");
    golden(&mut console, "twin-draft-waits");
}

#[test]
fn reviewed_and_sent() {
    let mut console = reviewing("30.0");
    golden(&mut console, "twin-review");
    let (mut console, intent) = sending("30.0");
    golden(&mut console, "twin-review-handed-over");
    console.write_stands(&intent, OpState::Sending);
    golden(&mut console, "twin-review-sending");
    console.write_stands(
        &intent,
        OpState::Unknown(Fault::new(
            FaultKind::TimedOut,
            "change the twin of edge-gateway-001/temperatureFilter",
            "no answer in 30 s",
        )),
    );
    golden(&mut console, "twin-review-unknown");
}

#[test]
fn applied_refused_and_not_applied() {
    let after = Maker::filter().moved("AAAAAAAAAAQ=").done();
    for (name, outcome) in [
        ("twin-applied", Outcome::Applied(Found::Twin(Arc::new(after)))),
        ("twin-refused", Outcome::Refused("the hub would refuse it: 400 ArgumentInvalid, \u{1b}[31mno".into())),
        ("twin-not-applied", Outcome::NotApplied(Fault::new(FaultKind::TimedOut, "change the twin", "no answer"))),
    ] {
        let (mut console, intent) = sending("30.0");
        let at = console.now();
        console.write_stands(&intent, OpState::Done(outcome, at));
        golden(&mut console, name);
    }
}

#[test]
fn changed_by_two() {
    let (mut console, intent) = sending("30.0");
    let theirs = Maker::filter()
        .desired(json!({"temperatureThreshold": 28.0, "window": {"seconds": 60, "mode": "mean"}, "log": "debug"}), 3)
        .moved("AAAAAAAAAAQ=")
        .done();
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(Some(Found::Twin(Arc::new(theirs)))), at));
    golden(&mut console, "twin-conflict");
    golden_at(&mut console, "twin-conflict", 200, 60);
    console.press("m");
    golden(&mut console, "twin-conflict-mine");
}

#[test]
fn changed_by_two_without_an_answer() {
    let theirs = || {
        let theirs = Maker::filter().desired(json!({"temperatureThreshold": 28.0}), 4).moved("AAAAAAAAAAQ=");
        Arc::new(theirs.done())
    };
    let why = "the twin was written more than once, or made anew, since it was read";
    for (name, outcome) in [
        ("twin-overtaken", Outcome::Overtaken(Found::Twin(theirs()))),
        ("twin-undecidable", Outcome::Undecidable { why, now: Some(Found::Twin(theirs())) }),
        ("twin-undecidable-gone", Outcome::Undecidable { why: "the twin is gone", now: None }),
    ] {
        let (mut console, intent) = sending("30.0");
        let at = console.now();
        console.write_stands(&intent, OpState::Done(outcome, at));
        golden(&mut console, name);
    }
}

#[test]
fn their_tags_only() {
    let (mut console, intent) = sending("30.0");
    let mut theirs = Maker::filter().tags(json!({"shift": "night"})).done();
    theirs.etag = ETag::from_wire("AAAAAAAAAAQ=");
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(Some(Found::Twin(Arc::new(theirs)))), at));
    golden(&mut console, "twin-conflict-tags");
}

#[test]
fn confirmed_while_offline() {
    let mut console = asked("30.0");
    console.fail(&Fault::new(FaultKind::Unreachable, "query the devices", "connection refused"));
    console.press("tab enter");
    golden(&mut console, "twin-confirm-offline");
}
