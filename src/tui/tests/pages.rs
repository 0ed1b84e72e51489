//! Goldens of the pages of text: help, keys, messages, changes, the simulated hub, raw JSON.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::golden;
use crate::domain::fault::{Fault, FaultKind};
use crate::ops::{Found, OpState, OpsBoard, Outcome};
use crate::tui::msg::Msg;
use crate::tui::notices::Severity;
use crate::tui::testkit::{Console, Maker, intent, session};

#[test]
fn help() {
    let mut console = Console::online();
    console.press("?");
    golden(&mut console, "help-fleet");
    console.press("G");
    golden(&mut console, "help-fleet-end");
    let mut session = session();
    session.read_only = true;
    let mut console = Console::online_with(session);
    console.run("twin edge-gateway-001/temperatureFilter");
    console.press("?");
    golden(&mut console, "help-twin-read-only");
}

#[test]
fn keys() {
    let mut console = Console::online();
    console.run("keys");
    golden(&mut console, "keys");
}

#[test]
fn messages() {
    let mut console = Console::online();
    console.press("M");
    golden(&mut console, "messages-none");
    console.tell(Msg::Say(Severity::Error, "the audit record could not be written: no space left on device".into()));
    console.wait(Duration::from_secs(130));
    for _ in 0..3 {
        console.tell(Msg::Say(Severity::Warning, "a warning that goes on for a while, so that it has to be broken into more lines than one, because nobody can read what does not fit on the screen at all".into()));
    }
    console.wait(Duration::from_secs(3));
    console.tell(Msg::Say(Severity::Info, "copied".into()));
    golden(&mut console, "messages");
}

#[test]
fn changes() {
    let mut console = Console::online();
    console.run("audit");
    golden(&mut console, "activity-none");
    let base = Arc::new(Maker::filter().done());
    let now = console.now();
    let write = |number, value: serde_json::Value| intent(&base, value, number, now);
    let fault = || Fault::new(FaultKind::TimedOut, "change the twin", "no answer in 30 s");
    console.wait(Duration::from_secs(90));
    console.tell(Msg::Ops(OpsBoard::of([
        (
            write(1, json!({"temperatureThreshold": 30.0, "window": {"seconds": 30, "mode": "mean"}})),
            OpState::Done(Outcome::Applied(Found::Twin(base.clone())), now),
        ),
        (write(2, json!({"temperatureThreshold": 31.0})), OpState::Done(Outcome::Conflict(None), now)),
        (write(3, json!({"a": "it's"})), OpState::Done(Outcome::Refused("the console is read-only".into()), now)),
        (write(4, json!({"a": 1})), OpState::Done(Outcome::NotApplied(fault()), now)),
        (write(5, json!({"apiToken": "PLANTED-typed"})), OpState::Unknown(fault())),
        (write(6, json!({"a": 2})), OpState::Accepted),
    ])));
    golden(&mut console, "activity");
}

#[test]
fn changes_without_an_answer_that_met_others() {
    let mut console = Console::online();
    console.run("audit");
    let base = Arc::new(Maker::filter().done());
    let now = console.now();
    let done = |number, outcome| (intent(&base, json!({"a": number}), number, now), OpState::Done(outcome, now));
    console.tell(Msg::Ops(OpsBoard::of([
        done(1, Outcome::Overtaken(Found::Twin(base.clone()))),
        done(2, Outcome::Undecidable { why: "the twin is gone", now: None }),
    ])));
    golden(&mut console, "activity-undecidable");
}

#[test]
fn the_simulated_hub() {
    let mut console = Console::online();
    console.run("sim");
    golden(&mut console, "simulator-none");
    let mut session = session();
    session.simulated = true;
    let mut console = Console::online_with(session);
    console.run("sim");
    console.tell(Msg::Simulator(
        [
            "hub  iothub-production-001.azure-devices.net",
            "endpoint  https://127.0.0.1:8443",
            "devices  27",
            "requests served  412",
            "network  on (:sim hub off)",
            "latency  0 ms added (:sim latency 300ms)",
            "",
            "authority (CA)  FOLDER/ca.pem",
            "connection string  FOLDER/connection-string",
        ]
        .map(str::to_owned)
        .to_vec(),
    ));
    golden(&mut console, "simulator");
}

#[test]
fn raw_json() {
    let mut console = Console::online();
    console.run("twin edge-gateway-001/temperatureFilter");
    console.press("y");
    golden(&mut console, "json-loading");
    console.read_twin(
        Maker::filter().desired(json!({"apiKey": "PLANTED-key", "threshold": 25.0, "list": [1, 2]}), 3).done(),
    );
    golden(&mut console, "json");
}

#[test]
fn from_the_end_of_a_page_every_step_back_is_seen() {
    let mut console = Console::online();
    console.press("?");
    let end = |console: &Console| {
        let text = console.text();
        let note = text.lines().rev().find_map(|line| line.rsplit_once(" of ")?.0.rsplit_once('-')).unwrap();
        note.1.parse::<usize>().unwrap()
    };
    let first = end(&console);
    console.press("G");
    let last = end(&console);
    console.press("j");
    assert_eq!(end(&console), last, "there is nothing below the end");
    console.press("k");
    assert_eq!(end(&console), last - 1);
    console.press("g");
    assert_eq!(end(&console), first);
}
