//! Opening a dataset of an HDF5 file: which one, its type, axes and layout.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hdf5_pure::{
    AttrValue, ChunkIndex as Index, Dataset, Datatype, DatatypeByteOrder, File, FormatError, Group, Layout,
    ReadSeekSource,
};

use crate::data::{AxisOrder, DType};
use crate::io::axistags;
use crate::io::chunked::Chunked;
use crate::io::error::Error;
use crate::io::file::SharedFile;
use crate::io::format::{Format, ImageReader, OpenOptions};
use crate::io::planes::RawPlanes;
use crate::io::samples::{ByteOrder, dtype_of};
use crate::io::storage::{Found, InMemory, StoredImage, byte_count};

use super::chunks::{ChunkIndex, Rows};
use super::old_form::{Leads, followed, shown_otherwise};
use super::slices::Slices;

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// HDF5 files, ilastik projects among them.
pub(in crate::io) struct Hdf5;

impl Format for Hdf5 {
    fn name(&self) -> &'static str {
        "hdf5"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["h5", "hdf5", "ilp"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // A user block of 512, 1024, ... bytes may come first.
        head.starts_with(SIGNATURE)
            || (9..)
                .map(|power| 1_usize << power)
                .take_while(|&at| at < head.len())
                .any(|at| head[at..].starts_with(SIGNATURE))
    }

    fn has_datasets(&self) -> bool {
        true
    }

    fn images_in(&self, path: &Path) -> Result<Vec<String>, Error> {
        let raw = SharedFile::open(path)?;
        let file = library_file(&raw).map_err(|e| refused(&raw, &e))?;
        image_datasets(&raw, &file)
    }

    fn open(
        &self,
        path: &Path,
        internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let raw = SharedFile::open(path)?;
        let file = library_file(&raw).map_err(|e| refused(&raw, &e))?;
        let name = match internal {
            Some(name) => name.trim_matches('/').to_owned(),
            None => only_dataset(&raw, &file)?,
        };
        let dataset = find(&raw, &file, &name)?;
        open_dataset(&raw, &name, dataset, options)
    }
}

/// The file as the library can read it.
fn library_file(raw: &Arc<SharedFile>) -> Result<File, hdf5_pure::Error> {
    let shown = shown_otherwise(raw.len(), &|offset, bytes| {
        raw.read_at(offset, bytes).map_err(|_| std::io::ErrorKind::UnexpectedEof.into())
    });
    if shown.is_empty() {
        return File::open_streaming(raw.path());
    }
    let mut view = raw.view();
    shown.into_iter().for_each(|(offset, bytes)| view.patch(offset, bytes));
    File::from_source(ReadSeekSource::new(view)?)
}

/// An error of the library, as one of ours.
pub(super) fn refused(file: &SharedFile, error: &hdf5_pure::Error) -> Error {
    if matches!(error, hdf5_pure::Error::Format(FormatError::UnsupportedExternalStorage)) {
        return Error::unsupported(
            file.path(),
            "a dataset whose samples lie in other files",
            "copy it into one file with h5repack",
        );
    }
    Error::damaged(file.path(), error.to_string())
}

/// Names of all datasets that may be images, by path.
///
/// # Errors
/// The file can't be read.
fn image_datasets(raw: &SharedFile, file: &File) -> Result<Vec<String>, Error> {
    let is_image = |dataset: &Dataset| {
        let is_image = |shape: Vec<u64>| (2..=5).contains(&shape.len()) && !shape.contains(&0);
        dataset.shape().is_ok_and(is_image) && dataset.datatype().is_ok_and(|t| sample_type(&t).is_some())
    };
    dataset_names(file, &is_image).map_err(|e| refused(raw, &e))
}

/// Paths of the datasets that are `wanted`, sorted.
fn dataset_names(file: &File, wanted: &dyn Fn(&Dataset) -> bool) -> Result<Vec<String>, hdf5_pure::Error> {
    /// Hard links may form cycles.
    const DEEPEST: usize = 32;
    const MOST: usize = 10_000;
    fn visit(
        group: &Group,
        (prefix, depth): (&str, usize),
        wanted: &dyn Fn(&Dataset) -> bool,
        names: &mut Vec<String>,
    ) -> Result<(), hdf5_pure::Error> {
        if depth > DEEPEST || names.len() > MOST {
            return Ok(());
        }
        for name in group.datasets()? {
            if wanted(&group.dataset(&name)?) {
                names.push(format!("{prefix}{name}"));
            }
        }
        for name in group.groups()? {
            visit(&group.group(&name)?, (&format!("{prefix}{name}/"), depth + 1), wanted, names)?;
        }
        Ok(())
    }
    let mut names = Vec::new();
    visit(&file.root(), ("", 0), wanted, &mut names)?;
    names.sort();
    Ok(names)
}

/// Names of all datasets of the HDF5 file at `path`, images or not; none when it is no such file.
pub(in crate::io) fn datasets_of(path: &Path) -> Vec<String> {
    let names = |raw: &Arc<SharedFile>| {
        library_file(raw).and_then(|file| dataset_names(&file, &|_| true)).map_err(|e| refused(raw, &e))
    };
    SharedFile::open(path).and_then(|raw| names(&raw)).unwrap_or_default()
}

/// A few of the datasets of a file without an image, each with what makes it none.
///
/// # Errors
/// The file can't be read.
fn not_images(raw: &SharedFile, file: &File) -> Result<Vec<String>, Error> {
    const MOST: usize = 5;
    let names = dataset_names(file, &|_| true).map_err(|e| refused(raw, &e))?;
    let described = names.iter().take(MOST).map(|name| {
        let dataset = file.dataset(name)?;
        let (shape, datatype) = (dataset.shape()?, dataset.datatype()?);
        Ok(match sample_type(&datatype) {
            Some(_) => format!("'{name}' of shape {shape:?}"),
            None => format!("'{name}' of type {datatype}"),
        })
    });
    let mut described: Vec<String> = described.collect::<Result<_, _>>().map_err(|e| refused(raw, &e))?;
    if names.len() > MOST {
        described.push(format!("{} more", names.len() - MOST));
    }
    Ok(described)
}

fn only_dataset(raw: &SharedFile, file: &File) -> Result<String, Error> {
    let mut names = image_datasets(raw, file)?;
    let path = raw.path().to_owned();
    match (names.pop(), names.is_empty()) {
        (None, _) => Err(Error::NoDataset { path, others: not_images(raw, file)? }),
        (Some(name), true) => Ok(name),
        (Some(name), false) => {
            names.push(name);
            Err(Error::ManyDatasets { path, names })
        }
    }
}

fn find(raw: &SharedFile, file: &File, name: &str) -> Result<Dataset, Error> {
    if let Ok(dataset) = file.dataset(name) {
        return Ok(dataset);
    }
    match followed(raw.path(), name) {
        Some(Leads::Here(name)) => {
            if let Ok(dataset) = file.dataset(&name) {
                return Ok(dataset);
            }
        }
        Some(Leads::Elsewhere(file, inner)) => {
            return Err(Error::unsupported(
                raw.path(),
                format!("'{name}', a link into another file,"),
                format!("name what it leads to: '{file}/{inner}'"),
            ));
        }
        None => {}
    }
    let (path, name) = (raw.path().to_owned(), name.to_owned());
    Err(Error::NoSuchDataset { path, name, names: image_datasets(raw, file)? })
}

/// The sample type of a numeric datatype; h5py's bool is an enumeration over int8.
fn sample_type(datatype: &Datatype) -> Option<(DType, ByteOrder)> {
    let byte_order = |order: &DatatypeByteOrder| match order {
        DatatypeByteOrder::LittleEndian => Some(ByteOrder::Little),
        DatatypeByteOrder::BigEndian => Some(ByteOrder::Big),
        DatatypeByteOrder::Vax => None,
    };
    match datatype {
        Datatype::FixedPoint { size, byte_order: order, layout } => {
            let bits = usize::try_from(*size).ok()? * 8;
            let whole = layout.bit_offset == 0 && usize::from(layout.bit_precision) == bits;
            dtype_of(false, layout.signed, bits).filter(|_| whole).zip(byte_order(order))
        }
        Datatype::FloatingPoint { size, byte_order: order, .. } => {
            dtype_of(true, true, usize::try_from(*size).ok()? * 8).zip(byte_order(order))
        }
        Datatype::Enumeration { base_type, .. } => match sample_type(base_type)? {
            (DType::I8, order) => Some((DType::U8, order)),
            other => Some(other),
        },
        _ => None,
    }
}

fn open_dataset(
    raw: &Arc<SharedFile>,
    name: &str,
    dataset: Dataset,
    options: &OpenOptions,
) -> Result<Arc<dyn ImageReader>, Error> {
    let path = raw.path();
    let refused = |e: hdf5_pure::Error| refused(raw, &e);
    let datatype = dataset.datatype().map_err(refused)?;
    let (dtype, order) = sample_type(&datatype).ok_or_else(|| {
        Error::unsupported(
            path,
            format!("the type of its data, {datatype},"),
            "save it as integers or float32",
        )
    })?;
    let extents = dataset.shape().map_err(refused)?;
    let shape: Vec<usize> = extents.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let bytes = byte_count(&shape, dtype)
        .ok_or_else(|| Error::damaged(path, format!("a dataset of shape {extents:?}")))?;
    let attributes = dataset.attrs().map_err(refused)?;
    let mut found = Found::new(shape.clone(), dtype);
    describe(&attributes, &mut found);
    if !(2..=5).contains(&shape.len()) {
        return Err(Error::Dimensions { path: path.to_owned(), dimensions: shape.len() });
    }
    let item = dtype.size();
    let layout = match dataset.layout() {
        // HDF5 2.0 writes a fifth version of the message for compressed datasets.
        Err(e) if e.to_string().contains("invalid data layout version: 5") => {
            return StoredImage::open(path, found, options, Slices::open(raw, name, dtype)?);
        }
        layout => layout.map_err(refused)?,
    };
    match layout {
        Layout::Chunked { index: Index::BTreeV2, .. } => {
            StoredImage::open(path, found, options, Slices::open(raw, name, dtype)?)
        }
        Layout::Contiguous { address: Some(address), .. } => {
            raw.check_range(address, bytes as u64, || format!("a dataset of shape {shape:?} of {dtype}"))?;
            let planes = RawPlanes {
                file: Arc::clone(raw),
                offsets: vec![address],
                outer: Vec::new(),
                plane: shape,
                item,
                order,
            };
            StoredImage::open(path, found, options, planes)
        }
        Layout::Chunked { .. } if ChunkIndex::supports(&dataset) => {
            let index = ChunkIndex::open(raw, dataset, &shape, dtype, order)?;
            let chunk = index.chunk_shape().to_vec();
            let storage = Chunked::new(path, shape, chunk, item, index, options.memory)?;
            StoredImage::open(path, found, options, storage)
        }
        Layout::Chunked { .. } => {
            let rows = Rows::new(raw, dataset, &shape, item, order)?;
            let chunk = rows.chunk_shape();
            let storage = Chunked::new(path, shape, chunk, item, rows, options.memory)?;
            StoredImage::open(path, found, options, storage)
        }
        Layout::Compact { .. } | Layout::Contiguous { address: None, .. } => {
            if let Some(limit) = options.memory.filter(|&limit| bytes as u64 > limit) {
                return Err(Error::TooLarge { path: path.to_owned(), need: bytes as u64, limit });
            }
            let mut data = dataset.read_raw().map_err(refused)?;
            order.to_native(&mut data, item);
            let storage = InMemory::new(path, &shape, dtype, data)?;
            StoredImage::open(path, found, options, storage)
        }
        other => Err(Error::unsupported(
            path,
            format!("a dataset stored as {other}"),
            "copy it to a chunked dataset, for example with h5repack",
        )),
    }
}

/// Takes axes, pixel sizes and value range from ilastik's attributes, where they fit.
fn describe(attributes: &HashMap<String, AttrValue>, found: &mut Found) {
    let tags = attributes.get("axistags").and_then(text);
    let units = attributes.get("axis_units").and_then(text);
    if let Some((axes, pixel_size)) = tags.and_then(|tags| axistags::parse(&tags, units.as_deref())) {
        if axes.len() == found.shape.len() {
            found.axes = Some(axes);
            found.pixel_size = pixel_size;
        }
    } else if let Some(axes) = attributes.get("axes").and_then(text) {
        // n5-style attribute: keys in Fortran order.
        let reversed: String = axes.chars().rev().collect();
        found.axes = reversed.parse::<AxisOrder>().ok().filter(|axes| axes.len() == found.shape.len());
    }
    found.data_range = attributes.get("drange").and_then(numbers).and_then(|range| match range[..] {
        [low, high] if low < high => Some((low, high)),
        _ => None,
    });
}

fn text(value: &AttrValue) -> Option<String> {
    Some(match value {
        AttrValue::String(text)
        | AttrValue::AsciiString(text)
        | AttrValue::VarLenString(text)
        | AttrValue::VarLenAsciiString(text) => text.clone(),
        AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. } => value.clone(),
        AttrValue::StringArray(texts)
        | AttrValue::AsciiStringArray(texts)
        | AttrValue::VarLenStringArray(texts)
        | AttrValue::VarLenAsciiStringArray(texts) => texts.concat(),
        _ => return None,
    })
}

fn numbers(value: &AttrValue) -> Option<Vec<f64>> {
    Some(match value {
        AttrValue::F64Array(v) => v.clone(),
        AttrValue::F32Array(v) => v.iter().map(|&x| x.into()).collect(),
        AttrValue::U8Array(v) => v.iter().map(|&x| x.into()).collect(),
        AttrValue::U16Array(v) => v.iter().map(|&x| x.into()).collect(),
        AttrValue::U32Array(v) => v.iter().map(|&x| x.into()).collect(),
        AttrValue::U64Array(v) => v.iter().map(|&x| x as f64).collect(),
        AttrValue::I32Array(v) => v.iter().map(|&x| x.into()).collect(),
        AttrValue::I64Array(v) => v.iter().map(|&x| x as f64).collect(),
        _ => return None,
    })
}
