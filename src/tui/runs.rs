//! Exports and batches in the background: checks, each on a thread of its own, and the run.
//!
//! A run yields to the interface and the live engine: its threads have a lower priority where the system
//! knows that per thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::message::Message;
use crate::app::runs::{CheckFor, RunCheck, RunEvent, RunOrder};
use crate::app::{AppEvent, Problem};
use crate::batch::{self, Control, Event, OpenLane, Plan, PlanError, PlanSummary};
use crate::data::CancelToken;

/// Shortest time between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);
/// How long the end of the program waits for unfinished files to be removed.
const FAREWELL: Duration = Duration::from_secs(2);

/// Checks and the run under way.
pub(super) struct Runs {
    sender: Sender<Message>,
    threads: usize,
    /// The newest check of each purpose.
    checks: Vec<(CheckFor, CancelToken)>,
    /// The plan that was checked last to be run.
    plan: Arc<Mutex<Option<(u64, Plan)>>>,
    /// The run under way, and what ends with it.
    running: Option<(Control, Receiver<()>)>,
}

/// Where events go.
struct Teller {
    id: u64,
    sender: Sender<Message>,
    told: Instant,
}

impl Teller {
    fn new(id: u64, sender: &Sender<Message>) -> Self {
        let long_ago = Instant::now().checked_sub(REPORT).unwrap_or_else(Instant::now);
        Teller { id, sender: sender.clone(), told: long_ago }
    }

    fn tell(&self, event: RunEvent) {
        // Once the interface has ended nobody wants to know.
        let _ = self.sender.send(Message::App(Box::new(AppEvent::Run(self.id, event))));
    }

    /// The same unless something was told just before.
    fn tell_now_and_then(&mut self, event: RunEvent) {
        if self.told.elapsed() >= REPORT {
            self.told = Instant::now();
            self.tell(event);
        }
    }
}

impl Runs {
    pub fn new(sender: Sender<Message>, threads: usize) -> Self {
        Runs { sender, threads: threads.max(1), checks: Vec::new(), plan: Arc::default(), running: None }
    }

    /// Checks in the background; an older check of the same purpose is given up.
    pub fn check(&mut self, check: RunCheck) -> std::io::Result<()> {
        let purpose = check.purpose;
        let token = CancelToken::new();
        self.checks.retain(|(of, token)| {
            if *of == purpose {
                token.cancel();
            }
            *of != purpose
        });
        self.checks.push((purpose, token.clone()));
        let (mut teller, plans) = (Teller::new(check.id, &self.sender), Arc::clone(&self.plan));
        thread::Builder::new().name("check".into()).spawn(move || {
            let checked = catch_unwind(AssertUnwindSafe(|| carry_out_check(check, &token, &mut teller)));
            let (summary, plan) = match checked {
                Ok(Some(checked)) => checked,
                Ok(None) => return,
                Err(_) => {
                    let why = "The check broke off: this is a mistake in the program; the log says where";
                    (PlanSummary { problems: vec![why.into()], ..PlanSummary::default() }, None)
                }
            };
            if purpose == CheckFor::Run {
                *plans.lock().unwrap_or_else(PoisonError::into_inner) = plan.map(|plan| (teller.id, plan));
            }
            teller.tell(RunEvent::Checked(purpose, Box::new(summary)));
        })?;
        Ok(())
    }

    /// Carries out the plan that was checked under `id`, without the images `skipped`.
    pub fn start(&mut self, id: u64, replace: bool, skipped: &[usize]) -> std::io::Result<()> {
        let mut teller = Teller::new(id, &self.sender);
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((_, mut plan)) = plan.filter(|(checked, _)| *checked == id) else {
            let why = Problem::new("Can't start", "it was checked anew meanwhile", "Start it again");
            teller.tell(RunEvent::Ended(Some(why)));
            return Ok(());
        };
        if replace {
            plan.allow_overwrite();
        }
        let control = Control::default();
        skipped.iter().for_each(|&index| control.cancel_input(index));
        let (ending, ended) = channel();
        let (reins, threads) = (control.clone(), self.threads);
        thread::Builder::new().name("batch".into()).spawn(move || {
            let _ending: Sender<()> = ending;
            let done = catch_unwind(AssertUnwindSafe(|| carry_out(&plan, threads, &reins, &mut teller)));
            let problem = done.unwrap_or_else(|_| {
                Some(Problem::new(
                    "The export or batch broke off",
                    "this is a mistake in the program; the log says where",
                    "Finished files are whole; try the others again",
                ))
            });
            teller.tell(RunEvent::Ended(problem));
        })?;
        self.running = Some((control, ended));
        Ok(())
    }

    /// Controls the run under way.
    pub fn order(&self, order: RunOrder) {
        let Some((control, _)) = &self.running else { return };
        match order {
            RunOrder::Pause => control.set_paused(true),
            RunOrder::Resume => control.set_paused(false),
            RunOrder::Cancel => control.cancel(),
            RunOrder::CancelFile(index) => control.cancel_input(index),
        }
    }

    /// Stops everything; unfinished files are removed.
    pub fn finish(self) {
        self.checks.iter().for_each(|(_, token)| token.cancel());
        if let Some((control, ended)) = self.running {
            control.cancel();
            // Nothing is ever sent: the wait ends when the run does.
            let _ = ended.recv_timeout(FAREWELL);
        }
    }
}

/// A check's summary and plan; `None` when it was given up.
fn carry_out_check(
    check: RunCheck,
    token: &CancelToken,
    teller: &mut Teller,
) -> Option<(PlanSummary, Option<Plan>)> {
    let RunCheck { project, lanes, request, path, .. } = check;
    let lanes = lanes.iter().map(|lane| OpenLane { raw: Arc::clone(&lane.raw), mask: lane.mask.clone() });
    let path = path.and_then(|path: PathBuf| std::path::absolute(path).ok());
    let tell = &mut |count| teller.tell_now_and_then(RunEvent::Checking(count));
    match Plan::check_with(project, lanes.collect(), request, token, tell) {
        Ok(plan) => Some((PlanSummary::of(&plan, path.as_deref()), Some(plan))),
        Err(PlanError::Cancelled(_)) => None,
        Err(error) => Some((PlanSummary::refused(&error), None)),
    }
}

/// Runs `plan`; what stopped it as a whole.
fn carry_out(plan: &Plan, threads: usize, control: &Control, teller: &mut Teller) -> Option<Problem> {
    lower_priority();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|n| format!("batch-{n}"))
        .start_handler(|_| lower_priority())
        .build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => return Some(Problem::new("Can't start threads", error.to_string(), "Try again")),
    };
    let mut tell = move |event: Event<'_>| match event {
        Event::Training => teller.tell(RunEvent::Training),
        Event::Started { index, .. } => teller.tell(RunEvent::Started(index)),
        Event::Advanced { index, done, .. } => teller.tell_now_and_then(RunEvent::Advanced(index, done)),
        Event::Finished { index, report } => teller.tell(RunEvent::Finished(index, Box::new(report.clone()))),
        Event::LeftOut { index } => teller.tell(RunEvent::LeftOut(index)),
        _ => {}
    };
    let result = pool.install(move || batch::run_controlled(plan, threads, control, &mut tell));
    result.err().map(|error| Problem::new("Can't compute", error.to_string(), "Label more, then start again"))
}

/// Lets everything else go first. The threads that this one starts are like it.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        // On Linux this is about the calling thread alone. Without it the work is as urgent as the rest.
        let _ = rustix::process::setpriority_process(None, 10);
    }
}
