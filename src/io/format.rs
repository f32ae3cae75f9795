//! The seam that image formats plug into.

use std::path::Path;
use std::sync::Arc;

use crate::data::{Axis, AxisOrder, DType, Roi5, Volume};

use super::error::Error;

/// Size of a pixel along one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelSize {
    /// Length.
    pub size: f64,
    /// Unit, such as `µm` or `sec`.
    pub unit: String,
}

/// What a file says about its image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageInfo {
    /// Axes in the file's own order.
    pub axes: AxisOrder,
    /// Shape in canonical order `tzyxc`.
    pub shape: [usize; 5],
    /// Sample type.
    pub dtype: DType,
    /// Pixel sizes in canonical order, where known.
    pub pixel_size: [Option<PixelSize>; 5],
    /// Lowest and highest value the samples may have, where the file says so.
    pub data_range: Option<(f64, f64)>,
}

/// An open image, readable from several threads at once.
pub trait ImageReader: Send + Sync {
    /// What the image is.
    fn info(&self) -> &ImageInfo;

    /// Whether a box can be read without decoding the whole image.
    fn by_region(&self) -> bool {
        true
    }

    /// Extents (`tzyxc`) of the pieces that are decoded as a whole; those at an edge may be smaller. `None` where
    /// the samples lie plain in the file.
    fn pieces(&self) -> Option<[usize; 5]> {
        None
    }

    /// Most bytes that are kept in memory between reads: decoded samples.
    fn kept_bytes(&self) -> u64 {
        0
    }

    /// Reads the box `roi` (`tzyxc`), which must lie inside the image.
    ///
    /// # Errors
    /// The file can't be read or is damaged.
    fn read(&self, roi: &Roi5) -> Result<Volume, Error>;
}

/// What to write.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// Axes of the file, in its own order.
    pub axes: AxisOrder,
    /// Shape in canonical order `tzyxc`; axes that are missing from `axes` must be 1.
    pub shape: [usize; 5],
    /// Sample type.
    pub dtype: DType,
    /// Pixel sizes in canonical order, where known.
    pub pixel_size: [Option<PixelSize>; 5],
    /// Name of the dataset inside the file, where the format has such.
    pub internal_path: String,
    /// Lowest and highest value the samples may have.
    pub data_range: Option<(f64, f64)>,
    /// How ilastik shows it at first, in its word, where the format says such.
    pub display_mode: Option<String>,
    /// Whether samples are numbers of classes, which have no mean.
    pub categorical: bool,
    /// Where its first pixel was in the image that it was cut from, `tzyxc`: the files of a sequence
    /// are numbered from there.
    pub origin: [usize; 5],
}

impl ImageSpec {
    /// An image without pixel sizes, cut from nowhere; the dataset inside an HDF5 file is ilastik's
    /// `exported_data`.
    pub fn new(axes: AxisOrder, shape: [usize; 5], dtype: DType) -> Self {
        ImageSpec {
            axes,
            shape,
            dtype,
            pixel_size: Default::default(),
            internal_path: "exported_data".into(),
            data_range: None,
            display_mode: None,
            categorical: false,
            origin: [0; 5],
        }
    }
}

/// How a file takes the blocks of an image, and what it keeps of them in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Box size (`tzyxc`) that is written best at once; each block begins at a multiple of it and ends
    /// at one or at the image's edge, unless any block will do.
    pub block: [usize; 5],
    /// Whether blocks of any place and size are taken.
    pub any_block: bool,
    /// Bytes kept for each pixel that a block extends along `kept_along`.
    kept: u64,
    kept_along: [bool; 5],
}

impl Intake {
    /// Only whole boxes of `block` pixels (`tzyxc`) are taken; nothing is kept.
    pub fn aligned(block: [usize; 5]) -> Self {
        Intake { block, any_block: false, kept: 0, kept_along: [false; 5] }
    }

    /// Any block is taken, those of `block` pixels (`tzyxc`) best; nothing is kept.
    pub fn any(block: [usize; 5]) -> Self {
        Intake { any_block: true, ..Intake::aligned(block) }
    }

    /// The same, with `bytes` kept until the file is complete.
    pub(super) fn keeping(self, bytes: u64) -> Self {
        Intake { kept: bytes, ..self }
    }

    /// The same, with what is kept now kept for each pixel that a block extends along `axis`.
    pub(super) fn for_each_along(mut self, axis: Axis) -> Self {
        self.kept_along[axis as usize] = true;
        self
    }

    /// Bytes kept in memory until the file is complete, or until the slices are that a block of
    /// `extent` pixels (`tzyxc`) begins.
    pub fn buffered(&self, extent: [usize; 5]) -> u64 {
        let along = extent.iter().zip(self.kept_along).filter(|(_, is_along)| *is_along);
        along.fold(self.kept, |bytes, (&pixels, _)| bytes.saturating_mul(pixels as u64))
    }
}

/// An image being written. Dropped without [`ImageWriter::finish`], it leaves nothing behind.
pub trait ImageWriter: Send {
    /// How it takes blocks.
    fn intake(&self) -> Intake;

    /// Writes the box at `start` (`tzyxc`).
    ///
    /// # Errors
    /// The file can't be written.
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error>;

    /// Completes the file and gives it its final name.
    ///
    /// # Errors
    /// The file can't be written.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// How to open an image.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Overrides what the file says about its axes.
    pub axes: Option<AxisOrder>,
    /// Most bytes to keep in memory for one image: an image that is decoded whole, or four times what
    /// decoded chunks of it are kept in. What is decoded beyond that goes to a temporary file where it can
    /// be decoded piece by piece, and is refused where not.
    pub memory: Option<u64>,
    /// Axis along which the files of a stack follow each other; `z` when not given.
    pub stack_along: Option<Axis>,
}

/// An image format.
pub trait Format: Sync {
    /// Name, such as `tiff`.
    fn name(&self) -> &'static str;

    /// File name extensions, lower case, without the dot.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether the file's first bytes are this format's.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Whether its files are recognised by their first bytes; else their names have to do.
    fn has_signature(&self) -> bool {
        true
    }

    /// Whether a file of a folder is taken for an image of this format, by its name.
    fn is_named_so(&self, path: &Path) -> bool {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        extension.is_some_and(|extension| self.extensions().contains(&extension.as_str()))
    }

    /// Whether a file of this format may hold several datasets, each opened by an inner path.
    fn has_datasets(&self) -> bool {
        false
    }

    /// Names of the images in the file at `path`, where the format has datasets by name.
    ///
    /// # Errors
    /// The file can't be read.
    fn images_in(&self, _path: &Path) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// Opens an image; `internal` names the dataset inside the file, where the format has such.
    ///
    /// # Errors
    /// The file can't be read, is damaged, or holds what is not supported.
    fn open(
        &self,
        path: &Path,
        internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error>;
}

/// All formats, in the order in which they are tried.
pub const FORMATS: &[&dyn Format] = &[
    &super::hdf5::Hdf5,
    &super::tiff::Tiff,
    &super::npy::Npy,
    &super::npz::Npz,
    &super::raster::Png,
    &super::raster::Jpeg,
    &super::raster::Bmp,
    &super::raster::Gif,
    &super::raster::Hdr,
    &super::raster::Sun,
    &super::raster::Exr,
    &super::viff::Viff,
    &super::netpbm::Netpbm,
    &super::raw_binary::RawBinary,
];
