//! Rotation, and requests answered as edgeAgent answers them.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::sim::device::instants::after;
use crate::sim::device::program::Stream;
use crate::sim::device::program::runtime::{Level, Said};

fn now() -> Timestamp {
    "2026-01-02T03:05:00Z".parse().unwrap()
}

/// `n` lines, one a second from 03:04:00 on, a quarter of a second after it.
fn log_of(n: u64) -> ContainerLog {
    let mut log = ContainerLog::new(LogCaps::default());
    let begin: Timestamp = "2026-01-02T03:04:00.25Z".parse().unwrap();
    for i in 0..n {
        log.write(after(begin, Duration::from_secs(i)), Stream::Stdout, format!("line {i}").as_bytes());
    }
    log
}

fn ask_with(payload: &Value, logs: &[(&str, &ContainerLog)]) -> (Result<Value, MethodError>, Vec<Said>) {
    let mut said = Vec::new();
    let device = Device { iothub: "h.azure-devices.net", device: "edge-1", now: now(), logs: logs.to_vec() };
    (answer(payload, &device, &mut said), said)
}

fn ask(payload: &Value, logs: &[(&str, &ContainerLog)]) -> Result<Value, MethodError> {
    ask_with(payload, logs).0
}

fn request(filter: &Value) -> Value {
    json!({"schemaVersion": "1.0", "contentType": "text", "items": {"id": "^m$", "filter": filter}})
}

/// The numbers of the lines that came as text.
fn lines(log: &ContainerLog, filter: &Value) -> Vec<u64> {
    let answer = ask(&request(filter), &[("m", log)]).unwrap();
    let text = answer[0]["payload"].as_str().unwrap();
    text.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn windows_have_the_engines_quirks() {
    let log = log_of(60);
    for (filter, expected) in [
        (json!({}), (0..60).collect::<Vec<_>>()),
        (json!({"tail": 2}), vec![58, 59]),
        (json!({"tail": 0}), vec![]),
        (json!({"since": "2026-01-02T03:04:57Z"}), vec![57, 58, 59]),
        // A fraction is dropped, so that the line before it comes again.
        (json!({"since": "2026-01-02T03:04:57.9Z"}), vec![57, 58, 59]),
        (json!({"until": "2026-01-02T03:04:02Z"}), vec![0, 1]),
        (json!({"since": "3s"}), vec![57, 58, 59]),
        // The last lines first, then what is too old is dropped: nothing is left of the first minute.
        (json!({"tail": 5, "until": "2026-01-02T03:04:02Z"}), vec![]),
        (json!({"tail": 5, "since": "2026-01-02T03:04:57Z"}), vec![57, 58, 59]),
        // With all three the window comes first.
        (json!({"tail": 2, "since": "2026-01-02T03:04:10Z", "until": "2026-01-02T03:04:20Z"}), vec![18, 19]),
        // The last lines, of those what matches: the engine's `tail` counts what does not match, too.
        (json!({"tail": 10, "regex": "line 5$"}), vec![]),
        (json!({"tail": 60, "regex": "5$"}), vec![5, 15, 25, 35, 45, 55]),
        (json!({"tail": 3, "regex": "5$", "since": "1m", "until": "1s"}), vec![35, 45, 55]),
        (json!({"until": 0}), (0..60).collect()),
        (json!({"tail": "3"}), vec![57, 58, 59]),
    ] {
        assert_eq!(lines(&log, &filter), expected, "{filter}");
    }
}

#[test]
fn windows_hold_both_their_instants() {
    let mut log = ContainerLog::new(LogCaps::default());
    for n in 0..3 {
        log.write("2026-01-02T03:04:10Z".parse().unwrap(), Stream::Stdout, format!("at {n}").as_bytes());
    }
    assert_eq!(lines(&log, &json!({"since": "2026-01-02T03:04:10Z"})), [0, 1, 2]);
    assert_eq!(lines(&log, &json!({"until": "2026-01-02T03:04:10Z"})), [0, 1, 2]);
    assert_eq!(lines(&log, &json!({"since": "2026-01-02T03:04:11Z"})), Vec::<u64>::new());
    assert_eq!(lines(&log, &json!({"until": "2026-01-02T03:04:09Z"})), Vec::<u64>::new());
}

#[test]
fn levels_are_equal_or_not() {
    let mut log = ContainerLog::new(LogCaps::default());
    for (level, n) in [(Level::Info, 0), (Level::Error, 1), (Level::Fatal, 2), (Level::Error, 3)] {
        let said = Said { level, text: format!("text {n}") };
        log.write(now(), Stream::Stdout, said.at(now()).as_bytes());
    }
    log.write(now(), Stream::Stderr, b"no prefix 4");
    assert_eq!(lines(&log, &json!({"loglevel": 3})), [1, 3]);
    assert_eq!(lines(&log, &json!({"loglevel": 6})), [0, 4]);
    assert_eq!(lines(&log, &json!({"loglevel": 4})), Vec::<u64>::new());
    // The expression sees what is behind the prefix only.
    assert_eq!(lines(&log, &json!({"regex": "^no prefix"})), [4]);
    assert_eq!(lines(&log, &json!({"regex": r"^\[ERR\] - text"})), [1, 3]);
    assert_eq!(lines(&log, &json!({"regex": "2026"})), Vec::<u64>::new());
}

#[test]
fn json_entries_have_their_shape() {
    let mut log = ContainerLog::new(LogCaps::default());
    let at = "2026-01-02T03:04:05.1234567Z".parse().unwrap();
    log.write(at, Stream::Stdout, b"<4> 2026-01-02 03:04:05.100 +00:00 [WRN] - \"quoted\"\tand \xe2\x80\xa8 more");
    log.write(at, Stream::Stderr, b"");
    log.write(at, Stream::Stderr, b"   at X()");
    let answer = ask(&json!({"schemaVersion": "1.0", "items": [{"id": "m"}]}), &[("m", &log)]).unwrap();
    let expected = concat!(
        r#"[{"iothub":"h.azure-devices.net","device":"edge-1","id":"m","stream":"stdout","loglevel":4,"#,
        r#""text":"[WRN] - \"quoted\"\tand \u2028 more","timestamp":"2026-01-02T03:04:05.1234567+00:00"},"#,
        r#"{"iothub":"h.azure-devices.net","device":"edge-1","id":"m","stream":"stderr","loglevel":6,"#,
        r#""text":"2026-01-02T03:04:05.123456700Z \n","timestamp":"2026-01-02T03:04:05.1234567+00:00"},"#,
        r#"{"iothub":"h.azure-devices.net","device":"edge-1","id":"m","stream":"stderr","loglevel":6,"#,
        r#""text":"at X()","timestamp":"2026-01-02T03:04:05.1234567+00:00"}]"#,
    );
    assert_eq!(answer, json!([{"id": "m", "payloadBytes": null, "payload": expected}]));
    assert_eq!(answer.to_string().find("\"id\""), Some(2));
    assert!(serde_json::from_str::<Value>(expected).is_ok());
}

#[test]
fn gzip_packs_the_same_text() {
    let log = log_of(5);
    let mut payload = request(&json!({}));
    payload["encoding"] = json!("gzip");
    let packed = ask(&payload, &[("m", &log)]).unwrap();
    assert_eq!(packed[0]["payload"], Value::Null);
    let bytes = STANDARD.decode(packed[0]["payloadBytes"].as_str().unwrap()).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "line 0\nline 1\nline 2\nline 3\nline 4\n");
}

#[test]
fn modules_are_found_by_an_expression_that_is_not_anchored() {
    let log = log_of(1);
    let logs: Vec<(&str, &ContainerLog)> =
        ["edgeAgent", "edgeHub", "filter", "temperatureFilter"].map(|name| (name, &log)).into();
    for (id, expected) in [
        ("filter", vec!["filter", "temperatureFilter"]),
        ("^filter$", vec!["filter"]),
        (r"\bFILTER\b", vec!["filter"]),
        ("edge", vec!["edgeAgent", "edgeHub"]),
        ("ALL", vec!["edgeAgent", "edgeHub", "filter", "temperatureFilter"]),
        ("^nobody$", vec![]),
    ] {
        let answer = ask(&json!({"schemaVersion": "1.0", "items": {"id": id}}), &logs).unwrap();
        let names: Vec<&str> = answer.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{id}");
    }
    // The first item that names a module decides.
    let items = json!([{"id": "filter", "filter": {"tail": 0}}, {"id": "all", "filter": {"tail": 1}}]);
    let answer = ask(&json!({"schemaVersion": "1.0", "contentType": "text", "items": items}), &logs).unwrap();
    let texts: Vec<&str> = answer.as_array().unwrap().iter().map(|entry| entry["payload"].as_str().unwrap()).collect();
    assert_eq!(texts, ["", "", "line 0\n", "line 0\n"]);
    assert_eq!(ask(&json!({"schemaVersion": "1.0", "items": []}), &logs), Ok(json!([])));
}

#[test]
fn requests_are_refused_in_edge_agents_words() {
    let log = log_of(1);
    let error = |payload: &Value| ask(payload, &[("m", &log)]).unwrap_err();
    let unreadable = "Error parsing command payload because of error - ";
    for (payload, status, message) in [
        (json!(null), 400, "Request payload not found"),
        (
            json!({"items": {"id": "m"}}),
            400,
            "Error parsing command payload because of error - schemaVersion is null or whitespace.",
        ),
        (
            json!({"schemaVersion": "1.0"}),
            400,
            "Error parsing command payload because of error - Value cannot be null. (Parameter 'items')",
        ),
        (
            json!({"schemaVersion": "1.0", "items": {"filter": {}}}),
            400,
            "Error parsing command payload because of error - id is null or whitespace.",
        ),
        (json!({"schemaVersion": "1.0", "items": null}), 500, "Object reference not set to an instance of an object."),
        (
            json!({"schemaVersion": "2.0", "items": []}),
            500,
            "The logs upload request schema version 2.0 is not compatible with the expected version 1.0",
        ),
        (json!({"schemaVersion": "one", "items": []}), 500, "Invalid logs upload request schema version one"),
        (
            request(&json!({"since": "yesterday"})),
            400,
            r#"Request Returned Status Code BadRequest with Message {"message":"invalid parameter: since"}"#,
        ),
        (
            request(&json!({"until": "1767323045123"})),
            400,
            r#"Request Returned Status Code BadRequest with Message {"message":"invalid parameter: until"}"#,
        ),
        (
            request(&json!({"tail": -1})),
            400,
            r#"Request Returned Status Code BadRequest with Message {"message":"invalid parameter: tail"}"#,
        ),
        (
            request(&json!({"regex": "["})),
            400,
            "Error parsing command payload because of error - Invalid pattern '[' at offset 1. Unterminated [] set.",
        ),
        (
            json!({"schemaVersion": "1.0", "items": {"id": "(m"}}),
            400,
            "Invalid pattern '(m' at offset 2. Not enough )'s.",
        ),
        (
            json!({"schemaVersion": "1.0", "items": {"id": "*"}}),
            400,
            "Invalid pattern '*' at offset 1. Quantifier '*' following nothing.",
        ),
    ] {
        assert_eq!(error(&payload), MethodError { status, message: message.to_owned() }, "{payload}");
    }
    for payload in [
        json!("text"),
        json!({"schemaVersion": "1.0", "items": "m"}),
        json!({"schemaVersion": {}, "items": []}),
        json!({"schemaVersion": "1.0", "items": [], "encoding": "zip"}),
        json!({"schemaVersion": "1.0", "items": [], "contentType": 7}),
        request(&json!({"tail": "many"})),
        request(&json!({"tail": 1.5})),
        request(&json!({"loglevel": 9_999_999_999_i64})),
        request(&json!({"regex": "(?<=x)y"})),
    ] {
        let error = error(&payload);
        assert!(error.status == 400 && error.message.starts_with(unreadable), "{payload}: {error:?}");
    }
    assert_eq!(MethodError::bad_request("x").payload(), json!({"message": "x"}));
}

#[test]
fn names_are_read_in_any_case_and_other_minor_versions_taken() {
    let log = log_of(3);
    let payload = json!({"SchemaVersion": "1.2", "Items": {"ID": "M", "Filter": {"Tail": 1}}, "CONTENTTYPE": "Text"});
    let (answer, said) = ask_with(&payload, &[("m", &log)]);
    assert_eq!(answer.unwrap()[0]["payload"], "line 2\n");
    assert_eq!(said[0].level, Level::Warning);
}

#[test]
fn stamps_are_put_before_text_when_asked_for() {
    let answer = ask(&request(&json!({"includeTimestamp": true, "tail": 1})), &[("m", &log_of(1))]).unwrap();
    assert_eq!(answer[0]["payload"], "2026-01-02T03:04:00.250000000Z line 0\n");
}

#[test]
fn the_limit_counts_characters_of_text_and_bytes_of_gzip() {
    let mut log = ContainerLog::new(LogCaps { file_bytes: None, files: 1 });
    // 1,000 characters of three bytes each, and a line feed.
    let line = "€".repeat(999);
    for _ in 0..127 {
        log.write(now(), Stream::Stdout, line.as_bytes());
    }
    assert!(ask(&request(&json!({})), &[("m", &log)]).is_ok());
    log.write(now(), Stream::Stdout, b"");
    let error = ask(&request(&json!({})), &[("m", &log)]).unwrap_err();
    assert_eq!(error.status, 400);
    assert!(error.message.starts_with(
        "The payload is too large for a direct method. GetModuleLogs supports up to 127000 bytes of logs. The current \
         request returned 127001 bytes.\nTry reducing the size of the logs by setting the 'tail', 'since' and 'from' \
         fields in log options filter. For more information, see https://aka.ms/iotedge-log-pull \nCurrent options \
         settings are:\n[\n  {\n    \"ContentEncoding\": 0,\n    \"ContentType\": 1,\n    \"Filter\": {\n      \"tail\": null,"
    ));
    // All modules count together.
    let half = json!({"schemaVersion": "1.0", "contentType": "text", "items": {"id": "all", "filter": {"tail": 70}}});
    assert!(ask(&half, &[("a", &log)]).is_ok());
    assert!(ask(&half, &[("a", &log), ("b", &log)]).is_err());
    let mut packed = request(&json!({}));
    packed["encoding"] = json!("gzip");
    assert!(ask(&packed, &[("m", &log)]).is_ok());
    // What hardly shrinks: 150,000 characters are some 114,000 bytes, and base64 makes 152,000 of them again.
    let mut log = ContainerLog::new(LogCaps { file_bytes: None, files: 1 });
    let mut noise = (0..).map(|n| Sha256::digest(u64::to_le_bytes(n)));
    let mut add = |log: &mut ContainerLog, digests| {
        let bytes: Vec<u8> = noise.by_ref().take(digests).flatten().collect();
        log.write(now(), Stream::Stdout, STANDARD.encode(bytes).as_bytes());
    };
    add(&mut log, 3_500);
    let answer = ask(&packed, &[("m", &log)]).unwrap();
    assert!(answer[0]["payloadBytes"].as_str().unwrap().len() > 150_000);
    add(&mut log, 500);
    assert!(ask(&packed, &[("m", &log)]).is_err());
}

#[test]
fn what_edge_agent_says_meanwhile() {
    let log = log_of(2);
    let (_, said) = ask_with(&request(&json!({"tail": 1})), &[("m", &log), ("n", &log)]);
    let texts: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Processing request to get logs for {\"schemaVersion\":\"1.0\",\"items\":{\"id\":\"^m$\",\"filter\":\
             {\"tail\":1,\"since\":null,\"until\":null,\"loglevel\":null,\"regex\":null}},\"encoding\":0,\"contentType\":1}",
            "Initiating streaming logs for m",
            "Received 7 bytes of logs for m",
        ]
    );
}

#[test]
fn broken_logs_fail_as_the_engine_lets_them_fail() {
    let mut log = log_of(2);
    log.set_fault(Some(LogFault::Truncated));
    let error = ask(&request(&json!({})), &[("m", &log)]).unwrap_err();
    assert_eq!(error.status, 500);
    assert_eq!(error.message, "Stream finished but there was a truncated final frame in the buffer");
    log.set_fault(Some(LogFault::Unreadable));
    let answer = ask(&request(&json!({})), &[("m", &log)]).unwrap();
    assert!(answer[0]["payload"].as_str().unwrap().starts_with("error from daemon in stream: Error grabbing logs: "));
    log.set_fault(None);
    assert_eq!(lines(&log, &json!({})), [0, 1]);
}

#[test]
fn the_engine_cuts_long_lines_and_keeps_no_broken_text() {
    let mut log = ContainerLog::new(LogCaps::default());
    log.write(now(), Stream::Stdout, &[b'a'; 40_000]);
    log.write(now(), Stream::Stdout, &[b'b'; 16_384]);
    log.write(now(), Stream::Stdout, b"one\ntwo");
    log.write(now(), Stream::Stderr, b"\xff\xe2\x82 x");
    let shapes: Vec<(usize, bool)> = log.frames().map(|frame| (frame.text.len(), frame.ends)).collect();
    assert_eq!(
        shapes,
        [(16_384, false), (16_384, false), (7_232, true), (16_384, false), (0, true), (3, true), (3, true), (11, true)]
    );
    assert_eq!(log.frames().next_back().map(|frame| &*frame.text), Some("\u{fffd}\u{fffd}\u{fffd} x"));
    assert_eq!((log.written(), log.last_at()), (5, Some(now())));
    // In text the parts join again; each is an entry of its own in JSON.
    let text = ask(&request(&json!({})), &[("m", &log)]).unwrap();
    assert!(text[0]["payload"].as_str().unwrap().starts_with(&"a".repeat(40_000)));
    let entries = ask(&json!({"schemaVersion": "1.0", "items": {"id": "m"}}), &[("m", &log)]).unwrap();
    let entries: Value = serde_json::from_str(entries[0]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(entries.as_array().unwrap().len(), 8);
}

fn snapshot(log: &ContainerLog) -> Vec<(Timestamp, String)> {
    log.frames().map(|frame| (frame.at, frame.text.to_string())).collect()
}

proptest! {
    /// The newest lines are always there, in order and without a hole, and never more than the files hold.
    #[test]
    fn rotation_keeps_the_end(file_bytes in 1..5_000_u64, files in 1..5_usize, lengths in prop::collection::vec(0..400_usize, 0..200)) {
        let mut log = ContainerLog::new(LogCaps { file_bytes: Some(file_bytes), files });
        for (n, length) in lengths.iter().enumerate() {
            log.write(now(), Stream::Stdout, format!("{n} {}", "x".repeat(*length)).as_bytes());
        }
        let kept: Vec<usize> =
            log.frames().map(|frame| frame.text.split(' ').next().unwrap().parse().unwrap()).collect();
        let first = lengths.len() - kept.len();
        prop_assert_eq!(&kept, &(first..lengths.len()).collect::<Vec<_>>());
        prop_assert!(lengths.is_empty() || !kept.is_empty());
        let bytes: u64 = log.frames().map(|frame| frame.text.len() as u64 + 71).sum();
        prop_assert!(bytes <= files as u64 * (file_bytes + 500));
    }

    /// Lines that are passed over leave the log as if they had been written, once enough followed.
    #[test]
    fn passing_over_lines_is_as_good_as_writing_them(
        file_bytes in 1..3_000_u64, files in 1..4_usize, before in 0..30_usize, passed in 0..5_000_u64, length in 0..200_usize,
    ) {
        let caps = LogCaps { file_bytes: Some(file_bytes), files };
        let line = "y".repeat(length);
        let most = caps.most_lines(length as u64).unwrap();
        let run = |passes: bool| {
            let mut log = ContainerLog::new(caps);
            for n in 0..before {
                log.write(now(), Stream::Stdout, format!("before {n}").as_bytes());
            }
            if passes {
                log.pass(passed, length as u64);
            } else {
                (0..passed).for_each(|_| log.write(now(), Stream::Stdout, line.as_bytes()));
            }
            (0..most).for_each(|n| log.write(after(now(), Duration::from_secs(n)), Stream::Stdout, line.as_bytes()));
            (snapshot(&log), log.written())
        };
        prop_assert_eq!(run(true), run(false));
    }

    /// No payload makes it fall over, and every refusal has a text.
    #[test]
    fn any_request_gets_an_answer(id in ".{0,8}", tail in any::<i32>(), since in "[0-9a-zA-Z: .+-]{0,12}", regex in ".{0,8}", level in any::<i8>()) {
        let payload = json!({"schemaVersion": "1.0", "items": {"id": id, "filter": {"tail": tail, "since": since, "regex": regex, "loglevel": level}}});
        match ask(&payload, &[("m", &log_of(3))]) {
            Ok(answer) => prop_assert!(answer.is_array()),
            Err(error) => prop_assert!([400, 500].contains(&error.status) && !error.message.is_empty()),
        }
    }
}
