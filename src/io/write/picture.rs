//! PNG, JPEG and BMP, encoded whole once all samples are there.

use image::{ExtendedColorType, ImageEncoder, ImageError};

use crate::data::{Axis, AxisOrder, DType, Volume};
use crate::io::atomic::{PendingFile, SealedFile};
use crate::io::error::Error;
use crate::io::format::ImageSpec;
use crate::io::samples::{bytes_in_file_order, copy_box, strides};

use super::{Kind, Sink, plane_axes};

/// A picture being written.
pub(super) struct PictureSink {
    file: PendingFile,
    kind: Kind,
    axes: AxisOrder,
    shape: Vec<usize>,
    image: [usize; 5],
    dtype: DType,
    samples: Vec<u8>,
}

/// JPEG's quality, of 100.
const QUALITY: u8 = 95;

impl PictureSink {
    /// A picture of the two wide axes of `spec` and its channels.
    pub(super) fn create(file: PendingFile, kind: Kind, spec: &ImageSpec) -> Self {
        let [rows, columns] = plane_axes(&spec.shape);
        let axes = AxisOrder::new([rows, columns, Axis::C]).unwrap_or_else(|_| AxisOrder::canonical());
        let shape = axes.pick(&spec.shape);
        let samples = vec![0; shape.iter().product::<usize>() * spec.dtype.size()];
        PictureSink { file, kind, axes, shape, image: spec.shape, dtype: spec.dtype, samples }
    }

    fn encode(&self) -> Result<(), ImageError> {
        let (rows, columns) = (self.shape[0] as u32, self.shape[1] as u32);
        let color = match (self.shape[2], self.dtype) {
            (1, DType::U16) => ExtendedColorType::L16,
            (1, _) => ExtendedColorType::L8,
            (_, DType::U16) => ExtendedColorType::Rgb16,
            (_, _) => ExtendedColorType::Rgb8,
        };
        let mut out = std::io::BufWriter::new(self.file.file());
        match self.kind {
            Kind::Jpeg => image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY).write_image(
                &self.samples,
                columns,
                rows,
                color,
            ),
            Kind::Bmp => {
                image::codecs::bmp::BmpEncoder::new(&mut out).write_image(&self.samples, columns, rows, color)
            }
            _ => {
                image::codecs::png::PngEncoder::new(&mut out).write_image(&self.samples, columns, rows, color)
            }
        }?;
        std::io::Write::flush(&mut out).map_err(ImageError::IoError)
    }
}

impl Sink for PictureSink {
    fn preferred_block(&self) -> [usize; 5] {
        const ROWS: usize = 256;
        let rows = self.axes.axes()[0] as usize;
        let mut block = self.image;
        block[rows] = block[rows].min(ROWS);
        block
    }

    fn buffered(&self, _extent: [usize; 5]) -> u64 {
        self.samples.len() as u64
    }

    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let bytes = bytes_in_file_order(block, &self.axes);
        let part = self.axes.pick(&block.shape());
        let target = strides(&self.shape);
        let offset = self.axes.pick(&start).iter().zip(&target).map(|(i, s)| i * s).sum();
        copy_box(
            self.dtype.size(),
            &part,
            (&bytes, &strides(&part), 0),
            (&mut self.samples, &target, offset),
        );
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
