//! The sanitiser: which characters may reach a terminal, and what stands in for the others (console-ux X-1).
//!
//! Everything a stand-in says is printable ASCII. Nothing is dropped silently but variation selectors, which
//! have no cell and no meaning of their own.

use unicode_width::UnicodeWidthChar;

use super::{Shown, width_of};

/// Combining marks one base may carry; more have crashed terminals (CVE-2021-27135).
const MARKS_PER_BASE: usize = 4;

/// What a character becomes.
enum Fate {
    /// Drawn as it is, on cells of its own.
    Plain,
    /// Drawn on the character before it.
    Mark,
    /// Caret notation.
    Caret(char),
    /// `<U+202E>`.
    Named,
    /// Left out.
    Dropped,
}

fn fate(c: char) -> Fate {
    match c {
        ' '..='~' => Fate::Plain,
        '\u{0}'..='\u{1f}' => Fate::Caret(char::from_u32(u32::from(c) + 0x40).unwrap_or('?')),
        '\u{7f}' => Fate::Caret('?'),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Fate::Dropped,
        _ if is_hidden(c) => Fate::Named,
        // These have the width 0 by the standard and a cell of their own in every terminal.
        '\u{ff9e}' | '\u{ff9f}' => Fate::Plain,
        _ if c.width() == Some(0) => Fate::Mark,
        // The standard library knows which characters are assigned and drawn; it also calls every space but
        // U+0020 unprintable, and those do no harm.
        _ if !c.is_whitespace() && c.escape_debug().len() > 1 => Fate::Named,
        _ => Fate::Plain,
    }
}

/// Whether the character is drawn as it is.
pub(super) fn is_drawn(c: char) -> bool {
    matches!(fate(c), Fate::Plain | Fate::Mark)
}

/// C1 controls, everything that turns the direction or has no picture, and the two kinds of character whose width
/// depends on what stands beside them and on the terminal: flags and skin tones.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' if c.is_alphabetic())
}

/// Cyrillic letters, and the Greek ones that look like Latin letters (`kΩ` and `μs` are honest words).
pub(super) fn poses_as_latin(c: char) -> bool {
    matches!(c,
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}'
        | 'Α' | 'Β' | 'Ε' | 'Ζ' | 'Η' | 'Ι' | 'Κ' | 'Μ' | 'Ν' | 'Ο' | 'Ρ' | 'Τ' | 'Υ' | 'Χ'
        | 'α' | 'γ' | 'ι' | 'κ' | 'ν' | 'ο' | 'ρ' | 'υ' | 'χ')
}

/// Builds one line.
#[derive(Default)]
pub(super) struct Writer {
    line: Shown,
    /// Whether the last thing written can carry a mark, and how many it carries.
    base: bool,
    marks: usize,
    /// What the current word is made of.
    latin: bool,
    posing: bool,
    /// Column and byte offset just after the last tab.
    tab_column: usize,
    tab_offset: usize,
}

impl Writer {
    /// Adds text; a tab becomes `^I`, a line feed `^J`.
    pub(super) fn write(&mut self, raw: &str) {
        for c in raw.chars() {
            match fate(c) {
                Fate::Plain => {
                    self.end_of_marks();
                    if !c.is_alphanumeric() {
                        self.end_of_word();
                    }
                    self.latin |= is_latin(c);
                    self.posing |= poses_as_latin(c);
                    self.line.text.push(c);
                    self.base = true;
                }
                Fate::Mark if self.base => {
                    self.marks += 1;
                    if self.marks <= MARKS_PER_BASE {
                        self.line.text.push(c);
                    }
                }
                Fate::Caret(letter) => self.escape(&format!("^{letter}")),
                // A mark with nothing of its own to stand on would change a cell that is not its.
                Fate::Named | Fate::Mark => self.escape(&code_point(c)),
                Fate::Dropped => {}
            }
        }
    }

    /// Adds spaces up to the next multiple of `step` columns.
    pub(super) fn tab(&mut self, step: usize) {
        self.end_of_marks();
        self.end_of_word();
        let since = self.line.text.get(self.tab_offset..).map_or(0, width_of);
        let column = self.tab_column + since;
        let spaces = step - column % step;
        self.line.text.extend(std::iter::repeat_n(' ', spaces));
        self.tab_column = column + spaces;
        self.tab_offset = self.line.text.len();
        self.base = true;
    }

    /// Adds words of ours in the role `escape`.
    pub(super) fn escape(&mut self, words: &str) {
        self.end_of_marks();
        self.end_of_word();
        self.line.push_escape(words);
        self.base = false;
    }

    /// The line.
    pub(super) fn finish(mut self) -> Shown {
        self.end_of_marks();
        self.end_of_word();
        self.line
    }

    fn end_of_marks(&mut self) {
        let surplus = self.marks.saturating_sub(MARKS_PER_BASE);
        self.marks = 0;
        if surplus > 0 {
            self.line.push_escape(&format!("<+{surplus} marks>"));
        }
    }

    fn end_of_word(&mut self) {
        if self.latin && self.posing {
            self.line.push_escape("[mixed]");
        }
        self.latin = false;
        self.posing = false;
    }
}

/// A character by its number: `<U+202E>`.
pub(super) fn code_point(c: char) -> String {
    format!("<U+{:04X}>", u32::from(c))
}

/// A size in bytes in three digits or so: `900 B`, `4.1 KB`, `1.2 MB`.
pub(super) fn size_text(bytes: usize) -> String {
    let tenths = |unit: usize| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", tenths(1_000)),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}
