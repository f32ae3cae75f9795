//! The live driver: background threads that load what is visible, train, predict tile by tile from the
//! brush outwards, and report. The interface states a [`Goal`]; the newest goal wins.
//!
//! Knows no terminal and no keys; never touches the project.

mod driver;
mod loader;
mod lru;
mod mailbox;
mod predictor;
mod row_cache;
mod supervise;
mod thinning;
mod tiles;
mod trainer;
mod work;

pub use driver::{Engine, EngineOptions};
pub use tiles::{TILE_SIDE, Tile};
pub use trainer::{FIRST_TREES, TREE_COUNT};
pub use work::{Footprint, PipelineWork, Work, WorkError};

use std::sync::Arc;

use crate::classify::Forest;
use crate::data::revision::{ClassesRev, ForestRev, LabelsRev, SelectionRev};
use crate::data::{LabelVolume, SlicePlane, SpatialRoi, Volume};
use crate::features::FeatureSelection;
use crate::io::{ImageReader, sharing_pixel_sizes};

/// An image of the project, open.
#[derive(Clone)]
pub struct LaneSource {
    /// The image.
    pub raw: Arc<dyn ImageReader>,
    /// Its prediction mask.
    pub mask: Option<Arc<dyn ImageReader>>,
}

impl LaneSource {
    /// An image with its mask; if one of them has no pixel sizes, it gets the other's.
    pub fn new(raw: Arc<dyn ImageReader>, mask: Option<Arc<dyn ImageReader>>) -> Self {
        match mask {
            Some(mask) => {
                let (raw, mask) = sharing_pixel_sizes(raw, mask);
                LaneSource { raw, mask: Some(mask) }
            }
            None => LaneSource { raw, mask: None },
        }
    }

    /// The same image with another mask.
    pub fn with_mask(self, mask: Arc<dyn ImageReader>) -> Self {
        LaneSource::new(self.raw, Some(mask))
    }
}

/// What the interface wants the engine to work on. Cheap to clone.
#[derive(Clone)]
pub struct Goal {
    /// The images.
    pub lanes: Arc<Vec<LaneSource>>,
    /// Selected features.
    pub selection: Arc<FeatureSelection>,
    /// Its revision; a new one drops features, rows and forest.
    pub selection_rev: SelectionRev,
    /// Labels of each lane.
    pub labels: Arc<Vec<LabelVolume>>,
    /// Their revision.
    pub labels_rev: LabelsRev,
    /// Number of classes.
    pub class_count: usize,
    /// Revision of what label values stand for; a new one drops forest and predictions.
    pub classes_rev: ClassesRev,
    /// Trees of a forest, at least 1.
    pub trees: u32,
    /// Seed of training.
    pub seed: u64,
    /// Train whenever the labels are newer than the forest.
    pub live: bool,
    /// Train and predict once for these labels although `live` is off.
    pub once: Option<LabelsRev>,
    /// A forest from the project file, to predict with until a newer one is trained.
    pub stored_forest: Option<Arc<Forest>>,
    /// Whether predictions are wanted (some prediction layer is visible).
    pub predict: bool,
    /// What is on screen.
    pub view: View,
    /// Other slices of the same lane and time on screen beside it.
    pub beside: Vec<View>,
}

impl Goal {
    /// All that is on screen.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        std::iter::once(&self.view).chain(&self.beside)
    }
}

/// What is on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Lane shown.
    pub lane: usize,
    /// Slice shown.
    pub plane: SlicePlane,
    /// Visible part of it, `zyx`.
    pub region: SpatialRoi,
    /// The pixel (`zyx`) around which to work first.
    pub focus: [usize; 3],
    /// Slice pixels along an axis for which one pixel on screen stands, a power of two: what does not fit
    /// in memory may be kept as coarsely as this.
    pub step: usize,
}

/// A piece of a slice, loaded.
#[derive(Clone, Debug)]
pub struct SliceData {
    /// Lane.
    pub lane: usize,
    /// The slice it belongs to.
    pub plane: SlicePlane,
    /// The part covered, `zyx`.
    pub region: SpatialRoi,
    /// Every how many pixels along each axis, from the region's start, there is a sample.
    pub step: usize,
    /// Samples of that part, `tzyxc`.
    pub raw: Volume,
    /// The mask's samples, if the lane has a mask.
    pub mask: Option<Volume>,
}

impl SliceData {
    /// Bytes that the samples take.
    pub fn bytes(&self) -> usize {
        let of = |volume: &Volume| volume.shape().iter().product::<usize>() * volume.dtype().size();
        of(&self.raw) + self.mask.as_ref().map_or(0, of)
    }

    /// Values of all channels at the pixel `at` (`zyx`), if there is a sample of that pixel.
    pub fn values_at(&self, at: [usize; 3]) -> Option<Vec<f64>> {
        if !self.region.contains(at) {
            return None;
        }
        let from: [usize; 3] = std::array::from_fn(|i| at[i] - self.region.start[i]);
        let [z, y, x] = from.map(|p| p / self.step);
        let sampled = from.iter().all(|p| p % self.step == 0);
        let channels = self.raw.shape()[4];
        sampled.then(|| (0..channels).map(|c| self.raw.sample([0, z, y, x, c])).collect())
    }
}

/// A step of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingStage {
    /// Features of the labelled pixels are computed.
    Rows,
    /// Trees are grown.
    Trees {
        /// Those that are done.
        done: u32,
        /// All.
        total: u32,
    },
}

/// What the engine tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// A visible part of the image was loaded.
    SliceLoaded(Arc<SliceData>),
    /// A newer forest is in use.
    ForestReady {
        /// The forest; its first trees at first, then all.
        forest: Arc<Forest>,
        /// Its revision.
        revision: ForestRev,
        /// The labels it was trained on.
        trained_on: LabelsRev,
        /// Whether all trees are in.
        complete: bool,
        /// Out-of-bag error, once complete.
        oob_error: Option<f64>,
    },
    /// Newer prediction tiles can be shown; how many of the visible ones are up to date.
    TilesReady {
        /// Visible tiles predicted with the newest forest.
        done: usize,
        /// Visible tiles.
        total: usize,
    },
    /// What the trainer is at; `None` when it waits.
    Training(Option<TrainingStage>),
    /// Training can't start, in words for the user.
    NotTraining(String),
    /// Work failed, in words for the user; the worker goes on.
    Failed(String),
}
