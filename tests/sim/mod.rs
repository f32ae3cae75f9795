//! Drives the program's state without a terminal: keys and mouse in, labels, effects and screens out.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

pub mod training;

use std::sync::Arc;
use std::time::Duration;

use brushwood::app::folders::{FolderEntry, Listing};
use brushwood::app::thumbnails::Thumbnail;
use brushwood::app::{
    App, AppEvent, CanvasGeometry, Effect, InputEvent, JobEvent, JobOutput, JournalRecord, Layout,
    MouseInput, NewLane, Opened, update,
};
use brushwood::command::{Chord, Key, Keymap};
use brushwood::data::{Axis, AxisOrder, DType, LabelVolume, Roi, Roi5, SlicePlane, Volume};
use brushwood::engine::{self, LaneSource, SliceData};
use brushwood::io::{Error, ImageInfo, ImageReader, PixelSize};
use brushwood::project::{DatasetInfo, DatasetLocation, Lane};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};

/// An image whose samples are `x + 10 y + 100 z + 1000 c`, maybe kept in pieces of this shape.
pub struct Ramp(ImageInfo, Option<[usize; 5]>);

impl ImageReader for Ramp {
    fn info(&self) -> &ImageInfo {
        &self.0
    }

    fn pieces(&self) -> Option<[usize; 5]> {
        self.1
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        let [t, z, y, x, c] = roi.start;
        let value = |(dt, dz, dy, dx, dc): (usize, usize, usize, usize, usize)| {
            (x + dx + 10 * (y + dy) + 100 * (z + dz) + 1000 * (c + dc) + 7 * (t + dt)) as u16
        };
        Ok(ndarray::Array5::from_shape_fn(roi.shape(), value).into())
    }
}

pub fn info(shape: [usize; 5]) -> ImageInfo {
    ImageInfo {
        axes: AxisOrder::canonical(),
        shape,
        dtype: DType::U16,
        pixel_size: std::array::from_fn(|_| None),
        data_range: None,
    }
}

/// An image of `shape` (`tzyxc`) as a lane.
pub fn lane(name: &str, shape: [usize; 5]) -> NewLane {
    let [t, z, y, x, _] = shape;
    let raw = DatasetInfo {
        location: DatasetLocation::Relative(format!("{name}.tif")),
        id: name.into(),
        nickname: name.into(),
        axes: AxisOrder::canonical(),
        shape: shape.to_vec(),
        display_mode: "default".into(),
        normalize_display: None,
        data_range: None,
        content_hash: None,
    };
    NewLane {
        lane: Lane { raw, mask: None, labels: LabelVolume::new([t, z, y, x]) },
        source: LaneSource { raw: Arc::new(Ramp(info(shape), None)), mask: None },
    }
}

/// The same, kept in one piece.
pub fn lane_in_one_piece(name: &str, shape: [usize; 5]) -> NewLane {
    let raw = Arc::new(Ramp(info(shape), Some(shape)));
    NewLane { source: LaneSource { raw, mask: None }, ..lane(name, shape) }
}

/// An image with a mask, with pixels of these sizes along x in micrometres.
pub fn masked_lane(name: &str, shape: [usize; 5], sizes: [f64; 2]) -> NewLane {
    let [raw, mask] = sizes.map(|size| {
        let mut info = info(shape);
        info.pixel_size[4 - 1] = Some(PixelSize { size, unit: "µm".into() });
        Arc::new(Ramp(info, None)) as Arc<dyn ImageReader>
    });
    let mut lane = lane(name, shape);
    lane.lane.mask = Some(DatasetInfo { nickname: format!("{name}_mask"), ..lane.lane.raw.clone() });
    lane.source = LaneSource { raw, mask: Some(mask) };
    lane
}

/// A small picture of a slice of rows and columns.
pub fn made_thumbnail([rows, columns]: [usize; 2]) -> Thumbnail {
    let shape = [1, 1, rows, columns, 1];
    let region = Roi::new([0, 0, 0], [1, rows, columns]);
    let raw = Ramp(info(shape), None).read(&region.at(0, 1)).unwrap();
    let plane = SlicePlane { t: 0, axis: Axis::Z, position: 0 };
    let slice = SliceData { lane: 0, plane, region, step: 1, raw, mask: None };
    Thumbnail::new(&info(shape), region, vec![slice])
}

/// The same, shared.
pub fn thumbnail(extent: [usize; 2]) -> Arc<Thumbnail> {
    Arc::new(made_thumbnail(extent))
}

/// A new project with these images, as the shell opens it.
pub fn opened(lanes: Vec<NewLane>) -> Opened {
    let mut project = brushwood::app::state::empty_project();
    let mut sources = Vec::new();
    for lane in lanes {
        project.lanes.push(lane.lane);
        sources.push(lane.source);
    }
    Opened {
        project,
        sources,
        save_to: Some("nuclei.ilp".into()),
        journal: Vec::new(),
        journal_lanes: Vec::new(),
        lost: Vec::new(),
        changed: false,
        problems: Vec::new(),
        access: Default::default(),
    }
}

/// The program under test.
pub struct Sim {
    pub app: App,
    pub effects: Vec<Effect>,
}

impl Sim {
    /// One image of `shape` (`zyx`, one channel) on a screen of 120 x 40 cells, 8 picture pixels per image
    /// pixel or what fits.
    pub fn new(shape: [usize; 3]) -> Self {
        let [z, y, x] = shape;
        Sim::with_lanes(vec![lane("nuclei", [1, z, y, x, 1])])
    }

    pub fn with_lanes(lanes: Vec<NewLane>) -> Self {
        Sim::open(lanes, Vec::new(), Vec::new())
    }

    pub fn open(lanes: Vec<NewLane>, journal: Vec<JournalRecord>, journal_lanes: Vec<NewLane>) -> Self {
        let mut sim = Sim { app: App::new(Keymap::preset("ilastik").unwrap()), effects: Vec::new() };
        sim.event(AppEvent::Resized([120, 40]));
        sim.opened(Opened { journal, journal_lanes, ..opened(lanes) });
        sim
    }

    /// What the command line names is still being opened.
    pub fn opening() -> Self {
        let mut sim = Sim { app: App::new(Keymap::preset("ilastik").unwrap()), effects: Vec::new() };
        sim.app.files.opening = true;
        sim.event(AppEvent::Resized([120, 40]));
        sim
    }

    /// The shell has opened a project.
    pub fn opened(&mut self, opened: Opened) -> &mut Self {
        self.event(AppEvent::Opened(Ok(Box::new(opened))));
        self.fit_canvas();
        self
    }

    /// Gives the canvas 10 x 20 pixels per cell, as a terminal with pixels would.
    pub fn fit_canvas(&mut self) {
        let area = Layout::of(&self.app).canvas.unwrap_or_default();
        let picture = [usize::from(area.height) * 20, usize::from(area.width) * 10];
        self.event(AppEvent::Canvas(CanvasGeometry { area, picture, pixel_aspect: 1.0 }));
    }

    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.event(AppEvent::Resized([columns, rows]));
        self.fit_canvas();
        self
    }

    pub fn event(&mut self, event: AppEvent) -> &mut Self {
        self.effects.extend(update(&mut self.app, event));
        self
    }

    /// Presses chords as a keymap writes them, separated by spaces.
    pub fn keys(&mut self, chords: &str) -> &mut Self {
        for chord in chords.split_whitespace() {
            let chord: Chord = chord.parse().unwrap();
            self.event(AppEvent::Input(InputEvent::Key(key_event(chord))));
        }
        self
    }

    /// Types a text, letter by letter.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            self.event(AppEvent::Input(InputEvent::Key(key)));
        }
        self
    }

    /// Runs a command through the palette.
    pub fn command(&mut self, command: &str) -> &mut Self {
        self.keys("esc esc :").text(command).keys("enter")
    }

    /// Adds images as the command does, once the shell has opened them.
    pub fn lanes_opened(&mut self, lanes: Vec<NewLane>) -> &mut Self {
        self.command("lane.add somewhere");
        self.job_done(JobOutput::Lanes(lanes, Vec::new()))
    }

    /// The shell answers what is in a folder; names that end in `/` are folders.
    pub fn listing(&mut self, folder: &str, names: &[&str]) -> &mut Self {
        let entries = names.iter().map(|name| FolderEntry {
            name: name.trim_end_matches('/').into(),
            is_folder: name.ends_with('/'),
            bytes: 12_345,
        });
        let listing = Listing {
            folder: format!("/home/user/{folder}").trim_end_matches('/').into(),
            entries: entries.collect(),
        };
        self.event(AppEvent::FolderListed { folder: folder.into(), result: Ok(listing) })
    }

    /// The newest job ends.
    pub fn job_done(&mut self, output: JobOutput) -> &mut Self {
        let job = self.app.jobs.running().last().unwrap().id;
        self.event(AppEvent::Job(job, JobEvent::Done(output)))
    }

    pub fn time(&mut self, milliseconds: u64) -> &mut Self {
        self.event(AppEvent::Time(Duration::from_millis(milliseconds)))
    }

    /// A mouse event at the middle of a slice pixel (row, column), which may lie outside the slice.
    pub fn mouse(&mut self, kind: MouseEventKind, modifiers: KeyModifiers, at: [i64; 2]) -> &mut Self {
        let axis = self.app.view().unwrap().axis;
        self.mouse_along(axis, kind, modifiers, at)
    }

    /// A mouse event at the middle of a pixel (row, column) of the slice along `axis`.
    pub fn mouse_along(
        &mut self,
        axis: Axis,
        kind: MouseEventKind,
        modifiers: KeyModifiers,
        at: [i64; 2],
    ) -> &mut Self {
        let viewport = self.app.viewport_along(axis).unwrap();
        let origin = self.app.panes().into_iter().find(|(shown, _)| *shown == axis).unwrap().1.origin;
        let at = viewport.picture_at(at.map(|p| p as f64 + 0.5)).map(|p| p.floor());
        let [row, column]: [f64; 2] = std::array::from_fn(|i| at[i] + origin[i] as f64);
        let area = self.app.canvas.area;
        let cell = [
            i32::from(area.x) + (column / 10.0).floor() as i32,
            i32::from(area.y) + (row / 20.0).floor() as i32,
        ];
        self.event(AppEvent::Input(InputEvent::Mouse(MouseInput {
            kind,
            modifiers,
            cell,
            picture: Some([row, column]),
        })))
    }

    /// Presses a button at the first slice pixel, drags over the others, lets go.
    pub fn drag(&mut self, button: MouseButton, points: &[[i64; 2]]) -> &mut Self {
        self.drag_with(button, KeyModifiers::NONE, points)
    }

    pub fn drag_with(&mut self, button: MouseButton, held: KeyModifiers, points: &[[i64; 2]]) -> &mut Self {
        self.mouse(MouseEventKind::Down(button), held, points[0]);
        for &point in &points[1..] {
            self.mouse(MouseEventKind::Drag(button), held, point);
        }
        self.mouse(MouseEventKind::Up(button), held, points[points.len() - 1])
    }

    /// Clicks a cell of the screen (column, row).
    pub fn click(&mut self, column: i32, row: i32) -> &mut Self {
        self.click_with(MouseButton::Left, column, row)
    }

    /// Clicks a cell of the screen with the right button.
    pub fn right_click(&mut self, column: i32, row: i32) -> &mut Self {
        self.click_with(MouseButton::Right, column, row)
    }

    fn click_with(&mut self, button: MouseButton, column: i32, row: i32) -> &mut Self {
        for kind in [MouseEventKind::Down(button), MouseEventKind::Up(button)] {
            let mouse =
                MouseInput { kind, modifiers: KeyModifiers::NONE, cell: [column, row], picture: None };
            self.event(AppEvent::Input(InputEvent::Mouse(mouse)));
        }
        self
    }

    /// Loads all of the slice shown, as the engine would.
    pub fn load(&mut self) -> &mut Self {
        let lane = self.app.lane;
        let plane = self.app.plane().unwrap();
        let [rows, columns] = self.app.extent();
        let region = plane.region([0, rows], [0, columns]);
        let raw = Arc::clone(&self.app.sources[lane].raw);
        let roi = region.at(plane.t, self.app.shape()[4]);
        let piece = SliceData { lane, plane, region, step: 1, raw: raw.read(&roi).unwrap(), mask: None };
        self.event(AppEvent::Engine(engine::Event::SliceLoaded(Arc::new(piece))))
    }

    /// Sets the cursor to row and column of the slice.
    pub fn at(&mut self, row: usize, column: usize) -> &mut Self {
        let cursor = self.app.plane().unwrap().pixel(row, column);
        let [t, z, y, x] = cursor;
        self.command(&format!("view.go_to {x} {y} {z} {t}"))
    }

    /// The label at a pixel (`tzyx`) of the lane shown.
    pub fn label(&self, at: [usize; 4]) -> u8 {
        self.app.labels().unwrap().get(at)
    }

    /// Labels of the lane shown as rows of digits, slice after slice.
    pub fn picture(&self) -> Vec<String> {
        let labels = self.app.labels().unwrap();
        let dense = labels.read(&Roi::whole(labels.shape()));
        dense
            .rows()
            .into_iter()
            .map(|row| row.iter().map(|v| if *v == 0 { '.'.to_string() } else { v.to_string() }).collect())
            .collect()
    }

    /// The effects since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The journal records among the effects since the last call.
    pub fn take_journal(&mut self) -> Vec<JournalRecord> {
        self.take_effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Journal(record) => Some(record),
                _ => None,
            })
            .collect()
    }

    /// The newest message on one line.
    pub fn message(&self) -> String {
        self.app.messages.entries().last().map_or(String::new(), |message| message.text.line())
    }
}

/// The key event that a terminal sends for a chord.
pub fn key_event(chord: Chord) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::CONTROL, chord.ctrl);
    modifiers.set(KeyModifiers::ALT, chord.alt);
    modifiers.set(KeyModifiers::SHIFT, chord.shift);
    let code = match chord.key {
        Key::Char(c) => KeyCode::Char(c),
        Key::F(n) => KeyCode::F(n),
        Key::Up => KeyCode::Up,
        Key::Down => KeyCode::Down,
        Key::Left => KeyCode::Left,
        Key::Right => KeyCode::Right,
        Key::Home => KeyCode::Home,
        Key::End => KeyCode::End,
        Key::PageUp => KeyCode::PageUp,
        Key::PageDown => KeyCode::PageDown,
        Key::Insert => KeyCode::Insert,
        Key::Delete => KeyCode::Delete,
        Key::Backspace => KeyCode::Backspace,
        Key::Enter => KeyCode::Enter,
        Key::Tab if chord.shift => KeyCode::BackTab,
        Key::Tab => KeyCode::Tab,
        Key::Esc => KeyCode::Esc,
        mouse => panic!("{mouse:?} is no key"),
    };
    KeyEvent::new(code, modifiers)
}
