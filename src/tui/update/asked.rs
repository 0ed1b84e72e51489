//! In a dialog: moving between its buttons, and doing what the question held.

use super::{keep_typing, quit};
use crate::tui::actions::ActionId;
use crate::tui::layers::{Layer, Question};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::Screen;

pub(super) fn act_in_layer(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) {
    let Some(layer) = &mut model.layer else { return };
    match action {
        ActionId::ConfirmCancel | ActionId::Back => {
            model.layer = None;
        }
        ActionId::Redraw => effects.push(Effect::Repaint),
        ActionId::Quit => {
            model.layer = None;
            quit(model, effects);
        }
        ActionId::Help => {
            model.shell.info("tab moves between the buttons, enter presses the one in brackets, esc cancels");
        }
        ActionId::ConfirmNext | ActionId::ConfirmPrevious => layer.focus = 1 - layer.focus.min(1),
        // Typed ahead of the question: moving harms nobody, and answering waits until it could be read.
        _ if layer.is_settling(model.shell.now) => {}
        ActionId::ConfirmActivate => {
            if layer.focus == 0 {
                // Whoever has begun to type the name means to go on: enter is no answer to that.
                if layer.wants_name() && !layer.typed.text().is_empty() {
                    model.shell.warn("tab moves to the button that sends, esc cancels".to_owned());
                } else {
                    model.layer = None;
                }
                return;
            }
            if let Some(why) = layer.blocked(&model.shell) {
                model.shell.warn(why);
                return;
            }
            if let Some(layer) = model.layer.take() {
                confirmed(model, layer, effects);
            }
        }
        _ => {}
    }
}

/// The dangerous button was pressed. What happens is what the question held.
fn confirmed(model: &mut Model, layer: Layer, effects: &mut Vec<Effect>) {
    let typed = layer.wants_name().then(|| layer.typed.text());
    match layer.question {
        Question::Send(mut intent) => {
            intent.typed = typed;
            for screen in &mut model.screens {
                match screen {
                    Screen::Twin(view) => view.sent(&intent.op),
                    Screen::Change(view) => view.sent(&intent.op),
                    _ => {}
                }
            }
            effects.push(Effect::Submit(intent));
        }
        Question::Discard(id) => {
            for screen in &mut model.screens {
                if let Screen::Twin(view) = screen
                    && *view.id() == id
                {
                    effects.extend(view.discarded(&mut model.shell));
                }
            }
            model.shell.info("the draft is thrown away");
        }
        Question::Reveal(device) => {
            for screen in &mut model.screens {
                if let Screen::Key(view) = screen
                    && *view.device() == device
                {
                    view.asked(model.shell.now);
                }
            }
            effects.push(Effect::Reveal(device));
        }
        Question::Suspend => effects.push(Effect::Suspend),
        Question::Quit => {
            keep_typing(model, effects);
            effects.push(Effect::Quit);
        }
    }
}
