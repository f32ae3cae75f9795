//! Pictures that are a short header and uncompressed rows, written in place: Netpbm's binary maps and Sun
//! raster files.

use crate::data::{DType, Volume};
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::error::Error;
use crate::io::file::write_all_at;
use crate::io::format::{ImageSpec, Intake};
use crate::io::samples::ByteOrder;

use super::Sink;
use super::picture::picture_axes;
use super::raw::RawArray;

/// A picture being written.
pub(super) struct RawPicture {
    file: PendingFile,
    array: RawArray,
}

impl RawPicture {
    /// A graymap (`P5`) of one channel or a pixmap (`P6`) of three.
    pub(super) fn netpbm(file: PendingFile, spec: &ImageSpec) -> Result<Self, Error> {
        RawPicture::create(file, spec, 0, |[rows, columns, channels]| {
            let kind = if channels == 1 { 5 } else { 6 };
            let highest = if spec.dtype == DType::U16 { u16::MAX } else { u16::from(u8::MAX) };
            format!("P{kind}\n{columns} {rows}\n{highest}\n").into_bytes()
        })
    }

    /// 8-bit gray, or colours in the order red, green, blue; rows of an even number of bytes.
    pub(super) fn sun_raster(file: PendingFile, spec: &ImageSpec) -> Result<Self, Error> {
        const MAGIC: u32 = 0x59a6_6a95;
        const STANDARD: u32 = 1;
        const RGB: u32 = 3;
        let shape = picture_axes(spec).pick(&spec.shape);
        let padding = shape[1] * shape[2] % 2;
        RawPicture::create(file, spec, padding as u64, |[rows, columns, channels]| {
            let bytes = rows * (columns * channels + padding);
            let kind = if channels == 1 { STANDARD } else { RGB };
            // The limits of the format have been checked.
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            // No colour map: its kind and its length are 0.
            [MAGIC, number(columns), number(rows), number(8 * channels), number(bytes), kind, 0, 0]
                .into_iter()
                .flat_map(u32::to_be_bytes)
                .collect()
        })
    }

    /// A picture of the two wide axes of `spec` and its channels, after the `header` for its rows, columns and
    /// channels.
    fn create(
        file: PendingFile,
        spec: &ImageSpec,
        padding: u64,
        header: impl FnOnce([usize; 3]) -> Vec<u8>,
    ) -> Result<Self, Error> {
        let array = RawArray::new(picture_axes(spec), spec);
        let header = header([array.shape[0], array.shape[1], array.shape[2]]);
        let array = RawArray { start: header.len() as u64, order: ByteOrder::Big, padding, ..array };
        write_all_at(file.file(), 0, &header).map_err(|e| Error::io(file.target(), e))?;
        array.reserve(&file)?;
        Ok(RawPicture { file, array })
    }
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    RawArray::new(picture_axes(spec), spec).intake()
}

impl Sink for RawPicture {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        self.array.write(&self.file, start, block)
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        Ok(vec![self.file.seal()?])
    }
}
