//! The logs of a device's modules, read with edgeAgent's `GetModuleLogs`. Everything here is pure but [`tail`], which asks.
//!
//! On the way from the device to the screen: [`request`] says what is asked, [`decode`] reads the answer into
//! [`Entry`]s and [`parse`] their prefixes, [`continuity`] tells which of them are new and where others may be missing,
//! [`veil`] hides the secrets in them, [`merge`] finds each its place among the lines of the other modules, [`ring`] keeps
//! them under a cap and gives out pictures, and [`tail`] drives it all. [`mod@print`] is the way out for files and scripts.

pub mod continuity;
pub mod decode;
mod entry;
pub mod merge;
pub mod parse;
pub mod print;
pub mod request;
pub mod ring;
pub mod tail;
pub mod veil;

pub use entry::{Entry, Level, Severity, Stream};
