//! What a project holds.
//!
//! Plain data with the invariants of a project; nothing here touches a file or opens an image.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::bookmarks::Bookmark;
use super::copies::ImageCopy;
use super::error::Warning;
use super::origin::{Origin, SavedFile};
use crate::classify::Forest;
use crate::data::{AxisOrder, DType, LabelClass, LabelVolume};
use crate::features::FeatureSelection;

/// Seed of training in a new project.
pub const DEFAULT_SEED: u64 = 1;

/// Trees of the forest in a new project, as in ilastik.
pub const DEFAULT_TREES: u32 = 100;
/// Most trees of a forest.
pub const MAX_TREES: u32 = 10_000;

/// A pixel classification project.
#[derive(Clone, Debug)]
pub struct Project {
    /// The file it was loaded from or last saved to.
    pub path: Option<PathBuf>,
    /// The images, in order.
    pub lanes: Vec<Lane>,
    /// Label classes; class `n` (from 1) is entry `n - 1`.
    pub classes: Vec<LabelClass>,
    /// Selected features; `None` in a project without any selection.
    pub selection: Option<FeatureSelection>,
    /// The classifier, if it was trained on the labels and features as they are.
    pub forest: Option<Arc<Forest>>,
    /// Feature channel names the classifier was trained with (empty when the file has none).
    pub forest_feature_names: Vec<String>,
    /// Out-of-bag error of the classifier, if trained here.
    pub oob_error: Option<f64>,
    /// Version of the training algorithm that grew the classifier, if trained here.
    pub algorithm_version: Option<u32>,
    /// Seed of training.
    pub seed: u64,
    /// Trees of the forest.
    pub trees: u32,
    /// Places worth coming back to.
    pub bookmarks: Vec<Bookmark>,
    /// How results are exported.
    pub export: ExportSettings,
    /// View state and other settings of our own, by key: opaque JSON texts kept in `/brushwood`.
    pub settings: BTreeMap<String, String>,
    /// Open images, by the names of their copies: what is copied into the project file when it is saved,
    /// where the file does not hold it yet.
    pub copies: BTreeMap<String, ImageCopy>,
    /// What the file held that could not be used.
    pub warnings: Vec<Warning>,
    /// The file that everything brushwood does not know is carried over from.
    pub(super) origin: Option<Origin>,
}

/// One image of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// The image.
    pub raw: DatasetInfo,
    /// Its prediction mask.
    pub mask: Option<DatasetInfo>,
    /// Its labels; `tzyx` shape as the image's.
    pub labels: LabelVolume,
}

/// What a dataset is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataRole {
    /// The image itself.
    RawData,
    /// Pixels that are to be predicted.
    PredictionMask,
}

impl DataRole {
    /// Both roles, in the order of ilastik's role names.
    pub const ALL: [DataRole; 2] = [DataRole::RawData, DataRole::PredictionMask];

    /// ilastik's name of the role.
    pub fn name(self) -> &'static str {
        match self {
            DataRole::RawData => "Raw Data",
            DataRole::PredictionMask => "Prediction Mask",
        }
    }
}

/// Where a dataset is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatasetLocation {
    /// A file, relative to the project's folder, maybe with an inner path (`file.h5/data`); several
    /// files of a stack joined by `:`.
    Relative(String),
    /// A file by its absolute path.
    Absolute(String),
    /// A copy inside the project file: its path in `/Input Data/local_data`.
    Internal(String),
    /// A file that is copied into the project file when that is saved.
    ToCopy {
        /// Path of the copy in `/Input Data/local_data`.
        name: String,
        /// Where the image is until then, absolute.
        from: String,
    },
    /// A location of a kind that brushwood does not read, as stored.
    Url(String),
}

/// A dataset as the project describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetInfo {
    /// Where it is.
    pub location: DatasetLocation,
    /// ilastik's id of the dataset (a UUID).
    pub id: String,
    /// Name that stands for it in the interface and in output names.
    pub nickname: String,
    /// Axes, in the order of `shape`.
    pub axes: AxisOrder,
    /// Shape in the order of `axes`; empty when the file does not say (old projects).
    pub shape: Vec<usize>,
    /// Display mode, ilastik's word.
    pub display_mode: String,
    /// Whether the display is normalized to `data_range`.
    pub normalize_display: Option<bool>,
    /// Value range for display.
    pub data_range: Option<(f64, f64)>,
    /// Hash of the image's content, so that a replaced file is noticed; kept in `/brushwood`.
    pub content_hash: Option<String>,
}

impl DatasetInfo {
    /// Shape in canonical order `tzyxc`; `None` when the project does not say.
    pub fn canonical_shape(&self) -> Option<[usize; 5]> {
        (!self.shape.is_empty()).then(|| self.axes.canonical_shape(&self.shape))
    }
}

/// Export settings, as ilastik stores them.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportSettings {
    /// Output name with placeholders.
    pub filename_format: String,
    /// ilastik's name of the format.
    pub format: String,
    /// Dataset name inside HDF5 outputs.
    pub internal_path: String,
    /// First pixel and end of the region exported, along ilastik's internal axes; `None` for the image's
    /// own bounds.
    pub region: Option<[Vec<Option<usize>>; 2]>,
    /// Ranges of values before and after renormalisation.
    pub ranges: Option<[(f64, f64); 2]>,
    /// Sample type; what is exported keeps its own when not given.
    pub dtype: Option<DType>,
    /// Axes of the files; the image's when not given.
    pub axes: Option<AxisOrder>,
}

impl Default for ExportSettings {
    fn default() -> Self {
        ExportSettings {
            filename_format: "{dataset_dir}/{nickname}_{result_type}".into(),
            format: "compressed hdf5".into(),
            internal_path: "exported_data".into(),
            region: None,
            ranges: None,
            dtype: None,
            axes: None,
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Project::new()
    }
}

impl Project {
    /// A project without images, with ilastik's two default classes.
    pub fn new() -> Self {
        Project {
            path: None,
            lanes: Vec::new(),
            classes: vec![LabelClass::numbered(1), LabelClass::numbered(2)],
            selection: None,
            forest: None,
            forest_feature_names: Vec::new(),
            oob_error: None,
            algorithm_version: None,
            seed: DEFAULT_SEED,
            trees: DEFAULT_TREES,
            bookmarks: Vec::new(),
            export: ExportSettings::default(),
            settings: BTreeMap::new(),
            copies: BTreeMap::new(),
            warnings: Vec::new(),
            origin: None,
        }
    }

    /// Forgets the classifier and what is known of it, as a change of labels, classes or features asks.
    pub fn invalidate_forest(&mut self) {
        self.forest = None;
        self.forest_feature_names.clear();
        self.oob_error = None;
        self.algorithm_version = None;
    }

    /// The file that the project was saved to or loaded from.
    pub fn saved_file(&self) -> Option<SavedFile> {
        self.origin.clone().map(SavedFile)
    }

    /// Takes note that what this project was some time ago has been saved to `file`: further saves carry
    /// over what that file holds.
    pub fn was_saved_to(&mut self, file: SavedFile) {
        let at = |path: Option<PathBuf>| Project { path, ..Project::new() };
        let (before, after) = (at(self.path.clone()), at(Some(file.0.path.clone())));
        let infos = self.lanes.iter_mut().flat_map(|lane| lane.mask.iter_mut().chain([&mut lane.raw]));
        for info in infos {
            let Some(saved) = file.0.state.dataset(&info.id) else { continue };
            let same_place = || before.locate(info).is_ok_and(|at| after.locate(saved) == Ok(at));
            let is_current = match (&info.location, &saved.location) {
                (DatasetLocation::ToCopy { name, .. }, DatasetLocation::Internal(copy)) => name != copy,
                (DatasetLocation::Absolute(_), DatasetLocation::Relative(_)) => {
                    before.path.is_some() || !same_place()
                }
                (DatasetLocation::Relative(_), _) => before.folder() == after.folder() || !same_place(),
                _ => true,
            };
            if !is_current {
                info.location = saved.location.clone();
            }
        }
        self.path = after.path;
        self.origin = Some(file.0);
    }

    /// Forgets the file that the project was loaded from: saving then writes only what brushwood
    /// knows. For a file whose other contents can't be carried over.
    pub fn detach(&mut self) {
        self.origin = None;
    }
}
