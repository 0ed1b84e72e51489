//! Secrets out of JSON text that may be unfinished or cut into diff lines: it is read by its strings, not parsed.
//! What is masked in a finished document is what [`mask_json`](super::secret::mask_json) masks.

use std::borrow::Cow;

use serde_json::Value;

use super::json;
use super::redact::{KEPT, MASK, belongs_to_secret, redact};
use super::secret::{DEPTH, continuation, mask_string};

/// Where the scan is inside one pair of braces.
#[derive(Default)]
struct Level {
    /// The last member name.
    key: String,
    /// Whether that member has a value already.
    valued: bool,
    /// Whether the member's name is the empty one.
    unnamed: bool,
    /// Whether this is an array, whose items belong to the member that holds it.
    array: bool,
}

/// Masks the values of secret-like members, and secrets inside any string, in JSON text; keeps everything else as it
/// was typed, including placeholders of kept secrets. Lines stay lines.
#[must_use]
pub fn mask_text(text: &str) -> String {
    mask_text_to_depth(text, DEPTH)
}

/// As [`mask_text`]; `depth` is how often JSON inside a string is still looked into.
pub(super) fn mask_text_to_depth(text: &str, depth: u8) -> String {
    let text = &*mask_pem_lines(text);
    let mut out = String::with_capacity(text.len());
    let mut levels = vec![Level::default()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let (literal, after) = split_literal(rest);
            if after.trim_start().starts_with(':') {
                start_member(&mut levels, decode(literal));
                out.push_str(literal);
            } else {
                out.push_str(&masked(literal, is_secret(&levels), depth));
                end_value(&mut levels);
            }
            rest = after;
        } else if !c.is_whitespace() && !"{}[],:".contains(c) {
            // A number, true, null, a member name without quotes, or a pasted connection string.
            let (run, after) = split_at(rest, |c: char| "\"{}[],\n".contains(c));
            let word = run.trim_end();
            if let Some(key) = word.strip_suffix(':') {
                start_member(&mut levels, key.trim_end().to_owned());
                out.push_str(run);
            } else if is_secret(&levels) && !matches!(word, "true" | "false" | "null" | "->" | "→") {
                out.push_str(&format!("\"{MASK}\""));
                out.push_str(run.get(word.len()..).unwrap_or_default());
                end_value(&mut levels);
            } else {
                out.push_str(&redact(run));
            }
            rest = after;
        } else {
            match c {
                '{' => levels.push(Level::default()),
                '[' => levels.push(Level { array: true, ..Level::default() }),
                '}' | ']' if levels.len() > 1 => {
                    levels.pop();
                    end_value(&mut levels);
                }
                ',' | '\n' => end_member(&mut levels, c == ','),
                _ => {}
            }
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// Names the member whose value comes next.
fn start_member(levels: &mut [Level], key: String) {
    if let Some(level) = levels.last_mut() {
        level.unnamed = key.is_empty();
        level.key = key;
        level.valued = false;
    }
}

fn end_value(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.valued = true;
    }
}

/// What follows a comma, or stands on the line after a value, is the next member being typed.
fn end_member(levels: &mut [Level], comma: bool) {
    if let Some(level) = levels.last_mut().filter(|level| comma || level.valued) {
        level.key.clear();
        level.unnamed = false;
    }
}

/// Whether a value here belongs to a secret, as in a finished document: by its member's name or one further out.
fn is_secret(levels: &[Level]) -> bool {
    // Between two members of an object there is no value, whatever the object belongs to.
    let at_a_name = levels.last().is_some_and(|level| !level.array && level.key.is_empty() && !level.unnamed);
    let alone = levels.last().is_some_and(|level| !level.array && continuation(&level.key).is_some());
    !at_a_name
        && (alone
            || levels
                .iter()
                .filter(|level| !level.array && (level.unnamed || !level.key.is_empty()))
                .fold(false, |secret, level| belongs_to_secret(secret, &level.key)))
}

/// Hides the lines of a PEM block that was pasted with its line breaks; JSON has none inside a string, so the lines
/// look like text of their own.
fn mask_pem_lines(text: &str) -> Cow<'_, str> {
    if !text.contains("-----BEGIN ") {
        return Cow::Borrowed(text);
    }
    let mut inside = false;
    let hide = |line: &str| {
        let opened = line.rfind("-----BEGIN ");
        if opened.is_some() || line.contains("-----END ") {
            inside = opened.is_some_and(|at| !line.get(at..).is_some_and(|rest| rest.contains("-----END ")));
            return line.to_owned();
        }
        let body = line.trim();
        let encoded = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        if inside && !body.is_empty() && body.bytes().all(encoded) { line.replace(body, MASK) } else { line.to_owned() }
    };
    Cow::Owned(text.split('\n').map(hide).collect::<Vec<_>>().join("\n"))
}

fn masked(literal: &str, secret: bool, depth: u8) -> String {
    let closed = is_closed(literal);
    let quote = if closed { "\"" } else { "" };
    let value = decode(literal);
    if value.starts_with(KEPT) {
        return literal.to_owned();
    }
    if secret {
        return format!("\"{MASK}{quote}");
    }
    let clean = mask_string(&value, depth);
    if clean == value {
        return literal.to_owned();
    }
    // Written as everything typed is: what was an escape stays one.
    let encoded = json::compact(&Value::String(clean));
    if closed { encoded } else { encoded.strip_suffix('"').unwrap_or_default().to_owned() }
}

/// Whether the literal has its closing quote, and not just an escaped one at its end.
fn is_closed(literal: &str) -> bool {
    literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inside| (inside.len() - inside.trim_end_matches('\\').len()).is_multiple_of(2))
}

/// The string literal at the start of `text`, with its quotes; it ends at the line's end when it is not closed.
fn split_literal(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return text.split_at_checked(at).unwrap_or((text, "")),
            '"' if !escaped => return text.split_at_checked(at + 1).unwrap_or((text, "")),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (text, "")
}

fn split_at(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.find(end).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// The text of a literal, also of one that is still being typed; as it stands when it is no valid one.
fn decode(literal: &str) -> String {
    let read = |text: &str| serde_json::from_str::<String>(text).ok();
    let close = |text: &str| read(&format!("{text}\""));
    if is_closed(literal) {
        return read(literal).unwrap_or_else(|| literal.trim_matches('"').to_owned());
    }
    close(literal)
        // Cut in the middle of an escape.
        .or_else(|| literal.rfind('\\').and_then(|at| literal.get(..at)).and_then(close))
        .unwrap_or_else(|| literal.trim_start_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::mask_json;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn unfinished_text_keeps_its_form_and_loses_its_secrets() {
        for (text, expected) in [
            ("{\n  \"password\" : \"hunter2\",\n  \"a\": 1", "{\n  \"password\" : \"********\",\n  \"a\": 1"),
            ("{\"password\": \"hunt", "{\"password\": \"********"),
            ("{\"password\": hunt", "{\"password\": \"********\""),
            ("{\"password\": true }", "{\"password\": true }"),
            // The next member being typed is not the secret's value.
            ("{\"password\": \"x\",\n \"fo", "{\"password\": \"********\",\n \"fo"),
            ("{\"password\": \"x\"\n \"fo", "{\"password\": \"********\"\n \"fo"),
            ("{\"A_TOKEN\": {\"value\": \"x\"}\n \"fo", "{\"A_TOKEN\": {\"value\": \"********\"}\n \"fo"),
            (
                "-  \"password\": \"a\"\n+  \"password\": \"b\"",
                "-  \"password\": \"********\"\n+  \"password\": \"********\"",
            ),
            ("{\"password\": 123, \"x\": [1, -2.5e3]", "{\"password\": \"********\", \"x\": [1, -2.5e3]"),
            ("\"ACR_TOKEN\": { \"value\": \"t\\\"u\" }", "\"ACR_TOKEN\": { \"value\": \"********\" }"),
            ("{\"TZ\": {\"value\": \"UTC\"}}", "{\"TZ\": {\"value\": \"UTC\"}}"),
            (
                "{\"password\": \"<kept: registryCredentials.acr.password>\"}",
                "{\"password\": \"<kept: registryCredentials.acr.password>\"}",
            ),
            ("{\"c\": \"HostName=h;SharedAccessKey=k\\\"l\"}", "{\"c\": \"HostName=h;SharedAccessKey=********\\\"l\"}"),
            ("HostName=h;SharedAccessKey=abc", "HostName=h;SharedAccessKey=********"),
            ("{password: \"hunter2\", 5SharedAccessKey=abc", "{password: \"********\", 5SharedAccessKey=********"),
            ("{\"a\": true, \"ä\": null}", "{\"a\": true, \"ä\": null}"),
        ] {
            assert_eq!(mask_text(text), expected);
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!("hunter2")),
            Just(json!("x;SharedAccessKey=hunter2;y\"z")),
            Just(json!(31_337)),
            Just(Value::Null),
            ".{0,8}".prop_map(Value::from),
        ];
        let names = ["a", "b", "value", "password", "A_TOKEN"].map(str::to_owned).to_vec();
        let key = prop_oneof![prop::sample::select(names), ".{0,3}"];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_finished_document_stays_one_and_shows_no_more_than_the_domain_would(document in documents(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let by_text = mask_text(&text.unwrap());
            prop_assert!(serde_json::from_str::<Value>(&by_text).is_ok(), "{by_text}");
            let mut by_structure = document;
            mask_json(&mut by_structure);
            let by_structure = by_structure.to_string();
            for secret in ["hunter2", "31337"] {
                prop_assert!(by_text.matches(secret).count() <= by_structure.matches(secret).count(), "{by_text}");
            }
        }

        #[test]
        fn any_text_is_survived_and_masking_is_stable(text in any::<String>()) {
            let once = mask_text(&text);
            prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
            prop_assert_eq!(mask_text(&once), once);
        }
    }
}
