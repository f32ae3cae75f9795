//! ilastik's own headless command line, as its users have it in their scripts.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueHint};

use super::args::{ExportArgs, RunArgs};
use super::changes::{Stopped, hold, put_random_labels, retrain_and_save};
use super::error::{Failure, Message, Status, say};
use super::ilastik_options::{self, switch};
use super::ilastik_settings::Settings;
use super::label_counts;
use super::logging::{Existing, log_to};
use super::predict::{Running, load, memory, predict};
use crate::batch::RandomLabels;
use crate::project::Project;

/// ilastik's headless options. Outputs that exist are replaced, each named on stderr.
#[derive(Debug, Parser)]
#[command(
    name = "brushwood",
    override_usage = "brushwood --headless --project=P.ilp [OPTIONS] [FILE]...",
    version,
    about = "Predict images, with ilastik's command line",
    after_help = "ilastik's own settings hold: LAZYFLOW_THREADS and LAZYFLOW_TOTAL_RAM_MB of the environment, and \
        threads, total_ram_mb, output_format and output_filename_format of ilastik/ilastik.ini in the user's \
        configuration folder (~/.config on Linux), or of ~/.ilastikrc. Options go before the environment, that \
        before the file; what a project says of its outputs goes before the file, too."
)]
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
    #[arg(long, value_name = "NAME", requires = "new_project")]
    pub workflow: Option<String>,
    /// Whether the project is left as it is; with --readonly=0, --retrain and --generate-random-labels save it
    /// [default: 1]
    #[arg(long, value_name = "0|1", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = switch)]
    pub readonly: Option<bool>,
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
    /// Only of this label
    #[arg(long, value_name = "LABEL", requires = "print_labels_by_slice")]
    pub label_search_value: Option<u8>,
    /// Put labels on random pixels of the project's images; takes --readonly=0
    #[arg(long, requires = "project")]
    pub generate_random_labels: bool,
    /// Which label [default: 1]; classes that the project has not yet are added
    #[arg(long, value_name = "LABEL", requires = "generate_random_labels")]
    pub random_label_value: Option<u8>,
    /// How many in each image [default: 2000]
    #[arg(long, value_name = "N", requires = "generate_random_labels", value_parser = clap::value_parser!(u64).range(1..))]
    pub random_label_count: Option<u64>,
    /// ilastik's configuration file, in place of the user's own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub configfile: Option<PathBuf>,
    /// Add a log to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub logfile: Option<PathBuf>,
    /// What each line of the log begins with
    #[arg(long, value_name = "NAME")]
    pub process_name: Option<String>,
    /// Add what goes to stdout and stderr to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub redirect_output: Option<PathBuf>,
    /// Refuse to replace outputs that exist
    #[arg(long)]
    pub no_overwrite: bool,
    /// Replace them after all
    #[arg(long, overrides_with = "no_overwrite")]
    pub overwrite: bool,
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
    let arguments = ilastik_options::without(arguments)?;
    let args = HeadlessArgs::try_parse_from(&arguments)?;
    if let Some(path) = &args.redirect_output {
        redirect_output(path)?;
    }
    if let Some(path) = &args.logfile {
        log_to(path, Existing::Continued, args.process_name.as_deref())?;
    }
    let files = if args.files.is_empty() { &args.raw_data } else { &args.files };
    match (&args.project, &args.new_project) {
        (Some(project), _) => run_project(&args, project, files.clone()),
        (None, Some(path)) => new_project(path, args.workflow.as_deref(), files),
        (None, None) => Ok(Status::Done),
    }
}

/// Does what is asked for with `project`, in ilastik's order: labels, counts, training, prediction.
fn run_project(args: &HeadlessArgs, path: &Path, files: Vec<String>) -> Result<Status, Failure> {
    let settings = Settings::read(args.configfile.as_deref())?;
    let (mut export, mut run) = (args.export.clone(), args.run.clone());
    run.threads = run.threads.or(settings.threads.flatten());
    run.memory = run.memory.or(settings.memory.flatten());
    let running = Running::start(&run)?;
    let readonly = args.readonly.unwrap_or(true);
    if args.generate_random_labels && readonly {
        return Err(Failure::usage(
            format!("Can't put labels into '{}'", path.display()),
            "without an interface, projects are opened read-only unless told otherwise",
            "Add --readonly=0 if it is to be changed",
        ));
    }
    let retrains = export.retrain && !readonly;
    if !path.exists() {
        // Says so; holding it would speak of its folder.
        load(path)?;
    }
    let _held = (args.generate_random_labels || retrains).then(|| hold(path)).transpose()?;
    let mut project = load(path)?;
    if args.generate_random_labels || retrains {
        // Before the project is saved without it.
        project.warnings.drain(..).for_each(|warning| say(&format!("note: {warning}")));
    }
    let changed = (|| -> Result<Project, Stopped> {
        if args.generate_random_labels {
            let labels = RandomLabels {
                value: args.random_label_value.unwrap_or(1),
                count: args.random_label_count.unwrap_or(2000),
                memory: memory(&run),
            };
            put_random_labels(&mut project, path, labels, &running)?;
        }
        if args.print_labels_by_slice {
            // ilastik takes 0 for all of them.
            label_counts::tell(&project, args.label_search_value.filter(|&label| label > 0));
        }
        if !retrains {
            return Ok(project);
        }
        retrain_and_save(project, path, &export, &run, &running)
    })();
    let mut project = match changed {
        Ok(project) => project,
        Err(stopped) => return stopped.status(),
    };
    if files.is_empty() && (args.generate_random_labels || args.print_labels_by_slice || retrains) {
        return Ok(Status::Done);
    }
    if retrains {
        // It has been trained as they say.
        (export.retrain, export.tree_count, export.label_proportion) = (false, None, None);
        export.variable_importance_path = None;
    } else if export.retrain {
        say("note: --retrain does not change the project without --readonly=0");
    }
    settings.fill_in(&mut project.export);
    predict(project, files, export, args.overwrite || !args.no_overwrite, &run, &running)
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
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(cannot)?;
    rustix::stdio::dup2_stdout(&file).map_err(|error| cannot(error.into()))?;
    rustix::stdio::dup2_stderr(&file).map_err(|error| cannot(error.into()))
}
