//! What the program asks its shell to do.

use std::path::PathBuf;

use super::features::CostRequest;
use super::jobs::JobStart;
use super::journal::JournalRecord;
use super::looking::FeatureRequest;
use super::lost::OpenFound;
use super::runs::{RunCheck, RunOrder};
use super::visit::{ResultRead, VisitRequest};
use crate::data::CancelToken;
use crate::data::SlicePlane;
use crate::project::Project;

/// Something to do outside the state.
#[derive(Debug)]
pub enum Effect {
    /// [`App::engine_goal`](super::App::engine_goal) changed: post it.
    Goal,
    /// Save in the background; answer with [`AppEvent::Saved`](super::AppEvent::Saved).
    Save(Box<SaveRequest>),
    /// Open a project or images in the background; answer with [`AppEvent::Opened`](super::AppEvent::Opened).
    Open(String),
    /// Open a project some of whose images were found elsewhere; answer with
    /// [`AppEvent::Opened`](super::AppEvent::Opened).
    OpenFound(Box<OpenFound>),
    /// Find out what images a location names; answer with [`AppEvent::Inspected`](super::AppEvent::Inspected).
    Inspect(String),
    /// Make a small picture of what is at a location, until the token is cancelled; answer with
    /// [`AppEvent::ThumbnailMade`](super::AppEvent::ThumbnailMade) in any case.
    MakeThumbnail(String, CancelToken),
    /// Compute feature channels to look at, in place of what was asked for before; answer with
    /// [`AppEvent::FeatureComputed`](super::AppEvent::FeatureComputed).
    ComputeFeatures(Vec<FeatureRequest>),
    /// Measure what features cost, in place of what was asked for before; answer with
    /// [`AppEvent::FeatureCost`](super::AppEvent::FeatureCost).
    MeasureFeatures(CostRequest),
    /// Look into a folder, as it was typed; answer with [`AppEvent::FolderListed`](super::AppEvent::FolderListed).
    ListFolder(String),
    /// Do long work on a thread of its own; answer with [`AppEvent::Job`](super::AppEvent::Job).
    StartJob(Box<JobStart>),
    /// Check what would be written, in the background; a newer check of the same purpose makes it
    /// superfluous. Answer with [`AppEvent::Run`](super::AppEvent::Run).
    CheckRun(Box<RunCheck>),
    /// Carry out the run that was checked under this number.
    StartRun {
        /// Its number.
        id: u64,
        /// Whether files that exist are replaced.
        replace: bool,
        /// Images to leave out.
        skipped: Vec<usize>,
    },
    /// Control the run under way.
    OrderRun(RunOrder),
    /// Find the images that a file, folder or pattern stands for; answer with
    /// [`AppEvent::ImagesFound`](super::AppEvent::ImagesFound).
    FindImages(String),
    /// Open an image to look at; answer with [`AppEvent::Visited`](super::AppEvent::Visited).
    Visit(Box<VisitRequest>),
    /// Read a part of a result that is shown; answer with [`AppEvent::ResultRead`](super::AppEvent::ResultRead).
    ReadResult(ResultRead),
    /// Delete files; answer with [`AppEvent::Deleted`](super::AppEvent::Deleted).
    Delete(Vec<PathBuf>),
    /// Write what the canvas shows as a PNG file; answer with
    /// [`AppEvent::PictureSaved`](super::AppEvent::PictureSaved).
    SavePicture {
        /// Where to.
        path: PathBuf,
        /// Whether a file that is there already may be replaced.
        overwrite: bool,
        /// Not before this slice is shown with all that is to be seen of it; as it is, where none is given.
        whole: Option<SlicePlane>,
    },
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Append to the journal and make it durable.
    Journal(JournalRecord),
    /// Everything up to record number `n` (counted since the project was opened) is in the saved project,
    /// or not wanted any more: drop it from the journal.
    JournalDone(u64),
    /// The terminal may show rubbish: send everything again.
    Redraw,
    /// Stop as on Ctrl-Z in a shell.
    Suspend,
    /// End the program.
    Quit,
}

/// A snapshot to save.
#[derive(Debug)]
pub struct SaveRequest {
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub project: Project,
    /// Whether a file that is there already may be replaced.
    pub overwrite: bool,
    /// Number of journal records that the snapshot includes.
    pub mark: u64,
}
