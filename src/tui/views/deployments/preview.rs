//! The deployment under the cursor, from the list alone: moving the cursor costs no request.

use ratatui::layout::Rect;

use super::draw::other_words;
use super::row::{self, Row, state_words};
use crate::domain::deployment::Listed;
use crate::domain::effective::Contents;
use crate::domain::secret::shown;
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::deployment::evidence::Evidence;
use crate::tui::widgets::states::wrap;

/// Cells of the names at the left.
const LABEL: usize = 10;

pub(super) fn draw(row: &Row<'_>, evidence: Option<&Evidence>, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    let mut fact = |label: &str, role: Role, text: &str| {
        for (index, line) in wrap(text, width.saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(vec![(Role::TextDim, format!("{label:<LABEL$}")), (role, line)]);
        }
    };
    let (_, kind) = row::kind(row.listed);
    match row.listed {
        Listed::Other(other) => {
            fact("kind", Role::Fg, kind);
            fact("", Role::TextDim, &other_words(&other.kind));
            fact("target", Role::Fg, other.target.shown().as_str());
        }
        Listed::Edge(deployed) => {
            let standing = deployed.standing(row.now);
            fact("state", row::sign(standing).role(), &state_words(deployed, standing));
            fact("target", Role::Fg, &row.cell(row::DeploymentColumn::Target).1);
            fact("sets", Role::Fg, &sets(&Contents::of(&deployed.configuration.content)));
            for (index, (role, text)) in
                evidence.map_or_else(Vec::new, |found| found.lines(shell)).into_iter().enumerate()
            {
                fact(if index == 0 { "twins" } else { "" }, role, &text);
            }
            let labels = deployed.configuration.shown_labels();
            if !labels.is_empty() {
                fact("labels", Role::TextDim, &labels.join("  "));
            }
            fact("etag", Role::TextDim, deployed.etag.shown().as_str());
        }
    }
    for (y, pieces) in (area.y..area.bottom()).zip(&lines) {
        canvas.pieces(area.x + 1, y, area.width.saturating_sub(2), pieces);
    }
}

/// What it sets, in a line.
fn sets(contents: &Contents) -> String {
    let count = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let mut parts: Vec<String> = Vec::new();
    let own: Vec<String> = contents
        .modules
        .iter()
        .filter(|module| !module.id.as_str().starts_with('$'))
        .map(|module| {
            let id = module.id.shown();
            module.image.as_ref().map_or_else(|| id.to_string(), |image| format!("{id} ({})", last_of(image.raw())))
        })
        .collect();
    let system = contents.modules.len() - own.len();
    parts.extend(own);
    if system > 0 {
        parts.push(count(system, "system module"));
    }
    for (n, one) in [
        (contents.routes.len(), "route"),
        (contents.twins.len(), "twin"),
        (contents.registries.len(), "registry credential"),
    ] {
        if n > 0 {
            parts.push(count(n, one));
        }
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// An image without its registry: its name and tag say what runs.
fn last_of(image: &str) -> String {
    shown(image.rsplit('/').next().unwrap_or(image)).into()
}
