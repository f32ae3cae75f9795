//! Long work in the background: each job on a thread of its own, watched, with progress and cancellation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use super::files;
use super::images;
use super::message::Message;
use super::search;
use super::training_jobs;
use crate::app::{AppEvent, JobEvent, JobId, JobOutput, JobStart, Problem, SaveRequest, Work};
use crate::data::task::{CancelToken, Cancelled};

/// Why a job ended early.
pub(super) enum Stop {
    /// It was told to.
    Cancelled,
    /// It failed.
    Failed(Problem),
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Self {
        Stop::Cancelled
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Failed(problem)
    }
}

/// Shortest time between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);

/// How a job says how far it is, and learns that it is to stop.
pub(super) struct JobControl {
    id: JobId,
    /// Cancelled when the job is to stop; for work that takes a token.
    pub token: CancelToken,
    sender: Sender<Message>,
    reported: Mutex<Option<Instant>>,
}

impl JobControl {
    /// A job whose reports nobody reads.
    #[cfg(test)]
    pub fn unwatched() -> Self {
        let (sender, _) = std::sync::mpsc::channel();
        JobControl { id: JobId(0), token: CancelToken::new(), sender, reported: Mutex::new(None) }
    }

    /// Says that `done` (from 0 to 1) is done; may be called often and from several threads.
    ///
    /// # Errors
    /// The job is to stop.
    pub fn progress(&self, done: f64) -> Result<(), Cancelled> {
        self.token.check()?;
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.is_none_or(|at| at.elapsed() >= REPORT) {
            *reported = Some(Instant::now());
            self.send(JobEvent::Progress(done));
        }
        Ok(())
    }

    fn send(&self, event: JobEvent) {
        // Once the interface has ended nobody wants to know.
        let _ = self.sender.send(Message::App(Box::new(AppEvent::Job(self.id, event))));
    }
}

/// Starts a job; it answers with events.
pub(super) fn start(job: JobStart, sender: Sender<Message>) -> std::io::Result<()> {
    let JobStart { id, work, token } = job;
    let control = JobControl { id, token, sender, reported: Mutex::new(None) };
    thread::Builder::new().name(format!("job-{}", id.0)).spawn(move || {
        let end = match catch_unwind(AssertUnwindSafe(|| run(work, &control))) {
            Ok(Ok(output)) => JobEvent::Done(output),
            Ok(Err(Stop::Cancelled)) => JobEvent::Cancelled,
            Ok(Err(Stop::Failed(problem))) => JobEvent::Failed(problem),
            Err(_) => JobEvent::Failed(Problem::new(
                "The work in the background broke off",
                "this is a mistake in the program; the log says where",
                "Nothing else is lost: save, and report it",
            )),
        };
        control.send(end);
    })?;
    Ok(())
}

/// Saves a project, with the progress of what is copied into it.
fn save(request: SaveRequest, job: &JobControl) -> Result<JobOutput, Stop> {
    let (path, mark, moved) = (request.path.clone(), request.mark, files::moves(&request));
    let (result, file) = files::save(request, &mut |done| job.progress(done));
    if result.is_err() {
        job.token.check()?;
    } else if moved {
        files::settle(&path, |event| {
            // Once the interface has ended nobody wants to know.
            let _ = job.sender.send(Message::App(Box::new(event)));
        });
    }
    Ok(JobOutput::Saved { path, mark, result, file })
}

fn run(work: Work, job: &JobControl) -> Result<JobOutput, Stop> {
    match work {
        Work::Training(work) => {
            training_jobs::run(*work, job).map(|output| JobOutput::Training(Box::new(output)))
        }
        Work::AddLanes(request) => {
            images::new_lanes(&request, job).map(|(opened, refused)| JobOutput::Lanes(opened, refused))
        }
        Work::Reopen(what, requests) => {
            images::reopen(requests, job).map(|lanes| JobOutput::Reopened(what, lanes))
        }
        Work::Save(request) => save(*request, job),
        Work::FindImages(request) => search::search(&request, job).map(JobOutput::ImagesFound),
    }
}
