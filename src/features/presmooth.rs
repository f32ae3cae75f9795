//! Presmoothing: the image smoothed once per scale, on which all filters of that scale run.
//!
//! This is the part that reaches far; what comes after needs three pixels of context at most. Planes hold
//! a margin in x, mirrored at the image's border, so that filters along x need no special cases.

use ndarray::ArrayView3;

use super::kernel::MAX_TAPS_RADIUS;
use super::passes::{Rows, smooth};
use super::scale::ScalePlan;
use super::simd::{InstructionSet, LANES, whole_vectors};
use crate::data::SpatialRoi;

/// Columns smoothed at a time: their rows stay in the first-level cache for the pass along y or z.
const STRIP: usize = 64;

/// Most pixels that filters reach on a presmoothed image: the structure tensor's two kernels.
const MARGIN: usize = MAX_TAPS_RADIUS + 1;

/// The presmoothed planes of one region of an image, all scales and input channels.
///
/// Features of any part of the region follow from it. It takes 4 bytes per pixel, scale and channel;
/// worth caching in 2D, where presmoothing is about half of the work, and for what is visible in 3D.
#[derive(Clone, Debug)]
pub struct Presmoothed {
    pub(super) roi: SpatialRoi,
    /// `[scale plan][input channel]`.
    pub(super) planes: Vec<Vec<Plane>>,
}

impl Presmoothed {
    /// The region whose features follow from these planes.
    pub fn roi(&self) -> &SpatialRoi {
        &self.roi
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.planes.iter().flatten().map(|plane| plane.data.len() * size_of::<f32>()).sum()
    }
}

/// One channel at one scale.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) data: Vec<f32>,
    /// First slice and row held.
    first: [usize; 2],
    /// Column of the image at which rows start, `MARGIN` before the region.
    left: isize,
    rows: usize,
    pub(super) stride: usize,
}

impl Plane {
    /// Where the pixel `z`, `y`, `x` is; `x` may lie up to `MARGIN` outside of the region.
    pub(super) fn offset(&self, z: usize, y: usize, x: isize) -> usize {
        let row = (z - self.first[0]) * self.rows + (y - self.first[1]);
        row * self.stride + (x - self.left) as usize
    }
}

/// Position `at`, counted from `start` on and possibly negative, mirrored into `0..len` without repeating
/// the edge. Valid up to `len - 1` outside.
pub(super) fn mirror(at: isize, len: usize) -> usize {
    let last = len as isize - 1;
    let at = if at < 0 { -at } else { at };
    (if at > last { 2 * last - at } else { at }) as usize
}

/// What presmoothing one channel works on.
pub(super) struct Source<'a> {
    /// Samples (`zyx`) of `input_roi`.
    pub(super) input: ArrayView3<'a, f32>,
    pub(super) input_roi: &'a SpatialRoi,
    pub(super) image_shape: [usize; 3],
}

/// The channel with mirrored margins in x.
struct Padded {
    data: Vec<f32>,
    roi: SpatialRoi,
    margin: usize,
    stride: usize,
}

impl Padded {
    /// Copies what lies within `margins` (`zyx`) of `roi`.
    fn new(source: &Source<'_>, roi: &SpatialRoi, margins: [usize; 3]) -> Self {
        let [_, _, width] = source.image_shape;
        let margin = margins[2];
        let rows = roi.enlarge([margins[0], margins[1], 0], source.image_shape);
        let [slices, lines, columns] = rows.shape();
        let stride = columns + 2 * margin;
        let mut data = vec![0.0; slices * lines * stride + LANES];
        let first = rows.start[2] as isize - margin as isize;
        let origin = source.input_roi.start;
        let inner = roi.enlarge([0, 0, margin], source.image_shape);
        for (z, slice) in (rows.start[0]..rows.stop[0]).zip(data.chunks_mut((lines * stride).max(1))) {
            for (y, to) in (rows.start[1]..rows.stop[1]).zip(slice.chunks_exact_mut(stride.max(1))) {
                let line = source.input.slice(ndarray::s![z - origin[0], y - origin[1], ..]);
                let from = inner.start[2] - origin[2]..inner.stop[2] - origin[2];
                let at = (inner.start[2] as isize - first) as usize;
                for (to, from) in to[at..].iter_mut().zip(line.slice(ndarray::s![from])) {
                    *to = *from;
                }
                for (i, x) in (0..stride).zip(first..) {
                    if x < 0 || x >= width as isize {
                        to[i] = to[(mirror(x, width) as isize - first) as usize];
                    }
                }
            }
        }
        Padded { data, roi: rows, margin, stride }
    }

    fn offset(&self, z: usize, y: usize, x: usize) -> usize {
        let [_, lines, _] = self.roi.shape();
        let row = (z - self.roi.start[0]) * lines + (y - self.roi.start[1]);
        row * self.stride + x - self.roi.start[2] + self.margin
    }
}

/// Presmooths one channel of `roi` for each of `plans`.
pub(super) fn presmooth(
    set: InstructionSet,
    plans: &[ScalePlan],
    source: &Source<'_>,
    roi: &SpatialRoi,
) -> Vec<Plane> {
    let reach = |axis: usize| {
        plans.iter().map(|plan| plan.presmoothing_halo()[axis] + plan.filter_halo()[axis]).max().unwrap_or(0)
    };
    let padded = Padded::new(source, roi, [reach(0), reach(1), reach(2)]);
    plans.iter().map(|plan| presmooth_scale(set, plan, &padded, roi, source.image_shape)).collect()
}

fn presmooth_scale(
    set: InstructionSet,
    plan: &ScalePlan,
    padded: &Padded,
    roi: &SpatialRoi,
    image_shape: [usize; 3],
) -> Plane {
    let region = roi.enlarge(plan.filter_halo(), image_shape);
    let [slices, rows, columns] = region.shape();
    let stride = whole_vectors(roi.shape()[2] + 2 * MARGIN + LANES);
    let mut plane = Plane {
        data: vec![0.0; slices * rows * stride + 2 * LANES],
        first: [region.start[0], region.start[1]],
        left: roi.start[2] as isize - MARGIN as isize,
        rows,
        stride,
    };
    let at = (region.start[2] as isize - plane.left) as usize;
    let smooth_slice = |z: usize, out: &mut [f32]| {
        smooth_in_plane(set, &plan.presmoothing, padded, z, &region, image_shape[1], &mut out[at..], stride);
    };
    let [reach, ..] = plan.presmoothing_halo();
    if reach == 0 {
        for (z, out) in (region.start[0]..region.stop[0]).zip(0..) {
            smooth_slice(z, &mut plane.data[out * rows * stride..]);
        }
    }
    if reach > 0 {
        // An odd multiple of a cache line keeps the slices of a pass along z out of each other's way.
        let step = (rows * stride / 16 | 1) * 16 + 16;
        let mut stack = vec![0.0; (slices + 2 * reach) * step + 2 * LANES];
        let first = region.start[0] as isize - reach as isize;
        let inside = |z: isize| z >= 0 && z < image_shape[0] as isize;
        for (i, z) in (0..slices + 2 * reach).zip(first..).filter(|&(_, z)| inside(z)) {
            smooth_slice(z as usize, &mut stack[i * step..]);
        }
        for (i, z) in (0..slices + 2 * reach).zip(first..).filter(|&(_, z)| !inside(z)) {
            let from = (mirror(z, image_shape[0]) as isize - first) as usize * step;
            stack.copy_within(from..from + rows * stride, i * step);
        }
        for row in 0..rows {
            for column in (0..columns).step_by(STRIP) {
                let start = row * stride + at + column;
                let len = whole_vectors(STRIP.min(columns - column));
                let rows = Rows { count: slices, len, step, out_step: rows * stride };
                let centre = reach * step + start;
                smooth(set, &plan.presmoothing, &stack, centre, step, rows, &mut plane.data[start..]);
            }
        }
    }
    mirror_columns(&mut plane, roi.shape()[2] + 2 * MARGIN, image_shape[2]);
    plane
}

/// Smooths the part `region` of slice `z` along x, then y. Rows of `out` are `stride` apart.
#[allow(clippy::too_many_arguments)]
fn smooth_in_plane(
    set: InstructionSet,
    half: &[f32],
    padded: &Padded,
    z: usize,
    region: &SpatialRoi,
    height: usize,
    out: &mut [f32],
    stride: usize,
) {
    let reach = half.len() - 1;
    let [_, rows, columns] = region.shape();
    let first = region.start[1] as isize - reach as isize;
    let [top, bottom] = [region.start[1].saturating_sub(reach), (region.stop[1] + reach).min(height)];
    let mut strip = vec![0.0; (rows + 2 * reach) * STRIP];
    for column in (0..columns).step_by(STRIP) {
        let len = whole_vectors(STRIP.min(columns - column));
        let centre = padded.offset(z, top, region.start[2] + column);
        let lines = Rows { count: bottom - top, len, step: padded.stride, out_step: STRIP };
        let inner = (top as isize - first) as usize * STRIP;
        smooth(set, half, &padded.data, centre, 1, lines, &mut strip[inner..]);
        for (i, y) in (0..rows + 2 * reach).zip(first..) {
            if y < 0 || y >= height as isize {
                let from = (mirror(y, height) as isize - first) as usize * STRIP;
                strip.copy_within(from..from + len, i * STRIP);
            }
        }
        let lines = Rows { count: rows, len, step: STRIP, out_step: stride };
        smooth(set, half, &strip, reach * STRIP, STRIP, lines, &mut out[column..]);
    }
}

/// Fills the columns of each row that lie outside of an image of `width`.
fn mirror_columns(plane: &mut Plane, columns: usize, width: usize) {
    let left = plane.left;
    let outside: Vec<(usize, usize)> = (0..columns)
        .zip(left..)
        .filter(|&(_, x)| (x < 0 || x >= width as isize) && x.unsigned_abs() < 2 * width - 1)
        .map(|(i, x)| (i, mirror(x, width) as isize - left))
        .filter(|&(_, from)| from >= 0 && (from as usize) < columns)
        .map(|(i, from)| (i, from as usize))
        .collect();
    for row in plane.data.chunks_exact_mut(plane.stride) {
        for &(to, from) in &outside {
            row[to] = row[from];
        }
    }
}
