//! Failing on purpose, in debug builds only: how the tests see that a panic in the real binary gives the terminal back.

use crate::config::Env;

/// Says where to fail: `ui` or `worker`.
const VARIABLE: &str = "EDGEDECK_TEST_PANIC";

/// Fails as the environment asks; called where the operator's wish to repaint is carried out, on the UI's thread.
#[expect(clippy::panic, reason = "that is what it is for")]
pub(super) fn fail_if_asked(env: &Env) {
    match env.text(VARIABLE).as_deref() {
        Some("ui") => panic!("a drill in the UI"),
        Some("worker") => drop(tokio::spawn(async { panic!("a drill in a worker") })),
        _ => {}
    }
}
