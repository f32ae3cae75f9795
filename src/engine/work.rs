//! The heavy work that the threads hand out, as one trait, so that tests can script it. The real one
//! calls the pipeline, which the headless run calls too.

use ndarray::{Array4, ArrayView4, Axis as ArrayAxis, Zip};

use super::{Goal, LaneSource};
use crate::classify::{self, Forest, Rows, TrainError, TrainOptions, Trained};
use crate::data::{CancelToken, LabelVolume, SpatialRoi};
use crate::features::{FeatureBank, ScaleError};
use crate::io;
use crate::pipeline::{self, Classification};

/// Why a piece of work could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// A selected scale does not fit an image.
    #[error("image {}: {source}; leave that scale out or compute it in 2D", lane + 1)]
    Scale {
        /// Number of the image (from 0).
        lane: usize,
        /// Which scale.
        source: ScaleError,
    },
    /// An image can't be read.
    #[error("image {} can't be read: {source}", lane + 1)]
    Read {
        /// Number of the image (from 0).
        lane: usize,
        /// Why.
        source: io::Error,
    },
}

/// What the features of a block need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Pixels of context (`zyx`) around a block.
    pub halo: [usize; 3],
    /// Feature channels.
    pub channels: usize,
}

/// What the engine's threads do between looks at their mailboxes.
pub trait Work: Send + Sync + 'static {
    /// A filter bank and a forest made ready for one lane.
    type Prepared: Send + Sync;
    /// Rows made ready for growing trees in waves.
    type Trainer: Send + Sync;

    /// Training rows of the labels given, one entry for each of their blocks in order.
    ///
    /// # Errors
    /// A scale does not fit, or the image can't be read.
    fn rows(&self, goal: &Goal, lane: usize, labels: &LabelVolume) -> Result<Vec<Rows>, WorkError>;

    /// Makes `rows` ready for training.
    ///
    /// # Errors
    /// Too few classes, or cancelled.
    fn trainer(&self, rows: &Rows, cancel: &CancelToken) -> Result<Self::Trainer, TrainError>;

    /// Grows trees.
    ///
    /// # Errors
    /// Cancelled.
    fn grow(
        &self,
        trainer: &Self::Trainer,
        options: &TrainOptions,
        cancel: &CancelToken,
    ) -> Result<Trained, TrainError>;

    /// Makes `forest` ready for the images of `lane`.
    ///
    /// # Errors
    /// A scale does not fit.
    fn prepare(&self, goal: &Goal, lane: usize, forest: &Forest) -> Result<Self::Prepared, WorkError>;

    /// What a block's features need.
    fn footprint(&self, prepared: &Self::Prepared) -> Footprint;

    /// Features of the block `roi` at time `t`, axes `channel, z, y, x`; NaN in every channel of a pixel
    /// that can't be predicted.
    ///
    /// # Errors
    /// The image can't be read.
    fn features(
        &self,
        source: &LaneSource,
        lane: usize,
        prepared: &Self::Prepared,
        t: usize,
        roi: &SpatialRoi,
    ) -> Result<Array4<f32>, WorkError>;

    /// Probabilities (axes `class, z, y, x`) from features.
    fn predict(&self, prepared: &Self::Prepared, features: ArrayView4<'_, f32>) -> Array4<f32>;

    /// `probabilities` of the pixels `roi` at time `t`, 0 where the lane's prediction mask is 0.
    ///
    /// # Errors
    /// The mask can't be read.
    fn masked(
        &self,
        source: &LaneSource,
        lane: usize,
        t: usize,
        roi: &SpatialRoi,
        probabilities: Array4<f32>,
    ) -> Result<Array4<f32>, WorkError>;
}

/// The real work, as the headless run does it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipelineWork;

impl PipelineWork {
    fn bank(goal: &Goal, lane: usize) -> Result<FeatureBank, WorkError> {
        let [_, z, y, x, c] = goal.lanes[lane].raw.info().shape;
        FeatureBank::new(&goal.selection, [z, y, x], c).map_err(|source| WorkError::Scale { lane, source })
    }
}

impl Work for PipelineWork {
    type Prepared = Classification;
    type Trainer = classify::Trainer;

    fn rows(&self, goal: &Goal, lane: usize, labels: &LabelVolume) -> Result<Vec<Rows>, WorkError> {
        let bank = Self::bank(goal, lane)?;
        let boxes = labels.bounding_boxes();
        pipeline::rows_of_boxes(&bank, goal.lanes[lane].raw.as_ref(), lane, labels, &boxes)
            .map_err(|source| WorkError::Read { lane, source })
    }

    fn trainer(&self, rows: &Rows, cancel: &CancelToken) -> Result<classify::Trainer, TrainError> {
        classify::Trainer::new(rows, cancel)
    }

    fn grow(
        &self,
        trainer: &classify::Trainer,
        options: &TrainOptions,
        cancel: &CancelToken,
    ) -> Result<Trained, TrainError> {
        trainer.grow(options, cancel)
    }

    fn prepare(&self, goal: &Goal, lane: usize, forest: &Forest) -> Result<Classification, WorkError> {
        Ok(Classification::new(Self::bank(goal, lane)?, forest, goal.class_count))
    }

    fn footprint(&self, prepared: &Classification) -> Footprint {
        Footprint { halo: prepared.bank.halo(), channels: prepared.bank.channel_count() }
    }

    fn features(
        &self,
        source: &LaneSource,
        lane: usize,
        prepared: &Classification,
        t: usize,
        roi: &SpatialRoi,
    ) -> Result<Array4<f32>, WorkError> {
        let [_, z, y, x, channels] = source.raw.info().shape;
        let input_roi = roi.enlarge(prepared.bank.halo(), [z, y, x]);
        let volume =
            source.raw.read(&input_roi.at(t, channels)).map_err(|source| WorkError::Read { lane, source })?;
        let input = pipeline::block_input(&volume);
        let mut features = prepared.features(input.view(), &input_roi, roi);
        // A row with a NaN is predicted as 0 in every class, so the mark travels with the features.
        let [depth, rows, columns] = roi.shape();
        let mut usable = Array4::ones((prepared.class_count, depth, rows, columns));
        prepared.clear_nonfinite(input.view(), &input_roi, roi, &mut usable);
        if usable.iter().any(|&mark| mark == 0.0) {
            let usable = usable.index_axis(ArrayAxis(0), 0);
            for mut channel in features.outer_iter_mut() {
                Zip::from(&mut channel).and(&usable).for_each(|value, &mark| {
                    if mark == 0.0 {
                        *value = f32::NAN;
                    }
                });
            }
        }
        Ok(features)
    }

    fn predict(&self, prepared: &Classification, features: ArrayView4<'_, f32>) -> Array4<f32> {
        prepared.probabilities_from_features(features)
    }

    fn masked(
        &self,
        source: &LaneSource,
        lane: usize,
        t: usize,
        roi: &SpatialRoi,
        mut probabilities: Array4<f32>,
    ) -> Result<Array4<f32>, WorkError> {
        if let Some(mask) = &source.mask {
            let channels = mask.info().shape[4];
            let volume =
                mask.read(&roi.at(t, channels)).map_err(|source| WorkError::Read { lane, source })?;
            pipeline::apply_mask(probabilities.view_mut(), pipeline::mask_of(&volume).view());
        }
        Ok(probabilities)
    }
}
