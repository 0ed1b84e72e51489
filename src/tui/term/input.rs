//! Keys, pastes and focus from crossterm, as events of our own, in a bounded queue (console-ux W-41 to W-45).
//!
//! The rejoining of escape sequences that the network cut in two is `escape`'s.

use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEvent, KeyEventKind};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::caps::usable_size;
use super::escape::EscapeJoiner;
use super::signals::{self, Signal};

/// Waiting events; when full, the reader waits and the terminal's own buffer holds the rest.
const CAPACITY: usize = 256;

/// What the operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// A key was pressed or repeats; releases never come.
    Key(KeyEvent),
    /// Text was pasted, as it came: not sanitised.
    Paste(String),
    /// The terminal has this size now: columns, rows.
    Resize(u16, u16),
    /// The terminal's window has the focus.
    FocusGained,
    /// The terminal's window lost the focus.
    FocusLost,
}

impl InputEvent {
    /// What of crossterm's events is one of ours; mouse and key releases are not.
    fn from_terminal(event: Event) -> Option<Self> {
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => None,
            Event::Key(key) => Some(Self::Key(key)),
            Event::Paste(text) => Some(Self::Paste(text)),
            Event::Resize(columns, rows) => {
                let (columns, rows) = usable_size(Some((columns, rows)));
                Some(Self::Resize(columns, rows))
            }
            Event::FocusGained => Some(Self::FocusGained),
            Event::FocusLost => Some(Self::FocusLost),
            Event::Mouse(_) => None,
        }
    }
}

/// The reading task. It can be stopped while somebody else reads the terminal, and started again on the same queue.
#[derive(Debug)]
pub(super) struct Input {
    events: mpsc::Sender<InputEvent>,
    escape_hold: Duration,
    task: Option<JoinHandle<()>>,
}

impl Input {
    /// Starts to read. An Esc is held for `escape_hold`.
    pub fn start(escape_hold: Duration) -> (Self, mpsc::Receiver<InputEvent>) {
        let (events, receiver) = mpsc::channel(CAPACITY);
        let mut input = Self { events, escape_hold, task: None };
        input.resume();
        (input, receiver)
    }

    /// Reads again after [`Input::pause`].
    pub fn resume(&mut self) {
        if self.task.is_none() {
            self.task = Some(tokio::spawn(read(self.events.clone(), self.escape_hold)));
        }
    }

    /// Stops reading and lets go of the terminal. Returns when the reader is gone; an Esc that was held is dropped.
    pub async fn pause(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // An aborted task ends with an error that says so.
            let _ = task.await;
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Reads until the terminal fails or nobody listens. A console that cannot be told anything any more has to end,
/// so a failure counts as a hang-up.
async fn read(events: mpsc::Sender<InputEvent>, escape_hold: Duration) {
    let mut stream = EventStream::new();
    let mut joiner = EscapeJoiner::default();
    loop {
        let ready = if joiner.is_holding() {
            tokio::time::timeout(escape_hold, stream.next()).await.ok()
        } else {
            Some(stream.next().await)
        };
        let out = match ready {
            None => joiner.expire(),
            Some(Some(Ok(event))) => match InputEvent::from_terminal(event) {
                Some(event) => joiner.push(event),
                None => continue,
            },
            Some(Some(Err(_)) | None) => return signals::deliver(Signal::Hangup),
        };
        for event in out {
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers, MouseEvent, MouseEventKind};

    use super::*;

    #[test]
    fn releases_and_mouse_never_arrive() {
        let press = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        let release = KeyEvent { kind: KeyEventKind::Release, ..press };
        let repeat = KeyEvent { kind: KeyEventKind::Repeat, ..press };
        let mouse = MouseEvent { kind: MouseEventKind::Moved, column: 0, row: 0, modifiers: KeyModifiers::NONE };
        for (event, ours) in [
            (Event::Key(press), Some(InputEvent::Key(press))),
            (Event::Key(repeat), Some(InputEvent::Key(repeat))),
            (Event::Key(release), None),
            (Event::Mouse(mouse), None),
            (Event::Paste("a\nb".to_owned()), Some(InputEvent::Paste("a\nb".to_owned()))),
            (Event::Resize(0, 0), Some(InputEvent::Resize(80, 24))),
            (Event::FocusLost, Some(InputEvent::FocusLost)),
        ] {
            assert_eq!(InputEvent::from_terminal(event), ours);
        }
    }
}
