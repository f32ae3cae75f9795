//! Several files that make one image, stacked along z, t or c.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array5, Axis as ArrayAxis, concatenate};

use crate::data::volume::Sample;
use crate::data::{Axis, AxisOrder, Roi5, Volume};

use super::error::Error;
use super::format::{ImageInfo, ImageReader, OpenOptions};
use super::open::open_one;

/// The files that `location` names: patterns (`dir/*.png`) and lists joined by `:` expanded, each
/// pattern's files sorted by name.
pub(super) fn expand(location: &str) -> Result<Vec<String>, Error> {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let mut files = Vec::new();
    for part in location.split(separator).filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) || PathBuf::from(part).exists() {
            files.push(part.to_owned());
            continue;
        }
        let bad = |e: glob::PatternError| Error::BadPattern { pattern: part.into(), why: e.to_string() };
        let mut found: Vec<String> = glob::glob(part)
            .map_err(bad)?
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
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

/// Opens files as one image; they must be alike.
pub(super) fn open(files: &[String], options: &OpenOptions) -> Result<Arc<dyn ImageReader>, Error> {
    let axis = options.stack_along.unwrap_or(Axis::Z);
    // The axes given are those of the stack.
    let mut single = options.clone();
    single.axes = match &options.axes {
        Some(axes) if axes.contains(axis) => {
            AxisOrder::new(axes.axes().iter().copied().filter(|&a| a != axis)).ok()
        }
        axes => axes.clone(),
    };
    // With axis c stacked, files of a 1-channel format still have their own c.
    let reader = |file: &String| match open_one(file, &single) {
        Err(Error::Axes { .. }) if single.axes != options.axes => {
            open_one(file, &OpenOptions { axes: None, ..single.clone() })
        }
        result => result,
    };
    let first = reader(&files[0])?;
    let mut info = first.info().clone();
    let path = |i: usize| PathBuf::from(&files[i]);
    let size = info.shape[axis as usize];
    if size != 1 {
        return Err(Error::StackAxis { path: path(0), axis: axis.key(), size });
    }
    for (i, file) in files.iter().enumerate().skip(1) {
        let other = reader(file)?;
        let other = other.info();
        let what = if other.shape != info.shape {
            format!("its shape is {:?} (tzyxc), not {:?}", other.shape, info.shape)
        } else if other.dtype != info.dtype {
            format!("its samples are {}, not {}", other.dtype, info.dtype)
        } else {
            continue;
        };
        return Err(Error::StackMismatch { path: path(i), first: path(0), what });
    }
    info.shape[axis as usize] = files.len();
    let rest = info.axes.axes().iter().copied().filter(|&a| a != axis);
    if let Some(axes) = options.axes.clone().filter(|axes| axes.contains(axis)) {
        info.axes = axes;
    } else if axis == Axis::C {
        info.axes = AxisOrder::new(rest.chain([axis])).unwrap_or_else(|_| AxisOrder::canonical());
    } else {
        info.axes = AxisOrder::new([axis].into_iter().chain(rest)).unwrap_or_else(|_| AxisOrder::canonical());
    }
    info.pixel_size[axis as usize] = None;
    let files = files.to_vec();
    Ok(Arc::new(Stack { files, options: single, axis, info, open: Mutex::new(vec![(0, first)]) }))
}

/// A stack; files are opened when they are read, and a few stay open.
struct Stack {
    files: Vec<String>,
    options: OpenOptions,
    axis: Axis,
    info: ImageInfo,
    open: Mutex<Vec<(usize, Arc<dyn ImageReader>)>>,
}

/// Files kept open; pictures are kept decoded.
const OPEN: usize = 8;

impl Stack {
    fn reader(&self, index: usize) -> Result<Arc<dyn ImageReader>, Error> {
        let lock = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reader)) = lock().iter().find(|(i, _)| *i == index) {
            return Ok(Arc::clone(reader));
        }
        let reader = match open_one(&self.files[index], &self.options) {
            Err(Error::Axes { .. }) => {
                open_one(&self.files[index], &OpenOptions { axes: None, ..self.options.clone() })?
            }
            result => result?,
        };
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

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        let axis = self.axis as usize;
        if !Roi5::whole(self.info.shape).encloses(roi) {
            let path = PathBuf::from(&self.files[0]);
            return Err(Error::Outside { path, roi: Box::new(*roi), shape: Box::new(self.info.shape) });
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
