//! Rejoins an escape sequence that arrived in two reads: crossterm turns `ESC`, then `[A`, into the keys Esc, `[`
//! and `A`, which in a console of single-key commands are three commands nobody gave (console-ux W-41).
//!
//! Pure: whoever drives it keeps the time and calls [`EscapeJoiner::expire`] when the hold is over.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::input::InputEvent;

/// `ESC [` and eight more, enough for `24;8~`; longer runs are not keys.
const LONGEST: usize = 10;

/// Holds an Esc, and what may belong to it, until it is clear what they are.
#[derive(Debug, Default)]
pub(super) struct EscapeJoiner {
    held: Vec<KeyEvent>,
}

impl EscapeJoiner {
    /// Events are being held; they have to be released with [`EscapeJoiner::expire`] if nothing follows.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the next event and returns what is decided by it, in order.
    pub fn push(&mut self, event: InputEvent) -> Vec<InputEvent> {
        let InputEvent::Key(key) = event else {
            let mut out = self.expire();
            out.push(event);
            return out;
        };
        if is_plain_escape(key) {
            let out = self.expire();
            self.held.push(key);
            return out;
        }
        if !self.is_holding() {
            return vec![InputEvent::Key(key)];
        }
        self.held.push(key);
        match self.reading() {
            Reading::Open => Vec::new(),
            Reading::Key(joined) => {
                self.held.clear();
                vec![InputEvent::Key(joined)]
            }
            Reading::Nothing => self.expire(),
        }
    }

    /// The hold is over: what was held are keys of their own.
    pub fn expire(&mut self) -> Vec<InputEvent> {
        self.held.drain(..).map(InputEvent::Key).collect()
    }

    fn reading(&self) -> Reading {
        let mut text = String::with_capacity(LONGEST);
        for key in self.held.iter().skip(1) {
            match key.code {
                KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => text.push(c),
                _ => return Reading::Nothing,
            }
        }
        if self.held.len() > LONGEST {
            return Reading::Nothing;
        }
        if let Some(sequence) = text.strip_prefix('[') {
            read_csi(sequence)
        } else if let Some(sequence) = text.strip_prefix('O') {
            match sequence.chars().next() {
                None => Reading::Open,
                Some(last) => letter_key(last).map_or(Reading::Nothing, |code| plain(code, KeyModifiers::NONE)),
            }
        } else {
            Reading::Nothing
        }
    }
}

enum Reading {
    /// The start of a sequence.
    Open,
    /// A whole sequence.
    Key(KeyEvent),
    /// No sequence.
    Nothing,
}

fn plain(code: KeyCode, modifiers: KeyModifiers) -> Reading {
    Reading::Key(KeyEvent::new(code, modifiers))
}

fn is_plain_escape(key: KeyEvent) -> bool {
    key.code == KeyCode::Esc && key.modifiers.is_empty() && key.kind == KeyEventKind::Press
}

/// Reads what follows `ESC [`: `A`, `1;5A`, `3~`, `24;2~`.
fn read_csi(sequence: &str) -> Reading {
    let Some((last, params)) = sequence.char_indices().next_back().map(|(at, last)| (last, sequence.split_at(at).0))
    else {
        return Reading::Open;
    };
    if last.is_ascii_digit() || last == ';' {
        return Reading::Open;
    }
    let mut params = params.split(';');
    let (number, modifiers) = (params.next().unwrap_or_default(), params.next());
    let Some(modifiers) = modifiers.map_or(Some(KeyModifiers::NONE), read_modifiers) else { return Reading::Nothing };
    let code = match last {
        '~' => numbered_key(number),
        'Z' if number.is_empty() => return plain(KeyCode::BackTab, KeyModifiers::SHIFT),
        _ if number.is_empty() || number == "1" => letter_key(last),
        _ => None,
    };
    code.map_or(Reading::Nothing, |code| plain(code, modifiers))
}

/// xterm's parameter: one more than the sum of shift 1, alt 2, control 4.
fn read_modifiers(parameter: &str) -> Option<KeyModifiers> {
    let mask = parameter.parse::<u8>().ok()?.checked_sub(1)?;
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if mask & bit != 0 {
            modifiers |= modifier;
        }
    }
    Some(modifiers)
}

fn letter_key(letter: char) -> Option<KeyCode> {
    Some(match letter {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'F' => KeyCode::End,
        'H' => KeyCode::Home,
        'P' => KeyCode::F(1),
        'Q' => KeyCode::F(2),
        'R' => KeyCode::F(3),
        'S' => KeyCode::F(4),
        _ => return None,
    })
}

fn numbered_key(number: &str) -> Option<KeyCode> {
    Some(match number.parse::<u8>().ok()? {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        n @ 11..=15 => KeyCode::F(n - 10),
        n @ 17..=21 => KeyCode::F(n - 11),
        n @ 23..=24 => KeyCode::F(n - 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode) -> InputEvent {
        InputEvent::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    /// Crossterm's view of bytes that came one at a time.
    fn keys(text: &str) -> Vec<InputEvent> {
        text.chars()
            .map(|c| match c {
                '\u{1b}' => key(KeyCode::Esc),
                c if c.is_ascii_uppercase() => InputEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT)),
                c => key(KeyCode::Char(c)),
            })
            .collect()
    }

    fn join(events: Vec<InputEvent>) -> Vec<InputEvent> {
        let mut joiner = EscapeJoiner::default();
        let mut out: Vec<_> = events.into_iter().flat_map(|event| joiner.push(event)).collect();
        out.extend(joiner.expire());
        out
    }

    #[test]
    fn split_sequences_become_the_key_they_were() {
        let with = |code, modifiers| InputEvent::Key(KeyEvent::new(code, modifiers));
        for (bytes, expected) in [
            ("\u{1b}[A", key(KeyCode::Up)),
            ("\u{1b}OB", key(KeyCode::Down)),
            ("\u{1b}OP", key(KeyCode::F(1))),
            ("\u{1b}[Z", with(KeyCode::BackTab, KeyModifiers::SHIFT)),
            ("\u{1b}[5~", key(KeyCode::PageUp)),
            ("\u{1b}[24~", key(KeyCode::F(12))),
            ("\u{1b}[15~", key(KeyCode::F(5))),
            ("\u{1b}[1;5C", with(KeyCode::Right, KeyModifiers::CONTROL)),
            ("\u{1b}[3;4~", with(KeyCode::Delete, KeyModifiers::SHIFT | KeyModifiers::ALT)),
        ] {
            assert_eq!(join(keys(bytes)), vec![expected], "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_sequence_stays_as_typed() {
        for bytes in [
            "\u{1b}",
            "\u{1b}j",
            "\u{1b}[",
            "\u{1b}[x",
            "\u{1b}O7",
            "\u{1b}\u{1b}",
            "\u{1b}[11111111111A",
            "[A",
            "\u{1b}[99~",
        ] {
            assert_eq!(join(keys(bytes)), keys(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn an_escape_before_a_sequence_is_an_escape() {
        assert_eq!(join(keys("\u{1b}\u{1b}[A")), vec![key(KeyCode::Esc), key(KeyCode::Up)]);
    }

    #[test]
    fn other_events_release_what_was_held_before_them() {
        let mut joiner = EscapeJoiner::default();
        assert_eq!(joiner.push(key(KeyCode::Esc)), vec![]);
        assert_eq!(joiner.push(InputEvent::FocusLost), vec![key(KeyCode::Esc), InputEvent::FocusLost]);
        assert!(!joiner.is_holding());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_is_lost_without_an_escape(text in "[ -~]{0,20}") {
            prop_assert_eq!(join(keys(&text)), keys(&text));
        }

        #[test]
        fn nothing_stays_behind_after_the_hold(text in "[\u{1b}\\[OA-D0-9;~a-z]{0,20}") {
            let mut joiner = EscapeJoiner::default();
            for event in keys(&text) {
                joiner.push(event);
            }
            joiner.expire();
            prop_assert!(!joiner.is_holding());
        }
    }
}
