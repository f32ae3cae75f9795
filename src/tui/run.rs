//! The program's course in a terminal: start, the loop of messages, the end.

use std::io::{self, Write as _};
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{self, Task};
use super::input::{self, InputSettings};
use super::message::Message;
use super::session::{Session, Start};
use super::tty::Tty;
use super::{drawing, probing, signals};
use crate::app::Problem;
use crate::command::Keymap;
use crate::engine::{Engine, EngineOptions};
use crate::graphics::ENCODERS;

/// Longest time between two looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// Most messages taken in before the screen is drawn again.
const DRAIN: usize = 4096;

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Images, a folder, or a project.
    pub inputs: Vec<String>,
    /// Where the project is, or will be.
    pub project: Option<PathBuf>,
    /// `auto`, or the name of an encoder.
    pub graphics: String,
    /// Width and height of a cell in pixels, if the user knows better.
    pub cell_size: Option<[f64; 2]>,
    /// Most bytes per second that are sent to the terminal, if the user said so.
    pub link_rate: Option<f64>,
    /// What keys do.
    pub keymap: Keymap,
    /// What was wrong with the keymap, to be told once the screen is there.
    pub problems: Vec<Problem>,
    /// Threads and memory of the live view.
    pub engine: EngineOptions,
    /// Bytes for what is exported, in one run at a time.
    pub run_bytes: u64,
}

/// Why the interface can't run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no terminal.
    #[error("there is no terminal: {0}; use 'brushwood predict' without one")]
    NoTerminal(io::Error),
    /// The system refuses threads or signals.
    #[error("the system can't start the interface: {0}")]
    System(io::Error),
    /// No encoder has that name.
    #[error("there is no graphics mode '{name}'; use auto, {}", ENCODERS.iter().map(|kind| kind.id).collect::<Vec<_>>().join(", "))]
    UnknownGraphics {
        /// The name.
        name: String,
    },
}

/// Runs the interface until the user quits or a signal ends it. The terminal is as before afterwards,
/// also after a panic.
///
/// # Errors
/// No terminal, an unknown graphics mode, or a system that refuses threads.
pub fn run(options: Options) -> Result<ExitCode, Error> {
    if options.graphics != "auto" && ENCODERS.iter().all(|kind| kind.id != options.graphics) {
        return Err(Error::UnknownGraphics { name: options.graphics });
    }
    let begun = Instant::now();
    let tty = Tty::open().map_err(Error::NoTerminal)?;
    let (sender, messages) = channel();
    let engine_sender = sender.clone();
    let engine = Engine::start(
        move |event| {
            // Once the interface has ended nobody wants to know.
            let _ = engine_sender.send(Message::Engine(event));
        },
        options.engine,
    )
    .map_err(Error::System)?;
    // Images open while the terminal is asked.
    let start = Task::Start(options.inputs.clone(), options.project.clone());
    files::perform(start, sender.clone()).map_err(Error::System)?;
    signals::spawn(sender.clone()).map_err(Error::System)?;
    let note = Arc::new(Mutex::new(String::new()));
    restore_on_panic(&tty, &note);
    tty.enter().map_err(Error::NoTerminal)?;
    let settings = Arc::new(Mutex::new(InputSettings::default()));
    input::spawn(Arc::clone(&tty), Arc::clone(&settings), sender.clone()).map_err(Error::System)?;
    let environment = probing::environment(tty.size(), options.cell_size);
    let (probe, answering, early) =
        probing::ask(&tty, &messages, environment, begun).map_err(Error::NoTerminal)?;
    let jobs = drawing::spawn(Arc::clone(&tty), sender.clone()).map_err(Error::System)?;
    let start = Start { tty, engine, probe, answering, settings, sender, jobs, begun, note };
    let mut session = Session::new(start, options).map_err(Error::System)?;
    for message in early {
        session.handle(message);
    }
    while !session.is_over() {
        session.present();
        let wait = session.deadline().map_or(TICK, |at| at.saturating_sub(begun.elapsed()).min(TICK));
        match messages.recv_timeout(wait) {
            Ok(message) => {
                session.handle(message);
                messages.try_iter().take(DRAIN).for_each(|message| session.handle(message));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        session.tick();
    }
    Ok(session.end())
}

/// Gives the terminal back before a panic of the main thread is reported; a worker's is caught where it
/// was started, and only noted.
fn restore_on_panic(tty: &Arc<Tty>, note: &Arc<Mutex<String>>) {
    let (tty, note) = (Arc::clone(tty), Arc::clone(note));
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if tty.is_active() && thread::current().name() != Some("main") {
            tracing::error!("{info}");
            return;
        }
        tty.restore();
        report(info);
        let note = note.lock().unwrap_or_else(PoisonError::into_inner);
        if !note.is_empty() {
            let _ = writeln!(io::stderr(), "{note}");
        }
    }));
}
