//! The command line: the same operations as the console, for scripts and runbooks. One file per subcommand; data to
//! standard output, everything else to standard error; exit codes that mean something ([`Exit`]).

mod args;
mod exit;

pub use args::{Cli, Command, ConnectArgs, ScreenArgs};
pub use exit::Exit;
