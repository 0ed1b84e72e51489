//! A drawn screen as an SVG picture: a grid of cells, one rectangle per run of ground, one text per run of ink. The
//! same screen always gives the same bytes.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// A cell, in pixels. Monospaced letters are six tenths of their size wide.
const CELL: (usize, usize) = (8, 16);
const FONT_SIZE: &str = "13.333";
const FONTS: &str = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace";
/// From the top of a cell to the line that letters stand on.
const BASELINE: usize = 12;
const MARGIN: usize = 8;
/// What the terminal itself would use where a cell names no colour.
const PAPER: &str = "#101418";
const INK: &str = "#d0d4d8";

/// How a cell looks: ink, ground, and marks that change the letters.
#[derive(PartialEq)]
struct Look {
    ink: String,
    ground: String,
    marks: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut ink, mut ground) = (hex(cell.fg, INK), hex(cell.bg, PAPER));
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut ink, &mut ground);
        }
        let marks = cell.modifier & (Modifier::BOLD | Modifier::DIM | Modifier::ITALIC | Modifier::UNDERLINED);
        Self { ink, ground, marks }
    }

    fn attributes(&self) -> String {
        let mut attributes = format!("fill=\"{}\"", self.ink);
        for (mark, text) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::DIM, " fill-opacity=\"0.65\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        ] {
            if self.marks.contains(mark) {
                attributes.push_str(text);
            }
        }
        attributes
    }
}

fn hex(color: Color, default: &str) -> String {
    match color {
        Color::Reset => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        other => panic!("the theme of the pictures names true colours only, not {other:?}"),
    }
}

/// The picture of `screen`, with `title` for those who cannot see it.
pub fn picture(screen: &Buffer, title: &str) -> String {
    let (columns, rows) = (usize::from(screen.area.width), usize::from(screen.area.height));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let paper = screen.content.first().map_or_else(|| PAPER.to_owned(), |corner| Look::of(corner).ground);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{paper}\"/>\n",
        escaped(title)
    );
    let mut texts = String::new();
    for (y, row) in screen.content.chunks(columns).enumerate() {
        let top = MARGIN + y * CELL.1;
        let looks: Vec<Look> = row.iter().map(Look::of).collect();
        for (first, count) in runs(&looks, |a, b| a.ground == b.ground) {
            if looks[first].ground != paper {
                let (x, width, fill) = (MARGIN + first * CELL.0, count * CELL.0, &looks[first].ground);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{fill}\"/>",
                    CELL.1
                );
            }
        }
        for (first, count) in runs(&looks, |a, b| a == b) {
            let text: String = row[first..first + count].iter().map(Cell::symbol).collect();
            let led = text.len() - text.trim_start_matches(' ').len();
            let text = text.trim_matches(' ');
            if !text.is_empty() {
                let (x, y, cells) = (MARGIN + (first + led) * CELL.0, top + BASELINE, text.chars().count());
                let _ = writeln!(
                    texts,
                    "<text x=\"{x}\" y=\"{y}\" textLength=\"{}\" xml:space=\"preserve\" {}>{}</text>",
                    cells * CELL.0,
                    looks[first].attributes(),
                    escaped(text)
                );
            }
        }
    }
    // All grounds first: no ground covers the edge of a letter beside it.
    svg + &texts + "</svg>\n"
}

/// Stretches of equal looks: where each begins, and how long it is.
fn runs(looks: &[Look], same: impl Fn(&Look, &Look) -> bool) -> Vec<(usize, usize)> {
    let mut first = 0;
    let stretches = looks.chunk_by(same).map(|stretch| {
        let begins = first;
        first += stretch.len();
        (begins, stretch.len())
    });
    stretches.collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn a_screen_becomes_grounds_and_texts() {
    use ratatui::style::Style;
    let mut screen = Buffer::empty(ratatui::layout::Rect::new(0, 0, 6, 1));
    screen.set_string(1, 0, "a<b", Style::new().fg(Color::Rgb(255, 0, 1)).add_modifier(Modifier::BOLD));
    screen.set_string(4, 0, "c ", Style::new().add_modifier(Modifier::REVERSED));
    let svg = picture(&screen, "R&D");
    assert!(svg.contains("<title>R&amp;D</title>"), "{svg}");
    assert!(svg.contains("<text x=\"16\" y=\"20\" textLength=\"24\" xml:space=\"preserve\" fill=\"#ff0001\" font-weight=\"bold\">a&lt;b</text>"), "{svg}");
    assert!(svg.contains("<rect x=\"40\" y=\"8\" width=\"16\" height=\"16\" fill=\"#d0d4d8\"/>"), "{svg}");
    assert!(svg.contains("fill=\"#101418\">c</text>"), "{svg}");
}
