//! Several files that make one image, stacked along z, t or c.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array5, Axis as ArrayAxis, concatenate};

use crate::data::volume::Sample;
use crate::data::{Axis, AxisOrder, DType, Roi5, Volume};

use super::chunked::{Chunk, ChunkSource, Chunked};
use super::error::Error;
use super::format::{ImageInfo, ImageReader, OpenOptions};
use super::open::{open_one, split_dataset};
use super::samples::{bytes_in_file_order, volume_from_file_order, with_dtype};
use super::storage::{Storage, byte_count};

/// The files that `location` names: patterns (`dir/*.png`) and lists joined by `:` expanded, each
/// pattern's files sorted by name.
///
/// # Errors
/// A pattern that is none, or that nothing matches.
pub fn expand(location: &str) -> Result<Vec<String>, Error> {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let mut files = Vec::new();
    for part in location.split(separator).filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) || PathBuf::from(part).exists() {
            files.push(part.to_owned());
            continue;
        }
        let bad = |e: glob::PatternError| Error::BadPattern { pattern: part.into(), why: e.to_string() };
        let (pattern, inner) = split_dataset(part);
        let inner = inner.map(glob::Pattern::new).transpose().map_err(bad)?;
        let paths = glob::glob(pattern).map_err(bad)?.filter_map(Result::ok).filter(|path| path.is_file());
        let mut found = Vec::new();
        for path in paths {
            let file = path.to_string_lossy().into_owned();
            match &inner {
                None => found.push(file),
                Some(inner) => {
                    let names = super::images_in(&path)?.into_iter();
                    found.extend(
                        names.filter(|name| inner.matches(name)).map(|name| format!("{file}/{name}")),
                    );
                }
            }
        }
        if found.is_empty() {
            return Err(Error::NoMatch { pattern: part.into() });
        }
        found.sort();
        files.append(&mut found);
    }
    if files.is_empty() {
        return Err(Error::NoMatch { pattern: location.into() });
    }
    Ok(files)
}

/// ilastik's name for a stack of files: what their names begin with, or that of the first. `None` for one file.
pub fn stack_name(location: &str) -> Option<String> {
    if Path::new(location).exists() {
        return None;
    }
    let files = expand(location).ok().filter(|files| files.len() > 1 || files[0] != location)?;
    let stem = |file: &String| Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let first = stem(&files[0]);
    let common = files.iter().skip(1).map(stem).fold(first.clone(), |common, stem| {
        let same = common.chars().zip(stem.chars()).take_while(|(a, b)| a == b);
        same.map(|(a, _)| a).collect()
    });
    Some(if common.is_empty() { format!("stack_at-{first}") } else { common })
}

/// Opens files as one image; they must be alike.
pub(super) fn open(files: &[String], options: &OpenOptions) -> Result<Arc<dyn ImageReader>, Error> {
    let axis = options.stack_along.unwrap_or(Axis::Z);
    let mut files = Files { locations: files.to_vec(), options: options.clone(), axis, like: None };
    let first = files.open(0)?;
    let mut info = first.info().clone();
    let path = PathBuf::from(&files.locations[0]);
    let size = info.shape[axis as usize];
    if size != 1 {
        return Err(Error::StackAxis { path, axis: axis.key(), size });
    }
    files.like = Some((info.shape, info.dtype));
    for i in 1..files.locations.len() {
        files.open(i)?;
    }
    info.shape[axis as usize] = files.locations.len();
    let rest = info.axes.axes().iter().copied().filter(|&a| a != axis);
    if let Some(axes) = options.axes.clone().filter(|axes| axes.contains(axis)) {
        info.axes = axes;
    } else if axis == Axis::C {
        info.axes = AxisOrder::new(rest.chain([axis])).unwrap_or_else(|_| AxisOrder::canonical());
    } else {
        info.axes = AxisOrder::new([axis].into_iter().chain(rest)).unwrap_or_else(|_| AxisOrder::canonical());
    }
    info.pixel_size[axis as usize] = None;
    let dimensions =
        Axis::ALL.iter().filter(|&&a| info.shape[a as usize] > 1 || info.axes.contains(a)).count();
    info.axes = info.axes.fitting(dimensions).map_err(|error| Error::Axes { path: path.clone(), error })?;
    byte_count(&info.shape, info.dtype)
        .ok_or_else(|| Error::damaged(&path, format!("a stack of shape {:?} is impossible", info.shape)))?;
    if first.by_region() {
        // A few files are open at a time, each with its share.
        files.options.memory = options.memory.map(|bytes| bytes / OPEN as u64);
        let kept_bytes = files.open(0)?.kept_bytes();
        let pieces = first.pieces();
        return Ok(Arc::new(Stack { files, info, open: Mutex::default(), kept_bytes, pieces }));
    }
    let (shape, chunk) = (info.shape.to_vec(), first.info().shape.to_vec());
    let samples = Chunked::new(&path, shape, chunk, info.dtype.size(), files, options.memory)?;
    Ok(Arc::new(Pictures { path, info, samples }))
}

/// The files of a stack.
struct Files {
    locations: Vec<String>,
    /// How the stack is to be opened.
    options: OpenOptions,
    /// The axis along which the files follow each other.
    axis: Axis,
    /// Shape (`tzyxc`) and sample type that each must have, once known.
    like: Option<([usize; 5], DType)>,
}

impl Files {
    /// Opens file `index`, which must be like the first.
    fn open(&self, index: usize) -> Result<Arc<dyn ImageReader>, Error> {
        let location = &self.locations[index];
        // The axes given are those of the stack.
        let mut single = self.options.clone();
        if let Some(axes) = single.axes.as_ref().filter(|axes| axes.contains(self.axis)) {
            single.axes = AxisOrder::new(axes.axes().iter().copied().filter(|&a| a != self.axis)).ok();
        }
        let reader = match open_one(location, &single) {
            // With axis c stacked, files of a 1-channel format still have their own c.
            Err(Error::Axes { .. }) if self.options.axes.is_some() => {
                open_one(location, &OpenOptions { axes: None, ..single })?
            }
            result => result?,
        };
        let info = reader.info();
        let Some((shape, dtype)) = self.like else { return Ok(reader) };
        let what = if info.shape != shape {
            format!("its shape is {:?} (tzyxc), not {shape:?}", info.shape)
        } else if info.dtype != dtype {
            format!("its samples are {}, not {dtype}", info.dtype)
        } else {
            return Ok(reader);
        };
        let (path, first) = (PathBuf::from(location), PathBuf::from(&self.locations[0]));
        Err(Error::StackMismatch { path, first, what })
    }
}

impl ChunkSource for Files {
    fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
        let reader = self.open(index[self.axis as usize])?;
        let volume = reader.read(&Roi5::whole(reader.info().shape))?;
        let bytes = bytes_in_file_order(&volume, &AxisOrder::canonical());
        Ok(Chunk { shape: volume.shape().to_vec(), bytes })
    }
}

/// The error for a region outside the image.
fn outside(path: PathBuf, roi: &Roi5, shape: [usize; 5]) -> Error {
    Error::Outside { path, roi: Box::new(*roi), shape: Box::new(shape) }
}

/// A stack of files that can only be decoded whole, such as pictures: each is a chunk.
struct Pictures {
    /// The first file.
    path: PathBuf,
    info: ImageInfo,
    /// Samples in the order `tzyxc`.
    samples: Chunked<Files>,
}

impl ImageReader for Pictures {
    fn info(&self) -> &ImageInfo {
        &self.info
    }

    fn pieces(&self) -> Option<[usize; 5]> {
        self.samples.pieces()?.try_into().ok()
    }

    fn kept_bytes(&self) -> u64 {
        self.samples.kept_bytes()
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        if !Roi5::whole(self.info.shape).encloses(roi) {
            return Err(outside(self.path.clone(), roi, self.info.shape));
        }
        let shape = roi.shape();
        if roi.is_empty() {
            return Ok(Volume::zeros(self.info.dtype, shape));
        }
        with_dtype!(self.info.dtype, T => {
            let mut data = vec![T::default(); roi.len()];
            self.samples.read_box(&roi.start, &shape, bytemuck::cast_slice_mut(&mut data))?;
            Ok(volume_from_file_order(data, &shape, &AxisOrder::canonical()))
        })
    }
}

/// A stack of files that are read by region; they are opened when they are read, and a few stay open.
struct Stack {
    files: Files,
    info: ImageInfo,
    open: Mutex<Vec<(usize, Arc<dyn ImageReader>)>>,
    /// What one open file keeps.
    kept_bytes: u64,
    /// The pieces that a file is decoded in.
    pieces: Option<[usize; 5]>,
}

/// Files kept open.
const OPEN: usize = 8;

impl Stack {
    fn reader(&self, index: usize) -> Result<Arc<dyn ImageReader>, Error> {
        let lock = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reader)) = lock().iter().find(|(i, _)| *i == index) {
            return Ok(Arc::clone(reader));
        }
        let reader = self.files.open(index)?;
        let mut open = lock();
        if open.len() >= OPEN {
            open.remove(0);
        }
        open.push((index, Arc::clone(&reader)));
        Ok(reader)
    }
}

impl ImageReader for Stack {
    fn info(&self) -> &ImageInfo {
        &self.info
    }

    fn pieces(&self) -> Option<[usize; 5]> {
        self.pieces
    }

    fn kept_bytes(&self) -> u64 {
        self.kept_bytes * OPEN.min(self.files.locations.len()) as u64
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        let axis = self.files.axis as usize;
        if !Roi5::whole(self.info.shape).encloses(roi) {
            return Err(outside(PathBuf::from(&self.files.locations[0]), roi, self.info.shape));
        }
        let mut slice = *roi;
        (slice.start[axis], slice.stop[axis]) = (0, 1);
        let parts: Vec<Volume> = (roi.start[axis]..roi.stop[axis])
            .map(|index| self.reader(index)?.read(&slice))
            .collect::<Result<_, _>>()?;
        let Some(first) = parts.first() else { return Ok(Volume::zeros(self.info.dtype, roi.shape())) };
        Ok(crate::with_volume!(first, array => joined(array, &parts, axis)))
    }
}

/// Volumes of the type of `_first`, one after another along `axis`.
fn joined<T: Sample + TypedVolume>(_first: &Array5<T>, parts: &[Volume], axis: usize) -> Volume {
    let views: Vec<_> = parts.iter().filter_map(T::array).map(|array| array.view()).collect();
    // Shapes and types were compared when the stack was opened.
    T::volume(concatenate(ArrayAxis(axis), &views).unwrap_or_default())
}

/// The typed array inside a volume.
trait TypedVolume: Sized {
    fn array(volume: &Volume) -> Option<&Array5<Self>>;
}

macro_rules! typed {
    ($($t:ty => $v:ident),*) => {$(
        impl TypedVolume for $t {
            fn array(volume: &Volume) -> Option<&Array5<Self>> {
                if let Volume::$v(array) = volume { Some(array) } else { None }
            }
        }
    )*};
}
typed!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => I8, i16 => I16, i32 => I32, i64 => I64, f32 => F32, f64 => F64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_reach_into_files_of_datasets() {
        let file = "tests/fixtures/images/types.h5";
        let all = expand(&format!("{file}/*")).expect("datasets");
        assert!(all.len() > 4 && all.iter().all(|one| one.starts_with(&format!("{file}/"))), "{all:?}");
        let unsigned = expand("tests/fixtures/images/ty*.h5/u*").expect("datasets");
        assert!(!unsigned.is_empty() && unsigned.len() < all.len(), "{unsigned:?}");
        assert!(matches!(expand(&format!("{file}/none*")), Err(Error::NoMatch { .. })));
        let arrays = expand("tests/fixtures/images/sto*.npz/*").expect("arrays");
        assert!(arrays.len() > 1 && arrays.iter().all(|array| array.contains("stored.npz/")), "{arrays:?}");
        let one = open_one(&unsigned[0], &OpenOptions::default()).expect("opens");
        assert!(one.info().dtype.name().starts_with('u'));
    }

    #[test]
    fn stacks_are_named_by_what_their_files_begin_with() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        for name in ["embryo_z01.png", "embryo_z02.png", "other.png"] {
            std::fs::write(path(name), b"").expect("written");
        }
        assert_eq!(stack_name(&path("embryo*.png")).as_deref(), Some("embryo_z0"));
        assert_eq!(stack_name(&path("*.png")).as_deref(), Some("stack_at-embryo_z01"));
        let listed = [path("embryo_z02.png"), path("other.png")].join(":");
        assert_eq!(stack_name(&listed).as_deref(), Some("stack_at-embryo_z02"));
        assert_eq!(stack_name(&path("other.png")), None);
        assert_eq!(stack_name(&path("a.h5/inner")), None);
    }
}
