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
        let array = Array::read(path, file.view(), file.len())?;
        open_at(&file, 0, array, options)
    }
}

/// Opens an array that lies in a file as it is, its header at `base`.
pub(super) fn open_at(
    file: &Arc<SharedFile>,
    base: u64,
    array: Array,
    options: &OpenOptions,
) -> Result<Arc<dyn ImageReader>, Error> {
    let start = base + array.header;
    file.check_range(start, array.bytes, || {
        format!("an array of shape {:?} of {}", array.shape, array.dtype)
    })?;
    let planes = RawPlanes {
        file: Arc::clone(file),
        offsets: vec![start],
        outer: Vec::new(),
        plane: array.stored_shape(),
        item: array.dtype.size(),
        order: array.order,
    };
    array.open(file.path(), planes, options)
}

/// What an array's header says.
#[derive(Debug)]
pub(super) struct Array {
    /// Extents.
    pub(super) shape: Vec<usize>,
    /// Sample type.
    pub(super) dtype: DType,
    /// Order of a sample's bytes.
    pub(super) order: ByteOrder,
    /// Whether the first dimension varies fastest.
    fortran: bool,
    /// Bytes of the header.
    pub(super) header: u64,
    /// Bytes of the samples.
    pub(super) bytes: u64,
}

impl Array {
    /// Reads the header of an array of `len` bytes in all.
    pub(super) fn read(path: &Path, mut reader: impl Read, len: u64) -> Result<Self, Error> {
        // Magic, version, then the header's length as u16 (version 1) or u32 (later).
        let mut fixed = [0; 12];
        let cut_off =
            |need| Error::Truncated { path: path.to_owned(), what: "the header".into(), need, have: len };
        if len < fixed.len() as u64 {
            return Err(cut_off(fixed.len() as u64));
        }
        let unreadable = |e: std::io::Error| Error::damaged(path, format!("its header can't be read ({e})"));
        reader.read_exact(&mut fixed).map_err(unreadable)?;
        if !fixed.starts_with(MAGIC) {
            return Err(Error::damaged(path, "it does not begin as an array"));
        }
        let header_end = if fixed[6] == 1 {
            10 + u64::from(u16::from_le_bytes([fixed[8], fixed[9]]))
        } else {
            12 + u64::from(u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]))
        };
        if header_end > len {
            return Err(cut_off(header_end));
        }
        let mut header = fixed.to_vec();
        reader
            .take(header_end.saturating_sub(fixed.len() as u64))
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        if let Some(shape) = impossible_shape(&header) {
            return Err(Error::damaged(path, format!("an array of shape {shape}")));
        }
        let header = npyz::NpyHeader::from_reader(&header[..]).map_err(unreadable)?;
        let (dtype, order) = dtype(path, &header)?;
        let extent = |&n: &u64| usize::try_from(n).ok();
        let shape: Option<Vec<usize>> = header.shape().iter().map(extent).collect();
        let (shape, bytes) = shape
            .and_then(|shape| Some((byte_count(&shape, dtype)? as u64, shape)))
            .map(|(bytes, shape)| (shape, bytes))
            .ok_or_else(|| Error::damaged(path, format!("an array of shape {:?}", header.shape())))?;
        let fortran = header.order() == Order::Fortran;
        Ok(Array { shape, dtype, order, fortran, header: header_end, bytes })
    }

    /// Extents in the order in which the samples lie, outermost first.
    pub(super) fn stored_shape(&self) -> Vec<usize> {
        if self.fortran { self.shape.iter().rev().copied().collect() } else { self.shape.clone() }
    }

    /// The image at `path` whose samples, an array of [`Array::stored_shape`], `storage` reads.
    pub(super) fn open(
        self,
        path: &Path,
        storage: impl Storage + 'static,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let found = Found::new(self.shape, self.dtype);
        if self.fortran {
            StoredImage::open(path, found, options, Reversed { inner: storage, item: self.dtype.size() })
        } else {
            StoredImage::open(path, found, options, storage)
        }
    }
}

/// The shape in a header's text, when its extents have a product that the library can't count.
fn impossible_shape(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let (_, after) = text.split_once("'shape':")?;
    let (_, after) = after.split_once('(')?;
    let (shape, _) = after.split_once(')')?;
    let extents = shape.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let product =
        extents.map(|extent| extent.parse::<u64>().ok()).try_fold(1_u64, |n, extent| n.checked_mul(extent?));
    product.is_none().then(|| format!("({shape})"))
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
struct Reversed<S> {
    inner: S,
    item: usize,
}

impl<S: Storage> Storage for Reversed<S> {
    fn by_region(&self) -> bool {
        self.inner.by_region()
    }

    fn pieces(&self) -> Option<Vec<usize>> {
        self.inner.pieces().map(|extents| extents.into_iter().rev().collect())
    }

    fn kept_bytes(&self) -> u64 {
        self.inner.kept_bytes()
    }

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
