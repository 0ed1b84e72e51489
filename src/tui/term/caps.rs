//! Whether the console can open on this terminal, and how it may draw there. Nothing here reads the environment; how
//! its words become a depth and a set of glyphs is said once, beside the themes.

use std::fmt;

use crate::tui::theme::Depth;
use crate::tui::theme::signs::Glyphs;

/// The size taken when the terminal does not tell one, in columns and rows (console-ux W-30).
pub const FALLBACK_SIZE: (u16, u16) = (80, 24);

/// The part of the environment that decides how the console may draw. Filled by the composition root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `NO_COLOR`.
    pub no_color: Option<String>,
    /// `LC_ALL`.
    pub lc_all: Option<String>,
    /// `LC_CTYPE`.
    pub lc_ctype: Option<String>,
    /// `LANG`.
    pub lang: Option<String>,
    /// `CI`.
    pub ci: Option<String>,
    /// Standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Keys can be read: standard input is a terminal, or `/dev/tty` could be opened.
    pub keys_readable: bool,
}

impl Env {
    /// The variables that say what can be drawn, by name.
    fn variable(&self, name: &str) -> Option<&str> {
        match name {
            "TERM" => self.term.as_deref(),
            "COLORTERM" => self.colorterm.as_deref(),
            "NO_COLOR" => self.no_color.as_deref(),
            "LC_ALL" => self.lc_all.as_deref(),
            "LC_CTYPE" => self.lc_ctype.as_deref(),
            "LANG" => self.lang.as_deref(),
            _ => None,
        }
    }
}

/// What flags and configuration ask for; `None` leaves the decision to the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// `--color`, or the configuration's.
    pub color: Option<Depth>,
    /// `--ascii`, or the configuration's.
    pub glyphs: Option<Glyphs>,
}

/// How to draw on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// How many colours. Bringing a theme's colours down to them is the theme's work; the encoder only refuses
    /// colour altogether at [`Depth::None`].
    pub color: Depth,
    /// Which glyphs.
    pub glyphs: Glyphs,
    /// The terminal has an alternate screen; without one, leaving has to clear.
    pub alternate_screen: bool,
}

/// Why the console cannot open here (console-ux W-70). Its text is one sentence for standard error; exit code 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsuitable {
    /// Standard output goes elsewhere.
    OutputNotATerminal,
    /// `CI` is set.
    ContinuousIntegration,
    /// There is nothing to read keys from.
    NoKeys,
    /// `TERM` is unset or `dumb`.
    NoTerm,
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, remedy) = match self {
            Self::OutputNotATerminal => ("standard output is not a terminal", ""),
            Self::ContinuousIntegration => ("CI is set, so nobody is there to press keys", ""),
            Self::NoKeys => ("neither standard input nor /dev/tty can be read for keys", ""),
            Self::NoTerm => ("TERM is unset or `dumb`", "set TERM (for example xterm-256color), or "),
        };
        write!(
            f,
            "the console cannot open: {what}; {remedy}use the command line instead, for example `edgedeck devices`"
        )
    }
}

impl std::error::Error for Unsuitable {}

impl Caps {
    /// Decides how to draw.
    ///
    /// # Errors
    /// [`Unsuitable`] when a full-screen console makes no sense here; no byte may be sent to the terminal then.
    pub fn decide(env: &Env, wishes: Wishes) -> Result<Self, Unsuitable> {
        if !env.stdout_is_terminal {
            return Err(Unsuitable::OutputNotATerminal);
        }
        if is_set(env.ci.as_deref()) {
            return Err(Unsuitable::ContinuousIntegration);
        }
        if !env.keys_readable {
            return Err(Unsuitable::NoKeys);
        }
        let term = match env.term.as_deref() {
            None | Some("" | "dumb") => return Err(Unsuitable::NoTerm),
            Some(term) => term,
        };
        Ok(Self {
            color: wishes.color.unwrap_or_else(|| Depth::from_environment(|name| env.variable(name))),
            glyphs: wishes.glyphs.unwrap_or_else(|| Glyphs::from_environment(|name| env.variable(name))),
            alternate_screen: term != "linux",
        })
    }
}

/// `reported` as a usable size: a terminal that reports nothing, or zero, is taken as 80 by 24.
#[must_use]
pub fn usable_size(reported: Option<(u16, u16)>) -> (u16, u16) {
    match reported {
        None | Some((0, _) | (_, 0)) => FALLBACK_SIZE,
        Some(size) => size,
    }
}

fn is_set(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(term: &str) -> Env {
        Env {
            term: Some(term.to_owned()),
            lang: Some("en_GB.UTF-8".to_owned()),
            stdout_is_terminal: true,
            keys_readable: true,
            ..Env::default()
        }
    }

    fn decide(env: &Env) -> Caps {
        Caps::decide(env, Wishes::default()).unwrap()
    }

    /// The rules have their tests beside the themes; this one holds that each variable gets there under its own name.
    #[test]
    fn every_variable_that_decides_how_to_draw_is_asked() {
        let set = |text: &str| Some(text.to_owned());
        for (env, color, glyphs) in [
            (env("xterm-256color"), Depth::Indexed256, Glyphs::Unicode),
            (Env { colorterm: set("truecolor"), ..env("xterm") }, Depth::True, Glyphs::Unicode),
            (Env { no_color: set("1"), ..env("xterm") }, Depth::None, Glyphs::Unicode),
            (Env { lang: None, ..env("xterm") }, Depth::Ansi16, Glyphs::Ascii),
            (Env { lang: None, lc_ctype: set("C.UTF-8"), ..env("xterm") }, Depth::Ansi16, Glyphs::Unicode),
            (Env { lc_all: set("C"), ..env("xterm") }, Depth::Ansi16, Glyphs::Ascii),
        ] {
            let caps = decide(&env);
            assert_eq!((caps.color, caps.glyphs), (color, glyphs), "{env:?}");
        }
    }

    #[test]
    fn a_wish_overrides_the_environment() {
        let env = Env { no_color: Some("1".to_owned()), ..env("vt100") };
        let wishes = Wishes { color: Some(Depth::True), glyphs: Some(Glyphs::Unicode) };
        let caps = Caps::decide(&env, wishes).unwrap();
        assert_eq!((caps.color, caps.glyphs), (Depth::True, Glyphs::Unicode));
    }

    #[test]
    fn unsuitable_places_are_refused_with_a_way_out() {
        for (env, why) in [
            (Env { stdout_is_terminal: false, ..env("xterm") }, Unsuitable::OutputNotATerminal),
            (Env { ci: Some("true".to_owned()), ..env("xterm") }, Unsuitable::ContinuousIntegration),
            (Env { keys_readable: false, ..env("xterm") }, Unsuitable::NoKeys),
            (env("dumb"), Unsuitable::NoTerm),
            (Env { term: None, ..env("xterm") }, Unsuitable::NoTerm),
        ] {
            assert_eq!(Caps::decide(&env, Wishes::default()), Err(why));
            assert!(why.to_string().contains("`edgedeck devices`"), "{why}");
        }
    }

    #[test]
    fn an_unknown_size_is_80_by_24() {
        for (reported, size) in
            [(None, (80, 24)), (Some((0, 0)), (80, 24)), (Some((0, 10)), (80, 24)), (Some((132, 50)), (132, 50))]
        {
            assert_eq!(usable_size(reported), size);
        }
    }
}
