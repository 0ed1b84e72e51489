//! What one cell may send: the second net against hostile text (console-ux X-2) and the ASCII glyph map (T-30, W-65).

use ratatui::buffer::CellWidth;

use crate::tui::theme::signs::Glyphs;

/// A cell's symbol as it will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glyph<'a> {
    /// The characters to write; never empty, never a control character.
    pub text: &'a str,
    /// Columns the characters cover: 1 or 2.
    pub columns: u16,
    /// Columns the cell takes in the layout; larger than `columns` when a wide glyph became an ASCII sign.
    pub layout: u16,
    /// The symbol held a forbidden character and was replaced.
    pub replaced: bool,
}

impl<'a> Glyph<'a> {
    const BLANK: Glyph<'static> = Glyph { text: " ", columns: 1, layout: 1, replaced: false };

    /// Decides what to send for `symbol`. `room` is the number of columns left in the row, at least 1.
    pub fn of(symbol: &'a str, mode: Glyphs, room: u16) -> Self {
        if let [byte @ 0x20..=0x7e] = symbol.as_bytes() {
            return if *byte == b' ' { Self::BLANK } else { Self { text: symbol, ..Self::BLANK } };
        }
        if symbol.chars().any(is_forbidden) {
            return Self { text: "?", replaced: true, ..Self::BLANK };
        }
        match symbol.cell_width() {
            0 => Self::BLANK,
            layout if layout > room => Self::BLANK,
            layout if mode == Glyphs::Ascii && !symbol.is_ascii() => {
                Self { text: ascii_sign(symbol), columns: 1, layout, replaced: false }
            }
            layout => Self { text: symbol, columns: layout, layout, replaced: false },
        }
    }
}

/// C0, DEL, C1, line separators, bidirectional controls and tag characters: nothing a cell may hold.
fn is_forbidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

/// The ASCII sign for a glyph of ours; `?` for anything else, such as device text.
fn ascii_sign(symbol: &str) -> &'static str {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return "?" };
    match c {
        '✓' | '✔' => "+",
        '✗' | '✘' | '×' => "x",
        '◌' => "~",
        '❯' | '›' | '»' | '→' | '▶' | '▸' => ">",
        '‹' | '«' | '←' | '◀' | '◂' => "<",
        '↑' | '▲' | '▴' => "^",
        '↓' | '▼' | '▾' => "v",
        '●' | '•' | '◆' => "*",
        '○' | '◦' | '◇' => "o",
        '…' | '·' | '░' => ".",
        '–' | '—' | '─' | '━' | '═' | '╌' | '╍' | '┄' | '┅' | '┈' | '┉' | '╴' | '╶' | '╸' | '╺' => {
            "-"
        }
        '│' | '┃' | '║' | '╎' | '╏' | '┆' | '┇' | '┊' | '┋' | '╵' | '╷' | '╹' | '╻' => "|",
        '╱' => "/",
        '╲' => "\\",
        '\u{2500}'..='\u{257f}' => "+",
        '▁' | '▂' => "_",
        '▃' | '▄' | '▅' => "=",
        '▏' | '▎' | '▍' | '▕' => "|",
        '▒' => ":",
        '\u{2580}'..='\u{259f}' => "#",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '⚠' => "!",
        '\u{a0}' => " ",
        '\u{2800}'..='\u{28ff}' => "*",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_characters_become_a_question_mark() {
        for hostile in [
            "\u{1b}",
            "\n",
            "\r",
            "\u{7f}",
            "\u{9b}",
            "\u{202e}",
            "\u{2066}",
            "\u{61c}",
            "\u{2028}",
            "a\u{e0041}",
            "\u{1b}[2J",
        ] {
            let glyph = Glyph::of(hostile, Glyphs::Unicode, 10);
            assert_eq!((glyph.text, glyph.columns, glyph.replaced), ("?", 1, true), "{hostile:?}");
        }
    }

    #[test]
    fn the_signs_of_the_product_have_an_ascii_form() {
        for (symbol, sign) in
            [("✓", "+"), ("✗", "x"), ("◌", "~"), ("❯", ">"), ("…", "."), ("┌", "+"), ("─", "-"), ("│", "|"), ("é", "?")]
        {
            assert_eq!(Glyph::of(symbol, Glyphs::Ascii, 10).text, sign, "{symbol}");
            assert_eq!(Glyph::of(symbol, Glyphs::Unicode, 10).text, symbol);
        }
    }

    #[test]
    fn widths_stay_inside_the_row() {
        let wide = Glyph::of("漢", Glyphs::Unicode, 2);
        assert_eq!((wide.text, wide.columns, wide.layout), ("漢", 2, 2));
        assert_eq!(Glyph::of("漢", Glyphs::Unicode, 1), Glyph::BLANK, "no room for both halves");
        let ascii = Glyph::of("漢", Glyphs::Ascii, 2);
        assert_eq!((ascii.text, ascii.columns, ascii.layout), ("?", 1, 2));
        assert_eq!(Glyph::of("", Glyphs::Unicode, 2), Glyph::BLANK);
        assert_eq!(Glyph::of("\u{301}", Glyphs::Unicode, 2), Glyph::BLANK, "a mark without a base");
    }
}
