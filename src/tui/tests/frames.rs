//! What surrounds every view, at sizes where no view fits.

use serde_json::json;

use super::golden_at;
use crate::ops::OpState;
use crate::tui::testkit::{Console, Maker, intent};

#[test]
fn too_small() {
    let mut console = Console::online();
    let write = intent(&Maker::filter().done().into(), json!({"a": 1}), 1, console.now());
    console.write_stands(&write, OpState::Sending);
    golden_at(&mut console, "too-small", 59, 16);
    golden_at(&mut console, "too-small", 60, 15);
    golden_at(&mut console, "smallest", 60, 16);
    golden_at(&mut console, "too-small", 9, 2);
}
