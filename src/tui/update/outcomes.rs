//! After a write: what became of it is said wherever the operator is by now.

use crate::ops::{OpState, OpsBoard, Outcome};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::twin::edit::is_sent;

/// Says what became of writes, wherever the operator is by now.
pub(super) fn tell_outcomes(model: &mut Model, before: &OpsBoard, effects: &mut Vec<Effect>) {
    let ops = model.shell.ops.clone();
    for entry in ops.entries() {
        let OpState::Done(outcome, _) = &entry.state else { continue };
        if matches!(before.get(&entry.intent.op).map(|old| &old.state), Some(OpState::Done(..))) {
            continue;
        }
        let target = entry.intent.target.shown();
        match outcome {
            Outcome::Applied(twin) => {
                // Also when its view was left meanwhile; what was typed since then is another draft.
                let draft = model.shell.drafts.get(&entry.intent.target);
                if let Some(draft) = draft.filter(|draft| is_sent(draft, &entry.intent)) {
                    effects.push(Effect::DiscardDraft(draft.key.clone()));
                    model.shell.drop_draft(&entry.intent.target);
                }
                let from = entry.intent.base.desired.version;
                model.shell.outcome(format!("your change of {target} is applied: desired v{from} -> v{}", twin.desired.version));
            }
            Outcome::Conflict(theirs) => {
                let what = match theirs {
                    None => "what they wrote could not be read",
                    // Their change is in the other half of the twin: there is nothing to put side by side.
                    Some(theirs) if theirs.desired.version == entry.intent.base.desired.version => {
                        "they changed tags only"
                    }
                    Some(_) => "both changes are shown",
                };
                model.shell.warn(format!(
                    "412: {target} was changed by somebody else after it was read; nothing was overwritten, {what}"
                ));
            }
            Outcome::Refused(why) => model.shell.error(format!("{target} was not changed: {}", why.shown())),
            Outcome::NotApplied(_) => {
                model.shell.warn(format!("{target}: no answer came, and reading back shows that it did not take effect; send it again"));
            }
            Outcome::Overtaken(_) => model.shell.warn(format!(
                "{target}: no answer came, and reading back shows that somebody else wrote instead; yours did not take effect"
            )),
            Outcome::Undecidable { why, .. } => model.shell.error(format!(
                "{target}: no answer came, and nobody can tell whether the change was made: {why}; look before sending again"
            )),
        }
        effects.push(Effect::PollNow);
    }
}
