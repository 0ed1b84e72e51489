//! A frame as text: what it says, and below, per row, which role each run of characters wears. A lost colour of
//! danger changes the second half although the first stays as it is.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use unicode_width::UnicodeWidthStr;

use crate::tui::theme::Role;

/// The characters, row by row, without blanks at their ends.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let row: String = cells(buffer, y).map(|(_, cell)| cell.symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Text and roles.
pub(crate) fn print(buffer: &Buffer, cursor: Option<(u16, u16)>) -> String {
    let mut out = format!("{}x{}", buffer.area.width, buffer.area.height);
    if let Some((x, y)) = cursor {
        let _ = write!(out, ", cursor at {x},{y}");
    }
    out.push('\n');
    for (y, line) in text(buffer).lines().enumerate() {
        let _ = writeln!(out, "{y:>2}|{line}");
    }
    out.push_str("--\n");
    let mut rows = (0..buffer.area.height).map(|y| (y, roles(buffer, y))).peekable();
    while let Some((first, line)) = rows.next() {
        let mut last = first;
        while let Some((y, _)) = rows.next_if(|(_, next)| *next == line) {
            last = y;
        }
        let span = if first == last { format!("{first}") } else { format!("{first}-{last}") };
        let _ = writeln!(out, "{span:>5}|{line}");
    }
    out
}

/// The cells that are drawn: what a wide character covers is left out.
fn cells(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell)> {
    let mut covered = 0;
    (0..buffer.area.width).filter_map(move |x| {
        let cell = &buffer[(x, y)];
        if covered > 0 {
            covered -= 1;
            return None;
        }
        covered = cell.symbol().width().saturating_sub(1);
        Some((x, cell))
    })
}

/// `x:role` where a run begins, `x:role@ground` on a ground of its own. Blanks on the plain ground belong to the run
/// before them.
fn roles(buffer: &Buffer, y: u16) -> String {
    let mut out = String::new();
    let mut run = None;
    for (x, cell) in cells(buffer, y) {
        let role = Role::from_style(cell.style());
        let ground = Role::ground_from_style(cell.style()).filter(|ground| *ground != Role::Bg);
        if cell.symbol().trim().is_empty() && ground.is_none() && run.is_none_or(|(_, under)| under == ground) {
            continue;
        }
        let blank = cell.symbol().trim().is_empty();
        let same =
            run.is_some_and(|(text, under): (Option<Role>, Option<Role>)| under == ground && (blank || text == role));
        if same {
            continue;
        }
        run = Some((role, ground));
        let name = role.map_or("NO ROLE", Role::name);
        let _ = match ground {
            Some(ground) if Some(ground) != role => write!(out, " {x}:{name}@{}", ground.name()),
            _ => write!(out, " {x}:{name}"),
        };
    }
    out
}
