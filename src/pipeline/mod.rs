//! One block: image in, feature rows or probabilities out. Pure and synchronous; the live engine and
//! the headless batch both call it, so that what was seen is what is written.

use std::sync::Arc;

use ndarray::{Array4, ArrayView4};

use crate::classify::forest::CompiledForest;
use crate::classify::{Forest, Rows};
use crate::data::{LabelVolume, SpatialRoi};
use crate::features::FeatureBank;
use crate::io;

/// Everything needed to predict blocks of images of one shape.
#[derive(Clone, Debug)]
pub struct Classification {
    /// The filter bank.
    pub bank: FeatureBank,
    /// The forest.
    pub forest: Arc<CompiledForest>,
    /// Number of classes of the project; the probabilities' class axis has one entry for each, 0 where
    /// the forest does not know the class.
    pub class_count: usize,
}

impl Classification {
    /// Prepares prediction with `forest` (class columns in project order, unknown classes 0).
    pub fn new(bank: FeatureBank, forest: &Forest, class_count: usize) -> Self {
        let _ = (bank, forest, class_count);
        unimplemented!()
    }

    /// Probabilities of `roi`, axes `class, z, y, x`.
    ///
    /// `input` (`czyx`) covers `input_roi`, which holds `roi` enlarged by the bank's halo and clipped to
    /// the image. Pixels with NaN or infinity within the halo get 0 in every class.
    pub fn probabilities(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
    ) -> Array4<f32> {
        let _ = (input, input_roi, roi);
        unimplemented!()
    }

    /// The same from features (axes `channel, z, y, x`) that were computed before.
    pub fn probabilities_from_features(&self, features: ArrayView4<'_, f32>) -> Array4<f32> {
        let _ = features;
        unimplemented!()
    }
}

/// Argmax + 1 per pixel (`zyx`), the lowest class on ties, 0 where every probability is 0.
pub fn simple_segmentation(probabilities: ArrayView4<'_, f32>) -> ndarray::Array3<u8> {
    let _ = probabilities;
    unimplemented!()
}

/// 1 - (highest - second highest probability) per pixel (`zyx`).
pub fn uncertainty(probabilities: ArrayView4<'_, f32>) -> ndarray::Array3<f32> {
    let _ = probabilities;
    unimplemented!()
}

/// Feature rows of the labelled pixels in `region` (`tzyx`) of one lane, in the labels' fixed order.
///
/// # Errors
/// The image can't be read.
pub fn rows(
    bank: &FeatureBank,
    reader: &dyn io::ImageReader,
    lane: usize,
    labels: &LabelVolume,
) -> Result<Rows, io::Error> {
    let _ = (bank, reader, lane, labels);
    unimplemented!()
}
