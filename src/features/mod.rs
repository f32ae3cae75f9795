//! The filter bank: what ilastik computes for each pixel, channel by channel.
//!
//! Owns filters, scales, the selection of both, channel names, halos and size limits. Pure and
//! synchronous; one call computes one block on the calling thread. Knows no files, labels or threads.

pub mod selection;

pub use selection::{FeatureSelection, ScaleError};

use ndarray::{ArrayView4, ArrayViewMut4};

use crate::data::SpatialRoi;

/// A selection made ready for images of one shape and number of channels.
#[derive(Clone, Debug)]
pub struct FeatureBank {
    selection: FeatureSelection,
    image_shape: [usize; 3],
    input_channels: usize,
}

impl FeatureBank {
    /// Prepares `selection` for images of `image_shape` (`zyx`) with `input_channels` channels.
    ///
    /// # Errors
    /// A selected scale that the image is too small for.
    pub fn new(
        selection: &FeatureSelection,
        image_shape: [usize; 3],
        input_channels: usize,
    ) -> Result<Self, ScaleError> {
        Ok(FeatureBank { selection: selection.clone(), image_shape, input_channels })
    }

    /// Number of feature channels.
    pub fn channel_count(&self) -> usize {
        self.channel_names().len()
    }

    /// ilastik's channel names, in ilastik's order.
    pub fn channel_names(&self) -> Vec<String> {
        let _ = (&self.selection, self.image_shape, self.input_channels);
        unimplemented!()
    }

    /// Pixels of context (`zyx`) that a block needs on each side, clipped at the image.
    pub fn halo(&self) -> [usize; 3] {
        unimplemented!()
    }

    /// Computes all feature channels of `roi`.
    ///
    /// `input` has axes `czyx` and covers `input_roi`, which must hold `roi` enlarged by the halo and
    /// clipped to the image. `out` has axes `channel, z, y, x` and the shape of `roi`. The result of a
    /// pixel does not depend on the block asked for, to the last bit.
    pub fn compute(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
        out: ArrayViewMut4<'_, f32>,
    ) {
        let _ = (input, input_roi, roi, out);
        unimplemented!()
    }
}
