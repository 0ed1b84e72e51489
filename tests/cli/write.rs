//! `twin patch`: what is sent, what is refused and by whom, and what the audit keeps.

use serde_json::{Value, json};

use crate::harness::{TWIN, World, steady};

const PATCH: &str = r#"{"temperatureThreshold": 30.5}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_changes_only_what_it_names_and_is_in_the_record() {
    let world = World::start().await;
    let before = world.desired();
    let ran = world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--yes", "--reason", "INC-7"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    steady(|| insta::assert_snapshot!("twin_patch", format!("{}---\n{}", ran.out, ran.err)));
    let mut expected = before.clone();
    expected["temperatureThreshold"] = json!(30.5);
    for own in ["$metadata", "$version"] {
        expected[own] = world.desired()[own].clone();
    }
    assert_eq!(world.desired(), expected);
    assert_eq!(world.desired()["$version"], json!(before["$version"].as_u64().unwrap() + 1));

    let list = world.run(&["audit", "list", "-o", "json"]).items("AuditList");
    assert_eq!(list.len(), 1);
    assert_eq!((&list[0]["state"], &list[0]["object"]), (&json!("applied"), &json!(TWIN)));
    // The environment of the run says `ana`; the record believes the kernel's number.
    let who = &list[0]["origin"]["who"];
    let owner = std::os::unix::fs::MetadataExt::uid(&world.home().metadata().unwrap());
    assert_eq!(who["uid"], owner);
    assert!(who["name"].as_str().is_some_and(|name| !name.is_empty() && name != "ana"), "{who}");
    let op = list[0]["op"].as_str().unwrap();
    assert!(ran.out.contains(op));
    let entry = world.run(&["audit", "show", op, "-o", "json"]).items("AuditEntry").remove(0);
    assert_eq!(entry["reason"], "INC-7");
    assert_eq!(entry["diff"], json!(["~ /temperatureThreshold   25.0 -> 30.5"]));
    assert_eq!(entry["request"]["body"], json!({"properties": {"desired": {"temperatureThreshold": 30.5}}}));
    assert_eq!(entry["inverse"], json!({"properties": {"desired": {"temperatureThreshold": 25.0}}}));
    assert_eq!(entry["baseDesiredVersion"], before["$version"]);
    let table = world.run(&["audit", "show", op]);
    assert!(table.out.contains("TAKES IT BACK") && table.out.contains("BASE DESIRED"), "{}", table.out);
    assert!(table.out.contains("CHANGE") && table.out.contains("applied, twin version"), "{}", table.out);
    assert_eq!(world.run(&["audit", "show", "00000000-0000-0000-0000-000000000000"]).code, 3);

    assert_eq!(world.run(&["audit", "verify"]).code, 0);
    let file = std::fs::read_dir(world.home().join(".local/state/edgedeck/audit")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|e| e == "jsonl"));
    let file = file.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("INC-7", "INC-8")).unwrap();
    let verified = world.run(&["audit", "verify"]);
    assert_eq!(verified.code, 1);
    assert!(verified.out.contains("FAULT") && verified.out.contains("line 1"), "{}", verified.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_deletes_and_what_is_there_already_sends_nothing() {
    let world = World::start().await;
    let tags = |patch: &str| world.run(&["twin", "patch", "edge-gateway-101", "--tags", patch, "--yes", "-o", "json"]);
    let first = tags(r#"{"role": null, "location": {"floor": 9}}"#).items("TwinPatch").remove(0);
    assert_eq!(
        first["changes"],
        json!([
            {"path": "/role", "old": "gateway", "new": null},
            {"path": "/location/floor", "old": 1, "new": 9},
        ])
        .as_array()
        .map(|changes| sorted(changes, &first["changes"]))
        .unwrap()
    );
    let twin = world.run(&["twin", "get", "edge-gateway-101", "-o", "json"]).items("Twin").remove(0);
    assert_eq!(twin["tags"], json!({"location": {"building": "B1", "floor": 9}, "environment": "production"}));
    let again = tags(r#"{"role": null, "location": {"floor": 9}}"#).items("TwinPatch").remove(0);
    assert_eq!((&again["outcome"], &again["etag"], &again["op"]), (&json!("unchanged"), &first["etag"], &Value::Null));
}

/// The same changes in the order in which they were listed.
fn sorted(expected: &[Value], listed: &Value) -> Value {
    let listed: Vec<&Value> = listed.as_array().unwrap().iter().map(|change| &change["path"]).collect();
    let mut expected = expected.to_vec();
    expected.sort_by_key(|change| listed.iter().position(|path| **path == change["path"]));
    Value::Array(expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_the_request_and_sends_nothing() {
    let world = World::start().await;
    let etag = world.etag();
    let dry = world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--dry-run"]);
    assert_eq!((dry.code, dry.err.as_str()), (0, ""));
    assert!(dry.out.contains(&format!("If-Match: \"{etag}\"")), "{}", dry.out);
    assert!(dry.out.contains("~ /temperatureThreshold   25.0 -> 30.5"), "{}", dry.out);
    let item = world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--dry-run", "-o", "json"]).items("TwinPatch");
    assert_eq!(item[0]["request"]["body"], json!({"properties": {"desired": {"temperatureThreshold": 30.5}}}));
    let doomed = world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--dry-run", "--read-only"]);
    assert_eq!(doomed.code, 0);
    assert!(doomed.err.contains("would not be sent") && doomed.err.contains("read-only"), "{}", doomed.err);
    assert_eq!(world.etag(), etag);
    assert!(world.run(&["audit", "list", "-o", "json"]).items("AuditList").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_etag_is_a_conflict_and_overwrites_nothing() {
    let world = World::start().await;
    let old = world.etag();
    world.sim.command(&format!("touch {TWIN}")).unwrap();
    let now = world.etag();
    assert_ne!(old, now);
    let late = world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--etag", &old, "--yes"]);
    assert_eq!((late.code, late.out.as_str()), (5, ""), "{}", late.err);
    for part in ["412", &old, &now, "your change:\n  ~ /temperatureThreshold   25.0 -> 30.5", "theirs:"] {
        assert!(late.err.contains(part), "{part} in {}", late.err);
    }
    assert_eq!((world.etag(), &world.desired()["temperatureThreshold"]), (now.clone(), &json!(25.0)));
    assert_eq!(world.run(&["twin", "patch", TWIN, "--desired", PATCH, "--etag", &now, "--yes"]).code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_code_10_and_reach_no_twin() {
    let world = World::start().await;
    let etag = world.etag();
    for (args, says) in [
        (&["--desired", PATCH][..], "--yes"),
        (&["--desired", PATCH, "--yes", "--read-only"], "read-only"),
        (&["--desired", PATCH, "--yes", "--etag", "*"], "ETag"),
        (&["--desired", PATCH, "--confirm", "edge-gateway-001"], "what was typed is not"),
    ] {
        let refused = world.run(&[&["twin", "patch", TWIN], args].concat());
        assert_eq!((refused.code, refused.out.as_str()), (10, ""), "{args:?}: {}", refused.err);
        assert!(refused.err.contains(says), "{says} in {}", refused.err);
    }
    let agent = ["twin", "patch", "edge-gateway-001/$edgeAgent", "--desired", r#"{"modules": null}"#, "--yes"];
    let system = world.run(&agent);
    assert_eq!(system.code, 10);
    assert!(system.err.contains("$edgeAgent is part of the runtime"), "{}", system.err);
    assert_eq!(world.etag(), etag);
    let notes = world.run(&["audit", "list", "-o", "json"]).items("AuditList");
    let verbs: Vec<&Value> = notes.iter().map(|note| &note["verb"]).collect();
    assert_eq!(verbs, ["refused", "not confirmed", "refused"], "the runtime's own module first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_production_context_asks_for_the_name() {
    let world = World::start().await;
    let file = world.home().join("hub.cs");
    let contexts = format!(
        "[contexts.plant]\nhub = \"{}\"\nauth = \"connection-string-file\"\nconnection_string_file = \"{}\"\nproduction = true\n",
        world.sim.host(),
        file.display()
    );
    world.file(".config/edgedeck/contexts.toml", &contexts, 0o600);
    let ca = world.home().join("ca.pem").display().to_string();
    let run = |rest: &[&str]| {
        let fixed = ["-x", "plant", "--ca-file", &ca, "twin", "patch", TWIN, "--desired", PATCH];
        crate::harness::ran(&mut world.command(&[&fixed, rest].concat()))
    };
    // A context opens read-only unless it says otherwise.
    let shut = run(&["--confirm", "temperatureFilter"]);
    assert_eq!(shut.code, 10);
    assert!(shut.err.contains("read-only"), "{}", shut.err);
    world.file(".config/edgedeck/contexts.toml", &format!("{contexts}read_only = false\n"), 0o600);
    let yes = run(&["--yes"]);
    assert_eq!(yes.code, 10);
    assert!(yes.err.contains("--confirm temperatureFilter"), "{}", yes.err);
    assert_eq!(world.desired()["temperatureThreshold"], json!(25.0));
    let confirmed = run(&["--confirm", "temperatureFilter"]);
    assert_eq!(confirmed.code, 0, "{}", confirmed.err);
    assert_eq!(world.desired()["temperatureThreshold"], json!(30.5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_in_the_environment_holds_whatever_names_the_hub() {
    let world = World::start().await;
    let contexts = format!(
        "[contexts.plant]\nhub = \"{}\"\nauth = \"connection-string-file\"\nconnection_string_file = \"{}\"\nread_only = false\n",
        world.sim.host(),
        world.home().join("hub.cs").display()
    );
    world.file(".config/edgedeck/contexts.toml", &contexts, 0o600);
    let [file_flag, file, ca_flag, ca] = world.access();
    let named = [
        vec![file_flag, file, ca_flag.clone(), ca.clone()],
        vec!["-x".into(), "plant".into(), ca_flag, ca],
        vec!["--sim".into()],
    ];
    for (threshold, flags) in named.iter().enumerate() {
        let run = |read_only: &str| {
            let patch = json!({ "temperatureThreshold": threshold }).to_string();
            let mut command = world.command(&["twin", "patch", TWIN, "--desired", &patch, "--yes"]);
            crate::harness::ran(command.args(flags).env("EDGEDECK_READONLY", read_only))
        };
        let shut = run("1");
        assert_eq!((shut.code, shut.out.as_str()), (10, ""), "{flags:?}: {}", shut.err);
        assert!(shut.err.contains("read-only"), "{}", shut.err);
        assert_eq!(run("0").code, 0, "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_that_cannot_be_read_says_where() {
    let world = World::start().await;
    for (args, says) in [
        (&["--desired", r#"{"a": 1,}"#][..], "line 1, column 9: trailing comma"),
        (&["--desired", r#"{"a": 1, "a": 2}"#], "the key \"a\" stands here twice"),
        (&["--tags", "[1]"], "--tags is no JSON object"),
        (&["--desired-file", "/nowhere"], "could not read /nowhere"),
        (&["--desired", "{}", "--tags", "{}"], "cannot be used with"),
        (&[], "required"),
    ] {
        let bad = world.run(&[&["twin", "patch", TWIN, "--yes"], args].concat());
        assert_eq!((bad.code, bad.out.as_str()), (2, ""), "{args:?}: {}", bad.err);
        assert!(bad.err.contains(says), "{says} in {}", bad.err);
    }
    assert_eq!(world.sim.status().served, 0);
    let mut piped = world.command(&["twin", "patch", TWIN, "--yes", "--desired-file", "-"]);
    let piped = crate::harness::ran(piped.args(world.access()).write_stdin(PATCH));
    assert_eq!(piped.code, 0, "{}", piped.err);
    assert_eq!(world.desired()["temperatureThreshold"], json!(30.5));
    let large = format!(r#"{{"note": "{}"}}"#, "x".repeat(5_000));
    let limit = world.run(&["twin", "patch", TWIN, "--desired", &large, "--yes"]);
    assert_eq!(limit.code, 2);
    assert!(limit.err.contains("/note"), "{}", limit.err);
    let tried = world.run(&["twin", "patch", TWIN, "--desired", &large, "--dry-run"]);
    assert_eq!(tried.code, 2, "{}", tried.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_is_code_4_when_the_hub_says_so() {
    let world = World::start().await;
    let reader = world.sim.connection_string_of("registryRead").unwrap();
    world.file("hub.cs", reader.expose(), 0o600);
    let refused = world.run(&["twin", "patch", "edge-gateway-101", "--tags", r#"{"a": 1}"#, "--yes"]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains("ServiceConnect") && !refused.err.contains("RegistryWrite"), "{}", refused.err);
}
