//! What the dialogs around training ask of the background and keep of its answers: label images, connected
//! annotations, variable importance, suggested features.
//!
//! Everything is kept with what it was computed for, so that a dialog can tell whether it still holds.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array4;

use super::jobs::{JobId, Work};
use super::state::App;
use crate::batch::label_image::LabelImage;
use crate::classify::Importance;
use crate::data::revision::LabelsRev;
use crate::data::{Annotation, AxisOrder, LabelVolume, SlicePlane, SpatialRoi};
use crate::engine::{LaneSource, View};
use crate::features::FeatureSelection;
use crate::io::ImageInfo;
use crate::pipeline::{Candidates, FeatureSet, SuggestionOptions, TrainingLane};

/// Work for the background.
pub enum TrainingWork {
    /// Read a label image for the image `image`.
    ReadLabels {
        /// What to read, as typed.
        key: LabelImageKey,
        /// The image that the labels are for.
        image: ImageInfo,
    },
    /// Write the labels of an image.
    WriteLabels {
        /// The labels.
        labels: LabelVolume,
        /// The image.
        image: ImageInfo,
        /// Where to.
        path: PathBuf,
        /// Whether a file that is there may be replaced.
        overwrite: bool,
    },
    /// Find the annotations of all images.
    FindAnnotations {
        /// Labels of each image.
        labels: Vec<LabelVolume>,
        /// Their revision.
        revision: LabelsRev,
    },
    /// Measure how much a forest relies on each feature.
    MeasureImportance {
        /// The images with their labels.
        lanes: Vec<TrainingLane>,
        /// The features.
        selection: FeatureSelection,
        /// Trees and seed.
        classifier: (u32, u64),
        /// Revision of the labels.
        revision: LabelsRev,
    },
    /// Suggest features.
    Suggest(Box<SuggestionRequest>),
}

/// What tells one reading of a label image from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelImageKey {
    /// The file, as typed.
    pub location: String,
    /// Its axes, if the user said so.
    pub axes: Option<AxisOrder>,
}

/// What to suggest features from.
pub struct SuggestionRequest {
    /// The images with their labels.
    pub lanes: Vec<TrainingLane>,
    /// Features selected now.
    pub current: FeatureSelection,
    /// Candidates that were computed for these labels before.
    pub candidates: Option<Arc<Candidates>>,
    /// All features that could be taken.
    pub pool: FeatureSelection,
    /// How to suggest.
    pub options: SuggestionOptions,
    /// Trees of each set's forest.
    pub trees: u32,
    /// Number of classes.
    pub class_count: usize,
    /// The image shown, and what of it.
    pub source: LaneSource,
    /// What is on screen: previews cover it.
    pub view: View,
    /// Whether to add the features selected now and all features, for comparison.
    pub with_references: bool,
    /// Revision of the labels.
    pub revision: LabelsRev,
}

impl fmt::Debug for TrainingWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrainingWork::ReadLabels { .. } => "ReadLabels",
            TrainingWork::WriteLabels { .. } => "WriteLabels",
            TrainingWork::FindAnnotations { .. } => "FindAnnotations",
            TrainingWork::MeasureImportance { .. } => "MeasureImportance",
            TrainingWork::Suggest(_) => "Suggest",
        })
    }
}

/// What comes of [`TrainingWork`].
pub enum TrainingOutput {
    /// A label image, or why it is none.
    LabelImage(LabelImageKey, Result<LabelImage, String>),
    /// The labels were written there.
    LabelsWritten(PathBuf),
    /// Annotations.
    Annotations(FoundAnnotations),
    /// Importance.
    Importance(Box<ImportanceTable>),
    /// Suggested sets.
    Suggested(Suggested),
}

/// The annotations of all images.
#[derive(Clone, Debug)]
pub struct FoundAnnotations {
    /// Revision of the labels.
    pub revision: LabelsRev,
    /// Annotations of each image.
    pub of_lane: Vec<Vec<Annotation>>,
}

/// Importance of each feature channel.
#[derive(Clone, Debug)]
pub struct ImportanceTable {
    /// Revision of the labels.
    pub revision: LabelsRev,
    /// Features it was measured for.
    pub selection: FeatureSelection,
    /// Names of the feature channels.
    pub names: Vec<String>,
    /// Label values of the classes.
    pub classes: Vec<u8>,
    /// The figures.
    pub importance: Importance,
    /// Out-of-bag error of the forest.
    pub oob_error: Option<f64>,
}

/// Suggested sets of features.
pub struct Suggested {
    /// What they were chosen from.
    pub candidates: Arc<Candidates>,
    /// Revision of the labels.
    pub revision: LabelsRev,
    /// The sets.
    pub sets: Vec<ShownSet>,
}

/// A set of features as it is compared with others.
#[derive(Clone)]
pub struct ShownSet {
    /// Where it comes from: "filter", "all features".
    pub title: String,
    /// The features and their forest.
    pub set: FeatureSet,
    /// What a megapixel costs, in milliseconds on one core.
    pub cost: f64,
    /// What it makes of the view.
    pub preview: SetPreview,
}

/// Probabilities of a part of a slice.
#[derive(Clone)]
pub struct SetPreview {
    /// Lane.
    pub lane: usize,
    /// The slice.
    pub plane: SlicePlane,
    /// The pixels, `zyx`.
    pub region: SpatialRoi,
    /// Axes `class, z, y, x`.
    pub probabilities: Arc<Array4<f32>>,
}

impl SetPreview {
    /// Whether it is a part of that slice.
    pub fn is_of(&self, lane: usize, plane: SlicePlane) -> bool {
        self.lane == lane && self.plane == plane
    }
}

/// What is kept of all that.
#[derive(Default)]
pub struct TrainingTools {
    /// The label image read last, or why it is none.
    pub label_image: Option<(LabelImageKey, Result<Arc<LabelImage>, String>)>,
    /// The annotations found last.
    pub annotations: Option<FoundAnnotations>,
    /// The importance measured last.
    pub importance: Option<ImportanceTable>,
    /// The candidates of the suggestions and the revision of their labels.
    pub candidates: Option<(LabelsRev, Arc<Candidates>)>,
    /// Sets of features to choose from.
    pub sets: Vec<ShownSet>,
    /// Labels of a lane as they would be, while a dialog shows them.
    pub label_preview: Option<(usize, LabelVolume)>,
    /// What a set of features makes of the view, while a dialog shows it.
    pub set_preview: Option<SetPreview>,
    pub(super) job: Option<JobId>,
}

impl App {
    /// The labels drawn on the canvas: those of the lane shown, or what a dialog would make of them.
    pub fn drawn_labels(&self) -> Option<&LabelVolume> {
        match &self.tools.label_preview {
            Some((lane, labels)) if *lane == self.lane => Some(labels),
            _ => self.labels(),
        }
    }

    /// Images with their labels, as far as the images are open.
    pub(super) fn training_lanes(&self) -> Vec<TrainingLane> {
        let lanes = self.sources.iter().zip(&self.project.lanes).enumerate();
        lanes
            .map(|(index, (source, lane))| TrainingLane {
                index,
                reader: Arc::clone(&source.raw),
                labels: lane.labels.clone(),
            })
            .collect()
    }

    /// Starts work for a dialog, unless such work still runs.
    pub(super) fn start_training_work(&mut self, title: impl Into<String>, work: TrainingWork) -> bool {
        if self.training_job().is_some() {
            return false;
        }
        self.tools.job = Some(self.start_job(title, Work::Training(Box::new(work))));
        true
    }

    /// The work that runs for a dialog, on one line.
    pub(super) fn training_job(&self) -> Option<String> {
        self.tools.job.and_then(|id| self.jobs.get(id)).map(|job| job.line(self.now))
    }

    /// Tells the work that runs for a dialog to stop.
    pub(super) fn cancel_training_work(&mut self) {
        if let Some(id) = self.tools.job {
            self.cancel_job_of(id);
        }
    }

    pub(super) fn training_work_done(&mut self, output: TrainingOutput) {
        match output {
            TrainingOutput::LabelImage(key, result) => {
                self.tools.label_image = Some((key, result.map(Arc::new)));
            }
            TrainingOutput::LabelsWritten(path) => {
                self.inform(format!("Labels written to {}", path.display()))
            }
            TrainingOutput::Annotations(found) => self.tools.annotations = Some(found),
            TrainingOutput::Importance(table) => self.tools.importance = Some(*table),
            TrainingOutput::Suggested(suggested) => {
                self.tools.candidates = Some((suggested.revision, suggested.candidates));
                self.tools.sets.extend(suggested.sets);
            }
        }
    }
}
