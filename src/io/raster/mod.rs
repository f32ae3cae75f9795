//! Two-dimensional pictures, decoded at the first read.
//!
//! As ilastik has them: axes `yxc` even for one channel, palettes expanded, 16-bit samples kept.

mod bmp;
mod exr;
mod gif;
mod hdr;
mod jpeg;
mod png;
mod sun;

use std::sync::Arc;

use crate::data::DType;

use super::decoded::{Decode, Decoded};
use super::error::Error;
use super::file::SharedFile;
use super::format::{ImageReader, OpenOptions};
use super::storage::{Found, StoredImage};

pub(super) use self::bmp::Bmp;
pub(super) use self::exr::Exr;
pub(super) use self::gif::Gif;
pub(super) use self::hdr::Hdr;
pub(super) use self::jpeg::Jpeg;
pub(super) use self::png::Png;
pub(super) use self::sun::Sun;

/// What a picture's header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) dtype: DType,
}

impl Picture {
    /// Bytes of its samples.
    fn bytes(self) -> u64 {
        let Picture { width, height, channels, dtype } = self;
        [width, height, channels]
            .iter()
            .fold(dtype.size() as u64, |n, &extent| n.saturating_mul(extent as u64))
    }

    /// Whether `file` can hold the picture. `ratio` bounds how many decoded bytes a byte of such a file can hold, so
    /// that a small file can't claim a huge picture.
    fn check_claim(self, file: &SharedFile, ratio: u64) -> Result<(), Error> {
        if self.bytes() / ratio <= file.len() {
            return Ok(());
        }
        let what = format!("it claims {} x {} pixels in {} bytes", self.width, self.height, file.len());
        Err(Error::damaged(file.path(), what))
    }

    /// Opens the picture, where [`Picture::check_claim`] finds nothing.
    pub(super) fn open(
        self,
        file: &SharedFile,
        ratio: u64,
        decoder: impl Decode + 'static,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let Picture { width, height, channels, dtype } = self;
        let shape = vec![height, width, channels];
        self.check_claim(file, ratio)?;
        let mut found = Found::new(shape.clone(), dtype);
        found.axes = "yxc".parse().ok();
        let storage = Decoded::new(file.path(), shape, dtype, decoder, options.memory)?;
        StoredImage::open(file.path(), found, options, storage)
    }
}

/// The error for a picture that ends before its data does.
pub(super) fn cut_off(file: &SharedFile) -> Error {
    Error::Truncated {
        path: file.path().to_owned(),
        what: "the picture".into(),
        need: file.len() + 1,
        have: file.len(),
    }
}

/// An error of the decoding library, as one of ours.
fn refused(file: &SharedFile, error: image::ImageError) -> Error {
    match error {
        image::ImageError::Unsupported(e) => unsupported(file, format!("this kind of picture ({e})")),
        image::ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => cut_off(file),
        e => Error::damaged(file.path(), e.to_string()),
    }
}

fn unsupported(file: &SharedFile, what: String) -> Error {
    Error::unsupported(file.path(), what, "convert it to an 8- or 16-bit PNG or to TIFF")
}
