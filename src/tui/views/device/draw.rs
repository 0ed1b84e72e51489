//! How a device looks: identity and configuration above, modules in the middle, the chosen module in words below.

use ratatui::layout::Rect;

use super::DeviceView;
use super::chosen::chosen_lines;
use super::facts::Line;
use crate::domain::fault::FaultKind;
use crate::domain::health::AgentReport;
use crate::domain::time::age_text;
use crate::tui::canvas::Canvas;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::View;
use crate::tui::views::fleet::row::in_words;
use crate::tui::widgets::states::{self, Blank};

/// Below this width panels are stacked without frames.
const FRAMED: u16 = 100;

struct Areas {
    /// One per group of facts.
    facts: Vec<Rect>,
    modules: Rect,
    chosen: Rect,
    framed: bool,
}

/// `facts`: the groups side by side, and the lines of the longest.
fn areas(area: Rect, groups: usize, facts: usize, modules: usize) -> Areas {
    let framed = area.width >= FRAMED;
    let chrome = if framed { 3 } else { 1 };
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let needed = rows(facts).saturating_add(if framed { 2 } else { 0 });
    let above = needed.min(area.height / 2);
    let width = area.width / rows(groups).max(1);
    let column = |n: usize| {
        let x = area.x + width * rows(n);
        let width = if n + 1 == groups { area.right() - x } else { width };
        Rect { x, width, height: above, ..area }
    };
    let rest = area.height - above;
    let wanted = rows(modules).saturating_add(chrome);
    let table = wanted.clamp(chrome + 1, rest.saturating_sub(rest / 3).max(chrome + 1)).min(rest);
    let modules = Rect { y: area.y + above, height: table, ..area };
    let chosen = Rect { y: modules.bottom(), height: rest - table, ..area };
    Areas { facts: (0..groups).map(column).collect(), modules, chosen, framed }
}

/// Rows of the module table at the present size.
pub(super) fn module_rows(view: &DeviceView, shell: &Shell) -> usize {
    let body = Rect { x: 0, y: 0, width: shell.size.0, height: u16::try_from(shell.body_rows()).unwrap_or(u16::MAX) };
    let Some(report) = view.report(shell) else { return 1 };
    let (areas, _) = view.layout(shell, &report, body);
    usize::from(areas.modules.height.saturating_sub(if areas.framed { 3 } else { 1 }))
}

impl DeviceView {
    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(report) = self.report(shell) else {
            self.draw_unread(shell, canvas, area);
            return;
        };
        let area = self.gone_line(shell, canvas, area);
        let (areas, facts) = self.layout(shell, &report, area);
        for (rect, (title, rows)) in areas.facts.iter().zip(&facts) {
            let inside = if areas.framed { canvas.frame(*rect, title, "", false) } else { *rect };
            lines(canvas, inside, rows);
        }
        let note = format!("{}", report.modules.len());
        let inside = if areas.framed { canvas.frame(areas.modules, "Modules", &note, true) } else { areas.modules };
        self.table(shell, &report, canvas, inside);
        let chosen = self.modules.selected().and_then(|id| report.modules.iter().find(|module| module.id == *id));
        if let Some(module) = chosen.filter(|_| areas.chosen.height > 1) {
            let title: String = module.id.shown().into();
            let inside = if areas.framed {
                canvas.frame(areas.chosen, &title, "", false)
            } else {
                Rect { y: areas.chosen.y + 1, height: areas.chosen.height - 1, ..areas.chosen }
            };
            let width = usize::from(inside.width.saturating_sub(2));
            lines(canvas, inside, &chosen_lines(&report, module, self.is_past(shell), shell, width));
        }
    }

    /// Where everything goes, and the groups of facts by title.
    fn layout(&self, shell: &Shell, report: &AgentReport, area: Rect) -> (Areas, Vec<(&'static str, Vec<Line>)>) {
        let facts = if area.width >= FRAMED {
            let width = usize::from((area.width / 2).saturating_sub(4));
            vec![
                ("Identity", self.identity(shell, report, width)),
                ("Configuration", self.configuration(shell, report, width)),
            ]
        } else {
            vec![("", self.stacked(shell, report, usize::from(area.width.saturating_sub(2))))]
        };
        let longest = facts.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
        (areas(area, facts.len(), longest, report.modules.len()), facts)
    }

    /// A line above everything when the hub says that the device is gone: what is below is the past.
    fn gone_line(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
        let fault = self.agent_twin(shell).and_then(|read| read.fault.as_ref());
        let gone = fault.is_some_and(|(fault, _)| fault.kind == FaultKind::NotFound);
        if !gone || area.height < 2 {
            return area;
        }
        let age = self.as_of(shell).map(|at| age_text(shell.now.since(at))).unwrap_or_default();
        let text = format!("{} is gone at the hub; below is what was read {age} ago", self.id.shown());
        canvas.pieces(area.x + 1, area.y, area.width.saturating_sub(2), &[(Role::StatusBad, text)]);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    }

    /// Before its twins are here: what the fleet knows of the device, with its age, and below it what is awaited.
    fn draw_unread(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let mut below = area;
        if let (Some(row), Some(at)) = (shell.fleet.row(&self.id), shell.fleet.as_of()) {
            let head = format!("what the fleet knew {} ago", age_text(shell.now.since(at)));
            let mut facts = vec![vec![(Role::Header, head)]];
            facts.extend(in_words(row, shell.now).into_iter().map(|(role, text)| vec![(role, text)]));
            let rows = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(area.height);
            lines(canvas, Rect { height: rows, ..area }, &facts);
            below = Rect { y: area.y + rows, height: area.height - rows, ..area };
        }
        states::draw(canvas, below, &self.blank(shell), shell.now);
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        match self.agent_twin(shell) {
            Some(read) => match &read.fault {
                Some((fault, _)) if fault.kind == FaultKind::NotFound => {
                    Blank::Gone { what: format!("an IoT Edge device {}", self.id.shown()) }
                }
                Some((fault, _)) => Blank::Failed(fault),
                None => {
                    Blank::Loading { what: format!("{}", self.id.shown()), since: read.asked, leave: "esc goes back" }
                }
            },
            None => Blank::Loading { what: format!("{}", self.id.shown()), since: None, leave: "esc goes back" },
        }
    }
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, rows: &[Line]) {
    for (offset, pieces) in rows.iter().take(usize::from(area.height)).enumerate() {
        let y = area.y + u16::try_from(offset).unwrap_or(0);
        canvas.pieces(area.x + 1, y, area.width.saturating_sub(2), pieces);
    }
}
