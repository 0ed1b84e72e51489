//! The shape of the code, read from the code: which module may use which, how long a file may be, and what may stand
//! nowhere. Test code is left out; it may look at everything.
//!
//! The reader below knows just enough of Rust: comments and literals apart, then paths with their braces.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test's helpers fail as its assertions do"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a module of the crate may use besides itself. Only `cli` and `app` may use everything.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("disk", &[]),
    ("config", &["domain", "disk"]),
    ("local", &["domain", "disk"]),
    ("audit", &["domain", "disk"]),
    ("hub", &["domain"]),
    ("store", &["domain"]),
    ("sync", &["domain", "hub", "store"]),
    // Only its `tail` asks a hub; the rest is as pure as the domain.
    ("logs", &["domain", "hub"]),
    ("ops", &["domain", "hub", "audit", "local"]),
    ("sim", &["domain"]),
    ("tui", &["domain", "config", "store", "logs", "ops", "audit", "local"]),
    ("cli", &["*"]),
    ("app", &["*"]),
];

/// What of `domain` the simulated hub shares with the console. Its wire types, patches, metadata and limits are its
/// own, so that the two check each other. `snapshot` is the form of a file of ours; what is in it, it reads for itself.
const SIM_SHARES: [&str; 8] = ["ids", "time", "query", "effective", "manifest", "routes", "secret", "snapshot"];

/// Types that do something: screens hold data and leave doing to effects.
const NOT_FOR_SCREENS: [&str; 5] = ["Gateway", "AuditLog", "LocalStore", "FleetBuilder", "LogTail"];

/// The calls of `HubWrite`.
const WRITES: [&str; 9] = [
    "patch_twin",
    "create_device",
    "set_device_status",
    "delete_device",
    "create_deployment",
    "update_deployment",
    "delete_configuration",
    "apply_content",
    "invoke_method",
];

/// Lines a file may have.
const CEILING: usize = 800;
/// Lines that ask for a second look.
const SECOND_LOOK: usize = 500;

/// One source file without its comments, test items and literals.
struct Source {
    /// Its path from the crate's root, with `/`.
    name: String,
    text: String,
    /// Paths that stand in it: `crate::domain::ids::DeviceId` as its segments.
    paths: Vec<Vec<String>>,
    /// Its string literals, as written.
    literals: Vec<String>,
}

impl Source {
    /// The crate's module it belongs to; empty for the crate's own files.
    fn module(&self) -> &str {
        let below = self.name.strip_prefix("src/").unwrap_or(&self.name);
        match below.split_once('/') {
            Some((module, _)) => module,
            None => below.strip_suffix(".rs").filter(|name| !matches!(*name, "lib" | "main")).unwrap_or(""),
        }
    }

    /// How many modules it is below the crate's root.
    fn depth(&self) -> usize {
        let below = self.name.strip_prefix("src/").unwrap_or(&self.name);
        let parts = below.split('/').count();
        if below.ends_with("/mod.rs") || matches!(below, "lib.rs" | "main.rs") { parts - 1 } else { parts }
    }

    /// Paths from the crate's root, without `crate`: those that say so and those that climb there.
    fn rooted(&self) -> impl Iterator<Item = &[String]> {
        self.paths.iter().filter_map(|path| {
            let climbs = path.iter().take_while(|part| *part == "super").count();
            match path.first().map(String::as_str) {
                Some("crate") => Some(&path[1..]),
                Some("super") if climbs >= self.depth() => Some(&path[climbs..]),
                _ => None,
            }
        })
    }

    fn uses(&self, crate_path: &[&str]) -> bool {
        self.paths.iter().any(|path| path.len() >= crate_path.len() && path.iter().zip(crate_path).all(|(a, b)| a == b))
    }
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Every file below `src`, raw, by its name.
fn raw() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_below(&root.join("src"), &mut files);
    let name = |path: &Path| {
        path.strip_prefix(root)
            .unwrap()
            .components()
            .map(|c| c.as_os_str().to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("/")
    };
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Every file of the product: what is compiled for tests only is gone.
fn product() -> Vec<Source> {
    let mut tests: BTreeSet<String> = BTreeSet::new();
    let mut sources: Vec<Source> = raw()
        .into_iter()
        .map(|(name, text)| {
            let (code, _) = strip(&text);
            let (_, modules) = without_tests(&code);
            let folder = match name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix("/lib.rs")) {
                Some(folder) => folder.to_owned(),
                None => name.strip_suffix(".rs").unwrap().to_owned(),
            };
            tests.extend(modules.iter().map(|module| format!("{folder}/{module}")));
            // Literals of test items are not the product's, so they are read from what is left.
            let kept = keep_product(&text);
            let (code, literals) = strip(&kept);
            Source { paths: paths(&code), text: code, name, literals }
        })
        .collect();
    sources.retain(|source| {
        !tests.iter().any(|test| source.name == format!("{test}.rs") || source.name.starts_with(&format!("{test}/")))
    });
    sources
}

/// The file with every item under `#[cfg(test)]` blanked, literals included.
fn keep_product(text: &str) -> String {
    let (code, _) = strip(text);
    // Stripping keeps every byte's place, so what is cut there is cut here.
    let (left, _) = without_tests(&code);
    text.bytes()
        .zip(left.bytes().zip(code.bytes()))
        .map(|(raw, (left, code))| if left == b' ' && code != b' ' { b' ' } else { raw })
        .map(char::from)
        .collect()
}

/// Blanks comments and the insides of literals, byte for byte; returns the string literals too.
fn strip(text: &str) -> (String, Vec<String>) {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = bytes.iter().map(|b| if b.is_ascii() { *b } else { b'_' }).collect();
    let mut literals = Vec::new();
    let blank = |out: &mut Vec<u8>, from: usize, to: usize| {
        for b in &mut out[from..to] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
    };
    let find =
        |from: usize, what: &[u8]| (from..bytes.len()).find(|at| bytes[*at..].starts_with(what)).unwrap_or(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if rest.starts_with(b"//") {
            let end = find(at, b"\n");
            blank(&mut out, at, end);
            at = end;
        } else if rest.starts_with(b"/*") {
            let end = (find(at, b"*/") + 2).min(bytes.len());
            blank(&mut out, at, end);
            at = end;
        } else if rest[0] == b'r'
            && !word_before
            && rest[1..].iter().find(|b| **b != b'#') == Some(&b'"')
            && rest.len() > 1
        {
            let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
            let start = at + 2 + hashes;
            let mut close = vec![b'"'];
            close.extend(std::iter::repeat_n(b'#', hashes));
            let end = find(start, &close);
            literals.push(String::from_utf8_lossy(&bytes[start..end]).into_owned());
            blank(&mut out, start, end);
            at = (end + close.len()).min(bytes.len());
        } else if rest[0] == b'"' {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let end = end.min(bytes.len());
            literals.push(String::from_utf8_lossy(&bytes[at + 1..end]).into_owned());
            blank(&mut out, at + 1, end);
            at = end + 1;
        } else if rest[0] == b'\'' {
            // A character, unless it is a lifetime.
            let c = text[at + 1..].chars().next().map_or(1, char::len_utf8);
            let end = if rest.get(1) == Some(&b'\\') {
                find(at + 3, b"'")
            } else if rest.get(1 + c) == Some(&b'\'') {
                at + 1 + c
            } else {
                at
            };
            if end > at {
                blank(&mut out, at + 1, end);
            }
            at = end + 1;
        } else {
            at += 1;
        }
    }
    (String::from_utf8(out).unwrap(), literals)
}

/// Blanks every item under `#[cfg(test)]`; returns the names of test modules that have files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = code.as_bytes().to_vec();
    let mut modules = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let body = start + "#[cfg(test)]".len();
        let mut depth = 0_i32;
        let mut end = code.len();
        for (offset, b) in code.as_bytes()[body..].iter().enumerate() {
            match b {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => {
                    depth -= 1;
                    if depth == 0 && *b == b'}' {
                        end = body + offset + 1;
                        break;
                    }
                }
                b';' if depth == 0 => {
                    end = body + offset + 1;
                    break;
                }
                _ => {}
            }
        }
        let item = code[body..end].trim();
        if let Some(name) =
            item.strip_suffix(';').and_then(|item| item.rsplit_once("mod ")).map(|(_, name)| name.trim())
        {
            modules.push(name.to_owned());
        }
        for b in &mut out[start..end] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
        from = end;
    }
    (String::from_utf8(out).unwrap(), modules)
}

/// Every path of more than one segment, braces multiplied out.
fn paths(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_word(&tokens[at]) && tokens.get(at + 1).is_some_and(|next| next == "::");
        if begins && (at == 0 || tokens[at - 1] != "::") {
            at = tree(&tokens, at, &[], &mut out);
        } else {
            at += 1;
        }
    }
    out
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
}

fn tokens(code: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut token = c.to_string();
        if c.is_ascii_alphanumeric() || c == '_' {
            while let Some(next) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                token.push(next);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            token.push(':');
        }
        out.push(token);
    }
    out
}

/// Reads a path or a tree of a `use` from `at`; returns the token after it.
fn tree(tokens: &[String], mut at: usize, before: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") if path.len() > before.len() || !before.is_empty() => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = match tokens.get(at).map(String::as_str) {
                        Some(word) if is_word(word) || matches!(word, "*" | "{") => tree(tokens, at, &path, out),
                        _ => at + 1,
                    };
                    // A new name is not a path.
                    if tokens.get(at).is_some_and(|token| token == "as") {
                        at += 2;
                    }
                }
                return at + 1;
            }
            Some(word) if is_word(word) || word == "*" => {
                path.push(word.to_owned());
                at += 1;
                if tokens.get(at).is_none_or(|token| token != "::") {
                    out.push(path);
                    return at;
                }
                at += 1;
            }
            _ => {
                out.push(path);
                return at;
            }
        }
    }
}

#[test]
fn the_reader_reads() {
    let code = r##"
        use crate::{domain::{ids::DeviceId, time}, hub as h};
        // use crate::comment::x;
        fn f() { let s = "crate::literal::x \" */"; let c = '"'; super::super::up::x::<T>(); let l: &'a str = r#"crate::raw"#; }
        #[cfg(test)]
        mod tests { use crate::tests_only::x; fn g() { if true { "*" } } }
        #[cfg(test)]
        pub(crate) mod elsewhere;
        fn after() { crate::after::x(); }
    "##;
    let (stripped, literals) = strip(code);
    assert_eq!(stripped.len(), code.len());
    assert_eq!(literals, ["crate::literal::x \\\" */", "crate::raw", "*"]);
    let (left, modules) = without_tests(&stripped);
    assert_eq!(modules, ["elsewhere"]);
    let found: Vec<String> = paths(&left).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        ["crate::domain::ids::DeviceId", "crate::domain::time", "crate::hub", "super::super::up::x", "crate::after::x"]
    );
    assert_eq!(strip(&keep_product(code)).1, ["crate::literal::x \\\" */", "crate::raw"]);
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for source in product() {
        let module = source.module().to_owned();
        if module.is_empty() {
            continue;
        }
        let Some(allowed) = table.get(module.as_str()) else {
            wrong.push(format!("{}: the table does not know the module {module}", source.name));
            continue;
        };
        for path in source.rooted() {
            let Some(target) = path.first() else { continue };
            seen.insert((module.clone(), target.clone()));
            if *target != module && !allowed.contains(&"*") && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{}: {module} may not use {}", source.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The reader is not blind: these uses are there.
    for (module, target) in [("tui", "store"), ("ops", "hub"), ("sync", "store"), ("sim", "domain")] {
        assert!(seen.contains(&(module.to_owned(), target.to_owned())), "{module} is not seen to use {target}");
    }
}

#[test]
fn the_simulated_hub_shares_only_what_is_checked_from_outside() {
    let mut wrong = Vec::new();
    for source in product().iter().filter(|source| source.module() == "sim") {
        for path in source.rooted() {
            if let [domain, part, ..] = path
                && domain == "domain"
                && !SIM_SHARES.contains(&part.as_str())
            {
                wrong.push(format!("{}: {}", source.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_middle_is_pure() {
    let outside: [&[&str]; 6] =
        [&["std", "fs"], &["std", "env"], &["std", "net"], &["std", "process"], &["tokio"], &["reqwest"]];
    let mut wrong = Vec::new();
    let pure = |source: &Source| match source.module() {
        "domain" | "store" => true,
        "logs" => !source.name.starts_with("src/logs/tail"),
        _ => false,
    };
    for source in product().iter().filter(|source| pure(source)) {
        for path in outside.iter().filter(|path| source.uses(path)) {
            wrong.push(format!("{}: {}", source.name, path.join("::")));
        }
        for path in source.rooted().filter(|path| path.first().is_some_and(|module| module == "hub")) {
            wrong.push(format!("{}: {}", source.name, path.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn screens_touch_no_file_no_network_and_nothing_that_acts() {
    let mut wrong = Vec::new();
    for source in product().iter().filter(|source| source.module() == "tui") {
        // The terminal is a file, and its crash report is one.
        let may_open = source.name.starts_with("src/tui/term/");
        for path in [&["std", "env"][..], &["std", "net"], &["reqwest"], &["hyper"], &["std", "fs"]] {
            if source.uses(path) && !(may_open && path == ["std", "fs"]) {
                wrong.push(format!("{}: {}", source.name, path.join("::")));
            }
        }
        let waits = source.name == "src/tui/run.rs" || source.name.starts_with("src/tui/term/");
        if !waits && (source.uses(&["tokio"]) || source.text.contains(".await")) {
            wrong.push(format!("{}: only the loop and the terminal wait", source.name));
        }
        for path in source.rooted().filter(|path| path.first().is_some_and(|module| module != "tui")) {
            if let Some(actor) = path.iter().find(|part| NOT_FOR_SCREENS.contains(&part.as_str())) {
                wrong.push(format!("{}: {actor} is not data", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_write_is_unguarded() {
    let wildcard = |literal: &String| literal.trim_matches(|c| c == '\\' || c == '"') == "*";
    let found: Vec<String> = product()
        .iter()
        .filter(|source| matches!(source.module(), "hub" | "ops"))
        .flat_map(|source| source.literals.iter().filter(|l| wildcard(l)).map(|_| source.name.clone()))
        .collect();
    // The gate names the wildcard once, to refuse it.
    assert_eq!(found, ["src/ops/gate.rs"]);
}

/// What changes something at the hub is called from the one gateway; the rest of the program asks it.
#[test]
fn only_the_gateway_writes() {
    let is_hubs = |source: &&Source| !matches!(source.module(), "hub" | "sim");
    let found: Vec<String> = product()
        .iter()
        .filter(is_hubs)
        .filter(|source| tokens(&source.text).iter().any(|token| WRITES.contains(&token.as_str())))
        .map(|source| source.name.clone())
        .collect();
    assert_eq!(found, ["src/ops/send.rs"]);
}

#[test]
fn every_queue_has_a_bound() {
    let found: Vec<String> =
        product().into_iter().filter(|source| source.text.contains("unbounded")).map(|source| source.name).collect();
    assert!(found.is_empty(), "unbounded queues in {found:?}");
}

#[test]
fn every_file_says_what_belongs_in_it_and_is_not_too_long() {
    let mut wrong = Vec::new();
    for (name, text) in raw() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not say what belongs in it"));
        }
        let lines = text.lines().count();
        if lines > CEILING {
            wrong.push(format!("{name} has {lines} lines, {CEILING} is the ceiling"));
        } else if lines > SECOND_LOOK {
            println!("{name} has {lines} lines: worth a second look");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
