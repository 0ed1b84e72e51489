//! The module under the cursor in words: its state, its last end and what the code means, what it runs and should run.

use super::facts::age;
use crate::domain::health::{
    AgentReport, MAX_RESTARTS, ModuleState, ModuleVerdict, backoff_wait, exit_code_words, same_image,
};
use crate::domain::time::HubTime;
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::views::fleet::row::tone_sign;
use crate::tui::widgets::text::labelled;

/// The chosen module, one fact a line.
pub(super) fn chosen_lines(
    report: &AgentReport,
    module: &ModuleState,
    past: bool,
    shell: &Shell,
    width: usize,
) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    let mut fact = |label: &str, role: Role, text: String| {
        rows.extend(labelled((Role::TextDim, label), 10, role, &text, width));
    };
    let verdict = report.verdict_of(module);
    if !report.ever_reported() {
        fact("state", Role::StatusUnknown, "nobody knows: edgeAgent has never reported".to_owned());
    } else if past {
        let words = format!("{} when edgeHub lost its link; nobody knows what it is now", verdict.word());
        fact("state", Role::Stale, words);
    } else {
        fact("state", tone_sign(verdict.tone()).role(), verdict_words(module, verdict));
    }
    let wanted = module.wanted.as_ref();
    match (&module.reported, wanted) {
        (Some(reported), Some(wanted)) if !same_image(reported.image.raw(), wanted.image.raw()) => {
            fact("runs", Role::StatusWarn, reported.image.shown().into());
            fact("wanted", Role::Fg, wanted.image.shown().into());
        }
        (Some(reported), _) => fact("image", Role::Fg, reported.image.shown().into()),
        (None, Some(wanted)) => fact("wanted", Role::Fg, wanted.image.shown().into()),
        (None, None) => {}
    }
    if let Some(reported) = &module.reported {
        if let (Some(code), Some(at)) = (reported.exit_code, reported.last_exit.filter(|at| *at != HubTime::Never)) {
            fact("last exit", Role::Fg, format!("code {code}, {}: {}", age(shell, Some(at)), exit_code_words(code)));
        }
        if let Some(count) = reported.restart_count.filter(|count| *count > 0) {
            fact("restarts", Role::Fg, format!("{count} in a row; edgeAgent gives up after {MAX_RESTARTS}"));
        }
        if let Some(text) = reported.description.as_ref().filter(|text| !text.raw().is_empty()) {
            fact("says", Role::Fg, text.shown().into());
        }
        fact("started", Role::Fg, age(shell, reported.last_start));
    }
    if let Some(wanted) = wanted {
        let status = if wanted.running { "running" } else { "stopped" };
        let policy = wanted.restart_policy.as_ref().map(|policy| format!(", restart {}", policy.shown()));
        fact("desired", Role::TextDim, format!("{status}{}", policy.unwrap_or_default()));
    }
    rows
}

fn verdict_words(module: &ModuleState, verdict: ModuleVerdict) -> String {
    let restarts = module.reported.as_ref().and_then(|r| r.restart_count).unwrap_or_default();
    match verdict {
        ModuleVerdict::Running => "running, as wanted".to_owned(),
        ModuleVerdict::Stopped => "stopped, as wanted".to_owned(),
        ModuleVerdict::Backoff => {
            format!("crashed; edgeAgent waits {} s before the next start", backoff_wait(restarts).as_secs())
        }
        ModuleVerdict::Failed => {
            "ended with an error and is not started again until the manifest changes or it is restarted".to_owned()
        }
        ModuleVerdict::Dead => "the engine calls the container dead; edgeAgent recreates it".to_owned(),
        ModuleVerdict::Missing => {
            "in the manifest, but edgeAgent has no container of it: the image could not be pulled, or is on its way"
                .to_owned()
        }
        ModuleVerdict::Pending => "edgeAgent has not taken up the manifest that wants it yet".to_owned(),
        ModuleVerdict::Unhealthy => "edgeAgent calls it unhealthy".to_owned(),
        ModuleVerdict::StoppedUnwanted => "stopped, although the manifest wants it running".to_owned(),
        ModuleVerdict::Unknown => "edgeAgent does not know, or was shut down".to_owned(),
        ModuleVerdict::OtherImage => "runs, but not the image that the manifest wants".to_owned(),
        ModuleVerdict::Leftover => "runs, but is no longer in the manifest".to_owned(),
        ModuleVerdict::RunsUnwanted => "runs, although the manifest wants it stopped".to_owned(),
    }
}
