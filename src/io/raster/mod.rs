//! Two-dimensional pictures that are decoded whole: PNG, JPEG, BMP.
//!
//! As ilastik has them: axes `yxc` even for one channel, palettes expanded, 16-bit samples kept.

mod bmp;
mod jpeg;
mod png;

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use image::{ColorType, DynamicImage, ImageDecoder};

use crate::data::DType;

use super::error::Error;
use super::file::SharedFile;
use super::format::{ImageReader, OpenOptions};
use super::storage::{Found, InMemory, StoredImage};

pub(super) use self::bmp::Bmp;
pub(super) use self::jpeg::Jpeg;
pub(super) use self::png::Png;

/// Decodes a picture whole. `ratio` bounds how many decoded bytes a byte of such a file can hold, so
/// that a small file can't claim a huge picture.
fn open(
    path: &Path,
    format: image::ImageFormat,
    ratio: u64,
    options: &OpenOptions,
) -> Result<Arc<dyn ImageReader>, Error> {
    let file = SharedFile::open(path)?;
    let mut reader = image::ImageReader::with_format(BufReader::new(file.view()), format);
    reader.no_limits();
    let decoder = reader.into_decoder().map_err(|e| refused(&file, e))?;
    let (width, height) = decoder.dimensions();
    let need = decoder.total_bytes();
    if need / ratio > file.len() {
        let what = format!("it claims {width} x {height} pixels in {} bytes", file.len());
        return Err(Error::damaged(path, what));
    }
    if let Some(limit) = options.memory.filter(|&limit| need > limit) {
        return Err(Error::TooLarge { path: path.to_owned(), need, limit });
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| refused(&file, e))?;
    let channels = usize::from(picture.color().channel_count());
    let dtype = match picture.color() {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => DType::U16,
        _ => DType::U8,
    };
    let bytes = picture.into_bytes();
    let mut found = Found::new(vec![height as usize, width as usize, channels], dtype);
    found.axes = "yxc".parse().ok();
    let storage = InMemory::new(path, &found.shape, dtype, bytes)?;
    StoredImage::open(path, found, options, storage)
}

fn refused(file: &SharedFile, error: image::ImageError) -> Error {
    match error {
        image::ImageError::Unsupported(e) => Error::unsupported(
            file.path(),
            format!("this kind of picture ({e})"),
            "convert it to an 8- or 16-bit PNG or to TIFF",
        ),
        image::ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Error::Truncated {
            path: file.path().to_owned(),
            what: "the picture".into(),
            need: file.len() + 1,
            have: file.len(),
        },
        e => Error::damaged(file.path(), e.to_string()),
    }
}
