//! Which filters at which scales: ilastik's feature selection matrix.

use serde::{Deserialize, Serialize};

/// Ids of the filters in the order of the selection matrix's rows, as stored in project files.
pub const FILTER_IDS: [&str; 6] = [
    "GaussianSmoothing",
    "LaplacianOfGaussian",
    "GaussianGradientMagnitude",
    "DifferenceOfGaussians",
    "StructureTensorEigenvalues",
    "HessianOfGaussianEigenvalues",
];

/// ilastik's default scales.
pub const DEFAULT_SCALES: [f64; 7] = [0.3, 0.7, 1.0, 1.6, 3.5, 5.0, 10.0];

/// A selection of filters and scales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureSelection {
    /// Sigma of each column, in pixels.
    pub scales: Vec<f64>,
    /// Per column: computed slice by slice (2D) even where the image has depth.
    pub compute_in_2d: Vec<bool>,
    /// Selected cells, `[row in FILTER_IDS order][column]`.
    pub selected: [Vec<bool>; 6],
}

/// A scale that an image is too small for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("scale {scale} needs {needed} pixels along {axis}, the image has {available}")]
pub struct ScaleError {
    /// The scale's sigma.
    pub scale: f64,
    /// `x`, `y` or `z`.
    pub axis: char,
    /// Pixels needed.
    pub needed: usize,
    /// Pixels the image has.
    pub available: usize,
}

impl FeatureSelection {
    /// ilastik's default scales with nothing selected, for images of `shape` (`zyx`).
    pub fn none(shape: [usize; 3]) -> Self {
        FeatureSelection {
            scales: DEFAULT_SCALES.to_vec(),
            compute_in_2d: vec![shape[0] == 1; DEFAULT_SCALES.len()],
            selected: std::array::from_fn(|_| vec![false; DEFAULT_SCALES.len()]),
        }
    }

    /// ilastik's 37 features (all filters from 0.7, smoothing also at 0.3), leaving out the scales that
    /// an image of `shape` (`zyx`) is too small for: in 2D, for an image with depth that is only too
    /// shallow, see the design.
    pub fn all_fitting(shape: [usize; 3]) -> Self {
        let _ = shape;
        unimplemented!()
    }

    /// Number of selected cells.
    pub fn count(&self) -> usize {
        self.selected.iter().flatten().filter(|&&on| on).count()
    }

    /// Whether any filter is selected at column `column`.
    pub fn uses_scale(&self, column: usize) -> bool {
        self.selected.iter().any(|row| row[column])
    }
}
