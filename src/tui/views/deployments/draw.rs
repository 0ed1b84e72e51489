//! How the list looks: table, legend, and below it the deployment under the cursor where there is room.

use ratatui::layout::Rect;

use super::DeploymentsView;
use super::bar::bar;
use super::preview;
use super::row::DeploymentColumn;
use crate::domain::deployment::{Listed, OtherKind};
use crate::domain::manifest::Kind;
use crate::store::Fetched;
use crate::tui::canvas::{Canvas, Piece, fit, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::states::{self, Blank};
use crate::tui::widgets::table::{Column, cursor_row, heads, place};

/// Below this width frames go, and the four figures share a column.
const FRAMED: u16 = 100;
/// From this height on the deployment under the cursor is shown below the table.
const TWO_PANES: u16 = 28;
/// Rows of that pane, with its frame.
const PREVIEW: u16 = 11;

struct Areas {
    table: Rect,
    preview: Option<Rect>,
    legend: Rect,
    framed: bool,
}

/// Without rows there is nothing to explain and nothing under the cursor.
fn areas(area: Rect, rows: bool) -> Areas {
    let framed = area.width >= FRAMED;
    let legend_height = if rows { 2.min(area.height) } else { 0 };
    let legend = Rect { y: area.bottom() - legend_height, height: legend_height, ..area };
    let body = Rect { height: area.height - legend_height, ..area };
    let preview_height = if rows && framed && area.height >= TWO_PANES { PREVIEW } else { 0 };
    let table = Rect { height: body.height - preview_height, ..body };
    let preview = (preview_height > 0).then_some(Rect { y: table.bottom(), height: preview_height, ..body });
    Areas { table, preview, legend, framed }
}

impl DeploymentsView {
    /// Rows of the table at the present size, for paging.
    pub(super) fn table_rows(&self, shell: &Shell) -> usize {
        let height = u16::try_from(shell.body_rows()).unwrap_or(u16::MAX);
        let areas = areas(Rect { x: 0, y: 0, width: shell.size.0, height }, true);
        usize::from(areas.table.height.saturating_sub(if areas.framed { 3 } else { 1 }))
    }

    /// Where we are: filter, counts, sort.
    #[must_use]
    pub(super) fn whereabouts(&self, shell: &Shell) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if let Some(device) = self.of() {
            pieces.push((Role::TextDim, format!("devices > {} > ", device.shown())));
        }
        pieces.push((Role::Fg, "deployments".to_owned()));
        pieces.extend(self.sieve.narrowing());
        if shell.deployments.list.get().is_none() || self.is_unread(shell) {
            pieces.push((Role::TextDim, "   not read yet".to_owned()));
            return pieces;
        }
        pieces.push((Role::TextDim, format!("   {}", self.counts(shell))));
        pieces.extend(self.sieve.ordering());
        pieces
    }

    /// How many of which kind. All of them take one of the hub's places.
    fn counts(&self, shell: &Shell) -> String {
        let rows = self.rows(shell);
        let (mut base, mut layered, mut others) = (0, 0, 0);
        for row in &rows {
            match row.listed {
                Listed::Edge(deployed) if deployed.configuration.kind() == Some(Kind::Base) => base += 1,
                Listed::Edge(_) => layered += 1,
                Listed::Other(_) => others += 1,
            }
        }
        let shown = self.list.order().len();
        if rows.is_empty() {
            return "none".to_owned();
        }
        if shown < rows.len() {
            return format!("{shown} of {}", rows.len());
        }
        let others = if others > 0 { format!(", {others} others") } else { String::new() };
        format!("{shown}: {base} base, {layered} layered{others}")
    }

    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let areas = areas(area, !self.list.order().is_empty());
        let inside = if areas.framed {
            let title = match self.of() {
                Some(device) => format!("Deployments that match {}", device.shown()),
                None => "Deployments".to_owned(),
            };
            let note = if shell.deployments.list.get().is_some() {
                self.list.order().len().to_string()
            } else {
                String::new()
            };
            canvas.frame(areas.table, &title, &note, true)
        } else {
            areas.table
        };
        if self.list.order().is_empty() {
            states::draw(canvas, inside, &self.blank(shell), shell.now);
        } else {
            let dropped = self.table(shell, canvas, inside);
            legend(canvas, areas.legend, dropped);
        }
        if let (Some(area), Some(row)) = (areas.preview, self.selected(shell)) {
            let title: String = row.listed.id().shown().into();
            let inside = canvas.frame(area, &title, "", false);
            preview::draw(&row, shell.evidence.of(row.listed.id()), shell, canvas, inside);
        }
    }

    /// Whether it is not known yet which deployments match the device.
    fn is_unread(&self, shell: &Shell) -> bool {
        self.of().is_some() && self.twin(shell).and_then(Fetched::get).is_none()
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        let list = &shell.deployments.list;
        let rows = self.rows(shell).len();
        if rows > 0 {
            return self.sieve.blank(rows);
        }
        if list.get().is_none() {
            return match &list.fault {
                Some((fault, _)) => Blank::Failed(fault),
                None => Blank::Loading {
                    what: format!("the deployments of {}", shell.session.hub),
                    since: list.asked,
                    leave: "esc goes back",
                },
            };
        }
        let Some(device) = self.of() else {
            return Blank::Empty {
                why: "no deployments in this hub: devices keep what was set for each of them alone".to_owned(),
                next: ":deploy opens the form for a first one, and `edgedeck deployment create ID -k FILE -t CONDITION` makes one"
                    .to_owned(),
            };
        };
        let read = self.twin(shell);
        match (self.is_unread(shell), read.and_then(|read| read.fault.as_ref())) {
            (true, Some((fault, _))) => Blank::Failed(fault),
            (true, None) => Blank::Loading {
                what: format!("which deployments match {}", device.shown()),
                since: read.and_then(|read| read.asked),
                leave: "esc goes back",
            },
            (false, _) => Blank::Empty {
                why: format!("no deployment matches {}", device.shown()),
                next: "it keeps what was set for it alone, or by a deployment that is gone; :deployments lists all"
                    .to_owned(),
            },
        }
    }

    /// Whether the column belongs into the table at a width: the four figures or the one that stands for them.
    pub(super) fn has(&self, column: DeploymentColumn, width: u16) -> bool {
        match column {
            DeploymentColumn::Here => self.of().is_some(),
            DeploymentColumn::Counts => width < FRAMED,
            DeploymentColumn::Figure(_) | DeploymentColumn::Progress => width >= FRAMED,
            _ => true,
        }
    }

    /// Draws the table; gives the number of columns there was no room for.
    fn table(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> usize {
        let width = canvas.area().width;
        let shown = self.shown(width);
        let columns: Vec<Column> = shown.iter().map(|column| self.spec(*column)).collect();
        let left = area.x + 2;
        let placed = place(&columns, area.width.saturating_sub(3));
        let sorted = shown.iter().position(|column| *column == self.sieve.sort().0);
        heads(canvas, left, area.y, &columns, &placed, sorted);
        let rows = self.rows(shell);
        let height = usize::from(area.height.saturating_sub(1));
        for (offset, id) in self.list.window(height).iter().enumerate() {
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            let Some(row) = rows.iter().find(|row| row.listed.id() == id) else { continue };
            for column in &placed {
                let (Some(spec), Some(kind)) = (columns.get(column.index), shown.get(column.index)) else { continue };
                let (mut x, mut width) = (left + column.x, column.width);
                let (role, text) = row.cell(*kind);
                match kind {
                    DeploymentColumn::State => {
                        canvas.sign(x, y, row.sign());
                        x += 2;
                        width = width.saturating_sub(2);
                        canvas.text(x, y, width, role, &fit(&text, usize::from(width)));
                    }
                    DeploymentColumn::Progress => {
                        let pieces = row.deployed().map(|deployed| bar(&deployed.figures, width));
                        canvas.pieces(x, y, width, &pieces.unwrap_or_default());
                    }
                    DeploymentColumn::Id => {
                        canvas.text(x, y, width, role, &fit_middle(&text, usize::from(width)));
                    }
                    _ if spec.right => canvas.text_right(x + width, y, width, role, &text),
                    _ => {
                        canvas.text(x, y, width, role, &fit(&text, usize::from(width)));
                    }
                }
            }
            if self.list.selected() == Some(id) {
                cursor_row(canvas, area, y, self.list.is_settling(shell.now));
            }
        }
        columns.len() - placed.len()
    }

    /// The column as it is placed: never wider than what it has to show, all of them when `wide`.
    fn spec(&self, column: DeploymentColumn) -> Column {
        let mut spec = column.spec();
        let index = DeploymentColumn::ALL.iter().position(|other| *other == column).unwrap_or(0);
        let needed = self.widths.get(index).copied().unwrap_or(spec.ideal);
        // The sign of the state has two cells of its own; the bar is as long as there is room.
        let needed = if column == DeploymentColumn::State { needed.saturating_add(2) } else { needed };
        if column != DeploymentColumn::Progress {
            let title = u16::try_from(spec.title.len()).unwrap_or(spec.min);
            spec.ideal = spec.ideal.min(needed.max(title)).max(spec.min);
        }
        if self.sieve.is_wide() {
            spec.priority = 1;
        }
        spec
    }
}

/// What the words and the bar mean; they are easily taken for more.
fn legend(canvas: &mut Canvas<'_>, area: Rect, dropped: usize) {
    let width = area.width.saturating_sub(2);
    let bar = [
        (Role::BarOk, "#"),
        (Role::TextDim, " accepted   "),
        (Role::BarBad, "!"),
        (Role::TextDim, " rejected   "),
        (Role::BarWarn, "~"),
        (Role::TextDim, " applied, no answer yet   "),
        (Role::BarRest, "."),
        (Role::TextDim, " not applied   = tied priority"),
    ];
    let (first, second) = if area.width >= FRAMED {
        let words = "ACCEPTED: edgeAgent took the version it has now (code 200); modules may fail all the same. Counted by the hub.";
        (bar.map(|(role, text)| (role, text.to_owned())).to_vec(), words)
    } else {
        let words = "TGT targeted  APP applied  ACC accepted  REJ rejected  ? not counted";
        (
            vec![(Role::TextDim, words.to_owned())],
            "accepted: edgeAgent took it; its modules may fail. Counted by the hub.",
        )
    };
    canvas.pieces(area.x + 1, area.y, width, &first);
    if dropped > 0 {
        let columns = if dropped == 1 { "column" } else { "columns" };
        let more = if area.width >= FRAMED { format!("+{dropped} {columns}: ctrl-w") } else { format!("+{dropped}") };
        let cells = u16::try_from(more.len()).unwrap_or(width);
        canvas.text_right(area.right().saturating_sub(1), area.y, cells, Role::TextFaint, &more);
    }
    canvas.text(area.x + 1, area.y + 1, width, Role::TextDim, &fit(second, usize::from(width)));
}

/// Why a configuration is no deployment, for its preview.
pub(super) fn other_words(kind: &OtherKind) -> String {
    match kind {
        OtherKind::Device => {
            "An automatic device configuration: it writes to device twins, and takes one of the hub's places."
                .to_owned()
        }
        OtherKind::Module => {
            "An automatic module configuration: it writes to module twins, and takes one of the hub's places."
                .to_owned()
        }
        OtherKind::Unread(why) => format!("It cannot be read here: {}", why.shown()),
    }
}
