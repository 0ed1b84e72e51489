//! The console's world: the terminal, and behind it the hands that carry out what `update` wants.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use ratatui::buffer::Buffer;
use tempfile::NamedTempFile;

use super::hands::Hands;
use crate::config::Env;
use crate::disk;
use crate::domain::ids::TwinId;
use crate::tui::msg::{Effect, Msg};
use crate::tui::notices::Severity;
use crate::tui::run::{Outside, World};
use crate::tui::term::Term;
use crate::tui::term::crash::take_reports;
use crate::tui::term::foreground;
use crate::tui::term::input::InputEvent;
use crate::tui::term::signals::Signal;

/// Everything effects are carried out with.
#[derive(Debug)]
pub(super) struct ConsoleWorld {
    term: Term,
    env: Env,
    /// Where files are that no other user and no later session should see.
    runtime: PathBuf,
    hands: Hands,
}

impl ConsoleWorld {
    pub(super) fn new(term: Term, env: Env, runtime: PathBuf, hands: Hands) -> Self {
        Self { term, env, runtime, hands }
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
        // Outside of what the terminal answers: the text is there although the terminal may not be.
        let mut edited = None;
        let back = self.term.outside(|| edited = Some(edit_in(&editor, &self.runtime, text))).await;
        after_editing(id, edited, back)
    }
}

/// What the model hears when the editor is done, or was never run, and the terminal was taken back or not.
fn after_editing(id: TwinId, edited: Option<Result<String, String>>, back: io::Result<()>) -> Vec<Msg> {
    let edited = edited.map(|result| Msg::EditedOutside(id, result));
    let lost = back.err().map(|error| {
        Msg::Say(Severity::Error, format!("the terminal could not be lent to the editor and taken back: {error}"))
    });
    edited.into_iter().chain(lost).collect()
}

/// Credentials of ours that an editor, its plug-ins and what it starts have no use for.
const NOT_FOR_OTHERS: [&str; 3] =
    ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "EDGEDECK_CONNECTION_STRING"];

/// The editor over a file. No shell is involved: words are split at blanks.
fn editor_over(editor: &str, file: &Path) -> Command {
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).arg(file);
    for name in NOT_FOR_OTHERS {
        command.env_remove(name);
    }
    command
}

/// Runs the editor over a private file and reads it back. What cannot be read back stays where it is.
fn edit_in(editor: &str, folder: &Path, text: &str) -> Result<String, String> {
    let failed = |what: &str, error: io::Error| format!("could not {what}: {error}; the draft is as it was");
    disk::ensure_dir(folder).map_err(|error| format!("{error}; the draft is as it was"))?;
    let file = tempfile::Builder::new()
        .prefix("edgedeck-")
        .suffix(".json")
        .tempfile_in(folder)
        .map_err(|error| failed("make a private file for the editor", error))?;
    std::fs::write(file.path(), text).map_err(|error| failed("write the text for the editor", error))?;
    let status = foreground::run(&mut editor_over(editor, file.path()))
        .map_err(|error| failed(&format!("start the editor {editor}"), error))?;
    let read = std::fs::read_to_string(file.path());
    if !status.success() {
        let why = format!("the editor ended with {status}; the draft is as it was");
        // Whether what it wrote was meant is not known; it is not ours to throw away.
        return Err(if matches!(&read, Ok(read) if read == text) { why } else { kept(file, &why) });
    }
    read.map_err(|error| kept(file, &failed("read the text back", error)))
}

/// Keeps what the editor wrote, and says where it is.
fn kept(file: NamedTempFile, why: &str) -> String {
    let path = file.path().to_owned();
    match file.keep() {
        Ok(_) => format!("{why}; what the editor wrote is in {}", path.display()),
        Err(error) => format!("{why}; what the editor wrote could not be kept: {error}"),
    }
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
                    vec![Msg::Continued]
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
                vec![Msg::Continued]
            }
            Signal::Terminate | Signal::Hangup | Signal::Interrupt | Signal::Quit | Signal::Resize => Vec::new(),
        }
    }
}
