//! Training on the labels of several images.

use std::sync::Arc;

use super::rows::{concatenate, rows};
use crate::classify::{self, Rows, TrainOptions, Trained};
use crate::data::task::Cancelled;
use crate::data::{CancelToken, LabelVolume};
use crate::features::{FeatureBank, FeatureSelection, ScaleError};
use crate::io::{self, ImageReader};

/// An image with its labels.
#[derive(Clone)]
pub struct TrainingLane {
    /// Number of the image in its project.
    pub index: usize,
    /// The image.
    pub reader: Arc<dyn ImageReader>,
    /// Its labels; `tzyx` shape as the image's.
    pub labels: LabelVolume,
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A selected scale that an image is too small for.
    #[error("image {} of the project: {source}", lane + 1)]
    Scale {
        /// Number of the image (from 0).
        lane: usize,
        /// Which scale.
        source: ScaleError,
    },
    /// Labels of another shape than their image.
    #[error("image {} of the project: its labels cover {labels:?} pixels (tzyx), the image has {image:?}", lane + 1)]
    Shape {
        /// Number of the image (from 0).
        lane: usize,
        /// Shape of the labels.
        labels: [usize; 4],
        /// Shape of the image.
        image: [usize; 4],
    },
    /// An image can't be read.
    #[error(transparent)]
    Image(#[from] io::Error),
    /// The forest can't be grown.
    #[error(transparent)]
    Forest(#[from] classify::TrainError),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Feature rows of all labelled pixels of `lanes`, lane after lane.
///
/// # Errors
/// A scale that does not fit, an image that can't be read, labels of another shape, or cancelled.
pub fn collect_rows(
    lanes: &[TrainingLane],
    selection: &FeatureSelection,
    cancel: &CancelToken,
) -> Result<Rows, TrainError> {
    let mut parts = Vec::new();
    let mut channels = 0;
    for lane in lanes.iter().filter(|lane| !lane.labels.is_empty()) {
        cancel.check()?;
        let [t, z, y, x, c] = lane.reader.info().shape;
        if lane.labels.shape() != [t, z, y, x] {
            return Err(TrainError::Shape {
                lane: lane.index,
                labels: lane.labels.shape(),
                image: [t, z, y, x],
            });
        }
        let bank = FeatureBank::new(selection, [z, y, x], c)
            .map_err(|source| TrainError::Scale { lane: lane.index, source })?;
        channels = bank.channel_count();
        parts.push(rows(&bank, lane.reader.as_ref(), lane.index, &lane.labels)?);
    }
    Ok(concatenate(channels, &parts))
}

/// Trains on the labels of `lanes`, in parallel on the current rayon pool.
///
/// # Errors
/// As [`collect_rows`], and labels of fewer than two classes.
pub fn train(
    lanes: &[TrainingLane],
    selection: &FeatureSelection,
    options: &TrainOptions,
    cancel: &CancelToken,
) -> Result<Trained, TrainError> {
    let rows = collect_rows(lanes, selection, cancel)?;
    Ok(classify::forest::train(&rows, options, cancel)?)
}
