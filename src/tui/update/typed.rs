//! In the input line: typing, completing, recalling, and running what is written.

use super::act;
use super::commands::run;
use crate::tui::actions::{ActionId, Invocation, Scope, Target};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::prompt::{Names, Prompt, PromptKind, common_prefix};
use crate::tui::views::Screen;
use crate::tui::widgets::editor::Editor;

/// Something was typed into the input line: a filter applies while typing.
pub(super) fn typed_in_prompt(model: &mut Model, typing: impl FnOnce(&mut Prompt) -> bool) {
    let Some(prompt) = &mut model.prompt else { return };
    if !typing(prompt) {
        return;
    }
    prompt.chosen = None;
    if prompt.kind == PromptKind::Filter {
        let text = prompt.input.text();
        filter(model, &text);
    }
}

fn filter(model: &mut Model, text: &str) {
    if let Some(screen) = model.screens.last_mut() {
        screen.filter(if text.is_empty() { None } else { Some(text) }, &mut model.shell);
    }
}

/// Whether the action was for the input line.
pub(super) fn act_in_prompt(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) -> bool {
    let names = names(model);
    let Some(prompt) = &mut model.prompt else { return false };
    match action {
        ActionId::Back => {
            let (kind, before) = (prompt.kind, prompt.before.clone());
            model.prompt = None;
            if kind == PromptKind::Filter {
                // esc takes back what was typed since the line was opened.
                filter(model, &before);
            }
        }
        ActionId::InputAccept => accept(model, effects),
        ActionId::InputClear => typed_in_prompt(model, |prompt| prompt.input.delete_to_start()),
        ActionId::InputDeleteWord => typed_in_prompt(model, |prompt| prompt.input.delete_word()),
        ActionId::InputComplete | ActionId::InputNext | ActionId::InputPrevious => {
            let candidates = prompt.candidates(&model.shell, &names);
            let Some(last) = candidates.len().checked_sub(1) else {
                if action == ActionId::InputPrevious {
                    recall(model);
                }
                return true;
            };
            let common = common_prefix(&candidates);
            if action == ActionId::InputComplete && prompt.chosen.is_none() && common.len() > prompt.input.text().len()
            {
                prompt.input = Editor::line(&common);
                return true;
            }
            let next = match (prompt.chosen, action) {
                (None, ActionId::InputPrevious) => last,
                (None, _) => 0,
                (Some(at), ActionId::InputPrevious) => at.checked_sub(1).unwrap_or(last),
                (Some(at), _) => {
                    if at >= last {
                        0
                    } else {
                        at + 1
                    }
                }
            };
            prompt.chosen = Some(next);
        }
        ActionId::InputHistory => recall(model),
        ActionId::Quit => {
            model.prompt = None;
        }
        _ => return false,
    }
    true
}

/// What lines are completed from.
#[must_use]
pub fn names(model: &Model) -> Names {
    let mut scopes = model.screen().map(|screen| screen.scopes()).unwrap_or_default();
    scopes.push(Scope::Global);
    Names { themes: model.themes.names(), keymaps: model.keymaps.names(), scopes }
}

/// Puts the next older line into the prompt.
fn recall(model: &mut Model) {
    let Some(prompt) = &mut model.prompt else { return };
    let next = prompt.recalled.map_or(0, |at| at + 1);
    if let Some(line) = model.history.iter().rev().nth(next) {
        prompt.input = Editor::line(line);
        prompt.recalled = Some(next);
        prompt.chosen = None;
    }
}

fn accept(model: &mut Model, effects: &mut Vec<Effect>) {
    let names = names(model);
    let Some(prompt) = model.prompt.take() else { return };
    if prompt.kind == PromptKind::Filter {
        // An untouched, empty line has not been applied yet.
        filter(model, &prompt.input.text());
        if let Some(Screen::Logs(view)) = model.screens.last_mut() {
            view.go_to_found(&mut model.shell);
        }
        if let Some((_, Some(error))) = model.screen().and_then(|screen| screen.filter_state()) {
            let text = format!("the filter cannot be read: {}", error.message);
            model.shell.warn(text);
        }
        return;
    }
    let line = match prompt.chosen {
        Some(index) => prompt
            .candidates(&model.shell, &names)
            .into_iter()
            .nth(index)
            .map(|candidate| candidate.line)
            .unwrap_or_default(),
        None => prompt.input.text(),
    };
    let line = line.trim().to_owned();
    if line.is_empty() {
        return;
    }
    if model.history.last() != Some(&line) {
        model.history.push(line.clone());
        effects.push(Effect::PushHistory(line.clone()));
    }
    match Invocation::parse(&line) {
        Ok(Invocation { target: Target::Action(action), .. }) => act(model, action, effects),
        Ok(Invocation { target: Target::Command(command), argument }) => run(model, command, argument, effects),
        Err(error) => model.shell.warn(error.to_string()),
    }
}
