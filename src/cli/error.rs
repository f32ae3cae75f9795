//! Failures as people read them: what failed, why, what to do; and the exit codes.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// How the program ends when nothing stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is done.
    Done,
    /// Some inputs failed; each was named.
    SomeFailed,
    /// Interrupted.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::SomeFailed => 1,
            Status::Interrupted => 130,
        })
    }
}

/// Why the program did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// clap's own message; also help and version, which are no failures.
    Arguments(clap::Error),
    /// Options that make no sense.
    Usage(Message),
    /// The project can't be used.
    Project(Message),
    /// The work failed.
    Work(Message),
}

/// What failed, why, what to do; empty parts are left out.
#[derive(Debug, Default)]
pub struct Message {
    /// What failed, on which object.
    pub what: String,
    /// Why.
    pub why: String,
    /// The next step.
    pub fix: String,
}

impl Message {
    /// A message of its three parts.
    pub fn new(what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Message { what: what.into(), why: why.into(), fix: fix.into() }
    }

    /// Errors that say all three in sentences of their own.
    pub fn whole(error: impl std::fmt::Display) -> Self {
        Message { what: error.to_string(), ..Message::default() }
    }
}

impl Failure {
    /// Options that make no sense.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Failure::Usage(Message::new(what, why, fix))
    }

    /// Says it on stderr (help and version on stdout) and gives the exit code.
    pub fn report(self) -> ExitCode {
        let (message, code) = match self {
            Failure::Arguments(error) => {
                let code = u8::try_from(error.exit_code()).unwrap_or(2);
                // Nothing is left to tell the user with if the terminal is gone.
                let _ = error.print();
                return ExitCode::from(code);
            }
            Failure::Usage(message) => (message, 2),
            Failure::Project(message) => (message, 3),
            Failure::Work(message) => (message, 1),
        };
        say(&format!("error: {}", message.what));
        for line in [&message.why, &message.fix].into_iter().filter(|line| !line.is_empty()) {
            say(&format!("  {line}"));
        }
        ExitCode::from(code)
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure::Arguments(error)
    }
}

/// A line on stderr, and in the log.
pub(super) fn say(line: &str) {
    tracing::info!(target: "brushwood", "{line}");
    // A closed stderr must not stop the work.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Text on stdout. A reader that has enough of it, such as `head`, is no failure.
///
/// # Errors
/// stdout is full.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Work(Message::new("Can't write to stdout", error.to_string(), "")))
        }
        _ => Ok(()),
    }
}
