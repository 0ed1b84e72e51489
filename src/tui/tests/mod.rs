//! The console through its front door: messages in, frames and effects out. Goldens are text and role names per
//! screen and state, at the size of a usual and of a small terminal; what keys do is in `keys` and `write`; what
//! must never be on any frame is in `secrets` and `anything`.

mod anything;
mod changes;
mod continued;
mod deployments;
mod devices;
mod dialogs;
mod drafts;
mod fleets;
mod frames;
mod keys;
mod logs;
mod pages;
mod prompts;
mod secrets;
mod twins;
mod write;

use super::testkit::Console;

/// Compares the frame with its golden at both usual sizes.
fn golden(console: &mut Console, name: &str) {
    for (columns, rows) in [(120, 36), (80, 24)] {
        golden_at(console, name, columns, rows);
    }
}

/// Compares the frame with its golden at one size.
fn golden_at(console: &mut Console, name: &str, columns: u16, rows: u16) {
    let screen = console.screen(columns, rows);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), screen);
    });
}
