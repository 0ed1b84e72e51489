//! One key press, as terminals can deliver it: reading and printing its name, and what an event amounts to.
//!
//! The law of a legacy terminal (console-ux G-15): Ctrl with a letter is a control byte, so `ctrl-i` is tab; Shift is
//! the capital; several spellings are one byte. Here each byte has one [`Key`].

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::domain::text::Shown;

/// Which key, without modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Del,
    Ins,
    Home,
    End,
    PgUp,
    PgDn,
    Up,
    Down,
    Left,
    Right,
    F(u8),
}

/// The first name is the one printed.
const NAMES: &[(&str, Code)] = &[
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("cr", Code::Enter),
    ("esc", Code::Esc),
    ("escape", Code::Esc),
    ("tab", Code::Tab),
    ("space", Code::Char(' ')),
    ("backspace", Code::Backspace),
    ("bs", Code::Backspace),
    ("del", Code::Del),
    ("delete", Code::Del),
    ("ins", Code::Ins),
    ("insert", Code::Ins),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PgUp),
    ("pageup", Code::PgUp),
    ("pgdn", Code::PgDn),
    ("pagedown", Code::PgDn),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("minus", Code::Char('-')),
    ("plus", Code::Char('+')),
    ("lt", Code::Char('<')),
    ("gt", Code::Char('>')),
];

/// A key press a terminal can deliver, in its one canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    code: Code,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// Why a key's name cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No such key.
    #[error("no key {}", .0.as_str())]
    Unknown(Shown),
    /// Terminals deliver it as another key.
    #[error("{} arrives as {instead}; write {instead}", .written.as_str())]
    Same {
        /// What was written.
        written: Shown,
        /// The key it is.
        instead: Key,
    },
    /// Terminals do not deliver it.
    #[error("{} does not reach programs in a terminal", .0.as_str())]
    Undeliverable(Shown),
}

impl Key {
    /// The bare escape key, which unwinds.
    pub const ESC: Self = Self::plain(Code::Esc);
    /// Ctrl-C, which quits.
    pub const CTRL_C: Self = Self { code: Code::Char('c'), ctrl: true, alt: false, shift: false };

    const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// The key an event amounts to; `None` for releases and for keys that no keymap can name.
    #[must_use]
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let has = |modifier| event.modifiers.contains(modifier);
        let (ctrl, alt, mut shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
        let code = match event.code {
            KeyCode::Char(c) => Code::Char(c),
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::BackTab => {
                shift = true;
                Code::Tab
            }
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Del,
            KeyCode::Insert => Code::Ins,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::PageUp => Code::PgUp,
            KeyCode::PageDown => Code::PgDn,
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::F(number) => Code::F(number),
            KeyCode::Null => return Some(Self { code: Code::Char(' '), ctrl: true, alt, shift: false }),
            _ => return None,
        };
        Some(Self { code, ctrl, alt, shift }.folded())
    }

    /// The event a terminal reports for it; for tests that press keys by their names.
    #[cfg(test)]
    pub(crate) fn event(self) -> KeyEvent {
        let code = match self.code {
            Code::Char(c) => KeyCode::Char(c),
            Code::Enter => KeyCode::Enter,
            Code::Esc => KeyCode::Esc,
            Code::Tab => KeyCode::Tab,
            Code::Backspace => KeyCode::Backspace,
            Code::Del => KeyCode::Delete,
            Code::Ins => KeyCode::Insert,
            Code::Home => KeyCode::Home,
            Code::End => KeyCode::End,
            Code::PgUp => KeyCode::PageUp,
            Code::PgDn => KeyCode::PageDown,
            Code::Up => KeyCode::Up,
            Code::Down => KeyCode::Down,
            Code::Left => KeyCode::Left,
            Code::Right => KeyCode::Right,
            Code::F(number) => KeyCode::F(number),
        };
        let held = |on, modifier| if on { modifier } else { KeyModifiers::NONE };
        let modifiers = held(self.ctrl, KeyModifiers::CONTROL)
            | held(self.alt, KeyModifiers::ALT)
            | held(self.shift, KeyModifiers::SHIFT);
        KeyEvent::new(code, modifiers)
    }

    /// Whether the key types or moves in a text: it never leaves an input for the view below.
    #[must_use]
    pub fn is_typing(self) -> bool {
        !self.ctrl && !self.alt && !matches!(self.code, Code::Esc | Code::F(_))
    }

    /// Whether Alt is part of it; a late escape byte fakes Alt (console-ux G-13).
    #[must_use]
    pub fn is_alt(self) -> bool {
        self.alt
    }

    /// Whether something between the keyboard and us may keep it, so that it must not be an action's only key
    /// (console-ux G-14): prefixes of screen and tmux, flow control, input methods, high function keys.
    #[must_use]
    pub fn may_be_kept(self) -> bool {
        let taken = matches!(self.code, Code::Char('a' | 'b' | 's' | 'q' | ' ')) && self.ctrl;
        self.alt || taken || matches!(self.code, Code::F(5..))
    }

    /// The same press in the form a legacy terminal delivers.
    fn folded(self) -> Self {
        let Code::Char(c) = self.code else { return self };
        if !self.ctrl {
            let c = if self.shift { c.to_ascii_uppercase() } else { c };
            return Self { code: Code::Char(c), shift: false, ..self };
        }
        let bare = |code| Self { code, ctrl: false, shift: false, ..self };
        let held = |c| Self { code: Code::Char(c), shift: false, ..self };
        match c.to_ascii_lowercase() {
            'i' => bare(Code::Tab),
            'm' => bare(Code::Enter),
            '[' | '3' => bare(Code::Esc),
            'h' | '8' => bare(Code::Backspace),
            '2' | '@' => held(' '),
            '4' => held('\\'),
            '5' => held(']'),
            '6' => held('^'),
            '7' | '/' => held('_'),
            c => held(c),
        }
    }

    /// Whether a legacy terminal can send it.
    fn is_deliverable(self) -> bool {
        match self.code {
            Code::Char(c) if self.ctrl => c.is_ascii_lowercase() || matches!(c, ' ' | '\\' | ']' | '^' | '_'),
            Code::Char(c) => !c.is_control(),
            Code::Tab => !self.ctrl,
            Code::Enter | Code::Backspace => !self.ctrl && !self.shift,
            Code::Esc => !self.ctrl && !self.shift && !self.alt,
            Code::F(number) => (1..=12).contains(&number),
            Code::Del
            | Code::Ins
            | Code::Home
            | Code::End
            | Code::PgUp
            | Code::PgDn
            | Code::Up
            | Code::Down
            | Code::Left
            | Code::Right => true,
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads `a`, `A`, `ctrl-x`, `alt-x`, `shift-tab`, `f2`, `space`, and the spellings `C-x`, `<c-x>`, `<ctrl+x>`.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let written = || Shown::sanitise(text);
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(|inner| !inner.is_empty());
        let mut name = inner.unwrap_or(text);
        let mut key = Self::plain(Code::Esc);
        while let Some((modifier, rest)) = name.split_once(['-', '+']).filter(|(_, rest)| !rest.is_empty()) {
            match (modifier, modifier.to_ascii_lowercase().as_str()) {
                ("C", _) | (_, "ctrl" | "control") => key.ctrl = true,
                ("A" | "M", _) | (_, "alt" | "meta") => key.alt = true,
                ("S", _) | (_, "shift") => key.shift = true,
                ("c" | "m" | "a" | "s", _) if inner.is_some() => match modifier {
                    "c" => key.ctrl = true,
                    "s" => key.shift = true,
                    _ => key.alt = true,
                },
                _ => return Err(KeyError::Unknown(written())),
            }
            name = rest;
        }
        let mut chars = name.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Code::Char(c),
            _ => named(name, &mut key.shift).ok_or_else(|| KeyError::Unknown(written()))?,
        };
        let shifted = match key.code {
            Code::Char(c) => key.ctrl && c.is_ascii_uppercase() || key.shift && (key.ctrl || !c.is_ascii_alphabetic()),
            _ => false,
        };
        let folded = key.folded();
        if shifted || !folded.is_deliverable() {
            Err(KeyError::Undeliverable(written()))
        } else if matches!(folded.code, Code::Tab | Code::Enter | Code::Esc) && folded.code != key.code {
            Err(KeyError::Same { written: written(), instead: folded })
        } else {
            Ok(folded)
        }
    }
}

fn named(name: &str, shift: &mut bool) -> Option<Code> {
    let name = name.to_ascii_lowercase();
    if name == "backtab" {
        *shift = true;
        return Some(Code::Tab);
    }
    if let Some((_, code)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    let number = name.strip_prefix('f').filter(|digits| !digits.starts_with(['0', '+']))?;
    number.parse().ok().map(Code::F)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, prefix) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(prefix)?;
            }
        }
        match self.code {
            Code::F(number) => write!(f, "f{number}"),
            // The names of punctuation are for files; alone, the character itself says it best.
            Code::Char(c) if c != ' ' && !(self.alt && matches!(c, '-' | '+')) => write!(f, "{c}"),
            code => f.write_str(NAMES.iter().find(|(_, known)| *known == code).map_or("", |(name, _)| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_have_one_form() {
        for (written, printed) in [
            ("a", "a"),
            ("A", "A"),
            ("shift-a", "A"),
            ("C-x", "ctrl-x"),
            ("<c-x>", "ctrl-x"),
            ("<ctrl+x>", "ctrl-x"),
            ("ctrl+x", "ctrl-x"),
            ("M-x", "alt-x"),
            ("alt-X", "alt-X"),
            ("alt-minus", "alt-minus"),
            ("alt--", "alt-minus"),
            ("backtab", "shift-tab"),
            ("shift-tab", "shift-tab"),
            ("<Enter>", "enter"),
            ("PageUp", "pgup"),
            ("space", "space"),
            ("ctrl-space", "ctrl-space"),
            ("ctrl-@", "ctrl-space"),
            ("ctrl-4", "ctrl-\\"),
            ("ctrl-\\", "ctrl-\\"),
            ("ctrl-5", "ctrl-]"),
            ("ctrl-6", "ctrl-^"),
            ("ctrl-7", "ctrl-_"),
            ("ctrl-/", "ctrl-_"),
            ("ctrl-h", "backspace"),
            ("minus", "-"),
            ("-", "-"),
            ("+", "+"),
            ("<", "<"),
            ("lt", "<"),
            ("f12", "f12"),
            ("F1", "f1"),
            ("shift-left", "shift-left"),
            ("ü", "ü"),
        ] {
            assert_eq!(written.parse::<Key>().map(|key| key.to_string()).as_deref(), Ok(printed), "{written}");
        }
    }

    #[test]
    fn keys_that_cannot_exist_are_refused() {
        for (written, why) in [
            ("ctrl-i", "ctrl-i arrives as tab; write tab"),
            ("ctrl-m", "ctrl-m arrives as enter; write enter"),
            ("ctrl-[", "ctrl-[ arrives as esc; write esc"),
            ("ctrl-shift-a", "ctrl-shift-a does not reach programs in a terminal"),
            ("ctrl-A", "ctrl-A does not reach programs in a terminal"),
            ("shift-enter", "shift-enter does not reach programs in a terminal"),
            ("ctrl-enter", "ctrl-enter does not reach programs in a terminal"),
            ("ctrl-tab", "ctrl-tab does not reach programs in a terminal"),
            ("shift-1", "shift-1 does not reach programs in a terminal"),
            ("ctrl-.", "ctrl-. does not reach programs in a terminal"),
            ("f13", "f13 does not reach programs in a terminal"),
            ("hyper-x", "no key hyper-x"),
            ("ente\u{1b}", "no key ente^["),
            ("", "no key "),
        ] {
            let error = written.parse::<Key>().map_err(|error| error.to_string());
            assert_eq!(error.err().as_deref(), Some(why), "{written}");
        }
    }

    #[test]
    fn events_become_the_keys_a_keymap_names() {
        for (code, modifiers, expected) in [
            (KeyCode::Char('A'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('A'), KeyModifiers::NONE, "A"),
            (KeyCode::Char('a'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, "ctrl-c"),
            (KeyCode::Char('4'), KeyModifiers::CONTROL, "ctrl-\\"),
            (KeyCode::Char('h'), KeyModifiers::CONTROL, "backspace"),
            (KeyCode::Char('i'), KeyModifiers::CONTROL, "tab"),
            (KeyCode::Char(' '), KeyModifiers::CONTROL, "ctrl-space"),
            (KeyCode::Null, KeyModifiers::NONE, "ctrl-space"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (KeyCode::BackTab, KeyModifiers::NONE, "shift-tab"),
            (KeyCode::Char('x'), KeyModifiers::ALT, "alt-x"),
            (KeyCode::F(2), KeyModifiers::NONE, "f2"),
        ] {
            let key = Key::from_event(KeyEvent::new(code, modifiers)).unwrap();
            assert_eq!(key.to_string(), expected, "{code:?} {modifiers:?}");
        }
        assert_eq!(Key::from_event(KeyEvent::new(KeyCode::CapsLock, KeyModifiers::NONE)), None);
        let release = KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Key::from_event(release), None);
    }

    fn any_event() -> impl Strategy<Value = KeyEvent> {
        let code = prop_oneof![
            4 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
            1 => (1_u8..=12).prop_map(KeyCode::F),
            2 => prop::sample::select(vec![
                KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace, KeyCode::Delete,
                KeyCode::Home, KeyCode::PageDown, KeyCode::Up, KeyCode::Right,
            ]),
        ];
        (code, 0_u8..8).prop_map(|(code, bits)| KeyEvent::new(code, KeyModifiers::from_bits_truncate(bits)))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_printed_reads_back(event in any_event()) {
            let key = Key::from_event(event).unwrap();
            prop_assume!(key.is_deliverable());
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
        }
    }
}
