//! ilastik's own headless command line, as its users have it in their scripts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueHint};

use super::args::{ExportArgs, RunArgs};
use super::error::{Failure, Status, say};
use super::ilastik_options;
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
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
}

/// Whether ilastik's command line is meant.
pub(super) fn is_headless(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--headless")
}

/// Runs ilastik's headless command line; option names have dashes.
///
/// # Errors
/// As `brushwood predict`, and options of ilastik's that have no meaning here.
pub(super) fn run(arguments: Vec<OsString>) -> Result<Status, Failure> {
    let (arguments, notes) = ilastik_options::without(arguments)?;
    let mut args = HeadlessArgs::try_parse_from(&arguments)?;
    notes.iter().for_each(|note| say(&format!("note: {note}")));
    if args.export.retrain {
        say("note: --retrain does not change the project");
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.trim().parse::<u64>().ok());
    // ilastik takes 0 for no pool of threads at all.
    let threads = number("LAZYFLOW_THREADS").and_then(|n| u16::try_from(n.max(1)).ok());
    let memory = number("LAZYFLOW_TOTAL_RAM_MB").filter(|&n| n > 0).map(|n| n.saturating_mul(1 << 20));
    args.run.threads = args.run.threads.or(threads);
    args.run.memory = args.run.memory.or(memory);
    let files = if args.files.is_empty() { args.raw_data } else { args.files };
    predict(&args.project, files, args.export, !args.no_overwrite, &args.run)
}
