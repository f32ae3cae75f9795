//! Runs over images: the project's own (Export) or files (Batch). Each is checked as a whole first, goes on
//! in the background while labelling goes on, and can be paused, stopped in part, and tried again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::effect::Effect;
use super::messages::{Level, Problem};
use super::popups::QuestionKind;
use super::state::App;
use crate::batch::{Input, InputReport, InputSummary, OutputReport, PlanSummary, Request};
use crate::engine::LaneSource;
use crate::project::Project;

/// What a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// The project's images.
    Export,
    /// Files.
    Batch,
}

/// What a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFor {
    /// To show in a panel what would be written.
    Panel(RunKind),
    /// To show in a dialog what would be written.
    Dialog,
    /// To run it.
    Run,
}

/// Something to be checked.
pub struct RunCheck {
    /// Its number; answers carry it.
    pub id: u64,
    /// What for.
    pub purpose: CheckFor,
    /// The project as it is now.
    pub project: Project,
    /// The project's images, open.
    pub lanes: Arc<Vec<LaneSource>>,
    /// What is asked for.
    pub request: Request,
    /// Where the project is, or will be, saved.
    pub path: Option<PathBuf>,
}

impl std::fmt::Debug for RunCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunCheck")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// What a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOrder {
    /// Hold it after the blocks being computed.
    Pause,
    /// Let it go on.
    Resume,
    /// Stop it.
    Cancel,
    /// Leave out an image.
    CancelFile(usize),
}

/// What a check or run tells.
#[derive(Debug)]
pub enum RunEvent {
    /// So many images have been looked at.
    Checking(usize),
    /// A check is done.
    Checked(CheckFor, Box<PlanSummary>),
    /// A classifier is being trained.
    Training,
    /// Work on an image began.
    Started(usize),
    /// So many pixels of an image are written.
    Advanced(usize, u64),
    /// Work on an image ended, well or not.
    Finished(usize, Box<InputReport>),
    /// An image was left out.
    LeftOut(usize),
    /// All is done, or nothing could be.
    Ended(Option<Problem>),
}

/// How far an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Its turn has not come.
    Queued,
    /// It is being computed.
    Running,
    /// It is written.
    Done,
    /// It can't be computed, or failed: why.
    Failed(String),
    /// It was left out on request.
    Cancelled,
    /// Its results exist and were to be kept.
    Kept,
}

/// An image of a run.
#[derive(Clone, Debug)]
pub struct RunFile {
    /// The image.
    pub input: Input,
    /// How far it is.
    pub state: FileState,
    /// Pixels written, and to be written.
    pub pixels: [u64; 2],
    /// Seconds it took.
    pub seconds: f64,
    /// What was written, or will be.
    pub outputs: Vec<OutputReport>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// What it is over.
    pub kind: RunKind,
    /// Its images.
    pub files: Vec<RunFile>,
    /// For each image of the plan being carried out its number among `files`.
    plan: Vec<usize>,
    /// Whether it is held.
    pub paused: bool,
    /// Whether a classifier is being trained for it.
    pub training: bool,
    /// Whether it has ended.
    pub ended: bool,
    /// What it asks for, to try again.
    request: Request,
    /// When its clock was last started, and what had passed before.
    since: Duration,
    before: Duration,
    /// Pixels written since the clock began.
    written: u64,
}

/// A run that is being checked.
#[derive(Clone, Debug)]
struct Pending {
    id: u64,
    kind: RunKind,
    request: Request,
    /// The run and its images that are tried again.
    again: Option<Vec<usize>>,
    summary: PlanSummary,
    /// Images looked at.
    checked: usize,
}

/// The checks and the run.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Bytes for decoded images, blocks and results: the live engine has its own.
    pub memory: u64,
    /// The newest run.
    pub current: Option<Run>,
    pending: Option<Pending>,
    last_id: u64,
}

impl Default for Runs {
    fn default() -> Self {
        Runs { memory: 512 << 20, current: None, pending: None, last_id: 0 }
    }
}

impl Run {
    /// How many images are in a state that `is` says.
    pub fn count(&self, is: impl Fn(&FileState) -> bool) -> usize {
        self.files.iter().filter(|file| is(&file.state)).count()
    }

    /// What it asks for.
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Images that failed.
    pub fn failed(&self) -> usize {
        self.count(|state| matches!(state, FileState::Failed(_)))
    }

    /// Pixels written and pixels to be written, over all images that are not out of it.
    pub fn pixels(&self) -> [u64; 2] {
        let counts =
            |file: &&RunFile| matches!(file.state, FileState::Queued | FileState::Running | FileState::Done);
        let files = self.files.iter().filter(counts);
        files.fold([0, 0], |sum, file| [sum[0] + file.pixels[0], sum[1] + file.pixels[1]])
    }

    /// Time spent working.
    pub fn elapsed(&self, now: Duration) -> Duration {
        let running = if self.paused || self.ended { Duration::ZERO } else { now.saturating_sub(self.since) };
        self.before + running
    }

    /// Pixels per second so far, once some are written.
    pub fn speed(&self, now: Duration) -> Option<f64> {
        let seconds = self.elapsed(now).as_secs_f64();
        (self.written > 0 && seconds > 0.0).then(|| self.written as f64 / seconds)
    }

    /// Time left at this speed.
    pub fn time_left(&self, now: Duration) -> Option<Duration> {
        let [done, all] = self.pixels();
        let seconds = all.saturating_sub(done) as f64 / self.speed(now)?;
        (!self.ended && !self.training).then(|| Duration::from_secs_f64(seconds.min(1e7)))
    }

    fn stop_clock(&mut self, now: Duration) {
        self.before = self.elapsed(now);
    }

    fn file(&mut self, planned: usize) -> Option<&mut RunFile> {
        let at = *self.plan.get(planned)?;
        self.files.get_mut(at)
    }

    /// What came of it, in words.
    pub fn summary(&self) -> String {
        let parts = [
            (self.count(|state| *state == FileState::Done), "done"),
            (self.failed(), "failed"),
            (self.count(|state| *state == FileState::Cancelled), "cancelled"),
            (self.count(|state| *state == FileState::Kept), "kept"),
            (self.count(|state| matches!(state, FileState::Queued | FileState::Running)), "to do"),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "nothing to do".into() } else { parts.join(", ") }
    }
}

impl Runs {
    /// The run that is under way.
    pub fn active(&self) -> Option<&Run> {
        self.current.as_ref().filter(|run| !run.ended)
    }

    /// The newest run over this.
    pub fn of(&self, kind: RunKind) -> Option<&Run> {
        self.current.as_ref().filter(|run| run.kind == kind)
    }

    /// How many images of how many have been looked at, while a run is being checked.
    pub fn checking(&self) -> Option<(usize, usize)> {
        self.pending.as_ref().map(|pending| (pending.checked, pending.request.inputs.len()))
    }
}

impl App {
    /// Asks for a check; its number.
    pub(super) fn check_run(&mut self, purpose: CheckFor, request: Request) -> u64 {
        self.runs.last_id += 1;
        let id = self.runs.last_id;
        let check = RunCheck {
            id,
            purpose,
            project: self.snapshot(),
            lanes: Arc::clone(&self.sources),
            request,
            path: self.project.path.clone().or_else(|| self.files.save_to.clone()),
        };
        self.outbox.push(Effect::CheckRun(Box::new(check)));
        id
    }

    /// Checks a run and, if nothing is in its way, starts it.
    pub(super) fn prepare_run(&mut self, kind: RunKind, request: Request) {
        self.prepare(kind, request, None);
    }

    fn prepare(&mut self, kind: RunKind, request: Request, again: Option<Vec<usize>>) {
        self.end_stroke();
        let id = self.check_run(CheckFor::Run, request.clone());
        self.runs.pending =
            Some(Pending { id, kind, request, again, summary: PlanSummary::default(), checked: 0 });
    }

    pub(super) fn run_event(&mut self, id: u64, event: RunEvent) {
        match event {
            RunEvent::Checking(count) => {
                if let Some(pending) = self.runs.pending.as_mut().filter(|pending| pending.id == id) {
                    pending.checked = count;
                }
            }
            RunEvent::Checked(CheckFor::Panel(RunKind::Export), summary) => self.export_checked(id, *summary),
            RunEvent::Checked(CheckFor::Panel(RunKind::Batch), summary) => self.batch_checked(id, *summary),
            RunEvent::Checked(CheckFor::Dialog, summary) => self.export_previewed(id, *summary),
            RunEvent::Checked(CheckFor::Run, summary) => self.run_checked(id, *summary),
            event => self.run_advanced(id, event),
        }
    }

    /// A run was checked: asks about files that exist, or starts it.
    fn run_checked(&mut self, id: u64, summary: PlanSummary) {
        let Some(pending) = self.runs.pending.as_mut().filter(|pending| pending.id == id) else { return };
        if let Some(problem) = summary.problems.first() {
            let more = summary.problems.len() - 1;
            let more = if more > 0 { format!("and {more} more problems") } else { String::new() };
            let problem = Problem::new("Can't start", problem.clone(), more);
            self.runs.pending = None;
            return self.problem(problem);
        }
        let existing: Vec<PathBuf> =
            summary.inputs.iter().flat_map(|input| input.existing.iter().cloned()).collect();
        pending.summary = summary;
        if existing.is_empty() {
            self.start_run(false);
        } else {
            self.ask(QuestionKind::Replace { existing });
        }
    }

    /// Starts the run that was checked; files that exist are replaced, or their images left out.
    pub(super) fn start_run(&mut self, replace: bool) {
        let Some(pending) = self.runs.pending.take() else { return };
        let mut skipped = Vec::new();
        let files = pending.request.inputs.iter().zip(&pending.summary.inputs).enumerate();
        let files: Vec<RunFile> = files
            .map(|(i, (input, planned))| {
                let file = run_file(input, planned, replace);
                if file.state != FileState::Queued {
                    skipped.push(i);
                }
                file
            })
            .collect();
        let mut request = pending.request;
        request.overwrite |= replace;
        let run = match (pending.again, self.runs.current.take()) {
            (Some(numbers), Some(mut run)) => {
                for (&number, file) in numbers.iter().zip(files) {
                    if let Some(old) = run.files.get_mut(number) {
                        *old = file;
                    }
                }
                Run { id: pending.id, plan: numbers, ..run }
            }
            _ => Run {
                id: pending.id,
                kind: pending.kind,
                plan: (0..files.len()).collect(),
                files,
                paused: false,
                training: false,
                ended: false,
                request,
                since: self.now,
                before: Duration::ZERO,
                written: 0,
            },
        };
        self.runs.current = Some(Run {
            paused: false,
            ended: false,
            since: self.now,
            before: Duration::ZERO,
            written: 0,
            ..run
        });
        self.outbox.push(Effect::StartRun { id: pending.id, replace, skipped });
    }

    /// The run that was checked is not wanted.
    pub(super) fn drop_run(&mut self) {
        self.runs.pending = None;
    }

    fn run_advanced(&mut self, id: u64, event: RunEvent) {
        let now = self.now;
        let Some(run) = self.runs.current.as_mut().filter(|run| run.id == id) else { return };
        match event {
            RunEvent::Training => run.training = true,
            RunEvent::Started(index) => {
                run.training = false;
                if let Some(file) = run.file(index) {
                    file.state = FileState::Running;
                }
            }
            RunEvent::Advanced(index, done) => {
                let Some(file) = run.file(index) else { return };
                let more = done.saturating_sub(file.pixels[0]);
                file.pixels[0] = done;
                run.written += more;
            }
            RunEvent::Finished(index, report) => {
                // Images left out by the check are reported as failed: they have their state already.
                if let Some(file) = run.file(index) {
                    file.seconds = report.seconds;
                    match report.errors.is_empty() {
                        true => {
                            let more = file.pixels[1].saturating_sub(file.pixels[0]);
                            file.pixels[0] = file.pixels[1];
                            (file.state, file.outputs) = (FileState::Done, report.outputs);
                            run.written += more;
                        }
                        false if file.state == FileState::Kept => {}
                        false => file.state = FileState::Failed(report.errors.join("; ")),
                    }
                }
            }
            RunEvent::LeftOut(index) => {
                if let Some(file) =
                    run.file(index).filter(|f| matches!(f.state, FileState::Queued | FileState::Running))
                {
                    (file.state, file.pixels[0]) = (FileState::Cancelled, 0);
                }
            }
            RunEvent::Ended(problem) => {
                run.stop_clock(now);
                (run.ended, run.paused, run.training) = (true, false, false);
                for file in &mut run.files {
                    if matches!(file.state, FileState::Queued | FileState::Running) {
                        (file.state, file.pixels[0]) = (FileState::Cancelled, 0);
                    }
                }
                self.run_ended(problem);
            }
            RunEvent::Checking(_) | RunEvent::Checked(..) => {}
        }
    }

    fn run_ended(&mut self, problem: Option<Problem>) {
        let Some(run) = &self.runs.current else { return };
        let what = match run.kind {
            RunKind::Export => "Export",
            RunKind::Batch => "Batch",
        };
        let seconds = run.elapsed(self.now).as_secs_f64();
        let text = format!("{what} ended after {seconds:.1} s: {}", run.summary());
        let level = if run.failed() > 0 { Level::Warning } else { Level::Info };
        let remedy = if run.failed() > 0 { "Why is in the list; :run.retry tries those again" } else { "" };
        self.tell(level, text, "", remedy);
        if let Some(problem) = problem {
            self.problem(problem);
        }
        self.recheck_export();
        self.recheck_batch();
    }

    pub(super) fn pause_run(&mut self) {
        let now = self.now;
        let Some(run) = self.runs.current.as_mut().filter(|run| !run.ended) else { return };
        if run.paused {
            (run.paused, run.since) = (false, now);
        } else {
            run.stop_clock(now);
            run.paused = true;
        }
        let order = if run.paused { RunOrder::Pause } else { RunOrder::Resume };
        self.outbox.push(Effect::OrderRun(order));
    }

    pub(super) fn cancel_run(&mut self) {
        self.outbox.push(Effect::OrderRun(RunOrder::Cancel));
        self.inform("Stopping; what is written stays");
    }

    /// Leaves out the selected image of the run.
    pub(super) fn cancel_run_file(&mut self) {
        let Some(number) = self.selected_run_file() else { return };
        let Some(run) = &self.runs.current else { return };
        let planned = run.plan.iter().position(|&file| file == number);
        match (planned, run.files.get(number).map(|file| &file.state)) {
            (Some(planned), Some(FileState::Queued | FileState::Running)) => {
                self.outbox.push(Effect::OrderRun(RunOrder::CancelFile(planned)));
            }
            _ => self.inform("This image is not to be computed any more"),
        }
    }

    /// Computes the images again that failed or were cancelled.
    pub(super) fn retry_run(&mut self) {
        let Some(run) = &self.runs.current else { return };
        let again = |state: &FileState| matches!(state, FileState::Failed(_) | FileState::Cancelled);
        let numbers: Vec<usize> = (0..run.files.len()).filter(|&i| again(&run.files[i].state)).collect();
        let inputs = numbers.iter().map(|&i| run.files[i].input.clone()).collect();
        let request = Request { inputs, overwrite: false, ..run.request.clone() };
        self.prepare(run.kind, request, Some(numbers));
    }

    /// The selected image's number among the files of the newest run, if the panel shows that run.
    fn selected_run_file(&self) -> Option<usize> {
        let run = self.runs.current.as_ref()?;
        let input = match run.kind {
            RunKind::Export => {
                return run.files.iter().position(|file| file.input.lane == Some(self.export.selected));
            }
            RunKind::Batch => self.batch.files.get(self.batch.selected)?,
        };
        run.files.iter().position(|file| file.input == *input)
    }

    /// How far an image is in the newest run.
    pub fn run_file(&self, kind: RunKind, input: &Input) -> Option<&RunFile> {
        let files = &self.runs.of(kind)?.files;
        match input.lane {
            Some(lane) => files.iter().find(|file| file.input.lane == Some(lane)),
            None => files.iter().find(|file| file.input == *input),
        }
    }
}

fn run_file(input: &Input, planned: &InputSummary, replace: bool) -> RunFile {
    let state = match planned.problems.is_empty() {
        false => FileState::Failed(planned.problems.join("; ")),
        true if !planned.existing.is_empty() && !replace => FileState::Kept,
        true => FileState::Queued,
    };
    RunFile {
        input: input.clone(),
        state,
        pixels: [0, planned.pixels],
        seconds: 0.0,
        outputs: planned.outputs.clone(),
    }
}
