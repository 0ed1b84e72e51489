//! How a deployment looks: what it is and whom it is for above, figures and content in the middle, the chosen line in
//! words below.

use ratatui::layout::Rect;

use super::DeploymentView;
use super::facts::Line;
use super::rows::{Row, RowKey};
use crate::domain::deployment::{Deployed, Listed, OtherKind};
use crate::tui::canvas::{Canvas, fit, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::states::{self, Blank};
use crate::tui::widgets::table::cursor_row;
use crate::tui::widgets::text::labelled;

/// Below this width panels are stacked without frames.
const FRAMED: u16 = 100;
/// Cells of the kind, of the figure, and of the labels below.
const KIND: u16 = 9;
const FIGURE: u16 = 8;
const LABEL: usize = 10;
/// Rows the pane below should have, with a frame and without.
const CHOSEN: (u16, u16) = (8, 6);

struct Areas {
    facts: Vec<Rect>,
    table: Rect,
    chosen: Rect,
    framed: bool,
}

/// `groups`: lines of each group of facts; `lines`: of the table.
fn areas(area: Rect, groups: &[usize], lines: usize) -> Areas {
    let framed = area.width >= FRAMED;
    let chrome = if framed { 3 } else { 1 };
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let longest = rows(groups.iter().copied().max().unwrap_or(0));
    let above = longest.saturating_add(if framed { 2 } else { 0 }).min(area.height / 2);
    let width = area.width / rows(groups.len()).max(1);
    let column = |n: usize| {
        let x = area.x + width * rows(n);
        let width = if n + 1 == groups.len() { area.right() - x } else { width };
        Rect { x, width, height: above, ..area }
    };
    let rest = area.height - above;
    let wanted = rows(lines).saturating_add(chrome);
    // The pane below gets its rows first, unless the table would hardly be one.
    let chosen = if framed { CHOSEN.0 } else { CHOSEN.1 };
    let table = wanted.min(rest.saturating_sub(chosen).max(rest / 2)).max(chrome + 1).min(rest);
    let table = Rect { y: area.y + above, height: table, ..area };
    let chosen = Rect { y: table.bottom(), height: rest - table.height, ..area };
    Areas { facts: (0..groups.len()).map(column).collect(), table, chosen, framed }
}

/// Rows of the table at the present size.
pub(super) fn table_rows(view: &DeploymentView, shell: &Shell) -> usize {
    let height = u16::try_from(shell.body_rows()).unwrap_or(u16::MAX);
    let Some(deployed) = view.deployed(shell) else { return 1 };
    let (areas, _) = view.layout(deployed, shell, Rect { x: 0, y: 0, width: shell.size.0, height });
    usize::from(areas.table.height.saturating_sub(if areas.framed { 3 } else { 1 }))
}

impl DeploymentView {
    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(deployed) = self.deployed(shell) else {
            states::draw(canvas, area, &self.blank(shell), shell.now);
            return;
        };
        let (areas, facts) = self.layout(deployed, shell, area);
        for (rect, (title, rows)) in areas.facts.iter().zip(&facts) {
            let inside = if areas.framed { canvas.frame(*rect, title, "", false) } else { *rect };
            lines(canvas, inside, rows);
        }
        let inside = if areas.framed {
            canvas.frame(
                areas.table,
                "Figures, counted by the hub, and content",
                &self.list.order().len().to_string(),
                true,
            )
        } else {
            areas.table
        };
        self.table(shell, canvas, inside);
        if let Some((_, row)) = self.chosen().filter(|_| areas.chosen.height > 1) {
            let inside = if areas.framed {
                canvas.frame(areas.chosen, &row.name, "", false)
            } else {
                Rect { y: areas.chosen.y + 1, height: areas.chosen.height - 1, ..areas.chosen }
            };
            lines(canvas, inside, &in_full(row, usize::from(inside.width.saturating_sub(2))));
        }
    }

    /// Where everything goes, and the groups of facts by title.
    fn layout(&self, deployed: &Deployed, shell: &Shell, area: Rect) -> (Areas, Vec<(&'static str, Vec<Line>)>) {
        let facts = if area.width >= FRAMED {
            let width = usize::from((area.width / 2).saturating_sub(4));
            let mut about = self.about(deployed, shell, width, false);
            about.extend(self.besides(deployed, width));
            vec![("Deployment", about), ("For whom", self.for_whom(deployed, shell, width))]
        } else {
            let width = usize::from(area.width.saturating_sub(2));
            let mut all = self.about(deployed, shell, width, true);
            all.extend(self.for_whom(deployed, shell, width));
            all.extend(self.besides(deployed, width));
            vec![("", all)]
        };
        let groups: Vec<usize> = facts.iter().map(|(_, lines)| lines.len()).collect();
        (areas(area, &groups, self.list.order().len()), facts)
    }

    fn table(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let left = area.x + 2;
        let room = area.width.saturating_sub(3 + KIND + FIGURE + 2);
        let longest = self.rows.values().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let name = u16::try_from(longest).unwrap_or(u16::MAX).clamp(8, room / 2);
        let says = left + KIND + name + 1 + FIGURE + 2;
        canvas.text(left, area.y, KIND, Role::Header, "KIND");
        canvas.text(left + KIND, area.y, name, Role::Header, "NAME");
        canvas.text_right(left + KIND + name + 1 + FIGURE, area.y, FIGURE, Role::Header, "ROWS");
        canvas.text(says, area.y, area.right().saturating_sub(says + 1), Role::Header, "SAYS");
        let height = usize::from(area.height.saturating_sub(1));
        for (offset, key) in self.list.window(height).iter().enumerate() {
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            let Some(row) = self.rows.get(key) else { continue };
            canvas.text(left, y, KIND - 1, Role::TextDim, row.kind);
            canvas.text(left + KIND, y, name, Role::Fg, &fit_middle(&row.name, usize::from(name)));
            if let Some((role, text)) = &row.figure {
                canvas.text_right(left + KIND + name + 1 + FIGURE, y, FIGURE, *role, text);
            }
            let (role, text) = &row.says;
            let width = area.right().saturating_sub(says + 1);
            // The end of an image's name is its tag.
            let text = match key {
                RowKey::Module(_) => fit_middle(text, usize::from(width)),
                _ => fit(text, usize::from(width)),
            };
            canvas.text(says, y, width, *role, &text);
            if self.list.selected() == Some(key) {
                cursor_row(canvas, area, y, self.list.is_settling(shell.now));
            }
        }
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        let list = &shell.deployments.list;
        match (shell.deployments.get(&self.id), list.get().is_some(), &list.fault) {
            (Some(Listed::Other(other)), ..) => Blank::Empty {
                why: match &other.kind {
                    OtherKind::Unread(why) => format!("{} cannot be read here: {}", self.id.shown(), why.shown()),
                    OtherKind::Device | OtherKind::Module => {
                        format!("{} is a configuration of another kind, no IoT Edge deployment", self.id.shown())
                    }
                },
                next: "esc goes back".to_owned(),
            },
            (_, true, _) => Blank::Gone { what: format!("a deployment {}", self.id.shown()) },
            (_, false, Some((fault, _))) => Blank::Failed(fault),
            (_, false, None) => Blank::Loading {
                what: format!("the deployment {}", self.id.shown()),
                since: list.asked,
                leave: "esc goes back",
            },
        }
    }
}

fn in_full(row: &Row, width: usize) -> Vec<Line> {
    let facts = row.facts.iter();
    facts.flat_map(|(label, (role, text))| labelled((Role::TextDim, label), LABEL, *role, text, width)).collect()
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, rows: &[Line]) {
    for (y, pieces) in (area.y..area.bottom()).zip(rows) {
        canvas.pieces(area.x + 1, y, area.width.saturating_sub(2), pieces);
    }
}
