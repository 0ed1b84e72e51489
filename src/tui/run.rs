//! The loop: wait, update, do what is wanted, draw. The only asynchronous file of the console.
//!
//! It waits for nothing but keys, signals, a timer, and new pictures. Keys come first and are drawn at once; data is
//! drawn at most four times a second, ages once. Pictures are taken newest-only from `watch` channels, so no slow
//! terminal can hold a reader.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::domain::time::SharedClock;
use crate::ops::OpsBoard;
use crate::store::{DeploymentBoard, DetailBoard, FleetSnapshot, LinkState};
use crate::tui::following::LogBoard;
use crate::tui::model::Model;
use crate::tui::msg::{Effect, Msg};
use crate::tui::term::input::InputEvent;
use crate::tui::term::signals::Signal;
use crate::tui::update::update;
use crate::tui::view::view;

/// Frames are at least this far apart, however fast keys come: 30 a second.
const FRAME: Duration = Duration::from_millis(33);
/// New data is drawn at most this often: 4 a second.
const DATA_FRAME: Duration = Duration::from_millis(250);
/// Time goes on in these steps: ages tick, typing is kept.
const TICK: Duration = Duration::from_millis(500);
/// Keys taken before a frame is drawn, so that a flood of keys cannot starve the screen.
const KEYS_PER_FRAME: usize = 64;

/// The pictures the console looks at.
#[derive(Debug, Clone)]
pub struct Pictures {
    /// The fleet.
    pub fleet: watch::Receiver<Arc<FleetSnapshot>>,
    /// Twins of the open views.
    pub details: watch::Receiver<Arc<DetailBoard>>,
    /// Deployments, and devices behind their figures.
    pub deployments: watch::Receiver<Arc<DeploymentBoard>>,
    /// The link.
    pub link: watch::Receiver<Arc<LinkState>>,
    /// Writes.
    pub ops: watch::Receiver<Arc<OpsBoard>>,
    /// The log that is followed.
    pub logs: watch::Receiver<Arc<LogBoard>>,
}

/// Something that comes from outside the program.
#[derive(Debug)]
pub enum Outside {
    /// A key, a paste, a new size; `None` when there will be no more.
    Input(Option<InputEvent>),
    /// A signal.
    Signal(Signal),
    /// Something the model should hear.
    News(Msg),
}

/// The world as the loop sees it: a terminal, and somebody who carries out effects.
pub trait World {
    /// What comes next from outside; signals and keys before news. May be dropped and called again.
    fn next(&mut self) -> impl Future<Output = Outside>;
    /// A key that is there already.
    fn try_input(&mut self) -> Option<InputEvent>;
    /// Columns and rows.
    fn size(&self) -> (u16, u16);
    /// Shows a frame. Must not wait.
    fn present(&mut self, frame: &Buffer, cursor: Option<(u16, u16)>);
    /// Carries out an effect; what comes back is told to the model.
    fn carry_out(&mut self, effect: Effect) -> impl Future<Output = Vec<Msg>>;
    /// Deals with a signal that does not end the console.
    fn attend(&mut self, signal: Signal) -> impl Future<Output = Vec<Msg>>;
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The operator left.
    Left,
    /// A signal.
    Signalled(Signal),
    /// There is nothing to read keys from any more.
    InputGone,
}

/// Runs the console until somebody or something ends it.
pub async fn run(model: &mut Model, mut pictures: Pictures, world: &mut impl World, clock: &SharedClock) -> Ended {
    let mut painter = Painter::default();
    painter.draw(model, world);
    // What is there already belongs into the first real frame.
    pictures.fleet.mark_changed();
    pictures.details.mark_changed();
    pictures.deployments.mark_changed();
    pictures.link.mark_changed();
    pictures.ops.mark_changed();
    let mut tick = Instant::now() + TICK;
    loop {
        let wake = painter.due.map_or(tick, |due| due.min(tick));
        let mut messages = Vec::new();
        tokio::select! {
            // Signals and keys first: neither new data nor a timer may keep them waiting.
            biased;
            outside = world.next() => match outside {
                Outside::Signal(signal) if signal.exit_code().is_some() => return Ended::Signalled(signal),
                Outside::Signal(Signal::Resize) => {
                    let (columns, rows) = world.size();
                    messages.push(Msg::Resize(columns, rows));
                    painter.want(FRAME);
                }
                Outside::Signal(signal) => {
                    messages.extend(world.attend(signal).await);
                    painter.want(Duration::ZERO);
                }
                Outside::Input(None) => return Ended::InputGone,
                Outside::Input(Some(event)) => {
                    messages.extend(read(event));
                    for _ in 1..KEYS_PER_FRAME {
                        match world.try_input() {
                            Some(event) => messages.extend(read(event)),
                            None => break,
                        }
                    }
                    painter.answer();
                }
                Outside::News(message) => {
                    messages.push(message);
                    painter.want(FRAME);
                }
            },
            Ok(()) = pictures.ops.changed() => {
                messages.push(Msg::Ops(pictures.ops.borrow_and_update().clone()));
                painter.want(FRAME);
            }
            Ok(()) = pictures.link.changed() => {
                messages.push(Msg::Link(pictures.link.borrow_and_update().clone()));
                painter.want(DATA_FRAME);
            }
            Ok(()) = pictures.logs.changed() => {
                messages.push(Msg::Logs(pictures.logs.borrow_and_update().clone()));
                painter.want(DATA_FRAME);
            }
            Ok(()) = pictures.details.changed() => {
                messages.push(Msg::Details(pictures.details.borrow_and_update().clone()));
                painter.want(DATA_FRAME);
            }
            Ok(()) = pictures.deployments.changed() => {
                messages.push(Msg::Deployments(pictures.deployments.borrow_and_update().clone()));
                painter.want(DATA_FRAME);
            }
            Ok(()) = pictures.fleet.changed() => {
                messages.push(Msg::Fleet(pictures.fleet.borrow_and_update().clone()));
                painter.want(DATA_FRAME);
            }
            () = sleep_until(wake) => {
                if Instant::now() >= tick {
                    tick = Instant::now() + TICK;
                    painter.want(Duration::ZERO);
                }
            }
        }
        // The time of what came, not of when the waiting began: a dialog that seems older than it is takes type-ahead.
        messages.insert(0, Msg::Tick(clock.now()));
        for message in messages {
            if deliver(model, world, clock, message).await {
                return Ended::Left;
            }
        }
        painter.draw_if_due(model, world);
    }
}

/// Updates the model with a message and with all that follows from it. Says whether the operator leaves.
async fn deliver(model: &mut Model, world: &mut impl World, clock: &SharedClock, message: Msg) -> bool {
    let mut queue = std::collections::VecDeque::from([message]);
    while let Some(message) = queue.pop_front() {
        for effect in update(model, message) {
            if matches!(effect, Effect::Quit) {
                return true;
            }
            let answers = world.carry_out(effect).await;
            if !answers.is_empty() {
                // An editor or a shell may have had the terminal for hours.
                queue.push_back(Msg::Tick(clock.now()));
            }
            queue.extend(answers);
        }
    }
    false
}

fn read(event: InputEvent) -> Option<Msg> {
    match event {
        InputEvent::Key(key) => Some(Msg::Key(key)),
        InputEvent::Paste(text) => Some(Msg::Paste(text)),
        InputEvent::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
        InputEvent::FocusGained | InputEvent::FocusLost => None,
    }
}

/// When to draw, and on what.
#[derive(Debug, Default)]
struct Painter {
    due: Option<Instant>,
    last: Option<Instant>,
    /// When a key was last answered with a frame: a key does not wait because data was drawn a moment ago.
    answered: Option<Instant>,
    answering: bool,
    buffer: Buffer,
}

impl Painter {
    /// Something changed that may wait until `apart` after the last frame.
    fn want(&mut self, apart: Duration) {
        let now = Instant::now();
        let due = self.last.map_or(now, |last| (last + apart).max(now));
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// A key was pressed: it is answered at once, at most 30 times a second.
    fn answer(&mut self) {
        let now = Instant::now();
        let due = self.answered.map_or(now, |last| (last + FRAME).max(now));
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        self.answering = true;
    }

    fn draw_if_due(&mut self, model: &Model, world: &mut impl World) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.draw(model, world);
        }
    }

    fn draw(&mut self, model: &Model, world: &mut impl World) {
        let (width, height) = model.shell.size;
        self.buffer.resize(Rect { x: 0, y: 0, width, height });
        let cursor = view(model, &mut self.buffer);
        world.present(&self.buffer, cursor);
        let now = Instant::now();
        self.last = Some(now);
        if std::mem::take(&mut self.answering) {
            self.answered = Some(now);
        }
        self.due = None;
    }
}
