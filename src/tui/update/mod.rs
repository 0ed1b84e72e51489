//! The one funnel: `update(model, msg) -> effects`. No I/O, no clock, no await.
//!
//! A key goes to the dialog if one is open, else to the input line, else to the view; what nobody wants is global, and
//! what is not that either is said once. What an action does lies beside: in dialogs (`asked`), in the input line
//! (`typed`, `commands`), between views (`travel`), after a write (`outcomes`), and when a right is missing (`link`).

mod asked;
mod commands;
mod drafts;
mod link;
mod outcomes;
mod travel;
mod typed;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use asked::act_in_layer;
use outcomes::tell_outcomes;
use travel::{go, history, last_view, leave};
pub use typed::names;
use typed::{act_in_prompt, typed_in_prompt};

use crate::domain::fault::FaultKind;
use crate::domain::text::Untrusted;
use crate::logs::tail::Attention;
use crate::ops::{Order, Prepared, Unprepared};
use crate::store::Needs;
use crate::tui::actions::ActionId;
use crate::tui::following::{LogBoard, LogWant};
use crate::tui::keymap::Lookup;
use crate::tui::layers::{Layer, Question};
use crate::tui::model::Model;
use crate::tui::msg::{Effect, Msg};
use crate::tui::prompt::{Prompt, PromptKind};
use crate::tui::views::form::FormKind;
use crate::tui::views::{PageKind, Place, Screen, Step};

/// How often the page of the simulated hub is read again.
const SIMULATOR_EVERY: Duration = Duration::from_secs(1);

/// Takes a message, changes the model, and says what is wanted of the world.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => press(model, key, &mut effects),
        Msg::Paste(text) => paste(model, &text),
        Msg::Resize(columns, rows) => {
            model.shell.size = (columns, rows);
        }
        Msg::Tick(now) => {
            model.shell.now = now;
            for screen in &mut model.screens {
                if let Screen::Key(view) = screen {
                    view.tick(now);
                }
            }
            keep_typing(model, &mut effects);
            watch_simulator(model, &mut effects);
            if let Some(Screen::Logs(view)) = model.screens.last_mut() {
                view.search_on(&model.shell);
            }
        }
        Msg::Fleet(fleet) => {
            model.shell.fleet = fleet;
            refresh(model, &mut effects, |screen| {
                matches!(screen, Screen::Fleet(_) | Screen::Deployments(_) | Screen::Deployment(_))
            });
        }
        Msg::Details(details) => {
            model.shell.details = details;
            refresh(model, &mut effects, |screen| {
                matches!(screen, Screen::Device(_) | Screen::Twin(_) | Screen::Deployments(_) | Screen::Logs(_))
            });
        }
        Msg::Deployments(deployments) => {
            model.shell.deployments = deployments;
            refresh(model, &mut effects, |screen| {
                matches!(screen, Screen::Deployments(_) | Screen::Deployment(_) | Screen::Behind(_))
            });
        }
        Msg::Link(link) => {
            let before = std::mem::replace(&mut model.shell.link, link);
            link::tell_refusals(model, &before);
        }
        Msg::Ops(ops) => {
            let before = std::mem::replace(&mut model.shell.ops, ops);
            tell_outcomes(model, &before, &mut effects);
            refresh(model, &mut effects, |screen| matches!(screen, Screen::Twin(_)));
            arrive(model, &mut effects);
        }
        Msg::Revealed(device, result) => {
            let now = model.shell.now;
            let asked = model.screens.iter_mut().find_map(|screen| match screen {
                Screen::Key(view) if *view.device() == device => Some(view),
                _ => None,
            });
            if let Some(view) = asked {
                view.revealed(result, now);
            }
        }
        Msg::Prepared(order, result) => prepared(model, &order, result),
        Msg::Logs(logs) => {
            note_answer(model, &logs);
            model.shell.logs = logs;
            refresh(model, &mut effects, |screen| matches!(screen, Screen::Logs(_)));
        }
        Msg::Forms(forms) => model.shell.forms = forms,
        Msg::Drafts(drafts) => drafts::found_at_start(model, drafts),
        Msg::DraftOpened(key, found) => drafts::opened(model, key, found.map(|draft| *draft), &mut effects),
        Msg::DraftRefused(key, why) => drafts::refused(model, &key, why, &mut effects),
        Msg::Continued => {
            model.shell.continued = Some(model.shell.now);
            model.shell.info("going on: everything is read again, and until then nothing is sent");
        }
        Msg::SignedIn(identity) => model.shell.session.identity = identity,
        Msg::Unsaved(unsaved) => {
            let news = unsaved.iter().find(|(what, _)| !model.shell.unsaved.contains_key(*what));
            if let Some((what, why)) = news {
                model.shell.error(format!("{what} is not saved: {why}"));
            }
            model.shell.unsaved = unsaved;
        }
        Msg::Simulator(lines) => {
            model.shell.simulator.settle(Ok(lines), model.shell.now);
        }
        Msg::EditedOutside(id, result) => drafts::edited_outside(model, &id, result, &mut effects),
        Msg::Say(severity, text) => model.shell.notices.say(severity, text, model.shell.now),
    }
    declare_needs(model, &mut effects);
    effects
}

/// Every view that shows the data takes it over, the hidden ones too: going back must not show yesterday's order.
fn refresh(model: &mut Model, effects: &mut Vec<Effect>, shows_it: impl Fn(&Screen) -> bool) {
    for screen in model.screens.iter_mut().filter(|screen| shows_it(screen)) {
        let step = screen.refresh(&mut model.shell);
        effects.extend(step.effects);
    }
}

/// What came of preparing a change goes to the view that asked for it, if it is still there.
fn prepared(model: &mut Model, order: &Order, result: Result<Box<Prepared>, Unprepared>) {
    let asked = model.screens.iter_mut().find_map(|screen| match screen {
        Screen::Change(view) if view.order() == order => Some(view),
        _ => None,
    });
    if let Some(view) = asked {
        view.prepared(result.map(|prepared| *prepared), &mut model.shell);
    }
}

/// Whether the device that is followed answered: evidence that outlasts the log view.
fn note_answer(model: &mut Model, logs: &LogBoard) {
    let Some(device) = &logs.device else { return };
    match &logs.tail.fault {
        Some((fault, _)) if fault.kind == FaultKind::DeviceOffline => {
            model.shell.unanswered.insert(device.clone(), model.shell.now);
        }
        Some(_) => {}
        None if logs.tail.answered.is_some() => {
            model.shell.unanswered.remove(device);
        }
        None => {}
    }
}

/// A change that the hub took is followed to where it is seen happening; its form has done its work.
fn arrive(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Screen::Change(view)) = model.screen() else { return };
    let Some(place) = view.arrived(&model.shell) else { return };
    leave(model, effects);
    let form = match model.screen() {
        Some(Screen::Form(form)) => Some(form.name()),
        _ => None,
    };
    if let Some(form) = form {
        leave(model, effects);
        model.shell.forms.remove(&form);
        effects.push(Effect::SaveForm(form, None));
    }
    go(model, &place, effects);
}

/// Hands over what was typed and is not kept yet, in views that are covered by others too.
fn keep_typing(model: &mut Model, effects: &mut Vec<Effect>) {
    for screen in &mut model.screens {
        match screen {
            Screen::Twin(view) => effects.extend(view.tick(&mut model.shell).effects),
            Screen::Form(view) => effects.extend(view.keep(&mut model.shell)),
            _ => {}
        }
    }
}

/// Its page is kept fresh while it is open; asking costs nothing.
fn watch_simulator(model: &mut Model, effects: &mut Vec<Effect>) {
    let open = matches!(model.screen(), Some(Screen::Page(page)) if *page.kind() == PageKind::Simulator);
    let now = model.shell.now;
    let read = &model.shell.simulator;
    let old = [read.as_of(), read.asked].into_iter().flatten().all(|at| now.since(at) >= SIMULATOR_EVERY);
    if open && old && model.shell.session.simulated {
        model.shell.simulator.ask(now);
        effects.push(Effect::Sim(String::new()));
    }
}

fn declare_needs(model: &mut Model, effects: &mut Vec<Effect>) {
    let needs = model.screen().map(|screen| screen.needs(&model.shell)).unwrap_or_default();
    let needs = Needs { paused: model.shell.paused.is_some(), ..needs };
    if needs != model.needs {
        model.needs = needs.clone();
        effects.push(Effect::Need(needs));
    }
    let follows = follows(model);
    if follows != model.follows {
        model.follows.clone_from(&follows);
        effects.push(Effect::Follow(follows));
    }
}

/// The log to be followed: that of the log view in front, and of the one that was left last while others cover it. A page
/// of text is soon closed again; whoever went on to another view is not waiting for lines, and they cost messages.
fn follows(model: &Model) -> Option<LogWant> {
    let at = model.screens.iter().rposition(|screen| matches!(screen, Screen::Logs(_)))?;
    let above = model.screens.get(at + 1..).unwrap_or_default();
    let attention = if model.shell.paused.is_some() {
        Attention::Paused
    } else if above.is_empty() {
        Attention::InView
    } else if above.iter().all(|screen| matches!(screen, Screen::Page(_))) {
        Attention::Background
    } else {
        Attention::Paused
    };
    match model.screens.get(at) {
        Some(Screen::Logs(view)) => view.wants(attention),
        _ => None,
    }
}

fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    model.shell.notices.key_pressed(model.shell.now);
    let scopes = model.scopes();
    let mut pending = std::mem::take(&mut model.pending);
    let lookup = model.shell.keymap.lookup(&scopes, &mut pending, key);
    model.pending = pending;
    match lookup {
        Lookup::Action(action) => act(model, action, effects),
        Lookup::Pending(_) | Lookup::Cancelled => {}
        Lookup::None => type_key(model, key),
    }
}

/// A key without an action: text where text is taken, else a short word, at most.
fn type_key(model: &mut Model, key: KeyEvent) {
    if let Some(layer) = &mut model.layer {
        if layer.wants_name() && !layer.is_settling(model.shell.now) {
            layer.typed.key(key);
        }
        return;
    }
    if model.prompt.is_some() {
        typed_in_prompt(model, |prompt| prompt.input.key(key));
        return;
    }
    let taken = match model.screens.last_mut() {
        Some(Screen::Twin(view)) => view.key(key),
        Some(Screen::Form(view)) => view.key(key),
        _ => false,
    };
    if taken {
        return;
    }
    if let KeyCode::Char(c) = key.code
        && (key.modifiers - KeyModifiers::SHIFT).is_empty()
    {
        let c = Untrusted::new(c.to_string()).shown();
        model.shell.info(format!("nothing is on {c} here; ? lists the keys"));
    }
}

fn paste(model: &mut Model, text: &str) {
    if model.layer.is_some() {
        // Nor may it reach the editor below, unseen.
        model.shell.warn("pasting is refused in a confirmation: type it");
        return;
    }
    if model.prompt.is_some() {
        typed_in_prompt(model, |prompt| prompt.input.paste(text));
        return;
    }
    let taken = match model.screens.last_mut() {
        Some(Screen::Twin(view)) => view.paste(text),
        Some(Screen::Form(view)) => view.paste(text),
        _ => false,
    };
    if !taken {
        model.shell.warn("pasted text is ignored here; it works in the editor, after : and after /");
    }
}

fn act(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) {
    if let Some(why) = model.shell.forbids(action.action().danger, action.action().title) {
        return model.shell.warn(why);
    }
    if model.layer.is_some() {
        return act_in_layer(model, action, effects);
    }
    if model.prompt.is_some() && act_in_prompt(model, action, effects) {
        return;
    }
    let step = match model.screens.last_mut() {
        Some(screen) => screen.act(action, &mut model.shell),
        None => Step::unused(),
    };
    if step.unused {
        return act_globally(model, action, effects);
    }
    follow(model, step, effects);
}

/// Does what a view wants after an action.
fn follow(model: &mut Model, step: Step, effects: &mut Vec<Effect>) {
    effects.extend(step.effects);
    if step.leave {
        leave(model, effects);
    }
    if let Some(place) = step.go {
        go(model, &place, effects);
    }
    match step.ask {
        // More than one key leads here, and not each of them is a key that changes things.
        Some(Question::Send(_)) if model.shell.session.read_only => {
            model.shell.warn("sending needs read-write; this console was opened read-only");
        }
        Some(question) => model.layer = Some(Layer::ask(question, model.shell.now)),
        None => {}
    }
}

fn act_globally(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) {
    match action {
        ActionId::Help => {
            let scopes = model.scopes();
            go(model, &Place::Page(PageKind::Help(scopes)), effects);
        }
        ActionId::CommandLine => model.prompt = Some(Prompt::open(PromptKind::Command, "")),
        ActionId::Filter => match model.screen().and_then(|screen| screen.filter_state()) {
            Some((text, _)) => model.prompt = Some(Prompt::open(PromptKind::Filter, text)),
            None => model.shell.info("this view has no filter; the lists of devices and of deployments do"),
        },
        ActionId::LogSearch => {
            if let Some(Screen::Logs(view)) = model.screens.last() {
                model.prompt = Some(Prompt::open(PromptKind::Filter, view.search_text()));
            }
        }
        ActionId::Back => leave(model, effects),
        ActionId::Leave => {
            if model.screens.len() > 1 {
                leave(model, effects);
            } else {
                quit(model, effects);
            }
        }
        ActionId::Quit => quit(model, effects),
        ActionId::Refresh => {
            effects.push(Effect::PollNow);
            model.shell.info("reading again");
        }
        ActionId::Pause => match model.shell.paused.take() {
            Some(_) => model.shell.info("reading goes on"),
            None => {
                model.shell.paused = Some(model.shell.now);
                model.shell.info("nothing is read until P is pressed again; ages go on");
            }
        },
        ActionId::Messages => go(model, &Place::Page(PageKind::Messages), effects),
        ActionId::Register => go(model, &Place::Form(FormKind::Register), effects),
        ActionId::DeploymentNew => go(model, &Place::Form(FormKind::Deployment), effects),
        ActionId::Redraw => effects.push(Effect::Repaint),
        ActionId::Suspend if model.shell.ops.open() > 0 => {
            model.shell.warn("not suspended: a change is in flight (:suspend! asks)");
        }
        ActionId::Suspend => effects.push(Effect::Suspend),
        ActionId::HistoryBack => history(model, -1, effects),
        ActionId::HistoryForward => history(model, 1, effects),
        ActionId::HistoryLast => last_view(model, effects),
        _ => model.shell.info(format!("{} means nothing here", action.action().title)),
    }
}

fn quit(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.shell.ops.open() > 0 {
        model.layer = Some(Layer::ask(Question::Quit, model.shell.now));
    } else {
        // Nothing is carried out after this.
        keep_typing(model, effects);
        effects.push(Effect::Quit);
    }
}
