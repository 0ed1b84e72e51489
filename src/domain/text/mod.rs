//! One type, one door: text from outside is [`Untrusted`], and the sanitiser is the only way to make it [`Shown`].
//!
//! Nothing that means something is deleted, since deleting joins what was apart: control characters become caret
//! notation (`^[`), invisible and direction-changing ones become `<U+202E>`. The rules are console-ux X-1; the
//! table is in `sanitise`.

mod sanitise;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use sanitise::Writer;

/// The most of one line that is shown, in bytes of raw text.
pub const LINE_CAP: usize = 4 * 1_024;

/// The most of a value of many lines that is shown, in bytes of raw text.
pub const VALUE_CAP: usize = 64 * 1_024;

/// Columns between tab stops in views of many lines.
const TAB: usize = 4;

/// Stands where text was cut.
const CUT: &str = "..";

/// Text somebody else controls: device data, hub messages, file names, the operator's own paste.
/// It has no `Display`; it reaches a screen, a log or a terminal only through [`Untrusted::shown`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(Arc<str>);

/// Whether a character must not reach a terminal as it is: the sanitiser writes something else in its place.
#[must_use]
pub fn is_unsafe_char(c: char) -> bool {
    !sanitise::is_drawn(c)
}

impl Untrusted {
    /// Wraps text as it came.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Wraps bytes that should be UTF-8. Each byte that is not becomes `<FF>`, so that it stays visible and
    /// nobody takes U+FFFD for what was sent.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                text.push_str(&format!("<{byte:02X}>"));
            }
        }
        Self::new(text)
    }

    /// The raw characters, for requests, comparison and search; never for a screen.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text as one line that may be drawn; a line feed is `^J`, and what is over [`LINE_CAP`] is cut.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::sanitise(&self.0)
    }

    /// The text as lines that may be drawn, for views that have room: LF and CR LF break, a tab goes to the next
    /// multiple of 4, lines over [`LINE_CAP`] and text over [`VALUE_CAP`] are cut and say so.
    #[must_use]
    pub fn shown_lines(&self) -> Vec<Shown> {
        let (text, rest) = self.0.split_at(self.0.floor_char_boundary(VALUE_CAP));
        let mut lines: Vec<Shown> = text.lines().map(Shown::with_tab_stops).collect();
        if !rest.is_empty() {
            let mut end = Shown::default();
            end.push_escape(&cut_mark(self.0.len()));
            lines.push(end);
        }
        lines
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug escapes C0 but not bidi controls, so it goes through the door as well.
        write!(f, "{:?}", self.shown().as_str())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// One line of text that is safe to hand to a terminal: no control, no bidi, no invisible characters.
///
/// It remembers which parts are the sanitiser's stand-ins, so that a screen can draw them in the role `escape`
/// and a device cannot pass off `^[` as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Shown {
    text: String,
    /// Byte ranges of the stand-ins, ascending and apart.
    escapes: Vec<(usize, usize)>,
}

impl Shown {
    /// Sanitises `raw` into one line.
    #[must_use]
    pub fn sanitise(raw: &str) -> Self {
        Self::line(raw, Writer::write)
    }

    /// Words of ours put together with text that already passed the sanitiser; taken as it is.
    #[must_use]
    pub fn composed(text: impl Into<String>) -> Self {
        Self { text: text.into(), escapes: Vec::new() }
    }

    /// Words of the program itself. They take the same door, so that the type keeps its promise.
    #[must_use]
    pub fn from_static(words: &'static str) -> Self {
        Self::sanitise(words)
    }

    fn with_tab_stops(raw: &str) -> Self {
        Self::line(raw, |writer, raw| {
            for (index, part) in raw.split('\t').enumerate() {
                if index > 0 {
                    writer.tab(TAB);
                }
                writer.write(part);
            }
        })
    }

    fn line(raw: &str, write: impl FnOnce(&mut Writer, &str)) -> Self {
        if raw.len() <= LINE_CAP && raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self { text: raw.to_owned(), escapes: Vec::new() };
        }
        let (kept, rest) = raw.split_at(raw.floor_char_boundary(LINE_CAP));
        let mut writer = Writer::default();
        write(&mut writer, kept);
        if !rest.is_empty() {
            writer.escape(&cut_mark(raw.len()));
        }
        writer.finish()
    }

    /// The safe characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Columns on a terminal, summed over grapheme clusters the way ratatui draws them.
    #[must_use]
    pub fn width(&self) -> usize {
        width_of(&self.text)
    }

    /// The parts in order, each with whether it is one of the sanitiser's stand-ins (role `escape`).
    pub fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        let ends = self.escapes.iter().flat_map(|&(start, end)| [(start, false), (end, true)]);
        let mut at = 0;
        ends.chain([(self.text.len(), false)]).filter_map(move |(end, escape)| {
            let piece = self.text.get(at..end).unwrap_or_default();
            at = end;
            (!piece.is_empty()).then_some((piece, escape))
        })
    }

    /// The text in at most `width` columns; what does not fit is cut at the end and replaced by `..`.
    /// A text that was cut fills the width exactly: where a wide character does not fit, a space stands.
    #[must_use]
    pub fn fit(&self, width: usize) -> Self {
        self.cut(width, |room| (room, 0))
    }

    /// The text in at most `width` columns; what does not fit is cut in the middle, where names of hosts and
    /// devices say the least (console-ux G-4).
    #[must_use]
    pub fn fit_middle(&self, width: usize) -> Self {
        self.cut(width, |room| (room / 2, room - room / 2))
    }

    /// The text for a terminal without Unicode: what is not ASCII becomes `<U+00E9>` (console-ux W-65).
    #[must_use]
    pub fn to_ascii(&self) -> Self {
        let mut out = Self::default();
        for (piece, escape) in self.pieces() {
            if escape {
                out.push_escape(piece);
                continue;
            }
            for c in piece.chars() {
                if c.is_ascii() {
                    out.text.push(c);
                } else {
                    out.push_escape(&sanitise::code_point(c));
                }
            }
        }
        out
    }

    /// Appends `other`.
    pub fn push(&mut self, other: &Self) {
        let offset = self.text.len();
        self.text.push_str(&other.text);
        self.escapes.extend(other.escapes.iter().map(|(start, end)| (start + offset, end + offset)));
    }

    fn push_escape(&mut self, words: &str) {
        let start = self.text.len();
        self.text.push_str(words);
        self.escapes.push((start, self.text.len()));
    }

    fn cut(&self, width: usize, share: impl FnOnce(usize) -> (usize, usize)) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let Some(room) = width.checked_sub(CUT.len()) else {
            return Self { text: ".".repeat(width), escapes: Vec::new() };
        };
        let (head, tail) = share(room);
        let (head_bytes, head_width) = taken(self.text.graphemes(true), head);
        let (tail_bytes, tail_width) = taken(self.text.graphemes(true).rev(), tail);
        let mut out = self.part(0..head_bytes);
        out.text.extend(std::iter::repeat_n(' ', head - head_width));
        out.text.push_str(CUT);
        out.text.extend(std::iter::repeat_n(' ', tail - tail_width));
        out.push(&self.part(self.text.len() - tail_bytes..self.text.len()));
        out
    }

    fn part(&self, bytes: Range<usize>) -> Self {
        let inside = |&(start, end): &(usize, usize)| {
            let (start, end) = (start.max(bytes.start), end.min(bytes.end));
            (start < end).then(|| (start - bytes.start, end - bytes.start))
        };
        Self {
            text: self.text.get(bytes.clone()).unwrap_or_default().to_owned(),
            escapes: self.escapes.iter().filter_map(inside).collect(),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        shown.text
    }
}

/// How many bytes and columns the first graphemes that fit into `width` columns have.
fn taken<'a>(graphemes: impl Iterator<Item = &'a str>, width: usize) -> (usize, usize) {
    let mut bytes = 0;
    let mut columns = 0;
    for grapheme in graphemes {
        let next = grapheme_width(grapheme);
        if columns + next > width {
            break;
        }
        bytes += grapheme.len();
        columns += next;
    }
    (bytes, columns)
}

fn width_of(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(grapheme_width).sum() }
}

fn grapheme_width(grapheme: &str) -> usize {
    // Half-width voicing marks have a cell of their own in terminals, whatever the standard says.
    grapheme.width() + grapheme.chars().filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}')).count()
}

fn cut_mark(bytes: usize) -> String {
    format!("{CUT} {}", sanitise::size_text(bytes))
}
