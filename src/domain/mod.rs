//! Meaning without I/O: the types every other module speaks, and the rules that need no network.
//!
//! Depends on nothing of ours, reads no clock, opens no file. Tests sit beside each rule.

pub mod applied;
pub mod change;
pub mod deployment;
pub mod device;
pub mod effective;
pub mod fault;
pub mod health;
pub mod ids;
pub mod json;
pub mod limits;
pub mod manifest;
pub mod mask;
pub mod patch;
pub mod query;
pub mod redact;
pub mod routes;
pub mod secret;
pub mod sku;
pub mod snapshot;
pub mod text;
pub mod time;
pub mod twin;
