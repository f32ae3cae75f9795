//! HDF5 as ilastik writes it: chunks of about 512 kB, one frame and one channel each, `axistags`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rust_hdf5::{H5Dataset, H5File, H5Group, Hdf5Error};

use crate::data::Volume;
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::axistags;
use crate::io::error::Error;
use crate::io::format::{Format, ImageSpec, Intake};
use crate::io::hdf5::Hdf5;
use crate::io::samples::with_dtype;

use super::Sink;
use super::chunks::ChunkGrid;

/// An HDF5 file being written.
pub(super) struct Hdf5Sink {
    pending: PendingFile,
    file: OpenFile,
    dataset: H5Dataset,
    grid: ChunkGrid,
    compressed: bool,
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
        let grid = ChunkGrid::new(spec.axes.clone(), spec);
        let path = dataset_path(spec);
        let (file, group) = open(&pending, &path)?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let dataset =
            start(&group, name, spec, &grid.chunk, compressed).map_err(|e| refused(&pending, &e))?;
        Ok(Hdf5Sink { pending, file, dataset, grid, compressed })
    }
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    ChunkGrid::new(spec.axes.clone(), spec).intake()
}

fn deflated(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(LEVEL));
    encoder.write_all(bytes)?;
    encoder.finish()
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
    if let Some(mode) = &spec.display_mode {
        text("display_mode", mode)?;
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

/// The error of the file; where the system refuses, in its words alone.
fn refused(pending: &PendingFile, error: &Hdf5Error) -> Error {
    let text = error.to_string();
    let text = text.rsplit_once("I/O error: ").map_or(&*text, |(_, system)| system);
    Error::io(pending.target(), std::io::Error::other(text))
}

impl Sink for Hdf5Sink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let Hdf5Sink { pending, dataset, grid, compressed, .. } = self;
        let encode = |_, chunk: &Volume| match *compressed {
            true => deflated(&grid.whole_bytes(chunk)),
            false => Ok(grid.whole_bytes(chunk)),
        };
        grid.each_chunk(pending.target(), (start, block), encode, |at, bytes| {
            let at = grid.axes.pick(&at);
            if *compressed {
                dataset.write_chunk_raw_at(&at, &bytes, 0)
            } else {
                dataset.write_chunk_at(&at, &bytes)
            }
            .map_err(|e| refused(pending, &e))
        })
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        let Hdf5Sink { pending, mut file, .. } = *self;
        if let Some(file) = file.0.take() {
            file.close().map_err(|e| refused(&pending, &e))?;
        }
        Ok(vec![pending.seal()?])
    }
}
