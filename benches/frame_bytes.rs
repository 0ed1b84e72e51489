//! Bytes per frame: our encoder against ratatui's `CrosstermBackend` on the same frames. Counts, no times; the
//! numbers are the same on every machine. They are why the encoder exists.
//!
//! Both streams are replayed in a terminal emulator, and the bench fails if the screens differ.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a bench prints its table and may stop on a failure")]

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use edgedeck::tui::term::encode::Encoder;
use edgedeck::tui::theme::Depth;
use edgedeck::tui::theme::signs::Glyphs;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::{Terminal, TerminalOptions, Viewport};

const AREA: Rect = Rect::new(0, 0, 120, 36);
const ROWS: u16 = 31;

/// The styles of one depth of colour.
struct Palette {
    name: &'static str,
    depth: Depth,
    text: Style,
    title: Style,
    cursor: Style,
    status: [Style; 4],
}

fn palettes() -> [Palette; 4] {
    let rgb = |r, g, b| Style::new().fg(Color::Rgb(r, g, b));
    let indexed = |n| Style::new().fg(Color::Indexed(n));
    let paper = Color::Rgb(16, 20, 24);
    [
        Palette {
            name: "true colour, background",
            depth: Depth::True,
            text: rgb(200, 205, 210).bg(paper),
            title: rgb(86, 180, 233).bg(paper).add_modifier(Modifier::BOLD),
            cursor: Style::new().bg(Color::Rgb(40, 50, 60)),
            status: [rgb(0, 158, 115), rgb(230, 159, 0), rgb(213, 94, 0), rgb(86, 180, 233)],
        },
        Palette {
            name: "256 colours",
            depth: Depth::Indexed256,
            text: indexed(252),
            title: indexed(75).add_modifier(Modifier::BOLD),
            cursor: Style::new().bg(Color::Indexed(237)),
            status: [indexed(36), indexed(178), indexed(166), indexed(74)],
        },
        Palette {
            name: "16 colours",
            depth: Depth::Ansi16,
            text: Style::new(),
            title: Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD),
            cursor: Style::new().add_modifier(Modifier::REVERSED),
            status: [
                Style::new().fg(Color::Green),
                Style::new().fg(Color::Yellow),
                Style::new().fg(Color::Red),
                Style::new().fg(Color::Cyan),
            ],
        },
        Palette {
            name: "mono",
            depth: Depth::None,
            text: Style::new(),
            title: Style::new().add_modifier(Modifier::BOLD),
            cursor: Style::new().add_modifier(Modifier::REVERSED),
            status: [Style::new(), Style::new(), Style::new().add_modifier(Modifier::BOLD), Style::new()],
        },
    ]
}

/// A fleet table of the product's shape: bar, frame, header, rows, hints.
fn fleet(palette: &Palette, first: u16, cursor: u16, age: &str) -> Buffer {
    let mut frame = Buffer::empty(AREA);
    frame.set_style(AREA, palette.text);
    let bar = format!(" edgedeck  ctx prod-weu  hub iothub-production-001  PROD  READ-ONLY   as of {age:<5} poll 30 s");
    frame.set_string(0, 0, bar, palette.title);
    frame.set_string(0, 1, format!("┌─Devices{}┐", "─".repeat(110)), palette.text);
    let heads =
        "  DEVICE                 MODS  STATUS         WORST MODULE        BASE DEPLOYMENT          TAGS         SEEN";
    frame.set_string(1, 2, heads, palette.title);
    let kinds = [("✓", "running"), ("!", "backoff"), ("✗", "failed"), ("◌", "applying")];
    let kinds = kinds.iter().zip(&palette.status).cycle().skip(usize::from(first % 4));
    for (row, ((sign, word), style)) in (0..ROWS).zip(kinds) {
        let (y, id) = (row + 3, first + row);
        let device = format!("  edge-gateway-{id:05}     3/4");
        let rest =
            format!("temperatureFilter   deploy-tempfilter-b{:<4}  B{} gateway   {:>3} m", id % 7, id % 5, id % 60);
        frame.set_string(0, y, "│", palette.text);
        frame.set_string(1, y, device, palette.text);
        frame.set_string(31, y, format!("{sign} {word:<12}"), *style);
        frame.set_string(46, y, rest, palette.text);
        frame.set_string(119, y, "│", palette.text);
        if row == cursor {
            frame.set_style(Rect::new(1, y, 118, 1), palette.cursor);
        }
    }
    frame.set_string(0, 34, format!("└{}┘", "─".repeat(118)), palette.text);
    frame.set_string(0, 35, " enter open  / filter  : command  ? help  e edit  L logs", palette.text);
    frame
}

/// Where the stock backend writes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stock(frames: &[Buffer]) -> Vec<Vec<u8>> {
    let sink = Sink::default();
    let options = TerminalOptions { viewport: Viewport::Fixed(AREA) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(sink.clone()), options).expect("a terminal");
    frames
        .iter()
        .map(|next| {
            terminal.draw(|frame| frame.buffer_mut().clone_from(next)).expect("a frame");
            std::mem::take(&mut *sink.0.lock().expect("one thread"))
        })
        .collect()
}

fn lean(frames: &[Buffer], depth: Depth) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Glyphs::Unicode, depth);
    frames
        .iter()
        .map(|next| {
            let mut bytes = Vec::new();
            encoder.encode(next.clone(), None, &mut bytes);
            bytes
        })
        .collect()
}

/// What can be seen of one cell: a blank has no foreground.
type Seen = (String, vt100::Color, Option<(vt100::Color, bool)>, bool);

fn screen_after(steps: &[Vec<u8>]) -> Vec<Seen> {
    let size = |n| NonZeroU16::new(n).expect("not zero");
    let mut emulator = vt100::Parser::new(size(AREA.height), size(AREA.width), 0);
    steps.iter().for_each(|bytes| emulator.process(bytes));
    let screen = emulator.screen();
    let places = (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (y, x)));
    let cells = places.filter_map(|(y, x)| screen.cell(y, x));
    cells
        .map(|cell| {
            let ink = (cell.contents().trim() != "").then(|| (cell.fgcolor(), cell.bold()));
            (cell.contents().trim().to_owned(), cell.bgcolor(), ink, cell.inverse())
        })
        .collect()
}

fn main() {
    // Whatever NO_COLOR says here, the stock backend is measured with its colours.
    ratatui::crossterm::style::force_color_output(true);
    let steps = ["first frame", "no change", "age tick", "cursor +1 row", "page down", "scroll by 1"];
    println!("bytes per frame, {}x{}, {ROWS} rows", AREA.width, AREA.height);
    println!("{:<32}{}", "", steps.map(|step| format!("{step:>15}")).concat());
    for palette in palettes() {
        let frames = [
            fleet(&palette, 0, 4, "12 s"),
            fleet(&palette, 0, 4, "12 s"),
            fleet(&palette, 0, 4, "15 s"),
            fleet(&palette, 0, 5, "15 s"),
            fleet(&palette, ROWS, 5, "15 s"),
            fleet(&palette, ROWS + 1, 5, "15 s"),
        ];
        let (stock, lean) = (stock(&frames), lean(&frames, palette.depth));
        assert!(screen_after(&stock) == screen_after(&lean), "{}: the screens differ", palette.name);
        let cheaper = stock.iter().zip(&lean).all(|(stock, lean)| lean.len() < stock.len());
        assert!(cheaper, "{}: a step costs more than with the stock backend", palette.name);
        for (who, counts) in [("stock", &stock), ("lean", &lean)] {
            let cells: String = counts.iter().map(|bytes| format!("{:>15}", bytes.len())).collect();
            println!("{:<32}{cells}", format!("{who}, {}", palette.name));
        }
    }
}
