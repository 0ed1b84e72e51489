//! The simulated hub on its own, as two shells meet it: one serves, the other steers it and asks it as any hub.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Ran, ran};

/// A home with simulators in it.
struct Shells {
    home: tempfile::TempDir,
}

/// One that serves; ends with the value.
struct Serving {
    child: Child,
    said: Value,
}

impl Shells {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn serve(&self, args: &[&str]) -> Serving {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgedeck"));
        command.env_clear().env("HOME", self.home.path()).env("PATH", self.home.path());
        command.args(["sim", "--listen", "127.0.0.1:0", "-o", "json"]).args(args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        // One object, and then it serves: its closing brace stands alone on a line.
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let answer: Value = serde_json::from_str(&text).unwrap();
        Serving { child, said: answer["items"][0].clone() }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_edgedeck"));
        command.env_clear().env("HOME", self.home.path()).env("PATH", self.home.path()).env("USER", "ana");
        ran(command.args(args).timeout(Duration::from_secs(60)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

impl Serving {
    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap()
    }

    /// Flags that name it as any hub.
    fn access(&self) -> [&str; 4] {
        ["--connection-string-file", self.text("connectionStringFile"), "--ca-file", self.text("caFile")]
    }

    /// Asks it to end, as ctrl-c does, and says with which code it did.
    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_shells_steer_and_ask_one_simulator() {
    let shells = Shells::new();
    let none = shells.run(&["sim", "do", "status"]);
    assert_eq!((none.code, none.out.as_str()), (7, ""));
    assert!(none.err.contains("start one with `edgedeck sim`"), "{}", none.err);

    let scenario = "[[devices]]\nid = \"edge-{1..3}\"\n";
    std::fs::write(shells.path("three.toml"), scenario).unwrap();
    let serving = shells.serve(&["--scenario", &shells.path("three.toml").display().to_string(), "--seed", "5"]);
    assert_eq!((serving.said["devices"].as_u64(), serving.text("caFile").ends_with(".pem")), (Some(3), true));

    let done = shells.run(&["sim", "provision", "edge-1"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert!(done.out.contains("the runtime was installed for edge-1"), "{}", done.out);
    let off = shells.run(&["sim", "do", "net", "off", "edge-1"]);
    assert!(off.out.contains("until `edgedeck sim do net on edge-1`"), "{}", off.out);
    let quoted = shells.run(&["sim", "do", "net on edge-1", "-o", "json"]);
    assert_eq!(quoted.items("SimulatorAnswer")[0]["did"], "net on edge-1");
    for (words, code) in [("net off nobody", 3), ("net off edge-2", 2), ("explode", 2)] {
        let refused = shells.run(&["sim", "do", words]);
        assert_eq!((refused.code, refused.out.as_str()), (code, ""), "{words}: {}", refused.err);
    }
    let listed = shells.run(&["sim", "list", "-o", "json"]).items("SimulatorList");
    assert_eq!(listed.len(), 1);
    assert_eq!(format!("https://{}", listed[0]["at"].as_str().unwrap()), serving.text("endpoint"));

    let devices = shells.run(&[&["devices", "-o", "json"], &serving.access()[..]].concat());
    assert_eq!(devices.items("DeviceList").len(), 3);
    // A hub that hangs can still be told to come back.
    assert_eq!(shells.run(&["sim", "do", "hub off"]).code, 0);
    assert_eq!(shells.run(&["sim", "do", "hub on"]).code, 0);
    // And one that loses everything can be told to stop: its door is another.
    let lost = shells.run(&["sim", "do", "drop request all"]);
    assert!(lost.out.contains("every request is lost on the way"), "{}{}", lost.out, lost.err);
    assert!(lost.out.contains("`edgedeck sim do drop request off` ends it"), "{}", lost.out);
    assert_ne!(shells.run(&[&["devices"], &serving.access()[..]].concat()).code, 0);
    assert_eq!(shells.run(&["sim", "do", "drop request off"]).code, 0);
    assert_eq!(shells.run(&[&["devices"], &serving.access()[..]].concat()).code, 0);

    let folder = PathBuf::from(serving.text("caFile")).parent().unwrap().to_owned();
    assert_eq!((serving.end(), folder.exists()), (Some(0), false), "it takes its files with it");
    assert_eq!(shells.run(&["sim", "do", "status"]).code, 7);
}

/// What a simulator is started with is in force, is told, and can be changed while it runs.
#[test]
fn a_simulator_has_the_temper_it_is_started_with() {
    let shells = Shells::new();
    let scenario = "[hub]\nsku = \"S2\"\nunits = 3\nlag = { links = \"90s\" }\n[[devices]]\nid = \"edge-1\"\n";
    std::fs::write(shells.path("one.toml"), scenario).unwrap();
    let path = shells.path("one.toml").display().to_string();
    let serving = shells.serve(&["--scenario", &path, "--sku", "F1", "--temper", "real", "--speed", "2"]);
    let status = || shells.run(&["sim", "do", "status"]).out;
    for part in ["F1 with 1 unit; throttles", "of 8000 messages used today", "queries are up to 5s behind"] {
        assert!(status().contains(part), "{part}: {}", status());
    }
    assert_eq!(shells.run(&["sim", "do", "meter", "8000"]).code, 0);
    let devices = shells.run(&[&["devices"], &serving.access()[..]].concat());
    assert_eq!(
        (devices.code, devices.err.contains("midnight") || devices.err.contains("UTC")),
        (6, true),
        "{}",
        devices.err
    );
    let used_up = status();
    assert!(used_up.contains("8000 of 8000 messages used today") && !used_up.contains(" 0 requests"), "{used_up}");
    assert_eq!(shells.run(&["sim", "do", "edition", "S1"]).code, 0);
    assert_eq!(shells.run(&[&["devices"], &serving.access()[..]].concat()).code, 0);
    assert_eq!(shells.run(&["sim", "do", "temper", "off"]).code, 0);
    assert!(!status().contains("throttles"), "{}", status());
}

#[test]
fn of_several_one_is_named_and_a_key_opens_its_own_door_only() {
    let shells = Shells::new();
    let (first, second) = (shells.serve(&["--scenario", "tutorial"]), shells.serve(&["--scenario", "f10"]));
    let which = shells.run(&["sim", "do", "status"]);
    assert_eq!(which.code, 2);
    let places = [&first, &second].map(|serving| serving.text("endpoint").trim_start_matches("https://").to_owned());
    assert!(places.iter().all(|place| which.err.contains(place)), "{}", which.err);
    let named = shells.run(&["sim", "do", "--at", &places[1], "status"]);
    assert!(named.out.contains("3 devices"), "{}{}", named.out, named.err);
    let key = std::fs::read(first.text("connectionStringFile")).unwrap();
    std::fs::write(second.text("connectionStringFile"), key).unwrap();
    let strange = shells.run(&["sim", "do", "--at", &places[1], "status"]);
    assert_eq!((strange.code, strange.out.as_str()), (4, ""), "{}", strange.err);
}

#[test]
fn recipes_and_tokens_lead_other_clients_to_the_one_that_runs() {
    let shells = Shells::new();
    let serving = shells.serve(&["--scenario", "tutorial"]);
    let at = serving.text("endpoint").trim_start_matches("https://").to_owned();
    let (_, port) = at.rsplit_once(':').unwrap();
    let recipes = shells.run(&["sim", "recipes"]);
    assert_eq!((recipes.code, recipes.err.as_str()), (0, ""));
    let key = std::fs::read_to_string(serving.text("connectionStringFile")).unwrap();
    let (_, key) = key.rsplit_once("SharedAccessKey=").unwrap();
    assert!(!recipes.out.contains(key), "a key stands in them");
    let items = shells.run(&["sim", "recipes", "-o", "json"]).items("SimulatorRecipes");
    let clients: Vec<&str> = items.iter().map(|item| item["client"].as_str().unwrap()).collect();
    assert_eq!(clients, ["Python SDK", "Node SDK", "az iot", "curl"]);
    for (item, part) in items.iter().zip([
        format!("REQUESTS_CA_BUNDLE='{}' python3 - '{}'", serving.text("caFile"), serving.text("connectionStringFile")),
        format!("port: {port} }}"),
        format!("az iot hub query --login \"$(cat '{}')\"", serving.text("connectionStringFile")),
        format!("'https://{at}/devices?api-version=2021-04-12&top=10'"),
    ]) {
        let recipe = item["recipe"].as_str().unwrap();
        assert!(recipe.contains(&part), "{recipe} lacks {part}");
        // What is read is what is pasted.
        assert!(recipes.out.contains(recipe), "{}", recipes.out);
    }

    let token = shells.run(&["sim", "token", "--policy", "service"]);
    assert_eq!((token.code, token.err.as_str()), (0, ""));
    let header = token.out.strip_suffix('\n').unwrap();
    assert!(header.starts_with("Authorization: SharedAccessSignature sr=127.0.0.1%3A"), "{header}");
    assert!(header.ends_with("&skn=service"), "{header}");
    let owner = shells.run(&["sim", "token", "-o", "json"]).items("SimulatorToken");
    assert!(owner[0]["header"].as_str().unwrap().ends_with("&skn=iothubowner"), "{owner:?}");
    assert!(owner[0]["expires"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    for nobody in ["nobody", "../connection-string-service", ""] {
        let refused = shells.run(&["sim", "token", "--policy", nobody]);
        assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{nobody}");
        let known = "there are device, iothubowner, registryRead, registryReadWrite, service";
        assert!(refused.err.contains(known), "{}", refused.err);
    }
}

#[test]
fn what_cannot_be_simulated_ends_with_2_and_says_where() {
    let shells = Shells::new();
    std::fs::write(shells.path("bad.toml"), "[hub]\nnam = \"x\"\n").unwrap();
    std::fs::write(shells.path("then.toml"), "start = \"2030-01-01T00:00:00Z\"\n").unwrap();
    let (bad, then) = (shells.path("bad.toml").display().to_string(), shells.path("then.toml").display().to_string());
    for (args, part) in [
        (&["sim", "--scenario", bad.as_str()][..], "bad.toml:2:1: \"nam\" is not known in hub; did you mean name?"),
        (&["--sim", "--scenario", bad.as_str(), "devices"], "bad.toml:2:1: "),
        (&["--sim", "--scenario", then.as_str(), "devices"], "serve it with `edgedeck sim`"),
        (&["sim", "--scenario", "no-such"], "no-such: is no scenario; there are default, tutorial, f01"),
        (&["--scenario", "f04", "devices", "--hub", "h.azure-devices.net"], "--scenario is about the simulated hub"),
        (&["sim", "do", "status", "--scenario", "f04"], "--scenario is for the start"),
        (&["--sku", "S1", "devices", "--hub", "h.azure-devices.net"], "--sku is about the simulated hub"),
        (&["sim", "do", "status", "--temper", "real"], "--temper is for the start"),
        (&["sim", "--sku", "F1", "--units", "2"], "F1 is sold with one unit only, not 2"),
        (&["sim", "--sku", "S9"], "there are F1, B1, B2, B3, S1, S2, S3"),
        (&["--sim", "--speed", "9", "devices"], "unexpected argument '--speed'"),
        (&["sim", "--read-only"], "--read-only says which hub to use"),
        (&["sim", "--listen", "0.0.0.0:0"], "add --expose when that is meant"),
    ] {
        let answer = shells.run(args);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{args:?}: {}", answer.err);
        assert!(answer.err.contains(part), "{args:?}: {}", answer.err);
    }
    let crash = shells.run(&["--sim", "--scenario", "f04", "devices", "-o", "json"]).items("DeviceList");
    assert_eq!(crash.len(), 3);
}
