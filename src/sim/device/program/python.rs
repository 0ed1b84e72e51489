//! How the filter's Python prints numbers and values, and what it takes for a number.

use std::fmt::Write as _;

use serde_json::Value;

use super::decimal::Layout;

/// `repr` of a float, which is also its JSON: `25.0`, `1e+16`.
pub(super) fn float(number: f64) -> String {
    Layout { exponent_from: 16, mark: 'e' }.print(number)
}

/// `float(value)`; nothing where it raises an exception, and for what is no finite number.
pub(super) fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::String(text) => text_to_float(text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `float(text)`.
pub(super) fn text_to_float(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// `repr(value)` of what JSON becomes in Python.
pub(super) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) if number.is_f64() => number.as_f64().map(float).unwrap_or_default(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text_repr(text),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let members: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", text_repr(key), repr(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// `repr(text)`.
pub(super) fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = quote.to_string();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a text cannot fail.
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

fn is_printable(c: char) -> bool {
    let invisible = matches!(u32::from(c),
        0xad | 0x600..=0x605 | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xfff9..=0xfffb | 0xe000..=0xf8ff | 0xe_0000..=0x10_ffff);
    !c.is_control() && !invisible && (c == ' ' || !c.is_whitespace())
}

/// `json.dumps(text)`: everything beyond ASCII escaped.
pub(super) fn json_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

/// What `json.loads` says about a text that is no JSON, as near as another parser knows it.
pub(super) fn json_complaint(error: &serde_json::Error, body: &[u8]) -> String {
    if let Err(error) = std::str::from_utf8(body) {
        let at = error.valid_up_to();
        let byte = body.get(at).copied().unwrap_or_default();
        return format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: invalid start byte");
    }
    let text = error.to_string();
    let what = if text.starts_with("trailing characters") {
        "Extra data"
    } else if text.starts_with("key must be a string") || text.starts_with("trailing comma") {
        "Expecting property name enclosed in double quotes"
    } else if text.starts_with("expected `:`") {
        "Expecting ':' delimiter"
    } else if text.starts_with("expected `,`") || text.contains("parsing an object") || text.contains("parsing a list")
    {
        "Expecting ',' delimiter"
    } else {
        "Expecting value"
    };
    let column = error.column().max(1);
    let before: usize =
        body.split_inclusive(|b| *b == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    format!("{what}: line {} column {column} (char {})", error.line().max(1), before + column - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_print_as_python_prints_them() {
        let value = json!({"a": [1, 2.0, null, true], "b'": "it's\n", "c": "say \"x\" it's", "d": "\u{1b}\u{202e}é"});
        assert_eq!(
            repr(&value),
            r#"{'a': [1, 2.0, None, True], "b'": "it's\n", 'c': 'say "x" it\'s', 'd': '\x1b\u202eé'}"#
        );
        assert_eq!(json_text("é\u{202e}😀\u{7f}\"\\"), r#""\u00e9\u202e\ud83d\ude00\u007f\"\\""#);
    }

    #[test]
    fn numbers_are_what_python_takes_for_one() {
        for (value, expected) in [
            (json!("30"), Some(30.0)),
            (json!("  30 "), Some(30.0)),
            (json!("1e3"), Some(1_000.0)),
            (json!(true), Some(1.0)),
            (json!("0x10"), None),
            (json!(""), None),
            (json!("nan"), None),
            (json!([30]), None),
        ] {
            assert_eq!(to_float(&value), expected, "{value}");
        }
    }

    #[test]
    fn broken_json_is_complained_about_as_python_does() {
        for (body, expected) in [
            (&b""[..], "Expecting value: line 1 column 1 (char 0)"),
            (b"abc", "Expecting value: line 1 column 1 (char 0)"),
            (b"{\"a\":1}x", "Extra data: line 1 column 8 (char 7)"),
            (b"{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            (b"\n{'a':1}", "Expecting property name enclosed in double quotes: line 2 column 2 (char 2)"),
            (b"{\"a\":\"\xff\"}", "'utf-8' codec can't decode byte 0xff in position 6: invalid start byte"),
        ] {
            let error = serde_json::from_slice::<Value>(body).unwrap_err();
            assert_eq!(json_complaint(&error, body), expected);
        }
    }
}
