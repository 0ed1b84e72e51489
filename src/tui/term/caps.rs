//! What the terminal can do, decided from the environment as the caller found it. Nothing here reads the environment.

use std::fmt;

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

/// What flags and configuration ask for; `None` leaves the decision to the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// `--color never|16|256|true`, or the configuration's.
    pub color: Option<ColorDepth>,
    /// `--ascii`, or the configuration's.
    pub glyphs: Option<GlyphMode>,
}

/// How many colours may be sent. Mapping a theme's colours down to this depth is the theme's work; the encoder only
/// refuses colour altogether at [`ColorDepth::None`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// Attributes only.
    None,
    /// The sixteen ANSI colours.
    Ansi16,
    /// The 256-colour palette.
    Indexed256,
    /// 24-bit colour.
    True,
}

/// Whether glyphs outside ASCII may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphMode {
    /// UTF-8.
    Unicode,
    /// Printable ASCII; our own glyphs have a sign, everything else becomes `?`.
    Ascii,
}

/// How to draw on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// How many colours.
    pub color: ColorDepth,
    /// Which glyphs.
    pub glyphs: GlyphMode,
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
            color: wishes.color.unwrap_or_else(|| color_depth(env, term)),
            glyphs: wishes.glyphs.unwrap_or_else(|| glyph_mode(env, term)),
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

/// console-ux T-10, after flags and configuration.
fn color_depth(env: &Env, term: &str) -> ColorDepth {
    if is_set(env.no_color.as_deref()) {
        return ColorDepth::None;
    }
    if matches!(env.colorterm.as_deref(), Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        return ColorDepth::True;
    }
    if term.contains("256color") {
        return ColorDepth::Indexed256;
    }
    // `screen.xterm`, `rxvt-unicode` and `xterm-kitty` are of the family their name starts with.
    match term.split(['-', '.']).next() {
        Some("linux" | "xterm" | "screen" | "tmux" | "rxvt") => ColorDepth::Ansi16,
        _ => ColorDepth::None,
    }
}

/// console-ux W-65 and W-62: ASCII where box drawing is missing, not UTF-8, or two columns wide.
fn glyph_mode(env: &Env, term: &str) -> GlyphMode {
    if matches!(term, "linux" | "vt100" | "vt102" | "vt220" | "ansi" | "cons25") {
        return GlyphMode::Ascii;
    }
    let locale = [&env.lc_all, &env.lc_ctype, &env.lang]
        .into_iter()
        .find_map(|value| value.as_deref().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    let wide = ["zh", "ja", "ko"].iter().any(|language| locale.starts_with(language));
    if utf8 && !wide { GlyphMode::Unicode } else { GlyphMode::Ascii }
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

    #[test]
    fn colour_depth_follows_the_first_match() {
        for (term, colorterm, no_color, depth) in [
            ("xterm-256color", None, None, ColorDepth::Indexed256),
            ("xterm-256color", Some("truecolor"), None, ColorDepth::True),
            ("xterm", Some("24bit"), None, ColorDepth::True),
            ("xterm", Some("yes"), None, ColorDepth::Ansi16),
            ("xterm-direct", None, None, ColorDepth::True),
            ("xterm-256color", Some("truecolor"), Some("1"), ColorDepth::None),
            ("xterm-256color", None, Some(""), ColorDepth::Indexed256),
            ("screen.xterm-256color", None, None, ColorDepth::Indexed256),
            ("screen", None, None, ColorDepth::Ansi16),
            ("linux", None, None, ColorDepth::Ansi16),
            ("rxvt-unicode", None, None, ColorDepth::Ansi16),
            ("vt100", None, None, ColorDepth::None),
            ("wyse50", None, None, ColorDepth::None),
        ] {
            let env =
                Env { colorterm: colorterm.map(str::to_owned), no_color: no_color.map(str::to_owned), ..env(term) };
            assert_eq!(decide(&env).color, depth, "{term} {colorterm:?} {no_color:?}");
        }
    }

    #[test]
    fn a_wish_overrides_the_environment() {
        let env = Env { no_color: Some("1".to_owned()), ..env("vt100") };
        let wishes = Wishes { color: Some(ColorDepth::True), glyphs: Some(GlyphMode::Unicode) };
        let caps = Caps::decide(&env, wishes).unwrap();
        assert_eq!((caps.color, caps.glyphs), (ColorDepth::True, GlyphMode::Unicode));
    }

    #[test]
    fn glyphs_follow_terminal_and_locale() {
        for (term, lc_all, lc_ctype, lang, mode) in [
            ("xterm", None, None, Some("en_GB.UTF-8"), GlyphMode::Unicode),
            ("xterm", None, None, Some("C.utf8"), GlyphMode::Unicode),
            ("xterm", None, None, Some("C"), GlyphMode::Ascii),
            ("xterm", None, None, None, GlyphMode::Ascii),
            ("xterm", Some("C"), None, Some("en_GB.UTF-8"), GlyphMode::Ascii),
            ("xterm", Some(""), Some("de_DE.UTF-8"), Some("C"), GlyphMode::Unicode),
            ("linux", None, None, Some("en_GB.UTF-8"), GlyphMode::Ascii),
            ("xterm", None, None, Some("ja_JP.UTF-8"), GlyphMode::Ascii),
        ] {
            let own = |value: Option<&str>| value.map(str::to_owned);
            let env = Env { lc_all: own(lc_all), lc_ctype: own(lc_ctype), lang: own(lang), ..env(term) };
            assert_eq!(decide(&env).glyphs, mode, "{term} {lc_all:?} {lc_ctype:?} {lang:?}");
        }
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
