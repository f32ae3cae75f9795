//! `brushwood train`: images and label images to a project.

use std::path::Path;

use super::args::TrainArgs;
use super::changes::save;
use super::error::{Failure, Message, Status, print, say};
use super::predict::{Running, load, memory};
use super::progress::training_lines;
use crate::batch::FeatureChoice;
use crate::batch::train::{TrainProblem, TrainRequest, train_project};
use crate::pipeline::TrainError;
use crate::project::{self, Project};

/// Runs `brushwood train`.
///
/// # Errors
/// Options make no sense, files can't be read or don't fit, or the project can't be written.
pub(super) fn run(args: TrainArgs) -> Result<Status, Failure> {
    if args.raw_data.len() != args.labels.len() {
        let problem = TrainProblem::Pairs { images: args.raw_data.len(), labels: args.labels.len() };
        return Err(Failure::Usage(Message::whole(problem)));
    }
    if args.project.exists() && !args.overwrite {
        return Err(Failure::usage(
            format!("'{}' exists", args.project.display()),
            "a project is not replaced silently",
            "Use --overwrite to replace it, or another name",
        ));
    }
    check_place(&args.project)?;
    let request = TrainRequest {
        pairs: args.raw_data.into_iter().zip(args.labels).collect(),
        features: features(&args.features)?,
        class_names: args.label_names,
        input_axes: args.input_axes,
        stack_along: args.stack_along,
        seed: args.seed,
        tree_count: args.tree_count,
        memory: memory(&args.run),
        project: args.project.clone(),
    };
    let running = Running::start(&args.run)?;
    let (mut project, report) = match train_project(&request, running.interrupt.token()) {
        Err(TrainProblem::Training(TrainError::Cancelled(_))) => return Ok(Status::Interrupted),
        trained => trained.map_err(|error| Failure::Work(Message::whole(error)))?,
    };
    let names: Vec<String> = project.classes.iter().map(|class| class.name.clone()).collect();
    training_lines(&report, &names).iter().for_each(|line| say(line));
    if let Err(stopped) = save(&mut project, &args.project, &running, Project::save_replacing) {
        return stopped.status();
    }
    if args.run.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::Work(Message::new("Can't write the report", error.to_string(), "")))?;
        print(&text)?;
    }
    Ok(Status::Done)
}

/// Whether a project can be saved at `path`, as far as that is known before any work is done.
fn check_place(path: &Path) -> Result<(), Failure> {
    let refused = |error: project::Error| Failure::Work(Message::whole(error));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(refused(project::Error::NoFolder { path: path.to_owned(), folder: folder.to_owned() }));
    }
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|error| refused(project::Error::Write { path: path.to_owned(), source: error.into() }))
}

/// `all`, the features of a project, or filters with scales.
fn features(text: &str) -> Result<FeatureChoice, Failure> {
    if Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ilp")) {
        return load(Path::new(text))?.selection.map(FeatureChoice::Selection).ok_or_else(|| {
            Failure::Project(Message::new(
                format!("'{text}' selects no features"),
                "--features takes them from there",
                "Name another project, or write --features all",
            ))
        });
    }
    FeatureChoice::parse(text)
        .map_err(|error| Failure::usage(format!("Can't use --features '{text}'"), error.to_string(), ""))
}
