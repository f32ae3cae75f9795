//! ilastik's own headless command line, as its users have it in their scripts.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueHint};

use super::args::{ExportArgs, RunArgs};
use super::error::{Failure, Message, Status, say};
use super::ilastik_options;
use super::label_counts;
use super::predict::predict;
use crate::project::Project;

/// ilastik's headless options. Outputs that exist are replaced, each named on stderr.
#[derive(Debug, Parser)]
#[command(name = "brushwood --headless", version, about = "Predict images, with ilastik's command line")]
pub struct HeadlessArgs {
    /// Run without interface
    #[arg(long)]
    pub headless: bool,
    /// The project
    #[arg(long, value_name = "P.ilp", value_hint = ValueHint::FilePath, required_unless_present = "new_project")]
    pub project: Option<PathBuf>,
    /// Make an empty project
    #[arg(long, value_name = "P.ilp", value_hint = ValueHint::FilePath, conflicts_with = "project", requires = "workflow")]
    pub new_project: Option<PathBuf>,
    /// The workflow of a new project: Pixel Classification
    #[arg(long, value_name = "NAME")]
    pub workflow: Option<String>,
    /// Images
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// Images
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "files")]
    pub raw_data: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub export: ExportArgs,
    /// Tell how many pixels of each class are labelled in each slice of the project's images
    #[arg(long)]
    pub print_labels_by_slice: bool,
    /// Only of slices with this label
    #[arg(long, value_name = "LABEL", requires = "print_labels_by_slice")]
    pub label_search_value: Option<u8>,
    /// Write what goes to stdout and stderr to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub redirect_output: Option<PathBuf>,
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
    if let Some(path) = &args.redirect_output {
        redirect_output(path)?;
    }
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
    let Some(project) = args.project else {
        return args
            .new_project
            .map_or(Ok(Status::Done), |path| new_project(&path, args.workflow.as_deref(), &files));
    };
    if args.print_labels_by_slice {
        let project = Project::load(&project).map_err(|error| Failure::Project(Message::whole(error)))?;
        label_counts::tell(&project, args.label_search_value);
        if files.is_empty() {
            return Ok(Status::Done);
        }
    }
    predict(&project, files, args.export, !args.no_overwrite, &args.run)
}

/// Makes an empty project.
fn new_project(path: &Path, workflow: Option<&str>, files: &[String]) -> Result<Status, Failure> {
    const WORKFLOW: &str = "Pixel Classification";
    if workflow != Some(WORKFLOW) {
        let workflow = workflow.unwrap_or_default();
        return Err(Failure::usage(
            format!("Can't make a project of the workflow '{workflow}'"),
            format!("brushwood has the workflow '{WORKFLOW}'"),
            format!("Write --workflow='{WORKFLOW}'"),
        ));
    }
    if !files.is_empty() {
        return Err(Failure::usage(
            "Can't predict with a new project",
            "it has neither features nor labels",
            "Make one with 'brushwood train', then name it with --project",
        ));
    }
    if path.exists() {
        return Err(Failure::usage(
            format!("'{}' exists", path.display()),
            "a project is not replaced silently",
            "Use another name",
        ));
    }
    Project::new().save_replacing(path).map_err(|error| Failure::Work(Message::whole(error)))?;
    say(&format!("Saved {}", path.display()));
    Ok(Status::Done)
}

/// Lets what goes to stdout and stderr go to the file at `path`.
fn redirect_output(path: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::usage(
            format!("Can't write to '{}'", path.display()),
            error.to_string(),
            "Use another name for --redirect_output",
        )
    };
    let file = File::create(path).map_err(cannot)?;
    rustix::stdio::dup2_stdout(&file).map_err(|error| cannot(error.into()))?;
    rustix::stdio::dup2_stderr(&file).map_err(|error| cannot(error.into()))
}
