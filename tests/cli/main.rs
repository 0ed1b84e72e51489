//! The command line as a script meets it: the real binary against the simulated hub over HTTPS, its output, its exit
//! codes, and what it leaves at the hub and in the audit record.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helpers fail as its assertions do"
)]

mod changes;
mod connect;
mod deployments;
mod guide;
mod harness;
mod logs;
mod prompt;
mod read;
mod sim;
mod snapshot;
mod write;
