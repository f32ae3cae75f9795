//! A running session: messages become events of the state, its effects are performed, frames are drawn
//! whenever the terminal has taken the last one.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGTSTP, SIGWINCH};

use super::backend::MemoryBackend;
use super::drawing::{DrawJob, FrameJob};
use super::files::{self, Task};
use super::input::InputSettings;
use super::journal::Journal;
use super::message::Message;
use super::pacing::Pacer;
use super::panels::{self, Theme};
use super::run::Options;
use super::runs::Runs;
use super::scene::SceneParts;
use super::tty::Tty;
use super::{folders, inspect, jobs, mouse, picture, probing, signals};
use crate::app::{
    App, AppEvent, CanvasGeometry, Effect, InputEvent, JobEvent, JobOutput, Layout, Opened, Problem, update,
};
use crate::data::SlicePlane;
use crate::engine::Engine;
use crate::graphics::input::{Event, Reply};
use crate::graphics::{Capabilities, CellRect, EncoderKind, FrameEncoder, Placement, Probe, choose, session};
use crate::render;

/// Width and height of a cell where nobody knows it; only their ratio matters then.
const USUAL_CELL: [f64; 2] = [8.0, 16.0];

/// What a session starts from.
pub(super) struct Start {
    pub tty: Arc<Tty>,
    pub engine: Engine,
    pub probe: Probe,
    pub settings: Arc<Mutex<InputSettings>>,
    pub sender: Sender<Message>,
    pub jobs: Sender<DrawJob>,
    pub begun: Instant,
    /// What a panic says of unsaved edits.
    pub note: Arc<Mutex<String>>,
}

/// A running session.
pub(super) struct Session {
    start: Start,
    app: App,
    journal: Journal,
    runs: Runs,
    theme: Theme,
    graphics: String,
    terminal: Capabilities,
    kind: &'static EncoderKind,
    /// An encoder that encodes nothing: it knows the picture's size.
    sizer: Box<dyn FrameEncoder>,
    text: Terminal<MemoryBackend>,
    pacer: Pacer,
    /// What the canvas showed last.
    scene: Option<Arc<SceneParts>>,
    /// Something may look different from what was drawn last.
    dirty: bool,
    /// A frame is being made or written.
    drawing: bool,
    /// The terminal may have lost everything.
    forget: bool,
    /// The next SIGCONT follows a stop of our own.
    continued: bool,
    /// What the session ends with.
    over: Option<u8>,
    /// Where the picture is and what part of the slice it shows, as last logged.
    logged: Option<(Rect, render::Viewport, SlicePlane)>,
}

impl Session {
    pub fn new(start: Start, options: Options) -> std::io::Result<Session> {
        let terminal = start.probe.capabilities();
        let kind = choose(&options.graphics, &terminal).map_or(&crate::graphics::ENCODERS[0], |c| c.kind);
        let telling = start.sender.clone();
        let journal = Journal::start(move |event| {
            let _ = telling.send(Message::App(Box::new(event)));
        })?;
        let cells = start.tty.size().cells;
        let mut session = Session {
            app: App::new(options.keymap),
            journal,
            runs: Runs::new(start.sender.clone(), options.engine.threads),
            theme: Theme::for_no_color(std::env::var("NO_COLOR").ok().as_deref()),
            graphics: options.graphics,
            sizer: (kind.create)(&terminal),
            terminal,
            kind,
            text: text_terminal(cells)?,
            pacer: Pacer::default(),
            scene: None,
            dirty: true,
            drawing: false,
            forget: false,
            continued: false,
            over: None,
            logged: None,
            start,
        };
        session.enter();
        session.send(AppEvent::Resized(cells));
        for problem in options.problems {
            session.send(AppEvent::Problem(problem));
        }
        Ok(session)
    }

    /// Whether the session has ended.
    pub fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// When something happens by itself, since the start.
    pub fn deadline(&self) -> Option<Duration> {
        [self.app.next_deadline(), self.pacer.deadline()].into_iter().flatten().min()
    }

    /// Tells the state the time, and gives up on frames that were lost.
    pub fn tick(&mut self) {
        let now = self.start.begun.elapsed();
        if self.app.next_deadline().is_some_and(|at| now >= at) {
            self.send(AppEvent::Time(now));
        }
        if self.pacer.lost(now) {
            (self.forget, self.dirty) = (true, true);
        }
    }

    pub fn handle(&mut self, message: Message) {
        match message {
            Message::Terminal(events, at) => {
                let at = at.saturating_duration_since(self.start.begun);
                self.send(AppEvent::Time(at));
                events.into_iter().for_each(|event| self.terminal_event(event, at));
            }
            Message::Hangup => self.end_by(AppEvent::Terminate, 128 + SIGHUP as u8),
            Message::Engine(event) => {
                self.send(AppEvent::Time(self.start.begun.elapsed()));
                self.send(AppEvent::Engine(event));
                self.look_under_the_cursor();
            }
            Message::Written(bytes) => {
                self.drawing = false;
                if bytes > 0 {
                    self.pacer.sent(self.start.begun.elapsed(), bytes);
                }
            }
            Message::NotDrawn(why) => {
                (self.drawing, self.forget) = (false, true);
                self.send(AppEvent::Problem(Problem::new(why, "", "")));
            }
            Message::App(event) => {
                if matches!(*event, AppEvent::Run(..)) {
                    self.send(AppEvent::Time(self.start.begun.elapsed()));
                }
                self.app_event(*event);
            }
            Message::Signal(SIGWINCH) => self.resize(),
            Message::Signal(SIGTSTP) => self.suspend(),
            Message::Signal(SIGCONT) => {
                if !std::mem::take(&mut self.continued) {
                    self.resume();
                }
            }
            Message::Signal(signal) => self.end_by(AppEvent::Terminate, 128 + signal as u8),
        }
    }

    fn app_event(&mut self, event: AppEvent) {
        match &event {
            AppEvent::Opened(Ok(opened)) => {
                self.scene = None;
                self.journal_for(opened);
            }
            AppEvent::Job(_, JobEvent::Done(JobOutput::Lanes(lanes))) if self.app.project.path.is_none() => {
                let first = lanes.first().and_then(|lane| self.app.project.locate(&lane.lane.raw).ok());
                if let (Some(location), false) = (first, self.app.has_image()) {
                    self.keep_journal(files::project_beside(&location), Vec::new());
                }
            }
            AppEvent::Saved { path, result: Ok(()), .. } => {
                self.journal.move_to(path.clone());
                self.note(path);
            }
            _ => {}
        }
        self.send(event);
    }

    fn journal_for(&self, opened: &Opened) {
        // Two programs must not write one journal.
        let own = opened.access.instead.clone().filter(|_| opened.access.shared);
        let path = own.or_else(|| opened.project.path.clone()).or_else(|| opened.save_to.clone());
        if let Some(path) = path {
            self.keep_journal(path, opened.journal.clone());
        }
    }

    fn keep_journal(&self, project: PathBuf, records: Vec<crate::app::JournalRecord>) {
        self.note(&project);
        self.journal.use_project(project, records);
    }

    fn note(&self, project: &std::path::Path) {
        let mut note = self.start.note.lock().unwrap_or_else(PoisonError::into_inner);
        *note = format!(
            "Edits that were not saved are kept beside {}; open it again to restore them.",
            project.display()
        );
    }

    fn terminal_event(&mut self, event: Event, at: Duration) {
        match event {
            Event::Key(key) => self.send(AppEvent::Input(InputEvent::Key(key))),
            Event::Mouse(event) => {
                let place = mouse::locate(&event, self.cell(), &self.app.canvas);
                self.send(AppEvent::Input(InputEvent::Mouse(place)));
            }
            Event::Paste(text) => self.send(AppEvent::Input(InputEvent::Paste(text))),
            // Another terminal may have been attached meanwhile.
            Event::Focus(true) if self.terminal.tmux => (self.forget, self.dirty) = (true, true),
            Event::Focus(_) => {}
            Event::Reply(reply) => self.reply(&reply, at),
        }
        self.look_under_the_cursor();
    }

    fn reply(&mut self, reply: &Reply, at: Duration) {
        match reply {
            reply if session::answers_fence(reply) => {
                let before = self.pacer.rate();
                self.pacer.acknowledged(at);
                if let Some(rate) = self.pacer.rate().filter(|_| self.pacer.rate() != before) {
                    tracing::debug!(bytes_per_second = rate, round_trip = ?self.pacer.round_trip(), "link");
                    self.send(AppEvent::Link(Some(rate * 8.0)));
                }
            }
            Reply::Resized { .. } => self.resize(),
            Reply::KittyGraphics { message, .. } if message.starts_with("ENO") => {
                (self.forget, self.dirty) = (true, true);
            }
            reply => {
                if let Some(bytes) = self.start.probe.feed(reply, at) {
                    self.draw_job(DrawJob::Raw(bytes));
                }
                self.terminal_changed();
            }
        }
    }

    /// The terminal turned out to be able to do something else than was known.
    fn terminal_changed(&mut self) {
        let terminal = self.start.probe.capabilities();
        if terminal == self.terminal {
            return;
        }
        let modes = |t: &Capabilities| (t.pixel_mouse, t.kitty_keyboard, t.in_band_resize);
        let other_modes = modes(&terminal) != modes(&self.terminal);
        self.terminal = terminal;
        if let Some(choice) = choose(&self.graphics, &self.terminal) {
            self.kind = choice.kind;
        }
        if other_modes {
            self.draw_job(DrawJob::Raw(session::leave(&self.terminal)));
        }
        self.enter();
    }

    /// Brings the terminal into the program's mode and starts from an empty screen.
    fn enter(&mut self) {
        probing::apply(&self.start.probe, &self.start.settings);
        self.start.tty.set_leave(session::leave(&self.terminal));
        self.draw_job(DrawJob::Use(self.kind, Box::new(self.terminal.clone())));
        self.draw_job(DrawJob::Raw(session::enter(&self.terminal, true)));
        self.sizer = (self.kind.create)(&self.terminal);
        self.start_over();
    }

    /// The screen is empty: everything is drawn again.
    fn start_over(&mut self) {
        let cells = self.start.tty.size().cells;
        if let Ok(text) = text_terminal(cells) {
            self.text = text;
        }
        self.pacer.forget();
        (self.forget, self.dirty) = (true, true);
    }

    fn resize(&mut self) {
        let size = self.start.tty.size();
        self.start.probe.resized(size.cells, size.pixels);
        self.terminal = self.start.probe.capabilities();
        // The font may have another size now.
        self.draw_job(DrawJob::Raw(b"\x1b[0m\x1b[2J\x1b[14t\x1b[16t".to_vec()));
        self.start_over();
        self.send(AppEvent::Resized(size.cells));
    }

    fn suspend(&mut self) {
        self.start.tty.restore();
        self.continued = true;
        signals::stop();
        self.resume();
    }

    fn resume(&mut self) {
        if self.start.tty.enter().is_ok() {
            self.enter();
            self.resize();
        }
    }

    fn end_by(&mut self, event: AppEvent, code: u8) {
        self.over.get_or_insert(code);
        self.send(event);
    }

    fn send(&mut self, event: AppEvent) {
        // The clock alone changes nothing on screen before its deadline.
        self.dirty |= !matches!(event, AppEvent::Time(_)) || self.app.next_deadline().is_some();
        for effect in update(&mut self.app, event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        let task = match effect {
            Effect::Goal => {
                if let Some(goal) = self.app.engine_goal() {
                    self.start.engine.set_goal(goal);
                }
                return;
            }
            Effect::Save(request) => Task::Save(request),
            Effect::Open(location) => Task::Open(location),
            Effect::OpenFound(request) => Task::OpenFound(request),
            Effect::Inspect(location) => {
                return self.spawned(inspect::start(location, self.start.sender.clone()));
            }
            Effect::ListFolder(folder) => {
                return self.spawned(folders::list(folder, self.start.sender.clone()));
            }
            Effect::StartJob(job) => return self.spawned(jobs::start(*job, self.start.sender.clone())),
            Effect::CheckRun(check) => {
                let started = self.runs.check(*check);
                return self.spawned(started);
            }
            Effect::StartRun { id, replace, skipped } => {
                let started = self.runs.start(id, replace, &skipped);
                return self.spawned(started);
            }
            Effect::OrderRun(order) => return self.runs.order(order),
            Effect::FindImages(named) => Task::FindImages(named),
            Effect::Visit { input, axes } => Task::Visit(input, axes),
            Effect::Delete(files) => Task::Delete(files),
            Effect::SavePicture { path, overwrite } => return self.save_picture(path, overwrite),
            Effect::Copy(text) => {
                let bytes = session::clipboard(&text, &self.terminal);
                return self.draw_job(DrawJob::Raw(bytes));
            }
            Effect::Journal(record) => return self.journal.append(record),
            Effect::JournalDone(count) => return self.journal.done(count),
            Effect::Redraw => return self.resize(),
            Effect::Suspend => return self.suspend(),
            Effect::Quit => {
                self.over.get_or_insert(0);
                return;
            }
        };
        self.spawned(files::perform(task, self.start.sender.clone()));
    }

    fn save_picture(&mut self, path: PathBuf, overwrite: bool) {
        let Some(scene) = SceneParts::of(&self.app, &self.start.engine) else { return };
        self.spawned(picture::save(scene, path, overwrite, self.start.sender.clone()));
    }

    /// Says when a thread could not be started.
    fn spawned(&mut self, result: std::io::Result<()>) {
        if let Err(error) = result {
            let problem = Problem::new("The system starts no thread", error.to_string(), "Try again");
            self.send(AppEvent::Problem(problem));
        }
    }

    /// Tells the state the probabilities under the cursor when they are not what it knows.
    fn look_under_the_cursor(&mut self) {
        let (Some(view), Some(at)) = (self.app.engine_view(), self.app.view().map(|view| view.cursor)) else {
            return;
        };
        let [_, z, y, x] = at;
        let Some(values) = self.start.engine.probabilities(&view, [z, y, x]) else { return };
        let lane = view.lane;
        if self.app.training.probabilities.as_ref().is_none_or(|known| *known != (lane, at, values.clone())) {
            self.send(AppEvent::Probabilities { lane, at, values });
        }
    }

    fn cell(&self) -> [f64; 2] {
        self.terminal.cell_size().unwrap_or(USUAL_CELL)
    }

    /// Draws a frame if anything changed and the terminal is ready for one.
    pub fn present(&mut self) {
        if !self.dirty || self.drawing || !self.pacer.may_send() || !self.start.tty.is_active() {
            return;
        }
        self.dirty = false;
        self.fit_canvas();
        self.log_canvas();
        let mut drawn = panels::Drawn::default();
        let theme = self.theme;
        let app = &self.app;
        if self.text.draw(|frame| drawn = panels::draw(frame, app, &theme)).is_err() {
            return;
        }
        let text = self.text.backend_mut().take();
        let cursor = self.text.backend().cursor();
        let cell = self.cell();
        let placement = drawn.canvas.map(|area| Placement { area, holes: drawn.holes, cell });
        // Until a slice is loaded the one before stays: black in between would only flicker.
        if let Some(scene) = SceneParts::of(&self.app, &self.start.engine).filter(SceneParts::is_loaded) {
            self.scene = Some(Arc::new(scene));
        }
        let picture = self.scene.clone().zip(placement);
        let forget = std::mem::take(&mut self.forget);
        self.drawing = true;
        self.draw_job(DrawJob::Frame(FrameJob { text, cursor, picture, forget, rate: self.pacer.rate() }));
    }

    /// Tells the state the size of the picture when it changed.
    fn fit_canvas(&mut self) {
        let area = Layout::of(&self.app).canvas.unwrap_or(Rect::ZERO);
        let cell = self.cell();
        let cells = CellRect { x: area.x, y: area.y, width: area.width, height: area.height };
        let [width, height] = self.sizer.picture_size(&Placement { area: cells, holes: Vec::new(), cell });
        let ratio = |count: u16, cell: f64, pixels: usize| f64::from(count) * cell / pixels.max(1) as f64;
        let pixel_height = ratio(area.height, cell[1], height);
        let pixel_width = ratio(area.width, cell[0], width);
        // Pixels of the terminal itself are square; a rest of a pixel at the edge does not make them oblong.
        let aspect = pixel_height / pixel_width.max(1e-6);
        let pixel_aspect = if (aspect - 1.0).abs() < 0.02 { 1.0 } else { aspect };
        let canvas = CanvasGeometry { area, picture: [height, width], pixel_aspect };
        if width * height > 0 && canvas != self.app.canvas {
            self.send(AppEvent::Canvas(canvas));
            self.dirty = false;
        }
    }

    /// Notes in the log which window pixels show which slice pixels.
    fn log_canvas(&mut self) {
        let (Some(viewport), Some(plane)) = (self.app.viewport(), self.app.plane()) else { return };
        let area = self.app.canvas.area;
        let shown = Some((area, viewport, plane));
        if std::mem::replace(&mut self.logged, shown) == shown {
            return;
        }
        let cell = self.cell();
        let pair = |[a, b]: [f64; 2]| format!("{a},{b}");
        let origin = [f64::from(area.x) * cell[0], f64::from(area.y) * cell[1]];
        tracing::debug!(
            "canvas origin={} picture={} center={} zoom={} cell={} screen={} slice={}",
            pair(origin),
            pair(viewport.picture.map(|p| p as f64)),
            pair(viewport.center),
            pair(viewport.zoom),
            pair(cell),
            pair(self.app.screen.size.map(f64::from)),
            plane.position
        );
    }

    fn draw_job(&self, job: DrawJob) {
        // Without the encoder thread the process is ending.
        let _ = self.start.jobs.send(job);
    }

    /// Stops everything, gives the terminal back, and says what the process ends with.
    pub fn end(self) -> ExitCode {
        self.start.tty.restore();
        self.runs.finish();
        self.journal.finish();
        self.start.engine.shutdown();
        ExitCode::from(self.over.unwrap_or(0))
    }
}

fn text_terminal(cells: [u16; 2]) -> std::io::Result<Terminal<MemoryBackend>> {
    let area = Rect::new(0, 0, cells[0], cells[1]);
    Terminal::with_options(MemoryBackend::new(cells), TerminalOptions { viewport: Viewport::Fixed(area) })
}
