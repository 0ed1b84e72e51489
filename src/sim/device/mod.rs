//! A simulated IoT Edge device: what runs on it and what it leaves behind.
//!
//! [`program`] is what runs inside a container, [`log`] what it wrote and edgeAgent's answers about it, [`edge_hub`]
//! moves and keeps its messages, [`traffic`] turns the clock for the three of them.

pub(in crate::sim) mod edge_hub;
mod instants;
pub(in crate::sim) mod log;
pub(in crate::sim) mod program;
pub(in crate::sim) mod traffic;
