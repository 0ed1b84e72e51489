//! Drafts from the disk: those of before, and what another console left of one that is opened now.

use crate::domain::ids::TwinId;
use crate::local::{Draft, DraftKey};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::views::Screen;
use crate::tui::views::twin::TwinView;

/// Takes over what was on the disk at the start.
pub(super) fn found_at_start(model: &mut Model, drafts: Vec<Draft>) {
    for draft in drafts {
        model.shell.take_found(draft);
    }
    let count = model.shell.drafts.len();
    if count > 0 {
        let first = model.shell.drafts.keys().next().map(|id| String::from(id.shown())).unwrap_or_default();
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        model.shell.warn(format!("a draft from before waits: {first}{more}; open its twin and press e"));
    }
}

/// The disk answered. What was typed here is newer than anything there, since nobody else could write meanwhile; what
/// was only read at the start is not.
pub(super) fn opened(model: &mut Model, key: DraftKey, found: Option<Draft>, effects: &mut Vec<Effect>) {
    let id = key.target.clone();
    let known = model.shell.drafts.get(&id);
    let is_news = |found: &Draft| known.is_none_or(|known| known.text != found.text);
    let news = found.filter(|found| !model.shell.has_typed(&id) && is_news(found));
    let open = model.screens.iter_mut().filter_map(|screen| twin_of(screen, &id)).find(|view| view.is_open());
    match (open, news) {
        (Some(view), news) => {
            if let Some(draft) = news {
                view.found(draft, &mut model.shell);
            }
            effects.extend(view.outside());
        }
        (None, news) => {
            if let Some(draft) = news {
                model.shell.warn(format!("another console left a draft of {}; e goes on with it", id.shown()));
                model.shell.take_found(draft);
            }
            // The editor was closed before the disk answered.
            if !model.shell.has_typed(&id) {
                effects.push(Effect::CloseDraft(key));
            }
        }
    }
}

/// What is typed is not kept on disk; it goes on all the same.
pub(super) fn refused(model: &mut Model, key: &DraftKey, why: String, effects: &mut Vec<Effect>) {
    model.shell.warn(why);
    let open = model.screens.iter_mut().find_map(|screen| twin_of(screen, &key.target));
    effects.extend(open.and_then(TwinView::outside));
}

fn twin_of<'a>(screen: &'a mut Screen, id: &TwinId) -> Option<&'a mut TwinView> {
    match screen {
        Screen::Twin(view) if view.id() == id => Some(view),
        _ => None,
    }
}
