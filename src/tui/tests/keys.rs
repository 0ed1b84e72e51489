//! What keys do outside of writing: the cursor is an identity, marks hide but do not vanish, `esc` unwinds, `q`
//! leaves, help is complete, history goes both ways.

use std::time::Duration;

use serde_json::json;

use crate::ops::OpState;
use crate::tui::actions::{ActionId, Scope};
use crate::tui::msg::Effect;
use crate::tui::testkit::{Console, Gateway, Maker, intent, session, site};
use crate::tui::views::{Place, Screen};

fn quits(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Quit))
}

fn marked(console: &Console) -> Vec<&str> {
    console.model.shell.marks.iter().map(|id| id.as_str()).collect()
}

#[test]
fn the_cursor_stays_on_its_device_through_refresh_sort_and_filter() {
    let mut console = Console::online();
    console.press("N g j j");
    let at = console.under_cursor().unwrap();
    // A refresh that makes it the worst, new rows before it, every order, and a filter it passes.
    let mut gateways = site();
    gateways.insert(0, Gateway::new("edge-gateway-000"));
    for gateway in gateways.iter_mut().filter(|gateway| gateway.id == at) {
        *gateway = gateway.clone().filter(|filter| filter.seen(json!({"runtimeStatus": "failed", "exitCode": 1})));
    }
    console.show(&gateways);
    assert_eq!(console.under_cursor().as_ref(), Some(&at));
    for keys in ["S", "S", "A", "N", "N", "shift-right O"] {
        console.press(keys);
        assert_eq!(console.under_cursor().as_ref(), Some(&at), "after {keys}");
    }
    console.press("/");
    console.type_in(&at);
    console.press("enter");
    assert_eq!(console.under_cursor().as_ref(), Some(&at));
    console.press("esc");
    assert_eq!(console.under_cursor().as_ref(), Some(&at));
}

#[test]
fn a_device_that_vanishes_under_the_cursor_is_not_replaced_silently() {
    let mut console = Console::online();
    console.press("N g j");
    let at = console.under_cursor().unwrap();
    console.show(&site().into_iter().filter(|gateway| gateway.id != at).collect::<Vec<_>>());
    assert!(console.notice().contains(&format!("{at} is gone at the hub")), "{}", console.notice());
    console.press("enter");
    assert_eq!(console.model.screens.len(), 1, "enter was meant for the one that is gone");
    console.wait(Duration::from_secs(1));
    console.press("enter");
    assert_eq!(console.model.screens.len(), 2);
}

#[test]
fn marks_survive_a_filter_and_hidden_ones_are_counted() {
    let mut console = Console::online();
    console.press("N g space space space /");
    assert_eq!(marked(&console), ["edge-gateway-001", "edge-gateway-101", "edge-gateway-102"]);
    console.type_in("edge-gateway-10");
    console.press("enter");
    assert!(console.location().contains("marks 3 (1 hidden)"), "{}", console.location());
    console.press("esc");
    assert!(console.location().contains("marks 3"), "{}", console.location());
    assert!(!console.location().contains("hidden"), "{}", console.location());
    console.show(&site().into_iter().filter(|gateway| gateway.id != "edge-gateway-101").collect::<Vec<_>>());
    assert_eq!(marked(&console), ["edge-gateway-001", "edge-gateway-102"]);
    console.press("ctrl-\\");
    assert!(marked(&console).is_empty());
}

#[test]
fn a_filter_that_cannot_be_read_keeps_its_last_result_and_marks_nothing() {
    let mut console = Console::online();
    console.press("/");
    console.type_in("~B1");
    let before = console.location();
    console.type_in("(");
    assert!(before.contains("5 of 16") && console.location().contains("5 of 16"), "{}", console.location());
    console.press("enter space");
    assert!(marked(&console).is_empty());
}

#[test]
fn esc_unwinds_one_thing_at_a_time() {
    let mut console = Console::online();
    console.press("/");
    console.type_in("B2");
    console.press("enter enter");
    assert!(matches!(console.model.screen(), Some(Screen::Device(_))));
    let write = intent(&Maker::filter().done().into(), json!({"a": 1}), 1, console.now());
    console.write_stands(&write, OpState::Sending);
    console.press(": ctrl-u esc ctrl-c");
    assert!(console.model.layer.is_some(), "ctrl-c asks while a change is in flight");

    console.press("esc");
    assert!(console.model.layer.is_none() && console.model.screens.len() == 2, "first the dialog");
    console.press(":");
    console.press("esc");
    assert!(console.model.prompt.is_none() && console.model.screens.len() == 2, "then the input line");
    console.press("esc");
    assert_eq!(console.model.screens.len(), 1, "then the view");
    assert!(console.location().contains("/B2"), "the filter is still there");
    console.press("esc");
    assert!(!console.location().contains("/B2"), "then the filter");
    assert!(!quits(&console.press("esc esc")), "esc never quits");
}

#[test]
fn esc_in_the_filter_line_takes_back_what_was_typed_in_it() {
    let mut console = Console::online();
    console.press("/");
    console.type_in("B2");
    console.press("enter /");
    console.type_in(" and more");
    console.press("esc");
    assert!(console.location().contains("/B2 "), "{}", console.location());
}

#[test]
fn q_quits_at_the_root_at_once_and_only_there() {
    let mut console = Console::online();
    console.press("enter");
    assert!(!quits(&console.press("q")));
    assert_eq!(console.model.screens.len(), 1);
    assert!(quits(&console.press("q")));
}

#[test]
fn q_asks_while_a_change_is_in_flight() {
    let mut console = Console::online();
    let write = intent(&Maker::filter().done().into(), json!({"a": 1}), 1, console.now());
    console.write_stands(&write, OpState::Sending);
    assert!(!quits(&console.press("q")));
    console.wait(Duration::from_millis(300));
    assert!(!quits(&console.press("enter")), "enter stays");
    console.press("q");
    console.wait(Duration::from_millis(300));
    assert!(quits(&console.press("tab enter")));
}

#[test]
fn ctrl_c_quits_from_any_depth() {
    let mut console = Console::online();
    console.run("twin edge-gateway-001/temperatureFilter");
    console.read_twin(Maker::filter().done());
    assert!(quits(&console.press("e ctrl-c")));
}

/// Every line of a page, from its top to its end.
fn all_of_page(console: &mut Console) -> String {
    console.tell(crate::tui::msg::Msg::Resize(120, 400));
    console.text()
}

#[test]
fn help_lists_every_bound_action_of_its_scopes() {
    let mut twin = Console::online();
    twin.run("twin edge-gateway-001/temperatureFilter");
    for mut console in [Console::online(), twin] {
        let scopes = console.model.scopes();
        assert!(scopes.contains(&Scope::Table) && scopes.contains(&Scope::Global));
        console.press("?");
        let page = all_of_page(&mut console);
        for id in ActionId::ALL.iter().filter(|id| scopes.contains(&id.action().scope)) {
            let keys = console.model.shell.keymap.keys_for(*id);
            assert_eq!(!keys.is_empty(), page.contains(id.action().doc), "{}", id.name());
            let line = page.lines().find(|line| line.contains(id.action().doc)).unwrap_or_default();
            for key in keys {
                assert!(line.contains(&key.to_string()), "{} misses {key}: {line}", id.name());
            }
        }
        assert!(!page.contains(ActionId::ConflictMine.action().doc), "keys that do not work here are not listed");
    }
}

fn places(console: &Console) -> Place {
    console.model.screen().unwrap().place()
}

#[test]
fn history_goes_back_forward_and_to_the_last_view() {
    let mut console = Console::online();
    console.press("N g");
    console.run("device edge-gateway-101");
    console.run("twin edge-gateway-101");
    let (fleet, device, twin) = (Place::Fleet, console.model.screens[1].place(), console.model.screens[2].place());
    for (key, expected) in [("[", &device), ("[", &fleet), ("]", &device), ("]", &twin), ("-", &device), ("-", &twin)] {
        console.press(key);
        assert_eq!(places(&console), *expected, "after {key}");
    }
    console.press("]");
    assert!(console.notice().contains("no further view"), "{}", console.notice());
}

#[test]
fn pause_stops_reading_and_goes_on() {
    let mut console = Console::online();
    let paused = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Need(needs) => Some(needs.paused),
            _ => None,
        })
    };
    assert_eq!(paused(&console.press("P")), Some(true));
    assert!(console.text().contains("PAUSED"));
    assert_eq!(paused(&console.press("P")), Some(false));
    assert!(!console.text().contains("PAUSED"));
}

#[test]
fn a_view_says_what_it_needs() {
    let needs = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Need(needs) => Some(needs.clone()),
            _ => None,
        })
    };
    let mut console = Console::online();
    console.press("N g");
    let device = needs(&console.press("enter")).unwrap();
    assert_eq!(device.device.map(|id| id.as_str().to_owned()).as_deref(), Some("edge-gateway-001"));
    let fleet = needs(&console.press("esc")).unwrap();
    assert!(fleet.fleet && fleet.device.is_none());
    let twin = needs(&console.press("t")).unwrap();
    assert!(twin.twin.is_some() && !twin.fleet);
    console.press("esc");
    let raw = needs(&console.press("y")).expect("a page of raw JSON needs its twin");
    assert_eq!(raw.twin.map(|id| id.shown().to_string()).as_deref(), Some("edge-gateway-001"));
}

#[test]
fn a_key_without_meaning_says_so_and_does_nothing() {
    let mut console = Console::online();
    let before = console.location();
    assert!(console.press("z").is_empty());
    assert!(console.notice().contains("nothing is on z here"), "{}", console.notice());
    assert_eq!(console.location(), before);
}

#[test]
fn a_command_is_completed_and_run_as_written() {
    let mut console = Console::online();
    console.press(":");
    console.type_in("device edge-gateway-00");
    console.press("tab");
    assert_eq!(console.model.prompt.as_ref().unwrap().input.text(), "device edge-gateway-001");
    let effects = console.press("enter");
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::PushHistory(line) if line == "device edge-gateway-001"))
    );
    assert!(matches!(places(&console), Place::Device(id) if id.as_str() == "edge-gateway-001"));
    // Without a choice nothing is guessed: enter runs what stands there.
    console.run("dev");
    assert!(matches!(places(&console), Place::Fleet), "dev is a word for devices");
    console.run("devic");
    assert!(console.notice().contains("no command devic"), "{}", console.notice());
}

#[test]
fn read_only_hides_no_reading() {
    let mut session = session();
    session.read_only = true;
    let mut console = Console::online_with(session);
    for keys in ["t", "esc", "y", "esc", "enter", "esc", "?", "esc"] {
        console.press(keys);
        assert!(!console.notice().contains("read-only"), "{keys}: {}", console.notice());
    }
}
