//! The `edgedeck` binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    edgedeck::app::main()
}
