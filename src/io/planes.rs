//! Uncompressed samples: dense planes at known offsets in a file, read with few system calls.

use std::sync::Arc;

use super::error::Error;
use super::file::SharedFile;
use super::samples::{ByteOrder, copy_box, strides};
use super::storage::Storage;

/// Dense C-ordered planes of equal shape; the dimensions of the array are those that count planes
/// followed by those of a plane.
pub(super) struct RawPlanes {
    /// The file.
    pub(super) file: Arc<SharedFile>,
    /// Offset of each plane, in C order of the outer dimensions.
    pub(super) offsets: Vec<u64>,
    /// Extents of the outer dimensions; their product is the number of offsets.
    pub(super) outer: Vec<usize>,
    /// Extents of a plane.
    pub(super) plane: Vec<usize>,
    /// Bytes per sample.
    pub(super) item: usize,
    /// Order of a sample's bytes.
    pub(super) order: ByteOrder,
}

/// Reading unused bytes between rows is cheaper than another system call up to this size.
const SPAN: usize = 1 << 20;

/// Reads the box of `shape` at `start` of a dense C-ordered array of `extents` whose first sample of `item`
/// bytes is at `base`, in the file's byte order.
pub(super) fn read_dense(
    file: &SharedFile,
    (base, extents, item): (u64, &[usize], usize),
    start: &[usize],
    shape: &[usize],
    out: &mut [u8],
) -> Result<(), Error> {
    let plane_strides = strides(extents);
    let span = |from: usize| -> usize {
        (from..shape.len()).map(|i| (shape[i] - 1) * plane_strides[i]).sum::<usize>() + 1
    };
    // The outermost dimension from which on the box is read in one piece, gaps included.
    let split = (0..shape.len())
        .find(|&from| {
            let count: usize = shape[from..].iter().product();
            span(from) == count || span(from) * item <= SPAN
        })
        .unwrap_or(shape.len());
    let count: usize = shape[split..].iter().product();
    let dense = span(split) == count;
    let mut buffer = vec![0; if dense { 0 } else { span(split) * item }];
    let target_strides = strides(&shape[split..]);
    let offset = |index: &[usize]| -> u64 {
        let outer: usize = index.iter().zip(&plane_strides).map(|(i, s)| i * s).sum();
        let inner: usize = start[split..].iter().zip(&plane_strides[split..]).map(|(i, s)| i * s).sum();
        base + (outer + inner) as u64 * item as u64
    };
    for (piece, index) in out.chunks_exact_mut(count * item).zip(indices(start, &shape[..split])) {
        if dense {
            file.read_at(offset(&index), piece)?;
        } else {
            file.read_at(offset(&index), &mut buffer)?;
            let source = (&buffer[..], &plane_strides[split..], 0);
            copy_box(item, &shape[split..], source, (piece, &target_strides, 0));
        }
    }
    Ok(())
}

/// All indices of a box of `shape` at `start`, in C order; one empty index for no dimensions.
pub(super) fn indices(start: &[usize], shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let (start, shape) = (start[..shape.len()].to_vec(), shape.to_vec());
    let count: usize = shape.iter().product();
    (0..count).map(move |mut n| {
        let mut index = start.clone();
        for i in (0..shape.len()).rev() {
            index[i] += n % shape[i];
            n /= shape[i];
        }
        index
    })
}

impl Storage for RawPlanes {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let split = self.outer.len();
        let outer_strides = strides(&self.outer);
        let plane_bytes = shape[split..].iter().product::<usize>() * self.item;
        for (piece, index) in out.chunks_exact_mut(plane_bytes).zip(indices(start, &shape[..split])) {
            let plane: usize = index.iter().zip(&outer_strides).map(|(i, s)| i * s).sum();
            let array = (self.offsets[plane], &self.plane[..], self.item);
            read_dense(&self.file, array, &start[split..], &shape[split..], piece)?;
        }
        self.order.to_native(out, self.item);
        Ok(())
    }
}
