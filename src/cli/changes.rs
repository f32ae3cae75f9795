//! What ilastik's command line does to a project before it predicts: labels at random pixels, and a classifier
//! trained anew. Both save the project, if it may be changed, as `train` saves its own.

use std::path::Path;

use super::args::{ExportArgs, RunArgs};
use super::error::{Failure, Message, Status, say};
use super::predict::{Running, memory, refused};
use super::progress::Progress;
use crate::app::Hold;
use crate::batch::{Plan, RandomLabelError, RandomLabels, Request, RunError, label_at_random, retrain};
use crate::data::task::Cancelled;
use crate::pipeline::TrainError;
use crate::project::{self, Project};
use crate::tui;

/// Why a change was not made.
pub(super) enum Stopped {
    /// It can't be.
    Failed(Failure),
    /// A signal.
    Interrupted,
}

impl Stopped {
    /// What the program ends with.
    pub(super) fn status(self) -> Result<Status, Failure> {
        match self {
            Stopped::Failed(failure) => Err(failure),
            Stopped::Interrupted => Ok(Status::Interrupted),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(failure)
    }
}

/// Keeps other programs from changing the project at `path` until what is returned is dropped; `None` where its
/// folder takes no lock.
///
/// # Errors
/// It can't be saved where it is.
pub(super) fn hold(path: &Path) -> Result<Option<Hold>, Failure> {
    let access = tui::check_access(path);
    match access.refused {
        None => Ok(access.hold),
        Some(why) => Err(Failure::Project(Message::new(
            format!("Can't change '{}'", path.display()),
            why,
            "Save it under another name in brushwood, and use that",
        ))),
    }
}

/// Puts `labels` on all images of `project` and saves it.
///
/// # Errors
/// They can't be put there, or the project can't be saved.
pub(super) fn put_random_labels(
    project: &mut Project,
    path: &Path,
    labels: RandomLabels,
    running: &Running,
) -> Result<(), Stopped> {
    let (classes, had_classifier) = (project.classes.len(), project.forest.is_some());
    label_at_random(project, labels).map_err(|error| {
        let message = Message::whole(&error);
        match error {
            RandomLabelError::NoImages | RandomLabelError::Image { .. } => Failure::Project(message),
            _ => Failure::Usage(message),
        }
    })?;
    for class in &project.classes[classes..] {
        say(&format!("Added the class '{}'", class.name));
    }
    save(project, path, running, Project::save)?;
    let name = &project.classes[usize::from(labels.value) - 1].name;
    let pixels = match labels.count {
        1 => "1 pixel".to_owned(),
        count => format!("{count} pixels"),
    };
    let images = match project.lanes.len() {
        1 => "1 image".to_owned(),
        images => format!("each of {images} images"),
    };
    say(&format!("Labelled {pixels} as '{name}' in {images}"));
    if had_classifier {
        say("note: the classifier was removed: it knows nothing of these labels; --retrain trains another");
    }
    Ok(())
}

/// Trains the classifier of `project` anew and saves it.
///
/// # Errors
/// It can't be trained, or the project can't be saved.
pub(super) fn retrain_and_save(
    project: Project,
    path: &Path,
    export: &ExportArgs,
    run: &RunArgs,
    running: &Running,
) -> Result<Project, Stopped> {
    let names = project.classes.iter().map(|class| class.name.clone()).collect();
    let request = Request {
        stack_along: export.stack_along,
        tree_count: export.tree_count,
        label_share: export.label_proportion,
        importance_folder: export.variable_importance_path.clone(),
        memory: memory(run),
        ..Request::default()
    };
    let plan = Plan::of_training(project, request).map_err(|error| refused(&error))?;
    let mut progress = Progress::new(names, false);
    let token = running.interrupt.token();
    let mut project =
        retrain(plan, token, &mut |event| progress.show(&event)).map_err(|error| match error {
            RunError::Training(TrainError::Cancelled(Cancelled)) => Stopped::Interrupted,
            error => Stopped::Failed(Failure::Project(Message::whole(error))),
        })?;
    save(&mut project, path, running, Project::save)?;
    Ok(project)
}

/// Saves `project` at `path` by `write`, and says so. A signal ends the program before or after, not within.
///
/// # Errors
/// It can't be written, or a signal came before.
pub(super) fn save(
    project: &mut Project,
    path: &Path,
    running: &Running,
    write: impl FnOnce(&mut Project, &Path) -> Result<(), project::Error>,
) -> Result<(), Stopped> {
    running.interrupt.set_writing(true);
    if running.interrupt.token().is_cancelled() {
        return Err(Stopped::Interrupted);
    }
    write(project, path).map_err(|error| Failure::Work(Message::whole(error)))?;
    running.interrupt.set_writing(false);
    say(&format!("Saved {}", path.display()));
    Ok(())
}
