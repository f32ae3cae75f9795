//! Pieces of the image that are loaded: values under the cursor, and the statistics that contrast needs.

use std::sync::Arc;

use ndarray::Axis as ArrayAxis;

use crate::data::volume::Sample;
use crate::data::{SlicePlane, Volume};
use crate::engine::SliceData;
use crate::with_volume;

/// Most bytes of pieces kept, but for the newest.
const KEPT: usize = 32 << 20;

/// Most samples looked at for a percentile.
pub(super) const SAMPLED: usize = 1 << 20;

/// Lowest and highest finite value of each channel, where there is one.
pub(super) type Ranges = Vec<Option<(f64, f64)>>;

/// The newest loaded pieces, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Slices {
    pieces: Vec<(Arc<SliceData>, Ranges)>,
    revision: u64,
}

impl Slices {
    /// Takes in a piece, with the range of each of its channels. Pieces that it covers go, and the oldest beyond
    /// a limit.
    pub(super) fn add(&mut self, piece: Arc<SliceData>, ranges: Ranges) {
        let covers = |old: &SliceData| {
            (old.lane, old.plane) == (piece.lane, piece.plane)
                && piece.step <= old.step
                && piece.region.encloses(&old.region)
        };
        self.pieces.retain(|(old, _)| !covers(old));
        self.revision += 1;
        self.pieces.insert(0, (piece, ranges));
        let mut bytes = 0;
        let fits = self.pieces.iter().take_while(|(piece, _)| {
            bytes += piece.bytes();
            bytes <= KEPT
        });
        let kept = fits.count().max(1);
        self.pieces.truncate(kept);
    }

    /// Forgets everything, as after another project was opened.
    pub fn clear(&mut self) {
        self.revision += 1;
        self.pieces.clear();
    }

    /// Counts changes.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The pieces of a slice, the newest first.
    pub fn of(&self, lane: usize, plane: SlicePlane) -> impl Iterator<Item = &Arc<SliceData>> {
        self.known(lane, plane).map(|(piece, _)| piece)
    }

    /// Lowest and highest value of a channel in the pieces of a slice.
    pub fn range(&self, lane: usize, plane: SlicePlane, channel: usize) -> Option<(f64, f64)> {
        let ranges = self.known(lane, plane).filter_map(|(_, ranges)| *ranges.get(channel)?);
        ranges.reduce(|(a, b), (low, high)| (a.min(low), b.max(high)))
    }

    fn known(&self, lane: usize, plane: SlicePlane) -> impl Iterator<Item = &(Arc<SliceData>, Ranges)> {
        self.pieces.iter().filter(move |(piece, _)| piece.lane == lane && piece.plane == plane)
    }

    /// The slice of the newest piece, for showing something until the wanted slice is loaded.
    pub fn newest(&self) -> Option<&Arc<SliceData>> {
        self.pieces.first().map(|(piece, _)| piece)
    }

    /// Values of all channels at a pixel (`tzyx`), if it is loaded.
    pub fn values_at(&self, lane: usize, [t, z, y, x]: [usize; 4]) -> Option<Vec<f64>> {
        let here = self.pieces.iter().filter(|(piece, _)| piece.lane == lane && piece.plane.t == t);
        here.filter_map(|(piece, _)| piece.values_at([z, y, x])).next()
    }
}

/// The range of every channel.
pub(super) fn ranges(raw: &Volume) -> Ranges {
    (0..raw.shape()[4]).map(|channel| extremes(raw, channel)).collect()
}

/// Lowest and highest finite value of a channel, from at most about a million samples spread evenly so
/// that large slices don't hold up the interface; `None` when there is none.
pub fn extremes(raw: &Volume, channel: usize) -> Option<(f64, f64)> {
    let [_, z, y, x, channels] = raw.shape();
    // Odd, so that it meets all columns of images with an even width.
    let step = (z * y * x).div_ceil(SAMPLED).max(1) | 1;
    if channel >= channels {
        return None;
    }
    with_volume!(raw, array => quantiles_of(array, channel, 0.0, step))
}

/// The values below and above which `cut` percent of a channel's finite samples lie.
pub fn quantiles(raw: &Volume, channel: usize, cut: f64) -> Option<(f64, f64)> {
    if channel >= raw.shape()[4] {
        return None;
    }
    with_volume!(raw, array => quantiles_of(array, channel, cut, 1))
}

fn quantiles_of<T: Sample>(
    array: &ndarray::Array5<T>,
    channel: usize,
    cut: f64,
    step: usize,
) -> Option<(f64, f64)> {
    let plane = array.index_axis(ArrayAxis(4), channel);
    let finite = plane.iter().step_by(step).map(|value| value.as_f64()).filter(|value| value.is_finite());
    if cut <= 0.0 {
        return finite.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
    }
    let mut values: Vec<f64> = finite.step_by(plane.len().div_ceil(SAMPLED).max(1)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let skip = ((last as f64 * cut / 100.0).round() as usize).min(last / 2);
    Some((values[skip], values[last - skip]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array5;

    #[test]
    fn statistics_leave_out_what_is_not_finite() {
        let mut array = Array5::<f32>::from_shape_fn([1, 1, 10, 10, 2], |(_, _, y, x, c)| {
            (y * 10 + x) as f32 + 1000.0 * c as f32
        });
        array[[0, 0, 0, 0, 0]] = f32::NAN;
        array[[0, 0, 9, 9, 0]] = f32::INFINITY;
        let volume = Volume::from(array);
        assert_eq!(extremes(&volume, 0), Some((1.0, 98.0)));
        assert_eq!(quantiles(&volume, 1, 10.0), Some((1010.0, 1089.0)));
        assert_eq!(extremes(&volume, 2), None);
    }
}
