//! Queries in pages: how large they are, and what devices that come and go between two of them change.

use serde_json::{Value, json};

use crate::sim::hub::testing::{Answer, Caller};

use super::{hub, put, refused};

fn ask(caller: &Caller, text: &str, headers: &[(&str, &str)]) -> Answer {
    caller.send("POST", "/devices/query", headers, &json!({ "query": text }))
}

fn tag(caller: &Caller, device: &str, site: &str) {
    put(caller, &format!("/devices/{device}"), &json!({}));
    let answer = caller.send("PATCH", &format!("/twins/{device}"), &[], &json!({"tags": {"site": site}}));
    assert_eq!(answer.status, 200);
}

#[test]
fn a_page_has_a_hundred_rows_at_most_whatever_is_asked() {
    let (caller, _) = hub();
    for n in 0..120 {
        put(&caller, &format!("/devices/d{n}"), &json!({}));
    }
    for (size, rows) in [(None, 100), (Some("7"), 7), (Some("1000"), 100)] {
        let header: Vec<(&str, &str)> = size.iter().map(|size| ("x-ms-max-item-count", *size)).collect();
        let answer = ask(&caller, "SELECT * FROM devices", &header);
        assert_eq!((answer.status, answer.body.as_array().unwrap().len()), (200, rows));
        assert!(answer.header("x-ms-continuation").is_some());
    }
    for size in ["0", "-1", "many", "1.5"] {
        refused(
            &ask(&caller, "SELECT * FROM devices", &[("x-ms-max-item-count", size)]),
            400,
            "ArgumentInvalid",
            "BadRequest",
        );
    }
    let all = caller.query("SELECT deviceId FROM devices");
    assert_eq!(all.as_array().unwrap().len(), 120);
}

#[test]
fn groups_come_in_pages_that_survive_groups_that_come_and_go() {
    let (caller, _) = hub();
    for (device, site) in [("a", "north"), ("b", "south"), ("c", "west"), ("d", "south")] {
        tag(&caller, device, site);
    }
    put(&caller, "/devices/e", &json!({}));
    let text = "SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site";
    let first = ask(&caller, text, &[("x-ms-max-item-count", "2")]);
    assert_eq!(first.header("x-ms-item-type"), Some("Raw"));
    assert_eq!(first.body, json!([{"n": 1}, {"site": "north", "n": 1}]));
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    assert_eq!(caller.send("DELETE", "/devices/a", &[("If-Match", "*")], &Value::Null).status, 204);
    tag(&caller, "f", "east");
    tag(&caller, "g", "up");
    let second = ask(&caller, text, &[("x-ms-continuation", &token)]);
    assert_eq!(second.body, json!([{"site": "south", "n": 2}, {"site": "up", "n": 1}, {"site": "west", "n": 1}]));
    assert_eq!(second.header("x-ms-continuation"), None);
    let top = "SELECT TOP 3 tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site";
    assert_eq!(caller.query(top).as_array().unwrap().len(), 3);
}

#[test]
fn what_the_grammar_does_not_have_is_refused_without_a_word() {
    let (caller, _) = hub();
    put(&caller, "/devices/a", &json!({}));
    let long = format!("SELECT * FROM devices WHERE deviceId = '{}'", "x".repeat(8_192));
    for text in [
        "SELECT * FROM devices ORDER BY deviceId",
        "SELECT DISTINCT status FROM devices",
        "SELECT COUNT() AS n FROM devices GROUP BY status HAVING n > 1",
        "SELECT * FROM devices WHERE deviceId IN []",
        "SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'a')",
        "SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')",
        "SELECT * FROM devices WHERE deviceId LIKE 'a%'",
        "SELECT * FROM devices WHERE IS_STRING(deviceId)",
        "SELECT moduleId, COUNT() AS n FROM devices.modules GROUP BY moduleId",
        "SELECT COUNT() AS n FROM devices.jobs",
        "SELECT deviceId FROM devices.jobs",
        "SELECT * FROM devices.twins",
        "SELECT *, deviceId FROM devices",
        "FROM devices",
        &long,
    ] {
        refused(&ask(&caller, text, &[]), 400, "ArgumentInvalid", "ErrorCode:ArgumentInvalid;BadRequest");
    }
    for (text, item_type) in [
        ("SELECT * FROM devices", "Twin"),
        ("SELECT * FROM devices.modules", "Twin"),
        ("SELECT deviceId FROM devices", "Raw"),
        ("SELECT COUNT() AS n FROM devices.modules", "Raw"),
        ("SELECT * FROM devices.jobs", "DeviceJob"),
    ] {
        assert_eq!(ask(&caller, text, &[]).header("x-ms-item-type"), Some(item_type), "{text}");
    }
}
