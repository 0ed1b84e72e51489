//! A twin: desired and reported side by side; an editor over a draft; a review of exactly what is sent; and after a
//! 412 both changes with a choice per path.
//!
//! `View → Edit → Review → (dialog) → sent → View`, and from a 412 `Conflict → Review`. Every step back keeps the text.

pub mod conflict;
mod draw;
pub mod edit;
mod location;
mod review;
mod review_page;
pub mod rows;

use crate::store::{Needs, Source};
use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::{PageKind, Place, Step, View};
use crate::domain::ids::{ModuleId, TwinId};
use crate::domain::json::Path;
use crate::domain::time::{Now, age_text, wall_age};
use crate::domain::twin::Twin;
use crate::local::Draft;
use crate::tui::actions::{ActionId, Scope};
use crate::tui::layers::Question;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::widgets::list::{List, Move};

use conflict::Conflict;
use edit::Edit;
use review::Review;

/// The view's state.
#[derive(Debug, Clone)]
pub struct TwinView {
    id: TwinId,
    list: List<Path>,
    mode: Mode,
    /// Choices that were left half-way.
    parked: Option<Box<Conflict>>,
    /// Whether the external editor is wanted as soon as the disk has said what it holds: what another console left
    /// there must not be replaced by what is typed over an older text.
    goes_outside: bool,
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

impl TwinView {
    /// The view of `id` on what is known of it.
    #[must_use]
    pub fn new(id: TwinId, shell: &Shell) -> Self {
        let mut view =
            Self { id, list: List::default(), mode: Mode::View, parked: None, goes_outside: false, scroll: 0 };
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

    /// The disk has answered: the external editor, if that is what was asked for.
    pub fn outside(&mut self) -> Option<Effect> {
        let wanted = std::mem::take(&mut self.goes_outside);
        match &self.mode {
            Mode::Edit(edit) if wanted => Some(Effect::EditOutside(self.id.clone(), edit.editor.text())),
            _ => None,
        }
    }
}

impl View for TwinView {
    fn place(&self) -> Place {
        Place::Twin(self.id.clone())
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { twin: Some(self.id.clone()), ..Needs::default() }
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        shell.details.twins.get(&self.id).and_then(|twin| twin.as_of())
    }

    fn source(&self) -> Source {
        Source::Twins
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        if matches!(self.mode, Mode::View) && self.twin(shell).is_some() {
            let order = self.order(shell);
            self.list.replace(order);
        }
        let mut step = Step::done();
        self.follow(shell, &mut step);
        step
    }

    fn scopes(&self) -> Vec<Scope> {
        match &self.mode {
            Mode::View => vec![Scope::Twin, Scope::Object, Scope::Table],
            Mode::Edit(_) => vec![Scope::Editor],
            Mode::Review(_) => vec![Scope::Review, Scope::Table],
            Mode::Conflict(_) => vec![Scope::Conflict, Scope::Table],
        }
    }

    fn offers(&self, action: ActionId, shell: &Shell) -> bool {
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

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
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
                        self.goes_outside = action == ActionId::TwinEditExternal;
                        if action == ActionId::TwinReview {
                            step.effects.extend(self.review(shell).effects);
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
                (_, Some(to)) => {
                    self.scroll = review_page::moved(review, self.scroll, to, shell);
                    Step::done()
                }
                (ActionId::ReviewSend, _) if review.sent.is_some() => Step::done(),
                (ActionId::ReviewSend, _) => {
                    let (edit, intent) = (review.edit.clone(), review.intent.clone());
                    if !self.moved_on(&edit, shell) {
                        return Step { ask: Some(Question::Send(Box::new(intent.into()))), ..Step::done() };
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

    fn location(&self, shell: &Shell) -> Vec<Piece> {
        self.whereabouts(shell)
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area)
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
