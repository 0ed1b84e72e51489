//! After the console was stopped for a while: what is on screen is from before, so nothing is written until the hub
//! has been heard (console-ux W-26). And being stopped itself, while a change is on its way.

use std::time::Duration;

use super::golden;
use super::write::{asked, reviewing, submitted};
use crate::ops::OpState;
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Maker, intent};

const HOURS: Duration = Duration::from_secs(7_200);

fn is_suspended(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Suspend))
}

fn stopped_for(console: &mut Console, length: Duration) {
    console.wait(length);
    console.tell(Msg::Continued);
}

#[test]
fn nothing_is_written_before_the_hub_is_heard_again() {
    let mut console = reviewing("30.0");
    stopped_for(&mut console, HOURS);
    console.press("s");
    assert!(console.model.layer.is_none());
    assert!(console.notice().contains("the console was stopped"), "{}", console.notice());
    console.wait(Duration::from_secs(1));
    console.recover();
    console.read_twin(Maker::filter().done());
    console.press("s");
    assert!(console.model.layer.is_some(), "{}", console.notice());
}

#[test]
fn a_question_from_before_waits_for_its_own_twin() {
    let mut console = asked("30.0");
    stopped_for(&mut console, Duration::from_secs(60));
    console.recover();
    assert_eq!(submitted(&console.press("tab enter")).map(|_| ()), None);
    assert!(console.notice().contains("being read again"), "{}", console.notice());
    console.read_twin(Maker::filter().done());
    assert!(submitted(&console.press("enter")).is_some());
}

#[test]
fn with_a_change_on_its_way_it_stops_only_when_told_twice() {
    let mut console = Console::online();
    let base = Maker::filter().done().into();
    let now = console.now();
    console.write_stands(&intent(&base, serde_json::json!({"t": 1}), 1, now), OpState::Sending);
    assert!(!is_suspended(&console.press("ctrl-z")));
    assert!(console.notice().contains(":suspend!"), "{}", console.notice());
    assert!(!is_suspended(&console.run("suspend!")));
    golden(&mut console, "dialog-suspend");
    console.wait(Duration::from_secs(1));
    assert!(is_suspended(&console.press("tab enter")));
}

#[test]
fn with_nothing_on_its_way_it_stops_at_once() {
    let mut console = Console::online();
    for effects in [console.press("ctrl-z"), console.run("suspend"), console.run("suspend!")] {
        assert!(is_suspended(&effects));
    }
}
