//! Prediction of one block: filter bank, then forest, tile by tile.

use std::sync::Arc;

use ndarray::{Array4, ArrayView4};

use super::nonfinite::near_nonfinite;
use crate::classify::{self, CompiledForest, Forest, Planes, PlanesMut};
use crate::data::SpatialRoi;
use crate::features::{self, FeatureBank, Presmoothed};

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
    /// For each class column of the forest the project's class (from 0), if it still has that class.
    columns: Arc<[Option<usize>]>,
    /// Whether the forest reads a feature channel.
    needed: Arc<[bool]>,
}

impl Classification {
    /// Prepares prediction with `forest` (class columns in project order, unknown classes 0).
    pub fn new(bank: FeatureBank, forest: &Forest, class_count: usize) -> Self {
        let columns = forest
            .classes
            .iter()
            .map(|&label| usize::from(label).checked_sub(1).filter(|&class| class < class_count))
            .collect();
        let forest = Arc::new(CompiledForest::new(forest));
        let mut needed = vec![false; bank.channel_count()];
        for &column in forest.used_columns() {
            if let Some(needed) = needed.get_mut(column as usize) {
                *needed = true;
            }
        }
        Classification { bank, forest, class_count, columns, needed: needed.into() }
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
        let presmoothed = self.bank.presmooth(input, input_roi, roi);
        let mut probabilities = self.probabilities_from_presmoothed(&presmoothed, roi);
        self.clear_nonfinite(input, input_roi, roi, &mut probabilities);
        probabilities
    }

    /// The same from what was presmoothed before; the caller clears pixels near NaN and infinity.
    ///
    /// Features live in a tile's buffer only, from the filters straight to the forest.
    pub fn probabilities_from_presmoothed(&self, presmoothed: &Presmoothed, roi: &SpatialRoi) -> Array4<f32> {
        let [slices, rows, columns] = roi.shape();
        let mut out = vec![0.0; self.columns.len() * roi.len()];
        let mut scratch = classify::Scratch::default();
        let mut tile_scratch = features::Scratch::default();
        self.bank.for_each_tile(presmoothed, roi, Some(&self.needed), &mut tile_scratch, |tile, planes| {
            let [depth, height, width] = tile.shape();
            let at = tile.relative_to(roi.start).start;
            let (samples, plane_stride) = planes.samples();
            for z in 0..depth {
                let offset = ((at[0] + z) * rows + at[1]) * columns + at[2];
                self.forest.predict_tile(
                    Planes { samples: &samples[z * height * width..], plane_stride, row_stride: width },
                    [height, width],
                    &mut scratch,
                    PlanesMut {
                        samples: &mut out[offset..],
                        plane_stride: slices * rows * columns,
                        row_stride: columns,
                    },
                );
            }
        });
        let shape = (self.columns.len(), slices, rows, columns);
        self.in_project_order(Array4::from_shape_vec(shape, out).unwrap_or_default())
    }

    /// All feature channels of `roi`, axes `channel, z, y, x`; `input` as for
    /// [`Classification::probabilities`].
    pub fn features(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
    ) -> Array4<f32> {
        let [z, y, x] = roi.shape();
        let mut features = Array4::zeros((self.bank.channel_count(), z, y, x));
        self.bank.compute(input, input_roi, roi, features.view_mut());
        features
    }

    /// The same from features (axes `channel, z, y, x`) that were computed before; the caller clears
    /// pixels near NaN and infinity.
    pub fn probabilities_from_features(&self, features: ArrayView4<'_, f32>) -> Array4<f32> {
        let (_, z, y, x) = features.dim();
        let mut columns = Array4::zeros((self.columns.len(), z, y, x));
        self.forest.predict_block(features, columns.view_mut());
        self.in_project_order(columns)
    }

    /// Moves the forest's class columns (`class, z, y, x`) to their places in the project.
    fn in_project_order(&self, columns: Array4<f32>) -> Array4<f32> {
        let (_, z, y, x) = columns.dim();
        if self.columns.iter().copied().eq((0..self.class_count).map(Some)) {
            return columns;
        }
        let mut probabilities = Array4::zeros((self.class_count, z, y, x));
        for (column, class) in columns.outer_iter().zip(self.columns.iter()) {
            if let Some(class) = *class {
                probabilities.index_axis_mut(ndarray::Axis(0), class).assign(&column);
            }
        }
        probabilities
    }

    /// Sets all classes of `probabilities` (`class, z, y, x`, covering `roi`) to 0 where `input` has NaN
    /// or infinity within the halo.
    pub fn clear_nonfinite(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
        probabilities: &mut Array4<f32>,
    ) {
        if let Some(near) = near_nonfinite(input, input_roi, roi, self.bank.halo()) {
            for mut plane in probabilities.outer_iter_mut() {
                plane.zip_mut_with(&near, |p, &bad| {
                    if bad {
                        *p = 0.0;
                    }
                });
            }
        }
    }
}
