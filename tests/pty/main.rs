//! The program in a real pseudo-terminal: what it shows, what it sends, and that it gives the terminal back.
//!
//! `launch` says what to start and `harness` drives it. The terminal layer alone: `child` is its own test program (this
//! very binary, started again), `exits` the ways it can end. The product, the real `edgedeck` binary: `product` starts
//! it and is the colleague who changes twins meanwhile, `story` is the operator's evening, `round` goes through what else
//! there is, `looks` what depths of colour, sizes and unsuitable places make of it, `endings` how it ends and what it
//! leaves on disk.
//!
//! `EDGEDECK_PTY_BINARY` names another `edgedeck` binary to test, a release build for instance. Tests whose names begin
//! with `drill` need a debug build; leave them out with `--skip drill`.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests: a failure may panic, and deadlines need the system's clock"
)]

mod child;
mod endings;
mod exits;
mod harness;
mod launch;
mod looks;
mod product;
mod round;
mod story;
