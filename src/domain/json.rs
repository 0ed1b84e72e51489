//! JSON as people read and type it: safe printing, strict reading with a position, equality, paths into a document.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::text::{Shown, Untrusted, is_unsafe_char};

/// A place in a document: the keys from the root. Arrays are values as a whole, as they are for the hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<String>);

impl Path {
    /// The document itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The place `key` below this one.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// The keys from the root.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// The last key; `None` at the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// What stands here in `document`.
    #[must_use]
    pub fn of<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |value, key| value.get(key))
    }

    /// What stands here in a document whose root is `map`; nothing at the root itself.
    #[must_use]
    pub fn of_map<'a>(&self, map: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(map.get(first)?, |value, key| value.get(key))
    }

    /// The place as a JSON pointer (`/a/b`) that may be drawn.
    #[must_use]
    pub fn shown(&self) -> Shown {
        if self.0.is_empty() {
            return Untrusted::new("/").shown();
        }
        let mut text = String::new();
        for key in &self.0 {
            text.push('/');
            text.push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
        Untrusted::new(text).shown()
    }
}

/// Prints `value` with two spaces of indent. Characters that a terminal must not get are written as `\uXXXX`,
/// so the text is valid JSON, equal in value, and safe to draw line by line and to edit.
#[must_use]
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, Some(0));
    out
}

/// Prints `value` on one line, as safe as [`pretty`].
#[must_use]
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None);
    out
}

fn write_value(out: &mut String, value: &Value, indent: Option<usize>) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(map) => {
            out.push('{');
            let inner = indent.map(|level| level + 1);
            for (i, (key, child)) in map.iter().enumerate() {
                separate(out, i, inner);
                write_string(out, key);
                out.push_str(if inner.is_some() { ": " } else { ":" });
                write_value(out, child, inner);
            }
            break_line(out, indent);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            let inner = indent.map(|level| level + 1);
            for (i, child) in items.iter().enumerate() {
                separate(out, i, inner);
                write_value(out, child, inner);
            }
            break_line(out, indent);
            out.push(']');
        }
        Value::String(text) => write_string(out, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn separate(out: &mut String, index: usize, indent: Option<usize>) {
    if index > 0 {
        out.push(',');
    }
    break_line(out, indent);
}

fn break_line(out: &mut String, indent: Option<usize>) {
    if let Some(level) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe_char(c) => {
                let mut units = [0_u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether two objects have the same members, as [`same`] has it.
#[must_use]
pub fn same_members(left: &Map<String, Value>, right: &Map<String, Value>) -> bool {
    left.len() == right.len() && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
}

/// Equal, whichever way the hub spells a number: taking `30` for another value than `30.0` would deny a write that
/// happened.
#[must_use]
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => same_members(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || left.as_f64().zip(right.as_f64()).is_some_and(|(left, right)| left.total_cmp(&right).is_eq())
        }
        _ => left == right,
    }
}

/// Why typed JSON was not taken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for JsonError {}

/// Reads JSON that somebody typed. Unlike a plain parser it refuses what would silently lose something: the same
/// key twice, and whole numbers that JSON tools round.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_strict(text: &str) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let (line, column) = place_of(&error, text);
        JsonError { line, column, message: plain_message(&error) }
    })
}

/// Where the error is. A number that a line end cuts short is reported at the start of the next line, and is wrong at
/// the end of its own.
fn place_of(error: &serde_json::Error, text: &str) -> (usize, usize) {
    match (error.line(), error.column()) {
        (line @ 2.., 0) => (line - 1, text.lines().nth(line - 2).map_or(0, str::len)),
        place => place,
    }
}

/// serde_json appends the position to its text; the caller shows it on its own.
fn plain_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(cut) => text.get(..cut).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Beyond this, a JSON number is no longer exact in the tools on the way (2^53).
const EXACT_INTEGER: u64 = 1 << 53;

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > EXACT_INTEGER {
            return Err(E::custom(format!("{value} is beyond 2^53 and would be rounded on the way")));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value > EXACT_INTEGER {
            return Err(E::custom(format!("{value} is beyond 2^53 and would be rounded on the way")));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.fract() == 0.0 && value.abs() >= 9_007_199_254_740_992.0 {
            return Err(E::custom("a whole number beyond 2^53 would be rounded on the way"));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                let key = Untrusted::new(key).shown();
                return Err(A::Error::custom(format!("the key \"{key}\" stands here twice")));
            }
            map.insert(key, access.next_value_seed(Strict)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn printing_escapes_what_a_terminal_must_not_get() {
        let value = json!({"a": "x\u{1b}[31m\u{202e}\u{9b}", "b\n": [1, 25.0, {}]});
        let text = pretty(&value);
        assert_eq!(
            text,
            "{\n  \"a\": \"x\\u001b[31m\\u202e\\u009b\",\n  \"b\\n\": [\n    1,\n    25.0,\n    {}\n  ]\n}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(compact(&json!({"a": [1, 2], "b": {}})), r#"{"a":[1,2],"b":{}}"#);
    }

    #[test]
    fn strict_reading_names_the_place() {
        for (text, line, message) in [
            ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, "the key \"a\" stands here twice"),
            ("{\"a\": 9007199254740993}", 1, "9007199254740993 is beyond 2^53 and would be rounded on the way"),
            ("{\"a\": 90071992547409930000000}", 1, "a whole number beyond 2^53 would be rounded on the way"),
            ("{\"a\": 1,}", 1, "trailing comma"),
            ("{\n  \"a\": 33.\n}", 2, "invalid number"),
            ("{\"a\": 1} x", 1, "trailing characters"),
            ("{\"a\": \"\\ud800\"}", 1, "unexpected end of hex escape"),
            ("", 1, "EOF while parsing a value"),
        ] {
            let error = parse_strict(text).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
        }
        assert_eq!(parse_strict("{\"t\": 25.0, \"b\": [true, null]}").unwrap(), json!({"t": 25.0, "b": [true, null]}));
    }

    #[test]
    fn paths_are_json_pointers() {
        let path = Path::root().child("a/b").child("c~");
        assert_eq!(path.shown().as_str(), "/a~1b/c~0");
        assert_eq!(path.of(&json!({"a/b": {"c~": 7}})), Some(&json!(7)));
        assert_eq!(path.name(), Some("c~"));
    }

    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-4_503_599_627_370_496_i64..4_503_599_627_370_496).prop_map(Value::from),
            (-1.0e6..1.0e6).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(value in any_json()) {
            prop_assert_eq!(&parse_strict(&pretty(&value)).unwrap(), &value);
            prop_assert_eq!(&parse_strict(&compact(&value)).unwrap(), &value);
            prop_assert!(pretty(&value).chars().all(|c| c == '\n' || !is_unsafe_char(c)));
        }
    }
}
