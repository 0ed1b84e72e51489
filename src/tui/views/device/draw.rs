//! How a device looks: identity and configuration above, modules in the middle, the chosen module in words below.

use ratatui::layout::Rect;

use super::DeviceView;
use crate::domain::device::ModuleIdentity;
use crate::domain::fault::FaultKind;
use crate::domain::health::{
    AgentReport, MAX_RESTARTS, ModuleState, ModuleVerdict, RuntimeStatus, agent_code_words, backoff_wait,
    exit_code_words, same_image,
};
use crate::domain::ids::ModuleId;
use crate::domain::secret::{mask_json, redact};
use crate::domain::text::Untrusted;
use crate::domain::time::{HubTime, age_text, wall_age};
use crate::domain::twin::ConfigurationStatus;
use crate::tui::canvas::{Canvas, Piece, fit_middle};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;
use crate::tui::views::fleet::row::{in_words, tone_sign};
use crate::tui::widgets::states::{self, Blank, wrap};
use crate::tui::widgets::table::{Column, Placed, place};

/// Below this width panels are stacked without frames.
const FRAMED: u16 = 100;

struct Areas {
    left: Rect,
    right: Rect,
    modules: Rect,
    chosen: Rect,
    framed: bool,
}

/// `facts`: lines that identity and configuration need; below each other when there is no room for two columns.
fn areas(area: Rect, facts: (usize, usize), modules: usize) -> Areas {
    let framed = area.width >= FRAMED;
    let chrome = if framed { 3 } else { 1 };
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let needed = if framed { rows(facts.0.max(facts.1) + 2) } else { rows(facts.0 + facts.1) };
    let above = needed.min(area.height / 2);
    let half = if framed { area.width / 2 } else { area.width };
    let left = Rect { height: if framed { above } else { above.min(rows(facts.0)) }, width: half, ..area };
    let right = if framed {
        Rect { x: area.x + half, width: area.width - half, height: above, ..area }
    } else {
        Rect { y: left.bottom(), height: above - left.height, ..area }
    };
    let rest = area.height - above;
    let wanted = rows(modules).saturating_add(chrome);
    let table = wanted.clamp(chrome + 1, rest.saturating_sub(rest / 3).max(chrome + 1)).min(rest);
    let modules = Rect { y: area.y + above, height: table, ..area };
    let chosen = Rect { y: modules.bottom(), height: rest - table, ..area };
    Areas { left, right, modules, chosen, framed }
}

/// Rows of the module table at the present size.
pub(super) fn module_rows(view: &DeviceView, shell: &Shell) -> usize {
    let body = Rect { x: 0, y: 0, width: shell.size.0, height: u16::try_from(shell.body_rows()).unwrap_or(u16::MAX) };
    let Some(report) = view.report(shell) else { return 1 };
    let (areas, ..) = view.layout(shell, &report, body);
    usize::from(areas.modules.height.saturating_sub(if areas.framed { 3 } else { 1 }))
}

fn shown(text: &str) -> String {
    Untrusted::new(text).shown().into()
}

fn age(shell: &Shell, at: Option<HubTime>) -> String {
    match at {
        Some(HubTime::At(at)) => format!("{} ago", age_text(wall_age(shell.now.wall, at))),
        Some(HubTime::Never) => "never".to_owned(),
        None => "-".to_owned(),
    }
}

impl DeviceView {
    /// Draws the view.
    pub fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(report) = self.report(shell) else {
            self.draw_unread(shell, canvas, area);
            return;
        };
        let area = self.gone_line(shell, canvas, area);
        let (areas, identity, configuration) = self.layout(shell, &report, area);
        let panel = |canvas: &mut Canvas<'_>, rect: Rect, title: &str| {
            if areas.framed { canvas.frame(rect, title, "", false) } else { rect }
        };
        let inside = panel(canvas, areas.left, "Identity");
        lines(canvas, inside, &identity);
        let inside = panel(canvas, areas.right, "Configuration");
        lines(canvas, inside, &configuration);
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

    /// Where everything goes, and what stands in the two upper panels.
    fn layout(&self, shell: &Shell, report: &AgentReport, area: Rect) -> (Areas, Vec<Vec<Piece>>, Vec<Vec<Piece>>) {
        let framed = area.width >= FRAMED;
        let width = usize::from(if framed { (area.width / 2).saturating_sub(4) } else { area.width.saturating_sub(2) });
        let identity = self.identity(shell, report);
        let configuration = self.configuration(shell, report, width);
        let areas = areas(area, (identity.len(), configuration.len()), report.modules.len());
        (areas, identity, configuration)
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

    /// Whether edgeHub lost its link, so that everything reported is from before.
    fn is_past(&self, shell: &Shell) -> bool {
        self.edge_hub(shell).is_some_and(|hub| {
            hub.connection_state.raw() != "Connected" && hub.last_activity.is_some_and(|at| at != HubTime::Never)
        })
    }

    fn edge_hub<'a>(&self, shell: &'a Shell) -> Option<&'a ModuleIdentity> {
        let modules = shell.details.modules.get(&self.id).and_then(|read| read.get());
        modules.and_then(|modules| modules.iter().find(|module| module.id == ModuleId::edge_hub()))
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

    fn identity(&self, shell: &Shell, report: &AgentReport) -> Vec<Vec<Piece>> {
        let mut rows = Vec::new();
        let identity = shell.details.identities.get(&self.id).and_then(|read| read.get());
        let enabled = match identity {
            Some(device) if !device.enabled => {
                let why = device.status_reason.as_ref().map(|why| format!(" ({})", why.shown())).unwrap_or_default();
                (Role::StatusPaused, format!("disabled{why}"))
            }
            Some(_) => (Role::StatusOk, "enabled".to_owned()),
            None => (Role::StatusUnknown, "not read yet".to_owned()),
        };
        rows.push(vec![(Role::TextDim, "status   ".into()), enabled, (Role::Fg, "   ".into()), self.link(shell)]);
        let version = report.version.as_ref().map_or_else(|| "-".to_owned(), |v| v.shown().into());
        let platform = report.platform.as_ref().map_or_else(String::new, |p| format!("   {}", p.shown()));
        rows.push(vec![(Role::TextDim, "runtime  ".into()), (Role::Fg, format!("IoT Edge {version}{platform}"))]);
        match self.device_twin(shell) {
            Some(twin) => {
                let auth =
                    identity.map(|device| format!("   auth {}", device.authentication.shown())).unwrap_or_default();
                rows.push(vec![
                    (Role::TextDim, "twin     ".into()),
                    (Role::Fg, format!("version {}", twin.version)),
                    (Role::TextDim, format!("   etag {}{auth}", twin.etag.shown())),
                ]);
                let mut flat = Vec::new();
                let mut tags = serde_json::Value::Object(twin.tags.clone());
                mask_json(&mut tags);
                flatten(&mut flat, "", tags.as_object().unwrap_or(&twin.tags));
                let tags = if flat.is_empty() { (Role::TextFaint, "none".into()) } else { (Role::Fg, flat.join("  ")) };
                rows.push(vec![(Role::TextDim, "tags     ".into()), tags]);
            }
            None => rows.push(vec![(Role::TextDim, "twin     ".into()), (Role::StatusUnknown, "not read yet".into())]),
        }
        let parents = identity.map_or(0, |device| device.parent_scopes.len());
        if parents > 0 {
            rows.push(vec![(Role::TextDim, "parent   ".into()), (Role::Fg, format!("{parents} scope"))]);
        }
        rows
    }

    fn link(&self, shell: &Shell) -> Piece {
        match self.edge_hub(shell) {
            Some(hub) if hub.connection_state.raw() == "Connected" => (Role::StatusOk, "edgeHub linked".to_owned()),
            Some(hub) => match hub.last_activity.and_then(HubTime::instant) {
                Some(at) => {
                    (Role::StatusUnknown, format!("no edgeHub link for {}", age_text(wall_age(shell.now.wall, at))))
                }
                None => (Role::StatusUnknown, "edgeHub was never linked".to_owned()),
            },
            None => (Role::TextDim, "edgeHub link not read yet".to_owned()),
        }
    }

    fn configuration(&self, shell: &Shell, report: &AgentReport, width: usize) -> Vec<Vec<Piece>> {
        let mut rows = Vec::new();
        let twin = self.agent_twin(shell).and_then(|read| read.get());
        let configurations = twin.map(|twin| twin.configurations.as_slice()).unwrap_or_default();
        if configurations.is_empty() {
            let wanted = report.modules.iter().any(|module| module.wanted.is_some());
            let from = if wanted { "no deployment; set for this device alone" } else { "nothing: no manifest is set" };
            rows.push(vec![(Role::TextDim, "from     ".into()), (Role::Fg, from.into())]);
        } else {
            let mut pieces = vec![(Role::TextDim, "from     ".to_owned())];
            for (id, status) in configurations {
                let (role, word) = match status {
                    ConfigurationStatus::Applied => (Role::Fg, ""),
                    ConfigurationStatus::Targeted => (Role::TextFaint, " (targeted, lost)"),
                    ConfigurationStatus::Other => (Role::StatusUnknown, " (?)"),
                };
                pieces.push((role, format!("{}{word}  ", id.shown())));
            }
            rows.push(pieces);
        }
        let seen = report.last_desired_version.map_or_else(|| "seen none".to_owned(), |v| format!("seen v{v}"));
        let role =
            if report.last_desired_version == Some(report.desired_version) { Role::Fg } else { Role::StatusProgress };
        rows.push(vec![
            (Role::TextDim, "desired  ".into()),
            (role, format!("v{}   edgeAgent has {seen}", report.desired_version)),
        ]);
        match report.code {
            Some(code) => {
                let role = if code == 200 { Role::StatusOk } else { Role::StatusBad };
                let text = agent_code_words(code);
                for (index, line) in wrap(text, width.saturating_sub(14)).into_iter().enumerate() {
                    let head = if index == 0 { format!("{code:<5}") } else { " ".repeat(5) };
                    let label = if index == 0 { "agent    " } else { "         " };
                    rows.push(vec![(Role::TextDim, label.into()), (role, head), (Role::Fg, line)]);
                }
            }
            None => {
                rows.push(vec![(Role::TextDim, "agent    ".into()), (Role::StatusUnknown, "never reported".into())]);
            }
        }
        // The hub may hold the reason with secrets of an engine's message in it.
        let reason = redact(report.description.raw());
        if !reason.is_empty() {
            let reason = String::from(Untrusted::new(reason).shown());
            for (index, line) in wrap(&reason, width.saturating_sub(9)).into_iter().enumerate() {
                let label = if index == 0 { "says     " } else { "         " };
                rows.push(vec![(Role::TextDim, label.into()), (Role::StatusBad, line)]);
            }
        }
        let reported = if report.ever_reported() { age(shell, report.reported_at) } else { "never".to_owned() };
        rows.push(vec![(Role::TextDim, "reported ".into()), (Role::Fg, reported)]);
        rows
    }

    fn table(&self, shell: &Shell, report: &AgentReport, canvas: &mut Canvas<'_>, area: Rect) {
        let left = area.x + 2;
        let placed = place(&fitted(report, shell), area.width.saturating_sub(3));
        for column in &placed {
            if let Some(spec) = COLUMNS.get(column.index) {
                put(canvas, left, area.y, *column, spec.right, Role::Header, spec.title);
            }
        }
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
            let verdict = verdict(report, module);
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
                canvas.sign(area.x, y, Sign::Cursor);
                canvas.tint(Rect { x: area.x, y, width: area.width, height: 1 }, Role::CursorRow);
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
            report.modules.iter().map(|module| cell(module, verdict(report, module), index, shell).1.chars().count());
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
            None => (Role::StatusProgress, "removed".to_owned()),
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

/// The verdict on a module; of an agent that never reported there is none.
fn verdict(report: &AgentReport, module: &ModuleState) -> ModuleVerdict {
    if report.ever_reported() { module.verdict() } else { ModuleVerdict::Unknown }
}

/// The chosen module, one fact a line.
fn chosen_lines(
    report: &AgentReport,
    module: &ModuleState,
    past: bool,
    shell: &Shell,
    width: usize,
) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    let mut fact = |label: &str, role: Role, text: String| {
        for (index, line) in wrap(&text, width.saturating_sub(10)).into_iter().enumerate() {
            let label = if index == 0 { format!("{label:<10}") } else { " ".repeat(10) };
            rows.push(vec![(Role::TextDim, label), (role, line)]);
        }
    };
    let verdict = verdict(report, module);
    if !report.ever_reported() {
        fact("state", Role::StatusUnknown, "nobody knows: edgeAgent has never reported".to_owned());
    } else if past {
        let words = format!("{} when edgeHub lost its link; nobody knows what it is now", verdict.word());
        fact("state", Role::Stale, words);
    } else {
        fact("state", tone_sign(verdict.tone()).role(), verdict_words(module, verdict));
    }
    if let Some(reported) = &module.reported {
        if let (Some(code), Some(at)) = (reported.exit_code, reported.last_exit.filter(|at| *at != HubTime::Never)) {
            fact("last exit", Role::Fg, format!("code {code}, {}: {}", age(shell, Some(at)), exit_code_words(code)));
        }
        if let Some(count) = reported.restart_count.filter(|count| *count > 0) {
            fact("restarts", Role::Fg, format!("{count} in a row; edgeAgent gives up after {MAX_RESTARTS}"));
        }
        if let Some(text) = reported.description.as_ref().filter(|text| !text.raw().is_empty()) {
            fact("says", Role::Fg, text.shown().into());
        }
        fact("started", Role::Fg, age(shell, reported.last_start));
    }
    let wanted = module.wanted.as_ref();
    match (&module.reported, wanted) {
        (Some(reported), Some(wanted)) if !same_image(reported.image.raw(), wanted.image.raw()) => {
            fact("runs", Role::StatusWarn, reported.image.shown().into());
            fact("wanted", Role::Fg, wanted.image.shown().into());
        }
        (Some(reported), _) => fact("image", Role::Fg, reported.image.shown().into()),
        (None, Some(wanted)) => fact("wanted", Role::Fg, wanted.image.shown().into()),
        (None, None) => {}
    }
    if let Some(policy) = wanted.and_then(|wanted| wanted.restart_policy.as_ref()) {
        fact("restart", Role::TextDim, policy.shown().into());
    }
    rows
}

fn verdict_words(module: &ModuleState, verdict: ModuleVerdict) -> String {
    let restarts = module.reported.as_ref().and_then(|r| r.restart_count).unwrap_or_default();
    match verdict {
        ModuleVerdict::Running => "running, as wanted".to_owned(),
        ModuleVerdict::Stopped => "stopped, as wanted".to_owned(),
        ModuleVerdict::Backoff => {
            format!("crashed; edgeAgent waits {} s before the next start", backoff_wait(restarts).as_secs())
        }
        ModuleVerdict::Failed => {
            "ended with an error and is not started again until the manifest changes or it is restarted".to_owned()
        }
        ModuleVerdict::Dead => "the engine calls the container dead; edgeAgent recreates it".to_owned(),
        ModuleVerdict::Missing => {
            "in the manifest, but edgeAgent has no container of it: the image could not be pulled, or is on its way"
                .to_owned()
        }
        ModuleVerdict::Unhealthy => "edgeAgent calls it unhealthy".to_owned(),
        ModuleVerdict::StoppedUnwanted => "stopped, although the manifest wants it running".to_owned(),
        ModuleVerdict::Unknown => "edgeAgent does not know, or was shut down".to_owned(),
        ModuleVerdict::OtherImage => "runs, but not the image that the manifest wants".to_owned(),
        ModuleVerdict::Leftover => "runs, but is no longer in the manifest".to_owned(),
        ModuleVerdict::RunsUnwanted => "runs, although the manifest wants it stopped".to_owned(),
    }
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, rows: &[Vec<Piece>]) {
    for (offset, pieces) in rows.iter().take(usize::from(area.height)).enumerate() {
        let y = area.y + u16::try_from(offset).unwrap_or(0);
        canvas.pieces(area.x + 1, y, area.width.saturating_sub(2), pieces);
    }
}

fn flatten(flat: &mut Vec<String>, at: &str, map: &serde_json::Map<String, serde_json::Value>) {
    for (key, value) in map {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match value {
            serde_json::Value::Object(inner) => flatten(flat, &path, inner),
            serde_json::Value::String(text) => flat.push(format!("{}={}", shown(&path), shown(text))),
            other => flat.push(format!("{}={}", shown(&path), shown(&other.to_string()))),
        }
    }
}
