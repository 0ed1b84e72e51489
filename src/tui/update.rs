//! The one funnel: `update(model, msg) -> effects`. No I/O, no clock, no await.
//!
//! A key goes to the dialog if one is open, else to the input line, else to the view; what nobody wants is global, and
//! what is not that either is said once.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::text::Untrusted;
use crate::local::Draft;
use crate::ops::{OpState, OpsBoard, Outcome};
use crate::tui::actions::{ActionId, CommandId, Danger, Invocation, Scope, Target};
use crate::tui::keymap::{Keymaps, Lookup};
use crate::tui::layers::{Layer, Question};
use crate::tui::model::Model;
use crate::tui::msg::{Effect, Msg};
use crate::tui::prompt::{Names, Prompt, PromptKind, common_prefix};
use crate::tui::views::page::PageKind;
use crate::tui::views::{Place, Screen, Step};

/// Places history remembers.
const VISITED: usize = 50;

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
            keep_typing(model, &mut effects);
        }
        Msg::Fleet(fleet) => {
            model.shell.fleet = fleet;
            refresh(model, &mut effects);
        }
        Msg::Details(details) => {
            model.shell.details = details;
            refresh(model, &mut effects);
        }
        Msg::Link(link) => model.shell.link = link,
        Msg::Ops(ops) => {
            let before = std::mem::replace(&mut model.shell.ops, ops);
            tell_outcomes(model, &before, &mut effects);
            refresh(model, &mut effects);
        }
        Msg::Drafts(drafts) => {
            for draft in drafts {
                model.shell.drafts.insert(draft.key.target.clone(), draft);
            }
            let count = model.shell.drafts.len();
            if count > 0 {
                let first = model.shell.drafts.keys().next().map(|id| String::from(id.shown())).unwrap_or_default();
                let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
                model.shell.warn(format!("a draft from before waits: {first}{more}; open its twin and press e"));
            }
        }
        Msg::Simulator(lines) => model.shell.simulator = lines,
        Msg::EditedOutside(id, result) => match (result, model.screens.last_mut()) {
            (Ok(text), Some(Screen::Twin(view))) if *view.id() == id => view.edited_outside(&text),
            (Ok(_), _) => model.shell.warn("the editor came back to another view; its text is in the draft as it was"),
            (Err(why), _) => model.shell.error(why),
        },
        Msg::Say(severity, text) => model.shell.notices.say(severity, text, model.shell.now),
    }
    declare_needs(model, &mut effects);
    effects
}

/// Every view takes over new data, the hidden ones too: going back must not show yesterday's order.
fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    for screen in &mut model.screens {
        let step = screen.refresh(&mut model.shell);
        effects.extend(step.effects);
    }
}

/// Hands over what was typed and is not kept yet, in views that are covered by others too.
fn keep_typing(model: &mut Model, effects: &mut Vec<Effect>) {
    for screen in &mut model.screens {
        if let Screen::Twin(view) = screen {
            effects.extend(view.tick(&mut model.shell).effects);
        }
    }
}

fn declare_needs(model: &mut Model, effects: &mut Vec<Effect>) {
    let needs = model.screen().map(|screen| screen.needs(&model.shell)).unwrap_or_default();
    if needs != model.needs {
        model.needs = needs.clone();
        effects.push(Effect::Need(needs));
    }
}

/// Says what became of writes, wherever the operator is by now.
fn tell_outcomes(model: &mut Model, before: &OpsBoard, effects: &mut Vec<Effect>) {
    let ops = model.shell.ops.clone();
    for entry in ops.entries() {
        let OpState::Done(outcome, _) = &entry.state else { continue };
        if matches!(before.get(&entry.intent.op).map(|old| &old.state), Some(OpState::Done(..))) {
            continue;
        }
        let target = entry.intent.target.shown();
        match outcome {
            Outcome::Applied(twin) => {
                // Also when its view was left meanwhile; what was typed since then is another draft.
                let is_sent = |draft: &Draft| draft.saved_at <= entry.intent.asked_at.wall;
                if let Some(draft) = model.shell.drafts.get(&entry.intent.target).filter(|draft| is_sent(draft)) {
                    effects.push(Effect::DiscardDraft(draft.key.clone()));
                    model.shell.drafts.remove(&entry.intent.target);
                }
                let from = entry.intent.base.desired.version;
                model.shell.info(format!("{target} changed: desired v{from} -> v{}", twin.desired.version));
            }
            Outcome::Conflict(_) => model.shell.warn(format!(
                "412: {target} was changed by somebody else after it was read; nothing was overwritten, both changes are shown"
            )),
            Outcome::Refused(why) => model.shell.error(format!("{target} was not changed: {}", why.shown())),
            Outcome::NotApplied(_) => {
                model.shell.warn(format!("{target}: no answer came, and reading back shows that it did not take effect; send it again"));
            }
        }
        effects.push(Effect::PollNow);
    }
}

fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    model.shell.notices.key_pressed(model.shell.now);
    let scopes = model.scopes();
    let mut pending = std::mem::take(&mut model.pending);
    let lookup = model.keymap.lookup(&scopes, &mut pending, key);
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
    if let Some(Screen::Twin(view)) = model.screens.last_mut()
        && view.key(key)
    {
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
        _ => false,
    };
    if !taken {
        model.shell.warn("pasted text is ignored here; it works in the editor, after : and after /");
    }
}

/// Something was typed into the input line: a filter applies while typing.
fn typed_in_prompt(model: &mut Model, typing: impl FnOnce(&mut Prompt) -> bool) {
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

fn act(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) {
    if action.action().danger == Danger::Write && model.shell.session.read_only {
        model.shell.warn(format!("{} needs read-write; this console was opened read-only", action.action().title));
        return;
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
        leave(model);
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
        ActionId::Filter => match model.screens.last() {
            Some(Screen::Fleet(view)) => model.prompt = Some(Prompt::open(PromptKind::Filter, view.filter_state().0)),
            _ => model.shell.info("this view has no filter; the list of devices does"),
        },
        ActionId::Back => leave(model),
        ActionId::Leave => {
            if model.screens.len() > 1 {
                leave(model);
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
        ActionId::Redraw => effects.push(Effect::Repaint),
        ActionId::Suspend if model.shell.ops.open() > 0 => {
            model.shell.warn("not suspended: a change is in flight, and its outcome would go unseen");
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

fn leave(model: &mut Model) {
    if model.screens.len() > 1 {
        model.screens.pop();
        note_visit(model);
    }
}

/// Goes to a place. Places that are open already are returned to, with their state.
fn go(model: &mut Model, place: &Place, effects: &mut Vec<Effect>) {
    match model.screens.iter().position(|screen| screen.place() == *place) {
        Some(index) => {
            keep_typing(model, effects);
            model.screens.truncate(index + 1);
        }
        None => {
            let mut screen = Screen::open(place, &model.shell);
            let step = screen.refresh(&mut model.shell);
            effects.extend(step.effects);
            model.screens.push(screen);
        }
    }
    note_visit(model);
}

fn note_visit(model: &mut Model) {
    let Some(place) = model.screen().map(Screen::place) else { return };
    let (visited, at) = &mut model.visited;
    if visited.get(*at) == Some(&place) {
        return;
    }
    visited.truncate(*at + 1);
    visited.push(place);
    if visited.len() > VISITED {
        visited.remove(0);
    }
    *at = visited.len() - 1;
}

fn history(model: &mut Model, step: isize, effects: &mut Vec<Effect>) {
    let (visited, at) = &model.visited;
    let target = at.checked_add_signed(step).filter(|index| *index < visited.len());
    let Some((index, place)) = target.and_then(|index| visited.get(index).map(|place| (index, place.clone()))) else {
        model.shell.info("there is no further view in the history");
        return;
    };
    // The position first, so that arriving is not noted as a new visit.
    model.visited.1 = index;
    go(model, &place, effects);
}

fn last_view(model: &mut Model, effects: &mut Vec<Effect>) {
    let (visited, at) = &model.visited;
    let Some(place) = at.checked_sub(1).and_then(|index| visited.get(index)).cloned() else {
        model.shell.info("there is no last view yet");
        return;
    };
    go(model, &place, effects);
}

fn act_in_layer(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) {
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
        _ if layer.is_settling(model.shell.now) => {}
        ActionId::ConfirmNext | ActionId::ConfirmPrevious => layer.focus = 1 - layer.focus.min(1),
        ActionId::ConfirmActivate => {
            if layer.focus == 0 {
                model.layer = None;
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
                if let Screen::Twin(view) = screen {
                    view.sent(&intent.op);
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
        Question::Quit => {
            keep_typing(model, effects);
            effects.push(Effect::Quit);
        }
    }
}

/// Whether the action was for the input line.
fn act_in_prompt(model: &mut Model, action: ActionId, effects: &mut Vec<Effect>) -> bool {
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
            let candidates = prompt.candidates(&model.shell, &model.keymap, &names);
            let Some(last) = candidates.len().checked_sub(1) else {
                if action == ActionId::InputPrevious {
                    recall(model);
                }
                return true;
            };
            let common = common_prefix(&candidates);
            if action == ActionId::InputComplete && prompt.chosen.is_none() && common.len() > prompt.input.text().len()
            {
                prompt.input = crate::tui::widgets::editor::Editor::line(&common);
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
    let mut scopes = model.screen().map(Screen::scopes).unwrap_or_default();
    scopes.push(Scope::Global);
    Names { themes: model.themes.names(), keymaps: Keymaps::shipped().names(), scopes }
}

/// Puts the next older line into the prompt.
fn recall(model: &mut Model) {
    let Some(prompt) = &mut model.prompt else { return };
    let next = prompt.recalled.map_or(0, |at| at + 1);
    if let Some(line) = model.history.iter().rev().nth(next) {
        prompt.input = crate::tui::widgets::editor::Editor::line(line);
        prompt.recalled = Some(next);
        prompt.chosen = None;
    }
}

fn accept(model: &mut Model, effects: &mut Vec<Effect>) {
    let names = names(model);
    let Some(prompt) = model.prompt.take() else { return };
    if prompt.kind == PromptKind::Filter {
        if let Some(Screen::Fleet(view)) = model.screens.last()
            && let (_, Some(error)) = view.filter_state()
        {
            let text = format!("the filter cannot be read: {}", error.message);
            model.shell.warn(text);
        }
        return;
    }
    let line = match prompt.chosen {
        Some(index) => prompt
            .candidates(&model.shell, &model.keymap, &names)
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

fn run(model: &mut Model, command: CommandId, argument: &str, effects: &mut Vec<Effect>) {
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
                model.theme = theme;
                effects.push(Effect::Repaint);
            }
            Err(error) => model.shell.warn(error.to_string()),
        },
        CommandId::Keymap => match Keymaps::shipped().load(argument) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ETag;
    use crate::domain::time::{Clock, ManualClock};
    use crate::domain::twin::{Section, Twin};
    use crate::store::{DetailBoard, Fetched};
    use crate::tui::model::Setup;
    use crate::tui::shell::{Session, Shell};
    use crate::tui::theme::signs::Glyphs;
    use crate::tui::theme::{Depth, Theme, Themes};
    use crate::tui::views::twin::Mode;
    use serde_json::json;
    use std::sync::Arc;

    /// A console on a twin that has been read, with its editor open.
    fn editing() -> Model {
        let now = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now();
        let session = Session {
            version: "0".to_owned(),
            context: "test".to_owned(),
            hub: "h.azure-devices.net".to_owned(),
            identity: "policy iothubowner".to_owned(),
            simulated: false,
            production: false,
            read_only: false,
            seed: uuid::Uuid::nil(),
        };
        let mut model = Model::new(Setup {
            shell: Shell::new(session, now, (120, 36)),
            keymap: Keymaps::shipped().load("k9s").unwrap().0,
            theme: Theme::roles_only(),
            themes: Themes::shipped(),
            depth: Depth::True,
            glyphs: Glyphs::Unicode,
            history: Vec::new(),
        });
        let id = TwinId::module(DeviceId::from_wire("d"), ModuleId::from_wire("m"));
        let twin = Twin {
            id: id.clone(),
            etag: ETag::from_wire("AAA="),
            version: 3,
            status: "enabled".into(),
            connection_state: "Connected".into(),
            last_activity: None,
            tags: serde_json::Map::new(),
            desired: Section { values: json!({"t": 25.0}).as_object().cloned().unwrap(), ..Section::default() },
            reported: Section::default(),
            configurations: vec![],
        };
        let mut board = DetailBoard::default();
        let mut read = Fetched::default();
        read.settle(Ok(Arc::new(twin)), now);
        board.twins.insert(id, read);
        update(&mut model, Msg::Details(Arc::new(board)));
        for key in [":twin d/m", "\n", "e"].concat().chars() {
            let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
            update(&mut model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        model
    }

    /// The text in the open editor.
    fn draft(model: &Model) -> String {
        let Some(Screen::Twin(view)) = model.screen() else { panic!("not on a twin") };
        let Mode::Edit(edit) = view.mode() else { panic!("not editing") };
        edit.editor.text()
    }

    #[test]
    fn what_is_pasted_into_a_confirmation_goes_nowhere() {
        let mut model = editing();
        let before = draft(&model);
        model.layer = Some(Layer::ask(Question::Quit, model.shell.now));
        update(&mut model, Msg::Paste("pasted".to_owned()));
        assert_eq!(draft(&model), before);
        model.layer = None;
        update(&mut model, Msg::Paste("pasted".to_owned()));
        assert!(draft(&model).contains("pasted"));
    }
}
