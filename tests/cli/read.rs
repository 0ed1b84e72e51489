//! Everything that changes nothing: the answers' forms, and the exit codes when there is none.

use serde_json::{Value, json};

use crate::harness::{TWIN, World, ran, steady};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_plain_aligned_text() {
    let world = World::start().await;
    for (name, args) in [
        ("devices", &["devices"][..]),
        ("device_show", &["device", "show", "edge-gateway-104"]),
        ("modules_list", &["modules", "list", "edge-gateway-104"]),
        ("twin_get", &["twin", "get", TWIN]),
        ("query", &["query", "SELECT deviceId, tags.location.floor FROM devices WHERE tags.role = 'sensor-hub'"]),
    ] {
        let table = world.run(args);
        assert_eq!((table.code, table.err.as_str()), (0, ""), "{name}");
        assert!(!table.out.contains('\u{1b}'), "no colours into a pipe: {name}");
        assert!(table.out.lines().all(|line| !line.ends_with(' ')), "no trailing blanks: {name}");
        steady(|| insta::assert_snapshot!(name, table.out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_one_shape_per_command() {
    let world = World::start().await;
    for (name, args) in [
        ("devices_json", &["devices", "--filter", "edge-gateway-113"][..]),
        ("device_show_json", &["device", "show", "edge-gateway-104"]),
        ("modules_list_json", &["modules", "list", "edge-gateway-104"]),
        ("twin_get_json", &["twin", "get", TWIN]),
        ("query_json", &["query", "SELECT COUNT() AS devices FROM devices"]),
    ] {
        let answer = world.run(&[args, &["-o", "json"]].concat());
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{name}");
        serde_json::from_str::<Value>(&answer.out).unwrap();
        steady(|| insta::assert_snapshot!(name, answer.out));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_those_of_the_console() {
    let world = World::start().await;
    let ids = |filter: &str| -> Vec<String> {
        let items = world.run(&["devices", "--filter", filter, "-o", "json"]).items("DeviceList");
        items.iter().map(|item| item["deviceId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("status:backoff"), ["edge-gateway-104"]);
    assert_eq!(ids("-l role=sensor-hub").len(), 4);
    assert_eq!(ids("~gateway-10[12]$|gateway-10[12] "), ["edge-gateway-101", "edge-gateway-102"]);
    assert_eq!(ids("nothing is called that"), [""; 0]);
    let bad = world.run(&["devices", "--filter", "~("]);
    assert_eq!((bad.code, bad.out.as_str()), (2, ""));
    assert_eq!(bad.err, "edgedeck: the filter cannot be read: unclosed group\n  ~(\n   ^\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_cannot_be_read_is_not_sent_and_its_fault_is_pointed_at() {
    let world = World::start().await;
    let served = world.sim.status().served;
    let bad = world.run(&["query", "SELECT deviceId FORM devices"]);
    assert_eq!((bad.code, bad.out.as_str()), (2, ""));
    assert_eq!(
        bad.err,
        "edgedeck: the query cannot be read: expected FROM, but FORM stands here\n  SELECT deviceId FORM devices\n                  ^\n\
         nothing was sent; --unchecked sends it as it is\n"
    );
    assert_eq!(world.sim.status().served, served);
    let sent = world.run(&["query", "SELECT deviceId FORM devices", "--unchecked"]);
    assert_eq!(sent.code, 1, "{}", sent.err);
    assert_eq!(world.sim.status().served, served + 1);
    let two = world.run(&["query", "SELECT deviceId FROM devices", "--limit", "2", "-o", "json"]);
    assert_eq!(
        two.items("QueryResult"),
        [json!({"deviceId": "edge-gateway-001"}), json!({"deviceId": "edge-gateway-101"})]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_code_3_and_what_cannot_exist_is_code_2() {
    let world = World::start().await;
    for args in
        [&["device", "show", "nobody"][..], &["twin", "get", "nobody"], &["twin", "diff", "edge-gateway-001/nobody"]]
    {
        let missing = world.run(args);
        assert_eq!((missing.code, missing.out.as_str()), (3, ""), "{}", missing.err);
        assert!(missing.err.contains("nobody: 404") && missing.err.contains("does not exist"), "{}", missing.err);
    }
    for args in [&["twin", "get", "a/b/c"][..], &["device", "show", "a b"], &["device"], &["devises"]] {
        assert_eq!(world.run(args).code, 2, "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_diff_tells_by_its_code_whether_what_is_desired_is_reported() {
    let world = World::start().await;
    let same = world.run(&["twin", "diff", TWIN]);
    assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (0, "", ""));
    assert_eq!(world.run(&["twin", "patch", TWIN, "--desired", r#"{"temperatureThreshold": 30.5}"#, "--yes"]).code, 0);
    let different = world.run(&["twin", "diff", TWIN]);
    assert_eq!(different.code, 1);
    let cells: Vec<Vec<&str>> = different.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        cells,
        [vec!["PATH", "DESIRED", "REPORTED", "STATE"], vec!["/temperatureThreshold", "30.5", "25.0", "DIFFERS"]]
    );
    let json = world.run(&["twin", "diff", TWIN, "-o", "json"]);
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    let expected = json!([{"path": "/temperatureThreshold", "desired": 30.5, "reported": 25.0, "state": "differs"}]);
    assert_eq!((json.code, &answer["items"]), (1, &expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_masked_until_asked_for_by_name_and_the_audit_notes_it() {
    let world = World::start().await;
    let patch = r#"{"apiToken": "hunter2\u0085\u202e"}"#;
    let patched = world.run(&["twin", "patch", TWIN, "--desired", patch, "--yes", "-o", "json"]);
    assert!(!format!("{patched:?}").contains("hunter2"), "{patched:?}");
    for args in
        [&["twin", "get", TWIN][..], &["twin", "get", TWIN, "-o", "json"], &["twin", "diff", TWIN, "-o", "json"]]
    {
        let read = world.run(args);
        assert!(read.out.contains("apiToken") && !read.out.contains("hunter2"), "{}", read.out);
    }
    let reveal = |rest: &[&str]| world.run(&[&["twin", "get", TWIN, "--reveal"], rest].concat());
    assert_eq!(reveal(&["-o", "json"]).code, 2);
    assert_eq!(reveal(&["--confirm", TWIN]).code, 2);
    let wrong = reveal(&["-o", "json", "--confirm", "temperatureFilter"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (10, ""));
    let shown = reveal(&["-o", "json", "--confirm", TWIN]);
    assert!(shown.out.contains(r#""apiToken": "hunter2\u0085\u202e""#), "{}", shown.out);
    let notes = world.run(&["audit", "list", "--limit", "1", "-o", "json"]).items("AuditList");
    assert_eq!((&notes[0]["verb"], &notes[0]["object"]), (&json!("secret.revealed"), &json!(TWIN)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_no_hub_asks_none() {
    let world = World::start().await;
    let config = world.file(".config/edgedeck/config.toml", "[ui]\ntheme = \"dark\"\ncolor = \"pink\"\n", 0o600);
    let path = ran(&mut world.command(&["config", "path"]));
    assert_eq!((path.code, path.out), (0, format!("{}\n", config.display())));
    let shown = ran(&mut world.command(&["config", "show", "--origin"]));
    assert_eq!(shown.code, 0);
    let theme = shown.out.lines().find(|line| line.starts_with("ui.theme ")).unwrap();
    assert!(theme.contains("dark") && theme.ends_with("config.toml:2:9"), "{theme}");
    assert!(shown.err.contains("config.toml:3:9") && shown.err.contains("pink"), "{}", shown.err);
    let info = ran(&mut world.command(&["info", "-o", "json"])).items("Info").remove(0);
    assert_eq!(
        (&info["version"], &info["terminal"]["stdoutIsTerminal"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!(false))
    );
    assert_eq!(info["paths"][0], json!({"name": "configuration", "path": config, "exists": true}));
    assert_eq!(world.sim.status().served, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_went_away_ends_it_quietly() {
    let world = World::start().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_edgedeck"));
    let output = command.args(world.access()).arg("devices").env("HOME", world.home()).stdout(writer);
    let output = output.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(141), ""));
}

#[test]
fn help_names_every_command_and_code() {
    let help = |args: &[&str]| {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_edgedeck")).args(args).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        String::from_utf8(output.stdout).unwrap()
    };
    let (short, long) = (help(&["-h"]), help(&["--help"]));
    for word in ["devices", "device", "query", "twin", "audit", "config", "info", "--sim", "-o, --output"] {
        assert!(short.contains(word) && long.contains(word), "{word}");
    }
    assert!(long.contains("Exit codes:") && long.len() > short.len());
    assert_eq!(help(&["help"]), long);
    assert!(help(&["twin", "patch", "--help"]).contains("merge patch"));
}
