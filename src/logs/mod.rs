//! The logs of a device's modules, read with edgeAgent's `GetModuleLogs`: asked for, decoded, proven to be without a
//! hole, merged and kept.

pub mod request;
