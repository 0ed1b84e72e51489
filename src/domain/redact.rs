//! Which names say that their value is a secret, and how secrets in free text are found. One place for both: what
//! structure ([`super::secret`]), unfinished text ([`super::mask`]) and log lines hide must not differ.

use std::ops::Range;

/// What stands where a secret was: constant length, so that it does not tell the secret's.
pub const MASK: &str = "********";

/// The start of a placeholder for a secret that stays as it is at the hub (console-ux X-24).
pub(super) const KEPT: &str = "<kept: ";

/// A name without any of these is innocent; most names end here, without being taken apart.
const HINTS: [&str; 8] = ["pass", "pwd", "secret", "token", "key", "conn", "signature", "authorization"];

/// Last words that make a name speak about a secret instead of holding it: `tokenTtl`, `SharedAccessKeyName`.
const ABOUT: [&str; 27] = [
    "ttl",
    "count",
    "length",
    "len",
    "expiry",
    "expires",
    "expiration",
    "lifetime",
    "timeout",
    "policy",
    "enabled",
    "required",
    "name",
    "names",
    "endpoint",
    "type",
    "path",
    "file",
    "seconds",
    "secs",
    "minutes",
    "version",
    "interval",
    "size",
    "limit",
    "issuer",
    "format",
];

/// Keys that are no secrets: `publicKey`, `PARTITION_KEY`.
const OPEN_KEYS: [&str; 16] = [
    "public",
    "sort",
    "partition",
    "row",
    "foreign",
    "routing",
    "message",
    "cache",
    "lookup",
    "group",
    "index",
    "column",
    "unique",
    "hot",
    "arrow",
    "map",
];

/// What is written before `key` without a boundary: `apikey`, `SHAREDACCESSKEY`.
const KEY_PREFIXES: [&str; 20] = [
    "api",
    "access",
    "account",
    "sharedaccess",
    "shared",
    "primary",
    "secondary",
    "private",
    "secret",
    "master",
    "symmetric",
    "auth",
    "host",
    "storage",
    "encryption",
    "signing",
    "sas",
    "device",
    "ssh",
    "hmac",
];

/// Whether a name, such as an environment variable's or a member's, says that its value is a secret.
///
/// It is judged by its words (`camelCase`, `_`, `-`, `.`), so that `keyboard` and `tokenizer` are not.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if !HINTS.iter().any(|hint| lower.contains(hint)) {
        return false;
    }
    let words = words(name);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    while words.len() > 1 && matches!(words.last(), Some(&("value" | "values"))) {
        words.pop();
    }
    let Some((last, before)) = words.split_last() else { return false };
    if ABOUT.contains(last) {
        return false;
    }
    // `maxTokens` is a number of them.
    if matches!(before.first(), Some(&("max" | "min" | "num"))) && last.ends_with("tokens") {
        return false;
    }
    let previous = before.last().copied();
    let key = |word: &str| matches!(word, "key" | "keys");
    words.iter().any(|word| is_secret_word(word))
        || *last == "authorization"
        || *last == "pass" && !matches!(previous, Some("low" | "high" | "band" | "all" | "by"))
        || key(last) && previous.is_some_and(|word| !OPEN_KEYS.contains(&word))
        || *last != "id"
            && words.windows(2).any(|pair| match pair {
                [kind, word] => {
                    key(word) && KEY_PREFIXES.contains(kind)
                        || matches!(*kind, "connection" | "conn") && matches!(*word, "string" | "strings" | "str")
                        || *kind == "access" && *word == "signature"
                }
                _ => false,
            })
}

/// Whether a value belongs to a secret: its name says so, or it is somewhere below a name that does. Where a registry
/// is, who signs in and how long something is valid stay readable.
#[must_use]
pub fn belongs_to_secret(inherited: bool, name: &str) -> bool {
    names_a_secret(name) || inherited && !["address", "username", "ttl"].contains(&name.to_ascii_lowercase().as_str())
}

fn is_secret_word(word: &str) -> bool {
    word.contains("password") && word != "passwordless"
        || ["passwd", "passphrase", "passcode"].iter().any(|part| word.contains(part))
        || ["pwd", "token", "tokens", "secret", "secrets"].iter().any(|end| word.ends_with(end))
        || word
            .strip_suffix("key")
            .or_else(|| word.strip_suffix("keys"))
            .is_some_and(|before| KEY_PREFIXES.contains(&before))
        || ["connectionstring", "connstring", "connstr", "sharedaccesssignature"].iter().any(|it| word.contains(it))
}

/// The words of a name in small letters, without the digits at their end.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let starts = c.is_uppercase()
            && before
                .is_some_and(|before| !before.is_uppercase() || chars.peek().is_some_and(|after| after.is_lowercase()));
        if starts || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words
        .iter()
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        .filter(|w| !w.is_empty())
        .collect()
}

/// Masks secrets that stand in free text: connection strings, SAS signatures, bearer tokens, passwords in addresses,
/// PEM blocks, JSON web tokens, and `NAME=value` where the name says so.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = text.to_owned();
    // A mask may complete another pattern; it settles at once, and never runs long.
    for _ in 0..4 {
        let next = redact_once(&out);
        if next == out {
            break;
        }
        out = next;
    }
    out
}

fn redact_once(text: &str) -> String {
    let mut found = Vec::new();
    if text.contains("-----BEGIN ") {
        pem(text, &mut found);
    }
    if text.contains("eyJ") {
        web_tokens(text, &mut found);
    }
    if text.contains("://") {
        addresses(text, &mut found);
    }
    if text.contains(' ') {
        headers(text, &mut found);
    }
    if text.contains(['=', ':']) {
        assignments(text, &mut found);
    }
    found.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for range in found {
        if range.start >= kept {
            out.push_str(text.get(kept..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        kept = kept.max(range.end);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

fn from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Where `what` occurs, one after the other.
fn places(text: &str, what: &'static str) -> impl Iterator<Item = usize> {
    text.match_indices(what).map(|(at, _)| at)
}

fn pem(text: &str, found: &mut Vec<Range<usize>>) {
    for at in places(text, "-----BEGIN ") {
        let end = from(text, at).find("-----END ").map_or(text.len(), |end| {
            let label = at + end + "-----END ".len();
            from(text, label).find("-----").map_or(text.len(), |length| label + length + 5)
        });
        found.push(at..end);
    }
}

fn web_tokens(text: &str, found: &mut Vec<Range<usize>>) {
    for at in places(text, "eyJ") {
        let token = from(text, at);
        let length =
            token.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(token.len());
        let mut parts = token.get(..length).unwrap_or_default().split('.');
        let two = [parts.next(), parts.next()].iter().all(|part| part.is_some_and(|part| !part.is_empty()));
        if two && parts.next().is_some() {
            found.push(at..at + length);
        }
    }
}

/// `https://user:password@host`.
fn addresses(text: &str, found: &mut Vec<Range<usize>>) {
    for at in places(text, "://") {
        let start = at + 3;
        let rest = from(text, start);
        let rest = rest
            .find(|c: char| c.is_whitespace() || "\"'<>\\".contains(c))
            .map_or(rest, |end| rest.get(..end).unwrap_or_default());
        let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        let colon = authority.find(':');
        let end = match (authority.rfind('@'), colon) {
            (Some(end), _) => Some(end),
            // No port: a password with a slash that should have been escaped.
            (None, Some(colon)) if !from(authority, colon + 1).bytes().all(|b| b.is_ascii_digit()) => rest.rfind('@'),
            (None, _) => None,
        };
        match (colon, end) {
            (Some(colon), Some(end)) if colon < end => found.push(start + colon + 1..start + end),
            (_, Some(end))
                if end > 0 && text.get(..at).is_some_and(|scheme| scheme.ends_with(['p', 's', 'P', 'S'])) =>
            {
                // A name without a password is a token for the web, and just a name for ssh.
                let scheme = text.get(..at).unwrap_or_default().to_ascii_lowercase();
                if scheme.ends_with("http") || scheme.ends_with("https") {
                    found.push(start..start + end);
                }
            }
            _ => {}
        }
    }
}

/// `Bearer …` anywhere, `Basic …` in an authorization header.
fn headers(text: &str, found: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    for (scheme, needs_header) in [("bearer ", false), ("basic ", true)] {
        for at in places(&lower, scheme) {
            if needs_header
                && !lower
                    .get(..at)
                    .unwrap_or_default()
                    .trim_end()
                    .trim_end_matches(['"', '\'', ':', '=', '\\', ' '])
                    .ends_with("authorization")
            {
                continue;
            }
            let value = from(text, at + scheme.len());
            let start = text.len() - value.trim_start_matches(' ').len();
            let end = start + run(from(text, start), ORDINARY);
            let word = lower.get(start..end).unwrap_or_default();
            if start < end && !["token", "tokens", "authentication", "authorization", "scheme"].contains(&word) {
                found.push(start..end);
            }
        }
    }
}

const ORDINARY: &[char] = &[';', '&', ' ', '"', '\'', '\n', '\r', '\t', ',', ')'];
const IN_CONNECTION_STRING: &[char] = &[';', '"', '\'', '\n', '\r'];
const LINE: &[char] = &['\n', '\r'];

fn run(text: &str, until: &[char]) -> usize {
    text.find(until).unwrap_or(text.len())
}

/// `NAME=value`, `NAME="value"`, and `"NAME": "value"` in text that is no JSON as a whole.
fn assignments(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, sign) in text.match_indices(['=', ':']) {
        let before = text.get(..at).unwrap_or_default().trim_end_matches(' ');
        if sign == ":" && !before.ends_with(['"', '\'']) {
            continue;
        }
        let before = before.trim_end_matches([' ', '"', '\'', '\\', '!', '<', '>', ']']);
        let bare = before.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let name = from(before, bare.len());
        if !(names_a_secret(name) || name.eq_ignore_ascii_case("sig")) {
            continue;
        }
        let value = from(text, at + 1).trim_start_matches(['=', ' ']);
        let start = text.len() - value.len();
        if let Some(range) = quoted(text, start) {
            found.extend(range);
            continue;
        }
        let unescaped = sign == "=";
        let end = if !unescaped {
            let end = start + run(value, &[',', '}', ']', ' ', '\n', '\r', '"', '\'']);
            let word = text.get(start..end).unwrap_or_default();
            if matches!(word, "true" | "false" | "null") || word.starts_with(['{', '[']) { start } else { end }
        } else if bare.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
            // An entry of an environment: all the rest is the value.
            start + run(value, LINE)
        } else if bare.trim_end().ends_with(';') || bare.is_empty() && value.contains(';') {
            start + run(value, IN_CONNECTION_STRING)
        } else {
            start + run(value, ORDINARY)
        };
        if start < end && !value.starts_with(KEPT) {
            found.push(start..end);
        }
    }
}

/// The inside of the quotes that open at `start`, escaped as the opening one is; `None` when none opens there.
fn quoted(text: &str, start: usize) -> Option<Option<Range<usize>>> {
    let value = from(text, start);
    let opened = value.trim_start_matches('\\');
    let escapes = value.len() - opened.len();
    let quote = opened.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = start + escapes + 1;
    let mut backslashes = 0;
    let mut end = text.len();
    for (at, c) in from(text, inside).char_indices() {
        if c == quote && backslashes <= escapes {
            end = inside + at - backslashes;
            break;
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    Some((inside < end && !from(text, inside).starts_with(KEPT)).then_some(inside..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_judged_by_their_words() {
        for name in [
            "password",
            "Password",
            "dbPassword",
            "SA_PASSWORD",
            "DBPASSWORD",
            "passwd",
            "pwd",
            "DB_PWD",
            "dbpwd",
            "passphrase",
            "REDIS_PASS",
            "token",
            "tokens",
            "ACR_TOKEN",
            "pinToken",
            "sasToken",
            "SASToken",
            "token2",
            "mytoken",
            "secret",
            "clientSecret",
            "CLIENT_SECRET",
            "client-secret",
            "apiKey",
            "api_key",
            "APIKey",
            "APIKEY",
            "apikeys",
            "primaryKey",
            "secondaryKey",
            "PrimaryKey1",
            "accessKey",
            "accountKey",
            "sharedAccessKey",
            "SharedAccessKey",
            "sharedaccesskey",
            "sharedAccessKeyValue",
            "symmetricKey",
            "primaryKeyBase64",
            "MODEL_API_KEY",
            "STORAGE_KEY",
            "some-key",
            "some.key",
            "connectionString",
            "CONNECTION_STRING",
            "connstr",
            "sharedAccessSignature",
            "Authorization",
            "token.value",
        ] {
            assert!(names_a_secret(name), "{name} names a secret");
        }
        for name in [
            "tokenizer",
            "keyboard",
            "monkey",
            "turkey",
            "primaryKeyboard",
            "passwordless",
            "compass",
            "bypass",
            "passenger",
            "lowPass",
            "connection",
            "connectionState",
            "key",
            "keys",
            "publicKey",
            "PARTITION_KEY",
            "SharedAccessKeyName",
            "tokenTtl",
            "token_ttl",
            "maxTokens",
            "tokenCount",
            "passwordPolicy",
            "secretary",
            "hotKey",
            "AWS_ACCESS_KEY_ID",
            "signature",
            "value",
            "address",
            "username",
            "",
            "_",
            "registryCredentials",
            "temperatureThreshold",
            "hockey",
            "keyVault",
            "string",
            "strings",
        ] {
            assert!(!names_a_secret(name), "{name} is innocent");
        }
    }

    #[test]
    fn text_is_redacted() {
        for (text, expected) in [
            (
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey=abc=",
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey=********",
            ),
            ("hostname=h;sharedaccesskey=abc=;x=y", "hostname=h;sharedaccesskey=********;x=y"),
            (
                "SharedAccessSignature sr=h&sig=a%2Fb%3D&se=1&skn=p",
                "SharedAccessSignature sr=h&sig=********&se=1&skn=p",
            ),
            ("https://x/c?sv=1&SIG=abc&se=2", "https://x/c?sv=1&SIG=********&se=2"),
            ("Authorization: Bearer ey.J.x", "Authorization: Bearer ********"),
            ("authorization: bearer abc, x", "authorization: bearer ********, x"),
            ("Authorization: Basic dTpw", "Authorization: Basic ********"),
            ("the bearer token is missing, basic rules", "the bearer token is missing, basic rules"),
            ("nothing here", "nothing here"),
            ("two SharedAccessKey=a; SharedAccessKey=b", "two SharedAccessKey=********; SharedAccessKey=********"),
            ("SA_PASSWORD=a b,c;d", "SA_PASSWORD=********"),
            ("docker run -e ACR_TOKEN=abc -e TZ=UTC", "docker run -e ACR_TOKEN=******** -e TZ=UTC"),
            ("--password=abc x", "--password=******** x"),
            ("Server=s;User=u;Password=a,b)c d;Timeout=3", "Server=s;User=u;Password=********;Timeout=3"),
            ("pwd=abc", "pwd=********"),
            ("password = 'a b' x", "password = '********' x"),
            ("token == \"a\" AND x = 1", "token == \"********\" AND x = 1"),
            ("got {\"password\": \"a b\", \"n\": 1}!", "got {\"password\": \"********\", \"n\": 1}!"),
            ("got {\\\"pin_token\\\":\\\"a\\\"}", "got {\\\"pin_token\\\":\\\"********\\\"}"),
            ("got {\"pin_token\": 123}", "got {\"pin_token\": ********}"),
            ("pull https://user:pa@ss@host/x failed", "pull https://user:********@host/x failed"),
            ("https://user:a/b@host", "https://user:********@host"),
            ("https://ghp_abc@github.com/x", "https://********@github.com/x"),
            ("ssh://git@host https://host:8080/@x", "ssh://git@host https://host:8080/@x"),
            ("x -----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- y", "x ******** y"),
            ("x -----BEGIN PRIVATE KEY-----\nabc", "x ********"),
            ("jwt eyJhbGci.eyJzdWIi.c2ln_-x ok", "jwt ******** ok"),
            ("eyJust a word.", "eyJust a word."),
            ("config=1 monkey=2 tokenTtl=5", "config=1 monkey=2 tokenTtl=5"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn redaction_is_stable(text in "([ -~]|\n|é|token|=|;|\"|\\\\|password|eyJ|://|@|bearer |sig){0,24}") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once), once);
        }
    }
}
