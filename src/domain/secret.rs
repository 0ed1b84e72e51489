//! Secrets are a type of their own and do not print; and text that may carry one is masked by structure and by
//! pattern before it leaves the program (console-ux X-22 to X-24).

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::json::Path;
use super::mask::mask_text_to_depth;
use super::redact::KEPT;
pub use super::redact::{MASK, belongs_to_secret, names_a_secret, redact};
use super::text::{Shown, Untrusted};

/// Text from outside as it may be drawn: harmless to a terminal, and without what looks like a secret in it.
#[must_use]
pub fn shown(text: &str) -> Shown {
    Untrusted::new(redact(text)).shown()
}

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

/// How often JSON inside a string inside JSON is looked into; what is deeper is hidden as a whole.
pub(super) const DEPTH: u8 = 4;

/// Masks every secret-like leaf of a twin or manifest in place: what stands below a name that says so, and secrets
/// inside any string, also where the string is JSON itself (`createOptions`, with its continuations).
pub fn mask_json(value: &mut Value) {
    mask_within(false, value);
}

/// Masks `value` as it stands at `path` of a document: what is below a secret-like name is a secret.
pub fn mask_at(path: &[String], value: &mut Value) {
    // A continuation alone may begin in the middle of a secret.
    if path.last().is_some_and(|key| continuation(key).is_some()) {
        *value = Value::String(MASK.to_owned());
    }
    mask_within(path.iter().fold(false, |secret, key| belongs_to_secret(secret, key)), value);
}

/// Masks `value`, which is part of a secret when `secret` says so.
pub fn mask_within(secret: bool, value: &mut Value) {
    mask_to_depth(value, secret, DEPTH);
}

fn mask_to_depth(value: &mut Value, secret: bool, depth: u8) {
    each_secret(value, None, (secret, depth), &mut |_, value, masked| *value = Value::String(masked));
}

/// A document for an editor: every secret-like value is replaced by a placeholder that names its place, so that a
/// document can be edited, saved as a draft and compared without its secrets (console-ux X-24).
#[must_use]
pub fn conceal(document: &Map<String, Value>) -> Map<String, Value> {
    let mut concealed = Value::Object(document.clone());
    each_secret(&mut concealed, None, (false, DEPTH), &mut |at, value, _| {
        *value = Value::String(placeholder(&At::path(at)));
    });
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
            Some(secret @ (Value::String(_) | Value::Number(_))) if *text == placeholder(at) => *value = secret.clone(),
            _ => *failed = Some(text.clone()),
        },
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A place on the way down; it becomes a [`Path`] only where somebody wants one.
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    // Numbered, so that a placeholder that was moved to another item does not fetch that one's secret.
    Index(usize),
}

impl At<'_> {
    fn path(at: Option<&At<'_>>) -> Path {
        at.map_or_else(Path::root, |at| match at.step {
            Step::Key(key) => At::path(at.above).child(key),
            Step::Index(index) => At::path(at.above).child(&index.to_string()),
        })
    }
}

/// The one visitor: calls `found` for every secret with its place and what may be shown instead. `within` is whether
/// the value is below a secret's name, and how deep strings may be looked into.
fn each_secret(
    value: &mut Value,
    at: Option<&At<'_>>,
    within: (bool, u8),
    found: &mut impl FnMut(Option<&At<'_>>, &mut Value, String),
) {
    let (secret, depth) = within;
    match value {
        Value::Object(map) => {
            let pieces = if secret { Vec::new() } else { continued(map, depth) };
            for (key, child) in map.iter_mut() {
                let here = At { above: at, step: Step::Key(key) };
                match pieces.iter().find(|(name, _)| name == key) {
                    Some((_, Some(piece))) => found(Some(&here), child, piece.clone()),
                    Some((_, None)) => {}
                    None => each_secret(child, Some(&here), (belongs_to_secret(secret, key), depth), found),
                }
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter_mut().enumerate() {
                each_secret(child, Some(&At { above: at, step: Step::Index(index) }), within, found);
            }
        }
        Value::String(_) | Value::Number(_) if secret => found(at, value, MASK.to_owned()),
        Value::String(text) => {
            let masked = mask_string(text, depth);
            // A text that looks like a placeholder is kept like a secret: restoring must not fail on it.
            if masked != *text || text.starts_with(KEPT) {
                found(at, value, masked);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks the secrets inside one string that is no secret as a whole: JSON in text is read as JSON.
pub(super) fn mask_string(text: &str, depth: u8) -> String {
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return redact(text);
    }
    let Some(deeper) = depth.checked_sub(1) else { return MASK.to_owned() };
    let mut shown = text.to_owned();
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        let before = value.clone();
        mask_to_depth(&mut value, false, deeper);
        if value != before {
            shown = value.to_string();
        }
    }
    // Also when it could be read: of members with the same name, reading keeps only the last.
    mask_text_to_depth(&shown, deeper)
}

/// The number of `createOptions01` and so on, in which edgeAgent continues a long `createOptions`.
pub(super) fn continuation(key: &str) -> Option<u32> {
    key.strip_prefix("createOptions").filter(|digits| !digits.is_empty())?.parse().ok()
}

/// A `createOptions` that is continued in other members, masked as the one text it is, cut anew into as many pieces;
/// `None` for a piece that stays. Empty when nothing is continued.
fn continued(map: &Map<String, Value>, depth: u8) -> Vec<(String, Option<String>)> {
    let mut rest: Vec<(u32, &str)> =
        map.keys().filter_map(|key| continuation(key).map(|number| (number, key.as_str()))).collect();
    if rest.is_empty() {
        return Vec::new();
    }
    rest.sort_unstable();
    let whole = rest.iter().zip(1..).all(|((number, _), expected)| *number == expected);
    let keys: Vec<&str> = std::iter::once("createOptions").chain(rest.into_iter().map(|(_, key)| key)).collect();
    let joined: Option<String> = keys.iter().map(|key| map.get(*key).and_then(Value::as_str)).collect();
    let Some(joined) = joined.filter(|_| whole) else {
        // A piece is missing, and any other may begin in the middle of a secret.
        return keys.into_iter().map(|key| (key.to_owned(), Some(MASK.to_owned()))).collect();
    };
    let masked = mask_string(&joined, depth);
    if masked == joined {
        return keys.into_iter().map(|key| (key.to_owned(), None)).collect();
    }
    let chars: Vec<char> = masked.chars().collect();
    let length = chars.len().div_ceil(keys.len()).max(1);
    let mut pieces = chars.chunks(length);
    keys.into_iter().map(|key| (key.to_owned(), Some(pieces.next().unwrap_or_default().iter().collect()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn debug_does_not_print_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(********)");
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

    /// What every planted secret begins with.
    const PLANTED: &str = "PLANTED";

    #[test]
    fn whatever_is_below_a_secrets_name_is_masked() {
        let mut twin = json!({
            "tokens": ["t0", {"deep": [1, true, null]}],
            "pinToken": {"values": ["v"], "ttl": 5, "on": true},
            "registryCredentials": {"acr-token": {"address": "a", "username": "u", "password": 7}},
            "keyboard": ["us"],
            "settings": {"createOptions": "{\"Env\": [\"SA_PASSWORD=x y\", \"TZ=UTC\"]}"},
        });
        mask_json(&mut twin);
        assert_eq!(
            twin,
            json!({
                "tokens": [MASK, {"deep": [MASK, true, null]}],
                "pinToken": {"values": [MASK], "ttl": 5, "on": true},
                "registryCredentials": {"acr-token": {"address": "a", "username": "u", "password": MASK}},
                "keyboard": ["us"],
                "settings": {"createOptions": "{\"Env\":[\"SA_PASSWORD=********\",\"TZ=UTC\"]}"},
            })
        );
    }

    #[test]
    fn create_options_are_read_across_their_pieces() {
        let harmless = json!({"createOptions": "{\"HostConfig\": {\"Port", "createOptions01": "s\": 1}}"});
        let mut same = harmless.clone();
        mask_json(&mut same);
        assert_eq!(same, harmless);

        let mut cut =
            json!({"createOptions": "{\"Env\": [\"SA_PASSWORD=PLAN", "createOptions01": "TED-x\", \"TZ=UTC\"]}"});
        let source = cut.as_object().cloned().unwrap();
        let mut concealed = conceal(&source);
        mask_json(&mut cut);
        assert_eq!(
            cut,
            json!({"createOptions": "{\"Env\":[\"SA_PASSWORD=", "createOptions01": "********\",\"TZ=UTC\"]}"})
        );
        assert!(!Value::Object(concealed.clone()).to_string().contains("TED"));
        assert_eq!(restore(&mut concealed, &source).map(|()| concealed), Ok(source));

        let mut torn = json!({"createOptions02": "TED-x\"]}", "createOptions": "{\"Env\": [\"SA_PASSWORD=PLAN"});
        mask_json(&mut torn);
        assert_eq!(torn, json!({"createOptions02": MASK, "createOptions": MASK}));
        let mut alone = json!("TED-x");
        mask_at(&["settings".into(), "createOptions01".into()], &mut alone);
        assert_eq!(alone, json!(MASK));
    }

    #[test]
    fn json_in_json_is_hidden_as_a_whole_where_nobody_looks_any_more() {
        let mut text = json!({"password": "PLANTED"}).to_string();
        for _ in 0..8 {
            text = json!({"inner": text}).to_string();
        }
        let mut value = json!(text);
        mask_json(&mut value);
        assert!(!value.to_string().contains(PLANTED));
        // Nested without an end, as nobody serious does.
        let mut hostile = json!("{\"{\\\"".repeat(20_000));
        mask_json(&mut hostile);
    }

    /// A secret in one of the shapes it has in twins.
    fn planted() -> impl Strategy<Value = Value> {
        let names = ["password", "apiKey", "primaryKey", "SA_PASSWORD", "pwd", "tokens", "pinToken", "accessKey"];
        let name = prop::sample::select(names.to_vec());
        let text = prop::sample::select(vec![
            "HostName=h;sharedaccesskey=PLANTED;x=y",
            "https://x/c?sv=1&sig=PLANTED&se=2",
            "https://user:PLANTED@host/x",
            "authorization: bearer PLANTED",
            "-----BEGIN PRIVATE KEY-----\nPLANTED\n-----END PRIVATE KEY-----",
            "eyJPLANTED.eyJPLANTED.PLANTED",
            "SA_PASSWORD=a b;c,PLANTED",
            "run --token=PLANTED now",
            "{\"Env\": [\"ACR_TOKEN=PLANTED\"], \"n\": 1}",
            "{\"Env\": [\"ACR_TOKEN=PLANTED\", \"unfinis",
            "failed on {\"password\": \"PLANTED\"}",
        ]);
        prop_oneof![
            (name.clone(), Just(json!("PLANTED"))).prop_map(|(name, it)| json!({name: it})),
            name.clone().prop_map(|name| json!({name: 5_318_008})),
            name.clone().prop_map(|name| json!({name: {"value": "PLANTED"}})),
            name.clone().prop_map(|name| json!({name: {"values": [["PLANTED"], 5_318_008, {"a": "PLANTED"}]}})),
            name.prop_map(|name| json!({"createOptions": json!({"Env": [format!("{name}=PLANTED")]}).to_string()})),
            (0_usize..40).prop_map(|at| {
                let whole = r#"{"Env":["SA_PASSWORD=PLANTED","x"]}"#;
                let (one, two) = whole.split_at(at.min(whole.len()));
                json!({"createOptions": one, "createOptions01": two})
            }),
            text.prop_map(Value::from),
        ]
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![3 => planted(), 1 => Just(json!(true)), 1 => Just(json!("<kept: x>")), 1 => ".{0,6}".prop_map(Value::from)];
        leaf.prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z]{1,5}|token|value", inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|inner| Value::String(inner.to_string())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_planted_secret_comes_out_in_any_shape(document in documents()) {
            let source = json!({"root": document}).as_object().cloned().unwrap();
            let mut masked = Value::Object(source.clone());
            mask_json(&mut masked);
            let concealed = conceal(&source);
            for text in [
                masked.to_string(),
                crate::domain::json::pretty(&masked),
                Value::Object(concealed.clone()).to_string(),
                crate::domain::mask::mask_text(&Value::Object(source.clone()).to_string()),
                redact(&masked.to_string()),
            ] {
                prop_assert!(!text.contains(PLANTED) && !text.contains("5318008"), "{}", text);
            }
            let mut again = masked.clone();
            mask_json(&mut again);
            prop_assert_eq!(again, masked);
            let mut restored = concealed;
            prop_assert_eq!(restore(&mut restored, &source), Ok(()));
            prop_assert_eq!(restored, source);
        }
    }
}
