//! The grammar by example, evaluation by example, and the law that printing and parsing are inverse.

use proptest::prelude::*;
use serde_json::{Number, Value, json};

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

fn any_path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof![
        "[a-z$_][a-zA-Z0-9$_]{0,5}",
        "[a-z -]{1,6}",
        Just("select".to_owned()),
        Just("devices".to_owned()),
        Just("DEVICEID".to_owned()),
        Just("tags".to_owned()),
    ];
    prop::collection::vec(segment, 1..4).prop_map(Path::new)
}

fn any_constant() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Value::Number)),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::Array))
}

fn any_value() -> impl Strategy<Value = Expr> {
    let leaf =
        prop_oneof![any_path().prop_map(Expr::Path), any_constant().prop_map(Expr::Literal), Just(Expr::Undefined)];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let operator = prop::sample::select(vec![
            Arithmetic::Add,
            Arithmetic::Subtract,
            Arithmetic::Multiply,
            Arithmetic::Divide,
            Arithmetic::Remainder,
        ]);
        (operator, inner.clone(), inner).prop_map(|(op, a, b)| Expr::Arithmetic(op, Box::new(a), Box::new(b)))
    })
}

fn any_condition() -> impl Strategy<Value = Expr> {
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let leaf = prop_oneof![
        (comparison, any_value(), any_value()).prop_map(|(op, a, b)| Expr::Compare(op, Box::new(a), Box::new(b))),
        (any_value(), any::<bool>(), prop::collection::vec(any_constant(), 1..3))
            .prop_map(|(value, negated, list)| Expr::In { value: Box::new(value), negated, list }),
        any_path().prop_map(|path| Expr::Call(Function::IsDefined, vec![Expr::Path(path)])),
        (any_value(), any_value()).prop_map(|(a, b)| Expr::Call(Function::StartsWith, vec![a, b])),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Expr::Not(Box::new(a))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Expr::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let source = prop::sample::select(vec![Source::Devices, Source::Modules]);
    let item = (any_path(), prop::option::of("[a-z]{3}_[a-z]{0,3}"))
        .prop_map(|(path, alias)| Item { value: Projection::Path(path), alias });
    let select = prop_oneof![Just(Select::All), prop::collection::vec(item, 1..3).prop_map(Select::Items)];
    (prop::option::of(1_u64..1_000), select, source, prop::option::of(any_condition().prop_map(Condition)))
        .prop_map(|(top, select, source, condition)| Query { top, select, source, condition, group_by: None })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn printing_and_parsing_are_inverse(query in any_query()) {
        prop_assert_eq!(parse(&query.to_string()), Ok(query));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", tail in "[a-z0-9 .=<>'\"\\[\\](),*$-]{0,60}") {
        drop(parse(&text));
        drop(parse(&format!("SELECT * FROM devices WHERE {tail}")));
    }
}
