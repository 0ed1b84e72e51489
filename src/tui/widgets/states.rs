//! What a view shows when it has nothing to list: why, and what to do next. A blank table is a bug (console-ux G-70).

use ratatui::layout::Rect;

use crate::domain::fault::Fault;
use crate::domain::time::{Now, age_text};
use crate::tui::canvas::Canvas;
use crate::tui::theme::Role;
use crate::tui::widgets::text::wrap;

/// A body without rows.
#[derive(Debug, Clone)]
pub enum Blank<'a> {
    /// The first read is out.
    Loading {
        /// What was asked for.
        what: String,
        /// Since when.
        since: Option<Now>,
        /// How to leave.
        leave: &'static str,
    },
    /// Read, and there is none.
    Empty {
        /// Why that can be.
        why: String,
        /// What to do.
        next: String,
    },
    /// There are some, and the filter lets none through.
    Filtered {
        /// How many there are.
        total: usize,
        /// The filter as typed; empty when only faults are shown.
        filter: String,
        /// Whether only faults are shown.
        faults_only: bool,
    },
    /// Nothing was ever read, because it failed.
    Failed(&'a Fault),
    /// The hub says that there is none.
    Gone {
        /// What.
        what: String,
    },
}

/// Draws it in the upper third of the area, where eyes are.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, blank: &Blank<'_>, now: Now) {
    let (head, lines): ((Role, String), Vec<(Role, String)>) = match blank {
        Blank::Loading { what, since, leave } => {
            let waited = since.map(|at| format!(", {}", age_text(now.since(at)))).unwrap_or_default();
            ((Role::StatusProgress, format!("reading {what}{waited}")), vec![(Role::TextDim, (*leave).to_owned())])
        }
        Blank::Empty { why, next } => ((Role::Fg, why.clone()), vec![(Role::TextDim, next.clone())]),
        Blank::Filtered { total, filter, faults_only } => {
            let mut lines = Vec::new();
            if !filter.is_empty() {
                lines.push((Role::Match, format!("/{filter}")));
            }
            if *faults_only {
                lines.push((Role::StatusWarn, "faults only: F shows the others".to_owned()));
            }
            lines.push((Role::TextDim, "esc shows everything".into()));
            ((Role::StatusWarn, format!("0 of {total} match")), lines)
        }
        Blank::Failed(fault) => (
            (Role::StatusBad, fault.to_string()),
            vec![
                (Role::Fg, fault.advice().to_owned()),
                (Role::TextDim, "ctrl-r tries now; what was read before is kept, here nothing was".into()),
            ],
        ),
        Blank::Gone { what } => (
            (Role::StatusBad, format!("there is no such thing at the hub: {what}")),
            vec![(Role::TextDim, "esc goes back".into())],
        ),
    };
    let width = usize::from(area.width.saturating_sub(4));
    let mut y = area.y + area.height / 4;
    for (role, text) in std::iter::once(head).chain(lines) {
        for line in wrap(&text, width) {
            if y >= area.bottom() {
                return;
            }
            canvas.text(area.x + 2, y, area.width.saturating_sub(4), role, &line);
            y += 1;
        }
    }
}
