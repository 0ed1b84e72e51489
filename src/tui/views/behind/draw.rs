//! How the devices behind a figure look: a table, and below it the query and what it says beside the hub's own count.

use ratatui::layout::Rect;

use super::BehindView;
use crate::domain::deployment::{MetricName, SystemMetric};
use crate::domain::health::agent_code_words;
use crate::domain::secret::shown;
use crate::domain::time::age_text;
use crate::store::{DeviceRow, Extent, Fetched, Found};
use crate::tui::canvas::{Canvas, Piece, fit, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::fleet::row::{self, FleetColumn};
use crate::tui::widgets::states::{self, Blank, wrap};
use crate::tui::widgets::table::{Column, cursor_row, heads, place};

/// Below this width the frame goes.
const FRAMED: u16 = 100;
/// What becomes of a condition with an OR in the hub's own query.
const TORN: &str =
    "the OR has no parentheses in the hub's query, so devices that are no edge devices can be listed too";
/// Lines below the table.
const BELOW: u16 = 4;

const COLUMNS: [Column; 6] = [
    Column { title: "DEVICE", min: 18, ideal: 48, priority: 1, right: false },
    Column { title: "STATUS", min: 15, ideal: 15, priority: 1, right: false },
    Column { title: "THIS DEPLOYMENT", min: 15, ideal: 15, priority: 2, right: false },
    Column { title: "WORST MODULE", min: 12, ideal: 24, priority: 3, right: false },
    Column { title: "CODE", min: 4, ideal: 60, priority: 4, right: false },
    Column { title: "REPORTED", min: 8, ideal: 8, priority: 2, right: true },
];
const STATUS: usize = 1;
const CODE: usize = 4;

/// Rows of the table at the present size, for paging.
pub(super) fn table_rows(shell: &Shell) -> usize {
    let chrome = if shell.size.0 >= FRAMED { 3 } else { 1 };
    shell.body_rows().saturating_sub(usize::from(BELOW) + chrome)
}

impl BehindView {
    /// Where we are, and how much there is.
    #[must_use]
    pub(super) fn whereabouts(&self, shell: &Shell) -> Vec<Piece> {
        let mut pieces = vec![
            (Role::TextDim, format!("deployments > {} > ", self.id().shown())),
            (Role::Fg, self.metric().shown().into()),
        ];
        if self.figure(shell).is_some_and(|figure| figure.query.is_empty()) {
            pieces.push((Role::TextDim, "   for nobody".to_owned()));
            return pieces;
        }
        let read = self.read(shell).and_then(Fetched::get);
        pieces.push(match read.map(|behind| (behind.found.len(), behind.extent)) {
            None => (Role::TextDim, "   not read yet".to_owned()),
            Some((n, Extent::Whole)) => (Role::TextDim, format!("   {n}")),
            Some((n, Extent::Pages(pages))) => (Role::TextDim, format!("   {n}+ PART, page {pages} of ?")),
            Some((n, Extent::Cut)) => (Role::StatusWarn, format!("   the first {n} alone, there are more")),
        });
        pieces
    }

    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let below = Rect { y: area.bottom().saturating_sub(BELOW), height: BELOW.min(area.height), ..area };
        let table = Rect { height: area.height.saturating_sub(BELOW), ..area };
        let inside = if area.width >= FRAMED {
            let title = format!("{} by {}", self.metric().shown(), self.id().shown());
            // What was not read is not none.
            let note = match self.read(shell).and_then(Fetched::get).map(|behind| behind.extent) {
                None => String::new(),
                Some(Extent::Whole) => self.list.order().len().to_string(),
                Some(Extent::Pages(_) | Extent::Cut) => format!("{}+", self.list.order().len()),
            };
            canvas.frame(table, &title, &note, true)
        } else {
            table
        };
        if self.list.order().is_empty() {
            states::draw(canvas, inside, &self.blank(shell), shell.now);
        } else {
            self.table(shell, canvas, inside);
        }
        self.beside(shell, canvas, below);
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        let Some(figure) = self.figure(shell) else {
            let list = &shell.deployments.list;
            return match (list.get().is_some(), &list.fault) {
                (true, _) => Blank::Gone { what: format!("{} of {}", self.metric().shown(), self.id().shown()) },
                (false, Some((fault, _))) => Blank::Failed(fault),
                (false, None) => {
                    Blank::Loading { what: format!("{}", self.id().shown()), since: list.asked, leave: "esc goes back" }
                }
            };
        };
        if figure.query.is_empty() {
            return Blank::Empty {
                why: "its target condition is empty: the deployment is for nobody".to_owned(),
                next: "esc goes back".to_owned(),
            };
        }
        let read = self.read(shell);
        match (read.and_then(Fetched::get), read.and_then(|read| read.fault.as_ref())) {
            (Some(_), _) => {
                let text = match figure.figure {
                    Some(n) if n > 0 => format!("none now; the hub counted {n} when it last did"),
                    _ => "none".to_owned(),
                };
                Blank::Empty { why: text, next: "esc goes back, ctrl-r asks again".to_owned() }
            }
            (None, Some((fault, _))) => Blank::Failed(fault),
            (None, None) => Blank::Loading {
                what: "the devices behind the figure".to_owned(),
                since: read.and_then(|read| read.asked),
                leave: "esc goes back",
            },
        }
    }

    fn table(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let left = area.x + 2;
        let longest = self.list.order().iter().map(|found| name(found).chars().count()).max().unwrap_or(0);
        let mut columns = COLUMNS;
        let [device, ..] = &mut columns;
        device.ideal = u16::try_from(longest).unwrap_or(u16::MAX).clamp(device.min, device.ideal);
        let placed = place(&columns, area.width.saturating_sub(3));
        heads(canvas, left, area.y, &columns, &placed, None);
        let height = usize::from(area.height.saturating_sub(1));
        for (offset, found) in self.list.window(height).iter().enumerate() {
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            let known = found.device.as_ref().and_then(|device| shell.fleet.row(device));
            for column in &placed {
                let Some(spec) = columns.get(column.index) else { continue };
                let (x, width) = (left + column.x, column.width);
                let (role, text) = self.cell(found, known.map(|row| &**row), column.index, shell);
                // The number alone, where its words would be cut.
                let text = match text.split_once(' ') {
                    Some((code, _)) if column.index == CODE && text.len() > usize::from(width) => code.to_owned(),
                    _ => text,
                };
                match column.index {
                    STATUS => {
                        if let Some(row) = known {
                            canvas.sign(x, y, row::status(row).0);
                        }
                        let width = width.saturating_sub(2);
                        canvas.text(x + 2, y, width, role, &fit(&text, usize::from(width)));
                    }
                    0 => {
                        canvas.text(x, y, width, role, &fit_middle(&text, usize::from(width)));
                    }
                    _ if spec.right => canvas.text_right(x + width, y, width, role, &text),
                    _ => {
                        canvas.text(x, y, width, role, &fit(&text, usize::from(width)));
                    }
                }
            }
            if self.list.selected() == Some(found) {
                cursor_row(canvas, area, y, self.list.is_settling(shell.now));
            }
        }
    }

    fn cell(&self, found: &Found, known: Option<&DeviceRow>, column: usize, shell: &Shell) -> Piece {
        if column == 0 {
            return (Role::Fg, name(found));
        }
        let dash = || (Role::TextFaint, "-".to_owned());
        let Some(row) = known else {
            return if column == STATUS && found.device.is_some() {
                (Role::StatusUnknown, "not in the list".to_owned())
            } else {
                dash()
            };
        };
        match column {
            STATUS => row::cell(row, FleetColumn::Status, shell.now),
            2 => self.here(row),
            3 => row::cell(row, FleetColumn::Worst, shell.now),
            CODE => match row.agent.as_ref().and_then(|agent| agent.code) {
                Some(200) => (Role::TextDim, "200".to_owned()),
                Some(code) => (Role::StatusBad, format!("{code} {}", agent_code_words(code))),
                None => dash(),
            },
            _ => row::cell(row, FleetColumn::Reported, shell.now),
        }
    }

    /// What this deployment is on the device, by the twin the fleet read.
    fn here(&self, row: &DeviceRow) -> Piece {
        let Some(agent) = &row.agent else { return (Role::StatusUnknown, "not read".to_owned()) };
        let names = |ids: &[std::sync::Arc<str>]| ids.iter().any(|id| **id == *self.id().as_str());
        if names(&agent.applied) {
            (Role::StatusOk, "applied".to_owned())
        } else if names(&agent.lost) {
            (Role::StatusWarn, "targeted, lost".to_owned())
        } else {
            (Role::TextFaint, "-".to_owned())
        }
    }

    /// The hub's count beside this one, and the query.
    fn beside(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(figure) = self.figure(shell) else { return };
        let width = usize::from(area.width.saturating_sub(2));
        let counted = figure.figure.map_or_else(|| "has not counted yet".to_owned(), |n| format!("counted {n}"));
        let fleet = match shell.fleet.as_of() {
            Some(at) => format!("Status as the fleet knew it {} ago.", age_text(shell.now.since(at))),
            None => "The fleet is not read yet.".to_owned(),
        };
        let read = self.read(shell);
        let head = match (read.and_then(Fetched::get), read.and_then(|read| read.fault.as_ref())) {
            (Some(_), Some((fault, _))) => (Role::Stale, format!("what was read stays: {fault}")),
            (Some(_), None) => {
                (Role::TextDim, format!("the hub {counted}, on its own beat; this is its query run now. {fleet}"))
            }
            (None, Some(_)) => {
                let text = "its query could not be run, so which devices these are is not known";
                (Role::StatusUnknown, format!("the hub {counted}, on its own beat; {text}."))
            }
            (None, None) if figure.query.is_empty() => {
                (Role::TextDim, "there is no query: the hub counts nothing for nobody".to_owned())
            }
            (None, None) => {
                let asked = read.is_some_and(|read| read.asked.is_some());
                let text = if asked { "its query is being run" } else { "its query was not run yet" };
                (Role::TextDim, format!("the hub {counted}, on its own beat; {text}."))
            }
        };
        let mut lines: Vec<Piece> = wrap(&head.1, width).into_iter().map(|line| (head.0, line)).collect();
        if let MetricName::System(system) = self.metric() {
            let torn = *system == SystemMetric::Targeted
                && shell.deployments.deployed(self.id()).is_some_and(|of| of.configuration.target.is_torn_by_or());
            let (role, meaning) = if torn { (Role::StatusWarn, TORN) } else { (Role::TextDim, system.meaning()) };
            let text = format!("{}: {meaning}", system.word());
            lines.extend(wrap(&text, width).into_iter().map(|line| (role, line)));
        }
        lines.extend(wrap(shown(&figure.query).as_str(), width).into_iter().map(|line| (Role::TextFaint, line)));
        let (height, all) = (usize::from(area.height), lines.len());
        for (offset, (role, line)) in lines.into_iter().take(height).enumerate() {
            // Longer than the room on purpose, so that the mark of what is missing stands there.
            let cut = offset + 1 == height && all > height;
            let line = if cut { fit(&format!("{line:<width$} "), width) } else { line };
            canvas.text(
                area.x + 1,
                area.y + u16::try_from(offset).unwrap_or(0),
                area.width.saturating_sub(2),
                role,
                &line,
            );
        }
    }
}

/// What a row is called.
fn name(found: &Found) -> String {
    match (&found.device, &found.module) {
        (Some(device), Some(module)) => format!("{}/{}", device.shown(), module.shown()),
        (Some(device), None) => device.shown().into(),
        (None, _) => shown(found.text.as_deref().unwrap_or_default()).into(),
    }
}
