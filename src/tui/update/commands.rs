//! What the commands after `:` do.

use super::act;
use super::travel::go;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::tui::actions::{ActionId, CommandId};
use crate::tui::layers::{Layer, Question};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::{PageKind, Place};

pub(super) fn run(model: &mut Model, command: CommandId, argument: &str, effects: &mut Vec<Effect>) {
    match command {
        CommandId::Devices => go(model, &Place::Fleet, effects),
        CommandId::Device => match DeviceId::parse(argument) {
            Ok(id) => go(model, &Place::Device(id), effects),
            Err(error) => model.shell.warn(format!("not a device id: {error}")),
        },
        CommandId::Twin => match parse_twin(argument) {
            Ok(id) => go(model, &Place::Twin(id), effects),
            Err(why) => model.shell.warn(why),
        },
        CommandId::Logs => match parse_twin(argument) {
            Ok(TwinId { device, module }) => go(model, &Place::Logs(device, module), effects),
            Err(why) => model.shell.warn(why),
        },
        CommandId::Audit => go(model, &Place::Page(PageKind::Activity), effects),
        CommandId::Keys => go(model, &Place::Page(PageKind::Keys), effects),
        CommandId::Sim => {
            if !argument.is_empty() {
                effects.push(Effect::Sim(argument.to_owned()));
            }
            if argument.is_empty() || !model.shell.session.simulated {
                go(model, &Place::Page(PageKind::Simulator), effects);
                effects.push(Effect::Sim(String::new()));
            }
        }
        CommandId::Theme => match model.themes.load(argument, model.depth) {
            Ok((theme, _)) => {
                model.shell.info(format!("the theme is {}", theme.name()));
                model.theme = theme;
                effects.push(Effect::Repaint);
            }
            Err(error) => model.shell.warn(error.to_string()),
        },
        CommandId::Keymap => match model.keymaps.load(argument) {
            Ok((keymap, _)) => {
                model.shell.info(format!("keys are those of {}", keymap.name()));
                model.keymap = keymap;
            }
            Err(error) => model.shell.warn(error.to_string()),
        },
        // These lead to actions of the same name; the registry sends them there.
        CommandId::Discard => act(model, ActionId::TwinDiscard, effects),
        CommandId::Messages => act(model, ActionId::Messages, effects),
        CommandId::Help => act(model, ActionId::Help, effects),
        CommandId::Suspend => act(model, ActionId::Suspend, effects),
        CommandId::SuspendAnyway if model.shell.ops.open() > 0 => {
            model.layer = Some(Layer::ask(Question::Suspend, model.shell.now));
        }
        CommandId::SuspendAnyway => effects.push(Effect::Suspend),
        CommandId::Quit => act(model, ActionId::Quit, effects),
    }
}

/// Reads `DEVICE` or `DEVICE/MODULE`.
fn parse_twin(text: &str) -> Result<TwinId, String> {
    let (device, module) = match text.split_once('/') {
        Some((device, module)) => (device, Some(module)),
        None => (text, None),
    };
    let device = DeviceId::parse(device.trim()).map_err(|error| format!("not a device id: {error}"))?;
    match module {
        None => Ok(TwinId::device(device)),
        Some(module) => {
            let module = ModuleId::parse(module.trim()).map_err(|error| format!("not a module id: {error}"))?;
            Ok(TwinId::module(device, module))
        }
    }
}
