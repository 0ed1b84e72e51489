//! The program in a real pseudo-terminal: what it shows, what it sends, and that it gives the terminal back.
//!
//! `harness` drives a command, `child` is the terminal layer's own test program (this very binary, started again),
//! `exits` holds the matrix of ways a console can end.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests: a failure may panic, and deadlines need the system's clock"
)]

mod child;
mod exits;
mod harness;
