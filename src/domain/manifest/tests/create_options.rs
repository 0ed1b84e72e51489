//! `createOptions` that do not fit into one value are split over several, and joined to the same.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

#[test]
fn options_that_do_not_fit_are_split_and_the_rest_is_left_as_found() {
    let found = json!({"image": "a", "createOptions": "{", "createOptions01": "}", "digest": "d"});
    assert_eq!(Value::Object(fit(found.as_object().unwrap()).unwrap()), found);
    let large = format!("{{\"User\":\"{}\"}}", "x".repeat(5_000));
    let settings = json!({"image": "a", "createOptions": large, "digest": "d"});
    let fitted = fit(settings.as_object().unwrap()).unwrap();
    assert_eq!(join(&fitted).unwrap(), large);
    assert_eq!(fitted.keys().next_back().map(String::as_str), Some("digest"));
    assert_eq!(fitted.keys().nth(1).map(String::as_str), Some("createOptions"));
    assert_eq!(fitted.keys().nth(10).map(String::as_str), Some("createOptions09"));
    assert_eq!(split(&"x".repeat(51_201)), Err(CreateOptionsError::TooLong(101)));
    assert_eq!(split(&"x".repeat(51_200)).unwrap().len(), AGENT_CHUNKS);
    for (settings, error) in [
        (json!({"createOptions01": "{}"}), CreateOptionsError::First("createOptions01".to_owned())),
        (
            json!({"createOptions": "", "createOptions02": ""}),
            CreateOptionsError::Gap { expected: 1, found: "createOptions02".to_owned() },
        ),
        // Without leading zeros, 10 comes before 2.
        (
            (0..12)
                .map(|n| (if n == 0 { "createOptions".to_owned() } else { format!("createOptions{n}") }, json!("")))
                .collect(),
            CreateOptionsError::Gap { expected: 2, found: "createOptions10".to_owned() },
        ),
        (
            json!({"createOptions": "", "my_createOptions": ""}),
            CreateOptionsError::Gap { expected: 1, found: "my_createOptions".to_owned() },
        ),
    ] {
        assert_eq!(join(settings.as_object().unwrap()), Err(error), "{settings}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_split_joins_to_the_same(text in "(\\PC|[a-z\"{}🦀]){0,9000}", shift in any::<u64>()) {
        let Ok(mut pieces) = split(&text) else { return Ok(()) };
        for (_, piece) in &pieces {
            prop_assert!(piece.len() <= 4096);
            prop_assert!(pieces.len() == 1 || piece.encode_utf16().count() <= CHUNK_UNITS);
        }
        // Twins keep no order of members.
        let middle = usize::try_from(shift % pieces.len() as u64).unwrap();
        pieces.rotate_left(middle);
        let settings: Map<String, Value> =
            pieces.into_iter().map(|(key, piece)| (key, Value::String(piece))).collect();
        prop_assert_eq!(join(&settings), Ok(text));
        prop_assert_eq!(fit(&settings).unwrap(), settings);
    }
}
