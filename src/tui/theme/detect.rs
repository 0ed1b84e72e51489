//! How many colours and which characters the terminal has, from what the environment says. Nothing is asked of the
//! terminal itself: a late answer would arrive as key presses.

use super::Depth;
use super::signs::Glyphs;

/// Terminals that have always had 24 bits, for sessions that `COLORTERM` did not travel with (ssh drops it).
const TRUE_COLOUR: [&str; 5] = ["alacritty", "contour", "foot", "ghostty", "wezterm"];

/// Families whose every member has at least 16 colours.
const SIXTEEN: [&str; 5] = ["linux", "xterm", "screen", "tmux", "rxvt"];

/// Consoles that draw only what their font of a few hundred glyphs has.
const ASCII_ONLY: [&str; 6] = ["linux", "vt100", "vt102", "vt220", "ansi", "cons25"];

impl Depth {
    /// What the environment promises (console-ux T-10); flag and configuration go before it. `variable` looks up one
    /// environment variable.
    #[must_use]
    pub fn from_environment<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let get = |name: &str| variable(name).unwrap_or_default();
        let term = get("TERM");
        // `screen.xterm`, `rxvt-unicode` and `xterm-kitty` are of the family their name starts with.
        let family = term.split(['-', '.', '+']).next().unwrap_or_default();
        if !get("NO_COLOR").is_empty() || term == "dumb" {
            Self::None
        } else if matches!(get("COLORTERM"), "truecolor" | "24bit")
            || term.ends_with("-direct")
            || TRUE_COLOUR.contains(&family)
        {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed256
        } else if SIXTEEN.contains(&family) {
            Self::Ansi16
        } else {
            Self::None
        }
    }
}

impl Glyphs {
    /// What the environment promises (console-ux W-62, W-65): Unicode in a UTF-8 locale on a terminal with a real
    /// font, unless the language is one whose terminals draw boxes two cells wide.
    #[must_use]
    pub fn from_environment<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get).unwrap_or_default();
        let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
        let wide = ["zh", "ja", "ko"].iter().any(|language| locale.starts_with(language));
        let console = get("TERM").is_some_and(|term| ASCII_ONLY.contains(&term));
        if utf8 && !wide && !console { Self::Unicode } else { Self::Ascii }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    #[test]
    fn depth_follows_the_environment() {
        let cases: [(&[(&str, &str)], Depth); 15] = [
            (&[], Depth::None),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], Depth::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Indexed256),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "24bit")], Depth::True),
            (&[("TERM", "xterm-direct")], Depth::True),
            (&[("TERM", "alacritty")], Depth::True),
            (&[("TERM", "screen.xterm-256color")], Depth::Indexed256),
            (&[("TERM", "linux")], Depth::Ansi16),
            (&[("TERM", "xterm-kitty")], Depth::Ansi16),
            (&[("TERM", "tmux")], Depth::Ansi16),
            (&[("TERM", "vt100")], Depth::None),
            (&[("TERM", "xterm"), ("COLORTERM", "yes")], Depth::Ansi16),
            (&[("TERM", "rxvt-unicode")], Depth::Ansi16),
            (&[("TERM", "wyse50"), ("LANG", "en_GB.UTF-8")], Depth::None),
        ];
        for (environment, expected) in cases {
            assert_eq!(Depth::from_environment(lookup(environment)), expected, "{environment:?}");
        }
    }

    #[test]
    fn glyphs_follow_the_locale() {
        let cases: [(&[(&str, &str)], Glyphs); 8] = [
            (&[], Glyphs::Ascii),
            (&[("LANG", "C")], Glyphs::Ascii),
            (&[("LANG", "en_US.UTF-8")], Glyphs::Unicode),
            (&[("LANG", "C.utf8")], Glyphs::Unicode),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "POSIX")], Glyphs::Ascii),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "")], Glyphs::Unicode),
            (&[("LANG", "ja_JP.UTF-8")], Glyphs::Ascii),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "linux")], Glyphs::Ascii),
        ];
        for (environment, expected) in cases {
            assert_eq!(Glyphs::from_environment(lookup(environment)), expected, "{environment:?}");
        }
    }
}
