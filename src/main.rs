//! The `brushwood` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    brushwood::cli::run(std::env::args_os())
}
