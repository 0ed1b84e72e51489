//! After a write: what became of it is said wherever the operator is by now.

use crate::ops::{Found, OpState, OpsBoard, Outcome, Request, Write, WriteIntent};
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
        let target = entry.intent.request.target().shown();
        let done = entry.intent.request.words().done;
        match outcome {
            Outcome::Applied(found) => {
                // Also when its view was left meanwhile; what was typed since then is another draft.
                if let Some(write) = entry.intent.twin() {
                    let draft = model.shell.drafts.get(&write.target);
                    if let Some(draft) = draft.filter(|draft| is_sent(draft, write)) {
                        effects.push(Effect::DiscardDraft(draft.key.clone()));
                        model.shell.drop_draft(&write.target);
                    }
                }
                model.shell.outcome(applied(&entry.intent, found));
            }
            Outcome::Conflict(theirs) => {
                let what = match (entry.intent.twin(), theirs) {
                    (_, None) => "what they wrote could not be read",
                    // Their change is in the other half of the twin: there is nothing to put side by side.
                    (Some(write), Some(Found::Twin(theirs)))
                        if theirs.desired.version == write.base.desired.version =>
                    {
                        "they changed tags only"
                    }
                    (Some(_), Some(_)) => "both changes are shown",
                    (None, Some(_)) => "look at it again",
                };
                model.shell.warn(format!(
                    "412: {target} was changed by somebody else after it was read; nothing was overwritten, {what}"
                ));
            }
            Outcome::Refused(why) => model.shell.error(format!("{target} was not {done}: {}", why.shown())),
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

/// What was done, in the words of its kind.
fn applied(intent: &WriteIntent, found: &Found) -> String {
    let target = intent.request.target().shown();
    let done = intent.request.words().done;
    match (&intent.request, found) {
        (Request::Twin(write), Found::Twin(twin)) => {
            let from = write.base.desired.version;
            format!("your change of {target} is applied: desired v{from} -> v{}", twin.desired.version)
        }
        (Request::Manifest(_), _) => {
            format!("the hub accepted the manifest for {target}; edgeAgent carries it out when it hears of it")
        }
        (Request::Method(_), Found::Reply(reply)) => format!("{target} is {done}: it answered {}", reply.status),
        _ => format!("{target} is {done}"),
    }
}
