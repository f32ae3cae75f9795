//! Images with label images to a project: training without painting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::feature_spec::FeatureChoice;
use super::report::TrainingReport;
use crate::classify::{Rows, TrainOptions};
use crate::data::classes::MAX_CLASSES;
use crate::data::volume::Sample;
use crate::data::{Axis, AxisOrder, BlockGrid, CancelToken, LabelClass, LabelVolume, Roi, Volume};
use crate::features::FeatureBank;
use crate::io::{self, ImageReader, OpenOptions};
use crate::pipeline::{self, TrainError, TrainingLane};
use crate::project::model::MAX_TREES;
use crate::project::{LaneError, Project};
use crate::with_volume;

/// Planes of labels that are read at once.
const READ_PIXELS: usize = 1 << 22;

/// What to train on.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// Images and their label images: 0 is unlabelled, 1, 2, … are the classes.
    pub pairs: Vec<(String, String)>,
    /// Features; `All` is what fits every image.
    pub features: FeatureChoice,
    /// Class names, from class 1 on.
    pub class_names: Vec<String>,
    /// Axes of the images.
    pub input_axes: Option<AxisOrder>,
    /// Axis along which the files of a stack follow each other.
    pub stack_along: Option<Axis>,
    /// Seed of training.
    pub seed: Option<u64>,
    /// Trees to train.
    pub tree_count: u32,
    /// Bytes for decoded images.
    pub memory: u64,
    /// Where the project will be saved, so that the images are named from there.
    pub project: PathBuf,
}

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainProblem {
    /// Numbers of images and label images differ.
    #[error(
        "{images} images but {labels} label images. Give one label image for each image, in the same order."
    )]
    Pairs {
        /// Number of images.
        images: usize,
        /// Number of label images.
        labels: usize,
    },
    /// A file can't be read.
    #[error("Can't read {0}")]
    Open(#[from] io::Error),
    /// An image does not fit the others.
    #[error(transparent)]
    Lane(#[from] LaneError),
    /// Labels of another size than their image.
    #[error(
        "'{labels}' has {found:?} pixels (tzyx), its image '{image}' {expected:?}. Use a label image of the image's size."
    )]
    Shape {
        /// The label image.
        labels: String,
        /// The image.
        image: String,
        /// Shape of the labels.
        found: [usize; 4],
        /// Shape of the image.
        expected: [usize; 4],
    },
    /// Labels in several channels, as in a coloured picture.
    #[error(
        "'{labels}' has {channels} channels; labels are one number for each pixel. Save it with a single channel."
    )]
    Channels {
        /// The label image.
        labels: String,
        /// Its channels.
        channels: usize,
    },
    /// A value that is no class.
    #[error(
        "'{labels}' holds the value {value}; labels are whole numbers from 0 (unlabelled) to {MAX_CLASSES}. Convert it."
    )]
    Value {
        /// The label image.
        labels: String,
        /// The value.
        value: f64,
    },
    /// No feature fits.
    #[error("No feature is selected, or none fits the images. Choose others with --features.")]
    NoFeatures,
    /// Training failed.
    #[error("Can't train: {0}")]
    Training(#[from] TrainError),
}

/// Rows of each class, in project order.
pub(super) fn rows_per_class(rows: &Rows, classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in &rows.labels {
        if let Some(count) = usize::from(label).checked_sub(1).and_then(|class| counts.get_mut(class)) {
            *count += 1;
        }
    }
    counts
}

/// Makes a project of images and label images and trains its classifier, in parallel on the current
/// rayon pool. The project is not saved.
///
/// # Errors
/// Files that can't be read or don't fit, labels that are none, or labels of fewer than two classes.
pub fn train_project(
    request: &TrainRequest,
    cancel: &CancelToken,
) -> Result<(Project, TrainingReport), TrainProblem> {
    let begin = Instant::now();
    let mut project = Project::new();
    project.path = Some(request.project.clone());
    let mut lanes = Vec::new();
    let mut highest = 0;
    for (image, labels) in &request.pairs {
        let options = OpenOptions {
            axes: request.input_axes.clone(),
            memory: Some(request.memory),
            stack_along: request.stack_along,
        };
        let reader = io::open(image, &options)?;
        let info = project.describe(&io::with_dataset(image), reader.info());
        let index = project.add_lane(info)?;
        let volume = read_labels(labels, image, reader.as_ref(), request)?;
        highest = highest.max(volume.iter().map(|(_, value)| value).max().unwrap_or(0));
        project.lanes[index].labels = volume.clone();
        lanes.push(TrainingLane { index, reader, labels: volume });
    }
    let classes = usize::from(highest).max(request.class_names.len()).max(2);
    project.classes = (1..=classes).map(LabelClass::numbered).collect();
    for (class, name) in project.classes.iter_mut().zip(&request.class_names) {
        class.name.clone_from(name);
    }
    if let Some(seed) = request.seed {
        project.seed = seed;
    }
    project.trees = request.tree_count.clamp(1, MAX_TREES);
    let Some(smallest) = lanes
        .iter()
        .map(|lane| lane.reader.info().shape)
        .reduce(|a, b| std::array::from_fn(|axis| a[axis].min(b[axis])))
    else {
        return Err(TrainProblem::Pairs { images: 0, labels: 0 });
    };
    let space = [smallest[1], smallest[2], smallest[3]];
    let selection = request.features.selection(space);
    if selection.count() == 0 {
        return Err(TrainProblem::NoFeatures);
    }
    let rows = pipeline::collect_rows(&lanes, &selection, cancel)?;
    let options = TrainOptions { trees: 0..project.trees, seed: project.seed };
    let trained = crate::classify::train(&rows, &options, cancel).map_err(TrainError::from)?;
    let bank = FeatureBank::new(&selection, space, smallest[4])
        .map_err(|source| TrainError::Scale { lane: 0, source })?;
    project.forest_feature_names = bank.channel_names();
    project.selection = Some(selection);
    project.oob_error = trained.oob_error();
    project.algorithm_version = Some(crate::classify::ALGORITHM_VERSION);
    let report = TrainingReport {
        rows: rows_per_class(&rows, project.classes.len()),
        features: rows.features.ncols(),
        oob_error: project.oob_error,
        seconds: begin.elapsed().as_secs_f64(),
    };
    project.forest = Some(Arc::new(trained.forest));
    // The path only named the folder; the project has no file yet.
    project.path = None;
    Ok((project, report))
}

/// Reads the label image `location` of the image `image`.
fn read_labels(
    location: &str,
    image: &str,
    reader: &dyn ImageReader,
    request: &TrainRequest,
) -> Result<LabelVolume, TrainProblem> {
    let info = reader.info();
    let expected = [info.shape[0], info.shape[1], info.shape[2], info.shape[3]];
    let open = |axes: Option<AxisOrder>| {
        let (memory, stack_along) = (Some(request.memory), request.stack_along);
        io::open(location, &OpenOptions { axes, memory, stack_along })
    };
    let size = |reader: &dyn ImageReader| {
        let shape = reader.info().shape;
        [shape[0], shape[1], shape[2], shape[3]]
    };
    let mut labels = open(None)?;
    if size(labels.as_ref()) != expected || labels.info().shape[4] != 1 {
        // A 3D label image without metadata may have been taken for one with channels.
        let own = labels.info().axes.len();
        let plain: Vec<_> = info.axes.axes().iter().copied().filter(|axis| axis.key() != 'c').collect();
        let again = AxisOrder::new(plain)
            .ok()
            .filter(|axes| axes.len() == own)
            .and_then(|axes| open(Some(axes)).ok());
        match again {
            Some(reader) if size(reader.as_ref()) == expected => labels = reader,
            _ if size(labels.as_ref()) == expected => {
                let channels = labels.info().shape[4];
                return Err(TrainProblem::Channels { labels: location.to_owned(), channels });
            }
            _ => {
                return Err(TrainProblem::Shape {
                    labels: location.to_owned(),
                    image: image.to_owned(),
                    found: size(labels.as_ref()),
                    expected,
                });
            }
        }
    }
    let [times, z, y, x] = expected;
    let rows = (READ_PIXELS / x.max(1)).max(1);
    let grid = BlockGrid::new([z, y, x], [1, rows, x]);
    let mut volume = LabelVolume::new(expected);
    for t in 0..times {
        for index in grid.touching(&Roi::whole([z, y, x])) {
            let roi = grid.block(index);
            let part = labels.read(&roi.at(t, 1))?;
            let pixels = labelled(&part)
                .map_err(|value| TrainProblem::Value { labels: location.to_owned(), value })?;
            volume.paint(pixels.into_iter().map(|([z, y, x], value)| {
                ([t, z + roi.start[0], y + roi.start[1], x + roi.start[2]], value)
            }));
        }
    }
    Ok(volume)
}

/// Labelled pixels (`zyx`) of a volume, or the first value that is no label.
fn labelled(volume: &Volume) -> Result<Vec<([usize; 3], u8)>, f64> {
    fn collect<T: Sample>(array: &ndarray::Array5<T>) -> Result<Vec<([usize; 3], u8)>, f64> {
        let mut pixels = Vec::new();
        for ((_, z, y, x, _), &value) in array.indexed_iter() {
            let value = value.as_f64();
            if value == 0.0 {
                continue;
            }
            if value < 0.0 || value.fract() != 0.0 || value > MAX_CLASSES as f64 || value.is_nan() {
                return Err(value);
            }
            pixels.push(([z, y, x], value as u8));
        }
        Ok(pixels)
    }
    with_volume!(volume, array => collect(array))
}
