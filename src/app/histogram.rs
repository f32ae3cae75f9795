//! The histogram of the slice shown, beside the contrast window.

use std::sync::Arc;

use ndarray::Axis as ArrayAxis;

use super::slices::SAMPLED;
use super::state::App;
use crate::data::SlicePlane;
use crate::data::volume::Sample;
use crate::engine::SliceData;
use crate::with_volume;

/// Bins, as many as the panel has columns.
pub const BINS: usize = 20;

/// What a histogram is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    lane: usize,
    plane: SlicePlane,
    channel: usize,
    /// The state of what is loaded.
    loaded: u64,
}

/// How often the values of a channel occur in the loaded parts of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    source: Source,
    /// Lowest and highest finite value.
    pub range: (f64, f64),
    /// Samples in each of [`BINS`] equal parts of the range.
    pub bins: [u32; BINS],
}

impl Histogram {
    /// Heights of the bins, 0 to 1. They grow with the logarithm of the counts: the few bright pixels of a
    /// dark image are what one wants to see.
    pub fn heights(&self) -> [f64; BINS] {
        let most = self.bins.iter().copied().max().unwrap_or(0);
        let log = |n: u32| f64::from(n).ln_1p();
        self.bins.map(|n| if most == 0 { 0.0 } else { log(n) / log(most) })
    }
}

fn count<T: Sample>(
    array: &ndarray::Array5<T>,
    channel: usize,
    step: usize,
    (low, high): (f64, f64),
    bins: &mut [u32; BINS],
) {
    let scale = BINS as f64 / (high - low).max(f64::MIN_POSITIVE);
    let plane = array.index_axis(ArrayAxis(4), channel);
    for value in plane.iter().step_by(step).map(|value| value.as_f64()).filter(|value| value.is_finite()) {
        // A constant slice is one bin in the middle.
        let bin = if high > low { ((value - low) * scale) as usize } else { BINS / 2 };
        bins[bin.min(BINS - 1)] += 1;
    }
}

fn step_of(pieces: &[&Arc<SliceData>]) -> usize {
    let pixels: usize = pieces.iter().map(|piece| piece.raw.shape()[1..4].iter().product::<usize>()).sum();
    // Odd, so that it meets all columns of images with an even width.
    pixels.div_ceil(SAMPLED / 16).max(1) | 1
}

impl App {
    /// The channel whose histogram is shown.
    pub fn histogram_channel(&self) -> usize {
        self.view().map_or(0, |view| view.display.selected)
    }

    /// Brings the histogram up to date with what is loaded and shown.
    pub(super) fn refresh_histogram(&mut self) {
        let Some(plane) = self.plane() else {
            self.histogram = None;
            return;
        };
        let source = Source {
            lane: self.lane,
            plane,
            channel: self.histogram_channel(),
            loaded: self.slices.revision(),
        };
        if self.histogram.as_ref().is_some_and(|histogram| histogram.source == source) {
            return;
        }
        let channel = source.channel;
        let pieces: Vec<_> = self.slices.of(self.lane, plane).collect();
        // Until the slice is loaded the histogram before stays.
        let Some(range) = self.slices.range(self.lane, plane, channel) else { return };
        let step = step_of(&pieces);
        let mut bins = [0; BINS];
        for piece in &pieces {
            with_volume!(&piece.raw, array => count(array, channel, step, range, &mut bins));
        }
        self.histogram = Some(Histogram { source, range, bins });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array5;

    #[test]
    fn every_finite_sample_is_counted_once() {
        let array = Array5::from_shape_fn([1, 1, 10, 10, 2], |(_, _, y, x, c)| {
            if (y, x) == (0, 0) { f32::NAN } else { (10 * y + x + c) as f32 }
        });
        let mut bins = [0; BINS];
        count(&array, 0, 1, (1.0, 99.0), &mut bins);
        assert_eq!(bins.iter().sum::<u32>(), 99);
        assert!(bins.iter().all(|&n| n > 0));
    }

    #[test]
    fn a_constant_slice_is_one_bin() {
        let mut bins = [0; BINS];
        count(&Array5::from_elem([1, 1, 4, 4, 1], 7u16), 0, 1, (7.0, 7.0), &mut bins);
        assert_eq!(bins[BINS / 2], 16);
    }
}
