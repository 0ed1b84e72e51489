//! The bands around every view: title and location above, message and hints below. They keep their height, whatever
//! happens, so that the eye and the byte diff both stay put (console-ux G-1).

use std::time::Duration;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::domain::time::age_text;
use crate::store::LinkHealth;
use crate::tui::canvas::{Canvas, Piece, fit, fit_middle};
use crate::tui::model::Model;
use crate::tui::notices::Severity;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;

/// Cells and rows without which no view can be used.
pub const SMALLEST: (u16, u16) = (60, 16);

/// How old data may be, in poll intervals, before it is called stale, and before nobody should believe it.
const STALE_AFTER: u32 = 2;
const DEAD_AFTER: u32 = 10;

/// The role of data of an age, and the word for it.
#[must_use]
pub fn freshness(age: Duration, every: Duration) -> (Role, &'static str) {
    let every = every.max(Duration::from_secs(5));
    if age > every * DEAD_AFTER {
        (Role::Dead, "OLD")
    } else if age > every * STALE_AFTER {
        (Role::Stale, "STALE")
    } else {
        (Role::Fresh, "")
    }
}

/// The first band.
pub fn title(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let shell = &model.shell;
    let session = &shell.session;
    let wide = area.width >= 100;
    let mut left: Vec<Piece> = vec![(Role::Title, " edgedeck ".to_owned())];
    if wide {
        left.push((Role::TextDim, " ctx ".to_owned()));
    }
    left.push((Role::Fg, fit_middle(&session.context, 24)));
    left.push((Role::TextDim, if wide { "  hub ".to_owned() } else { " ".to_owned() }));
    left.push((
        Role::Fg,
        fit_middle(session.hub.split('.').next().unwrap_or(&session.hub), if wide { 40 } else { 22 }),
    ));
    left.push((Role::Fg, "  ".to_owned()));
    let mut badge = |role: Role, text: String| {
        left.push((role, format!(" {text} ")));
        left.push((Role::Fg, " ".to_owned()));
    };
    if session.production {
        badge(Role::ModeProduction, "PROD".to_owned());
    }
    if session.simulated {
        badge(Role::ModeSim, "SIM".to_owned());
    }
    if session.read_only {
        badge(Role::ModeReadonly, "READ-ONLY".to_owned());
    } else {
        badge(Role::ModeReadwrite, "READ-WRITE".to_owned());
    }
    if let Some(since) = shell.paused {
        badge(Role::ModePaused, format!("PAUSED {}", age_text(shell.now.since(since))));
    }
    if let Some((since, fault)) = &shell.link.trouble {
        let word = match shell.link.health {
            LinkHealth::Throttled => "THROTTLED",
            LinkHealth::Forbidden => "FORBIDDEN",
            LinkHealth::QuotaExceeded => "QUOTA USED UP",
            LinkHealth::Offline | LinkHealth::Online | LinkHealth::Connecting => "OFFLINE",
        };
        let _ = fault;
        badge(Role::StatusBad, format!("{word} {}", age_text(shell.now.since(*since))));
    }
    let used = canvas.pieces(area.x, area.y, area.width, &left);
    let right = freshness_pieces(model, wide);
    let cells: usize = right.iter().map(|(_, text)| text.width()).sum();
    let cells = u16::try_from(cells).unwrap_or(u16::MAX);
    if cells.saturating_add(used).saturating_add(1) <= area.width {
        canvas.pieces(area.right() - cells, area.y, cells, &right);
    } else if let Some((role, text)) = right.first() {
        // The age is never dropped.
        let cells = u16::try_from(text.width()).unwrap_or(0);
        canvas.text_right(area.right(), area.y, cells, *role, text);
    }
}

fn freshness_pieces(model: &Model, wide: bool) -> Vec<Piece> {
    let shell = &model.shell;
    let mut pieces = Vec::new();
    if let Some(at) = model.screen().and_then(|screen| screen.as_of(shell)) {
        let age = shell.now.since(at);
        let (role, word) = freshness(age, shell.link.budget.fleet_every);
        let word = if word.is_empty() { String::new() } else { format!("{word} ") };
        pieces.push((role, format!("{word}as of {} ", age_text(age))));
    }
    if shell.link.health == LinkHealth::Connecting && shell.link.trouble.is_none() {
        pieces.push((Role::StatusProgress, "connecting ".to_owned()));
    }
    if wide {
        let budget = shell.link.budget;
        if !budget.fleet_every.is_zero() {
            pieces.push((Role::TextDim, format!("  poll {}", age_text(budget.fleet_every))));
        }
        if budget.allowed > 0 {
            pieces.push((Role::TextDim, format!("  msgs {}/{} today", budget.spent, short(budget.allowed))));
        }
    }
    let open = shell.ops.open();
    if open > 0 {
        pieces.push((Role::StatusProgress, format!("  {open} in flight")));
    }
    pieces.push((Role::Fg, " ".to_owned()));
    pieces
}

/// `20000` as `20k`: a limit, not a count.
fn short(n: u64) -> String {
    if n >= 1_000 && n.is_multiple_of(1_000) { format!("{}k", n / 1_000) } else { n.to_string() }
}

/// The second band.
pub fn location(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(screen) = model.screen() {
        let room = usize::from(area.width.saturating_sub(2));
        let mut pieces = screen.location(&model.shell);
        let mut used = 0;
        for (_, text) in &mut pieces {
            let left = room.saturating_sub(used);
            if text.width() > left {
                *text = fit(text, left);
            }
            used += text.width();
        }
        canvas.pieces(area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
    }
}

/// The message band: what there is to say, or what the hub's silence means.
pub fn message(shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
    let room = area.width.saturating_sub(2);
    let Some(notice) = shell.notices.current(shell.now) else {
        if let Some((_, fault)) = &shell.link.trouble {
            let next = shell.link.retry_at.map_or(Duration::ZERO, |at| at.since(shell.now));
            let next = if next.is_zero() { "trying now".to_owned() } else { format!("next try in {}", age_text(next)) };
            let text = format!("{fault}; {} ({next}, ctrl-r: now)", fault.advice());
            canvas.text(area.x + 1, area.y, room, Role::StatusBad, &fit(&text, usize::from(room)));
        }
        return;
    };
    let role = match notice.severity {
        Severity::Info => Role::ToastInfo,
        Severity::Warning => Role::ToastWarn,
        Severity::Error => Role::ToastError,
    };
    let sign = match notice.severity {
        Severity::Info => "",
        Severity::Warning => "! ",
        Severity::Error => "x ",
    };
    let others = shell.notices.others(shell.now);
    let note = if others > 0 { format!("  M: {others} more") } else { String::new() };
    let count = if notice.count > 1 { format!(" ({} times)", notice.count) } else { String::new() };
    let text = format!("{sign}{}{count}", notice.text);
    let note_cells = u16::try_from(note.width()).unwrap_or(0);
    let text_room = room.saturating_sub(note_cells);
    canvas.text(area.x + 1, area.y, text_room, role, &fit(&text, usize::from(text_room)));
    canvas.text_right(area.right().saturating_sub(1), area.y, note_cells, Role::TextDim, &note);
}

/// The hint band: keys that work now, the most used first, cut at the edge.
pub fn hints(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let mut x = area.x + 1;
    let scopes = model.scopes();
    for (keys, title) in model.keymap.hints(&scopes, !model.shell.session.read_only).into_iter().take(12).map(hint_text)
    {
        let cells = u16::try_from(keys.width() + title.width() + 3).unwrap_or(u16::MAX);
        if x.saturating_add(cells) > area.right().saturating_add(2) {
            break;
        }
        x += canvas.text(x, area.y, area.right().saturating_sub(x), Role::HintKey, &keys);
        x += canvas.text(x, area.y, area.right().saturating_sub(x), Role::HintText, &format!(" {title}"));
        x += 2;
    }
}

fn hint_text((action, chord): (crate::tui::actions::ActionId, &crate::tui::keymap::Chord)) -> (String, String) {
    (chord.to_string(), action.action().title.to_owned())
}

/// The screen that is shown when no view fits: what is needed, and that nothing stopped.
pub fn too_small(model: &Model, canvas: &mut Canvas<'_>) {
    let area = canvas.area();
    let (width, height) = SMALLEST;
    let open = model.shell.ops.open();
    let mut lines = vec![
        (Role::StatusWarn, "too small".to_owned()),
        (Role::Fg, format!("needs {width}x{height}")),
        (Role::Fg, format!("has {}x{}", area.width, area.height)),
    ];
    if open > 0 {
        lines.push((Role::StatusProgress, format!("{open} in flight")));
    }
    lines.push((Role::TextDim, "q quits".to_owned()));
    for (offset, (role, text)) in lines.iter().enumerate() {
        if let Ok(offset) = u16::try_from(offset) {
            canvas.text(0, offset, area.width, *role, text);
        }
    }
}
