//! The grammar by example with what edgeHub does about each mistake, conditions by example, and the law that printing
//! and parsing are inverse.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::types::{binary, kind, may_invert, may_negate};
use super::*;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn module(module: &str, output: Option<&str>) -> MessageSource {
    MessageSource::Module { module: module.to_owned(), output: output.map(str::to_owned) }
}

fn message() -> RoutedMessage {
    let body = json!({
        "t": 50, "s": "WA", "yes": true, "no": false, "nothing": null, "when": "2026-01-02T03:04:05.1Z", "n": "50.5",
        "list": [20, 30, {"m": "Feb"}], "o": {"é": "x"}, "shadow": 100,
    });
    RoutedMessage {
        source: module("sensor", Some("temperature")),
        properties: texts(&[
            ("level", "alarm"),
            ("count", "12"),
            ("empty", ""),
            ("$own", "mine"),
            ("$body.shadow", "property"),
            ("$contentType", "faked"),
            ("1abc", "x"),
            ("emoji", "a🦀b"),
        ]),
        system: texts(&[
            ("connectionDeviceId", "edge-1"),
            ("connectionModuleId", "sensor"),
            ("contentType", "Application/JSON"),
            ("contentEncoding", "UTF-8"),
        ]),
        body: body.to_string().into_bytes(),
    }
}

/// The truth of a condition; nothing for undefined.
fn truth(condition: &str) -> Option<bool> {
    let selects = |condition: &str| {
        let text = format!("FROM /messages WHERE {condition} INTO $upstream");
        let route = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parse(&route.to_string()).as_ref(), Ok(&route), "{text} printed as {route}");
        route.selects(&message())
    };
    // What is not true and whose opposite is not true either is undefined.
    match (selects(condition), selects(&format!("NOT ({condition})"))) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
        (true, true) => panic!("{condition} is both"),
    }
}

#[test]
fn sources_are_prefixes_of_whole_segments() {
    let output = module("a", Some("o"));
    for (source, message, matches) in [
        ("/*", output.clone(), true),
        ("/*", MessageSource::TwinChange, true),
        ("/messages/*", MessageSource::Device, true),
        ("/messages", MessageSource::Device, true),
        ("/messages/*", MessageSource::TwinChange, false),
        ("/twinchangenotifications", MessageSource::TwinChange, true),
        ("/messages/modules/*", MessageSource::Device, false),
        ("/messages/modules/*", output.clone(), true),
        ("/messages/modules/A", output.clone(), true),
        ("/messages/modules/a/*", module("a", None), true),
        ("/messages/modules/a/*", module("ab", None), false),
        ("/messages/modules/a*", module("ab", None), false),
        ("/messages/modules/a/outputs/*", module("a", None), false),
        ("/messages/modules/a/outputs/*", output.clone(), true),
        ("/messages/modules/a/outputs/O", output.clone(), true),
        ("/messages/modules/a/outputs/o2", output.clone(), false),
        ("/messages/modules/*/outputs/o", output.clone(), false),
        ("/MESSAGES / modules / a", output, true),
    ] {
        let route = parse(&format!("from {source} into $UPSTREAM")).unwrap();
        assert_eq!(route.source.matches(&message.path()), matches, "{source} {message:?}");
        assert_eq!(route.source.matches_nothing(), source.contains("/*/"), "{source}");
        assert_eq!(parse(&route.to_string()), Ok(route));
    }
}

#[test]
fn sinks_by_example() {
    let input = |module: &str, input: &str| Sink::Module { module: module.to_owned(), input: input.to_owned() };
    for (sink, expected) in [
        ("$upstream", Sink::Upstream),
        ("$Upstream and whatever follows (", Sink::Upstream),
        ("BrokeredEndpoint(\"/modules/a/inputs/i\")", input("a", "i")),
        ("brokeredendpoint ( ' modules/a/inputs/i/ ' ) ;", input("a", "i")),
        ("BrokeredEndpoint('/modules/a\"b/inputs/i')", input("a\"b", "i")),
        ("BrokeredEndpoint(\"/modules/a'b/inputs/*/\")", input("a'b", "*")),
        ("BrokeredEndpoint(\"/x/a/y//\")", input("a", "")),
    ] {
        let route =
            parse(&format!("SELECT * FROM /messages INTO {sink}")).unwrap_or_else(|error| panic!("{sink}: {error}"));
        assert_eq!(route.sink, expected, "{sink}");
        assert_eq!(parse(&route.to_string()), Ok(route));
    }
}

#[test]
fn conditions_by_example() {
    let yes = Some(true);
    let no = Some(false);
    for (condition, expected) in [
        ("level = 'alarm'", yes),
        ("level = \"alarm\" AND $connectionDeviceId = 'edge-1'", yes),
        ("level <> 'alarm'", no),
        ("LEVEL = 'alarm'", None),
        ("missing != 'x'", None),
        ("missing = 'x' OR level = 'alarm'", yes),
        ("missing = 'x' AND level = 'x'", no),
        ("IS_DEFINED(missing) = false", yes),
        ("NOT is_defined($connectionModuleId)", no),
        // Names may hold almost anything, so that blanks matter.
        ("1abc = 'x'", yes),
        ("as_number(count) - 2 = 10", yes),
        ("as_number(count) = 1.2e1 AND 0xC = 12 AND 6*2 = 'x' OR true", yes),
        ("2 + 3 * 4 = 14 AND (2 + 3) * 4 = 20 AND 7 % 4 = 3 AND 8 / 2 / 2 = 2", yes),
        ("1 - 2 - 3 = -4", yes),
        ("- as_number(count) = -12", yes),
        ("'a' || 'b' = 'ab'", yes),
        ("1 < 2 = true", yes),
        ("true OR false AND false", yes),
        ("(missing ?? 'x') = 'x'", yes),
        ("NOT true = false", yes),
        ("as_number(level) > 0", None),
        ("1 / 0 > 5", yes),
        ("0 / 0 = 0", None),
        ("true AND undefined", None),
        ("false AND undefined", no),
        ("undefined = undefined", None),
        ("null = null", yes),
        ("null OR true", yes),
        ("e5 = e5", None),
        // System properties, and the application's that hide them.
        ("$own = 'mine'", yes),
        ("$contentType = 'faked'", yes),
        ("{$contentType} = 'Application/JSON'", yes),
        ("{$own} = 'mine'", None),
        ("$body = 'x'", None),
        // The body is of any kind, and kinds are ordered.
        ("$body.t >= 50 AND 50 >= $body.t", yes),
        ("$BODY.t = '50'", no),
        ("$body.t <> '100'", yes),
        ("$body.s = 'WA'", yes),
        ("$body.list[0] + $body.list[1] = 50", yes),
        ("$body.list[2].m = 'Feb'", yes),
        ("$body.list[9] = null", yes),
        ("$body.o.é = 'x'", yes),
        ("$body.missing != 5", yes),
        ("$body.missing > 5", yes),
        ("$body.missing = null", yes),
        ("$body.nothing = null", yes),
        ("$body.T = null", yes),
        ("$body.list = null", None),
        ("$body.when = '2026-01-02T03:04:05.1Z'", None),
        ("missing <> $body.missing", None),
        ("$body.yes AND NOT $body.no", yes),
        ("$body.no AND $body.t", None),
        ("NOT $body.missing", None),
        ("$body.shadow = 'property'", yes),
        ("{$body.shadow} = 100", yes),
        ("($body.t ?? 1) = 50 AND (missing ?? $body.t) = 50", yes),
        // Functions.
        ("abs(-2) = 2 AND exp(0) = 1 AND power(2, 3) = 8 AND square(3) = 9 AND sqrt(16) = 4", yes),
        ("ceiling(1.2) = 2 AND floor(-1.2) = -2 AND sign(-3) = -1 AND sign(0) = 0", yes),
        ("sqrt(-1) = 1", None),
        ("as_number(' 1,234.5- ') = -1234.5 AND as_number('(5)') = -5 AND as_number($body.n) = 50.5", yes),
        ("as_number(empty) = 0", None),
        ("is_bool(true) AND NOT is_bool(level) AND is_number(5) AND is_string(level) AND NOT is_string(missing)", yes),
        ("is_bool($body.missing)", no),
        ("is_number(1 / 0)", no),
        ("is_defined(undefined)", no),
        ("is_defined($body.missing)", yes),
        ("is_null(null) AND NOT is_null(missing)", yes),
        // What is in the body is null to edgeHub, and what is not in it is not.
        ("is_null($body.t) AND is_null($body.nothing) AND NOT is_null($body.missing)", yes),
        ("concat(level, '-', count) = 'alarm-12'", yes),
        ("concat(level, missing) = 'x'", None),
        ("length(emoji) = 4 AND index_of(emoji, 'b') = 3 AND substring(emoji, 3) = 'b'", yes),
        ("upper(level) = 'ALARM' AND upper('ß') = 'ß' AND lower('ÀB') = 'àb'", yes),
        ("substring(level, 1, 2) = 'la' AND substring(level, 5) = ''", yes),
        ("substring(level, 5, 0) = ''", None),
        ("substring(level, 0, 6) = ''", None),
        ("starts_with(level, 'al') AND ends_with(level, 'rm') AND CONTAINS(level, 'lar')", yes),
        ("index_of(level, 'z') = -1", yes),
        // Escapes are resolved twice.
        (r#"'a\u0041\'' = "aA'""#, yes),
        (r"'\\u0041' = '\u005cA'", yes),
        ("level /* not this */ = 'alarm'", yes),
    ] {
        assert_eq!(truth(condition), expected, "{condition}");
    }
}

#[test]
fn a_body_that_does_not_say_what_it_is_is_undefined() {
    let utf16: Vec<u8> = "{\"t\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf32: Vec<u8> = "{\"t\":1}".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let route = parse("FROM /* WHERE $body.t = 1 INTO $upstream").unwrap();
    for (content_type, encoding, body, selects) in [
        ("application/json", "utf-8", b"{\"t\":1}".to_vec(), true),
        ("application/json", "utf-16", utf16.clone(), true),
        ("application/json", "UTF-32", utf32, true),
        ("application/json", "utf-8", utf16, false),
        ("application/json; charset=utf-8", "utf-8", b"{\"t\":1}".to_vec(), false),
        ("application/json", "ascii", b"{\"t\":1}".to_vec(), false),
        ("application/json", "utf-8", b"[1]".to_vec(), false),
        ("application/json", "utf-8", b"{".to_vec(), false),
    ] {
        let mut message = message();
        message.system = texts(&[("contentType", content_type), ("contentEncoding", encoding)]);
        message.body = body;
        assert_eq!(route.selects(&message), selects, "{content_type} {encoding}");
    }
}

const SYNTAX: &str =
    "Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown.";

#[test]
fn what_edge_hub_reports() {
    for (text, offset, words) in [
        ("FORM /messages/* INTO $upstream", 0, SYNTAX),
        ("SELECT FROM /* INTO $upstream", 7, SYNTAX),
        ("FROM INTO $upstream", 5, SYNTAX),
        ("FROM device messages INTO $upstream", 5, SYNTAX),
        ("FROM /messages/ INTO $upstream", 16, SYNTAX),
        ("FROM /messages/modules/123/* INTO $upstream", 23, SYNTAX),
        ("FROM /messages/modules/into/* INTO $upstream", 23, SYNTAX),
        ("FROM /messages/modules/a[0] INTO $upstream", 23, SYNTAX),
        ("FROM /* INTO brokeredEndpoint(\"/modules/a/inputs/in')", 30, SYNTAX),
        ("FROM /* INTO brokeredEndpoint(\"\"/modules/a/inputs/in\"\")", 32, SYNTAX),
        ("FROM /messages WHERE temp == 100 INTO $upstream", 27, SYNTAX),
        ("FROM /messages WHERE a && b INTO $upstream", 23, SYNTAX),
        ("FROM /messages WHERE a -1 = 0 INTO $upstream", 23, SYNTAX),
        ("FROM /messages WHERE INTO $upstream", 21, SYNTAX),
        ("FROM /messages WHERE 'x INTO $upstream", 38, SYNTAX),
        ("FROM /messages WHERE temp = 'high' INTO", 39, SYNTAX),
        ("FROM /messages INTO brokeredEndpoint(\"/modules/a/inputs/in\"", 59, SYNTAX),
        ("FROM /messages INTO brokeredEndpoint \"/modules/a/inputs/in\")", 37, SYNTAX),
        ("FROM /messages INTO \"/modules/a/inputs/in\"", 20, SYNTAX),
        ("FROM /messages INTO upstream", 28, SYNTAX),
        ("FROM /messages", 14, SYNTAX),
        ("FROM /messages/* WHERE a = '*/' INTO $upstream", 30, SYNTAX),
        ("FROM /messages WHERE {a} = 'x' INTO $upstream", 22, SYNTAX),
        // The grammar speaks before the compiler does.
        ("FROM /messages WHERE nope(a) = 1 = INTO $upstream", 35, SYNTAX),
        ("FROM /* INTO $iothub", 13, "System endpoint type '$iothub' not supported."),
        ("FROM /* INTO Endpoint('/modules/a/inputs/i')", 13, "Function endpoint type 'Endpoint' not supported."),
        (
            "FROM /* INTO BrokeredEndpoint('/modules/a/i')",
            30,
            "Parameter string modules/a/i could not be parsed. Expect input in this format - /modules/{mid}/inputs/{input}",
        ),
        ("FROM /* INTO BrokeredEndpoint(' ')", 30, "parameterString is null or whitespace."),
        (" /* nothing */ ", 0, "Source cannot be null or empty"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.offset, offset, "{text}: {error}");
        assert_eq!(error.effect, RouteEffect::Reported(words.to_owned()), "{text}: {error}");
        assert_eq!(
            error.reported_for("r1").as_deref(),
            Some(format!("Error while parsing desired properties - Error parsing route r1 - {words}").as_str())
        );
    }
}

#[test]
fn what_edge_hub_keeps_quiet_about() {
    for (condition, offset, part) in [
        ("temperature > 30", 12, "as_number"),
        ("count = 12", 6, "as_number"),
        ("NOT level = 'alarm'", 0, "NOT (a = b)"),
        ("level = null", 6, "a text = null"),
        ("level = undefined", 6, "IS_DEFINED"),
        ("$body.x = undefined", 8, "IS_DEFINED"),
        ("true AND $body.flag", 5, "on the left"),
        ("level AND true", 6, "a text AND"),
        ("1 || 'a'", 2, "a number ||"),
        ("$body.a % 2 = 0", 8, "%"),
        ("- $body.a = 1", 0, "takes a number"),
        ("missing ?? 5 = 5", 8, "??"),
        ("level = 'a' ?? 'b'", 12, "??"),
        ("startswith(level, 'a')", 0, "no function"),
        ("twin_change_includes(tags.a)", 0, "every source"),
        ("length(5) = 1", 0, "does not take (a number)"),
        ("substring(level) = 'x'", 0, "does not take (a text)"),
        ("concat(level) = 'x'", 0, "does not take"),
        ("is_defined() ", 0, "does not take ()"),
        ("(level = 'alarm'", 0, "never closed"),
        ("level = ('alarm'))", 17, "closes nothing"),
        ("length('a')) = 1", 11, "closes nothing"),
        ("NOT (true))", 10, "closes nothing"),
        ("level ; 'alarm'", 6, "; means nothing"),
        ("@level = 'alarm'", 0, "@ means nothing"),
        ("$body. = 1", 0, "path into the body"),
        ("$body.a[] = 1", 0, "path into the body"),
        ("$body.a..b = 1", 0, "path into the body"),
        ("$body.0 = 1", 0, "path into the body"),
        ("$body.a[x] = 1", 0, "path into the body"),
    ] {
        let start = "FROM /messages WHERE ";
        let error = parse(&format!("{start}{condition} INTO $upstream")).expect_err(condition);
        assert_eq!(error.effect, RouteEffect::Silent, "{condition}: {error}");
        assert_eq!(error.offset - start.len(), offset, "{condition}: {error}");
        assert!(error.message.contains(part), "{condition}: {error}");
        assert_eq!(error.reported_for("r"), None);
    }
}

#[test]
fn each_endpoint_gets_a_message_once_by_its_first_priority() {
    let texts = [
        ("all", "FROM /* INTO $upstream", 2_000_000_000, None),
        ("alarm", "FROM /* WHERE level = 'alarm' INTO $upstream", 3, Some(60)),
        ("later", "FROM /messages/* INTO $upstream", 3, Some(70)),
        ("never", "FROM /* WHERE level = 'x' INTO $upstream", 0, None),
        ("filter", "FROM /* INTO BrokeredEndpoint('/modules/f/inputs/i')", 9, None),
        ("case", "FROM /* INTO BrokeredEndpoint('/modules/F/inputs/i')", 9, None),
    ];
    let routes: Vec<Route> = texts.iter().map(|(_, text, ..)| parse(text).unwrap()).collect();
    let candidates = || {
        texts.iter().zip(&routes).map(|((name, _, priority, seconds), route)| Candidate {
            name,
            route,
            priority: *priority,
            time_to_live: seconds.map(Duration::from_secs),
        })
    };
    let names: Vec<&str> = choose(candidates(), &message()).iter().map(|chosen| chosen.name).collect();
    assert_eq!(names, ["alarm", "filter", "case"]);
    assert_eq!(choose(candidates(), &message())[0].time_to_live, Some(Duration::from_mins(1)));
    let quiet = RoutedMessage { properties: BTreeMap::new(), source: MessageSource::TwinChange, ..message() };
    let names: Vec<&str> = choose(candidates(), &quiet).iter().map(|chosen| chosen.name).collect();
    assert_eq!(names, ["all", "filter", "case"]);
    assert!(choose([], &quiet).is_empty());
}

#[test]
fn hostile_sizes_are_refused_without_exhausting_the_stack() {
    for part in ["(", "NOT ", "- ", "f(", "; "] {
        let text = format!("FROM /* WHERE {} INTO $upstream", part.repeat(20_000));
        assert!(parse(&text).is_err(), "{part}");
    }
    let sum = format!("FROM /* WHERE {}1 = 1 INTO $upstream", "1 + ".repeat(4_000));
    assert!(parse(&sum).unwrap_err().message.contains("operators"));
}

fn any_leaf() -> impl Strategy<Value = Expr> {
    let name = "[a-z_!'#&^~.+*%|-]{1,6}[x-z]";
    prop_oneof![
        Just(Expr::Undefined),
        Just(Expr::Null),
        any::<bool>().prop_map(Expr::Bool),
        any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Expr::Number),
        any::<String>().prop_map(Expr::Text),
        "[\\\\u\"'0-9*/]{0,8}".prop_map(Expr::Text),
        name.prop_filter("no string", |name| !name.starts_with('\'')).prop_map(Expr::Property),
        ("[a-zA-Z]{1,5}", any::<bool>()).prop_map(|(name, escaped)| Expr::System { name, escaped }),
        ("(body|BODY)\\.[a-z]{1,3}(\\[[0-9]\\])?(\\.[a-z]{1,3})?", any::<bool>())
            .prop_map(|(path, escaped)| Expr::Body { path: BodyPath::parse(&path).unwrap(), escaped }),
    ]
}

/// Expressions edgeHub compiles: what does not fit together is replaced by its left part.
fn any_expr() -> impl Strategy<Value = Expr> {
    let operators = vec![
        Binary::Multiply,
        Binary::Divide,
        Binary::Remainder,
        Binary::Add,
        Binary::Subtract,
        Binary::Concat,
        Binary::Less,
        Binary::LessOrEqual,
        Binary::Greater,
        Binary::GreaterOrEqual,
        Binary::Equal,
        Binary::NotEqual,
        Binary::And,
        Binary::Or,
        Binary::Coalesce,
    ];
    let calls = vec![
        Function::Abs,
        Function::AsNumber,
        Function::IsDefined,
        Function::IsNull,
        Function::Length,
        Function::Upper,
    ];
    any_leaf().prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            4 => (prop::sample::select(operators.clone()), inner.clone(), inner.clone()).prop_map(|(operator, a, b)| {
                if binary(operator, kind(&a), kind(&b)).is_some() {
                    Expr::Binary(operator, Box::new(a), Box::new(b))
                } else {
                    a
                }
            }),
            1 => inner.clone().prop_map(|a| if may_invert(kind(&a)) { Expr::Not(Box::new(a)) } else { a }),
            1 => inner.clone().prop_map(|a| if may_negate(kind(&a)) { Expr::Negate(Box::new(a)) } else { a }),
            1 => (prop::sample::select(calls.clone()), inner).prop_map(|(function, a)| {
                if function.takes(&[kind(&a)]) { Expr::Call(function, vec![a]) } else { a }
            }),
        ]
    })
}

fn any_route() -> impl Strategy<Value = Route> {
    let source = "(/(\\*|m[a-z-]{0,5})){1,4}".prop_map(Source::new);
    let sink = prop_oneof![
        Just(Sink::Upstream),
        ("[a-zA-Z '*]{0,6}", "[a-z\"* ]{0,6}").prop_map(|(module, input)| Sink::Module { module, input }),
        ("[a-zA-Z \"*]{0,6}", "[a-z* ]{0,6}").prop_map(|(module, input)| Sink::Module { module, input }),
    ];
    (source, prop::option::of(any_expr()), sink)
        .prop_filter("an address has one kind of quotes", |(_, _, sink)| match sink {
            Sink::Module { module, input } => !(module.contains('\'') && input.contains('"')),
            Sink::Upstream => true,
        })
        .prop_map(|(source, condition, sink)| Route { source, condition, sink })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn printing_and_parsing_are_inverse(route in any_route()) {
        let printed = route.to_string();
        prop_assert_eq!(parse(&printed), Ok(route.clone()), "{}", printed);
        let _ran = route.selects(&message());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", tail in "[a-c0-9 .=<>'\"\\[\\](),*$/{};?|!-]{0,60}") {
        drop(parse(&text));
        for text in [format!("FROM /* WHERE {tail} INTO $upstream"), format!("FROM /{tail}"), format!("FROM /a INTO {tail}")] {
            if let Ok(route) = parse(&text) {
                prop_assert_eq!(parse(&route.to_string()), Ok(route.clone()), "{} printed as {}", text, route);
            }
        }
    }
}
