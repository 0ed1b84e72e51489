//! The console's world: the terminal, and behind it the hands that carry out what `update` wants.

use std::io;
use std::process::Command;

use ratatui::buffer::Buffer;

use super::hands::Hands;
use crate::config::Env;
use crate::domain::ids::TwinId;
use crate::tui::msg::{Effect, Msg};
use crate::tui::notices::Severity;
use crate::tui::run::{Outside, World};
use crate::tui::term::Term;
use crate::tui::term::crash::take_reports;
use crate::tui::term::input::InputEvent;
use crate::tui::term::signals::Signal;

/// Everything effects are carried out with.
#[derive(Debug)]
pub(super) struct ConsoleWorld {
    term: Term,
    env: Env,
    hands: Hands,
}

impl ConsoleWorld {
    pub(super) fn new(term: Term, env: Env, hands: Hands) -> Self {
        Self { term, env, hands }
    }

    /// Gives the terminal back.
    pub(super) async fn leave(self) -> io::Result<()> {
        self.term.leave().await
    }

    async fn edit_outside(&mut self, id: TwinId, text: &str) -> Vec<Msg> {
        let editor = self.env.text("VISUAL").or_else(|| self.env.text("EDITOR"));
        let Some(editor) = editor else {
            let why = "neither VISUAL nor EDITOR is set, so there is no editor to open; e edits here".to_owned();
            return vec![Msg::Say(Severity::Warning, why)];
        };
        let result = match self.term.outside(|| edit_in(&editor, text)).await {
            Ok(result) => result,
            Err(error) => Err(format!("the terminal could not be taken back: {error}")),
        };
        vec![Msg::EditedOutside(id, result)]
    }
}

/// Runs the editor over a private file and reads it back. No shell is involved: words are split at blanks.
fn edit_in(editor: &str, text: &str) -> Result<String, String> {
    let failed = |what: &str, error: io::Error| format!("could not {what}: {error}; the draft is as it was");
    let file = tempfile::Builder::new()
        .prefix("edgedeck-")
        .suffix(".json")
        .tempfile()
        .map_err(|error| failed("make a private file for the editor", error))?;
    std::fs::write(file.path(), text).map_err(|error| failed("write the text for the editor", error))?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    let status = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .map_err(|error| failed(&format!("start the editor {program}"), error))?;
    if !status.success() {
        return Err(format!("the editor ended with {status}; the draft is as it was"));
    }
    std::fs::read_to_string(file.path()).map_err(|error| failed("read the text back", error))
}

impl World for ConsoleWorld {
    async fn next(&mut self) -> Outside {
        tokio::select! {
            biased;
            Some(signal) = self.term.signals.recv() => Outside::Signal(signal),
            event = self.term.input.recv() => Outside::Input(event),
            message = self.hands.news() => Outside::News(message),
        }
    }

    fn try_input(&mut self) -> Option<InputEvent> {
        self.term.input.try_recv().ok()
    }

    fn size(&self) -> (u16, u16) {
        self.term.size()
    }

    fn present(&mut self, frame: &Buffer, cursor: Option<(u16, u16)>) {
        self.term.present(frame, cursor);
        for report in take_reports() {
            let text =
                format!("a part of edgedeck failed at {}: {}; the rest goes on", report.location, report.message);
            self.hands.tell(Msg::Say(Severity::Error, text));
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Vec<Msg> {
        let say = |text: String| vec![Msg::Say(Severity::Error, text)];
        match effect {
            Effect::Copy(text) => {
                if self.term.screen().copy(&text) {
                    Vec::new()
                } else {
                    say("too long for the terminal's clipboard".to_owned())
                }
            }
            Effect::EditOutside(id, text) => self.edit_outside(id, &text).await,
            Effect::Suspend => match self.term.suspend().await {
                Ok(()) => {
                    self.hands.read_again();
                    Vec::new()
                }
                Err(error) => say(error.to_string()),
            },
            Effect::Repaint => {
                #[cfg(debug_assertions)]
                super::drill::fail_if_asked(&self.env);
                self.term.screen().repaint();
                Vec::new()
            }
            effect => self.hands.carry_out(effect),
        }
    }

    async fn attend(&mut self, signal: Signal) -> Vec<Msg> {
        match signal {
            Signal::Suspend => self.carry_out(Effect::Suspend).await,
            Signal::Continue => {
                // Whatever was on screen is old now; everything is read again.
                self.hands.read_again();
                self.term.reclaim();
                Vec::new()
            }
            Signal::Terminate | Signal::Hangup | Signal::Interrupt | Signal::Quit | Signal::Resize => Vec::new(),
        }
    }
}
