//! Fast prediction of blocks and tiles, equal to the exact walk to the last bit.

use std::sync::Arc;

use ndarray::{Array2, ArrayView4, ArrayViewMut4, Axis};

use super::forest::Forest;

/// A forest made ready for fast prediction of blocks.
#[derive(Clone, Debug)]
pub struct CompiledForest {
    forest: Arc<Forest>,
    used: Vec<u32>,
}

/// Planes of a two-dimensional tile: sample `(plane, y, x)` is
/// `samples[plane * plane_stride + y * row_stride + x]`.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// The samples.
    pub samples: &'a [f32],
    /// Samples from one plane to the next.
    pub plane_stride: usize,
    /// Samples from one row to the next.
    pub row_stride: usize,
}

/// Planes of a tile to be written, laid out as [`Planes`].
#[derive(Debug)]
pub struct PlanesMut<'a> {
    /// The samples.
    pub samples: &'a mut [f32],
    /// Samples from one plane to the next.
    pub plane_stride: usize,
    /// Samples from one row to the next.
    pub row_stride: usize,
}

/// Room for prediction, reused from tile to tile.
#[derive(Debug, Default)]
pub struct Scratch {
    rows: Array2<f32>,
}

impl CompiledForest {
    /// Prepares `forest`.
    pub fn new(forest: &Forest) -> Self {
        CompiledForest { forest: Arc::new(forest.clone()), used: forest.used_columns() }
    }

    /// Number of feature channels that [`Self::predict_block`] takes.
    pub fn feature_count(&self) -> usize {
        self.forest.feature_count
    }

    /// Label values that the class planes stand for.
    pub fn classes(&self) -> &[u8] {
        &self.forest.classes
    }

    /// The feature channels that prediction reads, ascending.
    pub fn used_columns(&self) -> &[u32] {
        &self.used
    }

    /// Class probabilities of a tile of `height` by `width` pixels: planes of `features` are feature
    /// channels, planes of `out` classes. Channels outside [`Self::used_columns`] are not read. Equal to
    /// [`Forest::predict_rows`] to the last bit.
    ///
    /// # Panics
    /// The planes don't hold the tile.
    pub fn predict_tile(
        &self,
        features: Planes<'_>,
        [height, width]: [usize; 2],
        scratch: &mut Scratch,
        out: PlanesMut<'_>,
    ) {
        if scratch.rows.dim() != (1, self.forest.feature_count) {
            scratch.rows = Array2::zeros((1, self.forest.feature_count));
        }
        for y in 0..height {
            for x in 0..width {
                for &column in &self.used {
                    scratch.rows[[0, column as usize]] = features.samples
                        [column as usize * features.plane_stride + y * features.row_stride + x];
                }
                let row = self.forest.predict_rows(scratch.rows.view());
                for (class, &p) in row.iter().enumerate() {
                    out.samples[class * out.plane_stride + y * out.row_stride + x] = p;
                }
            }
        }
    }

    /// Class probabilities of a block: `features` has axes `channel, z, y, x`, `out` axes
    /// `class, z, y, x`. Equal to [`Forest::predict_rows`] to the last bit.
    pub fn predict_block(&self, features: ArrayView4<'_, f32>, mut out: ArrayViewMut4<'_, f32>) {
        let (_, depth, height, width) = features.dim();
        let mut scratch = Scratch::default();
        for z in 0..depth {
            let slice = features.index_axis(Axis(1), z);
            let slice = slice.as_standard_layout();
            let mut result = ndarray::Array3::zeros((self.forest.classes.len(), height, width));
            if let (Some(samples), Some(written)) = (slice.as_slice(), result.as_slice_mut()) {
                self.predict_tile(
                    Planes { samples, plane_stride: height * width, row_stride: width },
                    [height, width],
                    &mut scratch,
                    PlanesMut { samples: written, plane_stride: height * width, row_stride: width },
                );
            }
            out.index_axis_mut(Axis(1), z).assign(&result);
        }
    }
}
