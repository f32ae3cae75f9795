//! HDF5 as ilastik writes it: chunks of about 512 kB, one frame and one channel each, `axistags`.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use rust_hdf5::{H5Dataset, H5File, Hdf5Error};

use crate::data::{Axis, AxisOrder, DType, Roi5, Volume};
use crate::io::atomic::{PendingFile, SealedFile};
use crate::io::axistags;
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::planes::indices;
use crate::io::samples::{ByteOrder, bytes_in_file_order, copy_box, strides, with_dtype};

use super::Sink;

/// An HDF5 file being written.
pub(super) struct Hdf5Sink {
    pending: PendingFile,
    open: Open,
    shape: [usize; 5],
    dtype: DType,
    encoding: Encoding,
}

/// The file for the library that writes it.
struct Open {
    file: Option<H5File>,
    dataset: H5Dataset,
}

impl Drop for Open {
    /// Of a file that is given up: left to itself, the library would complete it and print what fails.
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let _ = file.close_no_sync();
        }
    }
}

/// gzip's level in ilastik's `compressed hdf5`.
const LEVEL: u32 = 1;

impl Hdf5Sink {
    pub(super) fn create(pending: PendingFile, spec: &ImageSpec, compressed: bool) -> Result<Self, Error> {
        let chunk = chunk_shape(&spec.shape, spec.dtype);
        let (file, dataset) = start(&pending, spec, &chunk, compressed).map_err(|e| refused(&pending, &e))?;
        let (shape, dtype) = (spec.shape, spec.dtype);
        let encoding = Encoding { axes: spec.axes.clone(), chunk, item: dtype.size(), compressed };
        Ok(Hdf5Sink { pending, open: Open { file: Some(file), dataset }, shape, dtype, encoding })
    }
}

/// Whole chunks of all channels.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    let mut block = chunk_shape(&spec.shape, spec.dtype);
    block[Axis::C as usize] = spec.shape[Axis::C as usize];
    Intake::aligned(block)
}

/// How chunks are laid out.
#[derive(Clone)]
struct Encoding {
    axes: AxisOrder,
    /// Extents of a chunk, `tzyxc`.
    chunk: [usize; 5],
    item: usize,
    compressed: bool,
}

impl Encoding {
    /// The chunk that is the box `within` of `block`, padded at the image's edge.
    fn encode(&self, block: &Volume, within: Roi5) -> std::io::Result<Vec<u8>> {
        let mut bytes = bytes_in_file_order(&block.crop(&within), &self.axes);
        let (extent, chunk) = (self.axes.pick(&within.shape()), self.axes.pick(&self.chunk));
        if extent != chunk {
            let mut padded = vec![0; chunk.iter().product::<usize>() * self.item];
            copy_box(self.item, &extent, (&bytes, &strides(&extent), 0), (&mut padded, &strides(&chunk), 0));
            bytes = padded;
        }
        ByteOrder::Little.to_native(&mut bytes, self.item);
        if !self.compressed {
            return Ok(bytes);
        }
        let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(LEVEL));
        encoder.write_all(&bytes)?;
        encoder.finish()
    }
}

/// Creates the file with its groups, its dataset and the dataset's attributes.
fn start(
    pending: &PendingFile,
    spec: &ImageSpec,
    chunk: &[usize; 5],
    compressed: bool,
) -> Result<(H5File, H5Dataset), Hdf5Error> {
    let file = H5File::create(pending.temporary_path())?;
    // The chunk index that every HDF5 library since 1.6 reads.
    file.set_libver_bound(rust_hdf5::LibverBound::V18)?;
    let mut group = file.root_group();
    let mut names: Vec<&str> = spec.internal_path.split('/').filter(|name| !name.is_empty()).collect();
    let name = names.pop().unwrap_or("exported_data");
    for name in names {
        group = group.create_group(name)?;
    }
    let shape = spec.axes.pick(&spec.shape);
    let dataset = with_dtype!(spec.dtype, T => {
        let builder = group.new_dataset::<T>().shape(&shape).chunk(&spec.axes.pick(chunk));
        if compressed { builder.deflate(LEVEL) } else { builder }.create(name)?
    });
    let text = |name: &str, value: &str| -> Result<(), Hdf5Error> {
        dataset.new_attr::<rust_hdf5::types::VarLenUnicode>().shape(()).create(name)?.write_string(value)
    };
    text("axistags", &axistags::format(&spec.axes, &spec.pixel_size))?;
    if let Some(units) = axistags::format_units(&spec.axes, &spec.pixel_size) {
        text("axis_units", &units)?;
    }
    let keys: Vec<String> = spec.axes.axes().iter().map(|axis| axis.key().to_string()).collect();
    let labels: Vec<&str> = keys.iter().map(String::as_str).collect();
    dataset
        .new_attr::<rust_hdf5::types::VarLenUnicode>()
        .shape([labels.len()])
        .create("DIMENSION_LABELS")?
        .write_string_array(&labels)?;
    if let Some((low, high)) = spec.data_range {
        dataset.new_attr::<f64>().shape([2_usize]).create("drange")?.write_array(&[low, high])?;
    }
    Ok((file, dataset))
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

/// The error of the file; where the system refuses, in its words alone.
fn refused(pending: &PendingFile, error: &Hdf5Error) -> Error {
    let text = error.to_string();
    let text = text.rsplit_once("I/O error: ").map_or(&*text, |(_, system)| system);
    Error::io(pending.target(), std::io::Error::other(text))
}

impl Sink for Hdf5Sink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let extent = block.shape();
        let Encoding { axes, chunk, compressed, .. } = &self.encoding;
        let encoding = &self.encoding;
        let aligned = (0..5).all(|i| {
            let end = start[i] + extent[i];
            start[i].is_multiple_of(chunk[i]) && (end.is_multiple_of(chunk[i]) || end == self.shape[i])
        });
        if !aligned {
            return Err(Error::BadBlock {
                path: self.pending.target().to_owned(),
                start: Box::new(start),
                shape: Box::new(extent),
                found: block.dtype(),
                image: Box::new(self.shape),
                expected: self.dtype,
            });
        }
        let count: Vec<usize> = (0..5).map(|i| extent[i].div_ceil(chunk[i])).collect();
        let chunks: Vec<Vec<usize>> = indices(&[0; 5], &count).collect();
        // Some at a time, so that a block is not in memory twice.
        for chunks in chunks.chunks(2 * rayon::current_num_threads()) {
            let encoded: Vec<std::io::Result<Vec<u8>>> = chunks
                .par_iter()
                .map(|index| {
                    let from: [usize; 5] = std::array::from_fn(|i| index[i] * chunk[i]);
                    let to = std::array::from_fn(|i| (from[i] + chunk[i]).min(extent[i]));
                    encoding.encode(block, Roi5::new(from, to))
                })
                .collect();
            for (index, bytes) in chunks.iter().zip(encoded) {
                let bytes = bytes.map_err(|e| Error::io(self.pending.target(), e))?;
                let at: [usize; 5] = std::array::from_fn(|i| start[i] / chunk[i] + index[i]);
                let at = axes.pick(&at);
                if *compressed {
                    self.open.dataset.write_chunk_raw_at(&at, &bytes, 0)
                } else {
                    self.open.dataset.write_chunk_at(&at, &bytes)
                }
                .map_err(|e| refused(&self.pending, &e))?;
            }
        }
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Vec<SealedFile>, Error> {
        let Hdf5Sink { pending, mut open, .. } = *self;
        if let Some(file) = open.file.take() {
            file.close().map_err(|e| refused(&pending, &e))?;
        }
        Ok(vec![pending.seal()?])
    }
}
