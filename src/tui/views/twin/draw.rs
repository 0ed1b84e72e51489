//! How a twin looks in each of its modes.

use ratatui::layout::Rect;
use serde_json::Value;

use super::conflict::{Conflict, Noticed};
use super::edit::{Edit, Problem};
use super::review_page;
use super::rows::{self, Agreement, TwinRow};
use super::{Mode, TwinView};
use crate::domain::json;
use crate::domain::limits::SectionKind;
use crate::domain::patch::{Divergence, Touched};
use crate::domain::secret::{MASK, conceal, mask_at, mask_json, names_a_secret};
use crate::domain::time::{HubTime, age_text, wall_age};
use crate::domain::twin::{ConfigurationStatus, Twin};
use crate::tui::canvas::{Canvas, Piece, fit};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::change;
use crate::tui::widgets::panel::{FRAMED, line, panel};
use crate::tui::widgets::states::{self, Blank};
use crate::tui::widgets::table::{Column, cursor_row, heads, place};
use crate::tui::widgets::text::wrap;

fn split_rows(area: Rect, below: u16) -> (Rect, Rect) {
    let below = below.min(area.height.saturating_sub(3));
    let top = Rect { height: area.height - below, ..area };
    (top, Rect { y: top.bottom(), height: below, ..area })
}

impl TwinView {
    /// Draws the view; returns where a cursor belongs.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        match &self.mode {
            Mode::Edit(edit) => return draw_edit(edit, self.twin(shell).map(|t| &**t), canvas, area),
            Mode::Review(review) => review_page::draw(review, self.scroll, shell, canvas, area),
            Mode::Conflict(conflict) => draw_conflict(conflict, canvas, area),
            Mode::View => match self.twin(shell) {
                Some(twin) => self.draw_view(twin, shell, canvas, area),
                None => states::draw(canvas, area, &self.blank(shell), shell.now),
            },
        }
        None
    }

    fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        match shell.details.twins.get(&self.id) {
            Some(read) => match &read.fault {
                Some((fault, _)) if fault.kind == crate::domain::fault::FaultKind::NotFound => {
                    Blank::Gone { what: format!("the twin of {}", self.id.shown()) }
                }
                Some((fault, _)) => Blank::Failed(fault),
                None => Blank::Loading {
                    what: format!("the twin of {}", self.id.shown()),
                    since: read.asked,
                    leave: "esc goes back",
                },
            },
            None => {
                Blank::Loading { what: format!("the twin of {}", self.id.shown()), since: None, leave: "esc goes back" }
            }
        }
    }

    fn draw_view(&self, twin: &Twin, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let (table, below) = split_rows(area, 7);
        let rows = rows::align(&twin.desired, &twin.reported);
        let differing = rows.iter().filter(|row| row.agreement == Agreement::Differs).count();
        let note = if differing > 0 {
            if differing == 1 { "1 differs".to_owned() } else { format!("{differing} differ") }
        } else {
            String::new()
        };
        let inside = panel(canvas, table, "Desired and reported", &note, true);
        if rows.is_empty() {
            line(canvas, inside, 1, Role::Fg, "neither desired nor reported properties are set");
            line(canvas, inside, 2, Role::TextDim, "e sets the first desired property");
        } else {
            self.draw_rows(&rows, shell, canvas, inside);
        }
        let inside = panel(canvas, below, "Twin", "", false);
        for (offset, pieces) in facts(twin, shell).into_iter().enumerate() {
            if let Ok(offset) = u16::try_from(offset)
                && offset < inside.height
            {
                canvas.pieces(inside.x + 1, inside.y + offset, inside.width.saturating_sub(2), &pieces);
            }
        }
    }

    fn draw_rows(&self, rows: &[TwinRow], shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        const COLUMNS: [Column; 6] = [
            Column { title: "PROPERTY", min: 20, ideal: 34, priority: 1, right: false },
            Column { title: "DESIRED", min: 14, ideal: 36, priority: 1, right: false },
            Column { title: "REPORTED", min: 14, ideal: 36, priority: 1, right: false },
            Column { title: "", min: 13, ideal: 13, priority: 1, right: false },
            Column { title: "SET AGO", min: 8, ideal: 8, priority: 2, right: true },
            Column { title: "REP. AGO", min: 8, ideal: 8, priority: 3, right: true },
        ];
        let left = area.x + 2;
        let placed = place(&COLUMNS, area.width.saturating_sub(3));
        heads(canvas, left, area.y, &COLUMNS, &placed, None);
        let height = usize::from(area.height.saturating_sub(1));
        for (offset, path) in self.list.window(height).iter().enumerate() {
            let Some(row) = rows.iter().find(|row| row.path == *path) else { continue };
            let y = area.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
            for column in &placed {
                let (role, text) = row_cell(row, column.index, shell);
                if COLUMNS.get(column.index).is_some_and(|spec| spec.right) {
                    canvas.text_right(left + column.x + column.width, y, column.width, role, &text);
                } else {
                    canvas.text(left + column.x, y, column.width, role, &fit(&text, usize::from(column.width)));
                }
            }
            if self.list.selected() == Some(path) {
                cursor_row(canvas, area, y, false);
            }
        }
    }
}

fn row_cell(row: &TwinRow, column: usize, shell: &Shell) -> (Role, String) {
    let value_role = |role: Role| match row.agreement {
        Agreement::Differs => Role::DiffChange,
        Agreement::Branch | Agreement::Matches | Agreement::NotReported | Agreement::OnlyReported => role,
    };
    let age = |at: Option<HubTime>| match at {
        Some(HubTime::At(at)) => age_text(wall_age(shell.now.wall, at)),
        Some(HubTime::Never) | None => String::new(),
    };
    match column {
        0 => {
            let name = crate::domain::text::Untrusted::new(row.path.name().unwrap_or_default()).shown();
            (
                if row.agreement == Agreement::Branch { Role::TextDim } else { Role::Fg },
                format!("{}{name}", "  ".repeat(row.depth)),
            )
        }
        1 => (value_role(Role::Fg), row.desired.clone().unwrap_or_else(|| blank_cell(row))),
        2 => (value_role(Role::Fg), row.reported.clone().unwrap_or_else(|| blank_cell(row))),
        3 => {
            let role = match row.agreement {
                Agreement::Differs => Role::StatusWarn,
                Agreement::Matches => Role::StatusOk,
                Agreement::Branch | Agreement::NotReported | Agreement::OnlyReported => Role::TextDim,
            };
            (role, row.agreement.word().to_owned())
        }
        4 => (Role::TextDim, age(row.desired_at)),
        _ => (Role::TextDim, age(row.reported_at)),
    }
}

fn blank_cell(row: &TwinRow) -> String {
    if row.agreement == Agreement::Branch { String::new() } else { "-".to_owned() }
}

fn facts(twin: &Twin, shell: &Shell) -> Vec<Vec<Piece>> {
    let age = |at: Option<HubTime>| match at {
        Some(HubTime::At(at)) => format!("{} ago", age_text(wall_age(shell.now.wall, at))),
        Some(HubTime::Never) => "never".to_owned(),
        None => "-".to_owned(),
    };
    let label = |text: &str| (Role::TextDim, format!("{text:<10}"));
    let mut facts = vec![
        vec![
            label("desired"),
            (Role::Fg, format!("v{}", twin.desired.version)),
            (Role::TextDim, format!("   set {}", age(twin.desired.last_updated()))),
        ],
        vec![
            label("reported"),
            (Role::Fg, format!("v{}", twin.reported.version)),
            (Role::TextDim, format!("   {}", age(twin.reported.last_updated()))),
        ],
        vec![
            label("twin"),
            (Role::Fg, format!("version {}", twin.version)),
            (Role::TextDim, format!("   etag {}", twin.etag.shown())),
            (
                Role::TextDim,
                format!(
                    "   hub's view: {}",
                    crate::domain::text::Untrusted::new(twin.connection_state.as_str()).shown()
                ),
            ),
        ],
    ];
    let mut from: Vec<Piece> = vec![label("set by")];
    for (id, status) in &twin.configurations {
        let word = match status {
            ConfigurationStatus::Applied => "",
            ConfigurationStatus::Targeted => " (targeted, lost)",
            ConfigurationStatus::Other => " (?)",
        };
        from.push((Role::Fg, format!("{}{word}  ", id.shown())));
    }
    if twin.configurations.is_empty() {
        from.push((Role::TextFaint, "no deployment".to_owned()));
    }
    facts.push(from);
    if !twin.tags.is_empty() {
        let mut tags = Value::Object(twin.tags.clone());
        mask_json(&mut tags);
        facts.push(vec![label("tags"), (Role::Fg, json::compact(&tags))]);
    }
    facts
}

fn draw_edit(edit: &Edit, current: Option<&Twin>, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let problem = edit.check.as_ref().err();
    let (above, below) = split_rows(area, if area.height >= 24 { 9 } else { 6 });
    let wide = area.width >= FRAMED;
    let left = Rect { width: if wide { area.width / 2 } else { area.width }, ..above };
    let note = match edit.base.desired.version {
        // Begun on a twin of which only the draft is left.
        0 => format!("on etag {}", edit.base.etag.shown()),
        version => format!("v{version}"),
    };
    let inside = panel(canvas, left, "Desired (draft)", &note, true);
    let cursor = edit.editor.draw(canvas, inside, problem.and_then(Problem::line));
    if wide {
        let right = Rect { x: left.right(), width: area.width - left.width, ..above };
        let reported = &current.unwrap_or(&edit.base).reported;
        let inside = panel(canvas, right, "Reported (live)", &format!("v{}", reported.version), false);
        let text = json::pretty(&Value::Object(conceal(&reported.values)));
        for (offset, text) in text.lines().enumerate() {
            line(canvas, inside, offset, Role::TextDim, text);
        }
    }
    draw_patch(edit, canvas, below);
    cursor
}

fn draw_patch(edit: &Edit, canvas: &mut Canvas<'_>, area: Rect) {
    match &edit.check {
        Err(problem) => {
            let inside = panel(canvas, area, "Patch to send", "cannot be read yet", false);
            for (offset, text) in wrap(&problem.text(), usize::from(inside.width.saturating_sub(2))).iter().enumerate()
            {
                line(canvas, inside, offset, Role::PromptError, text);
            }
        }
        Ok(check) => {
            let meter = format!("{} of {} bytes", check.bytes, SectionKind::Desired.limit());
            let count = check.changes.len();
            let note = format!("{count} {}, {meter}", if count == 1 { "change" } else { "changes" });
            let inside = panel(canvas, area, "Patch to send", &note, false);
            let mut offset = 0;
            for finding in &check.findings {
                line(canvas, inside, offset, Role::StatusBad, &format!("{} {}", finding.path.shown(), finding.message));
                offset += 1;
            }
            if check.changes.is_empty() {
                line(
                    canvas,
                    inside,
                    offset,
                    Role::TextDim,
                    "nothing changed yet: only what you change is sent, never the whole twin",
                );
            }
            let room = usize::from(inside.height).saturating_sub(offset);
            for (index, change) in check.changes.iter().enumerate() {
                if index + 1 == room && check.changes.len() > room {
                    line(
                        canvas,
                        inside,
                        offset,
                        Role::TextDim,
                        &format!("and {} more, all on the review page", check.changes.len() - index),
                    );
                    break;
                }
                let (role, text) = change::line(change);
                line(canvas, inside, offset, role, &text);
                offset += 1;
            }
        }
    }
}

fn draw_conflict(conflict: &Conflict, canvas: &mut Canvas<'_>, area: Rect) {
    const COLUMNS: [Column; 5] = [
        Column { title: "PATH", min: 18, ideal: 34, priority: 1, right: false },
        Column { title: "WAS", min: 9, ideal: 24, priority: 2, right: false },
        Column { title: "THEIRS", min: 9, ideal: 24, priority: 1, right: false },
        Column { title: "MINE", min: 9, ideal: 24, priority: 1, right: false },
        Column { title: "KEEP", min: 14, ideal: 16, priority: 1, right: false },
    ];
    let (above, below) = split_rows(area, 6);
    let clashes = conflict.divergences.iter().filter(|d| d.touched == Touched::Clash).count();
    let note = match conflict.undecided() {
        0 if clashes > 0 => "all chosen".to_owned(),
        undecided => format!("{undecided} to choose"),
    };
    let inside = panel(canvas, above, "Both changed it", &note, true);
    let left = inside.x + 2;
    let placed = place(&COLUMNS, inside.width.saturating_sub(3));
    for column in &placed {
        if let Some(spec) = COLUMNS.get(column.index) {
            canvas.text(left + column.x, inside.y, column.width, Role::Header, spec.title);
        }
    }
    let height = usize::from(inside.height.saturating_sub(1));
    for (offset, index) in conflict.list.window(height).iter().enumerate() {
        let (Some(divergence), Some(mine)) = (conflict.divergences.get(*index), conflict.mine_wins.get(*index)) else {
            continue;
        };
        let y = inside.y + 1 + u16::try_from(offset).unwrap_or(u16::MAX);
        for column in &placed {
            let (role, text) = conflict_cell(divergence, *mine, column.index);
            canvas.text(left + column.x, y, column.width, role, &fit(&text, usize::from(column.width)));
        }
        if conflict.list.selected() == Some(index) {
            cursor_row(canvas, inside, y, false);
        }
    }
    let inside = panel(canvas, below, "What happened", "", false);
    let since = format!(
        "after etag {} was read (now {}, desired v{})",
        conflict.base_etag.shown(),
        conflict.theirs.etag.shown(),
        conflict.theirs.desired.version,
    );
    let happened = match conflict.how {
        Noticed::BeforeSending => format!("Somebody changed this twin {since}. Nothing was overwritten"),
        Noticed::Refused => {
            format!("The hub answered 412: somebody changed this twin {since}. Nothing was overwritten")
        }
        Noticed::Overtaken => {
            format!("No answer came, and yours did not take effect: somebody else changed this twin {since}")
        }
        Noticed::Undecidable => format!(
            "No answer came, and nobody can tell whether yours took effect: this twin was written more than once, or made anew, {since}"
        ),
    };
    let what = if conflict.tags_only {
        "They changed tags only, so there is nothing to choose: the review goes against the new etag."
    } else if clashes == 0 {
        "They touched nothing that you changed, so there is nothing to choose: the review goes against the new etag."
    } else {
        "Choose per path; the review then goes against the new etag."
    };
    let text = format!("{happened}, and nothing you typed is lost. {what}");
    for (offset, text) in wrap(&text, usize::from(inside.width.saturating_sub(2))).iter().enumerate() {
        line(canvas, inside, offset, Role::Fg, text);
    }
}

fn conflict_cell(divergence: &Divergence, mine: Option<bool>, column: usize) -> (Role, String) {
    let secret = divergence.path.keys().iter().any(|key| names_a_secret(key));
    let text = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(_) if secret => MASK.to_owned(),
        Some(value) => {
            let mut value = value.clone();
            mask_at(divergence.path.keys(), &mut value);
            json::compact(&value)
        }
    };
    let chosen = |taken: bool| if taken { Role::DiffAdd } else { Role::TextDim };
    let choice = matches!(divergence.touched, Touched::Clash | Touched::Mine);
    match column {
        0 => {
            let role = if divergence.touched == Touched::Clash { Role::DiffConflict } else { Role::Fg };
            (role, divergence.path.shown().into())
        }
        1 => (Role::TextDim, text(&divergence.base)),
        2 => (chosen(!choice || mine == Some(false)), text(&divergence.theirs)),
        3 => (chosen(choice && mine == Some(true)), text(&divergence.mine)),
        _ => match (divergence.touched, mine) {
            (Touched::Clash, None) => (Role::DiffConflict, "choose: m or t".to_owned()),
            (Touched::Clash, Some(true)) => (Role::DiffConflict, "mine".to_owned()),
            (Touched::Clash, Some(false)) => (Role::DiffConflict, "theirs".to_owned()),
            (Touched::Mine, Some(false)) => (Role::Fg, "theirs (as was)".to_owned()),
            (Touched::Mine, _) => (Role::Fg, "mine (only I)".to_owned()),
            (Touched::Theirs, _) => (Role::TextDim, "theirs (only)".to_owned()),
            (Touched::Agreed, _) => (Role::TextDim, "both the same".to_owned()),
        },
    }
}
