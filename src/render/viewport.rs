//! Which part of a slice is on screen, and how picture pixels map to slice pixels.

use serde::{Deserialize, Serialize};

/// The visible window onto a slice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Viewport {
    /// Slice position (row, column; fractional pixels, pixel `i` spans `i..i+1`) at the picture's centre.
    pub center: [f64; 2],
    /// Picture pixels per slice pixel (rows, columns); they differ where picture pixels are not square
    /// (half-blocks, ASCII).
    pub zoom: [f64; 2],
    /// Picture size in picture pixels (rows, columns).
    pub picture: [usize; 2],
}

impl Viewport {
    /// The slice position (row, column; fractional) under the centre of picture pixel `(row, column)`.
    pub fn slice_at(&self, row: f64, column: f64) -> [f64; 2] {
        let at = [row, column];
        std::array::from_fn(|i| self.center[i] + (at[i] + 0.5 - self.picture[i] as f64 / 2.0) / self.zoom[i])
    }

    /// The picture position (fractional pixels) of a slice position.
    pub fn picture_at(&self, slice: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|i| (slice[i] - self.center[i]) * self.zoom[i] + self.picture[i] as f64 / 2.0)
    }

    /// Visible rows and columns of a slice of `extent` (half open, clipped to the slice).
    pub fn visible(&self, extent: [usize; 2]) -> [[usize; 2]; 2] {
        std::array::from_fn(|i| {
            let half = self.picture[i] as f64 / 2.0 / self.zoom[i];
            let low = (self.center[i] - half).floor().max(0.0) as usize;
            let high = (self.center[i] + half).ceil().max(0.0) as usize;
            [low.min(extent[i]), high.min(extent[i])]
        })
    }
}
