//! The command line: arguments, subcommands, exit codes, and errors as people read them.
//!
//! The only layer that prints. Results go to files, progress and messages to stderr, `--json` to stdout.

mod args;
mod changes;
mod error;
mod headless;
mod ilastik_options;
mod ilastik_settings;
mod info;
mod ini;
mod interrupt;
mod keymap;
mod label_counts;
mod logging;
mod predict;
mod progress;
mod spelling;
mod terminal;
mod train;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::{Cli, Command, TerminalArgs};
pub use error::{Failure, Status};

/// Runs the program with `arguments` (the program's name first) and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = spelling::dashed(arguments.into_iter().collect());
    let outcome = spelling::readable(&arguments).and_then(|()| {
        if headless::is_headless(&arguments) {
            headless::run(arguments).map(ExitCode::from)
        } else {
            Cli::try_parse_from(&arguments).map_err(Failure::from).and_then(dispatch)
        }
    });
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let status = match cli.command {
        Some(Command::Predict(args)) => predict::run(*args),
        Some(Command::Train(args)) => train::run(args),
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Keymap(command)) => keymap::run(&command),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "brushwood", &mut script);
            error::print(String::from_utf8_lossy(&script).trim_end()).map(|()| Status::Done)
        }
        Some(Command::Doctor(args)) => terminal::doctor(&args),
        None => return terminal::run(cli.terminal),
    };
    status.map(ExitCode::from)
}
