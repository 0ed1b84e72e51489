//! The settings: their names, types, bounds, defaults, and for each where its value came from.

use std::fmt;
use std::time::Duration;

use super::findings::Place;
use super::input::Input;
use crate::domain::sku::Sku;
use crate::domain::time::durations;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}

/// Who set a value; later ones win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// `/etc/edgedeck/config.toml`.
    System(Place),
    /// The user's `config.toml`.
    User(Place),
    /// The context in use.
    Context {
        /// Its name.
        name: String,
        /// Where in `contexts.toml`.
        place: Place,
    },
    /// An environment variable.
    Environment(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::System(place) | Self::User(place) => place.fmt(f),
            Self::Context { name, place } => write!(f, "context {name} ({place})"),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Which theme to use on a dark and on a light terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeChoice {
    /// On a dark background, or when nobody knows.
    pub dark: String,
    /// On a light background.
    pub light: String,
}

/// How many colours to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// As many as the terminal says it has.
    Auto,
    /// 24 bits.
    Truecolor,
    /// The 256-colour palette.
    Indexed,
    /// The terminal's 16.
    Ansi,
    /// None: attributes only.
    None,
}

const COLORS: [(&str, Color); 5] = [
    ("auto", Color::Auto),
    ("truecolor", Color::Truecolor),
    ("256", Color::Indexed),
    ("16", Color::Ansi),
    ("none", Color::None),
];

/// Which characters to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Unicode when the locale is UTF-8.
    Auto,
    /// Unicode.
    Unicode,
    /// ASCII only.
    Ascii,
}

const GLYPHS: [(&str, Glyphs); 3] = [("auto", Glyphs::Auto), ("unicode", Glyphs::Unicode), ("ascii", Glyphs::Ascii)];

fn spelled<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> String {
    choices.iter().find(|(_, choice)| choice == value).map_or("", |(name, _)| *name).to_owned()
}

/// How it looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Ui {
    /// Theme by name; default `terminal`.
    pub theme: Setting<ThemeChoice>,
    /// Keymap by name; default `k9s`.
    pub keymap: Setting<String>,
    /// Colour depth; default `auto`.
    pub color: Setting<Color>,
    /// Character set; default `auto`.
    pub glyphs: Setting<Glyphs>,
}

/// How often to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// The fleet list, 5 s to 1 h; default 30 s. The budget may slow it down further.
    pub fleet: Setting<Duration>,
    /// The object on screen, 2 s to 1 h; default 10 s.
    pub detail: Setting<Duration>,
}

/// What the hub is and how much of it edgedeck may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Hub {
    /// Edition; default `S1`, the smallest that production uses.
    pub sku: Setting<Sku>,
    /// Units, 1 to 200; default 1.
    pub units: Setting<u32>,
    /// Part of the hub's rates, above 0 to 1; default a half.
    pub rate_share: Setting<f64>,
    /// Part of the day's messages, above 0 to 1; default a twentieth.
    pub message_share: Setting<f64>,
}

/// What protects the fleet and the operator's work.
#[derive(Debug, Clone, PartialEq)]
pub struct Safety {
    /// How long drafts are kept, 1 h to 1 year; default 7 days.
    pub draft_keep: Setting<Duration>,
    /// Whether a context opens read-only; default true. The strictest of all who say something wins: no later
    /// layer can undo a `true` (console-ux X-36).
    pub start_readonly: Setting<bool>,
}

/// All settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `[ui]`
    pub ui: Ui,
    /// `[poll]`
    pub poll: Poll,
    /// `[hub]`
    pub hub: Hub,
    /// `[safety]`
    pub safety: Safety,
}

impl Settings {
    /// The defaults on the embedded simulated hub.
    #[must_use]
    pub fn simulated() -> Self {
        let poll =
            Poll { fleet: Setting::default(Duration::from_secs(10)), detail: Setting::default(Duration::from_secs(5)) };
        Self { poll, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let theme = ThemeChoice { dark: "terminal".to_owned(), light: "terminal".to_owned() };
        Self {
            ui: Ui {
                theme: Setting::default(theme),
                keymap: Setting::default("k9s".to_owned()),
                color: Setting::default(Color::Auto),
                glyphs: Setting::default(Glyphs::Auto),
            },
            poll: Poll {
                fleet: Setting::default(Duration::from_secs(30)),
                detail: Setting::default(Duration::from_secs(10)),
            },
            hub: Hub {
                sku: Setting::default(Sku::S1),
                units: Setting::default(1),
                rate_share: Setting::default(0.5),
                message_share: Setting::default(0.05),
            },
            safety: Safety {
                draft_keep: Setting::default(Duration::from_secs(7 * DAY)),
                start_readonly: Setting::default(true),
            },
        }
    }
}

/// One setting by name: how it is read, and how it is printed.
struct Key {
    name: &'static str,
    allowed: &'static str,
    /// False when the value means nothing here.
    set: fn(&mut Settings, &Input, Origin) -> bool,
    show: fn(&Settings) -> (String, &Origin),
}

fn put<T>(slot: &mut Setting<T>, value: Option<T>, origin: Origin) -> bool {
    match value {
        Some(value) => {
            *slot = Setting { value, origin };
            true
        }
        None => false,
    }
}

fn shown<T>(setting: &Setting<T>, print: impl Fn(&T) -> String) -> (String, &Origin) {
    (print(&setting.value), &setting.origin)
}

fn theme(input: &Input) -> Option<ThemeChoice> {
    if let Some(name) = input.name() {
        return Some(ThemeChoice { dark: name.clone(), light: name });
    }
    let Input::Pairs(pairs) = input else { return None };
    let (mut dark, mut light) = (None, None);
    for (key, value) in pairs {
        let name = Input::Text(value.clone()).name()?;
        match key.as_str() {
            "dark" => dark = Some(name),
            "light" => light = Some(name),
            _ => return None,
        }
    }
    let first = dark.clone().or_else(|| light.clone())?;
    Some(ThemeChoice { dark: dark.unwrap_or_else(|| first.clone()), light: light.unwrap_or(first) })
}

fn percent(share: &f64) -> String {
    format!("{}%", (share * 100_000.0).round() / 1_000.0)
}

fn print(duration: &Duration) -> String {
    durations::print(*duration)
}

const fn seconds(from: u64, to: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(from)..=Duration::from_secs(to)
}

/// Every setting, in the order `edgedeck config show` prints them.
const KEYS: [Key; 12] = [
    Key {
        name: "ui.theme",
        allowed: "a theme's name, or { dark = \"..\", light = \"..\" }",
        set: |s, i, o| put(&mut s.ui.theme, theme(i), o),
        show: |s| {
            shown(&s.ui.theme, |t| if t.dark == t.light { t.dark.clone() } else { format!("{} / {}", t.dark, t.light) })
        },
    },
    Key {
        name: "ui.keymap",
        allowed: "a keymap's name: k9s, vim, or a file in keymaps/",
        set: |s, i, o| put(&mut s.ui.keymap, i.name(), o),
        show: |s| shown(&s.ui.keymap, String::clone),
    },
    Key {
        name: "ui.color",
        allowed: "auto, truecolor, 256, 16, none",
        set: |s, i, o| put(&mut s.ui.color, i.choice(&COLORS), o),
        show: |s| shown(&s.ui.color, |v| spelled(&COLORS, v)),
    },
    Key {
        name: "ui.glyphs",
        allowed: "auto, unicode, ascii",
        set: |s, i, o| put(&mut s.ui.glyphs, i.choice(&GLYPHS), o),
        show: |s| shown(&s.ui.glyphs, |v| spelled(&GLYPHS, v)),
    },
    Key {
        name: "poll.fleet",
        allowed: "a duration from 5s to 1h, such as \"30s\"",
        set: |s, i, o| put(&mut s.poll.fleet, i.duration(&seconds(5, HOUR)), o),
        show: |s| shown(&s.poll.fleet, print),
    },
    Key {
        name: "poll.detail",
        allowed: "a duration from 2s to 1h, such as \"10s\"",
        set: |s, i, o| put(&mut s.poll.detail, i.duration(&seconds(2, HOUR)), o),
        show: |s| shown(&s.poll.detail, print),
    },
    Key {
        name: "hub.sku",
        allowed: "F1, B1, B2, B3, S1, S2, S3",
        set: |s, i, o| put(&mut s.hub.sku, i.choice(&Sku::ALL.map(|sku| (sku.name(), sku))), o),
        show: |s| shown(&s.hub.sku, |v| v.name().to_owned()),
    },
    Key {
        name: "hub.units",
        allowed: "a whole number from 1 to 200",
        set: |s, i, o| put(&mut s.hub.units, i.whole(&(1..=200)), o),
        show: |s| shown(&s.hub.units, u32::to_string),
    },
    Key {
        name: "hub.rate_share",
        allowed: "a part of one, such as 0.5 or \"50%\"",
        set: |s, i, o| put(&mut s.hub.rate_share, i.share(), o),
        show: |s| shown(&s.hub.rate_share, percent),
    },
    Key {
        name: "hub.message_share",
        allowed: "a part of one, such as 0.05 or \"5%\"",
        set: |s, i, o| put(&mut s.hub.message_share, i.share(), o),
        show: |s| shown(&s.hub.message_share, percent),
    },
    Key {
        name: "safety.draft_keep",
        allowed: "a duration from 1h to 365d, such as \"7d\"",
        set: |s, i, o| put(&mut s.safety.draft_keep, i.duration(&seconds(HOUR, 365 * DAY)), o),
        show: |s| shown(&s.safety.draft_keep, print),
    },
    Key {
        name: "safety.start_readonly",
        allowed: "true, false",
        set: |s, i, o| match i.switch() {
            Some(false) if s.safety.start_readonly.value && s.safety.start_readonly.origin != Origin::Default => true,
            value => put(&mut s.safety.start_readonly, value, o),
        },
        show: |s| shown(&s.safety.start_readonly, bool::to_string),
    },
];

/// Why a value was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rejected {
    /// There is no such setting; the names of its section, or the sections.
    Unknown(String),
    /// The value means nothing; what would.
    Value(&'static str),
}

impl Settings {
    /// Sets one setting by its dotted name.
    pub(super) fn set(&mut self, name: &str, input: &Input, origin: Origin) -> Result<(), Rejected> {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) if (key.set)(self, input, origin) => Ok(()),
            Some(key) => Err(Rejected::Value(key.allowed)),
            None => Err(Rejected::Unknown(neighbours(name))),
        }
    }

    /// Whether `section` is one of the tables of a configuration file.
    pub(super) fn has_section(section: &str) -> bool {
        KEYS.iter().any(|key| key.name.split_once('.').is_some_and(|(first, _)| first == section))
    }

    /// Every setting as `(name, value, origin)`, for `edgedeck config show --origin`.
    #[must_use]
    pub fn explain(&self) -> Vec<(&'static str, String, Origin)> {
        KEYS.iter()
            .map(|key| {
                let (value, origin) = (key.show)(self);
                (key.name, value, origin.clone())
            })
            .collect()
    }
}

/// The names that exist where `name` was looked for.
fn neighbours(name: &str) -> String {
    let section = name.split_once('.').map_or(name, |(section, _)| section);
    let mut names: Vec<&str> = KEYS
        .iter()
        .filter_map(|key| key.name.split_once('.'))
        .filter(|(first, _)| *first == section)
        .map(|(_, name)| name)
        .collect();
    if names.is_empty() {
        names = KEYS.iter().filter_map(|key| key.name.split_once('.')).map(|(first, _)| first).collect();
        names.dedup();
    }
    names.join(", ")
}
