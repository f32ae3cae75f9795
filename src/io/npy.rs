//! NumPy `.npy` files: any byte order, C or Fortran order, read in place.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use npyz::{Endianness, Order, TypeChar};

use crate::data::DType;

use super::error::Error;
use super::file::SharedFile;
use super::format::{Format, ImageReader, OpenOptions};
use super::planes::RawPlanes;
use super::samples::{ByteOrder, dtype_of};
use super::storage::{Found, Storage, StoredImage, byte_count};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy arrays.
pub(super) struct Npy;

impl Format for Npy {
    fn name(&self) -> &'static str {
        "npy"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["npy"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let (header, data_start) = header(&file)?;
        let (dtype, order) = dtype(path, &header)?;
        let extent = |&n: &u64| usize::try_from(n).ok();
        let shape: Option<Vec<usize>> = header.shape().iter().map(extent).collect();
        let shape = shape
            .filter(|shape| byte_count(shape, dtype).is_some())
            .ok_or_else(|| Error::damaged(path, format!("an array of shape {:?}", header.shape())))?;
        let bytes = byte_count(&shape, dtype).unwrap_or_default() as u64;
        file.check_range(data_start, bytes, || format!("an array of shape {shape:?} of {dtype}"))?;
        let fortran = header.order() == Order::Fortran;
        let plane = if fortran { shape.iter().rev().copied().collect() } else { shape.clone() };
        let planes = RawPlanes {
            file,
            offsets: vec![data_start],
            outer: Vec::new(),
            plane,
            item: dtype.size(),
            order,
        };
        let found = Found::new(shape, dtype);
        if fortran {
            StoredImage::open(path, found, options, Reversed { inner: planes, item: dtype.size() })
        } else {
            StoredImage::open(path, found, options, planes)
        }
    }
}

/// Parses the header; also returns where the data starts.
fn header(file: &Arc<SharedFile>) -> Result<(npyz::NpyHeader, u64), Error> {
    let path = file.path();
    // Magic, version, then the header's length as u16 (version 1) or u32 (later).
    let mut fixed = [0; 12];
    file.check_range(0, 12, || "the header".into())?;
    file.read_at(0, &mut fixed)?;
    let (prefix, length) = if fixed[6] == 1 {
        (10, u64::from(u16::from_le_bytes([fixed[8], fixed[9]])))
    } else {
        (12, u64::from(u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])))
    };
    let data_start = prefix + length;
    file.check_range(prefix, length, || "the header".into())?;
    let header = npyz::NpyHeader::from_reader(file.view().take(data_start))
        .map_err(|e| Error::damaged(path, format!("its header can't be read ({e})")))?;
    Ok((header, data_start))
}

fn dtype(path: &Path, header: &npyz::NpyHeader) -> Result<(DType, ByteOrder), Error> {
    let unsupported = |what: String| {
        Error::unsupported(
            path,
            what,
            "save it as an integer or float32 array, such as array.astype('float32')",
        )
    };
    let npyz::DType::Plain(kind) = header.dtype() else {
        return Err(unsupported("an array of records".into()));
    };
    let bits = usize::try_from(kind.size_field()).unwrap_or(usize::MAX).saturating_mul(8);
    let dtype = match kind.type_char() {
        TypeChar::Bool => Some(DType::U8),
        TypeChar::Int => dtype_of(false, true, bits),
        TypeChar::Uint => dtype_of(false, false, bits),
        TypeChar::Float => dtype_of(true, true, bits),
        _ => None,
    };
    let dtype = dtype.ok_or_else(|| unsupported(format!("the sample type '{kind}'")))?;
    let order = if kind.endianness() == Endianness::Big { ByteOrder::Big } else { ByteOrder::Little };
    Ok((dtype, order))
}

/// An array whose dimensions are those of `inner` in reverse.
struct Reversed {
    inner: RawPlanes,
    item: usize,
}

impl Storage for Reversed {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let reversed = |v: &[usize]| -> Vec<usize> { v.iter().rev().copied().collect() };
        let mut bytes = vec![0; out.len()];
        self.inner.read_box(&reversed(start), &reversed(shape), &mut bytes)?;
        // Strides of the source, listed in the order of the target's dimensions.
        let mut stride = self.item;
        let strides: Vec<usize> = shape
            .iter()
            .map(|&extent| {
                let this = stride;
                stride *= extent;
                this
            })
            .collect();
        let indices = super::planes::indices(&vec![0; shape.len()], shape);
        for (sample, index) in out.chunks_exact_mut(self.item).zip(indices) {
            let from: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            sample.copy_from_slice(&bytes[from..from + self.item]);
        }
        Ok(())
    }
}
