//! Drafts over twins that changed, and drafts from the disk: nobody's change is taken back unseen, and no mask is sent
//! in place of a secret.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::write::{editing, is_choosing, on_twin, saved, sending, theirs, typed};
use crate::domain::secret::MASK;
use crate::local::Draft;
use crate::ops::{Found, OpState, Outcome};
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Maker, session};

/// What a console left that had `threshold` typed over the twin at v3.
fn left(threshold: &str) -> Draft {
    saved(&editing(threshold).wait(Duration::from_secs(1))).expect("a tick keeps it")
}

#[test]
fn a_draft_that_cannot_be_read_keeps_its_base_until_it_can() {
    let mut console = on_twin(session());
    console.read_twin(theirs());
    console.tell(Msg::Drafts(vec![left("30.0")]));
    let broken = left("30.0,,");
    console.tell(Msg::Drafts(vec![broken]));
    console.press("e");
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0,,")), "{}", console.text());
    assert!(console.location().contains("based on etag AAAAAAAAAAM="), "{}", console.location());
    assert!(console.location().contains("changed at the hub meanwhile"), "{}", console.location());

    console.press("backspace backspace backspace");
    console.type_in(",");
    console.press("ctrl-s");
    assert!(is_choosing(&console.model), "{}", console.text());
    let text = console.text();
    assert!(["25.0", "28.0", "30.0"].iter().all(|value| text.contains(value)), "{text}");
}

#[test]
fn a_kept_secret_is_no_change_of_a_draft_on_another_base() {
    let secret = |etag: &str, t: f64| {
        let maker = Maker::filter().desired(json!({"t": t, "password": "hunter2"}), 3);
        if etag.is_empty() { maker.done() } else { maker.moved(etag).done() }
    };
    let mut console = on_twin(session());
    console.read_twin(secret("", 25.0));
    console.press("e down end");
    console.type_in(" ");
    console.press("backspace up end enter");
    console.type_in("\"mine\": 1,,");
    console.press("esc");
    console.read_twin(secret("AAAAAAAAAAQ=", 28.0));
    console.press("e");
    assert!(typed(&console.model).is_some(), "{}", console.text());
    console.press("backspace ctrl-s");
    assert!(is_choosing(&console.model), "{}", console.text());
    console.press("s");
    let text = console.text();
    assert!(console.location().contains("REVIEW") && text.contains("/mine"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("password"), "{text}");
}

#[test]
fn a_masked_secret_of_the_disk_is_typed_again_before_it_is_sent() {
    let mut draft = left("30.0");
    draft.text = format!("{{\n  \"temperatureThreshold\": 30.0,\n  \"password\": \"{MASK}\"\n}}");
    let mut console = on_twin(session());
    console.tell(Msg::Drafts(vec![draft]));
    console.press("e");
    let text = console.text();
    assert!(text.contains("the secret at /password was not kept on disk: type it again"), "{text}");
    console.press("ctrl-s");
    assert!(typed(&console.model).is_some(), "no review of a mask: {}", console.text());
    assert!(console.notice().contains("type it again"), "{}", console.notice());
}

/// Both changed two paths, and nobody chose.
fn two_clashes() -> Console {
    let mut console = editing("30.0");
    console.press("down down end backspace backspace");
    console.type_in("45,");
    let theirs = Maker::filter()
        .desired(json!({"temperatureThreshold": 28.0, "window": {"seconds": 60, "mode": "mean"}}), 3)
        .moved("AAAAAAAAAAQ=")
        .done();
    console.read_twin(theirs);
    console.press("ctrl-s");
    assert!(is_choosing(&console.model), "{}", console.text());
    console
}

fn draft_of(console: &Console) -> &Draft {
    console.model.shell.drafts.values().next().expect("a draft")
}

#[test]
fn nothing_is_reviewed_before_every_clash_is_chosen() {
    let mut console = two_clashes();
    assert_eq!(console.text().matches("choose: m or t").count(), 2, "{}", console.text());
    console.press("s");
    assert!(is_choosing(&console.model));
    assert_eq!(console.notice(), "2 paths still to choose: m mine, t theirs");
    console.press("m s");
    assert_eq!(console.notice(), "1 path still to choose: m mine, t theirs");
    // The cursor went to the other one.
    console.press("t s");
    assert!(console.location().contains("REVIEW"), "{}", console.text());
    assert!(console.text().contains("/temperatureThreshold   28.0 -> 30.0"), "{}", console.text());
    assert!(!console.text().contains("/window/seconds"), "theirs is not sent again: {}", console.text());
}

#[test]
fn what_was_typed_stays_the_draft_until_every_clash_is_chosen() {
    let mut console = two_clashes();
    console.press("s");
    let draft = draft_of(&console);
    assert!(draft.text.contains("30.0") && draft.text.contains("45"), "{}", draft.text);
    assert_eq!(draft.base_etag.as_str(), "AAAAAAAAAAM=");

    console.press("m esc");
    assert!(console.location().contains("a draft of yours waits"), "{}", console.location());
    console.press("e");
    assert!(is_choosing(&console.model), "{}", console.text());
    assert_eq!(console.text().matches("choose: m or t").count(), 1, "the choice is still made: {}", console.text());

    // Theirs everywhere: nothing is sent, and what was typed is thrown away by :discard only.
    console.press("t n t s");
    assert!(console.notice().contains("nothing to send"), "{}", console.notice());
    let draft = draft_of(&console);
    assert!(draft.text.contains("30.0") && draft.text.contains("45"), "{}", draft.text);
}

#[test]
fn what_was_typed_just_before_a_clash_is_kept() {
    let mut console = editing("30.0");
    console.read_twin(theirs());
    // One batch: no tick comes between the letter and the review.
    let effects = console.press("up end enter down ctrl-s");
    assert!(is_choosing(&console.model), "{}", console.text());
    assert!(saved(&effects).is_some_and(|draft| draft.base_etag.as_str() == "AAAAAAAAAAM="));
}

#[test]
fn what_was_typed_after_sending_survives_the_outcome() {
    for set_back in [Duration::ZERO, Duration::from_secs(3_600)] {
        let (mut console, intent) = sending("30.0");
        console.press("esc");
        console.run("twin edge-gateway-001/temperatureFilter");
        console.press("e end backspace");
        console.type_in("1,");
        console.press("esc");
        // The wall clock may be set at any time: it does not tell what was typed first.
        for draft in console.model.shell.drafts.values_mut() {
            draft.saved_at -= set_back;
        }
        let after = Arc::new(Maker::filter().moved("AAAAAAAAAAQ=").done());
        let at = console.now();
        let effects = console.write_stands(&intent, OpState::Done(Outcome::Applied(Found::Twin(after)), at));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::DiscardDraft(_))), "{effects:?}");
        assert!(draft_of(&console).text.contains("30.01"), "{}", draft_of(&console).text);
    }
}

#[test]
fn a_draft_that_was_saved_again_after_sending_still_ends_with_its_write() {
    let (mut console, intent) = sending("30.0");
    console.press("esc");
    console.run("twin edge-gateway-001/temperatureFilter");
    // Laid out otherwise and saved later: it asks for the same change.
    console.press("e up home enter");
    console.wait(Duration::from_secs(5));
    console.press("esc");
    let after = Arc::new(Maker::filter().moved("AAAAAAAAAAQ=").done());
    let at = console.now();
    let effects = console.write_stands(&intent, OpState::Done(Outcome::Applied(Found::Twin(after)), at));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::DiscardDraft(_))));
    assert!(console.model.shell.drafts.is_empty());
}

fn closes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::CloseDraft(_)))
}

fn discards(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::DiscardDraft(_)))
}

#[test]
fn an_edit_that_ends_without_a_draft_gives_it_free() {
    for keys in ["esc", "ctrl-s"] {
        let mut console = on_twin(session());
        let effects = console.press("e");
        assert!(effects.iter().any(|effect| matches!(effect, Effect::OpenDraft(_))));
        assert!(closes(&console.press(keys)), "{keys}");
    }
    let mut console = on_twin(session());
    console.press("e f1");
    assert!(closes(&console.run("devices")), "the view was closed below another");

    // A draft that waits is ours: nobody writes over it.
    let mut console = editing("30.0");
    assert!(!closes(&console.press("esc")));
}

#[test]
fn typing_that_was_taken_back_is_no_draft() {
    let mut console = editing("30.0");
    console.wait(Duration::from_secs(1));
    console.press("backspace backspace backspace backspace backspace");
    console.type_in("25.0,");
    let effects = console.press("esc");
    assert!(discards(&effects) && closes(&effects), "{effects:?}");
    assert!(console.model.shell.drafts.is_empty());
}

#[test]
fn what_the_disk_holds_goes_on_unless_something_was_typed_here() {
    let draft = left("31.5");
    let told = || Msg::DraftOpened(draft.key.clone(), Some(Box::new(draft.clone())));
    let mut console = on_twin(session());
    console.press("e");
    console.tell(told());
    assert!(typed(&console.model).is_some_and(|text| text.contains("31.5")), "{}", console.text());
    assert!(console.notice().contains("goes on"), "{}", console.notice());

    // What was only read at the start, another console may have gone on with.
    let mut console = on_twin(session());
    console.tell(Msg::Drafts(vec![left("30.0")]));
    console.press("e");
    console.tell(told());
    assert!(typed(&console.model).is_some_and(|text| text.contains("31.5")), "{}", console.text());

    let mut console = editing("30.0");
    console.tell(told());
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());

    let mut console = editing("30.0");
    console.press("esc e");
    console.tell(told());
    assert!(typed(&console.model).is_some_and(|text| text.contains("30.0")), "{}", console.text());
}

#[test]
fn an_answer_that_comes_after_the_editor_was_closed_takes_nothing() {
    let draft = left("31.5");
    let mut console = on_twin(session());
    console.press("e esc");
    let effects = console.tell(Msg::DraftOpened(draft.key.clone(), None));
    assert!(closes(&effects));
    let effects = console.tell(Msg::DraftOpened(draft.key.clone(), Some(Box::new(draft))));
    assert!(closes(&effects));
    assert!(console.location().contains("a draft of yours waits"), "{}", console.location());
}

#[test]
fn what_the_editor_outside_wrote_is_kept_at_once() {
    let mut console = on_twin(session());
    console.press("E");
    let id = Maker::filter().done().id;
    let effects = console.tell(Msg::EditedOutside(id, Ok("{\"temperatureThreshold\": 31.5}\n".into())));
    assert!(saved(&effects).is_some_and(|draft| draft.text.contains("31.5")));
}
