//! `brushwood predict`, and what it shares with ilastik's headless command line.

use std::path::Path;

use super::args::{ExportArgs, PredictArgs, RunArgs};
use super::error::{Failure, Message, Status, print, say};
use super::interrupt::Interrupt;
use super::progress::Progress;
use crate::batch::{self, Event, Input, Plan, PlanError, Renormalization, Request, Subregion};
use crate::pipeline::ExportSource;
use crate::project::{ExportSettings, Project};

/// Bytes for blocks in flight when not given.
const DEFAULT_MEMORY: u64 = 1 << 30;

/// Runs `brushwood predict`.
///
/// # Errors
/// Options or the project can't be used, or no classifier could be trained.
pub(super) fn run(args: PredictArgs) -> Result<Status, Failure> {
    let running = Running::start(&args.run)?;
    let files = if args.files.is_empty() { args.raw_data } else { args.files };
    predict(load(&args.project)?, files, args.export, args.overwrite, &args.run, &running)
}

/// What work is done with.
pub(super) struct Running {
    /// What signals do to it.
    pub(super) interrupt: Interrupt,
    /// Threads that share it.
    pub(super) threads: usize,
}

impl Running {
    /// Waits for signals and starts the rayon pool with the threads asked for.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(super) fn start(run: &RunArgs) -> Result<Self, Failure> {
        let interrupt = Interrupt::on_signal();
        rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(run.threads.unwrap_or(0)))
            .build_global()
            .map_err(|error| {
                Failure::Work(Message::new(
                    "Can't start threads",
                    error.to_string(),
                    "Use fewer: --threads N",
                ))
            })?;
        let threads = rayon::current_num_threads();
        tracing::debug!(threads, memory = memory(run), "starts");
        Ok(Running { interrupt, threads })
    }
}

/// Reads a project.
///
/// # Errors
/// It can't be read.
pub(super) fn load(path: &Path) -> Result<Project, Failure> {
    Project::load(path).map_err(|error| Failure::Project(Message::whole(error)))
}

/// What is wrong with a request, as a failure.
pub(super) fn refused(error: &PlanError) -> Failure {
    let message = Message::whole(error);
    match error {
        PlanError::Project(_) => Failure::Project(message),
        _ => Failure::Usage(message),
    }
}

/// Predicts `files` with `project`.
///
/// # Errors
/// Options or the project can't be used, or no classifier could be trained.
pub(super) fn predict(
    project: Project,
    files: Vec<String>,
    export: ExportArgs,
    overwrite: bool,
    run: &RunArgs,
    running: &Running,
) -> Result<Status, Failure> {
    let interrupt = &running.interrupt;
    let class_names = project.classes.iter().map(|class| class.name.clone()).collect();
    let request = request(files, export, &project.export, overwrite, run)?;
    let plan = Plan::check(project, request).map_err(|error| refused(&error))?;
    plan.notes.iter().for_each(|note| say(&format!("note: {note}")));
    let mut progress = Progress::new(class_names, overwrite);
    // All at once, before any work starts.
    progress.name_problems(plan.inputs.iter().flat_map(|input| &input.problems).map(ToString::to_string));
    let mut tell = |event: Event<'_>| {
        match event {
            Event::Writing { .. } => interrupt.set_writing(true),
            Event::GivenUp { .. } | Event::Finished { .. } | Event::LeftOut { .. } => {
                interrupt.set_writing(false);
            }
            _ => {}
        }
        progress.show(&event);
    };
    let report = batch::run(&plan, running.threads, interrupt.token(), &mut tell)
        .map_err(|error| Failure::Project(Message::whole(error)))?;
    if run.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::Work(Message::new("Can't write the report", error.to_string(), "")))?;
        print(&text)?;
    }
    if report.interrupted {
        say("Interrupted: unfinished outputs were removed");
        return Ok(Status::Interrupted);
    }
    if report.failed() > 0 {
        say(&format!("{} of {} images failed", report.failed(), report.inputs.len()));
        return Ok(Status::SomeFailed);
    }
    Ok(Status::Done)
}

/// Bytes to use.
pub(super) fn memory(run: &RunArgs) -> u64 {
    run.memory.unwrap_or(DEFAULT_MEMORY)
}

/// What is asked for: by options, else by the export settings `stored` in the project, as ilastik has it.
fn request(
    files: Vec<String>,
    export: ExportArgs,
    stored: &ExportSettings,
    overwrite: bool,
    run: &RunArgs,
) -> Result<Request, Failure> {
    let masks = export.prediction_mask;
    if masks.len() > files.len() {
        return Err(Failure::usage(
            format!("{} prediction masks for {} images", masks.len(), files.len()),
            "each image takes one mask, in the same order",
            "Name as many images as masks",
        ));
    }
    let mut masks = masks.into_iter();
    let inputs = files.into_iter().map(|raw| Input { raw, mask: masks.next(), lane: None }).collect();
    let mut axes = export.input_axes.into_iter();
    let (input_axes, mask_axes) = (axes.next(), axes.next());
    if axes.next().is_some() {
        return Err(Failure::usage(
            "Too many axis orders in --input-axes",
            "there are two roles, the image and its prediction mask",
            "Write it like --input-axes zyx or --input-axes zyxc,zyx",
        ));
    }
    let mut sources: Vec<ExportSource> = Vec::new();
    for source in export.export_source {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    if sources.is_empty() {
        sources.push(ExportSource::Probabilities);
    }
    let ranges = export.pipeline_result_drange.zip(export.export_drange);
    let renormalization = ranges.or(stored.ranges.map(|[from, to]| (from, to)));
    let region = stored.region.clone().and_then(|[start, stop]| Subregion::from_bounds(start, stop));
    Ok(Request {
        inputs,
        sources,
        format: export.output_format,
        template: export.output_filename_format,
        folder: None,
        internal_path: export.output_internal_path,
        output_axes: export.output_axis_order.or_else(|| stored.axes.clone()),
        input_axes,
        mask_axes,
        ignore_training_axes: export.ignore_training_axistags,
        stack_along: export.stack_along,
        subregion: export.cutout_subregion.or(region),
        renormalization: renormalization.map(|(from, to)| Renormalization { from, to }),
        dtype: export.export_dtype.or(stored.dtype),
        retrain: export.retrain || export.tree_count.is_some() || export.label_proportion.is_some(),
        tree_count: export.tree_count,
        label_share: export.label_proportion,
        importance_folder: export.variable_importance_path,
        overwrite,
        memory: memory(run),
    })
}
