//! N-dimensional arrays as files keep them, and the image reader that stands on one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{AxisOrder, DType, Roi5, Volume};

use super::error::Error;
use super::format::{ImageInfo, ImageReader, OpenOptions, PixelSize};
use super::samples::{copy_box, strides, volume_from_file_order, with_dtype};

/// An array in a file, in the file's own order of dimensions.
pub(super) trait Storage: Send + Sync {
    /// Reads the box of `shape` at `start` into `out`: C order, the machine's byte order.
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error>;

    /// Whether a box can be read without decoding the whole array.
    fn by_region(&self) -> bool {
        true
    }

    /// Extents of the pieces that are decoded as a whole, in the array's order; `None` where samples lie plain.
    fn pieces(&self) -> Option<Vec<usize>> {
        None
    }

    /// As [`ImageReader::kept_bytes`].
    fn kept_bytes(&self) -> u64 {
        0
    }
}

impl Storage for Box<dyn Storage> {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        (**self).read_box(start, shape, out)
    }

    fn by_region(&self) -> bool {
        (**self).by_region()
    }

    fn pieces(&self) -> Option<Vec<usize>> {
        (**self).pieces()
    }

    fn kept_bytes(&self) -> u64 {
        (**self).kept_bytes()
    }
}

/// What a format found out about an image before axes were settled.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Extents, outermost first.
    pub(super) shape: Vec<usize>,
    /// Sample type.
    pub(super) dtype: DType,
    /// Axes, where the file says so.
    pub(super) axes: Option<AxisOrder>,
    /// Pixel sizes in canonical order.
    pub(super) pixel_size: [Option<PixelSize>; 5],
    /// Range of values.
    pub(super) data_range: Option<(f64, f64)>,
}

impl Found {
    /// An image of which only shape and type are known.
    pub(super) fn new(shape: Vec<usize>, dtype: DType) -> Self {
        Found { shape, dtype, axes: None, pixel_size: Default::default(), data_range: None }
    }

    /// Settles the axes: the user's, else the file's, else ilastik's guess.
    fn settle(self, path: &Path, options: &OpenOptions) -> Result<ImageInfo, Error> {
        let dimensions = self.shape.len();
        let own = self.axes.clone();
        let axes = options
            .axes
            .clone()
            .or(self.axes)
            .or_else(|| AxisOrder::guess(&self.shape))
            .ok_or_else(|| Error::Dimensions { path: path.to_owned(), dimensions })?
            .fitting(dimensions)
            .map_err(|error| Error::Axes { path: path.to_owned(), error })?;
        if self.shape.contains(&0) {
            return Err(Error::damaged(
                path,
                format!("the image has no pixels, its shape is {:?}", self.shape),
            ));
        }
        byte_count(&self.shape, self.dtype).ok_or_else(|| {
            Error::damaged(path, format!("an image of shape {:?} is impossible", self.shape))
        })?;
        Ok(ImageInfo {
            shape: axes.canonical_shape(&self.shape),
            dtype: self.dtype,
            // Sizes are those of the file's own axes; a project that names these keeps them.
            pixel_size: if own.is_some_and(|own| own != axes) { Default::default() } else { self.pixel_size },
            data_range: self.data_range,
            axes,
        })
    }
}

/// Bytes of an array; `None` when a machine can't address them.
pub(super) fn byte_count(shape: &[usize], dtype: DType) -> Option<usize> {
    shape
        .iter()
        .try_fold(dtype.size(), |n, &extent| n.checked_mul(extent))
        .filter(|&n| isize::try_from(n).is_ok())
}

/// An image whose samples lie in a [`Storage`].
pub(super) struct StoredImage {
    path: PathBuf,
    info: ImageInfo,
    storage: Box<dyn Storage>,
}

impl StoredImage {
    /// An image at `path` with what was `found` about it.
    pub(super) fn open(
        path: &Path,
        found: Found,
        options: &OpenOptions,
        storage: impl Storage + 'static,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let info = found.settle(path, options)?;
        Ok(Arc::new(StoredImage { path: path.to_owned(), info, storage: Box::new(storage) }))
    }
}

impl ImageReader for StoredImage {
    fn info(&self) -> &ImageInfo {
        &self.info
    }

    fn by_region(&self) -> bool {
        self.storage.by_region()
    }

    fn pieces(&self) -> Option<[usize; 5]> {
        self.storage.pieces().map(|extents| self.info.axes.canonical_shape(&extents))
    }

    fn kept_bytes(&self) -> u64 {
        self.storage.kept_bytes()
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        let info = &self.info;
        if !Roi5::whole(info.shape).encloses(roi) {
            return Err(Error::Outside {
                path: self.path.clone(),
                roi: Box::new(*roi),
                shape: Box::new(info.shape),
            });
        }
        if roi.is_empty() {
            return Ok(Volume::zeros(info.dtype, roi.shape()));
        }
        let start = info.axes.pick(&roi.start);
        let shape = info.axes.pick(&roi.shape());
        with_dtype!(info.dtype, T => {
            let mut data = vec![T::default(); roi.len()];
            self.storage.read_box(&start, &shape, bytemuck::cast_slice_mut(&mut data))?;
            Ok(volume_from_file_order(data, &shape, &info.axes))
        })
    }
}

/// An array in memory, C order, the machine's byte order.
pub(super) struct InMemory {
    strides: Vec<usize>,
    item: usize,
    bytes: Vec<u8>,
}

impl InMemory {
    /// The array `bytes` of extents `shape`.
    pub(super) fn new(path: &Path, shape: &[usize], dtype: DType, bytes: Vec<u8>) -> Result<Self, Error> {
        if byte_count(shape, dtype) != Some(bytes.len()) {
            let what = format!("{} bytes for an image of shape {shape:?} of {dtype}", bytes.len());
            return Err(Error::damaged(path, what));
        }
        Ok(InMemory { strides: strides(shape), item: dtype.size(), bytes })
    }
}

impl Storage for InMemory {
    fn kept_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let offset = start.iter().zip(&self.strides).map(|(a, b)| a * b).sum();
        let source = (&self.bytes[..], &self.strides[..], offset);
        copy_box(self.item, shape, source, (out, &strides(shape), 0));
        Ok(())
    }
}
