//! What is said once when the hub begins to refuse one kind of reading. The places that stay without a value say why
//! they do; this says what that costs.

use crate::domain::fault::FaultKind;
use crate::store::{LinkState, Source};
use crate::tui::model::Model;

pub(super) fn tell_refusals(model: &mut Model, before: &LinkState) {
    // Where nothing can be read the view says so, and needs no list of what else is missing.
    if is_refused(&model.shell.link, Source::Fleet) {
        return;
    }
    for (source, what, cost) in [
        (Source::Heartbeat, "registry count", "an outage shows only when a read fails"),
        (Source::Identities, "device identities", "who is enabled and who is linked stays unknown"),
    ] {
        if is_refused(before, source) || !is_refused(&model.shell.link, source) {
            continue;
        }
        if let Some((_, fault)) = &model.shell.link.of(source).trouble {
            let text = format!("{what}: {}; {cost}", fault.in_short());
            model.shell.warn(text);
        }
    }
}

fn is_refused(link: &LinkState, source: Source) -> bool {
    link.of(source).trouble.as_ref().is_some_and(|(_, fault)| fault.kind == FaultKind::Unauthorized)
}
