//! The store through its public face, on temporary folders: round trips, crashes, conflation, two processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::ids::{DeviceId, ETag, ModuleId, TwinId};
use crate::domain::time::{Clock, ManualClock};

const DAY: Duration = Duration::from_secs(86_400);
const SOON: Duration = Duration::from_secs(20);

fn clock() -> Arc<ManualClock> {
    ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap())
}

fn options(dir: &Path, me: &str) -> Options {
    Options { settle: Duration::ZERO, ..Options::new(dir, me) }
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> (LocalStore, Loaded) {
    LocalStore::open(options(dir, "pid 1 pts/1"), clock.clone()).unwrap()
}

fn key(device: &str) -> DraftKey {
    let target = TwinId::module(DeviceId::from_wire(device), ModuleId::from_wire("temperatureFilter"));
    DraftKey { context: "prod".into(), hub: "h.azure-devices.net".into(), target }
}

fn draft(device: &str, text: &str) -> Draft {
    Draft {
        key: key(device),
        base_etag: ETag::from_wire("AAAAAAAAAAE="),
        base: json!({"temperatureThreshold": 25}),
        text: text.to_owned(),
        cursor: (3, 7),
        saved_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        program_version: "0.1.0".into(),
    }
}

fn view(name: &str) -> LastView {
    LastView {
        view: name.into(),
        sort: Some(SortOrder { column: "AGE".into(), descending: true }),
        filter: "site:b1".into(),
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn draft_file(dir: &Path) -> PathBuf {
    files(&dir.join("drafts")).into_iter().find(|path| path.extension().is_some_and(|e| e == "json")).unwrap()
}

#[test]
fn what_was_saved_comes_back_private_and_nothing_is_made_before() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("state");
    let (store, loaded) = open(&dir, &clock());
    assert!(loaded.findings.is_empty() && loaded.drafts.is_empty());
    store.flush(SOON).unwrap();
    assert!(!dir.exists(), "nothing is made before something is saved");

    store.save_draft(draft("d1", "{\"temperatureThreshold\": 26")).unwrap();
    store.save_view("prod", view("devices")).unwrap();
    store.push_history(":twin edge-gateway-001").unwrap();
    store.flush(SOON).unwrap();
    assert_eq!(store.unsaved(), 0);
    let saved = store.status().borrow().saved.clone();
    assert_eq!(saved, BTreeMap::from([(key("d1"), clock().now().wall)]));

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("drafts"))), (0o700, 0o700));
    assert!(files(&dir).iter().all(|path| mode(path) == 0o600), "{:?}", files(&dir));

    // The first store still has it open: a second process gets a copy and learns whose it is.
    let (_, loaded) = LocalStore::open(options(&dir, "pid 2"), clock()).unwrap();
    assert_eq!(loaded.drafts[0].held_by.as_deref(), Some("pid 1 pts/1"));
    store.close_draft(&key("d1")).unwrap();
    store.flush(SOON).unwrap();
    let (_, loaded) = open(&dir, &clock());
    let expected = LoadedDraft { draft: draft("d1", "{\"temperatureThreshold\": 26"), held_by: None };
    assert_eq!(loaded.drafts, [expected]);
    assert_eq!(loaded.view.contexts, BTreeMap::from([("prod".to_owned(), view("devices"))]));
    assert_eq!(loaded.history, [":twin edge-gateway-001"]);
    assert!(loaded.findings.is_empty());
}

#[test]
fn forms_are_kept_by_hub_without_secrets_until_they_are_emptied_or_old() {
    let temp = tempfile::tempdir().unwrap();
    let clock = clock();
    let (store, loaded) = open(temp.path(), &clock);
    assert!(loaded.forms.is_empty());
    let filled = |text: &str| Some(vec![None, Some(text.to_owned())]);
    store.save_form("a.azure-devices.net", "register", filled("gw-1")).unwrap();
    store.save_form("a.azure-devices.net", "disable gw-2", filled("SharedAccessKey=c2VjcmV0c2VjcmV0")).unwrap();
    store.save_form("b.azure-devices.net", "register", filled("gw-9")).unwrap();
    store.flush(SOON).unwrap();
    let text = fs::read_to_string(temp.path().join("forms.json")).unwrap();
    assert!(text.contains("gw-9") && !text.contains("c2VjcmV0"), "{text}");

    store.save_form("a.azure-devices.net", "disable gw-2", None).unwrap();
    store.flush(SOON).unwrap();
    let (_, loaded) = open(temp.path(), &clock);
    let kept = BTreeMap::from([("register".to_owned(), vec![None, Some("gw-1".to_owned())])]);
    assert_eq!(loaded.forms["a.azure-devices.net"], kept);

    clock.advance(8 * DAY);
    let (_, loaded) = open(temp.path(), &clock);
    assert!(loaded.forms.values().all(BTreeMap::is_empty), "{:?}", loaded.forms);
}

#[test]
fn a_thousand_keystrokes_are_one_write_and_the_last_one_wins() {
    let temp = tempfile::tempdir().unwrap();
    let mut options = options(temp.path(), "pid 1");
    // Never settles by itself: only the flush lets it write.
    options.settle = 365 * DAY;
    let (store, _) = LocalStore::open(options, clock()).unwrap();
    let mut status = store.status();
    for n in 0..1_000 {
        store.save_draft(draft("d1", &n.to_string())).unwrap();
        store.save_view("prod", view(&n.to_string())).unwrap();
    }
    assert_eq!(store.unsaved(), 2);
    assert!(!status.has_changed().unwrap());
    store.flush(SOON).unwrap();
    assert!(status.borrow_and_update().failures.is_empty());
    let (_, loaded) = open(temp.path(), &clock());
    assert_eq!(loaded.drafts[0].draft.text, "999");
    assert_eq!(loaded.view.contexts["prod"].view, "999");
}

#[test]
fn the_mailbox_is_bounded_by_things_and_says_when_it_is_full() {
    let temp = tempfile::tempdir().unwrap();
    let mut options = options(temp.path(), "pid 1");
    options.settle = 365 * DAY;
    let (store, _) = LocalStore::open(options, clock()).unwrap();
    for n in 0..64 {
        store.save_draft(draft(&format!("d{n}"), "x")).unwrap();
    }
    assert!(matches!(store.save_draft(draft("one more", "x")), Err(LocalError::Full(64))));
    store.save_draft(draft("d1", "a later text of one that waits")).unwrap();
    for n in 0..1_000 {
        store.push_history(format!(":line {n}")).unwrap();
    }
    assert_eq!(store.unsaved(), 64 + 200);
}

#[test]
fn a_write_that_was_cut_off_leaves_the_old_draft() {
    let temp = tempfile::tempdir().unwrap();
    let (store, _) = open(temp.path(), &clock());
    store.save_draft(draft("d1", "whole")).unwrap();
    store.close_draft(&key("d1")).unwrap();
    store.flush(SOON).unwrap();
    let torn = temp.path().join("drafts/.edgedeck-x1y2.tmp");
    fs::write(&torn, "{\"kind\":\"draft\",\"version\":1,\"con").unwrap();
    let (_, loaded) = open(temp.path(), &clock());
    assert_eq!((loaded.drafts.len(), loaded.drafts[0].draft.text.as_str()), (1, "whole"));
    assert!(loaded.findings.is_empty() && torn.exists(), "it may be another process's, at work");
    // A clock that stands long after the file was written: now it is litter.
    let later = ManualClock::at("2100-01-01T00:00:00Z".parse().unwrap());
    let _ = LocalStore::open(Options { keep_drafts: 100_000 * DAY, ..options(temp.path(), "pid 1") }, later).unwrap();
    assert!(!torn.exists());
}

#[test]
fn drafts_expire_and_it_is_said() {
    let temp = tempfile::tempdir().unwrap();
    let clock = clock();
    let (store, _) = open(temp.path(), &clock);
    store.save_draft(draft("d1", "x")).unwrap();
    store.flush(SOON).unwrap();
    clock.advance(8 * DAY);
    let (_, loaded) = LocalStore::open(options(temp.path(), "pid 2"), clock.clone()).unwrap();
    assert_eq!(loaded.drafts.len(), 1, "open in another process: not ours to remove");
    store.close_draft(&key("d1")).unwrap();
    store.flush(SOON).unwrap();
    let (_, loaded) = open(temp.path(), &clock);
    assert!(loaded.drafts.is_empty());
    let text = loaded.findings[0].to_string();
    assert_eq!(
        text,
        "the draft of d1/temperatureFilter from 2026-01-02T03:04:05Z was removed: drafts are kept for 7 d"
    );
    assert!(files(&temp.path().join("drafts")).is_empty());
}

#[tokio::test]
async fn the_second_console_gets_a_copy_and_cannot_overwrite() {
    let temp = tempfile::tempdir().unwrap();
    let clock = clock();
    let (first, _) = open(temp.path(), &clock);
    let (second, _) = LocalStore::open(options(temp.path(), "pid 2 pts/2"), clock.clone()).unwrap();
    assert_eq!(first.open_draft(key("d1")).await.unwrap(), Opened::Ours(None));
    first.save_draft(draft("d1", "first")).unwrap();
    first.flush(SOON).unwrap();
    let Opened::Theirs { holder, copy } = second.open_draft(key("d1")).await.unwrap() else { panic!("ours") };
    assert_eq!((holder.as_str(), copy.unwrap().text.as_str()), ("pid 1 pts/1", "first"));

    second.save_draft(draft("d1", "second")).unwrap();
    second.flush(SOON).unwrap();
    let failure = second.status().borrow().failures["draft of d1/temperatureFilter"].clone();
    assert!(matches!(&*failure.error, LocalError::OpenElsewhere { holder, .. } if holder == "pid 1 pts/1"));
    second.discard_draft(&key("d1")).unwrap();
    second.flush(SOON).unwrap();
    assert!(draft_file(temp.path()).exists());

    first.close_draft(&key("d1")).unwrap();
    first.flush(SOON).unwrap();
    let Opened::Ours(Some(found)) = second.open_draft(key("d1")).await.unwrap() else { panic!("not ours") };
    assert_eq!(found.text, "first");
    second.discard_draft(&key("d1")).unwrap();
    second.flush(SOON).unwrap();
    assert!(files(&temp.path().join("drafts")).is_empty(), "neither draft nor lock stays");
    assert!(second.status().borrow().failures.is_empty());
}

#[test]
fn a_disk_that_refuses_is_shown_and_tried_again() {
    let temp = tempfile::tempdir().unwrap();
    // A file where the folder belongs refuses even root.
    fs::write(temp.path().join("drafts"), "").unwrap();
    let (store, loaded) = open(temp.path(), &clock());
    assert!(loaded.drafts.is_empty());
    assert_eq!(loaded.findings.len(), 1);
    store.save_draft(draft("d1", "kept in memory")).unwrap();
    let unsaved = store.flush(SOON).unwrap_err();
    assert_eq!(unsaved.count, 1);
    assert!(unsaved.to_string().contains("drafts"), "{unsaved}");
    assert!(!store.status().borrow().failures.is_empty());
    fs::remove_file(temp.path().join("drafts")).unwrap();
    store.flush(SOON).unwrap();
    assert!(store.status().borrow().failures.is_empty());
    assert!(fs::read_to_string(draft_file(temp.path())).unwrap().contains("kept in memory"));
}

#[test]
fn broken_files_are_moved_aside_and_newer_ones_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let (store, _) = open(dir, &clock());
    store.save_draft(draft("d1", "x")).unwrap();
    store.close_draft(&key("d1")).unwrap();
    store.flush(SOON).unwrap();
    fs::write(draft_file(dir), "{\"kind\": \"draft\", \"version\": 1").unwrap();
    fs::write(dir.join("history.json"), [0xff, 0xfe]).unwrap();
    let newer = "{\"kind\":\"view\",\"version\":2,\"content\":{\"tabs\":[]}}";
    fs::write(dir.join("view.json"), newer).unwrap();

    let (store, loaded) = open(dir, &clock());
    let findings: Vec<_> = loaded.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert!(findings[0].contains("newer edgedeck (version 2"), "{findings:#?}");
    assert!(findings[1].ends_with("history.json.broken-20260102T030405Z"), "{findings:#?}");
    assert!(findings[2].contains(".json.broken-20260102T030405Z"), "{findings:#?}");
    assert_eq!(fs::read(dir.join("history.json.broken-20260102T030405Z")).unwrap(), [0xff, 0xfe]);

    store.save_view("prod", view("devices")).unwrap();
    store.push_history(":devices").unwrap();
    store.flush(SOON).unwrap();
    assert_eq!(fs::read_to_string(dir.join("view.json")).unwrap(), newer);
    assert!(matches!(*store.status().borrow().failures["views"].error, LocalError::Newer { found: 2, .. }));
    let (_, loaded) = open(dir, &clock());
    assert_eq!(loaded.history, [":devices"]);
}

#[test]
fn links_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (real, link) = (temp.path().join("real"), temp.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    assert!(matches!(LocalStore::open(options(&link, "pid 1"), clock()), Err(LocalError::Disk(_))));
    symlink(temp.path().join("elsewhere"), real.join("view.json")).unwrap();
    let (store, loaded) = open(&real, &clock());
    assert!(loaded.findings[0].to_string().contains("symbolic link"));
    store.save_view("prod", view("devices")).unwrap();
    assert!(store.flush(SOON).is_err());
    assert!(!temp.path().join("elsewhere").exists());
}

#[test]
fn secrets_do_not_reach_the_disk() {
    let temp = tempfile::tempdir().unwrap();
    let (store, _) = open(temp.path(), &clock());
    let mut leaky = draft("d1", "{\"password\": \"hunter2\", \"kept\": {\"password\": \"<kept: acr.password>\"");
    leaky.base = json!({"password": "hunter2", "other": {"password": "<kept: acr.password>"}});
    store.save_draft(leaky).unwrap();
    store.push_history(":set SharedAccessKey=hunter2").unwrap();
    store.save_view("prod", LastView { filter: "SharedAccessKey=hunter2".into(), ..view("devices") }).unwrap();
    store.flush(SOON).unwrap();
    for path in files(temp.path()) {
        assert!(!fs::read_to_string(&path).unwrap().contains("hunter2"), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(draft_file(temp.path())).unwrap().matches("<kept: acr.password>").count(), 2);
}

#[test]
fn two_consoles_share_view_and_history() {
    let temp = tempfile::tempdir().unwrap();
    let (first, _) = open(temp.path(), &clock());
    let (second, _) = open(temp.path(), &clock());
    for (store, context) in [(&first, "a"), (&second, "b"), (&first, "c")] {
        store.save_view(context, view("devices")).unwrap();
        store.push_history(context).unwrap();
        store.flush(SOON).unwrap();
    }
    let (_, loaded) = open(temp.path(), &clock());
    assert_eq!(loaded.view.contexts.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(loaded.history, ["a", "b", "c"]);
}

#[derive(Debug, Clone)]
enum Op {
    Save(u8, u16),
    Discard(u8),
    Close(u8),
    View(u8, u16),
    Line(u16),
    Flush,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(
        prop_oneof![
            4 => (0u8..3, any::<u16>()).prop_map(|(k, n)| Op::Save(k, n)),
            1 => (0u8..3).prop_map(Op::Discard),
            1 => (0u8..3).prop_map(Op::Close),
            2 => (0u8..3, any::<u16>()).prop_map(|(k, n)| Op::View(k, n)),
            2 => any::<u16>().prop_map(Op::Line),
            1 => Just(Op::Flush),
        ],
        0..24,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_saved_the_last_of_each_comes_back(ops in ops()) {
        let temp = tempfile::tempdir().unwrap();
        let (store, _) = open(temp.path(), &clock());
        let (mut drafts, mut views, mut history) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for op in ops {
            match op {
                Op::Save(k, n) => {
                    store.save_draft(draft(&format!("d{k}"), &n.to_string())).unwrap();
                    drafts.insert(key(&format!("d{k}")), n.to_string());
                }
                Op::Discard(k) => {
                    store.discard_draft(&key(&format!("d{k}"))).unwrap();
                    drafts.remove(&key(&format!("d{k}")));
                }
                Op::Close(k) => store.close_draft(&key(&format!("d{k}"))).unwrap(),
                Op::View(k, n) => {
                    store.save_view(k.to_string(), view(&n.to_string())).unwrap();
                    views.insert(k.to_string(), view(&n.to_string()));
                }
                Op::Line(n) => {
                    store.push_history(n.to_string()).unwrap();
                    if history.last() != Some(&n.to_string()) {
                        history.push(n.to_string());
                    }
                }
                Op::Flush => store.flush(SOON).unwrap(),
            }
        }
        store.flush(SOON).unwrap();
        let (_, loaded) = LocalStore::open(options(temp.path(), "pid 2"), clock()).unwrap();
        let found: BTreeMap<_, _> = loaded.drafts.into_iter().map(|l| (l.draft.key, l.draft.text)).collect();
        prop_assert_eq!(found, drafts);
        prop_assert_eq!(loaded.view.contexts, views);
        prop_assert_eq!(loaded.history, history);
        prop_assert!(loaded.findings.is_empty());
    }
}
