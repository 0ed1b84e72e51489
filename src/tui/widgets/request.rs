//! A request on a page: how far it is, what changes, every byte that would be sent, and what takes it back; secrets
//! masked.

use crate::domain::ids::OpId;
use crate::domain::json;
use crate::domain::secret::mask_json;
use crate::domain::text::Untrusted;
use crate::ops::{OpState, Write, WriteIntent};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::change;
use crate::tui::widgets::text::wrap;

/// What is said while a request that was handed to the gateway is on its way; nothing before and after.
#[must_use]
pub fn progress(sent: Option<&OpId>, shell: &Shell) -> Vec<Piece> {
    let Some(op) = sent else { return Vec::new() };
    match shell.ops.get(op).map(|entry| &entry.state) {
        Some(OpState::Accepted) => vec![(Role::StatusProgress, "writing the audit record".to_owned())],
        Some(OpState::Sending) | None => {
            vec![(Role::StatusProgress, "being sent, waiting for the hub's answer".to_owned())]
        }
        Some(OpState::Unknown(fault)) => {
            let text =
                "no usable answer: it may have happened. Reading back until that is known; nothing is sent again.";
            vec![(Role::StatusWarn, text.to_owned()), (Role::TextDim, fault.to_string())]
        }
        Some(OpState::Done(..)) => Vec::new(),
    }
}

/// The lines of a request, not wrapped yet.
#[must_use]
pub fn lines<R: Write>(intent: &WriteIntent<R>) -> Vec<Piece> {
    let request = &intent.request;
    let mut lines: Vec<Piece> = request.lines().into_iter().map(change::request_line).collect();
    lines.push((Role::Fg, String::new()));
    lines.push((Role::Header, "REQUEST".to_owned()));
    let http = request.http();
    lines.push((Role::Fg, format!("{} {}", http.method, http.path.as_str())));
    lines.push((Role::Fg, format!("Host: {}", Untrusted::new(intent.hub.as_str()).shown())));
    if let Some(guard) = http.if_match {
        lines.push((Role::Fg, format!("If-Match: \"{}\"", guard.shown())));
    }
    if let Some(mut body) = http.body {
        mask_json(&mut body);
        lines.extend(json::pretty(&body).lines().map(|text| (Role::Fg, text.to_owned())));
    }
    lines.push((Role::Fg, String::new()));
    lines.push((Role::Header, "TAKES IT BACK".to_owned()));
    match request.inverse() {
        None => lines.push((Role::TextDim, "nothing".to_owned())),
        Some(mut inverse) => {
            mask_json(&mut inverse);
            lines.extend(json::pretty(&inverse).lines().map(|text| (Role::TextDim, text.to_owned())));
        }
    }
    lines
}

/// Breaks lines at `width` cells; what a line continues on stands two cells further in than the line itself.
#[must_use]
pub fn wrapped(lines: Vec<Piece>, width: usize) -> Vec<Piece> {
    lines.into_iter().flat_map(|(role, text)| hung(&text, width).into_iter().map(move |part| (role, part))).collect()
}

/// Wraps a line; what it continues on stands two cells further in than the line itself, and behind the sign of a change,
/// when that leaves room.
fn hung(text: &str, width: usize) -> Vec<String> {
    let signed = ["+ ", "~ ", "- "].into_iter().find(|sign| text.starts_with(sign));
    let indent = text.len() - text.trim_start_matches(' ').len();
    let (head, rest, more) = match signed {
        Some(sign) => (sign.to_owned(), text.get(sign.len()..).unwrap_or_default(), 4),
        None if indent == 0 => return wrap(text, width),
        None => (" ".repeat(indent.min(width / 2)), text.trim_start_matches(' '), indent + 2),
    };
    let more = more.min(width / 2);
    let parts = wrap(rest, width.saturating_sub(more));
    let pad = |(index, part): (usize, String)| {
        if index == 0 { format!("{head}{part}") } else { format!("{}{part}", " ".repeat(more)) }
    };
    parts.into_iter().enumerate().map(pad).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_hangs_and_loses_nothing() {
        assert_eq!(hung("    \"note\": \"one two three\"", 20), ["    \"note\": \"one", "      two three\""]);
        assert_eq!(hung("~ one two three", 9), ["~ one", "    two", "    three"]);
        let long = format!("  \"k\": \"{}\"", "x".repeat(100));
        let whole: String = hung(&long, 30).iter().map(|part| part.trim_start()).collect();
        assert_eq!(whole.replace(' ', ""), long.replace(' ', ""));
    }
}
