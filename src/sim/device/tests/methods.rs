//! Direct methods, from the hub's checks to edgeAgent's words.

use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::{Condition, Operation};
use crate::sim::hub::Wait;

const WORKER: (&str, &str) = ("worker", "acr.azurecr.io/worker:1");

fn stage() -> Stage {
    let stage = Stage::with(&Manifest::running(&[WORKER]).0);
    stage.pass(60);
    stage
}

#[test]
fn the_hub_checks_a_call_before_anybody_hears_of_it() {
    let stage = stage();
    let call = |path: &str, body: Value| stage.caller.send("POST", path, &[], &body);
    let agent = format!("/twins/{D}/modules/%24edgeAgent/methods");
    let ping = |more: Value| {
        let mut body = json!({"methodName": "ping"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (path, body, status, number, part) in [
        (agent.as_str(), ping(json!({"responseTimeoutInSeconds": 4})), 400, 400_004, "must be within [5; 300]."),
        (&agent, ping(json!({"responseTimeoutInSeconds": 301})), 400, 400_004, "responseTimeoutInSeconds must"),
        (&agent, ping(json!({"connectTimeoutInSeconds": 301})), 400, 400_004, "connectTimeoutInSeconds"),
        (
            &agent,
            ping(json!({"connectTimeoutInSeconds": 31})),
            400,
            400_004,
            "Device connection timeout 00:00:31 cannot be longer than an overall call timeout 00:00:30",
        ),
        (&agent, json!({"payload": 1}), 400, 400_004, "methodName"),
        (&agent, json!({"methodName": "a b"}), 400, 400_004, "methodName"),
        ("/twins/nobody/methods", ping(json!({})), 404, 404_001, "nobody"),
        (&format!("/twins/{D}/modules/nobody/methods"), ping(json!({})), 404, 404_010, "nobody"),
        (&format!("/twins/{D}/methods"), ping(json!({})), 404, 404_103, "isn't online"),
    ] {
        let answer = call(path, body.clone());
        assert_eq!((answer.status, answer.code()), (status, number), "{path} {body}");
        assert!(answer.body["Message"].as_str().unwrap().contains(part), "{}", answer.body);
        assert_eq!((answer.body["ExceptionMessage"].as_str(), answer.wait), (Some(""), Wait::None));
    }
    let large = call(&agent, json!({"methodName": "ping", "payload": "x".repeat(131_072)}));
    assert_eq!((large.status, large.header("iothub-errorcode")), (413, Some("MessageTooLarge")));
    let reader = Stage { caller: crate::sim::hub::testing::Caller { policy: "registryRead", ..stage.caller }, ..stage };
    assert_eq!(reader.method(Some("$edgeAgent"), "ping", &Value::Null).status, 401);
}

#[test]
fn edge_agent_answers_in_its_own_words() {
    let stage = stage();
    let long = "Command 'reboot' not found. The supported commands are - ping,GetTaskStatus,UploadModuleLogs,GetModuleLogs,UploadSupportBundle,RestartModule";
    let parsing = "Error parsing command payload because of error - ";
    let major = "The logs upload request schema version 2.0 is not compatible with the expected version 1.0".to_owned();
    let nothing = "Object reference not set to an instance of an object.";
    let core = "Microsoft.Azure.Devices.Edge.Agent.Core";
    let upload = |more: Value| {
        let mut request = json!({"schemaVersion": "1.0", "sasUrl": "https://storage.example/c?sig=x"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    for (name, payload, status, message) in [
        ("ping", json!(null), 200, String::new()),
        ("PING", json!({"any": ["thing"]}), 200, String::new()),
        ("reboot", json!({}), 400, long.to_owned()),
        ("RestartModule", json!(null), 400, "Request payload not found".to_owned()),
        ("RestartModule", json!(""), 400, format!("{parsing}Error converting value \"\" to an object. Path ''.")),
        ("RestartModule", json!({"id": "worker"}), 400, format!("{parsing}schemaVersion is null or whitespace.")),
        ("RestartModule", json!({"schemaVersion": "1.0"}), 400, format!("{parsing}id is null or whitespace.")),
        (
            "RestartModule",
            json!({"schemaVersion": "2.0", "id": "worker"}),
            500,
            "The restart module request schema version 2.0 is not compatible with the expected version 1.0".to_owned(),
        ),
        (
            "RestartModule",
            json!({"schemaVersion": "1.7", "id": "nobody"}),
            500,
            "Module nobody not found in the current environment".to_owned(),
        ),
        ("GetModuleLogs", json!(null), 400, "Request payload not found".to_owned()),
        (
            "UploadModuleLogs",
            json!({"schemaVersion": "1.0", "items": {"id": "worker"}}),
            400,
            format!("{parsing}Value cannot be null. (Parameter 'sasUrl')"),
        ),
        ("GetTaskStatus", json!(null), 400, "Request payload not found".to_owned()),
        ("GetTaskStatus", json!({}), 400, format!("{parsing}schemaVersion is null or whitespace.")),
        (
            "GetTaskStatus",
            json!({"schemaVersion": "1.0", "correlationId": " "}),
            400,
            format!("{parsing}correlationId is null or whitespace."),
        ),
        ("GetTaskStatus", json!({"schemaVersion": "2.0", "correlationId": "x"}), 500, major.clone()),
        ("UploadModuleLogs", upload(json!({"items": null})), 500, nothing.to_owned()),
        ("UploadModuleLogs", upload(json!({"items": [], "schemaVersion": "2.0"})), 500, major.clone()),
        ("UploadSupportBundle", upload(json!({"schemaVersion": "2.0"})), 500, major),
        (
            "UploadSupportBundle",
            upload(json!({"schemaVersion": " "})),
            400,
            format!("{parsing}schemaVersion is null or whitespace."),
        ),
        ("UploadModuleLogs", upload(json!({})), 400, format!("{parsing}Value cannot be null. (Parameter 'items')")),
        (
            "UploadModuleLogs",
            upload(json!({"items": 7})),
            400,
            format!("{parsing}Error converting value 7 to type '{core}.Logs.LogRequestItem'. Path ''."),
        ),
        (
            "UploadModuleLogs",
            upload(json!({"items": {"id": "worker", "filter": {"regex": "["}}})),
            400,
            format!("{parsing}Invalid pattern '[' at offset 1. Unterminated [] set."),
        ),
        (
            "UploadModuleLogs",
            upload(json!({"items": [{"id": "(worker"}]})),
            400,
            "Invalid pattern '(worker' at offset 7. Not enough )'s.".to_owned(),
        ),
        (
            "UploadModuleLogs",
            upload(json!({"items": [], "encoding": "zip"})),
            400,
            format!(
                "{parsing}Error converting value \"zip\" to type 'System.Nullable`1[{core}.Logs.LogsContentEncoding]'. Path 'encoding'."
            ),
        ),
        ("UploadModuleLogs", json!({}), 400, format!("{parsing}schemaVersion is null or whitespace.")),
    ] {
        let (sent, answer) = (payload.to_string(), stage.method(Some("$edgeAgent"), name, &payload));
        let payload = if message.is_empty() { Value::Null } else { json!({ "message": message }) };
        let inner = json!({"status": status, "payload": payload});
        assert_eq!((answer.status, &answer.body), (200, &inner), "{name} {sent}");
    }
    assert_eq!(stage.method(Some("$edgeHub"), "anything", &Value::Null).body, json!({"status": 501, "payload": null}));
    assert_eq!(stage.method(Some("worker"), "anything", &Value::Null).body["status"], 501);
}

#[test]
fn a_restart_that_was_asked_for_counts_nothing() {
    let stage = stage();
    let (before, connected) = (stage.module("worker"), stage.reported("$edgeHub")["clients"]["edge-1/worker"].clone());
    let restart = json!({"schemaVersion": "1.0", "id": "worker"});
    let answer = stage.method(Some("$edgeAgent"), "RestartModule", &restart);
    assert_eq!(answer.body, json!({"status": 200, "payload": null}));
    stage.pass(15);
    let after = stage.module("worker");
    assert_eq!((&after["runtimeStatus"], &after["restartCount"]), (&json!("running"), &json!(0)));
    assert_ne!(after["lastStartTimeUtc"], before["lastStartTimeUtc"]);
    assert_eq!(after["lastRestartTimeUtc"], after["lastExitTimeUtc"]);
    let client = &stage.reported("$edgeHub")["clients"]["edge-1/worker"];
    assert_ne!(client["lastConnectedTimeUtc"], connected["lastConnectedTimeUtc"], "it came back");

    stage.afflict(
        &Condition::Refuses { module: "worker".to_owned(), operation: Operation::Start, times: Some(1) },
        true,
    );
    let refused = stage.method(Some("$edgeAgent"), "RestartModule", &restart);
    assert_eq!(
        refused.body,
        json!({"status": 500, "payload": {"message": "Error calling Restart module worker: runtime operation error: restart module \"worker\""}})
    );
}

/// `RestartModule` of edgeAgent itself stops every module in order; the caller gets no answer.
#[test]
fn restarting_edge_agent_restarts_everything_and_answers_nothing() {
    let stage = stage();
    let restart = json!({"schemaVersion": "1.0", "id": "edgeAgent"});
    let answer = stage.method(Some("$edgeAgent"), "RestartModule", &restart);
    assert_eq!((answer.status, answer.code()), (504, 504_101));
    assert_eq!(answer.wait, Wait::Late(Duration::from_secs(30)), "and is not carried out twice");
    assert_eq!((stage.status(), stage.description()), ((406, 2), "Agent is not running".to_owned()));
    assert_eq!((stage.runs("worker"), stage.runs("edgeAgent")), ("unknown".to_owned(), "unknown".to_owned()));
    stage.pass(90);
    assert_eq!((stage.status(), stage.runs("worker")), ((200, 2), "running".to_owned()));
    assert_eq!(stage.module("worker")["restartCount"], 1, "by its restart policy");
}

#[test]
fn who_is_away_is_waited_for_as_long_as_the_caller_says() {
    let stage = stage();
    stage.afflict(&Condition::NetworkOff, true);
    let at_once = stage.method(Some("$edgeAgent"), "ping", &Value::Null);
    assert_eq!((at_once.status, at_once.code(), at_once.wait), (404, 404_103, Wait::None));
    let patient = json!({"methodName": "ping", "connectTimeoutInSeconds": 20});
    let path = format!("/twins/{D}/modules/%24edgeAgent/methods");
    let waiting = stage.caller.send("POST", &path, &[], &patient);
    assert_eq!((waiting.code(), waiting.wait), (404_103, Wait::Again(Duration::from_millis(500))));
    stage.afflict(&Condition::NetworkOff, false);
    stage.pass(10);
    assert_eq!(stage.caller.send("POST", &path, &[], &patient).body["status"], 200);
}

#[test]
fn an_agent_that_hangs_is_waited_for_as_long_as_an_answer_may_take() {
    let stage = stage();
    stage.afflict(&Condition::AgentHung, true);
    let hung = stage.method(Some("$edgeAgent"), "ping", &Value::Null);
    assert_eq!((hung.status, hung.code(), hung.wait), (504, 504_101, Wait::Again(Duration::from_millis(500))));
    assert_eq!(hung.header("iothub-errorcode"), Some("GatewayTimeout"));
    assert_eq!(stage.method(Some("$edgeHub"), "x", &Value::Null).body["status"], 501, "edgeHub is well");
    stage.afflict(&Condition::AgentHung, false);
    assert_eq!(stage.method(Some("$edgeAgent"), "ping", &Value::Null).body["status"], 200);
}

#[test]
fn while_a_plan_runs_only_a_ping_is_answered() {
    let stage = stage();
    stage.apply(&Manifest::running(&[("worker", "acr.azurecr.io/worker:2")]).0);
    stage.pass(9);
    let restart = json!({"schemaVersion": "1.0", "id": "worker"});
    assert_eq!(stage.method(Some("$edgeAgent"), "RestartModule", &restart).code(), 504_101);
    assert_eq!(stage.method(Some("$edgeAgent"), "ping", &Value::Null).body["status"], 200);
}

/// Asks edgeAgent for an upload; its task.
fn upload(stage: &Stage, name: &str, url: &str) -> Value {
    let request = json!({"schemaVersion": "1.0", "sasUrl": url, "items": [{"id": "worker"}]});
    stage.method(Some("$edgeAgent"), name, &request).body["payload"].clone()
}

/// What became of a task.
fn task(stage: &Stage, id: &Value) -> Value {
    let request = json!({"schemaVersion": "1.0", "correlationId": id});
    stage.method(Some("$edgeAgent"), "GetTaskStatus", &request).body["payload"].clone()
}

const STORAGE: &str = "https://storage.example/c?sig=x";

#[test]
fn uploads_are_tasks_that_are_asked_about() {
    let stage = stage();
    for (name, operation) in [("UploadModuleLogs", "upload logs"), ("UploadSupportBundle", "upload support bundle")] {
        let (good, bad, blank) =
            (upload(&stage, name, STORAGE), upload(&stage, name, "storage"), upload(&stage, name, ""));
        assert_eq!((&good["status"], &good["message"]), (&json!("Running"), &json!("")), "{name}");
        assert_ne!(good["correlationId"], bad["correlationId"]);
        assert_eq!(task(&stage, &good["correlationId"]), good, "{name}: it takes its time");
        stage.pass(5);
        let done = json!({"status": "Completed", "message": "", "correlationId": good["correlationId"]});
        assert_eq!(task(&stage, &good["correlationId"]), done, "{name}");
        for failed in [bad, blank] {
            let failed = task(&stage, &failed["correlationId"]);
            assert_eq!(failed["status"], "Failed", "{name}");
            let why = format!("Task {operation} failed because of error ");
            assert!(failed["message"].as_str().unwrap().starts_with(&why), "{failed}");
        }
        let nowhere = json!({"schemaVersion": "1.0", "items": [{"id": "worker"}]});
        let parsing = "Error parsing command payload because of error - Value cannot be null. (Parameter 'sasUrl')";
        for (request, message) in [(nowhere, parsing), (Value::Null, "Request payload not found")] {
            let answer = stage.method(Some("$edgeAgent"), name, &request).body;
            assert_eq!(answer, json!({"status": 400, "payload": {"message": message}}), "{name} {request}");
        }
    }
    assert_eq!(task(&stage, &json!("e9c06c0c-0000-0000-0000-000000000000"))["status"], "Unknown");
}

#[test]
fn uploads_are_forgotten_by_a_new_edge_agent_and_when_they_are_too_many() {
    let stage = stage();
    let ids: Vec<Value> = (0..33)
        .map(|_| {
            stage.pass(1);
            upload(&stage, "UploadSupportBundle", STORAGE)["correlationId"].clone()
        })
        .collect();
    stage.pass(5);
    let known = |id: &Value| task(&stage, id)["status"].as_str().unwrap().to_owned();
    assert_eq!([known(&ids[0]), known(&ids[1]), known(&ids[32])], ["Unknown", "Completed", "Completed"]);
    stage.method(Some("$edgeAgent"), "RestartModule", &json!({"schemaVersion": "1.0", "id": "edgeAgent"}));
    stage.pass(90);
    assert_eq!(task(&stage, &ids[32]), json!({"status": "Unknown", "message": "", "correlationId": ids[32]}));
}

/// edgeAgent counts characters, or bytes before base64; the hub counts what arrives.
#[test]
fn what_edge_agent_lets_pass_can_be_too_much_for_the_hub() {
    let names = ["one", "two", "three", "four"];
    let image = "acr.azurecr.io/sim-workload:1";
    let manifest = names.iter().fold(Manifest::running(&names.map(|name| (name, image))), |manifest, name| {
        let env = json!({"LINES_PER_SECOND": {"value": "20"}, "LINE_BYTES": {"value": "80"}});
        manifest.agent(&format!("/modules/{name}/env"), env)
    });
    let stage = Stage::with(&manifest.0);
    stage.pass(600);
    let logs = |encoding: &str, id: &str, tail: u64| {
        let request = json!({"schemaVersion": "1.0", "contentType": "text", "encoding": encoding,
            "items": [{"id": id, "filter": {"tail": tail}}]});
        stage.method(Some("$edgeAgent"), "GetModuleLogs", &request)
    };
    let text = logs("none", "^one$", 1_500);
    assert_eq!((text.status, &text.body["status"]), (200, &json!(200)), "120,000 characters are taken");
    let text = logs("none", "^one$", 1_600);
    assert_eq!((text.status, &text.body["status"]), (200, &json!(400)));
    let message = text.body["payload"]["message"].as_str().unwrap();
    assert!(message.starts_with("The payload is too large for a direct method."), "{message}");

    // Some 25,000 bytes of each module, and a third more of them in base64.
    let packed = logs("gzip", "^(one|two|three)$", 6_000);
    assert_eq!((packed.status, &packed.body["status"]), (200, &json!(200)));
    let packed = logs("gzip", "^(one|two|three|four)$", 6_000);
    assert_eq!((packed.status, packed.code()), (504, 504_101));
    assert_eq!(packed.header("iothub-errorcode"), Some("GatewayTimeout"));
    let said = stage.log("edgeAgent", 5).join("\n");
    assert!(said.contains("Successfully handled request GetModuleLogs"), "edgeAgent noticed nothing: {said}");
}
