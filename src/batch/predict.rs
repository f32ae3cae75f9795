//! One image: blocks computed in parallel, written in file order.
//!
//! Workers take blocks from a [`Gate`]; the calling thread puts finished blocks in order and writes
//! them, so that writing and computing overlap and the number of blocks in memory is bounded. Workers
//! are threads, not rayon tasks: they wait for the writer, and a rayon thread that decodes in parallel
//! meanwhile could pick up another worker and wait for itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ndarray::{Array3, Array4, ArrayView4, Axis as ArrayAxis, s};

use super::blocks::{Blocks, Short};
use super::convert::{Renormalization, convert};
use super::gate::Gate;
use crate::data::task::Cancelled;
use crate::data::volume::Sample;
use crate::data::{BlockGrid, CancelToken, DType, LabelVolume, Roi, Roi5, SpatialRoi, Volume};
use crate::features::{FeatureBank, Presmoothed, Scratch};
use crate::io::{self, ImageReader, ImageWriter};
use crate::pipeline::{
    Classification, ExportSource, apply_mask, block_input, mask_of, simple_segmentation, uncertainty,
};

/// Most pixels that are predicted between two looks at the cancel token.
const SLAB_PIXELS: usize = 1 << 16;
/// How often the writing thread looks at the cancel token while it waits.
const PATIENCE: Duration = Duration::from_millis(50);

/// What is computed from.
pub struct ImageJob<'a> {
    /// The image.
    pub raw: Arc<dyn ImageReader>,
    /// Its prediction mask.
    pub mask: Option<Arc<dyn ImageReader>>,
    /// Its labels, for the source [`ExportSource::Labels`].
    pub labels: Option<&'a LabelVolume>,
    /// The filter bank, for all sources but labels.
    pub bank: Option<&'a FeatureBank>,
    /// The forest, for all sources but labels and features.
    pub classification: Option<&'a Classification>,
    /// The time points and the region (`tzyx`) to compute.
    pub region: Roi<4>,
}

/// Where one export source goes.
pub struct Sink {
    /// What is written.
    pub source: ExportSource,
    /// The channels of it that are written.
    pub channels: std::ops::Range<usize>,
    /// Map of values before conversion.
    pub renormalization: Option<Renormalization>,
    /// Sample type written.
    pub dtype: DType,
    /// The file.
    pub writer: Box<dyn ImageWriter>,
    /// Files that are not replaced should they appear while it is written.
    pub kept: Vec<PathBuf>,
}

/// How much to use.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    /// Blocks computed at once.
    pub threads: usize,
    /// Bytes for blocks in flight.
    pub memory: u64,
    /// Block size (`zyx`) to use instead of the one that suits image and memory.
    pub block: Option<[usize; 3]>,
}

/// How far an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many pixels are written.
    Written(u64),
    /// It is given up: its unfinished files are gone, while blocks that are being computed come to their ends.
    GivenUp,
}

/// Why an image was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file that was not there when the run was planned.
    #[error("'{}' has appeared meanwhile and is kept", .0.display())]
    Appeared(PathBuf),
    /// Not even the smallest blocks fit into the memory allowed.
    #[error("{0}")]
    Memory(#[from] Short),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What a thread keeps between blocks: fresh memory takes time to get, and comes back in pieces.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    presmoothed: Presmoothed,
}

/// A block computed: one volume for each sink.
type Computed = Result<Vec<Volume>, PredictError>;

/// Computes `job` block by block on `resources.threads` threads and writes every sink in one pass; the sinks
/// are finished when all is written. `advanced` is told how far it is.
///
/// # Errors
/// Reading or writing fails, or cancelled; the sinks are dropped and leave nothing behind.
pub fn predict_image(
    job: &ImageJob<'_>,
    sinks: Vec<Sink>,
    resources: Resources,
    cancel: &CancelToken,
    advanced: &mut dyn FnMut(Step),
) -> Result<(), PredictError> {
    let blocks = Blocks::of(job, &sinks, resources)?;
    let gate = Gate::new(blocks.len(), blocks.in_flight);
    let recipes: Vec<Recipe> = sinks.iter().map(Recipe::of).collect();
    let kept: Vec<PathBuf> = sinks.iter().flat_map(|sink| sink.kept.iter().cloned()).collect();
    let mut writers: Vec<_> = sinks.into_iter().map(|sink| blocks.suited(sink)).collect();
    let (sender, receiver) = mpsc::channel::<(usize, Computed)>();
    let written = thread::scope(|scope| {
        for _ in 0..blocks.workers {
            let (sender, gate, blocks, recipes) = (sender.clone(), &gate, &blocks, &recipes);
            scope.spawn(move || {
                let mut buffers = Buffers::default();
                while let Some(index) = gate.take() {
                    let computed = compute(job, recipes, blocks.at(index), &mut buffers, cancel);
                    if sender.send((index, computed)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let result = write_in_order(&receiver, &gate, &blocks, &mut writers, cancel, advanced);
        gate.stop();
        if result.is_err() {
            // Removes the unfinished files at once, while the workers still come to their ends.
            writers.clear();
            advanced(Step::GivenUp);
        }
        result
    });
    written?;
    if let Some(appeared) = kept.into_iter().find(|path| path.exists()) {
        return Err(PredictError::Appeared(appeared));
    }
    writers.into_iter().try_for_each(ImageWriter::finish)?;
    Ok(())
}

fn write_in_order(
    receiver: &mpsc::Receiver<(usize, Computed)>,
    gate: &Gate,
    blocks: &Blocks,
    writers: &mut [Box<dyn ImageWriter>],
    cancel: &CancelToken,
    advanced: &mut dyn FnMut(Step),
) -> Result<(), PredictError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut pixels = 0;
    while next < blocks.len() {
        cancel.check()?;
        match receiver.recv_timeout(PATIENCE) {
            Ok((index, computed)) => early.insert(index, computed),
            Err(RecvTimeoutError::Timeout) => continue,
            // Every worker has gone: only a panic in one of them gets here, and the scope passes it on.
            Err(RecvTimeoutError::Disconnected) => return Err(Cancelled.into()),
        };
        while let Some(computed) = early.remove(&next) {
            cancel.check()?;
            let (t, roi) = blocks.at(next);
            let start = blocks.output_start(t, &roi);
            for (writer, volume) in writers.iter_mut().zip(computed?) {
                writer.write(start, &volume)?;
            }
            pixels += roi.len() as u64;
            advanced(Step::Written(pixels));
            gate.advance();
            next += 1;
        }
    }
    Ok(cancel.check()?)
}

/// What workers need to know of a sink.
struct Recipe {
    source: ExportSource,
    channels: std::ops::Range<usize>,
    renormalization: Option<Renormalization>,
    dtype: DType,
}

impl Recipe {
    fn of(sink: &Sink) -> Self {
        Recipe {
            source: sink.source,
            channels: sink.channels.clone(),
            renormalization: sink.renormalization,
            dtype: sink.dtype,
        }
    }

    fn finish(&self, volume: Volume) -> Volume {
        convert(volume, self.renormalization, self.dtype)
    }

    fn finish_channels(&self, planes: ArrayView4<'_, f32>) -> Volume {
        self.finish(volume_of(planes.slice(s![self.channels.clone(), .., .., ..])))
    }
}

/// Planes (`channel, z, y, x`) as a volume, `tzyxc`.
fn volume_of<T: Sample>(planes: ArrayView4<'_, T>) -> Volume {
    let volume = planes.permuted_axes([1, 2, 3, 0]).insert_axis(ArrayAxis(0));
    T::volume(volume.as_standard_layout().into_owned())
}

fn single_channel<T: Sample>(plane: Array3<T>) -> Volume {
    T::volume(plane.insert_axis(ArrayAxis(0)).insert_axis(ArrayAxis(4)))
}

/// Computes every recipe on the block `roi` at time `t`.
fn compute(
    job: &ImageJob<'_>,
    recipes: &[Recipe],
    (t, roi): (usize, SpatialRoi),
    buffers: &mut Buffers,
    cancel: &CancelToken,
) -> Computed {
    cancel.check()?;
    let predicted = predict(job, recipes, (t, &roi), buffers, cancel)?;
    let labels = || match job.labels {
        Some(labels) => labels.read(&Roi::new(
            [t, roi.start[0], roi.start[1], roi.start[2]],
            [t + 1, roi.stop[0], roi.stop[1], roi.stop[2]],
        )),
        None => Array4::zeros((1, roi.shape()[0], roi.shape()[1], roi.shape()[2])),
    };
    Ok(recipes
        .iter()
        .map(|recipe| match recipe.source {
            ExportSource::Probabilities => recipe.finish_channels(predicted.probabilities.view()),
            ExportSource::SimpleSegmentation => {
                recipe.finish(single_channel(simple_segmentation(predicted.probabilities.view())))
            }
            ExportSource::Uncertainty => {
                recipe.finish(single_channel(uncertainty(predicted.probabilities.view())))
            }
            ExportSource::Features => recipe.finish_channels(predicted.features.view()),
            ExportSource::Labels => recipe.finish(Volume::U8(labels().insert_axis(ArrayAxis(4)))),
        })
        .collect())
}

/// Features and probabilities of a block (`channel, z, y, x`), empty where no recipe asks for them.
#[derive(Default)]
struct Predicted {
    features: Array4<f32>,
    probabilities: Array4<f32>,
}

fn predict(
    job: &ImageJob<'_>,
    recipes: &[Recipe],
    (t, roi): (usize, &SpatialRoi),
    Buffers { scratch, presmoothed }: &mut Buffers,
    cancel: &CancelToken,
) -> Result<Predicted, PredictError> {
    let wants_features = recipes.iter().any(|recipe| recipe.source == ExportSource::Features);
    let classification =
        job.classification.filter(|_| recipes.iter().any(|recipe| recipe.source.needs_forest()));
    let [z, y, x] = roi.shape();
    let mut predicted = Predicted::default();
    let Some(bank) = job.bank.filter(|_| wants_features || classification.is_some()) else {
        return Ok(predicted);
    };
    let mask = match (&job.mask, classification) {
        (Some(mask), Some(_)) => {
            let channels = mask.info().shape[4];
            Some(mask_of(&mask.read(&roi.at(t, channels))?))
        }
        _ => None,
    };
    let is_masked_out = mask.as_ref().is_some_and(|mask| !mask.iter().any(|&keep| keep));
    if let (Some(classification), true, false) = (classification, is_masked_out, wants_features) {
        predicted.probabilities = Array4::zeros((classification.class_count, z, y, x));
        return Ok(predicted);
    }
    let [_, depth, height, width, channels] = job.raw.info().shape;
    let input_roi = roi.enlarge(bank.halo(), [depth, height, width]);
    let input_box: Roi5 = input_roi.at(t, channels);
    let input = block_input(&job.raw.read(&input_box)?);
    if wants_features {
        predicted.features = Array4::zeros((bank.channel_count(), z, y, x));
        bank.compute(input.view(), &input_roi, roi, predicted.features.view_mut());
        cancel.check()?;
    }
    if let Some(classification) = classification {
        let mut probabilities = if wants_features {
            classification.probabilities_from_features(predicted.features.view())
        } else {
            cancel.check()?;
            bank.presmooth_into(input.view(), &input_roi, roi, scratch, presmoothed);
            let mut probabilities = Array4::zeros((classification.class_count, z, y, x));
            for slab in slabs(roi) {
                cancel.check()?;
                let part = classification.probabilities_from_presmoothed(presmoothed, &slab);
                let at = slab.relative_to(roi.start);
                let [z, y, x] = [0, 1, 2].map(|i| at.start[i]..at.stop[i]);
                probabilities.slice_mut(s![.., z, y, x]).assign(&part);
            }
            probabilities
        };
        classification.clear_nonfinite(input.view(), &input_roi, roi, &mut probabilities);
        if let Some(mask) = &mask {
            apply_mask(probabilities.view_mut(), mask.view());
        }
        predicted.probabilities = probabilities;
    }
    Ok(predicted)
}

/// `roi` in parts of at most [`SLAB_PIXELS`] where it can be cut, in steps that suit the bank's tiles.
fn slabs(roi: &SpatialRoi) -> Vec<SpatialRoi> {
    const STEP: [usize; 3] = [16, 192, 192];
    let [z, y, x] = roi.shape();
    let mut block = [z, y, x];
    for axis in 0..3 {
        if block.iter().product::<usize>() > SLAB_PIXELS {
            block[axis] = block[axis].min(STEP[axis]);
        }
    }
    let grid = BlockGrid::new([z, y, x], block);
    let shifted = |at: [usize; 3]| std::array::from_fn(|i| at[i] + roi.start[i]);
    grid.touching(&Roi::whole([z, y, x]))
        .into_iter()
        .map(|index| grid.block(index))
        .map(|part| Roi::new(shifted(part.start), shifted(part.stop)))
        .collect()
}
