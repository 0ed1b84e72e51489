//! Secrets out of JSON text that may be unfinished or cut into diff lines: it is read by its strings, not parsed.
//! What is masked in a finished document is what [`mask_json`](super::secret::mask_json) masks.

use super::secret::{MASK, names_a_secret, redact};

/// The start of a placeholder for a secret that stays as it is at the hub (console-ux X-24).
const KEPT: &str = "<kept: ";

/// Where the scan is inside one pair of braces.
#[derive(Default)]
struct Level {
    /// The last member name.
    key: String,
    /// Whether that member has a value already.
    valued: bool,
    /// Whether this is an array, whose items belong to the member that holds it.
    array: bool,
}

/// Masks the values of secret-like members, and secrets inside any string, in JSON text; keeps everything else as it
/// was typed, including placeholders of kept secrets. Lines stay lines.
#[must_use]
pub fn mask_text(text: &str) -> String {
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
                out.push_str(&masked(literal, is_secret(&levels)));
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
    }
}

/// Whether a value here belongs to a secret: its member says so, or it is in the `value` of one that does.
fn is_secret(levels: &[Level]) -> bool {
    let in_value = levels
        .iter()
        .zip(levels.iter().skip(1))
        .any(|(outer, inner)| !outer.array && names_a_secret(&outer.key) && !inner.array && inner.key == "value");
    // `mask_json` looks into arrays for members, and masks no plain item.
    in_value || levels.last().is_some_and(|level| !level.array && names_a_secret(&level.key))
}

fn masked(literal: &str, secret: bool) -> String {
    let closed = literal.len() > 1 && literal.ends_with('"');
    let quote = if closed { "\"" } else { "" };
    let value = decode(literal);
    if value.starts_with(KEPT) {
        return literal.to_owned();
    }
    if secret {
        return format!("\"{MASK}{quote}");
    }
    let clean = redact(&value);
    if clean == value {
        return literal.to_owned();
    }
    match serde_json::to_string(&clean) {
        Ok(encoded) if closed => encoded,
        Ok(encoded) => encoded.strip_suffix('"').unwrap_or_default().to_owned(),
        Err(_) => format!("\"{MASK}{quote}"),
    }
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

/// The text of a literal; as it stands when it is no valid one.
fn decode(literal: &str) -> String {
    serde_json::from_str(literal).unwrap_or_else(|_| literal.trim_matches('"').to_owned())
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
