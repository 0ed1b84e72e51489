//! What the service refuses to store in a twin: key names, value types and sizes, depth, section sizes.
//! Written apart from the console's own checks on purpose, so that each finds the other's mistakes.

use serde_json::{Map, Value};

const MAX_KEY_BYTES: usize = 1_024;
const MAX_STRING_BYTES: usize = 4_096;
/// Objects nested below the section's root.
const MAX_DEPTH: usize = 10;
const MIN_INTEGER: i64 = -4_503_599_627_370_496;
const MAX_INTEGER: i64 = 4_503_599_627_370_495;
const MAX_TAGS_BYTES: usize = 8 * 1_024;
const MAX_SECTION_BYTES: usize = 32 * 1_024;

/// A limit that a write breaks; `Display` names the path and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub(super) struct Limit {
    path: String,
    rule: String,
}

fn broken<T>(path: &str, rule: impl Into<String>) -> Result<T, Limit> {
    Err(Limit { path: path.to_owned(), rule: rule.into() })
}

/// Checks names, types, single values and depth of what is sent.
pub(super) fn check_values(section: &str, values: &Map<String, Value>) -> Result<(), Limit> {
    check_object(section, values, 0)
}

fn check_object(path: &str, values: &Map<String, Value>, depth: usize) -> Result<(), Limit> {
    for (key, value) in values {
        check_key(path, key)?;
        check_value(&format!("{path}.{key}"), value, depth)?;
    }
    Ok(())
}

fn check_key(path: &str, key: &str) -> Result<(), Limit> {
    if key.len() > MAX_KEY_BYTES {
        return broken(path, format!("a name of {} bytes; at most {MAX_KEY_BYTES} are allowed.", key.len()));
    }
    match key.chars().find(|c| c.is_control() || ['.', '$', '#', ' '].contains(c)) {
        Some(bad) => broken(
            path,
            format!("the name {key:?} holds {bad:?}; '.', '$', '#', blanks and control characters are not allowed."),
        ),
        None => Ok(()),
    }
}

fn check_value(path: &str, value: &Value, depth: usize) -> Result<(), Limit> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::String(text) if text.len() > MAX_STRING_BYTES => {
            broken(path, format!("a text of {} bytes; at most {MAX_STRING_BYTES} are allowed.", text.len()))
        }
        Value::String(_) => Ok(()),
        Value::Number(number) if number.is_f64() => Ok(()),
        Value::Number(number) => match number.as_i64() {
            Some(MIN_INTEGER..=MAX_INTEGER) => Ok(()),
            _ => broken(path, format!("{number} is outside {MIN_INTEGER} to {MAX_INTEGER}.")),
        },
        Value::Object(_) if depth == MAX_DEPTH => broken(path, format!("nested more than {MAX_DEPTH} levels deep.")),
        Value::Object(inner) => check_object(path, inner, depth + 1),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            let path = format!("{path}[{index}]");
            if item.is_null() {
                broken(&path, "null is not allowed inside an array.")
            } else {
                check_value(&path, item, depth)
            }
        }),
    }
}

/// Checks the size of a whole section after the write.
pub(super) fn check_size(section: &str, values: Option<&Map<String, Value>>) -> Result<(), Limit> {
    let most = if section == "tags" { MAX_TAGS_BYTES } else { MAX_SECTION_BYTES };
    let size = values.map_or(0, object_size);
    if size > most { broken(section, format!("{size} bytes; at most {most} are allowed.")) } else { Ok(()) }
}

/// Whether a section stays within its limit whatever of a patch is new in it.
pub(super) fn fits_together(values: &Map<String, Value>, patch: &Map<String, Value>) -> bool {
    object_size(values) + object_size(patch) <= MAX_SECTION_BYTES
}

pub(super) fn object_size(values: &Map<String, Value>) -> usize {
    values.iter().map(|(key, value)| text_size(key) + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text_size(text),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(inner) => object_size(inner),
    }
}

/// UTF-8 bytes without control characters.
fn text_size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!({ "n": inner }))
    }

    #[test]
    fn values_at_and_over_each_limit() {
        for (value, part) in [
            (json!({"": 1, "ä": {}, "a-b/c": [1, {"x": 2}]}), None),
            (json!({"a.b": 1}), Some("'.'")),
            (json!({"a": {"$b": 1}}), Some("tags.a: the name \"$b\"")),
            (json!({"a b": null}), Some("' '")),
            (json!({"a\u{85}": 1}), Some("control")),
            (json!({"k".repeat(1_024): 1}), None),
            (json!({"k".repeat(1_025): 1}), Some("1025 bytes")),
            (json!({"a": "x".repeat(4_096)}), None),
            (json!({"a": "x".repeat(4_097)}), Some("tags.a: a text of 4097 bytes")),
            (json!({"a": [1, null]}), Some("tags.a[1]: null")),
            (json!({"a": MAX_INTEGER, "b": MIN_INTEGER, "c": 1e300}), None),
            (json!({"a": MAX_INTEGER + 1}), Some("outside")),
            (json!({"a": u64::MAX}), Some("outside")),
            (json!({"a": nested(10)}), None),
            (json!({"a": nested(11)}), Some("nested")),
        ] {
            let result = check_values("tags", value.as_object().unwrap());
            match part {
                None => assert_eq!(result, Ok(()), "{value}"),
                Some(part) => assert!(result.clone().expect_err("limit").to_string().contains(part), "{result:?}"),
            }
        }
    }

    #[test]
    fn sections_are_measured_as_documented() {
        let two_values =
            json!({"ab": "x".repeat(4_000), "n": 1, "b": true, "o": {"t": "a\u{1}b"}, "cd": "x".repeat(4_000)});
        let map = two_values.as_object().unwrap();
        assert_eq!(object_size(map), 4_002 + 9 + 5 + 1 + 3 + 4_002);
        assert_eq!(check_size("tags", Some(map)), Ok(()));
        let mut more = map.clone();
        more.insert("e".to_owned(), json!("x".repeat(200)));
        assert!(check_size("tags", Some(&more)).is_err());
        assert_eq!(check_size("properties.desired", Some(&more)), Ok(()));
    }
}
