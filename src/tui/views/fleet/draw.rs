//! How the fleet looks: table, summary line, and beside it the device under the cursor where there is room.

use ratatui::layout::Rect;

use super::FleetView;
use super::row::{self, FleetColumn, tone_sign};
use crate::domain::health::DeviceVerdict;
use crate::domain::text::Untrusted;
use crate::store::DeviceRow;
use crate::tui::canvas::{Canvas, Piece, fit, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;
use crate::tui::widgets::states::{self, Blank};
use crate::tui::widgets::table::{Column, cursor_row, heads, place};
use crate::tui::widgets::text::wrap;

/// From this width on the device under the cursor is shown beside the table.
const TWO_PANES: u16 = 160;
/// Below this width frames go, which saves two columns and two rows.
const FRAMED: u16 = 100;

/// The areas of the view.
struct Areas {
    /// The table with its head.
    table: Rect,
    /// The frame around the table.
    framed: bool,
    /// One line of counts.
    summary: Rect,
    /// The device under the cursor.
    side: Option<Rect>,
}

fn areas(area: Rect) -> Areas {
    let summary = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
    let body = Rect { height: area.height.saturating_sub(1), ..area };
    let side_width = if area.width >= TWO_PANES { (area.width / 3).min(64) } else { 0 };
    let table = Rect { width: body.width - side_width, ..body };
    let side = (side_width > 0).then(|| Rect { x: table.right(), width: side_width, ..body });
    Areas { table, framed: area.width >= FRAMED, summary, side }
}

impl FleetView {
    /// Rows of the table at the present size, for paging.
    pub(super) fn table_rows(&self, shell: &Shell) -> usize {
        let rows = shell.body_rows();
        // Summary, head, and the frame's two rows.
        rows.saturating_sub(if shell.size.0 >= FRAMED { 4 } else { 2 })
    }

    /// Where we are: filter, counts, sort, marks.
    #[must_use]
    pub(super) fn whereabouts(&self, shell: &Shell) -> Vec<Piece> {
        let mut pieces = vec![(Role::Fg, "devices".to_owned())];
        let (shown, total) = (self.list.order().len(), shell.fleet.rows.len());
        pieces.extend(self.sieve.narrowing());
        if total == 0 && shell.fleet.devices.as_of.is_none() {
            pieces.push((Role::TextDim, "   not read yet".to_owned()));
            return pieces;
        }
        let partial = if shell.fleet.devices.pages.is_some() { "+ PART" } else { "" };
        pieces.push((Role::TextDim, format!("   {shown} of {total}{partial}")));
        if let Some(statistics) = shell.link.statistics.filter(|s| s.total > u64::try_from(total).unwrap_or(u64::MAX)) {
            pieces.push((Role::TextFaint, format!(" edge, {} registered", statistics.total)));
        }
        pieces.extend(self.sieve.ordering());
        if !shell.marks.is_empty() {
            let hidden = shell.marks.iter().filter(|id| !self.lists(id, shell)).count();
            let hidden = if hidden > 0 { format!(" ({hidden} hidden)") } else { String::new() };
            pieces.push((Role::Mark, format!("   marks {}{hidden}", shell.marks.len())));
        }
        pieces
    }

    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let areas = areas(area);
        let inside = if areas.framed {
            let read = shell.fleet.devices.as_of.is_some() || !shell.fleet.rows.is_empty();
            let note =
                if read { format!("{}/{}", self.list.order().len(), shell.fleet.rows.len()) } else { String::new() };
            canvas.frame(areas.table, "Devices", &note, true)
        } else {
            areas.table
        };
        if self.list.order().is_empty() {
            states::draw(canvas, inside, &self.blank(shell), shell.now);
        } else {
            self.table(shell, canvas, inside);
        }
        summary(shell, self, canvas, areas.summary);
        if let Some(side) = areas.side {
            let inside = canvas.frame(side, "Under the cursor", "", false);
            if let Some(row) = self.selected(shell) {
                preview(row, shell, canvas, inside);
            }
        }
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        if !shell.fleet.rows.is_empty() {
            return self.sieve.blank(shell.fleet.rows.len());
        }
        if shell.fleet.devices.as_of.is_some() {
            return Blank::Empty {
                why: "no IoT Edge devices in this hub".to_owned(),
                next: ":register opens the form for one, and `edgedeck device create ID --edge-enabled` makes one; or check the hub's name above"
                    .to_owned(),
            };
        }
        match shell.fleet.fault() {
            Some((fault, _)) => Blank::Failed(fault),
            None => {
                Blank::Loading { what: format!("the devices of {}", shell.session.hub), since: None, leave: "q quits" }
            }
        }
    }

    fn table(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let columns: Vec<Column> = FleetColumn::ALL.iter().map(|column| self.spec(*column)).collect();
        // Two cells on the left for cursor and mark, one on the right as margin.
        let left = area.x + 3;
        let placed = place(&columns, area.width.saturating_sub(4));
        let sorted = FleetColumn::ALL.iter().position(|column| *column == self.sieve.sort().0);
        heads(canvas, left, area.y, &columns, &placed, sorted);
        let dropped = columns.len() - placed.len();
        if dropped > 0 {
            canvas.text_right(area.right().saturating_sub(1), area.y, 3, Role::TextFaint, &format!("+{dropped}"));
        }
        let height = usize::from(area.height.saturating_sub(1));
        for (offset, id) in self.list.window(height).iter().enumerate() {
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            let Some(row) = shell.fleet.row(id) else { continue };
            if shell.marks.contains(id) {
                canvas.sign(area.x + 1, y, Sign::Marked);
            }
            for column in &placed {
                let (Some(kind), Some(spec)) = (FleetColumn::ALL.get(column.index), columns.get(column.index)) else {
                    continue;
                };
                let (mut role, text) = row::cell(row, *kind, shell.now);
                if shell.fleet.is_overtaken(row) && kind.is_reported() {
                    role = Role::Stale;
                }
                let (mut x, mut width) = (left + column.x, column.width);
                if *kind == FleetColumn::Status {
                    let (sign, _, _) = row::status(row);
                    canvas.sign(x, y, sign);
                    x += 2;
                    width = width.saturating_sub(2);
                }
                if spec.right {
                    canvas.text_right(x + width, y, width, role, &text);
                } else if *kind == FleetColumn::Device {
                    canvas.text(x, y, width, role, &fit_middle(&text, usize::from(width)));
                } else {
                    let text = match kind {
                        FleetColumn::Deployments => row::deployments(row, usize::from(width)).unwrap_or(text),
                        _ => text,
                    };
                    canvas.text(x, y, width, role, &fit(&text, usize::from(width)));
                }
            }
            if self.list.selected() == Some(id) {
                cursor_row(canvas, area, y, self.list.is_settling(shell.now));
            }
        }
    }

    /// The column as it is placed: never wider than what it has to show, all of them when `wide`.
    fn spec(&self, column: FleetColumn) -> Column {
        let mut spec = column.spec();
        let index = FleetColumn::ALL.iter().position(|other| *other == column).unwrap_or(0);
        let needed = self.totals.widths.get(index).copied().unwrap_or(spec.ideal);
        spec.ideal = spec.ideal.min(needed.max(spec.min));
        if self.sieve.is_wide() {
            spec.priority = 1;
        }
        spec
    }
}

/// One line of counts over what is listed; in signs and numbers alone where words do not fit.
fn summary(shell: &Shell, view: &FleetView, canvas: &mut Canvas<'_>, area: Rect) {
    let totals = &view.totals;
    let glyphs = canvas.glyphs();
    let mut counts: Vec<(Role, &str, usize, &str)> = Vec::new();
    for (verdict, count) in DeviceVerdict::ALL.into_iter().zip(totals.verdicts) {
        let sign = tone_sign(verdict.tone());
        counts.push((sign.role(), sign.glyph(glyphs), count, verdict.word()));
    }
    counts.push((Role::StatusPaused, Sign::Stopped.glyph(glyphs), totals.disabled, "disabled"));
    counts.push((Role::TextDim, Sign::Nothing.glyph(glyphs), totals.unread, "not read yet"));
    counts.retain(|(_, _, count, _)| *count > 0);
    // Before the digest is here nobody knows a single link: unknown is not zero.
    let links = (shell.fleet.digest.as_of.is_some() && totals.rows > 0)
        .then(|| format!("edgeHub link {} of {}", totals.linked, totals.rows));
    let links_width = links.as_ref().map_or(0, |text| text.len() + 2);
    let room = usize::from(area.width).saturating_sub(2 + links_width);
    let long: Vec<Piece> =
        counts.iter().map(|(role, sign, n, word)| (*role, format!("{sign} {n} {word}   "))).collect();
    let short: Vec<Piece> = counts.iter().map(|(role, sign, n, _)| (*role, format!("{sign}{n}  "))).collect();
    let width = |pieces: &[Piece]| pieces.iter().map(|(_, text)| text.chars().count()).sum::<usize>();
    let pieces = if width(&long) <= room + 3 { long } else { short };
    canvas.pieces(area.x + 1, area.y, u16::try_from(room).unwrap_or(area.width), &pieces);
    if let Some(text) = links {
        let cells = u16::try_from(text.len()).unwrap_or(area.width);
        canvas.text_right(area.right().saturating_sub(1), area.y, cells, Role::TextDim, &text);
    }
}

/// The device under the cursor, from its row alone: moving the cursor costs no request.
fn preview(row: &DeviceRow, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines: Vec<Piece> = vec![(Role::Title, row::name(row).into()), (Role::Fg, String::new())];
    for (index, (role, text)) in row::in_words(row, shell.now).into_iter().enumerate() {
        let text = if index == 0 { format!("{} {text}", row::status(row).0.glyph(canvas.glyphs())) } else { text };
        lines.extend(wrap(&text, width).into_iter().map(|line| (role, line)));
    }
    let mut section = |title: &str, entries: Vec<String>| {
        lines.push((Role::Fg, String::new()));
        lines.push((Role::Header, title.to_owned()));
        if entries.is_empty() {
            lines.push((Role::TextFaint, "none".to_owned()));
        }
        lines.extend(entries.into_iter().map(|entry| (Role::Fg, fit(&entry, width))));
    };
    let shown = |text: &str| -> String { Untrusted::new(text).shown().into() };
    section(
        "applied deployments",
        row.agent.as_ref().map(|a| a.applied.iter().map(|id| shown(id)).collect()).unwrap_or_default(),
    );
    section("tags", row.tags.iter().map(|(path, value)| format!("{} = {}", shown(path), shown(value))).collect());
    for (offset, (role, text)) in lines.into_iter().take(usize::from(area.height)).enumerate() {
        canvas.text(area.x + 1, area.y + u16::try_from(offset).unwrap_or(0), area.width.saturating_sub(2), role, &text);
    }
}
