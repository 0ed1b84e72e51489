//! Nothing typed is lost: drafts outlive the console, a kill, and a second console at the same twin.

use std::path::Path;

use serde_json::json;

use crate::harness::{Console, FILTER, Opening, Stage, drafts_in};

async fn goes_on_with(console: &mut Console, text: &str) {
    console.opens_the_filters_twin().await;
    console.sees("a draft of yours waits").await;
    console.press("e").await;
    console.sees("EDITING").await;
    console.sees(text).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_offered_after_the_console_was_left() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("31.5").await;
    let (_, _) = console.ends("ctrl-c").await;

    let mut next = stage.console();
    next.sees(&format!("a draft from before waits: {FILTER}")).await;
    goes_on_with(&mut next, "25.0 -> 31.5").await;
}

/// Typing on and on puts nothing off: the draft reaches the disk while keys keep coming, and what is there when the
/// process is killed is offered by the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_survives_a_kill_in_the_middle_of_typing() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("31.5").await;
    let mut typed = 0;
    while !stage.drafts().concat().contains("31.5") {
        console.types("1").await;
        typed += 1;
        assert!(typed < 600, "typing puts the keeping off");
    }
    // What the disk holds at this very moment is what a kill leaves.
    let left = stage.files.path().join("left-by-the-kill");
    copy(&stage.state(), &left);
    console.kill();

    let mut next = stage.console_on(&left, Opening::default());
    next.sees(&format!("a draft from before waits: {FILTER}")).await;
    goes_on_with(&mut next, "31.5").await;
}

/// Forms too: what was typed into one is in it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_survives_a_kill() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.command("deploy").await;
    console.sees("create a deployment").await;
    console.types("night-shift").await;
    let forms = || std::fs::read_to_string(stage.state().join("forms.json")).unwrap_or_default();
    let mut typed = 0;
    while !forms().contains("night-shift") {
        console.types("1").await;
        typed += 1;
        assert!(typed < 600, "typing puts the keeping off");
    }
    let left = stage.files.path().join("left-by-the-kill");
    copy(&stage.state(), &left);
    console.kill();

    let mut next = stage.console_on(&left, Opening::default());
    next.command("deploy").await;
    next.sees("as it was left").await;
    next.sees("night-shift").await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the state folder") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        if path.is_dir() {
            copy(&path, &target);
        } else {
            // A file may be replaced at this moment; the one before or after it will do.
            let _gone = std::fs::copy(&path, &target);
        }
    }
    private(to);
}

/// State folders of others are refused.
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("permissions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_consoles_do_not_write_one_draft() {
    let stage = Stage::set().await;
    let mut first = stage.console_with(Opening::reading_twins_once());
    first.opens_the_filters_twin().await;
    first.edits_the_threshold("31.5").await;
    first.flush();
    let mut second = stage.console_with(Opening::reading_twins_once());
    second.sees("is open in another console (pid 4711 on pts/3)").await;
    second.opens_the_filters_twin().await;
    second.edits_the_threshold("40.0").await;
    second.sees("another console edits this twin too").await;
    second.press("ctrl-s").await;
    assert!(stage.drafts().concat().contains("31.5"), "the first console's draft stays as it is");
    assert!(!stage.drafts().concat().contains("40.0"));
    second.confirms().await;
    second.sees("desired   v3").await;

    first.press("ctrl-s").await;
    first.confirms().await;
    first.sees("BOTH CHANGED IT").await;
    let row = first.row("/temperatureThreshold");
    assert!(row.contains("40.0") && row.contains("31.5"), "{row}");
    assert!(drafts_in(&stage.state()).concat().contains("31.5"), "the other's success took no draft of ours along");
    let twin = stage.outside.twin(FILTER).await;
    assert_eq!(twin["properties"]["desired"]["temperatureThreshold"], json!(40.0));
    assert_eq!(stage.audited().len(), 2, "one chain for both");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_console_left_goes_on_here() {
    let stage = Stage::set().await;
    let mut second = stage.console();
    second.opens_the_filters_twin().await;
    let mut first = stage.console();
    first.opens_the_filters_twin().await;
    first.edits_the_threshold("31.5").await;
    let (_, _) = first.ends("ctrl-c").await;

    // It was opened before there was a draft, and hears of it from the disk.
    second.press("e").await;
    second.sees("25.0 -> 31.5").await;
    second.sees("goes on").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_is_not_edited_any_more_is_free_for_others() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    for leaving in ["esc", "ctrl-s"] {
        console.press("e").await;
        console.sees("EDITING").await;
        console.until_locked(true).await;
        console.press(leaving).await;
        console.until_locked(false).await;
    }
    console.edits_the_threshold("31.5").await;
    console.press("esc").await;
    console.flush();
    console.until_locked(true).await;
    console.press("X").await;
    console.sees("Discard the draft").await;
    console.past_type_ahead();
    console.press("tab enter").await;
    console.until_locked(false).await;
}
