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
#[derive(Clone, Debug, Default)]
pub struct Presmoothed {
    pub(super) roi: Option<SpatialRoi>,
    /// `[scale plan][input channel]`.
    pub(super) planes: Vec<Vec<Plane>>,
}

impl Presmoothed {
    /// The region whose features follow from these planes; `None` before anything was presmoothed.
    pub fn roi(&self) -> Option<&SpatialRoi> {
        self.roi.as_ref()
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.planes.iter().flatten().map(|plane| plane.data.len() * size_of::<f32>()).sum()
    }
}

/// One channel at one scale.
#[derive(Clone, Debug, Default)]
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

/// Buffers of presmoothing, kept between blocks: to ask the system for fresh memory takes as long as the
/// work itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    padded: Vec<f32>,
    strip: Vec<f32>,
    stack: Vec<f32>,
}

#[cfg(test)]
impl Workspace {
    /// Memory taken.
    pub(super) fn bytes(&self) -> usize {
        size_of::<f32>() * (self.padded.len() + self.strip.len() + self.stack.len())
    }
}

/// Makes room for `len` floats; what they hold is left as it is.
fn fit(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len {
        buffer.reserve_exact(len - buffer.len());
        buffer.resize(len, 0.0);
    }
}

/// Floats that presmoothing a block of `block` pixels (`zyx`) of `channels` channels takes: the planes that it
/// leaves, and what it works in.
pub(super) fn presmoothing_floats(
    plans: &[ScalePlan],
    block: [usize; 3],
    image_shape: [usize; 3],
    channels: usize,
) -> usize {
    let [_, _, x] = block;
    let with = |axis: usize, reach: usize| (block[axis] + 2 * reach).min(image_shape[axis].max(block[axis]));
    let reach = |axis: usize| {
        plans.iter().map(|plan| plan.presmoothing_halo()[axis] + plan.filter_halo()[axis]).max().unwrap_or(0)
    };
    let padded = with(0, reach(0)) * with(1, reach(1)) * (x + 2 * reach(2));
    let slice = |plan: &ScalePlan| with(1, plan.filter_halo()[1]) * whole_vectors(x + 2 * MARGIN + LANES);
    let slices = |plan: &ScalePlan| with(0, plan.filter_halo()[0]);
    let planes: usize = plans.iter().map(|plan| slices(plan) * slice(plan)).sum();
    let stack = |plan: &ScalePlan| match plan.presmoothing_halo()[0] {
        0 => 0,
        reach => (slices(plan) + 2 * reach) * (slice(plan) + 32),
    };
    planes * channels + padded + plans.iter().map(stack).max().unwrap_or(0)
}

/// What presmoothing one channel works on.
pub(super) struct Source<'a> {
    /// Samples (`zyx`) of `input_roi`.
    pub(super) input: ArrayView3<'a, f32>,
    pub(super) input_roi: &'a SpatialRoi,
    pub(super) image_shape: [usize; 3],
}

/// The channel with mirrored margins in x.
struct Padded<'a> {
    data: &'a mut Vec<f32>,
    roi: SpatialRoi,
    margin: usize,
    stride: usize,
}

impl<'a> Padded<'a> {
    /// Copies what lies within `margins` (`zyx`) of `roi`.
    fn new(source: &Source<'_>, roi: &SpatialRoi, margins: [usize; 3], data: &'a mut Vec<f32>) -> Self {
        let [_, _, width] = source.image_shape;
        let margin = margins[2];
        let rows = roi.enlarge([margins[0], margins[1], 0], source.image_shape);
        let [slices, lines, columns] = rows.shape();
        let stride = columns + 2 * margin;
        fit(data, slices * lines * stride + LANES);
        let first = rows.start[2] as isize - margin as isize;
        let origin = source.input_roi.start;
        let inner = roi.enlarge([0, 0, margin], source.image_shape);
        for (z, slice) in (rows.start[0]..rows.stop[0]).zip(data.chunks_mut((lines * stride).max(1))) {
            for (y, to) in (rows.start[1]..rows.stop[1]).zip(slice.chunks_exact_mut(stride.max(1))) {
                let line = source.input.slice(ndarray::s![z - origin[0], y - origin[1], ..]);
                let from = inner.start[2] - origin[2]..inner.stop[2] - origin[2];
                let at = (inner.start[2] as isize - first) as usize;
                let line = line.slice(ndarray::s![from]);
                match line.as_slice() {
                    Some(line) => to[at..at + line.len()].copy_from_slice(line),
                    None => to[at..].iter_mut().zip(line).for_each(|(to, from)| *to = *from),
                }
                for i in (0..at).chain(at + line.len()..stride) {
                    to[i] = to[(mirror(first + i as isize, width) as isize - first) as usize];
                }
            }
        }
        Padded { data, roi: rows, margin, stride }
    }

    fn offset(&self, z: usize, y: usize, x: usize) -> usize {
        let [_, lines, _] = self.roi.shape();
        let row = (z - self.roi.start[0]) * lines + (y - self.roi.start[1]);
        row * self.stride + self.margin + x - self.roi.start[2]
    }
}

/// Presmooths one channel of `roi` for each of `plans`, into the plane of that channel.
pub(super) fn presmooth(
    set: InstructionSet,
    plans: &[ScalePlan],
    source: &Source<'_>,
    roi: &SpatialRoi,
    workspace: &mut Workspace,
    planes: &mut [Vec<Plane>],
    channel: usize,
) {
    let reach = |axis: usize| {
        plans.iter().map(|plan| plan.presmoothing_halo()[axis] + plan.filter_halo()[axis]).max().unwrap_or(0)
    };
    let Workspace { padded, strip, stack } = workspace;
    let padded = Padded::new(source, roi, [reach(0), reach(1), reach(2)], padded);
    for (plan, planes) in plans.iter().zip(planes) {
        presmooth_scale(set, plan, &padded, roi, source.image_shape, (strip, stack), &mut planes[channel]);
    }
}

fn presmooth_scale(
    set: InstructionSet,
    plan: &ScalePlan,
    padded: &Padded<'_>,
    roi: &SpatialRoi,
    image_shape: [usize; 3],
    (strip, stack): (&mut Vec<f32>, &mut Vec<f32>),
    plane: &mut Plane,
) {
    let region = roi.enlarge(plan.filter_halo(), image_shape);
    let [slices, rows, columns] = region.shape();
    let stride = whole_vectors(roi.shape()[2] + 2 * MARGIN + LANES);
    fit(&mut plane.data, slices * rows * stride + 2 * LANES);
    plane.first = [region.start[0], region.start[1]];
    plane.left = roi.start[2] as isize - MARGIN as isize;
    (plane.rows, plane.stride) = (rows, stride);
    let at = (region.start[2] as isize - plane.left) as usize;
    fit(strip, (rows + 2 * plan.presmoothing_reach()) * STRIP);
    let mut smooth_slice = |z: usize, out: &mut [f32]| {
        let (half, height) = (&plan.presmoothing, image_shape[1]);
        smooth_in_plane(set, half, padded, z, &region, height, strip, &mut out[at..], stride);
    };
    let [reach, ..] = plan.presmoothing_halo();
    if reach == 0 {
        for (z, out) in (region.start[0]..region.stop[0]).zip(0..) {
            smooth_slice(z, &mut plane.data[out * rows * stride..]);
        }
    }
    if reach > 0 {
        // An odd multiple of a cache line keeps the slices of a pass along z out of each other's way.
        let step = ((rows * stride / 16 + 1) | 1) * 16;
        fit(stack, (slices + 2 * reach) * step + 2 * LANES);
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
                smooth(set, &plan.presmoothing, stack, centre, step, rows, &mut plane.data[start..]);
            }
        }
    }
    mirror_columns(plane, slices * rows, roi.shape()[2] + 2 * MARGIN, image_shape[2]);
}

/// Smooths the part `region` of slice `z` along x, then y. Rows of `out` are `stride` apart; `strip` has
/// room for the rows that a strip of columns needs along y.
#[allow(clippy::too_many_arguments)]
fn smooth_in_plane(
    set: InstructionSet,
    half: &[f32],
    padded: &Padded<'_>,
    z: usize,
    region: &SpatialRoi,
    height: usize,
    strip: &mut [f32],
    out: &mut [f32],
    stride: usize,
) {
    let reach = half.len() - 1;
    let [_, rows, columns] = region.shape();
    let first = region.start[1] as isize - reach as isize;
    let [top, bottom] = [region.start[1].saturating_sub(reach), (region.stop[1] + reach).min(height)];
    for column in (0..columns).step_by(STRIP) {
        let len = whole_vectors(STRIP.min(columns - column));
        let centre = padded.offset(z, top, region.start[2] + column);
        let lines = Rows { count: bottom - top, len, step: padded.stride, out_step: STRIP };
        let inner = (top as isize - first) as usize * STRIP;
        smooth(set, half, padded.data, centre, 1, lines, &mut strip[inner..]);
        for (i, y) in (0..rows + 2 * reach).zip(first..) {
            if y < 0 || y >= height as isize {
                let from = (mirror(y, height) as isize - first) as usize * STRIP;
                strip.copy_within(from..from + len, i * STRIP);
            }
        }
        let lines = Rows { count: rows, len, step: STRIP, out_step: stride };
        smooth(set, half, strip, reach * STRIP, STRIP, lines, &mut out[column..]);
    }
}

/// Fills the columns of each row that lie outside of an image of `width`.
fn mirror_columns(plane: &mut Plane, rows: usize, columns: usize, width: usize) {
    let left = plane.left;
    let outside: Vec<(usize, usize)> = (0..columns)
        .zip(left..)
        .filter(|&(_, x)| (x < 0 || x >= width as isize) && x.unsigned_abs() < 2 * width - 1)
        .map(|(i, x)| (i, mirror(x, width) as isize - left))
        .filter(|&(_, from)| from >= 0 && (from as usize) < columns)
        .map(|(i, from)| (i, from as usize))
        .collect();
    for row in plane.data.chunks_exact_mut(plane.stride).take(rows) {
        for &(to, from) in &outside {
            row[to] = row[from];
        }
    }
}
