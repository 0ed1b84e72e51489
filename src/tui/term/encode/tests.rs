//! The encoder against a terminal emulator: whatever the frames, the screen is what the last one says.

use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::*;

const WIDTH: u16 = 24;
const HEIGHT: u16 = 6;

fn emulator(width: u16, height: u16) -> vt100::Parser {
    vt100::Parser::new(NonZeroU16::new(height).unwrap(), NonZeroU16::new(width).unwrap(), 0)
}

fn blank() -> Buffer {
    Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT))
}

fn written(lines: &[&str]) -> Buffer {
    let mut buffer = blank();
    for (y, line) in (0..).zip(lines) {
        buffer.set_string(0, y, line, Style::new());
    }
    buffer
}

fn encoder() -> Encoder {
    Encoder::new(Glyphs::Unicode, Depth::True)
}

/// The bytes of the last step of a sequence of frames.
fn last_step(frames: &[Buffer], cursor: Option<(u16, u16)>) -> String {
    let mut encoder = encoder();
    let mut out = Vec::new();
    for frame in frames {
        out.clear();
        encoder.encode(frame.clone(), cursor, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn color(color: Color) -> vt100::Color {
    match Pen::of(Cell::new("a").set_fg(color), Depth::True) {
        pen if pen == Pen::PLAIN => vt100::Color::Default,
        _ => match color {
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            Color::Indexed(n) => vt100::Color::Idx(n),
            Color::Red => vt100::Color::Idx(1),
            Color::White => vt100::Color::Idx(15),
            Color::DarkGray => vt100::Color::Idx(8),
            other => panic!("not in the palette of this test: {other:?}"),
        },
    }
}

/// Compares text, colours and marks of every column; on blanks only what can be seen there.
fn assert_shows(screen: &vt100::Screen, frame: &Buffer) {
    for y in 0..frame.area.height {
        let mut x = 0;
        while x < frame.area.width {
            let (want, got) = (&frame[(x, y)], screen.cell(y, x).unwrap());
            let text = if got.has_contents() { got.contents() } else { " " };
            assert_eq!(text, want.symbol(), "text at {x},{y}");
            assert_eq!(got.bgcolor(), color(want.bg), "background at {x},{y}");
            let marks = want.modifier;
            assert_eq!(got.inverse(), marks.contains(Modifier::REVERSED), "reverse at {x},{y}");
            assert_eq!(got.underline(), marks.contains(Modifier::UNDERLINED), "underline at {x},{y}");
            if text != " " {
                assert_eq!(got.fgcolor(), color(want.fg), "foreground at {x},{y}");
                // The emulator knows one intensity, the later of the two.
                assert_eq!(got.bold() || got.dim(), marks.intersects(Modifier::BOLD | Modifier::DIM), "at {x},{y}");
                if !marks.contains(Modifier::BOLD | Modifier::DIM) {
                    assert_eq!(got.bold(), marks.contains(Modifier::BOLD), "bold at {x},{y}");
                }
                assert_eq!(got.italic(), marks.contains(Modifier::ITALIC), "italic at {x},{y}");
            }
            x += if got.is_wide() { 2 } else { 1 };
        }
    }
}

fn any_style() -> impl Strategy<Value = Style> {
    let color = || {
        prop_oneof![
            3 => Just(Color::Reset),
            1 => Just(Color::Red),
            1 => Just(Color::White),
            1 => Just(Color::DarkGray),
            1 => any::<u8>().prop_map(Color::Indexed),
            1 => any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        ]
    };
    let marks = prop_oneof![
        3 => Just(Modifier::empty()),
        1 => Just(Modifier::BOLD),
        1 => Just(Modifier::DIM),
        1 => Just(Modifier::REVERSED),
        1 => Just(Modifier::UNDERLINED | Modifier::ITALIC),
    ];
    (color(), color(), marks).prop_map(|(fg, bg, marks)| Style::new().fg(fg).bg(bg).add_modifier(marks))
}

/// One brush stroke: text at a place, or a cleared line.
fn any_stroke() -> impl Strategy<Value = (u16, u16, String, Style)> {
    let text = prop_oneof![
        4 => "[a-z ]{1,12}",
        1 => "[漢字é─✓ ]{1,6}",
        1 => Just(" ".repeat(usize::from(WIDTH))),
        1 => "[a-z]{24}",
    ];
    (0..WIDTH, 0..HEIGHT, text, any_style())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_screen_shows_the_last_frame(
        frames in prop::collection::vec((prop::collection::vec(any_stroke(), 0..6), any::<bool>()), 1..6),
        cursor in prop::option::of((0..WIDTH, 0..HEIGHT)),
    ) {
        let mut encoder = encoder();
        let mut terminal = emulator(WIDTH, HEIGHT);
        let mut frame = blank();
        for (strokes, fresh) in frames {
            if fresh {
                frame = blank();
            }
            for (x, y, text, style) in strokes {
                frame.set_string(x, y, text, style);
            }
            let mut out = Vec::new();
            encoder.encode(frame.clone(), cursor, &mut out);
            terminal.process(&out);
            assert_shows(terminal.screen(), &frame);
            match cursor {
                Some((x, y)) => prop_assert_eq!(terminal.screen().cursor_position(), (y, x)),
                None => prop_assert!(terminal.screen().hide_cursor()),
            }
            out.clear();
            encoder.encode(frame.clone(), cursor, &mut out);
            prop_assert!(out.is_empty(), "an unchanged frame sends nothing");
        }
        prop_assert_eq!(encoder.replaced(), 0);
    }

    #[test]
    fn no_cell_can_smuggle_a_control_character(symbol in any::<String>(), ascii in any::<bool>()) {
        let mode = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let mut encoder = Encoder::new(mode, Depth::None);
        let mut out = Vec::new();
        encoder.encode(blank(), None, &mut out);
        let mut frame = blank();
        frame[(3, 2)].set_symbol(&symbol);
        out.clear();
        encoder.encode(frame, None, &mut out);
        let sent = String::from_utf8(out).unwrap();
        let body = sent.replace("\x1b[3;4H", "");
        prop_assert!(!body.chars().any(|c| c.is_control()), "{:?}", sent);
        prop_assert!(!ascii || sent.is_ascii(), "{:?}", sent);
    }
}

#[test]
fn steps_cost_what_they_must() {
    let base = written(&["first line of text", "second line", "third"]);
    let two_signs = {
        let mut frame = base.clone();
        frame.set_string(0, 1, "S", Style::new());
        frame.set_string(4, 1, "N", Style::new());
        frame
    };
    for (name, next, bytes) in [
        ("nothing", base.clone(), ""),
        ("one character", written(&["first line of text", "second line", "thirD"]), "\x08D"),
        ("a blank tail", written(&["first", "second line", "third"]), "\x1b[;7H\x1b[K"),
        ("unchanged characters are rewritten when that is shorter", two_signs, "\x1b[2HSecoN"),
        ("the next line", written(&["first line of text", "second line", "third", "x"]), "\r\nx"),
    ] {
        let step = last_step(&[base.clone(), next], None);
        assert_eq!(step, bytes, "{name}");
    }
}

#[test]
fn the_cursor_is_shown_moved_and_hidden_once_each() {
    let mut encoder = encoder();
    let frame = written(&["abc"]);
    let mut steps = Vec::new();
    for cursor in [None, Some((0, 0)), Some((1, 0)), Some((1, 0)), None, None] {
        let mut out = Vec::new();
        encoder.encode(frame.clone(), cursor, &mut out);
        steps.push(String::from_utf8(out).unwrap());
    }
    let first = steps.remove(0);
    assert!(first.ends_with("abc\x1b[?25l"), "{first:?}");
    assert_eq!(steps, ["\r\x1b[?25h", "\x1b[C", "", "\x1b[?25l", ""]);
}

#[test]
fn a_new_size_or_a_forgotten_screen_repaints_in_one_piece() {
    let mut encoder = encoder();
    let mut out = Vec::new();
    encoder.encode(written(&["abc"]), None, &mut out);
    let first = std::mem::take(&mut out);
    assert!(encoder.forget().is_some());
    encoder.encode(written(&["abc"]), None, &mut out);
    assert_eq!(out, first);
    out.clear();
    let mut narrow = Buffer::empty(Rect::new(0, 0, 3, 1));
    narrow.set_string(0, 0, "abc", Style::new());
    encoder.encode(narrow, None, &mut out);
    assert_eq!(out, b"\x1b[m\x1b[H\x1b[2Jabc\x1b[?25l");
    for area in [Rect::new(0, 0, 0, 0), Rect::new(0, 0, 5, 0), Rect::new(0, 0, 0, 5)] {
        encoder.encode(Buffer::empty(area), Some((0, 0)), &mut out);
    }
}

#[test]
fn a_cluster_of_disputed_width_leaves_nothing_behind() {
    // The emulator draws this emoji in one column, ratatui counts two.
    let next = written(&["\u{2764}\u{fe0f}b"]);
    let mut encoder = encoder();
    let mut terminal = emulator(WIDTH, HEIGHT);
    for frame in [written(&["xyz"]), next] {
        let mut out = Vec::new();
        encoder.encode(frame, None, &mut out);
        terminal.process(&out);
    }
    let cells: Vec<_> = (0..4).map(|x| terminal.screen().cell(0, x).unwrap().contents().trim().to_owned()).collect();
    assert_eq!(cells, ["\u{2764}\u{fe0f}", "", "b", ""]);
}

#[test]
fn mono_frames_hold_no_colour() {
    let mut encoder = Encoder::new(Glyphs::Unicode, Depth::None);
    let mut frame = blank();
    frame.set_string(0, 0, "failed", Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::REVERSED));
    let mut out = Vec::new();
    encoder.encode(frame, None, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "\x1b[m\x1b[H\x1b[2J\x1b[7mfailed\x1b[?25l");
}

#[test]
fn hostile_symbols_are_counted() {
    let mut encoder = encoder();
    let mut frame = blank();
    frame[(0, 0)].set_symbol("\x1b[2J");
    frame[(1, 0)].set_symbol("\u{202e}");
    let mut out = Vec::new();
    encoder.encode(frame, None, &mut out);
    assert_eq!(encoder.replaced(), 2);
    assert!(String::from_utf8(out).unwrap().ends_with("??\x1b[?25l"));
}
