//! Secrets are a type of their own and do not print; and text that may carry one is masked by structure and by
//! pattern before it leaves the program (console-ux ).

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::json::Path;

/// What stands where a secret was: constant length, so that it does not tell the secret's.
pub const MASK: &str = "********";

/// How the placeholder of a secret begins that stays as it is at the hub.
const KEPT: &str = "<kept: ";

/// A key, a connection string or a token. `Debug` is redacted, there is no `Display` and no `Serialize`, and the
/// memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself. Every call is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(********)")
    }
}

/// Whether a name, such as an environment variable's, says that its value is a secret.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "accountkey",
        "sharedaccesskey",
        "connectionstring",
        "connection_string",
    ]
    .iter()
    .any(|word| name.contains(word))
        || name.ends_with("_key")
        || name.ends_with("-key")
}

/// Masks every secret-like leaf of a twin or manifest in place: registry passwords, and `env` values or members
/// whose name says so.
pub fn mask_json(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                if names_a_secret(key) {
                    match child {
                        Value::Object(inner) if inner.contains_key("value") => {
                            inner.insert("value".to_owned(), Value::String(MASK.to_owned()));
                        }
                        Value::String(_) | Value::Number(_) => *child = Value::String(MASK.to_owned()),
                        _ => mask_json(child),
                    }
                } else {
                    mask_json(child);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_json),
        Value::String(text) => {
            let masked = redact(text);
            if masked != *text {
                *text = masked;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A document for an editor: every secret-like string is replaced by a placeholder that names its place, so that a
/// document can be edited, saved as a draft and compared without its secrets (console-ux X-24).
#[must_use]
pub fn conceal(document: &Map<String, Value>) -> Map<String, Value> {
    let mut concealed = Value::Object(document.clone());
    each_secret(&mut concealed, &Path::root(), &mut |path, value| *value = Value::String(placeholder(path)));
    match concealed {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The first place in a patch that would send what only stands for a secret: a mask, or a placeholder. The secret
/// itself is not there, and the stand-in must never become the value at the hub.
#[must_use]
pub fn stand_in(patch: &Map<String, Value>) -> Option<Path> {
    patch.iter().find_map(|(key, child)| stand_in_below(child, &Path::root().child(key)))
}

fn stand_in_below(value: &Value, at: &Path) -> Option<Path> {
    match value {
        Value::Object(map) => map.iter().find_map(|(key, child)| stand_in_below(child, &at.child(key))),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, child)| stand_in_below(child, &at.child(&index.to_string())))
        }
        Value::String(text) if text.contains(MASK) || text.starts_with(KEPT) => Some(at.clone()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Puts the current secrets of `source` back where `document` still holds their placeholders.
///
/// # Errors
/// The placeholder's text when it stands where `source` holds no secret: it was moved, or the secret is gone.
pub fn restore(document: &mut Map<String, Value>, source: &Map<String, Value>) -> Result<(), String> {
    let mut failed = None;
    for (key, child) in document.iter_mut() {
        restore_below(child, &Path::root().child(key), source.get(key), &mut failed);
    }
    failed.map_or(Ok(()), Err)
}

fn placeholder(path: &Path) -> String {
    format!("{KEPT}{}>", path.keys().join("."))
}

fn restore_below(value: &mut Value, at: &Path, source: Option<&Value>, failed: &mut Option<String>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                restore_below(child, &at.child(key), source.and_then(|source| source.get(key)), failed);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter_mut().enumerate() {
                let source = source.and_then(|source| source.get(index));
                restore_below(child, &at.child(&index.to_string()), source, failed);
            }
        }
        Value::String(text) if text.starts_with(KEPT) => match source {
            Some(secret @ Value::String(_)) if *text == placeholder(at) => *value = secret.clone(),
            _ => *failed = Some(text.clone()),
        },
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn each_secret(value: &mut Value, at: &Path, found: &mut impl FnMut(&Path, &mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                let path = at.child(key);
                match child {
                    Value::Object(inner) if names_a_secret(key) && inner.get("value").is_some_and(Value::is_string) => {
                        if let Some(value) = inner.get_mut("value") {
                            found(&path.child("value"), value);
                        }
                    }
                    Value::String(_) if names_a_secret(key) => found(&path, child),
                    _ => each_secret(child, &path, found),
                }
            }
        }
        // Numbered, so that a placeholder that was moved to another item does not fetch that one's secret.
        Value::Array(items) => {
            for (index, child) in items.iter_mut().enumerate() {
                each_secret(child, &at.child(&index.to_string()), found);
            }
        }
        Value::String(text) if redact(text) != *text => found(at, value),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks secrets that stand in free text: connection strings, SAS signatures, bearer tokens.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = text.to_owned();
    for marker in ["SharedAccessKey=", "AccountKey=", "sig=", "Bearer ", "password=", "Password="] {
        let mut from = 0;
        while let Some(found) = out.get(from..).and_then(|rest| rest.find(marker)) {
            let start = from + found + marker.len();
            let end = out
                .get(start..)
                .and_then(|rest| rest.find([';', '&', ' ', '"', '\'', '\n', '\r', ',', ')']))
                .map_or(out.len(), |length| start + length);
            out.replace_range(start..end, MASK);
            from = start + MASK.len();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn debug_does_not_print_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(********)");
    }

    #[test]
    fn text_is_redacted() {
        for (text, expected) in [
            (
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey=abc=",
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey=********",
            ),
            (
                "SharedAccessSignature sr=h&sig=a%2Fb%3D&se=1&skn=p",
                "SharedAccessSignature sr=h&sig=********&se=1&skn=p",
            ),
            ("Authorization: Bearer ey.J.x", "Authorization: Bearer ********"),
            ("nothing here", "nothing here"),
            ("two SharedAccessKey=a; SharedAccessKey=b", "two SharedAccessKey=********; SharedAccessKey=********"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn a_document_is_edited_without_its_secrets() {
        let source =
            json!({"apiKey": "k1", "t": 25.0, "env": {"ACR_TOKEN": {"value": "t1"}}}).as_object().cloned().unwrap();
        let mut edited = conceal(&source);
        assert_eq!(
            Value::Object(edited.clone()),
            json!({"apiKey": "<kept: apiKey>", "t": 25.0, "env": {"ACR_TOKEN": {"value": "<kept: env.ACR_TOKEN.value>"}}})
        );
        edited.insert("t".into(), json!(30.0));
        assert_eq!(restore(&mut edited, &source), Ok(()));
        assert_eq!(Value::Object(edited), json!({"apiKey": "k1", "t": 30.0, "env": {"ACR_TOKEN": {"value": "t1"}}}));

        let listed = json!({"accounts": [{"password": "p0"}, {"password": "p1"}, "AccountKey=k"]});
        let listed = listed.as_object().cloned().unwrap();
        let mut edited = conceal(&listed);
        let text = Value::Object(edited.clone()).to_string();
        assert!(["p0", "p1", "=k"].iter().all(|secret| !text.contains(secret)), "{text}");
        assert_eq!(restore(&mut edited, &listed).map(|()| edited), Ok(listed.clone()));
        let mut shifted = conceal(&listed);
        shifted.get_mut("accounts").and_then(Value::as_array_mut).unwrap().remove(0);
        assert_eq!(restore(&mut shifted, &listed), Err("<kept: accounts.2>".to_owned()), "items moved up");

        let mut moved = json!({"other": "<kept: apiKey>"}).as_object().cloned().unwrap();
        assert_eq!(restore(&mut moved, &source), Err("<kept: apiKey>".to_owned()));
    }

    #[test]
    fn what_stands_for_a_secret_is_found_wherever_it_is() {
        let at = |patch: Value| stand_in(patch.as_object().unwrap()).map(|path| String::from(path.shown()));
        assert_eq!(at(json!({"apiKey": MASK})).as_deref(), Some("/apiKey"));
        assert_eq!(
            at(json!({"a": 1, "b": {"c": ["x", "HostName=h;SharedAccessKey=********"]}})).as_deref(),
            Some("/b/c/1")
        );
        assert_eq!(at(json!({"a": "<kept: apiKey>"})).as_deref(), Some("/a"));
        assert_eq!(at(json!({"apiKey": "k2", "gone": null, "n": 3, "stars": "***"})), None);
    }

    #[test]
    fn registry_passwords_and_secret_like_env_are_masked() {
        let mut twin = json!({
            "runtime": {"settings": {"registryCredentials": {"acr": {"address": "a", "username": "u", "password": "p"}}}},
            "modules": {"m": {"env": {"ACR_TOKEN": {"value": "t"}, "TZ": {"value": "UTC"}, "CS": {"value": "HostName=h;SharedAccessKey=k"}}}},
        });
        mask_json(&mut twin);
        assert_eq!(
            twin,
            json!({
                "runtime": {"settings": {"registryCredentials": {"acr": {"address": "a", "username": "u", "password": MASK}}}},
                "modules": {"m": {"env": {"ACR_TOKEN": {"value": MASK}, "TZ": {"value": "UTC"}, "CS": {"value": "HostName=h;SharedAccessKey=********"}}}},
            })
        );
    }
}
