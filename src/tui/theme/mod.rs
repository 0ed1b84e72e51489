//! Themes: what each [`Role`] looks like, already reduced to what the terminal can show.
//!
//! Shipped themes are files in `themes/`, compiled in; an operator's own are laid over them by name. Widgets ask
//! [`Theme::style`] and never name a colour. Reading folders belongs to whoever has a file system.

mod colour;
mod detect;
mod file;
mod role;
pub mod signs;
#[cfg(test)]
mod tests;

use ratatui::style::Style;

pub use colour::{Colour, contrast};
pub use role::Role;

use super::finding::{Finding, Level};
pub use super::named::UnknownName;
use super::named::{NamedTexts, Trail};
use file::ThemeFile;

/// The theme used when nobody chose one: the terminal's own colours.
pub const DEFAULT: &str = "terminal";

const SHIPPED: [(&str, &str); 6] = [
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("cb-dark", include_str!("../../../themes/cb-dark.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// How many colours the terminal has (console-ux T-10 decides which).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: attributes only.
    None,
    /// The 16 of ANSI.
    Ansi16,
    /// xterm's 256, the common case over SSH.
    Indexed256,
    /// 24 bits.
    True,
}

/// The ground a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appearance {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// Whatever the terminal has.
    Any,
}

impl Appearance {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "dark" => Some(Self::Dark),
            "light" => Some(Self::Light),
            "any" => Some(Self::Any),
            _ => None,
        }
    }
}

/// The themes there are: the shipped ones, and the operator's by name.
#[derive(Debug, Clone)]
pub struct Themes(NamedTexts);

impl Themes {
    /// Only the shipped themes.
    #[must_use]
    pub fn shipped() -> Self {
        Self(NamedTexts::shipped("theme", &SHIPPED))
    }

    /// Adds the text of a theme file of the operator's.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.add(name.into(), text.into());
    }

    /// All names, shipped ones first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// The theme `name` at `depth`, with what is wrong about its files. Whatever is right applies; a theme that
    /// names no parent builds on `terminal`, so that no role is ever invisible.
    ///
    /// # Errors
    /// [`UnknownName`] when there is no such theme.
    pub fn load(&self, name: &str, depth: Depth) -> Result<(Theme, Vec<Finding>), UnknownName> {
        let mut findings = Vec::new();
        let Some(file) = self.gather(name, &mut Trail::new(), &mut findings) else {
            return Err(self.0.unknown(name));
        };
        findings.extend(file.missing_colours());
        Ok((Theme::new(name, &file, depth), findings))
    }

    /// As [`Themes::load`], or the default theme together with the reason.
    #[must_use]
    pub fn load_or_default(&self, name: &str, depth: Depth) -> (Theme, Vec<Finding>, Option<UnknownName>) {
        match self.load(name, depth) {
            Ok((theme, findings)) => (theme, findings, None),
            Err(unknown) => {
                let file = self.gather(DEFAULT, &mut Trail::new(), &mut Vec::new()).unwrap_or_default();
                (Theme::new(DEFAULT, &file, depth), Vec::new(), Some(unknown))
            }
        }
    }

    fn gather(&self, name: &str, trail: &mut Trail, findings: &mut Vec<Finding>) -> Option<ThemeFile> {
        let (text, is_own) = self.0.text(name, trail)?;
        trail.push((name.to_owned(), is_own));
        let (file, found) = ThemeFile::read(&format!("{name}.toml"), text);
        findings.extend(found);
        let parent = match &file.inherits {
            Some((parent, _)) if parent == "none" => return Some(file),
            Some((parent, _)) => parent.as_str(),
            None => DEFAULT,
        };
        let under = self.gather(parent, trail, findings).or_else(|| {
            if let Some((parent, place)) = &file.inherits {
                findings.push(Finding {
                    level: Level::Warning,
                    place: place.clone(),
                    message: format!("cannot inherit {parent}: there is no such theme, or it inherits this one").into(),
                });
            }
            self.gather(DEFAULT, trail, findings)
        });
        Some(match under {
            Some(parent) => file.over(parent),
            None => file,
        })
    }
}

fn shipped_text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A theme ready to draw with. Looking up a role is an array access.
#[derive(Debug, Clone)]
pub struct Theme {
    name: String,
    depth: Depth,
    appearance: Appearance,
    styles: Vec<Style>,
}

impl Theme {
    fn new(name: &str, file: &ThemeFile, depth: Depth) -> Self {
        let mono = (depth == Depth::None)
            .then(|| shipped_text("mono").map(|text| ThemeFile::read("mono.toml", text).0))
            .flatten();
        let style = |role: &Role| {
            let style = file.style(*role, depth);
            // Without colours a theme's attributes alone may say too little; what `mono` says is enough.
            mono.as_ref().map_or(style, |mono| style.patch(mono.style(*role, depth)))
        };
        Self {
            name: name.to_owned(),
            depth,
            appearance: file.appearance.unwrap_or(Appearance::Any),
            styles: Role::ALL.iter().map(style).collect(),
        }
    }

    /// A theme in which every role is a colour of its own, so that a snapshot can print role names:
    /// [`Role::from_style`] and [`Role::ground_from_style`] turn the colours of a drawn cell back into roles.
    #[must_use]
    pub fn roles_only() -> Self {
        let style = |role: &Role| {
            let style = Style::new().fg(role.tag());
            if role.is_ground() { style.bg(role.tag()) } else { style }
        };
        Self {
            name: "roles-only".to_owned(),
            depth: Depth::True,
            appearance: Appearance::Any,
            styles: Role::ALL.iter().map(style).collect(),
        }
    }

    /// The look of `role`. It sets only what the role says: a text role leaves the ground under it as it is.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The look of an empty screen: `fg` on `bg`.
    #[must_use]
    pub fn base(&self) -> Style {
        self.style(Role::Bg).patch(self.style(Role::Fg))
    }

    /// The theme's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The depth it was made for.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The ground it is made for.
    #[must_use]
    pub fn appearance(&self) -> Appearance {
        self.appearance
    }
}
