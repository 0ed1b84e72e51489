//! The `edgedeck` binary: parse, run, exit.

fn main() {}
