//! Levels of an image, each half as large as the one before along x, y and z, made chunk by chunk from the
//! chunks of the one before as soon as these are written.

use std::collections::HashMap;
use std::io;

use rayon::prelude::*;

use crate::data::volume::Sample;
use crate::data::{Axis, DType};
use crate::io::format::ImageSpec;
use crate::io::planes::indices;
use crate::io::samples::{strides, with_dtype};

use super::chunk_folder::{ChunkFolder, Layout};
use super::chunks::ChunkGrid;

/// Bytes of a frame and channel that need no smaller level.
const SMALL: usize = 1 << 20;

const SPACE: [Axis; 3] = [Axis::Z, Axis::Y, Axis::X];

/// Shapes (`tzyxc`) of an image's levels, the image first: until a frame and channel has a megabyte or less.
pub(super) fn level_shapes(shape: [usize; 5], dtype: DType) -> Vec<[usize; 5]> {
    let mut shapes = vec![shape];
    let mut shape = shape;
    while SPACE.iter().map(|&axis| shape[axis as usize]).product::<usize>() * dtype.size() > SMALL {
        SPACE.iter().for_each(|&axis| shape[axis as usize] = (shape[axis as usize] / 2).max(1));
        shapes.push(shape);
    }
    shapes
}

/// The smaller levels of an image.
pub(super) struct Pyramid {
    levels: Vec<Level>,
    /// Whether a pixel is one of those that it stands for, not their mean.
    nearest: bool,
}

struct Level {
    array: ChunkFolder,
    /// Chunks begun, with how many of the level before they still lack.
    missing: HashMap<[usize; 5], usize>,
}

impl Pyramid {
    /// The levels of `spec` after the first; `folder` names the folder of each.
    pub(super) fn new(
        spec: &ImageSpec,
        full: &ChunkGrid,
        shapes: &[[usize; 5]],
        folder: impl Fn(usize) -> std::path::PathBuf,
    ) -> Self {
        let level = |(number, &shape): (usize, &[usize; 5])| {
            let chunk = std::array::from_fn(|i| full.chunk[i].min(shape[i]));
            let grid = ChunkGrid { axes: full.axes.clone(), shape, chunk, dtype: full.dtype };
            let array = ChunkFolder { path: folder(number), grid, layout: Layout::Zarr };
            Level { array, missing: HashMap::new() }
        };
        let levels = shapes.iter().enumerate().skip(1).map(level).collect();
        Pyramid { levels, nearest: spec.categorical }
    }

    /// The arrays, largest first.
    pub(super) fn arrays(&self) -> impl Iterator<Item = &ChunkFolder> {
        self.levels.iter().map(|level| &level.array)
    }

    /// Makes all chunks that are complete with the chunks of `full` at `written` (`tzyxc`).
    pub(super) fn advance(&mut self, full: &ChunkFolder, written: Vec<[usize; 5]>) -> io::Result<()> {
        let nearest = self.nearest;
        let mut written = written;
        let mut before = full;
        for level in &mut self.levels {
            let Level { array, missing } = level;
            let mut complete = Vec::new();
            for at in written {
                let Some(parent) = parent_of(at, before, array) else { continue };
                let left = missing.entry(parent).or_insert_with(|| children(parent, before, array).len());
                *left -= 1;
                if *left == 0 {
                    missing.remove(&parent);
                    complete.push(parent);
                }
            }
            let array = &*array;
            complete.par_iter().try_for_each(
                |&at| with_dtype!(array.grid.dtype, T => make::<T>(before, array, at, nearest)),
            )?;
            written = complete;
            before = array;
        }
        Ok(())
    }
}

/// By how much `to` is smaller than `from`, `tzyxc`.
fn factors(from: &ChunkFolder, to: &ChunkFolder) -> [usize; 5] {
    std::array::from_fn(|i| if from.grid.shape[i] > to.grid.shape[i] { 2 } else { 1 })
}

/// The chunk of `to` that takes in the chunk `at` of `from`; none for a rest of one pixel at the edge.
fn parent_of(at: [usize; 5], from: &ChunkFolder, to: &ChunkFolder) -> Option<[usize; 5]> {
    let (factors, counts) = (factors(from, to), to.grid.counts());
    let parent: [usize; 5] = std::array::from_fn(|i| at[i] / factors[i]);
    (0..5).all(|i| parent[i] < counts[i]).then_some(parent)
}

/// The chunks of `from` that make the chunk `at` of `to`.
fn children(at: [usize; 5], from: &ChunkFolder, to: &ChunkFolder) -> Vec<[usize; 5]> {
    let (factors, counts) = (factors(from, to), from.grid.counts());
    let start: [usize; 5] = std::array::from_fn(|i| at[i] * factors[i]);
    let count: [usize; 5] = std::array::from_fn(|i| factors[i].min(counts[i] - start[i]));
    indices(&start, &count).map(|index| std::array::from_fn(|i| index[i])).collect()
}

/// Makes the chunk `at` of `to` from those of `from`.
fn make<T: Sample + bytemuck::Pod>(
    from: &ChunkFolder,
    to: &ChunkFolder,
    at: [usize; 5],
    nearest: bool,
) -> io::Result<()> {
    let factors = factors(from, to);
    let extent = to.grid.extent(at);
    let space = |of: [usize; 5]| SPACE.map(|axis| of[axis as usize]);
    let mut out = vec![T::from_f64(0.0); extent.iter().product()];
    for child in children(at, from, to) {
        let samples: Vec<T> = bytemuck::pod_collect_to_vec(&from.read_zarr(child)?);
        let (whole, there) = (space(from.grid.chunk), space(from.grid.extent(child)));
        if samples.len() != whole.iter().product::<usize>() {
            return Err(io::Error::other("a chunk that was just written has another size"));
        }
        let window = space(factors);
        let first = [0, 1, 2].map(|i| {
            let axis = SPACE[i] as usize;
            (child[axis] * whole[i] / window[i]) - at[axis] * to.grid.chunk[axis]
        });
        let part: [usize; 3] = std::array::from_fn(|i| there[i] / window[i]);
        halve((&samples, whole), (&mut out, space(extent)), (first, part, window), nearest);
    }
    let volume = ndarray::Array5::from_shape_vec(extent, out).map_err(io::Error::other)?;
    to.write(at, &T::volume(volume))
}

/// Fills the box of `part` pixels at `first` of `target` (`zyx`) with a pixel for each `window` of `source`.
fn halve<T: Sample>(
    (source, source_shape): (&[T], [usize; 3]),
    (target, target_shape): (&mut [T], [usize; 3]),
    (first, part, window): ([usize; 3], [usize; 3], [usize; 3]),
    nearest: bool,
) {
    let (from, to) = (strides(&source_shape), strides(&target_shape));
    let offsets: Vec<usize> = indices(&[0; 3], &window)
        .map(|index| index.iter().zip(&from).map(|(i, stride)| i * stride).sum())
        .collect();
    let count = offsets.len() as f64;
    for z in 0..part[0] {
        for y in 0..part[1] {
            let row = z * window[0] * from[0] + y * window[1] * from[1];
            let out = (first[0] + z) * to[0] + (first[1] + y) * to[1] + first[2];
            for x in 0..part[2] {
                let at = row + x * window[2];
                target[out + x] = if nearest {
                    source[at]
                } else {
                    let sum: f64 = offsets.iter().map(|offset| source[at + offset].as_f64()).sum();
                    mean_of::<T>(sum / count)
                };
            }
        }
    }
}

/// Whole numbers are rounded.
fn mean_of<T: Sample>(mean: f64) -> T {
    T::from_f64(if T::DTYPE.is_float() { mean } else { mean.round_ties_even() })
}
