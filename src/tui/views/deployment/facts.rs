//! What stands above the lines: what the deployment is, and whom it is for. Side by side when there is room.

use super::DeploymentView;
use super::evidence::{Rivalry, places};
use crate::domain::deployment::Deployed;
use crate::domain::effective::Outcome;
use crate::domain::manifest::Kind;
use crate::domain::secret::shown;
use crate::domain::time::{HubTime, age_text, wall_age};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::deployments::row::{sign, state_words};
use crate::tui::widgets::states::wrap;

/// One line.
pub(super) type Line = Vec<Piece>;

/// Cells of the names at the left.
const LABEL: usize = 9;

fn fact(name: &str, role: Role, text: &str, width: usize) -> Vec<Line> {
    let lines = wrap(text, width.saturating_sub(LABEL)).into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let name = if index == 0 { name } else { "" };
            vec![(Role::TextDim, format!("{name:<LABEL$}")), (role, line)]
        })
        .collect()
}

impl DeploymentView {
    /// What it is.
    pub(super) fn about(&self, deployed: &Deployed, shell: &Shell, width: usize, stacked: bool) -> Vec<Line> {
        let configuration = &deployed.configuration;
        let standing = deployed.standing(shell.now.wall);
        let mut rows = fact("state", sign(standing).role(), &state_words(deployed, standing), width);
        let kind = match configuration.kind() {
            Some(Kind::Base) => "base",
            Some(Kind::Layer) => "layered",
            None => "without $edgeAgent, which the hub would not create",
        };
        let mut what = vec![
            (Role::TextDim, format!("{:<LABEL$}", "kind")),
            (Role::Fg, kind.to_owned()),
            (Role::TextDim, "   priority ".to_owned()),
            (Role::Fg, configuration.priority.to_string()),
        ];
        let ago = |at| format!("{} ago", age_text(wall_age(shell.now.wall, at)));
        let updated = deployed.updated.and_then(HubTime::instant);
        let changed = match updated {
            Some(at) if at == configuration.created => "never".to_owned(),
            Some(at) => ago(at),
            None => "-".to_owned(),
        };
        let when =
            [(Role::Fg, ago(configuration.created)), (Role::TextDim, "   changed ".to_owned()), (Role::Fg, changed)];
        if stacked {
            what.push((Role::TextDim, "   created ".to_owned()));
            what.extend(when);
            rows.push(what);
        } else {
            rows.push(what);
            let mut line = vec![(Role::TextDim, format!("{:<LABEL$}", "created"))];
            line.extend(when);
            rows.push(line);
        }
        rows
    }

    /// What it is besides.
    pub(super) fn besides(&self, deployed: &Deployed, width: usize) -> Vec<Line> {
        let mut rows = Vec::new();
        let schema = deployed.schema_version.as_ref().map_or_else(|| "-".to_owned(), |version| version.shown().into());
        rows.push(vec![
            (Role::TextDim, format!("{:<LABEL$}", "etag")),
            (Role::Fg, deployed.etag.shown().into()),
            (Role::TextDim, "   schema ".to_owned()),
            (Role::Fg, schema),
        ]);
        let labels = deployed.configuration.shown_labels();
        let (role, labels) =
            if labels.is_empty() { (Role::TextFaint, "none".to_owned()) } else { (Role::Fg, labels.join("  ")) };
        rows.extend(fact("labels", role, &labels, width));
        rows
    }

    /// Whom it is for, who has it, and what stands in its way.
    pub(super) fn for_whom(&self, deployed: &Deployed, shell: &Shell, width: usize) -> Vec<Line> {
        let condition = deployed.configuration.target.as_str();
        let (role, condition) = match condition.trim() {
            "" => (Role::TextFaint, "empty: for nobody".to_owned()),
            "*" => (Role::Fg, "*   every edge device".to_owned()),
            _ => (Role::Fg, shown(condition).into()),
        };
        let mut rows = fact("target", role, &condition, width);
        if let Some(error) = deployed.configuration.target.unread() {
            rows.extend(fact(
                "",
                Role::StatusUnknown,
                &format!("cannot be read here: {}", shown(&error.to_string())),
                width,
            ));
        }
        for (index, (role, text)) in self.evidence.lines(shell).into_iter().enumerate() {
            rows.extend(fact(if index == 0 { "twins" } else { "" }, role, &text, width));
        }
        for (index, (id, priority, rivalry)) in self.rivals.iter().enumerate() {
            let (role, text) = match rivalry {
                Rivalry::Overruled(paths) => {
                    let (role, on) = self.evidence.overruled_on(id);
                    (role, format!("{} ({priority}) above it overrules {}, {on}", id.shown(), places(paths)))
                }
                Rivalry::Tied => (Role::TextDim, format!("{} ({priority}) where both match: {TIED}", id.shown())),
                Rivalry::Yields(outcome) => {
                    (Role::TextDim, format!("{} ({priority}) where both match: {}", id.shown(), fares(*outcome)))
                }
            };
            rows.extend(fact(if index == 0 { "against" } else { "" }, role, &text, width));
        }
        if self.rivals.is_empty() {
            let is_base = |other: &Deployed| other.configuration.kind() == Some(Kind::Base);
            let (role, text) = if is_base(deployed) || shell.deployments.edge().any(is_base) {
                (Role::TextDim, "no other deployment of this hub is in its way")
            } else {
                (Role::StatusWarn, "no base in this hub: a layer alone does nothing")
            };
            rows.extend(fact("against", role, text, width));
        }
        rows
    }
}

const TIED: &str = "of one priority, and the newer wins; not to be relied on";

/// What becomes of it where a base matches too.
fn fares(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::LowerBase => "that base applies instead",
        Outcome::OlderBase => "of one priority, and the newer base applies; not to be relied on",
        Outcome::LayerBelowBase => "this layer is below that base's priority and does nothing",
        Outcome::LayerAtBase => "a layer at the base's own priority is dropped; not to be relied on",
        Outcome::LayerWithoutBase | Outcome::NoAgent | Outcome::Base | Outcome::Layer => "it does not apply",
    }
}
