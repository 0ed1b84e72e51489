//! The console: what is on the screen and what keys do.
//!
//! `update` takes a message and changes the model, `view` draws the model; both are pure. `run` is the loop around
//! them, `term` the terminal below it. Nothing here knows the hub, the disk or the network: what is wanted of the world
//! leaves as an [`msg::Effect`], what comes back arrives as a [`msg::Msg`].

pub mod actions;
pub mod canvas;
pub mod evidence;
pub mod filter;
pub mod finding;
pub mod following;
pub mod keymap;
pub mod layers;
pub mod model;
pub mod msg;
mod named;
pub mod notices;
pub mod prompt;
pub mod run;
pub mod shell;
pub mod term;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod update;
pub mod view;
pub mod views;
pub mod widgets;
