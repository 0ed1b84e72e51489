//! The logs of a device's modules, read with edgeAgent's `GetModuleLogs`: asked for, decoded, proven to be without a
//! hole, merged and kept.

pub mod continuity;
pub mod decode;
mod entry;
pub mod merge;
pub mod parse;
pub mod request;
pub mod ring;

pub use entry::{Entry, Level, Severity, Stream};
