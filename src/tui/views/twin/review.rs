//! From a draft to a write and back: the review of exactly what is sent, what became of it, and the way to both changes
//! when somebody else was faster.

use std::sync::Arc;

use serde_json::Value;

use super::conflict::{Conflict, Noticed};
use super::edit::Edit;
use super::{Mode, TwinView, keep};
use crate::domain::ids::OpId;
use crate::domain::json;
use crate::domain::twin::Twin;
use crate::ops::{Found, OpState, Outcome, TwinWrite, WriteIntent};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::views::Step;

/// A write before and while it is sent.
#[derive(Debug, Clone)]
pub struct Review {
    /// What would be sent.
    pub intent: WriteIntent<TwinWrite>,
    /// Where it came from, for going back.
    pub edit: Edit,
    /// Its number, once it was handed to the gateway.
    pub sent: Option<OpId>,
}

impl TwinView {
    /// Looks whether the write that was sent has ended.
    pub(super) fn follow(&mut self, shell: &mut Shell, step: &mut Step) {
        let Mode::Review(review) = &self.mode else { return };
        let Some(entry) = review.sent.as_ref().and_then(|op| shell.ops.get(op)) else { return };
        let OpState::Done(outcome, _) = &entry.state else { return };
        let (outcome, review) = (outcome.clone(), review.clone());
        match outcome {
            Outcome::Applied(_) => {
                // Its draft went with the news of the outcome, unless something else was typed since.
                step.effects.push(Effect::PollNow);
                step.effects.extend(self.end(shell));
            }
            Outcome::Conflict(theirs) => {
                let theirs = twin_of(theirs.as_ref()).or_else(|| self.twin(shell).cloned());
                self.side_by_side(review, theirs, Noticed::Refused, shell, step);
            }
            Outcome::Overtaken(theirs) => {
                self.side_by_side(review, twin_of(Some(&theirs)), Noticed::Overtaken, shell, step);
            }
            Outcome::Undecidable { now, .. } => {
                self.side_by_side(review, twin_of(now.as_ref()), Noticed::Undecidable, shell, step);
            }
            Outcome::Refused(_) | Outcome::NotApplied(_) => self.mode = Mode::editing(review.edit),
        }
    }

    /// After a write that met another: shows both when the twin as it is now is known.
    fn side_by_side(
        &mut self,
        review: Box<Review>,
        theirs: Option<Arc<Twin>>,
        how: Noticed,
        shell: &mut Shell,
        step: &mut Step,
    ) {
        match theirs {
            Some(theirs) if theirs.etag != review.intent.request.if_match => {
                self.clash(&review.edit, theirs, shell);
                if let Mode::Conflict(conflict) = &mut self.mode {
                    conflict.how = how;
                }
            }
            // The twin as it is now could not be read: the edit stays, and the next try shows both.
            _ => self.mode = Mode::editing(review.edit),
        }
        step.effects.push(Effect::PollNow);
    }

    /// Shows my edit and theirs.
    pub(super) fn clash(&mut self, edit: &Edit, theirs: Arc<Twin>, shell: &mut Shell) {
        let base = crate::domain::secret::conceal(&edit.base.desired.values);
        let text = edit.editor.text();
        match json::parse_strict(&text) {
            Ok(Value::Object(mine)) => {
                let tags_only = theirs.desired.version == edit.base.desired.version;
                let conflict = Conflict::new(&base, edit.base.etag.clone(), theirs, &mine, text);
                self.mode = Mode::choosing(Conflict { tags_only, ..conflict });
            }
            _ => {
                shell.warn("the twin changed at the hub; the draft cannot be read as JSON yet, so it is not compared");
                self.mode = Mode::editing(edit.clone());
            }
        }
    }

    /// When the twin is known to have changed since the edit began, sending could only end in a 412: both changes are
    /// shown instead. Says whether that was so.
    pub(super) fn moved_on(&mut self, edit: &Edit, shell: &mut Shell) -> bool {
        let theirs =
            self.twin(shell).filter(|twin| twin.etag != edit.base.etag && twin.version > edit.base.version).cloned();
        let Some(theirs) = theirs else { return false };
        let what = if theirs.desired.version == edit.base.desired.version {
            "only its tags: nothing to choose, s goes on"
        } else {
            "both changes, choose per path"
        };
        shell.warn(format!("somebody changed this twin meanwhile; nothing was sent; {what}"));
        self.clash(edit, theirs, shell);
        true
    }

    pub(super) fn review(&mut self, shell: &mut Shell) -> Step {
        let mut edit = match &mut self.mode {
            Mode::Edit(edit) => (**edit).clone(),
            Mode::Conflict(conflict) => match conflict.rebase() {
                Ok(edit) => edit,
                Err(missing) => {
                    if conflict.list.selected().is_some_and(|at| conflict.mine_wins.get(*at) != Some(&None)) {
                        conflict.step(true);
                    }
                    let paths = if missing == 1 { "path" } else { "paths" };
                    shell.warn(format!("{missing} {paths} still to choose: m mine, t theirs"));
                    return Step::done();
                }
            },
            Mode::View | Mode::Review(_) => return Step::unused(),
        };
        // What was typed last is kept before anything takes its place on screen.
        let mut effects = keep(&mut edit, shell);
        if edit.check.is_ok() && self.moved_on(&edit, shell) {
            return Step { effects, ..Step::done() };
        }
        match edit.intent(shell) {
            Err(why) => {
                match &mut self.mode {
                    // Theirs everywhere: what was typed stays the draft until it is thrown away in so many words.
                    Mode::Conflict(conflict) if edit.is_unchanged() => {
                        shell.warn(
                            "theirs everywhere: nothing to send; :discard throws your draft away, e compares again",
                        );
                        self.parked = Some(conflict.clone());
                        effects.extend(self.end(shell));
                        return Step { effects, ..Step::done() };
                    }
                    _ => shell.warn(why),
                }
                match &mut self.mode {
                    _ if edit.is_unchanged() => effects.extend(self.end(shell)),
                    Mode::Edit(open) => open.kept = edit.kept,
                    // Something has to be typed again.
                    _ => self.mode = Mode::editing(edit),
                }
                Step { effects, ..Step::done() }
            }
            Ok(intent) => {
                self.scroll = 0;
                self.mode = Mode::Review(Box::new(Review { intent, edit, sent: None }));
                Step { effects, ..Step::done() }
            }
        }
    }

    /// The write of the review was handed to the gateway.
    pub fn sent(&mut self, op: &OpId) {
        if let Mode::Review(review) = &mut self.mode
            && review.intent.op == *op
        {
            review.sent = Some(op.clone());
        }
    }
}

fn twin_of(found: Option<&Found>) -> Option<Arc<Twin>> {
    found.and_then(Found::twin).cloned()
}
