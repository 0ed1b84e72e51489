//! The colours and marks text is written with, and the shortest SGR sequence from one to another.
//!
//! Blink and conceal are never sent: nothing on an operations console may flash or hide. Underline colour is not
//! sent either: terminals that do not know `58;5;n` take the 5 for blink.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use crate::tui::theme::Depth;

/// The marks that are sent.
const SENT: Modifier = Modifier::BOLD
    .union(Modifier::DIM)
    .union(Modifier::ITALIC)
    .union(Modifier::UNDERLINED)
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);

/// The marks that can be seen on a space.
const ON_BLANK: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

const INTENSITY: Modifier = Modifier::BOLD.union(Modifier::DIM);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Default,
    Palette(u8),
    Rgb(u8, u8, u8),
}

impl From<Color> for Ink {
    fn from(color: Color) -> Self {
        Self::Palette(match color {
            Color::Reset => return Self::Default,
            Color::Rgb(r, g, b) => return Self::Rgb(r, g, b),
            Color::Indexed(n) => n,
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 8,
            Color::LightRed => 9,
            Color::LightGreen => 10,
            Color::LightYellow => 11,
            Color::LightBlue => 12,
            Color::LightMagenta => 13,
            Color::LightCyan => 14,
            Color::White => 15,
        })
    }
}

/// Foreground, background and marks of written text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    ink: Ink,
    paper: Ink,
    marks: Modifier,
}

impl Pen {
    /// What SGR 0 gives.
    pub const PLAIN: Pen = Pen { ink: Ink::Default, paper: Ink::Default, marks: Modifier::empty() };

    /// The pen of a cell. At [`Depth::None`] no colour is ever sent (console-ux T-22).
    pub fn of(cell: &Cell, depth: Depth) -> Self {
        let marks = cell.modifier.intersection(SENT);
        if depth == Depth::None {
            return Self { marks, ..Self::PLAIN };
        }
        Self { ink: cell.fg.into(), paper: cell.bg.into(), marks }
    }

    /// Whether a space looks the same with either pen.
    pub fn same_on_blank(self, other: Pen) -> bool {
        self == other || (self.paper == other.paper && !self.marks.union(other.marks).intersects(ON_BLANK))
    }

    /// Writes the shortest SGR sequence that turns `self` into `to`; nothing when they are equal.
    pub fn change_to(self, to: Pen, out: &mut Vec<u8>) {
        if self == to {
            return;
        }
        if to == Self::PLAIN {
            out.extend_from_slice(b"\x1b[m");
            return;
        }
        let (step, fresh) = (self.step_to(to), to.after_reset());
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(if fresh.len() < step.len() { &fresh } else { &step });
        out.push(b'm');
    }

    fn step_to(self, to: Pen) -> Vec<u8> {
        let mut params = Vec::with_capacity(24);
        let gone = self.marks.difference(to.marks);
        let mut new = to.marks.difference(self.marks);
        if gone.intersects(INTENSITY) {
            // 22 ends bold and dim alike, so the one that stays is set again.
            push_param(&mut params, 22);
            new = new.union(to.marks.intersection(INTENSITY));
        }
        for (mark, off) in
            [(Modifier::ITALIC, 23), (Modifier::UNDERLINED, 24), (Modifier::REVERSED, 27), (Modifier::CROSSED_OUT, 29)]
        {
            if gone.contains(mark) {
                push_param(&mut params, off);
            }
        }
        push_marks(&mut params, new);
        if self.ink != to.ink {
            push_ink(&mut params, to.ink, 30);
        }
        if self.paper != to.paper {
            push_ink(&mut params, to.paper, 40);
        }
        params
    }

    fn after_reset(self) -> Vec<u8> {
        let mut params = Vec::with_capacity(24);
        push_param(&mut params, 0);
        push_marks(&mut params, self.marks);
        for (ink, base) in [(self.ink, 30), (self.paper, 40)] {
            if ink != Ink::Default {
                push_ink(&mut params, ink, base);
            }
        }
        params
    }
}

fn push_marks(params: &mut Vec<u8>, marks: Modifier) {
    for (mark, on) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if marks.contains(mark) {
            push_param(params, on);
        }
    }
}

/// `base` is 30 for the foreground and 40 for the background. The first sixteen colours use their short form,
/// which 8- and 16-colour terminals understand as well (console-ux T-13).
fn push_ink(params: &mut Vec<u8>, ink: Ink, base: u16) {
    match ink {
        Ink::Default => push_param(params, base + 9),
        Ink::Palette(n @ 0..=7) => push_param(params, base + u16::from(n)),
        Ink::Palette(n @ 8..=15) => push_param(params, base + 60 + u16::from(n - 8)),
        Ink::Palette(n) => push_params(params, &[base + 8, 5, u16::from(n)]),
        Ink::Rgb(r, g, b) => push_params(params, &[base + 8, 2, u16::from(r), u16::from(g), u16::from(b)]),
    }
}

fn push_params(params: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| push_param(params, *value));
}

fn push_param(params: &mut Vec<u8>, value: u16) {
    if !params.is_empty() {
        params.push(b';');
    }
    push_decimal(params, value);
}

/// Appends `value` in decimal.
pub(super) fn push_decimal(out: &mut Vec<u8>, value: u16) {
    if value >= 10 {
        push_decimal(out, value / 10);
    }
    out.push(b'0' + u8::try_from(value % 10).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen(fg: Color, bg: Color, marks: Modifier) -> Pen {
        Pen { ink: fg.into(), paper: bg.into(), marks }
    }

    #[test]
    fn the_shortest_change_wins() {
        let plain = Pen::PLAIN;
        let red = pen(Color::Red, Color::Reset, Modifier::empty());
        let bold = pen(Color::Reset, Color::Reset, Modifier::BOLD);
        let busy = pen(Color::Rgb(1, 20, 255), Color::Indexed(240), Modifier::BOLD | Modifier::UNDERLINED);
        let dim_bold = pen(Color::Reset, Color::Reset, Modifier::BOLD | Modifier::DIM);
        for (from, to, bytes) in [
            (plain, plain, ""),
            (plain, red, "\x1b[31m"),
            (red, plain, "\x1b[m"),
            (plain, pen(Color::DarkGray, Color::White, Modifier::empty()), "\x1b[90;107m"),
            (plain, busy, "\x1b[1;4;38;2;1;20;255;48;5;240m"),
            (busy, bold, "\x1b[0;1m"),
            (dim_bold, bold, "\x1b[0;1m"),
            (bold, pen(Color::Red, Color::Reset, Modifier::BOLD), "\x1b[31m"),
            (red, pen(Color::Green, Color::Reset, Modifier::REVERSED), "\x1b[7;32m"),
        ] {
            let mut out = Vec::new();
            from.change_to(to, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), bytes, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn mono_sends_marks_only() {
        let mut cell = Cell::new("a");
        cell.fg = Color::Red;
        cell.bg = Color::Blue;
        cell.modifier = Modifier::REVERSED | Modifier::SLOW_BLINK | Modifier::HIDDEN;
        let mono = Pen::of(&cell, Depth::None);
        assert_eq!(mono, pen(Color::Reset, Color::Reset, Modifier::REVERSED));
    }

    #[test]
    fn a_blank_hides_what_cannot_be_seen_on_it() {
        let red_bold = pen(Color::Red, Color::Reset, Modifier::BOLD);
        assert!(red_bold.same_on_blank(Pen::PLAIN));
        assert!(!pen(Color::Red, Color::Reset, Modifier::REVERSED).same_on_blank(Pen::PLAIN));
        assert!(!pen(Color::Reset, Color::Red, Modifier::empty()).same_on_blank(Pen::PLAIN));
    }
}
