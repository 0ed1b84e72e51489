//! edgedeck: a keyboard-driven operations console for Azure IoT Hub and IoT Edge fleets.
//!
//! One package, one direction of dependencies; `ARCHITECTURE.md` has the picture and
//! `tests/architecture.rs` holds the table. In short:
//!
//! - [`domain`] is meaning without I/O: ids, time, text, twins, patches, the query language, health.
//! - [`hub`] speaks IoT Hub's REST API; [`sync`] decides what to read when; [`store`] is the immutable
//!   picture that comes out.
//! - [`logs`] follows the logs of modules and proves that nothing is missing.
//! - [`ops`] is the only path to a write, [`audit`] its record, [`local`] the only writer to disk.
//! - [`disk`] holds the rules of every file we read or write: owner, mode, links, atomic replacement, locks.
//! - [`tui`] shows and asks (`update` and `view` are pure); [`cli`] is the same product for scripts.
//! - `sim` is a simulated IoT Hub behind real HTTPS, with wire types of its own.
//! - [`app`] wires it all together.

pub mod app;
pub mod audit;
pub mod cli;
pub mod config;
pub mod disk;
pub mod domain;
pub mod hub;
pub mod local;
pub mod logs;
pub mod ops;
pub mod sim;
pub mod store;
pub mod sync;
pub mod tui;
