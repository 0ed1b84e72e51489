//! Restarts and retries: how long edgeAgent waits, what it counts, and when it gives up.

use std::time::Duration;

use serde_json::json;

use super::Stage;
use super::stage::{D, Manifest};
use crate::domain::time::HubTime;
use crate::sim::device::{Condition, Pull};

const WORKER: (&str, &str) = ("worker", "acr.azurecr.io/worker:1");

fn crashes(code: i64, after: u64) -> Condition {
    Condition::Crashes { module: "worker".to_owned(), code, after: Duration::from_secs(after), says: String::new() }
}

/// Seconds between two instants of edgeAgent's report.
fn seconds(from: &serde_json::Value, to: &serde_json::Value) -> i64 {
    let at = |value: &serde_json::Value| HubTime::parse(value.as_str().unwrap()).unwrap().instant().unwrap();
    at(to).duration_since(at(from)).as_secs()
}

/// 10, 20, 40, 80, 160, 300, 300 … seconds after the end, as seen at the next look; also when a run is as long as
/// edgeAgent takes from one look to the next.
#[test]
fn each_wait_is_twice_the_last_up_to_five_minutes() {
    for run in [1, 5] {
        let stage = Stage::with(&Manifest::running(&[WORKER]).0);
        stage.pass(60);
        stage.afflict(&crashes(1, run), true);
        stage.until(20, "the first end", |stage| stage.runs("worker") == "backoff");
        for (restarts, wait) in [10, 20, 40, 80, 160, 300, 300].into_iter().enumerate() {
            let before = stage.module("worker");
            assert_eq!((&before["restartCount"], &before["exitCode"]), (&json!(restarts), &json!(1)));
            stage.until(330, "the next restart", |stage| stage.module("worker")["restartCount"] == restarts + 1);
            stage.until(20, "its end", |stage| stage.module("worker")["exitCode"] == 1);
            let after = stage.module("worker");
            let waited = seconds(&before["lastExitTimeUtc"], &after["lastStartTimeUtc"]);
            assert!((wait..=wait + 7).contains(&waited), "restart {restarts} after {waited} s instead of {wait} s");
            assert!(seconds(&after["lastStartTimeUtc"], &after["lastRestartTimeUtc"]).abs() <= 1);
        }
    }
}

#[test]
fn ten_minutes_without_an_end_forget_the_restarts() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    stage.afflict(&crashes(1, 1), true);
    stage.until(60, "two restarts", |stage| stage.module("worker")["restartCount"] == 2);
    stage.afflict(&crashes(1, 1), false);
    // It has ended a third time meanwhile.
    stage.pass(590);
    assert_eq!((stage.runs("worker"), &stage.module("worker")["restartCount"]), ("running".to_owned(), &json!(3)));
    stage.pass(60);
    let worker = stage.module("worker");
    assert_eq!((&worker["restartCount"], &worker["lastRestartTimeUtc"]), (&json!(0), &worker["lastExitTimeUtc"]));
}

#[test]
fn another_desired_status_forgets_the_restarts() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    stage.afflict(&crashes(1, 1), true);
    stage.until(60, "two restarts", |stage| stage.module("worker")["restartCount"] == 2);
    stage.afflict(&crashes(1, 1), false);
    stage.apply(&Manifest::running(&[WORKER]).agent("/modules/worker/status", json!("stopped")).0);
    stage.pass(60);
    assert_eq!((stage.status(), stage.runs("worker") == "running"), ((200, 3), false));
    stage.apply(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let worker = stage.module("worker");
    assert_eq!((stage.status(), stage.runs("worker")), ((200, 4), "running".to_owned()));
    assert_eq!((&worker["restartCount"], &worker["lastRestartTimeUtc"]), (&json!(0), &worker["lastExitTimeUtc"]));
}

#[test]
fn the_environment_of_edge_agent_turns_its_knobs() {
    let env = json!({"MaxRestartCount": {"value": "3"}, "CoolOffTimeUnitInSeconds": {"value": "1"}});
    let stage = Stage::with(&Manifest::running(&[WORKER]).agent("/systemModules/edgeAgent/env", env.clone()).0);
    stage.pass(120);
    assert_eq!(stage.module("edgeAgent")["env"], env, "it replaced itself to get them");
    stage.afflict(&crashes(1, 1), true);
    stage.pass(60);
    let worker = stage.module("worker");
    assert_eq!((&worker["runtimeStatus"], &worker["restartCount"]), (&json!("failed"), &json!(3)));
    // A restart that is asked for runs it once more, and the count is still what it is.
    stage.method(Some("$edgeAgent"), "RestartModule", &json!({"schemaVersion": "1.0", "id": "worker"}));
    stage.pass(20);
    assert_eq!((stage.runs("worker"), &stage.module("worker")["restartCount"]), ("failed".to_owned(), &json!(3)));
    // A new deployment of the module begins anew.
    stage.afflict(&crashes(1, 1), false);
    stage.apply(
        &Manifest::running(&[WORKER])
            .agent("/systemModules/edgeAgent/env", env)
            .agent("/modules/worker/version", json!("2"))
            .0,
    );
    stage.pass(60);
    assert_eq!((stage.runs("worker"), &stage.module("worker")["restartCount"]), ("running".to_owned(), &json!(0)));
}

#[test]
fn an_end_with_0_under_on_failure_is_started_again_at_once_and_not_counted() {
    let stage =
        Stage::with(&Manifest::running(&[WORKER]).agent("/modules/worker/restartPolicy", json!("on-failure")).0);
    stage.pass(60);
    let started = stage.module("worker")["lastStartTimeUtc"].clone();
    stage.afflict(&crashes(0, 1), true);
    stage.pass(2);
    stage.afflict(&crashes(0, 1), false);
    stage.pass(20);
    let worker = stage.module("worker");
    assert_eq!((&worker["runtimeStatus"], &worker["restartCount"]), (&json!("running"), &json!(0)));
    assert_ne!(worker["lastStartTimeUtc"], started);
}

/// Tries at 0, 20, 60, 140 … seconds: 20 of them, and then none; a new version begins anew.
#[test]
fn a_failed_command_is_tried_twenty_times_per_version() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let missing = Manifest::running(&[("worker", "acr.azurecr.io/worker:2")]).0;
    stage.hub().change_registry(|registry| registry.rule("acr.azurecr.io/worker:2", Pull::NotFound));
    stage.apply(&missing);
    stage.pass(30);
    assert_eq!(stage.status(), (500, 3));
    // The last try is after 10 * (2^20 - 2) seconds, 121 days.
    stage.pass(122 * 24 * 3_600);
    let woken = |stage: &Stage| stage.machines(|world, _| world.woken);
    let before = woken(&stage);
    stage
        .hub()
        .change_registry(|registry| registry.rule("acr.azurecr.io/worker:2", Pull::Ready(Duration::from_secs(5))));
    stage.pass(365 * 24 * 3_600);
    assert_eq!((stage.status(), woken(&stage)), ((500, 3), before), "it has given up");
    stage.apply(&missing);
    stage.pass(60);
    assert_eq!(
        (stage.status(), stage.module("worker")["settings"]["image"].as_str()),
        ((200, 4), Some("acr.azurecr.io/worker:2"))
    );
}

/// A registry that never answers holds up the whole pass, until the call to the daemon is given up.
#[test]
fn a_pull_that_hangs_is_given_up_after_five_minutes() {
    const NEW: &str = "acr.azurecr.io/worker:2";
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    stage.hub().change_registry(|registry| registry.rule(NEW, Pull::Hangs));
    stage.apply(&Manifest::running(&[("worker", NEW)]).0);
    stage.pass(290);
    assert_eq!(stage.status(), (200, 2), "nothing is said while it lasts");
    stage.pass(30);
    assert_eq!(
        (stage.status(), stage.description().as_str()),
        ((500, 3), "One or more errors occurred. (The operation was canceled.)")
    );
    let worker = stage.module("worker");
    assert_eq!((&worker["settings"]["image"], &worker["runtimeStatus"]), (&json!(WORKER.1), &json!("running")));
    stage.hub().change_registry(|registry| registry.rule(NEW, Pull::Ready(Duration::from_secs(5))));
    // The next try may have begun and hangs, too.
    stage.until(700, "a later try", |stage| stage.status() == (200, 3));
    stage.pass(10);
    assert_eq!(stage.module("worker")["settings"]["image"], NEW);
}

#[test]
fn wait_for_all_pulls_touches_nothing_before_all_images_are_there() {
    let env = json!({"ModuleUpdateMode": {"value": "WaitForAllPulls"}});
    let manifest =
        |images: &[(&str, &str)]| Manifest::running(images).agent("/systemModules/edgeAgent/env", env.clone()).0;
    let stage = Stage::with(&manifest(&[WORKER]));
    stage.pass(120);
    stage.hub().change_registry(|registry| registry.rule("missing:1", Pull::NotFound));
    stage.apply(&manifest(&[("worker", "acr.azurecr.io/worker:2"), ("missing", "missing:1")]));
    stage.pass(60);
    assert_eq!(stage.status(), (500, 3));
    assert_eq!(stage.description(), "One or more errors occurred. (Failed to execute ExecutionPrerequisite command)");
    assert_eq!(stage.module("worker")["settings"]["image"], WORKER.1);
}

/// What was executed last is echoed although it failed, so that an environment that never arrived looks as if it had.
#[test]
fn a_failed_pull_can_hide_that_an_environment_never_arrived() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let started = stage.module("worker")["lastStartTimeUtc"].clone();
    stage.hub().change_registry(|registry| registry.rule(WORKER.1, Pull::NotFound));
    let env = json!({"LEVEL": {"value": "high"}});
    stage.apply(&Manifest::running(&[WORKER]).agent("/modules/worker/env", env.clone()).0);
    stage.pass(60);
    let worker = stage.module("worker");
    assert_eq!((stage.status(), &worker["env"]), ((200, 3), &env));
    assert_eq!(worker["lastStartTimeUtc"], started);
}

#[test]
fn edge_agent_replaces_itself_before_anything_else() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let newer = Manifest::running(&[("worker", "acr.azurecr.io/worker:2")])
        .agent("/systemModules/edgeAgent/settings/image", json!("mcr.microsoft.com/azureiotedge-agent:1.5.22"));
    stage.apply(&newer.0);
    stage.until(60, "the shutdown", |stage| stage.status() == (406, 2));
    assert_eq!(stage.module("worker")["settings"]["image"], WORKER.1);
    stage.pass(120);
    let agent = stage.reported("$edgeAgent");
    assert_eq!((stage.status(), agent["version"]["version"].as_str()), ((200, 3), Some("1.5.22")));
    assert_eq!(agent["runtime"]["platform"]["version"], "1.5.21", "the daemon is the same");
    assert_eq!(stage.module("worker")["settings"]["image"], "acr.azurecr.io/worker:2");
    assert_eq!(stage.module("edgeAgent")["settings"]["image"], "mcr.microsoft.com/azureiotedge-agent:1.5.22");
}

#[test]
fn a_container_the_engine_lost_is_made_anew() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let started = stage.module("worker")["lastStartTimeUtc"].clone();
    stage.afflict(&Condition::Dead { module: "worker".to_owned() }, true);
    stage.until(10, "it is seen", |stage| stage.runs("worker") == "dead");
    stage.pass(30);
    assert_eq!((stage.status(), stage.runs("worker")), ((200, 2), "running".to_owned()));
    assert_ne!(stage.module("worker")["lastStartTimeUtc"], started);
}

#[test]
fn a_disabled_device_is_pushed_out_and_comes_back() {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    let put = |status: &str| {
        let scope = stage.caller.get(&format!("/devices/{D}"))["deviceScope"].clone();
        let body = json!({"deviceId": D, "status": status, "deviceScope": scope, "capabilities": {"iotEdge": true}});
        let answer = stage.caller.send("PUT", &format!("/devices/{D}"), &[("If-Match", "*")], &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    put("disabled");
    assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Disconnected"; 2]);
    assert_eq!(
        stage.method(Some("$edgeAgent"), "ping", &serde_json::Value::Null).header("iothub-errorcode"),
        Some("DeviceNotFound")
    );
    put("enabled");
    stage.pass(15);
    assert_eq!([stage.connection("$edgeHub"), stage.connection("worker")], ["Connected"; 2]);
}
