//! The only path to a write: intent → gate → audit → send → outcome.
//!
//! An intent holds its request, and the request its target, what it sends and the ETag that was read; nothing downstream
//! asks what is selected. The gate refuses before anything is sent, the audit record is on disk before the request
//! leaves, and an outcome that is not known is found out by reading back, never by sending again. `request` has one file
//! per kind of write: what it says, what takes it back, and what a reading tells of it.

mod board;
mod gate;
mod gateway;
mod intent;
mod look;
mod order;
mod prepare;
mod request;
mod send;
#[cfg(test)]
mod tests;

pub use board::{OpEntry, OpState, OpsBoard, Outcome};
pub use gate::{Refusal, check};
pub use gateway::Gateway;
pub use intent::{Level, WriteIntent};
pub use order::{Amendment, Document, NewDeployment, Order};
pub use prepare::{Prepared, Unprepared, prepare};
pub use request::{
    DeploymentChange, DeploymentWrite, DeviceChange, DeviceWrite, Effects, Found, Http, Line, ManifestWrite,
    MethodCall, Request, Seen, Target, TwinPatch, TwinWrite, Words, Write,
};
