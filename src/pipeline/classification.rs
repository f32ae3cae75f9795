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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::s;

    use super::*;
    use crate::classify::{Node, Tree};
    use crate::data::Roi;
    use crate::features::FeatureSelection;

    const SHAPE: [usize; 3] = [1, 40, 44];

    /// Smoothing at 1.0 alone, and a forest of `classes` with one stump on it.
    fn stump(classes: &[u8], class_count: usize) -> Classification {
        let mut selection = FeatureSelection::none(SHAPE);
        selection.selected[0][2] = true;
        let shares = |class: usize| (0..classes.len()).map(|c| f64::from(u8::from(c == class))).collect();
        let nodes = vec![
            Node::Split { column: 0, threshold: 50.0, below: 1, above: 2 },
            Node::Leaf { shares: shares(0), rows: 1.0 },
            Node::Leaf { shares: shares(1), rows: 1.0 },
        ];
        let forest = Forest { trees: vec![Tree { nodes }], classes: classes.to_vec(), feature_count: 1 };
        Classification::new(FeatureBank::new(&selection, SHAPE, 1).unwrap(), &forest, class_count)
    }

    fn ramp() -> Array4<f32> {
        Array4::from_shape_fn((1, 1, 40, 44), |(_, _, y, x)| (3 * x + y) as f32)
    }

    fn predict(classification: &Classification, image: &Array4<f32>) -> Array4<f32> {
        let whole = Roi::whole(SHAPE);
        classification.probabilities(image.view(), &whole, &whole)
    }

    #[test]
    fn a_class_without_samples_has_probability_0() {
        let known = predict(&stump(&[1, 2], 2), &ramp());
        let sparse = predict(&stump(&[1, 3], 4), &ramp());
        assert_eq!(sparse.dim().0, 4);
        assert_eq!(sparse.slice(s![0, .., .., ..]), known.slice(s![0, .., .., ..]));
        assert_eq!(sparse.slice(s![2, .., .., ..]), known.slice(s![1, .., .., ..]));
        assert!(sparse.slice(s![1, .., .., ..]).iter().all(|&p| p == 0.0), "never labelled");
        assert!(sparse.slice(s![3, .., .., ..]).iter().all(|&p| p == 0.0), "labelled by nobody");
        assert!(known.iter().any(|&p| p == 1.0) && known.iter().any(|&p| p == 0.0));
    }

    #[test]
    fn a_class_that_the_project_lost_is_left_out() {
        let known = predict(&stump(&[1, 2], 2), &ramp());
        let lost = predict(&stump(&[1, 9], 2), &ramp());
        assert_eq!(lost.slice(s![0, .., .., ..]), known.slice(s![0, .., .., ..]));
        assert!(lost.slice(s![1, .., .., ..]).iter().all(|&p| p == 0.0));
    }

    #[test]
    fn nan_and_infinity_give_0_within_the_halo_and_change_nothing_beyond() {
        let classification = stump(&[1, 2], 2);
        let clean = predict(&classification, &ramp());
        let [_, reach_y, reach_x] = classification.bank.halo();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut image = ramp();
            image[[0, 0, 20, 15]] = bad;
            for ((class, _, y, x), &p) in predict(&classification, &image).indexed_iter() {
                let is_near = y.abs_diff(20) <= reach_y && x.abs_diff(15) <= reach_x;
                let expected = if is_near { 0.0 } else { clean[[class, 0, y, x]] };
                assert_eq!(p, expected, "{bad}: class {class} at {y}, {x}");
            }
        }
    }
}
