//! The composition root: reads the system clock and the environment, opens the hub, wires the parts, ends in order.
//! It decides nothing about hubs or screens.

mod access;
mod command;
mod console;
#[cfg(debug_assertions)]
mod drill;
mod follow;
mod hands;
mod logging;
mod opening;
mod process;
mod serve;
mod simulator;
mod world;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Exit};
use crate::config::refuse_key_in_arguments;

pub use hands::{Hands, Materials, Wired, wire};
pub use opening::{OpenError, Opened, open};
pub use process::{Process, SystemClock};
pub use simulator::Simulator;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(refusal) = refuse_key_in_arguments(&arguments) {
        complain(refusal);
        return ExitCode::from(Exit::Usage.code());
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to standard output and errors to standard error.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let gone = error.print().is_err_and(|why| why.kind() == std::io::ErrorKind::BrokenPipe);
            return ExitCode::from(if gone { Exit::Signal(141) } else { code }.code());
        }
    };
    let exit = match Process::start(&cli) {
        Ok(process) => match process.wrong_flag(&cli) {
            Some(wrong) => {
                complain(&wrong);
                Exit::Usage
            }
            None => run(process, cli),
        },
        Err(error) => {
            complain(&error);
            Exit::Usage
        }
    };
    ExitCode::from(exit.code())
}

fn run(process: Process, cli: Cli) -> Exit {
    match cli.command {
        None => console::run(process, &cli.connect),
        Some(command) => command::run(process, &cli.connect, cli.output.format, &command),
    }
}

/// One sentence on standard error.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "edgedeck: {text}");
}
