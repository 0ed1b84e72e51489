//! The console's world: carries out what `update` wants, with the real parts.

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use tokio::sync::{mpsc, watch};

use crate::config::Env;
use crate::domain::ids::TwinId;
use crate::local::{LocalStore, Opened, Status};
use crate::ops::{Gateway, Submitted};
use crate::sim::Sim;
use crate::sync::Sync;
use crate::tui::msg::{Effect, Msg};
use crate::tui::notices::Severity;
use crate::tui::run::{Outside, World};
use crate::tui::term::Term;
use crate::tui::term::crash::take_reports;
use crate::tui::term::input::InputEvent;
use crate::tui::term::signals::Signal;

/// Messages from the background to the model; more than this many at once are dropped, and that is logged.
const NEWS: usize = 32;

/// Everything effects are carried out with.
#[derive(Debug)]
pub(super) struct ConsoleWorld {
    term: Term,
    env: Env,
    sync: Sync,
    gateway: Gateway,
    local: Option<LocalStore>,
    /// The context views are remembered under.
    context: String,
    kept: Option<watch::Receiver<Status>>,
    sim: Option<Arc<Sim>>,
    sim_files: Vec<(String, String)>,
    news: mpsc::Receiver<Msg>,
    tell: mpsc::Sender<Msg>,
}

/// What a console world is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) term: Term,
    pub(super) env: Env,
    pub(super) sync: Sync,
    pub(super) gateway: Gateway,
    pub(super) local: Option<LocalStore>,
    pub(super) context: String,
    pub(super) sim: Option<Arc<Sim>>,
    /// Files the simulated hub's access was written to: what, and where.
    pub(super) sim_files: Vec<(String, String)>,
}

impl ConsoleWorld {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { term, env, sync, gateway, local, context, sim, sim_files } = parts;
        let (tell, news) = mpsc::channel(NEWS);
        let kept = local.as_ref().map(LocalStore::status);
        Self { term, env, sync, gateway, local, context, kept, sim, sim_files, news, tell }
    }

    /// Gives the terminal back.
    pub(super) async fn leave(self) -> io::Result<()> {
        self.term.leave().await
    }

    /// What `:sim` shows.
    fn simulator(&self) -> Vec<String> {
        let Some(sim) = &self.sim else { return Vec::new() };
        let status = sim.status();
        let mut lines = vec![
            format!("hub  {}", status.hub),
            format!("endpoint  {}", status.endpoint),
            format!("devices  {}", status.devices),
            format!("requests served  {}", status.served),
            format!(
                "network  {}",
                if status.faults.hub_on { "on (:sim hub off)" } else { "OFF: requests hang (:sim hub on)" }
            ),
            format!("latency  {} ms added (:sim latency 300ms)", status.faults.latency.as_millis()),
            String::new(),
        ];
        lines.extend(self.sim_files.iter().map(|(what, path)| format!("{what}  {path}")));
        lines.push(String::new());
        lines.push("Any client that speaks to IoT Hub can use it. To be somebody else who changes a twin:".to_owned());
        lines.push(":sim touch edge-gateway-001/temperatureFilter".to_owned());
        lines
    }

    fn simulate(&self, text: &str) -> Vec<Msg> {
        let Some(sim) = &self.sim else {
            return vec![Msg::Say(
                Severity::Warning,
                "this is not a simulated hub; start with `edgedeck --sim`".to_owned(),
            )];
        };
        let mut messages = Vec::new();
        if !text.is_empty() {
            messages.push(match sim.command(text) {
                Ok(answer) => Msg::Say(Severity::Info, answer.lines().next().unwrap_or_default().to_owned()),
                Err(why) => Msg::Say(Severity::Warning, why.lines().next().unwrap_or_default().to_owned()),
            });
        }
        messages.push(Msg::Simulator(self.simulator()));
        messages
    }

    /// Says whose draft it is when another console has it, once the disk has answered.
    fn open_draft(&self, key: crate::local::DraftKey) {
        let Some(local) = self.local.clone() else { return };
        let tell = self.tell.clone();
        tokio::spawn(async move {
            if let Ok(Opened::Theirs { holder, .. }) = local.open_draft(key).await {
                let text = format!(
                    "another console edits this twin too ({holder}); your draft is not kept on disk, sending is guarded as always"
                );
                let _ = tell.try_send(Msg::Say(Severity::Warning, text));
            }
        });
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
            Some(message) = self.news.recv() => Outside::News(message),
            Some(message) = failures(&mut self.kept) => Outside::News(message),
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
            let _ = self.tell.try_send(Msg::Say(Severity::Error, text));
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Vec<Msg> {
        let say = |text: String| vec![Msg::Say(Severity::Error, text)];
        let kept = match effect {
            Effect::Submit(intent) => {
                let target = intent.target.shown();
                return match self.gateway.submit(*intent) {
                    Submitted::Taken => Vec::new(),
                    Submitted::Busy => {
                        say(format!("{target} was not sent: too many changes are in flight; try again in a moment"))
                    }
                };
            }
            Effect::Need(needs) => {
                self.sync.need(needs);
                return Vec::new();
            }
            Effect::PollNow => {
                self.sync.now();
                return Vec::new();
            }
            Effect::OpenDraft(key) => {
                self.open_draft(key);
                return Vec::new();
            }
            Effect::SaveDraft(draft) => self.local.as_ref().map(|local| local.save_draft(*draft)),
            Effect::DiscardDraft(key) => self.local.as_ref().map(|local| local.discard_draft(&key)),
            Effect::SaveView(view) => self.local.as_ref().map(|local| local.save_view(self.context.clone(), view)),
            Effect::PushHistory(line) => self.local.as_ref().map(|local| local.push_history(line)),
            Effect::Sim(text) => return self.simulate(&text),
            Effect::Copy(text) => {
                return if self.term.screen().copy(&text) {
                    Vec::new()
                } else {
                    say("too long for the terminal's clipboard".to_owned())
                };
            }
            Effect::EditOutside(id, text) => return self.edit_outside(id, &text).await,
            Effect::Suspend => {
                return match self.term.suspend().await {
                    Ok(()) => {
                        self.sync.now();
                        Vec::new()
                    }
                    Err(error) => say(format!("not suspended: {error}")),
                };
            }
            Effect::Repaint => {
                self.term.screen().repaint();
                return Vec::new();
            }
            Effect::Quit => return Vec::new(),
        };
        match kept {
            Some(Err(error)) => say(error.to_string()),
            Some(Ok(())) | None => Vec::new(),
        }
    }

    async fn attend(&mut self, signal: Signal) -> Vec<Msg> {
        match signal {
            Signal::Suspend => self.carry_out(Effect::Suspend).await,
            Signal::Continue => {
                // Whatever was on screen is old now; everything is read again.
                self.sync.now();
                self.term.reclaim();
                Vec::new()
            }
            Signal::Terminate | Signal::Hangup | Signal::Interrupt | Signal::Quit | Signal::Resize => Vec::new(),
        }
    }
}

/// The next failure to keep something on disk; never returns when nothing is kept.
async fn failures(kept: &mut Option<watch::Receiver<Status>>) -> Option<Msg> {
    let Some(status) = kept else {
        // Long enough to stand for "never": the select around it is left by something else first.
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        return None;
    };
    status.changed().await.ok()?;
    let failure = status
        .borrow_and_update()
        .failures
        .iter()
        .next()
        .map(|(what, failure)| format!("{what} is not saved: {}", failure.error));
    failure.map(|text| Msg::Say(Severity::Error, text))
}
