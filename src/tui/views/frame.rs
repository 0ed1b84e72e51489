//! The bands around every view: title and location above, message and hints below. They keep their place, whatever
//! happens, so that the eye and the byte diff both stay put (console-ux G-1); a long message lies over the last row of
//! the view until it goes, and moves nothing.

use std::time::Duration;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::domain::time::age_text;
use crate::store::{LinkHealth, Source, Trouble};
use crate::tui::actions::ActionId;
use crate::tui::canvas::{Canvas, Piece, fit, fit_middle};
use crate::tui::model::Model;
use crate::tui::notices::Severity;
use crate::tui::prompt::PromptKind;
use crate::tui::theme::Role;
use crate::tui::views::Screen;
use crate::tui::widgets::text::wrap;

/// Cells and rows without which no view can be used.
pub const SMALLEST: (u16, u16) = (60, 16);

/// How old data may be, in poll intervals, before it is called stale, and before nobody should believe it.
const STALE_AFTER: u32 = 2;
const DEAD_AFTER: u32 = 10;

/// Cells between two hints.
const HINT_GAP: usize = 2;
/// Rows a message may take; more is on the page of messages.
const MESSAGE_ROWS: u16 = 2;

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

/// The first band. The age and the badges are never cut; the hub's name gives way, in its middle.
pub fn title(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let session = &model.shell.session;
    let wide = area.width >= 100;
    let badges = badges(model);
    let right = freshness_pieces(model, wide);
    let cells = |pieces: &[Piece]| pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
    // The age alone, when there is no room for the rest.
    let right = if wide || cells(&badges) + cells(&right) + 34 <= usize::from(area.width) {
        right
    } else {
        right.into_iter().take(1).collect()
    };
    let mut left: Vec<Piece> = vec![(Role::Title, " edgedeck ".to_owned())];
    let room = usize::from(area.width).saturating_sub(cells(&badges) + cells(&right) + cells(&left) + 3);
    let hub = short_host(&session.hub);
    let labels = if wide { ("ctx ", "  hub ") } else { ("", " ") };
    let context_room = labels.0.len() + session.context.width() + labels.1.len();
    if room >= context_room + hub.width().min(12) {
        left.push((Role::TextDim, labels.0.to_owned()));
        left.push((Role::Fg, session.context.clone()));
        left.push((Role::TextDim, labels.1.to_owned()));
        left.push((Role::Fg, fit_middle(hub, room - context_room)));
    } else {
        left.push((Role::Fg, fit_middle(hub, room)));
    }
    left.push((Role::Fg, "  ".to_owned()));
    left.extend(badges);
    canvas.pieces(area.x, area.y, area.width, &left);
    let width = u16::try_from(cells(&right)).unwrap_or(area.width).min(area.width);
    canvas.pieces(area.right() - width, area.y, width, &right);
}

/// A hub's host name without its domain; an address or a name with a port stays whole.
fn short_host(host: &str) -> &str {
    let is_name = host.chars().any(|c| c.is_ascii_alphabetic()) && !host.contains(':');
    if is_name { host.split('.').next().unwrap_or(host) } else { host }
}

/// Words that say in what state everything on the screen is.
fn badges(model: &Model) -> Vec<Piece> {
    let shell = &model.shell;
    let session = &shell.session;
    let mut pieces = Vec::new();
    let mut badge = |role: Role, text: String| {
        pieces.push((role, format!(" {text} ")));
        pieces.push((Role::Fg, " ".to_owned()));
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
    if let Some(trouble) = trouble(model) {
        let word = match trouble.health {
            LinkHealth::Throttled => "THROTTLED",
            LinkHealth::Forbidden => "FORBIDDEN",
            LinkHealth::QuotaExceeded => "QUOTA USED UP",
            LinkHealth::Budget => "BUDGET",
            // The hub answers others: only what this view reads fails.
            LinkHealth::Offline if shell.link.health == LinkHealth::Online => "READS FAIL",
            LinkHealth::Offline | LinkHealth::Online | LinkHealth::Connecting => "OFFLINE",
        };
        // Who was asked to wait wants to know for how long, and the message below may be about something else.
        let rest = trouble.retry_at.map_or(Duration::ZERO, |at| at.since(shell.now));
        let waits = matches!(trouble.health, LinkHealth::Throttled | LinkHealth::Budget) && !rest.is_zero();
        let time = if waits { format!("next {}", age_text(rest)) } else { age_text(shell.now.since(trouble.since)) };
        badge(Role::StatusBad, format!("{word} {time}"));
    }
    pieces
}

/// What the open view reads; a page of text reads nothing, and shows how the link is.
fn source(model: &Model) -> Source {
    model.screen().map_or(Source::Heartbeat, |screen| screen.source())
}

/// What keeps the open view from being fresh. Statistics that a policy does not allow are missed by no view: under a
/// page of text only silence counts.
fn trouble(model: &Model) -> Option<Trouble<'_>> {
    let source = source(model);
    model
        .shell
        .link
        .trouble(source)
        .filter(|trouble| source != Source::Heartbeat || trouble.health != LinkHealth::Forbidden)
}

fn freshness_pieces(model: &Model, wide: bool) -> Vec<Piece> {
    let shell = &model.shell;
    let mut pieces = Vec::new();
    let own = model.screen().and_then(|screen| screen.every(shell));
    let every = own.unwrap_or_else(|| shell.link.budget.every(source(model)));
    if let Some(at) = model.screen().and_then(|screen| screen.as_of(shell)) {
        let age = shell.now.since(at);
        let (role, word) = freshness(age, every);
        let word = if word.is_empty() { String::new() } else { format!("{word} ") };
        pieces.push((role, format!("{word}as of {} ", age_text(age))));
    }
    if shell.link.health == LinkHealth::Connecting {
        pieces.push((Role::StatusProgress, "connecting ".to_owned()));
    }
    if wide {
        let budget = shell.link.budget;
        if !every.is_zero() {
            pieces.push((Role::TextDim, format!("  poll {}", age_text(every))));
        }
        if budget.allowed > 0 {
            pieces.push((Role::TextDim, format!("  msgs {}/{} this run", budget.spent, short(budget.allowed))));
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
    match n {
        1_000_000.. if n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        1_000.. if n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        _ => n.to_string(),
    }
}

/// The second band.
pub fn location(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(screen) = model.screen() {
        canvas.pieces(area.x + 1, area.y, area.width.saturating_sub(2), &screen.location(&model.shell));
    }
}

/// The message band: what there is to say, or what the hub's silence means.
pub fn message(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let shell = &model.shell;
    let room = area.width.saturating_sub(2);
    let Some(notice) = shell.notices.current(shell.now) else {
        if let Some(Trouble { fault, retry_at, .. }) = trouble(model) {
            let next = retry_at.map_or(Duration::ZERO, |at| at.since(shell.now));
            let next = if next.is_zero() { "trying now".to_owned() } else { format!("next try in {}", age_text(next)) };
            let text = format!("{next}: {fault}; {}", fault.advice());
            canvas.text(area.x + 1, area.y, room, Role::StatusBad, &fit(&text, usize::from(room)));
        }
        return;
    };
    let role = match notice.severity {
        Severity::Info | Severity::Outcome => Role::ToastInfo,
        Severity::Warning => Role::ToastWarn,
        Severity::Error => Role::ToastError,
    };
    let sign = match notice.severity {
        Severity::Info | Severity::Outcome => "",
        Severity::Warning => "! ",
        Severity::Error => "x ",
    };
    let others = shell.notices.others(shell.now);
    let note = if others > 0 { format!("  M: {others} more") } else { String::new() };
    let count = if notice.count > 1 { format!(" ({} times)", notice.count) } else { String::new() };
    let text = format!("{sign}{}{count}", notice.text);
    let note_cells = u16::try_from(note.width()).unwrap_or(0);
    let text_room = room.saturating_sub(note_cells);
    // What to do stands at the end: rather than cutting it, the message rises over the last row of the view.
    let mut lines = wrap(&text, usize::from(text_room));
    if lines.len() > usize::from(MESSAGE_ROWS) {
        let rest = lines.split_off(usize::from(MESSAGE_ROWS) - 1).join(" ");
        lines.push(rest);
    }
    let height = u16::try_from(lines.len()).unwrap_or(MESSAGE_ROWS);
    let area = Rect { y: area.bottom() - height, height, ..area };
    canvas.clear(area);
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        canvas.text(area.x + 1, y, text_room, role, &fit(line, usize::from(text_room)));
    }
    canvas.text_right(area.right().saturating_sub(1), area.bottom() - 1, note_cells, Role::TextDim, &note);
}

/// The hint band: keys that work now, the most used first, as many as fit. The way back is always among them.
pub fn hints(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let room = usize::from(area.width.saturating_sub(2));
    let hints: Vec<(ActionId, String, &str)> = model
        .shell
        .keymap
        .hints(&model.scopes(), !model.shell.session.read_only)
        .into_iter()
        .filter_map(|(action, chord)| Some((action, chord.to_string(), hint_title(model, action)?)))
        .collect();
    let cells = |(_, keys, title): &(ActionId, String, &str)| keys.width() + 1 + title.width() + HINT_GAP;
    let back = hints.iter().find(|(action, ..)| *action == ActionId::Back);
    let mut left = (room + HINT_GAP).saturating_sub(back.map_or(0, cells));
    let mut x = area.x + 1;
    for hint in &hints {
        let is_back = hint.0 == ActionId::Back;
        if !is_back && left < cells(hint) {
            // What comes later matters less, but for the way back.
            left = 0;
            continue;
        }
        left -= if is_back { 0 } else { cells(hint) };
        let (_, keys, title) = hint;
        x += canvas.text(x, area.y, area.right().saturating_sub(x), Role::HintKey, keys);
        x += canvas.text(x, area.y, area.right().saturating_sub(x), Role::HintText, &format!(" {title}"));
        x += 2;
    }
}

/// What the hint calls an action here and now; nothing when it would do nothing.
fn hint_title(model: &Model, action: ActionId) -> Option<&'static str> {
    let filtering = model.prompt.as_ref().is_some_and(|prompt| prompt.kind == PromptKind::Filter);
    if filtering {
        return match action {
            ActionId::InputAccept => Some("keep it"),
            ActionId::Back => Some("take it back"),
            ActionId::InputComplete | ActionId::InputNext | ActionId::InputPrevious | ActionId::InputHistory => None,
            _ => Some(action.action().title),
        };
    }
    if model.prompt.is_some() || model.layer.is_some() {
        return Some(action.action().title);
    }
    let screen = model.screen()?;
    if !screen.offers(action, &model.shell) {
        return None;
    }
    match (action, screen) {
        (ActionId::LogFollow, Screen::Logs(view)) if view.is_following() => Some("stay here"),
        (ActionId::Faults, Screen::Fleet(view)) if view.faults_only() => Some("all devices"),
        (ActionId::Faults, Screen::Deployments(view)) if view.faults_only() => Some("all deployments"),
        _ => Some(action.action().title),
    }
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

#[cfg(test)]
mod tests {
    #[test]
    fn limits_are_short_where_they_are_round() {
        for (n, text) in [(400, "400"), (8_000, "8k"), (1_234, "1234"), (300_000_000, "300M"), (1_500_000, "1500k")] {
            assert_eq!(super::short(n), text);
        }
    }
}
