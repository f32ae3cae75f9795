//! ilastik's own headless command line, as its users have it in their scripts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueHint};

use super::args::{ExportArgs, RunArgs};
use super::error::{Failure, Status, say};
use super::predict::predict;

/// ilastik's headless options. Outputs that exist are replaced, each named on stderr.
#[derive(Debug, Parser)]
#[command(name = "brushwood --headless", version, about = "Predict images, with ilastik's command line")]
pub struct HeadlessArgs {
    /// Run without interface
    #[arg(long)]
    pub headless: bool,
    /// The project
    #[arg(long, value_name = "P.ilp", value_hint = ValueHint::FilePath)]
    pub project: PathBuf,
    /// Images
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// Images
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "files")]
    pub raw_data: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub export: ExportArgs,
    /// Refuse to replace outputs that exist
    #[arg(long)]
    pub no_overwrite: bool,
    /// Accepted for ilastik's sake: the project is never written
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_missing_value = "1", require_equals = true, hide = true)]
    pub readonly: Option<String>,
    /// Accepted for ilastik's sake: stacks need no conversion
    #[arg(long, hide = true)]
    pub preconvert_stacks: bool,
    /// Accepted for ilastik's sake
    #[arg(long, hide = true)]
    pub debug: bool,
    /// Accepted for ilastik's sake
    #[arg(long, hide = true)]
    pub exit_on_failure: bool,
    /// Accepted for ilastik's sake: messages go to stderr
    #[arg(long, value_name = "FILE", hide = true)]
    pub logfile: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
}

/// Whether ilastik's command line is meant.
pub(super) fn is_headless(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--headless")
}

/// Runs ilastik's headless command line.
///
/// # Errors
/// As `brushwood predict`.
pub(super) fn run(args: HeadlessArgs) -> Result<Status, Failure> {
    if args.logfile.is_some() {
        say("note: --logfile is not used, messages go to stderr");
    }
    if args.export.retrain && args.readonly.as_deref() == Some("0") {
        say("note: --retrain does not change the project");
    }
    let files = if args.files.is_empty() { args.raw_data } else { args.files };
    predict(&args.project, files, args.export, !args.no_overwrite, &args.run)
}
