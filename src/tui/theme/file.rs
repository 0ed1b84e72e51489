//! What a theme file says, before a colour depth is chosen: palette, roles, and the theme it builds on.
//!
//! Palette names are looked up last, so that a theme which inherits another's roles may bring a palette of its own.

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Appearance, Colour, Depth, Role};
use crate::tui::finding::{Finding, Level, Place, Reading};

/// A colour with the form it takes among 16.
#[derive(Debug, Clone, Copy)]
struct Ink {
    colour: Colour,
    ansi: Option<Colour>,
}

/// A colour as written.
#[derive(Debug, Clone)]
enum Paint {
    Exact(Colour),
    Named(String, Place),
}

/// The whole look at 16 colours, where it differs.
#[derive(Debug, Clone, Copy, Default)]
struct Sixteen {
    fg: Option<Colour>,
    bg: Option<Colour>,
    attrs: Modifier,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    fg: Option<Paint>,
    bg: Option<Paint>,
    attrs: Modifier,
    ansi: Option<Sixteen>,
}

/// One file, or a file laid over the ones it inherits.
#[derive(Debug, Default)]
pub(super) struct ThemeFile {
    pub(super) appearance: Option<Appearance>,
    /// The name after `inherits`, and where it stands.
    pub(super) inherits: Option<(String, Place)>,
    palette: BTreeMap<String, Ink>,
    entries: BTreeMap<String, Entry>,
}

impl ThemeFile {
    /// Reads one file; what could not be read is left out and named.
    pub(super) fn read(file: &str, text: &str) -> (Self, Vec<Finding>) {
        let mut reading = Reading::new(file, text);
        let mut theme = Self::default();
        for (key, value) in &reading.document() {
            let span = value.span();
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", _) => {}
                ("appearance", _) => {
                    let Some(word) = reading.string(value, "appearance") else { continue };
                    theme.appearance = Appearance::parse(word);
                    if theme.appearance.is_none() {
                        reading.warn(&span, format!("appearance {word}: it is dark, light or any; ignored"));
                    }
                }
                ("inherits", _) => {
                    let name = reading.string(value, "inherits");
                    theme.inherits = name.map(|name| (name.to_owned(), reading.place(&span)));
                }
                ("palette", DeValue::Table(table)) => theme.read_palette(&mut reading, table),
                ("roles", DeValue::Table(table)) => theme.read_roles(&mut reading, table),
                ("palette" | "roles", _) => reading.warn(&span, "should be a table; ignored"),
                (other, _) => {
                    let known = "name, appearance, inherits, palette, roles";
                    reading.warn(&key.span(), format!("unknown key {other}; there are {known}; ignored"));
                }
            }
        }
        (theme, reading.finish())
    }

    /// Lays `self` over `parent`: each role and palette name set here replaces the parent's.
    pub(super) fn over(mut self, parent: Self) -> Self {
        self.appearance = self.appearance.or(parent.appearance);
        for (name, ink) in parent.palette {
            self.palette.entry(name).or_insert(ink);
        }
        for (name, entry) in parent.entries {
            self.entries.entry(name).or_insert(entry);
        }
        self
    }

    /// Whether the theme says anything about `role`, itself or through a name to the left of a dot.
    #[cfg(test)]
    pub(super) fn sets(&self, role: Role) -> bool {
        self.entry(role).is_some()
    }

    /// How `role` looks at `depth`. A role the theme does not know wears `fg`.
    pub(super) fn style(&self, role: Role, depth: Depth) -> Style {
        let plain = if role.is_ground() { None } else { self.entries.get(Role::Fg.name()) };
        let Some(entry) = self.entry(role).or(plain) else { return Style::new() };
        let (fg, bg) = (self.ink(entry.fg.as_ref()), self.ink(entry.bg.as_ref()));
        let map = |ink: Option<Ink>| match depth {
            Depth::None => None,
            Depth::Ansi16 => ink.map(|ink| ink.ansi.unwrap_or_else(|| ink.colour.to_16())),
            Depth::Indexed256 => ink.map(|ink| ink.colour.to_256()),
            Depth::True => ink.map(|ink| ink.colour),
        };
        let look = match entry.ansi {
            Some(sixteen) if depth == Depth::Ansi16 => sixteen,
            _ => Sixteen { fg: map(fg), bg: map(bg), attrs: entry.attrs },
        };
        Style {
            fg: look.fg.map(Colour::to_ratatui),
            bg: look.bg.map(Colour::to_ratatui),
            ..Style::new().add_modifier(look.attrs)
        }
    }

    /// Colours that are used and are not in the palette.
    pub(super) fn missing_colours(&self) -> Vec<Finding> {
        let paints = self.entries.values().flat_map(|entry| [&entry.fg, &entry.bg]);
        let missing = paints.flatten().filter_map(|paint| match paint {
            Paint::Named(name, place) if !self.palette.contains_key(name) => Some(Finding {
                level: Level::Warning,
                place: place.clone(),
                message: format!("no colour {name}: not in the palette, nor #rrggbb, index:N, ansi:NAME or default")
                    .into(),
            }),
            Paint::Named(..) | Paint::Exact(_) => None,
        });
        missing.collect()
    }

    fn entry(&self, role: Role) -> Option<&Entry> {
        role.fallbacks().find_map(|name| self.entries.get(name))
    }

    fn ink(&self, paint: Option<&Paint>) -> Option<Ink> {
        match paint? {
            Paint::Exact(colour) => Some(Ink { colour: *colour, ansi: None }),
            Paint::Named(name, _) => self.palette.get(name).copied(),
        }
    }

    fn read_palette(&mut self, reading: &mut Reading<'_>, table: &DeTable<'_>) {
        for (name, value) in table {
            let ink = match value.get_ref() {
                DeValue::Table(parts) => read_ink(reading, value, parts),
                _ => read_colour(reading, value).map(|colour| Ink { colour, ansi: None }),
            };
            if let Some(ink) = ink {
                self.palette.insert(name.get_ref().to_string(), ink);
            }
        }
    }

    fn read_roles(&mut self, reading: &mut Reading<'_>, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !Role::ALL.iter().any(|role| role.fallbacks().any(|known| known == name)) {
                reading.warn(&key.span(), format!("unknown role {name}; ignored"));
                continue;
            }
            let entry = match value.get_ref() {
                DeValue::Table(parts) => Some(read_entry(reading, parts)),
                _ => read_paint(reading, value).map(|paint| match name {
                    "bg" => Entry { bg: Some(paint), ..Entry::default() },
                    _ => Entry { fg: Some(paint), ..Entry::default() },
                }),
            };
            if let Some(entry) = entry {
                self.entries.insert(name.to_owned(), entry);
            }
        }
    }
}

fn read_ink(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>, parts: &DeTable<'_>) -> Option<Ink> {
    let (mut colour, mut ansi) = (None, None);
    for (part, value) in parts {
        match part.get_ref().as_ref() {
            "color" => colour = read_colour(reading, value),
            "ansi" => ansi = read_ansi(reading, value),
            other => reading.warn(&part.span(), format!("unknown member {other}; there are color and ansi; ignored")),
        }
    }
    if colour.is_none() {
        reading.warn(&value.span(), "a palette entry needs color; ignored");
    }
    colour.map(|colour| Ink { colour, ansi })
}

fn read_entry(reading: &mut Reading<'_>, parts: &DeTable<'_>) -> Entry {
    let mut entry = Entry::default();
    let mut short_ansi = None;
    for (part, value) in parts {
        match (part.get_ref().as_ref(), value.get_ref()) {
            ("fg", _) => entry.fg = read_paint(reading, value),
            ("bg", _) => entry.bg = read_paint(reading, value),
            ("attrs", _) => entry.attrs = read_attrs(reading, value),
            ("ansi", DeValue::Table(parts)) => entry.ansi = Some(read_sixteen(reading, parts)),
            ("ansi", _) => short_ansi = read_ansi(reading, value),
            (other, _) => {
                let hint = "there are fg, bg, attrs, ansi; dotted role names stand in quotes";
                reading.warn(&part.span(), format!("unknown member {other}; {hint}; ignored"));
            }
        }
    }
    if let Some(colour) = short_ansi {
        // The short form colours what the entry colours: its background only if that is all it has.
        let only_bg = entry.fg.is_none() && entry.bg.is_some();
        let (fg, bg) = if only_bg { (None, Some(colour)) } else { (Some(colour), None) };
        entry.ansi = Some(Sixteen { fg, bg, attrs: entry.attrs });
    }
    entry
}

fn read_sixteen(reading: &mut Reading<'_>, parts: &DeTable<'_>) -> Sixteen {
    let mut look = Sixteen::default();
    for (part, value) in parts {
        match part.get_ref().as_ref() {
            "fg" => look.fg = read_ansi(reading, value),
            "bg" => look.bg = read_ansi(reading, value),
            "attrs" => look.attrs = read_attrs(reading, value),
            other => reading.warn(&part.span(), format!("unknown member {other}; there are fg, bg, attrs; ignored")),
        }
    }
    look
}

fn read_paint(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Option<Paint> {
    let text = reading.string(value, "a colour")?;
    match Colour::parse(text) {
        Some(colour) => Some(Paint::Exact(colour)),
        None => Some(Paint::Named(text.to_owned(), reading.place(&value.span()))),
    }
}

fn read_colour(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Option<Colour> {
    let text = reading.string(value, "a colour")?;
    let colour = Colour::parse(text);
    if colour.is_none() {
        let forms = "#rrggbb, index:N, ansi:NAME or default";
        reading.warn(&value.span(), format!("no colour {text}: it is {forms}; ignored"));
    }
    colour
}

fn read_ansi(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Option<Colour> {
    let text = reading.string(value, "ansi")?;
    let colour = Colour::parse(text).filter(|colour| matches!(colour, Colour::Default | Colour::Ansi(_)));
    if colour.is_none() {
        reading.warn(&value.span(), format!("ansi {text}: it is ansi:NAME, ansi:bright-NAME or default; ignored"));
    }
    colour
}

fn read_attrs(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Modifier {
    let mut attrs = Modifier::empty();
    let Some(words) = value.get_ref().as_array() else {
        reading.warn(&value.span(), "attrs should be a list of words; ignored");
        return attrs;
    };
    for word in words {
        attrs |= match reading.string(word, "an attribute") {
            Some("bold") => Modifier::BOLD,
            Some("underline") => Modifier::UNDERLINED,
            Some("reverse") => Modifier::REVERSED,
            Some("dim") => Modifier::DIM,
            Some("italic") => Modifier::ITALIC,
            Some("strike") => Modifier::CROSSED_OUT,
            Some(other) => {
                let known = "bold, underline, reverse, dim, italic, strike";
                reading.warn(&word.span(), format!("unknown attribute {other}; there are {known}; ignored"));
                Modifier::empty()
            }
            None => Modifier::empty(),
        };
    }
    attrs
}
