//! What happens to the program: input, answers of background work, the clock.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyEvent, KeyModifiers, MouseEventKind};
use ratatui::layout::Rect;

use super::folders::Listing;
use super::inspect::Inspection;
use super::jobs::{JobEvent, JobId};
use super::journal::JournalRecord;
use super::looking::FeatureRequest;
use super::lost::LostImage;
use super::messages::Problem;
use super::runs::RunEvent;
use super::thumbnails::Made;
use super::visit::{ResultPart, ResultRead, Visited};
use crate::data::Volume;
use crate::data::revision::SelectionRev;
use crate::engine::{self, LaneSource};
use crate::project::{Lane, Project, SavedFile};

/// Something that happened. The only way in which the outside reaches the state.
pub enum AppEvent {
    /// The clock: time since the program began. Sent before the events of that moment, and at
    /// [`App::next_deadline`](super::App::next_deadline).
    Time(Duration),
    /// Keys, mouse, pasted text.
    Input(InputEvent),
    /// The terminal has this size, in cells (columns, rows).
    Resized([u16; 2]),
    /// The canvas is drawn like this from now on.
    Canvas(CanvasGeometry),
    /// The engine reports.
    Engine(engine::Event),
    /// Probabilities of every class at a pixel (`tzyx`) of a lane, as far as they are known.
    Probabilities {
        /// Lane.
        lane: usize,
        /// Pixel, `tzyx`.
        at: [usize; 4],
        /// One probability per class.
        values: Vec<f32>,
    },
    /// Answer to [`Effect::Open`](super::Effect::Open), and the start of the program.
    Opened(Result<Box<Opened>, Problem>),
    /// Answer to [`Effect::Save`](super::Effect::Save).
    Saved {
        /// Where the project was to go.
        path: PathBuf,
        /// [`SaveRequest::mark`](super::effect::SaveRequest::mark) of the request.
        mark: u64,
        /// How it went.
        result: Result<(), SaveFailure>,
        /// The file that was written.
        file: Option<SavedFile>,
    },
    /// Answer to [`Effect::ListFolder`](super::Effect::ListFolder).
    FolderListed {
        /// The folder, as it was asked for.
        folder: String,
        /// What is in it, or why that can't be told.
        result: Result<Listing, String>,
    },
    /// Answer to [`Effect::Inspect`](super::Effect::Inspect).
    Inspected(Box<Inspection>),
    /// Answer to [`Effect::MakeThumbnail`](super::Effect::MakeThumbnail): the picture of a location, or why there is
    /// none; nothing when it was given up.
    ThumbnailMade(String, Option<Made>),
    /// A check or run reports; its number comes first.
    Run(u64, RunEvent),
    /// Answer to [`Effect::FindImages`](super::Effect::FindImages): what was named, and what it stands for.
    ImagesFound(String, Result<Vec<String>, String>),
    /// Answer to [`Effect::Visit`](super::Effect::Visit).
    Visited(Result<Box<Visited>, Problem>),
    /// Answer to [`Effect::ReadResult`](super::Effect::ReadResult): the part, or why there is none.
    ResultRead(ResultRead, Result<ResultPart, String>),
    /// Answer to [`Effect::Delete`](super::Effect::Delete): how many are gone, and what failed.
    Deleted(usize, Vec<String>),
    /// Answer to [`Effect::SavePicture`](super::Effect::SavePicture).
    PictureSaved {
        /// Where to.
        path: PathBuf,
        /// How it went.
        result: Result<(), SaveFailure>,
    },
    /// Answer to [`Effect::ComputeFeatures`](super::Effect::ComputeFeatures), for each slice.
    FeatureComputed(FeatureRequest, Result<Volume, Problem>),
    /// Answer to [`Effect::MeasureFeatures`](super::Effect::MeasureFeatures): the revision of the features, and
    /// the milliseconds that a megapixel takes on one core.
    FeatureCost(SelectionRev, f64),
    /// Long work in the background reports.
    Job(JobId, JobEvent),
    /// The project is at another place now; whether it can be saved there.
    Access(Access),
    /// The projects and images opened last, the newest first.
    Recent(Vec<String>),
    /// What was measured of the link to the terminal.
    Link(Link),
    /// Something to tell the user.
    Problem(Problem),
    /// A signal asked the program to end: unsaved work stays in the journal.
    Terminate,
}

/// The link to the terminal, as far as it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    /// What it carries, in bits per second.
    pub rate: Option<f64>,
    /// Shortest time from a frame to the terminal's answer.
    pub round_trip: Option<Duration>,
}

impl Link {
    /// Whether `other` would be told otherwise: a tenth more or less.
    pub fn differs(&self, other: &Link) -> bool {
        let far = |a: Option<f64>, b: Option<f64>, least: f64| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() > (a.max(b) / 10.0).max(least),
            (a, b) => a.is_some() != b.is_some(),
        };
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        far(self.rate, other.rate, 0.0) || far(seconds(self.round_trip), seconds(other.round_trip), 2e-3)
    }
}

/// Input from the terminal, in crossterm's words.
#[derive(Clone, Debug, PartialEq)]
pub enum InputEvent {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseInput),
    /// Pasted text.
    Paste(String),
}

/// A mouse event with its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MouseInput {
    /// What the mouse did.
    pub kind: MouseEventKind,
    /// Modifiers held.
    pub modifiers: KeyModifiers,
    /// Cell of the screen, column and row from 0; outside the screen it may be negative.
    pub cell: [i32; 2],
    /// Position on the canvas in picture pixels (row, column) from its top left corner, where the terminal
    /// tells pixels; outside the canvas it may be negative.
    pub picture: Option<[f64; 2]>,
}

/// How the canvas is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanvasGeometry {
    /// Cells of the screen that the picture fills.
    pub area: Rect,
    /// Size of the picture in its own pixels (rows, columns).
    pub picture: [usize; 2],
    /// Height of a picture pixel divided by its width, as seen; 1 for true pixels.
    pub pixel_aspect: f64,
}

impl Default for CanvasGeometry {
    fn default() -> Self {
        CanvasGeometry { area: Rect::ZERO, picture: [0, 0], pixel_aspect: 1.0 }
    }
}

/// A project with its images, opened.
pub struct Opened {
    /// The project; for new images one that has not been saved yet.
    pub project: Project,
    /// The images of its lanes, in order.
    pub sources: Vec<LaneSource>,
    /// Where the first save of a new project goes.
    pub save_to: Option<PathBuf>,
    /// Edits that were made after the project was last saved, read from its journal.
    pub journal: Vec<JournalRecord>,
    /// The images that the journal's [`JournalRecord::LaneAdded`] name, in order, as far as they open.
    pub journal_lanes: Vec<NewLane>,
    /// Images that were not found, or are not what was labelled; [`Opened::sources`] ends before the first.
    pub lost: Vec<LostImage>,
    /// Whether the project differs from its file, since images were found elsewhere.
    pub changed: bool,
    /// What went wrong besides.
    pub problems: Vec<Problem>,
    /// Whether it can be saved where it is.
    pub access: Access,
}

/// Whether a project can be saved where it is.
#[derive(Default)]
pub struct Access {
    /// Why not.
    pub refused: Option<String>,
    /// Where it could be saved instead.
    pub instead: Option<PathBuf>,
    /// Whether another program has it open, which keeps the journal.
    pub shared: bool,
    /// Keeps others from writing it.
    pub hold: Option<Hold>,
}

/// Lets go of something when dropped.
pub struct Hold(pub Box<dyn Send>);

/// An image to add to the project, opened.
#[derive(Clone)]
pub struct NewLane {
    /// What the project keeps of it.
    pub lane: Lane,
    /// The image.
    pub source: LaneSource,
}

/// Why a project was not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveFailure {
    /// Another file has that name, and overwriting was not asked for.
    Exists,
    /// It failed.
    Failed(Problem),
}
