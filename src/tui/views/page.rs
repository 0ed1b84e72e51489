//! Pages of text one scrolls through: help from the live keymap, messages, writes, the simulated hub, raw JSON.

use ratatui::layout::Rect;
use serde_json::{Map, Value, json};

use super::{PageKind, Place, Step, View};
use crate::domain::fault::Fault;
use crate::domain::ids::TwinId;
use crate::domain::json as text_json;
use crate::domain::secret::mask_json;
use crate::domain::text::Untrusted;
use crate::domain::time::{Now, age_text};
use crate::domain::twin::Twin;
use crate::ops::{Found, OpState, Outcome, Write};
use crate::store::{Needs, Source};
use crate::tui::actions::{ActionId, CommandId, Danger, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::notices::Severity;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;
use crate::tui::widgets::change;
use crate::tui::widgets::list::Move;
use crate::tui::widgets::text::{labelled, wrap};

/// Cells of what stands at the left of messages and changes: `for 12 s`.
const MARGIN: usize = 11;

/// A page and how far it is scrolled.
#[derive(Debug, Clone)]
pub struct Page {
    kind: PageKind,
    top: usize,
}

impl Page {
    /// The page, at its top.
    #[must_use]
    pub fn new(kind: PageKind) -> Self {
        Self { kind, top: 0 }
    }

    /// Which page.
    #[must_use]
    pub fn kind(&self) -> &PageKind {
        &self.kind
    }

    /// The twin it shows, which has to be read for it.
    #[must_use]
    pub fn twin(&self) -> Option<&TwinId> {
        match &self.kind {
            PageKind::Json(id) => Some(id),
            PageKind::Help(_)
            | PageKind::Keys
            | PageKind::Messages
            | PageKind::Activity
            | PageKind::Simulator
            | PageKind::DeploymentJson(_) => None,
        }
    }

    fn lines(&self, shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
        match &self.kind {
            PageKind::Help(scopes) => help(Some(scopes), shell, width),
            PageKind::Keys => help(None, shell, width),
            PageKind::Messages => messages(shell, width),
            PageKind::Activity => activity(shell, width),
            PageKind::Simulator => simulator(shell, width),
            PageKind::Json(id) => {
                let fault = shell.details.twins.get(id).and_then(|read| read.fault.as_ref());
                document(shell.details.twin(id).map(|twin| as_sent(twin)), fault, width)
            }
            PageKind::DeploymentJson(id) => {
                let document_of = shell.deployments.deployed(id).map(|deployed| {
                    let mut document = deployed.to_value();
                    mask_json(&mut document);
                    document
                });
                if document_of.is_none() && shell.deployments.list.get().is_some() {
                    let text = "no IoT Edge deployment of this name that can be read";
                    return vec![vec![(Role::TextDim, text.to_owned())]];
                }
                document(document_of, shell.deployments.list.fault.as_ref(), width)
            }
        }
    }

    /// Draws the page.
    fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let lines = self.lines(shell, width(area.width));
        let height = usize::from(area.height);
        let top = self.top.min(lines.len().saturating_sub(height));
        for (offset, pieces) in lines.iter().skip(top).take(height).enumerate() {
            let y = area.y + u16::try_from(offset).unwrap_or(0);
            canvas.pieces(area.x + 2, y, area.width.saturating_sub(4), pieces);
        }
        if lines.len() > height {
            let note = format!(" {}-{} of {} ", top + 1, (top + height).min(lines.len()), lines.len());
            canvas.text_right(
                area.right().saturating_sub(1),
                area.bottom().saturating_sub(1),
                24,
                Role::TextDim,
                &note,
            );
        }
    }
}

impl View for Page {
    fn place(&self) -> Place {
        Place::Page(self.kind.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs {
            twin: self.twin().cloned(),
            deployments: matches!(self.kind, PageKind::DeploymentJson(_)),
            ..Needs::default()
        }
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        match &self.kind {
            PageKind::DeploymentJson(_) => shell.deployments.list.as_of(),
            PageKind::Json(id) => shell.details.twins.get(id).and_then(|twin| twin.as_of()),
            PageKind::Simulator => shell.simulator.as_of(),
            PageKind::Help(_) | PageKind::Keys | PageKind::Messages | PageKind::Activity => None,
        }
    }

    fn source(&self) -> Source {
        match &self.kind {
            PageKind::Json(_) => Source::Twins,
            PageKind::DeploymentJson(_) => Source::Deployments,
            _ => Source::Heartbeat,
        }
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        let text = match &self.kind {
            PageKind::Help(_) => "help   keys that work where you came from".to_owned(),
            PageKind::Keys => "keys   every action".to_owned(),
            PageKind::Messages => "messages   newest first".to_owned(),
            PageKind::Activity => "changes of this run   newest first".to_owned(),
            PageKind::Simulator => "the simulated hub".to_owned(),
            PageKind::Json(id) => format!("json   {}   secrets masked", id.shown()),
            PageKind::DeploymentJson(id) => format!("json   {}   secrets masked", id.shown()),
        };
        vec![(Role::Fg, text)]
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        let Some(to) = Move::of(action) else { return Step::unused() };
        let count = self.lines(shell, width(shell.size.0)).len();
        self.top = to.scroll(self.top, shell.body_rows(), count);
        Step::done()
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}

/// Cells of a line.
fn width(columns: u16) -> usize {
    usize::from(columns.saturating_sub(4))
}

/// A document, or why there is none yet.
fn document(document: Option<Value>, fault: Option<&(Fault, Now)>, width: usize) -> Vec<Vec<Piece>> {
    match (document, fault) {
        (Some(document), _) => text_json::pretty(&document).lines().flat_map(|text| json_lines(text, width)).collect(),
        (None, Some((fault, _))) => {
            let text = format!("{fault}; {}", fault.advice());
            wrap(&text, width).into_iter().map(|line| vec![(Role::StatusBad, line)]).collect()
        }
        (None, None) => vec![vec![(Role::TextDim, "not read yet".to_owned())]],
    }
}

/// A line of JSON over as many lines as it needs, the later ones below its beginning.
fn json_lines(text: &str, width: usize) -> Vec<Vec<Piece>> {
    let bare = text.trim_start();
    let indent = text.len() - bare.len();
    let room = width.saturating_sub(indent + 2).max(20);
    wrap(bare, room)
        .into_iter()
        .enumerate()
        .map(|(index, part)| vec![(Role::Fg, format!("{}{part}", " ".repeat(indent + if index == 0 { 0 } else { 2 })))])
        .collect()
}

/// The twin's document again, secrets masked: what `GET /twins` says, without its `$metadata`.
fn as_sent(twin: &Twin) -> Value {
    let section = |values: &Map<String, Value>, version: u64| {
        let mut values = values.clone();
        values.insert("$version".to_owned(), version.into());
        Value::Object(values)
    };
    let mut document = json!({
        "deviceId": twin.id.device.as_str(),
        "moduleId": twin.id.module.as_ref().map(|module| module.as_str()),
        "etag": twin.etag.as_str(),
        "version": twin.version,
        "status": twin.status,
        "connectionState": twin.connection_state,
        "tags": twin.tags,
        "properties": {
            "desired": section(&twin.desired.values, twin.desired.version),
            "reported": section(&twin.reported.values, twin.reported.version),
        },
    });
    mask_json(&mut document);
    document
}

/// A key, a command or a sign, and what it means.
fn explained(lines: &mut Vec<Vec<Piece>>, role: Role, what: &str, meaning: &str, width: usize) {
    lines.extend(labelled((role, what), 22, Role::Fg, meaning, width));
}

fn help(scopes: Option<&[Scope]>, shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
    let keymap = &shell.keymap;
    let mut lines = Vec::new();
    let all: Vec<Scope> = match scopes {
        Some(scopes) => scopes.to_vec(),
        None => Scope::ALL.to_vec(),
    };
    for scope in &all {
        let actions: Vec<ActionId> = ActionId::ALL
            .iter()
            .copied()
            .filter(|id| id.action().scope == *scope && !keymap.keys_for(*id).is_empty())
            .collect();
        if actions.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![(Role::Header, scope.name().to_uppercase())]);
        for id in actions {
            let action = id.action();
            let keys = keymap.keys_for(id).iter().map(ToString::to_string).collect::<Vec<_>>().join("  ");
            explained(&mut lines, Role::HintKey, &keys, action.doc, width);
            if let Some(line) = lines.last_mut() {
                if keymap.is_own(id) {
                    line.push((Role::Accent, "  [yours]".to_owned()));
                }
                if action.danger == Danger::Write && shell.session.read_only {
                    line.push((Role::StatusWarn, "  needs read-write".to_owned()));
                }
            }
        }
    }
    lines.push(Vec::new());
    lines.push(vec![(Role::Header, "COMMANDS".to_owned())]);
    for id in CommandId::ALL {
        let command = id.command();
        explained(&mut lines, Role::HintKey, &format!(":{}", command.usage), command.doc, width);
    }
    lines.push(Vec::new());
    lines.push(vec![(Role::Header, "FILTER".to_owned())]);
    for (typed, doc) in [
        ("/text", "rows that contain it; an upper-case letter makes case count"),
        ("/!text", "rows that do not"),
        ("/~regex", "rows that match the expression; /!~regex those that do not"),
        ("/-f text", "rows that have the letters in order"),
        ("/-l building=B1", "rows with the tag; key!=value and key work too, commas join"),
        ("/status:backoff", "one column of devices: device status mods worst deployments tags link reported"),
        (
            "/state:rejected",
            "one column of deployments: deployment kind priority state target targeted applied rejected",
        ),
    ] {
        explained(&mut lines, Role::HintKey, typed, doc, width);
    }
    lines.push(Vec::new());
    lines.push(vec![(Role::Header, "SIGNS".to_owned())]);
    for sign in Sign::ALL {
        let glyph = sign.glyph(shell.glyphs);
        explained(&mut lines, sign.role(), glyph, sign.word(), width);
    }
    lines
}

/// What keeps data from being fresh at this moment, in full; then what was said, newest first.
fn messages(shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
    let mut lines = troubles(shell, width);
    for notice in shell.notices.all().rev() {
        let role = match notice.severity {
            Severity::Info | Severity::Outcome => Role::ToastInfo,
            Severity::Warning => Role::ToastWarn,
            Severity::Error => Role::ToastError,
        };
        let count = if notice.count > 1 { format!("  ({} times)", notice.count) } else { String::new() };
        let age = format!("{:>5} ago  ", age_text(shell.now.since(notice.at)));
        let text = format!("{}{count}", notice.text);
        lines.extend(labelled((Role::TextDim, &age), MARGIN, role, &text, width));
    }
    if lines.is_empty() {
        lines.push(vec![(Role::TextDim, "nothing was said yet".to_owned())]);
    }
    lines
}

/// Each trouble once, whoever reads into it.
fn troubles(shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
    let mut said: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for trouble in Source::ALL.into_iter().filter_map(|source| shell.link.trouble(source)) {
        let text = format!("{}; {}", trouble.fault, trouble.fault.advice());
        if said.contains(&text) {
            continue;
        }
        let age = format!("for {:>5}  ", age_text(shell.now.since(trouble.since)));
        lines.extend(labelled((Role::TextDim, &age), MARGIN, Role::StatusBad, &text, width));
        said.push(text);
    }
    lines
}

fn activity(shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    for entry in shell.ops.entries().rev() {
        let (role, word) = match &entry.state {
            OpState::Accepted => (Role::StatusProgress, "writing the audit record".to_owned()),
            OpState::Sending => (Role::StatusProgress, "being sent, no answer yet".to_owned()),
            OpState::Unknown(_) => (Role::StatusWarn, "UNKNOWN, reading back".to_owned()),
            OpState::Done(outcome, _) => match outcome {
                Outcome::Applied(found) => (Role::StatusOk, applied(found, entry.intent.request.words().done)),
                Outcome::Conflict(_) => (Role::StatusWarn, "412, somebody else was faster; nothing changed".to_owned()),
                Outcome::Refused(why) => (Role::StatusBad, format!("refused: {}", why.shown())),
                Outcome::NotApplied(_) => (Role::StatusWarn, "no answer; read back: it did not take effect".to_owned()),
                Outcome::Overtaken(_) => {
                    (Role::StatusWarn, "did not take effect: no answer, and somebody else wrote instead".to_owned())
                }
                Outcome::Undecidable { why, .. } => (Role::StatusBad, format!("UNDECIDABLE: no answer, and {why}")),
            },
        };
        let age = format!("{:>5} ago  ", age_text(shell.now.since(entry.intent.asked_at)));
        lines.push(vec![
            (Role::TextDim, age),
            (Role::Fg, format!("{}   ", entry.intent.request.target().shown())),
            (role, word),
        ]);
        for line in entry.intent.request.lines() {
            let (role, text) = change::request_line(line);
            lines.push(vec![(Role::Fg, " ".repeat(MARGIN)), (role, text)]);
        }
        let undo = match entry.intent.request.inverse() {
            None => "nothing takes it back".to_owned(),
            Some(mut inverse) => {
                mask_json(&mut inverse);
                text_json::compact(&inverse)
            }
        };
        lines.extend(labelled((Role::TextDim, "     undo"), MARGIN, Role::TextDim, &undo, width));
        let body = entry.intent.request.http().body.unwrap_or_default();
        let mut masked = body.clone();
        mask_json(&mut masked);
        let shown = if masked == body {
            entry.intent.az_equivalent()
        } else {
            "the az equivalent holds a secret and is not shown".to_owned()
        };
        let az = Untrusted::new(shown).shown().to_string();
        lines.extend(labelled((Role::TextDim, "       az"), MARGIN, Role::TextDim, &az, width));
        lines.push(Vec::new());
    }
    if lines.is_empty() {
        let text = "nothing was changed in this run; the record of earlier ones: `edgedeck audit list`";
        lines.extend(wrap(text, width).into_iter().map(|line| vec![(Role::TextDim, line)]));
    }
    lines
}

/// What the hub showed of the object afterwards.
fn applied(found: &Found, done: &str) -> String {
    match found {
        Found::Twin(twin) => format!("applied, desired v{}", twin.desired.version),
        Found::Reply(reply) => format!("{done}, it answered {}", reply.status),
        Found::Taken => "accepted by the hub; what runs follows".to_owned(),
        Found::Device(_) | Found::Deployment(_) | Found::Absent => done.to_owned(),
    }
}

fn simulator(shell: &Shell, width: usize) -> Vec<Vec<Piece>> {
    if !shell.session.simulated {
        return vec![vec![(Role::Fg, "this is not a simulated hub; start with `edgedeck --sim`".to_owned())]];
    }
    let mut lines = Vec::new();
    for text in shell.simulator.get().into_iter().flatten() {
        match text.split_once("  ") {
            Some((head, rest)) => {
                lines.extend(labelled((Role::TextDim, head), 20, Role::Fg, rest.trim_start(), width));
            }
            None => lines.extend(wrap(text, width).into_iter().map(|part| vec![(Role::Fg, part)])),
        }
    }
    lines
}
