//! The layers over each other: flags > environment > context > user > system > defaults (console-ux C-11).

use std::path::{Path, PathBuf};

use super::contexts::{Context, Contexts};
use super::findings::{Finding, Place, Source};
use super::input::{Input, parse};
use super::paths::{Env, Paths};
use super::settings::{Origin, Rejected, Settings};
use crate::disk::{Access, read_text};

/// More than any configuration has.
const LIMIT: u64 = 1024 * 1024;

/// A flag that sets something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagValue {
    /// As it was written: `--theme`.
    pub flag: &'static str,
    /// The setting: `ui.theme`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// Environment variables that set something by their value.
const VARIABLES: [(&str, &str); 3] =
    [("EDGEDECK_THEME", "ui.theme"), ("EDGEDECK_KEYMAP", "ui.keymap"), ("EDGEDECK_READONLY", "safety.start_readonly")];

/// Environment variables that set something by being there: name, setting, value. `0` and `false` count as absent,
/// except for `NO_COLOR`, whose convention is that any text counts.
const SWITCHES: [(&str, &str, &str); 3] = [
    ("EDGEDECK_ASCII", "ui.glyphs", "ascii"),
    ("EDGEDECK_NO_COLOR", "ui.color", "none"),
    ("NO_COLOR", "ui.color", "none"),
];

/// The context to work in.
#[derive(Debug, Clone, PartialEq)]
pub enum Active {
    /// None was named and there is no default.
    None,
    /// This one.
    Chosen(Box<Context>),
    /// One was named that does not exist or cannot be used; nothing may be opened in its place.
    Missing(String),
}

/// The files as text, with the environment and the flags: everything the layers are made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `/etc/edgedeck/config.toml`.
    pub system: Option<(PathBuf, String)>,
    /// The user's `config.toml`.
    pub user: Option<(PathBuf, String)>,
    /// The user's `contexts.toml`.
    pub contexts: Option<(PathBuf, String)>,
    /// The environment.
    pub env: Env,
    /// The flags that were given.
    pub flags: Vec<FlagValue>,
    /// `--context`.
    pub context: Option<String>,
    /// The hub is the embedded simulated one, which costs nothing: it is read more often unless somebody says otherwise.
    pub simulated: bool,
    /// The hub is named by something else, so no context is in use and none of their settings hold.
    pub hub_named_elsewhere: bool,
}

/// Everything the operator set.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The settings in force.
    pub settings: Settings,
    /// All contexts.
    pub contexts: Contexts,
    /// The one in use.
    pub active: Active,
    /// What is wrong in the files, variables and flags.
    pub findings: Vec<Finding>,
}

impl Config {
    /// Reads the files into `asked`, which says the rest, and lays the layers over each other. A file that cannot be read
    /// is a finding. Blocks on the disk.
    #[must_use]
    pub fn load(paths: &Paths, asked: Sources) -> Self {
        let mut unread = Vec::new();
        let mut read = |path: PathBuf, access| match read_text(&path, access, LIMIT) {
            Ok(text) => text.map(|text| (path, text)),
            Err(error) => {
                let problem = format!("the file is left out: {error}");
                let source = Source::File(Place::whole(&path));
                unread.push(Finding { source, key: String::new(), problem, allowed: None });
                None
            }
        };
        let system = read(paths.system_config_file(), Access::Shared);
        let user = read(paths.config_file(), Access::Own);
        let contexts = read(paths.contexts_file(), Access::Own);
        let mut config = Self::merge(&Sources { system, user, contexts, ..asked });
        config.findings.splice(0..0, unread);
        config
    }

    /// Lays the layers over each other.
    #[must_use]
    pub fn merge(sources: &Sources) -> Self {
        let mut settings = if sources.simulated { Settings::simulated() } else { Settings::default() };
        let mut findings = Vec::new();
        if let Some((file, text)) = &sources.system {
            apply_file(&mut settings, file, text, Origin::System, &mut findings);
        }
        if let Some((file, text)) = &sources.user {
            apply_file(&mut settings, file, text, Origin::User, &mut findings);
        }
        let contexts = match &sources.contexts {
            Some((file, text)) => Contexts::parse(file, text, &mut findings),
            None => Contexts::default(),
        };
        let active = choose(sources, &contexts, &mut findings);
        if let Active::Chosen(context) = &active {
            for setting in &context.overrides {
                let origin = Origin::Context { name: context.name.clone(), place: setting.place.clone() };
                let source = Source::File(setting.place.clone());
                apply(&mut settings, setting.key, &setting.input, origin, source, &mut findings);
            }
        }
        for (name, key) in VARIABLES {
            if let Some(value) = sources.env.text(name) {
                let (origin, source) = (Origin::Environment(name), Source::Environment(name));
                apply(&mut settings, key, &Input::Word(value), origin, source, &mut findings);
            }
        }
        for (name, key, value) in SWITCHES {
            let on = sources
                .env
                .text(name)
                .is_some_and(|text| name == "NO_COLOR" || Input::Word(text).switch().unwrap_or(true));
            if on {
                let (origin, source) = (Origin::Environment(name), Source::Environment(name));
                apply(&mut settings, key, &Input::Word(value.to_owned()), origin, source, &mut findings);
            }
        }
        for FlagValue { flag, key, value } in &sources.flags {
            let (origin, source) = (Origin::Flag(flag), Source::Flag(flag));
            apply(&mut settings, key, &Input::Word(value.clone()), origin, source, &mut findings);
        }
        Self { settings, contexts, active, findings }
    }
}

fn choose(sources: &Sources, contexts: &Contexts, findings: &mut Vec<Finding>) -> Active {
    if sources.hub_named_elsewhere {
        return Active::None;
    }
    let flag = sources.context.clone().map(|name| (name, Source::Flag("--context")));
    let variable = || sources.env.text("EDGEDECK_CONTEXT").map(|name| (name, Source::Environment("EDGEDECK_CONTEXT")));
    let default = || {
        let (file, _) = sources.contexts.as_ref()?;
        contexts.default.clone().map(|name| (name, Source::File(Place::whole(file))))
    };
    let Some((name, source)) = flag.or_else(variable).or_else(default) else { return Active::None };
    if let Some(context) = contexts.get(&name) {
        return Active::Chosen(Box::new(context.clone()));
    }
    let names: Vec<&str> = contexts.list.iter().map(|context| context.name.as_str()).collect();
    findings.push(Finding {
        source,
        key: "context".to_owned(),
        problem: format!("there is no usable context \"{name}\""),
        allowed: Some(if names.is_empty() { "none is defined in contexts.toml".to_owned() } else { names.join(", ") }),
    });
    Active::Missing(name)
}

fn apply_file(
    settings: &mut Settings,
    file: &Path,
    text: &str,
    origin: fn(Place) -> Origin,
    findings: &mut Vec<Finding>,
) {
    let parsed = parse(file, text, findings);
    for (section, value) in &parsed.table {
        let name = section.get_ref();
        let Some(members) = value.get_ref().as_table().filter(|_| Settings::has_section(name)) else {
            let place = Place::at(file, text, section.span().start);
            if !parsed.is_broken(&place) {
                // Asking for the section itself as a setting gives the names that exist.
                let input = Input::of(value.get_ref());
                apply(settings, name, &input, Origin::Default, Source::File(place), findings);
            }
            continue;
        };
        for (member, value) in members {
            let place = Place::at(file, text, value.span().start);
            if parsed.is_broken(&place) {
                continue;
            }
            let (key, input) = (format!("{name}.{}", member.get_ref()), Input::of(value.get_ref()));
            apply(settings, &key, &input, origin(place.clone()), Source::File(place), findings);
        }
    }
}

fn apply(
    settings: &mut Settings,
    key: &str,
    input: &Input,
    origin: Origin,
    source: Source,
    findings: &mut Vec<Finding>,
) {
    let (problem, allowed) = match settings.set(key, input, origin) {
        Ok(()) => return,
        Err(Rejected::Unknown(names)) => ("is not a setting".to_owned(), names),
        Err(Rejected::Value(allowed)) => (format!("{} does not fit", input.quoted(key)), allowed.to_owned()),
    };
    findings.push(Finding { source, key: key.to_owned(), problem, allowed: Some(allowed) });
}
