//! The only path to a write: intent → gate → audit → send → outcome.
//!
//! An intent holds its target, its patch and the ETag that was read; nothing downstream asks what is selected.
//! The gate refuses before anything is sent, the audit record is on disk before the request leaves, and an outcome
//! that is not known is found out by reading back, never by sending again.

mod board;
mod gate;
mod gateway;
mod intent;
mod readback;
#[cfg(test)]
mod tests;

pub use board::{OpEntry, OpState, OpsBoard, Outcome};
pub use gate::{Refusal, check};
pub use gateway::Gateway;
pub use intent::{Level, TwinPatch, WriteIntent};
