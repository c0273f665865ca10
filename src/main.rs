//! The `nocbot` command: arguments in, exit code out; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    nocbot::cli::main(std::env::args_os())
}
