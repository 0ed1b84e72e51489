//! From one frame to the next in as few bytes as the terminal allows (console-ux W-2).
//!
//! The encoder remembers what the terminal shows: the last frame, the pen, where the cursor stands and whether it
//! can be seen. It sends only sequences every terminal of the last thirty years agrees on: SGR, `CUP`, `CUF`,
//! `CUB`, `EL`, CR, LF, BS, and cursor visibility. It reads no environment and does no I/O.

use ratatui::buffer::{Buffer, Cell};

use super::glyphs::Glyph;
use super::pen::{Pen, push_decimal};
use crate::tui::theme::Depth;
use crate::tui::theme::signs::Glyphs;

/// Turns frames into bytes, each relative to the frame before.
#[derive(Debug)]
pub struct Encoder {
    glyphs: Glyphs,
    depth: Depth,
    /// What the terminal shows; `None` when that is not known, which makes the next frame a full repaint.
    base: Option<Buffer>,
    pen: Pen,
    at: Place,
    cursor_shown: Option<bool>,
    replaced: u64,
}

/// Where the terminal's cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not known, for instance behind a grapheme whose width terminals disagree on.
    Unknown,
    /// At this column and row. The column equals the width after the last column was written; terminals differ
    /// about what a relative move does then, so only CR and absolute moves leave it.
    At(u16, u16),
}

/// One column of a row as the terminal should show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot<'a> {
    /// Empty for the second half of a wide glyph.
    text: &'a str,
    columns: u16,
    pen: Pen,
}

impl Slot<'_> {
    const BLANK: Slot<'static> = Slot { text: " ", columns: 1, pen: Pen::PLAIN };

    fn is_blank(&self) -> bool {
        self.text == " "
    }

    fn looks_like(&self, other: &Slot<'_>) -> bool {
        self.text == other.text && (self.pen == other.pen || self.is_blank() && self.pen.same_on_blank(other.pen))
    }

    /// Erasing shows this slot: a blank without background or visible marks.
    fn is_erased(&self) -> bool {
        self.is_blank() && self.pen.same_on_blank(Pen::PLAIN)
    }
}

impl Encoder {
    /// An encoder that knows nothing about the terminal yet; its first frame is a full repaint.
    #[must_use]
    pub fn new(glyphs: Glyphs, depth: Depth) -> Self {
        Self { glyphs, depth, base: None, pen: Pen::PLAIN, at: Place::Unknown, cursor_shown: None, replaced: 0 }
    }

    /// How many cell symbols held a character that may not reach a terminal and were sent as `?`
    /// (console-ux X-2). Anything but zero is a defect of a widget.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Forgets what the terminal shows, so that the next frame repaints everything; gives the last frame back.
    pub fn forget(&mut self) -> Option<Buffer> {
        self.at = Place::Unknown;
        self.cursor_shown = None;
        self.base.take()
    }

    /// Appends to `out` what turns the terminal's picture into `next` with the cursor at `cursor` (column, row),
    /// or hidden. Appends nothing when nothing changed. Gives back the frame that `next` replaces, for reuse.
    ///
    /// The buffer's own origin is taken as the terminal's top left corner. A change of size repaints everything.
    pub fn encode(&mut self, next: Buffer, cursor: Option<(u16, u16)>, out: &mut Vec<u8>) -> Option<Buffer> {
        let resized = self.base.as_ref().is_none_or(|base| base.area.as_size() != next.area.as_size());
        let mut retired = None;
        if resized {
            retired = self.forget();
            // Clear and repaint belong to one write, or the operator sees a blank flash (console-ux W-10).
            out.extend_from_slice(b"\x1b[m\x1b[H\x1b[2J");
            self.pen = Pen::PLAIN;
            self.at = Place::At(0, 0);
        }
        let base = self.base.take();
        self.encode_rows(base.as_ref(), &next, out);
        self.place_cursor(cursor, next.area.width, out);
        self.base = Some(next);
        base.or(retired)
    }

    fn encode_rows(&mut self, base: Option<&Buffer>, next: &Buffer, out: &mut Vec<u8>) {
        let width = usize::from(next.area.width);
        if width == 0 {
            return;
        }
        let (mut old_row, mut new_row) = (Vec::with_capacity(width), Vec::with_capacity(width));
        let mut old_cells = base.map(|base| base.content.chunks_exact(width));
        for (y, cells) in (0..next.area.height).zip(next.content.chunks_exact(width)) {
            let before = old_cells.as_mut().and_then(Iterator::next);
            if before == Some(cells) {
                continue;
            }
            match before {
                Some(before) => {
                    self.lay_out(before, &mut old_row);
                }
                None => {
                    old_row.clear();
                    old_row.resize(width, Slot::BLANK);
                }
            }
            self.replaced += self.lay_out(cells, &mut new_row);
            self.encode_row(y, &old_row, &new_row, out);
        }
    }

    /// Resolves cells into columns: wide glyphs cover their tails, forbidden and unknown glyphs are replaced.
    /// Returns how many symbols were forbidden.
    fn lay_out<'a>(&self, cells: &'a [Cell], row: &mut Vec<Slot<'a>>) -> u64 {
        row.clear();
        let mut replaced = 0;
        let mut cells = cells.iter();
        while let Some(cell) = cells.next() {
            let room = u16::try_from(cells.len() + 1).unwrap_or(u16::MAX);
            let glyph = Glyph::of(cell.symbol(), self.glyphs, room);
            let pen = Pen::of(cell, self.depth);
            replaced += u64::from(glyph.replaced);
            row.push(Slot { text: glyph.text, columns: glyph.columns, pen });
            for column in 1..glyph.layout {
                cells.next();
                let text = if column < glyph.columns { "" } else { " " };
                row.push(Slot { text, columns: 1, pen });
            }
        }
        replaced
    }

    fn encode_row(&mut self, y: u16, old: &[Slot<'_>], new: &[Slot<'_>], out: &mut Vec<u8>) {
        let changed = |&(_, (before, after)): &(u16, (&Slot<'_>, &Slot<'_>))| !after.looks_like(before);
        let Some((last, _)) = (0..).zip(old.iter().zip(new)).filter(changed).last() else { return };
        let width = u16::try_from(new.len()).unwrap_or(u16::MAX);
        let erased = new.iter().rev().take_while(|slot| slot.is_erased()).count();
        let tail = width.saturating_sub(u16::try_from(erased).unwrap_or(u16::MAX));
        for (x, (before, after)) in (0..).zip(old.iter().zip(new)) {
            // The second half of a wide glyph is written with its first.
            if after.looks_like(before) || after.text.is_empty() {
                continue;
            }
            self.go_to(x, y, new, out);
            // `CSI m CSI K` is six bytes at most. The pen is made plain because terminals disagree about the
            // colour of what they erase.
            if x >= tail && last - x >= 6 {
                if !self.pen.same_on_blank(Pen::PLAIN) {
                    self.set_pen(Pen::PLAIN, out);
                }
                out.extend_from_slice(b"\x1b[K");
                return;
            }
            self.write_slot(after, out);
        }
    }

    /// Writes one slot where the cursor stands.
    fn write_slot(&mut self, slot: &Slot<'_>, out: &mut Vec<u8>) {
        if !(slot.is_blank() && self.pen.same_on_blank(slot.pen)) {
            self.set_pen(slot.pen, out);
        }
        let Place::At(x, y) = self.at else { return };
        // Terminals agree on the width of single characters, not on that of longer clusters.
        let disputed = slot.text.chars().nth(1).is_some();
        if disputed && slot.columns > 1 {
            // Where the cluster turns out narrower than its columns, the rest must not show what was there before.
            out.resize(out.len() + usize::from(slot.columns), b' ');
            out.extend_from_slice(&absolute(x, y));
        }
        out.extend_from_slice(slot.text.as_bytes());
        self.at = if disputed { Place::Unknown } else { Place::At(x + slot.columns, y) };
    }

    fn set_pen(&mut self, pen: Pen, out: &mut Vec<u8>) {
        self.pen.change_to(pen, out);
        self.pen = pen;
    }

    /// Moves to a column of a row whose picture is `row`, by rewriting what lies between when that is shortest.
    fn go_to(&mut self, x: u16, y: u16, row: &[Slot<'_>], out: &mut Vec<u8>) {
        let width = u16::try_from(row.len()).unwrap_or(u16::MAX);
        if let Place::At(from, line) = self.at
            && line == y
            && from < x
            && x - from <= 3
            && let Some(between) = row.get(usize::from(from)..usize::from(x))
            && between.iter().all(|slot| self.can_rewrite(slot))
        {
            between.iter().for_each(|slot| out.extend_from_slice(slot.text.as_bytes()));
        } else {
            move_cursor(self.at, x, y, width, out);
        }
        self.at = Place::At(x, y);
    }

    /// The slot is one byte and needs no change of pen.
    fn can_rewrite(&self, slot: &Slot<'_>) -> bool {
        slot.text.len() == 1 && (slot.pen == self.pen || slot.is_blank() && slot.pen.same_on_blank(self.pen))
    }

    fn place_cursor(&mut self, cursor: Option<(u16, u16)>, width: u16, out: &mut Vec<u8>) {
        if let Some((x, y)) = cursor {
            move_cursor(self.at, x, y, width, out);
            self.at = Place::At(x, y);
        }
        if self.cursor_shown != Some(cursor.is_some()) {
            out.extend_from_slice(if cursor.is_some() { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.cursor_shown = Some(cursor.is_some());
        }
    }
}

/// Appends the shortest move to (`x`, `y`); nothing when the cursor is there.
fn move_cursor(at: Place, x: u16, y: u16, width: u16, out: &mut Vec<u8>) {
    if at == Place::At(x, y) {
        return;
    }
    let mut best = absolute(x, y);
    let mut offer = |candidate: Vec<u8>| {
        if candidate.len() < best.len() {
            best = candidate;
        }
    };
    if let Place::At(from, line) = at {
        if line == y && from < width {
            if from < x {
                offer(by(x - from, b'C'));
            } else {
                offer(by(from - x, b'D'));
                offer(vec![b'\x08'; usize::from(from - x)]);
            }
        }
        if (line..=line.saturating_add(4)).contains(&y) {
            let mut returned = vec![b'\r'];
            returned.resize(1 + usize::from(y - line), b'\n');
            if x > 0 {
                returned.extend(by(x, b'C'));
            }
            offer(returned);
        }
    }
    out.extend_from_slice(&best);
}

/// `CUP`; parameters that are 1 may be left out.
fn absolute(x: u16, y: u16) -> Vec<u8> {
    let mut bytes = b"\x1b[".to_vec();
    if y > 0 {
        push_decimal(&mut bytes, y.saturating_add(1));
    }
    if x > 0 {
        bytes.push(b';');
        push_decimal(&mut bytes, x.saturating_add(1));
    }
    bytes.push(b'H');
    bytes
}

/// `CUF` or `CUB` by `count` columns.
fn by(count: u16, final_byte: u8) -> Vec<u8> {
    let mut bytes = b"\x1b[".to_vec();
    if count > 1 {
        push_decimal(&mut bytes, count);
    }
    bytes.push(final_byte);
    bytes
}

#[cfg(test)]
mod tests;
