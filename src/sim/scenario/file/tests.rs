//! What a scenario file becomes, and what is said about one that is wrong.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::time::{ManualClock, SharedClock};
use crate::sim::hub::Seed;
use crate::sim::hub::testing::Caller;
use crate::sim::scenario::Scenario;

fn read(text: &str) -> Result<Scenario, String> {
    Scenario::read("w.toml", text, Path::new("examples")).map_err(|error| error.to_string())
}

fn world(text: &str) -> (Caller, Arc<ManualClock>) {
    let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
    let shared: SharedClock = clock.clone();
    let scenario = read(text).unwrap();
    (Caller::new(scenario.build(Seed::fixed(7), Arc::clone(&shared), shared)), clock)
}

const FLEET: &str = r#"
age = "2h"

[hub]
name = "iothub-plant"
sku = "F1"

[manifests.base]
file = "deployment.manifest.json"

[manifests.layer]
file = "ml-module-layer.json"

[[devices]]
id = "gw-{01..20}"
tags = { site = "S{1..4}", ring = { weighted = { stable = 3, canary = 1 } }, half = { split = ["a", "b"] }, place = { floor = { cycle = [1, 2] } } }
installed = ["-110m", "-100m"]

[[devices]]
id = "meter-{1..3}"
edge = false

[[deployments]]
id = "deploy-base"
manifest = "base"
condition = "deviceId != 'gw-20'"
priority = 10
labels = { team = "plant" }
metrics = { silent = "SELECT deviceId FROM devices WHERE connectionState = 'Disconnected'" }

[[deployments]]
id = "deploy-ml"
manifest = "layer"
condition = "tags.half = 'b'"
priority = 20
created = "-30m"

[[troubles]]
what = "crash temperatureFilter 2"
share = "10%"
at = "-10m"

[[troubles]]
what = "net off"
devices = ["gw-01", "gw-{03..04}"]
at = "-20m"
until = "+10m"
"#;

#[test]
fn a_fleet_is_described_in_a_page_and_lives() {
    let (caller, clock) = world(FLEET);
    assert_eq!(caller.query("SELECT COUNT() AS n FROM devices"), json!([{"n": 23}]));
    let tags = |id: &str| caller.get(&format!("/twins/{id}"))["tags"].clone();
    assert_eq!(tags("gw-01")["site"], "S1");
    assert_eq!(tags("gw-06")["site"], "S2");
    assert_eq!([&tags("gw-10")["half"], &tags("gw-11")["half"]], ["a", "b"]);
    assert_eq!(tags("gw-02")["place"], json!({"floor": 2}));
    assert_eq!(tags("meter-1"), Value::Null);
    let rings = caller
        .query("SELECT tags.ring AS ring, COUNT() AS n FROM devices WHERE IS_DEFINED(tags.ring) GROUP BY tags.ring");
    assert_eq!(rings.as_array().unwrap().len(), 2, "{rings}");

    // Deployments have done their work at their time, and are counted.
    let listed = caller.get("/configurations");
    assert_eq!(listed[0]["labels"], json!({"team": "plant"}));
    let counts = &listed[0]["systemMetrics"]["results"];
    assert_eq!((&counts["targetedCount"], &counts["appliedCount"]), (&json!(19), &json!(19)));
    assert_eq!(listed[1]["systemMetrics"]["results"]["reportedSuccessfulCount"], 9, "{listed}");
    let reported =
        |id: &str| caller.get(&format!("/twins/{id}/modules/%24edgeAgent"))["properties"]["reported"].clone();
    let agent = reported("gw-12");
    assert_eq!(agent["lastDesiredStatus"]["code"], 200);
    assert_eq!(agent["modules"]["mlInference"]["runtimeStatus"], "running");
    assert_eq!(reported("gw-20").get("modules").and_then(|modules| modules.get("temperatureFilter")), None);

    let crashing = "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeAgent' AND properties.reported.modules.temperatureFilter.runtimeStatus = 'backoff'";
    let crashing = caller.query(crashing);
    assert!((1..=2).contains(&crashing.as_array().unwrap().len()), "{crashing}");
    let dark = "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeHub' AND connectionState = 'Disconnected' AND IS_DEFINED(properties.reported.version)";
    let dark = |caller: &Caller| {
        let rows = caller.query(dark);
        rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(dark(&caller), ["gw-01", "gw-03", "gw-04"]);
    // And what was announced happens.
    clock.advance(std::time::Duration::from_secs(11 * 60));
    assert_eq!(dark(&caller), Vec::<String>::new());
    let body = json!({"content": {"modulesContent": {"$edgeAgent": {}}}, "targetCondition": "*", "priority": 1});
    let made = (0..9).map(|n| caller.send("PUT", &format!("/configurations/more-{n}"), &[], &body).status);
    assert_eq!(made.filter(|status| *status == 200).count(), 8, "a free hub takes ten");
}

#[test]
fn what_is_wrong_with_requests_is_said_as_after_sim() {
    use crate::sim::{Next, Refusal, RequestKind};
    let scenario = read("[hub]\nfaults = [\"drop reply 2 writes\", \"answer quota\"]\nlatency = \"1s\"").unwrap();
    let faults = scenario.faults();
    assert_eq!(faults.drop_reply, Some(Next { left: Some(2), kind: Some(RequestKind::Write) }));
    assert_eq!(faults.answer, Some((Refusal::QuotaExceeded, Next { left: None, kind: None })));
    assert_eq!((faults.drop_request, faults.latency.as_secs()), (None, 1));
    let one = read("[hub]\nfaults = \"drop request\"").unwrap();
    assert!(one.faults().drop_request.is_some());
    let wrong = read("[hub]\nfaults = [\"drop reply\", \"answer 418\"]").unwrap_err();
    assert!(wrong.contains("\"answer 418\" is not a fault of the hub; these are: drop request|reply"), "{wrong}");
    assert!(wrong.starts_with("w.toml:2:25"), "{wrong}");
}

#[test]
fn the_same_seed_makes_the_same_fleet() {
    let everything = |caller: &Caller| (caller.get("/devices"), caller.query("SELECT * FROM devices.modules"));
    assert_eq!(everything(&world(FLEET).0), everything(&world(FLEET).0));
}

#[test]
fn a_world_has_a_time_and_a_seed_of_its_own() {
    let scenario = read("seed = 9\nstart = \"2030-01-02T03:04:05Z\"\n").unwrap();
    let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
    let shared: SharedClock = clock.clone();
    let world = scenario.clock(&shared);
    clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(world.now().wall, "2030-01-02T03:04:10Z".parse::<Timestamp>().unwrap());
    assert!(scenario.seed().is_some() && read("").unwrap().seed().is_none());
}

/// Each mistake is told where it is, with what would be right.
#[test]
fn mistakes_have_a_line_a_column_and_a_remedy() {
    let device = "[[devices]]\nid = \"a\"\ninstalled = \"-1m\"\n";
    for (text, expected) in [
        ("ago = \"5m\"", "w.toml:1:1: \"ago\" is not known; did you mean age? known are: seed, start, age"),
        ("[hub]\nnam = \"x\"", "w.toml:2:1: \"nam\" is not known in hub; did you mean name? known are: name, sku"),
        ("[hub]\nname = \"a b\"", "w.toml:2:8: hub.name: \"a b\" is not a hub's name: 3 to 50 letters"),
        ("[hub]\nsku = \"S9\"", "w.toml:2:7: hub.sku: \"S9\" is not one of: F1, B1"),
        ("[hub]\nbeat = \"2h\"", "w.toml:2:8: hub.beat: a beat lies between 1 s and 60 min"),
        ("[hub]\nlatency = \"3m\"", "w.toml:2:11: hub.latency: a latency of 3m is more than 120 s"),
        ("age = 5", "w.toml:1:7: age: 5 is not a duration, such as"),
        ("seed = -1", "w.toml:1:8: seed: -1 is not a whole number from 0"),
        ("start = \"soon\"", "w.toml:1:9: start: \"soon\" is not an instant such as"),
        ("a = ", "w.toml:1:"),
        ("[[devices]]\nid = \"a-{5..1}\"", "w.toml:2:6: devices.id: \"a-{5..1}\" is not ids with ranges"),
        ("[[devices]]\nid = \"a b\"", "w.toml:2:6: devices.id: \"a b\" is no device's id"),
        ("[[devices]]\nedge = true", "w.toml:1:1: devices has no id; such as id = \"edge-gateway-{001..020}\""),
        ("[[devices]]\nid = \"a-{1..3}\"\n[[devices]]\nid = \"a-2\"", "w.toml:4:6: devices.id: \"a-2\" stands twice"),
        (
            "[[devices]]\nid = \"{1..60000}\"\n[[devices]]\nid = \"b{1..60000}\"",
            "w.toml:4:6: devices.id: these would be more than 100000",
        ),
        (
            "[[devices]]\nid = \"a\"\nmanifest = \"bse\"",
            "w.toml:3:12: devices.manifest: there is no manifest \"bse\" (known: none",
        ),
        (
            "[manifests.base]\nmodules = {}\n[[devices]]\nid = \"a\"\nmanifest = \"bse\"",
            "there is no manifest \"bse\"; did you mean \"base\"?",
        ),
        (
            "[[devices]]\nid = \"a\"\nedge = false\ninstalled = \"-1m\"",
            "w.toml:4:13: devices.installed: is for edge devices",
        ),
        (
            "[[devices]]\nid = \"a\"\ninstalled = \"-1h\"",
            "w.toml:3:13: devices.installed: is before the device was registered",
        ),
        ("[[devices]]\nid = \"a\"\nregistered = \"+1h\"", "w.toml:3:14: devices.registered: is in the past"),
        (
            "[[devices]]\nid = \"a\"\ninstalled = \"5m\"",
            "w.toml:3:13: devices.installed: \"5m\" is not an instant: \"-20m\" is",
        ),
        ("[[devices]]\nid = \"a\"\ntags = { x = { cycle = [] } }", "w.toml:3:24: devices.tags.x.cycle: an empty list"),
        (
            "[manifests.m]\nfile = \"none.json\"",
            "w.toml:2:8: manifests.m.file: \"examples/none.json\" could not be read",
        ),
        ("[manifests.m]\nfile = \"/dev/null\"", "w.toml:2:8: manifests.m.file: \"/dev/null\" is no file"),
        ("[manifests.m]\njson = \"{\"", "w.toml:2:8: manifests.m.json: is no JSON"),
        ("[manifests.m]\njson = \"{}\"", "w.toml:2:8: manifests.m.json: has no member modulesContent"),
        ("[manifests.m]\nroutes = {}", "w.toml:1:1: manifests.m: says what it holds with exactly one of file, json"),
        ("[manifests.m]\nmodules = { a = {} }", "w.toml:2:17: manifests.m.modules.a has no image"),
        ("[manifests.m]\nmodules = {}\nset = { \"$edgeAgent/schemaVersion/x\" = 1 }", "is no place; such as"),
        ("[[deployments]]\nid = \"d\"", "w.toml:1:1: deployments has no manifest"),
        (
            "[manifests.m]\nmodules = {}\n[[deployments]]\nid = \"D\"\nmanifest = \"m\"",
            "w.toml:3:1: deployments: no hub takes this deployment",
        ),
        (
            "[manifests.m]\nmodules = {}\n[[deployments]]\nid = \"d\"\nmanifest = \"m\"\ncondition = \"tags.\"",
            "no hub takes this deployment",
        ),
        (
            &format!("{device}[[troubles]]\nwhat = \"fire\"\ndevices = \"a\"\nat = \"-1s\""),
            "w.toml:5:8: troubles.what: \"fire\" is not a trouble; these are: net off",
        ),
        (
            &format!("{device}[[troubles]]\nwhat = \"stop\"\ndevices = \"b\"\nat = \"-1s\""),
            "w.toml:6:11: troubles.devices: there is no device \"b\"",
        ),
        (
            &format!("{device}[[troubles]]\nwhat = \"stop\"\nat = \"-1s\""),
            "w.toml:4:1: troubles: says whom it happens to",
        ),
        (
            &format!("{device}[[troubles]]\nwhat = \"stop\"\nshare = \"200%\"\nat = \"-1s\""),
            "w.toml:6:9: troubles.share: \"200%\" is not a share",
        ),
        (
            &format!("{device}[[troubles]]\nwhat = \"stop\"\ndevices = \"a\"\nat = \"-1s\"\nuntil = \"-2s\""),
            "troubles.until: is before it begins",
        ),
        (
            "[[devices]]\nid = \"a\"\n[[troubles]]\nwhat = \"stop\"\ndevices = \"a\"\nat = \"-1s\"",
            "\"a\" has no machine to be in trouble",
        ),
        (&format!("{device}[[changes]]\ndevices = \"a\"\nat = \"-1s\""), "w.toml:4:1: changes: changes nothing"),
        (
            &format!("{device}[[changes]]\ndelete = \"d\"\nat = \"-1s\""),
            "w.toml:5:10: changes.delete: there is no deployment \"d\"",
        ),
        // Nobody is there to be spread over two instants.
        (
            "[[images]]\nname = \"a\"\npull = \"ok\"\nat = [\"-5m\", \"-1m\"]",
            "w.toml:4:6: images.at: this array is not an instant: \"-20m\" is",
        ),
        (
            "[[registries]]\nhost = \"a\"\naccess = \"open\"\nat = [\"-5m\", \"-1m\"]",
            "w.toml:4:6: registries.at: this array is not an instant: \"-20m\" is",
        ),
        (
            "[manifests.m]\nmodules = {}\n[[deployments]]\nid = \"d\"\nmanifest = \"m\"\n[[changes]]\ndelete = \"d\"\nat = [\"-5m\", \"-1m\"]",
            "w.toml:8:6: changes.at: this array is not an instant: \"-20m\" is",
        ),
        ("[[images]]\nname = \"a\"\npull = \"never\"", "w.toml:3:8: images.pull: \"never\" is not one of ok, missing"),
        (
            "[[registries]]\nhost = \"a\"\naccess = \"shut\"",
            "w.toml:3:10: registries.access: \"shut\" is not one of: open, credentials, closed",
        ),
        ("[hub]\nname = \"\\u001b[2J\"", "w.toml:2:8: hub.name: \"\\u{1b}[2J\" is not"),
    ] {
        let said = read(text).expect_err(text);
        assert!(said.contains(expected), "{text}\n  says {said}\n  not  {expected}");
    }
    let both = read("age = 5\n[hub]\nskv = \"S1\"\n").expect_err("two mistakes");
    assert_eq!(both.lines().count(), 2, "all of them are told at once: {both}");
}

const LARGE: &str = r#"
age = "1h"

[manifests.base]
file = "deployment.manifest.json"

[manifests.layer]
file = "ml-module-layer.json"

[[devices]]
id = "gw-{0001..1500}"
tags = { site = "S{1..3}", serial = "X{1..1500}" }
installed = ["-50m", "-45m"]

[[deployments]]
id = "deploy-base"
manifest = "base"
condition = "tags.site != 'S3'"
priority = 10

[[troubles]]
what = "crash temperatureFilter 2"
devices = "gw-1300"
at = "-10m"
"#;

/// Of a large fleet most devices are likened to some: nobody can tell, and each goes its own way once something happens
/// to it.
#[test]
fn a_large_fleet_is_whole_and_every_device_of_it_can_be_woken() {
    let (caller, clock) = world(LARGE);
    let count = |condition: &str| {
        let text = format!("SELECT COUNT() AS n FROM devices.modules WHERE {condition}");
        caller.query(&text)[0]["n"].as_u64()
    };
    let running = "moduleId = '$edgeAgent' AND properties.reported.modules.temperatureFilter.runtimeStatus = 'running'";
    assert_eq!(count("moduleId = '$edgeAgent'"), Some(1_500));
    assert_eq!(count(running), Some(999), "two sites of three, but for one device");
    let made = caller.hub.machines(|world, _| world.made());
    assert!(made < 200, "{made} machines were made");
    let device = caller.get("/devices/gw-1400");
    assert_eq!(caller.get("/twins/gw-1400")["tags"], json!({"site": "S2", "serial": "X1400"}));
    assert!(device["deviceScope"].as_str().unwrap().starts_with("ms-azure-iot-edge://gw-1400-"), "{device}");
    let keys = |id: &str| caller.get(&format!("/devices/{id}"))["authentication"]["symmetricKey"]["primaryKey"].clone();
    assert_ne!(keys("gw-1400"), keys("gw-1397"));
    let clients = |id: &str| {
        let twin = caller.get(&format!("/twins/{id}/modules/%24edgeHub"));
        let clients = twin["properties"]["reported"]["clients"].as_object().unwrap().keys().cloned();
        clients.collect::<Vec<_>>()
    };
    assert_eq!(clients("gw-1400"), ["gw-1400/SimulatedTemperatureSensor", "gw-1400/temperatureFilter"]);

    obeys(&caller, "gw-1400");
    caller.hub.afflict("gw-1399", &crate::sim::device::Condition::NetworkOff, true).unwrap();
    assert!(caller.hub.messages("gw-1403").unwrap().counts.sent > 0);
    clock.advance(std::time::Duration::from_secs(360));
    let agent = caller.get("/twins/gw-1400/modules/%24edgeAgent");
    assert_eq!(agent["properties"]["reported"]["lastDesiredStatus"]["code"], 200);
    assert_eq!(count("moduleId = '$edgeHub' AND connectionState = 'Disconnected' AND deviceId = 'gw-1399'"), Some(1));

    // So does what a new deployment writes, and only whom it is for wakes up.
    let layer = read_layer();
    let body =
        json!({"content": layer, "targetCondition": "tags.serial = 'X1401' OR tags.serial = 'X1499'", "priority": 20});
    assert_eq!(caller.send("PUT", "/configurations/deploy-ml", &[], &body).status, 200);
    clock.advance(std::time::Duration::from_secs(120));
    assert_eq!(count("properties.reported.modules.mlInference.runtimeStatus = 'running'"), Some(1), "X1401 is in S3");
    let after = caller.hub.machines(|world, _| world.made());
    assert!(after < made + 8, "{after} machines after {made}");
}

/// A device's log is its own, a direct method reaches it, an edit is taken.
fn obeys(caller: &Caller, id: &str) {
    let request = json!({"methodName": "GetModuleLogs", "responseTimeoutInSeconds": 30,
        "payload": {"schemaVersion": "1.0", "items": [{"id": "edgeHub", "filter": {"tail": 50}}], "encoding": "none", "contentType": "text"}});
    let logs = caller.send("POST", &format!("/twins/{id}/modules/%24edgeAgent/methods"), &[], &request);
    let text = logs.body["payload"][0]["payload"].as_str().unwrap();
    assert!(text.contains(&format!("{id}/temperatureFilter")) && !text.replace(id, "").contains("gw-"), "{text}");
    let patch = json!({"properties": {"desired": {"temperatureThreshold": 31.5}}});
    assert_eq!(caller.send("PATCH", &format!("/twins/{id}/modules/temperatureFilter"), &[], &patch).status, 200);
}

/// A fleet of twenty thousand takes no more machines than one of a thousand, and its last device is as alive as its first.
/// `benches/worlds.rs` makes the largest there is.
#[test]
fn a_very_large_fleet_is_whole_to_its_last_device() {
    let text = LARGE
        .replace("gw-{0001..1500}", "gw-{00001..20000}")
        .replace("X{1..1500}", "X{1..20000}")
        .replace("gw-1300", "gw-01300");
    let (caller, _) = world(&text);
    assert_eq!(caller.query("SELECT COUNT() AS n FROM devices"), json!([{"n": 20_000}]));
    let made = caller.hub.machines(|world, _| world.made());
    assert!(made < 300, "{made} machines were made");
    assert_eq!(caller.get("/twins/gw-20000")["tags"], json!({"site": "S2", "serial": "X20000"}));
    obeys(&caller, "gw-20000");
}

fn read_layer() -> Value {
    serde_json::from_str::<Value>(include_str!("../../../../examples/ml-module-layer.json")).unwrap()["content"].clone()
}
