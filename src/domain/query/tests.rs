//! The grammar by example, evaluation by example; laws that hold for every query stand in a file of their own.

mod laws;

use serde_json::{Value, json};

use super::*;

fn twin() -> Value {
    json!({
        "deviceId": "edge-01", "status": "enabled", "connectionState": "Connected",
        "tags": {"location": {"building": "B1", "floor": 2}, "roles": ["gateway", 7], "Location": "shadow", "none": null},
        "properties": {
            "desired": {"limit": 25.0, "$version": 3},
            "reported": {"limit": 25, "lastDesiredVersion": 3, "lastDesiredStatus": {"code": 500},
                         "$metadata": {"$lastUpdated": "2026-01-01T00:00:00Z"}, "$version": 9},
        },
        "capabilities": {"iotEdge": true},
        "configurations": {"base-1": {"status": "Applied"}},
    })
}

#[test]
fn conditions_by_example() {
    for (text, expected) in [
        ("deviceId = 'edge-01'", true),
        ("DEVICEID = \"edge-01\"", true),
        ("devices.deviceId = 'edge-01'", true),
        ("devices.modules.deviceId = 'edge-01'", true),
        ("deviceId = 'EDGE-01'", false),
        ("capabilities.iotEdge = true", true),
        ("tags.location.building = 'B1' and tags.location.floor >= 2", true),
        ("tags.LOCATION.building = 'B1'", false),
        ("tags.location.Building != 'B1'", false),
        ("NOT tags.missing = 1", false),
        ("NOT tags.location.floor = 1", true),
        ("tags.missing != 1", false),
        ("tags.missing = undefined", false),
        ("tags.missing = 1 OR deviceId = 'edge-01'", true),
        ("NOT (tags.missing = 1 AND deviceId = 'x')", true),
        ("tags.none = null", true),
        ("tags.location.floor = '2'", false),
        ("tags.location.floor != '2'", false),
        ("tags.location = tags.location", false),
        ("configurations.[[base-1]].status = 'Applied'", true),
        ("properties.desired.$version = properties.reported.lastDesiredVersion", true),
        ("properties.reported.lastDesiredStatus.code != 200", true),
        ("properties.desired.limit = properties.reported.limit", true),
        ("properties.reported.$metadata.$lastUpdated < '2026-06-01'", true),
        ("deviceId IN ['a', 'edge-01']", true),
        ("deviceId NIN ['a', 'edge-01']", false),
        ("tags.missing nin ['a']", false),
        ("is_defined(tags.none)", true),
        ("IS_DEFINED(tags.missing)", false),
        ("NOT IS_DEFINED(tags.missing)", true),
        ("is_defined(tags.none) = true", true),
        ("STARTSWITH(devices.deviceId, 'edge-')", true),
        ("EndsWith(deviceId, '-02')", false),
        ("ARRAY_CONTAINS(tags.roles, 'gateway')", true),
        ("ARRAY_CONTAINS(tags.roles, '7')", false),
        ("ARRAY_CONTAINS(tags.location, 'B1')", false),
        ("tags.location.floor * 2 + 1 = 5", true),
        ("tags.location.floor - -1 = 0x3", true),
        ("tags.location.floor / 0 = 1", false),
        ("tags.location.floor % 2 <> 1", true),
        (r"deviceId = 'edge\u002d01'", true),
    ] {
        let condition = parse_condition(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.matches(&twin()), expected, "{text}");
        assert_eq!(parse_condition(&condition.to_string()), Ok(condition), "{text}");
    }
}

#[test]
fn errors_say_what_and_where() {
    for (text, offset, part) in [
        ("", 0, "expected SELECT, but the text ends"),
        ("SELECT * FROM device", 14, "expected devices"),
        ("SELECT * FROM devices.twins", 22, "modules or jobs"),
        ("SELECT * FROM devices WHERE", 27, "an attribute"),
        ("SELECT * FROM devices WHERE tags.ready", 28, "compare it with something"),
        ("SELECT * FROM devices WHERE a = 1 = 2", 34, "the end"),
        ("SELECT * FROM devices WHERE (a = 1) = true", 28, "a condition, not a value"),
        ("SELECT * FROM devices WHERE a = 'x", 32, "never closed"),
        ("SELECT * FROM devices WHERE configurations.base-1.status = 'Applied'", 49, "is written [[base-1]]"),
        ("SELECT * FROM devices WHERE a.[[b = 1", 30, "never closed by ]]"),
        ("SELECT * FROM devices WHERE STARTS_WITH(a, 'x')", 28, "no function of twin queries"),
        ("SELECT * FROM devices WHERE IS_DEFINED(a, b)", 28, "takes 1 arguments"),
        ("SELECT * FROM devices WHERE IS_DEFINED('a')", 28, "takes an attribute"),
        ("SELECT * FROM devices WHERE a IN ['x' 'y']", 38, "expected ,"),
        ("SELECT * FROM devices WHERE a IN [b]", 34, "a constant"),
        ("SELECT * FROM devices WHERE a NIN []", 34, "nothing in the list"),
        ("SELECT * FROM devices WHERE a # b", 30, "'#' has no meaning"),
        ("SELECT * FROM devices ORDER BY a", 22, "the end"),
        ("SELECT TOP 0 * FROM devices", 11, "above 0"),
        ("SELECT * FROM devices GROUP BY status", 7, "GROUP BY needs a list"),
        ("SELECT deviceId, COUNT() AS n FROM devices", 7, "must be the GROUP BY attribute"),
        ("SELECT deviceId FROM devices.jobs", 21, "only be asked for *"),
        ("SELECT MEDIAN(a) FROM devices", 7, "COUNT(), AVG"),
        ("SELECT 1x FROM devices", 7, "no number"),
        (r"SELECT * FROM devices WHERE a = '\q'", 33, "after a backslash"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.offset, offset, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn hostile_sizes_are_refused_without_exhausting_the_stack() {
    let open = format!("SELECT * FROM devices WHERE {}", "(".repeat(8_000));
    assert!(parse(&open).expect_err("nesting").message.contains("deep"));
    let not = format!("SELECT * FROM devices WHERE {}", "not ".repeat(2_000));
    assert!(parse(&not).expect_err("nesting").message.contains("deep"));
    let lists = format!("SELECT * FROM devices WHERE a = {}", "[".repeat(8_000));
    assert!(parse(&lists).is_err());
    let sum = format!("SELECT * FROM devices WHERE a = {}1", "1+".repeat(4_000));
    assert!(parse(&sum).expect_err("operators").message.contains("operators"));
    let long = format!("SELECT * FROM devices WHERE a = '{}'", "x".repeat(MAX_QUERY_CHARS));
    assert_eq!(parse(&long).expect_err("length").offset, MAX_QUERY_CHARS);
}

#[test]
fn target_conditions_have_their_own_strings() {
    let condition = parse_target_condition("tags.owner = 'O''Brien' AND deviceId != ''").expect("condition");
    assert!(condition.matches(&json!({"deviceId": "d", "tags": {"owner": "O'Brien"}})));
    let names: Vec<String> = condition.paths().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["tags.owner", "deviceId"]);
    assert!(parse_target_condition("tags.a = \"x\"").expect_err("quotes").message.contains("single quotes"));
}

#[test]
fn rows_by_example() {
    let documents = [
        json!({"deviceId": "a", "lastActivityTime": "t", "tags": {"site": "x", "n": 1}}),
        json!({"deviceId": "b", "lastActivityTime": "u", "tags": {"site": "y", "n": 2.5}}),
        json!({"deviceId": "c", "tags": {"site": "x", "n": "no number"}}),
        json!({"deviceId": "d", "tags": {}}),
    ];
    for (text, expected) in [
        (
            "SELECT DeviceId, LastActivityTime FROM devices WHERE tags.site = 'y'",
            json!([{"deviceId": "b", "lastActivityTime": "u"}]),
        ),
        (
            "SELECT tags.site, deviceId AS id FROM devices WHERE tags.site = 'x'",
            json!([{"site": "x", "id": "a"}, {"site": "x", "id": "c"}]),
        ),
        ("SELECT TOP 1 deviceId FROM devices", json!([{"deviceId": "a"}])),
        ("SELECT tags.site FROM devices WHERE deviceId = 'd'", json!([{}])),
        ("SELECT COUNT() AS n FROM devices", json!([{"n": 4}])),
        ("SELECT COUNT() AS n FROM devices WHERE deviceId = 'z'", json!([{"n": 0}])),
        (
            "SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site",
            json!([{"site": "x", "n": 2}, {"site": "y", "n": 1}, {"n": 1}]),
        ),
        (
            "SELECT SUM(tags.n) AS s, AVG(tags.n) AS a, MIN(tags.n) AS l, MAX(tags.n) AS g FROM devices",
            json!([{"s": 3.5, "a": 1.75, "l": 1, "g": 2.5}]),
        ),
        ("SELECT AVG(tags.z) AS a, MIN(tags.z) AS l FROM devices", json!([{}])),
        ("SELECT COUNT() FROM devices WHERE tags.site = 'x'", json!([{"count": 2}])),
    ] {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Value::Array(query.run(&documents)), expected, "{text}");
    }
    let all = parse("select  *  from devices where tags.n = 1").expect("query");
    assert_eq!(all.run(&documents), [documents[0].clone()]);
}

#[test]
fn the_hubs_own_metric_queries_parse() {
    for text in [
        "select deviceId from devices where capabilities.iotEdge = true and tags.location='US'",
        "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[base-1]].status = 'Applied' and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code = 200",
        "select count() as _count from devices.modules where moduleId = '$edgeHub'",
        "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'x'",
        "select * from devices where tags.pairs = [ [1], [2, 'b']] or tags.pairs in [ []]",
        "select deviceId from devices where array_contains(parentScopes, 'ms-azure-iot-edge://d-1')",
    ] {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parse(&query.to_string()), Ok(query), "{text}");
    }
}
