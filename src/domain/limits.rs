//! The hub's limits for twins, checked while typing so that the hub never has to refuse (iot-hub-api §5.5).

use serde_json::{Map, Value};

use super::json::Path;

/// Which half of a twin a document is meant for; the two have different sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// Tags of a device or module twin.
    Tags,
    /// Desired (and reported) properties.
    Desired,
}

impl SectionKind {
    /// The most bytes the hub takes, by its own way of counting.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Self::Tags => 8 * 1024,
            Self::Desired => 32 * 1024,
        }
    }
}

/// The most bytes of one string value.
pub const VALUE_BYTES: usize = 4 * 1024;
/// The most bytes of one key.
pub const KEY_BYTES: usize = 1024;
/// The most objects inside each other.
pub const DEPTH: usize = 10;
/// The integers the hub takes: -2^52 to 2^52 - 1.
pub const INTEGERS: std::ops::RangeInclusive<i64> = -(1 << 52)..=(1 << 52) - 1;

/// One thing the hub would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFinding {
    /// Where.
    pub path: Path,
    /// What is wrong, as a sentence without its subject: `is 5000 bytes; a value has at most 4096`.
    pub message: String,
}

/// Everything in `document` that the hub would refuse in a section of `kind`.
#[must_use]
pub fn check(kind: SectionKind, document: &Map<String, Value>) -> Vec<LimitFinding> {
    let mut found = Vec::new();
    walk(document, &Path::root(), 1, &mut found);
    let bytes = size(document);
    if bytes > kind.limit() {
        found.push(LimitFinding {
            path: Path::root(),
            message: format!("is {bytes} bytes by the hub's count; the section has at most {}", kind.limit()),
        });
    }
    found
}

/// The section's size as the hub counts: keys and strings by UTF-8 length without control characters, numbers 8,
/// booleans 4.
#[must_use]
pub fn size(document: &Map<String, Value>) -> usize {
    document.iter().map(|(key, value)| text_size(key) + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text_size(text),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(map) => size(map),
    }
}

fn text_size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).map(char::len_utf8).sum()
}

fn walk(map: &Map<String, Value>, at: &Path, depth: usize, found: &mut Vec<LimitFinding>) {
    for (key, value) in map {
        let path = at.child(key);
        if let Some(bad) = key.chars().find(|c| c.is_control() || matches!(c, '.' | '$' | '#' | ' ')) {
            found.push(LimitFinding {
                path: path.clone(),
                message: format!("has {bad:?} in its key; keys have no '.', '$', '#', space or control character"),
            });
        }
        if key.len() > KEY_BYTES {
            found.push(LimitFinding {
                path: path.clone(),
                message: format!("has a key of {} bytes; a key has at most {KEY_BYTES}", key.len()),
            });
        }
        check_value(value, &path, depth, found);
    }
}

fn check_value(value: &Value, path: &Path, depth: usize, found: &mut Vec<LimitFinding>) {
    match value {
        Value::String(text) if text.len() > VALUE_BYTES => found.push(LimitFinding {
            path: path.clone(),
            message: format!("is {} bytes; a value has at most {VALUE_BYTES}", text.len()),
        }),
        Value::Number(number) => {
            let fits = match (number.as_i64(), number.as_u64()) {
                (Some(n), _) => INTEGERS.contains(&n),
                (None, Some(_)) => false,
                (None, None) => true,
            };
            if !fits {
                found.push(LimitFinding {
                    path: path.clone(),
                    message: format!("is {number}; integers lie from {} to {}", INTEGERS.start(), INTEGERS.end()),
                });
            }
        }
        Value::Object(map) => {
            if depth > DEPTH {
                found.push(LimitFinding { path: path.clone(), message: format!("nests deeper than {DEPTH} levels") });
            } else {
                walk(map, path, depth + 1, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                if item.is_null() {
                    found.push(LimitFinding {
                        path: path.clone(),
                        message: "has a null inside an array, which the hub refuses".to_owned(),
                    });
                } else {
                    check_value(item, path, depth + 1, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn findings(kind: SectionKind, value: &Value) -> Vec<String> {
        check(kind, value.as_object().unwrap()).iter().map(|f| format!("{} {}", f.path.shown(), f.message)).collect()
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!({"a": inner}))
    }

    #[test]
    fn each_limit_is_found_at_its_path() {
        for (value, expected) in [
            (json!({"ok": 1, "größe": "x", "": 2}), vec![]),
            (
                json!({"a": {"b.c": 1}}),
                vec!["/a/b.c has '.' in its key; keys have no '.', '$', '#', space or control character"],
            ),
            (json!({"a": "x".repeat(4097)}), vec!["/a is 4097 bytes; a value has at most 4096"]),
            (json!({"a": "x".repeat(4096)}), vec![]),
            (json!({"a": 4_503_599_627_370_495_i64, "b": -4_503_599_627_370_496_i64}), vec![]),
            (
                json!({"a": 4_503_599_627_370_496_i64}),
                vec!["/a is 4503599627370496; integers lie from -4503599627370496 to 4503599627370495"],
            ),
            (json!({"a": [1, null]}), vec!["/a has a null inside an array, which the hub refuses"]),
            (nested(11), vec![]),
            (nested(12), vec!["/a/a/a/a/a/a/a/a/a/a/a nests deeper than 10 levels"]),
        ] {
            assert_eq!(findings(SectionKind::Desired, &value), expected, "{value}");
        }
    }

    #[test]
    fn size_counts_as_the_hub_does() {
        assert_eq!(
            size(json!({"ab": "xyz", "n": 1, "b": true, "o": {"k": "ü"}}).as_object().unwrap()),
            5 + 9 + 5 + 1 + 1 + 2
        );
        let big: Map<String, Value> = (0..9).map(|i| (format!("k{i}"), json!("x".repeat(4000)))).collect();
        assert_eq!(
            check(SectionKind::Desired, &big).iter().map(|f| f.message.as_str()).collect::<Vec<_>>(),
            ["is 36018 bytes by the hub's count; the section has at most 32768"]
        );
    }
}
