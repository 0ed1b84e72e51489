//! A twin: desired and reported side by side; an editor over a draft; a review of exactly what is sent; and after a
//! 412 both changes with a choice per path.
//!
//! `View → Edit → Review → (dialog) → sent → View`, and from a 412 `Conflict → Review`. Every step back keeps the text.

pub mod conflict;
mod draw;
pub mod edit;
pub mod rows;

use std::sync::Arc;

use crossterm::event::KeyEvent;
use serde_json::Value;

use super::{PageKind, Place, Step};
use crate::domain::ids::{ModuleId, OpId, TwinId};
use crate::domain::json::{self, Path};
use crate::domain::time::{age_text, wall_age};
use crate::domain::twin::Twin;
use crate::local::Draft;
use crate::ops::{OpState, Outcome, WriteIntent};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::Piece;
use crate::tui::layers::Question;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::{List, Move};

use conflict::{Conflict, Noticed};
use edit::Edit;

/// The view's state.
#[derive(Debug, Clone)]
pub struct TwinView {
    id: TwinId,
    list: List<Path>,
    mode: Mode,
    /// Choices that were left half-way.
    parked: Option<Box<Conflict>>,
    /// First line of the review that is shown.
    scroll: usize,
}

/// What is being done to the twin.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Looking.
    View,
    /// Typing.
    Edit(Box<Edit>),
    /// Looking at what would be sent, or is being sent.
    Review(Box<Review>),
    /// Choosing between two changes.
    Conflict(Box<Conflict>),
}

impl Mode {
    fn editing(edit: Edit) -> Self {
        Self::Edit(Box::new(edit))
    }

    fn choosing(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

/// A write before and while it is sent.
#[derive(Debug, Clone)]
pub struct Review {
    /// What would be sent.
    pub intent: WriteIntent,
    /// Where it came from, for going back.
    pub edit: Edit,
    /// Its number, once it was handed to the gateway.
    pub sent: Option<OpId>,
}

impl TwinView {
    /// The view of `id` on what is known of it.
    #[must_use]
    pub fn new(id: TwinId, shell: &Shell) -> Self {
        let mut view = Self { id, list: List::default(), mode: Mode::View, parked: None, scroll: 0 };
        let order = view.order(shell);
        view.list.replace(order);
        view
    }

    /// Whose twin.
    #[must_use]
    pub fn id(&self) -> &TwinId {
        &self.id
    }

    /// What is being done to it.
    #[must_use]
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    fn twin<'a>(&self, shell: &'a Shell) -> Option<&'a Arc<Twin>> {
        shell.details.twin(&self.id)
    }

    fn order(&self, shell: &Shell) -> Vec<Path> {
        let Some(twin) = self.twin(shell) else { return Vec::new() };
        rows::align(&twin.desired, &twin.reported).into_iter().map(|row| row.path).collect()
    }

    /// Where keys mean something.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        match &self.mode {
            Mode::View => vec![Scope::Twin, Scope::Object, Scope::Table],
            Mode::Edit(_) => vec![Scope::Editor],
            Mode::Review(_) => vec![Scope::Review, Scope::Table],
            Mode::Conflict(_) => vec![Scope::Conflict, Scope::Table],
        }
    }

    /// Takes over new data; keeps the draft; follows a write that was sent.
    pub fn refresh(&mut self, shell: &mut Shell) -> Step {
        if matches!(self.mode, Mode::View) && self.twin(shell).is_some() {
            let order = self.order(shell);
            self.list.replace(order);
        }
        let mut step = Step::done();
        self.follow(shell, &mut step);
        step
    }

    /// Time went on: typing that was not handed over for keeping is.
    pub fn tick(&mut self, shell: &mut Shell) -> Step {
        let mut step = Step::done();
        if let Mode::Edit(edit) = &mut self.mode
            && edit.kept.is_none()
        {
            step.effects = keep(edit, shell);
        }
        step
    }

    /// Looks whether the write that was sent has ended.
    fn follow(&mut self, shell: &mut Shell, step: &mut Step) {
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
                let theirs = theirs.or_else(|| self.twin(shell).cloned());
                self.side_by_side(review, theirs, Noticed::Refused, shell, step);
            }
            Outcome::Overtaken(theirs) => self.side_by_side(review, Some(theirs), Noticed::Overtaken, shell, step),
            Outcome::Undecidable { now, .. } => self.side_by_side(review, now, Noticed::Undecidable, shell, step),
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
            Some(theirs) if theirs.etag != review.intent.if_match => {
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
    fn clash(&mut self, edit: &Edit, theirs: Arc<Twin>, shell: &mut Shell) {
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

    /// Whether it is being edited, reviewed or compared.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.mode, Mode::View)
    }

    /// The disk holds a draft that is not known here: it goes on, unless something was typed meanwhile.
    pub fn found(&mut self, draft: Draft, shell: &mut Shell) {
        if matches!(&self.mode, Mode::Edit(edit) if !edit.typed) {
            shell.take_found(draft);
            self.start(shell);
        } else {
            shell.warn("another console left a draft of this twin on disk; what is here goes on, and takes its place");
        }
    }

    /// The edit is over: other consoles may have the draft, unless one that was typed here waits to be gone on with.
    fn give_free(&self, shell: &Shell) -> Option<Effect> {
        (!shell.has_typed(&self.id)).then(|| Effect::CloseDraft(edit::draft_key(&self.id, shell)))
    }

    /// Back to looking.
    fn end(&mut self, shell: &mut Shell) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Mode::Edit(edit) = &self.mode
            && edit.typed
            && edit.is_unchanged()
        {
            // Everything was taken back by hand: what was kept on the way is no draft any more.
            effects.extend(shell.drop_draft(&self.id).map(|draft| Effect::DiscardDraft(draft.key)));
        }
        self.mode = Mode::View;
        effects.extend(self.give_free(shell));
        effects
    }

    /// The view is left for good.
    #[must_use]
    pub fn closed(&self, shell: &Shell) -> Option<Effect> {
        self.is_open().then(|| self.give_free(shell)).flatten()
    }

    /// Starts or resumes editing.
    fn start(&mut self, shell: &mut Shell) -> bool {
        let Some(twin) = self.twin(shell).cloned() else {
            shell.warn("the twin was not read yet; it can be edited when it is here");
            return false;
        };
        if let Some(module) = self.id.module.as_ref().filter(|module| module.is_system()) {
            shell.warn(format!(
                "{} belongs to the runtime: its desired properties are written by deployments only (the hub answers 401100)",
                module.shown()
            ));
            return false;
        }
        match shell.drafts.get(&self.id).cloned() {
            None => self.mode = Mode::editing(Edit::new(twin)),
            Some(draft) if draft.base_etag == twin.etag => {
                self.mode = Mode::editing(Edit::resume(&twin, &draft, shell));
                shell.info(format!("your draft of {} ago goes on; :discard throws it away", draft_age(&draft, shell)));
            }
            Some(draft) => {
                if let Some(parked) = self.parked.take_if(|parked| parked.is_of(&draft.text, &twin)) {
                    self.mode = Mode::Conflict(parked);
                    return true;
                }
                let edit = Edit::resume(&twin, &draft, shell);
                shell.warn("the twin changed since your draft was begun: both changes, choose per path");
                self.clash(&edit, twin, shell);
            }
        }
        true
    }

    /// When the twin is known to have changed since the edit began, sending could only end in a 412: both changes are
    /// shown instead. Says whether that was so.
    fn moved_on(&mut self, edit: &Edit, shell: &mut Shell) -> bool {
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

    fn review(&mut self, shell: &mut Shell) -> Step {
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

    /// Whether the action would do anything.
    #[must_use]
    pub fn offers(&self, action: ActionId, shell: &Shell) -> bool {
        let edits = matches!(action, ActionId::TwinEdit | ActionId::TwinEditExternal | ActionId::Open);
        let system = self.id.module.as_ref().is_some_and(ModuleId::is_system);
        match (&self.mode, action) {
            (Mode::View, ActionId::TwinReview | ActionId::TwinDiscard) => shell.drafts.contains_key(&self.id),
            // `e` says it; `enter` need not say it again.
            (Mode::View, ActionId::Open) => false,
            (Mode::View, _) if edits => !system && self.twin(shell).is_some(),
            (Mode::Review(review), ActionId::ReviewSend) => review.sent.is_none(),
            _ => true,
        }
    }

    /// Does an action.
    pub fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        match action {
            ActionId::CopyId => {
                let text: String = self.id.shown().into();
                shell.info(format!("{text} sent to the terminal's clipboard (it does not confirm)"));
                return Step::effect(Effect::Copy(text));
            }
            ActionId::TwinDiscard => return self.discard(shell),
            ActionId::Back => return self.back(shell),
            _ => {}
        }
        let height = shell.body_rows();
        match &mut self.mode {
            Mode::View => {
                if let Some(step) = Move::of(action) {
                    self.list.go(step, height.saturating_sub(8));
                    return Step::done();
                }
                match action {
                    ActionId::TwinEdit | ActionId::Open | ActionId::TwinEditExternal | ActionId::TwinReview => {
                        if !self.start(shell) {
                            return Step::done();
                        }
                        let mut step = Step::effect(Effect::OpenDraft(edit::draft_key(&self.id, shell)));
                        match (action, &self.mode) {
                            (ActionId::TwinEditExternal, Mode::Edit(edit)) => {
                                step.effects.push(Effect::EditOutside(self.id.clone(), edit.editor.text()));
                            }
                            (ActionId::TwinReview, _) => step.effects.extend(self.review(shell).effects),
                            _ => {}
                        }
                        step
                    }
                    ActionId::RawJson => Step::go(Place::Page(PageKind::Json(self.id.clone()))),
                    _ => Step::unused(),
                }
            }
            Mode::Edit(edit) => match action {
                ActionId::EditorReview | ActionId::TwinReview => self.review(shell),
                ActionId::EditorUndo | ActionId::EditorRedo => {
                    let moved = if action == ActionId::EditorUndo { edit.editor.undo() } else { edit.editor.redo() };
                    if moved {
                        edit.changed();
                    } else {
                        shell.info("nothing more to take back or do again");
                    }
                    Step::done()
                }
                _ => Step::unused(),
            },
            Mode::Review(review) => match (action, Move::of(action)) {
                (_, Some(Move::Down)) => {
                    self.scroll += 1;
                    Step::done()
                }
                (_, Some(Move::Up)) => {
                    self.scroll = self.scroll.saturating_sub(1);
                    Step::done()
                }
                (ActionId::ReviewSend, _) if review.sent.is_some() => Step::done(),
                (ActionId::ReviewSend, _) => {
                    let (edit, intent) = (review.edit.clone(), review.intent.clone());
                    if !self.moved_on(&edit, shell) {
                        return Step { ask: Some(Question::Send(Box::new(intent))), ..Step::done() };
                    }
                    Step::done()
                }
                _ => Step::unused(),
            },
            Mode::Conflict(conflict) => {
                if let Some(step) = Move::of(action) {
                    conflict.list.go(step, height.saturating_sub(8));
                    return Step::done();
                }
                match action {
                    ActionId::ConflictMine | ActionId::ConflictTheirs => {
                        if let Err(why) = conflict.choose(action == ActionId::ConflictMine) {
                            shell.info(why);
                        }
                        Step::done()
                    }
                    ActionId::ConflictNext => {
                        conflict.step(true);
                        Step::done()
                    }
                    ActionId::ConflictPrevious => {
                        conflict.step(false);
                        Step::done()
                    }
                    ActionId::ConflictReview | ActionId::TwinReview => self.review(shell),
                    _ => Step::unused(),
                }
            }
        }
    }

    fn discard(&mut self, shell: &mut Shell) -> Step {
        let has_draft = shell.drafts.contains_key(&self.id) || matches!(self.mode, Mode::Edit(_));
        if !has_draft {
            shell.info("there is no draft of this twin");
            return Step::done();
        }
        Step { ask: Some(Question::Discard(self.id.clone())), ..Step::done() }
    }

    /// The draft was thrown away.
    pub fn discarded(&mut self, shell: &mut Shell) -> Vec<Effect> {
        self.mode = Mode::View;
        self.parked = None;
        let draft = shell.drop_draft(&self.id).map(|draft| Effect::DiscardDraft(draft.key));
        draft.or_else(|| self.give_free(shell)).into_iter().collect()
    }

    /// One step back; the text is kept.
    fn back(&mut self, shell: &mut Shell) -> Step {
        match &mut self.mode {
            Mode::View => Step { leave: true, ..Step::done() },
            Mode::Edit(edit) => {
                let mut step = Step::done();
                if !edit.is_unchanged() {
                    if edit.kept.is_none() {
                        step.effects = keep(edit, shell);
                    }
                    if shell.is_unsaved(&self.id) {
                        shell.warn("the draft is in this console only, not on disk; e goes on with it");
                    } else {
                        shell.info("the draft is kept; e goes on with it, :discard throws it away");
                    }
                }
                step.effects.extend(self.end(shell));
                step
            }
            Mode::Review(review) if review.sent.is_some() => {
                shell.info("sent; the outcome will be told, and is on :audit");
                Step { leave: true, ..Step::done() }
            }
            Mode::Review(review) => {
                self.mode = Mode::editing(review.edit.clone());
                Step::done()
            }
            Mode::Conflict(conflict) => {
                shell.info("the draft and the choices are kept; e shows both changes again");
                self.parked = Some(conflict.clone());
                Step { effects: self.end(shell), ..Step::done() }
            }
        }
    }

    /// Types a key into the editor.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        match &mut self.mode {
            Mode::Edit(edit) => {
                if edit.editor.key(key) {
                    edit.changed();
                }
                true
            }
            Mode::View | Mode::Review(_) | Mode::Conflict(_) => false,
        }
    }

    /// Pastes into the editor.
    pub fn paste(&mut self, text: &str) -> bool {
        match &mut self.mode {
            Mode::Edit(edit) => {
                if edit.editor.paste(text) {
                    edit.changed();
                }
                true
            }
            Mode::View | Mode::Review(_) | Mode::Conflict(_) => false,
        }
    }

    /// The external editor came back. Kept at once: nothing else holds the text, and the terminal may be gone.
    pub fn edited_outside(&mut self, text: &str, shell: &mut Shell) -> Vec<Effect> {
        if let Mode::Edit(edit) = &mut self.mode
            && edit.editor.text() != text.trim_end_matches('\n')
        {
            edit.editor.replace(text.trim_end_matches('\n'));
            edit.changed();
            return keep(edit, shell);
        }
        Vec::new()
    }

    /// Where we are.
    #[must_use]
    pub fn location(&self, shell: &Shell) -> Vec<Piece> {
        let mut pieces = Vec::new();
        // Narrow, the way here gives way to what is going on.
        if shell.size.0 >= 100 || matches!(self.mode, Mode::View) {
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
        if let Mode::Edit(edit) = &self.mode {
            let kept = match (edit.is_unchanged(), edit.kept) {
                (true, _) => "nothing changed yet".to_owned(),
                _ if shell.is_unsaved(&self.id) => "draft NOT on disk".to_owned(),
                (false, Some(at)) => format!("draft kept {} ago", age_text(shell.now.since(at))),
                (false, None) => "draft not kept yet".to_owned(),
            };
            if self.twin(shell).is_some_and(|twin| twin.etag != edit.base.etag) {
                pieces.push((Role::StatusWarn, "   changed at the hub meanwhile".to_owned()));
            }
            pieces.push((Role::TextDim, format!("   {kept}   based on etag {}", edit.base.etag.shown())));
        } else if let Mode::Review(review) = &self.mode
            && review.sent.is_none()
            && self.twin(shell).is_some_and(|twin| twin.etag != review.edit.base.etag)
        {
            pieces.push((Role::StatusWarn, "   the twin moved: s shows both changes".to_owned()));
        } else if matches!(self.mode, Mode::View) && shell.drafts.contains_key(&self.id) {
            pieces.push((Role::StatusWarn, "   a draft of yours waits: e goes on with it".to_owned()));
        }
        pieces
    }
}

/// Hands the draft over for keeping.
fn keep(edit: &mut Edit, shell: &mut Shell) -> Vec<Effect> {
    if edit.is_unchanged() {
        return Vec::new();
    }
    let draft = edit.draft(shell);
    edit.kept = Some(shell.now);
    shell.take_typed(draft.clone());
    vec![Effect::SaveDraft(Box::new(draft))]
}

fn draft_age(draft: &Draft, shell: &Shell) -> String {
    age_text(wall_age(shell.now.wall, draft.saved_at))
}
