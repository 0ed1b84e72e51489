//! Nothing secret reaches a frame or the disk: what the hub holds, what is typed, and our own key.

use std::path::Path;

use serde_json::json;

use crate::harness::{FILTER, Stage};

const PLANTED: &str = "planted-4e1f7c";
const TYPED: &str = "typed-9c1d02";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_neither_shown_nor_kept() {
    let stage = Stage::set().await;
    stage.outside.set_desired(FILTER, json!({"apiKey": PLANTED, "nested": {"password": PLANTED}})).await;
    let mut console = stage.console();
    console.sees("edge-gateway-001").await;
    // The agent's twin holds a registry password and modules' tokens.
    console.command("twin edge-gateway-001/$edgeAgent").await;
    console.sees("$edgeAgent > twin").await;
    console.sees("registryCredentials").await;
    console.press("y").await;
    console.sees("json   edge-gateway").await;
    console.sees("\"password\": \"********\"").await;
    console.press("G").await;
    console.press("esc esc").await;
    console.opens_the_filters_twin().await;
    console.press("y").await;
    console.sees("apiKey").await;
    console.press("esc").await;
    console.sees("Desired and reported").await;

    console.press("e").await;
    console.sees("EDITING").await;
    console.press("down home").await;
    console.pastes(&format!("  \"dbPassword\": \"{TYPED}\",\n")).await;
    console.sees("/dbPassword   (added, hidden)").await;
    console.flush();
    assert_eq!(stage.drafts().len(), 1, "the draft is kept");
    console.press("ctrl-s").await;
    console.sees("REVIEW").await;
    console.confirms().await;
    console.sees("is applied: desired v3 -> v4").await;

    let twin = stage.outside.twin(FILTER).await;
    let desired = &twin["properties"]["desired"];
    assert_eq!((&desired["dbPassword"], &desired["apiKey"]), (&json!(TYPED), &json!(PLANTED)), "the hub has both");
    assert_eq!(stage.audited().len(), 1);
    let (_, frames) = console.ends("ctrl-c").await;

    let key = stage.sim.connection_string().expose().rsplit_once("SharedAccessKey=").expect("a key").1.to_owned();
    let of_the_hub = [PLANTED, "simulated-registry-password", "simulated-shell-token", key.as_str(), "sig="];
    for frame in &frames {
        for secret in of_the_hub {
            assert!(!frame.contains(secret), "{secret} in\n{frame}");
        }
        // What somebody types is before their own eyes, and nowhere else.
        assert!(!frame.contains(TYPED) || frame.contains("EDITING"), "{TYPED} in\n{frame}");
    }
    let files = everything_in(stage.files.path());
    assert!(files.iter().any(|(name, _)| name.contains("audit")), "there is something to look at");
    for (name, text) in &files {
        for secret in of_the_hub.iter().chain(&[TYPED]) {
            assert!(!text.contains(secret), "{secret} in {name}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_json_shows_no_secret_in_whatever_shape() {
    let stage = Stage::set().await;
    let (first, second) = PLANTED.split_at(4);
    let shapes = json!({
        "settings": {
            "createOptions": format!("{{\"Env\":[\"SA_PASSWORD={PLANTED}\",\"ACR_TOKEN={PLANTED}\",\"TZ=UTC\"]}}"),
        },
        "long": {
            "createOptions": format!("{{\"Env\":[\"TZ=UTC\",\"sa_password={}", first),
            "createOptions01": format!("{}\"]}}", second),
        },
        "tokens": [PLANTED],
        "pinToken": {"values": [PLANTED, 5_318_008]},
        "symmetricKey": {"primaryKey": PLANTED, "secondaryKey": PLANTED},
        "pwd": PLANTED,
        "source": format!("https://user:{PLANTED}@host/x"),
        "pem": format!("-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----"),
        "jwt": format!("eyJ0eXAi.eyJzdWIi.{PLANTED}"),
        "upstream": format!("hostname=h;sharedaccesskey={PLANTED}"),
        "keyboard": "innocent-keyboard",
    });
    stage.outside.set_desired(FILTER, shapes).await;
    let mut console = stage.console();
    console.sees("edge-gateway-001").await;
    console.command("twin edge-gateway-001/$edgeAgent").await;
    console.sees("registryCredentials").await;
    // In the console's own view, and on the raw page, from the first line to the last.
    for _ in 0..8 {
        console.press("ctrl-f").await;
    }
    console.press("y").await;
    console.sees("json   edge-gateway").await;
    for _ in 0..24 {
        console.press("ctrl-f").await;
    }
    console.press("esc esc").await;
    console.opens_the_filters_twin().await;
    console.press("G").await;
    console.press("y").await;
    console.sees("json   edge-gateway").await;
    for _ in 0..8 {
        console.press("ctrl-f").await;
    }
    console.press("esc").await;
    console.sees("Desired and reported").await;
    console.press("e").await;
    console.sees("EDITING").await;
    for _ in 0..8 {
        console.press("ctrl-f").await;
    }
    let (_, frames) = console.ends("ctrl-c").await;

    let seen = |text: &str| frames.iter().any(|frame| frame.contains(text));
    for shown in
        ["\"username\": \"edge-pull\"", "\"password\": \"********\"", "SA_PASSWORD=********", "innocent-keyboard"]
    {
        assert!(seen(shown), "{shown} is on some frame");
    }
    // The halves of the secret that a boundary of `createOptions` cuts count too.
    let secrets = [second, "PRIVATE KEY", "5318008", "simulated-registry-password", "simulated-shell-token"];
    for frame in &frames {
        for secret in secrets {
            assert!(!frame.contains(secret), "{secret} in\n{frame}");
        }
    }
}

fn everything_in(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}
