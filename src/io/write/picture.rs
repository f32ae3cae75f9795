//! JPEG, BMP, GIF and Radiance HDR, encoded whole once all samples are there.

use std::borrow::Cow;
use std::io::{self, Write};

use image::{ExtendedColorType, ImageEncoder, ImageError};

use crate::data::{Axis, AxisOrder, Volume};
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::samples::{bytes_in_file_order, copy_box, strides};

use super::{Kind, Sink, plane_axes};

/// A picture being written.
pub(super) struct PictureSink {
    file: PendingFile,
    kind: Kind,
    axes: AxisOrder,
    shape: Vec<usize>,
    /// Bytes of a sample.
    item: usize,
    samples: Vec<u8>,
}

/// The block size of a picture that is written by whole rows, `tzyxc`; `axes` are rows, columns, channels.
pub(super) fn band(image: &[usize; 5], axes: &AxisOrder) -> [usize; 5] {
    const ROWS: usize = 256;
    let rows = axes.axes()[0] as usize;
    let mut block = *image;
    block[rows] = block[rows].min(ROWS);
    block
}

/// Rows, columns and channels of the picture of `spec`.
pub(super) fn picture_axes(spec: &ImageSpec) -> AxisOrder {
    let [rows, columns] = plane_axes(&spec.shape);
    AxisOrder::new([rows, columns, Axis::C]).unwrap_or_else(|_| AxisOrder::canonical())
}

/// Any block; the whole picture is kept, with what encoding it takes.
pub(super) fn intake(kind: Kind, spec: &ImageSpec) -> Intake {
    let channels = spec.shape[Axis::C as usize];
    let samples = (channels * spec.dtype.size()) as u64;
    let pixel_bytes = match kind {
        // What is compressed is kept until it is written.
        Kind::Gif if channels == 1 => samples + 2,
        // The colours are chosen from pixels with alpha, then each pixel becomes the number of one.
        Kind::Gif => samples + 4 + 1,
        _ => samples,
    };
    let axes = picture_axes(spec);
    let sides = axes.pick(&spec.shape);
    let bytes = sides[..2].iter().fold(pixel_bytes, |n, &side| n.saturating_mul(side as u64));
    Intake::any(band(&spec.shape, &axes)).keeping(bytes)
}

/// JPEG's quality, of 100.
const QUALITY: u8 = 95;

impl PictureSink {
    /// A picture of the two wide axes of `spec` and its channels.
    pub(super) fn create(file: PendingFile, kind: Kind, spec: &ImageSpec) -> Self {
        let axes = picture_axes(spec);
        let shape = axes.pick(&spec.shape);
        let item = spec.dtype.size();
        let samples = vec![0; shape.iter().product::<usize>() * item];
        PictureSink { file, kind, axes, shape, item, samples }
    }

    fn encode(&self) -> Result<(), ImageError> {
        let (rows, columns) = (self.shape[0] as u32, self.shape[1] as u32);
        let color = if self.shape[2] == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let mut out = io::BufWriter::new(self.file.file());
        match self.kind {
            Kind::Gif => self.encode_gif(&mut out).map_err(ImageError::IoError)?,
            Kind::Hdr => {
                let color = ExtendedColorType::Rgb32F;
                image::codecs::hdr::HdrEncoder::new(&mut out).write_image(
                    &self.samples,
                    columns,
                    rows,
                    color,
                )?;
            }
            Kind::Bmp => {
                image::codecs::bmp::BmpEncoder::new(&mut out).write_image(
                    &self.samples,
                    columns,
                    rows,
                    color,
                )?;
            }
            _ => image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY).write_image(
                &self.samples,
                columns,
                rows,
                color,
            )?,
        }
        out.flush().map_err(ImageError::IoError)
    }

    /// All grays as they are; of colours the 256 that come nearest where there are more.
    fn encode_gif(&self, out: &mut impl Write) -> io::Result<()> {
        /// Of 1 (most exact) to 30, the library's own choice for pictures.
        const SPEED: i32 = 10;
        let side = |n: usize| u16::try_from(n).map_err(io::Error::other);
        let (height, width) = (side(self.shape[0])?, side(self.shape[1])?);
        let grays: Vec<u8> = (0..=u8::MAX).flat_map(|gray| [gray; 3]).collect();
        let (palette, frame) = match self.shape[2] {
            1 => {
                let buffer = Cow::Borrowed(&self.samples[..]);
                (&grays[..], gif::Frame { width, height, buffer, ..gif::Frame::default() })
            }
            _ => (&[][..], gif::Frame::from_rgb_speed(width, height, &self.samples, SPEED)),
        };
        let mut encoder = gif::Encoder::new(out, width, height, palette).map_err(said_by_gif)?;
        encoder.write_frame(&frame).map_err(said_by_gif)?;
        // Writes the end of the file, which would go wrong silently otherwise.
        encoder.into_inner().map_err(said_by_gif)?;
        Ok(())
    }
}

fn said_by_gif(error: gif::EncodingError) -> io::Error {
    match error {
        gif::EncodingError::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}

impl Sink for PictureSink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let mut bytes = bytes_in_file_order(block, &self.axes);
        if self.kind == Kind::Hdr {
            make_representable(&mut bytes);
        }
        let part = self.axes.pick(&block.shape());
        let target = strides(&self.shape);
        let offset = self.axes.pick(&start).iter().zip(&target).map(|(i, s)| i * s).sum();
        let source = (&bytes[..], &strides(&part)[..], 0);
        copy_box(self.item, &part, source, (&mut self.samples, &target, offset));
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        self.encode().map_err(|e| match e {
            ImageError::IoError(e) => Error::io(self.file.target(), e),
            e => Error::io(self.file.target(), io::Error::other(e.to_string())),
        })?;
        Ok(vec![self.file.seal()?])
    }
}

/// Brings floats into the range of Radiance HDR's common exponents: negative, tiny and undefined ones become
/// 0.
fn make_representable(bytes: &mut [u8]) {
    let range = 2_f32.powi(-126)..=2_f32.powi(126);
    for bytes in bytes.chunks_exact_mut(size_of::<f32>()) {
        let mut sample = [0; size_of::<f32>()];
        sample.copy_from_slice(bytes);
        let value = f32::from_ne_bytes(sample);
        let value = if value >= *range.start() { value.min(*range.end()) } else { 0.0 };
        bytes.copy_from_slice(&value.to_ne_bytes());
    }
}
