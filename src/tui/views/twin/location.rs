//! The second band over a twin: the way here, what is being done, and how the draft stands.

use super::edit::Edit;
use super::{Mode, TwinView};
use crate::domain::time::age_text;
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;

/// Below this width the way here gives way to what is going on.
const WIDE: u16 = 100;

impl TwinView {
    /// Where we are.
    #[must_use]
    pub(super) fn whereabouts(&self, shell: &Shell) -> Vec<Piece> {
        let wide = shell.size.0 >= WIDE;
        let mut pieces = Vec::new();
        if wide || matches!(self.mode, Mode::View) {
            pieces.push((Role::TextDim, format!("devices > {} > ", self.id.device.shown())));
        }
        if let Some(module) = &self.id.module {
            pieces.push((Role::Fg, module.shown().into()));
            pieces.push((Role::TextDim, " > ".to_owned()));
        }
        let word = match &self.mode {
            Mode::View => "twin",
            Mode::Edit(_) => "twin   EDITING",
            Mode::Review(review) if review.sent.is_some() => "twin   SENDING",
            Mode::Review(_) => "twin   REVIEW",
            Mode::Conflict(_) => "twin   BOTH CHANGED IT",
        };
        pieces.push((Role::Fg, word.to_owned()));
        let is_overtaken = |edit: &Edit| self.twin(shell).is_some_and(|twin| twin.etag != edit.base.etag);
        match &self.mode {
            Mode::View if shell.drafts.contains_key(&self.id) => {
                let text = if wide { "   a draft of yours waits: e goes on with it" } else { "   a draft waits (e)" };
                pieces.push((Role::StatusWarn, text.to_owned()));
            }
            Mode::Edit(edit) => {
                if is_overtaken(edit) {
                    let text = if wide { "   changed at the hub meanwhile" } else { "   changed at the hub" };
                    pieces.push((Role::StatusWarn, text.to_owned()));
                }
                let based = format!("   based on etag {}", edit.base.etag.shown());
                pieces.push((Role::TextDim, format!("   {}{based}", self.kept(edit, shell))));
            }
            Mode::Review(review) if review.sent.is_none() && is_overtaken(&review.edit) => {
                pieces.push((Role::StatusWarn, "   the twin moved: s shows both changes".to_owned()));
            }
            Mode::View | Mode::Review(_) | Mode::Conflict(_) => {}
        }
        pieces
    }

    /// Whether what was typed would survive.
    fn kept(&self, edit: &Edit, shell: &Shell) -> String {
        match (edit.is_unchanged(), edit.kept) {
            (true, _) => "nothing changed yet".to_owned(),
            _ if shell.is_unsaved(&self.id) => "draft NOT on disk".to_owned(),
            (false, Some(at)) => format!("draft kept {} ago", age_text(shell.now.since(at))),
            (false, None) => "draft not kept yet".to_owned(),
        }
    }
}
