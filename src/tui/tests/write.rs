//! The way to a write by keys: typing is kept, a question holds its target, nothing is sent by accident, and a 412
//! loses nothing. The first functions walk that way for other tests.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::twin::Twin;
use crate::local::Draft;
use crate::ops::{Found, OpState, Outcome, WriteIntent};
use crate::tui::model::Model;
use crate::tui::msg::{Effect, Msg};
use crate::tui::shell::Session;
use crate::tui::testkit::{Console, Maker, session};
use crate::tui::views::Screen;
use crate::tui::views::twin::Mode;

/// Longer than a dialog takes keys for type-ahead.
const SETTLED: Duration = Duration::from_millis(300);

/// The console with the temperature filter's twin on screen.
pub(super) fn on_twin(session: Session) -> Console {
    let mut console = Console::online_with(session);
    console.run("twin edge-gateway-001/temperatureFilter");
    console.read_twin(Maker::filter().done());
    console
}

/// In the editor of the temperature filter's twin, with `threshold` typed over the old one.
pub(super) fn editing(threshold: &str) -> Console {
    editing_in(session(), threshold)
}

fn editing_in(session: Session, threshold: &str) -> Console {
    let mut console = on_twin(session);
    console.press("e");
    type_threshold(&mut console, threshold);
    console
}

fn type_threshold(console: &mut Console, threshold: &str) {
    console.press("down end backspace backspace backspace backspace backspace");
    console.type_in(&format!("{threshold},"));
}

/// On the review of that change.
pub(super) fn reviewing(threshold: &str) -> Console {
    let mut console = editing(threshold);
    console.press("ctrl-s");
    console
}

/// Asked whether to send it.
pub(super) fn asked(threshold: &str) -> Console {
    asked_in(session(), threshold)
}

/// The same in another session.
pub(super) fn asked_in(session: Session, threshold: &str) -> Console {
    let mut console = editing_in(session, threshold);
    console.press("ctrl-s s");
    assert!(console.model.layer.is_some(), "{}", console.text());
    console
}

/// Handed over to the gateway, with what was handed over.
pub(super) fn sending(threshold: &str) -> (Console, WriteIntent) {
    let mut console = asked(threshold);
    console.wait(SETTLED);
    let intent = submitted(&console.press("tab enter")).expect("something is sent");
    (console, intent)
}

pub(super) fn submitted(effects: &[Effect]) -> Option<WriteIntent> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit(intent) => Some((**intent).clone()),
        _ => None,
    })
}

pub(super) fn saved(effects: &[Effect]) -> Option<Draft> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::SaveDraft(draft) => Some((**draft).clone()),
        _ => None,
    })
}

/// The text in the editor.
pub(super) fn typed(model: &Model) -> Option<String> {
    match model.screen() {
        Some(Screen::Twin(view)) => match view.mode() {
            Mode::Edit(edit) => Some(edit.editor.text()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn is_choosing(model: &Model) -> bool {
    matches!(model.screen(), Some(Screen::Twin(view)) if matches!(view.mode(), Mode::Conflict(_)))
}

pub(super) fn theirs() -> Twin {
    Maker::filter()
        .desired(json!({"temperatureThreshold": 28.0, "window": {"seconds": 30, "mode": "mean"}}), 3)
        .moved("AAAAAAAAAAQ=")
        .done()
}

#[test]
fn only_what_was_changed_is_sent_against_the_tag_that_was_read() {
    let (_, intent) = sending("30.0");
    assert_eq!(intent.twin().unwrap().patch.body(), json!({"properties": {"desired": {"temperatureThreshold": 30.0}}}));
    assert_eq!(
        intent.twin().unwrap().inverse.body(),
        json!({"properties": {"desired": {"temperatureThreshold": 25.0}}})
    );
    assert_eq!(intent.twin().unwrap().if_match.as_str(), "AAAAAAAAAAM=");
    assert_eq!(intent.twin().unwrap().target.shown().as_str(), "edge-gateway-001/temperatureFilter");
}

#[test]
fn keys_typed_ahead_press_no_button() {
    let mut console = asked("30.0");
    assert_eq!(submitted(&console.press("tab enter")).map(|_| ()), None);
    console.wait(SETTLED - Duration::from_millis(1));
    assert_eq!(submitted(&console.press("tab enter")).map(|_| ()), None);
    assert!(console.model.layer.is_some(), "the question still stands");
    console.wait(Duration::from_millis(1));
    assert!(submitted(&console.press("tab enter")).is_some());
}

#[test]
fn enter_alone_cancels() {
    let mut console = asked("30.0");
    console.wait(SETTLED);
    let effects = console.press("enter");
    assert!(submitted(&effects).is_none() && console.model.layer.is_none());
    assert!(console.location().contains("REVIEW"));
    console.press("esc");
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "what was typed is still there");
}

#[test]
fn a_question_grows_stale() {
    let mut console = asked("30.0");
    console.wait(Duration::from_secs(120));
    console.press("tab");
    console.wait(Duration::from_secs(1));
    assert!(submitted(&console.press("enter")).is_none());
    assert!(console.notice().contains("too long ago"), "{}", console.notice());
    // Asked again, it can be answered.
    console.press("esc s");
    console.wait(SETTLED);
    assert!(submitted(&console.press("tab enter")).is_some());
}

#[test]
fn a_question_keeps_its_target_whatever_happens_below() {
    let mut console = asked("30.0");
    console.wait(SETTLED);
    console.press("tab");
    // The fleet is another one, and the twin reports something new, which moves its version and not its tag.
    console.show(&[]);
    let mut reported = Maker::filter().reported(json!({"temperatureThreshold": 26.0}), 10).done();
    reported.version += 1;
    console.read_twin(reported);
    let intent = submitted(&console.press("enter")).expect("a reported property is no obstacle");
    assert_eq!(intent.twin().unwrap().target.shown().as_str(), "edge-gateway-001/temperatureFilter");
    assert_eq!(intent.twin().unwrap().if_match.as_str(), "AAAAAAAAAAM=");
    assert_eq!(intent.twin().unwrap().patch.merge.get("temperatureThreshold"), Some(&json!(30.0)));
}

#[test]
fn a_twin_that_changed_under_the_question_is_not_written() {
    let mut console = asked("30.0");
    console.wait(SETTLED);
    console.read_twin(theirs());
    assert!(submitted(&console.press("tab enter")).is_none());
    assert!(console.notice().contains("somebody changed it meanwhile"), "{}", console.notice());
}

#[test]
fn what_the_external_editor_brings_is_taken_wherever_the_operator_is() {
    let mut console = editing("30.0");
    console.press("f1");
    let id = Maker::filter().done().id;
    let text = "{\"temperatureThreshold\": 31.0}".to_owned();
    let effects = console.tell(Msg::EditedOutside(id, Ok(text)));
    assert!(saved(&effects).is_some_and(|draft| draft.text.contains("31.0")), "{}", console.notice());
}

#[test]
fn a_twin_that_moves_is_said_before_the_question_and_in_it() {
    let mut console = reviewing("30.0");
    console.read_twin(theirs());
    assert!(console.location().contains("the twin moved: s shows both changes"), "{}", console.location());
    console.press("s");
    assert!(is_choosing(&console.model), "{}", console.text());

    let mut console = asked("30.0");
    console.read_twin(theirs());
    let text = console.text();
    assert!(text.contains("which is no longer the twin's"), "{text}");
    assert!(!text.contains("read 0 s ago"), "{text}");
}

#[test]
fn moving_between_the_buttons_is_never_too_early() {
    let mut console = asked("30.0");
    console.press("tab");
    console.wait(SETTLED);
    assert!(submitted(&console.press("enter")).is_some(), "the tab counted, only an answer would not have");
}

#[test]
fn a_draft_that_is_not_on_the_disk_is_not_called_kept() {
    let mut console = editing("30.0");
    console.wait(Duration::from_secs(1));
    assert!(console.location().contains("draft kept"), "{}", console.location());
    let what = "draft of edge-gateway-001/temperatureFilter".to_owned();
    console.tell(Msg::Unsaved([(what, "no space left on device".to_owned())].into()));
    assert!(console.location().contains("draft NOT on disk"), "{}", console.location());
    assert!(console.notice().contains("no space left"), "{}", console.notice());
    console.tell(Msg::Unsaved([].into()));
    assert!(console.location().contains("draft kept"), "{}", console.location());
}

#[test]
fn a_silent_hub_is_not_written_to() {
    let mut console = asked("30.0");
    console.wait(SETTLED);
    console.fail(&Fault::new(FaultKind::TimedOut, "query the devices", "no answer"));
    assert!(submitted(&console.press("tab enter")).is_none());
    assert!(console.notice().contains("the hub does not answer"), "{}", console.notice());
}

#[test]
fn in_production_the_name_is_typed_and_not_pasted() {
    let mut production = session();
    production.production = true;
    let mut console = asked_in(production, "30.0");
    console.wait(SETTLED);
    console.tell(Msg::Paste("temperatureFilter".into()));
    assert!(console.notice().contains("pasting is refused"), "{}", console.notice());
    console.type_in("temperatureFilte");
    assert!(submitted(&console.press("tab enter")).is_none(), "a letter is missing");
    console.type_in("r");
    let intent = submitted(&console.press("enter")).expect("the name is complete");
    assert_eq!(intent.typed.as_deref(), Some("temperatureFilter"));
}

#[test]
fn an_applied_write_ends_the_draft() {
    let (mut console, intent) = sending("30.0");
    let at = console.now();
    let after = Arc::new(Maker::filter().moved("AAAAAAAAAAQ=").done());
    let effects = console.write_stands(&intent, OpState::Done(Outcome::Applied(Found::Twin(after)), at));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::DiscardDraft(key) if key.target == intent.twin().unwrap().target))
    );
    assert!(effects.iter().any(|effect| matches!(effect, Effect::PollNow)));
    assert!(console.model.shell.drafts.is_empty());
    assert!(console.notice().contains("desired v3 -> v4"), "{}", console.notice());
}

#[test]
fn a_write_that_ends_elsewhere_is_told_all_the_same() {
    let (mut console, intent) = sending("30.0");
    console.press("esc");
    assert!(!console.location().contains("temperatureFilter"), "the view is left");
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(None), at));
    assert!(console.notice().starts_with("412"), "{}", console.notice());
}

#[test]
fn a_412_shows_both_and_goes_on_from_theirs() {
    let (mut console, intent) = sending("30.0");
    let at = console.now();
    let theirs = theirs();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(Some(Found::Twin(Arc::new(theirs.clone())))), at));
    assert!(is_choosing(&console.model));
    let text = console.text();
    assert!(["25.0", "28.0", "30.0"].iter().all(|value| text.contains(value)), "{text}");

    // Nobody chose yet: theirs stands, and there is nothing to send.
    console.read_twin(theirs.clone());
    console.press("m s");
    assert!(console.location().contains("REVIEW"), "{}", console.text());
    console.press("s");
    console.wait(SETTLED);
    let again = submitted(&console.press("tab enter")).expect("it can be sent now");
    assert_eq!(again.twin().unwrap().if_match, theirs.etag);
    assert_eq!(again.twin().unwrap().patch.body(), json!({"properties": {"desired": {"temperatureThreshold": 30.0}}}));
    assert_eq!(
        again.twin().unwrap().inverse.body(),
        json!({"properties": {"desired": {"temperatureThreshold": 28.0}}})
    );
    assert_ne!(again.op, intent.op);
}

#[test]
fn a_412_without_their_twin_keeps_what_was_typed() {
    let (mut console, intent) = sending("30.0");
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(None), at));
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());
}

#[test]
fn a_refusal_keeps_what_was_typed() {
    let (mut console, intent) = sending("30.0");
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Refused("400 ArgumentInvalid".into()), at));
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());
    assert!(console.notice().contains("400 ArgumentInvalid"), "{}", console.notice());
}

#[test]
fn the_review_shows_every_byte_and_is_walked_to_its_end() {
    let value = format!("\"{}TAIL\"", "word-".repeat(200));
    let mut console = reviewing(&value);
    console.tell(Msg::Resize(80, 24));
    assert!(console.text().contains("lines 1-"), "it says that there is more:\n{}", console.text());
    let mut seen = String::new();
    for _ in 0..6 {
        seen.push_str(&console.text());
        console.press("pgdn");
    }
    let request = seen.split("REQUEST").nth(1).unwrap_or_default();
    assert!(request.contains("TAIL") && !request.contains(".."), "{request}");
    console.press("G");
    let end = console.text();
    assert!(end.contains("both changes are"), "{end}");
    for _ in 0..50 {
        console.press("j");
    }
    console.press("k");
    assert_ne!(console.text(), end, "a step back is seen at once");
    console.press("g g");
    assert!(console.text().contains("REQUEST") || console.text().contains("~ /temperatureThreshold"));
}

#[test]
fn a_write_is_not_sent_twice() {
    let (mut console, intent) = sending("30.0");
    console.write_stands(&intent, OpState::Sending);
    console.press("s enter");
    assert!(console.model.layer.is_none(), "an open write is not asked for again");
}

#[test]
fn typing_is_kept_within_a_second() {
    let mut console = editing("30.0");
    let draft = saved(&console.wait(Duration::from_secs(1))).expect("a tick keeps it");
    assert!(draft.text.contains("30.0") && !draft.text.contains("25.0"), "{}", draft.text);
    assert_eq!(draft.base_etag.as_str(), "AAAAAAAAAAM=");
    assert_eq!(draft.key.target.shown().as_str(), "edge-gateway-001/temperatureFilter");
    assert!(saved(&console.wait(Duration::from_secs(1))).is_none(), "nothing was typed since");
    console.press("1");
    assert!(saved(&console.wait(Duration::from_secs(1))).is_some_and(|draft| draft.text.contains("30.0,1")));
}

#[test]
fn typing_is_kept_although_another_view_came_in_front() {
    let mut console = editing("30.0");
    console.wait(Duration::from_secs(1));
    // One batch, so no tick comes between the letter and the help.
    let mut effects = console.press("1 f1");
    effects.extend(console.wait(Duration::from_secs(1)));
    assert!(saved(&effects).is_some_and(|draft| draft.text.contains("30.0,1")));
}

#[test]
fn typing_is_kept_before_leaving() {
    for keys in ["1 ctrl-c", "1 f1 ctrl-c"] {
        let mut console = editing("30.0");
        console.wait(Duration::from_secs(1));
        let effects = console.press(keys);
        let quit = effects.iter().position(|effect| matches!(effect, Effect::Quit)).expect("ctrl-c quits");
        let kept = saved(&effects[..quit]);
        assert!(kept.is_some_and(|draft| draft.text.contains("30.0,1")), "{keys}: the loop ends at Quit");
    }
}

#[test]
fn a_view_that_is_closed_below_another_keeps_its_typing() {
    let mut console = editing("30.0");
    console.wait(Duration::from_secs(1));
    let mut effects = console.press("1 f1 :");
    for c in "devices".chars() {
        effects.extend(console.tell(Msg::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c)))));
    }
    effects.extend(console.tell(Msg::Key(crossterm::event::KeyCode::Enter.into())));
    assert_eq!(console.model.screens.len(), 1, "the twin was closed");
    assert!(saved(&effects).is_some_and(|draft| draft.text.contains("30.0,1")));
}

#[test]
fn a_draft_goes_on_where_it_was_left() {
    let mut console = editing("30.0");
    console.press("esc e");
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());
    assert!(console.notice().contains("goes on"), "{}", console.notice());
}

#[test]
fn a_draft_of_an_earlier_run_goes_on() {
    let mut before = editing("30.0");
    let draft = saved(&before.wait(Duration::from_secs(1))).unwrap();
    let mut console = on_twin(session());
    console.tell(Msg::Drafts(vec![draft]));
    assert!(console.notice().contains("a draft from before waits"), "{}", console.notice());
    console.press("e");
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());
}

#[test]
fn a_draft_over_a_twin_that_changed_shows_both() {
    let mut console = editing("30.0");
    console.press("esc");
    console.read_twin(theirs());
    console.press("e");
    assert!(is_choosing(&console.model), "{}", console.text());
    let text = console.text();
    assert!(["25.0", "28.0", "30.0"].iter().all(|value| text.contains(value)), "{text}");
}

#[test]
fn a_discarded_draft_is_gone_and_only_after_asking() {
    let mut console = editing("30.0");
    console.press("esc X");
    console.wait(SETTLED);
    let effects = console.press("tab enter");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::DiscardDraft(_))));
    console.press("e");
    assert!(typed(&console.model).is_some_and(|text| text.contains("25.0")), "{}", console.text());
}

#[test]
fn nothing_can_be_sent_read_only() {
    let mut session = session();
    session.read_only = true;
    let open = || {
        let mut console = editing_in(session.clone(), "30.0");
        console.press("ctrl-s");
        assert!(console.location().contains("REVIEW"), "{}", console.text());
        console
    };
    for keys in ["s", "enter"] {
        let mut console = open();
        console.press(keys);
        assert!(console.model.layer.is_none(), "{keys} asks whether to send");
        assert!(console.notice().contains("read-only"), "{keys}: {}", console.notice());
    }
    let mut console = open();
    console.run("review.send");
    assert!(console.model.layer.is_none() && console.notice().contains("read-only"), "{}", console.notice());
}

#[test]
fn values_keep_their_spelling() {
    let (_, intent) = sending("30.00");
    assert_eq!(
        serde_json::to_string(&Value::Object(intent.twin().unwrap().patch.merge.clone())).unwrap(),
        r#"{"temperatureThreshold":30.0}"#
    );
}
