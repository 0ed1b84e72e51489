//! No secret of the hub's is on any frame: planted where they are in real twins, and looked for in every view.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::domain::fault::{Fault, FaultKind};
use crate::ops::{Found, OpState, Outcome};
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Gateway, Maker, details};
use crate::tui::tests::write::editing;

/// What every planted secret begins with.
const PLANTED: &str = "PLANTED";

fn look(console: &mut Console, at: &str) {
    for (columns, rows) in [(120, 36), (80, 24), (200, 60)] {
        console.tell(Msg::Resize(columns, rows));
        let text = console.text();
        assert!(!text.contains(PLANTED), "a secret is shown {at}:\n{text}");
    }
}

fn planted() -> Maker {
    let with_secrets = || {
        json!({
            "temperatureThreshold": 25.0,
            "apiKey": "PLANTED-key",
            "pin": {"deviceToken": "PLANTED-token", "length": 4},
            "env": {"ACR_PASSWORD": {"value": "PLANTED-env"}, "TZ": {"value": "UTC"}},
            "upstream": "HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey=PLANTED-sak",
            "blob": "https://x.blob.core.windows.net/c?sv=1&sig=PLANTED-sig&se=2",
            "tokens": ["PLANTED-token-in-array"],
            "pinToken": {"values": ["PLANTED-token-below"]},
            "primaryKey": "PLANTED-primary",
            "source": "https://user:PLANTED-basic@host/x",
            "createOptions": "{\"Env\":[\"SA_PASSWORD=PLANTED-sa",
            "createOptions01": "-PLANTED-rest\"]}",
            "accounts": [{"name": "a", "password": "PLANTED-in-array"}, "AccountKey=PLANTED-text-in-array"],
        })
    };
    Maker::filter()
        .desired(with_secrets(), 3)
        .reported(with_secrets(), 9)
        .tags(json!({"wifi": {"password": "PLANTED-tag"}}))
}

/// A placeholder is typed as JSON, and what its escapes stand for is drawn in the complaint about it.
#[test]
fn escapes_in_a_placeholder_reach_no_frame() {
    let mut console = editing(r#""<kept: \u001b[2J\u202e>""#);
    let text = console.text();
    assert!(text.contains("stands for a secret") && text.contains("^[[2J"), "{text}");
    let unsafe_char = text.chars().find(|c| *c != '\n' && crate::domain::text::is_unsafe_char(*c));
    assert_eq!(unsafe_char, None, "{text}");
    console.press("ctrl-s");
    assert!(!console.text().contains('\u{1b}'));
}

#[test]
fn twins_show_none_in_any_mode() {
    let mut console = Console::online();
    console.run("twin edge-gateway-001/temperatureFilter");
    console.read_twin(planted().done());
    look(&mut console, "in the twin");
    for key in ["j", "j", "G"] {
        console.press(key);
        look(&mut console, "in the twin");
    }
    console.press("y");
    look(&mut console, "in raw JSON");
    console.press("G");
    look(&mut console, "at the end of raw JSON");
    console.press("esc e");
    look(&mut console, "in the editor");
    console.press("down end backspace backspace backspace backspace backspace");
    console.type_in("30.0,");
    look(&mut console, "while typing");
    let effects = console.wait(Duration::from_secs(1));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));
    for effect in effects {
        if let Effect::SaveDraft(draft) = effect {
            assert!(!draft.text.contains(PLANTED) && !draft.base.to_string().contains(PLANTED), "{}", draft.text);
        }
    }
    console.press("ctrl-s");
    look(&mut console, "on the review");
    console.press("s");
    look(&mut console, "in the dialog");
    console.wait(Duration::from_secs(1));
    let intent = console
        .press("tab enter")
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Submit(intent) => Some(*intent),
            _ => None,
        })
        .expect("it is sent");
    assert_eq!(intent.twin().unwrap().patch.merge, json!({"temperatureThreshold": 30.0}).as_object().cloned().unwrap());
    let theirs = {
        let mut theirs = planted().moved("AAAAAAAAAAQ=").done();
        theirs.desired.values.insert("apiKey".into(), "PLANTED-other-key".into());
        theirs.desired.values.insert("temperatureThreshold".into(), json!(28.0));
        theirs.desired.values.insert("upstream".into(), "SharedAccessKey=PLANTED-other-sak".into());
        theirs.desired.values.insert("accounts".into(), json!([{"password": "PLANTED-other-in-array"}]));
        theirs
    };
    let at = console.now();
    console.write_stands(&intent, OpState::Done(Outcome::Conflict(Some(Found::Twin(Arc::new(theirs)))), at));
    assert!(console.location().contains("BOTH CHANGED IT"));
    look(&mut console, "in the conflict");
    console.press("m s");
    look(&mut console, "on the second review");
    console.run("audit");
    look(&mut console, "among the changes");
}

#[test]
fn a_change_of_a_secret_is_named_and_not_shown() {
    let mut console = Console::online();
    console.run("twin edge-gateway-001/temperatureFilter");
    console.read_twin(Maker::filter().done());
    console.press("e down end");
    console.type_in("\n\"connection\": \"HostName=h;SharedAccessKey=PLANTED-a\",\n\"env\": {\"ACR_TOKEN\": {\"value\": \"PLANTED-b\"}},");
    // The editor itself shows what is being typed in it; nothing after it does.
    console.press("ctrl-s");
    assert!(console.location().contains("REVIEW"), "{}", console.text());
    look(&mut console, "on the review");
    console.press("s");
    look(&mut console, "in the dialog");
    console.wait(Duration::from_secs(1));
    let intent = console
        .press("tab enter")
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Submit(intent) => Some(*intent),
            _ => None,
        })
        .expect("it is sent");
    console.write_stands(&intent, OpState::Sending);
    look(&mut console, "while sending");
    console.run("audit");
    look(&mut console, "among the changes");
}

#[test]
fn devices_show_none() {
    let gateway = Gateway::new("edge-gateway-001").with(|it| {
        it.tags =
            json!({"wifi": {"password": "PLANTED-tag"}, "note": "SharedAccessKey=PLANTED-note", "role": "gateway"});
        it.status = Some((500, "login to acr failed: password=PLANTED-in-text".into()));
    });
    let gateway = gateway.filter(|filter| {
        filter
            .wanted(json!({"env": {"MODEL_API_KEY": {"value": "PLANTED-env"}}}))
            .backoff(1, 3)
            .seen(json!({"statusDescription": "docker run -e X='Bearer PLANTED-bearer'"}))
    });
    let mut console = Console::online();
    console.show(std::slice::from_ref(&gateway));
    look(&mut console, "in the fleet");
    console.press("/");
    console.type_in("-l wifi.password");
    look(&mut console, "while filtering");
    console.press("esc enter");
    let board = details(&gateway, console.now());
    console.tell(Msg::Details(Arc::new(board)));
    console.press("G");
    look(&mut console, "in the device");
    console.press("y");
    look(&mut console, "in the agent's raw JSON");
    for _ in 0..8 {
        console.press("pgdn");
        look(&mut console, "in the agent's raw JSON");
    }
    console.run("twin edge-gateway-001/$edgeAgent");
    for _ in 0..30 {
        console.press("j");
    }
    look(&mut console, "in the agent's twin");
    console.run("twin edge-gateway-001");
    look(&mut console, "in the device twin");
}

#[test]
fn failures_show_none() {
    let mut console = Console::online();
    let fault = Fault::new(
        FaultKind::Unreachable,
        "query the devices",
        "error sending request for https://h.azure-devices.net/x?sig=PLANTED-sig&se=1 with SharedAccessSignature sr=h&sig=PLANTED-sas",
    );
    console.fail(&fault);
    look(&mut console, "in the message line");
    let at = console.now();
    console.show(&[]);
    console.reshow(|picture| {
        picture.devices.as_of = None;
        picture.devices.fault = Some((fault, at));
    });
    look(&mut console, "in the empty fleet");
}
