//! Which filters at which scales: ilastik's feature selection matrix, and the image sizes it asks for.

use serde::{Deserialize, Serialize};

use super::filter::FILTERS;
use super::kernel::kernel_radius;
use super::scale::presmoothing_kernel;

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

/// Reach of the presmoothing kernel in sigmas, from which ilastik's size limits follow too.
pub(super) const PRESMOOTHING_WINDOW: f64 = 3.5;

/// A selection of filters and scales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureSelection {
    /// Sigma of each column, in pixels.
    pub scales: Vec<f64>,
    /// Per column: computed slice by slice (2D) even where the image has depth.
    pub compute_in_2d: Vec<bool>,
    /// Selected cells, `[row in FILTER_IDS order][column]`.
    pub selected: [Vec<bool>; 6],
    /// Input channels (from 0) that nothing is learned from. Their feature channels stay in place, as
    /// ilastik expects them, and are never split on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_channels: Vec<usize>,
}

/// A selection that can't be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScaleError {
    /// The image is too small for a scale.
    #[error("scale {scale:?} needs {needed} pixels along {axis}, the image has {available}")]
    ImageTooSmall {
        /// The scale's sigma.
        scale: f64,
        /// `x`, `y` or `z`.
        axis: char,
        /// Pixels needed.
        needed: usize,
        /// Pixels the image has.
        available: usize,
    },
    /// A scale that is no positive number.
    #[error("scale {scale:?} is not a positive number of pixels")]
    NotPositive {
        /// The scale's sigma.
        scale: f64,
    },
    /// The matrix's rows differ from the scales in length.
    #[error("the feature selection has {columns} columns in one row and {scales} scales")]
    Ragged {
        /// Number of scales.
        scales: usize,
        /// Columns of the row, or switches for 2D.
        columns: usize,
    },
}

/// Pixels that an image must have along each filtered axis for a scale: `ceil(3.5 sigma) + 1`.
pub fn required_pixels(scale: f64) -> usize {
    ((PRESMOOTHING_WINDOW * scale).ceil() as usize).saturating_add(1)
}

/// Checks that a column of scale `scale` can be computed on an image of `shape` (`zyx`); an image of one
/// slice is computed in 2D whatever is asked for.
///
/// # Errors
/// An axis with too few pixels (x first), or a scale that is not positive.
pub fn check_scale(scale: f64, in_2d: bool, shape: [usize; 3]) -> Result<(), ScaleError> {
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(ScaleError::NotPositive { scale });
    }
    let needed = required_pixels(scale);
    let [z, y, x] = shape;
    let axes = [('x', x), ('y', y), ('z', if in_2d || z == 1 { usize::MAX } else { z })];
    match axes.into_iter().find(|&(_, available)| available < needed) {
        Some((axis, available)) => Err(ScaleError::ImageTooSmall { scale, axis, needed, available }),
        None => Ok(()),
    }
}

/// Diameter in pixels of what a filter at `scale` sees in all: presmoothing, then the filter's own kernel.
pub fn kernel_diameter(scale: f64) -> usize {
    let presmoothing = presmoothing_kernel(scale).len() - 1;
    2 * (presmoothing + kernel_radius(scale.min(1.0), FILTERS[0].window_size())) + 1
}

impl FeatureSelection {
    /// ilastik's default scales with nothing selected, for images of `shape` (`zyx`).
    pub fn none(shape: [usize; 3]) -> Self {
        FeatureSelection {
            scales: DEFAULT_SCALES.to_vec(),
            compute_in_2d: vec![shape[0] == 1; DEFAULT_SCALES.len()],
            selected: std::array::from_fn(|_| vec![false; DEFAULT_SCALES.len()]),
            unused_channels: Vec::new(),
        }
    }

    /// ilastik's 37 features (all filters from 0.7, smoothing also at 0.3) without the scales that an
    /// image of `shape` (`zyx`) is too small for; with depth, those that only lack slices are left out too.
    /// Columns that only lack slices are set to 2D, so that they can be switched on.
    pub fn all_fitting(shape: [usize; 3]) -> Self {
        let mut selection = FeatureSelection::none(shape);
        for column in 0..selection.scales.len() {
            let scale = selection.scales[column];
            if check_scale(scale, selection.compute_in_2d[column], shape).is_ok() {
                for (row, filter) in selection.selected.iter_mut().zip(FILTERS) {
                    row[column] = scale >= filter.minimum_scale();
                }
            } else if check_scale(scale, true, shape).is_ok() {
                selection.compute_in_2d[column] = true;
            }
        }
        selection
    }

    /// Whether the interface offers the cell for images of `shape` (`zyx`): the filter goes down to that
    /// scale and the image is large enough for it.
    pub fn is_available(&self, row: usize, column: usize, shape: [usize; 3]) -> bool {
        self.scales[column] >= FILTERS[row].minimum_scale()
            && check_scale(self.scales[column], self.compute_in_2d[column], shape).is_ok()
    }

    /// Why selected columns can't be computed on images of `shape` (`zyx`); empty when all can.
    pub fn invalid_scales(&self, shape: [usize; 3]) -> Vec<ScaleError> {
        (0..self.scales.len())
            .filter(|&column| self.uses_scale(column))
            .filter_map(|column| check_scale(self.scales[column], self.compute_in_2d[column], shape).err())
            .collect()
    }

    /// Checks that the selection is whole and can be computed on images of `shape` (`zyx`).
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(&self, shape: [usize; 3]) -> Result<(), ScaleError> {
        let scales = self.scales.len();
        let lengths = self.selected.iter().map(Vec::len).chain([self.compute_in_2d.len()]);
        match lengths.into_iter().find(|&columns| columns != scales) {
            Some(columns) => Err(ScaleError::Ragged { scales, columns }),
            None => self.invalid_scales(shape).into_iter().next().map_or(Ok(()), Err),
        }
    }

    /// The selection as it is computed on images of `shape` (`zyx`): all in 2D where there is one slice.
    pub fn on(&self, shape: [usize; 3]) -> Self {
        let compute_in_2d = self.compute_in_2d.iter().map(|&in_2d| in_2d || shape[0] == 1).collect();
        FeatureSelection { compute_in_2d, ..self.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_ilastiks() {
        assert_eq!(DEFAULT_SCALES.map(required_pixels), [3, 4, 5, 7, 14, 19, 36]);
        assert_eq!(required_pixels(1e300), usize::MAX);
    }

    #[test]
    fn all_is_37_features_where_they_fit() {
        assert_eq!(FeatureSelection::all_fitting([1, 36, 36]).count(), 37);
        assert_eq!(FeatureSelection::all_fitting([36, 36, 36]).count(), 37);
        let too_narrow = FeatureSelection::all_fitting([1, 36, 35]);
        assert_eq!(too_narrow.count(), 31);
        assert!(!too_narrow.uses_scale(6));
        assert_eq!(FeatureSelection::all_fitting([1, 1, 1]).count(), 0);
        assert_eq!(FeatureSelection::all_fitting([9, 2, 100]).count(), 0);
    }

    #[test]
    fn scales_that_lack_slices_are_offered_in_2d_only() {
        let selection = FeatureSelection::all_fitting([20, 64, 64]);
        assert_eq!(selection.count(), 31);
        assert!(!selection.uses_scale(6));
        assert_eq!(selection.compute_in_2d, [false, false, false, false, false, false, true]);
        assert!(selection.is_available(1, 6, [20, 64, 64]));
        assert!(!selection.is_available(1, 0, [20, 64, 64]), "the Laplacian starts at 0.7");
        assert!(selection.is_available(0, 0, [20, 64, 64]));
    }

    #[test]
    fn names_the_scale_and_the_pixels_needed() {
        let mut selection = FeatureSelection::all_fitting([36, 64, 64]);
        assert_eq!(selection.check([36, 64, 64]), Ok(()));
        let errors = selection.invalid_scales([21, 18, 64]);
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "scale 5.0 needs 19 pixels along y, the image has 18",
                "scale 10.0 needs 36 pixels along y, the image has 18"
            ]
        );
        selection.scales[2] = f64::NAN;
        assert!(matches!(selection.check([64; 3]), Err(ScaleError::NotPositive { .. })));
        selection.selected[3].pop();
        assert_eq!(selection.check([64; 3]), Err(ScaleError::Ragged { scales: 7, columns: 6 }));
    }

    #[test]
    fn diameters_hold_both_kernels() {
        assert_eq!(DEFAULT_SCALES.map(kernel_diameter), [5, 7, 13, 13, 29, 39, 75]);
    }
}
