//! Laws that hold for every query: printing and parsing are inverse, nothing makes the parser or the evaluation panic, and
//! rows are neither lost nor made up.

use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::super::*;

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
        (
            prop::sample::select(vec![Function::StartsWith, Function::EndsWith, Function::ArrayContains]),
            any_value(),
            any_value()
        )
            .prop_map(|(function, a, b)| Expr::Call(function, vec![a, b])),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Expr::Not(Box::new(a))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Expr::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn any_alias() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[a-z]{3}_[a-z]{0,3}")
}

fn any_aggregate() -> impl Strategy<Value = Aggregate> {
    prop_oneof![
        Just(Aggregate::Count),
        any_path().prop_map(Aggregate::Average),
        any_path().prop_map(Aggregate::Sum),
        any_path().prop_map(Aggregate::Min),
        any_path().prop_map(Aggregate::Max),
    ]
}

/// What is selected, from where, and by which groups: what the grammar lets go together.
fn any_shape() -> impl Strategy<Value = (Select, Source, Option<Path>)> {
    let twins = || prop::sample::select(vec![Source::Devices, Source::Modules]);
    let column = (any_path(), any_alias()).prop_map(|(path, alias)| Item { value: Projection::Path(path), alias });
    let figure =
        (any_aggregate(), any_alias()).prop_map(|(value, alias)| Item { value: Projection::Aggregate(value), alias });
    let columns = (prop::collection::vec(column, 1..3), twins());
    let figures = (prop::collection::vec(figure, 1..3), twins(), prop::option::of((any_path(), any_alias())));
    prop_oneof![
        prop::sample::select(vec![Source::Devices, Source::Modules, Source::Jobs]).prop_map(|source| (
            Select::All,
            source,
            None
        )),
        columns.prop_map(|(items, source)| (Select::Items(items), source, None)),
        figures.prop_map(|(mut items, source, by)| {
            let by = by.map(|(path, alias)| {
                items.push(Item { value: Projection::Path(path.clone()), alias });
                path
            });
            (Select::Items(items), source, by)
        }),
    ]
}

fn any_query() -> impl Strategy<Value = Query> {
    let condition = prop::option::of(any_condition().prop_map(Condition));
    (prop::option::of(1_u64..1_000), any_shape(), condition)
        .prop_map(|(top, (select, source, group_by), condition)| Query { top, select, source, condition, group_by })
}

/// Words of the language in an order of their own.
fn any_soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "SELECT",
        "TOP",
        "*",
        "FROM",
        "devices",
        "devices.modules",
        "WHERE",
        "GROUP BY",
        "AS",
        "AND",
        "OR",
        "NOT",
        "IN",
        "NIN",
        "(",
        ")",
        "[",
        "]",
        "[[",
        "]]",
        ",",
        ".",
        "=",
        "<>",
        "-",
        "+",
        "/",
        "'a'",
        "\"b\"",
        "'",
        "1",
        "0x1F",
        "1e400",
        "1.",
        "true",
        "null",
        "undefined",
        "tags.a",
        "$version",
        "COUNT()",
        "AVG(",
        "IS_DEFINED(",
        "STARTSWITH(",
        "\\u12",
        "\u{e9}",
        "#",
    ]);
    prop::collection::vec((word, prop::bool::ANY), 0..24).prop_map(|words| {
        words.into_iter().map(|(word, blank)| format!("{word}{}", if blank { " " } else { "" })).collect()
    })
}

/// A document in which some of the attributes of [`any_path`] are found.
fn any_document() -> impl Strategy<Value = Value> {
    prop::collection::vec((any_path(), any_constant()), 0..6).prop_map(|leaves| {
        let mut root = json!({});
        for (path, value) in leaves {
            let mut node = &mut root;
            for segment in path.segments() {
                if !node.is_object() {
                    *node = json!({});
                }
                node = &mut node[segment.as_str()];
            }
            *node = value;
        }
        root
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(query in any_query()) {
        let text = query.to_string();
        prop_assume!(text.chars().count() <= MAX_QUERY_CHARS);
        prop_assert_eq!(parse(&text), Ok(query));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", tail in "[a-z0-9 .=<>'\"\\[\\](),*$-]{0,60}", soup in any_soup()) {
        let condition = format!("SELECT * FROM devices WHERE {tail}");
        for text in [&text, &condition, &soup, &format!("SELECT {soup}"), &format!("SELECT * FROM devices WHERE {soup}")] {
            match parse(text) {
                // Whatever is taken, is taken again as it is printed.
                Ok(query) => prop_assert_eq!(parse(&query.to_string()), Ok(query), "{}", text),
                Err(error) => prop_assert!(text.is_char_boundary(error.offset), "{}: {}", text, error),
            }
            drop(parse_target_condition(text));
        }
    }

    #[test]
    fn rows_are_the_documents_that_match(query in any_query(), documents in prop::collection::vec(any_document(), 0..6)) {
        let rows = query.run(&documents);
        let matching = documents.iter().filter(|document| query.matches(document)).count();
        let top = query.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(usize::MAX);
        match (query.is_aggregate(), &query.group_by) {
            (false, _) => prop_assert_eq!(rows.len(), matching.min(top)),
            (true, None) => prop_assert_eq!(rows.len(), 1),
            (true, Some(_)) => prop_assert!(rows.len() <= matching.min(top)),
        }
        // A condition and its opposite are never both true, and undefined is neither.
        if let Some(condition) = &query.condition {
            let opposite = Condition(Expr::Not(Box::new(condition.expr().clone())));
            prop_assert!(documents.iter().all(|document| !(condition.matches(document) && opposite.matches(document))));
        }
    }
}
