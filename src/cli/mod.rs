//! The command line: arguments, subcommands, exit codes, and errors as people read them.
//!
//! The only layer that prints. Results go to files, progress and messages to stderr, `--json` to stdout.

mod args;
mod error;
mod headless;
mod info;
mod interrupt;
mod predict;
mod progress;
mod spelling;
mod train;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::{Cli, Command, TerminalArgs};
pub use error::{Failure, Status};

/// Runs the program with `arguments` (the program's name first) and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = spelling::dashed(arguments.into_iter().collect());
    let outcome = if headless::is_headless(&arguments) {
        headless::HeadlessArgs::try_parse_from(&arguments).map_err(Failure::from).and_then(headless::run)
    } else {
        Cli::try_parse_from(&arguments).map_err(Failure::from).and_then(dispatch)
    };
    match outcome {
        Ok(status) => status.into(),
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: Cli) -> Result<Status, Failure> {
    match cli.command {
        Some(Command::Predict(args)) => predict::run(args),
        Some(Command::Train(args)) => train::run(args),
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "brushwood", &mut std::io::stdout());
            Ok(Status::Done)
        }
        None => terminal(&cli.terminal),
    }
}

/// The terminal interface.
fn terminal(args: &TerminalArgs) -> Result<Status, Failure> {
    let _ = args;
    Err(Failure::usage(
        "No command given",
        "this build has no terminal interface",
        "Run 'brushwood --help' for the commands",
    ))
}
