//! JPEG and BMP, encoded whole once all samples are there.

use image::{ExtendedColorType, ImageEncoder, ImageError};

use crate::data::{Axis, AxisOrder, Volume};
use crate::io::atomic::{PendingFile, SealedFile};
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

/// Any block; the whole picture is kept.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    let samples = spec.shape.iter().fold(spec.dtype.size() as u64, |n, &m| n.saturating_mul(m as u64));
    Intake::any(band(&spec.shape, &picture_axes(spec))).keeping(samples)
}

/// JPEG's quality, of 100.
const QUALITY: u8 = 95;

impl PictureSink {
    /// A picture of the two wide axes of `spec` and its channels.
    pub(super) fn create(file: PendingFile, kind: Kind, spec: &ImageSpec) -> Self {
        let axes = picture_axes(spec);
        let shape = axes.pick(&spec.shape);
        let samples = vec![0; shape.iter().product::<usize>()];
        PictureSink { file, kind, axes, shape, samples }
    }

    fn encode(&self) -> Result<(), ImageError> {
        let (rows, columns) = (self.shape[0] as u32, self.shape[1] as u32);
        let color = if self.shape[2] == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let mut out = std::io::BufWriter::new(self.file.file());
        if self.kind == Kind::Jpeg {
            image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY).write_image(
                &self.samples,
                columns,
                rows,
                color,
            )?;
        } else {
            image::codecs::bmp::BmpEncoder::new(&mut out).write_image(&self.samples, columns, rows, color)?;
        }
        std::io::Write::flush(&mut out).map_err(ImageError::IoError)
    }
}

impl Sink for PictureSink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let bytes = bytes_in_file_order(block, &self.axes);
        let part = self.axes.pick(&block.shape());
        let target = strides(&self.shape);
        let offset = self.axes.pick(&start).iter().zip(&target).map(|(i, s)| i * s).sum();
        let source = (&bytes[..], &strides(&part)[..], 0);
        copy_box(1, &part, source, (&mut self.samples, &target, offset));
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Vec<SealedFile>, Error> {
        self.encode().map_err(|e| match e {
            ImageError::IoError(e) => Error::io(self.file.target(), e),
            e => Error::io(self.file.target(), std::io::Error::other(e.to_string())),
        })?;
        Ok(vec![self.file.seal()?])
    }
}
