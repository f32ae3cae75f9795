//! Logs in files.

use std::fs::OpenOptions;
use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Stamp};

use super::error::Failure;

/// What becomes of a log that is there.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Existing {
    /// It is replaced.
    Replaced,
    /// It goes on.
    Continued,
}

/// Starts each line: the process's name, where it was given one, and the time.
struct Start(String);

impl FormatTime for Start {
    fn format_time(&self, line: &mut Writer<'_>) -> std::fmt::Result {
        if !self.0.is_empty() {
            write!(line, "{} ", self.0)?;
        }
        Stamp.format_time(line)
    }
}

/// Writes a log to the file at `path` from now on; `process` is the name that each line begins with.
///
/// # Errors
/// The file can't be written.
pub(super) fn log_to(path: &Path, existing: Existing, process: Option<&str>) -> Result<(), Failure> {
    let goes_on = existing == Existing::Continued;
    let file =
        OpenOptions::new().create(true).write(true).append(goes_on).truncate(!goes_on).open(path).map_err(
            |error| {
                Failure::usage(
                    format!("Can't write the log '{}'", path.display()),
                    error.to_string(),
                    "Name a file that can be written",
                )
            },
        )?;
    let filter =
        EnvFilter::try_from_env("BRUSHWOOD_LOG").unwrap_or_else(|_| EnvFilter::new("brushwood=debug"));
    let start = Start(process.unwrap_or_default().to_owned());
    let log = tracing_subscriber::fmt()
        // On a full disk, what the library says of it would go over the screen.
        .log_internal_errors(false)
        .with_writer(file)
        .with_ansi(false)
        .with_env_filter(filter)
        .with_timer(start);
    // Only a second log in one process could fail.
    let _ = log.try_init();
    Ok(())
}
