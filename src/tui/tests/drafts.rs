//! Drafts over twins that changed, and drafts from the disk: nobody's change is taken back unseen, and no mask is sent
//! in place of a secret.

use std::time::Duration;

use serde_json::json;

use super::write::{editing, is_choosing, on_twin, saved, theirs, typed};
use crate::domain::secret::MASK;
use crate::local::Draft;
use crate::tui::msg::Msg;
use crate::tui::testkit::{Maker, session};

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
