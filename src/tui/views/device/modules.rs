//! The table of modules: wanted and reported side by side, one verdict each.

use ratatui::layout::Rect;

use super::DeviceView;
use super::facts::age;
use crate::domain::health::{AgentReport, ModuleState, ModuleVerdict, RuntimeStatus};
use crate::domain::time::HubTime;
use crate::tui::canvas::{Canvas, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::fleet::row::tone_sign;
use crate::tui::widgets::table::{Column, Placed, cursor_row, heads, place};

impl DeviceView {
    pub(super) fn table(&self, shell: &Shell, report: &AgentReport, canvas: &mut Canvas<'_>, area: Rect) {
        let left = area.x + 2;
        let placed = place(&fitted(report, shell), area.width.saturating_sub(3));
        heads(canvas, left, area.y, &COLUMNS, &placed, None);
        let height = usize::from(area.height.saturating_sub(1));
        let past = self.is_past(shell);
        if report.modules.is_empty() && area.height > 1 {
            canvas.text(
                left,
                area.y + 1,
                area.width,
                Role::TextDim,
                "no modules: nothing was deployed to this device yet",
            );
        }
        for (offset, id) in self.modules.window(height).iter().enumerate() {
            let Some(module) = report.modules.iter().find(|module| module.id == *id) else { continue };
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            let verdict = report.verdict_of(module);
            for column in &placed {
                let (role, text) = cell(module, verdict, column.index, shell);
                let role = if past && role != Role::Fg { Role::Stale } else { role };
                let right = COLUMNS.get(column.index).is_some_and(|spec| spec.right);
                if column.index == RUNTIME {
                    canvas.sign(left + column.x, y, tone_sign(verdict.tone()));
                    canvas.text(left + column.x + 2, y, column.width.saturating_sub(2), role, &text);
                } else {
                    put(canvas, left, y, *column, right, role, &text);
                }
            }
            if self.modules.selected() == Some(id) {
                cursor_row(canvas, area, y, self.modules.is_settling(shell.now));
            }
        }
    }
}

const RUNTIME: usize = 1;

const COLUMNS: [Column; 7] = [
    Column { title: "MODULE", min: 18, ideal: 48, priority: 1, right: false },
    Column { title: "RUNTIME", min: 13, ideal: 14, priority: 1, right: false },
    Column { title: "DESIRED", min: 7, ideal: 8, priority: 4, right: false },
    Column { title: "RESTARTS", min: 8, ideal: 8, priority: 2, right: true },
    Column { title: "EXIT", min: 4, ideal: 4, priority: 3, right: true },
    Column { title: "STARTED", min: 9, ideal: 11, priority: 2, right: true },
    Column { title: "IMAGE", min: 20, ideal: 90, priority: 3, right: false },
];

/// The columns, none wider than what it has to show.
fn fitted(report: &AgentReport, shell: &Shell) -> Vec<Column> {
    let width = |index: usize, title: &str| {
        let cells =
            report.modules.iter().map(|module| cell(module, report.verdict_of(module), index, shell).1.chars().count());
        u16::try_from(cells.max().unwrap_or(0).max(title.len())).unwrap_or(u16::MAX)
    };
    COLUMNS
        .iter()
        .enumerate()
        .map(|(index, column)| match index {
            RUNTIME => *column,
            _ => Column { ideal: column.ideal.min(width(index, column.title).max(column.min)), ..*column },
        })
        .collect()
}

fn put(canvas: &mut Canvas<'_>, left: u16, y: u16, column: Placed, right: bool, role: Role, text: &str) {
    if right {
        canvas.text_right(left + column.x + column.width, y, column.width, role, text);
    } else {
        canvas.text(left + column.x, y, column.width, role, &fit_middle(text, usize::from(column.width)));
    }
}

fn cell(module: &ModuleState, verdict: ModuleVerdict, column: usize, shell: &Shell) -> (Role, String) {
    let dash = || (Role::TextFaint, "-".to_owned());
    let reported = module.reported.as_ref();
    match column {
        0 => (Role::Fg, module.id.shown().into()),
        RUNTIME => (tone_sign(verdict.tone()).role(), runtime_word(module, verdict)),
        2 => match &module.wanted {
            Some(wanted) => (Role::TextDim, if wanted.running { "running" } else { "stopped" }.to_owned()),
            None if verdict == ModuleVerdict::Leftover => (Role::StatusProgress, "removed".to_owned()),
            None => dash(),
        },
        3 => reported
            .and_then(|r| r.restart_count)
            .map_or_else(dash, |n| (if n > 0 { Role::StatusWarn } else { Role::TextDim }, n.to_string())),
        4 => match reported {
            // An exit code of a module that never ended says nothing.
            Some(r) if r.last_exit.is_none_or(|at| at == HubTime::Never) => dash(),
            Some(r) => r
                .exit_code
                .map_or_else(dash, |code| (if code == 0 { Role::TextDim } else { Role::StatusWarn }, code.to_string())),
            None => dash(),
        },
        5 => reported.map_or_else(dash, |r| (Role::TextDim, age(shell, r.last_start))),
        _ => {
            let image = reported.map(|r| &r.image).or_else(|| module.wanted.as_ref().map(|w| &w.image));
            image.map_or_else(dash, |image| (Role::TextDim, image.shown().into()))
        }
    }
}

fn runtime_word(module: &ModuleState, verdict: ModuleVerdict) -> String {
    match module.reported.as_ref().map(|r| &r.runtime) {
        // A word that came after us is shown as it is.
        Some(RuntimeStatus::Other(word)) => word.shown().into(),
        _ => verdict.word().to_owned(),
    }
}
