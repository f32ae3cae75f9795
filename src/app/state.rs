//! The state of the program, one part for each area.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::batch::BatchPanel;
use super::canvas::LaneView;
use super::edits::Edits;
use super::effect::Effect;
use super::event::{CanvasGeometry, Link};
use super::export::ExportPanel;
use super::features::FeatureTable;
use super::files::Files;
use super::folders::Folders;
use super::goal::GoalParts;
use super::histogram::Histogram;
use super::inspect::Inspections;
use super::jobs::{JobId, Jobs};
use super::layers::LayerStack;
use super::looking::Looking;
use super::messages::{Level, Messages, Problem};
use super::paint::PaintState;
use super::picture::PictureSeries;
use super::popups::Popup;
use super::refused::{Asked, Mending};
use super::runs::Runs;
use super::screen::Screen;
use super::slices::Slices;
use super::thumbnails::Thumbnails;
use super::training::Training;
use super::training_tools::TrainingTools;
use super::visit::Visit;
use crate::command::Keymap;
use crate::data::{LabelClass, LabelVolume, SlicePlane};
use crate::engine::LaneSource;
use crate::io::ImageInfo;
use crate::project::{Lane, Project};

/// The program. Read it freely; change it only by [`update`](super::update()).
pub struct App {
    /// The project as it is, with all edits.
    pub project: Project,
    /// The images of its lanes, in order.
    pub sources: Arc<Vec<LaneSource>>,
    /// The lane shown, from 0.
    pub lane: usize,
    /// How each lane is looked at.
    pub views: Vec<LaneView>,
    /// How the canvas is drawn.
    pub canvas: CanvasGeometry,
    /// Tool, brushes, selected label, pen.
    pub paint: PaintState,
    /// What is drawn over the image.
    pub layers: LayerStack,
    /// What the dialogs around training have found out.
    pub tools: TrainingTools,
    /// Live update, forest, progress.
    pub training: Training,
    /// Undo history, revisions, counts.
    pub edits: Edits,
    /// Pieces of the image that are loaded.
    pub slices: Slices,
    /// Histogram of the slice shown.
    pub histogram: Option<Histogram>,
    /// Saving and opening.
    pub files: Files,
    /// Applet, panels, keys typed so far.
    pub screen: Screen,
    /// Popups, the topmost last.
    pub popups: Vec<Popup>,
    /// Messages.
    pub messages: Messages,
    /// Long work in the background.
    pub jobs: Jobs,
    /// Features looked at on the canvas.
    pub looking: Looking,
    /// What the location looked at last names.
    pub(super) inspections: Inspections,
    /// Small pictures for the file browser.
    pub thumbnails: Thumbnails,
    /// What was typed for images that are being opened.
    pub(super) asked: BTreeMap<JobId, Asked>,
    /// What the dialog that adds images begins with: images that were refused.
    pub(super) mending: Option<Mending>,
    /// Where lost images were found: their numbers in the list of lost images, and paths.
    pub(super) found: Option<Vec<(usize, String)>>,
    /// What is in the folders that were looked at.
    pub folders: Folders,
    /// The cursor of the feature table.
    pub features: FeatureTable,
    /// The Export applet.
    pub export: ExportPanel,
    /// The Batch applet.
    pub batch: BatchPanel,
    /// Exports and batches under way.
    pub runs: Runs,
    /// An image that is only looked at.
    pub(super) visit: Option<Visit>,
    /// Pictures of all slices, being written.
    pub(super) series: Option<PictureSeries>,
    /// What keys do.
    pub keymap: Keymap,
    /// What was measured of the link to the terminal.
    pub link: Link,
    /// Time since the program began, as last told.
    pub now: Duration,
    pub(super) goal_parts: GoalParts,
    pub(super) outbox: Vec<Effect>,
}

impl App {
    /// The program without any image.
    pub fn new(keymap: Keymap) -> Self {
        App {
            project: empty_project(),
            sources: Arc::default(),
            lane: 0,
            views: Vec::new(),
            canvas: CanvasGeometry::default(),
            paint: PaintState::default(),
            layers: LayerStack::default(),
            tools: TrainingTools::default(),
            training: Training::default(),
            edits: Edits::default(),
            slices: Slices::default(),
            histogram: None,
            files: Files::default(),
            screen: Screen::default(),
            popups: Vec::new(),
            messages: Messages::default(),
            jobs: Jobs::default(),
            folders: Folders::default(),
            looking: Looking::default(),
            inspections: Inspections::default(),
            thumbnails: Thumbnails::default(),
            asked: BTreeMap::new(),
            mending: None,
            found: None,
            features: FeatureTable::default(),
            export: ExportPanel::default(),
            batch: BatchPanel::default(),
            runs: Runs::default(),
            visit: None,
            series: None,
            keymap,
            link: Link::default(),
            now: Duration::ZERO,
            goal_parts: GoalParts::default(),
            outbox: Vec::new(),
        }
    }

    /// Whether some image is open.
    pub fn has_image(&self) -> bool {
        !self.views.is_empty()
    }

    /// What the image shown is.
    pub fn info(&self) -> Option<&ImageInfo> {
        self.sources.get(self.lane).map(|source| source.raw.info())
    }

    /// Shape of the image shown, `tzyxc`; zeros without an image.
    pub fn shape(&self) -> [usize; 5] {
        self.info().map_or([0; 5], |info| info.shape)
    }

    /// Shape in space of the image shown, `zyx`.
    pub fn space(&self) -> [usize; 3] {
        let [_, z, y, x, _] = self.shape();
        [z, y, x]
    }

    /// The view of the lane shown.
    pub fn view(&self) -> Option<&LaneView> {
        self.views.get(self.lane)
    }

    pub(super) fn view_mut(&mut self) -> Option<&mut LaneView> {
        self.views.get_mut(self.lane)
    }

    /// The slice shown.
    pub fn plane(&self) -> Option<SlicePlane> {
        self.view().map(LaneView::plane)
    }

    /// Labels of the lane shown.
    pub fn labels(&self) -> Option<&LabelVolume> {
        self.project.lanes.get(self.lane).map(|lane: &Lane| &lane.labels)
    }

    /// The class selected for painting.
    pub fn selected_class(&self) -> Option<&LabelClass> {
        self.project.classes.get(self.paint.label - 1)
    }

    /// When the clock changes something on screen by itself; the shell then sends
    /// [`AppEvent::Time`](super::AppEvent::Time).
    pub fn next_deadline(&self) -> Option<Duration> {
        let run = self.runs.active().map(|_| Duration::from_secs(self.now.as_secs() + 1));
        let stale = self.training.stale_at().filter(|&at| at > self.now);
        [
            run,
            stale,
            self.messages.deadline(self.now),
            self.screen.which_key_at(self.now),
            self.jobs.deadline(self.now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn inform(&mut self, what: impl Into<String>) {
        self.tell(Level::Info, what, "", "");
    }

    pub(super) fn warn(&mut self, problem: Problem) {
        self.messages.push(Level::Warning, problem, self.now);
    }

    pub(super) fn tell(
        &mut self,
        level: Level,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.messages.push(level, Problem::new(what, why, remedy), self.now);
    }
}

/// A project without images, with the two labels that every project begins with.
pub fn empty_project() -> Project {
    Project::new()
}
