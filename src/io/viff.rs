//! Khoros images (VIFF, `.xv`): bands of plain samples after a header of fixed length, read in place.
//!
//! Bands are channels, as ilastik has them. Maps of colours are not followed.

use std::path::Path;
use std::sync::Arc;

use crate::data::DType;

use super::error::Error;
use super::file::SharedFile;
use super::format::{Format, ImageReader, OpenOptions};
use super::planes::read_dense;
use super::samples::ByteOrder;
use super::storage::{Found, Storage, StoredImage, byte_count};

/// Khoros images.
pub(super) struct Viff;

const HEADER: u64 = 1024;
/// Kinds of machines that a file may come from.
const MACHINES: [u8; 4] = [BIG_ENDIAN, 4, LITTLE_ENDIAN, 10];
const BIG_ENDIAN: u8 = 2;
const LITTLE_ENDIAN: u8 = 8;

/// Where the fields of the header are, each of four bytes.
mod field {
    pub(super) const COLUMNS: usize = 520;
    pub(super) const ROWS: usize = 524;
    /// 1: places of pixels are implicit; 2: places follow.
    pub(super) const LOCATIONS: usize = 548;
    pub(super) const IMAGES: usize = 556;
    pub(super) const BANDS: usize = 560;
    pub(super) const TYPE: usize = 564;
    pub(super) const ENCODING: usize = 568;
    pub(super) const MAP_SCHEME: usize = 572;
}

impl Format for Viff {
    fn name(&self) -> &'static str {
        "xv"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["xv", "viff"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        matches!(head, [0xab, 1, _, _, machine, ..] if MACHINES.contains(machine))
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let mut head = vec![0; HEADER as usize];
        file.check_range(0, HEADER, || "the header".into())?;
        file.read_at(0, &mut head)?;
        let unsupported = |what: String| Err(Error::unsupported(path, what, "convert it to TIFF or HDF5"));
        let order = match head[4] {
            BIG_ENDIAN => ByteOrder::Big,
            LITTLE_ENDIAN => ByteOrder::Little,
            other => return unsupported(format!("a Khoros image with numbers of the machine kind {other}")),
        };
        let word = |at: usize| {
            let mut bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            order.to_native(&mut bytes, 4);
            u32::from_ne_bytes(bytes)
        };
        if word(field::ENCODING) != 0 {
            return unsupported("a compressed Khoros image".into());
        }
        if word(field::MAP_SCHEME) != 0 {
            return unsupported("a Khoros image with a map of colours".into());
        }
        if word(field::LOCATIONS) == 2 {
            return unsupported("a Khoros image with a place for each pixel".into());
        }
        if word(field::IMAGES) > 1 {
            return unsupported(format!("a Khoros file of {} images", word(field::IMAGES)));
        }
        let dtype = match word(field::TYPE) {
            1 => DType::U8,
            2 => DType::I16,
            4 => DType::I32,
            5 => DType::F32,
            9 => DType::F64,
            0 => return unsupported("a Khoros image of bits".into()),
            6 | 10 => return unsupported("a Khoros image of complex numbers".into()),
            other => {
                return Err(Error::damaged(path, format!("its samples are of the unknown type {other}")));
            }
        };
        let [rows, columns, bands] = [field::ROWS, field::COLUMNS, field::BANDS].map(|at| word(at) as usize);
        let shape = vec![rows, columns, bands];
        let bytes = byte_count(&shape, dtype)
            .ok_or_else(|| Error::damaged(path, format!("an image of shape {shape:?} is impossible")))?;
        file.check_range(HEADER, bytes as u64, || format!("{bands} band(s) of {columns} x {rows} pixels"))?;
        let mut found = Found::new(shape, dtype);
        found.axes = "yxc".parse().ok();
        StoredImage::open(path, found, options, Bands { file, rows, columns, item: dtype.size(), order })
    }
}

/// Bands one after the other, as an array of rows, columns and channels.
struct Bands {
    file: Arc<SharedFile>,
    rows: usize,
    columns: usize,
    /// Bytes of a sample.
    item: usize,
    order: ByteOrder,
}

impl Storage for Bands {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let band = [self.rows, self.columns];
        let part = &shape[..2];
        let mut samples = vec![0; part.iter().product::<usize>() * self.item];
        for channel in 0..shape[2] {
            let before = (start[2] + channel) as u64 * (self.rows * self.columns * self.item) as u64;
            read_dense(&self.file, (HEADER + before, &band, self.item), &start[..2], part, &mut samples)?;
            let targets = out.chunks_exact_mut(self.item).skip(channel).step_by(shape[2]);
            for (target, sample) in targets.zip(samples.chunks_exact(self.item)) {
                target.copy_from_slice(sample);
            }
        }
        self.order.to_native(out, self.item);
        Ok(())
    }
}
