//! What containers wrote, as the container engine keeps it, and edgeAgent's answers to requests for it.
//!
//! `store` is one container's log with its rotation, `daemon` what the engine and the daemon in front of it hand out
//! of it, `prefix` what edgeAgent reads at the beginning of a line, `request` a request as edgeAgent reads it,
//! `answer` the whole way from the request's JSON to the answer's, `wire` the JSON of Newtonsoft's library.

mod answer;
mod daemon;
mod prefix;
mod request;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub(in crate::sim) use answer::{Device, MethodError, answer, upload};
#[cfg(test)]
pub(in crate::sim) use store::Frame;
pub(in crate::sim) use store::{ContainerLog, LogCaps, LogFault};
