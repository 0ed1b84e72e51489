//! `contexts.toml`: which hubs there are, how to sign in, and what holds there (console-ux G-85).
//!
//! ```toml
//! default = "prod-weu"
//!
//! [contexts.prod-weu]
//! hub = "iothub-production-001.azure-devices.net"
//! auth = "entra"
//! production = true
//! ```

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::{Finding, Place, Source};
use super::input::{Input, Parsed, is_name, parse};
use super::settings::{Origin, Rejected, Settings};
use crate::domain::secret::redact;

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Entra ID, from whichever source applies.
    Entra,
    /// A connection string in a private file.
    ConnectionStringFile(PathBuf),
}

/// One hub with one way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Host name, with a port when it is not 443.
    pub hub: String,
    /// How to sign in.
    pub auth: Auth,
    /// Whether people depend on it; shown as a badge, asks more before a write.
    pub production: bool,
    /// `read_only` as written; `None` leaves it to the other layers.
    pub read_only: Option<bool>,
    /// Settings that hold in this context only, checked when read.
    pub(super) overrides: Vec<Override>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    pub(super) key: &'static str,
    pub(super) input: Input,
    pub(super) place: Place,
}

impl Context {
    /// A context without settings of its own.
    #[must_use]
    pub fn new(name: impl Into<String>, hub: impl Into<String>, auth: Auth) -> Self {
        Self { name: name.into(), hub: hub.into(), auth, production: false, read_only: None, overrides: Vec::new() }
    }
}

/// All contexts, in the file's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contexts {
    /// The usable ones.
    pub list: Vec<Context>,
    /// The one to open when none is named.
    pub default: Option<String>,
}

/// What a context may say besides `poll`, and the setting it stands for.
const OVERRIDES: [(&str, &str); 6] = [
    ("theme", "ui.theme"),
    ("read_only", "safety.start_readonly"),
    ("sku", "hub.sku"),
    ("units", "hub.units"),
    ("rate_share", "hub.rate_share"),
    ("message_share", "hub.message_share"),
];
const POLL: [(&str, &str); 2] = [("fleet", "poll.fleet"), ("detail", "poll.detail")];

const MEMBERS: &str = "hub, auth, connection_string_file, production, read_only, theme, sku, units, rate_share, \
                       message_share, poll.fleet, poll.detail";

impl Contexts {
    /// The context of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Context> {
        self.list.iter().find(|context| context.name == name)
    }

    /// Reads the text of `contexts.toml`. A context that cannot be used is left out and reported; so is a member,
    /// except that a `production` or `read_only` nobody can read counts as true.
    pub(super) fn parse(file: &Path, text: &str, findings: &mut Vec<Finding>) -> Self {
        let mut found = Self::default();
        let parsed = parse(file, text, findings);
        let mut reader = Reader { file, text, parsed: &parsed, findings };
        for (key, value) in &parsed.table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("default", DeValue::String(name)) => found.default = Some(name.to_string()),
                ("contexts", DeValue::Table(contexts)) => {
                    for (name, value) in contexts {
                        let at = name.span().start;
                        match value.get_ref() {
                            DeValue::Table(members) => {
                                found.list.extend(reader.context(name.get_ref(), at, members));
                            }
                            _ => reader.report(at, name.get_ref(), "is not a table", Some(MEMBERS.to_owned())),
                        }
                    }
                }
                (key, _) => {
                    reader.report(
                        value.span().start,
                        key,
                        "is not known here",
                        Some("default, [contexts.NAME]".into()),
                    );
                }
            }
        }
        found
    }
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    parsed: &'a Parsed<'a>,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn report(&mut self, at: usize, key: &str, problem: &str, allowed: Option<String>) {
        let place = Place::at(self.file, self.text, at);
        // What is wrong with a broken line has been said.
        if !self.parsed.is_broken(&place) {
            let source = Source::File(place);
            self.findings.push(Finding { source, key: key.to_owned(), problem: redact(problem), allowed });
        }
    }

    fn input(&self, value: &Spanned<DeValue<'_>>) -> Input {
        if self.parsed.is_broken(&Place::at(self.file, self.text, value.span().start)) {
            return Input::Other("broken line");
        }
        Input::of(value.get_ref())
    }

    fn context(&mut self, name: &str, at: usize, members: &DeTable<'_>) -> Option<Context> {
        if !is_name(name) {
            self.report(at, name, "cannot be a context's name", Some("letters, digits, '-', '_', '.'".to_owned()));
            return None;
        }
        let mut context = Context::new(name, "", Auth::Entra);
        let (mut hub, mut auth, mut file) = (None, None, None);
        for (key, value) in members {
            let (member, at) = (key.get_ref().as_ref(), value.span().start);
            let input = self.input(value);
            let path = format!("contexts.{name}.{member}");
            match member {
                "hub" => match input.text().filter(|host| is_host(host)) {
                    Some(host) => hub = Some(host.to_owned()),
                    None => {
                        self.bad(at, &path, &input, "a host name, such as my-hub.azure-devices.net");
                    }
                },
                "auth" => match input.text() {
                    Some(kind @ ("entra" | "connection-string-file")) => auth = Some(kind.to_owned()),
                    _ => {
                        self.bad(at, &path, &input, "entra, connection-string-file");
                        return None;
                    }
                },
                "connection_string_file" => {
                    match input.text().filter(|path| !path.is_empty() && !path.starts_with('~')) {
                        // Relative to the folder of contexts.toml.
                        Some(path) => file = Some(self.file.with_file_name("").join(path)),
                        None => self.bad(at, &path, &input, "an absolute path, or one relative to contexts.toml"),
                    }
                }
                "production" => {
                    context.production = input.switch().unwrap_or_else(|| {
                        self.bad(at, &path, &input, "true, false (taken as true)");
                        true
                    });
                }
                "poll" => self.poll(name, value.get_ref(), at, &mut context),
                _ => match OVERRIDES.iter().find(|(own, _)| *own == member) {
                    Some((_, key)) => self.setting(&path, key, input, at, &mut context),
                    None => self.report(at, &path, "is not known", Some(MEMBERS.to_owned())),
                },
            }
        }
        let Some(hub) = hub else {
            self.report(at, &format!("contexts.{name}"), "has no usable hub; the context is left out", None);
            return None;
        };
        context.hub = hub;
        context.auth = match (auth.as_deref(), file) {
            (Some("entra") | None, None) => Auth::Entra,
            (_, Some(file)) if auth.as_deref() != Some("entra") => Auth::ConnectionStringFile(file),
            (Some("entra"), Some(_)) => {
                let problem = "has auth = \"entra\" and a connection string file; the context is left out";
                self.report(at, &format!("contexts.{name}"), problem, Some("one of the two".to_owned()));
                return None;
            }
            _ => {
                let problem = "names no connection_string_file; the context is left out";
                self.report(at, &format!("contexts.{name}"), problem, None);
                return None;
            }
        };
        Some(context)
    }

    fn poll(&mut self, name: &str, value: &DeValue<'_>, at: usize, context: &mut Context) {
        let DeValue::Table(members) = value else {
            self.report(at, &format!("contexts.{name}.poll"), "is not a table", Some("fleet, detail".to_owned()));
            return;
        };
        for (key, value) in members {
            let (path, at) = (format!("contexts.{name}.poll.{}", key.get_ref()), value.span().start);
            match POLL.iter().find(|(own, _)| *own == key.get_ref().as_ref()) {
                Some((_, key)) => self.setting(&path, key, self.input(value), at, context),
                None => self.report(at, &path, "is not known", Some("fleet, detail".to_owned())),
            }
        }
    }

    /// Takes a setting that holds in the context only, once it is known to be good.
    fn setting(&mut self, path: &str, key: &'static str, mut input: Input, at: usize, context: &mut Context) {
        if let Err(Rejected::Value(allowed)) = Settings::default().set(key, &input, Origin::Default) {
            self.bad(at, path, &input, allowed);
            if key != "safety.start_readonly" {
                return;
            }
            input = Input::Bool(true);
        }
        if key == "safety.start_readonly" {
            context.read_only = input.switch();
        }
        context.overrides.push(Override { key, input, place: Place::at(self.file, self.text, at) });
    }

    fn bad(&mut self, at: usize, key: &str, input: &Input, allowed: &str) {
        self.report(at, key, &format!("{} does not fit", input.quoted(key)), Some(allowed.to_owned()));
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "443"));
    !host.is_empty()
        && host.len() <= 253
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A context of that name exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a context {0} exists; choose another name, or edit contexts.toml")]
pub struct NameTaken(pub String);

/// The text of `contexts.toml` with one more context at its end; comments and order stay as they are. Settings of its
/// own are not written.
///
/// # Errors
/// [`NameTaken`].
pub fn with_added(text: &str, context: &Context) -> Result<String, NameTaken> {
    let taken = DeTable::parse_recoverable(text)
        .0
        .into_inner()
        .get("contexts")
        .and_then(|contexts| contexts.get_ref().as_table())
        .is_some_and(|contexts| contexts.contains_key(context.name.as_str()));
    if taken {
        return Err(NameTaken(context.name.clone()));
    }
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut out = text.to_owned();
    if !out.is_empty() {
        out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
    }
    out.push_str(&format!("[contexts.{}]\nhub = {}\n", quoted(&context.name), quoted(&context.hub)));
    match &context.auth {
        Auth::Entra => out.push_str("auth = \"entra\"\n"),
        Auth::ConnectionStringFile(path) => {
            out.push_str("auth = \"connection-string-file\"\n");
            out.push_str(&format!("connection_string_file = {}\n", quoted(&path.to_string_lossy())));
        }
    }
    if context.production {
        out.push_str("production = true\n");
    }
    if let Some(read_only) = context.read_only {
        out.push_str(&format!("read_only = {read_only}\n"));
    }
    Ok(out)
}
