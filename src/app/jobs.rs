//! Long work in the background: what runs, how far it is, how long it will take, and its end.
//!
//! To run something: add a variant to [`Work`] that holds all it needs (snapshots, no references), do it in
//! `tui/jobs.rs`, add what comes out to [`JobOutput`], and take that in `App::job_done`. `App::start_job`
//! starts it; the status line shows it; `job.cancel` cancels it through its [`CancelToken`]. Any number of
//! jobs may run; each has a thread of its own.

use std::path::PathBuf;
use std::time::Duration;

use super::effect::{Effect, SaveRequest};
use super::event::{NewLane, SaveFailure};
use super::lanes::{AddImages, Reopen};
use super::lost::ImageSearch;
use super::messages::Problem;
use super::refused::{Asked, Refused};
use super::state::App;
use super::training_tools::{TrainingOutput, TrainingWork};
use crate::data::task::CancelToken;
use crate::project::SavedFile;

/// Tells one job from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What a job does.
#[derive(Debug)]
pub enum Work {
    /// What a dialog around training asks for.
    Training(Box<TrainingWork>),
    /// Opens images for the project.
    AddLanes(AddImages),
    /// Opens images of the project anew; says what for.
    Reopen(String, Vec<Reopen>),
    /// Searches for images of a project that are lost.
    FindImages(Box<ImageSearch>),
    /// Saves a project with images that are copied into it.
    Save(Box<SaveRequest>),
}

/// What a job ended with.
pub enum JobOutput {
    /// Images for the project, and those that could not be opened.
    Lanes(Vec<NewLane>, Vec<Refused>),
    /// What came of [`Work::Training`].
    Training(Box<TrainingOutput>),
    /// Images of the project, opened anew, by their numbers; and what for.
    Reopened(String, Vec<(usize, NewLane)>),
    /// Where lost images were found, by their numbers in the list of lost images.
    ImagesFound(Vec<(usize, String)>),
    /// What came of [`Work::Save`]; as in [`AppEvent::Saved`](super::AppEvent::Saved).
    Saved {
        /// Where the project was to go.
        path: PathBuf,
        /// [`SaveRequest::mark`] of the request.
        mark: u64,
        /// How it went.
        result: Result<(), SaveFailure>,
        /// The file that was written.
        file: Option<SavedFile>,
    },
}

/// A job to start.
#[derive(Debug)]
pub struct JobStart {
    /// Its number.
    pub id: JobId,
    /// What to do.
    pub work: Work,
    /// Cancelled when the user wants it to stop.
    pub token: CancelToken,
}

/// What a job reports.
pub enum JobEvent {
    /// How much is done, from 0 to 1.
    Progress(f64),
    /// It is done.
    Done(JobOutput),
    /// It failed.
    Failed(Problem),
    /// It stopped because it was cancelled.
    Cancelled,
}

/// A job that runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What it does, for the user: "export 3 images".
    pub title: String,
    /// How much is done, from 0 to 1; `None` until that is known.
    pub progress: Option<f64>,
    /// When it began.
    pub started: Duration,
    token: CancelToken,
}

impl Job {
    /// How long it will still take if it goes on as until now.
    pub fn time_left(&self, now: Duration) -> Option<Duration> {
        let done = self.progress.filter(|done| *done > 0.01)?;
        let spent = now.saturating_sub(self.started).as_secs_f64();
        Some(Duration::from_secs_f64(spent * (1.0 - done.min(1.0)) / done))
    }

    /// Whether it was told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Title, progress and time left on one line.
    pub fn line(&self, now: Duration) -> String {
        if self.is_cancelled() {
            return format!("{}: stopping …", self.title);
        }
        let mut line = self.title.clone();
        match self.progress {
            Some(done) => line.push_str(&format!(" {:.0} %", (done * 100.0).floor())),
            None => line.push_str(" …"),
        }
        if let Some(left) = self.time_left(now) {
            let seconds = left.as_secs_f64().ceil() as u64;
            line.push_str(&format!(", {}:{:02} left", seconds / 60, seconds % 60));
        }
        line
    }
}

/// The jobs that run.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    running: Vec<Job>,
    started: u64,
}

impl Jobs {
    /// The jobs that run, the newest last.
    pub fn running(&self) -> &[Job] {
        &self.running
    }

    /// The job of a number, while it runs.
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.running.iter().find(|job| job.id == id)
    }

    /// When the time left changes on screen by itself.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        (!self.running.is_empty()).then(|| Duration::from_secs(now.as_secs() + 1))
    }
}

impl App {
    /// Starts a job; `title` says what it does: "export 3 images".
    pub(super) fn start_job(&mut self, title: impl Into<String>, work: Work) -> JobId {
        self.jobs.started += 1;
        let id = JobId(self.jobs.started);
        let token = CancelToken::new();
        self.jobs.running.push(Job {
            id,
            title: title.into(),
            progress: None,
            started: self.now,
            token: token.clone(),
        });
        self.outbox.push(Effect::StartJob(Box::new(JobStart { id, work, token })));
        id
    }

    /// Cancels the newest job.
    pub(super) fn cancel_job(&mut self) {
        if let Some(job) = self.jobs.running.iter().rev().find(|job| !job.is_cancelled()) {
            job.token.cancel();
        }
    }

    /// Cancels a job, if it still runs.
    pub(super) fn cancel_job_of(&mut self, id: JobId) {
        if let Some(job) = self.jobs.get(id) {
            job.token.cancel();
        }
    }

    pub(super) fn job_event(&mut self, id: JobId, event: JobEvent) {
        let Some(at) = self.jobs.running.iter().position(|job| job.id == id) else { return };
        if let JobEvent::Progress(done) = event {
            let job = &mut self.jobs.running[at];
            job.progress = Some(job.progress.unwrap_or(0.0).max(done.clamp(0.0, 1.0)));
            return self.recheck_forms();
        }
        let job = self.jobs.running.remove(at);
        if !matches!(event, JobEvent::Done(_)) {
            self.not_saved(id);
        }
        let asked = self.asked.remove(&id);
        match event {
            JobEvent::Progress(_) => {}
            JobEvent::Done(output) => self.job_done(output, asked),
            JobEvent::Failed(problem) => {
                self.images_refused(asked, vec![Refused::unreadable("", problem)], 0)
            }
            JobEvent::Cancelled => self.inform(format!("Cancelled: {}", job.title)),
        }
        self.recheck_forms();
    }

    fn job_done(&mut self, output: JobOutput, asked: Option<Asked>) {
        match output {
            JobOutput::Lanes(lanes, unreadable) => {
                let count = lanes.len();
                let mut refused = self.lanes_opened(lanes);
                let joined = count - refused.len();
                refused.extend(unreadable);
                self.images_refused(asked, refused, joined);
            }
            JobOutput::Training(output) => self.training_work_done(*output),
            JobOutput::Reopened(what, lanes) => {
                let changed: Vec<usize> = lanes.iter().map(|(index, _)| *index).collect();
                match self.replace_lanes(&what, lanes) {
                    Ok(()) => self.tell_cautions(changed),
                    Err(refused) => self.images_refused(asked, vec![refused], 0),
                }
            }
            JobOutput::ImagesFound(found) => self.images_found(found),
            JobOutput::Saved { path, mark, result, file } => self.saved(path, mark, result, file),
        }
    }
}
