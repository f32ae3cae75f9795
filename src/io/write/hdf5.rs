//! HDF5 as ilastik writes it: chunks of about 512 kB, one frame and one channel each, `axistags`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use rust_hdf5::{H5Dataset, H5File, H5Group, Hdf5Error};

use crate::data::{Axis, AxisOrder, DType, Roi5, Volume};
use crate::io::atomic::{PendingFile, SealedFile};
use crate::io::axistags;
use crate::io::error::Error;
use crate::io::format::{Format, ImageSpec, Intake};
use crate::io::hdf5::Hdf5;
use crate::io::planes::indices;
use crate::io::samples::{ByteOrder, bytes_in_file_order, copy_box, strides, with_dtype};

use super::Sink;

/// An HDF5 file being written.
pub(super) struct Hdf5Sink {
    pending: PendingFile,
    file: OpenFile,
    dataset: H5Dataset,
    shape: [usize; 5],
    dtype: DType,
    encoding: Encoding,
}

/// The file for the library that writes it.
struct OpenFile(Option<H5File>);

impl Drop for OpenFile {
    /// Of a file that is given up: left to itself, the library would complete it and print what fails.
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let _ = file.close_no_sync();
        }
    }
}

/// gzip's level in ilastik's `compressed hdf5`.
const LEVEL: u32 = 1;

impl Hdf5Sink {
    /// Starts a file with one dataset, or with those of the file that it replaces beside it.
    pub(super) fn create(pending: PendingFile, spec: &ImageSpec, compressed: bool) -> Result<Self, Error> {
        let chunk = chunk_shape(&spec.shape, spec.dtype);
        let path = dataset_path(spec);
        let (file, group) = open(&pending, &path)?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let dataset = start(&group, name, spec, &chunk, compressed).map_err(|e| refused(&pending, &e))?;
        let (shape, dtype) = (spec.shape, spec.dtype);
        let encoding = Encoding { axes: spec.axes.clone(), chunk, item: dtype.size(), compressed };
        Ok(Hdf5Sink { pending, file, dataset, shape, dtype, encoding })
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

/// The dataset's path in the file, without superfluous slashes.
pub(super) fn dataset_path(spec: &ImageSpec) -> String {
    let parts: Vec<&str> = spec.internal_path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "exported_data".into() } else { parts.join("/") }
}

/// An HDF5 file that is there already, when it holds datasets that are to be kept.
pub(super) struct Existing {
    reader: H5File,
    /// Its datasets but the one to be written.
    pub(super) others: Vec<String>,
}

impl Existing {
    /// What the file at `path` holds beside the dataset `name`; `None` where that is nothing, or there is no such
    /// file.
    ///
    /// # Errors
    /// It is an HDF5 file, but damaged or of a kind that can't be read.
    pub(super) fn at(path: &Path, name: &str) -> Result<Option<Self>, Error> {
        let mut head = [0; 8];
        let is_hdf5 = File::open(path)
            .and_then(|mut file| file.read_exact(&mut head))
            .is_ok_and(|()| Hdf5.recognises(&head));
        let reader = match H5File::options().no_locking().open(path) {
            Ok(reader) => reader,
            Err(e) if is_hdf5 => return Err(cannot_add(path, &e)),
            Err(_) => return Ok(None),
        };
        let mut others = reader.dataset_names();
        others.retain(|other| other != name);
        others.sort();
        Ok((!others.is_empty()).then_some(Existing { reader, others }))
    }

    /// Whether it has an object, or a link, of that name.
    fn has(&self, name: &str) -> bool {
        let (group, name) = name.rsplit_once('/').unwrap_or(("", name));
        let root = self.reader.root_group();
        let group = if group.is_empty() { Ok(root) } else { root.group(group) };
        group.and_then(|group| group.link_names()).is_ok_and(|names| names.iter().any(|other| other == name))
    }
}

fn cannot_add(path: &Path, error: &Hdf5Error) -> Error {
    Error::CannotAdd { path: path.to_owned(), why: error.to_string() }
}

/// An empty file for the dataset `name`, or a copy of the one that is replaced, without that dataset, where that
/// holds others; and the group that the dataset goes into.
fn open(pending: &PendingFile, name: &str) -> Result<(OpenFile, H5Group), Error> {
    let target = pending.target();
    let existing = Existing::at(target, name)?;
    let file = match &existing {
        None => {
            let file = H5File::create(pending.temporary_path()).map_err(|e| refused(pending, &e))?;
            // The chunk index that every HDF5 library since 1.6 reads. Files that are there have their own.
            file.set_libver_bound(rust_hdf5::LibverBound::V18).map_err(|e| refused(pending, &e))?;
            file
        }
        Some(existing) => {
            let copied = File::open(target).and_then(|mut old| std::io::copy(&mut old, &mut pending.file()));
            copied.map_err(|e| Error::io(target, e))?;
            let file = H5File::open_rw(pending.temporary_path()).map_err(|e| cannot_add(target, &e))?;
            if existing.has(name) {
                file.delete_dataset(name).map_err(|e| cannot_add(target, &e))?;
            }
            file
        }
    };
    let mut group = file.root_group();
    let file = OpenFile(Some(file));
    let slashes = name.match_indices('/').map(|(at, _)| at);
    let mut from = 0;
    for at in slashes {
        let is_there = existing.as_ref().is_some_and(|existing| existing.has(&name[..at]));
        let part = &name[from..at];
        let inner = if is_there { group.group(part) } else { group.create_group(part) };
        group = inner.map_err(|e| refused(pending, &e))?;
        from = at + 1;
    }
    Ok((file, group))
}

/// Creates the dataset and its attributes in `group`.
fn start(
    group: &H5Group,
    name: &str,
    spec: &ImageSpec,
    chunk: &[usize; 5],
    compressed: bool,
) -> Result<H5Dataset, Hdf5Error> {
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
    Ok(dataset)
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
                    self.dataset.write_chunk_raw_at(&at, &bytes, 0)
                } else {
                    self.dataset.write_chunk_at(&at, &bytes)
                }
                .map_err(|e| refused(&self.pending, &e))?;
            }
        }
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Vec<SealedFile>, Error> {
        let Hdf5Sink { pending, mut file, .. } = *self;
        if let Some(file) = file.0.take() {
            file.close().map_err(|e| refused(&pending, &e))?;
        }
        Ok(vec![pending.seal()?])
    }
}
