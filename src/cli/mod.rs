//! The command line: the same operations as the console, for scripts and runbooks. One file per subcommand; data to
//! standard output, everything else to standard error; exit codes that mean something ([`Exit`]).
//!
//! A subcommand gives back an [`Answer`] in both forms or a [`Failure`]; `app` opens what it needs and prints.

mod answer;
pub mod apply;
mod args;
mod ask;
pub mod audit;
pub mod config;
pub mod deployment;
pub mod device;
pub mod devices;
mod exit;
pub mod info;
pub mod logs;
pub mod modules;
mod pointer;
pub mod query;
mod recipes;
pub mod restart;
pub mod sim;
mod site;
pub mod snapshot;
mod table;
mod target;
pub mod twin;
mod write;

pub use answer::{Answer, Failure, Format, put};
pub use args::{Cli, Command, ConnectArgs, OutputArgs, ScreenArgs};
pub use ask::Asker;
pub use exit::Exit;
pub use site::Site;
pub use table::Facts;
