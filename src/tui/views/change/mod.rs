//! A change before, while and after it is sent: what was asked for, what it amounts to on what was read just now, and
//! every byte of the request. `s` asks, and the dialog sends.

mod draw;

use super::page::Sources;
use super::{Place, Step, View};
use crate::domain::ids::{OpId, TwinId};
use crate::domain::time::{Now, age_text};
use crate::ops::{OpState, Order, Outcome, Prepared, Request, Target, Unprepared, Write, WriteIntent};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::layers::{Question, STALE};
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::list::Move;
use ratatui::layout::Rect;

/// The view's state.
#[derive(Debug, Clone)]
pub struct ChangeView {
    order: Order,
    state: State,
    /// The first line shown.
    top: usize,
}

#[derive(Debug, Clone)]
enum State {
    /// Nothing was asked for yet.
    New,
    /// What it is about is being read, since then.
    Reading(Now),
    /// There is no request.
    Failed(Unprepared),
    /// It can be looked at, and sent.
    Ready(Box<Ready>),
}

#[derive(Debug, Clone)]
struct Ready {
    intent: WriteIntent,
    warnings: Vec<String>,
    /// When what it is about was read.
    read: Now,
    /// Its number, once it was handed to the gateway.
    sent: Option<OpId>,
}

impl ChangeView {
    /// The view of an order that nobody prepared yet.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self { order, state: State::New, top: 0 }
    }

    /// What was asked for.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    fn prepare(&mut self, shell: &Shell) -> Step {
        self.state = State::Reading(shell.now);
        self.top = 0;
        Step::effect(Effect::Prepare(Box::new(self.order.clone())))
    }

    /// What came of preparing.
    pub fn prepared(&mut self, result: Result<Prepared, Unprepared>, shell: &mut Shell) {
        if !matches!(self.state, State::Reading(_)) {
            return;
        }
        self.state = match result {
            Err(why) => State::Failed(why),
            Ok(Prepared { request, warnings }) => {
                let intent = shell.intent(request);
                State::Ready(Box::new(Ready { intent, warnings, read: shell.now, sent: None }))
            }
        };
    }

    /// The write was handed to the gateway.
    pub fn sent(&mut self, op: &OpId) {
        if let State::Ready(ready) = &mut self.state
            && ready.intent.op == *op
        {
            ready.sent = Some(op.clone());
            self.top = 0;
        }
    }

    /// Where to go once the hub took it: there it is seen happening.
    #[must_use]
    pub fn arrived(&self, shell: &Shell) -> Option<Place> {
        let State::Ready(ready) = &self.state else { return None };
        let OpState::Done(Outcome::Applied(_), _) = ready.op_state(shell)? else { return None };
        Some(match ready.intent.request.target() {
            Target::Device(_) if matches!(self.order, Order::DeleteDevice(_)) => Place::Fleet,
            Target::Device(id) if matches!(self.order, Order::Register { edge: false, .. }) => {
                Place::Twin(TwinId::device(id))
            }
            Target::Device(id) => Place::Device(id),
            Target::Twin(id) => Place::Device(id.device),
            Target::Deployment(_) if matches!(self.order, Order::DeleteDeployment(_)) => Place::Deployments(None),
            Target::Deployment(id) => Place::Deployment(id),
        })
    }
}

impl View for ChangeView {
    fn place(&self) -> Place {
        Place::Change(Box::new(self.order.clone()))
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Review, Scope::Table]
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        match self.state {
            State::New => self.prepare(shell),
            _ => Step::done(),
        }
    }

    fn as_of(&self, _: &Shell) -> Option<Now> {
        match &self.state {
            State::Ready(ready) => Some(ready.read),
            State::New | State::Reading(_) | State::Failed(_) => None,
        }
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        vec![(Role::TextDim, "change > ".to_owned()), (Role::Fg, self.order.title())]
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        match (action, &self.state) {
            (ActionId::ReviewSend, State::Ready(ready)) => ready.sent.is_none(),
            (ActionId::ReviewSend, _) => false,
            _ => true,
        }
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        if let Some(step) = Move::of(action) {
            self.top = draw::moved(self, step, shell);
            return Step::done();
        }
        match (action, &self.state) {
            (ActionId::Refresh, State::Ready(ready)) if ready.in_flight(shell) => {
                shell.info("it is being sent; what becomes of it is said here");
                Step::done()
            }
            // Each look asks several things of the hub.
            (ActionId::Refresh, State::Reading(_)) => Step::done(),
            (ActionId::Refresh, _) => self.prepare(shell),
            (ActionId::ReviewSend, State::Ready(ready))
                if ready.sent.is_none() && shell.now.since(ready.read) > STALE =>
            {
                let age = age_text(shell.now.since(ready.read));
                shell.info(format!("this was read {age} ago; ctrl-r looks at it anew first"));
                Step::done()
            }
            (ActionId::ReviewSend, State::Ready(ready)) if ready.sent.is_none() => {
                Step { ask: Some(Question::Send(Box::new(ready.intent.clone()))), ..Step::done() }
            }
            (ActionId::ReviewSend, State::Ready(ready)) if ready.in_flight(shell) => Step::done(),
            (ActionId::ReviewSend, State::Ready(_) | State::Failed(_)) => {
                shell.info("ctrl-r looks at it anew first");
                Step::done()
            }
            (ActionId::ReviewSend, State::New | State::Reading(_)) => Step::done(),
            _ => Step::unused(),
        }
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect, _: &Sources<'_>) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}

impl Ready {
    fn op_state<'a>(&self, shell: &'a Shell) -> Option<&'a OpState> {
        Some(&shell.ops.get(self.sent.as_ref()?)?.state)
    }

    fn in_flight(&self, shell: &Shell) -> bool {
        self.sent.is_some() && !matches!(self.op_state(shell), Some(OpState::Done(..)))
    }

    fn is_manifest(&self) -> bool {
        matches!(self.intent.request, Request::Manifest(_))
    }
}
