//! Images in chunks: how they are cut, and a block's chunks encoded by several threads.

use std::io;
use std::path::Path;

use rayon::prelude::*;

use crate::data::{Axis, AxisOrder, DType, Roi5, Volume};
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::planes::indices;
use crate::io::samples::{ByteOrder, bytes_in_file_order, copy_box, strides};

/// How an image is cut into chunks.
#[derive(Clone)]
pub(super) struct ChunkGrid {
    /// The file's axes.
    pub(super) axes: AxisOrder,
    /// Extents of the image, `tzyxc`.
    pub(super) shape: [usize; 5],
    /// Extents of a chunk, `tzyxc`.
    pub(super) chunk: [usize; 5],
    pub(super) dtype: DType,
}

impl ChunkGrid {
    /// Chunks of about 512 kB, one frame and one channel, of the image `spec` in a file with the axes `axes`.
    pub(super) fn new(axes: AxisOrder, spec: &ImageSpec) -> Self {
        let chunk = chunk_shape(&spec.shape, spec.dtype);
        ChunkGrid { axes, shape: spec.shape, chunk, dtype: spec.dtype }
    }

    /// Whole chunks, all channels.
    pub(super) fn intake(&self) -> Intake {
        let mut block = self.chunk;
        block[Axis::C as usize] = self.shape[Axis::C as usize];
        Intake::aligned(block)
    }

    /// How many chunks there are, `tzyxc`.
    pub(super) fn counts(&self) -> [usize; 5] {
        std::array::from_fn(|i| self.shape[i].div_ceil(self.chunk[i]))
    }

    /// Extents of the chunk at the place `at` (`tzyxc`, in chunks), less at the image's edges.
    pub(super) fn extent(&self, at: [usize; 5]) -> [usize; 5] {
        std::array::from_fn(|i| self.chunk[i].min(self.shape[i] - at[i] * self.chunk[i]))
    }

    /// Calls `encode` for each chunk of the block at `start` by several threads, with the chunk's place and its
    /// samples, and `take` for each in order with what came of it. `path` is the file, for errors.
    pub(super) fn each_chunk<T: Send>(
        &self,
        path: &Path,
        (start, block): ([usize; 5], &Volume),
        encode: impl Fn([usize; 5], &Volume) -> io::Result<T> + Sync,
        mut take: impl FnMut([usize; 5], T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let ChunkGrid { shape, chunk, .. } = self;
        let extent = block.shape();
        let aligned = (0..5).all(|i| {
            let end = start[i] + extent[i];
            start[i].is_multiple_of(chunk[i]) && (end.is_multiple_of(chunk[i]) || end == shape[i])
        });
        if !aligned {
            return Err(Error::BadBlock {
                path: path.to_owned(),
                start: Box::new(start),
                shape: Box::new(extent),
                found: block.dtype(),
                image: Box::new(*shape),
                expected: self.dtype,
            });
        }
        let count: Vec<usize> = (0..5).map(|i| extent[i].div_ceil(chunk[i])).collect();
        let places: Vec<[usize; 5]> =
            indices(&[0; 5], &count).map(|index| std::array::from_fn(|i| index[i])).collect();
        // Some at a time, so that a block is not in memory twice.
        for places in places.chunks(2 * rayon::current_num_threads()) {
            let encoded: Vec<([usize; 5], io::Result<T>)> = places
                .par_iter()
                .map(|place| {
                    let from: [usize; 5] = std::array::from_fn(|i| place[i] * chunk[i]);
                    let to = std::array::from_fn(|i| (from[i] + chunk[i]).min(extent[i]));
                    let at = std::array::from_fn(|i| start[i] / chunk[i] + place[i]);
                    (at, encode(at, &block.crop(&Roi5::new(from, to))))
                })
                .collect();
            for (at, encoded) in encoded {
                take(at, encoded.map_err(|e| Error::io(path, e))?)?;
            }
        }
        Ok(())
    }

    /// The samples of a chunk in the order of the file's axes.
    pub(super) fn bytes(&self, chunk: &Volume, order: ByteOrder) -> Vec<u8> {
        let mut bytes = bytes_in_file_order(chunk, &self.axes);
        order.to_native(&mut bytes, self.dtype.size());
        bytes
    }

    /// The same, little-endian; chunks at the image's edge are filled up with zeros.
    pub(super) fn whole_bytes(&self, chunk: &Volume) -> Vec<u8> {
        let item = self.dtype.size();
        let bytes = self.bytes(chunk, ByteOrder::Little);
        let (extent, whole) = (self.axes.pick(&chunk.shape()), self.axes.pick(&self.chunk));
        if extent == whole {
            return bytes;
        }
        let mut padded = vec![0; whole.iter().product::<usize>() * item];
        copy_box(item, &extent, (&bytes, &strides(&extent), 0), (&mut padded, &strides(&whole), 0));
        padded
    }
}

/// About 512 kB, one frame and one channel, as close to a cube as the image allows. Sides are powers of
/// two where they are not the image's own, so that the blocks of a computation hold whole chunks.
fn chunk_shape(shape: &[usize; 5], dtype: DType) -> [usize; 5] {
    const BYTES: usize = 1 << 19;
    let mut left = BYTES / dtype.size();
    let mut chunk = [1; 5];
    let mut space = [Axis::Z as usize, Axis::Y as usize, Axis::X as usize];
    space.sort_by_key(|&axis| shape[axis]);
    for (i, axis) in space.into_iter().enumerate() {
        let side = 1 << (left.max(1).ilog2() as usize / (space.len() - i));
        chunk[axis] = shape[axis].min(side);
        left /= chunk[axis];
    }
    chunk
}
