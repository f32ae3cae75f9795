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
use super::content::{Content, Small};
use super::drawing::{DrawJob, FrameJob, Trust};
use super::files::{self, Task};
use super::input::{InputSettings, MouseChange};
use super::journal::Journal;
use super::message::{Message, Written};
use super::missing::Missing;
use super::pacing::{Cause, Pacer};
use super::panels::{self, Theme};
use super::run::Options;
use super::runs::Runs;
use super::scene::SceneParts;
use super::tty::Tty;
use super::{features, folders, inspect, jobs, mouse, picture, probing, signals, thumbnails};
use crate::app::looking::FeatureRequest;
use crate::app::{
    App, AppEvent, CanvasGeometry, Effect, InputEvent, JobEvent, JobOutput, Layout, Link, Opened, Problem,
    SaveFailure, update,
};
use crate::data::CancelToken;
use crate::data::SlicePlane;
use crate::engine::Engine;
use crate::graphics::input::{Event, MouseUnit, Reply};
use crate::graphics::session::FenceAnswer;
use crate::graphics::{Capabilities, CellRect, EncoderKind, FrameEncoder, Placement, Probe, choose, session};
use crate::render;

/// tmux reports the focus before the terminal that is attached to it takes questions: they are repeated.
const ASKINGS: u8 = 4;

/// Width and height of a cell where nobody knows it; only their ratio matters then.
const USUAL_CELL: [f64; 2] = [8.0, 16.0];

/// How long after everything was sent again a missing image may still be that of before.
const RESTORING: Duration = Duration::from_secs(1);
/// Shortest time between two statements of what the link carries.
const LINK_PERIOD: Duration = Duration::from_secs(1);

/// What a session starts from.
pub(super) struct Start {
    pub tty: Arc<Tty>,
    pub engine: Engine,
    pub probe: Probe,
    /// How long the terminal took to answer, if it did.
    pub answering: Option<Duration>,
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
    /// The small picture in a dialog.
    small: Option<Small>,
    /// All that the picture shows, and where.
    picture: Option<(Content, Placement)>,
    /// Something may look different from what was drawn last, because of that.
    dirty: Option<Cause>,
    /// A frame is being made or written.
    drawing: bool,
    /// More of the picture is to follow.
    refining: bool,
    /// When it may, where the link is busy until then.
    refines_at: Option<Duration>,
    /// Whether the terminal still has what it was sent.
    trust: Trust,
    /// When it was last sent everything.
    restored: Option<Duration>,
    /// How often it lost that.
    missing: Missing,
    /// In tmux: whether the pane has the focus, and whether a frame was lost while it had not.
    focused: bool,
    lost_unseen: bool,
    /// The terminal is being asked again what it can do, since then.
    asking: Option<(Probe, Duration)>,
    /// How often it is asked again when no answer comes.
    askings_left: u8,
    /// What was last told of the link.
    told: Option<(Duration, Link)>,
    /// The next SIGCONT follows a stop of our own.
    continued: bool,
    /// Cancels the measurement of what features cost.
    cost_token: CancelToken,
    /// Cancels features that are computed for looking at them.
    feature_token: CancelToken,
    /// A picture to be written once the slice is whole: where to, and whether over a file.
    waiting_picture: Option<(PathBuf, bool, SlicePlane)>,
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
            pacer: Pacer::new(start.answering, options.link_rate),
            scene: None,
            small: None,
            picture: None,
            dirty: Some(Cause::Background),
            drawing: false,
            refining: false,
            refines_at: None,
            trust: Trust::Lost,
            restored: None,
            missing: Missing::default(),
            focused: true,
            lost_unseen: false,
            asking: None,
            askings_left: 0,
            told: None,
            continued: false,
            cost_token: CancelToken::new(),
            feature_token: CancelToken::new(),
            waiting_picture: None,
            over: None,
            logged: None,
            start,
        };
        session.app.runs.memory = options.run_bytes;
        // The images that the command line names are on their way.
        session.app.files.opening = !options.inputs.is_empty() || options.project.is_some();
        session.enter(MouseChange::Now);
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
        let asking = self.asking.as_ref().map(|(probe, since)| *since + probe.deadline());
        let all = [self.app.next_deadline(), self.pacer.deadline(), self.refines_at, asking];
        all.into_iter().flatten().min()
    }

    /// Tells the state the time, and gives up on frames that were lost.
    pub fn tick(&mut self) {
        let now = self.start.begun.elapsed();
        if self.app.next_deadline().is_some_and(|at| now >= at) {
            self.send(AppEvent::Time(now));
        }
        self.save_waiting_picture();
        if self.pacer.lost(now) {
            self.lost_unseen |= !self.focused;
            self.distrust(Trust::Lost);
        }
        if let Some((probe, _)) = self.asking.take_if(|(p, since)| p.is_over(now.saturating_sub(*since))) {
            // Without its closing answers it says less than what was known before.
            if probe.is_closed() || !self.start.probe.is_closed() && probe.first_answer().is_some() {
                self.start.probe = probe;
                self.terminal_changed();
            } else if self.terminal.tmux && self.askings_left > 0 {
                self.askings_left -= 1;
                self.ask();
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.begun.elapsed()
    }

    fn distrust(&mut self, trust: Trust) {
        self.trust = self.trust.max(trust);
        self.changed(Cause::Background);
    }

    fn changed(&mut self, cause: Cause) {
        self.dirty = self.dirty.max(Some(cause));
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
            Message::Written(Written { request, bytes, more }) => {
                (self.drawing, self.refining) = (false, more);
                self.pacer.written(self.now(), request, bytes);
            }
            Message::NotDrawn(why) => {
                self.drawing = false;
                self.pacer.forget();
                self.distrust(Trust::Lost);
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
            AppEvent::Job(_, JobEvent::Done(JobOutput::Lanes(lanes, _)))
                if self.app.project.path.is_none() =>
            {
                let first = lanes.first().and_then(|lane| self.app.project.locate(&lane.lane.raw).ok());
                if let (Some(location), false) = (first, self.app.has_image()) {
                    self.keep_journal(files::project_beside(&location), Vec::new());
                }
            }
            AppEvent::Saved { path, result: Ok(()), .. }
            | AppEvent::Job(_, JobEvent::Done(JobOutput::Saved { path, result: Ok(()), .. })) => {
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
            // Another terminal may have been attached meanwhile, and what was sent to a hidden pane is lost.
            Event::Focus(true) if self.terminal.tmux => {
                self.focused = true;
                let lost = std::mem::take(&mut self.lost_unseen);
                self.distrust(if lost { Trust::Lost } else { Trust::Doubted });
                self.ask_again();
            }
            Event::Focus(focused) => self.focused = focused || !self.terminal.tmux,
            Event::Reply(reply) => self.reply(&reply, at),
        }
        self.look_under_the_cursor();
    }

    fn reply(&mut self, reply: &Reply, at: Duration) {
        if let Some(answer) = session::fence_answer(reply) {
            let number = match answer {
                FenceAnswer::Number(number) => Some(number),
                FenceAnswer::Oldest => None,
            };
            self.pacer.answered(at, number);
            return self.tell_link(at);
        }
        match reply {
            Reply::Resized { columns, rows, .. } => {
                self.start.tty.tell([*columns, *rows]);
                self.resize();
            }
            reply if session::misses_image(reply) => self.image_missing(at),
            reply => {
                let (probe, since) = match &mut self.asking {
                    Some((probe, since)) => (probe, *since),
                    None => (&mut self.start.probe, Duration::ZERO),
                };
                let more = probe.feed(reply, at.saturating_sub(since));
                if let Some((probe, _)) = self.asking.take_if(|(probe, _)| probe.is_closed()) {
                    self.start.probe = probe;
                }
                if let Some(bytes) = more {
                    self.draw_job(DrawJob::Raw(bytes));
                }
                self.terminal_changed();
            }
        }
    }

    fn image_missing(&mut self, at: Duration) {
        if self.restored.is_some_and(|since| at < since + RESTORING) {
            return self.distrust(Trust::Doubted);
        }
        if !self.missing.again(at) {
            return self.distrust(Trust::Lost);
        }
        self.start.probe.give_up_images();
        self.terminal_changed();
        if self.graphics == "auto" {
            let what = "The terminal does not keep its images";
            let remedy = "Ctrl-L tries them again; --graphics NAME chooses what is drawn";
            self.send(AppEvent::Problem(Problem::new(what, "it lost them several times in a row", remedy)));
        }
    }

    /// Asks the terminal once more what it can do: it may be another one.
    fn ask_again(&mut self) {
        self.askings_left = ASKINGS;
        self.ask();
    }

    fn ask(&mut self) {
        let mut probe = self.start.probe.anew();
        self.draw_job(DrawJob::Raw(probe.query_bytes()));
        self.asking = Some((probe, self.now()));
    }

    /// Tells the state what the link carries, when that has changed visibly.
    fn tell_link(&mut self, at: Duration) {
        let link =
            Link { rate: self.pacer.rate().map(|rate| rate * 8.0), round_trip: self.pacer.round_trip() };
        let told = self.told.as_ref();
        if link.rate.is_none()
            || told.is_some_and(|(when, told)| at < *when + LINK_PERIOD || !told.differs(&link))
        {
            return;
        }
        tracing::debug!(bits_per_second = ?link.rate, round_trip = ?link.round_trip, "link");
        self.told = Some((at, link));
        self.send(AppEvent::Link(link));
    }

    /// The terminal turned out to be able to do something else than was known.
    fn terminal_changed(&mut self) {
        let terminal = self.start.probe.capabilities();
        if terminal == self.terminal {
            return;
        }
        let modes = |t: &Capabilities| (t.pixel_mouse, t.kitty_keyboard, t.in_band_resize);
        let other_modes = modes(&terminal) != modes(&self.terminal);
        let before = std::mem::replace(&mut self.terminal, terminal);
        if let Some(choice) = choose(&self.graphics, &self.terminal) {
            self.kind = choice.kind;
        }
        if other_modes {
            self.draw_job(DrawJob::Raw(session::leave(&before)));
            self.enter(self.mouse_change());
        } else {
            self.use_encoder(self.mouse_change());
            // A picture for cells of another size may have scrolled the text.
            self.draw_job(DrawJob::Raw(b"\x1b[0m\x1b[2J".to_vec()));
            self.start_over();
        }
        if self.terminal.pixel_mouse {
            self.draw_job(DrawJob::Raw(session::ASK_PIXEL_MOUSE.to_vec()));
        }
    }

    /// From when on the mouse reports what the terminal was told in the middle of a session: until it has read that,
    /// strokes go on in the units of before.
    fn mouse_change(&self) -> fn(MouseUnit) -> MouseChange {
        if self.terminal.pixel_mouse { MouseChange::AfterReport } else { MouseChange::Now }
    }

    /// Brings the terminal into the program's mode and starts from an empty screen.
    fn enter(&mut self, from: fn(MouseUnit) -> MouseChange) {
        self.start.tty.set_leave(session::leave(&self.terminal));
        self.use_encoder(from);
        self.draw_job(DrawJob::Raw(session::enter(&self.terminal, true)));
        self.start_over();
    }

    fn use_encoder(&mut self, from: fn(MouseUnit) -> MouseChange) {
        probing::apply(&self.start.probe, &self.start.settings, from);
        self.draw_job(DrawJob::Use(self.kind, Box::new(self.terminal.clone())));
        self.sizer = (self.kind.create)(&self.terminal);
    }

    /// The screen is empty: everything is drawn again.
    fn start_over(&mut self) {
        let cells = self.start.tty.size().cells;
        if let Ok(text) = text_terminal(cells) {
            self.text = text;
        }
        self.pacer.forget();
        self.distrust(Trust::Lost);
    }

    fn resize(&mut self) {
        let size = self.start.tty.size();
        for probe in [&mut self.start.probe].into_iter().chain(self.asking.as_mut().map(|(probe, _)| probe)) {
            probe.resized(size.cells, size.pixels);
        }
        self.terminal = self.start.probe.capabilities();
        // The font may have another size now; in tmux another terminal may be attached.
        self.draw_job(DrawJob::Raw(b"\x1b[0m\x1b[2J\x1b[14t\x1b[16t".to_vec()));
        if self.terminal.tmux {
            self.ask_again();
        }
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
            self.enter(MouseChange::Now);
            self.resize();
            self.ask_again();
        }
    }

    fn end_by(&mut self, event: AppEvent, code: u8) {
        self.over.get_or_insert(code);
        self.send(event);
    }

    fn send(&mut self, event: AppEvent) {
        // The clock alone changes nothing on screen before its deadline.
        match event {
            AppEvent::Input(InputEvent::Mouse(_)) => self.changed(Cause::Pointer),
            AppEvent::Input(_) => self.changed(Cause::Key),
            AppEvent::Time(_) if self.app.next_deadline().is_none() => {}
            _ => self.changed(Cause::Background),
        }
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
            Effect::ComputeFeatures(requests) => return self.compute_features(requests),
            Effect::MeasureFeatures(request) => {
                self.cost_token.cancel();
                self.cost_token = CancelToken::new();
                let started = features::measure(request, self.cost_token.clone(), self.start.sender.clone());
                return self.spawned(started);
            }
            Effect::Inspect(location) => {
                return self.spawned(inspect::start(location, self.start.sender.clone()));
            }
            Effect::MakeThumbnail(location, token) => {
                return self.spawned(thumbnails::start(location, token, self.start.sender.clone()));
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
            Effect::Visit(request) => Task::Visit(request),
            Effect::ReadResult(read) => Task::ReadResult(read),
            Effect::Delete(files) => Task::Delete(files),
            Effect::SavePicture { path, overwrite, whole } => {
                self.waiting_picture = whole.map(|plane| (path.clone(), overwrite, plane));
                return if whole.is_none() {
                    self.save_picture(path, overwrite)
                };
            }
            Effect::Copy(text) => {
                let bytes = session::clipboard(&text, &self.terminal);
                return self.draw_job(DrawJob::Raw(bytes));
            }
            Effect::Journal(record) => return self.journal.append(record),
            Effect::JournalDone(count) => return self.journal.done(count),
            Effect::Redraw => {
                self.resize();
                return self.ask_again();
            }
            Effect::Suspend => return self.suspend(),
            Effect::Quit => {
                self.over.get_or_insert(0);
                return;
            }
        };
        self.spawned(files::perform(task, self.start.sender.clone()));
    }

    /// Writes the picture that waits for its slice, once all that is to be seen of it is there; gives it up when
    /// another slice is shown.
    fn save_waiting_picture(&mut self) {
        let Some((path, overwrite, plane)) = &self.waiting_picture else { return };
        let (path, overwrite) = (path.clone(), *overwrite);
        let view = self.app.engine_views().into_iter().find(|view| view.plane == *plane);
        let Some(view) = view else {
            self.waiting_picture = None;
            let left = SaveFailure::Failed(Problem::new(
                "Not all slices are written",
                "another one is shown",
                "Write them again and wait for the last",
            ));
            return self.send(AppEvent::PictureSaved { path, result: Err(left) });
        };
        if self.start.engine.is_whole(&view, self.app.awaits_predictions(), self.app.training.live) {
            self.waiting_picture = None;
            self.save_picture(path, overwrite);
        }
    }

    fn save_picture(&mut self, path: PathBuf, overwrite: bool) {
        let Some(scene) = SceneParts::of(&self.app, &self.start.engine) else { return };
        self.spawned(picture::save(scene, path, overwrite, self.start.sender.clone()));
    }

    /// Computes what the canvas is to show of a feature; what was under way for another is given up.
    fn compute_features(&mut self, requests: Vec<FeatureRequest>) {
        self.feature_token.cancel();
        self.feature_token = CancelToken::new();
        let image = requests.first().and_then(|request| self.app.sources.get(request.lane));
        let Some(image) = image.map(|source| Arc::clone(&source.raw)) else { return };
        let (selection, token) = (self.app.shown_selection(), self.feature_token.clone());
        self.spawned(features::start(requests, selection, image, token, self.start.sender.clone()));
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
        let values = match self.app.shows_result() {
            true => self.app.result_at(&view, [z, y, x]),
            false => self.start.engine.probabilities(&view, [z, y, x]),
        };
        let Some(values) = values else { return };
        let lane = view.lane;
        if self.app.training.probabilities.as_ref().is_none_or(|known| *known != (lane, at, values.clone())) {
            self.send(AppEvent::Probabilities { lane, at, values });
        }
    }

    fn cell(&self) -> [f64; 2] {
        self.terminal.cell_size().unwrap_or(USUAL_CELL)
    }

    /// Sends what the terminal is ready for: a frame if anything changed, else more of the picture.
    pub fn present(&mut self) {
        self.refines_at = None;
        if self.drawing || !self.start.tty.is_active() {
            return;
        }
        let now = self.now();
        if let Some(cause) = self.dirty {
            if let Some(asks) = self.pacer.may_send(now, cause) {
                return self.draw(now, cause, asks);
            }
        } else if self.refining && self.focused {
            if self.pacer.allowance(now) > 0 {
                return self.refine(now);
            }
        } else if self.pacer.owes_request()
            && let Some(number) = self.pacer.begin(now, true)
        {
            self.drawing = true;
            return self.draw_job(DrawJob::Ask(number));
        }
        let waits = self.dirty.is_some() || self.refining && self.focused;
        self.refines_at = Some(self.pacer.next_piece()).filter(|&at| waits && at > now);
    }

    /// Draws the text and the picture.
    fn draw(&mut self, now: Duration, cause: Cause, asks: bool) {
        self.dirty = None;
        self.fit_canvas();
        self.log_canvas();
        let mut drawn = panels::Drawn::default();
        let theme = self.theme;
        let app = &self.app;
        if self.text.draw(|frame| drawn = panels::draw(frame, app, &theme)).is_err() {
            return;
        }
        let mut text = self.text.backend_mut().take();
        let cell = self.cell();
        let placement = drawn.canvas.map(|area| Placement { area, holes: drawn.holes, cell });
        // Until a slice is loaded the one before stays: black in between would only flicker.
        if let Some(scene) = SceneParts::of(&self.app, &self.start.engine).filter(SceneParts::is_loaded) {
            self.scene = Some(Arc::new(scene));
        }
        self.small = drawn.small.zip(self.app.thumbnails.picture()).and_then(|(room, thumbnail)| {
            Small::of(&thumbnail, room, cell, self.sizer.as_ref(), self.small.take())
        });
        let before = self.picture.take();
        self.picture = Content::of(self.scene.clone().zip(placement), self.small.clone(), cell);
        // A picture that goes from where it was takes along the text in its holes.
        let stays = self.picture.as_ref().map(|(_, placement)| placement.area);
        if before.is_some_and(|(_, before)| !before.holes.is_empty() && stays != Some(before.area)) {
            text.extend(self.text_anew());
        }
        if self.trust == Trust::Lost {
            self.restored = Some(now);
        }
        let trust = std::mem::take(&mut self.trust);
        // A key's answer does not wait for more of a picture that is on its way.
        let bytes = if cause == Cause::Key && self.refining { 0 } else { self.pacer.allowance(now) };
        self.frame(now, text, trust, bytes, asks);
    }

    /// All of the text, as on an empty screen.
    fn text_anew(&mut self) -> Vec<u8> {
        let (app, theme) = (&self.app, self.theme);
        if let Ok(mut text) = text_terminal(app.screen.size)
            && text.draw(|frame| _ = panels::draw(frame, app, &theme)).is_ok()
        {
            self.text = text;
        }
        self.text.backend_mut().take()
    }

    /// Sends more of the picture.
    fn refine(&mut self, now: Duration) {
        self.frame(now, Vec::new(), Trust::Has, self.pacer.allowance(now), false);
    }

    fn frame(&mut self, now: Duration, text: Vec<u8>, trust: Trust, bytes: usize, asks: bool) {
        self.drawing = true;
        let request = self.pacer.begin(now, asks);
        self.draw_job(DrawJob::Frame(FrameJob {
            text,
            cursor: self.text.backend().cursor(),
            picture: self.picture.clone(),
            trust,
            rate: self.pacer.rate(),
            bytes,
            patience: self.pacer.patience(),
            request,
        }));
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
            self.dirty = None;
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
        let origin = [(f64::from(area.x) * cell[0]).floor(), (f64::from(area.y) * cell[1]).floor()];
        tracing::debug!(
            "canvas origin={} area={} picture={} center={} zoom={} cell={} screen={} slice={}",
            pair(origin),
            pair([area.width, area.height].map(f64::from)),
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
