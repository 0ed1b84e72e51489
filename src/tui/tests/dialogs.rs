//! Goldens of the dialogs.

use std::time::Duration;

use serde_json::json;

use super::golden;
use crate::ops::OpState;
use crate::tui::msg::Msg;
use crate::tui::testkit::{Console, Maker, intent, session};
use crate::tui::tests::write::{asked, asked_in, editing};

#[test]
fn send() {
    let mut console = asked("30.0");
    golden(&mut console, "dialog-send");
    console.wait(Duration::from_secs(1));
    console.press("tab");
    golden(&mut console, "dialog-send-focused");
}

#[test]
fn send_many() {
    let many: serde_json::Map<_, _> = (0..12).map(|n| (format!("limit{n}"), json!(n))).collect();
    let mut console = asked(&serde_json::Value::Object(many).to_string());
    golden(&mut console, "dialog-send-many");
}

#[test]
fn send_in_production() {
    let mut session = session();
    session.production = true;
    let mut console = asked_in(session, "30.0");
    golden(&mut console, "dialog-send-production");
    console.wait(Duration::from_secs(1));
    console.type_in("temperatureFilter");
    golden(&mut console, "dialog-send-production-typed");
}

#[test]
fn send_asked_too_long_ago() {
    let mut console = asked("30.0");
    console.wait(Duration::from_secs(125));
    golden(&mut console, "dialog-send-stale");
}

#[test]
fn discard() {
    let mut console = editing("30.0");
    console.press("esc X");
    golden(&mut console, "dialog-discard");
}

#[test]
fn quit_with_changes_in_flight() {
    let mut console = Console::online();
    let base = Maker::filter().done().into();
    let now = console.now();
    let open = |number, value| (intent(&base, json!({ "temperatureThreshold": value }), number, now), OpState::Sending);
    console.tell(Msg::Ops(crate::ops::OpsBoard::of([open(1, 30.0), open(2, 31.0)])));
    console.press("q");
    golden(&mut console, "dialog-quit");
}
