//! Between views: opening, leaving, and the history of places.

use super::keep_typing;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::{Place, Screen};

/// Places history remembers.
const VISITED: usize = 50;

pub(super) fn leave(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(last) = model.screens.len().checked_sub(1).filter(|last| *last > 0) {
        keep_typing(model, effects);
        cut(model, last, effects);
        note_visit(model);
    }
}

/// Closes every view from the one at `first` on, and gives drafts free that are not edited any more.
fn cut(model: &mut Model, first: usize, effects: &mut Vec<Effect>) {
    for screen in model.screens.drain(first..) {
        if let Screen::Twin(view) = screen {
            effects.extend(view.closed(&model.shell));
        }
    }
}

/// Goes to a place. Places that are open already are returned to, with their state.
pub(super) fn go(model: &mut Model, place: &Place, effects: &mut Vec<Effect>) {
    match model.screens.iter().position(|screen| screen.place() == *place) {
        Some(index) => {
            keep_typing(model, effects);
            cut(model, index + 1, effects);
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
    let Some(place) = model.screen().map(|screen| screen.place()) else { return };
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

pub(super) fn history(model: &mut Model, step: isize, effects: &mut Vec<Effect>) {
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

pub(super) fn last_view(model: &mut Model, effects: &mut Vec<Effect>) {
    let (visited, at) = &model.visited;
    let Some(place) = at.checked_sub(1).and_then(|index| visited.get(index)).cloned() else {
        model.shell.info("there is no last view yet");
        return;
    };
    go(model, &place, effects);
}
