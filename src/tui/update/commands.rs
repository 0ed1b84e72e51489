//! What the commands after `:` do.

use super::act;
use super::travel::go;
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, TwinId};
use crate::ops::{Document, Order};
use crate::tui::actions::CommandId;
use crate::tui::layers::{Layer, Question};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::form::FormKind;
use crate::tui::views::{PageKind, Place};

pub(super) fn run(model: &mut Model, command: CommandId, argument: &str, effects: &mut Vec<Effect>) {
    if let Some(why) = model.shell.forbids(command.command().danger, command.command().name) {
        return model.shell.warn(why);
    }
    match command {
        CommandId::Devices => go(model, &Place::Fleet, effects),
        CommandId::Device => match DeviceId::parse(argument) {
            Ok(id) => go(model, &Place::Device(id), effects),
            Err(error) => model.shell.warn(format!("not a device id: {error}")),
        },
        CommandId::Deployments if argument.is_empty() => go(model, &Place::Deployments(None), effects),
        CommandId::Deployments => {
            let id = DeploymentId::from_wire(argument);
            let known = model.shell.deployments.get(&id).is_some();
            match if known { Ok(id) } else { DeploymentId::parse(argument) } {
                Ok(id) => go(model, &Place::Deployment(id), effects),
                Err(error) => model.shell.warn(format!("not a deployment's id: {error}")),
            }
        }
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
                model.shell.keymap = keymap;
            }
            Err(error) => model.shell.warn(error.to_string()),
        },
        CommandId::Apply => {
            let (id, file) = argument.split_once(' ').map_or((argument, ""), |(id, file)| (id, file.trim()));
            about_device(model, id, effects, |device| match file {
                "" => Place::Form(FormKind::Apply(device)),
                file => Place::Change(Box::new(Order::Apply { device, manifest: Document::File(file.into()) })),
            });
        }
        CommandId::Enable => {
            about_device(model, argument, effects, |device| Place::Change(Box::new(Order::Enable(device))));
        }
        CommandId::Disable => about_device(model, argument, effects, |device| Place::Form(FormKind::Disable(device))),
        CommandId::Delete => {
            about_device(model, argument, effects, |device| Place::Change(Box::new(Order::DeleteDevice(device))));
        }
        CommandId::ConnectionString => about_device(model, argument, effects, Place::Key),
        CommandId::Restart => match parse_twin(argument) {
            Ok(TwinId { device, module: Some(module) }) => {
                go(model, &Place::Change(Box::new(Order::Restart { device, module })), effects);
            }
            Ok(_) => model.shell.warn("which module? :restart DEVICE/MODULE"),
            Err(why) => model.shell.warn(why),
        },
        CommandId::SuspendAnyway if model.shell.ops.open() > 0 => {
            model.layer = Some(Layer::ask(Question::Suspend, model.shell.now));
        }
        CommandId::SuspendAnyway => effects.push(Effect::Suspend),
        // These are other words for actions.
        CommandId::Register
        | CommandId::Deploy
        | CommandId::Discard
        | CommandId::Messages
        | CommandId::Help
        | CommandId::Suspend
        | CommandId::Quit => {
            if let Some(action) = command.command().action {
                act(model, action, effects);
            }
        }
    }
}

/// Goes where a change of the device begins.
fn about_device(model: &mut Model, id: &str, effects: &mut Vec<Effect>, place: impl FnOnce(DeviceId) -> Place) {
    match DeviceId::parse(id.trim()) {
        Ok(device) => go(model, &place(device), effects),
        Err(error) => model.shell.warn(format!("not a device id: {error}")),
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
