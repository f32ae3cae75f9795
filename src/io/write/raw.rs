//! Uncompressed samples written at their place in a file.

use crate::data::{Axis, AxisOrder, DType, Volume};
use crate::io::atomic::PendingFile;
use crate::io::error::Error;
use crate::io::file::write_all_at;
use crate::io::format::{ImageSpec, Intake};
use crate::io::samples::{ByteOrder, bytes_in_file_order, strides};
use crate::io::storage::byte_count;

/// An array in a file, dense but for what rows are filled up with.
pub(super) struct RawArray {
    /// Order of its axes.
    pub(super) axes: AxisOrder,
    /// Extents in that order.
    pub(super) shape: Vec<usize>,
    pub(super) dtype: DType,
    /// Offset of the first sample.
    pub(super) start: u64,
    /// Order of a sample's bytes.
    pub(super) order: ByteOrder,
    /// Bytes after each entry of the first axis.
    pub(super) padding: u64,
}

/// Bytes that are worth writing at once.
const BAND: usize = 4 << 20;

impl RawArray {
    /// The samples of `spec` with the axes `axes`: dense, little-endian, from the file's beginning.
    pub(super) fn new(axes: AxisOrder, spec: &ImageSpec) -> Self {
        let shape = axes.pick(&spec.shape);
        RawArray { axes, shape, dtype: spec.dtype, start: 0, order: ByteOrder::Little, padding: 0 }
    }

    /// Bytes of the array.
    pub(super) fn bytes(&self) -> u64 {
        let dense = byte_count(&self.shape, self.dtype).map_or(u64::MAX, |n| n as u64);
        dense.saturating_add(self.padding * self.shape[0] as u64)
    }

    /// Gives the file its final length, which also fails early when the disk is full.
    pub(super) fn reserve(&self, file: &PendingFile) -> Result<(), Error> {
        let end = self.start.saturating_add(self.bytes());
        file.file().set_len(end).map_err(|e| Error::io(file.target(), e))
    }

    /// Any block, best bands of rows with all columns and channels.
    pub(super) fn intake(&self) -> Intake {
        let shape = self.axes.canonical_shape(&self.shape);
        let row = shape[Axis::X as usize] * shape[Axis::C as usize] * self.dtype.size();
        let rows = (BAND / row.max(1)).clamp(1, shape[Axis::Y as usize]);
        Intake::any([1, 1, rows, shape[Axis::X as usize], shape[Axis::C as usize]])
    }

    /// Writes the block at `start` (`tzyxc`).
    pub(super) fn write(&self, file: &PendingFile, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let item = self.dtype.size();
        let mut bytes = bytes_in_file_order(block, &self.axes);
        self.order.to_native(&mut bytes, item);
        let start = self.axes.pick(&start);
        let shape = self.axes.pick(&block.shape());
        // Dimensions from `split` on are complete, so they are one run together with the one before.
        let first = usize::from(self.padding > 0 && shape.len() > 1);
        let split = (first..shape.len()).rev().find(|&i| shape[i] != self.shape[i]).unwrap_or(first);
        let run = shape[split..].iter().product::<usize>() * item;
        let strides = strides(&self.shape);
        let inner: usize = start[split..].iter().zip(&strides[split..]).map(|(i, s)| i * s).sum();
        let indices = crate::io::planes::indices(&start, &shape[..split]);
        for (piece, index) in bytes.chunks_exact(run).zip(indices) {
            let outer: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            let padding = index.first().map_or(0, |&i| i as u64 * self.padding);
            let offset = self.start + (outer + inner) as u64 * item as u64 + padding;
            write_all_at(file.file(), offset, piece).map_err(|e| Error::io(file.target(), e))?;
        }
        Ok(())
    }
}
