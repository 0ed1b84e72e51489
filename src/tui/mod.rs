//! placeholder

pub mod actions;
pub mod finding;
pub mod keymap;
pub mod term;
pub mod theme;
